"""Windows over time: states that go on, targets that count, and unbiased gradients."""

from itertools import pairwise, product
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from cases import (
    CLASSIFYING,
    EVERY_CELL,
    RTOL,
    assert_close,
    assert_gradients_close,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_network,
    options_of,
    parameters_of_loss,
    random_problem,
    set_optimizer,
    simd_level,
    weights_of_tasks,
)
from networks import (
    DATA,
    Network,
    Source,
    add_convolution,
    add_deep_output,
    add_deep_transition,
    add_node,
    add_projected_layer,
    read_too,
    stack_nodes,
)

from sklearn_rnn import _core
from sklearn_rnn._model.network import POOLING, ready

T = 5  # steps of a sequence all of whose truncations are tried
RTOL_EXPECTATION = 1e-12
LSTM = ("lstm", "")

each_mode = pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])


def can_be_windowed(network):
    pools = any(node.kind in POOLING for node in network.nodes)
    return network.is_causal and not pools and network.stride == network.window == 1


RANDOM_NETWORKS = {seed: random_problem(seed)[0] for seed in range(150)}
RANDOM_SEEDS = [seed for seed, network in RANDOM_NETWORKS.items() if can_be_windowed(network)]
# The reference does not draw noise.
QUIET_SEEDS = [
    seed
    for seed in RANDOM_SEEDS
    if all(node.kind != "noise" for node in RANDOM_NETWORKS[seed].nodes)
]


# ---- Windows, the engine and the reference ------------------------------------------------------


def intp(values):
    return np.array(values, dtype=np.intp)


def make_windows(data, first, length, sample, taught_from=None, kept_after=None):
    """Return windows over sequences; `first` counts from the beginning of the sequence."""
    sample = intp(sample)
    given = [None if a is None else intp(a) for a in (taught_from, kept_after)]
    return _core.Windows(data, data.offsets[sample] + intp(first), intp(length), sample, *given)


def make_engine(network, params, n_windows, longest, *, n_threads=2, seed=0, **options):
    """Return an engine for windows, whose losses are summed, not averaged."""
    lengths = np.full(n_windows, longest)
    options = {"windowed": True, "group_weights": weights_of_tasks(network), **options}
    engine = network.engine(lengths, n_windows, n_threads, True, **options)
    set_optimizer(engine, seed=seed)
    engine.load(params)
    engine.weigh_by(1.0, 0.0)
    return engine


def n_state_columns(network):
    return sum(n for _, _, n in network.state_layout)


def empty_states(network, n_windows):
    """Return room for states, with numbers that nobody must use."""
    return np.full((n_windows, n_state_columns(network)), np.nan, dtype=network.dtype)


def draw_states(network, n_windows, rng):
    rows = rng.uniform(-0.7, 0.7, (n_windows, n_state_columns(network)))
    return rows.astype(np.float32).astype(network.dtype)


def named(network, states):
    """Return rows of states by name, or None."""
    if states is None:
        return None
    rows = states.astype(np.float64)
    return {name: rows[:, first : first + n] for name, first, n in network.state_layout}


def run_engine(engine, network, windows, indices=None, **options):
    """Return the sum of the losses of windows, its gradient, and the final states."""
    n_windows = len(windows.first)
    states = empty_states(network, n_windows)
    with ready(engine):
        loss, d_params = engine.loss_and_grad(windows, indices, final_state=states, **options)
    return SimpleNamespace(loss=loss, d_params=d_params, states=states)


def run_reference(network, params, windows, initial_state=None, dropping=None, carry_factor=1.0):
    """Return the same from the reference, and the weight of what is taught."""
    data = windows.data
    rows = [slice(a, a + n) for a, n in zip(windows.first, windows.length, strict=True)]
    cut = rows if network.per_step else list(windows.sample)
    weights = network.views(params.astype(np.float64))
    X = [data.values[row].astype(np.float64) for row in rows]
    y = [data.targets[at] for at in cut]
    if network.loss not in CLASSIFYING:
        y = [target.astype(np.float64) for target in y]
    w = None if data.weights is None else [data.weights[at] for at in cut]
    given = named(network, initial_state)
    options = {"initial_state": given, "dropping": dropping}
    loss, d_weights, _ = reference.loss_and_grad(
        weights,
        X,
        y,
        w,
        nodes=network.nodes,
        loss=network.loss,
        per_step=network.per_step,
        divisor=1.0,
        taught_from=windows.taught_from,
        carry_factor=carry_factor,
        **parameters_of_loss(network),
        **options,
    )
    kept = windows.length if windows.kept_after is None else windows.kept_after
    states = reference.final_states(
        weights, X, network.nodes, kept, link=network.loss, groups=network.groups, **options
    )
    return SimpleNamespace(loss=loss, d_params=reference.flatten(d_weights), states=states)


