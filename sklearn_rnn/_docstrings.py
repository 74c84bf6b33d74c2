"""Docstrings with parts that several functions share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ._typing import Decorated


def with_parts(parts: Mapping[str, str]) -> Callable[[Decorated], Decorated]:
    """Return a decorator that fills the docstring of a function, or of a class and its methods.

    A line ``{name}`` of a docstring stands for the text parts[name].
    """

    def decorate(documented):
        members = vars(documented).values() if isinstance(documented, type) else ()
        # What `available_if` makes of a method is not callable, but wraps it.
        methods = (m if callable(m) else getattr(m, "__wrapped__", m) for m in members)
        for each in (documented, *filter(callable, methods)):
            doc = getattr(each, "__doc__", None)
            if isinstance(doc, str) and "{" in doc:
                each.__doc__ = _filled(doc, parts)
        return documented

    return decorate


def _filled(doc, parts):
    """Replace the lines that stand for a part, with their indentation."""

    def part(line):
        lines = parts[line[2]].strip("\n").split("\n")
        return "\n".join(f"{line[1]}{text}" if text else text for text in lines)

    return re.sub(r"^( *)\{(\w+)\}$", part, doc, flags=re.MULTILINE)
