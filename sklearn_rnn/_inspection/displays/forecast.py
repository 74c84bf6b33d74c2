"""ForecastDisplay: a series, its forecast with intervals, and what came."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..._forecasting.forecaster import RNNForecaster
from ..._rules import integer, shown
from ..._typing import ArrayLike, Ax, Integer
from .plotting import axes_for, blues, foreground, legend_above
from .reading import as_floats, check_length, last_step

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ForecastDisplay:
    """A series, its forecast with intervals, and the truth where it is known.

    Use `from_estimator` or `from_predictions` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    past : array-like of shape (n_past,)
        The known values before the forecast; NaN where they are missing.
    forecast : array-like of shape (n_steps,)
        The forecast of the steps after them.
    truth : array-like of shape (n_steps,), default=None
        What came, NaN where it is not known.
    quantile_forecasts : array-like of shape (n_steps, n_quantiles), default=None
        Forecasts of quantiles. Each pair of them, from the outermost inwards, bounds an interval.
    quantiles : array-like of shape (n_quantiles,), default=None
        Which quantiles, in increasing order; required with `quantile_forecasts`.
    past_times, times : array-like of shape (n_past,) and (n_steps,), default=None
        Times of both, numbers or numpy.datetime64. None means steps, the forecast begins with 1.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : dict of str to matplotlib Artist
        "past", "forecast" and "truth".
    bands_ : list of matplotlib Artist
        The intervals, the widest first.

    See Also
    --------
    sklearn_rnn.forecasting.RNNForecaster : Forecasts with quantiles.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.forecasting import RNNForecaster
    >>> from sklearn_rnn.inspection import ForecastDisplay
    >>> y = np.sin(np.arange(120) * 0.4)
    >>> network = RNNRegressor(8, max_iter=10)
    >>> forecaster = RNNForecaster(
    ...     8, 16, estimator=network, quantile=(0.1, 0.5, 0.9), random_state=0
    ... )
    >>> display = ForecastDisplay.from_estimator(forecaster.fit(y[:100]), y[100:])
    >>> display.forecast.shape, display.quantile_forecasts.shape
    ((8,), (8, 3))
    """

    # Set by `plot`.
    ax_: Axes
    figure_: Figure
    bands_: list[Artist]
    lines_: dict[str, Artist]

    def __init__(
        self,
        past: ArrayLike,
        forecast: ArrayLike,
        *,
        truth: ArrayLike | None = None,
        quantile_forecasts: ArrayLike | None = None,
        quantiles: ArrayLike | None = None,
        past_times: ArrayLike | None = None,
        times: ArrayLike | None = None,
    ) -> None:
        self.past = as_floats(past, "past", 1, allow_nan=True)
        self.forecast = as_floats(forecast, "forecast", 1)
        n_steps = len(self.forecast)
        self.truth = None if truth is None else as_floats(truth, "truth", 1, allow_nan=True)
        check_length(self.truth, n_steps, "truth", "forecast")
        self.quantile_forecasts, self.quantiles = None, None
        if quantile_forecasts is not None:
            self.quantile_forecasts = as_floats(quantile_forecasts, "quantile_forecasts", 2)
            check_length(self.quantile_forecasts, n_steps, "quantile_forecasts", "forecast")
            self.quantiles = _quantiles(quantiles, self.quantile_forecasts.shape[1])
        if (past_times is None) != (times is None):
            raise ValueError("`times` and `past_times` must be given together, got one of them.")
        if times is None:
            past_times, times = np.arange(1 - len(self.past), 1), np.arange(1, n_steps + 1)
        self.past_times, self.times = _plain(past_times), _plain(times)
        check_length(self.past_times, len(self.past), "past_times", "past")
        check_length(self.times, n_steps, "times", "forecast")

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        y_true: ArrayLike | None = None,
        X: ArrayLike | None = None,
        *,
        series: Hashable = 0,
        n_past: Integer | None = None,
        ax: Ax = None,
    ) -> Self:
        """Draw what a forecaster expects after the last known step.

        Parameters
        ----------
        estimator : fitted RNNForecaster, or search with one
            With `quantile`, its intervals are drawn.
        y_true : array-like, default=None
            What came: ``(n_steps,)``, or ``(n_steps, n_series)`` if there are several series; of at
            most `horizon` steps, more are ignored. It may be shorter than the forecast.
        X : array-like or frame of shape (horizon, n_features), default=None
            The known features, as for `predict`.
        series : int or name of a series, default=0
            Which of the series, by its place or by its name in `series_names_`.
        n_past : int or None, default=None
            How many of the known steps to draw. None means three times the horizon.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : ForecastDisplay
            The display, already drawn.

        Raises
        ------
        TypeError
            If the estimator is of another kind.
        ValueError
            If an argument is not as described.
        """
        forecaster = last_step(estimator)
        if not isinstance(forecaster, RNNForecaster):
            raise TypeError(
                "`estimator` must be a fitted RNNForecaster (for others, use `from_predictions`), "
                f"got {shown(forecaster)}."
            )
        check_is_fitted(forecaster)
        place = _place(series, forecaster.series_names_)
        known = forecaster._series[place]
        steps, values = forecaster._predict(None, X, None, None)
        values, quantiles = values[place], forecaster.quantile
        middle = 0 if quantiles is None else np.argmin(np.abs(np.asarray(quantiles) - 0.5))
        n_past = 3 * forecaster.horizon if n_past is None else n_past
        integer(1).check("n_past", n_past)
        n_steps, begin = known.n_steps, max(0, known.n_steps - int(n_past))
        facts = {} if quantiles is None else _in_order(values, quantiles)
        if known.clock is not None:
            times = known.times(n_steps, n_steps + int(steps.max()) + 1)
            facts |= {"past_times": known.times(begin, n_steps), "times": _plain(times)[steps]}
        if y_true is not None:
            facts["truth"] = _truth(y_true, place, forecaster.n_series_, steps)
        return cls(known.y[begin:n_steps], values[:, middle], **facts).plot(ax)

    @classmethod
    def from_predictions(
        cls, past: ArrayLike, forecast: ArrayLike, *, ax: Ax = None, **facts: Any
    ) -> Self:
        """Draw a given forecast.

        Parameters
        ----------
        past : array-like of shape (n_past,)
            The known values before the forecast; NaN where they are missing.
        forecast : array-like of shape (n_steps,)
            The forecast of the steps after them. If both are Series of pandas with an index of
            dates, they are drawn over these dates.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.
        **facts : dict
            The other parameters of the constructor.

        Returns
        -------
        display : ForecastDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        indices = [getattr(each, "index", None) for each in (past, forecast)]
        if "times" not in facts and all(hasattr(index, "freq") for index in indices):
            facts = {"past_times": indices[0], "times": indices[1], **facts}
        return cls(past, forecast, **facts).plot(ax)

    def plot(self, ax: Ax = None) -> Self:
        """Draw the forecast.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : ForecastDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        (ax,), self.figure_ = axes_for("ForecastDisplay", ax)
        self.ax_, self.lines_, self.bands_ = ax, {}, []
        text, marker = foreground(), "o" if len(self.times) == 1 else None
        strong, weak = blues()
        self._line("past", self.past_times, "Past", color=text, linewidth=1.2)
        if self.truth is not None:
            style = {"color": text, "linestyle": "--", "linewidth": 1.2, "marker": marker}
            self._line("truth", self.times, "Truth", **style)
        style = {"color": strong, "linewidth": 2.0, "marker": marker}
        self._line("forecast", self.times, "Forecast", **style)
        for k, (low, high, covered) in enumerate(self._intervals()):
            bounds = self.quantile_forecasts[:, low], self.quantile_forecasts[:, high]
            label = f"{100 * covered:.3g} % interval"
            style = {"color": weak, "alpha": min(0.3 + 0.2 * k, 0.9), "linewidth": 0}
            self.bands_.append(ax.fill_between(self.times, *bounds, label=label, **style))
        ax.axvline(self.past_times[-1], color=text, linewidth=0.8, alpha=0.4)
        if self.times.dtype.kind == "M":
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

            locator = AutoDateLocator(minticks=3, maxticks=6)
            ax.xaxis.set_major_locator(locator)
            ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        else:
            ax.set_xlabel("Step")
        legend_above(ax, [*self.lines_.values(), *self.bands_], n_columns=3)
        return self

    def _line(self, name, times, label, **style):
        (self.lines_[name],) = self.ax_.plot(times, getattr(self, name), label=label, **style)

    def _intervals(self):
        """Yield the places of the two quantiles of each interval, and its probability."""
        if self.quantiles is not None:
            for low in range(len(self.quantiles) // 2):
                high = len(self.quantiles) - 1 - low
                yield low, high, self.quantiles[high] - self.quantiles[low]


def _quantiles(quantiles, n):
    """Return quantiles as an increasing array (n,)."""
    if quantiles is None:
        raise ValueError("`quantiles` must say which ones `quantile_forecasts` has, got None.")
    quantiles = as_floats(quantiles, "quantiles", 1)
    check_length(quantiles, n, "quantiles", "quantile_forecasts[0]")
    if not (np.diff(quantiles) > 0).all() or quantiles[0] <= 0 or quantiles[-1] >= 1:
        raise ValueError(f"`quantiles` must increase between 0 and 1, got {quantiles.tolist()}.")
    return quantiles


def _in_order(values, quantiles):
    """Return forecasts of quantiles (n_steps, n_quantiles) in increasing order of quantiles."""
    order = np.argsort(quantiles)
    return {
        "quantile_forecasts": values[:, order],
        "quantiles": np.asarray(quantiles, dtype=np.float64)[order],
    }


def _plain(times):
    """Return times as an array that matplotlib reads: numbers or datetime64."""
    times = times.to_timestamp() if hasattr(times, "to_timestamp") else times
    if getattr(times, "tz", None) is not None:
        times = times.tz_localize(None)
    return np.asarray(times)


def _place(series, names):
    """Return the place of a series that is told by place or name."""
    if series in names:
        return names.index(series)
    if integer(0).test(series) and series < len(names):
        return int(series)
    raise ValueError(
        f"`series` must be below {len(names)} or one of {shown(list(names))}, got {shown(series)}."
    )


def _truth(y_true, place, n_series, steps):
    """Return what came at steps (n_steps,), NaN after its end."""
    try:
        values = np.asarray(y_true, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`y_true` must be numbers, got {shown(y_true)}.") from error
    values = values[:, np.newaxis] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != n_series:
        raise ValueError(
            f"`y_true` must have {n_series} series, (n_steps, n_series), got shape "
            f"{np.shape(y_true)}."
        )
    truth = np.full(int(steps.max()) + 1, np.nan)
    known = values[: len(truth), place]
    truth[: len(known)] = known
    return truth[steps]
