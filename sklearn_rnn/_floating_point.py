"""NumPy's floating-point settings: ours while we work, the caller's while callbacks do.

Our own checks find what is not finite; numbers near the smallest one are no error to us. Someone
who has set `np.seterr(all="raise")` would otherwise hear of both.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

import numpy as np

_of_caller = ContextVar("_of_caller")


def floating_point_ignored(function):
    """Have a public function or method run without NumPy's floating-point errors and warnings."""

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
    """Run other people's code under the settings of whoever called us."""
    with np.errstate(**_of_caller.get({})):
        yield
