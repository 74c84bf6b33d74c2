"""Seconds of `fit`, end to end, on four data sets, against PyTorch and skorch.

    python benchmarks/fit.py [--quick] [--data digits] [--cells gru] [--threads 1 2]
    python benchmarks/fit.py --scores 10 [--data digits] [--cells gru]

The same network (plain layers, one direction, linear head), minibatches, epochs, Adam and clipping.
The score on the test split stands beside the seconds, so that one sees it is the same work. All get
the same arrays or lists, scaled already (`normalize_X=False`). PyTorch in a plain loop and skorch
pad ragged data, cut each minibatch to its longest sequence, gather the true last output, or mask
the loss; that is timed as ours is. Last comes what Python adds to a minibatch: a fit of a tiny
network against `train_minibatch` alone.

`--scores` asks whether we learn as well: the test scores of so many seeds, ours and those of the
PyTorch loop at the same settings, and the standard error of their difference.
"""

import functools
import itertools
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import harness
import numpy as np
import splits

CELLS = {"lstm": "LSTM", "gru": "GRU"}  # PyTorch's names
MAX_GRAD_NORM = 1.0
WORDS = 6000  # of the hyphenation task; all of them take skorch minutes
LABEL_OF_PADDING = -100  # PyTorch's own
BARS = {"torch": (4, 2), "skorch": (8, 4)}  # geometric mean and least of the ratios


# ---- data ----


def scaled(load):
    """Features with mean 0 and deviation 1, for all libraries."""
    data = load()
    steps = np.concatenate(list(data.X_train))
    mean, scale = steps.mean(axis=0), steps.std(axis=0)
    X_train, X_test = (
        [(x - mean) / np.where(scale > 0, scale, 1) for x in X] for X in (data.X_train, data.X_test)
    )
    if isinstance(data.X_train, np.ndarray):
        X_train, X_test = np.stack(X_train), np.stack(X_test)
    return splits.Data(X_train, data.y_train, X_test, data.y_test)


def some_words():
    """A part of the words, the same for all: WORDS to learn, a third as many to score."""
    X_train, y_train, X_test, y_test, _ = splits.hyphenation()
    test = WORDS // 3
    return splits.Data(X_train[:WORDS], y_train[:WORDS], X_test[:test], y_test[:test])


@dataclass(frozen=True)
class Task:
    load: Callable
    epochs: int
    units: tuple = (64,)  # of each layer
    batch_size: int = 32
    rate: float = 2e-3
    per_step: bool = False  # one target per step: many-to-many
    numbers: bool = False  # a regression
    note: str = ""

    def text(self):
        kind = "regression" if self.numbers else "classification"
        return (
            f"{'one target per step' if self.per_step else 'one target'}, {kind}, "
            f"units {' and '.join(map(str, self.units))}, minibatches of {self.batch_size}, "
            f"{self.epochs} epochs, rate {self.rate:g}{self.note}"
        )


TASKS = {
    "digits": Task(functools.partial(scaled, splits.digits), 20),
    "japanese_vowels": Task(functools.partial(scaled, splits.japanese_vowels), 50),
    "hyphenation": Task(
        some_words,
        2,
        units=(96, 96),
        batch_size=64,
        rate=4e-3,
        per_step=True,
        note=f", a part of {WORDS} words",
    ),
    "vic_elec": Task(
        functools.partial(scaled, splits.vic_elec),
        5,
        units=(48, 48),
        batch_size=16,
        rate=3e-3,
        per_step=True,
        numbers=True,
    ),
}


# ---- one fit of each library ----
# (task, data, cell, seed, threads) -> (seconds, function: X -> targets by rows)
# A row is a sequence, or a step of one if the task is per step.


def fit_sklearn_rnn(task, data, cell, seed, threads):
    from sklearn_rnn import RNNClassifier, RNNRegressor

    model = (RNNRegressor if task.numbers else RNNClassifier)(
        task.units,
        cell=cell,
        mode="many_to_many" if task.per_step else "many_to_one",
        batch_size=task.batch_size,
        max_iter=task.epochs,
        solver="adam",
        learning_rate="constant",
        learning_rate_init=task.rate,
        alpha=0.0,
        max_grad_norm=MAX_GRAD_NORM,
        tol=0.0,
        n_iter_no_change=task.epochs,
        normalize_X=False,
        random_state=seed,
        n_threads=threads,
    )
    start = time.perf_counter()
    model.fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - start
    if model.n_iter_ != task.epochs:
        raise RuntimeError(f"{model.n_iter_} epochs instead of {task.epochs}")
    return seconds, lambda X: rows_of(model.predict(X), task)


