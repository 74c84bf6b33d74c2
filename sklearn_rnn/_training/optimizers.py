"""Names of the solvers and the learning rate of each update; the update itself is in `_core`."""

import math

from .. import _core
from .._floating_point import floating_point_of_caller
from .._rules import Allowed, is_real, number, one_of, shown

LBFGS = "lbfgs"  # the only solver that uses all sequences at once, see lbfgs.py
SOLVERS = (*_core.OPTIMIZERS, LBFGS)
SMALLEST_ADAPTIVE_RATE = 1e-6
ADAPTIVE_DIVISOR = 5.0
FINAL_SHARE = 0.01  # of "exponential"
# Highest share of `learning_rate_init` with which `partial_fit` goes on after `fit`. A few new
# sequences at the full rate undo what many epochs have averaged out.
SHARE_AFTER_FIT = 0.1
# The first rate of "one_cycle" is init / 25, and it is highest at 0.3; as in PyTorch's OneCycleLR.
ONE_CYCLE_DIVISOR = 25.0
RISING_SHARE = 0.3


# A schedule returns the learning rate of an update in the coming pass; `done` is the share of the
# planned updates that come before it, or None if their number is unknown (`partial_fit`).


def constant(settings, progress, done):
    return settings.learning_rate_init


def invscaling(settings, progress, done):
    """rate = init / (t + 1)^p, t sequences seen in the passes before; a huge p gives 0"""
    scale = math.exp(-settings.power_t * math.log1p(progress.n_sequences))
    return settings.learning_rate_init * scale


def adaptive(settings, progress, done):
    """The present rate; `lowered` divides it when there is no more progress."""
    return progress.learning_rate


def cosine(settings, progress, done):
    """rate = init (1 + cos(pi done)) / 2    (Loshchilov and Hutter, 2017)"""
    if done is None:
        return settings.learning_rate_init
    return settings.learning_rate_init * (1.0 + math.cos(math.pi * min(done, 1.0))) / 2.0


def exponential(settings, progress, done):
    """rate = init 0.01^done"""
    if done is None:
        return settings.learning_rate_init
    return settings.learning_rate_init * FINAL_SHARE**done


def one_cycle(settings, progress, done):
    """Up from init / 25 to init in a line, then down to 0 on a cosine    (Smith and Topin, 2018)"""
    if done is None:
        return settings.learning_rate_init
    if done < RISING_SHARE:
        first = 1.0 / ONE_CYCLE_DIVISOR
        return settings.learning_rate_init * (first + (1.0 - first) * done / RISING_SHARE)
    return cosine(settings, progress, (done - RISING_SHARE) / (1.0 - RISING_SHARE))


SCHEDULES = {
    f.__name__: f for f in (constant, invscaling, adaptive, cosine, exponential, one_cycle)
}
# Schedules that need to know how many updates there will be, as functions of the user do, too.
PLANNED = ("cosine", "exponential", "one_cycle")
LEARNING_RATE = Allowed(
    lambda value: callable(value) or one_of(SCHEDULES).test(value),
    f"{one_of(SCHEDULES).text}, or a function of the share of the training that is done",
    lambda value: (
        " Give a number as `learning_rate_init`."
        if is_real(value)
        else one_of(SCHEDULES).hint(value)
    ),
)
FACTOR = number(0)


def n_moments(solver):
    """Return the number of vectors that a solver keeps between updates."""
    return _core.OPTIMIZERS.get(solver, 0)


def ends_as_planned(learning_rate):
    """Tell whether a schedule is planned to end at the last epoch."""
    return callable(learning_rate) or learning_rate in PLANNED


def rate_of(settings, progress, done):
    """Return the learning rate of an update; `done` is explained above."""
    if callable(settings.learning_rate):
        rate = _rate_by_function(settings, done)
    else:
        rate = SCHEDULES[settings.learning_rate](settings, progress, done)
    if done is not None and done < settings.warmup:
        rate *= done / settings.warmup
    return rate


def _rate_by_function(settings, done):
    """rate = init f(done)"""
    if done is None:
        return settings.learning_rate_init
    with floating_point_of_caller():
        factor = settings.learning_rate(done)
    if not FACTOR.test(factor):
        raise ValueError(
            "`learning_rate` must return a finite number of at least 0, the factor of "
            f"`learning_rate_init`; got {shown(factor)} for done={done:g}."
        )
    return settings.learning_rate_init * float(factor)


def lowered(settings, learning_rate):
    """Return the learning rate to continue with when progress has ended, or None to stop."""
    if settings.learning_rate != "adaptive" or learning_rate <= SMALLEST_ADAPTIVE_RATE:
        return None
    return learning_rate / ADAPTIVE_DIVISOR
