"""Networks of nodes: the reference against differences of its loss, and the engine against it."""

import re
from dataclasses import replace
from functools import cache
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from cases import (
    CELLS,
    HUBER_DELTA,
    RTOL,
    RTOL_DIFFERENCES,
    RTOL_REORDERED,
    assert_close,
    assert_gradients_close,
    assert_results_agree,
    draw_dataset,
    draw_lengths,
    draw_params,
    given_states,
    least_scale,
    loss_and_grad,
    make_engine,
    make_network,
    parameters_of_loss,
    predict,
    random_problem,
    reference_arguments,
    run_reference,
    simd_level,
    windows_of,
    with_given_states,
)
from networks import (
    ACTIVATIONS,
    ALL_CELLS,
    DATA,
    DIRECTIONS,
    MERGES,
    NORMS,
    POOLINGS,
    REGULARISING,
    RELU,
    SHIFTS,
    STRIDES,
    TANH,
    UNBOUNDED,
    WINDOWS,
    Network,
    Node,
    Source,
    add_node,
    disturbs,
    happens,
    has_norms,
    options_of_cell,
    random_network,
    stack_nodes,
)

from sklearn_rnn import _core
from sklearn_rnn._model.network import ready

SEEDS = range(212)  # of random networks
LARGE_SEEDS = range(16)  # of those with much data
SHIFT = 1e-5  # of a number, for its central difference

each_mode = pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])
each_loss = pytest.mark.parametrize("loss", reference.LOSS)
each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_seed = pytest.mark.parametrize("seed", SEEDS)


def in_turn(seeds):
    """Give each seed one level in each dtype, another one from seed to seed."""
    levels = _core.simd_levels()
    return [
        (seed, dtype, levels[(k + turn) % len(levels)])
        for k, seed in enumerate(seeds)
        for turn, dtype in enumerate(RTOL)
    ]


each_large_seed = pytest.mark.parametrize("seed", LARGE_SEEDS)


def network_of(nodes, *, n_features=2, loss="squared_error", per_step=False, dtype="float64"):
    of_loss = {"quantile": {"quantile": (0.2, 0.5, 0.8)}, "multioutput": {"groups": (1, 2)}}
    of_loss["multitask"] = {"groups": (("softmax", 2), ("poisson", 1))}
    facts = n_features, tuple(nodes), loss, HUBER_DELTA, per_step, dtype
    return Network(*facts, **of_loss.get(loss, {}))


@cache
def reference_of(seed):
    return run_reference(*random_problem(seed))


@cache
def masked_reference_of(seed, *dropping):
    return run_reference(*random_problem(seed), dropping=dropping)


def n_outputs(loss):
    return 1 if loss == "logistic" else 3


def assert_gradients_are_the_slopes(network, params, data, shift=SHIFT):
    """Hold the reference's gradients against differences of its loss, and return them by name.

    Each array is moved along a random direction of its own, which shows any wrong number in it.
    """
    weights, X, *targets = reference_arguments(network, params, data)
    options = {"nodes": network.nodes, "loss": network.loss, "per_step": network.per_step}
    options |= parameters_of_loss(network) | windows_of(network)
    options |= {"initial_state": given_states(network, data)}
    _, d_weights, d_X = reference.loss_and_grad(weights, X, *targets, **options)
    gradients = d_weights | {"X": np.concatenate(d_X)}
    least = 1e-3 * max(map(np.linalg.norm, gradients.values()))  # the rest is rounded off the loss

    def loss_at(name, array):
        sequences = np.split(array, data.offsets[1:-1]) if name == "X" else X
        return reference.loss(weights | {name: array}, sequences, *targets, **options)

    rng = np.random.default_rng(0)
    for name, array in (weights | {"X": np.concatenate(X)}).items():
        direction = rng.standard_normal(array.shape)
        above, below = (loss_at(name, array + step * direction) for step in (shift, -shift))
        error = np.sum(gradients[name] * direction) - (above - below) / (2 * shift)
        largest = RTOL_DIFFERENCES * max(least, np.linalg.norm(gradients[name]))
        assert abs(error) <= largest, name
    return gradients


# ---- Random networks ----------------------------------------------------------------------------


# Kinds whose stream a recurrent node can read, at the same step or before; and in a loop.
READ_EARLIER = ("data", "embed", "recurrent", "dense", "drop", "noise", "norm", "merge", "add")
READ_LATER = ("recurrent", "dense", "drop", "noise", "norm", "add", "head")
# Cells that can take h from a source.
TAKE_H = ("elman", "lstm")


def assert_readings_of_dense_nodes(readings):
    kinds, shifts, directions, stems, places = zip(*readings, strict=True)
    assert set(kinds) >= {"data", "recurrent", "dense", "drop", "add", "last", "pool"}
    assert {*zip(shifts, directions, strict=True)} == {*product(SHIFTS, ("forward", "reverse"))}
    assert {*zip(shifts, stems, strict=True)} == {*product(SHIFTS, ("weight_ih", "weight_skip"))}
    assert set(places) == {"earlier", "itself", "later"}


