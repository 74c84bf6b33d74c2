"""The cells of recurrent layers, as objects that carry their options.

``cell="elman"`` is short for ``cell=Elman()``. The options of such an object are parameters of the
estimator too: ``GridSearchCV(RNNClassifier(cell=LSTM()), {"cell__peepholes": [False, True]})``.
"""

from sklearn.base import BaseEstimator

from ._docstrings import with_parts

__all__ = ["GRU", "LSTM", "Cell", "Elman", "IndRNN", "Jordan"]


# The options that cells share.
SHARED = {
    "transitions": """
transition_layer_sizes : tuple of int, default=()
    Widths of layers between a state and the next one (deep transition [2]_): the state goes
    through them, each with `activation`, and the last of them is the state that other layers and
    the next step read.

transition_shortcut : bool, default=True
    Whether the last of the transition layers also reads the state of the previous step directly,
    which makes them easier to train (DT(S)-RNN in [2]_).
""",
    "normalization": """
normalization : {"layer", "rms"} or None, default=None
    Normalization inside the cell: of the product with the input, of the product with the previous
    state, each over all gates, and of the cell state where it gives the state. "layer" is layer
    normalization (Ba et al., 2016), "rms" divides by the root mean square alone (Zhang and
    Sennrich, 2019). Each has a gain, initially 1, and with "layer" a bias, initially 0.
""",
    "recurrent_dropout": """
recurrent_dropout : float, default=0.0
    Fraction of the previous state that is set to zero in training where the cell multiplies it,
    with one mask for all steps of a sequence (Gal and Ghahramani, 2016); at least 0 and below 1.
""",
    "zoneout": """
zoneout : float, default=0.0
    Fraction of the units that keep their previous state at each step in training (Krueger et al.,
    2017), of the cell state likewise; at least 0 and below 1. A prediction uses the mean,
    ``zoneout * h_(t-1) + (1 - zoneout) * h_t``.
""",
    "initial_state": """
initial_state : {"zeros", "learned"}, default="zeros"
    State before the first step of each sequence: zeros, or one that is learned, initially 0.
""",
    "input_initializer": """
input_initializer : str, default="glorot_uniform"
    Initial values of the input weights: "glorot_uniform", "glorot_normal", "he_uniform",
    "he_normal", "lecun_uniform", "lecun_normal", "pytorch" (uniform up to 1 / sqrt(n_units)),
    "orthogonal", "identity" or "zeros".
""",
    "recurrent_initializer": """
recurrent_initializer : str, default="orthogonal"
    Initial values of the weights of the previous state, gate by gate; as for `input_initializer`.
    "identity" with ``activation="relu"`` is the network of Le et al. (2015).
""",
    "bias_initializer": """
bias_initializer : {"zeros", "pytorch", "chrono"} or None, default=None
    Initial biases; None means 0, and 1 for the forget gate of "lstm". "pytorch" is uniform up to
    1 / sqrt(n_units). "chrono", for cells with gates, lets the units remember for different times,
    up to the length of the longest training sequence (Tallec and Ollivier, 2018).
""",
}


