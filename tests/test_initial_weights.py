"""The weights that a fit begins with."""

import math

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, _core
from sklearn_rnn._model import network as _network
from sklearn_rnn._model.network import DATA, Network, Node, Source
from sklearn_rnn._model.words import network_of
from sklearn_rnn.layers import Conv1D


@pytest.mark.parametrize("cell", _core.CELLS)
def test_initial_weights_are_glorot_orthogonal_and_remember(cell):
    words = {**RNNClassifier((8, 5), cell=cell, dtype="float64").get_params()}
    words["bidirectional"] = not _core.CELLS[cell].reads_output
    network = network_of(words, n_features=3, n_outputs=2, loss="softmax")
    params = _network.initialize(network, np.random.RandomState(0))
    info = _core.CELLS[cell]
    for name, w in network.views(params).items():
        gates = np.split(w, len(info.gates)) if name != "head.weight" and "head" not in name else []
        for number, gate in enumerate(gates):
            if name.startswith("weight_hh") and cell == "indrnn":
                assert 0 <= gate.min() < gate.max() <= 1
            elif name.startswith("weight_hh"):
                np.testing.assert_allclose(gate @ gate.T, np.eye(len(gate)), atol=1e-12)
            elif name.startswith(("weight_ih", "weight_oh")):
                assert 0 < np.abs(gate).max() <= np.sqrt(6 / sum(gate.shape))
            else:
                is_forget = cell in ("lstm", "minlstm") and info.gates[number] == "f"
                expected = float(name.startswith("bias_ih") and is_forget)
                assert np.all(gate == expected)
    assert np.all(network.views(params)["head.bias"] == 0)


def test_initial_weights_do_not_depend_on_the_number_of_samples(dense):
    X, labels, _ = dense
    still = {"learning_rate_init": 1e-300, "max_iter": 1, "random_state": 3, "alpha": 0.0}
    few, many = RNNClassifier(4, **still).fit(X[:9], labels[:9]), RNNClassifier(4, **still)
    np.testing.assert_array_equal(few.params_, many.fit(X, labels).params_)


# ---- initializers by name -----------------------------------------------------------------------


def drawn(cell, *initializers, units=400, n_features=100, n_steps=None, **fields):
    """Return the arrays of a layer with these initializers, by stem."""
    node = Node(
        "recurrent",
        "l0",
        (Source(DATA),),
        units,
        cell,
        initializers=initializers,
        **fields,
    )
    network = Network(
        n_features,
        (node, Node("head", "head", (Source(0),), 1)),
        "squared_error",
        1.0,
        True,
        "float64",
    )
    params = _network.initialize(network, np.random.RandomState(0), n_steps)
    return {name.removesuffix("_l0"): w for name, w in network.views(params).items()}


# Of a gate with 400 rows and 100 columns: variance, and the bound of uniform numbers.
LAWS = {
    "glorot_uniform": (2 / 500, np.sqrt(6 / 500)),
    "glorot_normal": (2 / 500, None),
    "he_uniform": (2 / 100, np.sqrt(6 / 100)),
    "he_normal": (2 / 100, None),
    "lecun_uniform": (1 / 100, np.sqrt(3 / 100)),
    "lecun_normal": (1 / 100, None),
    "pytorch": (1 / (3 * 400), 1 / np.sqrt(400)),
}


@pytest.mark.parametrize("name, law", LAWS.items(), ids=LAWS)
def test_each_gate_is_drawn_by_its_law(name, law):
    variance, bound = law
    for gate in np.split(drawn("gru", ("weight_ih", name))["weight_ih"], 3):
        # Of 40,000 numbers: 5 standard errors of the mean, and of the variance.
        assert abs(gate.mean()) < 5 * np.sqrt(variance / gate.size)
        assert gate.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / gate.size))
        if bound is None:
            assert np.abs(gate).max() > 3.5 * np.sqrt(variance)  # a tail
        else:
            assert 0.999 * bound < np.abs(gate).max() <= bound


def test_scaled_uniform_biases_are_those_of_pytorch():
    arrays = drawn("lstm", ("bias", "pytorch"))
    for stem in ("bias_ih", "bias_hh"):
        assert 0.99 / 20 < np.abs(arrays[stem]).max() <= 1 / 20
    assert np.any(arrays["bias_ih"] != arrays["bias_hh"])


@pytest.mark.parametrize("n_features", [5, 8, 13])
def test_orthogonal_matrices_of_any_shape_keep_lengths(n_features):
    options = {"units": 8, "n_features": n_features}
    for gate in np.split(drawn("gru", ("weight_ih", "orthogonal"), **options)["weight_ih"], 3):
        short = gate if len(gate) <= n_features else gate.T
        np.testing.assert_allclose(short @ short.T, np.eye(len(short)), atol=1e-12)


def test_identity_and_zeros_are_exact():
    arrays = drawn("gru", ("weight_hh", "identity"), ("weight_ih", "zeros"), ("bias", "zeros"))
    np.testing.assert_array_equal(arrays["weight_hh"], np.tile(np.eye(400), (3, 1)))
    assert not np.any(arrays["weight_ih"])
    assert not np.any(drawn("lstm", ("bias", "zeros"))["bias_ih"])  # not even the forget bias
    np.testing.assert_array_equal(drawn("indrnn", ("weight_hh", "identity"))["weight_hh"], 1.0)


