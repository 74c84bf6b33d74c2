"""Weights of sequences, steps and classes."""

import numpy as np
import pytest
from fits import QUICK, equal
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._training.held_out import split

# ---- weights of the examples ----------------------------------------------------------------


def test_what_has_no_weight_is_as_if_it_were_not_there(ragged):
    X, labels, numbers = ragged
    weights = np.tile([1.0, 0.0, 2.0, 0.5], 10)
    has = weights > 0
    kept = [x for x, keep in zip(X, has, strict=True) if keep]
    a = RNNRegressor(**QUICK, batch_size=8).fit(X, numbers, sample_weight=weights)
    b = RNNRegressor(**QUICK, batch_size=8).fit(kept, numbers[has], sample_weight=weights[has])
    assert equal(a.params_, b.params_) and a.t_ == b.t_ == 60
    a = RNNClassifier(**QUICK, early_stopping=True).fit(X, labels, sample_weight=weights)
    b = RNNClassifier(**QUICK, early_stopping=True)
    assert equal(a.params_, b.fit(kept, labels[has], sample_weight=weights[has]).params_)
    strange = np.where(has, labels, "strange")
    assert list(RNNClassifier(**QUICK).fit(X, strange, sample_weight=weights).classes_) == [
        "down",
        "up",
    ]


def test_steps_without_weight_are_not_taught(ragged):
    X, _, _ = ragged
    y = [x[:, 0].copy() for x in X]
    last = [(np.arange(len(x)) == len(x) - 1).astype(float) for x in X]
    tagger = RNNRegressor(**QUICK, mode="many_to_many").fit(X, y, sample_weight=last)
    strange = [np.where(w > 0, target, 1e6) for w, target in zip(last, y, strict=True)]
    again = RNNRegressor(**QUICK, mode="many_to_many").fit(X, strange, sample_weight=last)
    assert equal(tagger.params_, again.params_)
    assert tagger.score(X, y, last) == pytest.approx(again.score(X, strange, last))
    single = RNNRegressor(**QUICK).fit(X, [target[-1] for target in y])
    np.testing.assert_allclose(tagger.params_, single.params_, rtol=1e-4, atol=1e-6)
    labels = [np.where(w > 0, "taught", "never") for w in last]
    rnn = RNNClassifier(**QUICK, mode="many_to_many").fit(X, labels, sample_weight=last)
    assert list(rnn.classes_) == ["taught"]


def test_a_weight_per_sequence_is_that_of_its_steps(ragged):
    X, _, _ = ragged
    y = [x[:, 0] for x in X]
    weights = np.arange(40.0)
    steps = [np.full(len(x), w) for x, w in zip(X, weights, strict=True)]
    a = RNNRegressor(**QUICK, mode="many_to_many").fit(X, y, sample_weight=weights)
    b = RNNRegressor(**QUICK, mode="many_to_many").fit(X, y, sample_weight=steps)
    assert equal(a.params_, b.params_)


def test_scores_are_weighted(ragged):
    X, labels, numbers = ragged
    weights = np.arange(40.0)
    rnn = RNNClassifier(**QUICK).fit(X, labels)
    expected = accuracy_score(labels, rnn.predict(X), sample_weight=weights)
    assert rnn.score(X, labels, weights) == pytest.approx(expected)
    rnn = RNNRegressor(**QUICK).fit(X, numbers)
    expected = r2_score(numbers, rnn.predict(X), sample_weight=weights)
    assert rnn.score(X, numbers, weights) == pytest.approx(expected)


def test_class_weights_multiply_sample_weights(ragged):
    X, labels, _ = ragged
    # The scale of X counts no class weights.
    options = {**QUICK, "dtype": "float64", "normalize_X": False}
    weights = np.arange(1.0, 41.0)
    factors = np.where(labels == "up", 3.0, 0.5)
    weighted = RNNClassifier(**options).fit(X, labels, sample_weight=weights * factors)
    by_class = RNNClassifier(**options, class_weight={"up": 3.0, "down": 0.5})
    by_class.fit(X, labels, sample_weight=weights)
    np.testing.assert_allclose(by_class.params_, weighted.params_, rtol=1e-9)
    total = [weights[labels == c].sum() for c in ("down", "up")]
    per_class = dict(zip(("down", "up"), weights.sum() / (2 * np.array(total)), strict=True))
    balanced = RNNClassifier(**options, class_weight="balanced")
    balanced.fit(X, labels, sample_weight=weights)
    by_class.set_params(class_weight=per_class).fit(X, labels, sample_weight=weights)
    np.testing.assert_allclose(by_class.params_, balanced.params_, rtol=1e-9)


@pytest.mark.parametrize("given", [False, True], ids=["held out", "given"])
def test_class_weights_weigh_the_validation(ragged, given):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, early_stopping=True, max_iter=1, random_state=0, learning_rate_init=1e-9)
    data = {"X_val": X, "y_val": labels} if given else {}
    rnn.set_params(class_weight={"up": 3.0, "down": 0.5})
    (score,) = rnn.fit(X, labels, **data).validation_scores_
    if given:
        weights = np.where(labels == "up", 3.0, 0.5)
        assert score == pytest.approx(rnn.score(X, labels, weights))
        assert score != pytest.approx(rnn.score(X, labels))
    else:
        held = split(len(X), 0.1, labels, np.random.RandomState(0))[1]
        right = rnn.predict([X[i] for i in held]) == labels[held]
        weights = np.where(labels[held] == "up", 3.0, 0.5)
        assert score == pytest.approx(np.average(right, weights=weights))


# ---- extreme weights ---------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [2.0**1023, 2.0**-1060])
def test_only_the_ratios_of_weights_count(ragged, factor):
    X, labels, numbers = ragged
    weights = np.random.RandomState(0).randint(1, 4, len(X)) / 4
    per_step = [np.full(len(x), w) for x, w in zip(X, weights, strict=True)]
    for rnn, y, w in (
        (RNNRegressor(**QUICK), numbers, weights),
        (RNNClassifier(**QUICK, class_weight="balanced"), labels, weights),
        (RNNClassifier(**QUICK, class_weight={"up": 0.5}), labels, weights),
        (RNNRegressor(**QUICK, mode="many_to_many"), [x[:, 0] for x in X], per_step),
    ):
        scaled = [v * factor for v in w]
        a, b = clone(rnn).fit(X, y, w), clone(rnn).fit(X, y, scaled)
        assert equal(a.params_, b.params_) and a.loss_curve_ == b.loss_curve_
        assert np.isfinite(b.loss_) and a.score(X, y, w) == b.score(X, y, scaled)


def test_extreme_class_weights_are_as_good_as_their_ratios(ragged):
    X, labels, _ = ragged
    fits = [
        RNNClassifier(**QUICK, class_weight={"up": 3 * f, "down": f}).fit(X, labels)
        for f in (1.0, 2.0**1020, 2.0**-1060)
    ]
    assert all(equal(rnn.params_, fits[0].params_) for rnn in fits)
