"""The losses "quantile" and "gamma" of the regressor: predictions, scores, and bad input."""

import pickle

import numpy as np
import pytest
import reference
from bad_input import NUMBERS, RAGGED
from cases import as_read
from sklearn.metrics import d2_pinball_score, mean_gamma_deviance, mean_pinball_loss

from sklearn_rnn import RNNRegressor
from sklearn_rnn._metrics.numbers import d2_pinball

RNG = np.random.RandomState(0)
X = RNG.normal(size=(80, 5, 2))
Y = X.sum(axis=(1, 2)) + 0.5 * RNG.standard_t(4, size=80)
TWO = np.column_stack([Y, 100 - 30 * Y**2])
WEIGHTS = RNG.exponential(size=80) * (RNG.rand(80) > 0.2)
QUANTILES = [0.1, 0.5, 0.9]
QUICK = {"hidden_layer_sizes": 5, "max_iter": 5, "random_state": 0, "dtype": "float64"}

each_quantile = pytest.mark.parametrize("quantile", [0.3, [0.3], QUANTILES], ids=str)
each_y = pytest.mark.parametrize("y", [Y, TWO], ids=["one", "two"])


def regressor(quantile=0.5, **changes):
    return RNNRegressor(loss="quantile", quantile=quantile, **QUICK | changes)


def of_steps(y):
    return [np.repeat(row[np.newaxis], 5, axis=0) for row in y]


# ---- quantiles ----------------------------------------------------------------------------------


@each_y
@each_quantile
def test_a_list_of_quantiles_has_an_axis_of_its_own(quantile, y):
    axis = () if isinstance(quantile, float) else (len(quantile),)
    rnn = regressor(quantile).fit(X, y)
    assert rnn.predict(X).shape == y.shape + axis
    assert rnn.n_outputs_ == np.size(quantile) * y[0].size
    assert rnn.y_mean_.shape == rnn.y_scale_.shape == (y[0].size,)
    steps = regressor(quantile, mode="many_to_many").fit(X, of_steps(y))
    assert steps.predict(X).shape == (80, 5, *y.shape[1:], *axis)
    assert [p.shape[0] for p in steps.predict(list(X))] == [5] * 80


@each_y
@each_quantile
def test_the_loss_is_that_of_scikit_learn_and_the_reference(quantile, y):
    rnn = regressor(quantile, normalize_y=False).fit(X, y)
    z = np.concatenate(
        reference.forward(rnn.weights_, as_read(rnn, X), rnn._fitted_model().network.nodes)
    )
    columns, qs = y.reshape(80, -1), np.atleast_1d(quantile)
    z = z.reshape(80, -1, len(qs))
    losses = [mean_pinball_loss(columns, z[..., i], alpha=q) for i, q in enumerate(qs)]
    options = {"nodes": rnn._fitted_model().network.nodes, "loss": "quantile", "quantile": quantile}
    ours = reference.loss(rnn.weights_, as_read(rnn, X), y, **options)
    assert ours == pytest.approx(np.mean(losses), rel=1e-12)


@each_y
@each_quantile
def test_the_score_is_d2_of_the_pinball_loss(quantile, y):
    rnn = regressor(quantile, max_iter=30).fit(X, y)
    qs = np.atleast_1d(quantile)
    predicted = rnn.predict(X).reshape(80, -1, len(qs))
    for weights in (None, WEIGHTS):
        scores = [
            d2_pinball_score(y.reshape(80, -1), predicted[..., i], alpha=q, sample_weight=weights)
            for i, q in enumerate(qs)
        ]
        assert rnn.score(X, y, weights) == pytest.approx(np.mean(scores), rel=1e-9)
    steps = regressor(quantile, mode="many_to_many").fit(X, of_steps(y))
    predicted = steps.predict(X).reshape(400, -1, len(qs))
    truth = np.concatenate(of_steps(y)).reshape(400, -1)
    scores = [d2_pinball_score(truth, predicted[..., i], alpha=q) for i, q in enumerate(qs)]
    assert steps.score(X, of_steps(y)) == pytest.approx(np.mean(scores), rel=1e-9)


