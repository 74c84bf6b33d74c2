"""Converters between the forms in which other libraries and tables hold sequences, and ours."""
