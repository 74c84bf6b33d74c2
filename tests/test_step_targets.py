"""Targets and weights per step are laid beside the steps."""

import numpy as np
import pandas as pd
import pytest
from ragged_data import RAGGED, objects, ragged

from sklearn_rnn._data.sequences import from_dense, pack
from sklearn_rnn._data.steps import pack_steps
from sklearn_rnn._data.unpacking import as_carried
from sklearn_rnn._data.weights import step_weights


@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize("carrier", [list, tuple, objects, lambda y: [item.tolist() for item in y]])
def test_ragged_targets_are_laid_beside_the_steps_and_come_back(carrier, n_outputs):
    y = ragged(n_features=n_outputs)
    sequences = pack(RAGGED)
    values = pack_steps(carrier(y), sequences)
    np.testing.assert_array_equal(values, np.concatenate(y))
    back = as_carried(values, sequences, per_step=True)
    assert back.shape == (3,)
    assert back.dtype == object
    for item, expected in zip(back, y, strict=True):
        np.testing.assert_array_equal(item, expected)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2)])
@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist, np.asfortranarray])
def test_dense_targets_are_laid_beside_the_steps_and_come_back(shape, convert):
    y = np.random.default_rng(0).normal(size=shape)
    sequences = from_dense(np.ones((4, 3, 5)))
    values = pack_steps(convert(y), sequences)
    np.testing.assert_array_equal(values, y.reshape(12, *shape[2:]))
    np.testing.assert_array_equal(as_carried(values, sequences, per_step=True), y)


def test_ragged_results_of_equal_length_stay_an_object_array():
    back = as_carried(np.arange(6.0), pack([np.ones(3), np.ones(3)]), per_step=True)
    assert back.shape == (2,)
    np.testing.assert_array_equal(back[1], [3, 4, 5])


def test_the_carriers_of_inputs_and_targets_may_differ():
    dense, listed = np.ones((2, 3, 1)), [np.ones((3, 1)), np.ones((3, 1))]
    assert pack_steps(np.ones((2, 3)), pack(listed)).shape == (6,)
    assert pack_steps([np.ones(3), np.ones(3)], from_dense(dense)).shape == (6,)


@pytest.mark.parametrize(
    "y",
    [
        [["a", "bcd", "a"], ["b"]],
        [np.array(["a", "bcd", "a"]), np.array(["b"], dtype=object)],
        [pd.Series(["a", "bcd", "a"]), pd.Series(["b"])],
    ],
)
def test_labels_are_kept_as_they_are(y):
    sequences = pack([np.ones(3), np.ones(1)])
    values = pack_steps(y, sequences, numeric=False)
    assert values.tolist() == ["a", "bcd", "a", "b"]
    integers = pack_steps([[1, 2, 3], [4]], sequences, numeric=False)
    assert integers.dtype.kind == "i"


def test_numeric_targets_become_floats():
    sequences = pack([np.ones(3), np.ones(1)])
    assert pack_steps([[1, 2, 3], [4]], sequences).dtype == np.float64
    assert pack_steps([np.ones(3, "f4"), np.ones(1, "f4")], sequences).dtype == np.float32
    dense = from_dense(np.ones((2, 3)))
    assert pack_steps(np.ones((2, 3), dtype=object), dense).dtype == np.float64


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1, 2, 3], [4, 5]], r"sequence 1 has 1 steps, but `y\[1\]` has 2"),
        (np.ones((2, 3)), r"sequence 1 has 1 steps, but `y\[1\]` has 3"),
        ([[1, 2, 3]], "of 2 sequences, got 1 sequences"),
        (np.ones((3, 3)), "of 2 sequences, got 3 sequences"),
        ([1, 2], r"one target per step.* got shape \(2,\)"),
        (np.ones((2, 0)), r"one target per step.* got shape \(2, 0\)"),
        ([np.ones((3, 2)), np.ones((1, 3))], r"`y\[0\]` has 2, but `y\[1\]` has 3"),
        ([np.ones((3, 2)), np.ones(1)], r"`y\[0\]` is 2-D, but `y\[1\]` is 1-D"),
        ([[1, 2, 3], []], r"`y\[1\]` has none"),
        ([[1, 2, np.nan], [4]], "sequence 0 has NaN at step 2"),
        ([[1, 2, 3], [np.inf]], "sequence 1 has infinity at step 0"),
        ([[1, 2, 3], ["a"]], r"`y\[1\]` must hold real numbers"),
        (np.full((2, 3), "a"), "`y` must hold real numbers"),
        ([np.ones(3), np.ma.masked_array([1.0], mask=[True])], r"`y\[1\]` must not have masked"),
    ],
)
def test_targets_that_do_not_fit_the_steps_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        pack_steps(y, pack([np.ones(3), np.ones(1)]))


def test_labels_of_two_types_are_refused():
    with pytest.raises(ValueError, match=r"`y\[0\]` holds strings, but `y\[1\]` holds numbers"):
        pack_steps([["a", "b"], [1]], pack([np.ones(2), np.ones(1)]), numeric=False)


def test_weights_per_sequence_are_given_to_each_step():
    weights = step_weights([2, 0, 0.5], pack(RAGGED))
    np.testing.assert_array_equal(weights, [2, 2, 2, 0, 0.5, 0.5, 0.5, 0.5])
    assert weights.dtype == np.float64


def test_weights_per_step_come_in_any_carrier():
    dense = np.arange(6.0).reshape(2, 3)
    sequences = from_dense(np.ones((2, 3, 4)))
    for carrier in (dense, dense.tolist(), list(dense), objects(list(dense))):
        np.testing.assert_array_equal(step_weights(carrier, sequences), np.arange(6))
    assert step_weights(None, sequences) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], "one weight per sequence: there are 3 sequences, but `sample_weight` has 2"),
        ([1, -2, 1], "must not be negative, got -2.0 in sequence 1"),
        ([[1, 1, 1], [1], [1, 1, -0.5, 1]], "must not be negative, got -0.5 in sequence 2"),
        ([1, np.nan, 1], "`sample_weight` must be finite: sequence 1 has NaN"),
        ([[1, 1, 1], [1, 1], [1]], r"sequence 1 has 1 steps, but `sample_weight\[1\]` has 2"),
        ([np.ones((3, 2)), np.ones((1, 2)), np.ones((4, 2))], "one number per step .* got 2"),
        (["a", "b", "c"], "`sample_weight` must hold real numbers"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        step_weights(weights, pack(RAGGED))
