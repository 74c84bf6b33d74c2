"""Choice of the default settings, by cross-validation on training data alone.

    python benchmarks/defaults.py [--choices rate ...] [--tasks digits ...] [--seeds 5] [--quick]
    python benchmarks/defaults.py --search rates [--n-jobs 2] [--quick]

Decides by paired differences: every setting of CHOICES learns the same folds with the same seeds
(five, or MORE_SEEDS), all else being the defaults. Seeds that were measured before are kept. An
error is the mean over the folds of 1 - score (accuracy, or R2), with one more mistake added (TINY
for a regression) so that what is learned completely counts as such. A comparison is the mean over
tasks and seeds of the log of the ratio of two errors: so each task counts alike. Its standard error
is the deviation of those logs over the root of their number; that over tasks takes the mean of each
task as one observation. A default is changed only for what is better by more than two of both.

`--search rates` is the search that rate, minibatch, penalty, schedule and clipping came from:
coordinate descent through GRID from START, one seed. One parameter at a time takes the value with
the least error (geometric mean over RATE_TASKS), if that is better by MARGIN, until nothing
changes. Settings with a fit of more than LONGEST_FIT seconds are out.
"""

import itertools
import math
import time
from dataclasses import dataclass
from functools import cache, partial

import harness
import numpy as np
import splits
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, StratifiedKFold

from sklearn_rnn import RNNClassifier, RNNRegressor, cells

# ---- tasks: training data alone ----

SEED_OF_DATA = 1000  # of the generated ones; accuracy.py scores on others
STRATIFIED = StratifiedKFold(3, shuffle=True, random_state=0)
SHUFFLED = KFold(3, shuffle=True, random_state=0)
TINY = 1e-3  # added to 1 - R2


@dataclass(frozen=True, eq=False)
class Task:
    load: object  # -> Data
    estimator: object
    cv: object
    n: int | None = None  # how many sequences of the training split; None: all


PER_STEP = {"mode": "many_to_many"}
VIC_ELEC = Task(splits.vic_elec, RNNRegressor(**PER_STEP), KFold(3), 300)
TASKS = {
    "japanese_vowels": Task(splits.japanese_vowels, RNNClassifier(), STRATIFIED),
    "digits": Task(splits.digits, RNNClassifier(), STRATIFIED),
    "italy_power_demand": Task(splits.italy_power_demand, RNNClassifier(), STRATIFIED),
    "basic_motions": Task(splits.basic_motions, RNNClassifier(), STRATIFIED),
    "hyphenation": Task(splits.hyphenation, RNNClassifier(**PER_STEP), SHUFFLED, 600),
    "vic_elec": VIC_ELEC,
    "delay": Task(
        partial(splits.delay, SEED_OF_DATA, n_train=300), RNNRegressor(**PER_STEP), SHUFFLED
    ),
    "adding_40": Task(
        partial(splits.adding, 40, SEED_OF_DATA, n_train=600), RNNRegressor(), SHUFFLED
    ),
}
REPEATED = RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=0)
FIVEFOLD = RepeatedStratifiedKFold(n_splits=5, n_repeats=1, random_state=0)
RATE_TASKS = {
    "japanese_vowels": Task(splits.japanese_vowels, RNNClassifier(), FIVEFOLD),
    "digits": Task(splits.digits, RNNClassifier(), STRATIFIED),
    "italy_power_demand": Task(splits.italy_power_demand, RNNClassifier(), REPEATED),
    "vic_elec": VIC_ELEC,
}


@cache
def data_of(task):
    data = task.load()
    return data.X_train[: task.n], data.y_train[: task.n]


def rows_of(y):
    """Targets one by one: of sequences (n,), or of the steps of all sequences."""
    return np.concatenate(list(y)) if np.ndim(y[0]) else np.asarray(y)


def some(items, indices):
    return items[indices] if isinstance(items, np.ndarray) else [items[i] for i in indices]


def evaluate(task, settings, seed):
    """Mean error over the folds, and the seconds of processor time of each fit."""
    X, y = data_of(task)
    model = clone(task.estimator).set_params(**settings, random_state=seed, n_threads=1)
    errors, seconds = [], []
    for train, test in task.cv.split(range(len(X)), y if is_classifier(model) else None):
        start = time.process_time()
        model.fit(some(X, train), some(y, train))
        seconds.append(time.process_time() - start)
        wanted, predicted = rows_of(some(y, test)), rows_of(model.predict(some(X, test)))
        if is_classifier(model):
            errors.append(np.mean(predicted != wanted) + 1 / len(rows_of(y)))
        else:
            errors.append(np.mean((predicted - wanted) ** 2) / np.var(wanted) + TINY)
    return {"error": float(np.mean(errors)), "seconds": seconds}


