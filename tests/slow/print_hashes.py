"""Print a hash of the weights and predictions of many trainings, to compare two builds bit by bit.

    python tests/slow/print_hashes.py > before    (then in the other build)
    python tests/slow/print_hashes.py | diff before -

Only the public interface is used, so that the script also runs on older versions.
"""

import warnings
from hashlib import sha256
from itertools import product

import numpy as np

from sklearn_rnn import RNNClassifier, RNNRegressor, _core

CELLS = {name: {"cell": name} for name in ("elman", "lstm", "gru")}
try:
    from sklearn_rnn.cells import Elman

    CELLS["relu"] = {"cell": Elman(activation="relu")}
except ImportError:  # version 0.1.0
    CELLS["relu"] = {"cell": "elman", "activation": "relu"}

SHAPES = {
    "one": {"hidden_layer_sizes": 9},
    "two": {"hidden_layer_sizes": (33, 16)},
    "both": {"hidden_layer_sizes": (17, 5), "bidirectional": True},
    "wide": {"hidden_layer_sizes": 130},
}
TRAININGS = {
    "plain": {},
    "dropped": {"dropout": 0.3},
    "clipped": {"max_grad_norm": 0.05, "alpha": 0.01, "solver": "adamw"},
    "budget": {"memory_budget": True},
}


def data(ragged, per_step, n_classes):
    """Return 70 sequences of 5 features, and classes or (n_classes None) numbers."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 61, 70) if ragged else np.full(70, 40)
    X = [rng.standard_normal((n, 5)) for n in lengths]
    sums = [x[:, 0].cumsum() + 0.1 * x[:, 1] for x in X]
    if n_classes:
        sums = [np.digitize(s, [-2.0, 1.5][: n_classes - 1]) for s in sums]
    return X, sums if per_step else np.array([s[-1] for s in sums])


def least_budget(rnn, X, y):
    """Return the smallest memory budget that a fit accepts, which its error tells."""
    try:
        rnn.set_params(memory_budget=1).fit(X, y)
    except ValueError as error:
        return int(str(error).split("at least ")[1].split()[0])
    raise AssertionError("no error")


def training_hash(estimator, cell, dtype, ragged, shape, training, per_step, n_classes):
    X, y = data(ragged, per_step, n_classes)
    options = {**CELLS[cell], **SHAPES[shape], **TRAININGS[training]}
    rnn = estimator(
        mode="many_to_many" if per_step else "many_to_one",
        dtype=dtype,
        max_iter=2,
        batch_size=33,
        n_threads=2,
        random_state=0,
        **options,
    )
    if options.get("memory_budget"):
        rnn.set_params(memory_budget=least_budget(rnn, X, y))
    rnn.fit(X, y)
    predict = rnn.predict_proba if n_classes else rnn.predict
    results = [rnn.params_, *predict(X), *rnn.hidden_states(X, return_sequences=True)]
    return sha256(b"".join(np.ascontiguousarray(r).tobytes() for r in results)).hexdigest()


def main():
    warnings.simplefilter("ignore")
    for level in _core.simd_levels():
        _core.set_simd_level(level)
        design = product(
            CELLS, ("float32", "float64"), (False, True), SHAPES, TRAININGS, (False, True)
        )
        for number, (cell, dtype, ragged, shape, training, per_step) in enumerate(design):
            n_classes = (2, 3, None)[number % 3]
            estimator = RNNClassifier if n_classes else RNNRegressor
            settings = (cell, dtype, ragged, shape, training, per_step, n_classes)
            print(level, *settings, training_hash(estimator, *settings)[:16], flush=True)


if __name__ == "__main__":
    main()
