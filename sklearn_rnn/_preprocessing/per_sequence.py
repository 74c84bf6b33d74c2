"""Scaling of each sequence by its own statistics."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .statistics import CHUNK, check_no_overflow, median_and_range, without_zeros


def scale_each(sequences, scales, *, with_mean, with_std, width=1.0, low=0.0):
    """Return the values (n_steps, n_features) of sequences, each scaled by its own statistics.

    scales: one of `SCALES`, with its quantile_range.
    """
    values = sequences.values
    result = np.empty_like(values)
    for offsets in _groups(sequences.offsets, max(1, CHUNK // values.shape[1])):
        rows = values[offsets[0] : offsets[-1]].astype(np.float64)
        lengths, starts = np.diff(offsets), offsets[:-1] - offsets[0]
        center, scale = scales(rows, starts, lengths)
        if with_mean:
            rows -= np.repeat(center, lengths, axis=0)
        if with_std:
            rows /= np.repeat(scale, lengths, axis=0)
        result[offsets[0] : offsets[-1]] = rows * width + low
    if np.isinf(result).any():
        raise ValueError(f"`X` must hold smaller numbers: the result overflows {values.dtype}.")
    return result


def standard_scales(rows, starts, lengths, quantile_range=None):
    """Return mean and standard deviation (n_samples, n_features) of each sequence.

    rows (n_steps, n_features) in float64, where NaN is missing; sequences begin at `starts`.
    """
    least, greatest = np.fmin.reduceat(rows, starts), np.fmax.reduceat(rows, starts)
    n = np.add.reduceat((~np.isnan(rows)).astype(np.float64), starts)
    # Subtract the middle, so that a large offset costs no digits, and divide by the largest
    # distance, so that squares of tiny distances do not underflow.
    middle = least / 2 + greatest / 2
    unit = np.maximum(greatest - middle, middle - least)
    check_no_overflow(unit[n > 0], what="range")
    unit[unit == 0] = 1.0
    deviations = rows - np.repeat(middle, lengths, axis=0)
    deviations /= np.repeat(unit, lengths, axis=0)
    deviations[np.isnan(deviations)] = 0.0
    mean = np.add.reduceat(deviations, starts) / n
    deviations -= np.repeat(mean, lengths, axis=0)
    deviations[np.isnan(rows)] = 0.0
    deviation = unit * np.sqrt(np.add.reduceat(np.square(deviations), starts) / n)
    mean = np.where(least == greatest, least, middle + unit * mean)
    return mean, np.where(least == greatest, 1.0, without_zeros(deviation, mean, mean))


def minmax_scales(rows, starts, lengths, quantile_range=None):
    """Return minimum and range (n_samples, n_features) of each sequence."""
    least, greatest = np.fmin.reduceat(rows, starts), np.fmax.reduceat(rows, starts)
    width = greatest - least
    check_no_overflow(width[~np.isnan(least)], what="range")
    return least, without_zeros(width, least, greatest)


def robust_scales(rows, starts, lengths, quantile_range):
    """Return median and range between two quantiles (n_samples, n_features) of each sequence."""
    center, scale = np.empty((2, len(starts), rows.shape[1]))
    for i, (start, n) in enumerate(zip(starts, lengths, strict=True)):
        center[i], scale[i] = median_and_range(rows[start : start + n], quantile_range)
    return center, scale


SCALES = {"standard": standard_scales, "minmax": minmax_scales, "robust": robust_scales}


def _groups(offsets, n_rows):
    """Cut offsets into groups of whole sequences with about `n_rows` rows each."""
    # Each group ends with the first sequence that reaches the next multiple of n_rows.
    ends = np.searchsorted(offsets, np.arange(n_rows, offsets[-1] + n_rows, n_rows))
    ends = np.unique(np.minimum(ends, len(offsets) - 1))
    return [offsets[start : end + 1] for start, end in pairwise([0, *ends.tolist()])]
