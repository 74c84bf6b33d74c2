"""Nested tables: one row per sequence, one column per feature, and a sequence in each cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._data import arguments
from .._data.frames import column_names, column_of, is_frame, label_columns, labels_of, read_frame
from .._data.items import first_frame
from .._data.nested import NestedTable, is_nested, read_nested
from .._data.nested_frames import LIBRARIES, in_library
from .._data.packed import Packed
from .._data.reader import read_X
from .._data.unpacking import as_objects
from .._rules import either, one_of
from .._typing import Array, Frame, FrameName, SequenceNotStr, SequencesLike

_FRAME = either(None, one_of(LIBRARIES))


def to_nested(
    X: SequencesLike,
    columns: SequenceNotStr[str] | None = None,
    *,
    frame: FrameName | None = "pandas",
) -> Frame:
    """Convert sequences to a nested table: one row per sequence and one column per feature.

    Each cell holds the values of one feature at all steps of one sequence. To scikit-learn, this is
    a two-dimensional X, so its tools for tables accept it: `ColumnTransformer`,
    `BaggingClassifier`, `AdaBoostClassifier`, `RFE`, `SequentialFeatureSelector`,
    `permutation_importance`, `OneVsOneClassifier` and so on. All estimators and transformers of
    this package read such tables as sequences of shape (n_timesteps_i, n_features).

    Parameters
    ----------
    X : sequences
        Sequences in any form that `fit` takes, including a nested table. They may hold NaN.
    columns : list of str of length n_features, default=None
        Names of the columns. None means those of frames in `X`, or x0, x1, ...
    frame : {"pandas", "polars", "pyarrow"} or None, default="pandas"
        The library of the table, which must be installed; None returns an object array.

    Returns
    -------
    table : DataFrame of pandas or polars, Table of pyarrow, or object array
        A table of shape (n_samples, n_features). The columns of a pandas frame have a dtype of this
        package, such as "sequence[float64]", which keeps the steps of all cells in one array; the
        index is that of `X`, if `X` has one. Columns of polars and pyarrow hold lists. The cells of
        an object array are arrays.

    Raises
    ------
    ImportError
        If the library is not installed.
    ValueError
        If `columns` does not have one name per feature, or `X` does not hold sequences.

    See Also
    --------
    from_nested : The inverse.
    from_frame : Tables with one row per step.

    Notes
    -----
    To store a pandas table, use ``table.to_pickle(path)``, or as Parquet
    ``table.astype(object).to_parquet(path)``. Without `astype`, pandas can read the Parquet file
    only in processes that have called `to_nested`; ``pyarrow.parquet.read_table`` always can.
    `from_nested` reads all of these. Do not use CSV: it shortens long sequences and rounds values.

    With the default, "pandas", the table works with all tools of scikit-learn that take one table.
    Other forms of nested tables fail some of their checks:

    * `RFE`, `SequentialFeatureSelector`, `OneVsOneClassifier`, `OutputCodeClassifier`,
      `SelfTrainingClassifier`, `ClassifierChain` and `RegressorChain` convert X to float64. This
      fails for 2-D object arrays and for pandas columns of dtype object.
    * These tools and AdaBoost look for NaN in X. This fails with frames of polars and pyarrow, and
      with arrays in cells that `to_nested` has not made. With
      ``sklearn.config_context(assume_finite=True)``, scikit-learn leaves this check to the
      estimators, and the tools work.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn_rnn.preprocessing import SequenceScaler, from_nested, to_nested
    >>> X = [np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([[3.0, 30.0]])]
    >>> table = to_nested(X, ["volt", "watt"])
    >>> table
          volt       watt
    0  [1. 2.]  [10. 20.]
    1     [3.]      [30.]
    >>> scale = make_column_transformer((SequenceScaler(), ["watt"]), remainder="passthrough")
    >>> from_nested(scale.fit_transform(table))[0].round(2)
    array([[-1.22,  1.  ],
           [ 0.  ,  2.  ]])
    """
    _FRAME.check("frame", frame)
    table = read_table(X, "to_nested")
    if columns is not None:
        table = replace(table, names=_names(columns, len(table.columns)))
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    return in_library(table, frame, index)


def from_nested(table: Frame) -> Array:
    """Convert a nested table to an object array with one sequence per item.

    Parameters
    ----------
    table : frame of pandas, polars or pyarrow, or object array, of shape (n_samples, n_features)
        A table with a sequence of numbers (an array or a list) in each cell. All cells of a row
        must have the same length.

    Returns
    -------
    X : object array of shape (n_samples,)
        Arrays of shape (n_timesteps_i, n_features).

    Raises
    ------
    ValueError
        If `table` is not a nested table of numbers; the message names the row and the column.

    See Also
    --------
    to_nested : The inverse.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import from_nested, to_nested
    >>> table = to_nested([[[1.0, 10.0], [2.0, 20.0]], [[3.0, 30.0]]], ["volt", "watt"])
    >>> from_nested(table)[0]
    array([[ 1., 10.],
           [ 2., 20.]])
    """
    argument = arguments.Argument("table", "features")
    if not is_nested(table):
        raise ValueError(
            "`table` must be a frame or a 2-D object array with a sequence in each cell, got "
            f"{type(table).__name__}."
        )
    sequences = read_nested(table, argument).as_sequences(argument)
    return as_objects(Packed(sequences.values, sequences.offsets).cut())


def read_table(X, owner):
    """Return X as a `NestedTable`; columns of frames may hold strings. owner: for errors."""
    if is_nested(X):
        return read_nested(X, arguments.X)
    frame = first_frame(X) if isinstance(X, (list, tuple)) else None
    labelled = () if frame is None else label_columns(frame)
    items = X if not labelled else [_without_labels(each, labelled, i) for i, each in enumerate(X)]
    sequences, _ = read_X(items, owner, allow_nan=True)
    columns = list(np.ascontiguousarray(sequences.values.T))
    for j in labelled:
        columns[j] = np.concatenate([labels_of(item, j) for item in X])
    names = None if frame is None else column_names(frame)
    return NestedTable(names, tuple(columns), sequences.offsets)


def _without_labels(frame, labelled, i):
    """Return a frame as an array, with zeros in some columns."""
    if not is_frame(frame):
        raise ValueError(
            "`X` must be a list of frames only, because some of its features are strings, but "
            f"`X[{i}]` is a {type(frame).__name__}."
        )
    zeros = np.zeros(len(column_of(frame, 0)))
    return read_frame(frame, arguments.X.item(i), dict.fromkeys(labelled, zeros))


def _names(columns, n_features):
    names = [columns] if isinstance(columns, str) or not np.iterable(columns) else list(columns)
    if len(names) != n_features or len(set(names)) < len(names):
        raise ValueError(
            f"`columns` must have one name for each of the {n_features} features of `X`, all "
            f"distinct; got {names!r}."
        )
    return names
