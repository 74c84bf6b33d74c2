"""What text.py fits and scores: for each task a loader, the baselines and our model.

A loader takes the number of the seed or fold, and whether to hold out a part of the training data
in place of the test split. A model takes the data, the seed, a Clock that it starts around the fit,
and its settings; it returns its scores by measure.
"""

import math
import time

import corpora
import letter_to_sound
import ngrams
import numpy as np
from sklearn.model_selection import KFold, StratifiedGroupKFold, train_test_split

from sklearn_rnn import RNNClassifier


class Clock:
    """Adds up the wall time and the processor time of the blocks that it is the context of."""

    def __init__(self):
        self.wall = self.cpu = 0.0

    def __enter__(self):
        self.began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall += time.perf_counter() - self.began[0]
        self.cpu += time.process_time() - self.began[1]


# ---- lines of plays: comedy, history or tragedy -------------------------------------------------


def load_lines(seed, validation):
    data, plays = corpora.shakespeare_lines()
    if not validation:
        return data
    folds = StratifiedGroupKFold(4, shuffle=True, random_state=0)
    train, test = list(folds.split(data.X_train, data.y_train, plays))[seed % 4]
    X, y = data.X_train, data.y_train
    return corpora.Data([X[i] for i in train], y[train], [X[i] for i in test], y[test])


def most_frequent(data, seed, clock, settings):
    labels, counts = np.unique(data.y_train, return_counts=True)
    return {"accuracy": float(np.mean(data.y_test == labels[np.argmax(counts)]))}


def tf_idf(data, seed, clock, settings):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=settings["words"], sublinear_tf=True)
    letters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=settings["letters"], sublinear_tf=True, min_df=2
    )
    model = make_pipeline(
        make_union(words, letters), LogisticRegression(C=settings["C"], max_iter=1000)
    )
    with clock:
        model.fit(data.X_train, data.y_train)
    return {"accuracy": float(model.score(data.X_test, data.y_test))}


def classify_lines(data, seed, clock, settings):
    from sklearn.pipeline import make_pipeline

    from sklearn_rnn.text import TokenEncoder

    settings = dict(settings)
    encoder = TokenEncoder(**settings.pop("tokens"))
    rnn = RNNClassifier(categorical_features="all", random_state=seed, **settings)
    model = make_pipeline(encoder, rnn)
    with clock:
        model.fit(data.X_train, data.y_train)
    return {"accuracy": float(model.score(data.X_test, data.y_test))}


# ---- hyphenation --------------------------------------------------------------------------------


def load_hyphenation(seed, validation):
    data = corpora.hyphenation_letters()
    if not validation:
        return data
    X, X_test, y, y_test = train_test_split(
        data.X_train, data.y_train, test_size=0.1, random_state=0
    )
    return corpora.Data(X, y, X_test, y_test)


def word_accuracy(predicted, y):
    """Shares of words with all inner letters right, and of inner letters; the last never counts."""
    right = [np.asarray(a)[:-1] == b[:-1] for a, b in zip(predicted, y, strict=True)]
    return {
        "word accuracy": float(np.mean([word.all() for word in right])),
        "letter accuracy": float(np.mean(np.concatenate(right))),
    }


def no_hyphens(data, seed, clock, settings):
    return word_accuracy([np.zeros_like(y) for y in data.y_test], data.y_test)


def letter_codes(words):
    """One column of codes 0 to 25 per word."""
    return [np.frombuffer(w.encode(), np.uint8).astype(np.int32)[:, None] - 97 for w in words]


def hyphenate(data, seed, clock, settings):
    rnn = RNNClassifier(
        mode="many_to_many", categorical_features="all", random_state=seed, **settings
    )
    X = letter_codes(data.X_train)
    with clock:
        rnn.fit(X, data.y_train)
    return word_accuracy(rnn.predict(letter_codes(data.X_test)), data.y_test)


# ---- named entities -----------------------------------------------------------------------------

N_FOLDS = 5


def load_entities(fold, validation):
    """One of five folds; for validation one of five folds of the first fold's training part."""
    tagged = corpora.japanese_entities()
    rows = np.arange(len(tagged.X))
    if validation:
        rows = next(KFold(N_FOLDS, shuffle=True, random_state=0).split(rows))[0]
    train, test = list(KFold(N_FOLDS, shuffle=True, random_state=0).split(rows))[fold]
    parts = [
        [values[rows[i]] for i in chosen]
        for chosen in (train, test)
        for values in (tagged.X, tagged.y)
    ]
    return corpora.Data(*parts)


