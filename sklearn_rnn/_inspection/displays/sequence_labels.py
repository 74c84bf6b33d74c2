"""SequenceLabelDisplay: true and predicted labels over the steps of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator

from ..._data import arguments
from ..._data.steps import read_steps
from ..._rules import shown
from ..._typing import ArrayLike, Ax, Integer, SequencesLike, Targets, TextsLike
from .plotting import (
    COLORS,
    axes_for,
    colors_of,
    foreground,
    label_ticks,
    legend_above,
    whole_numbers,
)
from .reading import as_floats, check_length, network_and_X, one_of_sequences, tokens_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

BAND, GAP = 1.0, 0.5  # heights, in units of a row
ROUNDING = 1e-4  # by which a probability may exceed 1


class SequenceLabelDisplay:
    """True and predicted labels over the steps of a sequence, with the probabilities of all labels.

    Labels are coloured bands. Steps with a wrong label are marked between them. Below, each label
    has a row in its colour (of many labels, in one colour), the stronger the more probable it is.

    Use `from_estimator` or `from_predictions` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    y_pred : array-like of shape (n_timesteps,)
        Predicted labels of one sequence.
    y_true : array-like of shape (n_timesteps,), default=None
        True labels.
    probabilities : array-like of shape (n_timesteps, n_classes), default=None
        Probability of each class at each step.
    classes : array-like of shape (n_classes,), default=None
        The labels, in the order of the columns of `probabilities`. None means those that occur.
    step_labels : array-like of shape (n_timesteps,), default=None
        What to call the steps, for example tokens. None means their numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    images_ : dict of str to matplotlib AxesImage
        "true", "wrong", "predicted" and "probabilities", as far as they are known.

    See Also
    --------
    sklearn_rnn.metrics.step_confusion_matrix : Which labels are predicted in place of which.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.inspection import SequenceLabelDisplay
    >>> X = np.random.RandomState(0).normal(size=(60, 12, 1))
    >>> y = np.where(X.cumsum(axis=1)[:, :, 0] > 0, "above", "below")
    >>> rnn = RNNClassifier(8, mode="many_to_many", max_iter=20, random_state=0).fit(X, y)
    >>> display = SequenceLabelDisplay.from_estimator(rnn, X[:3], y[:3], sequence=1)
    >>> display.probabilities.shape
    (12, 2)
    """

    # Set by `plot`.
    ax_: Axes
    figure_: Figure
    images_: dict[str, AxesImage]

    def __init__(
        self,
        y_pred: ArrayLike,
        *,
        y_true: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        step_labels: TextsLike | None = None,
    ) -> None:
        self.y_pred = _labels(y_pred, "y_pred")
        self.y_true = None if y_true is None else _labels(y_true, "y_true")
        self.step_labels = None if step_labels is None else list(map(str, step_labels))
        check_length(self.step_labels, len(self.y_pred), "step_labels", "y_pred")
        check_length(self.y_true, len(self.y_pred), "y_true", "y_pred")
        self.probabilities = None
        if probabilities is not None:
            self.probabilities = as_floats(probabilities, "probabilities", 2)
            check_length(self.probabilities, len(self.y_pred), "probabilities", "y_pred")
            lowest, highest = self.probabilities.min(), self.probabilities.max()
            if lowest < 0 or highest > 1 + ROUNDING:
                raise ValueError(
                    f"`probabilities` must be from 0 to 1, got {lowest:.3g} to {highest:.3g}."
                )
        known = {*self.y_pred.tolist(), *(() if self.y_true is None else self.y_true.tolist())}
        self.classes = _sorted(known) if classes is None else _labels(classes, "classes")
        if self.probabilities is not None:
            n_columns = self.probabilities.shape[1]
            check_length(self.classes, n_columns, "classes", "probabilities[0]")
        if unknown := sorted(known - {*self.classes.tolist()}, key=str):
            raise ValueError(
                f"`classes` must hold all labels, but these are missing: {shown(unknown)}."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: SequencesLike,
        y: Targets | None = None,
        *,
        sequence: Integer = 0,
        step_labels: TextsLike | None = None,
        ax: Ax = None,
    ) -> Self:
        """Draw the predictions of a classifier for one sequence.

        Parameters
        ----------
        estimator : fitted RNNClassifier, or Pipeline or search with one
            With ``mode="many_to_many"`` and one label per step.
        X : sequences
            In any form that `fit` takes.
        y : array-like of labels per step, default=None
            The true labels, as for `fit`.
        sequence : int, default=0
            Which of the sequences.
        step_labels : array-like of shape (n_timesteps,), default=None
            What to call the steps. None means the tokens, if `estimator` is a Pipeline of a
            `TokenEncoder` and a network, or else their numbers.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : SequenceLabelDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        if step_labels is None:
            step_labels = tokens_of(estimator, X, sequence)
        rnn, X = network_and_X(estimator, X)
        classes = getattr(rnn, "classes_", None)
        if getattr(rnn, "mode", None) != "many_to_many" or not isinstance(classes, np.ndarray):
            raise ValueError(
                "`estimator` must be a classifier with mode='many_to_many' and one label per "
                f"step, got {shown(rnn)}."
            )
        predictions = y, rnn.predict(X), rnn.predict_proba(X)
        facts = {"classes": classes, "sequence": sequence, "step_labels": step_labels, "ax": ax}
        return cls.from_predictions(*predictions, **facts)

    @classmethod
    def from_predictions(
        cls,
        y_true: Targets | None,
        y_pred: Targets,
        probabilities: Targets | None = None,
        *,
        classes: ArrayLike | None = None,
        sequence: Integer = 0,
        step_labels: TextsLike | None = None,
        ax: Ax = None,
    ) -> Self:
        """Draw given predictions for one sequence.

        Parameters
        ----------
        y_true : array-like of labels per step, or None
            True labels of all sequences: ``(n_samples, n_timesteps)``, or a list of arrays.
        y_pred : array-like of labels per step
            Predicted labels, likewise.
        probabilities : array-like, default=None
            As `predict_proba` returns them: ``(n_samples, n_timesteps, n_classes)``, or a list or
            object array of ``(n_timesteps_i, n_classes)``.
        classes : array-like of shape (n_classes,), default=None
            The labels, in the order of the probabilities. None means those that occur.
        sequence : int, default=0
            Which of the sequences.
        step_labels : array-like of shape (n_timesteps,), default=None
            What to call the steps, for example tokens. None means their numbers.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : SequenceLabelDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        if y_true is not None:
            steps = read_steps(y_true, arguments.Y_TRUE, numeric=False)
            y_true = one_of_sequences(steps.cut(), sequence)
        if probabilities is not None:
            probabilities = one_of_sequences(probabilities, sequence)
        y_pred = one_of_sequences(
            read_steps(y_pred, arguments.Y_PRED, numeric=False).cut(), sequence
        )
        facts = {"y_true": y_true, "probabilities": probabilities, "classes": classes}
        return cls(y_pred, step_labels=step_labels, **facts).plot(ax)

    def plot(self, ax: Ax = None) -> Self:
        """Draw the labels.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : SequenceLabelDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        n_rows = 0 if self.probabilities is None else min(max(len(self.classes), 2), 12)
        size = (6.4, 1.8 + 0.35 * n_rows)
        (ax,), self.figure_ = axes_for("SequenceLabelDisplay", ax, figsize=size)
        self.ax_, self.images_, places = ax, {}, []
        colors, top = colors_of(len(self.classes)), 0.0
        if self.y_true is not None:
            places.append(("true", top + BAND / 2))
            self._draw("true", colors[self._codes(self.y_true)][np.newaxis], top, BAND)
            places.append(("wrong", top + BAND + GAP / 2))
            wrong = np.zeros((1, len(self.y_pred), 4))
            wrong[0, self.y_true != self.y_pred] = _rgba(foreground())
            self._draw("wrong", wrong, top + BAND, GAP)
            top += BAND + GAP
        places.append(("predicted", top + BAND / 2))
        self._draw("predicted", colors[self._codes(self.y_pred)][np.newaxis], top, BAND)
        top += BAND
        if self.probabilities is not None:
            top += GAP
            n_classes = len(self.classes)
            height = BAND * n_rows / n_classes
            # The colours of many classes are too faint for tints.
            shades = colors if n_classes <= len(COLORS) else [_rgba(foreground())] * n_classes
            tints = np.repeat(np.array(shades)[:, np.newaxis], len(self.y_pred), axis=1)
            tints[:, :, 3] = np.clip(self.probabilities.T, 0, 1)
            self._draw("probabilities", tints, top, height * n_classes)
            places += [(name, top + (k + 0.5) * height) for k, name in enumerate(self.classes)]
            top += height * n_classes
        else:
            from matplotlib.patches import Patch

            patches = [
                Patch(color=c, label=str(k)) for c, k in zip(colors, self.classes, strict=True)
            ]
            legend_above(ax, patches, n_columns=5)
        ax.set(xlim=(-0.5, len(self.y_pred) - 0.5), ylim=(top, 0), xlabel="Step")
        label_ticks(ax, "y", *zip(*places, strict=True))
        ax.tick_params("y", length=0)
        if self.step_labels is None:
            whole_numbers(ax)
        else:
            label_ticks(ax, "x", self.step_labels)
        return self

    def _codes(self, labels):
        """Return the numbers of the classes of labels (n_timesteps,)."""
        number = {label: k for k, label in enumerate(self.classes.tolist())}
        return np.array([number[label] for label in labels.tolist()])

    def _draw(self, name, colors, top, height):
        """Draw an image (n_rows, n_timesteps, 4) between two heights."""
        extent = (-0.5, colors.shape[1] - 0.5, top + height, top)
        style = {"interpolation": "nearest", "aspect": "auto", "extent": extent}
        self.images_[name] = self.ax_.imshow(colors, **style)


def _labels(labels, name):
    """Return labels as an array (n,)."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"`{name}` must be one label per step, 1-D, got shape {labels.shape}.")
    return labels


def _sorted(labels):
    """Return a set of labels as a sorted array."""
    try:
        return np.array(sorted(labels))
    except TypeError as error:
        types = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise ValueError(
            f"`y_pred` and `y_true` must hold labels of one type, got {types}: turn them into "
            "strings."
        ) from error


def _rgba(color):
    from matplotlib.colors import to_rgba

    return to_rgba(color)
