"""
Hyphens in words
================

One label per letter, with and without scores of neighbouring labels.

Words come from /usr/share/dict/american-english (Debian's wamerican), hyphens from the patterns of
the package pyphen.

Run it with::

    python examples/tagging.py
"""

import re
from pathlib import Path
from time import perf_counter

import numpy as np
import pyphen
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.metrics import sequence_accuracy
from sklearn_rnn.text import TokenEncoder

N_WORDS = 12_000
words = Path("/usr/share/dict/american-english").read_text(encoding="utf-8").split()
words = [word for word in words if re.fullmatch("[a-z]{5,22}", word)]
words = list(np.random.default_rng(0).permutation(words)[:N_WORDS])
patterns = pyphen.Pyphen(lang="en_US")


def tags(word):
    """A tag per letter: "-" where a hyphen may follow, else "."."""
    result = np.full(len(word), ".")
    result[[position - 1 for position in patterns.positions(word)]] = "-"
    return result


def shown(word, predicted):
    """The word with its hyphens."""
    pairs = zip(word, predicted, strict=True)
    return "".join(letter + ("-" if tag == "-" else "") for letter, tag in pairs)


y = [tags(word) for word in words]
train, test, y_train, y_test = train_test_split(words, y, test_size=2000, random_state=0)
for transitions in (False, True):
    rnn = RNNClassifier(
        96,
        bidirectional=True,
        mode="many_to_many",
        categorical_features="all",
        embedding_dim=32,
        transitions=transitions,
        dropout=0.2,
        learning_rate="cosine",
        max_iter=10,
        random_state=0,
    )
    model = make_pipeline(TokenEncoder(analyzer="char"), rnn)
    begin = perf_counter()
    model.fit(train, y_train)
    score = sequence_accuracy(y_test, model.predict(test))
    print(
        f"transitions={transitions}: {score:.3f} of the words right, {perf_counter() - begin:.0f} s"
    )

unknown = ["hyphenation", "classifier", "recurrent", "penguin"]
predictions = zip(unknown, model.predict(unknown), strict=True)
print(", ".join(shown(word, predicted) for word, predicted in predictions))
