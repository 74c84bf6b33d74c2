"""Scores of sequences: the parts of sklearn_rnn.metrics."""
