"""Transformers of sequences in every accepted form."""

from ._preprocessing.scaler import SequenceScaler

__all__ = ["SequenceScaler"]
