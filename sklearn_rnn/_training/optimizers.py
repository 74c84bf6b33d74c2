"""Names of the solvers and the learning rate of each update; the update itself is in `_core`."""

import math

from .. import _core

SOLVERS = tuple(_core.OPTIMIZERS)
SMALLEST_ADAPTIVE_RATE = 1e-6
ADAPTIVE_DIVISOR = 5.0


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


SCHEDULES = {f.__name__: f for f in (constant, invscaling, adaptive, cosine)}


def lowered(settings, learning_rate):
    """Return the learning rate to continue with when progress has ended, or None to stop."""
    if settings.learning_rate != "adaptive" or learning_rate <= SMALLEST_ADAPTIVE_RATE:
        return None
    return learning_rate / ADAPTIVE_DIVISOR
