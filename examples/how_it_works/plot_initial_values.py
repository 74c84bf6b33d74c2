"""
Initial values and long memory
==============================

The initial weights decide whether a network can learn from what happened many steps ago.

In the adding problem (Hochreiter and Schmidhuber, 1997), two numbers of a sequence are marked, one
in each half, and the target is their sum. A new network can learn this only if its last state
already depends a little on both numbers. We compare networks that differ in their initial weights,
and one of them also in its activation.
"""

# %%

import warnings
from typing import Any

import matplotlib.pyplot as plt
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNRegressor
from sklearn_rnn.cells import LSTM, Elman
from sklearn_rnn.datasets import make_adding

warnings.simplefilter("ignore", ConvergenceWarning)  # some networks learn nothing here

X, y = make_adding(1500, 100, random_state=0)
X_test, y_test = make_adding(500, 100, random_state=1)
options: dict[str, Any] = {
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "max_iter": 20,
    "n_iter_no_change": 20,
    "random_state": 0,
}


def compare(cells):
    """Train a network for each entry, print its score and draw its loss."""
    _, ax = plt.subplots(figsize=(6.6, 3.8), layout="constrained")
    for name, cell in cells.items():
        rnn = RNNRegressor(32, cell=cell, **options).fit(X, y)
        print(f"R2 {rnn.score(X_test, y_test):5.2f}  {name}")
        ax.plot(range(1, 21), rnn.loss_curve_, marker=".", label=name)
    ax.set(xlabel="Epoch", ylabel="Training loss", yscale="log")
    ax.set_ylim(top=1)
    ax.set_xticks(range(0, 21, 5))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)


# %%
# **Simple networks.** Orthogonal recurrent weights keep the length of a state, and so of a gradient
# (Saxe et al., 2014), but tanh shrinks it. Le, Jaitly and Hinton (2015) begin with the identity and
# use relu: the state then stays as it is until something is added. Only this network learns here.
# Its states have no bound, and the loss of its first epoch is far above the picture.

compare(
    {
        "tanh, Glorot": Elman(recurrent_initializer="glorot_uniform"),
        "tanh, orthogonal": Elman(),
        "relu, identity": Elman(activation="relu", recurrent_initializer="identity"),
    }
)

# %%
# **LSTM.** With a forget bias of 0, a new network halves its cell state at each step, because its
# forget gates are about one half. A bias of 1 keeps more (Gers, Schmidhuber and Cummins, 2000;
# Jozefowicz, Zaremba and Sutskever, 2015). "chrono" draws the biases so that the units remember for
# different times, up to the length of the sequences (Tallec and Ollivier, 2018). All four learn,
# and the longer a new network remembers, the faster it learns.

compare(
    {
        "forget bias 0": LSTM(forget_bias=0.0),
        "forget bias 1 (default)": LSTM(),
        "forget bias 3": LSTM(forget_bias=3.0),
        "chrono": LSTM(bias_initializer="chrono"),
    }
)
plt.show()

# sphinx_gallery_thumbnail_number = 2
