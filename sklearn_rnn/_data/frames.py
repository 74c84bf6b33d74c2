"""Data frames and columns of pandas, polars and pyarrow, read by their own dtypes.

None of these libraries is imported: a frame is recognised by the attributes of its class.
"""

from __future__ import annotations

import re

import numpy as np

from .values import check_numeric, family, held, numbers_of_objects, refuse

_LIBRARIES = ("pandas", "polars", "pyarrow")
# Patterns for the names of dtypes that are not NumPy's, and what such a dtype holds.
_WORDS = (
    (r"(sparse\[)?(u?int\d+|float\d*|double|halffloat|bool|boolean|decimal)\b", "numbers"),
    (r"decimal\d", "numbers"),
    (r"null", "numbers"),  # all values are missing, and become NaN
    (r"date|time|duration|period|month", "dates or durations"),
    (r"str(ing)?\b|string_view|utf8|large_string|large_utf8", "strings"),
    (r"categor|enum|dictionary", "categories"),
    (r"list|large_list|fixed_size_list|array|sequence", "lists or arrays"),
    (r"struct|map", "structures"),
    (r"interval", "intervals"),
    (r"binary|large_binary|fixed_size_binary", "bytes"),
    (r"complex", "complex numbers"),
)
_ONE_HOT = "make it one-hot{when}, {one_hot}"
_ADVICE = {
    "strings": f"drop it, or {_ONE_HOT}",
    "categories": f"drop it, {_ONE_HOT}, or convert it if these are numbers",
    "dates or durations": "drop it, or turn it into seconds, for example "
    "(t - t.min()).dt.total_seconds()",
    "intervals": "drop it, or give the middle of each",
}


def is_frame(item):
    """Tell whether an object is a table with columns, each of its own dtype."""
    cls = type(item)
    if cls is np.ndarray or cls is list:
        return False
    return (hasattr(cls, "columns") and hasattr(cls, "dtypes")) or hasattr(cls, "column_names")


def is_column(item):
    """Tell whether an object is a column whose dtype is not NumPy's."""
    root = type(item).__module__.split(".")[0]
    if root not in _LIBRARIES and not hasattr(type(item), "iloc"):
        return False
    return not isinstance(dtype_of(item), (np.dtype, type(None)))


def holds_lists(item):
    """Tell whether an object is a column with a list or an array in each cell."""
    if type(item) is np.ndarray or isinstance(item, (list, tuple)) or is_frame(item):
        return False
    return is_column(item) and kind_of(dtype_of(item)) == "lists or arrays"


def holds_integers(item):
    """Tell whether something is a column of integers whose dtype is not NumPy's."""
    return is_column(item) and re.match(r"u?int\d", str(dtype_of(item)).lower()) is not None


def rows_of_lists(column):
    """List the cells of a column that `holds_lists`."""
    if hasattr(column, "to_pylist"):
        return column.to_pylist()
    return [item.to_list() if holds_lists(item) else item for item in column]


def column_names(frame):
    """List the names of the columns."""
    names = getattr(frame, "column_names", None) if is_arrow(frame) else frame.columns
    return list(names)


def label_columns(frame):
    """Return the indices of the columns that hold strings or categories."""
    found = []
    for j, dtype in enumerate(dtypes_of(frame)):
        kind = kind_of(dtype)
        if kind == "objects":
            kind = held(np.asarray(column_of(frame, j)))
        if kind in ("strings", "categories"):
            found.append(j)
    return tuple(found)


def labels_of(frame, j):
    """Return column j of a frame as an array of its labels."""
    return np.asarray(column_of(frame, j))


def read_frame(frame, argument, numbered=None):
    """Return a frame's columns as one array of numbers (n_rows, n_columns); NA is NaN.

    numbered: arrays (n_rows,) in place of some columns, by their indices.
    """
    check_in_memory(frame, argument)
    names, dtypes, numbered = column_names(frame), dtypes_of(frame), numbered or {}
    kinds = ["numbers" if j in numbered else kind_of(dtype) for j, dtype in enumerate(dtypes)]
    _check_columns(frame, names, dtypes, kinds, argument)
    if "objects" not in kinds and not numbered and not is_arrow(frame):
        array = np.asarray(frame)  # fast, and numeric unless the columns have several types
        if array.dtype.kind in "biuf" and array.ndim == 2:
            return array
    columns = []
    for j, dtype in enumerate(dtypes):
        column = numbered[j] if j in numbered else _numbers(column_of(frame, j), dtype)
        if column.dtype.kind not in "biuf":
            _refuse(frame, names, j, dtype, held(column), argument)
        columns.append(column)
    if not columns:
        return np.empty((len(frame), 0))
    if len({column.dtype for column in columns}) == 1:
        return np.column_stack(columns)
    narrow = all(column.dtype.kind == "f" and column.dtype.itemsize <= 4 for column in columns)
    array = np.empty((len(columns[0]), len(columns)), np.float32 if narrow else np.float64)
    for j, column in enumerate(columns):
        array[:, j] = column
    return array


def read_column(column, argument):
    """Return a column as an array of numbers (n_rows,); NA is NaN."""
    dtype = dtype_of(column)
    kind = kind_of(dtype)
    if kind not in ("numbers", "objects"):
        refuse(kind, dtype, argument)
    array = _numbers(column, dtype)
    check_numeric(array.dtype, argument, array)
    return array


def frame_of_labels(frame, argument):
    """Return a frame's columns as one array (n_rows, n_columns) of unchanged labels."""
    check_in_memory(frame, argument)
    columns = [np.asarray(column_of(frame, j)) for j in range(len(column_names(frame)))]
    if len({column.dtype.kind for column in columns}) <= 1:
        return np.column_stack(columns) if columns else np.empty((len(frame), 0))
    array = np.empty((len(columns[0]), len(columns)), dtype=object)
    for j, column in enumerate(columns):
        array[:, j] = column
    return array


