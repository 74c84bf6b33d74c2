"""Where pickles of sklearn_rnn 0.1.0 look for RNNRegressor."""

from ._estimators.regressor import RNNRegressor

__all__ = ["RNNRegressor"]
