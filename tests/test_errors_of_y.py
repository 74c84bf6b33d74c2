"""Bad targets are named, before anything is changed."""

from decimal import Decimal

import numpy as np
import pytest
from bad_input import DENSE, LABELS, NUMBERS, RAGGED, STEPS, changed
from sklearn.exceptions import DataConversionWarning

from sklearn_rnn import RNNClassifier, RNNRegressor


@pytest.mark.parametrize(
    "y, message",
    [
        (NUMBERS[:5], "`y`.*6 sequences.*\\(5,\\)"),
        (changed(NUMBERS, 2, np.nan), "`y` must be finite: `y\\[2\\]` is NaN"),
        (changed(NUMBERS, 2, np.inf), "`y` must be finite: `y\\[2\\]` is infinity"),
        (STEPS, "`y`.*many_to_many"),
        (np.zeros((6, 2, 2)), "`y`.*many_to_many"),
        (np.array(list("abcdef")), "`y` must hold real numbers, but it holds strings"),
        (list("123456"), "`y` must hold real numbers, but it holds strings"),
        (np.array(["2020", "NaT"] * 3, "M8[Y]"), "`y` must hold real numbers, but it holds dates"),
        (np.array([np.timedelta64(1, "D")] * 6, object), "`y` must hold real numbers"),
        (np.zeros(6, [("a", int)]), "`y` must hold real numbers, but it holds structures"),
        (None, "requires y to be passed, but the target y is None"),
        (3.0, "`y`"),
    ],
)
def test_bad_targets_of_a_regressor_are_named(refuses, y, message):
    refuses(RNNRegressor(2, max_iter=1), message, RAGGED, y)


@pytest.mark.parametrize(
    "y, message",
    [
        (LABELS[:5], "`y`.*6 sequences.*\\(5,\\)"),
        (changed(np.arange(6.0), 2, np.nan), "`y` must be finite: `y\\[2\\]` is NaN"),
        (NUMBERS, "continuous"),
        (["a", np.nan, "b"] * 2, "`y` must have no missing labels: `y\\[1\\]` is nan"),
        (np.zeros(6, [("a", int)]), "`y` must hold labels, but it holds structures"),
        (np.array([Decimal("sNaN")] * 6, object), "`y` must have no missing labels"),
        (STEPS, "`y`.*many_to_many"),
        (np.zeros((6, 2, 2)), "`y`.*many_to_many"),
        (np.eye(6)[:, :2] * [1, 0], "`y` must have a 1 in each.*column 1 has only 0.*leave"),
        (
            np.array([list("ab")] * 3 + [list("ac")] * 3),
            "two classes.*column 0 has only 'a'.*leave",
        ),
        (np.array([[0.5, 1.0]] * 6), "`y` cannot be read.*continuous"),
        ([["a", 1], ["b", None]] * 3, "`y` must have no missing labels: `y\\[1, 1\\]` is None"),
        (np.zeros((6, 0)), "`y` must have shape.*\\(6, 0\\)"),
        (None, "requires y to be passed, but the target y is None"),
    ],
)
def test_bad_labels_are_named(refuses, y, message):
    refuses(RNNClassifier(2, max_iter=1), message, RAGGED, y)


@pytest.mark.parametrize(
    "y, message",
    [
        (STEPS[:5], "`y`.*6 sequences"),
        (changed(STEPS, 3, STEPS[3][:2]), "sequence 3 has 3 steps, but `y\\[3\\]` has 2"),
        (changed(STEPS, 3, changed(STEPS[3], 1, np.nan)), "sequence 3 has NaN"),
        (NUMBERS, "`y`.*one target per step"),
        (changed(STEPS, 0, np.zeros((2, 2))), "`y\\[0\\]` is 2-D, but `y\\[1\\]` is 1-D"),
    ],
)
def test_bad_targets_per_step_are_named(refuses, y, message):
    refuses(RNNRegressor(2, mode="many_to_many", max_iter=1), message, RAGGED, y)


def test_empty_columns_of_labels_per_step_are_refused(refuses):
    y = [np.tile([1, 0], (len(x), 1)) for x in RAGGED]
    rnn = RNNClassifier(2, mode="many_to_many", max_iter=1)
    refuses(rnn, "`y` must have a 1 in each of its columns, but column 1 has", RAGGED, y)


