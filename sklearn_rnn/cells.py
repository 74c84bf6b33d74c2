"""The cells of recurrent layers, as objects that carry their options.

``cell="elman"`` is short for ``cell=Elman()``. The options of such an object are parameters of the
estimator too: ``GridSearchCV(RNNClassifier(cell=LSTM()), {"cell__peepholes": [False, True]})``.
"""

from __future__ import annotations

from ._docstrings import with_parts
from ._documentation import Documented
from ._typing import (
    Activation,
    BiasInitializer,
    BiasInitializerWithoutGates,
    CellName,
    InitialState,
    Integer,
    Norm,
    Number,
    Sizes,
    WeightInitializer,
)

__all__ = ["GRU", "LSTM", "Cell", "Elman", "IndRNN", "Jordan"]


# The options that cells share.
SHARED = {
    "activation": """
activation : {"identity", "tanh", "relu", "logistic"}, default="tanh"
    Activation function of the state. With "relu" and "identity", states have no upper bound.
""",
    "normalization": """
normalization : {"layer", "rms"} or None, default=None
    Normalization inside the cell. It can help where sequences differ in scale, but can make it
    harder to remember something over many steps. "layer" is layer normalization (Ba et al.,
    2016); "rms" only divides by the root mean square (Zhang and Sennrich, 2019). The product with
    the input and the product with the previous state are normalised separately, each over all
    gates; "lstm" also normalises ``c_t`` where it computes ``h_t``. Each norm has a gain,
    initially 1. With "layer", the norms of the input and of ``c_t`` also have a bias, initially
    0. ``b_hh`` is added after the norm of its product.
""",
    "recurrent_dropout": """
recurrent_dropout : float, default=0.0
    Fraction of the previous state that is set to zero in training, before the recurrent weights
    multiply it; at least 0 and below 1. The mask is the same at all steps of a sequence (Gal
    and Ghahramani, 2016). It reduces overfitting to few sequences.
""",
    "zoneout": """
zoneout : float, default=0.0
    Probability that a unit keeps its previous state at a step in training (Krueger et al.,
    2017); at least 0 and below 1. In "lstm" it holds for the cell state too. It reduces
    overfitting and, unlike dropout, lets the state pass through the steps unchanged.
    Predictions use the mean, ``zoneout * h_(t-1) + (1 - zoneout) * h_t``.
""",
    "initial_state": """
initial_state : {"zeros", "learned"}, default="zeros"
    State before the first step of each sequence: zeros, or a vector that is learned, initially
    0. Learning it helps most with short sequences.
""",
    "input_initializer": """
input_initializer : str, default="glorot_uniform"
    Initial values of the input weights, gate by gate: "glorot_uniform" or "glorot_normal"
    (Glorot and Bengio, 2010); "he_uniform" or "he_normal", which suit "relu" (He et al., 2015);
    "lecun_uniform" or "lecun_normal" (LeCun et al., 1998); "pytorch", uniform between
    ``-1 / sqrt(n_units)`` and ``1 / sqrt(n_units)``; "orthogonal" (Saxe et al., 2014);
    "identity", which needs as many inputs as units; or "zeros".
""",
    "recurrent_initializer": """
recurrent_initializer : str, default="orthogonal"
    Initial values of the recurrent weights, gate by gate, with the same choices as
    `input_initializer`. ``Elman(activation="relu", recurrent_initializer="identity")`` is the
    network of Le et al. (2015), which learns longer dependencies than one with "tanh".
""",
    "bias_initializer": """
bias_initializer : {"zeros", "pytorch", "chrono"} or None, default=None
    Initial biases. None means 0, except for the forget gates of "lstm" and "minlstm", which
    have 1. "pytorch" is uniform between ``-1 / sqrt(n_units)`` and ``1 / sqrt(n_units)``.
    "chrono", only for cells with gates, is for long dependencies: it draws the biases of the
    gates so that the units remember for different times, up to the length of the longest
    training sequence (Tallec and Ollivier, 2018).
""",
    "bias_initializer_without_gates": """
bias_initializer : {"zeros", "pytorch"} or None, default=None
    Initial biases. None means 0. "pytorch" is uniform between ``-1 / sqrt(n_units)`` and
    ``1 / sqrt(n_units)``.
""",
}


