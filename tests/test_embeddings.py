"""Embeddings: only the rows of a table that a minibatch reads take time and memory, and change."""

import tracemalloc
from functools import cache

import numpy as np
import pytest
import reference
from cases import (
    RTOL_UPDATES,
    assert_close,
    draw_dataset,
    draw_lengths,
    draw_params,
    make_engine,
    predict,
    run_reference,
    set_optimizer,
    simd_level,
)
from networks import Network, Source, add_node
from workspaces import least_budget

from sklearn_rnn import _core
from sklearn_rnn._model.network import DATA, ready

N_UPDATES = 10
ROWS, DIMENSION = 9, 3
CONSTANTS = {"momentum": 0.8, "beta_1": 0.85, "beta_2": 0.9, "epsilon": 1e-3}
BENDS = {
    "plain": {},
    "penalty": {"alpha": 0.1},
    "by norm": {"max_grad_norm": 0.1},
    "all": {"alpha": 0.1, "max_grad_norm": 0.1, "max_grad_value": 0.03},
}

each_dtype = pytest.mark.parametrize("dtype", RTOL_UPDATES)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_solver = pytest.mark.parametrize("solver", _core.OPTIMIZERS)


def add_embedding(nodes, column, rows=ROWS, units=DIMENSION):
    options = (("column", column), ("rows", rows))
    return add_node(nodes, "embed", [], f"embedding{column}", units=units, options=options)


def embedding_network(
    n_numbers=2, rows=(ROWS,), *, units=5, dimension=DIMENSION, dtype="float64", shift=0
):
    """Return a network whose GRU reads `n_numbers` columns and one embedding for each table."""
    nodes, sources = [], [Source(DATA)] if n_numbers else []
    for i, n_rows in enumerate(rows):
        sources.append(Source(add_embedding(nodes, n_numbers + i, n_rows, dimension), shift))
    layer = add_node(nodes, "recurrent", sources, "l0", units=units, cell="gru")
    add_node(nodes, "head", [add_node(nodes, "last", [layer])], "head", units=2)
    return Network(n_numbers + len(rows), tuple(nodes), "squared_error", 1.0, False, dtype)


def problem(dtype="float64", lengths=(3, 5, 1, 4, 2, 2), **options):
    rng = np.random.default_rng(0)
    network = embedding_network(dtype=dtype, **options)
    params = draw_params(network, rng)
    return network, params, draw_dataset(network, lengths, rng, weighted=True)


def minibatches(data):
    """Return minibatches of two sequences, each of which reads other rows."""
    return [np.array([i, (i + 1) % data.n_samples], dtype=np.intp) for i in range(data.n_samples)]


def part_of(data, indices):
    """Return some sequences as a dataset."""
    rows = np.concatenate([np.arange(*data.offsets[i : i + 2]) for i in indices])
    offsets = np.concatenate([[0], np.cumsum(np.diff(data.offsets)[indices])]).astype(np.intp)
    return _core.Dataset(
        data.values[rows], offsets, data.targets[indices], data.weights[indices].copy()
    )


# ---- Updates ------------------------------------------------------------------------------------


@cache
def reference_trajectory(solver, bend_name):
    """Return how far the reference's parameters go, and its state."""
    (network, params, data), bend = problem(), BENDS[bend_name]
    before, state = params.copy(), np.zeros((_core.OPTIMIZERS[solver], len(params)))
    decays, batches = reference.decaying(network.views(params)), minibatches(data)
    n_absent = 0
    for update in range(1, 1 + N_UPDATES):
        part = part_of(data, batches[update % len(batches)])
        X = [part.values[a:b] for a, b in zip(part.offsets[:-1], part.offsets[1:], strict=True)]
        changes = reference.touched(network.views(params), X, network.nodes)
        n_absent += np.count_nonzero(~changes)
        reference.optimize(
            solver,
            params,
            run_reference(network, params, part).d_params,
            state,
            decays=decays,
            changes=changes,
            alpha=bend.get("alpha", 0.0),
            clipping=(bend.get("max_grad_norm"), bend.get("max_grad_value")),
            learning_rate=0.01,
            t=update,
            nesterovs_momentum=True,
            **CONSTANTS,
        )
    assert n_absent > N_UPDATES * DIMENSION
    return params - before, state


