"""One minibatch moves the weights by minus the gradient; how minibatches are drawn."""

import numpy as np
import pytest
import reference
from cases import loss_and_grad_of, make_network, nodes_of_estimator
from fits import PLAIN_STEP

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._data.sequences import pack
from sklearn_rnn._model import network as _network
from sklearn_rnn._training import minibatches as _training
from sklearn_rnn._training.progress import Progress

GRADIENT = {"rtol": 1e-9, "atol": 1e-12}


# ---- one minibatch --------------------------------------------------------------------------


def gradient_of(rnn, X, y, sample_weight=None, **options):
    """Return the reference's gradient at an estimator's weights."""
    weights = {name: np.array(w, dtype=np.float64) for name, w in rnn.weights_.items()}
    options["nodes"] = nodes_of_estimator(rnn)
    return reference.loss_and_grad(weights, X, y, sample_weight, **options)[1]


@pytest.mark.parametrize("cell", _core.CELLS)
def test_one_plain_step_moves_a_classifier_by_minus_the_gradient(ragged, cell):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, cell=cell, **PLAIN_STEP)
    rnn.partial_fit(X[:5], labels[:5], classes=["down", "up"])
    before = rnn.weights_
    codes = (labels == "up").astype(int)
    gradient = gradient_of(rnn, X, codes[:, None], loss="logistic")
    rnn.partial_fit(X, labels)
    for name, after in rnn.weights_.items():
        np.testing.assert_allclose(before[name] - after, gradient[name], **GRADIENT)


def test_one_plain_step_moves_a_tagger_by_minus_the_weighted_gradient(ragged):
    X, _, _ = ragged
    rng = np.random.RandomState(0)
    y = [rng.randint(0, 3, size=len(x)) for x in X]
    w = [rng.randint(0, 3, size=len(x)).astype(float) for x in X]
    rnn = RNNClassifier(4, mode="many_to_many", **PLAIN_STEP)
    rnn.partial_fit(X[:5], y[:5], classes=[0, 1, 2])
    before = rnn.weights_
    # Weights as given, in units of the taught steps per sequence, of this call and the first.
    n_taught = sum(len(x) for x in X[:5]) + sum(np.count_nonzero(steps) for steps in w)
    n_sequences = sum(steps.any() for steps in w)
    divisor = n_sequences * n_taught / (5 + n_sequences)
    gradient = gradient_of(rnn, X, y, w, loss="softmax", per_step=True, divisor=divisor)
    rnn.partial_fit(X, y, sample_weight=w)
    for name, after in rnn.weights_.items():
        np.testing.assert_allclose(before[name] - after, gradient[name], **GRADIENT)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_one_plain_step_moves_a_regressor_by_minus_the_gradient(ragged, loss):
    X, _, numbers = ragged
    y = np.abs(np.stack([numbers, -numbers], axis=1))
    rnn = RNNRegressor(4, loss=loss, normalize_y=False, **PLAIN_STEP)
    rnn.partial_fit(X[:5], y[:5])
    before = rnn.weights_
    gradient = gradient_of(rnn, X, y[:, None, :].tolist(), loss=loss, per_step=False)
    rnn.partial_fit(X, y)
    for name, after in rnn.weights_.items():
        np.testing.assert_allclose(before[name] - after, gradient[name], **GRADIENT)


@pytest.mark.parametrize("dtype, rtol", [("float32", 1e-5), ("float64", 1e-12)])
def test_weight_two_is_a_duplicate(ragged, dtype, rtol):
    X, _, numbers = ragged
    sequences, doubled = pack(X), pack(X + X[:10])
    network = make_network(("lstm", ""), n_outputs=1, dtype=dtype)
    params = _network.initialize(network, np.random.RandomState(0))
    y = numbers.astype(dtype)[:, None]
    weights = np.repeat([2.0, 1.0], [10, 30])
    loss_1, d_1 = loss_and_grad_of(network, params, sequences, y, weights)
    loss_2, d_2 = loss_and_grad_of(network, params, doubled, np.concatenate([y, y[:10]]))
    np.testing.assert_allclose(loss_1, loss_2, rtol=rtol)
    np.testing.assert_allclose(d_1, d_2, rtol=rtol, atol=rtol * np.abs(d_1).max())


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_alpha_draws_weights_and_spares_biases(dense, l1_ratio):
    X, labels, _ = dense

    def weights_after_a_step(**changes):
        rnn = RNNClassifier(4, **{**PLAIN_STEP, "learning_rate_init": 0.5, **changes})
        return rnn.partial_fit(X, labels, classes=["down", "up"]).weights_

    def penalty(w):
        return 0.1 * (l1_ratio * np.abs(w).sum() + (1 - l1_ratio) / 2 * (w**2).sum())

    plain, drawn = weights_after_a_step(), weights_after_a_step(alpha=0.1, l1_ratio=l1_ratio)
    for name, w in weights_after_a_step(learning_rate_init=1e-300).items():
        # No weight is so close to 0 that |w| bends within the differences.
        slope = reference.numerical_gradient(penalty, w.copy()) * ("bias" not in name)
        np.testing.assert_allclose(plain[name] - drawn[name], 0.5 * slope, atol=1e-9)


def test_l1_leaves_weights_of_zero_where_they_are(dense):
    X, labels, _ = dense
    rnn = RNNClassifier(4, **{**PLAIN_STEP, "alpha": 0.1, "l1_ratio": 1.0})
    rnn.partial_fit(X, labels, classes=["down", "up"])
    nothing = {name: np.zeros_like(w) for name, w in rnn.weights_.items()}
    penalised = rnn.set_weights(nothing).partial_fit(X, labels).weights_
    free = rnn.set_weights(nothing).set_params(alpha=0.0).partial_fit(X, labels).weights_
    for name, w in free.items():
        np.testing.assert_array_equal(penalised[name], w)


# ---- how minibatches are drawn ----------------------------------------------------------------


def test_a_minibatch_larger_than_the_data_is_the_data():
    assert _training.resolve_batch_size("auto", 5) == 5
    assert _training.resolve_batch_size(100, 7) == 7
    assert _training.resolve_batch_size(3, 7) == 3


def test_without_shuffling_minibatches_follow_the_data():
    progress = Progress(np.zeros(1), "sgd", np.zeros((1, 1)), 1, 0.1)
    batches = _training.draw_batches(np.arange(7), 3, progress, shuffle=False)
    assert [list(batch) for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    shuffled = _training.draw_batches(np.arange(7), 3, progress, shuffle=True)
    assert sorted(np.concatenate(shuffled)) == list(range(7))
    progress.n_passes = 1
    other = _training.draw_batches(np.arange(7), 3, progress, shuffle=True)
    assert not np.array_equal(np.concatenate(shuffled), np.concatenate(other))


@pytest.mark.parametrize("betas", [(0.9, 1 - 2e-8), (1 - 2e-8, 0.999)])
def test_decays_near_1_are_the_same_in_both_dtypes(ragged, betas):
    X, _, numbers = ragged
    losses = [
        RNNRegressor(
            4, max_iter=5, tol=0.0, beta_1=betas[0], beta_2=betas[1], dtype=dtype, random_state=0
        )
        .fit(X, numbers)
        .loss_
        for dtype in ("float32", "float64")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
