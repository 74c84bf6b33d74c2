"""The cells of recurrent layers, as objects that carry their options.

``cell="elman"`` is short for ``cell=Elman()``. As a parameter of an estimator, an option of its
cell can be searched: ``GridSearchCV(RNNClassifier(cell=Elman()), {"cell__activation": [...]})``.
"""

from sklearn.base import BaseEstimator

__all__ = ["GRU", "LSTM", "Cell", "Elman"]


class Cell(BaseEstimator):
    """A cell by its name, with default options.

    Parameters
    ----------
    kind : {"elman", "lstm", "gru"}
        The name of the cell, as the parameter `cell` of an estimator takes it.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import Cell
    >>> RNNClassifier(cell=Cell("lstm")).cell
    Cell(kind='lstm')
    """

    def __init__(self, kind):
        self.kind = kind


class Elman(Cell):
    """The simple recurrent network of Elman [1]_.

    ``h_t = activation(W x_t + b_ih + U h_(t-1) + b_hh)``, as ``torch.nn.RNN``.

    Parameters
    ----------
    activation : {"tanh", "relu"}, default="tanh"
        The function that makes the state. "relu" leaves states unbounded.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import Elman
    >>> RNNClassifier(cell=Elman(activation="relu")).get_params()["cell__activation"]
    'relu'
    """

    kind = "elman"

    def __init__(self, *, activation="tanh"):
        self.activation = activation


class LSTM(Cell):
    """Long short-term memory, with forget gates [1]_ [2]_.

    ``i, f, o = sigmoid(W x_t + b_ih + U h_(t-1) + b_hh)`` are the input, forget and output gates,
    each with weights of its own, and ``g`` is the same with tanh. The cell state is
    ``c_t = f * c_(t-1) + i * g`` and the state ``h_t = o * tanh(c_t)``, as in ``torch.nn.LSTM``.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.
    .. [2] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with
       LSTM", Neural Computation 12, 2000.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import LSTM
    >>> RNNClassifier(cell=LSTM()).cell
    LSTM()
    """

    kind = "lstm"

    def __init__(self):
        pass


class GRU(Cell):
    """Gated recurrent units [1]_.

    ``r, z = sigmoid(W x_t + b_ih + U h_(t-1) + b_hh)`` are the reset and update gates, each with
    weights of its own, ``n = tanh(W x_t + b_ih + r * (U h_(t-1) + b_hh))`` with a third set is the
    new content, and the state is ``h_t = (1 - z) * n + z * h_(t-1)``. The reset comes after the
    product, as in ``torch.nn.GRU``, cuDNN and Keras.

    References
    ----------
    .. [1] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
       machine translation", EMNLP 2014.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import GRU
    >>> RNNClassifier(cell=GRU()).cell
    GRU()
    """

    kind = "gru"

    def __init__(self):
        pass
