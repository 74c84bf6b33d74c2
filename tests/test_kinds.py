"""Kinds of nodes one by one: the reference by hand, and what random networks do not show."""

from itertools import pairwise

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    RTOL_REORDERED,
    assert_close,
    draw_dataset,
    draw_lengths,
    draw_params,
    loss_and_grad,
    make_engine,
    predict,
    reference_arguments,
    simd_level,
)
from networks import DATA, Network, add_node, stack_nodes
from scipy.special import ndtr
from workspaces import least_budget

from sklearn_rnn import _core
from sklearn_rnn._data.packed import Sequences
from sklearn_rnn._model.network import attention_weights, initialize

each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_dtype = pytest.mark.parametrize("dtype", RTOL)


def nodes_with(kind, *, directions="forward", width=3, summary=None, **fields):
    """Return nodes of this kind behind a recurrent layer, perhaps of a summary, and a head."""
    nodes = list(stack_nodes("elman", (width,), directions=directions, n_outputs=0, per_step=True))
    stream = 0 if summary is None else add_node(nodes, summary, [0], units=4)
    stream = add_node(nodes, kind, [stream], kind, **fields)
    add_node(nodes, "head", [stream], "head", units=1)
    return nodes


def network_of(nodes, per_step, n_features=2, dtype="float64"):
    return Network(n_features, tuple(nodes), "squared_error", 1.0, per_step, dtype)


def streams(nodes, x, rng, **arrays):
    """Return the states of the first node (T, width), and those of the second (T, width)."""
    shapes = reference.layout(nodes, x.shape[1])
    weights = {name: rng.standard_normal(shape) for name, shape in shapes.items()} | arrays
    run = reference.Run(weights, x, nodes, "squared_error")
    first, second = (
        [run.value(run.stream, i, t) for t in range(len(x))] for i in (0, len(nodes) - 2)
    )
    return np.array(first), np.array(second), weights


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("method", ["mean", "max"])
@pytest.mark.parametrize("directions", ["forward", "both"])
def test_pool_is_the_mean_or_maximum_over_all_steps(method, directions, rng):
    nodes = nodes_with("pool", directions=directions, options=(("method", method),))
    h, pooled, _ = streams(nodes, rng.standard_normal((5, 2)), rng)
    expected = sum(h) / 5 if method == "mean" else np.sort(h, axis=0)[-1]
    for row in pooled:
        assert_close(row, expected, RTOL_REORDERED)


@pytest.mark.parametrize("summary", [None, "last"])
def test_merge_makes_one_stream_of_two_directions(summary, rng):
    x = rng.standard_normal((5, 2))
    expected = {
        "sum": lambda a, b: a + b,
        "ave": lambda a, b: (a + b) / 2,
        "mul": lambda a, b: a * b,
    }
    for method, function in expected.items():
        nodes = nodes_with(
            "merge", directions="both", summary=summary, options=(("method", method),)
        )
        h, merged, _ = streams(nodes, x, rng)
        if summary == "last":
            h = np.tile(np.concatenate([h[-1, :3], h[0, 3:]]), (5, 1))
        np.testing.assert_array_equal(merged, function(h[:, :3], h[:, 3:]))


def test_layer_norm_has_mean_0_and_variance_1_in_each_row(rng):
    nodes = nodes_with("norm", width=20, directions="both", options=(("method", "layer"),))
    arrays = {"norm.weight": np.ones(40), "norm.bias": np.zeros(40)}
    h, normal, _ = streams(nodes, 9 * rng.standard_normal((5, 2)), rng, **arrays)
    assert_close(normal.mean(axis=1) + 1, np.ones(5), RTOL_REORDERED)
    assert_close(normal.var(axis=1), h.var(axis=1) / (h.var(axis=1) + 1e-5), RTOL_REORDERED)
    gain, bias = {"norm.weight": np.full(40, 2.0), "norm.bias": np.arange(40.0)}.items()
    _, changed, _ = streams(nodes, rng.standard_normal((5, 2)), rng, **dict([gain, bias]))
    assert_close(changed.mean(axis=1), np.full(5, 19.5), RTOL_REORDERED)