def geometric_mean(errors):
    return math.exp(np.mean(np.log(errors)))


# ---- paired comparisons ----


@dataclass(frozen=True, eq=False)
class Setting:
    text: str
    parameters: dict  # all others have their defaults

    def suits(self, task):
        return "pooling" not in self.parameters or task.estimator.mode == "many_to_one"


def of_cell(name, patience=10, **options):
    """A cell by name, or the LSTM with a forget bias, and the patience."""
    cell = cells.LSTM(**options) if options else name
    bias = f", forget bias {options['forget_bias']:g}" if options else ""
    return Setting(
        f"{name}{bias}, patience {patience}", {"cell": cell, "n_iter_no_change": patience}
    )


def instead(**parameters):
    """The defaults, but for these parameters."""
    text = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return Setting(text, parameters)


GRU = of_cell("gru")  # the defaults
LSTM, LSTM_HALF, LSTM_0 = (of_cell("lstm", forget_bias=bias) for bias in (1.0, 0.5, 0.0))
ELMAN = of_cell("elman")
GRU_5, GRU_20 = of_cell("gru", 5), of_cell("gru", 20)
CHOICES = {  # what is decided -> pairs (what could be, what it is compared to)
    "cell": [(GRU, LSTM), (GRU, LSTM_HALF), (GRU, LSTM_0), (ELMAN, LSTM)],
    "forget bias": [(LSTM_HALF, LSTM), (LSTM_0, LSTM)],
    "patience": [
        (of_cell("lstm", 5, forget_bias=1.0), LSTM),
        (of_cell("lstm", 20, forget_bias=1.0), LSTM),
        (GRU_5, GRU),
        (GRU_20, GRU),
    ],
}
OTHERS = {  # what is decided -> what could be, compared to the defaults
    "cells": [instead(cell=cell) for cell in ("mgu", "mingru", "minlstm", "indrnn")],
    "rate": [instead(learning_rate_init=rate) for rate in (0.002, 0.01)],
    "schedule": [
        instead(learning_rate="adaptive"),
        instead(learning_rate="adaptive", n_iter_no_change=5),
        *(
            instead(learning_rate=schedule, max_iter=max_iter)
            for schedule in ("cosine", "one_cycle", "exponential")
            for max_iter in (50, 100, 200)
        ),
        instead(learning_rate="cosine", learning_rate_init=0.01, max_iter=100),
    ],
    "warm-up": [instead(warmup=0.05)],
    "average": [instead(ema_decay=decay) for decay in (0.9, 0.99)],
    "minibatch": [
        instead(batch_size=8),
        instead(batch_size=32),
        instead(batch_size=32, learning_rate_init=0.01),
    ],
    "clipping": [instead(max_grad_norm=norm) for norm in (5.0, None)],
    "early stopping": [instead(early_stopping=True)],
    "initial values": [
        instead(cell=cells.GRU(bias_initializer="chrono")),
        instead(cell=cells.GRU(bias_initializer="pytorch")),
        instead(cell=cells.GRU(recurrent_initializer="glorot_uniform")),
        instead(cell=cells.GRU(input_initializer="lecun_uniform")),
        instead(cell=cells.GRU(initial_state="learned")),
    ],
    "normalization": [
        instead(cell=cells.GRU(normalization="layer")),
        instead(layer_normalization="layer"),
    ],
    "pooling": [instead(pooling="mean")],
    "dropout": [instead(dropout=0.2)],
}
CHOICES |= {choice: [(other, GRU) for other in others] for choice, others in OTHERS.items()}
MORE_SEEDS = {LSTM: 20, GRU: 20, GRU_20: 10}  # where five left it open


def settings_of(choices):
    """Each setting once, what is compared to before what is compared."""
    pairs = itertools.chain.from_iterable(CHOICES[choice] for choice in choices)
    return list(dict.fromkeys(itertools.chain.from_iterable(pair[::-1] for pair in pairs)))


def measured():
    """Rows that a run on this machine with these versions wrote, by setting and task."""
    if not (harness.RESULTS / "defaults.json").exists():
        return {}
    stored = harness.read("defaults")
    if stored["machine"] != harness.machine(splits.PACKAGES):
        return {}
    return {(row["setting"], row["task"]): row for row in stored["rows"]}


NOTHING = {"errors": [], "seconds": 0.0}


