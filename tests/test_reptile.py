"""Reptile learns weights that adapt to another task in a few updates."""

import pickle
import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.transfer import Reptile, transfer

RAW = {"normalize_X": False, "dtype": "float64"}


def wave(n_points, rng):
    """Return points of a sine wave of random amplitude and phase; x is the sum of two steps."""
    amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, np.pi)
    X = rng.uniform(-1, 1, size=(n_points, 2, 1))
    return X, amplitude * np.sin(X[:, :, 0].sum(axis=1) - phase)


def small_tasks(estimator, mode, n_tasks=2, n_points=8, seed=0):
    rng, tasks = np.random.RandomState(seed), []
    for _ in range(n_tasks):
        X, y = rng.normal(size=(n_points, 4, 2)), rng.normal(size=(n_points, 4))
        y = y if mode == "many_to_many" else y[:, 0]
        tasks.append((X, y if estimator is RNNRegressor else (y > 0).astype(int)))
    return tasks


def updated(rnn, weights, task, n_updates):
    """Return the weights after updates on a task, which `partial_fit` takes."""
    rnn = clone(rnn).partial_fit(*task).set_weights(weights)
    for _ in range(n_updates):
        rnn.partial_fit(*task)
    return rnn.weights_


# ---- what is computed ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_an_iteration_moves_towards_two_updates(estimator, mode):
    (task,) = small_tasks(estimator, mode, n_tasks=1)
    rnn = estimator(4, mode=mode, dropout=0.3, dtype="float64", batch_size=8, random_state=1)
    labels = {} if estimator is RNNRegressor else {"classes": [0, 1]}
    still = clone(rnn).set_params(learning_rate_init=1e-300)
    begin = still.partial_fit(*task, **labels).params_
    end = clone(rnn).partial_fit(*task, **labels).partial_fit(*task).params_
    settings = {"n_inner": 2, "n_iter": 1, "outer_learning_rate": 0.25, "random_state": 1}
    reptile = Reptile(rnn, **settings).fit([task])
    expected = begin + 0.25 * (end - begin)
    np.testing.assert_allclose(reptile.estimator_.params_, expected, rtol=1e-9, atol=1e-12)
    assert np.abs(end - begin).max() > 1e-3


def test_it_is_a_loop_over_tasks_drawn_at_random():
    tasks = small_tasks(RNNRegressor, "many_to_one", n_tasks=3)
    plain = {**RAW, "normalize_y": False, "solver": "sgd", "momentum": 0.0, "batch_size": 8}
    rnn = RNNRegressor(4, **plain, learning_rate_init=0.1)
    rng = np.random.RandomState(5)
    still = clone(rnn).set_params(learning_rate_init=1e-300, random_state=rng)
    theta = still.partial_fit(*tasks[0]).weights_
    drawn = []
    for iteration in range(5):
        drawn.append(rng.randint(3))
        end = updated(rnn.set_params(random_state=0), theta, tasks[drawn[-1]], 3)
        rate = 0.5 * (1 - iteration / 5)
        theta = {name: value + rate * (end[name] - value) for name, value in theta.items()}
        rng.randint(2**64, dtype=np.uint64)  # of dropout
    settings = {"n_inner": 3, "n_iter": 5, "outer_learning_rate": 0.5, "random_state": 5}
    reptile = Reptile(rnn, **settings).fit(tasks)
    assert len(set(drawn)) > 1
    for name, value in reptile.estimator_.weights_.items():
        np.testing.assert_allclose(value, theta[name], rtol=1e-9, atol=1e-12)
    adapted = reptile.adapt(*tasks[1], n_steps=4)
    end = updated(rnn, reptile.estimator_.weights_, tasks[1], 4)
    for name, value in adapted.weights_.items():
        np.testing.assert_allclose(value, end[name], rtol=1e-9, atol=1e-12)


def test_it_adapts_to_new_waves_better_than_a_network_that_begins_anew():
    rng = np.random.RandomState(0)
    rnn = RNNRegressor(32, learning_rate_init=0.01, beta_1=0.0, random_state=0)
    reptile = Reptile(rnn, n_inner=10, n_iter=500, random_state=0)
    reptile.fit([wave(30, rng) for _ in range(100)])
    errors = []
    for _ in range(20):
        X, y = wave(110, rng)
        plain = clone(rnn)
        for _ in range(20):
            plain.partial_fit(X[:10], y[:10])
        models = reptile.adapt(X[:10], y[:10], n_steps=20), plain
        errors.append([np.mean((model.predict(X[10:]) - y[10:]) ** 2) for model in models])
    adapted, plain = np.mean(errors, axis=0)
    assert adapted < 0.3 * plain


