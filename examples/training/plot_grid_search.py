"""
Tuning by grid search
=====================

scikit-learn's searches tune recurrent networks like any other estimator.

A search shows which parameters matter and which do not. The picture has all scores, because a wide
region of good scores is a safer choice than a single best one.
"""

# %%
# The sequences are 600 images of digits, read row by row.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier

X, y = load_digits(return_X_y=True)
X, y = X.reshape(-1, 8, 8)[:600], y[:600]

# %%
# Two searches use the same grid, but train for 5 and for 20 epochs. With a low learning rate,
# training ends before the network has learned. With the highest one, networks of 16 units or more
# are worse again. Wider networks are better, and less sensitive to the learning rate. More epochs
# do not raise the best score, but make more settings nearly as good.

warnings.simplefilter("ignore", ConvergenceWarning)  # of the lowest learning rates
grid = {
    "hidden_layer_sizes": [8, 16, 32, 64],
    "learning_rate_init": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1],
}
figure, axes = plt.subplots(2, 1, figsize=(7, 6.5), layout="constrained", sharex=True)
for ax, n_epochs in zip(axes, (5, 20), strict=True):
    network = RNNClassifier(max_iter=n_epochs, learning_rate="cosine", random_state=0)
    search = GridSearchCV(network, grid, cv=3).fit(X, y)
    print(f"{n_epochs} epochs: best score {search.best_score_:.3f} with {search.best_params_}")
    scores = search.cv_results_["mean_test_score"].reshape(4, 6)
    image = ax.imshow(scores, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    for i, k in np.ndindex(scores.shape):
        color = "white" if scores[i, k] < 0.6 else "black"
        ax.text(k, i, f"{scores[i, k]:.2f}", ha="center", va="center", color=color)
    ax.set_xticks(range(6), grid["learning_rate_init"])
    ax.set_yticks(range(4), grid["hidden_layer_sizes"])
    ax.set(ylabel="hidden_layer_sizes", title=f"{n_epochs} epochs")
axes[1].set_xlabel("learning_rate_init")
figure.colorbar(image, ax=axes, label="accuracy")
plt.show()
