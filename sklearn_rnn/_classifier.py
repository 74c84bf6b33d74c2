"""Where pickles of sklearn_rnn 0.1.0 look for RNNClassifier."""

from ._estimators.classifier import RNNClassifier

__all__ = ["RNNClassifier"]
