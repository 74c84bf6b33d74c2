"""Pairs of a sequence and its target, which has steps of its own: examples and minibatches."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from .. import _core
from .._data.packed import Packed
from .examples import Examples
from .minibatches import WholeSequences, engine_of, sizes_of_batches, workspace_of
from .progress import random_state_of

COINS = 1 << 40  # first number of the random states of coins; below are those of passes


@dataclass(frozen=True, eq=False)
class Sampling:
    """Scheduled sampling (Bengio et al., 2015): the decoder reads some of its own answers.

    share_taught(done) is the probability with which it reads the true target of the step before;
    `done` is the share of the training, or None if that is not known. answers(outputs) turns
    outputs (n_rows, n_outputs) into what is fed at the next step, in the columns `columns`.
    """

    share_taught: Callable
    answers: Callable
    columns: slice


@dataclass(frozen=True, eq=False)
class PairedExamples(Examples):
    """Sequences, targets with steps of their own, and weights. A row is a step of a target."""

    fed: Packed = None  # (n_rows, n_target_features) what the decoder reads at each step
    sampling: Sampling | None = None

    def rows(self, values, indices):
        """Select the rows of `values` (n_rows, ...) that belong to some sequences."""
        return None if values is None else values[self.fed.rows(indices)]

    def repeat(self, values):
        """Repeat the values of sequences (n_samples,) for each of their rows."""
        return np.repeat(values, self.fed.lengths)

    def take(self, indices):
        """Copy the examples of some sequences."""
        return replace(
            self,
            sequences=self.sequences.take(indices),
            targets=self.rows(self.targets, indices),
            weights=self.rows(self.weights, indices),
            fed=self.fed.take(indices),
        )

    def of_sequences(self, values):
        """Return the first of the rows of each sequence."""
        return values[self.fed.offsets[:-1]]

    def have_weight(self):
        """Tell for each sequence (n_samples,) whether it has any weight."""
        if self.weights is None:
            return np.ones(self.sequences.n_samples, dtype=bool)
        return self.of_sequences(self.weights) > 0

    def weights_of_steps(self, indices, up_to_the_last_taught):
        """Return the weight of each step of X (n_steps,), or None if all are ones."""
        n_samples = self.sequences.n_samples
        if self.weights is None and len(indices) == n_samples:
            return None
        weights = np.zeros(n_samples)
        weights[indices] = 1.0 if self.weights is None else self.of_sequences(self.weights)[indices]
        return np.repeat(weights, self.sequences.lengths)

    def n_taught(self, indices=None):
        """Count the rows of some sequences, or of all, that have weight."""
        if indices is None:
            indices = np.arange(self.sequences.n_samples)
        if self.weights is not None:
            return int(np.count_nonzero(self.rows(self.weights, indices)))
        return int(self.fed.lengths[indices].sum())

    def options_of_engine(self):
        """Return the arguments of an engine that depend on the examples."""
        return {"target_lengths": self.fed.lengths, "group_weights": self.group_weights}

    def dataset(self):
        """Return the examples as the core reads them."""
        source, scaling = self.sequences, self.scaling or (None, None)
        return _core.PairedDataset(
            _core.Dataset(source.values, source.offsets, None, None, *scaling),
            _core.Dataset(self.fed.values, self.fed.offsets, self.targets, self.weights),
        )


class PairsOfSequences(WholeSequences):
    """Minibatches of pairs: arrays of their numbers; see `WholeSequences`."""

    def __init__(self, training, n_threads):
        self.training, examples = training, training.examples
        lengths = examples.sequences.lengths[training.indices]
        target_lengths = examples.fed.lengths[training.indices]
        workspace = workspace_of(training.settings, lengths, target_lengths=target_lengths)
        _, self.batch_size, _ = sizes_of_batches(training.settings, len(lengths))
        self.engine = engine_of(training, workspace, n_threads)
        self.dataset = examples.dataset()
        self.n_trained = self.n_batches = 0  # in this run; in one pass
        self.sampler = None
        if examples.sampling is not None:
            self.sampler = _Sampler(training, lengths, self.batch_size)

    @property
    def is_comparable(self):
        """Tell whether the loss of this pass means the same as that of the pass before."""
        return self.sampler is None or self.sampler.share_taught == self.share_before

    def draw(self):
        """Return the minibatches of the next pass."""
        batches = super().draw()
        self.n_batches = len(batches)
        self.share_before = self.sampler and self.sampler.share_taught
        return batches

    def train(self, batch, params, moments, rate, update):
        """Learn from a minibatch; return its loss and weight."""
        self.n_trained += 1
        if self.sampler is None:
            return self.engine.train_minibatch(self.dataset, batch, params, moments, rate, update)
        total = self.training.n_epochs * self.n_batches
        done = (self.n_trained - 1) / total if self.training.planned else None
        with self.sampler.mixed(batch, params, update, done):
            return self.engine.train_minibatch(self.dataset, batch, params, moments, rate, update)


class _Sampler:
    """Runs the decoder on its own answers before a minibatch is trained."""

    def __init__(self, training, lengths, batch_size):
        self.examples, self.seed = training.examples, training.progress.seed
        self.source, self.sampling = self.examples.dataset().source, training.examples.sampling
        self.share_taught = None  # in the last minibatch
        longest = np.sort(lengths)[::-1][:batch_size]
        self.decoder = training.network.decoder(longest, batch_size)

    @contextmanager
    def mixed(self, batch, params, update, done):
        """Let the decoder read some of its answers in a minibatch, within the context.

        A coin is thrown for each step of each target. No gradient flows through what is fed.
        """
        share_taught = self.share_taught = self.sampling.share_taught(done)
        if share_taught >= 1:
            yield
            return
        fed = self.examples.fed
        rows, lengths = fed.rows(batch), fed.lengths[batch]
        coins = random_state_of(self.seed, COINS + update).random_sample(int(lengths.sum()))
        given = fed.values[rows]
        try:
            self._mix(batch, params, np.split(coins >= share_taught, np.cumsum(lengths)[:-1]))
            yield
        finally:
            fed.values[rows] = given

    def _mix(self, batch, params, own):
        """Replace what is fed by answers where `own`, a mask for each sequence, is set."""
        fed, decoder, columns = self.examples.fed, self.decoder, self.sampling.columns
        order = np.argsort(-fed.lengths[batch], kind="stable")
        batch, own = batch[order], [own[i] for i in order]
        lengths, first = fed.lengths[batch], fed.offsets[batch]
        decoder.load(params)
        decoder.begin(self.source, batch)
        answers = None
        for t in range(lengths[0]):
            n = int(np.searchsorted(-lengths, -t))  # sequences of more than t steps
            rows = first[:n] + t
            if t > 0:
                decoder.reorder(np.arange(n))
                flips = np.array([mask[t] for mask in own[:n]])
                fed.values[rows[flips], columns] = answers[:n][flips]
            answers = self.sampling.answers(decoder.step(np.ascontiguousarray(fed.values[rows])))
