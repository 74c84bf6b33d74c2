"""Sequences in any carrier as rows of one array, without a change of dtype, and back."""

from __future__ import annotations

import numpy as np

from .._data import arguments
from .._data.carriers import as_labels, is_ragged
from .._data.frames import (
    column_names,
    is_column,
    is_frame,
    label_columns,
    labels_of,
    read_frame,
)
from .._data.items import first_frame, pack_items
from .._data.nested import is_nested, read_nested
from .._data.packed import Packed, offsets_of, offsets_of_equal
from .._data.reader import refuse_containers
from .._data.unpacking import as_objects
from .._data.values import check_numeric, family, numbers_of_objects

NUMERIC = "biuf"


def read_sequences(X, argument=arguments.X):
    """Return X as Packed rows (n_steps, n_features) or (n_steps,), and the names of its features.

    The dtype is kept: integers stay integers, float32 stays float32, strings stay strings. NaN is
    allowed. The names are the column names of frames in X, or None.
    """
    refuse_containers(X, argument)
    if is_nested(X):
        table = read_nested(X, argument)
        check_families(table.columns, table.names_or_numbers, argument)
        return Packed(np.column_stack(table.columns), table.offsets), table.names
    if is_ragged(X):
        packed, frame = _read_items(X, argument), first_frame(X)
        return packed, None if frame is None else column_names(frame)
    array = _read_array(X, argument)
    n_samples, n_timesteps = array.shape[:2]
    values = np.ascontiguousarray(array).reshape(n_samples * n_timesteps, *array.shape[2:])
    return Packed(values, offsets_of_equal(n_samples, n_timesteps)), None


def read_columns(X, argument=arguments.X):
    """Return each feature of X as an array (n_steps,), the lengths, and the names or None.

    Unlike with `read_sequences`, some features may be strings and others numbers.
    """
    refuse_containers(X, argument)
    if is_nested(X):
        table = read_nested(X, argument)
        return list(table.columns), np.diff(table.offsets), table.names
    frame = first_frame(X) if is_ragged(X) else None
    if frame is not None and label_columns(frame):
        return _columns_of_frames(X, column_names(frame), argument)
    packed, names = read_sequences(X, argument)
    return list(with_features(packed.values).T), packed.lengths, names


def check_families(columns, names, argument):
    """Refuse columns of strings beside columns of numbers, which one array cannot hold."""
    families = [family(column.dtype) for column in columns]
    if len(set(families)) > 1:
        j = next(j for j, each in enumerate(families) if each != "numbers")
        raise ValueError(
            f"`{argument}` must hold numbers in all features or strings in all features, but "
            f"{names[j]!r} holds {families[j]}: drop it, or convert it to numbers."
        )


def read_rows(X, argument=arguments.X):
    """Return X, rows of numbers or labels, as an array (n_rows,) or (n_rows, k)."""
    refuse_containers(X, argument)
    rows = read_frame(X, argument) if is_frame(X) else numbers_of_objects(as_labels(X, argument))
    if rows.ndim not in (1, 2) or len(rows) == 0:
        raise ValueError(
            f"`{argument}` must have one row per step, (n_steps,) or (n_steps, n_features); got "
            f"shape {rows.shape}."
        )
    return rows


def read_lengths(lengths, n_steps=None, argument=None):
    """Return lengths, at least 1 each, as an integer array; their sum must be n_steps if given."""
    argument = argument or arguments.Argument("lengths")
    array = np.asarray(lengths)
    if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) == 0:
        raise ValueError(
            f"`{argument}` must be integers of shape (n_samples,), one per sequence; got "
            f"{array.dtype} of shape {array.shape}."
        )
    if array.min() < 1:
        i = int(np.argmin(array))
        raise ValueError(
            f"`{argument}` must be at least 1, but `{argument.item(i)}` is {array[i]}: leave out "
            "empty sequences."
        )
    # The sum of huge int64 lengths could overflow and equal n_steps by chance.
    if n_steps is not None and (array.max() > n_steps or array.sum() != n_steps):
        raise ValueError(
            f"`{argument}` must add up to the {n_steps} rows of `X`, but the sum is "
            f"{sum(array.tolist())}."
        )
    return array.astype(np.intp)


def cut(rows, lengths):
    """Return an object array (n_samples,) of views of successive rows."""
    return as_objects(Packed(rows, offsets_of(lengths)).cut())


def with_features(values):
    """Return rows as (n_steps, n_features), also if they are (n_steps,)."""
    return values[:, np.newaxis] if values.ndim == 1 else values


def names_for(columns, known, n_features, argument="columns"):
    """Return the names of features: the given ones, those known from frames, or x0, x1, ..."""
    if columns is None:
        names = known or [f"x{j}" for j in range(n_features)]
        if len(set(map(str, names))) < len(names):
            raise ValueError(
                f"`X` must have distinct column names, got {names!r}: rename them, or pass "
                f"`{argument}`."
            )
        return names
    names = [columns] if isinstance(columns, str) else list(columns)
    if len(names) != n_features or len(set(names)) < len(names):
        raise ValueError(
            f"`{argument}` must have one name for each of the {n_features} features of `X`, all "
            f"distinct; got {names!r}."
        )
    return names


def _read_items(X, argument):
    packed = pack_items(X, argument, numeric=False)
    if packed.values.dtype.kind in NUMERIC + "U":
        return packed
    return pack_items(X, argument, numeric=True)  # of objects, or with an error that names the item


def _columns_of_frames(X, names, argument):
    """Return what `read_columns` does for a list of frames, some of whose columns hold labels."""
    frames = list(X)
    for i, frame in enumerate(frames):
        if not is_frame(frame) or column_names(frame) != names:
            raise ValueError(
                f"`{argument}` must hold only frames, with the same columns in the same order, "
                f"{names}; `{argument.item(i)}` is not such a frame."
            )
        if len(frame) == 0:
            raise ValueError(
                f"`{argument}` must have at least 1 step in each sequence, but "
                f"`{argument.item(i)}` has none."
            )
    columns = [np.concatenate([labels_of(f, j) for f in frames]) for j in range(len(names))]
    return columns, np.array([len(frame) for frame in frames]), names


def _read_array(X, argument):
    if is_frame(X):
        array = read_frame(X, argument)
    elif is_column(X):
        array = np.asarray(X)
    else:
        array = numbers_of_objects(as_labels(X, argument))
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"`{argument}` must be 3-D (n_samples, n_timesteps, n_features), 2-D (n_samples, "
            f"n_timesteps) or hold one sequence per item, and no sequence may be empty; got an "
            f"array of shape {array.shape}."
        )
    if array.dtype.kind != "U":
        check_numeric(array.dtype, argument, array)
    return array
