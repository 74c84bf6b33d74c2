"""Results as tables of the caller's library."""

import sys

import numpy as np


def build_table(columns, library):
    """Return a dict of columns as a frame of the library, or unchanged if library is None.

    The caller has passed a frame of this library, so it is already imported.
    """
    module = sys.modules.get(library) if library else None
    if library == "pyarrow":
        return module.table(columns)
    return columns if module is None else module.DataFrame(columns)


def taken(column, rows):
    """Return rows of a column of any library, without an index."""
    if isinstance(column, np.ndarray):
        return column[rows]
    if hasattr(column, "gather"):  # polars
        return column.gather(rows)
    return getattr(column, "array", column).take(rows)
