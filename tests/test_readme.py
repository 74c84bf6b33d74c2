"""The examples of the README and of the pages in docs run and print what these say."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NUMBER = re.compile(r"\d+\.\d+")
SCORE_TOLERANCE = 0.015  # other processors round differently, and training enlarges it


class ScoresMayDiffer(doctest.OutputChecker):
    """Accept decimal numbers that are close; everything else must be equal."""

    def check_output(self, want, got, optionflags):
        expected, came = NUMBER.findall(want), NUMBER.findall(got)
        close = len(expected) == len(came) and all(
            abs(float(a) - float(b)) <= SCORE_TOLERANCE for a, b in zip(expected, came, strict=True)
        )
        want, got = NUMBER.sub("#", want), NUMBER.sub("#", got)
        return close and super().check_output(want, got, optionflags)


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("README.md", 20),
        ("docs/architectures.md", 60),
        ("docs/carriers.md", 60),
        ("docs/training.md", 45),
        ("docs/data.md", 30),
        ("docs/forecasting.md", 25),
        ("docs/concepts.md", 20),
        ("docs/concepts/backpropagation.md", 20),
        ("docs/concepts/directions.md", 20),
        ("docs/concepts/gates.md", 20),
        ("docs/concepts/writing.md", 25),
        ("docs/getting_started.md", 30),
        ("docs/reproducibility.md", 12),
        ("docs/seq2seq.md", 40),
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
