"""What the extensions in docs/_ext change in the pages: links and headings."""

import importlib
from pathlib import Path

import pytest

from sklearn_rnn import RNNClassifier
from sklearn_rnn.preprocessing import Lags

EXTENSIONS = Path(__file__).parents[1] / "docs" / "_ext"

pytestmark = pytest.mark.skipif(
    not EXTENSIONS.exists(), reason="the pages are not beside these tests"
)


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(EXTENSIONS)
    return importlib.import_module


def test_links_between_files_become_links_between_pages(extension):
    change = extension("repository_pages").with_links_of_site
    for link, source, changed in (
        ("[a](docs/data.md#x)", "README.md", "[a](data.md#x)"),
        ("[a](../CHANGELOG.md)", "docs/guide.md", "[a](project/changes.md)"),
        ("[a](../examples/quickstart.py)", "docs/guide.md", "[a](examples/quickstart.rst)"),
        ("[a](../../README.md)", "docs/concepts/gates.md", "[a](../index.md)"),
        ("[a](results/fit.md)", "benchmarks/README.md", "[a](results/fit.md)"),
        *(
            (same, "docs/guide.md", same)
            for same in ("[a](https://a.example/b.md)", "[a](no_such_page.md)", "[a](#x)")
        ),
    ):
        assert change(link, source) == changed


def test_headings_between_parameters_are_no_parameters(extension):
    lines = [":Parameters:", "", "    **-- Network --**", "        ..", "    **cell** : str"]
    extension("grouped_parameters").set_headings(None, "class", "", None, None, lines)
    assert lines[2:] == ["    .. rubric:: Network", "", "    **cell** : str"]


def test_only_long_signatures_are_shortened(extension):
    shorten = extension("grouped_parameters").shorten_signature
    shown = [shorten(None, "class", "", cls, None, "(...)", None) for cls in (RNNClassifier, Lags)]
    assert shown == [("(hidden_layer_sizes=..., *, ...)", None), None]


def test_the_first_name_in_a_section_is_a_link(extension):
    pytest.importorskip("sphinx")
    from docutils import nodes
    from docutils.utils import new_document
    from sphinx import addnodes

    def section(*names):
        return nodes.section("", nodes.paragraph("", "", *(nodes.literal("", n) for n in names)))

    document = new_document("guide.md")
    document += section("RNNClassifier", "RNNClassifier(8)", "cells.LSTM", "permutation_importance")
    document += section("RNNClassifier(cell='lstm')", "sklearn_rnn.cells.LSTM", "rnn")
    document[0] += nodes.title("", "", nodes.literal("", "Lags"))
    names = extension("links_to_names")
    names.LinkNames(document).apply()
    links = [(node["reftarget"], node.astext()) for node in document.findall(addnodes.pending_xref)]
    assert links == [
        ("sklearn_rnn.RNNClassifier", "RNNClassifier"),
        ("sklearn_rnn.RNNClassifier", "RNNClassifier(cell='lstm')"),
        ("sklearn_rnn.cells.LSTM", "sklearn_rnn.cells.LSTM"),
    ]
