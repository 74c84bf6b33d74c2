"""Scores of steps are those of scikit-learn on flat arrays; distances between sequences."""

import pickle
import re
import time

import numpy as np
import pandas as pd
import pytest
from carriers import object_array
from hypothesis import given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn import metrics as flat_metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor, metrics
from sklearn_rnn.preprocessing import SequenceScaler

LENGTHS = (4, 4, 4, 4, 4)
flat = np.concatenate
CARRIERS = {
    "list": list,
    "tuple": tuple,
    "object array": object_array,
    "nested lists": lambda y: [item.tolist() for item in y],
    "array": np.array,
    "pandas": lambda y: [pd.Series(item) if item.ndim == 1 else pd.DataFrame(item) for item in y],
}
each_carrier = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
NAMES = np.array(["DET", "NOUN", "VERB"])


def draw(n_classes=3, lengths=LENGTHS):
    """Return labels, predicted labels, probabilities and weights of some sequences."""
    rng = np.random.default_rng(0)
    names = NAMES[:n_classes]
    y = [names[rng.integers(0, n_classes, n)] for n in lengths]
    y[0][:n_classes] = names  # all occur
    probabilities = [rng.dirichlet(np.ones(n_classes), n) for n in lengths]
    predicted = [names[p.argmax(axis=1)] for p in probabilities]
    weights = [rng.integers(0, 3, n) / 2 for n in lengths]
    weights[0][:n_classes] = 1.0
    return y, predicted, probabilities, weights


OF_LABELS = {
    "f1 macro": ("step_f1_score", "f1_score", {"average": "macro"}),
    "f1 of each": ("step_f1_score", "f1_score", {"average": None, "labels": ["VERB", "DET"]}),
    "confusion": ("step_confusion_matrix", "confusion_matrix", {}),
    "shares": ("step_confusion_matrix", "confusion_matrix", {"normalize": "true"}),
    "report": ("step_classification_report", "classification_report", {"digits": 4}),
    "dict": (
        "step_classification_report",
        "classification_report",
        {"output_dict": True, "target_names": ["a", "b", "c"]},
    ),
}
OF_PROBABILITIES = {
    "log loss": ("step_log_loss", "log_loss", {}),
    "sum": ("step_log_loss", "log_loss", {"normalize": False, "labels": NAMES}),
    "auc ovr": ("step_roc_auc", "roc_auc_score", {"multi_class": "ovr"}),
    "auc weighted": (
        "step_roc_auc",
        "roc_auc_score",
        {"multi_class": "ovr", "average": "weighted"},
    ),
}


def same(ours, theirs):
    if isinstance(theirs, (str, dict)):
        assert ours == theirs
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@each_carrier
@pytest.mark.parametrize("name", [*OF_LABELS, *OF_PROBABILITIES])
def test_scores_are_those_of_scikit_learn_on_flat_arrays(name, carrier):
    y, predicted, probabilities, weights = draw()
    ours, theirs, options = {**OF_LABELS, **OF_PROBABILITIES}[name]
    ours, theirs = getattr(metrics, ours), getattr(flat_metrics, theirs)
    given = predicted if name in OF_LABELS else probabilities
    same(ours(carrier(y), carrier(given), **options), theirs(flat(y), flat(given), **options))
    got = ours(carrier(y), carrier(given), sample_weight=carrier(weights), **options)
    taught = flat(weights) > 0
    expected = theirs(
        flat(y)[taught], flat(given)[taught], sample_weight=flat(weights)[taught], **options
    )
    same(got, expected)
    per_sequence = np.arange(1.0, 6.0)
    got = ours(y, carrier(given), sample_weight=per_sequence, **options)
    same(got, theirs(flat(y), flat(given), sample_weight=per_sequence.repeat(4), **options))


