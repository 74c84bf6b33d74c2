"""Estimators with an encoder and a decoder, which turn sequences into sequences of other lengths."""

from ._estimators.seq2seq_classifier import Seq2SeqClassifier
from ._estimators.seq2seq_regressor import Seq2SeqRegressor

__all__ = ["Seq2SeqClassifier", "Seq2SeqRegressor"]
