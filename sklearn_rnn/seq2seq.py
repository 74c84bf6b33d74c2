"""Encoders and decoders, which turn sequences into sequences of other lengths."""

from ._estimators.seq2seq_classifier import Seq2SeqClassifier
from ._estimators.seq2seq_regressor import Seq2SeqRegressor
from ._estimators.sequence_autoencoder import SequenceAutoencoder

__all__ = ["Seq2SeqClassifier", "Seq2SeqRegressor", "SequenceAutoencoder"]
