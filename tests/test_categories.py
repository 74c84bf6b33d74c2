"""Columns of codes: which they are, what numbers their values get, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest

from sklearn_rnn._data.categories import Categories, columns_of, dimensions, vectors_of
from sklearn_rnn._data.reader import learn_X, read_X

RAGGED = [
    np.array([[0.5, 7.0, 2.0], [1.5, 3.0, 0.0]]),
    np.array([[-0.5, 7.0, 1.0], [0.0, 9.0, 2.0], [2.0, 3.0, 2.0]]),
]
FRAMES = [pd.DataFrame(x, columns=["a", "b", "c"]) for x in RAGGED]


def learn(X, features):
    return learn_X(X, "RNNRegressor", features)


def read(X, categories):
    return read_X(X, "RNNRegressor", categories=categories)[0]


# ---- which columns ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "features, columns",
    [
        (None, ()),
        ([], ()),
        ("all", (0, 1, 2)),
        ([2, 1, 2], (1, 2)),
        (np.array([1]), (1,)),
        ([False, True, True], (1, 2)),
        (["c", "b"], (1, 2)),
        (np.array(["c"], dtype=object), (2,)),
        ("from_dtype", (2,)),
    ],
)
def test_features_are_meant_as_in_scikit_learn(features, columns):
    assert columns_of(features, 3, ["a", "b", "c"], labelled=(2,)) == columns


@pytest.mark.parametrize(
    "features, message",
    [
        ("a", r'"all", "from_dtype" or an array-like, got .a.: give one name as \[.a.\]'),
        ([True, False], "if it is a mask of bool: X has 3 features, got 2"),
        ([3], "indices from 0 to 2, got 3"),
        ([-1], "indices from 0 to 2, got -1"),
        ([0.5], "1-D array-like of bool, int or str, got float64"),
        ([[0]], r"1-D array-like of bool, int or str, got int64 of shape \(1, 1\)"),
        (["d"], r"names of columns of X, \['a', 'b', 'c'\]; got 'd'"),
        ([None, "a"], "all of one type"),
    ],
)
def test_wrong_features_are_refused(features, message):
    with pytest.raises(ValueError, match=f"`categorical_features` must .*{message}"):
        columns_of(features, 3, ["a", "b", "c"])


def test_names_need_frames():
    with pytest.raises(
        ValueError, match="must hold indices or a mask, because X has no names of columns; got"
    ):
        learn(RAGGED, ["b"])


# ---- codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_codes_become_rows_in_their_order(dtype):
    X = [(2 * x).astype(dtype) for x in RAGGED]
    before = [x.copy() for x in X]
    sequences, _, categories = learn(X, [1, 2])
    np.testing.assert_array_equal(sequences.values[:, 0], np.concatenate(X)[:, 0])
    np.testing.assert_array_equal(sequences.values[:, 1], [1, 0, 1, 2, 0])
    np.testing.assert_array_equal(sequences.values[:, 2], [2, 0, 1, 2, 2])
    assert [known.tolist() for known in categories.known] == [[6, 14, 18], [0, 2, 4]]
    assert categories.n_rows == (4, 4)
    for ours, theirs in zip(X, before, strict=True):  # the user's arrays stay as they were
        np.testing.assert_array_equal(ours, theirs)


def test_codes_that_are_rows_already_are_not_copied():
    X = np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    sequences, _, _ = learn(X, "all")
    assert np.shares_memory(sequences.values, X)


def test_unknown_codes_become_the_last_row():
    _, _, categories = learn(RAGGED, [1, 2])
    sequences = read([np.array([[0.5, 8.0, 2.0], [0.5, 0.0, 3.0], [0.5, 1e9, 7.0]])], categories)
    np.testing.assert_array_equal(sequences.values[:, 1:], [[3, 2], [3, 3], [3, 3]])


def test_a_sequence_per_row_has_one_feature():
    X = np.array([[4, 2, 2], [2, 9, 4]])
    sequences, form, categories = learn(X, [0])
    np.testing.assert_array_equal(sequences.values[:, 0], [1, 0, 0, 0, 2, 1])
    assert (form.n_features, categories.columns) == (3, (0,))


@pytest.mark.parametrize("code", [-1, 0.5, np.nan, np.inf, 2**31])
@pytest.mark.parametrize("known", [False, True])
def test_what_is_no_code_is_refused(code, known):
    X = [x.copy() for x in RAGGED]
    _, _, categories = learn(X, [1])
    X[1][2, 1] = code
    message = (
        "`categorical_features` must select columns of integer codes from 0 to below 2**31, but "
        f"column 1 of `X` has {code:.10g} in sequence 1 at step 2"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        read(X, categories) if known else learn(X, [1])


def test_numbers_beside_codes_must_be_finite():
    X = [x.copy() for x in RAGGED]
    X[0][1, 0] = np.nan
    with pytest.raises(ValueError, match="`X` must be finite: sequence 0 has NaN at step 1"):
        learn(X, [1])


def test_tables_are_few():
    with pytest.raises(ValueError, match="at most 64 columns, got 65"):
        learn(np.zeros((2, 3, 65)), "all")


# ---- frames -------------------------------------------------------------------------------------


def test_names_select_columns_of_frames():
    sequences, _, categories = learn(FRAMES, ["b", "c"])
    expected, _, by_index = learn(RAGGED, [1, 2])
    np.testing.assert_array_equal(sequences.values, expected.values)
    assert categories.columns == by_index.columns == (1, 2)


def libraries():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    yield lambda frame: frame
    yield lambda frame: frame.astype({"s": "category"})
    yield lambda frame: frame.astype({"s": "string"})
    yield lambda frame: pl.DataFrame(frame.to_dict("list"))
    yield lambda frame: pl.DataFrame(frame.to_dict("list")).with_columns(
        pl.col("s").cast(pl.Categorical)
    )
    yield lambda frame: pa.table(frame.to_dict("list"))


@pytest.mark.parametrize("features", ["from_dtype", ["s"], [1]])
def test_strings_in_frames_become_rows_in_their_order(features):
    strings = [["b", "a"], ["c", "long", "b"]]
    plain = [pd.DataFrame({"a": [0.5] * len(s), "s": s, "n": range(len(s))}) for s in strings]
    for convert in libraries():
        X = [convert(frame) for frame in plain]
        sequences, _, categories = learn(X, features)
        assert [known.tolist() for known in categories.known] == [["a", "b", "c", "long"]]
        np.testing.assert_array_equal(sequences.values[:, 1], [1, 0, 2, 3, 1])
        np.testing.assert_array_equal(sequences.values[:, 2], [0, 1, 0, 1, 2])
        new = pd.DataFrame({"a": [0.5, 0.5], "s": ["longer", "c"], "n": [3, 4]})
        np.testing.assert_array_equal(read([convert(new)], categories).values[:, 1], [4, 2])


def test_categories_of_integers_are_codes():
    X = [pd.DataFrame({"a": [1.0, 2.0], "s": pd.Categorical([30, 10])})] * 2
    sequences, _, categories = learn(X, "from_dtype")
    assert categories.known[0].tolist() == [10, 30]
    np.testing.assert_array_equal(sequences.values[:, 1], [1, 0, 1, 0])
    np.testing.assert_array_equal(
        read([np.array([[1.0, 10.0], [1.0, 11.0]])], categories).values[:, 1], [0, 2]
    )


def test_missing_labels_are_refused():
    X = [pd.DataFrame({"a": [1.0, 2.0], "s": ["x", None]})] * 2
    with pytest.raises(
        ValueError,
        match=r"`categorical_features` must select columns without missing values, but column 's' "
        r"of `X\[0\]` has one in row 1",
    ):
        learn(X, ["s"])


def test_strings_need_frames_later_too():
    X = [pd.DataFrame({"a": [1.0, 2.0], "s": ["x", "y"]})] * 2
    _, _, categories = learn(X, ["s"])
    with pytest.raises(ValueError, match="`X` must be a list of frames with strings in column 1"):
        read([np.zeros((2, 2))], categories)
    with pytest.raises(ValueError, match=r"a list of frames only.* `X\[1\]` is of type ndarray"):
        read([X[0], np.zeros((2, 2))], categories)


def test_strings_that_are_not_named_are_refused_with_advice():
    X = [pd.DataFrame({"a": [1.0, 2.0], "s": ["x", "y"]})] * 2
    with pytest.raises(ValueError, match=r"its column 's' holds strings .*`categorical_features`"):
        learn(X, None)


# ---- tables -------------------------------------------------------------------------------------

KNOWN = Categories((0, 2), (np.arange(7), np.array(["a", "b"])))


@pytest.mark.parametrize(
    "given, expected", [("auto", (4, 1)), (8, (8, 8)), ([3, 2], (3, 2)), ((3, 2), (3, 2))]
)
def test_dimensions_of_tables(given, expected):
    assert dimensions(given, KNOWN) == expected


def test_large_tables_have_fifty_columns():
    assert dimensions("auto", Categories((0,), (np.arange(1000),))) == (50,)


def test_dimensions_must_be_as_many_as_features():
    with pytest.raises(ValueError, match=r"`embedding_dim` must have one entry for .*2 .*, got 1"):
        dimensions([3], KNOWN)


def test_vectors_are_given_by_code():
    rows = np.arange(21.0).reshape(7, 3)
    given = vectors_of([rows.tolist(), {"b": [1.0, 2.0], "z": [0.0, 0.0]}], KNOWN)
    np.testing.assert_array_equal(given[0], rows)
    np.testing.assert_array_equal(given[1], [[np.nan, np.nan], [1.0, 2.0]])
    assert dimensions("auto", KNOWN, given) == (3, 2)
    one = Categories((1,), (np.arange(7),))
    for form in (rows, rows.tolist(), [rows], dict(enumerate(rows))):
        np.testing.assert_array_equal(vectors_of(form, one)[0], rows)
    assert vectors_of([None, {"a": [1.0]}], KNOWN)[0] is None
    assert vectors_of(None, KNOWN) is None


@pytest.mark.parametrize(
    "given, message",
    [
        ([None], "one entry for each of the 2 categorical features, got 1"),
        ([np.zeros((6, 3)), None], r"must have shape \(7, embedding_dim\).*got \(6, 3\)"),
        ([np.full((7, 3), np.nan), None], "must be finite"),
        ([{0: [1.0], 1: [1.0, 2.0]}, None], r"of the same length, got shape \(2,\) for code 1"),
        ([{0: [np.inf]}, None], "must be finite, but the vector of 0 is not"),
        ([{9: [1.0]}, None], "must have a vector for at least one of the codes in X"),
    ],
)
def test_wrong_vectors_are_refused(given, message):
    with pytest.raises(ValueError, match=f"`embedding_init.*{message}"):
        vectors_of(given, KNOWN)
