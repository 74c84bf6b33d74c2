"""What a minibatch does to the parameters: every optimizer against the reference; and nothing."""

from functools import cache

import numpy as np
import pytest
import reference
from cases import (
    GRU,
    RTOL_UPDATES,
    assert_close,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_engine,
    make_network,
    run_reference,
    set_optimizer,
    simd_level,
)

from sklearn_rnn import _core
from sklearn_rnn._model.network import ready

N_UPDATES = 10
# What each optimizer is tried with: plain, and with each that bends a gradient.
BENDS = {
    "plain": {},
    "L2 penalty": {"alpha": 0.1},
    "L1 penalty": {"alpha": 0.1, "l1_ratio": 1.0},
    "by norm": {"max_grad_norm": 0.1},
    "by value": {"max_grad_value": 0.03},
    "all": {"alpha": 0.1, "l1_ratio": 0.3, "max_grad_norm": 0.1, "max_grad_value": 0.03},
}
LEARNING_RATE = 0.01
CONSTANTS = {"momentum": 0.8, "beta_1": 0.85, "beta_2": 0.9, "epsilon": 1e-3}

each_dtype = pytest.mark.parametrize("dtype", RTOL_UPDATES)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_solver = pytest.mark.parametrize("solver", _core.OPTIMIZERS)


def problem(dtype="float64", **changes):
    """Return a network, its parameters, and data for it."""
    rng = np.random.default_rng(0)
    network = make_network(GRU, (5, 4), dtype=dtype, **changes)
    return network, draw_params(network, rng), draw_dataset(network, (3, 5, 1, 4), rng, True)


@cache
def reference_trajectory(solver, bend_name, nesterov):
    """Return how far the reference's parameters go, its state and losses."""
    (network, params, data), bend = problem(), BENDS[bend_name]
    before = params.copy()
    state = np.zeros((_core.OPTIMIZERS[solver], len(params)))
    decays = reference.decaying(network.views(params))
    clipping = bend.get("max_grad_norm"), bend.get("max_grad_value")
    losses, clipped = [], 0
    for update in range(1, 1 + N_UPDATES):
        expected = run_reference(network, params, data)
        losses.append(expected.loss)
        clipped += np.any(reference.clip(expected.d_params, *clipping) != expected.d_params)
        reference.optimize(
            solver,
            params,
            expected.d_params,
            state,
            decays=decays,
            alpha=bend.get("alpha", 0.0),
            l1_ratio=bend.get("l1_ratio", 0.0),
            clipping=clipping,
            learning_rate=LEARNING_RATE,
            t=update,
            nesterovs_momentum=nesterov,
            **CONSTANTS,
        )
    assert clipped > N_UPDATES / 2 or clipping == (None, None)
    return params - before, state, losses


@each_level
@each_dtype
@pytest.mark.parametrize("nesterov", [False, True], ids=["", "nesterov"])
@pytest.mark.parametrize("bend", BENDS)
@each_solver
def test_ten_updates_are_those_of_the_reference(solver, bend, nesterov, dtype, level):
    network, params, data = problem(dtype)
    way, expected_state, expected_losses = reference_trajectory(solver, bend, nesterov)
    state = np.zeros((_core.OPTIMIZERS[solver], len(params)), dtype)
    with simd_level(level):
        engine = make_engine(network, params, data, training=True)
    set_optimizer(engine, solver, nesterovs_momentum=nesterov, **CONSTANTS, **BENDS[bend])
    before, indices = params.copy(), np.arange(data.n_samples)
    losses = [
        engine.train_minibatch(data, indices, params, state, LEARNING_RATE, update)[0]
        for update in range(1, 1 + N_UPDATES)
    ]
    assert_close(params - before, way, RTOL_UPDATES[dtype], "way")
    for ours, theirs in zip(state, expected_state, strict=True):
        assert_close(ours, theirs, RTOL_UPDATES[dtype], "state")
    assert_close(losses, expected_losses, RTOL_UPDATES[dtype], "losses")


@each_dtype
def test_one_step_of_rate_one_is_minus_the_gradient(dtype):
    network, params, data = problem(dtype)
    _, d_params = loss_and_grad(network, params, data)
    engine = make_engine(network, params, data, training=True)
    before, state = params.copy(), np.zeros((1, len(params)), dtype)
    loss, total = engine.train_minibatch(data, np.arange(4), params, state, 1.0, 1)
    np.testing.assert_array_equal(params, before - d_params)
    assert loss == loss_and_grad(network, before, data)[0]
    assert total == data.weights.sum()


