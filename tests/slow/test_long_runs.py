"""Thousands of calls in one process leave its memory as it was: some minutes.

Run by hand: ``pytest tests/slow``. The million calls of `partial_fit`, some minutes more, come
with the environment variable SKLEARN_RNN_LONG_RUNS=1; without it there are fewer.
"""

import os

import pytest
from cases import run_python

WHOLE = os.environ.get("SKLEARN_RNN_LONG_RUNS") == "1"
PARTIAL_FITS = 1_000_000 if WHOLE else 100_000
MAY_GROW = 5 << 20  # bytes
# Bytes of an epoch in `loss_curve_` and in the learning rates of `_history`: a number itself, its
# place in a list and the list's spare, twice.
PER_EPOCH = 80
FIRST = 100  # calls after which memory is looked at

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="needs /proc to look at memory"
)

# `resident()` is what the process occupies; `DATA` are dense and ragged sequences.
PREPARE = """
import gc, os, warnings
import numpy as np
from sklearn_rnn import RNNClassifier, RNNRegressor, _core
warnings.simplefilter("ignore")

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 12, 2))
DATA = [X, [x[: 1 + i % 12] for i, x in enumerate(X)]]
y = X[:, 0, 0]

def estimator(i):
    options = dict(
        hidden_layer_sizes=(8 + 64 * (i % 7 == 0), 4),
        cell=list(_core.CELLS)[i % len(_core.CELLS)],
        bidirectional=i % 5 == 0,
        dropout=0.1 * (i % 3 == 0),
        early_stopping=i % 11 == 0,
        dtype=["float32", "float64"][i // 2 % 2],
        max_iter=2,
        n_threads=2,
        random_state=i,
    )
    return [RNNRegressor, RNNClassifier][i % 2](**options)
"""


def growth(code):
    """Return by how many bytes a process grows from the first calls to the last."""
    return int(run_python(PREPARE + code, timeout=3600).stdout)


def test_fits_leave_no_memory_behind():
    code = f"""
for i in range(2000):
    if i == {FIRST}:
        before = resident()
    estimator(i).fit(DATA[i // 4 % 2], y if i % 2 == 0 else y > 0)
print(resident() - before)
"""
    assert growth(code) < MAY_GROW


def test_predictions_leave_no_memory_behind():
    code = f"""
fitted = [estimator(i).fit(DATA[i // 4 % 2], y if i % 2 == 0 else y > 0) for i in range(24)]
for i in range(20000):
    if i == {FIRST}:
        before = resident()
    k = i % 24
    data = DATA[k // 4 % 2]
    (fitted[k].predict, fitted[k].hidden_states)[i // 24 % 2](data[: 1 + i % 24])
print(resident() - before)
"""
    assert growth(code) < MAY_GROW


def test_tiny_partial_fits_cost_the_same_from_the_first_to_the_last():
    code = f"""
from time import perf_counter
n = {PARTIAL_FITS}
rnn = RNNRegressor(2, cell="elman", random_state=0, learning_rate_init=1e-3)
x, target, times = rng.normal(size=(1, 3, 1)), np.array([1.0]), []
for i in range(n):
    if i == {FIRST}:
        before = resident()
    begin = perf_counter()
    rnn.partial_fit(x, target)
    times.append(perf_counter() - begin) if i < 1000 or i >= n - 1000 else None
grown = resident() - before
assert rnn.t_ == rnn._optimizer["n_updates"] == len(rnn.loss_curve_) == n
assert rnn.best_loss_ == min(rnn.loss_curve_)
assert np.isfinite(rnn.params_).all()
first, last = np.median(times[:1000]), np.median(times[-1000:])
assert last < 2 * first, (first, last)
print(grown)
"""
    # The lists of losses and learning rates are all that grows, as documented.
    assert growth(code) < MAY_GROW + PARTIAL_FITS * PER_EPOCH
