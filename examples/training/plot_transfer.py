"""
Thirty labels
=============

Thirty labels are enough if 3,000 sequences of a related task have targets.

Each sequence holds voltage and current of a machine at 24 times. Its energy was measured for 3,000
of them. An expert has judged only 30 others, by a limit of the energy that nobody has written down.
A network that was trained to predict the energy has learned what the verdicts depend on.

Run it with::

    python examples/transfer.py
"""

import numpy as np

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.transfer import transfer


def recordings(n_samples, rng):
    """Return sequences (n_samples, 24, 2), and the energy of each."""
    X = np.array([230.0, 5.0]) + rng.normal(size=(n_samples, 24, 2)) * [10.0, 2.0]
    return X, ((X[:, :, 0] - 230.0) * (X[:, :, 1] - 5.0)).mean(axis=1)


rng = np.random.default_rng(0)
X, energy = recordings(3000, rng)
source = RNNRegressor(32, max_iter=40, random_state=0).fit(X[:2500], energy[:2500])
print(
    f"R2 of the energy, learned from 2,500 sequences: {source.score(X[2500:], energy[2500:]):.3f}"
)

scores = []
for seed in range(10):
    few, energy = recordings(30, rng)
    test, energy_of_test = recordings(2000, rng)
    verdicts, truth = energy > 2, energy_of_test > 2
    alone = RNNClassifier(32, random_state=seed)
    tuned, frozen = (transfer(source, alone, frozen=frozen) for frozen in (False, True))
    scores.append([rnn.fit(few, verdicts).score(test, truth) for rnn in (alone, tuned, frozen)])
print("accuracy of verdicts, learned from 30 sequences (mean of 10 trials):")
names = "a new network", "the body of the network for the energy, trained on", "the same, frozen"
for score, name in zip(np.mean(scores, axis=0), names, strict=True):
    print(f"  {score:.3f}  {name}")