def test_random_networks_have_every_kind_of_node_cell_and_reading():
    kinds, options, commons, cells, losses, lengths = set(), set(), set(), set(), set(), set()
    shifts, directions, later, of_dense, windows = set(), set(), set(), set(), set()
    for seed in SEEDS:
        network, _, data = random_problem(seed)
        nodes = network.nodes
        losses.add((network.loss, network.per_step))
        windows.add((network.stride, network.window))
        lengths |= {*np.diff(data.offsets)}
        kinds |= {(node.kind, min(len(node.sources), 3)) for node in nodes}
        options |= {(node.kind, *o) for node in nodes for o in node.options if o[0] != "layer"}
        for i, node in enumerate(nodes):
            if node.kind == "recurrent":
                cells.add((node.cell, options_of_cell(node), node.directions))
                common = set(node.options) - set(options_of_cell(node))
                commons |= set(product([node.cell, node.directions], common))
            for source in node.sources if node.kind in ("recurrent", "dense") else ():
                kind = "data" if source.node == DATA else nodes[source.node].kind
                place = ("earlier", "itself", "later")[1 + np.sign(source.node - i)]
                if node.kind == "dense":
                    reading = kind, source.shift, node.directions, source.weight, place
                    of_dense.add(reading)
                elif place == "later":
                    later.add((kind, source.shift, node.directions, source.weight))
                elif source.weight != "weight_hh":
                    shifts.add((kind, source.shift, source.weight))
                    directions.add((kind, node.directions))
    assert kinds == {("embed", 0), ("add", 2), ("add", 3)} | {
        (kind, 1) for kind in ("drop", "noise", "norm", "merge", "last", "pool", "attend")
    } | set(product(("recurrent", "dense", "head"), (1, 2, 3)))
    assert options >= {
        ("drop", "per_sequence", False),
        ("drop", "per_sequence", True),
        *(("pool", "method", method) for method in POOLINGS),
        *(("merge", "method", method) for method in MERGES),
        *(("norm", "method", method) for method in NORMS),
        *(("dense", *activation) for (activation,) in ACTIVATIONS),
        *(("dense", "bias", has_bias) for has_bias in (False, True)),
    }
    assert cells >= {
        (*cell, directions)
        for cell, directions in product(ALL_CELLS, DIRECTIONS)
        if cell[0] != "jordan" or directions == "forward"
    }
    assert shifts == set(product(READ_EARLIER, SHIFTS, ["weight_ih"]))
    assert directions == set(product(READ_EARLIER, DIRECTIONS))
    rare = {("noise", -1, "forward", "weight_ih")}
    assert later | rare == rare | {(kind, -1, "forward", "weight_ih") for kind in READ_LATER} | {
        ("head", -1, "forward", "weight_oh"),
        ("dense", -1, "forward", "weight_hh"),
        ("dense", -1, "reverse", "weight_hh"),
    }
    assert_readings_of_dense_nodes(of_dense)
    assert commons == {
        (cell_or_directions, ("initial_state", "learned"))
        for cell_or_directions in (*reference.STEP, *DIRECTIONS)
        if cell_or_directions != "jordan"
    } | set(product((*TAKE_H, *DIRECTIONS), [("recurrence", "source")])) | {
        (cell_or_directions, ("normalization", norm))
        for cell_or_directions in (*filter(has_norms, reference.STEP), *DIRECTIONS)
        for norm in NORMS
    } | {
        (cell_or_directions, option)
        for cell_or_directions in (*reference.STEP, *DIRECTIONS)
        for option in REGULARISING.items()
        if cell_or_directions in DIRECTIONS or disturbs(cell_or_directions, option[0])
    }
    assert [set(values) for values in zip(*windows, strict=True)] == [{*STRIDES}, {*WINDOWS}]
    assert losses == set(product(reference.LOSS, (False, True)))
    assert lengths == set(range(1, 13))


def with_bounded_units(network):
    """Return the network with tanh for all that may grow without bounds."""
    unbounded = [options[0] for options in UNBOUNDED]

    def bounded(options):
        return tuple(TANH[0] if option in unbounded else option for option in options)

    nodes = [replace(node, options=bounded(node.options)) for node in network.nodes]
    return replace(network, nodes=tuple(nodes))


def with_means_of_all_steps(network):
    mean = {"kind": "pool", "options": (("method", "mean"),)}
    nodes = [replace(n, **mean) if n.kind in ("last", "pool") else n for n in network.nodes]
    return replace(network, nodes=tuple(nodes))


def test_random_networks_are_used_up_to_the_last_array():
    for seed in SEEDS:
        network, params, _ = random_problem(seed)
        # Some rectified units are never alive, signs may cancel out, and in a step that is alone
        # in being read, a source of steps before may have none.
        network = replace(with_bounded_units(network), loss="squared_error")
        network = with_means_of_all_steps(network)
        data = draw_dataset(network, [9 * network.stride] * 2, np.random.default_rng(0))
        result = run_reference(network, params, data)
        assert np.isfinite(result.loss)
        for name, gradient in network.views(result.d_params).items():
            assert np.any(gradient), (seed, name)