def row_for(name, setting, n_jobs, n_seeds, before=NOTHING):
    """Errors of each seed and mean seconds per fit; the seeds of the row `before` are kept."""
    first = len(before["errors"])
    results = Parallel(n_jobs)(
        delayed(evaluate)(TASKS[name], setting.parameters, seed) for seed in range(first, n_seeds)
    )
    errors = before["errors"] + [result["error"] for result in results]
    times = [before["seconds"]] * first + [np.mean(result["seconds"]) for result in results]
    print(f"{name}, {setting.text}: {np.mean(errors):.4f}, {np.mean(times):.2f} s", flush=True)
    return {
        "setting": setting.text,
        "task": name,
        "errors": errors,
        "seconds": float(np.mean(times)),
    }


def compared(choice, other, base, rows):
    """One comparison over the tasks that both settings have rows of; None if these are not two."""
    found = {(row["setting"], row["task"]): row for row in rows}
    pairs = {
        name: (found[other.text, name], found[base.text, name])
        for name in TASKS
        if {(other.text, name), (base.text, name)} <= found.keys()
    }
    if len(pairs) < 2:
        return None
    n_seeds = min(len(row["errors"]) for pair in pairs.values() for row in pair)
    logs = np.log(
        [np.divide(a["errors"][:n_seeds], b["errors"][:n_seeds]) for a, b in pairs.values()]
    )
    mean, error = logs.mean(), logs.std(ddof=1) / math.sqrt(logs.size)
    means = logs.mean(axis=1)
    over_tasks = means.std(ddof=1) / math.sqrt(len(means))
    limit = 2 * max(error, over_tasks)
    verdict = "better" if mean < -limit else "worse" if mean > limit else "no difference"
    return {
        "choice": choice,
        "compared": f"{other.text} to {base.text}",
        "seeds": n_seeds,
        "log": f"{mean:+.3f} ± {error:.3f}",
        "over tasks": f"± {over_tasks:.3f}",
        "ratio": f"{math.exp(mean):.3f}",
        "time": f"{geometric_mean([a['seconds'] / b['seconds'] for a, b in pairs.values()]):.2f}",
        "verdict": verdict,
        **{name: f"{math.exp(mean):.2f}" for name, mean in zip(pairs, means, strict=True)},
    }


def comparisons(rows):
    """Lines below the table: each choice over all tasks and seeds."""
    lines = [
        compared(choice, other, base, rows)
        for choice, pairs in CHOICES.items()
        for other, base in pairs
    ]
    lines = [line for line in lines if line]
    names = [name for name in TASKS if any(name in line for line in lines)]
    columns = {
        "choice": "choice",
        "what to what": "compared",
        "seeds": "seeds",
        "log of error ratio": "log",
        "over tasks": "over tasks",
        "error ratio": "ratio",
        **{name: (lambda line, name=name: line.get(name, "-")) for name in names},
        "time ratio": "time",
        "verdict": "verdict",
    }
    return [
        "The log of the error ratio is a mean over tasks and seeds with its standard error; below",
        '0 is better. "Over tasks" is the standard error if each task counts as one observation.',
        "Then the ratio itself, over all and for each task. The verdict asks for more than two of",
        "both standard errors.",
        "",
        harness.table(columns, lines),
    ]


def across(rows):
    """A row for each setting, of its rows for the tasks."""
    settings = {setting.text: {} for setting in settings_of(CHOICES)}
    for row in rows:
        settings.setdefault(row["setting"], {})[row["task"]] = row
    return [{"setting": text, "tasks": tasks} for text, tasks in settings.items() if tasks]


def summarize(rows):
    names = [name for name in TASKS if any(row["task"] == name for row in rows)]

    def text(row, name):
        return f"{np.mean(row['tasks'][name]['errors']):.4f}" if name in row["tasks"] else "-"

    def over_tasks(row, value):
        return geometric_mean([value(task) for task in row["tasks"].values()])

    columns = {
        "setting": "setting",
        **{name: partial(text, name=name) for name in names},
        "geometric mean": lambda row: f"{over_tasks(row, lambda t: np.mean(t['errors'])):.4f}",
        "seconds per fit": lambda row: f"{over_tasks(row, lambda t: t['seconds']):.2f}",
    }
    return [harness.table(columns, across(rows)), "", *comparisons(rows)]


