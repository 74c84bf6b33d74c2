"""What an estimator takes and has learned: memory, importances of features, pictures."""

from ._inspection.channel_importances import channel_importances
from ._inspection.footprint import MemoryFootprint, memory_footprint
from ._inspection.permutation_importance import permutation_importance

__all__ = [
    "MemoryFootprint",
    "channel_importances",
    "memory_footprint",
    "permutation_importance",
]
