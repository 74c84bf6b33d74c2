"""Attention over the steps of the source, in the engine."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    RTOL_TORCH_GRADIENTS,
    RTOL_TORCH_OUTPUTS,
    assert_close,
    assert_gradients_close,
    assert_results_agree,
    draw_lengths,
    draw_pairs,
    draw_params,
    given_target,
    least_scale,
    loss_and_grad,
    parameters_of_loss,
    reference_arguments,
    run_engine,
    run_reference,
    simd_level,
    windows_of,
)
from encoder_decoder import (
    attending,
    bahdanau,
    flat,
    luong,
    network_of,
    run,
    target_engine,
)
from make_fixtures import ENCODERS
from networks import (
    DATA,
    TARGET_DATA,
    Source,
    add_node,
    happens,
    random_paired_network,
    with_random_context,
)

from sklearn_rnn import _core

each_file = pytest.mark.parametrize("file", ENCODERS, ids=lambda file: file.stem)
each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_kind = pytest.mark.parametrize("make_nodes", [bahdanau, luong])
SEEDS = range(28)  # of random networks
LENGTHS, TARGET_LENGTHS = (5, 1, 40, 17, 16, 3), (4, 30, 9, 1, 9, 2)


def load(file, dtype):
    """Return PyTorch's arrays, and its network with weights and data."""
    arrays = np.load(file)
    make_nodes = {"additive": bahdanau, "dot": luong}[str(arrays["score"])]
    network = network_of(make_nodes(str(arrays["cell"])), dtype)
    names = [name for name, *_ in network.tensors]
    params = flat(network, {name: arrays[f"weights/{name}"] for name in names})
    gradients = flat(network, {name: arrays[f"gradients/{name}"] for name in names})
    source = _core.Dataset(arrays["X"].astype(dtype), arrays["offsets"].astype(np.intp))
    target = _core.Dataset(
        arrays["fed"].astype(dtype),
        arrays["target_offsets"].astype(np.intp),
        arrays["targets"].astype(np.int32),
    )
    data = _core.PairedDataset(source, target)
    return SimpleNamespace(
        arrays=arrays, network=network, params=params, gradients=gradients, data=data
    )


@each_level
@each_dtype
@each_file
def test_outputs_and_gradients_are_pytorchs(file, dtype, level):
    problem = load(file, dtype)
    with simd_level(level):
        result = run(problem.network, problem.params, problem.data, input_gradient=True)
    rtol, expected = RTOL_TORCH_GRADIENTS[dtype], problem.gradients
    assert_close(result.raw, problem.arrays["raw"], RTOL_TORCH_OUTPUTS[dtype], "raw outputs")
    assert_close(result.loss, problem.arrays["loss"], rtol, "loss")
    assert_gradients_close(problem.network, result.d_params, expected, rtol)
    least = least_scale(expected)
    assert_close(result.d_values, problem.arrays["d_X"], rtol, "gradient of X", least)


def random_problem(
    nodes,
    dtype="float32",
    seed=0,
    lengths=LENGTHS,
    target_lengths=TARGET_LENGTHS,
    n_target_features=2,
):
    rng = np.random.default_rng(seed)
    network = network_of(nodes, dtype, n_target_features=n_target_features)
    return network, draw_params(network, rng), draw_pairs(network, lengths, target_lengths, rng)


# ---- Random networks ----------------------------------------------------------------------------


@cache
def random_pairs(seed, dtype="float64"):
    """Return a random network, its parameters, and ragged data of 1 to 9 pairs."""
    rng = np.random.default_rng(seed)
    network = with_random_context(rng, random_paired_network(rng, dtype))
    params = draw_params(network, rng)
    n = rng.integers(1, 10)
    lengths = (draw_lengths(n, rng.integers(1, 22), True, rng) for _ in range(2))
    return network, params, draw_pairs(network, *lengths, rng, happens(rng, 0.5))


