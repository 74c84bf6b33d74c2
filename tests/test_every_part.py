"""Every part of a network besides its cells and connections: learned, predicted and kept."""

import pickle
import re

import numpy as np
import pytest
import reference
from cases import as_read, nodes_of_estimator
from fits import same_state
from running_sums import N_FEATURES, concatenated, draw_X, draw_y, fitted, make
from scale_settings import EITHER
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import GRU, LSTM, Cell, Elman, Jordan
from sklearn_rnn.layers import Attention, Conv1D, Dense

BOTH = {"bidirectional": True}
ONE_TARGET = {
    "mean": {"pooling": "mean"},
    "max": {"pooling": "max"},
    "attention": {"pooling": Attention(3)},
    "attention, merged": {"pooling": Attention(3), "merge_mode": "mul", **BOTH},
    "mean of both": {"pooling": "mean", **BOTH},
    "max, skip": {"pooling": "max", "connections": "skip"},
    "stride": {"input_layers": [Conv1D(3, 3, stride=2)]},
    "stride, mean": {"input_layers": [Conv1D(3, 2, stride=2), Dense(3)], "pooling": "mean"},
}
EITHER_TARGET = {
    "dense": {"input_layers": [Dense(3), Dense(2, activation="logistic")]},
    "conv": {"input_layers": [Conv1D(3, 3, activation="tanh")]},
    "conv, skip": {"input_layers": [Conv1D(3, 3), Dense(4)], "connections": "skip", **BOTH},
    "sum": {"merge_mode": "sum", **BOTH},
    "ave": {"merge_mode": "ave", **BOTH},
    "mul": {"merge_mode": "mul", **BOTH},
    "layer norm": {"layer_normalization": "layer"},
    "rms norm": {"layer_normalization": "rms", "connections": "residual", **BOTH},
    "norm, skip": {"layer_normalization": "layer", "connections": "skip"},
    "output layers": {"output_layer_sizes": (5, 3), "output_dropout": 0.1},
    "output layers, jordan": {"output_layer_sizes": (5,), "cell": "jordan"},
    "input dropout": {"input_dropout": 0.1, "input_noise": 0.1},
    "dropouts": {"dropout": 0.1, "output_dropout": 0.2, "connections": "residual"},
    "two cells": {"cell": ["lstm", GRU(reset_after=False)]},
    "normed cells": {"cell": LSTM(normalization="layer")},
    "rms normed cells": {"cell": [Elman(normalization="rms"), GRU(normalization="rms")], **BOTH},
    "zoneout": {"cell": Cell("mgu", zoneout=0.1)},
    "recurrent dropout": {"cell": Elman(recurrent_dropout=0.1)},
    "learned states": {"cell": LSTM(initial_state="learned"), **BOTH},
    "projection": {"cell": LSTM(projection_size=3)},
    "projections": {"cell": LSTM(projection_size=3), "connections": "residual", **BOTH},
    "transitions": {"cell": Elman(transition_layer_sizes=(3, 4))},
    "transitions of both": {"cell": Elman(transition_layer_sizes=(3,)), **BOTH},
    "transitions without shortcut": {
        "cell": Elman(transition_layer_sizes=(4,), transition_shortcut=False)
    },
    "transitions, jordan": {"cell": Jordan(transition_layer_sizes=(3, 4))},
    "coupled": {"cell": LSTM(coupled_gates=True, peepholes=True)},
    "l1": {"alpha": 1e-4, "l1_ratio": 0.5},
}
CASES = [
    *(
        (words, mode)
        for words in EITHER_TARGET.values()
        for mode in ("many_to_one", "many_to_many")
    ),
    *((words, "many_to_one") for words in ONE_TARGET.values()),
]
IDS = [
    *(f"{name}, {mode}" for name in EITHER_TARGET for mode in ("one", "steps")),
    *ONE_TARGET,
]
each_case = pytest.mark.parametrize("words, mode", CASES, ids=IDS)


