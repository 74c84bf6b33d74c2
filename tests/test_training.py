"""Training: what a fit, a partial fit and their minibatches do, and how they end."""

import copy
import pickle
import signal
import sys
import time
import warnings

import numpy as np
import pytest
import reference
from cases import each_patience, loss_and_grad_of, run_python
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._data.sequences import pack
from sklearn_rnn._model import network as _network
from sklearn_rnn._model.network import Network
from sklearn_rnn._training import epochs as _training
from sklearn_rnn._training import optimizers as _optimizers
from sklearn_rnn._training.held_out import split

PLAIN_STEP = {
    "solver": "sgd",
    "momentum": 0.0,
    "learning_rate_init": 1.0,
    "alpha": 0.0,
    "max_grad_norm": None,
    "batch_size": 1000,
    "dtype": "float64",
    "normalize_X": False,
    "random_state": 0,
}
GRADIENT = {"rtol": 1e-9, "atol": 1e-12}


def same_state(a, b):
    """Tell whether two estimators have the same fitted state, bit for bit."""
    return pickle.dumps(a._fitted_state()) == pickle.dumps(b._fitted_state())


# ---- one minibatch --------------------------------------------------------------------------


def gradient_of(rnn, X, y, sample_weight=None, **options):
    """Return the reference's gradient at an estimator's weights."""
    weights = {name: np.array(w, dtype=np.float64) for name, w in rnn.weights_.items()}
    options = {"cell": rnn.cell, "n_layers": rnn.n_layers_, **options}
    _, gradient, _ = reference.loss_and_grad(weights, X, y, sample_weight, **options)
    return gradient


@pytest.mark.parametrize("cell", _core.CELLS)
def test_one_plain_step_moves_a_classifier_by_minus_the_gradient(ragged, cell):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, cell=cell, **PLAIN_STEP)
    rnn.partial_fit(X[:5], labels[:5], classes=["down", "up"])
    before = rnn.weights_
    codes = (labels == "up").astype(int)
    gradient = gradient_of(rnn, X, codes[:, None], loss="logistic")
    rnn.partial_fit(X, labels)
    for name, after in rnn.weights_.items():
        np.testing.assert_allclose(before[name] - after, gradient[name], **GRADIENT)


def test_one_plain_step_moves_a_tagger_by_minus_the_weighted_gradient(ragged):
    X, _, _ = ragged
    rng = np.random.RandomState(0)
    y = [rng.randint(0, 3, size=len(x)) for x in X]
    w = [rng.randint(0, 3, size=len(x)).astype(float) for x in X]
    rnn = RNNClassifier(4, mode="many_to_many", **PLAIN_STEP)
    rnn.partial_fit(X[:5], y[:5], classes=[0, 1, 2])
    before = rnn.weights_
    # Weights as given, in units of the taught steps per sequence, of this call and the first.
    n_taught = sum(len(x) for x in X[:5]) + sum(np.count_nonzero(steps) for steps in w)
    n_sequences = sum(steps.any() for steps in w)
    divisor = n_sequences * n_taught / (5 + n_sequences)
    gradient = gradient_of(rnn, X, y, w, loss="softmax", per_step=True, divisor=divisor)
    rnn.partial_fit(X, y, sample_weight=w)
    for name, after in rnn.weights_.items():
        np.testing.assert_allclose(before[name] - after, gradient[name], **GRADIENT)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_one_plain_step_moves_a_regressor_by_minus_the_gradient(ragged, loss):
    X, _, numbers = ragged
    y = np.abs(np.stack([numbers, -numbers], axis=1))
    rnn = RNNRegressor(4, loss=loss, normalize_y=False, **PLAIN_STEP)
    rnn.partial_fit(X[:5], y[:5])
    before = rnn.weights_
    gradient = gradient_of(rnn, X, y[:, None, :].tolist(), loss=loss, per_step=False)
    rnn.partial_fit(X, y)
    for name, after in rnn.weights_.items():
        np.testing.assert_allclose(before[name] - after, gradient[name], **GRADIENT)


