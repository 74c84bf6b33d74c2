"""States kept from one call to the next: as dicts for users, as rows of numbers for the core."""

from collections.abc import Mapping

import numpy as np

from .._data.arguments import Argument
from .._data.carriers import as_numbers


def as_dict(layout, rows):
    """Return rows (n_samples, n_columns) as a dict {name: (n_samples, n)}."""
    return {name: rows[:, first : first + n].copy() for name, first, n in layout}


def as_rows(layout, state, n_samples, dtype, argument):
    """Check the dict of a user, and return it as rows (n_samples, n_columns)."""
    if not isinstance(state, Mapping):
        raise TypeError(
            f"`{argument}` must be a dict of arrays of these shapes: {_shapes(layout, n_samples)}; "
            f"got {type(state).__name__}."
        )
    names = {name for name, _, _ in layout}
    if set(state) != names:
        raise ValueError(
            f"`{argument}` must have the keys {sorted(names)}: missing "
            f"{sorted(names - set(state))}, unknown {sorted(set(state) - names, key=str)}."
        )
    rows = np.empty((n_samples, sum(n for _, _, n in layout)), dtype=dtype)
    for name, first, n in layout:
        value = as_numbers(state[name], Argument(f"{argument}[{name!r}]"))
        if value.shape != (n_samples, n):
            raise ValueError(
                f"`{argument}[{name!r}]` must have shape {(n_samples, n)}, got {value.shape}."
            )
        with np.errstate(over="ignore"):
            rows[:, first : first + n] = value
        if not np.isfinite(rows[:, first : first + n]).all():
            raise ValueError(f"`{argument}[{name!r}]` must be finite in {dtype}.")
    return rows


def _shapes(layout, n_samples):
    return ", ".join(f"{name!r} {(n_samples, n)}" for name, _, n in layout)
