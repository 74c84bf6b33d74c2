"""The importance of each feature and step of the sequences to a fitted estimator."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch, check_random_state

from .._converters.nested import read_table
from .._data.arguments import naming
from .._data.frames import is_frame
from .._data.items import first_frame
from .._data.nested import is_nested
from .._data.nested_frames import in_library, library_of
from .._rules import INTEGER_BITS, did_you_mean, integer, one_of, shown
from .._typing import ArrayLike, Integer, RandomState, Scoring, SequencesLike
from .displays.reading import best_of, network_and_X

_COUNTS = integer(1, INTEGER_BITS)
_BY = one_of(["feature", "step", "both"])


def permutation_importance(
    estimator: BaseEstimator,
    X: SequencesLike,
    y: Any,
    *,
    by: Literal["feature", "step", "both"] = "feature",
    window: Integer = 1,
    scoring: Scoring = None,
    n_repeats: Integer = 5,
    random_state: RandomState = None,
    sample_weight: ArrayLike | None = None,
) -> Bunch:
    """Measure how much a score falls if values are taken from other sequences (Breiman, 2001).

    The values are those of one feature, of some steps, or of one feature at some steps. With
    ``by="feature"``, `sklearn.inspection.permutation_importance` does the same with a table of
    `to_nested` if all sequences have the same length. Here they may have different lengths: values
    of a longer sequence are cut off, and values of a shorter one are repeated from its start.

    Parameters
    ----------
    estimator : fitted estimator
        A network, or a Pipeline or search with one, fitted to sequences (n_timesteps_i,
        n_features). If X holds texts or lists of tokens, the codes are permuted that the last step
        of the Pipeline reads.
    X : sequences
        Sequences (n_timesteps_i, n_features) in any form that `fit` takes, preferably of a test
        set. The score is measured on them.
    y : array-like
        Targets, in any form that `score` takes.
    by : {"feature", "step", "both"}, default="feature"
        What is permuted: a feature at all steps, all features at some steps, or one feature at some
        steps.
    window : int, default=1
        Only with "step" and "both": the number of adjacent steps that are permuted together. The
        score is computed for each window, so long sequences need long windows.
    scoring : str or callable, default=None
        A scorer as for `sklearn.model_selection.cross_val_score`. None means the method `score` of
        the estimator.
    n_repeats : int, default=5
        Number of permutations of each feature or window.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.
    sample_weight : array-like, default=None
        Weights, which are passed to the scorer.

    Returns
    -------
    result : Bunch
        Dictionary-like, with the entry `importances`, an ndarray of shape (n_features, n_repeats),
        (n_windows, n_repeats) or (n_windows, n_features, n_repeats), according to `by`: the score
        of `X` minus the score after each permutation. `importances_mean` and `importances_std` are
        its mean and standard deviation over the repeats. Window k begins with step ``k * window``;
        there are as many as the longest sequence needs. Its values are permuted among the sequences
        that reach it: the importance is 0 if only one does.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    See Also
    --------
    feature_importances : Returns norms of weights, which is faster and needs no data.
    occlusion : The importance of steps and features to the output for each sequence.

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
    >>> result = permutation_importance(regressor, X, y, by="both", window=2, random_state=0)
    >>> result.importances_mean.shape  # windows of steps, features
    (4, 3)
    """
    _BY.check("by", by)
    _COUNTS.check("window", window)
    if by == "feature" and window != 1:
        raise ValueError(f"`window` must be 1 with by='feature', got {shown(window)}.")
    _COUNTS.check("n_repeats", n_repeats)
    with naming("random_state"):
        random = check_random_state(random_state)
    if _holds_texts(X) and isinstance(best_of(estimator), Pipeline):
        scoring = getattr(estimator, "scorer_", None) if scoring is None else scoring
        estimator, X = network_and_X(estimator, X)
        X = list(X)
    if _is_flat(X):
        raise ValueError(
            "`X` must hold sequences (n_timesteps_i, n_features), but it is 2-D, one feature per "
            "step: sklearn.inspection.permutation_importance permutes its steps."
        )
    table = read_table(X, "permutation_importance")
    if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        raise ValueError(
            f"`scoring` must be None, the name of one scorer or a callable, got {scoring!r}: call "
            "permutation_importance for each."
        )
    if isinstance(scoring, str) and scoring not in (names := get_scorer_names()):
        raise ValueError(
            "`scoring` must be None, a name of `sklearn.metrics.get_scorer_names()` or a callable, "
            f"got {scoring!r}.{did_you_mean(scoring, names)}"
        )
    scorer = check_scoring(estimator, scoring=scoring)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}

    def score(columns):
        with warnings.catch_warnings():
            # A table made of an array has no column names.
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return scorer(estimator, _in_form_of(X, replace(table, columns=columns)), y, **weights)

    longest, columns = int(np.diff(table.offsets).max()), table.columns
    starts = [0] if by == "feature" else range(0, longest, window)
    size = longest if by == "feature" else window
    groups = [range(len(columns))] if by == "step" else [[j] for j in range(len(columns))]
    whole, importances = score(columns), np.empty((len(starts), len(groups), n_repeats))
    for k in range(n_repeats):
        for i, start in enumerate(starts):
            steps = _steps_of_others(table.offsets, start, size, random)
            for j, group in enumerate(groups):
                moved = [each[steps] if c in group else each for c, each in enumerate(columns)]
                importances[i, j, k] = whole - score(tuple(moved))
    if by != "both":
        importances = importances.reshape(-1, n_repeats)
    return Bunch(
        importances_mean=importances.mean(axis=-1),
        importances_std=importances.std(axis=-1),
        importances=importances,
    )


def _holds_texts(X):
    """Tell whether X holds texts or lists of tokens, by its first item."""
    if is_frame(X) or not (hasattr(X, "__len__") and hasattr(X, "__iter__")) or len(X) == 0:
        return False
    first = next(iter(X))
    if isinstance(first, (list, tuple, np.ndarray)) and len(first) > 0:
        first = first[0]
    return isinstance(first, str)


def _is_flat(X):
    """Tell whether X is a 2-D array or frame of numbers."""
    return len(getattr(X, "shape", ())) == 2 and not is_nested(X)


def _in_form_of(X, table):
    """Return a table as arrays if X is one array or a list of them, otherwise as a nested table."""
    is_list = isinstance(X, (list, tuple))
    arrays = X if is_list else [X] if np.ndim(X) == 3 else [None]
    if not all(type(each) is np.ndarray for each in arrays):
        return in_library(table, library_of(first_frame(X) if is_list else X))
    values = np.column_stack(table.columns)
    if not is_list:
        return values.reshape(X.shape)
    values = np.split(values, table.offsets[1:-1])
    return [each.reshape(x.shape) for x, each in zip(X, values, strict=True)]


def _steps_of_others(offsets, start, size, random):
    """Return for each step (n_steps,) the step that replaces it, that of another sequence.

    Only steps from `start` on, so many as `size`, are replaced.
    """
    lengths = np.diff(offsets)
    reaching = np.flatnonzero(lengths > start)
    order = reaching[random.permutation(len(reaching))]
    n_here, n_there = (np.minimum(lengths[of], start + size) - start for of in (reaching, order))
    firsts = offsets[:-1] + start
    place = np.arange(n_here.sum()) - np.repeat(np.cumsum(n_here) - n_here, n_here)
    steps = np.arange(offsets[-1])
    steps[np.repeat(firsts[reaching], n_here) + place] = np.repeat(
        firsts[order], n_here
    ) + place % np.repeat(n_there, n_here)
    return steps
