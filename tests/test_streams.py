"""Predictions that go on from states: block by block, and step by step."""

import copy
import pickle

import numpy as np
import pytest
from cases import EVERY_CELL, cell_of
from numpy.testing import assert_array_equal

from sklearn_rnn import RNNClassifier, RNNRegressor

N, T, F = 7, 23, 3
X = np.random.default_rng(0).standard_normal((N, T, F))
SUMS = X[:, :, 0].cumsum(axis=1)

each_cell = pytest.mark.parametrize("cell", EVERY_CELL, ids="-".join)
each_mode = pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def fit(estimator, cell=("gru", ""), mode="many_to_many", classes=2, **options):
    y = SUMS if mode == "many_to_many" else SUMS[:, -1]
    if estimator is RNNClassifier:
        y = np.digitize(y, [0.0, 2.0][: classes - 1])
        y = np.array(["low", "middle", "high"])[y]
    options = {"hidden_layer_sizes": (9, 17), "tol": 0.0, "random_state": 0} | options
    return estimator(cell=cell_of(cell), mode=mode, max_iter=2, **options).fit(X, y)


def methods(estimator):
    return ("predict",) + ("predict_proba", "predict_log_proba") * (estimator is RNNClassifier)


# ---- Step by step -------------------------------------------------------------------------------


@each_cell
@each_mode
@each_dtype
def test_a_stream_gives_the_bits_of_the_whole(cell, mode, dtype):
    for estimator, classes in ((RNNRegressor, 2), (RNNClassifier, 2), (RNNClassifier, 3)):
        rnn = fit(estimator, cell, mode, classes, dtype=dtype)
        for method in methods(estimator):
            stream = rnn.stream(N, method=method)
            for t in range(T):
                results = stream.step(X[:, t])
                if mode == "many_to_many":
                    whole = getattr(rnn, method)(X)[:, t]
                elif t in (0, 1, T - 1):
                    whole = getattr(rnn, method)(X[:, : t + 1])
                else:
                    continue
                assert results.dtype == whole.dtype
                assert_array_equal(results, whole)


@pytest.mark.parametrize("n_streams", [1, 16, 17, 100, 513, 2000])
@pytest.mark.parametrize("cell", [("lstm", ""), ("jordan", "tanh")], ids="-".join)
def test_any_number_of_streams_goes_on(cell, n_streams):
    rnn = fit(RNNRegressor, cell)
    many = np.random.default_rng(1).standard_normal((n_streams, 4, F))
    stream = rnn.stream(n_streams)
    whole = rnn.predict(many)
    for t in range(4):
        assert_array_equal(stream.step(many[:, t]), whole[:, t])
    assert all(len(state) == n_streams for state in stream.state.values())


def test_arrays_in_any_memory_are_read():
    rnn = fit(RNNRegressor)
    expected = rnn.predict(X)[:, 0]
    unaligned = np.zeros(X[:, 0].nbytes + 1, np.uint8)[1:].view(np.float64).reshape(N, F)
    unaligned[...] = X[:, 0]
    for x in (X[:, 0].astype(">f8"), np.asfortranarray(X[:, 0]), unaligned, X[:, 0].tolist()):
        assert_array_equal(rnn.stream(N).step(x), expected)


def test_results_that_are_not_finite_are_refused():
    rnn = fit(RNNRegressor, ("elman", "relu"), dtype="float32", normalize_X=False)
    weights = {name: np.full(w.shape, 1e30) for name, w in rnn.weights_.items()}
    stream = rnn.set_weights(weights).stream()
    with pytest.raises(ValueError, match="`x` leads to results that are not finite in float32"):
        stream.step(np.full((1, F), 1e20))


def test_a_stream_normalises_as_the_estimator_does():
    rnn = RNNRegressor(5, mode="many_to_many", max_iter=2, tol=0.0).fit(X * 50 + 7, SUMS)
    stream = rnn.stream(N)
    for t in range(T):
        assert_array_equal(stream.step(X[:, t] * 50 + 7), rnn.predict(X * 50 + 7)[:, t])


def test_streams_can_be_reset_and_reordered():
    rnn = fit(RNNRegressor, ("lstm", ""))
    stream, rows = rnn.stream(N), np.array([3, 3, 0, 6, 1, 1, 2])
    for t in range(5):
        stream.step(X[:, t])
    stream.reorder(rows)
    assert_array_equal(stream.step(X[rows, 5]), rnn.predict(X[rows])[:, 5])
    stream.reset((0, 2))
    stream.reset(())
    results = stream.step(X[rows, 6])
    first = rnn.predict(X[rows][:, 6:7])[:, 0]
    going_on = rnn.predict(X[rows])[:, 6]
    assert_array_equal(results, np.where(np.isin(np.arange(N), [0, 2]), first, going_on))
    stream.reset()
    assert_array_equal(stream.step(X[:, 0]), rnn.predict(X)[:, 0])


