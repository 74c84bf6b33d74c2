"""Several named targets of one network: MultiTaskRNN, and the loss "multitask" of the core."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import reference
from cases import (
    GRU,
    RTOL,
    RTOL_REORDERED,
    as_read,
    assert_close,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_network,
    predict,
    simd_level,
)
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._training import losses as _losses
from sklearn_rnn.transfer import MultiTaskRNN

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 5, 2))
RAGGED = [x[: 2 + i % 4] for i, x in enumerate(X)]
TOTAL = np.array([x.sum() for x in RAGGED])
TWO = np.where(TOTAL > 0, "up", "down")
THREE = np.digitize(TOTAL, [-1.0, 1.0])
ALONE = {"two": TWO, "three": THREE, "number": 3 * TOTAL + 5}
SOME = np.arange(60) % 3 > 0  # where targets are known, in the tests of missing ones
QUICK = {"hidden_layer_sizes": 5, "max_iter": 5, "random_state": 0, "dtype": "float64"}
SMALL = 1e-30  # a learning rate that changes nothing

each_mode = pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
each_task = pytest.mark.parametrize("name", ALONE)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_level = pytest.mark.parametrize("level", _core.simd_levels())


def missing():
    """Return targets of which each task lacks some, another task others."""
    y = {name: column.astype(object) for name, column in ALONE.items()}
    for k, column in enumerate(y.values()):
        column[np.arange(60) % 4 == k] = [None, np.nan, np.nan][k]
    y["number"] = y["number"].astype(float)
    return y


def of_steps(column):
    """Return targets of which each sequence has its own at all steps."""
    return [np.repeat(column[i : i + 1], len(x)) for i, x in enumerate(RAGGED)]


def in_mode(y, mode):
    if mode == "many_to_one":
        return y
    return {name: of_steps(column) for name, column in y.items()}


def fitted(y=None, **changes):
    return MultiTaskRNN(**QUICK | changes).fit(RAGGED, missing() if y is None else y)


# ---- the loss of the core -----------------------------------------------------------------------


@each_level
@each_dtype
@pytest.mark.parametrize("loss", _core.LOSSES_OF_GROUPS)
def test_a_single_task_has_the_bits_of_its_loss(loss, dtype, level):
    rng = np.random.default_rng(0)
    n_outputs = 4 if loss == "softmax" else 1
    alone = make_network(GRU, loss=loss, n_outputs=n_outputs, dtype=dtype)
    task = make_network(
        GRU, loss="multitask", groups=((loss, n_outputs),), dtype=dtype, n_outputs=n_outputs
    )
    params = draw_params(alone, rng)
    data = draw_dataset(alone, np.array([3, 1, 4, 2]), rng, weighted=True)
    targets = data.targets.reshape(4, 1).astype(dtype)
    of_task = _core.Dataset(data.values, data.offsets, targets, data.weights)
    with simd_level(level):
        expected = loss_and_grad(alone, params, data)
        actual = loss_and_grad(task, params, of_task, group_weights=[1.0])
        np.testing.assert_array_equal(predict(task, params, of_task), predict(alone, params, data))
    if loss in ("poisson", "gamma"):  # the compiler may fuse other operations
        assert_close(actual[1], expected[1], RTOL[dtype])
        assert actual[0] == pytest.approx(expected[0], rel=RTOL[dtype])
    else:
        assert actual[0] == expected[0]
        np.testing.assert_array_equal(actual[1], expected[1])


@each_dtype
def test_tasks_add_up_and_missing_ones_count_nothing(dtype):
    groups = (("softmax", 3), ("logistic", 1), ("squared_error", 1))
    network = make_network(GRU, loss="multitask", groups=groups, dtype=dtype)
    rng = np.random.default_rng(1)
    params, lengths = draw_params(network, rng), np.array([3, 1, 4, 2])
    data = draw_dataset(network, lengths, rng)
    targets = np.nan_to_num(data.targets)
    weights = np.array([0.5, 2.0, 0.25])

    def results(targets, weights):
        of = _core.Dataset(data.values, data.offsets, targets)
        return loss_and_grad(network, params, of, group_weights=weights)

    parts = [results(targets, weights * (np.arange(3) == g)) for g in range(3)]
    rtol = 1e-5 if dtype == "float32" else RTOL_REORDERED
    for whole, *of_parts in zip(results(targets, weights), *parts, strict=True):
        assert_close(np.sum(of_parts, axis=0), whole, rtol)
    gone = targets.copy()
    gone[:, 1] = np.nan
    for a, b in zip(results(gone, weights), results(targets, weights * [1, 0, 1]), strict=True):
        np.testing.assert_array_equal(a, b)
    loss, gradient = results(np.full_like(targets, np.nan), weights)
    assert loss == 0 and not gradient.any()


@pytest.mark.parametrize("bad", [3.0, -1.0, 0.5, np.inf])
def test_the_core_refuses_what_is_no_class(bad):
    network = make_network(GRU, loss="multitask", groups=(("huber", 1), ("softmax", 3)))
    rng = np.random.default_rng(0)
    data = draw_dataset(network, np.array([3, 1]), rng)
    data.targets[0, 1] = bad
    with pytest.raises(ValueError, match="must be classes 0 to 2, or NaN, in column 1"):
        loss_and_grad(network, draw_params(network, rng), data)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, np.nan], [1.0, np.inf]])
def test_the_core_refuses_weights_that_are_none(weights):
    network = make_network(GRU, loss="multitask", groups=(("huber", 1), ("softmax", 3)))
    with pytest.raises(ValueError, match="`group_weights` must be"):
        network.engine(np.array([3]), 1, 1, True, group_weights=weights)


# ---- one task is the estimator alone ------------------------------------------------------------


@each_dtype
@each_mode
@each_task
def test_one_task_has_the_bits_of_the_estimator_alone(name, mode, dtype):
    alone = RNNRegressor if name == "number" else RNNClassifier
    facts = QUICK | {"mode": mode, "dtype": dtype}
    y = in_mode(ALONE, mode)[name]
    weights = np.random.RandomState(1).rand(60)
    ours = MultiTaskRNN(**facts).fit(RAGGED, {name: y}, weights)
    theirs = alone(**facts).fit(RAGGED, y, weights)
    np.testing.assert_array_equal(ours.params_, theirs.params_)
    for a, b in zip(ours.predict(RAGGED)[name], theirs.predict(RAGGED), strict=True):
        np.testing.assert_array_equal(a, b)
    assert ours.score(RAGGED, {name: y}) == theirs.score(RAGGED, y)
    if name != "number":
        proba, expected = ours.predict_proba(RAGGED)[name], theirs.predict_proba(RAGGED)
        for a, b in zip(proba, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


@each_mode
@each_task
def test_a_missing_target_is_one_of_weight_0(name, mode):
    alone = RNNRegressor if name == "number" else RNNClassifier
    y = ALONE[name].astype(object)
    y[~SOME] = None
    y = {name: y} if mode == "many_to_one" else {name: of_steps(y)}
    ours = MultiTaskRNN(mode=mode, **QUICK).fit(RAGGED, y)
    theirs = alone(mode=mode, **QUICK).fit(RAGGED, in_mode(ALONE, mode)[name], SOME.astype(float))
    np.testing.assert_array_equal(ours.params_, theirs.params_)
    np.testing.assert_array_equal(ours.x_mean_, theirs.x_mean_)
    assert ours.t_ == theirs.t_


# ---- several tasks ------------------------------------------------------------------------------


@each_mode
@pytest.mark.parametrize("batch_size", [7, 60])
def test_each_task_counts_its_weight_however_few_targets_it_has(mode, batch_size):
    counts = {"two": 0.5, "number": 3.0}
    y, weights = missing(), np.random.RandomState(1).rand(60)
    y["two"][8:] = None
    facts = {"mode": mode, "batch_size": batch_size, "learning_rate_init": SMALL, "max_iter": 1}
    rnn = MultiTaskRNN(task_weights=counts, **QUICK | facts)
    rnn.fit(RAGGED, in_mode(y, mode), weights)
    expected, start = 0.0, rnn.predict_proba(RAGGED)
    numbers = rnn.predict(RAGGED)["number"]
    if mode == "many_to_many":
        weights = np.repeat(weights, [len(x) for x in RAGGED])
        y = {name: np.concatenate(column) for name, column in in_mode(y, mode).items()}
        start = {name: np.concatenate(p) for name, p in start.items()}
        numbers = np.concatenate(numbers)
    for name, p in start.items():
        known = np.array([v is not None and v == v for v in y[name]])
        labels = y[name][known].tolist()
        loss = log_loss(labels, p[known], sample_weight=weights[known], labels=rnn.classes_[name])
        expected += counts.get(name, 1.0) * loss
    known = ~np.isnan(y["number"])
    errors = (y["number"] - numbers)[known] / rnn.y_scale_
    expected += 3.0 * np.average(errors**2, weights=weights[known])
    assert rnn.loss_ == pytest.approx(expected, rel=1e-9)
    assert rnn.task_weights_ == {"two": 0.5, "three": 1.0, "number": 3.0}


def test_the_training_goes_down_the_slope_of_that_loss():
    facts = {"solver": "sgd", "momentum": 0.0, "max_grad_norm": None, "batch_size": 60}
    rnn = fitted(**facts, max_iter=1, learning_rate_init=SMALL)
    before = rnn.weights_
    rnn.set_params(warm_start=True, learning_rate_init=1e-3).fit(RAGGED, missing())
    target, model = rnn._fitted_model().target, rnn._fitted_model()
    rows = target.read(missing(), model.read(RAGGED, "rnn"), False)
    encoded = target.encode(rows)
    taught = (~np.isnan(encoded)).sum(axis=0)
    _, d_weights, _ = reference.loss_and_grad(
        before, as_read(rnn, RAGGED), encoded, nodes=model.network.nodes, loss="multitask",
        groups=model.network.groups, group_weights=60 / taught,
    )  # fmt: skip
    for name, weights in rnn.weights_.items():
        assert_close(before[name] - weights, 1e-3 * d_weights[name], 1e-9, name)


def test_lbfgs_minimises_the_same_loss():
    facts = {"solver": "lbfgs", "max_iter": 3, "batch_size": "auto", "task_weights": {"two": 2.0}}
    rnn = fitted(**facts)
    loss = rnn.loss_
    again = {"solver": "adam", "learning_rate_init": SMALL, "max_iter": 1, "warm_start": True}
    assert rnn.set_params(**again).fit(RAGGED, missing()).loss_ == pytest.approx(loss, rel=1e-9)


def test_a_task_of_weight_0_leaves_the_body_as_it_is_without_it():
    facts = QUICK | {"shuffle": False, "warm_start": True, "learning_rate_init": SMALL}
    y = {"two": np.where(SOME, TWO, None), "number": ALONE["number"]}
    both = MultiTaskRNN(task_weights={"number": 0}, **facts).fit(RAGGED, y)
    alone = MultiTaskRNN(**facts).fit(RAGGED, {"two": y["two"]})
    start = dict(both.weights_)
    assert (start["head.weight"].shape[0], alone.n_outputs_) == (2, 1)
    for name, weights in alone.weights_.items():
        start[name] = np.concatenate([weights, start[name][1:]]) if "head" in name else weights
    both.set_weights(start)
    for rnn in (both, alone):
        rnn.set_params(learning_rate_init=0.01).fit(RAGGED, {k: y[k] for k in rnn.tasks_})
    for name, weights in alone.weights_.items():
        trained = both.weights_[name]
        assert_close(trained[:1] if "head" in name else trained, weights, RTOL_REORDERED, name)
    np.testing.assert_array_equal(both.weights_["head.weight"][1], start["head.weight"][1])
    assert not np.array_equal(both.weights_["head.weight"][0], start["head.weight"][0])


def test_tasks_are_learned_together():
    y = missing()
    rnn = MultiTaskRNN(16, max_iter=200, learning_rate_init=0.02, random_state=0).fit(RAGGED, y)
    assert min(rnn.score_tasks(RAGGED, y).values()) > 0.9
    steps = {"total": [np.cumsum(x.sum(axis=1)) for x in RAGGED]}
    steps["sign"] = [np.where(t > 0, "up", "down") for t in steps["total"]]
    rnn = MultiTaskRNN(16, mode="many_to_many", max_iter=100, learning_rate_init=0.02)
    assert (
        min(rnn.set_params(random_state=0).fit(RAGGED, steps).score_tasks(RAGGED, steps).values())
        > 0.9
    )


def test_any_number_of_threads_gives_the_same_bits():
    a, b = (fitted(hidden_layer_sizes=128, batch_size=60, max_iter=2, n_threads=n) for n in (1, 3))
    np.testing.assert_array_equal(a.params_, b.params_)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_best_constant_is_the_sum_of_those_of_the_tasks(weighted):
    rng = np.random.RandomState(0)
    targets = np.column_stack([rng.randint(0, 3, 50), rng.normal(size=50)])
    targets[rng.rand(50, 2) < 0.3] = np.nan
    weights = rng.rand(50) if weighted else np.ones(50)
    groups = ("softmax", 3), ("squared_error", 1)
    network = SimpleNamespace(loss="multitask", groups=groups, label_smoothing=0.0)
    known = ~np.isnan(targets)
    factors = [2.0, 0.5] * (weights.sum() / (weights @ known))
    p = np.bincount(targets[known[:, 0], 0].astype(int), weights[known[:, 0]])
    p /= p.sum()
    y, w = targets[known[:, 1], 1], weights[known[:, 1]]
    expected = -2.0 * p @ np.log(p) + 0.5 * np.average(
        (y - np.average(y, weights=w)) ** 2, weights=w
    )
    found = _losses.plateau(network, targets, weights if weighted else None, 1e-4, factors)
    assert found == pytest.approx(0.98 * expected)


# ---- what y may be ------------------------------------------------------------------------------


def test_missing_targets_come_in_many_forms():
    y = {"two": np.where(SOME, TWO, None), "three": np.where(SOME, THREE, None)}
    y["number"] = np.where(SOME, ALONE["number"], np.nan)
    rnn = fitted(y)
    assert rnn.tasks_ == {"two": "classes", "three": "classes", "number": "numbers"}
    table = pd.DataFrame(
        {"two": y["two"], "three": pd.array(y["three"], "Int64"), "number": y["number"]}
    )
    masked = {name: np.ma.masked_array(ALONE[name], ~SOME) for name in ALONE}
    records = np.array(list(zip(*y.values(), strict=True)), dtype=[(n, object) for n in ALONE])
    for given in (
        {name: column.tolist() for name, column in y.items()},
        {name: table[name] for name in y},
        masked,
        table,
        records,
    ):
        np.testing.assert_array_equal(fitted(given).params_, rnn.params_)
    array, kinds = np.array(table, dtype=object), dict(rnn.tasks_)
    again = fitted(array, tasks=kinds)
    np.testing.assert_array_equal(again.params_, rnn.params_)
    assert list(again.tasks_) == list(y) and list(fitted(array[:, :2]).tasks_) == ["0", "1"]
    assert again.score(RAGGED, array) == again.score(RAGGED, y)


def test_missing_steps_come_in_many_forms():
    gaps = [np.arange(len(x)) % 3 == 1 for x in RAGGED]
    gaps[7][:] = True
    y = {name: of_steps(column.astype(object)) for name, column in ALONE.items()}
    for column in y.values():
        for steps, gap in zip(column, gaps, strict=True):
            steps[gap] = None
    facts = QUICK | {"mode": "many_to_many"}
    rnn = MultiTaskRNN(**facts).fit(RAGGED, y)
    masked = {
        name: [np.ma.masked_array(v, g) for v, g in zip(of_steps(column), gaps, strict=True)]
        for name, column in ALONE.items()
    }
    whole = {name: [None if i == 7 else v for i, v in enumerate(c)] for name, c in y.items()}
    for given in (
        masked,
        whole,
        pd.DataFrame(whole),
        {name: [v.tolist() for v in c] for name, c in y.items()},
    ):
        np.testing.assert_array_equal(MultiTaskRNN(**facts).fit(RAGGED, given).params_, rnn.params_)
    equal = np.where(RNG.rand(60, 5) < 0.3, np.nan, X.sum(axis=2))
    ours = MultiTaskRNN(**facts).fit(X, {"a": equal})
    theirs = RNNRegressor(**facts).fit(X, np.nan_to_num(equal), (~np.isnan(equal)).astype(float))
    np.testing.assert_array_equal(ours.params_, theirs.params_)
    assert ours.predict(X)["a"].shape == (60, 5)


def test_kinds_are_recognised_and_can_be_chosen():
    y = {"bool": TOTAL > 0, "whole": THREE.astype(float), "count": THREE, "word": TWO}
    assert list(fitted(y).tasks_.values()) == ["classes", "numbers", "classes", "classes"]
    rnn = fitted(y, tasks={"whole": "classes", "count": "poisson"})
    assert rnn.tasks_ == {
        "bool": "classes",
        "whole": "classes",
        "count": "poisson",
        "word": "classes",
    }
    assert rnn.classes_["whole"].dtype == float and "count" not in rnn.classes_
    assert (rnn.predict(RAGGED)["count"] > 0).all()
    np.testing.assert_array_equal([rnn.y_mean_, rnn.y_scale_], [[0.0], [1.0]])
    alone = RNNRegressor(loss="poisson", **QUICK).fit(RAGGED, THREE)
    ours = fitted({"count": THREE}, tasks={"count": "poisson"})
    np.testing.assert_array_equal(ours.params_, alone.params_)
    both = fitted({"a": TOTAL, "b": TOTAL**2}, tasks={"a": "absolute_error", "b": "gamma"})
    again = pickle.loads(pickle.dumps(both))
    np.testing.assert_array_equal(again.predict(RAGGED)["a"], both.predict(RAGGED)["a"])


# ---- predictions and scores ---------------------------------------------------------------------


@each_mode
def test_results_come_in_the_carrier_of_X(mode):
    for given, shape in ((X, (60, 5)), (RAGGED, (60,))):
        y = (
            ALONE
            if mode == "many_to_one"
            else {
                name: [np.repeat(column[i], len(x)) for i, x in enumerate(given)]
                for name, column in ALONE.items()
            }
        )
        rnn = MultiTaskRNN(mode=mode, **QUICK).fit(given, y)
        predicted, proba = rnn.predict(given), rnn.predict_proba(given)
        assert list(predicted) == list(ALONE) and list(proba) == ["two", "three"]
        for column in predicted.values():
            assert column.shape == (shape if mode == "many_to_many" else (60,))
            if mode == "many_to_many" and given is RAGGED:
                assert [len(each) for each in column] == [len(x) for x in given]
        for name, p in proba.items():
            p, labels = (np.concatenate(list(each)) if mode == "many_to_many" else each
                         for each in (p, predicted[name]))  # fmt: skip
            np.testing.assert_allclose(p.sum(axis=-1), 1)
            np.testing.assert_array_equal(rnn.classes_[name][p.argmax(axis=-1)], labels)


def test_scores_are_those_of_scikit_learn():
    rnn, y = fitted(task_weights={"two": 3.0}), missing()
    weights, predicted = np.random.RandomState(1).rand(60), rnn.predict(RAGGED)
    scores = rnn.score_tasks(RAGGED, y, weights)
    for name, metric in {
        "two": accuracy_score,
        "three": accuracy_score,
        "number": r2_score,
    }.items():
        known = pd.notna(pd.Series(y[name])).to_numpy()
        truth = np.array(y[name][known].tolist())
        expected = metric(truth, predicted[name][known], sample_weight=weights[known])
        assert scores[name] == pytest.approx(expected)
    mean = np.average(list(scores.values()), weights=[3, 1, 1])
    assert rnn.score(RAGGED, y, weights) == pytest.approx(mean)
    some = rnn.score_tasks(RAGGED, {"number": y["number"]})
    assert np.isnan([some["two"], some["three"]]).all()
    assert rnn.score(RAGGED, {"number": y["number"]}) == some["number"]
    assert rnn.score(RAGGED, {"two": ["elsewhere"] * 60}) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="no task"):
        assert np.isnan(rnn.score(RAGGED[:1], {"number": [1.0]}))


@each_mode
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_a_stream_gives_the_same_bits(method, mode):
    y = {k: [np.repeat(v[i], 5) for i in range(60)] if mode == "many_to_many" else v
         for k, v in ALONE.items()}  # fmt: skip
    rnn = MultiTaskRNN(mode=mode, **QUICK).fit(X, y)
    stream = rnn.stream(60, method=method)
    steps = [stream.step(X[:, t]) for t in range(5)]
    for name, expected in getattr(rnn, method)(X).items():
        last = expected if mode == "many_to_one" else expected[:, -1]
        np.testing.assert_array_equal(steps[-1][name], last)


def test_states_go_on():
    rnn = MultiTaskRNN(**QUICK).fit(X, ALONE)
    whole = rnn.predict(X)
    _, state = rnn.predict(X[:, :2], return_state=True)
    rest = rnn.predict(X[:, 2:], initial_state=state)
    for name, expected in whole.items():
        np.testing.assert_array_equal(rest[name], expected)


@pytest.mark.parametrize("changes", [{"cell": "jordan"}, {"bidirectional": True}])
def test_other_networks_have_tasks_too(changes):
    rnn = fitted(**changes, max_iter=30, learning_rate_init=0.02)
    assert min(rnn.score_tasks(RAGGED, missing()).values()) > 0.5


# ---- conventions of scikit-learn ----------------------------------------------------------------


def test_pickles_clones_and_files_keep_everything(tmp_path):
    rnn, y = fitted(task_weights={"two": 2.0}), missing()
    expected = rnn.predict(RAGGED)
    for ending in ("npz", "safetensors"):
        rnn.save_weights(tmp_path / f"w.{ending}")
        for empty in (MultiTaskRNN(), fitted(max_iter=1)):
            loaded = empty.load_weights(tmp_path / f"w.{ending}")
            assert loaded.tasks_ == rnn.tasks_ and list(loaded.classes_) == list(rnn.classes_)
            for name, column in loaded.predict(RAGGED).items():
                np.testing.assert_array_equal(column, expected[name])
    loaded = MultiTaskRNN().load_weights(tmp_path / "w.npz")
    assert loaded.task_weights_ == rnn.task_weights_ == loaded.task_weights
    loaded.set_params(warm_start=True, max_iter=1).fit(RAGGED, y)
    for wrong in (RNNClassifier(), RNNRegressor(), fitted({"two": TWO}), fitted({"x": TWO} | y)):
        with pytest.raises(ValueError, match="`file` must hold"):
            wrong.load_weights(tmp_path / "w.npz")
    RNNRegressor(**QUICK).fit(RAGGED, TOTAL).save_weights(tmp_path / "other.npz")
    with pytest.raises(ValueError, match="`file` must hold a network for MultiTaskRNN"):
        MultiTaskRNN().load_weights(tmp_path / "other.npz")
    again = pickle.loads(pickle.dumps(rnn))
    np.testing.assert_array_equal(again.predict(RAGGED)["two"], expected["two"])
    np.testing.assert_array_equal(clone(rnn).fit(RAGGED, y).params_, rnn.params_)
    assert "task_weights={'two': 2.0}" in repr(rnn)


def test_tasks_may_have_the_names_of_what_a_file_holds(tmp_path):
    y = {"dtype": TWO, "values": THREE}
    rnn = fitted(y)
    rnn.save_weights(tmp_path / "w.npz")
    loaded = MultiTaskRNN().load_weights(tmp_path / "w.npz")
    assert loaded.score_tasks(RAGGED, y) == rnn.score_tasks(RAGGED, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tasks_", {"two": "classes"}),
        ("tasks_", {"two": "classes", "three": "numbers", "number": "numbers"}),
        ("tasks_", None),
        ("task_weights_", {"two": 1.0}),
        ("task_weights_", {"two": 1.0, "three": -1.0, "number": 1.0}),
        ("classes_", {"two": np.array(["down", "up"])}),
        ("classes_", {"two": np.array(["down", "up"]), "three": np.arange(2)}),
        ("y_mean_", np.zeros(2)),
        ("y_scale_", None),
        ("_y_moments", None),
    ],
)
def test_damaged_attributes_are_refused(name, value):
    rnn = fitted(max_iter=1)
    setattr(rnn, name, value)
    with pytest.raises(ValueError, match=f"`{name}`.* damaged"):
        rnn.predict(RAGGED)


def test_a_grid_search_cuts_tables_into_folds():
    table = pd.DataFrame(missing())
    search = GridSearchCV(MultiTaskRNN(**QUICK), {"hidden_layer_sizes": [2, 3]}, cv=2)
    search.fit(RAGGED, table)
    assert set(search.best_estimator_.tasks_) == set(ALONE)
    assert search.score(RAGGED, table) == search.best_estimator_.score(RAGGED, missing())
    records = np.array(list(zip(*ALONE.values(), strict=True)), dtype=[(n, object) for n in ALONE])
    assert np.isfinite(search.fit(RAGGED, records).best_score_)


def test_names_of_scores_for_one_target_are_refused():
    for mode in ("many_to_one", "many_to_many"):
        rnn = MultiTaskRNN(early_stopping=True, scoring="r2", mode=mode, **QUICK)
        y = {"a": list(map(len, RAGGED)) if mode == "many_to_one" else [x[:, 0] for x in RAGGED]}
        with pytest.raises(ValueError, match="use None, 'loss', or a function of the estimator"):
            rnn.fit(RAGGED, y)


@pytest.mark.parametrize("scoring", [None, "loss", "callable"])
def test_early_stopping_scores_held_out_targets(scoring):
    y = missing()
    if scoring == "callable":

        def scoring(rnn, X, y):
            return rnn.score_tasks(X, y)["two"]

    facts = {"early_stopping": True, "scoring": scoring, "validation_fraction": 0.3}
    rnn = fitted(y, **facts)
    given = MultiTaskRNN(**QUICK | facts).fit(RAGGED, y, X_val=RAGGED, y_val=y)
    assert len(rnn.validation_scores_) == 5 and np.isfinite(rnn.validation_scores_).all()
    if scoring is None:
        assert given.best_validation_score_ == pytest.approx(given.score(RAGGED, y))
    some = MultiTaskRNN(**QUICK | facts).fit(RAGGED, y, X_val=RAGGED, y_val={"two": y["two"]})
    assert np.isfinite(some.validation_scores_).all()


def test_the_validation_loss_is_that_of_training_at_the_same_weights():
    facts = {"early_stopping": True, "scoring": "loss", "learning_rate_init": SMALL, "max_iter": 1}
    y = missing()
    rnn = MultiTaskRNN(task_weights={"two": 2.0}, **QUICK | facts)
    rnn.fit(RAGGED, y, X_val=RAGGED, y_val=y)
    assert -rnn.validation_scores_[0] == pytest.approx(rnn.loss_, rel=1e-9)


def test_a_fit_continues_with_the_same_tasks():
    y = missing()
    rnn = fitted(y, warm_start=True, learning_rate_init=SMALL)
    before, mean = rnn.predict(RAGGED), rnn.y_mean_
    shifted = y | {"number": 1.3 * y["number"] + 1}
    rnn.set_params(task_weights={"two": 5.0}).fit(RAGGED, shifted)
    assert rnn.y_mean_ != mean and rnn.task_weights_["two"] == 5.0
    np.testing.assert_allclose(rnn.predict(RAGGED)["number"], before["number"])
    rnn.fit(RAGGED, y | {"number": np.arange(60)})  # integers are numbers in a task of numbers
    with pytest.raises(ValueError, match=r"`y` has classes not in .* of task 'two'"):
        rnn.fit(RAGGED, y | {"two": ["other"] * 60})
    with pytest.raises(ValueError, match=r"`y` must have only tasks of the fit.*'more'"):
        rnn.fit(RAGGED, y | {"more": TOTAL})
    with pytest.raises(ValueError, match=r"targets for each task.*'two'"):
        rnn.fit(RAGGED, {"three": THREE, "number": TOTAL})


def test_a_callback_sees_tasks():
    seen = []
    MultiTaskRNN(**QUICK).fit(
        RAGGED, ALONE, callbacks=lambda rnn, info: seen.append(rnn.score(RAGGED, ALONE))
    )
    assert len(seen) == 5


# ---- bad input ----------------------------------------------------------------------------------


MANY = {"mode": "many_to_many"}
REFUSED = {
    "an array": (TOTAL, "`y` must be a dict.*got ndarray"),
    "a list": (list(TWO), "`y` must be a dict.*got list"),
    "no task": ({}, "`y` must have at least one task"),
    "a name": ({1: TOTAL}, "names of tasks must be strings"),
    "a target too few": ({"a": TOTAL[:-1]}, r"`y\['a'\]` must have one target per sequence"),
    "no target": ({"a": np.full(60, np.nan)}, "targets for each task.*'a'"),
    "none of a task": ({"a": TOTAL, "b": [None] * 60}, "targets for each task.*'b'"),
    "two columns": ({"a": np.ones((60, 2))}, "a task of its own"),
    "infinity": ({"a": np.where(SOME, TOTAL, np.inf)}, r"`y\['a'\]` must be finite"),
    "two types": ({"a": [1, "b"] * 30}, r"`y\['a'\]` must hold labels of one type"),
    "no steps": ({"a": TOTAL}, r"`y\['a'\]` must have one target per step", MANY),
    "no number": ({"a": TWO}, r"`y\['a'\]` must hold real", {"tasks": {"a": "numbers"}}),
    "negative": ({"a": -THREE}, r"`y\['a'\]` must be positive with", {"tasks": {"a": "gamma"}}),
    "no classes": ({"a (m/s": TOTAL}, r"`y\['a \(", {"tasks": {"a (m/s": "classes"}}),
    "no steps of a task": ({"a": [None] * 60}, "missing or have weight 0", MANY),
    "an unknown weight": ({"a": TOTAL}, r"`task_weights`.*got \['b'\]", {"task_weights": {"b": 1}}),
    "no weight": ({"a": TOTAL}, "`task_weights` must be positive", {"task_weights": {"a": 0}}),
    "negative weight": ({"a": TOTAL}, "`task_weights` must be None", {"task_weights": {"a": -1}}),
    "a list of weights": ({"a": TOTAL}, "`task_weights` must be None or", {"task_weights": [1]}),
    "an unknown task": ({"a": TOTAL}, r"`tasks` must.*got \['b'\]", {"tasks": {"b": "classes"}}),
    "an unknown kind": ({"a": TOTAL}, "`tasks` must be None or a dict", {"tasks": {"a": "words"}}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learned_is_refused(case):
    y, message, *changes = REFUSED[case]
    rnn = MultiTaskRNN(**QUICK).set_params(**dict(*changes))
    with pytest.raises((TypeError, ValueError), match=message):
        rnn.fit(RAGGED, y)
    assert not hasattr(rnn, "params_")


def test_kinds_stay_when_a_fit_continues():
    rnn = fitted(max_iter=1, warm_start=True)
    rnn.set_params(tasks=rnn.tasks_).fit(RAGGED, missing())
    before = pickle.dumps(rnn._fitted_attributes())
    for name, kind in (("number", "huber"), ("two", "numbers"), ("other", "numbers")):
        with pytest.raises(ValueError, match=f"`tasks` must not change.*got {{'{name}': '{kind}'"):
            rnn.set_params(tasks={name: kind}).fit(RAGGED, missing())
    assert pickle.dumps(rnn._fitted_attributes()) == before


def test_targets_to_validate_with_must_have_a_loss():
    rnn = MultiTaskRNN(early_stopping=True, scoring="loss", tasks={"a": "gamma"}, **QUICK)
    with pytest.raises(ValueError, match="`y_val` must be positive with loss='gamma'"):
        rnn.fit(RAGGED, {"a": THREE + 1.0}, X_val=RAGGED, y_val={"a": -1.0 - THREE})


def test_a_task_that_is_held_out_as_a_whole_is_refused():
    y = {"a": TOTAL, "b": [1] + [None] * 59}
    rnn = MultiTaskRNN(early_stopping=True, **QUICK | {"max_iter": 1})
    with pytest.raises(ValueError, match="holds out all targets of task 'b'"):
        for seed in range(60):
            rnn.set_params(random_state=seed).fit(RAGGED, y)


def test_what_no_fit_knows_is_refused():
    with pytest.raises(NotFittedError):
        MultiTaskRNN().predict(RAGGED)
    rnn = fitted(max_iter=1)
    with pytest.raises(ValueError, match="only tasks of the fit"):
        rnn.score(RAGGED, {"other": TOTAL})
    with pytest.raises(ValueError, match="`y_val` must hold only classes"):
        MultiTaskRNN(early_stopping=True, scoring="loss", **QUICK).fit(
            RAGGED, ALONE, X_val=RAGGED, y_val={"two": ["other"] * 60}
        )