@pytest.mark.parametrize("dtype, rtol", [("float32", 1e-5), ("float64", 1e-12)])
def test_weight_two_is_a_duplicate(ragged, dtype, rtol):
    X, _, numbers = ragged
    sequences, doubled = pack(X), pack(X + X[:10])
    network = Network(3, "lstm", "tanh", (5,), False, 1, "squared_error", 1.0, False, 0.0, dtype)
    params = _network.initialize(network, np.random.RandomState(0))
    y = numbers.astype(dtype)[:, None]
    weights = np.repeat([2.0, 1.0], [10, 30])
    loss_1, d_1 = loss_and_grad_of(network, params, sequences, y, weights)
    loss_2, d_2 = loss_and_grad_of(network, params, doubled, np.concatenate([y, y[:10]]))
    np.testing.assert_allclose(loss_1, loss_2, rtol=rtol)
    np.testing.assert_allclose(d_1, d_2, rtol=rtol, atol=rtol * np.abs(d_1).max())


def test_alpha_draws_weights_and_spares_biases(dense):
    X, labels, _ = dense
    classes = ["down", "up"]
    options = {**PLAIN_STEP, "learning_rate_init": 0.5}
    plain = RNNClassifier(4, **options).partial_fit(X, labels, classes=classes).weights_
    drawn = RNNClassifier(4, **{**options, "alpha": 0.1})
    drawn = drawn.partial_fit(X, labels, classes=classes).weights_
    start = RNNClassifier(4, **{**options, "learning_rate_init": 1e-300})
    start = start.partial_fit(X, labels, classes=classes).weights_
    for name, w in start.items():
        expected = 0.5 * 0.1 * w * ("bias" not in name)
        np.testing.assert_allclose(plain[name] - drawn[name], expected, atol=1e-12)


# ---- initial weights ------------------------------------------------------------------------


@pytest.mark.parametrize("cell", _core.CELLS)
def test_initial_weights_are_glorot_orthogonal_and_remember(cell):
    network = Network(3, cell, "tanh", (8, 5), True, 2, "softmax", 1.0, False, 0.0, "float64")
    params = _network.initialize(network, np.random.RandomState(0))
    info = _core.CELLS[cell]
    for name, w in network.views(params).items():
        gates = np.split(w, len(info.gates)) if name != "head.weight" and "head" not in name else []
        for number, gate in enumerate(gates):
            if name.startswith("weight_hh"):
                np.testing.assert_allclose(gate @ gate.T, np.eye(len(gate)), atol=1e-12)
            elif name.startswith("weight_ih"):
                assert 0 < np.abs(gate).max() <= np.sqrt(6 / sum(gate.shape))
            else:
                expected = float(name.startswith("bias_ih") and number == info.forget_gate)
                assert np.all(gate == expected)
    assert np.all(network.views(params)["head.bias"] == 0)


def test_initial_weights_do_not_depend_on_the_number_of_samples(dense):
    X, labels, _ = dense
    still = {"learning_rate_init": 1e-300, "max_iter": 1, "random_state": 3, "alpha": 0.0}
    few, many = RNNClassifier(4, **still).fit(X[:9], labels[:9]), RNNClassifier(4, **still)
    np.testing.assert_array_equal(few.params_, many.fit(X, labels).params_)


# ---- the same bits --------------------------------------------------------------------------

MOVING = {"dropout": 0.3, "max_iter": 3, "random_state": 7, "batch_size": 16}


@pytest.mark.parametrize("n_threads", [2, 3, 4])
def test_any_number_of_threads_gives_the_same_bits(n_threads):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(length, 20)) for length in rng.randint(5, 60, size=80)]
    y = rng.randint(0, 3, size=80)
    one = RNNClassifier((48, 32), n_threads=1, bidirectional=True, **MOVING).fit(X, y)
    more = RNNClassifier((48, 32), n_threads=n_threads, bidirectional=True, **MOVING).fit(X, y)
    assert same_state(one, more)
    np.testing.assert_array_equal(one.predict_proba(X), more.predict_proba(X))


def test_two_fits_give_the_same_bits(ragged):
    X, labels, _ = ragged
    assert same_state(*(RNNClassifier(4, **MOVING).fit(X, labels) for _ in range(2)))
    other = RNNClassifier(4, **{**MOVING, "random_state": 8}).fit(X, labels)
    assert not np.array_equal(other.params_, RNNClassifier(4, **MOVING).fit(X, labels).params_)