def test_a_minibatch_of_many_slices_has_one_loss():
    rng = np.random.default_rng(0)
    network = make_network(GRU, (5,))
    params, data = draw_params(network, rng), draw_dataset(network, [3] * 100, rng, True)
    for _ in range(20):
        params[:] = draw_params(network, rng)
        loss, _ = loss_and_grad(network, params, data)
        engine = make_engine(network, params, data, training=True)
        state = np.zeros((1, len(params)))
        assert engine.train_minibatch(data, np.arange(100), params, state, 0.1, 1)[0] == loss


@each_solver
def test_updates_carry_on_with_the_new_parameters(solver):
    # An engine goes on from its own packed weights; a new one packs the flat vector.
    network, params, data = problem()
    state, indices = np.zeros((_core.OPTIMIZERS[solver], len(params))), np.arange(4)
    other_params, other_state = params.copy(), state.copy()
    engine = make_engine(network, params, data, training=True)
    set_optimizer(engine, solver)
    for update in range(1, 6):
        engine.train_minibatch(data, indices, params, state, 0.01, update)
        fresh = make_engine(network, other_params, data, training=True)
        set_optimizer(fresh, solver)
        fresh.train_minibatch(data, indices, other_params, other_state, 0.01, update)
    np.testing.assert_array_equal(params, other_params)
    np.testing.assert_array_equal(state, other_state)


@each_solver
def test_a_minibatch_without_weight_changes_nothing(solver):
    network, params, data = problem()
    unweighted = _core.Dataset(data.values, data.offsets, data.targets, np.zeros(4))
    state = np.ones((_core.OPTIMIZERS[solver], len(params)))
    before = params.copy()
    engine = make_engine(network, params, data, training=True)
    set_optimizer(engine, solver, alpha=0.1, **CONSTANTS)
    assert engine.train_minibatch(unweighted, np.arange(4), params, state, 0.1, 1) == (0.0, 0.0)
    np.testing.assert_array_equal(params, before)
    np.testing.assert_array_equal(state, 1)


def nan_in_values(network, params, data):
    data.values[7] = np.nan


def infinite_target(network, params, data):
    data.targets[3] = np.inf


def nan_in_parameters(network, params, data):
    params[5] = np.nan


def overflow_of_the_loss_alone(network, params, data):
    # In float32, that is: its square overflows, its slope does not.
    data.targets[3] = np.sqrt(np.finfo(params.dtype).max) * 1e3


def overflow_of_the_gradient_alone(network, params, data):
    for name, array in network.views(params).items():
        if name.startswith("weight_ih"):
            array[:] = 0.0
    data.values[:] = np.finfo(params.dtype).max
    data.targets[:] *= 100.0


@each_level
@each_dtype
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    "spoil",
    [
        nan_in_values,
        infinite_target,
        nan_in_parameters,
        overflow_of_the_loss_alone,
        overflow_of_the_gradient_alone,
    ],
)
def test_a_diverged_minibatch_changes_nothing(spoil, n_threads, dtype, level):
    rng = np.random.default_rng(0)
    network = make_network(GRU, (33,), dtype=dtype)
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(80, 30), rng)
    spoil(network, params, data)
    before, state = params.copy(), np.ones((2, len(params)), dtype)
    with simd_level(level):
        engine = make_engine(network, params, data, training=True, n_threads=n_threads)
    set_optimizer(engine, "adam", alpha=0.1, max_grad_norm=1.0)
    with ready(engine), pytest.raises(FloatingPointError, match=r"the (loss|norm)"):
        engine.train_minibatch(data, np.arange(80), params, state, 0.1, 1)
    np.testing.assert_array_equal(params, before)
    np.testing.assert_array_equal(state, 1)


@each_level
@pytest.mark.parametrize("solver", [s for s in _core.OPTIMIZERS if s != "sgd"])
def test_a_gradient_whose_square_overflows_changes_nothing(solver, level):
    network, params, data = problem("float32")
    data.targets[:] *= 1e16  # the loss is a number, and so are the gradient and its norm
    before, state = params.copy(), np.zeros((_core.OPTIMIZERS[solver], len(params)), "float32")
    with simd_level(level):
        engine = make_engine(network, params, data, training=True)
    engine.weigh_by(1e-6, 0.0)
    set_optimizer(engine, solver)
    with pytest.raises(FloatingPointError, match=r"norm of the gradient is .*, whose square over"):
        engine.train_minibatch(data, np.arange(4), params, state, 0.1, 1)
    np.testing.assert_array_equal(params, before)
    np.testing.assert_array_equal(state, 0)
    set_optimizer(engine, solver, max_grad_norm=1.0)  # clipped, it is a gradient like others
    engine.train_minibatch(data, np.arange(4), params, state, 0.1, 1)
    assert np.isfinite(params).all() and np.isfinite(state).all() and (params != before).any()
