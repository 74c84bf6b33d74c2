"""`gradient_accumulation_steps`: an update from several minibatches, and the memory it takes."""

import pickle
import re
import signal

import numpy as np
import pytest
from cases import (
    GRU,
    RTOL_REORDERED,
    assert_close,
    draw_dataset,
    draw_lengths,
    draw_params,
    make_network,
    set_optimizer,
)
from fits import same_state
from scale_settings import EITHER
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._model.network import Network, ready
from sklearn_rnn._training.minibatches import n_accumulated, resolve_batch_size
from sklearn_rnn._training.progress import Settings

BATCH = 8  # sequences of a minibatch
PART = 16  # of a part: one of 8 makes two slices of 4
RATE = 0.01


def problem(n, *, dtype="float64", weighted=False, per_step=False):
    """Return a network with dropout and an embedding, its parameters, and n ragged sequences."""
    options = {"categorical_features": [1], "embedding_dim": 3, "dropout": 0.3, "dtype": dtype}
    X = [np.c_[[0.1, 0.2, 0.3], [0, 1, 2]], np.c_[[0.1, 0.2, 0.3], [3, 4, 5]]]
    mode = "many_to_many" if per_step else "many_to_one"
    y = [[0.0, 1.0, 0.0]] * 2 if per_step else [0.0, 1.0]
    rnn = RNNRegressor((5, 4), mode=mode, max_iter=1, **options).fit(X, y)
    network, rng = rnn._fitted_model().network, np.random.default_rng(0)
    data = draw_dataset(network, draw_lengths(n, 9, True, rng), rng, weighted)
    return network, draw_params(network, rng), data


def engine_for(network, data, batch_size, k=1, n_threads=2, **options):
    lengths = np.diff(data.offsets)
    options = {"n_accumulated": k, **options}
    engine = network.engine(lengths, batch_size, n_threads, True, **options)
    set_optimizer(engine, "adam", alpha=0.01, max_grad_norm=0.1, seed=5)
    engine.weigh_by(float(len(lengths)), 1.0)
    return engine


def train(engine, params, data, minibatches, **options):
    """Return parameters, moments and losses after an update for each list of parts."""
    params = params.copy()
    moments, losses = np.zeros((2, len(params)), params.dtype), []
    with ready(engine):
        engine.load(params)
        for update, parts in enumerate(minibatches, start=1):
            for part, indices in enumerate(parts):
                number = {} if len(parts) == 1 else {"part": part, "n_parts": len(parts)}
                arguments = data, indices, params, moments, RATE, update
                losses.append(engine.train_minibatch(*arguments, **number))
    return params, moments, losses


def minibatches_of(n, size):
    order = np.random.default_rng(3).permutation(n)
    return [[order[i : i + size]] for i in range(0, n, size)] * 2


def in_parts(data, minibatches, k):
    """Cut minibatches into k parts, so that each slice of the whole is one of a part."""
    lengths = np.diff(data.offsets)
    longest_first = [batch[np.argsort(-lengths[batch], kind="stable")] for (batch,) in minibatches]
    return [[batch[m::k].copy() for m in range(k)] for batch in longest_first]


def assert_same(got, expected):
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# ---- the engine: more slices, not larger ones ---------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_gives_the_bits_of_one_large_minibatch(weighted, per_step, dtype):
    network, params, data = problem(70, dtype=dtype, weighted=weighted, per_step=per_step)
    minibatches = minibatches_of(70, 4 * BATCH)  # the last one is smaller
    expected = train(engine_for(network, data, 4 * BATCH), params, data, minibatches)
    for n_threads in (1, 2, 4):
        engine = engine_for(network, data, BATCH, 4, n_threads)
        assert_same(train(engine, params, data, minibatches), expected)
    assert not np.array_equal(expected[0], params)


