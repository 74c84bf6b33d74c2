"""Every carrier of sequences becomes one flat buffer and offsets, and results go back the same way.

Carriers: a 3-D array, a 2-D array (one feature per step), or a list, tuple or object array with one
sequence per item. NumPy only; the axis order is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Elements looked at in one go: small enough to stay in the L2 cache for a second look.
_CHUNK = 1 << 16

# Numbers that a network reads are no larger: beyond, sums of them overflow on their way, and a gate
# takes the wrong side without anybody noticing.
LARGEST_INPUT = {"float32": 1e30, "float64": 1e300}

_FAMILIES = {
    **dict.fromkeys("biuf", "numbers"),
    **dict.fromkeys("UT", "strings"),
    "S": "bytes",
    "O": "objects",
    "c": "complex numbers",
    **dict.fromkeys("mM", "dates or durations"),
    "V": "structures",
}


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences, one after another, in one flat buffer."""

    values: np.ndarray  # (n_steps, n_features), C-contiguous
    offsets: np.ndarray  # (n_samples + 1,), intp: sequence i is values[offsets[i]:offsets[i + 1]]
    kind: str  # the carrier: "2d", "3d" or "ragged"

    @property
    def n_samples(self):
        return len(self.offsets) - 1

    @property
    def n_features(self):
        return self.values.shape[1]

    @property
    def n_steps(self):
        """Number of steps of all sequences together."""
        return len(self.values)

    @property
    def lengths(self):
        return np.diff(self.offsets)

    def take(self, indices):
        """Copy some sequences, in the order asked for; `indices` are integers or a mask."""
        lengths = self.lengths[indices]
        offsets = _offsets(lengths)
        # Row r of sequence j of the result is row r + shift[j] of the buffer.
        shift = self.offsets[:-1][indices] - offsets[:-1]
        rows = np.arange(offsets[-1]) + np.repeat(shift, lengths)
        return Sequences(self.values[rows], offsets, self.kind)


def is_ragged(X):
    """Tell whether X must be read one sequence per item; if not, `np.asarray` says what it is."""
    if not isinstance(X, (list, tuple)):
        is_object = getattr(getattr(X, "dtype", None), "kind", None) == "O" and X.ndim == 1
        return is_object and (len(X) == 0 or any(_length(item) is not None for item in X))
    if len(X) == 0 or any(_is_array(item) for item in X):
        return True
    widths = {_length(item) for item in X}
    if len(widths) == 1 and None not in widths:  # rows of nested lists, if those agree as well
        widths = {_length(step) for item in X for step in item}
    return len(widths) > 1


def pack(X, *, name="X"):
    """Copy a list, tuple or object array of (n_timesteps_i, n_features) or (n_timesteps_i,)."""
    items = _items(X, name)
    _check_items(items, name, numeric=True)
    values = _join(items, _float_dtype({item.dtype for item in items}), name)
    lengths = np.fromiter(map(len, items), np.intp, len(items))
    if items[0].ndim == 1:
        values = values[:, np.newaxis]
    if values.shape[1] == 0:
        raise ValueError(
            f"`{name}` must have at least 1 feature per step, "
            f"`{name}[0]` has shape {items[0].shape}."
        )
    return Sequences(values, _offsets(lengths), "ragged")


def from_dense(X, *, name="X"):
    """View a 2-D or 3-D numeric array as sequences, without a copy where the layout allows it."""
    X = as_array(X, name)
    if X.ndim not in (2, 3):
        raise ValueError(
            f"`{name}` must be 3-D (n_samples, n_timesteps, n_features), 2-D (n_samples, "
            f"n_timesteps) or hold one sequence per item; got an array of shape {X.shape}."
        )
    for size, what in zip(X.shape, ("sequence", "step", "feature per step"), strict=False):
        if size == 0:
            raise ValueError(f"`{name}` must have at least 1 {what}; got shape {X.shape}.")
    check_numeric(X.dtype, name)
    n_samples, n_timesteps = X.shape[:2]
    with np.errstate(over="ignore"):  # `check_finite` reports it
        X = np.require(X, _float_dtype({X.dtype}), ["C_CONTIGUOUS", "ALIGNED"])
    offsets = np.arange(n_samples + 1, dtype=np.intp) * n_timesteps
    kind = f"{X.ndim}d"
    return Sequences(X.reshape(n_samples * n_timesteps, *X.shape[2:] or (1,)), offsets, kind)


