"""The parameters of a forecaster: their checks, and the values derived from them."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from .._estimators.advice import level_of_caller
from .._estimators.regressor import RNNRegressor
from .._rules import boolean, either, integer, number, shown
from .clock import usual_step
from .framing import Framing

_RULES = {
    "horizon": integer(1),
    "past": integer(1),
    "difference": either(None, integer(1)),
    "calendar": boolean,
    "calibrate": boolean,
    "n_estimators": integer(1),
    "stride": either(None, integer(1)),
}
_ENOUGH_WINDOWS = 250


def check_parameters(forecaster):
    """Refuse invalid parameters."""
    for name, rule in _RULES.items():
        rule.check(name, getattr(forecaster, name))
    if not isinstance(forecaster.estimator, (RNNRegressor, type(None))):
        raise TypeError(
            f"`estimator` must be an RNNRegressor or None, got {shown(forecaster.estimator)}."
        )
    if forecaster.target is None and (forecaster.group, forecaster.time) != (None, None):
        raise ValueError(
            "`target` must name a column of a long table if `group` or `time` is given; got None."
        )
    for season in seasons_of(forecaster.season):
        integer(1).check("season", season)
    if forecaster.quantile is not None:
        quantiles = forecaster.quantile
        fits = np.ndim(quantiles) == 1 and all(map(number(0, 1, open_low=True).test, quantiles))
        if not fits or not len(quantiles) or (np.diff(quantiles) <= 0).any():
            raise ValueError(
                "`quantile` must be an increasing list of numbers above 0 and below 1, or None; "
                f"got {shown(forecaster.quantile)}."
            )
    if forecaster.calibrate and (forecaster.n_estimators < 2 or np.size(forecaster.quantile) < 2):
        raise ValueError(
            "`calibrate` must be False without at least two quantiles and two networks, got "
            f"quantile={shown(forecaster.quantile)} and n_estimators={forecaster.n_estimators}."
        )


def warn_of_order(forecaster, y, X):
    """Warn if y and X seem to be in the order of scikit-learn, X first.

    Several columns of y with one feature in X are several series, and no reason to warn.
    """
    if forecaster.target is None and _shape(y)[1:] == (1,) and len(_shape(X)) == 1:
        warnings.warn(
            "`y` is a table with one column, and `X` is one-dimensional, as if the order were "
            "fit(X, y). `y`, the series to forecast, comes first: fit(y, X). If they are in this "
            "order, give `y` in one dimension, or `X` as a table with one column.",
            stacklevel=level_of_caller(),
        )


def _shape(values):
    """Return the shape of data, () for None; of a list, it is not clear before it is read."""
    if isinstance(values, (list, tuple)):
        return (len(values), *np.shape(values[0])) if len(values) else (0,)
    shape = getattr(values, "shape", ())
    return shape if isinstance(shape, tuple) else ()


def seasons_of(season):
    """Return the seasons as a tuple."""
    if season is None:
        return ()
    return (season,) if np.ndim(season) == 0 else tuple(season)


def framing_of(forecaster, series, form):
    """Return the Framing that cuts these series into windows."""
    features = np.concatenate([each.X for each in series])
    known = np.ones(form.n_features, dtype=bool)
    if not (isinstance(forecaster.known_future, str) and forecaster.known_future == "all"):
        names = form.features or list(range(form.n_features))
        wanted = np.atleast_1d(np.asarray(forecaster.known_future, dtype=object)).tolist()
        wanted = [] if wanted == [None] else wanted
        unknown = [name for name in wanted if name not in names]
        if isinstance(forecaster.known_future, str) or unknown:
            raise ValueError(
                f'`known_future` must be "all", None or a list of features among {names}; got '
                f"{shown(forecaster.known_future)}."
            )
        known[:] = [name in wanted for name in names]
    present = np.isfinite(features)
    fill = np.where(present, features, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    has_dates = all(each.clock is not None and each.clock.has_dates for each in series)
    calendar_step = None
    if forecaster.calendar and has_dates:
        calendar_step = min(usual_step(each.times(0, each.n_steps)) for each in series)
    framing = Framing(
        past=forecaster.past,
        horizon=forecaster.horizon,
        stride=forecaster.stride,
        known=known,
        seasons=seasons_of(forecaster.season),
        difference=forecaster.difference,
        calendar_step=calendar_step,
        marks_missing=any(np.isnan(each.y).any() for each in series),
        fill=fill,
    )
    return framing if framing.stride is not None else _with_stride(framing, series)


def _with_stride(framing, series):
    """Return the framing with a number for the stride."""
    for stride in range(framing.horizon, 0, -1):
        if framing.horizon % stride == 0:
            candidate = replace(framing, stride=stride)
            if sum(len(candidate.origins(each)) for each in series) >= _ENOUGH_WINDOWS:
                break
    return candidate


def steps_of(steps, horizon):
    """Return the steps to forecast, from 0."""
    if steps is None:
        return np.arange(horizon)
    steps = np.asarray(steps)
    if steps.ndim == 0 and steps.dtype.kind in "iu" and 1 <= steps <= horizon:
        return np.arange(int(steps))
    if (
        steps.ndim != 1
        or steps.dtype.kind not in "iu"
        or not len(steps)
        or steps.min() < 1
        or steps.max() > horizon
    ):
        raise ValueError(
            "`steps` must be a number of steps or a list of steps, from 1 to "
            f"{horizon} (fit with a larger `horizon` for more); got {_described(steps)}."
        )
    return steps - 1


def _described(steps):
    """Return what was given as steps, in short; features are told from steps by their shape."""
    if steps.ndim == 0 or (steps.ndim == 1 and len(steps) <= 10):
        return shown(steps.tolist())
    advice = "" if steps.dtype.kind in "iu" and steps.ndim == 1 else ". Pass features as `X=...`"
    return f"an array of shape {steps.shape}{advice}"


def relative_of(fh):
    """Return the steps of a forecasting horizon, in which an int is one step, or None."""
    return fh if fh is None else np.atleast_1d(fh)


def one_of(name, value, other, alias):
    """Return the value of an argument that has two names."""
    if value is not None and alias is not None:
        raise ValueError(
            f"`{name}` and `{other}` must not both be given: they are the same argument."
        )
    return alias if value is None else value
