"""
How long must the windows be?
=============================

What a network can learn if cause and effect are in different windows.

Long sequences are trained in windows (truncated back-propagation through time; Williams and Peng,
1990). The states are carried from window to window, but the gradient stops at the first step of a
window. So the network can remember for longer than a window, but can it learn to? Here we know how
far apart cause and effect are.
"""

# %%
# The first feature gives a signal, 1 or -1. Exactly 20 steps later, the second feature is 1 and
# asks for this signal. Only these answers count: the other steps have weight 0.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNClassifier, TruncatedBPTT

warnings.simplefilter("ignore", ConvergenceWarning)  # some networks learn nothing here

LAG = 20


def questions(n_samples, n_steps, rng):
    """Return X (n_samples, n_steps, 2), the signal at each question, and weights."""
    X, y = np.zeros((n_samples, n_steps, 2)), np.zeros((n_samples, n_steps))
    weights = np.zeros((n_samples, n_steps))
    for i in range(n_samples):
        t = rng.integers(10)
        while t + LAG < n_steps:
            X[i, t, 0] = rng.choice([-1, 1])
            X[i, t + LAG, 1], weights[i, t + LAG] = 1, 1
            y[i, t + LAG] = X[i, t, 0] > 0
            t += LAG + rng.integers(1, 10)
    return X, y.astype(int), weights


# %%
# We train with windows of eight lengths, with and without carried states, and with three seeds
# each.

windows = (5, 10, 15, 20, 25, 30, 40, 80)
accuracies = {True: [], False: []}
for carry, rows in accuracies.items():
    for window in windows:
        for seed in range(3):
            rng = np.random.default_rng(seed)
            X, y, weights = questions(48, 480, rng)
            X_test, y_test, weights_test = questions(30, 480, rng)
            rnn = RNNClassifier(
                16,
                mode="many_to_many",
                bptt=TruncatedBPTT(window, carry=carry),
                batch_size=16,
                learning_rate="cosine",
                learning_rate_init=0.01,
                max_iter=15,
                n_iter_no_change=15,
                random_state=seed,
            )
            rnn.fit(X, y, sample_weight=weights)
            rows.append(rnn.score(X_test, y_test, sample_weight=weights_test))

# %%
# Each small point is a network, and the lines are means. Without carried states, a window of at
# most 20 steps never contains both the signal and its question, so the network guesses. Windows of
# 25 to 40 steps still lack the signal of many questions.
#
# With carried states, a window that is too short can succeed, but by luck: a new network happens to
# remember a little, and the output layer learns to read what is left of the signal. Windows longer
# than the lag teach every network to remember, although many questions are not in the same window
# as their signal.

fig, ax = plt.subplots(figsize=(6.8, 4), layout="constrained")
ax.axvline(LAG, color="0.5", ls=":", label="lag")
styles = {
    True: ("carried states", "#0072B2", "o"),
    False: ("new states in each window", "#D55E00", "s"),
}
for carry, (label, color, marker) in styles.items():
    scores = np.reshape(accuracies[carry], (len(windows), -1))
    ax.plot(windows, scores.mean(axis=1), color=color, marker=marker, label=label)
    ax.plot(windows, scores, marker, color=color, alpha=0.25, ms=4)
    print(f"{label:26s}", *(f"{score:.2f}" for score in scores.mean(axis=1)))
ax.set(xscale="log", xlabel="Steps in a window", ylabel="Accuracy of the answers")
ax.set_xticks(windows, map(str, windows))
ax.minorticks_off()
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
plt.show()
