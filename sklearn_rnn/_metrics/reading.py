"""What the scores of steps share: the parts of their docstrings, and how arguments are read."""

from __future__ import annotations

import numpy as np

from .._data import arguments
from .._data.packed import Packed
from .._data.steps import pack_steps, read_steps, settle
from .._data.values import family
from .._data.weights import relative, step_weights
from .._docstrings import with_parts

described = with_parts(
    {
        "labels": """
y_true : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, k), \
or list, tuple or object array of (n_timesteps_i,) or (n_timesteps_i, k)
    True labels, numbers or strings. A step with k labels is correct if all of them are.
y_pred : as `y_true`
    Predicted labels, in the same or another form.
""",
        "y_true": """
y_true : array-like of shape (n_samples, n_timesteps), or list, tuple or object array of \
(n_timesteps_i,)
    True labels, numbers or strings; for multilabel steps with one more axis, (n_labels,), of 0
    and 1.
""",
        "y_pred": """
y_pred : as `y_true`
    Predicted labels, in the same or another form.
""",
        "targets": """
y_true : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), \
or list, tuple or object array of (n_timesteps_i,) or (n_timesteps_i, n_outputs)
    True targets.
y_pred : as `y_true`
    Predicted targets, in the same or another form.
""",
        "step_weights": """
sample_weight : array-like of shape (n_samples,), or one weight per step, default=None
    Weight of each sequence (of each of its steps), or of each step in any form. A step of
    weight 0 does not count, whatever its labels or targets are, including None and NaN.
""",
        "errors": """
ValueError
    If the sequences of `y_true`, `y_pred` and `sample_weight` do not match (the message
    says which), or all weights are 0.
""",
    }
)


def compare(y_true, y_pred, sample_weight):
    """Return right (n_steps,), weights (n_steps,) and the first step of each sequence."""
    truth, predicted, weights = read(y_true, y_pred, sample_weight, numeric=False)
    check_families(truth.values, predicted)
    return (truth.values == predicted).all(axis=1), weights, truth.offsets[:-1]


def read(y_true, y_pred, sample_weight, *, numeric):
    """Return y_true as Packed rows (n_steps, k), y_pred as (n_steps, k), and weights (n_steps,)."""
    truth, weights = read_truth(y_true, sample_weight, numeric=numeric)
    taught = None if weights is None else weights > 0
    predicted = pack_steps(y_pred, truth, arguments.Y_PRED, numeric=numeric, taught=taught)
    values, predicted = (rows.reshape(len(rows), -1) for rows in (truth.values, predicted))
    check_outputs(values, predicted)
    weights = relative(np.ones(truth.n_steps) if weights is None else weights)
    return Packed(values, truth.offsets), predicted, weights


def read_truth(y_true, sample_weight, *, numeric):
    """Return y_true as Packed (n_steps[, k]), and weights (n_steps,), not all 0, or None."""
    truth = read_steps(y_true, arguments.Y_TRUE, numeric=numeric)
    # Weights come first: labels and targets of weight 0 may be anything.
    weights = step_weights(sample_weight, truth)
    taught = None if weights is None else weights > 0
    if taught is not None and not taught.any():
        raise ValueError("`sample_weight` must not be zero everywhere: no step would count.")
    values = settle(truth, y_true, taught, arguments.Y_TRUE, numeric=numeric)
    return Packed(values, truth.offsets), weights


class TaughtSteps:
    """The steps of y_true that have weight, as one flat array for scikit-learn."""

    def __init__(self, y_true, sample_weight=None, *, numeric=False):
        self._truth, weights = read_truth(y_true, sample_weight, numeric=numeric)
        self._taught = None if weights is None else weights > 0
        self.values = self._flat(self._truth.values)  # (n_taught[, k])
        self.weights = None if weights is None else weights[self._taught]  # (n_taught,)

    def read(self, y, argument=arguments.Y_PRED, *, numeric=False):
        """Return what y has for the same steps (n_taught[, k])."""
        values = pack_steps(y, self._truth, argument, numeric=numeric, taught=self._taught)
        return self._flat(values)

    def read_labels(self, y_pred):
        """Return predicted labels for the same steps, as many for each and of the same type."""
        predicted = self.read(y_pred)
        check_families(self.values, predicted)
        check_outputs(*(rows.reshape(len(rows), -1) for rows in (self.values, predicted)))
        return predicted

    def read_numbers(self, y_pred):
        """Return predicted numbers for the same steps, as many for each."""
        predicted = self.read(y_pred, numeric=True)
        check_outputs(*(rows.reshape(len(rows), -1) for rows in (self.values, predicted)))
        return predicted

    def _flat(self, values):
        """Return the rows of the taught steps; one column becomes (n_taught,)."""
        values = values if self._taught is None else values[self._taught]
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def relative_weights(steps):
    """Return the weights of `TaughtSteps` of which only the ratios count, or None."""
    return None if steps.weights is None else relative(steps.weights)


def check_families(truth, predicted):
    """Refuse to compare strings with numbers."""
    families = {family(labels.dtype) for labels in (truth, predicted)} - {"objects"}
    if len(families) > 1:
        raise ValueError(
            "`y_true` and `y_pred` must hold labels of one type, got dtypes "
            f"{truth.dtype} and {predicted.dtype}."
        )


def check_outputs(truth, predicted):
    """Refuse predictions (n_steps, k) with another k than the truth."""
    if predicted.shape[1] != truth.shape[1]:
        raise ValueError(
            f"`y_pred` must have {truth.shape[1]} targets per step like `y_true`, "
            f"got {predicted.shape[1]}."
        )
