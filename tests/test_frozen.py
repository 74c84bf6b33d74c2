"""`frozen`: arrays that training leaves as they are, and what that saves."""

import pickle
import re
from fnmatch import fnmatchcase

import numpy as np
import pytest
import reference
from cases import (
    GRU,
    RTOL_UPDATES,
    assert_close,
    draw_dataset,
    draw_params,
    make_engine,
    make_network,
    random_problem,
    run_reference,
    set_optimizer,
    simd_level,
)
from fits import same_state
from scale_settings import EITHER
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._model.network import ready
from sklearn_rnn._training.freezing import mask_of
from sklearn_rnn.cells import LSTM
from sklearn_rnn.layers import Attention, Conv1D
from sklearn_rnn.preprocessing import SequenceScaler

PENALTY = {"alpha": 0.05, "l1_ratio": 0.3}
CONSTANTS = {"momentum": 0.8, "nesterovs_momentum": True, "beta_1": 0.85, "epsilon": 1e-3}
LOWER = ("*_l0",)

each_solver = pytest.mark.parametrize("solver", _core.OPTIMIZERS)


def gradient(network, params, data, **options):
    engine = make_engine(network, params, data, training=True, **options)
    with ready(engine):
        return engine.loss_and_grad(data, update=3, dropout=True)


# ---- the engine ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", RTOL_UPDATES)
@pytest.mark.parametrize("seed", range(40))
def test_other_arrays_have_the_same_gradient(seed, dtype):
    # In networks of every kind of node: some arrays, and all arrays of some nodes.
    network, params, data = random_problem(seed, dtype)
    rng, tensors = np.random.default_rng(seed), network.tensors
    levels = _core.simd_levels()
    with simd_level(levels[seed % len(levels)]):
        loss, d_params = gradient(network, params, data)
        for _ in range(3):
            nodes = {t.node for t in tensors if rng.random() < 0.4}
            frozen = [t.name for t in tensors if t.node in nodes or rng.random() < 0.3]
            if len(frozen) == len(tensors):
                frozen.pop(rng.integers(len(frozen)))
            expected = np.where(mask_of(network, frozen), 0, d_params)
            for options in ({}, {"n_threads": 1, "by_step": False}):
                got = gradient(network, params, data, frozen=frozen, **options)
                assert got[0] == loss
                np.testing.assert_array_equal(got[1], expected)


@each_solver
def test_updates_are_those_without_frozen_arrays(solver):
    # An engine that freezes nothing, and is put back after each update, goes the same way.
    rng = np.random.default_rng(0)
    network = make_network(("lstm", "peepholes"), (5, 4), per_step=True)
    params, data = draw_params(network, rng), draw_dataset(network, (3, 5, 1, 4), rng, True)
    mask = mask_of(network, {"weight_hh_l0", "bias_ih_l1", "head.weight", "weight_c_l1"})
    names = [name for name, view in network.views(mask).items() if view.any()]
    moments = rng.uniform(0.01, 0.1, (_core.OPTIMIZERS[solver], len(params)))
    others, other_moments = params.copy(), moments.copy()
    engine = make_engine(network, params, data, training=True, frozen=names)
    other = make_engine(network, others, data, training=True)
    for each in (engine, other):
        set_optimizer(each, solver, max_grad_value=0.02, **PENALTY, **CONSTANTS)
    first, first_moments, indices = params.copy(), moments.copy(), np.arange(4)
    for update in range(1, 6):
        engine.train_minibatch(data, indices, params, moments, 0.01, update)
        other.train_minibatch(data, indices, others, other_moments, 0.01, update)
        others[mask], other_moments[:, mask] = first[mask], first_moments[:, mask]
        other.load(others)
    np.testing.assert_array_equal(params, others)
    np.testing.assert_array_equal(moments, other_moments)
    assert (params != first)[~mask].mean() > 0.9


