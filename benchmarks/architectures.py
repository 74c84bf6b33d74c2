"""What each architecture and option costs, and what it gives on four tasks.

    python benchmarks/architectures.py [--only lstm "lstm peepholes"] [--parts digits adding]
                                       [--jobs 2] [--again] [--quick]

Times: processor time of epochs of `fit` on one thread, of three minibatches of 32 sequences of 100
steps, with as many features as units. The network and the plain LSTM with as many layers and
directions take turns, epoch by epoch, so that both meet the same noise; a figure is the median of
the ratios. Scores: on
the test splits, with the settings of TASKS, which are the same for all and were not tuned. What
has been measured is kept, and left out when the script is run again, unless `--again` is given.
"""

import statistics
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial

import harness
import numpy as np
import splits

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import GRU, LSTM, Cell, Elman
from sklearn_rnn.layers import Attention, Conv1D, Dense

SEEDS = 3

# ---- architectures ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Architecture:
    """An option: the parameters of the estimator for a width, and what it is compared to."""

    settings: Callable  # units -> dict
    plain: str  # the architecture without the option
    once: bool = False  # whether it is only for one target per sequence


def of_cell(cell, plain, **options):
    return Architecture(lambda units: {"hidden_layer_sizes": units, "cell": cell}, plain, **options)


def of_lstm(plain="lstm", n_layers=1, once=False, **words):
    """An LSTM with other words; those that are functions get the number of units."""

    def settings(units):
        sizes = (units,) * n_layers
        given = {name: w(units) if callable(w) else w for name, w in words.items()}
        return {"hidden_layer_sizes": sizes, "cell": "lstm", **given}

    return Architecture(settings, plain, once)


