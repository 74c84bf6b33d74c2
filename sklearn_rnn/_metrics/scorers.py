"""Scorers of scikit-learn, over all steps of all sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator, is_regressor
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import get_tags, metadata_routing

from .._available_if import available_if
from .._rules import did_you_mean
from .._typing import ArrayLike, SequencesLike, Targets
from .reading import TaughtSteps

# The scorers to use instead of metrics of probabilities, which `make_scorer` cannot handle.
_BY_NAME = {"step_log_loss": "neg_log_loss", "step_roc_auc": "roc_auc"}


def step_scorer(scoring: str | Callable[..., Any]) -> StepScorer:
    """Make a scorer of scikit-learn score all steps of all sequences.

    Parameters
    ----------
    scoring : str or scorer
        A name of ``sklearn.metrics.get_scorer_names()``, such as "f1_macro" or "roc_auc_ovr", or
        what `sklearn.metrics.make_scorer` returns.

    Returns
    -------
    scorer : StepScorer
        A function ``(estimator, X, y, sample_weight=None)`` that returns a number, for `scoring` of
        `cross_validate`, of all searches, and of the estimators. It calls `predict`, or
        `predict_proba` where the score needs probabilities. y may come in any form, with one target
        per step; steps of weight 0 do not count.

    Raises
    ------
    ValueError
        If there is no scorer of that name; if `scoring` is a metric and not a scorer; or if it is a
        scorer that `make_scorer` has made of a function of this module, because these read one
        target per step themselves.

    See Also
    --------
    step_accuracy, step_f1_score, step_log_loss : Scores of predictions.
    entity_f1_score : For `make_scorer`.

    Notes
    -----
    "neg_log_loss" and "roc_auc_ovr" need all classes in every fold. Where one may be missing, name
    the classes: ``step_scorer(make_scorer(log_loss, greater_is_better=False,
    response_method="predict_proba", labels=classes))``.

    The functions of this module that read predictions, including scores of whole sequences or
    entities, read y as it is and need no `step_scorer`: ``scoring=make_scorer(entity_f1_score)``.

    With two classes that are strings, scikit-learn requires `pos_label`, which may be None:
    ``step_scorer(make_scorer(f1_score, average="macro", pos_label=None))``.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV, KFold
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.metrics import step_scorer
    >>> X = [[[0.0], [1.0], [1.0]], [[1.0], [0.0]]] * 10
    >>> y = [["a", "b", "b"], ["b", "a"]] * 10
    >>> rnn = RNNClassifier(4, mode="many_to_many", random_state=0)
    >>> grid = {"learning_rate_init": [0.001, 0.05]}
    >>> search = GridSearchCV(rnn, grid, scoring=step_scorer("f1_macro"), cv=KFold(2))
    >>> search.fit(X, y).best_params_
    {'learning_rate_init': 0.05}
    """
    if isinstance(scoring, StepScorer):
        return scoring
    _check(scoring)
    return StepScorer(scoring)


def _check(scoring):
    """Refuse anything that is not a scorer of one target per sample."""
    if not (isinstance(scoring, str) or callable(scoring)):
        raise ValueError(
            "`scoring` must be one of the names of `sklearn.metrics.get_scorer_names()` or a "
            f"result of `sklearn.metrics.make_scorer`, got {scoring!r}."
        )
    if isinstance(scoring, str) and scoring not in (names := get_scorer_names()):
        raise ValueError(
            "`scoring` must be one of the names of `sklearn.metrics.get_scorer_names()`, got "
            f"{scoring!r}.{did_you_mean(scoring, names)}"
        )
    # scikit-learn has no public name for the function that `make_scorer` was given.
    metric = getattr(scoring, "_score_func", scoring)
    module, name = getattr(metric, "__module__", ""), getattr(metric, "__name__", "")
    if module.startswith("sklearn_rnn."):
        advice = f"pass make_scorer({name}) instead of step_scorer"
        if name in _BY_NAME:
            advice = f"use step_scorer({_BY_NAME[name]!r})"
        raise ValueError(
            "`scoring` must be a scorer of one target per sample, but "
            f"{name} reads one target per step itself: {advice}."
        )
    if metric is scoring and module.startswith("sklearn.metrics"):
        raise ValueError(f"`scoring` must be a scorer, got a metric: use make_scorer({name}).")


class StepScorer(BaseEstimator):
    """A scorer for one target per step, as `step_scorer` makes it.

    Parameters
    ----------
    scoring : str or scorer
        The scorer of scikit-learn.
    """

    # An argument of `score` that no search routes to it.
    __metadata_request__score: ClassVar = {"estimator": metadata_routing.UNUSED}

    # Made by scikit-learn, for metadata routing.
    set_score_request: Callable[..., Self]

    def __init__(self, scoring: str | Callable[..., Any]) -> None:
        self.scoring = scoring

    def __call__(
        self, estimator: Any, X: SequencesLike, y: Targets, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the score of an estimator for X (sequences) and y (one target per step)."""
        return self.score(estimator, X, y, sample_weight)

    # It has this name so that scikit-learn gives it `set_score_request`.
    def score(
        self, estimator: Any, X: SequencesLike, y: Targets, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the score of an estimator for X (sequences) and y (one target per step)."""
        numeric = is_regressor(estimator)
        steps = TaughtSteps(y, sample_weight, numeric=numeric)
        weights = {} if steps.weights is None else {"sample_weight": steps.weights}
        flat = _Flat(estimator, steps, numeric)
        return get_scorer(self.scoring)(flat, X, steps.values, **weights)


def _has(name):
    return available_if(lambda flat: hasattr(flat.estimator, name))


class _Flat(BaseEstimator):
    """An estimator whose predictions are flat arrays, with a row for each step that is taught."""

    def __init__(self, estimator, steps, numeric):
        self.estimator = estimator
        self.steps = steps
        self.numeric = numeric

    @property
    def classes_(self):
        return self.estimator.classes_

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        raise NotImplementedError  # scikit-learn asks whether the method exists

    @_has("predict")
    def predict(self, X):
        return self.steps.read(self.estimator.predict(X), numeric=self.numeric)

    @_has("predict_proba")
    def predict_proba(self, X):
        return self.steps.read(self.estimator.predict_proba(X), numeric=True)

    @_has("predict_log_proba")
    def predict_log_proba(self, X):
        return self.steps.read(self.estimator.predict_log_proba(X), numeric=True)

    @_has("decision_function")
    def decision_function(self, X):
        return self.steps.read(self.estimator.decision_function(X), numeric=True)
