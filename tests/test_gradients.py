"""The engine's gradients against central differences of the loss it ships, in float64."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import (
    CELLS,
    RTOL_DIFFERENCES,
    RTOL_REORDERED,
    assert_close,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_engine,
    make_network,
)
from networks import NORMS, has_norms

from sklearn_rnn import _core

LENGTHS = {"dense": (3, 3), "ragged": (2, 4, 1)}
STACKS = {"one layer": (3,), "two layers": (3, 2)}
SHIFT = 1e-5  # of a number, for its central difference

each_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)
each_mode = pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])
each_direction = pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])
each_loss = pytest.mark.parametrize("loss", _core.LOSSES)


def assert_gradients_are_the_slopes(network, lengths, **options):
    """Hold the gradients by every parameter and by the input against differences of the loss."""
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    rectified = any(("activation", "relu") in node.options for node in network.nodes)
    for name, array in network.views(params).items():
        if name.startswith("bias"):
            array[:] = 2 * rectified + np.abs(array)  # so that rectified units are alive
    data = draw_dataset(network, lengths, rng, weighted=True)
    engine = make_engine(network, params, data, training=True)

    def loss(_):
        engine.load(params)
        return engine.loss_and_grad(data, **options)[0]

    _, d_params, d_values = loss_and_grad(network, params, data, input_gradient=True, **options)
    gradients = network.views(d_params) | {"X": d_values}
    for name, array in (network.views(params) | {"X": data.values}).items():
        slopes = reference.numerical_gradient(loss, array, SHIFT)
        assert np.any(slopes), f"nothing to see of {name}"
        assert_close(gradients[name], slopes, RTOL_DIFFERENCES, name)


each_shape = [
    each_mode,
    each_direction,
    pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS),
    pytest.mark.parametrize("sizes", STACKS.values(), ids=STACKS),
]


def of_each_shape(test):
    for mark in each_shape:
        test = mark(test)
    return test


@of_each_shape
@each_cell
def test_gradients_are_the_slopes_with_each_cell(cell, sizes, lengths, bidirectional, per_step):
    options = {"bidirectional": bidirectional, "per_step": per_step}
    assert_gradients_are_the_slopes(make_network(cell, sizes, n_features=2, **options), lengths)


@of_each_shape
@each_loss
def test_gradients_are_the_slopes_of_each_loss(loss, sizes, lengths, bidirectional, per_step):
    options = {"loss": loss, "bidirectional": bidirectional, "per_step": per_step}
    network = make_network(CELLS[0], sizes, n_features=2, **options)
    assert_gradients_are_the_slopes(network, lengths)


@each_mode
@each_direction
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("cell", [c for c in CELLS if has_norms(c[0])], ids="-".join)
def test_norms_are_part_of_the_slopes(cell, norm, bidirectional, per_step):
    options = {"bidirectional": bidirectional, "per_step": per_step, "normalization": norm}
    network = make_network(cell, (6, 5), n_features=2, **options)
    assert_gradients_are_the_slopes(network, (2, 4, 1, 3))


@each_mode
@each_direction
@each_cell
def test_dropout_is_part_of_the_slopes(cell, bidirectional, per_step):
    network = make_network(
        cell, (4, 3), n_features=2, bidirectional=bidirectional, per_step=per_step, dropout=0.3
    )
    assert_gradients_are_the_slopes(network, (2, 4, 1, 3), update=7, dropout=True)


def with_options(network, **options):
    """Return a network whose recurrent nodes have more options."""
    nodes = [
        replace(n, options=(*n.options, *options.items())) if n.kind == "recurrent" else n
        for n in network.nodes
    ]
    return replace(network, nodes=tuple(nodes))


def disturbances(cell):
    """Return the options of a recurrent node that disturb its states in training."""
    drops = {"recurrent_dropout": 0.4} if _core.CELLS[cell[0]].hidden_product else {}
    return drops | {"zoneout": 0.3}


@each_mode
@each_direction
@each_cell
def test_masks_of_states_are_part_of_the_slopes(cell, bidirectional, per_step):
    options = {"bidirectional": bidirectional, "per_step": per_step, "n_features": 2}
    network = with_options(make_network(cell, (4, 3), **options), **disturbances(cell))
    assert_gradients_are_the_slopes(network, (2, 4, 1, 3), update=7, dropout=True)


@each_cell
def test_disturbances_of_rate_0_change_no_bit(cell):
    rng = np.random.default_rng(0)
    plain = make_network(cell, (4, 3), bidirectional=True)
    disturbed = with_options(plain, **dict.fromkeys(disturbances(cell), 0.0))
    params = draw_params(plain, rng)
    data = draw_dataset(plain, (2, 4, 1, 3), rng)
    for ours, theirs in zip(
        loss_and_grad(disturbed, params, data, dropout=True),
        loss_and_grad(plain, params, data, dropout=True),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("cell", _core.CELLS)
def test_only_cells_that_multiply_h_can_drop_it(cell):
    network = with_options(make_network((cell, "")), recurrent_dropout=0.5)
    if _core.CELLS[cell].hidden_product:
        assert network.n_params > 0
    else:
        with pytest.raises(ValueError, match="`recurrent_dropout` of node 'l0' must be 0"):
            _ = network.n_params


def test_a_cell_that_does_not_read_h_has_no_zoneout():
    with pytest.raises(ValueError, match="`zoneout` of node 'l0' must be 0: the cell 'jordan'"):
        _ = with_options(make_network(("jordan", "")), zoneout=0.5).n_params


def kept_units(network, params, data, step, **options):
    """Return which units of each layer (n_layers, H) were kept at one step, the only one taught.

    The states do not depend on the step; the slope of a weight is 0 where its unit was dropped.
    """
    weights = np.zeros(data.n_steps)
    weights[step] = 1.0
    data = _core.Dataset(data.values, data.offsets, data.targets, weights)
    _, d_params = loss_and_grad(network, params, data, dropout=True, **options)
    views = network.views(d_params)
    readers = [name for name in views if name.startswith(("weight_ih", "head.weight"))]
    return np.array([np.any(views[name], axis=0) for name in readers[1:]])


def test_dropout_draws_anew_for_each_layer_sample_step_unit_update_and_seed():
    # Without recurrent weights, only the taught step's own masks are seen.
    network = make_network(("elman", "tanh"), (150, 150), per_step=True, dropout=0.3)
    params = draw_params(network, np.random.default_rng(0))
    for name, array in network.views(params).items():
        if "weight_hh" in name:
            array[:] = 0.0
    data = draw_dataset(network, (3, 3, 2), np.random.default_rng(0))
    drawn = [
        kept_units(network, params, data, step, update=update, seed=seed)
        for step in range(data.n_steps)
        for update in (1, 2)
        for seed in (0, 1, 2**40)
    ]
    masks = np.concatenate(drawn)
    kept = masks.mean()
    assert abs(kept - 0.7) < 4 * np.sqrt(0.7 * 0.3 / masks.size)
    # Independent masks agree in 0.58 of their places; so do the parts of each.
    for rows in (masks, masks.T, masks[:, :64], masks[:, 64:128]):
        alike = (rows[:, None] == rows[None]).mean(axis=2)[np.triu_indices(len(rows), 1)]
        assert abs(alike.mean() - 0.58) < 0.02
        assert alike.max() < 0.95
    again = kept_units(network, params, data, 0, update=1, seed=0)
    np.testing.assert_array_equal(again, drawn[0])


@each_mode
@each_direction
@each_cell
def test_no_dropout_unless_asked_for(cell, bidirectional, per_step):
    rng = np.random.default_rng(0)
    options = {"bidirectional": bidirectional, "per_step": per_step}
    plain = make_network(cell, (4, 3), **options)
    dropping = make_network(cell, (4, 3), dropout=0.3, **options)
    params = draw_params(plain, rng)
    data = draw_dataset(plain, (2, 4, 1, 3), rng)
    expected = loss_and_grad(plain, params, data, input_gradient=True)
    actual = loss_and_grad(dropping, params, data, input_gradient=True)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@each_mode
def test_dropout_keeps_the_mean_of_the_outputs(per_step):
    rng = np.random.default_rng(0)
    network = make_network(CELLS[0], (2,), per_step=per_step, dropout=0.4)
    params = draw_params(network, rng)
    data = draw_dataset(network, (3, 2), rng)
    targets = np.zeros_like(data.targets)
    plain = _core.Dataset(data.values, data.offsets, targets)
    engine = make_engine(network, params, plain, training=True)
    head_bias = network.views(np.arange(network.n_params))["head.bias"]

    def mean_outputs(**options):
        # The slope of mean (z - 0)^2 by the head's bias is mean z, and linear in what is dropped.
        return engine.loss_and_grad(plain, **options)[1][head_bias]

    draws = [mean_outputs(update=update, dropout=True) for update in range(1, 4001)]
    error = np.std(draws, axis=0) / np.sqrt(len(draws))
    np.testing.assert_array_less(
        np.abs(np.mean(draws, axis=0) - mean_outputs()), 4 * error + RTOL_REORDERED
    )