@pytest.mark.parametrize("name", [*OF_LABELS, *OF_PROBABILITIES])
def test_sequences_may_have_other_lengths(name):
    y, predicted, probabilities, _ = draw(lengths=(7, 1, 5, 12))
    ours, theirs, options = {**OF_LABELS, **OF_PROBABILITIES}[name]
    given = predicted if name in OF_LABELS else probabilities
    got = getattr(metrics, ours)(y, given, **options)
    same(got, getattr(flat_metrics, theirs)(flat(y), flat(given), **options))


def test_steps_of_weight_zero_do_not_count_whatever_they_hold():
    y = [["a", None], ["b", "a"]]
    weights = [[1, 0], [1, 1]]
    probabilities = [[[0.5, 0.5], [np.nan, np.nan]], [[0.1, 0.9], [0.8, 0.2]]]
    expected = flat_metrics.log_loss(["a", "b", "a"], [[0.5, 0.5], [0.1, 0.9], [0.8, 0.2]])
    got = metrics.step_log_loss(y, probabilities, sample_weight=weights)
    assert got == pytest.approx(expected, rel=1e-12)
    predicted = [["a", "odd"], ["b", "b"]]
    matrix = metrics.step_confusion_matrix(y, predicted, sample_weight=weights)
    np.testing.assert_array_equal(matrix, [[1, 1], [0, 1]])


@pytest.mark.parametrize("factor", [1e-320, 1e308])
def test_weights_of_any_size_give_the_same_score(factor):
    y, predicted, probabilities, weights = draw()
    tags = [
        np.array(["O", "B-X", "I-X"])[np.searchsorted(NAMES, item)] for item in (*y, *predicted)
    ]
    calls = [
        lambda w: metrics.step_f1_score(y, predicted, average="macro", sample_weight=w),
        lambda w: metrics.step_log_loss(y, probabilities, sample_weight=w),
        lambda w: metrics.step_roc_auc(y, probabilities, multi_class="ovr", sample_weight=w),
        lambda w: metrics.entity_f1_score(tags[:5], tags[5:], sample_weight=w),
        lambda w: metrics.token_error_rate(y, predicted, sample_weight=[item[0] for item in w]),
        lambda w: metrics.sequence_error_rate(y, predicted, sample_weight=[x[0] for x in w]),
    ]
    with np.errstate(all="raise"):
        for score in calls:
            expected = score(weights)
            assert expected > 0
            with np.errstate(under="ignore"):
                scaled = [factor * item for item in weights]
            assert score(scaled) == pytest.approx(expected, rel=2e-3)


def test_two_classes_have_one_score_or_two():
    y, _, probabilities, _ = draw(2)
    expected = flat_metrics.roc_auc_score(flat(y), flat(probabilities)[:, 1])
    assert metrics.step_roc_auc(y, probabilities) == pytest.approx(expected, rel=1e-12)
    second = [p[:, 1] for p in probabilities]
    assert metrics.step_roc_auc(y, second) == pytest.approx(expected, rel=1e-12)
    expected = flat_metrics.log_loss(flat(y), flat(probabilities))
    assert metrics.step_log_loss(y, second) == pytest.approx(expected, rel=1e-12)
    f1 = metrics.step_f1_score(y, y, pos_label="NOUN")
    assert f1 == 1