def test_it_gives_the_bits_of_many_threads_where_there_is_work_for_them():
    rng = np.random.default_rng(0)
    network = make_network(GRU, (32,), n_features=32)
    params, data = draw_params(network, rng), draw_dataset(network, [40] * 64, rng)
    minibatches = [[np.arange(64)]] * 2
    expected = train(engine_for(network, data, 64), params, data, minibatches)
    for n_threads in (1, 3):
        engine = engine_for(network, data, 16, 4, n_threads)
        assert_same(train(engine, params, data, minibatches), expected)


@pytest.mark.parametrize("batch_size, k", [(2, 16), (16, 20)])
def test_it_is_close_where_slices_would_be_larger(batch_size, k):
    # Slices of less than 8 sequences, and more than 32 slices.
    n = batch_size * k
    network, params, data = problem(n, weighted=True)
    expected = train(engine_for(network, data, n), params, data, minibatches_of(n, n))
    small = engine_for(network, data, batch_size, k)
    got = train(small, params, data, minibatches_of(n, n))
    for ours, theirs in zip(got, expected, strict=True):
        assert_close(ours, theirs, RTOL_REORDERED * 100, "results")
    assert not np.array_equal(got[0], expected[0])


def test_memory_for_the_steps_does_not_grow():
    network, _, data = problem(640)
    for n_threads in (1, 3):
        plain = engine_for(network, data, BATCH, 1, n_threads)
        large = engine_for(network, data, 80 * BATCH, 1, n_threads)
        engine = engine_for(network, data, BATCH, 80, n_threads)
        assert engine.arena_size == plain.arena_size < large.arena_size
        one = engine_for(network, data, 3 * BATCH, 1, n_threads)
        assert engine_for(network, data, 3 * BATCH, 27, n_threads).n_bytes_of_steps == (
            one.n_bytes_of_steps
        )
    with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
        engine_for(network, data, BATCH, 80, memory_budget=1)
    least = int(re.search(r"least (\d+)", str(refusal.value))[1])
    assert engine_for(network, data, BATCH, 80, memory_budget=least).n_bytes_of_steps <= least


def test_too_many_gradients_for_the_memory_are_refused_with_advice():
    network = make_network(GRU, (200,))
    with pytest.raises(MemoryError, match="GiB: lower `gradient_accumulation_steps`"):
        network.engine(np.full(100, 3), 100, 1, True, n_accumulated=2**30)
    X, y = np.zeros((64, 2, 1)), np.arange(64.0)
    with pytest.warns(UserWarning, match="each update uses all of them"):
        RNNRegressor(4, max_iter=1, gradient_accumulation_steps=2**31 - 1).fit(X, y)


# ---- the engine: parts --------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_parts_give_what_one_large_minibatch_does(weighted):
    n, k = 128, 4
    network, params, data = problem(n, weighted=weighted)
    minibatches = minibatches_of(n, k * PART)
    whole = engine_for(network, data, k * PART)
    params_1, moments, losses = train(whole, params, data, minibatches)
    for n_threads in (1, 3):
        engine = engine_for(network, data, PART, k, n_threads)
        got = train(engine, params, data, in_parts(data, minibatches, k))
        if weighted:  # the order in which weights are summed shows in the limit of the norm
            assert_close(got[0], params_1, RTOL_REORDERED, "params")
        else:
            assert_same(got[:2], (params_1, moments))
        assert {result for i, result in enumerate(got[2]) if i % k < k - 1} == {(0.0, 0.0)}
        np.testing.assert_allclose(got[2][k - 1 :: k], losses, rtol=1e-12)


