"""Splitters of data in time order, and of sequences."""
