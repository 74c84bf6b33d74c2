"""Times that hold on a quiet machine: `pytest -m clock`."""

import time

import numpy as np
import pytest
from cases import run_python
from sklearn.neural_network import MLPClassifier

from sklearn_rnn import RNNClassifier


@pytest.mark.clock
def test_predicting_one_short_sequence_takes_as_long_as_in_scikit_learn():
    X = np.random.RandomState(0).normal(size=(50, 5, 2))
    y = X[:, 0, 0] > 0
    rnn = RNNClassifier(8, max_iter=1).fit(X, y)
    mlp = MLPClassifier(8).fit(X.reshape(50, 10), y)
    times = []
    for _ in range(300):
        begin = time.perf_counter()
        rnn.predict(X[:1])
        middle = time.perf_counter()
        mlp.predict(X[:1].reshape(1, 10))
        times.append((middle - begin, time.perf_counter() - middle))
    ours, theirs = np.min(times, axis=0)
    assert ours < 1.4 * theirs  # 1.0; most of both is the checking of X


@pytest.mark.clock
def test_importing_is_quick():
    code = """
import time
import sklearn
begin = time.process_time()
import sklearn_rnn
print(time.process_time() - begin)
"""
    assert min(float(run_python(code).stdout) for _ in range(3)) < 0.1
