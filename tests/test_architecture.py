"""The house keeps its shape: which way imports point, what C may do, and where lists live."""

import ast
import os
import platform
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from cases import run_python

import sklearn_rnn
from sklearn_rnn import _core

PACKAGE = Path(sklearn_rnn.__file__).parent
ROOT = Path(__file__).parents[1]
NATIVE = ROOT / "_core"
# From the top of the house to its ground: each may import those to its right, never to its left.
ROAD = ("_estimators.classifier", "_estimators.base", "_training.epochs", "_model.network", "_core")
ESTIMATORS = (
    *("_estimators.classifier", "_estimators.regressor", "_estimators.multitask"),
    *("_estimators.language_model", "_estimators.seq2seq_regressor"),
    "_estimators.sequence_autoencoder",
    *("_preprocessing.scaler", "forecasting", "text"),
)
# Where the pickles of earlier versions look for classes.
MOVED = {"_classifier": "_estimators.classifier", "_regressor": "_estimators.regressor"}
FRAMEWORKS = {"torch", "jax", "tensorflow", "keras", "skorch", "onnxruntime"}

needs_sources = pytest.mark.skipif(
    not (NATIVE / "interface").exists(), reason="the native sources do not lie beside these tests"
)


@cache
def modules():
    """Return the syntax trees of the package's modules, by name: "_data.sequences"."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text())
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports_of(name, tree):
    """Return the modules of the package and the other top-level packages that a module imports."""
    ours, others = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            others.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            folder = name.split(".")[: -node.level]
            module = ".".join([*folder, *([node.module] if node.module else [])])
            if module and not (PACKAGE / module.replace(".", "/")).is_dir():
                ours.add(module)
            else:
                ours |= {f"{module}.{alias.name}".lstrip(".") for alias in node.names}
    return ours, others


def reached_from(*names):
    """Return these modules and all that they import, directly or not."""
    graph, reached, waiting = modules(), set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(imports_of(name, graph[name])[0] if name in graph else ())
    return reached


# ---- Python -------------------------------------------------------------------------------------


def test_imports_run_in_no_circle():
    graph = {name: imports_of(name, tree)[0] for name, tree in modules().items()}
    assert list(TopologicalSorter(graph).static_order())


def test_a_folder_says_what_it_holds_and_nothing_more():
    for name, tree in modules().items():
        if name.endswith(".__init__"):
            assert [type(node) for node in tree.body] == [ast.Expr], name
    for name, tree in modules().items():
        stars = [
            node for node in ast.walk(tree) if isinstance(node, ast.alias) and node.name == "*"
        ]
        assert not stars, name


def test_moved_modules_are_imported_by_pickles_alone():
    for name, tree in modules().items():
        assert not imports_of(name, tree)[0] & set(MOVED), name
    for old, new in MOVED.items():
        assert imports_of(old, modules()[old])[0] == {new}


def test_imports_point_one_way():
    for i, name in enumerate(ROAD):
        reached = reached_from(name)
        assert reached >= set(ROAD[i:]), f"{name} does not reach what is below it"
        assert not reached & set(ROAD[:i]), f"{name} imports a room above it"


def test_scikit_learn_is_touched_by_the_estimators_alone():
    touching = {name for name, tree in modules().items() if "sklearn" in imports_of(name, tree)[1]}
    assert touching >= {"_estimators.base", *ESTIMATORS}
    below = reached_from("_training.epochs", "_data.unpacking", "_metrics.steps", "_show_versions")
    assert not touching & (below - {"__init__"})
    public = (
        "transfer",
        "metrics",
        "model_selection",
        "preprocessing",
        "inspection",
        "datasets",
        "progress",
    )
    assert touching <= reached_from(*ESTIMATORS, *public)


@needs_sources
def test_the_design_page_knows_every_room():
    page = (ROOT / "docs" / "design.md").read_text()
    house = page[page.index("## Files") : page.index("## How the data flow")]
    rooms = [path.name for path in (*NATIVE.rglob("*.*"), *PACKAGE.rglob("*.py"))]
    rooms = [name for name in rooms if not re.match(r"kernels_|__init__|_core\.c", name)]
    rooms += [f"{path.parent.name}/" for path in PACKAGE.rglob("__init__.py")]
    assert len(rooms) > 40
    assert [name for name in rooms if name not in house] == []


def test_no_framework_is_imported():
    for name, tree in modules().items():
        assert not imports_of(name, tree)[1] & FRAMEWORKS, name


def test_importing_loads_no_framework():
    code = "import sys, sklearn_rnn; print(*{name.split('.')[0] for name in sys.modules})"
    assert not set(run_python(code).stdout.split()) & FRAMEWORKS


def plain_strings(tree):
    """Return the strings of a module that are neither documentation nor defaults of parameters."""
    spared = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            spared.add(node.value)
        elif isinstance(node, ast.arguments):
            spared |= set(node.defaults + node.kw_defaults)
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in constants if node not in spared and type(node.value) is str}


def test_no_cell_is_named_outside_the_roster():
    for name, tree in modules().items():
        if name in (
            "cells",
            "_typing",
            "_estimators.parameters",
        ):  # tests compare them with the roster
            continue
        assert not plain_strings(tree) & set(_core.CELLS), name


# ---- Native sources -----------------------------------------------------------------------------


def native_sources():
    """Return the native files without comments and, but for includes, without strings, by name."""
    texts = {}
    for path in sorted(NATIVE.rglob("*.[chp]*")):
        text = path.read_text()
        if path.suffix in (".pyx", ".pxd", ".pxi"):
            text = re.sub(r'"""(?s:.*?)"""|#.*', " ", text)
        else:
            text = re.sub(r"/\*(?s:.*?)\*/|//.*", " ", text)
        texts[path.relative_to(NATIVE).as_posix()] = text
    return texts


@needs_sources
def test_native_code_neither_allocates_nor_prints():
    calls = r"\b(\w*alloc\w*|free|\w*printf|f?puts|abort|exit|mtx_\w+|thrd_\w+)\s*\("
    for name, text in native_sources().items():
        # In Cython, memory is taken as NumPy arrays by a method of that name.
        found = set(re.findall(calls, text)) - ({"allocate"} if name.endswith(".pxi") else set())
        assert not found, f"{name} calls {found}"


@needs_sources
def test_threads_start_in_one_place_and_wait_in_another():
    texts = native_sources()
    words = re.compile(r"\b(omp|omp_\w+|_OPENMP|prange|parallel|pthread_create)\b")
    assert {name for name, text in texts.items() if words.search(text)} == {"run/team.h"}
    locking = {name for name, text in texts.items() if re.search(r"\bpthread_(mutex|cond)_", text)}
    assert locking == {"run/waiting.h"}


@needs_sources
def test_native_code_knows_no_room_above_it():
    for name, text in native_sources().items():
        above = set(re.findall(r"\b(?:import|from)\s+(sklearn[\w.]*|\.)", text))
        assert above <= {"sklearn_rnn._memory"}, name
    assert imports_of("_memory", modules()["_memory"])[0] == set()


@needs_sources
def test_headers_include_in_no_circle():
    texts = native_sources()
    graph = {name: re.findall(r'#include\s+"(.*?)"', text) for name, text in texts.items()}
    for name, headers in graph.items():
        for header in headers:
            assert (NATIVE / header).exists(), f"{name} includes {header}"
    assert list(TopologicalSorter(graph).static_order())


@needs_sources
def test_no_check_of_cython_is_switched_off():
    switches = r"\b(boundscheck|wraparound|initializedcheck|cdivision)\b"
    for path in (ROOT / "setup.py", *NATIVE.glob("*.p[xy]*")):
        found = re.search(switches, path.read_text())
        assert not found, f"{path.name} sets {found[0]}"


@needs_sources
def test_blas_is_called_in_one_place():
    texts = native_sources()
    calling = {name for name, text in texts.items() if re.search(r"cython_blas|\b[sd]gemm\b", text)}
    assert calling == {"blas.pxd"}


@needs_sources
def test_every_cell_is_one_file_that_names_no_type():
    files = {path.stem: path.read_text() for path in (NATIVE / "cells").glob("*.h")}
    for shared in ("activations", "declare", "norms", "roster", "step"):
        del files[shared]
    assert set(files) == set(_core.CELLS)
    for name, text in files.items():
        text = text.replace("const double *option", "")  # the values of options have one type
        assert not re.search(r"\b(float|double|__m\d+\w*)\b", text), name


@needs_sources
def test_cells_are_listed_in_the_roster_alone():
    for name, text in native_sources().items():
        if not name.startswith("cells/"):
            assert not re.search(rf"\b({'|'.join(_core.CELLS)})(_|\b)", text), name


@needs_sources
def test_compiler_flags_keep_arithmetic_honest_and_portable():
    text = (ROOT / "setup.py").read_text() + "".join(native_sources().values())
    for flag in ("fast-math", "-Ofast", "march=", "mtune=", "GCC optimize", "-std=c11"):
        assert flag not in text, flag


# ---- SIMD levels --------------------------------------------------------------------------------


def level_taken(value):
    """Return the level that a new interpreter takes under SKLEARN_RNN_SIMD=value."""
    code = (
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        f"spec = spec_from_file_location('_core', {_core.__file__!r})\n"
        "core = module_from_spec(spec)\n"
        "spec.loader.exec_module(core)\n"  # without the rest of the package, which takes seconds
        "print(core.simd_level())"
    )
    return run_python(code, SKLEARN_RNN_SIMD=value).stdout.strip()


def test_every_level_of_this_machine_was_compiled():
    levels = ("baseline",)
    if platform.machine().lower() in ("x86_64", "amd64"):
        levels += ("avx2", "avx512")
    assert _core.compiled_simd_levels() == levels


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="needs /proc/cpuinfo")
def test_every_level_that_the_processor_has_is_offered():
    line = re.search(r"^flags\s*:.*$|\Z", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    flags = set(line[0].split())
    needed = {
        "avx2": {"avx2", "fma"},
        "avx512": {"avx2", "fma", "avx512f", "avx512dq", "avx512vl", "avx512bw"},
    }
    levels = _core.compiled_simd_levels()
    assert _core.simd_levels() == tuple(x for x in levels if needed.get(x, set()) <= flags)


def test_the_fastest_level_is_taken_unless_told_otherwise():
    assert level_taken("") == _core.simd_levels()[-1]
    for level in _core.simd_levels():
        assert level_taken(level) == level


def test_a_wrong_level_is_refused():
    result = run_python("import sklearn_rnn", check=False, SKLEARN_RNN_SIMD="abacus")
    assert result.returncode != 0
    assert "ImportError: SKLEARN_RNN_SIMD" in result.stderr
    assert "abacus" in result.stderr and "baseline" in result.stderr
    with pytest.raises(ValueError, match="abacus"):
        _core.set_simd_level("abacus")
    assert _core.simd_level() in _core.simd_levels()
