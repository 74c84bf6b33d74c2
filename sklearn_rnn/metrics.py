"""Scores for one target per step, for sequences in every form.

The scores of `sklearn.metrics` take one target per sample. These take an array
(n_samples, n_timesteps[, k]), or a list, tuple or object array with one array
(n_timesteps_i[, k]) per sequence; the two arguments may have different forms. Each works with
`sklearn.metrics.make_scorer` without further arguments.
"""

from __future__ import annotations

import warnings

import numpy as np

from ._data import arguments
from ._data.packed import Packed
from ._data.steps import pack_steps, read_steps, settle
from ._data.values import family
from ._data.weights import relative, step_weights
from ._docstrings import with_parts
from ._floating_point import floating_point_ignored

__all__ = ["sequence_accuracy", "step_accuracy", "step_r2"]

_described = with_parts(
    {
        "labels": """
y_true : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, k), \
or list, tuple or object array of (n_timesteps_i,) or (n_timesteps_i, k)
    True labels, numbers or strings. A step with k labels is correct if all of them are.
y_pred : as `y_true`
    Predicted labels, in the same or another form.
""",
        "step_weights": """
sample_weight : array-like of shape (n_samples,), or one weight per step, default=None
    Weight of each sequence (of each of its steps), or of each step in any form. A step of
    weight 0 does not count, whatever its labels or targets are, including None and NaN.
""",
        "errors": """
ValueError
    If the sequences of `y_true`, `y_pred` and `sample_weight` do not match (the message
    says which), or all weights are 0.
""",
    }
)


@_described
@floating_point_ignored
def step_accuracy(y_true, y_pred, *, sample_weight=None):
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
    right, weights, _ = _compare(y_true, y_pred, sample_weight)
    return float(np.average(right, weights=weights))


@_described
@floating_point_ignored
def sequence_accuracy(y_true, y_pred, *, sample_weight=None):
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
    right, weights, starts = _compare(y_true, y_pred, sample_weight)
    taught = weights > 0
    n_wrong = np.add.reduceat((taught & ~right).astype(np.intp), starts)
    n_taught = np.add.reduceat(taught.astype(np.intp), starts)
    weights = np.add.reduceat(weights, starts) / np.maximum(n_taught, 1)
    return float(np.average(n_wrong == 0, weights=weights))


@_described
@floating_point_ignored
def step_r2(y_true, y_pred, *, sample_weight=None):
    """Compute the coefficient of determination over all steps.

    The value is that of `sklearn.metrics.r2_score` for the steps of all sequences, one after
    another; several targets per step are averaged.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), \
or list, tuple or object array of (n_timesteps_i,) or (n_timesteps_i, n_outputs)
        True targets.
    y_pred : as `y_true`
        Predicted targets, in the same or another form.
    {step_weights}

    Returns
    -------
    score : float
        At most 1; predicting the weighted mean scores 0. For a constant target, 1 if it is
        predicted exactly, else 0. NaN, with a warning, for a single step.

    Raises
    ------
    {errors}

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_r2
    >>> step_r2([[1.0, 2.0], [3.0]], [[1.0, 2.0], [2.0]])
    0.5
    """
    truth, predicted, weights = _read(y_true, y_pred, sample_weight, numeric=True)
    score = r2(truth.values, predicted, weights)
    if np.isnan(score):
        what = "R2 is not defined for fewer than two steps with weight."
        warnings.warn(what, UserWarning, stacklevel=3)  # past `floating_point_ignored`
    return score


def r2(truth, predicted, weights=None):
    """Return R2 of numbers (n, k) with row weights (n,); NaN with fewer than two positive weights.

    A score that is too far below 0 for a float becomes the least float.
    """
    weights = np.ones(len(truth)) if weights is None else weights
    taught = weights > 0
    if np.count_nonzero(taught) < 2:
        return float("nan")
    weights = relative(weights[taught])
    # Halves have differences that cannot overflow.
    truth, predicted = (values[taught].astype(np.float64) / 2 for values in (truth, predicted))
    distance = truth - truth[0]  # exactly 0 if the target is constant, whatever its mean rounds to
    # In units of a power of two near the largest distance, squares neither overflow nor vanish.
    _, exponent = np.frexp(np.abs(distance).max(axis=0))
    distance = np.ldexp(distance, -exponent)
    distance -= np.average(distance, axis=0, weights=weights)
    spread = (weights[:, np.newaxis] * distance**2).sum(axis=0)
    with np.errstate(over="ignore"):
        squares = np.ldexp(truth - predicted, -exponent) ** 2
        residual = (weights[:, np.newaxis] * squares).sum(axis=0)
        scores = np.where(residual == 0, 1.0, 0.0)
        np.divide(residual, spread, out=scores, where=spread > 0)
        scores = np.where(spread > 0, 1 - scores, scores)
        return max(float(scores.mean()), -float(np.finfo(np.float64).max))


