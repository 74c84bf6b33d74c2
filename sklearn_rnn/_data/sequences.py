"""Conversion of sequences in every form (carrier) to one flat buffer with offsets, and back.

Carriers: a 3-D array, a 2-D array (one feature per step), or a list, tuple or object array with one
sequence per item. NumPy only; the axis order is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .frames import (
    column_names,
    frame_of_labels,
    holds_integers,
    holds_lists,
    is_column,
    is_frame,
    read_column,
    read_frame,
    rows_of_lists,
)
from .values import (
    NO_COMMON_INTEGER,
    check_numeric,
    families_in_lists,
    family,
    filled,
    hint_at_weight,
    is_missing,
    numbers_of_objects,
    of_integers,
    settled_labels,
)

# Elements checked at a time: few enough to stay in the L2 cache for a second pass.
_CHUNK = 1 << 16

# Largest number that a network may read: sums of larger ones overflow, and a gate silently takes
# the wrong value.
LARGEST_INPUT = {"float32": 1e30, "float64": 1e300}


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
        """Copy some sequences, in the order of `indices`, which are integers or a mask."""
        lengths = self.lengths[indices]
        offsets = _offsets(lengths)
        # Row r of sequence j of the result is row r + shift[j] of the buffer.
        shift = self.offsets[:-1][indices] - offsets[:-1]
        rows = np.arange(offsets[-1]) + np.repeat(shift, lengths)
        return Sequences(self.values[rows], offsets, self.kind)


def is_ragged(X):
    """Tell whether X must be read one sequence per item; otherwise `np.asarray` reads it."""
    if not isinstance(X, (list, tuple)):
        is_object = getattr(getattr(X, "dtype", None), "kind", None) == "O" and X.ndim == 1
        if is_object and not holds_lists(X):
            return len(X) == 0 or any(_length(item) is not None for item in X)
        return holds_lists(X)
    if len(X) == 0 or any(_is_array(item) for item in X):
        return True
    widths = {_length(item) for item in X}
    if len(widths) == 1 and None not in widths:  # rows of nested lists, if those agree as well
        widths = {_length(step) for item in X for step in item}
    return len(widths) > 1


def pack(X, *, name="X"):
    """Copy a list, tuple or object array of (n_timesteps_i, n_features) or (n_timesteps_i,)."""
    items = _items(X, name, numeric=True)
    _check_items(items, name, numeric=True)
    values = _join(items, _float_dtype({item.dtype for item in items}), name)
    lengths = np.fromiter(map(len, items), np.intp, len(items))
    if items[0].ndim == 1:
        values = values[:, np.newaxis]
    if values.shape[1] == 0:
        raise ValueError(
            f"`{name}` must have at least 1 feature per step, "
            f"but `{name}[0]` has shape {items[0].shape}."
        )
    return Sequences(values, _offsets(lengths), "ragged")


def from_dense(X, *, name="X"):
    """View a 2-D or 3-D numeric array as sequences, without a copy where the layout allows it."""
    X = _numbers(X, name)
    if X.ndim not in (2, 3):
        raise ValueError(
            f"`{name}` must be 3-D (n_samples, n_timesteps, n_features), 2-D (n_samples, "
            f"n_timesteps) or hold one sequence per item; got an array of shape {X.shape}."
        )
    for size, what in zip(X.shape, ("sequence", "step", "feature per step"), strict=False):
        if size == 0:
            raise ValueError(f"`{name}` must have at least 1 {what}; got shape {X.shape}.")
    check_numeric(X.dtype, name, X)
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

    scaling: mean and scale, each (n_features,), with which the network normalises X, or None.
    """
    _check_range(sequences, LARGEST_INPUT[dtype], scaling, name, dtype)


