"""The form of X, which `fit` stores and every later X must have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from . import arguments
from .frames import is_frame
from .items import first_frame

KINDS = {
    "2d": "2-D (n_samples, n_timesteps), one feature per step",
    "sequences": "sequences (n_timesteps, n_features), as a 3-D array, a list or a nested table",
}


@dataclass(frozen=True, eq=False)
class InputForm:
    """The form of X."""

    kind: str  # a key of KINDS
    n_features: int  # per step, or the number of columns if X is 2-D
    feature_names: np.ndarray | None = None  # (n_features,) of str, if the columns of X had names

    @classmethod
    def of(cls, X, sequences):
        """Return the form of X, from which `sequences` were read."""
        columns = _columns_of(X, sequences)
        if type(columns) is np.ndarray:
            return cls(sequences.kind, columns.shape[1])
        learner = BaseEstimator()
        validate_data(learner, columns, reset=True, skip_check_array=True)
        names = getattr(learner, "feature_names_in_", None)
        return cls(sequences.kind, learner.n_features_in_, names)

    @classmethod
    def from_attributes(cls, attributes):
        """Return the form that `as_attributes` wrote."""
        names = attributes.get("feature_names_in_")
        return cls(attributes["_input_kind"], attributes["n_features_in_"], names)

    def as_attributes(self):
        """Return the form as attributes of an estimator, under scikit-learn's names."""
        attributes = {"_input_kind": self.kind, "n_features_in_": self.n_features}
        if self.feature_names is not None:
            attributes["feature_names_in_"] = self.feature_names
        return attributes

    def check(self, X, sequences, owner, argument=arguments.X, *, names=True):
        """Refuse X, from which `sequences` were read, if it has another form.

        owner is the name of the estimator's class. Without `names`, names of columns are ignored.
        """
        if sequences.kind != self.kind:
            raise ValueError(
                f"`{argument}` must be of the kind that {owner} was fitted on: "
                f"{KINDS[self.kind]}; got {KINDS[sequences.kind]}. "
                + self._hint_at_kind(sequences, argument)
            )
        columns = _columns_of(X, sequences)
        if names and (type(columns) is not np.ndarray or self.feature_names is not None):
            # Names first: that error names the column that is too many.
            validate_data(self._known_to(owner), columns, reset=False, skip_check_array=True)
        if columns.shape[1] != self.n_features:
            hint = ""
            if sequences.carrier == "3d" and sequences.lengths[0] == self.n_features:
                hint = f" If its axes are swapped, use np.swapaxes({argument}, 1, 2)."
            raise ValueError(
                f"{argument} has {columns.shape[1]} features, but {owner} is expecting "
                f"{self.n_features} features as input.{hint}"
            )

    def check_frames(self, X, owner):
        """Refuse frames whose columns are not those of fit, before they are read."""
        frame = first_frame(X) if isinstance(X, (list, tuple)) else X if is_frame(X) else None
        if frame is not None:
            validate_data(self._known_to(owner), frame, reset=False, skip_check_array=True)

    def _hint_at_kind(self, sequences, argument):
        """Return advice on how to convert sequences of another kind."""
        if sequences.kind != "2d":
            return "np.stack makes a 2-D array of sequences of equal length."
        n_rows, n_columns = sequences.n_samples, sequences.n_steps // sequences.n_samples
        if n_columns == self.n_features:
            return f"Pass one sequence as `[{argument}]`."
        if self.n_features == 1:
            return (
                f"If these are {n_rows} sequences of {n_columns} steps, "
                f"{argument}[..., np.newaxis] makes a 3-D array."
            )
        return f"Pass one sequence as `[{argument}]`, with {self.n_features} features per step."

    def _known_to(self, owner):
        """Return an estimator with only this form, for scikit-learn's own check of the columns."""
        estimator = _class_named(owner)()
        estimator.n_features_in_ = self.n_features
        if self.feature_names is not None:
            estimator.feature_names_in_ = self.feature_names
        return estimator


def _columns_of(X, sequences):
    """Return the object whose columns scikit-learn counts and names: features, or 2-D steps."""
    if sequences.kind == "2d":
        return X if hasattr(X, "shape") else np.asarray(X)
    if sequences.carrier == "nested":
        return X if is_frame(X) else sequences.values
    frame = first_frame(X) if sequences.carrier.startswith("ragged") else None
    return sequences.values if frame is None else frame


@lru_cache(maxsize=16)
def _class_named(name):
    return type(name, (BaseEstimator,), {})  # scikit-learn's errors contain the name of the class
