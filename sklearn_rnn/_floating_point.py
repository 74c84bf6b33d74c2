"""NumPy's floating-point settings: ours while our code runs, the caller's during callbacks.

Our own checks find values that are not finite, and numbers near the smallest one are not an error
here. Without this, `np.seterr(all="raise")` would raise FloatingPointError for both.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

import numpy as np

from ._typing import Decorated

_of_caller = ContextVar("_of_caller")


def floating_point_ignored(function: Decorated) -> Decorated:
    """Make a public function or method run without NumPy's floating-point errors and warnings."""

    @wraps(function)
    def quiet(*args, **kwargs):
        token = _of_caller.set(np.geterr())
        try:
            with np.errstate(all="ignore"):
                return function(*args, **kwargs)
        finally:
            _of_caller.reset(token)

    return quiet


@contextmanager
def floating_point_of_caller():
    """Run the caller's code, such as a callback, with the caller's settings."""
    with np.errstate(**_of_caller.get({})):
        yield