def test_the_same_bits_for_any_number_of_threads_and_any_run():
    tasks = [wave(40, np.random.RandomState(i)) for i in range(3)]
    rnn = RNNRegressor(8, dropout=0.2)
    first = Reptile(rnn, n_iter=4, random_state=0).fit(tasks)
    again = Reptile(rnn.set_params(n_threads=3), n_iter=4, random_state=0).fit(tasks)
    np.testing.assert_array_equal(first.estimator_.params_, again.estimator_.params_)
    ours, theirs = (each.adapt(*tasks[0]).params_ for each in (first, again))
    np.testing.assert_array_equal(ours, theirs)
    other = Reptile(rnn, n_iter=4, random_state=1).fit(tasks)
    assert not np.array_equal(first.estimator_.params_, other.estimator_.params_)


def test_settings_of_whole_fits_are_not_used():
    tasks = [wave(12, np.random.RandomState(i)) for i in range(3)]
    words = {"early_stopping": True, "learning_rate": "cosine", "warmup": 0.5}
    words |= {"ema_decay": 0.9, "bptt": 1, "gradient_accumulation_steps": 2}
    plain, other = RNNRegressor(4), RNNRegressor(4, **words)
    ours, theirs = (Reptile(rnn, n_iter=3, random_state=0).fit(tasks) for rnn in (plain, other))
    np.testing.assert_array_equal(ours.estimator_.params_, theirs.estimator_.params_)
    np.testing.assert_array_equal(ours.adapt(*tasks[0]).params_, theirs.adapt(*tasks[0]).params_)
    assert theirs.estimator_.bptt == 1


def test_frozen_arrays_stay_as_they_are():
    tasks = [wave(12, np.random.RandomState(i)) for i in range(3)]
    rnn = RNNRegressor(4, frozen=["*_l0"])
    short, long = (Reptile(rnn, n_iter=n, random_state=0).fit(tasks) for n in (1, 20))
    adapted = long.adapt(*tasks[0])
    for name, values in short.estimator_.weights_.items():
        for other in (long.estimator_, adapted):
            assert np.array_equal(values, other.weights_[name]) == name.endswith("_l0")


# ---- tasks --------------------------------------------------------------------------------------


def test_classes_are_those_of_all_tasks():
    rng = np.random.RandomState(0)
    tasks = [
        (rng.normal(size=(9, n, 2)), rng.choice(list(of), 9)) for n, of in ((3, "ab"), (5, "bc"))
    ]
    reptile = Reptile(RNNClassifier(4, class_weight={"a": 0.0}), n_iter=2).fit(tasks)
    assert reptile.estimator_.classes_.tolist() == ["a", "b", "c"]
    adapted = reptile.adapt(tasks[1][0], ["c"] * 9, n_steps=50)
    assert (adapted.predict(tasks[1][0]) == "c").all()
    assert len(adapted.loss_curve_) == 50 and adapted.loss_curve_[-1] < adapted.loss_curve_[0]
    with pytest.raises(ValueError, match="`y`"):
        reptile.adapt(tasks[0][0], ["d"] * 9)


def test_scales_are_those_of_all_tasks_together():
    tasks = [wave(n, np.random.RandomState(n)) for n in (5, 12, 30)]
    fitted = Reptile(RNNRegressor(4), n_iter=2, random_state=0).fit(tasks)
    X, y = (np.concatenate(parts) for parts in zip(*tasks, strict=True))
    whole = RNNRegressor(4, max_iter=1).fit(X, y)
    for each in (fitted.estimator_, fitted.adapt(*tasks[0])):
        for name in ("x_mean_", "x_scale_", "y_mean_", "y_scale_"):
            np.testing.assert_allclose(getattr(each, name), getattr(whole, name), rtol=1e-12)


def test_codes_are_those_of_all_tasks():
    rng = np.random.RandomState(0)
    tasks = [(rng.choice(codes, (9, 4, 1)), rng.normal(size=9)) for codes in ([2, 7], [7, 5])]
    rnn = RNNRegressor(4, categorical_features="all", embedding_dim=2)
    reptile = Reptile(rnn, n_iter=2).fit(tasks)
    assert reptile.estimator_.categories_[0].tolist() == [2, 5, 7]
    assert reptile.adapt(np.full((3, 4, 1), 9), [1.0, 2.0, 3.0]).predict(tasks[0][0]).shape == (9,)


