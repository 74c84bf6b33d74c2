"""The arguments of generators and loaders."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from .._data.arguments import naming
from .._rules import integer, number, one_of


def positive(least=1, **counts):
    """Check arguments that count something."""
    for name, value in counts.items():
        integer(least).check(name, value)


def not_negative(**numbers):
    for name, value in numbers.items():
        number(0).check(name, value)


def random_numbers(random_state):
    """Return the source of the random numbers."""
    with naming("random_state"):
        return check_random_state(random_state)


def lengths_of(n_timesteps, n_samples, rng, least=1):
    """Draw numbers of steps (n_samples,); n_timesteps: one for all, or minimum and maximum."""
    bounds = n_timesteps if isinstance(n_timesteps, (tuple, list)) else (n_timesteps, n_timesteps)
    if len(bounds) != 2 or not all(map(integer(least).test, bounds)) or bounds[0] > bounds[1]:
        raise ValueError(
            f"`n_timesteps` must be an integer of at least {least}, or a tuple of the minimum and "
            f"the maximum number of steps; got {n_timesteps!r}."
        )
    return rng.randint(bounds[0], bounds[1] + 1, size=n_samples, dtype=np.int64)


def part_of(subset, train, test, name="subset"):
    """Return the lists of the training part, of the test part, or of both concatenated."""
    one_of(["train", "test", "all"]).check(name, subset)
    if subset == "all":
        return tuple(a + b for a, b in zip(train, test, strict=True))
    return train if subset == "train" else test
