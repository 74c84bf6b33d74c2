"""Data sets that come with installed packages, and generated data sets."""
