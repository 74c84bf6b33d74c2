"""What the methods of training give: time, memory and score against the plain way.

    python benchmarks/training.py [--only series rare] [--seeds 3] [--quick] [--again]

Each way of training is a fit in a process of its own, on one thread. Memory is the peak of the
resident size during `fit` less that before. Settings were not tuned: the ways of one case differ
only in what their names say. What has been measured is kept, and left out when the script is run
again, unless `--again` is given.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import harness
import numpy as np
import splits

from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT
from sklearn_rnn.transfer import MultiTaskRNN, transfer

SEEDS = 3


@dataclass(frozen=True)
class Case:
    about: str
    measure: str
    load: Callable  # seed -> whatever its ways take
    ways: dict  # name -> (data, seed, quick) -> a fit, which returns a function that scores it


# ---- a long series ------------------------------------------------------------------------------


def victoria(seed):
    """The demand of 871 days and of the next 218, as two series of half-hours."""
    data = splits.vic_elec()
    return tuple(map(np.concatenate, data[:4]))


def fit_series(**words):
    """A way to fit the series of training days, as one sequence."""

    def fit(data, seed, quick):
        X, y, X_test, y_test = data
        if quick:
            X, y = X[:2000], y[:2000]
        model = RNNRegressor(**SERIES, **words, max_iter=2 if quick else 30, random_state=seed)
        model.fit([X], [y])
        return lambda: error_of_series(model, X, X_test, y_test)

    return fit


def fit_days(data, seed, quick):
    """The series cut by hand into days, each of which begins without a state."""
    X, y, X_test, y_test = data
    days = range(48, 2000 if quick else len(X), 48)
    model = RNNRegressor(**SERIES, max_iter=2 if quick else 30, random_state=seed)
    model.fit(np.split(X, days), np.split(y, days))
    return lambda: error_of_series(model, X, X_test, y_test)


def error_of_series(model, X, X_test, y_test):
    """Mean absolute error of the test days, predicted as the continuation of the training days."""
    predicted = model.predict([np.concatenate([X, X_test])])[0][len(X) :]
    return float(np.mean(np.abs(predicted - y_test)))


SERIES = {"mode": "many_to_many", "learning_rate": "cosine", "n_threads": 1}
SERIES_CASE = Case(
    "electricity demand in Victoria, one series of 41,808 half-hours with 13 features; 30 epochs",
    "MAE (MW)",
    victoria,
    {
        "whole": fit_series(),
        "whole, memory_budget=10 MB": fit_series(memory_budget=10_000_000),
        "days, cut by hand": fit_days,
        "bptt=96": fit_series(bptt=96),
        "bptt=TruncatedBPTT(96, overlap=48)": fit_series(bptt=TruncatedBPTT(96, overlap=48)),
        "bptt=TruncatedBPTT(96, carry=False)": fit_series(bptt=TruncatedBPTT(96, carry=False)),
    },
)

# ---- a rare event -------------------------------------------------------------------------------


def signals(seed, n=60, n_timesteps=4000, wait=400):
    """A signal, 1 or -1, comes every 400 steps on average, amid noise; the target is the last."""
    rng = np.random.default_rng(seed)
    shape = n, n_timesteps
    signal = rng.choice([-1, 1], size=shape) * (rng.random(shape) < 1 / wait)
    signal[:, 0] = 1
    step = np.where(signal != 0, np.arange(n_timesteps), 0)
    y = np.take_along_axis(signal, np.maximum.accumulate(step, axis=1), axis=1)
    X = np.stack([rng.standard_normal(shape), signal], axis=2)
    return X[:40], y[:40], X[40:], y[40:]


def fit_signals(**words):
    def fit(data, seed, quick):
        X, y, X_test, y_test = data
        if quick:
            X, y = X[:8, :500], y[:8, :500]
        model = RNNClassifier(
            32,
            mode="many_to_many",
            batch_size=8,
            max_iter=2 if quick else 10,
            n_iter_no_change=1000,
            n_threads=1,
            random_state=seed,
            **words,
        )
        model.fit(X, y)
        return lambda: float(model.score(X_test, y_test))

    return fit


RARE = Case(
    "40 sequences of 4000 steps; a signal comes every 400, the target is the last one; 10 epochs",
    "accuracy",
    signals,
    {
        "whole": fit_signals(),
        "bptt=50": fit_signals(bptt=50),
        "bptt=TruncatedBPTT(50, carry=False)": fit_signals(bptt=TruncatedBPTT(50, carry=False)),
        'bptt=TruncatedBPTT(50, schedule="random")': fit_signals(
            bptt=TruncatedBPTT(50, schedule="random")
        ),
    },
)

# ---- a neighbouring task ------------------------------------------------------------------------

N_SOURCE, N_FEW = 3000, 30


def two_spellings(seed):
    """3000 words hyphenated as in America, 30 others as in Britain, and 6000 to test the latter."""
    X, american, X_test, _ = splits.hyphenation()[:4]
    british = splits.hyphenation("en_GB")
    chosen = np.random.default_rng(seed).permutation(len(X))[: N_SOURCE + N_FEW]
    source, few = chosen[:N_SOURCE], chosen[N_SOURCE:]

    def pick(values, indices):
        return [values[i] for i in indices]

    return {
        "source": (pick(X, source), pick(american, source)),
        "few": (pick(X, few), pick(british.y_train, few)),
        "test": (X_test, british.y_test),
    }


WORDS = {
    "hidden_layer_sizes": 64,
    "mode": "many_to_many",
    "bidirectional": True,
    "learning_rate": "cosine",
    "n_threads": 1,
}


def letters_right(predict, test):
    """Share of the inner letters that are right."""
    X, y = test
    right = [(p == t)[:-1] for p, t in zip(predict(X), y, strict=True)]
    return float(np.mean(np.concatenate(right)))


def fit_few(data, seed, quick):
    model = RNNClassifier(**WORDS, max_iter=2 if quick else 60, random_state=seed)
    model.fit(*data["few"])
    return lambda: letters_right(model.predict, data["test"])


def fit_source(data, seed, quick):
    model = RNNClassifier(**WORDS, max_iter=2 if quick else 15, random_state=seed)
    return model.fit(*data["source"])


def fit_source_alone(data, seed, quick):
    model = fit_source(data, seed, quick)
    return lambda: letters_right(model.predict, data["test"])


def fit_transferred(frozen):
    def fit(data, seed, quick):
        target = RNNClassifier(**WORDS, max_iter=2 if quick else 60, random_state=seed)
        model = transfer(fit_source(data, seed, quick), target, frozen=frozen)
        model.fit(*data["few"])
        return lambda: letters_right(model.predict, data["test"])

    return fit


def fit_both_tasks(data, seed, quick):
    (X_source, american), (X_few, british) = data["source"], data["few"]
    y = {
        "American": [*american, *[None] * len(X_few)],
        "British": [*[None] * len(X_source), *british],
    }
    model = MultiTaskRNN(**WORDS, max_iter=2 if quick else 15, random_state=seed)
    model.fit([*X_source, *X_few], y)
    return lambda: letters_right(lambda X: model.predict(X)["British"], data["test"])


TRANSFER = Case(
    "where a hyphen may follow: 30 words as in Britain, and 3000 as in America",
    "accuracy",
    two_spellings,
    {
        "the 30 words alone": fit_few,
        "the 3000 alone": fit_source_alone,
        "transfer, all weights trained": fit_transferred(False),
        "transfer, frozen=True": fit_transferred(True),
        "MultiTaskRNN, both": fit_both_tasks,
    },
)

# ---- rates, averages, solvers -------------------------------------------------------------------


def fit_words(estimator, n_epochs=60, **common):
    """A function that makes ways: fits with `common` and other words."""

    def with_words(**words):
        def fit(data, seed, quick):
            model = estimator(
                **{"max_iter": n_epochs, "tol": 0.0, "n_iter_no_change": np.inf, **common, **words},
                n_threads=1,
                random_state=seed,
            )
            model.set_params(max_iter=2) if quick else None
            model.fit(data.X_train, data.y_train)
            return lambda: float(model.score(data.X_test, data.y_test))

        return fit

    return with_words


def half(done):
    """The rate is halved ten times."""
    return 0.5 ** int(10 * done)


RATES = {
    "constant": {},
    "cosine": {"learning_rate": "cosine"},
    "cosine, warmup=0.1": {"learning_rate": "cosine", "warmup": 0.1},
    "one_cycle": {"learning_rate": "one_cycle"},
    "exponential": {"learning_rate": "exponential"},
    "halved ten times (a function)": {"learning_rate": half},
    "constant, ema_decay=0.99": {"ema_decay": 0.99},
    "cosine, gradient_accumulation_steps=4": {
        "learning_rate": "cosine",
        "gradient_accumulation_steps": 4,
    },
    "lbfgs": {"solver": "lbfgs", "dtype": "float64"},
}


def first_days(seed, n=300):
    data = splits.vic_elec()
    return data._replace(X_train=data.X_train[:n], y_train=data.y_train[:n])


def rates_case(about, measure, load, fit):
    ways = {name: fit(**words) for name, words in RATES.items()}
    return Case(f"{about}; 60 epochs", measure, load, ways)


CASES = {
    "series": SERIES_CASE,
    "rare": RARE,
    "transfer": TRANSFER,
    "rates, digits": rates_case(
        "1347 images row by row",
        "accuracy",
        lambda seed: splits.digits(),
        fit_words(RNNClassifier),
    ),
    "rates, vowels": rates_case(
        "270 utterances",
        "accuracy",
        lambda seed: splits.japanese_vowels(),
        fit_words(RNNClassifier),
    ),
    "rates, vic_elec": rates_case(
        "300 days of 48 steps, a target per step",
        "R2",
        first_days,
        fit_words(RNNRegressor, mode="many_to_many"),
    ),
}

# ---- measuring ----------------------------------------------------------------------------------


def measure(job):
    """Score, bytes and seconds of one fit; in a process of its own."""
    warnings.simplefilter("ignore")
    case = CASES[job["case"]]
    data, result = case.load(job["seed"]), {}

    def fit():
        begin = time.process_time()
        result["score"] = case.ways[job["way"]](data, job["seed"], job["quick"])
        result["seconds"] = time.process_time() - begin

    result["bytes"] = harness.peak_of(fit)
    result["score"] = result["score"]()
    return result


harness.worker(measure)


def row_of(name, way, seeds, quick):
    runs = [
        harness.run_job(__file__, {"case": name, "way": way, "seed": seed, "quick": quick}, 1)
        for seed in range(seeds)
    ]
    return {
        "case": name,
        "way": way,
        "scores": [run["score"] for run in runs],
        "seconds": harness.summary([run["seconds"] for run in runs]),
        "bytes": harness.summary([run["bytes"] for run in runs]),
    }


# ---- page ---------------------------------------------------------------------------------------

INTRODUCTION = """
Scores are those on the test split: the mean over the seeds and, in brackets, the least and the
greatest. Seconds are processor time of the fit on one thread, MB the greatest rise of the resident
size during it; both are medians over the seeds. Settings were not tuned, nor was anything chosen on
the test splits.
"""


def score_text(row):
    scores = row["scores"]
    least, mean, most = (f"{f(scores):.4g}" for f in (min, statistics.mean, max))
    return f"{mean} ({least} to {most})"


def columns_of(case):
    return {
        "way": "way",
        case.measure: score_text,
        "seconds": lambda row: f"{row['seconds']['median']:.1f}",
        "MB": lambda row: f"{row['bytes']['median'] / 1e6:.1f}",
    }


def summarize(rows):
    lines = INTRODUCTION.strip().splitlines()
    for name, case in CASES.items():
        found = {row["way"]: row for row in rows if row["case"] == name}
        ordered = [found[way] for way in case.ways if way in found]
        if ordered:
            lines += ["", f"## {name}", "", f"{case.about[0].upper()}{case.about[1:]}.", ""]
            lines += [harness.table(columns_of(case), ordered)]
    return lines


def write(rows):
    harness.write(
        "training",
        "Methods of training: score, time and memory",
        None,
        rows,
        ("case", "way"),
        splits.PACKAGES,
        summarize,
        quiet=True,
    )


def known_rows(again):
    if again or not (harness.RESULTS / "training.json").exists():
        return set()
    return {(row["case"], row["way"]) for row in harness.read("training")["rows"]}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--again", action="store_true", help="also what has been measured")
    parser.add_argument("--quick", action="store_true", help="hardly any data, nothing written")
    options = parser.parse_args()
    known = known_rows(options.again or options.quick)
    for name in options.only:
        for way in CASES[name].ways:
            if (name, way) in known:
                continue
            row = row_of(name, way, 1 if options.quick else options.seeds, options.quick)
            print(row, flush=True)
            if not options.quick:
                write([row])


if __name__ == "__main__":
    main()
