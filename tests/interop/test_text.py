"""Byte pairs by `tokenizers`, and vectors of `gensim`."""

import pickle
import sys

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.text import TokenEncoder

TEXTS = [
    "Hello world, hello there",
    "the WORLD \u4e16\u754c",
    "e\u0301t\u00e9 \u05e9\u05dc\u05d5\u05dd a\0b",
    " <unk>  x",
]


@pytest.mark.parametrize("max_tokens", [None, 1, 60, 90])
def test_byte_pairs_survive_a_round_trip(max_tokens):
    encoder = TokenEncoder("bpe", max_tokens=max_tokens, lowercase=False)
    codes = encoder.fit_transform(TEXTS)
    assert encoder.inverse_transform(codes) == TEXTS
    assert min(map(min, codes)) > 0 and max(map(max, codes)) < encoder.n_codes_
    again = pickle.loads(pickle.dumps(encoder))
    assert again.inverse_transform(again.transform(TEXTS)) == TEXTS
    n_bytes = len(set("".join(TEXTS).encode()))
    assert len(encoder.vocabulary_) <= max(max_tokens or 30_000, n_bytes)


def test_byte_pairs_are_learned_from_frequent_pairs():
    encoder = TokenEncoder("bpe", max_tokens=7, boundaries=True).fit(["ababab abab CC c"])
    # Bytes and the merges, the most frequent first: "abab" counts twice, "ab" once in "ababab".
    assert "abab" in encoder.vocabulary_ and "ab" in encoder.vocabulary_
    assert list(encoder.vocabulary_.values()) == list(range(3, len(encoder.vocabulary_) + 3))
    assert encoder.inverse_transform(encoder.transform(["abab CAB"])) == ["abab cab"]
    rare = TokenEncoder("bpe", min_count=3).fit(["ababab abab CC c"])
    assert "cc" not in rare.vocabulary_ and "ab" in rare.vocabulary_


def test_unknown_bytes_are_code_0():
    encoder = TokenEncoder("bpe").fit(["abc"])
    codes = encoder.transform(["abc\u00e9", "", "abc"])
    assert [item.tolist() for item in codes] == [[1, 0, 0], [0], [1]]
    assert encoder.inverse_transform(codes) == ["abc<unk><unk>", "<unk>", "abc"]


@given(st.text())
def test_any_text_is_encoded(text):
    encoder = TokenEncoder("bpe", lowercase=False, boundaries=True).fit([text, "known"])
    assert encoder.inverse_transform(encoder.transform([text])) == [text]


def test_the_order_of_texts_changes_nothing():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcde "), 40)) for _ in range(50)]
    expected = list(TokenEncoder("bpe", max_tokens=40).fit(texts).vocabulary_)
    for _ in range(3):
        rng.shuffle(texts)
        assert list(TokenEncoder("bpe", max_tokens=40).fit(texts).vocabulary_) == expected


def test_a_pickle_is_read_without_the_package(monkeypatch):
    saved = pickle.dumps(TokenEncoder("bpe").fit(TEXTS))
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    encoder = pickle.loads(saved)
    assert encoder.n_codes_ > 1
    with pytest.raises(ImportError, match="analyzer='bpe' needs the package tokenizers"):
        encoder.transform(TEXTS)


def test_surrogates_have_no_bytes():
    with pytest.raises(ValueError, match="UTF-8"):
        TokenEncoder("bpe").fit(["a", "\ud800"])


def test_a_network_reads_byte_pairs():
    y = [0, 1, 0, 1]
    rnn = RNNClassifier(8, categorical_features="all", learning_rate_init=0.05, random_state=0)
    pipeline = make_pipeline(TokenEncoder("bpe", max_tokens=60), rnn).fit(TEXTS, y)
    assert pipeline.score(TEXTS, y) == 1


def test_vectors_of_gensim_are_in_the_order_of_codes():
    keyed = KeyedVectors(vector_size=3)
    keyed.add_vectors(["the", "hello", "unseen"], np.arange(9, dtype=np.float32).reshape(3, 3))
    encoder = TokenEncoder().fit(TEXTS)
    vectors = encoder.vectors(keyed)
    assert vectors.shape == (encoder.n_codes_, 3) and vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[encoder.vocabulary_["hello"]], keyed["hello"])
    assert np.isnan(vectors[0]).all()
    assert np.isfinite(vectors).all(axis=1).sum() == 2
