"""What the pictures share: sizes in pixels of a page, colours, boxes, arrows and axes.

A picture is as wide as a page on a phone, and its text is as large as that of the page. It has no
background: the contrast of each colour is 4.2 on white and on the dark pages.
"""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Circle, FancyBboxPatch

HERE = Path(__file__).parent
WIDTH = 330  # pixels
PER_INCH = 96  # pixels of a page
BLUE, ORANGE, GREEN, GREY = "#1885a8", "#c1611c", "#4b8a2e", "#737c85"
SIZE = 12  # points: 16 pixels, as the text of the pages
SMALL = 10.5  # 14 pixels

plt.rcParams.update(
    {
        "font.size": SIZE,
        "mathtext.fontset": "dejavusans",
        "svg.hashsalt": "sklearn_rnn",  # a picture drawn again differs by few ids
        "axes.facecolor": "none",
        "axes.edgecolor": GREY,
        "axes.labelcolor": GREY,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": GREY,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.frameon": False,
        "legend.fontsize": SMALL,
        "legend.labelcolor": "linecolor",
    }
)


def canvas(height):
    """Return axes without lines whose coordinates are pixels, from the lower left corner."""
    fig = plt.figure(figsize=(WIDTH / PER_INCH, height / PER_INCH))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(0, height))
    ax.set_axis_off()
    return ax


def plot(height, n_rows=1, n_columns=1, **kwargs):
    """Return one or several axes for curves or bars."""
    size = (WIDTH / PER_INCH, height / PER_INCH)
    return plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", **kwargs)[1]


def word(ax, x, y, text, color=GREY, **kwargs):
    kwargs = {"ha": "center", "va": "center", "fontsize": SIZE, **kwargs}
    ax.text(x, y, text, color=color, **kwargs)


def box(ax, x, y, text, color=BLUE, width=48, height=34, filled=True, **kwargs):
    style = {"boxstyle": "round,pad=0,rounding_size=6", "ec": color, "lw": 1.5}
    style["fc"] = color if filled else "none"
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, **style))
    word(ax, x, y, text, "white" if filled else color, **kwargs)


def circle(ax, x, y, text, color=GREY, radius=12):
    ax.add_patch(Circle((x, y), radius, ec=color, fc="none", lw=1.5))
    word(ax, x, y, text, color)


def arrow(ax, start, end, color=GREY, **style):
    style = {"arrowstyle": "-|>", "color": color, "lw": 1.5, "shrinkA": 0, "shrinkB": 0, **style}
    ax.annotate("", end, start, arrowprops=style)


def line(ax, *points, color=GREY, **kwargs):
    ax.plot(*zip(*points, strict=True), **{"color": color, "lw": 1.5, **kwargs})


def save(ax, name):
    metadata = {"Date": None, "Creator": None}
    ax.figure.savefig(HERE / f"{name}.svg", transparent=True, metadata=metadata)
    plt.close(ax.figure)
