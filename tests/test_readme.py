"""The examples of the README and of the pages in docs run and print what these say."""

import doctest
from pathlib import Path

import pytest
from printed import ScoresMayDiffer

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("README.md", 20),
        ("docs/architectures.md", 60),
        ("docs/carriers.md", 60),
        ("docs/coming_from/aeon.md", 10),
        ("docs/coming_from/keras.md", 10),
        ("docs/coming_from/pytorch.md", 10),
        ("docs/coming_from/sklearn_crfsuite.md", 10),
        ("docs/coming_from/skorch.md", 10),
        ("docs/training.md", 45),
        ("docs/data.md", 30),
        ("docs/forecasting.md", 25),
        ("docs/concepts.md", 15),
        ("docs/getting_started.md", 30),
        ("docs/reproducibility.md", 12),
        ("docs/when_not.md", 10),
        ("docs/words.md", 30),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_page_prints_what_it_says(page, least):
    if not (ROOT / page).exists():
        pytest.skip(f"{page} lies beside the tests in the source tree only")
    examples = doctest.DocTestParser().get_doctest((ROOT / page).read_text(), {}, page, page, 0)
    assert len(examples.examples) > least
    runner = doctest.DocTestRunner(checker=ScoresMayDiffer())
    runner.run(examples)
    assert runner.summarize().failed == 0
