"""What weights mean in a training, whatever minibatch they fall into: closed forms."""

import pickle

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.sequences import pack
from sklearn_rnn._training.examples import Examples, Weighing

# At so low a rate all minibatches of an epoch take their gradients at the same weights.
RATE = 1e-9
TINY_STEPS = {
    "solver": "sgd",
    "momentum": 0.0,
    "nesterovs_momentum": False,
    "max_grad_norm": None,
    "max_iter": 1,
    "dtype": "float64",
    "normalize_X": False,
    "random_state": 0,
}
# What is left of the digits of a difference of RATE.
RTOL = 1e-5
EITHER_MODE = pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])


def problem(mode, estimator, longest=8):
    """Return an estimator's keywords, X and y, of 2 to so many steps, the same at each call."""
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(length, 2)) for length in rng.randint(2, 1 + longest, size=30)]
    numbers = [x[:, 0].cumsum() + 2.0 for x in X]
    if estimator is RNNClassifier:
        y = [np.digitize(steps, (1.0, 3.0)) for steps in numbers]
    else:
        y = numbers
    options = {"normalize_y": False} if estimator is RNNRegressor else {}
    return options, X, y if mode == "many_to_many" else [steps[-1] for steps in y]


def mean_step(estimator, mode, X, y, sample_weight=None, *, rate=RATE, **options):
    """Return the mean way of the parameters in an update of one epoch, divided by the rate."""
    rnn, start = (
        estimator(3, mode=mode, **{**TINY_STEPS, **options, "learning_rate_init": r})
        for r in (rate, 1e-300)
    )
    way = rnn.fit(X, y, sample_weight).params_ - start.fit(X, y, sample_weight).params_
    return way / (rate * -(-len(X) // rnn.batch_size))


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=RTOL * np.abs(expected).max())


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@EITHER_MODE
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_minibatches_of_any_size_follow_the_same_gradient(estimator, mode, weighted, shuffle):
    options, X, y = problem(mode, estimator)
    weights = np.random.RandomState(1).exponential(size=30) ** 2 if weighted else None
    if mode == "many_to_many" and weighted:
        weights = [w * (np.arange(len(x)) % 3 > 0) for w, x in zip(weights, X, strict=True)]
    steps = {
        size: mean_step(estimator, mode, X, y, weights, batch_size=size, shuffle=shuffle, **options)
        for size in (1, 2, 5, 30)
    }
    for step in steps.values():
        assert_close(step, steps[30])


@EITHER_MODE
@pytest.mark.parametrize("size", [7, 16, 29])
def test_a_last_smaller_minibatch_counts_for_what_it_holds(mode, size):
    options, X, y = problem(mode, RNNRegressor)
    whole = mean_step(RNNRegressor, mode, X, y, batch_size=30, **options)
    n_updates = -(-30 // size)
    step = mean_step(RNNRegressor, mode, X, y, batch_size=size, **options)
    assert_close(step * n_updates * size / 30, whole)


@pytest.mark.parametrize(
    "clipping",
    [
        {},
        {"max_grad_norm": 1e-2},
        {"max_grad_value": 1e-3},
        {"max_grad_norm": 1e-2, "max_grad_value": 2e-3},
    ],
    ids=lambda clipping: " ".join(clipping),
)
@EITHER_MODE
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_weight_k_is_k_copies(estimator, mode, clipping):
    # Clipping knows the mean weight of a step, not of a sequence: here they are the same.
    options, X, y = problem(mode, estimator, longest=2)
    k = np.random.RandomState(2).randint(0, 5, size=30)
    options = {**options, "batch_size": 1, "rate": 1e-7, "max_grad_norm": None, **clipping}
    copies = np.repeat(np.arange(30), k)
    copied = mean_step(estimator, mode, [X[i] for i in copies], [y[i] for i in copies], **options)
    taught = np.flatnonzero(k)
    X, y = [X[i] for i in taught], [y[i] for i in taught]
    assert_close(mean_step(estimator, mode, X, y, k[taught].astype(float), **options), copied)


@pytest.mark.parametrize("size", [1, 4, 16, 17])
def test_a_positive_in_a_last_minibatch_of_one_counts_once(size):
    X, y = np.ones((17, 2, 1)), np.arange(17) == 16
    rnn = RNNClassifier(3, cell="elman", batch_size=size, max_iter=400, shuffle=False)
    rnn.set_params(learning_rate="cosine", learning_rate_init=0.01, n_iter_no_change=400, tol=0.0)
    rnn.set_params(random_state=0, max_grad_norm=None)
    assert rnn.fit(X, y).predict_proba(X[:1])[0, 1] == pytest.approx(1 / 17, abs=0.012)


# Tasks whose X tells nothing: the right answer is a mean, known in closed form.
BLIND = {
    "cell": "elman",
    "max_iter": 40,
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "tol": 0.0,
    "n_iter_no_change": 40,
    "random_state": 0,
}
each_size = pytest.mark.parametrize("batch_size", [1, 4, 16, 64])


def rare(n, *counts):
    """Return n labels, so many of class 1, 2, ... in no order."""
    y = np.zeros(n, int)
    y[: sum(counts)] = np.repeat(np.arange(1, 1 + len(counts)), counts)
    np.random.default_rng(0).shuffle(y)
    return y


@each_size
def test_balanced_classes_are_balanced_in_any_minibatch(batch_size):
    X, y = np.ones((1000, 3, 1)), rare(1000, 50)
    rnn = RNNClassifier(4, batch_size=batch_size, class_weight="balanced", **BLIND).fit(X, y)
    assert rnn.predict_proba(X[:1])[0, 1] == pytest.approx(0.5, abs=0.02)


def test_a_sample_weight_is_as_good_as_a_class_weight():
    X, y = np.ones((1000, 3, 1)), rare(1000, 50)
    rnn = RNNClassifier(4, batch_size=4, **BLIND).fit(X, y, np.where(y == 1, 19.0, 1.0))
    assert rnn.predict_proba(X[:1])[0, 1] == pytest.approx(0.5, abs=0.02)


def test_three_balanced_classes_have_a_third_each():
    X, y = np.ones((1000, 3, 1)), rare(1000, 80, 20)
    rnn = RNNClassifier(4, batch_size=16, class_weight="balanced", **BLIND).fit(X, y)
    np.testing.assert_allclose(rnn.predict_proba(X[:1])[0], 1 / 3, atol=0.03)


def test_a_rare_tag_is_balanced_too():
    X, y = np.ones((200, 10, 1)), rare(2000, 20).reshape(200, 10)
    rnn = RNNClassifier(4, mode="many_to_many", batch_size=4, class_weight="balanced", **BLIND)
    mean = rnn.fit(X, y).predict_proba(X[:1])[0, :, 1].mean()
    assert mean == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_regressor_finds_the_weighted_mean(shuffle):
    X, y = np.ones((1000, 3, 1)), np.sort(rare(1000, 50)).astype(float)
    weights = np.where(y == 1, 19.0, 1.0)
    # Unclipped: the gradients of minibatches that hold no 1 are longer than those that hold both.
    rnn = RNNRegressor(4, batch_size=16, shuffle=shuffle, max_grad_norm=None, **BLIND)
    assert rnn.fit(X, y, weights).predict(X[:1])[0] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 16])