def weight_taught(network, windows):
    """Return the sum of the weights of what windows teach, from the definition."""
    data, total = windows.data, 0.0
    weights = np.ones(len(data.targets)) if data.weights is None else data.weights
    for i, (first, n) in enumerate(zip(windows.first, windows.length, strict=True)):
        begin = 0 if windows.taught_from is None else windows.taught_from[i]
        if network.per_step:
            total += weights[first + begin : first + n].sum()
        elif begin < n:
            total += weights[windows.sample[i]]
    return total


def assert_windows_agree(network, params, windows, *, seed=0, n_threads=2, engine=None, **options):
    """Hold the engine on windows against the reference, and return the reference's results."""
    rtol = RTOL[network.dtype]
    passed = dict(options)
    if (dropping := passed.pop("dropping", None)) is not None:
        seed, passed["update"] = dropping
        passed["dropout"] = True
    if engine is None:
        longest = int(windows.length.max())
        engine = make_engine(network, params, len(windows.first), longest, seed=seed)
    actual = run_engine(engine, network, windows, **passed)
    expected = run_reference(network, params, windows, **options)
    # The engine reports sum(w l) / sum(w).
    loss = actual.loss * weight_taught(network, windows)
    assert_close(loss, expected.loss, rtol, "loss")
    assert_gradients_close(network, actual.d_params, expected.d_params, rtol)
    states = named(network, actual.states)
    assert states.keys() <= expected.states.keys()
    for name in states:
        assert_close(states[name], expected.states[name], rtol, name, 1e-3)
    return actual


def in_pieces(lengths, rng, longest=4):
    """Return for each round the lanes that go on, and first step and length of their windows."""
    done, rounds = np.zeros(len(lengths), dtype=np.intp), []
    while (lanes := np.flatnonzero(done < lengths)).size:
        n = np.minimum(rng.integers(1, longest + 1, len(lanes)), (lengths - done)[lanes])
        rounds.append((lanes, done[lanes].copy(), n))
        done[lanes] += n
    return rounds


# ---- Windows of a whole sequence ----------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype, seed",
    [("float64", seed) for seed in RANDOM_SEEDS]
    + [("float32", seed) for seed in RANDOM_SEEDS[::2]],
)
def test_random_networks_agree_with_the_reference(dtype, seed):
    network, params, data = random_problem(seed, dtype)
    rng = np.random.default_rng(seed)
    n = 6
    sample = rng.integers(0, data.n_samples, n)
    lengths = np.diff(data.offsets)[sample]
    first = rng.integers(0, lengths)
    length = rng.integers(1, lengths - first + 1)
    taught_from, kept_after = rng.integers(0, length + 1), rng.integers(1, length + 1)
    windows = make_windows(data, first, length, sample, taught_from, kept_after)
    states = draw_states(network, n, rng) if rng.random() < 0.7 else None
    factor = 1.25 if rng.random() < 0.7 else 1.0
    assert_windows_agree(network, params, windows, initial_state=states, carry_factor=factor)


@pytest.mark.parametrize("seed", QUIET_SEEDS)
def test_masks_are_those_of_the_window(seed):
    network, params, data = random_problem(seed)
    rng = np.random.default_rng(seed)
    lengths = np.diff(data.offsets)
    length = rng.integers(1, lengths + 1)
    windows = make_windows(data, lengths - length, length, np.arange(data.n_samples))
    states = draw_states(network, data.n_samples, rng)
    assert_windows_agree(network, params, windows, initial_state=states, dropping=(2**40 + 5, 7))


