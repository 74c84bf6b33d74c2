"""Importing the package, and what it says of itself."""

import shutil
from pathlib import Path

from cases import run_python

import sklearn_rnn
from sklearn_rnn import _core


def test_show_versions_tells_what_a_report_needs(capsys):
    sklearn_rnn.show_versions()
    text = capsys.readouterr().out
    for word in ("python", "sklearn-rnn", "numpy", "scipy", "scikit-learn", "SIMD"):
        assert word in text
    assert _core.simd_level() == sklearn_rnn.get_simd_level()


def test_importing_needs_no_more_than_it_says():
    code = """
import sys
import sklearn
before = set(sys.modules)
import sklearn_rnn
import sklearn_rnn.preprocessing
print(sorted({m.split(".")[0] for m in set(sys.modules) - before}))
print("sklearn.metrics" in sys.modules or "sklearn.model_selection" in sys.modules)
"""
    packages, heavy = run_python(code).stdout.splitlines()
    optional = {"torch", "matplotlib", "tqdm", "IPython", "pandas", "polars", "pyarrow"}
    optional |= {"awkward", "datasets"}
    assert not optional & set(packages.split("'"))
    assert heavy == "False"


def test_type_checkers_find_the_types():
    # The gate runs this test with an installed wheel.
    package = Path(sklearn_rnn.__file__).parent
    assert (package / "py.typed").exists() and (package / "_core.pyi").exists()


def test_importing_a_source_folder_says_what_to_do(tmp_path):
    shutil.copytree(Path(sklearn_rnn.__file__).parent, tmp_path / "sklearn_rnn")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
# That of an editable install would find the missing part.
sys.meta_path = [finder for finder in sys.meta_path if "Editable" not in repr(finder)]
import sklearn_rnn
"""
    built = [path for path in (tmp_path / "sklearn_rnn").glob("_core.*") if path.suffix != ".pyi"]
    assert len(built) == 1
    # A module that is there, but broken, tells of itself.
    built[0].write_bytes(b"")
    error = run_python(code, check=False).stderr
    assert "ImportError" in error and "_core" in error and "pip install" not in error
    built[0].unlink()
    error = run_python(code, check=False).stderr.splitlines()[-1]
    assert error.startswith(
        f"ImportError: the compiled part of sklearn_rnn is missing in {tmp_path}"
    )
    assert "another folder" in error and "pip install -e ." in error