def entity_scores(y, predicted):
    from seqeval.metrics import f1_score, precision_score, recall_score

    y, predicted = [list(map(str, tags)) for tags in y], [list(map(str, p)) for p in predicted]
    return {
        "entity F1": float(f1_score(y, predicted)),
        "precision": float(precision_score(y, predicted)),
        "recall": float(recall_score(y, predicted)),
    }


def window_features(sentence, width):
    """The factors of each token and of its neighbours, as strings, for sklearn-crfsuite."""
    names = ("word", "letters", "pos", "finer")
    rows = []
    for i in range(len(sentence)):
        row = {"bias": "1"}
        for shift in range(-width, width + 1):
            if 0 <= i + shift < len(sentence):
                for name, value in zip(names, sentence[i + shift], strict=True):
                    row[f"{shift}:{name}"] = value
            else:
                row[f"{shift}:outside"] = "1"
        rows.append(row)
    return rows


def crfsuite(data, seed, clock, settings):
    import sklearn_crfsuite

    settings = dict(settings)
    width = settings.pop("width")
    X, X_test = ([window_features(s, width) for s in part] for part in (data.X_train, data.X_test))
    model = sklearn_crfsuite.CRF(algorithm="lbfgs", all_possible_transitions=True, **settings)
    with clock:
        model.fit(X, data.y_train)
    return entity_scores(data.y_test, model.predict(X_test))


def entity_codes(encoders, sentences):
    """Codes (n_tokens, n_factors) of sentences of tuples."""
    columns = [
        encoder.transform([[token[k] for token in sentence] for sentence in sentences])
        for k, encoder in enumerate(encoders)
    ]
    return [np.column_stack(factors) for factors in zip(*columns, strict=True)]


def with_affixes(sentences):
    """The factors of each token, then the last letter and the first letter of the word."""
    return [[(*token, token[0][-1], token[0][0]) for token in s] for s in sentences]


def tag_entities(data, seed, clock, settings):
    from sklearn_rnn.text import TokenEncoder

    settings = dict(settings)
    least = settings.pop("min_count")
    X, X_test = with_affixes(data.X_train), with_affixes(data.X_test)
    with clock:
        encoders = [
            TokenEncoder(min_count=least, lowercase=False).fit([[t[k] for t in s] for s in X])
            for k in range(len(X[0][0]))
        ]
        rnn = RNNClassifier(
            mode="many_to_many", categorical_features="all", random_state=seed, **settings
        )
        rnn.fit(entity_codes(encoders, X), data.y_train)
    return entity_scores(data.y_test, rnn.predict(entity_codes(encoders, X_test)))


# ---- letters of Shakespeare ---------------------------------------------------------------------


def load_letters(seed, validation):
    train, test = corpora.shakespeare_letters(validation)
    return corpora.Data(train, None, test, None)


def witten_bell(data, seed, clock, settings):
    model = ngrams.WittenBell(settings["order"])
    with clock:
        model.fit(data.X_train)
    return {"bits per letter": model.bits(data.X_test)}


def model_letters(data, seed, clock, settings):
    from sklearn_rnn.language import RNNLanguageModel

    model = RNNLanguageModel(analyzer="char", lowercase=False, random_state=seed, **settings)
    with clock:
        model.fit(data.X_train)
    return {"bits per letter": -float(model.score(data.X_test)) / math.log(2)}


# ---- words of fortunes --------------------------------------------------------------------------


def load_fortunes(seed, validation):
    train, held_out, test = corpora.fortunes()
    return corpora.Data(train, held_out, held_out if validation else test, None)


def kneser_ney(data, seed, clock, settings):
    model = ngrams.KneserNey(settings["order"])
    with clock:
        model.fit(data.X_train)
    return {"perplexity": model.perplexity(data.X_test)}


def model_words(data, seed, clock, settings):
    from sklearn_rnn.language import RNNLanguageModel

    model = RNNLanguageModel(random_state=seed, **settings)
    with clock:
        model.fit(data.X_train)
    return {"perplexity": float(model.perplexity(data.X_test))}


# ---- names --------------------------------------------------------------------------------------

N_SAMPLES = 2000


