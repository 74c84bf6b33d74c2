"""Language models: networks that score texts and write them."""

from ._estimators.language_model import RNNLanguageModel

__all__ = ["RNNLanguageModel"]