@pytest.mark.parametrize("seed", range(25))
def test_random_gradients_are_the_slopes_of_the_loss(seed):
    network, params, data = random_problem(seed)
    normed = any(n.kind == "norm" or "normalization" in dict(n.options) for n in network.nodes)
    # Norms of few numbers curve so much that differences must be smaller.
    shift = SHIFT / 10 if normed else SHIFT
    assert_gradients_are_the_slopes(network, params, data, shift)


# ---- Networks by name ---------------------------------------------------------------------------


def assert_every_array_has_its_slopes(network, lengths=(2, 4, 1), shift=SHIFT):
    """Hold the gradients of a network, and see that every array has a part in its loss."""
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    for name, array in network.views(params).items():
        if name.startswith("bias"):
            array[:] = np.abs(array)  # so that some rectified units are alive
    data = draw_dataset(network, lengths, rng, weighted=True)
    for name, gradient in assert_gradients_are_the_slopes(network, params, data, shift).items():
        assert np.any(gradient), f"nothing to see of {name}"


@each_mode
@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize("connections", [None, "residual", "skip"])
def test_connections_are_part_of_the_slopes(connections, directions, per_step):
    nodes = stack_nodes(
        "gru", (3, 3, 3), directions=directions, per_step=per_step, connections=connections
    )
    assert_every_array_has_its_slopes(network_of(nodes, per_step=per_step))


@each_loss
@each_mode
@pytest.mark.parametrize("options", ACTIVATIONS, ids=reference.ACTIVATION)
def test_jordan_goes_back_through_the_link(options, per_step, loss):
    if loss == "gamma":
        options = TANH  # exp of rectified units that read it is soon infinite
    nodes = stack_nodes(
        "jordan", (4,), options=options, per_step=per_step, n_outputs=n_outputs(loss)
    )
    assert_every_array_has_its_slopes(network_of(nodes, loss=loss, per_step=per_step))


@each_mode
@pytest.mark.parametrize("connections", [None, "residual", "skip"])
def test_a_stack_of_jordan_layers_has_slopes_too(connections, per_step):
    nodes = stack_nodes("jordan", (3, 3), per_step=per_step, connections=connections)
    assert_every_array_has_its_slopes(network_of(nodes, loss="softmax", per_step=per_step))


@each_mode
@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize("cell, options", [c for c in ALL_CELLS if c[0] != "jordan"])
def test_each_cell_has_the_slopes_of_its_loss(cell, options, directions, per_step):
    nodes = stack_nodes(cell, (3, 2), options=options, directions=directions, per_step=per_step)
    assert_every_array_has_its_slopes(network_of(nodes, per_step=per_step))


@each_mode
@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("cell, options", [c for c in ALL_CELLS if has_norms(c[0])])
def test_norms_are_part_of_the_slopes(cell, options, norm, directions, per_step):
    options = (*options, ("normalization", norm))
    nodes = stack_nodes(cell, (6, 5), options=options, directions=directions, per_step=per_step)
    # Norms of small numbers bend within a short way.
    assert_every_array_has_its_slopes(network_of(nodes, per_step=per_step), shift=SHIFT / 10)


def test_indrnn_rectifies_unless_told_otherwise():
    rng = np.random.default_rng(0)
    networks = [network_of(stack_nodes("indrnn", (4,), options=options)) for options in ((), RELU)]
    params = draw_params(networks[0], rng)
    data = draw_dataset(networks[0], [5, 2], rng)
    default, rectified = (run_reference(network, params, data).raw for network in networks)
    np.testing.assert_array_equal(default, rectified)


# ---- The reference against loops ----------------------------------------------------------------


