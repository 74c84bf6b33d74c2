"""Recurrent neural networks as scikit-learn estimators, with native kernels."""

import sys as _sys
from importlib.util import find_spec as _find_spec

if _find_spec(f"{__name__}._core") is None:
    raise ImportError(
        f"the compiled part of sklearn_rnn is missing in {__path__[0]} for Python "
        f"{_sys.version_info[0]}.{_sys.version_info[1]}. If this is the source folder and the "
        "package is installed elsewhere, start Python in another folder; otherwise run "
        "`pip install -e .` in the folder above."
    )

from ._core import set_simd_level
from ._core import simd_level as get_simd_level
from ._data.unpacking import unpad
from ._estimators.classifier import RNNClassifier
from ._estimators.regressor import RNNRegressor
from ._show_versions import show_versions
from ._truncated_bptt import TruncatedBPTT
from ._version import __version__

__all__ = [
    "RNNClassifier",
    "RNNRegressor",
    "TruncatedBPTT",
    "__version__",
    "get_simd_level",
    "set_simd_level",
    "show_versions",
    "unpad",
]