@each_level
@each_dtype
@pytest.mark.parametrize("bend", BENDS)
@each_solver
def test_updates_change_the_rows_of_each_minibatch_alone(solver, bend, dtype, level):
    network, params, data = problem(dtype)
    way, expected_state = reference_trajectory(solver, bend)
    before, state = params.copy(), np.zeros((_core.OPTIMIZERS[solver], len(params)), dtype)
    with simd_level(level):
        engine = make_engine(network, params, data, training=True)
    set_optimizer(engine, solver, nesterovs_momentum=True, **CONSTANTS, **BENDS[bend])
    batches = minibatches(data)
    for update in range(1, 1 + N_UPDATES):
        batch = batches[update % len(batches)]
        engine.train_minibatch(data, batch, params, state, 0.01, update)
    assert_close(params - before, way, RTOL_UPDATES[dtype], "way")
    for ours, theirs in zip(state, expected_state, strict=True):
        assert_close(ours, theirs, RTOL_UPDATES[dtype], "state")


@each_solver
def test_rows_that_no_sequence_reads_stay_as_they_are(solver):
    network, params, data = problem(rows=(1000,), lengths=(30, 20, 10))
    state = np.random.default_rng(0).uniform(0.5, 1.0, (_core.OPTIMIZERS[solver], len(params)))
    before, state_before = params.copy(), state.copy()
    engine = make_engine(network, params, data, training=True)
    set_optimizer(engine, solver, alpha=0.1)
    engine.train_minibatch(data, np.arange(3), params, state, 0.01, 1)
    table = np.arange(1000 * DIMENSION).reshape(1000, DIMENSION)
    absent = np.setdiff1d(np.arange(1000), data.values[:, -1].astype(int))
    np.testing.assert_array_equal(params[table[absent]], before[table[absent]])
    np.testing.assert_array_equal(state[:, table[absent]], state_before[:, table[absent]])
    present = np.setdiff1d(np.arange(1000), absent)
    assert np.all(params[table[present]] != before[table[present]])


@each_level
@each_dtype
def test_threads_and_budgets_change_no_bit_of_an_update(dtype, level):
    rng = np.random.default_rng(0)
    network = embedding_network(2, (40, 7), units=33, dimension=17, dtype=dtype)
    start = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(100, 300, True, rng), rng, weighted=True)
    results = []
    with simd_level(level):
        least = least_budget(network, start, data)
        for options in ({"n_threads": 1}, {"n_threads": 2}, {"n_threads": 3}):
            for budget in (None, least):
                params, state = start.copy(), np.zeros((2, len(start)), dtype)
                engine = make_engine(
                    network, params, data, training=True, memory_budget=budget, **options
                )
                set_optimizer(engine, "adam", alpha=0.1, max_grad_norm=0.1)
                with ready(engine):
                    for update in (1, 2, 3):
                        engine.train_minibatch(data, np.arange(100), params, state, 0.01, update)
                results.append((params, state))
    for params, state in results[1:]:
        np.testing.assert_array_equal(params, results[0][0])
        np.testing.assert_array_equal(state, results[0][1])


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_diverged_minibatch_changes_no_table(n_threads):
    network, params, data = problem(lengths=np.full(80, 30), units=33)
    data.targets[3] = np.inf
    data.weights[3] = 1.0
    before, state = params.copy(), np.ones((2, len(params)))
    engine = make_engine(network, params, data, training=True, n_threads=n_threads)
    set_optimizer(engine, "adam", alpha=0.1)
    with ready(engine), pytest.raises(FloatingPointError, match="the loss"):
        engine.train_minibatch(data, np.arange(80), params, state, 0.1, 1)
    np.testing.assert_array_equal(params, before)
    np.testing.assert_array_equal(state, 1)


# ---- Memory -------------------------------------------------------------------------------------


def test_memory_is_that_of_the_rows_that_are_read_not_of_the_table():
    def peak(n_rows):
        network = embedding_network(0, (n_rows,), dimension=64, dtype="float32")
        lengths = np.full(64, 20)
        tracemalloc.start()
        network.engine(lengths, 64, 2, True)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1000)  # of tables that are kept
    assert peak(1_000_000) < peak(100_000) + 10_000
    assert peak(100_000) < 8e6  # a table has 25 MB


# ---- What is computed ---------------------------------------------------------------------------


@each_level
@each_dtype
@pytest.mark.parametrize("n_numbers", [0, 2])
def test_an_embedding_is_a_product_with_one_hot_codes(n_numbers, dtype, level):
    rng = np.random.default_rng(0)
    network = embedding_network(n_numbers, dtype=dtype)
    nodes = []
    layer = add_node(nodes, "recurrent", [DATA], "l0", units=5, cell="gru")
    add_node(nodes, "head", [add_node(nodes, "last", [layer])], "head", units=2)
    one_hot = Network(n_numbers + ROWS, tuple(nodes), "squared_error", 1.0, False, dtype)
    params, other = draw_params(network, rng), np.empty(one_hot.n_params, dtype)
    data = draw_dataset(network, (3, 5, 1, 4), rng)
    views, wide = network.views(params), one_hot.views(other)
    for name in wide:
        wide[name][...] = views[name] if name != "weight_ih_l0" else 0.0
    columns = views["weight_ih_l0"]
    wide["weight_ih_l0"][:, :n_numbers] = columns[:, :n_numbers]
    wide["weight_ih_l0"][:, n_numbers:] = (
        columns[:, n_numbers:] @ views[f"embedding{n_numbers}.weight"].T
    )
    X = np.hstack([data.values[:, :-1], np.eye(ROWS)[data.values[:, -1].astype(int)]])
    with simd_level(level):
        expected = predict(one_hot, other, _core.Dataset(X.astype(dtype), data.offsets))
        actual = predict(network, params, data)
    assert_close(actual, expected, RTOL_UPDATES[dtype])


