"""Scores of one target per step that need no scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np

from .._floating_point import floating_point_ignored
from .._typing import ArrayLike, Targets
from .numbers import r2
from .reading import compare, described, read


@described
@floating_point_ignored
def step_accuracy(
    y_true: Targets, y_pred: Targets, *, sample_weight: ArrayLike | None = None
) -> float:
    """Compute the fraction of steps that are labelled correctly.

    Parameters
    ----------
    {labels}
    {step_weights}

    Returns
    -------
    score : float
        Weighted fraction of correct steps, from 0 to 1.

    Raises
    ------
    {errors}

    See Also
    --------
    sequence_accuracy : The fraction of sequences without an error.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_accuracy
    >>> step_accuracy([["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]])
    0.6666666666666666
    """
    right, weights, _ = compare(y_true, y_pred, sample_weight)
    return float(np.average(right, weights=weights))


@described
@floating_point_ignored
def sequence_accuracy(
    y_true: Targets, y_pred: Targets, *, sample_weight: ArrayLike | None = None
) -> float:
    """Compute the fraction of sequences in which every step is labelled correctly.

    Parameters
    ----------
    {labels}
    sample_weight : array-like of shape (n_samples,), or one weight per step, default=None
        Weight of each sequence, or of each step in any form. A step of weight 0 may be wrong or
        missing, and a sequence counts with the mean weight of its other steps, whatever its
        length.

    Returns
    -------
    score : float
        Weighted fraction of correct sequences, from 0 to 1.

    Raises
    ------
    {errors}

    See Also
    --------
    step_accuracy : The fraction of steps that are labelled correctly.

    Examples
    --------
    >>> from sklearn_rnn.metrics import sequence_accuracy
    >>> sequence_accuracy([["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]])
    0.5
    """
    right, weights, starts = compare(y_true, y_pred, sample_weight)
    taught = weights > 0
    n_wrong = np.add.reduceat((taught & ~right).astype(np.intp), starts)
    n_taught = np.add.reduceat(taught.astype(np.intp), starts)
    weights = np.add.reduceat(weights, starts) / np.maximum(n_taught, 1)
    return float(np.average(n_wrong == 0, weights=weights))


@described
@floating_point_ignored
def step_r2(y_true: Targets, y_pred: Targets, *, sample_weight: ArrayLike | None = None) -> float:
    """Compute the coefficient of determination over all steps.

    The value is that of `sklearn.metrics.r2_score` for the steps of all sequences, one after
    another; several targets per step are averaged.

    Parameters
    ----------
    {targets}
    {step_weights}

    Returns
    -------
    score : float
        At most 1; predicting the weighted mean scores 0. For a constant target, 1 if it is
        predicted exactly, else 0. NaN, with a warning, for a single step.

    Raises
    ------
    {errors}

    See Also
    --------
    step_mean_absolute_error : The error in units of the targets.
    step_root_mean_squared_error : The error in units of the targets; large ones count more.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_r2
    >>> step_r2([[1.0, 2.0], [3.0]], [[1.0, 2.0], [2.0]])
    0.5
    """
    truth, predicted, weights = read(y_true, y_pred, sample_weight, numeric=True)
    score = r2(truth.values, predicted, weights)
    if np.isnan(score):
        what = "R2 is not defined for fewer than two steps with weight."
        warnings.warn(what, UserWarning, stacklevel=3)  # past `floating_point_ignored`
    return score
