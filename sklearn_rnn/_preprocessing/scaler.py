"""Scaling of the features of sequences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from .._available_if import available_if
from .._data import arguments
from .._data.carriers import as_numbers, is_ragged
from .._data.form import InputForm
from .._data.reader import read_X
from .._data.unpacking import in_carrier
from .._data.weights import step_weights
from .._docstrings import with_parts
from .._floating_point import floating_point_ignored
from .._rules import boolean, one_of, shown
from .._typing import Array, ArrayLike, Floats, Range, SequencesLike, Transformed
from .affine import Affine
from .carriers import PARTS, InCarriers
from .per_sequence import SCALES, scale_each
from .statistics import (
    check_statistic,
    check_steps_seen,
    learn_minmax,
    learn_robust,
    learn_standard,
)

# The fitted attribute that is subtracted, by method.
_CENTERS = {"standard": "mean_", "minmax": "data_min_", "robust": "center_"}
_BOOLS = ("per_sequence", "with_mean", "with_std", "copy")


def _learns_by_parts(scaler):
    if scaler.method == "robust" and not scaler.per_sequence:
        raise AttributeError(
            "`partial_fit` needs method='standard' or 'minmax': quantiles need all sequences at "
            "once. Use `fit`."
        )
    return True


def _has_one_scale(scaler):
    fitted = "_input_kind" in vars(scaler)
    if scaler._fitted_method is None if fitted else scaler.per_sequence:
        raise AttributeError(
            "`inverse_transform` needs per_sequence=False: the scale of each sequence is not kept. "
            "Keep the original sequences, or compute and keep their scales yourself."
        )
    return True


@with_parts(PARTS)
class SequenceScaler(OneToOneFeatureMixin, InCarriers):
    """Scale each feature, over all steps of all sequences or within each sequence.

    By default, the mean of each feature is subtracted and the result is divided by the standard
    deviation. Both are computed over all steps: sequences of unequal length are not padded, and a
    longer sequence counts for more. In a `Pipeline`, test sequences never affect the scaling.

    Sequences are returned in the form in which they came: a 3-D array as a 3-D array, a list as a
    list, a 2-D array as a 2-D array. float32 stays float32, anything else becomes float64. NaN is
    a missing value, as in `sklearn.preprocessing.StandardScaler`: `fit` ignores it, and `transform`
    keeps it.

    Parameters
    ----------
    method : {"standard", "minmax", "robust"}, default="standard"
        What is subtracted, and what the result is divided by. "standard": mean and standard
        deviation. "minmax": minimum and range, so that the results lie in `feature_range`.
        "robust": median and the range between two quantiles, which outliers hardly affect.
    per_sequence : bool, default=False
        If True, `fit` learns no statistics, and `transform` scales each sequence by its own. This
        removes the level and spread of a sequence and keeps its shape. There is then no
        `inverse_transform`, because the statistics of a sequence are not kept.
    feature_range : tuple (low, high), default=(0, 1)
        Range of the results with ``method="minmax"``.
    quantile_range : tuple (low, high), default=(25, 75)
        The two quantiles, in percent, whose range is the divisor with ``method="robust"``.
    with_mean : bool, default=True
        If True, subtract the mean, or with ``method="robust"`` the median.
    with_std : bool, default=True
        If True, divide by the standard deviation, or with ``method="robust"`` by the range between
        the quantiles. A feature that is constant up to rounding is divided by 1.
    copy : bool, default=True
        If False, overwrite `X` with the result if `X` is one C-contiguous, writable array of floats
        and `per_sequence` is False. Lists and object arrays are always copied.

    Attributes
    ----------
    mean_ : ndarray of float64 of shape (n_features,)
        With ``method="standard"``: mean of each feature over the steps seen. This and the other
        statistics have shape (1,) if `X` was 2-D, are NaN for a feature that was always NaN, and do
        not exist with ``per_sequence=True``.
    var_ : ndarray of float64 of shape (n_features,)
        With ``method="standard"``: variance of each feature over the steps seen (divided by their
        number).
    data_min_ : ndarray of float64 of shape (n_features,)
        With ``method="minmax"``: minimum of each feature over the steps seen.
    data_max_ : ndarray of float64 of shape (n_features,)
        With ``method="minmax"``: maximum of each feature over the steps seen.
    center_ : ndarray of float64 of shape (n_features,)
        With ``method="robust"``: median of each feature over the steps seen.
    scale_ : ndarray of float64 of shape (n_features,)
        Divisor of each feature: its standard deviation, its range, or the range between its
        quantiles; 1 for a constant feature.
    n_steps_seen_ : int, float or ndarray of shape (n_features,)
        Number of steps seen so far, of all sequences together; the sum of their weights if
        `sample_weight` was given. One per feature if some had more NaN than others.
    n_features_in_ : int
        Number of features per step; number of columns if the sequences were 2-D.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if `X` was a frame, a list of frames or a nested table with string
        column names.

    See Also
    --------
    PerStep : Applies any transformer of scikit-learn to every step.
    sklearn.preprocessing.StandardScaler : The same for rows instead of sequences.
    sklearn.preprocessing.MinMaxScaler : ``method="minmax"`` for rows. Its `scale_` multiplies.
    sklearn.preprocessing.RobustScaler : ``method="robust"`` for rows.

    Notes
    -----
    A 2-D array or a frame holds one sequence per row and one feature per step, as everywhere in
    this package. Its columns are steps of the same feature, so they share one mean and one scale,
    which preserves the shape of a sequence. `StandardScaler` would scale each step separately.

    Mean and scale are accumulated in float64 with the update of Chan, Golub and LeVeque [1]_, so
    that large offsets cost no digits, and in units of the largest deviation, so that tiny features
    do not vanish.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample
       variance: analysis and recommendations", The American Statistician 37 (1983), 242-247.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import SequenceScaler
    >>> X = [np.array([[0.0, 10.0], [2.0, 10.0]]), np.array([[4.0, 10.0]])]
    >>> scaler = SequenceScaler().fit(X)
    >>> scaler.mean_
    array([ 2., 10.])
    >>> scaler.transform(X)[1]
    array([[1.22474487, 0.        ]])
    >>> SequenceScaler("minmax").fit_transform(X)[0]
    array([[0. , 0. ],
           [0.5, 0. ]])
    """

    _STATE_FORMAT = 3
    _allow_nan = True

    # Set by `fit`.
    center_: Floats
    data_max_: Floats
    data_min_: Floats
    mean_: Floats
    n_steps_seen_: int | float | Array
    scale_: Floats
    var_: Floats

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_partial_fit_request: Callable[..., Self]

    def __init__(
        self,
        method: Literal["standard", "minmax", "robust"] = "standard",
        *,
        per_sequence: bool = False,
        feature_range: Range = (0, 1),
        quantile_range: Range = (25, 75),
        with_mean: bool = True,
        with_std: bool = True,
        copy: bool = True,
    ) -> None:
        self.method = method
        self.per_sequence = per_sequence
        self.feature_range = feature_range
        self.quantile_range = quantile_range
        self.with_mean = with_mean
        self.with_std = with_std
        self.copy = copy

    @floating_point_ignored
    def fit(self, X: SequencesLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the scale of each feature.

        Parameters
        ----------
        {X}
            Sequences.
        {y}
        sample_weight : array-like of shape (n_samples,), or one weight per step, default=None
            Weight of each sequence (that is, of each of its steps), or of each step:
            (n_samples, n_timesteps), or a list of (n_timesteps_i,). Steps of weight 0 are ignored;
            with ``method="minmax"``, all others count equally. With ``method="robust"`` or
            ``per_sequence=True``, weights are refused. With a 2-D `X`, scikit-learn requires an
            array of weights to have shape (n_samples,).

        Returns
        -------
        self : SequenceScaler
            Fitted scaler.

        Raises
        ------
        ValueError, TypeError
            If `X` or `sample_weight` does not hold sequences of numbers, or holds infinity; if all
            weights are 0; or if a parameter is invalid.
        """
        return self._update(X, sample_weight, first=True)

    @available_if(_learns_by_parts)
    @floating_point_ignored
    def partial_fit(
        self, X: SequencesLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn from more sequences, as if they had been there from the start.

        This method does not exist with ``method="robust"``: quantiles need all sequences at once.

        Parameters
        ----------
        {X}
            Sequences, as for `fit`.
        {y}
        sample_weight : array-like of shape (n_samples,), or one weight per step, default=None
            Weights, as for `fit`.

        Returns
        -------
        self : SequenceScaler
            Fitted scaler.

        Raises
        ------
        ValueError, TypeError
            As for `fit`, or if `method` or `per_sequence` has changed since the last call.
        """
        return self._update(X, sample_weight, first="_input_kind" not in vars(self))

    def _transform(self, X):
        sequences, method = self._read(X), self._fitted_method
        if method is not None:
            return in_carrier(X, sequences, self._apply(sequences, method))
        self._check_parameters()
        scales = partial(SCALES[self.method], quantile_range=self.quantile_range)
        width, low = self._width_and_low(self.method)
        flags = {"with_mean": self.with_mean, "with_std": self.with_std}
        return in_carrier(
            X, sequences, scale_each(sequences, scales, width=width, low=low, **flags)
        )

    @available_if(_has_one_scale)
    @floating_point_ignored
    def inverse_transform(self, X: SequencesLike) -> Transformed:
        """Undo `transform`.

        This method does not exist with ``per_sequence=True``, because the scale of each sequence is
        not kept.

        Parameters
        ----------
        {X}
            Scaled sequences.

        Returns
        -------
        X_original : ndarray, list, tuple or object array
            Sequences in the original units, in the form of `X`.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError, TypeError
            If `X` is not as `transform` returns it.
        """
        # The result of `transform` need not have the column names of a frame.
        sequences = self._read(X, names=False)
        values = self._apply(sequences, self._fitted_method, backward=True)
        return in_carrier(X, sequences, values)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Name the columns of a 2-D result, or the features of each step.

        Parameters
        ----------
        input_features : array-like of str of shape (`n_features_in_`,), default=None
            Names of the input features; `feature_names_in_` or x0, x1, ... by default.

        Returns
        -------
        feature_names_out : ndarray of str of shape (`n_features_in_`,)
            The same names.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `input_features` differs from the names or the number of features in `fit`.
        """
        return super().get_feature_names_out(input_features)

    def _upgraded(self, state, state_format):
        if state_format == 1 and "_fitted_kind" in state:  # it told 3-D arrays from lists
            kind = state.pop("_fitted_kind")
            state["_input_kind"] = "2d" if kind == "2d" else "sequences"
        if state_format < 3:
            return {**SequenceScaler().get_params(), **state}
        return state

    @property
    def _fitted_method(self):
        """The fitted method, or None if each sequence is scaled by its own statistics."""
        return next((method for method, name in _CENTERS.items() if hasattr(self, name)), None)

    def _check_parameters(self):
        one_of(_CENTERS).check("method", self.method)
        for name in _BOOLS:
            boolean.check(name, getattr(self, name))
        if self.method == "minmax" and not (self.with_mean and self.with_std):
            raise ValueError(
                "`with_mean` and `with_std` must be True with method='minmax', which always "
                f"subtracts and divides; got {self.with_mean!r} and {self.with_std!r}."
            )
        _check_pair("feature_range", self.feature_range, -np.inf, np.inf)
        _check_pair("quantile_range", self.quantile_range, 0, 100)

    def _update(self, X, sample_weight, *, first):
        """Learn from sequences; with `first`, forget earlier statistics."""
        self._check_parameters()
        method = None if self.per_sequence else self.method
        self._check_call(method, sample_weight, first)
        if first:
            sequences, form = read_X(X, type(self).__name__, allow_nan=True)
        else:
            sequences, form = self._read(X), InputForm.from_attributes(vars(self))
        weights = _read_weights(sample_weight, sequences)
        if first and weights is not None and not weights.any():
            raise ValueError("`sample_weight` must not be zero everywhere: no step has a weight.")
        before = None if first else vars(self)
        learned = {}
        if method == "standard":
            learned = learn_standard(sequences.values, weights, before)
        elif method == "minmax":
            learned = learn_minmax(sequences.values, weights, before)
        elif method == "robust":
            learned = learn_robust(sequences.values, self.quantile_range)
        return self._become({**form.as_attributes(), **learned})

    def _check_call(self, method, sample_weight, first):
        """Refuse weights that would have no effect, and a change of method."""
        if method not in ("standard", "minmax") and sample_weight is not None:
            setting = "per_sequence=True" if method is None else "method='robust'"
            raise ValueError(
                f"`sample_weight` must be None with {setting}, which takes no weights."
            )
        if not first and method != self._fitted_method:
            raise ValueError(
                "`method` and `per_sequence` must not change between calls of `partial_fit`: use "
                "`fit` to start afresh."
            )

    def _check_state(self):
        """Refuse damaged statistics: NumPy would broadcast arrays that are too short."""
        super()._check_state()
        method = self._fitted_method
        if method is None:
            return
        shape = (1 if self._input_kind == "2d" else self.n_features_in_,)
        seen = check_steps_seen(getattr(self, "n_steps_seen_", None), shape)
        names = {"standard": ("mean_", "var_"), "minmax": ("data_min_", "data_max_")}
        for name in (*names.get(method, ("center_",)), "scale_"):
            check_statistic(name, getattr(self, name, None), shape, seen)

    def _apply(self, sequences, method, *, backward=False):
        """Return the scaled values (n_steps, n_features)."""
        affine = Affine(
            getattr(self, _CENTERS[method]) if self.with_mean else None,
            self.scale_ if self.with_std else None,
            *self._width_and_low(method),
        )
        affine.check_range(sequences.values, backward=backward)
        values = self._writable(sequences)
        return affine.backward(values) if backward else affine.forward(values)

    def _width_and_low(self, method):
        """Return what the scaled features are multiplied by, and what is added."""
        low, high = map(float, self.feature_range if method == "minmax" else (0, 1))
        return high - low, low

    def _writable(self, sequences):
        """Return values (n_steps, n_features) that may be overwritten."""
        values = sequences.values
        ours = not (sequences.is_array and self.copy)
        return values if ours and values.flags.writeable else values.copy()


def _read_weights(sample_weight, sequences):
    """Return weights per step (n_steps,), or None."""
    if sequences.carrier == "2d" and sample_weight is not None and not is_ragged(sample_weight):
        sample_weight = as_numbers(sample_weight, arguments.SAMPLE_WEIGHT)
        # scikit-learn's checks require weights of shape (n_samples,) with a 2-D `X`.
        if sample_weight.ndim > 1:
            raise ValueError(
                "`sample_weight` must have shape (n_samples,) for a 2-D `X`, got shape "
                f"{sample_weight.shape}. To weigh steps, pass `X[:, :, np.newaxis]`."
            )
    return step_weights(sample_weight, sequences)


def _check_pair(name, pair, least, greatest):
    """Refuse a parameter that is not two increasing numbers."""
    fits = isinstance(pair, (tuple, list)) and len(pair) == 2
    fits = fits and all(isinstance(x, Real) and np.isfinite(x) for x in pair)
    if not (fits and least <= pair[0] < pair[1] <= greatest):
        bounds = f" from {least} to {greatest}" if np.isfinite(greatest) else ""
        raise ValueError(
            f"`{name}` must be two numbers{bounds}, the lower one first, got {shown(pair)}."
        )