@pytest.mark.parametrize("shift", [0, -2])
@pytest.mark.parametrize("n_numbers", [0, 2])
def test_a_session_reads_codes_step_by_step(n_numbers, shift):
    rng = np.random.default_rng(0)
    network = embedding_network(n_numbers, shift=shift)
    params, data = draw_params(network, rng), draw_dataset(network, (6, 6, 6), rng)
    session = network.session(3)
    session.load(params)
    X = data.values.reshape(3, 6, -1)
    for t in range(6):
        outputs = session.step(np.ascontiguousarray(X[:, t]))
    np.testing.assert_array_equal(outputs, predict(network, params, data))


@each_dtype
def test_codes_of_large_tables_are_read_exactly(dtype):
    rows = 2**24 if dtype == "float32" else 2**24 + 3
    network = embedding_network(0, (rows,), dimension=1, dtype=dtype)
    params = np.zeros(network.n_params, dtype)
    views = network.views(params)
    views["embedding0.weight"][:, 0] = np.arange(rows) % 5
    for name in ("weight_ih_l0", "weight_hh_l0", "head.weight"):
        views[name][...] = draw_params(
            embedding_network(0, (1,), dimension=1), np.random.default_rng(0)
        )[: views[name].size].reshape(views[name].shape)
    codes = np.array([0, rows - 1, rows - 2, rows - 3, 7], dtype=np.float64)
    small = embedding_network(0, (5,), dimension=1, dtype=dtype)
    few = np.concatenate([np.arange(5), params[rows:]]).astype(dtype)
    offsets = np.array([0, 1, 2, 3, 4, 5], dtype=np.intp)
    read = [
        predict(n, p, _core.Dataset(c[:, np.newaxis].astype(dtype), offsets))
        for n, p, c in ((network, params, codes), (small, few, codes % 5))
    ]
    np.testing.assert_array_equal(*read)


# ---- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [-1.0, float(ROWS), 0.5, np.nan, np.inf])
def test_the_engine_refuses_codes_that_are_no_rows(code):
    network, params, data = problem()
    data.values[4, -1] = code
    engine = make_engine(network, params, data, training=True)
    with pytest.raises(ValueError, match=r"Column 2 of `values` must hold integers from 0 to 8\."):
        engine.loss_and_grad(data)


def test_a_session_refuses_codes_that_are_no_rows():
    network, params, _ = problem()
    session = network.session(1)
    session.load(params)
    with pytest.raises(ValueError, match=r"`x` must hold integers from 0 to 8 in column 2, got 9"):
        session.step(np.array([[0.0, 0.0, 9.0]]))


def test_codes_must_be_in_a_column_of_X():
    nodes = []
    layer = add_node(nodes, "recurrent", [DATA, add_embedding(nodes, 3)], "l0", units=5, cell="gru")
    add_node(nodes, "head", [layer], "head", units=2)
    with pytest.raises(ValueError, match=r"A column of codes must be from 0 to 2, got 3"):
        _core.tensors(3, nodes)


def test_an_embedding_has_no_sources():
    nodes = []
    add_node(nodes, "embed", [DATA], "e", units=2, options=(("column", 0), ("rows", 3)))
    add_node(nodes, "head", [0], "head", units=2)
    with pytest.raises(ValueError, match="'e' reads a column of X and must have no sources, got 1"):
        _core.tensors(1, nodes)


def test_nobody_can_read_data_without_columns():
    nodes = []
    layer = add_node(nodes, "recurrent", [DATA, add_embedding(nodes, 0)], "l0", units=5, cell="gru")
    add_node(nodes, "head", [layer], "head", units=2)
    with pytest.raises(ValueError, match="'l0' must not read the data: all columns of X are codes"):
        _core.tensors(1, nodes)


@pytest.mark.parametrize("rows, units", [(2**31, 1), (0, 1), (2**30, 2**30)])
def test_tables_have_limits(rows, units):
    nodes = []
    add_node(nodes, "head", [add_embedding(nodes, 0, rows, units)], "head", units=2)
    with pytest.raises(ValueError, match=r"embed.rows` must be from 1|too large"):
        _core.tensors(1, nodes)
