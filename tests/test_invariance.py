"""What must not matter: order, company, padding, carrier, and how a weight is said."""

from dataclasses import replace

import numpy as np
import pytest
from cases import (
    CELLS,
    GRU,
    RTOL,
    RTOL_REORDERED,
    assert_close,
    draw_dataset,
    draw_lengths,
    draw_params,
    loss_and_grad,
    loss_and_grad_of,
    make_network,
    per_sequence,
    predict,
    simd_level,
)

from sklearn_rnn import _core, unpad
from sklearn_rnn._data import sequences as _sequences
from sklearn_rnn._model import network as _network

DROPPING = {"dropout": True, "update": 3}

each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)
each_mode = pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])
each_direction = pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])


def problem(cell, *, batch=23, weighted=True, **changes):
    """Return a dropping network of two layers in float64, its parameters, and ragged data."""
    rng = np.random.default_rng(0)
    network = make_network(cell, (9, 4), **{"dropout": 0.4} | changes)
    params = draw_params(network, rng)
    return network, params, draw_dataset(network, draw_lengths(batch, 7, True, rng), rng, weighted)


def take(data, indices, network):
    """Return the dataset of these sequences, in this order."""

    def chosen(array, per_sequence_rows):
        if array is None:
            return None
        if not per_sequence_rows:
            return array[indices]
        rows = per_sequence(array, data)
        return np.concatenate([rows[i] for i in indices])

    lengths = np.diff(data.offsets)[indices]
    return _core.Dataset(
        chosen(data.values, True),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp),
        chosen(data.targets, network.per_step),
        chosen(data.weights, network.per_step),
    )


# ---- The gradient of a minibatch ----------------------------------------------------------------


@each_mode
@each_direction
@each_cell
def test_order_of_the_sequences_does_not_matter(cell, bidirectional, per_step):
    network, params, data = problem(cell, bidirectional=bidirectional, per_step=per_step)
    order = np.random.default_rng(1).permutation(data.n_samples)
    straight = loss_and_grad(network, params, data, input_gradient=True, **DROPPING)
    shuffled = loss_and_grad(network, params, data, order, input_gradient=True, **DROPPING)
    for ours, theirs in zip(shuffled, straight, strict=True):
        assert_close(ours, theirs, RTOL_REORDERED)


@each_mode
@each_direction
@each_cell
def test_gradient_of_a_union_is_the_weighted_mean_of_its_parts(cell, bidirectional, per_step):
    network, params, data = problem(cell, bidirectional=bidirectional, per_step=per_step)
    parts = np.split(np.random.default_rng(1).permutation(data.n_samples), [1, 9])
    if per_step:
        weights = [w.sum() for w in per_sequence(data.weights, data)]
    else:
        weights = data.weights
    totals = [sum(weights[i] for i in part) for part in parts]
    results = [loss_and_grad(network, params, data, part, **DROPPING) for part in parts]
    loss, d_params = loss_and_grad(network, params, data, **DROPPING)
    for ours, theirs in zip((loss, d_params), zip(*results, strict=True), strict=True):
        mean = sum(t * x for t, x in zip(totals, theirs, strict=True)) / sum(totals)
        assert_close(ours, mean, RTOL_REORDERED)


@each_mode
@each_cell
def test_a_sequence_taken_twice_weighs_twice(cell, per_step):
    network, params, data = problem(cell, per_step=per_step)
    indices, twice = np.arange(data.n_samples), np.array([2, 5, 6])
    factor = np.ones(data.n_samples)
    factor[twice] = 2
    factor = np.repeat(factor, np.diff(data.offsets)) if per_step else factor
    heavy = _core.Dataset(data.values, data.offsets, data.targets, data.weights * factor)
    # Masks are drawn by sequence, so both copies are dropped alike.
    ours = loss_and_grad(network, params, data, np.concatenate([indices, twice]), **DROPPING)
    theirs = loss_and_grad(network, params, heavy, **DROPPING)
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, RTOL_REORDERED)