@pytest.mark.parametrize("seed", RANDOM_SEEDS)
def test_windows_with_their_states_are_the_whole_sequence(seed):
    network, params, data = random_problem(seed)
    data = _core.Dataset(data.values, data.offsets, data.targets, data.weights)
    rng = np.random.default_rng(seed)
    lengths = np.diff(data.offsets)
    engine = make_engine(network, params, data.n_samples, int(lengths.max()))
    states = np.tile(engine.initial_state(), (data.n_samples, 1))
    total = 0.0
    for lanes, first, n in in_pieces(lengths, rng):
        # The target of a sequence belongs to its last step.
        taught_from = n * (first + n < lengths[lanes]) * (not network.per_step)
        windows = make_windows(data, first, n, lanes, taught_from)
        begin = states[lanes]
        actual = run_engine(engine, network, windows, initial_state=begin)
        states[lanes] = actual.states
        total += actual.loss * weight_taught(network, windows)
    whole, _ = loss_and_grad(network, params, data)
    n_targets = len(data.targets) if data.weights is None else data.weights.sum()
    assert_close(total, whole * n_targets, RTOL["float64"])
    predicting = network.engine(lengths, len(lengths), 1, False)
    predicting.load(params)
    _, final = predicting.predict(data, return_state=True)
    np.testing.assert_allclose(states, final, rtol=1e-10, atol=1e-12)


def test_overlapping_windows_teach_each_step_once():
    network = make_network(LSTM, (4,), per_step=True)
    rng = np.random.default_rng(0)
    params, data = draw_params(network, rng), draw_dataset(network, [9, 9], rng)
    engine = make_engine(network, params, 2, 4)
    states, total = None, 0.0
    for begin in range(0, 8, 2):  # windows of 4 steps, of which the next one has 2
        n = min(4, 9 - begin)
        taught_from = [2 * (begin > 0)] * 2
        windows = make_windows(data, [begin] * 2, [n] * 2, [0, 1], taught_from, [2] * 2)
        actual = assert_windows_agree(network, params, windows, engine=engine, initial_state=states)
        states, total = actual.states, total + actual.loss * weight_taught(network, windows)
    whole, _ = loss_and_grad(network, params, data)
    assert total == pytest.approx(18 * whole, rel=1e-12)


@pytest.mark.parametrize("case", EVERY_CELL, ids="-".join)
def test_the_last_steps_of_a_sequence_are_trained_after_the_others(case):
    network = make_network(case, (4, 3))
    rng = np.random.default_rng(0)
    lengths = np.array([9, 7, 4])
    params, data = draw_params(network, rng), draw_dataset(network, lengths, rng)
    engine = make_engine(network, params, 3, 9)
    lanes, last = np.arange(3), 3
    states = empty_states(network, 3)
    before = make_windows(data, np.zeros(3), lengths - last, lanes)
    engine.advance(before, intp(lanes), 1, final_state=states)
    windows = make_windows(data, lengths - last, np.full(3, last), lanes)
    actual = assert_windows_agree(network, params, windows, engine=engine, initial_state=states)
    whole, d_params = loss_and_grad(network, params, data)
    assert actual.loss == pytest.approx(whole, rel=1e-12)
    head = network.n_outputs * (3 + 1)
    if not _core.CELLS[case[0]].reads_output:  # then the last step alone uses the head
        np.testing.assert_allclose(actual.d_params[-head:], 3 * d_params[-head:], rtol=1e-10)


# ---- Unbiased truncation ------------------------------------------------------------------------


def network_of(nodes, per_step=True):
    return Network(3, tuple(nodes), "squared_error", 1.0, per_step, "float64")


def convolution():
    nodes = []
    stream = add_convolution(nodes, [DATA], 3, 3, activation="tanh")
    stream = [add_node(nodes, "recurrent", stream, "l0", units=4, cell="gru")]
    add_node(nodes, "head", stream, "head", units=2)
    return network_of(nodes)


def projection():
    nodes = []
    stream = add_projected_layer(nodes, [DATA], 5, 3)
    add_node(nodes, "head", stream, "head", units=2)
    return network_of(nodes)


def deep_transition(**options):
    nodes = []
    add_deep_output(nodes, add_deep_transition(nodes, [DATA], (4, 3, 5), **options), (3,), 2)
    return network_of(nodes)


def output_fed_back():
    nodes = []
    layer = add_node(nodes, "recurrent", [DATA], "l0", units=4, cell="lstm")
    head = add_node(nodes, "head", [layer], "head", units=2)
    read_too(nodes, layer, Source(head, -1, "weight_oh"))
    read_too(nodes, layer, Source(layer, -2))
    return network_of(nodes)


