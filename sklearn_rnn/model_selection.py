"""Splitters for `cross_val_score` and searches, and sequences for tools that want a table."""

from ._model_selection.by_index import ByIndex, with_sequences
from ._model_selection.cross_val_predict import step_cross_val_predict
from ._model_selection.rolling_origin import RollingOrigin
from ._model_selection.sequence_kfold import SequenceKFold

__all__ = ["ByIndex", "RollingOrigin", "SequenceKFold", "step_cross_val_predict", "with_sequences"]
