"""Truncated back-propagation through time, as an object that carries its options."""

from __future__ import annotations

from typing import Literal

from ._documentation import Documented
from ._rules import Allowed, boolean, integer, one_of, shown
from ._typing import Integer

SCHEDULES = ("fixed", "random", "grow")
OPTIONS = {
    "steps": integer(1),
    "overlap": integer(0),
    "schedule": one_of(SCHEDULES),
    "carry": boolean,
}


class TruncatedBPTT(Documented):
    """Truncated back-propagation through time [1]_, as a value of the parameter `bptt`.

    Training cuts each sequence into windows of `steps` steps. Each window starts from the states
    at the end of the previous one, but gradients stop at its first step. The weights are updated
    after each window, so a long sequence gives many updates, and memory does not grow with its
    length. The network can still remember events of earlier windows, but it learns only from
    effects within a window.

    ``bptt=100`` is short for ``bptt=TruncatedBPTT(100)``.

    Parameters
    ----------
    steps : int
        Number of steps in a window. With ``mode="many_to_one"`` there is one window per sequence,
        its last `steps` steps; states are computed through the steps before it without a gradient.

    overlap : int, default=0
        Number of steps that a window repeats from the end of the previous one. Gradients flow
        through them but their targets do not count again, so the gradient of each target goes
        back through `overlap` steps or more (or to the start of the sequence). This is BPTT(h; h')
        of [1]_ with ``h = steps`` and ``h' = steps - overlap``. Each step is computed about
        ``steps / (steps - overlap)`` times. Must be below `steps`, and 0 with
        ``mode="many_to_one"`` or ``schedule="random"``.

    schedule : {"fixed", "random", "grow"}, default="fixed"
        How long the windows are.

        - "fixed": `steps` steps; the last window of a sequence has the rest.
        - "random": a window ends after each of its steps with probability ``1 / steps``, and the
          gradient is multiplied by ``steps / (steps - 1)`` at each step back. The mean gradient
          over all random lengths is that of whole sequences [2]_, but single gradients are
          noisier. Memory grows with the longest window of an epoch, about ``steps * log(n)``
          steps for n windows. `steps` must be at least 2.
        - "grow": `steps` steps at first. When training would stop for lack of progress (see
          `n_iter_no_change`), the length doubles instead. Training stops when doubling has
          brought no progress, when windows are as long as the longest sequence, or when memory or
          `memory_budget` is too small for longer ones. `window_lengths_` has the length in each
          epoch. `partial_fit` does not double it.

    carry : bool, default=True
        Whether a window starts from the states at the end of the previous one. If False, every
        window starts as a sequence does, and the windows of all sequences are shuffled like
        sequences. With ``mode="many_to_one"``, False means that training reads only the last
        `steps` steps of each sequence. Must be True with ``schedule="random"``.

    See Also
    --------
    RNNClassifier : Takes this as its parameter `bptt`, as `RNNRegressor` does.
    sklearn_rnn.inspection.gradient_flow : Measures how far back gradients reach.

    Notes
    -----
    With `carry` and a target per step, up to `batch_size` sequences are trained side by side: the
    first minibatch has the first window of each, the next minibatch the second ones, and so on
    until the longest sequence ends. `shuffle` changes which sequences are trained together. If
    there are fewer training sequences than `batch_size`, long ones are cut into parts, so that
    about `batch_size` parts are trained side by side; a part starts as a sequence does. Thus one
    long series is learned as `batch_size` series.

    Predictions, `score` and validation use whole sequences. Dropout masks that are constant over a
    sequence are constant over a window, and new in the next one. Learned initial states get
    gradients from the windows that start as a sequence does.

    References
    ----------
    .. [1] R. J. Williams, J. Peng, "An efficient gradient-based algorithm for on-line training of
       recurrent network trajectories", Neural Computation 2, 1990.
    .. [2] C. Tallec, Y. Ollivier, "Unbiasing truncated backpropagation through time",
       arXiv:1705.08209, 2017.

    Examples
    --------
    One long series, learned in windows of 50 steps:

    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor, TruncatedBPTT
    >>> x = np.random.RandomState(0).normal(size=(2000, 1))
    >>> y = x[:, 0] + np.roll(x[:, 0], 1)
    >>> bptt = TruncatedBPTT(50, overlap=10)
    >>> rnn = RNNRegressor(8, mode="many_to_many", bptt=bptt, max_iter=50, random_state=0)
    >>> rnn.fit([x], [y]).score([x], [y]) > 0.9
    True
    """

    def __init__(
        self,
        steps: Integer,
        overlap: Integer = 0,
        *,
        schedule: Literal["fixed", "random", "grow"] = "fixed",
        carry: bool = True,
    ) -> None:
        self.steps = steps
        self.overlap = overlap
        self.schedule = schedule
        self.carry = carry


# The rule of the parameter `bptt`; `check_options` checks the options of a TruncatedBPTT.
BPTT = Allowed(
    lambda value: value is None or isinstance(value, TruncatedBPTT) or integer(1).test(value),
    f"None, {integer(1).text}, or an object of `sklearn_rnn.TruncatedBPTT`",
    integer(1).hint,
)


def check_options(value, mode):
    """Check the options of a valid `bptt`, alone and with the parameter `mode`."""
    if not isinstance(value, TruncatedBPTT):
        return
    for name, rule in OPTIONS.items():
        if not rule.test(getattr(value, name)):
            raise _refusal(name, rule.text, value)
    if value.overlap >= value.steps:
        raise _refusal("overlap", f"below `steps`, {value.steps}", value)
    if value.overlap and mode == "many_to_one":
        raise _refusal("overlap", "0 with mode='many_to_one', which has only one target", value)
    if value.schedule != "random":
        return
    if value.steps < 2:
        raise _refusal("steps", "at least 2 with schedule='random'", value)
    if value.overlap:
        why = "0 with schedule='random', because windows may be shorter than that"
        raise _refusal("overlap", why, value)
    if not value.carry:
        why = "True with schedule='random', because its gradients need the carried states"
        raise _refusal("carry", why, value)


def _refusal(name, wanted, value):
    return ValueError(f"`{name}` of TruncatedBPTT must be {wanted}, got bptt={shown(value)}.")