def check_finite(sequences, *, name="X"):
    """Refuse NaN and infinity, naming the first sequence that has one."""
    _check_range(sequences, np.finfo(np.float64).max, None, name, None)


def check_range(sequences, dtype, scaling=None, *, name="X"):
    """Refuse what a network of this dtype cannot read: NaN, infinity and numbers too large for it.

    scaling: mean and scale, each (n_features,), under which the network reads them, or None.
    """
    _check_range(sequences, LARGEST_INPUT[dtype], scaling, name, dtype)


def _check_range(sequences, limit, scaling, name, dtype):
    values, n_features = sequences.values.reshape(-1), sequences.n_features
    low, high = -limit, limit
    if scaling is not None:  # the narrowest bounds, within which no column need be looked at
        mean, scale = scaling
        finite = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            low = max((mean - limit * scale).max(), -finite)
            high = min((mean + limit * scale).min(), finite)
    step = max(1, _CHUNK // n_features) * n_features
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, len(values), step):
            chunk = values[start : start + step]
            # Two passes without a temporary; a NaN makes both false. The bounds are float64: cast
            # to the dtype of a float32 chunk, they would be infinite.
            if low <= np.float64(chunk.min()) and np.float64(chunk.max()) <= high:
                continue
            rows = chunk.reshape(-1, n_features).astype(np.float64)
            read = rows if scaling is None else (rows - mean) / scale
            bad = np.flatnonzero(~((np.abs(read) <= limit) & np.isfinite(rows)))
            if len(bad) == 0:
                continue  # fine under the scale of its column, or changed meanwhile
            i, t = _locate(sequences.offsets, (start + int(bad[0])) // n_features)
            value = rows.flat[bad[0]]
            if not np.isfinite(value):
                what = "NaN" if np.isnan(value) else "infinity"
                raise ValueError(f"`{name}` must be finite: sequence {i} has {what} at step {t}.")
            units = "" if scaling is None else ", in units of its scale in fit,"
            advice = "Scale it (normalize_X=True does)" if scaling is None else "Look for outliers"
            raise ValueError(
                f"`{name}` must be at most {limit:g} in size{units} with dtype={dtype!r}: sequence "
                f"{i} has {value:.4g} at step {t}. {advice}, or use dtype='float64'."
            )


def read_steps(y, *, name="y", numeric=True):
    """Read what comes per step, in any carrier, as (values, offsets).

    values is (n_steps,) or (n_steps, k): floats (numeric), or labels as they are.
    """
    if not is_ragged(y):
        y = as_array(y, name)
        if y.ndim not in (2, 3) or y.size == 0:
            raise ValueError(
                f"`{name}` must have one {_noun(name)} per step: (n_samples, n_timesteps[, k]) or "
                f"one array per sequence; got shape {y.shape}."
            )
        if numeric:
            y = as_numbers(y, name)
            with np.errstate(over="ignore"):  # `check_finite` reports it
                y = y.astype(_float_dtype({y.dtype}), copy=False)
        n_samples, n_timesteps = y.shape[:2]
        offsets = np.arange(n_samples + 1, dtype=np.intp) * n_timesteps
        values = np.ascontiguousarray(y).reshape(n_samples * n_timesteps, *y.shape[2:])
    else:
        items = _items(y, name)
        _check_items(items, name, numeric=numeric)
        dtype = _float_dtype({item.dtype for item in items}) if numeric else None
        values = _join(items, dtype, name)
        if values.size == 0:
            raise ValueError(f"`{name}` must have one {_noun(name)} per step, it has none.")
        offsets = _offsets(np.fromiter(map(len, items), np.intp, len(items)))
    if values.dtype.kind == "f":
        flat = Sequences(values.reshape(len(values), -1), offsets, "ragged")
        check_finite(flat, name=name)
    return values, offsets


def pack_steps(y, sequences, *, name="y", numeric=True):
    """Read what comes per step as values; each length must be that of its sequence."""
    values, offsets = read_steps(y, name=name, numeric=numeric)
    if len(offsets) != len(sequences.offsets):
        raise ValueError(
            f"`{name}` must have one {_noun(name)} per step of {sequences.n_samples} sequences, "
            f"it has {len(offsets) - 1} sequences."
        )
    if not np.array_equal(offsets, sequences.offsets):
        lengths = np.diff(offsets)
        i = int(np.flatnonzero(lengths != sequences.lengths)[0])
        raise ValueError(
            f"`{name}` must have one {_noun(name)} per step: sequence {i} has "
            f"{sequences.lengths[i]} steps, `{name}[{i}]` has {lengths[i]}."
        )
    return values


def step_weights(sample_weight, sequences, *, name="sample_weight"):
    """Read weights per sequence, or per step in any carrier, as float64 (n_steps,); None stays."""
    if sample_weight is None:
        return None
    if not is_ragged(sample_weight):
        sample_weight = as_array(sample_weight, name)
        if sample_weight.ndim == 1:
            if len(sample_weight) != sequences.n_samples:
                raise ValueError(
                    f"`{name}` must have one weight per sequence: there are {sequences.n_samples} "
                    f"sequences, `{name}` has {len(sample_weight)}."
                )
            # Read as sequences of one step each.
            values, offsets = read_steps(sample_weight[:, np.newaxis], name=name)
            _check_weights(values, offsets, name)
            return np.repeat(values.astype(np.float64), sequences.lengths)
    values = pack_steps(sample_weight, sequences, name=name)
    if values.ndim != 1:
        raise ValueError(
            f"`{name}` must have one number per step or per sequence, "
            f"it has {values.shape[1]} per step."
        )
    _check_weights(values, sequences.offsets, name)
    return values.astype(np.float64, copy=False)


def relative(weights):
    """Scale weights to a greatest one from 1/2 to 1, whose sums neither overflow nor vanish.

    By a power of two: that rounds nothing.
    """
    _, exponent = np.frexp(weights.max())
    return np.ldexp(weights, -exponent)


def unpack_steps(values, sequences, dense):
    """Give back values (n_steps, ...) as (n_samples, n_timesteps, ...) or as an object array."""
    if dense:
        return values.reshape(sequences.n_samples, -1, *values.shape[1:])
    result = np.empty(sequences.n_samples, dtype=object)
    for i, piece in enumerate(cut(values, sequences.offsets)):
        result[i] = piece
    return result


def cut(values, offsets):
    """List one view of `values` per sequence."""
    bounds = offsets.tolist()
    return [values[start:stop] for start, stop in pairwise(bounds)]


def unpad(X, lengths):
    """Cut the padding off sequences that were made equally long.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        Padded sequences, or what goes with each of their steps (targets, weights). The padding
        is behind the real steps; its value does not matter.
    lengths : array-like of int of shape (n_samples,)
        True number of steps of each sequence, from 1 to n_timesteps.

    Returns
    -------
    sequences : list of ndarray
        `X[i, :lengths[i]]` for each sequence: views, nothing is copied.

    Raises
    ------
    ValueError
        If the shapes do not match, or a length is out of range (the message says which).
    TypeError
        If `lengths` are not integers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import unpad
    >>> unpad(np.array([[1, 2, 0], [3, 4, 5]]), lengths=[2, 3])
    [array([1, 2]), array([3, 4, 5])]
    """
    X = as_array(X, "X")
    if X.ndim not in (2, 3):
        raise ValueError(
            "`X` must be padded to (n_samples, n_timesteps, n_features) or "
            f"(n_samples, n_timesteps); got shape {X.shape}."
        )
    lengths = as_array(lengths, "lengths")
    if lengths.shape != X.shape[:1]:
        raise ValueError(
            f"`lengths` must have shape {X.shape[:1]}, one per sequence of `X`; "
            f"got shape {lengths.shape}."
        )
    if lengths.dtype.kind not in "iu":
        raise TypeError(f"`lengths` must be integers; got dtype {lengths.dtype}.")
    bad = np.flatnonzero((lengths < 1) | (lengths > X.shape[1]))
    if len(bad):
        i = bad[0]
        raise ValueError(
            f"`lengths` must be from 1 to the {X.shape[1]} steps of `X`; "
            f"`lengths[{i}]` is {lengths[i]}."
        )
    return [sequence[:length] for sequence, length in zip(X, lengths.tolist(), strict=True)]


# What an item is


def _length(item):
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


def _is_array(item):
    """Tell whether an item is array-like with at least one axis, and no plain list."""
    if type(item) is np.ndarray:
        return item.ndim > 0
    ndim = getattr(item, "ndim", None)
    return hasattr(item, "__array__") if ndim is None else ndim > 0


def _is_sparse(item):
    return hasattr(item, "nnz") and hasattr(item, "toarray")


def as_array(item, name):
    """`np.asarray` that refuses what it would misread."""
    if _is_sparse(item):
        raise TypeError(
            f"`{name}` must be dense, got a sparse {type(item).__name__}: use .toarray()."
        )
    refuse_masked(item, name)
    if isinstance(item, (list, tuple)):
        for part in item:
            for each in part if isinstance(part, (list, tuple)) else [part]:
                refuse_masked(each, name)
    try:
        array = np.asarray(item)
    except (MemoryError, Warning):
        raise
    except Exception as error:  # `__array__` of somebody else may raise anything
        raise ValueError(
            f"`{name}` must be rectangular, with as many features at every step; "
            f"it cannot be read as one array ({error})."
        ) from error
    if array.dtype.kind == "U" and array.ndim == 1 and isinstance(item, (list, tuple)):
        if not all(isinstance(label, str) for label in item):  # NumPy would make strings of them
            raise ValueError(f"`{name}` must hold labels of one type, it has strings and others.")
    return array


def refuse_masked(item, name):
    """Refuse masked entries, whose values NumPy would uncover."""
    if isinstance(item, np.ma.MaskedArray) and np.ma.is_masked(item):
        raise ValueError(
            f"`{name}` must not have masked entries, it has {np.ma.count_masked(item)}: "
            "fill them, or leave those steps out."
        )


def as_numbers(item, name):
    """`as_array` that refuses what are no real numbers."""
    array = _numbers_of_objects(as_array(item, name))
    check_numeric(array.dtype, name)
    return array


def _items(X, name):
    """List the items of a ragged carrier as plain ndarrays."""
    if not isinstance(X, (list, tuple)) and getattr(X, "ndim", None) != 1:
        raise TypeError(
            f"`{name}` must be a list, tuple or 1-D object array with one sequence per item; "
            f"got {type(X).__name__}."
        )
    items = list(X)
    if not items:
        raise ValueError(f"`{name}` must hold at least one sequence, it is empty.")
    if any(type(item) is not np.ndarray for item in items):
        _check_columns(items, name)
        items = [as_array(item, f"{name}[{i}]") for i, item in enumerate(items)]
    return items


def first_frame(items):
    """Return the first item that has names of columns, or None."""
    return next((item for item in items if hasattr(item, "columns")), None)


def _check_columns(items, name):
    """Refuse frames whose columns have other names, or another order, than the first one's."""
    frame = first_frame(items)
    if frame is None:
        return
    columns = list(frame.columns)
    for i, item in enumerate(items):
        if hasattr(item, "columns") and list(item.columns) != columns:
            raise ValueError(
                f"`{name}` must have the same columns in all frames, in the same order: the first "
                f"has {columns}, `{name}[{i}]` has {list(item.columns)}."
            )


def _first(items, condition):
    return next(i for i, item in enumerate(items) if condition(item))


def _check_items(items, name, *, numeric):
    """Check that items are all (n_timesteps_i,) or all (n_timesteps_i, k), of numbers or labels."""
    ndims = {item.ndim for item in items}
    if not ndims <= {1, 2}:
        i = _first(items, lambda item: item.ndim not in (1, 2))
        what = f"has shape {items[i].shape}" if items[i].ndim else f"is {items[i].item()!r}"
        raise ValueError(
            f"`{name}` must hold one sequence per item, (n_timesteps,) or "
            f"(n_timesteps, n_features); `{name}[{i}]` {what}."
        )
    if len(ndims) > 1:
        i = _first(items, lambda item: item.ndim != items[0].ndim)
        raise ValueError(
            f"`{name}` must hold sequences of one kind: `{name}[0]` is {items[0].ndim}-D, "
            f"`{name}[{i}]` is {items[i].ndim}-D."
        )
    if not all(map(len, items)):
        i = _first(items, lambda item: len(item) == 0)
        raise ValueError(
            f"`{name}` must have at least 1 step in each sequence, `{name}[{i}]` has none."
        )
    if ndims == {2} and len({item.shape[1] for item in items}) > 1:
        width = items[0].shape[1]
        i = _first(items, lambda item: item.shape[1] != width)
        what = "features" if name.startswith("X") else "columns"
        raise ValueError(
            f"`{name}` must have the same {what} in all sequences: `{name}[0]` has {width}, "
            f"`{name}[{i}]` has {items[i].shape[1]}."
        )
    families = {family(dtype) for dtype in {item.dtype for item in items}}
    if numeric and families != {"numbers"}:
        i = _first(items, lambda item: family(item.dtype) != "numbers")
        check_numeric(items[i].dtype, f"{name}[{i}]")
    if len(families) > 1 and families != {"strings", "objects"}:
        first = family(items[0].dtype)
        i = _first(items, lambda item: family(item.dtype) != first)
        raise ValueError(
            f"`{name}` must hold labels of one type: `{name}[0]` holds {first}, "
            f"`{name}[{i}]` {family(items[i].dtype)}."
        )


def family(dtype):
    """Name what a dtype holds, in the words of the errors."""
    return _FAMILIES.get(dtype.kind, "something else")


def check_numeric(dtype, name):
    """Refuse a dtype that is not one of real numbers."""
    if family(dtype) != "numbers":
        raise ValueError(
            f"`{name}` must hold real numbers, it holds {family(dtype)} ({dtype}): "
            "encode or convert them first."
        )


def _numbers_of_objects(array):
    """Read an object array that holds plain numbers, as scikit-learn does for X."""
    if array.dtype == object and not holds_times(array):
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError, ArithmeticError):
            pass
    return array


