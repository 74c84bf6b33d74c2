"""The estimators: parameters, fitted attributes, callbacks and docstrings."""