def check_long(frame, argument):
    """Refuse a frame whose rows are steps, which an index of several levels reveals."""
    index = getattr(frame, "index", None)
    n_levels = getattr(index, "nlevels", 1)
    if n_levels < 2 or len(frame) == 0:
        return
    if not frame.index.droplevel(n_levels - 1).duplicated().any():
        return
    raise ValueError(
        f"`{argument}` must have one sequence per row, but its index of {n_levels} levels, "
        f"{list(index.names)}, looks like one row per step. Cut it into sequences with "
        f"sklearn_rnn.preprocessing.from_frame({argument}).X; or if each row is a sequence, use "
        f"{argument}.reset_index(drop=True)."
    )


# What a dtype holds


def is_arrow(item):
    return type(item).__module__.split(".")[0] == "pyarrow"


def dtype_of(item):
    """Return the dtype of a column, or None."""
    return getattr(item, "type" if is_arrow(item) else "dtype", None)


def dtypes_of(frame):
    return list(frame.schema.types if is_arrow(frame) else frame.dtypes)


def column_of(frame, j):
    if is_arrow(frame):
        return frame.column(j)
    return frame.to_series(j) if hasattr(frame, "to_series") else frame.iloc[:, j]


def kind_of(dtype):
    if isinstance(dtype, np.dtype):
        return family(dtype)
    text = str(dtype).lower()
    return next((what for word, what in _WORDS if re.match(word, text)), "objects")


def _numbers(column, dtype):
    """Return a column as an array, of numbers if it holds numbers."""
    if isinstance(dtype, np.dtype):
        return numbers_of_objects(np.asarray(column))
    if hasattr(column, "array"):  # an extension of pandas
        wide = np.float32 if re.match(r"float(32)?\b", str(dtype).lower()) else np.float64
        if kind_of(dtype) == "numbers" and not str(dtype).startswith("Sparse"):
            return column.to_numpy(dtype=wide, na_value=np.nan)
    return numbers_of_objects(np.asarray(column))


def check_in_memory(frame, argument):
    if hasattr(type(frame), "collect"):
        raise TypeError(
            f"`{argument}` must be in memory, got {type(frame).__name__}: call .collect()."
        )


def check_distinct(names, argument):
    """Refuse names of columns of which one occurs twice."""
    if len(set(names)) < len(names):
        twice = next(label for j, label in enumerate(names) if label in names[:j])
        raise ValueError(
            f"`{argument}` must have distinct column names, but {twice!r} occurs twice: rename one."
        )


def _check_columns(frame, names, dtypes, kinds, argument):
    """Refuse the first column whose dtype is not numeric, or whose name occurs twice."""
    if argument.holds in ("features", "inputs"):
        check_distinct(names, argument)
    for j, kind in enumerate(kinds):
        if kind not in ("numbers", "objects"):
            _refuse(frame, names, j, dtypes[j], kind, argument)


def _refuse(frame, names, j, dtype, what, argument):
    """Raise the error about a column that holds `what` instead of numbers."""
    if what == "lists or arrays":
        _refuse_nested(frame, names, j, argument)
    cut = argument.holds == "features"  # into sequences, by the user
    table, when = ("table", " before the table is cut") if cut else (str(argument), "")
    if hasattr(frame, "to_dummies"):
        one_hot = f"{table}.to_dummies({names[j]!r})"
    else:
        table = f"{table}.to_pandas()" if is_arrow(frame) else table
        one_hot = f"pandas.get_dummies({table}, columns=[{names[j]!r}])"
    advice = _ADVICE.get(what, "drop or convert it").format(one_hot=one_hot, when=when)
    if what in ("strings", "categories") and argument.holds == "features":
        advice = f"name it in `categorical_features` of the estimator, {advice}"
    if what == "dates or durations" and argument.holds in ("series", "inputs"):
        index = f"drop it, or make it the index, {argument}.set_index({names[j]!r})"
        advice = index if hasattr(frame, "set_index") else "name it in `time`, with a `target`"
    raise ValueError(
        f"`{argument}` must hold real numbers, but its column {names[j]!r} holds {what} ({dtype}): "
        f"{advice}."
    )


def _refuse_nested(frame, names, j, argument):
    """Raise the error about a column that holds arrays, lists or Series."""
    nested = [k for k, n in enumerate(dtypes_of(frame)) if _holds_cells_of_arrays(frame, k, n)]
    rows = f"{argument}.to_numpy()" if hasattr(frame, "iloc") else f"{argument}.rows()"
    if is_arrow(frame):
        rows = f"{argument}.to_pandas().to_numpy()"
    if argument.whole is not None:
        cells = f"x[{names[j]!r}].{'to_pylist' if is_arrow(frame) else 'to_list'}()"
        advice = (
            "if these are the features, give an array of them, "
            f"[np.stack({cells}) for x in {argument.whole}]"
        )
    elif len(nested) < len(names):
        advice = f"if these are the sequences, give that column alone, {argument}[{names[j]!r}]"
    else:
        advice = (
            "convert nested frames, such as those of sktime, to a list of sequences with "
            f"[np.column_stack(list(row)) for row in {rows}]"
        )
    raise TypeError(
        f"`{argument}` must hold one number in each cell, but its column {names[j]!r} holds lists "
        f"or arrays: {advice}."
    )


def _holds_cells_of_arrays(frame, j, dtype):
    kind = kind_of(dtype)
    if kind == "objects":
        kind = held(np.asarray(column_of(frame, j)))
    return kind == "lists or arrays"
