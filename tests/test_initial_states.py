"""States before the first step: given to `fit`, or learned."""

import os
import pickle

import numpy as np
import pytest
import reference
from cases import nodes_of_estimator
from fits import PLAIN_STEP

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._training.held_out import split
from sklearn_rnn.cells import Cell, IndRNN, Jordan

REMEMBERING = [cell for cell, info in _core.CELLS.items() if not info.reads_output]
N_FEATURES = 3


def draw_problem(n_samples=12, n_outputs=(), seed=0):
    rng = np.random.default_rng(seed)
    X = [rng.standard_normal((n, N_FEATURES)) for n in rng.integers(1, 6, n_samples)]
    return X, rng.standard_normal((n_samples, *n_outputs))


def draw_states(rnn, n_samples, seed=1):
    """Return states of a fitted network, as `predict` takes them."""
    rng = np.random.default_rng(seed)
    layout = rnn._fitted_model().network.state_layout
    return {name: rng.uniform(-1, 1, (n_samples, n)) for name, _, n in layout}


def of_some(state, indices):
    return {name: rows[indices] for name, rows in state.items()}


def gradient_of(rnn, X, y, **options):
    """Return the reference's gradient at a regressor's weights."""
    weights = {name: np.array(w, dtype=np.float64) for name, w in rnn.weights_.items()}
    options |= {"nodes": nodes_of_estimator(rnn), "loss": "squared_error"}
    return reference.loss_and_grad(weights, X, list(y), **options)[1]


# ---- given --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", _core.CELLS)
def test_one_plain_step_begins_with_the_given_states(cell):
    X, y = draw_problem(n_outputs=(2,))
    weights = np.array([1.0, 0.0] * 6)  # sequences without weight are left out, their states too
    rnn = RNNRegressor((4, 3), cell=cell, normalize_y=False, **PLAIN_STEP)
    rnn.partial_fit(X, y)
    before, state = rnn.weights_, draw_states(rnn, len(X))
    taught = weights > 0
    gradient = gradient_of(rnn, X[::2], y[taught], initial_state=of_some(state, taught))
    rnn.partial_fit(X, y, weights, initial_state=state)
    for name, after in rnn.weights_.items():
        np.testing.assert_allclose(before[name] - after, gradient[name], rtol=1e-9, atol=1e-12)


def test_each_minibatch_has_the_states_of_its_sequences():
    X, y = draw_problem()
    options = {**PLAIN_STEP, "batch_size": 6, "learning_rate_init": 0.1, "shuffle": False}
    whole = RNNRegressor(4, normalize_y=False, **options).partial_fit(X, y)
    state, pieces = draw_states(whole, len(X)), pickle.loads(pickle.dumps(whole))
    whole.partial_fit(X, y, initial_state=state)
    for batch in (np.arange(6)[::-1], np.arange(6, 12)[::-1]):
        part = [X[i] for i in batch]
        pieces.partial_fit(part, y[batch], initial_state=of_some(state, batch))
    np.testing.assert_allclose(pieces.params_, whole.params_, rtol=1e-10)


