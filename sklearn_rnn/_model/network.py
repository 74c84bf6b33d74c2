"""A network: nodes (plain values), and one flat vector of parameters with named views."""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from .. import _core, _memory
from .._training import initializers
from .._training.threads import blas_held_at_one_thread

DATA = -1  # as a source: X itself
# Ends of the names of arrays, by the directions of a node.
SUFFIXES = {"forward": ("",), "reverse": ("_reverse",), "both": ("", "_reverse")}


@dataclass(frozen=True)
class Source:
    """A stream that a node reads, or X; at the same step or some steps before."""

    node: int  # index of the node, or DATA
    shift: int = 0  # 0, or minus the steps before (after, in a reverse direction)
    weight: str = "weight_ih"  # stem of the weights; sources of one stem share an array


@dataclass(frozen=True)
class Node:
    """One part of a network. Its stream is what it computes for each step, or once per sequence.

    ============ ====================================================================
    recurrent    the hidden states of a cell that reads its sources side by side
    drop         its source under dropout (options `rate`, and `layer` for the masks)
    add          the sum of its sources
    last         the last state of each unit, once per sequence
    dense        an activation of a linear map of its sources, each at its shift
    head         a linear map of its sources; other nodes read the output after the link
    ============ ====================================================================
    """

    kind: str
    name: str  # "l0" if its arrays are "weight_ih_l0" and so on
    sources: tuple[Source, ...]
    units: int = 0  # of a recurrent or dense node in each direction, or of the head
    cell: str = ""  # of a recurrent node
    options: tuple[tuple[str, object], ...] = ()
    directions: str = "forward"  # of a recurrent or dense node; or "reverse"; or "both"
    # Pairs (stem, name) of arrays that are not initialised as the core says.
    initializers: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Network:
    """The architecture: all that `_core.Engine` needs besides data and threads."""

    n_features: int
    nodes: tuple[Node, ...]  # the head is the last one
    loss: str
    huber_delta: float
    per_step: bool
    dtype: str
    # Step t reads steps s t, s t - 1, ..., s t - (window - 1) of X side by side; s is the stride.
    stride: int = 1
    window: int = 1

    @property
    def tensors(self):
        """List of `_core.Tensor`: each array in the flat vector."""
        return _tensors(self.n_features, self.nodes, self.window)

    @property
    def layout(self):
        """List (name, offset, shape) of each array in the flat vector."""
        return [(tensor.name, tensor.offset, tensor.shape) for tensor in self.tensors]

    @property
    def n_params(self):
        last = self.tensors[-1]
        return last.offset + prod(last.shape)

    @property
    def n_outputs(self):
        return self.nodes[-1].units

    @property
    def layers(self):
        """Indices of the recurrent nodes."""
        return [i for i, node in enumerate(self.nodes) if node.kind == "recurrent"]

    @property
    def n_layers(self):
        """Number of recurrent layers."""
        return len(self.layers)

    @property
    def is_causal(self):
        """Whether no state depends on later steps."""
        return all(node.directions == "forward" for node in self.nodes)

    def check_size(self):
        """Raise an error if the core cannot count the parameters."""
        _ = self.tensors

    def views(self, params):
        """Name the parts of a flat vector (n_params,), without copies."""
        return {
            name: params[offset : offset + prod(shape)].reshape(shape)
            for name, offset, shape in self.layout
        }

    def engine(self, lengths, batch_size, n_threads, training, memory_budget=None, **options):
        """Make an engine with the workspace for minibatches of sequences of these lengths."""
        return _core.Engine(
            **vars(self),
            n_threads=n_threads,
            training=training,
            lengths=lengths,
            batch_size=batch_size,
            memory_budget=memory_budget,
            **options,
        )

    def session(self, n_sequences):
        """Make a session for so many sequences, which arrive step by step."""
        return _core.Session(
            **vars(self),
            n_threads=1,
            training=False,
            lengths=np.ones(n_sequences, dtype=np.intp),
            batch_size=n_sequences,
            by_step=True,
            carried=True,
            session=True,
        )

    def columns(self, node, of):
        """Return which columns of a node's weights are for a source: [(stem, slice)]."""
        found, used = [], {}
        for source in self.nodes[node].sources:
            first = used.get(source.weight, 0)
            used[source.weight] = end = first + self.width(source.node)
            if source.node == of:
                found.append((source.weight, slice(first, end)))
        return found

    def width(self, node):
        """Return the number of columns of a node's stream."""
        if node == DATA:
            return self.n_features * self.window
        kind, units = self.nodes[node].kind, self.nodes[node].units
        if kind in ("recurrent", "dense", "head"):
            return units * (1 + (self.nodes[node].directions == "both"))
        return self.width(self.nodes[node].sources[0].node)


@lru_cache(maxsize=64)
def _tensors(n_features, nodes, window):
    return tuple(_core.tensors(n_features, nodes, window))


