"""
A network learns an oscillator
==============================

A network that predicts the next step of an oscillator becomes an oscillator itself.

The oscillator of van der Pol (1926) ends in the same oscillation, its limit cycle, wherever it
starts: small swings grow, and large ones shrink. A network learns to predict the next step. Then it
continues without data, by reading its own predictions.
"""

# %%
# The data are the position and the velocity on 60 paths of 60 steps, from random starts.

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

from sklearn_rnn import RNNRegressor
from sklearn_rnn.inspection import StateSpaceDisplay


def van_der_pol(start, n_steps):
    """Return positions and velocities (n_steps, 2), 0.2 units of time apart."""
    t = 0.2 * np.arange(n_steps)
    solution = solve_ivp(
        lambda _, z: [z[1], (1 - z[0] ** 2) * z[1] - z[0]], (0, t[-1]), start, t_eval=t, rtol=1e-6
    )
    return solution.y.T


rng = np.random.default_rng(0)
X = np.stack([van_der_pol(start, 61) for start in rng.uniform(-3, 3, size=(60, 2))])
rnn = RNNRegressor(
    24, mode="many_to_many", learning_rate="cosine", learning_rate_init=0.01, random_state=0
)
rnn.fit(X[:, :-1], X[:, 1:])

# %%
# We draw three new paths: two start inside the limit cycle and one outside of it. The network reads
# the first eight steps (blue) and continues on its own for 150 steps (orange). All three end in the
# same cycle.

starts = [(0.1, 0.1), (-0.5, 0.6), (2.8, 2.8)]
truth = np.stack([van_der_pol(start, 160) for start in starts])
fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
data = StateSpaceDisplay.from_estimator(rnn, truth[:, :8], space="data", n_steps=150, ax=axes[0])
axes[0].set(xlabel="Position", ylabel="Velocity")
states = StateSpaceDisplay.from_estimator(rnn, truth[:, :8], n_steps=150, ax=axes[1])

# %%
# On the left are the data and the predictions. On the right are the states of the 24 units, in the
# plane of their first two principal components: they end in a cycle, too. The arrows show where one
# step leads from other states.
#
# The next picture shows one of the paths over time. The network keeps the shape and the amplitude
# of the oscillation, but it is a little early, because nothing corrects its phase.

forecast = data.continuations[2]
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(truth[2, 8:158, 0], "--", color="0.5", label="truth")
ax.plot(forecast[:, 0], color="#D55E00", label="network")
ax.set(xlabel="Steps after the last one that the network has read", ylabel="Position")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
amplitude = np.abs(forecast[75:, 0]).max()
print(f"amplitude: {amplitude:.2f}, that of the oscillator {np.abs(truth[2, 80:, 0]).max():.2f}")
plt.show()
