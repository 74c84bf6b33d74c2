"""The solver "lbfgs": scipy's L-BFGS-B on the loss of all sequences at once."""

import os
import pickle
import signal
import warnings

import numpy as np
import pytest
import reference
from cases import as_read, nodes_of_estimator
from fits import same_state
from scale_settings import EITHER
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor, _memory
from sklearn_rnn._training import lbfgs
from sklearn_rnn.cells import LSTM, Elman

# Rounding errors grow from iteration to iteration.
RTOL_ITERATIONS = 1e-7
SETTINGS = {
    "hidden_layer_sizes": 2,
    "cell": "elman",
    "solver": "lbfgs",
    "dtype": "float64",
    "alpha": 0.01,
    "max_iter": 6,
    "random_state": 0,
}
each_mode = pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])


def data(estimator, mode, n=12):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(length, 2)) for length in rng.randint(1, 5, n)]
    y = [x[:, 0].cumsum() for x in X]
    if mode == "many_to_one":
        y = np.array([row[-1] for row in y])
    if estimator is RNNClassifier:
        y = y > 0 if mode == "many_to_one" else [row > 0 for row in y]
    return X, y


def initial(rnn, X, y, **options):
    """Return the estimator with the weights that it begins with."""
    still = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1e-300, "max_iter": 1}
    return clone(rnn).set_params(**still).fit(X, y, **options)


def objective(rnn, X, y, weights=None):
    """Return the function params -> (value, gradient) of the reference."""
    per_step, nodes, like = rnn.mode == "many_to_many", nodes_of_estimator(rnn), rnn.weights_
    X, loss, decays = as_read(rnn, X), "logistic", reference.decaying(like)
    if isinstance(rnn, RNNRegressor):
        loss, y = "squared_error", [(row - rnn.y_mean_) / rnn.y_scale_ for row in y]
    if per_step:
        y = [np.asarray(row) for row in y]

    def value_and_gradient(params):
        params = np.array(params)
        value, d_weights, _ = reference.loss_and_grad(
            reference.unflatten(params, like), X, y, weights,
            nodes=nodes, loss=loss, per_step=per_step,
        )  # fmt: skip
        gradient = reference.flatten(d_weights)
        gradient += reference.penalty_gradient(params, decays, rnn.alpha, 0.0)
        return value + rnn.alpha / 2 * (decays @ params**2), gradient

    return value_and_gradient


@pytest.mark.parametrize("weighted", [False, True])
@each_mode
@EITHER
def test_the_result_is_that_of_scipy_on_the_reference(estimator, mode, weighted):
    X, y = data(estimator, mode)
    weights = None
    if weighted:
        rng = np.random.RandomState(1)
        weights = [rng.uniform(0.5, 2.0, len(x)) for x in X]
        weights = weights if mode == "many_to_many" else np.array([w[0] for w in weights])
    rnn = estimator(**SETTINGS, mode=mode, n_threads=2).fit(X, y, sample_weight=weights)
    begun = initial(rnn, X, y, sample_weight=weights)
    by_hand = minimize(
        objective(begun, X, y, weights),
        begun.params_,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": SETTINGS["max_iter"], "gtol": rnn.tol, "ftol": 0.0},
    )
    scale = np.abs(by_hand.x).max()
    np.testing.assert_allclose(rnn.params_, by_hand.x, rtol=0, atol=RTOL_ITERATIONS * scale)
    assert np.abs(begun.params_ - rnn.params_).max() > 0.1 * scale
    assert rnn.n_iter_ == by_hand.nit == len(rnn.loss_curve_)
    assert rnn.t_ == by_hand.nfev * len(X)
    unpenalised, _ = objective(rnn.set_params(alpha=0.0), X, y, weights)(rnn.params_)
    unit = float(rnn.y_scale_[0]) ** 2 if estimator is RNNRegressor else 1.0
    assert rnn.loss_ == pytest.approx(unpenalised * unit, rel=1e-9)
    assert rnn.best_loss_ == min(rnn.loss_curve_)


