"""Dense nodes, and what is made of them: projections, transitions, convolutions, output layers."""

import re
from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    RTOL_REORDERED,
    assert_close,
    assert_results_agree,
    draw_dataset,
    draw_lengths,
    draw_params,
    make_engine,
    run_reference,
    simd_level,
)
from networks import (
    DATA,
    Source,
    add_convolution,
    add_deep_output,
    add_deep_transition,
    add_node,
    add_projected_layer,
)
from test_networks import (
    assert_every_array_has_its_slopes,
    assert_same_bits,
    each_dtype,
    each_level,
    network_of,
    results_with_dropout,
    run_engine_of_nodes,
)

from sklearn_rnn import _core
from sklearn_rnn._training import initializers

# Sizes of layers: whole vectors and a little more, so that padding and panels matter.
UNITS, PROJECTION, CHANNELS = 9, 5, 17


def many_to_one(nodes, sources):
    return [add_node(nodes, "last", [source]) for source in sources]


def projected(directions):
    def add(nodes):
        below = add_projected_layer(nodes, [DATA], UNITS, PROJECTION, directions=directions)
        return add_projected_layer(nodes, below, UNITS, 3, "l1", directions=directions)

    return add


def deep_transition(**options):
    return lambda nodes: add_deep_transition(nodes, [DATA], (UNITS, 4, PROJECTION), **options)


def convolutions(nodes):
    below = add_convolution(nodes, [DATA], CHANNELS, 3, activation="tanh")
    below = add_convolution(nodes, below, CHANNELS, 5, "conv1", activation="logistic")
    return [add_node(nodes, "recurrent", below, "l0", units=UNITS, cell="gru")]


def convolution_that_others_pass_by(nodes):
    """Return what reads a convolution, what it reads, and the data, at several shifts."""
    layer = add_node(nodes, "recurrent", [DATA], "l0", units=UNITS, cell="elman")
    (conv,) = add_convolution(nodes, [layer, DATA], 4, 3)
    sources = [conv, layer, Source(layer, -2), Source(conv, -1)]
    return [add_node(nodes, "recurrent", sources, "l1", units=UNITS, cell="lstm"), conv]


def convolution_in_reverse(nodes):
    sources = [Source(DATA, -back) for back in range(3)]
    options = (("activation", "tanh"),)
    fields = {"units": CHANNELS, "options": options, "directions": "reverse"}
    return [add_node(nodes, "dense", sources, "conv0", **fields)]


LAYERS = {
    "projection": projected("forward"),
    "projections in reverse": projected("reverse"),
    "projections in two directions": projected("both"),
    "deep transition": deep_transition(),
    "deep transition with a shortcut": deep_transition(shortcut=True),
    "convolutions": convolutions,
    "convolution that others pass by": convolution_that_others_pass_by,
    "convolution in reverse": convolution_in_reverse,
}
FORWARD = {
    name: add for name, add in LAYERS.items() if name.split(" in ")[-1] == name
}  # those of one direction
each_layer = pytest.mark.parametrize("add", LAYERS.values(), ids=LAYERS)
each_forward_layer = pytest.mark.parametrize("add", FORWARD.values(), ids=FORWARD)
each_mode = pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])


def network_with(add, per_step, dtype="float64"):
    """Return a network with these layers and a deep output of two layers."""
    nodes = []
    sources = add(nodes)
    if not per_step:
        sources = many_to_one(nodes, sources)
    add_deep_output(nodes, sources, (6, 4), 2, activation="tanh")
    return network_of(nodes, n_features=3, per_step=per_step, dtype=dtype)


def problem_with(add, per_step, dtype="float64", batch=11, steps=60):
    rng = np.random.default_rng(0)
    network = network_with(add, per_step, dtype)
    data = draw_dataset(network, draw_lengths(batch, steps, True, rng), rng, weighted=True)
    return network, draw_params(network, rng), data


# ---- The reference ------------------------------------------------------------------------------


@each_mode
@each_layer
def test_every_array_has_its_slopes(add, per_step):
    assert_every_array_has_its_slopes(network_with(add, per_step), lengths=(2, 6, 1))


@pytest.mark.parametrize("shortcut", [False, True])
def test_jordan_has_deep_transitions_too(shortcut):
    nodes = []
    options = {"cell": "jordan", "shortcut": shortcut, "head": 2}
    sources = add_deep_transition(nodes, [DATA], (4, 3), **options)
    add_deep_output(nodes, sources, (), 2)
    network = network_of(nodes, loss="softmax", per_step=True)
    assert_every_array_has_its_slopes(network)


