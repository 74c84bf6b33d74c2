"""ByIndex: an estimator whose X is the numbers of sequences, for tools that take only tables."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing, get_tags  # the former is public, in spite of its name
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from .._available_if import available_if
from .._data.arguments import naming
from .._data.frames import is_arrow
from .._data.lengths import n_samples_of
from .._data.reader import read_X
from .._docstrings import with_parts
from .._documentation import Documented
from .._typing import Array, ArrayLike, Decorated, Estimator, Floats, SequencesLike, Targets

_ROUTED = ("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "score")
# (X,) while `with_sequences` copies an estimator, otherwise None.
_REPLACEMENT = ContextVar("replacement", default=None)


def _has(name: str) -> Callable[[Decorated], Decorated]:
    """Make a method available only if the wrapped estimator has it."""
    return available_if(lambda each: hasattr(getattr(each, "estimator_", each.estimator), name))


class _Held:
    """The sequences that all clones and copies of a ByIndex share: they are never copied."""

    def __init__(self, sequences):
        self.sequences = sequences

    def __repr__(self):
        return "None" if self.sequences is None else f"<{n_samples_of(self.sequences)} sequences>"

    def __sklearn_clone__(self):
        return self

    def __deepcopy__(self, memo):
        replacement = _REPLACEMENT.get()
        return self if replacement is None else _Held(*replacement)


PARTS = {
    "X": """
X : array-like of int of shape (n, 1) or (n,)
    The numbers of the sequences, from 0, in any order, with or without repeats.
""",
    "targets": """
y : array-like of length n, default=None
    Targets, in any form that `estimator` takes.
sample_weight : array-like, default=None
    Weights, in any form that `estimator` takes; passed on if it is not None.
""",
    "errors": """
NotFittedError
    If the estimator is not fitted.
ValueError
    If X does not hold numbers of sequences.
