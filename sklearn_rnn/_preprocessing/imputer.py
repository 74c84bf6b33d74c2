"""Imputation of missing values in sequences."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from .. import _rules as rules
from .._available_if import available_if
from .._data.finite import looks_padded
from .._data.form import InputForm
from .._data.reader import read_X
from .._docstrings import with_parts
from .._estimators.advice import level_of_caller
from .._floating_point import floating_point_ignored
from .._typing import Array, ArrayLike, Floats, Integers, Number, SequencesLike, Transformed
from .carriers import PARTS, InCarriers, with_features
from .gaps import Gaps

STRATEGIES = ("mean", "median", "last", "linear", "constant")
_RULES = {
    "strategy": rules.one_of(STRATEGIES),
    "fill_value": rules.either(None, rules.number()),
    "add_indicator": rules.boolean,
    "add_elapsed": rules.boolean,
    "keep_empty_features": rules.boolean,
}


def _has_indicators(imputer):
    if not imputer.add_indicator:
        raise AttributeError(
            "`inverse_transform` needs `add_indicator=True`: without indicators, the values that "
            "were missing are not known."
        )
    return True


@with_parts(PARTS)
class SequenceImputer(InCarriers):
    """Fill in missing values of sequences.

    NaN is a missing value; in frames and object arrays, so are None, `pandas.NA` and null. Each
    feature is filled by itself. A sequence is filled from its own values and from what `fit` has
    learned from the training sequences, never from another sequence.

    Sequences are returned in the form in which they came: float32 stays float32, anything else
    becomes float64.

    Parameters
    ----------
    strategy : {"mean", "median", "last", "linear", "constant"}, default="mean"
        What replaces a missing value:

        - "mean", "median": the mean or median of the feature over all observed training steps;
        - "last": the last observation of this feature in the same sequence (carried forward);
          before the first observation, the training mean;
        - "linear": linear interpolation between the observations before and after it, with steps
          equally spaced in time; before the first and after the last observation, the nearest
          observation; in a sequence without observations, the training mean. This strategy reads
          later steps: do not use it for sequences that arrive step by step, nor for forecasts;
        - "constant": `fill_value`.

    fill_value : float, default=None
        The value for ``strategy="constant"``; None means 0.
    add_indicator : bool, default=False
        If True, append one feature for each feature that had missing values in `fit`: 1 where its
        value was missing, else 0. As with scikit-learn's imputers, a feature without missing values
        in `fit` gets none, even if it has some in `transform`.
    add_elapsed : bool, default=False
        If True, append one feature for each feature that had missing values in `fit`: the number
        of steps since its last observation before the present step, as in GRU-D [1]_. It is 1 right
        after an observed value, whether the present value is missing or not, and grows by 1 with
        each missing value. At the first step it is 0; before the first observation, steps are
        counted from the start of the sequence.
    keep_empty_features : bool, default=False
        Whether to keep features without any observed value in `fit`. If False, they are left out of
        the result, but the features that `add_indicator` and `add_elapsed` append for them remain.
        If True, they are kept, with 0 (or `fill_value` if ``strategy="constant"``) as their mean.

    Attributes
    ----------
    statistics_ : ndarray of float64 of shape (n_features,)
        The value that replaces a missing value of each feature where its sequence gives none: the
        median for "median", `fill_value` for "constant", otherwise the mean. NaN for features that
        are left out. Shape (1,) if `X` was 2-D.
    missing_features_ : ndarray of int of shape (n_missing_features,)
        Indices of the features that had missing values in `fit`.
    n_features_in_ : int
        Number of features per step; number of columns if the sequences were 2-D.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if `X` was a frame, a list of frames or a nested table with string
        column names.

    See Also
    --------
    sklearn.impute.SimpleImputer : The same for rows instead of sequences.
    SequenceScaler : Keeps missing values, so it can come before the imputer.

    Notes
    -----
    A 2-D `X` holds one sequence per row and one feature per step. Its steps share one mean, and it
    has no place for further features: with `add_indicator` or `add_elapsed`, pass
    ``X[:, :, np.newaxis]``. With these options, a list of 1-D sequences becomes a list of 2-D
    sequences.

    Padding is not a missing value. Remove it first, with `from_padded`.

    References
    ----------
    .. [1] Z. Che, S. Purushotham, K. Cho, D. Sontag and Y. Liu, "Recurrent neural networks for
       multivariate time series with missing values", Scientific Reports 8 (2018), 6085.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import SequenceImputer
    >>> X = [np.array([[1.0, 10.0], [np.nan, 20.0], [np.nan, 30.0], [4.0, 40.0]])]
    >>> SequenceImputer("linear").fit_transform(X)[0][:, 0]
    array([1., 2., 3., 4.])
    >>> imputer = SequenceImputer("last", add_indicator=True, add_elapsed=True)
    >>> imputer.fit_transform(X)[0]
    array([[ 1., 10.,  0.,  0.],
           [ 1., 20.,  1.,  1.],
           [ 1., 30.,  1.,  2.],
           [ 4., 40.,  0.,  3.]])
    >>> imputer.get_feature_names_out(["a", "b"])
    array(['a', 'b', 'missingindicator_a', 'elapsed_a'], dtype=object)
    """

    _STATE_FORMAT = 1
    _allow_nan = True

    # Set by `fit`.
    missing_features_: Integers
    statistics_: Floats

    def __init__(
        self,
        strategy: Literal["mean", "median", "last", "linear", "constant"] = "mean",
        *,
        fill_value: Number | None = None,
        add_indicator: bool = False,
        add_elapsed: bool = False,
        keep_empty_features: bool = False,
    ) -> None:
        self.strategy = strategy
        self.fill_value = fill_value
        self.add_indicator = add_indicator
        self.add_elapsed = add_elapsed
        self.keep_empty_features = keep_empty_features

    @floating_point_ignored
    def fit(self, X: SequencesLike, y: Any = None) -> Self:
        """Learn the values that replace missing ones.

        Parameters
        ----------
        {X}
            Sequences, with NaN for missing values.
        {y}

        Returns
        -------
        self : SequenceImputer
            Fitted imputer.

        Raises
        ------
        ValueError, TypeError
            If `X` does not hold sequences of numbers, holds infinity, or has no observed value; or
            if a parameter is invalid.

        Warns
        -----
        UserWarning
            If a feature without any observed value is left out, or if NaN looks like padding.
        """
        for name, rule in _RULES.items():
            rule.check(name, getattr(self, name))
        sequences, form = read_X(X, type(self).__name__, allow_nan=True)
        self._refuse_to_append(form.kind)
        missing = np.isnan(sequences.values)
        statistics = self._statistics(sequences.values, missing)
        _check_some_left(statistics, form)
        _warn_of_gaps(sequences, missing, np.isnan(statistics), form)
        fitted = {
            "statistics_": statistics,
            "missing_features_": np.flatnonzero(missing.any(axis=0)),
        }
        return self._become(form.as_attributes() | fitted)

    @available_if(_has_indicators)
    @floating_point_ignored
    def inverse_transform(self, X: SequencesLike) -> Transformed:
        """Undo `transform`: set values to NaN where the indicators are 1.

        As with `SimpleImputer`, features without an indicator stay as they are, and features that
        `transform` left out become NaN everywhere. This method exists only with
        ``add_indicator=True``.

        Parameters
        ----------
        X : sequences
            As `transform` returns them, with the features of indicators.

        Returns
        -------
        X_original : ndarray, list, tuple or object array
            Sequences with NaN for missing values, in the form of `X`.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError, TypeError
            If `X` is not as `transform` returns it.
        """
        self._check_fitted()
        left, wanted = ~np.isnan(self.statistics_), self.missing_features_
        n_left = int(left.sum())
        n_out = n_left + len(wanted) * (1 + bool(self.add_elapsed))
        form = InputForm(self._input_kind, n_out)
        sequences, _ = read_X(X, type(self).__name__, form, names=False, allow_nan=True)
        values = np.full((sequences.n_steps, len(left)), np.nan, sequences.values.dtype)
        values[:, left] = sequences.values[:, :n_left]
        was_missing = np.zeros(values.shape, dtype=bool)
        was_missing[:, wanted] = sequences.values[:, n_left : n_left + len(wanted)] != 0
        values[was_missing] = np.nan
        return self._named(with_features(X, sequences, values), X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Name the features of the result.

        Parameters
        ----------
        input_features : array-like of str of shape (`n_features_in_`,), default=None
            Names of the input features; `feature_names_in_` or x0, x1, ... by default.

        Returns
        -------
        feature_names_out : ndarray of str of shape (n_features_out,)
            The names of the features that are kept, then "missingindicator_a" and "elapsed_a" for
            the features that were appended for a feature "a".

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `input_features` differs from the names or the number of features in `fit`.
        """
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        if self._input_kind == "2d":
            return names
        appended = names[self.missing_features_]
        names = [names[~np.isnan(self.statistics_)]]
        if self.add_indicator:
            names.append([f"missingindicator_{name}" for name in appended])
        if self.add_elapsed:
            names.append([f"elapsed_{name}" for name in appended])
        return np.concatenate(names, dtype=object)

    def _transform(self, X):
        sequences = self._read(X)
        self._refuse_to_append(self._input_kind)
        missing = np.isnan(sequences.values)
        needs_gaps = self.strategy in ("last", "linear") or self.add_elapsed
        gaps = Gaps.of(missing, sequences.offsets) if needs_gaps else None
        values = self._filled(sequences, missing, gaps)
        dropped = np.isnan(self.statistics_)
        if dropped.any():
            values = values[:, ~dropped]
        columns = [values]
        if self.add_indicator:
            columns.append(missing[:, self.missing_features_])
        if self.add_elapsed:
            elapsed = gaps.elapsed(missing, sequences.offsets)
            columns.append(elapsed[:, self.missing_features_])
        if len(columns) > 1:
            values = np.concatenate(columns, axis=1, dtype=values.dtype, casting="same_kind")
        return with_features(X, sequences, values)

    def _filled(self, sequences, missing, gaps):
        """Return values (n_steps, n_features) without missing ones."""
        values = np.array(sequences.values)
        if np.isinf(self.statistics_.astype(values.dtype)).any():
            raise ValueError(
                f"`X` must be float64: the value of `statistics_` overflows {values.dtype}."
            )
        if self.strategy == "last":
            filling = gaps.carried_forward(values, self.statistics_)
        elif self.strategy == "linear":
            filling = gaps.interpolated(values, self.statistics_)
        else:
            np.copyto(values, self.statistics_, where=missing, casting="same_kind")
            return values
        values[gaps.row, gaps.feature] = filling
        return values

    def _statistics(self, values, missing):
        """Return the values that replace missing ones (n_features,), NaN for features to drop."""
        n_observed = len(values) - missing.sum(axis=0)
        constant = 0.0 if self.fill_value is None else float(self.fill_value)
        if self.strategy == "constant":
            statistics = np.full(values.shape[1], constant)
        elif self.strategy == "median":
            statistics = _medians(values, missing)
        else:
            statistics = np.sum(values, axis=0, where=~missing, dtype=np.float64) / n_observed
        empty = n_observed == 0
        if not np.isfinite(statistics[~empty]).all():
            raise ValueError(f"`X` must hold smaller numbers: their {self.strategy} overflows.")
        if not self.keep_empty_features:
            statistics[empty] = np.nan
        elif self.strategy != "constant":
            statistics[empty] = 0
        return statistics

    def _refuse_to_append(self, kind):
        for name in ("add_indicator", "add_elapsed"):
            if kind == "2d" and getattr(self, name):
                raise ValueError(
                    f"`{name}` must be False for a 2-D `X`, whose columns are steps of one "
                    "feature: to append features, pass `X[:, :, np.newaxis]`."
                )

    def _check_state(self):
        super()._check_state()
        n_features = 1 if self._input_kind == "2d" else self.n_features_in_
        statistics, features = self.statistics_, self.missing_features_
        if getattr(statistics, "shape", None) != (n_features,) or statistics.dtype != np.float64:
            raise ValueError(
                f"`statistics_` must be a float64 array of shape {(n_features,)}, got "
                f"{statistics!r}: the state is damaged."
            )
        known = np.arange(n_features)
        if not isinstance(features, np.ndarray) or not np.isin(features, known).all():
            raise ValueError(
                f"`missing_features_` must hold indices below {n_features}, got {features!r}: the "
                "state is damaged."
            )


