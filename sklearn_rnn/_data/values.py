"""Names, for the errors, of what arrays and lists hold; recognition of numbers and labels.

NumPy only.
"""

from __future__ import annotations

import datetime
from collections import Counter
from decimal import Decimal
from enum import Enum, StrEnum
from numbers import Complex, Number, Real

import numpy as np

FAMILIES = {
    **dict.fromkeys("biuf", "numbers"),
    **dict.fromkeys("UT", "strings"),
    "S": "bytes",
    "O": "objects",
    "c": "complex numbers",
    **dict.fromkeys("mM", "dates or durations"),
    "V": "structures",
}
# The missing values of pandas, by the names of their types.
_NA = ("NoneType", "NAType", "NaTType")
_TIMES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)
_DEEPEST = 8  # levels of nested lists; only a list that contains itself is deeper


def family(dtype):
    """Name what a dtype holds."""
    return FAMILIES.get(dtype.kind, "something else")


def family_of_type(kind):
    """Name what values of a Python type are; "missing" for types of missing values."""
    if issubclass(kind, Enum) and not issubclass(kind, (int, float, StrEnum)):
        return "members of an enumeration"
    if kind.__name__ in _NA:
        return "missing"
    if issubclass(kind, str):
        return "strings"
    if issubclass(kind, _TIMES):
        return "dates or durations"
    if issubclass(kind, (Real, Decimal, np.bool_)):
        return "numbers"
    if issubclass(kind, Complex):
        return "complex numbers"
    if issubclass(kind, bytes):
        return "bytes"
    if issubclass(kind, (list, tuple, np.ndarray)) or hasattr(kind, "__array__"):
        return "lists or arrays" if not issubclass(kind, Number) else "objects"
    if kind.__name__ in ("Period", "Interval"):
        return "dates or durations" if kind.__name__ == "Period" else "intervals"
    return "objects"


def is_missing(value):
    """Tell whether a value is a missing one: None, NA, NaT or NaN."""
    if type(value).__name__ in _NA:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return False


def missing_in(array):
    """Tell for each entry of an array of objects whether it `is_missing`."""
    found = np.fromiter(map(is_missing, array.flat), bool, array.size)
    return found.reshape(array.shape)


def families_of_objects(array):
    """Count the families of the entries of an array of objects."""
    families = Counter()
    for kind, n in Counter(map(type, array.flat)).items():
        families[family_of_type(kind)] += n
    return families


def held(array):
    """Name what an array holds; for objects, name their types if these are known."""
    if array.dtype.kind != "O":
        return family(array.dtype)
    families = families_of_objects(array)
    families.pop("missing", None)
    if len(families) == 1:
        return next(iter(families))
    known = [name for name in families if name not in ("numbers", "objects")]
    return " and ".join(sorted(families)) if known else "objects"


def numbers_of_objects(array):
    """Convert an array of objects that are plain numbers to floats, missing values to NaN.

    Any other array is returned unchanged.
    """
    if array.dtype.kind != "O":
        return array
    given, families = array, families_of_objects(array)
    if families["missing"] or families["dates or durations"]:  # NaT is one of the latter
        array = np.where(missing_in(array), np.nan, array)
        families = families_of_objects(array)
    if not set(+families) <= {"numbers", "objects"}:
        return given
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, ArithmeticError):
        return given


def families_in_lists(items, depth=0):
    """Name the families of the entries of nested lists."""
    kinds = set(map(type, items))
    inner = {kind for kind in kinds if issubclass(kind, (list, tuple))}
    families = set(map(family_of_type, kinds - inner))
    if inner and depth < _DEEPEST:
        for item in items:
            if type(item) in inner:
                families |= families_in_lists(item, depth + 1)
    return families


# Advice on values that are not numbers, by family, for X and for other arguments.

ENCODED = (
    "turn texts or tokens into codes with sklearn_rnn.text.TokenEncoder, and use "
    "categorical_features='all'"
)
ADVICE = {
    "dates or durations": "turn them into numbers first, for example seconds, "
    "(t - t[0]) / np.timedelta64(1, 's')",
    "complex numbers": "pass the real and the imaginary part as two real numbers",
}


