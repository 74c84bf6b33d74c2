"""Headings between the parameters of an estimator that has many of them, and a short signature."""

import inspect
import re

from sklearn_rnn._estimators.groups import HEADING

NAME = re.compile(rf"^(\s*)(\*\*)?{HEADING.pattern}(\*\*)?\s*$")
MOST_SHOWN = 12  # parameters of a signature


def set_headings(app, what, name, obj, options, lines):
    """Make the headings of a docstring, which numpydoc took for parameters, headings."""
    for i, line in enumerate(lines):
        if match := NAME.match(line):
            lines[i] = f"{match[1]}.. rubric:: {match['heading']}"
            if lines[i + 1].strip() == "..":  # in place of a description
                lines[i + 1] = ""


def shorten_signature(app, what, name, obj, options, signature, return_annotation):
    """Leave out the end of a signature that would fill a screen; the parameters are below it."""
    if what != "class" or len(parameters := inspect.signature(obj).parameters) <= MOST_SHOWN:
        return None
    shown = [p for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    shown = [f"{p.name}=..." for p in shown]
    return f"({', '.join(shown)}, *, ...)", return_annotation


def setup(app):
    app.connect("autodoc-process-docstring", set_headings, priority=900)
    app.connect("autodoc-process-signature", shorten_signature, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
