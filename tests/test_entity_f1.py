"""Entities are the spans that tags mark, in every scheme; their scores are those of sets."""

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
from carriers import object_array
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold, cross_val_score

from sklearn_rnn import RNNClassifier
from sklearn_rnn._data.packed import Packed, offsets_of
from sklearn_rnn._metrics.entities import LENIENT, SCHEMES, entities
from sklearn_rnn.metrics import entity_classification_report, entity_f1_score

# The expectations of the documentation and tests of seqeval 1.2.2.
MISC = (
    [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]],
    [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]],
)
ADJACENT = (
    [["O", "O", "B-MISC", "I-MISC", "B-MISC", "O", "O"], ["B-PER", "I-PER", "O"]],
    [["O", "O", "B-MISC", "I-MISC", "B-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]],
)
SINGLE = [["B-A", "B-B", "O", "B-A"]], [["O", "B-B", "B-C", "B-A"]]


def found(sequences, rules):
    """Return the entities of each sequence as a list of (first step, step after the last, type)."""
    offsets = offsets_of([len(tags) for tags in sequences])
    every = entities(Packed(np.concatenate(sequences), offsets), rules)
    result = [[] for _ in sequences]
    for start, stop, kind in zip(every.starts, every.stops, every.types, strict=True):
        i = np.searchsorted(offsets, start, side="right") - 1
        result[i].append((start - offsets[i], stop - offsets[i], every.names[kind]))
    return result


def all_sequences(letters, longest):
    tags = ["O", *(f"{letter}-{kind}" for letter in letters for kind in ("X", "Y"))]
    return [list(each) for n in range(1, longest + 1) for each in product(tags, repeat=n)]


def matches(tags, pattern):
    """Return the spans whose letters match a pattern and whose steps all have one type."""
    spans = []
    for kind in ("X", "Y"):
        letters = "".join(tag[0] if tag[1:] in ("", f"-{kind}") else "." for tag in tags)
        spans += [(m.start(), m.end(), kind) for m in re.finditer(pattern, letters)]
    return sorted(spans)


@pytest.mark.parametrize(
    "scheme, pattern",
    [
        ("IOB2", "BI*"),
        ("BIO", "BI*"),
        ("IOBES", "S|BI*E"),
        ("BIOES", "S|BI*E"),
        ("BILOU", "U|BI*L"),
    ],
)
def test_strict_entities_match_their_pattern(scheme, pattern):
    rules = SCHEMES[scheme]
    sequences = all_sequences(rules.tags[1:], 4 if len(rules.tags) == 3 else 3)
    expected = [matches(tags, pattern) for tags in sequences]
    assert found(sequences, rules) == expected
    assert any(expected)


# All pairs of tags in IOB1, where B stands between entities of one type only: seqeval's answers.
IOB1 = {
    "O O": [],
    "O I-X": [(1, 2, "X")],
    "O B-X": [],
    "I-X O": [(0, 1, "X")],
    "I-X I-X": [(0, 2, "X")],
    "I-X I-Y": [(0, 1, "X"), (1, 2, "Y")],
    "I-X B-X": [(0, 1, "X"), (1, 2, "X")],
    "I-X B-Y": [(0, 1, "X")],
    "B-X O": [],
    "B-X I-X": [(1, 2, "X")],
    "B-X I-Y": [(1, 2, "Y")],
    "B-X B-X": [(1, 2, "X")],
    "B-X B-Y": [],
    "I-X I-X B-X I-X O": [(0, 2, "X"), (2, 4, "X")],
}


def test_entities_of_iob1_begin_with_b_between_two_of_a_type():
    assert found([tags.split() for tags in IOB1], SCHEMES["IOB1"]) == list(IOB1.values())


def lenient(tags):
    """Return the entities that conlleval sees: every step that is not O belongs to one."""
    spans, before = [], ("O", None)
    for i, (letter, kind) in enumerate((tag[0], tag[2:]) for tag in tags):
        if letter != "O":
            goes_on = before[0] in ("B", "I") and before[1] == kind and letter in ("I", "E")
            start = spans.pop()[0] if goes_on else i
            spans.append((start, i + 1, kind))
        before = letter, kind
    return spans


def test_lenient_entities_are_those_of_conlleval():
    sequences = all_sequences("BIES", 3)
    assert found(sequences, LENIENT) == [lenient(tags) for tags in sequences]


def test_types_may_have_hyphens_or_be_missing():
    tags = ["B-A-1", "I-A-1", "B-組織", "B", "I", "O", "S-"]
    expected = [(0, 2, "A-1"), (2, 3, "組織"), (3, 5, "_"), (6, 7, "_")]
    assert found([tags], LENIENT) == [expected]


# ---- scores -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tags, average, expected",
    [
        (MISC, "micro", 0.5),
        (MISC, "macro", 0.5),
        (MISC, None, [0, 1]),
        (ADJACENT, "micro", 2 / 3),
        (ADJACENT, "macro", 0.75),
        (ADJACENT, "weighted", 2 / 3),
        (ADJACENT, None, [0.5, 1]),
        (SINGLE, "micro", 2 / 3),
        (SINGLE, "macro", 5 / 9),
        (SINGLE, "weighted", 7 / 9),
        (SINGLE, None, [2 / 3, 1, 0]),
    ],
)
def test_scores_are_those_that_seqeval_documents(tags, average, expected):
    for scheme in (None, "IOB2"):
        score = entity_f1_score(*tags, average=average, scheme=scheme)
        np.testing.assert_allclose(score, expected, rtol=1e-12)


def test_a_strict_scheme_does_not_count_what_breaks_its_rules():
    y_true, y_pred = [["B-X", "I-X", "O", "B-Y"]], [["I-X", "I-X", "O", "B-Y"]]
    assert entity_f1_score(y_true, y_pred) == 1
    assert entity_f1_score(y_true, y_pred, scheme="IOB2") == pytest.approx(2 / 3)
    y_true = y_pred = [["B-X", "I-X", "O", "S-Y"]]
    assert entity_f1_score(y_true, y_pred, average=None).tolist() == [1, 1]
    assert entity_f1_score(y_true, y_pred, average=None, scheme="BIOES").tolist() == [1]


def test_a_report_has_precision_and_recall_by_type():
    report = entity_classification_report(*SINGLE, output_dict=True, zero_division=0)
    assert list(report) == ["A", "B", "C", "micro avg", "macro avg", "weighted avg"]
    assert report["A"] == {"precision": 1, "recall": 0.5, "f1-score": 2 / 3, "support": 2}
    assert report["C"] == {"precision": 0, "recall": 0, "f1-score": 0, "support": 0}
    assert report["micro avg"]["recall"] == pytest.approx(2 / 3)
    text = entity_classification_report(*SINGLE, digits=3, zero_division=0)
    assert re.search(r"\n +A +1\.000 +0\.500 +0\.667 +2\n", text)


def test_without_entities_the_score_is_that_of_no_divisor():
    y = [["O", "O"]]
    with pytest.warns(UndefinedMetricWarning):
        assert entity_f1_score(y, y) == 0
    assert entity_f1_score(y, y, zero_division=1.0) == 1
    for average in ("macro", "weighted"):
        assert entity_f1_score(y, y, average=average, zero_division=0) == 0
    with pytest.raises(ValueError, match="at least one entity"):
        entity_classification_report(y, y)


CARRIERS = {
    "list": list,
    "object array": lambda y: object_array([np.array(tags) for tags in y]),
    "objects": lambda y: object_array([np.array(tags, dtype=object) for tags in y]),
    "array": np.array,
    "pandas": lambda y: [pd.Series(tags) for tags in y],
    "column": lambda y: [np.array(tags)[:, np.newaxis] for tags in y],
}


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_tags_come_in_any_carrier(carrier):
    y_true = [["B-X", "I-X", "O"], ["O", "B-Y", "B-X"]]
    y_pred = [["B-X", "I-X", "O"], ["O", "B-X", "B-X"]]
    assert entity_f1_score(carrier(y_true), carrier(y_pred)) == pytest.approx(2 / 3)
    assert entity_f1_score(y_true, carrier(y_pred)) == pytest.approx(2 / 3)


def test_an_entity_ends_with_its_sequence():
    y_true, y_pred = [["B-X"], ["I-X"]], [["B-X"], ["O"]]
    assert entity_f1_score(y_true, y_pred) == pytest.approx(2 / 3)


def test_entities_have_the_weight_of_their_steps():
    y_true = [["B-X", "I-X", "O"], ["B-X", "O", "O"], ["B-X", "O", "O"]]
    y_pred = [["B-X", "I-X", "O"], ["O", "O", "O"], ["B-X", "B-X", "O"]]
    # Weights 3 and 1 are right, 2 is missed and 1 is wrong.
    expected = 2 * 4 / (2 * 4 + 2 + 1)
    for weights in ([3, 2, 1], [[2, 4, 9], [2, 9, 9], [1, 1, 9]]):
        score = entity_f1_score(y_true, y_pred, sample_weight=weights)
        assert score == pytest.approx(expected)


def test_steps_of_weight_zero_are_outside():
    y_true = [["B-X", None, "I-X", "B-Y"], ["B-Y", "O", "O", "O"]]
    y_pred = [["B-X", "I-X", "I-X", "odd"], ["B-Y", "O", "O", "O"]]
    weights = [[1, 0, 1, 0], [1, 1, 1, 1]]
    assert entity_f1_score(y_true, y_pred, sample_weight=weights, average=None).tolist() == [1, 1]
    wrong = [["B-X", "I-X", "O", "O"], ["B-Y", "O", "O", "O"]]
    score = entity_f1_score(y_true, wrong, sample_weight=weights)
    assert score == pytest.approx(2 * 2 / (3 + 2))


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "message"),
    [
        ([["B-X"]], [["L-X"]], {}, "`y_pred` must have tags .* sequence 0 has 'L-X' at step 0"),
        ([["O"], ["O", "E-X"]], [["O"], ["O", "O"]], {"scheme": "BIO"}, "sequence 1 has 'E-X'"),
        ([["X"]], [["O"]], {}, "'O', or 'I-', 'B-', 'E-', 'S-' and a type; .* has 'X'"),
        ([["O-X"]], [["O"]], {}, "`y_true` must have tags of `scheme`: .* has 'O-X'"),
        ([["BX"]], [["O"]], {}, "has 'BX'"),
        ([[1, 2]], [[1, 2]], {}, "`y_true` must hold tags of str such as 'O' and 'B-PER', got int"),
        ([["O", "O"]], [["O"]], {}, r"sequence 0 has 2 steps, but `y_pred\[0\]` has 1"),
        ([["O"]], [["O"]], {"scheme": "IOB3"}, "`scheme` must be None or one of 'IOB1'"),
        ([["O"]], [["O"]], {"sample_weight": [0]}, "`sample_weight` must not be zero"),
        ([[["O", "O"]]], [[["O", "O"]]], {}, "`y_true` must have one tag per step, got 2"),
        ([["O", None]], [["O", "O"]], {}, "`y_true` must have no missing labels"),
    ],
)
def test_what_is_no_tag_is_named(y_true, y_pred, options, message):
    for score in (entity_f1_score, entity_classification_report):
        with pytest.raises(ValueError, match=message):
            score(y_true, y_pred, **options)


def test_searches_take_the_score():
    rng = np.random.default_rng(0)
    tags = np.array(["O", "B-X", "I-X"])
    y = [tags[rng.integers(0, 3, n)] for n in rng.integers(2, 7, 30)]
    X = [np.searchsorted(np.sort(tags), item)[:, np.newaxis] for item in y]
    rnn = RNNClassifier(
        8, mode="many_to_many", categorical_features="all", learning_rate_init=0.02, random_state=0
    )
    scorer = make_scorer(entity_f1_score)
    scores = cross_val_score(rnn, X, object_array(y), scoring=scorer, cv=KFold(2))
    assert (scores > 0.9).all()
