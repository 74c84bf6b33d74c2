"""A call of something public, and what may come of it."""

import pickle
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from hostile_values import (
    BAD,
    GOOD,
)
from hypothesis import HealthCheck, given, settings
from sklearn.exceptions import DataConversionWarning

from sklearn_rnn._data.nested import is_nested
from sklearn_rnn.preprocessing import from_nested

# Errors of scikit-learn's checks that name X, y or a parameter in its own words.
WORDS_OF_SKLEARN = re.compile(
    r"Input (X|y|sample_weight)(_val)? contains|X(_val)? has \d+ features, but|"
    r"Found array with (\d+ sample|\d+ feature|dim)|Expected 2D array, got|"
    r"Complex data not supported|np\.matrix is not supported|requires y to be passed|"
    r"Unknown label type|"
    r"`classes` must be passed|Sparse data was passed for X|y should be a 1d array|"
    r"class_weight='balanced' is not supported|The feature names should match|"
    r"Feature names are only supported"
)
# The only warnings besides those of a category below.
KNOWN_WARNINGS = re.compile(
    r"[RD]2 is not defined|R\^2 score is not well-defined|Maximum number of epochs|"
    r"`y` has as many columns as X has steps|Features without any observed value|"
    r"`X` has NaN only at the ends of sequences|"
    r"Training ended before|`batch_size`=|"
    r"`y.*` holds (a single class|-100)|Each (step|sequence) in `y.*exactly one 1|"
    r"The number of unique classes is greater|The least populated class|"
    r"X (has feature names, but|does not have valid feature names)"
)


@dataclass
class Call:
    """What is called, with what, and what must come of it."""

    owner: object  # the estimator, or the module of a function
    method: str
    arguments: dict
    verdict: int
    parameters: tuple = field(default=(), repr=False)  # names that an error may be about as well
    gives_back: bool = False  # numbers of the user's own, which need not be finite
    keeps_nan: bool = False  # missing values of X are missing in the result

    def run(self):
        return getattr(self.owner, self.method)(**self.arguments)


# ---- what may come of a call --------------------------------------------------------------------


def outcome(call):
    """Call; return "answered" or "refused", and hold that it is one of these in good order."""
    before = state_of(call.owner)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call.run()
        except (ValueError, TypeError, MemoryError) as error:
            assert names_an_argument(str(error), call), f"does not say what is wrong: {error!r}"
            # `partial_fit` keeps what it learned before the minibatch that diverged.
            kept = call.method == "partial_fit" and "diverged" in str(error)
            assert kept or state_of(call.owner) == before, "changed by a call that failed"
            assert call.verdict != GOOD, f"a good call was refused: {error!r}"
            result = error
    for warning in caught:
        known = issubclass(warning.category, DataConversionWarning) or (
            issubclass(warning.category, UserWarning) and KNOWN_WARNINGS.match(str(warning.message))
        )
        assert known, f"a strange warning: {warning.message!r}"
    if isinstance(result, Exception):
        return "refused"
    assert call.verdict != BAD, "a bad call was answered"
    undefined = any("2 is not" in str(w.message) or "R^2" in str(w.message) for w in caught)
    fine = undefined or call.gives_back or is_finite(result, call.keeps_nan)
    assert fine, f"not finite: {result!r}"
    return "answered"


def state_of(owner):
    return pickle.dumps(vars(owner)) if hasattr(owner, "get_params") else None


def names_an_argument(message, call):
    names = "|".join([*call.arguments, *call.parameters])
    return bool(re.search(rf"`({names})\b", message) or WORDS_OF_SKLEARN.search(message))


def is_finite(result, keeps_nan=False):
    """Tell whether all numbers in a result are finite; those of a fitted estimator are its own."""
    if hasattr(result, "get_params"):
        fitted = {k: v for k, v in vars(result).items() if k.endswith("_")}
        # A squared error in units of y beyond 1e154 is no float any more, and inf says so.
        losses = [fitted.pop(k, None) for k in ("loss_", "best_loss_", "loss_curve_")]
        assert not any(np.isnan(loss).any() for loss in losses if loss is not None)
        return is_finite(list(fitted.values()), keeps_nan)
    if is_nested(result):
        result = from_nested(result)
    if result is None or isinstance(result, (str, bool)):
        return True
    if isinstance(result, (list, tuple)) or np.asarray(result).dtype == object:
        return all(is_finite(item, keeps_nan) for item in result)
    if np.asarray(result).dtype.kind == "U":
        return True
    numbers = np.asarray(result)
    return bool((np.isfinite(numbers) | (keeps_nan & np.isnan(numbers))).all())


def storm(calls, n_cases, *, derandomize=True):
    """Run so many drawn calls; return how often each outcome came."""
    tally = Counter()

    @settings(
        max_examples=n_cases,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(calls)
    def run(call):
        tally[outcome(call)] += 1

    run()
    return tally