def torch_module(task, cell, n_features, n_outputs):
    """Recurrent layers, linear head on the last true output or on all; `lengths` None: all true."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = getattr(torch.nn, CELLS[cell])(
                n_features, task.units[0], len(task.units), batch_first=True
            )
            self.head = torch.nn.Linear(task.units[0], n_outputs)

        def forward(self, x, lengths=None):
            if lengths is not None:
                x = x[:, : lengths.max()]
            output = self.rnn(x)[0]
            if not task.per_step and lengths is None:
                output = output[:, -1]
            elif not task.per_step:
                output = output[torch.arange(len(x)), lengths - 1]
            return self.head(output)

    return Network()


def torch_loss(task):
    """Mean over what is no padding, of a minibatch cut to its longest sequence."""
    import torch
    from torch.nn.functional import cross_entropy, mse_loss

    class Loss(torch.nn.Module):
        def forward(self, output, y):
            if task.per_step:
                y = y[:, : output.shape[1]]
            if not task.numbers:
                return cross_entropy(
                    output.flatten(0, -2), y.flatten(), ignore_index=LABEL_OF_PADDING
                )
            known = ~y.isnan()
            return mse_loss(output[..., 0][known], y[known])

    return Loss()


def padded(items, fill, dtype):
    """Array (n, longest, ...) and lengths, or None where all are equal."""
    lengths = np.array([len(item) for item in items])
    x = np.full((len(items), lengths.max(), *items[0].shape[1:]), fill, dtype)
    for row, item in enumerate(items):
        x[row, : len(item)] = item
    return x, None if (lengths == lengths[0]).all() else lengths


def network_inputs(X):
    """Keyword arguments of the network's `forward`, as arrays."""
    x, lengths = padded(X, 0, np.float32)
    return {"x": x} if lengths is None else {"x": x, "lengths": lengths}


class Targets:
    """Targets as PyTorch learns them: padded labels, or normalised numbers, NaN for padding."""

    def __init__(self, task, y):
        values = np.concatenate(y) if task.per_step else np.asarray(y)
        if task.numbers:
            self.n_outputs = 1
            self.mean, self.scale = values.mean(), values.std()
            values, fill, dtype = (values - self.mean) / self.scale, np.nan, np.float32
        else:
            self.classes, values = np.unique(values, return_inverse=True)
            self.n_outputs, fill, dtype = len(self.classes), LABEL_OF_PADDING, np.int64
        if task.per_step:
            cuts = np.cumsum([len(item) for item in y])[:-1]
            values, _ = padded(np.split(values, cuts), fill, dtype)
        self.values = np.ascontiguousarray(values, dtype=dtype)
        self.task = task

    def decode(self, output, X):
        """Targets by rows of the outputs (n, longest, n_outputs) or (n, n_outputs)."""
        if self.task.per_step:
            output = np.concatenate(
                [rows[: len(item)] for rows, item in zip(output, X, strict=True)]
            )
        if self.task.numbers:
            return output[..., 0] * self.scale + self.mean
        return self.classes[output.argmax(-1)]


def torch_predictor(network, targets):
    import torch

    def predict(X):
        inputs = {name: torch.from_numpy(value) for name, value in network_inputs(X).items()}
        with torch.no_grad():
            return targets.decode(network(**inputs).numpy(), X)

    return predict


def prepare_torch(seed, threads):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    return torch


def fit_torch(task, data, cell, seed, threads):
    torch = prepare_torch(seed, threads)
    start = time.perf_counter()
    targets = Targets(task, data.y_train)
    inputs = {name: torch.from_numpy(value) for name, value in network_inputs(data.X_train).items()}
    y = torch.from_numpy(targets.values)
    network = torch_module(task, cell, inputs["x"].shape[2], targets.n_outputs)
    loss, optimizer = torch_loss(task), torch.optim.Adam(network.parameters(), lr=task.rate)
    for _ in range(task.epochs):
        for rows in torch.randperm(len(y)).split(task.batch_size):
            optimizer.zero_grad(set_to_none=True)
            output = network(**{name: value[rows] for name, value in inputs.items()})
            loss(output, y[rows]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), MAX_GRAD_NORM)
            optimizer.step()
    return time.perf_counter() - start, torch_predictor(network, targets)


