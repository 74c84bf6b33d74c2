"""The scores of `sklearn.metrics`, computed over all steps of all sequences."""

from __future__ import annotations

from typing import Any, Literal

from sklearn import metrics
from sklearn.utils.multiclass import type_of_target

from .._data.arguments import Argument
from .._floating_point import floating_point_ignored
from .._typing import Array, ArrayLike, Integer, Number, Targets
from .reading import TaughtSteps, described, relative_weights

_Y_PROBA, _Y_SCORE = Argument("y_proba"), Argument("y_score")


@described
@floating_point_ignored
def step_f1_score(
    y_true: Targets,
    y_pred: Targets,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: Literal["binary", "micro", "macro", "weighted", "samples"] | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: Literal["warn"] | float = "warn",
) -> Any:
    """Compute the F1 score of the labels of all steps.

    The value is that of `sklearn.metrics.f1_score` for the steps of all sequences, one after
    another.

    Parameters
    ----------
    {y_true}
    {y_pred}
    labels : array-like of shape (n_labels,), default=None
        The labels to include, in this order. None means all labels, sorted.
    pos_label : int, float, bool or str, default=1
        The label whose score is computed, with ``average="binary"``.
    average : {"binary", "micro", "macro", "weighted"} or None, default="binary"
        How the scores of the labels are combined, as in `sklearn.metrics.f1_score`. With more than
        two labels, it must not be "binary". None means one score per label.
    {step_weights}
    zero_division : {"warn", 0.0, 1.0, np.nan}, default="warn"
        The value of a score that would divide by zero. "warn" means 0 and a warning.

    Returns
    -------
    score : float or ndarray of float of shape (n_labels,)
        F1 score, from 0 to 1.

    Raises
    ------
    {errors}

    See Also
    --------
    entity_f1_score : F1 score of named entities, which span several steps.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_f1_score
    >>> y_true, y_pred = [["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]]
    >>> step_f1_score(y_true, y_pred, average=None)
    array([1.        , 0.        , 0.66666667])
    """
    steps = TaughtSteps(y_true, sample_weight)
    return metrics.f1_score(
        steps.values,
        steps.read_labels(y_pred),
        labels=labels,
        pos_label=pos_label,
        average=average,
        sample_weight=relative_weights(steps),
        zero_division=zero_division,
    )


@described
@floating_point_ignored
def step_confusion_matrix(
    y_true: Targets,
    y_pred: Targets,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    normalize: Literal["true", "pred", "all"] | None = None,
) -> Array:
    """Count, for all steps, how often each label was predicted in place of each other one.

    Parameters
    ----------
    {y_true}
    {y_pred}
    labels : array-like of shape (n_labels,), default=None
        The labels to include, in this order. None means all labels, sorted.
    {step_weights}
    normalize : {"true", "pred", "all"} or None, default=None
        What to divide the counts by: the sum of their row ("true"), of their column ("pred"), or of
        the whole matrix ("all"). None means counts.

    Returns
    -------
    matrix : ndarray of shape (n_labels, n_labels)
        Number of steps, or their weight, whose true label is that of the row and whose predicted
        label is that of the column.

    Raises
    ------
    {errors}

    See Also
    --------
    step_classification_report : Precision, recall and F1 score of each label.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_confusion_matrix
    >>> step_confusion_matrix([["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]])
    array([[1, 0, 0],
           [0, 0, 1],
           [0, 0, 1]])
    """
    steps = TaughtSteps(y_true, sample_weight)
    return metrics.confusion_matrix(
        steps.values,
        steps.read_labels(y_pred),
        labels=labels,
        sample_weight=steps.weights,
        normalize=normalize,
    )


@described
@floating_point_ignored
def step_classification_report(
    y_true: Targets,
    y_pred: Targets,
    *,
    labels: ArrayLike | None = None,
    target_names: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    digits: Integer = 2,
    output_dict: bool = False,
    zero_division: Literal["warn"] | float = "warn",
) -> Any:
    """Report precision, recall and F1 score of each label over all steps.

    Parameters
    ----------
    {y_true}
    {y_pred}
    labels : array-like of shape (n_labels,), default=None
        The labels to include, in this order. None means all labels, sorted.
    target_names : array-like of str of shape (n_labels,), default=None
        Names of the labels in the report, in the order of `labels`.
    {step_weights}
    digits : int, default=2
        Number of decimal places in the table.
    output_dict : bool, default=False
        Whether to return a dict instead of a table.
    zero_division : {"warn", 0.0, 1.0, np.nan}, default="warn"
        The value of a score that would divide by zero. "warn" means 0 and a warning.

    Returns
    -------
    report : str or dict
        A table, or with ``output_dict=True`` its numbers.

    Raises
    ------
    {errors}

    See Also
    --------
    step_f1_score : The F1 score as one number.
    step_confusion_matrix : Which labels were predicted in place of which.
    entity_classification_report : The same for named entities.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_classification_report
    >>> y_true, y_pred = [["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]]
    >>> step_classification_report(y_true, y_pred, output_dict=True, zero_division=0)["VERB"]
    {'precision': 0.5, 'recall': 1.0, 'f1-score': 0.6666666666666666, 'support': 1.0}
    """
    steps = TaughtSteps(y_true, sample_weight)
    return metrics.classification_report(
        steps.values,
        steps.read_labels(y_pred),
        labels=labels,
        target_names=target_names,
        sample_weight=steps.weights,
        digits=digits,
        output_dict=output_dict,
        zero_division=zero_division,
    )


