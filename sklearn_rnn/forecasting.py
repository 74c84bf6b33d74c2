"""Forecasts: RNNForecaster, windows of tables, and networks that read their own predictions."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._data.arguments import Argument
from ._data.carriers import as_numbers
from ._data.finite import check_finite_rows
from ._estimators.regressor import RNNRegressor
from ._floating_point import floating_point_ignored
from ._forecasting.forecaster import RNNForecaster
from ._forecasting.naive import seasonal_naive
from ._forecasting.windows import from_windows, make_windows
from ._rules import integer, shown
from ._typing import Floats, Integer, SequenceNotStr, SequencesLike

__all__ = ["RNNForecaster", "from_windows", "make_windows", "rollout", "seasonal_naive"]

_FUTURE = Argument("X_future")


@floating_point_ignored
def rollout(
    estimator: BaseEstimator,
    X: SequencesLike,
    n_steps: Integer,
    *,
    X_future: SequencesLike | None = None,
    columns: SequenceNotStr[Integer] | None = None,
) -> Floats:
    """Let a regressor continue sequences: each prediction becomes the next input.

    The regressor must have learned to predict, at each step, features of the next step, as with
    ``fit([x[:-1] for x in X], [x[1:] for x in X])``. It reads the given sequences, predicts the
    step after the last one, reads this prediction as if it were the data, and so on (free-running
    prediction; Jaeger and Haas, 2004).

    Parameters
    ----------
    estimator : fitted RNNRegressor, or Pipeline that ends with one
        With ``mode="many_to_many"`` and ``bidirectional=False``. The transformers of a Pipeline
        must treat each step alone, as `sklearn_rnn.preprocessing.SequenceScaler` does: they are
        applied to the given sequences, and then to one step at a time. `y` of the fit is not
        transformed by a Pipeline, so the predictions are in the units of `X`, as they must be.
    X : sequences
        The sequences to continue, in any form that `fit` takes. Their lengths may differ from
        those in `fit`.
    n_steps : int
        Number of steps to predict, at least 1.
    X_future : array-like of shape (n_samples, n_steps - 1, n_other_features), default=None
        Values of the features that are not predicted, at the steps after the last one of each
        sequence; in the order of the columns of `X`. Required if there are such features, for
        example the time of day. Further steps are ignored. With a single such feature the last
        axis may be left out.
    columns : list of int, default=None
        For each output of the regressor, the feature of `X` that it predicts. None means the first
        features, in the order of the outputs.

    Returns
    -------
    predictions : ndarray of shape (n_samples, n_steps, n_outputs)
        Predictions of the steps after each sequence, float64; ``(n_samples, n_steps)`` if the
        regressor was fitted with one number per step.

    Raises
    ------
    TypeError
        If the estimator is of another kind.
    ValueError
        If an argument is not as described, if the network cannot go on step by step (see
        `RNNRegressor.stream`), or if the predictions become too large for the network.

    See Also
    --------
    RNNForecaster : Predicts all steps of a horizon at once.
    sklearn_rnn.RNNRegressor.stream : Goes on one step at a time.

    Notes
    -----
    Training reads true data alone, but here the network reads its own errors, too. Noise on the
    data in training (`input_noise`) teaches it to correct them. The values of chaotic systems can
    be predicted for a few Lyapunov times only.

    References
    ----------
    .. [1] H. Jaeger, H. Haas, "Harnessing nonlinearity: predicting chaotic systems and saving
       energy in wireless communication", Science 304, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.forecasting import rollout
    >>> t = np.arange(60) * 0.3
    >>> X = np.stack([np.sin(t + phase) for phase in np.arange(20)])[:, :, np.newaxis]
    >>> rnn = RNNRegressor(16, mode="many_to_many", max_iter=100, random_state=0)
    >>> rnn = rnn.fit(X[:, :-1], X[:, 1:])
    >>> forecasts = rollout(rnn, X[:, :20], n_steps=30)
    >>> forecasts.shape
    (20, 30, 1)
    >>> bool(np.abs(forecasts - X[:, 20:50]).max() < 0.3)
    True
    """
    transform, regressor = _parts(estimator)
    integer(1).check("n_steps", n_steps)
    n_steps, model = int(n_steps), regressor._fitted_model()
    if not model.network.per_step:
        raise ValueError(
            "`estimator` must have mode='many_to_many': it predicts the next step at each step."
        )
    if model.target.has_axis_of_quantiles:
        raise ValueError(
            "`estimator` must predict one number per target to be fed back, got "
            f"quantile={model.network.quantile}."
        )
    predictions, state = regressor.predict(transform(X), return_state=True)
    last = np.array([each[-1] for each in predictions], dtype=np.float64)
    n_samples, n_outputs = len(last), model.network.n_outputs
    n_features = _n_features(estimator, model)
    columns = _columns(columns, n_outputs, n_features)
    others = np.setdiff1d(np.arange(n_features), columns)
    future = _future(X_future, n_samples, n_steps, len(others), n_features)
    stream = regressor.stream(n_samples)
    stream.state = state
    results = np.empty((n_samples, n_steps, *last.shape[1:]))
    x = np.empty((n_samples, 1, n_features))
    for step in range(n_steps):
        results[:, step] = last
        if step == n_steps - 1:
            break
        x[:, 0, columns], x[:, 0, others] = last.reshape(n_samples, -1), future[:, step]
        rows = _rows(transform(x), x, model)
        try:
            last = stream.step(rows)
        except ValueError as error:
            raise ValueError(
                f"`n_steps` must be at most {step + 1} for these sequences: the prediction of step "
                f"{step + 1} is too large for the network to read. ({error})"
            ) from error
    return results


def _parts(estimator):
    """Return the function that transforms X for the regressor, and the regressor."""
    transform, regressor = _as_it_is, estimator
    if isinstance(estimator, Pipeline):
        regressor = estimator.steps[-1][1]
        if len(estimator.steps) > 1:
            transform = estimator[:-1].transform
    if not isinstance(regressor, RNNRegressor):
        raise TypeError(
            "`estimator` must be a fitted RNNRegressor, or a Pipeline that ends with one, got "
            f"{shown(estimator)} (of a search, pass `best_estimator_`)."
        )
    check_is_fitted(regressor)
    return transform, regressor


def _as_it_is(X):
    return X


def _n_features(estimator, model):
    """Return the number of features per step of X, before it is transformed."""
    n_features = model.network.n_features
    if isinstance(estimator, Pipeline) and model.form.kind != "2d":
        return getattr(estimator, "n_features_in_", n_features)
    return n_features


def _columns(columns, n_outputs, n_features):
    """Return the features of X that the outputs predict, as a list."""
    if columns is None:
        columns = range(n_outputs)
    elif not isinstance(columns, (list, tuple, np.ndarray)):
        raise ValueError(f"`columns` must be a list of int, got {shown(columns)}.")
    columns = list(columns)
    if n_outputs > n_features and columns == list(range(n_outputs)):
        raise ValueError(
            f"`estimator` must predict features of X: it has {n_outputs} outputs, but X has only "
            f"{n_features} features."
        )
    valid = all(integer(0).test(column) and column < n_features for column in columns)
    if not valid or len(set(columns)) < len(columns) or len(columns) != n_outputs:
        raise ValueError(
            f"`columns` must have a feature of X, from 0 to {n_features - 1}, for each of the "
            f"{n_outputs} outputs, each only once; got {columns}."
        )
    return columns


def _future(X_future, n_samples, n_steps, n_others, n_features):
    """Return the features that are not predicted (n_samples, at least n_steps - 1, n_others)."""
    if n_others == 0:
        if X_future is not None:
            raise ValueError(
                f"`X_future` must be None: the estimator predicts all {n_features} features of X."
            )
        return np.empty((n_samples, n_steps, 0))
    wanted = f"{(n_samples, n_steps - 1, n_others)}"
    if X_future is None:
        if n_steps == 1:
            return np.empty((n_samples, 0, n_others))
        raise ValueError(
            f"`X_future` must have the {n_others} of the {n_features} features of X that the "
            f"estimator does not predict, shape {wanted}; got None."
        )
    future = as_numbers(X_future, _FUTURE)
    if future.ndim == 2 and n_others == 1:
        future = future[:, :, np.newaxis]
    fits = future.ndim == 3 and future.shape[::2] == (n_samples, n_others)
    if not fits or future.shape[1] < n_steps - 1:
        raise ValueError(f"`X_future` must have shape {wanted}, got {np.shape(X_future)}.")
    check_finite_rows(future, _FUTURE)
    return future


def _rows(transformed, x, model):
    """Return one step of all sequences as the network reads it (n_samples, n_features)."""
    rows = np.asarray(transformed)
    shape = (len(x), 1, model.network.n_features)
    if rows.dtype == object or rows.size != len(x) * model.network.n_features:
        raise ValueError(
            f"`estimator` must transform a step alone, x of shape {x.shape}, to shape {shape}; got "
            f"shape {rows.shape}."
        )
    return rows.reshape(len(x), -1)
