"""Splitters for `cross_val_score` and searches."""

from ._model_selection.rolling_origin import RollingOrigin

__all__ = ["RollingOrigin"]
