"""
Windows over time
=================

A series of 50,000 steps, and a signal to remember for 400 steps.

Run it with::

    python examples/long_series.py
"""

from time import perf_counter

import numpy as np

from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT


def compare(what, estimator, ways, X, y, X_test, y_test):
    """Print seconds and test score of a network with each set of parameters."""
    print(what)
    for words in ways:
        begin = perf_counter()
        model = estimator(32, mode="many_to_many", random_state=0, **words).fit(X, y)
        seconds, score = perf_counter() - begin, model.score(X_test, y_test)
        shown = ", ".join(f"{name}={value}" for name, value in words.items())
        print(f"  {score:.3f}  {seconds:5.1f} s  {shown}")


def reservoir(n_steps, rng):
    """Rain fills a reservoir, which leaks faster the fuller it is; the target is its level."""
    rain = rng.exponential(size=n_steps) * (rng.random(n_steps) < 0.1)
    level = np.zeros(n_steps)
    for t in range(1, n_steps):
        level[t] = level[t - 1] + rain[t] - 0.002 * level[t - 1] ** 1.5
    return rain[:, None], level


def signals(n_sequences, n_steps, rng):
    """A signal, 1 or -1, comes every 400 steps on average; the target is the last signal."""
    shape = n_sequences, n_steps
    signal = rng.choice([-1, 1], size=shape) * (rng.random(shape) < 1 / 400)
    signal[:, 0] = 1
    step = np.where(signal != 0, np.arange(n_steps), 0)
    last = np.take_along_axis(signal, np.maximum.accumulate(step, axis=1), axis=1)
    return np.stack([rng.normal(size=shape), signal], axis=2), last


rng = np.random.default_rng(0)
rain, level = reservoir(60_000, rng)
budget = {"max_iter": 10, "learning_rate": "cosine"}
compare(
    "One series of 50,000 steps (R2): an update per window, instead of one per epoch",
    RNNRegressor,
    [{**budget}, {"bptt": TruncatedBPTT(100, carry=False), **budget}, {"bptt": 100, **budget}],
    *([rain[:50_000]], [level[:50_000]], [rain[50_000:]], [level[50_000:]]),
)
X, y = signals(60, 4000, rng)
budget = {"max_iter": 10, "batch_size": 8, "n_iter_no_change": 100}
compare(
    "A signal some 400 steps ago (accuracy): windows of 50 steps, with and without carried states",
    RNNClassifier,
    [{**budget}, {"bptt": TruncatedBPTT(50, carry=False), **budget}, {"bptt": 50, **budget}],
    *(X[:40], y[:40], X[40:], y[40:]),
)
