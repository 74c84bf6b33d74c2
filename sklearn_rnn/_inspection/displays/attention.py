"""AttentionDisplay: which steps of a sequence a network attends to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator

from ..._data.tokens import read_tokens
from ..._estimators.seq2seq_classifier import Seq2SeqClassifier
from ..._estimators.seq2seq_regressor import Seq2SeqRegressor
from ..._rules import shown
from ..._typing import ArrayLike, Ax, Integer, SequencesLike, Targets, TextsLike
from .plotting import HEAT, axes_for, label_ticks, whole_numbers
from .reading import as_floats, check_length, network_and_X, one_of_sequences, tokens_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


class AttentionDisplay:
    """Which steps of a sequence a network attends to: for each output, or in attention pooling.

    Use `from_estimator` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    weights : array-like of shape (n_outputs, n_timesteps) or (n_timesteps,)
        Weight of each step of the input for each step of the output; 1-D for pooling.
    input_labels : array-like of shape (n_timesteps,), default=None
        What to call the steps of the input, for example tokens. None means their numbers.
    output_labels : array-like of shape (n_outputs,), default=None
        What to call the steps of the output. None means their numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    im_ : matplotlib AxesImage
        The heat.

    See Also
    --------
    AttributionDisplay : What each value contributes to an output.
    sklearn_rnn.layers.Attention : Attention pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import AttentionDisplay
    >>> from sklearn_rnn.layers import Attention
    >>> X = np.random.RandomState(0).normal(size=(30, 9, 2))
    >>> rnn = RNNRegressor(8, pooling=Attention(4), max_iter=10, random_state=0)
    >>> display = AttentionDisplay.from_estimator(rnn.fit(X, X.max(axis=(1, 2))), X)
    >>> display.weights.shape
    (1, 9)
    """

    # Set by `plot`.
    ax_: Axes
    figure_: Figure
    im_: AxesImage

    def __init__(
        self,
        weights: ArrayLike,
        *,
        input_labels: TextsLike | None = None,
        output_labels: TextsLike | None = None,
    ) -> None:
        pooling = np.ndim(weights) == 1
        weights = as_floats([weights] if pooling else weights, "weights", 2)
        if (weights < 0).any():
            raise ValueError("`weights` must not be negative.")
        self.weights, self.pooling = weights, pooling
        self.input_labels = None if input_labels is None else list(map(str, input_labels))
        self.output_labels = None if output_labels is None else list(map(str, output_labels))
        check_length(self.input_labels, weights.shape[1], "input_labels", "weights[0]")
        check_length(self.output_labels, weights.shape[0], "output_labels", "weights")

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: SequencesLike,
        y: Targets | None = None,
        *,
        sequence: Integer = 0,
        input_labels: TextsLike | None = None,
        output_labels: TextsLike | None = None,
        horizon: Integer | None = None,
        X_future: SequencesLike | None = None,
        ax: Ax = None,
    ) -> Self:
        """Draw the attention of a network to one sequence.

        Parameters
        ----------
        estimator : fitted estimator with `attention_weights`, or Pipeline or search with one
            A `Seq2SeqClassifier` or `Seq2SeqRegressor` with `attention`, or an estimator with
            ``pooling=Attention(units)``.
        X : sequences
            In any form that `fit` takes.
        y : sequences of labels, default=None
            Only for a `Seq2SeqClassifier`: the answers for which attention is drawn. None means
            the predictions.
        sequence : int, default=0
            Which of the sequences.
        input_labels : array-like of shape (n_timesteps,), default=None
            What to call the steps of this sequence. None means the tokens, if `estimator` is a
            Pipeline of a `TokenEncoder` and a network, or else their numbers.
        output_labels : array-like of shape (n_outputs,), default=None
            What to call the steps of its output. None means the labels that a `Seq2SeqClassifier`
            writes, or else their numbers.
        horizon : int or array-like of int of shape (n_samples,), default=None
            Only for a `Seq2SeqRegressor`: the number of steps to predict, as in its `predict`.
        X_future : sequences, default=None
            Only for a `Seq2SeqRegressor`: known features of these steps, as in its `predict`.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : AttentionDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        tokens = tokens_of(estimator, X, sequence) if input_labels is None else None
        rnn, X = network_and_X(estimator, X)
        if not hasattr(rnn, "attention_weights"):
            raise ValueError(
                "`estimator` must have the method `attention_weights`, which a network with "
                f"`attention` or pooling=Attention(units) has, got {shown(rnn)}."
            )
        answers = isinstance(rnn, Seq2SeqClassifier)
        if y is not None and not answers:
            raise ValueError("`y` must be None unless the estimator is a Seq2SeqClassifier.")
        if not answers:
            options = {"horizon": horizon, "X_future": X_future}
            given = {name: value for name, value in options.items() if value is not None}
            if given and not isinstance(rnn, Seq2SeqRegressor):
                raise ValueError(
                    f"`{min(given)}` must be None unless the estimator is a Seq2SeqRegressor."
                )
            weights = rnn.attention_weights(X, **given)
        else:
            y = rnn.predict(X) if y is None else y
            weights = rnn.attention_weights(X, y)
            if output_labels is None:
                labels = read_tokens(y, len(weights)).cut()
                output_labels = one_of_sequences(labels, sequence)
        weights = one_of_sequences(weights, sequence)
        if len(weights) == 0:
            raise ValueError(
                f"The answer to `X[{sequence}]` is empty, so there is no attention to draw: choose "
                "another `sequence`, or pass `y`."
            )
        if tokens is not None and len(tokens) == weights.shape[-1]:  # not where layers shorten X
            input_labels = tokens
        return cls(weights, input_labels=input_labels, output_labels=output_labels).plot(ax)

    def plot(self, ax: Ax = None) -> Self:
        """Draw the weights as heat.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : AttentionDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        size = (6.4, 2.2) if self.pooling else None
        (ax,), self.figure_ = axes_for("AttentionDisplay", ax, figsize=size)
        style = {"interpolation": "nearest", "aspect": "auto", "cmap": HEAT}
        self.ax_, self.im_ = ax, ax.imshow(self.weights, vmin=0, **style)
        self.figure_.colorbar(self.im_, ax=ax, label="Attention", pad=0.02)
        ax.set_xlabel("Input")
        if self.input_labels is None:
            whole_numbers(ax)
        else:
            label_ticks(ax, "x", self.input_labels)
        if self.pooling and self.output_labels is None:
            ax.set_yticks([])
        else:
            ax.set_ylabel("Output")
            n_outputs = len(self.weights)
            label_ticks(ax, "y", self.output_labels or list(range(n_outputs)))
        return self
