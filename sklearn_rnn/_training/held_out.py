"""Early stopping: the sequences held out, or given, and their score after each epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
from sklearn.utils import _safe_indexing  # public, in spite of its name

from .._data import arguments
from .._data.finite import check_range
from .._data.targets import check_positive
from .._floating_point import floating_point_of_caller
from .._model.network import mean_loss
from .._rules import Allowed
from .examples import Examples

SCORING = Allowed(
    lambda value: value is None or callable(value) or isinstance(value, str),
    "None, 'loss', a name of `sklearn.metrics.get_scorer_names()` or a callable",
)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The validation data, as examples, and the user's data from which they were taken."""

    examples: Examples
    X: object
    y: object
    sample_weight: object
    positions: np.ndarray | None  # of the part in X, y and sample_weight; None: all of them
    is_given: bool = False  # whether these are `X_val` and so on

    def as_trained(self, factors, scaling, dtype):
        """Return the same sequences with the class weights and the scale of X of training."""
        if self.is_given:
            check_range(self.examples.sequences, dtype, scaling, arguments.X_VAL)
        examples = replace(self.examples.with_class_weights(factors), scaling=scaling)
        if examples.n_taught() < 2:
            given = arguments.X_VAL if self.y is None else arguments.Y_VAL
            raise ValueError(
                f"`{given}` must have at least 2 targets with weight to be scored."
                if self.is_given
                else "`validation_fraction` holds out fewer than 2 targets with weight, which "
                "cannot be scored: raise it, or pass `X_val` and `y_val`."
            )
        return replace(self, examples=examples)

    def as_given(self):
        """Return X, y and sample_weight (or None) in the form in which the user passed them."""
        return [self._part(given) for given in (self.X, self.y, self.sample_weight)]

    def _part(self, given):
        if isinstance(given, Mapping) and self.positions is not None:
            return {name: self._part(column) for name, column in given.items()}
        if isinstance(given, Real):
            return np.full(self.examples.sequences.n_samples, given)
        if given is None or self.positions is None:
            return given
        try:
            return _safe_indexing(given, self.positions)
        except TypeError:  # it cannot be indexed, but NumPy can convert it to an array
            return np.asarray(given)[self.positions]


def validator(scoring, held_out, training, estimator, show, target, own, n_threads):
    """Return a function params -> (score, value): the user sees the score; value is minimised.

    show() updates `estimator` before it is passed to the user's scorer. If `scoring` is None, the
    result is what own() returns.
    """
    examples, network = held_out.examples, training.network
    if scoring is None and target.holds == "tokens":
        scoring = "loss"
    if scoring is None:
        validate = own()

    elif isinstance(scoring, str) and scoring == "loss":
        if target.has_unknown(examples.targets):
            raise ValueError(
                "`y_val` must hold only classes of `y` with scoring='loss': others have no loss."
            )
        taught = slice(None) if examples.weights is None else examples.weights > 0
        _check_positive(target, examples.targets[taught], network)
        loss = mean_loss(network, examples, n_threads)

        def validate(params):
            value = loss(params)
            return -value * training.loss_unit, value

    else:
        score_of = scorer_of(estimator, scoring, *held_out.as_given())

        def validate(params):
            show()
            with floating_point_of_caller():
                score = score_of()
            if not isinstance(score, Real):
                raise TypeError(f"`scoring` must return a number, got {score!r}.")
            return float(score), -float(score)

    return validate


def _check_positive(target, targets, network):
    """Refuse encoded targets to validate with (n_rows, n) for which the loss is not defined."""
    losses = [(network.loss, targets)]
    if target.holds == "tasks":
        losses = [
            (loss, y[~np.isnan(y)]) for y, (loss, _) in zip(targets.T, network.groups, strict=True)
        ]
    for loss, known in losses:
        if known.size > 0:
            check_positive(known, loss, network.dtype, arguments.Y_VAL)


def scorer_of(estimator, scoring, X, y, sample_weight):
    """Return the function () -> score that `scoring` names."""
    from sklearn.metrics import check_scoring

    try:
        scorer = check_scoring(estimator, scoring)
    except ValueError as error:
        raise ValueError(f"`scoring` must be {SCORING.text}: {error}") from error
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}

    def score():
        try:
            return scorer(estimator, X, y, **weights)
        except TypeError as error:  # scorers do not tell whether their metric takes weights
            if not weights or "sample_weight" not in str(error):
                raise
            weights.clear()
            return scorer(estimator, X, y)

    def named_score():
        try:
            return score()
        except (AttributeError, TypeError, ValueError) as error:
            advice = "choose another score"
            if hasattr(estimator, "score_tasks"):
                advice = "use None, 'loss', or a function of the estimator, X and y"
            elif getattr(estimator, "mode", None) == "many_to_many":
                advice = f"use None, 'loss', or sklearn_rnn.metrics.step_scorer({scoring!r})"
            raise ValueError(
                f"`scoring`={scoring!r} cannot score these targets: {advice}. ({error})"
            ) from error

    return named_score if isinstance(scoring, str) else score


def n_held_out(n_samples, fraction):
    """Return how many of the sequences are held out."""
    n_val = int(np.ceil(fraction * n_samples))
    if n_val < 2 or n_samples - n_val < 1:
        raise ValueError(
            "The validation set is too small, or leaves nothing to train on: "
            f"`validation_fraction`={fraction} of {n_samples} sequences. Change it, or pass "
            "`X_val` and `y_val`."
        )
    return n_val


def split(n_samples, fraction, labels, rng):
    """Split sample numbers into training and validation, stratified by `labels` if possible."""
    from sklearn.model_selection import train_test_split

    n_val = n_held_out(n_samples, fraction)
    if labels is not None:
        _, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2 or len(counts) > min(n_val, n_samples - n_val):
            labels = None
    return train_test_split(
        np.arange(n_samples), test_size=n_val, stratify=labels, random_state=rng
    )