def test_negative_counts_are_refused(refuses):
    refuses(RNNRegressor(2, loss="poisson"), "`y` must not be negative.*poisson", RAGGED, NUMBERS)


def test_a_gamma_of_zero_is_refused(refuses):
    y = changed(np.abs(NUMBERS), 2, 0.0)
    refuses(RNNRegressor(2, loss="gamma"), "`y` must be positive.*gamma", RAGGED, y)


def test_targets_that_overflow_are_refused(refuses):
    y = changed(NUMBERS, 1, 1e200)
    refuses(RNNRegressor(2, normalize_y=False), "`y`.*1e\\+200.*overflow", RAGGED, y)
    RNNRegressor(2, max_iter=1).fit(RAGGED, y)


def test_a_column_of_labels_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        rnn = RNNClassifier(2, max_iter=1).fit(RAGGED, LABELS[:, None])
    assert rnn.predict(RAGGED).shape == (6,)


def test_targets_of_another_form_than_in_fit_are_refused():
    two = np.stack([NUMBERS, NUMBERS], axis=1)
    rnn = RNNRegressor(2).partial_fit(RAGGED, two)
    for y in (NUMBERS, NUMBERS[:, None], two[:, [0, 1, 1]]):
        with pytest.raises(ValueError, match="`y` must have 2 columns"):
            rnn.partial_fit(RAGGED, y)
        with pytest.raises(ValueError, match="`y` must have 2 columns"):
            rnn.score(RAGGED, y)
    with pytest.raises(ValueError, match="`y` must have one number"):
        RNNRegressor(2).partial_fit(RAGGED, NUMBERS).partial_fit(RAGGED, two)


def test_targets_whose_mean_overflows_are_refused(refuses):
    y = np.full(6, 1.7e308)
    y[0] = 1.6e308
    refuses(RNNRegressor(2, dtype="float64"), "`y` has values.*mean or scale", RAGGED, y)


def test_labels_of_another_type_are_not_scored():
    codes = np.arange(6) % 2
    for fitted, scored in ((codes, codes.astype(str)), (LABELS, codes), (codes, LABELS)):
        rnn = RNNClassifier(2, max_iter=1).fit(RAGGED, fitted)
        with pytest.raises(ValueError, match="`y` must have labels of the type of `classes_`"):
            rnn.score(RAGGED, scored)
        assert 0 <= rnn.score(RAGGED, fitted.astype(object)) <= 1


def test_a_column_of_labels_per_step_is_flattened_with_a_warning():
    y = np.tile(LABELS[:, None], (1, 4))
    rnn = RNNClassifier(2, mode="many_to_many", max_iter=1)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        rnn.fit(DENSE, y[:, :, None])
    assert rnn.predict(DENSE).shape == (6, 4)


def test_a_huge_power_only_stops_the_learning():
    X = np.random.RandomState(0).normal(size=(20, 4, 3))
    settings = {"learning_rate": "invscaling", "max_iter": 3, "tol": 0.0}
    regressor = RNNRegressor(4, power_t=1000.0, **settings).fit(X, X.sum(axis=(1, 2)))
    assert np.isfinite(regressor.loss_)


def test_targets_without_a_column_are_refused():
    X = [np.ones((4, 2)), np.ones((3, 2))]
    with pytest.raises(ValueError, match="`y` must have one target per step, got none"):
        RNNRegressor(2, mode="many_to_many").fit(X, [np.zeros((4, 0)), np.zeros((3, 0))])


def test_steps_in_another_order_or_as_columns_get_a_hint(refuses):
    rnn = RNNRegressor(2, mode="many_to_many", max_iter=1)
    refuses(rnn, "The lengths are those of X in another order", RAGGED, STEPS[::-1])
    refuses(rnn, "In a 2-D X, each column is a step", np.zeros((6, 8)), np.zeros((6, 4)))


def test_one_sequence_without_a_list_gets_a_hint():
    x, y = np.ones((7, 2)), np.zeros(7)
    regressor = RNNRegressor(2, mode="many_to_many")
    for X in (x, [x]):
        with pytest.raises(ValueError, match=r"If this is one sequence, pass it as `\[y\]`"):
            regressor.fit(X, y)
    with pytest.raises(ValueError, match=r"If this is one sequence, pass its X as `\[X\]`"):
        regressor.fit(x, [y])
    with pytest.raises(ValueError, match=r"got 2 sequences\.$"):
        regressor.fit(x, [y, y])
