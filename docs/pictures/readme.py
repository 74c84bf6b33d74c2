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


PICTURES = {"tags": show_tags, "demand": show_demand, "attention": show_attention}
HEIGHTS = {"tags": 2.15, "demand": 1.9, "attention": 1.4}


def names_of_readme():
    """Return a dict of what the code of the README defines."""
    examples = doctest.DocTestParser().get_examples(README.read_text())
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for example in examples:
            exec(compile(example.source, str(README), "single"), names)
    return names


def draw(of_readme, folder, themes=tuple(THEMES)):
    """Write all pictures to a folder, from a dict of what the README defines."""
    for name, show_on in PICTURES.items():
        for theme in themes:
            with plt.style.context(["default", THEMES[theme]], after_reset=True):
                fig, ax = plt.subplots(figsize=(7.4, HEIGHTS[name]), dpi=DPI, layout="constrained")
                show_on(of_readme, ax)
                for axes in fig.axes:
                    axes.set_facecolor("none")
                fig.set_facecolor("none")
                fig.canvas.draw()
                picture = Image.fromarray(np.asarray(fig.canvas.buffer_rgba()))
                plt.close(fig)
                picture = picture.quantize(N_COLORS, Image.Quantize.FASTOCTREE)
                picture.save(Path(folder) / f"{name}_{theme}.png", optimize=True)


if __name__ == "__main__":
    draw(names_of_readme(), HERE)
