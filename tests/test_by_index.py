"""ByIndex lets tools that want a table work with sequences, without copies of them."""

import pickle

import joblib
import numpy as np
import pytest
import sklearn
from carriers import object_array
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
)
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.multiclass import OneVsOneClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.model_selection import ByIndex, with_sequences
from sklearn_rnn.preprocessing import SequenceScaler

QUICK = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0}
X2 = np.random.RandomState(0).normal(size=(36, 5))
Y3 = np.digitize(X2.sum(axis=1), [-1.5, 1.5])
ROWS = list(X2)  # the same as ragged sequences, if all lengths are equal
CLASSIFIER, REGRESSOR = RNNClassifier(**QUICK), RNNRegressor(**QUICK)
PARTLY = np.where(np.arange(36) % 3 == 0, -1, Y3)  # -1: not labelled

TOOLS = {
    "bagging": (lambda rnn: BaggingClassifier(rnn, 3, random_state=0), CLASSIFIER, Y3),
    "bagging r": (lambda rnn: BaggingRegressor(rnn, 3, random_state=0), REGRESSOR, X2[:, 0]),
    "boosting": (
        lambda rnn: AdaBoostClassifier(rnn, n_estimators=2, random_state=0),
        CLASSIFIER,
        Y3,
    ),
    "boosting r": (
        lambda rnn: AdaBoostRegressor(rnn, n_estimators=2, random_state=0),
        REGRESSOR,
        X2[:, 0],
    ),
    "one against one": (OneVsOneClassifier, CLASSIFIER, Y3),
    "codes": (lambda rnn: OutputCodeClassifier(rnn, random_state=0), CLASSIFIER, Y3),
    "self-training": (lambda rnn: SelfTrainingClassifier(rnn, threshold=0.4), CLASSIFIER, PARTLY),
}


@pytest.mark.parametrize("name", TOOLS)
def test_tools_compute_what_they_do_with_a_table(name):
    make, rnn, y = TOOLS[name]
    table = make(rnn).fit(X2, y)
    method = "predict_proba" if hasattr(table, "predict_proba") else "predict"
    expected = getattr(table, method)(X2)
    for X in (X2, ROWS):
        by_index = ByIndex(rnn, X)
        model = make(by_index).fit(by_index.numbers, y)
        np.testing.assert_allclose(getattr(model, method)(by_index.numbers), expected, rtol=1e-6)
        new = with_sequences(model, X[:4] if X is X2 else ROWS[:4])
        np.testing.assert_allclose(
            getattr(new, method)(by_index.numbers[:4]), expected[:4], rtol=1e-6
        )
    assert len(np.unique(expected)) > 1


def test_resamplers_repeat_numbers():
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    pipeline = pytest.importorskip("imblearn.pipeline")
    y = (X2[:, 0] > 1).astype(int)
    X, y_more = over_sampling.RandomOverSampler(random_state=0).fit_resample(X2, y)
    expected = clone(CLASSIFIER).fit(X, y_more).predict_proba(X2)
    by_index = ByIndex(CLASSIFIER, ROWS)
    sampler = over_sampling.RandomOverSampler(random_state=0)
    model = pipeline.make_pipeline(sampler, by_index).fit(by_index.numbers, y)
    np.testing.assert_allclose(model.predict_proba(by_index.numbers), expected, rtol=1e-6)
    sampler = over_sampling.SMOTE(k_neighbors=2, random_state=0)
    with pytest.raises(ValueError, match="numbers of the sequences of ByIndex, integers from 0"):
        pipeline.make_pipeline(sampler, by_index).fit(by_index.numbers, y)


