"""scikit-learn's tools for tables, on nested tables: the same numbers as by hand, with lists."""

import numpy as np
import pytest
import sklearn
from ragged_data import objects
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
)
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsOneClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, RegressorChain
from sklearn.pipeline import make_pipeline, make_union
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.inspection import feature_importances
from sklearn_rnn.preprocessing import Differences, SequenceScaler, to_nested

pd = pytest.importorskip("pandas")

N, NAMES = 18, ["acc", "gyro", "mag"]
rng = np.random.default_rng(0)
X = [rng.normal(size=(length, 3)) for length in rng.integers(3, 6, N)]
TABLE = to_nested(X, NAMES)
LABELS, NUMBERS = np.array(["p", "q", "r"] * 6), rng.normal(size=N)
CLASSIFIER = RNNClassifier(4, max_iter=2, random_state=0)
REGRESSOR = RNNRegressor(4, max_iter=2, random_state=0)


class ByNumber(BaseEstimator):
    """Fits an estimator to the sequences of a list whose numbers are X (n_samples, 1)."""

    def __init__(self, rnn):
        self.rnn = rnn

    def fit(self, numbers, y, sample_weight=None):
        self.rnn_ = clone(self.rnn).fit(self.items(numbers), y, sample_weight=sample_weight)
        self.classes_ = getattr(self.rnn_, "classes_", None)
        return self

    def items(self, numbers):
        return [X[int(i)] for i in np.asarray(numbers)[:, 0]]

    def predict(self, numbers):
        return self.rnn_.predict(self.items(numbers))

    def predict_proba(self, numbers):
        return self.rnn_.predict_proba(self.items(numbers))

    def __sklearn_tags__(self):
        return self.rnn.__sklearn_tags__()


def with_constant(values):
    return [np.column_stack([x, np.full(len(x), float(v))]) for x, v in zip(X, values, strict=True)]


def probabilities(x, y=LABELS, **fit_params):
    return clone(CLASSIFIER).fit(x, y, **fit_params).predict_proba(x)


# ---- channels -----------------------------------------------------------------------------------


def scaled(column):
    steps = np.concatenate([x[:, column] for x in X])
    return [(x[:, column] - steps.mean()) / steps.std() for x in X]


@pytest.mark.parametrize(
    ("frame", "output"),
    [("pandas", "default"), ("pandas", "pandas"), ("polars", "default"), (None, "default")],
)
def test_one_channel_is_scaled_and_the_others_pass(frame, output):
    pytest.importorskip(frame or "pandas")
    table = to_nested(X, NAMES if frame else None, frame=frame)
    if frame == "pandas":
        table.index = [f"row {i}" for i in range(N)]
    columns = make_column_transformer(
        (SequenceScaler(), ["gyro"] if frame else [1]), remainder="passthrough"
    ).set_output(transform=output)
    model = make_pipeline(columns, clone(CLASSIFIER)).fit(table, LABELS)
    by_hand = [np.column_stack([s, x[:, 0], x[:, 2]]) for s, x in zip(scaled(1), X, strict=True)]
    np.testing.assert_allclose(model.predict_proba(table), probabilities(by_hand), rtol=1e-9)
    if output == "pandas":
        assert list(model[-1].feature_names_in_) == list(columns.fit(table).get_feature_names_out())
        assert list(columns.transform(table).index) == list(table.index)


def test_a_union_stands_side_by_side():
    model = make_pipeline(make_union(SequenceScaler(), Differences()), clone(CLASSIFIER))
    own = zip(SequenceScaler().fit_transform(X), Differences().fit_transform(X), strict=True)
    by_hand = [np.hstack(pair) for pair in own]
    np.testing.assert_array_equal(
        model.fit(TABLE, LABELS).predict_proba(TABLE), probabilities(by_hand)
    )


def test_permutation_importance_is_that_of_channels():
    equal = rng.normal(size=(N, 4, 3))
    table = to_nested(equal, NAMES)
    rnn = clone(CLASSIFIER).fit(table, LABELS)
    found = permutation_importance(rnn, table, LABELS, n_repeats=2, random_state=0)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max + 1)
    for j in range(3):
        state, order, moved = np.random.RandomState(seed), np.arange(N), equal.copy()
        for k in range(2):
            state.shuffle(order)
            moved[:, :, j] = moved[order, :, j]
            lost = rnn.score(table, LABELS) - rnn.score(to_nested(moved, NAMES), LABELS)
            assert found.importances[j, k] == pytest.approx(lost)
    ragged = clone(CLASSIFIER).fit(TABLE, LABELS)
    with pytest.raises(ValueError, match=r"sklearn_rnn\.inspection\.permutation_importance"):
        permutation_importance(ragged, TABLE, LABELS, random_state=0)


def test_rfe_drops_the_channels_that_are_read_least():
    rfe = RFE(CLASSIFIER, n_features_to_select=1, importance_getter=feature_importances)
    rfe.fit(TABLE, LABELS)
    left = [0, 1, 2]
    for rank in (3, 2):
        weights = clone(CLASSIFIER).fit([x[:, left] for x in X], LABELS).weights_["weight_ih_l0"]
        dropped = left.pop(int(np.argmin(np.linalg.norm(weights, axis=0))))
        assert rfe.ranking_[dropped] == rank
    np.testing.assert_array_equal(rfe.predict_proba(TABLE), probabilities([x[:, left] for x in X]))
    assert list(rfe.get_feature_names_out()) == [NAMES[left[0]]]


def test_sequential_selection_takes_the_channel_with_the_best_score():
    options = {"cv": 2, "scoring": "neg_log_loss"}
    selector = SequentialFeatureSelector(CLASSIFIER, n_features_to_select=1, **options)
    scores = [
        cross_val_score(CLASSIFIER, objects([x[:, [j]] for x in X]), LABELS, **options).mean()
        for j in range(3)
    ]
    selector.fit(TABLE, LABELS)
    assert list(selector.get_feature_names_out()) == [NAMES[int(np.argmax(scores))]]


