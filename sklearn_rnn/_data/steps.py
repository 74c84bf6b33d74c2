"""Targets, labels and weights with one value per step, in any carrier."""

from __future__ import annotations

import numpy as np

from . import arguments
from .carriers import (
    as_labels,
    float_dtype,
    is_array,
    is_ragged,
    length_of,
    numbers_or_others,
)
from .finite import check_finite
from .frames import holds_lists, rows_of_lists
from .items import pack_items
from .nested import is_nested
from .packed import Packed, offsets_of_equal
from .values import check_numeric, filled, is_missing, settled_labels


def read_steps(y, argument=arguments.Y, *, numeric=True):
    """Read one value per step as Packed (n_steps,) or (n_steps, k), the input of `settle`.

    The values are floats (numeric), or unchanged labels.
    """
    if is_ragged(y):
        packed = pack_items(y, argument, numeric=numeric)
        if packed.values.size == 0:
            raise ValueError(f"`{argument}` must have one {argument.noun} per step, got none.")
        return packed
    y = numbers_or_others(y, argument) if numeric else as_labels(y, argument)
    if y.dtype.kind == "O" and is_nested(y):
        raise ValueError(
            f"`{argument}` must not be a table whose cells are sequences: give one array per "
            f"sequence, such as `list({argument}[name])` of a frame with one column."
        )
    if y.ndim not in (2, 3) or y.size == 0:
        hint = ""
        if y.ndim == 1:
            both = " and its X as `[X]`" if argument is arguments.Y else ""
            hint = f" If this is one sequence, pass it as `[{argument}]`{both}."
        raise ValueError(
            f"`{argument}` must have one {argument.noun} per step: (n_samples, n_timesteps[, k]) "
            f"or one array per sequence; got shape {y.shape}.{hint}"
        )
    if numeric:
        check_numeric(y.dtype, argument, y)
        with np.errstate(over="ignore"):  # `check_finite` reports it
            y = y.astype(float_dtype({y.dtype}), copy=False)
    n_samples, n_timesteps = y.shape[:2]
    values = np.ascontiguousarray(y).reshape(n_samples * n_timesteps, *y.shape[2:])
    return Packed(values, offsets_of_equal(n_samples, n_timesteps))


def settle(packed, y, taught=None, argument=arguments.Y, *, numeric=True):
    """Check and return the values of what `read_steps` read from y.

    Steps outside the mask `taught` (n_steps,) may hold anything, and get the value of the first
    taught step.
    """
    values = packed.values
    if numeric:
        values = filled(values, taught)
        check_finite(Packed(values.reshape(len(values), -1), packed.offsets), argument)
        return values
    if taught is not None and values.ndim == 2:
        taught = np.repeat(taught, values.shape[1])

    def where(row):
        i, step = packed.locate(row * len(values) // max(values.size, 1))
        return f"sequence {i} has {{what}} at step {step}"

    natural = isinstance(y, (list, tuple)) and not any(is_array(item) for item in y)
    labels = settled_labels(values.reshape(-1), argument, taught, natural=natural, where=where)
    return labels.reshape(values.shape)


def pack_steps(y, sequences, argument=arguments.Y, *, numeric=True, taught=None):
    """Read one value per step, in the order of `sequences`, whose lengths each must have.

    Steps outside the mask `taught` (n_steps,) may hold anything, and get the value of the first
    taught step.
    """
    rows = y if taught is None else _without_gaps(y, sequences, taught)
    packed = read_steps(rows, argument, numeric=numeric)
    _check_lengths(packed, sequences, argument)
    return settle(packed, y, taught, argument, numeric=numeric)


def raw_steps(y, sequences, argument):
    """Return the values of y for each step, unchanged, as Packed: the input of `settle`.

    A missing value in place of a whole sequence means that all of its steps are missing.
    """
    if length_of(y) == sequences.n_samples and all(map(_is_gap, y)):
        return Packed(np.full(sequences.n_steps, None, dtype=object), sequences.offsets)
    untaught = np.zeros(sequences.n_steps, dtype=bool)
    packed = read_steps(_without_gaps(y, sequences, untaught), argument, numeric=False)
    _check_lengths(packed, sequences, argument)
    return packed


def _check_lengths(packed, sequences, argument):
    """Refuse values whose number or lengths of sequences differ from those of X."""
    if packed.n_samples != sequences.n_samples:
        is_one = packed.n_samples == 1 and len(packed.values) == sequences.n_samples
        hint = " If this is one sequence, pass its X as `[X]`." if is_one else ""
        raise ValueError(
            f"`{argument}` must have one {argument.noun} per step of {sequences.n_samples} "
            f"sequences, got {packed.n_samples} sequences.{hint}"
        )
    if not np.array_equal(packed.offsets, sequences.offsets):
        i = int(np.flatnonzero(packed.lengths != sequences.lengths)[0])
        raise ValueError(
            f"`{argument}` must have one {argument.noun} per step: sequence {i} has "
            f"{sequences.lengths[i]} steps, but `{argument.item(i)}` has {packed.lengths[i]}."
            f"{_hint_at_lengths(packed.lengths, sequences) if argument is arguments.Y else ''}"
        )


def _hint_at_lengths(lengths, sequences):
    """Return advice for values whose sequences have other lengths (n_samples,) than X."""
    if np.array_equal(np.sort(lengths), np.sort(sequences.lengths)):
        return " The lengths are those of X in another order: check the order of the sequences."
    if sequences.kind == "2d" and sequences.lengths[0] % max(lengths[0], 1) == 0:
        return (
            " In a 2-D X, each column is a step: for several features per step, pass a 3-D array, "
            "a list or a nested table (`sklearn_rnn.preprocessing.to_nested`)."
        )
    if _are_codes(sequences) and (lengths >= sequences.lengths).all():
        return (
            " If `X` are texts that a TokenEncoder cuts into tokens: by default it leaves out "
            "punctuation and words of one letter. Pass lists of tokens, or set its `token_pattern`."
        )
    return ""


def _are_codes(sequences):
    """Tell whether sequences hold only integers from 0 on, in one feature."""
    values = sequences.values
    return sequences.n_features == 1 and bool(((values >= 0) & (values % 1 == 0)).all())


def _is_gap(item):
    """Tell whether an item is a missing value in the place of all steps of a sequence."""
    return length_of(item) is None and is_missing(item)


def _without_gaps(y, sequences, taught):
    """Replace None, or another missing value, that stands for all steps of an untaught sequence."""
    if not is_ragged(y) or len(y) != sequences.n_samples:
        return y
    y = rows_of_lists(y) if holds_lists(y) else list(y)
    gaps = [i for i, item in enumerate(y) if _is_gap(item)]
    if gaps and len(gaps) < len(y):
        shape = np.shape(next(item for item in y if length_of(item) is not None))
        for i in gaps:
            start, stop = sequences.offsets[i : i + 2]
            if not taught[start:stop].any():
                y[i] = np.full((stop - start, *shape[1:]), None, dtype=object)
    return y
