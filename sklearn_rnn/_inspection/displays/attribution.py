"""AttributionDisplay: which values of a sequence an output of a network depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from ..._converters.nested import read_table
from ..._data.frames import column_names
from ..._data.items import first_frame
from ..._data.nested import is_nested
from ..._rules import one_of
from ..._typing import ArrayLike, Ax, Integer, SequencesLike, TextsLike
from ..integrated_gradients import integrated_gradients
from ..occlusion import occlusion
from .plotting import SIGNED_HEAT, axes_for, label_ticks, whole_numbers
from .reading import as_floats, check_length, network_and_X, one_of_sequences, tokens_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

METHODS = {"integrated_gradients": integrated_gradients, "occlusion": occlusion}


class AttributionDisplay:
    """What each value of a sequence contributes to an output of a network, as heat.

    Use `from_estimator` or `from_attributions` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    attributions : array-like of shape (n_timesteps, n_features) or (n_timesteps,)
        The contributions of one sequence.
    feature_names : array-like of shape (n_features,), default=None
        What to call the features. None means their numbers.
    step_labels : array-like of shape (n_timesteps,), default=None
        What to call the steps, for example tokens. None means their numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    im_ : matplotlib AxesImage
        The heat. Its colours are centred at 0.

    See Also
    --------
    integrated_gradients : Contributions by gradients.
    occlusion : Contributions by hiding values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import AttributionDisplay
    >>> X = np.random.RandomState(0).normal(size=(30, 9, 2))
    >>> rnn = RNNRegressor(8, max_iter=10, random_state=0).fit(X, X[:, 5, 1])
    >>> display = AttributionDisplay.from_estimator(rnn, X, sequence=3)
    >>> display.attributions.shape
    (9, 2)
    """

    # Set by `plot`.
    ax_: Axes
    figure_: Figure
    im_: AxesImage

    def __init__(
        self,
        attributions: ArrayLike,
        *,
        feature_names: TextsLike | None = None,
        step_labels: TextsLike | None = None,
    ) -> None:
        if np.ndim(attributions) == 1:
            attributions = np.reshape(attributions, (-1, 1))
        self.attributions = as_floats(attributions, "attributions", 2)
        n_timesteps, n_features = self.attributions.shape
        self.feature_names = None if feature_names is None else list(map(str, feature_names))
        self.step_labels = None if step_labels is None else list(map(str, step_labels))
        check_length(self.feature_names, n_features, "feature_names", "attributions[0]")
        check_length(self.step_labels, n_timesteps, "step_labels", "attributions")

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: SequencesLike,
        *,
        method: Literal["integrated_gradients", "occlusion"] = "integrated_gradients",
        sequence: Integer = 0,
        feature_names: TextsLike | None = None,
        step_labels: TextsLike | None = None,
        ax: Ax = None,
        **options: Any,
    ) -> Self:
        """Compute and draw the attributions for one sequence.

        Parameters
        ----------
        estimator : fitted RNNClassifier, RNNRegressor or MultiTaskRNN
            Or a Pipeline or search that ends with one. X is then explained as the network reads it,
            after the other steps of the Pipeline.
        X : sequences
            In any form that `fit` takes. Unless `baseline` is given, the means over all of them are
            the values to compare with.
        method : {"integrated_gradients", "occlusion"}, default="integrated_gradients"
            The function that computes them.
        sequence : int, default=0
            Which of the sequences.
        feature_names : array-like of shape (n_features,), default=None
            What to call the features. None means the column names of frames, or else numbers.
        step_labels : array-like of shape (n_timesteps,), default=None
            What to call the steps. None means the tokens, if `estimator` is a Pipeline of a
            `TokenEncoder` and a network, or else their numbers.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.
        **options : dict
            Keyword arguments of the function, such as `target`, `step` and `baseline`.

        Returns
        -------
        display : AttributionDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        one_of(METHODS).check("method", method)
        attributions = METHODS[method](estimator, X, **options)
        if feature_names is None:
            feature_names = _names(network_and_X(estimator, X)[1])
        if step_labels is None:
            step_labels = tokens_of(estimator, X, sequence)
        names = {"feature_names": feature_names, "step_labels": step_labels}
        return cls.from_attributions(attributions, sequence=sequence, ax=ax, **names)

    @classmethod
    def from_attributions(
        cls,
        attributions: SequencesLike,
        *,
        sequence: Integer = 0,
        feature_names: TextsLike | None = None,
        step_labels: TextsLike | None = None,
        ax: Ax = None,
    ) -> Self:
        """Draw what `integrated_gradients` or `occlusion` has returned.

        Parameters
        ----------
        attributions : sequences
            The result.
        sequence : int, default=0
            Which of the sequences.
        feature_names : array-like of shape (n_features,), default=None
            What to call the features. None means the column names of frames, or else numbers.
        step_labels : array-like of shape (n_timesteps,), default=None
            What to call the steps, for example tokens. None means their numbers.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : AttributionDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        if feature_names is None:
            feature_names = _names(attributions)
        if is_nested(attributions):
            table = read_table(attributions, "AttributionDisplay")
            ends = table.offsets[1:-1]
            attributions = np.split(np.column_stack(table.columns), ends)
        one = one_of_sequences(attributions, sequence)
        return cls(one, feature_names=feature_names, step_labels=step_labels).plot(ax)

    def plot(self, ax: Ax = None) -> Self:
        """Draw the attributions, steps from left to right and features from top to bottom.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : AttributionDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        n_features = self.attributions.shape[1]
        size = (6.4, min(4.8, 1.6 + 0.3 * n_features))
        (ax,), self.figure_ = axes_for("AttributionDisplay", ax, figsize=size)
        bound = max(np.abs(self.attributions).max(), np.finfo(np.float64).tiny)
        style = {"interpolation": "nearest", "aspect": "auto", "cmap": SIGNED_HEAT}
        image = ax.imshow(self.attributions.T, vmin=-bound, vmax=bound, **style)
        self.ax_, self.im_ = ax, image
        self.figure_.colorbar(image, ax=ax, label="Contribution", pad=0.02)
        ax.set(xlabel="Step", ylabel="Feature" if self.feature_names is None else "")
        label_ticks(ax, "y", self.feature_names or range(n_features))
        if self.step_labels is None:
            whole_numbers(ax)
        else:
            label_ticks(ax, "x", self.step_labels)
        return self


def _names(X):
    """Return the names of the features if X has frames, otherwise None."""
    if is_nested(X):
        return read_table(X, "AttributionDisplay").names
    frame = first_frame(X) if isinstance(X, (list, tuple)) else None
    return None if frame is None else column_names(frame)
