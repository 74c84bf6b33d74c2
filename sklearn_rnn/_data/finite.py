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


def check_finite(packed, argument=arguments.X):
    """Refuse NaN and infinity in rows (n_steps, k), naming the first sequence that has one."""
    values = packed.values.reshape(-1)
    for chunk, start in _chunks(values, packed.values.shape[1]):
        if _within(chunk, -_LARGEST_FLOAT, _LARGEST_FLOAT):
            continue
        bad = np.flatnonzero(~np.isfinite(chunk))
        if len(bad):  # none if they changed meanwhile
            raise _not_finite(packed, start + int(bad[0]), chunk[bad[0]], argument)


def check_range(sequences, dtype, scaling=None, argument=arguments.X):
    """Refuse what a network of this dtype cannot read: NaN, infinity and numbers too large for it.

    scaling: mean and scale, each (n_features,), with which the network normalises X, or None.
    """
    limit, n_features = LARGEST_INPUT[dtype], sequences.n_features
    low, high = -limit, limit
    if scaling is not None:  # the narrowest bounds: within them, no column need be checked
        mean, scale = scaling
        with np.errstate(over="ignore"):
            low = max((mean - limit * scale).max(), -_LARGEST_FLOAT)
            high = min((mean + limit * scale).min(), _LARGEST_FLOAT)
    for chunk, start in _chunks(sequences.values.reshape(-1), n_features):
        if _within(chunk, low, high):
            continue
        rows = chunk.reshape(-1, n_features).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            read = rows if scaling is None else (rows - mean) / scale
            bad = np.flatnonzero(~((np.abs(read) <= limit) & np.isfinite(rows)))
        if len(bad) == 0:
            continue  # within the bounds of each column, or changed meanwhile
        place, value = start + int(bad[0]), rows.flat[bad[0]]
        if not np.isfinite(value):
            raise _not_finite(sequences, place, value, argument)
        i, t = sequences.locate(place // n_features)
        units = "" if scaling is None else ", in units of its scale in fit,"
        advice = "Scale it (normalize_X=True does)" if scaling is None else "Look for outliers"
        advice += ", or use dtype='float64'" if dtype == "float32" else ""
        raise ValueError(
            f"`{argument}` must be at most {limit:g} in size{units} with dtype={dtype!r}: sequence "
            f"{i} has {value:.4g} at step {t}. {advice}."
        )


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


def _chunks(values, n_columns):
    """Cut values (n_steps * n_columns,) into views of whole rows, each with its first index."""
    size = max(1, _CHUNK // n_columns) * n_columns
    return ((values[start : start + size], start) for start in range(0, len(values), size))


def _within(chunk, low, high):
    """Tell whether all numbers lie within bounds, in two passes without a temporary array."""
    # A NaN makes both comparisons false. The bounds are float64, because as float32 they would be
    # infinite.
    with np.errstate(invalid="ignore"):
        return low <= np.float64(chunk.min()) and np.float64(chunk.max()) <= high


def _not_finite(packed, place, value, argument):
    """Return the error about the value at a place of the flat buffer."""
    i, t = packed.locate(place // packed.values.shape[1])
    what = "NaN" if np.isnan(value) else "infinity"
    hint = ""
    if np.isnan(value):
        of_X = argument.holds == "features"
        hint = " " + (hint_at_nan(packed, i, argument) if of_X else argument.hint_at_missing)
    return ValueError(f"`{argument}` must be finite: sequence {i} has {what} at step {t}.{hint}")


def hint_at_nan(sequences, i, argument=arguments.X):
    """Return the advice about NaN in X for an error; sequence i is the first that has it."""
    start, stop = sequences.offsets[i : i + 2]
    if _is_padded(sequences.values[start:stop], [0]) and _is_padded(
        sequences.values, sequences.offsets[:-1]
    ):
        lengths = {
            "2d": f"unpad({argument}, (~np.isnan({argument})).sum(axis=1))",
            "3d": f"unpad({argument}, (~np.isnan({argument}).all(axis=2)).sum(axis=1))",
        }
        cut = f"[x[~np.isnan(x).reshape(len(x), -1).all(axis=1)] for x in {argument}]"
        return (
            "NaN occurs only at the ends of sequences: if it is padding, cut it off with "
            f"{lengths.get(sequences.carrier, cut)}."
        )
    if sequences.carrier == "2d":
        fill = f"pd.DataFrame({argument}).ffill(axis=1).bfill(axis=1).to_numpy()"
    else:
        fill = f"[pd.DataFrame(x).ffill().bfill().to_numpy() for x in {argument}]"
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
