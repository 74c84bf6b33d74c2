"""A network: its architecture (plain values) and one flat vector of parameters with named views."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

import numpy as np

from .. import _core
from .._training import initializers
from .._training.threads import blas_held_at_one_thread

FORGET_BIAS = 1.0  # initial bias of a forget gate


@dataclass(frozen=True)
class Network:
    """The architecture: all that `_core.Engine` needs besides data and threads."""

    n_features: int
    cell: str
    activation: str
    hidden_layer_sizes: tuple[int, ...]
    bidirectional: bool
    n_outputs: int
    loss: str
    huber_delta: float
    per_step: bool
    dropout: float
    dtype: str

    @property
    def layout(self):
        """List (name, offset, shape) of each array in the flat vector."""
        return _layout(
            self.n_features,
            self.cell,
            self.hidden_layer_sizes,
            self.bidirectional,
            self.n_outputs,
        )

    @property
    def n_params(self):
        _, offset, shape = self.layout[-1]
        return offset + prod(shape)

    @property
    def n_layers(self):
        """Number of recurrent layers."""
        return len(self.hidden_layer_sizes)

    @property
    def is_causal(self):
        """Whether no state depends on later steps."""
        return not self.bidirectional

    def check_size(self):
        """Raise an error if the core cannot count the parameters."""
        _ = self.layout

    def views(self, params):
        """Name the parts of a flat vector (n_params,), without copies."""
        return {
            name: params[offset : offset + prod(shape)].reshape(shape)
            for name, offset, shape in self.layout
        }

    def engine(self, lengths, batch_size, n_threads, training, memory_budget=None):
        """Make an engine with the workspace for minibatches of sequences of these lengths."""
        return _core.Engine(
            **vars(self),
            n_threads=n_threads,
            training=training,
            lengths=lengths,
            batch_size=batch_size,
            memory_budget=memory_budget,
        )


@lru_cache(maxsize=64)
def _layout(*architecture):
    return tuple(_core.parameter_layout(*architecture))


def initialize(network, rng):
    """Draw the flat vector of parameters (n_params,), independently of the data.

    Input weights and head are Glorot uniform, recurrent weights orthogonal, gate by gate. Biases
    are 0, except those of the forget gate: there 1 keeps early gradients alive (Jozefowicz et al.,
    2015).
    """
    info = _core.CELLS[network.cell]
    n_gates = len(info.gates)
    with room_for_parameters(network):
        params = np.zeros(network.n_params)
    with blas_held_at_one_thread():  # more threads could change the bits
        for name, view in network.views(params).items():
            if name == "head.weight":
                view[:] = initializers.glorot_uniform(rng, *view.shape)
            elif name.startswith("weight_ih"):
                for gate in np.split(view, n_gates):
                    gate[:] = initializers.glorot_uniform(rng, *gate.shape)
            elif name.startswith("weight_hh"):
                for gate in np.split(view, n_gates):
                    gate[:] = initializers.orthogonal(rng, len(gate))
            elif name.startswith("bias_ih") and info.forget_gate >= 0:
                np.split(view, n_gates)[info.forget_gate][:] = FORGET_BIAS
    return params.astype(network.dtype)


def room_for_parameters(network):
    """Return a context that raises MemoryError if training the parameters does not fit."""
    return _core.memory_for(
        4 * network.n_params * np.dtype(network.dtype).itemsize,
        f"The training of {network.n_params} parameters",
        f"take a smaller `hidden_layer_sizes` than {network.hidden_layer_sizes}",
    )


def predictor(network, sequences, scaling, n_threads=1):
    """Return a function params -> outputs (n_samples, n_outputs), (n_steps, n_outputs) if per step.

    scaling is mean and scale of X, each (n_features,), or None. With raw=True the function returns
    the outputs before the link.
    """
    engine = network.engine(sequences.lengths, sequences.n_samples, n_threads, training=False)
    mean, scale = scaling or (None, None)
    dataset = _core.Dataset(sequences.values, sequences.offsets, mean=mean, scale=scale)

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


def absorb_input_scale(network, params, before, after, columns):
    """Change weights so that X gives the same states with a new mean and scale as with the old.

    before, after: (mean, scale), each (n_features,). Only the weights of the marked columns
    (n_features,) change; `params` itself is not modified.
    """
    (mean, scale), (new_mean, new_scale) = before, after
    if not columns.any():
        return params
    params, j = params.astype(np.float64), np.flatnonzero(columns)
    views = network.views(params)
    for suffix in ("l0", "l0_reverse") if network.bidirectional else ("l0",):
        weight = views[f"weight_ih_{suffix}"]
        # x = (x_new new_scale + new_mean - mean) / scale
        views[f"bias_ih_{suffix}"] += weight[:, j] @ ((new_mean - mean) / scale)[j]
        weight[:, j] *= (new_scale / scale)[j]
    return params.astype(network.dtype)


def absorb_output_scale(network, params, before, after, columns):
    """Change the head so that outputs times a new scale plus a new mean stay the same.

    before, after: (mean, scale), each (n_outputs,); only the marked outputs (n_outputs,) change.
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
    return params.astype(network.dtype)


def hidden_states(network, params, sequences, scaling, layer, per_step, n_threads=1):
    """Return a layer's states (n_samples, D*H), or (n_steps, D*H) if per step; layer from 0."""
    sizes = network.hidden_layer_sizes[: layer + 1]
    below = replace(network, hidden_layer_sizes=sizes, n_outputs=0, per_step=per_step)
    return predictor(below, sequences, scaling, n_threads)(params[: below.n_params])


def ready(engine):
    """Return the context in which an engine may be used: BLAS at one thread, if it calls BLAS."""
    return blas_held_at_one_thread() if engine.uses_blas else nullcontext()
