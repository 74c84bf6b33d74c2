"""Where scikit-learn is about to misread steps, a warning or an error tells what to do."""

import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence
from sklearn.metrics import (
    RocCurveDisplay,
    accuracy_score,
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.metrics import step_accuracy, step_log_loss, step_r2, step_scorer
from sklearn_rnn.model_selection import ByIndex
from sklearn_rnn.preprocessing import SequenceScaler

CV = {"cv": KFold(2), "error_score": "raise"}
SETTINGS = {"mode": "many_to_many", "max_iter": 2, "learning_rate": "cosine", "random_state": 0}
TAGGER, REGRESSOR = RNNClassifier(2, **SETTINGS), RNNRegressor(2, **SETTINGS)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def sequences(n_timesteps=5):
    """X, labels 0 and 1, and numbers, of equal lengths."""
    X = np.random.RandomState(0).normal(size=(16, n_timesteps, 2))
    sums = X[:, :, 0].cumsum(axis=1)
    return X, (sums > 0).astype(int), sums


X, LABELS, NUMBERS = sequences()
TAGGER_FITTED, REGRESSOR_FITTED = TAGGER.fit(X, LABELS), REGRESSOR.fit(X, NUMBERS)


def cut(values):
    """Lists of the same, of different lengths."""
    return [value[: 2 + i % 3] for i, value in enumerate(values)]


def warnings_of(scorer, model, y, X=X):
    """Return the score, and what is said about `step_scorer`."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        score = scorer(model, X, y)
    return score, [str(w.message) for w in seen if "step_scorer" in str(w.message)]


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "r2", "neg_median_absolute_error"])
def test_a_score_that_reads_steps_as_targets_warns_and_names_the_scorer(name):
    is_of_labels = get_scorer(name)._score_func in (accuracy_score, f1_score)
    model, y = (TAGGER_FITTED, LABELS) if is_of_labels else (REGRESSOR_FITTED, NUMBERS)
    score, said = warnings_of(get_scorer(name), model, y)
    assert len(said) == 1
    assert f"step_scorer({name!r})" in said[0]
    flat = y.ravel(), model.predict(X).ravel()
    right, said = warnings_of(step_scorer(name), model, y)
    assert not said
    scorer = get_scorer(name)
    assert right == pytest.approx(
        scorer._sign * scorer._score_func(*flat, **scorer._kwargs), rel=1e-6
    )
    assert score != pytest.approx(right, rel=1e-3)


@pytest.mark.parametrize(
    ("model", "y", "metric"),
    [
        (TAGGER_FITTED, LABELS, "jaccard_samples"),
        (TAGGER_FITTED, LABELS, step_accuracy),
        (TAGGER_FITTED, LABELS, lambda y, predicted: np.mean(y == predicted)),
        (REGRESSOR_FITTED, NUMBERS, "neg_mean_absolute_error"),
        (REGRESSOR_FITTED, NUMBERS, "neg_mean_squared_error"),
        (REGRESSOR_FITTED, NUMBERS, step_r2),
        (REGRESSOR_FITTED, NUMBERS, partial(r2_score, multioutput="variance_weighted")),
    ],
)
def test_a_score_that_is_right_or_meant_does_not_warn(model, y, metric):
    scorer = get_scorer(metric) if isinstance(metric, str) else make_scorer(metric)
    if isinstance(metric, partial):
        scorer = make_scorer(metric.func, **metric.keywords)
    score, said = warnings_of(scorer, model, y)
    assert not said
    if isinstance(metric, str) and metric.startswith("neg"):
        error = np.abs(y - model.predict(X))
        assert score == pytest.approx(-np.mean(error ** (2 if "squared" in metric else 1)))


def test_models_of_one_target_or_one_step_do_not_warn():
    one = RNNClassifier(2, **{**SETTINGS, "mode": "many_to_one"}).fit(X, LABELS[:, -1])
    assert not warnings_of(get_scorer("roc_auc"), one, LABELS[:, -1])[1]
    assert not warnings_of(get_scorer("accuracy"), one, LABELS[:, -1])[1]
    short, _, numbers = sequences(1)
    regressor = RNNRegressor(2, **SETTINGS).fit(short, numbers)
    assert not warnings_of(get_scorer("r2"), regressor, numbers, short)[1]


@pytest.mark.parametrize("wrap", ["pipeline", "search", "frozen", "numbers", "partial"])
def test_a_pipeline_or_a_search_does_not_hide_it(wrap):
    scorer, X_of_model = get_scorer("accuracy"), X
    if wrap == "pipeline":
        model = make_pipeline(SequenceScaler(), TAGGER).fit(X, LABELS)
    elif wrap == "search":
        model = GridSearchCV(TAGGER, {"hidden_layer_sizes": [2]}, cv=KFold(2)).fit(X, LABELS)
    elif wrap == "numbers":
        model = ByIndex(TAGGER, X)
        X_of_model = model.numbers
        model.fit(X_of_model, LABELS)
    else:
        model = FrozenEstimator(TAGGER_FITTED)
    if wrap == "partial":
        scorer = make_scorer(partial(f1_score, average="macro"))
    assert len(warnings_of(scorer, model, LABELS, X_of_model)[1]) == 1


class OfSequences(RNNClassifier):
    """Predicts the label of the last step."""

    def predict(self, X):
        return np.array([labels[-1] for labels in super().predict(X)])


def test_an_estimator_that_makes_one_label_of_the_steps_is_not_warned_about():
    model = OfSequences(2, **SETTINGS).fit(X, LABELS)
    score, said = warnings_of(get_scorer("accuracy"), model, LABELS[:, -1])
    assert score == np.mean(LABELS[:, -1] == model.predict(X))
    assert not said


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(
    "scorer",
    [
        get_scorer("roc_auc"),
        get_scorer("neg_log_loss"),
        make_scorer(log_loss, response_method="predict_proba", labels=[0, 1]),
        make_scorer(step_log_loss, response_method="predict_proba"),
    ],
)
def test_probabilities_of_two_classes_per_step_are_refused(scorer, ragged):
    given = (cut(X), cut(LABELS)) if ragged else (X, LABELS)
    with pytest.raises(ValueError, match=r"second step as .* the second class.*step_scorer"):
        scorer(TAGGER_FITTED, *given)
    with pytest.raises(ValueError, match="second class"):
        cross_val_score(TAGGER, *given, scoring=scorer, **CV)


def test_displays_and_partial_dependence_refuse_probabilities_per_step():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="from_predictions"):
        RocCurveDisplay.from_estimator(TAGGER_FITTED, X, LABELS)
    table = X[:, :, 0]
    model = RNNClassifier(2, **SETTINGS).fit(table, LABELS)
    with pytest.raises(ValueError, match="second class"):
        partial_dependence(model, table, [1], response_method="predict_proba")


def test_a_metric_of_the_user_gets_the_probabilities_of_three_classes():
    y = LABELS + (NUMBERS > 1)
    model = RNNClassifier(2, **SETTINGS).fit(X, y)
    scorer = make_scorer(lambda y, p: p.shape[2], response_method="predict_proba")
    assert scorer(model, X, y) == 3
    for name in ("roc_auc_ovr", "neg_log_loss"):
        with pytest.raises(ValueError, match=f"step_scorer\\('{name}'\\)"):
            get_scorer(name)(model, X, y)


@pytest.mark.parametrize(
    ("model", "name", "y"),
    [
        (TAGGER_FITTED, "accuracy", cut(LABELS)),
        (TAGGER_FITTED, "f1_macro", cut(LABELS)),
        (REGRESSOR_FITTED, "r2", cut(NUMBERS)),
    ],
)
def test_steps_of_several_lengths_are_refused_with_the_remedy(model, name, y):
    with pytest.raises(ValueError, match=f"step_scorer\\('{name}'\\)"):
        get_scorer(name)(model, cut(X), y)


def test_names_of_labels_are_refused_with_the_remedy():
    model = RNNClassifier(2, **SETTINGS).fit(X, LABELS.astype(str))
    with pytest.raises(ValueError, match=r"accuracy_score cannot .*step_scorer\('accuracy'\)"):
        get_scorer("accuracy")(model, X, LABELS.astype(str))


def test_early_stopping_by_a_name_warns_too():
    rnn = RNNRegressor(2, **SETTINGS, early_stopping=True, scoring="r2")
    with pytest.warns(UserWarning, match=r"step_scorer\('r2'\)"):
        rnn.fit(X, NUMBERS)
    rmse = make_scorer(root_mean_squared_error, greater_is_better=False, multioutput=[0.2] * 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        rnn.set_params(scoring=step_scorer("r2")).fit(X, NUMBERS)
        rnn.set_params(scoring=rmse).fit(X, NUMBERS)


def of_order(seen):
    return [w for w in seen if "keeping their order" in str(w.message)]


@pytest.mark.parametrize("wrapped", [False, True])
def test_columns_that_bagging_draws_without_order_are_warned_about(wrapped):
    rnn = RNNClassifier(2, max_iter=1, learning_rate="cosine", random_state=0)
    y, table = LABELS[:, -1], X[:, :, 0]
    model = make_pipeline(SequenceScaler(), rnn) if wrapped else rnn
    for options, warns in [
        ({"max_features": 0.8}, True),
        ({"bootstrap_features": True}, True),
        ({}, False),
    ]:
        bag = BaggingClassifier(model, n_estimators=2, random_state=0, **options)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            bag.fit(table, y)
        unordered = [
            columns for columns in bag.estimators_features_ if (np.diff(columns) < 1).any()
        ]
        assert len(of_order(seen)) == len(unordered)
        assert bool(unordered) == warns
