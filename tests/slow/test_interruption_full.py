"""Interrupts at every line, and fifty at random moments of each task: about two minutes.

Run by hand: ``pytest tests/slow``.
"""

import pytest
from test_interruption import TASKS, interrupt_at_lines, interrupt_often, trainings

N_TIMES = 50


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", trainings(), ids=lambda make: make.__name__)
def test_an_interrupt_at_any_line_leaves_all_as_it_was_or_ready(make):
    interrupt_at_lines(make, stride=1)


@pytest.mark.parametrize("name", TASKS)
def test_ctrl_c_is_answered_at_any_moment(name):
    interrupt_often(name, N_TIMES, seed=1)
