"""What an estimator takes and has learned: memory, importances of features, pictures."""

from ._inspection.displays.attention import AttentionDisplay
from ._inspection.displays.attribution import AttributionDisplay
from ._inspection.displays.forecast import ForecastDisplay
from ._inspection.displays.gradient_flow import GradientFlowDisplay
from ._inspection.displays.hidden_states import HiddenStatesDisplay
from ._inspection.displays.loss_curve import LossCurveDisplay
from ._inspection.displays.sequence_labels import SequenceLabelDisplay
from ._inspection.displays.state_space import StateSpaceDisplay
from ._inspection.feature_importances import feature_importances
from ._inspection.footprint import MemoryFootprint, memory_footprint
from ._inspection.gradient_flow import GradientFlow, gradient_flow
from ._inspection.integrated_gradients import integrated_gradients
from ._inspection.occlusion import occlusion
from ._inspection.permutation_importance import permutation_importance
from ._inspection.spectral_radius import spectral_radius
from ._model.summary import NetworkSummary

__all__ = [
    "AttentionDisplay",
    "AttributionDisplay",
    "ForecastDisplay",
    "GradientFlow",
    "GradientFlowDisplay",
    "HiddenStatesDisplay",
    "LossCurveDisplay",
    "MemoryFootprint",
    "NetworkSummary",
    "SequenceLabelDisplay",
    "StateSpaceDisplay",
    "feature_importances",
    "gradient_flow",
    "integrated_gradients",
    "memory_footprint",
    "occlusion",
    "permutation_importance",
    "spectral_radius",
]