@cache
def reference_of(seed):
    return run_reference(*random_pairs(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_agree_with_the_reference(seed):
    levels = _core.simd_levels()
    for turn, dtype in enumerate(RTOL):
        network, params, data = random_pairs(seed, dtype)
        with simd_level(levels[(seed + turn) % len(levels)]):
            actual = run_engine(network, params, data)
        assert_results_agree(network, actual, reference_of(seed))


def test_random_networks_have_what_attention_can_have():
    seen = set()
    for seed in SEEDS:
        network = random_pairs(seed)[0]
        (i,) = (i for i, node in enumerate(network.nodes) if node.kind == "context")
        node = network.nodes[i]
        query, keys, values = node.sources
        seen |= {dict(node.options)["score"], ("shift", query.shift, query.node > i)}
        seen |= {("same", keys == values), ("keys of X", keys.node < 0)}
        for role, source in (("keys", keys), ("values", values)):
            read = network.nodes[source.node] if source.node >= 0 else None
            seen.add((role, read and read.kind, read and read.directions))
    assert seen >= {"additive", "dot", ("same", True), ("same", False)}
    assert seen >= {("shift", 0, False), ("shift", -1, True), ("shift", -2, True)}
    assert seen >= {("keys of X", True), ("values", None, None)}
    assert seen >= {(role, "recurrent", "both") for role in ("keys", "values")}


@pytest.mark.parametrize("seed", (0, 3, 5))
def test_gradients_of_the_reference_are_the_slopes_of_its_loss(seed):
    network, params, data = random_pairs(seed)
    weights, X, *targets = reference_arguments(network, params, data)
    options = {"nodes": network.nodes, "loss": network.loss, "per_step": True}
    options |= parameters_of_loss(network) | given_target(data) | windows_of(network)
    _, d_weights, _ = reference.loss_and_grad(weights, X, *targets, **options)
    rng = np.random.default_rng(0)
    least = 1e-3 * max(map(np.linalg.norm, d_weights.values()))
    for name in [name for name in weights if name.startswith(("context", "keys", "weight_ih"))]:
        direction = rng.standard_normal(weights[name].shape)
        above, below = (
            reference.loss(
                weights | {name: weights[name] + step * direction}, X, *targets, **options
            )
            for step in (1e-6, -1e-6)
        )
        error = np.sum(d_weights[name] * direction) - (above - below) / 2e-6
        assert abs(error) <= 2e-6 * max(least, np.linalg.norm(d_weights[name])), name


def attending_twice():
    """Return nodes of a decoder of three layers with dropout, whose last one attends again.

    Two layers begin with the same row of the encoder, one of them after dropout.
    """
    nodes = list(bahdanau("lstm"))
    top = nodes.pop().sources[0].node
    (start,) = (source.node for source in nodes[top].sources if source.weight == "initial")
    options = (("rate", 0.2), ("layer", 49))
    begin = Source(add_node(nodes, "drop", [start], "drop0", options=options), 0, "initial")
    options = (("rate", 0.3), ("layer", 50))
    dropped = add_node(nodes, "drop", [top], "drop", options=options, axis=1)
    fields = {"cell": "lstm", "options": (("initial_state", "source"),), "axis": 1}
    read = [dropped, TARGET_DATA, begin]
    middle = add_node(nodes, "recurrent", read, "d1", units=5, **fields)
    fields = {"cell": "gru", "axis": 1}
    last = add_node(nodes, "recurrent", [middle, Source(top, -1)], "d2", units=3, **fields)
    fields = {"options": (("score", "dot"),), "axis": 1}
    context = add_node(nodes, "context", [last, DATA, DATA], "second", **fields)
    options = (("rate", 0.4), ("layer", 51))
    dropped = add_node(nodes, "drop", [context], "drop2", options=options, axis=1)
    add_node(nodes, "head", [last, dropped, context], "head", units=4, axis=1)
    return tuple(nodes)


@each_dtype
def test_deep_decoders_with_dropout_may_attend_twice(dtype):
    facts = attending_twice(), "float64", 0, (9, 1, 4), (3, 40, 1)
    expected = run_reference(*random_problem(*facts), dropping=(5, 3))
    network, params, data = random_problem(facts[0], dtype, *facts[2:])
    given = {"dropout": True, "seed": 5, "update": 3}
    loss, d_params = loss_and_grad(network, params, data, **given)
    assert_close(loss, expected.loss, RTOL[dtype], "loss")
    assert_gradients_close(network, d_params, expected.d_params, RTOL[dtype])


# ---- Bits ---------------------------------------------------------------------------------------


@each_level
@each_kind
def test_threads_change_no_bit(make_nodes, level):
    lengths = np.tile(LENGTHS, 6), np.tile(TARGET_LENGTHS[::-1], 6)
    problem = random_problem(make_nodes(units=40, decoder_units=30), "float32", 0, *lengths)
    with simd_level(level):
        one, three = (run(*problem, n_threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.raw, three.raw)
    np.testing.assert_array_equal(one.d_params, three.d_params)


@each_level
@each_kind
def test_segments_of_the_target_change_no_bit(make_nodes, level):
    """The greatest score and the denominator of each row are enough to go back."""
    problem = random_problem(make_nodes(), "float32", 0, (9, 4, 7), (400, 300, 2))
    with simd_level(level):
        whole = run(*problem)
        engine = target_engine(*problem, training=True)
        budget = engine.n_bytes_of_steps * 3 // 4
        cut = run(*problem, memory_budget=budget)
        cut_engine = target_engine(*problem, training=True, memory_budget=budget)
    assert cut_engine.n_bytes_of_steps <= budget
    np.testing.assert_array_equal(whole.d_params, cut.d_params)
    np.testing.assert_array_equal(whole.loss, cut.loss)


@each_level
@each_kind
def test_other_sequences_change_no_bit_of_a_row(make_nodes, level):
    network, params, data = random_problem(make_nodes())
    with simd_level(level):
        raw = np.split(run(network, params, data).raw, data.target.offsets[1:-1])
        for i in range(data.n_samples):
            alone = one_of(data, i)
            np.testing.assert_array_equal(run(network, params, alone).raw, raw[i])


def one_of(data, i):
    parts = []
    for axis in (data.source, data.target):
        first, end = axis.offsets[i : i + 2]
        targets = None if axis.targets is None else axis.targets[first:end]
        offsets = np.array([0, end - first], dtype=np.intp)
        parts.append(_core.Dataset(axis.values[first:end], offsets, targets))
    return _core.PairedDataset(*parts)


@each_dtype
@pytest.mark.parametrize("units", [3, 16, 21])
def test_keys_and_values_of_two_directions_are_as_of_one(units, dtype):
    """Rows of two padded parts have the numbers of rows of one part, which is their copy."""
    nodes = luong("gru", units, 2 * units, general=False)
    copied = list(nodes)
    copy = len(nodes)
    identity = (("activation", "identity"), ("bias", False))
    copied.insert(3, replace(nodes[2], name="copy", sources=(Source(0),), options=identity))
    copied = [
        replace(node, sources=tuple(moved(source, node, copy) for source in node.sources))
        for node in copied
    ]
    network, params, data = random_problem(nodes, dtype)
    other = network_of(tuple(copied), dtype)
    given = network.views(params) | {"copy.weight": np.eye(2 * units)}
    mine, theirs = run(network, params, data), run(other, flat(other, given), data)
    assert_close(mine.raw, theirs.raw, RTOL[dtype])
    views, expected = network.views(mine.d_params), other.views(theirs.d_params)
    for name in views:
        assert_close(views[name], expected[name], RTOL[dtype], name, 1e-3)


def moved(source, node, copy):
    """Return a source of a list into which a copy of node 0 was put in the place of node 3."""
    if node.kind == "context" and source.node == 0:
        return replace(source, node=3)
    return replace(source, node=source.node + (source.node >= 3))


def test_a_score_of_zero_takes_the_mean():
    network, params, data = random_problem(attending("additive"), "float64")
    network.views(params)["context.score"][:] = 0
    context = attending_stream(network, params, data)
    for i, rows in enumerate(np.split(context, data.target.offsets[1:-1])):
        x = one_of(data, i).source.values
        np.testing.assert_allclose(rows, np.tile(x.mean(axis=0), (len(rows), 1)), rtol=1e-12)


def test_dot_products_take_the_step_that_matches():
    """Large products leave one step: keys and values are X itself, whose rows are not padded."""
    network, params, data = random_problem(attending("dot"), "float64", n_target_features=3)
    fed = [one_of(data, i).source.values[-1] for i in range(data.n_samples)]
    values = np.repeat(fed, TARGET_LENGTHS, axis=0)
    target = _core.Dataset(1e4 * values, data.target.offsets, data.target.targets)
    data = _core.PairedDataset(normal_rows(data.source), target)
    context = attending_stream(network, params, data)
    expected = values / np.linalg.norm(values, axis=1, keepdims=True)
    np.testing.assert_allclose(context, expected, rtol=1e-12)


def normal_rows(data):
    values = data.values / np.linalg.norm(data.values, axis=1, keepdims=True)
    return _core.Dataset(np.ascontiguousarray(values), data.offsets)


def attending_stream(network, params, data):
    """Return what the head reads: its weights are made those of the identity."""
    views = network.views(params)
    views["head.weight"][:], views["head.bias"][:] = np.eye(3), 0
    return run(network, params, data).raw


@pytest.mark.parametrize("score", ["additive", "dot"])
def test_memory_grows_with_the_sum_of_both_lengths(score):
    nodes = attending(score=score)
    network = network_of(nodes, n_target_features=3)

    def n_bytes(n, m):
        target_lengths = np.full(8, m)
        made = network.workspace(np.full(8, n), 8, 1, True, target_lengths=target_lengths)
        return made["steps"]

    both, first, second = n_bytes(10_000, 10_000), n_bytes(10_000, 1), n_bytes(1, 10_000)
    assert both < first + second
    assert both < 150e6  # weights of all pairs would take 6.4 GB


@pytest.mark.parametrize("names", [("weight_ih_l0",), ("context.weight", "context.bias")])
def test_frozen_arrays_get_no_gradient_and_others_keep_theirs(names):
    network, params, data = random_problem(bahdanau(), "float64")
    if "context.weight" in names:
        names = (*names, "context.score")
    result = run(network, params, data)
    frozen = run(network, params, data, frozen=names)
    expected, views = network.views(result.d_params), network.views(frozen.d_params)
    for name, array in views.items():
        if name in names:
            assert not array.any(), name
        else:
            assert_close(array, expected[name], 1e-14, name)


def test_a_network_with_a_frozen_encoder_learns():
    network, params, data = random_problem(bahdanau(), "float64")
    encoder = [name for name, *_ in network.tensors if name.endswith(("l0", "l0_reverse"))]
    encoder += ["keys.weight", "start.weight", "start.bias"]
    result = run(network, params, data)
    frozen = run(network, params, data, frozen=tuple(encoder))
    expected, views = network.views(result.d_params), network.views(frozen.d_params)
    for name in ("context.weight", "context.score", "weight_hh_decoder", "head.weight"):
        assert_close(views[name], expected[name], 1e-14, name)


def refused(match, nodes, **fields):
    with pytest.raises(ValueError, match=match):
        _ = network_of(tuple(nodes), **fields).tensors


def with_sources(nodes, *sources):
    return [
        replace(node, sources=tuple(sources)) if node.kind == "context" else node for node in nodes
    ]


def test_sources_that_do_not_go_together_are_refused():
    nodes = attending(score="additive")
    query, key, value = nodes[0].sources
    refused("have three sources", with_sources(nodes, query, key))
    refused("axis", with_sources(nodes, key, key, value))
    refused("axis", with_sources(nodes, query, query, value))
    refused("at shift 0", with_sources(nodes, query, replace(key, shift=-1), value))
    refused("as many columns", attending(score="dot"), n_target_features=2)