def test_what_only_the_state_tells_is_learned_from_it():
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((200, 4, 2)), rng.integers(0, 2, 200)
    state = {"h_l0": np.where(labels[:, None], 1.0, -1.0) * np.ones(8)}
    options = {"max_iter": 30, "random_state": 0, "early_stopping": True}
    rnn = RNNClassifier(8, **options).fit(X, labels, initial_state=state)
    assert rnn.best_validation_score_ == 1
    accuracy = np.mean(rnn.predict(X, initial_state=state) == labels)
    assert accuracy > 0.99
    assert RNNClassifier(8, **options).fit(X, labels).best_validation_score_ < 0.9


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize("is_given", [False, True])
def test_early_stopping_scores_with_the_states(is_given, scoring):
    X, y = draw_problem(30)
    rnn = RNNRegressor(5, max_iter=4, random_state=0, dtype="float64", scoring=scoring)
    state = draw_states(rnn.fit(X, y), 30)
    rnn.set_params(early_stopping=True)
    if is_given:
        taught, held_out = np.arange(20), np.arange(20, 30)
        rnn.fit(
            X[:20],
            y[:20],
            initial_state=of_some(state, taught),
            X_val=X[20:],
            y_val=y[20:],
            initial_state_val=of_some(state, held_out),
        )
    else:
        _, held_out = split(30, 0.1, None, np.random.RandomState(0))
        rnn.fit(X, y, initial_state=state)
    part, y_val = [X[i] for i in held_out], y[held_out]
    predicted = rnn.predict(part, initial_state=of_some(state, held_out))
    error = np.mean((predicted - y_val) ** 2)
    expected = 1 - error / y_val.var() if scoring is None else -error
    assert rnn.best_validation_score_ == pytest.approx(expected, rel=1e-10)
    assert rnn.best_validation_score_ != pytest.approx(
        -np.mean((rnn.predict(part) - y_val) ** 2) if scoring else rnn.score(part, y_val)
    )


def test_a_block_continues_from_the_block_before():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 10, N_FEATURES)), rng.standard_normal((8, 10))
    options = {**PLAIN_STEP, "mode": "many_to_many", "cell": "lstm"}
    rnn = RNNRegressor(4, normalize_y=False, **options).partial_fit(X[:, :5], y[:, :5])
    _, state = rnn.predict(X[:, :5], return_state=True)
    before = rnn.weights_
    gradient = gradient_of(rnn, list(X[:, 5:]), y[:, 5:], initial_state=state, per_step=True)
    rnn.partial_fit(X[:, 5:], y[:, 5:], initial_state=state)
    for name, after in rnn.weights_.items():
        # Weights count in units of the steps per sequence: 5, as in the mean over all steps.
        np.testing.assert_allclose(before[name] - after, gradient[name], rtol=1e-9, atol=1e-12)


def test_jordan_begins_with_a_given_output():
    X, y = draw_problem(n_outputs=(2,))
    rnn = RNNRegressor(4, cell="jordan", max_iter=2, random_state=0).fit(X, y)
    state = draw_states(rnn, len(X))
    assert {name: rows.shape for name, rows in state.items()} == {"y": (12, 2)}
    plain = rnn.params_
    assert np.any(rnn.fit(X, y, initial_state=state).params_ != plain)


def test_bad_states_are_refused_and_change_nothing():
    X, y = draw_problem()
    rnn = RNNRegressor((4, 3), max_iter=2, random_state=0).fit(X, y)
    good = draw_states(rnn, len(X))
    before = pickle.dumps(rnn)
    bad = [
        ({}, ValueError, r"`initial_state` must have the keys \['h_l0', 'h_l1'\]"),
        (good | {"h_l0": good["h_l0"][:5]}, ValueError, r"'h_l0'\]` must have shape \(12, 4\)"),
        (good | {"h_l1": good["h_l1"] * np.nan}, ValueError, r"'h_l1'\]` must be finite"),
        (1, TypeError, "`initial_state` must be a dict of arrays of these shapes"),
    ]
    for state, error, text in bad:
        for learn in (rnn.fit, rnn.partial_fit):
            with pytest.raises(error, match=text):
                learn(X, y, initial_state=state)
    assert pickle.dumps(rnn) == before
    with pytest.raises(ValueError, match="`initial_state` needs bidirectional=False"):
        RNNRegressor(4, bidirectional=True).fit(X, y, initial_state=good)
    stopping = RNNRegressor((4, 3), early_stopping=True)
    validation = {"X_val": X, "y_val": y}
    with pytest.raises(ValueError, match="`initial_state_val` must both be given, or neither"):
        stopping.fit(X, y, initial_state=good, **validation)
    with pytest.raises(ValueError, match="`initial_state_val` must both be given, or neither"):
        stopping.fit(X, y, initial_state_val=good, **validation)
    with pytest.raises(ValueError, match="`initial_state_val` needs `X_val`"):
        stopping.fit(X, y, initial_state=good, initial_state_val=good)
    with pytest.raises(ValueError, match=r"`initial_state_val\['h_l0'\]` must have shape"):
        shorter = of_some(good, slice(5))
        stopping.fit(X, y, initial_state=good, **validation, initial_state_val=shorter)
    with pytest.raises(ValueError, match="needs scoring=None or 'loss'"):
        stopping.set_params(scoring="r2").fit(X, y, initial_state=good)


