"""How far back in time the gradient of the loss reaches, by layer."""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from .. import _core
from .._estimators.parameters import check_parameters
from .._floating_point import floating_point_ignored
from .._model.network import POOLING, ready
from .._model.parts import CELL_CLASSES
from .._training.examples import Examples
from .._typing import Array, SequencesLike
from .displays.reading import last_step, network_and_X
from .outputs import AT_ONCE, check_kind, plain_head

# Between the first step back and the last: below the first number the early steps teach nothing
# beside the late ones, above the second they rule the update.
VANISHED, EXPLODED = 1e-3, 1e2


@dataclass(frozen=True, eq=False)
class GradientFlow:
    """Norms of the gradient of the loss with respect to hidden states; see `gradient_flow`.

    Attributes
    ----------
    norms : dict of str to ndarray of shape (n_timesteps,)
        By layer and direction ("l0", "l1", ..., with "_reverse"): the norm of the gradient with
        respect to the state of a sequence, the root mean square over sequences. Entry k is k steps
        back from the step whose output is taught: in time for a forward direction, towards the end
        for a reverse one.
    verdicts : dict of str to str
        By layer and direction: "vanishing", "exploding", "none" (all zeros) or "fine".
    verdict : str
        The worst of these.
    reasons : list of str
        A sentence for each layer and direction.
    advice : list of str
        What to try.

    See Also
    --------
    gradient_flow : Returns this.
    GradientFlowDisplay : Draws this.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import gradient_flow
    >>> X = np.random.RandomState(0).normal(size=(50, 20, 1))
    >>> flow = gradient_flow(RNNRegressor(16, random_state=0), X, X[:, 0, 0])
    >>> flow.norms["l0"].shape
    (20,)
    """

    norms: dict[str, Array]
    verdicts: dict[str, str]
    verdict: str
    reasons: list[str]
    advice: list[str]

    def __str__(self):
        lines = [f"The gradient flow is {_WORDS[self.verdict]}.", *self.reasons]
        if self.advice:
            lines += ["What to try:", *(f"- {each}" for each in self.advice)]
        return "\n".join(lines)


_WORDS = {
    "exploding": "exploding",
    "none": "cut: there is no gradient",
    "vanishing": "vanishing",
    "fine": "fine",
}


@floating_point_ignored
def gradient_flow(estimator: BaseEstimator, X: SequencesLike, y: Any = None) -> GradientFlow:
    """Measure how the gradient of the loss grows or shrinks on its way back through time.

    A gradient that shrinks at each step (vanishing) cannot teach what early steps mean; one that
    grows (exploding) makes training unstable (Hochreiter, 1991; Bengio et al., 1994).

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, MultiTaskRNN or RNNLanguageModel
        If it is not fitted, the network is the one with which `fit` would begin. A Pipeline or a
        search that ends with one must be fitted.
    X : sequences
        In any form that `fit` takes. A hundred sequences are enough.
    y : array-like, default=None
        Targets, in any form that `fit` takes; for an RNNLanguageModel, the classes of the texts, or
        None.

    Returns
    -------
    flow : GradientFlow
        Norms by layer and step, a verdict, and advice. ``print(flow)`` shows all but the norms.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    See Also
    --------
    GradientFlowDisplay : Draws the norms.
    spectral_radius : The radii of the recurrent weights.

    Notes
    -----
    With ``mode="many_to_many"``, and for texts, the loss is that of one step only, so that the
    gradient at all other steps has come through time. This is the last step for forward directions,
    and the first step for reverse ones. With ``transitions=True``, the loss is that of one tag.

    The norm is that of the gradient with respect to the hidden state h. In "lstm", there is also
    the gradient with respect to the cell state c, which reaches h at each step through the gates.

    The norms are computed in float64, without dropout, weights of samples or penalties. If an input
    layer has a stride, steps are those of the recurrent layers.

    The verdict is about the ratio of each norm to the norm one step back from the output:
    "exploding" if the ratio is above 100 at any step; otherwise "vanishing" if it is below 0.001 at
    the first step of the longest sequences. A fitted network may rightly forget early steps if y
    does not depend on them.

    References
    ----------
    .. [1] S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991.
    .. [2] Y. Bengio, P. Simard, P. Frasconi, "Learning long-term dependencies with gradient descent
       is difficult", IEEE Transactions on Neural Networks 5(2), 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import gradient_flow
    >>> X = np.random.RandomState(0).normal(size=(50, 60, 1))
    >>> flow = gradient_flow(RNNRegressor(16, random_state=0), X, X[:, 0, 0])
    >>> flow.verdict, flow.norms["l0"].shape
    ('vanishing', (60,))
    """
    model, examples, n_threads = _read(estimator, X, y)
    network, params = plain_head(model.network, model.params)
    network = replace(network, dtype="float64", label_smoothing=0.0)
    examples = _in_double_precision(examples, network)
    ends = [-1] if network.is_causal or not network.per_step else [-1, 0]
    norms = {}
    for end in ends:
        for name, values in _norms(network, params, examples, end, n_threads).items():
            if name not in norms or (end == 0) == _is_reverse(name):
                norms[name] = values
    return judged(norms, network)


