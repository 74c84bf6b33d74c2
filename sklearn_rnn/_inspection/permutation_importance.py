"""The importance of each feature of the sequences to a fitted estimator."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state

from .._converters.nested import read_table
from .._data.arguments import naming
from .._data.items import first_frame
from .._data.nested import is_nested
from .._data.nested_frames import in_library, library_of
from .._rules import INTEGER_BITS, integer
from .._typing import ArrayLike, Integer, RandomState, Scoring, SequencesLike

_REPEATS = integer(1, INTEGER_BITS)


def permutation_importance(
    estimator: BaseEstimator,
    X: SequencesLike,
    y: Any,
    *,
    scoring: Scoring = None,
    n_repeats: Integer = 5,
    random_state: RandomState = None,
    sample_weight: ArrayLike | None = None,
) -> Bunch:
    """Measure how much a score falls if one feature is taken from other sequences (Breiman, 2001).

    `sklearn.inspection.permutation_importance` does the same with a table of `to_nested` if all
    sequences have the same length. Here they may have different lengths: values of a longer
    sequence are cut off, and values of a shorter one are repeated from its start.

    Parameters
    ----------
    estimator : fitted estimator
        A network, or a Pipeline or search with one, fitted to sequences (n_timesteps_i,
        n_features).
    X : sequences
        Sequences (n_timesteps_i, n_features) in any form that `fit` takes, preferably of a test
        set. The score is measured on them.
    y : array-like
        Targets, in any form that `score` takes.
    scoring : str or callable, default=None
        A scorer as for `sklearn.model_selection.cross_val_score`. None means the method `score` of
        the estimator.
    n_repeats : int, default=5
        Number of permutations of each feature.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.
    sample_weight : array-like, default=None
        Weights, which are passed to the scorer.

    Returns
    -------
    result : Bunch
        Dictionary-like, with the entry `importances`, an ndarray of shape (n_features, n_repeats):
        the score of `X` minus the score after each permutation. `importances_mean` and
        `importances_std`, of shape (n_features,), are its mean and standard deviation.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    See Also
    --------
    feature_importances : Returns norms of weights, which is faster and needs no data.

    References
    ----------
    L. Breiman, "Random Forests", Machine Learning 45, 5-32 (2001).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import permutation_importance
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(length, 3)) for length in rng.integers(3, 8, size=80)]
    >>> y = [x[:, 1].sum() for x in X]
    >>> regressor = RNNRegressor(8, max_iter=40, learning_rate="cosine", random_state=0).fit(X, y)
    >>> result = permutation_importance(regressor, X, y, random_state=0)
    >>> int(result.importances_mean.argmax())
    1
    """
    _REPEATS.check("n_repeats", n_repeats)
    with naming("random_state"):
        random = check_random_state(random_state)
    if _is_flat(X):
        raise ValueError(
            "`X` must hold sequences (n_timesteps_i, n_features), but it is 2-D, one feature per "
            "step: sklearn.inspection.permutation_importance permutes its steps."
        )
    table = read_table(X, "permutation_importance")
    frame = first_frame(X) if isinstance(X, (list, tuple)) else X
    if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        raise ValueError(
            f"`scoring` must be None, the name of one scorer or a callable, got {scoring!r}: call "
            "permutation_importance for each."
        )
    scorer = check_scoring(estimator, scoring=scoring)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}

    def score(table):
        with warnings.catch_warnings():
            # A table made of an array has no column names.
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return scorer(estimator, in_library(table, library_of(frame)), y, **weights)

    whole, n_features = score(table), len(table.columns)
    importances = np.empty((n_features, n_repeats))
    for k in range(n_repeats):
        steps = _steps_of_others(table.offsets, random)
        for j, column in enumerate(table.columns):
            columns = (*table.columns[:j], column[steps], *table.columns[j + 1 :])
            importances[j, k] = whole - score(replace(table, columns=columns))
    return Bunch(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )


def _is_flat(X):
    """Tell whether X is a 2-D array or frame of numbers."""
    return len(getattr(X, "shape", ())) == 2 and not is_nested(X)


def _steps_of_others(offsets, random):
    """Return for each step (n_steps,) the step of another sequence that replaces it."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    order = random.permutation(len(lengths))
    place = np.arange(offsets[-1]) - np.repeat(starts, lengths)
    return np.repeat(starts[order], lengths) + place % np.repeat(lengths[order], lengths)
