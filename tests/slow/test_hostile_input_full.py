"""Tens of thousands of drawn calls, other ones each time: about two minutes.

Run by hand: ``pytest tests/slow``. A failure prints what repeats it.
"""

import pytest
from hostile import storm
from hostile_calls import CALLS
from test_hostile_input import PARAMETERS, assert_often, constructions

N_CALLS = 1500  # of each method: 21,000 in all
N_VALUES = 60  # of each parameter


@pytest.mark.parametrize("method", CALLS)
def test_a_call_is_answered_in_finite_numbers_or_refused_by_name(method):
    assert_often(storm(CALLS[method], N_CALLS, derandomize=False))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_of_any_type_is_taken_or_named(name, capsys):
    storm(constructions(name), N_VALUES, derandomize=False)