@each_mode
@each_cell
def test_a_sequence_without_weight_might_as_well_be_away(cell, per_step):
    network, params, data = problem(cell, per_step=per_step)
    away = np.array([0, 2, 11])
    present = np.setdiff1d(np.arange(data.n_samples), away)
    factor = np.isin(np.arange(data.n_samples), present).astype(float)
    factor = np.repeat(factor, np.diff(data.offsets)) if per_step else factor
    light = _core.Dataset(data.values, data.offsets, data.targets, data.weights * factor)
    ours = loss_and_grad(network, params, light, input_gradient=True, **DROPPING)
    theirs = loss_and_grad(network, params, data, present, input_gradient=True, **DROPPING)
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, RTOL_REORDERED)
    assert not np.any(np.concatenate([per_sequence(ours[2], data)[i] for i in away]))


@each_mode
def test_weights_count_by_their_ratios_alone(per_step):
    network, params, data = problem(CELLS[0], per_step=per_step)
    scaled = _core.Dataset(data.values, data.offsets, data.targets, 1e6 * data.weights)
    ours, theirs = (loss_and_grad(network, params, d, **DROPPING) for d in (scaled, data))
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, RTOL_REORDERED)


@each_mode
@pytest.mark.parametrize("loss", _core.LOSSES)
def test_targets_without_weight_are_never_looked_at(loss, per_step):
    network, params, data = problem(CELLS[0], per_step=per_step, loss=loss)
    garbage = data.targets.copy()
    garbage[data.weights == 0] = 10**6 if data.targets.dtype == np.int32 else np.nan
    spoiled = _core.Dataset(data.values, data.offsets, garbage, data.weights)
    ours, theirs = (loss_and_grad(network, params, d, **DROPPING) for d in (spoiled, data))
    assert ours[0] == theirs[0]
    np.testing.assert_array_equal(ours[1], theirs[1])


# ---- Directions ---------------------------------------------------------------------------------


def turned_round(data, network):
    """Return the data with time running backward."""

    def backward(array):
        return np.concatenate([rows[::-1] for rows in per_sequence(array, data)])

    targets, weights = data.targets, data.weights
    if network.per_step:
        targets, weights = backward(targets), backward(weights)
    return _core.Dataset(backward(data.values), data.offsets, targets, weights)


def directions_swapped(network, params):
    """Return the parameters of the same network with its two directions exchanged."""
    swapped = np.empty_like(params)
    old, new = network.views(params), network.views(swapped)
    for name in new:
        forward = name.removesuffix("_reverse")
        source = old[forward if name != forward else name + "_reverse" * ("head" not in name)]
        if name == "head.weight" or (name.startswith("weight_ih") and "_l0" not in name):
            source = np.concatenate(np.split(source, 2, axis=1)[::-1], axis=1)
        new[name][:] = source
    return swapped


@each_level
@each_dtype
@each_mode
@each_cell
def test_the_reverse_direction_is_forward_on_reversed_input(cell, per_step, dtype, level):
    rng = np.random.default_rng(0)
    options = {"per_step": per_step, "dtype": dtype}
    both = headless(make_network(cell, (17,), bidirectional=True, **options))
    single = headless(make_network(cell, (17,), **options))
    params = draw_params(both, rng)
    data = draw_dataset(both, draw_lengths(20, 7, True, rng), rng)
    data = _core.Dataset(data.values, data.offsets)
    views = both.views(params)
    one_way = {
        way: np.concatenate([views[name + way].ravel() for name, *_ in single.tensors])
        for way in ("", "_reverse")
    }
    backward = _core.Dataset(
        np.concatenate([rows[::-1] for rows in per_sequence(data.values, data)]), data.offsets
    )
    with simd_level(level):
        states = predict(both, params, data)
        forward_states = predict(single, one_way[""], data)
        reverse_states = predict(single, one_way["_reverse"], backward)
    if per_step:
        rows = per_sequence(reverse_states, data)
        reverse_states = np.concatenate([row[::-1] for row in rows])
    np.testing.assert_array_equal(states, np.hstack([forward_states, reverse_states]))


def headless(network):
    """Return the network without its head: the last layer's states are its output."""
    return replace(network, nodes=network.nodes[:-1])


