"""What early stopping judges by: sequences held out, or given, and their score after each epoch."""

import inspect
from dataclasses import dataclass, replace
from numbers import Real

from sklearn.utils import _safe_indexing

from . import _network
from ._floating_point import floating_point_of_caller
from ._parameters import TABLE
from ._sequences import check_range
from ._training import Examples


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Sequences to validate with, as examples and as the user gave them."""

    examples: Examples
    X: object
    y: object
    sample_weight: object = None

    @classmethod
    def part_of(cls, examples, indices, X, y, sample_weight, with_weight):
        """Hold out some of the examples, which are those `with_weight` of what was given."""
        positions = with_weight[indices]
        given = [X, y] + ([] if sample_weight is None else [sample_weight])
        return cls(examples.take(indices), *(_safe_indexing(part, positions) for part in given))

    def as_trained(self, factors, scaling, dtype):
        """Return the same with the class weights and the scale of X that training has."""
        check_range(self.examples.sequences, dtype, scaling, name="X_val")
        examples = replace(self.examples.with_class_weights(factors), scaling=scaling)
        if examples.n_taught() < 2:
            raise ValueError("`y_val` must have at least 2 targets with weight, to be scored.")
        return replace(self, examples=examples)


def validator(scoring, held, task, estimator, show, score_rows, n_threads):
    """Return a function params -> (score, value): what the user sees, and what is to be least.

    show() brings `estimator` up to date before a scorer of the user sees it.
    """
    examples, network = held.examples, task.network
    if scoring is None:
        predict = _network.predictor(network, examples.sequences, examples.scaling, n_threads)

        def validate(params):
            score = score_rows(examples.targets, predict(params), examples.weights)
            return score, -score

    elif isinstance(scoring, str) and scoring == "loss":
        if examples.targets.dtype.kind == "i" and examples.targets.min() < 0:
            raise ValueError(
                "`y_val` must hold classes of `y` alone with scoring='loss': others have no loss."
            )
        loss = _network.mean_loss(network, examples, n_threads)

        def validate(params):
            value = loss(params)
            return -value * task.loss_unit, value

    else:
        scorer = scorer_of(estimator, scoring)
        weights = {}
        if held.sample_weight is not None and takes_weights(scorer):
            weights["sample_weight"] = held.sample_weight

        def validate(params):
            show()
            with floating_point_of_caller():
                score = scorer(estimator, held.X, held.y, **weights)
            if not isinstance(score, Real):
                raise TypeError(f"`scoring` must return a number, got {score!r}.")
            return float(score), -float(score)

    return validate


def scorer_of(estimator, scoring):
    """Return the function (estimator, X, y) -> score that `scoring` stands for."""
    from sklearn.metrics import check_scoring

    try:
        return check_scoring(estimator, scoring)
    except ValueError as error:
        raise ValueError(f"`scoring` must be {TABLE['scoring'].text}: {error}") from error


def takes_weights(scorer):
    """Tell whether a scorer has an argument `sample_weight`."""
    try:
        parameters = inspect.signature(scorer).parameters
    except (TypeError, ValueError):  # of something that tells nothing of its arguments
        return False
    return "sample_weight" in parameters
