"""The plan of truncated back-propagation: which steps are trained together, and in which order.

Pure functions on offsets. The steps of all sequences are rows of one buffer; sequence i has rows
offsets[i] to offsets[i + 1]. A lane is a sequence, or a part of it, that is trained from its first
step to its last. Lanes are trained side by side in rounds. A round is a window, given by steps from
the beginning of a lane; each lane contributes its rows in that window.
"""

from dataclasses import dataclass
from heapq import heapify, heapreplace

import numpy as np


@dataclass(frozen=True)
class Truncation:
    """The parameter `bptt` as plain values, see `TruncatedBPTT`."""

    steps: int
    overlap: int = 0
    schedule: str = "fixed"
    carry: bool = True

    @classmethod
    def of(cls, value):
        """Return a checked `bptt` as plain values; None stays None."""
        if value is None:
            return None
        if not hasattr(value, "get_params"):
            return cls(int(value))
        schedule = str.__str__(value.schedule)
        return cls(int(value.steps), int(value.overlap), schedule, bool(value.carry))

    @property
    def carry_factor(self):
        """Factor of the gradient at each step back: 1 / (1 - c) (Tallec and Ollivier, 2017).

        c = 1 / steps is the probability that a window ends after a step. The gradient goes one step
        back with probability 1 - c, so with this factor its mean is that of whole sequences.
        """
        return self.steps / (self.steps - 1) if self.schedule == "random" else 1.0


@dataclass(frozen=True, eq=False)
class Lanes:
    """Lanes: the rows first to first + length, which belong to sequence `sample`."""

    sample: np.ndarray  # (n_lanes,), intp, as the others
    first: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, offsets, samples):
        """Return whole sequences as lanes."""
        samples = np.ascontiguousarray(samples, dtype=np.intp)
        first = offsets[samples]
        return cls(samples, first, offsets[samples + 1] - first)

    def __len__(self):
        return len(self.sample)

    def take(self, numbers):
        return Lanes(self.sample[numbers], self.first[numbers], self.length[numbers])


@dataclass(frozen=True, eq=False)
class Rounds:
    """Successive windows, by steps from the beginning of a lane; all (n_rounds,), intp."""

    begin: np.ndarray
    end: np.ndarray
    taught_from: np.ndarray  # number of steps that the previous window has taught
    kept_after: np.ndarray  # number of steps after which the next window begins

    def __len__(self):
        return len(self.begin)

    def lanes_of(self, i, lengths):
        """Return the numbers of the lanes that still have a step to teach in round i."""
        return np.flatnonzero(lengths > self.begin[i] + self.taught_from[i])


# ---- Rounds -------------------------------------------------------------------------------------


def count_windows(lengths, steps, overlap=0):
    """Count the windows of fixed length in lanes of some lengths."""
    return np.maximum(-(-(lengths - overlap) // (steps - overlap)), 1)


def fixed_rounds(longest, steps, overlap=0):
    """Return windows of `steps` steps that cover the longest lane."""
    begin = np.arange(count_windows(longest, steps, overlap), dtype=np.intp) * (steps - overlap)
    taught_from = np.full_like(begin, overlap)
    taught_from[0] = 0
    return Rounds(begin, begin + steps, taught_from, np.full_like(begin, steps - overlap))


def random_rounds(longest, steps, rng):
    """Return windows that end after each step with probability 1 / steps."""
    ends, end = [], 0
    while end < longest:
        lengths = rng.geometric(1 / steps, size=longest // steps + 1)
        ends.append(end + np.cumsum(lengths, dtype=np.intp))
        end = ends[-1][-1]
    end = np.concatenate(ends)
    end = end[: 1 + np.searchsorted(end, longest)]
    end[-1] = longest
    begin = np.concatenate([np.zeros(1, dtype=np.intp), end[:-1]])
    return Rounds(begin, end, np.zeros_like(begin), end - begin)


# ---- Lanes --------------------------------------------------------------------------------------


def cut(lanes, n_lanes, steps, overlap=0):
    """Cut lanes into about `n_lanes` parts of whole windows; longer lanes into more parts.

    There are fewer parts if there are fewer windows. The last part of a lane has the rest.
    """
    parts = [
        _cut(*lane, n_parts, steps, overlap)
        for *lane, n_parts in zip(
            lanes.sample,
            lanes.first,
            lanes.length,
            _shares(lanes.length, n_lanes, steps),
            strict=True,
        )
    ]
    return Lanes(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _shares(lengths, n_lanes, steps):
    """Return the number of parts of each lane: the lane with the longest parts gets one more."""
    shares, most = [1] * len(lengths), -(-lengths // steps)
    # Minus the length of the parts of each lane that can be cut further.
    heap = [(-float(n), i) for i, n in enumerate(lengths) if most[i] > 1]
    heapify(heap)
    for _ in range(n_lanes - len(lengths)):
        if not heap:
            break
        _, i = heap[0]
        shares[i] += 1
        longest = -lengths[i] / shares[i] if shares[i] < most[i] else np.inf
        heapreplace(heap, (longest, i))
        if heap[0][0] == np.inf:
            break
    return shares


def _cut(sample, first, length, n_parts, steps, overlap):
    """Cut one lane. A part of w whole windows has overlap + w (steps - overlap) steps."""
    new = steps - overlap
    n_windows = -(-(length - n_parts * overlap) // new)
    windows = np.full(n_parts, n_windows // n_parts, dtype=np.intp)
    windows[: n_windows % n_parts] += 1
    begin = np.zeros(n_parts, dtype=np.intp)
    np.cumsum(overlap + windows[:-1] * new, out=begin[1:])
    lengths = np.diff(begin, append=length).astype(np.intp)
    return np.full(n_parts, sample, dtype=np.intp), first + begin, lengths


def windows_of(lanes, steps, overlap=0):
    """Return all windows of fixed length, as lanes, and their `taught_from`."""
    n_windows = count_windows(lanes.length, steps, overlap)
    lane = np.repeat(np.arange(len(lanes)), n_windows)
    number = np.arange(len(lane)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    begin = (number * (steps - overlap)).astype(np.intp)
    length = np.minimum(lanes.length[lane] - begin, steps)
    taught_from = np.where(number > 0, overlap, 0).astype(np.intp)
    return Lanes(lanes.sample[lane], lanes.first[lane] + begin, length), taught_from


def count_weighed(lanes, steps, overlap, weights):
    """Count the windows of fixed length that teach a step of positive weight."""
    if weights is None:
        return int(count_windows(lanes.length, steps, overlap).sum())
    return int(have_weight(*windows_of(lanes, steps, overlap), weights).sum())


def have_weight(windows, taught_from, weights):
    """Tell for each window (n_windows,) whether it teaches a step of positive weight."""
    if weights is None:
        return np.ones(len(windows), dtype=bool)
    n_before = np.concatenate([[0], np.cumsum(weights > 0)])
    end = windows.first + windows.length
    return n_before[end] > n_before[windows.first + taught_from]
