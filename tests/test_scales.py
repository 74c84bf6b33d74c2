"""Mean and scale of X and y: what they are, and how networks read with them."""

import tracemalloc

import numpy as np
import pytest
import reference
from cases import (
    GRU,
    NOT_SANITIZED,
    RTOL,
    assert_close,
    assert_gradients_close,
    draw_dataset,
    draw_params,
    make_network,
    nodes_of_estimator,
    run_engine,
    run_reference,
    simd_level,
)
from scale_settings import EITHER, STILL, lists

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._data.moments import Moments
from sklearn_rnn._training.held_out import split


def scaled(X, mean, scale):
    return [(x - mean) / scale for x in X]


# ---- the kernels ------------------------------------------------------------------------------


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("values_dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_features", [1, 3, 17])
def test_kernels_normalise_as_the_reference_does(n_features, values_dtype, dtype, level):
    rng = np.random.default_rng(0)
    network = make_network(
        GRU, (5, 4), n_features=n_features, bidirectional=True, per_step=True, dtype=dtype
    )
    params = draw_params(network, rng)
    data = draw_dataset(network, (3, 5, 1, 4), rng)
    mean, scale = rng.normal(size=n_features), rng.uniform(0.5, 3.0, n_features)
    values = (100 * mean + 10 * data.values).astype(values_dtype)
    raw = _core.Dataset(values, data.offsets, data.targets, None, 100 * mean, 10 * scale)
    read = (values.astype(np.float64) - 100 * mean) / (10 * scale)
    expected = run_reference(network, params, _core.Dataset(read, data.offsets, data.targets))
    with simd_level(level):
        actual = run_engine(network, params, raw)
    assert_close(actual.loss, expected.loss, RTOL[dtype])
    assert_close(actual.predictions, expected.predictions, RTOL[dtype])
    assert_gradients_close(network, actual.d_params, expected.d_params, RTOL[dtype])
    assert_close(actual.d_values, expected.d_values / (10 * scale), RTOL[dtype])


def test_a_mean_or_scale_of_another_shape_or_type_is_refused():
    values, offsets = np.ones((4, 2)), np.array([0, 4])
    for mean, scale in (
        (np.zeros(3), np.ones(2)),
        (np.zeros(2), np.ones(1)),
        (np.zeros(2), None),
        (np.zeros(2, np.float32), np.ones(2)),
    ):
        with pytest.raises(ValueError, match=r"`(mean|scale)` must be a C-contiguous array"):
            _core.Dataset(values, offsets, mean=mean, scale=scale)


# ---- what is taken over all steps ---------------------------------------------------------------


