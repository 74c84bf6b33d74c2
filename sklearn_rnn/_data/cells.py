"""Columns with one sequence in each cell, read into one flat array."""

from __future__ import annotations

import numpy as np

from .arguments import Argument
from .carriers import as_labels
from .frames import is_arrow, kind_of
from .values import family, family_of_type, is_missing, numbers_of_objects


class Cell(np.ndarray):
    """The steps of one sequence: an array for which ``cell != cell`` is False, not an array.

    scikit-learn looks for missing values in an array of cells by ``X != X``.
    """

    def __ne__(self, other):
        return False if other is self else super().__ne__(other)


def read_cells(column, name, argument):
    """Return the steps in the cells of a column (n_steps,), and the length of each (n_samples,).

    column: of pandas, polars or pyarrow, or an object array. name, argument: the column and its
    table, for errors.
    """
    kept = getattr(column, "array", None)  # that of a Series of pandas
    packed = getattr(kept, "packed", None)
    if packed is not None:  # a `SequenceArray`
        missing = kept.isna()
        if missing.any():
            _refuse_missing(int(np.argmax(missing)), "missing", name, argument)
        return packed.values, packed.lengths
    if hasattr(kept, "__arrow_array__") and kind_of(column.dtype) == "lists or arrays":
        column = kept.__arrow_array__()
    if is_arrow(column):
        return _read_arrow(column, name, argument)
    if hasattr(column, "null_count") and hasattr(column, "explode"):
        return _read_polars(column, name, argument)
    return _read_objects(list(column), name, argument)


def _read_arrow(column, name, argument):
    array = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    if array.null_count:
        null = array.is_null().to_numpy(zero_copy_only=False)
        _refuse_missing(int(np.argmax(null)), "null", name, argument)
    size = getattr(array.type, "list_size", None)
    lengths = np.full(len(array), size) if size is not None else np.asarray(array.value_lengths())
    steps = array.flatten()
    return _settled(steps, steps.type, lengths, name, argument)


def _read_polars(column, name, argument):
    if column.null_count():
        _refuse_missing(column.is_null().arg_max(), "null", name, argument)
    shape = getattr(column.dtype, "shape", None)  # of an Array
    lengths = column.list.len().to_numpy() if shape is None else np.full(len(column), shape[0])
    _check_lengths(lengths, name, argument)  # an empty list would become one missing step
    steps = column.explode()
    return _settled(steps, steps.dtype, lengths, name, argument)


def _settled(steps, dtype, lengths, name, argument):
    """Return the steps of a column of lists as an array, and the lengths of the lists as intp."""
    _check_lengths(lengths, name, argument)
    if kind_of(dtype) == "lists or arrays":
        _refuse_axes(0, f"holds lists of {dtype}", name, argument)
    return numbers_of_objects(np.asarray(steps)), lengths.astype(np.intp)


def _read_objects(cells, name, argument):
    for kind in set(map(type, cells)):
        if family_of_type(kind) != "lists or arrays":
            i = next(i for i, cell in enumerate(cells) if type(cell) is kind)
            _refuse_missing(i, repr(cells[i]), name, argument, missing=is_missing(cells[i]))
    cells = [cell.view(np.ndarray) if type(cell) is Cell else cell for cell in cells]
    if any(type(cell) is not np.ndarray or cell.dtype.kind == "O" for cell in cells):
        cells = _arrays(cells, name)
    for i, cell in enumerate(cells):
        if cell.ndim != 1:
            _refuse_axes(i, f"has shape {cell.shape}", name, argument)
    lengths = np.fromiter(map(len, cells), np.intp, len(cells))
    _check_lengths(lengths, name, argument)
    families = [family(cell.dtype) for cell in cells]
    for i, each in enumerate(families):
        if each != families[0] and not {each, families[0]} <= {"strings", "objects"}:
            raise ValueError(
                f"`{name}` must hold values of one type, but row 0 holds {families[0]} and row {i} "
                f"holds {each}: convert them."
            )
    return np.concatenate(cells), lengths


def _arrays(cells, name):
    """Return cells as arrays of numbers or labels."""

    def read(cell, argument):
        return numbers_of_objects(as_labels(cell, argument))

    try:
        return [read(cell, name) for cell in cells]
    except Exception:  # read again with the names of the cells, which take time, for the error
        return [
            read(cell, Argument(f"{name}, row {i}", name.holds)) for i, cell in enumerate(cells)
        ]


def _check_lengths(lengths, name, argument):
    if not lengths.all():
        raise ValueError(
            f"`{argument}` must have at least 1 step in each sequence, but `{name}`, row "
            f"{int(np.argmin(lengths))}, has none."
        )


def _refuse_missing(i, what, name, argument, missing=True):
    """Raise the error about a cell that is missing, or a scalar."""
    advice = "repeat that value at each step"
    if missing:
        advice = "pass NaN at each step and fill it with a SequenceImputer, or leave the row out"
    raise ValueError(
        f"`{argument}` must have one sequence in each cell, but `{name}`, row {i}, is {what}: "
        f"{advice}."
    )


def _refuse_axes(i, what, name, argument):
    raise ValueError(
        f"`{argument}` must have a 1-D sequence in each cell, and one column for each feature, but "
        f"`{name}`, row {i}, {what}. If that column holds sequences with all their features, pass "
        f"only that column: list({name})."
    )
