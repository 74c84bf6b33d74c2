"""What displays read of estimators and of data."""

from __future__ import annotations

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from ..._estimators.transfer import model_of
from ..._rules import integer, shown


def best_of(estimator):
    """Return the best estimator of a search; any other estimator as it is."""
    if hasattr(estimator, "refit") and not hasattr(estimator, "best_estimator_"):
        raise NotFittedError(
            "`estimator` must be a search that is fitted, with refit=True, so that it has "
            f"`best_estimator_`; got {shown(estimator)}."
        )
    return getattr(estimator, "best_estimator_", estimator)


def last_step(estimator):
    """Return the estimator that a Pipeline or a search ends with."""
    estimator = best_of(estimator)
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def transform_of(estimator):
    """Return what an estimator does with X before its network reads it, a function."""
    estimator = best_of(estimator)
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        return estimator[:-1].transform
    return _as_it_is


def network_and_X(estimator, X):
    """Return the fitted network of an estimator or Pipeline, and X as this network reads it."""
    rnn = last_step(estimator)
    model_of(rnn, "estimator")
    return rnn, transform_of(estimator)(X)


def tokens_of(estimator, X, sequence):
    """Return the tokens of X[sequence] if a Pipeline of a TokenEncoder and a network reads it.

    Otherwise return None.
    """
    estimator = best_of(estimator)
    if not isinstance(estimator, Pipeline) or len(estimator.steps) != 2:
        return None
    if not hasattr(estimator[0], "_tokens_of") or not _is_number_of(sequence, X):
        return None
    return estimator[0]._tokens_of(X, sequence)


def _is_number_of(sequence, items):
    return integer(-len(items)).test(sequence) and sequence < len(items)


def _as_it_is(X):
    return X


def one_of_sequences(items, sequence):
    """Return one of the items of a result, an array."""
    if not _is_number_of(sequence, items):
        raise ValueError(
            f"`sequence` must be the number of a sequence, from {-len(items)} to "
            f"{len(items) - 1}, got {shown(sequence)}."
        )
    return np.asarray(items[sequence])


def as_floats(values, name, ndim, allow_nan=False):
    """Return values as a float64 array of `ndim` dimensions that is not empty."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be an array of numbers, got {shown(values)}.") from error
    if array.ndim != ndim or array.size == 0:
        raise ValueError(
            f"`{name}` must have {ndim} dimension{'s' * (ndim > 1)} and not be empty, got shape "
            f"{array.shape}."
        )
    if not allow_nan and not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite, but it holds NaN or infinity.")
    return array


def check_length(values, n, name, like):
    """Refuse values of another length than n."""
    if values is not None and len(values) != n:
        raise ValueError(f"`{name}` must have {n} entries like `{like}`, got {len(values)}.")
