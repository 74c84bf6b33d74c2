"""Conversion of sequences to long tables, which have one row per step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._data.arguments import Argument
from .._data.carriers import as_labels, is_ragged
from .._data.frames import is_frame
from .._data.items import pack_items
from .._data.unpacking import as_objects
from .._data.values import missing_in
from .._rules import one_of
from .._typing import ArrayLike, Frame, FrameName, SequenceNotStr, SequencesLike, Targets
from .libraries import library
from .sequences import names_for, read_columns
from .tables import plain

_FRAME = one_of(("pandas", "polars", "pyarrow"))
_UNITS = ("D", "ms", "us", "ns")  # of times in polars
_NAMES = {"by": "id", "time": "time", "y": "y", "groups": "group", "sample_weight": "weight"}


def to_frame(
    X: SequencesLike | Mapping[str, Any],
    *,
    ids: ArrayLike | None = None,
    times: ArrayLike | None = None,
    y: Targets | None = None,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    columns: SequenceNotStr[str] | None = None,
    names: Mapping[str, Any] | None = None,
    frame: FrameName = "pandas",
) -> Frame:
    """Convert sequences to a long table, which has one row per step.

    Parameters
    ----------
    X : sequences, or Bunch of `from_frame`
        Sequences in any form that `fit` takes; they may hold NaN, integers or strings. If `X` is a
        Bunch, its entries replace the arguments that are None.
    ids : array-like of shape (n_samples,), default=None
        Values that identify the sequences in the table; None means 0, 1, ... Tuples become several
        columns.
    times : list or object array of arrays (n_timesteps_i,), default=None
        The time of each step; None means 0, 1, ... in each sequence.
    y : array-like, list or object array, default=None
        Targets, labels or predictions: one per sequence, which is repeated in all its rows, or one
        per step. Either may have several columns. A 2-D array of shape (n_samples, n_timesteps) is
        read as one target per step, unless ``names["y"]`` is a list.
    groups : array-like of shape (n_samples,), default=None
        The group of each sequence.
    sample_weight : array-like, list or object array, default=None
        The weights: one per sequence, or one per step.
    columns : list of str, default=None
        Names of the features. None means those of frames in `X`, or x0, x1, ...
    names : dict, default=None
        The names of the other columns, under the keys "by" (for `ids`), "time" (for `times`), "y",
        "groups" and "sample_weight". The defaults are "id", "time", "y", "group" and "weight".
    frame : {"pandas", "polars", "pyarrow"}, default="pandas"
        The library of the table, which must be installed.

    Returns
    -------
    table : DataFrame of pandas or polars, or Table of pyarrow
        A table with one row per step, in the order of the sequences. Its columns are `ids` and
        `times`, then the features, then `y`, `groups` and `sample_weight`.

    Raises
    ------
    ImportError
        If the library is not installed.
    ValueError, TypeError
        If the arguments do not match.

    See Also
    --------
    from_frame : The inverse.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import from_frame, to_frame
    >>> table = to_frame([[1.0, 2.0], [3.0]], ids=["a", "b"], y=[0, 1], columns=["volt"])
    >>> table
      id  time  volt  y
    0  a     0   1.0  0
    1  a     1   2.0  0
    2  b     0   3.0  1
    >>> data = from_frame(table, by="id", time="time", y="y")
    >>> to_frame(data, y=[7, 8])["y"].tolist()  # predictions in the place of y
    [7, 7, 8]
    """
    _FRAME.check("frame", frame)
    given = {"ids": ids, "times": times, "y": y, "groups": groups, "sample_weight": sample_weight}
    if isinstance(X, Mapping) and "X" in X:
        for name, value in given.items():
            given[name] = X.get(name) if value is None else value
        columns = X.get("feature_names") if columns is None else columns
        names = X.get("names") if names is None else names
        X = X["X"]
    names = _names_of(names)
    features, lengths, known = read_columns(X)
    columns = names_for(columns, known, len(features))
    table = _Columns(lengths)
    table.add_ids(given["ids"], names["by"])
    table.add_times(given["times"], names["time"])
    for name, feature in zip(columns, features, strict=True):
        table.add(name, plain(feature))
    for role in ("y", "groups", "sample_weight"):
        if given[role] is not None:
            table.add_values(given[role], names[role], Argument(role))
    return _made(table.arrays, frame)


class _Columns:
    """The columns of a long table of sequences."""

    def __init__(self, lengths):
        self.lengths = lengths
        self.arrays = {}  # name -> (n_rows,)

    def add(self, name, rows):
        if name in self.arrays:
            raise ValueError(
                f"`names` and `columns` must be distinct, but {name!r} occurs twice: rename one."
            )
        self.arrays[name] = rows

    def add_ids(self, ids, name):
        ids = np.arange(len(self.lengths)) if ids is None else _one_dimensional(ids)
        self._check_number(ids, "ids")
        if not isinstance(name, (list, tuple)):
            if any(isinstance(each, tuple) for each in ids):
                n = len(ids[0])
                raise ValueError(
                    "`names` must list the columns of `ids` under 'by' if `ids` holds tuples, got "
                    f"{name!r} for tuples of length {n}."
                )
            self.add(name, np.repeat(ids, self.lengths))
            return
        rows = [each if isinstance(each, (tuple, list)) else (each,) for each in ids]
        bad = next((len(row) for row in rows if len(row) != len(name)), None)
        if bad is not None:
            raise ValueError(
                f"`ids` must be tuples of length {len(name)}, with one entry for each of "
                f"{list(name)}; got one of length {bad}."
            )
        for each, column in zip(name, zip(*rows, strict=True), strict=True):
            self.add(each, np.repeat(plain(as_objects(list(column))), self.lengths))

    def add_times(self, times, name):
        if name is None:
            return
        if times is None:
            starts = np.cumsum(self.lengths) - self.lengths
            rows = np.arange(self.lengths.sum()) - np.repeat(starts, self.lengths)
        else:
            rows = self._rows_of_steps(times, Argument("times"))
        self.add(name, rows)

    def add_values(self, values, name, argument):
        """Add columns of values per sequence or per step."""
        listed = isinstance(name, (list, tuple))
        if self._come_per_step(values, listed):
            rows = self._rows_of_steps(values, argument)
        else:
            rows = as_labels(values, argument)
            self._check_number(rows, argument)
            rows = np.repeat(rows, self.lengths, axis=0)
        if rows.ndim > 2:
            raise ValueError(
                f"`{argument}` must have one number or one row of numbers per sequence or step, "
                f"got arrays of {rows.ndim - 1} dimensions."
            )
        several = [rows] if rows.ndim == 1 else list(rows.T)
        if not listed:
            name = [name] if rows.ndim == 1 else [f"{name}{k}" for k in range(len(several))]
        if len(name) != len(several):
            raise ValueError(
                f"`names` must have {len(several)} names under {str(argument)!r}, got {list(name)}."
            )
        for each, column in zip(name, several, strict=True):
            self.add(each, plain(column))

    def _come_per_step(self, values, listed):
        if is_ragged(values):
            return True
        shape = (values if is_frame(values) else as_labels(values, Argument("y"))).shape
        if len(shape) == 3:
            return True
        equal = (self.lengths == self.lengths[0]).all()
        return len(shape) == 2 and not listed and equal and shape[1] == self.lengths[0]

    def _rows_of_steps(self, values, argument):
        """Return values per step as rows (n_rows, ...)."""
        if is_ragged(values):
            packed = pack_items(values, argument, numeric=False)
            rows, lengths = packed.values, packed.lengths
        else:
            array = as_labels(values, argument)
            rows, lengths = array.reshape(-1, *array.shape[2:]), [array.shape[1]] * len(array)
        self._check_number(lengths, argument)
        wrong = np.flatnonzero(np.asarray(lengths) != self.lengths)
        if len(wrong):
            i = int(wrong[0])
            raise ValueError(
                f"`{argument}` must have one value per step: sequence {i} has {self.lengths[i]} "
                f"steps, `{argument.item(i)}` has {lengths[i]}."
            )
        return rows

    def _check_number(self, values, argument):
        if len(values) != len(self.lengths):
            raise ValueError(
                f"`{argument}` must have one entry per sequence: `X` has {len(self.lengths)}, "
                f"`{argument}` has {len(values)}."
            )


def _names_of(names):
    if names is not None and not (isinstance(names, Mapping) and set(names) <= set(_NAMES)):
        raise ValueError(
            f"`names` must be a dict with some of the keys {', '.join(_NAMES)}, got {names!r}."
        )
    given = {role: name for role, name in (names or {}).items() if name is not None}
    if names is not None and "time" in names and names["time"] is None:
        given["time"] = None  # from a table without times
    return _NAMES | given


def _one_dimensional(ids):
    """Return ids as an array (n_samples,), an object array if they are tuples."""
    tuples = any(isinstance(each, tuple) for each in ids)
    array = as_objects(list(ids)) if tuples else as_labels(ids, Argument("ids"))
    if array.ndim != 1:
        raise ValueError(f"`ids` must be 1-D, got shape {array.shape}.")
    return array


def _made(columns, frame):
    """Return columns as a table of a library, which infers the types of object columns."""
    if frame == "pandas":
        return library("pandas").DataFrame(columns)
    columns = {str(name): _plain_list(column) for name, column in columns.items()}
    if frame == "polars":
        return library("polars").DataFrame(columns)
    return library("pyarrow").table(columns)


def _plain_list(column):
    if column.dtype.kind == "O":
        return np.where(missing_in(column), None, column).tolist()
    if column.dtype.kind in "mM" and np.datetime_data(column.dtype)[0] not in _UNITS:
        return column.astype(f"{column.dtype.kind}8[ms]")
    return column.tolist() if column.dtype.kind == "U" else np.ascontiguousarray(column)
