"""Columns of tables of pandas, polars and pyarrow as arrays and as codes.

None of these libraries is imported here: each table is read with its own methods.
"""

from __future__ import annotations

import re

import numpy as np

from .._data.arguments import Argument, naming
from .._data.frames import (
    check_distinct,
    check_in_memory,
    column_names,
    dtype_of,
    is_arrow,
    is_frame,
    kind_of,
    read_frame,
)
from .._data.values import held, missing_in, numbers_of_objects, of_integers
from .libraries import library

TABLE = Argument("table", "features")
_IN_ORDER = re.compile(r"\d{4}-\d\d|\d\d:\d\d").match  # strings of times that sort as these do


class Table:
    """A table in memory. In pandas, the levels of the index count as columns, too."""

    def __init__(self, frame):
        self.root = _library_of(frame)
        self.frame = frame
        self.names = column_names(frame)
        if not self.names or len(self) == 0:
            raise ValueError("`table` must have at least one row and one column, but is empty.")
        check_distinct(self.names, TABLE)
        index = getattr(frame, "index", None)
        self.levels = _level_names(index) if hasattr(index, "nlevels") else []

    def __len__(self):
        return self.frame.num_rows if self.root == "pyarrow" else len(self.frame)

    def column(self, name):
        """Return a column, or a level of the index, as an object of the library."""
        if name in self.names:
            return self.frame.column(name) if self.root == "pyarrow" else self.frame[name]
        return self.frame.index.get_level_values(self.levels.index(name))

    def check(self, names, argument):
        """Refuse names of columns that do not exist."""
        for name in names:
            if not self._has(name):
                raise ValueError(
                    f"`{argument}` must name columns of `table`, {self.names}; got {name!r}."
                )

    def numbers(self, names):
        """Return columns as numbers (n_rows, n_columns); a common dtype is kept."""
        for name in names:
            self._check_numbers(name)
        with naming(TABLE):
            return read_frame(self.select(names), TABLE)

    def values(self, name):
        """Return a column as an array (n_rows,) of its numbers or labels."""
        return plain(np.asarray(self.column(name)))

    def times(self, name):
        """Return a column of times (n_rows,), and an array by which to sort it."""
        column = self.column(name)
        times = self.values(name)
        keys = _keys_of_times(column, times)
        missing = missing_in(keys) if keys.dtype.kind == "O" else keys != keys
        if missing.any():
            raise ValueError(
                f"`time` must have no missing values, but column {name!r} has one in row "
                f"{int(np.argmax(missing))}: leave such rows out, or fill them."
            )
        if self._kind(name) == "strings" and not all(map(_IN_ORDER, keys)):
            raise ValueError(
                f"`time` must hold numbers or dates, but column {name!r} holds strings, which "
                "sort '10' before '9': convert it, for example with pandas.to_numeric or "
                "pandas.to_datetime."
            )
        return times, keys

    def codes(self, name):
        """Return a column as integer codes (n_rows,), numbered by appearance; -1 is missing."""
        column = self.column(name)
        try:
            codes = _CODES[self.root](column)
        except Exception as error:  # each library has errors of its own
            raise ValueError(
                f"`table` must hold numbers or labels in column {name!r}, because its values are "
                f"compared: {error}."
            ) from error
        values = np.asarray(column) if kind_of(dtype_of(column)) == "numbers" else codes
        if values.dtype.kind == "f":  # in pandas NaN is missing; in the others it is a value
            codes[np.isnan(values)] = -1
        return codes

    def select(self, names):
        """Return a table of some columns."""
        return self.frame.select(names) if self.root == "pyarrow" else self.frame[list(names)]

    def rows(self, names, order, offsets):
        """List a table of some columns for each sequence; order: of the rows, or None."""
        for name in names:
            if not self.holds_labels(name):
                self._check_numbers(name)
        table = self.select(names)
        if order is not None:
            table = table.iloc[order] if self.root == "pandas" else self._taken(table, order)
        pairs = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        if self.root == "pandas":
            return [table.iloc[start:stop] for start, stop in pairs]
        return [table.slice(start, stop - start) for start, stop in pairs]

    def _has(self, name):
        try:
            return name in self.names or name in self.levels
        except TypeError:  # what cannot be hashed
            return False

    def _taken(self, table, order):
        return table.take(order) if self.root == "pyarrow" else table[order]

    def holds_labels(self, name):
        """Tell whether a column holds strings or categories."""
        return self._kind(name) in ("strings", "categories")

    def _kind(self, name):
        column = self.column(name)
        kind = kind_of(dtype_of(column))
        return held(np.asarray(column)) if kind == "objects" else kind

    def _check_numbers(self, name):
        """Refuse a column of features that does not hold numbers, and say what to do."""
        kind, dtype = self._kind(name), dtype_of(self.column(name))
        if kind in ("numbers", "objects"):
            return
        if kind == "lists or arrays":
            raise ValueError(
                f"`table` must have one step per row, but column {name!r} holds lists or arrays: "
                "use from_nested, which takes tables with one sequence per row."
            )
        remedy = {
            "dates or durations": "name it as `time`, or convert it to numbers, such as hours",
            "categories": "encode it as one-hot columns, or keep it with as_nested=True and name "
            "it in `categorical_features` of the estimator",
        }
        remedy["strings"] = f"{remedy['categories']}, or convert it if these are numbers"
        raise ValueError(
            f"`table` must hold numbers in its features, but column {name!r} holds {kind} "
            f"({dtype}). If it is not a feature, name it as `y` or `groups`, or list the features "
            f"in `columns`; otherwise {remedy.get(kind, 'convert it')}."
        )