def _medians(values, missing):
    """Return the medians (n_features,) of observed values, NaN where there are none."""
    medians = np.full(values.shape[1], np.nan)
    for j in np.flatnonzero(~missing.all(axis=0)):
        medians[j] = np.median(values[~missing[:, j], j].astype(np.float64))
    return medians


def _check_some_left(statistics, form):
    """Refuse X if no feature is left."""
    if np.isnan(statistics).all():
        what = "value" if form.kind == "2d" else "value in at least one feature"
        raise ValueError(
            f"`X` must have an observed {what}, but all are missing. To keep features that are "
            "missing everywhere, set `keep_empty_features=True`."
        )


def _warn_of_gaps(sequences, missing, empty, form):
    """Warn of features that are left out, and of missing values that look like padding."""
    if empty.any():
        left_out = np.flatnonzero(empty)
        if form.feature_names is not None:
            left_out = form.feature_names[left_out]
        warnings.warn(
            f"Features without any observed value are left out: {list(left_out)}. To keep them, "
            "set `keep_empty_features=True`.",
            UserWarning,
            stacklevel=level_of_caller(),
        )
    if sequences.is_array and sequences.n_samples > 1 and missing.any() and looks_padded(sequences):
        warnings.warn(
            "`X` has NaN only at the ends of sequences, in all features at once. If this is "
            "padding, it will be filled with numbers: remove it first, with "
            "sklearn_rnn.preprocessing.from_padded.",
            UserWarning,
            stacklevel=level_of_caller(),
        )
