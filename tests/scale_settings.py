"""Fits that change nothing but mean and scale."""

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor

# Training that changes nothing but what is scaled.
STILL = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1e-300, "dtype": "float64"}
EITHER = pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])


def lists(n=60, seed=0):
    """Return X of 3 features with means and scales of their own, labels and numbers."""
    rng = np.random.RandomState(seed)
    X = [
        np.array([5.0, -30.0, 0.1]) + rng.normal(size=(length, 3)) * [2.0, 100.0, 1e-3]
        for length in rng.randint(2, 9, size=n)
    ]
    numbers = np.array([x[:, 0].sum() for x in X])
    return X, np.where(numbers > 20, "up", "down"), numbers
