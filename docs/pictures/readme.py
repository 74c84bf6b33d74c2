"""Draw the pictures of README.md, for light and dark pages: `python docs/pictures/readme.py`.

The code of the README is run as it stands there. Displays then draw what it has computed.
"""

import contextlib
import doctest
import io
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from sklearn_rnn.inspection import AttentionDisplay, ForecastDisplay, SequenceLabelDisplay

HERE = Path(__file__).parent
README = HERE.parents[1] / "README.md"
THEMES = {"light": "default", "dark": "dark_background"}
DPI, N_COLORS = 184, 256  # the README shows the pictures at half their width; a palette is small
NUMBER = "dreihundertzweiundvierzig"


def show_tags(of_readme, ax):
    tagger, X, y = (of_readme[name] for name in ("tagger", "X", "y"))
    SequenceLabelDisplay.from_estimator(tagger, X, y, sequence=81, ax=ax)


def show_demand(of_readme, ax):
    truth = of_readme["demand"][-48:]
    ForecastDisplay.from_estimator(of_readme["forecaster"], truth, n_past=96, ax=ax)
    ax.set(xlabel="Hour", ylabel="Demand")


def show_attention(of_readme, ax):
    letters = list(NUMBER)
    AttentionDisplay.from_estimator(of_readme["model"], [NUMBER], input_labels=letters, ax=ax)
    ax.set(xlabel="", ylabel="")
    ax.tick_params("x", rotation=0)


PICTURES = {
    "tags": (show_tags, 2.15),
    "demand": (show_demand, 1.9),
    "attention": (show_attention, 1.4),
}


def names_of(page):
    """Return a dict of what the code of a page defines."""
    examples = doctest.DocTestParser().get_examples(page.read_text())
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for example in examples:
            if doctest.SKIP not in example.options:
                exec(compile(example.source, str(page), "single"), names)
    return names


def draw(names, folder, themes=tuple(THEMES), pictures=PICTURES):
    """Write pictures to a folder, from a dict of what the page defines.

    `pictures` has for each name a function that draws on axes, and the height in inches.
    """
    for name, (show_on, height) in pictures.items():
        for theme in themes:
            with plt.style.context(["default", THEMES[theme]], after_reset=True):
                fig, ax = plt.subplots(figsize=(7.4, height), dpi=DPI, layout="constrained")
                show_on(names, ax)
                for axes in fig.axes:
                    axes.set_facecolor("none")
                fig.set_facecolor("none")
                fig.canvas.draw()
                picture = Image.fromarray(np.asarray(fig.canvas.buffer_rgba()))
                plt.close(fig)
                picture = picture.quantize(N_COLORS, Image.Quantize.FASTOCTREE)
                picture.save(Path(folder) / f"{name}_{theme}.png", optimize=True)


if __name__ == "__main__":
    draw(names_of(README), HERE)
