"""`memory_budget` is kept and changes no bit."""

import re

import numpy as np
import pytest
from cases import (
    CELLS,
    GRU,
    RTOL,
    draw_dataset,
    draw_lengths,
    draw_params,
    loss_and_grad,
    make_network,
    predict,
    simd_level,
)
from workspaces import least_budget, make_workspace

from sklearn_rnn import RNNClassifier, RNNRegressor, _core


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
@pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_budget_changes_no_bit(cell, per_step, ragged, dtype, level):
    rng = np.random.default_rng(0)
    sizes = (72, 72) if level == _core.simd_levels()[0] else (9, 20)  # there BLAS has a part in it
    network = make_network(cell, sizes, dropout=0.4, per_step=per_step, dtype=dtype)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(19, 300, ragged, rng), rng, weighted=True)
    options = dict(dropout=True, update=3, input_gradient=True)
    with simd_level(level):
        free = loss_and_grad(network, params, data, **options)
        least = least_budget(network, params, data)
        for budget in (least, least * 5 // 4):
            bound = loss_and_grad(network, params, data, memory_budget=budget, **options)
            for ours, theirs in zip(bound, free, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_budget_is_kept_however_long_the_sequence(cell, per_step):
    budget = 12 << 20  # of which 8 MB tell where a million steps are
    for n_timesteps in (10_000, 100_000, 1_000_000):
        kept = make_workspace(n_timesteps, cell, per_step=per_step, memory_budget=budget)
        assert kept.n_bytes_of_steps <= budget
    free = make_workspace(1_000_000, cell, per_step=per_step)
    assert free.n_bytes_of_steps > 10 * budget


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_budget_is_kept_with_fewer_threads_before_it_is_refused(bidirectional):
    one, eight = (
        dict(lengths=np.full(64, 600), batch_size=64, bidirectional=bidirectional, n_threads=n)
        for n in (1, 8)
    )
    with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
        make_workspace(600, "elman", memory_budget=1, **eight)
    least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
    for threads in (one, eight):
        assert (
            make_workspace(600, "elman", memory_budget=least, **threads).n_bytes_of_steps <= least
        )
        with pytest.raises(ValueError, match=f"at least {least} bytes"):
            make_workspace(600, "elman", memory_budget=least - 1, **threads)


def test_fit_learns_the_same_within_a_budget():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2000, 1))
    y = X[:, :, 0] > 0
    options = dict(mode="many_to_many", max_iter=2, tol=0.0, random_state=0, n_threads=2)
    with pytest.warns(UserWarning, match="max_iter"):
        free = RNNClassifier(16, **options).fit(X, y)
    with pytest.warns(UserWarning, match="max_iter"):
        bound = RNNClassifier(16, memory_budget=1 << 19, **options).fit(X, y)
    np.testing.assert_array_equal(bound.params_, free.params_)


def test_a_budget_too_small_leaves_the_estimator_alone():
    rnn = RNNRegressor(16, memory_budget=1000)
    with pytest.raises(ValueError, match=r"`memory_budget` must be at least \d+ bytes.*got 1000"):
        rnn.fit(np.zeros((3, 500, 1)), np.arange(3.0))
    assert not hasattr(rnn, "params_")


@pytest.mark.parametrize("per_step", [False, True])
def test_predictions_in_segments_are_those_of_the_training_pass(per_step):
    rng = np.random.default_rng(0)
    network = make_network(GRU, (9, 20), per_step=per_step)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(19, 700, True, rng), rng)
    loss, _ = loss_and_grad(network, params, data)
    outputs = predict(network, params, data)
    np.testing.assert_allclose(np.mean((outputs - data.targets) ** 2), loss, rtol=1e-12)
