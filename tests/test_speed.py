"""Times that hold on a quiet machine: `pytest -m clock`."""

import time

import numpy as np
import pytest
from cases import run_python
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sklearn_rnn import RNNClassifier
from sklearn_rnn.preprocessing import SequenceScaler


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


@pytest.mark.clock
def test_scaling_one_short_sequence_is_quicker_than_in_scikit_learn():
    X = np.random.RandomState(0).normal(size=(50, 100, 6))
    ours, theirs = SequenceScaler().fit(X), StandardScaler().fit(X[0])
    for one in (X[:1], [X[0]]):
        times = []
        for _ in range(300):
            begin = time.perf_counter()
            ours.transform(one)
            middle = time.perf_counter()
            theirs.transform(X[0])
            times.append((middle - begin, time.perf_counter() - middle))
        quickest = np.min(times, axis=0)
        assert quickest[0] < 0.8 * quickest[1]  # 0.53 for an array, 0.62 for a list
