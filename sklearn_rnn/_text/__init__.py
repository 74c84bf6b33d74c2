"""Texts and tokens in any carrier -> codes, and back."""
