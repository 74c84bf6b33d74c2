"""Builds the one native module, sklearn_rnn._core. Everything else is in pyproject.toml."""

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from glob import glob
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import Cython
import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FLAGS = [
    *("-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic"),  # -O3 takes longer and is no faster
    *("-std=gnu11", "-fvisibility=hidden", "-g0", "-pthread"),
    *("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
]
FLAGS_OF = {
    "_core/_core.pyx": ["-Og"],  # the boundary takes little time to run and much to compile
    "_core/levels/kernels_avx512_32.c": [
        "-O3"
    ],  # -O2 would fuse and round the Poisson loss differently
}
# SKLEARN_RNN_SANITIZE=address,undefined makes a build with sanitizers, for .ci/sanitize.
SANITIZERS = os.environ.get("SKLEARN_RNN_SANITIZE")
SANITIZER_FLAGS = [
    *(f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
    *("-O1", "-g", "-fno-wrapv"),  # Python's own flags define the overflow of signed numbers
]
# Cython's checks of indices are on in every build.
DIRECTIVES = {"nonecheck": True} if SANITIZERS else {}
OBJECTS = f"build/objects-{sys.implementation.cache_tag}"


class BuildCore(build_ext):
    """Compiles the sources that changed, on all cores.

    A digest beside each object file tells what it was made from. Dates would not work, because pip
    installs Cython, NumPy and SciPy again for each build, in another folder.
    """

    def build_extension(self, extension):
        cores, n_files = len(os.sched_getaffinity(0)), len(extension.sources)
        self.announce(f"compiling what changed of {n_files} files, {cores} at once", logging.INFO)
        with ThreadPoolExecutor(cores) as pool:
            objects = pool.map(partial(self.object_of, extension), extension.sources)
        self.compiler.link_shared_object(
            list(objects),
            self.get_ext_fullpath(extension.name),
            libraries=self.get_libraries(extension),
            extra_postargs=extension.extra_link_args,
            export_symbols=self.get_export_symbols(extension),
            build_temp=self.build_temp,
        )

    def object_of(self, extension, source):
        """Return the object file of a source, compiled again if its digest has changed."""
        is_cython = source.endswith(".pyx")
        flags = extension.extra_compile_args + FLAGS_OF.get(source, [])
        if SANITIZERS:
            flags += SANITIZER_FLAGS
        digest = self.digest_of(source, extension, flags)
        c_source = f"build/cython/{source[:-4]}.c" if is_cython else source
        (target,) = self.compiler.object_filenames([c_source], output_dir=OBJECTS)
        known = Path(f"{target}.sha256")
        if not self.force and Path(target).exists():
            if known.exists() and known.read_text() == digest:
                return target
        known.unlink(missing_ok=True)
        if is_cython:
            cythonize(
                [Extension(extension.name, [source])],
                include_path=["_core"],
                build_dir="build/cython",
                compiler_directives=DIRECTIVES,
                force=True,
            )
            # Cython copies headers there, and copies them again only if their dates are newer.
            for copied in Path("build/cython").rglob("*.h"):
                copied.unlink()
        self.compiler.compile(
            [c_source],
            output_dir=OBJECTS,
            macros=extension.define_macros,
            include_dirs=extension.include_dirs,
            extra_postargs=flags,
        )
        known.write_text(digest)
        return target

    def digest_of(self, source, extension, flags):
        """Return a digest of all that an object depends on."""
        command = [*self.compiler.compiler_so, *flags]
        compiler = subprocess.run(
            [*self.compiler.compiler_so, "--version"], capture_output=True, check=False
        )
        versions = sys.version, Cython.__version__, numpy.__version__, version("scipy")
        facts = command, compiler.stdout, versions, extension.define_macros, DIRECTIVES
        digest = sha256(repr(facts).encode())
        for path in sorted({source, *extension.depends}):
            if source.endswith(".c") and not path.endswith((".c", ".h")):
                continue
            digest.update(path.encode() + Path(path).read_bytes())
        return digest.hexdigest()


core = Extension(
    "sklearn_rnn._core",
    # The file that takes longest comes first.
    sources=[
        "_core/_core.pyx",
        *sorted(glob("_core/levels/kernels_*.c")),
        "_core/levels/dispatch.c",
    ],
    depends=glob("_core/**/*.h", recursive=True) + glob("_core/*.px[di]"),
    include_dirs=["_core", numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    extra_compile_args=FLAGS,
    extra_link_args=SANITIZER_FLAGS if SANITIZERS else [],
)

setup(ext_modules=[core], cmdclass={"build_ext": BuildCore})
