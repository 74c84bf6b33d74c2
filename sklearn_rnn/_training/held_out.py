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
from .._model.network import Evaluation
from .._rules import Allowed, did_you_mean
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
    """Return a function params -> (score, value, loss), of which value is minimised.

    The user sees the score, and the loss in units of y, which is NaN where it is not defined.
    show() updates `estimator` before it is passed to the user's scorer. If `scoring` is None, score
    and value are what own(evaluation) returns; evaluation: an `Evaluation` of what is held out.
    """
    network, unit = training.network, training.loss_unit
    evaluation = Evaluation(network, held_out.examples, n_threads)
    if scoring is None and target.holds == "tokens":
        scoring = "loss"
    if isinstance(scoring, str) and scoring == "loss":
        check_loss(target, held_out.examples, network)

        def validate(params):
            value = evaluation.mean_loss(params)
            return -value * unit, value, value * unit

        return validate

    judge = own(evaluation) if scoring is None else _judge(scoring, held_out, estimator, show)
    try:
        check_loss(target, held_out.examples, network)
    except ValueError:
        return lambda params: (*judge(params), np.nan)
    return lambda params: (*judge(params), evaluation.mean_loss(params) * unit)


def _judge(scoring, held_out, estimator, show):
    """Return a function params -> (score, -score), by the user's `scoring`."""
    score_of = scorer_of(estimator, scoring, *held_out.as_given())

    def judge(params):
        show()
        with floating_point_of_caller():
            score = score_of()
        if not isinstance(score, Real):
            raise TypeError(f"`scoring` must return a number, got {score!r}.")
        return float(score), -float(score)

    return judge


def check_loss(target, examples, network):
    """Refuse encoded targets to validate with for which the loss is not defined."""
    if target.has_unknown(examples.targets):
        raise ValueError(
            "`y_val` must hold only classes of `y` with scoring='loss': others have no loss."
        )
    taught = slice(None) if examples.weights is None else examples.weights > 0
    _check_positive(target, examples.targets[taught], network)


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
    from sklearn.metrics import check_scoring, get_scorer_names

    if isinstance(scoring, str) and scoring not in (names := get_scorer_names()):
        hint = did_you_mean(scoring, names)
        raise ValueError(f"`scoring` must be {SCORING.text}, got {scoring!r}.{hint}")
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
            "`validation_fraction` must leave at least 2 sequences to validate and 1 to train on, "
            f"but {fraction} of the number of sequences, {n_samples}, is {n_val}. Change it, or "
            "pass `X_val` and `y_val`."
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


N_DRAWS = 32  # of groups, from which the best is chosen


def split_groups(groups, fraction, examples, labels, rng):
    """Split sample numbers into training and validation, whole groups (n_samples,) in either.

    Of `N_DRAWS` random choices of groups, the one whose share of the targets is closest to
    `fraction` is used for validation. With `labels` (n_rows,), the differences of all classes are
    summed.
    """
    from sklearn.model_selection import ShuffleSplit

    in_use, groups = np.unique(groups, return_inverse=True)
    n_groups = len(in_use)
    if n_groups < 2:
        raise ValueError(
            "`groups` must hold at least 2 groups of sequences with positive weight, so that "
            "`early_stopping` can hold out some; got 1. Pass `X_val` and `y_val` instead."
        )
    n_val = min(int(np.ceil(fraction * n_groups)), n_groups - 1)
    draws = ShuffleSplit(N_DRAWS, test_size=n_val, random_state=rng).split(in_use)
    counts = _count_targets(groups, examples, labels)
    totals = np.maximum(counts.sum(axis=0), 1)
    chosen = min(
        (held_out for _, held_out in draws),
        key=lambda held_out: np.abs(counts[held_out].sum(axis=0) / totals - fraction).sum(),
    )
    is_held_out = np.isin(groups, chosen)
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _count_targets(groups, examples, labels):
    """Count the rows with weight by group and label: a sparse matrix (n_groups, n_labels)."""
    from scipy.sparse import csr_matrix

    labels = np.zeros(len(examples.targets), dtype=np.intp) if labels is None else labels
    counted = np.ones(len(labels)) if examples.weights is None else examples.weights > 0
    return csr_matrix((counted.astype(np.float64), (examples.repeat(groups), labels)))