def test_short_sequences_count_by_their_steps(batch_size):
    rng = np.random.default_rng(0)
    long = rng.permutation(2000) < 1000
    X = [np.ones((30 if many else 1, 1)) for many in long]
    y = [np.full(len(x), float(len(x) == 1)) for x in X]  # 1 in short ones
    y = [steps + (rng.random(len(steps)) < 0.48) * (len(steps) > 1) for steps in y]
    right = np.concatenate(y).mean()
    rnn = RNNRegressor(2, mode="many_to_many", batch_size=batch_size, **BLIND | {"max_iter": 6})
    rnn.set_params(normalize_X=False)
    # The first step alone sees both kinds; behind it are the long ones.
    first = np.mean([steps[0] for steps in y])
    predicted = rnn.fit(X, y).predict(X)[int(np.argmax(long))]
    assert predicted[0] == pytest.approx(first, abs=0.06)
    mean = np.average(predicted, weights=[2000] + [1000] * 29)
    assert mean == pytest.approx(right, abs=0.03)


@EITHER_MODE
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_equal_weights_are_no_weights_bit_for_bit(estimator, mode):
    options, X, y = problem(mode, estimator)
    options = {**options, "max_iter": 3, "batch_size": 4, "random_state": 0, "max_grad_norm": 0.1}
    plain = estimator(3, mode=mode, **options).fit(X, y)
    equal = estimator(3, mode=mode, **options).fit(X, y, np.full(30, 0.3))
    assert equal.params_.tobytes() == plain.params_.tobytes()
    assert equal.loss_curve_ == plain.loss_curve_
    if mode == "many_to_many":
        on = [np.arange(len(x)) % 2 for x in X]
        ones = estimator(3, mode=mode, **options).fit(X, y, [1.0 * w for w in on])
        other = estimator(3, mode=mode, **options).fit(X, y, [0.7 * w for w in on])
        assert ones.params_.tobytes() == other.params_.tobytes()


def test_partial_fit_takes_weights_as_they_are():
    options, X, y = problem("many_to_one", RNNRegressor)
    rnn = RNNRegressor(3, **TINY_STEPS, **options, batch_size=30, learning_rate_init=RATE)
    start = rnn.partial_fit(X, y).params_
    once = rnn.partial_fit(X, y).params_ - start
    twice = rnn.partial_fit(X, y, np.full(30, 2.0)).params_ - start - once
    np.testing.assert_allclose(twice, 2 * once, rtol=0, atol=1e-4 * np.abs(once).max())


def test_partial_fit_measures_steps_by_their_mean_over_all_calls():
    options, X, y = problem("many_to_many", RNNRegressor)
    rnn = RNNRegressor(3, mode="many_to_many", **options, random_state=0)
    rnn.partial_fit(X[:10], y[:10])
    rnn = pickle.loads(pickle.dumps(rnn))
    weights = [np.arange(len(x)) % 2 for x in X[10:]]
    rnn.partial_fit(X[10:], y[10:], weights)
    n_sequences = 10 + sum(w.any() for w in weights)
    assert rnn._taught == (sum(map(len, X[:10])) + sum(w.sum() for w in weights), n_sequences)


def test_what_training_sequences_weigh():
    sequences, indices = pack([np.ones((n, 1)) for n in (1, 3, 2)]), np.array([0, 1])
    per_step = Examples(sequences, np.zeros(6), np.array([2.0, 0, 4, 6, 9, 9]), True)
    assert Weighing.of(per_step, indices) == Weighing(12, 2, 12 / 3)
    per_sequence = Examples(sequences, np.zeros(3), np.array([1.0, 3, 9]), False)
    assert Weighing.of(per_sequence, indices) == Weighing(4, 2, 2.0)
    assert Weighing.of(Examples(sequences, np.zeros(6), None, True), indices) == Weighing(4, 2)
