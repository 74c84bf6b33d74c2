"""Two thousand changed weight files of each format: each is refused; a minute.

Run by hand: ``pytest tests/slow``.
"""

import pytest
from kept_models import SUFFIXES
from test_changed_files import assert_mutations_are_noticed


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_whatever_is_changed_in_a_file_is_noticed(suffix, tmp_path):
    assert_mutations_are_noticed(tmp_path / f"model{suffix}", 2000)
