"""Scores of per-step targets agree with scikit-learn's on the steps laid end to end."""

import itertools

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score, make_scorer, r2_score
from sklearn.model_selection import cross_val_score

from sklearn_rnn import metrics

LENGTHS = (4, 1, 6)


def objects(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def labels(seed, lengths=LENGTHS):
    rng = np.random.default_rng(seed)
    return [rng.choice(np.array(["DET", "NOUN", "VERB"]), length) for length in lengths]


def numbers(seed, shape=(), lengths=LENGTHS):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, *shape)) for length in lengths]


TRUE, PREDICTED = labels(0), labels(1)
WEIGHTS = [np.array([1.0, 0, 2, 0.5]), np.array([0.25]), np.array([0, 0, 1.0, 3, 1, 0])]
flat = np.concatenate
SCORES = [metrics.step_accuracy, metrics.sequence_accuracy, metrics.step_r2]
CARRIERS = {
    "list": list,
    "tuple": tuple,
    "object array": objects,
    "nested lists": lambda y: [item.tolist() for item in y],
    "array": np.array,
}


@pytest.mark.parametrize(
    ("sample_weight", "steps"),
    [
        (None, None),
        (WEIGHTS, flat(WEIGHTS)),
        (objects(WEIGHTS), flat(WEIGHTS)),
        ([2, 0, 0.5], np.repeat([2, 0, 0.5], LENGTHS)),
    ],
)
def test_scores_over_steps_are_those_of_scikit_learn(sample_weight, steps):
    score = metrics.step_accuracy(TRUE, PREDICTED, sample_weight=sample_weight)
    expected = accuracy_score(flat(TRUE), flat(PREDICTED), sample_weight=steps)
    assert score == pytest.approx(expected, rel=1e-12)
    assert type(score) is float
    for shape in ((), (1,), (3,)):
        y_true, y_pred = numbers(0, shape), numbers(1, shape)
        score = metrics.step_r2(y_true, y_pred, sample_weight=sample_weight)
        expected = r2_score(flat(y_true), flat(y_pred), sample_weight=steps)
        assert score == pytest.approx(expected, rel=1e-12)
        assert type(score) is float


@pytest.mark.parametrize("pair", list(itertools.product(CARRIERS, CARRIERS)), ids="-".join)
def test_carriers_may_be_mixed(pair):
    true, predicted = (CARRIERS[name] for name in pair)
    y_true, y_pred = labels(0, (4, 4, 4)), labels(1, (4, 4, 4))
    for score in (metrics.step_accuracy, metrics.sequence_accuracy):
        assert score(true(y_true), predicted(y_pred)) == score(y_true, y_pred)
        assert score(true(y_true), predicted(y_true)) == 1
    y_true, y_pred = numbers(0, (2,), (4, 4, 4)), numbers(1, (2,), (4, 4, 4))
    assert metrics.step_r2(true(y_true), predicted(y_pred)) == metrics.step_r2(y_true, y_pred)


def test_a_sequence_is_right_if_all_its_steps_are():
    y_true = [[1, 2, 3], [4], [5, 6]]
    y_pred = [[1, 2, 0], [4], [5, 6]]
    assert metrics.sequence_accuracy(y_true, y_pred) == pytest.approx(2 / 3)
    assert metrics.sequence_accuracy(y_true, y_pred, sample_weight=[2, 1, 1]) == 0.5


def test_steps_of_weight_zero_may_be_wrong():
    y_true = [[1, 2, 3], [4], [5, 6]]
    y_pred = [[1, 2, 0], [0], [5, 6]]
    taught = [[1, 1, 0], [1], [1, 1]]
    assert metrics.step_accuracy(y_true, y_pred, sample_weight=taught) == 0.8
    assert metrics.sequence_accuracy(y_true, y_pred, sample_weight=taught) == pytest.approx(2 / 3)
    # A sequence nothing is taught of does not count.
    taught = [[1, 1, 0], [0], [1, 1]]
    assert metrics.sequence_accuracy(y_true, y_pred, sample_weight=taught) == 1


def test_the_length_of_a_sequence_does_not_weigh():
    y_true, y_pred = [[1] * 9, [1]], [[1] * 9, [0]]
    for weights in ([2, 6], [[2] * 9, [6]], [[2] + [0] * 8, [6]]):
        score = metrics.sequence_accuracy(y_true, y_pred, sample_weight=weights)
        assert score == pytest.approx(0.25)


def test_a_step_with_several_labels_is_right_if_all_are():
    y_true, y_pred = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    y_pred[0, 0, 1] = 1
    assert metrics.step_accuracy(y_true, y_pred) == 0.75
    assert metrics.sequence_accuracy(y_true, y_pred) == 0.5


def test_one_target_may_have_an_axis_of_its_own():
    y_true, y_pred = np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3, 1)
    assert metrics.step_accuracy(y_true, y_pred) == 1
    assert metrics.step_r2(y_true, y_pred) == 1


