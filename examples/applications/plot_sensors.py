"""
Activities from sensors
=======================

From a long table of sensor data to a model that predicts step by step.

The data are generated recordings of an accelerometer and a gyroscope of 16 persons, with lost rows
and missing values. The model is tested on persons that it has not seen. This needs pandas.
"""

# %%
# The table has one row per step, as a logger writes it. ``from_frame`` cuts it into sequences.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.datasets import make_sensor_recordings
from sklearn_rnn.layers import Conv1D
from sklearn_rnn.preprocessing import SequenceImputer, from_frame

CHANNELS = ["acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"]
table = make_sensor_recordings(320, n_persons=16, as_frame=True, random_state=0).frame
print(table.iloc[:3].round(2).to_string(index=False))
data = from_frame(
    table, by="recording", time="time", y="activity", groups="person", columns=CHANNELS
)

# %%
# Four times, a model learns from 12 persons and is tested on the other four. A convolution sees the
# shape of a movement within nine steps, and the recurrent layer remembers what it has seen.

model = make_pipeline(
    SequenceImputer(strategy="last"),
    RNNClassifier(
        32,
        input_layers=[Conv1D(24, 9)],
        dropout=0.3,
        learning_rate="cosine",
        max_iter=30,
        random_state=0,
    ),
)
folds = GroupKFold(4)
predicted = cross_val_predict(model, data.X, data.y, groups=data.groups, cv=folds)

# %%
# A random forest reads statistics of each channel and of its changes. With a quarter of the data
# it is better than the network: try it first.


def summary(x):
    """Return statistics of each feature and of its changes, as one row of a table."""
    changes, statistics = np.diff(x, axis=0), (np.nanmean, np.nanstd, np.nanmin, np.nanmax)
    return np.concatenate([f(each, axis=0) for each in (x, changes) for f in statistics])


rows = np.array([summary(x) for x in data.X])
forest = RandomForestClassifier(100, random_state=0)
by_forest = cross_val_predict(forest, rows, data.y, groups=data.groups, cv=folds)
print(f"accuracy, persons unseen: network {accuracy_score(data.y, predicted):.3f}, ", end="")
print(f"random forest of {rows.shape[1]} statistics {accuracy_score(data.y, by_forest):.3f}")

# %%
# A recording that comes step by step. The stream takes complete rows, so missing values are filled
# with the last ones, as the imputer of the pipeline does.

recording, activity = data.X[3], data.y[3]
others = np.flatnonzero(data.groups != data.groups[3])
imputer, network = model.fit([data.X[i] for i in others], data.y[others])
stream = network.stream(method="predict_proba")
last, chances = imputer.statistics_, []
for x in recording:
    last = np.where(np.isnan(x), last, x)
    chances.append(stream.step(last[np.newaxis])[0])

# %%
# On the left are the mistakes on the persons that were not seen; on the right, a recording and what
# the network makes of it.

figure = plt.figure(figsize=(10, 5), layout="constrained")
left, right = figure.subfigures(1, 2, squeeze=False)[0]
ConfusionMatrixDisplay.from_predictions(
    data.y, predicted, ax=left.subplots(), colorbar=False, cmap="Blues", xticks_rotation=30
)
above, below = right.subplots(2, 1, sharex=True)
above.plot(recording, linewidth=1, label=CHANNELS)
above.set(ylabel="g, rad/s", title=f"One recording: {activity}")
below.plot(chances, linewidth=2, label=network.classes_)
below.set(ylabel="probability", xlabel="step", ylim=(0, 1.02))
for ax in (above, below):
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()