def initialize(network, rng):
    """Draw the flat vector of parameters (n_params,), independently of the data.

    Input weights and head are Glorot uniform, recurrent weights orthogonal, gate by gate. Biases
    have the constants that their cell declares.
    """
    with room_for_parameters(network):
        params = np.zeros(network.n_params)
    views = network.views(params)
    with blas_held_at_one_thread():  # more threads could change the bits
        for tensor in network.tensors:
            gates = np.split(views[tensor.name], tensor.n_groups)
            for gate, constant in zip(gates, tensor.constants, strict=True):
                gate[...] = initializers.INITIALIZERS[tensor.initial](rng, gate.shape, constant)
    return params.astype(network.dtype)


def room_for_parameters(network):
    """Return a context that raises MemoryError if training the parameters does not fit."""
    sizes = tuple(network.nodes[i].units for i in network.layers)
    return _memory.memory_for(
        4 * network.n_params * np.dtype(network.dtype).itemsize,
        f"The training of {network.n_params} parameters",
        f"take a smaller `hidden_layer_sizes` than {sizes}",
    )


def prepared(network, sequences, scaling, n_threads, **options):
    """Return an engine for predictions of sequences, with these options, and the dataset."""
    engine = network.engine(sequences.lengths, sequences.n_samples, n_threads, False, **options)
    mean, scale = scaling or (None, None)
    return engine, _core.Dataset(sequences.values, sequences.offsets, mean=mean, scale=scale)


def predictor(network, sequences, scaling, n_threads=1, **options):
    """Return a function params -> outputs (n_samples, n_outputs), (n_steps, n_outputs) if per step.

    scaling is mean and scale of X, each (n_features,), or None. With raw=True the function returns
    the outputs before the link. `options` are those of the engine.
    """
    engine, dataset = prepared(network, sequences, scaling, n_threads, **options)

    def predict(params, raw=False):
        engine.load(params)
        return engine.predict(dataset, raw=raw)

    return predict


def mean_loss(network, examples, n_threads=1):
    """Return a function params -> weighted mean loss of examples."""
    sequences = examples.sequences
    engine = network.engine(sequences.lengths, sequences.n_samples, n_threads, training=False)
    targets = examples.targets
    if targets.dtype.kind == "f":
        targets = np.ascontiguousarray(targets, dtype=network.dtype)
    dataset = replace(examples, targets=targets).dataset()

    def loss(params):
        engine.load(params)
        losses = engine.row_losses(dataset, engine.predict(dataset, raw=True))
        return float(np.average(losses, weights=examples.weights))

    return loss


# ---- weights for other scales -------------------------------------------------------------------


def _rescale_source(network, views, of, factor, shift, columns):
    """Change weights so that the layers compute the same from x_new as before from x.

    x are the values of a source, x = x_new factor + shift; only the given columns differ.
    """
    for i in network.layers:
        node = network.nodes[i]
        for (stem, place), end in product(network.columns(i, of), SUFFIXES[node.directions]):
            weight = views[f"{stem}_{node.name}{end}"][:, place]
            views[f"bias_ih_{node.name}{end}"] += weight[:, columns] @ shift[columns]
            weight[:, columns] *= factor[columns]


def absorb_input_scale(network, params, before, after, columns):
    """Change weights so that X gives the same states with a new mean and scale as with the old.

    before, after: (mean, scale), each (n_features,). Only the weights of the marked columns
    (n_features,) change; `params` itself is not modified.
    """
    (mean, scale), (new_mean, new_scale) = before, after
    if not columns.any():
        return params
    params = params.astype(np.float64)
    # x = (x_new new_scale + new_mean - mean) / scale
    factor, shift = new_scale / scale, (new_mean - mean) / scale
    _rescale_source(network, network.views(params), DATA, factor, shift, np.flatnonzero(columns))
    return params.astype(network.dtype)


def absorb_output_scale(network, params, before, after, columns):
    """Change weights so that outputs times a new scale plus a new mean stay the same.

    before, after: (mean, scale), each (n_outputs,); only the marked outputs (n_outputs,) change.
    If layers read the output, results change a little, because at the first step they read zeros.
    """
    (mean, scale), (new_mean, new_scale) = before, after
    if not columns.any():
        return params
    params, j = params.astype(np.float64), np.flatnonzero(columns)
    views = network.views(params)
    # z new_scale + new_mean = z_old scale + mean
    views["head.weight"][j] *= (scale / new_scale)[j, np.newaxis]
    views["head.bias"][j] *= (scale / new_scale)[j]
    views["head.bias"][j] += ((mean - new_mean) / new_scale)[j]
    head = len(network.nodes) - 1
    _rescale_source(network, views, head, new_scale / scale, (new_mean - mean) / scale, j)
    return params.astype(network.dtype)


def hidden_states(network, params, sequences, scaling, layer, per_step, n_threads=1):
    """Return a layer's states (n_samples, D*H), or (n_steps, D*H) if per step; layer from 0."""
    node = network.layers[layer]
    if not per_step:
        last = Node("last", "states", (Source(node),))
        network, node = replace(network, nodes=(*network.nodes, last)), len(network.nodes)
    return predictor(network, sequences, scaling, n_threads, result=node)(params)


def ready(engine):
    """Return the context in which an engine may be used: BLAS at one thread, if it calls BLAS."""
    return blas_held_at_one_thread() if engine.uses_blas else nullcontext()
