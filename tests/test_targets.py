"""Labels are of one type, none is missing; what weighs 0 may be anything; y may be a column."""

import enum

import numpy as np
import pandas as pd
import pytest
import sklearn

from sklearn_rnn import RNNClassifier, RNNRegressor, unpad
from sklearn_rnn.metrics import sequence_accuracy, step_accuracy, step_r2
from sklearn_rnn.preprocessing import SequenceScaler

X = np.random.default_rng(0).normal(size=(12, 4, 3))
NUMBERS = X[:, :, 0]  # per step
CODES = (NUMBERS > 0).astype(int)
WORDS = np.where(CODES, "yes", "no")
MODES = ("many_to_one", "many_to_many")
modes = pytest.mark.parametrize("mode", MODES)


class Colour(str, enum.Enum):  # noqa: UP042
    RED = "red"
    BLUE = "blue"


def objects(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def rnn(estimator, mode="many_to_one", **options):
    return estimator(2, mode=mode, max_iter=2, random_state=0, **options)


# ---- labels of one type -------------------------------------------------------------------------

BAD_PAIRS = {
    "members": ([Colour.RED, Colour.BLUE], "members of an enumeration, such as <Colour.RED"),
    "a NaN": (["a", np.nan], "no missing labels.* nan"),
    "a None": (["a", None], "no missing labels.* None"),
    "1 None": ([1, None], "no missing labels.* None"),
    "a NA": (["a", pd.NA], "no missing labels.* <NA>"),
    "a 1": (["a", 1], "labels of one type, but it has numbers .* and strings"),
    "True a": ([True, "a"], "labels of one type, but it has numbers .* and strings"),
    "a b''": (["a", b"a"], "labels of one type, but it has bytes .* and strings"),
    "NaT": ([pd.Timestamp("2020"), pd.NaT], "no missing labels.* NaT"),
}
FLAT = {
    "list": list,
    "tuple": tuple,
    "objects": objects,
    "series": lambda labels: pd.Series(labels, dtype=object),
}
NESTED = {
    "lists": lambda labels: [labels * 2 for _ in X],
    "uneven lists": lambda labels: [labels * 2] * 11 + [labels * 2],
    "tuples": lambda labels: tuple(tuple(labels * 2) for _ in X),
    "object arrays": lambda labels: [objects(labels * 2) for _ in X],
    "2-D objects": lambda labels: objects(labels * 24).reshape(12, 4),
    "series": lambda labels: [pd.Series(labels * 2, dtype=object) for _ in X],
    "one in each": lambda labels: [objects([labels[i % 2]] * 4) for i in range(12)],
}


@pytest.mark.parametrize("pair", BAD_PAIRS)
@pytest.mark.parametrize("carrier", FLAT)
def test_labels_that_numpy_would_change_are_refused(carrier, pair):
    labels, message = BAD_PAIRS[pair]
    y = FLAT[carrier](labels * 6)
    classifier = rnn(RNNClassifier)
    with pytest.raises(ValueError, match=f"`y` must .*{message}"):
        classifier.fit(X, y)
    with pytest.raises(ValueError, match=f"`classes` must .*{message}"):
        classifier.partial_fit(X, [0, 1] * 6, classes=FLAT[carrier](labels))
    stopping = rnn(RNNClassifier, early_stopping=True)
    with pytest.raises(ValueError, match=f"`y_val` must .*{message}"):
        stopping.fit(X, WORDS[:, 0], X_val=X, y_val=y)
    with pytest.raises(ValueError, match=f"`y` must .*{message}"):
        rnn(RNNClassifier).fit(X, WORDS[:, 0]).score(X, y)


@pytest.mark.parametrize("pair", BAD_PAIRS)
@pytest.mark.parametrize("carrier", NESTED)
def test_labels_per_step_that_numpy_would_change_are_refused(carrier, pair):
    labels, message = BAD_PAIRS[pair]
    y = NESTED[carrier](labels)
    with pytest.raises(ValueError, match=f"`y` must .*{message}"):
        rnn(RNNClassifier, "many_to_many").fit(X, y)
    for score in (step_accuracy, sequence_accuracy):
        with pytest.raises(ValueError, match=f"`y_pred` must .*{message}"):
            score(WORDS, y)


@pytest.mark.parametrize("y", [np.array(["2020", "NaT"] * 6, "M8[D]"), [0, 1, np.nan] * 4])
def test_missing_labels_are_named_with_their_place(y):
    message = r"`y\[[12]\]` is Na[TN]\. Leave it out, or give it `sample_weight` 0"
    with pytest.raises(ValueError, match=message):
        rnn(RNNClassifier).fit(X, y)
    steps = [list(y[:4])] * 12
    with pytest.raises(ValueError, match=r"sequence 0 has Na[TN] at step [12]"):
        rnn(RNNClassifier, "many_to_many").fit(X, steps)
    with pytest.raises(ValueError, match=r"`classes\[[12]\]` is Na[TN]"):
        rnn(RNNClassifier).partial_fit(X, [0, 1] * 6, classes=y[:3])


def test_integers_that_no_dtype_holds_are_not_rounded():
    large = [2**63 + 1, -1]
    for y in (large * 6, pd.Series(large * 6, dtype=object)):
        with pytest.raises(ValueError, match="`y` must have integers of one type"):
            rnn(RNNClassifier).fit(X, y)
    with pytest.raises(ValueError, match="`y` must have integers of one type"):
        rnn(RNNClassifier, "many_to_many").fit(X, [large * 2] * 12)


def test_enumerations_that_are_their_values_are_taken():
    class Word(enum.StrEnum):
        YES = "yes"
        NO = "no"

    y = [Word(word) for word in WORDS[:, 0]]
    assert rnn(RNNClassifier).fit(X, y).classes_.tolist() == ["no", "yes"]


def test_categories_and_nullable_columns_are_labels():
    for dtype, classes in (("category", [0, 1]), ("Int64", [0, 1]), ("boolean", [False, True])):
        y = pd.Series(CODES[:, 0]).astype(dtype)
        assert rnn(RNNClassifier).fit(X, y).classes_.tolist() == classes
        per_step = [pd.Series(codes).astype(dtype) for codes in CODES]
        classifier = rnn(RNNClassifier, "many_to_many").fit(X, per_step)
        assert classifier.classes_.tolist() == classes


def test_labels_padded_with_none_are_cut_as_they_are():
    cut = unpad([["a", "b"], ["c", None]], [2, 1])
    assert [labels.tolist() for labels in cut] == [["a", "b"], ["c"]]


# ---- weight 0 -----------------------------------------------------------------------------------

MISSING = {
    "None": None,
    "NaN": np.nan,
    "infinity": np.inf,
    "NA": pd.NA,
    "NaT": pd.NaT,
    "datetime64": np.datetime64("NaT"),
    "unseen": "unseen",
}
TARGETS = {"numbers": (RNNRegressor, NUMBERS), "codes": (RNNClassifier, CODES)}
TARGETS["words"] = RNNClassifier, WORDS
UNTAUGHT = (2, 7)
WEIGHTS = {
    "many_to_one": np.where(np.isin(np.arange(12), UNTAUGHT), 0.0, 1.0),
    "many_to_many": np.where(np.arange(48).reshape(12, 4) % 7 == 3, 0.0, 1.0),
}
WEIGHTS["many_to_many"][UNTAUGHT[0]] = 0.0
PER_STEP = {
    "lists": list,
    "2-D objects": lambda rows: np.array(rows, dtype=object),
    "object arrays": lambda rows: list(map(objects, rows)),
    "array of arrays": lambda rows: objects(list(map(objects, rows))),
    "series": lambda rows: [pd.Series(row, dtype=object) for row in rows],
}
CARRIERS = {"many_to_one": FLAT, "many_to_many": PER_STEP}


def with_gaps(y, mode, missing):
    """Return y as (nested) lists, in which what weighs 0 is missing."""
    if mode == "many_to_one":
        pairs = zip(y[:, 0].tolist(), WEIGHTS[mode], strict=True)
        return [label if weight else missing for label, weight in pairs]
    return [
        [label if weight else missing for label, weight in zip(*pair, strict=True)]
        for pair in zip(y.tolist(), WEIGHTS[mode], strict=True)
    ]


@pytest.mark.parametrize(
    ("target", "missing"),
    # A string among numbers is another mistake.
    [(t, m) for t in TARGETS for m in MISSING if m != "unseen" or t == "words"],
)
@modes
def test_what_weighs_nothing_may_be_missing(mode, target, missing):
    estimator, y = TARGETS[target]
    weights = WEIGHTS[mode]
    whole = y if mode == "many_to_many" else y[:, 0]
    given = {"sample_weight": weights, "X_val": X, "sample_weight_val": weights}

    def fitted(y):
        return rnn(estimator, mode, early_stopping=True).fit(X, y, y_val=y, **given)

    expected = fitted(whole)
    for carry in CARRIERS[mode].values():
        gaps = carry(with_gaps(y, mode, MISSING[missing]))
        model = fitted(gaps)
        np.testing.assert_array_equal(model.params_, expected.params_)
        assert model.validation_scores_ == expected.validation_scores_
        assert model.score(X, gaps, weights) == model.score(X, whole, weights)
        classes = {"classes": np.unique(y)} if estimator is RNNClassifier else {}
        rnn(estimator, mode).partial_fit(X, gaps, weights, **classes)
        if estimator is RNNClassifier:
            assert model.classes_.tolist() == expected.classes_.tolist()
        if missing != "unseen":
            with pytest.raises(ValueError, match="`y` must"):
                rnn(estimator, mode).fit(X, gaps)


@pytest.mark.parametrize("target", TARGETS)
def test_a_sequence_that_weighs_nothing_needs_no_targets_at_all(target):
    estimator, y = TARGETS[target]
    weights = WEIGHTS["many_to_many"]
    gaps = y.tolist()
    gaps[UNTAUGHT[0]] = None
    model = rnn(estimator, "many_to_many").fit(X, gaps, weights)
    expected = rnn(estimator, "many_to_many").fit(X, y, weights)
    np.testing.assert_array_equal(model.params_, expected.params_)
    gaps[0] = None
    with pytest.raises(ValueError, match=r"`y\[0\]`"):
        rnn(estimator, "many_to_many").fit(X, gaps, weights)


def test_targets_of_weight_zero_are_left_as_they_came():
    y, steps = NUMBERS[:, 0].copy(), NUMBERS.copy()
    y[list(UNTAUGHT)] = steps[UNTAUGHT[0]] = np.nan
    before = y.copy(), steps.copy()
    rnn(RNNRegressor).fit(X, y, WEIGHTS["many_to_one"])
    rnn(RNNRegressor, "many_to_many").fit(X, steps, WEIGHTS["many_to_many"])
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(steps, before[1])


@pytest.mark.parametrize("missing", MISSING)
def test_scores_do_not_look_at_what_weighs_nothing(missing):
    weights = WEIGHTS["many_to_many"]
    predicted = WORDS[::-1]
    gaps = with_gaps(WORDS, "many_to_many", MISSING[missing])
    for score in (step_accuracy, sequence_accuracy):
        expected = score(WORDS, predicted, sample_weight=weights)
        assert score(gaps, predicted, sample_weight=weights) == expected
        assert score(predicted, gaps, sample_weight=weights) == expected
    if missing != "unseen":
        gaps = with_gaps(NUMBERS, "many_to_many", MISSING[missing])
        expected = step_r2(NUMBERS, NUMBERS[::-1], sample_weight=weights)
        assert step_r2(gaps, NUMBERS[::-1], sample_weight=weights) == expected
        assert step_r2(NUMBERS[::-1], gaps, sample_weight=weights) == step_r2(
            NUMBERS[::-1], NUMBERS, sample_weight=weights
        )


# ---- columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize("carry", [np.asarray, list], ids=["array", "list"])
@modes
def test_one_target_may_have_an_axis_of_its_own_in_one_place_and_not_in_another(mode, carry):
    flat = NUMBERS if mode == "many_to_many" else NUMBERS[:, 0]
    carry = carry if mode == "many_to_many" else np.asarray
    flat, column = carry(flat), carry(flat[..., np.newaxis])
    options = {"early_stopping": True}
    one = rnn(RNNRegressor, mode, **options).fit(X, flat, X_val=X, y_val=column)
    other = rnn(RNNRegressor, mode, **options).fit(X, column, X_val=X, y_val=flat)
    np.testing.assert_array_equal(one.params_, other.params_)
    assert one.score(X, flat) == one.score(X, column) == other.score(X, flat)
    assert np.shape(one.predict(X)) == np.shape(flat)
    assert np.shape(other.predict(X)) == np.shape(column)
    more = rnn(RNNRegressor, mode).partial_fit(X, flat).partial_fit(X, column)
    assert np.shape(more.predict(X)) == np.shape(flat)


# ---- what scikit-learn is told to assume --------------------------------------------------------


@pytest.mark.parametrize("estimator", [RNNRegressor, RNNClassifier])
@modes
def test_nothing_is_assumed_to_be_finite(mode, estimator):
    y = NUMBERS if estimator is RNNRegressor else CODES.astype(float)
    y = y if mode == "many_to_many" else y[:, 0]
    weights = np.ones(12)
    good = {"X": X, "y": y, "sample_weight": weights}
    good |= {"X_val": X, "y_val": y, "sample_weight_val": weights}
    with sklearn.config_context(assume_finite=True):
        for name, value in good.items():
            for bad in (np.nan, np.inf):
                value = value.copy()
                value[3] = bad
                with pytest.raises(ValueError, match=f"`{name}` must be finite"):
                    rnn(estimator, mode, early_stopping=True).fit(**{**good, name: value})
        for X_bad in (np.full((2, 3), np.inf), np.full((2, 3, 1), np.inf)):
            with pytest.raises(ValueError, match="`X` must be finite"):
                SequenceScaler().fit(X_bad)
        with pytest.raises(ValueError, match="`sample_weight` must be finite"):
            SequenceScaler().fit(X, sample_weight=np.full(12, np.nan))
