"""The statistics that SequenceScaler learns from rows (n_steps, n_features); NaN is missing.

Each `learn_*` returns fitted attributes. `before` holds those of earlier calls, which are updated.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from numbers import Real

import numpy as np

from .._data.moments import ROUNDING, Moments, weighted_chunks
from .._data.weights import relative

# Elements converted to float64 at a time.
CHUNK = 1 << 15


def learn_standard(values, weights, before=None):
    """Return mean, variance and standard deviation of each column."""
    n_columns = values.shape[1]
    counts = _counts(values, weights)
    totals, blocks = counts, [slice(0, n_columns)]
    if before is not None:
        totals = before["n_steps_seen_"] + counts
    if np.ndim(totals):  # some columns have more NaN than others
        totals, counts = (np.broadcast_to(n, n_columns) for n in (totals, counts))
        blocks = [slice(j, j + 1) for j in range(n_columns)]
    mean, deviation, constant = np.full((3, n_columns), np.nan)
    for block in blocks:
        moments = _block_moments(values, weights, counts, before, block)
        if moments is not None:
            mean[block], deviation[block] = moments.mean, moments.deviation
            constant[block] = moments.constant
    with np.errstate(over="ignore", under="ignore"):
        var = deviation**2
    unseen = np.broadcast_to(totals, n_columns) == 0
    check_no_overflow(mean[~unseen], var[~unseen], what="variance")
    return {
        "mean_": mean,
        "var_": var,
        "scale_": np.where(constant == 1, 1.0, deviation),
        "n_steps_seen_": _one_if_equal(totals),
    }


def learn_minmax(values, weights, before=None):
    """Return minimum, maximum and range of each column."""
    totals = _counts(values, weights)
    seen = values if weights is None else values[weights > 0]
    least = np.fmin.reduce(seen, axis=0, initial=np.nan).astype(np.float64)
    greatest = np.fmax.reduce(seen, axis=0, initial=np.nan).astype(np.float64)
    if before is not None:
        totals = before["n_steps_seen_"] + totals
        least = np.fmin(least, before["data_min_"])
        greatest = np.fmax(greatest, before["data_max_"])
    with np.errstate(over="ignore"):
        width = greatest - least
    check_no_overflow(width[~np.isnan(least)], what="range")
    return {
        "data_min_": least,
        "data_max_": greatest,
        "scale_": without_zeros(width, least, greatest),
        "n_steps_seen_": _one_if_equal(totals),
    }


def learn_robust(values, quantile_range):
    """Return the median of each column, and the range between two quantiles (in percent)."""
    center, scale = median_and_range(values, quantile_range)
    totals = _one_if_equal(_counts(values, None))
    return {"center_": center, "scale_": scale, "n_steps_seen_": totals}


def median_and_range(values, quantile_range):
    """Return the median of each column, and the range between two quantiles, 1 for constants."""
    percents = [quantile_range[0], 50, quantile_range[1]]
    quantiles = np.full((3, values.shape[1]), np.nan)
    if not np.isnan(values.min()):
        quantiles = np.percentile(values.astype(np.float64, copy=False), percents, axis=0)
    else:
        for j, column in enumerate(values.T):
            seen = column[~np.isnan(column)].astype(np.float64)
            if len(seen):
                quantiles[:, j] = np.percentile(seen, percents)
    with np.errstate(over="ignore", invalid="ignore"):
        width = quantiles[2] - quantiles[0]
    unseen = np.isnan(np.fmin.reduce(values, axis=0))
    check_no_overflow(quantiles[1, ~unseen], width[~unseen], what="range")
    return quantiles[1], without_zeros(width, quantiles[0], quantiles[2])


def without_zeros(width, least, greatest):
    """Return the width of ranges, or 1 for columns that are constant up to rounding."""
    constant = width <= ROUNDING * np.maximum(np.abs(least), np.abs(greatest))
    return np.where(constant, 1.0, width)


def check_no_overflow(*arrays, what):
    """Refuse statistics that are not finite."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"`X` must hold smaller numbers: their {what} overflows float64.")


