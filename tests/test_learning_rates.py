"""Schedules of the learning rate, with every solver."""

import numpy as np
import pytest

from sklearn_rnn import RNNRegressor
from sklearn_rnn._training import optimizers as _optimizers


def rates_of(**options):
    rng = np.random.RandomState(0)
    X, rates = rng.normal(size=(20, 3, 1)), []
    rnn = RNNRegressor(2, random_state=0, **{"batch_size": 10, "max_iter": 4, **options})
    rnn.fit(X, X.sum(axis=(1, 2)), callbacks=lambda _, info: rates.append(info["learning_rate"]))
    return rates


@pytest.mark.parametrize("solver", _optimizers.SOLVERS)
def test_schedules_hold_for_every_solver(solver):
    init = {"learning_rate_init": 0.01, "solver": solver}
    assert rates_of(learning_rate="constant", **init) == [0.01] * 4
    expected = [0.01 / (20 * epoch + 1) ** 0.25 for epoch in range(4)]
    assert rates_of(learning_rate="invscaling", power_t=0.25, **init) == pytest.approx(expected)
    # The rate of the second of two minibatches, done / planned = 1/8, 3/8, ...
    expected = [0.01 * (1 + np.cos(np.pi * share)) / 2 for share in (1 / 8, 3 / 8, 5 / 8, 7 / 8)]
    assert rates_of(learning_rate="cosine", **init) == pytest.approx(expected)


def test_adaptive_divides_by_five_where_others_stop():
    options = {"tol": 1e9, "n_iter_no_change": 2, "max_iter": 1000, "learning_rate_init": 0.01}
    assert len(rates_of(**options)) == 4  # the first is progress, then more than 2 are not
    rates = rates_of(learning_rate="adaptive", **options)
    distinct = list(dict.fromkeys(rates))
    assert distinct == pytest.approx([0.01 / 5**k for k in range(len(distinct))])
    assert distinct[-2] > 1e-6 >= distinct[-1]
