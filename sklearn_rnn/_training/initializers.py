"""Initial values, drawn gate by gate: a gate has one (H, I) and one (H, H) matrix."""

import numpy as np

from .._memory import check_room_for_blas


def glorot_uniform(rng, n_out, n_in):
    """Draw (n_out, n_in) uniformly within sqrt(6 / (n_in + n_out)) (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_out, n_in))


def orthogonal(rng, n_out, n_in):
    """Draw a uniformly distributed matrix (n_out, n_in) with orthonormal rows or columns.

    Saxe et al. (2014).
    """
    normal = rng.standard_normal((max(n_out, n_in), min(n_out, n_in)))
    check_room_for_blas(1)
    q, r = np.linalg.qr(normal)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if n_out >= n_in else q.T


# By the name that the core gives: (rng, shape of a gate, constant) -> initial values.
INITIALIZERS = {
    "zeros": lambda rng, shape, constant: 0.0,
    "constants": lambda rng, shape, constant: constant,
    "glorot": lambda rng, shape, constant: glorot_uniform(rng, *shape),
    "orthogonal": lambda rng, shape, constant: orthogonal(rng, *shape),
    "from_0_to_1": lambda rng, shape, constant: rng.uniform(0.0, 1.0, shape),
}
