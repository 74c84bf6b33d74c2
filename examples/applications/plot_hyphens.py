"""
Hyphens in words
================

One label per letter: where may a word be divided?

The words come from Debian's package wamerican, and the hyphens from the patterns of the package
pyphen (``apt-get install wamerican; pip install pyphen``).
"""

# %%
# Each letter has the label 1 if a hyphen may follow it. That depends on the letters before and
# after it, so the network reads in both directions.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_rnn import RNNClassifier
from sklearn_rnn.datasets import load_hyphenation
from sklearn_rnn.metrics import sequence_accuracy
from sklearn_rnn.text import TokenEncoder

words, y = load_hyphenation(return_X_y=True)
chosen = np.random.default_rng(0).permutation(len(words))[:7000]
train, test, y_train, y_test = train_test_split(
    words[chosen], y[chosen], test_size=1000, random_state=0
)

# %%
# With ``transitions=True``, the network also learns which labels follow each other, and predicts
# the most probable sequence of labels as a whole (a conditional random field).

model = make_pipeline(
    TokenEncoder(analyzer="char"),
    RNNClassifier(
        48,
        bidirectional=True,
        mode="many_to_many",
        categorical_features="all",
        embedding_dim=16,
        transitions=True,
        learning_rate="cosine",
        max_iter=12,
        random_state=0,
    ),
)
predicted = model.fit(train, y_train).predict(test)
print(f"network: {sequence_accuracy(y_test, predicted):.3f} of the words have all hyphens right")

# %%
# For comparison, a logistic regression decides about each place separately, from three letters
# before and after. It gets fewer words right, because it sees fewer letters, cannot combine them,
# and does not know where the other hyphens are.


def windows(words):
    """Return the letters around each letter (n_letters, 7)."""
    letters = (f"   {word}   " for word in words)
    return [list(text[k : k + 7]) for text in letters for k in range(len(text) - 6)]


linear = make_pipeline(
    OneHotEncoder(handle_unknown="ignore"), LogisticRegression(C=10, max_iter=300)
)
linear.fit(windows(train), np.concatenate(y_train))
ends = np.cumsum([len(word) for word in test])[:-1]
by_linear = np.split(linear.predict(windows(test)), ends)
print(f"logistic regression: {sequence_accuracy(y_test, by_linear):.3f}")

# %%
# Here are five words that were not in the training data. The bars are the probability of a hyphen
# after each letter, and the titles show the predicted hyphens. Not all of them are right;
# ``benchmarks/results/text.md`` has the scores of a wider network that learned from more words.

unknown = ["hyphenation", "overfitting", "recurrently", "neuroscience", "backpropagation"]
labels, chances = model.predict(unknown), model.predict_proba(unknown)
figure, axes = plt.subplots(len(unknown), 1, figsize=(7, 6.5), layout="constrained")
for ax, word, hyphens, chance in zip(axes, unknown, labels, chances, strict=True):
    ax.bar(np.arange(len(word)) + 0.5, chance[:, 1], width=0.12, color="C1")
    shown = "".join(letter + "-" * hyphen for letter, hyphen in zip(word, hyphens, strict=True))
    ax.set_xticks(np.arange(len(word)), list(word), fontsize="large")
    ax.set(xlim=(-0.6, 15), ylim=(0, 1), yticks=(0, 1), title=shown)
figure.supylabel("probability of a hyphen")
plt.show()
