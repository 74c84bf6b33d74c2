"""Mean and scale over several `partial_fit`, which move without changing a prediction."""

import pickle
from itertools import product

import numpy as np
import pytest
from scale_settings import EITHER, STILL, lists

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._data.sequences import pack
from sklearn_rnn._model.words import CONNECTIONS


def running(estimator, **options):
    """Return an estimator fitted on 50 sequences, and 3 batches to go on with."""
    X, labels, numbers = lists(50)
    y = labels if estimator is RNNClassifier else numbers
    rnn = estimator((3, 2), **{**STILL, **options, "random_state": 0})
    learn = {"classes": ["down", "up"]} if estimator is RNNClassifier else {}
    rnn.partial_fit(X, y, **learn)
    rnn.set_weights({k: w + 0.1 for k, w in rnn.weights_.items()})
    return rnn, X, y


# Without regressors that read their output: they feel a mean of y that moves, see below.
EACH = [
    (estimator, cell, bidirectional)
    for estimator, (cell, info), bidirectional in product(
        (RNNClassifier, RNNRegressor), _core.CELLS.items(), (False, True)
    )
    if not info.reads_output or (estimator is RNNClassifier and not bidirectional)
]


@pytest.mark.parametrize("connections", [None, *CONNECTIONS])
@pytest.mark.parametrize("estimator, cell, bidirectional", EACH)
def test_a_scale_that_moves_a_little_changes_no_prediction(
    estimator, cell, bidirectional, connections
):
    words = {"cell": cell, "bidirectional": bidirectional, "connections": connections}
    rnn, X, y = running(estimator, **words)
    predict = rnn.predict if estimator is RNNRegressor else rnn.predict_proba
    before, mean, scale = predict(X), rnn.x_mean_, rnn.x_scale_
    # As many again, shifted by a scale: a mean that moves by 1/2, a scale that grows by 1.12.
    rnn.partial_fit([x + scale for x in X], y if estimator is RNNClassifier else y + y.std())
    np.testing.assert_allclose(rnn.x_mean_, mean + scale / 2)
    np.testing.assert_allclose(rnn.x_scale_, scale * np.sqrt(1.25))
    np.testing.assert_allclose(predict(X), before, rtol=1e-9)
    if estimator is RNNRegressor:
        both = np.concatenate([y, y + y.std()])
        np.testing.assert_allclose([rnn.y_mean_[0], rnn.y_scale_[0]], [both.mean(), both.std()])


@pytest.mark.parametrize("connections", [None, *CONNECTIONS])
def test_a_scale_of_y_that_moves_changes_no_prediction_of_outputs_that_are_fed_back(connections):
    rnn, X, y = running(RNNRegressor, cell="jordan", connections=connections)
    before, mean, scale = rnn.predict(X), rnn.y_mean_, rnn.y_scale_
    rnn.partial_fit([x + rnn.x_scale_ for x in X], mean + 1.5 * (y - mean))
    np.testing.assert_allclose(rnn.y_mean_, mean)
    np.testing.assert_allclose(rnn.y_scale_, scale * np.sqrt((1 + 1.5**2) / 2))
    np.testing.assert_allclose(rnn.predict(X), before, rtol=1e-9)


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_the_output_before_the_first_step_is_the_mean_of_y_in_use(mode):
    X, _, y = lists(50)
    y = [x[:, 0].cumsum() for x in X] if mode == "many_to_many" else y
    rnn = RNNRegressor(4, cell="jordan", mode=mode, **STILL, random_state=0).partial_fit(X, y)

    def predicted(x, weights, y_before):
        """Return the predictions at each step of a sequence, after this output before them."""
        outputs = [y_before]
        for x_t in (x - x_mean) / x_scale:
            a = weights["weight_ih_l0"] @ x_t + weights["bias_ih_l0"]
            h = np.tanh(a + weights["weight_oh_l0"] @ [(outputs[-1] - y_mean) / y_scale])
            (z,) = weights["head.weight"] @ h + weights["head.bias"]
            outputs.append(z * y_scale + y_mean)
        return outputs[1:] if mode == "many_to_many" else outputs[-1]

    x_mean, x_scale, (y_mean,), (y_scale,) = rnn.x_mean_, rnn.x_scale_, rnn.y_mean_, rnn.y_scale_
    weights, before = rnn.weights_, rnn.predict(X)
    for x, got in zip(X, before, strict=True):
        np.testing.assert_allclose(got, predicted(x, weights, y_mean), rtol=1e-9)
    rnn.partial_fit([x + x_scale for x in X], [np.add(item, y_scale) for item in y])
    np.testing.assert_allclose(rnn.y_mean_, y_mean + y_scale / 2)
    for x, got, earlier in zip(X, rnn.predict(X), before, strict=True):
        np.testing.assert_allclose(got, predicted(x, weights, rnn.y_mean_[0]), rtol=1e-9)
        if len(x) < 4:  # later, little is left of it
            assert not np.allclose(got, earlier, rtol=1e-4, atol=0)


