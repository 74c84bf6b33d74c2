"""The weights that a fit begins with."""

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, _core
from sklearn_rnn._model import network as _network
from sklearn_rnn._model.network import Network


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
