"""Scores of entities agree with the package seqeval."""

import numpy as np
import pytest
from seqeval import scheme as schemes
from seqeval.metrics import classification_report, f1_score

from sklearn_rnn.metrics import entity_classification_report, entity_f1_score

LETTERS = {None: "IBES", "IOB1": "IB", "IOB2": "IB", "IOBES": "IBES", "BILOU": "IBLU"}
each_scheme = pytest.mark.parametrize("scheme", LETTERS)


def draw(scheme, rng):
    """Return tags, predicted ones and the options of seqeval; "O B" is an entity in all schemes."""
    tags = ["O"] + [f"{x}-{kind}" for x in LETTERS[scheme] for kind in ("A", "B-C", "組")]
    tags += list(LETTERS[scheme])
    y_true = [rng.choice(tags, n).tolist() for n in rng.integers(1, 12, 8)]
    y_true.append(["O", {"BILOU": "U-A", "IOBES": "S-A", "IOB1": "I-A"}.get(scheme, "B-A")])
    y_pred = [[t if rng.random() < 0.6 else str(rng.choice(tags)) for t in y] for y in y_true]
    options = {} if scheme is None else {"mode": "strict", "scheme": getattr(schemes, scheme)}
    return y_true, y_pred, options


@each_scheme
@pytest.mark.filterwarnings("ignore")
def test_scores_are_those_of_seqeval(scheme):
    rng = np.random.default_rng(0)
    for _ in range(40):
        y_true, y_pred, options = draw(scheme, rng)
        for average in ("micro", "macro", "weighted", None):
            expected = f1_score(y_true, y_pred, average=average, **options)
            got = entity_f1_score(y_true, y_pred, average=average, scheme=scheme)
            np.testing.assert_allclose(got, expected, rtol=1e-12)


@each_scheme
@pytest.mark.filterwarnings("ignore")
def test_reports_are_those_of_seqeval(scheme):
    rng = np.random.default_rng(1)
    for _ in range(20):
        y_true, y_pred, options = draw(scheme, rng)
        expected = classification_report(y_true, y_pred, output_dict=True, **options)
        got = entity_classification_report(y_true, y_pred, output_dict=True, scheme=scheme)
        assert list(got) == list(expected)
        for name, row in expected.items():
            assert got[name] == pytest.approx({k: float(v) for k, v in row.items()}, rel=1e-12)
