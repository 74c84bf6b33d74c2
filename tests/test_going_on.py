"""`partial_fit` and `warm_start` go on where the training before them ended."""

import copy
import pickle

import numpy as np
import pytest
from fits import MOVING

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._training.held_out import split


def test_partial_fits_are_the_epochs_of_a_fit(ragged):
    X, _, numbers = ragged
    whole = RNNRegressor(4, tol=0.0, **{**MOVING, "max_iter": 4}).fit(X, numbers)
    pieces = RNNRegressor(4, tol=0.0, **MOVING)
    for _ in range(4):
        pieces = pickle.loads(pickle.dumps(pieces.partial_fit(X, numbers)))
    np.testing.assert_array_equal(whole.params_, pieces.params_)
    assert pieces.loss_curve_ == whole.loss_curve_
    assert pieces.t_ == whole.t_ == 4 * len(X)
    assert (pieces.n_iter_, whole.n_iter_) == (1, 4)


def test_partial_fit_does_not_append_to_the_losses_of_a_copy(ragged):
    X, _, numbers = ragged
    rnn = RNNRegressor(4, random_state=0).partial_fit(X, numbers)
    copied = copy.copy(rnn)
    rnn.partial_fit(X, numbers)
    assert (len(rnn.loss_curve_), len(copied.loss_curve_)) == (2, 1)


def test_partial_fit_goes_on_after_fit(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=2, random_state=0).fit(X, labels)
    before = rnn.params_.copy()
    rnn.partial_fit(X, labels)
    assert len(rnn.loss_curve_) == 3
    assert 0 < np.abs(rnn.params_ - before).max() < 0.1


def test_partial_fit_with_another_solver_begins_with_an_empty_memory(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=2, random_state=0).fit(X, labels)
    rnn.set_params(solver="sgd").partial_fit(X, labels)
    assert rnn._optimizer["moments"].shape == (1, len(rnn.params_))


def test_warm_start_goes_on_with_new_minibatches(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, warm_start=True, **MOVING).fit(X, labels)
    first, seed = rnn.params_.copy(), rnn._optimizer["seed"]
    rnn.fit(X, labels)
    assert len(rnn.loss_curve_) == 6 and rnn.n_iter_ == 3 and rnn.t_ == 6 * len(X)
    assert rnn.loss_curve_[3] < rnn.loss_curve_[0]
    assert rnn._optimizer["seed"] != seed
    assert not np.array_equal(first, rnn.params_)
    cold = RNNClassifier(4, **MOVING).fit(X, labels).fit(X, labels)
    np.testing.assert_array_equal(cold.params_, first)


def test_a_bad_random_state_is_refused_between_two_partial_fits(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4).partial_fit(X, labels, classes=np.unique(labels))
    before = pickle.dumps(rnn.set_params(random_state="x"))
    with pytest.raises(ValueError, match="`random_state`"):
        rnn.partial_fit(X, labels)
    assert pickle.dumps(rnn) == before


def test_warm_start_appends_the_validation_scores_too(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, warm_start=True, early_stopping=True, max_iter=3, random_state=0)
    first = list(rnn.fit(X, labels).validation_scores_)
    rnn.fit(X, labels)
    assert rnn.validation_scores_[:3] == first
    assert len(rnn.validation_scores_) == len(rnn.loss_curve_) == 6
    assert rnn.best_validation_score_ == max(rnn.validation_scores_[3:])


def test_warm_start_holds_out_the_same_sequences(ragged, monkeypatch):
    X, labels, _ = ragged
    held = []

    def recorded(*args):
        both = split(*args)
        held.append(both[1])
        return both

    monkeypatch.setattr("sklearn_rnn._estimators.base.split", recorded)
    rnn = RNNClassifier(4, warm_start=True, early_stopping=True, max_iter=1, random_state=0)
    rnn.fit(X, labels).fit(X, labels).fit(X, labels)
    assert len(held) == 3
    for other in held[1:]:
        np.testing.assert_array_equal(other, held[0])
