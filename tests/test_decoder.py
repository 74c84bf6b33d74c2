"""The second axis of a network, one step at a time."""

import numpy as np
import pytest
from cases import (
    RTOL,
    RTOL_TORCH_OUTPUTS,
    assert_close,
    draw_lengths,
    draw_pairs,
    draw_params,
    make_network,
    simd_level,
)
from encoder_decoder import bahdanau, luong, network_of, run
from make_fixtures import ENCODERS
from networks import add_node, happens, random_paired_network, with_random_context
from test_context import load, one_of

from sklearn_rnn import _core

each_file = pytest.mark.parametrize("file", ENCODERS, ids=lambda file: file.stem)
each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_kind = pytest.mark.parametrize("make_nodes", [bahdanau, luong])
LENGTHS, TARGET_LENGTHS = (5, 1, 20, 17, 16, 3), (4, 9, 9, 9, 9, 9)


def random_problem(nodes, dtype="float32"):
    rng = np.random.default_rng(0)
    network = network_of(nodes, dtype)
    return network, draw_params(network, rng), draw_pairs(network, LENGTHS, TARGET_LENGTHS, rng)


def decoder_of(network, params, data, max_rows=None):
    lengths = np.diff(data.source.offsets)
    decoder = network.decoder(lengths, max_rows or len(lengths))
    decoder.load(params)
    return decoder


def fed(data, rows, t):
    """Return what is fed to some sequences at step t."""
    return np.ascontiguousarray(data.target.values[data.target.offsets[rows] + t])


def forced(network, params, data, decoder=None, attention=False):
    """Return the raw outputs of all steps, by decoding what is given, and perhaps weights."""
    decoder = decoder or decoder_of(network, params, data)
    lengths = np.diff(data.target.offsets)
    decoder.begin(data.source, np.arange(data.n_samples, dtype=np.intp))
    raw, weights = np.zeros((lengths.sum(), network.n_outputs), network.dtype), {}
    going = np.arange(data.n_samples)
    for t in range(lengths.max()):
        on = np.flatnonzero(lengths[going] > t)
        if len(on) < len(going):
            decoder.reorder(on)
            going = going[on]
        raw[data.target.offsets[going] + t] = decoder.step(fed(data, going, t), raw=True)
        if attention:
            weights |= {(i, t): row for i, row in zip(going, decoder.attention(), strict=True)}
    return (raw, weights) if attention else raw


@each_level
@each_dtype
@each_file
def test_outputs_and_weights_are_pytorchs(file, dtype, level):
    problem = load(file, dtype)
    network, params, data, rtol = (
        problem.network,
        problem.params,
        problem.data,
        RTOL_TORCH_OUTPUTS[dtype],
    )
    with simd_level(level):
        raw, weights = forced(network, params, data, attention=True)
    assert_close(raw, problem.arrays["raw"], rtol)
    lengths, expected = np.diff(data.source.offsets), problem.arrays["attention"]
    listed = [weights[i, t][: lengths[i]] for i, t in sorted(weights)]
    assert_close(np.concatenate(listed), expected, rtol)
    for (i, _), row in weights.items():
        assert row.shape == (lengths.max(),)
        assert not row[lengths[i] :].any()


@each_level
@each_dtype
@pytest.mark.parametrize("seed", range(12))
def test_steps_are_those_of_predictions(seed, dtype, level):
    """Decoding what is given has the bits of a prediction, whatever the decoder reads."""
    rng = np.random.default_rng(1000 + seed)
    network = random_paired_network(rng, dtype)
    network = with_random_context(rng, network) if seed % 2 else network
    params = draw_params(network, rng)
    n = rng.integers(1, 10)
    lengths = (draw_lengths(n, rng.integers(1, 11), True, rng) for _ in range(2))
    data = draw_pairs(network, *lengths, rng, happens(rng, 0.5))
    with simd_level(level):
        expected = run(network, params, data).raw
        np.testing.assert_array_equal(forced(network, params, data), expected)