@with_parts(SHARED)
class Cell(BaseEstimator):
    """A cell by its name, with the options that all cells share.

    Besides the cells that have classes of their own, there are "mgu", the minimal gated unit [1]_,
    with ``f = sigmoid(W x_t + U h_(t-1) + b)``, ``n = tanh(W x_t + U (f * h_(t-1)) + b)`` and
    ``h_t = (1 - f) * h_(t-1) + f * n``, and two cells [2]_ whose gates read only the input, so that
    they are several times faster: "mingru" with ``h_t = (1 - z) * h_(t-1) + z * n`` and "minlstm"
    with ``h_t = (f * h_(t-1) + i * n) / (f + i)``.

    Parameters
    ----------
    kind : str
        Name of the cell, as in the parameter `cell` of the estimators.
    {normalization}
    {recurrent_dropout}
    {zoneout}
    {initial_state}
    {input_initializer}
    {recurrent_initializer}
    {bias_initializer}

    Notes
    -----
    "jordan", "indrnn", "mingru" and "minlstm" have no product with the previous state, so they have
    no `normalization`, `recurrent_dropout` and `recurrent_initializer`. "jordan" does not read its
    state, so it has no `zoneout` and `initial_state`. Fitting raises an error if an option that the
    cell does not have is not the default.

    References
    ----------
    .. [1] G. Zhou, J. Wu, C. Zhang, Z. Zhou, "Minimal gated unit for recurrent neural networks",
       International Journal of Automation and Computing 13, 2016.
    .. [2] L. Feng et al., "Were RNNs all we needed?", arXiv:2410.01201, 2024.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import Cell
    >>> RNNClassifier(cell=Cell("lstm")).cell
    Cell(kind='lstm')
    """

    def __init__(
        self,
        kind,
        *,
        normalization=None,
        recurrent_dropout=0.0,
        zoneout=0.0,
        initial_state="zeros",
        input_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer=None,
    ):
        self.kind = kind
        self.normalization = normalization
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.initial_state = initial_state
        self.input_initializer = input_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer


@with_parts(SHARED)
class Elman(Cell):
    """The simple recurrent network of Elman [1]_.

    ``h_t = activation(W x_t + b_ih + U h_(t-1) + b_hh)``, as in ``torch.nn.RNN``.

    Parameters
    ----------
    activation : {"identity", "tanh", "relu", "logistic"}, default="tanh"
        Function that gives the state. With "relu" and "identity", states have no upper bound.

    {transitions}
    {normalization}
    {recurrent_dropout}
    {zoneout}
    {initial_state}
    {input_initializer}
    {recurrent_initializer}
    {bias_initializer}

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    .. [2] R. Pascanu, C. Gulcehre, K. Cho, Y. Bengio, "How to construct deep recurrent neural
       networks", ICLR 2014.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import Elman
    >>> RNNClassifier(cell=Elman(activation="relu")).get_params()["cell__activation"]
    'relu'
    """

    kind = "elman"

    def __init__(
        self,
        *,
        activation="tanh",
        transition_layer_sizes=(),
        transition_shortcut=True,
        normalization=None,
        recurrent_dropout=0.0,
        zoneout=0.0,
        initial_state="zeros",
        input_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer=None,
    ):
        self.activation = activation
        self.transition_layer_sizes = transition_layer_sizes
        self.transition_shortcut = transition_shortcut
        self.normalization = normalization
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.initial_state = initial_state
        self.input_initializer = input_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer


@with_parts(SHARED)
class Jordan(Cell):
    """The network of Jordan [1]_, whose hidden units read the output of the previous step.

    ``h_t = activation(W x_t + b_ih + W_oh y_(t-1))``, where ``y`` is the output of the network:
    probabilities, rates, or targets in normalised units, ``(target - y_mean_) / y_scale_``. Before
    the first step it is 0. With one target per sequence, the output of each step is read by the
    next one, but only the last output is compared with the target. Needs ``bidirectional=False``.

    Parameters
    ----------
    activation : {"identity", "tanh", "relu", "logistic"}, default="tanh"
        Function that gives the state. With "relu" and "identity", states have no upper bound.

    {transitions}
    {input_initializer}
    {bias_initializer}

    References
    ----------
    .. [1] M. I. Jordan, "Serial order: a parallel distributed processing approach", Institute for
       Cognitive Science Report 8604, University of California, San Diego, 1986.
    .. [2] R. Pascanu, C. Gulcehre, K. Cho, Y. Bengio, "How to construct deep recurrent neural
       networks", ICLR 2014.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import Jordan
    >>> RNNClassifier(cell=Jordan()).cell
    Jordan()
    """

    kind = "jordan"

    def __init__(
        self,
        *,
        activation="tanh",
        transition_layer_sizes=(),
        transition_shortcut=True,
        input_initializer="glorot_uniform",
        bias_initializer=None,
    ):
        self.activation = activation
        self.transition_layer_sizes = transition_layer_sizes
        self.transition_shortcut = transition_shortcut
        self.input_initializer = input_initializer
        self.bias_initializer = bias_initializer


