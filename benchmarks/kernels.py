"""Time of one training step (forward, loss, BPTT of one minibatch; no optimizer) against PyTorch.

    python benchmarks/kernels.py [--quick] [--shapes wide long] [--cells gru] [--threads 1 2]
                                 [--dtype float64] [--ragged]

Weights change with every update, so packing them belongs to a step of ours. PyTorch: nn.LSTM,
nn.GRU or nn.RNN with a Linear head on the final state (quicker than on the last output), zero_grad
and backward; ragged minibatches padded, the true last outputs gathered.
"""

import math
import statistics

import harness
import numpy as np

SHAPES = {  # n_timesteps, batch, n_features, hidden units
    "tiny": (50, 32, 8, 32),
    "univariate": (100, 32, 1, 64),
    "sensors": (100, 32, 16, 128),
    "medium": (100, 64, 64, 256),
    "wide": (50, 64, 256, 512),
    "rows": (28, 128, 28, 128),
    "pixels": (784, 64, 1, 128),
    "long": (1000, 16, 3, 64),
}
CELLS = {"lstm": "LSTM", "gru": "GRU", "elman": "RNN"}  # PyTorch's names
N_CLASSES = 10
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}  # of the gradient's norm
LIBRARIES = ("sklearn_rnn", "torch")


def minibatch(shape, dtype, ragged):
    """Values (n_steps, n_features), lengths and labels of one minibatch."""
    n_timesteps, batch, n_features, _ = shape
    rng = np.random.default_rng(0)
    lengths = (
        rng.integers(n_timesteps // 4, n_timesteps + 1, batch)
        if ragged
        else np.full(batch, n_timesteps)
    )
    lengths[0] = n_timesteps
    values = rng.standard_normal((lengths.sum(), n_features)).astype(dtype)
    return values, lengths, rng.integers(N_CLASSES, size=batch, dtype=np.int32)


def our_network(shape, cell, dtype):
    """The network and its initial parameters."""
    from sklearn_rnn._network import Network, initialize

    network = Network(
        n_features=shape[2],
        cell=cell,
        activation="tanh",
        hidden_layer_sizes=(shape[3],),
        bidirectional=False,
        n_outputs=N_CLASSES,
        loss="softmax",
        huber_delta=1.0,
        per_step=False,
        dropout=0.0,
        dtype=dtype,
    )
    return network, initialize(network, np.random.RandomState(0))


def our_step(shape, cell, dtype, ragged, threads):
    """Function of no argument: one training step, returning loss and gradient (n_params,)."""
    from sklearn_rnn import _core

    values, lengths, labels = minibatch(shape, dtype, ragged)
    network, params = our_network(shape, cell, dtype)
    data = _core.Dataset(values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp), labels)
    indices = np.arange(len(lengths), dtype=np.intp)
    engine = network.engine(lengths, len(lengths), threads, training=True)

    def step():
        engine.load(params)
        return engine.loss_and_grad(data, indices)

    return step


def torch_step(shape, cell, dtype, ragged, threads, params=None):
    """The same for PyTorch, returning the loss and the named parameters, whose `.grad` is set."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.set_num_threads(threads)
    torch.set_default_dtype(getattr(torch, dtype))
    values, lengths, labels = minibatch(shape, dtype, ragged)
    x = torch.zeros(len(lengths), int(lengths.max()), shape[2])
    for row, sequence in enumerate(np.split(values, np.cumsum(lengths)[:-1])):
        x[row, : len(sequence)] = torch.from_numpy(sequence)
    y, rows, last = (
        torch.from_numpy(labels).long(),
        torch.arange(len(lengths)),
        torch.from_numpy(lengths - 1),
    )
    network = torch.nn.ModuleDict(
        {
            "rnn": getattr(torch.nn, CELLS[cell])(shape[2], shape[3], batch_first=True),
            "head": torch.nn.Linear(shape[3], N_CLASSES),
        }
    )
    parameters = {name.removeprefix("rnn."): value for name, value in network.named_parameters()}
    with torch.no_grad():
        for name, value in (params or {}).items():
            parameters[name].copy_(torch.from_numpy(value))

    def step():
        network.zero_grad(set_to_none=True)
        output, state = network["rnn"](x)
        state = state[0] if cell == "lstm" else state
        loss = cross_entropy(network["head"](output[rows, last] if ragged else state[-1]), y)
        loss.backward()
        return float(loss.detach()), parameters

    return step


def check(job):
    """Largest relative difference of loss and gradient arrays from PyTorch's, for each shape."""
    errors = {}
    for name in job["shapes"]:
        arguments = SHAPES[name], job["cell"], job["dtype"], job["ragged"], job["threads"]
        network, params = our_network(*arguments[:3])
        loss, gradient = our_step(*arguments)()
        torch_loss, parameters = torch_step(*arguments, params=network.views(params))()
        errors[name] = max(
            [abs(loss - torch_loss) / abs(torch_loss)]
            + [
                float(np.linalg.norm(ours - parameters[key].grad.numpy()) / np.linalg.norm(ours))
                for key, ours in network.views(gradient).items()
            ]
        )
    return errors


