"""LossCurveDisplay: losses and scores over the epochs of a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from ..._rules import integer, shown
from ..._typing import ArrayLike, Ax, Integer
from .plotting import ORANGE, RED, axes_for, blues, foreground, legend_above, whole_numbers
from .reading import as_floats, check_length, last_step

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class LossCurveDisplay:
    """Losses and scores over the epochs of a training.

    Use `from_estimator` or `from_history` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Training loss of each epoch.
    validation_loss : array-like of shape (n_epochs,), default=None
        Loss of the held-out sequences, NaN where it is not known.
    validation_score : array-like of shape (n_epochs,), default=None
        Score of the held-out sequences, NaN where it is not known. It has an axis of its own, on
        the right.
    best_epoch : int or None, default=None
        The epoch that is marked, from 1. None means that of the highest validation score, whose
        weights `early_stopping` keeps; without scores none.

    Attributes
    ----------
    best_epoch : int or None
        The epoch that is marked.
    ax_ : matplotlib Axes
        The axes of the losses.
    score_ax_ : matplotlib Axes or None
        The axes of the scores.
    figure_ : matplotlib Figure
        The figure.
    lines_ : dict of str to matplotlib Artist
        The lines "loss", "validation_loss" and "validation_score", as far as they are known.

    See Also
    --------
    sklearn_rnn.RNNClassifier : Its attribute `history_` holds the same numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import LossCurveDisplay
    >>> X = np.random.RandomState(0).normal(size=(60, 5, 2))
    >>> rnn = RNNRegressor(8, max_iter=20, early_stopping=True, random_state=0)
    >>> display = LossCurveDisplay.from_estimator(rnn.fit(X, X.sum(axis=(1, 2))))
    >>> display.lines_["validation_score"].get_label()
    'Validation score'
    """

    # `Any` stands for None.
    ax_: Axes
    best_epoch: int | Any
    figure_: Figure
    lines_: dict[str, Artist]
    score_ax_: Axes | Any

    def __init__(
        self,
        loss: ArrayLike,
        *,
        validation_loss: ArrayLike | None = None,
        validation_score: ArrayLike | None = None,
        best_epoch: Integer | None = None,
    ) -> None:
        self.loss = as_floats(loss, "loss", 1, allow_nan=True)
        self.validation_loss = _known(validation_loss, self.loss, "validation_loss")
        self.validation_score = _known(validation_score, self.loss, "validation_score")
        if best_epoch is None and self.validation_score is not None:
            best_epoch = int(np.nanargmax(self.validation_score)) + 1
        if best_epoch is not None:
            n_epochs = len(self.loss)
            if not integer(1).test(best_epoch) or best_epoch > n_epochs:
                raise ValueError(
                    f"`best_epoch` must be an epoch, from 1 to {n_epochs}, or None, got "
                    f"{shown(best_epoch)}."
                )
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator: BaseEstimator, *, ax: Ax = None, log: bool = False) -> Self:
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            One with `history_`, or with `loss_curve_`; or a Pipeline or a search that ends with
            one.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.
        log : bool, default=False
            Whether the axis of the losses is logarithmic.

        Returns
        -------
        display : LossCurveDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If the estimator has neither.
        """
        estimator = last_step(estimator)
        history = getattr(estimator, "history_", None)
        if history is None and hasattr(estimator, "loss_curve_"):
            history = {"loss": estimator.loss_curve_}
            if getattr(estimator, "validation_scores_", None) is not None:  # of scikit-learn
                history["validation_score"] = estimator.validation_scores_
        if history is None:
            raise ValueError(
                "`estimator` must be fitted, and have `history_` or `loss_curve_` (of an "
                f"RNNForecaster, pass one of its `estimators_`); got {shown(estimator)}."
            )
        return cls.from_history(history, ax=ax, log=log)

    @classmethod
    def from_history(
        cls, history: Mapping[str, ArrayLike], *, ax: Ax = None, log: bool = False
    ) -> Self:
        """Draw a training that was recorded.

        Parameters
        ----------
        history : dict of str to array-like of shape (n_epochs,)
            With "loss", and perhaps "validation_loss" and "validation_score", as in `history_` of
            an estimator.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.
        log : bool, default=False
            Whether the axis of the losses is logarithmic.

        Returns
        -------
        display : LossCurveDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If `history` has no losses.
        """
        if not hasattr(history, "keys") or "loss" not in history:
            raise ValueError(f"`history` must be a dict with the key 'loss', got {shown(history)}.")
        names = ("validation_loss", "validation_score")
        facts = {name: history[name] for name in names if name in history}
        return cls(history["loss"], **facts).plot(ax, log=log)

    def plot(self, ax: Ax = None, *, log: bool = False) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.
        log : bool, default=False
            Whether the axis of the losses is logarithmic.

        Returns
        -------
        display : LossCurveDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        (ax,), self.figure_ = axes_for("LossCurveDisplay", ax)
        self.ax_, self.score_ax_, self.lines_ = ax, None, {}
        epochs = np.arange(1, len(self.loss) + 1)
        marker = "o" if len(epochs) == 1 else None  # a line of one point is not seen
        style = {"marker": marker, "linewidth": 1.8}
        self._line(ax, "loss", epochs, "Training loss", color=blues()[0], **style)
        if self.validation_loss is not None:
            style["linestyle"] = "--"
            self._line(ax, "validation_loss", epochs, "Validation loss", color=RED, **style)
        if self.validation_score is not None:
            self.score_ax_ = ax.twinx()
            style["linestyle"] = ":"
            name = "Validation score"
            self._line(self.score_ax_, "validation_score", epochs, name, color=ORANGE, **style)
            self.score_ax_.set_ylabel("Score")
        handles = list(self.lines_.values())
        if self.best_epoch is not None:
            label = f"Best epoch: {self.best_epoch}"
            style = {"color": foreground(), "linewidth": 0.8, "alpha": 0.7}
            handles.append(ax.axvline(self.best_epoch, label=label, **style))
        ax.set(xlabel="Epoch", ylabel="Loss", yscale="log" if log else "linear")
        whole_numbers(ax)
        legend_above(ax, handles)
        return self

    def _line(self, ax, name, epochs, label, **style):
        (self.lines_[name],) = ax.plot(epochs, getattr(self, name), label=label, **style)


def _known(values, loss, name):
    """Return values as an array (n_epochs,), or None if nothing is known."""
    if values is None:
        return None
    values = as_floats(values, name, 1, allow_nan=True)
    check_length(values, len(loss), name, "loss")
    return None if np.isnan(values).all() else values
