"""What an array or a list holds, in the words of the errors; numbers and labels told from others.

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
_DEEPEST = 8  # lists in lists; only one that holds itself is deeper


def family(dtype):
    """Name what a dtype holds."""
    return FAMILIES.get(dtype.kind, "something else")


def family_of_type(kind):
    """Name what values of a Python type are; "missing" for those that stand for none."""
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
    """Tell whether a value stands for none: None, NA, NaT or NaN."""
    if type(value).__name__ in _NA:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return False


def missing_in(array):
    """Tell of each entry of an array of objects whether it `is_missing`."""
    found = np.fromiter(map(is_missing, array.flat), bool, array.size)
    return found.reshape(array.shape)


def families_of_objects(array):
    """Count the families of the entries of an array of objects."""
    families = Counter()
    for kind, n in Counter(map(type, array.flat)).items():
        families[family_of_type(kind)] += n
    return families


def held(array):
    """Name what an array holds, and of objects what they are if that is known."""
    if array.dtype.kind != "O":
        return family(array.dtype)
    families = families_of_objects(array)
    families.pop("missing", None)
    if len(families) == 1:
        return next(iter(families))
    known = [name for name in families if name not in ("numbers", "objects")]
    return " and ".join(sorted(families)) if known else "objects"


def numbers_of_objects(array):
    """Read an array of objects that holds plain numbers as floats, and what is missing as NaN.

    Any other array is given back.
    """
    if array.dtype.kind != "O":
        return array
    given, families = array, families_of_objects(array)
    if families["missing"] or families["dates or durations"]:  # of which NaT is missing
        array = np.where(missing_in(array), np.nan, array)
        families = families_of_objects(array)
    if not set(+families) <= {"numbers", "objects"}:
        return given
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, ArithmeticError):
        return given


def families_in_lists(items, depth=0):
    """Name the families of the entries of lists in lists."""
    kinds = set(map(type, items))
    inner = {kind for kind in kinds if issubclass(kind, (list, tuple))}
    families = set(map(family_of_type, kinds - inner))
    if inner and depth < _DEEPEST:
        for item in items:
            if type(item) in inner:
                families |= families_in_lists(item, depth + 1)
    return families


# What to do about what is not a number, by family, for X and for anything else.

ONE_HOT = (
    "number what occurs and make it one-hot, codes = {{c: i for i, c in enumerate(sorted({{c for "
    "x in {name} for c in x}}))}} and [np.eye(len(codes))[[codes[c] for c in x]] for x in {name}]"
)
ADVICE = {
    "dates or durations": "turn them into numbers first, for example seconds, "
    "(t - t[0]) / np.timedelta64(1, 's')",
    "complex numbers": "give real and imaginary part as two numbers",
}


def check_numeric(dtype, name, array=None):
    """Refuse a dtype that is not one of real numbers; `array` tells what its objects are."""
    if family(dtype) != "numbers":
        refuse(family(dtype) if array is None else held(array), dtype, name)


def refuse(what, dtype, name):
    """Raise the error about what is held instead of numbers."""
    advice = ADVICE.get(what, "encode or convert them first")
    if what == "strings" and name.startswith("X"):
        advice = ONE_HOT.format(name=name.split("[")[0])
    elif what == "strings" and name.startswith("y"):
        advice = "RNNClassifier takes labels; numbers that are written out need a float()"
    raise ValueError(f"`{name}` must hold real numbers, it holds {what} ({dtype}): {advice}.")


def hint_at_weight(name):
    """Return the sentence that tells what to do about a target that is missing."""
    suffix = "_val" if name.endswith("_val") else ""
    return f"Leave it out, or give it `sample_weight{suffix}` 0."


# Labels

NO_COMMON_INTEGER = (
    "`{name}` must have integers of one type: no integer of NumPy holds all of these, as int64 and "
    "uint64 have none in common. Give smaller ones, or strings."
)


def settled_labels(labels, name, taught=None, *, natural=False, where=None):
    """Return labels (n_rows,) that are all of one type and none missing.

    What is not taught (n_rows,) may be anything, and becomes the first label that is taught.
    With `natural` objects become what NumPy makes of a list of them. `where(row)` tells where a
    row is, with a place for what is there.
    """
    labels = filled(labels, taught)
    kind = labels.dtype.kind
    if kind in "cV":
        raise ValueError(f"`{name}` must hold labels, it holds {family(labels.dtype)}.")
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
        there = there.format(name=name, row=row, what=what)
        rule = "must be finite" if kind == "f" else "must have no missing labels"
        hint = "Leave it out." if name == "classes" else hint_at_weight(name)
        raise ValueError(f"`{name}` {rule}: {there}. {hint}")
    if kind == "O":
        _check_one_family(labels, name)
        if natural or held(labels) == "numbers":
            natural = _as_natural(labels, name)
            return labels if natural is labels else settled_labels(natural, name, where=where)
    return labels


def _check_one_family(labels, name):
    """Refuse objects (n_rows,) that NumPy or scikit-learn would take for something else."""
    families = families_of_objects(labels)
    for member in labels if "members of an enumeration" in families else ():
        if family_of_type(type(member)) == "members of an enumeration":
            raise ValueError(
                f"`{name}` must not hold members of an enumeration, such as {member!r}, which "
                "NumPy turns into strings that may be cut: give their values, `member.value`."
            )
    if len(families) > 1:
        examples = {family_of_type(type(label)): label for label in labels}
        both = " and ".join(f"{what} ({examples[what]!r})" for what in sorted(examples))
        raise ValueError(
            f"`{name}` must hold labels of one type, it has {both}: NumPy would make strings of "
            "them, or cannot sort them. Convert them, for example each to a string with str()."
        )


def _as_natural(labels, name):
    natural = np.array(labels.tolist())
    if natural.ndim != 1 or natural.dtype.kind in "OV":
        return labels
    if natural.dtype.kind == "f" and of_integers(labels):
        raise ValueError(NO_COMMON_INTEGER.format(name=name))
    return natural


def of_integers(labels):
    """Tell whether all entries of an array of objects are integers."""
    return labels.size > 0 and all(isinstance(each, (int, np.integer)) for each in labels.flat)


def filled(rows, taught):
    """Copy rows (n_rows, ...), those not taught being like the first that is; None: all are."""
    if taught is None or taught.all() or not taught.any():
        return rows
    rows = rows.copy()
    rows[~taught] = rows[int(np.argmax(taught))]
    return rows
