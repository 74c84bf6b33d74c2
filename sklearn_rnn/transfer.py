"""Networks that learn several tasks together, or start from what they learned on other tasks."""

from ._estimators.multitask import MultiTaskRNN
from ._estimators.reptile import Reptile
from ._estimators.transfer import transfer

__all__ = ["MultiTaskRNN", "Reptile", "transfer"]
