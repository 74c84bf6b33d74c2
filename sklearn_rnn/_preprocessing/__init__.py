"""Transformers of sequences."""
