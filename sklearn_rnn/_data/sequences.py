"""X as packed sequences: a view of an array where that is possible, a copy of a list."""

from __future__ import annotations

import numpy as np

from . import arguments
from .carriers import float_dtype, numbers_or_others
from .items import pack_items
from .packed import Sequences, offsets_of_equal
from .values import check_numeric


def pack(X, argument=arguments.X):
    """Copy a list, tuple or object array of (n_timesteps_i, n_features) or (n_timesteps_i,)."""
    packed = pack_items(X, argument, numeric=True)
    if packed.values.ndim == 1:
        return Sequences(packed.values[:, np.newaxis], packed.offsets, "ragged_1d")
    if packed.values.shape[1] == 0:
        shape = (int(packed.lengths[0]), 0)
        raise ValueError(
            f"`{argument}` must have at least 1 feature per step, "
            f"but `{argument.item(0)}` has shape {shape}."
        )
    return Sequences(packed.values, packed.offsets, "ragged")


def from_dense(X, argument=arguments.X):
    """View a 2-D or 3-D numeric array as sequences, without a copy where the layout allows it."""
    X = numbers_or_others(X, argument)
    if X.ndim not in (2, 3):
        raise ValueError(
            f"`{argument}` must be 3-D (n_samples, n_timesteps, n_features), 2-D (n_samples, "
            f"n_timesteps) or hold one sequence per item; got an array of shape {X.shape}."
        )
    for size, what in zip(X.shape, ("sequence", "step", "feature per step"), strict=False):
        if size == 0:
            raise ValueError(f"`{argument}` must have at least 1 {what}; got shape {X.shape}.")
    check_numeric(X.dtype, argument, X)
    n_samples, n_timesteps = X.shape[:2]
    with np.errstate(over="ignore"):  # `check_finite` reports it
        X = np.ascontiguousarray(X, float_dtype({X.dtype}))
    if not X.flags.aligned:
        X = X.copy()
    values = X.reshape(n_samples * n_timesteps, *X.shape[2:] or (1,))
    return Sequences(values, offsets_of_equal(n_samples, n_timesteps), f"{X.ndim}d")
