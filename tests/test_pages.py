"""The pages list every public name, and their links lead somewhere."""

import importlib
import pkgutil
import re
import unicodedata
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator

import sklearn_rnn
from sklearn_rnn import RNNClassifier, _documentation
from sklearn_rnn.cells import LSTM
from sklearn_rnn.preprocessing import SequenceScaler
from sklearn_rnn.seq2seq import Seq2SeqClassifier

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MODULES = ["sklearn_rnn"] + [
    f"sklearn_rnn.{module.name}"
    for module in pkgutil.iter_modules(sklearn_rnn.__path__)
    if not module.name.startswith("_")
]
GENERATED = ("_build", "generated", "results", "examples")  # by docs/build
COPIES = ("changes.md", "contributing.md", "security.md", "how.md")  # as well

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the pages are not beside these tests")


def on_page(path):
    """Return the names that a page of the reference lists, by module."""
    text = path.read_text()
    module = re.search(r"^\.\. module:: (\S+)$", text, flags=re.MULTILINE)
    return module and {module[1]: set(re.findall(r"^   (\w+)$", text, flags=re.MULTILINE))}


def test_the_reference_lists_every_public_name():
    listed = {}
    for path in (DOCS / "api").glob("*.rst"):
        listed |= on_page(path) or {}
    public = {name: set(importlib.import_module(name).__all__) for name in MODULES}
    public["sklearn_rnn"].remove("__version__")
    assert listed == public


def anchor_of(heading):
    """Return the anchor that code hosts give to a heading."""
    kept = [c for c in heading.strip().lower() if c in " -_" or unicodedata.category(c)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


def pages_in_docs():
    """Yield the Markdown files of docs/ that are no copies."""
    for page in DOCS.rglob("*.md"):
        if not set(GENERATED) & set(page.relative_to(DOCS).parts) and page.name not in COPIES:
            yield page


def test_links_between_pages_lead_somewhere():
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    pages += [ROOT / "benchmarks" / "README.md", *pages_in_docs()]
    links = 0
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for target, anchor in re.findall(r"\]\((?!\w+:)([^()\s#]*)(?:#([^()\s]*))?\)", text):
            path = (page.parent / target.replace("\n", " ")) if target else page
            assert path.exists(), f"{page}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
                assert anchor in map(anchor_of, headings), f"{page}: #{anchor}"
            links += 1
    assert links > 60


def test_the_page_of_benchmarks_leads_to_every_result():
    page = (DOCS / "benchmarks" / "index.md").read_text()
    results = sorted(path.stem for path in (ROOT / "benchmarks" / "results").glob("*.md"))
    linked = re.findall(r"\]\(\.\./\.\./benchmarks/results/(\w+)\.md\)", page)
    assert sorted(set(linked)) == results
    assert sorted(re.findall(r"<results/(\w+)>", page)) == results  # the menu of the site


def test_parts_of_other_files_are_found(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "_ext")
    parts = importlib.import_module("parts_of_files")
    named = [match for page in pages_in_docs() for match in parts.PART.findall(page.read_text())]
    assert len(named) >= 3
    for file, heading in named:
        part = parts.part_of((ROOT / file).read_text(), heading)
        assert len(part) > 200 and "\n## " not in part
    text = "# A\n```\n# comment\n```\nb\n## C\nc\n# D\nd"
    assert parts.part_of(text, "A") == "```\n# comment\n```\nb\n## C\nc"
    examples = parts.part_of((ROOT / "README.md").read_text(), "Examples")
    shown = parts.with_pictures_of_theme(examples, "docs")
    assert "<picture>" in examples and "<picture>" not in shown
    assert shown.count(":class: only-dark") == shown.count(":class: only-light") == 3


def estimators():
    for module in map(importlib.import_module, MODULES):
        for thing in (getattr(module, name) for name in module.__all__):
            if isinstance(thing, type) and issubclass(thing, BaseEstimator):
                yield thing


def test_estimators_link_to_their_pages_where_these_are_published(monkeypatch):
    assert RNNClassifier()._get_doc_link() == ""
    assert "href" not in LSTM()._repr_html_().split("<body>")[-1].split("</style>")[-1]
    monkeypatch.setattr(_documentation, "URL", "https://pages.example/")
    pages = "https://pages.example/api/generated"
    assert RNNClassifier()._get_doc_link() == f"{pages}/sklearn_rnn.RNNClassifier.html"
    assert f'href="{pages}/sklearn_rnn.cells.LSTM.html"' in LSTM()._repr_html_()
    for estimator, name in (
        (Seq2SeqClassifier(), "seq2seq.Seq2SeqClassifier"),
        (SequenceScaler(), "preprocessing.SequenceScaler"),
    ):
        assert estimator._get_doc_link() == f"{pages}/sklearn_rnn.{name}.html"
    documented = list(estimators())
    assert len(documented) > 20
    assert all(issubclass(thing, _documentation.Documented) for thing in documented)

    class Mine(RNNClassifier):
        pass

    assert Mine()._get_doc_link() == ""


def test_the_citation_names_the_version():
    version = re.match(r"\d+\.\d+\.\d+", sklearn_rnn.__version__)[0]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"version = {{{version}}}" in (DOCS / "project" / "citation.md").read_text()
