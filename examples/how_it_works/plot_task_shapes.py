"""
Four shapes of tasks
====================

Four questions about the same data: one number, one number per step, a list of another length, and
what comes next.

A recurrent network reads a sequence, and its answer has one of four shapes; a picture by Karpathy
(2015) made them well known. Here are all four for the same data: noisy positions of a damped
pendulum.
"""

# %%

from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.forecasting import rollout
from sklearn_rnn.seq2seq import Seq2SeqRegressor

N_READ, N_TRAIN = 40, 600


def swings(n_samples, n_steps, rng):
    """Return positions and velocities (n_samples, n_steps), and dampings (n_samples,)."""
    t, shape = 0.25 * np.arange(n_steps), (n_samples, 1)
    damping, frequency = rng.uniform(0.03, 0.25, shape), rng.uniform(0.8, 1.6, shape)
    amplitude, phase = rng.uniform(0.7, 1.5, shape), rng.uniform(1, 2, shape)
    amplitude *= rng.choice([-1, 1], size=shape)
    rate = -damping + 1j * frequency  # the position is the real part of an exponential
    z = amplitude * np.exp(rate * t + 1j * phase)
    return z.real, (rate * z).real, damping[:, 0]


def turns(x):
    """Return the steps at which the pendulum turns."""
    return np.flatnonzero(np.diff(np.sign(np.diff(x)))) + 1


rng = np.random.default_rng(0)
position, velocity, damping = swings(800, 80, rng)
X = (position + 0.05 * rng.normal(size=position.shape))[:, :, np.newaxis]
train, test, read = slice(0, N_TRAIN), slice(N_TRAIN, None), slice(0, N_READ)
options: dict[str, Any] = {
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "max_iter": 40,
    "random_state": 0,
}

# %%
# **One number per sequence:** the damping.

one = RNNRegressor(32, **options).fit(X[train, read], damping[train])
print(f"damping: R2 {one.score(X[test, read], damping[test]):.3f}")

# %%
# **One number per step:** the velocity, which is not in the data. At the first step the network
# cannot know it.

each = RNNRegressor(32, mode="many_to_many", **options).fit(X[train, read], velocity[train, read])
print(f"velocity: R2 {each.score(X[test, read], velocity[test, read]):.3f}")

# %%
# **A sequence of another length:** the positions at which the pendulum turns for the first two
# times.

when = np.array([turns(x)[:2] for x in position])
first_turns = np.take_along_axis(position, when, axis=1)
listed = Seq2SeqRegressor(32, **options).fit(X[train, read], first_turns[train])
predicted = listed.predict(X[test, read], horizon=2)
error = np.abs(predicted - first_turns[test]).mean()
print(f"turns: mean absolute error {error:.3f}")

# %%
# **What comes next:** the network learns to predict the next step. Then it continues by reading its
# own predictions.

going = RNNRegressor(32, mode="many_to_many", input_noise=0.1, **options)
going.fit(X[train, :-1], X[train, 1:])
forecast = rollout(going, X[test, read], 40)[:, :, 0]
error = np.abs(forecast - position[test, N_READ:]).mean()
print(f"next 40 steps: mean absolute error {error:.3f}")

# %%
# The picture shows all answers for one pendulum. Points are what the networks read, orange lines
# are their answers, and dashed lines are the truth.

k = 3
fig, axes = plt.subplots(2, 2, figsize=(9.5, 6), layout="constrained")
x, truth, steps = X[test][k, :, 0], position[test][k], np.arange(80)
for ax in axes.flat:
    ax.plot(steps[read], x[read], ".", color="0.5", ms=4)
    ax.set(xlabel="Step", ylabel="Position")
answer, right = one.predict(X[test, read])[k], damping[test][k]
axes[0, 0].set_title(f"One number: damping {answer:.3f} (truth {right:.3f})", fontsize="medium")
axes[0, 1].set_ylabel("Position (points), velocity")
axes[0, 1].set_title("One number per step: velocity", fontsize="medium")
axes[0, 1].plot(steps[read], velocity[test][k, read], "k--", lw=1)
axes[0, 1].plot(steps[read], each.predict(X[test, read])[k], color="#D55E00")
axes[1, 0].set_title("Another length: positions of the first two turns", fontsize="medium")
for value, right, step in zip(predicted[k], first_turns[test][k], when[test][k], strict=True):
    axes[1, 0].plot([step - 4, step + 4], [right, right], "k--", lw=1)
    axes[1, 0].plot([step - 4, step + 4], [value, value], color="#D55E00")
axes[1, 1].set_title("What comes next: 40 steps", fontsize="medium")
axes[1, 1].plot(steps, truth, "k--", lw=1)
axes[1, 1].plot(steps[N_READ:], forecast[k], color="#D55E00")
plt.show()
