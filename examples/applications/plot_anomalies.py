"""
Anomalies as large forecast errors
==================================

A network that has learned to forecast normal signals makes large errors on abnormal ones.

Often there are many normal recordings, and none of a fault. A network can then learn to predict the
next value of a normal recording. Where its error is large, something is unusual.
"""

# %%
# The signals resemble electrocardiograms (generated): each beat has five waves, and the time
# between beats varies. The training signals are normal. Each test signal has one abnormal beat: it
# comes too early, its peak points down, or its last wave is missing.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import Ridge

from sklearn_rnn import RNNRegressor

# Place, height and width of each wave of a beat.
WAVES = np.array([(-9, 0.15, 2.0), (-2, -0.15, 0.8), (0, 1.0, 1.0), (2, -0.3, 0.8), (10, 0.3, 2.5)])


def recordings(n_samples, rng, odd=None, n_timesteps=400):
    """Return signals (n_samples, n_timesteps, 1), and whether a step belongs to an odd beat."""
    X, y, t = np.zeros((n_samples, n_timesteps)), np.zeros((n_samples, n_timesteps), dtype=bool), 0
    steps = np.arange(n_timesteps)
    for signal, is_odd in zip(X, y, strict=True):
        pace, t = rng.uniform(32, 40), rng.uniform(10, 30)
        chosen, beat = rng.integers(5, 9), 0
        while t < n_timesteps + 10:
            waves = WAVES.copy()
            if odd is not None and beat == chosen:
                t -= 10 if odd == "early" else 0
                waves[2, 1] *= -0.5 if odd == "inverted" else 1
                waves[4, 1] *= 0 if odd == "last wave missing" else 1
                is_odd[(steps > t - 12) & (steps < t + 15)] = True
            for place, height, width in waves:
                signal += height * np.exp(-0.5 * ((steps - t - place) / width) ** 2)
            t, beat = t + pace + rng.normal(), beat + 1
    return (X + 0.02 * rng.normal(size=X.shape))[:, :, np.newaxis], y


rng = np.random.default_rng(0)
X, _ = recordings(150, rng)
model = RNNRegressor(48, mode="many_to_many", max_iter=40, learning_rate="cosine", random_state=0)
model.fit(X[:, :-1], X[:, 1:, 0])

# %%
# The score of a step is the error of the forecast, averaged over the last five steps. The threshold
# is chosen so that one in 20 new normal recordings exceeds it. For comparison, a linear model
# forecasts each step from the 40 steps before it. It misses many abnormal beats.


PAST = 40  # steps that the linear model reads
WARM_UP = 80  # first step that is scored: the network then knows the time between beats


def past_steps(X):
    """Return the PAST steps before each step (n_samples, n_timesteps - PAST, PAST)."""
    return np.lib.stride_tricks.sliding_window_view(X[:, :-1, 0], PAST, axis=1)


linear = Ridge(1e-3).fit(past_steps(X).reshape(-1, PAST), X[:, PAST:, 0].ravel())


def forecast(name, X):
    """Return forecasts of all steps from PAST on (n_samples, n_timesteps - PAST)."""
    if name == "network":
        return model.predict(X[:, :-1])[:, PAST - 1 :]
    return linear.predict(past_steps(X).reshape(-1, PAST)).reshape(len(X), -1)


def score(name, X, width=5):
    """Return the mean error of the last forecasts, at all steps from WARM_UP on."""
    errors = np.abs(forecast(name, X) - X[:, PAST:, 0])
    windows = np.lib.stride_tricks.sliding_window_view(errors, width, axis=1)
    return windows.mean(axis=2)[:, WARM_UP - PAST - width + 1 :]


normal, _ = recordings(100, rng)
thresholds = {
    name: np.quantile(score(name, normal).max(axis=1), 0.95) for name in ("network", "linear model")
}

# %%
# The picture shows one signal of each kind (grey), and five times the score of the network
# (orange). The abnormal beat is shaded.

figure, axes = plt.subplots(3, 1, figsize=(7, 6.5), layout="constrained", sharex=True, sharey=True)
for ax, odd in zip(axes, ("early", "inverted", "last wave missing"), strict=True):
    X_test, y_test = recordings(100, rng, odd)
    scores = {name: score(name, X_test) for name in thresholds}
    for name, threshold in thresholds.items():
        found = (scores[name].max(axis=1) > threshold).mean()
        print(f"{odd}: {found:.2f} found by the {name}")
    ax.plot(X_test[0, :, 0], color="0.3", linewidth=1, label="signal")
    ax.plot(np.arange(WARM_UP, 400), 5 * scores["network"][0], color="C1", label="5 x score")
    ax.axhline(5 * thresholds["network"], color="C1", linestyle=":", label="threshold")
    ax.fill_between(np.arange(400), -0.6, 2.5, where=y_test[0], color="C0", alpha=0.2, linewidth=0)
    ax.set(title=f"Abnormal beat: {odd}", ylim=(-0.6, 2.2), xlim=(WARM_UP, 399))
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
axes[-1].set_xlabel("step")
plt.show()
