"""The settings of a training, and its progress."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from numbers import Integral, Real

import numpy as np

from .averaging import Average
from .history import Epoch, extend
from .optimizers import n_moments
from .windows import Truncation

# What the user can do when training diverges.
ADVICE = (
    "Lower `learning_rate_init` or `alpha`, set or lower `max_grad_norm`, or scale the data "
    "(sklearn_rnn.preprocessing.SequenceScaler)."
)


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters that control training, under their own names."""

    solver: str
    alpha: float
    l1_ratio: float
    bptt: Truncation | None
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
    ema_decay: float | None
    shuffle: bool
    tol: float
    n_iter_no_change: int | float
    max_fun: int

    @classmethod
    def of(cls, params):
        """Return the settings among the parameters of an estimator, a dict."""
        settings = {field.name: _as_float(params[field.name]) for field in fields(cls)}
        return cls(**{**settings, "bptt": Truncation.of(settings["bptt"])})


def _as_float(value):
    """Return a real number that is no integer as a float, whose arithmetic is precise and quick."""
    return float(value) if isinstance(value, Real) and not isinstance(value, Integral) else value


def n_vectors_of(settings):
    """Return how many vectors (n_params,) a `Progress` keeps besides the parameters."""
    return n_moments(settings.solver) + (settings.ema_decay is not None)


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
    average: Average | None = None  # of `params`
    was_fit: bool = False  # ever by `fit`, and not only by `partial_fit`
    n_updates: int = 0
    n_passes: int = 0
    n_sequences: int = 0  # t_
    loss: float = np.nan
    epochs: list[Epoch] = field(default_factory=list)
    earlier_losses: list = field(default_factory=list)  # of earlier runs, which this one continues
    earlier_scores: list = field(default_factory=list)
    earlier_facts: dict = field(default_factory=dict)  # other columns, see `history.extend`
    best_loss: float = np.inf
    has_windows: bool = False
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
        return [epoch.loss for epoch in self.epochs]

    @property
    def scores(self):
        scores = (epoch.validation_score for epoch in self.epochs)
        return [score for score in scores if score is not None]

    @property
    def window_lengths(self):
        """Lengths of the windows in each epoch, or None without windows."""
        return [epoch.window_length for epoch in self.epochs] if self.has_windows else None

    @classmethod
    def begin(cls, params, seed, settings, **history):
        shape = (n_moments(settings.solver), len(params))
        moments = np.zeros(shape, params.dtype)
        if settings.ema_decay is not None:
            history.setdefault("average", Average(params.copy(), settings.ema_decay))
        return cls(params, settings.solver, moments, seed, settings.learning_rate_init, **history)

    @classmethod
    def resume(cls, params, optimizer, settings, **history):
        """Continue from what `optimizer` returned; a new solver begins without moments.

        params: the weights of the fitted network. If they are an average and `ema_decay` is still
        set, training continues from the weights that were averaged.
        """
        # Models of earlier versions do not say whether they were fit; nearly all were.
        optimizer = {"was_fit": True, **optimizer, "moments": optimizer["moments"].copy()}
        raw_params = optimizer.pop("raw_params", params)
        n_averaged = optimizer.pop("n_averaged", 0)
        if settings.ema_decay is not None:
            average = Average(params, settings.ema_decay, n_averaged)
            params, history = raw_params.copy(), {**history, "average": average}
        if optimizer["solver"] != settings.solver:
            history["was_fit"] = optimizer["was_fit"]
            return cls.begin(params, next_seed(optimizer["seed"]), settings, **history)
        return cls(params, **optimizer, **history)

    @property
    def result(self):
        """The weights (n_params,) to validate and to return: the average, if there is one."""
        return self.params if self.average is None else self.average.values

    def end_update(self):
        """Count an update of the weights, and add them to their average."""
        if self.average is not None:
            self.average.add(self.params)
        self.n_updates += 1  # last, because it tells that something was learned

    def restore_best(self):
        """Return to the weights of the best validation, if there was one."""
        if self.best_params is not None:
            self.params, self.average = self.best_params, None

    def is_finite(self):
        """Tell whether the weights, their average and the optimizer's moments are finite."""
        arrays = self.params, self.result, self.moments
        return all(bool(np.isfinite(array).all()) for array in arrays)

    def optimizer(self):
        """Return what `resume` needs besides the result: plain values and arrays."""
        names = ("solver", "moments", "seed", "learning_rate", "n_updates", "n_passes", "was_fit")
        facts = {name: getattr(self, name) for name in names}
        facts["moments"] = self.moments.copy()  # training continues to change them
        if self.average is not None:
            facts.update(raw_params=self.params.copy(), n_averaged=self.average.n)
        if not self.validates:
            facts.update(best=self.best, no_improvement=self.no_improvement)
        return facts

    def rescale_best(self, factor):
        """Convert the best loss to another unit; forget it if None, as predictions have changed."""
        if factor is None:
            self.best, self.no_improvement = np.inf, 0
        else:
            self.best *= factor

    def end_epoch(self, **facts):
        """Record an epoch: its loss, and the facts of an `Epoch`."""
        self.best_loss = min(self.best_loss, self.loss)
        self.epochs.append(Epoch(self.loss, **facts))

    def info(self, max_iter, seconds, steps_per_second):
        """Return what callbacks are told of the last epoch."""
        return {
            "epoch": self.n_iter,
            "max_iter": max_iter,
            **self.epochs[-1]._asdict(),
            "seconds": seconds,
            "steps_per_second": steps_per_second,
        }

    def curves(self, in_place=False):
        """Return the losses and the other facts of all epochs, also of earlier runs.

        in_place: append to the lists of earlier runs, which takes the same time however long they
        are; a second call changes nothing.
        """
        losses, facts = self.earlier_losses, self.earlier_facts
        if not in_place:
            losses, facts = list(losses), {name: list(column) for name, column in facts.items()}
        losses[self.n_epochs_before :] = self.losses
        extend(facts, self.n_epochs_before, self.epochs)
        return losses, facts

    def diverge(self, reason, advice=ADVICE):
        """Record that the training diverged (something is not finite), and return the error."""
        self.diverged = True
        return ValueError(f"The training diverged: {reason}. {advice}")


def new_seed(rng):
    """Draw the seed of a training from a RandomState."""
    return int(rng.randint(2**64, dtype=np.uint64))


def next_seed(seed):
    """Return the seed of a fit that continues (`warm_start`) one with `seed`."""
    return int(random_state_of(seed, 0).randint(2**63, dtype=np.uint64))


def random_state_of(seed, number):
    """Return a separate RandomState for each (seed, number), so that no state has to be kept."""
    words = [seed & 0xFFFFFFFF, seed >> 32, number]
    return np.random.RandomState(np.random.MT19937(words))
