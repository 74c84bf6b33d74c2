"""Weighted mean and scale of columns, from sums that accumulate over calls."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .weights import relative

# Numbers processed at a time: few enough to stay in a cache.
CHUNK = 1 << 17
FEWEST_ROWS = 16
# Up to this many columns are turned into rows, along which NumPy is several times as fast.
NARROW = 32
# A constant column may have rounding noise.
ROUNDING = 10 * np.finfo(np.float64).eps
# Sums of squares between this and its inverse have neither overflowed nor lost digits.
SAFE_SQUARE = 1e-250
# The kernels take what is still smaller for 0, or could not divide by it.
LEAST_SCALES = {"float32": 1e-30, "float64": 1e-300}
# Bounds of a sum of weights, within which it can safely be divided by.
LEAST_WEIGHT, GREATEST_WEIGHT = 1e-300, 1e300


def weighted_scale(values, weights, constant):
    """Return weighted mean and standard deviation (k,) of columns (n, k); weights are (n,) or None.

    A constant column, marked in `constant` (k,), has its value as mean, and exactly 0 as deviation.
    Results that overflow are not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(values, axis=0, weights=weights)
        mean[constant] = values[0, constant]
        deviations = values - mean
        np.abs(deviations, out=deviations)
        # Divided by the largest, squares are at most 1 and do not all vanish.
        largest = deviations.max(axis=0)
        largest[constant | (largest == 0)] = 1.0
        deviations /= largest
        variance = np.average(np.square(deviations, out=deviations), axis=0, weights=weights)
        scale = largest * np.sqrt(variance)
    scale[constant] = 0.0
    return mean, scale


def merged_scale(mean, scale, total, other_mean, other_scale, other_total):
    """Return mean and standard deviation (k,) of two groups together, from their total weights."""
    rest, share = total / (total + other_total), other_total / (total + other_total)
    shift = other_mean - mean
    largest = np.maximum(np.maximum(scale, other_scale), np.abs(shift))
    unit = np.where(largest > 0, largest, 1.0)
    variance = (
        rest * (scale / unit) ** 2
        + share * (other_scale / unit) ** 2
        + share * rest * (shift / unit) ** 2
    )
    return mean + share * shift, unit * np.sqrt(variance)


def weighted_chunks(values, weights, n_rows):
    """Cut rows (n, k), and weights (n,) or None, into chunks, in which all weights are positive."""
    for start in range(0, len(values), n_rows):
        rows, own = values[start : start + n_rows], None
        if weights is not None:
            own = weights[start : start + n_rows]
            rows, own = rows[own > 0], own[own > 0]
        if len(rows):
            yield rows, own


N_MOMENTS = 6  # rows of `Moments.as_array`