def greedy(decoder, network, source, indices, n_steps=8):
    """Return the raw outputs (n_rows, n_steps, n_outputs) if each step reads the answer before."""
    decoder.begin(source, np.array(indices, dtype=np.intp))
    read, raw = np.zeros((len(indices), network.n_target_features), network.dtype), []
    for _ in range(n_steps):
        raw.append(decoder.step(read, raw=True))
        read = (raw[-1][:, : network.n_target_features] > 0).astype(network.dtype)
    return np.stack(raw, axis=1)


@each_level
@each_kind
def test_a_row_does_not_depend_on_others(make_nodes, level):
    network, params, data = random_problem(make_nodes())
    with simd_level(level):
        decoder = decoder_of(network, params, data)
        indices = [4, 0, 2, 5, 1, 3]
        together = greedy(decoder, network, data.source, indices)
        for i, rows in zip(indices, together, strict=True):
            np.testing.assert_array_equal(greedy(decoder, network, data.source, [i])[0], rows)


@each_level
@each_kind
def test_rows_go_on_from_others(make_nodes, level):
    """Rows that go on from one row have its states and its source, as its own copies would."""
    network, params, data = random_problem(make_nodes())
    rng = np.random.default_rng(1)
    values = rng.standard_normal((4, 9, network.n_target_features)).astype(np.float32)
    with simd_level(level):
        decoder = decoder_of(network, params, data, max_rows=9)
        decoder.begin(data.source, np.array([2, 4, 0], dtype=np.intp))
        decoder.step(values[0, :3])
        decoder.reorder(np.array([1, 1, 2, 1, 2, 1, 2, 1, 2], dtype=np.intp))
        many = decoder.step(values[1], raw=True)
        weights = decoder.attention()
        for row, sample in zip(weights, [4, 4, 0, 4, 0, 4, 0, 4, 0], strict=True):
            assert not row[LENGTHS[sample] :].any()
        decoder.reorder(np.array([7, 4], dtype=np.intp))
        few = decoder.step(values[2, :2], raw=True)
        for sample, was, row, later in ((4, 1, 7, 0), (0, 2, 4, 1)):
            decoder.begin(data.source, np.array([sample], dtype=np.intp))
            decoder.step(values[0, was : was + 1])
            alone = decoder.step(values[1, row : row + 1], raw=True)
            np.testing.assert_array_equal(many[row], alone[0])
            n = LENGTHS[sample]
            np.testing.assert_array_equal(weights[row, :n], decoder.attention()[0, :n])
            alone = decoder.step(values[2, later : later + 1], raw=True)
            np.testing.assert_array_equal(few[later], alone[0])


def test_more_rows_than_sources_and_more_sources_than_rows():
    network, params, data = random_problem(bahdanau())
    one = one_of(data, 2)
    decoder = decoder_of(network, params, one, max_rows=40)
    assert decoder.max_rows == 40
    decoder.begin(one.source, np.zeros(1, dtype=np.intp))
    read = np.ones((40, network.n_target_features), dtype=np.float32)
    first = decoder.step(read[:1])
    decoder.reorder(np.zeros(40, dtype=np.intp))
    rows = decoder.step(read)
    np.testing.assert_array_equal(rows, np.tile(rows[0], (40, 1)))
    assert not np.array_equal(rows[0], first[0])
    decoder = decoder_of(network, params, data, max_rows=2)
    assert decoder.max_rows == data.n_samples
    assert len(greedy(decoder, network, data.source, [0, 1, 2, 3, 4, 5])) == 6


def test_links_and_scales_belong_to_the_target():
    network, params, data = random_problem(bahdanau(), "float64")
    rng = np.random.default_rng(2)
    mean, scale = rng.standard_normal(2), rng.uniform(0.5, 2.0, 2)
    decoder = decoder_of(network, params, data)
    decoder.normalise_by(mean, scale)
    scaled = _core.Dataset(data.target.values * scale + mean, data.target.offsets)
    scaled = _core.PairedDataset(data.source, scaled)
    raw = forced(network, params, scaled, decoder)
    assert_close(raw, run(network, params, data).raw, RTOL["float64"])
    decoder.begin(data.source, np.arange(6, dtype=np.intp))
    probabilities = decoder.step(fed(scaled, np.arange(6), 0))
    exp = np.exp(raw[data.target.offsets[:-1]])
    assert_close(probabilities, exp / exp.sum(axis=1, keepdims=True), RTOL["float64"])


