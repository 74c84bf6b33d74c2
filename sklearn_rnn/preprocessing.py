"""Transformers of sequences, converters from and to other forms, and windows for forecasts."""

from ._converters.aeon import from_aeon, to_aeon
from ._converters.awkward import from_awkward, to_awkward
from ._converters.datasets import from_datasets, to_datasets
from ._converters.frame import from_frame
from ._converters.lengths import from_lengths, to_lengths
from ._converters.nested import from_nested, to_nested
from ._converters.padded import from_padded, to_padded
from ._converters.to_table import to_frame
from ._converters.tslearn import from_tslearn, to_tslearn
from ._forecasting.windows import from_windows, make_windows
from ._preprocessing.differences import Differences
from ._preprocessing.imputer import SequenceImputer
from ._preprocessing.lags import Lags
from ._preprocessing.per_step import PerStep
from ._preprocessing.scaler import SequenceScaler

__all__ = [
    "Differences",
    "Lags",
    "PerStep",
    "SequenceImputer",
    "SequenceScaler",
    "from_aeon",
    "from_awkward",
    "from_datasets",
    "from_frame",
    "from_lengths",
    "from_nested",
    "from_padded",
    "from_tslearn",
    "from_windows",
    "make_windows",
    "to_aeon",
    "to_awkward",
    "to_datasets",
    "to_frame",
    "to_lengths",
    "to_nested",
    "to_padded",
    "to_tslearn",
]
