"""What a fitted estimator has, and what it shares with nobody."""

import numpy as np
import pytest
from fits import QUICK, equal
from sklearn.base import clone

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._model import fitted as _fitted


def test_a_prediction_is_of_one_model_while_another_thread_fits_it(dense, monkeypatch):
    X, _, numbers = dense
    rnn = RNNRegressor(**QUICK).fit(X, numbers)
    expected, predictor = rnn.predict(X), _fitted.predictor

    def refitted_meanwhile(*args):
        monkeypatch.setattr(_fitted, "predictor", predictor)
        rnn.fit(X, 1000 * numbers + 5)
        return predictor(*args)

    monkeypatch.setattr(_fitted, "predictor", refitted_meanwhile)
    assert equal(rnn.predict(X), expected)
    assert not equal(rnn.predict(X), expected)


def test_weights_are_fresh_read_only_and_can_be_put_back(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier((4, 3), cell="lstm", bidirectional=True, max_iter=1).fit(X, labels)
    weights = rnn.weights_
    assert weights["weight_ih_l0"].shape == (16, 3)
    assert weights["weight_ih_l1_reverse"].shape == (12, 8)
    assert weights["head.weight"].shape == (1, 6)
    assert not any(w.flags.writeable for w in weights.values())
    assert weights["head.bias"] is not rnn.weights_["head.bias"]
    other = RNNClassifier((4, 3), cell="lstm", bidirectional=True, max_iter=2).fit(X, labels)
    assert not equal(other.predict_proba(X), rnn.predict_proba(X))
    assert other.set_weights(weights) is other
    assert equal(other.predict_proba(X), rnn.predict_proba(X))
    assert not hasattr(RNNClassifier(), "weights_")


def test_clone_keeps_parameters_alone(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier((4, 2), cell="gru", learning_rate="cosine", max_iter=1).fit(X, labels)
    cloned = clone(rnn)
    assert cloned.get_params() == rnn.get_params()
    assert not hasattr(cloned, "params_")


def test_the_fitted_network_does_not_follow_later_parameters(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(**QUICK).fit(X, labels)
    expected = rnn.predict_proba(X)
    rnn.set_params(hidden_layer_sizes=9, cell="gru", mode="many_to_many", dtype="float64")
    assert equal(rnn.predict_proba(X), expected)


def test_attributes_of_others_survive_a_fit(ragged):
    X, labels, _ = ragged

    def remember(rnn, info):
        rnn.losses_ = [*getattr(rnn, "losses_", []), info["loss"]]

    rnn = RNNClassifier(**QUICK)
    rnn.extra_ = "mine"
    rnn.fit(X, labels, callbacks=remember).fit(X, labels)
    assert rnn.extra_ == "mine" and len(rnn.losses_) == 2


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_every_attribute_that_a_fit_writes_is_listed(estimator, dense):
    X, _, _ = dense
    rnn = estimator(**QUICK, early_stopping=True)
    before = set(vars(rnn))
    rnn.fit(X, (np.arange(40) % 2))
    assert set(vars(rnn)) - before == set(rnn._fitted_attributes())
