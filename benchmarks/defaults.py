"""Choice of the default settings, by cross-validation on training splits alone.

    python benchmarks/defaults.py [--n-jobs 2] [--quick]

Coordinate descent through GRID from START: one parameter at a time takes the
value with the least error, if that is better by MARGIN, until nothing changes. The error of a
setting is the geometric mean over the tasks of 1 - score (accuracy, or R2), each with one more
mistake added so that none is zero. Settings with a fit of more than LONGEST_FIT seconds on one core
are out. The hidden size is fixed: one layer of 64.
"""

import math
import time

import datasets
import harness
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.preprocessing import SequenceScaler

BATCH_RULES = {  # for `batch_size="auto"`, n training sequences
    "min(200, n)": lambda n: min(200, n),
    "min(64, n)": lambda n: min(64, n),
    "min(32, n)": lambda n: min(32, n),
    "min(16, n)": lambda n: min(16, n),
}
GRID = {
    "learning_rate_init": [1e-3, 2e-3, 5e-3, 1e-2],
    "batch_size": list(BATCH_RULES),
    "max_iter": [100, 200],
    "learning_rate": ["constant", "cosine"],
    "alpha": [0.0, 1e-4, 1e-3],
    "max_grad_norm": [None, 1.0, 5.0],
}
START = {
    "learning_rate_init": 2e-3,
    "batch_size": "min(32, n)",
    "max_iter": 100,
    "learning_rate": "constant",
    "alpha": 1e-4,
    "max_grad_norm": 1.0,
}
MARGIN = 0.03
LONGEST_FIT = 30.0

CLASSIFIER_CV = RepeatedStratifiedKFold(n_splits=5, n_repeats=1, random_state=0)
TASKS = {  # loader, estimator, cross-validation
    "japanese_vowels": (datasets.japanese_vowels, RNNClassifier(), CLASSIFIER_CV),
    "digits": (
        datasets.digits,
        RNNClassifier(),
        RepeatedStratifiedKFold(n_splits=3, n_repeats=1, random_state=0),
    ),
    "italy_power_demand": (
        datasets.italy_power_demand,
        RNNClassifier(),
        RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=0),
    ),
    "vic_elec": (
        datasets.vic_elec,
        make_pipeline(SequenceScaler(), RNNRegressor(mode="many_to_many")),
        KFold(2),
    ),
}


def evaluate(name, point, n_jobs):
    """Mean score, error and longest fit in seconds of one setting on one task."""
    load, estimator, cv = TASKS[name]
    X, y, *_ = load()
    n = (
        len(X) * (cv.get_n_splits() - 1) // cv.get_n_splits()
        if isinstance(cv, KFold)
        else len(X) * 4 // 5
    )
    settings = {**point, "batch_size": BATCH_RULES[point["batch_size"]](n), "random_state": 0}
    model = clone(estimator)
    model.set_params(
        **{
            f"{model.steps[-1][0]}__{k}" if hasattr(model, "steps") else k: v
            for k, v in settings.items()
        }
    )
    results = cross_validate(model, X, y, cv=cv, n_jobs=n_jobs, error_score="raise")
    score = float(np.mean(results["test_score"]))
    return {
        "score": score,
        "error": 1 - score + 1 / len(X),
        "seconds": float(max(results["fit_time"])),
    }


def row_of(point, n_jobs):
    """One setting on all tasks."""
    start, tasks = time.perf_counter(), {name: evaluate(name, point, n_jobs) for name in TASKS}
    error = math.prod(result["error"] for result in tasks.values()) ** (1 / len(tasks))
    seconds = max(result["seconds"] for result in tasks.values())
    row = {
        "settings": point,
        "tasks": tasks,
        "error": error,
        "seconds": seconds,
        "allowed": seconds <= LONGEST_FIT,
    }
    scores = " ".join(f"{result['score']:.4f}" for result in tasks.values())
    print(f"{error:.4f} {scores} {point} {time.perf_counter() - start:.0f} s", flush=True)
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


COLUMNS = {
    **{name: (lambda row, name=name: str(row["settings"][name])) for name in GRID},
    **{name: (lambda row, name=name: f"{row['tasks'][name]['score']:.4f}") for name in TASKS},
    "error": lambda row: f"{row['error']:.4f}",
    "longest fit, s": lambda row: (
        f"{row['seconds']:.1f}" + ("" if row["allowed"] else " (too long)")
    ),
}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--n-jobs", type=int, default=None)
    parser.add_argument(
        "--quick", action="store_true", help="rates alone, two epochs, nothing written"
    )
    options = parser.parse_args()
    harness.max_iter_is_a_budget()
    if options.quick:
        START["max_iter"] = 2
        rows, best = descend({"learning_rate_init": GRID["learning_rate_init"][:2]}, options.n_jobs)
        print(harness.table(COLUMNS, rows), f"\nChosen: {best}")
        return
    rows, best = descend(GRID, options.n_jobs)
    rows.sort(key=lambda row: (not row["allowed"], row["error"]))
    harness.write(
        "defaults",
        "Choice of the defaults: cross-validated scores on training splits",
        COLUMNS,
        rows,
        ("settings",),
        datasets.PACKAGES,
        lambda rows: [f"Chosen: {best}"],
    )


if __name__ == "__main__":
    main()
