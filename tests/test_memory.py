"""What the design promises about memory."""

import re
import tracemalloc

import numpy as np
import pytest
from cases import (
    CELLS,
    RTOL,
    draw_dataset,
    draw_lengths,
    draw_params,
    loss_and_grad,
    make_network,
    predict,
    simd_level,
)

from sklearn_rnn import RNNClassifier, RNNRegressor, _core

# Numbers per step and sequence that a training layer may keep, in units of the padded width.
NUMBERS_KEPT = {"lstm": 7, "gru": 6, "elman": 2}
ROUNDING = 1  # buffers end on whole vectors


def arena_size(n_timesteps, cell, training=True, per_step=True, n_layers=1, **options):
    info = _core.CELLS[cell]
    settings = dict(
        n_features=3,
        cell=cell,
        activation=info.activations[0] if info.activations else None,
        hidden_layer_sizes=(64,) * n_layers,
        bidirectional=False,
        n_outputs=2,
        loss="softmax",
        per_step=per_step,
        dtype="float32",
        n_threads=1,
        training=training,
        lengths=np.full(1, n_timesteps),
        batch_size=1,
    )
    return _core.Engine(**{**settings, **options}).arena_size


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_training_layer_keeps_few_numbers_per_step(cell, per_step):
    one, two = (arena_size(T, cell, per_step=per_step, n_layers=1) for T in (1000, 2000))
    assert (two - one) / 1000 <= NUMBERS_KEPT[cell] * 64 + 3 + ROUNDING


@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_stack_keeps_no_more_per_layer_than_a_layer(cell):
    one, two = (arena_size(T, cell, n_layers=3, bidirectional=True) for T in (1000, 2000))
    assert (two - one) / 1000 <= 3 * 2 * NUMBERS_KEPT[cell] * 64 + 3 + ROUNDING


def test_predicting_one_target_per_sequence_keeps_the_present_step_only():
    assert arena_size(100_000, "lstm", training=False, per_step=False) == arena_size(
        10, "lstm", training=False, per_step=False
    )


def test_prediction_memory_does_not_grow_with_the_number_of_sequences():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 20, 8)).astype(np.float32)
    classifier = RNNClassifier(max_iter=1, n_threads=1, tol=0.0)
    with pytest.warns(UserWarning):
        classifier.fit(X[:50], np.arange(50) % 2)

    def peak(n_samples):
        tracemalloc.start()
        classifier.predict(X[:n_samples])
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    bytes_per_sequence = (peak(4000) - peak(2000)) / 2000
    assert bytes_per_sequence < 200  # the order, probabilities and classes; X alone takes 640


def test_a_workspace_beyond_the_machine_is_refused_with_the_estimate():
    with pytest.raises((MemoryError, ValueError), match="GiB"):
        arena_size(10**11, "lstm")
    with pytest.raises(ValueError, match="overflows"):
        arena_size(2**62, "lstm")


# ---- A budget for the activations ---------------------------------------------------------------


def least_budget(network, params, data, **options):
    """Return the fewest bytes that training accepts, which its refusal of less tells."""
    with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
        loss_and_grad(network, params, data, memory_budget=1, **options)
    return int(re.search(r"at least (\d+)", str(refusal.value))[1])


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
@pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_budget_changes_no_bit(cell, per_step, ragged, dtype, level):
    rng = np.random.default_rng(0)
    network = make_network(cell, (9, 20), dropout=0.4, per_step=per_step, dtype=dtype)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(19, 300, ragged, rng), rng, weighted=True)
    options = dict(dropout=True, update=3, input_gradient=True)
    with simd_level(level):
        free = loss_and_grad(network, params, data, **options)
        least = least_budget(network, params, data)
        for budget in (least, least * 5 // 4):
            bound = loss_and_grad(network, params, data, memory_budget=budget, **options)
            for ours, theirs in zip(bound, free, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_budget_is_kept_however_long_the_sequence(cell, per_step):
    budget = 3 << 20
    for n_timesteps in (10_000, 100_000, 1_000_000):
        size = arena_size(n_timesteps, cell, per_step=per_step, memory_budget=budget)
        assert 4 * size <= budget
    assert 4 * arena_size(100_000, cell, per_step=per_step) > 10 * budget


def test_a_budget_that_is_never_reached_changes_no_workspace():
    assert arena_size(500, "lstm", memory_budget=1 << 30) == arena_size(500, "lstm")


def test_a_network_with_two_directions_keeps_all_steps():
    rng = np.random.default_rng(0)
    network = make_network(CELLS[-1], bidirectional=True)
    params, data = draw_params(network, rng), draw_dataset(network, [5000], rng)
    least = least_budget(network, params, data)
    whole = loss_and_grad(network, params, data)
    for ours, theirs in zip(
        loss_and_grad(network, params, data, memory_budget=least), whole, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_fit_learns_the_same_within_a_budget():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2000, 1))
    y = X[:, :, 0] > 0
    options = dict(mode="many_to_many", max_iter=2, tol=0.0, random_state=0, n_threads=2)
    with pytest.warns(UserWarning, match="max_iter"):
        free = RNNClassifier(16, **options).fit(X, y)
    with pytest.warns(UserWarning, match="max_iter"):
        bound = RNNClassifier(16, memory_budget=1 << 19, **options).fit(X, y)
    np.testing.assert_array_equal(bound.params_, free.params_)


def test_a_budget_too_small_leaves_the_estimator_alone():
    rnn = RNNRegressor(16, memory_budget=1000)
    with pytest.raises(ValueError, match=r"`memory_budget` must be at least \d+ bytes.*got 1000"):
        rnn.fit(np.zeros((3, 500, 1)), np.arange(3.0))
    assert not hasattr(rnn, "params_")


@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("per_step", [False, True])
def test_prediction_memory_does_not_grow_with_the_steps(n_layers, per_step):
    sizes = [
        arena_size(T, "lstm", training=False, per_step=per_step, n_layers=n_layers)
        for T in (10_000, 1_000_000)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("per_step", [False, True])
def test_predictions_in_segments_are_those_of_the_training_pass(per_step):
    rng = np.random.default_rng(0)
    network = make_network(CELLS[-1], (9, 20), per_step=per_step)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(19, 700, True, rng), rng)
    loss, _ = loss_and_grad(network, params, data)
    outputs = predict(network, params, data)
    np.testing.assert_allclose(np.mean((outputs - data.targets) ** 2), loss, rtol=1e-12)
