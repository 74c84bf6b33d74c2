"""Windows of long tables: the past and the horizon of each forecast as one sequence."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._data.arguments import Argument
from .._data.carriers import as_numbers
from .._rules import either, integer, number, one_of, shown
from .._typing import ArrayLike, Columns, DType, Frame, Integer, Number, SupportsArray
from .naive import steps_back
from .results import build_table, taken
from .table import as_times, check_columns, read_table

_RULES = {
    "past": integer(1),
    "horizon": integer(1),
    "stride": integer(1),
    "season": integer(1),
    "max_step": either(None, number(0, open_low=True)),
    "dtype": one_of(["float32", "float64"]),
}


def make_windows(
    table: SupportsArray | Mapping[str, Any],
    *,
    target: Columns,
    known: Columns = (),
    past: Integer,
    horizon: Integer,
    stride: Integer = 1,
    group: Hashable = None,
    time: Hashable = None,
    origins: ArrayLike | None = None,
    season: Integer = 1,
    max_step: Any = None,
    dtype: DType = "float64",
) -> Bunch:
    """Cut one or several series into windows from which a regressor can learn to forecast.

    The origin of a window is the last step that is known. A window has `past` steps up to the
    origin and `horizon` steps after it, which are to be predicted. Together they are one sequence
    of X, with one target per step for `RNNRegressor` with ``mode="many_to_many"``. Over the
    horizon, features that will not be known are hidden from the network. In the past, targets have
    weight 0.

    Parameters
    ----------
    table : data frame or array of shape (n_rows, n_columns)
        A table with one row per step and series: a frame of pandas, polars or pyarrow, or an array,
        whose columns are named by their index. All columns except `group` and `time` are features,
        including the target. NaN in the table stays NaN in the windows. To forecast the steps after
        the last row, append rows in which the target is NaN.
    target : column, or list of columns
        The columns to predict.
    known : column, or list of columns, default=()
        Features whose values over the horizon are known at the origin, for example the calendar,
        prices or weather forecasts. All others are hidden over the horizon.
    past : int
        Number of steps up to the origin.
    horizon : int
        Number of steps after the origin.
    stride : int, default=1
        Number of steps between the origins of two windows of a series, counted from its last
        possible origin.
    group : column or None, default=None
        The column that identifies the series of each row. A window has rows of one series only.
    time : column or None, default=None
        The column of dates or numbers by which the rows of each series are sorted. None means that
        they are in order. `group` and `time` may also be levels of a pandas index. If both are
        None, an index of dates is taken as the time, and an index of two levels as series and time.
    origins : array-like or None, default=None
        The origins of the windows: values of `time`, or row numbers if there is no time. Only
        windows with these origins are returned, and `stride` has no effect.
    season : int, default=1
        Length of a season in steps. A hidden value is replaced by the value one season before, or
        by the latest known value a whole number of seasons before: the seasonal naive forecast. 1
        means the last value.
    max_step : float or None, default=None
        Maximum difference of `time` between two successive rows of a window, in units of the median
        difference; no window spans a larger gap. None means 1.5. For business days, set 3.
    dtype : {"float64", "float32"}, default="float64"
        The type of the numbers of the windows.

    Returns
    -------
    windows : Bunch
        Dictionary-like, with these entries:

        X : ndarray of shape (n_windows, past + horizon, n_features + 1)
            The features in the order of the table. One more feature is 0 in the past and 1 over the
            horizon.
        y : ndarray of shape (n_windows, past + horizon[, n_targets])
            The targets; without the last axis if `target` is one column.
        sample_weight : ndarray of shape (n_windows, past + horizon)
            1 where a target is to be learned, that is, over the horizon unless it is missing; 0
            elsewhere.
        groups : ndarray of shape (n_windows,) or None
            The series of each window, for example for `RollingOrigin`.
        origins : ndarray of shape (n_windows,)
            The time of the last known step, or its row number if there is no time.
        times : ndarray of shape (n_windows, horizon)
            The times, or row numbers, of the steps to predict.
        rows : ndarray of shape (n_windows, past + horizon)
            The row numbers of all steps in the table.
        feature_names, target_names : list
            The names of the features in X and of the targets.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or no series is long enough.

    See Also
    --------
    from_windows : Converts predictions for windows to a long table.
    RNNForecaster : Does all of this, and scales each series.
    sklearn_rnn.model_selection.RollingOrigin : Splits windows in time order.

    Notes
    -----
    Windows whose targets are all missing, for example because they lie in the future, are included,
    with weight 0 at all steps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.preprocessing import from_windows, make_windows
    >>> hour = np.arange(400.0)
    >>> table = np.column_stack([np.sin(hour / 4), hour % 24])
    >>> windows = make_windows(table, target=0, known=1, past=30, horizon=10)
    >>> windows.X.shape, windows.y.shape
    ((361, 40, 3), (361, 40))
    >>> rnn = RNNRegressor(16, mode="many_to_many", learning_rate="cosine", max_iter=10)
    >>> rnn = rnn.fit(windows.X[:300], windows.y[:300], windows.sample_weight[:300])
    >>> forecasts = from_windows(rnn.predict(windows.X[310:]), windows, index=range(310, 361))
    >>> list(forecasts), len(forecasts["step"])
    (['origin', 'step', 'time', 'y', 'y_pred'], 510)
    """
    words = {"past": past, "horizon": horizon, "stride": stride, "season": season}
    for name, value in {**words, "max_step": max_step, "dtype": dtype}.items():
        _RULES[name].check(name, value)
    long = read_table(table, group=group, time=time)
    targets = check_columns("target", target, long.names)
    known = check_columns("known", known, long.names)
    limit = np.finfo(dtype).max
    if dtype == "float32" and (np.abs(long.values) > limit).any():
        raise ValueError(
            f"`table` must hold numbers up to {limit:.1e} with dtype={dtype!r}: set "
            "dtype='float64'."
        )
    if not targets or set(targets) & set(known):
        raise ValueError(
            "`target` must be at least one column, and none of `known`; got "
            f"{shown(target)} with known={known}."
        )
    if season > past:
        raise ValueError(f"`season` must be at most `past`, {past}; got {season}.")
    first = _first_rows(long, past, horizon, stride, origins, max_step or 1.5)
    rows = first[:, np.newaxis] + np.arange(past + horizon)
    X = np.empty((*rows.shape, len(long.names) + 1), dtype=dtype)
    X[:, :, :-1] = long.values[rows]
    hidden = [j for j, name in enumerate(long.names) if name not in known]
    back = steps_back(np.arange(horizon), season)
    X[:, past:, hidden] = long.values[(rows[:, past:] - back)[:, :, np.newaxis], hidden]
    X[:, :, -1] = np.arange(past + horizon) >= past
    y = long.values[rows][:, :, long.numbers_of(targets)].astype(dtype, copy=False)
    weights = np.isfinite(y).all(axis=2) & (np.arange(past + horizon) >= past)
    if np.ndim(target) == 0 and not isinstance(target, (list, tuple)):
        y = y[:, :, 0]
    series = np.searchsorted(long.bounds, first, side="right") - 1
    moments = long.rows if long.time is None else long.time
    return Bunch(
        X=X,
        y=y,
        sample_weight=weights.astype(dtype),
        groups=None if long.labels is None else long.labels[series],
        origins=moments[rows[:, past - 1]],
        times=moments[rows[:, past:]],
        rows=long.rows[rows],
        feature_names=[*long.names, "horizon"],
        target_names=targets,
        group_name=long.group,
        time_name=long.time_name,
        moments=long.moments,
        library=long.library,
    )


def _first_rows(long, past, horizon, stride, origins, max_step):
    """Return the first row of each window, as a row of the LongTable (n_windows,)."""
    length, found = past + horizon, []
    step = _median_step(long)
    for begin, end in zip(long.bounds[:-1], long.bounds[1:], strict=True):
        first = np.arange(begin, end - length + 1)
        if origins is None:
            first = first[(end - length - first) % stride == 0]
        if step is not None and len(first):
            wide = np.zeros(end - begin, dtype=np.intp)
            wide[1:] = _differences(long.time[begin:end]) > max_step * step
            n_gaps = np.cumsum(wide)  # of the series up to each row
            first = first[n_gaps[first - begin + length - 1] == n_gaps[first - begin]]
        found.append(first)
    first = np.concatenate(found)
    if origins is not None:
        first = first[_chosen(long, first + past - 1, origins)]
    if not len(first):
        longest = int(np.diff(long.bounds).max(initial=0))
        raise ValueError(
            f"`table` must have at least past + horizon = {length} rows of one series without a "
            f"gap; its longest series has {longest} rows"
            + (", but `time` has gaps in it: see `max_step`." if longest >= length else ".")
        )
    return first


def _chosen(long, last, origins):
    """Tell which windows have one of the origins; last: row of the last step that is known."""
    moments = long.rows if long.time is None else long.time
    if np.ndim(origins) == 0:
        origins = [origins]
    wanted = np.unique(as_times(origins, "origins"))
    if not len(wanted):
        raise ValueError("`origins` must be None or hold at least one origin, got none.")
    if wanted.dtype.kind != moments.dtype.kind and "M" in wanted.dtype.kind + moments.dtype.kind:
        raise ValueError(
            f"`origins` must be of the type of `time`, {moments.dtype}; got {wanted.dtype}."
        )
    chosen = np.isin(moments[last], wanted)
    missing = ~np.isin(wanted, moments[last])
    if missing.any():
        raise ValueError(
            "`origins` must have `past` rows up to them and `horizon` rows after them, without "
            f"gaps; {wanted[missing][0]} does not."
        )
    return chosen


def _differences(times):
    """Return the differences of successive times, as float64."""
    if times.dtype.kind == "M":
        return np.diff(times.astype(np.int64)).astype(np.float64)
    return np.diff(times).astype(np.float64)


def _median_step(long):
    """Return the median step of time within series, or None."""
    if long.time is None:
        return None
    parts = [
        _differences(long.time[begin:end])
        for begin, end in zip(long.bounds[:-1], long.bounds[1:], strict=True)
    ]
    steps = np.concatenate(parts)
    return np.median(steps) if len(steps) else None


def from_windows(
    predictions: ArrayLike,
    windows: Mapping[str, Any],
    *,
    quantile: Number | ArrayLike | None = None,
    index: ArrayLike | None = None,
) -> Frame:
    """Convert predictions for windows to a long table, with the time of each step.

    Parameters
    ----------
    predictions : array-like of shape (n_windows, n_steps[, n_targets][, n_quantiles])
        Predictions for all steps, ``n_steps = past + horizon``, as `predict` returns them for
        ``windows.X``, or only those for the steps of the horizon.
    windows : Bunch
        The result of `make_windows`.
    quantile : list of float or None, default=None
        The quantiles along the last axis, if the regressor predicts several.
    index : array-like of int or of bool, default=None
        The windows for which the predictions were made. None means all.

    Returns
    -------
    table : data frame, or dict of ndarray
        A table with one row per window and step of the horizon, in the library of the table that
        the windows were cut from; a dict if that was an array. The columns are the series (if
        `group` was given, under its name), "origin", "step" (from 1 to the horizon), the time
        (under its name, or "time"), and for each target its true values (NaN if missing) and its
        predictions, "<target>_pred", or "<target>_q<quantile>" for each quantile. If the table was
        an array, the target is called "y", or several are called "y0", "y1", ...

    Raises
    ------
    ValueError
        If `predictions` has another shape.
    TypeError
        If `windows` is not a result of `make_windows`.

    See Also
    --------
    make_windows : Makes the windows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.forecasting import from_windows, make_windows
    >>> windows = make_windows(np.arange(8.0), target=0, past=3, horizon=2, stride=3)
    >>> forecasts = from_windows(windows.y, windows)  # in place of predictions
    >>> forecasts["origin"], forecasts["y_pred"]
    (array([2, 2, 5, 5]), array([3., 4., 6., 7.]))
    """
    if not isinstance(windows, Bunch) or "times" not in windows:
        raise TypeError(f"`windows` must be a result of `make_windows`, got {shown(windows)}.")
    n_windows, horizon = windows.times.shape
    chosen = np.arange(n_windows) if index is None else _index(index, n_windows)
    values = as_numbers(predictions, Argument("predictions"))
    n_steps = windows.y.shape[1]
    quantile = [] if quantile is None else np.ravel(quantile).tolist()
    for each in quantile:
        number(0, 1, open_low=True).check("quantile", each)
    shape = (*windows.y.shape[2:], *([len(quantile)] if quantile else []))
    if (
        values.ndim < 2
        or values.shape[1] not in (n_steps, horizon)
        or values.shape != (len(chosen), values.shape[1], *shape)
    ):
        raise ValueError(
            f"`predictions` must have shape {(len(chosen), n_steps, *shape)}, or only the "
            f"{horizon} steps of the horizon; got shape {values.shape}."
        )
    n_rows, n_targets = len(chosen) * horizon, len(windows.target_names)
    values = values[:, -horizon:].reshape(n_rows, n_targets, max(len(quantile), 1))
    true = windows.y[chosen, -horizon:].reshape(n_rows, n_targets)
    columns = {}
    if windows.groups is not None:
        columns[str(windows.group_name)] = np.repeat(windows.groups[chosen], horizon)
    last = np.repeat(windows.rows[chosen, -horizon - 1], horizon)
    columns["origin"] = last if windows.moments is None else taken(windows.moments, last)
    columns["step"] = np.tile(np.arange(1, horizon + 1), len(chosen))
    rows = windows.rows[chosen, -horizon:].ravel()
    times = rows if windows.moments is None else taken(windows.moments, rows)
    name = windows.time_name
    columns[name if isinstance(name, str) else "time"] = times
    endings = [f"q{q:g}" for q in quantile] or ["pred"]
    for j, name in enumerate(_names(windows.target_names)):
        columns[name] = true[:, j]
        columns.update({f"{name}_{e}": values[:, j, k] for k, e in enumerate(endings)})
    return build_table(columns, windows.library)


def _index(index, n_windows):
    """Return the numbers of the windows that an index selects."""
    array = np.asarray(index)
    if array.size == 0:
        array = array.astype(np.intp)
    fits = array.ndim == 1 and array.dtype.kind in "iub"
    if fits and array.dtype.kind == "b":
        fits = len(array) == n_windows
    elif fits:
        fits = bool(((-n_windows <= array) & (array < n_windows)).all())
    if not fits:
        raise ValueError(
            f"`index` must hold numbers of windows, below {n_windows}, or one bool for each "
            f"window; got {shown(index)}."
        )
    return np.arange(n_windows)[array]


def _names(targets):
    """Return names for the targets, also if they are columns of an array."""
    if isinstance(targets[0], str):
        return targets
    return ["y"] if len(targets) == 1 else [f"y{i}" for i in range(len(targets))]
