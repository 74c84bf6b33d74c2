"""
Exploding gradients, and clipping
=================================

A few long gradients can ruin a training. A limit on their length prevents this.

If the recurrent weights are large, a gradient grows at each step back in time. Pascanu, Mikolov and
Bengio (2013) describe what follows: the loss has steep walls, and an update at a wall can move the
weights far away. Their remedy is to shorten each gradient that is longer than a limit. The
parameter ``max_grad_norm`` is this limit; its default is 1.
"""

# %%
# **A wall.** The smallest recurrent network has one unit, ``h = sigmoid(w h_previous + b)``. After
# 20 steps, h should be 0.7. The pictures show the loss and the length of its gradient for many
# values of w and b. In most places the gradient is short. But where the last state jumps from a
# small to a large value, the loss is as steep as a wall.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.datasets import make_adding
from sklearn_rnn.inspection import spectral_radius

w, b = np.meshgrid(np.linspace(0, 9, 400), np.linspace(-6, 1, 400))
h, dh_dw, dh_db = np.full(w.shape, 0.5), np.zeros(w.shape), np.zeros(w.shape)
for _ in range(20):
    next_h = 1 / (1 + np.exp(-(w * h + b)))
    slope = next_h * (1 - next_h)
    dh_dw, dh_db, h = slope * (h + w * dh_dw), slope * (1 + w * dh_db), next_h
loss, length = (h - 0.7) ** 2, 2 * np.abs(h - 0.7) * np.hypot(dh_dw, dh_db)
print(f"longest gradient {length.max():.0f}, median {np.median(length):.1g}")

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
shown = {"Loss": loss, "Length of the gradient (log10)": np.log10(length).clip(-3, 1)}
for ax, (name, values) in zip(axes, shown.items(), strict=True):
    image = ax.pcolormesh(w, b, values, cmap="cividis", rasterized=True)
    fig.colorbar(image, ax=ax, label=name)
    ax.set_xlabel("w")
axes[0].set_ylabel("b")

# %%
# **A training.** A simple network (Elman) of 32 units learns to add two marked numbers of a
# sequence, by stochastic gradient descent with momentum. Each line is one of three seeds, with or
# without the limit.

X, y = make_adding(500, 20, random_state=0)
X_test, y_test = make_adding(500, 20, random_state=1)
fig, ax = plt.subplots(figsize=(6.6, 3.8), layout="constrained")
for limit, color in ((None, "#D55E00"), (1.0, "#0072B2")):
    for seed in range(3):
        rnn = RNNRegressor(
            32,
            cell="elman",
            solver="sgd",
            learning_rate="cosine",
            learning_rate_init=0.03,
            max_grad_norm=limit,
            max_iter=60,
            n_iter_no_change=60,
            random_state=seed,
        )
        rnn.fit(X, y)
        label = None if seed else f"max_grad_norm={limit}"
        ax.plot(range(1, 61), rnn.loss_curve_, color=color, alpha=0.8, label=label)
        score, radius = rnn.score(X_test, y_test), spectral_radius(rnn)["l0"]["h"]
        print(f"max_grad_norm={limit!s:4}: R2 {score:5.2f}, spectral radius {radius:.1f}")
ax.set(xlabel="Epoch", ylabel="Training loss", yscale="log")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)

# %%
# With the limit, every network learns. Without it, none does: a few long gradients change the
# weights far too much. The spectral radius of the recurrent weights (their largest absolute
# eigenvalue) was about 1 at first, and becomes large. The R2 is about 0, which is that of always
# predicting the mean.

plt.show()

# sphinx_gallery_thumbnail_number = 2
