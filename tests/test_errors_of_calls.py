"""Calls that do not fit the model or the calls before them are refused by name."""

import pickle

import numpy as np
import pytest
from bad_input import DENSE, LABELS, NUMBERS, RAGGED, changed, ill
from sklearn.exceptions import NotFittedError

from sklearn_rnn import RNNClassifier, RNNRegressor


def test_partial_fit_refuses_other_features_and_keeps_the_model(refuses):
    rnn = RNNRegressor(2).partial_fit(RAGGED, NUMBERS)
    before = pickle.dumps(rnn)
    for X in (DENSE[:, :, :2], DENSE[:, :, 0]):
        with pytest.raises(ValueError, match=r"3 features|fitted on"):
            rnn.partial_fit(X, NUMBERS)
    assert pickle.dumps(rnn) == before


def test_what_is_not_fitted_says_so():
    rnn = RNNClassifier()
    calls = [
        lambda: rnn.predict(DENSE),
        lambda: rnn.predict_proba(DENSE),
        lambda: rnn.predict_log_proba(DENSE),
        lambda: rnn.score(DENSE, LABELS),
        lambda: rnn.hidden_states(DENSE),
        lambda: rnn.weights_,
        lambda: rnn.set_weights({}),
    ]
    for call in calls:
        with pytest.raises(NotFittedError):
            call()


def test_partial_fit_wants_the_classes_first_and_no_others_later(refuses):
    with pytest.raises(ValueError, match="`classes` must be passed to the first call"):
        RNNClassifier(2).partial_fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match=r"`y` has classes not in.*'b'"):
        RNNClassifier(2).partial_fit(RAGGED, LABELS, classes=["a", "c"])
    rnn = RNNClassifier(2).partial_fit(RAGGED, LABELS, classes=["a", "b", "c"])
    before = pickle.dumps(rnn)
    with pytest.raises(ValueError, match=r"`y` has classes not in.*'d'"):
        rnn.partial_fit(RAGGED, changed(LABELS, 0, "d"))
    with pytest.raises(ValueError, match="`classes` must be those of the first call"):
        rnn.partial_fit(RAGGED, LABELS, classes=["a", "b"])
    with pytest.raises(ValueError, match="`y`"):
        rnn.partial_fit(RAGGED, np.arange(6))
    assert pickle.dumps(rnn) == before
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        RNNClassifier(2, class_weight="balanced").partial_fit(RAGGED, LABELS, classes=["a", "b"])


def test_partial_fit_refuses_early_stopping(refuses):
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        RNNRegressor(2, early_stopping=True).partial_fit(RAGGED, NUMBERS)


@pytest.mark.parametrize(
    "name, value",
    [
        ("cell", "lstm"),
        ("hidden_layer_sizes", 3),
        ("bidirectional", True),
        ("connections", "residual"),
        ("connections", "skip"),
        ("dtype", "float64"),
        ("mode", "many_to_many"),
        ("loss", "huber"),
    ],
)
def test_going_on_with_another_network_is_refused(name, value):
    rnn = RNNRegressor((2, 2), warm_start=True, max_iter=1).fit(RAGGED, NUMBERS)
    rnn.set_params(**{name: value})
    for method in (rnn.fit, rnn.partial_fit):
        with pytest.raises(ValueError, match=f"`{name}` must not change.*has {name}=.*{value!r}"):
            method(RAGGED, NUMBERS)


def test_validation_data_must_be_complete_and_wanted(refuses):
    rnn = RNNRegressor(2, max_iter=1, early_stopping=True)
    refuses(rnn, "`X_val` needs `y_val`", RAGGED, NUMBERS, X_val=RAGGED)
    refuses(rnn, "needs `X_val`", RAGGED, NUMBERS, y_val=NUMBERS)
    refuses(rnn, "needs `X_val`", RAGGED, NUMBERS, sample_weight_val=NUMBERS)
    given = {"X_val": RAGGED, "y_val": NUMBERS}
    refuses(RNNRegressor(2), "early_stopping=True", RAGGED, NUMBERS, **given)
    bad = {**given, "X_val": changed(RAGGED, 2, ill(RAGGED[2], 0, np.nan))}
    refuses(rnn, "`X_val`.*sequence 2 has NaN", RAGGED, NUMBERS, **bad)
    refuses(rnn, "`y_val`.*6 sequences", RAGGED, NUMBERS, **{**given, "y_val": NUMBERS[:2]})
    refuses(rnn, "X_val has 2 features", RAGGED, NUMBERS, **{**given, "X_val": DENSE[:, :, :2]})
    refuses(rnn, "`sample_weight_val`", RAGGED, NUMBERS, **given, sample_weight_val=-(NUMBERS**2))


def test_a_validation_set_that_is_too_small_is_refused(refuses):
    rnn = RNNRegressor(2, early_stopping=True)
    message = "`validation_fraction` must leave at least 2 sequences to validate .* is 1"
    refuses(rnn, message, RAGGED, NUMBERS)
    rnn = RNNRegressor(2, early_stopping=True)
    given = {"X_val": RAGGED[:1], "y_val": NUMBERS[:1]}
    refuses(rnn, "`y_val`.*at least 2", RAGGED, NUMBERS, **given)


@pytest.mark.parametrize("callbacks", [3, "print", [print, 3]])
def test_what_is_no_callback_is_refused(refuses, callbacks):
    refuses(RNNRegressor(2), "`callbacks`", RAGGED, NUMBERS, error=TypeError, callbacks=callbacks)


def test_classes_that_are_no_list_are_named():
    for classes in ({"a", "b"}, "ab", [], [["a"], ["b"]]):
        with pytest.raises(ValueError, match="`classes` must be a list or 1-D array"):
            RNNClassifier(2).partial_fit(RAGGED, LABELS, classes=classes)


def test_validation_targets_must_be_like_those_of_training(refuses):
    two = np.stack([NUMBERS, NUMBERS], axis=1)
    rnn = RNNRegressor(2, max_iter=1, early_stopping=True, validation_fraction=0.5)
    for y, y_val in ((NUMBERS, two), (two, NUMBERS), (two, two[:, :1])):
        with pytest.raises(ValueError, match="`y_val` must have"):
            rnn.fit(RAGGED, y, X_val=RAGGED, y_val=y_val)
    rnn = RNNClassifier(2, max_iter=1, early_stopping=True)
    for y, y_val in ((LABELS, np.arange(6) % 2), (np.arange(6) % 2, LABELS)):
        with pytest.raises(ValueError, match="`y_val` must have labels of the type of `classes_`"):
            rnn.fit(RAGGED, y, X_val=RAGGED, y_val=y_val)
