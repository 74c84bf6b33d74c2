"""Scores and losses of rows of numbers, which the estimators use as well."""

from __future__ import annotations

import numpy as np

from .._data.weights import relative


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
