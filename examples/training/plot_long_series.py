"""
One long series
===============

Train on a series of 50,000 steps in windows, and remember a signal across them.

With ``bptt=100``, a sequence is cut into windows of 100 steps. The weights are updated after each
window, and gradients go back to its beginning only. But the state of the network is carried from
window to window, so the network can remember for longer than a window.
"""

# %%
# Rain fills a reservoir (generated), which leaks faster the fuller it is. The target is the level,
# at each step. Without windows, the series is one sequence, and an epoch is a single update. With
# windows, an epoch takes no longer, and the network learns.

from time import process_time

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT


def reservoir(n_steps, rng):
    """Return rain (n_steps, 1), and level (n_steps,)."""
    rain = rng.exponential(size=n_steps) * (rng.random(n_steps) < 0.1)
    level = np.zeros(n_steps)
    for t in range(1, n_steps):
        level[t] = level[t - 1] + rain[t] - 0.002 * level[t - 1] ** 1.5
    return rain[:, np.newaxis], level


rng = np.random.default_rng(0)
rain, level = reservoir(60_000, rng)
ways = {
    "whole": None,
    "windows": TruncatedBPTT(100, carry=False),
    "windows, state carried": TruncatedBPTT(100),
}
forecasts, r2, seconds = {}, [], []
for name, bptt in ways.items():
    model = RNNRegressor(
        32, mode="many_to_many", bptt=bptt, max_iter=10, learning_rate="cosine", random_state=0
    )
    begin = process_time()
    model.fit([rain[:50_000]], [level[:50_000]])
    seconds.append(process_time() - begin)
    r2.append(model.score([rain[50_000:]], [level[50_000:]]))
    forecasts[name] = model.predict([rain[50_000:]])[0]
    print(f"R2 {r2[-1]:.3f}, {seconds[-1]:.1f} s  {name}")

# %%
# The second task tests the memory. A signal, 1 or -1, comes every 400 steps on average. The target
# at each step is the last signal. If states are not carried, most windows of 50 steps do not
# contain the last signal, and the network learns to remember it for a few hundred steps only.


def signals(n_sequences, n_steps, rng):
    """Return noise and signal (n_sequences, n_steps, 2), and the last signal at each step."""
    shape = n_sequences, n_steps
    signal = rng.choice([-1, 1], size=shape) * (rng.random(shape) < 1 / 400)
    signal[:, 0] = 1
    step = np.where(signal != 0, np.arange(n_steps), 0)
    last = np.take_along_axis(signal, np.maximum.accumulate(step, axis=1), axis=1)
    return np.stack([rng.normal(size=shape), signal], axis=2), last


X, y = signals(60, 4000, rng)
since = np.maximum.accumulate(np.where(X[40:, :, 1] != 0, np.arange(4000), 0), axis=1)
since = np.arange(4000) - since  # steps since the last signal
edges = np.array([50, 100, 200, 400, 800, 1600])
accuracy = {}
ways = {
    "windows of 50": TruncatedBPTT(50, carry=False),
    "windows of 50, state carried": TruncatedBPTT(50),
}
for name, bptt in ways.items():
    model = RNNClassifier(
        32,
        mode="many_to_many",
        bptt=bptt,
        max_iter=10,
        batch_size=8,
        learning_rate="cosine",
        random_state=0,
    )
    right = model.fit(X[:40], y[:40]).predict(X[40:]) == y[40:]
    group = np.digitize(since, edges)
    accuracy[name] = [right[group == k].mean() for k in range(len(edges))]
    print(f"accuracy {right.mean():.3f}  {name}")

# %%
# Above are 1000 steps of the first task, and below is the accuracy in the second one.

figure, (above, below) = plt.subplots(2, 1, figsize=(7, 7), layout="constrained")
above.plot(level[50_000:51_000], color="0.3", linewidth=3, label="truth")
for name, forecast in forecasts.items():
    above.plot(forecast[:1000], linewidth=1.2, label=name)
above.set(title="Level of the reservoir, on new data", xlabel="step", ylabel="level")
above.legend(loc="upper right", fontsize="small")
for name, values in accuracy.items():
    below.plot(edges, values, "o-", label=name)
below.set(
    xscale="log",
    xlabel="steps since the last signal (upper end of each group)",
    ylabel="accuracy",
    title="Memory of the last signal, on new data",
)
below.set_xticks(edges, edges)
below.minorticks_off()
below.legend()
plt.show()
