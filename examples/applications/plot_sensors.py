"""
Recognize activities from sensors
=================================

From a table of sensor data to a model that gives an answer after each step.

The recordings are generated. They stand for an accelerometer and a gyroscope worn by 16 people,
with lost rows and missing values. The model is tested on people it has not seen. This example needs
pandas.
"""

# %%
# The table has one row per time step, as a data logger writes it. ``from_frame`` splits it into one
# sequence per recording.

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
# We use four-fold cross-validation: each model is trained on 12 people and tested on the other
# four. The convolution detects patterns of nine steps, and the recurrent layer above it collects
# them over the whole recording.

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
# The baseline is a random forest. It gets statistics of each channel and of the changes from step
# to step. Here the network is better, but with 80 recordings instead of 320 the forest is far
# better: try it first.


def summary(x):
    """Return statistics of each feature and of its changes, as one row of a table."""
    changes, statistics = np.diff(x, axis=0), (np.nanmean, np.nanstd, np.nanmin, np.nanmax)
    return np.concatenate([f(each, axis=0) for each in (x, changes) for f in statistics])


rows = np.array([summary(x) for x in data.X])
forest = RandomForestClassifier(100, random_state=0)
by_forest = cross_val_predict(forest, rows, data.y, groups=data.groups, cv=folds)
print(f"accuracy on unseen people: network {accuracy_score(data.y, predicted):.3f}, ", end="")
print(f"random forest of {rows.shape[1]} statistics {accuracy_score(data.y, by_forest):.3f}")

# %%
# Now a recording arrives row by row. ``stream.step`` accepts no missing values, so the loop
# replaces them with the last measured ones, as the imputer in the pipeline does.

recording, activity = data.X[3], data.y[3]
others = np.flatnonzero(data.groups != data.groups[3])
imputer, network = model.fit([data.X[i] for i in others], data.y[others])
stream = network.stream(method="predict_proba")
last, chances = imputer.statistics_, []
for x in recording:
    last = np.where(np.isnan(x), last, x)
    chances.append(stream.step(last[np.newaxis])[0])

# %%
# On the left is the confusion matrix on unseen people. On the right are one recording (top) and the
# predicted probability of each activity after each step (bottom).

figure = plt.figure(figsize=(10, 5), layout="constrained")
left, right = figure.subfigures(1, 2, squeeze=False)[0]
ConfusionMatrixDisplay.from_predictions(
    data.y, predicted, ax=left.subplots(), colorbar=False, cmap="Blues", xticks_rotation=30
)
above, below = right.subplots(2, 1, sharex=True)
above.plot(recording, linewidth=1, label=CHANNELS)
above.set(ylabel="acc (g), gyro (rad/s)", title=f"One recording: {activity}")
below.plot(chances, linewidth=2, label=network.classes_)
below.set(ylabel="probability", xlabel="step", ylim=(0, 1.02))
for ax in (above, below):
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()
