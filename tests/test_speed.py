"""Times that hold on a quiet machine: `pytest -m clock`."""

import time

import numpy as np
import pytest
from cases import run_python

from sklearn_rnn import RNNClassifier


@pytest.mark.clock
def test_predicting_one_short_sequence_costs_little():
    X = np.random.RandomState(0).normal(size=(50, 5, 2))
    rnn = RNNClassifier(8, max_iter=1).fit(X, X[:, 0, 0] > 0)
    times = []
    for _ in range(300):
        begin = time.perf_counter()
        rnn.predict(X[:1])
        times.append(time.perf_counter() - begin)
    assert np.median(times) < 1e-3  # 70 us on an idle machine


@pytest.mark.clock
def test_importing_is_quick():
    code = """
import time
import sklearn
begin = time.perf_counter()
import sklearn_rnn
print(time.perf_counter() - begin)
"""
    assert min(float(run_python(code).stdout) for _ in range(3)) < 0.1
