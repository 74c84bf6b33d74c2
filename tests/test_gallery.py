"""The examples of the gallery are listed, have titles and pictures, and use public names only."""

import ast
import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
ORDER = ROOT / "docs" / "_ext" / "order_of_examples.py"
PATHS = sorted(EXAMPLES.glob("*/*.py"))
ALWAYS_THERE = {"sklearn_rnn", "sklearn", "numpy", "scipy", "matplotlib", *sys.stdlib_module_names}

pytestmark = pytest.mark.skipif(
    not (EXAMPLES.exists() and ORDER.exists()), reason="the gallery is not beside these tests"
)


@pytest.fixture(scope="module")
def order():
    spec = importlib.util.spec_from_file_location("order_of_examples", ORDER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imports_of(tree):
    """Yield pairs of a module and a name in it, or None."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


def test_every_example_has_a_place_in_its_section(order):
    listed = {
        EXAMPLES / section / f"plot_{name}.py"
        for section, names in order.SECTIONS.items()
        for name in names
    }
    assert listed == set(PATHS)
    for section, names in order.SECTIONS.items():
        files = sorted((f"plot_{name}.py" for name in names), key=order.Order(f"x/{section}"))
        assert files == [f"plot_{name}.py" for name in names]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_example_explains_itself_and_uses_public_names(path, order):
    text = path.read_text()
    tree = ast.parse(text)
    title, line, empty, first = ast.get_docstring(tree).splitlines()[:4]
    assert 0 < len(title) <= 60 and line == "=" * len(title) and empty == "" and first
    assert text.count("\n# %%") >= 2 and "plt.show()" in text
    assert len(text.splitlines()) <= 115
    needs = order.NEEDS.get(path.stem.removeprefix("plot_"), ())
    for module, name in imports_of(tree):
        top = module.split(".")[0]
        assert top in ALWAYS_THERE or top in needs
        if top == "sklearn_rnn":
            assert name in importlib.import_module(module).__all__


def test_examples_that_need_what_is_not_there_are_not_run(order, monkeypatch):
    monkeypatch.setattr(
        order, "NEEDS", {"a": ("no_such_module",), "b": ("/no/such", "sys"), "c": ("sys",)}
    )
    pattern = order.pattern_of_runnable()
    paths = [
        f"/examples/{name}.py" for name in ("plot_a", "plot_b", "plot_c", "plot_ab", "quickstart")
    ]
    assert [bool(re.search(pattern, path)) for path in paths] == [False, False, True, True, False]
