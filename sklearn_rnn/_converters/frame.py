"""Conversion of long tables, which have one row per step, to sequences."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from .._data.nested import NestedTable
from .._data.nested_frames import in_library
from .._data.packed import Packed, offsets_of
from .._data.unpacking import as_objects
from .._typing import Frame, SequenceNotStr
from .libraries import library
from .tables import Table, by_appearance


def from_frame(
    table: Frame,
    *,
    by: str | SequenceNotStr[str] | None = None,
    time: str | None = None,
    y: str | SequenceNotStr[str] | None = None,
    groups: str | None = None,
    sample_weight: str | None = None,
    columns: SequenceNotStr[str] | None = None,
    y_per_step: bool | None = None,
    as_frames: bool = False,
    as_nested: bool = False,
) -> Bunch:
    """Cut a long table, which has one row per step, into sequences.

    Parameters
    ----------
    table : DataFrame of pandas or polars, or Table of pyarrow
        A table with one row per step. The rows of a sequence need not be adjacent.
    by : str or list of str, default=None
        Name of the column that identifies the sequence of each row, or names of several columns
        that do so together. None means the outer levels of a pandas index that has several levels,
        such as (series, time).
    time : str, default=None
        Name of the column by which the rows of each sequence are sorted; ordered categories are
        sorted by their order. None keeps the order of the rows; with an index of several levels and
        without `by`, it means the last level.
        It is an error if two rows of a sequence have the same time.
    y : str or list of str, default=None
        Name of the column of targets or labels, or names of several such columns. If it is constant
        within every sequence, there is one target per sequence, otherwise one per step; see
        `y_per_step`.
    groups : str, default=None
        Name of a column that is constant within each sequence and says which sequences belong
        together, for splitters such as `GroupKFold`.
    sample_weight : str, default=None
        Name of the column of weights: one weight per sequence if it is constant within every
        sequence, otherwise one per step.
    columns : list of str, default=None
        Names of the columns that are features. None means all columns that have no other role. They
        must hold numbers; missing ones become NaN, which
        `sklearn_rnn.preprocessing.SequenceImputer` fills.
    y_per_step : bool, default=None
        Whether `y` has one target per step. None decides by the values, see `y`; set it if `y`
        could be constant by chance, for example in a small table for prediction.
    as_frames : bool, default=False
        Return `X` as a list of tables of the caller's library instead of arrays. They may also hold
        strings or categories, for `categorical_features` of the estimators.
    as_nested : bool, default=False
        Return `X` as a nested table of the caller's library: one row per sequence, one column per
        feature, and in each cell the values of this feature at all steps; see `to_nested`. It may
        also hold strings. In pandas, its index is `ids`, unless `by` has several names.

    Returns
    -------
    data : Bunch
        Dictionary-like, with the entries below. `X`, `y`, `groups` and `sample_weight` can be
        passed to `fit`, `cross_val_score` or `train_test_split`. The sequences are in the order in
        which they first appear in the table.

        X : object array (n_samples,) of arrays (n_timesteps_i, n_features)
            The sequences; with `as_frames` a list of tables, with `as_nested` a nested table.
        y : array of shape (n_samples,), object array of arrays (n_timesteps_i,), or None
            The targets; if `y` is a list, they have one more axis, one entry for each name.
        groups : array of shape (n_samples,) or None
            The group of each sequence.
        sample_weight : array of shape (n_samples,), object array of arrays, or None
            The weights.
        ids : array of shape (n_samples,)
            The value of `by` for each sequence; tuples if `by` has several names.
        times : object array (n_samples,) of arrays (n_timesteps_i,), or None
            The times, sorted; those of polars and pyarrow with a time zone in UTC.
        feature_names : list of str
            The names of the features.
        names : dict
            The names of the columns given as `by`, `time`, `y`, `groups` and `sample_weight`.

    Raises
    ------
    TypeError
        If `table` is of another type.
    ValueError
        If a column does not exist; if `by` or `time` has missing values, a time occurs twice in a
        sequence, or `groups` varies within a sequence; or if a feature does not hold numbers.

    See Also
    --------
    to_frame : The inverse.
    from_nested : Converts tables with one row per sequence.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_rnn.preprocessing import from_frame
    >>> table = pd.DataFrame({
    ...     "run": ["a", "a", "b", "b", "b"], "second": [1, 0, 0, 1, 2],
    ...     "volt": [2.0, 1.0, 5.0, 6.0, 7.0], "label": ["on", "on", "off", "off", "off"]})
    >>> data = from_frame(table, by="run", time="second", y="label")
    >>> data.X[0]
    array([[1.],
           [2.]])
    >>> data.y
    array(['on', 'off'], dtype=object)
    >>> data.feature_names
    ['volt']
    """
    source = Table(table)
    if as_frames and as_nested:
        raise ValueError("`as_frames` and `as_nested` must not both be True: choose one.")
    keys, time = _keys(source, by, time)
    roles = {"y": y, "groups": groups, "sample_weight": sample_weight}
    for role, name in roles.items():
        source.check(_listed(name, role, several=role == "y"), role)
    features = _features(source, columns, [*keys, time, *roles.values()])
    rows = _Rows(source, keys, time)
    names = {"by": by if by is not None else (keys[0] if len(keys) == 1 else keys), "time": time}
    return Bunch(
        X=_sequences(rows, features, keys, as_frames, as_nested),
        y=_per_sequence_or_step(rows, y, y_per_step),
        groups=None if groups is None else _constant(rows, groups, "groups"),
        sample_weight=_per_sequence_or_step(rows, sample_weight, None),
        ids=_ids(rows, keys),
        times=None if time is None else as_objects(rows.cut(rows.times)),
        feature_names=features,
        names=names | roles,
    )


class _Rows:
    """The rows of a table, sorted into sequences."""

    def __init__(self, source, keys, time):
        self.source = source
        codes = _codes_of_sequences(source, keys)
        self.order, self.times = None, None
        if time is None:
            if (codes[1:] < codes[:-1]).any():
                self.order = _sorted_stably(codes)
        else:
            self.times, sort_by = source.times(time)
            self.order, sort_by = _order_of_times(codes, sort_by)
            self.times = np.array(self.times) if self.order is None else self.sorted(self.times)
        self.offsets = offsets_of(np.bincount(codes))
        if time is not None:
            self._refuse_equal_times(sort_by, keys, time)

    def sorted(self, array):
        """Return an array (n_rows, ...) in the order of the sequences."""
        return array if self.order is None else array[self.order]

    def cut(self, array):
        """List a view per sequence of an array that is `sorted`."""
        return Packed(array, self.offsets).cut()

    def first_change(self, name):
        """Return the first sequence in which a column varies, or None."""
        codes = self.sorted(self.source.codes(name))
        differs = codes[1:] != codes[:-1]
        differs[self.offsets[1:-1] - 1] = False
        return self._sequence_of(int(np.argmax(differs))) if differs.any() else None

    def first_rows(self, array):
        """Return the first row of each sequence of an array of the table's rows."""
        starts = self.offsets[:-1]
        return array[starts if self.order is None else self.order[starts]]

    def _sequence_of(self, row):
        return int(np.searchsorted(self.offsets, row, side="right")) - 1

    def _refuse_equal_times(self, times, keys, time):
        """Refuse two rows of a sequence at the same time; times are sorted."""
        same = times[1:] == times[:-1]
        same[self.offsets[1:-1] - 1] = False
        if same.any():
            row = int(np.argmax(same))
            key = _ids(self, keys).tolist()[self._sequence_of(row)]
            raise ValueError(
                f"`time` must not repeat in a sequence, but {_listing(keys)} {key!r} has "
                f"{str(times[row])!r} in column {time!r} twice. Remove one of these rows; or, "
                "if they belong to different sequences, name one more column in `by`; or omit "
                "`time` to keep the order of the rows in the table."
            )


