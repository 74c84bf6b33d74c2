"""Truncated back-propagation through time, as an object that carries its options."""

from sklearn.base import BaseEstimator

from ._rules import Allowed, boolean, integer, one_of, shown

SCHEDULES = ("fixed", "random", "grow")
OPTIONS = {
    "steps": integer(1),
    "overlap": integer(0),
    "schedule": one_of(SCHEDULES),
    "carry": boolean,
}


class TruncatedBPTT(BaseEstimator):
    """Truncated back-propagation through time, for `bptt` [1]_.

    Training goes through each sequence in windows of a few steps. The states after a window are
    those with which the next one begins, but gradients stop at the beginning of a window. Each
    window is learned with one update of the weights, so a long sequence gives many updates, and
    memory does not grow with its length. What is `steps` steps apart or more is not learned
    together, although the states can still connect it.

    ``bptt=100`` is short for ``bptt=TruncatedBPTT(100)``.

    Parameters
    ----------
    steps : int
        Number of steps in a window. With ``mode="many_to_one"``, gradients flow through the last
        `steps` steps of each sequence.

    overlap : int, default=0
        Number of steps at the beginning of a window that the window before has already taught.
        Gradients flow through them but their targets do not count again, so every target has
        gradients through at least `overlap` steps before it. This is BPTT(h; h') of [1]_ with
        ``h = steps`` and ``h' = steps - overlap``. Each step is computed about
        ``steps / (steps - overlap)`` times. Must be below `steps`, and 0 with
        ``mode="many_to_one"`` or ``schedule="random"``.

    schedule : {"fixed", "random", "grow"}, default="fixed"
        How long the windows are.

        - "fixed": `steps` steps; the last window of a sequence has what is left.
        - "random": a window ends after each of its steps with probability ``1 / steps``, and the
          gradient is multiplied by ``steps / (steps - 1)`` at each step back. On average over
          these lengths, this is the gradient through whole sequences [2]_, but it has more noise.
          The longest window of an epoch sets the memory, about ``steps * log(n)`` steps for n
          windows. `steps` must be at least 2.
        - "grow": `steps` steps at first. Where training would stop for lack of progress (see
          `n_iter_no_change`), the number doubles instead, until a doubled number has brought no
          progress, the longest sequence is reached, or the memory or `memory_budget` does not
          suffice. `window_lengths_` has the number in each epoch. `partial_fit` does not double
          it.

    carry : bool, default=True
        Whether a window begins with the states after the window before. If False, every window
        begins as a sequence does, and the windows of all sequences are shuffled like sequences.
        With ``mode="many_to_one"``, False means that training reads only the last `steps` steps
        of each sequence. Must be True with ``schedule="random"``.

    Notes
    -----
    With `carry` and a target per step, a minibatch is a group of up to `batch_size` sequences that
    go side by side from window to window; a sequence drops out where it ends. Only groups are
    shuffled. If there are fewer training sequences than `batch_size`, long sequences are cut into
    parts of whole windows, each of which begins as a sequence does, so that about `batch_size` of
    them go side by side. Thus one long series is learned as `batch_size` series.

    Predictions, `score` and validation go through whole sequences. Dropout masks that are the same
    at all steps of a sequence are the same at all steps of a window. Initial states that are
    learned get gradients from windows at the beginning of a sequence.

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
    >>> rnn = RNNRegressor(8, mode="many_to_many", bptt=bptt, max_iter=20, random_state=0)
    >>> rnn.fit([x], [y]).score([x], [y]) > 0.9
    True
    """

    def __init__(self, steps, overlap=0, schedule="fixed", carry=True):
        self.steps = steps
        self.overlap = overlap
        self.schedule = schedule
        self.carry = carry


# The rule of the parameter `bptt`; `check_options` checks the options of an object.
BPTT = Allowed(
    lambda value: value is None or isinstance(value, TruncatedBPTT) or integer(1).test(value),
    f"None, {integer(1).text}, or an object of `sklearn_rnn.TruncatedBPTT`",
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
        raise _refusal("overlap", "0 with mode='many_to_one', which teaches only one step", value)
    if value.schedule != "random":
        return
    if value.steps < 2:
        raise _refusal("steps", "at least 2 with schedule='random'", value)
    if value.overlap:
        raise _refusal("overlap", "0 with schedule='random', whose windows may be shorter", value)
    if not value.carry:
        why = "True with schedule='random', whose gradients continue those of the window before"
        raise _refusal("carry", why, value)


def _refusal(name, wanted, value):
    return ValueError(f"`{name}` of TruncatedBPTT must be {wanted}, got bptt={shown(value)}.")
