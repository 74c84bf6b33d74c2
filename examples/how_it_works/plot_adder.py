"""
How a network adds binary numbers
=================================

A network that adds must remember the carry. We find it in the states of the network.

A network reads two binary numbers, one pair of bits at a time, from the lowest bit up. At each step
its target is one bit of the sum. The carry is not in the data, but the network cannot add without
it. Cottrell and Tsung (1993) trained such networks and asked what they keep from step to step.
"""

# %%
# The training numbers have 12 bits. The network is a simple one (Elman, 1990), with three units.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from sklearn_rnn import RNNClassifier
from sklearn_rnn.inspection import HiddenStatesDisplay


def additions(n_samples, n_bits, rng):
    """Return pairs of bits, the bits of the sums, and the carries after each step."""
    X = rng.integers(2, size=(n_samples, n_bits, 2))
    carries = np.zeros((n_samples, n_bits + 1), dtype=int)
    for t in range(n_bits):
        carries[:, t + 1] = X[:, t].sum(axis=1) + carries[:, t] > 1
    return X.astype(float), (X.sum(axis=2) + carries[:, :-1]) % 2, carries[:, 1:]


rng = np.random.default_rng(0)
X, y, _ = additions(500, 12, rng)
adder = RNNClassifier(
    3, cell="elman", mode="many_to_many", learning_rate_init=0.02, max_iter=150, random_state=0
)
adder.fit(X, y)

# %%
# It has learned to add, even numbers that are much longer than those of the training:

for n_bits in (12, 100, 1000):
    X_test, y_test, carries = additions(100, n_bits, rng)
    print(f"numbers of {n_bits:4d} bits: {adder.score(X_test, y_test):.4f} of the bits are right")

# %%
# On the left are the states of the three units during one addition. On the right is their path, in
# the plane of the first two principal components (PC), and small points are the states of other
# additions. K-means has divided all states into four clusters, without knowing anything about
# additions. The colours of the strip and of the path show the cluster.

X_test, y_test, carries = additions(100, 20, rng)
HiddenStatesDisplay.from_estimator(adder, X_test, n_clusters=4)

# %%
# What do the clusters mean? Here are the states of all 100 additions. The colour is the carry,
# which was never in the data, and the marker is the bit that the network writes. Each cluster is
# one combination of the two. A sum without a carry can only be 0 or 1, and one with a carry only 2
# or 3, so the cluster tells the whole sum of a step.

states = np.concatenate(adder.hidden_states(X_test, return_sequences=True))
plane = PCA(2).fit_transform(states)
carry, bit = carries.ravel(), y_test.ravel()

fig, ax = plt.subplots(layout="constrained")
for c, color in enumerate(("#0072B2", "#D55E00")):
    for b, marker in enumerate("ox"):
        here = (carry == c) & (bit == b)
        label = f"carry {c}, writes {b}"
        ax.scatter(*plane[here].T, color=color, marker=marker, alpha=0.7, label=label)
ax.set(xlabel="PC 1", ylabel="PC 2")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
plt.show()

# sphinx_gallery_thumbnail_number = 2
