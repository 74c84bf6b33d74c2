"""The README's examples run and print what it says."""

import doctest
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
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


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_readme_prints_what_it_says():
    if not README.exists():
        pytest.skip("the README lies beside the tests in the source tree only")
    parser = doctest.DocTestParser()
    examples = parser.get_doctest(README.read_text(), {}, "README", str(README), 0)
    assert len(examples.examples) > 20
    runner = doctest.DocTestRunner(checker=ScoresMayDiffer())
    runner.run(examples)
    assert runner.summarize().failed == 0
