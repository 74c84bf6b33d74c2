"""Seasonal naive forecasts, which repeat the last season."""

from __future__ import annotations

import numpy as np

from .._data.arguments import Argument
from .._data.carriers import as_numbers
from .._rules import integer
from .._typing import ArrayLike, Frame, Integer
from .framing import repeated
from .panel import like, read_panel


def seasonal_naive(y: ArrayLike, horizon: Integer, *, season: Integer = 1) -> Frame:
    """Forecast each step by the value one season before.

    Compare any other forecast with this one, the seasonal naive forecast.

    Parameters
    ----------
    y : array-like, Series or frame of shape (n_steps,) or (n_steps, n_series)
        The past values, in time order. Steps that are missing in an index of times count.
    horizon : int
        Number of steps to forecast.
    season : int, default=1
        Number of steps of a season, for example 24 for the same hour of the day before. 1 repeats
        the last value.

    Returns
    -------
    forecasts : ndarray, Series or frame of shape (horizon,) or (horizon, n_series)
        The forecasts in the form of `y`, as those of `RNNForecaster.predict`: an index of pandas
        goes on. float64; NaN where the value one season before is missing.

    Raises
    ------
    ValueError
        If `y` has another shape or fewer steps than a season, or an index of times that are not in
        equal steps.

    See Also
    --------
    RNNForecaster : A network; with `difference`, it predicts the difference from this forecast.

    Examples
    --------
    >>> from sklearn_rnn.forecasting import seasonal_naive
    >>> seasonal_naive([1, 2, 3, 4, 5, 6], 4, season=3)
    array([4., 5., 6., 4.])
    """
    integer(1).check("horizon", horizon)
    integer(1).check("season", season)
    values = np.asarray(as_numbers(y, Argument("y", "targets")), dtype=np.float64)
    if values.ndim not in (1, 2) or len(values) < season:
        raise ValueError(
            "`y` must have shape (n_steps,) or (n_steps, n_series), with at least `season` = "
            f"{season} steps; got shape {values.shape}."
        )
    if isinstance(y, (np.ndarray, list, tuple)):
        return repeated(values, horizon, season)
    series, form = read_panel(y)
    forecasts = np.stack([repeated(each.y, horizon, season) for each in series])
    return like(form, series, forecasts, np.arange(horizon))
