"""
Teacher forcing and growing errors
==================================

A network that reads its own predictions meets errors that it has never seen in training.

In training, a network that predicts the next step always reads the true values (teacher forcing;
Williams and Zipser, 1989). When it continues on its own, it reads its own predictions, and their
errors add up. Bengio, Vinyals, Jaitly and Shazeer (2015) proposed to let it read some of its own
predictions in training, too.
"""

# %%
# The data are sums of two sine waves, with a little noise. A network sees 60 steps and must predict
# the next 40.

from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.forecasting import rollout
from sklearn_rnn.seq2seq import Seq2SeqRegressor


def waves(n_samples, rng):
    """Return sums of two sine waves (n_samples, 100, 1), with and without noise."""
    shape = (n_samples, 2, 1)
    amplitude, frequency = rng.uniform(0.5, 1.5, shape), rng.uniform(0.15, 0.6, shape)
    phase = rng.uniform(0, 2 * np.pi, shape)
    x = (amplitude * np.sin(frequency * np.arange(100) + phase)).sum(axis=1)[:, :, np.newaxis]
    return x + 0.05 * rng.normal(size=x.shape), x


rng = np.random.default_rng(0)
X, _ = waves(400, rng)
X_test, truth = waves(300, rng)
options: dict[str, Any] = {
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "max_iter": 40,
    "n_iter_no_change": 40,
    "random_state": 0,
}


def error(predictions):
    """Return the root mean square error of predictions of the last 40 steps, by step."""
    return np.sqrt(np.mean((predictions - truth[:, 60:]) ** 2, axis=(0, 2)))


errors, forecasts = {}, {}

# %%
# **One network for every step.** A regressor learns to predict the next value. If it reads the true
# values up to each step, its error stays small. If it reads its own predictions, the error of the
# same network grows. With noise on the input in training, the network learns to correct errors: it
# is worse at the first step, and better later.

for noise in (0.0, 0.2):
    rnn = RNNRegressor(32, mode="many_to_many", input_noise=noise, **options)
    rnn.fit(X[:, :-1], X[:, 1:])
    if not noise:
        errors["reads the truth"] = error(rnn.predict(X_test[:, :-1])[:, -40:])
    forecasts[noise] = rollout(rnn, X_test[:, :60], 40)
    errors[f"reads its predictions, input_noise={noise}"] = error(forecasts[noise])

# %%
# **Encoder and decoder.** The encoder reads the 60 steps, and the decoder predicts the next 40. To
# predict, the decoder must read its own predictions. In training it reads true values at all steps,
# or with ``teacher_forcing=0.5`` at half of the steps. The picture shows the regressor on the left,
# and the encoder and decoder on the right.

for share in (1.0, 0.5):
    model = Seq2SeqRegressor(32, bidirectional=False, teacher_forcing=share, **options)
    model.fit(X[:, :60], X[:, 60:])
    errors[f"teacher_forcing={share}"] = error(model.predict(X_test[:, :60], horizon=40))

fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.2), sharey=True, layout="constrained")
for k, (name, values) in enumerate(errors.items()):
    ax, color = axes[k // 3], ("0.5", "#D55E00", "#0072B2", "#D55E00", "#0072B2")[k]
    ax.plot(range(1, 41), values, color=color, label=name)
    print(f"{name:40s} step 1: {values[0]:.2f}, 5: {values[4]:.2f}, 20: {values[19]:.2f}")
for ax in axes:
    ax.set(xlabel="Steps after the last true value")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
axes[0].set_ylabel("Root mean square error")

# %%
# Both remedies make the first step worse and most of the next twenty better; here noise does more.
# Neither can keep the error low for long, because 60 noisy steps do not determine the frequencies
# exactly. Here is one of the waves, and how the regressor continues it:

x = np.arange(100)
fig, ax = plt.subplots(figsize=(9, 2.8), layout="constrained")
ax.plot(x, truth[1], "--", color="0.5", label="truth")
for (noise, values), color in zip(forecasts.items(), ("#D55E00", "#0072B2"), strict=True):
    ax.plot(x[60:], values[1], color=color, label=f"own predictions, input_noise={noise}")
ax.axvline(59.5, color="0.5", ls=":")
ax.set(xlabel="Step", ylabel="Value")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
plt.show()
