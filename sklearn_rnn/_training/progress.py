"""The settings of a training, and its progress."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from .. import _core


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters that control training, under their own names."""

    solver: str
    alpha: float
    l1_ratio: float
    batch_size: int | str
    gradient_accumulation_steps: int
    memory_budget: int | None
    learning_rate: str | Callable[[float], float]
    learning_rate_init: float
    power_t: float
    warmup: float
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


@dataclass
class Progress:
    """The progress of a training, which each minibatch changes and `partial_fit` resumes.

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
    epochs: list = field(default_factory=list)  # (loss, score or None) of each complete epoch
    earlier_losses: list = field(default_factory=list)  # of earlier runs, which this one continues
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
        """Continue from what `optimizer` returned; a new solver begins without moments."""
        if optimizer["solver"] != settings.solver:
            return cls.begin(params, next_seed(optimizer["seed"]), settings, **history)
        optimizer = {**optimizer, "moments": optimizer["moments"].copy()}
        return cls(params, **optimizer, **history)

    def is_finite(self):
        """Tell whether the weights and the optimizer's moments are finite."""
        return bool(np.isfinite(self.params).all() and np.isfinite(self.moments).all())

    def optimizer(self):
        """Return what `resume` needs besides the parameters: plain values and one array."""
        names = ("solver", "moments", "seed", "learning_rate", "n_updates", "n_passes")
        facts = {name: getattr(self, name) for name in names}
        facts["moments"] = self.moments.copy()  # training continues to change them
        if not self.validates:
            facts.update(best=self.best, no_improvement=self.no_improvement)
        return facts

    def rescale_best(self, factor):
        """Convert the best loss to another unit; forget it if None, as predictions have changed."""
        if factor is None:
            self.best, self.no_improvement = np.inf, 0
        else:
            self.best *= factor

    def end_epoch(self, score):
        """Record the loss of an epoch, and its score (None without validation)."""
        self.best_loss = min(self.best_loss, self.loss)
        self.epochs.append((self.loss, score))

    def continue_losses(self):
        """Append the losses of this run to the earlier ones; a second call changes nothing."""
        self.earlier_losses[self.n_epochs_before :] = self.losses
        return self.earlier_losses

    def diverge(self, reason):
        """Record that the training diverged (something is not finite), and return the error."""
        self.diverged = True
        return ValueError(
            f"The training diverged: {reason}. Lower `learning_rate_init` or `alpha`, set or lower "
            "`max_grad_norm`, or scale the data (sklearn_rnn.preprocessing.SequenceScaler)."
        )


def next_seed(seed):
    """Return the seed of a fit that continues (`warm_start`) one with `seed`."""
    return int(random_state_of(seed, 0).randint(2**63, dtype=np.uint64))


def random_state_of(seed, number):
    """Return a separate RandomState for each (seed, number), so that no state has to be kept."""
    words = [seed & 0xFFFFFFFF, seed >> 32, number]
    return np.random.RandomState(np.random.MT19937(words))