@pytest.mark.parametrize("form", ["2-D", "3-D", "list"])
def test_chains_pass_the_targets_on_as_features_of_each_step(form):
    def with_feature(X, values):
        return [np.column_stack([x, np.full(len(x), v)]) for x, v in zip(X, values, strict=True)]

    X = {"2-D": X2, "3-D": X2[:, :, np.newaxis], "list": ROWS}[form]
    labels = np.column_stack([X2[:, 0] > 0, X2[:, 0] > 1]).astype(int)
    by_index = ByIndex(CLASSIFIER, X)
    chain = ClassifierChain(by_index).fit(by_index.numbers, labels)
    first = clone(CLASSIFIER).fit(X, labels[:, 0])
    second = clone(CLASSIFIER).fit(with_feature(X, labels[:, 0]), labels[:, 1])
    predicted = first.predict(X)
    expected = np.column_stack([predicted, second.predict(with_feature(X, predicted))])
    np.testing.assert_array_equal(chain.predict(by_index.numbers), expected)
    proba = second.predict_proba(with_feature(X, predicted))[:, 1]
    np.testing.assert_allclose(chain.predict_proba(by_index.numbers)[:, 1], proba, rtol=1e-6)
    by_index = ByIndex(REGRESSOR, X)
    targets = np.column_stack([X2[:, 0], X2[:, 0] ** 2])
    chain = RegressorChain(by_index).fit(by_index.numbers, targets)
    second = clone(REGRESSOR).fit(with_feature(X, targets[:, 0]), targets[:, 1])
    first = chain.estimators_[0].predict(by_index.numbers)
    np.testing.assert_allclose(
        chain.predict(by_index.numbers)[:, 1], second.predict(with_feature(X, first)), rtol=1e-5
    )


class Recorder(BaseEstimator):
    """An estimator that keeps what it was given."""

    seen = []  # noqa: RUF012  of all instances

    def __init__(self, alpha=0.0):
        self.alpha = alpha

    def fit(self, X, y=None):
        Recorder.seen.append(X)
        return self

    def predict(self, X):
        Recorder.seen.append(X)
        return np.zeros(len(X))

    def score(self, X, y):
        return float(len(X))


@pytest.mark.parametrize("make", [list, object_array])
def test_a_search_copies_neither_x_nor_its_sequences(ragged, make):
    X, labels, _ = ragged
    X = make(X)
    Recorder.seen.clear()
    by_index = ByIndex(Recorder(), X)
    search = GridSearchCV(by_index, {"estimator__alpha": [0.0, 1.0]}, cv=KFold(4))
    search.fit(by_index.numbers, labels)
    assert len(Recorder.seen) == 9
    owners = {id(x) for x in X}
    assert all(id(x) in owners for seen in Recorder.seen for x in seen)
    assert search.best_estimator_.X is X and search.estimator.X is X
    train, _ = next(KFold(4).split(X))
    assert all(a is X[i] for a, i in zip(Recorder.seen[0], train, strict=True))
    for copied in (clone(by_index), clone(clone(make_pipeline(by_index)))[-1]):
        assert copied.X is X and copied.estimator is not by_index.estimator
    array = np.zeros((4, 3, 2))
    assert np.shares_memory(clone(ByIndex(Recorder(), array)).X, array)


def test_searches_cross_validation_and_threads_give_the_same(ragged):
    X, labels, _ = ragged
    grid = {"cell": ["gru", "elman"], "max_iter": [1, 2]}
    expected = GridSearchCV(CLASSIFIER, grid, cv=3).fit(X, labels)
    by_index = ByIndex(CLASSIFIER, X)
    grid = {f"estimator__{name}": values for name, values in grid.items()}
    for n_jobs, backend in ((1, "sequential"), (2, "threading")):
        with joblib.parallel_config(backend, n_jobs=n_jobs):
            search = GridSearchCV(by_index, grid, cv=3).fit(by_index.numbers, labels)
        for name in ("mean_test_score", "std_test_score"):
            np.testing.assert_array_equal(search.cv_results_[name], expected.cv_results_[name])
        params = search.best_estimator_.estimator_.params_
        np.testing.assert_array_equal(params, expected.best_estimator_.params_)
    rnn = RNNClassifier(mode="many_to_many", **QUICK)
    y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    by_index = ByIndex(rnn, X)
    scores = cross_val_score(by_index, by_index.numbers, y, cv=KFold(3))
    np.testing.assert_array_equal(scores, cross_val_score(rnn, X, y, cv=KFold(3)))