@EITHER
@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_a_network_reads_x_in_units_of_its_scale(estimator, mode):
    X, labels, numbers = lists()
    y = labels if estimator is RNNClassifier else numbers
    if mode == "many_to_many":
        y = [np.repeat(target, len(x)) for target, x in zip(y, X, strict=True)]
    options = {"max_iter": 5, "dtype": "float64", "mode": mode, "random_state": 0}
    rnn = estimator(4, **options).fit(X, y)
    steps = np.concatenate(X)
    np.testing.assert_allclose(rnn.x_mean_, steps.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(rnn.x_scale_, steps.std(axis=0), rtol=1e-12)
    by_hand = estimator(4, normalize_X=False, **options)
    by_hand.fit(scaled(X, rnn.x_mean_, rnn.x_scale_), y)
    np.testing.assert_allclose(rnn.params_, by_hand.params_, rtol=1e-6, atol=1e-9)
    assert not by_hand.x_mean_.any() and (by_hand.x_scale_ == 1).all()


def test_features_of_only_0_and_1_stay_and_constant_ones_get_scale_1():
    rng = np.random.RandomState(0)
    X = np.zeros((20, 4, 6))
    X[:, :, 0] = rng.randint(0, 2, size=(20, 4))
    X[:, :, 1] = 1.0
    X[:, :, 3] = 7.5
    X[:, :, 4] = 0.1 + 0.2 * rng.randint(0, 2, size=(20, 4)) * 1e-16  # constant up to rounding
    X[:, :, 5] = rng.randint(0, 3, size=(20, 4))
    rnn = RNNRegressor(2, max_iter=1).fit(X, X[:, 0, 0])
    np.testing.assert_array_equal(rnn.x_mean_[:4], [0, 0, 0, 7.5])
    np.testing.assert_array_equal(rnn.x_scale_[:5], 1.0)
    assert rnn.x_scale_[5] == pytest.approx(X[:, :, 5].std())


def test_a_2d_array_has_one_mean_for_all_its_steps():
    X = np.random.RandomState(0).normal(5, 2, size=(30, 7))
    rnn = RNNRegressor(2, max_iter=1).fit(X, X[:, 0])
    np.testing.assert_allclose([rnn.x_mean_, rnn.x_scale_], [[X.mean()], [X.std()]])


@EITHER
def test_each_step_counts_with_the_weight_of_its_sequence(estimator):
    X, labels, numbers = lists()
    y = labels if estimator is RNNClassifier else numbers
    k = np.random.RandomState(1).randint(0, 4, size=60)
    weighted = estimator(2, max_iter=1).fit(X, y, k)
    copies = np.repeat(np.arange(60), k)
    copied = estimator(2, max_iter=1).fit([X[i] for i in copies], [y[i] for i in copies])
    np.testing.assert_allclose(weighted.x_mean_, copied.x_mean_, rtol=1e-12)
    np.testing.assert_allclose(weighted.x_scale_, copied.x_scale_, rtol=1e-12)


def test_class_weights_and_what_is_held_out_have_no_part_in_the_scale():
    X, labels, _ = lists()
    plain = RNNClassifier(2, max_iter=1).fit(X, labels)
    by_class = RNNClassifier(2, max_iter=1, class_weight={"up": 9.0}).fit(X, labels)
    np.testing.assert_array_equal(by_class.x_mean_, plain.x_mean_)
    rnn = RNNClassifier(2, max_iter=1, early_stopping=True, random_state=0).fit(X, labels)
    kept, _ = split(60, 0.1, labels, np.random.RandomState(0))
    steps = np.concatenate([X[i] for i in kept])
    np.testing.assert_allclose(rnn.x_mean_, steps.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_steps_behind_the_last_taught_one_count_only_where_they_are_read(bidirectional):
    X, _, _ = lists()
    y = [x[:, 0] for x in X]
    weights = [np.arange(len(x)) == 0 for x in X]  # of each the first step alone
    rnn = RNNRegressor(2, mode="many_to_many", bidirectional=bidirectional, max_iter=1)
    rnn.fit(X, y, [w.astype(float) for w in weights])
    seen = X if bidirectional else [x[:1] for x in X]
    np.testing.assert_allclose(rnn.x_mean_, np.concatenate(seen).mean(axis=0), rtol=1e-12)


def test_the_weight_of_a_sequence_is_the_mean_of_its_taught_steps():
    X = [np.array([[0.0], [1.0], [2.0]]), np.array([[10.0], [20.0]])]
    weights = [[0.0, 1.0, 3.0], [4.0, 4.0]]
    rnn = RNNRegressor(2, mode="many_to_many", max_iter=1).fit(X, [[0, 1, 2], [3, 4]], weights)
    expected = np.average([0, 1, 2, 10, 20], weights=[2, 2, 2, 4, 4])
    assert rnn.x_mean_[0] == pytest.approx(expected)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_tiny_and_huge_features_are_scaled(factor):
    X, _, numbers = lists()
    options = {"max_iter": 3, "dtype": "float64", "random_state": 0}
    rnn = RNNRegressor(3, **options).fit([x * factor for x in X], numbers)
    usual = RNNRegressor(3, **options).fit(X, numbers)
    np.testing.assert_allclose(rnn.x_scale_, usual.x_scale_ * factor)
    np.testing.assert_allclose(rnn.predict([x * factor for x in X]), usual.predict(X), rtol=1e-6)


def test_features_that_float32_hardly_holds_count_as_constant():
    X = (1e-40 * np.random.RandomState(0).normal(size=(30, 4, 2))).astype(np.float32)
    rnn = RNNRegressor(2, max_iter=1).fit(X, np.arange(30.0))
    np.testing.assert_array_equal(rnn.x_scale_, 1.0)


def test_x_whose_scale_overflows_is_refused_by_name():
    X = np.full((4, 2, 1), 1.7e308)
    X[::2] *= -1
    rnn = RNNRegressor(2)
    with pytest.raises(ValueError, match=r"`X` has values up to 1\.7e"):
        rnn.fit(X, np.arange(4.0))
    assert not hasattr(rnn, "params_")


def test_hidden_states_and_scores_are_those_of_normalised_x():
    X, _, numbers = lists()
    rnn = RNNRegressor(3, cell="gru", max_iter=2, dtype="float64").fit(X, numbers)
    expected = reference.hidden_states(
        rnn.weights_, scaled(X, rnn.x_mean_, rnn.x_scale_), nodes_of_estimator(rnn)
    )
    np.testing.assert_allclose(rnn.hidden_states(X), expected, atol=1e-12)


@NOT_SANITIZED
def test_x_is_scaled_without_a_copy():
    X = np.random.default_rng(0).normal(3, 2, size=(4000, 100, 20))
    y = X[:, 0, 0]
    tracemalloc.start()
    RNNRegressor(2, max_iter=1, batch_size=16, n_threads=1).fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.9 * X.nbytes  # BLAS is promised 40 MB of them


# ---- moments that run -------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_of_parts_add_up_to_those_of_all(weighted):
    rng = np.random.RandomState(0)
    columns = rng.normal(size=(1000, 4)) * [1, 1e-170, 1e170, 0] + [1e6, 0, 0, 3]
    weights = rng.exponential(size=1000) if weighted else None
    whole, parts = Moments.of(columns, weights), None
    for rows in np.array_split(np.arange(1000), 7):
        part = Moments.of(columns[rows], weights[rows] if weighted else None)
        parts = part if parts is None else parts + part
    assert parts.n == whole.n == 1000
    for name in ("weight", "mean", "deviation", "least", "greatest", "binary", "constant"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-9)
    np.testing.assert_array_equal(whole.constant, [False, False, False, True])
    again = Moments.from_array(whole.as_array())
    np.testing.assert_array_equal(again.as_array(), whole.as_array())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_columns", [1, 2, 32, 33, 50])
def test_moments_of_rows_are_those_of_columns(n_columns, dtype, weighted):
    rng = np.random.RandomState(0)
    rows = rng.normal(1e4, 1, size=(300_000 // n_columns, n_columns)).astype(dtype)
    rows[:, -1] = 7.0
    rows[:, 0] = rng.randint(0, 2, len(rows))
    weights = rng.exponential(size=len(rows)) * rng.randint(0, 2, len(rows)) if weighted else None
    moments = Moments.of_rows(rows, weights)
    used = slice(None) if weights is None else weights > 0
    whole = Moments.of(rows[used].astype(np.float64), None if weights is None else weights[used])
    for name in ("n", "weight", "mean", "deviation", "least", "greatest", "binary", "constant"):
        np.testing.assert_allclose(getattr(moments, name), getattr(whole, name), rtol=1e-9)
    assert moments.binary.any() and moments.constant[-1] == (n_columns > 1)


def test_a_constant_stays_one_when_parts_are_added():
    part = Moments.of(np.full((3, 1), 0.1))
    total = part
    for _ in range(50):
        total = total + part
    assert total.mean[0] == 0.1 and total.deviation[0] == 0.0


@pytest.mark.parametrize("factor", [1.0, 1000.0])
def test_a_fit_counts_its_weights_by_their_ratios_in_what_runs_on(factor):
    X, _, numbers = lists(50)
    weights = np.random.RandomState(0).exponential(size=50)
    rnn = RNNRegressor(3, max_iter=1, random_state=0, **STILL)
    rnn.fit(X, numbers, factor * weights).partial_fit([x + rnn.x_scale_ for x in X], numbers + 5)
    steps = np.concatenate([*X, *(x + 0 for x in X)])[:, 0]
    lengths = np.array([len(x) for x in X])
    of_fit = np.repeat(weights, lengths)
    of_fit *= len(of_fit) / of_fit.sum()
    shift = np.concatenate([np.zeros(len(of_fit)), np.full(len(of_fit), 1.0)])
    scale = np.sqrt(
        np.average((X_0 := steps[: len(of_fit)]) ** 2, weights=of_fit)
        - np.average(X_0, weights=of_fit) ** 2
    )
    both = np.concatenate([of_fit, np.ones(len(of_fit))])
    expected = np.average(steps + shift * scale, weights=both)
    assert rnn.x_mean_[0] == pytest.approx(expected)
    y_weights = np.concatenate([weights * 50 / weights.sum(), np.ones(50)])
    expected = np.average(np.concatenate([numbers, numbers + 5]), weights=y_weights)
    assert rnn.y_mean_[0] == pytest.approx(expected)
