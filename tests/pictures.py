"""Comparison of figures of matplotlib with stored pictures, in tests."""

import os
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data" / "pictures"
SHOWN = {"default": "light", "dark_background": "dark"}
DPI, BLOCK = 50, 2
# Of all that is drawn. Matplotlib 3.8 and 3.11 differ by up to 0.08, at the edges of images; a
# missing line makes 0.1 or more.
TOLERANCE = 0.09


def new_figure(width=4.0, height=3.0, layout="constrained"):
    """Return a figure that pyplot does not know."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout, dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def hide_text(figure):
    """Hide text and legends: fonts, and where they leave room, differ between versions."""
    from matplotlib.legend import Legend
    from matplotlib.text import Text

    for kind in (Legend, Text):
        for artist in figure.findobj(kind):
            artist.set_visible(False)


def coarse(pixels):
    """Return means of blocks (n_rows, n_columns, 3) of a picture."""
    n_rows, n_columns = (n // BLOCK for n in pixels.shape[:2])
    blocks = pixels[: n_rows * BLOCK, : n_columns * BLOCK]
    return blocks.reshape(n_rows, BLOCK, n_columns, BLOCK, 3).mean(axis=(1, 3))


def difference(picture, stored):
    """Return how much two pictures differ, in units of what is drawn in the stored one."""
    background = np.median(stored, axis=(0, 1))
    return np.abs(picture - stored).sum() / np.abs(stored - background).sum()


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
            figure.canvas.draw()
            picture = np.asarray(figure.canvas.buffer_rgba())[:, :, :3] / 255
            path = FOLDER / f"{name}_{word}.png"
            if os.environ.get("NEW_PICTURES"):
                FOLDER.mkdir(exist_ok=True)
                figure.savefig(path, dpi=DPI, facecolor=figure.get_facecolor())
            stored = imread(path)[:, :, :3]
            far = difference(coarse(picture), coarse(stored))
            assert far < TOLERANCE, f"{path.name} differs by {far:.2f}"
