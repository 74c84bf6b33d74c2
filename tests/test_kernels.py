"""The engine against the NumPy reference, over a design that covers every pair of settings."""

from itertools import combinations

import numpy as np
import pytest
import reference
from cases import (
    CELLS,
    KERNEL_SETTINGS,
    RTOL,
    TASK_SETTINGS,
    Case,
    assert_case_agrees,
    assert_close,
    assert_gradients_close,
    covering_design,
    draw_dataset,
    draw_lengths,
    draw_params,
    loss_and_grad,
    make_engine,
    make_network,
    per_sequence,
    predict,
    run_engine,
    run_reference,
    simd_level,
)

from sklearn_rnn import _core

SETTINGS = KERNEL_SETTINGS | TASK_SETTINGS
# One design for the reference; each of its rows meets each dtype and SIMD level.
DESIGN = [Case(**row) for row in covering_design(SETTINGS, np.random.default_rng(0))]

each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)


@each_level
@each_dtype
@pytest.mark.parametrize("case", DESIGN, ids=str)
def test_engine_agrees_with_the_reference(case, dtype, level):
    assert_case_agrees(case, dtype, level)


def test_every_pair_of_settings_is_in_the_design():
    for a, b in combinations(SETTINGS, 2):
        covered = {(getattr(case, a), getattr(case, b)) for case in DESIGN}
        assert covered == {(x, y) for x in SETTINGS[a] for y in SETTINGS[b]}, (a, b)


@each_level
@each_dtype
@each_cell
@pytest.mark.parametrize("hidden, steps", [(256, 3), (512, 1)])
def test_wide_layers_agree_with_the_reference(cell, hidden, steps, dtype, level):
    # From 256 units slices are wider; rows of 4096 bytes are stored with a gap.
    rng = np.random.default_rng(0)
    network = make_network(cell, (hidden,), n_features=2, dtype=dtype, per_step=True)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(18, steps, True, rng), rng)
    with simd_level(level):
        actual = run_engine(network, params, data)
    expected = run_reference(network, params, data)
    assert_close(actual.predictions, expected.predictions, RTOL[dtype])
    assert_gradients_close(network, actual.d_params, expected.d_params, RTOL[dtype])
    assert_close(actual.d_values, expected.d_values, RTOL[dtype])


@each_level
@each_dtype
@each_cell
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("layer", [0, 2])
def test_states_of_every_layer_are_those_of_the_reference(layer, per_step, cell, dtype, level):
    rng = np.random.default_rng(0)
    sizes = (5, 17, 4)[: layer + 1]
    options = {"bidirectional": True, "per_step": per_step, "dtype": dtype}
    network = make_network(cell, sizes, n_outputs=0, **options)  # the states are the output
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(7, 6, True, rng), rng)
    with simd_level(level):
        actual = predict(network, params, data)
    expected = reference.hidden_states(
        network.views(params.astype(np.float64)),
        per_sequence(data.values.astype(np.float64), data),
        network.nodes,
        per_step=per_step,
    )
    assert_close(actual, np.concatenate([np.atleast_2d(h) for h in expected]), RTOL[dtype])


@each_dtype
@each_cell
def test_values_of_either_type_are_cast_row_by_row(cell, dtype):
    rng = np.random.default_rng(0)
    network = make_network(cell, (9,), dtype=dtype)
    params = draw_params(network, rng)
    data = draw_dataset(network, [4, 6, 1], rng)
    for given in RTOL:
        cast = _core.Dataset(data.values.astype(given), data.offsets, data.targets)
        np.testing.assert_array_equal(
            predict(network, params, cast), predict(network, params, data)
        )
        np.testing.assert_array_equal(
            loss_and_grad(network, params, cast)[1], loss_and_grad(network, params, data)[1]
        )


@pytest.mark.parametrize("hidden", [5, 256])
def test_a_minibatch_of_any_size_fits_the_workspace(hidden):
    # The last minibatch of an epoch is smaller, and is cut into fewer slices.
    rng = np.random.default_rng(0)
    network = make_network(CELLS[0], (hidden,))
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(33, 3), rng)
    training = make_engine(network, params, data, training=True)
    predicting = make_engine(network, params, data, training=False)
    outputs = predicting.predict(data)
    for batch in range(1, 34):
        few = _core.Dataset(
            data.values[: 3 * batch], data.offsets[: batch + 1], data.targets[:batch]
        )
        np.testing.assert_array_equal(predicting.predict(few), outputs[:batch])
        loss, d_params = training.loss_and_grad(data, np.arange(batch))
        alone = loss_and_grad(network, params, few)
        assert loss == alone[0]
        np.testing.assert_array_equal(d_params, alone[1])