@each_mode
@each_cell
def test_time_turned_round_swaps_the_directions_of_the_gradient(cell, per_step):
    network, params, data = problem(cell, bidirectional=True, per_step=per_step, dropout=0.0)
    loss, d_params, d_values = loss_and_grad(network, params, data, input_gradient=True)
    other_loss, other_params, other_values = loss_and_grad(
        network,
        directions_swapped(network, params),
        turned_round(data, network),
        input_gradient=True,
    )
    assert_close(other_loss, loss, RTOL_REORDERED)
    assert_close(directions_swapped(network, other_params), d_params, RTOL_REORDERED)
    rows = [row[::-1] for row in per_sequence(other_values, data)]
    assert_close(np.concatenate(rows), d_values, RTOL_REORDERED)


# ---- Predictions, to the last bit ---------------------------------------------------------------


def prediction_problem(cell, dtype, per_step, bidirectional, batch):
    rng = np.random.default_rng(0)
    network = make_network(
        cell,
        (19, 7),
        dtype=dtype,
        per_step=per_step,
        bidirectional=bidirectional,
        loss="softmax",
        n_outputs=3,
    )
    params = draw_params(network, rng)
    return network, params, draw_dataset(network, draw_lengths(batch, 6, True, rng), rng)


@each_level
@each_dtype
@each_mode
@each_direction
@each_cell
def test_a_sequence_alone_gives_its_row_in_any_batch(cell, bidirectional, per_step, dtype, level):
    network, params, data = prediction_problem(cell, dtype, per_step, bidirectional, 41)
    some = np.array([3, 40, 8, 8, 11, 29, 0])
    with simd_level(level):
        outputs = predict(network, params, data)
        rows = per_sequence(outputs, data) if per_step else list(outputs[:, None])
        for i in range(data.n_samples):
            alone = predict(network, params, take(data, [i], network))
            np.testing.assert_array_equal(alone, rows[i])
        together = predict(network, params, take(data, some, network))
    np.testing.assert_array_equal(together, np.concatenate([rows[i] for i in some]))


@each_mode
def test_a_long_prediction_is_its_parts(per_step):
    # More sequences than one chunk holds, on different numbers of threads.
    network, params, data = prediction_problem(GRU, "float32", per_step, True, 1300)
    outputs = predict(network, params, data, n_threads=1)
    np.testing.assert_array_equal(predict(network, params, data, n_threads=3), outputs)
    rows = per_sequence(outputs, data) if per_step else list(outputs[:, None])
    part = np.arange(500, 900)
    np.testing.assert_array_equal(
        predict(network, params, take(data, part, network)),
        np.concatenate([rows[i] for i in part]),
    )


# ---- Carriers and padding -----------------------------------------------------------------------


def results_of(network, params, sequences, targets):
    """Return predictions, loss and gradient for packed sequences."""
    predictions = _network.predictor(network, sequences, None)(params)
    return predictions, *loss_and_grad_of(network, params, sequences, targets)


@each_cell
@pytest.mark.parametrize("padding", [np.nan, np.inf, 1e30, -7.0])
def test_padding_never_changes_anything(padding, cell):
    network, params, data = problem(cell, batch=11, weighted=False, dropout=0.0)
    lengths = np.diff(data.offsets)
    padded = np.full((len(lengths), lengths.max(), network.n_features), padding)
    for i, rows in enumerate(per_sequence(data.values, data)):
        padded[i, : len(rows)] = rows
    expected = results_of(
        network, params, _sequences.pack(per_sequence(data.values, data)), data.targets
    )
    actual = results_of(network, params, _sequences.pack(unpad(padded, lengths)), data.targets)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@each_cell
def test_a_dense_array_is_the_list_of_its_sequences(cell):
    network, params, _ = problem(cell, dropout=0.0)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((9, 5, network.n_features))
    targets = rng.standard_normal((9, network.n_outputs))
    dense = results_of(network, params, _sequences.from_dense(X), targets)
    listed = results_of(network, params, _sequences.pack(list(X)), targets)
    for ours, theirs in zip(dense, listed, strict=True):
        np.testing.assert_array_equal(ours, theirs)
