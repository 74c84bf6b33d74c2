"""
Learning rates and schedules
============================

What the learning rate does, and why a rate that falls can begin higher.

If the rate is too low, a network learns little in a given number of epochs. If it is too high, the
loss goes up and down. A schedule changes the rate during the training: ``"cosine"`` (Loshchilov and
Hutter, 2017) lowers it to 0, and ``"one_cycle"`` (Smith and Topin, 2018) first raises it.
"""

# %%
# The task is to tell five kinds of oscillators apart, from noisy paths. Each training has 20
# epochs.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNClassifier
from sklearn_rnn.datasets import make_oscillators

warnings.simplefilter("ignore", ConvergenceWarning)  # 20 epochs are few

motions = make_oscillators(1000, 60, noise=0.2, random_state=0)
X, y = motions.data[:500], motions.target[:500]
X_test, y_test = motions.data[500:], motions.target[500:]
rates = (0.001, 0.005, 0.03, 0.1)
networks = {
    (schedule, rate): [
        RNNClassifier(
            24,
            learning_rate=schedule,
            learning_rate_init=rate,
            max_iter=20,
            n_iter_no_change=20,
            random_state=seed,
        ).fit(X, y)
        for seed in range(3)
    ]
    for schedule in ("cosine", "one_cycle", "constant")
    for rate in rates
}

# %%
# **Constant rates.** The lowest rate is too slow for 20 epochs. With 0.03, the loss falls fast at
# first, but then more slowly than with 0.005. With 0.1, it rises again.

colors = dict(zip(rates, ("#56B4E9", "#0072B2", "#E69F00", "#D55E00"), strict=True))
epochs = np.arange(1, 21)
fig, ax = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
for rate, color in colors.items():
    ax.plot(epochs, networks["constant", rate][0].loss_curve_, color=color, label=f"rate {rate}")
ax.set(xlabel="Epoch", ylabel="Training loss", xticks=range(0, 21, 5))
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)

# %%
# **Schedules.** On the left is the rate at each epoch, and in the middle the training loss, both
# for a highest rate of 0.03. On the right is the accuracy on new paths, for four highest rates.
# Small points are three seeds, and lines are their means.

styles = {"constant": "#D55E00", "cosine": "#0072B2", "one_cycle": "#009E73"}
fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for schedule, color in styles.items():
    example = networks[schedule, 0.03][0]
    axes[0].plot(epochs, example.history_["learning_rate"], color=color, label=schedule)
    axes[1].plot(epochs, example.loss_curve_, color=color)
    scores = np.array([[rnn.score(X_test, y_test) for rnn in networks[schedule, r]] for r in rates])
    axes[2].plot(rates, scores.mean(axis=1), "o-", color=color)
    axes[2].plot(rates, scores, ".", color=color, alpha=0.4)
    print(
        f"{schedule:9s}",
        *(f"rate {r}: {s:.2f}" for r, s in zip(rates, scores.mean(1), strict=True)),
    )
axes[0].set(xlabel="Epoch", ylabel="Learning rate")
axes[1].set(xlabel="Epoch", ylabel="Training loss")
axes[2].set(xlabel="Highest learning rate", ylabel="Accuracy", xscale="log")
fig.legend(loc="outside upper left", ncols=3, frameon=False)

# %%
# A falling rate makes a high one useful: at 0.03, both schedules are better than the best constant
# rate. With the lowest rate, a schedule does harm, because the steps are already too small.

plt.show()

# sphinx_gallery_thumbnail_number = 2
