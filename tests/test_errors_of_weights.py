"""Bad sample weights are named, before anything is changed."""

import numpy as np
import pytest
from bad_input import LABELS, NUMBERS, ONES, RAGGED, STEPS, changed

from sklearn_rnn import RNNClassifier, RNNRegressor


@pytest.mark.parametrize(
    "weights, message",
    [
        (np.zeros(6), "`sample_weight`.*zero"),
        (changed(np.ones(6), 4, -1.0), "`sample_weight\\[4\\]` is -1"),
        (np.ones(5), "`sample_weight`.*\\(6,\\).*\\(5,\\)"),
        (np.ones((6, 2)), "`sample_weight`.*\\(6,\\)"),
        (changed(np.ones(6), 1, np.nan), "`sample_weight\\[1\\]` is NaN"),
        (0.0, "`sample_weight`.*zero"),
    ],
)
def test_bad_weights_are_named(refuses, weights, message):
    refuses(RNNRegressor(2, max_iter=1), message, RAGGED, NUMBERS, sample_weight=weights)
    refuses(RNNClassifier(2, max_iter=1), message, RAGGED, LABELS, sample_weight=weights)


@pytest.mark.parametrize(
    "weights, message",
    [
        ([0 * w for w in ONES], "`sample_weight`.*zero"),
        (changed(ONES, 3, np.array([1.0, -1.0, 1.0])), "`sample_weight`.*-1.0 in sequence 3"),
        (changed(ONES, 1, np.ones(3)), "sequence 1 has 4 steps, but `sample_weight\\[1\\]` has 3"),
        (np.ones(5), "`sample_weight`.*6.*5"),
    ],
)
def test_bad_weights_per_step_are_named(refuses, weights, message):
    rnn = RNNRegressor(2, mode="many_to_many", max_iter=1)
    refuses(rnn, message, RAGGED, STEPS, sample_weight=weights)


def test_weights_that_are_no_numbers_are_named(refuses):
    strings = list("abcdef")
    refuses(RNNRegressor(2), "`sample_weight`.*strings", RAGGED, NUMBERS, sample_weight=strings)
    for weight in ("x", None, 1j, 10**400):
        rnn = RNNClassifier(2, class_weight={"a": weight})
        refuses(rnn, "`class_weight` must have finite weights", RAGGED, LABELS)


def test_weights_per_step_need_targets_per_step():
    weights = [np.ones(len(x)) for x in RAGGED]
    with pytest.raises(ValueError, match=r"`sample_weight` must have one weight per sequence with"):
        RNNRegressor(2).fit(RAGGED, NUMBERS, weights)
