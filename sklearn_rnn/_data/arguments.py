"""The arguments of the user: their names in errors, and the advice that errors give."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np


class Argument(NamedTuple):
    """An argument, or an item of one; `str` returns its name."""

    name: str
    holds: str = "values"  # or "features", "targets", "weights", "classes", "series", "inputs"
    weights: str | None = None  # for targets: the argument with their weights
    whole: str | None = None  # for an item: the name of the argument that holds it

    def __str__(self):
        return self.name

    def item(self, i):
        """Return item i, which holds the same."""
        return Argument(f"{self.name}[{i}]", self.holds, self.weights, self.whole or self.name)

    @property
    def noun(self):
        """The noun for what it has for each step."""
        return "target" if self.holds == "targets" else "value"

    @property
    def hint_at_missing(self):
        """The advice about a missing value; for features it depends on the place of the value."""
        if self.holds == "weights":
            return "Use weight 0 for what must not count."
        if self.weights is None:
            return "Leave it out."
        return f"Leave it out, or give it `{self.weights}` 0."


X, X_VAL = Argument("X", "features"), Argument("X_val", "features")
Y, Y_TRUE, Y_PRED = (Argument(y, "targets", "sample_weight") for y in ("y", "y_true", "y_pred"))
Y_VAL = Argument("y_val", "targets", "sample_weight_val")
SAMPLE_WEIGHT = Argument("sample_weight", "weights")
SAMPLE_WEIGHT_VAL = Argument("sample_weight_val", "weights")
X_FUTURE = Argument("X_future", "features")
X_FUTURE_VAL = Argument("X_future_val", "features")
CLASSES = Argument("classes", "classes")

TRAINING = X, Y, SAMPLE_WEIGHT
VALIDATION = X_VAL, Y_VAL, SAMPLE_WEIGHT_VAL


@contextmanager
def naming(argument):
    """Make the errors of foreign checks name the argument; values that overflow become inf."""
    try:
        with np.errstate(over="ignore"):
            yield
    except (MemoryError, Warning):
        raise
    except Exception as error:  # foreign conversions may raise anything
        named = rf"\b{re.escape(str(argument))}(?!\w)"
        if isinstance(error, (TypeError, ValueError)) and re.search(named, str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"`{argument}` cannot be read: {error}") from error
