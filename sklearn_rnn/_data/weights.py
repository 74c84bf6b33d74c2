"""Sample weights, per sequence or per step, in any carrier."""

from __future__ import annotations

from numbers import Real

import numpy as np

from . import arguments
from .arguments import naming
from .carriers import as_numbers, is_ragged
from .finite import check_finite_rows
from .packed import Packed
from .steps import pack_steps, read_steps, settle


def read_weights(sample_weight, sequences, per_step, argument=arguments.SAMPLE_WEIGHT):
    """Return weights (n_rows,) in float64; a row is a sequence, or a step. None stays None."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(sequences.n_samples, sample_weight)
    read = step_weights if per_step else _sequence_weights
    weights = read(sample_weight, sequences, argument)
    if not np.any(weights > 0):
        raise ValueError(
            f"`{argument}` must not be all zero: at least one weight must be positive."
        )
    return weights


def step_weights(sample_weight, sequences, argument=arguments.SAMPLE_WEIGHT):
    """Read weights per sequence, or per step in any carrier, as float64 (n_steps,); None stays."""
    if sample_weight is None:
        return None
    if not is_ragged(sample_weight):
        sample_weight = as_numbers(sample_weight, argument)
        if sample_weight.ndim == 1:
            return _repeated(sample_weight, sequences, argument)
    weights = pack_steps(sample_weight, sequences, argument)
    if weights.ndim != 1:
        raise ValueError(
            f"`{argument}` must have one number per step or per sequence, "
            f"got {weights.shape[1]} per step."
        )
    _check_positive(Packed(weights, sequences.offsets), argument)
    return weights.astype(np.float64, copy=False)


def relative(weights):
    """Scale weights so that the greatest is from 1/2 to 1, and sums neither overflow nor vanish.

    The factor is a power of two, so nothing is rounded.
    """
    _, exponent = np.frexp(weights.max())
    return np.ldexp(weights, -exponent)


def _sequence_weights(sample_weight, sequences, argument):
    """Read weights (n_samples,)."""
    if is_ragged(sample_weight) and len(sample_weight) > 0:
        raise ValueError(
            f"`{argument}` must have one weight per sequence with mode='many_to_one', but it holds "
            "one array per sequence; one weight per step needs mode='many_to_many'."
        )
    with naming(argument):
        weights = as_numbers(sample_weight, argument).astype(np.float64, copy=False)
    if weights.shape != (sequences.n_samples,):
        raise ValueError(
            f"`{argument}` must have one weight per sequence, shape ({sequences.n_samples},); "
            f"got shape {weights.shape}."
        )
    check_finite_rows(weights, argument)
    if weights.min() < 0:
        i = int(np.argmin(weights))
        raise ValueError(
            f"`{argument}` must not be negative, but `{argument.item(i)}` is {weights[i]}."
        )
    return weights


def _repeated(sample_weight, sequences, argument):
    """Return weights (n_samples,) once for each step."""
    if len(sample_weight) != sequences.n_samples:
        raise ValueError(
            f"`{argument}` must have one weight per sequence: there are {sequences.n_samples} "
            f"sequences, but `{argument}` has {len(sample_weight)}."
        )
    one_step_each = read_steps(sample_weight[:, np.newaxis], argument)
    weights = settle(one_step_each, sample_weight, argument=argument)
    _check_positive(Packed(weights, one_step_each.offsets), argument)
    return np.repeat(weights.astype(np.float64), sequences.lengths)


def _check_positive(packed, argument):
    """Refuse negative weights (n_steps, ...)."""
    weights = packed.values
    if weights.min() < 0:
        step = int(np.flatnonzero(weights < 0)[0])
        i, _ = packed.locate(step)
        raise ValueError(f"`{argument}` must not be negative, got {weights[step]} in sequence {i}.")
