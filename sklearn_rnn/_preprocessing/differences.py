"""Differences between steps of sequences, and their sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from .. import _rules as rules
from .._data.arguments import Argument
from .._data.arguments import X as ARGUMENT_X
from .._data.form import KINDS, InputForm
from .._data.packed import Packed, offsets_of
from .._data.reader import read_X
from .._docstrings import with_parts
from .._floating_point import floating_point_ignored
from .._typing import Array, ArrayLike, Integer, Number, SequencesLike, Transformed
from .carriers import PARTS, InCarriers, with_features
from .steps import NUMBER, check_no_overflow, fill, positions_in

_COUNT = rules.integer(1)
_START, _PAST = Argument("start", "features"), Argument("past", "features")


@with_parts(PARTS)
class Differences(InCarriers):
    """Replace each step of a sequence by its difference from an earlier step.

    Differences remove a trend, or with `lag` a seasonal pattern. Each sequence is transformed by
    itself and keeps its length, so targets per step still match.

    Sequences are returned in the form in which they came: float32 stays float32, anything else
    becomes float64. A difference is NaN if either of its two values is missing (NaN).

    Parameters
    ----------
    order : int, default=1
        Number of times that differences are taken: 2 gives differences of differences.
    lag : int, default=1
        Number of steps between the two values, for example 24 for the same hour of the day before
        in hourly data.
    fill_value : float or "keep", default=0.0
        Value of the first ``order * lag`` steps of each sequence, for which the difference is not
        defined: a number or NaN. "keep" puts the differences of lower order there (with
        ``order=1``, the values themselves). No information is then lost, but these steps may be
        much larger than the others.

    Attributes
    ----------
    n_features_in_ : int
        Number of features per step; number of columns if the sequences were 2-D.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if `X` was a frame, a list of frames or a nested table with string
        column names.

    See Also
    --------
    Lags : Adds the features of earlier steps.
    pandas.DataFrame.diff : The same for one frame; its argument `periods` is `lag` here.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import Differences
    >>> X = [np.array([10.0, 11.0, 13.0]), np.array([5.0, 4.0])]
    >>> differences = Differences()
    >>> Z = differences.fit_transform(X)
    >>> Z
    [array([0., 1., 2.]), array([ 0., -1.])]
    >>> differences.inverse_transform(Z, start=X)
    [array([10., 11., 13.]), array([5., 4.])]

    Differences for the steps after the end of `X`, such as forecasts, are added to its last values:

    >>> differences.inverse_transform([np.array([1.0, 1.0]), np.array([0.0, 2.0])], past=X)
    [array([14., 15.]), array([4., 6.])]
    """

    _STATE_FORMAT = 1
    _allow_nan = True

    # Made by scikit-learn, for metadata routing.
    set_inverse_transform_request: Callable[..., Self]

    def __init__(
        self, order: Integer = 1, *, lag: Integer = 1, fill_value: Number | Literal["keep"] = 0.0
    ) -> None:
        self.order = order
        self.lag = lag
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
        self : Differences
            Fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If `X` does not hold sequences of numbers, or a parameter is invalid.
        """
        _COUNT.check("order", self.order)
        _COUNT.check("lag", self.lag)
        rules.either("keep", NUMBER).check("fill_value", self.fill_value)
        return self._become(read_X(X, type(self).__name__, allow_nan=True)[1].as_attributes())

    @floating_point_ignored
    def inverse_transform(
        self,
        X: SequencesLike,
        *,
        start: SequencesLike | None = None,
        past: SequencesLike | None = None,
    ) -> Transformed:
        """Undo `transform`: add up differences.

        Parameters
        ----------
        {X}
            Differences, as `transform` returns them or a model predicts them.
        start : sequences, default=None
            At least the first ``order * lag`` steps of each original sequence; the whole original
            sequences will do. They replace the first steps of `X`. Not needed if `fill_value` is
            "keep".
        past : sequences, default=None
            Original sequences that end right before those of `X` begin, with at least
            ``order * lag`` steps each. Every step of `X` is then a difference, including the first
            ones.

        Returns
        -------
        X_original : ndarray, list, tuple or object array
            Sequences in the original units, in the form of `X`.

        Raises
        ------
        ValueError, TypeError
            If neither `start` nor `past` is given where one is needed, if both are given, or if the
            one that is given does not match `X`.

        Notes
        -----
        Sums are computed in float64. Differences in float32 were rounded, and their rounding errors
        accumulate.
        """
        self._check_fitted()
        if start is not None and past is not None:
            raise ValueError("`start` and `past` must not both be given: give one of them.")
        if start is None and past is None and self.fill_value != "keep":
            raise ValueError(
                f"`start` or `past` must be given: with fill_value={self.fill_value!r}, `X` does "
                "not hold the values from which the sums start. Pass the original sequences as "
                "`start`, or those before `X` as `past`."
            )
        sequences = self._read_any(X, ARGUMENT_X)
        values = sequences.values.astype(np.float64)
        n_first = self.order * self.lag
        if past is not None:
            given = self._read_given(past, np.full(sequences.n_samples, n_first), _PAST)
            values = self._sums_after(values, sequences.offsets, given)
        else:
            if start is not None:
                lengths = np.minimum(sequences.lengths, n_first)
                given = self._read_given(start, lengths, _START)
                values[positions_in(sequences.offsets) < n_first] = given.values
            _sum_up(values, sequences.offsets, self.order, self.lag)
        values = values.astype(sequences.values.dtype)
        check_no_overflow(values)
        return self._named(with_features(X, sequences, values), X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Name the features of the result.

        Parameters
        ----------
        input_features : array-like of str of shape (`n_features_in_`,), default=None
            Names of the input features; `feature_names_in_` or x0, x1, ... by default.

        Returns
        -------
        feature_names_out : ndarray of str of shape (`n_features_in_`,)
            "a_diff1" for a feature "a" and ``order=1``, or "a_diff1_lag24" with ``lag=24``.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `input_features` differs from the names or the number of features in `fit`.
        """
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        suffix = f"_diff{self.order}" + (f"_lag{self.lag}" if self.lag > 1 else "")
        return np.array([name + suffix for name in names], dtype=object)

    def _transform(self, X):
        sequences = self._read(X)
        values = _differences(sequences.values, sequences.offsets, self.order, self.lag)
        if self.fill_value != "keep":
            first = positions_in(sequences.offsets) < self.order * self.lag
            fill(values, first, self.fill_value)
        check_no_overflow(values)
        return with_features(X, sequences, values)

    def _read_any(self, X, argument):
        """Return X as sequences; 2-D ones may have another number of steps than in `fit`."""
        kind, owner = self._input_kind, type(self).__name__
        form = None if kind == "2d" else InputForm.from_attributes(vars(self))
        sequences, _ = read_X(X, owner, form, argument, names=False, allow_nan=True)
        if sequences.kind != kind:
            raise ValueError(
                f"`{argument}` must be of the kind that {owner} was fitted on: {KINDS[kind]}; got "
                f"{KINDS[sequences.kind]}."
            )
        return sequences

    def _read_given(self, X, lengths, argument):
        """Return the differences of the first `lengths` (n_samples,) steps of original sequences.

        Of `past`, these are the last steps. The result is as with ``fill_value="keep"``.
        """
        given = self._read_any(X, argument)
        if given.n_samples != len(lengths):
            raise ValueError(
                f"`{argument}` must have one sequence for each of the {len(lengths)} sequences of "
                f"`X`, got {given.n_samples}."
            )
        short = np.flatnonzero(given.lengths < lengths)
        if len(short):
            i = short[0]
            raise ValueError(
                f"`{argument}` must have at least {lengths[i]} steps in sequence {i}, got "
                f"{given.lengths[i]}."
            )
        positions = positions_in(given.offsets)
        each = np.repeat(lengths, given.lengths)
        if argument is _PAST:
            chosen = positions >= np.repeat(given.lengths, given.lengths) - each
        else:
            chosen = positions < each
        values, offsets = given.values[chosen].astype(np.float64), offsets_of(lengths)
        return Packed(_differences(values, offsets, self.order, self.lag), offsets)

    def _sums_after(self, values, offsets, given):
        """Return the sums of values (n_steps, n_features) that continue given differences."""
        n_first, lengths = self.order * self.lag, np.diff(offsets)
        longer = offsets_of(lengths + n_first)
        is_given = positions_in(longer) < n_first
        joined = np.empty((longer[-1], values.shape[1]))
        joined[is_given], joined[~is_given] = given.values, values
        _sum_up(joined, longer, self.order, self.lag)
        return joined[~is_given]


def _differences(values, offsets, order, lag):
    """Return differences (n_steps, n_features), of lower order at the start of each sequence.

    The first `lag` steps are those of `values`, the next `lag` steps are differences of order 1,
    and so on.
    """
    values, positions = values.copy(), positions_in(offsets)
    for k in range(_n_orders(positions, order, lag)):
        later = np.flatnonzero(positions >= (k + 1) * lag)
        values[later] = values[later] - values[later - lag]
    return values


def _sum_up(values, offsets, order, lag):
    """Undo `_differences`, in place."""
    n_orders = _n_orders(positions_in(offsets), order, lag)
    for rows in Packed(values, offsets).cut():
        for k in reversed(range(n_orders)):
            for first in range(k * lag, min((k + 1) * lag, len(rows) - lag)):
                np.cumsum(rows[first::lag], axis=0, out=rows[first::lag])


def _n_orders(positions, order, lag):
    """Return `order`, or the highest order that these sequences are long enough for."""
    return min(order, int(positions.max()) // lag)
