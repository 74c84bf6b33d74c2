"""Networks that share what they learn with other tasks, or begin with what others have taught."""

from ._estimators.multitask import MultiTaskRNN
from ._estimators.reptile import Reptile
from ._estimators.transfer import transfer

__all__ = ["MultiTaskRNN", "Reptile", "transfer"]