def test_it_takes_every_carrier(ragged, dense):
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    X, labels, _ = ragged
    rows = dense[0][:, :, 0]
    frame = pd.DataFrame(rows, columns=list("abcdef"), index=np.arange(40) + 100)
    cells = {name: [x[:, j].tolist() for x in X] for j, name in enumerate("ab")}
    numbers = np.array([[7], [3], [3], [39], *([i] for i in range(20))])
    for every in (
        dense[0],
        rows,
        X,
        tuple(X),
        object_array(X),
        [x[:, 0] for x in X],
        frame,
        pl.from_pandas(frame),
        pa.Table.from_pandas(frame, preserve_index=False),
        [pd.DataFrame(x, columns=list("abc")) for x in X],
        pl.DataFrame(cells),
        pa.table(cells),
    ):
        rnn = make_pipeline(SequenceScaler(), RNNClassifier(**QUICK))
        by_index = ByIndex(rnn, every).fit(numbers, labels[numbers[:, 0]])
        whole = by_index.estimator_.predict_proba(every)
        np.testing.assert_array_equal(by_index.predict_proba(numbers), whole[numbers[:, 0]])
        assert by_index.numbers.tolist() == [[i] for i in range(40)]
        for same in (numbers.tolist(), numbers[:, 0], pd.DataFrame(numbers), numbers.astype(float)):
            np.testing.assert_array_equal(by_index.predict(same), by_index.predict(numbers))


def test_it_is_what_its_estimator_is(ragged):
    X, labels, _ = ragged
    assert is_classifier(ByIndex(CLASSIFIER, X)) and is_regressor(ByIndex(REGRESSOR, X))
    by_index = ByIndex(RNNClassifier(**QUICK), X)
    assert not hasattr(ByIndex(REGRESSOR, X), "predict_proba")
    assert by_index.get_params()["estimator__max_iter"] == 3
    assert by_index.set_params(estimator__max_iter=2).estimator.max_iter == 2
    weights = np.arange(40.0)
    by_index.fit(by_index.numbers, labels, sample_weight=weights)
    rnn = clone(by_index.estimator).fit(X, labels, weights)
    np.testing.assert_array_equal(by_index.estimator_.params_, rnn.params_)
    assert by_index.estimator_ is not by_index.estimator
    assert by_index.classes_.tolist() == ["down", "up"] and by_index.n_features_in_ == 1
    score = by_index.score(by_index.numbers, labels, sample_weight=weights)
    assert score == rnn.score(X, labels, weights)
    log_proba = by_index.predict_log_proba(by_index.numbers)
    np.testing.assert_array_equal(log_proba, rnn.predict_log_proba(X))
    by_index.partial_fit(by_index.numbers[:9], labels[:9])
    np.testing.assert_array_equal(
        by_index.estimator_.params_, rnn.partial_fit(X[:9], labels[:9]).params_
    )
    assert by_index.__sklearn_tags__().input_tags.three_d_array is False


def test_groups_and_weights_reach_the_estimator(ragged):
    X, _, _ = ragged
    groups, seen = np.arange(40) % 5, []
    rnn = RNNRegressor(
        scoring=lambda rnn, X, y: float(seen.append(set(y)) or 0),
        early_stopping=True,
        validation_fraction=0.2,
        **QUICK,
    )
    by_index = ByIndex(rnn, X).fit(np.arange(40), groups.astype(float), groups=groups)
    assert len(seen[0]) == 1 and by_index.estimator_.n_iter_ == 3
    with sklearn.config_context(enable_metadata_routing=True):
        rnn.set_fit_request(groups=True, sample_weight=True)
        params = {"groups": groups, "sample_weight": np.ones(40)}
        seen.clear()
        cross_val_score(
            ByIndex(rnn, X),
            np.arange(40),
            groups.astype(float),
            params=params,
            cv=GroupKFold(2),
            scoring=lambda *arguments: 0.0,
        )
    assert len(seen) == 6 and all(len(held_out) == 1 for held_out in seen)


