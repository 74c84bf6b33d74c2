"""step_cross_val_predict: predictions for each sequence by a model that has not seen it."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, check_cv, cross_validate
from sklearn.utils import _safe_indexing  # public, in spite of its name

from .._data.lengths import n_samples_of
from .._typing import Array, ArrayLike, Integer, SequencesLike, Targets

# The prediction for a class that is missing from the training part of a fold.
_UNKNOWN = {"predict_proba": 0.0, "predict_log_proba": -np.inf}


def step_cross_val_predict(
    estimator: Any,
    X: SequencesLike,
    y: Targets,
    *,
    cv: Any = None,
    method: str = "predict_proba",
    groups: ArrayLike | None = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: Integer | None = None,
) -> Array:
    """Predict each sequence with a model that was fitted to the other folds.

    `sklearn.model_selection.cross_val_predict` does this for `predict`, but it cannot join
    probabilities per step.

    Parameters
    ----------
    estimator : estimator
        The estimator, which is cloned for each fold.
    X : sequences
        Sequences in any form that the estimator takes.
    y : array-like
        Targets in any form that the estimator takes.
    cv : int, splitter or iterable of splits, default=None
        A splitter, such as `SequenceKFold`, that tests each sequence exactly once. An int means
        `sklearn.model_selection.KFold` with this number of folds; None means 5 folds.
    method : str, default="predict_proba"
        The method of the fitted estimators to call, for example "predict_proba",
        "predict_log_proba" or "predict".
    groups : array-like of shape (n_samples,), default=None
        Groups of the sequences, for `cv`.
    params : dict, default=None
        Further arguments of `fit`, as in `sklearn.model_selection.cross_validate`.
    n_jobs : int or None, default=None
        Number of folds to fit in parallel.

    Returns
    -------
    predictions : ndarray of shape (n_samples, ...) or object array of ndarray
        The results of `method` for all sequences, in the order of X; an object array if these are
        one array per sequence. The columns are all classes in y, sorted. A class that is missing
        from the training part of a fold has the probability 0 there.

    Raises
    ------
    ValueError
        If the test parts do not contain each sequence exactly once.

    See Also
    --------
    sklearn_rnn.metrics : Scores of such predictions, over all steps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.metrics import step_roc_auc
    >>> from sklearn_rnn.model_selection import SequenceKFold, step_cross_val_predict
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.normal(size=(rng.randint(3, 9), 1)) for _ in range(60)]
    >>> y = [(x[:, 0] > 0).astype(int) for x in X]
    >>> rnn = RNNClassifier(4, mode="many_to_many", max_iter=50, random_state=0)
    >>> proba = step_cross_val_predict(rnn, X, y, cv=SequenceKFold(3, stratify="tags"))
    >>> proba[0].shape == (len(X[0]), 2)
    True
    >>> step_roc_auc(y, proba) > 0.9
    True
    """
    cv = KFold(5 if cv is None else int(cv)) if cv is None or isinstance(cv, Integral) else cv
    n_samples = n_samples_of(X)
    splits = list(check_cv(cv).split(X, y, groups))
    tested = np.concatenate([test for _, test in splits])
    if not np.array_equal(np.sort(tested), np.arange(n_samples)):
        raise ValueError(
            f"`cv` must test each of the {n_samples} sequences exactly once, but its test parts "
            f"have {len(tested)}: use a splitter such as KFold or SequenceKFold."
        )
    # The scores are not used. Predictions are made here, because workers would pickle them.
    done = cross_validate(
        *(estimator, X, y),
        cv=splits,
        scoring=_no_score,
        params=params,
        n_jobs=n_jobs,
        return_estimator=True,
        error_score="raise",
    )
    fitted = done["estimator"]
    results = [
        getattr(each, method)(_safe_indexing(X, test))
        for each, (_, test) in zip(fitted, splits, strict=True)
    ]
    if not all(isinstance(result, np.ndarray) for result in results):
        raise ValueError(
            f"`method` must return an array, or one array per sequence; {method} returned a "
            f"{type(results[0]).__name__}."
        )
    if method in _UNKNOWN:
        classes = [each.classes_ for each in fitted]
        results = _with_all_classes(results, classes, _UNKNOWN[method])
    return _put_together(results, tested)


def _no_score(estimator, X, y):
    return 0.0


def _with_all_classes(results, classes, unknown):
    """Extend results, whose columns are `classes`, to the columns of all classes."""
    if all(np.array_equal(classes[0], each) for each in classes):
        return results
    union = np.unique(np.concatenate(classes))
    return [
        _in_columns(result, np.searchsorted(union, known), len(union), unknown)
        for result, known in zip(results, classes, strict=True)
    ]


def _in_columns(result, places, n_columns, unknown):
    """Move the columns of an array, or of each array of an object array, to the given places."""
    if result.dtype == object:
        rows = np.empty(len(result), dtype=object)
        for i, row in enumerate(result):
            rows[i] = _in_columns(row, places, n_columns, unknown)
        return rows
    columns = np.full((*result.shape[:-1], n_columns), unknown, dtype=result.dtype)
    columns[..., places] = result
    return columns


def _put_together(results, order):
    """Return the results of all folds as one array, in the order of the sequences."""
    alike = {result.shape[1:] for result in results}
    if len(alike) > 1:  # sequences have equal lengths within folds, but not across folds
        results = [_as_objects(result) for result in results]
    together = np.concatenate(results)
    predictions = np.empty_like(together)
    predictions[order] = together
    return predictions


def _as_objects(result):
    rows = np.empty(len(result), dtype=object)
    for i, row in enumerate(result):
        rows[i] = row
    return rows