@each_solver
def test_the_norm_of_the_gradient_is_that_of_the_others(solver):
    rng = np.random.default_rng(1)
    network = make_network(GRU, (5, 4))
    params, data = draw_params(network, rng), draw_dataset(network, (3, 5, 1, 4), rng)
    frozen = [t.name for t in network.tensors if fnmatchcase(t.name, "weight_ih_*")]
    mask, limit = mask_of(network, frozen), 0.05
    decays = np.where(mask, 0, reference.decaying(network.views(params)))
    expected, state = params.copy(), np.zeros((_core.OPTIMIZERS[solver], len(params)))
    moments = state.copy()
    engine = make_engine(network, params, data, training=True, frozen=frozen)
    set_optimizer(engine, solver, max_grad_norm=limit, **PENALTY, **CONSTANTS)
    before = params.copy()
    for update in range(1, 4):
        engine.train_minibatch(data, np.arange(4), params, moments, 0.01, update)
        d_params = np.where(mask, 0, run_reference(network, expected, data).d_params)
        assert np.linalg.norm(d_params) > 2 * limit
        options = {"clipping": (limit, None), "learning_rate": 0.01, "t": update}
        options |= {"decays": decays, **PENALTY, **CONSTANTS}
        reference.optimize(solver, expected, d_params, state, **options)
    assert_close(params - before, expected - before, RTOL_UPDATES["float64"], "way")


def work(network, data, **options):
    """Return the multiplications of a minibatch, as the kernels count them."""
    params = draw_params(network, np.random.default_rng(0))
    engine = make_engine(network, params, data, training=True, n_threads=1, **options)
    engine.loss_and_grad(data)
    return engine.work_counted


def test_a_frozen_lower_part_has_no_backward():
    rng = np.random.default_rng(0)
    network = make_network(GRU, (16, 16), n_features=16, per_step=True)
    data = draw_dataset(network, [6] * 4, rng)
    in_order = [t.name for t in network.tensors]
    lowest = [name for name in in_order if name.endswith("_l0")]
    upper = [name for name in in_order if name.endswith("_l1")]
    layer = 24 * 3 * 16 * (16 + 16)  # multiplications of a layer forward: rows, gates, inputs
    whole = work(network, data)
    assert whole - work(network, data, frozen=lowest) == 2 * layer
    assert whole - work(network, data, frozen=upper) == layer  # gradients of weights alone
    assert whole - work(network, data, frozen=[*lowest, *upper]) == 4 * layer
    assert work(network, data, frozen=in_order[:1]) == whole
    # Step by step, too, where all nodes are in one stage.
    by_step = work(network, data, by_step=True) - work(network, data, by_step=True, frozen=lowest)
    assert by_step == 2 * layer


def test_a_frozen_table_has_no_gradients_of_rows():
    options = {"max_iter": 1, "categorical_features": "all", "embedding_dim": 4}
    X, y = [np.arange(20)[:, np.newaxis] % 10] * 3, [0.0, 1.0, 2.0]
    network = RNNRegressor(3, **options).fit(X, y)._fitted_model().network
    data = draw_dataset(network, [20] * 3, np.random.default_rng(0))
    params = draw_params(network, np.random.default_rng(0))
    free = gradient(network, params, data)[1]
    got = gradient(network, params, data, frozen=["embedding_0.weight"])[1]
    mask = mask_of(network, ["embedding_0.weight"])
    assert free[mask].any() and not got[mask].any()
    np.testing.assert_array_equal(got[~mask], free[~mask])
    engine = make_engine(network, params, data, training=True, frozen=["embedding_0.weight"])
    set_optimizer(engine, max_grad_norm=0.05)
    before, moments = params.copy(), np.zeros((1, len(params)), params.dtype)
    engine.train_minibatch(data, np.arange(3), params, moments, 1.0, 3)
    assert np.linalg.norm(got) > 0.1  # so the norm is limited, and it is that of the others
    assert np.linalg.norm(params - before) == pytest.approx(0.05, rel=1e-5)


@pytest.mark.parametrize("frozen", [["weight_l0"], ["weight_ih_l0", "x"]])
def test_an_engine_knows_the_names_of_its_arrays(frozen):
    network = make_network(GRU)
    with pytest.raises(ValueError, match=f"`frozen`.*weight_hh_l0.*got \\['{frozen[-1]}'\\]"):
        network.engine([3], 1, 1, True, frozen=frozen)
    names = [t.name for t in network.tensors]
    for wrong, training in ((names, True), (names[:1], False)):
        with pytest.raises(ValueError, match="`frozen` must leave some arrays to train"):
            network.engine([3], 1, 1, training, frozen=wrong)


