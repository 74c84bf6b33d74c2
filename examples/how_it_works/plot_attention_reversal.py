"""
Attention maps
==============

Which letters a network looks at when it writes words backwards.

An encoder reads a word, and a decoder writes it in reverse, with attention (Bahdanau, Cho and
Bengio, 2015). Before each letter that it writes, the decoder computes a weight for each letter of
the word, and reads the mean of the encoder's states with these weights. The data do not say where
to look.
"""

# %%
# The words are 4 to 10 random letters.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn.inspection import AttentionDisplay
from sklearn_rnn.seq2seq import Seq2SeqClassifier

LETTERS = np.array(list("abcdefghijkl"))


def words(n_samples, shortest, longest, rng):
    """Return words as lists of codes, and the letters of the answers."""
    lengths = rng.integers(shortest, longest + 1, size=n_samples)
    codes = [rng.integers(len(LETTERS), size=length) for length in lengths]
    return codes, [LETTERS[each[::-1]].tolist() for each in codes]


rng = np.random.default_rng(0)
X, y = words(2000, 4, 10, rng)
model = Seq2SeqClassifier(
    32,
    attention="additive",
    categorical_features="all",
    embedding_dim=16,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=15,
    random_state=0,
)
model.fit(X, y)

# %%
# For each letter that the network writes, is the largest weight on the same letter of the word?

X_test, y_test = words(300, 4, 10, rng)
right = [list(a) == b for a, b in zip(model.predict(X_test), y_test, strict=True)]
print(f"{np.mean(right):.3f} of new words are reversed without an error")
weights = model.attention_weights(X_test, y_test)
found = [
    w[: len(x)].argmax(axis=1) == np.arange(len(x))[::-1]
    for w, x in zip(weights, X_test, strict=True)
]
print(f"{np.mean(np.concatenate(found)):.3f} of the largest weights are on the right letter")

# %%
# The pictures show the weights for two words. Each row is a letter that is written, from top to
# bottom, and each column is a letter of the word. The weights move from the end of the word to its
# beginning. In the second word, letters occur twice, and the weights are on the right one of them:
# the network does not look for a letter, but for a place.

fig, axes = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
for word, ax in zip(("abcdefgh", "feedabba"), axes, strict=True):
    codes = [np.flatnonzero(LETTERS == letter)[0] for letter in word]
    AttentionDisplay.from_estimator(model, [codes], input_labels=list(word), ax=ax)
plt.show()
