"""Truncated back-propagation through time: minibatches of windows, and the states between them."""

from dataclasses import dataclass, replace

import numpy as np

from .. import _core
from .._data.packed import offsets_of
from . import windows
from .minibatches import draw_batches, engine_of, load, sizes_of_batches
from .progress import random_state_of
from .windows import Lanes, Rounds

# In units of `steps`. Random windows are never longer: the probability is below exp(-40).
LONGEST_RANDOM = 40
# Added to the number of a pass: lengths have another generator than the order of sequences.
LENGTHS = 1 << 31


def workspace_of(settings, lengths, network, n_epochs):
    """Return the arguments of `Network.engine` for windows of sequences of these lengths.

    Random windows are about as long as the longest one of so many epochs.
    """
    steps, overlap, per_step = settings.bptt.steps, settings.bptt.overlap, network.per_step
    lanes = Lanes.of(offsets_of(lengths), np.arange(len(lengths)))
    n_windows = (
        int(windows.count_windows(lengths, steps, overlap).sum()) if per_step else len(lanes)
    )
    size, batch_size, n_minibatches = sizes_of_batches(settings, n_windows)
    if per_step and settings.bptt.carry and len(lanes) < batch_size:
        lanes = windows.cut(lanes, batch_size, steps, overlap)
    elif per_step and not settings.bptt.carry:
        lanes, _ = windows.windows_of(lanes, steps, overlap)
    if not per_step and _learns_states(network):
        n_minibatches += 1  # see `LastWindows`
    if settings.bptt.schedule == "random":
        n_groups = -(-len(lanes) // batch_size)
        n_drawn = n_groups * max(1, int(lanes.length.max()) // steps if per_step else 1) * n_epochs
        steps *= LONGEST_RANDOM if settings.memory_budget else 1 + int(np.log(n_drawn))
    return _workspace(settings, np.minimum(lanes.length, steps), size, n_minibatches)


def _learns_states(network):
    """Tell whether some initial states are parameters."""
    return any(dict(node.options).get("initial_state") == "learned" for node in network.nodes)


def _workspace(settings, lengths, batch_size, n_accumulated):
    return {
        "training": True,
        "lengths": lengths,
        "batch_size": batch_size,
        "n_accumulated": n_accumulated,
        "memory_budget": settings.memory_budget,
        "windowed": True,
    }


class _Windowed:
    """What all minibatches of windows have in common. A subclass has:

    _plan()              sets what depends on `window_length`: `lanes`, and by `_set_sizes` how many
                         of them are trained together
    draw_windows()       -> minibatches of the next pass, and the length of their longest window
    train(minibatch, params, moments, rate, update)    -> loss, weight
    count(minibatch)     -> number of sequences whose first window is in it
    """

    is_comparable = True  # see `WholeSequences`

    def __init__(self, training, n_threads):
        self.training, self.n_threads = training, n_threads
        self.truncation = training.settings.bptt
        self.window_length = self.truncation.steps
        self.offsets = training.examples.sequences.offsets
        self.longest = int(training.examples.sequences.lengths[training.indices].max())
        self.given = training.examples.initial_state  # (n_samples, n_columns), or None
        self.dataset = replace(training.examples, initial_state=None).dataset()
        self.grown_at = np.inf  # best value at the time when the windows were last made longer
        self.is_loaded = False
        self._plan()
        self._make_engine(self._longest_planned())

    # ---- sizes and engines ----

    def _set_sizes(self, n_windows):
        """Set the sizes of minibatches and updates; n_windows: those of a pass."""
        settings = self.training.settings
        self.n_windows = n_windows  # of positive weight
        # Numbers of windows in a minibatch and in an update, which may sum several minibatches.
        self.size, self.batch_size, self.n_accumulated = sizes_of_batches(settings, n_windows)

    def _longest_planned(self):
        """Return the length of windows for which the first engine is made."""
        steps = self.window_length
        if self.truncation.schedule == "random" and self.training.settings.memory_budget:
            steps *= LONGEST_RANDOM  # so that a budget that is too small is refused before training
        return min(steps, self.longest)

    def _make_engine(self, longest):
        """Make an engine for windows of up to this length, and arrays for windows and states."""
        lengths = np.minimum(self.lanes.length, longest)
        sizes = self.size, self.n_accumulated
        workspace = _workspace(self.training.settings, lengths, *sizes)
        engine = engine_of(self.training, workspace, self.n_threads)
        if self.is_loaded:
            self._load(engine)
        self.engine, self.longest_window = engine, longest
        self.slots = Slots.of(self.dataset, self.batch_size)
        shape = self.batch_size, sum(n_columns for _, _, n_columns in engine.state_layout())
        dtype = self.training.network.dtype
        self.states, self.next_states = (np.zeros(shape, dtype) for _ in range(2))

    def load(self):
        self._load(self.engine)
        self.is_loaded = True

    def _load(self, engine):
        n_sequences = len(self.training.indices)
        of_window = self.training.weighing.per_window(n_sequences, self.n_windows)
        load(engine, self.training, self.batch_size * of_window)

    def draw(self):
        """Return the minibatches of the next pass; make a larger engine if they need one."""
        minibatches, longest = self.draw_windows()
        if longest > self.longest_window:
            self.engine = None  # gives its memory back before another one takes more
            self._make_engine(longest)
        return minibatches

    def draw_batches(self, numbers, shuffle=True):
        training = self.training
        shuffle = shuffle and training.settings.shuffle
        return draw_batches(numbers, self.batch_size, training.progress, shuffle)

    def rng_of_lengths(self):
        """Return the generator for the lengths of windows in a pass."""
        progress = self.training.progress
        return random_state_of(progress.seed, LENGTHS + progress.n_passes)

    def grow(self, best):
        """Double the length of the windows if that may help; return whether it did so.

        best: the lowest value so far. The length stays if the last doubling brought no progress, if
        windows are as long as the longest sequence, or if memory is too small for longer ones.
        """
        if self.truncation.schedule != "grow" or self.window_length >= self.longest:
            return False
        if not best < self.grown_at - self.training.settings.tol:
            return False
        before = vars(self).copy()
        self.window_length, self.grown_at = 2 * self.window_length, best
        try:
            self._plan()
            self._make_engine(self._longest_planned())
        except (MemoryError, ValueError):  # ValueError: `memory_budget` does not suffice
            vars(self).update(before, grown_at=-np.inf)
            return False
        return True

    # ---- states ----

    def beginnings(self, samples, needed):
        """Return the initial states of sequences, one row each.

        None stands for the states of the network, zeros or learned ones, unless rows are `needed`
        because some windows of the minibatch do not begin a sequence.
        """
        if self.given is not None:
            self.states[: len(samples)] = self.given[samples]
        elif needed:
            self.states[:] = self.engine.initial_state()
        else:
            return None
        return self.states


@dataclass(frozen=True, eq=False)
class Slots:
    """The arrays (batch_size,), intp, in which a minibatch describes its windows to the core."""

    windows: _core.Windows
    first: np.ndarray
    length: np.ndarray
    sample: np.ndarray
    taught_from: np.ndarray
    kept_after: np.ndarray

    @classmethod
    def of(cls, dataset, n):
        arrays = [np.zeros(n, dtype=np.intp) for _ in range(5)]
        return cls(_core.Windows(dataset, *arrays), *arrays)

    def fill(self, slots, lanes, begin, end, taught_from=0, kept_after=None):
        """Put the steps `begin` to `end` of lanes into slots; shorter lanes end earlier."""
        length = np.minimum(lanes.length, end) - begin
        self.first[slots] = lanes.first + begin
        self.length[slots] = length
        self.sample[slots] = lanes.sample
        self.taught_from[slots] = taught_from
        self.kept_after[slots] = length if kept_after is None else np.minimum(length, kept_after)


# ---- one target per step ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Group:
    """Lanes that are trained side by side, round by round."""

    lanes: Lanes
    rounds: Rounds


class Pass:
    """Minibatches (group, number of the round): all rounds of a group, then the next group."""

    def __init__(self, groups):
        self.groups = groups

    def __len__(self):
        return sum(len(group.rounds) for group in self.groups)

    def __iter__(self):
        return ((group, i) for group in self.groups for i in range(len(group.rounds)))


class CarriedWindows(_Windowed):
    """Windows that start from the states after the previous window (Williams and Peng, 1990).

    Up to `batch_size` lanes form a group. Round by round, a minibatch has the next window of each
    lane that has not ended.
    """

    def _plan(self):
        training, span = self.training, (self.window_length, self.truncation.overlap)
        self.lanes = Lanes.of(self.offsets, training.indices)
        self._set_sizes(int(windows.count_windows(self.lanes.length, *span).sum()))
        if len(self.lanes) < self.batch_size:
            self.lanes = windows.cut(self.lanes, self.batch_size, *span)
            self.batch_size = len(self.lanes)
        # With random windows, this is about their mean number.
        self.n_windows = windows.count_weighed(self.lanes, *span, training.examples.weights)

    def draw_windows(self):
        # If there is only one group, another order would change nothing but rounding.
        is_only = len(self.lanes) <= self.batch_size
        batches = self.draw_batches(np.arange(len(self.lanes)), shuffle=not is_only)
        if self.truncation.schedule == "random":
            rng, steps = self.rng_of_lengths(), self.truncation.steps

            def rounds(longest):
                return windows.random_rounds(longest, steps, rng)
        else:

            def rounds(longest):
                return windows.fixed_rounds(longest, self.window_length, self.truncation.overlap)

        each = [self.lanes.take(numbers) for numbers in batches]
        groups = [Group(lanes, rounds(int(lanes.length.max()))) for lanes in each]
        longest = max(int((group.rounds.end - group.rounds.begin).max()) for group in groups)
        return Pass(groups), min(longest, self.longest)

    def train(self, minibatch, params, moments, rate, update):
        (lanes, rounds), i = (minibatch[0].lanes, minibatch[0].rounds), minibatch[1]
        going = rounds.lanes_of(i, lanes.length)
        where = rounds.begin[i], rounds.end[i], rounds.taught_from[i], rounds.kept_after[i]
        self.slots.fill(going, lanes.take(going), *where)
        result = self.engine.train_minibatch(
            self.slots.windows,
            going,
            params,
            moments,
            rate,
            update,
            initial_state=self.states if i > 0 else self.beginnings(lanes.sample, needed=False),
            final_state=self.next_states,
            carry_factor=self.truncation.carry_factor,
        )
        self.states, self.next_states = self.next_states, self.states
        return result

    def count(self, minibatch):
        group, i = minibatch
        lanes = group.lanes
        return int((lanes.first == self.offsets[lanes.sample]).sum()) if i == 0 else 0


class SeparateWindows(_Windowed):
    """Windows that start as sequences do. A minibatch is an array of numbers of windows."""

    def _plan(self):
        training, span = self.training, (self.window_length, self.truncation.overlap)
        whole = Lanes.of(self.offsets, training.indices)
        lanes, taught_from = windows.windows_of(whole, *span)
        kept = np.flatnonzero(windows.have_weight(lanes, taught_from, training.examples.weights))
        self.lanes, self.taught_from = lanes.take(kept), taught_from[kept]
        self.begins = np.diff(self.lanes.sample, prepend=-1) != 0  # first window of its sequence
        self._set_sizes(len(kept))

    def draw_windows(self):
        return self.draw_batches(np.arange(self.n_windows)), 0

    def train(self, minibatch, params, moments, rate, update):
        lanes, slots = self.lanes.take(minibatch), np.arange(len(minibatch))
        self.slots.fill(slots, lanes, 0, lanes.length, self.taught_from[minibatch])
        begin = self.beginnings(lanes.sample, needed=False)
        arguments = params, moments, rate, update
        return self.engine.train_minibatch(
            self.slots.windows, slots, *arguments, initial_state=begin
        )

    def count(self, minibatch):
        return int(self.begins[minibatch].sum())


# ---- one target per sequence --------------------------------------------------------------------


class LastWindows(_Windowed):
    """The last window of each sequence; states go through the steps before it without a gradient.

    A minibatch is (numbers of lanes, number of their last steps that are the window).
    """

    def _plan(self):
        self.lanes = Lanes.of(self.offsets, self.training.indices)
        self._set_sizes(len(self.lanes))
        self.learns_states = _learns_states(self.training.network)
        if self.learns_states:
            self.n_accumulated += 1  # see `_train_in_parts`

    def draw_windows(self):
        batches = self.draw_batches(np.arange(self.n_windows))
        lengths = np.full(len(batches), self.window_length)
        if self.truncation.schedule == "random":
            # A window goes one more step back with probability 1 - 1 / steps.
            lengths = self.rng_of_lengths().geometric(1 / self.truncation.steps, len(batches))
        lengths = np.minimum(lengths, self.longest)
        return list(zip(batches, lengths.tolist(), strict=True)), int(lengths.max())

    def train(self, minibatch, params, moments, rate, update):
        numbers, n_last = minibatch
        lanes, slots = self.lanes.take(numbers), np.arange(len(numbers))
        n_before = lanes.length - np.minimum(lanes.length, n_last)
        begin = self._advance(lanes, n_before, update)
        self.slots.fill(slots, lanes, n_before, lanes.length)
        arguments = params, moments, rate, update
        if begin is not None and self.given is None and self.learns_states:
            return self._train_in_parts(n_before, begin, *arguments)
        return self._train(slots, begin, *arguments)

    def _train(self, slots, begin, *arguments, **part):
        factor = self.truncation.carry_factor
        return self.engine.train_minibatch(
            self.slots.windows, slots, *arguments, initial_state=begin, carry_factor=factor, **part
        )

    def _train_in_parts(self, n_before, begin, *arguments):
        """Train on two parts: windows that continue, and those that start from learned states."""
        parts = []
        for slots, states in ((n_before > 0, begin), (n_before == 0, None)):
            slots = np.flatnonzero(slots)
            parts += [(slots[i : i + self.size], states) for i in range(0, len(slots), self.size)]
        for i, part in enumerate(parts):
            result = self._train(*part, *arguments, part=i, n_parts=len(parts))
        return result

    def _advance(self, lanes, n_before, update):
        """Return the states after the first steps of each lane; see `beginnings`."""
        carries = self.truncation.carry and n_before.any()
        begin = self.beginnings(lanes.sample, needed=carries)
        if not carries:
            return begin
        before = replace(lanes, length=n_before)
        rounds = windows.fixed_rounds(int(n_before.max()), self.window_length)
        for i in range(len(rounds)):
            going = rounds.lanes_of(i, n_before)
            self.slots.fill(going, before.take(going), rounds.begin[i], rounds.end[i])
            self.engine.advance(
                self.slots.windows,
                going,
                update,
                initial_state=begin,
                final_state=self.next_states,
            )
            begin[going] = self.next_states[going]
        return begin

    def count(self, minibatch):
        return len(minibatch[0])


def windowed(training, n_threads):
    """Return the minibatches of a training with `bptt`."""
    if not training.network.per_step:
        return LastWindows(training, n_threads)
    kind = CarriedWindows if training.settings.bptt.carry else SeparateWindows
    return kind(training, n_threads)
