"""The same sequences in every layout of memory and in every carrier, for hypothesis."""

import tempfile

import numpy as np
import pandas as pd
import pytest

from sklearn_rnn.preprocessing import to_nested

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

N_COLUMNS = 4  # of 2-D arrays and frames


def strided(array):
    wide = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    wide[::2] = array
    return wide[::2]


def reversed_in_memory(array):
    flip = (slice(None, None, -1),) * array.ndim
    return np.ascontiguousarray(array[flip])[flip]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def memory_mapped(array):
    if array.size == 0 or array.dtype == object:
        return array
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    return mapped


def unaligned(array):
    if array.dtype == object:
        return array
    buffer = np.empty(array.nbytes + 1, np.uint8)[1:]
    result = buffer.view(array.dtype).reshape(array.shape)
    result[...] = array
    return result


def other_byte_order(array):
    return array.astype(array.dtype.newbyteorder())


LAYOUTS = [
    np.ascontiguousarray,
    np.asfortranarray,
    strided,
    reversed_in_memory,
    read_only,
    memory_mapped,
    unaligned,
    other_byte_order,
]


def objects(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def lists(items):
    return [np.asarray(item).tolist() for item in items]


def frame_or_series(array):
    return pd.DataFrame(array) if np.ndim(array) == 2 else pd.Series(array)


def frames(items):
    return list(map(frame_or_series, items))


def plain(array):
    """Return numbers as float64 in the usual layout, of which all libraries know; else None."""
    array = np.asarray(array)
    return array.astype(np.float64) if array.dtype.kind in "biuf" else None


def of_polars(items):
    if any(plain(item) is None for item in items):
        return list(items)
    return [(pl.DataFrame if np.ndim(x) == 2 else pl.Series)(plain(x)) for x in items]


def table(array):
    return pa.table({f"column_{j}": column for j, column in enumerate(plain(array).T)})


def of_arrow(items):
    if any(plain(item) is None for item in items):
        return list(items)
    return [table(item) if np.ndim(item) == 2 else pa.array(plain(item)) for item in items]


def nullable(items):
    """Return frames or Series of pandas with dtypes that may be missing."""
    items = [item.astype(item.dtype.newbyteorder("=")) for item in map(np.asarray, items)]
    return [item.convert_dtypes() for item in frames(items)]


def in_one_column(items):
    """Return a column of lists."""
    if any(plain(item) is None for item in items):
        return pd.Series(objects(items))
    return pl.Series([plain(item).tolist() for item in items])


ONE_BY_ONE = [
    list,
    tuple,
    objects,
    frames,
    lambda items: objects(lists(items)),
    lambda items: pd.Series(objects(items)),
    of_polars,
    of_arrow,
    nullable,
    in_one_column,
]


def cells(items):
    """Return a 2-D array of objects with the steps of one feature in each cell."""
    array = np.empty((len(items), items[0].shape[1]), dtype=object)
    for i, item in enumerate(items):
        for j in range(item.shape[1]):
            array[i, j] = item[:, j]
    return array


def columns_of_lists(items):
    return {
        f"column_{j}": [plain(item)[:, j].tolist() for item in items]
        for j in range(items[0].shape[1])
    }


# Tables with a sequence in each cell, of sequences (n_timesteps_i, n_features).
NESTED = [
    cells,
    lambda items: pd.DataFrame(cells(items)),
    lambda items: pd.DataFrame(columns_of_lists(items)),
    lambda items: pl.DataFrame(columns_of_lists(items)),
    lambda items: pa.table(columns_of_lists(items)),
    lambda items: to_nested(items, list(columns_of_lists(items))),
]


def carriers(items, two_d):
    """List what may carry sequences (n_timesteps, ...) whose kind is 2-D, or not.

    `NESTED` tables, which carry X alone, are not among them.
    """
    if two_d:
        of_frames = [pd.DataFrame, lambda X: pl.DataFrame(plain(X)), table]
        return [np.stack, lists, *(lambda items, f=f: f(np.stack(items)) for f in of_frames)]
    even = len({len(item) for item in items}) == 1
    if items[0].ndim == 1:  # in an array, or lists of equal length, these would be of the 2-D kind
        return ONE_BY_ONE if even else [*ONE_BY_ONE, lists]
    return [*ONE_BY_ONE, lists, np.stack] if even else [*ONE_BY_ONE, lists]