def run_loop(weights, suffix, x, cell):
    """Return one direction's hidden states (T, H) by a loop over the steps."""
    p = {name.removesuffix(suffix): w for name, w in weights.items() if name.endswith(suffix)}
    step, h = reference.STEP[cell], {}
    states = np.zeros((step.n_states, len(p["bias_ih"]) // step.n_gates({})))
    for t in range(len(x))[:: -1 if suffix.endswith("_reverse") else 1]:
        states, _ = step(p, {"weight_ih": x[t]}, states, {})
        h[t] = states[0]
    return np.array([h[t] for t in range(len(x))])


def run_stack(weights, x, cell, n_layers, directions, connections, per_step):
    """Return the raw outputs of a stack, layer by layer."""
    suffixes = {"forward": [""], "reverse": ["_reverse"], "both": ["", "_reverse"]}[directions]
    outputs, read = x, []
    for k in range(n_layers):
        below = outputs
        inputs = np.hstack([below, x]) if connections == "skip" and k else below
        runs = [run_loop(weights, f"_l{k}{suffix}", inputs, cell) for suffix in suffixes]
        outputs = np.hstack(runs)
        outputs = outputs + below if connections == "residual" and k else outputs
        if not per_step:
            width = runs[0].shape[1]
            at = [0 if suffix else -1 for suffix in suffixes for _ in range(width)]
            read.append(outputs[at, np.arange(len(at))][None])
        else:
            read.append(outputs)
    features = np.hstack(read) if connections == "skip" else read[-1]
    return features @ weights["head.weight"].T + weights["head.bias"]


@each_mode
@pytest.mark.parametrize("connections", [None, "residual", "skip"])
@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize("cell", [cell for cell in reference.STEP if cell != "jordan"])
def test_stacks_are_what_loops_over_layers_and_steps_make_of_them(
    cell, directions, connections, per_step
):
    rng = np.random.default_rng(0)
    nodes = stack_nodes(
        cell,
        (4, 4, 4),
        directions=directions,
        connections=connections,
        per_step=per_step,
        dropout=0.3,
    )
    network = network_of(nodes, per_step=per_step)
    params = draw_params(network, rng)
    weights = network.views(params)
    for n_steps in (1, 2, 7):
        x = rng.standard_normal((n_steps, 2))
        raw, _ = reference.run_network(weights, x, nodes, per_step=per_step)
        expected = run_stack(weights, x, cell, 3, directions, connections, per_step)
        assert_close(raw, expected, RTOL_REORDERED)


@pytest.mark.parametrize("loss", ["softmax", "huber"])
def test_jordan_is_a_loop_over_outputs(loss):
    rng = np.random.default_rng(0)
    nodes = stack_nodes("jordan", (4,), n_outputs=3, per_step=True)
    network = network_of(nodes, loss=loss, per_step=True)
    w = network.views(draw_params(network, rng))
    x, y, expected = rng.standard_normal((5, 2)), np.zeros(3), []
    for x_t in x:
        h = np.tanh(w["weight_ih_l0"] @ x_t + w["bias_ih_l0"] + w["weight_oh_l0"] @ y)
        z = w["head.weight"] @ h + w["head.bias"]
        y = np.exp(z) / np.exp(z).sum() if loss == "softmax" else z
        expected.append(z)
    raw, _ = reference.run_network(w, x, nodes, per_step=True, link=loss)
    assert_close(raw, np.array(expected), RTOL_REORDERED)
    last = network_of(stack_nodes("jordan", (4,), n_outputs=3), loss=loss)
    raw, _ = reference.run_network(w, x, last.nodes, per_step=False, link=loss)
    assert_close(raw, expected[-1][None], RTOL_REORDERED)


def single_unit(cell, options, **arrays):
    """Return the states of one unit that reads `arrays["x"]` with weight 1, without biases."""
    nodes = stack_nodes(cell, (1,), options=options, per_step=True)
    network = network_of(nodes, n_features=1, per_step=True)
    weights, x = network.views(np.zeros(network.n_params)), arrays.pop("x")
    weights["weight_ih_l0"][:] = 1.0
    for stem, values in arrays.items():
        weights[f"{stem}_l0"][:] = values
    (states,) = reference.hidden_states(weights, [np.reshape(x, (-1, 1))], nodes, per_step=True)
    return states[:, 0]


def test_a_unit_of_indrnn_multiplies_its_own_state():
    states = single_unit("indrnn", RELU, x=[1.0, 2.0, -9.0, 4.0], weight_hh=[0.5])
    np.testing.assert_array_equal(states, [1.0, 2.5, 0.0, 4.0])


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_a_unit_of_mingru_moves_by_z_towards_what_it_reads():
    expected, h = [], 0.0
    for x in (1.0, 2.0, -9.0, 4.0):
        h += sigmoid(x) * (x - h)
        expected.append(h)
    assert_close(
        single_unit("mingru", (), x=[1.0, 2.0, -9.0, 4.0]), np.array(expected), RTOL_REORDERED
    )


def test_a_unit_of_minlstm_is_a_mean_weighted_by_its_gates():
    states = single_unit("minlstm", (), x=[1.0, -2.0], bias_ih=[0.5, -0.3, 0.0])
    new, old = sigmoid(np.array([1.5, -1.5])), sigmoid(np.array([0.7, -2.3]))
    first = new[0] / (old[0] + new[0])
    second = (old[1] * first - 2 * new[1]) / (old[1] + new[1])
    assert_close(states, np.array([first, second]), RTOL_REORDERED)


def test_a_reset_before_the_product_is_part_of_what_u_multiplies():
    x, u, b = [0.3, -0.4], (0.7, -0.2, 1.5), (0.1, 0.2, 0.9)
    states = single_unit(
        "gru", (("reset_after", False),), x=x, weight_hh=np.reshape(u, (3, 1)), bias_hh=b
    )
    h, expected = 0.0, []
    for x_t in x:
        r, z = (sigmoid(x_t + u[i] * h + b[i]) for i in range(2))
        h = (1 - z) * np.tanh(x_t + u[2] * (r * h) + b[2]) + z * h
        expected.append(h)
    assert_close(states, np.array(expected), RTOL_REORDERED)


def test_the_gate_of_mgu_resets_and_updates():
    x, u, b = [0.3, -0.4], (0.7, 1.5), (0.1, 0.9)
    states = single_unit("mgu", (), x=x, weight_hh=np.reshape(u, (2, 1)), bias_hh=b)
    h, expected = 0.0, []
    for x_t in x:
        f = sigmoid(x_t + u[0] * h + b[0])
        h = (1 - f) * h + f * np.tanh(x_t + u[1] * (f * h) + b[1])
        expected.append(h)
    assert_close(states, np.array(expected), RTOL_REORDERED)


def test_coupled_gates_let_in_what_they_forget():
    x = [0.3, -0.4]
    states = single_unit("lstm", (("coupled_gates", True),), x=x, weight_hh=0.0)
    c_0 = (1 - sigmoid(x[0])) * np.tanh(x[0])
    c_1 = sigmoid(x[1]) * c_0 + (1 - sigmoid(x[1])) * np.tanh(x[1])
    expected = [sigmoid(a) * np.tanh(c) for a, c in zip(x, (c_0, c_1), strict=True)]
    assert_close(states, np.array(expected), RTOL_REORDERED)


def test_peepholes_of_i_and_f_see_the_last_c_and_that_of_o_the_new_one():
    x, (p_i, p_f, p_o) = [0.3, -0.4], (0.5, -2.0, 3.0)
    states = single_unit(
        "lstm", (("peepholes", True),), x=x, weight_c=[[p_i], [p_f], [p_o]], weight_hh=0.0
    )
    c_0 = sigmoid(x[0]) * np.tanh(x[0])
    c_1 = sigmoid(x[1] + p_f * c_0) * c_0 + sigmoid(x[1] + p_i * c_0) * np.tanh(x[1])
    expected = [sigmoid(a + p_o * c) * np.tanh(c) for a, c in zip(x, (c_0, c_1), strict=True)]
    assert_close(states, np.array(expected), RTOL_REORDERED)


@each_mode
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_arrays_of_plain_stacks_lie_where_the_package_has_them(cell, bidirectional, per_step):
    network = make_network(cell, (5, 4), bidirectional=bidirectional, per_step=per_step)
    shapes = reference.layout(network.nodes, network.n_features)
    assert [(tensor.name, tensor.shape) for tensor in network.tensors] == list(shapes.items())


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("directions", ["forward", "reverse"])
def test_a_shift_reads_steps_before_in_the_direction_of_the_reader(directions, shift):
    rng = np.random.default_rng(0)
    plain = network_of(stack_nodes("gru", (3,), directions=directions, per_step=True))
    layer, head = plain.nodes
    shifted = replace(plain, nodes=(replace(layer, sources=(Source(DATA, shift),)), head))
    weights = plain.views(draw_params(plain, rng))
    for n_steps in (1, 2, 5):
        x = rng.standard_normal((n_steps, 2))
        # What the network reads at its first steps is zeros.
        zeros, n = np.zeros((min(-shift, n_steps), 2)), n_steps + shift
        if directions == "forward":
            read = np.vstack([zeros, x[: max(n, 0)]])
        else:
            read = np.vstack([x[n_steps - max(n, 0) :], zeros])
        ours, _ = reference.run_network(weights, x, shifted.nodes, per_step=True)
        expected, _ = reference.run_network(weights, read, plain.nodes, per_step=True)
        np.testing.assert_array_equal(ours, expected)


def test_a_dozen_layers_of_fifty_steps_do_not_recurse_too_deep():
    network = network_of(stack_nodes("gru", (2,) * 12, directions="both"))
    data = draw_dataset(network, [50], np.random.default_rng(0))
    params = draw_params(network, np.random.default_rng(0))
    assert np.any(run_reference(network, params, data).d_values)


# ---- What has no order of loops -----------------------------------------------------------------


def two_layers(below, above, shift_below, shift_above):
    """Return two layers of these directions that read each other."""
    fields = {"units": 3, "cell": "elman"}
    sources = (Source(DATA), Source(1, shift_below))
    nodes = [Node("recurrent", "l0", sources, directions=below, **fields)]
    add_node(nodes, "recurrent", [Source(0, shift_above)], "l1", directions=above, **fields)
    add_node(nodes, "head", [1], "head", units=1)
    return nodes


def jordan_that_reads_the_head_of_last_states():
    nodes = [
        Node("recurrent", "l0", (Source(DATA), Source(2, -1, "weight_oh")), units=3, cell="jordan")
    ]
    add_node(nodes, "last", [0])
    add_node(nodes, "head", [1], "head", units=1)
    return nodes


WITHOUT_ORDER = {
    "jordan in both directions": stack_nodes("jordan", (3,), directions="both"),
    "forward and reverse": two_layers("forward", "reverse", -1, 0),
    "both and forward": two_layers("both", "forward", -1, 0),
    "at the same step": two_layers("forward", "forward", 0, 0),
    "last states fed back": jordan_that_reads_the_head_of_last_states(),
}


@pytest.mark.parametrize("nodes", WITHOUT_ORDER.values(), ids=WITHOUT_ORDER)
@pytest.mark.parametrize("n_steps", [1, 4])
def test_the_reference_refuses_loops_without_order(nodes, n_steps):
    weights = {name: np.zeros(shape) for name, shape in reference.layout(nodes, 2).items()}
    with pytest.raises(ValueError, match="is in a loop that has no order of steps"):
        reference.run_network(weights, np.zeros((n_steps, 2)), nodes, per_step=True)


@pytest.mark.parametrize("shifts", [(-1, 0), (-2, -1)])
@pytest.mark.parametrize("directions", ["forward", "reverse"])
def test_loops_of_one_direction_have_an_order(directions, shifts):
    nodes = two_layers(directions, directions, *shifts)
    assert_every_array_has_its_slopes(network_of(nodes, per_step=True))


def test_jordan_in_reverse_has_an_order():
    nodes = stack_nodes("jordan", (3,), directions="reverse", per_step=True)
    assert_every_array_has_its_slopes(network_of(nodes, loss="softmax", per_step=True))


# ---- The engine against the reference -----------------------------------------------------------


def drawn(seed):
    return random_network(np.random.default_rng(seed))


def goes_step_by_step(network):
    """Tell whether a network has one direction, and can so go through all nodes at each step."""
    return all(n.directions == "forward" for n in network.nodes if n.kind == "recurrent")


def run_engine_of_nodes(network, params, data, **options):
    """Return what `run_engine` returns, from an engine made with these options."""
    training = make_engine(network, params, data, training=True, input_gradient=True, **options)
    with ready(training):
        loss, d_params, d_values = training.loss_and_grad(data, input_gradient=True)
    predicting = make_engine(network, params, data, training=False, **options)
    with ready(predicting):
        raw, predictions = predicting.predict(data, raw=True), predicting.predict(data)
    return SimpleNamespace(
        loss=loss, d_params=d_params, d_values=d_values, raw=raw, predictions=predictions
    )


@pytest.mark.parametrize("seed, dtype, level", in_turn(SEEDS))
def test_engine_agrees_with_the_reference(seed, dtype, level):
    network, params, data = random_problem(seed, dtype)
    expected, rtol = reference_of(seed), RTOL[dtype]
    with simd_level(level):
        actual = run_engine_of_nodes(network, params, data)
        assert_results_agree(network, actual, expected, rtol)
        if goes_step_by_step(network):
            actual = run_engine_of_nodes(network, params, data, by_step=True)
            assert_results_agree(network, actual, expected, rtol)


@each_mode
@pytest.mark.parametrize("n_features", [5, 8])
@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_of_data_with_noise_learns(norm, n_features, per_step):
    nodes = []
    noisy = add_node(nodes, "noise", [DATA], options=(("std", 0.2), ("layer", 0)))
    add_node(nodes, "norm", [noisy], options=(("method", norm),))
    add_node(nodes, "recurrent", [1], "l0", units=3, cell="gru")
    read = [2] if per_step else [add_node(nodes, "last", [2])]
    add_node(nodes, "head", read, "head", units=2)
    network = network_of(nodes, n_features=n_features, per_step=per_step)
    rng = np.random.default_rng(0)
    params, data = draw_params(network, rng), draw_dataset(network, (5, 3), rng)
    expected = run_reference(network, params, data)
    _, d_params = loss_and_grad(network, params, data)
    assert_gradients_close(network, d_params, expected.d_params, RTOL["float64"])


@pytest.mark.parametrize(
    "option", [("initial_state", "learned"), ("zoneout", 0.1), ("normalization", "layer")]
)
def test_a_cell_that_reads_h_elsewhere_does_nothing_to_its_own(option):
    nodes = []
    read = [Source(DATA), Source(DATA, -1, "weight_hh")]
    options = (("recurrence", "source"), option)
    add_node(nodes, "recurrent", read, "l0", units=3, cell="lstm", options=options)
    add_node(nodes, "head", [0], "head", units=2)
    with pytest.raises(ValueError, match=f"`{option[0]}` must be .* `recurrence` is 'source'"):
        _ = network_of(nodes).tensors


# The reference draws masks, but no noise.
WITHOUT_NOISE = [s for s in SEEDS if all(node.kind != "noise" for node in drawn(s).nodes)]


@pytest.mark.parametrize("seed, dtype, level", in_turn(WITHOUT_NOISE[:60]))
def test_masks_are_those_of_the_reference(seed, dtype, level):
    network, params, data = random_problem(seed, dtype)
    dropping = {"seed": 2**33 + 5, "update": 3}
    expected = masked_reference_of(seed, *dropping.values())
    with simd_level(level):
        loss, d_params, d_values = loss_and_grad(
            network, params, data, input_gradient=True, dropout=True, **dropping
        )
    assert_close(loss, expected.loss, RTOL[dtype], "loss")
    assert_gradients_close(network, d_params, expected.d_params, RTOL[dtype])
    least = least_scale(expected.d_params)
    assert_close(d_values, expected.d_values, RTOL[dtype], "gradient of the input", least)


@each_seed
def test_the_engine_lays_out_the_arrays_as_the_reference_does(seed):
    network, _, _ = random_problem(seed)
    shapes = reference.layout(network.nodes, network.n_features * network.window)
    assert [(tensor.name, tensor.shape) for tensor in network.tensors] == list(shapes.items())


@pytest.mark.parametrize("nodes", WITHOUT_ORDER.values(), ids=WITHOUT_ORDER)
def test_the_engine_refuses_loops_without_order(nodes):
    network = network_of(nodes)
    with pytest.raises(ValueError, match=r"in any order|must read streams with one row per step"):
        network.engine(np.array([3]), 1, 1, True)


# ---- What comes before the first step -----------------------------------------------------------


def test_random_problems_are_given_all_that_comes_before_the_first_step():
    names, learning = set(), 0
    for seed in SEEDS:
        network, _, data = random_problem(seed)
        if data.initial_state is not None:
            assert len(network.state_layout) == len(given_states(network, data))
            names |= {re.sub(r"\d", "", name) for name, _, _ in network.state_layout}
            learning += any(
                ("initial_state", "learned") in n.options
                for n in network.nodes
                if n.kind == "recurrent"
            )
    assert names >= {"h_l", "c_l", "l", "l_", "add", "add_", "y", "x", "x_"}
    assert learning > 5


def goes_on(network):
    """Tell whether a network can take its steps in several calls."""
    reads_all_steps = any(node.kind in ("pool", "attend") for node in network.nodes)
    return (
        goes_step_by_step(network) and network.stride == network.window == 1 and not reads_all_steps
    )


each_causal_seed = pytest.mark.parametrize(
    "seed", [seed for seed in SEEDS if goes_on(drawn(seed))][:16]
)


def causal_problem(seed, dtype):
    """Return a random network of one direction, its parameters, and 3 sequences of 6 steps."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, dtype)
    return network, draw_params(network, rng), draw_dataset(network, [6] * 3, rng)


def by_step(rows):
    """Return rows of 3 sequences of 6 steps step by step (6, 3, n)."""
    return rows.reshape(3, 6, -1).swapaxes(0, 1)


@each_level
@each_dtype
@each_causal_seed
def test_a_session_begins_with_the_states_of_a_prediction(seed, dtype, level):
    network, params, data = causal_problem(seed, dtype)
    with simd_level(level):
        whole = predict(network, params, data, raw=True)
        if any(node.kind in ("pool", "attend") for node in network.nodes):
            with pytest.raises(ValueError, match="reads all steps of a sequence"):
                network.session(3)
            return
        session = network.session(3)
        session.load(params)
        for _ in range(2):
            steps = [session.step(np.ascontiguousarray(x), raw=True) for x in by_step(data.values)]
            expected = by_step(whole) if network.per_step else whole
            np.testing.assert_array_equal(steps if network.per_step else steps[-1], expected)
            session.begin([True, True, False])
            session.begin(2)


@each_level
@each_dtype
@each_causal_seed
def test_given_states_take_the_place_of_learned_ones(seed, dtype, level):
    network, params, data = causal_problem(seed, dtype)
    with simd_level(level):
        whole, final = predict(network, params, data, raw=True, return_state=True)
        engine = make_engine(network, params, data, training=False, carried=True)
        begin = np.tile(engine.initial_state(), (3, 1))
        raw, end = engine.predict(data, raw=True, initial_state=begin, return_state=True)
        np.testing.assert_array_equal(raw, whole)
        np.testing.assert_array_equal(end, final)
        if any(node.kind in ("pool", "attend") for node in network.nodes):
            return  # which pool over the steps of one call
        # Half of the steps, and then from where these ended.
        values = data.values.reshape(3, 6, -1)
        first, second = (
            _core.Dataset(np.concatenate(half), np.arange(0, 10, 3))
            for half in (values[:, :3], values[:, 3:])
        )
        _, middle = predict(network, params, first, raw=True, return_state=True)
        raw = engine.predict(second, raw=True, initial_state=middle)
        if network.per_step:
            whole = np.concatenate(whole.reshape(3, 6, -1)[:, 3:])
        np.testing.assert_array_equal(raw, whole)


@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize("cell, options", [c for c in ALL_CELLS if c[0] != "jordan"])
def test_learned_states_have_a_slope_unless_others_are_given(cell, options, directions):
    options = (*options, ("initial_state", "learned"))
    nodes = stack_nodes(cell, (4, 3), options=options, directions=directions)
    network, rng = network_of(nodes), np.random.default_rng(0)
    params, data = draw_params(network, rng), draw_dataset(network, [4, 2, 1], rng)
    names = [name for name in network.views(params) if name.startswith("initial")]
    states = _core.CELLS[cell].states
    suffixes = {"forward": [""], "reverse": ["_reverse"], "both": ["", "_reverse"]}[directions]
    assert names == [
        f"initial_{state}_l{layer}{suffix}"
        for layer, suffix, state in product((0, 1), suffixes, states)
    ]
    gradient = network.views(loss_and_grad(network, params, data)[1])
    if options[0] != RELU[0]:  # some rectified units are never alive
        assert all(np.all(gradient[name]) for name in names)
    if directions == "forward":
        data = with_given_states(network, data, rng)
        gradient = network.views(loss_and_grad(network, params, data)[1])
        assert not any(np.any(gradient[name]) for name in names)


def test_learned_states_begin_with_zeros_and_are_not_penalised():
    nodes = stack_nodes("lstm", (4,), options=(("initial_state", "learned"),))
    network = network_of(nodes)
    tensors = [tensor for tensor in network.tensors if tensor.name.startswith("initial")]
    assert [(t.name, t.shape, t.initial, t.decays) for t in tensors] == [
        ("initial_h_l0", (4,), "zeros", False),
        ("initial_c_l0", (4,), "zeros", False),
    ]


def test_states_that_a_cell_does_not_read_are_not_learned():
    layer, *others = stack_nodes("jordan", (4,))
    nodes = [replace(layer, options=(("initial_state", "learned"),)), *others]
    with pytest.raises(ValueError, match="`initial_state` of node 'l0' must be 'zeros'"):
        _ = network_of(nodes).tensors


def test_engines_need_given_states_if_and_only_if_they_were_made_for_them():
    rng = np.random.default_rng(0)
    network = network_of(stack_nodes("gru", (4,)))
    params, data = draw_params(network, rng), draw_dataset(network, [4, 2, 1], rng)
    given = with_given_states(network, data, rng)
    for training, made_for, passed in product((True, False), (data, given), (data, given)):
        if made_for is passed:
            continue
        engine = make_engine(network, params, made_for, training=training)
        use = engine.loss_and_grad if training else engine.predict
        with pytest.raises(ValueError, match="`initial_state` must be given if and only if"):
            use(passed)
    data = _core.Dataset(data.values, data.offsets, data.targets, initial_state=np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"`initial_state` must be .* \(3, 4\), got .* \(3, 5\)"):
        make_engine(network, params, given, training=True).loss_and_grad(data)


# ---- Bits that nothing may change ---------------------------------------------------------------


def large_problem(seed, dtype):
    """Return a random network, its parameters, and data for several segments and threads.

    All units are bounded: in so many steps the loops of others would grow without bounds.
    """
    rng = np.random.default_rng(seed)
    network = with_bounded_units(random_network(rng, dtype))
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(80, 300, True, rng), rng, weighted=True)
    return network, params, with_given_states(network, data, rng) if happens(rng, 0.5) else data


def results_with_dropout(network, params, data, **options):
    """Return loss, gradients and predictions of an engine made with these options."""
    training = make_engine(network, params, data, training=True, input_gradient=True, **options)
    with ready(training):
        results = training.loss_and_grad(data, input_gradient=True, dropout=True, update=3)
    options.pop("memory_budget", None)
    predicting = make_engine(network, params, data, training=False, **options)
    with ready(predicting):
        return *results, predicting.predict(data)


def assert_same_bits(actual, expected):
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@each_level
@each_dtype
@each_large_seed
def test_threads_change_no_bit(seed, dtype, level):
    problem = large_problem(seed, dtype)
    with simd_level(level):
        alone = results_with_dropout(*problem, n_threads=1)
        for n_threads in (2, 3):
            assert_same_bits(results_with_dropout(*problem, n_threads=n_threads), alone)


@each_level
@each_dtype
@each_large_seed
def test_a_budget_changes_no_bit(seed, dtype, level):
    problem = large_problem(seed, dtype)
    with simd_level(level):
        free = results_with_dropout(*problem)
        with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
            results_with_dropout(*problem, memory_budget=1)
        least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
        for budget in (least, least * 5 // 4):
            assert_same_bits(results_with_dropout(*problem, memory_budget=budget), free)


def assert_the_order_of_loops_changes_no_bit(problem, dtype):
    by_layer = results_with_dropout(*problem)
    by_step = results_with_dropout(*problem, by_step=True)
    # BLAS adds up blocks of rows. A reader of earlier steps adds to a gradient before or after
    # others, as the order of loops has it.
    shifted = any(source.shift for node in problem[0].nodes for source in node.sources)
    if shifted or make_engine(*problem, training=True).uses_blas:
        for ours, theirs in zip(by_step, by_layer, strict=True):
            assert_close(ours, theirs, RTOL[dtype])
    else:
        assert_same_bits(by_step, by_layer)


@each_level
@each_dtype
@pytest.mark.parametrize("seed", [s for s in SEEDS if goes_step_by_step(drawn(s))][:16])
def test_the_order_of_loops_changes_no_random_network(seed, dtype, level):
    with simd_level(level):
        assert_the_order_of_loops_changes_no_bit(large_problem(seed, dtype), dtype)


@each_level
@each_dtype
@each_mode
@pytest.mark.parametrize("connections", [None, "residual", "skip"])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_stacks_have_the_same_bits_layer_by_layer_and_step_by_step(
    cell, connections, per_step, dtype, level
):
    rng = np.random.default_rng(0)
    options = {"per_step": per_step, "dropout": 0.3, "dtype": dtype, "connections": connections}
    network = make_network(cell, (9, 9, 17), **options)
    data = draw_dataset(network, draw_lengths(20, 40, True, rng), rng, weighted=True)
    with simd_level(level):
        problem = network, draw_params(network, rng), data
        assert_the_order_of_loops_changes_no_bit(problem, dtype)
