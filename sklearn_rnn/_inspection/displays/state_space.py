"""StateSpaceDisplay: paths of a network through its states, or of its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA

from ..._converters.sequences import read_sequences
from ..._data.packed import Packed
from ..._estimators.transfer import model_of
from ..._rules import integer, one_of, shown
from ..._typing import ArrayLike, Ax, Integer, SequenceNotStr, SequencesLike
from ...forecasting import rollout
from .plotting import RED, axes_for, blues, foreground, legend_above
from .reading import as_floats, best_of, last_step, network_and_X, transform_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.quiver import Quiver

N_DIMENSIONS = (2, 3)


class _Field(NamedTuple):
    """Where one step of a network leads, from points of a plane: both (n_points, 2)."""

    points: np.ndarray
    arrows: np.ndarray


class StateSpaceDisplay:
    """Paths through a space of two or three dimensions: of states, or of predictions.

    It shows attractors, fixed points and oscillations of a network. In two dimensions, arrows show
    where one step of the network leads from states on a grid.

    Use `from_estimator` to make one. The constructor takes plain arrays.

    Parameters
    ----------
    trajectories : list of array-like of shape (n_timesteps_i, 2 or 3)
        The paths while the network reads the data.
    continuations : list of array-like of shape (n_steps_i, 2 or 3), default=None
        How each path goes on when the network reads its own predictions.
    field_points, field_arrows : array-like of shape (n_points, 2), default=None
        Points, and how far one step leads from each. Only in two dimensions.
    axis_labels : list of str, default=None
        What to call the axes.

    Attributes
    ----------
    n_dimensions : int
        2 or 3.
    ax_ : matplotlib Axes
        The axes, with ``projection="3d"`` in three dimensions.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Artist
        One line for each trajectory, and then one for each continuation.
    quiver_ : matplotlib Quiver or None
        The arrows.

    See Also
    --------
    HiddenStatesDisplay : All units of a layer over time, for one sequence.
    sklearn_rnn.forecasting.rollout : A regressor that reads its own predictions.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import StateSpaceDisplay
    >>> t = np.arange(60) * 0.3
    >>> X = np.stack([np.sin(t + phase) for phase in np.arange(20)])[:, :, np.newaxis]
    >>> rnn = RNNRegressor(8, mode="many_to_many", max_iter=10, random_state=0)
    >>> rnn = rnn.fit(X[:, :-1], X[:, 1:])
    >>> display = StateSpaceDisplay.from_estimator(rnn, X[:2, :20], n_steps=30)
    >>> [each.shape for each in display.continuations]
    [(30, 2), (30, 2)]
    """

    # `Any` stands for None.
    ax_: Axes
    figure_: Figure
    lines_: list[Artist]
    n_dimensions: int
    quiver_: Quiver | Any

    def __init__(
        self,
        trajectories: SequenceNotStr[ArrayLike],
        *,
        continuations: SequenceNotStr[ArrayLike] | None = None,
        field_points: ArrayLike | None = None,
        field_arrows: ArrayLike | None = None,
        axis_labels: SequenceNotStr[str] | None = None,
    ) -> None:
        if not np.iterable(trajectories):
            raise ValueError(f"`trajectories` must be a list of arrays, got {shown(trajectories)}.")
        self.trajectories = [as_floats(each, "trajectories", 2) for each in trajectories]
        continuations = [] if continuations is None else continuations
        self.continuations = [as_floats(each, "continuations", 2) for each in continuations]
        sizes = {each.shape[1] for each in (*self.trajectories, *self.continuations)}
        if len(sizes) != 1 or not sizes <= set(N_DIMENSIONS):
            raise ValueError(
                "`trajectories` must hold at least one array, and all arrays must have 2 columns, "
                f"or all 3; got {' and '.join(map(str, sorted(sizes)))} columns."
            )
        (self.n_dimensions,) = sizes
        if self.continuations and len(self.continuations) != len(self.trajectories):
            raise ValueError(
                f"`continuations` must have one array for each of the {len(self.trajectories)} "
                f"trajectories, got {len(self.continuations)}."
            )
        self.field_points, self.field_arrows = None, None
        if field_points is not None:
            self.field_points = as_floats(field_points, "field_points", 2)
            self.field_arrows = as_floats(field_arrows, "field_arrows", 2)
            shapes = self.field_points.shape, self.field_arrows.shape
            if shapes[0] != shapes[1] or shapes[0][1] != 2 or self.n_dimensions != 2:
                raise ValueError(
                    "`field_points` and `field_arrows` must both have shape (n_points, 2), and "
                    f"trajectories 2 columns; got shapes {shapes[0]} and {shapes[1]}, and "
                    f"{self.n_dimensions} columns."
                )
        labels = axis_labels or [f"Dimension {k + 1}" for k in range(self.n_dimensions)]
        self.axis_labels = [str(label) for label in labels]
        if len(self.axis_labels) != self.n_dimensions:
            raise ValueError(
                f"`axis_labels` must hold {self.n_dimensions} labels, got {len(self.axis_labels)}."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: SequencesLike,
        *,
        space: Literal["states", "data"] = "states",
        n_steps: Integer = 0,
        n_dimensions: Literal[2, 3] = 2,
        delay: Integer = 1,
        n_grid: Integer = 15,
        ax: Ax = None,
    ) -> Self:
        """Draw the paths of a network that reads sequences, and goes on by itself.

        Parameters
        ----------
        estimator : fitted estimator with `stream`, or Pipeline or search with one
            A network that goes on step by step.
        X : sequences
            What it reads, in any form that `fit` takes.
        space : {"states", "data"}, default="states"
            What to draw: all states of the network (of an LSTM with its cell states), projected on
            their first principal components; or the first features of X and their predictions. If
            X has too few features, values some steps ago stand for the others (delay embedding;
            Takens, 1981).
        n_steps : int, default=0
            How many steps a regressor goes on, reading its own predictions. It must predict all
            features of the next step.
        n_dimensions : {2, 3}, default=2
            Dimensions of the picture.
        delay : int, default=1
            Number of steps between the values of a delay embedding.
        n_grid : int, default=15
            Arrows per row and column of the grid, with ``space="states"`` in two dimensions; 0
            means none. The grid is on the plane of the components. The input that is read at each
            point is a linear function of its place, which is fitted to the inputs along the paths.
        ax : matplotlib Axes or None, default=None
            Where to draw. None means a new figure.

        Returns
        -------
        display : StateSpaceDisplay
            The display, already drawn.

        Raises
        ------
        ValueError
            If an argument is not as described, or if the network cannot go on step by step.

        References
        ----------
        .. [1] F. Takens, "Detecting strange attractors in turbulence", Lecture Notes in
           Mathematics 898, 1981.
        """
        one_of(["states", "data"]).check("space", space)
        integer(0).check("n_steps", n_steps)
        integer(1).check("delay", delay)
        integer(0).check("n_grid", n_grid)
        if not integer(2).test(n_dimensions) or n_dimensions not in N_DIMENSIONS:
            raise ValueError(f"`n_dimensions` must be 2 or 3, got {shown(n_dimensions)}.")
        rnn = last_step(estimator)
        model = model_of(rnn, "estimator")
        if not hasattr(rnn, "stream"):
            raise ValueError(f"`estimator` must have the method `stream`, got {shown(rnn)}.")
        if n_steps:
            _check_closes(rnn, model.network)
        if space == "data":
            facts = _paths_of_data(best_of(estimator), X, int(n_steps), n_dimensions, int(delay))
        else:
            # Codes of categories have no values between them, of which a grid could be made.
            gridded = n_dimensions == 2 and not model.categories.columns
            n_dimensions = int(n_dimensions)
            n_grid = int(n_grid) if gridded else 0
            facts = _paths_of_states(estimator, X, int(n_steps), n_dimensions, n_grid)
        return cls(**facts).plot(ax)

    def plot(self, ax: Ax = None) -> Self:
        """Draw the paths.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; with ``projection="3d"`` in three dimensions. None means a new figure.

        Returns
        -------
        display : StateSpaceDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `ax` does not fit.
        """
        projection = "3d" if self.n_dimensions == 3 else None
        (ax,), self.figure_ = axes_for("StateSpaceDisplay", ax, projection=projection)
        self.ax_, self.lines_, self.quiver_ = ax, [], None
        text = foreground()
        if self.field_points is not None:
            arrows = {"color": text, "alpha": 0.4, "width": 0.003, "angles": "xy", "zorder": 1}
            self.quiver_ = ax.quiver(*self.field_points.T, *self.field_arrows.T, **arrows)
        kinds = [(self.trajectories, blues()[0], "Reads data")]
        kinds += [(self.continuations, RED, "Reads its own predictions")]
        for paths, color, label in kinds:
            for path in paths:
                (line,) = ax.plot(*path.T, color=color, linewidth=1.3, label=label, alpha=0.85)
                self.lines_.append(line)
        begins = np.array([path[0] for path in self.trajectories])
        starts = ax.scatter(*begins.T, color=text, s=18, zorder=3, label="First step")
        handles = [self.lines_[0], starts]
        if self.continuations:
            handles.insert(1, self.lines_[-1])
        height = self.figure_.get_size_inches()[1] * ax.get_position().height
        for name, label in zip("xyz", self.axis_labels, strict=False):
            getattr(ax, f"set_{name}label")(label)
            if self.n_dimensions == 3:
                _unclutter(getattr(ax, f"{name}axis"), text, height)
        if self.n_dimensions == 3:
            ax.set_box_aspect(None, zoom=0.8)  # room for the labels
        legend_above(ax, handles, n_columns=2)
        return self


def _unclutter(axis, color, height):
    """Leave few ticks and a faint background on an axis of three; no numbers in a small picture."""
    from matplotlib.colors import to_rgba
    from matplotlib.ticker import MaxNLocator, NullFormatter

    is_small = height < 2.2  # inches
    axis.set_major_locator(MaxNLocator(4))
    if is_small:
        axis.set_major_formatter(NullFormatter())
    axis.set_tick_params(labelsize="x-small", pad=0)
    axis.label.set_fontsize("x-small" if is_small else "small")
    axis.labelpad = -13 if is_small else 0
    axis.set_pane_color(to_rgba(color, 0.05))
    axis.axes.grid(False)


# ---- paths --------------------------------------------------------------------------------------


def _check_closes(rnn, network):
    """Refuse a network whose predictions are not all that it reads next."""
    closes = network.per_step and network.n_outputs == network.n_features
    if rnn._HOLDS != "numbers" or not closes:
        raise ValueError(
            "`n_steps` must be 0 unless the estimator is a regressor with mode='many_to_many' that "
            "predicts all features of the next step."
        )


def _paths_of_data(estimator, X, n_steps, n_dimensions, delay):
    """Return trajectories and continuations of the first features, as a dict."""
    packed, _ = read_sequences(X)
    values = packed.values.reshape(packed.n_steps, -1).astype(np.float64)
    sequences = wholes = Packed(values, packed.offsets).cut()
    if n_steps:
        forecasts = rollout(estimator, X, n_steps).reshape(len(wholes), n_steps, -1)
        wholes = [np.concatenate(both) for both in zip(wholes, forecasts, strict=True)]
    n_features, lag = min(n_dimensions, wholes[0].shape[1]), 0
    if n_features < n_dimensions:
        lag = delay * (n_dimensions - 1)
    shortest = min(map(len, sequences))
    if shortest <= lag:
        raise ValueError(
            f"`X` must have more than {lag} steps per sequence for this `delay`, the shortest has "
            f"{shortest}."
        )
    if lag:
        lags = delay * np.arange(n_dimensions)
        wholes = [
            np.column_stack([x[lag - back : len(x) - back, 0] for back in lags]) for x in wholes
        ]
        labels = ["x(t)", *(f"x(t - {back})" for back in lags[1:])]
    else:
        wholes = [x[:, :n_features] for x in wholes]
        labels = [f"Feature {k}" for k in range(n_features)]
    return {**_halves(wholes, n_steps), "axis_labels": labels}


def _halves(wholes, n_steps):
    """Return paths without their last steps, and these, beginning where the others end."""
    if not n_steps:
        return {"trajectories": wholes}
    return {
        "trajectories": [path[:-n_steps] for path in wholes],
        "continuations": [path[-n_steps:] for path in wholes],
    }


def _paths_of_states(estimator, X, n_steps, n_dimensions, n_grid):
    """Return trajectories, continuations and field in the space of the states, as a dict."""
    rnn, X = network_and_X(estimator, X)
    sequences, transform = rnn._read_X(rnn._fitted_model(), X), transform_of(estimator)
    stream, paths, inputs = rnn.stream(), [], []

    def next_row(predicted):
        return np.reshape(transform(np.reshape(predicted, (1, 1, -1))), (1, -1))

    for x in sequences.cut():
        stream.reset()
        states, read = _walk(stream, x, n_steps, next_row)
        paths.append(states)
        inputs.append(read)
    everything = np.concatenate(paths)
    if min(everything.shape) < n_dimensions:
        raise ValueError(
            f"`n_dimensions` must be at most the number of units and of states, "
            f"{min(everything.shape)}, got {n_dimensions}."
        )
    pca = PCA(n_dimensions, svd_solver="full").fit(everything)
    wholes = [pca.transform(path) for path in paths]
    shares = pca.explained_variance_ratio_
    labels = [f"PC {k + 1} ({100 * share:.0f} %)" for k, share in enumerate(shares)]
    facts = {**_halves(wholes, n_steps), "axis_labels": labels}
    if n_grid and any(map(len, inputs)):
        field = _field(rnn, pca, wholes, inputs, n_grid)
        facts |= {"field_points": field.points, "field_arrows": field.arrows}
    return facts


def _walk(stream, x, n_steps, next_row):
    """Return the states after each step (n, n_units), and what is read next (n - 1, n_features)."""
    states, read, predicted = [], [], None
    for t in range(len(x) + n_steps):
        row = x[t : t + 1] if t < len(x) else next_row(predicted)
        predicted = stream.step(row)
        states.append(_as_row(stream.state))
        read.append(row[0])
    return np.concatenate(states), np.array(read[1:]).reshape(-1, x.shape[1])


def _as_row(state):
    """Return states (n_streams, n_units), all layers side by side."""
    return np.concatenate(list(state.values()), axis=1)


def _field(rnn, pca, wholes, inputs, n_grid):
    """Return where one step leads from the points of a grid on the plane of the components."""
    places = np.concatenate(wholes)
    low, high = places.min(axis=0), places.max(axis=0)
    margin = 0.1 * (high - low)
    lines = np.linspace(low - margin, high + margin, n_grid)
    points = np.stack(np.meshgrid(*lines.T), axis=-1).reshape(-1, 2)
    before = np.concatenate([path[:-1] for path in wholes])
    read = np.concatenate(inputs)
    weights = np.linalg.lstsq(_with_one(before), read, rcond=None)[0]
    x = np.clip(_with_one(points) @ weights, read.min(axis=0), read.max(axis=0))
    stream = rnn.stream(len(points))
    rows, state, first = pca.inverse_transform(points), {}, 0
    for name, values in stream.state.items():
        state[name] = rows[:, first : first + values.shape[1]]
        first += values.shape[1]
    stream.state = state
    stream.step(x)
    return _Field(points, pca.transform(_as_row(stream.state)) - points)


def _with_one(points):
    return np.column_stack([points, np.ones(len(points))])
