"""
Sine waves from ten points
==========================

A network that has learned other waves, and one that is new.

The tasks are those of Finn, Abbeel and Levine (2017): y = a sin(x - p), with an amplitude a from
0.1 to 5 and a phase p from 0 to pi of its own, and x from -5 to 5. The network does not see x but a
random walk of five steps whose sum is x: it must add up its input and learn the wave.

Run it with::

    python examples/few_shot.py
"""

from time import perf_counter

import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.transfer import Reptile

N_STEPS, N_POINTS, N_UPDATES = 5, 10, 20


def task(n_points, rng):
    """Return points of a wave, each as a sequence (N_STEPS, 1) and a number."""
    amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, np.pi)
    x, X = rng.uniform(-5, 5, size=n_points), rng.normal(size=(n_points, N_STEPS, 1))
    X += ((x - X[:, :, 0].sum(axis=1)) / N_STEPS)[:, np.newaxis, np.newaxis]
    return X, amplitude * np.sin(x - phase)


def error(rnn, X, y):
    return float(np.mean((rnn.predict(X) - y) ** 2))


rng = np.random.RandomState(0)
begin = perf_counter()
rnn = RNNRegressor((40, 40), learning_rate_init=0.01, beta_1=0.0)
reptile = Reptile(rnn, n_inner=20, n_iter=5000, random_state=0)
reptile.fit([task(50, rng) for _ in range(1000)])
print(f"{reptile.n_iter_} iterations over 1000 waves: {perf_counter() - begin:.0f} s")

errors = []
for seed in range(20):
    X, y = task(N_POINTS + 200, rng)
    few, others = (X[:N_POINTS], y[:N_POINTS]), (X[N_POINTS:], y[N_POINTS:])
    adapted = reptile.adapt(*few, n_steps=N_UPDATES)
    row = [error(adapted, *others), float(np.mean((few[1].mean() - others[1]) ** 2))]
    for rate in (0.001, 0.01, 0.03):
        plain = RNNRegressor((40, 40), learning_rate_init=rate, beta_1=0.0, random_state=seed)
        for _ in range(N_UPDATES):
            plain.partial_fit(*few)
        row.append(error(plain, *others))
    errors.append(row)
adapted, constant, *plain = np.mean(errors, axis=0)
print(f"mean squared error on 20 new waves after {N_UPDATES} updates on {N_POINTS} points:")
print(f"  {adapted:.3f}  from the weights of Reptile")
print(f"  {constant:.3f}  the mean of the points")
for rate, each in zip((0.001, 0.01, 0.03), plain, strict=True):
    print(f"  {each:.3f}  from new weights, with a learning rate of {rate}")
