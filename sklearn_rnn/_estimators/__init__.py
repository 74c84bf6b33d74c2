"""The estimators, and what they check, store and tell their callbacks."""