def check_numeric(dtype, argument, array=None):
    """Refuse a dtype that is not one of real numbers; objects are looked up in `array`."""
    if family(dtype) != "numbers":
        refuse(family(dtype) if array is None else held(array), dtype, argument)


def refuse(what, dtype, argument):
    """Raise the error about an argument that holds something other than numbers."""
    advice = ADVICE.get(what, "encode or convert them first")
    if what == "strings" and argument.holds == "features":
        advice = ENCODED
    elif what == "strings" and argument.holds == "targets":
        advice = "use RNNClassifier for labels, and float() for numbers in strings"
    raise ValueError(
        f"`{argument}` must hold real numbers, but it holds {what} ({dtype}): {advice}."
    )


# Labels

NO_COMMON_INTEGER = (
    "`{name}` must have integers of one type: no integer type of NumPy holds all of these, since "
    "int64 and uint64 have no common type. Use smaller integers, or strings."
)


def settled_labels(labels, argument, taught=None, *, natural=False, where=None):
    """Return labels (n_rows,), all of one type and none missing.

    Rows outside the mask `taught` (n_rows,) may hold anything, and get the first taught label.
    With `natural`, objects are converted as NumPy converts a list of them. `where(row)` describes
    the place of a row for an error, with a field {what} for its value.
    """
    labels = filled(labels, taught)
    kind = labels.dtype.kind
    if kind in "cV":
        raise ValueError(f"`{argument}` must hold labels, but it holds {family(labels.dtype)}.")
    if kind in "fmM":
        bad = ~np.isfinite(labels)
    elif kind == "O":
        bad = missing_in(labels)
    else:
        return labels
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        there = "`{name}[{row}]` is {what}" if where is None else where(row)
        what = str(labels[row]) if kind != "f" else "NaN" if np.isnan(labels[row]) else "infinity"
        there = there.format(name=argument, row=row, what=what)
        rule = "must be finite" if kind == "f" else "must have no missing labels"
        raise ValueError(f"`{argument}` {rule}: {there}. {argument.hint_at_missing}")
    if kind == "O":
        _check_one_family(labels, argument)
        if natural or held(labels) == "numbers":
            natural = _as_natural(labels, argument)
            return labels if natural is labels else settled_labels(natural, argument, where=where)
    return labels


def _check_one_family(labels, argument):
    """Refuse objects (n_rows,) that NumPy or scikit-learn would misread."""
    families = families_of_objects(labels)
    for member in labels if "members of an enumeration" in families else ():
        if family_of_type(type(member)) == "members of an enumeration":
            raise ValueError(
                f"`{argument}` must not hold members of an enumeration, such as {member!r}, which "
                "NumPy turns into strings that may be cut off: use their values, `member.value`."
            )
    if len(families) > 1:
        examples = {family_of_type(type(label)): label for label in labels}
        both = " and ".join(f"{what} ({examples[what]!r})" for what in sorted(examples))
        raise ValueError(
            f"`{argument}` must hold labels of one type, but it has {both}: NumPy would turn them "
            "into strings, or cannot sort them. Convert them, for example each to a string with "
            "str()."
        )


def _as_natural(labels, argument):
    natural = np.array(labels.tolist())
    if natural.ndim != 1 or natural.dtype.kind in "OV":
        return labels
    if natural.dtype.kind == "f" and of_integers(labels):
        raise ValueError(NO_COMMON_INTEGER.format(name=argument))
    return natural


def of_integers(labels):
    """Tell whether all entries of an array of objects are integers."""
    return labels.size > 0 and all(isinstance(each, (int, np.integer)) for each in labels.flat)


def filled(rows, taught):
    """Copy rows (n_rows, ...), with the first taught row in place of all that are not taught.

    taught (n_rows,): None means that all are.
    """
    if taught is None or taught.all() or not taught.any():
        return rows
    rows = rows.copy()
    rows[~taught] = rows[int(np.argmax(taught))]
    return rows
