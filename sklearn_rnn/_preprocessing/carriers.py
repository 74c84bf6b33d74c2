"""The base class of transformers, which take sequences in every accepted form (the carrier)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._data.form import KINDS, InputForm
from .._data.frames import is_frame
from .._data.nested import is_nested
from .._data.nested_frames import library_of, with_names
from .._data.reader import read_X
from .._data.unpacking import as_objects, in_carrier
from .._docstrings import with_parts
from .._documentation import Documented
from .._floating_point import floating_point_ignored
from .._pickles import Pickled
from .._typing import Array, SequencesLike, Transformed

PARTS = {
    "X": """
X : array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps), \
or list, tuple or object array of (n_timesteps_i, n_features) or (n_timesteps_i,), or nested table
""",
    "y": """
y : None
    Ignored.
""",
}


class _Framing(TransformerMixin, BaseEstimator):
    """Convert an array to the kind of frame that scikit-learn's `set_output` has chosen."""

    def __init__(self, names):
        self.names = names

    def transform(self, X):
        """Return `array`, which scikit-learn converts to a frame with the index of X."""
        return self.array

    def get_feature_names_out(self, input_features=None):
        """Name the columns."""
        return self.names


@with_parts(PARTS)
class InCarriers(Pickled, TransformerMixin, Documented, auto_wrap_output_keys=None):
    """Base class of transformers that take X in any carrier and return it in the same carrier.

    A subclass defines `_transform`, which returns the result in the carrier of X, and
    `get_feature_names_out`. It must define neither `transform` nor `fit_transform`: scikit-learn
    would apply `set_output` to them and convert a list of sequences to a single frame.
    """

    _allow_nan = False  # whether X may hold NaN (missing values)

    # Set by `fit`.
    feature_names_in_: Array
    n_features_in_: int

    def fit_transform(self, X: SequencesLike, y: Any = None, **fit_params: Any) -> Transformed:
        """Fit the transformer to sequences, then transform them.

        Parameters
        ----------
        X : sequences
            As for `fit`.
        {y}
        **fit_params : dict
            Further arguments of `fit`, such as `sample_weight`.

        Returns
        -------
        X_out : ndarray, list, tuple, object array or frame
            Transformed sequences, as `transform` returns them.

        Raises
        ------
        ValueError, TypeError
            As for `fit`.
        """
        return self._fit_transform(X, y, **fit_params)

    @floating_point_ignored
    def transform(self, X: SequencesLike) -> Transformed:
        """Transform sequences.

        Parameters
        ----------
        {X}
            Sequences.

        Returns
        -------
        X_out : ndarray, list, tuple, object array or frame
            Transformed sequences, in the form of `X`: a nested table gives a nested table. With
            ``set_output(transform="pandas")`` or "polars", a 2-D `X` becomes one frame, and a list
            or a 3-D array becomes a list with one frame per sequence. `get_feature_names_out`
            gives the names of their columns.

        Raises
        ------
        NotFittedError
            If `fit` has not been called.
        ValueError, TypeError
            If `X` does not hold sequences with the features of `fit`.
        """
        return self._in_output(self._transform(X), X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self._allow_nan
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __sklearn_is_fitted__(self):
        return "_input_kind" in vars(self)

    def _fit_transform(self, X, y, **fit_params):
        return self.fit(X, y, **fit_params).transform(X)

    def _in_output(self, result, X):
        """Return a result, which has the carrier of X, in the form that `set_output` has chosen."""
        if is_nested(X):
            return self._in_table(result, X)
        if self._output_form() == "default":
            return result
        framed = self._framing()
        if is_frame(result) or (isinstance(result, np.ndarray) and result.ndim == 2):
            return framed(result, X)
        likes = X if isinstance(X, (list, tuple, np.ndarray)) else result
        items = [framed(*pair) for pair in zip(result, likes, strict=True)]
        if isinstance(result, tuple):
            return tuple(items)
        is_list = isinstance(result, list) or result.ndim == 3
        return items if is_list else as_objects(items)

    def _output_form(self):
        """Return the form of output that `set_output` or the configuration has chosen."""
        # scikit-learn keeps the setting of `set_output` there.
        config = vars(self).get("_sklearn_output_config", {})
        return config.get("transform", get_config()["transform_output"])

    def _in_table(self, result, X):
        """Return a nested table with the output names, in the form that `set_output` has chosen."""
        names = list(self.get_feature_names_out())
        wanted = self._framing()(np.empty((len(X), len(names))), X)
        library = library_of(wanted) or library_of(X)
        return with_names(result, names, library)

    def _named(self, restored, X):
        """Return the result of an inverse; a nested table gets the names of the input features."""
        if not is_nested(X):
            return restored
        names = list(OneToOneFeatureMixin.get_feature_names_out(self))
        return with_names(restored, names, library_of(X))

    def _framing(self):
        """Return a function (array, X) that converts the array as `set_output` has chosen."""
        framing = _Framing(self.get_feature_names_out())
        framing._sklearn_output_config = vars(self).get("_sklearn_output_config", {})

        def framed(array, X):
            framing.array = array[:, np.newaxis] if array.ndim == 1 else array
            return framing.transform(X)

        return framed

    def _become(self, fitted):
        """Set all fitted attributes at once, so that an earlier error or Ctrl-C changes nothing."""
        attributes = vars(self).items()
        kept = {k: v for k, v in attributes if k.startswith("_") or not k.endswith("_")}
        self.__dict__ = {**kept, **fitted}
        return self

    def _read(self, X, *, names=True):
        """Return X as sequences in the form of `fit`; with `names`, also check the column names."""
        self._check_fitted()
        form = InputForm.from_attributes(vars(self))
        return read_X(X, type(self).__name__, form, names=names, allow_nan=self._allow_nan)[0]

    def _check_fitted(self):
        """Refuse an estimator that is not fitted, or whose state is damaged."""
        if "_input_kind" not in vars(self):
            check_is_fitted(self)  # this raises the error
        self._check_state()

    def _check_state(self):
        """Refuse a damaged state; subclasses also check their own attributes."""
        kind = getattr(self, "_input_kind", None)
        if kind not in KINDS:
            wanted = ", ".join(map(repr, KINDS))
            raise ValueError(
                f"`_input_kind` must be one of {wanted}, got {kind!r}: the state is damaged."
            )


def with_features(X, sequences, values):
    """Return values (n_steps, n_features_out) in the form of X, with another number of features."""
    wider = sequences.carrier == "ragged_1d" and values.shape[1] > 1
    carrier = "ragged" if wider else sequences.carrier
    return in_carrier(X, replace(sequences, values=values, carrier=carrier), values)
