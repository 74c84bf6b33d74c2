"""
Split a recording into activities
=================================

One label per step shows when one activity ends and the next one begins.

A network with ``mode="many_to_many"`` predicts a label for each step. ``SequenceLabelDisplay``
shows where these labels are wrong and how sure the network is.
"""

# %%
# Each recording is made of three to six short ones of the same person (generated). The first twelve
# people are for training, and the other four for the test.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.datasets import make_sensor_recordings
from sklearn_rnn.inspection import SequenceLabelDisplay
from sklearn_rnn.layers import Conv1D
from sklearn_rnn.metrics import step_accuracy
from sklearn_rnn.preprocessing import SequenceImputer

short = make_sensor_recordings(480, n_persons=16, random_state=0)
persons = np.unique(short.groups)


def recordings(persons, n_each, rng):
    """Return long recordings (n_timesteps_i, 6), and a label for each of their steps."""
    X, y = [], []
    for person in np.repeat(persons, n_each):
        parts = rng.permutation(np.flatnonzero(short.groups == person))[: rng.integers(3, 7)]
        X.append(np.concatenate([short.data[k] for k in parts]))
        y.append(np.concatenate([np.repeat(short.target[k], len(short.data[k])) for k in parts]))
    return X, y


rng = np.random.default_rng(0)
X, y = recordings(persons[:12], 8, rng)
X_test, y_test = recordings(persons[12:], 8, rng)

# %%
# A network that reads in both directions also uses later steps, and labels more steps correctly. In
# a live application the later steps are not there yet, so only a forward network can be used.

for bidirectional in (False, True):
    model = make_pipeline(
        SequenceImputer("last"),
        RNNClassifier(
            32,
            mode="many_to_many",
            bidirectional=bidirectional,
            input_layers=[Conv1D(16, 9)],
            dropout=0.3,
            batch_size=8,
            learning_rate="cosine",
            max_iter=20,
            random_state=0,
        ),
    )
    predicted = model.fit(X, y).predict(X_test)
    score = step_accuracy(y_test, predicted)
    print(f"bidirectional={bidirectional}: {score:.3f} of the steps are right")

# %%
# We draw the two test recordings with the most activities, labelled by the network that reads in
# both directions. At the top of each picture are the true and the predicted labels, with wrong
# steps in black between them. Below is the probability of each label: the stronger the colour, the
# higher the probability. Most errors are near a change of activity.

figure, axes = plt.subplots(2, 1, figsize=(8, 7), layout="constrained")
most = np.argsort([-len(set(labels)) for labels in y_test])[:2]  # the most different labels
for k, ax in zip(most, axes, strict=True):
    SequenceLabelDisplay.from_estimator(model, X_test, y_test, sequence=k, ax=ax)
plt.show()
