"""
How sure is a prediction?
=========================

One network predicts two targets, and for each the quantiles between which it will be.

The mean of what may come hides how far it may be off. With ``loss="quantile"``, a network learns
quantiles instead. Here the noise differs from sequence to sequence, so one width for all intervals
would be wrong.
"""

# %%
# Each sequence is a walk of 20 to 60 steps with a drift and a strength of its own. The targets are
# where the walk will be 5 and 20 steps later. How far it may go until then can be learned from how
# restless it has been.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression

from sklearn_rnn import RNNRegressor


def walks(n_samples, rng):
    """Return walks (n_timesteps_i, 1), and both targets (n_samples, 2) from the last step on."""
    X, y = [], np.empty((n_samples, 2))
    for k, length in enumerate(rng.integers(20, 61, size=n_samples)):
        strength, drift = np.exp(rng.uniform(-2, 1)), 0.2 * rng.normal()
        walk = np.cumsum(drift + strength * rng.normal(size=length + 20))
        X.append(np.diff(walk[:length], prepend=0))
        y[k] = walk[[length + 4, length + 19]] - walk[length - 1]
    return X, y


rng = np.random.default_rng(0)
X, y = walks(4000, rng)
X_test, y_test = walks(2000, rng)
model = RNNRegressor(
    32,
    loss="quantile",
    quantile=(0.1, 0.5, 0.9),
    max_iter=20,
    learning_rate="cosine",
    random_state=0,
)
low, middle, high = np.moveaxis(model.fit(X, y).predict(X_test), 2, 0)  # each (n_samples, 2)

# %%
# 0.8 of the targets should be within the intervals, among quiet walks and among restless ones. For
# comparison, intervals of one width are set around a linear model of the last steps, by the
# quantiles of its errors. They also cover 0.8 of all targets, but far fewer of those of restless
# walks.

rows, rows_test = (np.array([x[-20:] for x in each]) for each in (X, X_test))
linear = LinearRegression().fit(rows, y)
errors = y - linear.predict(rows)
same_low, same_high = (
    linear.predict(rows_test) + np.quantile(errors, q, axis=0) for q in (0.1, 0.9)
)

restless = np.array([x.std() for x in X_test])
groups = np.digitize(restless, np.quantile(restless, np.linspace(0, 1, 9)[1:-1]))
ways = {"quantiles of the network": (low, high), "one width for all": (same_low, same_high)}
coverage = {}
for name, (lower, upper) in ways.items():
    inside = (lower <= y_test) & (y_test <= upper)
    coverage[name] = [inside[groups == k].mean() for k in range(8)]
    print(f"{name}: coverage {inside[:, 0].mean():.2f} and {inside[:, 1].mean():.2f}, ", end="")
    print(f"from {min(coverage[name]):.2f} to {max(coverage[name]):.2f} in eight groups")

# %%
# Two walks with the intervals of both targets, and the coverage in each group.

figure, axes = plt.subplots(1, 3, figsize=(9, 4), layout="constrained")
quiet, wild = np.argsort(restless)[[310, 1500]]
for ax, k, title in zip(axes, (quiet, wild), ("A quiet walk", "A restless walk"), strict=False):
    walk = X_test[k].cumsum()
    ax.plot(np.arange(1 - len(walk), 1), walk - walk[-1], color="0.3")
    bars = np.stack([middle[k] - low[k], high[k] - middle[k]])
    style = {"fmt": "_", "color": "C0", "capsize": 5, "linewidth": 2, "markersize": 12}
    ax.errorbar([5, 20], middle[k], bars, label="quantiles 0.1, 0.5, 0.9", **style)
    ax.plot([5, 20], y_test[k], "o", color="C1", label="what came")
    ax.set(title=title, xlabel="step", ylim=(-22, 22))
axes[0].legend(loc="upper left", fontsize="small")
for name, color in zip(ways, ("C0", "0.5"), strict=True):
    axes[2].plot(range(1, 9), coverage[name], "o-", color=color, label=name)
axes[2].axhline(0.8, color="0.7", linestyle=":")
axes[2].set(title="Coverage", xlabel="groups, quiet to restless", ylim=(0, 1.05))
axes[2].legend(loc="lower left", fontsize="small")
plt.show()
