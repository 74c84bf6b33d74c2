"""Ragged arrays of awkward become sequences and come back."""

import doctest

import awkward as ak
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from sklearn_rnn._converters import awkward as converter
from sklearn_rnn.preprocessing import from_awkward, to_awkward


def assert_same(X, expected):
    assert len(X) == len(expected)
    for x, e in zip(X, expected, strict=True):
        np.testing.assert_array_equal(x, e)
        assert x.shape == e.shape and x.dtype == e.dtype


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    dtype=st.sampled_from((np.float64, np.float32, np.int64, np.bool_)),
    named=st.booleans(),
)
def test_sequences_come_back(seed, lengths, dtype, named):
    rng = np.random.default_rng(seed)
    X = [rng.normal(0, 9, (length, 2)).astype(dtype) for length in lengths]
    if dtype != np.bool_ and dtype != np.int64:
        X[0][0, 0] = np.nan
    array = to_awkward(X, columns=["a", "b"] if named else None)
    assert array.fields == (["a", "b"] if named else [])
    assert_same(from_awkward(array), X)
    if named:
        assert_same(from_awkward(array, columns=["b"]), [x[:, 1:] for x in X])
    one = [x[:, 0] for x in X]
    assert_same(from_awkward(to_awkward(one)), one)


def test_other_types_are_read():
    lists = ak.Array([{"x": [1, 2], "y": [3.5, 4.5]}, {"x": [5], "y": [6.5]}])
    assert_same(from_awkward(lists), [np.array([[1, 3.5], [2, 4.5]]), np.array([[5, 6.5]])])
    assert_same(from_awkward(ak.Array([[1, None], [2]])), [np.array([1, np.nan]), np.array([2.0])])
    nested = ak.Array([[[1, 2], [3, 4]], [[5, 6]]])  # of lists that happen to have one length
    assert_same(from_awkward(nested), [np.array([[1, 2], [3, 4]]), np.array([[5, 6]])])
    assert_same(from_awkward(nested[[1, 0]]), [np.array([[5, 6]]), np.array([[1, 2], [3, 4]])])
    tokens = [["to", "be"], ["or"]]
    assert [x.tolist() for x in from_awkward(to_awkward(tokens))] == tokens


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 2], []], r"`num\(array\)\[1\]` is 0"),
        ([[1], None], "no missing sequences, but entry 1"),
        ([1, 2], "one sequence per entry"),
        ([[[1], [2, 3]]], "same number of features at every step"),
        ([["a", None]], "no missing strings"),
        ([{"x": [1, 2], "y": [3]}], "in sequence 0 'x' has 2, but 'y' has 1"),
        ([{"x": [[1, 2]]}], "one number per step in each field"),
        ([[1j]], "complex"),
    ],
)
def test_what_holds_no_sequences_is_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        from_awkward(ak.Array(rows))
    with pytest.raises(ValueError, match="`columns` must name fields"):
        from_awkward(ak.Array([[1]]), columns=["a"])


def test_the_example_runs():
    result = doctest.testmod(converter)
    assert result.attempted > 0 and result.failed == 0