def test_several_labels_per_step_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y = [rng.integers(0, 2, (n, 3)) for n in LENGTHS]
    predicted = [rng.integers(0, 2, (n, 3)) for n in LENGTHS]
    scores = [rng.random((n, 3)) for n in LENGTHS]
    got = metrics.step_f1_score(y, predicted, average="samples", zero_division=0)
    expected = flat_metrics.f1_score(flat(y), flat(predicted), average="samples", zero_division=0)
    assert got == pytest.approx(expected, rel=1e-12)
    expected = flat_metrics.roc_auc_score(flat(y), flat(scores))
    assert metrics.step_roc_auc(y, scores) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("score", "y_true", "y_pred", "message"),
    [
        ("step_f1_score", [["a", "b"]], [["a"]], r"sequence 0 has 2 steps, but `y_pred\[0\]` has"),
        ("step_f1_score", [["a", "b"]], [[0, 1]], "must hold labels of one type"),
        ("step_f1_score", [["a", "b", "c"]], [["a", "b", "c"]], "multiclass"),
        ("step_log_loss", [["a"]], [[0.5, 0.5]], r"`y_proba\[0\]` has 2|`y_proba` must"),
        ("step_log_loss", [["a", "b"]], [[[0.5, np.nan]] * 2], "`y_proba` must be finite"),
        ("step_roc_auc", [["a", "b"]], [["a", "b"]], "`y_score` must hold real numbers"),
        ("step_confusion_matrix", [[0, 1]], [[[0, 1], [0, 1]]], "1 targets per step"),
        ("step_classification_report", "ab", "ab", "`y_true` must have one target per step"),
    ],
)
def test_what_does_not_match_is_named(score, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        getattr(metrics, score)(y_true, y_pred)


# ---- scorers ------------------------------------------------------------------------------------


class Echo(ClassifierMixin, BaseEstimator):
    """Predicts the probabilities that are X."""

    def __init__(self, n_classes=3):
        self.n_classes = n_classes

    def fit(self, X, y):
        self.classes_ = NAMES[: self.n_classes]
        return self

    def predict_proba(self, X):
        return X if isinstance(X, np.ndarray) else object_array(X)

    def predict(self, X):
        return object_array([self.classes_[p.argmax(axis=1)] for p in X])


class EchoNumbers(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return X


class EchoFlat(ClassifierMixin, BaseEstimator):
    """The same for one step per sample."""

    def __init__(self, n_classes):
        self.n_classes = n_classes
        self.classes_ = NAMES[:n_classes]

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return self.classes_[X.argmax(axis=1)]


@each_carrier
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "name",
    ["accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr", "balanced_accuracy", "jaccard_micro"],
)
def test_a_scorer_gives_the_score_of_flat_arrays(name, n_classes, carrier):
    y, _, probabilities, weights = draw(n_classes)
    X = probabilities
    scorer = metrics.step_scorer(name)
    echo, expected = Echo(n_classes).fit(X, y), get_scorer(name)
    got = scorer(echo, X, carrier(y))
    assert got == pytest.approx(expected(EchoFlat(n_classes), flat(X), flat(y)), rel=1e-12)
    taught = flat(weights) > 0
    got = scorer(echo, X, y, sample_weight=carrier(weights))
    arguments = flat(X)[taught], flat(y)[taught]
    theirs = expected(EchoFlat(n_classes), *arguments, sample_weight=flat(weights)[taught])
    assert got == pytest.approx(theirs, rel=1e-12)


def test_binary_scorers_know_the_second_class():
    y, _, X, _ = draw(2)
    echo = Echo(2).fit(X, y)
    for scorer in ("roc_auc", "average_precision"):
        if scorer == "average_precision":
            scorer = make_scorer(
                flat_metrics.average_precision_score,
                response_method="predict_proba",
                pos_label="NOUN",
            )
        expected = get_scorer(scorer)(EchoFlat(2), flat(X), flat(y))
        assert metrics.step_scorer(scorer)(echo, X, y) == pytest.approx(expected, rel=1e-12)


def test_a_scorer_with_labels_needs_not_all_classes():
    y, _, X, _ = draw()
    echo, part = Echo().fit(X, y), [np.where(item == "DET", "NOUN", item) for item in y]
    scorer = make_scorer(flat_metrics.log_loss, response_method="predict_proba", labels=NAMES)
    expected = metrics.step_log_loss(part, X, labels=NAMES)
    assert metrics.step_scorer(scorer)(echo, X, part) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="labels"):
        metrics.step_scorer("neg_log_loss")(echo, X, part)


