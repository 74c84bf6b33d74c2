"""Transformers of sequences in every accepted form."""

from ._converters.nested import from_nested, to_nested
from ._preprocessing.differences import Differences
from ._preprocessing.imputer import SequenceImputer
from ._preprocessing.lags import Lags
from ._preprocessing.scaler import SequenceScaler

__all__ = ["Differences", "Lags", "SequenceImputer", "SequenceScaler", "from_nested", "to_nested"]
