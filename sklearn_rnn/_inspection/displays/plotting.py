"""What the displays share: axes of matplotlib, colours, and labels that do not overlap."""

from __future__ import annotations

import numpy as np

# Of Okabe and Ito (2008): people with any kind of colour blindness tell them apart.
BLUE, RED, GREEN, ORANGE, PURPLE, SKY = (
    *("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"),
)
COLORS = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY)
HEAT, SIGNED_HEAT = "cividis", "PuOr"


def matplotlib_for(owner):
    """Import and return matplotlib, or say how to install it."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            f"`{owner}` needs matplotlib, which is not installed: pip install 'sklearn-rnn[plot]'"
        ) from error
    return matplotlib


def axes_for(owner, ax, n_axes=1, projection=None, figsize=None):
    """Return the axes to draw on, a list, and their figure; new ones if `ax` is None."""
    matplotlib_for(owner)
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(
            *(1, n_axes),
            squeeze=False,
            figsize=figsize,
            layout="constrained",
            subplot_kw={"projection": projection},
        )
    axes = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(axes) != n_axes or not all(hasattr(each, "plot") for each in axes):
        raise ValueError(
            f"`ax` must be {'one Axes' if n_axes == 1 else f'{n_axes} Axes'} of matplotlib or "
            f"None, got {type(ax).__name__}."
        )
    if projection is not None and axes[0].name != projection:
        raise ValueError(f"`ax` must have projection={projection!r}, got {axes[0].name!r}.")
    return axes, axes[0].figure


def foreground():
    """Return the colour of text, which stands out from the background of any style."""
    from matplotlib import rcParams

    return rcParams["text.color"]


def blues():
    """Return a blue that stands out from the background of the style, and one that does less."""
    from matplotlib.colors import to_rgb

    is_dark = np.mean(to_rgb(foreground())) > 0.5
    return (SKY, BLUE) if is_dark else (BLUE, SKY)


def colors_of(n):
    """Return n colours (n, 4)."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba_array

    if n <= len(COLORS):
        strong, weak = blues()
        return to_rgba_array([strong, *COLORS[1:-1], weak][:n])
    return colormaps[HEAT](np.linspace(0.1, 0.95, n))


def legend_above(ax, handles, n_columns=2):
    """Put a legend above the axes, where it hides nothing; in fewer columns if it is too wide."""
    room = ax.figure.get_size_inches()[0] * 72 * (1 - ax.get_position().x0)
    width = max(0.83 * _font_size("x") * (0.5 * len(each.get_label()) + 3) for each in handles)
    n_columns = max(1, min(n_columns, len(handles), int(room / width)))
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=n_columns,
        frameon=False,
        fontsize="small",
        borderaxespad=0.2,
        columnspacing=1.2,
        handlelength=1.4,
    )


def label_ticks(ax, axis, labels, places=None):
    """Write labels at places, by default 0, 1, ...; as many as there is room for.

    axis: "x" or "y". Labels of x that are too wide stand upright.
    """
    from .tick_labels import LabelFormatter, RoomyLocator

    labels, size = [str(label) for label in labels], _font_size(axis)
    places = np.arange(len(labels)) if places is None else places
    extent = 1.3 * size
    if axis == "x":
        width = (max(map(len, labels), default=1) + 1) * 0.6 * size
        room = 72 * ax.figure.get_size_inches()[0] * ax.get_position().width
        if len(labels) * width > 0.65 * room:  # colour bars and labels of y will take some of it
            ax.tick_params("x", rotation=90)
        else:
            extent = width
    ticks = ax.xaxis if axis == "x" else ax.yaxis
    ticks.set_major_locator(RoomyLocator(places, extent))
    ticks.set_major_formatter(LabelFormatter(places, labels))


def _font_size(axis):
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=rcParams[f"{axis}tick.labelsize"]).get_size_in_points()


def whole_numbers(ax):
    """Let the ticks of x be whole numbers."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True))
