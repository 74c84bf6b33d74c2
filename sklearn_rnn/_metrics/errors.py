"""Error metrics of `sklearn.metrics` for numbers, computed over all steps of all sequences."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn import metrics

from .._data.carriers import is_ragged
from .._floating_point import floating_point_ignored
from .._rules import Allowed, number, shown
from .._typing import ArrayLike, Number, Targets
from .reading import TaughtSteps, described, relative_weights

_QUANTILE = number(0.0, 1.0, closed_high=True)
_QUANTILES = Allowed(
    lambda values: (
        _QUANTILE.test(values)
        or (np.ndim(values) == 1 and len(values) > 0 and all(map(_QUANTILE.test, values)))
    ),
    "a number from 0 to 1, or a list of these",
)


@described
@floating_point_ignored
def step_mean_absolute_error(
    y_true: Targets,
    y_pred: Targets,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Literal["raw_values", "uniform_average"] | ArrayLike = "uniform_average",
) -> Any:
    """Compute the mean absolute error over all steps.

    The value is that of `sklearn.metrics.mean_absolute_error` for the steps of all sequences, one
    after another.

    Parameters
    ----------
    {targets}
    {step_weights}
    multioutput : {"uniform_average", "raw_values"} or array-like of shape (n_outputs,), \
default="uniform_average"
        How the errors of several outputs are combined: their mean, no combination, or a mean with
        these weights.

    Returns
    -------
    error : float or ndarray of float of shape (n_outputs,)
        In units of the targets; the lower, the better.

    Raises
    ------
    {errors}

    See Also
    --------
    step_r2 : Computes the share of the variance that is predicted.
    step_scorer : ``step_scorer("neg_mean_absolute_error")`` for searches.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_mean_absolute_error
    >>> step_mean_absolute_error([[1.0, 2.0], [3.0]], [[1.0, 4.0], [2.0]])
    1.0
    """
    truth, predicted, weights = _read(y_true, y_pred, sample_weight)
    options = {"sample_weight": weights, "multioutput": multioutput}
    return metrics.mean_absolute_error(truth, predicted, **options)


@described
@floating_point_ignored
def step_root_mean_squared_error(
    y_true: Targets,
    y_pred: Targets,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Literal["raw_values", "uniform_average"] | ArrayLike = "uniform_average",
) -> Any:
    """Compute the root of the mean squared error over all steps.

    The value is that of `sklearn.metrics.root_mean_squared_error` for the steps of all sequences,
    one after another.

    Parameters
    ----------
    {targets}
    {step_weights}
    multioutput : {"uniform_average", "raw_values"} or array-like of shape (n_outputs,), \
default="uniform_average"
        How the errors of several outputs are combined: their mean, no combination, or a mean with
        these weights.

    Returns
    -------
    error : float or ndarray of float of shape (n_outputs,)
        In units of the targets; the lower, the better.

    Raises
    ------
    {errors}

    See Also
    --------
    step_scorer : ``step_scorer("neg_root_mean_squared_error")`` for searches.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_root_mean_squared_error
    >>> step_root_mean_squared_error([[1.0, 2.0], [3.0]], [[1.0, 4.0], [5.0]])
    1.632993161855452
    """
    truth, predicted, weights = _read(y_true, y_pred, sample_weight)
    options = {"sample_weight": weights, "multioutput": multioutput}
    return metrics.root_mean_squared_error(truth, predicted, **options)


@described
@floating_point_ignored
def step_mean_pinball_loss(
    y_true: Targets,
    y_pred: Targets,
    *,
    quantile: Number | ArrayLike = 0.5,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the mean pinball loss of predicted quantiles over all steps.

    The value is that of `sklearn.metrics.mean_pinball_loss` for the steps of all sequences, one
    after another, averaged over the quantiles.

    Parameters
    ----------
    {targets}
        With a list of quantiles, `y_pred` has one more axis of length ``n_quantiles``, like the
        predictions of ``RNNRegressor(loss="quantile", quantile=[0.1, 0.9])``.
    quantile : float or list of float, default=0.5
        The quantile, or the quantiles in the order of the last axis of `y_pred`.
    {step_weights}

    Returns
    -------
    loss : float
        In units of the targets; the lower, the better. For the quantile 0.5, it is half the mean
        absolute error.

    Raises
    ------
    {errors}

    See Also
    --------
    step_mean_absolute_error : Computes twice the loss of the quantile 0.5.

    Notes
    -----
    For searches, pass the quantiles to the scorer: ``make_scorer(step_mean_pinball_loss,
    greater_is_better=False, quantile=[0.1, 0.9])``.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_mean_pinball_loss
    >>> step_mean_pinball_loss([[1.0, 2.0], [3.0]], [[2.0, 2.0], [3.0]], quantile=0.75)
    0.08333333333333333
    >>> bounds = [[[0.0, 2.0], [1.0, 3.0]], [[2.0, 4.0]]]
    >>> round(step_mean_pinball_loss([[1.0, 2.0], [3.0]], bounds, quantile=[0.1, 0.9]), 6)
    0.1
    """
    _QUANTILES.check("quantile", quantile)
    quantiles = [quantile] if np.ndim(quantile) == 0 else list(quantile)
    steps = TaughtSteps(y_true, sample_weight, numeric=True)
    truth = steps.values.reshape(len(steps.values), -1)
    flat = y_pred if np.ndim(quantile) == 0 else _with_flat_steps(y_pred, len(quantiles))
    predicted = steps.read(flat, numeric=True).reshape(len(truth), -1)
    n_columns = truth.shape[1] * len(quantiles)
    if predicted.shape[1] != n_columns:
        raise ValueError(
            f"`y_pred` must have {n_columns} numbers per step with quantile={shown(quantile)} and "
            f"{truth.shape[1]} targets per step, got {predicted.shape[1]}."
        )
    predicted = predicted.reshape(len(truth), -1, len(quantiles))
    weights = relative_weights(steps)
    losses = [
        metrics.mean_pinball_loss(truth, predicted[..., i], sample_weight=weights, alpha=q)
        for i, q in enumerate(quantiles)
    ]
    return float(np.mean(losses))


def _read(y_true, y_pred, sample_weight):
    """Return true and predicted numbers of the steps that count, and their weights or None."""
    steps = TaughtSteps(y_true, sample_weight, numeric=True)
    return steps.values, steps.read_numbers(y_pred), relative_weights(steps)


def _with_flat_steps(y, n_quantiles):
    """Return y with all numbers of a step in one axis."""
    if is_ragged(y):
        steps = [np.asarray(row) for row in y]
        return [_flat(row, 1, n_quantiles) if row.ndim > 2 else row for row in steps]
    array = np.asarray(y)
    return _flat(array, 2, n_quantiles) if array.ndim > 3 else y


def _flat(array, n_axes, n_quantiles):
    """Put all axes after the first n_axes into one; the last must be that of the quantiles."""
    if array.shape[-1] != n_quantiles:
        raise ValueError(
            f"`y_pred` must have {n_quantiles} quantiles in its last axis, got {array.shape[-1]}."
        )
    return array.reshape(*array.shape[:n_axes], -1)
