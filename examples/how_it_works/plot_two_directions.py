"""
Two directions, and the last state
==================================

What each direction of a bidirectional network knows at each step.

A bidirectional network (Schuster and Paliwal, 1997) has two parts: one reads from the first step to
the last, and the other from the last to the first. So "the last state" has two meanings, and a
common mistake is to take both states at the last step of the data.
"""

# %%
# The network learns to predict the mean of 30 random numbers.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import Ridge

from sklearn_rnn import RNNRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(1000, 30, 1))
y = X.mean(axis=(1, 2))
rnn = RNNRegressor(16, bidirectional=True, learning_rate="cosine", max_iter=40, random_state=0)
rnn.fit(X[:500], y[:500])
print(f"R2 of the network on new sequences: {rnn.score(X[500:], y[500:]):.3f}")

# %%
# How much do the states know about the mean of the whole sequence? At each step, a linear model
# predicts it from the 16 states of each direction. The forward direction has the first 16 columns.

states = rnn.hidden_states(X, return_sequences=True)
directions = {"forward": states[:, :, :16], "backward": states[:, :, 16:]}


def knowledge(h):
    """Return R2 of a linear model that reads y from states (n_samples, n_units)."""
    return Ridge(1e-3).fit(h[:500], y[:500]).score(h[500:], y[500:])


fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
colors = {"forward": "#0072B2", "backward": "#D55E00"}
for name, h in directions.items():
    scores = [knowledge(h[:, t]) for t in range(30)]
    ax.plot(scores, color=colors[name], marker=".", label=f"{name} direction")
    end = 29 if name == "forward" else 0  # the step at which the direction has read everything
    ax.plot(end, scores[end], "o", color=colors[name], ms=10, mfc="none")
    print(
        f"{name:8s} direction: R2 {scores[0]:.2f} at the first step, {scores[-1]:.2f} at the last"
    )
ax.plot(np.arange(1, 31) / 30, color="0.5", ls=":", label="share of the steps read forward")
ax.set(xlabel="Step", ylabel="R2 of the mean")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)

# %%
# The forward direction knows the mean at the last step, and the backward one at the first step
# (circles). At the last step, the backward direction has read a single value.
#
# The output layer of the network reads each direction at the step where it has read everything,
# whatever the length of the sequence. So does ``hidden_states(X)``:

both = np.hstack([states[:, -1, :16], states[:, 0, 16:]])
print(np.array_equal(rnn.hidden_states(X), both))

# %%
# The backward direction begins at the end of a sequence. So a bidirectional network cannot predict
# while data arrive:

try:
    rnn.stream()
except ValueError as error:
    print(error)
plt.show()
