"""Recurrent neural networks as scikit-learn estimators, on kernels of their own."""

__version__ = "0.2.0.dev0"

from ._classifier import RNNClassifier
from ._core import set_simd_level
from ._core import simd_level as get_simd_level
from ._regressor import RNNRegressor
from ._sequences import unpad
from ._show_versions import show_versions

__all__ = [
    "RNNClassifier",
    "RNNRegressor",
    "__version__",
    "get_simd_level",
    "set_simd_level",
    "show_versions",
    "unpad",
]
