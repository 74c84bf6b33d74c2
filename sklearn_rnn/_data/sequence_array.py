"""A column of a pandas frame with one sequence in each cell, kept in one flat array.

Several tools of scikit-learn convert object columns to float64, which fails for sequences. They do
not convert columns whose dtype is not one of NumPy's. This module imports pandas; it is itself
imported only where a pandas frame is made.
"""

from __future__ import annotations

import re

import numpy as np
from pandas import isna
from pandas.api.extensions import ExtensionArray, ExtensionDtype, register_extension_dtype, take
from pandas.api.indexers import check_array_indexer

from .cells import Cell
from .packed import Packed, offsets_of
from .values import family


@register_extension_dtype
class SequenceDtype(ExtensionDtype):
    """The dtype of columns of sequences; `steps` is the NumPy dtype of their steps."""

    type = np.ndarray
    na_value = None
    _metadata = ("steps",)

    def __init__(self, steps="float64"):
        self.steps = np.dtype(steps)

    def __repr__(self):
        return self.name

    @property
    def name(self):
        return f"sequence[{self.steps}]"

    @classmethod
    def construct_array_type(cls):
        return SequenceArray

    @classmethod
    def construct_from_string(cls, string):
        found = re.fullmatch(r"sequence\[(.+)\]", string) if isinstance(string, str) else None
        if found is None:
            raise TypeError(f"Cannot construct a SequenceDtype from {string!r}.")
        return cls(found[1])

    def _get_common_dtype(self, dtypes):
        if not all(isinstance(dtype, SequenceDtype) for dtype in dtypes):
            return None
        if len({family(dtype.steps) for dtype in dtypes}) > 1:
            return None  # NumPy would write numbers as strings
        return SequenceDtype(np.result_type(*(dtype.steps for dtype in dtypes)))

    def __from_arrow__(self, array):
        array = array.combine_chunks() if hasattr(array, "combine_chunks") else array
        lengths = np.asarray(array.value_lengths().fill_null(0))
        return SequenceArray(Packed(_cast(np.asarray(array.flatten()), self), offsets_of(lengths)))


def _refusing(what):
    """Return a method that raises an error: pandas would compare arrays by identity, or fail."""

    def method(self, *args, **kwargs):
        raise TypeError(
            f"Columns of sequences cannot be {what}, because their cells are arrays. Use another "
            "column, such as an id, or convert cells to tuples with column.map(tuple)."
        )

    return method