def test_both_directions_are_drawn():
    arrays = drawn("elman", ("weight_hh", "he_normal"), directions="both", units=9)
    forward, reverse = arrays["weight_hh"], arrays["weight_hh_l0_reverse"]
    assert 0.1 < forward.std() < 1 and 0.1 < reverse.std() < 1 and np.any(forward != reverse)


def test_names_of_what_the_core_chooses_change_no_bit():
    asked = ("weight_ih", "glorot_uniform"), ("weight_hh", "orthogonal"), ("bias", "zeros")
    ours, default = drawn("gru", *asked, units=7), drawn("gru", units=7)
    for stem, w in default.items():
        np.testing.assert_array_equal(ours[stem], w)


@pytest.mark.parametrize(
    "cell, initializer, text",
    [
        (
            "gru",
            ("weight_ih", "identity"),
            r"`input_initializer` of a cell must not be 'identity'.*_ih_l0' has shape \(400, 100\)",
        ),
        ("gru", ("weight_ih", "glorot"), "must be one of .*'glorot_uniform'.*, got 'glorot'"),
        ("gru", ("bias", "he_normal"), "must be one of .*'chrono'.*, got 'he_normal'"),
        (
            "indrnn",
            ("weight_hh", "orthogonal"),
            "`recurrent_initializer` of a .*needs a matrix",
        ),
        ("elman", ("bias", "chrono"), "needs a cell with a gate .*'lstm'.*, got 'elman'"),
    ],
)
def test_initializers_that_do_not_fit_are_named(cell, initializer, text):
    with pytest.raises(ValueError, match=text):
        drawn(cell, initializer, n_steps=9)


# ---- biases for long memory ---------------------------------------------------------------------

REMEMBERING = [cell for cell, info in _core.CELLS.items() if any(info.memory)]


def gates_of(cell, **options):
    """Return the initial biases of a cell with "chrono", by gate: the sum that the cell sees."""
    asked = ("bias", "chrono"), ("weight_hh", "zeros")
    arrays = drawn(cell, *asked, units=5000, n_features=1, **options)
    names = _core.CELLS[cell].gates
    total = arrays["bias_ih"] + arrays.get("bias_hh", 0.0)
    return dict(zip(names, np.split(total, len(names)), strict=True))


@pytest.mark.parametrize("cell", REMEMBERING)
def test_chrono_biases_are_logarithms_of_uniform_times(cell):
    gates, signs = gates_of(cell, n_steps=101), _core.CELLS[cell].memory
    for sign, bias in zip(signs, gates.values(), strict=True):
        if sign == 0:
            assert not np.any(bias)
            continue
        times = np.exp(sign * bias)
        assert 1 <= times.min() < 1.1 and 99.9 < times.max() <= 100
        assert times.mean() == pytest.approx(50.5, abs=5 * 99 / np.sqrt(12 * 5000))
    if cell == "lstm":
        np.testing.assert_array_equal(gates["i"], -gates["f"])


@pytest.mark.parametrize("cell", REMEMBERING)
def test_a_unit_with_chrono_biases_keeps_all_but_a_share_of_its_state(cell):
    layer = Node("recurrent", "l0", (Source(DATA),), 50, cell, initializers=(("bias", "chrono"),))
    head = Node("head", "head", (Source(0),), 1)
    network = Network(1, (layer, head), "squared_error", 1.0, True, "float64")
    params = _network.initialize(network, np.random.RandomState(0), 100)
    for name, w in network.views(params).items():
        w[...] = w if name.startswith("bias") else 0.0
    session = network.session(1)
    session.load(params)
    session.set_state_rows(np.ones((1, session.state_rows().size)))
    session.step(np.zeros((1, 1)))
    kept = session.state_rows()[0, -50:]  # of "lstm" c
    # u / (1 + u) for u from 1 to 99; what is not kept is replaced by 0
    assert 0.5 <= kept.min() < 0.9 and 0.985 < kept.max() <= 0.99


def test_sequences_of_two_steps_leave_chrono_biases_at_zero():
    assert not any(np.any(bias) for bias in gates_of("lstm", n_steps=2).values())


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_chrono_reads_the_steps_of_the_longest_training_sequence(ragged, stride):
    X, labels, _ = ragged
    longest = math.ceil(max(map(len, X)) / stride)
    still = {"learning_rate_init": 1e-300, "max_iter": 1, "random_state": 3, "alpha": 0.0}
    convolution = Conv1D(3, 3, stride=stride)
    rnn = RNNClassifier(4, cell="gru", input_layers=[convolution], **still)
    seen = []

    def initialize(network, rng, n_steps=None, *others):
        seen.append(n_steps)
        return _network.initialize(network, rng, n_steps, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_rnn._estimators.base.initialize", initialize)
        rnn.fit(X, labels)
    assert seen == [longest]