def decide(options):
    if options.quick:
        pairs = itertools.product(settings_of(CHOICES)[:2], options.tasks)
        rows = [row_for(name, setting, options.n_jobs, 2) for setting, name in pairs]
        print("\n".join(summarize(rows)))
        return
    for setting in settings_of(options.choices):  # one at a time: what was measured is kept
        n_seeds = options.seeds or MORE_SEEDS.get(setting, 5)
        before = {} if options.again else measured()
        rows = []
        for name in options.tasks:
            row = before.get((setting.text, name), NOTHING)
            if setting.suits(TASKS[name]) and len(row["errors"]) < n_seeds:
                rows.append(row_for(name, setting, options.n_jobs, n_seeds, row))
        if not rows:
            continue
        harness.write(
            "defaults",
            "Choice of the defaults: mean errors in cross-validation on training data",
            None,
            rows,
            ("setting", "task"),
            splits.PACKAGES,
            summarize,
        )


# ---- rate, minibatch, penalty, schedule, clipping ----

GRID = {
    "learning_rate_init": [1e-3, 2e-3, 5e-3, 1e-2],
    "batch_size": [200, 64, 32, 16],
    "max_iter": [100, 200],
    "learning_rate": ["constant", "cosine"],
    "alpha": [0.0, 1e-4, 1e-3],
    "max_grad_norm": [None, 1.0, 5.0],
}
START = {
    "learning_rate_init": 2e-3,
    "batch_size": 32,
    "max_iter": 100,
    "learning_rate": "constant",
    "alpha": 1e-4,
    "max_grad_norm": 1.0,
}
MARGIN = 0.03
LONGEST_FIT = 30.0


def row_of(point, n_jobs):
    """One setting on all tasks, as a row."""
    results = Parallel(n_jobs)(delayed(evaluate)(task, point, 0) for task in RATE_TASKS.values())
    error = geometric_mean([result["error"] for result in results])
    seconds = max(max(result["seconds"]) for result in results)
    row = {
        "settings": point,
        "errors": {n: result["error"] for n, result in zip(RATE_TASKS, results, strict=True)},
        "error": error,
        "seconds": seconds,
        "allowed": seconds <= LONGEST_FIT,
    }
    print(f"{error:.4f} {point}", flush=True)
    return row


def descend(grid, n_jobs):
    """Rows of all settings that were tried, and the settings chosen."""
    rows = {}

    def error(point):
        key = tuple(point.items())
        if key not in rows:
            rows[key] = row_of(point, n_jobs)
        return rows[key]["error"] if rows[key]["allowed"] else math.inf

    best, changed = START, True
    while changed:
        changed = False
        for name, values in grid.items():
            winner = min(({**best, name: value} for value in values), key=error)
            if error(winner) < (1 - MARGIN) * error(best) or math.isinf(error(best)):
                best, changed = winner, True
    return list(rows.values()), best


RATE_COLUMNS = {
    **{name: (lambda row, name=name: str(row["settings"][name])) for name in GRID},
    **{name: (lambda row, name=name: f"{row['errors'][name]:.4f}") for name in RATE_TASKS},
    "error": lambda row: f"{row['error']:.4f}",
    "longest fit, s": lambda row: (
        f"{row['seconds']:.1f}" + ("" if row["allowed"] else " (too long)")
    ),
}


def search_rates(options):
    if options.quick:
        START["max_iter"] = 2
        rows, best = descend({"learning_rate_init": GRID["learning_rate_init"][:2]}, options.n_jobs)
        print(harness.table(RATE_COLUMNS, rows), f"\nChosen: {best}")
        return
    rows, best = descend(GRID, options.n_jobs)
    rows.sort(key=lambda row: (not row["allowed"], row["error"]))
    harness.write(
        "defaults_rates",
        "Choice of rate, minibatch, penalty, schedule and clipping: errors in cross-validation",
        RATE_COLUMNS,
        rows,
        ("settings",),
        splits.PACKAGES,
        lambda rows: [f"Chosen: {best}"],
        "defaults.py --search rates",
    )


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--search", choices=["rates"], help="instead of the paired comparisons")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--choices", nargs="+", choices=CHOICES, default=list(CHOICES))
    parser.add_argument("--seeds", type=int, help="how many; 5, or MORE_SEEDS, if not given")
    parser.add_argument("--again", action="store_true", help="also the seeds of earlier runs")
    parser.add_argument("--n-jobs", type=int, default=None)
    parser.add_argument(
        "--quick", action="store_true", help="two settings, few seeds or epochs, nothing written"
    )
    options = parser.parse_args()
    harness.max_iter_is_a_budget()
    (search_rates if options.search else decide)(options)


if __name__ == "__main__":
    main()
