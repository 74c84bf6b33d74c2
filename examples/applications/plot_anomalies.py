"""
Anomalies are what was not expected
===================================

A network that forecasts the next step of normal signals is surprised by abnormal ones.

Often there are no examples of what goes wrong, only of what is normal. Then a network is trained to
predict the next value of normal recordings. Where its error is large, something is unusual.
"""

# %%
# The signals look like an electrocardiogram (generated): beats with five waves, at a pace that
# wanders. The training signals are normal. Each test signal has one odd beat, which comes too
# early, or whose peak points down, or whose last wave is missing.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor

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
# The score of a step is the error of its forecast, smoothed over a few steps. The threshold is
# exceeded in one of 20 normal recordings that were not in the training. The simplest detector asks
# instead whether a value is outside of the range of the training: it finds the beats that point
# down, and hardly any others.


def score(X, width=5):
    """Return the smoothed absolute error at each step (n_samples, n_timesteps)."""
    errors = np.abs(model.predict(X[:, :-1]) - X[:, 1:, 0])
    errors = np.pad(errors, ((0, 0), (width, 0)))[:, 1:]  # the first step has no forecast
    windows = np.lib.stride_tricks.sliding_window_view(errors, width, axis=1)
    return np.pad(windows.mean(axis=2), ((0, 0), (X.shape[1] - windows.shape[1], 0)))


WARM_UP = 80  # steps after which the network knows the pace
normal = score(recordings(100, rng)[0])[:, WARM_UP:]
threshold = np.quantile(normal.max(axis=1), 0.95)
figure, axes = plt.subplots(3, 1, figsize=(7, 6.5), layout="constrained", sharex=True, sharey=True)
for ax, odd in zip(axes, ("early", "inverted", "last wave missing"), strict=True):
    X_test, y_test = recordings(100, rng, odd)
    scores = score(X_test)[:, WARM_UP:]
    found = (scores.max(axis=1) > threshold).mean()
    outside = ((X_test < X.min()) | (X_test > X.max())).any(axis=1).mean()
    print(f"{odd}: {found:.2f} found; {outside:.2f} by values outside of the normal range")
    ax.plot(X_test[0, :, 0], color="0.3", linewidth=1, label="signal")
    ax.plot(np.arange(WARM_UP, 400), 5 * scores[0], color="C1", label="5 x error of the forecast")
    ax.axhline(5 * threshold, color="C1", linestyle=":", label="threshold")
    ax.fill_between(np.arange(400), -0.6, 2.5, where=y_test[0], color="C0", alpha=0.2, linewidth=0)
    ax.set(title=f"Odd beat: {odd}", ylim=(-0.6, 2.2), xlim=(WARM_UP, 399))
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
axes[-1].set_xlabel("step")
plt.show()
