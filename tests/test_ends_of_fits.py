"""How a fit ends: converged, at its last epoch, or diverged."""

import pickle
import warnings

import numpy as np
import pytest
from fits import same_state
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor, _core


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


def test_the_warning_at_the_end_points_at_the_caller(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=1)
    for fit in (rnn.fit, make_pipeline(rnn).fit):
        with pytest.warns(ConvergenceWarning) as caught:
            fit(X, labels)
        assert [w.filename for w in caught] == [__file__]
