"""Sequences with targets and weights, and what a weight counts."""

from dataclasses import dataclass, replace

import numpy as np

from .. import _core
from .._data.packed import Sequences


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences with targets and weights. A row is a sequence, or a step if `per_step`."""

    sequences: Sequences
    targets: np.ndarray  # (n_rows,) or (n_rows, n_targets) int32, or (n_rows, n_targets) floats
    weights: np.ndarray | None  # (n_rows,) float64
    per_step: bool
    scaling: tuple[np.ndarray, np.ndarray] | None = None  # mean and scale of X, each (n_features,)
    initial_state: np.ndarray | None = None  # (n_samples, n_columns) states before the first steps
    group_weights: np.ndarray | None = None  # (n_tasks,) see `Tasks.group_weights`

    def rows(self, values, indices):
        """Select the rows of `values` (n_rows, ...) that belong to some sequences."""
        if values is None or not self.per_step:
            return None if values is None else values[indices]
        return values[self.sequences.rows(indices)]

    def repeat(self, values):
        """Repeat the values of sequences (n_samples,) for each of their rows."""
        return np.repeat(values, self.sequences.lengths) if self.per_step else values

    def take(self, indices):
        """Copy the examples of some sequences."""
        return Examples(
            self.sequences.take(indices),
            self.rows(self.targets, indices),
            self.rows(self.weights, indices),
            self.per_step,
            self.scaling,
            None if self.initial_state is None else self.initial_state[indices],
            self.group_weights,
        )

    def have_weight(self):
        """Tell for each sequence (n_samples,) whether it has any weight."""
        if self.weights is None:
            return np.ones(self.sequences.n_samples, dtype=bool)
        if self.per_step:
            return np.logical_or.reduceat(self.weights > 0, self.sequences.offsets[:-1])
        return self.weights > 0

    def with_class_weights(self, factors):
        """Multiply the weights by factors of the classes, (n_classes + 1,) per column of targets.

        The last factor of a column is that of unknown classes (-1). None changes nothing.
        """
        if factors is None:
            return self
        weights = np.ones(len(self.targets)) if self.weights is None else self.weights
        columns = self.targets.reshape(len(self.targets), -1).T
        for codes, of_classes in zip(columns, factors, strict=True):
            weights = weights * of_classes[codes]
        return replace(self, weights=weights)

    def weights_of_steps(self, indices, up_to_the_last_taught):
        """Return the weight of each step of X (n_steps,), or None if all are ones.

        It is the weight of its sequence, or the mean over the taught steps of the sequence.
        Sequences outside `indices` have weight 0.
        """
        n_samples, lengths = self.sequences.n_samples, self.sequences.lengths
        if self.weights is None and len(indices) == n_samples:
            return None
        weights, last = np.zeros(n_samples), lengths - 1
        if self.weights is None:
            weights[indices] = 1.0
        elif not self.per_step:
            weights[indices] = self.weights[indices]
        else:
            first, taught = self.sequences.offsets[:-1], self.weights > 0
            n_taught = np.add.reduceat(taught, first, dtype=np.intp)
            shares = self.weights / np.repeat(n_taught.clip(1), lengths)  # no sum can overflow
            weights[indices] = np.add.reduceat(shares, first)[indices]
            if up_to_the_last_taught:
                step = np.arange(len(taught)) - np.repeat(first, lengths)
                last = np.maximum.reduceat(np.where(taught, step, -1), first)
        weights = np.repeat(weights, lengths)
        if (last < lengths - 1).any():
            step = np.arange(len(weights)) - np.repeat(self.sequences.offsets[:-1], lengths)
            weights[step > np.repeat(last, lengths)] = 0.0
        return weights

    def n_taught(self, indices=None):
        """Count the rows of some sequences, or of all, that have weight."""
        if indices is None:
            indices = np.arange(self.sequences.n_samples)
        if self.weights is not None:
            return int(np.count_nonzero(self.rows(self.weights, indices)))
        return int(self.sequences.lengths[indices].sum()) if self.per_step else len(indices)

    def with_equal_weights_as_ones(self, indices):
        """Train on some sequences as without weights if those of what is taught are equal."""
        weights = self.rows(self.weights, indices)
        if weights is None or without_equal_weights(weights) is weights:
            return self
        ones = None if (weights > 0).all() else (self.weights > 0).astype(np.float64)
        return replace(self, weights=ones)

    def options_of_engine(self):
        """Return the arguments of an engine that depend on the examples."""
        return {
            "carried": self.initial_state is not None,
            "group_weights": self.group_weights,
        }

    def dataset(self):
        sequences = self.sequences
        return _core.Dataset(
            sequences.values,
            sequences.offsets,
            self.targets,
            self.weights,
            *(self.scaling or (None, None)),
            self.initial_state,
        )


def without_equal_weights(weights):
    """Return weights (n,) as they are, or None or zeros and ones if the positive ones are equal."""
    if weights is None or np.ptp(weights[weights > 0]) > 0:
        return weights
    return None if (weights > 0).all() else (weights > 0).astype(np.float64)


@dataclass(frozen=True)
class Weighing:
    """The units of the weights, the same in all minibatches of a training.

    With minibatches of B sequences, each minimises ``sum(w l) / (B * per_sequence)``, also a
    smaller last one, so that a weight counts the same in every minibatch. The limits of clipping
    are multiplied by the mean weight of the rows taught in the minibatch, divided by `per_row`:
    otherwise clipping would undo the weights. In minibatches of windows, B and the mean are those
    of windows.
    """

    total: float  # weight of some sequences, over all their steps
    n_sequences: int
    per_row: float = 0.0  # mean of the positive weights; 0: there are no weights

    @property
    def per_sequence(self):
        """Mean total weight of a sequence."""
        return self.total / self.n_sequences

    def per_window(self, n_sequences, n_windows):
        """Return the mean total weight of a window when `n_sequences` have `n_windows`."""
        return self.total * (n_sequences / self.n_sequences) / n_windows

    @classmethod
    def of(cls, examples, indices):
        """Compute the units for the sequences of a whole training."""
        n_taught = examples.n_taught(indices)
        if examples.weights is None:
            return cls(n_taught, len(indices))
        total = float(examples.rows(examples.weights, indices).sum())
        return cls(total, len(indices), total / n_taught)
