"""
Translating Roman numerals
==========================

A network reads letters and writes digits: MCMXCIV becomes 1994.

Input and output are sequences of different lengths, and their steps do not correspond.
``Seq2SeqClassifier`` reads with one network, the encoder, and writes with another, the decoder.
With attention, the decoder chooses for each digit which letters to look at.
"""

# %%
# A third of the numbers from 1 to 3999 are for training, and the others for the test.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_rnn.inspection import AttentionDisplay
from sklearn_rnn.seq2seq import Seq2SeqClassifier
from sklearn_rnn.text import TokenEncoder


def roman(number):
    letters = ""
    for places, one, five, ten in ((1000, "M", "", ""), (100, *"CDM"), (10, *"XLC"), (1, *"IVX")):
        digit = number // places % 10
        if digit % 5 == 4:
            letters += one + (ten if digit == 9 else five)
        else:
            letters += five * (digit // 5) + one * (digit % 5)
    return letters


numbers = np.random.default_rng(0).permutation(np.arange(1, 4000))
train, test = numbers[:1300], numbers[1300:]
model = make_pipeline(
    TokenEncoder(analyzer="char"),
    Seq2SeqClassifier(
        48,
        attention="additive",
        categorical_features="all",
        embedding_dim=16,
        batch_size=32,
        learning_rate_init=0.01,
        learning_rate="cosine",
        max_iter=30,
        random_state=0,
    ),
)
model.fit(list(map(roman, train)), list(map(str, train)))

# %%
# An answer counts only if all its digits are right. A few rules would translate every number
# without a mistake, but the network has to find them in examples. It fails on some short numerals,
# because it has seen few of them.

numerals = list(map(roman, test))
answers = model.predict(numerals)
right = answers == np.array(list(map(str, test)))
print(f"{right.mean():.3f} of the new numbers are translated without a mistake")
for k in np.flatnonzero(~right):
    print(f"{numerals[k]} is {test[k]}, not {answers[k]}")

# %%
# The pictures show the attention: each row is a digit that is written, each column a letter that is
# read, and the colour is the weight of the letter. The encoder reads in both directions, so its
# state at a letter also describes the neighbours. One letter of a group is therefore enough, and a
# zero, which has no letter of its own, can be found at another letter.

figure, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained")
for ax, number in zip(axes.ravel(), (1994, 3888, 2006, 749), strict=True):
    numeral = roman(number)
    codes = model[:-1].transform([numeral])
    AttentionDisplay.from_estimator(model[-1], codes, input_labels=list(numeral), ax=ax)
    ax.set(title=numeral, xlabel=None)
    ax.tick_params("x", rotation=0)
plt.show()
