"""Seconds of `fit`, end to end, on digits and JapaneseVowels, against PyTorch and skorch.

    python benchmarks/fit.py [--quick] [--data digits] [--cells gru] [--threads 1 2]

The same network (one layer, last output, linear head), minibatches, epochs, Adam and clipping. The
accuracy on the test split stands beside the seconds, so that one sees it is the same work. PyTorch
in a plain loop and skorch get ragged data padded and gather the true last output; the plain loop
cuts each minibatch to its longest sequence.
"""

import statistics
import time

import datasets
import harness
import numpy as np

DATA = {"digits": datasets.digits, "japanese_vowels": datasets.japanese_vowels}
CELLS = {"lstm": "LSTM", "gru": "GRU"}  # PyTorch's names
SETTINGS = {"hidden": 64, "batch_size": 32, "epochs": 50, "rate": 2e-3, "max_grad_norm": 1.0}


# ---- one fit of each library ----
# (data, cell, settings, seed, threads) -> (seconds, predictions of the test split)


def fit_sklearn_rnn(data, cell, settings, seed, threads):
    from sklearn_rnn import RNNClassifier

    model = RNNClassifier(
        settings["hidden"],
        cell=cell,
        batch_size=settings["batch_size"],
        max_iter=settings["epochs"],
        solver="adam",
        learning_rate="constant",
        learning_rate_init=settings["rate"],
        alpha=0.0,
        max_grad_norm=settings["max_grad_norm"],
        tol=0.0,
        n_iter_no_change=settings["epochs"],
        random_state=seed,
        n_threads=threads,
    )
    start = time.perf_counter()
    model.fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - start
    if model.n_iter_ != settings["epochs"]:
        raise RuntimeError(f"{model.n_iter_} epochs instead of {settings['epochs']}")
    return seconds, model.predict(data.X_test)


def torch_module(cell, n_features, hidden, n_classes):
    """Recurrent layer, linear head on the last true output; `lengths` None: all steps are true."""
    import torch

    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = getattr(torch.nn, CELLS[cell])(n_features, hidden, batch_first=True)
            self.head = torch.nn.Linear(hidden, n_classes)

        def forward(self, x, lengths=None):
            output = self.rnn(x)[0]
            last = output[:, -1] if lengths is None else output[torch.arange(len(x)), lengths - 1]
            return self.head(last)

    return Classifier()


def padded(X):
    """float32 array (n, longest, n_features) and lengths, or None where all are equal."""
    lengths = np.array([len(sequence) for sequence in X])
    x = np.zeros((len(X), lengths.max(), X[0].shape[1]), dtype=np.float32)
    for row, sequence in enumerate(X):
        x[row, : len(sequence)] = sequence
    return x, None if (lengths == lengths[0]).all() else lengths


def prepare_torch(seed, threads):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    return torch


def fit_torch(data, cell, settings, seed, threads):
    torch = prepare_torch(seed, threads)
    start = time.perf_counter()
    classes, labels = np.unique(data.y_train, return_inverse=True)
    x, lengths = padded(data.X_train)
    x, y = torch.from_numpy(x), torch.from_numpy(labels)
    lengths = None if lengths is None else torch.from_numpy(lengths)
    network = torch_module(cell, x.shape[2], settings["hidden"], len(classes))
    optimizer = torch.optim.Adam(network.parameters(), lr=settings["rate"])
    for _ in range(settings["epochs"]):
        for rows in torch.randperm(len(x)).split(settings["batch_size"]):
            optimizer.zero_grad(set_to_none=True)
            if lengths is None:
                output = network(x[rows])
            else:
                output = network(x[rows, : lengths[rows].max()], lengths[rows])
            torch.nn.functional.cross_entropy(output, y[rows]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings["max_grad_norm"])
            optimizer.step()
    seconds = time.perf_counter() - start
    x, lengths = padded(data.X_test)
    with torch.no_grad():
        output = network(
            torch.from_numpy(x), None if lengths is None else torch.from_numpy(lengths)
        )
    return seconds, classes[output.argmax(1).numpy()]


