"""The allowed values of each constructor parameter, in one table."""

from math import inf, isfinite
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from .. import _core
from .._training.losses import REGRESSION_LOSSES
from .._training.optimizers import SCHEDULES, SOLVERS

DTYPES = ("float32", "float64")
MODES = ("many_to_one", "many_to_many")
# Integers and counts of bytes must stay below these powers of 2 in the core.
INTEGER_BITS, BYTE_BITS = 31, 62
# Parameters that must not be 0 in the dtype of the core, which flushes denormal numbers to 0.
NEVER_ZERO = ("epsilon", "max_grad_value", "huber_delta")
NO_ACTIVATION = "tanh"  # the default, and the only one for cells without a choice


class Allowed(NamedTuple):
    test: object  # value -> bool
    text: str  # ends the sentence "`name` must be ..."


def _is_number(value, kind=Real):
    if not isinstance(value, kind) or isinstance(value, (bool, np.bool_)):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def _is_real(value):
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def one_of(names):
    names = tuple(names)
    return Allowed(
        lambda value: isinstance(value, str) and value in names,
        "one of " + ", ".join(map(repr, names)),
    )


def integer(low, bits=INTEGER_BITS):
    return Allowed(
        lambda value: _is_number(value, Integral) and low <= value < 2**bits,
        f"an integer of at least {low} and below 2**{bits}",
    )


def number(low=-inf, high=inf, *, open_low=False):
    """Allow low <= value < high; with `open_low` low itself is refused."""
    bounds = [f"{'above' if open_low else 'of at least'} {low}"] if low > -inf else []
    bounds += [f"below {high}"] if high < inf else []

    def test(value):
        if not _is_number(value):
            return False
        value = float(value)  # the core computes with floats
        return low <= value < high and not (open_low and value == low)

    return Allowed(test, " ".join(["a number", " and ".join(bounds)]).strip())


def either(value, rule):
    """Allow one more value."""
    return Allowed(
        lambda v: (
            (v is value if value is None else isinstance(v, str) and v == value) or rule.test(v)
        ),
        f"{value!r} or {rule.text}",
    )


boolean = Allowed(lambda value: isinstance(value, (bool, np.bool_)), "True or False")
sizes = Allowed(
    lambda value: len(layer_sizes(value)) > 0 and all(map(integer(1).test, layer_sizes(value))),
    f"{integer(1).text}, or a tuple of those",
)

TABLE = {
    "hidden_layer_sizes": sizes,
    "cell": one_of(_core.CELLS),
    "bidirectional": boolean,
    "mode": one_of(MODES),
    "dropout": number(0, 1),
    "max_grad_norm": either(None, number(0, open_low=True)),
    "max_grad_value": either(None, number(0, open_low=True)),
    "solver": one_of(SOLVERS),
    "alpha": number(0),
    "batch_size": either("auto", integer(1)),
    "learning_rate": one_of(SCHEDULES),
    "learning_rate_init": number(0, open_low=True),
    "power_t": number(0),
    "momentum": number(0, 1),
    "nesterovs_momentum": boolean,
    "beta_1": number(0, 1),
    "beta_2": number(0, 1),
    "epsilon": number(0, open_low=True),
    "max_iter": integer(1),
    "shuffle": boolean,
    "tol": number(0),
    "n_iter_no_change": Allowed(
        lambda value: integer(1).test(value) or (_is_real(value) and value == inf),
        f"{integer(1).text}, or np.inf",
    ),
    "early_stopping": boolean,
    "validation_fraction": number(0, 1, open_low=True),
    "warm_start": boolean,
    "verbose": Allowed(lambda v: boolean.test(v) or integer(0).test(v), integer(0).text),
    "loss": one_of(REGRESSION_LOSSES),
    "huber_delta": number(0, open_low=True),
    "normalize_y": boolean,
    "normalize_X": boolean,
    "scoring": Allowed(
        lambda v: v is None or callable(v) or isinstance(v, str),
        "None, 'loss', a name of `sklearn.metrics.get_scorer_names()` or a callable",
    ),
    "class_weight": either(
        None,
        either("balanced", Allowed(lambda v: isinstance(v, dict), "a dict {class: weight}")),
    ),
    "dtype": one_of(DTYPES),
    "memory_budget": either(None, integer(1, BYTE_BITS)),
    "n_threads": either(None, integer(1)),
}


def layer_sizes(value):
    """Return `hidden_layer_sizes` as a tuple, whatever it was."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def shown(value):
    """Return the repr of a value, or its type: integers beyond 4300 digits have no repr."""
    try:
        return repr(value)
    except ValueError:
        return f"an unprintable {type(value).__name__}"


def check(name, value):
    """Check one parameter of the constructor."""
    rule = TABLE[name]
    if not rule.test(value):
        raise ValueError(f"`{name}` must be {rule.text}, got {shown(value)}.")


def check_parameters(params):
    """Check a dict of the constructor's parameters: a ValueError names the first invalid one."""
    for name in TABLE:
        if name in params:
            check(name, params[name])
    least = float(np.finfo(params["dtype"]).tiny)  # as float32 it would cast the other operand
    for name in NEVER_ZERO:
        if params.get(name) is not None and params[name] < least:
            raise ValueError(
                f"`{name}` must be at least {least:.4g} with dtype={params['dtype']!r}, "
                f"got {params[name]!r}."
            )
    cell, activation = params["cell"], params["activation"]
    choices = _core.CELLS[cell].activations or (NO_ACTIVATION,)
    rule = one_of(choices)
    if not rule.test(activation):
        what = rule.text if len(choices) > 1 else f"left at {NO_ACTIVATION!r}"
        raise ValueError(
            f"`activation` must be {what} with cell={cell!r}, got {shown(activation)}."
        )