def stack(cell, *options, per_step=True):
    nodes = stack_nodes(cell, (4, 3), options=options, per_step=per_step)
    return network_of(nodes, per_step)


ZONEOUT, LEARNED = ("zoneout", 0.3), ("initial_state", "learned")
WITH_MEMORY = {
    **{"-".join(case): stack(case[0], *options_of(case)) for case in EVERY_CELL},
    **{f"{c}-zoneout": stack(c, ZONEOUT) for c in ("elman", "lstm", "mingru", "mgu")},
    **{f"{c}-learned": stack(c, LEARNED) for c in ("elman", "lstm", "gru", "minlstm")},
    **{f"{c}-norm": stack(c, ("normalization", "layer")) for c in ("elman", "lstm", "gru", "mgu")},
    **{f"{c}-once": stack(c, per_step=False) for c in ("jordan", "lstm", "gru")},
    "convolution": convolution(),
    "projection": projection(),
    "deep transition": deep_transition(),
    "deep transition with a shortcut": deep_transition(shortcut=True),
    "output fed back": output_fed_back(),
}


def truncated(engine, network, data, cuts, factor):
    """Return the sum of the gradients of windows that end where `cuts` says."""
    bounds = [0, *(t + 1 for t in range(T - 1) if cuts[t]), T]
    states, total, lanes = None, 0.0, np.arange(data.n_samples)
    for first, end in pairwise(bounds):
        n = np.full(data.n_samples, end - first)
        taught_from = None if network.per_step else n * (end < T)
        windows = make_windows(data, first + 0 * lanes, n, lanes, taught_from)
        options = {"initial_state": states, "carry_factor": factor}
        window = run_engine(engine, network, windows, **options)
        states, total = window.states, total + window.d_params
    return total


@pytest.mark.parametrize("name", WITH_MEMORY)
def test_reweighted_truncation_has_the_whole_gradient_as_its_expectation(name):
    """Tallec and Ollivier (2017)."""
    network, rng, c = WITH_MEMORY[name], np.random.default_rng(0), 0.3
    params, data = draw_params(network, rng), draw_dataset(network, [T, T], rng)
    engine = make_engine(network, params, 2, T)
    expectation, plain = 0.0, 0.0
    for cuts in product((0, 1), repeat=T - 1):
        probability = np.prod(np.where(cuts, c, 1 - c))
        gradient = truncated(engine, network, data, cuts, 1 / (1 - c))
        expectation = expectation + probability * gradient
        plain = plain + probability * truncated(engine, network, data, cuts, 1.0)
    _, whole = engine.loss_and_grad(data)
    assert_gradients_close(network, expectation, whole, RTOL_EXPECTATION)
    assert np.max(np.abs(plain - whole)) > 1e-3 * np.max(np.abs(whole))  # without it, a bias


# ---- Bits ---------------------------------------------------------------------------------------