def fit_skorch(task, data, cell, seed, threads):
    torch = prepare_torch(seed, threads)
    from skorch import NeuralNet
    from skorch.callbacks import GradientNormClipping

    start = time.perf_counter()
    targets, inputs = Targets(task, data.y_train), network_inputs(data.X_train)
    model = NeuralNet(
        torch_module(task, cell, inputs["x"].shape[2], targets.n_outputs),
        criterion=torch_loss(task),
        optimizer=torch.optim.Adam,
        lr=task.rate,
        batch_size=task.batch_size,
        max_epochs=task.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        callbacks=[GradientNormClipping(MAX_GRAD_NORM)],
    )
    model.fit(inputs, targets.values)
    return time.perf_counter() - start, torch_predictor(model.module_.eval(), targets)


LIBRARIES = {"sklearn_rnn": fit_sklearn_rnn, "torch": fit_torch, "skorch": fit_skorch}


# ---- the comparison ----


def rows_of(y, task):
    return np.concatenate(list(y)) if task.per_step else np.asarray(y)


def score(task, predicted, wanted):
    """Accuracy, or R2 of a regression, over all rows."""
    if not task.numbers:
        return float(np.mean(predicted == wanted))
    return float(1 - np.sum((wanted - predicted) ** 2) / np.sum((wanted - wanted.mean()) ** 2))


