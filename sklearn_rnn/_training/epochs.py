"""Epochs: minibatches, learning rates, validation, and when to stop; without estimators."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from time import perf_counter

import numpy as np

from .. import _core
from .._data.packed import Sequences
from .._model.network import Network, ready
from . import optimizers


def auto_batch_size(n_samples):
    """Return the size that `batch_size="auto"` means: small for small data, where it is best."""
    return min(n_samples, max(16, min(128, n_samples // 64)))


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters that control training, under their own names."""

    solver: str
    alpha: float
    batch_size: int | str
    memory_budget: int | None
    learning_rate: str
    learning_rate_init: float
    power_t: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    max_grad_norm: float | None
    max_grad_value: float | None
    shuffle: bool
    tol: float
    n_iter_no_change: int | float

    @classmethod
    def of(cls, params):
        """Return the settings among the parameters of an estimator, a dict."""
        return cls(**{field.name: params[field.name] for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences with targets and weights. A row is a sequence, or a step if `per_step`."""

    sequences: Sequences
    targets: np.ndarray  # (n_rows,) int32, or (n_rows, n_outputs)
    weights: np.ndarray | None  # (n_rows,) float64
    per_step: bool
    scaling: tuple[np.ndarray, np.ndarray] | None = None  # mean and scale of X, each (n_features,)

    def rows(self, values, indices):
        """Select the rows of `values` (n_rows, ...) that belong to some sequences."""
        if values is None or not self.per_step:
            return None if values is None else values[indices]
        return values[self.sequences.rows(indices)]

    def take(self, indices):
        """Copy the examples of some sequences."""
        return Examples(
            self.sequences.take(indices),
            self.rows(self.targets, indices),
            self.rows(self.weights, indices),
            self.per_step,
            self.scaling,
        )

    def have_weight(self):
        """Tell for each sequence (n_samples,) whether it has any weight."""
        if self.weights is None:
            return np.ones(self.sequences.n_samples, dtype=bool)
        if self.per_step:
            return np.logical_or.reduceat(self.weights > 0, self.sequences.offsets[:-1])
        return self.weights > 0

    def with_class_weights(self, factors):
        """Multiply the weights by a factor per class, the last one for unknown classes (-1)."""
        if factors is None:
            return self
        weights = np.ones(len(self.targets)) if self.weights is None else self.weights
        return replace(self, weights=weights * factors[self.targets])

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

    def dataset(self):
        sequences = self.sequences
        return _core.Dataset(
            sequences.values,
            sequences.offsets,
            self.targets,
            self.weights,
            *(self.scaling or (None, None)),
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
    otherwise clipping would undo the weights.
    """

    per_sequence: float  # mean total weight of a sequence, over all its steps
    per_row: float = 0.0  # mean of the positive weights; 0: there are no weights

    @classmethod
    def of(cls, examples, indices):
        """Compute the units for the sequences of a whole training."""
        n_taught = examples.n_taught(indices)
        if examples.weights is None:
            return cls(n_taught / len(indices))
        total = float(examples.rows(examples.weights, indices).sum())
        return cls(total / len(indices), total / n_taught)


@dataclass
class Progress:
    """The state of training: started by a fit, changed by each minibatch, resumed by `partial_fit`.

    Losses are in the units of y; only `best` is in the units of `tol`.
    """

    params: np.ndarray  # (n_params,)
    solver: str
    moments: np.ndarray  # (n_moments, n_params), the optimizer's
    seed: int  # of shuffling and dropout, below 2**64
    learning_rate: float
    n_updates: int = 0
    n_passes: int = 0
    n_sequences: int = 0  # t_
    loss: float = np.nan
    epochs: list = field(default_factory=list)  # (loss, score or None) of each whole one
    earlier_losses: list = field(default_factory=list)  # of the runs that this one continues
    earlier_scores: list = field(default_factory=list)
    best_loss: float = np.inf
    validates: bool = False
    best: float = np.inf  # loss, or value of the validation: less is better
    best_score: float | None = None  # score of the best validation
    best_params: np.ndarray | None = None  # only with validation
    no_improvement: int = 0
    diverged: bool = False

    def __post_init__(self):
        self.n_epochs_before = len(self.earlier_losses)

    @property
    def n_iter(self):
        """Number of whole epochs of this run."""
        return len(self.epochs)

    @property
    def losses(self):
        return [loss for loss, _ in self.epochs]

    @property
    def scores(self):
        return [score for _, score in self.epochs if score is not None]

    @classmethod
    def begin(cls, params, seed, settings, **history):
        shape = (_core.OPTIMIZERS[settings.solver], len(params))
        moments = np.zeros(shape, params.dtype)
        return cls(params, settings.solver, moments, seed, settings.learning_rate_init, **history)

    @classmethod
    def resume(cls, params, optimizer, settings, **history):
        """Continue from an `optimizer_state`; a new solver begins without moments."""
        if optimizer["solver"] != settings.solver:
            return cls.begin(params, next_seed(optimizer["seed"]), settings, **history)
        optimizer = {**optimizer, "moments": optimizer["moments"].copy()}
        return cls(params, **optimizer, **history)

    def is_finite(self):
        """Tell whether the weights and the optimizer's moments are finite."""
        return bool(np.isfinite(self.params).all() and np.isfinite(self.moments).all())

    def optimizer_state(self):
        """Return what `resume` needs besides the parameters: plain values and one array."""
        names = ("solver", "moments", "seed", "learning_rate", "n_updates", "n_passes")
        state = {name: getattr(self, name) for name in names}
        state["moments"] = self.moments.copy()  # training continues to change them
        if not self.validates:
            state.update(best=self.best, no_improvement=self.no_improvement)
        return state

    def rescale_best(self, factor):
        """Convert the best loss to another unit; None: predictions have changed, judge anew."""
        if factor is None:
            self.best, self.no_improvement = np.inf, 0
        else:
            self.best *= factor

    def end_epoch(self, score):
        """Record the loss of an epoch, and with validation its score, both at once."""
        self.best_loss = min(self.best_loss, self.loss)
        self.epochs.append((self.loss, score))

    def continue_losses(self):
        """Write the losses of this run behind the earlier ones; doing so again changes nothing."""
        self.earlier_losses[self.n_epochs_before :] = self.losses
        return self.earlier_losses


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
    loss_unit: float = 1.0  # factor from the loss to the units of y
    # params -> score, and the value that early stopping minimises
    validate: Callable[[np.ndarray], tuple[float, float]] | None = None
    plateau: float = np.inf  # above this, the loss is hardly better than a constant prediction's


def diverged(progress, reason):
    """Record that the training diverged (something is not finite), and return the error."""
    progress.diverged = True
    return ValueError(
        f"The training diverged: {reason}. Lower `learning_rate_init` or `alpha`, set or lower "
        "`max_grad_norm`, or scale the data (sklearn_rnn.preprocessing.SequenceScaler)."
    )


def next_seed(seed):
    """Return the seed of a fit that continues (`warm_start`) one with `seed`."""
    return int(_random_state(seed, 0).randint(2**63, dtype=np.uint64))


def _random_state(seed, number):
    """Return a separate RandomState for each (seed, number), so that no state has to be kept."""
    words = [seed & 0xFFFFFFFF, seed >> 32, number]
    return np.random.RandomState(np.random.MT19937(words))


def resolve_batch_size(batch_size, n_samples):
    return auto_batch_size(n_samples) if batch_size == "auto" else min(batch_size, n_samples)


def train(training, n_threads, observers):
    """Train epoch by epoch; `training.progress` changes as it goes, minibatch by minibatch.

    Each epoch calls observers.begin_epoch() and .end_epoch(info); the latter may ask to stop.
    Returns why training ended: "stopped" (by an observer), "no_progress", "max_iter", or
    "interrupted" (Ctrl-C, if `fit` has learned anything; `partial_fit` raises it, because the
    user's loop must end too). With validation, the best parameters are restored in every case.
    """
    progress, settings, examples = training.progress, training.settings, training.examples
    lengths = examples.sequences.lengths[training.indices]
    batch_size = resolve_batch_size(settings.batch_size, len(lengths))
    engine = training.network.engine(
        lengths, batch_size, n_threads, training=True, memory_budget=settings.memory_budget
    )
    dataset = examples.dataset()
    n_updates = progress.n_updates
    try:
        with ready(engine):
            engine.load(progress.params)
            engine.set_optimizer(**_optimizer_options(settings), seed=progress.seed)
            engine.weigh_by(batch_size * training.weighing.per_sequence, training.weighing.per_row)
            return _run_epochs(training, engine, dataset, batch_size, int(lengths.sum()), observers)
    except KeyboardInterrupt:
        if progress.n_updates == n_updates or not training.planned:
            raise
        return "interrupted"
    finally:
        if progress.best_params is not None:
            progress.params = progress.best_params


def _run_epochs(training, engine, dataset, batch_size, n_steps, observers):
    """Train, validate and call the observers until training ends; return why it ended."""
    progress, settings = training.progress, training.settings
    for epoch in range(training.n_epochs):
        observers.begin_epoch()
        begin = perf_counter()
        batches = draw_batches(training.indices, batch_size, progress, settings.shuffle)
        rates = learning_rates(training, epoch, len(batches))
        loss = run_pass(engine, dataset, batches, rates, progress, training.loss_unit)
        trained = perf_counter()
        score, value = None, loss
        if training.validate is not None:
            score, value = training.validate(progress.params)
        progress.end_epoch(score)
        go_on = judge(progress, settings, value, score, training.plateau)
        info = {
            "epoch": progress.n_iter,
            "max_iter": training.n_epochs,
            "loss": progress.loss,
            "validation_score": score,
            "learning_rate": rates[-1],
            "seconds": perf_counter() - begin,
            "steps_per_second": n_steps / max(trained - begin, 1e-9),
        }
        if observers.end_epoch(info):
            return "stopped"
        if not go_on:
            return "no_progress"
    return "max_iter"


def _optimizer_options(settings):
    names = ("solver", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon", "alpha")
    names += ("max_grad_norm", "max_grad_value")
    return {name: getattr(settings, name) for name in names}


def draw_batches(indices, batch_size, progress, shuffle):
    """Cut the samples of one pass into minibatches; the order depends only on seed and pass."""
    if shuffle and len(indices) > 1:  # making a generator takes longer than one sequence
        indices = _random_state(progress.seed, 1 + progress.n_passes).permutation(indices)
    indices = np.ascontiguousarray(indices, dtype=np.intp)
    return [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]


def learning_rates(training, epoch, n_batches):
    """List the learning rate of each minibatch of a pass."""
    schedule = optimizers.SCHEDULES[training.settings.learning_rate]
    shares = ((epoch + i / n_batches) / training.n_epochs for i in range(n_batches))
    done = shares if training.planned else [None] * n_batches
    return [schedule(training.settings, training.progress, share) for share in done]


def run_pass(engine, dataset, batches, rates, progress, loss_unit):
    """Learn from each minibatch once; returns the mean loss, weighted like the examples."""
    loss = total_weight = 0.0
    for batch, rate in zip(batches, rates, strict=True):
        try:
            batch_loss, weight = engine.train_minibatch(
                dataset, batch, progress.params, progress.moments, rate, progress.n_updates + 1
            )
        except FloatingPointError as error:
            raise diverged(progress, error) from error
        progress.n_sequences += len(batch)
        if weight > 0:
            total_weight += weight
            loss += (batch_loss - loss) * (weight / total_weight)
            progress.loss = loss * loss_unit
            progress.n_updates += 1  # last: it shows that something was learned
    progress.n_passes += 1
    if not progress.is_finite():
        raise diverged(progress, "some weights, or values that the solver keeps, overflow")
    return loss


# Factor of the patience while training is hardly better than a constant prediction.
PLATEAU_PATIENCE = 4


def judge(progress, settings, value, score=None, plateau=np.inf):
    """Count epochs without progress (a smaller `value` is better); return whether to continue."""
    if value <= progress.best - settings.tol or value <= plateau < progress.best:
        progress.no_improvement = 0
    else:
        progress.no_improvement += 1
    if value < progress.best:
        progress.best, progress.best_score = value, score
        if progress.validates:
            progress.best_params = progress.params.copy()
    patience = settings.n_iter_no_change
    if progress.best > plateau:
        patience *= PLATEAU_PATIENCE
    if progress.no_improvement > patience:
        rate = optimizers.lowered(settings, progress.learning_rate)
        if rate is None:
            return False
        progress.learning_rate, progress.no_improvement = rate, 0
    return True