def bits_of_training(network, params, data, n_threads, **options):
    """Return the bytes of two updates over windows that go on, and of the states in the end."""
    lengths = np.diff(data.offsets)
    rng, n, moments = np.random.default_rng(1), data.n_samples, np.zeros((2, len(params)))
    params, moments = params.copy(), moments.astype(network.dtype)
    engine = make_engine(network, params, n, 40, n_threads=n_threads, **options)
    set_optimizer(engine, "adam", seed=3)
    states, results = np.tile(engine.initial_state(), (n, 1)), []
    first, length = np.zeros(n, dtype=np.intp), np.full(n, 40, dtype=np.intp)
    windows = _core.Windows(data, first, length, np.arange(n), kept_after=intp(np.full(n, 35)))
    with ready(engine):
        for update in (1, 2):
            first[:] = data.offsets[:-1] + 35 * (update - 1)
            length[:] = np.minimum(40, data.offsets[1:] - first)
            kept = empty_states(network, n)
            options = {"initial_state": states, "final_state": kept, "carry_factor": 1.1}
            indices = intp(rng.permutation(n))
            loss = engine.train_minibatch(
                windows, indices, params, moments, 0.01, update, **options
            )
            states = kept
            results.append(np.array(loss))
        end = empty_states(network, n)
        engine.advance(windows, indices, 3, initial_state=states, final_state=end)
    assert lengths.min() >= 70
    return b"".join(array.tobytes() for array in (*results, params, moments, states, end))


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", RTOL)
def test_threads_and_memory_budgets_change_no_bit(dtype, level):
    nodes = []
    options = (("recurrent_dropout", 0.2), ("zoneout", 0.1))
    fields = {"units": 37, "cell": "lstm", "options": options}
    stream = [add_node(nodes, "recurrent", [DATA], "l0", **fields)]
    stream = add_convolution(nodes, stream, 12, 3, activation="tanh")
    # Two gradients of a row that go back over the ends of segments.
    read = [Source(stream[0]), Source(0, -1), Source(0, -2)]
    stream = [add_node(nodes, "recurrent", read, "l1", units=20, cell="gru")]
    add_node(nodes, "head", stream, "head", units=2)
    network = Network(3, tuple(nodes), "squared_error", 1.0, True, dtype)
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    data = draw_dataset(network, rng.integers(70, 80, 40), rng, weighted=True)
    with simd_level(level):
        expected = bits_of_training(network, params, data, 1)
        assert bits_of_training(network, params, data, 3) == expected
        with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
            make_engine(network, params, 40, 40, memory_budget=1)
        least = int(str(refusal.value).split("at least ")[1].split()[0])
        roomy = make_engine(network, params, 40, 40, n_threads=1).n_bytes_of_steps
        assert least < roomy
        assert bits_of_training(network, params, data, 1, memory_budget=least) == expected


@each_mode
@pytest.mark.parametrize("case", [LSTM, ("jordan", "tanh")], ids="-".join)
def test_windows_of_whole_sequences_have_the_bits_of_the_sequences(case, per_step):
    network = make_network(case, (5, 4), per_step=per_step)
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    data = draw_dataset(network, [6, 3, 9, 1, 7], rng, weighted=True)
    expected = loss_and_grad(network, params, data)
    engine = make_engine(network, params, 5, 9)
    engine.weigh_by(0.0, 0.0)
    windows = make_windows(data, np.zeros(5), np.diff(data.offsets), np.arange(5))
    for samples in (data, windows):
        loss, d_params = engine.loss_and_grad(samples)
        assert loss == expected[0]
        np.testing.assert_array_equal(d_params, expected[1])


# ---- Calls --------------------------------------------------------------------------------------


@pytest.fixture
def lanes():
    """Three lanes over two sequences, with room for their states."""
    network = make_network(LSTM, (4,), per_step=True)
    rng = np.random.default_rng(0)
    data = draw_dataset(network, [8, 6], rng, weighted=True)
    params = draw_params(network, rng)
    arrays = {
        "first": intp([0, 4, 8]),
        "length": intp([4, 4, 3]),
        "sample": intp([0, 0, 1]),
        "taught_from": intp([0, 1, 0]),
        "kept_after": intp([4, 2, 3]),
    }
    engine = make_engine(network, params, 3, 4)
    windows = _core.Windows(data, **arrays)
    states = draw_states(network, 3, rng)
    return SimpleNamespace(
        network=network,
        params=params,
        data=data,
        arrays=arrays,
        engine=engine,
        windows=windows,
        states=states,
    )


def test_an_update_over_windows_follows_their_gradient(lanes):
    options = {"initial_state": lanes.states, "carry_factor": 1.5}
    indices = intp([2, 0])
    loss, d_params = lanes.engine.loss_and_grad(lanes.windows, indices, **options)
    params, final = lanes.params.copy(), empty_states(lanes.network, 3)
    moments = np.zeros((1, len(params)))
    lanes.engine.load(params)
    trained = lanes.engine.train_minibatch(
        lanes.windows, indices, params, moments, 0.1, 1, final_state=final, **options
    )
    weights = lanes.data.weights
    assert trained == pytest.approx((loss, weights[8:11].sum() + weights[:4].sum()), rel=1e-15)
    np.testing.assert_allclose(params, lanes.params - 0.1 * d_params, rtol=1e-12, atol=1e-14)
    assert np.isnan(final).all(axis=1).tolist() == [False, True, False]
    assert np.isfinite(final[indices]).all()