@each_case
@EITHER
def test_all_learn_and_predict_as_the_reference_does(estimator, words, mode):
    rnn, X = fitted(estimator, mode, **words)
    assert rnn.loss_curve_[-1] < rnn.loss_curve_[0]
    X = X[:6]  # the reference takes its time
    loss = "softmax" if estimator is RNNClassifier else "squared_error"
    arguments = rnn.weights_, as_read(rnn, X), nodes_of_estimator(rnn)
    network = rnn._fitted_model().network
    windows = {"stride": network.stride, "window": network.window}
    per_step = mode == "many_to_many"
    expected = reference.predict(*arguments, loss=loss, per_step=per_step, **windows)
    expected = np.concatenate(expected).reshape(-1, rnn.n_outputs_)
    if estimator is RNNRegressor:
        got, expected = concatenated(rnn.predict(X)), expected * rnn.y_scale_ + rnn.y_mean_
    else:
        got = concatenated(rnn.predict_proba(X))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-10)


@each_case
@EITHER
def test_all_are_pickled_cloned_and_saved(estimator, words, mode, tmp_path):
    rnn, X = fitted(estimator, mode, **words, max_iter=1)
    y, expected = draw_y(estimator, mode, X), concatenated(rnn.predict(X))
    again = pickle.loads(pickle.dumps(rnn))
    assert same_state(again, rnn) and repr(again) == repr(rnn)
    assert same_state(clone(rnn).fit(X, y), rnn)
    again.set_weights({name: 0 * weight for name, weight in rnn.weights_.items()})
    again.set_weights(rnn.weights_)
    np.testing.assert_array_equal(concatenated(again.predict(X)), expected)
    rnn.save_weights(tmp_path / "model.npz")
    loaded = estimator(random_state=0).load_weights(tmp_path / "model.npz")
    np.testing.assert_array_equal(concatenated(loaded.predict(X)), expected)
    for name in words.keys() - {"alpha", "l1_ratio"}:
        shown, wanted = repr(getattr(loaded, name)), repr(getattr(rnn, name))
        assert re.sub(r"[\[(),\]]", "", shown) == re.sub(r"[\[(),\]]", "", wanted)
    loaded.partial_fit(X, y)
    changed = pickle.loads(pickle.dumps(rnn)).partial_fit(X, y)
    assert 0 < np.abs(changed.params_ - rnn.params_).max() < 0.1


def long_data(per_step):
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((length, 2)) for length in rng.integers(100, 200, 24)]
    y = [x.cumsum(axis=0) / 10 for x in X]
    return X, y if per_step else np.array([steps[-1] for steps in y])


@each_case
def test_neither_threads_nor_a_budget_change_a_bit(words, mode):
    X, y = long_data(mode == "many_to_many")

    def fit(n_threads, memory_budget=None):
        settings = {"batch_size": 12, "max_iter": 1, "dtype": "float32"}
        limits = {"n_threads": n_threads, "memory_budget": memory_budget}
        return make(RNNRegressor, mode=mode, **{**settings, **limits, **words}).fit(X, y)

    expected = fit(1)
    with pytest.raises(ValueError, match=r"`memory_budget` must be at least") as refusal:
        fit(2, 1)
    least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
    for rnn in (fit(2), fit(3, least)):
        np.testing.assert_array_equal(rnn.params_, expected.params_)
        results = map(concatenated, (rnn.predict(X), expected.predict(X)))
        np.testing.assert_array_equal(*results)


def goes_on(words):
    return "bidirectional" not in words and words not in ONE_TARGET.values()


@pytest.mark.parametrize(
    "words, mode",
    [case for case in CASES if goes_on(case[0])],
    ids=[name for name, case in zip(IDS, CASES, strict=True) if goes_on(case[0])],
)
def test_all_go_on_step_by_step(words, mode):
    rnn, _ = fitted(RNNClassifier, mode, **{**words, "dtype": "float32"})
    X = np.random.default_rng(1).standard_normal((5, 9, N_FEATURES))
    stream = rnn.stream(5, method="predict_proba")
    for t in range(9):
        got = stream.step(X[:, t])
        whole = rnn.predict_proba(X[:, : t + 1])
        np.testing.assert_array_equal(got, whole[:, -1] if mode == "many_to_many" else whole)
    _, state = rnn.predict_proba(X[:, :4], return_state=True)
    got = rnn.predict_proba(X[:, 4:], initial_state=state)
    np.testing.assert_array_equal(got, whole[:, 4:] if mode == "many_to_many" else whole)


