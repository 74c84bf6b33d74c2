"""Texts and lists of tokens become sequences of codes, and texts again."""

import itertools
import pickle
import re
import string
import sys
import time
import warnings
from collections import Counter
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from carriers import CARRIERS, object_array
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.text import TokenEncoder

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

TEXTS = ["The cat sat.", "the dog sat, the cow", "A I", "Boeing-747 flew over the cat", ""]
TOKENS = [["The", "cat"], ["sat"], ["The", "The", "dog"]]


def as_lists(codes):
    return [item.tolist() for item in codes]


# ---- the vocabulary -----------------------------------------------------------------------------


def test_the_tokens_of_words_are_those_of_count_vectorizer():
    for options in ({}, {"lowercase": False}, {"token_pattern": r"\w+|[^\w\s]"}):
        encoder = TokenEncoder(**options).fit(TEXTS)
        vectorizer = CountVectorizer(**options).fit(TEXTS)
        assert set(encoder.vocabulary_) == set(vectorizer.vocabulary_)
        analyze = vectorizer.build_analyzer()
        codes = encoder.transform(TEXTS)
        for text, own in zip(TEXTS, codes, strict=True):
            assert own.tolist() == ([encoder.vocabulary_[t] for t in analyze(text)] or [0])


def test_codes_are_in_the_order_of_counts_then_of_tokens():
    rng = np.random.default_rng(0)
    tokens = rng.choice(list(string.ascii_letters), (30, 9), p=rng.dirichlet(np.ones(52))).tolist()
    vocabulary = TokenEncoder().fit(tokens).vocabulary_
    counts = Counter(itertools.chain.from_iterable(tokens))
    assert list(vocabulary) == sorted(counts, key=lambda token: (-counts[token], token))
    assert list(vocabulary.values()) == list(range(1, len(counts) + 1))
    rng.shuffle(tokens)
    assert list(TokenEncoder().fit(tokens).vocabulary_.items()) == list(vocabulary.items())


def test_rare_tokens_are_unknown():
    encoder = TokenEncoder(min_count=2).fit(TEXTS)
    assert encoder.vocabulary_ == {"the": 1, "cat": 2, "sat": 3}
    assert as_lists(encoder.transform(TEXTS))[1] == [1, 0, 3, 1, 0]
    assert list(TokenEncoder(max_tokens=1).fit(TEXTS).vocabulary_) == ["the"]
    assert list(TokenEncoder(max_tokens=99).fit(TEXTS).vocabulary_)[:3] == ["the", "cat", "sat"]


def test_all_codes_have_int32_and_at_least_one_step():
    encoder = TokenEncoder().fit(TEXTS)
    codes = encoder.transform(["", "unseen", "the"])
    assert as_lists(codes) == [[0], [0], [1]]
    assert {item.dtype for item in codes} == {np.dtype(np.int32)}
    assert codes.shape == (3,) and codes.dtype == object


def test_a_given_vocabulary_is_kept():
    vocabulary = ["cow", "the", "unseen"]
    for given_as in (list, tuple, np.array, dict.fromkeys, pd.Series):
        encoder = TokenEncoder(vocabulary=given_as(vocabulary), min_count=9, max_tokens=1)
        assert as_lists(encoder.fit_transform(TEXTS))[1] == [2, 0, 0, 2, 1]
        assert encoder.vocabulary_ == {"cow": 1, "the": 2, "unseen": 3}
        assert encoder.n_codes_ == 4
        assert clone(encoder).fit(["other"]).transform(["the"])[0].tolist() == [2]
    encoder = TokenEncoder(vocabulary=vocabulary, factors=["shape", "token"], boundaries=True)
    assert encoder.fit(TEXTS).vocabulary_[1] == {"cow": 3, "the": 4, "unseen": 5}
    assert encoder.vocabulary_[0]["x"] == 3


def test_boundaries_surround_each_text():
    encoder = TokenEncoder(boundaries=True).fit(TEXTS)
    assert list(encoder.vocabulary_.values()) == list(range(3, len(encoder.vocabulary_) + 3))
    assert encoder.n_codes_ == len(encoder.vocabulary_) + 3
    codes = encoder.transform(["", "the unseen cat"])
    assert as_lists(codes) == [[1, 2], [1, 3, 0, 4, 2]]
    assert encoder.inverse_transform(codes) == ["", "the <unk> cat"]