def fit_skorch(data, cell, settings, seed, threads):
    torch = prepare_torch(seed, threads)
    from skorch import NeuralNetClassifier
    from skorch.callbacks import GradientNormClipping

    def inputs(X):
        x, lengths = padded(X)
        return {"x": x} if lengths is None else {"x": x, "lengths": lengths}

    start = time.perf_counter()
    classes, labels = np.unique(data.y_train, return_inverse=True)
    n_features = data.X_train[0].shape[1]
    model = NeuralNetClassifier(
        torch_module(cell, n_features, settings["hidden"], len(classes)),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=settings["rate"],
        batch_size=settings["batch_size"],
        max_epochs=settings["epochs"],
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        callbacks=[GradientNormClipping(settings["max_grad_norm"])],
    )
    model.fit(inputs(data.X_train), labels)
    seconds = time.perf_counter() - start
    return seconds, classes[model.predict(inputs(data.X_test))]


LIBRARIES = {"sklearn_rnn": fit_sklearn_rnn, "torch": fit_torch, "skorch": fit_skorch}


# ---- the comparison ----


def fit(job):
    """Seconds and test accuracy of one fit, after a fit of one epoch that wakes the library up."""
    data, library = DATA[job["data"]](), LIBRARIES[job["library"]]
    library(data, job["cell"], {**job["settings"], "epochs": 1}, job["run"], job["threads"])
    seconds, predicted = library(data, job["cell"], job["settings"], job["run"], job["threads"])
    return {"seconds": seconds, "accuracy": float(np.mean(predicted == data.y_test))}


def row_of(data, cell, threads, settings, runs):
    job = {"data": data, "cell": cell, "threads": threads, "settings": settings}
    results = harness.in_turn(
        __file__, {name: {**job, "library": name} for name in LIBRARIES}, runs, threads
    )
    row = {"data": data, "cell": cell, "threads": threads, "settings": settings}
    for name, fits in results.items():
        row[f"{name}_seconds"] = harness.summary([result["seconds"] for result in fits])
        row[f"{name}_accuracy"] = statistics.mean(result["accuracy"] for result in fits)
    for name in ("torch", "skorch"):
        row[f"{name}_ratio"] = (
            row[f"{name}_seconds"]["median"] / row["sklearn_rnn_seconds"]["median"]
        )
    return row


def seconds_and_accuracy(name):
    def text(row):
        seconds, accuracy = row[f"{name}_seconds"], row[f"{name}_accuracy"]
        spread = f"({seconds['min']:.2f} to {seconds['max']:.2f})"
        return f"{seconds['median']:.2f} s {spread}, {accuracy:.3f}"

    return text


COLUMNS = {
    "data": "data",
    "cell": "cell",
    "threads": "threads",
    "sklearn_rnn": seconds_and_accuracy("sklearn_rnn"),
    "PyTorch loop": seconds_and_accuracy("torch"),
    "skorch": seconds_and_accuracy("skorch"),
    "PyTorch / ours": lambda row: f"{row['torch_ratio']:.1f}",
    "skorch / ours": lambda row: f"{row['skorch_ratio']:.1f}",
}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="1 run of 10 epochs, nothing written")
    options = parser.parse_args()
    settings = {**SETTINGS, "epochs": 10} if options.quick else SETTINGS
    rows = []
    for data in options.data:
        for cell in options.cells:
            for threads in options.threads:
                rows.append(
                    row_of(data, cell, threads, settings, 1 if options.quick else options.runs)
                )
    if options.quick:
        print(harness.table(COLUMNS, rows))
    else:
        harness.write(
            "fit",
            "`fit` end to end: median seconds (spread) and test accuracy",
            COLUMNS,
            rows,
            ("data", "cell", "threads"),
            ("torch", "skorch"),
            lambda rows: ["Settings: " + ", ".join(f"{k} {v}" for k, v in SETTINGS.items()) + "."],
        )


harness.worker(fit)
if __name__ == "__main__":
    main()
