"""
A live alarm
============

A network reads a signal step by step and raises an alarm soon after a fault has begun.

In a live application, values arrive one at a time, and each needs an answer at once. ``stream()``
keeps the state of the network between steps, so each step takes the same short time, however long
the signal already is.
"""

# %%
# The signal is the vibration of a machine (generated). When a bearing fails, it adds a short
# ringing every 12 to 18 steps, weaker than the vibration itself. The target at each step is 1 if
# the fault has begun, and 0 before. Half of the signals have no fault.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNClassifier


def machines(n_samples, n_timesteps, rng):
    """Return signals (n_samples, n_timesteps, 1), and 1 from the beginning of the fault on."""
    X, y = np.zeros((n_samples, n_timesteps)), np.zeros((n_samples, n_timesteps), dtype=int)
    noise = rng.normal(size=X.shape)
    for t in range(2, n_timesteps):  # the vibration itself
        X[:, t] = 1.2 * X[:, t - 1] - 0.6 * X[:, t - 2] + noise[:, t]
    # Five steps of opposite signs, which get weaker.
    ringing = 1.1 * np.array([1, -1, 1, -1, 1]) * np.array([1, 0.9, 0.8, 0.7, 0.6])
    for signal, fault in zip(X[::2], y[::2], strict=True):
        begin = t = rng.integers(n_timesteps // 4, 3 * n_timesteps // 4)
        fault[begin:] = 1
        while t < n_timesteps - 5:
            signal[t : t + 5] += ringing
            t += rng.integers(12, 19)
    return X[:, :, np.newaxis], y


rng = np.random.default_rng(0)
X, y = machines(300, 300, rng)
model = RNNClassifier(32, mode="many_to_many", max_iter=15, learning_rate="cosine", random_state=0)
model.fit(X, y)

# %%
# Here is a new machine. A live application would run this loop:

(signal, _), (truth, _) = machines(2, 600, rng)
stream = model.stream(method="predict_proba")
begin, chances = perf_counter(), []
for x in signal:
    chances.append(stream.step([x])[0, 1])
seconds = perf_counter() - begin
chances = np.array(chances)
print(f"less than {np.ceil(seconds / len(signal) * 1e4) / 10:.1f} milliseconds per step")

# %%
# A lower threshold gives earlier alarms, but more false ones. We count both on 400 new machines,
# half of them with a fault. An alarm is false if it comes before the fault, or if there is no
# fault.

X_test, y_test = machines(400, 600, rng)
probable = model.predict_proba(X_test)[:, :, 1]
faulty, start = y_test.any(axis=1), y_test.argmax(axis=1)
for threshold in (0.5, 0.7, 0.9):
    above = probable > threshold
    alarm = np.where(above.any(axis=1), above.argmax(axis=1), 600)
    in_time, delay = faulty & (alarm >= start) & (alarm < 600), alarm - start
    false = (alarm < 600) & ~in_time
    print(f"threshold {threshold}: false alarm on {100 * false.mean():.1f} % of machines, ", end="")
    print(f"median delay {np.median(delay[in_time]):.0f} steps")

# %%
# At the top are the signal and the probability of a fault from the loop above: the fault (dashed
# line) is hard to see in the signal and easy to see in the probability. The dotted line is a
# threshold of 0.9. At the bottom, each row is one of the faulty machines, and the white line is the
# beginning of its fault. Bright lines to the left of it are false alarms.

figure, axes = plt.subplots(
    3, 1, figsize=(7, 7), layout="constrained", sharex=True, height_ratios=(2, 2, 4)
)
axes[0].plot(signal[:, 0], color="0.3", linewidth=0.7)
axes[0].set(ylabel="signal", title="One machine", xlim=(0, 599))
axes[1].plot(chances, color="C1")
axes[1].axhline(0.9, color="0.5", linestyle=":")
axes[1].set(ylabel="P(fault)", ylim=(0, 1.02))
fault = truth.argmax()
for ax in axes[:2]:
    ax.axvline(fault, color="C0", linestyle="--")
axes[1].annotate("the fault begins", (fault, 0.6), (-6, 0), textcoords="offset points", ha="right")
order = np.flatnonzero(faulty)[np.argsort(start[faulty])]
image = axes[2].imshow(probable[order], aspect="auto", cmap="cividis", vmin=0, vmax=1)
axes[2].plot(start[order], np.arange(len(order)), color="white")
axes[2].set(title=f"{len(order)} machines", xlabel="step", ylabel="machine")
figure.colorbar(image, ax=axes[2], label="P(fault)", location="bottom", aspect=40, shrink=0.6)
plt.show()