@with_parts(SHARED)
class IndRNN(Cell):
    """Independently recurrent units [1]_: each unit reads only its own previous state.

    ``h_t = activation(W x_t + b_ih + u * h_(t-1))`` where ``u`` has one number per unit, initially
    between 0 and 1. Only the next layer combines the units of a layer, so use at least two layers.

    Parameters
    ----------
    activation : {"identity", "tanh", "relu", "logistic"}, default="relu"
        Function that gives the state. With "relu" and "identity", states have no upper bound.

    {zoneout}
    {initial_state}
    {input_initializer}
    {bias_initializer}

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

    def __init__(
        self,
        *,
        activation="relu",
        zoneout=0.0,
        initial_state="zeros",
        input_initializer="glorot_uniform",
        bias_initializer=None,
    ):
        self.activation = activation
        self.zoneout = zoneout
        self.initial_state = initial_state
        self.input_initializer = input_initializer
        self.bias_initializer = bias_initializer


@with_parts(SHARED)
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
        Whether the input gate is ``i = 1 - f`` [5]_, which needs a quarter fewer weights: the gates
        in `weights_` are then f g o.

    projection_size : int or None, default=None
        Width of a linear projection of the state [6]_: ``W_p (o * tanh(c_t))`` is what the gates of
        the next step and all other layers read, as with ``proj_size`` in ``torch.nn.LSTM``. The
        hidden layer keeps its number of cell states.

    forget_bias : float, default=1.0
        Initial bias of the forget gates; 1 keeps early gradients alive [4]_.

    {normalization}
    {recurrent_dropout}
    {zoneout}
    {initial_state}
    {input_initializer}
    {recurrent_initializer}
    {bias_initializer}

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
    .. [6] H. Sak, A. Senior, F. Beaufays, "Long short-term memory recurrent neural network
       architectures for large scale acoustic modeling", Interspeech 2014.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.cells import LSTM
    >>> RNNClassifier(cell=LSTM()).cell
    LSTM()
    """

    kind = "lstm"

    def __init__(
        self,
        *,
        peepholes=False,
        coupled_gates=False,
        projection_size=None,
        forget_bias=1.0,
        normalization=None,
        recurrent_dropout=0.0,
        zoneout=0.0,
        initial_state="zeros",
        input_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer=None,
    ):
        self.peepholes = peepholes
        self.coupled_gates = coupled_gates
        self.projection_size = projection_size
        self.forget_bias = forget_bias
        self.normalization = normalization
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.initial_state = initial_state
        self.input_initializer = input_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer


@with_parts(SHARED)
class GRU(Cell):
    """Gated recurrent units [1]_.

    ``r, z = sigmoid(W x_t + b_ih + U h_(t-1) + b_hh)`` are the reset and update gates, and
    ``n = tanh(W x_t + b_ih + r * (U h_(t-1) + b_hh))`` is the new content, each with its own
    weights. The state is ``h_t = (1 - z) * n + z * h_(t-1)``.

    Parameters
    ----------
    reset_after : bool, default=True
        Whether the reset gate multiplies the product ``U h_(t-1) + b_hh``, as in ``torch.nn.GRU``,
        cuDNN and Keras, or the state before the product, ``U (r * h_(t-1)) + b_hh``, as in [1]_ and
        by default in ONNX.

    {normalization}
    {recurrent_dropout}
    {zoneout}
    {initial_state}
    {input_initializer}
    {recurrent_initializer}
    {bias_initializer}

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

    def __init__(
        self,
        *,
        reset_after=True,
        normalization=None,
        recurrent_dropout=0.0,
        zoneout=0.0,
        initial_state="zeros",
        input_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer=None,
    ):
        self.reset_after = reset_after
        self.normalization = normalization
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.initial_state = initial_state
        self.input_initializer = input_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
