"""The drawing that notebooks show of a network: `python docs/pictures/draw.py network`."""

import numpy as np
from style import GREY, HERE

from sklearn_rnn import RNNClassifier
from sklearn_rnn._model.diagram import diagram_of
from sklearn_rnn._model.drawing import drawn
from sklearn_rnn._model.summary import rows_of
from sklearn_rnn.layers import Attention


def draw_network():
    """The network of "See the network" in docs/architectures.md."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 10, 3)), rng.integers(2, size=40)
    layers = {"hidden_layer_sizes": (32, 16), "bidirectional": True, "pooling": Attention(8)}
    network = RNNClassifier(**layers, max_iter=1).fit(X, y)._fitted_model().network
    svg = drawn(diagram_of(network, rows_of(network)), "Two recurrent layers and attention")
    (HERE / "network.svg").write_text(svg.replace("<svg ", f'<svg color="{GREY}" ', 1) + "\n")
