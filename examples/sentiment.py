"""
Friendly and hostile sentences
==============================

Sentences about films are classified by a network and by tf-idf.

The network reads words; tf-idf is followed by a linear model. The 10,604 sentences (Pang and Lee,
2004, rated by Hutto and Gilbert, 2014) are in the source package of vaderSentiment::

    pip download --no-deps --no-binary :all: vaderSentiment
    python examples/sentiment.py vaderSentiment-3.3.2.tar.gz

On the test sentences, the network has an accuracy of 76.9 %, tf-idf 77.6 %, and the mean of both
78.0 %: for short texts with a few thousand examples, begin with tf-idf. Without the file, the
sentences are generated so that only the order of words matters: "very good at times , never very
bad at times", or vice versa. tf-idf, even of pairs of words, can then only guess.
"""

import io
import itertools
import sys
import tarfile
from time import process_time

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.text import TokenEncoder

FILES = sys.argv[1:]
DROPOUT, N_EPOCHS = (0.5, 6) if FILES else (0.0, 40)


def read_sentences(path):
    """Return sentences, and whether each is rated above 0."""
    with tarfile.open(path) as outer:
        inner = next(name for name in outer.getnames() if name.endswith("ICWSM_2014.tar.gz"))
        with tarfile.open(fileobj=io.BytesIO(outer.extractfile(inner).read())) as data:
            name = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
            lines = data.extractfile(name).read().decode("utf-8", "replace").splitlines()
    _, ratings, texts = zip(*(line.split("\t") for line in lines), strict=True)
    return list(texts), np.array(ratings, dtype=float) > 0


def make_sentences():
    """Return sentences with two words of opinion, one of which is negated."""
    things, links = ("the film is very", "its plot was very"), ("never very", "not very")
    praise, blame = ("good", "witty", "touching", "fresh"), ("bad", "dull", "flat", "silly")
    friendly = list(itertools.product(things, praise, links, blame))
    hostile = list(itertools.product(things, blame, links, praise))
    texts = [
        f"{thing} {a} at times , {link} {b} at times" for thing, a, link, b in friendly + hostile
    ]
    return texts, np.arange(len(texts)) < len(friendly)


texts, friendly = read_sentences(FILES[0]) if FILES else make_sentences()
train, test, y_train, y_test = train_test_split(
    texts, friendly, test_size=0.25, stratify=friendly, random_state=0
)
models = {
    "network": make_pipeline(
        TokenEncoder(min_count=2),
        RNNClassifier(
            32,
            bidirectional=True,
            pooling="max",
            categorical_features="all",
            embedding_dim=64,
            dropout=DROPOUT,
            learning_rate="cosine",
            max_iter=N_EPOCHS,
            random_state=0,
        ),
    ),
    "tf-idf": make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+"),
        LogisticRegression(C=10, max_iter=1000),
    ),
}
scores = {}
for name, model in models.items():
    begin = process_time()
    scores[name] = model.fit(train, y_train).score(test, y_test)
    print(f"{name}: accuracy {scores[name]:.3f}, {process_time() - begin:.1f} s of one core")
chances = np.mean([model.predict_proba(test) for model in models.values()], axis=0)
both = np.mean(models["network"].classes_[chances.argmax(axis=1)] == y_test)
better = max(models, key=lambda name: scores[name])
print(f"the mean of both: accuracy {both:.3f}\nthe better one is {better}")
print(
    classification_report(
        y_test, models["network"].predict(test), target_names=["hostile", "friendly"]
    )
)