class SequenceArray(ExtensionArray):
    """Sequences of any lengths; a sequence without steps counts as missing."""

    def __init__(self, packed):
        self.packed = packed  # values (n_steps,)

    @classmethod
    def _from_sequence(cls, scalars, *, dtype=None, copy=False):
        if isinstance(scalars, cls):
            return scalars.astype(dtype or scalars.dtype, copy=copy)
        cells = [np.empty(0) if _is_missing(cell) else np.asarray(cell) for cell in scalars]
        for cell in cells:
            if cell.ndim != 1:
                raise ValueError(
                    "A column of sequences must have one 1-D array in each cell, got "
                    + (f"one of shape {cell.shape}." if cell.ndim else f"{cell.item()!r}.")
                )
        given = [cell for cell in cells if len(cell)] or cells or [np.empty(0)]
        values = np.concatenate(given)
        if dtype is not None:
            values = _cast(values, cls._dtype_named(dtype))
        return cls(Packed(values, offsets_of([len(cell) for cell in cells])))

    @classmethod
    def _from_scalars(cls, scalars, *, dtype):
        # These are results of a function of each cell: numbers and tuples are kept, and arrays may
        # have another dtype.
        if not any(isinstance(cell, np.ndarray) and cell.ndim == 1 for cell in scalars):
            raise ValueError("No cell holds an array.")
        return cls._from_sequence(scalars)

    @classmethod
    def _concat_same_type(cls, arrays):
        values = np.concatenate([each.packed.values for each in arrays])
        return cls(Packed(values, offsets_of(np.concatenate([each._lengths for each in arrays]))))

    @property
    def dtype(self):
        return SequenceDtype(self.packed.values.dtype)

    @property
    def nbytes(self):
        return self.packed.values.nbytes + self.packed.offsets.nbytes

    @property
    def _lengths(self):
        return self.packed.lengths

    def __len__(self):
        return self.packed.n_samples

    def __getitem__(self, key):
        key = check_array_indexer(self, key)
        if isinstance(key, (int, np.integer)):
            i = range(len(self))[key]
            start, stop = self.packed.offsets[i : i + 2]
            return self.packed.values[start:stop].view(Cell) if start < stop else None
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:  # a view
                offsets = self.packed.offsets[start : max(start, stop) + 1]
                values = self.packed.values[offsets[0] : offsets[-1]]
                return SequenceArray(Packed(values, offsets - offsets[0]))
            key = np.arange(len(self))[key]
        return SequenceArray(self.packed.take(np.asarray(key)))

    def __setitem__(self, key, value):
        cells = np.asarray(self)
        key = check_array_indexer(self, key)
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.reshape(1)  # `at` of pandas removes the axis of a single step
        rows = np.atleast_1d(np.arange(len(self))[key])
        one = isinstance(key, (int, np.integer)) or _is_one_cell(value)
        values = [value] * len(rows) if one else list(value)
        if len(values) != len(rows):
            raise ValueError(
                f"To set cells of a column of sequences, pass one sequence, or one for each of the "
                f"{len(rows)} rows; got {len(values)}."
            )
        for i, cell in zip(rows, values, strict=True):
            cells[i] = cell
        self.packed = self._from_sequence(cells, dtype=self.dtype).packed

    def __array__(self, dtype=None, copy=None):
        cells = np.empty(len(self), dtype=object)
        for i, cell in enumerate(self):
            cells[i] = cell
        return cells if dtype is None else cells.astype(dtype)

    def __arrow_array__(self, type=None):
        import pyarrow

        missing = self.isna()
        offsets = pyarrow.array(
            self.packed.offsets.astype(np.int64),
            mask=np.append(missing, False) if missing.any() else None,
        )
        result = pyarrow.LargeListArray.from_arrays(offsets, pyarrow.array(self.packed.values))
        return result if type is None else result.cast(type)

    def __eq__(self, other):
        if type(other).__name__ in ("Series", "DataFrame", "Index"):
            return NotImplemented
        cells = [other] * len(self)
        dtype = getattr(other, "dtype", None)
        if isinstance(other, (SequenceArray, list)) or dtype == np.dtype(object):
            cells = list(other)
        pairs = zip(self, cells, strict=True)
        return np.array([a is not None and np.array_equal(a, b) for a, b in pairs], dtype=bool)

    def equals(self, other):
        if type(other) is not SequenceArray or other.dtype != self.dtype:
            return False
        if not np.array_equal(other.packed.offsets, self.packed.offsets):
            return False
        ours, theirs = self.packed.values, other.packed.values
        # NaN equals NaN here, as in other columns of pandas.
        return bool(((ours == theirs) | ((ours != ours) & (theirs != theirs))).all())

    _values_for_argsort = argmin = argmax = searchsorted = _refusing("ordered")
    _values_for_factorize = duplicated = unique = value_counts = isin = _refusing("grouped")

    def isna(self):
        return self._lengths == 0

    def copy(self):
        return SequenceArray(Packed(self.packed.values.copy(), self.packed.offsets.copy()))

    def take(self, indices, *, allow_fill=False, fill_value=None):
        # With allow_fill, -1 means a missing sequence, whose length is 0.
        rows = take(np.arange(len(self)), indices, allow_fill=allow_fill, fill_value=-1)
        missing = rows < 0
        if not missing.any():
            return SequenceArray(self.packed.take(rows))
        packed = self.packed.take(rows[~missing])
        lengths = np.zeros(len(rows), dtype=np.intp)
        lengths[~missing] = packed.lengths
        return SequenceArray(Packed(packed.values, offsets_of(lengths)))

    def astype(self, dtype, copy=True):
        dtype = self._dtype_named(dtype)
        if isinstance(dtype, SequenceDtype):
            values = _cast(self.packed.values, dtype, copy=copy)
            return SequenceArray(Packed(values, self.packed.offsets))
        return super().astype(dtype, copy=copy)

    @staticmethod
    def _dtype_named(name):
        if not isinstance(name, str):
            return name
        try:
            return SequenceDtype.construct_from_string(name)
        except TypeError:
            return name

    def _explode(self):
        missing, values = self.isna(), self.packed.values
        if missing.any():
            values = np.insert(values.astype(object), self.packed.offsets[:-1][missing], None)
        return values, np.maximum(self._lengths, 1).astype(np.uint64)

    def _formatter(self, boxed=False):
        def formatted(cell):
            return (
                "missing"
                if cell is None
                else np.array2string(cell, precision=3, threshold=4, edgeitems=1)
            )

        return formatted


def _is_missing(cell):
    return np.ndim(cell) == 0 and isna(cell) is True  # None, NaN or NA


def _is_one_cell(value):
    """Tell whether a value is one cell (a sequence or a missing value), not a list of cells."""
    if isinstance(value, str) or not np.iterable(value):
        return True
    return not any(cell is None or np.ndim(cell) == 1 for cell in value)


def _cast(values, dtype, copy=False):
    """Convert steps to the NumPy dtype of a SequenceDtype; only floats may be rounded."""
    with np.errstate(invalid="ignore"):
        cast = values.astype(dtype.steps, copy=copy)
    if not np.can_cast(values.dtype, dtype.steps, "safe") and dtype.steps.kind not in "fO":
        changed = cast != values
        if changed.any():
            raise ValueError(f"A column of {dtype} cannot hold {values[np.argmax(changed)]!r}.")
    return cast