def test_pickles_hold_x_unless_it_is_left_out(ragged):
    X = ragged[0]
    X = [np.tile(x, (50, 1)) for x in X]
    by_index = ByIndex(CLASSIFIER, X)
    model = OneVsOneClassifier(by_index).fit(by_index.numbers, np.arange(40) % 3)
    expected = model.predict(by_index.numbers)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict(by_index.numbers), expected
    )
    without = with_sequences(model, None)
    assert len(pickle.dumps(without)) < 0.3 * len(pickle.dumps(model))
    loaded = pickle.loads(pickle.dumps(without))
    with pytest.raises(ValueError, match=r"this ByIndex has none: .*with_sequences\(model, X\)"):
        loaded.predict(by_index.numbers)
    again = with_sequences(loaded, X)
    np.testing.assert_array_equal(again.predict(by_index.numbers), expected)
    assert model.estimators_[0].X is X  # it stays as it was
    np.testing.assert_array_equal(model.predict(by_index.numbers), expected)


def test_it_is_shown_without_the_sequences(ragged):
    by_index = ByIndex(RNNClassifier(4), ragged[0])
    assert (
        repr(by_index) == "ByIndex(X=<40 sequences>, estimator=RNNClassifier(hidden_layer_sizes=4))"
    )
    assert "&lt;40 sequences&gt;" in by_index._repr_html_()
    assert "<40 sequences>" in repr(OneVsOneClassifier(by_index))
    assert "X=None" in repr(with_sequences(by_index, None))
    for same in (by_index.set_params(X=by_index.get_params()["X"]), clone(by_index)):
        assert same.X is ragged[0]
    assert by_index.set_params(X=ragged[0][:3]).numbers.shape == (3, 1)


@pytest.mark.parametrize(
    "numbers, message",
    [
        ([[40]], "integers from 0 to 39; got 40 in row 0"),
        ([[1], [-1]], "got -1 in row 1"),
        ([[0.5]], "got 0.5 in row 0"),
        ([[np.nan]], "got nan"),
        ([["a"]], "`X` must hold the numbers of sequences, .*; got values of dtype"),
        ([np.zeros((2, 1)), np.zeros((3, 1))], "several lengths. The sequences themselves are the"),
        ([[True], [False]], "got values of dtype bool"),
        (np.zeros((2, 3, 4)), r"in the shape \(n, 1\); got the shape \(2, 3, 4\)"),
        (np.zeros((2, 0)), "got the shape"),
        ([[1, 2]], "X has 2 features, but ByIndex is expecting 1"),
        (5, "got the shape"),
    ],
)
def test_what_is_no_number_of_a_sequence_is_refused(ragged, numbers, message):
    X, labels, _ = ragged
    by_index = ByIndex(CLASSIFIER, X).fit(np.arange(40), labels)
    params = by_index.estimator_.params_.copy()
    with pytest.raises(ValueError, match=message):
        by_index.predict(numbers)
    if "features" not in message:
        with pytest.raises(ValueError, match=message):
            by_index.fit(numbers, ["up"])
    np.testing.assert_array_equal(by_index.estimator_.params_, params)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        ByIndex(CLASSIFIER, X).predict([[0]])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.booleans())
def test_numbers_come_in_any_order_and_repeatedly(numbers, as_objects):
    X = [np.full((i + 1, 2), float(i)) for i in range(6)]
    by_index = ByIndex(Recorder(), object_array(X) if as_objects else X)
    by_index.fit(np.array(numbers)[:, np.newaxis], numbers).predict(np.array(numbers, float))
    for seen in Recorder.seen[-2:]:
        assert all(a is X[i] for a, i in zip(seen, numbers, strict=True))


def test_scaled_numbers_are_refused(ragged):
    X, labels, _ = ragged
    with pytest.raises(ValueError, match="Tools that scale or mix rows cannot be used"):
        make_pipeline(StandardScaler(), ByIndex(CLASSIFIER, X)).fit(np.arange(40)[:, None], labels)
