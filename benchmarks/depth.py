"""Whether six residual layers train as easily as one, over long times.

    python benchmarks/depth.py [--only pixels] [--networks "6 layers, residual"] [--seeds 5]
                               [--select] [--quick]

Two tasks: the adding problem over 1000 steps, and the digits of scikit-learn read pixel by pixel.
The three networks of a task have the same settings but for their depth and the connections between
the layers. `--select` compares CANDIDATES of six residual layers on training data alone; the test
splits are for the table alone.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import harness
import numpy as np
import splits
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, ShuffleSplit, StratifiedKFold

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import GRU, LSTM

SELECTION_SEED = 1000  # of the generated data that settings are chosen on
PLANNED = {"learning_rate": "cosine", "tol": 0.0, "n_iter_no_change": np.inf, "n_threads": 1}
RESIDUAL = {"connections": "residual", "layer_normalization": "layer"}
DEPTHS = {"1 layer": (1, {}), "6 layers": (6, {}), "6 layers, residual": (6, RESIDUAL)}


@dataclass(frozen=True)
class Task:
    load: Callable  # seed -> Data
    model: BaseEstimator  # one layer
    candidates: list  # grids of --select
    cv: object
    measure: str
    bar: str
    reached: Callable  # scores of the seeds -> bool


def pixels(seed):
    """Digits of scikit-learn, 64 steps of one pixel, on the split of `splits.digits`."""
    data = splits.digits()
    return data._replace(
        X_train=data.X_train.reshape(-1, 64, 1), X_test=data.X_test.reshape(-1, 64, 1)
    )


TASKS = {
    "adding, 1000 steps": Task(
        lambda seed: splits.adding(1000, seed, n_train=3000, n_test=1000),
        RNNRegressor(
            cell=LSTM(bias_initializer="chrono"),
            hidden_layer_sizes=32,
            learning_rate_init=0.01,
            batch_size=20,
            max_iter=8,
        ),
        [{"learning_rate_init": [0.01, 0.003]}],
        ShuffleSplit(1, test_size=0.1, random_state=0),
        "MSE",
        "< 0.01, 4 of 5 seeds",
        lambda scores: sum(score < 0.01 for score in scores) >= 4,
    ),
    "pixels": Task(
        pixels,
        RNNClassifier(
            cell=GRU(bias_initializer="chrono"),
            hidden_layer_sizes=64,
            learning_rate_init=0.003,
            max_iter=40,
            input_noise=0.3,
        ),
        [
            {"input_noise": [0.0, 0.3]},
        ],
        StratifiedKFold(3, shuffle=True, random_state=0),
        "accuracy",
        ">= 0.97",
        lambda scores: statistics.mean(scores) >= 0.97,
    ),
}


def model_of(name, network, seed):
    """Estimator of a task, as deep as the network."""
    n_layers, words = DEPTHS[network]
    model = clone(TASKS[name].model)
    units = model.hidden_layer_sizes
    return model.set_params(
        hidden_layer_sizes=(units,) * n_layers, random_state=seed, **words, **PLANNED
    )


def score(model, X, y):
    if isinstance(model, RNNClassifier):
        return float(model.score(X, y))
    return float(np.mean((model.predict(X) - y) ** 2))


# ---- the table ----------------------------------------------------------------------------------


def run(name, network, seeds, quick):
    """Row of a task and a network."""
    scores, seconds = [], []
    for seed in range(seeds):
        data, model = TASKS[name].load(seed), model_of(name, network, seed)
        if quick:
            data = splits.Data(*(part[:20] for part in data[:4]))
            model.set_params(max_iter=2)
        start = time.process_time()
        model.fit(data.X_train, data.y_train)
        seconds.append(time.process_time() - start)
        scores.append(score(model, data.X_test, data.y_test))
        print(f"{name}, {network}, seed {seed}: {scores[-1]:.4g}, {seconds[-1]:.0f} s", flush=True)
    return {
        "task": name,
        "network": network,
        "measure": TASKS[name].measure,
        "mean": statistics.mean(scores),
        "seeds": scores,
        "reached": TASKS[name].reached(scores),
        "seconds": harness.summary(seconds),
        "settings": model_of(name, "1 layer", 0).__repr__(N_CHAR_MAX=10_000),
    }


COLUMNS = {
    "task": "task",
    "network": "network",
    "measure": "measure",
    "mean": "mean",
    "each seed": lambda row: " ".join(f"{value:.4g}" for value in row["seeds"]),
    "bar": lambda row: TASKS[row["task"]].bar,
    "": lambda row: "reached" if row["reached"] else "MISSED",
    "seconds per fit": lambda row: f"{row['seconds']['median']:.0f}",
}


def summarize(rows):
    """Lines under the table: the settings."""
    lines = [
        f"Six residual layers have `{RESIDUAL}`. Seconds are those of one processor. The settings "
        "were chosen on training data, with six residual layers; one layer has:",
        "",
    ]
    settings = {row["task"]: row["settings"] for row in rows}
    return lines + [f"* {name}: `{' '.join(text.split())}`" for name, text in settings.items()]


# ---- selection, on training data alone ----------------------------------------------------------


def select(name):
    """Print the mean score of each candidate over the validation parts of the training data."""
    task, data = TASKS[name], TASKS[name].load(SELECTION_SEED)
    search = GridSearchCV(
        model_of(name, "6 layers, residual", SELECTION_SEED),
        task.candidates,
        scoring=score,
        cv=task.cv,
        refit=False,
        verbose=3,
    )
    results = search.fit(data.X_train, data.y_train).cv_results_
    columns = {"candidate": "candidate", task.measure: "mean", "seconds per fit": "seconds"}
    rows = zip(results["params"], results["mean_test_score"], results["mean_fit_time"], strict=True)
    rows = [
        {"candidate": str(params), "mean": float(mean), "seconds": float(seconds)}
        for params, mean, seconds in rows
    ]
    print(name, harness.table(columns, rows), sep="\n\n", flush=True)


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--networks", nargs="+", choices=DEPTHS, default=list(DEPTHS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--select", action="store_true", help="compare CANDIDATES on training data instead"
    )
    parser.add_argument("--quick", action="store_true", help="hardly any data, nothing written")
    options = parser.parse_args()
    harness.max_iter_is_a_budget()
    for name in options.only:
        if options.select:
            select(name)
            continue
        for network in options.networks:
            row = run(name, network, 1 if options.quick else options.seeds, options.quick)
            if options.quick:
                print(harness.table(COLUMNS, [row]), flush=True)
            else:
                harness.write(
                    "depth",
                    "Six layers and one",
                    COLUMNS,
                    [row],
                    ("task", "network"),
                    summarize=summarize,
                )


if __name__ == "__main__":
    main()
