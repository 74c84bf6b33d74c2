"""One output of a fitted network for each sequence, and its gradient with respect to X."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from .. import _core
from .._data.labels import Labels
from .._data.tags import Tags
from .._data.targets import Numbers
from .._data.tasks import Tasks
from .._estimators.base import _RNNBase
from .._model.fitted import FittedModel
from .._model.network import predictor, ready
from .._rules import integer, shown
from .._training.losses import LOSSES
from .tag_slopes import slopes_of_tags

AT_ONCE = 256  # sequences whose gradients are in memory


def check_kind(rnn, *, tokens=False):
    """Refuse networks whose y is not one target per sequence or step; `tokens`: take texts, too."""
    names = ["RNNClassifier", "RNNRegressor", "MultiTaskRNN", "RNNLanguageModel"][: 3 + tokens]
    kinds = ["classes", "numbers", "tasks", "tokens"][: 3 + tokens]
    if not isinstance(rnn, _RNNBase) or rnn._HOLDS not in kinds:
        raise TypeError(
            f"`estimator` must be an {', '.join(names[:-1])} or {names[-1]}, or a Pipeline or "
            f"search that ends with one; got {type(rnn).__name__}."
        )


def plain_head(network, params):
    """Return network and float64 weights with a head whose loss does not couple the steps."""
    views, params = network.views(params), params.astype(np.float64)
    if not network.has_transitions:
        return network, params
    nodes = (*network.nodes[:-1], replace(network.nodes[-1], kind="head"))
    network = replace(network, nodes=nodes, loss="softmax", allowed=None)
    params = np.empty(network.n_params)
    for name, view in network.views(params).items():
        view[...] = views[name]
    return network, params


def reads_linked_output(network):
    """Tell whether a cell reads the output behind a link that is not the identity."""
    reads_output = any(
        source.node == len(network.nodes) - 1 for node in network.nodes for source in node.sources
    )
    return reads_output and LOSSES[network.loss].out_activation != "identity"


@dataclass(frozen=True, eq=False)
class Output:
    """The output of each sequence that is explained, a probability or a number in units of y."""

    model: FittedModel
    columns: np.ndarray  # (n_samples,) of the outputs of the network
    factors: np.ndarray  # (n_samples,) of these outputs
    rows: np.ndarray  # (n_samples,) of the outputs: sequences, or steps
    n_threads: int
    offsets: np.ndarray | None = None  # (n_samples + 1,) of the sequences

    @classmethod
    def of(cls, model, sequences, target, step, n_threads):
        """Return the output that `target` and `step` mean; None for the class is the likeliest."""
        rows = _rows(model, sequences, step)
        outputs = model.outputs(sequences, n_threads)[rows]
        columns, factors = _columns_and_factors(model, outputs, target)
        return cls(model, columns, factors, rows, n_threads, sequences.offsets)

    def take(self, indices):
        """Return the same output of some of the sequences, in this order."""
        rows = np.arange(len(indices))
        if self.model.network.per_step:
            lengths = np.diff(self.offsets)[indices]
            rows = self.rows[indices] - self.offsets[indices] + np.cumsum(lengths) - lengths
        facts = {"columns": self.columns[indices], "factors": self.factors[indices], "rows": rows}
        return replace(self, **facts, offsets=None)

    def values(self, sequences):
        """Return the outputs (n_samples,), up to a constant."""
        outputs = self.model.outputs(sequences, self.n_threads)
        return outputs[self.rows, self.columns].astype(np.float64) * self.factors

    def in_double_precision(self):
        """Return the same output of a network of dtype float64."""
        network = replace(self.model.network, dtype="float64")
        params = self.model.params.astype(np.float64)
        return replace(self, model=replace(self.model, network=network, params=params))

    def slopes(self, sequences):
        """Return the gradient with respect to the values of X (n_steps, n_features).

        The network learns targets whose loss has the gradient of the output.
        """
        network, params = plain_head(self.model.network, self.model.params)
        scaling = self.model.scale.in_use
        raw = predictor(network, sequences, scaling, self.n_threads)(params, raw=True)
        network, targets, weights, factors = self._lesson(network, raw, sequences)
        n_samples = sequences.n_samples
        facts = sequences.lengths, min(n_samples, AT_ONCE), self.n_threads
        engine = network.engine(*facts, training=True, input_gradient=True)
        engine.load(params)
        engine.weigh_by(1.0, 0.0)
        values, offsets = sequences.values, sequences.offsets
        dataset = _core.Dataset(values, offsets, targets, weights, *(scaling or (None, None)))
        d_values = np.zeros_like(values)
        for first in range(0, n_samples, AT_ONCE):
            indices = np.arange(first, min(first + AT_ONCE, n_samples), dtype=np.intp)
            with ready(engine):
                d_values += engine.loss_and_grad(dataset, indices, input_gradient=True)[2]
        d_values *= np.repeat(factors, sequences.lengths)[:, np.newaxis]
        return self.model.finite(d_values)

    def _lesson(self, network, raw, sequences):
        """Return a network, targets, weights, and factors (n_samples,) of their gradients."""
        if reads_linked_output(network):
            return self._likelihoods(network, raw)
        d_raw = self._d_raw(raw, sequences)
        # The loss of a row is the mean of (z - y)^2 over its outputs.
        targets = np.ascontiguousarray(raw - d_raw * (raw.shape[1] / 2))
        changes = {"groups": (), "quantile": 0.5, "label_smoothing": 0.0}
        network = replace(network, loss="squared_error", **changes)
        return network, targets, None, np.ones(sequences.n_samples)

    def _likelihoods(self, network, raw):
        """Return the same for a cell that reads probabilities, which another loss would change.

        The gradient of a probability p is p times that of its logarithm.
        """
        z, columns = raw[self.rows], self.columns
        if network.loss == "logistic":  # the output is the probability of the second class
            z, columns = np.hstack([np.zeros_like(z), z]), np.ones_like(columns)
        p = np.exp(z - logsumexp(z, axis=1, keepdims=True))[np.arange(len(z)), columns]
        targets, weights = np.zeros(len(raw), dtype=np.int32), np.zeros(len(raw))
        targets[self.rows], weights[self.rows] = columns, p
        return replace(network, label_smoothing=0.0), targets, weights, -self.factors

    def _d_raw(self, raw, sequences):
        """Return the gradient with respect to outputs before the link (n_rows, n_outputs)."""
        if self.model.network.has_transitions:
            chain = self.model.transition_scores()
            return slopes_of_tags(raw, sequences.offsets, self.rows, self.columns, chain)
        d_raw = np.zeros_like(raw)
        d_raw[self.rows] = _slopes_of_links(self.model.network, raw[self.rows], self.columns)
        d_raw[self.rows] *= self.factors[:, np.newaxis]
        return d_raw


def _rows(model, sequences, step):
    """Return the row of the outputs that belongs to each sequence (n_samples,)."""
    if not model.network.per_step:
        if step != -1:
            raise ValueError(
                f"`step` must be -1 with mode='many_to_one', which has one output per sequence; "
                f"got {shown(step)}."
            )
        return np.arange(sequences.n_samples)
    shortest = int(sequences.lengths.min())
    if not integer(-shortest).test(step) or step >= shortest:
        raise ValueError(
            f"`step` must be from {-shortest} to {shortest - 1}, because the shortest sequence has "
            f"{shortest} steps; got {shown(step)}."
        )
    offsets = sequences.offsets
    return offsets[:-1] + step if step >= 0 else offsets[1:] + step


def _columns_and_factors(model, outputs, target):
    """Return the columns of the outputs (n_samples,) that are meant, and their factors."""
    n, kind = len(outputs), model.target
    if isinstance(kind, (Labels, Tags)):
        classes = _classes(outputs, target, list(kind.classes))
        if outputs.shape[1] == 1:  # the probability of the second class
            return np.zeros(n, dtype=np.intp), np.where(classes == 1, 1.0, -1.0)
        return classes, np.ones(n)
    n_outputs = outputs.shape[1]
    if target is None and n_outputs == 1:
        target = 0
    if not integer(0).test(target) or target >= n_outputs:
        raise ValueError(
            f"`target` must be the number of an output, from 0 to {n_outputs - 1}, got "
            f"{shown(target)}."
        )
    return np.full(n, target, dtype=np.intp), np.full(n, _units(kind)[target])


def _units(kind):
    """Return the factors from outputs of the network to units of y (n_outputs,)."""
    if isinstance(kind, Numbers):
        return np.repeat(kind.scale.scale, kind.n_quantiles)
    if isinstance(kind, Tasks):
        return np.concatenate([_units(of_task) for of_task in kind.targets])
    return np.ones(kind.n_outputs)


def _classes(outputs, target, classes):
    """Return the number of a class for each sequence (n_samples,)."""
    if target is None:
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > 0.5).astype(np.intp)
        return outputs.argmax(axis=1)
    found = [i for i, label in enumerate(classes) if np.array_equal(label, target)]
    if not found:
        raise ValueError(
            f"`target` must be one of the classes {np.asarray(classes)}, got {target!r}."
        )
    return np.full(len(outputs), found[0], dtype=np.intp)


# ---- links --------------------------------------------------------------------------------------


def _slopes_of_links(network, raw, columns):
    """Return the gradient of one output after the link with respect to those before (n, n_outputs).

    columns (n,): which output.
    """
    slopes = np.zeros_like(raw)
    for loss, first, end in _groups(network):
        z, here = raw[:, first:end], (first <= columns) & (columns < end)
        slope = _SLOPES[LOSSES[loss].out_activation](z, np.where(here, columns - first, 0))
        slopes[here, first:end] = slope[here]
    return slopes


def _groups(network):
    """List the outputs that have a link together: (loss, first output, end)."""
    n = network.n_outputs
    if network.loss == "multitask":
        sizes = list(network.groups)
    elif network.loss == "multioutput":
        sizes = [("softmax", size) for size in network.groups]
    else:
        return [(network.loss, 0, n)]
    ends = np.cumsum([size for _, size in sizes]).tolist()
    return [(loss, end - size, end) for (loss, size), end in zip(sizes, ends, strict=True)]


def _of_softmax(z, column):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    of_column = np.eye(z.shape[1])[column]
    return (p * of_column).sum(axis=1, keepdims=True) * (of_column - p)


def _elementwise(slope):
    return lambda z, column: slope(z) * np.eye(z.shape[1])[column]


_SLOPES = {
    "identity": _elementwise(np.ones_like),
    "exp": _elementwise(np.exp),
    "logistic": _elementwise(lambda z: 0.25 / np.cosh(np.clip(z / 2, -300, 300)) ** 2),
    "softmax": _of_softmax,
}
