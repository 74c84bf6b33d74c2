"""What a value must be: a test of it, and the text that an error message quotes."""

from difflib import get_close_matches
from functools import partial
from math import inf, isfinite
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

# Integers and counts of bytes must stay below these powers of 2 in the core.
INTEGER_BITS, BYTE_BITS = 31, 62


# Names of other libraries -> names of this package.
SYNONYMS = {
    **dict.fromkeys(("mse", "l2", "mean_squared_error"), "squared_error"),
    **dict.fromkeys(("mae", "l1", "mean_absolute_error"), "absolute_error"),
    **dict.fromkeys(("pinball", "quantile_loss"), "quantile"),
    **dict.fromkeys(("ffill", "forward", "forward_fill", "locf", "previous", "pad"), "last"),
    **dict.fromkeys(("interpolate", "interpolation", "interp"), "linear"),
}


def no_hint(value):
    return ""


def hint_at_largest(value, bits=INTEGER_BITS):
    """Return the upper bound of integers if a value is above it, or ""."""
    is_integer = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    return f" It must be below 2**{bits}." if is_integer and value >= 2**bits else ""


class Allowed(NamedTuple):
    test: object  # value -> bool
    text: str  # ends the sentence "`name` must be ..."
    hint: object = no_hint  # wrong value -> a further sentence after a space, or ""

    def check(self, name, value):
        """Raise a ValueError that names what has a wrong value."""
        if not self.test(value):
            hint = self.hint(value)
            raise ValueError(f"`{name}` must be {self.text}, got {shown(value)}.{hint}")


def _is_number(value, kind=Real):
    plain = type(value) is int or (type(value) is float and kind is Real)  # quick for long lists
    if not plain and (not isinstance(value, kind) or isinstance(value, (bool, np.bool_))):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def is_real(value):
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def one_of(names):
    names = tuple(names)
    return Allowed(
        lambda value: isinstance(value, str) and value in names,
        "one of " + ", ".join(map(repr, names)),
        partial(did_you_mean, names=names),
    )


def did_you_mean(value, names):
    """Return a question with the name that is most similar to a wrong string, or ""."""
    if not isinstance(value, str):
        return ""
    word = value.lower().replace("-", "_").replace(" ", "_")
    near = [SYNONYMS.get(word, word), *get_close_matches(word, names, n=1, cutoff=0.75)]
    found = next((name for name in near if name in names), None)
    return "" if found is None else f" Did you mean {found!r}?"


def integer(low, bits=INTEGER_BITS):
    return Allowed(
        lambda value: _is_number(value, Integral) and low <= value < 2**bits,
        f"an integer of at least {low}",
        partial(hint_at_largest, bits=bits),
    )


def number(low=-inf, high=inf, *, open_low=False, closed_high=False):
    """Allow low <= value < high; `open_low` refuses low itself, `closed_high` allows high."""
    bounds = [f"{'above' if open_low else 'of at least'} {low:g}"] if low > -inf else []
    bounds += [f"{'at most' if closed_high else 'below'} {high:g}"] if high < inf else []

    def test(value):
        if not _is_number(value):
            return False
        value = float(value)  # the core computes with floats
        is_above = value > low or (value == low and not open_low)
        return is_above and (value < high or (value == high and closed_high))

    return Allowed(test, " ".join(["a number", " and ".join(bounds)]).strip())


def either(value, rule):
    """Allow one more value."""
    return Allowed(
        lambda v: (
            (v is value if value is None else isinstance(v, str) and v == value) or rule.test(v)
        ),
        f"{value!r}{',' if ' or ' in rule.text else ' or'} {rule.text}",
        rule.hint,
    )


boolean = Allowed(lambda value: isinstance(value, (bool, np.bool_)), "True or False")


def shown(value):
    """Return the repr of a value, or its type.

    Integers beyond 4300 digits have no repr, nor have estimators that are parameters of each other.
    """
    try:
        return repr(value)
    except (ValueError, RecursionError):
        return f"an unprintable {type(value).__name__}"