@pytest.mark.parametrize("words", [w for w in ONE_TARGET.values() if "bidirectional" not in w])
def test_what_needs_all_steps_does_not_go_on_step_by_step(words):
    rnn, X = fitted(RNNRegressor, **words, max_iter=1)
    with pytest.raises(ValueError, match=r"A stream needs (pooling='last'|input layers without)"):
        rnn.stream()
    with pytest.raises(ValueError, match="`initial_state` and `return_state` need"):
        rnn.predict(X, return_state=True)


# ---- attention ----------------------------------------------------------------------------------


@EITHER
@pytest.mark.parametrize("words", [{}, {"bidirectional": True}], ids=["one", "both"])
def test_attention_weights_are_those_of_the_prediction(estimator, words):
    rnn, X = fitted(estimator, pooling=Attention(3), **words)
    weights, states = rnn.attention_weights(X), rnn.hidden_states(X, return_sequences=True)
    pooled = np.array([a @ h for a, h in zip(weights, states, strict=True)])
    z = pooled @ rnn.weights_["head.weight"].T + rnn.weights_["head.bias"]
    if estimator is RNNRegressor:
        np.testing.assert_allclose(z * rnn.y_scale_ + rnn.y_mean_, rnn.predict(X), atol=1e-12)
    else:
        odds = np.exp(z - z.max(axis=1, keepdims=True))
        proba = odds / odds.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(proba, rnn.predict_proba(X), atol=1e-12)
    assert weights.dtype == object and weights.shape == (len(X),)
    assert rnn.attention_weights(np.zeros((2, 5, N_FEATURES))).shape == (2, 5)


def test_only_attention_has_attention_weights():
    assert not hasattr(RNNRegressor(), "attention_weights")
    assert hasattr(RNNRegressor(pooling=Attention(3)), "attention_weights")
    rnn, _ = fitted(RNNRegressor, pooling="mean", max_iter=1)
    assert not hasattr(rnn.set_params(pooling=Attention(3)), "attention_weights")


# ---- searches -----------------------------------------------------------------------------------


@EITHER
def test_parts_are_searched(estimator):
    X = draw_X()
    y = draw_y(estimator, "many_to_one", X)
    grid = [
        {"pooling": ["last", "mean", Attention(2)], "input_layers": [(), [Conv1D(2, 2)]]},
        {"pooling": [Attention(2)], "pooling__units": [2, 3]},
    ]
    search = GridSearchCV(make(estimator, max_iter=3), grid, cv=2, error_score="raise").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 8 and scores[6] == scores[2]


# ---- refusals -----------------------------------------------------------------------------------

