"""The examples that run on little data do so, and print what they promise."""

import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.skipif(
    not EXAMPLES.exists(), reason="the examples do not lie beside these tests"
)


@pytest.fixture
def output(monkeypatch, capsys):
    """Return a function that runs an example and returns what it prints."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_sensors(output):
    pytest.importorskip("pandas")
    text = output("sensors.py", "--small")
    network, forest = map(float, re.findall(r"(?:network|statistics) (0\.\d+)", text))
    assert network > 0.4 and forest > 0.7  # 0.2 by guessing
    assert "standing" in text and "after  60 steps" in text
    assert re.search(r"the same up to (0e\+00|\de-\d\d)", text)


def test_sentiment(output):
    text = output("sentiment.py")
    network, linear = map(float, re.findall(r"(?:network|tf-idf): accuracy (\d\.\d+)", text))
    assert network > 0.9 and linear < 0.6
    assert "the better one is network" in text
