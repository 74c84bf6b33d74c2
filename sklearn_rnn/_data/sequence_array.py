"""A column of a pandas frame with one sequence in each cell, kept in one flat array.

Several tools of scikit-learn convert object columns to float64, which fails for sequences. They do
not convert columns whose dtype is not one of NumPy's. This module imports pandas; it is itself
imported only where a pandas frame is made.
"""

from __future__ import annotations

import re

import numpy as np
from pandas.api.extensions import ExtensionArray, ExtensionDtype, register_extension_dtype, take
from pandas.api.indexers import check_array_indexer

from .cells import Cell
from .packed import Packed, offsets_of


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
        return SequenceDtype(np.result_type(*(dtype.steps for dtype in dtypes)))


class SequenceArray(ExtensionArray):
    """Sequences of any lengths; a sequence without steps counts as missing."""

    def __init__(self, packed):
        self.packed = packed  # values (n_steps,)

    @classmethod
    def _from_sequence(cls, scalars, *, dtype=None, copy=False):
        if isinstance(scalars, cls):
            return scalars.astype(dtype or scalars.dtype, copy=copy)
        cells = [np.empty(0) if _is_missing(cell) else np.asarray(cell) for cell in scalars]
        if any(cell.ndim != 1 for cell in cells):
            raise ValueError("A column of sequences must have one 1-D array in each cell.")
        steps = getattr(dtype, "steps", None)
        given = [cell for cell in cells if len(cell)] or cells or [np.empty(0)]
        values = np.concatenate(given).astype(steps or np.result_type(*given), copy=False)
        return cls(Packed(values, offsets_of([len(cell) for cell in cells])))

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
            key = np.arange(len(self))[key]
        return SequenceArray(self.packed.take(np.asarray(key)))

    def __setitem__(self, key, value):
        cells = np.asarray(self)
        key = check_array_indexer(self, key)
        if isinstance(key, (int, np.integer)):
            cells[key] = value
        else:
            rows = np.arange(len(self))[key]
            values = list(value) if len(value) == len(rows) else [value] * len(rows)
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
        if isinstance(dtype, str):
            dtype = self._dtype_named(dtype)
        if isinstance(dtype, SequenceDtype):
            values = self.packed.values.astype(dtype.steps, copy=copy)
            return SequenceArray(Packed(values, self.packed.offsets))
        return super().astype(dtype, copy=copy)

    @staticmethod
    def _dtype_named(name):
        try:
            return SequenceDtype.construct_from_string(name)
        except TypeError:
            return name

    def _formatter(self, boxed=False):
        def formatted(cell):
            return (
                "missing"
                if cell is None
                else np.array2string(cell, precision=3, threshold=4, edgeitems=1)
            )

        return formatted


def _is_missing(cell):
    return np.ndim(cell) == 0  # None, NaN or NA