@each_cell
def test_the_state_of_a_stream_can_be_kept_and_set(cell):
    rnn = fit(RNNRegressor, cell)
    stream = rnn.stream(N)
    for t in range(4):
        stream.step(X[:, t])
    kept = stream.state
    expected = stream.step(X[:, 4])
    other = rnn.stream(N)
    other.state = kept
    assert_array_equal(other.step(X[:, 4]), expected)
    # The states are those that `predict` returns, and a copy.
    _, states = rnn.predict(X[:, :4], return_state=True)
    assert kept.keys() == states.keys()
    for name, values in states.items():
        assert_array_equal(kept[name], values)
        assert not np.shares_memory(stream.state[name], stream.state[name])


def test_a_stream_keeps_its_weights_and_scales():
    rnn = fit(RNNRegressor)
    before, stream = rnn.predict(X), rnn.stream(N)
    rnn.partial_fit(X, SUMS)
    for array in (rnn.y_scale_, rnn.y_mean_, rnn.x_mean_, rnn.x_scale_, rnn.params_):
        array *= 2
    assert_array_equal(stream.step(X[:, 0]), before[:, 0])


def test_integers_are_steps_too():
    rnn = fit(RNNRegressor)
    whole = rnn.predict(np.rint(X))[:, 0]
    for dtype in (np.int64, np.int8, np.float16, object):
        assert_array_equal(rnn.stream(N).step(np.rint(X[:, 0]).astype(dtype)), whole)


def test_streams_compute_under_any_floating_point_settings():
    rnn = fit(RNNClassifier)
    weights = dict(rnn.weights_)
    stream = rnn.set_weights(weights | {"head.bias": [500.0]}).stream(N, method="predict_log_proba")
    with np.errstate(all="raise"):
        stream.state = {name: np.full_like(s, 1e-30) ** 1 for name, s in stream.state.items()}
        stream.step(X[:, 0])


@pytest.mark.parametrize("one_feature", [X[:, :, 0], X[:, :, :1]], ids=["2-D", "3-D"])
def test_one_feature_needs_no_axis(one_feature):
    rnn = RNNRegressor(4, mode="many_to_many", max_iter=1, tol=0.0).fit(one_feature, SUMS)
    expected = rnn.predict(one_feature)
    for step in (lambda t: X[:, t, 0], lambda t: X[:, t, :1]):
        stream = rnn.stream(N)
        for t in range(3):
            assert_array_equal(stream.step(step(t)), expected[:, t])


def test_one_row_is_told_how_to_be_passed():
    with pytest.raises(ValueError, match=r"got \(3,\)\. Pass one row as `\[x\]`\.$"):
        fit(RNNRegressor).stream().step(X[0, 0])


@pytest.mark.parametrize(
    "x, error",
    [
        (np.zeros((2, F)), r"`x` must have shape \(7, 3\).*\(2, 3\)"),
        (np.zeros(F), r"`x` must have shape"),
        (np.full((N, F), np.nan), "`x` must be finite.*row 0, feature 0"),
        (np.where(np.arange(F) == 1, np.inf, X[:, 0]), "`x` must be finite.*row 0, feature 1"),
        (np.full((N, F), 1e35), "`x` must be finite and at most 1e"),
        (np.full((N, F), "a"), "`x`"),
        (None, "`x`"),
    ],
)
@each_dtype
def test_a_bad_step_is_refused_and_changes_no_state(x, error, dtype):
    rnn = fit(RNNRegressor, dtype=dtype)
    stream = rnn.stream(N)
    stream.step(X[:, 0])
    if dtype == "float64" and x is not None and x.dtype.kind == "f":
        x = np.where(x == 1e35, 1e305, x)
    with pytest.raises((ValueError, TypeError), match=error):
        stream.step(x)
    assert_array_equal(stream.step(X[:, 1]), rnn.predict(X)[:, 1])


