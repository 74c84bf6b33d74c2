"""The weights that a fit begins with."""

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, _core
from sklearn_rnn._model import network as _network
from sklearn_rnn._model.architecture import network_of


@pytest.mark.parametrize("cell", _core.CELLS)
def test_initial_weights_are_glorot_orthogonal_and_remember(cell):
    words = {**RNNClassifier((8, 5), cell=cell, dtype="float64").get_params()}
    words["bidirectional"] = not _core.CELLS[cell].reads_output
    network = network_of(words, n_features=3, n_outputs=2, loss="softmax")
    params = _network.initialize(network, np.random.RandomState(0))
    info = _core.CELLS[cell]
    for name, w in network.views(params).items():
        gates = np.split(w, len(info.gates)) if name != "head.weight" and "head" not in name else []
        for number, gate in enumerate(gates):
            if name.startswith("weight_hh") and cell == "indrnn":
                assert 0 <= gate.min() < gate.max() <= 1
            elif name.startswith("weight_hh"):
                np.testing.assert_allclose(gate @ gate.T, np.eye(len(gate)), atol=1e-12)
            elif name.startswith(("weight_ih", "weight_oh")):
                assert 0 < np.abs(gate).max() <= np.sqrt(6 / sum(gate.shape))
            else:
                is_forget = cell in ("lstm", "minlstm") and info.gates[number] == "f"
                expected = float(name.startswith("bias_ih") and is_forget)
                assert np.all(gate == expected)
    assert np.all(network.views(params)["head.bias"] == 0)


def test_initial_weights_do_not_depend_on_the_number_of_samples(dense):
    X, labels, _ = dense
    still = {"learning_rate_init": 1e-300, "max_iter": 1, "random_state": 3, "alpha": 0.0}
    few, many = RNNClassifier(4, **still).fit(X[:9], labels[:9]), RNNClassifier(4, **still)
    np.testing.assert_array_equal(few.params_, many.fit(X, labels).params_)