@pytest.mark.parametrize("name", ["r2", "neg_mean_absolute_error", "neg_max_error"])
def test_scorers_of_numbers_are_those_of_flat_arrays(name):
    rng = np.random.default_rng(0)
    y, X = ([rng.normal(size=n) for n in (3, 1, 5)] for _ in range(2))
    got = metrics.step_scorer(name)(EchoNumbers(), X, y)
    assert got == pytest.approx(get_scorer(name)(EchoNumbers(), flat(X), flat(y)), rel=1e-12)


def test_a_scorer_is_shown_pickled_and_cloned():
    scorer = metrics.step_scorer("f1_macro")
    assert repr(scorer) == "StepScorer(scoring='f1_macro')"
    y, _, X, _ = draw()
    echo = Echo().fit(X, y)
    for again in (pickle.loads(pickle.dumps(scorer)), clone(scorer)):
        assert again(echo, X, y) == scorer(echo, X, y)
    with pytest.raises(ValueError, match="f2"):
        metrics.step_scorer("f2")


def tagged(n=24):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(length, 2)) for length in rng.integers(2, 6, n)]
    return X, [NAMES[(x[:, 0] > 0).astype(int) + (x[:, 0] > 1)] for x in X]


SEARCHES = {
    "grid": lambda rnn, grid, **options: GridSearchCV(rnn, grid, **options),
    "random": lambda rnn, grid, **options: RandomizedSearchCV(rnn, grid, n_iter=2, **options),
    "halving": lambda rnn, grid, **options: HalvingGridSearchCV(
        rnn, grid, min_resources=8, **options
    ),
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_every_search_takes_the_scorer(search):
    X, y = tagged()
    rnn = RNNClassifier(4, mode="many_to_many", max_iter=20, random_state=0)
    pipeline = make_pipeline(SequenceScaler(), rnn)
    grid = {"rnnclassifier__learning_rate_init": [1e-9, 0.1]}
    scorer = metrics.step_scorer("f1_macro")
    options = {"cv": KFold(2), "error_score": "raise"}
    found = search(pipeline, grid, scoring=scorer, **options).fit(X, object_array(y))
    assert found.best_params_ == {"rnnclassifier__learning_rate_init": 0.1}


def test_several_scores_are_computed_together():
    X, y = tagged()
    rnn = RNNClassifier(4, mode="many_to_many", max_iter=3, random_state=0)
    names = ("accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr")
    scoring = {name: metrics.step_scorer(name) for name in names}
    result = cross_validate(rnn, X, y, cv=KFold(3), scoring=scoring, error_score="raise")
    assert np.isfinite([result[f"test_{name}"] for name in names]).all()
    own = cross_validate(rnn, X, y, cv=KFold(3), error_score="raise")["test_score"]
    np.testing.assert_allclose(result["test_accuracy"], own, rtol=1e-12)


def test_weights_reach_the_scorer():
    X, y = tagged()
    weights = np.arange(len(X)) % 3
    with config_context(enable_metadata_routing=True):
        rnn = RNNClassifier(4, mode="many_to_many", max_iter=1, random_state=0)
        rnn.set_fit_request(sample_weight=False)
        scores = [
            cross_validate(
                rnn,
                X,
                y,
                cv=KFold(2),
                scoring=metrics.step_scorer("accuracy").set_score_request(sample_weight=asked),
                params={"sample_weight": weights} if asked else {},
            )["test_score"]
            for asked in (True, False)
        ]
    folds = list(KFold(2).split(X))
    y = object_array(y)
    for (train, test), weighted, plain in zip(folds, *scores, strict=True):
        fitted = clone(rnn).fit([X[i] for i in train], y[train])
        part = [X[i] for i in test]
        assert weighted == fitted.score(part, y[test], sample_weight=weights[test])
        assert plain == fitted.score(part, y[test])


@pytest.mark.parametrize("name", ["f1_macro", "neg_log_loss"])
def test_early_stopping_takes_the_scorer(name):
    X, y = tagged()
    scorer = metrics.step_scorer(name)
    options = {"mode": "many_to_many", "max_iter": 3, "random_state": 0, "early_stopping": True}
    rnn = RNNClassifier(4, scoring=scorer, **options).fit(X, y, X_val=X, y_val=y)
    assert rnn.best_validation_score_ == pytest.approx(scorer(rnn, X, y), rel=1e-6)
    numbers = [x[:, 0] for x in X]
    scorer = metrics.step_scorer("neg_mean_absolute_error")
    rnn = RNNRegressor(4, scoring=scorer, **options).fit(X, numbers, X_val=X, y_val=numbers)
    assert rnn.best_validation_score_ == pytest.approx(scorer(rnn, X, numbers), rel=1e-6)


# ---- edit distance ------------------------------------------------------------------------------


def distance(a, b):
    """Compute the edit distance by the textbook (Wagner and Fischer, 1974)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


texts = st.text("abc", max_size=9)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_distances_are_those_of_the_textbook(pairs):
    y_true, y_pred = zip(*pairs, strict=True)
    distances = metrics.edit_distance(y_true, y_pred)
    assert distances.tolist() == [distance(a, b) for a, b in pairs]
    if any(y_true):
        rate = metrics.token_error_rate(y_true, y_pred)
        assert rate == pytest.approx(distances.sum() / sum(map(len, y_true)), rel=1e-12)
    rate = metrics.sequence_error_rate(y_true, y_pred)
    assert rate == pytest.approx(np.mean([a != b for a, b in pairs]), rel=1e-12)


def test_distances_of_many_pairs_do_not_depend_on_each_other(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = ([rng.integers(0, 5, n) for n in rng.integers(0, 40, 60)] for _ in range(2))
    expected = [metrics.edit_distance([x], [y])[0] for x, y in zip(a, b, strict=True)]
    np.testing.assert_array_equal(metrics.edit_distance(a, b), expected)
    monkeypatch.setattr("sklearn_rnn._metrics.edits._CHUNK", 100)
    np.testing.assert_array_equal(metrics.edit_distance(a, b), expected)


@pytest.mark.clock
def test_thousands_of_words_take_less_than_a_second():
    rng = np.random.default_rng(0)
    a, b = ([rng.integers(0, 40, n).tolist() for n in rng.integers(5, 16, 6000)] for _ in range(2))
    start = time.perf_counter()
    metrics.edit_distance(a, b)
    assert time.perf_counter() - start < 1


WORDS = {
    "lists": [["K", "AE", "T"], ["D", "AO", "G", "Z"]],
    "tuples": (("K", "AE", "T"), ("D", "AO", "G", "Z")),
    "arrays": [np.array(["K", "AE", "T"]), np.array(["D", "AO", "G", "Z"])],
    "object array": object_array([np.array(["K", "AE", "T"]), np.array(["D", "AO", "G", "Z"])]),
    "pandas": pd.Series([["K", "AE", "T"], ["D", "AO", "G", "Z"]]),
}


@pytest.mark.parametrize("y_pred", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("y_true", WORDS.values(), ids=WORDS)
def test_sequences_come_in_any_carrier(y_true, y_pred):
    assert metrics.edit_distance(y_true, y_pred).tolist() == [0, 0]
    assert metrics.token_error_rate(y_true, y_pred) == 0
    wrong = [["K", "T"], ["D", "AO", "G", "Z"]]
    assert metrics.token_error_rate(y_true, wrong) == 1 / 7
    assert metrics.sequence_error_rate(y_true, wrong) == 0.5


def test_texts_are_sequences_of_characters():
    y_pred = object_array(["sitting", ""])
    for y_true in (["kitten", "ab"], np.array(["kitten", "ab"]), pd.Series(["kitten", "ab"])):
        assert metrics.edit_distance(y_true, y_pred).tolist() == [3, 2]
    assert metrics.edit_distance([list("kitten"), list("ab")], y_pred).tolist() == [3, 2]
    assert metrics.edit_distance(np.array([[1, 2], [3, 4]]), [[1], [3, 4]]).tolist() == [1, 0]


def test_the_nearest_alternative_counts():
    y_true = [["abcd", "xyz"], ["ab"], ["abc", "abcd"]]
    y_pred = ["xyy", "ab", "abcde"]
    assert metrics.edit_distance(y_true, y_pred, alternatives=True).tolist() == [1, 0, 1]
    rate = metrics.token_error_rate(y_true, y_pred, alternatives=True)
    assert rate == pytest.approx(2 / (3 + 2 + 4), rel=1e-12)
    rate = metrics.sequence_error_rate(y_true, y_pred, alternatives=True)
    assert rate == pytest.approx(2 / 3, rel=1e-12)
    y_true = [[["K", "AE"], ["K", "AA"]]]
    assert metrics.edit_distance(y_true, [["K", "AA"]], alternatives=True).tolist() == [0]


def test_weights_of_sequences_count():
    y_true, y_pred = ["abc", "d"], ["abd", "e"]
    rate = metrics.token_error_rate(y_true, y_pred, sample_weight=[3, 1])
    assert rate == pytest.approx((3 + 1) / (9 + 1), rel=1e-12)
    rate = metrics.sequence_error_rate(["a", "b"], ["a", "c"], sample_weight=[3, 1])
    assert rate == pytest.approx(0.25, rel=1e-12)
    scorer = make_scorer(metrics.token_error_rate, greater_is_better=False)
    assert scorer(EchoNumbers(), y_pred, y_true) == -0.5


@pytest.mark.parametrize("score", ["edit_distance", "token_error_rate", "sequence_error_rate"])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "error", "message"),
    [
        ("abc", ["abc"], {}, TypeError, r"`y_true` must be a list .* got str: give \[y_true\]"),
        (["abc"], 3, {}, TypeError, "`y_pred` must be a list or array of sequences, got int"),
        ([], [], {}, ValueError, "`y_true` must hold at least one sequence"),
        (["abc"], ["abc", "d"], {}, ValueError, "each of the 1 samples of `y_true`, got 2"),
        ([1, 2], [1, 2], {}, ValueError, r"`y_true\[0\]` is 1"),
        (["a", None], ["a", "b"], {}, ValueError, r"`y_true\[1\]` is None"),
        ([["a", None]], ["a"], {}, ValueError, r"`y_true\[0\]\[1\]` is None"),
        ([["a"]], [["a", ["b"]]], {}, ValueError, r"`y_pred\[0\]\[1\]` is \['b'\]"),
        (["1"], [[1]], {}, ValueError, "must hold labels of one type"),
        ([[1.0, np.nan]], [[1.0]], {}, ValueError, r"`y_true\[0\]\[1\]` is nan"),
        (["abc"], ["abc"], {"alternatives": True}, ValueError, r"`y_true\[0\]` is 'abc'"),
        ([[]], ["abc"], {"alternatives": True}, ValueError, r"`y_true\[0\]` is \[\]"),
        (["abc"], ["abc"], {"alternatives": 1}, ValueError, "`alternatives` must be True or"),
    ],
)
def test_what_is_no_sequence_is_named(score, y_true, y_pred, options, error, message):
    with pytest.raises(error, match=message):
        getattr(metrics, score)(y_true, y_pred, **options)


def test_a_rate_needs_a_label():
    with pytest.raises(ValueError, match="`y_true` must have at least one label"):
        metrics.token_error_rate([""], ["abc"])
    with pytest.raises(ValueError, match="`sample_weight` must not be all zero"):
        metrics.token_error_rate(["a"], ["abc"], sample_weight=[0])


# ---- documentation ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", metrics.__all__)
def test_docstrings_are_filled(name):
    doc = getattr(metrics, name).__doc__
    assert not re.search(r"^ *\{\w+\}$", doc, flags=re.MULTILINE)
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert doc.count(f"    {section}\n") == 1, section
