"""The data of a forecaster: one series, columns of series, or a long table; results likewise."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from .._data.arguments import Argument
from .._data.carriers import as_numbers
from .._data.frames import column_names, is_frame
from .clock import is_time, read_clock
from .framing import Series
from .results import build_table, taken
from .table import check_columns, read_table

Y, INPUTS = Argument("y", "series"), Argument("X", "inputs")


@dataclass(frozen=True)
class Form:
    """The form of the series in `fit`, in which forecasts are returned.

    kind: "series", "columns" or "table"; library: that of the caller, or None for arrays; features:
    names of the columns of X, or None; name: of a single series; target, group, time: columns.
    """

    kind: str
    library: str | None = None
    features: list | None = None
    n_features: int = 0
    name: object = None
    target: object = None
    group: object = None
    time: object = None


def read_panel(y, X=None, *, target=None, group=None, time=None, before=()):
    """Return a list of Series, and the Form of y and X.

    before: list of Series that they follow.
    """
    if target is not None:
        if X is not None:
            raise ValueError(
                "`X` must be None if `target` is given: the features are columns of the long table "
                "`y`."
            )
        return _read_long(y, target, group, time, before)
    if is_frame(y):
        names, kind = names_of_series(y), "columns"
    else:
        names, kind = None, None
    values = np.array(as_numbers(y, Y), dtype=np.float64)  # a copy: the series are kept
    if values.ndim not in (1, 2) or values.shape[-1] == 0:
        raise ValueError(
            "`y` must have shape (n_steps,), or (n_steps, n_series) for several series, or be a "
            f"long table, with its column named in `target`; got shape {values.shape}."
        )
    _check_finite(values, "y")
    kind = kind or ("series" if values.ndim == 1 else "columns")
    columns = values.reshape(len(values), -1)
    names = names or list(range(columns.shape[1]))
    features, feature_names = _features(X, len(values), y)
    clock, steps = None, np.arange(len(values))
    index = getattr(y, "index", None)
    if getattr(index, "nlevels", 1) > 1:
        raise ValueError(
            f"`y` must have an index of one level, the time, got {index.nlevels} levels: for "
            "several series, pass a frame with one column each, or a long table with `target`."
        )
    if has_times(index) and (is_time(index) or len(index) > 1):
        times = index if is_time(index) else np.asarray(index)
        clock, steps = read_clock(times, "`y`", *before[:1])
    series = [_regular(name, columns[:, j], features, clock, steps) for j, name in enumerate(names)]
    library = _library(y)
    name = getattr(y, "name", None) if kind == "series" else None
    return series, Form(kind, library, feature_names, features.shape[1], name)


def has_times(index):
    """Tell whether an index of pandas has times: dates, periods, durations or whole numbers."""
    if index is None or getattr(index, "nlevels", 1) > 1:
        return False
    return is_time(index) or (hasattr(index, "dtype") and index.dtype.kind in "ium")


def names_of_series(frame):
    """Return the names of columns, each a str or an int."""
    names = [name if isinstance(name, (str, int)) else str(name) for name in column_names(frame)]
    texts = list(map(str, names))
    if len(set(texts)) < len(texts):
        twice = next(name for j, name in enumerate(texts) if name in texts[:j])
        raise ValueError(
            f"`y` must have distinct column names, but {twice!r} occurs twice: rename one."
        )
    return names


def _features(X, n_steps, y=None):
    """Return X as numbers (n_steps, n_features), and the names of its columns or None."""
    if X is None:
        return np.empty((n_steps, 0)), None
    names = column_names(X) if is_frame(X) else None
    values = np.array(as_numbers(X, INPUTS), dtype=np.float64)
    values = values[:, np.newaxis] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != n_steps:
        raise ValueError(
            f"`X` must have one row of features for each of the {n_steps} steps of `y`, got shape "
            f"{values.shape}."
        )
    _check_finite(values, "X")
    index, other = getattr(y, "index", None), getattr(X, "index", None)
    if index is not None and other is not None and is_time(index) and is_time(other):
        if len(index) != len(other) or not (index == other).all():
            raise ValueError(
                "`X` must have the same index as `y`, but their times differ: reindex it, "
                "`X.reindex(y.index)`."
            )
    return values, names


def _check_finite(values, name):
    if np.isinf(values).any():
        raise ValueError(f"`{name}` must hold finite numbers or NaN, but it holds infinity.")


def _regular(name, y, X, clock, steps):
    """Return a Series in which the steps that are missing are NaN."""
    n_steps = int(steps[-1]) + 1 if len(steps) else 0
    if n_steps == len(y):
        return Series(name, y, X, clock)
    values, features = np.full(n_steps, np.nan), np.full((n_steps, X.shape[1]), np.nan)
    values[steps], features[steps] = y, X
    return Series(name, values, features, clock)


def _read_long(table, target, group, time, before):
    """Return the list of Series of a long table, and its Form."""
    before = {each.name: each for each in before}
    long = read_table(table, group=group, time=time)
    check_columns("target", [target], long.names)
    _check_finite(long.values, "y")
    features = [name for name in long.names if name != target]
    j, others = long.names.index(target), long.numbers_of(features)
    series = []
    for i, rows in enumerate(_rows_of(long)):
        name = 0 if long.labels is None else long.labels[i]
        clock, steps = _clock(long, rows, name, before.get(name))
        series.append(
            _regular(name, long.values[rows, j], long.values[rows][:, others], clock, steps)
        )
    form = Form(
        "table", long.library, features, len(features), None, target, long.group, long.time_name
    )
    return series, form


def _rows_of(long):
    """Return the rows of each series of a LongTable."""
    return [np.arange(begin, end) for begin, end in zip(long.bounds, long.bounds[1:], strict=False)]


def _clock(long, rows, name, before):
    """Return the clock of the rows of a series of a LongTable, or None, and their steps."""
    if long.time is None:
        return None, np.arange(len(rows))
    times = _times(long, rows)
    where = "`y`" if long.labels is None else f"Series {name!r}"
    return read_clock(times, where, before)


def _times(long, rows):
    """Return times as a pandas index if they are dates or periods of pandas, else as an array."""
    if long.library == "pandas":
        index = sys.modules["pandas"].Index(taken(long.moments, long.rows[rows]))
        if is_time(index):
            return index
    return long.time[rows]


def read_future(X, form, known, series, horizon):
    """Return the known features over the horizon, for each series (horizon, n_features).

    Features that are not known are NaN.
    """
    futures = [np.full((horizon, form.n_features), np.nan) for _ in series]
    if not known.any():
        return futures
    names = form.features or list(range(form.n_features))
    needed = [name for name, is_known in zip(names, known, strict=True) if is_known]
    if X is None:
        raise ValueError(
            f"`X` must have the known features {needed} of the {horizon} steps of the horizon; got "
            "None. Pass them, or fit with `known_future=None` if they are not known."
        )
    if form.kind == "table":
        return _future_of_table(X, form, known, needed, series, futures)
    values, clock_of = (
        _future_columns(X, form, known, needed, len(series)),
        getattr(X, "index", None),
    )
    if len(values) < horizon:
        raise ValueError(
            f"`X` must have a row for each of the {horizon} steps of the horizon, even if fewer "
            f"are predicted; got {len(values)} rows."
        )
    if clock_of is not None and is_time(clock_of):
        for each in series:
            _check_follows(each, clock_of[:horizon])
    for future in futures:
        future[:, known] = values[:horizon]
    return futures


def _future_columns(X, form, known, needed, n_series):
    """Return the known columns of X (n_rows, n_known)."""
    if is_frame(X) and form.features is not None:
        present = column_names(X)
        absent = [name for name in needed if name not in present]
        if absent:
            raise ValueError(f"`X` must have the known features {needed}; it lacks {absent}.")
        values, _ = _features(X, len(X))
        return values[:, [present.index(name) for name in needed]]
    values, _ = _features(X, len(X))
    if values.shape[1] == len(known):
        return values[:, known]
    if values.shape[1] != len(needed):
        raise ValueError(
            f"`X` must have the {len(needed)} known features, or all {len(known)} features; got "
            f"{values.shape[1]}.{_order(values.shape[1], n_series)}"
        )
    return values


def _order(n_columns, n_series):
    """Return a hint, after a space, if the call of `fit` seems to have been fit(X, y), else ""."""
    if n_columns != n_series or n_series == 1:
        return ""
    return " Did you call fit(X, y)? `y`, the series to forecast, comes first: fit(y, X)."


def _future_of_table(X, form, known, needed, series, futures):
    """Fill in the known features of each series from a long table of future rows."""
    long = read_table(X, group=form.group, time=form.time)
    columns = long.numbers_of(check_columns("X", needed, long.names))
    rows_of = dict(zip([0] if long.labels is None else long.labels, _rows_of(long), strict=True))
    for each, future in zip(series, futures, strict=True):
        rows = rows_of.get(each.name, [])[: len(future)]
        if len(rows) < len(future):
            raise ValueError(
                f"`X` must have {len(future)} rows for each series; series {each.name} has "
                f"{len(rows)}."
            )
        if each.clock is not None and long.time is not None:
            _check_follows(each, _times(long, rows))
        future[:, known] = long.values[rows][:, columns]
    return futures


def _check_follows(series, times):
    """Refuse times that do not directly follow a series."""
    if series.clock is not None and not series.clock.follows(times, series.n_steps):
        expected = series.times(series.n_steps, series.n_steps + len(times))
        raise ValueError(
            f"`X` must begin right after the last known step, at {expected[0]}, without gaps; it "
            f"begins at {times[0]} and ends at {times[-1]}."
        )


def _library(y):
    root = type(y).__module__.split(".")[0]
    return root if root in ("pandas", "polars", "pyarrow") else None


def like(form, series, values, steps, endings=None):
    """Return forecasts in the form of y.

    values (n_series, n_steps[, n_endings]); steps (n_steps,): from 0; endings: names of several
    forecasts of each step, or None.
    """
    if form.kind == "table":
        return _long(form, series, values, steps, endings)
    flat = values if endings is None else values.reshape(*values.shape[:2], -1)
    if form.library is None:
        flat = np.moveaxis(flat, 0, 1)  # (n_steps, n_series[, n_endings])
        return flat[:, 0] if form.kind == "series" else flat
    if endings is None and form.kind == "series":
        return _column(form, series[0], flat[0], steps)
    columns = {}
    for each, rows in zip(series, flat, strict=True):
        names = [each.name] if endings is None else [f"{each.name}_{e}" for e in endings]
        if form.kind == "series":
            names = endings
        columns.update(zip(names, rows.reshape(len(rows), -1).T, strict=True))
    frame = build_table(columns, form.library)
    return frame if form.library != "pandas" else frame.set_axis(_index(series[0], steps), axis=0)


def _index(series, steps):
    """Return the times of steps after the end of a series."""
    times = series.times(series.n_steps, series.n_steps + int(steps.max()) + 1)
    in_order = np.array_equal(steps, np.arange(len(steps)))  # pandas keeps the frequency then
    return times if in_order else times[steps]


def _column(form, series, values, steps):
    module = sys.modules[form.library]
    if form.library == "pandas":
        return module.Series(values, index=_index(series, steps), name=form.name)
    return (
        module.Series(form.name or "", values) if form.library == "polars" else module.array(values)
    )


def _long(form, series, values, steps, endings):
    """Return forecasts as a long table: series, step, time and forecasts."""
    columns, n = {}, len(steps)
    if form.group is not None:
        columns[str(form.group)] = np.repeat([each.name for each in series], n)
    columns["step"] = np.tile(steps + 1, len(series))
    times = [_index(each, steps) for each in series]
    name = form.time if isinstance(form.time, str) else "time"
    joined = times[0]
    if isinstance(joined, np.ndarray):
        joined = np.concatenate(times)
    else:
        for each in times[1:]:
            joined = joined.append(each)
    columns[name] = joined
    target = form.target if isinstance(form.target, str) else "y"
    rows = values.reshape(len(series) * n, -1).T
    names = [f"{target}_{ending}" for ending in endings or ["pred"]]
    columns.update(zip(names, rows, strict=True))
    return build_table(columns, form.library)


def check_later(later, form, before, form_before):
    """Return the later series in the order of those before, which they must directly follow."""
    known = [each.name for each in before]
    named = {each.name: each for each in later}
    if set(named) != set(known):
        raise ValueError(
            f"`y` must have the series {known[:10]} of `fit`, got "
            f"{[each.name for each in later][:10]}."
        )
    if form.n_features != form_before.n_features:
        whole = "`y`" if form.kind == "table" else "`X`"
        raise ValueError(
            f"{whole} must have the {form_before.n_features} features of `fit`, got "
            f"{form.n_features}."
        )
    if form.features != form_before.features:
        raise ValueError(f"`X` must have the features {form_before.features}, got {form.features}.")
    for each in before:
        new = named[each.name]
        if (each.clock is None) != (new.clock is None) or (
            each.clock is not None
            and not each.clock.follows(new.times(0, new.n_steps), each.n_steps)
        ):
            first = each.times(each.n_steps, each.n_steps + 1)[0]
            raise ValueError(
                f"`y` must begin right after the last known step, at {first}, without gaps; it "
                f"begins at {new.times(0, 1)[0]}."
            )
    return [named[name] for name in known]