def test_tasks_may_be_ragged_and_come_in_lists():
    rng = np.random.RandomState(0)
    tasks = []
    for _ in range(3):
        X = [rng.normal(size=(n, 2)) for n in rng.randint(1, 9, 7)]
        tasks.append((X, [np.c_[x[:, 0], x.sum(axis=1)] for x in X]))
    reptile = Reptile(RNNRegressor(4, mode="many_to_many"), n_iter=2).fit(tasks)
    predicted = reptile.adapt(*tasks[0]).predict(tasks[1][0])
    assert [p.shape for p in predicted] == [y.shape for y in tasks[1][1]]


# ---- scikit-learn -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tasks():
    return [wave(12, np.random.RandomState(i)) for i in range(3)]


@pytest.fixture(scope="module")
def fitted(tasks):
    return Reptile(RNNRegressor(4), n_iter=3, random_state=0).fit(tasks)


def test_clones_pickles_and_parameters(tasks, fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.estimator_.params_, fitted.estimator_.params_)
    copied = clone(fitted)
    assert not hasattr(copied, "estimator_")
    with pytest.raises(NotFittedError):
        copied.adapt(*tasks[0])
    for params in ParameterGrid({"estimator__cell": ["gru", "lstm"], "n_inner": [1, 2]}):
        each = copied.set_params(**params).fit(tasks)
        assert each.estimator_.cell == each.estimator.cell == params["estimator__cell"]
        assert not hasattr(each.estimator, "params_")
    shown = "Reptile(estimator=RNNRegressor(hidden_layer_sizes=4), n_iter=3, random_state=0)"
    assert " ".join(repr(fitted).split()) == shown
    assert len(fitted.loss_curve_) == fitted.n_iter_ == 3


PARAMETER_CHECKS = [
    *(estimator_checks.check_estimator_cloneable, estimator_checks.check_estimator_repr),
    *(estimator_checks.check_get_params_invariance, estimator_checks.check_set_params),
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    *(estimator_checks.check_valid_tag_types, estimator_checks.check_mixin_order),
]


@pytest.mark.parametrize("check", PARAMETER_CHECKS, ids=lambda check: check.__name__)
def test_it_passes_the_checks_of_scikit_learn_that_need_no_X(check):
    check("Reptile", Reptile(RNNRegressor(4)))


def test_tasks_are_no_metadata():
    assert set(Reptile(RNNRegressor()).get_metadata_routing().fit.requests) == {"callbacks"}


def test_the_result_begins_other_fits(tasks, fitted):
    rnn = transfer(fitted.estimator_, RNNClassifier(max_iter=1, learning_rate_init=1e-30))
    rnn.fit(tasks[0][0], tasks[0][1] > 0)
    expected = fitted.estimator_.hidden_states(tasks[0][0])
    np.testing.assert_allclose(rnn.hidden_states(tasks[0][0]), expected, atol=1e-5)
    begun = Reptile(rnn, n_iter=1, outer_learning_rate=1e-9)
    begun.fit([(X, y > 0) for X, y in tasks])
    states = begun.estimator_.hidden_states(tasks[0][0])
    np.testing.assert_allclose(states, expected, atol=1e-3)
    before = fitted.estimator_.params_.copy()
    pickle.loads(pickle.dumps(fitted)).estimator_.partial_fit(*tasks[0])
    np.testing.assert_array_equal(fitted.estimator_.params_, before)


def test_callbacks_see_the_present_weights_and_can_stop(tasks, fitted, capsys):
    seen = []

    def look(reptile, info):
        seen.append((info["iteration"], info["n_iter"], len(reptile.loss_curve_)))
        reptile.estimator_.predict(tasks[0][0])
        return info["iteration"] == 4

    rnn = Reptile(RNNRegressor(4), n_iter=200, random_state=0, verbose=1).fit(tasks, callbacks=look)
    assert seen == [(2, 200, 2), (4, 200, 4)] and rnn.n_iter_ == 4
    assert re.match(r"iteration   2/200  loss \S+  outer rate 0.995", capsys.readouterr().out)


def test_ctrl_c_keeps_what_was_learned(tasks):
    def interrupt(reptile, info):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        reptile = Reptile(RNNRegressor(4), n_iter=200).fit(tasks, callbacks=interrupt)
    assert reptile.n_iter_ == 2
    reptile.adapt(*tasks[0])


