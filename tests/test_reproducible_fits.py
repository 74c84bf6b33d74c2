"""Two fits of the same data and `random_state` give the same bits."""

import numpy as np
import pytest
from fits import MOVING, PLAIN_STEP, same_state

from sklearn_rnn import RNNClassifier, RNNRegressor


@pytest.mark.parametrize("n_threads", [2, 3, 4])
def test_any_number_of_threads_gives_the_same_bits(n_threads):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(length, 20)) for length in rng.randint(5, 60, size=80)]
    y = rng.randint(0, 3, size=80)
    one = RNNClassifier((48, 32), n_threads=1, bidirectional=True, **MOVING).fit(X, y)
    more = RNNClassifier((48, 32), n_threads=n_threads, bidirectional=True, **MOVING).fit(X, y)
    assert same_state(one, more)
    np.testing.assert_array_equal(one.predict_proba(X), more.predict_proba(X))


def test_two_fits_give_the_same_bits(ragged):
    X, labels, _ = ragged
    assert same_state(*(RNNClassifier(4, **MOVING).fit(X, labels) for _ in range(2)))
    other = RNNClassifier(4, **{**MOVING, "random_state": 8}).fit(X, labels)
    assert not np.array_equal(other.params_, RNNClassifier(4, **MOVING).fit(X, labels).params_)


def test_a_random_state_instance_is_drawn_from(ragged):
    X, labels, _ = ragged
    options = {**MOVING, "random_state": np.random.RandomState(0)}
    a, b = (RNNClassifier(4, **options).fit(X, labels) for _ in range(2))
    assert not np.array_equal(a.params_, b.params_)


def test_the_order_of_sequences_within_a_minibatch_does_not_matter(ragged):
    X, _, numbers = ragged
    order = np.random.RandomState(0).permutation(len(X))
    options = {**PLAIN_STEP, "learning_rate_init": 0.1}
    a = RNNRegressor(4, **options).partial_fit(X, numbers)
    b = RNNRegressor(4, **options).partial_fit([X[i] for i in order], numbers[order])
    np.testing.assert_allclose(a.params_, b.params_, rtol=1e-10, atol=1e-13)
