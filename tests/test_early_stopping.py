"""Early stopping holds data out, watches a score and gives the best weights back."""

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._training.held_out import split


def test_early_stopping_gives_the_best_weights_back(ragged):
    X, labels, _ = ragged
    X_val, y_val = X[:15], labels[:15]
    rnn = RNNClassifier(8, early_stopping=True, max_iter=40, learning_rate_init=0.03)
    rnn.set_params(random_state=0, n_iter_no_change=40)
    seen = []
    rnn.fit(
        X[15:],
        labels[15:],
        X_val=X_val,
        y_val=y_val,
        callbacks=lambda rnn, info: seen.append((rnn.score(X_val, y_val), rnn.params_)),
    )
    assert [score for score, _ in seen] == rnn.validation_scores_
    assert rnn.score(X_val, y_val) == rnn.best_validation_score_ == max(rnn.validation_scores_)
    best = int(np.argmax(rnn.validation_scores_))
    assert best < len(seen) - 1, "the task is too easy to show anything"
    np.testing.assert_array_equal(rnn.params_, seen[best][1])
    assert rnn.best_loss_ is None


def test_early_stopping_watches_r2_in_the_units_of_the_user(ragged):
    X, _, numbers = ragged
    rnn = RNNRegressor(4, early_stopping=True, max_iter=3, random_state=0)
    rnn.fit(X, 1e6 + numbers, X_val=X[:9], y_val=1e6 + numbers[:9], sample_weight_val=np.arange(9))
    expected = rnn.score(X[:9], 1e6 + numbers[:9], sample_weight=np.arange(9))
    assert rnn.best_validation_score_ == pytest.approx(expected, rel=1e-9)


def test_early_stopping_stops_and_splits_with_classes_in_proportion():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(100, 4, 1)), np.repeat([0, 1], [80, 20])
    train, held = split(100, 0.1, y, np.random.RandomState(0))
    assert sorted(y[held]) == [0] * 8 + [1] * 2 and len(set(train) | set(held)) == 100
    rnn = RNNClassifier(2, early_stopping=True, tol=10.0, n_iter_no_change=3, random_state=0)
    assert rnn.fit(X, y).n_iter_ == 5
    y[0] = 2  # alone in its class: the split cannot be stratified, and is made anyway
    assert rnn.fit(X, y).n_iter_ == 5


def test_early_stopping_works_per_step(ragged):
    X, _, _ = ragged
    y = [np.cumsum(x[:, 0]) for x in X]
    w = [np.arange(len(x)) for x in X]
    rnn = RNNRegressor(4, mode="many_to_many", early_stopping=True, max_iter=3, random_state=0)
    rnn.fit(X, y, sample_weight=w, X_val=X[:9], y_val=y[:9], sample_weight_val=w[:9])
    assert rnn.best_validation_score_ == pytest.approx(rnn.score(X[:9], y[:9], w[:9]))
    assert len(rnn.fit(X, y, sample_weight=w).validation_scores_) == 3


def test_a_validation_of_one_step_with_weight_is_refused(ragged):
    X, _, _ = ragged
    y = [x[:, 0] for x in X]
    rnn = RNNRegressor(4, mode="many_to_many", early_stopping=True)
    with pytest.raises(ValueError, match="`y_val` must have at least 2 targets with weight"):
        rnn.fit(X, y, X_val=X[:1], y_val=y[:1], sample_weight_val=[np.eye(len(X[0]))[0]])