def test_an_error_in_a_callback_leaves_what_was_learned(tasks):
    def fail(reptile, info):
        raise ValueError("mine")

    reptile = Reptile(RNNRegressor(4), n_iter=200)
    with pytest.raises(ValueError, match="mine"):
        reptile.fit(tasks, callbacks=fail)
    assert reptile.n_iter_ == 2


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, text",
    [
        ({"estimator": make_pipeline(RNNRegressor())}, "`estimator` must be an RNNClassifier"),
        ({"n_inner": 0}, "`n_inner` must be an integer of at least 1"),
        ({"n_iter": 1.5}, "`n_iter`"),
        ({"inner_learning_rate": -1.0}, "`inner_learning_rate`"),
        ({"outer_learning_rate": 1.5}, "`outer_learning_rate` must be a number above 0 and at mo"),
        ({"batch_size": "all"}, "`batch_size`"),
        ({"random_state": "x"}, "`random_state`"),
        ({"verbose": -1}, "`verbose`"),
        ({"estimator": RNNRegressor(4, alpha=-1)}, "`alpha`"),
        ({"estimator": RNNRegressor(4, solver="lbfgs")}, "`solver`.*such as 'adam'.*got 'lbfgs'"),
        ({"inner_learning_rate": 1e30}, "diverged.*`inner_learning_rate`"),
    ],
)
def test_bad_parameters_are_refused_and_change_nothing(tasks, fitted, words, text):
    reptile = pickle.loads(pickle.dumps(fitted)).set_params(**words)
    before = pickle.dumps(reptile)
    with warnings.catch_warnings(), pytest.raises(ValueError, match=text):
        warnings.simplefilter("error")
        reptile.fit(tasks)
    assert pickle.dumps(reptile) == before


@pytest.mark.parametrize(
    "change, text",
    [
        (lambda tasks: [], "`tasks` must be a list of pairs (X, y), one for each task; got an em"),
        (lambda tasks: tasks[0][0], "`tasks` must be a list of pairs (X, y)"),
        (lambda tasks: [tasks[0], tasks[1][0]], "`tasks[1]` must be a pair (X, y), got ndarray"),
        (lambda tasks: [*tasks, (tasks[0][0], tasks[0][1][:3])], "`tasks[3][1]` must have one ta"),
        (lambda tasks: [*tasks, (np.ones((4, 3, 2)), np.ones(4))], "tasks[3][0] has 2 features"),
        (lambda tasks: [*tasks, (np.ones((4, 2, 1)), np.ones((4, 2)))], "`tasks[3][1]` must have"),
        (lambda tasks: [(tasks[0][0] * np.nan, tasks[0][1])], "`tasks[0][0]`"),
        (lambda tasks: [(tasks[0][0], tasks[0][1] * np.nan)], "`tasks[0][1]`"),
    ],
)
def test_bad_tasks_are_named(tasks, fitted, change, text):
    reptile = pickle.loads(pickle.dumps(fitted))
    before = pickle.dumps(reptile)
    with pytest.raises(ValueError, match=re.escape(text)):
        reptile.fit(change(tasks))
    assert pickle.dumps(reptile) == before


@pytest.mark.parametrize("estimator", [RNNRegressor(loss="gamma"), RNNClassifier()])
def test_targets_that_cannot_be_learned_are_named(tasks, estimator):
    X, y = tasks[1]
    with pytest.raises(ValueError, match=r"`tasks\[1\]\[1\]` (must be positive|cannot be read)"):
        Reptile(estimator).fit([(X, np.arange(1.0, 1 + len(X))), (X, -np.abs(y) - 0.5)])


def test_bad_arguments_of_adapt_are_named(tasks, fitted):
    with pytest.raises(ValueError, match=r"`y` must be finite.*Leave it out.$"):
        fitted.adapt(tasks[0][0], tasks[0][1] * np.nan)
    with pytest.raises(ValueError, match="`n_steps` must be an integer of at least 1"):
        fitted.adapt(*tasks[0], n_steps=0)
    with pytest.raises(ValueError, match="`y` must have one target per sequence"):
        fitted.adapt(tasks[0][0], tasks[0][1][:3])
    wild = pickle.loads(pickle.dumps(fitted)).set_params(inner_learning_rate=1e30)
    with pytest.raises(ValueError, match=r"diverged.*`inner_learning_rate`"):
        wild.adapt(*tasks[0])
    np.testing.assert_array_equal(wild.estimator_.params_, fitted.estimator_.params_)