# Roles of columns


def _keys(source, by, time):
    """Return the names of the columns that identify the sequences, and the name of the time."""
    if by is None and len(source.levels) < 2:
        raise ValueError(
            "`by` must name the column that identifies the sequence of each row, one of "
            f"{source.names}; or pass a pandas table with an index of several levels."
        )
    if by is None:
        if time is None:
            time = source.levels[-1]
        keys = [level for level in source.levels if level != time]
        if time not in source.levels:
            keys = keys[:-1]
    else:
        keys = _listed(by, "by")
    source.check(keys, "by")
    if time is not None:
        source.check(_listed(time, "time", several=False), "time")
    if time in keys or not keys or len(set(keys)) < len(keys):
        raise ValueError(
            "`by` must name at least one column, no column twice, and not the column of `time`; "
            f"got by={by!r} and time={time!r}."
        )
    return keys, time


def _listed(names, role, *, several=True):
    """Return one name, or a list of names, as a list; [] for None."""
    if names is None:
        return []
    if isinstance(names, (list, tuple)) and several:
        if names:
            return list(names)
    elif not hasattr(names, "__len__") or isinstance(names, str):
        return [names]
    wanted = "the name of a column of `table`" + (", or a list of names" if several else "")
    shown = repr(names) if isinstance(names, (list, tuple)) else type(names).__name__
    raise ValueError(f"`{role}` must be {wanted}, got {shown}.")


