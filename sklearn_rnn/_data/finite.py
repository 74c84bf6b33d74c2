"""Refusal of NaN, infinity and numbers too large for a network, with their place and advice."""

from __future__ import annotations

import numpy as np

from . import arguments

# Elements checked at a time: few enough to stay in the L2 cache for a second pass.
_CHUNK = 1 << 16

# Largest number that a network may read: sums of larger ones overflow, and a gate silently takes
# the wrong value.
LARGEST_INPUT = {"float32": 1e30, "float64": 1e300}
_LARGEST_FLOAT = np.finfo(np.float64).max


def check_finite(packed, argument=arguments.X, *, allow_nan=False):
    """Refuse infinity in rows (n_steps, k), and NaN, naming the first sequence that has one."""
    refused = np.isinf if allow_nan else _is_not_finite
    n_columns = packed.values.shape[1]
    with np.errstate(invalid="ignore"):
        for chunk, start in _chunks(packed.values):
            if _within(chunk, -_LARGEST_FLOAT, _LARGEST_FLOAT):
                continue
            bad = np.flatnonzero(refused(chunk))
            if len(bad):  # none if another thread has changed them
                place = start + int(bad[0])
                raise _not_finite(packed, place // n_columns, chunk[bad[0]], argument)


def check_range(sequences, dtype, scaling=None, argument=arguments.X):
    """Refuse what a network of this dtype cannot read: NaN, infinity and numbers too large for it.

    scaling: mean and scale, each (n_features,), with which the network normalises X, or None.
    """
    limit, n_features = LARGEST_INPUT[dtype], sequences.n_features
    low, high = -limit, limit
    with np.errstate(over="ignore", invalid="ignore"):
        if scaling is not None:  # the narrowest bounds: within them, no column need be checked
            mean, scale = scaling
            low = max((mean - limit * scale).max(), -_LARGEST_FLOAT)
            high = min((mean + limit * scale).min(), _LARGEST_FLOAT)
        for chunk, start in _chunks(sequences.values):
            if _within(chunk, low, high):
                continue
            rows = chunk.reshape(-1, n_features).astype(np.float64)
            read = rows if scaling is None else (rows - mean) / scale
            bad = np.flatnonzero(~((np.abs(read) <= limit) & np.isfinite(rows)))
            if len(bad):  # none if only the narrowest bounds were exceeded
                row = (start + int(bad[0])) // n_features
                value, is_scaled = rows.flat[bad[0]], scaling is not None
                raise _too_large(sequences, row, value, dtype, is_scaled, argument)


def check_finite_rows(rows, argument):
    """Refuse NaN and infinity in an array with one row per sequence, (n_rows,) or (n_rows, k)."""
    bad = ~np.isfinite(rows)
    if bad.any():
        i = np.unravel_index(int(np.argmax(bad)), rows.shape)
        what = "NaN" if np.isnan(rows[i]) else "infinity"
        where = ", ".join(map(str, i))
        raise ValueError(
            f"`{argument}` must be finite: `{argument}[{where}]` is {what}. "
            f"{argument.hint_at_missing}"
        )


def _is_not_finite(values):
    return ~np.isfinite(values)


def _chunks(rows):
    """Cut rows (n_steps, k) into flat views of a few whole rows, each with its first index."""
    n_columns, values = rows.shape[1], rows.reshape(-1)
    size = max(1, _CHUNK // n_columns) * n_columns
    return ((values[start : start + size], start) for start in range(0, len(values), size))


def _within(chunk, low, high):
    """Tell whether all numbers lie within bounds, in two passes without a temporary array."""
    # A NaN makes both comparisons false. The bounds are float64, because as float32 they would be
    # infinite.
    return low <= np.float64(chunk.min()) and np.float64(chunk.max()) <= high


def _not_finite(packed, row, value, argument):
    """Return the error about a value in one of the rows."""
    i, t = packed.locate(row)
    what = "NaN" if np.isnan(value) else "infinity"
    if argument.holds != "features":
        hint = argument.hint_at_missing
    elif np.isnan(value):
        hint = hint_at_nan(packed, i, argument)
    else:
        hint = "Replace it by a number, or leave this step out."
    return ValueError(f"`{argument}` must be finite: sequence {i} has {what} at step {t}. {hint}")


def _too_large(sequences, row, value, dtype, is_scaled, argument):
    """Return the error about a value that a network cannot read."""
    if not np.isfinite(value):
        return _not_finite(sequences, row, value, argument)
    i, t = sequences.locate(row)
    units = ", in units of its scale in fit," if is_scaled else ""
    advice = "Look for outliers" if is_scaled else "Scale it (normalize_X=True does)"
    advice += ", or use dtype='float64'" if dtype == "float32" else ""
    return ValueError(
        f"`{argument}` must be at most {LARGEST_INPUT[dtype]:g} in absolute value{units} with "
        f"dtype={dtype!r}: sequence {i} has {value:.4g} at step {t}. {advice}."
    )


def hint_at_nan(sequences, i, argument=arguments.X):
    """Return the advice about NaN in X for an error; sequence i is the first that has it."""
    start, stop = sequences.offsets[i : i + 2]
    items = f"from_nested({argument})" if sequences.carrier == "nested" else argument
    if _is_padded(sequences.values[start:stop], [0]) and looks_padded(sequences):
        cut = f"[x[~np.isnan(x).reshape(len(x), -1).all(axis=1)] for x in {items}]"
        if sequences.is_array:
            cut = f"sklearn_rnn.preprocessing.from_padded({argument})"
        return f"NaN occurs only at the ends of sequences: if it is padding, cut it off with {cut}."
    fill = f"sklearn_rnn.preprocessing.SequenceImputer('linear').fit_transform({argument})"
    return (
        f"Fill it first, for example by linear interpolation, {fill}, or make SequenceImputer the "
        "first step of a Pipeline."
    )


def looks_padded(sequences):
    """Tell whether NaN occurs only as whole steps at the ends of sequences."""
    return _is_padded(sequences.values, sequences.offsets[:-1])


def _is_padded(values, starts):
    """Tell whether NaN occurs only as whole steps at the ends of sequences that are not all NaN."""
    nan = np.isnan(values)
    gaps = nan.all(axis=1)
    if not np.array_equal(gaps, nan.any(axis=1)) or gaps[starts].any():
        return False
    # A step after a gap must be the first of another sequence, or another gap.
    after = np.flatnonzero(gaps[:-1] & ~gaps[1:]) + 1
    return bool(np.isin(after, starts).all())
