"""Whatever is passed: a finite result, or an error that names the argument and changes nothing.

Hypothesis draws the calls; what is drawn, and what is held of each call, is in hostile.py.
"""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("hypothesis")

from hostile import Call, storm
from hostile_calls import CALLS
from hostile_values import BAD, UNSURE
from hypothesis import strategies as st

from sklearn_rnn import RNNClassifier, RNNRegressor, metrics
from sklearn_rnn._estimators.parameters import TABLE
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.preprocessing import SequenceScaler
from sklearn_rnn.transfer import MultiTaskRNN

N_CALLS = 330  # of each method: with the parameters more than 5,000 cases
N_VALUES = 12  # of each parameter
OFTEN = 0.25  # the least share of answers, and of refusals


def assert_often(tally):
    """Hold that both outcomes came often: a storm of one kind of calls would prove little."""
    assert min(tally["answered"], tally["refused"]) >= OFTEN * tally.total(), dict(tally)


@pytest.mark.parametrize("method", CALLS)
def test_a_call_is_answered_in_finite_numbers_or_refused_by_name(method):
    assert_often(storm(CALLS[method], N_CALLS))


# ---- constructor parameters ---------------------------------------------------------------------

X = np.random.RandomState(0).normal(size=(6, 4, 2))
DATA = {
    RNNRegressor: {"X": X, "y": X[:, 0, 0]},
    RNNClassifier: {"X": X, "y": np.array(["a", "b", "a"] * 2)},
    MultiTaskRNN: {"X": X, "y": {"a": np.array(["a", "b", "a"] * 2)}},
    RNNLanguageModel: {"X": ["ab cd", "ab", "cd ab"] * 2},
}
SLOW_IF_LARGE = ("max_iter", "hidden_layer_sizes", "n_threads")

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([2**31, 2**62, 2**64, 10**400, -(10**400), 10**5000]),
    st.floats(),
    st.sampled_from([np.float32(0.5), np.int64(2), np.bool_(True), np.str_("lstm"), 1 + 0j]),
    st.sampled_from([Fraction(1, 3), "", "auto", "balanced", "tanh", "adam", "float64", b"lstm"]),
    st.text(max_size=3),
    st.lists(st.integers(-1, 3), max_size=3),
    st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple),
    st.sampled_from([{}, {"a": 2.0}, {"a": -1}, {"a": "b"}, {"c": 1.0}, {None: 1, 3: 2}, {"a"}]),
    st.lists(st.integers(1, 3), max_size=3).map(np.array),
    st.sampled_from([np.ones((2, 2)), np.array(None), np.array("tanh"), [[1], [2]], (2, None)]),
    st.sampled_from([len, float, object(), NotImplemented, Ellipsis, slice(2), range(3)]),
)


@st.composite
def constructions(draw, name):
    """Calls of fit with one parameter that may be anything."""
    value = draw(ANYTHING)
    estimator = draw(st.sampled_from([each for each in DATA if name in each().get_params()]))
    rule = TABLE[name].rule
    verdict = UNSURE if rule is None or rule.test(value) else BAD
    rnn = estimator(**{"hidden_layer_sizes": 2, "max_iter": 1, name: value})
    parameters = (name,) if verdict == BAD else tuple(rnn.get_params())
    return Call(rnn, "fit", DATA[estimator], verdict, parameters)


@pytest.mark.parametrize("name", TABLE)
def test_a_parameter_of_any_type_is_taken_or_named(name, capsys):
    tally = storm(constructions(name), N_VALUES)
    assert tally["refused"] >= OFTEN * tally.total(), dict(tally)


# ---- the ends of the floating-point range -------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-320, 1e308])
def test_weights_of_any_size_give_the_same_score(factor):
    weights = np.array([0.25, 0.5, 1.0, 0.0, 0.75, 1.0])
    y = np.round(X[:, :, 0])
    for score in (metrics.sequence_accuracy, metrics.step_accuracy, metrics.step_r2):
        expected = score(y, y.clip(-1, 1), sample_weight=weights)
        assert 0 < expected < 1
        found = score(y, y.clip(-1, 1), sample_weight=factor * weights)
        assert found == pytest.approx(expected, rel=1e-3)  # a weight of 1e-320 has three digits


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_r2_does_not_depend_on_the_unit(factor):
    y, predicted = X[:, :, 0], X[:, :, 0] + 0.1 * X[:, :, 1]
    expected = metrics.step_r2(y, predicted)
    assert 0.9 < expected < 1
    assert metrics.step_r2(factor * y, factor * predicted) == pytest.approx(expected, rel=1e-12)


def test_r2_too_far_below_zero_is_the_least_float():
    assert metrics.step_r2([[1.0, 2.0]], [[1e300, -1e300]]) == -np.finfo(np.float64).max


def test_validation_does_not_depend_on_the_unit():
    def validated(factor):
        y = factor * DATA[RNNRegressor]["y"]
        rnn = RNNRegressor(2, max_iter=3, early_stopping=True, random_state=0, dtype="float64")
        return rnn.fit(X, y, X_val=-X, y_val=y).validation_scores_

    np.testing.assert_allclose(validated(1e300), validated(1.0), rtol=1e-6)


def test_a_validation_target_that_overflows_is_named():
    rnn = RNNRegressor(2, early_stopping=True)
    y = DATA[RNNRegressor]["y"]
    with pytest.raises(ValueError, match=r"`y_val`.*overflow"):
        rnn.fit(X, y, X_val=X, y_val=1e300 * y)


def test_a_prediction_that_overflows_is_an_error():
    y = np.array([1.0, -1.0, 1.0] * 2)
    rnn = RNNRegressor(2, max_iter=1, dtype="float64").fit(X, 1e307 * y)
    rnn.set_weights({**rnn.weights_, "head.bias": [1e3]})
    with pytest.raises(ValueError, match="not finite"):
        rnn.predict(X)


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_scaling_beyond_the_largest_float_is_an_error_and_writes_nothing(method, copy):
    scaler = SequenceScaler(copy=copy).fit(X * (1e-3 if method == "transform" else 1e3))
    extreme = np.full((1, 4, 2), 1.7e308)
    with pytest.raises(ValueError, match="`X` must hold smaller numbers"):
        getattr(scaler, method)(extreme)
    assert (extreme == 1.7e308).all()


def test_weights_whose_sum_overflows_are_refused_by_the_scaler():
    with pytest.raises(ValueError, match="`sample_weight` must be smaller"):
        SequenceScaler().fit(X, sample_weight=np.full(len(X), 1.7e308))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_logarithms_of_vanishing_probabilities_are_finite(n_classes):
    rnn = RNNClassifier(2, max_iter=1).fit(X, np.arange(6) % n_classes)
    weights = dict(rnn.weights_)
    n_outputs = len(weights["head.bias"])
    rnn.set_weights({**weights, "head.bias": np.linspace(-3e38, 3e38, n_outputs)})
    logarithms = rnn.predict_log_proba(X)
    assert np.isfinite(logarithms).all() and logarithms.min() < -1e38
    np.testing.assert_array_equal(logarithms.argmax(axis=1), rnn.predict_proba(X).argmax(axis=1))


def test_a_frame_with_names_of_two_types_leaves_the_scaler_unfitted():
    scaler = SequenceScaler()
    with pytest.raises(TypeError, match="names"):
        scaler.fit(pd.DataFrame({0: [1.0, 2.0], "b": [1.0, 2.0]}))
    assert vars(scaler) == vars(SequenceScaler())
