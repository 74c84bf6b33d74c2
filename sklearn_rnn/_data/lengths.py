"""The lengths of sequences, without reading their values."""

from __future__ import annotations

import numpy as np

from .._rules import shown
from . import arguments
from .carriers import length_of
from .frames import is_frame
from .nested import is_nested, read_nested


def lengths_of(X, argument=arguments.X):
    """Return the number of steps of each sequence of X (n_samples,); X may hold anything.

    In a str each letter is a step.
    """
    if is_nested(X):
        return np.diff(read_nested(X, argument).offsets)
    shape = getattr(X, "shape", ())
    if len(shape) >= 2 or is_frame(X):
        return np.full(shape[0], shape[1], dtype=np.intp)
    _check_sized(X, argument)
    lengths = [len(item) if isinstance(item, str) else length_of(item) for item in X]
    if None in lengths or len(lengths) == 0:
        what = f"`{argument}[{lengths.index(None)}]` has no length" if lengths else "it is empty"
        raise ValueError(f"`{argument}` must hold sequences, but {what}.")
    return np.array(lengths, dtype=np.intp)


def n_samples_of(X, argument=arguments.X):
    """Return the number of sequences of X, in any form."""
    shape = getattr(X, "shape", ())
    if len(shape) > 0:
        return int(shape[0])
    _check_sized(X, argument)
    return len(X)


def _check_sized(X, argument):
    """Refuse objects without a length, such as numbers and generators."""
    if length_of(X) is None:
        raise TypeError(
            f"`{argument}` must hold sequences, such as a list of them, got {shown(X)}."
        )