def test_fit_transform_is_fit_and_transform():
    for X in (TEXTS, TOKENS):
        for options in ({}, {"boundaries": True}, {"factors": ["token", "shape"]}):
            encoder = TokenEncoder(**options)
            both = encoder.fit_transform(X)
            assert as_lists(both) == as_lists(clone(encoder).fit(X).transform(X))


def test_many_texts_are_encoded_as_few_are():
    texts = [f"t{i % 977} u{i % 7}" for i in range(25_000)]
    encoder = TokenEncoder()
    codes = encoder.fit_transform(texts)
    assert encoder.inverse_transform(codes) == texts
    assert as_lists(codes[-9:]) == as_lists(encoder.transform(texts[-9:]))


@pytest.mark.clock
def test_many_texts_are_encoded_in_less_than_two_seconds():
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(30_000)])
    texts = [" ".join(row) for row in words[rng.integers(0, len(words), (100_000, 10))].tolist()]
    start = time.process_time()
    TokenEncoder().fit_transform(texts)
    assert time.process_time() - start < 2


# ---- analyzers ----------------------------------------------------------------------------------


def test_characters_are_code_points():
    encoder = TokenEncoder("char", lowercase=False)
    codes = encoder.fit_transform(["aba", "e\u0301b"])
    assert encoder.vocabulary_ == {"a": 1, "b": 2, "e": 3, "\u0301": 4}
    assert as_lists(codes) == [[1, 2, 1], [3, 4, 2]]


def test_a_callable_gets_the_text_as_it_is():
    encoder = TokenEncoder(str.split).fit(["The cat", "the  cat."])
    assert encoder.vocabulary_ == {"The": 1, "cat": 2, "cat.": 3, "the": 4}
    assert encoder.inverse_transform([[1, 2]]) == ["The cat"]
    generator = TokenEncoder(lambda text: (c for c in text.split())).fit(["The cat"])
    assert generator.vocabulary_ == {"The": 1, "cat": 2}


def test_lists_of_tokens_stay_as_they_are():
    for analyzer in ("word", "char", str.split):
        encoder = TokenEncoder(analyzer).fit(TOKENS)
        assert encoder.vocabulary_ == {"The": 1, "cat": 2, "dog": 3, "sat": 4}
        assert encoder.inverse_transform(encoder.transform(TOKENS)) == TOKENS