def test_the_score_is_that_of_scikit_learn_in_corner_cases():
    one = np.ones((4, 1))
    for truth, predicted in ((one, one), (one, 2 * one), (np.eye(4)[:, :1], one)):
        ours = d2_pinball(truth, predicted[..., None], [0.5])
        assert ours == d2_pinball_score(truth, predicted)
    assert np.isnan(d2_pinball(one, one[..., None], [0.5], np.eye(4)[0]))
    assert d2_pinball(one * 1.7e308, -1.7e308 * one[..., None], [0.5]) == 0.0
    huge = np.array([[1.7e308], [-1.7e308]])
    assert np.isfinite(d2_pinball(huge, -huge[..., None], [0.5]))


def test_quantiles_hold_so_many_targets():
    rng = np.random.RandomState(1)
    x = rng.normal(size=(3000, 3, 1))
    y = x[:, -1, 0] * 2 + np.abs(x[:, 0, 0]) * rng.normal(size=3000)
    rnn = RNNRegressor(16, loss="quantile", quantile=QUANTILES, max_iter=60, random_state=0).fit(
        x, y
    )
    below = (y[:, np.newaxis] <= rnn.predict(x)).mean(axis=0)
    np.testing.assert_allclose(below, QUANTILES, atol=0.03)


@each_y
def test_predictions_increase_with_the_quantile(y):
    rnn = regressor(QUANTILES).fit(X, y)
    weights = rnn.weights_
    rnn.set_weights(weights | {"head.bias": np.tile([2.0, 0.0, 1.0], y[0].size)})
    crossed = reference.forward(rnn.weights_, as_read(rnn, X), rnn._fitted_model().network.nodes)
    crossed = np.sort(np.concatenate(crossed).reshape(80, -1, 3), axis=2)
    expected = crossed * rnn.y_scale_[:, None] + rnn.y_mean_[:, None]
    np.testing.assert_allclose(rnn.predict(X).reshape(80, -1, 3), expected, rtol=1e-9)
    assert (np.diff(rnn.predict(X), axis=-1) >= 0).all()


@each_y
@each_quantile
@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_a_stream_gives_the_same_bits(mode, quantile, y):
    rnn = regressor(quantile, mode=mode).fit(X, y if mode == "many_to_one" else of_steps(y))
    stream = rnn.stream(7)
    results = [stream.step(X[:7, t]) for t in range(5)]
    expected = rnn.predict(X[:7])
    if mode == "many_to_one":
        np.testing.assert_array_equal(results[-1], expected)
    else:
        np.testing.assert_array_equal(np.stack(results, axis=1), expected)


@each_y
def test_half_of_absolute_error_is_the_quantile_of_one_half(y):
    halves = regressor(0.5, solver="adam", epsilon=1e-30, max_grad_norm=None).fit(X, y)
    wholes = RNNRegressor(loss="absolute_error", epsilon=2e-30, max_grad_norm=None, **QUICK).fit(
        X, y
    )
    np.testing.assert_allclose(halves.params_, wholes.params_, rtol=1e-6)
    assert 2 * halves.loss_ == pytest.approx(wholes.loss_)


@each_y
@each_quantile
def test_scales_and_weights_of_y_change_nothing_else(quantile, y):
    rnn = regressor(quantile).fit(X, y, WEIGHTS)
    scaled = regressor(quantile).fit(X, 1000 * y - 7, 3 * WEIGHTS)
    np.testing.assert_allclose(scaled.predict(X), 1000 * rnn.predict(X) - 7, rtol=1e-6)
    if y.ndim == 1:  # of several outputs, the unit of the loss is their mean
        assert scaled.loss_ == pytest.approx(1000 * rnn.loss_)
    assert scaled.score(X, 1000 * y - 7) == pytest.approx(rnn.score(X, y))


@each_y
@each_quantile
def test_partial_fit_absorbs_a_new_scale(quantile, y):
    rnn = regressor(quantile, learning_rate_init=1e-30).partial_fit(X[:40], y[:40])
    before, old = rnn.predict(X), rnn.y_scale_
    rnn.partial_fit(X[:40], y[:40] * 1.3 + 0.2)
    assert (rnn.y_scale_ != old).all()
    np.testing.assert_allclose(rnn.predict(X), before, rtol=1e-6)


