"""
Rare classes
============

About 100 of 2000 recordings show a fault. What do class weights change, and what does a threshold
change?

With ``class_weight="balanced"``, each class has the same weight in the loss, however rare it is.
The network then predicts more faults. A lower threshold of the probability has the same effect,
without another training.
"""

# %%
# A fault is a short dip somewhere in a noisy signal (generated).

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import precision_score, recall_score

from sklearn_rnn import RNNClassifier


def signals(n_samples, rng, n_timesteps=60):
    """Return signals (n_samples, n_timesteps, 1), and 1 for each with a fault."""
    X, y = rng.normal(size=(n_samples, n_timesteps, 1)), (rng.random(n_samples) < 0.05).astype(int)
    for k in np.flatnonzero(y):
        begin = rng.integers(n_timesteps - 8)
        X[k, begin : begin + 8, 0] -= rng.uniform(0.5, 2)
    return X, y


rng = np.random.default_rng(0)
X, y = signals(2000, rng)
X_test, y_test = signals(4000, rng)
print(f"{y.sum()} faults in {len(y)} recordings")


def network(class_weight):
    return RNNClassifier(
        16,
        pooling="max",
        class_weight=class_weight,
        dropout=0.3,
        max_iter=15,
        learning_rate="cosine",
        random_state=0,
    )


models = {"no weights": network(None).fit(X, y), "balanced": network("balanced").fit(X, y)}

# %%
# The accuracy says little: a model that never predicts a fault reaches about 0.95. Recall is the
# share of the faults that are found, and precision is the share of the alarms that are right.

thresholds = np.linspace(0.01, 0.99, 99)
figure, axes = plt.subplots(1, 3, figsize=(9, 4.2), layout="constrained", sharey=True)
for (name, model), ax, color in zip(models.items(), axes, ("C0", "C1"), strict=False):
    chances = model.predict_proba(X_test)[:, 1]
    predicted = [chances > threshold for threshold in thresholds]
    recall = [recall_score(y_test, each) for each in predicted]
    precision = [precision_score(y_test, each, zero_division=1) for each in predicted]
    for threshold in (0.5, 0.1):
        k = np.argmin(abs(thresholds - threshold))
        accuracy = np.mean(predicted[k] == y_test)
        print(f"{name:10} threshold {threshold}: accuracy {accuracy:.3f}, ", end="")
        print(f"recall {recall[k]:.2f}, precision {precision[k]:.2f}")
    ax.plot(thresholds, recall, color=color, label="recall")
    ax.plot(thresholds, precision, color=color, linestyle="--", label="precision")
    ax.axvline(0.5, color="0.7", linewidth=0.8)
    ax.set(title=name, xlabel="threshold", ylim=(0, 1.02), xlim=(0, 1))
    k = np.argmin(abs(thresholds - 0.5))
    axes[2].plot(recall, precision, color=color, label=name)
    axes[2].plot(recall[k], precision[k], "o", color=color)
axes[2].set(title="both; dots: threshold 0.5", xlabel="recall", ylabel="precision", xlim=(0, 1))
axes[0].set_ylabel("recall, precision")
axes[1].legend(loc="lower center")
axes[2].legend(loc="lower left")
plt.show()

# %%
# The left and the middle picture show recall and precision at each threshold, and the right one
# shows them against each other. There, the two curves hardly differ: the weights only move the dot
# along the curve, and so does a threshold. Choose the threshold by the cost of a missed fault and
# of a false alarm. The weights also raise all probabilities, which are then no longer estimates of
# the share of faults.
