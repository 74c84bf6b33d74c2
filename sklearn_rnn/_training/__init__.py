"""Epochs of minibatches, and what they need."""
