"""
How sure is a prediction?
=========================

One network predicts two targets, and an interval for each of them.

A single number does not tell how uncertain it is. With ``loss="quantile"``, a network predicts
quantiles: 0.8 of the targets should be between the quantiles 0.1 and 0.9. Here some sequences are
much noisier than others, so intervals of one width would be wrong.
"""

# %%
# Each sequence is the steps of a random walk, 20 to 60 of them. Every walk has its own drift and
# its own size of steps. The targets are how far it has moved 5 and 20 steps later. The larger the
# steps were, the wider the interval must be.

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
# For comparison, a linear model of the last 20 steps gets intervals of one width, from the
# quantiles of its errors. Both cover 0.8 of all targets. We divide the test walks into eight
# groups, from quiet to restless. The network covers about 0.7 to 0.9 of each group. The intervals
# of one width cover all targets of the quietest walks, and fewer than half of the most restless
# ones.

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
# On the left and in the middle are two walks up to their last step (step 0), with the predicted
# quantiles (blue) and the true targets (orange). On the right is the coverage in each group.

figure, axes = plt.subplots(1, 3, figsize=(9, 4), layout="constrained")
quiet, wild = np.argsort(restless)[[310, 1500]]
for ax, k, title in zip(axes, (quiet, wild), ("A quiet walk", "A restless walk"), strict=False):
    walk = X_test[k].cumsum()
    ax.plot(np.arange(1 - len(walk), 1), walk - walk[-1], color="0.3")
    bars = np.stack([middle[k] - low[k], high[k] - middle[k]])
    style = {"fmt": "_", "color": "C0", "capsize": 5, "linewidth": 2, "markersize": 12}
    ax.errorbar([5, 20], middle[k], bars, label="quantiles 0.1, 0.5, 0.9", **style)
    ax.plot([5, 20], y_test[k], "o", color="C1", label="true targets")
    ax.set(title=title, xlabel="step", ylim=(-22, 22))
axes[0].set_ylabel("position, relative to step 0")
axes[0].legend(loc="upper left", fontsize="small")
for name, color in zip(ways, ("C0", "0.5"), strict=True):
    axes[2].plot(range(1, 9), coverage[name], "o-", color=color, label=name)
axes[2].axhline(0.8, color="0.7", linestyle=":")
axes[2].set(title="Coverage", xlabel="group, quiet to restless", ylim=(0, 1.05))
axes[2].legend(loc="lower left", fontsize="small")
plt.show()