def test_a_scale_that_hardly_moves_stays():
    rnn, X, y = running(RNNRegressor)
    mean, scale, params = rnn.x_mean_, rnn.x_scale_, rnn.params_.copy()
    rnn.partial_fit([x + 0.015 * scale for x in X], y)  # the mean goes halfway
    np.testing.assert_array_equal([rnn.x_mean_, rnn.x_scale_], [mean, scale])
    np.testing.assert_array_equal(rnn.params_, params)
    rnn.partial_fit([x + 0.03 * scale for x in X], y)  # three quarters of 1.5 %: beyond 1 %
    assert (rnn.x_mean_ != mean).all()


def test_a_scale_that_moves_by_a_large_factor_leaves_the_weights_alone():
    rnn, X, y = running(RNNRegressor)
    params = rnn.params_.copy()
    rnn.partial_fit([x * 10 for x in X], 10 * y)
    assert (rnn.x_scale_[:2] > 2).all()
    np.testing.assert_array_equal(rnn.params_, params)


def test_the_scale_of_a_constant_is_a_placeholder():
    X, _, _ = lists(50)
    X = [np.column_stack([x, np.full(len(x), 3.0)]) for x in X]
    rnn = RNNRegressor(3, **STILL, random_state=0).partial_fit(X, np.zeros(50))
    assert rnn.x_scale_[3] == 1.0 and (rnn.y_mean_, rnn.y_scale_) == (0.0, 1.0)
    params = rnn.params_.copy()
    rng = np.random.RandomState(0)
    for x in X:
        x[:, 3] += 2 * rng.normal(size=len(x))
    rnn.partial_fit(X, rng.normal(size=50))
    assert 1 < rnn.x_scale_[3] < 2 and rnn.y_scale_ < 1
    np.testing.assert_allclose(rnn.params_, params, rtol=0, atol=1e-290)


def test_a_binary_feature_that_is_none_any_more_is_scaled():
    X = np.random.RandomState(0).randint(0, 2, size=(40, 5, 1)).astype(float)
    rnn = RNNRegressor(3, **STILL, random_state=0).partial_fit(X, X[:, 0, 0])
    assert (rnn.x_mean_[0], rnn.x_scale_[0]) == (0.0, 1.0)
    rnn.partial_fit(X + 1, X[:, 0, 0])
    both = np.concatenate([X, X + 1])
    np.testing.assert_allclose([rnn.x_mean_[0], rnn.x_scale_[0]], [both.mean(), both.std()])


@EITHER
def test_repeated_partial_fits_keep_the_scale_bit_for_bit(estimator):
    rnn, X, y = running(estimator)
    names = [name for name in ("x_mean_", "x_scale_", "y_mean_", "y_scale_") if hasattr(rnn, name)]
    before = [getattr(rnn, name) for name in names]
    for _ in range(5):
        rnn = pickle.loads(pickle.dumps(rnn.partial_fit(X, y)))
    for name, array in zip(names, before, strict=True):
        np.testing.assert_array_equal(getattr(rnn, name), array)


def test_warm_start_goes_on_with_the_scale():
    X, _, numbers = lists(50)
    rnn = RNNRegressor(3, warm_start=True, max_iter=1, random_state=0, **STILL).fit(X, numbers)
    before, other = rnn.predict(X), [x + rnn.x_scale_ for x in X]
    rnn.fit(other, numbers + 5)
    np.testing.assert_allclose(rnn.x_mean_, np.concatenate(X + other).mean(axis=0))
    np.testing.assert_allclose(rnn.predict(X), before, rtol=1e-9)