def _check_range(sequences, limit, scaling, name, dtype):
    values, n_features = sequences.values.reshape(-1), sequences.n_features
    low, high = -limit, limit
    if scaling is not None:  # the narrowest bounds: within them, no column need be checked
        mean, scale = scaling
        finite = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            low = max((mean - limit * scale).max(), -finite)
            high = min((mean + limit * scale).min(), finite)
    step = max(1, _CHUNK // n_features) * n_features
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, len(values), step):
            chunk = values[start : start + step]
            # Two passes without a temporary; a NaN makes both comparisons false. The bounds are
            # float64, because as float32 they would be infinite.
            if low <= np.float64(chunk.min()) and np.float64(chunk.max()) <= high:
                continue
            rows = chunk.reshape(-1, n_features).astype(np.float64)
            read = rows if scaling is None else (rows - mean) / scale
            bad = np.flatnonzero(~((np.abs(read) <= limit) & np.isfinite(rows)))
            if len(bad) == 0:
                continue  # within the bounds of each column, or changed meanwhile
            i, t = _locate(sequences.offsets, (start + int(bad[0])) // n_features)
            value = rows.flat[bad[0]]
            if not np.isfinite(value):
                what = "NaN" if np.isnan(value) else "infinity"
                hint = f" {hint_at_nan(sequences, i, name)}" if np.isnan(value) else ""
                raise ValueError(
                    f"`{name}` must be finite: sequence {i} has {what} at step {t}.{hint}"
                )
            units = "" if scaling is None else ", in units of its scale in fit,"
            advice = "Scale it (normalize_X=True does)" if scaling is None else "Look for outliers"
            advice += ", or use dtype='float64'" if dtype == "float32" else ""
            raise ValueError(
                f"`{name}` must be at most {limit:g} in size{units} with dtype={dtype!r}: sequence "
                f"{i} has {value:.4g} at step {t}. {advice}."
            )


def hint_at_nan(sequences, i, name="X"):
    """Return the advice about NaN for an error; sequence i is the first that has it."""
    if not name.startswith("X"):
        of_weights = name.startswith("sample_weight")
        return "Use weight 0 for what must not count." if of_weights else hint_at_weight(name)
    start, stop = sequences.offsets[i : i + 2]
    if _is_padded(sequences.values[start:stop], [0]) and _is_padded(
        sequences.values, sequences.offsets[:-1]
    ):
        lengths = {
            "2d": f"unpad({name}, (~np.isnan({name})).sum(axis=1))",
            "3d": f"unpad({name}, (~np.isnan({name}).all(axis=2)).sum(axis=1))",
        }
        cut = f"[x[~np.isnan(x).reshape(len(x), -1).all(axis=1)] for x in {name}]"
        return (
            "NaN occurs only at the ends of sequences: if it is padding, cut it off with "
            f"{lengths.get(sequences.kind, cut)}."
        )
    if sequences.kind == "2d":
        fill = f"pd.DataFrame({name}).ffill(axis=1).bfill(axis=1).to_numpy()"
    else:
        fill = f"[pd.DataFrame(x).ffill().bfill().to_numpy() for x in {name}]"
    return f"Fill it first, for example with the value before it: {fill}."


def _is_padded(values, starts):
    """Tell whether NaN occurs only as whole steps at the ends of sequences that are not all NaN."""
    nan = np.isnan(values)
    gaps = nan.all(axis=1)
    if not np.array_equal(gaps, nan.any(axis=1)) or gaps[starts].any():
        return False
    # A step after a gap must be the first of another sequence, or another gap.
    after = np.flatnonzero(gaps[:-1] & ~gaps[1:]) + 1
    return bool(np.isin(after, starts).all())


def read_steps(y, *, name="y", numeric=True):
    """Read one value per step, in any carrier, as (values, offsets), the input of `settle`.

    values is (n_steps,) or (n_steps, k): floats (numeric), or unchanged labels.
    """
    if not is_ragged(y):
        y = _numbers(y, name) if numeric else as_labels(y, name)
        if y.ndim not in (2, 3) or y.size == 0:
            raise ValueError(
                f"`{name}` must have one {_noun(name)} per step: (n_samples, n_timesteps[, k]) or "
                f"one array per sequence; got shape {y.shape}."
            )
        if numeric:
            check_numeric(y.dtype, name, y)
            with np.errstate(over="ignore"):  # `check_finite` reports it
                y = y.astype(_float_dtype({y.dtype}), copy=False)
        n_samples, n_timesteps = y.shape[:2]
        offsets = np.arange(n_samples + 1, dtype=np.intp) * n_timesteps
        values = np.ascontiguousarray(y).reshape(n_samples * n_timesteps, *y.shape[2:])
    else:
        items = _items(y, name, numeric=numeric)
        _check_items(items, name, numeric=numeric)
        dtype = _float_dtype({item.dtype for item in items}) if numeric else None
        values = _join(items, dtype, name)
        if values.size == 0:
            raise ValueError(f"`{name}` must have one {_noun(name)} per step, got none.")
        offsets = _offsets(np.fromiter(map(len, items), np.intp, len(items)))
    return values, offsets


def settle(values, offsets, y, taught=None, *, name="y", numeric=True):
    """Check and return the values that `read_steps` read from y.

    Steps outside the mask `taught` (n_steps,) may hold anything, and get the value of the first
    taught step.
    """
    if numeric:
        values = filled(values, taught)
        flat = Sequences(values.reshape(len(values), -1), offsets, "ragged")
        check_finite(flat, name=name)
        return values
    if taught is not None and values.ndim == 2:
        taught = np.repeat(taught, values.shape[1])

    def where(row):
        i, step = _locate(offsets, row * len(values) // max(values.size, 1))
        return f"sequence {i} has {{what}} at step {step}"

    natural = isinstance(y, (list, tuple)) and not any(_is_array(item) for item in y)
    labels = settled_labels(values.reshape(-1), name, taught, natural=natural, where=where)
    return labels.reshape(values.shape)


def pack_steps(y, sequences, *, name="y", numeric=True, taught=None):
    """Read one value per step; each length must be that of its sequence.

    Steps outside the mask `taught` (n_steps,) may hold anything, and get the value of the first
    taught step.
    """
    rows = y if taught is None else _without_gaps(y, sequences, taught)
    values, offsets = read_steps(rows, name=name, numeric=numeric)
    check_offsets(offsets, sequences, name)
    return settle(values, offsets, y, taught, name=name, numeric=numeric)


def check_offsets(offsets, sequences, name):
    """Refuse values whose number or lengths of sequences differ from those of X."""
    if len(offsets) != len(sequences.offsets):
        raise ValueError(
            f"`{name}` must have one {_noun(name)} per step of {sequences.n_samples} sequences, "
            f"got {len(offsets) - 1} sequences."
        )
    if not np.array_equal(offsets, sequences.offsets):
        lengths = np.diff(offsets)
        i = int(np.flatnonzero(lengths != sequences.lengths)[0])
        raise ValueError(
            f"`{name}` must have one {_noun(name)} per step: sequence {i} has "
            f"{sequences.lengths[i]} steps, but `{name}[{i}]` has {lengths[i]}."
        )


def _without_gaps(y, sequences, taught):
    """Replace None, or another missing value, that stands for all steps of an untaught sequence."""
    if not is_ragged(y) or len(y) != sequences.n_samples:
        return y
    y = rows_of_lists(y) if holds_lists(y) else list(y)
    gaps = [i for i, item in enumerate(y) if _length(item) is None and is_missing(item)]
    if gaps and len(gaps) < len(y):
        shape = np.shape(next(item for item in y if _length(item) is not None))
        for i in gaps:
            start, stop = sequences.offsets[i : i + 2]
            if not taught[start:stop].any():
                y[i] = np.full((stop - start, *shape[1:]), None, dtype=object)
    return y


def step_weights(sample_weight, sequences, *, name="sample_weight"):
    """Read weights per sequence, or per step in any carrier, as float64 (n_steps,); None stays."""
    if sample_weight is None:
        return None
    if not is_ragged(sample_weight):
        sample_weight = as_numbers(sample_weight, name)
        if sample_weight.ndim == 1:
            if len(sample_weight) != sequences.n_samples:
                raise ValueError(
                    f"`{name}` must have one weight per sequence: there are {sequences.n_samples} "
                    f"sequences, but `{name}` has {len(sample_weight)}."
                )
            # Read as sequences of one step each.
            values, offsets = read_steps(sample_weight[:, np.newaxis], name=name)
            values = settle(values, offsets, sample_weight, name=name)
            _check_weights(values, offsets, name)
            return np.repeat(values.astype(np.float64), sequences.lengths)
    values = pack_steps(sample_weight, sequences, name=name)
    if values.ndim != 1:
        raise ValueError(
            f"`{name}` must have one number per step or per sequence, "
            f"got {values.shape[1]} per step."
        )
    _check_weights(values, sequences.offsets, name)
    return values.astype(np.float64, copy=False)


def relative(weights):
    """Scale weights so that the greatest is from 1/2 to 1, and sums neither overflow nor vanish.

    The factor is a power of two, so nothing is rounded.
    """
    _, exponent = np.frexp(weights.max())
    return np.ldexp(weights, -exponent)


def unpack_steps(values, sequences, dense):
    """Return values (n_steps, ...) as (n_samples, n_timesteps, ...) or as an object array."""
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
    """Remove the padding from sequences that were padded to equal length.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        Padded sequences, or targets or weights per step. The padding must come after the real
        steps; its value does not matter.
    lengths : array-like of int of shape (n_samples,)
        True number of steps of each sequence, from 1 to n_timesteps.

    Returns
    -------
    sequences : list of ndarray
        `X[i, :lengths[i]]` for each sequence, as views without a copy.

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
    X = as_labels(X, "X")  # may also be labels per step, padded with None
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
            f"`lengths` must be from 1 to the {X.shape[1]} steps of `X`, "
            f"but `lengths[{i}]` is {lengths[i]}."
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
    """Tell whether an item is array-like with at least one axis, and not a plain list."""
    if type(item) is np.ndarray:
        return item.ndim > 0
    ndim = getattr(item, "ndim", None)
    return hasattr(item, "__array__") if ndim is None else ndim > 0


def _refuse_records(item, name):
    """Refuse a named tuple, whose fields are not sequences, such as PyTorch's PackedSequence."""
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        raise TypeError(
            f"`{name}` must hold one sequence per item, got the named tuple {type(item).__name__} "
            f"of {', '.join(item._fields)}: give a list of sequences. Convert a packed sequence to "
            "a padded one, and that to a list with sklearn_rnn.unpad(X, lengths)."
        )


def _is_sparse(item):
    return hasattr(item, "nnz") and hasattr(item, "toarray")


def as_array(item, name):
    """Do as `np.asarray`, but refuse what it would misread."""
    if _is_sparse(item):
        raise TypeError(
            f"`{name}` must be dense, got a sparse {type(item).__name__}: use .toarray()."
        )
    refuse_masked(item, name)
    if isinstance(item, (list, tuple)):
        _refuse_records(item, name)
        for part in item:
            for each in part if isinstance(part, (list, tuple)) else [part]:
                refuse_masked(each, name)
    return _asarray(item, name)


def _asarray(item, name, dtype=None):
    try:
        return np.asarray(item, dtype=dtype)
    except (MemoryError, Warning):
        raise
    except Exception as error:  # a foreign `__array__` may raise anything
        raise ValueError(
            f"`{name}` must be rectangular, with the same number of features at every step; "
            f"it cannot be read as one array ({error})."
        ) from error


def refuse_masked(item, name):
    """Refuse masked entries, whose masks NumPy would drop."""
    if isinstance(item, np.ma.MaskedArray) and np.ma.is_masked(item):
        raise ValueError(
            f"`{name}` must not have masked entries, but has {np.ma.count_masked(item)}: "
            "fill them, or leave those steps out."
        )


def as_numbers(item, name):
    """Return an array or array-like as real numbers; missing values are NaN."""
    array = _numbers(item, name)
    check_numeric(array.dtype, name, array)
    return array


def _numbers(item, name):
    """Return an array of numbers, or unchanged if it holds others; frames must hold numbers."""
    if type(item) is np.ndarray and item.dtype.kind == "f":
        return item
    if is_frame(item):
        return read_frame(item, name)
    if is_column(item) and not holds_lists(item):
        return read_column(item, name)
    return numbers_of_objects(as_array(item, name))


def as_labels(item, name):
    """Return an array of labels that NumPy has not converted to another type; see `settle`."""
    if is_frame(item):
        return frame_of_labels(item, name)
    if isinstance(item, (list, tuple)):
        families = families_in_lists(item)
        if len(families) > 1 or families & {"missing", "members of an enumeration"}:
            _refuse_records(item, name)
            return _asarray(item, name, dtype=object)
        if any(label.endswith("\0") for label in item if isinstance(label, str)):
            raise ValueError(f"`{name}` has labels that end in NUL, which NumPy cuts off.")
        array = as_array(item, name)
        if array.dtype.kind == "f" and of_integers(_asarray(item, name, dtype=object)):
            raise ValueError(NO_COMMON_INTEGER.format(name=name))
        return array
    array = as_array(item, name)
    if array.dtype.kind == "f" and holds_integers(item):  # and NA, for which NumPy has no integer
        return as_labels(item.to_pylist() if hasattr(item, "to_pylist") else list(item), name)
    return array


def _items(X, name, *, numeric):
    """List the items of a ragged carrier as plain ndarrays."""
    if holds_lists(X):
        X = rows_of_lists(X)
    if not isinstance(X, (list, tuple)) and getattr(X, "ndim", None) != 1:
        raise TypeError(
            f"`{name}` must be a list, tuple or 1-D object array with one sequence per item; "
            f"got {type(X).__name__}."
        )
    _refuse_records(X, name)
    items = list(X)
    if not items:
        raise ValueError(f"`{name}` must hold at least one sequence, but is empty.")
    if any(type(item) is not np.ndarray or item.dtype.kind == "O" for item in items):
        _check_columns(items, name)
        read = _numbers if numeric else as_labels
        items = [read(item, f"{name}[{i}]") for i, item in enumerate(items)]
    return items


def first_frame(items):
    """Return the first item that is a frame, or None."""
    return next((item for item in items if is_frame(item)), None)


def _check_columns(items, name):
    """Refuse frames whose column names, or their order, differ from those of the first one."""
    frame = first_frame(items)
    if frame is None:
        return
    columns = column_names(frame)
    for i, item in enumerate(items):
        if is_frame(item) and column_names(item) != columns:
            raise ValueError(
                f"`{name}` must have the same columns in all frames, in the same order: the first "
                f"has {columns}, but `{name}[{i}]` has {column_names(item)}."
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
            f"(n_timesteps, n_features), but `{name}[{i}]` {what}."
        )
    if len(ndims) > 1:
        i = _first(items, lambda item: item.ndim != items[0].ndim)
        raise ValueError(
            f"`{name}` must hold sequences of one kind: `{name}[0]` is {items[0].ndim}-D, "
            f"but `{name}[{i}]` is {items[i].ndim}-D."
        )
    if not all(map(len, items)):
        i = _first(items, lambda item: len(item) == 0)
        raise ValueError(
            f"`{name}` must have at least 1 step in each sequence, but `{name}[{i}]` has none."
        )
    if ndims == {2} and len({item.shape[1] for item in items}) > 1:
        width = items[0].shape[1]
        i = _first(items, lambda item: item.shape[1] != width)
        what = "features" if name.startswith("X") else "columns"
        swapped = ""
        if what == "features" and len({len(item) for item in items}) == 1:
            swapped = (
                f" The axes look swapped, (n_features, n_timesteps): give [x.T for x in {name}]."
            )
        raise ValueError(
            f"`{name}` must have the same {what} in all sequences: `{name}[0]` has {width}, "
            f"but `{name}[{i}]` has {items[i].shape[1]}.{swapped}"
        )
    families = {family(dtype) for dtype in {item.dtype for item in items}}
    if numeric and families != {"numbers"}:
        i = _first(items, lambda item: family(item.dtype) != "numbers")
        check_numeric(items[i].dtype, f"{name}[{i}]", items[i])
    if len(families - {"objects"}) > 1:  # objects are checked after all are concatenated
        first = family(items[_first(items, lambda item: item.dtype.kind != "O")].dtype)
        i = _first(items, lambda item: family(item.dtype) not in (first, "objects"))
        raise ValueError(
            f"`{name}` must hold labels of one type: `{name}[0]` holds {first}, "
            f"but `{name}[{i}]` holds {family(items[i].dtype)}."
        )


def _check_weights(weights, offsets, name):
    """Refuse negative weights (n_steps,)."""
    if weights.min() < 0:
        step = int(np.flatnonzero(weights < 0)[0])
        i, _ = _locate(offsets, step)
        raise ValueError(f"`{name}` must not be negative, got {weights[step]} in sequence {i}.")


def _float_dtype(dtypes):
    """Choose float32 if no dtype is wider, else float64; integers and bools become float64."""
    narrow = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in dtypes)
    return np.dtype(np.float32 if narrow else np.float64)


def _join(items, dtype, name):
    """Concatenate, C-contiguous whatever the items' layout; dtype None keeps the common one."""
    if dtype is None:
        values = np.ascontiguousarray(np.concatenate(items))
        if values.dtype.kind == "f" and all(item.dtype.kind in "iu" for item in items):
            raise ValueError(NO_COMMON_INTEGER.format(name=name))
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
    """Return the sequence, and the step in it, of one row of a flat buffer."""
    i = int(np.searchsorted(offsets, step, side="right")) - 1
    return i, int(step - offsets[i])


def _noun(name):
    return "target" if name.startswith("y") else "value"
