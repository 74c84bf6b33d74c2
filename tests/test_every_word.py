"""Every cell, option and connection in both estimators: what is learned, predicted and kept."""

import pickle
import re
from itertools import product

import numpy as np
import pytest
import reference
from cases import as_read, nodes_of_estimator
from fits import same_state
from running_sums import N_FEATURES, N_OUTPUTS, concatenated, draw_X, draw_y, fitted, make
from scale_settings import EITHER
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._model.words import CONNECTIONS, MODES
from sklearn_rnn.cells import GRU, LSTM, Elman, IndRNN, Jordan

CELLS = {
    **{name: name for name in _core.CELLS},
    "elman relu": Elman(activation="relu"),
    "jordan relu": Jordan(activation="relu"),
    "indrnn tanh": IndRNN(activation="tanh"),
    "peepholes": LSTM(peepholes=True),
    "coupled gates": LSTM(peepholes=True, coupled_gates=True),
    "forget_bias": LSTM(forget_bias=-1.0),
}

each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
each_connection = pytest.mark.parametrize("connections", [None, *CONNECTIONS])
each_mode = pytest.mark.parametrize("mode", MODES)


def directions(cell):
    return [False] if cell == "jordan" or isinstance(cell, Jordan) else [False, True]


# ---- learning and predicting --------------------------------------------------------------------


@each_mode
@each_connection
@each_cell
@EITHER
def test_all_learn_and_predict_as_the_reference_does(estimator, cell, connections, mode):
    for bidirectional in directions(cell):
        rnn, X = fitted(
            estimator,
            mode,
            cell=cell,
            connections=connections,
            bidirectional=bidirectional,
            dropout=0.1,
        )
        assert rnn.loss_curve_[-1] < rnn.loss_curve_[0]
        X = X[:6]  # the reference takes its time
        per_step = mode == "many_to_many"
        loss = "softmax" if estimator is RNNClassifier else "squared_error"
        arguments = rnn.weights_, as_read(rnn, X), nodes_of_estimator(rnn)
        expected = reference.predict(*arguments, loss=loss, per_step=per_step)
        expected = np.concatenate(expected).reshape(-1, rnn.n_outputs_)
        got = concatenated(rnn.predict(X))
        if estimator is RNNRegressor:
            expected = expected * rnn.y_scale_ + rnn.y_mean_
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)
        else:
            probabilities = concatenated(rnn.predict_proba(X))
            np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-11)
            np.testing.assert_array_equal(got, rnn.classes_[expected.argmax(axis=1)])
        for layer, return_sequences in product(range(2), (False, True)):
            expected = reference.hidden_states(
                *arguments, layer=layer, per_step=return_sequences, link=loss
            )
            got = rnn.hidden_states(X, layer=layer, return_sequences=return_sequences)
            for ours, theirs in zip(got, expected, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)


def test_every_word_makes_a_network_of_its_own():
    outputs = [
        fitted(RNNRegressor, cell=cell, connections=connections)[0].predict(draw_X()[:2])
        for cell, connections in product(CELLS.values(), [None, *CONNECTIONS])
    ]
    assert len({output.tobytes() for output in outputs}) == len(outputs)


@each_mode
@each_connection
@each_cell
def test_all_go_on_step_by_step_and_block_by_block(cell, connections, mode):
    rnn, _ = fitted(RNNClassifier, mode, cell=cell, connections=connections, dtype="float32")
    X = np.random.default_rng(1).standard_normal((5, 9, N_FEATURES))
    stream = rnn.stream(5, method="predict_proba")
    for t in range(9):
        got = stream.step(X[:, t])
        whole = rnn.predict_proba(X[:, : t + 1])
        np.testing.assert_array_equal(got, whole[:, -1] if mode == "many_to_many" else whole)
    _, state = rnn.predict_proba(X[:, :4], return_state=True)
    got = rnn.predict_proba(X[:, 4:], initial_state=state)
    np.testing.assert_array_equal(got, whole[:, 4:] if mode == "many_to_many" else whole)


# ---- weights ------------------------------------------------------------------------------------


@each_connection
@each_cell
def test_weights_have_these_names_and_shapes(cell, connections):
    rnn, _ = fitted(RNNRegressor, cell=cell, connections=connections, max_iter=1)
    kind = cell if isinstance(cell, str) else cell.kind
    given = {} if isinstance(cell, str) else cell.get_params()
    options = {name: given[name] for name in _core.CELLS[kind].options if name in given}
    rows, expected = 4 * len(_core.describe_cell(kind, **options).gates), {}
    for layer, inputs in enumerate((N_FEATURES, 4 + N_FEATURES * (connections == "skip"))):
        shapes = {"weight_ih": (rows, inputs), "bias_ih": (rows,)}
        if kind == "jordan":
            shapes["weight_oh"] = (4, N_OUTPUTS)
        elif kind == "indrnn":
            shapes["weight_hh"] = (4,)
        elif kind not in ("mingru", "minlstm"):
            shapes |= {"weight_hh": (rows, 4), "bias_hh": (rows,)}
        if options.get("peepholes"):
            shapes["weight_c"] = (2 if options["coupled_gates"] else 3, 4)
        expected |= {f"{stem}_l{layer}": shape for stem, shape in shapes.items()}
    expected["head.weight"] = N_OUTPUTS, 8 if connections == "skip" else 4
    expected["head.bias"] = (N_OUTPUTS,)
    assert {name: weight.shape for name, weight in rnn.weights_.items()} == expected