# ---- the estimators -----------------------------------------------------------------------------

EVERYTHING = {  # an array of every kind
    "hidden_layer_sizes": (4, 4),
    "cell": LSTM(peepholes=True, normalization="layer", initial_state="learned"),
    "input_layers": [Conv1D(3, 2)],
    "connections": "residual",
    "categorical_features": [1],
    "embedding_dim": 2,
    "pooling": Attention(3),
    "output_layer_sizes": (3,),
    "layer_normalization": "layer",
}
QUICK = {"max_iter": 3, "batch_size": 8, "tol": 0.0, "dropout": 0.2, "random_state": 0}


def draw(estimator, n=40):
    rng = np.random.default_rng(0)
    X = [np.c_[rng.normal(size=k), rng.integers(0, 5, k)] for k in rng.integers(1, 8, n)]
    total = np.array([x[:, 0].sum() for x in X])
    return X, np.where(total > 0, "up", "down") if estimator is RNNClassifier else total


def untrained(rnn, X, y):
    """Return the weights with which the same fit begins."""
    still = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "max_iter": 1, "frozen": ()}
    tiny = np.finfo(rnn.dtype).tiny  # times any clipped gradient it is flushed to 0
    still |= {"learning_rate_init": float(tiny), "max_grad_value": 1e-9}
    return clone(rnn).set_params(**still).fit(X, y).weights_


def patterns_of_weights():
    X, y = draw(RNNRegressor, 12)
    names = list(RNNRegressor(**EVERYTHING, max_iter=1).fit(X, y).weights_)
    return [(name,) for name in names] + [("weight_*_l0", "embedding*"), ("*_l?", "input_*")]


@EITHER
def test_frozen_arrays_keep_their_bits_and_the_others_learn(estimator):
    X, y = draw(estimator)
    rnn = estimator(**EVERYTHING, **QUICK, alpha=0.01, solver="adamw", dtype="float64")
    first = untrained(rnn, X, y)
    for patterns in patterns_of_weights():
        if estimator is RNNClassifier and len(patterns) == 1:
            continue
        rnn.set_params(frozen=patterns).fit(X, y)
        for name, w in rnn.weights_.items():
            is_frozen = any(fnmatchcase(name, each) for each in patterns)
            assert np.array_equal(w, first[name]) == is_frozen, (patterns, name)


@each_solver
@EITHER
def test_every_solver_leaves_them(estimator, solver):
    X, y = draw(estimator)
    options = {"categorical_features": [1], "alpha": 0.1, "l1_ratio": 0.5, "max_grad_norm": 0.1}
    rnn = estimator((4, 4), solver=solver, learning_rate_init=0.01, **options, **QUICK)
    first = untrained(rnn, X, y)
    rnn.set_params(frozen=("embedding_0.weight", "*_l1")).fit(X, y)
    for name, w in rnn.weights_.items():
        assert np.array_equal(w, first[name]) == (name[-2:] == "l1" or name[:3] == "emb"), name
    assert same_state(rnn, clone(rnn).set_params(n_threads=3).fit(X, y))


@EITHER
def test_frozen_may_change_from_call_to_call(estimator):
    X, y = draw(estimator)
    options = {"classes": np.unique(y)} if estimator is RNNClassifier else {}
    rnn = estimator(4, **QUICK, normalize_X=False)
    if estimator is RNNRegressor:
        rnn.set_params(normalize_y=False)
    rnn.partial_fit(X, y, **options)
    for frozen in (("*_l0",), ("head.*",), ()):
        before = {name: w.copy() for name, w in rnn.weights_.items()}
        rnn.set_params(frozen=frozen).partial_fit(X, y)
        for name, w in rnn.weights_.items():
            is_frozen = any(fnmatchcase(name, each) for each in frozen)
            assert np.array_equal(w, before[name]) == is_frozen
        rnn = pickle.loads(pickle.dumps(rnn))
    before = rnn.weights_["weight_hh_l0"].copy()
    rnn.set_params(frozen=LOWER, warm_start=True).fit(X, y)
    np.testing.assert_array_equal(rnn.weights_["weight_hh_l0"], before)


