"""Layers before the recurrent ones, and ways to pool the states of a sequence."""

from __future__ import annotations

from ._documentation import Documented
from ._typing import Activation, Integer

__all__ = ["Attention", "Conv1D", "Dense"]


class Dense(Documented):
    """A fully connected layer that is applied at every step, for `input_layers`.

    ``z_t = activation(W x_t + b)``. Before recurrent layers this is the deep input of [1]_, which
    helps where the features of a step act together.

    Parameters
    ----------
    units : int
        Width of the layer.

    activation : {"identity", "tanh", "relu", "logistic"}, default="relu"
        Activation function.

    See Also
    --------
    Conv1D : Reads several steps at once.

    References
    ----------
    .. [1] R. Pascanu, C. Gulcehre, K. Cho, Y. Bengio, "How to construct deep recurrent neural
       networks", ICLR 2014.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.layers import Dense
    >>> RNNClassifier(64, input_layers=[Dense(32)]).input_layers
    [Dense(units=32)]
    """

    kind = "dense"

    def __init__(self, units: Integer, *, activation: Activation = "relu") -> None:
        self.units = units
        self.activation = activation


class Conv1D(Documented):
    """A causal convolution over the steps, for `input_layers` [1]_.

    It suits raw signals, in which short patterns matter. It computes
    ``z_t = activation(b + sum(W_k x_(t-k) for k in range(kernel_size)))``, with zeros before the
    first step. No output depends on later steps. In `weights_` the weight has shape
    (channels, kernel_size * n_inputs): first the columns of the present step, ``W_0``, then those
    of the step before, and so on.

    With ``stride > 1`` only the outputs at the steps 0, stride, 2 * stride, ... are computed, and
    the next layers read this shorter sequence, which saves time in long sequences. `mode` must then
    be "many_to_one". Only the first of the `input_layers` can have a stride.

    Parameters
    ----------
    channels : int
        Width of the layer.

    kernel_size : int
        Number of steps that each output depends on; at most 17.

    stride : int, default=1
        Number of steps from one output to the next.

    activation : {"identity", "tanh", "relu", "logistic"}, default="relu"
        Activation function.

    See Also
    --------
    Dense : Reads each step alone.

    References
    ----------
    .. [1] A. Waibel et al., "Phoneme recognition using time-delay neural networks", IEEE
       Transactions on Acoustics, Speech, and Signal Processing 37, 1989.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.layers import Conv1D
    >>> RNNClassifier(64, input_layers=[Conv1D(32, 5)]).input_layers
    [Conv1D(channels=32, kernel_size=5)]
    """

    kind = "conv1d"

    def __init__(
        self,
        channels: Integer,
        kernel_size: Integer,
        *,
        stride: Integer = 1,
        activation: Activation = "relu",
    ) -> None:
        self.channels = channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.activation = activation


class Attention(Documented):
    """Attention over the steps of a sequence, for `pooling` [1]_.

    It pools the states of a sequence into their weighted mean, ``sum(a_t * h_t)``, where ``a`` is
    the softmax over the steps of the scores ``v . tanh(W h_t + b)``. It helps where a few steps
    decide the target. The method `attention_weights` of a fitted estimator returns ``a``.

    Parameters
    ----------
    units : int
        Number of hidden units that compute a score, which is the number of rows of ``W``.

    See Also
    --------
    sklearn_rnn.inspection.AttentionDisplay : Draws the weights of the steps.

    References
    ----------
    .. [1] Z. Yang et al., "Hierarchical attention networks for document classification", NAACL
       2016.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.layers import Attention
    >>> RNNClassifier(64, pooling=Attention(32)).pooling
    Attention(units=32)
    """

    kind = "attention"

    def __init__(self, units: Integer) -> None:
        self.units = units