def test_a_forget_bias_is_where_the_bias_begins():
    for forget_bias in (-1.0, 0.0, 2.5):
        cell = LSTM(forget_bias=forget_bias)
        rnn, _ = fitted(RNNRegressor, cell=cell, max_iter=1, learning_rate_init=1e-12)
        for layer in range(2):
            weights = rnn.weights_
            bias = weights[f"bias_ih_l{layer}"] + weights[f"bias_hh_l{layer}"]
            expected = np.repeat([0, forget_bias, 0, 0], 4)
            np.testing.assert_allclose(bias, expected, rtol=0, atol=1e-9)


# ---- copies -------------------------------------------------------------------------------------


@each_connection
@each_cell
@pytest.mark.parametrize(
    "estimator, mode", [(RNNClassifier, "many_to_one"), (RNNRegressor, "many_to_many")]
)
def test_all_are_pickled_cloned_and_saved(estimator, mode, cell, connections, tmp_path):
    for bidirectional in directions(cell):
        words = {"cell": cell, "connections": connections, "bidirectional": bidirectional}
        rnn, X = fitted(estimator, mode, **words, max_iter=1)
        y, expected = draw_y(estimator, mode, X), concatenated(rnn.predict(X))
        again = pickle.loads(pickle.dumps(rnn))
        assert same_state(again, rnn) and repr(again) == repr(rnn)
        assert same_state(clone(rnn).fit(X, y), rnn)
        again.set_weights({name: 0 * weight for name, weight in rnn.weights_.items()})
        assert not np.array_equal(concatenated(again.predict(X)), expected)
        again.set_weights(rnn.weights_)
        np.testing.assert_array_equal(concatenated(again.predict(X)), expected)
        for suffix in (".npz", ".safetensors"):
            path = tmp_path / f"{bidirectional}{suffix}"
            rnn.save_weights(path)
            loaded = estimator(random_state=0).load_weights(path)
            np.testing.assert_array_equal(concatenated(loaded.predict(X)), expected)
            shown = {"cell", "connections", "bidirectional", "mode", "hidden_layer_sizes"}
            for name in shown:
                assert repr(getattr(loaded, name)) == repr(getattr(rnn, name))
            other = make(estimator, mode=mode, **words, max_iter=1, random_state=1).fit(X, y)
            np.testing.assert_array_equal(other.load_weights(path).params_, rnn.params_)
            loaded.partial_fit(X, y)
        changed = pickle.loads(pickle.dumps(rnn)).partial_fit(X, y)
        assert 0 < np.abs(changed.params_ - rnn.params_).max() < 0.1


@each_cell
def test_a_file_of_another_connection_is_refused(cell, tmp_path):
    rnn, _ = fitted(RNNRegressor, cell=cell, connections="skip", max_iter=1)
    rnn.save_weights(tmp_path / "skip.npz")
    other, _ = fitted(RNNRegressor, cell=cell, connections="residual", max_iter=1)
    with pytest.raises(ValueError, match="connections='residual'; got 'skip'"):
        other.load_weights(tmp_path / "skip.npz")


# ---- threads, memory, searches ------------------------------------------------------------------


def long_data():
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((length, 2)) for length in rng.integers(100, 300, 24)]
    return X, [x.cumsum(axis=0) / 10 for x in X]


@each_connection
@each_cell
def test_neither_threads_nor_a_budget_change_a_bit(cell, connections):
    X, y = long_data()
    for bidirectional in directions(cell):

        def fit(n_threads, memory_budget=None, bidirectional=bidirectional):
            rnn = RNNRegressor(
                (24, 24),
                cell=cell,
                connections=connections,
                bidirectional=bidirectional,
                mode="many_to_many",
                dropout=0.2,
                batch_size=12,
                max_iter=1,
                tol=0.0,
                n_threads=n_threads,
                memory_budget=memory_budget,
                random_state=0,
            )
            return rnn.fit(X, y)

        expected = fit(1)
        states = expected.hidden_states(X)
        with pytest.raises(ValueError, match=r"`memory_budget` must be at least") as refusal:
            fit(2, 1)
        least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
        for rnn in (fit(2), fit(3, least)):
            np.testing.assert_array_equal(rnn.params_, expected.params_)
            np.testing.assert_array_equal(rnn.hidden_states(X), states)


@EITHER
def test_cells_and_their_options_are_searched(estimator):
    X = draw_X()
    y = draw_y(estimator, "many_to_one", X)
    cells = ["gru", LSTM(), LSTM(peepholes=True)]
    grid = [
        {"cell": cells, "connections": [None, *CONNECTIONS]},
        {"cell": [LSTM()], "cell__forget_bias": [-2.0, 1.0], "cell__peepholes": [False, True]},
    ]
    rnn = make(estimator, cell=GRU(), max_iter=3)
    search = GridSearchCV(rnn, grid, cv=2, error_score="raise").fit(X, y)
    tried = search.cv_results_["params"]
    assert [repr(p["cell"]) for p in tried[:9:3]] == [repr(cell) for cell in cells]
    assert len(tried) == 9 + 4
    scores = search.cv_results_["mean_test_score"]
    # Its defaults set one by one make the same network, and the options of another object too.
    assert (scores[9 + 2], scores[9 + 3]) == (scores[3], scores[6])
    assert repr(rnn.cell) == "GRU()" and repr(cells[1]) == "LSTM()"
    if estimator is RNNRegressor:
        assert len(set(scores)) == len(scores) - 2
