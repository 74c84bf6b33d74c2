"""The steps of all sequences as one table of any values, and tables cut into sequences."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from sklearn.utils import check_array

from .._data import arguments
from .._data.arguments import naming
from .._data.carriers import as_labels, is_ragged, is_sparse
from .._data.frames import (
    check_distinct,
    check_long,
    column_names,
    frame_of_labels,
    is_column,
    is_frame,
)
from .._data.items import as_list, check_column_names, first_frame, pack_items
from .._data.nested import NestedTable, is_nested, read_nested
from .._data.nested_frames import in_library, library_of
from .._data.packed import Packed, Sequences, offsets_of, offsets_of_equal
from .._data.reader import refuse_containers
from .._data.unpacking import as_objects
from .._data.values import numbers_of_objects


def stack(X, owner, form=None, argument=arguments.X):
    """Return X as Sequences whose values are a table (n_steps, n_features): an array or a frame.

    If X is a list of frames or a nested table in a frame, the table is a frame of the same library.
    It may hold anything. owner: name of the estimator's class, for errors. form: the form of X in
    `fit`, or None.
    """
    refuse_containers(X, argument)
    if is_nested(X):
        return _stack_columns(X, argument)
    if is_ragged(X):
        return _stack_items(X, argument)
    array = _array_of(X, owner, argument)
    is_one = form is not None and form.kind == "sequences" and form.n_features == 1
    if is_one and array.ndim == 2 and isinstance(X, (list, tuple)):
        return _stack_items(X, argument)  # 1-D items of equal lengths; those of `fit` were ragged
    n_samples, n_timesteps = array.shape[:2]
    values = array.reshape(n_samples * n_timesteps, *array.shape[2:] or (1,))
    return Sequences(values, offsets_of_equal(n_samples, n_timesteps), f"{array.ndim}d")


def cut(X, stacked, table):
    """Return a table (n_steps, k) as sequences in the carrier of X, from which `stacked` came.

    The steps of a frame become frames, each with the index of its item of X.
    """
    if stacked.carrier == "nested":
        return in_library(
            NestedTable(*_columns_of(table), stacked.offsets),
            library_of(X),
            getattr(X, "index", None),
        )
    n_columns = table.shape[1]
    if stacked.is_array and (n_columns == 1 or not is_frame(table)):
        shape = (stacked.n_samples, -1)
        if stacked.carrier == "3d" or n_columns > 1:
            shape = (*shape, n_columns)
        return np.asarray(table).reshape(shape)
    if is_frame(table):
        items = _cut_frame(table, stacked.offsets, X)
    else:
        values = table[:, 0] if stacked.carrier == "ragged_1d" and n_columns == 1 else table
        items = Packed(values, stacked.offsets).cut()
    if isinstance(X, tuple):
        return tuple(items)
    return as_objects(items) if isinstance(X, np.ndarray) and X.ndim == 1 else items


def as_table(result, n_steps, owner):
    """Return what a transformer gave for n_steps rows as an array or frame (n_steps, k)."""
    if is_sparse(result):
        result = result.toarray()
    if not is_frame(result):
        result = np.asarray(result)
    shape = result.shape
    if len(shape) != 2 or shape[0] != n_steps or shape[1] == 0:
        raise ValueError(
            f"`transformer` must return one row of at least one column for each step, got shape "
            f"{shape} for {n_steps} steps: {owner} cannot remove or add steps."
        )
    return result


def as_array(table):
    """Return a table (n_steps, k) as an array."""
    return np.column_stack(_columns_of(table)[1]) if is_frame(table) else table


def _stack_columns(X, argument):
    """Stack a nested table."""
    table, library = read_nested(X, argument), library_of(X)
    if library is None:
        labels = len({column.dtype.kind in "biuf" for column in table.columns}) > 1
        columns = [column.astype(object) if labels else column for column in table.columns]
        return Sequences(np.column_stack(columns), table.offsets, "nested")
    columns = dict(zip(table.names, table.columns, strict=True))
    module = import_module(library)
    frame = (module.table if library == "pyarrow" else module.DataFrame)(columns)
    return Sequences(frame, table.offsets, "nested")


def _stack_items(X, argument):
    """Stack a list, tuple, object array or column of sequences."""
    if first_frame(X) is not None:
        return _stack_frames(as_list(X), argument)
    packed = pack_items(X, argument, numeric=False)
    values = numbers_of_objects(packed.values)
    if values.ndim == 1:
        return Sequences(values[:, np.newaxis], packed.offsets, "ragged_1d")
    if values.shape[1] == 0:
        raise ValueError(f"`{argument}` must have at least 1 feature per step, but has none.")
    return Sequences(values, packed.offsets, "ragged")


def _stack_frames(items, argument):
    first = first_frame(items)
    for i, item in enumerate(items):
        if library_of(item) != library_of(first):
            raise TypeError(
                f"`{argument}` must hold only frames of one library, or no frames: it holds a "
                f"frame of {library_of(first)}, but `{argument.item(i)}` is a "
                f"{type(item).__name__} of {library_of(item) or 'no such library'}."
            )
        if len(item) == 0:
            raise ValueError(
                f"`{argument}` must have at least 1 step in each sequence, but "
                f"`{argument.item(i)}` has none."
            )
    check_column_names(items, argument)
    check_distinct(column_names(first), argument)
    if first.shape[1] == 0:
        raise ValueError(f"`{argument}` must have at least 1 feature per step, but has none.")
    with naming(argument):
        table = _concatenated(items)
    return Sequences(table, offsets_of([len(item) for item in items]), "ragged")


def _concatenated(frames):
    """Return the rows of frames as one frame; each column gets the common type of all frames."""
    library = library_of(frames[0])
    module = import_module(library)
    if library == "pandas":
        return module.concat(frames, ignore_index=True)
    if library == "polars":
        return module.concat(frames, how="vertical_relaxed")
    return module.concat_tables(frames, promote_options="permissive")


def _array_of(X, owner, argument):
    """Return X, which is no list of sequences, as an array (n_samples, n_timesteps[, k])."""
    if is_frame(X):
        check_long(X, argument)
        X = frame_of_labels(X, argument)
    elif isinstance(X, (list, tuple)) or is_column(X):
        X = as_labels(X, argument)
    if getattr(getattr(X, "dtype", None), "kind", None) == "O":
        X = numbers_of_objects(np.asarray(X))
    if getattr(X, "ndim", None) == 1 and len(X) > 0:
        raise ValueError(
            f"`{argument}` must hold sequences, got one of {len(X)} values. Reshape your data: "
            f"pass one sequence as [{argument}]."
        )
    with naming(argument):
        array = check_array(
            X,
            dtype=None,
            allow_nd=True,
            ensure_all_finite=False,  # the transformer decides
            input_name=str(argument),
            estimator=owner,
        )
    if array.ndim > 3 or 0 in array.shape:
        raise ValueError(
            f"`{argument}` must be 3-D (n_samples, n_timesteps, n_features), 2-D (n_samples, "
            "n_timesteps) or hold one sequence per item, none of them empty; got an array of shape "
            f"{array.shape}."
        )
    return np.ascontiguousarray(array)


def _columns_of(table):
    """Return the names of the columns of a table, or None, and the columns as arrays."""
    if not is_frame(table):
        return None, tuple(np.ascontiguousarray(table.T))
    names = list(table.column_names if hasattr(table, "column_names") else table.columns)
    return names, tuple(np.asarray(table[name]) for name in names)


def _cut_frame(frame, offsets, X):
    """List the frames of the rows of each sequence."""
    likes = X if isinstance(X, (list, tuple, np.ndarray)) else [None] * (len(offsets) - 1)
    items = []
    for start, stop, like in zip(offsets[:-1].tolist(), offsets[1:].tolist(), likes, strict=True):
        if not hasattr(frame, "iloc"):
            items.append(frame.slice(start, stop - start))
            continue
        item = frame.iloc[start:stop].reset_index(drop=True)
        if is_frame(like) and hasattr(like, "index"):
            item.index = like.index
        items.append(item)
    return items