@dataclass(frozen=True, eq=False)
class Moments:
    """Statistics of the numbers in k columns; those of two sets of rows can be added."""

    n: int  # numbers in a column
    weight: float  # sum of their weights
    mean: np.ndarray  # (k,)
    deviation: np.ndarray  # (k,) standard deviation
    least: np.ndarray  # (k,)
    greatest: np.ndarray  # (k,)
    binary: np.ndarray  # (k,) whether all numbers are 0 or 1

    @classmethod
    def of(cls, columns, weights=None):
        """Return the moments of columns (n, k); weights (n,), all positive, or None for ones."""
        least, greatest = columns.min(axis=0), columns.max(axis=0)
        shares = None if weights is None else relative(weights)
        mean, deviation = weighted_scale(columns, shares, least == greatest)
        return cls._of(columns, weights, mean, deviation, least, greatest)

    @classmethod
    def of_rows(cls, values, weights=None):
        """Return the moments of rows (n, k), float32 or float64, in float64 but without a copy.

        weights (n,) or None for ones; rows of weight 0 do not count.
        """
        total, n_rows = None, max(FEWEST_ROWS, CHUNK // values.shape[1])
        for rows, own in weighted_chunks(values, weights, n_rows):
            moments = cls._of_chunk(rows, own)
            total = moments if total is None else total + moments
        return total

    @classmethod
    def _of_chunk(cls, rows, weights):
        """Return the result of `of`, up to rounding, several times as fast.

        Sums run in the same order for any number of threads, because einsum does not call BLAS.
        """
        if rows.shape[1] <= NARROW:
            axis, layout, rows = 1, "kn", np.array(rows.T, dtype=np.float64, order="C")
        else:
            axis, layout, rows = 0, "nk", rows.astype(np.float64, copy=False)
        least, greatest = rows.min(axis=axis), rows.max(axis=axis)
        shares = np.ones(rows.shape[axis]) if weights is None else relative(weights)
        shares = shares / shares.sum()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.einsum(f"{layout},n->k", rows, shares)
            deviations = rows - np.expand_dims(mean, axis)
            variance = np.einsum(f"{layout},{layout},n->k", deviations, deviations, shares)
        columns = rows.T if axis else rows
        safe = (variance > SAFE_SQUARE) & (variance < 1 / SAFE_SQUARE)
        if not (safe | (least == greatest)).all():
            return cls.of(columns, weights)
        return cls._of(columns, weights, mean, np.sqrt(variance), least, greatest)

    @classmethod
    def _of(cls, columns, weights, mean, deviation, least, greatest):
        constant = least == greatest
        mean[constant], deviation[constant] = least[constant], 0.0
        with np.errstate(over="ignore"):
            weight = len(columns) if weights is None else weights.sum()
        binary = (least >= 0) & (greatest <= 1)
        candidates = np.flatnonzero(binary)
        if len(candidates):
            values = columns[:, candidates]
            binary[candidates] = ((values == 0) | (values == 1)).all(axis=0)
        weight = min(max(float(weight), LEAST_WEIGHT), GREATEST_WEIGHT)
        return cls(len(columns), weight, mean, deviation, least, greatest, binary)

    def __add__(self, other):
        weight = self.weight + other.weight
        least = np.minimum(self.least, other.least)
        greatest = np.maximum(self.greatest, other.greatest)
        ours = self.mean, self.deviation, self.weight
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = merged_scale(*ours, other.mean, other.deviation, other.weight)
        constant = least == greatest
        mean[constant], deviation[constant] = least[constant], 0.0
        n, weight = self.n + other.n, min(weight, GREATEST_WEIGHT)
        binary = self.binary & other.binary
        return Moments(n, weight, mean, deviation, least, greatest, binary)

    def moved(self, origin):
        """Return the moments of the same numbers plus `origin` (k,)."""
        return replace(
            self,
            mean=self.mean + origin,
            least=self.least + origin,
            greatest=self.greatest + origin,
            binary=np.zeros_like(self.binary),  # unknown
        )

    def left_alone(self, columns):
        """Return the same, but some columns count as of 0 and 1, which keep mean 0 and scale 1."""
        binary = self.binary.copy()
        binary[columns] = True
        return replace(self, binary=binary)

    def with_weights_of_mean_1(self):
        """Return the same with the weights scaled to mean 1, so that only their ratios count."""
        return replace(self, weight=float(self.n))

    @property
    def constant(self):
        """Whether each column (k,) is constant, up to rounding."""
        return self.deviation <= ROUNDING * np.abs(self.mean)

    def scale(self, name, least=None):
        """Return mean (k,) and scale (k,), 1 for a constant column; `name` is for an error.

        least: for features, the smallest deviation that counts. Columns of only 0 and 1 then keep
        mean 0 and scale 1.
        """
        mean, scale = self.mean.copy(), np.where(self.constant, 1.0, self.deviation)
        if least is not None:
            scale[self.deviation < least] = 1.0
            mean[self.binary], scale[self.binary] = 0.0, 1.0
        if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
            largest = max(np.abs(self.least).max(), np.abs(self.greatest).max())
            raise ValueError(
                f"`{name}` has values up to {largest:g}, whose mean or scale overflows: "
                "divide them by a constant first."
            )
        return mean, scale

    def as_array(self):
        """Return the accumulated statistics as one array (6, k), for pickles and files."""
        weight = np.full(len(self.mean), self.weight)
        return np.array(
            [weight, self.mean, self.deviation, self.least, self.greatest, self.binary],
            dtype=np.float64,
        )

    @classmethod
    def from_array(cls, array):
        """Return the moments that `as_array` wrote, except for n."""
        weight, mean, deviation, least, greatest, binary = array
        return cls(0, float(weight[0]), mean, deviation, least, greatest, binary > 0)
