"""Reptile: initial weights from which a few updates suffice for each of many tasks."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from .._model.network import ready
from .epochs import run_pass
from .examples import Weighing
from .minibatches import engine_of, load, resolve_batch_size
from .progress import Progress, new_seed


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

    def __init__(self, training, tasks, n_threads):
        """Training has the examples of all tasks; neither its progress nor its weighing is used."""
        self.training, self.tasks, examples = training, tasks, training.examples
        size = training.settings.batch_size
        self.sizes = [resolve_batch_size(size, len(task.indices)) for task in tasks]
        lengths = examples.sequences.lengths[np.concatenate([task.indices for task in tasks])]
        workspace = {
            "training": True,
            "lengths": lengths,
            "batch_size": max(self.sizes),
            "memory_budget": training.settings.memory_budget,
        }
        self.engine = engine_of(training, workspace, n_threads)
        self.train = partial(self.engine.train_minibatch, examples.dataset())

    count = staticmethod(len)  # of the sequences of a minibatch

    def take_updates(self, number, progress, n_updates, rng):
        """Make `n_updates` updates on a task, over several epochs; return their mean loss."""
        task, size, total, n_left = self.tasks[number], self.sizes[number], 0.0, n_updates
        training = replace(self.training, progress=progress, weighing=task.weighing)
        with ready(self.engine):
            load(self.engine, training, size * task.weighing.per_sequence)
            while n_left > 0:
                batches = self._batches(task.indices, size, rng)[:n_left]
                rates = [training.settings.learning_rate_init] * len(batches)
                self._run_pass(batches, rates, progress)
                progress.end_epoch()
                total += progress.loss * len(batches)
                n_left -= len(batches)
        return total / n_updates

    def _run_pass(self, batches, rates, progress):
        try:
            run_pass(self, batches, rates, progress, self.training.loss_unit)
        except ValueError as error:
            text = str(error).replace("`learning_rate_init`", "`inner_learning_rate`")
            raise ValueError(text) from error

    def _batches(self, indices, size, rng):
        """Cut the sequences of a task into minibatches.

        All tasks share one generator: making one for each pass, as `fit` does, would take longer
        than a pass over a small task.
        """
        if self.training.settings.shuffle and len(indices) > size:
            indices = rng.permutation(indices)
        return [indices[i : i + size] for i in range(0, len(indices), size)]


def rate_of(outer_learning_rate, iteration, n_iter):
    """Return the outer learning rate of an iteration, which falls linearly to 0."""
    return outer_learning_rate * (1 - iteration / n_iter)


def meta_train(trainer, progress, n_iter, n_inner, outer_learning_rate, rng):
    """In each iteration, move progress.params towards the result of updates on a random task.

    The moments of the optimizer start from 0 in each iteration. Yields the mean loss of the updates
    of each iteration.
    """
    params, seed = progress.params, progress.seed
    for iteration in range(n_iter):
        number = rng.randint(len(trainer.tasks))
        inner = Progress.begin(params.copy(), seed, trainer.training.settings)
        loss = trainer.take_updates(number, inner, n_inner, rng)
        rate = rate_of(outer_learning_rate, iteration, n_iter)
        # theta = theta + rate (theta_k - theta)    (Nichol et al., 2018)
        params += params.dtype.type(rate) * (inner.params - params)
        progress.n_sequences += inner.n_sequences
        progress.n_updates, progress.loss = iteration + 1, loss
        yield loss
        seed = new_seed(rng)