""",
}


@with_parts(PARTS)
class ByIndex(Documented):
    """An estimator whose X is the row numbers of sequences that it holds itself.

    It lets tools that take only tables work with sequences in any form, for example
    `sklearn.ensemble.BaggingClassifier`, `sklearn.multiclass.OneVsOneClassifier`,
    `sklearn.semi_supervised.SelfTrainingClassifier` and the resamplers of imbalanced-learn. The
    tool gets a table with one column, the numbers of the sequences (their positions in `X`, from
    0), and this estimator looks the sequences up.

    Parameters
    ----------
    estimator : estimator
        The estimator that learns from the sequences: an `RNNClassifier`, an `RNNRegressor`, or a
        Pipeline that ends with one. Its parameters have the prefix ``estimator__``.
    X : sequences
        All sequences that `fit` and `predict` will look up, in any form that `estimator` takes.

    Attributes
    ----------
    numbers : ndarray of float64 of shape (n_samples, 1)
        The numbers of all sequences, to pass to the tool as X. They are floats so that a tool that
        mixes rows gives fractions, which are refused; integers would be rounded without notice.
    estimator_ : estimator
        The fitted estimator. It predicts for new sequences: ``by_index.estimator_.predict(X_new)``.
    classes_ : ndarray of shape (n_classes,)
        The classes of the fitted estimator, if it is a classifier.
    n_features_in_ : int
        Number of columns of the table: 1, or more in chains.

    See Also
    --------
    with_sequences : Lets a fitted tool predict for other sequences.
    sklearn_rnn.preprocessing.to_nested : A table that holds the sequences themselves.

    Notes
    -----
    X is not copied: clones and copies hold the same object, so a search over a thousand candidates
    holds one X. Sequences in a list are looked up by reference. Rows of an array or a frame are
    copied when they are looked up, as in folds of scikit-learn. With `n_jobs` and processes, each
    task pickles X; use threads instead, which train networks in parallel:
    ``with joblib.parallel_config("threading", n_jobs=2)``. Pickles of the estimator contain X;
    ``with_sequences(model, None)`` returns a copy without it.

    Numbers may be repeated and in any order. Columns after the first, which
    `sklearn.multioutput.ClassifierChain` and `RegressorChain` add, become features with the same
    value at each step of a sequence. Splitters also get numbers: for a splitter that reads lengths,
    pass ``cv=list(SequenceKFold().split(X, y))``. Resamplers that compute new rows from old ones,
    such as SMOTE, cannot be used: numbers that are not integers are refused.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.multiclass import OneVsOneClassifier
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.model_selection import ByIndex
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.normal(size=(rng.randint(3, 9), 2)) for _ in range(60)]
    >>> y = np.digitize([x.sum() for x in X], [-2, 2])
    >>> rnn = ByIndex(RNNClassifier(8, max_iter=200, random_state=0), X)
    >>> model = OneVsOneClassifier(rnn).fit(rnn.numbers, y)
    >>> model.score(rnn.numbers, y) > 0.9
    True
    >>> len(model.estimators_), model.estimators_[0].X is X
    (3, True)
    """

    # Set by `fit`.
    estimator_: Any
    n_features_in_: int

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_partial_fit_request: Callable[..., Self]
    set_score_request: Callable[..., Self]

    def __init__(self, estimator: Any, X: SequencesLike | None) -> None:
        self.estimator = estimator
        self.X = X

    @property
    def X(self) -> Any:
        return self._held.sequences

    @X.setter
    def X(self, X: SequencesLike | None) -> None:
        self._held = X if isinstance(X, _Held) else _Held(X)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; X is in a holder, whose repr does not show the sequences.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include those of the estimator, as ``estimator__`` and their names.

        Returns
        -------
        params : dict
            Values by name.
        """
        return {**super().get_params(deep), "X": self._held}

    @property
    def numbers(self) -> Floats:
        return np.arange(self._n_samples(), dtype=np.float64)[:, np.newaxis]

    # ---- fit ----

    def fit(
        self,
        X: ArrayLike,
        y: Targets | None = None,
        sample_weight: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Fit a clone of the estimator to the sequences with the given numbers.

        Parameters
        ----------
        {X}
        {targets}
        **params : dict
            Further arguments of `fit` of the estimator, such as ``groups``, with one entry for each
            number.

        Returns
        -------
        self : ByIndex
            The fitted estimator.

        Raises
        ------
        ValueError
            If X does not hold numbers of sequences, or if the estimator raises it.
        """
        sequences, n_columns = self._look_up(X)
        params = _with_weights(params, sample_weight)
        self.estimator_ = clone(self.estimator).fit(sequences, y, **params)
        self.n_features_in_ = n_columns
        return self

    @_has("partial_fit")
    def partial_fit(
        self,
        X: ArrayLike,
        y: Targets | None = None,
        sample_weight: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Update the estimator with the sequences with the given numbers.

        Parameters
        ----------
        {X}
        {targets}
        **params : dict
            Further arguments of `partial_fit` of the estimator.

        Returns
        -------
        self : ByIndex
            The fitted estimator.

        Raises
        ------
        ValueError
            If X does not hold numbers of sequences, or if the estimator raises it.
        """
        sequences, n_columns = self._look_up(X)
        params = _with_weights(params, sample_weight)
        estimator = self.estimator_ if hasattr(self, "estimator_") else clone(self.estimator)
        self.estimator_ = estimator.partial_fit(sequences, y, **params)
        self.n_features_in_ = n_columns
        return self

    # ---- what the fitted estimator does ----

    @_has("predict")
    def predict(self, X: ArrayLike) -> Array:
        """Return the predictions of the estimator for some of the sequences.

        Parameters
        ----------
        {X}

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_outputs)
            The predictions, in the form that the estimator returns.

        Raises
        ------
        {errors}
        """
        return self._call("predict", X)

    @_has("predict_proba")
    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probabilities of the classes for some of the sequences.

        Parameters
        ----------
        {X}

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            The probabilities, in the order of `classes_`.

        Raises
        ------
        {errors}
        """
        return self._call("predict_proba", X)

    @_has("predict_log_proba")
    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Return the logarithms of the probabilities of the classes for some of the sequences.

        Parameters
        ----------
        {X}

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes)
            Logarithms of the probabilities, in the order of `classes_`.

        Raises
        ------
        {errors}
        """
        return self._call("predict_log_proba", X)

    @_has("decision_function")
    def decision_function(self, X: ArrayLike) -> Array:
        """Return the confidence scores of the classes for some of the sequences.

        Parameters
        ----------
        {X}

        Returns
        -------
        scores : ndarray of shape (n,) or (n, n_classes)
            The scores, in the form that the estimator returns.

        Raises
        ------
        {errors}
        """
        return self._call("decision_function", X)

    @_has("score")
    def score(
        self, X: ArrayLike, y: Targets | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the score of the estimator for some of the sequences.

        Parameters
        ----------
        {X}
        {targets}

        Returns
        -------
        score : float
            The score; the higher, the better.

        Raises
        ------
        {errors}
        """
        return self._call("score", X, y, **_with_weights({}, sample_weight))

    def _call(self, method, X, *args, **options):
        check_is_fitted(self)
        sequences, n_columns = self._look_up(X)
        if n_columns != self.n_features_in_:
            raise ValueError(
                f"X has {n_columns} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return getattr(self.estimator_, method)(sequences, *args, **options)

    @property
    def classes_(self) -> Array:
        check_is_fitted(self)
        return self.estimator_.classes_

    # ---- looking up ----

    def _n_samples(self):
        if self.X is None:
            raise ValueError(
                "`X` must be the sequences to look up, but this ByIndex has none: add them with "
                "sklearn_rnn.model_selection.with_sequences(model, X)."
            )
        return n_samples_of(self.X)

    def _look_up(self, X):
        """Return the sequences with the numbers X, and the number of columns of X."""
        try:
            table = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
        except ValueError as error:  # sequences of several lengths
            raise _no_numbers("items of several lengths") from error
        table = table[:, np.newaxis] if table.ndim == 1 else table
        if table.ndim != 2 or table.shape[1] == 0:
            raise _no_numbers(f"the shape {table.shape}")
        numbers = _as_numbers(table[:, 0], self._n_samples())
        # scikit-learn below 1.9 cannot index tables of pyarrow.
        sequences = self.X.take(numbers) if is_arrow(self.X) else _safe_indexing(self.X, numbers)
        if table.shape[1] > 1:
            sequences = _with_features(sequences, table[:, 1:])
        return sequences, table.shape[1]

    # ---- scikit-learn and copies ----

    def get_metadata_routing(self) -> MetadataRouter:
        """Return which arguments are passed to the estimator, for metadata routing.

        Returns
        -------
        routing : MetadataRouter
            What scikit-learn asks for, see `sklearn.utils.metadata_routing`.
        """
        mapping = MethodMapping()
        for name in _ROUTED:
            mapping.add(caller=name, callee=name)
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = copy.deepcopy(get_tags(self.estimator))
        tags.input_tags = super().__sklearn_tags__().input_tags
        return tags


def with_sequences(model: Estimator, X: SequencesLike | None) -> Estimator:
    """Return a copy of a fitted model in which every `ByIndex` looks up other sequences.

    A tool that was fitted to the numbers of sequences can then predict for new sequences.

    Parameters
    ----------
    model : estimator
        A `ByIndex`, or any estimator that contains some. It is not changed.
    X : sequences or None
        The sequences of the copy, in any form that the networks take. None removes the sequences,
        so that a pickle of the copy contains only the networks; to predict, call this function
        again with sequences.

    Returns
    -------
    model : estimator
        The copy. The numbers of X are ``numpy.arange(len(X))[:, numpy.newaxis]``.

    See Also
    --------
    ByIndex : The estimator that looks up sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import BaggingRegressor
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.model_selection import ByIndex, with_sequences
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.normal(size=(rng.randint(3, 9), 2)) for _ in range(50)]
    >>> rnn = ByIndex(RNNRegressor(4, max_iter=50, random_state=0), X)
    >>> model = BaggingRegressor(rnn, 3, random_state=0).fit(rnn.numbers, [x.sum() for x in X])
    >>> new = with_sequences(model, X[:5])
    >>> bool((new.predict(np.arange(5)[:, np.newaxis]) == model.predict(rnn.numbers[:5])).all())
    True
    """
    token = _REPLACEMENT.set((X,))
    try:
        return copy.deepcopy(model)
    finally:
        _REPLACEMENT.reset(token)


def _with_weights(params, sample_weight):
    """Return the arguments of a method, with weights if there are any."""
    return params if sample_weight is None else {**params, "sample_weight": sample_weight}


def _no_numbers(got):
    """Return the error for an X that does not hold numbers of sequences."""
    return ValueError(
        f"`X` must hold the numbers of sequences, in the shape (n, 1); got {got}. The sequences "
        "themselves are the parameter `X` of ByIndex."
    )


def _as_numbers(values, n_samples):
    """Check the numbers of sequences (n,), and return them as integers."""
    kind = values.dtype.kind
    try:
        numbers = values.astype(np.float64) if kind in "iufO" else None
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or (kind == "O" and any(isinstance(v, bool) for v in values)):
        raise _no_numbers(f"values of dtype {values.dtype}")
    if len(numbers) > 0:
        fits = (numbers >= 0) & (numbers < n_samples) & (numbers == np.floor(numbers))
        if not fits.all():
            place = int(np.flatnonzero(~fits)[0])
            raise ValueError(
                f"`X` must hold numbers of the sequences of ByIndex, integers from 0 to "
                f"{n_samples - 1}; got {values[place]} in row {place}. Tools that scale or mix "
                "rows cannot be used with ByIndex."
            )
    return numbers.astype(np.intp)


def _with_features(X, columns):
    """Return sequences with further features, whose values (n, k) are the same at all steps."""
    sequences, _ = read_X(X, "ByIndex", allow_nan=True)
    with naming("X"):
        columns = columns.astype(sequences.values.dtype)
    values = np.hstack([sequences.values, np.repeat(columns, sequences.lengths, axis=0)])
    return np.split(values, sequences.offsets[1:-1])
