"""
Handwritten digits
==================

Classify images of digits that are read row by row: sequences of 8 steps with 8 pixels each.

Run it with::

    python examples/quickstart.py
"""

import time
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

from sklearn_rnn import RNNClassifier

digits = load_digits()
X = digits.images  # (1797, 8, 8): n_samples, n_timesteps, n_features
X_train, X_test, y_train, y_test = train_test_split(
    X, digits.target, test_size=0.25, stratify=digits.target, random_state=0
)

start = time.perf_counter()
model = RNNClassifier(random_state=0, verbose=1).fit(X_train, y_train)
seconds = time.perf_counter() - start

print(classification_report(y_test, model.predict(X_test), digits=3))
print(
    f"{model.n_iter_} epochs on {len(X_train)} sequences in {seconds:.1f} s, "
    f"test accuracy {model.score(X_test, y_test):.4f}"
)

try:
    import matplotlib
except ImportError:
    print("Install matplotlib (pip install '.[plot]') to save the learning curve as a picture.")
else:
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    ax.semilogy(range(1, model.n_iter_ + 1), model.loss_curve_)
    ax.set(xlabel="epoch", ylabel="training loss", title="Digits, row by row: LSTM of 64 units")
    picture = Path("learning_curve.png")
    fig.savefig(picture, dpi=120)
    print(f"Learning curve saved to {picture}.")
