"""The cells of recurrent layers, as objects that carry their options.

``cell="elman"`` is short for ``cell=Elman()``. The options of such an object are parameters of the
estimator too: ``GridSearchCV(RNNClassifier(cell=LSTM()), {"cell__peepholes": [False, True]})``.
"""

from sklearn.base import BaseEstimator

__all__ = ["GRU", "LSTM", "Cell", "Elman", "IndRNN", "Jordan"]


class Cell(BaseEstimator):
    """A cell by its name, with default options.

    Parameters
    ----------
    kind : {"elman", "lstm", "gru", "jordan", "indrnn", "mgu", "mingru", "minlstm"}
        Name of the cell, as in the parameter `cell` of the estimators.

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

    ``h_t = activation(W x_t + b_ih + U h_(t-1) + b_hh)``, as in ``torch.nn.RNN``.

    Parameters
    ----------
    activation : {"identity", "tanh", "relu", "logistic"}, default="tanh"
        Function that gives the state. With "identity" and "relu", states have no upper bound.

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


class Jordan(Cell):
    """The network of Jordan [1]_, whose hidden units read the output of the previous step.

    ``h_t = activation(W x_t + b_ih + W_oh y_(t-1))``, where ``y`` is the output of the network:
    probabilities, rates, or targets in normalised units, ``(target - y_mean_) / y_scale_``. Before
    the first step it is 0. With one target per sequence, the output of each step is read by the
    next one, but only the last output is compared with the target. Needs ``bidirectional=False``.

    Parameters
    ----------
    activation : {"identity", "tanh", "relu", "logistic"}, default="tanh"
        Function that gives the state. With "identity" and "relu", states have no upper bound.

    References
    ----------
    .. [1] M. I. Jordan, "Serial order: a parallel distributed processing approach", Institute for
       Cognitive Science Report 8604, University of California, San Diego, 1986.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import Jordan
    >>> RNNClassifier(cell=Jordan()).cell
    Jordan()
    """

    kind = "jordan"

    def __init__(self, *, activation="tanh"):
        self.activation = activation


class IndRNN(Cell):
    """Independently recurrent units [1]_: each unit reads only its own previous state.

    ``h_t = activation(W x_t + b_ih + u * h_(t-1))`` where ``u`` has one number per unit, initially
    between 0 and 1. Only the next layer combines the units of a layer, so use at least two layers.

    Parameters
    ----------
    activation : {"identity", "tanh", "relu", "logistic"}, default="relu"
        Function that gives the state. With "identity" and "relu", states have no upper bound.

    References
    ----------
    .. [1] S. Li, W. Li, C. Cook, C. Zhu, Y. Gao, "Independently recurrent neural network (IndRNN):
       building a longer and deeper RNN", CVPR 2018.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import IndRNN
    >>> RNNClassifier((32, 32), cell=IndRNN(activation="tanh")).cell
    IndRNN(activation='tanh')
    """

    kind = "indrnn"

    def __init__(self, *, activation="relu"):
        self.activation = activation


class LSTM(Cell):
    """Long short-term memory, with forget gates [1]_ [2]_.

    ``i, f, o = sigmoid(W x_t + b_ih + U h_(t-1) + b_hh)`` are the input, forget and output gates,
    each with its own weights; the new content ``g`` is the same with tanh. The cell state is
    ``c_t = f * c_(t-1) + i * g`` and the state ``h_t = o * tanh(c_t)``, as in ``torch.nn.LSTM``.

    Parameters
    ----------
    peepholes : bool, default=False
        Whether the gates also read the cell state [3]_: before the sigmoid, ``P_i * c_(t-1)`` is
        added for ``i``, ``P_f * c_(t-1)`` for ``f`` and ``P_o * c_t`` for ``o``. `weights_` then
        also holds ``weight_c_l0`` of shape (3, n_units), in the order i f o, initially 0.
    coupled_gates : bool, default=False
        Whether ``i = 1 - f`` [5]_: what is let in replaces what is forgotten. There are then no
        weights for ``i``: the order of the gates is f g o, and that of peepholes f o.
    forget_bias : float, default=1.0
        Initial bias of the forget gates; 1 keeps early gradients alive [4]_.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.
    .. [2] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with
       LSTM", Neural Computation 12, 2000.
    .. [3] F. A. Gers, J. Schmidhuber, "Recurrent nets that time and count", IJCNN 2000.
    .. [4] R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
       architectures", ICML 2015.
    .. [5] K. Greff et al., "LSTM: a search space odyssey", IEEE Transactions on Neural Networks and
       Learning Systems 28, 2017.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import LSTM
    >>> RNNClassifier(cell=LSTM()).cell
    LSTM()
    """

    kind = "lstm"

    def __init__(self, *, peepholes=False, coupled_gates=False, forget_bias=1.0):
        self.peepholes = peepholes
        self.coupled_gates = coupled_gates
        self.forget_bias = forget_bias


class GRU(Cell):
    """Gated recurrent units [1]_.

    ``r, z = sigmoid(W x_t + b_ih + U h_(t-1) + b_hh)`` are the reset and update gates, and
    ``n = tanh(W x_t + b_ih + r * (U h_(t-1) + b_hh))`` is the new content, each with its own
    weights. The state is ``h_t = (1 - z) * n + z * h_(t-1)``. The reset gate multiplies the product
    ``U h_(t-1) + b_hh``, not ``h_(t-1)``, as in ``torch.nn.GRU``, cuDNN and Keras.

    Parameters
    ----------
    reset_after : bool, default=True
        Whether ``r`` multiplies after the product. If False, it multiplies the state, as in [1]_:
        ``n = tanh(W x_t + b_ih + U (r * h_(t-1)) + b_hh)``.

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

    def __init__(self, *, reset_after=True):
        self.reset_after = reset_after
