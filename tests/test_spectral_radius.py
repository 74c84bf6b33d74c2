"""Spectral radii of recurrent weights, against the maps from one state to the next."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNRegressor
from sklearn_rnn.cells import LSTM, Elman, IndRNN, Jordan
from sklearn_rnn.inspection import spectral_radius
from sklearn_rnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).normal(size=(12, 5, 2))
Y = X[:, 0, 0]


def small(**params):
    defaults = {"hidden_layer_sizes": 4, "max_iter": 2, "dtype": "float64", "random_state": 0}
    return RNNRegressor(**{**defaults, **params}).fit(X, Y)


def map_of_state(rnn):
    """Return the map from a state to the next one, of a linear network."""
    _, start = rnn.predict(X[:1, :1], initial_state=None, return_state=True)
    (name,) = start
    columns = []
    for moved in (np.zeros(start[name].shape), *np.eye(start[name].shape[1])[:, np.newaxis]):
        given = {name: moved}
        _, state = rnn.predict(np.zeros_like(X[:1, :1]), initial_state=given, return_state=True)
        columns.append(state[name][0])
    return (np.array(columns[1:]) - columns[0]).T


@pytest.mark.parametrize(
    "cell",
    [
        Elman(activation="identity"),
        Elman(activation="identity", transition_layer_sizes=(6, 3), transition_shortcut=False),
        IndRNN(activation="identity"),
        Jordan(activation="identity"),
    ],
    ids=lambda cell: type(cell).__name__,
)
def test_the_radius_of_a_linear_cell_is_that_of_its_map(cell):
    rnn = small(cell=cell)
    expected = np.abs(np.linalg.eigvals(map_of_state(rnn))).max()
    assert_allclose(spectral_radius(rnn)["l0"]["h"], expected, rtol=1e-9)


def test_gates_have_their_own_radius():
    rnn = small(cell="lstm", bidirectional=True, hidden_layer_sizes=(4, 3))
    radii = spectral_radius(make_pipeline(SequenceScaler(), rnn).fit(X, Y))
    assert list(radii) == ["l0", "l0_reverse", "l1", "l1_reverse"]
    for layer, of_gates in radii.items():
        blocks = np.split(rnn.weights_[f"weight_hh_{layer}"], 4)
        assert list(of_gates) == ["i", "f", "g", "o"]
        for block, radius in zip(blocks, of_gates.values(), strict=True):
            assert_allclose(radius, np.abs(np.linalg.eigvals(block)).max())
    assert list(spectral_radius(small(cell=LSTM(coupled_gates=True)))["l0"]) == ["f", "g", "o"]
    assert spectral_radius(small(cell="mingru")) == {}


def test_projections_and_outputs_are_on_the_way():
    rnn = small(cell=LSTM(projection_size=2), bidirectional=True)
    for end in ("", "_reverse"):
        loop = rnn.weights_[f"weight_hh_l0{end}"] @ rnn.weights_[f"projection_0{end}.weight"]
        expected = [np.abs(np.linalg.eigvals(block)).max() for block in np.split(loop, 4)]
        assert_allclose(list(spectral_radius(rnn)[f"l0{end}"].values()), expected)
    rnn = small(cell=["jordan", "elman"], hidden_layer_sizes=(3, 4))
    weights = rnn.weights_
    loop = weights["weight_oh_l0"] @ weights["head.weight"] @ weights["weight_ih_l1"]
    assert_allclose(spectral_radius(rnn)["l0"]["h"], np.abs(np.linalg.eigvals(loop)).max())
    assert np.isnan(
        spectral_radius(small(cell=["jordan", "gru"], hidden_layer_sizes=(3, 4)))["l0"]["h"]
    )


def test_faults_are_named():
    with pytest.raises(NotFittedError, match=r"`estimator` must be fitted"):
        spectral_radius(RNNRegressor())
    with pytest.raises(ValueError, match=r"`estimator` must be"):
        spectral_radius(SequenceScaler())
