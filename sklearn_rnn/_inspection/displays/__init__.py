"""Pictures of estimators, with matplotlib."""
