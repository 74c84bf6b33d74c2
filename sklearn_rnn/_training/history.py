"""The record of each epoch, over all fits that continue one another."""

from typing import NamedTuple

import numpy as np


class Epoch(NamedTuple):
    """The record of a complete epoch; None where a number is unknown. Losses are in units of y."""

    loss: float
    validation_loss: float | None = None
    validation_score: float | None = None
    learning_rate: float | None = None  # of the last update
    window_length: float | None = None


# The facts that are kept in lists beside the losses.
KEPT = Epoch._fields[1:]


def extend(columns, n_before, epochs):
    """Write the records of epochs into columns, a dict of lists, after the first `n_before` items.

    A number that no epoch has needs no column. A second call changes nothing.
    """
    for name in KEPT:
        facts = [getattr(epoch, name) for epoch in epochs]
        if name not in columns and all(fact is None for fact in facts):
            continue
        column = columns.setdefault(name, [])
        column.extend([np.nan] * (n_before - len(column)))
        column[n_before:] = [np.nan if fact is None else float(fact) for fact in facts]


def as_arrays(losses, columns):
    """Return a dict of arrays (n_epochs,), NaN where a number is unknown."""
    unknown = np.full(len(losses), np.nan)
    kept = {name: np.array(columns.get(name, unknown), dtype=np.float64) for name in KEPT}
    return {"loss": np.array(losses, dtype=np.float64), **kept}