@each_y
@each_quantile
def test_files_and_pickles_keep_quantiles(quantile, y, tmp_path):
    rnn = regressor(quantile).fit(X, y)
    for file in (tmp_path / "rnn.npz", tmp_path / "rnn.safetensors"):
        rnn.save_weights(file)
        again = RNNRegressor().load_weights(file)
        np.testing.assert_array_equal(again.predict(X), rnn.predict(X))
        assert again.loss == "quantile" and np.array_equal(again.quantile, quantile)
        again.partial_fit(X, y).load_weights(file)
        with pytest.raises(ValueError, match=r"`file` must hold.*quantile"):
            regressor([0.2, 0.8, 0.9]).fit(X, y).load_weights(file)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rnn)).predict(X), rnn.predict(X))


def test_early_stopping_scores_quantiles():
    for scoring in (None, "loss"):
        rnn = regressor(QUANTILES, early_stopping=True, scoring=scoring).fit(X, TWO)
        assert np.isfinite(rnn.validation_scores_).all()


def test_the_quantile_must_not_change_between_a_fit_and_its_continuation():
    rnn = regressor(0.5, warm_start=True).fit(X, Y)
    for quantile in (0.6, [0.5], QUANTILES):
        with pytest.raises(ValueError, match="`quantile` must not change"):
            rnn.set_params(quantile=quantile).fit(X, Y)
    RNNRegressor(**QUICK, warm_start=True).fit(X, Y).set_params(quantile=0.1).fit(X, Y)


@pytest.mark.parametrize(
    "quantile",
    [
        *(0.0, 1.0, -1, "half", None, True, np.nan, {0.5}, np.array(["a"])),
        *([], [0.5, 0.2], [0.5, 0.5], [[0.5]], [0.5, "a"], (0.1, 2)),
    ],
)
def test_quantiles_are_numbers_between_0_and_1_that_increase(refuses, quantile):
    rnn = RNNRegressor(2, quantile=quantile)
    refuses(rnn, "`quantile` must be a number above 0 and below 1, or a list.*got", RAGGED, NUMBERS)


@pytest.mark.parametrize("quantile", [np.float32(0.5), (0.1, 0.2), np.array([0.1, 0.2])])
def test_quantiles_come_in_several_forms(quantile):
    expected = quantile.tolist() if isinstance(quantile, np.ndarray) else quantile
    ours, theirs = (regressor(each).fit(X, Y) for each in (quantile, expected))
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


# ---- gamma --------------------------------------------------------------------------------------


def test_the_gamma_loss_is_half_the_deviance_of_scikit_learn():
    y = np.exp(X.sum(axis=(1, 2)) / 3)
    rnn = RNNRegressor(loss="gamma", **QUICK).fit(X, y)
    nodes = rnn._fitted_model().network.nodes
    ours = reference.loss(rnn.weights_, as_read(rnn, X), y, nodes=nodes, loss="gamma")
    half = mean_gamma_deviance(y, rnn.predict(X)) / 2
    assert ours == pytest.approx(half + np.mean(np.log(y) + 1), rel=1e-9)
    assert rnn.out_activation_ == "exp" and (rnn.predict(X) > 0).all()


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_positive_numbers_are_learned_with_the_gamma_loss(mode):
    mean = np.exp(np.cumsum(X[:, :, 0], axis=1) / 2)
    y = np.random.RandomState(0).gamma(50, mean / 50)
    y = y if mode == "many_to_many" else y[:, -1]
    rnn = RNNRegressor(
        8, mode=mode, loss="gamma", max_iter=150, learning_rate_init=0.02, random_state=0
    )
    rnn.fit(X, y)
    assert rnn.score(X, y) > 0.7
    np.testing.assert_array_equal(rnn.y_scale_, 1)


def test_gamma_ignores_targets_of_weight_0():
    y = np.abs(Y) + 0.1
    weights = np.where(np.arange(80) % 4 == 1, 0.0, 1.0)
    spoiled = np.where(weights > 0, y, -1.0)
    ours, theirs = (RNNRegressor(loss="gamma", **QUICK).fit(X, t, weights) for t in (y, spoiled))
    np.testing.assert_array_equal(ours.params_, theirs.params_)
    assert np.isfinite(ours.score(X, y, weights))
