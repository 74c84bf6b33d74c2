"""The engine against the NumPy reference, over the full product of the settings: some minutes.

Run by hand: ``pytest tests/slow``.
"""

from itertools import product

import numpy as np
import pytest
from cases import KERNEL_SETTINGS, RTOL, TASK_SETTINGS, Case, assert_case_agrees

from sklearn_rnn import _core

OUTER = ("cell", "bidirectional", "ragged", "hidden")
INNER = tuple(name for name in KERNEL_SETTINGS if name not in OUTER)


def values(names):
    return list(product(*(KERNEL_SETTINGS[name] for name in names)))


@pytest.mark.parametrize(OUTER, values(OUTER))
def test_engine_agrees_with_the_reference(cell, bidirectional, ragged, hidden):
    outer = dict(zip(OUTER, (cell, bidirectional, ragged, hidden), strict=True))
    rng = np.random.default_rng(0)
    for inner in values(INNER):
        task = {name: any_[rng.integers(len(any_))] for name, any_ in TASK_SETTINGS.items()}
        case = Case(**outer, **dict(zip(INNER, inner, strict=True)), **task)
        for dtype, level in product(RTOL, _core.simd_levels()):
            assert_case_agrees(case, dtype, level)