# ---- the norms ----------------------------------------------------------------------------------


def _read(estimator, X, y):
    """Return a model, X and y as examples, and the number of threads."""
    rnn = last_step(estimator)
    check_kind(rnn, tokens=True)
    if hasattr(rnn, "params_") or isinstance(estimator, Pipeline):
        rnn, X = network_and_X(estimator, X)
        model = rnn._fitted_model()
    else:
        model = _first_model(rnn, X, y)
    if rnn._HOLDS == "tokens":
        texts = rnn._texts(X, y, None, model.target)
        return model, replace(texts.examples, weights=None), rnn._threads()
    per_step = model.network.per_step
    facts = per_step, model.form, model.categories
    sequences, _, _, rows, weights = rnn._read((X, y, None), *facts, target=model.target)
    taught = slice(None) if weights is None else weights > 0
    targets = model.target.encode_taught(rows, taught)
    examples = Examples(sequences, targets, weights, per_step, model.scale.in_use)
    return model, examples, rnn._threads()


def _first_model(rnn, X, y):
    """Return the model with which `fit` would begin; its generator does not go on."""
    rnn = copy(rnn).set_params(random_state=deepcopy(rnn.random_state))
    words = check_parameters(rnn._params())
    nothing = (None, None, None, None)
    model, training, _ = rnn._prepare(words, (X, y, None, None), nothing, False, {})
    return replace(model, params=training.progress.params)


def _in_double_precision(examples, network):
    targets = examples.targets
    if targets.dtype.kind == "f":
        targets = np.ascontiguousarray(targets, dtype=network.dtype)
    return replace(examples, targets=targets)


def _norms(network, params, examples, end, n_threads):
    """Return norms by node and direction, by steps back; the loss is that of one step per sequence.

    end: -1, the last step is taught, or 0, the first one.
    """
    lengths = (examples.sequences.lengths - 1) // network.stride + 1
    squares, counts = {}, np.zeros(lengths.max())
    for length in np.unique(lengths):
        of_length = np.flatnonzero(lengths == length)
        counts[:length] += len(of_length)
        for first in range(0, len(of_length), AT_ONCE):
            indices = of_length[first : first + AT_ONCE]
            found = _norms_of_equal(network, params, examples.take(indices), end, n_threads)
            for name, norms in found.items():
                norms = norms if _is_reverse(name) else norms[::-1]
                sums = squares.setdefault(name, np.zeros(len(counts)))
                sums[:length] += norms**2
    return {name: np.sqrt(sums / counts) for name, sums in squares.items()}


def _norms_of_equal(network, params, examples, end, n_threads):
    """Return the norms, over units and sequences of one length, by node and step."""
    sequences = examples.sequences
    if network.per_step:
        weights = np.zeros(sequences.n_steps)
        weights[sequences.offsets[:-1] if end == 0 else sequences.offsets[1:] - 1] = 1.0
        if examples.weights is not None:  # steps without a target
            weights *= examples.weights > 0
        examples = replace(examples, weights=weights)
    n_samples = sequences.n_samples
    engine = network.engine(sequences.lengths, n_samples, n_threads, training=True, probe=True)
    engine.load(params)
    engine.weigh_by(1.0, 0.0)  # the loss is the sum over sequences
    with ready(engine):
        engine.loss_and_grad(examples.dataset())
    return engine.gradients_of_states()