def by_appearance(codes):
    """Renumber codes (n_rows,), small integers, in order of appearance; -1 stays -1."""
    n = len(codes)
    known = int(codes.max(initial=-1)) + 1
    first = np.full(known, n)
    valid = np.flatnonzero(codes >= 0)[::-1]
    first[codes[valid]] = valid  # the first row is written last
    places = np.empty(known + 1, dtype=np.int64)
    places[np.argsort(first, kind="stable")] = np.arange(known)
    places[known] = -1  # for code -1
    return places[codes]


def plain(array):
    """Return an object array of numbers as an array of numbers; other arrays stay."""
    if array.dtype.kind != "O" or held(array) != "numbers":
        return array
    return np.array(array.tolist()) if of_integers(array) else numbers_of_objects(array)


def _library_of(frame):
    """Return the library of a table (or of a subclass); refuse anything but a table in memory."""
    roots = [cls.__module__.split(".")[0] for cls in type(frame).__mro__]
    root = next((root for root in roots if root in _CODES), None)
    if root is not None and is_frame(frame):
        check_in_memory(frame, TABLE)
        return root
    if type(frame).__name__.endswith("GroupBy"):
        raise TypeError(
            f"`table` must be the table itself, got a {type(frame).__name__}: pass the table, and "
            "name the columns of the groupby in `by`."
        )
    raise TypeError(
        "`table` must be a table of pandas, polars or pyarrow, got "
        f"{type(frame).__name__}: convert a dict, a list of records or a structured array with "
        "pandas.DataFrame."
    )


def _keys_of_times(column, times):
    """Return keys by which to sort a column of times; times: the column as an array."""
    dtype = dtype_of(column)
    # With a time zone, pandas makes objects of them, which are slow to compare.
    if times.dtype.kind == "O" and str(dtype).startswith("datetime64["):
        return column.to_numpy(dtype="datetime64[ns]")
    ranks = _ranks(column, dtype)
    return times if ranks is None else ranks


def _ranks(column, dtype):
    """Return the ranks (n_rows,) of ordered categories, NaN where missing; None for others."""
    if hasattr(column, "to_physical"):  # polars
        return np.asarray(column.to_physical()) if str(dtype).startswith("Enum") else None
    if getattr(dtype, "ordered", False) is not True:
        return None
    if is_arrow(column):
        unified = hasattr(column, "unify_dictionaries")
        parts = column.unify_dictionaries().chunks if unified else [column]
        return np.concatenate([np.asarray(part.indices) for part in parts])
    codes = np.asarray(getattr(column, "cat", column).codes)
    return np.where(codes < 0, np.nan, codes)


def _level_names(index):
    if index.nlevels == 1:
        return [] if index.name is None else [index.name]
    return [f"level_{j}" if name is None else name for j, name in enumerate(index.names)]


def _codes_of_pandas(column):
    """Return codes (n_rows,) of a Series, or of a level of an index."""
    return np.array(column.factorize()[0], dtype=np.int64)


def _codes_of_polars(column):
    """Return codes (n_rows,) of a column of polars."""
    rows = column.alias("key").to_frame()
    keys = rows.unique(maintain_order=True).with_row_index("code")
    found = rows.with_row_index("row").join(keys, on="key", how="inner")  # missing ones match none
    codes = np.full(len(column), -1, dtype=np.int64)
    codes[found["row"].to_numpy()] = found["code"].to_numpy()
    return codes


def _codes_of_arrow(column):
    """Return codes (n_rows,) of a column of pyarrow."""
    if hasattr(column.type, "value_type") and hasattr(column.type, "index_type"):
        column = column.cast(column.type.value_type)  # each chunk may have a dictionary of its own
    column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    if str(column.type) in ("float", "double"):
        column = library("pyarrow.compute").add(column, 0.0)  # -0.0 equals 0.0, as in the others
    codes = column.dictionary_encode()
    if hasattr(codes, "combine_chunks"):
        codes = codes.combine_chunks()
    return codes.indices.fill_null(-1).to_numpy().astype(np.int64)


_CODES = {"pandas": _codes_of_pandas, "polars": _codes_of_polars, "pyarrow": _codes_of_arrow}
