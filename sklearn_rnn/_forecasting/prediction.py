"""Forecasts by fitted networks, in the units of the series."""

from __future__ import annotations

from dataclasses import replace

import numpy as np


def forecasts_of(networks, calibration, framing, series, futures):
    """Forecast series with known features, each (horizon, n_features).

    Returns forecasts (n_series, horizon, n_quantiles or 1).
    """
    windows, bases = [], []
    check_reach(framing, series)
    for each, future in zip(series, futures, strict=True):
        each = replace(each, X=np.concatenate([each.X[: each.n_steps], future]))
        X, _, _, base = framing.windows(each, np.array([each.n_steps]))
        windows.append(X)
        bases.append(base[:, framing.past :])
    windows = np.concatenate(windows)
    total = sum(each.predict(windows)[:, framing.past :] for each in networks)
    values = (total / len(networks)).reshape(len(windows), framing.horizon, -1)
    if calibration is not None:
        values = calibration.moved(values)
    values = values + np.concatenate(bases)[:, :, np.newaxis]
    scale = np.array([[[each.scale]] for each in series])
    return values * scale + np.array([[[each.level]] for each in series])


def check_reach(framing, series):
    """Refuse series that are too short to be forecast."""
    for each in series:
        if each.n_steps < framing.reach:
            raise ValueError(
                f"`y` must have at least {framing.reach} steps before the origin (past and the "
                f"longest season) in each series; series {each.name!r} has {each.n_steps}. Leave "
                "this series out, or put steps with NaN before its first step."
            )


def middle_of(values, quantile):
    """Return one forecast (...) of values (..., n_quantiles or 1).

    That is the median, linear between the quantiles around it; else the quantile nearest to it.
    """
    if quantile is None:
        return values[..., 0]
    above = int(np.searchsorted(quantile, 0.5 - 1e-9))
    if above in (0, len(quantile)):
        return values[..., min(above, len(quantile) - 1)]
    low, high = quantile[above - 1], quantile[above]
    share = min(1.0, (0.5 - low) / (high - low))
    return (
        values[..., above]
        if share == 1
        else ((1 - share) * values[..., above - 1] + share * values[..., above])
    )