def fits(job):
    """Seconds and test score for each data set and cell, each after a short fit to wake up."""
    library, results = LIBRARIES[job["library"]], {}
    for name in job["data"]:
        task = TASKS[name]
        data, first = task.load(), slice(4 * task.batch_size)
        few = data._replace(X_train=data.X_train[first], y_train=data.y_train[first])
        if job["quick"]:
            task = replace(task, epochs=max(1, task.epochs // 5))
        for cell in job["cells"]:
            library(replace(task, epochs=1), few, cell, job["run"], job["threads"])
            seconds, predict = library(task, data, cell, job["run"], job["threads"])
            right = score(task, predict(data.X_test), rows_of(data.y_test, task))
            results[f"{name} {cell}"] = {"seconds": seconds, "score": right}
    return results


def rows_for(threads, options):
    """A row for each data set and cell."""
    job = {
        "data": options.data,
        "cells": options.cells,
        "threads": threads,
        "quick": options.quick,
    }
    results = harness.in_turn(
        __file__, {name: {**job, "library": name} for name in LIBRARIES}, options.runs, threads
    )
    rows = []
    for data, cell in itertools.product(options.data, options.cells):
        row = {"data": data, "cell": cell, "threads": threads, "settings": TASKS[data].text()}
        for name, runs in results.items():
            measured = [run[f"{data} {cell}"] for run in runs]
            row[f"{name}_seconds"] = harness.summary([each["seconds"] for each in measured])
            row[f"{name}_score"] = statistics.mean(each["score"] for each in measured)
        for name in BARS:
            row[f"{name}_ratio"] = (
                row[f"{name}_seconds"]["median"] / row["sklearn_rnn_seconds"]["median"]
            )
        rows.append(row)
    return rows


# ---- scores at equal settings ----


def score_rows(data, options):
    """A row for each cell: test scores of ours and of the PyTorch loop, a seed in each run."""
    job = {"data": [data], "cells": options.cells, "threads": 1, "quick": options.quick}
    jobs = {name: {**job, "library": name} for name in ("sklearn_rnn", "torch")}
    results = harness.in_turn(__file__, jobs, options.scores, 1)
    rows = []
    for cell in options.cells:
        ours, theirs = (
            [run[f"{data} {cell}"]["score"] for run in runs] for runs in results.values()
        )
        rows.append(
            {
                "data": data,
                "cell": cell,
                "settings": TASKS[data].text(),
                "sklearn_rnn": ours,
                "torch": theirs,
                "difference": statistics.mean(ours) - statistics.mean(theirs),
                "error": math.hypot(error_of_mean(ours), error_of_mean(theirs)),
            }
        )
    return rows


def error_of_mean(values):
    return statistics.stdev(values) / math.sqrt(len(values))


def verdict(row):
    if abs(row["difference"]) <= 2 * row["error"]:
        return "alike"
    return "better" if row["difference"] > 0 else "WORSE"


SCORE_COLUMNS = {
    "data": "data",
    "cell": "cell",
    "seeds": lambda row: len(row["torch"]),
    **{
        title: lambda row, name=name: (
            f"{statistics.mean(row[name]):.4f} ± {error_of_mean(row[name]):.4f}"
        )
        for title, name in {"sklearn_rnn": "sklearn_rnn", "PyTorch loop": "torch"}.items()
    },
    "ours less PyTorch's": lambda row: f"{row['difference']:+.4f} ± {row['error']:.4f}",
    "beyond two standard errors": verdict,
}


def compare_scores(options):
    for data in options.data:  # one at a time: what was measured is kept
        rows = score_rows(data, options)
        if options.quick:
            print(harness.table(SCORE_COLUMNS, rows))
            continue
        harness.write(
            "fit_scores",
            "Test scores at equal settings: mean and standard error of accuracy (vic_elec: R2)",
            SCORE_COLUMNS,
            rows,
            ("data", "cell"),
            ("torch",),
            settings_lines,
            "fit.py --scores 10",
        )


# ---- what Python adds to a minibatch ----

TINY_BATCH, BAR_US = 16, 15  # of a network with one feature, one unit, one step
SHORT, SHORT_BAR_US = (1, 8, 64), 100  # steps, features, units of a prediction
PLANS = {"minibatch": (40_000, 1), "epoch": (TINY_BATCH, 2000)}  # n_samples, epochs


def time_prediction(job):
    """Microseconds of `predict` of one short sequence, LSTM, all checks included."""
    from sklearn_rnn import RNNClassifier

    X = np.random.default_rng(0).standard_normal((64, *SHORT[:2]), dtype=np.float32)
    model = RNNClassifier(SHORT[2], max_iter=1, tol=0.0, n_threads=1).fit(X, X[:, 0, 0] > 0)
    return 1e6 * harness.seconds_of(functools.partial(model.predict, X[:1]), job["seconds"])


def time_tiny(job):
    """Microseconds per minibatch of `fit`, and of `train_minibatch` alone, for each plan.

    In the first plan all are of one epoch, in the second each is an epoch of its own. The
    microseconds of a prediction come besides.
    """
    from sklearn_rnn import RNNRegressor
    from sklearn_rnn._training import epochs as _training

    results, run_pass = {"prediction": time_prediction(job)}, _training.run_pass
    for plan, (n_samples, epochs) in PLANS.items():
        seen = {}

        def look(minibatches, batches, rates, progress, *others, seen=seen):
            engine, dataset = minibatches.engine, minibatches.dataset
            seen.update(engine=engine, dataset=dataset, batches=batches, progress=progress)
            return run_pass(minibatches, batches, rates, progress, *others)

        def alone(seen=seen, epochs=epochs):
            engine, data, progress = seen["engine"], seen["dataset"], seen["progress"]
            params, moments = progress.params, progress.moments
            for _ in range(epochs):
                for batch in seen["batches"]:
                    engine.train_minibatch(data, batch, params, moments, 1e-3, 1)

        rng = np.random.default_rng(0)
        X = rng.standard_normal((n_samples, 1, 1), dtype=np.float32)
        model = RNNRegressor(
            1,
            batch_size=TINY_BATCH,
            max_iter=epochs,
            tol=0.0,
            n_iter_no_change=epochs,
            n_threads=1,
            random_state=0,
        )
        fit = functools.partial(model.fit, X, X[:, 0, 0])
        _training.run_pass = look  # the engine and the minibatches of a true fit
        fit()
        _training.run_pass = run_pass
        unit = 1e6 / (epochs * len(seen["batches"]))
        results[plan] = [
            unit * harness.seconds_of(function, job["seconds"]) for function in (fit, alone)
        ]
    return results


def measure_overhead(options):
    """Microseconds of `fit` beyond those of `train_minibatch`, for each plan."""
    job = {"tiny": True, "seconds": 0.1 if options.quick else 0.5}
    runs = harness.in_turn(__file__, {"ours": job}, options.runs, 1)["ours"]
    overhead = {"prediction_us": harness.summary([run["prediction"] for run in runs])}
    for plan in PLANS:
        fit, alone = zip(*[run[plan] for run in runs], strict=True)
        overhead[plan] = {
            "fit_us": harness.summary(fit),
            "alone_us": harness.summary(alone),
            "extra_us": harness.summary([f - a for f, a in zip(fit, alone, strict=True)]),
        }
    return overhead


def overhead_lines(overhead):
    each, epoch = overhead["minibatch"], overhead["epoch"]["extra_us"]
    extra = each["extra_us"]
    yield (
        f"* Python per minibatch: {extra['median']:.1f} us ({extra['min']:.1f} to "
        f"{extra['max']:.1f}; bar {BAR_US}: {reached(extra['median'] <= BAR_US)}), being "
        f"{each['fit_us']['median']:.1f} us of `fit` less {each['alone_us']['median']:.1f} us of "
        f"`train_minibatch`; one unit, one step, minibatches of {TINY_BATCH}, 2500 in an epoch"
    )
    yield (
        f"* Python per epoch: {epoch['median']:.0f} us ({epoch['min']:.0f} to {epoch['max']:.0f}), "
        "the same of epochs of a single minibatch"
    )
    one = overhead["prediction_us"]
    yield (
        "* `predict` of one sequence of {} step, {} features, LSTM of {} units: ".format(*SHORT)
        + f"{one['median']:.0f} us ({one['min']:.0f} to {one['max']:.0f}; bar {SHORT_BAR_US}: "
        f"{reached(one['median'] <= SHORT_BAR_US)})"
    )


# ---- the table ----


def reached(condition):
    return "reached" if condition else "MISSED"


def summarize(rows, overhead):
    """Lines under the table: means of the ratios, what Python adds, the settings."""
    lines = []
    for name, title in {"torch": "PyTorch loop", "skorch": "skorch"}.items():
        ratios, (mean_bar, least_bar) = [row[f"{name}_ratio"] for row in rows], BARS[name]
        mean = math.prod(ratios) ** (1 / len(ratios))
        lines.append(
            f"* {title}: {mean:.1f} times as long as ours (geometric mean of {len(ratios)} rows; "
            f"bar {mean_bar}: {reached(mean >= mean_bar)}), at least {min(ratios):.1f} "
            f"(bar {least_bar}: {reached(min(ratios) >= least_bar)})"
        )
    return [*lines, *overhead_lines(overhead), "", *settings_lines(rows)]


def settings_lines(rows):
    settings = {row["data"]: row["settings"] for row in rows}
    lines = [f"* {data}: {text}" for data, text in settings.items()]
    return [*lines, "", f"All with Adam and gradients clipped to norm {MAX_GRAD_NORM:g}."]


def seconds_and_score(name):
    def text(row):
        seconds = row[f"{name}_seconds"]
        spread = f"({seconds['min']:.2f} to {seconds['max']:.2f})"
        return f"{seconds['median']:.2f} s {spread}, {row[f'{name}_score']:.3f}"

    return text


COLUMNS = {
    "data": "data",
    "cell": "cell",
    "threads": "threads",
    "sklearn_rnn": seconds_and_score("sklearn_rnn"),
    "PyTorch loop": seconds_and_score("torch"),
    "skorch": seconds_and_score("skorch"),
    "PyTorch / ours": lambda row: f"{row['torch_ratio']:.1f}",
    "skorch / ours": lambda row: f"{row['skorch_ratio']:.1f}",
}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--data", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--scores", type=int, help="compare the test scores of so many seeds instead of seconds"
    )
    parser.add_argument(
        "--quick", action="store_true", help="1 run of a fifth of the epochs, nothing written"
    )
    options = parser.parse_args()
    harness.max_iter_is_a_budget()
    if options.quick:
        options.runs = 1
    if options.scores:
        compare_scores(options)
        return
    overhead = measure_overhead(options)
    rows = [row for threads in options.threads for row in rows_for(threads, options)]
    under = functools.partial(summarize, overhead=overhead)
    if options.quick:
        print("\n".join([harness.table(COLUMNS, rows), "", *under(rows)]))
    else:
        harness.write(
            "fit",
            "`fit` end to end: median seconds (spread) and test accuracy (vic_elec: R2)",
            COLUMNS,
            [{**row, "python": overhead} for row in rows],
            ("data", "cell", "threads"),
            ("torch", "skorch"),
            under,
        )


harness.worker(lambda job: time_tiny(job) if job.get("tiny") else fits(job))
if __name__ == "__main__":
    main()
