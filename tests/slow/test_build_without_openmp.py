"""A build by a compiler without OpenMP gives the same bits, from one thread: about a minute.

Run by hand: ``pytest tests/slow``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from cases import run_python
from test_determinism import PRINT_HASHES, training_hashes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Return a folder with the package, built without OpenMP."""
    pytest.importorskip("Cython")
    if not (ROOT / "_core" / "kernels.h").exists():
        pytest.skip("the native sources do not lie beside these tests")
    folder = tmp_path_factory.mktemp("build")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("_core", "sklearn_rnn"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.so"))
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=folder,
        env={**os.environ, "SKLEARN_RNN_OPENMP": "0"},
        check=True,
    )
    return folder


def test_a_build_without_openmp_has_none(build):
    code = "import sklearn_rnn._core as c; print(c.__file__, c.openmp_enabled())"
    file, enabled = run_python(code, PYTHONPATH=str(build)).stdout.split()
    assert Path(file).is_relative_to(build)
    assert enabled == "False"


def test_a_build_without_openmp_gives_the_same_bits(build):
    hashes = run_python(PRINT_HASHES, PYTHONPATH=str(build)).stdout.strip()
    assert hashes == str(training_hashes())
