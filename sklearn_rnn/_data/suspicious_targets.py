"""Checks for targets that `fit` can read but that probably mean something else, with advice.

Like those of suspicious.py, they are cheap and let pass what may well be meant.
"""

from __future__ import annotations

import numpy as np

from .tasks import Tasks

IGNORED = -100  # what PyTorch's losses ignore (`ignore_index`)


def findings_in_y(target, encoded, weights, *, per_step, several):
    """Return a list of sentences that say what looks wrong in the y of `fit` and what to do.

    target: what was learned from y. encoded: its targets by rows; weights (n_rows,) or None.
    per_step: whether a row is a step. several: whether a target is a sequence of classes.
    """
    if isinstance(target, Tasks):
        named = zip(target.names, target.targets, strict=True)
        parts = [(f"y[{name!r}]", task) for name, task in named if task.holds == "classes"]
    else:
        parts = [("y", target)] if target.holds == "classes" else []
    checks = []
    for name, part in parts:
        if part.loss == "multilabel":
            taught = encoded if weights is None else encoded[weights > 0]
            checks.append(_one_hot(name, taught, per_step))
        elif part.loss != "multioutput":
            checks.append(_ignored(name, part.classes, per_step, several))
            checks.append(None if several else _single(name, part.classes))
    return [sentence for sentence in checks if sentence is not None]


def _ignored(name, classes, per_step, several):
    """Find the class -100 besides classes from 0 on: steps without a label in PyTorch."""
    if classes.dtype.kind not in "if" or len(classes) < 2 or not per_step:
        return None
    if classes[0] != IGNORED or classes[1] < 0 or (classes != classes.astype(np.int64)).any():
        return None
    remedy = (
        "give these steps sample_weight 0: sample_weight=(y != -100), or for a list "
        "[tags != -100 for tags in y]"
    )
    if name != "y":  # a task, whose targets may be missing
        remedy = "put None in its place"
    if several:
        remedy = "leave them out: the sequences in `y` may differ in length"
    return (
        f"`{name}` holds -100 besides classes from 0 on. It is learned as a class. If it marks "
        f"steps without a label, as in PyTorch, {remedy}."
    )


def _single(name, classes):
    """Find y with one class, which any network predicts without learning."""
    if len(classes) != 1:
        return None
    return (
        f"`{name}` holds a single class, {classes.tolist()[0]!r}, so the network always predicts "
        "it and learns nothing: add sequences of another class."
    )


def _one_hot(name, rows, per_step):
    """Find rows (n_rows, n_columns) of 0 and 1 with exactly one 1 each: a class as a vector."""
    if len(rows) <= rows.shape[1] or (rows.sum(axis=1) != 1).any():
        return None
    what = "step" if per_step else "sequence"
    return (
        f"Each {what} in `{name}` has exactly one 1 in {rows.shape[1]} columns, and is read as "
        "several labels that may occur together (multilabel). If each has one class, pass "
        f"{name}.argmax(axis=-1){' of each sequence' if per_step else ''}."
    )
