"""Reptile: initial weights from which a few updates suffice for each of many tasks."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .._model.network import ready
from .epochs import run_pass
from .examples import Weighing
from .minibatches import optimizer_options, resolve_batch_size
from .progress import Progress


@dataclass(frozen=True, eq=False)
class Task:
    """The examples of one task."""

    indices: np.ndarray  # (n,) its sequences
    weighing: Weighing

    @classmethod
    def of(cls, examples, indices):
        return cls(indices, Weighing.of(examples, indices))


class TaskTrainer:
    """Trains on one task at a time, with one engine for all tasks."""

    def __init__(self, network, examples, tasks, settings, n_threads, loss_unit, frozen=()):
        self.tasks, self.settings, self.loss_unit = tasks, settings, loss_unit
        self.sizes = [resolve_batch_size(settings.batch_size, len(t.indices)) for t in tasks]
        self.engine = network.engine(
            examples.sequences.lengths[np.concatenate([task.indices for task in tasks])],
            max(self.sizes),
            n_threads,
            training=True,
            memory_budget=settings.memory_budget,
            frozen=frozen,
        )
        self.train = partial(self.engine.train_minibatch, examples.dataset())

    count = staticmethod(len)  # of the sequences of a minibatch

    def take_updates(self, number, progress, n_updates, rng):
        """Make `n_updates` updates on a task, over several epochs; return their mean loss."""
        task, size, engine = self.tasks[number], self.sizes[number], self.engine
        total, n_left = 0.0, n_updates
        with ready(engine):
            engine.load(progress.params)
            engine.set_optimizer(**optimizer_options(self.settings), seed=progress.seed)
            engine.weigh_by(size * task.weighing.per_sequence, task.weighing.per_row)
            while n_left > 0:
                batches = self._batches(task.indices, size, rng)[:n_left]
                rates = [self.settings.learning_rate_init] * len(batches)
                self._run_pass(batches, rates, progress)
                progress.end_epoch(None)
                total += progress.loss * len(batches)
                n_left -= len(batches)
        return total / n_updates

    def _run_pass(self, batches, rates, progress):
        try:
            run_pass(self, batches, rates, progress, self.loss_unit)
        except ValueError as error:
            text = str(error).replace("`learning_rate_init`", "`inner_learning_rate`")
            raise ValueError(text) from error

    def _batches(self, indices, size, rng):
        """Cut the sequences of a task into minibatches.

        All tasks share one generator: making one for each pass, as `fit` does, would take longer
        than a pass over a small task.
        """
        if self.settings.shuffle and len(indices) > size:
            indices = rng.permutation(indices)
        return [indices[i : i + size] for i in range(0, len(indices), size)]


def meta_train(trainer, progress, n_iter, n_inner, outer_learning_rate, rng):
    """In each iteration, move progress.params towards the result of updates on a random task.

    The outer learning rate falls linearly to 0. The moments of the optimizer start from 0 in each
    iteration. Yields the mean loss of the updates of each iteration.
    """
    params, seed = progress.params, progress.seed
    for iteration in range(n_iter):
        number = rng.randint(len(trainer.tasks))
        inner = Progress.begin(params.copy(), seed, trainer.settings)
        loss = trainer.take_updates(number, inner, n_inner, rng)
        rate = outer_learning_rate * (1 - iteration / n_iter)
        # theta = theta + rate (theta_k - theta)    (Nichol et al., 2018)
        params += params.dtype.type(rate) * (inner.params - params)
        progress.n_sequences += inner.n_sequences
        progress.n_updates, progress.loss = iteration + 1, loss
        yield loss
        seed = int(rng.randint(2**64, dtype=np.uint64))
