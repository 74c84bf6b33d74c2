"""A list, tuple or object array with one sequence per item, read into one buffer."""

from __future__ import annotations

import numpy as np

from .carriers import as_labels, float_dtype, numbers_or_others, refuse_records
from .frames import column_names, holds_lists, is_column, is_frame, rows_of_lists
from .packed import Packed, offsets_of
from .values import NO_COMMON_INTEGER, check_numeric, family


def pack_items(X, argument, *, numeric):
    """Copy items (n_timesteps_i,) or (n_timesteps_i, k) into one buffer, of floats if numeric."""
    items = _arrays_of(X, argument, numeric=numeric)
    _check_shapes(items, argument)
    _check_families(items, argument, numeric=numeric)
    lengths = np.fromiter(map(len, items), np.intp, len(items))
    return Packed(_joined(items, argument, numeric=numeric), offsets_of(lengths))


def as_list(X):
    """Return a list of the items of a list, tuple, array or column."""
    if type(X) is list:
        return X
    if isinstance(X, np.ndarray):
        return X.tolist()
    return list(rows_of_lists(X)) if is_column(X) else list(X)


def first_frame(items):
    """Return the first item that is a frame, or None."""
    return next((item for item in items if is_frame(item)), None)


def _arrays_of(X, argument, *, numeric):
    """List the items as plain ndarrays."""
    if holds_lists(X):
        X = rows_of_lists(X)
    if not isinstance(X, (list, tuple)) and getattr(X, "ndim", None) != 1:
        raise TypeError(
            f"`{argument}` must be a list, tuple or 1-D object array with one sequence per item; "
            f"got {type(X).__name__}."
        )
    refuse_records(X, argument)
    items = list(X)
    if not items:
        raise ValueError(f"`{argument}` must hold at least one sequence, but is empty.")
    if any(type(item) is not np.ndarray or item.dtype.kind == "O" for item in items):
        check_column_names(items, argument)
        read = numbers_or_others if numeric else as_labels
        try:
            items = [read(item, argument) for item in items]
        except Exception:  # names of items take time: make them only now, for the error
            items = [read(item, argument.item(i)) for i, item in enumerate(items)]
    return items


def check_column_names(items, argument):
    """Refuse frames whose column names, or their order, differ from those of the first one."""
    frame = first_frame(items)
    if frame is None:
        return
    columns = column_names(frame)
    for i, item in enumerate(items):
        if is_frame(item) and column_names(item) != columns:
            raise ValueError(
                f"`{argument}` must have the same columns in all frames, in the same order: the "
                f"first has {columns}, but `{argument.item(i)}` has {column_names(item)}."
            )


def _check_shapes(items, argument):
    """Check that items are all (n_timesteps_i,) or all (n_timesteps_i, k)."""
    ndims = {item.ndim for item in items}
    if not ndims <= {1, 2}:
        i = _first(items, lambda item: item.ndim not in (1, 2))
        what = f"has shape {items[i].shape}" if items[i].ndim else f"is {items[i].item()!r}"
        raise ValueError(
            f"`{argument}` must hold one sequence per item, (n_timesteps,) or "
            f"(n_timesteps, n_features), but `{argument.item(i)}` {what}."
        )
    if len(ndims) > 1:
        i = _first(items, lambda item: item.ndim != items[0].ndim)
        raise ValueError(
            f"`{argument}` must hold sequences of one kind: `{argument.item(0)}` is "
            f"{items[0].ndim}-D, but `{argument.item(i)}` is {items[i].ndim}-D."
        )
    if not all(map(len, items)):
        i = _first(items, lambda item: len(item) == 0)
        raise ValueError(
            f"`{argument}` must have at least 1 step in each sequence, but `{argument.item(i)}` "
            "has none."
        )
    if ndims == {2} and len({item.shape[1] for item in items}) > 1:
        _refuse_widths(items, argument)


def _refuse_widths(items, argument):
    """Raise the error about items (n_timesteps_i, k) of several k."""
    width = items[0].shape[1]
    i = _first(items, lambda item: item.shape[1] != width)
    what, swapped = "columns", ""
    if argument.holds == "features":
        what = "features"
        if len({len(item) for item in items}) == 1:
            swapped = (
                " If the axes are swapped, (n_features, n_timesteps), pass "
                f"[x.T for x in {argument}]."
            )
    raise ValueError(
        f"`{argument}` must have the same number of {what} in all sequences: `{argument.item(0)}` "
        f"has {width}, but `{argument.item(i)}` has {items[i].shape[1]}.{swapped}"
    )


def _check_families(items, argument, *, numeric):
    """Check that items hold numbers, or labels of one type."""
    families = {family(dtype) for dtype in {item.dtype for item in items}}
    if numeric and families != {"numbers"}:
        i = _first(items, lambda item: family(item.dtype) != "numbers")
        check_numeric(items[i].dtype, argument.item(i), items[i])
    if len(families - {"objects"}) > 1:  # objects are checked after all are concatenated
        first = family(items[_first(items, lambda item: item.dtype.kind != "O")].dtype)
        i = _first(items, lambda item: family(item.dtype) not in (first, "objects"))
        raise ValueError(
            f"`{argument}` must hold labels of one type: `{argument.item(0)}` holds {first}, "
            f"but `{argument.item(i)}` holds {family(items[i].dtype)}."
        )


def _joined(items, argument, *, numeric):
    """Concatenate, C-contiguous whatever the items' layout; labels keep their common dtype."""
    if not numeric:
        values = np.ascontiguousarray(np.concatenate(items))
        if values.dtype.kind == "f" and all(item.dtype.kind in "iu" for item in items):
            raise ValueError(NO_COMMON_INTEGER.format(name=argument))
        return values
    dtype = float_dtype({item.dtype for item in items})
    values = np.empty((sum(map(len, items)), *items[0].shape[1:]), dtype)
    with np.errstate(over="ignore"):  # `check_finite` reports it
        np.concatenate(items, out=values, casting="same_kind")
    return values


def _first(items, condition):
    return next(i for i, item in enumerate(items) if condition(item))
