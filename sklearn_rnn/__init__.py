"""Recurrent neural networks as scikit-learn estimators, with native kernels."""

__version__ = "0.2.0.dev0"

import sys as _sys
from importlib.util import find_spec as _find_spec

if _find_spec(f"{__name__}._core") is None:
    raise ImportError(
        f"the compiled part of sklearn_rnn is missing in {__path__[0]} for Python "
        f"{_sys.version_info[0]}.{_sys.version_info[1]}. If this is the source folder and the "
        "package is installed elsewhere, start Python in another folder; otherwise run "
        "`pip install -e .` in the folder above."
    )

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