def test_a_random_state_instance_is_drawn_from(ragged):
    X, labels, _ = ragged
    options = {**MOVING, "random_state": np.random.RandomState(0)}
    a, b = (RNNClassifier(4, **options).fit(X, labels) for _ in range(2))
    assert not np.array_equal(a.params_, b.params_)


def test_the_order_of_sequences_within_a_minibatch_does_not_matter(ragged):
    X, _, numbers = ragged
    order = np.random.RandomState(0).permutation(len(X))
    options = {**PLAIN_STEP, "learning_rate_init": 0.1}
    a = RNNRegressor(4, **options).partial_fit(X, numbers)
    b = RNNRegressor(4, **options).partial_fit([X[i] for i in order], numbers[order])
    np.testing.assert_allclose(a.params_, b.params_, rtol=1e-10, atol=1e-13)


# ---- partial_fit and warm_start -------------------------------------------------------------


def test_partial_fits_are_the_epochs_of_a_fit(ragged):
    X, _, numbers = ragged
    whole = RNNRegressor(4, tol=0.0, **{**MOVING, "max_iter": 4}).fit(X, numbers)
    pieces = RNNRegressor(4, tol=0.0, **MOVING)
    for _ in range(4):
        pieces = pickle.loads(pickle.dumps(pieces.partial_fit(X, numbers)))
    np.testing.assert_array_equal(whole.params_, pieces.params_)
    assert pieces.loss_curve_ == whole.loss_curve_
    assert pieces.t_ == whole.t_ == 4 * len(X)
    assert (pieces.n_iter_, whole.n_iter_) == (1, 4)


def test_partial_fit_does_not_append_to_the_losses_of_a_copy(ragged):
    X, _, numbers = ragged
    rnn = RNNRegressor(4, random_state=0).partial_fit(X, numbers)
    twin = copy.copy(rnn)
    rnn.partial_fit(X, numbers)
    assert (len(rnn.loss_curve_), len(twin.loss_curve_)) == (2, 1)


def test_partial_fit_goes_on_after_fit(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=2, random_state=0).fit(X, labels)
    before = rnn.params_.copy()
    rnn.partial_fit(X, labels)
    assert len(rnn.loss_curve_) == 3
    assert 0 < np.abs(rnn.params_ - before).max() < 0.1


def test_partial_fit_with_another_solver_begins_with_an_empty_memory(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=2, random_state=0).fit(X, labels)
    rnn.set_params(solver="sgd").partial_fit(X, labels)
    assert rnn._optimizer["moments"].shape == (1, len(rnn.params_))


def test_warm_start_goes_on_with_new_minibatches(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, warm_start=True, **MOVING).fit(X, labels)
    first, seed = rnn.params_.copy(), rnn._optimizer["seed"]
    rnn.fit(X, labels)
    assert len(rnn.loss_curve_) == 6 and rnn.n_iter_ == 3 and rnn.t_ == 6 * len(X)
    assert rnn.loss_curve_[3] < rnn.loss_curve_[0]
    assert rnn._optimizer["seed"] != seed
    assert not np.array_equal(first, rnn.params_)
    cold = RNNClassifier(4, **MOVING).fit(X, labels).fit(X, labels)
    np.testing.assert_array_equal(cold.params_, first)


# ---- learning rates and the end -------------------------------------------------------------


def rates_of(**options):
    rng = np.random.RandomState(0)
    X, rates = rng.normal(size=(20, 3, 1)), []
    rnn = RNNRegressor(2, random_state=0, **{"batch_size": 10, "max_iter": 4, **options})
    rnn.fit(X, X.sum(axis=(1, 2)), callbacks=lambda _, info: rates.append(info["learning_rate"]))
    return rates