# ---- learned ------------------------------------------------------------------------------------


def draw_starts():
    """Return sequences whose first target is 1 where all inputs are alike."""
    X = np.random.default_rng(0).standard_normal((40, 6, 1)) * 1e-3
    y = np.zeros((40, 6))
    y[:, 0] = 1.0
    return X, y


LEARNING = {"mode": "many_to_many", "max_iter": 60, "random_state": 0, "normalize_X": False}


@pytest.mark.parametrize("cell", REMEMBERING)
def test_a_learned_state_marks_the_beginning(cell):
    X, y = draw_starts()
    losses = []
    for initial_state in ("zeros", "learned"):
        rnn = RNNRegressor(4, cell=Cell(cell, initial_state=initial_state), **LEARNING).fit(X, y)
        losses.append(rnn.loss_)
    assert losses[1] < losses[0]
    names = [f"initial_{state}_l0" for state in _core.CELLS[cell].states]
    assert all(rnn.weights_[name].shape == (4,) for name in names)
    assert all(np.any(rnn.weights_[name]) for name in names)


@pytest.mark.parametrize("cell", REMEMBERING)
def test_streams_begin_with_learned_states(cell):
    X, y = draw_starts()
    cell = Cell(cell, initial_state="learned")
    rnn = RNNRegressor((4, 3), cell=cell, **{**LEARNING, "max_iter": 3}).fit(X, y)
    rnn.set_weights({k: w + 0.1 * k.startswith("initial") for k, w in rnn.weights_.items()})
    whole, stream = rnn.predict(X[:3]), rnn.stream(3)
    for _ in range(2):
        for t in range(4):
            np.testing.assert_array_equal(stream.step(X[:3, t]), whole[:, t])
        stream.reset()
    stream.step(X[:3, 0])
    stream.reset(1)
    at, streams = np.array([1, 0, 1]), np.arange(3)
    np.testing.assert_array_equal(stream.step(X[streams, at]), whole[streams, at])
    first, state = rnn.predict(X[:3, :2], return_state=True)
    second = rnn.predict(X[:3, 2:], initial_state=state)
    np.testing.assert_array_equal(np.hstack([first, second]), whole)


def test_learned_states_are_kept_in_pickles_and_files(tmp_path):
    X, y = draw_starts()
    cell = IndRNN(initial_state="learned")
    rnn = RNNRegressor(4, cell=cell, **LEARNING).fit(X, y)
    expected = rnn.predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rnn)).predict(X), expected)
    file = os.fspath(tmp_path / "weights.safetensors")
    rnn.save_weights(file)
    other = RNNRegressor().load_weights(file)
    assert other.cell.initial_state == "learned"
    np.testing.assert_array_equal(other.predict(X), expected)


def test_both_directions_learn_where_they_begin():
    X, y = draw_starts()
    cell = Cell("lstm", initial_state="learned")
    rnn = RNNRegressor(4, cell=cell, bidirectional=True, **LEARNING).fit(X, y)
    names = [name for name in rnn.weights_ if name.startswith("initial")]
    assert names == [f"initial_{s}_l0{end}" for end in ("", "_reverse") for s in ("h", "c")]
    assert all(np.any(rnn.weights_[name]) for name in names)


def test_jordan_has_no_state_to_learn():
    with pytest.raises(TypeError, match="initial_state"):
        Jordan(initial_state="learned")
    X, y = draw_starts()
    with pytest.raises(ValueError, match="`initial_state` of a cell must be 'zeros' with"):
        RNNRegressor(4, cell=Cell("jordan", initial_state="learned")).fit(X, y)
