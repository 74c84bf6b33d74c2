"""Networks that share what they learn with other tasks."""

from ._estimators.multitask import MultiTaskRNN

__all__ = ["MultiTaskRNN"]
