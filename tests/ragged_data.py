"""Ragged sequences for the tests that read them."""

import numpy as np

LENGTHS = (3, 1, 4)


def objects(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def ragged(n_features=2, dtype=np.float64, lengths=LENGTHS):
    rng = np.random.default_rng(0)
    shape = () if n_features is None else (n_features,)
    return [rng.normal(size=(length, *shape)).astype(dtype) for length in lengths]


RAGGED = ragged()
