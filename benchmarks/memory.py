"""Peak memory of one `fit` over what the data take, against a plain PyTorch loop.

    python benchmarks/memory.py [--quick] [--cases many lists] [--threads 1 2]

What counts is the peak of the resident size during `fit` less the resident size before, when the
library is imported and warmed up by a tiny fit and X is in memory. Each fit has a process of its
own. PyTorch takes dense float32 X without a copy, turns float64 into float32, and pads lists.

Copies of X: our peak less that of a fit on the first two minibatches (which is the workspace), in
sizes of X. Long: one sequence, with and without `memory_budget`; how much longer it takes then.
"""

import inspect
import time
from dataclasses import dataclass

import harness
import numpy as np

MB = 1e6
LIBRARIES = ("sklearn_rnn", "torch")
LEAST_OF_PYTORCH = 0.45  # bar: ours by PyTorch's, dense float32
LEAST_X = 5e6  # bytes; copies of less are lost in what the heap does
SLOWER = 1.45  # bar: seconds with a budget by seconds without


@dataclass(frozen=True)
class Case:
    n_samples: int
    n_timesteps: int
    n_features: int
    hidden: int
    batch_size: int
    form: str = (
        "dense"  # float32; or "float64", "strided" (float32, not contiguous), "list" (ragged)
    )
    budget: int | None = None  # `memory_budget`: bytes for activations
    most: float | None = None  # bar in bytes
    epochs: int = 1
    libraries: tuple = LIBRARIES
    rivals: bool = False  # held against PyTorch by LEAST_OF_PYTORCH


LONG = (1, 100_000, 8, 64, 1)
VERY_LONG = (1, 1_000_000, 8, 64, 1)
OURS = LIBRARIES[:1]
CASES = {
    "pixels": Case(256, 784, 1, 128, 64, rivals=True),
    "many": Case(20_000, 200, 8, 64, 128, rivals=True),
    "lists": Case(5_000, 200, 8, 64, 128, form="list"),
    "float64": Case(5_000, 200, 8, 64, 128, form="float64"),
    "strided": Case(5_000, 200, 8, 64, 128, form="strided", libraries=OURS),
    "long": Case(*LONG, epochs=3),
    "long, budget": Case(*LONG, epochs=3, budget=30_000_000, most=40e6, libraries=OURS),
    "very long, budget": Case(*VERY_LONG, budget=120_000_000, most=150e6, libraries=OURS),
}
QUICK = {"many", "lists", "float64", "strided"}  # of which `--quick` takes a tenth


# ---- data ----


