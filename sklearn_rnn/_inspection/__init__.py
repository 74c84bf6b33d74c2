"""Looks into estimators: memory, importances of features, pictures."""
