"""Whatever is passed: a finite result, or an error that names the argument and changes nothing.

Hypothesis draws the calls; what is drawn, and what is held of each call, is in hostile.py.
"""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("hypothesis")

from hostile import CALLS, Call, storm
from hostile_values import BAD, UNSURE
from hypothesis import strategies as st

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._parameters import TABLE

N_CALLS = 40  # of each method
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
TARGETS = {RNNRegressor: X[:, 0, 0], RNNClassifier: np.array(["a", "b", "a"] * 2)}
PARAMETERS = {**TABLE, "activation": None, "random_state": None}
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
    classifies = draw(st.booleans()) if name in TABLE else False
    estimator = RNNClassifier if name == "class_weight" or classifies else RNNRegressor
    if name not in estimator().get_params():
        estimator = RNNRegressor
    rule = TABLE.get(name)
    verdict = UNSURE if rule is None or rule.test(value) else BAD
    rnn = estimator(**{"hidden_layer_sizes": 2, "max_iter": 1, name: value})
    parameters = (name,) if verdict == BAD else tuple(rnn.get_params())
    return Call(rnn, "fit", {"X": X, "y": TARGETS[estimator]}, verdict, parameters)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_of_any_type_is_taken_or_named(name, capsys):
    tally = storm(constructions(name), N_VALUES)
    assert tally["refused"] >= OFTEN * tally.total(), dict(tally)
