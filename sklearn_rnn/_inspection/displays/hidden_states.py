"""HiddenStatesDisplay: the states of a layer over time, and their path in a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from ..._rules import integer, one_of, shown
from ..._typing import Array, ArrayLike, AxOrAxes, Integer, SequencesLike, TextsLike
from .plotting import (
    HEAT,
    SIGNED_HEAT,
    axes_for,
    colors_of,
    foreground,
    label_ticks,
    whole_numbers,
)
from .reading import as_floats, check_length, network_and_X, one_of_sequences

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class HiddenStatesDisplay:
    """The states of a layer over the steps of a sequence: as heat, and as a path in a plane.

    The plane is that of the first two principal components of all given states. With clusters, the
    points of the path and a strip above the heat are coloured by the cluster of each state.

    Use `from_estimator` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    states : array-like of shape (n_timesteps, n_units)
        The states after each step of one sequence.
    background : array-like of shape (n_states, n_units), default=None
        More states, which the components and clusters are computed from, too, for example those of
        other sequences.
    n_clusters : int or None, default=None
        Number of clusters (k-means). None means no clusters.
    step_labels : array-like of shape (n_timesteps,), default=None
        What to call the steps, for example tokens. None means their numbers.

    Attributes
    ----------
    path : ndarray of shape (n_timesteps, 2)
        The states in the plane.
    explained_variance_ratio : ndarray of shape (2,)
        Shares of the variance of the two components.
    clusters : ndarray of shape (n_timesteps,) or None
        The number of the cluster of each state.
    axes_ : list of matplotlib Axes
        The axes of what `kind` asked for.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    StateSpaceDisplay : Paths of many sequences, and where the states would go from other places.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import HiddenStatesDisplay
    >>> X = np.random.RandomState(0).normal(size=(30, 9, 2))
    >>> rnn = RNNRegressor(8, max_iter=10, random_state=0).fit(X, X.sum(axis=(1, 2)))
    >>> display = HiddenStatesDisplay.from_estimator(rnn, X[:5], n_clusters=3)
    >>> display.states.shape, display.path.shape
    ((9, 8), (9, 2))
    """

    # `Any` stands for None.
    axes_: list[Axes]
    clusters: Array | Any
    explained_variance_ratio: Array
    figure_: Figure
    path: Array

    def __init__(
        self,
        states: ArrayLike,
        *,
        background: ArrayLike | None = None,
        n_clusters: Integer | None = None,
        step_labels: TextsLike | None = None,
    ) -> None:
        self.states = as_floats(states, "states", 2)
        n_timesteps, n_units = self.states.shape
        everything = self.states
        if background is not None:
            background = as_floats(background, "background", 2)
            if background.shape[1] != n_units:
                raise ValueError(
                    f"`background` must have {n_units} units like `states`, got "
                    f"{background.shape[1]}."
                )
            everything = np.concatenate([self.states, background])
        self.step_labels = None if step_labels is None else list(map(str, step_labels))
        check_length(self.step_labels, n_timesteps, "step_labels", "states")
        plane, self.explained_variance_ratio = _plane(everything)
        self.path, self.background = plane[:n_timesteps], plane[n_timesteps:]
        self.clusters = None
        if n_clusters is not None:
            if not integer(1).test(n_clusters) or n_clusters > len(everything):
                raise ValueError(
                    f"`n_clusters` must be from 1 to the number of states, {len(everything)}, or "
                    f"None, got {shown(n_clusters)}."
                )
            kmeans = KMeans(n_clusters, n_init=4, random_state=0).fit(everything)
            self.clusters = kmeans.labels_[:n_timesteps]
        self.n_clusters = n_clusters

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: SequencesLike,
        *,
        sequence: Integer = 0,
        layer: Integer = -1,
        n_clusters: Integer | None = None,
        step_labels: TextsLike | None = None,
        ax: AxOrAxes = None,
        kind: Literal["both", "heat", "path"] = "both",
    ) -> Self:
        """Draw the states of a layer when it reads one sequence.

        Parameters
        ----------
        estimator : fitted estimator with `hidden_states`, or Pipeline or search with one
            Its input layers must have no stride.
        X : sequences
            In any form that `fit` takes. The states of all are in the plane; the path is that of
            one of them.
        sequence : int, default=0
            Which of the sequences.
        layer : int, default=-1
            Which layer; negative numbers count from the last.
        n_clusters : int or None, default=None
            Number of clusters (k-means). None means no clusters.
        step_labels : array-like of shape (n_timesteps,), default=None
            What to call the steps, for example tokens. None means their numbers.
        ax : matplotlib Axes, or two of them, or None, default=None
            Where to draw: two axes with ``kind="both"``. None means a new figure.
        kind : {"both", "heat", "path"}, default="both"
            What to draw: states over time, their path in the plane, or both.

        Returns
        -------
        display : HiddenStatesDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        rnn, X = network_and_X(estimator, X)
        if not hasattr(rnn, "hidden_states"):
            raise ValueError(f"`estimator` must have the method `hidden_states`, got {shown(rnn)}.")
        states = rnn.hidden_states(X, layer=layer, return_sequences=True)
        one = one_of_sequences(states, sequence)
        others = [each for i, each in enumerate(states) if i != sequence % len(states)]
        background = np.concatenate(others) if others else None
        facts = {"n_clusters": n_clusters, "step_labels": step_labels}
        return cls(one, background=background, **facts).plot(ax, kind=kind)

    def plot(self, ax: AxOrAxes = None, *, kind: Literal["both", "heat", "path"] = "both") -> Self:
        """Draw the states.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them, or None, default=None
            Where to draw: two axes with ``kind="both"``. None means a new figure.
        kind : {"both", "heat", "path"}, default="both"
            What to draw: states over time, their path in the plane, or both.

        Returns
        -------
        display : HiddenStatesDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        one_of(["both", "heat", "path"]).check("kind", kind)
        both = kind == "both"
        size = (9.0, 3.8) if both else None
        self.axes_, self.figure_ = axes_for("HiddenStatesDisplay", ax, 1 + both, figsize=size)
        if kind != "path":
            self._draw_heat(self.axes_[0])
        if kind != "heat":
            self._draw_path(self.axes_[-1])
        return self

    def _draw_heat(self, ax):
        n_timesteps, n_units = self.states.shape
        bound = max(np.abs(self.states).max(), 1e-12)
        style = {"interpolation": "nearest", "aspect": "auto"}
        image = ax.imshow(self.states.T, cmap=SIGNED_HEAT, vmin=-bound, vmax=bound, **style)
        self.figure_.colorbar(image, ax=ax, label="State", pad=0.02)
        ax.set(xlabel="Step", ylabel="Unit")
        label_ticks(ax, "y", range(n_units))
        if self.clusters is not None:
            height = max(0.06 * n_units, 0.5)
            extent = (-0.5, n_timesteps - 0.5, -0.5 - 0.3 * height, -0.5 - 1.3 * height)
            colors = self._colors()[np.newaxis]
            ax.imshow(colors, extent=extent, **style)
            ax.set(xlim=(-0.5, n_timesteps - 0.5), ylim=(n_units - 0.5, -0.5 - 1.3 * height))
            ax.set_title(f"Strip: {self.n_clusters} clusters", fontsize="medium", loc="left")
        if self.step_labels is None:
            whole_numbers(ax)
        else:
            label_ticks(ax, "x", self.step_labels)

    def _draw_path(self, ax):
        shade = {"color": foreground(), "zorder": 1}
        ax.scatter(*self.background.T, s=4, alpha=0.12, linewidths=0, **shade)
        ax.plot(*self.path.T, linewidth=0.8, alpha=0.5, **shade)
        steps = np.arange(len(self.path))
        if self.clusters is None:
            points = ax.scatter(*self.path.T, c=steps, cmap=HEAT, s=22, zorder=2)
            self.figure_.colorbar(points, ax=ax, label="Step", pad=0.02)
        else:
            ax.scatter(*self.path.T, c=self._colors(), s=22, zorder=2)
        style = {"facecolors": "none", "edgecolors": foreground(), "s": 90, "zorder": 3}
        ax.scatter(*self.path[:1].T, **style)
        for k, share in enumerate(self.explained_variance_ratio):
            name = f"PC {k + 1} ({100 * share:.0f} %)"
            ax.set(**{"xlabel" if k == 0 else "ylabel": name})
        ax.set_title("Circle: first step", fontsize="medium", loc="left")
        ax.margins(0.08)

    def _colors(self):
        return colors_of(self.n_clusters)[self.clusters]


def _plane(states):
    """Return states (n, n_units) in the plane of their components (n, 2), and variance ratios."""
    n_components = min(2, *states.shape)
    plane, ratios = np.zeros((len(states), 2)), np.zeros(2)
    if np.ptp(states, axis=0).any():
        pca = PCA(n_components, svd_solver="full").fit(states)
        plane[:, :n_components] = pca.transform(states)
        ratios[:n_components] = pca.explained_variance_ratio_
    return plane, ratios
