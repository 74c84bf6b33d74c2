"""
Friendly and hostile sentences
==============================

Two classifiers of sentences: a network that reads words in order, and a linear model that counts
them.

The sentences are generated so that only the order of words matters. For many real texts, a linear
model of word counts is as good as a network and learns in a second: try it first. On 10,604 real
sentences about films, the linear model has an accuracy of 78.4 %, and a network 78.1 %
(benchmarks/sentiment.py).
"""

# %%
# Each sentence gives two opinions: "the film was always , as they say , witty and never , as they
# say , dull" is friendly. If "always" and "never" are swapped, it is hostile. Either opinion may
# come first. So every set of words makes four sentences, of which two are friendly and two hostile.

import itertools

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.text import TokenEncoder

things = ("the film", "its plot", "the cast", "the end")
praise, blame = ("good", "witty", "touching", "fresh"), ("bad", "dull", "flat", "silly")
texts, y = [], []
for thing, good, bad in itertools.product(things, praise, blame):
    for first, second in itertools.permutations(("always", "never")):
        for a, b in ((good, bad), (bad, good)):
            said = f"{first} , as they say , {a} and {second} , as they say , {b}"
            texts.append(f"{thing} was {said}")
            y.append("friendly" if (first == "always") == (a == good) else "hostile")
train, test, y_train, y_test = train_test_split(
    texts, y, test_size=0.25, stratify=y, random_state=0
)

# %%
# Both models are pipelines from texts to labels. The network gets the label of the sentence as its
# target at each word, and we score its answer after the last word. The linear model counts words
# and pairs of neighbouring words, which tell nothing here. It is even worse than guessing: of the
# four sentences with the same words, those in the training data have the other label more often
# than not.

network = RNNClassifier(
    32,
    mode="many_to_many",
    categorical_features="all",
    embedding_dim=16,
    batch_size=16,
    learning_rate_init=0.01,
    learning_rate="cosine",
    max_iter=60,
    random_state=0,
)
reader = make_pipeline(TokenEncoder(analyzer=str.split), network)
reader.fit(train, [[label] * len(text.split()) for text, label in zip(train, y_train, strict=True)])
counter = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10))
answers = [labels[-1] for labels in reader.predict(test)]
print(f"network: accuracy {accuracy_score(y_test, answers):.2f}")
print(f"tf-idf: accuracy {counter.fit(train, y_train).score(test, y_test):.2f}")

# %%
# We draw the probability of "friendly" after each word of four test sentences. Bars above 0.5 are
# blue, and bars below are orange. The network is unsure until the first opinion, and must remember
# "always" or "never" until then. The second opinion agrees with the first.

figure, axes = plt.subplots(4, 1, figsize=(9, 8), layout="constrained", sharey=True)
kinds = [("always", praise), ("never", blame), ("always", blame), ("never", praise)]
for ax, (word, opinions) in zip(axes, kinds, strict=True):
    text = next(t for t in test if t.split()[3] == word and t.split()[9] in opinions)
    words, friendly = text.split(), reader.predict_proba([text])[0][:, 0]
    colors = np.where(friendly > 0.5, "C0", "C1")
    ax.bar(np.arange(len(words)), friendly - 0.5, bottom=0.5, color=colors)
    ax.axhline(0.5, color="0.5", linewidth=0.8)
    ax.set_xticks(np.arange(len(words)), words, rotation=30)
    ax.set(ylim=(0, 1), yticks=(0, 0.5, 1))
figure.supylabel("probability of “friendly” after each word")
plt.show()
