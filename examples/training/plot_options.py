"""
Four options that matter
========================

Four tasks, each with and without an option of the network that it needs.

Most options change a score a little. Each of these changes it a lot when the data are of a certain
kind, so look at your data first.
"""

# %%
# **Long memory**: the target is the sum of two marked numbers of a sequence (the adding problem).
# With ``bias_initializer="chrono"``, a new LSTM keeps its state for long.
#
# **Anywhere**: a short wave is somewhere in noise, and rises first or falls first.
# ``pooling="max"`` takes the maximum of each unit over the steps, instead of the last state.
#
# **Codes**: letters are coded as the numbers 0 to 19, and the first vowel is the class.
# ``categorical_features="all"`` learns a vector for each letter.
#
# **Later steps**: a step of a random walk has the label 1 if the walk is lower three steps later.
# ``bidirectional=True`` reads the sequence in both directions.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import LSTM
from sklearn_rnn.datasets import make_adding


def motifs(n_samples, n_timesteps, rng):
    """Return noise with a short wave, up first in one class and down first in the other."""
    X, y = rng.normal(size=(n_samples, n_timesteps, 1)), rng.integers(2, size=n_samples)
    wave = 2 * np.sin(np.linspace(0, 2 * np.pi, 10))
    begins = rng.integers(n_timesteps - 10, size=n_samples)
    for sequence, label, begin in zip(X, y, begins, strict=True):
        sequence[begin : begin + 10, 0] += wave if label else -wave
    return X, y


def letters(n_samples, n_timesteps, rng):
    """Return letters as numbers from 0 to 19, and which vowel comes first."""
    vowels = rng.permutation(20)[:5]
    X = rng.integers(20, size=(n_samples, n_timesteps))
    X[:, -1] = vowels[0]  # so that every sequence has a vowel
    y = [next(letter for letter in sequence if letter in vowels) for sequence in X]
    return X[:, :, np.newaxis], np.array(y)


def slopes(n_samples, n_timesteps, rng):
    """Return walks, and at each step whether the walk is lower three steps later."""
    X = rng.normal(size=(n_samples, n_timesteps + 3)).cumsum(axis=1)
    return X[:, :-3, np.newaxis], (X[:, 3:] < X[:, :-3]).astype(int)


rng = np.random.default_rng(0)
cases = {
    "long memory: R2": (
        RNNRegressor(24, max_iter=12),
        make_adding(1200, 200, random_state=0),
        "cell",
        (LSTM(), LSTM(bias_initializer="chrono")),
    ),
    "anywhere: accuracy": (
        RNNClassifier(24, max_iter=15),
        motifs(1000, 150, rng),
        "pooling",
        ("last", "max"),
    ),
    "codes: accuracy": (
        RNNClassifier(24, max_iter=15),
        letters(1000, 15, rng),
        "categorical_features",
        (None, "all"),
    ),
    "later steps: accuracy": (
        RNNClassifier(24, mode="many_to_many", max_iter=15),
        slopes(400, 30, rng),
        "bidirectional",
        (False, True),
    ),
}

# %%
warnings.simplefilter("ignore", ConvergenceWarning)  # the adding problem without the option
scores = {}
for name, (network, (X, y), parameter, values) in cases.items():
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    for value in values:
        network.set_params(learning_rate="cosine", random_state=0, **{parameter: value})
        score = network.fit(X_train, y_train).score(X_test, y_test)
        scores.setdefault(name, []).append(score)
    print(f"{name} {scores[name][0]:.2f} without, {scores[name][1]:.2f} with the option")

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
names = ("bias_initializer", "pooling", "categorical_features", "bidirectional")
without, with_option = np.transpose(list(scores.values()))
places = np.arange(len(scores))
below = ax.barh(places - 0.2, without, height=0.36, color="0.7", label="without")
above = ax.barh(places + 0.2, with_option, height=0.36, color="C0", label="with the option")
for bars in (below, above):
    ax.bar_label(bars, fmt="%.2f", padding=3)
for place, option in zip(places, names, strict=True):
    ax.text(0.01, place + 0.2, option, va="center", color="white", family="monospace")
ax.set_yticks(range(len(scores)), scores)
ax.invert_yaxis()
ax.set(xlim=(0, 1), xlabel="score on new sequences")
figure.legend(loc="outside upper right", ncols=2, frameon=False)
plt.show()
