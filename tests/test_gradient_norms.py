"""The norms of the gradients of states, by node and step."""

import numpy as np
import pytest
from cases import draw_dataset, draw_params, loss_and_grad, make_engine, make_network
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_rnn._model.network import ready

LENGTHS = [9, 4, 9, 1, 6]


def norms_of(network, params, data, **options):
    engine = make_engine(network, params, data, training=True, probe=True, **options)
    with ready(engine):
        engine.loss_and_grad(data)
    return engine.gradients_of_states()


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_units_that_pass_their_input_on_have_its_gradient(per_step, bidirectional):
    rng = np.random.default_rng(0)
    # h = x + U h_prev: the gradient of h is that of x.
    network = make_network(
        ("elman", "relu"), (3,), n_features=3, bidirectional=bidirectional, per_step=per_step
    )
    params = draw_params(network, rng)
    for name, view in network.views(params).items():
        if name.startswith("weight_ih"):
            view[...] = np.eye(3)
        elif name.startswith("bias_ih"):
            view[...] = 20.0  # all units are alive
    data = draw_dataset(network, LENGTHS, rng)
    _, _, d_values = loss_and_grad(network, params, data, input_gradient=True)
    squares = np.zeros(max(LENGTHS))
    for rows in np.split(d_values, data.offsets[1:-1]):
        squares[: len(rows)] += np.sum(rows**2, axis=1)
    norms = norms_of(network, params, data)
    assert norms.keys() == {"l0", "l0_reverse"} if bidirectional else {"l0"}
    if not bidirectional:
        assert_allclose(norms["l0"], np.sqrt(squares), rtol=1e-10)
    else:
        assert all(norm.shape == squares.shape and norm.all() for norm in norms.values())


@pytest.mark.parametrize("cell", [("lstm", "peepholes"), ("gru", ""), ("jordan", "tanh")])
def test_norms_do_not_depend_on_threads_or_budgets(cell):
    rng = np.random.default_rng(0)
    network = make_network(cell, (9, 5), per_step=True, connections="residual")
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(40, 300), rng)
    one = norms_of(network, params, data, n_threads=1)
    assert one.keys() == {"l0", "l1"}
    for options in ({"n_threads": 3}, {"memory_budget": 1 << 20, "n_threads": 1}):
        other = norms_of(network, params, data, **options)
        for name, norms in one.items():
            assert_array_equal(norms, other[name])


def test_norms_are_within_the_budget():
    network = make_network(("gru", ""), per_step=True)
    plain, probing = (
        network.engine(np.full(40, 300), 40, 1, True, probe=probe).n_bytes_of_steps
        for probe in (False, True)
    )
    assert probing - plain == 5 * (1 + len(network.nodes)) * 2 * 300 * 8  # for 5 slices
    with pytest.raises(ValueError, match="`memory_budget` must be at least"):
        network.engine(np.full(40, 300), 40, 1, True, memory_budget=probing - plain, probe=True)


def test_norms_need_an_engine_made_for_them():
    network = make_network(("gru", ""))
    data = draw_dataset(network, [3], np.random.default_rng(0))
    engine = make_engine(network, np.zeros(network.n_params), data, training=True)
    with pytest.raises(ValueError, match="made with `probe`"):
        engine.gradients_of_states()
