"""Transformers of sequences in every accepted form, and windows of tables."""

from ._forecasting.windows import from_windows, make_windows
from ._preprocessing.differences import Differences
from ._preprocessing.imputer import SequenceImputer
from ._preprocessing.lags import Lags
from ._preprocessing.scaler import SequenceScaler

__all__ = [
    "Differences",
    "Lags",
    "SequenceImputer",
    "SequenceScaler",
    "from_windows",
    "make_windows",
]
