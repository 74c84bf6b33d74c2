"""The scale with which columns are normalised, and how it follows their moments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .moments import Moments

# The scale in use is updated only when the running one differs by this share of the scale.
TOLERANCE = 0.01
# The network absorbs a change of scale by less than this factor.
ABSORBED_FACTOR = 2.0


class Scale(NamedTuple):
    """Mean and scale of columns, and the sums from which they are continued."""

    mean: np.ndarray  # (k,)
    scale: np.ndarray  # (k,)
    moments: np.ndarray | None  # (N_MOMENTS, k), see `Moments.as_array`; None: mean and scale stay

    @classmethod
    def fixed(cls, n_columns):
        """Return the scale of columns that are not normalised."""
        return cls(np.zeros(n_columns), np.ones(n_columns), None)

    @classmethod
    def of(cls, moments, argument, least=None):
        """Return the scale of columns with these moments; see `Moments.scale`."""
        return cls(*moments.scale(argument, least), moments.as_array())

    @classmethod
    def from_attributes(cls, attributes, letter):
        """Return the scale that `as_attributes` wrote."""
        mean, scale = attributes[f"{letter}_mean_"], attributes[f"{letter}_scale_"]
        return cls(mean, scale, attributes[f"_{letter}_moments"])

    def as_attributes(self, letter):
        """Return the scale of "x" or "y" as attributes of an estimator."""
        return {
            f"{letter}_mean_": self.mean,
            f"{letter}_scale_": self.scale,
            f"_{letter}_moments": self.moments,
        }

    @property
    def in_use(self):
        """Mean and scale, or None if columns are not normalised."""
        return None if self.moments is None else (self.mean, self.scale)

    def continued(self, moments, argument, least=None):
        """Return the scale after more rows, and for which columns (k,) weights absorb the change.

        There the scale changed so little that the weights should change too, so that predictions
        stay the same. Absorbing a large factor would saturate the gates permanently.
        """
        before = Moments.from_array(self.moments)
        moments = before + moments
        mean, scale, absorbed = self._followed(moments.scale(argument, least), before.constant)
        return Scale(mean, scale, moments.as_array()), absorbed

    def begun_from(self, earlier, exactly):
        """Return the scale of a fit that starts from weights learned with an `earlier` scale.

        The result is this scale where the weights can absorb the change, which keeps their
        function. It is the earlier scale where they cannot: in columns that were or are constant,
        in columns where the factor is large, and in all columns unless they absorb `exactly`.
        """
        constant = self._is_constant()
        factor = self.scale / earlier.for_weights(self).scale
        near = (factor < ABSORBED_FACTOR) & (factor > 1 / ABSORBED_FACTOR)
        own = near & ~constant & exactly
        return Scale(
            np.where(own, self.mean, earlier.mean),
            np.where(own, self.scale, earlier.for_weights(self).scale),
            np.where(own | earlier._is_constant(), self.moments, earlier.moments),
        )

    def for_weights(self, later):
        """Return this scale, with the later one for columns that were constant.

        The weights of such columns have learned nothing, so their scale does not matter.
        """
        return self._replace(scale=np.where(self._is_constant(), later.scale, self.scale))

    def _is_constant(self):
        return Moments.from_array(self.moments).constant

    def _followed(self, running, was_constant):
        """Return mean and scale, updated where they have changed enough, and what to absorb.

        The scale of a column that `was_constant` was arbitrary, so it cannot be absorbed.
        """
        mean, scale = running
        with np.errstate(over="ignore"):
            shift, factor = np.abs(mean - self.mean), scale / self.scale
            moved = (shift > TOLERANCE * self.scale) | (np.abs(factor - 1) > TOLERANCE)
        near = (factor < ABSORBED_FACTOR) & (factor > 1 / ABSORBED_FACTOR)
        mean, scale = np.where(moved, mean, self.mean), np.where(moved, scale, self.scale)
        return mean, scale, moved & near & ~was_constant
