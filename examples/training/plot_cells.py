"""
Which cell remembers for how long?
==================================

All cells learn the same task, which needs a longer and longer memory.

In the adding problem, two numbers of a sequence are marked, one in each half, and their sum is the
target. The longer the sequence, the longer the first number must be kept.
"""

# %%
# A model that always predicts the mean has an R2 of 0. All cells have the same number of units and
# of updates, and none is tuned: this shows what you get at first, not what is possible.

import warnings
from time import process_time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNRegressor
from sklearn_rnn.cells import LSTM
from sklearn_rnn.datasets import make_adding

names = ("elman", "jordan", "indrnn", "mgu", "mingru", "minlstm", "gru", "lstm")
cells: dict[str, Any] = {name: name for name in names}
cells["lstm, chrono"] = LSTM(bias_initializer="chrono")
warnings.simplefilter("ignore", ConvergenceWarning)  # some learn nothing from long sequences
n_steps = (10, 25, 50, 100, 200)
scores, seconds = np.zeros((2, len(cells), len(n_steps)))
for k, length in enumerate(n_steps):
    X, y = make_adding(1500, length, random_state=0)
    for i, cell in enumerate(cells.values()):
        model = RNNRegressor(
            24,
            cell=cell,
            max_iter=15,
            batch_size=32,
            learning_rate_init=0.01,
            learning_rate="cosine",
            random_state=0,
        )
        begin = process_time()
        model.fit(X[:1000], y[:1000])
        seconds[i, k] = process_time() - begin
        scores[i, k] = model.score(X[1000:], y[1000:])

# %%
# Cells whose gates read the state ("mgu", "gru", "lstm") remember longer than simple ones ("elman",
# "jordan"). With the biases of "chrono", a new LSTM keeps its state for hundreds of steps from the
# first update on. The units of "indrnn" do not read each other, and the gates of "mingru" and
# "minlstm" read only the input: these cells are fast, and are meant for several layers.

for name, row, each in zip(cells, scores, seconds, strict=True):
    print(f"{name:13} R2 {row.round(2)}, {each.sum():.1f} s")

# %%
# On the left is the R2 of each cell (row) for each length (column), and on the right the time that
# its five trainings took together.

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 4.5), layout="constrained", width_ratios=(3, 1), sharey=True
)
image = left.imshow(scores, vmin=0, vmax=1, cmap="cividis", aspect="auto")
for i, k in np.ndindex(scores.shape):
    color = "white" if scores[i, k] < 0.6 else "black"
    left.text(k, i, f"{max(scores[i, k], 0):.2f}", ha="center", va="center", color=color)
left.set_xticks(range(len(n_steps)), n_steps)
left.set_yticks(range(len(cells)), cells)
left.set(xlabel="steps in a sequence", title="R2 on new sequences")
right.barh(range(len(cells)), seconds.sum(axis=1), color="C0")
right.set(xlabel="processor seconds", title="Training")
plt.show()
