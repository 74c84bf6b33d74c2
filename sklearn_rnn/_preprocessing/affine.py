"""The affine map that scales features, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Affine:
    """z = (x - center) / scale * width + low, for each feature.

    Differences and quotients are computed in float64 and rounded to the dtype of the values, a few
    thousand at a time, in place.
    """

    center: np.ndarray | None  # (n_features,) float64, None for 0
    scale: np.ndarray | None  # (n_features,) float64, None for 1
    width: float = 1.0
    low: float = 0.0

    def forward(self, values):
        """Scale values (n_steps, n_features), which are overwritten."""
        if self.center is not None:
            np.subtract(values, self.center, out=values, casting="same_kind")
        if self.scale is not None:
            np.divide(values, self.scale, out=values, casting="same_kind")
        if self.width != 1.0:
            values *= self.width
        if self.low != 0.0:
            values += self.low
        return values

    def backward(self, values):
        """Undo `forward`."""
        if self.low != 0.0:
            values -= self.low
        if self.width != 1.0:
            values /= self.width
        if self.scale is not None:
            np.multiply(values, self.scale, out=values, casting="same_kind")
        if self.center is not None:
            np.add(values, self.center, out=values, casting="same_kind")
        return values

    def check_range(self, values, *, backward=False):
        """Refuse values whose results, by `forward` or `backward`, would overflow their dtype."""
        limit = float(np.finfo(values.dtype).max)
        low, high = (
            float(np.fmin.reduce(values, axis=None)),
            float(np.fmax.reduce(values, axis=None)),
        )
        if self._bound(max(abs(low), abs(high)), backward) <= limit:
            return
        function = self.backward if backward else self.forward
        for extreme in (np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)):
            # The function is monotonic: if both extremes stay finite, all values between them do.
            if np.isinf(function(extreme)).any():
                raise ValueError(
                    f"`X` must hold smaller numbers: the result overflows {values.dtype}."
                )

    def _bound(self, largest, backward):
        """Return a rough but quick upper bound of the results for values up to `largest`.

        The bound may be NaN if a feature has no scale.
        """
        # Lists, because Python compares a dozen numbers far faster than NumPy does. Python's min
        # and max return a NaN that comes first and ignore any later one.
        shift = 0.0 if self.center is None else max(map(abs, self.center.tolist()))
        scale = [1.0] if self.scale is None else self.scale.tolist()
        if backward:
            start, ratio, end = abs(self.low), max(scale), shift
            ratio = max(ratio, 1.0) * max(1 / self.width, 1.0)
        else:
            start, ratio, end = shift, 1 / min(scale), abs(self.low)
            ratio = max(ratio, 1.0) * max(self.width, 1.0)
        return (largest + start) * ratio + end
