"""Splitters, predictions of folds, and estimators of the numbers of sequences."""
