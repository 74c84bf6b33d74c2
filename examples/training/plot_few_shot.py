"""
A sine wave from ten points
===========================

A network that was trained on many other waves learns a new one from ten points.

``Reptile`` looks for initial weights from which each task of a family is learned in a few updates.
The tasks are those of Finn, Abbeel and Levine (2017): y = a sin(x - p), where each task has its own
amplitude a from 0.1 to 5 and its own phase p from 0 to pi.
"""

# %%
# To make this a task for sequences, the network does not read x, which is from -5 to 5, but five
# random numbers whose sum is x. It must add them up and learn the wave.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.transfer import Reptile

N_STEPS, N_POINTS, N_UPDATES = 5, 10, 20


def walks(x, rng):
    """Return sequences (len(x), N_STEPS, 1) with the sums x."""
    X = rng.normal(size=(len(x), N_STEPS, 1))
    return X + ((x - X[:, :, 0].sum(axis=1)) / N_STEPS)[:, np.newaxis, np.newaxis]


def wave(rng):
    amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, np.pi)
    return lambda x: amplitude * np.sin(x - phase)


def task(n_points, rng):
    """Return points of a new wave, as sequences and numbers."""
    x = rng.uniform(-5, 5, size=n_points)
    return walks(x, rng), wave(rng)(x)


rng = np.random.default_rng(0)
rnn = RNNRegressor((40, 40), learning_rate_init=0.01, beta_1=0.0)  # no momentum between tasks
reptile = Reptile(rnn, n_inner=20, n_iter=2000, random_state=0)
reptile.fit([task(50, rng) for _ in range(500)])

# %%
# We test on twenty new waves, with ten points and twenty updates each. For comparison, a network
# without Reptile gets the same points and the same updates, at the best of three learning rates. It
# is no better than the mean of the ten points.

rates = (0.001, 0.01, 0.03)
errors = {name: [] for name in ("Reptile", "mean", *map(str, rates))}
for seed in range(20):
    X, y = task(N_POINTS + 200, rng)
    few, X_test, y_test = (X[:N_POINTS], y[:N_POINTS]), X[N_POINTS:], y[N_POINTS:]
    predictions = {"mean": few[1].mean()}
    predictions["Reptile"] = reptile.adapt(*few, n_steps=N_UPDATES).predict(X_test)
    for rate in rates:
        plain = RNNRegressor((40, 40), learning_rate_init=rate, beta_1=0.0, random_state=seed)
        for _ in range(N_UPDATES):
            plain.partial_fit(*few)
        predictions[str(rate)] = plain.predict(X_test)
    for name, predicted in predictions.items():
        errors[name].append(np.mean((predicted - y_test) ** 2))
mean = {name: np.mean(each) for name, each in errors.items()}
best = min(rates, key=lambda rate: mean[str(rate)])
print(f"mean squared error: Reptile {mean['Reptile']:.2f}, ", end="")
print(f"new network {mean[str(best)]:.2f}, mean of the points {mean['mean']:.2f}")

# %%
# The picture shows three new waves, and the predictions after one update (purple) and after twenty
# (blue). The network without Reptile (orange) has learned little after twenty updates.

figure, axes = plt.subplots(1, 3, figsize=(9, 4), layout="constrained", sharey=True)
grid = np.linspace(-5, 5, 200)
X_grid = walks(grid, rng)
for ax in axes:
    truth, x = wave(rng), rng.uniform(-5, 5, size=N_POINTS)
    few = walks(x, rng), truth(x)
    ax.plot(grid, truth(grid), color="0.75", linewidth=5, label="wave")
    for n_updates, color in ((1, "C4"), (N_UPDATES, "C0")):
        predicted = reptile.adapt(*few, n_steps=n_updates).predict(X_grid)
        ax.plot(grid, predicted, color=color, label=f"Reptile, updates: {n_updates}")
    plain = RNNRegressor((40, 40), learning_rate_init=best, beta_1=0.0, random_state=0)
    for _ in range(N_UPDATES):
        plain.partial_fit(*few)
    ax.plot(grid, plain.predict(X_grid), color="C1", label=f"new network, updates: {N_UPDATES}")
    ax.plot(x, few[1], "ko", label="ten points")
    ax.set(xlabel="x", xlim=(-5, 5))
axes[0].set_ylabel("y")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()