def test_an_average_of_the_weights_leaves_them_too():
    X, y = draw(RNNRegressor)
    options = {"ema_decay": 0.9, "normalize_X": False, "normalize_y": False}
    rnn = RNNRegressor(4, **QUICK, **options).partial_fit(X, y).partial_fit(X, y)
    for frozen in (LOWER, ("head.weight",)):
        before = {name: w.copy() for name, w in rnn.weights_.items()}
        rnn.set_params(frozen=frozen).partial_fit(X, y)
        for name, w in rnn.weights_.items():
            is_frozen = any(fnmatchcase(name, each) for each in frozen)
            assert np.array_equal(w, before[name]) == is_frozen


def test_lbfgs_leaves_them_without_a_penalty():
    X, y = draw(RNNRegressor)
    options = {"categorical_features": [1], "dtype": "float64", "random_state": 0}
    frozen = ("embedding_0.weight", "weight_hh_l0", "head.weight")
    rnn = RNNRegressor(4, solver="lbfgs", alpha=0.1, frozen=frozen, max_iter=20, **options)
    rnn.fit(X, y)
    first = untrained(rnn, X, y)
    for name, w in rnn.weights_.items():
        assert np.array_equal(w, first[name]) == (name in frozen)
    assert rnn.loss_curve_[-1] < rnn.loss_curve_[0]


def test_new_scales_change_frozen_weights_but_not_what_they_compute():
    X, y = draw(RNNRegressor)
    X = [x[:, :1] for x in X]
    options = {"solver": "sgd", "learning_rate_init": 1e-300, "momentum": 0.0, "dtype": "float64"}
    rnn = RNNRegressor(4, frozen=LOWER, **options).partial_fit(X[:20], y[:20])
    before, weights = rnn.predict(X), rnn.weights_["weight_ih_l0"].copy()
    rnn.partial_fit([1 + 2 * x for x in X[20:]], y[20:])
    assert not np.array_equal(rnn.weights_["weight_ih_l0"], weights)
    np.testing.assert_allclose(rnn.predict(X), before, rtol=1e-9)


@pytest.mark.parametrize(
    "frozen, message",
    [
        (("weights*",), r"`frozen`.*'weights\*' matches none of weight_ih_l0, .*, head.bias"),
        (("head.*", "l0"), "`frozen`.*'l0' matches none of"),
        (("HEAD.*",), r"`frozen`.*'HEAD\.\*' matches none of"),
        (("head*", "*_l0"), r"`frozen` must leave some.*got \('head\*', '\*_l0'\)"),
        (["*"], r"`frozen` must leave some.*got \['\*'\]"),
        ((1,), r"`frozen` must be a name.*got \(1,\)"),
        (None, "`frozen` must be a name.*got None"),
    ],
)
def test_wrong_patterns_are_refused(refuses, frozen, message):
    X, y = draw(RNNRegressor, 6)
    refuses(RNNRegressor(4, frozen=frozen), message, X, y)


def test_one_pattern_needs_no_list():
    X, y = draw(RNNClassifier, 30)
    fits = [RNNClassifier(4, frozen=frozen, **QUICK).fit(X, y) for frozen in (LOWER, LOWER[0])]
    np.testing.assert_array_equal(fits[0].params_, fits[1].params_)


def test_a_grid_can_freeze():
    X, y = draw(RNNClassifier, 30)
    grid = {"frozen": [(), LOWER, ["head.*"]]}
    options = {"cv": 3, "scoring": "neg_log_loss", "error_score": "raise"}
    search = GridSearchCV(RNNClassifier(4, **QUICK), grid, **options).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 3
    rnn = RNNClassifier(4, frozen=LOWER)
    assert re.search(r"frozen=\('\*_l0',\)", repr(rnn)) and "frozen" not in repr(RNNClassifier())
    assert clone(rnn).get_params()["frozen"] == LOWER
    make_pipeline(SequenceScaler(), rnn.set_params(**QUICK)).fit(X, y)