def test_parts_may_have_any_sizes():
    network, params, data = problem(100, weighted=True)
    order = np.random.default_rng(1).permutation(100)
    expected = train(engine_for(network, data, 100), params, data, [[order], [order[:50]]])
    cuts = [16, 17, 60, 99], [40]
    for most, cut in ((43, cuts), (60, ([3, 60], [45]))):
        parts = [np.split(order, cut[0]), np.split(order[:50], cut[1])]
        got = train(engine_for(network, data, most, 5), params, data, parts)
        for ours, theirs in zip(got[:2], expected[:2], strict=True):
            assert_close(ours, theirs, RTOL_REORDERED * 100, "results")
        ends = len(parts[0]) - 1, -1
        np.testing.assert_allclose([got[2][i] for i in ends], expected[2], rtol=1e-12)


def test_nothing_changes_before_the_last_part_and_part_0_begins_anew():
    network, params, data = problem(32)
    minibatches = [[np.arange(32)]]
    expected = train(engine_for(network, data, 32), params, data, minibatches)
    first, second = in_parts(data, minibatches, 2)[0]
    engine, now = engine_for(network, data, PART, 2), params.copy()
    moments = np.zeros((2, len(params)))
    engine.load(now)
    for _ in range(2):
        engine.train_minibatch(data, second, now, moments, RATE, 1, part=0)
    np.testing.assert_array_equal(now, params)
    assert not moments.any()
    engine.train_minibatch(data, first, now, moments, RATE, 1, part=0)
    engine.train_minibatch(data, second, now, moments, RATE, 1, part=1)
    assert_same((now, moments), expected[:2])
    engine.train_minibatch(data, first, now, moments, RATE, 2, part=0)
    engine.loss_and_grad(data)
    for number in ({"part": 1}, {"part": 2}, {"part": -1}, {"part": 0, "n_parts": 3}):
        with pytest.raises(ValueError, match=r"`part`|Parts"):
            engine.train_minibatch(data, second, now, moments, RATE, 2, **number)
    with pytest.raises(ValueError, match="hold 1 to 16 sequences, got 32"):
        engine.train_minibatch(data, np.arange(32), now, moments, RATE, 2, part=0)
    engine.weigh_by(0.0, 0.0)
    with pytest.raises(ValueError, match="`weigh_by`"):
        engine.train_minibatch(data, second, now, moments, RATE, 2, part=0)


def test_a_part_that_is_refused_does_not_count():
    network, params, data = problem(32)
    expected = train(engine_for(network, data, 32), params, data, [[np.arange(32)]])
    first, second = in_parts(data, [[np.arange(32)]], 2)[0]
    engine, now = engine_for(network, data, PART, 2), params.copy()
    arguments = now, np.zeros((2, len(params))), RATE, 1
    engine.load(now)
    engine.train_minibatch(data, first, *arguments, part=0)
    with pytest.raises(ValueError, match="`final_state`"):
        engine.train_minibatch(data, second, *arguments, part=1, final_state=np.zeros((32, 4)))
    engine.train_minibatch(data, second, *arguments, part=1)
    assert_same(arguments[:2], expected[:2])


def interrupted(call, *arguments, **options):
    """Call a function, and interrupt it soon."""

    def interrupt(*_):
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            call(*arguments, **options)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


@pytest.mark.parametrize("n_parts", [1, 2])
def test_an_interrupted_update_changes_nothing(n_parts):
    rng = np.random.default_rng(0)
    network = make_network(GRU, (64,))
    data, params = draw_dataset(network, [4000] * 32 + [3] * 2, rng), draw_params(network, rng)
    engine, moments = engine_for(network, data, 32, 2, 1), np.zeros((2, network.n_params))
    engine.load(params)
    before, arguments = params.copy(), (params, moments, RATE, 1)
    long, short = np.arange(32), np.arange(32, 34)  # long: more than the time between two polls
    numbers = [{}] if n_parts == 1 else [{"part": 0}, {"part": 1}]
    for number in numbers[:-1]:
        interrupted(engine.train_minibatch, data, long, *arguments, **number)
        with pytest.raises(ValueError, match="Parts"):
            engine.train_minibatch(data, short, *arguments, part=1)
        engine.train_minibatch(data, short, *arguments, **number)
    interrupted(engine.train_minibatch, data, long, *arguments, **numbers[-1])
    np.testing.assert_array_equal(params, before)
    assert not moments.any()
    for number in numbers:
        engine.train_minibatch(data, short, *arguments, **number)
    assert not np.array_equal(params, before)


