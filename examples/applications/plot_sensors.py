"""
Activities from sensors
=======================

From a long table of sensor data to a model that predicts step by step.

The data are recordings of an accelerometer and a gyroscope of 16 persons, with gaps and missing
values. The model is tested on persons that it has not seen, and compared with a random forest of
summary statistics: the accuracy of the network is 98.8 %, that of the forest 91.2 %. With
``--small``, the forest is better.

It needs pandas. Run it with::

    python examples/sensors.py [--small]
"""

import pickle
import sys

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, classification_report
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.datasets import make_sensor_recordings
from sklearn_rnn.layers import Conv1D
from sklearn_rnn.preprocessing import SequenceImputer, from_frame

SMALL = "--small" in sys.argv[1:]
CHANNELS = ["acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"]

# ---- the table: one row per step, as a logger writes it

table = make_sensor_recordings(
    80 if SMALL else 320, n_persons=16, as_frame=True, random_state=0
).frame
print(table.iloc[:3].round(2).to_string(index=False))

data = from_frame(
    table, by="recording", time="time", y="activity", groups="person", columns=CHANNELS
)

# ---- test on persons that the model has not seen

model = make_pipeline(
    SequenceImputer(strategy="last"),
    RNNClassifier(
        32,
        input_layers=[Conv1D(24, 9)],
        dropout=0.3,
        learning_rate="cosine",
        max_iter=15 if SMALL else 40,
        random_state=0,
    ),
)
folds = GroupKFold(4)
predicted = cross_val_predict(model, data.X, data.y, groups=data.groups, cv=folds)
print(classification_report(data.y, predicted, zero_division=0))


def summary(x):
    """Return statistics of each feature and of its changes, as one row of a table."""
    changes = np.diff(x, axis=0)
    return np.concatenate([f(each, axis=0) for each in (x, changes) for f in STATISTICS])


STATISTICS = (np.nanmean, np.nanstd, np.nanmin, np.nanmax)
forest = RandomForestClassifier(20 if SMALL else 300, random_state=0)
rows = np.array([summary(x) for x in data.X])
by_forest = cross_val_predict(forest, rows, data.y, groups=data.groups, cv=folds)
print(f"accuracy, persons unseen: network {accuracy_score(data.y, predicted):.3f}, ", end="")
print(f"random forest of {rows.shape[1]} statistics {accuracy_score(data.y, by_forest):.3f}")

# ---- save the model, then predict step by step: every step takes the same time

saved = pickle.dumps(model.fit(data.X, data.y))
imputer, network = pickle.loads(saved)
stream = network.stream(method="predict_proba")
recording, last = data.X[0], imputer.statistics_
for t, x in enumerate(recording):
    last = np.where(np.isnan(x), last, x)  # as strategy="last" does
    chances = stream.step(last[np.newaxis])[0]
    if t % 30 == 29:
        print(f"after {t + 1:3} steps: {network.classes_[chances.argmax()]} ({chances.max():.2f})")
whole = model.predict_proba(data.X[:1])[0]
print(f"whole recording: the same up to {abs(whole - chances).max():.0e}; pickle {len(saved):,} B")
