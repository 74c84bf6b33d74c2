"""Sequences in every carrier that the scaler takes."""

import numpy as np
import pandas as pd
import pytest

LENGTHS = (5, 1, 7, 3)
N_FEATURES = 3


def objects(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def ragged(n_features=N_FEATURES, dtype=np.float64):
    rng = np.random.default_rng(0)
    shape = () if n_features is None else (n_features,)
    return [(rng.normal(size=(n, *shape)) * 3 + 5).astype(dtype) for n in LENGTHS]


def dense(n_features=N_FEATURES, dtype=np.float64):
    shape = () if n_features is None else (n_features,)
    return (np.random.default_rng(0).normal(size=(6, 4, *shape)) * 3 + 5).astype(dtype)


def flat(X):
    """All steps of any carrier, (n_steps, n_features)."""
    steps = np.concatenate(
        [np.asarray(item) for item in np.asarray(X)] if hasattr(X, "shape") else X
    )
    return steps.reshape(len(steps), -1)


CARRIERS = {
    "3-D array": dense(),
    "2-D array": dense(None),
    "list": ragged(),
    "tuple": tuple(ragged()),
    "object array": objects(ragged()),
    "object array of equal lengths": objects(list(dense())),
    "list of 1-D": ragged(None),
    "nested lists": [item.tolist() for item in ragged()],
    "rectangular nested lists": dense().tolist(),
    "list of frames": [pd.DataFrame(item) for item in ragged()],
    "F-ordered": np.asfortranarray(dense()),
    "integers": np.arange(24).reshape(2, 4, 3),
}
carriers = pytest.mark.parametrize("X", CARRIERS.values(), ids=CARRIERS.keys())