def test_parts_of_any_sizes_have_no_places_for_frozen_tables():
    network, params, data = problem(100)
    order = np.random.default_rng(1).permutation(100)
    frozen = [t.name for t in network.tensors if t.name.startswith("embedding")]
    expected = train(engine_for(network, data, 100, frozen=frozen), params, data, [[order]])
    engine = engine_for(network, data, 90, 2, frozen=frozen)
    got = train(engine, params, data, [np.split(order, [90])])
    assert_close(got[0], expected[0], RTOL_REORDERED * 100, "params")
    assert [
        name for name, moved in network.views(got[0] != params).items() if not moved.any()
    ] == frozen


def test_parts_without_weight_change_nothing():
    network, params, data = problem(16)
    weights = np.zeros(16)
    unweighted = _core.Dataset(data.values, data.offsets, data.targets, weights)
    parts = [[np.arange(8), np.arange(8, 16)]]
    got = train(engine_for(network, data, BATCH, 2), params, unweighted, parts)
    np.testing.assert_array_equal(got[0], params)
    assert got[2] == [(0.0, 0.0)] * 2
    weights[3] = 1.0
    weighted = _core.Dataset(data.values, data.offsets, data.targets, weights)
    whole = train(engine_for(network, data, 16), params, weighted, [[np.arange(16)]])
    for order in (parts[0], parts[0][::-1]):
        got = train(engine_for(network, data, BATCH, 2), params, weighted, [order])
        assert_close(got[0], whole[0], RTOL_REORDERED * 100, "params")


def test_parts_may_be_windows_that_follow_each_other():
    # Two windows of each sequence, and steps that are not trained between them, are as one
    # minibatch of all windows with these states.
    network, params, data = problem(32)
    lengths = np.full(32, 8)
    data = draw_dataset(network, lengths, np.random.default_rng(1))
    first, order = data.offsets[:-1], np.arange(32)
    sequence = np.arange(32, dtype=np.intp)
    windows = [
        _core.Windows(data, first + start, np.full(32, length), sequence)
        for start, length in ((0, 3), (3, 2), (5, 3))
    ]
    n_columns = sum(n for _, _, n in network.state_layout)
    states = [np.zeros((32, n_columns)) for _ in range(3)]
    engine = engine_for(network, data, 32, 2, windowed=True)
    got, moments = params.copy(), np.zeros((2, len(params)))
    engine.load(got)
    arguments = got, moments, RATE, 1
    engine.train_minibatch(windows[0], order, *arguments, final_state=states[0], part=0)
    given = {"initial_state": states[0], "final_state": states[1]}
    engine.advance(windows[1], order, 1, **given)
    assert np.array_equal(got, params) and states[1].any()
    engine.train_minibatch(windows[2], order, *arguments, initial_state=states[1], part=1)
    gradient = np.zeros(len(params))
    for window, state in ((windows[0], np.zeros_like(states[0])), (windows[2], states[1])):
        engine.load(params)
        d_params = engine.loss_and_grad(
            window, order, update=1, dropout=True, initial_state=state.copy()
        )[1]
        gradient += d_params
    assert not np.array_equal(got, params)
    # Adam's mean has the direction of the clipped gradient, apart from a small penalty.
    cosine = moments[0] @ gradient / np.linalg.norm(moments[0]) / np.linalg.norm(gradient)
    assert cosine > 0.999


@pytest.mark.parametrize("value", [0, -1, 2**31])
def test_an_engine_refuses_other_numbers(value):
    network = make_network(GRU)
    with pytest.raises(ValueError, match=f"`n_accumulated` must be 1.*got {value}"):
        network.engine([3], 1, 1, True, n_accumulated=value)
    for options in ({"training": False}, {"training": True, "probe": True}):
        with pytest.raises(ValueError, match="`n_accumulated` must be 1"):
            Network.engine(network, [3], 1, 1, n_accumulated=2, **options)