def test_a_lane_moves_in_place(lanes):
    for array, value in zip(lanes.arrays.values(), (2, 3, 0, 1, 2), strict=True):
        array[1] = value
    moved = _core.Windows(lanes.data, *(a[1:2].copy() for a in lanes.arrays.values()))
    actual = lanes.engine.loss_and_grad(lanes.windows, intp([1]), initial_state=lanes.states)
    expected = lanes.engine.loss_and_grad(moved, initial_state=lanes.states[1:2].copy())
    np.testing.assert_array_equal(actual[1], expected[1])
    assert actual[0] == expected[0]


def test_windows_that_teach_nothing_pass_their_state_on(lanes):
    lanes.arrays["taught_from"][:] = lanes.arrays["length"]
    params, moments = lanes.params.copy(), np.zeros((1, len(lanes.params)))
    lanes.engine.load(params)
    final, expected = (empty_states(lanes.network, 3) for _ in range(2))
    given, every = {"initial_state": lanes.states}, intp([0, 1, 2])
    trained = lanes.engine.train_minibatch(
        lanes.windows, every, params, moments, 0.1, 1, final_state=final, **given
    )
    lanes.engine.advance(lanes.windows, every, 1, final_state=expected, **given)
    assert trained == (0.0, 0.0)
    np.testing.assert_array_equal(params, lanes.params)
    np.testing.assert_array_equal(final, expected)
    assert np.isfinite(final).all()


def test_learned_states_have_a_gradient_where_windows_begin_with_them():
    network = stack("gru", LEARNED)
    rng = np.random.default_rng(0)
    params, data = draw_params(network, rng), draw_dataset(network, [4, 3], rng)
    engine, given = make_engine(network, params, 2, 4), draw_states(network, 2, rng)
    windows = make_windows(data, [0, 0], [4, 3], [0, 1])
    for states in (None, given):
        gradient = network.views(
            assert_windows_agree(
                network, params, windows, engine=engine, initial_state=states
            ).d_params
        )
        assert np.any(gradient["initial_h_l0"]) == (states is None)


def test_the_gradient_of_the_input_comes_in_the_rows_of_the_data(lanes):
    lengths = np.diff(lanes.data.offsets)
    _, _, whole = loss_and_grad(lanes.network, lanes.params, lanes.data, input_gradient=True)
    engine = make_engine(lanes.network, lanes.params, 2, 8, input_gradient=True)
    engine.weigh_by(0.0, 0.0)
    windows = make_windows(lanes.data, [0, 0], lengths, [0, 1])
    d_values = engine.loss_and_grad(windows, input_gradient=True)[2]
    np.testing.assert_array_equal(d_values, whole)
    windows = make_windows(lanes.data, [0, 3], [4, 4], [0, 0])
    with pytest.raises(ValueError, match="Windows must not overlap"):
        engine.loss_and_grad(windows, input_gradient=True)


BAD_WINDOWS = [
    ("sample", 2, "`sample` must be from 0 to 1, got 2 in window 1"),
    ("sample", -1, "`sample` must be from 0 to 1, got -1 in window 1"),
    ("first", -1, "`first` must be a row of sequence 0, from 0 to 7, got -1 in window 1"),
    ("first", 8, "`first` must be a row of sequence 0, from 0 to 7, got 8 in window 1"),
    ("first", 5, "`length` must be from 1 to 3, so that the window ends within sequence 0, got 4"),
    ("length", 0, "`length` must be from 1 to 4, so that the window ends within sequence 0, got 0"),
    ("length", np.iinfo(np.intp).max, "`length` must be from 1 to 4"),
    ("taught_from", -1, "`taught_from` must be from 0 to 4, the `length` of the window, got -1"),
    ("taught_from", 5, "`taught_from` must be from 0 to 4, the `length` of the window, got 5"),
    ("kept_after", 0, "`kept_after` must be from 1 to 4, the `length` of the window, got 0"),
    ("kept_after", 5, "`kept_after` must be from 1 to 4, the `length` of the window, got 5"),
]


@pytest.mark.parametrize("name, value, text", BAD_WINDOWS)
def test_windows_outside_their_sequence_are_refused_when_they_are_used(lanes, name, value, text):
    lanes.arrays[name][1] = value
    lanes.engine.loss_and_grad(lanes.windows, intp([0, 2]))
    with pytest.raises(ValueError, match=text):
        lanes.engine.loss_and_grad(lanes.windows)


