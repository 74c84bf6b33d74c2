"""GradientFlowDisplay: how the gradient of the loss shrinks or grows on its way back in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from ..._rules import shown
from ..._typing import ArrayLike, Ax, SequencesLike
from ..gradient_flow import GradientFlow, gradient_flow, judged
from .plotting import axes_for, colors_of, legend_above, whole_numbers
from .reading import as_floats

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class GradientFlowDisplay:
    """The norm of the gradient of the loss with respect to the states, by layer and step.

    Use `from_estimator` or `from_flow` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    norms : dict of str to array-like of shape (n_timesteps,)
        By layer and direction: the norm, k steps back from the output.
    verdict : str or None, default=None
        What the title says. None means the verdict of `gradient_flow` on these norms.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : dict of str to matplotlib Artist
        The line of each layer and direction.

    See Also
    --------
    gradient_flow : Returns the norms, and advice.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import GradientFlowDisplay
    >>> X = np.random.RandomState(0).normal(size=(50, 60, 1))
    >>> rnn = RNNRegressor((16, 16), random_state=0)
    >>> display = GradientFlowDisplay.from_estimator(rnn, X, X[:, 0, 0])
    >>> sorted(display.lines_)
    ['l0', 'l1']
    """

    # Set by `plot`.
    ax_: Axes
    figure_: Figure
    lines_: dict[str, Artist]

    def __init__(self, norms: Mapping[str, ArrayLike], *, verdict: str | None = None) -> None:
        if not hasattr(norms, "items") or not norms:
            raise ValueError(f"`norms` must be a dict with an entry, got {shown(norms)}.")
        self.norms = {
            name: as_floats(values, f"norms[{name!r}]", 1, allow_nan=True)
            for name, values in norms.items()
        }
        for name, values in self.norms.items():
            if not isinstance(name, str) or (values < 0).any():
                raise ValueError(
                    "`norms` must have strings as keys, and no negative values, got "
                    f"{shown(name)}: {shown(values)}."
                )
        self.verdict = judged(self.norms).verdict if verdict is None else verdict

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, X: SequencesLike, y: Any = None, *, ax: Ax = None
    ) -> Self:
        """Measure and draw the gradient flow of an estimator.

        Parameters
        ----------
        estimator : estimator
            The network, fitted or not, as in `gradient_flow`.
        X : sequences
            In any form that `fit` takes.
        y : array-like, default=None
            Targets, as in `gradient_flow`.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : GradientFlowDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        return cls.from_flow(gradient_flow(estimator, X, y), ax=ax)

    @classmethod
    def from_flow(cls, flow: GradientFlow, *, ax: Ax = None) -> Self:
        """Draw what `gradient_flow` has returned.

        Parameters
        ----------
        flow : GradientFlow
            The result.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : GradientFlowDisplay
            The display, already drawn.

        Raises
        ------
        TypeError
            If `flow` is not a GradientFlow.
        """
        if not isinstance(flow, GradientFlow):
            raise TypeError(f"`flow` must be a GradientFlow, got {type(flow).__name__}.")
        return cls(flow.norms, verdict=flow.verdict).plot(ax)

    def plot(self, ax: Ax = None) -> Self:
        """Draw a line for each layer and direction, on a logarithmic scale.

        Time runs to the right: the output is at the right end. Zeros are not drawn.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : GradientFlowDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        (ax,), self.figure_ = axes_for("GradientFlowDisplay", ax)
        layers = list(dict.fromkeys(name.removesuffix("_reverse") for name in self.norms))
        colors = dict(zip(layers, colors_of(len(layers)), strict=True))
        self.ax_, self.lines_ = ax, {}
        for name, values in self.norms.items():
            layer = name.removesuffix("_reverse")
            reverse = name != layer
            (self.lines_[name],) = ax.plot(
                np.where(values > 0, values, np.nan),
                label=_label(layer, reverse),
                color=colors[layer],
                linestyle="--" if reverse else "-",
                linewidth=1.8,
                marker="o" if len(values) == 1 else None,
            )
        ax.set(xlabel="Steps back from the output", ylabel="Norm of dL/dh", yscale="log")
        ax.invert_xaxis()
        whole_numbers(ax)
        legend_above(ax, list(self.lines_.values()))
        legend = ax.get_legend()  # whose title is above it, however many lines it has
        legend.set_title(f"Gradient flow: {self.verdict}")
        legend.set_alignment("left")
        return self


def _label(layer, reverse):
    """Return a name for a legend: "Layer 0, reverse"."""
    number = layer.removeprefix("l")
    name = f"Layer {number}" if number.isdigit() else layer
    return f"{name}, reverse" if reverse else name
