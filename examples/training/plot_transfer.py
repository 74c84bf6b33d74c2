"""
Learn from thirty labels
========================

A network that has learned a related task needs few labels for the next one.

Labels are often expensive, because an expert must give them. A related target that is cheap, such
as a measurement, can teach a network what to look for. With ``transfer``, a new network starts from
the recurrent layers of this one, its body.
"""

# %%
# Each sequence has the voltage and the current of a machine at 24 times (generated). The energy was
# measured for 2500 machines. The verdict of the expert depends on whether the energy is above a
# limit, which is not in the data.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.transfer import transfer

LIMIT = 2.0  # of the energy: the verdict is positive above it


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
# Four models learn from 10 to 300 verdicts: a new network; the body of the energy network with a
# new output layer; the same, but only the output layer learns (``frozen=True``); and a logistic
# regression on the predicted energy alone.

warnings.simplefilter("ignore", ConvergenceWarning)  # from ten labels, networks learn little
sizes = [10, 30, 100, 300]
ways = {
    "a new network": lambda new: new,
    "body copied": lambda new: transfer(source, new),
    "body copied, frozen": lambda new: transfer(source, new, frozen=True),
    "logistic regression on the predicted energy": lambda new: make_pipeline(
        FunctionTransformer(lambda X: source.predict(X).reshape(-1, 1)), LogisticRegression(C=100)
    ),
}
scores = np.empty((len(ways), len(sizes), 6))
for seed in range(6):
    (few, energy), (test, energy_of_test) = recordings(300, rng), recordings(1000, rng)
    verdicts, truth = energy > LIMIT, energy_of_test > LIMIT
    for k, size in enumerate(sizes):
        for i, way in enumerate(ways.values()):
            new = RNNClassifier(32, max_iter=60, learning_rate="cosine", random_state=seed)
            scores[i, k, seed] = way(new).fit(few[:size], verdicts[:size]).score(test, truth)
for name, row in zip(ways, scores.mean(axis=2), strict=True):
    print(f"accuracy {row.round(2)}  {name}")

# %%
# With thirty labels, the new network is little better than always giving the more frequent verdict
# (dotted line). A copied body is hardly better if all of it goes on learning, because it forgets
# the energy: freeze it. If the first target decides the second one, as here, its predictions are
# the best features. Lines are the means of six trials, and bands reach from the lowest to the
# highest score.

figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for name, each in zip(ways, scores, strict=True):
    (line,) = ax.plot(sizes, each.mean(axis=1), "o-", label=name)
    ax.fill_between(sizes, each.min(axis=1), each.max(axis=1), color=line.get_color(), alpha=0.15)
ax.axhline(np.mean(energy <= LIMIT), color="0.5", linestyle=":")
ax.set(
    xscale="log", xlabel="labelled sequences", ylabel="accuracy of new sequences", ylim=(0.4, 1.01)
)
ax.set_xticks(sizes, map(str, sizes))
ax.minorticks_off()
figure.legend(loc="outside upper left", ncols=2, frameon=False)
plt.show()
