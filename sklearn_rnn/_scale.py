"""Mean and standard deviation that neither overflow nor vanish where the values do not."""

import numpy as np


def weighted_scale(values, weights=None):
    """Return weighted mean and standard deviation (k,) of columns (n, k); weights are (n,) or None.

    A constant column has its value as mean, and exactly 0 as deviation. What overflows is not
    finite.
    """
    constant = values.min(axis=0) == values.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(values, axis=0, weights=weights)
        mean[constant] = values[0, constant]
        deviations = values - mean
        # Squares of what is at most 1 cannot overflow, nor all of them vanish.
        largest = np.abs(deviations).max(axis=0)
        largest[constant | (largest == 0)] = 1.0
        variance = np.average((deviations / largest) ** 2, axis=0, weights=weights)
        scale = largest * np.sqrt(variance)
    scale[constant] = 0.0
    return mean, scale


def merged_scale(mean, scale, total, other_mean, other_scale, other_total):
    """Return mean and standard deviation (k,) of two groups together, of these total weights."""
    share = other_total / (total + other_total)
    shift = other_mean - mean
    largest = np.maximum(np.maximum(scale, other_scale), np.abs(shift))
    unit = np.where(largest > 0, largest, 1.0)
    variance = (
        (1 - share) * (scale / unit) ** 2
        + share * (other_scale / unit) ** 2
        + share * (1 - share) * (shift / unit) ** 2
    )
    return mean + share * shift, unit * np.sqrt(variance)
