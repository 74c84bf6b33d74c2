"""Nested tables: one row per sequence, one column per feature, and a sequence in each cell.

A nested table is a frame of pandas, polars or pyarrow, or a 2-D object array.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import arguments
from .arguments import Argument
from .carriers import as_numbers, float_dtype, refuse_masked
from .cells import read_cells
from .frames import column_names, column_of, dtypes_of, is_frame, kind_of, label_columns
from .items import first_frame
from .packed import Sequences, offsets_of
from .values import family, family_of_type, held, missing_in


@dataclass(frozen=True, eq=False)
class NestedTable:
    """The columns of a nested table: the values of all steps, one sequence after another."""

    names: list | None  # of the columns; None for an array
    columns: tuple[np.ndarray, ...]  # (n_steps,) each
    offsets: np.ndarray  # (n_samples + 1,), of the sequences in each column

    @property
    def names_or_numbers(self):
        return list(range(len(self.columns))) if self.names is None else self.names

    @property
    def labelled(self):
        """The indices of the columns that hold strings."""
        return tuple(j for j, each in enumerate(self.columns) if held(each) == "strings")

    def labels(self, j, argument):
        """Return the labels of column j; refuse missing ones."""
        labels = self.columns[j]
        missing = missing_in(labels) if labels.dtype.kind == "O" else labels != labels
        if missing.any():
            row, step = self.locate(int(np.argmax(missing)))
            raise ValueError(
                "`categorical_features` must select columns without missing values, but "
                f"`{_argument_of(j, self.names, argument)}`, row {row}, has one at step {step}: "
                "fill it first, for example with a category of its own."
            )
        return labels

    def locate(self, place):
        """Return the sequence and the step within it of a row of the columns."""
        i = int(np.searchsorted(self.offsets, place, side="right")) - 1
        return i, int(place - self.offsets[i])

    def as_sequences(self, argument):
        """Return the columns as the features of sequences; refuse columns without numbers."""
        for j, column in enumerate(self.columns):
            if family(column.dtype) != "numbers":
                _refuse_others(column, _argument_of(j, self.names, argument))
        dtype = float_dtype({column.dtype for column in self.columns})
        values = np.empty((int(self.offsets[-1]), len(self.columns)), dtype)
        with np.errstate(over="ignore"):  # `check_finite` reports it
            for j, column in enumerate(self.columns):
                values[:, j] = column
        return Sequences(values, self.offsets, "nested")


def is_nested(X):
    """Tell whether X is a frame or a 2-D array with sequences in its cells."""
    if type(X) is np.ndarray:  # most calls end here
        return X.dtype.char == "O" and X.ndim == 2 and _has_sequences(X.flat)
    if isinstance(X, np.ndarray):
        return is_nested(np.asarray(X))
    if isinstance(X, (list, tuple)) or not is_frame(X) or hasattr(type(X), "collect"):
        return False
    kinds = map(kind_of, dtypes_of(X))
    return any(
        kind == "lists or arrays"
        or (kind == "objects" and _has_sequences(np.asarray(column_of(X, j))))
        for j, kind in enumerate(kinds)
    )


def read_nested(X, argument):
    """Return the columns of a nested X; refuse cells that are missing or not sequences.

    In an object array, a column of plain numbers is repeated at each step of a sequence:
    scikit-learn's chains of estimators append their predictions as such columns.
    """
    refuse_masked(X, argument)
    if len(X) == 0:
        raise ValueError(f"`{argument}` must hold at least one sequence, but is empty.")
    names = _names_of(X, argument)
    n_columns = X.shape[1] if names is None else len(names)
    arguments_of = [_argument_of(j, names, argument) for j in range(n_columns)]
    nested = range(n_columns)
    if names is None:
        nested = [j for j in nested if _has_sequences(X[:, j])]
    columns, lengths = {}, None
    for j in nested:
        column = _column(X, j, arguments_of[j], argument)
        columns[j], own = read_cells(column, arguments_of[j], argument)
        if lengths is None:
            lengths, first = own, arguments_of[j]
        elif not np.array_equal(own, lengths):
            _refuse_lengths(own, lengths, arguments_of[j], first, argument)
    for j in set(range(n_columns)) - set(nested):
        columns[j] = np.repeat(as_numbers(X[:, j], arguments_of[j]), lengths)
    return NestedTable(names, tuple(columns[j] for j in range(n_columns)), offsets_of(lengths))


def _names_of(X, argument):
    """Return the names of the columns, which must be distinct; None for an array."""
    if not is_frame(X):
        return None
    names = column_names(X)
    if len(set(names)) < len(names):
        twice = next(name for j, name in enumerate(names) if name in names[:j])
        raise ValueError(
            f"`{argument}` must have distinct column names, but {twice!r} occurs twice: rename one."
        )
    return names


def labelled_columns(X):
    """Return the indices of the columns of strings in a list of frames or a nested table."""
    if is_nested(X):
        X = read_nested(X, arguments.X)
    if type(X) is NestedTable:
        return X.labelled
    frame = first_frame(X) if isinstance(X, (list, tuple)) else None
    return () if frame is None else label_columns(frame)


def _has_sequences(cells):
    return any(family_of_type(kind) == "lists or arrays" for kind in set(map(type, cells)))


def _argument_of(j, names, argument):
    name = f"{argument}[:, {j}]" if names is None else f"{argument}[{names[j]!r}]"
    return Argument(name, argument.holds, argument.weights, argument.whole)


def _column(X, j, column, argument):
    """Return column j; refuse a dtype that cannot hold sequences."""
    if not is_frame(X):
        return X[:, j]
    dtype = dtypes_of(X)[j]
    if kind_of(dtype) not in ("lists or arrays", "objects"):
        names, kinds = column_names(X), list(map(kind_of, dtypes_of(X)))
        nested = [k for k, kind in enumerate(kinds) if kind in ("lists or arrays", "objects")]
        alone = f"{argument}[{names[nested[0]]!r}]"
        raise ValueError(
            f"`{argument}` must have one sequence in each cell, but `{column}` holds "
            f"{kind_of(dtype)} ({dtype}): drop that column, or repeat its values at each step. If "
            f"one column holds all features of the sequences, pass only that column, {alone}."
        )
    return column_of(X, j)


def _refuse_lengths(lengths, others, column, first, argument):
    """Raise the error about the first row of a column whose length differs from the others."""
    i = int(np.argmax(lengths != others))
    raise ValueError(
        f"`{argument}` must have sequences of the same length in each row, but in row {i} "
        f"`{column}` has {lengths[i]} steps and `{first}` has {others[i]}. Resample the features "
        "of each sequence to the same steps. If scikit-learn has permuted a column, use "
        "sklearn_rnn.inspection.permutation_importance, which takes sequences of any length."
    )


def _refuse_others(values, column):
    """Raise the error about a column whose steps are not numbers."""
    what = held(values)
    advice = "convert them first, or drop that column"
    if what == "strings":
        advice = "name the column in `categorical_features` of the estimator, or drop it"
    raise ValueError(
        f"`{column}` must hold real numbers, but its cells hold {what} ({values.dtype}): {advice}."
    )