STEPS, PROJECTED = {"mode": "many_to_many"}, {"cell": LSTM(projection_size=2)}
REFUSALS = {
    "pooling per step": ({"pooling": "mean", **STEPS}, "`pooling` must be 'last' with mode="),
    "pooling of jordan": (
        {"pooling": "max", "cell": "jordan"},
        "`pooling` must be 'last' with",
    ),
    "an unknown pooling": ({"pooling": "min"}, "`pooling` must be one of 'last', 'mean', 'max'"),
    "pooling that is None": ({"pooling": None}, "`pooling` must be one of"),
    "attention without units": (
        {"pooling": Attention(0)},
        "`units` of Attention must be",
    ),
    "attention that is a class": ({"pooling": Attention}, "`pooling` must be"),
    "attention and skip": (
        {"pooling": Attention(2), "connections": "skip"},
        "`pooling` must not be Attention with connections='skip'",
    ),
    "a layer that is a number": ({"input_layers": [3]}, "`input_layers` must be a list of objects"),
    "a layer that is no list": ({"input_layers": Dense(3)}, "`input_layers` must be a list"),
    "a cell as a layer": ({"input_layers": [GRU()]}, "`input_layers` must be a list of objects"),
    "a layer without units": ({"input_layers": [Dense(0)]}, "`units` of an input layer must be"),
    "an unknown activation": (
        {"input_layers": [Dense(2, activation="abacus")]},
        "`activation` of an input layer must be one of",
    ),
    "a kernel without steps": (
        {"input_layers": [Conv1D(2, 0)]},
        "`kernel_size` of an input layer must be an integer from 1 to",
    ),
    "a kernel that is too long": (
        {"input_layers": [Conv1D(2, 10**6)]},
        "`kernel_size` of an input layer must be an integer from 1 to",
    ),
    "a stride of 0": ({"input_layers": [Conv1D(2, 2, stride=0)]}, "`stride` of an input layer"),
    "a stride per step": (
        {"input_layers": [Conv1D(2, 2, stride=2)], **STEPS},
        "`stride` of an input layer must be 1 with mode='many_to_many'",
    ),
    "a later stride": (
        {"input_layers": [Dense(2), Conv1D(2, 2, stride=2)]},
        "`stride` must be 1 in all but the first of the `input_layers`",
    ),
    "an unknown merging": ({"merge_mode": "max", **BOTH}, "`merge_mode` must be one of"),
    "merged last states": (
        {"merge_mode": "sum", "connections": "residual", **BOTH},
        "`merge_mode` must be 'concat' with connections='residual' and pooling='last'",
    ),
    "merged projections": (
        {"merge_mode": "sum", **PROJECTED, **BOTH},
        "`merge_mode` must be 'concat' with bidirectional=True and a cell with",
    ),
    "normalised projections": (
        {"layer_normalization": "layer", **PROJECTED, **BOTH},
        "`layer_normalization` must be None with bidirectional=True",
    ),
    "an unknown norm": ({"layer_normalization": "batch"}, "`layer_normalization` must be None or"),
    "cells that are too few": (
        {"cell": ["gru"]},
        "`cell` must be one cell, or a list",
    ),
    "no cells": ({"cell": []}, "`cell` must be one cell, or a list"),
    "an unknown cell in a list": ({"cell": ["gru", "abacus"]}, "`cell` must be one of .*'abacus'"),
    "jordan in a list, both": (
        {"cell": ["gru", "jordan"], **BOTH},
        "`bidirectional` must be False",
    ),
    "an unknown norm of a cell": (
        {"cell": Cell("gru", normalization="batch")},
        "`normalization` of a cell must be None or one of",
    ),
    "transitions of no units": (
        {"cell": Elman(transition_layer_sizes=(0,))},
        "`transition_layer_sizes` of a cell must be",
    ),
    "a normed projection": (
        {"cell": LSTM(projection_size=2, normalization="layer")},
        "`normalization` of a cell must be None with `projection_size`",
    ),
    "zoneout of transitions": (
        {"cell": Elman(transition_layer_sizes=(2,), zoneout=0.1)},
        "`zoneout` of a cell must be 0.0 with `transition_layer_sizes`",
    ),
    "a norm of indrnn": (
        {"cell": Cell("indrnn", normalization="layer")},
        "`normalization` of a cell must be None with kind='indrnn'",
    ),
    "recurrent dropout of mingru": (
        {"cell": Cell("mingru", recurrent_dropout=0.5)},
        "`recurrent_dropout` of a cell must be 0.0 with kind='mingru'",
    ),
    "zoneout of 1": (
        {"cell": LSTM(zoneout=1.0)},
        "`zoneout` of a cell must be a number",
    ),
    "an unknown initial state": (
        {"cell": LSTM(initial_state="ones")},
        "`initial_state` of a cell must be one of",
    ),
    "an unknown initializer": (
        {"cell": LSTM(input_initializer="ones")},
        "`input_initializer` of a cell must be one of",
    ),
    "chrono without a gate": (
        {"cell": Elman(bias_initializer="chrono")},
        "`bias_initializer` of a cell must be",
    ),
    "the identity of another shape": (
        {"cell": Elman(input_initializer="identity")},
        "`input_initializer` of a cell must not be .identity..*Choose another",
    ),
    "output layers without units": ({"output_layer_sizes": (0,)}, "`output_layer_sizes` must be"),
    "input dropout of 1": ({"input_dropout": 1.0}, "`input_dropout` must be a number"),
    "negative noise": ({"input_noise": -1.0}, "`input_noise` must be a number"),
    "output dropout of 1": ({"output_dropout": 1.0}, "`output_dropout` must be None or a number"),
}


@pytest.mark.parametrize("what", REFUSALS)
@EITHER
def test_what_a_network_cannot_have_is_refused(estimator, what):
    words, message = REFUSALS[what]
    rnn = make(estimator, **words)
    before = pickle.dumps(rnn)
    X = np.random.default_rng(0).standard_normal((6, 4, N_FEATURES))
    y = np.array(list("aabbab")) if estimator is RNNClassifier else np.arange(6.0)
    if words.get("mode"):
        y = np.repeat(y[:, np.newaxis], 4, axis=1)
    with pytest.raises(ValueError, match=message):
        rnn.fit(X, y)
    assert pickle.dumps(rnn) == before
