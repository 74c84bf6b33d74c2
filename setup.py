"""Builds the one native module, sklearn_rnn._core. Everything else is in pyproject.toml."""

import os
import subprocess
import tempfile
from glob import glob
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FLAGS = [
    *("-O3", "-std=gnu11", "-fvisibility=hidden", "-g0"),
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
PROBE = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"


class BuildCore(build_ext):
    """Adds OpenMP where the compiler has it; without, the same results come from one thread."""

    def build_extensions(self):
        if os.environ.get("SKLEARN_RNN_OPENMP") != "0":
            if self.compiler_has_openmp():
                for extension in self.extensions:
                    extension.extra_compile_args.append("-fopenmp")
                    extension.extra_link_args.append("-fopenmp")
            else:
                self.warn("this compiler has no OpenMP: everything will run on one thread")
        super().build_extensions()

    def compiler_has_openmp(self):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(PROBE)
            command = [*self.compiler.compiler_so, "-fopenmp", str(source), "-o", f"{folder}/probe"]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0


core = Extension(
    "sklearn_rnn._core",
    sources=["_core/_core.pyx", "_core/dispatch.c", *sorted(glob("_core/kernels_*.c"))],
    depends=glob("_core/**/*.h", recursive=True) + glob("_core/*.pxd"),
    include_dirs=["_core", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    extra_compile_args=FLAGS + (SANITIZER_FLAGS if SANITIZERS else []),
    extra_link_args=SANITIZER_FLAGS if SANITIZERS else [],
)

setup(
    ext_modules=cythonize(
        [core],
        include_path=["_core"],
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
        force=bool(DIRECTIVES),  # Cython looks at dates alone
    ),
    cmdclass={"build_ext": BuildCore},
)
