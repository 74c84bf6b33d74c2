"""Functions shared by the transformers that read earlier steps."""

from __future__ import annotations

import numpy as np

from .. import _rules as rules

NUMBER = rules.Allowed(
    lambda value: rules.number().test(value) or (rules.is_real(value) and value != value),
    "a number or NaN",
)


def positions_in(offsets):
    """Return the number of each row (n_steps,) within its sequence, from 0."""
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))


def fill(values, where, number):
    """Set rows of values (n_steps, n_features) to the number."""
    if np.isinf(values.dtype.type(number)):
        raise ValueError(f"`fill_value` must fit {values.dtype}, the dtype of `X`, got {number!r}.")
    values[where] = number


def check_no_overflow(values):
    if np.isinf(values).any():
        raise ValueError(f"`X` must hold smaller numbers: the result overflows {values.dtype}.")
