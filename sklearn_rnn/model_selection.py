"""Splitters, predictions of folds, and `ByIndex`, which adapts sequences to tools for tables."""

from ._model_selection.by_index import ByIndex, with_sequences
from ._model_selection.cross_val_predict import step_cross_val_predict
from ._model_selection.rolling_origin import RollingOrigin
from ._model_selection.sequence_kfold import SequenceKFold

__all__ = ["ByIndex", "RollingOrigin", "SequenceKFold", "step_cross_val_predict", "with_sequences"]