def check_steps_seen(n, shape):
    """Return which features (n_features,) have been seen, or True for all; refuse a damaged `n`."""
    if isinstance(n, np.ndarray) and n.shape == shape and n.dtype.kind in "iuf":
        if (n >= 0).all() and np.isfinite(n).all():
            return n > 0
    elif isinstance(n, Real) and 0 <= n < np.inf:
        return n > 0
    raise ValueError(f"`n_steps_seen_` must be positive, got {n!r}: the state is damaged.")


def check_statistic(name, array, shape, seen):
    """Refuse a damaged array (n_features,); only features that were not seen may be NaN."""
    least = {"var_": 0.0, "scale_": float(np.nextafter(0, 1))}.get(name, -np.inf)
    fits = isinstance(array, np.ndarray) and array.dtype == np.float64 and array.shape == shape
    if fits:
        numbers = array.tolist()  # a few numbers are checked far faster in Python
        if all(map(isfinite, numbers)) and min(numbers) >= least:
            return
        fits = bool(np.isfinite(array[np.broadcast_to(seen, shape)]).all())
    if not fits:
        wanted = f"a finite float64 array of shape {shape}"
    elif np.fmin.reduce(array, initial=np.inf) < least:
        wanted = "positive" if name == "scale_" else "not negative"
    else:
        return
    raise ValueError(f"`{name}` must be {wanted}, got {array!r}: the state is damaged.")


def _counts(values, weights):
    """Return the total weight of the rows, per column (n_columns,) if there are NaN."""
    gaps = np.isnan(values) if np.isnan(values.min()) else None
    with np.errstate(over="ignore"):
        total = len(values) if weights is None else float(weights.sum())
        if weights is None:
            counts = total if gaps is None else total - gaps.sum(axis=0)
        else:
            counts = total if gaps is None else weights @ ~gaps
    if not np.isfinite(total):
        raise ValueError("`sample_weight` must be smaller: the sum of all weights overflows.")
    return counts


def _one_if_equal(totals):
    """Return totals (n_columns,) as one number if they are equal."""
    if np.ndim(totals) and (totals == totals[0]).all():
        return totals[0].item()
    return totals


def _block_moments(values, weights, counts, before, block):
    """Return the moments of columns that are NaN in the same rows, or None if nothing is known."""
    moments = None if before is None else _moments_before(before, block)
    n_new = counts[block.start] if np.ndim(counts) else counts
    if n_new == 0:
        return moments
    rows = values[:, block]
    if np.ndim(counts):
        real = ~np.isnan(rows[:, 0])
        rows, weights = rows[real], None if weights is None else weights[real]
    new = replace(_moments_of(rows, weights), weight=n_new)
    return new if moments is None else moments + new


def _moments_before(before, block):
    """Return the moments of some columns from earlier calls, or None if there are none.

    before: the attributes that those calls returned.
    """
    total = before["n_steps_seen_"]
    total = total[block.start] if np.ndim(total) else total
    if total == 0:
        return None
    mean, var, scale = (before[name][block] for name in ("mean_", "var_", "scale_"))
    # A constant feature has scale 1; its deviation is in its variance.
    deviation = np.where(scale == 1, np.sqrt(var), scale)
    # The extremes are not stored: they are unknown for a feature that varies.
    unknown = np.where(deviation > 0, np.inf, 0.0)
    binary = np.zeros(len(deviation), dtype=bool)
    return Moments(0, total, mean, deviation, mean - unknown, mean + unknown, binary)


def _moments_of(values, weights):
    """Return the moments of rows (n_steps, n_features), some of which must have weight."""
    moments = None
    weights = None if weights is None else relative(weights)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the result
        for rows, own in weighted_chunks(values, weights, max(1, CHUNK // values.shape[1])):
            # Distances from one of the rows, so that a large offset costs no digits.
            origin = rows[0].astype(np.float64)
            new = Moments.of(rows - origin, own).moved(origin)
            moments = new if moments is None else moments + new
    return moments