@with_parts(SHARED)
class Cell(Documented):
    """A cell by its name, with the options that all cells share.

    Three cells have no class of their own. Their gates have separate weights:

    - "mgu", the minimal gated unit [1]_, is a GRU with a single gate and so has fewer weights:
      ``f = sigmoid(W x_t + b_ih + U h_(t-1) + b_hh)``,
      ``n = tanh(W x_t + b_ih + U (f * h_(t-1)) + b_hh)`` and
      ``h_t = (1 - f) * h_(t-1) + f * n``.
    - "mingru" [2]_ has gates that read only the input, which makes it several times faster:
      ``z = sigmoid(W x_t + b_ih)``, ``n = W x_t + b_ih`` and ``h_t = (1 - z) * h_(t-1) + z * n``.
    - "minlstm" [2]_ is fast for the same reason: ``i, f = sigmoid(W x_t + b_ih)``,
      ``g = W x_t + b_ih`` and ``h_t = (f * h_(t-1) + i * g) / (f + i)``.

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

    See Also
    --------
    GRU : Has separate weights for reset and update gates.
    IndRNN : Has units that do not read each other.

    Notes
    -----
    "jordan", "indrnn", "mingru" and "minlstm" have no matrix of recurrent weights, so they do not
    support `normalization`, `recurrent_dropout` and `recurrent_initializer`. "jordan" does not read
    its previous state, so it does not support `zoneout` and `initial_state`. `fit` raises a
    `ValueError` if an option that the cell does not support differs from its default.

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
        kind: CellName,
        *,
        normalization: Norm | None = None,
        recurrent_dropout: Number = 0.0,
        zoneout: Number = 0.0,
        initial_state: InitialState = "zeros",
        input_initializer: WeightInitializer = "glorot_uniform",
        recurrent_initializer: WeightInitializer = "orthogonal",
        bias_initializer: BiasInitializer | None = None,
    ) -> None:
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
    {activation}

    transition_layer_sizes : tuple of int, default=()
        Widths of fully connected layers between the state of one step and that of the next (deep
        transition [2]_), for sequences in which a step changes the state in a complex way. Each
        layer applies `activation`. The next step and the layers above read the last of them.

    transition_shortcut : bool, default=True
        Whether the last transition layer also reads the previous state directly, which makes deep
        transitions easier to train (DT(S)-RNN in [2]_).

    {normalization}

    {recurrent_dropout}

    {zoneout}

    {initial_state}

    {input_initializer}

    {recurrent_initializer}

    {bias_initializer_without_gates}

    See Also
    --------
    Jordan : Reads the output of the previous step instead of the states.
    GRU : Has gates, which keep states over many steps.

    Notes
    -----
    With `transition_layer_sizes`, the options `normalization`, `recurrent_dropout`, `zoneout` and
    `initial_state` must have their defaults. If the estimator is bidirectional, `merge_mode` must
    be "concat", `layer_normalization` must be None, and `pooling` must not be `Attention`.

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
        activation: Activation = "tanh",
        transition_layer_sizes: Sizes = (),
        transition_shortcut: bool = True,
        normalization: Norm | None = None,
        recurrent_dropout: Number = 0.0,
        zoneout: Number = 0.0,
        initial_state: InitialState = "zeros",
        input_initializer: WeightInitializer = "glorot_uniform",
        recurrent_initializer: WeightInitializer = "orthogonal",
        bias_initializer: BiasInitializerWithoutGates | None = None,
    ) -> None:
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
    the first step it is 0. With one target per sequence, each step reads the output of the previous
    step, but only the last output is compared with the target. `bidirectional` must be False.

    Parameters
    ----------
    {activation}

    transition_layer_sizes : tuple of int, default=()
        Widths of fully connected layers that the state goes through before the output and other
        layers read it (deep transition [2]_), for sequences in which a step changes the state in a
        complex way. Each layer applies `activation`.

    transition_shortcut : bool, default=True
        Whether the last transition layer also reads ``y_(t-1)`` directly, which makes deep
        transitions easier to train (DT(S)-RNN in [2]_).

    {input_initializer}

    {bias_initializer_without_gates}

    See Also
    --------
    Elman : Reads its own states.

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
        activation: Activation = "tanh",
        transition_layer_sizes: Sizes = (),
        transition_shortcut: bool = True,
        input_initializer: WeightInitializer = "glorot_uniform",
        bias_initializer: BiasInitializerWithoutGates | None = None,
    ) -> None:
        self.activation = activation
        self.transition_layer_sizes = transition_layer_sizes
        self.transition_shortcut = transition_shortcut
        self.input_initializer = input_initializer
        self.bias_initializer = bias_initializer


@with_parts(SHARED)
class IndRNN(Cell):
    """Independently recurrent units [1]_: each unit reads only its own previous state.

    ``h_t = activation(W x_t + b_ih + u * h_(t-1))`` where ``u`` has one number per unit, initially
    between 0 and 1. It suits long sequences and deep stacks. Only the next layer combines the units
    of a layer, so use at least two layers.

    Parameters
    ----------
    activation : {"identity", "tanh", "relu", "logistic"}, default="relu"
        Activation function of the state. With "relu" and "identity", states have no upper bound.

    {zoneout}

    {initial_state}

    {input_initializer}

    {bias_initializer_without_gates}

    See Also
    --------
    Elman : Has units that read each other.

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
        activation: Activation = "relu",
        zoneout: Number = 0.0,
        initial_state: InitialState = "zeros",
        input_initializer: WeightInitializer = "glorot_uniform",
        bias_initializer: BiasInitializerWithoutGates | None = None,
    ) -> None:
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
        Whether the gates also read the cell state [3]_, which helps where exact timing matters:
        before the sigmoid, ``P_i * c_(t-1)`` is added for ``i``, ``P_f * c_(t-1)`` for ``f`` and
        ``P_o * c_t`` for ``o``. `weights_` then also holds ``weight_c_l0`` of shape (3, n_units),
        in the order i f o, or (2, n_units), in the order f o, with `coupled_gates`; initially 0.

    coupled_gates : bool, default=False
        Whether the input gate is ``i = 1 - f`` [4]_, which saves a quarter of the weights, usually
        at no loss of accuracy. The order of the gates in `weights_` is then f g o.

    projection_size : int or None, default=None
        Width of a linear projection of the state [5]_, which saves weights in wide layers. The next
        step and other layers read ``h_t = W_p (o * tanh(c_t))``, as with ``proj_size`` in
        ``torch.nn.LSTM``. The cell state keeps the width of the hidden layer.

    forget_bias : float, default=1.0
        Initial bias of the forget gates if `bias_initializer` is None; 1 keeps early gradients
        alive [6]_.

    {normalization}

    {recurrent_dropout}

    {zoneout}

    {initial_state}

    {input_initializer}

    {recurrent_initializer}

    {bias_initializer}

    See Also
    --------
    GRU : Has fewer gates, and no cell state.

    Notes
    -----
    With `projection_size`, the options `normalization`, `recurrent_dropout`, `zoneout` and
    `initial_state` must have their defaults. If the estimator is bidirectional, `merge_mode` must
    be "concat", `layer_normalization` must be None, and `pooling` must not be `Attention`.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.
    .. [2] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with
       LSTM", Neural Computation 12, 2000.
    .. [3] F. A. Gers, J. Schmidhuber, "Recurrent nets that time and count", IJCNN 2000.
    .. [4] K. Greff et al., "LSTM: a search space odyssey", IEEE Transactions on Neural Networks and
       Learning Systems 28, 2017.
    .. [5] H. Sak, A. Senior, F. Beaufays, "Long short-term memory recurrent neural network
       architectures for large scale acoustic modeling", Interspeech 2014.
    .. [6] R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
       architectures", ICML 2015.

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
        peepholes: bool = False,
        coupled_gates: bool = False,
        projection_size: Integer | None = None,
        forget_bias: Number = 1.0,
        normalization: Norm | None = None,
        recurrent_dropout: Number = 0.0,
        zoneout: Number = 0.0,
        initial_state: InitialState = "zeros",
        input_initializer: WeightInitializer = "glorot_uniform",
        recurrent_initializer: WeightInitializer = "orthogonal",
        bias_initializer: BiasInitializer | None = None,
    ) -> None:
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
        If True, the reset gate multiplies the product ``U h_(t-1) + b_hh``, as in
        ``torch.nn.GRU``, cuDNN and Keras. If False, it multiplies the state before the product,
        ``U (r * h_(t-1)) + b_hh``, as in [1]_ and by default in ONNX.

    {normalization}

    {recurrent_dropout}

    {zoneout}

    {initial_state}

    {input_initializer}

    {recurrent_initializer}

    {bias_initializer}

    See Also
    --------
    LSTM : Has a cell state besides the hidden state.
    Cell : With the name "mgu" or "mingru", simpler forms of this cell.

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
        reset_after: bool = True,
        normalization: Norm | None = None,
        recurrent_dropout: Number = 0.0,
        zoneout: Number = 0.0,
        initial_state: InitialState = "zeros",
        input_initializer: WeightInitializer = "glorot_uniform",
        recurrent_initializer: WeightInitializer = "orthogonal",
        bias_initializer: BiasInitializer | None = None,
    ) -> None:
        self.reset_after = reset_after
        self.normalization = normalization
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        self.initial_state = initial_state
        self.input_initializer = input_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