def d2_pinball(truth, predicted, quantiles, weights=None):
    """Return D2 of the pinball loss, the mean over targets and quantiles (n_quantiles,).

    truth (n, k), predicted (n, k, n_quantiles), weights (n,). It is the share of the loss of the
    best constants that predictions avoid (Koenker and Machado, 1999); like `r2` in other respects.
    """
    weights = np.ones(len(truth)) if weights is None else weights
    taught = weights > 0
    if np.count_nonzero(taught) < 2:
        return float("nan")
    shares = relative(weights[taught])
    shares /= shares.sum()
    # Halves have differences that cannot overflow.
    truth, predicted = (values[taught].astype(np.float64) / 2 for values in (truth, predicted))
    scores = []
    for i, q in enumerate(quantiles):
        residual = shares @ pinball(truth - predicted[..., i], q)
        spread = shares @ pinball(truth - weighted_quantile(truth, shares, q), q)
        score = np.where(residual == 0, 1.0, 0.0)
        with np.errstate(over="ignore"):
            np.divide(residual, spread, out=score, where=spread > 0)
        scores.append(np.where(spread > 0, 1 - score, score))
    return max(float(np.mean(scores)), -float(np.finfo(np.float64).max))


def pinball(e, q):
    """Return the pinball loss of the differences e = truth - prediction at quantile q."""
    return np.where(e >= 0, q * e, (q - 1) * e)


def weighted_quantile(values, shares, q):
    """Return the least quantile (k,) of columns (n, k); shares (n,) are weights that sum to 1."""
    order = np.argsort(values, axis=0)
    place = (np.cumsum(shares[order], axis=0) < q).sum(axis=0).clip(max=len(values) - 1)
    columns = np.arange(values.shape[1])
    return values[order[place, columns], columns]


def _compare(y_true, y_pred, sample_weight):
    """Return right (n_steps,), weights (n_steps,) and the first step of each sequence."""
    truth, predicted, weights = _read(y_true, y_pred, sample_weight, numeric=False)
    families = {family(labels.dtype) for labels in (truth.values, predicted)} - {"objects"}
    if len(families) > 1:
        raise ValueError(
            "`y_true` and `y_pred` must hold labels of one type, got dtypes "
            f"{truth.values.dtype} and {predicted.dtype}."
        )
    return (truth.values == predicted).all(axis=1), weights, truth.offsets[:-1]


def _read(y_true, y_pred, sample_weight, *, numeric):
    """Return y_true as Packed rows (n_steps, k), y_pred as (n_steps, k), and weights (n_steps,)."""
    truth = read_steps(y_true, arguments.Y_TRUE, numeric=numeric)
    # Weights come first: labels and targets of weight 0 may be anything.
    weights = step_weights(sample_weight, truth)
    taught = None if weights is None else weights > 0
    if taught is not None and not taught.any():
        raise ValueError("`sample_weight` must not be zero everywhere: no step would count.")
    values = settle(truth, y_true, taught, arguments.Y_TRUE, numeric=numeric)
    predicted = pack_steps(y_pred, truth, arguments.Y_PRED, numeric=numeric, taught=taught)
    values, predicted = (rows.reshape(len(rows), -1) for rows in (values, predicted))
    n_outputs = values.shape[1]
    if predicted.shape[1] != n_outputs:
        raise ValueError(
            f"`y_pred` must have {n_outputs} targets per step like `y_true`, "
            f"got {predicted.shape[1]}."
        )
    weights = relative(np.ones(truth.n_steps) if weights is None else weights)
    return Packed(values, truth.offsets), predicted, weights
