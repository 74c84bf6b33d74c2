"""Forecasts with probabilities: quantiles, intervals and sampled paths."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._rules import integer, number
from .._typing import ArrayLike, Frame, Integer, Number, RandomState
from .panel import like


class ProbabilisticForecasts:
    """The part of `RNNForecaster` that predicts more than one number per step."""

    def predict_quantiles(
        self,
        steps: Integer | ArrayLike | None = None,
        X: ArrayLike | None = None,
        alpha: Number | ArrayLike | None = None,
        *,
        fh: Integer | ArrayLike | None = None,
        exog: ArrayLike | None = None,
    ) -> Frame:
        """Forecast quantiles.

        Parameters
        ----------
        steps : int or array-like of int, default=None
            The steps to forecast, as in `predict`.
        X : array-like or frame of shape (horizon, n_features), default=None
            The known features of all steps of the horizon, as in `predict`.
        alpha : float or list of float, default=None
            The quantiles to return, which must be among `quantile`. None means all of these.
        fh : int or array-like of int, default=None
            As `steps`, but an int is one step, as in sktime.
        exog : array-like or frame, default=None
            Another name of `X`.

        Returns
        -------
        quantiles : ndarray or frame
            An array has one axis more than that of `predict`, with one entry per quantile. The
            columns of a frame are called "q0.1" etc., or "<series>_q0.1" if there are several
            series.

        Raises
        ------
        ValueError
            If the forecaster does not predict these quantiles, or as for `predict`.
        """
        self._need_quantiles()
        wanted = self._quantile if alpha is None else np.ravel(alpha)
        chosen = [self._place_of(each, "alpha") for each in wanted.tolist()]
        steps, values = self._predict(steps, X, fh, exog)
        names = [f"q{self._quantile[j]:g}" for j in chosen]
        return like(self._form, self._series, values[:, :, chosen], steps, names)

    def predict_interval(
        self,
        steps: Integer | ArrayLike | None = None,
        X: ArrayLike | None = None,
        coverage: Number = 0.8,
        *,
        fh: Integer | ArrayLike | None = None,
        exog: ArrayLike | None = None,
    ) -> Frame:
        """Forecast bounds between which the series will lie with a given probability.

        Parameters
        ----------
        steps : int or array-like of int, default=None
            The steps to forecast, as in `predict`.
        X : array-like or frame of shape (horizon, n_features), default=None
            The known features of all steps of the horizon, as in `predict`.
        coverage : float, default=0.8
            The probability; 0.8 requires that 0.1 and 0.9 are in `quantile`.
        fh : int or array-like of int, default=None
            As `steps`, but an int is one step, as in sktime.
        exog : array-like or frame, default=None
            Another name of `X`.

        Returns
        -------
        bounds : ndarray or frame
            As for `predict_quantiles`, with "lower" and "upper".

        Raises
        ------
        ValueError
            If `quantile` lacks these bounds, or as for `predict`.
        """
        self._need_quantiles()
        number(0, 1, open_low=True).check("coverage", coverage)
        bounds = (1 - coverage) / 2, (1 + coverage) / 2
        chosen = [self._place_of(each, "coverage") for each in bounds]
        steps, values = self._predict(steps, X, fh, exog)
        return like(self._form, self._series, values[:, :, chosen], steps, ["lower", "upper"])

    def predict_samples(
        self,
        n_samples: Integer = 100,
        steps: Integer | ArrayLike | None = None,
        X: ArrayLike | None = None,
        *,
        fh: Integer | ArrayLike | None = None,
        exog: ArrayLike | None = None,
        random_state: RandomState = None,
    ) -> Frame:
        """Draw paths that the series may take, for example for quantiles of sums over steps.

        Each path copies the errors of the forecast of one window that `calibrate` left out: at each
        step, it lies at the same place among the quantiles as the true value did there. So the
        errors of neighbouring steps are related as in the data. The paths of several series are
        drawn independently.

        Parameters
        ----------
        n_samples : int, default=100
            Number of paths.
        steps : int or array-like of int, default=None
            The steps to forecast, as in `predict`.
        X : array-like or frame of shape (horizon, n_features), default=None
            The known features of all steps of the horizon, as in `predict`.
        fh : int or array-like of int, default=None
            As `steps`, but an int is one step, as in sktime.
        exog : array-like or frame, default=None
            Another name of `X`.
        random_state : int, RandomState instance or None, default=None
            Source of the paths. None means the `random_state` of the forecaster.

        Returns
        -------
        samples : ndarray or frame
            As for `predict_quantiles`, with one entry or column "s0", "s1", ... per path.

        Raises
        ------
        ValueError
            If `calibrate` is False, or as for `predict`.
        """
        check_is_fitted(self)
        integer(1).check("n_samples", n_samples)
        if self._calibration is None or not len(self._calibration.paths):
            raise ValueError(
                "`calibrate` must be True to draw samples, and at least one of the windows that it "
                "leaves out must have no missing values."
            )
        rng = check_random_state(self.random_state if random_state is None else random_state)
        steps, values = self._predict(steps, X, fh, exog)
        samples = self._calibration.samples(values, steps, n_samples, rng)
        names = [f"s{i}" for i in range(n_samples)]
        return like(self._form, self._series, samples, steps, names)

    def _place_of(self, quantile, name):
        """Return the place of a quantile, wanted by an argument, among those predicted."""
        number(0, 1, open_low=True).check(name, quantile)
        distances = np.abs(self._quantile - quantile)
        if distances.min() > 1e-6:
            raise ValueError(
                f"`quantile` must include {quantile:g} in `fit` to predict it, got "
                f"{self._quantile.tolist()}: add it and fit again."
            )
        return int(distances.argmin())

    def _need_quantiles(self):
        check_is_fitted(self)
        if self._quantile is None:
            raise ValueError(
                "`quantile` must be given in `fit` to predict intervals or quantiles, for example "
                "(0.1, 0.5, 0.9); got None."
            )
