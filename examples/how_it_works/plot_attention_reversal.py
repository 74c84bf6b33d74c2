"""
Attention maps
==============

What a network looks at when it writes words backwards.

A network reads a word and writes it in reverse. Its decoder has attention (Bahdanau, Cho and
Bengio, 2015): before each letter that it writes, it computes a weight for each letter that has
been read, and reads the mean of the encoder's states with these weights. Nobody tells it where to
look.
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
# Is the largest weight on the letter that is being written?

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
# The weights while the network writes two words, from top to bottom. They move from the end of the
# word to its beginning. In the second word, letters occur twice: the network does not look for a
# letter, but for a place.

fig, axes = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
for word, ax in zip(("abcdefgh", "feedabba"), axes, strict=True):
    codes = [np.flatnonzero(LETTERS == letter)[0] for letter in word]
    AttentionDisplay.from_estimator(model, [codes], input_labels=list(word), ax=ax)
plt.show()
