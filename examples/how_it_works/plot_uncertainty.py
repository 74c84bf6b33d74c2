"""
When networks agree and are wrong
=================================

Does the spread of several networks show which predictions cannot be trusted?

A network always gives an answer, even for sequences unlike all that it has seen. Lakshminarayanan,
Pritzel and Blundell (2017) train several networks that differ only in their seeds, and take the
spread of their predictions as the uncertainty. Here we know the truth, and can check that.
"""

# %%
# The sequences are noisy waves, and the target is a function of their frequency. The training data
# have a gap: some waves are slow, others are fast, and none are in between.

from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor


def waves(frequency, rng):
    """Return noisy waves (n_samples, 40, 1) of given frequencies and random phases."""
    phase = rng.uniform(0, 2 * np.pi, size=(len(frequency), 1))
    x = np.sin(frequency[:, np.newaxis] * np.arange(40) + phase)
    return (x + 0.1 * rng.normal(size=x.shape))[:, :, np.newaxis]


def target(frequency):
    return np.sin(5 * frequency)


rng = np.random.default_rng(0)
frequency = np.concatenate([rng.uniform(0.2, 0.7, size=400), rng.uniform(1.3, 1.8, size=400)])
X, y = waves(frequency, rng), target(frequency)
options: dict[str, Any] = {"learning_rate": "cosine", "learning_rate_init": 0.01, "max_iter": 40}
equal = [RNNRegressor(24, **options, random_state=seed).fit(X, y) for seed in range(9)]
different = [
    RNNRegressor(24, cell=cell, pooling=pooling, **options, random_state=0).fit(X, y)
    for cell in ("elman", "gru", "lstm")
    for pooling in ("last", "mean", "max")
]

# %%
# We test on waves of all frequencies, also in the gap and beyond the training data. Each thin line
# is a network, and the band is one standard deviation on both sides of their mean.

new = np.linspace(0.05, 2.1, 200)
X_new = waves(new, np.random.default_rng(1))
known = ((new > 0.2) & (new < 0.7)) | ((new > 1.3) & (new < 1.8))
names = {"Nine seeds": equal, "Nine different networks": different}
fig, axes = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True, layout="constrained")
for ax, (name, networks) in zip(axes, names.items(), strict=True):
    predictions = np.array([rnn.predict(X_new) for rnn in networks])
    mean, spread = predictions.mean(axis=0), predictions.std(axis=0)
    error = np.abs(mean - target(new))
    for kind, here in {"with data   ": known, "without data": ~known}.items():
        print(f"{name:23s} {kind} error {error[here].mean():.2f}, spread {spread[here].mean():.2f}")
    for low, high in ((0.2, 0.7), (1.3, 1.8)):
        label = "training data" if low < 1 else None
        ax.axvspan(low, high, color="0.5", alpha=0.15, lw=0, label=label)
    ax.plot(new, target(new), "--", color="0.3", label="truth")
    ax.plot(new, predictions.T, color="#0072B2", lw=0.4, alpha=0.5)
    ax.plot(new, mean, color="#0072B2", label="mean")
    ax.fill_between(new, mean - spread, mean + spread, color="#0072B2", alpha=0.25, lw=0)
    ax.set(xlabel="Frequency")
    ax.set_title(name, fontsize="medium")
axes[0].set_ylabel("Target")
axes[0].legend(loc="lower left", frameon=False, fontsize="small")

# %%
# Where there were no training data, networks that differ only in their seeds are wrong in the same
# way: their spread is only about a tenth of their error. Networks with different cells and poolings
# disagree more there, but still much less than they err. So a large spread is a warning, but a
# small one is no guarantee.

plt.show()
