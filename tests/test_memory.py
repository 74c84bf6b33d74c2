"""What the design promises about memory."""
import tracemalloc

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, _core

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
