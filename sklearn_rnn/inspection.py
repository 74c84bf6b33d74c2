"""What an estimator takes and has learned: memory, importances of features, pictures."""

from ._inspection.displays.attention import AttentionDisplay
from ._inspection.displays.forecast import ForecastDisplay
from ._inspection.displays.hidden_states import HiddenStatesDisplay
from ._inspection.displays.loss_curve import LossCurveDisplay
from ._inspection.displays.sequence_labels import SequenceLabelDisplay
from ._inspection.displays.state_space import StateSpaceDisplay
from ._inspection.feature_importances import feature_importances
from ._inspection.footprint import MemoryFootprint, memory_footprint
from ._inspection.permutation_importance import permutation_importance

__all__ = [
    "AttentionDisplay",
    "ForecastDisplay",
    "HiddenStatesDisplay",
    "LossCurveDisplay",
    "MemoryFootprint",
    "SequenceLabelDisplay",
    "StateSpaceDisplay",
    "feature_importances",
    "memory_footprint",
    "permutation_importance",
]