@each_mode
@EITHER
def test_at_the_end_the_gradient_is_tiny(estimator, mode):
    X, y = data(estimator, mode, 8)
    rnn = estimator(**{**SETTINGS, "max_iter": 2000, "tol": 1e-7}, mode=mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rnn.fit(X, y)
    _, gradient = objective(rnn, X, y)(rnn.params_)
    assert np.abs(gradient).max() < 1.1e-7
    assert rnn.n_iter_ < 2000


@each_mode
@EITHER
def test_a_weight_of_two_is_the_same_row_twice(estimator, mode):
    X, y = data(estimator, mode)
    rnn = estimator(**SETTINGS, mode=mode)
    twice = clone(rnn).fit([*X, *X[:4]], [*y, *y[:4]])
    weights = np.where(np.arange(len(X)) < 4, 2.0, 1.0)
    rnn.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(rnn.params_, twice.params_, rtol=0, atol=1e-6)
    assert np.abs(clone(rnn).fit(X, y).params_ - twice.params_).max() > 1e-3


def test_class_weights_are_weights_of_the_loss():
    X, y = data(RNNClassifier, "many_to_one")
    rnn = RNNClassifier(**SETTINGS, normalize_X=False)
    weighted = clone(rnn).fit(X, y, sample_weight=np.where(y, 3.0, 1.0))
    np.testing.assert_array_equal(
        rnn.set_params(class_weight={True: 3.0}).fit(X, y).params_, weighted.params_
    )


def test_chunks_threads_and_budgets_change_no_result(monkeypatch):
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(length, 2)) for length in rng.randint(1, 150, 300)]
    y = np.array([x.sum() for x in X])
    rnn = RNNRegressor(**{**SETTINGS, "max_iter": 3, "hidden_layer_sizes": 8}, n_threads=1)
    made = []
    make = lbfgs.Objective.__init__
    monkeypatch.setattr(
        lbfgs.Objective, "__init__", lambda self, *args: made.append(self) or make(self, *args)
    )
    clone(rnn).fit(X + X + X, np.tile(y, 3))
    one = clone(rnn).fit(X, y)
    n_bytes = made[1].engine.n_bytes_of_steps
    assert made[0].engine.n_bytes_of_steps <= 1.05 * n_bytes
    for options in ({"n_threads": 3}, {"memory_budget": 3 * n_bytes // 4}):
        other = clone(rnn).set_params(**options).fit(X, y)
        np.testing.assert_array_equal(other.params_, one.params_)
    assert made[-1].engine.n_bytes_of_steps <= 3 * n_bytes // 4
    monkeypatch.setattr(lbfgs, "CHUNK", 7)
    other = clone(rnn).fit(X, y)
    np.testing.assert_allclose(other.params_, one.params_, rtol=0, atol=1e-8)
    assert made[-1].engine.n_bytes_of_steps < n_bytes


# ---- iterations ---------------------------------------------------------------------------------


@each_mode
@EITHER
def test_callbacks_see_each_iteration_and_may_stop(estimator, mode, capsys):
    X, y = data(estimator, mode)
    seen = []

    def look(rnn, info):
        seen.append((info, rnn.params_.copy(), rnn.n_iter_))
        return info["epoch"] == 3

    rnn = estimator(**SETTINGS, mode=mode, verbose=1).fit(X, y, callbacks=look)
    three = estimator(**{**SETTINGS, "max_iter": 3}, mode=mode).fit(X, y)
    assert [info["epoch"] for info, *_ in seen] == [1, 2, 3] == [n for *_, n in seen]
    np.testing.assert_array_equal(rnn.params_, three.params_)
    np.testing.assert_array_equal(seen[-1][1], three.params_)
    assert [info["loss"] for info, *_ in seen] == rnn.loss_curve_ == three.loss_curve_
    assert all(info["learning_rate"] is None for info, *_ in seen)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3 and printed[0].startswith("epoch 1/6  loss ")


def test_callbacks_of_scikit_learn_see_each_iteration():
    pytest.importorskip("sklearn.callback")

    class Recorder:
        events = []  # noqa: RUF012

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            self.events.append(f"begin {context.task_name}")

        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
            self.events.append(f"end {context.task_name}")

        def teardown(self, estimator, context):
            pass

    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**{**SETTINGS, "tol": 0.01, "max_iter": 99}).set_callbacks(Recorder())
    rnn.fit(X, y)
    assert 1 < rnn.n_iter_ < 99
    iterations = ["begin epoch", "end epoch"] * rnn.n_iter_
    assert Recorder.events == ["begin fit", *iterations, "end fit"]


def test_ctrl_c_and_errors_of_callbacks_keep_what_was_learned():
    X, y = data(RNNRegressor, "many_to_one")
    two = RNNRegressor(**{**SETTINGS, "max_iter": 2}).fit(X, y)

    def interrupt(rnn, info):
        if info["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGINT)

    def fail(rnn, info):
        if info["epoch"] == 2:
            raise RuntimeError("mine")

    rnn = RNNRegressor(**SETTINGS)
    with pytest.warns(UserWarning, match="interrupted by user"):
        rnn.fit(X, y, callbacks=interrupt)
    np.testing.assert_array_equal(rnn.params_, two.params_)
    assert rnn.n_iter_ == 2
    other = clone(rnn)
    with pytest.raises(RuntimeError, match="mine"):
        other.fit(X, y, callbacks=fail)
    np.testing.assert_array_equal(other.params_, two.params_)
    with pytest.raises(RuntimeError, match="A callback raised StopIteration"):
        clone(rnn).fit(X, y, callbacks=lambda *_: next(iter(())))


def test_an_interrupt_before_the_first_iteration_is_raised(monkeypatch):
    X, y = data(RNNRegressor, "many_to_one")

    def interrupted(self, x):
        raise KeyboardInterrupt

    monkeypatch.setattr(lbfgs.Objective, "__call__", interrupted)
    rnn = RNNRegressor(**SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        rnn.fit(X, y)
    assert not hasattr(rnn, "params_")


def test_what_ends_it_early_is_a_warning(capsys):
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS)
    with pytest.warns(ConvergenceWarning, match=r"iterations \(max_iter=6\).*Increase max_iter"):
        rnn.fit(X, y)
    with pytest.warns(ConvergenceWarning, match=r"the loss \(max_fun=4\).*Increase max_fun"):
        rnn.set_params(max_fun=4).fit(X, y)
    assert 1 <= rnn.n_iter_ <= 4
    with pytest.warns(ConvergenceWarning, match=r"no lower loss.*larger than tol=0: .*rounding"):
        rnn.set_params(max_fun=15000, max_iter=10**5, tol=0.0).fit(X, y)
    rnn.set_params(tol=0.01, verbose=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rnn.fit(X, y)
    assert "No entry of the gradient is larger than tol=0.01." in capsys.readouterr().out


def test_a_fit_that_learns_nothing_is_told():
    X, y = data(RNNRegressor, "many_to_one")
    with pytest.warns(ConvergenceWarning, match="almost nothing.*another `random_state` or `solv"):
        RNNRegressor(**{**SETTINGS, "alpha": 100.0, "max_iter": 50}).fit(X, y)


def test_too_many_parameters_are_refused_before_anything_is_taken(monkeypatch):
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS).fit(X, y)
    before = rnn.params_
    monkeypatch.setattr(_memory, "memory_limit", lambda: 8 * 31 * len(before))
    with pytest.raises(MemoryError, match=r"L-BFGS with .* parameters .* use another `solver`"):
        rnn.fit(X, y)
    assert rnn.params_ is before


def test_float32_works_and_warns(dense):
    X, labels, _ = dense
    rnn = RNNClassifier(**{**SETTINGS, "dtype": "float32", "max_iter": 30})
    with pytest.warns(UserWarning, match=r"dtype='float32'.*Set dtype='float64'"):
        rnn.fit(X, labels)
    assert rnn.params_.dtype == np.float32
    double = RNNClassifier(**{**SETTINGS, "max_iter": 30}).fit(X, labels)
    assert rnn.loss_ == pytest.approx(double.loss_, rel=0.2)


def test_points_where_the_loss_is_not_finite_are_left_again(monkeypatch):
    X, y = data(RNNRegressor, "many_to_one")
    call, points = lbfgs.Objective.__call__, []

    def fragile(self, x):
        points.append(x)
        loss, value, gradient = call(self, x)
        return (np.inf, np.inf, gradient) if 2 <= len(points) <= 4 else (loss, value, gradient)

    monkeypatch.setattr(lbfgs.Objective, "__call__", fragile)
    rnn = RNNRegressor(**{**SETTINGS, "max_iter": 100}).fit(X, y)
    assert np.isfinite(rnn.loss_curve_).all()
    assert rnn.loss_ < 0.5 * rnn.loss_curve_[0]


def test_weights_at_which_the_loss_is_not_finite_are_an_error():
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS, warm_start=True).fit(X, y)
    rnn.set_weights({name: np.full_like(w, 1e300) for name, w in rnn.weights_.items()})
    before = pickle.dumps(rnn)
    with pytest.raises(ValueError, match=r"diverged: the loss is .*at the initial weights"):
        rnn.fit(X, y)
    assert pickle.dumps(rnn) == before


# ---- going on -----------------------------------------------------------------------------------


@each_mode
@EITHER
def test_it_goes_on_and_is_kept(estimator, mode):
    X, y = data(estimator, mode)
    rnn = estimator(**SETTINGS, mode=mode, warm_start=True).fit(X, y)
    first, n = rnn.loss_, rnn.t_
    copy = pickle.loads(pickle.dumps(rnn))
    assert same_state(copy, rnn)
    rnn.fit(X, y)
    assert rnn.loss_ < first and len(rnn.loss_curve_) == 12 and rnn.t_ > n
    np.testing.assert_array_equal(copy.fit(X, y).params_, rnn.params_)
    before = pickle.dumps(rnn)
    with pytest.raises(ValueError, match="partial_fit does not support solver='lbfgs'"):
        rnn.partial_fit(X, y)
    assert pickle.dumps(rnn) == before
    rnn.set_params(solver="adam").partial_fit(X, y)
    assert len(rnn.loss_curve_) == 13
    rnn.set_params(solver="lbfgs").fit(X, y)
    assert rnn._optimizer["moments"].shape == (0, len(rnn.params_))


def test_grids_try_it():
    X, y = data(RNNRegressor, "many_to_one")
    X = np.array([np.resize(x, (3, 2)) for x in X])
    rnn = RNNRegressor(**SETTINGS)
    search = GridSearchCV(rnn, {"solver": ["adam", "lbfgs"]}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert "solver='lbfgs'" in repr(rnn)


def test_given_states_and_codes():
    rng = np.random.RandomState(0)
    X, h = rng.normal(size=(12, 3, 2)), rng.normal(size=(12, 2))
    y = X.sum(axis=(1, 2)) + h[:, 0]
    rnn = RNNRegressor(**{**SETTINGS, "max_iter": 50}).fit(X, y, initial_state={"h_l0": h})
    predicted, _ = rnn.predict(X, initial_state={"h_l0": h}, return_state=True)
    shuffled, _ = rnn.predict(X, initial_state={"h_l0": h[::-1]}, return_state=True)
    assert np.abs(predicted - y).mean() < 0.7 * np.abs(shuffled - y).mean()


def test_the_penalty_leaves_vectors_alone_that_no_sequence_reads():
    X = np.random.RandomState(0).randint(0, 6, size=(40, 4, 1))
    settings = {"categorical_features": "all", "embedding_dim": 2, "warm_start": True}
    rnn = RNNRegressor(**{**SETTINGS, "alpha": 0.5}, **settings).fit(X, X.sum(axis=(1, 2)))
    (name,) = [name for name in rnn.weights_ if "embedding" in name]
    before, few = rnn.weights_[name], X % 3
    rnn.fit(few, few.sum(axis=(1, 2)))
    table = rnn.weights_[name]
    np.testing.assert_array_equal(table[3:-1], before[3:-1])
    assert (table[:3] != before[:3]).all()
    np.testing.assert_allclose(table[-1], table[:-1].mean(axis=0), rtol=1e-12)


# ---- what it refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value",
    [
        ("dropout", 0.1),
        ("output_dropout", 0.1),
        ("input_dropout", 0.1),
        ("input_noise", 0.1),
        ("l1_ratio", 0.5),
        ("max_grad_norm", 5.0),
        ("max_grad_value", 1.0),
        ("ema_decay", 0.9),
        ("early_stopping", True),
        ("recurrent_dropout", 0.1),
        ("zoneout", 0.1),
    ],
)
def test_it_refuses_by_name_what_it_does_not_support(name, value):
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS).fit(X, y)
    before = rnn._fitted_attributes()
    given = {name: value}
    if name in ("recurrent_dropout", "zoneout"):
        given = {"hidden_layer_sizes": (2, 2), "cell": [LSTM(), Elman(**{name: value})]}
    rnn.set_params(**given)
    with pytest.raises(ValueError, match=f"`{name}`.* must be .* with solver='lbfgs'.*{value}"):
        rnn.fit(X, y)
    assert rnn._fitted_attributes() is not before and same(rnn, before)


def same(rnn, attributes):
    return pickle.dumps(rnn._fitted_attributes()) == pickle.dumps(attributes)


def test_it_clips_nothing():
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS).fit(X, 100 * y)
    np.testing.assert_array_equal(
        rnn.params_, clone(rnn).set_params(max_grad_norm=None).fit(X, 100 * y).params_
    )


@pytest.mark.parametrize("value", [0, 1.5, None, "1"])
def test_a_wrong_max_fun_is_refused(value):
    with pytest.raises(ValueError, match="`max_fun` must be an integer of at least 1"):
        RNNRegressor(2, max_fun=value).fit(np.ones((4, 2, 1)), np.arange(4.0))