def test_bad_streams_and_states_are_refused():
    rnn = fit(RNNRegressor)
    for n_streams in (0, -1, 1.5, "2", None, True):
        with pytest.raises(ValueError, match="`n_streams` must be an integer"):
            rnn.stream(n_streams)
    with pytest.raises(ValueError, match="`method` must be one of 'predict'"):
        rnn.stream(method="predict_proba")
    stream = rnn.stream(2)
    for rows in ([0], [[0], [0, 1]], [0, 2], [-1, 0], [0.0, 1.0], "01"):
        with pytest.raises(ValueError, match="`rows` must be 2 integers"):
            stream.reorder(rows)
    for rows in (2, [0, 5], (slice(None), 0), "a", 0.5):
        with pytest.raises(IndexError):
            stream.reset(rows)
    with pytest.raises(ValueError, match=r"`state` must have the keys \['h_l0', 'h_l1'\]"):
        stream.state = {"h_l0": np.zeros((2, 9))}
    with pytest.raises(TypeError, match="`state` must be a dict"):
        stream.state = np.zeros((2, 9))
    with pytest.raises(ValueError, match=r"bidirectional=False"):
        fit(RNNRegressor, bidirectional=True).stream()
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="make another one and set its `state`"):
            copied(stream)


# ---- Block by block -----------------------------------------------------------------------------


@each_cell
@each_dtype
def test_blocks_have_the_bits_of_the_whole(cell, dtype):
    for estimator in (RNNRegressor, RNNClassifier):
        rnn = fit(estimator, cell, dtype=dtype)
        for method in methods(estimator)[:2]:
            predict, state, results = getattr(rnn, method), None, []
            for first, end in ((0, 1), (1, 2), (2, 15), (15, T)):
                block, state = predict(X[:, first:end], initial_state=state, return_state=True)
                results.append(block)
            assert_array_equal(np.concatenate(results, axis=1), predict(X))


@each_cell
def test_ragged_sequences_end_at_their_own_states(cell):
    rnn = fit(RNNRegressor, cell)
    lengths = [5, 1, 23, 2, 9, 9, 14]
    ragged = [x[:n] for x, n in zip(X, lengths, strict=True)]
    _, states = rnn.predict(ragged, return_state=True)
    for i, (x, n) in enumerate(zip(X, lengths, strict=True)):
        _, alone = rnn.predict(x[np.newaxis, :n], return_state=True)
        for name in states:
            assert_array_equal(states[name][i], alone[name][0])
    rest = [x[n : n + 4] if n < T else x[:4] for x, n in zip(X, lengths, strict=True)]
    going_on = rnn.predict(rest, initial_state=states)
    for i, n in enumerate(lengths):
        if n < T:
            whole = rnn.predict(X[i : i + 1, : n + 4])[0]
            assert_array_equal(going_on[i], whole[n:])


@pytest.mark.parametrize("n_threads", [1, 3])
@each_mode
def test_long_sequences_go_on_through_segments_and_threads(mode, n_threads):
    rnn = fit(RNNRegressor, ("lstm", ""), mode, n_threads=n_threads)
    long = np.random.default_rng(1).standard_normal((40, 500, F))
    whole, end = rnn.predict(long, return_state=True)
    _, middle = rnn.predict(long[:, :300], return_state=True)
    second, state = rnn.predict(long[:, 300:], initial_state=middle, return_state=True)
    assert_array_equal(second, whole[:, 300:] if mode == "many_to_many" else whole)
    for name in end:
        assert_array_equal(state[name], end[name])


def test_bad_initial_states_are_refused():
    rnn = fit(RNNRegressor)
    _, good = rnn.predict(X, return_state=True)
    bad = [
        ({}, r"`initial_state` must have the keys \['h_l0', 'h_l1'\]"),
        (good | {"c_l0": good["h_l0"]}, r"unknown \['c_l0'\]"),
        (good | {"h_l0": good["h_l0"][:3]}, r"`initial_state\['h_l0'\]` must have shape \(7, 9\)"),
        (good | {"h_l1": good["h_l1"] * np.nan}, r"`initial_state\['h_l1'\]` must be finite"),
        (good | {"h_l1": None}, r"`initial_state\['h_l1'\]`"),
    ]
    for state, error in bad:
        with pytest.raises((ValueError, TypeError), match=error):
            rnn.predict(X, initial_state=state)
    with pytest.raises(TypeError, match="`initial_state` must be a dict of arrays of these shapes"):
        rnn.predict(X, initial_state=1)
    with pytest.raises(ValueError, match="`return_state` must be True or False"):
        rnn.predict(X, return_state="yes")
    with pytest.raises(ValueError, match="bidirectional=False"):
        fit(RNNRegressor, bidirectional=True).predict(X, return_state=True)
