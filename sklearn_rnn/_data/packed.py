"""Rows of sequences of any length in one flat buffer, without padding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np


@dataclass(frozen=True, eq=False)
class Packed:
    """Rows of sequences, one sequence after another: steps, or targets or weights of steps."""

    values: np.ndarray  # (n_steps, ...)
    offsets: np.ndarray  # (n_samples + 1,), intp: sequence i is values[offsets[i]:offsets[i + 1]]

    @property
    def n_samples(self):
        return len(self.offsets) - 1

    @property
    def n_steps(self):
        """Number of steps of all sequences together."""
        return len(self.values)

    @property
    def lengths(self):
        return np.diff(self.offsets)

    def rows(self, indices):
        """Return the numbers of the rows of some sequences; `indices` as for `take`."""
        lengths = self.lengths[indices]
        offsets = offsets_of(lengths)
        # Row r of sequence j of the result is row r + shift[j] of the buffer.
        shift = self.offsets[:-1][indices] - offsets[:-1]
        return np.arange(offsets[-1]) + np.repeat(shift, lengths)

    def take(self, indices):
        """Copy some sequences, in the order of `indices`, which are integers or a mask."""
        values = self.values[self.rows(indices)]
        return replace(self, values=values, offsets=offsets_of(self.lengths[indices]))

    def locate(self, row):
        """Return the sequence of a row, and the step in it."""
        i = int(np.searchsorted(self.offsets, row, side="right")) - 1
        return i, int(row - self.offsets[i])

    def cut(self):
        """List one view of the values per sequence."""
        return [self.values[start:stop] for start, stop in pairwise(self.offsets.tolist())]


@dataclass(frozen=True, eq=False)
class Sequences(Packed):
    """The steps (n_steps, n_features) of X, C-contiguous, and the carrier in which they came.

    The carrier is "2d" or "3d", an array of that many axes; or, with one sequence per item,
    "ragged" for items (n_timesteps_i, n_features) and "ragged_1d" for items (n_timesteps_i,); or
    "nested", a table with the steps of one feature in each cell.
    """

    carrier: str

    @property
    def n_features(self):
        return self.values.shape[1]

    @property
    def kind(self):
        """What the carriers of `fit` and `predict` must have in common; see `form.KINDS`."""
        return "2d" if self.carrier == "2d" else "sequences"

    @property
    def is_array(self):
        """Whether the carrier was one array."""
        return self.carrier in ("2d", "3d")


def offsets_of(lengths):
    """Return the offsets (n_samples + 1,) of sequences of these lengths."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.intp)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def offsets_of_equal(n_samples, n_timesteps):
    """Return the offsets (n_samples + 1,) of sequences of one length."""
    return np.arange(n_samples + 1, dtype=np.intp) * n_timesteps
