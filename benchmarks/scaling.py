"""Cost of training as the work doubles, five times: steps, sequences, units, layers, samples.

    python benchmarks/scaling.py [--quick] [--axes T H] [--threads 1 2]

LSTM, float32. Time is that of one training step (forward, loss, BPTT of one minibatch, the weights
packed anew; no optimizer); for n_samples that of one epoch of `fit`. Memory is all that NumPy holds
at the peak, without X: the workspace of the step, or what `fit` takes. Beside them stand the sizes
that meet the caches: packed weights, and what forward leaves for backward in one thread.
"""

import itertools
import tracemalloc
from pathlib import Path

import harness
import numpy as np

DOUBLINGS = 5
BASES = {  # what doubles -> the size it begins with, in the letters of the kernels
    "T": {"T": 50, "B": 32, "I": 16, "H": 64, "layers": 1},
    "B": {"T": 50, "B": 8, "I": 16, "H": 64, "layers": 1},
    "H": {"T": 50, "B": 32, "I": 16, "H": 16, "layers": 1},
    # Two at first: the lowest one has no gradient of its input, so that one is no half of two.
    "layers": {"T": 50, "B": 32, "I": 64, "H": 64, "layers": 2},
    "n_samples": {"T": 50, "B": 32, "I": 16, "H": 64, "layers": 1, "n_samples": 64},
}
N_OUTPUTS = 10
WORTH_A_BAR = 1e-3  # seconds; what takes less is mostly calls
TIME_BARS = {"H": 4.5}  # work grows with the square of H
MEMORY_BARS = {"H": 4.2}
BAR_OF_TIME, BAR_OF_MEMORY = 2.3, 2.1
GATES = 4  # of the LSTM
REAL = 4  # bytes


# ---- what is measured ----


def engine_and_step(size, threads):
    """A function that makes the engine and a function of no argument: one training step."""
    from sklearn_rnn import RNNClassifier, _core
    from sklearn_rnn._model.network import initialize
    from sklearn_rnn._model.words import network_of

    rng, lengths = np.random.default_rng(0), np.full(size["B"], size["T"])
    values = rng.standard_normal((lengths.sum(), size["I"]), dtype=np.float32)
    labels = rng.integers(N_OUTPUTS, size=len(lengths), dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    data, indices = _core.Dataset(values, offsets, labels), np.arange(len(lengths), dtype=np.intp)
    rnn = RNNClassifier((size["H"],) * size["layers"], cell="lstm")
    network = network_of(vars(rnn), size["I"], N_OUTPUTS, "softmax")
    params = initialize(network, np.random.RandomState(0))

    def make():
        engine = network.engine(lengths, len(lengths), threads, training=True)

        def step():
            engine.load(params)
            return engine.loss_and_grad(data, indices)

        return engine, step

    return make


def fit_of(size, threads):
    """A function of no argument: one epoch of `fit`."""
    from sklearn_rnn import RNNClassifier

    rng, n = np.random.default_rng(0), size["n_samples"]
    X = rng.standard_normal((n, size["T"], size["I"]), dtype=np.float32)
    y = np.arange(n) % N_OUTPUTS
    model = RNNClassifier(
        (size["H"],) * size["layers"],
        batch_size=size["B"],
        max_iter=1,
        random_state=0,
        n_threads=threads,
    )
    return lambda: model.fit(X, y)


def sizes(axis, doublings):
    base = BASES[axis]
    return [{**base, axis: base[axis] << k} for k in range(doublings + 1)]


def time_of(size, job):
    """Median seconds of a step, or of an epoch."""
    if "n_samples" in size:
        return harness.seconds_of(fit_of(size, job["threads"]), job["seconds"])
    return harness.seconds_of(engine_and_step(size, job["threads"])()[1], job["seconds"])


def memory_of(size, job):
    """Bytes that NumPy holds at the peak, and those that one thread keeps for backward."""
    arena = None
    if "n_samples" in size:
        fit = fit_of(size, job["threads"])
        fit()  # what is made once
        tracemalloc.start()
        fit()
    else:
        make = engine_and_step(size, job["threads"])
        tracemalloc.start()
        engine, step = make()
        step()
        arena = engine.arena_size * REAL
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"bytes": peak, "arena_bytes": arena}


def measure(job):
    """Seconds, or memory, for each size."""
    return [(memory_of if job["memory"] else time_of)(size, job) for size in job["sizes"]]


# ---- caches ----


