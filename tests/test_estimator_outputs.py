"""What the estimators predict, and in which form."""

import numpy as np
import pytest
from cases import as_read, nodes_of_estimator
from fits import QUICK
from sklearn.metrics import accuracy_score, r2_score

from sklearn_rnn import RNNClassifier, RNNRegressor


@pytest.mark.parametrize(
    "labels, n_classes",
    [
        (["up", "down"] * 20, 2),
        (np.array(["b", "c", "a", "c"] * 10, dtype=object), 3),
        ([True, False] * 20, 2),
        (np.arange(40) % 5 - 2, 5),
        ([1.0, 7.0, 3.0, 1.0] * 10, 3),
        (["only"] * 40, 1),
    ],
)
def test_classes_may_be_of_any_kind_and_number(ragged, labels, n_classes):
    X, _, _ = ragged
    rnn = RNNClassifier(**QUICK).fit(X, labels)
    np.testing.assert_array_equal(rnn.classes_, np.unique(labels))
    probabilities = rnn.predict_proba(X)
    assert probabilities.shape == (40, n_classes) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(rnn.predict_log_proba(X), np.log(probabilities), atol=1e-6)
    np.testing.assert_array_equal(rnn.predict(X), rnn.classes_[probabilities.argmax(axis=1)])
    assert rnn.out_activation_ == ("logistic" if n_classes == 2 else "softmax")
    assert rnn.n_outputs_ == (1 if n_classes == 2 else n_classes)
    assert rnn.score(X, labels) == accuracy_score(labels, rnn.predict(X))


def test_log_probabilities_stay_finite_where_probabilities_vanish(dense):
    X, labels, _ = dense
    for y in (labels, np.arange(40) % 3):
        rnn = RNNClassifier(**QUICK).fit(X, y)
        rnn.set_weights({**rnn.weights_, "head.weight": 1e6 * rnn.weights_["head.weight"]})
        assert rnn.predict_proba(X).min() == 0
        assert np.isfinite(rnn.predict_log_proba(X)).all()


def test_a_regressor_predicts_in_the_form_of_y(ragged):
    X, _, numbers = ragged
    for y in (numbers, numbers[:, None], np.stack([numbers, -numbers], axis=1), numbers.tolist()):
        rnn = RNNRegressor(**QUICK).fit(X, y)
        assert rnn.predict(X).shape == np.shape(y)
        assert rnn.predict(X).dtype == np.float64
        assert rnn.score(X, y) == pytest.approx(r2_score(y, rnn.predict(X)), rel=1e-9)


def test_per_step_results_of_an_array_are_an_array(dense):
    X, _, _ = dense
    y = np.where(X[:, :, 0] > 0, "up", "down")
    rnn = RNNClassifier(**QUICK, mode="many_to_many").fit(X, y)
    assert rnn.predict(X).shape == (40, 6)
    assert rnn.predict_proba(X).shape == rnn.predict_log_proba(X).shape == (40, 6, 2)
    assert rnn.score(X, y) == np.mean(rnn.predict(X) == y)
    two = RNNClassifier(**QUICK, mode="many_to_many").fit(X[:, :, 0], y)
    assert two.predict(X[:, :, 0]).shape == (40, 6)
    for columns in ((), (1,), (2,)):
        y = np.zeros((40, 6, *columns)) + X[:, :, :1].reshape(40, 6, *(1 for _ in columns))
        assert RNNRegressor(**QUICK, mode="many_to_many").fit(X, y).predict(X).shape == y.shape


def test_per_step_results_of_a_list_are_an_object_array(ragged, carrier):
    X, _, _ = ragged
    y = carrier([np.where(x[:, 0] > 0, "up", "down") for x in X])
    rnn = RNNClassifier(**QUICK, mode="many_to_many").fit(carrier(X), y)
    for result, tail in ((rnn.predict(X), ()), (rnn.predict_proba(X), (2,))):
        assert result.shape == (40,) and result.dtype == object
        assert [r.shape for r in result] == [(len(x), *tail) for x in X]
    right = np.concatenate(list(rnn.predict(X))) == np.concatenate(list(y))
    assert rnn.score(carrier(X), y) == pytest.approx(right.mean())
    numbers = carrier([x[:, :2] for x in X])
    rnn = RNNRegressor(**QUICK, mode="many_to_many").fit(carrier(X), numbers)
    assert [r.shape for r in rnn.predict(X)] == [(len(x), 2) for x in X]
    equally_long = [x[:1] for x in X]
    assert rnn.predict(equally_long).shape == (40,)


def test_a_number_of_large_offset_is_predicted_in_double_precision(dense):
    X, _, numbers = dense
    rnn = RNNRegressor(8, max_iter=150, learning_rate_init=0.02, random_state=0)
    assert rnn.fit(X, numbers + 1e8).score(X, numbers + 1e8) > 0.9


def test_normalisation_uses_what_is_taught(ragged):
    X, _, numbers = ragged
    weights = np.arange(40.0)
    y = np.stack([numbers, np.full(40, 3.0)], axis=1)
    rnn = RNNRegressor(**QUICK).fit(X, y, sample_weight=weights)
    mean = np.average(numbers, weights=weights)
    scale = np.sqrt(np.average((numbers - mean) ** 2, weights=weights))
    np.testing.assert_allclose(rnn.y_mean_, [mean, 3.0])
    np.testing.assert_allclose(rnn.y_scale_, [scale, 1.0])
    plain = RNNRegressor(**QUICK, normalize_y=False).fit(X, y)
    counts = RNNRegressor(**QUICK, loss="poisson").fit(X, np.abs(y))
    for rnn in (plain, counts):
        np.testing.assert_array_equal([rnn.y_mean_, rnn.y_scale_], [[0, 0], [1, 1]])
    assert counts.out_activation_ == "exp" and counts.predict(X).min() > 0


def test_counts_are_learned_with_the_poisson_loss(dense):
    X, _, numbers = dense
    y = np.random.RandomState(0).poisson(np.exp(numbers / 2))
    rnn = RNNRegressor(8, loss="poisson", max_iter=200, learning_rate_init=0.02, random_state=0)
    assert rnn.fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("bidirectional", [False, True])
def test_hidden_states_are_those_of_the_reference(ragged, bidirectional):
    import reference

    X, _, numbers = ragged
    rnn = RNNRegressor((4, 3), cell="gru", bidirectional=bidirectional, max_iter=1, dtype="float64")
    rnn.fit(X, numbers)
    for layer, units in ((0, 4), (1, 3), (-1, 3)):
        every = rnn.hidden_states(X, layer=layer, return_sequences=True)
        assert [h.shape for h in every] == [(len(x), units * (1 + bidirectional)) for x in X]
        for per_step, states in ((True, every), (False, rnn.hidden_states(X, layer=layer))):
            expected = reference.hidden_states(
                rnn.weights_,
                as_read(rnn, X),
                nodes_of_estimator(rnn),
                layer=layer,
                per_step=per_step,
            )
            for got, want in zip(states, expected, strict=True):
                np.testing.assert_allclose(got, want, atol=1e-12)
    assert rnn.hidden_states(X).shape == (40, 3 * (1 + bidirectional))


def test_huge_targets_are_scaled_without_overflow(ragged):
    X, _, numbers = ragged
    rnn = RNNRegressor(**QUICK, dtype="float64").fit(X, numbers * 1e200)
    small = RNNRegressor(**QUICK, dtype="float64").fit(X, numbers)
    np.testing.assert_allclose(rnn.y_scale_, small.y_scale_ * 1e200)
    np.testing.assert_allclose(rnn.predict(X), small.predict(X) * 1e200, rtol=1e-6)
