"""Backtests: forecasts from many origins, each from the data known at its origin."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
from sklearn.utils import Bunch

from .._rules import either, integer, shown
from .framing import filled, repeated
from .parameters import framing_of
from .prediction import middle_of
from .training import trained, updated, windows_of


def run_backtest(forecaster, later, *, step, refit, season):
    """Return the Bunch of `RNNForecaster.backtest`.

    later: list of Series, which continue those that the forecaster knows.
    """
    either(None, integer(1)).check("step", step)
    either(None, integer(1)).check("season", season)
    if not isinstance(refit, (bool, str)) or refit not in (False, True, "update"):
        raise ValueError(f'`refit` must be False, True or "update", got {shown(refit)}.')
    horizon = forecaster._frame.horizon
    n_new = min(each.n_steps for each in later)
    if n_new < horizon:
        raise ValueError(
            f"`y` must have at least `horizon` = {horizon} steps after the known ones, got {n_new}."
        )
    model = copy(forecaster)
    season = season or max(forecaster._frame.seasons, default=1)
    rows, before = [], forecaster._series
    all_series = [a.followed_by(b) for a, b in zip(before, later, strict=True)]
    last = None
    for shift in range(0, n_new - horizon + 1, step or horizon):
        known = [_until(a, b.n_steps + shift) for a, b in zip(all_series, before, strict=True)]
        if shift and refit:
            _learn(model, known, refit, last)
        last = known
        futures = [
            a.X[b.n_steps : b.n_steps + horizon] for a, b in zip(all_series, known, strict=True)
        ]
        forecasts = model._forecasts(known, futures)
        for whole, past, forecast in zip(all_series, known, forecasts, strict=True):
            true = whole.y[past.n_steps : past.n_steps + horizon]
            naive = repeated(filled(past.y, season, np.nan), horizon, season)
            rows.append((past, true, naive, forecast))
    return _result(rows, horizon, forecaster._quantile)


def _until(series, n_steps):
    return replace(series, y=series.y[:n_steps], X=series.X[:n_steps])


def _last_time(series):
    return series.times(series.n_steps - 1, series.n_steps)[0]


def _learn(model, known, refit, last):
    """Fit the networks to the known series, or update them with the steps since `last`."""
    if refit == "update":
        new = [each.n_steps - model._frame.horizon + 1 for each in last]
        windows = windows_of(model._frame, known, new)
        if windows is not None:
            model.estimators_ = updated(model.estimators_, windows)
        return
    known[:] = [each.scaled() for each in known]
    model._frame = framing_of(model, known, model._form)
    windows = windows_of(model._frame, known)
    model.estimators_, model._calibration = trained(model, model._frame, windows)


def _result(rows, horizon, quantile):
    """Return scores per step, their summary, and the forecasts.

    rows: for each origin and series, the Series up to the origin, its true values (horizon,), the
    naive forecast (horizon,) and the forecasts (horizon, n_quantiles or 1).
    """
    true, naive = np.stack([row[1] for row in rows]), np.stack([row[2] for row in rows])
    values = np.stack([row[3] for row in rows])
    forecasts = {
        "series": np.repeat([row[0].name for row in rows], horizon),
        "origin": np.repeat([_last_time(row[0]) for row in rows], horizon),
        "step": np.tile(np.arange(1, horizon + 1), len(rows)),
        "y": true.ravel(),
        "naive": naive.ravel(),
    }
    names = ["pred"] if quantile is None else [f"q{each:g}" for each in quantile]
    forecasts.update({name: values[:, :, j].ravel() for j, name in enumerate(names)})
    errors = _errors(true, naive, values, quantile)
    scores = {"step": np.arange(1, horizon + 1)}
    scores.update({name: _mean(each, axis=0) for name, each in errors.items()})
    summary = {name: float(_mean(each)) for name, each in errors.items()}
    summary["n"] = int(np.isfinite(true).sum())
    return Bunch(scores=scores, summary=summary, forecasts=forecasts)


def _errors(true, naive, values, quantile):
    """Return errors by name, NaN where y is missing, (n_rows, horizon)."""
    middle = middle_of(values, quantile)
    errors = {"mae": np.abs(true - middle), "naive_mae": np.abs(true - naive)}
    if quantile is not None:
        q, above = quantile, true[:, :, np.newaxis] - values
        errors["pinball"] = np.maximum(q * above, (q - 1) * above).mean(axis=2)
    if quantile is not None and len(quantile) > 1:
        inside = (true >= values[:, :, 0]) & (true <= values[:, :, -1])
        errors["coverage"] = np.where(np.isnan(true), np.nan, inside)
    return errors


def _mean(values, axis=None):
    """Return the mean of finite values; NaN if there are none, without a warning."""
    known = np.isfinite(values)
    n = known.sum(axis=axis)
    return np.divide(
        np.where(known, values, 0).sum(axis=axis), n, out=np.full(np.shape(n), np.nan), where=n > 0
    )