def time_steps(job):
    """Milliseconds of a step for each shape, in one library."""
    make = our_step if job["library"] == "sklearn_rnn" else torch_step
    times = {}
    for name in job["shapes"]:
        step = make(SHAPES[name], job["cell"], job["dtype"], job["ragged"], job["threads"])
        times[name] = 1e3 * harness.seconds_of(step, job["seconds"])
    return times


def measure(cell, threads, options):
    """Rows of one cell and number of threads: checked first, then both libraries in turn."""
    job = {
        "cell": cell,
        "threads": threads,
        "dtype": options.dtype,
        "ragged": options.ragged,
        "shapes": options.shapes,
        "seconds": options.seconds,
    }
    for name, error in harness.run_job(__file__, {**job, "check": True}, threads).items():
        if not error < TOLERANCE[options.dtype]:
            raise SystemExit(
                f"{name}, {cell}: relative difference {error:.1e} from PyTorch, nothing is timed."
            )
    jobs = {library: {**job, "library": library} for library in LIBRARIES}
    runs = harness.in_turn(__file__, jobs, options.runs, threads)
    rows = []
    for name in options.shapes:
        ours, torch = ([run[name] for run in runs[library]] for library in LIBRARIES)
        rows.append(
            {
                "shape": name,
                "T,B,I,H": ",".join(map(str, SHAPES[name])),
                "cell": cell,
                "threads": threads,
                "dtype": options.dtype,
                "ragged": options.ragged,
                "sklearn_rnn_ms": harness.summary(ours),
                "torch_ms": harness.summary(torch),
                "ratio": statistics.median(torch) / statistics.median(ours),
            }
        )
    return rows


def geometric_means(rows):
    """Lines: geometric mean and least of the ratios, by cell, threads, dtype and padding."""
    groups = {}
    for row in rows:
        kind = [row["cell"], row["dtype"], *["ragged"] * row["ragged"], f"{row['threads']} threads"]
        groups.setdefault(", ".join(kind), []).append(row["ratio"])
    return [
        f"* {key}: {math.prod(ratios) ** (1 / len(ratios)):.2f} times as fast as PyTorch "
        f"(geometric mean of {len(ratios)} shapes), at least {min(ratios):.2f}"
        for key, ratios in groups.items()
    ]


def spread(key):
    return lambda row: f"{row[key]['median']:.3g} ({row[key]['min']:.3g} to {row[key]['max']:.3g})"


COLUMNS = {
    "shape": "shape",
    "T,B,I,H": "T,B,I,H",
    "cell": "cell",
    "dtype": "dtype",
    "ragged": "ragged",
    "threads": "threads",
    "sklearn_rnn, ms": spread("sklearn_rnn_ms"),
    "PyTorch, ms": spread("torch_ms"),
    "ratio": lambda row: f"{row['ratio']:.2f}",
}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--dtype", choices=TOLERANCE, default="float32")
    parser.add_argument(
        "--ragged", action="store_true", help="lengths from a quarter of n_timesteps"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="for a shape in a run")
    parser.add_argument("--quick", action="store_true", help="2 short runs, nothing written")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds = 2, 0.1
    rows = []
    for cell in options.cells:
        for threads in options.threads:
            rows += measure(cell, threads, options)
            if options.quick:
                print(harness.table(COLUMNS, rows[-len(options.shapes) :]), flush=True)
    if options.quick:
        print("\n".join(geometric_means(rows)))
    else:
        harness.write(
            "kernels",
            "One training step of a minibatch",
            COLUMNS,
            rows,
            ("shape", "cell", "threads", "dtype", "ragged"),
            ("torch",),
            geometric_means,
        )


harness.worker(lambda job: check(job) if job.get("check") else time_steps(job))
if __name__ == "__main__":
    main()