def test_rms_norm_has_mean_square_1_in_each_row_and_no_bias(rng):
    nodes = nodes_with("norm", width=20, options=(("method", "rms"),))
    arrays = {"norm.weight": np.full(20, 3.0)}
    h, normal, weights = streams(nodes, 9 * rng.standard_normal((5, 2)), rng, **arrays)
    squares = np.mean(h**2, axis=1)
    assert_close(np.mean(normal**2, axis=1), 9 * squares / (squares + 1e-5), RTOL_REORDERED)
    assert "norm.bias" not in weights


def test_attention_without_scores_is_the_mean_and_with_large_ones_picks_a_step(rng):
    nodes = nodes_with("attend", units=4)
    x = rng.standard_normal((5, 2))
    h, summary, weights = streams(nodes, x, rng, **{"attend.score": np.zeros(4)})
    assert weights["attend.weight"].shape == (4, 3)
    assert_close(summary[0], h.mean(axis=0), RTOL_REORDERED)
    # The score is that of the first unit, which grows with the first state.
    weight, score = np.zeros((4, 3)), np.array([1e6, 0.0, 0.0, 0.0])
    weight[0, 0] = 0.1
    arrays = {"attend.weight": weight, "attend.bias": np.zeros(4), "attend.score": score}
    h, summary, _ = streams(nodes, x, rng, **arrays)
    assert_close(summary[0], h[h[:, 0].argmax()], RTOL_REORDERED)


def test_drop_and_noise_are_nothing_outside_training(rng):
    for kind, options in (("drop", {"rate": 0.5, "per_sequence": True}), ("noise", {"std": 9.0})):
        nodes = nodes_with(kind, options=(*options.items(), ("layer", 0)))
        h, same, _ = streams(nodes, rng.standard_normal((5, 2)), rng)
        np.testing.assert_array_equal(same, h)


def test_the_last_state_of_a_merged_stream_is_that_of_the_last_step(rng):
    nodes = nodes_with("merge", directions="both", options=(("method", "sum"),))[:-1]
    add_node(nodes, "last", [1])
    add_node(nodes, "head", [2], "head", units=1)
    h, last, _ = streams(nodes, rng.standard_normal((5, 2)), rng)
    np.testing.assert_array_equal(last[0], h[-1, :3] + h[-1, 3:])


# ---- The engine ---------------------------------------------------------------------------------

DROP, NOISE = (("rate", 0.4), ("layer", 1), ("per_sequence", True)), (("std", 0.5), ("layer", 1))
# Kind, fields, what of the layer it reads, whether the target is per step.
SETTINGS = {
    "pool mean": ("pool", {"options": (("method", "mean"),)}, None, False),
    "pool max": ("pool", {"options": (("method", "max"),)}, None, False),
    "attend": ("attend", {"units": 5}, None, False),
    "layer norm": ("norm", {"options": (("method", "layer"),)}, None, True),
    "rms norm": ("norm", {"options": (("method", "rms"),)}, None, True),
    "layer norm of last": ("norm", {"options": (("method", "layer"),)}, "last", False),
    "layer norm of mean": ("norm", {"options": (("method", "layer"),)}, "pool", False),
    "drop": ("drop", {"options": DROP}, None, True),
    "drop of last": ("drop", {"options": DROP}, "last", False),
    "noise": ("noise", {"options": NOISE}, None, True),
    "noise of attention": ("noise", {"options": NOISE}, "attend", False),
}
each_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


def long_problem(setting, dtype="float64"):
    """Return a network with a kind of node, its parameters, and data of several segments."""
    kind, fields, summary, per_step = setting
    nodes = nodes_with(kind, width=9, summary=summary, **fields)
    rng = np.random.default_rng(0)
    network = network_of(nodes, per_step, dtype=dtype)
    params = draw_params(network, rng)
    return network, params, draw_dataset(network, draw_lengths(19, 300, True, rng), rng, True)


