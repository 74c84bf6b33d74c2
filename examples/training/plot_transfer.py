"""
Thirty labels are enough
========================

A network that has learned a related task with many targets needs few labels for the next one.

Labels are often dear: an expert must give them. A related target that is cheap, such as a
measurement, can teach a network what to look for. ``transfer`` takes over its body.
"""

# %%
# Each sequence holds voltage and current of a machine at 24 times (generated). The energy was
# measured for 2500 machines. The expert's verdict depends on a limit of the energy that nobody has
# written down.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.transfer import transfer


def recordings(n_samples, rng):
    """Return sequences (n_samples, 24, 2), and the energy of each."""
    X = np.array([230.0, 5.0]) + rng.normal(size=(n_samples, 24, 2)) * [10.0, 2.0]
    return X, ((X[:, :, 0] - 230.0) * (X[:, :, 1] - 5.0)).mean(axis=1)


rng = np.random.default_rng(0)
X, energy = recordings(3000, rng)
source = RNNRegressor(32, max_iter=40, learning_rate="cosine", random_state=0)
source.fit(X[:2500], energy[:2500])
print(f"R2 of the energy: {source.score(X[2500:], energy[2500:]):.3f}")

# %%
# Verdicts for 10 to 300 sequences are learned in four ways: by a new network; by the body of the
# network for the energy, with a new output layer; by the same, where only the output layer learns
# (``frozen=True``); and by a logistic regression on the predicted energy alone.

warnings.simplefilter("ignore", ConvergenceWarning)  # from ten labels, networks learn little
sizes = [10, 30, 100, 300]
ways = {
    "a new network": lambda new: new,
    "body taken over": lambda new: transfer(source, new),
    "body taken over, frozen": lambda new: transfer(source, new, frozen=True),
    "logistic regression on the predicted energy": lambda new: make_pipeline(
        FunctionTransformer(lambda X: source.predict(X).reshape(-1, 1)), LogisticRegression(C=100)
    ),
}
scores = np.empty((len(ways), len(sizes), 6))
for seed in range(6):
    (few, energy), (test, energy_of_test) = recordings(300, rng), recordings(1000, rng)
    verdicts, truth = energy > 2, energy_of_test > 2
    for k, size in enumerate(sizes):
        for i, way in enumerate(ways.values()):
            new = RNNClassifier(32, max_iter=60, learning_rate="cosine", random_state=seed)
            scores[i, k, seed] = way(new).fit(few[:size], verdicts[:size]).score(test, truth)
for name, row in zip(ways, scores.mean(axis=2), strict=True):
    print(f"accuracy {row.round(2)}  {name}")

# %%
# From thirty labels, the new network learns little more than to give the more frequent verdict
# (dotted). The body is hardly better if all of it goes on learning, because it forgets the energy:
# freeze it. Where the first target says all about the second one, as here, its predictions are the
# best features. The lines are means of six trials, the bands their extremes.

figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for name, each in zip(ways, scores, strict=True):
    (line,) = ax.plot(sizes, each.mean(axis=1), "o-", label=name)
    ax.fill_between(sizes, each.min(axis=1), each.max(axis=1), color=line.get_color(), alpha=0.15)
ax.axhline(np.mean(energy <= 2), color="0.5", linestyle=":")
ax.set(
    xscale="log", xlabel="labelled sequences", ylabel="accuracy of new sequences", ylim=(0.4, 1.01)
)
ax.set_xticks(sizes, map(str, sizes))
ax.minorticks_off()
figure.legend(loc="outside upper left", ncols=2, frameon=False)
plt.show()