def holds_times(array):
    """Tell whether an object array has dates or durations, which NumPy would take for numbers."""
    return any(isinstance(value, (np.datetime64, np.timedelta64)) for value in array.flat)


def _check_weights(weights, offsets, name):
    """Refuse negative weights (n_steps,)."""
    if weights.min() < 0:
        step = int(np.flatnonzero(weights < 0)[0])
        i, _ = _locate(offsets, step)
        raise ValueError(f"`{name}` must not be negative, it is {weights[step]} in sequence {i}.")


def _float_dtype(dtypes):
    """Choose float32 if nothing is wider, else float64; integers and bools are float64."""
    narrow = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in dtypes)
    return np.dtype(np.float32 if narrow else np.float64)


def _join(items, dtype, name):
    """Concatenate, C-contiguous whatever the items' layout; dtype None keeps the common one."""
    if dtype is None:
        values = np.ascontiguousarray(np.concatenate(items))
        if values.dtype.kind == "f" and all(item.dtype.kind in "iu" for item in items):
            raise ValueError(
                f"`{name}` must have integers of one type, int64 and uint64 have none."
            )
        return values
    values = np.empty((sum(map(len, items)), *items[0].shape[1:]), dtype)
    with np.errstate(over="ignore"):  # `check_finite` reports it
        np.concatenate(items, out=values, casting="same_kind")
    return values


def _offsets(lengths):
    offsets = np.zeros(len(lengths) + 1, dtype=np.intp)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _locate(offsets, step):
    """Return (sequence, step of that sequence) of one row of a flat buffer."""
    i = int(np.searchsorted(offsets, step, side="right")) - 1
    return i, int(step - offsets[i])


def _noun(name):
    return "target" if name.startswith("y") else "value"
