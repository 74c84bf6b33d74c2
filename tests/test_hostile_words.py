"""Sequences of labels and numbers, texts and tags: whatever is passed is answered or refused."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("hypothesis")

from hostile import Call, state_of, storm
from hostile_values import BAD, GOOD, NONSENSE, UNSURE, one_of_these
from hypothesis import strategies as st

from sklearn_rnn import RNNClassifier
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor, SequenceAutoencoder
from sklearn_rnn.text import TokenEncoder

N_CALLS = 30  # of each method
OFTEN = 0.1  # the least share of answers, and of refusals

X = [np.arange(2.0 * n).reshape(n, 2) / 9 - 1 for n in (3, 1, 4, 2)]
CODES = [[1, 2, 0], [3], [2, 2, 1, 1], [0, 3]]
WORDS = ["ab", "", "e\u0301a", "שb"]
NUMBERS = [[1.0, 2.0], [0.5], [3.0], [1.0, 1.0, 2.0]]
TAGS = [["B-x", "I-x", "O"], ["O"], ["O", "O", "B-x", "I-x"], ["B-x", "O"]]
TEXTS = ["ab cd", "", "cd שלום e\u0301", "ab ab"]

WEIGHTS = [
    *[(None, GOOD), ([1.0, 0.5, 2.0, 1.0], GOOD), ([1e308] * 4, GOOD), ([1e-320] * 4, GOOD)],
    *[([0.0] * 4, BAD), ([-1.0, 1, 1, 1], BAD), ([np.nan] * 4, BAD), ([1.0] * 3, BAD), ("a", BAD)],
]
WHOLE = [(0, BAD), (-1, BAD), (1.5, BAD), ("a", BAD), (2**70, BAD), (True, BAD), (1, GOOD)]
# What the arguments may be, each with a verdict.
SEQUENCES = [(X, GOOD), (X[:1] * 4, GOOD), (np.array(X, dtype=object), GOOD)]
SEQUENCES += [([*X[:3], [[np.nan, 1.0]]], BAD), ([*X[:3], [[1e308, 1.0]]], UNSURE)]
LABELS = [(WORDS, GOOD), (np.array(WORDS, dtype=object), GOOD), (pd.Series(WORDS), GOOD)]
LABELS += [([b"ab"] * 4, BAD), ([None] * 4, BAD), ("abab", BAD), (WORDS[:3], BAD)]
LABELS += [(["ab", ["a"], "b", "a"], BAD), (["a\0"] * 4, BAD), ([1, 2, 3, 4], BAD)]
SERIES = [(NUMBERS, GOOD), (NUMBERS[:3], BAD), ([*NUMBERS[:3], []], BAD), (["a"] * 4, BAD)]
SERIES += [([*NUMBERS[:3], [np.inf]], BAD), ([*NUMBERS[:3], [None]], BAD)]
DOCUMENTS = [(TEXTS, GOOD), (pd.Series(TEXTS), GOOD), ([t.split() for t in TEXTS], GOOD)]
DOCUMENTS += [([b"ab"] * 4, BAD), ([None, *TEXTS[:3]], BAD), ([*TEXTS[:3], ["ab"]], BAD)]
DOCUMENTS += [([["ab", None]] * 4, BAD), (set(TEXTS), BAD), (iter(TEXTS), BAD)]
SCHEMES = [(TAGS, GOOD), ([["I-x", *tags[1:]] for tags in TAGS], BAD), (TAGS[:3], BAD)]
SCHEMES += [([[1] * len(tags) for tags in TAGS], BAD), ([["O"]] * 4, BAD)]
UNSEEN = [(["xyz"] * 4, GOOD), ([""] * 4, GOOD)]
PROMPTS = [
    (None, GOOD),
    ("", GOOD),
    ("zzz ab", GOOD),
    ("\u202eש", GOOD),
    (b"ab", BAD),
    (["ab"], BAD),
]
SHARES = [(None, GOOD), (0, BAD), (1.0, GOOD), (1e-320, GOOD), (np.nan, BAD), ("a", BAD)]

TINY = {"hidden_layer_sizes": 2, "max_iter": 1, "random_state": 0}
MAKERS = {
    "words": lambda: Seq2SeqClassifier(**TINY, attention="additive").fit(X, WORDS),
    "numbers": lambda: Seq2SeqRegressor(**TINY).fit(X, NUMBERS),
    "itself": lambda: SequenceAutoencoder(**TINY).fit(X),
    "texts": lambda: RNNLanguageModel(**TINY).fit(TEXTS),
    "tokens": lambda: TokenEncoder().fit(TEXTS),
    "tags": lambda: RNNClassifier(
        **TINY,
        mode="many_to_many",
        categorical_features="all",
        transitions=True,
        allowed_transitions="BIO",
    ).fit(CODES, TAGS),
}
LENGTHS = [*WHOLE, (3, GOOD), (2**40, BAD)]
WIDE = [*WHOLE[:-1], (1, GOOD), (50, GOOD)]  # more than there are labels
CALLS = {
    ("words", "fit"): {"X": SEQUENCES, "y": LABELS, "sample_weight": WEIGHTS},
    ("words", "score"): {"X": SEQUENCES, "y": LABELS + UNSEEN, "sample_weight": WEIGHTS},
    ("words", "predict"): {"X": SEQUENCES, "max_length": [*LENGTHS, (None, GOOD)]},
    ("words", "kbest"): {"X": SEQUENCES, "k": WIDE, "max_length": [*LENGTHS, (None, GOOD)]},
    ("numbers", "fit"): {"X": SEQUENCES, "y": SERIES, "sample_weight": WEIGHTS},
    ("numbers", "predict"): {"X": SEQUENCES, "horizon": [*LENGTHS, ([1, 2, 3, 4], GOOD)]},
    ("itself", "fit"): {"X": SEQUENCES, "sample_weight": WEIGHTS},
    ("itself", "score_samples"): {"X": SEQUENCES},
    ("texts", "fit"): {"X": DOCUMENTS, "sample_weight": WEIGHTS},
    ("texts", "score"): {"X": DOCUMENTS, "sample_weight": WEIGHTS},
    ("texts", "sample"): {
        "prompt": PROMPTS,
        "max_length": [*LENGTHS[1:], (0, GOOD)],
        "top_k": WIDE,
        "top_p": SHARES,
    },
    ("tokens", "transform"): {"X": DOCUMENTS},
    ("tags", "fit"): {"X": [(CODES, GOOD)], "y": SCHEMES},
}


@cache
def made(kind):
    return MAKERS[kind]()


@st.composite
def calls_of(draw, kind, method):
    """Draw a call: good, or with one argument that may be anything."""
    choices = CALLS[kind, method]
    spoiled = draw(st.sampled_from(sorted(choices))) if draw(st.integers(0, 3)) else None
    arguments, verdicts = {}, []
    for name, values in choices.items():
        verdict = GOOD
        if name != spoiled:
            value = draw(st.sampled_from([value for value, verdict in values if verdict == GOOD]))
        elif draw(st.integers(0, 3)):
            value, verdict = draw(st.sampled_from(values))
        else:
            value, verdict = one_of_these(draw, NONSENSE), UNSURE
        arguments[name] = value
        verdicts.append(verdict)
    owner = made(kind)
    if method == "fit":
        owner = type(owner)(**owner.get_params())
    parameters = tuple(owner.get_params())
    return Call(owner, method, arguments, max(verdicts), parameters, gives_back=True)


@pytest.mark.parametrize("kind, method", CALLS)
def test_a_call_is_answered_or_refused_by_name(kind, method):
    before = state_of(made(kind))
    tally = storm(calls_of(kind, method), N_CALLS)
    assert min(tally["answered"], tally["refused"]) >= OFTEN * tally.total(), dict(tally)
    assert state_of(made(kind)) == before
