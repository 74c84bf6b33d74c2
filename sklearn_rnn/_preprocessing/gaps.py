"""Missing values in packed sequences, and the observations around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Gaps:
    """The missing values in rows (n_steps, n_features) of sequences; each array (n_missing,)."""

    row: np.ndarray
    feature: np.ndarray
    start: np.ndarray  # first row of the sequence
    stop: np.ndarray  # last row of the sequence + 1
    before: np.ndarray  # row of the observation before; < start if there is none
    after: np.ndarray  # row of the observation after; >= stop if there is none

    @classmethod
    def of(cls, missing, offsets):
        """Find the gaps; missing: a mask (n_steps, n_features), offsets: of the sequences."""
        n_steps, n_features = missing.shape
        flat = missing.T.ravel()  # one feature after another
        places = np.flatnonzero(flat)
        observed = np.empty(flat.size - len(places) + 2, dtype=np.intp)
        observed[0], observed[-1] = -1, n_steps * n_features
        observed[1:-1] = np.flatnonzero(~flat)
        n_before = places - np.arange(len(places))  # observations before each place
        feature, row = np.divmod(places, n_steps)
        lengths = np.diff(offsets)
        # An observation of another feature becomes a row < 0 or >= n_steps.
        return cls(
            row,
            feature,
            np.repeat(offsets[:-1], lengths)[row],
            np.repeat(offsets[1:], lengths)[row],
            observed[n_before] - feature * n_steps,
            observed[n_before + 1] - feature * n_steps,
        )

    def carried_forward(self, values, otherwise):
        """Return the observation before each gap, or `otherwise` (n_features,) of its feature."""
        has_before = self.before >= self.start
        rows = np.where(has_before, self.before, self.row)
        return np.where(has_before, values[rows, self.feature], otherwise[self.feature])

    def interpolated(self, values, otherwise):
        """Interpolate linearly between the observations before and after each missing value.

        If there is only one observation, use it; if there is none, use `otherwise` (n_features,).
        """
        has_before, has_after = self.before >= self.start, self.after < self.stop
        left = np.where(has_before, self.before, self.after)
        right = np.where(has_after, self.after, left)
        known = has_before | has_after
        left, right = np.where(known, left, self.row), np.where(known, right, self.row)
        low, high = values[left, self.feature], values[right, self.feature]
        way = (self.row - left) / np.maximum(right - left, 1)
        between = (1 - way) * low + way * high  # high - low could overflow
        # Rounding must not leave the interval: between two equal values, the result is that value.
        between = np.clip(between, np.minimum(low, high), np.maximum(low, high))
        return np.where(known, between, otherwise[self.feature])

    def elapsed(self, missing, offsets):
        """Return the number of steps since the last earlier observation (n_steps, n_features).

        Before the first observation, steps are counted from the start of the sequence.
        """
        result = np.ones(missing.shape)
        result[offsets[:-1]] = 0
        goes_on = self.row + 1 < self.stop
        since = self.row + 1 - np.maximum(self.before, self.start)
        result[self.row[goes_on] + 1, self.feature[goes_on]] = since[goes_on]
        return result
