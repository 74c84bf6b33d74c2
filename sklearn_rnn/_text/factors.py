"""Factors: what is encoded of each token, such as the token itself or its suffix."""

from __future__ import annotations

import re

TOKEN, LOWER, SHAPE = "token", "lower", "shape"
_AFFIX = re.compile(r"(prefix|suffix)([1-9]\d?)")
ALLOWED = "'token', 'lower', 'shape', 'prefix' or 'suffix' with a length from 1 to 99, or callables"


def is_factor(factor):
    """Tell whether something names a factor, or may compute one."""
    if isinstance(factor, str):
        return factor in (TOKEN, LOWER, SHAPE) or _AFFIX.fullmatch(factor) is not None
    return callable(factor)


def name_of(factor):
    """Return the name of a factor."""
    return factor if isinstance(factor, str) else getattr(factor, "__name__", repr(factor))


def values_of(factor, tokens, lowercase):
    """List what a factor is for each of some tokens; those that it reads may be lowercased."""
    if factor == SHAPE:
        return [shape(token) for token in tokens]
    if lowercase or factor == LOWER:
        tokens = [token.lower() for token in tokens]
    if factor in (TOKEN, LOWER):
        return tokens
    if isinstance(factor, str):
        kind, n = _AFFIX.fullmatch(factor).groups()
        return [token[: int(n)] if kind == "prefix" else token[-int(n) :] for token in tokens]
    return [_checked(factor, factor(token)) for token in tokens]


def shape(token):
    """Return X for capitals, x for other letters, d for digits, each once for a run of them.

    Any other character stands for itself (Collins, 2002).
    """
    kinds = (
        "d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in token
    )
    result = ""
    for kind in kinds:
        if not result.endswith(kind):
            result += kind
    return result


def _checked(factor, value):
    if not isinstance(value, str):
        raise TypeError(
            f"`factors` must hold callables that return a str for a token, but {name_of(factor)} "
            f"returned {value!r}."
        )
    return value
