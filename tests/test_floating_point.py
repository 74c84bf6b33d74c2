"""Whoever has NumPy raise floating-point errors hears of none of ours."""

import pickle

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor, metrics
from sklearn_rnn.preprocessing import SequenceScaler

SIZES = [1e-310, 1e-160, 1.0, 1e150]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def numpy_raises():
    with np.errstate(all="raise"):
        yield


@np.errstate(all="ignore")
def draw(size):
    """Return X (12, 4, 2) and numbers (12, 4) of this size, and the same with a 1 among them."""
    rng = np.random.RandomState(0)
    X, numbers = size * rng.uniform(-1, 1, (12, 4, 2)), size * rng.uniform(-1, 1, (12, 4))
    mixed_X, mixed_numbers = X.copy(), numbers.copy()
    mixed_X[0], mixed_numbers[0] = 1.0, 1.0
    return (X, numbers), (mixed_X, mixed_numbers)


@np.errstate(all="ignore")
def times(size, weights):
    return {name: size * value.astype(np.float64) for name, value in weights.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
@pytest.mark.parametrize("size", SIZES[:3])
def test_estimators_raise_no_floating_point_error(estimator, mode, dtype, size, tmp_path):
    for X, numbers in draw(size):
        y = numbers if mode == "many_to_many" else numbers[:, 0]
        if estimator is RNNClassifier:
            y = y > 0
        weights = np.where(X[:, 0, 0] > 0, size, 2 * size)
        rnn = estimator(3, mode=mode, dtype=dtype, max_iter=2, dropout=0.1, random_state=0)
        rnn.fit(X, y, sample_weight=weights)
        rnn.set_params(early_stopping=True, validation_fraction=0.5).fit(X, y)
        rnn.set_params(early_stopping=False).fit(X, y).partial_fit(X, y)
        for weights in (rnn.weights_, times(size, rnn.weights_)):
            rnn.set_weights(weights)
            rnn.predict(X)
            rnn.score(X, y)
            rnn.hidden_states(X, return_sequences=True)
            if estimator is RNNClassifier:
                rnn.predict_proba(X)
                rnn.predict_log_proba(X)
        rnn.save_weights(tmp_path / "model.npz")
        estimator().load_weights(tmp_path / "model.npz").predict(X)
        pickle.loads(pickle.dumps(rnn)).predict(X)


@pytest.mark.parametrize("size", SIZES)
def test_the_scaler_raises_no_floating_point_error(size):
    for X, _ in draw(size):
        scaler = SequenceScaler().fit(X, sample_weight=np.abs(X[:, 0, 0]) + size)
        scaler.partial_fit(X).inverse_transform(scaler.transform(X))
        SequenceScaler().fit_transform(list(X))


@pytest.mark.parametrize("size", SIZES)
def test_metrics_raise_no_floating_point_error(size):
    for _, numbers in draw(size):
        assert metrics.step_r2(numbers, numbers) == 1.0
        assert metrics.step_r2(numbers, numbers[::-1], sample_weight=numbers[:, 0] > 0) < 1.0
        weights = np.abs(numbers) + size
        assert metrics.step_accuracy(numbers > 0, numbers > 0, sample_weight=weights) == 1.0
        assert metrics.sequence_accuracy(numbers > 0, numbers > 0, sample_weight=weights) == 1.0


@pytest.mark.parametrize("settings", [{"all": "raise"}, {"over": "warn", "under": "print"}])
def test_callbacks_run_under_the_settings_of_the_caller(settings):
    (X, numbers), _ = draw(1.0)
    seen = []

    def look(rnn, info):
        seen.append(np.geterr())
        rnn.predict(X)
        seen.append(np.geterr())

    with np.errstate(**settings):
        RNNRegressor(2, max_iter=2).fit(X, numbers[:, 0], callbacks=look)
        assert seen == [np.geterr()] * 4
