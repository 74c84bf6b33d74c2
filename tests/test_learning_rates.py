"""Schedules of the learning rate, with every solver."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._training import optimizers as _optimizers


def rates_of(**options):
    rng = np.random.RandomState(0)
    X, rates = rng.normal(size=(20, 3, 1)), []
    rnn = RNNRegressor(2, random_state=0, **{"batch_size": 10, "max_iter": 4, **options})
    rnn.fit(X, X.sum(axis=(1, 2)), callbacks=lambda _, info: rates.append(info["learning_rate"]))
    return rates


@pytest.mark.parametrize("solver", _core.OPTIMIZERS)
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


# ---- planned schedules and warm-up --------------------------------------------------------------

DONE = np.array([1 / 8, 3 / 8, 5 / 8, 7 / 8])  # before the last minibatch of each epoch


def half_a_square(done):
    return 0.5 * done**2


def one_cycle_by_points(done):
    """The closed form, read off its three corners: 1/25 at 0, 1 at 0.3, 0 at 1."""
    falling = (1 + np.cos(np.pi * (done - 0.3) / 0.7)) / 2
    return np.where(done < 0.3, np.interp(done, [0, 0.3], [1 / 25, 1]), falling)


PLANNED = {
    "cosine": lambda done: (1 + np.cos(np.pi * done)) / 2,
    "exponential": lambda done: 0.01**done,
    "one_cycle": one_cycle_by_points,
    half_a_square: half_a_square,
}


@pytest.mark.parametrize("schedule", PLANNED)
def test_planned_schedules_follow_the_share_of_the_fit_at_each_minibatch(schedule, monkeypatch):
    rates = []
    rate_of = _optimizers.rate_of
    monkeypatch.setattr(_optimizers, "rate_of", lambda *a: rates.append(rate_of(*a)) or rates[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        rates_of(learning_rate=schedule, learning_rate_init=0.5)
    expected = 0.5 * PLANNED[schedule](np.arange(8) / 8)
    assert rates == pytest.approx(list(expected))


@pytest.mark.parametrize("schedule", PLANNED)
def test_partial_fit_runs_planned_schedules_and_warmup_at_a_constant_rate(schedule):
    X = np.random.RandomState(0).normal(size=(8, 3, 1))
    y, settings = X.sum(axis=(1, 2)), {"learning_rate_init": 0.01, "random_state": 0}
    planned, plain = RNNRegressor(2, **settings), RNNRegressor(2, **settings)
    planned.set_params(learning_rate=schedule)
    if schedule != "one_cycle":
        planned.set_params(warmup=0.5)
    for _ in range(2):
        planned.partial_fit(X, y)
        plain.partial_fit(X, y)
    np.testing.assert_array_equal(planned.params_, plain.params_)


@pytest.mark.parametrize(
    "schedule", ["constant", "invscaling", "cosine", "exponential", "adaptive"]
)
def test_warmup_multiplies_every_schedule(schedule):
    options = {"learning_rate": schedule, "learning_rate_init": 0.01}
    whole = np.array(rates_of(**options))
    warmed = rates_of(warmup=0.75, **options)
    assert warmed == pytest.approx(list(whole * np.minimum(DONE / 0.75, 1)))
    assert warmed[:3] != pytest.approx(list(whole[:3]))


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_schedule_is_what_trains_the_network(estimator, mode):
    X = np.random.RandomState(0).normal(size=(12, 3, 2))
    y = (X.sum(axis=2) > 0).astype(int) if mode == "many_to_many" else (X[:, 0, 0] > 0).astype(int)
    settings = {"mode": mode, "batch_size": 4, "max_iter": 2, "random_state": 0}
    settings |= {"hidden_layer_sizes": 2, "learning_rate_init": 0.01}
    schedules = "constant", *PLANNED
    fits = [estimator(**settings, learning_rate=each).fit(X, y) for each in schedules]
    assert len({rnn.params_.tobytes() for rnn in fits}) == len(schedules)
    fixed = estimator(**settings, learning_rate=lambda done: np.float32(1)).fit(X, y)
    plain = estimator(**settings).fit(X, y)
    np.testing.assert_array_equal(fixed.params_, plain.params_)


def test_a_callable_survives_clones_grids_and_pickles_and_is_not_needed_to_predict():
    X = np.random.RandomState(0).normal(size=(12, 3, 1))
    y = X.sum(axis=(1, 2))
    rnn = RNNRegressor(2, learning_rate=half_a_square, max_iter=2, random_state=0)
    assert clone(rnn).learning_rate is half_a_square
    assert "half_a_square" in repr(rnn)
    predicted = rnn.fit(X, y).predict(X)
    copy = pickle.loads(pickle.dumps(rnn))
    np.testing.assert_array_equal(copy.predict(X), predicted)
    np.testing.assert_array_equal(clone(copy).fit(X, y).params_, rnn.params_)
    local = clone(rnn).set_params(learning_rate=lambda done: half_a_square(done)).fit(X, y)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(local)
    local.set_params(learning_rate="constant")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(local)).predict(X), predicted)
    search = GridSearchCV(rnn, {"learning_rate": ["cosine", half_a_square]}, cv=2).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


@pytest.mark.parametrize("value", [-0.5, np.nan, np.inf, None, "1", True, np.ones(1)])
def test_what_a_callable_returns_is_checked_before_the_update(value):
    X = np.random.RandomState(0).normal(size=(12, 3, 1))
    y = X.sum(axis=(1, 2))
    rnn = RNNRegressor(2, max_iter=2, random_state=0).fit(X, y)
    before = rnn.params_.copy()
    rnn.set_params(learning_rate=lambda done: value, warm_start=True)
    with pytest.raises(ValueError, match=r"`learning_rate` must return a finite number of at lea"):
        rnn.fit(X, y)
    np.testing.assert_array_equal(rnn.params_, before)


def test_wrong_rates_and_warmups_are_refused_by_name():
    X = np.ones((4, 2, 1))
    for name, value in (
        ("learning_rate", "linear"),
        ("learning_rate", 0.1),
        ("learning_rate", ["cosine"]),
        ("warmup", 1.0),
        ("warmup", -0.1),
        ("warmup", None),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            RNNRegressor(2, **{name: value}).fit(X, np.arange(4.0))
    with pytest.raises(ValueError, match="`warmup` must be 0 with learning_rate='one_cycle'"):
        RNNRegressor(2, learning_rate="one_cycle", warmup=0.1).fit(X, np.arange(4.0))