def test_a_call_that_fails_leaves_the_scale_as_it_was():
    rnn, X, y = running(RNNRegressor)
    before = pickle.dumps(rnn)
    with pytest.raises(ValueError, match="`y` must be finite"):
        rnn.partial_fit([x + 99 for x in X], np.where(np.arange(50) == 7, np.nan, y))
    assert pickle.dumps(rnn) == before


@pytest.mark.parametrize("size", [1.0, 1e3])
def test_an_adaptive_rate_knows_losses_in_units_of_y(size):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 5, 2))
    rnn = RNNRegressor(8, learning_rate="adaptive", n_iter_no_change=1, random_state=0)
    for _ in range(6):
        rnn.partial_fit(X, np.zeros(60))
    for _ in range(60):
        rnn.partial_fit(X, size * X[:, :, 0].sum(axis=1))
    assert rnn.score(X, size * X[:, :, 0].sum(axis=1)) > 0.98


def test_normalisation_must_not_change_when_going_on():
    rnn, X, y = running(RNNRegressor)
    with pytest.raises(ValueError, match="`normalize_X` must not change"):
        rnn.set_params(normalize_X=False).partial_fit(X, y)


SUMS = np.random.default_rng(0).normal(size=(200, 6, 3))
SUM_TARGETS = 1e3 * SUMS[:, :, 0].sum(axis=1) + 500


def passes(rnn, size, n=12):
    for _ in range(n):
        for i in range(0, len(SUMS), size):
            rnn.partial_fit(SUMS[i : i + size], SUM_TARGETS[i : i + size])
    return rnn.score(SUMS, SUM_TARGETS)


def test_a_first_call_on_an_idle_sequence_does_no_harm():
    rnn = RNNRegressor(16, random_state=0).partial_fit(np.zeros((1, 6, 3)), [0.0])
    assert passes(rnn, 200, n=15) > 0.95


def test_sequences_one_by_one_are_learned_as_by_fit():
    options = {"hidden_layer_sizes": 16, "random_state": 0, "n_threads": 1}
    fitted = RNNRegressor(**options, max_iter=12, tol=0.0).fit(SUMS, SUM_TARGETS)
    assert passes(RNNRegressor(**options), 1) > fitted.score(SUMS, SUM_TARGETS) - 0.05


def test_files_and_pickles_keep_what_the_scales_go_on_from(tmp_path):
    rnn, X, y = running(RNNRegressor)
    rnn.save_weights(tmp_path / "model.npz")
    loaded = RNNRegressor(**STILL, random_state=0).load_weights(tmp_path / "model.npz")
    assert loaded.normalize_X and loaded._taught == (50, 50)
    kept = pickle.loads(pickle.dumps(rnn))
    for model in (loaded, kept):
        model.partial_fit([x + rnn.x_scale_ for x in X], y + 50)
    np.testing.assert_array_equal(loaded._x_moments, kept._x_moments)
    np.testing.assert_array_equal(loaded.y_scale_, kept.y_scale_)
    np.testing.assert_array_equal(loaded.params_, kept.params_)
    plain = RNNRegressor(3, normalize_X=False, max_iter=1).fit(X, y)
    plain.save_weights(tmp_path / "plain.npz")
    assert RNNRegressor().load_weights(tmp_path / "plain.npz").normalize_X is False
    with pytest.raises(ValueError, match="normalize_X=True; got False"):
        RNNRegressor((3,), max_iter=1).fit(X, y).load_weights(tmp_path / "plain.npz")


def test_steps_of_weights_are_those_of_their_sequences():
    from sklearn_rnn._training.examples import Examples

    sequences = pack([np.ones((n, 1)) for n in (3, 2, 1)])
    examples = Examples(sequences, np.zeros(6), np.array([1.0, 0, 0, 2, 4, 5]), True)
    weights = examples.weights_of_steps(np.array([0, 1]), up_to_the_last_taught=True)
    np.testing.assert_array_equal(weights, [1, 0, 0, 3, 3, 0])
    weights = examples.weights_of_steps(np.arange(3), up_to_the_last_taught=False)
    np.testing.assert_array_equal(weights, [1, 1, 1, 3, 3, 5])
