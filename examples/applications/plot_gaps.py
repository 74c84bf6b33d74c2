"""
Missing values and irregular times
==================================

Six ways to fill missing values, compared by the score of a network that is trained on the result.

``SequenceImputer`` fills each sequence from its own values. It can also add a feature that tells
whether a value was missing, or how many steps ago the last value came.
"""

# %%
# Each sequence is an oscillation, measured at irregular times: only one in six of the 80 steps has
# a value. The target is the frequency. To find it, the network must know not only the values, but
# also when they were measured.

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
# Each imputer is the first step of a pipeline. "linear" interpolates between values, so it needs
# later steps and is of no use where data arrive step by step.

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
# On the left are one oscillation and three ways to fill it, and on the right the scores. An
# indicator of missing values helps most if they are set to the mean. With the time since the last
# value, "last" is nearly as good as "linear", and it needs no later step. A linear model of all
# steps cannot find the frequency at all: its R2 is 0.

rows = SequenceImputer("linear").fit_transform(X)[:, :, 0]
ridge = RidgeCV(np.logspace(-2, 4, 13)).fit(rows[train], frequency[train])
print(f"R2 {ridge.score(rows[test], frequency[test]):.2f}  linear model")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
k, steps = 3, np.arange(80)
left.plot(steps, whole[k], color="0.75", linewidth=5, label="all values")
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
