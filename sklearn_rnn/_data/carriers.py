"""Recognition of the form (carrier) in which values come, and conversion of one object to an array.

Carriers: an array, or a list, tuple or object array with one sequence per item. NumPy only.
"""

from __future__ import annotations

import numpy as np

from .frames import (
    frame_of_labels,
    holds_integers,
    holds_lists,
    is_column,
    is_frame,
    read_column,
    read_frame,
)
from .values import (
    NO_COMMON_INTEGER,
    check_numeric,
    families_in_lists,
    numbers_of_objects,
    of_integers,
)

# What an object is


def is_ragged(X):
    """Tell whether X must be read one sequence per item; otherwise `np.asarray` reads it."""
    if not isinstance(X, (list, tuple)):
        is_object = getattr(getattr(X, "dtype", None), "kind", None) == "O" and X.ndim == 1
        if is_object and not holds_lists(X):
            return len(X) == 0 or any(length_of(item) is not None for item in X)
        return holds_lists(X)
    if len(X) == 0 or any(is_array(item) for item in X):
        return True
    widths = {length_of(item) for item in X}
    if len(widths) == 1 and None not in widths:  # rows of nested lists, if those agree as well
        widths = {length_of(step) for item in X for step in item}
    return len(widths) > 1


def length_of(item):
    """Return the number of entries of a sequence or array, None for a scalar (strings included)."""
    if isinstance(item, (str, bytes, dict, set)):
        return None
    try:
        return len(item)
    except (
        TypeError,
        OverflowError,
    ):  # numbers, 0-D arrays, and scipy's sparse containers, which have a shape
        return item.shape[0] if getattr(item, "shape", ()) else None


def is_array(item):
    """Tell whether an item is array-like with at least one axis, and not a plain list."""
    if type(item) is np.ndarray:
        return item.ndim > 0
    if isinstance(item, type):  # a class of arrays is none
        return False
    ndim = getattr(item, "ndim", None)
    return hasattr(item, "__array__") if ndim is None else ndim > 0


def is_sparse(item):
    """Tell whether an item is a sparse matrix or array of scipy."""
    return hasattr(item, "nnz") and hasattr(item, "toarray")


def refuse_records(item, argument):
    """Refuse tuples that are no sequences: those of a key and a frame, and named ones.

    Lists of a groupby object have the former; PyTorch's PackedSequence is one of the latter.
    """
    whole = argument.whole
    if whole and type(item) is tuple and [is_frame(part) for part in item] == [False, True]:
        raise TypeError(
            f"`{argument}` must be a sequence, got a tuple of a key and a frame, as a groupby "
            f"object yields them: give the frames, [frame for _, frame in {whole}]."
        )
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        raise TypeError(
            f"`{argument}` must hold one sequence per item, got the named tuple "
            f"{type(item).__name__} of {', '.join(item._fields)}: give a list of sequences. "
            "Convert a packed sequence to a padded one, and that to a list with "
            "sklearn_rnn.unpad(X, lengths)."
        )


def refuse_masked(item, argument):
    """Refuse masked entries, whose masks NumPy would drop."""
    if isinstance(item, np.ma.MaskedArray) and np.ma.is_masked(item):
        raise ValueError(
            f"`{argument}` must not have masked entries, but has {np.ma.count_masked(item)}: "
            "fill them, or leave those steps out."
        )


# Conversion


def as_array(item, argument):
    """Do as `np.asarray`, but refuse what it would misread."""
    if is_sparse(item):
        raise TypeError(
            f"`{argument}` must be dense, got a sparse {type(item).__name__}: use .toarray()."
        )
    refuse_masked(item, argument)
    if isinstance(item, (list, tuple)):
        refuse_records(item, argument)
        for part in item:
            for each in part if isinstance(part, (list, tuple)) else [part]:
                refuse_masked(each, argument)
    return _asarray(item, argument)


def _asarray(item, argument, dtype=None):
    try:
        return np.asarray(item, dtype=dtype)
    except (MemoryError, Warning):
        raise
    except Exception as error:  # a foreign `__array__` may raise anything
        raise ValueError(
            f"`{argument}` must be rectangular, with the same number of features at every step; "
            f"it cannot be read as one array ({error})."
        ) from error


def as_numbers(item, argument):
    """Return an array or array-like as real numbers; missing values are NaN."""
    array = numbers_or_others(item, argument)
    check_numeric(array.dtype, argument, array)
    return array


def numbers_or_others(item, argument):
    """Return an array of numbers, or unchanged if it holds others; frames must hold numbers."""
    if type(item) is np.ndarray and item.dtype.kind == "f":
        return item
    if is_frame(item):
        return read_frame(item, argument)
    if is_column(item) and not holds_lists(item):
        return read_column(item, argument)
    return numbers_of_objects(as_array(item, argument))


def as_labels(item, argument):
    """Return an array of labels that NumPy has not converted to another type."""
    if is_frame(item):
        return frame_of_labels(item, argument)
    if isinstance(item, (list, tuple)):
        families = families_in_lists(item)
        if len(families) > 1 or families & {"missing", "members of an enumeration"}:
            refuse_records(item, argument)
            return _asarray(item, argument, dtype=object)
        if any(label.endswith("\0") for label in item if isinstance(label, str)):
            raise ValueError(
                f"`{argument}` must not hold labels that end in a NUL character, which NumPy cuts "
                "off: choose other labels."
            )
        array = as_array(item, argument)
        if array.dtype.kind == "f" and of_integers(_asarray(item, argument, dtype=object)):
            raise ValueError(NO_COMMON_INTEGER.format(name=argument))
        return array
    array = as_array(item, argument)
    if array.dtype.kind == "f" and holds_integers(item):  # and NA, for which NumPy has no integer
        items = item.to_pylist() if hasattr(item, "to_pylist") else list(item)
        return as_labels(items, argument)
    return array


def float_dtype(dtypes):
    """Choose float32 if no dtype is wider, else float64; integers and bools become float64."""
    narrow = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in dtypes)
    return np.dtype(np.float32 if narrow else np.float64)
