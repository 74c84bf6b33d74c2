"""RNNForecaster: forecasts of one or several series by a recurrent network."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from .._estimators.drawn import Drawn
from .._estimators.regressor import RNNRegressor
from .._rules import boolean
from .._typing import ArrayLike, Frame, Integer, Number, RandomState, SequenceNotStr, SupportsArray
from .backtest import run_backtest
from .panel import check_later, like, read_future, read_panel
from .parameters import check_parameters, framing_of, one_of, relative_of, steps_of
from .prediction import check_reach, forecasts_of, middle_of
from .probabilities import ProbabilisticForecasts
from .training import networks_of, trained, updated, windows_of


class RNNForecaster(ProbabilisticForecasts, Drawn):
    """Forecast one or several series, with inputs known in advance, by a recurrent network.

    The last step that is known when a forecast is made is called its origin. The network reads a
    window, the `past` steps up to the origin and the `horizon` steps after it, and predicts all
    steps of the horizon at once. At each step it reads the series, its value one season before, the
    other features, and the calendar. Over the horizon, the series is hidden, and so are features
    that are not known in advance. Several series share one network; each is scaled by its own mean
    and standard deviation.

    Parameters
    ----------
    horizon : int
        Number of steps to forecast.
    past : int
        Number of steps up to the origin that the network reads.
    estimator : RNNRegressor or None, default=None
        The network and the settings of its training. The forecaster sets its `mode`, and with
        `quantile` also its `loss` and `quantile`. Its `early_stopping` holds out blocks of windows.
        A search over ``estimator__cell`` etc. needs an RNNRegressor here. None means
        ``RNNRegressor(48, bidirectional=True, solver="adamw", alpha=0.3, batch_size=16,
        learning_rate="cosine", max_iter=60)``.
    season : int, tuple of int or None, default=None
        Length of a season in steps, or several lengths: (24, 168) for a day and a week of hours.
        For each step, the network reads the value one season before; if that value is not known at
        the origin, it reads the latest known value a whole number of seasons before.
    known_future : "all", list or None, default="all"
        The features of X, by name or index, whose values over the horizon are known at the origin.
        The others are read up to the origin. None means that no feature is known.
    difference : int or None, default=None
        Length of a season in steps: the network predicts the difference from the seasonal naive
        forecast with this season. This helps with a trend. 1 means the difference from the last
        value.
    quantile : list of float or None, default=None
        The quantiles to predict, in increasing order, for example (0.1, 0.5, 0.9). None means a
        single forecast of each step; the loss of the estimator decides which (by default, the
        mean).
    calendar : bool, default=True
        Whether the network reads the time of the day, the day of the week and the time of the year,
        as far as they vary between steps. It has an effect only if the times of the series are
        dates.
    stride : int or None, default=None
        Number of steps between two training windows, counted from the end of the training data. If
        it is the length of a day, all windows begin at the same hour as the forecasts that follow
        the training data, and a network that forecasts once a day learns more from these. None
        means the largest divisor of `horizon` that gives at least 250 windows, or 1 if none does:
        in tests, many more overlapping windows took longer and gave no better forecasts.
    n_estimators : int, default=1
        Number of networks, with different initial weights, whose forecasts are averaged.
    calibrate : bool, default=False
        Whether to shift the quantiles so that the right share of values lies below each
        (conformalized quantile regression, Romano et al., 2019, with cross-validation). Each
        network leaves out a part of the windows in its training, in blocks of ten horizons, and all
        windows of any series that overlap with them. Its errors there determine the shifts,
        relative to the distance between the outer quantiles. Requires at least two networks and two
        quantiles.
    target, group, time : column or None, default=None
        Columns of a long table, which has one row per step and series: the column to predict, the
        column that identifies the series, and the time. If `target` is given, `y` must be such a
        table. All other columns are features.
    random_state : int, RandomState instance or None, default=None
        Seed of the networks. An int gives the same forecasts at each call; None means the
        `random_state` of the estimator.

    Attributes
    ----------
    estimators_ : list of RNNRegressor
        The fitted networks.
    n_series_ : int
        Number of series.
    series_names_ : list
        Names of the series.

    See Also
    --------
    make_windows : Makes only the windows, for any regressor.
    seasonal_naive : The forecast to compare with.
    rollout : Lets a network that predicts the next step read its own predictions.
    sklearn_rnn.model_selection.RollingOrigin : Splits for `GridSearchCV` over forecasters.

    Notes
    -----
    ========================  ===================================================================
    Data or interface         Call
    ========================  ===================================================================
    one series                ``fit(y)``: array or Series ``(n_steps,)``
    several                   ``fit(y)``: array or frame ``(n_steps, n_series)``, or a long table
    with features             ``fit(y, X)``, ``predict(X=X_future)``
    as in skforecast          ``fit(y, exog=X)``, ``predict(steps=12, exog=X_future)``
    as in sktime              ``fit(y, X, fh=[1, 2])``, ``predict(fh, X)``, ``predict_interval``,
                              ``predict_quantiles``, ``update``; ``fh=2`` is the second step
    in a search               ``GridSearchCV(forecaster, grid, cv=RollingOrigin(24)).fit(y, X)``
    ========================  ===================================================================

    If `y` has a pandas index with dates or periods, the index of the forecasts continues it. Steps
    that are missing in the index, and missing values, are not learned. Where the network reads
    them, they are replaced by the value one season before, and a further feature marks them. After
    the origin, the network reads only features that are known.

    References
    ----------
    .. [1] Y. Romano, E. Patterson, E. Candes, "Conformalized quantile regression", NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_rnn.forecasting import RNNForecaster
    >>> days = pd.date_range("2024-01-01", periods=200, freq="D")
    >>> y = pd.Series(100 + 10 * np.sin(np.arange(200) * 2 * np.pi / 7), index=days)
    >>> forecaster = RNNForecaster(3, 14, season=7, quantile=(0.1, 0.5, 0.9), random_state=0)
    >>> forecaster.fit(y).predict().round()
    2024-07-19    96.0
    2024-07-20    90.0
    2024-07-21    92.0
    Freq: D, dtype: float64
    >>> forecaster.predict_interval(coverage=0.8).columns.tolist()
    ['lower', 'upper']
    """

    # Set by `fit`.
    estimators_: list[RNNRegressor]
    n_series_: int
    series_names_: list[Any]

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_predict_request: Callable[..., Self]

    def __init__(
        self,
        horizon: Integer,
        past: Integer,
        *,
        estimator: RNNRegressor | None = None,
        season: Integer | SequenceNotStr[Integer] | None = None,
        known_future: Literal["all"] | SequenceNotStr[Hashable] | None = "all",
        difference: Integer | None = None,
        quantile: SequenceNotStr[Number] | SupportsArray | None = None,
        calendar: bool = True,
        stride: Integer | None = None,
        n_estimators: Integer = 1,
        calibrate: bool = False,
        target: Hashable = None,
        group: Hashable = None,
        time: Hashable = None,
        random_state: RandomState = None,
    ) -> None:
        self.horizon = horizon
        self.past = past
        self.estimator = estimator
        self.season = season
        self.known_future = known_future
        self.difference = difference
        self.quantile = quantile
        self.calendar = calendar
        self.stride = stride
        self.n_estimators = n_estimators
        self.calibrate = calibrate
        self.target = target
        self.group = group
        self.time = time
        self.random_state = random_state

    def fit(
        self,
        y: ArrayLike,
        X: ArrayLike | None = None,
        fh: Integer | ArrayLike | None = None,
        *,
        exog: ArrayLike | None = None,
    ) -> Self:
        """Learn from the past of one or several series.

        Parameters
        ----------
        y : array-like, Series or frame of shape (n_steps,) or (n_steps, n_series)
            The series, in time order, with NaN where values are missing. With `target`, a long
            table: a frame or an array.
        X : array-like or frame of shape (n_steps, n_features), default=None
            Features of the same steps, for all series.
        fh : int, array-like of int or None, default=None
            The steps, from 1 to `horizon`, that `predict` returns by default; an int is one step.
            None means all.
        exog : array-like or frame, default=None
            Another name of `X`.

        Returns
        -------
        self : RNNForecaster
            Fitted forecaster.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, or if the data are not as described or too short.
        """
        check_parameters(self)
        X = one_of("X", X, "exog", exog)
        series, form = self._read(y, X)
        series = [each.scaled() for each in series]
        framing = framing_of(self, series, form)
        windows = windows_of(framing, series)
        if windows is None:
            longest = max(each.n_steps for each in series)
            raise ValueError(
                f"`y` must have at least {framing.reach + self.horizon} steps (past, the longest "
                "season and the horizon), and values at some steps of a horizon; the longest "
                f"series has {longest} steps."
            )
        check_reach(framing, series)
        steps = steps_of(relative_of(fh), self.horizon)
        self.estimators_, self._calibration = trained(self, framing, windows)
        self._series, self._form, self._frame, self._fh = series, form, framing, steps
        self._quantile = None if self.quantile is None else np.array(self.quantile, np.float64)
        self.n_series_ = len(series)
        self.series_names_ = [each.name for each in series]
        return self

    def predict(
        self,
        steps: Integer | ArrayLike | None = None,
        X: ArrayLike | None = None,
        *,
        fh: Integer | ArrayLike | None = None,
        exog: ArrayLike | None = None,
    ) -> Frame:
        """Forecast the steps after the last known one.

        Parameters
        ----------
        steps : int or array-like of int, default=None
            The number of steps, or a list of the steps to forecast, from 1 to `horizon`. None means
            those passed to `fit` as `fh`, or all steps of the horizon.
        X : array-like or frame of shape (horizon, n_features), default=None
            The known features of all steps of the horizon. An index of dates must begin right after
            the end of the series. If the forecaster was fitted to a long table, a long table with
            the series, the time and the features.
        fh : int or array-like of int, default=None
            As `steps`, but an int is one step, as in sktime.
        exog : array-like or frame, default=None
            Another name of `X`.

        Returns
        -------
        y : ndarray, Series or frame of shape (n_steps,) or (n_steps, n_series)
            The forecasts in the form of `y` in `fit`. With `quantile`, they are medians: if 0.5 is
            not in `quantile`, interpolated between the quantiles around it, or else the quantile
            nearest to it. If `y` was a long table, a long table with the column "<target>_pred".

        Raises
        ------
        NotFittedError
            If the forecaster is not fitted.
        ValueError
            If `steps` is out of range, or `X` lacks known features or steps.
        """
        steps, values = self._predict(steps, X, fh, exog)
        return like(self._form, self._series, middle_of(values, self._quantile), steps)

    def update(
        self,
        y: ArrayLike,
        X: ArrayLike | None = None,
        update_params: bool = True,
        *,
        learning_rate_init: Number | None = None,
        exog: ArrayLike | None = None,
    ) -> Self:
        """Append new steps to the series, and learn from them.

        Parameters
        ----------
        y : array-like, Series or frame of shape (n_steps,) or (n_steps, n_series)
            The steps right after those that are known, in the form of `y` in `fit`.
        X : array-like or frame of shape (n_steps, n_features), default=None
            Features of these steps.
        update_params : bool, default=True
            Whether the networks learn, by `partial_fit`, from the windows that end among the new
            steps. If False, only the origin of the forecasts moves on.
        learning_rate_init : float, default=None
            Learning rate of this update. None means 1/200 of that of the estimator: at higher
            rates, an update with few windows makes the networks forget more than they learn.
        exog : array-like or frame, default=None
            Another name of `X`.

        Returns
        -------
        self : RNNForecaster
            Updated forecaster.

        Raises
        ------
        NotFittedError
            If the forecaster is not fitted.
        ValueError
            If the series or features differ from those of `fit`, or `y` does not directly follow
            the known steps.
        """
        check_is_fitted(self)
        boolean.check("update_params", update_params)
        later = self._later(y, one_of("X", X, "exog", exog))
        series = [a.followed_by(b) for a, b in zip(self._series, later, strict=True)]
        if update_params:
            new = [each.n_steps - self._frame.horizon + 1 for each in self._series]
            windows = windows_of(self._frame, series, new)
            if windows is not None:
                self.estimators_ = updated(self.estimators_, windows, learning_rate_init)
        self._series = series
        return self

    def backtest(
        self,
        y: ArrayLike,
        X: ArrayLike | None = None,
        *,
        step: Integer | None = None,
        refit: bool | Literal["update"] = False,
        season: Integer | None = None,
    ) -> Bunch:
        """Forecast from many origins, and compare with the true values and a naive forecast.

        The forecaster itself does not change.

        Parameters
        ----------
        y : array-like, Series or frame of shape (n_steps,) or (n_steps, n_series)
            The steps right after those that are known, as for `update`. The first origin is the
            last known step, so the networks have not learned from the steps that they forecast.
        X : array-like or frame of shape (n_steps, n_features), default=None
            Features of these steps.
        step : int or None, default=None
            Number of steps between two origins. None means `horizon`.
        refit : {False, "update", True}, default=False
            What the networks learn before each origin except the first. False: nothing. "update":
            the steps since the previous origin, as in `update`. True: all earlier steps, as in
            `fit`.
        season : int or None, default=None
            The season of the naive forecast, in steps. None means the longest one in the parameter
            `season`, or 1. If the value to repeat is missing, the one a season before is taken.

        Returns
        -------
        result : Bunch
            Dictionary-like, with the entries below. The first and the last dict can be converted to
            frames with ``pandas.DataFrame``.

            scores : dict of ndarray of shape (horizon,)
                For each "step": "mae" and "naive_mae", the mean absolute errors of the forecasts
                and of the naive forecasts over all origins and series where y is not missing. With
                quantiles also "pinball", the mean pinball loss of all quantiles, and with several
                of them "coverage", the share of values from the lowest to the highest.
            summary : dict of float
                The same for all steps together, and "n", the number of values.
            forecasts : dict of ndarray of shape (n_series * n_origins * horizon,)
                "series", "origin", "step", "y", "naive", and "pred" or "q0.1" etc.

        Raises
        ------
        NotFittedError
            If the forecaster is not fitted.
        ValueError
            If an argument is invalid, `y` has fewer than `horizon` steps, or as for `update`.
        """
        check_is_fitted(self)
        return run_backtest(self, self._later(y, X), step=step, refit=refit, season=season)

    def score(self, y: ArrayLike, X: ArrayLike | None = None) -> float:
        """Return the negative error of a backtest on the steps after the known ones.

        Parameters
        ----------
        y : array-like, Series or frame of shape (n_steps,) or (n_steps, n_series)
            The steps right after those that are known: at least `horizon` of them.
        X : array-like or frame of shape (n_steps, n_features), default=None
            Features of these steps.

        Returns
        -------
        score : float
            The negative mean absolute error, or with `quantile` the negative mean pinball loss, in
            units of `y`. The best score is 0.

        Raises
        ------
        NotFittedError
            If the forecaster is not fitted.
        ValueError
            As for `backtest`.
        """
        summary = self.backtest(y, X).summary
        return -summary["mae" if self._quantile is None else "pinball"]

    def _drawn_rnn(self):
        networks = self.estimators_ if hasattr(self, "estimators_") else networks_of(self)
        return networks[0]

    def _read(self, y, X, before=()):
        columns = {"target": self.target, "group": self.group, "time": self.time}
        return read_panel(y, X, **columns, before=before)

    def _predict(self, steps, X, fh, exog):
        """Return the steps, from 0, and forecasts (n_series, n_steps, n_quantiles or 1)."""
        check_is_fitted(self)
        steps = one_of("steps", steps, "fh", relative_of(fh))
        steps = self._fh if steps is None else steps_of(steps, self._frame.horizon)
        X = one_of("X", X, "exog", exog)
        futures = read_future(X, self._form, self._frame.known, self._series, self._frame.horizon)
        return steps, self._forecasts(self._series, futures)[:, steps]

    def _forecasts(self, series, futures):
        """Forecast series with known features (n_series, horizon, n_quantiles or 1)."""
        networks, calibration = self.estimators_, self._calibration
        return forecasts_of(networks, calibration, self._frame, series, futures)

    def _later(self, y, X):
        """Return the series that follow those that are known, in their order."""
        return check_later(*self._read(y, X, self._series), self._series, self._form)
