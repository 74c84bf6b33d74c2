"""
Is it learning? Would more data help?
=====================================

Two pictures that answer the first questions about any training.

The loss over the epochs shows whether a network learns, and when it begins to overfit. The score
over the number of training sequences shows whether more data would help. Next to the score of a
simpler model, it also shows whether the network is worth its time.
"""

# %%
# The task is to recognize the kind of an oscillation from 60 noisy steps.

import matplotlib.pyplot as plt
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import LearningCurveDisplay

from sklearn_rnn import RNNClassifier
from sklearn_rnn.datasets import make_oscillators
from sklearn_rnn.inspection import LossCurveDisplay

motions = make_oscillators(1200, 60, noise=0.2, random_state=0)
X, y = motions.data, motions.target

# %%
# With ``early_stopping``, some of the sequences are held out for validation, here half of them.
# Training stops when their score has not risen for ``n_iter_no_change`` epochs, and the weights of
# the best epoch are kept. The training loss goes on falling when the validation loss no longer
# does: from there on, the network fits the noise.

model = RNNClassifier(
    32, early_stopping=True, validation_fraction=0.5, n_iter_no_change=25, random_state=0
)
model.fit(X[:800], y[:800])
display = LossCurveDisplay.from_estimator(model)
print(f"{model.n_iter_} epochs, accuracy of new sequences {model.score(X[800:], y[800:]):.3f}")

# %%
# The second picture shows the accuracy of a network and of a random forest for more and more
# training sequences, with one standard deviation of the three folds. The forest gets the steps as
# columns of a table. It is better with few sequences, and the network catches up. Both still
# improve, so more data would help.

sizes = [50, 100, 200, 400, 800]
forest = RandomForestClassifier(100, random_state=0)
network = RNNClassifier(32, dropout=0.3, max_iter=30, learning_rate="cosine", random_state=0)
figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, model, data in (("network", network, X), ("random forest", forest, X[:, :, 0])):
    display = LearningCurveDisplay.from_estimator(
        model, data, y, cv=3, train_sizes=sizes, ax=ax, score_type="test"
    )
    ax.lines[-1].set_label(name)
    print(name, display.test_scores.mean(axis=1).round(3))
ax.set(xscale="log", xlabel="training sequences", ylabel="accuracy of new sequences")
ax.set_xticks(sizes, map(str, sizes))
ax.minorticks_off()
ax.legend(handles=list(ax.lines), loc="upper left")
plt.show()

# sphinx_gallery_thumbnail_number = 2
