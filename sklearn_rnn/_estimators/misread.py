"""Warnings and errors where scikit-learn is about to misread steps.

scikit-learn's scores take an array (n_samples, n_timesteps) for several targets per sample, and
of probabilities of two classes they take [:, 1], which in (n_samples, n_timesteps, 2) is the second
step. It asks for predictions in `_get_response_values`, which a scorer calls from `_score`; only
the frames of these calls tell a method of ours that it was asked.
"""

import sys
import warnings
from functools import cache, partial

import numpy as np

from .advice import level_of_caller

_ASKING = "_get_response_values"
# Functions and modules that hand on what ours returned, as a Pipeline and a search do. `_metrics`
# is not among them: `step_scorer` makes one row of the steps.
_METHODS = ("predict", "predict_proba", "predict_log_proba", "_wrap_namespace_error")
_HANDING_ON = ("sklearn.", "imblearn.")
_OURS = (
    "sklearn_rnn._estimators.",
    "sklearn_rnn._floating_point",
    "sklearn_rnn._model_selection.by_index",
)
# Means over targets: with as many steps in each sequence, they are means over steps.
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
        # Names and arrays of several lengths or axes: no metric of scikit-learn takes these.
        if results.ndim != 2 or results.dtype.kind not in "biuf":
            raise ValueError(
                f"{_name(scorer)} cannot score predictions per step: {_remedy(scorer)}."
            )
        if results.shape[1] > 1 and not _is_meant(scorer):
            warnings.warn(
                f"{_name(scorer)} takes the steps of a sequence for several targets of one sample, "
                f"so this is not the score over all steps: for that, {_remedy(scorer)}.",
                stacklevel=level_of_caller(),
            )


def check_order_of_steps():
    """Warn if X has columns that `BaggingClassifier` has drawn, where a column is a step."""
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
            "Bagging draws columns of `X` without keeping their order, and here each column is a "
            "step. Set its max_features=1.0 and bootstrap_features=False, or pass the sequences as "
            "a table whose columns are features (`sklearn_rnn.preprocessing.to_nested`).",
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
    """Tell whether a scorer says how to treat several targets, or treats steps alike."""
    chosen = scorer._kwargs
    return _name(scorer) in _MEANS or "multioutput" in chosen or chosen.get("average") == "samples"


def _remedy(scorer):
    # Before scikit-learn 1.8, a scorer of a partial function has no text.
    name = None if isinstance(scorer._score_func, partial) else _name_of(str(scorer))
    call = "step_scorer(scorer)" if name is None else f"step_scorer({name!r})"
    return f"use scoring={call} of sklearn_rnn.metrics"


@cache
def _name_of(text):
    """Return the name of the scorer of scikit-learn that has this text, or None."""
    from sklearn.metrics import get_scorer, get_scorer_names

    return next((name for name in get_scorer_names() if str(get_scorer(name)) == text), None)


def _unreadable_probabilities(scorer):
    if scorer is None:
        remedy = (
            "pass the steps of all sequences in one row to `from_predictions` of a display, or to "
            "a metric: np.concatenate([p[:, 1] for p in rnn.predict_proba(X)])"
        )
    elif _module(scorer).startswith("sklearn."):
        remedy = _remedy(scorer)
    else:
        remedy = (
            "pass as `scoring` a function of the estimator, X and y that calls `predict_proba`, or "
            "a scorer of scikit-learn by step_scorer of sklearn_rnn.metrics"
        )
    return (
        "scikit-learn cannot read probabilities per step: of two classes, it takes those of the "
        f"second step for those of the second class. Instead, {remedy}."
    )
