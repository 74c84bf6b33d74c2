"""Builds the one native module, sklearn_rnn._core. Everything else is in pyproject.toml."""

import os
from glob import glob

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

FLAGS = [
    *("-O3", "-std=gnu11", "-fvisibility=hidden", "-g0", "-pthread"),
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
]
# SKLEARN_RNN_SANITIZE=address,undefined makes a build that watches itself, for .ci/sanitize.
SANITIZERS = os.environ.get("SKLEARN_RNN_SANITIZE")
SANITIZER_FLAGS = [
    *(f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
    *("-O1", "-g", "-fno-wrapv"),  # Python's own flags define the overflow of signed numbers
]
# Cython's checks of indices are on in every build.
DIRECTIVES = {"nonecheck": True} if SANITIZERS else {}

core = Extension(
    "sklearn_rnn._core",
    sources=["_core/_core.pyx", "_core/dispatch.c", *sorted(glob("_core/kernels_*.c"))],
    depends=glob("_core/**/*.h", recursive=True) + glob("_core/*.pxd"),
    include_dirs=["_core", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    extra_compile_args=FLAGS + (SANITIZER_FLAGS if SANITIZERS else []),
    extra_link_args=["-pthread", *(SANITIZER_FLAGS if SANITIZERS else [])],
)

setup(
    ext_modules=cythonize(
        [core],
        include_path=["_core"],
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
        force=bool(DIRECTIVES),  # Cython looks at dates alone
    ),
)
