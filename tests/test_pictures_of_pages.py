"""Pictures of the pages: each one is drawn by docs/pictures and shown by a page."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = DOCS / "pictures"


@pytest.mark.skipif(not PICTURES.exists(), reason="docs lie in the source tree only")
def test_each_picture_is_drawn_and_shown():
    stored = sorted(path.name for path in PICTURES.glob("*.svg"))
    drawn = re.findall(r"def draw_(\w+)", "".join(p.read_text() for p in PICTURES.glob("*.py")))
    pages = "".join(page.read_text() for page in DOCS.rglob("*.md"))
    shown = re.findall(r"!\[[^\]]{20,}\]\(\S*pictures/(\w+\.svg)\)", pages)
    assert stored == sorted(f"{name}.svg" for name in drawn) == sorted(set(shown))
