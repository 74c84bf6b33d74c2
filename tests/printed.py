"""What the examples of pages print, compared as other processors may print it."""

import doctest
import re

NUMBER = re.compile(r"\d+\.\d+")
SCORE_TOLERANCE = 0.015  # other processors round differently, and training enlarges it


def are_close(want, got, tolerance=SCORE_TOLERANCE):
    """Return whether two texts have as many decimal numbers, and these are close."""
    expected, came = NUMBER.findall(want), NUMBER.findall(got)
    return len(expected) == len(came) and all(
        abs(float(a) - float(b)) <= tolerance for a, b in zip(expected, came, strict=True)
    )


class ScoresMayDiffer(doctest.OutputChecker):
    """Accept decimal numbers that are close; everything else must be equal."""

    def check_output(self, want, got, optionflags):
        equal = super().check_output(NUMBER.sub("#", want), NUMBER.sub("#", got), optionflags)
        return equal and are_close(want, got)
