"""Cells of scores by name, reports and displays."""

import numpy as np
from sklearn import metrics
from sklearn.calibration import CalibrationDisplay, calibration_curve
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    LearningCurveDisplay,
    ValidationCurveDisplay,
    cross_val_score,
    learning_curve,
    validation_curve,
)

from sklearn_rnn.metrics import (
    step_classification_report,
    step_confusion_matrix,
    step_scorer,
)

from .case import flat
from .selection import CLASSIFY, CV, GRID, RAISE, folds, of_predictions, of_sizes
from .tools import tool

REGRESS = ("reg", "seqreg")


def of_steps(metric):
    """Return a metric of all steps in one row, or of the sequences."""
    return of_predictions(lambda y, predicted: metric(flat(y), flat(predicted)))


def probabilities(model, X):
    """Return the probabilities of all steps, or of the sequences (n_rows, n_classes)."""
    return np.concatenate([np.atleast_2d(p) for p in model.predict_proba(X)])


def of_probabilities(metric):
    return lambda model, X, y: metric(flat(y), probabilities(model, X))


def f1_macro(y, predicted):
    return metrics.f1_score(y, predicted, average="macro")


def by_step_scorer(names, y=None, search=False):
    """The documented way for one target per step: names(case) by `step_scorer`."""

    def use(c):
        if not c.per_step:
            return NotImplemented
        target = c.y if y is None else y(c)
        of_name = names(c)
        scorers = [
            step_scorer(name) for name in ([of_name] if isinstance(of_name, str) else of_name)
        ]
        if search:
            found = GridSearchCV(c.rnn(), GRID, scoring=scorers[0], **RAISE).fit(c.X, target)
            return found.cv_results_["mean_test_score"]
        results = [cross_val_score(c.rnn(), c.X, target, scoring=s, **RAISE) for s in scorers]
        return results[0] if isinstance(of_name, str) else results

    return use


def usual(c):
    return "accuracy" if c.classifies else "r2"


def other(c):
    return "f1_macro" if c.classifies else "neg_mean_absolute_error"


def usual_metric(c):
    return of_steps(metrics.accuracy_score if c.classifies else metrics.r2_score)


def other_metric(c):
    if c.classifies:
        return of_steps(f1_macro)
    return of_steps(lambda y, predicted: -metrics.mean_absolute_error(y, predicted))


@tool(
    "cross_val_score(scoring=name)",
    want=lambda c: folds(c, usual_metric(c)),
    scorer=by_step_scorer(usual),
)
def _(c, model, X):
    return cross_val_score(model, X, c.y, scoring=usual(c), **RAISE)


@tool(
    "cross_val_score(scoring=f1_macro / neg_mean_absolute_error)",
    want=lambda c: folds(c, other_metric(c)),
    scorer=by_step_scorer(other),
)
def _(c, model, X):
    return cross_val_score(model, X, c.y, scoring=other(c), **RAISE)


@tool(
    "GridSearchCV(scoring=name), errors as by default",
    want=lambda c: of_sizes(c, usual_metric(c))[0],
    scorer=by_step_scorer(usual, search=True),
)
def _(c, model, X):
    found = GridSearchCV(model, GRID, cv=CV, scoring=usual(c)).fit(X, c.y)
    return found.cv_results_["mean_test_score"]


TWO = ("roc_auc_ovr", "neg_log_loss")


def _of_two_names(c):
    def auc(y, p):
        if p.shape[1] == 2:
            return metrics.roc_auc_score(y, p[:, 1])
        return metrics.roc_auc_score(y, p, multi_class="ovr")

    def loss(y, p):
        return -metrics.log_loss(y, p)

    return [folds(c, of_probabilities(metric)) for metric in (auc, loss)]


@tool(
    "scoring=roc_auc_ovr / neg_log_loss",
    CLASSIFY,
    want=_of_two_names,
    scorer=by_step_scorer(lambda c: TWO),
)
def _(c, model, X):
    return [cross_val_score(model, X, c.y, scoring=name, **RAISE) for name in TWO]


def _loss_of_steps(y, p):
    """A metric of the user, of the probabilities of each sequence; the classes are down and up."""
    rights = [q[np.arange(len(v)), (v == "up").astype(int)] for v, q in zip(y, p, strict=True)]
    return -np.mean(np.log(np.concatenate(rights)))


@tool(
    "make_scorer(log loss per step, response_method=predict_proba)",
    ("tag",),
    want=lambda c: folds(c, of_probabilities(metrics.log_loss)),
    scorer=lambda c: -by_step_scorer(lambda c: "neg_log_loss")(c),
)
def _(c, model, X):
    scorer = make_scorer(_loss_of_steps, response_method="predict_proba")
    return cross_val_score(model, X, c.y, scoring=scorer, **RAISE)


# ---- labels 0 and 1, which scikit-learn takes for indicators of labels ----


def indicators(c):
    return [(labels == "up").astype(int) for labels in c.y]


def _auc_of_two(y, p):
    return metrics.roc_auc_score(y, p[:, 1])


for _name, _metric in [
    ("accuracy", of_steps(metrics.accuracy_score)),
    ("f1_macro", of_steps(f1_macro)),
    ("roc_auc", of_probabilities(_auc_of_two)),
]:

    @tool(
        f"cross_val_score(scoring={_name}), y: 0/1 in arrays",
        ("tag",),
        want=lambda c, metric=_metric: folds(c, metric, indicators(c)),
        scorer=by_step_scorer(lambda c, name=_name: name, indicators),
    )
    def _(c, model, X, name=_name):
        return cross_val_score(model, X, indicators(c), scoring=name, **RAISE)