def _is_reverse(name):
    """Tell whether a name, such as "l0_reverse", is that of a reverse direction."""
    return name.endswith("_reverse")


# ---- the verdict --------------------------------------------------------------------------------


def judged(norms, network=None):
    """Return a GradientFlow with the verdict on norms; the advice depends on the network."""
    verdicts, reasons = {}, []
    for name, values in norms.items():
        verdicts[name], reason = _judge(name, values)
        reasons.append(reason)
    worst = next(word for word in _WORDS if word in verdicts.values())
    return GradientFlow(norms, verdicts, worst, reasons, _advice(worst, norms, network))


def _judge(name, norms):
    """Return the verdict on the norms of one direction of a layer, and a sentence."""
    if not np.isfinite(norms).all():
        return "exploding", f"{name}: exploding. The gradient is not finite."
    if not norms.any():
        return "none", f"{name}: no gradient. It is zero at all steps."
    last, near = len(norms) - 1, min(1, len(norms) - 1)
    if last < 2:
        return "fine", f"{name}: fine. The sequences are too short for the gradient to change."
    base = norms[near] or norms.max()
    ratios = norms / base
    how = f"{last} steps back, the gradient is {ratios[-1]:.2g} times that one step back"
    if ratios[near:].max() > EXPLODED:
        return "exploding", f"{name}: exploding. {how}; at most it is {ratios.max():.2g} times."
    if ratios[-1] < VANISHED:
        reach = near + int(np.argmax(ratios[near:] < 0.01))
        return "vanishing", f"{name}: vanishing. {how}; it falls below 1 % {reach} steps back."
    return "fine", f"{name}: fine. {how}."


def _advice(verdict, norms, network):
    """List what to try."""
    if verdict == "fine" or network is None:
        return []
    cells = [node.cell for node in network.nodes if node.kind == "recurrent"]
    infos = [_core.CELLS[cell] for cell in cells]
    is_gated = all(len(info.gates) > 1 for info in infos)
    is_simple = any(len(info.gates) == 1 and info.hidden_product for info in infos)
    if verdict == "exploding":
        return _against_explosion(is_gated, is_simple)
    if verdict == "none":
        return [
            "Look for dead units (activation='relu' with a large `learning_rate_init`), for "
            "weights that are zero, and for a loss that is already zero."
        ]
    return _against_vanishing(network, norms, cells, is_gated, is_simple)


def _against_explosion(is_gated, is_simple):
    advice = ["max_grad_norm=1.0 limits the gradient; a smaller `learning_rate_init` helps, too."]
    if not is_gated:
        advice.append("cell='gru' or 'lstm', whose gates keep the gradient in bounds.")
    if is_simple:
        advice.append("Elman(activation='tanh', recurrent_initializer='orthogonal').")
    return advice


def _against_vanishing(network, norms, cells, is_gated, is_simple):
    advice = []
    if not is_gated:
        advice.append("cell='gru' or 'lstm', whose gates let the gradient pass.")
    if is_simple:
        advice.append(
            "Elman(activation='relu', recurrent_initializer='identity'), or IndRNN(), if the cell "
            "must stay simple."
        )
    if is_gated:
        known = CELL_CLASSES.get(cells[0])
        cell = f"{known.__name__}(" if known else f"Cell({cells[0]!r}, "
        advice.append(
            f"{cell}bias_initializer='chrono'), whose gates begin by remembering as many steps as "
            "the sequences have."
        )
    if not network.per_step and not any(node.kind in POOLING for node in network.nodes):
        advice.append("pooling='mean', 'max' or Attention(32), with a short way to all steps.")
    first, *_, last = (values.max() for values in (*norms.values(), *norms.values()))
    if first < last / 10 and not any(node.kind == "add" for node in network.nodes):
        advice.append("connections='residual': the gradient shrinks from layer to layer, too.")
    if network.stride == 1 and not network.per_step:
        advice.append("input_layers=[Conv1D(32, 5, stride=4)], which leaves fewer steps to cross.")
    advice.append("Nothing, if y does not depend on early steps.")
    return advice
