"""Transformers of sequences in every accepted form."""

from ._forecasting.windows import from_windows, make_windows
from ._preprocessing.scaler import SequenceScaler

__all__ = ["SequenceScaler", "from_windows", "make_windows"]
