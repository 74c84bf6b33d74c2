"""Targets that are sequences of labels: how they are read, encoded and given back."""

import re

import numpy as np
import pandas as pd
import pytest

from sklearn_rnn._data.tokens import Tokens, exact_match, read_tokens

WORDS = ["ab", "", "cab"]
LETTERS = [["a", "b"], [], ["c", "a", "b"]]
NUMBERS = [[10, 20], [], [30, 10, 20]]


@pytest.mark.parametrize(
    "y",
    [
        WORDS,
        tuple(WORDS),
        np.array(WORDS),
        np.array(WORDS, dtype=object),
        pd.Series(WORDS),
        LETTERS,
        tuple(map(tuple, LETTERS)),
        pd.Series(LETTERS),
        [np.array(each, dtype="U1") for each in LETTERS],
        NUMBERS,
        [np.array(each, dtype=int) for each in NUMBERS],
    ],
    ids=str,
)
def test_every_carrier_gives_the_same_codes(y):
    written = read_tokens(y, 3)
    target = Tokens.learn(written)
    codes = target.encode_taught(written)
    assert len(target.classes) == 3 and target.longest == 3
    np.testing.assert_array_equal(codes.offsets, [0, 2, 2, 5])
    np.testing.assert_array_equal(codes.values, [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(target.with_stops(codes).values, [0, 1, 3, 3, 2, 0, 1, 3])
    np.testing.assert_array_equal(target.fed(codes).values[:, 0], [3, 0, 1, 3, 3, 2, 0, 1])
    wanted = target.with_stops(codes)
    again = target.without_stops(wanted.values, wanted.offsets)
    np.testing.assert_array_equal(again.values, codes.values)
    np.testing.assert_array_equal(again.offsets, codes.offsets)
    for given, got in zip(y, target.decode(codes.cut()), strict=True):
        assert type(got) is str if isinstance(given, str) else isinstance(got, np.ndarray)
        assert list(got) == list(given)


def test_a_matrix_is_one_sequence_per_row():
    written = read_tokens(np.array([[1, 2], [3, 4]]), 2)
    np.testing.assert_array_equal(written.offsets, [0, 2, 4])


def test_letters_may_be_any_but_nul():
    words = ["\U0001f600a", "שלום", "e\u0301"]  # beyond 16 bits, right to left, combining
    target = Tokens.learn(written := read_tokens(words, 3))
    assert target.decode(target.codes(written).cut()).tolist() == words
    with pytest.raises(ValueError, match=r"without NUL.*`y\[1\]`"):
        read_tokens(["a", "b\0"], 2)


def test_targets_of_no_weight_may_be_anything():
    taught = np.array([False, True])
    for nothing in (None, 3, [np.nan], "x"):
        for word in ("ab", ["a", "b"]):
            target = Tokens.learn(read_tokens([nothing, word], 2, taught=taught))
            assert target.classes.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("y", "text"),
    [
        ("ab", "must be a list or array with one sequence of labels for each"),
        (b"ab", "got a bytes"),
        ({"a": 1}, "got a dict"),
        (["ab"], "for each of the 2 sequences of X, got 1"),
        ([], "got 0"),
        ([b"ab", "c"], r"`y[0]` is b'ab'. Decode bytes first"),
        ([None, "c"], "`y[0]` is None"),
        ([["a"], None], "`y[1]` is None"),
        ([1, 2], "a str, list or array, but `y[0]` is 1"),
        (["ab", ["c"]], "got both: `y[1]` is ['c']"),
        ([["a", None], ["b"]], "sequence 0 has None at step 1"),
        ([["a", 1], ["b"]], "labels of one type"),
        ([[[1], [2]], [[3]]], "one label per step, but `y[0]` has 1 columns"),
        (np.zeros((2, 3, 1)), "got shape (2, 3, 1)"),
        ([[1.5], [2.0]], "continuous"),
        ([[], []], "a label in at least one sequence, but all are empty"),
        (["", ""], "a label in at least one sequence, but all are empty"),
    ],
    ids=str,
)
def test_bad_targets_are_refused_by_name(y, text):
    with pytest.raises(ValueError, match=re.escape(text)) as error:
        Tokens.learn(read_tokens(y, 2))
    assert "`y" in str(error.value)


def test_labels_without_a_class_have_the_code_minus_one():
    target = Tokens.learn(read_tokens(["ab", "c"], 2))
    codes = target.codes(read_tokens(["ax", ""], 2))
    np.testing.assert_array_equal(codes.values, [0, -1])
    np.testing.assert_array_equal(target.fed(codes).values[:, 0], [3, 0, 3, 3])
    with pytest.raises(ValueError, match=r"not in `self\.classes_`"):
        target.encode_taught(read_tokens(["ax", ""], 2))
    with pytest.raises(ValueError, match="must hold str, whose letters are the labels, as in fit"):
        target.codes(read_tokens([["a"], ["b"]], 2))


def test_exact_match_counts_whole_answers():
    target = Tokens.learn(read_tokens(["ab", "c", ""], 3))
    codes = target.codes(read_tokens(["ab", "ab", ""], 3))
    answers = [np.array([0, 1]), np.array([0]), np.array([], dtype=int)]
    assert exact_match(answers, codes) == pytest.approx(2 / 3)
    assert exact_match(answers, codes, np.array([1, 2, 1])) == 0.5