def caches():
    """Bytes of each data cache that one core sees, {"L1": ...}; empty where nobody tells."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind, level, size = (
                (index / name).read_text().strip() for name in ("type", "level", "size")
            )
        except OSError:
            continue
        if kind != "Instruction":
            units = {"K": 1 << 10, "M": 1 << 20}
            found[f"L{level}"] = int(size.rstrip("KM")) * units.get(size[-1], 1)
    return found


def weight_bytes(size):
    """Packed weights that each step reads there and back: of input, recurrence, and transposed."""
    gates, total = GATES * size["H"], 0
    for layer in range(size["layers"]):
        inputs = size["H"] if layer else size["I"]
        total += inputs * gates + 2 * size["H"] * gates + (inputs * gates if layer else 0)
    return total * REAL


def least_cache_that_holds(n_bytes, levels):
    return next((name for name, size in levels.items() if n_bytes <= size), "memory")


# ---- the comparison ----


def rows_for(threads, options):
    """A row for each axis and size."""
    wanted = [(axis, size) for axis in options.axes for size in sizes(axis, options.doublings)]
    job = {
        "sizes": [size for _, size in wanted],
        "threads": threads,
        "seconds": options.seconds,
        "memory": False,
    }
    runs = harness.in_turn(__file__, {"time": job}, options.runs, threads)["time"]
    memory = harness.run_job(__file__, {**job, "memory": True}, threads)
    rows = []
    for (axis, size), seconds, held in zip(wanted, zip(*runs, strict=True), memory, strict=True):
        row = {
            "axis": axis,
            "value": size[axis],
            "threads": threads,
            "size": size,
            "seconds": harness.summary(seconds),
            **held,
            "weight_bytes": weight_bytes(size),
            "caches": caches(),
            "time_ratio": None,
            "memory_ratio": None,
        }
        if rows and rows[-1]["axis"] == axis:
            before = rows[-1]
            row["time_ratio"] = row["seconds"]["median"] / before["seconds"]["median"]
            row["memory_ratio"] = row["bytes"] / before["bytes"]
        rows.append(row)
    return rows


def crossings(rows):
    """Lines: between which sizes weights and activations outgrow a cache."""
    lines = {}
    named = {"weights": "weight_bytes", "activations of a thread": "arena_bytes"}
    for before, row in itertools.pairwise(rows):
        if (before["axis"], before["threads"]) != (row["axis"], row["threads"]):
            continue
        for what, key in named.items():
            if row[key] is None:
                continue
            was, now = (least_cache_that_holds(r[key], row["caches"]) for r in (before, row))
            if was != now:
                line = f"* {row['axis']} {before['value']} to {row['value']}: {what} leave {was}"
                lines[f"{line} for {now} ({row[key] / 1024:,.0f} KiB)"] = True
    return list(lines)


def missed(rows):
    """Lines: the greatest ratios of each axis, and whether they keep to the bars."""
    lines = []
    for axis in dict.fromkeys(row["axis"] for row in rows):
        for threads in dict.fromkeys(row["threads"] for row in rows):
            some = [row for row in rows if (row["axis"], row["threads"]) == (axis, threads)]
            pairs = list(itertools.pairwise(some))
            counted = [
                row["time_ratio"]
                for before, row in pairs
                if before["seconds"]["median"] >= WORTH_A_BAR
            ]
            parts = []
            for what, ratios, bar in (
                ("time", counted, TIME_BARS.get(axis, BAR_OF_TIME)),
                (
                    "memory",
                    [row["memory_ratio"] for _, row in pairs],
                    MEMORY_BARS.get(axis, BAR_OF_MEMORY),
                ),
            ):
                if ratios:
                    word = "reached" if max(ratios) <= bar else "MISSED"
                    parts.append(f"{what} at most {max(ratios):.2f} (bar {bar}: {word})")
            if parts:
                lines.append(f"* {axis}, {threads} threads: {', '.join(parts)} per doubling")
    return lines


def summarize(rows):
    levels = ", ".join(f"{name} {size // 1024:,} KiB" for name, size in rows[0]["caches"].items())
    return [
        *missed(rows),
        "",
        f"Caches of a core: {levels or 'unknown'}. Where something outgrows one:",
        "",
        *crossings(rows),
        "",
        f"Time counts for its bar above {1e3 * WORTH_A_BAR:g} ms. Base of each axis: "
        + "; ".join(
            f"{axis}: " + ", ".join(f"{key} {value}" for key, value in base.items())
            for axis, base in BASES.items()
        )
        + ".",
    ]


def milliseconds(row):
    return "{median:.3g} ({min:.3g} to {max:.3g})".format(
        **{name: 1e3 * value for name, value in row["seconds"].items()}
    )


def kibibytes(key):
    return lambda row: "-" if row[key] is None else f"{row[key] / 1024:,.0f}"


def ratio(key):
    return lambda row: "-" if row[key] is None else f"{row[key]:.2f}"


COLUMNS = {
    "what doubles": "axis",
    "to": "value",
    "threads": "threads",
    "ms": milliseconds,
    "time per doubling": ratio("time_ratio"),
    "memory, KiB": kibibytes("bytes"),
    "memory per doubling": ratio("memory_ratio"),
    "weights, KiB": kibibytes("weight_bytes"),
    "activations of a thread, KiB": kibibytes("arena_bytes"),
    "they fit into": lambda row: " / ".join(
        least_cache_that_holds(row[key], row["caches"])
        for key in ("weight_bytes", "arena_bytes")
        if row[key] is not None
    ),
}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--axes", nargs="+", choices=BASES, default=list(BASES))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.05, help="for a size in a run")
    parser.add_argument(
        "--quick", action="store_true", help="1 run, 3 doublings, 1 thread, nothing written"
    )
    options = parser.parse_args()
    harness.max_iter_is_a_budget()
    options.doublings = DOUBLINGS
    if options.quick:
        options.runs, options.doublings, options.threads = 1, 3, [1]
    rows = [row for threads in options.threads for row in rows_for(threads, options)]
    if options.quick:
        print("\n".join([harness.table(COLUMNS, rows), "", *summarize(rows)]))
    else:
        harness.write(
            "scaling",
            "Cost of training as the work doubles",
            COLUMNS,
            rows,
            ("axis", "value", "threads"),
            summarize=summarize,
        )


harness.worker(measure)
if __name__ == "__main__":
    main()
