"""Lagged features of sequences."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from .. import _rules as rules
from .._data.reader import read_X
from .._docstrings import with_parts
from .._floating_point import floating_point_ignored
from .._typing import (
    Array,
    ArrayLike,
    Integer,
    Number,
    SequenceNotStr,
    SequencesLike,
    SupportsArray,
)
from .carriers import PARTS, InCarriers, with_features
from .steps import NUMBER, check_no_overflow, fill, positions_in


@with_parts(PARTS)
class Lags(InCarriers):
    """Add the features of earlier steps to each step.

    Each sequence is transformed by itself and keeps its length, so targets per step still match.

    Sequences are returned in the form in which they came: float32 stays float32, anything else
    becomes float64. Missing values (NaN) stay missing.

    Parameters
    ----------
    lags : int or array-like of int, default=(0, 1)
        Which steps to read: 0 is the present step, 1 the step before, and so on. One number means
        that lag only. The result has all features of the first lag, then those of the second lag,
        and so on.
    fill_value : float or "first", default="first"
        Value of steps before the start of a sequence: a number or NaN; "first" means the first step
        of the sequence.

    Attributes
    ----------
    n_features_in_ : int
        Number of features per step; number of columns if the sequences were 2-D.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if `X` was a frame, a list of frames or a nested table with string
        column names.

    See Also
    --------
    Differences : Differences from an earlier step.
    pandas.DataFrame.shift : The same for one frame; its argument `periods` is `lags` here.

    Notes
    -----
    A 2-D `X` holds one sequence per row and one feature per step, so it has no place for further
    features: use a single lag, or pass ``X[:, :, np.newaxis]``. With several lags, a list of 1-D
    sequences becomes a list of 2-D sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import Lags
    >>> lags = Lags([0, 2]).fit([np.array([[1.0], [2.0], [3.0], [4.0]])])
    >>> lags.transform([np.array([[1.0], [2.0], [3.0], [4.0]])])[0]
    array([[1., 1.],
           [2., 1.],
           [3., 1.],
           [4., 2.]])
    >>> lags.get_feature_names_out(["a"])
    array(['a', 'a_lag2'], dtype=object)
    """

    _STATE_FORMAT = 1
    _allow_nan = True

    def __init__(
        self,
        lags: Integer | SequenceNotStr[Integer] | SupportsArray = (0, 1),
        *,
        fill_value: Number | Literal["first"] = "first",
    ) -> None:
        self.lags = lags
        self.fill_value = fill_value

    @floating_point_ignored
    def fit(self, X: SequencesLike, y: Any = None) -> Self:
        """Learn the names and the number of features.

        Parameters
        ----------
        {X}
            Sequences.
        {y}

        Returns
        -------
        self : Lags
            Fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If `X` does not hold sequences of numbers, or a parameter is invalid.
        """
        lags = _lags_of(self.lags)
        rules.either("first", NUMBER).check("fill_value", self.fill_value)
        form = read_X(X, type(self).__name__, allow_nan=True)[1]
        _refuse_several(lags, form.kind)
        return self._become(form.as_attributes())

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Name the features of the result.

        Parameters
        ----------
        input_features : array-like of str of shape (`n_features_in_`,), default=None
            Names of the input features; `feature_names_in_` or x0, x1, ... by default.

        Returns
        -------
        feature_names_out : ndarray of str of shape (n_features_out,)
            "a_lag2" for a feature "a" and lag 2; "a" for lag 0.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `input_features` differs from the names or the number of features in `fit`.
        """
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        suffixes = [f"_lag{lag}" if lag else "" for lag in _lags_of(self.lags)]
        return np.array([name + suffix for suffix in suffixes for name in names], dtype=object)

    def _transform(self, X):
        sequences = self._read(X)
        lags, values = _lags_of(self.lags), sequences.values
        _refuse_several(lags, self._input_kind)
        width = values.shape[1]
        result = np.empty((len(values), len(lags) * width), values.dtype)
        positions = positions_in(sequences.offsets)
        rows = np.arange(len(values))
        for i, lag in enumerate(lags):
            block = result[:, i * width : (i + 1) * width]
            block[:] = values[rows - np.minimum(lag, positions)]
            if self.fill_value != "first":
                fill(block, positions < lag, self.fill_value)
        check_no_overflow(result)
        return with_features(X, sequences, result)


def _lags_of(lags):
    """Return the parameter `lags` as a list of int."""
    try:
        listed = [lags] if np.ndim(lags) == 0 else list(lags)
    except (TypeError, ValueError):
        listed = []
    rule = rules.integer(0)
    if not listed or not all(map(rule.test, listed)) or len(set(listed)) < len(listed):
        raise ValueError(
            "`lags` must be an integer of at least 0, or a list of distinct such integers, got "
            f"{lags!r}."
        )
    return [int(lag) for lag in listed]


def _refuse_several(lags, kind):
    if kind == "2d" and len(lags) > 1:
        raise ValueError(
            f"`lags` must be one number for a 2-D `X`, whose columns are steps of one feature, got "
            f"{lags}: for several lags, pass `X[:, :, np.newaxis]`."
        )
