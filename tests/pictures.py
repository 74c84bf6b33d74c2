"""Comparison of figures of matplotlib with stored pictures, in tests."""

import os
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data" / "pictures"
SHOWN = {"default": "light", "dark_background": "dark"}
DPI, BLOCK = 40, 6
# Of the deviation from an empty picture. Fonts and the layout of other versions of matplotlib
# differ; a missing line or band makes 0.5 and more of its picture.
TOLERANCE = 0.25


def new_figure(width=4.0, height=3.0):
    """Return a figure that pyplot does not know."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def coarse(figure):
    """Return a picture of a figure, as means of blocks (n_rows, n_columns, 3) from 0 to 1."""
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3] / 255
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
            figure = new_figure(width, height)
            draw(figure)
            path = FOLDER / f"{name}_{word}.png"
            picture = coarse(figure)
            if os.environ.get("NEW_PICTURES"):
                FOLDER.mkdir(exist_ok=True)
                figure.savefig(path, dpi=DPI, facecolor=figure.get_facecolor())
            stored = imread(path)[:, :, :3]
            n_rows, n_columns = picture.shape[:2]
            blocks = stored[: n_rows * BLOCK, : n_columns * BLOCK]
            blocks = blocks.reshape(n_rows, BLOCK, n_columns, BLOCK, 3).mean(axis=(1, 3))
            far = difference(picture, blocks)
            assert far < TOLERANCE, f"{path.name} differs by {far:.2f}"
