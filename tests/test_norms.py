"""Layer and rms norms in cells: what they leave alone, and where their arrays begin."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    assert_close,
    assert_gradients_close,
    draw_dataset,
    draw_lengths,
    draw_params,
    make_network,
    per_sequence,
    predict,
    run_engine,
    run_reference,
    simd_level,
)
from networks import NORMS, Node, has_norms

from sklearn_rnn import _core
from sklearn_rnn._model.network import Source, initialize

CELLS = [("elman", "tanh"), ("lstm", ""), ("lstm", "peepholes"), ("gru", "")]
EPSILON = 1e-5

each_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)
each_norm = pytest.mark.parametrize("norm", NORMS)
each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())


def problem(cell, norm, lengths, hidden=6, **options):
    rng = np.random.default_rng(0)
    network = make_network(cell, (hidden,), normalization=norm, per_step=True, **options)
    return network, draw_params(network, rng), draw_dataset(network, lengths, rng)


def outputs_with(changes, network, params, data):
    """Return the outputs after some arrays are changed: stem -> function of the array."""
    params = params.copy()
    for name, array in network.views(params).items():
        for stem, change in changes.items():
            if name.startswith(stem):
                array[...] = change(array)
    return predict(network, params, data)


# ---- What a norm does ---------------------------------------------------------------------------


@each_norm
@each_cell
@pytest.mark.parametrize("stems", [("weight_ih", "bias_ih"), ("weight_hh",)])
def test_the_scale_of_all_weights_of_a_product_does_not_matter(stems, cell, norm):
    network, params, data = problem(cell, norm, [5, 3])

    def outputs(factor):
        return outputs_with(
            dict.fromkeys(stems, lambda array: factor * array), network, params, data
        )

    # Beside weights as large as these, epsilon is nothing.
    assert_close(outputs(4000), outputs(1000), 1e-6)
    assert not np.allclose(outputs(1000), outputs(-1000))


@each_norm
@pytest.mark.parametrize("cell", [c for c in CELLS if c[0] != "elman"], ids="-".join)
@pytest.mark.parametrize("stem", ["weight_ih", "weight_hh"])
def test_one_norm_goes_over_all_gates(stem, cell, norm):
    network, params, data = problem(cell, norm, [5, 3])
    before = predict(network, params, data)

    def one_gate_larger(array):
        array[:6] *= 10
        return array

    after = outputs_with({stem: one_gate_larger}, network, params, data)
    # The gains of that gate alone make up for it only if each gate has its own norm.
    assert not np.allclose(after, before, rtol=1e-3)


@each_cell
def test_a_layer_norm_takes_a_common_shift_away(cell):
    network, params, data = problem(cell, "layer", [5, 3])
    shifted = outputs_with({"bias_ih": lambda array: array + 3.0}, network, params, data)
    assert_close(shifted, predict(network, params, data), 1e-12)
    network, params, data = problem(cell, "rms", [5, 3])
    shifted = outputs_with({"bias_ih": lambda array: array + 3.0}, network, params, data)
    assert not np.allclose(shifted, predict(network, params, data))


@each_norm
@each_cell
def test_the_first_step_sees_nothing_of_the_state_but_the_bias(cell, norm):
    network, params, data = problem(cell, norm, [1, 1])
    before = predict(network, params, data)
    changes = {"weight_hh": np.negative, "norm_weight_hh": lambda array: 3 * array}
    np.testing.assert_array_equal(outputs_with(changes, network, params, data), before)
    other = outputs_with({"bias_hh": lambda array: array + 0.5}, network, params, data)
    assert not np.allclose(other, before)


@each_norm
def test_only_h_sees_the_norm_of_the_cell_state(norm):
    # With one step c does not depend on its norm, whose gain and bias make h.
    network, params, data = problem(("lstm", ""), norm, [1], n_outputs=0)
    views = network.views(params)
    x = data.values[0]
    a = views["weight_ih_l0"] @ x + views["bias_ih_l0"]
    centred = a - a.mean() if norm == "layer" else a
    a = views["norm_weight_ih_l0"] * centred / np.sqrt(np.mean(centred**2) + EPSILON)
    a += views.get("norm_bias_ih_l0", 0.0) + views["bias_hh_l0"]
    i, _, g, o = np.split(a, 4)
    c = reference.sigmoid(i) * np.tanh(g)
    centred = c - c.mean() if norm == "layer" else c
    seen = views["norm_weight_c_l0"] * centred / np.sqrt(np.mean(centred**2) + EPSILON)
    seen += views.get("norm_bias_c_l0", 0.0)
    assert_close(predict(network, params, data)[0], reference.sigmoid(o) * np.tanh(seen), 1e-12)


# ---- Arrays -------------------------------------------------------------------------------------


@each_norm
@each_cell
def test_gains_begin_with_1_and_biases_with_0(cell, norm):
    network, _, _ = problem(cell, norm, [1])
    views = network.views(initialize(network, np.random.default_rng(0)))
    for name, array in views.items():
        if name.startswith("norm_weight"):
            assert np.all(array == 1), name
        elif "bias" in name and name != "bias_hh_l0":
            assert np.all(array == 0), name
    # The forget gate begins open: behind the norm, which would take the bias away.
    forget = np.repeat([0.0, 1.0, 0.0, 0.0], 6) if cell[0] == "lstm" else 0.0
    np.testing.assert_array_equal(views["bias_hh_l0"], np.zeros_like(views["bias_hh_l0"]) + forget)


@each_norm
def test_biases_for_long_memory_stand_behind_the_norm(norm):
    network, _, _ = problem(("lstm", ""), norm, [1])
    node = replace(network.nodes[0], initializers=(("bias", "chrono"),))
    network = replace(network, nodes=(node, *network.nodes[1:]))
    views = network.views(initialize(network, np.random.default_rng(0), 100))
    i, f, g, o = np.split(views["bias_hh_l0"], 4)
    np.testing.assert_array_equal(i, -f)
    assert np.all(f > 0) and np.ptp(f) > 1
    assert not np.any([g, o]) and not np.any(views["bias_ih_l0"])


@each_norm
@each_cell
def test_gains_and_biases_are_not_penalised(cell, norm):
    network, _, _ = problem(cell, norm, [1])
    for tensor in network.tensors:
        assert tensor.decays == (tensor.name.startswith("weight") or tensor.name == "head.weight")


@pytest.mark.parametrize("cell", [name for name in _core.CELLS if not has_norms(name)])
def test_a_cell_without_a_product_of_its_state_has_no_norms(cell):
    node = Node("recurrent", "l0", (Source(-1),), 3, cell, (("normalization", "rms"),))
    with pytest.raises(
        ValueError,
        match=rf"`normalization` of node 'l0' must be 'none', got 'rms': the cell '{cell}'.*'lstm'",
    ):
        _core.tensors(2, [node])


def test_other_norms_are_refused():
    node = Node("recurrent", "l0", (Source(-1),), 3, "gru", (("normalization", "batch"),))
    with pytest.raises(ValueError, match=r"`gru\.normalization` must be .*'none', 'layer', 'rms'"):
        _core.tensors(2, [node])


# ---- Kernels ------------------------------------------------------------------------------------


@each_level
@each_dtype
@each_norm
@each_cell
@pytest.mark.parametrize("hidden", [3, 15, 33, 64, 100, 256])
def test_norms_of_any_width_agree_with_the_reference(hidden, cell, norm, dtype, level):
    network, params, data = problem(
        cell, norm, draw_lengths(7, 4, True, np.random.default_rng(0)), hidden, dtype=dtype
    )
    with simd_level(level):
        actual = run_engine(network, params, data)
    expected = run_reference(network, params, data)
    assert_close(actual.predictions, expected.predictions, RTOL[dtype])
    assert_gradients_close(network, actual.d_params, expected.d_params, RTOL[dtype])
    assert_close(actual.d_values, expected.d_values, RTOL[dtype])


@each_level
@each_dtype
@each_norm
@each_cell
@pytest.mark.parametrize("hidden", [1, 2])
def test_norms_of_one_or_two_numbers_are_finite(hidden, cell, norm, dtype, level):
    # Their gradients are what is left of equal numbers.
    network, params, data = problem(cell, norm, [3, 1], hidden, dtype=dtype)
    with simd_level(level):
        actual = run_engine(network, params, data)
    assert_close(actual.predictions, run_reference(network, params, data).predictions, RTOL[dtype])
    assert np.all(np.isfinite(actual.d_params))


@each_level
@each_norm
@each_cell
def test_a_mean_far_from_zero_costs_few_digits(cell, norm, level):
    network, params, data = problem(cell, norm, [4, 3], 33, dtype="float32")
    network.views(params)["bias_ih_l0"][...] += 100.0
    with simd_level(level):
        actual = run_engine(network, params, data)
    assert_close(actual.predictions, run_reference(network, params, data).predictions, 1e-3)


@each_norm
@each_dtype
@each_cell
def test_steps_of_a_session_have_the_bits_of_the_whole(cell, dtype, norm):
    network, params, data = problem(cell, norm, [7, 7, 7], dtype=dtype)
    whole = np.stack(per_sequence(predict(network, params, data), data), axis=1)
    session = network.session(3)
    session.load(params)
    X = np.stack(per_sequence(data.values, data), axis=1)
    for x, expected in zip(X, whole, strict=True):
        np.testing.assert_array_equal(session.step(np.ascontiguousarray(x)), expected)