def test_labels_of_objects_are_those_of_strings():
    y_true = np.array([["a", "b"], ["c", "d"]])
    assert metrics.step_accuracy(y_true, y_true.astype(object)) == 1


def test_a_constant_target_scores_one_or_zero():
    y_true = [[0.1, 0.1], [0.1]]
    weights = [[1 / 3, 1 / 7], [1]]
    assert metrics.step_r2(y_true, y_true, sample_weight=weights) == 1
    assert metrics.step_r2(y_true, [[0.1, 0.2], [0.1]], sample_weight=weights) == 0
    mixed = np.array([[[1.0, 0.1], [2.0, 0.1]]])
    missed = mixed + np.array([0, 1])
    assert metrics.step_r2(mixed, missed) == r2_score(mixed[0], missed[0]) == 0.5


def test_one_step_has_no_r2():
    with pytest.warns(UserWarning, match="not defined for fewer than two steps"):
        assert np.isnan(metrics.step_r2([[1.0]], [[2.0]]))
    with pytest.warns(UserWarning, match="not defined for fewer than two steps"):
        assert np.isnan(metrics.step_r2([[1.0, 3.0]], [[2.0, 3.0]], sample_weight=[[1, 0]]))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("y_true", "y_pred", "sample_weight", "message"),
    [
        ([[1, 2], [3]], [[1, 2], [3, 4]], None, r"sequence 1 has 1 steps, but `y_pred\[1\]` has 2"),
        ([[1, 2], [3]], [[1, 2]], None, "`y_pred` .* of 2 sequences, got 1"),
        ([1, 2], [1, 2], None, "`y_true` must have one target per step"),
        ([[1, 2]], [1, 2], None, "`y_pred` must have one target per step"),
        (np.ones((2, 3)), np.ones((2, 3, 4)), None, "1 targets per step like `y_true`, got 4"),
        ([[1, 2], [3]], [[1, np.nan], [3]], None, "`y_pred` must be finite: sequence 0 has NaN"),
        ([[1, 2], []], [[1, 2], [3]], None, r"`y_true\[1\]` has none"),
        ([[1, 2], [3]], [[1, 2], [3]], [0, 0], "`sample_weight` must not be zero everywhere"),
        ([[1, 2], [3]], [[1, 2], [3]], [1, -1], "`sample_weight` must not be negative"),
        ([[1, 2], [3]], [[1, 2], [3]], [[1, 2], [3, 4]], r"`sample_weight\[1\]` has 2"),
    ],
)
def test_what_does_not_match_is_named(score, y_true, y_pred, sample_weight, message):
    with pytest.raises(ValueError, match=message):
        score(y_true, y_pred, sample_weight=sample_weight)


@pytest.mark.parametrize("score", [metrics.step_accuracy, metrics.sequence_accuracy])
def test_strings_and_numbers_are_not_compared(score):
    with pytest.raises(ValueError, match="`y_true` and `y_pred` must hold labels of one type"):
        score([["1", "2"]], [[1, 2]])


def test_r2_wants_numbers():
    with pytest.raises(ValueError, match=r"`y_true\[0\]` must hold real numbers"):
        metrics.step_r2([["a", "b"], ["a"]], [[1, 2], [3]])


class Echo(ClassifierMixin, BaseEstimator):
    """Predicts the first feature of each step, in the carrier of X."""

    def fit(self, X, y):
        self.classes_ = np.arange(3)
        return self

    def predict(self, X):
        if isinstance(X, np.ndarray) and X.dtype != object:
            return X[:, :, 0].astype(int)
        return objects([np.asarray(item)[:, 0].astype(int) for item in X])


@pytest.mark.parametrize("carrier", ["list", "object array", "array"])
@pytest.mark.parametrize("score", SCORES)
def test_cross_validation_takes_the_scores_as_they_are(score, carrier):
    lengths = (5,) * 6 if carrier == "array" else (2, 3, 4, 5, 6, 7)
    rng = np.random.default_rng(0)
    y = [rng.integers(0, 3, length) for length in lengths]
    X = [np.c_[item, item] for item in y]
    wrap = CARRIERS[carrier]
    scores = cross_val_score(Echo(), wrap(X), wrap(y), scoring=make_scorer(score), cv=3)
    np.testing.assert_array_equal(scores, [1, 1, 1])
    X[0] = X[0] + 1
    scores = cross_val_score(Echo(), wrap(X), wrap(y), scoring=make_scorer(score), cv=3)
    assert scores[0] < 1
    np.testing.assert_array_equal(scores[1:], [1, 1])


@pytest.mark.parametrize("score", SCORES)
def test_docstrings_are_filled(score):
    assert "{" not in score.__doc__
    for section in ("sample_weight : array-like", "    ValueError\n        If the sequences of"):
        assert score.__doc__.count(section) == 1
