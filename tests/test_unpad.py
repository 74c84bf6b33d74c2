"""`unpad` gives the real steps of padded arrays."""

import numpy as np
import pytest
from ragged_data import LENGTHS

from sklearn_rnn import unpad


@pytest.mark.parametrize("shape", [(3, 4, 2), (3, 4)])
def test_unpadding_gives_views_of_the_real_steps(shape):
    X = np.random.default_rng(0).normal(size=shape)
    sequences = unpad(X, LENGTHS)
    assert isinstance(sequences, list)
    for i, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(sequences[i], X[i, :length])
        assert np.shares_memory(sequences[i], X)


def test_unpadding_undoes_padding_for_targets_too():
    y = [["a", "b"], ["c"]]
    back = unpad([["a", "b"], ["c", ""]], [2, 1])
    assert [item.tolist() for item in back] == y


@pytest.mark.parametrize(
    ("X", "lengths", "error", "message"),
    [
        (np.ones((2, 3)), [1, 4], ValueError, r"from 1 to the 3 steps .* `lengths\[1\]` is 4"),
        (np.ones((2, 3)), [0, 3], ValueError, r"`lengths\[0\]` is 0"),
        (np.ones((2, 3)), [-1, 3], ValueError, r"`lengths\[0\]` is -1"),
        (np.ones((2, 3)), [1, 2, 3], ValueError, r"must have shape \(2,\).* got shape \(3,\)"),
        (np.ones((2, 3)), [[1, 2]], ValueError, r"got shape \(1, 2\)"),
        (np.ones((2, 3)), [1.0, 2.0], TypeError, "must be integers; got dtype float64"),
        (np.ones((2, 3)), [True, True], TypeError, "must be integers; got dtype bool"),
        (np.ones(3), [1], ValueError, r"`X` must be padded .* got shape \(3,\)"),
        ([[1, 2], [3]], [2, 1], ValueError, "`X` must be rectangular"),
    ],
)
def test_lengths_that_do_not_fit_the_padding_are_refused(X, lengths, error, message):
    with pytest.raises(error, match=message):
        unpad(X, lengths)