def test_a_list_of_tokens_without_its_brackets_is_named():
    encoder = TokenEncoder().fit([["the", "dog", "sees"], ["a", "cat"]])
    with pytest.warns(UserWarning, match=r"3 texts of one token at most.* pass \[X\]"):
        encoder.transform(["the", "dog", "a"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.transform(["the dog", "cat"])
        encoder.transform([["the"], ["dog"]])
        encoder.fit(["the dog", "cat"]).transform(["the", "dog"])


def test_tags_of_words_that_the_encoder_leaves_out_lead_to_its_pattern():
    model = make_pipeline(
        TokenEncoder(), RNNClassifier(2, mode="many_to_many", categorical_features="all")
    )
    with pytest.raises(ValueError, match=r"`y\[0\]` has 4\. .*TokenEncoder.*`token_pattern`"):
        model.fit(["the dog sees a", "the cat"], [list("DNVD"), list("DN")])


def test_a_group_of_the_pattern_is_the_token():
    assert list(TokenEncoder(token_pattern=r"<(\w+)>").fit(["<a> b <c>"]).vocabulary_) == ["a", "c"]


# ---- factors ------------------------------------------------------------------------------------


def first_letter(token):
    return token[:1]


def test_factors_lie_side_by_side():
    factors = ["token", "suffix2", "shape", "prefix1", first_letter, "lower"]
    encoder = TokenEncoder(factors=factors).fit(TEXTS)
    codes = encoder.transform(["Boeing-747 cat", ""])
    assert [item.shape for item in codes] == [(3, 6), (1, 6)]
    assert list(encoder.get_feature_names_out()) == [
        *("token", "suffix2", "shape", "prefix1", "first_letter", "lower")
    ]
    names = [[None, *vocabulary] for vocabulary in encoder.vocabulary_]
    assert [[names[j][code] for j, code in enumerate(row)] for row in codes[0]] == [
        ["boeing", "ng", "Xx", "b", "b", "boeing"],
        ["747", "47", "d", "7", "7", "747"],
        ["cat", "at", "x", "c", "c", "cat"],
    ]
    assert codes[1].tolist() == [[0] * 6]
    assert encoder.n_codes_ == [len(vocabulary) + 1 for vocabulary in encoder.vocabulary_]
    assert encoder.inverse_transform(codes) == ["boeing 747 cat", "<unk>"]


@pytest.mark.parametrize(
    "token, shape",
    [("Boeing-747", "Xx-d"), ("U.S.A.", "X.X.X."), ("iPhone", "xXx"), ("...", "."), ("", "")],
)
def test_a_shape_has_one_letter_for_a_run(token, shape):
    encoder = TokenEncoder(factors="shape").fit([[token]])
    assert list(encoder.vocabulary_) == [shape]
    assert encoder.transform([[token]])[0].tolist() == [1]


def test_factors_of_tokens_keep_their_case():
    encoder = TokenEncoder(factors=("token", "lower", "suffix3")).fit(TOKENS)
    assert [next(iter(vocabulary)) for vocabulary in encoder.vocabulary_] == ["The", "the", "The"]


def test_a_single_factor_in_a_list_has_an_axis_of_its_own():
    assert TokenEncoder(factors=["token"]).fit_transform(TOKENS)[0].shape == (2, 1)


def test_an_inverse_needs_the_token():
    encoder = TokenEncoder(factors=["suffix3", "shape"])
    codes = encoder.fit_transform(TEXTS)
    for call in (encoder.inverse_transform, encoder.vectors):
        with pytest.raises(ValueError, match="`factors` must contain 'token'"):
            call(codes)


# ---- round trips --------------------------------------------------------------------------------


@given(st.lists(st.text(), min_size=1).filter(any))
def test_characters_survive_a_round_trip(texts):
    encoder = TokenEncoder("char", lowercase=False, boundaries=True)
    assert encoder.inverse_transform(encoder.fit_transform(texts)) == texts
    again = pickle.loads(pickle.dumps(encoder))
    assert again.inverse_transform(again.transform(texts)) == texts


@given(st.lists(st.lists(st.text(), min_size=1), min_size=1))
def test_tokens_survive_a_round_trip(documents):
    encoder = TokenEncoder()
    assert encoder.inverse_transform(encoder.fit_transform(documents)) == documents


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_no_text_is_too_strange_to_encode(known, texts):
    encoder = TokenEncoder(factors=["token", "suffix3", "shape"]).fit([*known, "known"])
    codes = encoder.transform(texts)
    for own in codes:
        assert len(own) > 0 and own.min() >= 0 and (own.max(axis=0) < encoder.n_codes_).all()
    assert len(encoder.inverse_transform(codes)) == len(texts)


@pytest.mark.parametrize("text", ["שלום עולם", "العَرَبِيَّة", "e\u0301 \u0644\u0627", "a\0b", "👩‍👩‍👧"])
def test_nothing_is_normalised(text):
    encoder = TokenEncoder("char")
    assert encoder.inverse_transform(encoder.fit_transform([text])) == [text]


# ---- carriers -----------------------------------------------------------------------------------

COLUMNS = {
    **CARRIERS,
    "array of str": lambda X: np.array(X),
    "array of objects": lambda X: np.array(X, dtype=object),
    "pandas": pd.Series,
    "pandas objects": lambda X: pd.Series(X, dtype=object, index=range(7, 7 + len(X))),
    "pandas categories": lambda X: pd.Series(X).astype("category"),
    "pandas arrow": lambda X: pd.Series(X, dtype="string[pyarrow]"),
    "pandas index": pd.Index,
    "polars": pl.Series,
    "polars categories": lambda X: pl.Series(X).cast(pl.Categorical),
    "arrow": pa.array,
    "arrow chunks": lambda X: pa.chunked_array([X[:1], X[1:]]),
    "arrow dictionary": lambda X: pa.array(X).dictionary_encode(),
}
if hasattr(np.dtypes, "StringDType"):  # since NumPy 2
    COLUMNS["array of StringDType"] = lambda X: np.array(X, dtype=np.dtypes.StringDType())
NESTED = {
    **CARRIERS,
    "arrays": lambda X: [np.array(tokens) for tokens in X],
    "tuples": lambda X: tuple(map(tuple, X)),
    "pandas": pd.Series,
    "polars": pl.Series,
    "arrow": pa.array,
    "series": lambda X: [pd.Series(tokens) for tokens in X],
    "object arrays": lambda X: object_array([np.array(t, dtype=object) for t in X]),
}


@pytest.mark.parametrize("carrier", COLUMNS)
def test_texts_come_in_any_carrier(carrier):
    X = COLUMNS[carrier](TEXTS)
    encoder, expected = TokenEncoder(), TokenEncoder().fit(TEXTS)
    assert as_lists(encoder.fit_transform(X)) == as_lists(expected.transform(TEXTS))
    assert pickle.dumps(encoder) == pickle.dumps(expected)


@pytest.mark.parametrize("carrier", NESTED)
def test_tokens_come_in_any_carrier(carrier):
    X = NESTED[carrier](TOKENS)
    encoder, expected = TokenEncoder(), TokenEncoder().fit(TOKENS)
    assert as_lists(encoder.fit_transform(X)) == as_lists(expected.transform(TOKENS))
    assert {type(token) for token in encoder.vocabulary_} == {str}


def test_an_array_of_tokens_has_one_text_per_row():
    codes = TokenEncoder().fit_transform(np.array([["a", "b"], ["c", "a"]]))
    assert as_lists(codes) == [[1, 2], [3, 1]]


@pytest.mark.parametrize("carrier", [*CARRIERS.values(), np.array, lambda X: np.array(X, float)])
def test_codes_come_in_any_carrier(carrier):
    encoder = TokenEncoder().fit(TEXTS)
    assert encoder.inverse_transform(carrier([[1, 2], [3, 0]])) == ["the cat", "sat <unk>"]
    assert encoder.inverse_transform([[1, 2], [], np.array([3])]) == ["the cat", "", "sat"]
    assert encoder.inverse_transform([[]]) == [""]


# ---- in scikit-learn ----------------------------------------------------------------------------


def sentences(n):
    """Return texts, and whether "not" comes before "good"."""
    rng = np.random.default_rng(0)
    words = np.array(["not", "good", "bad", "very", "it", "is"])
    tokens = [rng.choice(words, rng.integers(2, 6)).tolist() for _ in range(n)]
    return [" ".join(t) for t in tokens], [int("not good" in " ".join(t)) for t in tokens]


def classifier(**options):
    options = {"categorical_features": "all", "embedding_dim": 4, "max_iter": 2, **options}
    return RNNClassifier(4, random_state=0, **options)


def test_a_search_over_encoder_and_network_runs():
    X, _ = sentences(40)
    y = [0, 1] * 20
    pipeline = Pipeline([("tokens", TokenEncoder()), ("rnn", classifier())])
    grid = {
        "tokens__analyzer": ["word", "char"],
        "tokens__boundaries": [False, True],
        "tokens__factors": ["token", ["token", "suffix2"]],
        "rnn__embedding_dim": [2, "auto"],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(np.array(X), y)
    assert len(search.cv_results_["params"]) == 16
    assert search.predict(["it is not good", "", "unseen"]).shape == (3,)
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


def test_a_network_learns_what_a_bag_of_words_cannot():
    X, y = sentences(300)
    pipeline = make_pipeline(TokenEncoder(), classifier(max_iter=60, learning_rate_init=0.02))
    assert pipeline.fit(X, y).score(X, y) > 0.95


def test_tags_of_words_go_with_the_tokens():
    X = [["the", "cat", "sat"], ["a", "dog"]] * 10
    y = [["D", "N", "V"], ["D", "N"]] * 10
    network = classifier(mode="many_to_many", max_iter=50)
    pipeline = make_pipeline(TokenEncoder(factors=["token", "suffix1"]), network).fit(X, y)
    assert [tags.tolist() for tags in pipeline.predict(X[:2])] == y[:2]


def test_a_column_of_a_table_is_encoded():
    table = pd.DataFrame({"text": TEXTS, "other": range(5)})
    encoder = TokenEncoder()
    columns = ColumnTransformer([("tokens", encoder, "text")])
    assert as_lists(encoder.fit_transform(table["text"])) == as_lists(encoder.transform(TEXTS))
    with pytest.raises((ValueError, TypeError)):  # codes of texts are no columns of a table
        columns.fit_transform(table)


def test_parameters_are_shown_and_cloned():
    encoder = TokenEncoder("char", max_tokens=3)
    assert repr(encoder) == "TokenEncoder(analyzer='char', max_tokens=3)"
    assert clone(encoder).get_params() == encoder.get_params()
    assert not hasattr(encoder, "set_output")
    with pytest.raises(NotFittedError):
        encoder.transform(TEXTS)
    assert encoder.__sklearn_tags__().input_tags.string


# ---- given vectors ------------------------------------------------------------------------------


def test_vectors_are_in_the_order_of_codes():
    encoder = TokenEncoder(boundaries=True).fit(TEXTS)
    vectors = encoder.vectors({"cat": [1, 2], "unseen": [5, 6], "the": np.float32([3, 4])})
    assert vectors.shape == (encoder.n_codes_, 2)
    np.testing.assert_array_equal(vectors[encoder.vocabulary_["cat"]], [1, 2])
    np.testing.assert_array_equal(vectors[encoder.vocabulary_["the"]], [3, 4])
    assert np.isnan(vectors).all(axis=1).sum() == encoder.n_codes_ - 2
    narrow = encoder.vectors({"cat": np.float32([1, 2])})
    assert narrow.dtype == np.float32


def test_a_network_starts_from_the_vectors():
    X, y = sentences(20)
    given = {word: np.eye(6)[i] for i, word in enumerate(["not", "good", "bad", "it", "is"])}
    encoder = TokenEncoder(vocabulary=[*given, "very"])
    vectors = encoder.fit(X).vectors(given)
    known = {code: row for code, row in enumerate(vectors) if np.isfinite(row).all()}
    assert len(known) == 5
    network = classifier(
        embedding_init=known, embedding_dim="auto", learning_rate_init=1e-9, max_iter=1
    )
    pipeline = make_pipeline(encoder, network).fit(X[:10], y[:10])
    weights = pipeline[-1].weights_["embedding_0.weight"]
    codes = pipeline[-1].categories_[0]
    for row, code in zip(weights, codes, strict=False):  # and one row for unknown codes
        if code in known:
            np.testing.assert_allclose(row, known[code], atol=1e-6)


@pytest.mark.parametrize(
    "vectors, message",
    [
        ({"unseen": [1.0]}, "at least one token"),
        (
            {"the": [1.0], "cat": [1.0, 2.0]},
            "the same length, but those of 'the' and 'cat' have 1 and 2 elements",
        ),
        ({"the": [np.inf]}, r"that of 'the' has shape \(1,\) and is not finite"),
        ({"the": ["a"]}, "`keyed_vectors` must hold real numbers"),
        (None, "`keyed_vectors` must be a dict"),
        ("the", "`keyed_vectors` must be a dict"),
        ({"the": 1.0}, r"finite numbers, but that of 'the' has shape \(\)\."),
    ],
)
def test_vectors_that_do_not_match_are_refused(vectors, message):
    with pytest.raises(ValueError, match=message):
        TokenEncoder().fit(TEXTS).vectors(vectors)


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X, error, message",
    [
        ("a text", TypeError, r"`X` must be a list of texts, got one str: give \[X\]"),
        (b"bytes", TypeError, r"got one bytes"),
        ([], ValueError, "`X` must hold at least one text, but is empty"),
        (["a", None], ValueError, r"`X\[1\]` is missing \(None\)"),
        ([None, "a"], ValueError, r"texts or lists of tokens, but `X\[0\]` is missing"),
        (["a", np.nan], ValueError, r"`X\[1\]` is missing \(nan\)"),
        (pd.Series(["a", None]), ValueError, r"`X\[1\]` is missing"),
        (pl.Series(["a", None]), ValueError, r"`X\[1\]` is missing"),
        (pa.array(["a", None]), ValueError, r"`X\[1\]` is missing"),
        ([b"a"], ValueError, r"`X\[0\]` is bytes: decode it"),
        (np.array([b"a"]), ValueError, r"`X\[0\]` is bytes: decode it"),
        (["a", b"a"], ValueError, r"`X\[1\]` is bytes: decode it"),
        (["a", ["b"]], ValueError, r"`X\[0\]` is a text, and `X\[1\]` is a list"),
        ([["b"], "a"], ValueError, r"`X\[0\]` is a list, and `X\[1\]` is a text"),
        ([1, 2], ValueError, r"`X\[0\]` is 1 \(numbers\): convert it with str\(\)"),
        ([["a", 1]], ValueError, r"`X\[0\]\[1\]` is 1 \(numbers\): convert it with str\(\)"),
        ([["a"], ["b", None]], ValueError, r"`X\[1\]\[1\]` is missing"),
        ([["a"], [b"b"]], ValueError, r"`X\[1\]\[0\]` is bytes: decode it"),
        ([[["a"]]], ValueError, r"`X\[0\]\[0\]` is a list"),
        (pd.DataFrame({"a": ["b"]}), TypeError, r"give its column of texts, such as X\['a'\]"),
        (np.array([["a"], ["b"]]), ValueError, r"give its column, X\[:, 0\]"),
        (np.array("a"), TypeError, "`X` must be a list, array or column"),
        (np.array([[["a"]]]), TypeError, r"got an array of shape \(1, 1, 1\)"),
        (iter(["a"]), TypeError, "give a list"),
        ({"a": 1}, TypeError, "got a dict"),
        ({"a"}, TypeError, "got a set"),
        (3, TypeError, "`X` must be a list, array or column"),
        (None, TypeError, "`X` must be a list, array or column"),
        (np.ma.array(["a", "b"], mask=[0, 1]), ValueError, "masked"),
        (["", "a ."], ValueError, "at least one token: no text has any"),
        ([[], []], ValueError, "at least one token"),
    ],
)
def test_what_is_no_text_is_named(X, error, message):
    encoder = TokenEncoder().fit(TEXTS)
    before = pickle.dumps(encoder)
    with pytest.raises(error, match=message):
        encoder.fit(X)
    if "at least one token" not in message:
        with pytest.raises(error, match=message):
            encoder.transform(X)
    assert pickle.dumps(encoder) == before


@pytest.mark.parametrize(
    "options, message",
    [
        ({"analyzer": "words"}, "`analyzer` must be one of 'word', 'char', 'bpe' or a callable"),
        ({"analyzer": None}, "`analyzer` must be one of"),
        ({"token_pattern": "("}, "`token_pattern` must be a regular expression"),
        ({"token_pattern": None}, "`token_pattern` must be a regular expression"),
        ({"token_pattern": b"a"}, "`token_pattern` must be a str"),
        ({"token_pattern": "(a)(b)"}, "at most one capturing group"),
        ({"factors": "suffix0"}, "`factors` must be one or a list of"),
        ({"factors": []}, "`factors` must be one or a list of"),
        ({"factors": ["token", 3]}, "`factors` must be one or a list of"),
        ({"lowercase": 1}, "`lowercase` must be True or False"),
        ({"min_count": 0}, "`min_count` must be an integer of at least 1"),
        ({"min_count": 5}, "`min_count` must not exceed the count of the most frequent token"),
        ({"max_tokens": 0}, "`max_tokens` must be None or an integer of at least 1"),
        ({"vocabulary": "abc"}, "`vocabulary` must be None or an iterable of str"),
        ({"vocabulary": {"a"}}, "`vocabulary` must be None or an iterable of str"),
        ({"vocabulary": []}, "`vocabulary` must hold distinct tokens, .* it is empty"),
        ({"vocabulary": ["a", "b", "a"]}, "`vocabulary` must .* 'a' occurs twice"),
        ({"vocabulary": ["a", None]}, "`vocabulary` must hold str, but entry 1 is None"),
        ({"vocabulary": ["a"], "factors": "shape"}, "`factors` must contain 'token'"),
        ({"vocabulary": ["a"], "analyzer": "bpe"}, "`vocabulary` must be None with"),
        ({"unknown": None}, "`unknown` must be a str"),
        ({"boundaries": "yes"}, "`boundaries` must be True or False"),
        ({"analyzer": "bpe", "factors": ["token"]}, "`factors` must be 'token'"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        TokenEncoder(**options).fit(TEXTS)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"analyzer": str.upper}, "`analyzer` must return a list of tokens for a text, got a str"),
        ({"analyzer": len}, "`analyzer` must return a list of tokens"),
        ({"analyzer": str.encode}, "`analyzer` must return a list of tokens"),
        ({"analyzer": lambda text: [1]}, "`analyzer` must return a list of str, got the token 1"),
        ({"factors": len}, "`factors` must hold callables that return a str .* len returned 3"),
    ],
)
def test_callables_must_return_tokens(options, message):
    with pytest.raises(TypeError, match=message):
        TokenEncoder(**options).fit(TEXTS)


@pytest.mark.parametrize(
    "X, message",
    [
        ([[1, 99]], r"`X` must hold codes from 0 to 9, but `X\[0\]\[1\]` is 99"),
        ([[1], [2, -1]], r"`X\[1\]\[1\]` is -1"),
        ([[0.5]], r"`X\[0\]\[0\]` is 0.5"),
        ([[np.nan]], r"`X\[0\]\[0\]` is nan"),
        ([[[1, 2]]], "`X` must have 1 codes per token"),
        ([["a"]], "`X` must hold real numbers"),
        ([1, 2], "one value per step"),
    ],
)
def test_what_is_no_code_is_named(X, message):
    with pytest.raises(ValueError, match=message):
        TokenEncoder().fit(TEXTS).inverse_transform(X)


WHATEVER = st.recursive(
    st.one_of(
        st.text(max_size=3),
        st.sampled_from(
            [None, True, 3, 2**70, 0.5, 3j, b"a", np.str_("a"), "\ud800", pd.NA, pd.NaT]
        ),
        st.sampled_from([Decimal(1), date(2020, 1, 1), object(), {}, {"a"}, range(2)]),
        st.sampled_from([np.array(3), np.array([["a"]])]),
    ),
    lambda items: st.one_of(
        st.lists(items, max_size=3),
        st.lists(items, max_size=3).map(tuple),
        st.lists(items, max_size=3).map(lambda values: pd.Series(values, dtype=object)),
        st.lists(st.text(max_size=3), max_size=3).map(np.array),
    ),
    max_leaves=6,
)


@given(WHATEVER)
def test_whatever_comes_is_encoded_or_refused_by_name(X):
    encoder = TokenEncoder(factors=["token", "shape"]).fit(TEXTS)
    for call in (encoder.transform, encoder.inverse_transform):
        try:
            assert len(call(X)) == len(X)
        except (ValueError, TypeError) as error:
            assert "`X" in str(error)


def test_byte_pairs_without_their_package_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=re.escape("pip install 'sklearn-rnn[text]'")):
        TokenEncoder("bpe").fit(TEXTS)
    encoder = TokenEncoder("bpe").fit(TOKENS)  # tokens need no analyzer
    assert encoder.vocabulary_["The"] == 1
    with pytest.raises(ValueError, match="`X` must hold lists of tokens, as in fit"):
        encoder.transform(TEXTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vocabulary_", {"a": 1, "b": 10**6}),
        ("vocabulary_", {"a": 2**31, "b": 2**31 + 1}),
        ("vocabulary_", {1: 1, "b": 2}),
        ("vocabulary_", ["a", "b"]),
        ("n_codes_", 5),
        ("_first", 2**31),
    ],
)
def test_damaged_states_are_refused(name, value):
    state = TokenEncoder(analyzer="char").fit(["ab"]).__getstate__()
    TokenEncoder().__setstate__(state)
    with pytest.raises(ValueError, match="damaged"):
        TokenEncoder().__setstate__({**state, name: value})
    lacking = {key: state[key] for key in state if key != name}
    if name != "vocabulary_":
        with pytest.raises(ValueError, match="damaged: it lacks"):
            TokenEncoder().__setstate__(lacking)