def _predicted(c, y=None):
    """Return all true and all predicted targets, in one row each."""
    y = c.y if y is None else y
    return flat(y), flat(c.fitted(y=y).predict(c.X))


def _f1_of(report):
    return report["macro avg"]["f1-score"]


QUIET = {"output_dict": True, "zero_division": 0}


@tool(
    "classification_report, y: 0/1 in arrays",
    ("tag",),
    want=lambda c: metrics.f1_score(
        *_predicted(c, indicators(c)), average="macro", zero_division=0
    ),
    report=lambda c: _f1_of(
        step_classification_report(indicators(c), c.fitted(y=indicators(c)).predict(c.X), **QUIET)
    ),
)
def _(c, model, X):
    y = indicators(c)
    return _f1_of(metrics.classification_report(y, model.fit(X, y).predict(X), **QUIET))


@tool(
    "classification_report, confusion_matrix of predict",
    CLASSIFY,
    want=lambda c: [
        metrics.f1_score(*_predicted(c), average="macro", zero_division=0),
        metrics.confusion_matrix(*_predicted(c)),
    ],
    report=lambda c: [
        _f1_of(step_classification_report(c.y, c.fitted().predict(c.X), **QUIET)),
        step_confusion_matrix(c.y, c.fitted().predict(c.X)),
    ],
)
def _(c, model, X):
    predicted = model.fit(X, c.y).predict(X)
    report = metrics.classification_report(c.y, predicted, **QUIET)
    return [_f1_of(report), metrics.confusion_matrix(c.y, predicted)]


# ---- displays ----


def closing(use):
    """Close the figures that a use opens."""

    def closed(*arguments):
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        try:
            return use(*arguments)
        finally:
            pyplot.close("all")

    return closed


@tool(
    "LearningCurveDisplay.from_estimator",
    want=lambda c: learning_curve(c.lookup(), c.index, c.y, cv=CV, train_sizes=[0.5, 1.0])[2],
)
@closing
def _(c, model, X):
    display = LearningCurveDisplay.from_estimator(model, X, c.y, cv=CV, train_sizes=[0.5, 1.0])
    return display.test_scores


EPOCHS = {"param_range": [1, 3], "cv": CV}


@tool(
    "ValidationCurveDisplay.from_estimator",
    want=lambda c: validation_curve(c.lookup(), c.index, c.y, param_name="rnn__max_iter", **EPOCHS)[
        1
    ],
)
@closing
def _(c, model, X):
    display = ValidationCurveDisplay.from_estimator(model, X, c.y, param_name="max_iter", **EPOCHS)
    return display.test_scores


@closing
def _confusion_of_steps(c):
    display = metrics.ConfusionMatrixDisplay.from_predictions(*_predicted(c))
    return display.confusion_matrix


@tool(
    "ConfusionMatrixDisplay.from_estimator",
    CLASSIFY,
    want=lambda c: metrics.confusion_matrix(*_predicted(c)),
    predictions=_confusion_of_steps,
)
@closing
def _(c, model, X):
    model.fit(X, c.y)
    return metrics.ConfusionMatrixDisplay.from_estimator(model, X, c.y).confusion_matrix


def _of_two_classes(c):
    """Return y with two classes, and the name of the second."""
    return (c.y, "up") if c.per_step else (c.binary, "yes")


def _second(c):
    """Return which targets are the second class, and its probability, in one row."""
    y, positive = _of_two_classes(c)
    return flat(y) == positive, probabilities(c.fitted(y=y), c.X)[:, 1]


def _false_positives(y, p):
    return np.maximum(metrics.det_curve(y, p, drop_intermediate=True)[0], np.finfo(float).eps)


for _display, _attribute, _metric in [
    (metrics.RocCurveDisplay, "roc_auc", metrics.roc_auc_score),
    (metrics.PrecisionRecallDisplay, "average_precision", metrics.average_precision_score),
    (metrics.DetCurveDisplay, "fpr", _false_positives),
    (CalibrationDisplay, "prob_true", lambda y, p: calibration_curve(y, p, n_bins=5)[0]),
]:

    @closing
    def _of_predictions(c, display=_display, attribute=_attribute):
        return getattr(display.from_predictions(*_second(c)), attribute)

    @tool(
        f"{_display.__name__}.from_estimator",
        CLASSIFY,
        want=lambda c, metric=_metric: metric(*_second(c)),
        predictions=_of_predictions,
    )
    @closing
    def _(c, model, X, display=_display, attribute=_attribute):
        y, positive = _of_two_classes(c)
        shown = display.from_estimator(model.fit(X, y), X, y, pos_label=positive)
        return getattr(shown, attribute)


@closing
def _errors_of_steps(c):
    display = metrics.PredictionErrorDisplay.from_predictions(*_predicted(c))
    return [display.y_true, display.y_pred]


@tool(
    "PredictionErrorDisplay.from_estimator",
    REGRESS,
    want=lambda c: list(_predicted(c)),
    predictions=_errors_of_steps,
)
@closing
def _(c, model, X):
    shown = metrics.PredictionErrorDisplay.from_estimator(model.fit(X, c.y), X, c.y)
    return [flat(shown.y_true), flat(shown.y_pred)]
