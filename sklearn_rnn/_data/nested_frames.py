"""Nested tables as frames of pandas, polars or pyarrow, or as object arrays.

None of these libraries is imported unless the caller wants a frame of it.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np

from . import arguments
from .cells import Cell
from .frames import is_frame
from .nested import NestedTable, read_nested
from .packed import Packed

LIBRARIES = ("pandas", "polars", "pyarrow")


def library_of(X):
    """Return the name of the library of a frame, None for anything else."""
    return type(X).__module__.split(".")[0] if is_frame(X) else None


def nested_like(X, sequences, values):
    """Return the features of sequences, with new values (n_steps, k), as a nested table like X."""
    names = None
    if is_frame(X):
        names = list(X.column_names if hasattr(X, "column_names") else X.columns)
        if len(names) != values.shape[1]:
            names = [f"x{j}" for j in range(values.shape[1])]
    table = NestedTable(names, tuple(np.ascontiguousarray(values.T)), sequences.offsets)
    return in_library(table, library_of(X), getattr(X, "index", None))


def with_names(X, names, library):
    """Return a nested table in a library, as `in_library` does, with other names of columns."""
    if library is not None and len(set(names)) < len(names):
        twice = next(name for j, name in enumerate(names) if name in names[:j])
        raise ValueError(
            f"`get_feature_names_out` must return distinct names for a nested table, but {twice!r} "
            "occurs twice: rename the features first, or pass `X` as a list of arrays."
        )
    if library != library_of(X):  # X is not of pandas, or the result needs no index
        return in_library(replace(read_nested(X, arguments.X), names=names), library)
    if library == "pyarrow":
        return X.rename_columns(names)
    if library is not None:
        X.columns = names
    return X


def in_library(table, library, index=None):
    """Return a `NestedTable` as a frame of a library, or as an object array if library is None.

    index: that of a frame of pandas, or None.
    """
    if library is None:
        return _as_objects(table)
    try:
        module = import_module(library)
    except ImportError as error:
        raise ImportError(
            f"A frame of {library} requires {library}, which is not installed: install it, or set "
            "frame=None for an object array."
        ) from error
    names = table.names
    if names is None:
        names = [f"x{j}" for j in range(len(table.columns))]
    if library == "pandas":
        return _as_pandas(table, names, index, module)
    if library == "polars":
        return _as_polars(table, names, module)
    arrays = [_list_array(packed, module) for packed in _packed(table)]
    return module.table(arrays, names=list(map(str, names)))


def _as_pandas(table, names, index, pandas):
    from .sequence_array import SequenceArray

    columns = [SequenceArray(packed) for packed in _packed(table)]
    frame = pandas.DataFrame(dict(enumerate(columns)), index=index)
    frame.columns = names
    return frame


def _as_polars(table, names, polars):
    sequence = "".join(map(str, names)) + "_"  # a name that no column has
    lengths = np.diff(table.offsets)
    rows = {sequence: np.repeat(np.arange(len(lengths)), lengths)}
    for name, column in zip(names, table.columns, strict=True):
        rows[str(name)] = column if column.dtype.kind in "biuf" else column.tolist()
    groups = polars.DataFrame(rows).group_by(sequence, maintain_order=True)
    return groups.agg(polars.all()).drop(sequence)


def _packed(table):
    return [Packed(column, table.offsets) for column in table.columns]


def _as_objects(table):
    """Return an object array (n_samples, n_columns) of arrays."""
    cells = np.empty((len(table.offsets) - 1, len(table.columns)), dtype=object)
    for j, packed in enumerate(_packed(table)):
        for i, cell in enumerate(packed.cut()):
            cells[i, j] = cell.view(Cell)
    return cells


def _list_array(packed, pyarrow):
    wide = packed.offsets[-1] >= 2**31
    cls, dtype = (pyarrow.LargeListArray, np.int64) if wide else (pyarrow.ListArray, np.int32)
    return cls.from_arrays(packed.offsets.astype(dtype), pyarrow.array(packed.values))
