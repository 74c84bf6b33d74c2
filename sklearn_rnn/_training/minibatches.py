"""Minibatches of whole sequences: how they are drawn, and the engine that learns from them."""

from functools import partial

import numpy as np

from .progress import random_state_of


def auto_batch_size(n_samples):
    """Return the size that `batch_size="auto"` means: small for small data, where it is best."""
    return min(n_samples, max(16, min(128, n_samples // 64)))


def resolve_batch_size(batch_size, n_samples):
    return auto_batch_size(n_samples) if batch_size == "auto" else min(batch_size, n_samples)


def n_accumulated(settings, batch_size, n_samples):
    """Return how many minibatches are summed for an update, at most all of an epoch."""
    return min(settings.gradient_accumulation_steps, -(-n_samples // batch_size))


def sizes_of_batches(settings, n_samples):
    """Return the sizes of a minibatch and of an update, and the number of minibatches in it."""
    size = resolve_batch_size(settings.batch_size, n_samples)
    n_minibatches = n_accumulated(settings, size, n_samples)
    return size, min(n_minibatches * size, n_samples), n_minibatches


def draw_batches(indices, batch_size, progress, shuffle):
    """Cut the samples of one pass into minibatches; the order depends only on seed and pass."""
    if shuffle and len(indices) > 1:  # making a generator takes longer than one sequence
        indices = random_state_of(progress.seed, 1 + progress.n_passes).permutation(indices)
    indices = np.ascontiguousarray(indices, dtype=np.intp)
    return [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]


def workspace_of(settings, lengths, carried=False, target_lengths=None):
    """Return the arguments of `Network.engine` for a training on sequences of these lengths.

    carried: whether initial states are given. target_lengths: those of the targets of a decoder.
    """
    size, _, n_minibatches = sizes_of_batches(settings, len(lengths))
    return {
        **({} if target_lengths is None else {"target_lengths": target_lengths}),
        "training": True,
        "lengths": lengths,
        "batch_size": size,
        "n_accumulated": n_minibatches,
        "memory_budget": settings.memory_budget,
        "carried": carried,
    }


def engine_of(training, workspace, n_threads):
    """Return the engine of a training; workspace: see `workspace_of`."""
    return training.network.engine(
        **workspace,
        n_threads=n_threads,
        frozen=training.frozen,
        group_weights=training.examples.group_weights,
    )


def load(engine, training, divisor):
    """Make an engine ready for `train_minibatch`; divisor: see `Weighing`."""
    engine.load(training.progress.params)
    engine.set_optimizer(**_optimizer_options(training.settings), seed=training.progress.seed)
    engine.weigh_by(divisor, training.weighing.per_row)


def _optimizer_options(settings):
    names = ("solver", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon", "alpha")
    names += ("l1_ratio", "max_grad_norm", "max_grad_value")
    return {name: getattr(settings, name) for name in names}


class WholeSequences:
    """Minibatches of whole sequences: arrays of their numbers.

    Minibatches of every kind have what `epochs.train` uses of these: `engine`, `window_length` and
    `is_comparable`, `load`, `draw`, `train`, `count` and `grow`.
    """

    window_length = None
    is_comparable = True  # whether the loss of this pass means the same as that of the one before

    def __init__(self, training, n_threads):
        self.training, examples = training, training.examples
        lengths = examples.sequences.lengths[training.indices]
        carried = examples.initial_state is not None
        workspace = workspace_of(training.settings, lengths, carried)
        _, self.batch_size, _ = sizes_of_batches(training.settings, len(lengths))  # of an update
        self.engine = engine_of(training, workspace, n_threads)
        self.dataset = examples.dataset()
        # (minibatch, params, moments, rate, update) -> loss, weight
        self.train = partial(self.engine.train_minibatch, self.dataset)

    def load(self):
        """Make the engine ready."""
        load(self.engine, self.training, self.batch_size * self.training.weighing.per_sequence)

    def draw(self):
        """Return the minibatches of the next pass."""
        training = self.training
        shuffle = training.settings.shuffle
        return draw_batches(training.indices, self.batch_size, training.progress, shuffle)

    count = staticmethod(len)  # of the sequences of a minibatch

    def grow(self, best):
        """Return False: there are no windows to make longer."""
        return False
