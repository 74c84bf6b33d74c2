"""
Vanishing gradients, from 1991 to the LSTM
==========================================

Why a simple network does not learn what happened many steps ago, and why an LSTM can.

In his diploma thesis of 1991, Hochreiter showed that the gradient of a recurrent network is
multiplied by a matrix at each step back in time, so that it shrinks or grows exponentially. Bengio,
Simard and Frasconi (1994) showed that a simple network which stores information in spite of noise
must have gradients that shrink. The answer of Hochreiter and Schmidhuber (1997) is the LSTM (long
short-term memory).
"""

# %%
# The task is the latch problem of 1994: the first value of a sequence gives the class, and the rest
# is noise. Only the number of steps makes it hard.

import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNClassifier
from sklearn_rnn.cells import LSTM
from sklearn_rnn.inspection import GradientFlowDisplay, gradient_flow, spectral_radius

warnings.simplefilter("ignore", ConvergenceWarning)  # some networks learn nothing here


def latch(n_samples, n_steps, rng):
    """Return sequences of noise (n_samples, n_steps, 1) that begin with 1 or -1, and classes."""
    y = rng.integers(2, size=n_samples)
    X = 0.2 * rng.normal(size=(n_samples, n_steps, 1))
    X[:, 0, 0] += 2 * y - 1
    return X, y


def elman(scale, X, y):
    """Return a new simple network whose recurrent weights are multiplied by a number."""
    rnn = RNNClassifier(16, cell="elman", random_state=0).partial_fit(X, y, classes=[0, 1])
    weights = rnn.weights_
    weights["weight_hh_l0"] = scale * weights["weight_hh_l0"]
    return rnn.set_weights(weights)


X, y = latch(200, 60, np.random.default_rng(0))

# %%
# **The analysis of 1991.** At each step back, the gradient is multiplied by the recurrent weights,
# and by the slopes of tanh, which are at most 1. The recurrent weights of a new network are
# orthogonal, so their spectral radius (their largest absolute eigenvalue) is about 1. We multiply
# them by several numbers, and draw the length of the gradient at each step back from the output.
# With a radius of 1 or less the gradient vanishes. Above 1 it may explode, but the slopes work
# against that. The lines are nearly straight on a logarithmic scale: the gradient shrinks or grows
# exponentially.

flows = {}
for scale in (0.5, 0.9, 1.2, 1.5, 2.0, 3.0):
    rnn = elman(scale, X, y)
    radius = spectral_radius(rnn)["l0"]["h"]
    flows[f"radius {radius:.1f}"] = gradient_flow(rnn, X, y).norms["l0"]
GradientFlowDisplay(flows, verdict="Elman networks, by spectral radius").plot()

# %%
# **Gates.** In an LSTM, the cell state is multiplied by the forget gate at each step. If this gate
# is nearly 1, the gradient hardly shrinks. Its initial bias decides how far back the gradient of a
# new network reaches. "chrono" draws the biases for the number of steps of the data (Tallec and
# Ollivier, 2018).

cells: dict[str, Any] = {
    "Elman": "elman",
    "LSTM": "lstm",
    "LSTM, chrono": LSTM(bias_initializer="chrono"),
}
X, y = latch(200, 200, np.random.default_rng(0))
flows = {}
for name, cell in cells.items():
    flow = gradient_flow(RNNClassifier(16, cell=cell, random_state=0), X, y)
    flows[name] = flow.norms["l0"]
    print(f"{name:13s} {flow.verdict}")
display = GradientFlowDisplay(flows, verdict="new networks, 200 steps").plot()
display.ax_.set_ylim(1e-12, 10)

# %%
# **Learning.** Here is the accuracy on new sequences after 25 epochs. Small points are three seeds,
# and lines are their means. A network learns the task if enough gradient still arrives at the
# signal.

options: dict[str, Any] = {"learning_rate": "cosine", "max_iter": 25, "n_iter_no_change": 25}
lags = (25, 50, 100, 200, 400)
fig, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for (name, cell), marker in zip(cells.items(), "os^", strict=True):
    accuracies = []
    for lag in lags:
        for seed in range(3):
            rng = np.random.default_rng(seed)
            rnn = RNNClassifier(16, cell=cell, random_state=seed, **options)
            rnn.fit(*latch(300, lag, rng))
            accuracies.append(rnn.score(*latch(300, lag, rng)))
    accuracies = np.reshape(accuracies, (len(lags), 3))
    (line,) = ax.plot(lags, accuracies.mean(axis=1), marker=marker, label=name)
    ax.plot(lags, accuracies, marker, color=line.get_color(), alpha=0.3)
    print(f"{name:13s}", *(f"{mean:.2f}" for mean in accuracies.mean(axis=1)))
ax.axhline(0.5, color="0.5", ls=":", label="guessing")
ax.set(xscale="log", xlabel="Steps between the signal and the answer", ylabel="Accuracy")
ax.set_xticks(lags, map(str, lags))
ax.minorticks_off()
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)
plt.show()

# sphinx_gallery_thumbnail_number = 2
