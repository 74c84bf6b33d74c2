"""Friendly or hostile: sentences about films, read by a network and by a linear model of tf-idf.

    pip download --no-deps --no-binary :all: vaderSentiment
    python benchmarks/sentiment.py vaderSentiment-3.3.2.tar.gz

The 10,604 sentences (Pang and Lee, 2004; rated by Hutto and Gilbert, 2014) are in the source
package of vaderSentiment. A sentence is friendly if its mean rating is above 0. A quarter of them
are test data, drawn by three seeds, which are those of the networks, too.
"""

import io
import tarfile
import time

import harness
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier
from sklearn_rnn.text import TokenEncoder

SEEDS = (0, 1, 2)
ARCHIVE, MEMBER = "ICWSM_2014.tar.gz", "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
COLUMNS = {
    "model": "model",
    "accuracy": "accuracy",
    "least": "least",
    "most": "most",
    "processor s": "seconds",
}
NETWORK, LINEAR, BOTH = "network", "tf-idf, linear", "mean of both"


def read_sentences(path):
    """Return sentences, and whether each is rated above 0."""
    with tarfile.open(path) as outer:
        inner = next(name for name in outer.getnames() if name.endswith(ARCHIVE))
        with tarfile.open(fileobj=io.BytesIO(outer.extractfile(inner).read())) as data:
            lines = data.extractfile(MEMBER).read().decode("utf-8", "replace").splitlines()
    _, ratings, texts = zip(*(line.split("\t") for line in lines), strict=True)
    return list(texts), np.array(ratings, dtype=float) > 0


def models_of(seed):
    rnn = RNNClassifier(
        32,
        bidirectional=True,
        pooling="max",
        categorical_features="all",
        embedding_dim=64,
        dropout=0.5,
        learning_rate="cosine",
        max_iter=6,
        random_state=seed,
    )
    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+")
    return {
        NETWORK: make_pipeline(TokenEncoder(min_count=2), rnn),
        LINEAR: make_pipeline(tfidf, LogisticRegression(C=10, max_iter=1000)),
    }


def work(job):
    texts, friendly = read_sentences(job["file"])
    train, test, y_train, y_test = train_test_split(
        texts, friendly, test_size=0.25, stratify=friendly, random_state=job["seed"]
    )
    scores, seconds, chances = {}, {}, {}
    for name, model in models_of(job["seed"]).items():
        begin = time.process_time()
        chances[name] = model.fit(train, y_train).predict_proba(test)[:, 1]
        seconds[name] = time.process_time() - begin
    chances[BOTH] = (chances[NETWORK] + chances[LINEAR]) / 2
    for name, chance in chances.items():
        scores[name] = float(((chance > 0.5) == y_test).mean())
    return {"scores": scores, "seconds": seconds}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("file", help="the source package of vaderSentiment")
    file = parser.parse_args().file
    runs = [harness.run_job(__file__, {"file": file, "seed": seed}, threads=1) for seed in SEEDS]
    rows = []
    for name in (NETWORK, LINEAR, BOTH):
        scores = [run["scores"][name] for run in runs]
        seconds = np.mean([run["seconds"].get(name, np.nan) for run in runs])
        row = {"model": name, "accuracy": float(np.mean(scores))}
        row |= {"least": min(scores), "most": max(scores)}
        rows.append({**row, "seconds": "" if np.isnan(seconds) else float(seconds)})
    harness.write("sentiment", "Sentences about films", COLUMNS, rows, ["model"], summarize=notes)


def notes(rows):
    """What to know about the table."""
    return [
        "Accuracies on 2,651 test sentences after training on 7,953: the mean, the least and the",
        "most of three divisions. Seconds are those of training and prediction.",
    ]


if __name__ == "__main__":
    harness.worker(work)
    main()
