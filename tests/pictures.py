"""Comparison of figures of matplotlib with stored pictures, in tests."""

import os
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data" / "pictures"
SHOWN = {"default": "light", "dark_background": "dark"}
DPI = 50
# Between versions of matplotlib, edges of images move by a pixel. Colours of 0 to 1 that differ by
# less than CHANGE are the same.
REACH, CHANGE = 2, 0.1
# Number of pixels. Matplotlib 3.8 and 3.11 differ by 0; without its smallest part, the marker of
# the first step, a picture differs by 12.
TOLERANCE = 3


def new_figure(width=4.0, height=3.0, layout="constrained"):
    """Return a figure that pyplot does not know."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout, dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def hide_text(figure):
    """Hide text, legends and frames: fonts, and where they leave room, differ between versions."""
    from matplotlib.legend import Legend
    from matplotlib.spines import Spine
    from matplotlib.text import Text

    for kind in (Legend, Spine, Text):
        for artist in figure.findobj(kind):
            artist.set_visible(False)


def difference(picture, stored):
    """Return how many pixels of either picture have a colour that the other has nowhere near."""
    far = np.maximum(_distances(picture, stored), _distances(stored, picture))
    return int((far > CHANGE).sum())


def _distances(picture, other):
    """Return for each pixel of a picture how far its colour is from the nearest one around it."""
    n_rows, n_columns = picture.shape[:2]
    padded = np.pad(other, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    least = np.full((n_rows, n_columns), np.inf)
    for i, j in np.ndindex(2 * REACH + 1, 2 * REACH + 1):
        moved = padded[i : i + n_rows, j : j + n_columns]
        np.minimum(least, np.abs(picture - moved).max(axis=2), out=least)
    return least


def pixels_of(figure):
    """Draw a figure and return its colours (n_rows, n_columns, 3)."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[:, :, :3] / 255


def compare(draw, name, width=4.0, height=3.0):
    """Hold what draw(figure) draws against the stored pictures, light and dark.

    With the environment variable NEW_PICTURES=1, they are stored: then look at them.
    """
    from matplotlib import style
    from matplotlib.image import imread

    for theme, word in SHOWN.items():
        with style.context(["default", theme], after_reset=True):
            figure = new_figure(width, height, layout=None)
            draw(figure)
            hide_text(figure)
            picture = pixels_of(figure)
            path = FOLDER / f"{name}_{word}.png"
            if os.environ.get("NEW_PICTURES"):
                FOLDER.mkdir(exist_ok=True)
                figure.savefig(path, dpi=DPI, facecolor=figure.get_facecolor())
            stored = imread(path)[:, :, :3]
            far = difference(picture, stored)
            assert far <= TOLERANCE, f"{path.name} differs in {far} pixels"
