"""Categorical features of strings: the labels in frames and nested tables, and their numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import arguments
from .categories import NARROW_CODES, columns_of
from .frames import column_names, is_frame, labels_of, read_frame
from .items import first_frame
from .nested import NestedTable, labelled_columns
from .values import held, missing_in


def learn_labels(X, features, argument=arguments.X):
    """Return the columns of labels in X, and the labels of categorical ones.

    X: a list of frames, a `NestedTable`, or anything else, which has no labels. The labels are a
    dict from column indices to sorted arrays of distinct strings or numbers.
    """
    is_table = type(X) is NestedTable
    frame = first_frame(X) if isinstance(X, (list, tuple)) else None
    if features is None or not (is_table or frame is not None):
        return (), {}
    names = X.names_or_numbers if is_table else column_names(frame)
    labelled = labelled_columns(X)
    known = names if all(isinstance(name, str) for name in names) else None
    meant = columns_of(features, len(names), known, labelled)
    learned = {}
    for j in sorted(set(meant) & set(labelled)):
        try:
            learned[j] = np.array(np.unique(_all_labels(X, j, argument)).tolist())
        except TypeError:
            learned[j] = np.array([], dtype=object)
        if learned[j].dtype.kind not in "Uiuf":
            raise ValueError(
                "`categorical_features` must select columns of only strings or only integers, "
                f"but column {names[j]!r} of `{argument}` holds other values: convert it first."
            )
    return labelled, learned


def numbers_for_labels(X, labels, argument=arguments.X):
    """Return X with numbers in place of strings: a list of arrays, or a table.

    labels: what `learn_labels` has learned. A string becomes its number; a number stays.
    """
    if not labels:
        return X
    if type(X) is NestedTable:
        return _numbered_table(X, labels, argument)
    if not isinstance(X, (list, tuple)) or first_frame(X) is None:
        return X
    for i, item in enumerate(X):
        if not is_frame(item):
            raise ValueError(
                f"`{argument}` must be a list of frames only, because some of its categorical "
                f"features are strings, but `{argument.item(i)}` is of type {type(item).__name__}."
            )
    return [_numbered_frame(item, labels, argument.item(i)) for i, item in enumerate(X)]


def _all_labels(X, j, argument):
    """Return the labels in column j of all sequences."""
    if type(X) is NestedTable:
        return X.labels(j, argument)
    frames = ((i, item) for i, item in enumerate(X) if is_frame(item))
    return np.concatenate([_labels(item, j, argument.item(i)) for i, item in frames])


def _labels(frame, j, argument):
    """Return the labels in a column of a frame, none of which may be missing."""
    labels = labels_of(frame, j)
    missing = missing_in(labels) if labels.dtype.kind == "O" else labels != labels
    if missing.any():
        raise ValueError(
            "`categorical_features` must select columns without missing values, but column "
            f"{column_names(frame)[j]!r} of `{argument}` has one in row {int(np.argmax(missing))}: "
            "fill it first, for example with a category of its own."
        )
    return labels


def _numbered_table(table, labels, argument):
    columns, names = list(table.columns), table.names_or_numbers
    for j, known in labels.items():
        if j >= len(columns):
            return table  # another form, which is refused later
        columns[j] = _numbers(table.labels(j, argument), known, names[j], argument)
    return replace(table, columns=tuple(columns))


def _numbered_frame(frame, labels, argument):
    columns, names = {}, column_names(frame)
    for j, known in labels.items():
        if j >= len(names):
            return frame  # another form, which is refused later
        columns[j] = _numbers(_labels(frame, j, argument), known, names[j], argument)
    return read_frame(frame, argument, columns)


def _numbers(given, known, name, argument):
    """Return the numbers of labels in the column of that name; numbers stay."""
    if known.dtype.kind != "U":
        return given
    if held(given) != "strings":
        raise ValueError(
            f"`{argument}` must hold strings in column {name!r}, which is categorical, as in fit; "
            f"got {held(given)} ({given.dtype}): convert it as for fit."
        )
    numbers = {label: k for k, label in enumerate(known.tolist())}
    distinct, place = np.unique(given.astype(object).astype(str), return_inverse=True)
    rows = [numbers.get(label, len(known)) for label in distinct.tolist()]
    numbered = np.array(rows, dtype=np.float64)[place.reshape(-1)]
    return numbered.astype(np.float32) if len(known) < NARROW_CODES else numbered