@pytest.mark.parametrize("solver", _optimizers.SOLVERS)
def test_schedules_hold_for_every_solver(solver):
    init = {"learning_rate_init": 0.01, "solver": solver}
    assert rates_of(learning_rate="constant", **init) == [0.01] * 4
    expected = [0.01 / (20 * epoch + 1) ** 0.25 for epoch in range(4)]
    assert rates_of(learning_rate="invscaling", power_t=0.25, **init) == pytest.approx(expected)
    # The rate of the second of two minibatches, done / planned = 1/8, 3/8, ...
    expected = [0.01 * (1 + np.cos(np.pi * share)) / 2 for share in (1 / 8, 3 / 8, 5 / 8, 7 / 8)]
    assert rates_of(learning_rate="cosine", **init) == pytest.approx(expected)


def test_adaptive_divides_by_five_where_others_stop():
    options = {"tol": 1e9, "n_iter_no_change": 2, "max_iter": 1000, "learning_rate_init": 0.01}
    assert len(rates_of(**options)) == 4  # the first is progress, then more than 2 are not
    rates = rates_of(learning_rate="adaptive", **options)
    distinct = list(dict.fromkeys(rates))
    assert distinct == pytest.approx([0.01 / 5**k for k in range(len(distinct))])
    assert distinct[-2] > 1e-6 >= distinct[-1]


def test_reaching_max_iter_warns_but_not_where_it_is_the_plan(dense):
    X, labels, _ = dense
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        RNNClassifier(2, max_iter=2).fit(X, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RNNClassifier(8, max_iter=9, learning_rate="cosine", random_state=0).fit(X, labels)
        RNNClassifier(2).partial_fit(X, labels, classes=["down", "up"])


def test_a_solved_task_stops_by_itself(dense):
    X, labels, _ = dense
    rnn = RNNClassifier(8, max_iter=2000, learning_rate_init=0.02, random_state=0)
    rnn.fit(X, labels)
    assert rnn.n_iter_ < 2000 and rnn.score(X, labels) == 1.0
    assert rnn.best_loss_ == min(rnn.loss_curve_)
    assert rnn.loss_curve_[-1] == rnn.loss_


def test_loss_is_in_the_units_of_the_user(dense):
    X, _, numbers = dense
    options = {"max_iter": 2, "random_state": 0, "batch_size": 40, "learning_rate_init": 1e-300}
    for loss, power in (("squared_error", 2), ("absolute_error", 1)):
        rnn = RNNRegressor(4, loss=loss, **options).fit(X, 100 * numbers + 5)
        error = np.abs(rnn.predict(X) - 100 * numbers - 5) ** power
        assert rnn.loss_ == pytest.approx(error.mean(), rel=1e-5)


# ---- early stopping -------------------------------------------------------------------------


def test_early_stopping_gives_the_best_weights_back(ragged):
    X, labels, _ = ragged
    X_val, y_val = X[:15], labels[:15]
    rnn = RNNClassifier(8, early_stopping=True, max_iter=40, learning_rate_init=0.03)
    rnn.set_params(random_state=0, n_iter_no_change=40)
    seen = []
    rnn.fit(
        X[15:],
        labels[15:],
        X_val=X_val,
        y_val=y_val,
        callbacks=lambda rnn, info: seen.append((rnn.score(X_val, y_val), rnn.params_)),
    )
    assert [score for score, _ in seen] == rnn.validation_scores_
    assert rnn.score(X_val, y_val) == rnn.best_validation_score_ == max(rnn.validation_scores_)
    best = int(np.argmax(rnn.validation_scores_))
    assert best < len(seen) - 1, "the task is too easy to show anything"
    np.testing.assert_array_equal(rnn.params_, seen[best][1])
    assert rnn.best_loss_ is None


def test_early_stopping_watches_r2_in_the_units_of_the_user(ragged):
    X, _, numbers = ragged
    rnn = RNNRegressor(4, early_stopping=True, max_iter=3, random_state=0)
    rnn.fit(X, 1e6 + numbers, X_val=X[:9], y_val=1e6 + numbers[:9], sample_weight_val=np.arange(9))
    expected = rnn.score(X[:9], 1e6 + numbers[:9], sample_weight=np.arange(9))
    assert rnn.best_validation_score_ == pytest.approx(expected, rel=1e-9)


def test_early_stopping_stops_and_splits_with_classes_in_proportion():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(100, 4, 1)), np.repeat([0, 1], [80, 20])
    train, held = split(100, 0.1, y, np.random.RandomState(0))
    assert sorted(y[held]) == [0] * 8 + [1] * 2 and len(set(train) | set(held)) == 100
    rnn = RNNClassifier(2, early_stopping=True, tol=10.0, n_iter_no_change=3, random_state=0)
    assert rnn.fit(X, y).n_iter_ == 5
    y[0] = 2  # alone in its class: the split cannot be stratified, and is made anyway
    assert rnn.fit(X, y).n_iter_ == 5


