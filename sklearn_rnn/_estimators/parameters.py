"""The allowed values of each constructor parameter, in one table."""

from math import inf

import numpy as np

from .._model.architecture import RULES, cell_of
from .._rules import BYTE_BITS, Allowed, boolean, either, integer, is_real, number, one_of
from .._training.losses import REGRESSION_LOSSES
from .._training.optimizers import SCHEDULES, SOLVERS

# Parameters that must not be 0 in the dtype of the core, which flushes denormal numbers to 0.
NEVER_ZERO = ("epsilon", "max_grad_value", "huber_delta")

TABLE = {
    "hidden_layer_sizes": RULES["hidden_layer_sizes"],
    "cell": RULES["cell"],
    "bidirectional": RULES["bidirectional"],
    "mode": RULES["mode"],
    "dropout": RULES["dropout"],
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
        lambda value: integer(1).test(value) or (is_real(value) and value == inf),
        f"{integer(1).text}, or np.inf",
    ),
    "early_stopping": boolean,
    "validation_fraction": number(0, 1, open_low=True),
    "warm_start": boolean,
    "verbose": Allowed(lambda v: boolean.test(v) or integer(0).test(v), integer(0).text),
    "loss": one_of(REGRESSION_LOSSES),
    "huber_delta": RULES["huber_delta"],
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
    "dtype": RULES["dtype"],
    "memory_budget": either(None, integer(1, BYTE_BITS)),
    "n_threads": either(None, integer(1)),
}


def check(name, value):
    """Check one parameter of the constructor."""
    TABLE[name].check(name, value)


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
    cell_of(params["cell"])
