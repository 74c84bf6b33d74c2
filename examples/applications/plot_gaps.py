"""
Missing values and irregular times
==================================

Six ways to fill the gaps in sequences, compared by what a network then learns from them.

``SequenceImputer`` fills each sequence from its own values. It can also tell the network that a
value was missing, and how many steps ago the last one came.
"""

# %%
# Each sequence is an oscillation, measured at irregular times: of 80 steps, one in six has
# a value. The task is to tell its frequency. A position means little unless the network knows
# when it was measured.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNRegressor
from sklearn_rnn.datasets import make_oscillators
from sklearn_rnn.preprocessing import SequenceImputer

motions = make_oscillators(1600, 80, kinds=["free"], random_state=0)
whole, frequency = motions.data, motions.parameters["frequency"]
rng = np.random.default_rng(0)
X = np.where(rng.random(whole.shape) < 5 / 6, np.nan, whole)
train, test = slice(0, 1200), slice(1200, None)

# %%
# Each way of filling the gaps is the first step of a pipeline. "linear" draws straight lines
# between the values, so it reads later steps, and is of no use where steps come one by one.

warnings.filterwarnings("ignore", message=".*padding")  # sequences may begin with several gaps
ways = {
    "mean": SequenceImputer("mean"),
    "mean, indicator": SequenceImputer("mean", add_indicator=True),
    "last": SequenceImputer("last"),
    "last, indicator": SequenceImputer("last", add_indicator=True),
    "last, elapsed time": SequenceImputer("last", add_elapsed=True),
    "linear": SequenceImputer("linear"),
}


def network():
    return RNNRegressor(32, max_iter=25, learning_rate="cosine", random_state=0)


scores = {}
for name, imputer in ways.items():
    model = make_pipeline(imputer, network()).fit(X[train], frequency[train])
    scores[name] = model.score(X[test], frequency[test])
model = network().fit(whole[train], frequency[train])
scores["nothing missing"] = model.score(whole[test], frequency[test])
for name, score in scores.items():
    print(f"R2 {score:.2f}  {name}")

# %%
# Telling the network which values are measured helps most where the others are set to the mean.
# With the time since the last value, "last" is nearly as good as straight lines, and it reads no
# later step. A linear model of all steps cannot read a frequency at all.

rows = SequenceImputer("linear").fit_transform(X)[:, :, 0]
ridge = RidgeCV(np.logspace(-2, 4, 13)).fit(rows[train], frequency[train])
print(f"R2 {ridge.score(rows[test], frequency[test]):.2f}  linear model")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
k, steps = 3, np.arange(80)
left.plot(steps, whole[k], color="0.75", linewidth=5, label="what happened")
for name in ("mean", "last", "linear"):
    filled = ways[name].transform(X[k : k + 1])[0]
    left.plot(steps, filled[:, 0], linewidth=1.5, label=name)
left.plot(steps, X[k], "ko", markersize=5, label="measured")
left.set(xlabel="step", title="One oscillation, and three ways to fill it")
figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5)
colors = ["C0"] * len(ways) + ["0.6"]
bars = right.barh(list(scores)[::-1], list(scores.values())[::-1], color=colors[::-1])
right.bar_label(bars, fmt="%.2f", padding=3)
right.set(xlim=(0, 1.12), title="R2 of the frequency, on new oscillations")
plt.show()
