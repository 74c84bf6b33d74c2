"""The results of benchmarks are kept small, and a part of them can be measured again."""

import importlib.util
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(
    not BENCHMARKS.exists(), reason="the benchmarks do not lie beside these tests"
)


@pytest.fixture
def harness(tmp_path, monkeypatch):
    """The module that the benchmarks share, writing to another folder."""
    spec = importlib.util.spec_from_file_location("harness", BENCHMARKS / "harness.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def test_stored_results_take_a_line_for_each_row():
    files = list(BENCHMARKS.glob("results/*.json"))
    assert files
    for file in files:
        lines, rows = file.read_text().splitlines(), json.loads(file.read_text())["rows"]
        assert [json.loads(line.rstrip(",")) for line in lines[1:-1]] == rows


def test_a_part_that_is_measured_again_replaces_its_rows(harness, capsys):
    columns = {"cell": "cell", "ms": "ms"}
    harness.write("speed", "Speed", columns, [{"cell": c, "ms": 1.0} for c in "ab"], ["cell"])
    harness.write("speed", "Speed", columns, [{"cell": "b", "ms": 2.0}], ["cell"])
    assert [(row["cell"], row["ms"]) for row in harness.read("speed")["rows"]] == [
        ("a", 1.0),
        ("b", 2.0),
    ]
    text = (harness.RESULTS / "speed.md").read_text()
    assert "| a    | 1  |\n| b    | 2  |" in text and "Made by `python benchmarks/speed.py`" in text
    assert capsys.readouterr().out.endswith(text)
