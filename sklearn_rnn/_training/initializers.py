"""Initial values, drawn gate by gate: a gate has one (H, I) and one (H, H) matrix."""

import numpy as np

from .. import _core
from .._memory import check_room_for_blas

# ---- Weights of a gate (n_out, n_in), drawn from (rng, n_out, n_in) -----------------------------


def uniform(rng, n_out, n_in, variance):
    bound = np.sqrt(3.0 * variance)
    return rng.uniform(-bound, bound, (n_out, n_in))


def normal(rng, n_out, n_in, variance):
    return rng.normal(0.0, np.sqrt(variance), (n_out, n_in))


def glorot_uniform(rng, n_out, n_in):
    """Draw uniformly within sqrt(6 / (n_in + n_out)) (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_out, n_in))


def glorot_normal(rng, n_out, n_in):
    """Draw with variance 2 / (n_in + n_out) (Glorot and Bengio, 2010)."""
    return normal(rng, n_out, n_in, 2.0 / (n_in + n_out))


def he_uniform(rng, n_out, n_in):
    """Draw within sqrt(6 / n_in), for rectified units (He, Zhang, Ren and Sun, 2015)."""
    return uniform(rng, n_out, n_in, 2.0 / n_in)


def he_normal(rng, n_out, n_in):
    """Draw with variance 2 / n_in, for rectified units (He, Zhang, Ren and Sun, 2015)."""
    return normal(rng, n_out, n_in, 2.0 / n_in)


def lecun_uniform(rng, n_out, n_in):
    """Draw within sqrt(3 / n_in) (LeCun, Bottou, Orr and Mueller, 1998)."""
    return uniform(rng, n_out, n_in, 1.0 / n_in)


def lecun_normal(rng, n_out, n_in):
    """Draw with variance 1 / n_in (LeCun, Bottou, Orr and Mueller, 1998)."""
    return normal(rng, n_out, n_in, 1.0 / n_in)


def pytorch(rng, n_out, n_in):
    """Draw within 1 / sqrt(H) for H units, as `torch.nn.RNN`, `LSTM` and `GRU` do."""
    bound = 1.0 / np.sqrt(n_out)
    return rng.uniform(-bound, bound, (n_out, n_in))


def orthogonal(rng, n_out, n_in):
    """Draw a uniformly distributed orthogonal matrix (Saxe, McClelland and Ganguli, 2014).

    If it is not square, its shorter side is orthonormal.
    """
    drawn = rng.standard_normal((max(n_out, n_in), min(n_out, n_in)))
    check_room_for_blas(1)
    q, r = np.linalg.qr(drawn)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if n_out >= n_in else q.T


def identity(rng, n_out, n_in):
    """Return the identity, with which rectified units begin as sums (Le, Jaitly, Hinton, 2015)."""
    return np.eye(n_out)


def zeros(rng, n_out, n_in):
    return np.zeros((n_out, n_in))


WEIGHTS = {
    function.__name__: function
    for function in (
        glorot_uniform,
        glorot_normal,
        orthogonal,
        identity,
        he_uniform,
        he_normal,
        lecun_uniform,
        lecun_normal,
        pytorch,
        zeros,
    )
}
# The weights of one number per unit, such as the diagonal U of "indrnn".
OF_VECTORS = {
    "identity": lambda rng, n_units: np.ones(n_units),
    "pytorch": lambda rng, n_units: pytorch(rng, n_units, 1)[:, 0],
    "zeros": lambda rng, n_units: np.zeros(n_units),
}


# ---- Biases -------------------------------------------------------------------------------------


def chrono(rng, memory, n_units, n_steps):
    """Draw biases (n_gates, n_units) with which a cell remembers 2 to `n_steps` steps.

    b = log(u), u uniform from 1 to n_steps - 1: a gate of this bias keeps u / (1 + u) of the state
    (Tallec and Ollivier, 2018). memory tells for each gate whether an open one keeps the state (1),
    replaces it (-1), or neither (0).
    """
    keeping = np.log(rng.uniform(1.0, max(1.0, n_steps - 1.0), n_units))
    return np.multiply.outer(memory, keeping)


BIASES = ("zeros", "pytorch", "chrono")


# ---- Arrays -------------------------------------------------------------------------------------

# By the name that the core gives: (rng, shape of a gate, constant) -> initial values.
CHOICE_OF_CORE = {
    "zeros": lambda rng, shape, constant: 0.0,
    "constants": lambda rng, shape, constant: constant,
    "glorot": lambda rng, shape, constant: glorot_uniform(rng, *(1, *shape)[-2:]).reshape(shape),
    "orthogonal": lambda rng, shape, constant: orthogonal(rng, *shape),
    "embedding": lambda rng, shape, constant: rng.uniform(-0.05, 0.05, shape),
    "from_0_to_1": lambda rng, shape, constant: rng.uniform(0.0, 1.0, shape),
}


def initialize_array(values, tensor, node, rng, n_steps):
    """Set the initial values of an array of a node, as its `initializers` or the core choose.

    n_steps is the length of the longest training sequence.
    """
    name = asked_of(node, tensor.stem)
    gates = np.split(values, tensor.n_groups)
    if name is None:
        for gate, constant in zip(gates, tensor.constants, strict=True):
            gate[...] = CHOICE_OF_CORE[tensor.initial](rng, gate.shape, constant)
    elif tensor.stem.startswith("bias"):
        _initialize_bias(gates, name, tensor, node, rng, n_steps)
    else:
        for gate in gates:
            gate[...] = _weights(name, tensor, gate.shape, rng)


def asked_of(node, stem):
    """Return the name of the initializer that a node has for a stem, or None."""
    asked = dict(node.initializers)
    general = "bias" if stem in ("bias_ih", "bias_hh") else stem
    return asked.get(stem, asked.get(general))


def _weights(name, tensor, shape, rng):
    """Draw the weights of a gate: a matrix, or a vector."""
    if name not in WEIGHTS:
        raise ValueError(f"The initializer of weights must be one of {(*WEIGHTS,)}, got {name!r}.")
    if len(shape) == 2 and not (name == "identity" and shape[0] != shape[1]):
        return WEIGHTS[name](rng, *shape)
    if len(shape) == 1 and name in OF_VECTORS:
        return OF_VECTORS[name](rng, *shape)
    needed = "a square matrix" if name == "identity" else "a matrix"
    of = "recurrent" if tensor.stem.startswith("weight_hh") else "input"
    raise ValueError(
        f"`{of}_initializer` of a cell must not be {name!r}, which needs {needed}: "
        f"{tensor.name!r} has shape {shape} per gate. Choose another initializer."
    )


def _initialize_bias(gates, name, tensor, node, rng, n_steps):
    if name not in BIASES:
        raise ValueError(f"The initializer of biases must be one of {BIASES}, got {name!r}.")
    begins_gates = tensor.initial == "constants"  # the other of two biases begins with zeros
    if name == "chrono" and begins_gates and not any(tensor.memory):
        able = [cell for cell, info in _core.CELLS.items() if any(info.memory)]
        raise ValueError(
            "The initializer 'chrono' needs a cell with a gate that keeps its state, one of "
            f"{able}, got {node.cell!r}."
        )
    if name == "pytorch":
        for gate in gates:
            gate[...] = pytorch(rng, len(gate), 1)[:, 0]
        return
    for gate in gates:
        gate[...] = 0.0
    if name == "chrono" and begins_gates:
        if n_steps is None:
            raise ValueError("The initializer 'chrono' needs the length of the longest sequence.")
        drawn = chrono(rng, tensor.memory, len(gates[0]), n_steps)
        for gate, values in zip(gates, drawn, strict=True):
            gate[...] = values