def test_early_stopping_works_per_step(ragged):
    X, _, _ = ragged
    y = [np.cumsum(x[:, 0]) for x in X]
    w = [np.arange(len(x)) for x in X]
    rnn = RNNRegressor(4, mode="many_to_many", early_stopping=True, max_iter=3, random_state=0)
    rnn.fit(X, y, sample_weight=w, X_val=X[:9], y_val=y[:9], sample_weight_val=w[:9])
    assert rnn.best_validation_score_ == pytest.approx(rnn.score(X[:9], y[:9], w[:9]))
    assert len(rnn.fit(X, y, sample_weight=w).validation_scores_) == 3


# ---- callbacks ------------------------------------------------------------------------------


def test_callbacks_see_each_epoch_and_can_stop(dense):
    X, labels, _ = dense
    seen = []

    def look(rnn, info):
        seen.append((info["epoch"], rnn.n_iter_, rnn.loss_ == info["loss"], rnn.score(X, labels)))

    def stop(rnn, info):
        return info["epoch"] == 3

    rnn = RNNClassifier(4, max_iter=50, random_state=0)
    rnn.fit(X, labels, callbacks=[look, stop])
    assert [facts[:3] for facts in seen] == [(1, 1, True), (2, 2, True), (3, 3, True)]
    assert rnn.n_iter_ == 3
    quiet = RNNClassifier(4, max_iter=3, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(rnn.params_, quiet.params_)
    assert "look" not in str(vars(rnn))


def test_an_error_in_a_callback_leaves_what_was_learned(dense):
    X, labels, _ = dense

    def fail(rnn, info):
        if info["epoch"] == 2:
            raise RuntimeError("mine")

    rnn = RNNClassifier(4, max_iter=50, random_state=0)
    with pytest.raises(RuntimeError, match="mine"):
        rnn.fit(X, labels, callbacks=fail)
    two = RNNClassifier(4, max_iter=2, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(rnn.params_, two.params_)
    assert rnn.n_iter_ == 2 and rnn.predict(X).shape == (40,)


class Recorder:
    """A callback in the protocol of scikit-learn 1.9, which stops after some epochs."""

    def __init__(self, last):
        self.last, self.events = last, []

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append(f"end {context.task_name}")
        assert fitted_estimator.score(X, y) == estimator.score(X, y)
        return context.task_name == "epoch" and context.task_id == self.last

    def teardown(self, estimator, context):
        self.events.append("teardown")


def test_callbacks_of_scikit_learn_are_served_where_it_has_them(dense):
    pytest.importorskip("sklearn.callback")
    X, labels, _ = dense
    recorder = Recorder(last=1)
    rnn = RNNClassifier(4, max_iter=9, random_state=0).set_callbacks(recorder).fit(X, labels)
    epochs = ["begin epoch", "end epoch"] * 2
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert rnn.n_iter_ == 2
    assert not [name for name in vars(rnn) if "callback" in name and name != "_skl_callbacks"]


def test_callbacks_of_scikit_learn_see_an_end_of_each_epoch_of_a_fit_that_converged(dense):
    pytest.importorskip("sklearn.callback")
    X, labels, _ = dense
    recorder = Recorder(last=None)
    rnn = RNNClassifier(4, max_iter=99, tol=10.0, n_iter_no_change=2, random_state=0)
    rnn.set_callbacks(recorder).fit(X, labels)
    assert 1 < rnn.n_iter_ < 99
    epochs = ["begin epoch", "end epoch"] * rnn.n_iter_
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]


def test_callbacks_of_scikit_learn_nest_under_a_grid_search(ragged):
    callback = pytest.importorskip("sklearn.callback")
    X, labels, _ = ragged
    monitor = callback.ScoringMonitor(scoring="accuracy")
    rnn = RNNClassifier(4, max_iter=3, random_state=0).set_callbacks(monitor)
    GridSearchCV(rnn, {"cell": ["gru", "lstm"]}, cv=2).fit(X, labels)
    scores = [row["accuracy"] for row in monitor.get_logs().data]
    assert len(scores) == (2 * 2 + 1) * (3 + 1)  # candidates and folds, refit; epochs and fit


def test_without_callbacks_of_scikit_learn_all_else_works():
    code = """
import sys
sys.modules["sklearn.callback"] = None
import numpy as np
from sklearn_rnn import RNNRegressor
X = np.random.RandomState(0).normal(size=(9, 4, 2))
rnn = RNNRegressor(2, max_iter=2).fit(X, X[:, 0, 0])
assert not hasattr(rnn, "set_callbacks")
print(rnn.predict(X).shape)
"""
    assert run_python(code).stdout.strip() == "(9,)"


# ---- verbose --------------------------------------------------------------------------------


def test_verbose_1_prints_a_line_per_epoch(dense, capsys):
    X, labels, _ = dense
    RNNClassifier(2, max_iter=2, verbose=1).fit(X, labels)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all(word in lines[0] for word in ("loss", "rate", " s", "steps/s"))
    assert "validation" not in lines[0]
    rnn = RNNClassifier(2, verbose=1, early_stopping=True, tol=9.0, n_iter_no_change=1)
    rnn.fit(X, labels)
    lines = capsys.readouterr().out.splitlines()
    assert "validation" in lines[0] and "did not improve" in lines[-1]
    RNNClassifier(2, max_iter=2).fit(X, labels)
    assert capsys.readouterr().out == ""


def test_verbose_2_shows_a_bar_with_tqdm_and_lines_without(dense, capsys, monkeypatch):
    X, labels, _ = dense
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tqdm.auto", None)
        RNNClassifier(2, max_iter=2, verbose=2).fit(X, labels)
        assert capsys.readouterr().out.count("epoch") == 2
    pytest.importorskip("tqdm")
    RNNClassifier(2, max_iter=2, verbose=2).fit(X, labels)
    output = capsys.readouterr()
    assert "2/2" in output.err and output.out == ""


# ---- Ctrl-C ---------------------------------------------------------------------------------

LONG_FIT = """
import os, signal, sys, threading, time, warnings
import numpy as np
from sklearn_rnn import RNNRegressor
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
rng = np.random.RandomState(0)
X = rng.normal(size=(64, 2000, 2))
forever = {"max_iter": 10**6, "n_iter_no_change": 10**6}
rnn = RNNRegressor(HIDDEN, cell="elman", batch_size=64, n_threads=1, **forever)
sent = []
def interrupt():
    time.sleep(DELAY)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        rnn.fit(X, X[:, :, 0].sum(axis=1))
        print("answered", time.perf_counter() - sent[0])
        print("warned", [str(w.message) for w in caught])
        print("finite", np.isfinite(rnn.params_).all() and np.isfinite(rnn.predict(X[:2])).all())
        print("learned", rnn.t_ > 0, rnn.n_iter_, np.isfinite(rnn.loss_))
    except KeyboardInterrupt:
        print("raised", time.perf_counter() - sent[0], hasattr(rnn, "params_"))
"""


@each_patience
def test_ctrl_c_ends_a_fit_at_once_and_keeps_what_it_learned(patience):
    output = run_python(LONG_FIT.replace("HIDDEN", "16").replace("DELAY", "1.0")).stdout
    facts = dict(line.split(" ", 1) for line in output.splitlines())
    assert float(facts["answered"]) < patience
    assert facts["warned"] == "['Training interrupted by user.']"
    assert facts["finite"] == "True"
    assert facts["learned"].startswith("True") and facts["learned"].endswith("True")


@each_patience
def test_ctrl_c_before_anything_was_learned_is_raised_and_changes_nothing(patience):
    output = run_python(LONG_FIT.replace("HIDDEN", "512").replace("DELAY", "0.3")).stdout
    event, seconds, fitted = output.split()
    assert event == "raised" and float(seconds) < patience and fitted == "False"


def test_an_interrupt_between_epochs_keeps_the_best_weights(dense):
    X, labels, _ = dense

    def interrupt(rnn, info):
        if info["epoch"] == 5:
            raise KeyboardInterrupt

    rnn = RNNClassifier(4, early_stopping=True, max_iter=50, random_state=0)
    with pytest.warns(UserWarning, match="interrupted by user"):
        rnn.fit(X, labels, X_val=X, y_val=labels, callbacks=interrupt)
    assert len(rnn.validation_scores_) == 5
    assert rnn.score(X, labels) == max(rnn.validation_scores_)


# ---- divergence -----------------------------------------------------------------------------


def exploding():
    """Return a regressor whose loss overflows after some updates, and its data."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 5, 2))
    rnn = RNNRegressor(4, solver="sgd", learning_rate_init=1e5, normalize_y=False, momentum=0.0)
    rnn.set_params(max_grad_norm=None, random_state=0, batch_size=4)
    return rnn, X, 1e15 * X[:, :, 0].sum(axis=1)


def test_a_diverging_fit_raises_with_advice_and_changes_nothing():
    rnn, X, y = exploding()
    with pytest.raises(ValueError, match=r"learning_rate_init.*max_grad_norm"):
        rnn.fit(X, y)
    assert not hasattr(rnn, "params_")
    rnn.set_params(normalize_y=True, learning_rate_init=0.01, max_iter=2).fit(X, y)
    before = pickle.dumps(rnn)
    rnn.set_params(normalize_y=False, learning_rate_init=1e5)
    with pytest.raises(ValueError, match="diverged"):
        rnn.fit(X, y, callbacks=lambda rnn, info: None)
    rnn.set_params(normalize_y=True, learning_rate_init=0.01)
    assert pickle.dumps(rnn) == before


@pytest.mark.parametrize("solver", _core.OPTIMIZERS)
@pytest.mark.parametrize("incremental", [False, True], ids=["fit", "partial_fit"])
def test_whatever_a_fit_accepts_can_be_pickled(incremental, solver):
    # In float32 the square of a gradient beyond 1.8e19 is infinite.
    X, y = np.random.RandomState(0).normal(size=(30, 4, 2)), np.full(30, 1e18)
    y[::2] = -1e19
    for scale in np.logspace(-30, 18, 13):
        rnn = RNNRegressor(2, solver=solver, max_iter=2, normalize_y=False, max_grad_norm=None)
        try:
            getattr(rnn, "partial_fit" if incremental else "fit")(X, y * scale)
        except ValueError as error:
            assert "diverged" in str(error) and not hasattr(rnn, "params_")
        else:
            assert same_state(pickle.loads(pickle.dumps(rnn)), rnn)


def test_a_diverging_partial_fit_keeps_the_model_before_that_minibatch():
    rnn, X, y = exploding()
    with pytest.raises(ValueError, match="diverged"):
        for _ in range(100):
            rnn.partial_fit(X, y)
    assert rnn.t_ > 0 and rnn.t_ % 4 == 0
    assert np.isfinite(rnn.params_).all() and np.isfinite(rnn.predict(X)).all()


# ---- little things --------------------------------------------------------------------------


def test_a_minibatch_larger_than_the_data_is_the_data():
    assert _training.resolve_batch_size("auto", 5) == 5
    assert _training.resolve_batch_size(100, 7) == 7
    assert _training.resolve_batch_size(3, 7) == 3


def test_without_shuffling_minibatches_follow_the_data():
    progress = _training.Progress(np.zeros(1), "sgd", np.zeros((1, 1)), 1, 0.1)
    batches = _training.draw_batches(np.arange(7), 3, progress, shuffle=False)
    assert [list(batch) for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    shuffled = _training.draw_batches(np.arange(7), 3, progress, shuffle=True)
    assert sorted(np.concatenate(shuffled)) == list(range(7))
    progress.n_passes = 1
    other = _training.draw_batches(np.arange(7), 3, progress, shuffle=True)
    assert not np.array_equal(np.concatenate(shuffled), np.concatenate(other))


@pytest.mark.clock
def test_predicting_one_short_sequence_costs_little():
    X = np.random.RandomState(0).normal(size=(50, 5, 2))
    rnn = RNNClassifier(8, max_iter=1).fit(X, X[:, 0, 0] > 0)
    times = []
    for _ in range(300):
        begin = time.perf_counter()
        rnn.predict(X[:1])
        times.append(time.perf_counter() - begin)
    assert np.median(times) < 1e-3  # 70 us on an idle machine


def test_a_fit_leaves_the_signal_handlers_alone():
    before = signal.getsignal(signal.SIGINT)
    RNNRegressor(2, max_iter=1, tol=0.0).fit(np.ones((4, 3, 1)), np.arange(4.0))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_bad_random_state_is_refused_between_two_partial_fits(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4).partial_fit(X, labels, classes=np.unique(labels))
    before = pickle.dumps(rnn.set_params(random_state="x"))
    with pytest.raises(ValueError, match="`random_state`"):
        rnn.partial_fit(X, labels)
    assert pickle.dumps(rnn) == before


def test_another_model_that_diverges_in_a_callback_costs_nothing(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=9, random_state=0)

    def diverge(rnn, info):
        if info["epoch"] == 3:
            wild = RNNRegressor(4, solver="sgd", learning_rate_init=1e30, max_grad_norm=None)
            wild.fit(X, np.arange(len(X)))

    with pytest.raises(ValueError, match="diverged"):
        rnn.fit(X, labels, callbacks=diverge)
    assert rnn.n_iter_ == 3 and len(rnn.predict(X)) == len(X)


def test_a_validation_of_one_step_with_weight_is_refused(ragged):
    X, _, _ = ragged
    y = [x[:, 0] for x in X]
    rnn = RNNRegressor(4, mode="many_to_many", early_stopping=True)
    with pytest.raises(ValueError, match="`y_val` must have at least 2 targets with weight"):
        rnn.fit(X, y, X_val=X[:1], y_val=y[:1], sample_weight_val=[np.eye(len(X[0]))[0]])


@pytest.mark.parametrize("betas", [(0.9, 1 - 2e-8), (1 - 2e-8, 0.999)])
def test_decays_near_1_are_the_same_in_both_dtypes(ragged, betas):
    X, _, numbers = ragged
    losses = [
        RNNRegressor(
            4, max_iter=5, tol=0.0, beta_1=betas[0], beta_2=betas[1], dtype=dtype, random_state=0
        )
        .fit(X, numbers)
        .loss_
        for dtype in ("float32", "float64")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_copy_made_by_a_callback_stays_as_it_was(ragged):
    X, labels, _ = ragged
    copies = []

    def keep(rnn, info):
        copies.append((copy.copy(rnn), pickle.dumps(rnn._fitted_state())))

    RNNClassifier(4, max_iter=3, random_state=0).fit(X, labels, callbacks=keep)
    assert all(pickle.dumps(rnn._fitted_state()) == before for rnn, before in copies)


def test_warm_start_appends_the_validation_scores_too(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, warm_start=True, early_stopping=True, max_iter=3, random_state=0)
    first = list(rnn.fit(X, labels).validation_scores_)
    rnn.fit(X, labels)
    assert rnn.validation_scores_[:3] == first
    assert len(rnn.validation_scores_) == len(rnn.loss_curve_) == 6
    assert rnn.best_validation_score_ == max(rnn.validation_scores_[3:])


def test_warm_start_holds_out_the_same_sequences(ragged, monkeypatch):
    X, labels, _ = ragged
    held = []

    def recorded(*args):
        both = split(*args)
        held.append(both[1])
        return both

    monkeypatch.setattr("sklearn_rnn._estimators.base.split", recorded)
    rnn = RNNClassifier(4, warm_start=True, early_stopping=True, max_iter=1, random_state=0)
    rnn.fit(X, labels).fit(X, labels).fit(X, labels)
    assert len(held) == 3
    for other in held[1:]:
        np.testing.assert_array_equal(other, held[0])


def test_the_warning_at_the_end_points_at_the_caller(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=1)
    for fit in (rnn.fit, make_pipeline(rnn).fit):
        with pytest.warns(ConvergenceWarning) as caught:
            fit(X, labels)
        assert [w.filename for w in caught] == [__file__]