# ---- samples ------------------------------------------------------------------------------------


BAGS = {
    "BaggingClassifier": (BaggingClassifier(CLASSIFIER, 2), LABELS),
    "BaggingRegressor": (BaggingRegressor(REGRESSOR, 2), NUMBERS),
}


@pytest.mark.parametrize("name", BAGS)
def test_bagging_draws_samples_and_channels(name):
    bag, y = BAGS[name]
    bag = clone(bag).set_params(max_samples=0.6, max_features=2, random_state=0).fit(TABLE, y)
    drawn = zip(bag.estimators_samples_, bag.estimators_features_, strict=True)
    by_hand = np.zeros((N, 3) if y is LABELS else N)
    for member, (samples, features) in zip(bag.estimators_, drawn, strict=True):
        own = clone(bag.estimator).set_params(random_state=member.random_state)
        x, weights = [item[:, features] for item in X], np.bincount(samples, minlength=N)
        if y is LABELS:
            own.fit(x, np.unique(y, return_inverse=True)[1], sample_weight=weights)
            by_hand[:, own.classes_] += own.predict_proba(x)
        else:
            by_hand += own.fit(x, y, sample_weight=weights).predict(x)
    found = bag.predict_proba(TABLE) if y is LABELS else bag.predict(TABLE)
    np.testing.assert_allclose(found, by_hand / 2)


BY_SAMPLES = {
    "AdaBoostClassifier": (AdaBoostClassifier(n_estimators=2, random_state=0), CLASSIFIER, LABELS),
    "AdaBoostRegressor": (AdaBoostRegressor(n_estimators=2, random_state=0), REGRESSOR, NUMBERS),
    "OneVsOneClassifier": (OneVsOneClassifier(None), CLASSIFIER, LABELS),
    "OutputCodeClassifier": (OutputCodeClassifier(None, random_state=0), CLASSIFIER, LABELS),
    "SelfTrainingClassifier": (
        SelfTrainingClassifier(threshold=0.3, max_iter=2),
        CLASSIFIER,
        np.where(np.arange(N) < 9, np.arange(N) % 2, -1),
    ),
    "StackingClassifier": (StackingClassifier(None, cv=2), CLASSIFIER, LABELS),
    "GridSearchCV": (
        GridSearchCV(None, {}, cv=2, scoring="neg_log_loss", n_jobs=2),
        CLASSIFIER,
        LABELS,
    ),
}


@pytest.mark.parametrize("name", BY_SAMPLES)
def test_a_tool_for_samples_finds_what_it_finds_for_numbers_of_samples(name):
    tool, rnn, y = BY_SAMPLES[name]
    models = []
    for estimator, given in ((rnn, TABLE), (ByNumber(rnn), np.arange(N)[:, np.newaxis])):
        if name == "StackingClassifier":
            model = clone(tool).set_params(estimators=[("rnn", estimator)])
        else:
            model = clone(tool).set_params(estimator=estimator)
        if name == "GridSearchCV":
            prefix = "rnn__" if estimator is not rnn else ""
            model.set_params(param_grid={f"{prefix}hidden_layer_sizes": [2, 3]})
        model.fit(given, y)
        if name == "GridSearchCV":
            models.append(model.cv_results_["mean_test_score"])
        else:
            method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
            models.append(getattr(model, method)(given))
    np.testing.assert_array_equal(*models)


def test_a_chain_appends_its_predictions_as_constant_channels():
    y = np.column_stack([np.arange(N) % 2, rng.integers(0, 2, N)])
    given = [
        np.column_stack([x, np.full(len(x), float(a))]) for x, a in zip(X, y[:, 0], strict=True)
    ]
    first, second = clone(CLASSIFIER).fit(X, y[:, 0]), clone(CLASSIFIER).fit(given, y[:, 1])
    told = first.predict(X)
    given = [np.column_stack([x, np.full(len(x), float(a))]) for x, a in zip(X, told, strict=True)]
    by_hand = np.column_stack([first.predict_proba(X)[:, 1], second.predict_proba(given)[:, 1]])
    chain = ClassifierChain(CLASSIFIER).fit(TABLE, y)
    np.testing.assert_array_equal(chain.predict_proba(TABLE), by_hand)
    targets = np.column_stack([NUMBERS, NUMBERS**2])
    chain = RegressorChain(REGRESSOR).fit(TABLE, targets)
    np.testing.assert_array_equal(
        chain.predict(TABLE)[:, 0], clone(REGRESSOR).fit(X, NUMBERS).predict(X)
    )
    assert chain.estimators_[1].n_features_in_ == 4


@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_without_scikit_learns_search_for_nan_every_frame_will_do(frame):
    pytest.importorskip(frame)
    table = to_nested(X, NAMES, frame=frame)
    rfe = RFE(CLASSIFIER, n_features_to_select=2, importance_getter=feature_importances)
    with sklearn.config_context(assume_finite=True):
        found = clone(rfe).fit(table, LABELS).predict_proba(table)
    np.testing.assert_array_equal(found, rfe.fit(TABLE, LABELS).predict_proba(TABLE))


def test_rows_are_drawn_by_imbalanced_learn():
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    sampler = over_sampling.RandomOverSampler(random_state=0)
    y = np.array([0] * 12 + [1] * 6)
    rows, labels = sampler.fit_resample(TABLE, y)
    x = [X[i] for i in sampler.sample_indices_]
    found = clone(CLASSIFIER).fit(rows, labels).predict_proba(rows)
    np.testing.assert_array_equal(found, probabilities(x, labels))
