"""Texts, or lists of tokens, in any carrier -> lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from itertools import chain

import numpy as np

from .._data.carriers import is_array, is_sparse, refuse_masked
from .._data.frames import column_names, is_frame
from .._data.items import as_list
from .._data.values import family_of_type, is_missing


def read_documents(X, argument):
    """Return a list of texts, or of lists of tokens, and whether they are texts.

    X: a list, tuple, array or column of either str, or lists, tuples, arrays or columns of str.
    """
    _refuse_containers(X, argument)
    items = as_list(X)
    if not items:
        raise ValueError(f"`{argument}` must hold at least one text, but is empty.")
    if all(issubclass(kind, str) for kind in set(map(type, items))):
        return items, True
    for i, item in enumerate(items):
        if not (isinstance(item, str) or _is_list_of_tokens(item)):
            raise ValueError(
                f"`{argument}` must hold texts or lists of tokens, but `{argument.item(i)}` is "
                f"{_described(item)}{_advice(item)}."
            )
    for i, item in enumerate(items):
        if isinstance(item, str) != isinstance(items[0], str):
            raise ValueError(
                f"`{argument}` must hold only texts or only lists of tokens, but "
                f"`{argument.item(0)}` is {_described(items[0])}, and `{argument.item(i)}` is "
                f"{_described(item)}."
            )
    documents = [as_list(item) for item in items]
    _check_tokens(documents, argument)
    return documents, False


def _check_tokens(documents, argument):
    """Refuse lists of tokens that do not hold str alone."""
    kinds = set(map(type, chain.from_iterable(documents)))
    if all(issubclass(kind, str) for kind in kinds):
        return
    i, j, token = next(
        (i, j, token)
        for i, tokens in enumerate(documents)
        for j, token in enumerate(tokens)
        if not isinstance(token, str)
    )
    raise ValueError(
        f"`{argument}` must hold tokens of str, but `{argument.item(i)}[{j}]` is "
        f"{_described(token)}{_advice(token)}."
    )


def _refuse_containers(X, argument):
    """Refuse what is no sequence of texts."""
    if isinstance(X, (str, bytes)):
        raise TypeError(
            f"`{argument}` must be a list of texts, got one {type(X).__name__}: give [{argument}]."
        )
    if is_frame(X):
        raise TypeError(
            f"`{argument}` must be a list or one column of texts, got a {type(X).__name__}: give "
            f"its column of texts, such as {argument}[{next(iter(column_names(X)), 'name')!r}] (in "
            "a ColumnTransformer, its name as a str, not a list)."
        )
    if isinstance(X, (Iterator, Mapping, Set)):
        raise TypeError(
            f"`{argument}` must be a list of texts, got a {type(X).__name__}: give a list, such as "
            f"list({argument})."
        )
    if is_sparse(X):
        raise TypeError(f"`{argument}` must be a list of texts, got a {type(X).__name__}.")
    refuse_masked(X, argument)
    if isinstance(X, (list, tuple)):
        return
    shape = _shape(X)
    if len(shape) not in (1, 2):
        raise TypeError(
            f"`{argument}` must be a list, array or column of texts or of lists of tokens, got "
            f"{_described(X)}."
        )
    if len(shape) == 2 and shape[1] == 1:
        raise ValueError(
            f"`{argument}` must hold one text, or one list of tokens, per item, got an array of "
            f"shape {shape}: give its column, {argument}[:, 0]."
        )


def _is_list_of_tokens(item):
    return isinstance(item, (list, tuple)) or len(_shape(item)) == 1


def _shape(item):
    """Return the shape of an array or column, () for anything else."""
    if not is_array(item):
        return ()
    return item.shape if hasattr(item, "shape") else (len(item),)


def _described(item):
    """Describe an item of the wrong type, or one whose type differs from others."""
    if isinstance(item, str):
        return "a text"
    if is_missing(item):
        return f"missing ({item})"
    if isinstance(item, (bytes, bytearray)):
        return "bytes"
    if _is_list_of_tokens(item):
        return "a list"
    if is_array(item):
        return f"an array of shape {_shape(item)}"
    what = family_of_type(type(item))
    shown = repr(item)
    return f"{shown if len(shown) <= 40 else shown[:40] + '...'} ({what})"


def _advice(item):
    """Return what to do about an item that is no text and no list of tokens."""
    if is_missing(item):
        return ": fill it, for example with ''"
    if isinstance(item, (bytes, bytearray)):
        return ": decode it, for example with .decode('utf-8')"
    if isinstance(item, (int, float, np.number)):
        return ": convert it with str()"
    return ""