@each_level
@each_dtype
@each_setting
def test_neither_threads_nor_a_budget_change_a_bit(setting, dtype, level):
    problem = long_problem(setting, dtype)
    options = {"dropout": True, "update": 3, "input_gradient": True}
    with simd_level(level):
        free = loss_and_grad(*problem, n_threads=1, **options)
        least = least_budget(*problem, input_gradient=True)
        for changes in (
            {"n_threads": 3},
            {"n_threads": 1, "memory_budget": least},
            {"n_threads": 2, "memory_budget": least * 5 // 4},
        ):
            bound = loss_and_grad(*problem, **options, **changes)
            for ours, theirs in zip(bound, free, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@each_setting
def test_predictions_in_segments_are_those_of_the_training_pass(setting):
    network, params, data = long_problem(setting)
    loss, _ = loss_and_grad(network, params, data)
    errors = np.mean((predict(network, params, data) - data.targets) ** 2, axis=1)
    assert_close(np.average(errors, weights=data.weights), loss, RTOL_REORDERED)


@each_setting
def test_a_row_is_predicted_alone_as_among_others(setting):
    network, params, data = long_problem(setting)
    together = predict(network, params, data)
    for i in (0, 7):
        first, end = data.offsets[i : i + 2]
        offsets = np.array([0, end - first])
        alone = predict(network, params, _core.Dataset(data.values[first:end].copy(), offsets))
        rows = slice(first, end) if network.per_step else slice(i, i + 1)
        np.testing.assert_array_equal(alone, together[rows])


@each_setting
def test_a_kind_keeps_little_per_step(setting):
    """Per step, one stream and its gradient at most; and nothing if it has one row per sequence."""
    network, *_ = long_problem(setting)
    plain = nodes_with("pool", width=9, options=(("method", "mean"),))
    if network.per_step:
        plain = [*plain[:1]]
        add_node(plain, "head", [0], "head", units=1)
    sizes = []
    for nodes in (network.nodes, plain):
        changed = network_of(nodes, network.per_step)
        engines = [changed.engine(np.array([n]), 1, 1, True) for n in (1000, 2000)]
        sizes.append((engines[1].arena_size - engines[0].arena_size) / 1000)
    assert sizes[0] <= sizes[1] + (16 if network.per_step else 0) + 1


# ---- Gradients that nobody needs ----------------------------------------------------------------


@pytest.mark.parametrize("kind, options", [("drop", DROP), ("noise", NOISE)])
def test_changed_data_need_no_gradient_unless_it_is_asked_for(kind, options):
    nodes = []
    add_node(nodes, kind, [DATA], options=options)
    add_node(nodes, "recurrent", [0], "l0", units=9, cell="gru")
    add_node(nodes, "last", [1])
    add_node(nodes, "head", [2], "head", units=1)
    network = network_of(nodes, False, n_features=30)
    rng = np.random.default_rng(0)
    problem = network, draw_params(network, rng), draw_dataset(network, [40, 50, 3], rng)
    without = loss_and_grad(*problem, dropout=True, update=1)
    with_it = loss_and_grad(*problem, dropout=True, update=1, input_gradient=True)
    for ours, theirs in zip(without, with_it[:2], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.any(with_it[2])
    sizes = [
        network.engine(np.array([1000]), 1, 1, True, input_gradient=asked).arena_size
        for asked in (False, True)
    ]
    assert sizes[1] - sizes[0] >= 2 * 30 * 1000


# ---- What belongs to training -------------------------------------------------------------------


def data_network(kind, options, n_features, per_step=True, dtype="float64"):
    """Return a network without layers: a node of this kind reads the data, and a head reads it."""
    nodes = []
    add_node(nodes, kind, [DATA], kind, options=options)
    add_node(nodes, "head", [0], "head", units=1)
    return network_of(nodes, per_step, n_features, dtype)


def stream_in_training(kind, options, values, offsets, *, update=1, seed=0, dtype="float64"):
    """Return the stream of a node that reads the data (n_steps, n_features).

    Where the weights are 0 and the targets -1, the gradient of the weights by the loss of one
    step, (output - target)^2, is twice the stream.
    """
    network = data_network(kind, options, values.shape[1], dtype=dtype)
    params, n_steps = np.zeros(network.n_params, dtype), offsets[-1]
    targets, rows, engine = np.full((n_steps, 1), -1.0, dtype), [], None
    for step in range(n_steps):
        taught = (np.arange(n_steps) == step).astype(float)
        data = _core.Dataset(values.astype(dtype), np.asarray(offsets), targets, taught)
        engine = engine or make_engine(network, params, data, training=True, seed=seed)
        _, d_params = engine.loss_and_grad(data, dropout=True, update=update)
        rows.append(network.views(d_params)["head.weight"][0] / 2)
    return np.array(rows)


def noise(shape, offsets, *, std=1.0, layer=0, **options):
    """Return the noise that is added to zeros of this shape."""
    options_of_node = (("std", std), ("layer", layer))
    return stream_in_training("noise", options_of_node, np.zeros(shape), offsets, **options)


@each_level
@each_dtype
def test_noise_is_normal(dtype, level):
    with simd_level(level):
        z = noise((40, 1000), [0, 20, 40], dtype=dtype)
    n, ordered = z.size, np.sort(z, axis=None)
    # Kolmogorov and Smirnov: larger in one of a thousand samples.
    assert np.max(np.abs(ndtr(ordered) - (np.arange(n) + 0.5) / n)) < 1.95 / np.sqrt(n)
    for power, expected in ((1, 0), (2, 1), (3, 0), (4, 3)):
        deviation = np.std(ordered.astype(float) ** power)
        assert abs(np.mean(ordered**power) - expected) < 4 * deviation / np.sqrt(n)
    assert 3.5 < -ordered[0] < 6.5 and 3.5 < ordered[-1] < 6.5


def test_noise_has_its_standard_deviation_at_each_level_and_dtype():
    expected = 0.3 * noise((4, 100), [0, 4])
    for level in _core.simd_levels():
        for dtype in RTOL:
            with simd_level(level):
                ours = noise((4, 100), [0, 4], std=0.3, dtype=dtype)
            assert_close(ours, expected, {"float32": 1e-6, "float64": 1e-9}[dtype])


def test_noise_is_drawn_anew_for_each_sample_step_unit_layer_update_and_seed():
    drawn = [
        noise((5, 1000), [0, 3, 5], layer=layer, update=update, seed=seed)
        for layer in (0, 1)
        for update in (1, 2)
        for seed in (0, 1, 2**40)
    ]
    rows = np.concatenate(drawn)
    for independent in (rows, rows[:, :500].T, rows[:, :64], rows[:, 64:128]):
        correlations = np.corrcoef(independent)[np.triu_indices(len(independent), 1)]
        assert np.max(np.abs(correlations)) < 5.5 / np.sqrt(independent.shape[1])
    np.testing.assert_array_equal(noise((5, 1000), [0, 3, 5]), drawn[0])


def test_noise_is_not_the_mask_of_a_dropout():
    masks = stream_in_training("drop", DROP, np.ones((4, 1000)), [0, 4]) > 0
    z = noise((4, 1000), [0, 4], layer=1)
    assert abs(np.corrcoef(masks[0], z[0])[0, 1]) < 5 / np.sqrt(1000)


def test_no_noise_unless_asked_for():
    setting = SETTINGS["noise"]
    network, params, data = long_problem(setting)
    plain = data_network("noise", (("std", 0.0), ("layer", 0)), 2)
    assert plain.n_params == 3
    silent = nodes_with("noise", width=9, options=(("std", 0.0), ("layer", 1)))
    expected = loss_and_grad(network_of(silent, True), params, data, dropout=True, update=1)
    for ours, theirs in zip(loss_and_grad(network, params, data), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    noisy, _ = loss_and_grad(network, params, data, dropout=True, update=1)
    assert noisy != expected[0]


def test_one_mask_of_a_sequence_is_that_of_all_its_steps():
    ones, offsets = np.ones((9, 300)), [0, 4, 5, 9]
    per_step = (("rate", 0.4), ("layer", 1), ("per_sequence", False))
    masks = stream_in_training("drop", DROP, ones, offsets)
    np.testing.assert_array_equal(np.unique(masks), [0.0, 1 / 0.6])
    for first, end in pairwise(offsets):
        np.testing.assert_array_equal(masks[first:end], np.tile(masks[first], (end - first, 1)))
    assert abs(masks[offsets[:-1]].mean() - 1) < 4 * np.sqrt(0.4 / 0.6 / 900)
    # Masks of two sequences, or of two steps, agree in 0.52 of their places.
    steps = stream_in_training("drop", per_step, ones, offsets)
    for rows in (masks[offsets[:-1]], steps[:4]):
        alike = (rows[:, None] == rows[None]).mean(axis=2)[np.triu_indices(len(rows), 1)]
        np.testing.assert_allclose(alike, 0.52, atol=0.13)


# ---- Ties, NaN ----------------------------------------------------------------------------------


def pool_network(method, dtype="float64"):
    return data_network("pool", (("method", method),), 3, per_step=False, dtype=dtype)


@each_level
@each_dtype
def test_the_gradient_of_a_maximum_goes_to_the_first_step_that_has_it(dtype, level):
    network = pool_network("max", dtype)
    x = np.array([[1, 0, 2], [1, 3, 2], [0, 3, 2], [1, 3, 1]], dtype=dtype)
    data = _core.Dataset(x, np.array([0, 4]), np.zeros((1, 1), dtype))
    with simd_level(level):
        _, _, d_x = loss_and_grad(
            network, np.ones(network.n_params, dtype), data, input_gradient=True
        )
    np.testing.assert_array_equal(d_x != 0, [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]])


def test_a_maximum_does_not_hide_what_is_no_number():
    network = pool_network("max")
    for step in range(3):
        x = np.arange(9.0).reshape(3, 3)
        x[step, 1] = np.nan
        data = _core.Dataset(x, np.array([0, 3]))
        assert np.isnan(predict(network, np.ones(network.n_params), data)).all()


# ---- Parameters ---------------------------------------------------------------------------------


def test_the_gain_of_a_norm_begins_with_1_and_is_not_penalised():
    nodes = nodes_with("norm", directions="both", width=3, options=(("method", "layer"),))
    network = network_of(nodes, True)
    views = network.views(initialize(network, np.random.default_rng(0)))
    np.testing.assert_array_equal(views["norm.weight"], np.ones(6))
    np.testing.assert_array_equal(views["norm.bias"], np.zeros(6))
    decays = {tensor.name: tensor.decays for tensor in network.tensors}
    assert decays["head.weight"]
    assert not decays["norm.weight"] and not decays["norm.bias"]


def test_attention_begins_with_glorot_weights_and_score():
    network = network_of(nodes_with("attend", width=30, units=50), False)
    views = network.views(initialize(network, np.random.default_rng(0)))
    for name, largest in (("attend.weight", (6 / 80) ** 0.5), ("attend.score", (6 / 51) ** 0.5)):
        assert 0.8 * largest < np.max(np.abs(views[name])) <= largest
    np.testing.assert_array_equal(views["attend.bias"], np.zeros(50))
    decays = {tensor.name: tensor.decays for tensor in network.tensors}
    assert decays["attend.weight"] and decays["attend.score"] and not decays["attend.bias"]


# ---- Weights of attention -----------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("directions", ["forward", "both"])
def test_attention_weights_make_the_row_of_a_sequence(directions, dtype):
    nodes = nodes_with("attend", directions=directions, width=6, units=4)
    network, rng = network_of(nodes, False, dtype=dtype), np.random.default_rng(0)
    params, data = draw_params(network, rng), draw_dataset(network, [7, 300, 1, 20], rng)
    sequences = Sequences(data.values, data.offsets, "ragged")
    weights = attention_weights(network, params, sequences, None)
    sums = np.add.reduceat(weights, data.offsets[:-1])
    assert_close(sums, np.ones(4), RTOL[dtype])
    arrays, X, *_ = reference_arguments(network, params, data)
    states = reference.hidden_states(arrays, X, nodes, per_step=True)
    head = arrays["head.weight"], arrays["head.bias"]
    expected = predict(network, params, data)
    for i, h in enumerate(states):
        a = weights[data.offsets[i] : data.offsets[i + 1]]
        assert_close(head[0] @ (a @ h) + head[1], expected[i], RTOL[dtype])
    assert np.max(np.diff(weights[7:307])) > 1e-4  # they are not all equal


# ---- What is refused ----------------------------------------------------------------------------


def refused(match, nodes, per_step=False):
    with pytest.raises(ValueError, match=match):
        network_of(nodes, per_step).check_size()


def test_nodes_that_cannot_be_are_refused_by_name():
    refused("'merge' must read a stream of two directions", nodes_with("merge"))
    refused("'norm.method' must be|norm.method", nodes_with("norm", options=(("method", "batch"),)))
    refused("noise.std` must be", nodes_with("noise", options=(("std", -1.0),)))
    for kind, fields in (("pool", {}), ("attend", {"units": 3})):
        refused("row per step", nodes_with(kind, summary="last", **fields))
    refused("`units` must be", nodes_with("attend"))


@pytest.mark.parametrize("kind, fields", [("pool", {}), ("attend", {"units": 3})])
def test_a_session_has_nobody_who_reads_all_steps(kind, fields):
    network = network_of(nodes_with(kind, **fields), False)
    with pytest.raises(ValueError, match=f"session must not have node '{kind}'"):
        network.session(1)
