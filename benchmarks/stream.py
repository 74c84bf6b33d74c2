"""Microseconds for one step of one stream: median of 2000 calls, for each cell and method.

python benchmarks/stream.py
"""

import statistics
import time
import warnings

import harness
import numpy as np

from sklearn_rnn import RNNClassifier, RNNRegressor

UNITS, FEATURES, CALLS = 64, 8, 2000
METHODS = (
    (RNNRegressor, "predict"),
    (RNNClassifier, "predict"),
    (RNNClassifier, "predict_proba"),
)


def microseconds(stream):
    """Median time of a step."""
    x = np.random.default_rng(1).standard_normal((1, FEATURES))
    for _ in range(CALLS):
        stream.step(x)
    times = []
    for _ in range(CALLS):
        start = time.perf_counter_ns()
        stream.step(x)
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1e3


def main():
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).standard_normal((20, 10, FEATURES))
    sums = X.sum(axis=2)
    print(harness.machine())
    print(f"\n{UNITS} units, {FEATURES} features, float32\n")
    print("| cell | " + " | ".join(f"{e.__name__}.{method}" for e, method in METHODS) + " |")
    print("|---" * (1 + len(METHODS)) + "|")
    for cell in ("elman", "lstm", "gru", "jordan", "indrnn"):
        row = []
        for estimator, method in METHODS:
            y = sums if estimator is RNNRegressor else sums > 0
            rnn = estimator(UNITS, cell=cell, mode="many_to_many", max_iter=1).fit(X, y)
            row.append(f"{microseconds(rnn.stream(method=method)):.2f}")
        print(f"| {cell} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
