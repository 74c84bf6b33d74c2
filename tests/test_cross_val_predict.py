"""step_cross_val_predict puts together what the models of all folds predict."""

import numpy as np
import pytest
from carriers import CARRIERS
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.model_selection import SequenceKFold, step_cross_val_predict
from sklearn_rnn.preprocessing import SequenceScaler
from sklearn_rnn.transfer import MultiTaskRNN

TAGGER = RNNClassifier(3, mode="many_to_many", max_iter=2, random_state=0)


def by_hand(rnn, X, y, cv, method):
    rows = [None] * len(X)
    for train, test in cv:
        fitted = clone(rnn).fit([X[i] for i in train], [y[i] for i in train])
        for i, row in zip(test, getattr(fitted, method)([X[i] for i in test]), strict=True):
            rows[i] = row
    return rows


@pytest.mark.parametrize("make", [*CARRIERS.values(), np.array])
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "predict"])
def test_each_sequence_is_predicted_by_a_model_that_has_not_seen_it(ragged, dense, make, method):
    X = dense[0] if make is np.array else ragged[0]
    y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    cv = SequenceKFold(3, shuffle=True, random_state=0)
    expected = by_hand(TAGGER, X, y, cv.split(X), method)
    got = step_cross_val_predict(TAGGER, make(X), make(y), cv=cv, method=method)
    assert got.dtype == (expected[0].dtype if make is np.array else object)
    assert len(got) == 40 and got.ndim == (expected[0].ndim + 1 if make is np.array else 1)
    for row, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(row, wanted)


def test_what_scikit_learn_can_put_together_is_the_same(ragged):
    X, labels, numbers = ragged
    rnn = make_pipeline(SequenceScaler(), RNNClassifier(3, max_iter=2, random_state=0))
    expected = cross_val_predict(rnn, X, labels, cv=KFold(4), method="predict_proba")
    np.testing.assert_array_equal(step_cross_val_predict(rnn, X, labels, cv=4), expected)
    rnn, weights = RNNRegressor(3, max_iter=2, random_state=0), np.arange(1.0, 41.0)
    options = {"groups": np.arange(40) % 5, "params": {"sample_weight": weights}}
    expected = cross_val_predict(rnn, X, numbers, cv=GroupKFold(3), **options)
    options["method"] = "predict"
    got = step_cross_val_predict(rnn, X, numbers, cv=GroupKFold(3), **options)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "method, unknown", [("predict_proba", 0.0), ("predict_log_proba", -np.inf)]
)
def test_a_class_that_a_fold_does_not_know_has_no_probability(method, unknown):
    X = np.random.RandomState(0).normal(size=(12, 4, 1))
    y = np.where(X[:, :, 0] > 0, "c", "a")
    y[8:] = np.where(y[8:] == "c", "b", "a")  # the last fold has the only "b", the others no "b"
    for given in (X, list(X)):
        got = step_cross_val_predict(TAGGER, given, list(y), cv=KFold(3), method=method)
        rows = np.stack(list(got))
        assert rows.shape == (12, 4, 3)
        assert (rows[8:, :, 1] == unknown).all() and (rows[:8, :, 1] != unknown).all()
        alone = getattr(clone(TAGGER).fit(X[:8], y[:8]), method)(X[8:])
        np.testing.assert_array_equal(rows[8:][..., [0, 2]], alone)


class Short(BaseEstimator):
    """Predicts arrays of another length in each fold."""

    def fit(self, X, y):
        self.n = int(X[0][0])
        return self

    def predict(self, X):
        return np.zeros((len(X), 2 + self.n))


def test_folds_of_different_lengths_give_an_object_array():
    X = [[0.0], [1.0]] * 2
    got = step_cross_val_predict(
        Short(), X, [0] * 4, cv=[([1], [0, 1]), ([0], [2, 3])], method="predict"
    )
    assert got.dtype == object and [len(row) for row in got] == [3, 3, 2, 2]


def test_what_cannot_be_put_together_is_refused(ragged):
    X, labels, _ = ragged
    with pytest.raises(ValueError, match="`cv` must test each of the 40 sequences exactly once"):
        step_cross_val_predict(TAGGER, X, labels, cv=ShuffleSplit(2, test_size=0.1))
    rnn = MultiTaskRNN(2, max_iter=1, random_state=0)
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"must return an array, .*predict returned a dict"):
        step_cross_val_predict(rnn, X, pd.DataFrame({"a": labels}), method="predict")
