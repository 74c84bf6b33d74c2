"""What a bug report should say about the machine and the libraries."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version


def show_versions() -> None:
    """Print the system, the versions that matter, and what the kernels use of this processor.

    See Also
    --------
    get_simd_level : Returns the SIMD level in use.

    Examples
    --------
    >>> import sklearn_rnn
    >>> sklearn_rnn.show_versions()  # doctest: +SKIP
    System:
        python: 3.11.9 ...
    """
    for title, facts in _facts().items():
        print(f"{title}:")
        width = max(map(len, facts))
        for name, fact in facts.items():
            print(f"    {name:>{width}}: {fact}")


def _facts():
    from . import _core
    from ._training.threads import effective_n_threads
    from ._version import __version__

    packages = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl")
    return {
        "System": {
            "python": sys.version.replace("\n", " "),
            "executable": sys.executable,
            "machine": platform.platform(),
        },
        "Packages": {"sklearn-rnn": __version__, **{name: _version(name) for name in packages}},
        "Kernels": {
            "SIMD level": _core.simd_level(),
            "runs here": ", ".join(_core.simd_levels()),
            "compiled": ", ".join(_core.compiled_simd_levels()),
            "threads": effective_n_threads(),
        },
    }


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
