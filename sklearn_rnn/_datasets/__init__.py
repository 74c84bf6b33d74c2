"""Data sets that installed packages bring, and generated ones."""
