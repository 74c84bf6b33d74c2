"""Both codes on each page "Coming from ..." run, in the order of the page, and print what it says.

Code with `>>>` needs this package only, and tests/test_readme.py runs it alone, too. In the code of
the other library, the comment behind a `print` is what this prints.
"""

import contextlib
import doctest
import importlib.util
import io
import re
from pathlib import Path

import pytest
import torch
from printed import ScoresMayDiffer

PAGES = Path(__file__).parents[2] / "docs" / "coming_from"
BLOCK = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^ *print\(.*\)  # (.+)$", flags=re.MULTILINE)
REQUIRED = ("pytorch", "sklearn_crfsuite", "skorch")
OPTIONAL = {"aeon": "numba", "keras": "keras"}  # of the extra `peers`
SCORES = ScoresMayDiffer()

pages = [*REQUIRED, *(page for page, name in OPTIONAL.items() if importlib.util.find_spec(name))]


def run_theirs(code, names):
    """Run code of the other library; its comments say what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<page>", "exec"), names)
    want = "".join(f"{line}\n" for line in PRINTED.findall(code))
    assert SCORES.check_output(want, printed.getvalue(), 0), (want, printed.getvalue())


def run_ours(code, names):
    """Run a doctest, which may use names of the code above it."""
    examples = doctest.DocTestParser().get_doctest(code, names, "page", "page", 0)
    runner = doctest.DocTestRunner(checker=SCORES)
    failed = runner.run(examples, clear_globs=False).failed
    names.update(examples.globs)
    assert failed == 0


@pytest.mark.parametrize("page", pages)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_both_codes_of_a_page_print_what_it_says(page, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    blocks, names = BLOCK.findall((PAGES / f"{page}.md").read_text()), {"__name__": page}
    theirs = [not block.startswith(">>>") for block in blocks]
    assert sum(theirs) >= 2 and len(blocks) - sum(theirs) >= 2
    torch.set_num_threads(1)
    for block, is_theirs in zip(blocks, theirs, strict=True):
        (run_theirs if is_theirs else run_ours)(block, names)


def test_every_page_is_tested():
    assert {page.stem for page in PAGES.glob("*.md")} == {*REQUIRED, *OPTIONAL, "index"}