def test_a_decoder_need_not_attend():
    nodes = [node for node in luong() if node.kind not in ("context", "head")]
    nodes = [node for node in nodes if node.name not in ("keys", "attentional")]
    add_node(nodes, "head", [len(nodes) - 1], "head", units=4, axis=1)
    places = {old.name: i for i, old in enumerate(nodes)}
    assert nodes[places["decoder"]].sources[1].node == places["start"]
    network, params, data = random_problem(tuple(nodes))
    decoder = decoder_of(network, params, data)
    raw = forced(network, params, data, decoder)
    np.testing.assert_array_equal(raw, run(network, params, data).raw)
    with pytest.raises(ValueError, match="kind 'context'"):
        decoder.attention()


def indices(*rows):
    return np.array(rows, dtype=np.intp)


def test_what_does_not_fit_is_refused_and_changes_nothing():
    network, params, data = random_problem(bahdanau())
    decoder = network.decoder(np.diff(data.source.offsets), 6)
    read = np.ones((2, 2), dtype=np.float32)
    with pytest.raises(ValueError, match="`load` must be called first"):
        decoder.begin(data.source, indices(0, 1))
    decoder.load(params)
    with pytest.raises(ValueError, match="`begin` must be called first"):
        decoder.step(read)
    with pytest.raises(ValueError, match="`begin` must be called first"):
        decoder.reorder(indices(0))
    decoder.begin(data.source, indices(0, 1))
    with pytest.raises(ValueError, match="`step` must be called before"):
        decoder.attention()
    expected = decoder.step(read)
    for chosen, error, match in (
        (indices(0, 6), IndexError, "0 to 5, got 6"),
        (indices(-1), IndexError, "0 to 5, got -1"),
        (indices(), ValueError, "1 to 6 rows"),
        (indices(*range(6), 0), ValueError, "1 to 6 rows"),
        (np.zeros(2), ValueError, "C-contiguous array of int64"),
        (indices(2, 2, 2, 2), ValueError, "longer than the `lengths`"),
    ):
        with pytest.raises(error, match=match):
            decoder.begin(data.source, chosen)
    wide = _core.Dataset(np.ones((3, 4), dtype=np.float32), indices(0, 3))
    with pytest.raises(ValueError, match="3 features, got 4"):
        decoder.begin(wide, indices(0))
    for rows, error, match in (
        (indices(0, 2), IndexError, "0 to 1, got 2"),
        (indices(), ValueError, "1 to 6 rows"),
        (indices(*[0] * 7), ValueError, "1 to 6 rows"),
    ):
        with pytest.raises(error, match=match):
            decoder.reorder(rows)
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        decoder.step(np.ones((3, 2), dtype=np.float32))
    with pytest.raises(ValueError, match="`values` must be finite"):
        decoder.step(np.full((2, 2), np.nan, dtype=np.float32))
    decoder.reorder(indices(1, 0))
    decoder.reorder(indices(1, 0))
    second = decoder.step(read)
    decoder.begin(data.source, indices(0, 1))
    np.testing.assert_array_equal(decoder.step(read), expected)
    np.testing.assert_array_equal(decoder.step(read), second)
    decoder.load(params)
    with pytest.raises(ValueError, match="`step` must be called before"):
        decoder.attention()


def test_sessions_have_one_axis_and_decoders_two():
    facts = {"n_threads": 1, "training": False, "batch_size": 1, "by_step": True}
    facts |= {"carried": True, "session": True, "lengths": np.ones(1, dtype=np.intp)}
    two = network_of(bahdanau())
    with pytest.raises(ValueError, match="make a decoder"):
        _core.Session(**two.facts(), **facts, target_lengths=facts["lengths"])
    one = make_network(("gru", ""), per_step=True)
    with pytest.raises(ValueError, match="result is on axis 1"):
        _core.Decoder(**one.facts(), **facts)