# ---- the estimators -----------------------------------------------------------------------------

FIT = {"max_iter": 4, "tol": 0.0, "dropout": 0.3, "random_state": 0}


def draw(estimator, n=70):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(k, 2)) for k in rng.integers(1, 8, n)]
    total = np.array([x[:, 0].sum() for x in X])
    return X, np.where(total > 0, "up", "down") if estimator is RNNClassifier else total


def results(rnn):
    return rnn.params_.tobytes(), rnn.loss_curve_, rnn._optimizer["moments"].tobytes()


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "sgd"}])
@EITHER
def test_fits_are_those_with_large_minibatches(estimator, options):
    X, y = draw(estimator)
    w = np.random.default_rng(1).uniform(0.5, 2, len(X))
    large = estimator(4, batch_size=32, **FIT, **options)
    small = clone(large).set_params(batch_size=8, gradient_accumulation_steps=4)
    assert results(small.fit(X, y)) == results(large.fit(X, y))
    assert results(small.fit(X, y, w)) == results(large.fit(X, y, w))
    assert results(small.set_params(n_threads=3).fit(X, y, w)) == results(large)
    assert results(clone(small).set_params(batch_size=4).fit(X, y, w)) != results(large)
    for rnn in (small, large):
        rnn.set_params(warm_start=True).fit(X, y)
    assert results(small) == results(large)
    assert same_state(pickle.loads(pickle.dumps(small)), small)
    if not options:
        for rnn in (small, large):
            rnn.partial_fit(X[:50], y[:50])
        assert results(small) == results(large)


def test_auto_means_so_many_times_the_automatic_size():
    X, y = draw(RNNRegressor)
    accumulating = RNNRegressor(4, gradient_accumulation_steps=2, **FIT).fit(X, y)
    assert results(accumulating) == results(RNNRegressor(4, batch_size=32, **FIT).fit(X, y))
    for k, expected in ((1, 1), (3, 3), (5, 5), (100, 5)):
        params = {**RNNRegressor().get_params(), "gradient_accumulation_steps": k}
        size = resolve_batch_size("auto", 70)
        assert n_accumulated(Settings.of(params), size, 70) == expected


def test_more_than_all_sequences_warn():
    X, y = draw(RNNRegressor, 20)
    rnn = RNNRegressor(4, batch_size=8, gradient_accumulation_steps=3, max_iter=2)
    with pytest.warns(UserWarning, match="`gradient_accumulation_steps`=3 times `batch_size`=8"):
        rnn.fit(X, y)
    with pytest.warns(UserWarning, match="`gradient_accumulation_steps`=3 times `batch_size`=16"):
        rnn.set_params(batch_size="auto").fit(X, y)
    with pytest.warns(UserWarning, match="`batch_size`=21 is larger"):
        rnn.set_params(batch_size=21).fit(X, y)


@pytest.mark.parametrize("value", [0, 2.0, True, None, "2"])
def test_wrong_numbers_are_refused(refuses, value):
    X, y = draw(RNNRegressor, 6)
    message = f"`gradient_accumulation_steps` must be an integer.*{re.escape(repr(value))}"
    refuses(RNNRegressor(4, gradient_accumulation_steps=value), message, X, y)


def test_it_can_be_searched():
    X, y = draw(RNNClassifier, 40)
    grid = {"gradient_accumulation_steps": [1, 2], "batch_size": [4, 8]}
    rnn = RNNClassifier(4, max_iter=2, random_state=0)
    options = {"cv": 2, "scoring": "neg_log_loss", "error_score": "raise"}
    search = GridSearchCV(rnn, grid, **options).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) >= 3