@pytest.mark.parametrize("activation", reference.ACTIVATION)
def test_a_convolution_is_a_sum_over_the_steps_before(activation):
    rng = np.random.default_rng(0)
    nodes, kernel_size = [], 3
    below = add_convolution(nodes, [DATA], 4, kernel_size, activation=activation)
    add_deep_output(nodes, below, (), 4)
    network = network_of(nodes, per_step=True)
    w = network.views(draw_params(network, rng))
    w["head.weight"][...], w["head.bias"][...] = np.eye(4), 0.0
    x = rng.standard_normal((7, 2))
    padded = np.vstack([np.zeros((kernel_size - 1, 2)), x])
    expected = [
        w["conv0.weight"] @ padded[t : t + kernel_size][::-1].ravel() + w["conv0.bias"]
        for t in range(7)
    ]
    function, _ = reference.ACTIVATION[activation]
    actual, _ = reference.run_network(w, x, nodes, per_step=True)
    assert_close(actual, function(np.array(expected)), RTOL_REORDERED)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_a_projected_lstm_reads_its_projection():
    rng = np.random.default_rng(0)
    nodes = []
    add_deep_output(nodes, add_projected_layer(nodes, [DATA], 4, 3), (), 3)
    network = network_of(nodes, per_step=True)
    w = network.views(draw_params(network, rng))
    w["head.weight"][...], w["head.bias"][...] = np.eye(3), 0.0
    x, r, c, expected = rng.standard_normal((6, 2)), np.zeros(3), np.zeros(4), []
    for x_t in x:
        a = w["weight_ih_l0"] @ x_t + w["weight_hh_l0"] @ r + w["bias_ih_l0"] + w["bias_hh_l0"]
        i, f, g, o = np.split(a, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        r = w["l0_projection.weight"] @ (sigmoid(o) * np.tanh(c))
        expected.append(r)
    actual, _ = reference.run_network(w, x, nodes, per_step=True)
    assert_close(actual, np.array(expected), RTOL_REORDERED)


@pytest.mark.parametrize("shortcut", [False, True])
def test_a_deep_transition_has_layers_between_two_states(shortcut):
    rng = np.random.default_rng(0)
    nodes = []
    sources = add_deep_transition(nodes, [DATA], (4, 5, 3), shortcut=shortcut)
    add_deep_output(nodes, sources, (), 3)
    network = network_of(nodes, per_step=True)
    w = network.views(draw_params(network, rng))
    w["head.weight"][...], w["head.bias"][...] = np.eye(3), 0.0
    x, h, expected = rng.standard_normal((6, 2)), np.zeros(3), []
    for x_t in x:
        a = w["weight_ih_l0"] @ x_t + w["weight_hh_l0"] @ h + w["bias_ih_l0"] + w["bias_hh_l0"]
        b = w["l0_transition0.weight"] @ np.tanh(a) + w["l0_transition0.bias"]
        c = w["l0_transition1.weight"] @ np.tanh(b) + w["l0_transition1.bias"]
        h = np.tanh(c + w["l0_transition1.weight_skip"] @ h if shortcut else c)
        expected.append(h)
    actual, _ = reference.run_network(w, x, nodes, per_step=True)
    assert_close(actual, np.array(expected), RTOL_REORDERED)


# ---- The engine ---------------------------------------------------------------------------------


@each_level
@each_dtype
@each_mode
@each_layer
def test_the_engine_agrees_with_the_reference(add, per_step, dtype, level):
    problem = problem_with(add, per_step, dtype, steps=25)
    expected = run_reference(*problem)
    with simd_level(level):
        assert_results_agree(problem[0], run_engine_of_nodes(*problem), expected)


@each_level
@each_mode
@each_layer
def test_threads_and_budgets_change_no_bit(add, per_step, level):
    problem = problem_with(add, per_step, "float32", batch=40, steps=200)
    with simd_level(level):
        expected = results_with_dropout(*problem, n_threads=1)
        assert_same_bits(results_with_dropout(*problem, n_threads=3), expected)
        with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
            results_with_dropout(*problem, memory_budget=1)
        least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
        for budget in (least, least * 5 // 4):
            assert_same_bits(results_with_dropout(*problem, memory_budget=budget), expected)


@each_level
@each_dtype
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("name", ["projection", "deep transition", "convolutions"])
def test_block_by_block_has_the_bits_of_step_by_step(name, ragged, dtype, level):
    rng = np.random.default_rng(0)
    network = network_with(LAYERS[name], True, dtype)
    data = draw_dataset(network, draw_lengths(20, 90, ragged, rng), rng, weighted=True)
    problem = network, draw_params(network, rng), data
    with simd_level(level):
        by_layer = results_with_dropout(*problem)
        by_step = results_with_dropout(*problem, by_step=True)
        # Where only one node reads a stream at earlier steps, and no other node reads that stream.
        if name == "convolutions" and not make_engine(*problem, training=True).uses_blas:
            assert_same_bits(by_step, by_layer)
        for ours, theirs in zip(by_step, by_layer, strict=True):
            assert_close(ours, theirs, RTOL[dtype])


@each_layer
def test_a_sequence_alone_gives_its_row_in_any_batch(add):
    network, params, data = problem_with(add, True, "float32")
    outputs = make_engine(network, params, data, training=False).predict(data)
    for first, end in zip(data.offsets[:-1], data.offsets[1:], strict=True):
        alone = _core.Dataset(data.values[first:end], np.array([0, end - first]))
        engine = make_engine(network, params, alone, training=False)
        np.testing.assert_array_equal(engine.predict(alone), outputs[first:end])


# ---- States -------------------------------------------------------------------------------------


def states_of(name):
    nodes = []
    sources = LAYERS[name](nodes)
    add_deep_output(nodes, sources, (), 2)
    session = network_of(nodes, per_step=True).session(1)
    return {name: n for name, _, n in session.state_layout()}


def test_the_states_are_those_that_are_read():
    assert states_of("projection") == {"c_l0": 9, "h_l0": 5, "c_l1": 9, "h_l1": 3}
    assert states_of("deep transition") == {"h_l0": 5}
    assert states_of("deep transition with a shortcut") == {"h_l0": 5}
    read = {"x": 2, "x_2": 2, "conv0": 17, "conv0_2": 17, "conv0_3": 17, "conv0_4": 17, "h_l0": 9}
    assert states_of("convolutions") == read


@each_level
@each_dtype
@each_forward_layer
def test_a_session_gives_the_bits_of_the_whole(add, dtype, level):
    network, params, data = problem_with(add, True, dtype)
    lengths = np.full(5, 12, dtype=np.intp)
    data = draw_dataset(network, lengths, np.random.default_rng(1))
    with simd_level(level):
        whole = make_engine(network, params, data, training=False).predict(data)
        session = network.session(5)
        session.load(params)
        x = data.values.reshape(5, 12, -1)
        steps = [session.step(np.ascontiguousarray(x[:, t])) for t in range(12)]
    np.testing.assert_array_equal(np.stack(steps, axis=1), whole.reshape(5, 12, -1))


@each_level
@each_mode
@each_forward_layer
def test_a_prediction_goes_on_from_the_states_of_the_one_before(add, per_step, level):
    network, params, data = problem_with(add, per_step, "float32", steps=40)
    first = np.maximum(1, np.diff(data.offsets) // 3)
    starts, ends = data.offsets[:-1], data.offsets[1:]
    keep = ends - starts > 1
    parts = [
        [data.values[a : a + n] for a, n in zip(starts[keep], first[keep], strict=True)],
        [data.values[a + n : e] for a, n, e in zip(starts, first, ends, strict=True) if e - a > 1],
    ]
    with simd_level(level):
        whole = make_engine(network, params, data, training=False).predict(data)
        state, results = None, []
        for part in parts:
            offsets = np.cumsum([0, *map(len, part)], dtype=np.intp)
            piece = _core.Dataset(np.concatenate(part), offsets)
            engine = make_engine(network, params, piece, training=False, carried=True)
            if state is None:
                columns = sum(n for *_, n in engine.state_layout())
                state = np.zeros((len(part), columns), np.float32)
            outputs, state = engine.predict(piece, initial_state=state, return_state=True)
            results.append(np.split(outputs, offsets[1:-1]) if per_step else outputs)
    if per_step:
        rows = [row for row, kept in zip(np.split(whole, starts[1:]), keep, strict=True) if kept]
        for row, a, b in zip(rows, *results, strict=True):
            np.testing.assert_array_equal(np.concatenate([a, b]), row)
    else:
        np.testing.assert_array_equal(results[1], whole[keep])


# ---- Sizes and refusals -------------------------------------------------------------------------


def test_the_engine_names_the_arrays_as_pytorch_does_those_of_a_projected_lstm():
    nodes = []
    add_deep_output(nodes, add_projected_layer(nodes, [DATA], 4, 3, directions="both"), (), 2)
    shapes = {tensor.name: tensor.shape for tensor in network_of(nodes).tensors}
    expected = {"weight_ih": (16, 2), "weight_hh": (16, 3), "bias_ih": (16,), "bias_hh": (16,)}
    for end in ("", "_reverse"):
        for stem, shape in expected.items():
            assert shapes.pop(f"{stem}_l0{end}") == shape
        assert shapes.pop(f"l0_projection{end}.weight") == (3, 4)
    assert shapes == {"head.weight": (2, 6), "head.bias": (2,)}


def test_weights_of_a_projection_begin_with_orthonormal_rows_or_columns():
    rng = np.random.default_rng(0)
    for shape in ((9, 5), (5, 9), (7, 7)):
        drawn = initializers.orthogonal(rng, *shape)
        gram = drawn.T @ drawn if shape[0] > shape[1] else drawn @ drawn.T
        assert_close(gram, np.eye(min(shape)), RTOL_REORDERED)


def test_a_dense_node_keeps_its_outputs_and_their_gradient():
    nodes = []
    add_deep_output(nodes, add_convolution(nodes, [DATA], 64, 3, activation="tanh"), (), 2)
    network = network_of(nodes, per_step=True, dtype="float32")
    sizes = [
        network.engine(np.array([steps]), 1, 1, True).arena_size for steps in (1000, 2000, 3000)
    ]
    assert (sizes[2] - sizes[1]) / 1000 <= 2 * 64 + 2 + 1


def lone(kind, sources, **fields):
    nodes = []
    add_node(nodes, kind, sources, "l0", **{"units": 3} | fields)
    add_node(nodes, "head", [0], "head", units=2)
    return nodes


SOURCE = (("recurrence", "source"),)
READS_H = (Source(DATA), Source(DATA, -1, "weight_hh"))
REFUSED = {
    "if and only if its `recurrence` is 'source'": lone("recurrent", READS_H, cell="lstm"),
    "'l0' must have sources with weights 'weight_hh'": lone(
        "recurrent", [DATA], cell="lstm", options=SOURCE
    ),
    "`recurrence` of gru must be 'own'": lone("recurrent", READS_H, cell="gru", options=SOURCE),
    "`recurrence` of jordan must be 'own'": lone(
        "recurrent", READS_H, cell="jordan", options=SOURCE
    ),
    "`recurrence` of indrnn must be 'own'": lone(
        "recurrent", READS_H, cell="indrnn", options=SOURCE
    ),
    "`directions` of dense must be one of": lone("dense", [DATA], directions="both"),
    "must have a source with weights 'weight_ih'": lone("dense", [Source(DATA, 0, "weight_skip")]),
    "'l0' must not read a later node": lone("dense", [Source(0, -1)]),
    "in any order": lone("dense", [Source(DATA), Source(0, 0, "weight_skip")]),
    "`dense.activation` must be one of": lone("dense", [DATA], options=(("activation", "exp"),)),
    "names of nodes must differ": [*lone("dense", [DATA])[:1], *lone("dense", [DATA])],
}


@pytest.mark.parametrize("message, nodes", REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_is_refused(message, nodes):
    with pytest.raises(ValueError, match=re.escape(message)):
        _ = network_of(nodes).tensors


def test_rows_per_sequence_have_no_earlier_step():
    nodes = []
    add_node(nodes, "recurrent", [DATA], "l0", units=3, cell="elman")
    last = add_node(nodes, "last", [0])
    add_node(nodes, "dense", [Source(last), Source(last, -1)], "output", units=3)
    add_node(nodes, "head", [2], "head", units=2)
    with pytest.raises(ValueError, match="with one row per sequence at shift 0"):
        _ = network_of(nodes).tensors


def test_two_nodes_of_one_direction_need_two_names():
    network = network_with(projected("both"), True)
    same = [replace(node, directions="forward") for node in network.nodes[:4]]
    with pytest.raises(ValueError, match="names of nodes must differ"):
        _ = network_of([*same, *network.nodes[4:]]).tensors


# ---- Strides ------------------------------------------------------------------------------------


def strided(stride, window, dtype="float64", *, directions="forward", per_step=False):
    """Return a network with a convolution of this stride as its first layer."""
    nodes = []
    options = (("activation", "tanh"), ("bias", True))
    conv = add_node(nodes, "dense", [DATA], "conv0", units=CHANNELS, options=options)
    fields = {"units": UNITS, "cell": "lstm", "directions": directions}
    layer = add_node(nodes, "recurrent", [conv], "l0", **fields)
    sources = [layer] if per_step else many_to_one(nodes, [layer])
    add_deep_output(nodes, sources, (4,), 2, activation="tanh")
    network = network_of(nodes, n_features=3, per_step=per_step, dtype=dtype)
    return replace(network, stride=stride, window=window)


def strided_problem(*args, steps=60, **options):
    rng = np.random.default_rng(0)
    network = strided(*args, **options)
    data = draw_dataset(network, draw_lengths(11, steps, True, rng), rng, weighted=True)
    return network, draw_params(network, rng), data


each_stride = pytest.mark.parametrize("stride, window", [(2, 3), (3, 2), (4, 4), (1, 3), (2, 1)])


@each_stride
def test_windows_are_what_a_convolution_with_that_stride_reads(stride, window):
    x = np.random.default_rng(0).standard_normal((11, 3))
    padded = np.vstack([np.zeros((window - 1, 3)), x])
    starts = range(0, 11, stride)
    expected = [padded[t : t + window][::-1].ravel() for t in starts]
    actual, _ = reference.windows(x, stride, window)
    np.testing.assert_array_equal(actual, expected)
    assert len(actual) == (11 - 1) // stride + 1


@each_stride
def test_strides_have_their_slopes(stride, window):
    assert_every_array_has_its_slopes(strided(stride, window), lengths=(11, 9, 1))


@each_level
@each_dtype
@pytest.mark.parametrize("directions", ["forward", "both"])
@each_stride
def test_the_engine_strides_as_the_reference_does(stride, window, directions, dtype, level):
    problem = strided_problem(stride, window, dtype, directions=directions)
    expected = run_reference(*problem)
    with simd_level(level):
        assert_results_agree(problem[0], run_engine_of_nodes(*problem), expected)


@each_stride
def test_a_window_reads_the_steps_that_shifts_read(stride, window):
    if stride > 1:
        pytest.skip("shifts have no stride")
    network, params, data = strided_problem(stride, window)
    nodes = list(network.nodes)
    nodes[0] = replace(nodes[0], sources=tuple(Source(DATA, -back) for back in range(window)))
    shifted = replace(network, nodes=tuple(nodes), window=1)
    for ours, theirs in zip(
        results_with_dropout(network, params, data),
        results_with_dropout(shifted, params, data),
        strict=True,
    ):
        assert_close(ours, theirs, RTOL_REORDERED)


@each_level
def test_threads_and_budgets_change_no_bit_of_strides(level):
    problem = strided_problem(2, 5, "float32", steps=2000)
    with simd_level(level):
        expected = results_with_dropout(*problem, n_threads=1)
        assert_same_bits(results_with_dropout(*problem, n_threads=3), expected)
        with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
            results_with_dropout(*problem, memory_budget=1)
        least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
        assert_same_bits(results_with_dropout(*problem, memory_budget=least), expected)


def test_states_of_strides_have_rows_for_the_steps_of_the_network():
    network, params, data = strided_problem(3, 4)
    engine = make_engine(network, params, data, training=False, result=1)
    states = engine.predict(data)
    n_steps = (np.diff(data.offsets) - 1) // 3 + 1
    assert len(states) == n_steps.sum()
    weights, X = network.views(params), np.split(data.values, data.offsets[1:-1])
    options = {"per_step": True, "stride": 3, "window": 4}
    expected = reference.hidden_states(weights, X, network.nodes, **options)
    assert_close(states, np.concatenate(expected), RTOL_REORDERED)


def test_strides_shorten_the_steps_that_are_kept():
    sizes = [
        strided(stride, 4).engine(np.array([3000]), 1, 1, True).arena_size for stride in (1, 3)
    ]
    assert sizes[1] < 0.36 * sizes[0]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"stride": 2, "per_step": True}, "`stride` must be 1 in a network with a target per step"),
        ({"stride": 0}, "`stride` must be 1 to"),
        ({"window": 0}, "`window` must be at least 1"),
        ({"window": 2**31}, "`window` must be at least 1"),
    ],
)
def test_strides_that_cannot_be_are_refused(options, message):
    network = replace(strided(1, 1, per_step=options.get("per_step", False)), **options)
    with pytest.raises(ValueError, match=message):
        network.engine(np.array([3]), 1, 1, True)


@pytest.mark.parametrize("stride, window", [(2, 1), (1, 2)])
def test_sessions_have_no_windows(stride, window):
    with pytest.raises(ValueError, match="`carried` must be False in a network that reads windows"):
        strided(stride, window).session(2)