def data(case):
    """X in the form of the case, targets (n_samples,)."""
    rng = np.random.default_rng(0)
    dtype = np.float64 if case.form == "float64" else np.float32
    X = rng.standard_normal((case.n_samples, case.n_timesteps, case.n_features), dtype=dtype)
    if case.form == "list":
        lengths = rng.integers(case.n_timesteps // 4, case.n_timesteps + 1, case.n_samples)
        lengths[:64] = case.n_timesteps  # so that a few minibatches need the whole workspace
        X = [x[:length].copy() for x, length in zip(X, lengths, strict=True)]
    elif case.form == "strided":
        X = np.ascontiguousarray(X.swapaxes(0, 1)).swapaxes(0, 1)
    return X, rng.standard_normal(case.n_samples).astype(np.float32)


def bytes_of(X):
    return sum(x.nbytes for x in X)


# ---- one fit of each library: (X, y, case, epochs, threads) ----


def fit_sklearn_rnn(X, y, case, epochs, threads):
    from sklearn_rnn import RNNRegressor

    budget = {} if case.budget is None else {"memory_budget": case.budget}
    model = RNNRegressor(
        case.hidden,
        batch_size=case.batch_size,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs,
        random_state=0,
        n_threads=threads,
        **budget,
    )
    model.fit(X, y)


def fit_torch(X, y, case, epochs, threads):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    lengths = None
    if case.form == "list":
        lengths = torch.tensor([len(x) for x in X])
        x = torch.zeros(len(X), int(lengths.max()), case.n_features)
        for row, sequence in enumerate(X):
            x[row, : len(sequence)] = torch.from_numpy(sequence)
    else:
        x = torch.from_numpy(X).float()  # no copy of float32
    y = torch.from_numpy((y - y.mean()) / (y.std() or 1.0))
    rnn = torch.nn.LSTM(case.n_features, case.hidden, batch_first=True)
    head = torch.nn.Linear(case.hidden, 1)
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(case.batch_size):
            optimizer.zero_grad(set_to_none=True)
            if lengths is None:
                last = rnn(x[rows])[1][0][0]
            else:
                output = rnn(x[rows, : lengths[rows].max()])[0]
                last = output[torch.arange(len(rows)), lengths[rows] - 1]
            torch.nn.functional.mse_loss(head(last)[:, 0], y[rows]).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()


FITS = {"sklearn_rnn": fit_sklearn_rnn, "torch": fit_torch}


# ---- memory ----


def measure(job):
    """Bytes over X at the peak of one fit, and its seconds."""
    case = Case(**job["case"])
    fit, (X, y) = FITS[job["library"]], data(case)
    if job["few"]:
        X, y = X[: 2 * case.batch_size], y[: 2 * case.batch_size]
    fit([x[:10] for x in X[:4]] if case.form == "list" else X[:4, :10], y[:4], case, 1, 1)
    seconds = []

    def timed():
        start = time.perf_counter()
        fit(X, y, case, case.epochs, job["threads"])
        seconds.append(time.perf_counter() - start)

    return {"bytes": harness.peak_of(timed), "seconds": seconds[0], "X_bytes": bytes_of(X)}


# ---- the comparison ----


def row_of(name, case, threads, runs):
    job = {"case": vars(case), "threads": threads, "few": False}
    jobs = {library: {**job, "library": library} for library in case.libraries}
    if case.n_samples > 2 * case.batch_size:
        jobs["few"] = {**jobs["sklearn_rnn"], "few": True}
    results = harness.in_turn(__file__, jobs, runs, threads)
    row = {"case": name, "threads": threads, **vars(case)}
    row["X_bytes"] = results["sklearn_rnn"][0]["X_bytes"]
    for kind, values in results.items():
        row[f"{kind}_bytes"] = harness.summary([value["bytes"] for value in values])
        row[f"{kind}_seconds"] = harness.summary([value["seconds"] for value in values])
    return row


def share_of_torch(row):
    """Our peak by PyTorch's, or None."""
    if "torch_bytes" not in row:
        return None
    return row["sklearn_rnn_bytes"]["median"] / row["torch_bytes"]["median"]


def copies(row):
    """How many times X is in memory besides itself; None if it is too small to tell."""
    if "few_bytes" not in row or row["X_bytes"] < LEAST_X:
        return None
    grown = row["sklearn_rnn_bytes"]["median"] - row["few_bytes"]["median"]
    return grown / row["X_bytes"]


def bars(row):
    """(what, value, bar) of each bar of a row; the value should not be greater."""
    if row["rivals"]:
        yield "of PyTorch's", share_of_torch(row), LEAST_OF_PYTORCH
    if copies(row) is not None:  # a tenth for what goes with each sequence
        yield "copies of X", copies(row), 0.1 if row["form"] in ("dense", "float64") else 1.1
    if row["most"] is not None:
        yield "MB", row["sklearn_rnn_bytes"]["median"] / MB, row["most"] / MB


def verdict(value, bar):
    return "reached" if value <= bar else "MISSED"


def slower(rows):
    """Lines: time with a budget by time without, for each number of threads."""
    named = {(row["case"], row["threads"]): row["sklearn_rnn_seconds"]["median"] for row in rows}
    for (name, threads), seconds in named.items():
        without = named.get((name.removesuffix(", budget"), threads))
        if name.endswith(", budget") and without is not None:
            yield (
                f"* {name}, {threads} threads: {seconds / without:.2f} times as long as without "
                f"(bar {SLOWER}: {verdict(seconds / without, SLOWER)})"
            )


def summarize(rows):
    return [
        *slower(rows),
        "",
        "MB are 10^6 bytes over X; in brackets least and most of the runs. A budget is what "
        "`memory_budget` was given.",
    ]


def megabytes(key):
    def text(row):
        if key not in row:
            return "-"
        return "{median:.1f} ({min:.1f} to {max:.1f})".format(
            **{name: value / MB for name, value in row[key].items()}
        )

    return text


def number(function, form=".2f"):
    return lambda row: "-" if function(row) is None else format(function(row), form)


COLUMNS = {
    "case": "case",
    "n,T,I,H": lambda row: ",".join(
        str(row[key]) for key in ("n_samples", "n_timesteps", "n_features", "hidden")
    ),
    "minibatch": "batch_size",
    "X": lambda row: f"{row['form']}, {row['X_bytes'] / MB:.1f} MB",
    "threads": "threads",
    "budget, MB": number(lambda row: row["budget"] and row["budget"] / MB, "g"),
    "sklearn_rnn, MB": megabytes("sklearn_rnn_bytes"),
    "PyTorch, MB": megabytes("torch_bytes"),
    "ours / PyTorch": number(share_of_torch),
    "copies of X": number(copies),
    "our seconds": lambda row: f"{row['sklearn_rnn_seconds']['median']:.2f}",
    "bars": lambda row: (
        "; ".join(f"{bar:g} {what}: {verdict(value, bar)}" for what, value, bar in bars(row)) or "-"
    ),
}


def chosen(options):
    """The cases to run; those with a budget only where the estimators take one."""
    from sklearn_rnn import RNNRegressor

    has_budget = "memory_budget" in inspect.signature(RNNRegressor).parameters
    for name in options.cases:
        case = CASES[name]
        if case.budget is not None and not has_budget:
            print(f"{name}: left out, RNNRegressor has no `memory_budget`", flush=True)
            continue
        if options.quick and name in QUICK:
            case = Case(**{**vars(case), "n_samples": case.n_samples // 10})
        yield name, case


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--quick", action="store_true", help="1 run, less data, 1 thread, nothing written"
    )
    options = parser.parse_args()
    harness.max_iter_is_a_budget()
    if options.quick:
        options.runs, options.threads = 1, [1]
    rows = []
    for name, case in chosen(options):
        # One sequence is work for one thread.
        for threads in options.threads if case.n_samples > 1 else [1]:
            rows.append(row_of(name, case, threads, options.runs))
            print(f"{name}, {threads} threads: done", flush=True)
    if options.quick:
        print("\n".join([harness.table(COLUMNS, rows), "", *summarize(rows)]))
    else:
        harness.write(
            "memory",
            "Peak memory of `fit` over what X takes",
            COLUMNS,
            rows,
            ("case", "threads"),
            ("torch",),
            summarize,
        )


harness.worker(measure)
if __name__ == "__main__":
    main()
