"""Warnings and errors where scikit-learn is about to misread results per step.

scikit-learn's scores read an array (n_samples, n_timesteps) as several targets per sample. Of the
probabilities of two classes they read [:, 1], which is the second step of an array
(n_samples, n_timesteps, 2). scikit-learn gets predictions in `_get_response_values`, which a scorer
calls from `_score`. Only the stack frames of these calls show a method of ours who has called it.
"""

import sys
import warnings
from functools import cache, partial

import numpy as np

from .advice import level_of_caller

_ASKING = "_get_response_values"
# Functions and modules that pass on results of ours, as a Pipeline and a search do. `_metrics` is
# not among them, because `step_scorer` flattens the steps.
_METHODS = ("predict", "predict_proba", "predict_log_proba", "_wrap_namespace_error")
_HANDING_ON = ("sklearn.", "imblearn.")
_OURS = (
    "sklearn_rnn._estimators.",
    "sklearn_rnn._floating_point",
    "sklearn_rnn._parameter_names",
    "sklearn_rnn._model_selection.by_index",
)
# These metrics are means over targets, which are means over steps if all lengths are equal.
_MEANS = (
    "hamming_loss",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_pinball_loss",
    "mean_squared_error",
    "mean_squared_log_error",
)


def check_reader(results):
    """Warn, or raise, if scikit-learn is about to misread results per step.

    results: (n_samples, n_timesteps[, k]), or an object array with those of each sequence.
    """
    frame = _asking_frame()
    if frame is None or not isinstance(results, np.ndarray):
        return
    scorer = _scorer_above(frame)
    is_own = scorer is not None and _module(scorer).startswith("sklearn.")
    method = getattr(frame.f_locals.get("prediction_method"), "__name__", "predict")
    if method != "predict":
        if is_own or results[0].shape[-1] == 2:
            raise ValueError(_unreadable_probabilities(scorer))
    elif is_own:
        # No metric of scikit-learn takes strings or ragged arrays, or more axes, in this way.
        if results.ndim != 2 or results.dtype.kind not in "biuf":
            raise ValueError(
                f"{_name(scorer)} cannot score predictions per step: {_remedy(scorer)}."
            )
        if results.shape[1] > 1 and not _is_meant(scorer):
            warnings.warn(
                f"{_name(scorer)} reads the steps of a sequence as several targets of one sample, "
                f"so this is not the score over all steps: for that, {_remedy(scorer)}.",
                stacklevel=level_of_caller(),
            )


def check_order_of_steps():
    """Warn if `BaggingClassifier` has drawn columns of a 2-D X, which are steps."""
    frame = sys._getframe(1)
    while frame is not None:
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if name == "_parallel_build_estimators" and module == "sklearn.ensemble._bagging":
            _check_drawn(frame.f_locals.get("features"))
            return
        if not module.startswith((*_OURS, "sklearn.")):
            return
        frame = frame.f_back


def _check_drawn(columns):
    if isinstance(columns, np.ndarray) and (np.diff(columns) <= 0).any():
        warnings.warn(
            "Bagging draws columns of `X` without keeping their order, but each column of a 2-D "
            "`X` is a step. Set its max_features=1.0 and bootstrap_features=False, or pass the "
            "sequences as a table whose columns are features "
            "(`sklearn_rnn.preprocessing.to_nested`).",
            stacklevel=level_of_caller(),
        )


def _asking_frame():
    """Return the frame in which scikit-learn asks for the predictions made now, or None."""
    frame = sys._getframe(2)
    while frame is not None:
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if name == _ASKING:
            return frame if module.startswith("sklearn.") else None
        if not module.startswith(_OURS if name not in _METHODS else (*_OURS, *_HANDING_ON)):
            return None
        frame = frame.f_back
    return None


def _scorer_above(frame):
    """Return the scorer that asks for predictions, or None."""
    for _ in range(3):
        frame = frame.f_back
        if frame is None:
            return None
        scorer = frame.f_locals.get("self") if frame.f_code.co_name == "_score" else None
        if hasattr(scorer, "_score_func"):
            return scorer
    return None


def _metric(scorer):
    metric = scorer._score_func
    return metric.func if isinstance(metric, partial) else metric


def _module(scorer):
    return getattr(_metric(scorer), "__module__", None) or ""


def _name(scorer):
    return _metric(scorer).__name__


def _is_meant(scorer):
    """Tell whether a scorer was told how to treat several targets, or treats all steps alike."""
    chosen = scorer._kwargs
    return _name(scorer) in _MEANS or "multioutput" in chosen or chosen.get("average") == "samples"


def _remedy(scorer):
    # Before scikit-learn 1.8, str() fails for a scorer of a partial function.
    name = None if isinstance(scorer._score_func, partial) else _name_of(str(scorer))
    call = "step_scorer(scorer)" if name is None else f"step_scorer({name!r})"
    return f"use scoring={call} of sklearn_rnn.metrics"


@cache
def _name_of(text):
    """Return the name of the scorer of scikit-learn that str() shows as `text`, or None."""
    from sklearn.metrics import get_scorer, get_scorer_names

    return next((name for name in get_scorer_names() if str(get_scorer(name)) == text), None)


def _unreadable_probabilities(scorer):
    if scorer is None:
        remedy = (
            "pass the probabilities of all steps in one 1-D array to `from_predictions` of a "
            "display, or to a metric: np.concatenate([p[:, 1] for p in rnn.predict_proba(X)])"
        )
    elif _module(scorer).startswith("sklearn."):
        remedy = _remedy(scorer)
    else:
        remedy = (
            "pass as `scoring` a function (estimator, X, y) that calls `predict_proba`, or "
            "step_scorer of sklearn_rnn.metrics with a scorer of scikit-learn"
        )
    return (
        "scikit-learn cannot read probabilities per step: with two classes, it reads those of the "
        f"second step as those of the second class. Instead, {remedy}."
    )
