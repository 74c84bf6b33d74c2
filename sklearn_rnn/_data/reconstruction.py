"""Targets that are the sequences themselves: numbers and codes, to be computed from one vector."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import arguments
from .moments import Moments
from .packed import Packed
from .scales import Scale


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The steps of X as targets; each feature has its outputs, in the order of the columns.

    A number has one output. A code has one for each row of its table in the encoder, the last of
    which is for unknown codes; the decoder has one row more, for the start.
    """

    scale: Scale  # of the columns that are numbers
    numbers: np.ndarray  # (n_numbers,) the columns that are numbers
    codes: tuple[tuple[int, int], ...]  # column and number of rows of the others
    n_timesteps: int | None  # of all sequences in `fit`; None: not all had the same
    is_2d: bool  # whether X was 2-D

    loss_unit = 1.0

    @classmethod
    def learn(cls, sequences, weights, before, tables):
        """Return the target of `fit`; tables: column and rows of the features that are codes."""
        lengths = np.unique(sequences.lengths)
        n_timesteps = int(lengths[0]) if len(lengths) == 1 else None
        if before is not None:
            n_timesteps = n_timesteps if n_timesteps == before.n_timesteps else None
            return replace(before, n_timesteps=n_timesteps)
        numbers = np.setdiff1d(np.arange(sequences.n_features), [j for j, _ in tables])
        scale = Scale.fixed(0)
        if len(numbers):
            values = np.ascontiguousarray(sequences.values[:, numbers])
            scale = Scale.of(Moments.of(values.astype(np.float64), weights), arguments.X)
        return cls(scale, numbers, tuple(tables), n_timesteps, sequences.carrier == "2d")

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        codes = tuple((column, rows) for column, rows, _ in network.tables)
        numbers = np.setdiff1d(np.arange(network.n_features), [j for j, _ in codes])
        scale = Scale(attributes["_code_mean"], attributes["_code_scale"], None)
        is_2d = attributes["_input_kind"] == "2d"
        return cls(scale, numbers, codes, attributes["n_timesteps_"], is_2d)

    def as_attributes(self):
        return {
            "_code_mean": self.scale.mean,
            "_code_scale": self.scale.scale,
            "n_timesteps_": self.n_timesteps,
        }

    @property
    def holds(self):
        return "tasks" if self.codes else "numbers"

    @property
    def loss(self):
        return "multitask" if self.codes else "squared_error"

    @property
    def groups(self):
        """Loss and number of outputs of each feature, if some are codes."""
        if not self.codes:
            return ()
        rows = dict(self.codes)
        return tuple(
            ("softmax", rows[j]) if j in rows else ("squared_error", 1)
            for j in range(self.n_features)
        )

    @property
    def n_features(self):
        return len(self.numbers) + len(self.codes)

    n_fed = n_features

    @property
    def n_outputs(self):
        return len(self.numbers) + sum(rows for _, rows in self.codes)

    @property
    def columns(self):
        """List the outputs of each feature, as slices."""
        rows, first, found = dict(self.codes), 0, []
        for j in range(self.n_features):
            found.append(slice(first, first + rows.get(j, 1)))
            first = found[-1].stop
        return found

    @property
    def start(self):
        """What is fed at the first step (n_features,)."""
        values = np.zeros(self.n_features)
        for column, rows in self.codes:
            values[column] = rows
        return values

    def encode(self, sequences, dtype=np.float64):
        """Return steps (n_steps, n_features) in the units of the network."""
        values = sequences.values.astype(np.float64)
        values[:, self.numbers] = (values[:, self.numbers] - self.scale.mean) / self.scale.scale
        return Packed(values.astype(dtype), sequences.offsets)

    def fed(self, targets):
        """Return what the decoder reads at each step: the one before."""
        values = np.empty_like(targets.values)
        values[1:] = targets.values[:-1]
        values[targets.offsets[:-1]] = self.start
        return Packed(values, targets.offsets)

    def answers(self, outputs):
        """Return the most probable step (n_rows, n_features) in the units of the network."""
        values = np.empty((len(outputs), self.n_features), dtype=outputs.dtype)
        for j, place in enumerate(self.columns):
            # The last row of a table is that of unknown codes.
            code = place.stop - place.start > 1 or j in dict(self.codes)
            own = outputs[:, place]
            values[:, j] = own[:, :-1].argmax(axis=1) if code else own[:, 0]
        return values

    def decode(self, values, categories):
        """Return steps (n_rows, n_features) in the units of X."""
        values = values.astype(np.float64)
        with np.errstate(over="ignore"):
            values[:, self.numbers] *= self.scale.scale
            values[:, self.numbers] += self.scale.mean
        for (column, _), known in zip(self.codes, categories.known, strict=True):
            values[:, column] = known[values[:, column].astype(np.intp)]
        return values

    def log_likelihoods(self, values, outputs):
        """Return the mean over features, for each step (n_rows,), of minus the loss.

        It is minus the squared error of a number, and the log-probability of a code. values
        (n_rows, n_features), outputs (n_rows, n_outputs): in the units of the network.
        """
        total, codes = np.zeros(len(values)), dict(self.codes)
        for j, place in enumerate(self.columns):
            own = outputs[:, place].astype(np.float64)
            if j in codes:
                p = own[np.arange(len(own)), values[:, j].astype(np.intp)]
                total += np.log(p.clip(min=np.finfo(np.float64).tiny))
            else:
                total -= (own[:, 0] - values[:, j]) ** 2
        return total / self.n_features

    def unit_since(self, before, absorbed):
        return 1.0

    def has_unknown(self, targets):
        return False

    def class_factors(self, class_weight, targets, weights, incremental):
        """Return None: classes have no weights."""
        return None