def test_other_arrays_and_states_are_refused(lanes):
    for name, array in lanes.arrays.items():
        for bad in (array.astype(np.int32), array[:2], list(array)):
            if name == "first" and len(bad) == 2:
                continue  # it says how many windows there are
            with pytest.raises(ValueError, match=f"`{name}` must be a C-contiguous array of int64"):
                _core.Windows(lanes.data, **lanes.arrays | {name: bad})
    with pytest.raises(TypeError, match="data"):
        _core.Windows(None, **lanes.arrays)
    with pytest.raises(IndexError, match="`indices` must lie in 0 to 2, got 3"):
        lanes.engine.loss_and_grad(lanes.windows, intp([3]))
    frozen = lanes.states.copy()
    frozen.flags.writeable = False
    for bad in (lanes.states[:2], lanes.states.astype(np.float32), lanes.states[:, :-1]):
        for name in ("initial_state", "final_state"):
            with pytest.raises(ValueError, match=f"`{name}` must be a C-contiguous"):
                lanes.engine.loss_and_grad(lanes.windows, **{name: bad})
    with pytest.raises(ValueError, match="`final_state` must be a C-contiguous writeable array"):
        lanes.engine.loss_and_grad(lanes.windows, final_state=frozen)
    for factor in (-0.1, np.inf, np.nan):
        with pytest.raises(ValueError, match="`carry_factor` must be finite and not negative"):
            lanes.engine.loss_and_grad(lanes.windows, carry_factor=factor)
    lanes.arrays["length"][:] = 4, 3, 6
    with pytest.raises(ValueError, match="must not be longer than the `lengths`"):
        lanes.engine.loss_and_grad(lanes.windows)


def test_other_engines_refuse_windows(lanes):
    engine = lanes.network.engine([8], 1, 1, True)
    engine.load(lanes.params)
    with pytest.raises(ValueError, match="`Windows` need an engine made with `windowed`"):
        engine.loss_and_grad(lanes.windows, intp([0]))
    for options in ({"carry_factor": 1.1}, {"final_state": lanes.states}):
        with pytest.raises(ValueError, match="`final_state` and `carry_factor` need an engine"):
            engine.loss_and_grad(lanes.data, intp([0]), **options)
    with pytest.raises(ValueError, match="`advance` needs an engine made with `windowed`"):
        engine.advance(lanes.data, intp([0]), 1, final_state=lanes.states)


def test_networks_that_need_whole_sequences_cannot_be_windowed(lanes):
    both = make_network(LSTM, (3,), bidirectional=True)
    nodes = stack_nodes("lstm", (3,))[:1]
    pooled = [*nodes]
    add_node(pooled, "pool", [0], options=(("method", "mean"),))
    add_node(pooled, "head", [1], "head", units=2)
    strided = Network(
        3,
        make_network(LSTM, (3,)).nodes,
        "squared_error",
        1.0,
        False,
        "float64",
        stride=2,
        window=3,
    )
    for network, text in (
        (both, "a reverse direction"),
        (network_of(pooled, per_step=False), "pooling other than 'last'"),
        (strided, "windows of its data, got stride=2 and window=3"),
    ):
        with pytest.raises(ValueError, match="`windowed` must be False in a network .*" + text):
            network.engine([4], 1, 1, True, windowed=True)
    with pytest.raises(ValueError, match="`windowed` must be False in an engine that was not made"):
        lanes.network.engine([4], 1, 1, False, windowed=True)


def test_memory_does_not_grow_with_the_sequence():
    network = make_network(LSTM, (8,), per_step=True, dtype="float32")
    n = 100_000
    data = _core.Dataset(np.zeros((n, 3), np.float32), intp([0, n]), np.zeros((n, 2), np.float32))
    params = draw_params(network, np.random.default_rng(0))
    sizes = []
    for dataset in (data, draw_dataset(network, [400], np.random.default_rng(0))):
        engine = make_engine(network, params, 4, 100)
        windows = make_windows(dataset, [0, 100, 200, 300], [100] * 4, [0] * 4)
        assert np.isfinite(engine.loss_and_grad(windows)[0])
        sizes.append(engine.n_bytes_of_steps)
    assert sizes[0] == sizes[1] < 1 << 20
