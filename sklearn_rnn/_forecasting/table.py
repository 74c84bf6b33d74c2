"""Long tables of one or several series: columns of numbers, and the series and time of each row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._converters.tables import TABLE, Table, by_appearance
from .._data.arguments import Argument
from .._data.carriers import as_numbers
from .._data.frames import dtype_of, is_frame, read_column
from .._rules import shown


@dataclass(frozen=True)
class LongTable:
    """Rows grouped by series, and in time order within each series.

    names: of the columns of numbers; values (n_rows, n_columns), NaN where missing; bounds
    (n_series + 1,): series i has the rows bounds[i] to bounds[i + 1] - 1; labels (n_series,) or
    None; time (n_rows,) datetime64 or numbers, or None; rows (n_rows,): row numbers in the user's
    table; group, time_name: names of columns or None; moments: the user's column of time, in the
    user's order; library: that of the frame, or None.
    """

    names: list
    values: np.ndarray
    bounds: np.ndarray
    labels: np.ndarray | None
    time: np.ndarray | None
    rows: np.ndarray
    group: object = None
    time_name: object = None
    moments: object = None
    library: str | None = None

    @property
    def n_series(self):
        return len(self.bounds) - 1

    def numbers_of(self, columns):
        """Return the indices of columns, given their names."""
        return [self.names.index(column) for column in columns]


def read_table(table, *, group=None, time=None):
    """Return a LongTable of a frame, or of an array (n_rows, n_columns) with columns by index."""
    if is_frame(table):
        source, group, time = _frame(table, group, time)
        names, column, library = source.names, source.column, source.root
    else:
        values = as_numbers(table, TABLE)
        if values.ndim == 1:
            values = values[:, np.newaxis]
        if values.ndim != 2:
            raise ValueError(
                "`table` must be a data frame, or an array of shape (n_rows, n_columns); got shape "
                f"{values.shape}."
            )
        source, names, library = None, list(range(values.shape[1])), None
        column = {name: values[:, name] for name in names}.__getitem__
    for word, name in (("group", group), ("time", time)):
        _check_name(word, name, names)
    labels = codes = times = moments = None
    if time is not None:
        moments = column(time)
        times = as_times(moments)
    if group is not None:
        labels, codes = _series(source, column(group), group)
    kept = [name for name in names if name not in (group, time)]
    if not kept:
        raise ValueError(
            "`table` must have a column of numbers besides `group` and `time`; got none."
        )
    columns = [np.asarray(_read(column(name), name), np.float64) for name in kept]
    values = np.column_stack(columns)
    if not len(values):
        raise ValueError("`table` must have at least one row, got none.")
    infinite = np.isinf(values).any(axis=0)
    if infinite.any():
        raise ValueError(
            "`table` must hold finite numbers or NaN, but it holds infinity in column "
            f"{kept[infinite.argmax()]!r}."
        )
    return _in_order(kept, values, labels, codes, times, (group, time, moments, library))


def _frame(table, group, time):
    """Return a Table, and the names of the columns of group and time."""
    index = getattr(table, "index", None)
    if index is not None:
        table, group, time = _with_index(table, index, group, time)
    return Table(table), group, time


def _with_index(table, index, group, time):
    """Convert the levels of a pandas index that hold series and time to columns."""
    levels = list(index.names)
    if index.nlevels == 2 and group is None and time is None:
        index = index.set_names([levels[0] or "series", levels[1] or "time"])
        group, time = index.names
        return table.set_axis(index, axis=0).reset_index(), group, time
    if time is None and index.nlevels == 1 and hasattr(index, "freq"):  # dates or periods
        time = index.name or "time"
        return table.set_axis(index.set_names([time]), axis=0).reset_index(), group, time
    wanted = [name for name in (group, time) if name is not None and name in levels]
    return (table.reset_index(level=wanted) if wanted else table), group, time


def _check_name(word, name, names):
    if name is not None and name not in names:
        raise ValueError(f"`{word}` must be a column of the table, {_listed(names)}; got {name!r}.")


def check_columns(word, columns, names):
    """Return names of columns as a list; a single name becomes a list with that name."""
    if isinstance(columns, (str, int, np.integer)):
        columns = [columns]
    try:
        columns = list(columns)
    except TypeError:
        columns = [columns]
    for name in columns:
        if name not in names:
            raise ValueError(
                f"`{word}` must name columns of numbers of the table, which are {_listed(names)}; "
                f"got {shown(name)}."
            )
    if len(set(columns)) < len(columns):
        raise ValueError(f"`{word}` must name each column only once, got {columns}.")
    return columns


def _listed(names):
    return ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")


def _read(column, name):
    if isinstance(column, np.ndarray):
        return column
    try:
        return read_column(column, Argument(f"table[{name!r}]"))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`table` must hold numbers, but its column {name!r} does not ({dtype_of(column)}): "
            "name it in `group` or `time`, drop it, or encode it as one-hot columns."
        ) from error


def as_times(column, name="time"):
    """Return times as datetime64, or as numbers, without missing ones."""
    dtype = str(dtype_of(column))
    if dtype.startswith("datetime64") and hasattr(column, "to_numpy"):  # time zones become UTC
        times = np.asarray(column, dtype="datetime64[ns]")
    elif dtype.startswith("period"):
        times = np.asarray(column.astype("int64"))  # the number of the period
    else:
        times = np.asarray(column)
    if times.dtype == object:
        try:
            times = times.astype("datetime64[us]")
        except (TypeError, ValueError):
            times = times.astype(str)
    if times.dtype.kind not in "iufM":
        raise ValueError(
            f"`{name}` must hold dates or numbers, but it holds "
            f"{'strings' if times.dtype.kind in 'UT' else times.dtype}: convert it, for example "
            "with pandas.to_datetime."
        )
    if (np.isnat(times) if times.dtype.kind == "M" else ~np.isfinite(times)).any():
        raise ValueError(
            f"`{name}` must not be missing in any row: fill it in, or leave such rows out."
        )
    return times


def _series(source, column, group):
    """Return the labels (n_series,) in order of appearance, and the series number of each row."""
    labels = np.asarray(column)
    if source is None:  # an array
        numbers = np.unique(labels, return_inverse=True)[1].reshape(-1)
        codes = by_appearance(np.where(np.isnan(labels), -1, numbers))
    else:
        codes = source.codes(group)
    if codes.min(initial=0) < 0:
        raise ValueError(
            f"`group` must not be missing in any row, but it is in row {np.argmin(codes)}: "
            "drop such rows, or give them a series of their own."
        )
    return labels[np.unique(codes, return_index=True)[1]], codes


def _in_order(names, values, labels, codes, times, others):
    """Return a LongTable with rows sorted by series (in order of appearance) and time."""
    n_rows = len(values)
    order = np.arange(n_rows)
    if times is not None:
        order = order[np.argsort(times, kind="stable")]
    bounds = np.array([0, n_rows])
    if labels is not None:
        order = order[np.argsort(codes[order], kind="stable")]
        bounds = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(labels)))])
    times = None if times is None else times[order]
    table = LongTable(names, values[order], bounds, labels, times, order, *others)
    _check_distinct(table)
    return table


def _check_distinct(table):
    if table.time is None:
        return
    for i in range(table.n_series):
        times = table.time[table.bounds[i] : table.bounds[i + 1]]
        twice = np.flatnonzero(times[1:] == times[:-1])
        if len(twice):
            where = "" if table.labels is None else f" of series {table.labels[i]!r}"
            advice = ": name the column of the series in `group`" if table.group is None else ""
            raise ValueError(
                f"`time` must differ in all rows{where}, but {times[twice[0]]} occurs "
                f"twice{advice}."
            )