@described
@floating_point_ignored
def step_log_loss(
    y_true: Targets,
    y_proba: Targets,
    *,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """Compute the cross-entropy of the probabilities of all steps.

    The value is that of `sklearn.metrics.log_loss` for the steps of all sequences, one after
    another.

    Parameters
    ----------
    {y_true}
    y_proba : array-like of shape (n_samples, n_timesteps, n_classes), or list, tuple or object \
array of (n_timesteps_i, n_classes)
        Probabilities, as `predict_proba` returns them. For two classes, the axis of classes may be
        missing: then they are those of the second class.
    normalize : bool, default=True
        If False, return the sum over all steps instead of the mean.
    {step_weights}
    labels : array-like of shape (n_classes,), default=None
        The classes, in sorted order. Needed if `y_true` does not have all of them at steps
        of positive weight.

    Returns
    -------
    loss : float
        The lower, the better.

    Raises
    ------
    {errors}

    See Also
    --------
    step_scorer : Makes the scorer for searches.

    Notes
    -----
    For searches, use ``step_scorer("neg_log_loss")``. Do not use `make_scorer` with this function:
    for two classes, scikit-learn would read the second step as the second class.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_log_loss
    >>> loss = step_log_loss([["a", "b"], ["b"]], [[[0.5, 0.5], [0.5, 0.5]], [[0.0, 1.0]]])
    >>> round(loss, 4)
    0.4621
    """
    steps = TaughtSteps(y_true, sample_weight)
    return metrics.log_loss(
        steps.values,
        steps.read(y_proba, _Y_PROBA, numeric=True),
        normalize=normalize,
        sample_weight=relative_weights(steps) if normalize else steps.weights,
        labels=labels,
    )


@described
@floating_point_ignored
def step_roc_auc(
    y_true: Targets,
    y_score: Targets,
    *,
    average: Literal["micro", "macro", "weighted", "samples"] | None = "macro",
    sample_weight: ArrayLike | None = None,
    max_fpr: Number | None = None,
    multi_class: Literal["raise", "ovr", "ovo"] = "raise",
    labels: ArrayLike | None = None,
) -> Any:
    """Compute the area under the ROC curve over all steps.

    The value is that of `sklearn.metrics.roc_auc_score` for the steps of all sequences, one after
    another.

    Parameters
    ----------
    {y_true}
    y_score : array-like of shape (n_samples, n_timesteps[, n_classes]), or list, tuple or object \
array of (n_timesteps_i,) or (n_timesteps_i, n_classes)
        Probabilities, as `predict_proba` returns them. For two classes also the score of the second
        class alone.
    average : {"micro", "macro", "samples", "weighted"} or None, default="macro"
        How the areas of the classes are combined, as in `sklearn.metrics.roc_auc_score`. None means
        one area per class.
    {step_weights}
    max_fpr : float, default=None
        Compute a standardised area up to this rate of false positives, above 0 and at most 1. Only
        for two classes.
    multi_class : {"raise", "ovr", "ovo"}, default="raise"
        With more than two classes, compare each class with all others ("ovr") or all pairs of
        classes ("ovo"); "raise" then raises an error.
    labels : array-like of shape (n_classes,), default=None
        The classes in sorted order, for more than two. None means those in `y_true`.

    Returns
    -------
    score : float or ndarray of float of shape (n_classes,)
        Area under the curve, from 0 to 1; 0.5 for scores that say nothing.

    Raises
    ------
    {errors}

    See Also
    --------
    step_scorer : Makes the scorer for searches.

    Notes
    -----
    For searches, use ``step_scorer("roc_auc")``. Do not use `make_scorer` with this function: for
    two classes, scikit-learn would read the second step as the second class.

    Examples
    --------
    >>> from sklearn_rnn.metrics import step_roc_auc
    >>> step_roc_auc([["a", "b"], ["b"]], [[0.4, 0.3], [0.8]])
    0.5
    """
    steps = TaughtSteps(y_true, sample_weight)
    scores = steps.read(y_score, _Y_SCORE, numeric=True)
    if scores.ndim == 2 and scores.shape[1] == 2 and type_of_target(steps.values) == "binary":
        scores = scores[:, 1]
    return metrics.roc_auc_score(
        steps.values,
        scores,
        average=average,
        sample_weight=relative_weights(steps),
        max_fpr=max_fpr,
        multi_class=multi_class,
        labels=labels,
    )
