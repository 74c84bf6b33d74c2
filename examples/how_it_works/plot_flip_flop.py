"""
A memory of two bits: fixed points
==================================

A network that stores two bits has a stable state for each of their four values.

Two inputs are 0 most of the time. Now and then one of them is 1 or -1 for one step: a pulse. The
target at each step is the last pulse of each input. Sussillo and Barak (2013) used this task to
find out how a network remembers: it has fixed points, to which its states return.
"""

# %%

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.inspection import StateSpaceDisplay


def pulses(n_samples, n_steps, rng, rate=0.1):
    """Return pulses, and the last pulse of each channel; both (n_samples, n_steps, 2)."""
    X = rng.choice([-1.0, 1.0], size=(n_samples, n_steps, 2))
    X *= rng.random(X.shape) < rate
    X[:, 0] = rng.choice([-1.0, 1.0], size=(n_samples, 2))
    y = X.copy()
    for t in range(1, n_steps):
        y[:, t] = np.where(X[:, t] == 0, y[:, t - 1], X[:, t])
    return X, y


rng = np.random.default_rng(0)
X, y = pulses(300, 60, rng)
memory = RNNRegressor(
    16,
    mode="many_to_many",
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=60,
    random_state=0,
)
memory.fit(X, y)
X_test, y_test = pulses(20, 60, rng)
print(f"R2 on new sequences: {memory.score(X_test, y_test):.3f}")

# %%
# In this test sequence, each output keeps its bit until the next pulse.

fig, axes = plt.subplots(2, 1, figsize=(8, 3.6), sharex=True, layout="constrained")
predicted = memory.predict(X_test)
for k, ax in enumerate(axes):
    at = np.flatnonzero(X_test[0, :, k])
    ax.vlines(at, 0, X_test[0, at, k], color="0.5", lw=3, label="pulses")
    ax.plot(y_test[0, :, k], "--", color="0.5", drawstyle="steps-post", label="target")
    ax.plot(predicted[0, :, k], color="#D55E00", drawstyle="steps-post", label="output")
    ax.set(ylabel=f"Channel {k}", ylim=(-1.6, 1.6))
axes[1].set_xlabel("Step")
axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)

# %%
# With rarer pulses, here are the paths of the 16 units, in the plane of their first two principal
# components. The states rest in four corners, and a pulse leads from one corner to another. An
# arrow shows where one step leads from a state of the plane.

X_rare, _ = pulses(12, 100, rng, rate=0.04)
StateSpaceDisplay.from_estimator(memory, X_rare)

# %%
# Are the corners stable? We start the network in 400 random states, and let it read 100 steps
# without a pulse. Wherever it starts, it ends at one of the four points.

stream = memory.stream(400)
stream.state = {name: rng.uniform(-1, 1, size=h.shape) for name, h in stream.state.items()}
for _ in range(100):
    output = stream.step(np.zeros((400, 2)))
ends, counts = np.unique(np.round(output, 1) + 0.0, axis=0, return_counts=True)
for end, count in zip(ends, counts, strict=True):
    print(f"{count:4d} of 400 states end at the output {end.tolist()}")
plt.show()

# sphinx_gallery_thumbnail_number = 2
