"""Initial values, drawn gate by gate: a gate has one (H, I) and one (H, H) matrix."""

import numpy as np

from .._memory import check_room_for_blas


def glorot_uniform(rng, n_out, n_in):
    """Draw (n_out, n_in) uniformly within sqrt(6 / (n_in + n_out)) (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_out, n_in))


def orthogonal(rng, n):
    """Draw a uniformly distributed orthogonal matrix (n, n) (Saxe et al., 2014)."""
    normal = rng.standard_normal((n, n))
    check_room_for_blas(1)
    q, r = np.linalg.qr(normal)
    return q * np.where(np.diag(r) < 0, -1.0, 1.0)


# By the name that the core gives: (rng, shape of a gate, constant) -> initial values.
INITIALIZERS = {
    "zeros": lambda rng, shape, constant: 0.0,
    "constants": lambda rng, shape, constant: constant,
    "glorot": lambda rng, shape, constant: glorot_uniform(rng, *(1, *shape)[-2:]).reshape(shape),
    "orthogonal": lambda rng, shape, constant: orthogonal(rng, shape[0]),
    "from_0_to_1": lambda rng, shape, constant: rng.uniform(0.0, 1.0, shape),
}
