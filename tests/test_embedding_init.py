"""Given vectors for codes: arrays, dicts, those of gensim; for one feature or several; frozen."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.categories import Categories, vectors_of

CODES = Categories((0,), (np.array([1, 2, 5]),))
STRINGS = Categories((1,), (np.array(["a", "b", "c"]),))
BOTH = Categories((0, 1), (CODES.known[0], STRINGS.known[0]))
TABLE = np.arange(14.0).reshape(7, 2)
NAN = [np.nan, np.nan]


def keyed(**vectors):
    """Return what has the attributes of gensim's `KeyedVectors` that are read."""
    index = {key: i for i, key in enumerate(vectors)}
    return SimpleNamespace(key_to_index=index, vectors=np.array(list(vectors.values())))


def assert_given(found, expected):
    np.testing.assert_array_equal(found, expected)


# ---- forms --------------------------------------------------------------------------------------


def test_rows_of_an_array_are_those_of_categories_or_of_codes():
    assert_given(vectors_of(TABLE[:3], CODES)[0], TABLE[:3])
    assert_given(vectors_of(TABLE, CODES)[0], TABLE[[1, 2, 5]])
    assert_given(vectors_of(TABLE[:6].tolist(), CODES)[0], TABLE[[1, 2, 5]])
    rows = TABLE.copy()
    rows[[0, 2]] = np.nan
    assert_given(vectors_of(rows, CODES)[0], [rows[1], NAN, rows[5]])


def test_vectors_of_gensim_are_read_by_key():
    given = keyed(c=[1.0, 2.0], a=[3.0, 4.0], z=[0.0, 0.0])
    assert_given(vectors_of(given, STRINGS)[0], [[3.0, 4.0], NAN, [1.0, 2.0]])


def test_vectors_may_be_those_of_gensim_itself():
    models = pytest.importorskip("gensim.models")
    given = models.KeyedVectors(2)
    given.add_vectors(["c", "a"], np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32))
    assert_given(vectors_of(given, STRINGS)[0], [[3.0, 4.0], NAN, [1.0, 2.0]])
    rnn = make(RNNClassifier, categorical_features=["word"], embedding_init=given)
    table = clone(rnn).fit(FRAMES, Y[RNNClassifier]).weights_["embedding_0.weight"]
    np.testing.assert_allclose(table[[0, 2]], [[3.0, 4.0], [1.0, 2.0]], atol=0.1)


def test_features_are_named_numbered_listed_or_given_the_same():
    vectors = {"a": [1.0, 2.0]}
    of_strings = [[1.0, 2.0], NAN, NAN]
    names = ["code", "word", "x"]
    for given in ({"word": vectors}, {1: vectors}, {"word": vectors, "code": None}):
        first, second = vectors_of(given, BOTH, names=names)
        assert first is None
        assert_given(second, of_strings)
    first, second = vectors_of({"word": keyed(a=[1.0, 2.0]), 0: TABLE}, BOTH, names=names)
    assert_given(first, TABLE[[1, 2, 5]])
    assert_given(second, of_strings)
    first, second = vectors_of({5: [0.0, 1.0], **vectors}, BOTH)
    assert_given(first, [NAN, NAN, [0.0, 1.0]])
    assert_given(second, of_strings)


@pytest.mark.parametrize(
    "given, categories, message",
    [
        (TABLE[:2], CODES, r"shape \(3, embedding_dim\).*or from 0 to at least 5, got \(2, 2\)"),
        (TABLE, STRINGS, r"shape \(3, embedding_dim\), one vector .* `categories_`, got \(7, 2\)"),
        (np.full((3, 2), np.nan), CODES, "at least one code of X must have a vector"),
        ([[0.0, np.nan]] * 3, CODES, "must be finite, except that rows"),
        (keyed(z=[1.0]), STRINGS, r"at least one of the codes in X, such as \['a', 'b', 'c'\]"),
        ({}, CODES, r"at least one of the codes in X, such as \[1, 2, 5\]"),
        ({"tag": TABLE}, BOTH, r"the categorical features as keys .*: \[0, 1\]; got 'tag'"),
        ({0: {1: [np.inf]}}, BOTH, "must be finite, but the vector of 1 is not"),
    ],
)
def test_other_vectors_are_refused(given, categories, message):
    with pytest.raises(ValueError, match=f"`embedding_init.*{message}"):
        vectors_of(given, categories)


# ---- estimators ---------------------------------------------------------------------------------

rng = np.random.default_rng(0)
TOKENS = rng.integers(1, 6, (30, 5, 1))
FRAMES = [
    pd.DataFrame({"word": rng.choice(["a", "b", "c"], 5), "x": rng.standard_normal(5)})
    for _ in range(30)
]
Y = {RNNClassifier: np.arange(30) % 2, RNNRegressor: rng.standard_normal(30)}
EITHER = pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])


def make(estimator, **options):
    given = {"categorical_features": "all", "max_iter": 2, "random_state": 0}
    return estimator(4, **{**given, **options})


@EITHER
def test_frozen_vectors_are_those_that_were_given(estimator):
    vectors = rng.standard_normal((6, 3))
    rnn = make(estimator, embedding_init=vectors, frozen="embedding*")
    table = rnn.fit(TOKENS, Y[estimator]).weights_["embedding_0.weight"]
    expected = vectors[1:].astype(np.float32)
    np.testing.assert_array_equal(table[:-1], expected)
    np.testing.assert_allclose(table[-1], expected.mean(axis=0), rtol=1e-5)
    rnn.set_params(word_dropout=0.5).partial_fit(TOKENS, Y[estimator])
    np.testing.assert_array_equal(rnn.weights_["embedding_0.weight"], table)
    trained = clone(rnn).set_params(frozen=()).fit(TOKENS, Y[estimator])
    assert not np.array_equal(trained.weights_["embedding_0.weight"], table)


@EITHER
def test_vectors_are_given_by_names_of_columns(estimator):
    given = {"word": keyed(b=[1.0, 2.0, 3.0])}
    rnn = make(estimator, embedding_init=given, categorical_features=["word"], frozen="embedding*")
    table = rnn.fit(FRAMES, Y[estimator]).weights_["embedding_0.weight"]
    np.testing.assert_array_equal(table[1], [1.0, 2.0, 3.0])
    other = clone(rnn).set_params(embedding_init=None, embedding_dim=3).fit(FRAMES, Y[estimator])
    np.testing.assert_array_equal(table[[0, 2]], other.weights_["embedding_0.weight"][[0, 2]])


def test_folds_that_lack_codes_read_the_same_array():
    X = TOKENS.copy()
    X[0, 0] = 9  # only one fold has it
    grid = {"embedding_init": [None, rng.standard_normal((10, 3))], "embedding_dim": [3]}
    search = GridSearchCV(make(RNNClassifier), grid, cv=3, error_score="raise")
    search.fit(X, Y[RNNClassifier])


def test_the_dimensions_must_agree():
    rnn = make(RNNClassifier, embedding_init=np.ones((6, 3)), embedding_dim=4)
    with pytest.raises(ValueError, match="`embedding_init` must have vectors of `embedding_dim`=4"):
        rnn.fit(TOKENS, Y[RNNClassifier])
    with pytest.raises(ValueError, match=r"`embedding_init` must be None, an array .*KeyedVectors"):
        make(RNNClassifier, embedding_init="glove").fit(TOKENS, Y[RNNClassifier])
