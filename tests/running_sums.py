"""A small problem for estimators of any network: running sums of two features, or their class."""

import numpy as np

from sklearn_rnn import RNNClassifier

SIZES, N_FEATURES, N_OUTPUTS = (4, 4), 3, 2


def draw_X():
    rng = np.random.default_rng(0)
    return [rng.standard_normal((length, N_FEATURES)) for length in rng.integers(1, 8, 30)]


def draw_y(estimator, mode, X):
    """Return sums over the steps before, of two features, or which class they make."""
    sums = [x[:, :N_OUTPUTS].cumsum(axis=0) for x in X]
    if estimator is RNNClassifier:
        sums = [np.array(["down", "level", "up"])[np.digitize(s[:, 0], (-1, 1))] for s in sums]
    return sums if mode == "many_to_many" else np.array([s[-1] for s in sums])


def make(estimator, **options):
    settings = {"max_iter": 8, "tol": 0.0, "dtype": "float64", "random_state": 0}
    return estimator(SIZES, **{**settings, **options})


def fitted(estimator, mode="many_to_one", **options):
    X = draw_X()
    return make(estimator, mode=mode, **options).fit(X, draw_y(estimator, mode, X)), X


def concatenated(results):
    return np.concatenate(results) if results.dtype == object else results
