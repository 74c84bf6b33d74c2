"""Converters and splitters refuse what they would misread."""

import numpy as np
import pandas as pd
import pytest

from sklearn_rnn.model_selection import RollingOrigin, SequenceKFold
from sklearn_rnn.preprocessing import (
    from_aeon,
    from_awkward,
    from_lengths,
    from_padded,
    to_awkward,
    to_datasets,
    to_frame,
)

MASKED = np.ma.masked_array(np.zeros((2, 1, 3)), np.eye(2, 3)[:, np.newaxis])
TWICE = [pd.DataFrame(np.zeros((2, 2)), columns=["a", "a"])]


@pytest.mark.parametrize("X", [MASKED, list(MASKED)], ids=["array", "list"])
def test_from_aeon_keeps_no_masked_entry(X):
    with pytest.raises(ValueError, match="must not have masked entries"):
        from_aeon(X)


def test_columns_of_one_name_are_not_merged():
    for convert in (to_awkward, to_datasets, to_frame):
        with pytest.raises(ValueError, match="`(X|columns)` must have .*distinct"):
            convert(TWICE)


def test_names_that_are_numbers_become_strings():
    table = pd.DataFrame({0: [[1.0, 2.0]], "b": [[3.0, 4.0]]})
    assert to_awkward(table).fields == ["0", "b"]
    np.testing.assert_array_equal(from_awkward(to_awkward(table))[0], [[1, 3], [2, 4]])
    assert to_datasets(table).column_names == ["0", "b"]


def test_from_padded_refuses_cells_of_sequences():
    with pytest.raises(ValueError, match="use `from_nested`"):
        from_padded(pd.DataFrame({"a": [[1.0, 2.0]], "b": [[3.0, 4.0]]}))


def test_lengths_do_not_overflow():
    with pytest.raises(ValueError, match="they add up to 1844674407370955162"):
        from_lengths(np.zeros((4, 1)), np.array([2**63, 2**63 - 1, 5], dtype=np.uint64))


@pytest.mark.parametrize("splitter", [RollingOrigin(1, n_splits=1), SequenceKFold(2)])
def test_splitters_refuse_what_has_no_length_and_groups_without_order(splitter):
    for X in (None, 3, {"a": 1}):
        with pytest.raises(TypeError, match="`X` must hold sequences"):
            list(splitter.split(X))
    X = np.zeros((4, 3))
    for groups in ([None] * 4, pd.Series([1, "a", 1, "a"], dtype=object), [np.nan, 1, 2, 3]):
        with pytest.raises(ValueError, match="`groups` must"):
            list(splitter.split(X, groups=groups))


def test_folds_need_steps():
    with pytest.raises(ValueError, match="sequence 1 has none"):
        list(SequenceKFold(2).split([[1, 2], [], [3]]))
