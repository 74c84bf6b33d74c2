"""
Three options that decide
=========================

Three cases in which an option of the network decides, each beside the network without it.

Run it with::

    python examples/architectures.py
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import LSTM


def compare(what, estimator, data, plain, better):
    """Print the test scores of two sets of parameters."""
    X_train, X_test, y_train, y_test = train_test_split(*data, test_size=0.25, random_state=0)
    print(what)
    for words in (plain, better):
        model = estimator(**words, random_state=0).fit(X_train, y_train)
        score, shown = model.score(X_test, y_test), ", ".join(f"{k}={v}" for k, v in words.items())
        print(f"  {score:.3f}  {shown}")


def adding(n_samples, n_timesteps, rng):
    """Two marked values of each sequence are to be added (Hochreiter and Schmidhuber, 1997)."""
    X = np.zeros((n_samples, n_timesteps, 2))
    X[:, :, 0] = rng.random((n_samples, n_timesteps))
    rows, half = np.arange(n_samples), n_timesteps // 2
    first, second = rng.integers(half, size=n_samples), rng.integers(half, size=n_samples) + half
    X[rows, first, 1] = X[rows, second, 1] = 1
    return X, X[rows, first, 0] + X[rows, second, 0]


def motifs(n_samples, n_timesteps, rng):
    """A short wave, somewhere in noise, rises first in one class and falls first in the other."""
    X, y = rng.normal(size=(n_samples, n_timesteps, 1)), rng.integers(2, size=n_samples)
    wave = 2 * np.sin(np.linspace(0, 2 * np.pi, 10))
    for sequence, label, start in zip(
        X, y, rng.integers(n_timesteps - 10, size=n_samples), strict=True
    ):
        sequence[start : start + 10, 0] += wave if label else -wave
    return X, y


rng = np.random.default_rng(0)
planned = {"learning_rate": "cosine"}  # the rate falls to 0 over all epochs
compare(
    "What must be remembered for hundreds of steps: biases for long memory (R2)",
    RNNRegressor,
    adding(2000, 300, rng),
    {"hidden_layer_sizes": 32, "cell": LSTM(), "max_iter": 15, **planned},
    {"hidden_layer_sizes": 32, "cell": LSTM(bias_initializer="chrono"), "max_iter": 15, **planned},
)
compare(
    "What may be anywhere in a sequence: the maximum over the steps (accuracy)",
    RNNClassifier,
    motifs(1000, 200, rng),
    {"hidden_layer_sizes": 32, "max_iter": 20, **planned},
    {"hidden_layer_sizes": 32, "pooling": "max", "max_iter": 20, **planned},
)
deep = {"hidden_layer_sizes": (32,) * 8, "max_iter": 20, **planned}
compare(
    "Many layers: residual sums and layer normalization (accuracy)",
    RNNClassifier,
    (load_digits().images, load_digits().target),
    deep,
    {**deep, "connections": "residual", "layer_normalization": "layer"},
)
