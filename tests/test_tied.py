"""Embeddings that read the weights of the head: one table for input and output."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    RTOL_DIFFERENCES,
    RTOL_REORDERED,
    RTOL_UPDATES,
    assert_close,
    assert_results_agree,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_engine,
    predict,
    reference_arguments,
    run_engine,
    run_reference,
    set_optimizer,
    simd_level,
)
from networks import DATA, Network, add_node
from workspaces import least_budget

from sklearn_rnn import _core
from sklearn_rnn._model.network import fill_unknown_rows, initialize, ready

N_CLASSES, FIRST, ROWS = 9, 2, 6
UNITS = 5


def tied_network(
    units=UNITS, *, first=FIRST, rows=ROWS, dtype="float64", per_step=True, tied=True, **options
):
    """Return a language model of codes in column 1; code 0 has row `first` of the head."""
    nodes, options = [], {"column": 1, "rows": rows, **options}
    if tied:
        options |= {"tied": True, "first_row": first}
    add_node(nodes, "embed", [], "words", units=units, options=tuple(options.items()))
    layer = add_node(nodes, "recurrent", [DATA, 0], "l0", units=7, cell="gru")
    linear = (("activation", "identity"), ("bias", False))
    layer = add_node(nodes, "dense", [layer], "projection", units=UNITS, options=linear)
    layer = layer if per_step else add_node(nodes, "last", [layer])
    add_node(nodes, "head", [layer], "head", units=N_CLASSES)
    return Network(2, tuple(nodes), "softmax", 1.0, per_step, dtype)


def problem(lengths=(4, 6, 1, 3), **options):
    network = tied_network(**options)
    rng = np.random.default_rng(0)
    return network, draw_params(network, rng), draw_dataset(network, lengths, rng, weighted=True)


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_step", [True, False])
def test_results_are_those_of_the_reference(per_step, dtype, level):
    network, params, data = problem(dtype=dtype, per_step=per_step)
    assert network.layout == [
        (name, offset, shape)
        for (name, shape), (_, offset, _) in zip(
            reference.layout(network.nodes, 2).items(), network.layout, strict=True
        )
    ]
    with simd_level(level):
        actual = run_engine(network, params, data)
    assert_results_agree(network, actual, run_reference(*problem(per_step=per_step)))


def test_gradients_are_those_of_central_differences():
    network, params, data = problem()
    options = {"seed": 5, "update": 1, "dropout": True}
    network = replace(network, nodes=tied_network(word_dropout=0.3).nodes)
    _, d_params = loss_and_grad(network, params, data, **options)
    expected = reference.numerical_gradient(
        lambda p: loss_and_grad(network, p, data, **options)[0], params.copy()
    )
    assert_close(d_params, expected, RTOL_DIFFERENCES)


def test_the_gradient_is_the_sum_of_those_of_two_tables():
    network, params, data = problem()
    _, d_params = loss_and_grad(network, params, data)
    apart = tied_network(tied=False)
    both = np.empty(apart.n_params)
    views, shared = apart.views(both), network.views(params)
    for name, view in views.items():
        view[...] = shared[name] if name != "words.weight" else shared["head.weight"][FIRST:][:ROWS]
    d_apart = apart.views(loss_and_grad(apart, both, data)[1])
    expected = d_apart["head.weight"].copy()
    expected[FIRST : FIRST + ROWS] += d_apart["words.weight"]
    assert_close(network.views(d_params)["head.weight"], expected, RTOL["float64"])
    np.testing.assert_array_equal(predict(network, params, data), predict(apart, both, data))


@pytest.mark.parametrize("dtype", RTOL_UPDATES)
def test_updates_are_those_of_the_reference(dtype):
    network, params, data = problem(dtype=dtype)
    weights, X, y, w = reference_arguments(network, params, data)
    expected, state = params.astype(np.float64), np.zeros((2, network.n_params))
    ours, moments = params.copy(), np.zeros((2, network.n_params), dtype)
    engine = make_engine(network, ours, data, training=True)
    options = {"alpha": 0.1, "l1_ratio": 0.3, "max_grad_norm": 0.1}
    set_optimizer(engine, "adam", epsilon=1e-3, **options)
    clipping = options.pop("max_grad_norm"), None
    decays = reference.decaying(weights)
    for update in range(1, 4):
        with ready(engine):
            engine.train_minibatch(data, np.arange(4), ours, moments, 0.01, update)
        given = reference.unflatten(expected, weights)
        facts = {"nodes": network.nodes, "loss": "softmax", "per_step": True}
        _, d_weights, _ = reference.loss_and_grad(given, X, y, w, **facts)
        facts = {"decays": decays, "learning_rate": 0.01, "t": update, "epsilon": 1e-3}
        d_params = reference.flatten(d_weights)
        reference.optimize("adam", expected, d_params, state, clipping=clipping, **facts, **options)
    assert_close(ours, expected, RTOL_UPDATES[dtype])


def test_neither_threads_nor_memory_change_a_bit():
    lengths = np.random.default_rng(0).integers(1, 40, 60)
    network, start, data = problem(lengths=lengths, dtype="float32")
    results, least = [], least_budget(network, start, data)
    for n_threads, memory_budget in ((1, None), (2, None), (3, least)):
        params, state = start.copy(), np.zeros((2, len(start)), "float32")
        engine = make_engine(
            network, params, data, training=True, n_threads=n_threads, memory_budget=memory_budget
        )
        set_optimizer(engine, "adam")
        with ready(engine):
            for update in (1, 2):
                engine.train_minibatch(data, np.arange(60), params, state, 0.01, update)
        results.append(params)
    for params in results[1:]:
        np.testing.assert_array_equal(params, results[0])


def test_a_minibatch_in_parts_is_that_of_one_call():
    network, start, data = problem(lengths=np.full(24, 9))
    indices, results = np.arange(24), []
    for parts in ([indices], [indices[:16], indices[16:]]):  # the last part has fewer slices
        params, state = start.copy(), np.zeros((1, len(start)))
        engine = network.engine(np.full(24, 9), 24 // len(parts) + 4, 1, True, n_accumulated=2)
        engine.load(params)
        set_optimizer(engine)
        engine.weigh_by(100.0, 0.0)
        with ready(engine):
            for part, each in enumerate(parts):
                given = {"part": part, "n_parts": 2} if len(parts) > 1 else {}
                engine.train_minibatch(data, each, params, state, 0.1, 1, **given)
        results.append(params)
    assert not np.array_equal(results[0], start)
    assert_close(results[1], results[0], RTOL_REORDERED)


@pytest.mark.parametrize("frozen", [["head.weight"], ["head.weight", "head.bias"]])
def test_a_frozen_head_is_a_frozen_table(frozen):
    network, params, data = problem()
    before, state = params.copy(), np.zeros((2, len(params)))
    engine = make_engine(network, params, data, training=True, frozen=frozen)
    set_optimizer(engine, "adam")
    with ready(engine):
        _, d_params = engine.loss_and_grad(data)
        engine.train_minibatch(data, np.arange(4), params, state, 0.01, 1)
    expected = network.views(loss_and_grad(network, before, data)[1])
    for name, view in network.views(d_params).items():
        assert_close(view, 0.0 if name in frozen else expected[name], 1e-12, name)
        changed = not np.array_equal(network.views(params)[name], network.views(before)[name])
        assert changed == (name not in frozen)


def test_its_rows_are_the_initial_ones_that_were_given_and_stay_their_own():
    network = tied_network()
    vectors = np.full((ROWS - 1, UNITS), np.nan)
    vectors[1] = 3.0
    params = initialize(network, np.random.RandomState(0), vectors=[vectors])
    drawn = initialize(network, np.random.RandomState(0))
    views, others = network.views(params), network.views(drawn)
    expected = others["head.weight"].copy()
    expected[FIRST + 1] = 3.0
    np.testing.assert_array_equal(views["head.weight"], expected)
    fill_unknown_rows(network, params)
    np.testing.assert_array_equal(network.views(params)["head.weight"], expected)


def test_a_session_reads_rows_of_the_head():
    network, params, data = problem((6, 6, 6))
    session = network.session(3)
    session.load(params)
    X, whole = data.values.reshape(3, 6, -1), predict(network, params, data).reshape(3, 6, -1)
    for t in range(6):
        outputs = session.step(np.ascontiguousarray(X[:, t]))
        np.testing.assert_array_equal(outputs, whole[:, t])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"units": 4}, "'words' is tied .* as these have columns, 5, got 4: let the head read a"),
        ({"first": 4}, "'words' is tied to the 9 rows of the head's weights, but reads 10"),
        ({"tied": False, "first_row": 1}, r"`embed\.first_row` of node 'words' must be 0"),
    ],
)
def test_what_cannot_be_tied_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tied_network(**options).engine([3], 1, 1, True)
