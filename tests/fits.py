"""Settings of short fits, and when two results are the same."""

import pickle

import numpy as np

QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "random_state": 0}
MOVING = {"dropout": 0.3, "max_iter": 3, "random_state": 7, "batch_size": 16}
PLAIN_STEP = {
    "solver": "sgd",
    "momentum": 0.0,
    "learning_rate_init": 1.0,
    "alpha": 0.0,
    "max_grad_norm": None,
    "batch_size": 1000,
    "dtype": "float64",
    "normalize_X": False,
    "random_state": 0,
}


def same_state(a, b):
    """Tell whether two estimators have the same fitted state, bit for bit."""
    return pickle.dumps(a._fitted_state()) == pickle.dumps(b._fitted_state())


def equal(a, b):
    """Tell whether two results are the same, bit for bit, in the same form."""
    if isinstance(a, np.ndarray) and a.dtype == object and isinstance(a.flat[0], np.ndarray):
        return b.dtype == object and len(a) == len(b) and all(map(equal, a, b))
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)
