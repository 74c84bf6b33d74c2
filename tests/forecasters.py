"""A series, features of it, and a small forecaster, for several tests."""

import numpy as np
import pandas as pd

from sklearn_rnn import RNNRegressor
from sklearn_rnn.forecasting import RNNForecaster

RNG = np.random.default_rng(0)
N = 90
SMALL = RNNRegressor(6, max_iter=2, dtype="float64", random_state=0)
T = np.arange(N)
Y = 50 + 10 * np.sin(T * 2 * np.pi / 7) + RNG.normal(size=N)
FEATURES = RNG.normal(size=(N + 20, 2))
DAYS = pd.date_range("2024-01-01", periods=N + 20, freq="D")
QUANTILE = (0.1, 0.5, 0.9)


def forecaster(horizon=4, past=10, **options):
    return RNNForecaster(horizon, past, **{"estimator": SMALL, **options})
