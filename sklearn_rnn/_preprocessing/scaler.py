"""Features of sequences on one scale."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from .._data import arguments
from .._data.carriers import as_numbers, is_ragged
from .._data.form import InputForm
from .._data.moments import Moments, weighted_chunks
from .._data.reader import read_X
from .._data.unpacking import in_carrier
from .._data.weights import relative, step_weights
from .._docstrings import with_parts
from .._floating_point import floating_point_ignored
from .carriers import PARTS, InCarriers

# Elements converted to float64 at a time.
_CHUNK = 1 << 15


@with_parts(PARTS)
class SequenceScaler(OneToOneFeatureMixin, InCarriers):
    """Standardize each feature over all steps of all sequences.

    The mean of each feature is subtracted, and the result is divided by the standard deviation.
    Both are computed over all real steps: sequences of unequal length are not padded, and a longer
    sequence counts for more. In a `Pipeline`, test sequences never affect the scaling.

    Sequences are returned in the form in which they came: a 3-D array as a 3-D array, a list as a
    list, a 2-D array as a 2-D array. float32 stays float32, anything else becomes float64.

    Parameters
    ----------
    with_mean : bool, default=True
        If True, subtract the mean.
    with_std : bool, default=True
        If True, divide by the standard deviation. A feature that is constant, up to rounding, is
        divided by 1.
    copy : bool, default=True
        If False, overwrite `X` with the result where possible: if it is one C-contiguous, writable
        array of floats. Lists and object arrays are always copied.

    Attributes
    ----------
    mean_ : ndarray of float64 of shape (n_features,)
        Mean of each feature over the steps seen. Shape (1,) if the sequences were 2-D.
    var_ : ndarray of float64 of shape (n_features,)
        Variance of each feature over the steps seen (divided by their number).
    scale_ : ndarray of float64 of shape (n_features,)
        Divisor of each feature: its standard deviation, or 1 for a constant feature.
    n_steps_seen_ : int or float
        Number of steps seen so far, of all sequences together; the sum of their weights if
        `sample_weight` was given.
    n_features_in_ : int
        Number of features per step; number of columns if the sequences were 2-D.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns, if `X` was a frame, or a list of frames, with string column names.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : The same for rows instead of sequences.

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
    """

    _STATE_FORMAT = 2

    def __init__(self, *, with_mean=True, with_std=True, copy=True):
        self.with_mean = with_mean
        self.with_std = with_std
        self.copy = copy

    @floating_point_ignored
    def fit(self, X, y=None, sample_weight=None):
        """Compute mean and scale of each feature.

        Parameters
        ----------
        {X}
            Sequences.
        {y}
        sample_weight : array-like of shape (n_samples,), or one weight per step, default=None
            Weight of each sequence (of each of its steps), or of each step: then
            (n_samples, n_timesteps), or a list of (n_timesteps_i,). Steps of weight 0 are ignored.
            With a 2-D `X`, scikit-learn requires an array of weights to be (n_samples,).

        Returns
        -------
        self : SequenceScaler
            Fitted scaler.

        Raises
        ------
        ValueError, TypeError
            If `X` or `sample_weight` are not sequences of finite numbers, or all weights are 0.
        """
        return self._update(X, sample_weight, first=True)

    @floating_point_ignored
    def partial_fit(self, X, y=None, sample_weight=None):
        """Update mean and scale with more sequences, as if they had been there from the start.

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
        """
        return self._update(X, sample_weight, first=not hasattr(self, "n_steps_seen_"))

    def _transform(self, X):
        sequences = self._read(X)
        return in_carrier(X, sequences, self._apply(self._standardize, sequences))

    @floating_point_ignored
    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        {X}
            Standardized sequences.

        Returns
        -------
        X_original : ndarray, list, tuple or object array
            Sequences in the original units, in the form of `X`.
        """
        # The result of `transform` need not have the column names of a frame.
        sequences = self._read(X, names=False)
        return in_carrier(X, sequences, self._apply(self._restore, sequences))

    def get_feature_names_out(self, input_features=None):
        """Name the columns of a 2-D result, or the features of each step.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features_in_,), default=None
            Names of the input features; `feature_names_in_` or x0, x1, ... by default.

        Returns
        -------
        feature_names_out : ndarray of str of shape (n_features_in_,)
            The same names.
        """
        return super().get_feature_names_out(input_features)

    def _upgraded(self, state, state_format):
        if state_format == 1 and "_fitted_kind" in state:  # it told 3-D arrays from lists
            kind = state.pop("_fitted_kind")
            state["_input_kind"] = "2d" if kind == "2d" else "sequences"
        return state

    def _update(self, X, sample_weight, *, first):
        """Merge sequences into the statistics, which start afresh if first."""
        for name in ("with_mean", "with_std", "copy"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ValueError(f"`{name}` must be a bool, got {getattr(self, name)!r}.")
        if first:
            sequences, form = read_X(X, type(self).__name__)
        else:
            sequences, form = self._read(X), InputForm.from_attributes(vars(self))
        weights = _read_weights(sample_weight, sequences)
        with np.errstate(over="ignore"):
            n_new = sequences.n_steps if weights is None else float(weights.sum())
        n_steps = n_new if first else self.n_steps_seen_ + n_new
        if n_steps == 0:
            raise ValueError("`sample_weight` must not be zero everywhere: no step has a weight.")
        if not np.isfinite(n_steps):
            raise ValueError("`sample_weight` must be smaller: the sum of all weights overflows.")
        moments = None if first else self._moments()
        if n_new > 0:
            new = replace(_moments_of(sequences.values, weights), weight=n_new)
            moments = new if first else moments + new
        with np.errstate(over="ignore", under="ignore"):
            var = moments.deviation**2
        if not (np.isfinite(moments.mean).all() and np.isfinite(var).all()):
            raise ValueError("`X` must hold smaller numbers: their variance overflows float64.")
        fitted = {
            **form.as_attributes(),
            "mean_": moments.mean,
            "var_": var,
            "scale_": np.where(moments.constant, 1.0, moments.deviation),
            "n_steps_seen_": n_steps,
        }
        return self._become(fitted)

    def _moments(self):
        """Return the moments of all steps seen so far."""
        # A constant feature has scale 1; its deviation is in its variance.
        deviation = np.where(self.scale_ == 1, np.sqrt(self.var_), self.scale_)
        # The extremes are not stored: they are unknown for a feature that varies.
        unknown = np.where(deviation > 0, np.inf, 0.0)
        least, greatest = self.mean_ - unknown, self.mean_ + unknown
        binary = np.zeros(len(deviation), dtype=bool)
        n_steps = self.n_steps_seen_
        return Moments(0, n_steps, self.mean_, deviation, least, greatest, binary)

    def _check_state(self):
        """Refuse damaged statistics: NumPy would broadcast arrays that are too short."""
        super()._check_state()
        shape = (1 if self._input_kind == "2d" else self.n_features_in_,)
        for name, least in (("mean_", -np.inf), ("var_", 0), ("scale_", np.nextafter(0, 1))):
            array = getattr(self, name, None)
            fits = isinstance(array, np.ndarray) and array.dtype == np.float64
            if not fits or array.shape != shape or not np.isfinite(array).all():
                wanted = f"a finite float64 array of shape {shape}"
            elif array.min() < least:
                wanted = "positive" if name == "scale_" else "not negative"
            else:
                continue
            raise ValueError(f"`{name}` must be {wanted}, got {array!r}: the state is damaged.")
        if not (isinstance(self.n_steps_seen_, Real) and 0 < self.n_steps_seen_ < np.inf):
            raise ValueError(
                f"`n_steps_seen_` must be positive, got {self.n_steps_seen_!r}: the state is "
                "damaged."
            )

    def _apply(self, function, sequences):
        """Apply a function to the values, which it may overwrite; refuse results that overflow."""
        values = sequences.values
        with np.errstate(over="ignore"):
            for extreme in (values.min(axis=0), values.max(axis=0)):
                # The function is monotonic: if both extremes stay finite, so does all between.
                if not np.isfinite(function(extreme)).all():
                    raise ValueError(
                        f"`X` must hold smaller numbers: the result overflows {values.dtype}."
                    )
        return function(self._writable(sequences))

    def _writable(self, sequences):
        """Return values (n_steps, n_features) that may be overwritten."""
        values = sequences.values
        ours = not (sequences.is_array and self.copy)
        return values if ours and values.flags.writeable else values.copy()

    def _standardize(self, values):
        # Computed in float64 and rounded to the dtype of values, a few thousand at a time.
        if self.with_mean:
            np.subtract(values, self.mean_, out=values, casting="same_kind")
        if self.with_std:
            np.divide(values, self.scale_, out=values, casting="same_kind")
        return values

    def _restore(self, values):
        if self.with_std:
            np.multiply(values, self.scale_, out=values, casting="same_kind")
        if self.with_mean:
            np.add(values, self.mean_, out=values, casting="same_kind")
        return values


def _read_weights(sample_weight, sequences):
    """Return weights per step (n_steps,), or None."""
    if sequences.carrier == "2d" and sample_weight is not None and not is_ragged(sample_weight):
        sample_weight = as_numbers(sample_weight, arguments.SAMPLE_WEIGHT)
        # scikit-learn's checks require it: with a 2-D `X`, weights are (n_samples,).
        if sample_weight.ndim > 1:
            raise ValueError(
                "`sample_weight` must have shape (n_samples,) for a 2-D `X`, got shape "
                f"{sample_weight.shape}. To weigh steps, pass `X[:, :, np.newaxis]`."
            )
    return step_weights(sample_weight, sequences)


def _moments_of(values, weights):
    """Return the moments of rows (n_steps, n_features), some of which must have weight."""
    moments = None
    weights = None if weights is None else relative(weights)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the result
        for rows, own in weighted_chunks(values, weights, max(1, _CHUNK // values.shape[1])):
            # Distances from one of the rows, so that a large offset costs no digits.
            origin = rows[0].astype(np.float64)
            new = Moments.of(rows - origin, own).moved(origin)
            moments = new if moments is None else moments + new
    return moments