def load_names(seed, validation):
    """The halves of the names; for validation those of the first half, so the second stays new."""
    first, second = corpora.names()
    if validation:
        half = len(first) // 2
        first, second = first[:half], first[half:]
    return corpora.Data(first, None, second, None)


def judged(samples, train, test, perplexity):
    """Scores of sampled names; `perplexity` is that of a model trained on `test`."""
    made = [name for name in samples if name]
    held_out = perplexity(train)
    return {
        "perplexity of samples / of names": perplexity(made) / held_out,
        "unseen": float(np.mean([name not in set(train) for name in made])),
        "not in the word list": float(np.mean([name not in {*train, *test} for name in made])),
        "perplexity per letter, held out": held_out,
    }


def invent_by_counting(data, seed, clock, settings):
    model, judge = (ngrams.WittenBell(settings["order"], end="\n") for _ in range(2))
    with clock:
        model.fit(data.X_train)
    judge.fit(data.X_test)
    rng = np.random.RandomState(seed)
    samples = [model.sample(rng) for _ in range(N_SAMPLES)]
    return judged(samples, data.X_train, data.X_test, lambda names: 2 ** judge.bits(names))


def invent(data, seed, clock, settings):
    from sklearn_rnn.language import RNNLanguageModel

    model, judge = (
        RNNLanguageModel(analyzer="char", random_state=seed, **settings) for _ in range(2)
    )
    with clock:
        model.fit(data.X_train)
    judge.fit(data.X_test)
    samples = model.sample(N_SAMPLES, max_length=30, random_state=seed)
    print("names:", ", ".join(samples[:20]))
    return judged(samples, data.X_train, data.X_test, lambda names: float(judge.perplexity(names)))


# ---- spelling to sound --------------------------------------------------------------------------


def load_sounds(seed, validation):
    train, held_out, test = corpora.spelling_to_sound()
    return corpora.Data(*train, *(held_out if validation else test))


def edit_distance(a, b):
    """Fewest insertions, deletions and substitutions that make b of a (Levenshtein, 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, z in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != z))
    return row[-1]


def pronunciation_errors(words, predicted):
    """Errors against the listed pronunciation that is nearest."""
    wrong = distance = length = 0
    for word, phones in zip(words, predicted, strict=True):
        phones = tuple(map(str, phones))
        listed = corpora.pronunciations()[word]
        nearest = min(listed, key=lambda right: edit_distance(phones, right) / len(right))
        wrong += phones not in listed
        distance += edit_distance(phones, nearest)
        length += len(nearest)
    return {"word error": wrong / len(words), "phone error": distance / length}


def pronounce_from_memory(data, seed, clock, settings):
    model = letter_to_sound.LetterToSound()
    with clock:
        model.fit(data.X_train, data.y_train)
    return pronunciation_errors(data.X_test, model.predict(data.X_test))


def spell(data, seed, clock, settings):
    """The pair of an encoder and a fitted Seq2SeqClassifier."""
    from sklearn_rnn.seq2seq import Seq2SeqClassifier
    from sklearn_rnn.text import TokenEncoder

    with clock:
        encoder = TokenEncoder(analyzer="char").fit(data.X_train)
        model = Seq2SeqClassifier(categorical_features="all", random_state=seed, **settings)
        model.fit(encoder.transform(data.X_train), data.y_train)
    return encoder, model


def pronounce(data, seed, clock, settings):
    settings = dict(settings)
    beam_width = settings.pop("beam_width")
    encoder, model = spell(data, seed, clock, settings)
    X = encoder.transform(data.X_test)
    scores = pronunciation_errors(data.X_test, model.predict(X))
    model.set_params(beam_width=beam_width)
    for name, value in pronunciation_errors(data.X_test, model.predict(X)).items():
        scores[f"{name}, beam of {beam_width}"] = value
    return scores


# ---- toys ---------------------------------------------------------------------------------------

N_PAIRS = {"addition": 50_000}


def load_toy(task):
    def load(seed, validation):
        return corpora.toy(task, seed + 1000 * validation, N_PAIRS.get(task, 20_000))

    return load


def translate(data, seed, clock, settings):
    encoder, model = spell(data, seed, clock, settings)
    predicted = model.predict(encoder.transform(data.X_test))
    right = [a == "".join(b) for a, b in zip(data.y_test, predicted, strict=True)]
    return {"exact match": float(np.mean(right))}
