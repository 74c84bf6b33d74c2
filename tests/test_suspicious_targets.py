"""Targets that look as if they meant something else are named in a warning, with what to do."""

import warnings

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier
from sklearn_rnn.seq2seq import Seq2SeqClassifier
from sklearn_rnn.transfer import MultiTaskRNN

X = np.random.RandomState(0).normal(size=(12, 5, 2))
LABELS = np.random.RandomState(1).randint(0, 3, size=(12, 5))
GAPS = np.where(np.arange(5) < 3, LABELS, -100)


def warned(y, estimator=RNNClassifier, sample_weight=None, **options):
    """Return the warnings of a fit, apart from that of its end."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator(2, max_iter=1, **options).fit(X, y, sample_weight)
    return [str(w.message) for w in caught if w.category is UserWarning]


@pytest.mark.parametrize("form", [np.asarray, list, lambda y: y.astype(float)])
def test_what_pytorch_ignores_is_no_class(form):
    per_step = {"mode": "many_to_many"}
    (text,) = warned(form(GAPS), **per_step)
    assert "`y` holds -100 besides" in text and "sample_weight=(y != -100)" in text
    in_list = [tags != -100 for tags in GAPS]
    assert warned(list(GAPS), sample_weight=in_list, **per_step) == []
    assert warned(form(GAPS), sample_weight=GAPS != -100, **per_step) == []
    assert warned(form(GAPS - 1), **per_step) == []
    assert warned(form(np.where(GAPS == 0, -1, GAPS)), **per_step) == []


def test_other_estimators_find_it_as_well():
    (text,) = warned([row.tolist() for row in GAPS], Seq2SeqClassifier)
    assert "`y` holds -100" in text and "leave them out" in text
    (text,) = warned({"tag": GAPS}, MultiTaskRNN, mode="many_to_many")
    assert "`y['tag']` holds -100" in text and "put None in its place" in text
    missing = [[None if tag == -100 else int(tag) for tag in row] for row in GAPS]
    assert warned({"tag": missing}, MultiTaskRNN, mode="many_to_many") == []


def test_classes_as_vectors_are_named():
    vectors = np.eye(3, dtype=int)[LABELS]
    (text,) = warned(vectors[:, 0])
    assert "Each sequence in `y` has exactly one 1 in 3 columns" in text
    assert text.endswith("pass y.argmax(axis=-1).")
    (text,) = warned(list(vectors), mode="many_to_many")
    assert "Each step in `y`" in text
    vectors[0, 0] = 1, 1, 0
    assert warned(vectors[:, 0]) == warned(vectors, mode="many_to_many") == []
    weights = np.ones(12)
    weights[0] = 0
    assert len(warned(vectors[:, 0], sample_weight=weights)) == 1


def test_a_single_class_is_named():
    (text,) = warned(np.repeat("walk", 12))
    assert "`y` holds a single class, 'walk'" in text
    (text,) = warned({"a": LABELS[:, 0], "b": np.ones(12, dtype=int)}, MultiTaskRNN)
    assert "`y['b']` holds a single class, 1," in text
