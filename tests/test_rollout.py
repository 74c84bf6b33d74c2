"""rollout: a regressor reads its own predictions."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn.forecasting import rollout
from sklearn_rnn.layers import Conv1D
from sklearn_rnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 9, 2)).cumsum(axis=1)
PER_STEP = {"mode": "many_to_many", "random_state": 0}


def fitted(X, y=None, sizes=6, **options):
    """Fit a regressor of the next step."""
    y = [x[1:] for x in X] if y is None else y
    rnn = RNNRegressor(sizes, **{"max_iter": 3, **PER_STEP, **options})
    return rnn.fit([x[:-1] for x in X], y)


def by_hand(rnn, X, n_steps, future=None):
    """Predict step by step, each time from the whole sequence so far."""
    X, results = [np.array(x, dtype=np.float64) for x in X], []
    for step in range(n_steps):
        results.append(np.array([each[-1] for each in rnn.predict(X)]))
        rows = results[-1].reshape(len(X), -1)
        if future is not None:
            rows = np.hstack([rows, future[:, min(step, len(future[0]) - 1)]])
        X = [np.vstack([x, row]) for x, row in zip(X, rows, strict=True)]
    return np.stack(results, axis=1)


@pytest.mark.parametrize("cell", _core.CELLS)
def test_predictions_are_read_like_data(cell):
    rnn = fitted(X, cell=cell, sizes=(5, 4))
    ragged = [x[: 3 + i] for i, x in enumerate(X)]
    result = rollout(rnn, ragged, 4)
    assert result.shape == (6, 4, 2) and result.dtype == np.float64
    assert (result == by_hand(rnn, ragged, 4)).all()
    assert (rollout(rnn, ragged, 2) == result[:, :2]).all()
    assert (rollout(rnn, ragged[2:3], 4) == result[2:3]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"input_layers": [Conv1D(4, 3)]},
        {"loss": "huber", "normalize_y": False, "normalize_X": False, "dtype": "float64"},
        {"loss": "quantile", "quantile": 0.5},
        {"connections": "skip", "sizes": (4, 4)},
    ],
)
def test_other_networks_go_on_too(options):
    rnn = fitted(X, **options)
    np.testing.assert_allclose(rollout(rnn, X, 3), by_hand(rnn, X, 3), rtol=1e-5)


def test_one_number_per_step_makes_rows_of_numbers():
    series = [x[:, 0] for x in X]
    rnn = fitted(series)
    result = rollout(rnn, series, 5)
    assert result.shape == (6, 5)
    columns = rollout(fitted(X[:, :, :1]), X[:, :, :1], 5)
    assert columns.shape == (6, 5, 1)
    np.testing.assert_allclose(columns[:, :, 0], result, rtol=1e-5)
    grid = RNNRegressor(4, max_iter=2, **PER_STEP).fit(X[:, :-1, 0], X[:, 1:, 0])
    assert rollout(grid, X[:, :-1, 0], 3).shape == (6, 3)


def test_features_that_are_known_ahead_come_from_X_future():
    rnn = fitted(X, [x[1:, 0] for x in X])  # feature 1 is not predicted
    future = RNG.standard_normal((6, 3, 1))
    result = rollout(rnn, X, 4, X_future=future)
    assert (result == by_hand(rnn, X, 4, future)).all()
    more = np.concatenate([future, np.full((6, 2, 1), 1e9)], axis=1)
    assert (rollout(rnn, X, 4, X_future=more) == result).all()
    assert (rollout(rnn, X, 4, X_future=future[:, :, 0].tolist()) == result).all()
    assert rollout(rnn, X, 1).shape == (6, 1)
    other = fitted(X[:, :, ::-1], [x[1:, 0] for x in X], dtype="float64")
    swapped = rollout(other, X[:, :, ::-1], 3, X_future=future, columns=[1])
    rows = np.stack([future[:, :2, 0], swapped[:, :2]], axis=2)
    x = np.concatenate([X[:, :, ::-1], rows], axis=1)
    np.testing.assert_allclose(swapped[:, 2], other.predict(x)[:, -1], rtol=1e-9)


def test_columns_say_which_features_are_predicted():
    rnn = fitted(X, [x[1:, ::-1] for x in X], dtype="float64")
    straight = fitted(X, dtype="float64")
    result = rollout(rnn, X, 1)
    assert (result == by_hand(rnn, X, 1)).all() and (rollout(straight, X, 1) != result).any()
    crossed = rollout(rnn, X, 3, columns=[1, 0])
    x = np.concatenate([X, crossed[:, :2, ::-1]], axis=1)
    np.testing.assert_allclose(crossed[:, 2], rnn.predict(x)[:, -1], rtol=1e-9)


def test_a_pipeline_transforms_what_is_fed_back():
    scaled = make_pipeline(SequenceScaler(), RNNRegressor(6, max_iter=5, **PER_STEP))
    scaled.fit(X[:, :-1] * 100, X[:, 1:] * 100)
    result, x = rollout(scaled, X * 100, 3), X * 100
    for step in range(3):
        last = scaled.predict(x)[:, -1]
        np.testing.assert_allclose(result[:, step], last, rtol=1e-4)
        x = np.concatenate([x, last[:, np.newaxis]], axis=1)
    alone = make_pipeline(fitted(X))
    assert (rollout(alone, X, 2) == rollout(alone[-1], X, 2)).all()


# ---- dynamical systems --------------------------------------------------------------------------


def test_an_oscillator_goes_on_with_its_phase():
    t = np.arange(80) * 0.4
    waves = np.sin(t + RNG.uniform(0, 6, (24, 1)))[:, :, np.newaxis]
    rnn = fitted(waves, sizes=16, max_iter=120, learning_rate="cosine")
    error = np.abs(rollout(rnn, waves[:, :20], 40) - waves[:, 20:60])
    assert error.max() < 0.2
    assert np.abs(waves[:, 19:20] - waves[:, 20:60]).max() > 1.5  # the last value does not go on


def test_a_chaotic_map_is_predicted_for_a_few_steps_and_keeps_its_distribution():
    x = [RNG.uniform(0.1, 0.9, 64)]
    for _ in range(60):
        x.append(3.9 * x[-1] * (1 - x[-1]))
    orbits = np.stack(x, axis=1)[:, :, np.newaxis]  # of the logistic map
    rnn = fitted(orbits, sizes=24, max_iter=60, learning_rate="one_cycle")
    forecasts = rollout(rnn, orbits[:, :30], 200)
    error = np.abs(forecasts[:, :31] - orbits[:, 30:]).mean(axis=(0, 2))
    assert error[:3].max() < 0.05 and error[-5:].min() > 0.1  # neighbours part
    shares, edges = np.histogram(forecasts, bins=8, range=(0, 1), density=True)
    expected, _ = np.histogram(orbits, bins=edges, density=True)
    assert np.abs(shares - expected).mean() < 0.25


# ---- errors -------------------------------------------------------------------------------------


def test_wrong_arguments_are_named():
    rnn, narrow = fitted(X), fitted(X, [x[1:, 0] for x in X])
    for arguments, message in [
        ((rnn, X, 0), "`n_steps`"),
        ((rnn, X, 2.5), "`n_steps`"),
        ((rnn, X[:, :, :1], 2), "features"),
        ((rnn, X, 2, np.ones((6, 1, 1))), "`X_future` must be None"),
        ((narrow, X, 3), r"`X_future` must have the 1 of the 2 features .*\(6, 2, 1\)"),
        ((narrow, X, 3, np.ones((6, 1, 1))), r"`X_future` must have shape \(6, 2, 1\)"),
        ((narrow, X, 3, np.full((6, 2, 1), np.nan)), "`X_future` must be finite"),
        ((rnn, X, 2, None, [0]), "`columns`"),
        ((rnn, X, 2, None, [0, 0]), "`columns`"),
        ((rnn, X, 2, None, [0, 2]), "`columns`"),
        ((rnn, X, 2, None, "ab"), "`columns`"),
    ]:
        estimator, sequences, n_steps, *options = arguments
        names = dict(zip(("X_future", "columns"), options, strict=False))
        with pytest.raises(ValueError, match=message):
            rollout(estimator, sequences, n_steps, **names)


def test_wrong_estimators_are_named():
    y = [x[1:] for x in X]
    with pytest.raises(ValueError, match="many_to_many"):
        rollout(RNNRegressor(3, max_iter=1).fit(X, X[:, 0]), X, 2)
    with pytest.raises(ValueError, match="bidirectional"):
        rollout(fitted(X, bidirectional=True), X, 2)
    with pytest.raises(ValueError, match="quantile"):
        rollout(fitted(X, loss="quantile", quantile=[0.1, 0.9]), X, 2)
    with pytest.raises(ValueError, match="3 outputs"):
        rollout(fitted(X, [np.hstack([each, each[:, :1]]) for each in y]), X, 2)
    for wrong in (RNNClassifier(), "rnn", make_pipeline(SequenceScaler())):
        with pytest.raises(TypeError, match="RNNRegressor"):
            rollout(wrong, X, 2)
    with pytest.raises(NotFittedError):
        rollout(RNNRegressor(), X, 2)


def test_predictions_that_grow_without_limit_are_refused():
    rnn = fitted(X, max_iter=1)
    weights = dict(rnn.weights_)
    weights["head.bias"] = weights["head.bias"] + 3e38
    rnn.set_weights(weights)
    with pytest.raises(ValueError, match="`n_steps` must be at most 1"):
        rollout(rnn, X, 3)