def _features(source, columns, others):
    """Return the names of the columns that are features."""
    if columns is not None:
        features = _listed(columns, "columns")
        source.check(features, "columns")
    else:
        taken = [name for names in others for name in _listed(names, "y")]
        features = [name for name in source.names if name not in taken]
    if not features or len(set(features)) < len(features):
        raise ValueError(
            f"`columns` must name at least one column, and no column twice; got {features}. The "
            f"columns of the table are {source.names}."
        )
    return features


def _listing(keys):
    return repr(keys[0]) if len(keys) == 1 else repr(keys)


# The order of rows


def _codes_of_sequences(source, keys):
    """Return the number of the sequence of each row (n_rows,), in order of appearance."""
    joined = None
    for name in keys:
        codes = source.codes(name)
        if codes.min() < 0:
            raise ValueError(
                f"`by` must have no missing values, but column {name!r} has one in row "
                f"{int(np.argmin(codes))}: leave such rows out, or fill them."
            )
        if joined is None:
            joined = codes
        else:
            pairs = joined * (int(codes.max()) + 1) + codes
            joined = by_appearance(np.unique(pairs, return_inverse=True)[1].reshape(-1))
    return joined


def _order_of_times(codes, times):
    """Return the order of rows by sequence and time (None if sorted already), and sorted times."""
    try:
        falls = (codes[1:] < codes[:-1]) | ((codes[1:] == codes[:-1]) & (times[1:] < times[:-1]))
        if not falls.any():
            return None, times
        order = np.argsort(times, kind="stable")
    except TypeError as error:
        raise ValueError(f"`time` must hold values that can be sorted: {error}.") from error
    order = order[_sorted_stably(codes[order])]
    return order, times[order]


def _sorted_stably(codes):
    # NumPy sorts integers of 16 bits by their digits, without comparisons.
    return np.argsort(codes.astype(np.uint16) if codes.max() < 1 << 16 else codes, kind="stable")


# What is returned


def _sequences(rows, features, keys, as_frames, as_nested):
    """Return X; keys: the columns that identify the sequences."""
    if as_frames:
        return rows.source.rows(features, rows.order, rows.offsets)
    if as_nested:
        return _nested(rows, features, keys)
    values = rows.sorted(rows.source.numbers(features))
    if rows.order is None:
        values = np.array(values, order="C")  # never shares memory with the table
    return as_objects(rows.cut(np.ascontiguousarray(values)))


def _nested(rows, features, keys):
    """Return X as a nested table in the library of the table, for pandas with the ids as index."""
    source = rows.source
    columns = [
        source.values(name) if source.holds_labels(name) else source.numbers([name])[:, 0]
        for name in features
    ]
    table = NestedTable(features, tuple(map(rows.sorted, columns)), rows.offsets)
    index = None
    if source.root == "pandas" and len(keys) == 1:
        index = library("pandas").Index(_ids(rows, keys), name=keys[0])
    return in_library(table, source.root, index)


def _ids(rows, keys):
    """Return the key of each sequence (n_samples,), a tuple if there are several columns."""
    columns = [rows.first_rows(rows.source.values(name)) for name in keys]
    if len(columns) == 1:
        return columns[0]
    return as_objects(list(zip(*(column.tolist() for column in columns), strict=True)))


def _constant(rows, name, role):
    """Return the value of a column in each sequence (n_samples,)."""
    i = rows.first_change(name)
    if i is not None:
        values = rows.cut(rows.sorted(rows.source.values(name)))[i].tolist()
        other = next((value for value in values if value != values[0]), values[-1])
        raise ValueError(
            f"`{role}` must be the same in all rows of a sequence, but column {name!r} has "
            f"{values[0]!r} and {other!r} in sequence {i}."
        )
    return rows.first_rows(rows.source.values(name))


def _per_sequence_or_step(rows, names, per_step):
    """Return columns (n_samples,) if they are constant in each sequence, else cut by sequence."""
    if names is None:
        return None
    listed = _listed(names, "y")
    if per_step is None:
        per_step = any(rows.first_change(name) is not None for name in listed)
    if per_step:
        columns = [rows.sorted(rows.source.values(name)) for name in listed]
        joined = _joined(columns, names)
        return as_objects(rows.cut(np.array(joined) if rows.order is None else joined))
    return _joined([_constant(rows, name, "y") for name in listed], names)


def _joined(columns, names):
    """Return columns (n_rows,) as one array: (n_rows,) for one name, (n_rows, k) for a list."""
    if not isinstance(names, (list, tuple)):
        return columns[0]
    if len({column.dtype.kind in "biuf" for column in columns}) == 1:
        return np.column_stack(columns)
    return np.column_stack([column.astype(object) for column in columns])
