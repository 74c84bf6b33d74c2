"""Networks of two time axes: an encoder, which reads X, and a decoder, whose steps are those of y.

reference.py says what they compute; the decoder begins with states made of a row of the encoder.
"""

import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    assert_close,
    assert_gradients_close,
    assert_results_agree,
    draw_lengths,
    draw_pairs,
    draw_params,
    given_target,
    loss_and_grad,
    make_engine,
    parameters_of_loss,
    predict,
    reference_arguments,
    run_engine,
    run_reference,
    set_optimizer,
    simd_level,
    windows_of,
)
from networks import (
    DATA,
    IDENTITY,
    TANH,
    TARGET_DATA,
    Network,
    Node,
    Source,
    add_node,
    happens,
    random_paired_network,
)
from workspaces import least_budget

from sklearn_rnn import RNNRegressor, _core
from sklearn_rnn._model.network import ready
from sklearn_rnn.cells import GRU, Cell

SEEDS = range(36)

each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_dtype = pytest.mark.parametrize("dtype", RTOL)


def in_turn(seeds):
    """Give each seed one level and one dtype, others from seed to seed."""
    levels = _core.simd_levels()
    return [(seed, tuple(RTOL)[seed % 2], levels[seed // 2 % len(levels)]) for seed in seeds]


each_random_network = pytest.mark.parametrize(("seed", "dtype", "level"), in_turn(SEEDS))


@cache
def random_pairs(seed, dtype="float64", longest=10):
    """Return a random network, its parameters, and ragged data of 1 to 9 pairs."""
    rng = np.random.default_rng(seed)
    network = random_paired_network(rng, dtype)
    params = draw_params(network, rng)
    n = rng.integers(1, 10)
    lengths, target_lengths = (
        draw_lengths(n, rng.integers(1, longest + 1), True, rng) for _ in range(2)
    )
    return network, params, draw_pairs(network, lengths, target_lengths, rng, happens(rng, 0.5))


@cache
def reference_of(seed, *dropping):
    return run_reference(*random_pairs(seed), dropping=dropping or None)


def encoder_decoder(
    cell="gru", units=6, *, options=(), directions="both", dtype="float64", loss="softmax"
):
    """Return a network of one layer each, in which the decoder reads what it is fed and its h."""
    nodes, n_states = [], len(_core.CELLS[cell].states)
    fields = {"cell": cell, "options": options}
    add_node(nodes, "recurrent", [DATA], "l0", units=units, directions=directions, **fields)
    add_node(nodes, "last", [0], "last")
    acts = (*TANH, ("bias", True))
    add_node(nodes, "dense", [1], "map", units=n_states * units, options=acts)
    fields["options"] = (*options, ("initial_state", "source"))
    sources = [TARGET_DATA, Source(2, 0, "initial")]
    add_node(nodes, "recurrent", sources, "d0", units=units, axis=1, **fields)
    add_node(nodes, "head", [3], "head", units=3, axis=1)
    return Network(2, tuple(nodes), loss, 0.7, True, dtype, n_target_features=2)


def assert_same_bits(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- The reference, and the engine against it ---------------------------------------------------


@pytest.mark.parametrize("seed", (0, 1, 3, 6, 7, 8, 10))
def test_gradients_of_the_reference_are_the_slopes_of_its_loss(seed):
    network, params, data = random_pairs(seed)
    weights, X, *targets = reference_arguments(network, params, data)
    options = {"nodes": network.nodes, "loss": network.loss, "per_step": True}
    options |= parameters_of_loss(network) | given_target(data) | windows_of(network)
    _, d_weights, _ = reference.loss_and_grad(weights, X, *targets, **options)
    rng = np.random.default_rng(0)
    least = 1e-3 * max(map(np.linalg.norm, d_weights.values()))
    for name, array in weights.items():
        direction = rng.standard_normal(array.shape)
        above, below = (
            reference.loss(weights | {name: array + step * direction}, X, *targets, **options)
            for step in (1e-6, -1e-6)
        )
        error = np.sum(d_weights[name] * direction) - (above - below) / 2e-6
        assert abs(error) <= 2e-6 * max(least, np.linalg.norm(d_weights[name])), name


def test_random_networks_have_what_decoders_can_have():
    kinds, cells, readings, initial, shapes = set(), set(), set(), set(), set()
    for seed in SEEDS:
        network, _, data = random_pairs(seed)
        for i, node in enumerate(network.nodes):
            if not node.axis:
                continue
            kinds.add(node.kind)
            if node.kind == "recurrent":
                cells.add(node.cell)
                initial.add(dict(node.options)["initial_state"])
                for source in node.sources:
                    later = source.node >= i
                    readings.add((source.weight, source.shift, later))
        pair = np.diff(data.source.offsets), np.diff(data.target.offsets)
        shapes |= {*np.sign(pair[0] - pair[1]).tolist(), *np.minimum(*pair).tolist()}
        shapes |= {("stride", network.stride), ("fed", min(network.n_target_features, 1))}
    assert kinds == {"recurrent", "embed", "drop", "dense", "add", "head"}
    assert cells == set(_core.CELLS) - {"jordan"}
    assert initial == {"zeros", "learned", "source"}
    assert readings >= {("weight_ih", shift, False) for shift in (0, -1, -2)}
    assert readings >= {("initial", 0, False), ("weight_oh", -1, True), ("weight_ih", -1, True)}
    assert shapes >= {-1, 0, 1, ("stride", 1), ("stride", 2), ("fed", 0), ("fed", 1)}


@each_random_network
def test_random_networks_agree_with_the_reference(seed, dtype, level):
    network, params, data = random_pairs(seed, dtype)
    with simd_level(level):
        actual = run_engine(network, params, data)
    assert_results_agree(network, actual, reference_of(seed))


@each_random_network
def test_masks_are_those_of_the_reference(seed, dtype, level):
    network, params, data = random_pairs(seed, dtype)
    if any(node.kind == "noise" for node in network.nodes):
        return  # which the reference does not draw
    dropping = {"seed": 2**33 + 5, "update": 3}
    expected = reference_of(seed, *dropping.values())
    with simd_level(level):
        loss, d_params = loss_and_grad(network, params, data, dropout=True, **dropping)
    assert_close(loss, expected.loss, RTOL[dtype], "loss")
    assert_gradients_close(network, d_params, expected.d_params, RTOL[dtype])


LENGTHS = {
    "one step": ([1], [1]),
    "one step of X": ([1] * 5, [4, 1, 7, 2, 2]),
    "one step of y": ([4, 1, 7, 2, 2], [1] * 5),
    "equal": ([3, 1, 4, 1, 5, 9], [3, 1, 4, 1, 5, 9]),
    "opposite orders": (range(1, 31), range(30, 0, -1)),  # in several slices
    "the same order": (range(1, 31), range(1, 31)),
    "no order": ([3, 3, 1, 2, 2, 2, 3, 1, 1], [2, 5, 5, 2, 5, 2, 5, 2, 2]),
}


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_any_pair_of_lengths_agrees_with_the_reference(cell, lengths):
    rng = np.random.default_rng(0)
    network = encoder_decoder(cell)
    params, data = draw_params(network, rng), draw_pairs(network, *map(list, lengths), rng, True)
    assert_results_agree(
        network, run_engine(network, params, data), run_reference(network, params, data)
    )


def test_a_decoder_may_begin_with_last_states_themselves():
    rng = np.random.default_rng(0)
    network = encoder_decoder("gru", 6)
    first, last, _, decoder, head = network.nodes
    first = replace(first, units=3)  # in both directions: 6 columns, which are padded apart
    decoder = replace(decoder, sources=(Source(TARGET_DATA), Source(1, 0, "initial")))
    nodes = first, last, decoder, replace(head, sources=(Source(2),))
    network = replace(network, nodes=nodes)
    params, data = draw_params(network, rng), draw_pairs(network, [4, 2, 6], [3, 5, 1], rng)
    assert_results_agree(
        network, run_engine(network, params, data), run_reference(network, params, data)
    )


def test_readers_of_the_step_before_read_the_initial_state_first():
    rng = np.random.default_rng(0)
    network = encoder_decoder("lstm", 4)
    nodes = list(network.nodes)
    head = nodes.pop()
    options = (("rate", 0.0), ("layer", 7))
    add_node(nodes, "drop", [3], "drop", options=options, axis=1)
    acts = (*IDENTITY, ("bias", True))
    read = [Source(3, -1), Source(4, -1, "weight_oh"), Source(3, -2, "weight_skip")]
    add_node(nodes, "dense", read, "behind", units=5, options=acts, axis=1)
    network = replace(network, nodes=(*nodes, replace(head, sources=(Source(5),))))
    params, data = draw_params(network, rng), draw_pairs(network, [4, 2, 6], [3, 5, 1], rng)
    expected = run_reference(network, params, data)
    assert_results_agree(network, run_engine(network, params, data), expected)


def test_frozen_parts_leave_the_gradients_of_others_as_they_are():
    rng = np.random.default_rng(0)
    network = encoder_decoder("lstm")
    params, data = draw_params(network, rng), draw_pairs(network, [4, 2, 6], [3, 5, 1], rng)
    full = network.views(loss_and_grad(network, params, data)[1])
    for part in ("l0", "d0", "map"):
        frozen = tuple(name for name in full if part in name)
        engine = make_engine(network, params, data, training=True, frozen=frozen)
        with ready(engine):
            partial = network.views(engine.loss_and_grad(data)[1])
        for name, gradient in partial.items():
            np.testing.assert_array_equal(
                gradient, 0 * full[name] if name in frozen else full[name]
            )


# ---- What must not change a bit -----------------------------------------------------------------


@each_dtype
@each_level
def test_any_number_of_threads_gives_the_same_bits(level, dtype):
    rng = np.random.default_rng(0)
    network = encoder_decoder("gru", 40, options=(("zoneout", 0.1),), dtype=dtype)
    params = draw_params(network, rng)
    lengths = [draw_lengths(64, 30, True, rng) for _ in range(2)]
    data = draw_pairs(network, *lengths, rng, weighted=True)
    with simd_level(level):
        options = {"dropout": True, "update": 2, "input_gradient": True}
        one, *others = (
            (
                *loss_and_grad(network, params, data, n_threads=n, **options),
                predict(network, params, data, n_threads=n),
            )
            for n in (1, 2, 3)
        )
    for other in others:
        assert_same_bits(one, other)


@pytest.mark.parametrize(("seed", "dtype", "level"), in_turn(range(12)))
def test_a_budget_changes_no_bit(seed, dtype, level):
    network, params, data = random_pairs(seed, dtype)
    rng = np.random.default_rng(0)
    lengths = draw_lengths(9, 40, True, rng), draw_lengths(9, 400, True, rng)
    data = draw_pairs(network, *lengths, rng, weighted=True)
    options = {"dropout": True, "update": 3}
    with simd_level(level):
        free = loss_and_grad(network, params, data, **options)
        budget = least_budget(network, params, data)
        bound = loss_and_grad(network, params, data, memory_budget=budget, **options)
        engine = make_engine(network, params, data, training=True)
    assert budget < 0.9 * engine.n_bytes_of_steps
    assert_same_bits(bound, free)


@each_random_network
def test_neighbours_change_no_bit_of_a_row(seed, dtype, level):
    network, params, data = random_pairs(seed, dtype)
    with simd_level(level):
        together = predict(network, params, data)
        alone = [predict(network, params, only(data, i)) for i in range(data.n_samples)]
    np.testing.assert_array_equal(np.concatenate(alone), together)


def only(data, i):
    """Return a single pair as a dataset of its own."""
    parts = []
    for part in (data.source, data.target):
        rows = slice(part.offsets[i], part.offsets[i + 1])
        targets = None if part.targets is None else part.targets[rows]
        offsets = np.array([0, rows.stop - rows.start])
        parts.append(_core.Dataset(part.values[rows], offsets, targets))
    return _core.PairedDataset(*parts)


@pytest.mark.parametrize(("seed", "dtype", "level"), in_turn(range(12)))
def test_step_by_step_changes_no_bit_of_predictions(seed, dtype, level):
    network, params, data = random_pairs(seed, dtype)
    with simd_level(level):
        engines = (
            make_engine(network, params, data, training=False, by_step=by_step)
            for by_step in (False, True)
        )
        try:
            assert_same_bits(*([engine.predict(data)] for engine in engines))
        except ValueError as error:  # both directions of an encoder
            assert "by_step" in str(error)


# ---- What engines do with pairs -----------------------------------------------------------------


def test_an_update_follows_the_gradient():
    rng = np.random.default_rng(0)
    network = encoder_decoder()
    params = draw_params(network, rng)
    data = draw_pairs(network, [4, 2, 6, 3], [3, 5, 1, 2], rng, True)
    indices = np.array([2, 0, 3])
    _, d_params = loss_and_grad(network, params, data, indices)
    engine = make_engine(network, params, data, training=True)
    new = params.copy()
    engine.load(new)
    engine.train_minibatch(data, indices, new, np.zeros((1, len(new))), 0.1, 1)
    np.testing.assert_allclose(new, params - 0.1 * d_params, rtol=0, atol=1e-14)


def test_a_decoder_learns_what_only_the_encoder_has_seen():
    rng = np.random.default_rng(0)
    network = encoder_decoder("gru", 12, loss="squared_error")
    data = draw_pairs(network, [5] * 64, [2] * 64, rng)
    firsts = data.source.values[::5]  # both steps of y are the first step of X
    targets = np.repeat(np.tanh(firsts), 2, axis=0)
    targets = np.hstack([targets, targets[:, :1]])
    target = _core.Dataset(0 * data.target.values, data.target.offsets, targets)
    data = _core.PairedDataset(data.source, target)
    params = draw_params(network, rng)
    engine = make_engine(network, params, data, training=True)
    set_optimizer(engine, "adam")
    moments = np.zeros((2, len(params)))
    losses = [
        engine.train_minibatch(data, np.arange(64), params, moments, 0.01, update)[0]
        for update in range(1, 301)
    ]
    assert losses[-1] < 0.05 * losses[0]


def test_row_losses_are_those_of_the_target():
    rng = np.random.default_rng(0)
    network = encoder_decoder()
    params = draw_params(network, rng)
    data = draw_pairs(network, [4, 2, 6], [3, 5, 1], rng, weighted=True)
    engine = make_engine(network, params, data, training=False)
    losses = engine.row_losses(data, engine.predict(data, raw=True))
    loss, _ = loss_and_grad(network, params, data)
    assert_close(np.average(losses, weights=data.target.weights), loss, 1e-12)


def test_parts_of_a_minibatch_add_up():
    rng = np.random.default_rng(0)
    network = encoder_decoder()
    params = draw_params(network, rng)
    data = draw_pairs(network, range(1, 13), [*range(12, 0, -2)] * 2, rng)
    whole = loss_and_grad(network, params, data)[1]
    engine = make_engine(network, params, data, np.arange(6, 12), training=True, n_accumulated=2)
    new = params.copy()
    engine.load(new)
    engine.weigh_by(float(data.target.n_steps), 0.0)
    for part in range(2):
        indices = np.arange(6) + 6 * part
        engine.train_minibatch(
            data, indices, new, np.zeros((1, len(new))), 0.1, 1, part=part, n_parts=2
        )
    np.testing.assert_allclose(new, params - 0.1 * whole, rtol=0, atol=1e-13)


def test_streams_of_the_encoder_need_no_target():
    rng = np.random.default_rng(0)
    network = encoder_decoder()
    params = draw_params(network, rng)
    data = draw_pairs(network, [4, 2, 6], [3, 5, 1], rng)
    engine = make_engine(network, params, data.source, training=False, result=2)
    alone = replace(network, nodes=network.nodes[:3], n_target_features=0, per_step=False)
    other = make_engine(alone, params[: alone.n_params], data.source, training=False, result=2)
    np.testing.assert_array_equal(engine.predict(data.source), other.predict(data.source))


def test_streams_of_the_decoder_can_be_the_result():
    rng = np.random.default_rng(0)
    network = encoder_decoder()
    params = draw_params(network, rng)
    data = draw_pairs(network, [4, 2, 6], [3, 5, 1], rng)
    engine = make_engine(network, params, data, training=False, result=3)
    h, views = engine.predict(data), network.views(params)
    raw = h @ views["head.weight"].T + views["head.bias"]
    assert_close(raw, predict(network, params, data, raw=True), 1e-12)


def test_the_engine_lays_out_the_arrays_as_the_reference_does():
    for seed in SEEDS:
        network, _, _ = random_pairs(seed)
        features = network.n_features * network.window, network.n_target_features
        shapes = reference.layout(network.nodes, features)
        assert [(name, shape) for name, _, shape in network.layout] == list(shapes.items())


def test_planned_memory_is_counted_on_both_axes():
    network = encoder_decoder()
    one, longer = (
        network.workspace([50] * 8, 8, 1, True, target_lengths=[n] * 8)["steps"] for n in (50, 100)
    )
    assert 1.3 * one < longer < 2 * one


def test_nodes_of_earlier_versions_have_one_axis():
    node = pickle.loads(pickle.dumps(Node("last", "last", (Source(0),))))
    del node.__dict__["axis"]
    assert pickle.loads(pickle.dumps(node)).axis == 0


def test_gradients_of_states_are_kept_per_step_of_each_axis():
    rng = np.random.default_rng(0)
    network = encoder_decoder("lstm", directions="forward")
    params, data = draw_params(network, rng), draw_pairs(network, [4, 2, 6], [3, 9, 1], rng)
    engine = make_engine(network, params, data, training=True, probe=True)
    with ready(engine):
        engine.loss_and_grad(data)
    norms = engine.gradients_of_states()
    assert np.flatnonzero(norms["l0"]).tolist() == [*range(6)]
    assert np.flatnonzero(norms["d0"]).tolist() == [*range(9)]


# ---- What is refused ----------------------------------------------------------------------------


def decoder_with(**changes):
    """Return the nodes of `encoder_decoder` with changes of the decoder."""
    nodes = list(encoder_decoder("gru", 6).nodes)
    nodes[3] = replace(nodes[3], **changes)
    return nodes


INITIAL = Source(2, 0, "initial")
FROM_SOURCE = (("initial_state", "source"),)
REFUSED = {
    "direction": (decoder_with(directions="reverse"), "`directions` must be 'forward' on axis 1"),
    "both directions": (decoder_with(directions="both"), "must be 'forward' on axis 1"),
    "no such axis": (decoder_with(axis=2), "`axis` of node 'd0' must be 0 or 1, got 2"),
    "other axis": (
        decoder_with(sources=(Source(0), INITIAL)),
        "Node 'd0' must read streams of axis 1, got one of axis 0",
    ),
    "option alone": (decoder_with(sources=(Source(TARGET_DATA),)), "if and only if"),
    "source alone": (decoder_with(options=()), "if and only if"),
    "two": (decoder_with(sources=(Source(TARGET_DATA), INITIAL, INITIAL)), "must have one source"),
    "columns": (decoder_with(units=5), "must have 5 columns, 5 for each of 1 states, got 6"),
    "states": (decoder_with(cell="lstm"), "must have 12 columns, 6 for each of 2 states, got 6"),
    "per step": (
        decoder_with(sources=(Source(TARGET_DATA), Source(0, 0, "initial"))),
        "must have one row per sequence and be of axis 0",
    ),
    "on axis 0": (
        decoder_with(sources=(Source(DATA), INITIAL), axis=0)[:4],
        "the node itself must be of axis 1",
    ),
    "pooling": (
        [*decoder_with(), Node("last", "end", (Source(3),), axis=1)],
        "Node 'end' must be on axis 0",
    ),
}


@pytest.mark.parametrize(("nodes", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_decoder_cannot_do_is_refused_by_name(nodes, message):
    has_target = any(node.axis == 1 for node in nodes)
    with pytest.raises(ValueError, match=message):
        _core.tensors(2, nodes, 1, 2 * has_target)


def test_data_of_the_second_axis_must_be_there_to_be_read():
    network = replace(encoder_decoder(), n_target_features=0)
    with pytest.raises(ValueError, match="'d0' must not read data of axis 1: it has only codes"):
        _ = network.n_params
    with pytest.raises(
        ValueError, match=r"`n_target_features` must be .*, and 0 in a network witho"
    ):
        _core.tensors(2, network.nodes[:2], 1, 1)
    with pytest.raises(ValueError, match="or -1 for the data, got -2"):
        _core.tensors(2, [Node("last", "last", (Source(TARGET_DATA),))])


def test_data_must_fit_both_axes():
    rng = np.random.default_rng(0)
    network = encoder_decoder()
    params, data = draw_params(network, rng), draw_pairs(network, [4, 2, 6], [3, 5, 1], rng)
    source, target = data.source, data.target
    engine = make_engine(network, params, data, training=True)
    wide = np.zeros((12, 3))
    bad = [
        (source, "`data` must be a PairedDataset"),
        (
            _core.PairedDataset(source, _core.Dataset(np.zeros((9, 1)), target.offsets)),
            "of `target",
        ),
        (_core.PairedDataset(_core.Dataset(wide, source.offsets), target), "must have 2 features"),
        (_core.PairedDataset(source, source), "`targets` must be a C-contiguous"),
        (draw_pairs(network, [7, 2, 6], [3, 5, 1], rng), "not be longer than the `lengths`"),
        (draw_pairs(network, [4, 2, 6], [3, 6, 1], rng), "not be longer than the `target_lengths`"),
        (draw_pairs(network, [6, 6, 6], [3, 5, 1], rng), "not be longer than the `lengths`"),
    ]
    for pairs, message in bad:
        with pytest.raises(ValueError, match=message):
            engine.loss_and_grad(pairs)
    with pytest.raises(ValueError, match="`target_lengths` must be given if and only if"):
        network.engine([3], 1, 1, True)
    with pytest.raises(ValueError, match="`target_lengths` must be as many as `lengths`, 2, got 1"):
        network.engine([3, 3], 1, 1, True, target_lengths=[3])
    for word in ("windowed", "carried"):
        with pytest.raises(ValueError, match=f"`{word}` must be False in a network with nodes of"):
            network.engine([3], 1, 1, True, target_lengths=[3], **{word: True})
    with pytest.raises(ValueError, match="must have a target per step"):
        replace(network, per_step=False).engine([3], 1, 1, True, target_lengths=[3])


@pytest.mark.parametrize("cell", [GRU(initial_state="source"), Cell("mgu", initial_state="source")])
def test_estimators_of_one_axis_refuse_states_of_another(cell):
    with pytest.raises(ValueError, match="must be one of 'zeros', 'learned', got cell="):
        RNNRegressor(3, cell=cell).fit(np.zeros((4, 2, 1)), np.arange(4.0))


def test_codes_of_both_axes_are_checked_where_one_dataset_is_both():
    nodes = []
    for axis, rows in ((0, 10), (1, 3)):
        options = (("column", 0), ("rows", rows))
        add_node(nodes, "embed", [], f"e{axis}", units=2, options=options, axis=axis)
    add_node(nodes, "last", [0], "last")
    read = [1, Source(2, 0, "initial")]
    fields = {"cell": "gru", "units": 2, "options": FROM_SOURCE}
    add_node(nodes, "recurrent", read, "d0", axis=1, **fields)
    add_node(nodes, "head", [3], "head", units=3, axis=1)
    network = Network(1, tuple(nodes), "softmax", 0.7, True, "float64", n_target_features=1)
    data = _core.Dataset(np.array([[0.0], [9.0]]), np.array([0, 2]))
    pairs = _core.PairedDataset(data, data)
    engine = make_engine(network, np.zeros(network.n_params), pairs, training=False)
    for _ in range(2):
        with pytest.raises(ValueError, match="must hold integers from 0 to 2"):
            engine.predict(pairs)


def test_pairs_must_be_as_many_on_both_axes():
    two, three = (_core.Dataset(np.zeros((n, 2)), np.arange(n + 1, dtype=np.intp)) for n in (2, 3))
    with pytest.raises(ValueError, match="same number of sequences, got 3 and 2"):
        _core.PairedDataset(three, two)
    with pytest.raises(TypeError):
        _core.PairedDataset(three, None)
    with pytest.raises(ValueError, match="sequence 1 has no steps"):
        _core.Dataset(np.zeros((2, 1)), np.array([0, 2, 2]))
    states = np.zeros((2, 4))
    given = _core.Dataset(two.values, two.offsets, initial_state=states)
    with pytest.raises(ValueError, match="`source` must not have an `initial_state`"):
        _core.PairedDataset(given, two)