deep = partial(of_lstm, "lstm, 3 layers", n_layers=3)
two_way = partial(of_lstm, "lstm, bidirectional", bidirectional=True)
IDENTITY = Elman(activation="relu", recurrent_initializer="identity")
GROUPS = {
    "Cells": {
        name: of_cell(name, "lstm")
        for name in ("lstm", "gru", "elman", "mgu", "mingru", "minlstm", "indrnn", "jordan")
    },
    "Inside the cells": {
        "gru, reset_after=False": of_cell(GRU(reset_after=False), "gru"),
        "lstm, peepholes": of_cell(LSTM(peepholes=True), "lstm"),
        "lstm, coupled_gates": of_cell(LSTM(coupled_gates=True), "lstm"),
        "lstm, projection_size=units / 2": of_lstm(cell=lambda n: LSTM(projection_size=n // 2)),
        "elman, transition_layer_sizes=units": of_lstm(
            "elman", cell=lambda n: Elman(transition_layer_sizes=n)
        ),
        "elman, relu and identity": of_cell(IDENTITY, "elman"),
    },
    "Memory for long times": {
        f"{kind}, chrono": of_cell(Cell(kind, bias_initializer="chrono"), kind)
        for kind in ("lstm", "gru", "mingru", "minlstm")
    },
    "Normalization inside the cells": {
        f"{kind}, {how}": of_cell(Cell(kind, normalization=how), kind)
        for kind in ("lstm", "gru", "elman")
        for how in ("layer", "rms")
    },
    "States": {
        "lstm, recurrent_dropout=0.2": of_cell(LSTM(recurrent_dropout=0.2), "lstm"),
        "lstm, zoneout=0.1": of_cell(LSTM(zoneout=0.1), "lstm"),
        "lstm, initial_state learned": of_cell(LSTM(initial_state="learned"), "lstm"),
    },
    "Before and behind the recurrent layer": {
        "lstm, Dense(32) before": of_lstm(input_layers=[Dense(32)]),
        "lstm, Conv1D(32, 5) before": of_lstm(input_layers=[Conv1D(32, 5)]),
        "lstm, Conv1D(32, 5, stride=4) before": of_lstm(
            input_layers=[Conv1D(32, 5, stride=4)], once=True
        ),
        "lstm, output_layer_sizes=units": of_lstm(output_layer_sizes=lambda n: n),
        "lstm, pooling mean": of_lstm(pooling="mean", once=True),
        "lstm, pooling max": of_lstm(pooling="max", once=True),
        "lstm, pooling Attention(32)": of_lstm(pooling=Attention(32), once=True),
    },
    "Two directions": {
        "lstm, bidirectional": two_way(),
        **{f"lstm, merge_mode {how}": two_way(merge_mode=how) for how in ("sum", "ave", "mul")},
    },
    "Depth": {
        "lstm, 3 layers": deep(),
        "lstm, 3 layers, residual": deep(connections="residual"),
        "lstm, 3 layers, skip": deep(connections="skip"),
        "lstm, 3 layers, layer_normalization": deep(layer_normalization="layer"),
        "lstm, 3 layers, residual, layer_normalization": deep(
            connections="residual", layer_normalization="layer"
        ),
        "lstm, 3 layers, skip, layer_normalization": deep(
            connections="skip", layer_normalization="layer"
        ),
    },
    "Regularization": {
        "lstm, input_dropout=0.1": of_lstm(input_dropout=0.1),
        "lstm, input_noise=0.1": of_lstm(input_noise=0.1),
        "lstm, alpha=1e-4": of_lstm(alpha=1e-4),
        "lstm, alpha=1e-4, l1_ratio=0.5": of_lstm(alpha=1e-4, l1_ratio=0.5),
    },
}
ARCHITECTURES = {name: each for group in GROUPS.values() for name, each in group.items()}

# ---- time ---------------------------------------------------------------------------------------

N_TIMESTEPS, BATCH, N_BATCHES, N_CLASSES = 100, 32, 3, 10
WIDTHS = (64, 128)
ROUNDS, WARM_UP = 11, 2


class Turns:
    """Two fits, each in a thread, that take turns epoch by epoch; a failure ends both."""

    def __init__(self):
        self.turn = [threading.Semaphore(1), threading.Semaphore(0)]
        self.seconds = ([], [])
        self.error = None

    def fit(self, number, model, X, y):
        """Fit one of the two models; its epochs wait for their turns."""
        mine, others = self.turn[number], self.turn[1 - number]

        def callback(model, info):
            nonlocal begin
            self.seconds[number].append(time.thread_time() - begin)
            others.release()
            mine.acquire()
            begin = time.thread_time()
            return self.error is not None

        mine.acquire()
        begin = time.thread_time()
        try:
            if self.error is None:
                model.fit(X, y, callbacks=callback)
        except Exception as error:  # of a thread: `fit_in_turn` raises it
            self.error = error
        others.release()


def fit_in_turn(turns, models, X, y):
    """Fit two models epoch by epoch; raise what one of them raises."""
    threads = [
        threading.Thread(target=turns.fit, args=(number, model, X, y))
        for number, model in enumerate(models)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if turns.error is not None:
        raise turns.error


def measure_time(name, units, rounds):
    """Seconds of an epoch of an architecture and of the plain LSTM, in turn."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_BATCHES * BATCH, N_TIMESTEPS, units), dtype=np.float32)
    y = np.arange(len(X)) % N_CLASSES
    settings = ARCHITECTURES[name].settings(units)
    base = {
        key: settings[key] for key in ("hidden_layer_sizes", "bidirectional") if key in settings
    }
    common = {
        "n_threads": 1,
        "batch_size": BATCH,
        "max_iter": WARM_UP + rounds,
        "tol": 0.0,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    models = RNNClassifier(**settings, **common), RNNClassifier(**base, cell="lstm", **common)
    turns = Turns()
    fit_in_turn(turns, models, X, y)
    times, of_lstm = (np.array(seconds[WARM_UP:]) for seconds in turns.seconds)
    low, ratio, high = np.quantile(times / of_lstm, [0.25, 0.5, 0.75]).tolist()
    return {
        "ratio": ratio,
        "low": low,
        "high": high,
        "ms": 1e3 * float(np.median(times)) / N_BATCHES,
        "ms_lstm": 1e3 * float(np.median(of_lstm)) / N_BATCHES,
    }


# ---- scores -------------------------------------------------------------------------------------

PLANNED = {"learning_rate": "cosine", "tol": 0.0, "n_iter_no_change": np.inf, "n_threads": 1}


@dataclass(frozen=True)
class Task:
    load: Callable  # seed -> Data
    estimator: type
    units: int
    settings: dict  # besides PLANNED
    measure: str
    about: str

    @property
    def per_step(self):
        return self.settings.get("mode") == "many_to_many"


def first_days(seed, n=300):
    data = splits.vic_elec()
    return data._replace(X_train=data.X_train[:n], y_train=data.y_train[:n])


SHORT = {"learning_rate_init": 0.005, "max_iter": 60}
TASKS = {
    "digits": Task(
        lambda seed: splits.digits(),
        RNNClassifier,
        64,
        SHORT,
        "accuracy",
        "images row by row: 1347 sequences of 8 steps",
    ),
    "JapaneseVowels": Task(
        lambda seed: splits.japanese_vowels(),
        RNNClassifier,
        64,
        SHORT,
        "accuracy",
        "270 utterances of 7 to 29 steps",
    ),
    "vic_elec": Task(
        first_days,
        RNNRegressor,
        64,
        {**SHORT, "mode": "many_to_many"},
        "R2",
        "the first 300 days of 48 steps, a target per step",
    ),
    "adding": Task(
        lambda seed: splits.adding(400, seed, n_train=3000, n_test=1000),
        RNNRegressor,
        32,
        {"learning_rate_init": 0.01, "batch_size": 20, "max_iter": 12},
        "MSE",
        "3000 sequences of 400 steps; the mean alone gives 0.167",
    ),
}


def score(task, model, data):
    if task.measure != "MSE":
        return float(model.score(data.X_test, data.y_test))
    return float(np.mean((model.predict(data.X_test) - data.y_test) ** 2))


def measure_scores(name, task, seeds, quick):
    values, seconds = [], []
    for seed in range(seeds):
        data = task.load(seed)
        model = task.estimator(
            **{**ARCHITECTURES[name].settings(task.units), **PLANNED, **task.settings},
            random_state=seed,
        )
        if quick:
            data = splits.Data(*(part[:20] for part in data[:4]))
            model.set_params(max_iter=2)
        start = time.process_time()
        try:
            model.fit(data.X_train, data.y_train)
        except ValueError as error:
            if "diverged" not in str(error):
                raise
            values.append(None)
            continue
        seconds.append(time.process_time() - start)
        values.append(score(task, model, data))
    if not seconds:
        return {"seeds": values}
    n_params = sum(weights.size for weights in model.weights_.values())
    return {"seeds": values, "seconds": statistics.median(seconds), "n_params": n_params}


# ---- jobs ---------------------------------------------------------------------------------------

PARTS = [*(f"time, {units} units" for units in WIDTHS), *TASKS]


def measure(name, part, quick):
    """Row of one architecture and part; in a process of the pool."""
    warnings.simplefilter("ignore")
    if part in TASKS:
        row = measure_scores(name, TASKS[part], 1 if quick else SEEDS, quick)
    else:
        row = measure_time(name, WIDTHS[PARTS.index(part)], 2 if quick else ROUNDS)
    return {"architecture": name, "part": part, **row}


def applies(name, part):
    """Tell whether an architecture can have the task."""
    return not (ARCHITECTURES[name].once and part in TASKS and TASKS[part].per_step)


def is_known(name, part, rows):
    return any((row["architecture"], row["part"]) == (name, part) for row in rows)


# ---- page ---------------------------------------------------------------------------------------

INTRODUCTION = f"""
**Time** is the processor time of a training step (forward, back-propagation, clipping, update),
divided by that of the plain LSTM with as many layers and directions: the median over {ROUNDS} pairs
of epochs of {N_BATCHES} minibatches, in turn, on one thread, and in brackets its quartiles; {BATCH}
sequences of {N_TIMESTEPS} steps, as many features as units, float32. Below 1 the architecture is
faster.
**Parameters** are those of the network for digits (8 features, 64 units, 10 classes).

**Scores** are those on the test split: the mean over {SEEDS} seeds and, in brackets, the least and
the greatest. Rate and number of epochs are the same for all architectures and were not tuned, nor
was anything chosen on the test split. A score is **bold** if each of its seeds is better than every
seed of the architecture without the option, and *slanted* if each is worse; by chance alone, one
score in 20 would be bold and one in 20 slanted. Cells are compared to the LSTM; "-" stands for a
task that the architecture cannot have.
"""


def last_of(rows, name, part):
    return next((r for r in rows if (r["architecture"], r["part"]) == (name, part)), None)


def time_text(row):
    return f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})" if row else ""


def score_text(row, plain, sign):
    """Mean and range; marked if all seeds are better, or worse, than all of the plain one's."""
    if row is None:
        return ""
    if None in row["seeds"]:
        return f"diverged with {row['seeds'].count(None)} of {len(row['seeds'])} seeds"
    digits = ".3g" if sign < 0 else ".4f"
    least, mean, most = (format(f(row["seeds"]), digits) for f in (min, statistics.mean, max))
    mark = ""
    if plain is not None and plain is not row and None not in plain["seeds"]:
        ours, theirs = ([sign * value for value in r["seeds"]] for r in (row, plain))
        mark = "**" if min(ours) > max(theirs) else "*" if max(ours) < min(theirs) else ""
    return f"{mark}{mean}{mark} ({least} to {most})"


def columns_for(rows):
    columns = {"architecture": "name"}
    for part in PARTS:
        if part not in TASKS:
            columns[part] = lambda r, part=part: time_text(last_of(rows, r["name"], part))
    columns["parameters"] = lambda r: (last_of(rows, r["name"], "digits") or {}).get("n_params", "")
    for part, task in TASKS.items():
        sign = -1 if task.measure == "MSE" else 1

        def text(r, part=part, sign=sign):
            if not applies(r["name"], part):
                return "-"
            plain = last_of(rows, ARCHITECTURES[r["name"]].plain, part)
            return score_text(last_of(rows, r["name"], part), plain, sign)

        columns[f"{part}, {task.measure}"] = text
    return columns


def summarize(rows):
    lines = [*INTRODUCTION.strip().splitlines(), ""]
    for name, task in TASKS.items():
        settings = ", ".join(f"{key}={value}" for key, value in task.settings.items())
        lines += [
            "" if name == "digits" else None,
            f"* {name}: {task.about}; {task.units} units; {settings}",
        ]
    lines = [line for line in lines if line is not None]
    lines += [
        "",
        'All with `learning_rate="cosine"` to the last epoch, other parameters at their defaults.',
    ]
    for title, group in GROUPS.items():
        of_group = [
            {"name": name} for name in group if any(r["architecture"] == name for r in rows)
        ]
        if of_group:
            lines += ["", f"## {title}", "", harness.table(columns_for(rows), of_group)]
    missing = [
        f"{name} ({part})"
        for name in ARCHITECTURES
        for part in PARTS
        if applies(name, part) and not is_known(name, part, rows)
    ]
    if missing:
        lines += ["", f"Not measured: {', '.join(missing)}."]
    return lines


def write(rows):
    harness.write(
        "architectures",
        "Architectures: time, parameters and scores",
        None,
        rows,
        ("architecture", "part"),
        splits.PACKAGES,
        summarize,
        quiet=True,
        across_versions=True,
    )


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--jobs", type=int, default=1, help="number of processes")
    parser.add_argument("--again", action="store_true", help="also what has been measured")
    parser.add_argument("--quick", action="store_true", help="hardly any data, nothing written")
    options = parser.parse_args()
    known = []
    if not (options.again or options.quick) and (harness.RESULTS / "architectures.json").exists():
        known = harness.read("architectures")["rows"]
    jobs = [
        (name, part)
        for part in options.parts
        for name in options.only
        if applies(name, part) and not is_known(name, part, known)
    ]
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {pool.submit(measure, *job, options.quick): job for job in jobs}
        for done in as_completed(running):
            try:
                row = done.result()
            except ValueError as error:  # of a version without this option
                print(*running[done], "failed:", error, flush=True)
                continue
            print(row, flush=True)
            if not options.quick:
                write([row])


if __name__ == "__main__":
    main()
