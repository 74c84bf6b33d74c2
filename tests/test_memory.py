"""How much memory an engine asks for, counted beyond 32 bits."""

import re
import tracemalloc

import numpy as np
import pytest
from cases import GRU, draw_dataset, draw_params, loss_and_grad, make_network
from networks import NORMS, has_norms, stack_nodes
from workspaces import least_budget, make_workspace

from sklearn_rnn import RNNClassifier, _core, _memory

# Numbers per step and sequence that a training layer may keep, in units of the padded width: the
# last layer with one target per sequence, which has no gradient of its output, and any other.
NUMBERS_KEPT = {
    "lstm": (6, 7),
    "gru": (5, 6),
    "elman": (2, 2),
    "indrnn": (2, 2),
    "jordan": (2, 2),
    "mgu": (4, 5),
    "mingru": (3, 4),
    "minlstm": (4, 5),
}
# Those that read the output keep logits, outputs and their gradient, which take a vector each.
OUTPUTS_KEPT = 3 * 16
ROUNDING = 1  # buffers end on whole vectors


def arena_size(*args, **options):
    return make_workspace(*args, **options).arena_size


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_training_layer_keeps_few_numbers_per_step(cell, per_step):
    one, two = (arena_size(T, cell, per_step=per_step, n_layers=1) for T in (1000, 2000))
    outputs = OUTPUTS_KEPT * _core.CELLS[cell].reads_output
    assert (two - one) / 1000 <= NUMBERS_KEPT[cell][per_step] * 64 + 3 + outputs + ROUNDING


# The same with norms: products and their scales instead of gates; of a late gate also what its
# weights multiply.
NUMBERS_KEPT_WITH_NORMS = {"lstm": (10, 11), "gru": (7, 8), "elman": (3, 4), "mgu": (6, 7)}
SCALES = {"mgu": 3}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", [c for c in _core.CELLS if has_norms(c)])
def test_a_layer_with_norms_keeps_few_numbers_per_step(cell, per_step, norm):
    options = {"per_step": per_step, "cell_options": (("normalization", norm),)}
    one, two = (arena_size(T, cell, **options) for T in (1000, 2000))
    kept = NUMBERS_KEPT_WITH_NORMS[cell][per_step] * 64 + SCALES.get(cell, 2)
    assert kept <= (two - one) / 1000 <= kept + 3 + ROUNDING


@pytest.mark.parametrize("cell", [c for c, info in _core.CELLS.items() if not info.reads_output])
def test_a_stack_keeps_no_more_per_layer_than_a_layer(cell):
    one, two = (arena_size(T, cell, n_layers=3, bidirectional=True) for T in (1000, 2000))
    assert (two - one) / 1000 <= 3 * 2 * NUMBERS_KEPT[cell][True] * 64 + 3 + ROUNDING


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman"])
def test_zoneout_keeps_new_states_and_recurrent_dropout_nothing_per_step(cell):
    def per_step(*options):
        one, two = (arena_size(T, cell, cell_options=options) for T in (1000, 2000))
        return round((two - one) / 1000)

    n_states = len(_core.CELLS[cell].states)
    assert per_step(("zoneout", 0.1)) == per_step() + 64 * n_states
    assert per_step(("recurrent_dropout", 0.1)) == per_step()


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


BORDERS = (2**31 - 1, 2**31, 2**32 + 1, 2**62, 2**63 - 1, 2**63)


@pytest.mark.parametrize("size", [46341, 2**16 + 1, 2**28])
@pytest.mark.parametrize("name", ["n_features", "n_outputs", "hidden_layer_sizes"])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_parameters_are_counted_beyond_32_bits(cell, name, size):
    sizes = {"n_features": 2**13, "n_outputs": 2**13, "hidden_layer_sizes": 2**13} | {name: size}
    n_features, n_outputs, hidden = sizes.values()
    G = len(_core.CELLS[cell].gates)
    # columns, with biases
    recurrent = {"indrnn": 1, "jordan": n_outputs, "mingru": 0, "minlstm": 0}.get(cell, hidden + 1)
    last = _core.tensors(n_features, stack_nodes(cell, (hidden,), n_outputs=n_outputs))[-1]
    assert (last.name, last.shape) == ("head.bias", (n_outputs,))
    assert last.offset == G * hidden * (n_features + 1 + recurrent) + n_outputs * hidden


@pytest.mark.parametrize("training", [False, True], ids=["predicting", "training"])
@pytest.mark.parametrize("size", BORDERS)
@pytest.mark.parametrize("name", ["n_features", "n_outputs", "hidden_layer_sizes", "lengths"])
def test_no_size_wraps_around(monkeypatch, name, size, training):
    # Refused by what they count, so that nothing is taken even on a machine that has as much.
    monkeypatch.setattr(_memory, "memory_limit", lambda: 2**28)
    value = (size,) if name in ("hidden_layer_sizes", "lengths") else size
    with pytest.raises((MemoryError, ValueError, OverflowError)) as refusal:
        make_workspace(10, "lstm", training, **{name: value})
    if refusal.type is MemoryError:
        told = float(re.search(r"would take (\S+) GiB", str(refusal.value))[1]) * 2**30
        # A step of one sequence takes at least its offset, any other size a row of weights.
        numbers = 8 if name == "lengths" else 64 * 4 if name == "n_features" else 4
        assert told >= 0.99 * size * numbers


def test_a_minibatch_is_no_larger_than_the_data():
    assert arena_size(10, "lstm", batch_size=2**63) == arena_size(10, "lstm", batch_size=1)


@pytest.mark.parametrize(
    "options, advice",
    [
        (dict(hidden_layer_sizes=(10**5,)), "smaller `hidden_layer_sizes`"),
        (dict(n_timesteps=10**7), "`memory_budget`.*`batch_size`.*`n_threads`"),
        (dict(n_timesteps=10**7, bidirectional=True), "lower `batch_size` or `n_threads`"),
        (dict(n_timesteps=10**7, bidirectional=True, training=False), "lower `n_threads`"),
    ],
)
def test_a_workspace_beyond_the_memory_is_refused_with_what_to_lower(monkeypatch, options, advice):
    monkeypatch.setattr(_memory, "memory_limit", lambda: 2**28)
    with pytest.raises(MemoryError, match=rf"would take [\d.e+]+ GiB: .*{advice}"):
        make_workspace(**{"n_timesteps": 10, "cell": "lstm", **options})


def test_a_budget_that_is_never_reached_changes_no_workspace():
    assert arena_size(500, "lstm", memory_budget=1 << 30) == arena_size(500, "lstm")


def test_a_network_with_two_directions_keeps_all_steps():
    rng = np.random.default_rng(0)
    network = make_network(GRU, bidirectional=True)
    params, data = draw_params(network, rng), draw_dataset(network, [5000], rng)
    least = least_budget(network, params, data)
    whole = loss_and_grad(network, params, data)
    for ours, theirs in zip(
        loss_and_grad(network, params, data, memory_budget=least), whole, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("per_step", [False, True])
def test_prediction_memory_does_not_grow_with_the_steps(n_layers, per_step):
    sizes = [
        arena_size(T, "lstm", training=False, per_step=per_step, n_layers=n_layers)
        for T in (10_000, 1_000_000)
    ]
    assert sizes[0] == sizes[1]
