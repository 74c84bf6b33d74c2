"""Epochs: minibatches, learning rates, validation, and when to stop; without estimators."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from .._model.network import Network, fill_unknown_rows, ready
from . import optimizers
from .examples import Examples, Weighing
from .freezing import mask_of
from .minibatches import WholeSequences
from .pairs import PairedExamples, PairsOfSequences
from .progress import Progress, Settings
from .windowed import windowed


@dataclass(eq=False)
class Training:
    """Everything that training needs: network, examples, settings and progress."""

    network: Network
    examples: Examples
    indices: np.ndarray  # (n,) the sequences to learn from; others are held out
    weighing: Weighing
    settings: Settings
    progress: Progress
    n_epochs: int
    planned: bool = True  # False: a pass of `partial_fit`, whose number of calls is unknown
    highest_rate: float = np.inf  # limit of the learning rate, in whatever schedule
    loss_unit: float = 1.0  # factor from the loss to the units of y
    frozen: tuple[str, ...] = ()  # names of arrays that do not change
    # Whether the vectors of unknown codes are learned; otherwise they are the mean of the others.
    learns_unknown: bool = False
    # params -> score, the value that early stopping minimises, and the loss in units of y
    validate: Callable[[np.ndarray], tuple[float, float, float]] | None = None
    plateau: float = np.inf  # above this, the loss is hardly better than a constant prediction's


def train(training, n_threads, observers):
    """Train epoch by epoch; `training.progress` changes as it goes, minibatch by minibatch.

    Each epoch calls observers.begin_epoch() and .end_epoch(info); the latter may ask to stop.
    Returns why training ended: "stopped" (by an observer), "no_progress", "max_iter", or
    "interrupted" (Ctrl-C, if `fit` has learned anything; `partial_fit` raises it, because the
    user's loop must end too). With validation, the best parameters are restored in every case.
    """
    progress, n_updates = training.progress, training.progress.n_updates
    minibatches = _kind_of_minibatches(training)(training, n_threads)
    if progress.average is not None and training.frozen:
        progress.average.frozen = mask_of(training.network, training.frozen)
    try:
        with ready(minibatches.engine):
            minibatches.load()
            return _run_epochs(training, minibatches, observers)
    except KeyboardInterrupt:
        if progress.n_updates == n_updates or not training.planned:
            raise
        return "interrupted"
    finally:
        _fill_unknown_rows(training)
        progress.restore_best()


def _kind_of_minibatches(training):
    """Return what makes the minibatches of a training."""
    if training.settings.bptt is not None:
        return windowed
    return PairsOfSequences if isinstance(training.examples, PairedExamples) else WholeSequences


def _run_epochs(training, minibatches, observers):
    """Train, validate and call the observers until training ends; return why it ended."""
    progress, settings = training.progress, training.settings
    n_steps = int(training.examples.sequences.lengths[training.indices].sum())
    for epoch in range(training.n_epochs):
        observers.begin_epoch()
        begin = perf_counter()
        batches = minibatches.draw()
        rates = learning_rates(training, epoch, len(batches))
        loss = run_pass(minibatches, batches, rates, progress, training.loss_unit)
        _fill_unknown_rows(training)
        trained = perf_counter()
        score, value, validation_loss = None, loss, None
        if training.validate is not None:
            score, value, validation_loss = training.validate(progress.result)
        elif not minibatches.is_comparable:
            progress.rescale_best(None)
        progress.end_epoch(
            validation_loss=validation_loss,
            validation_score=score,
            learning_rate=rates[-1],
            window_length=minibatches.window_length,
        )
        grow = minibatches.grow if training.planned else None
        go_on = judge(progress, settings, value, score, training.plateau, grow)
        now, speed = perf_counter(), n_steps / max(trained - begin, 1e-9)
        info = progress.info(training.n_epochs, now - begin, speed)
        if observers.end_epoch(info):
            return "stopped"
        if not go_on:
            return "no_progress"
    return "max_iter"


def _fill_unknown_rows(training):
    """Set the rows of unknown codes, also in the average of the weights."""
    progress = training.progress
    if training.learns_unknown:
        return
    fill_unknown_rows(training.network, progress.params, training.frozen)
    if progress.average is not None:
        fill_unknown_rows(training.network, progress.average.values, training.frozen)


def learning_rates(training, epoch, n_batches):
    """List the learning rate of each minibatch of a pass."""
    shares = ((epoch + i / n_batches) / training.n_epochs for i in range(n_batches))
    done = shares if training.planned else [None] * n_batches
    facts = training.settings, training.progress
    return [min(optimizers.rate_of(*facts, share), training.highest_rate) for share in done]


def run_pass(minibatches, batches, rates, progress, loss_unit):
    """Learn from each minibatch once; returns the mean loss, weighted like the examples."""
    train, count = minibatches.train, minibatches.count
    loss = total_weight = 0.0
    for batch, rate in zip(batches, rates, strict=True):
        try:
            batch_loss, weight = train(
                batch, progress.params, progress.moments, rate, progress.n_updates + 1
            )
        except FloatingPointError as error:
            raise progress.diverge(error) from error
        progress.n_sequences += count(batch)
        if weight > 0:
            total_weight += weight
            loss += (batch_loss - loss) * (weight / total_weight)
            progress.loss = loss * loss_unit
            progress.end_update()
    progress.n_passes += 1
    if not progress.is_finite():
        raise progress.diverge("some weights, or values that the solver keeps, overflow")
    return loss


# Factor of the patience while training is hardly better than a constant prediction.
PLATEAU_PATIENCE = 4


def judge(progress, settings, value, score=None, plateau=np.inf, grow=None):
    """Count epochs without progress (a smaller `value` is better); return whether to continue.

    Without progress for too long, training continues only if grow(best) makes the windows longer.
    """
    if value <= progress.best - settings.tol or value <= plateau < progress.best:
        progress.no_improvement = 0
    else:
        progress.no_improvement += 1
    if value < progress.best:
        progress.best, progress.best_score = value, score
        if progress.validates:
            progress.best_params = progress.result.copy()
    patience = settings.n_iter_no_change
    if progress.best > plateau:
        patience *= PLATEAU_PATIENCE
    if progress.no_improvement > patience:
        if grow is not None and grow(progress.best):
            progress.no_improvement = 0
            return True
        rate = optimizers.lowered(settings, progress.learning_rate)
        if rate is None:
            return False
        progress.learning_rate, progress.no_improvement = rate, 0
    return True
