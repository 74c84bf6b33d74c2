"""
A network learns a chaotic system
=================================

The forecasts of the network soon fail, but its attractor is right.

The system of Lorenz (1963) is chaotic: two states that are almost equal are soon far from each
other, so no forecast is good for long. But all states stay on the same attractor, a set with two
wings. Jaeger and Haas (2004) let recurrent networks learn chaotic systems. Here a network learns to
predict the next step, and continues by reading its own predictions.
"""

# %%

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.forecasting import rollout
from sklearn_rnn.inspection import StateSpaceDisplay


def velocity(z):
    """Return the velocities (n_samples, 3) of states (n_samples, 3)."""
    x, y, z = z.T
    return np.column_stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def lorenz(n_samples, n_steps, rng, step=0.01, every=5):
    """Return paths (n_samples, n_steps, 3) by Runge-Kutta; a step is 0.05 units of time."""
    z, paths = rng.normal(size=(n_samples, 3)), []
    for t in range(1000 + every * n_steps):  # the first 1000 lead to the attractor
        k1 = velocity(z)
        k2 = velocity(z + step / 2 * k1)
        k3 = velocity(z + step / 2 * k2)
        k4 = velocity(z + step * k3)
        z = z + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        if t >= 1000 and t % every == 0:
            paths.append(z)
    return np.stack(paths, axis=1)


rng = np.random.default_rng(0)
X = lorenz(16, 401, rng)
rnn = RNNRegressor(
    64,
    mode="many_to_many",
    bptt=50,
    batch_size=16,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=150,
    n_iter_no_change=150,
    random_state=0,
)
rnn.fit(X[:, :-1], X[:, 1:])

# %%
# **The forecast.** The network reads 40 steps of 20 new paths and continues on its own. At the top
# is the first path, and below is the median error, in standard deviations. Small errors grow
# exponentially, by a factor of e in one Lyapunov time, which is 1.1 units of time here.

truth = lorenz(20, 1240, rng)
forecast = rollout(rnn, truth[:, :40], 1200)
difference = (forecast - truth[:, 40:]) / X.std(axis=(0, 1))
error = np.sqrt(np.mean(difference**2, axis=2))  # 1 is one standard deviation
time = 0.05 * np.arange(1, 1201)

fig, axes = plt.subplots(2, 1, figsize=(8, 4.6), sharex=True, layout="constrained")
axes[0].plot(time[:300], truth[0, 40:340, 0], "--", color="0.5", label="truth")
axes[0].plot(time[:300], forecast[0, :300, 0], color="#D55E00", label="forecast")
axes[0].set_ylabel("First variable")
axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
axes[1].semilogy(time[:300], np.median(error, axis=0)[:300], color="#0072B2")
axes[1].set(xlabel="Units of time after the last step that is read", ylabel="Median error")
for t in (1, 2, 4, 8):
    print(f"median error after {t} units of time: {np.median(error[:, 20 * t - 1]):.3f}")

# %%
# **The attractor.** After some time the forecast is useless, but its states still stay on the two
# wings. The means and the standard deviations of the three variables are right long after the
# forecast has failed.

ax = plt.figure(figsize=(6.4, 5)).add_subplot(projection="3d")
StateSpaceDisplay.from_estimator(
    rnn, truth[:1, :40], space="data", n_steps=800, n_dimensions=3, ax=ax
)
ax.set_box_aspect((4, 4, 3), zoom=1.0)  # less white around the cube
late = slice(400, None)
for name, paths in {"truth": truth[:, 40:], "network": forecast}.items():
    means, deviations = paths[:, late].mean(axis=(0, 1)), paths[:, late].std(axis=(0, 1))
    print(f"{name:7s} means", means.round(1), "deviations", deviations.round(1))

# %%
# Lorenz found a law in the chaos: each maximum of the third variable nearly determines the next
# one. The predictions of the network follow this law.

fig, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
for paths, color, label in ((truth, "0.5", "truth"), (forecast, "#D55E00", "network")):
    pairs = []
    for z in paths[:, late, 2]:
        top = np.flatnonzero((z[1:-1] > z[:-2]) & (z[1:-1] > z[2:])) + 1
        left, middle, right = z[top - 1], z[top], z[top + 1]
        curvature = left - 2 * middle + right  # the top of the parabola through three steps
        peak = middle - (right - left) ** 2 / (8 * curvature)
        pairs.append(np.column_stack([peak[:-1], peak[1:]]))
    ax.plot(*np.concatenate(pairs).T, ".", color=color, ms=4, label=label)
ax.set(xlabel="A maximum of the third variable", ylabel="The next maximum")
ax.legend(frameon=False)
plt.show()

# sphinx_gallery_thumbnail_number = 2
