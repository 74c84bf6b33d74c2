"""Values good and hostile, for hypothesis: sequences, targets, weights, and how they are spoiled.

Good ones are drawn first, one array per sequence, so that they belong together. They are put into
some type, layout and carrier, or something is made wrong with them: each comes with its verdict.
"""

import warnings
from array import array as python_array
from collections import deque, namedtuple
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hostile_carriers import LAYOUTS, N_COLUMNS, NESTED, carriers, frame_or_series
from hypothesis import strategies as st

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

# What a value is, and a call by its worst argument: answered, one or the other, refused.
GOOD, UNSURE, BAD = range(3)

EXTREMES = [1e300, -1.7e308, 1.7e308, 3.5e38, 3.4e38, 5e-324, 1e-310, 1e-45, 65520.0, -0.0]
NOT_FINITE = [np.nan, np.inf, -np.inf]


# ---- good arguments -----------------------------------------------------------------------------


@dataclass
class Data:
    """Sequences and targets that belong together; everything one array per sequence."""

    X: list
    two_d: bool
    rng: np.random.Generator

    @property
    def n(self):
        return len(self.X)

    @property
    def n_features(self):
        return 1 if self.X[0].ndim == 1 else self.X[0].shape[1]

    def per_step(self, values):
        """Draw one value per step, a list of (n_timesteps_i,)."""
        return [self.rng.choice(values, len(x)) for x in self.X]

    def numbers_per_step(self, shape=()):
        return [self.rng.normal(size=(len(x), *shape)) for x in self.X]


@st.composite
def data_sets(draw, n_min=2):
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n = draw(st.integers(n_min, 5))
    kind = draw(st.sampled_from(["2d", "1d", "features", "even"]))
    if kind in ("2d", "even"):
        lengths = [N_COLUMNS] * n
    else:
        lengths = draw(st.lists(st.integers(1, 5), min_size=n, max_size=n))
    X = [rng.normal(size=(length, 2)) for length in lengths]
    if kind in ("2d", "1d"):
        X = [x[:, 0] for x in X]
    return Data(X, kind == "2d", rng)


NUMBER_TYPES = "float64 float32 float16 longdouble int8 int64 uint64 bool".split()


def dressed(draw, items, two_d, dtypes=NUMBER_TYPES, nested=False):
    """Put one array per sequence into some type, layout and carrier, or nested table."""
    if dtypes:
        dtype = draw(st.sampled_from(dtypes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a negative number as uint64
            items = [np.asarray(item).astype(dtype) for item in items]
    layout = draw(st.sampled_from(LAYOUTS))
    tables = NESTED if nested and items[0].ndim == 2 else []
    carry = draw(st.sampled_from([*carriers(items, two_d), *tables]))
    carried = carry([layout(item) for item in items])
    return layout(carried) if carry is np.stack else carried


# ---- spoiled arguments --------------------------------------------------------------------------


def recursive():
    items = []
    items.append(items)
    return items


def matrix():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.asmatrix(np.eye(4))


def masked():
    return np.ma.masked_array(np.ones((3, 4, 2)), mask=np.arange(24).reshape(3, 4, 2) == 5)


# Neither X nor y nor weights, whatever the estimator; made anew for each call.
NONSENSE = {
    "0-D array": lambda: np.array(1.0),
    "string": lambda: "sequences",
    "bytes": lambda: b"sequences",
    "generator": lambda: (x for x in np.ones((3, 4, 2))),
    "dict": lambda: {"a": [1.0, 2.0]},
    "set": lambda: {1.0, 2.0},
    "function": lambda: len,
    "type": lambda: np.float64,
    "object": object,
    "0-D object": lambda: np.array(None),
    "no sequences": lambda: [],
    "empty tuple": lambda: (),
    "no array": lambda: np.empty((0, 4, 2)),
    "no steps": lambda: np.empty((3, 0, 2)),
    "no features": lambda: np.empty((3, 4, 0)),
    "empty rows": lambda: [[], []],
    "empty objects": lambda: np.empty(0, dtype=object),
    "Nones": lambda: [None, None],
    "objects of None": lambda: np.full((3, 4), None),
    "four axes": lambda: np.ones((2, 2, 2, 2)),
    "deep lists": lambda: [[[[1.0]]], [[[2.0]]]],
    "uneven lists": lambda: [[[1.0, 2.0], [3.0]], [[4.0]]],
    "recursive list": recursive,
    "missing cell": lambda: pd.DataFrame({"a": [[1.0], None], "b": [[1.0], [2.0]]}),
    "uneven cells": lambda: pd.DataFrame({"a": [[1.0]], "b": [[1.0, 2.0]]}),
    "deep cells": lambda: pd.DataFrame({"a": [[[1.0]]]}),
    "complex": lambda: np.ones((3, 4, 2), dtype=complex),
    "dates": lambda: np.zeros((3, 4), dtype="datetime64[s]"),
    "durations": lambda: np.zeros((3, 4), dtype="timedelta64[s]"),
    "records": lambda: np.zeros(3, dtype=[("a", float), ("b", int)]),
    "voids": lambda: np.zeros((3, 4), dtype="V8"),
    "masked": masked,
    "masked items": lambda: list(masked()),
    "sparse matrix": lambda: scipy.sparse.csr_matrix(np.eye(4)),
    "sparse array": lambda: scipy.sparse.coo_array(np.eye(4)),
    "sparse items": lambda: [scipy.sparse.csr_array(np.eye(2))] * 2,
    "matrix": matrix,
    "frame of objects": lambda: pd.DataFrame({"a": ["x", None], "b": [1, {}]}),
    "frame of dates": lambda: pl.DataFrame({"a": np.zeros(3, "M8[ms]"), "b": [1.0, 2.0, 3.0]}),
    "table of strings": lambda: pa.table({"a": ["1", "2", "3"]}),
    "nested frame": lambda: pd.DataFrame({"a": [pd.Series([1.0, 2.0])] * 3}),
    "lazy frame": lambda: pl.LazyFrame({"a": [1.0, 2.0]}),
    "column of strings": lambda: pl.Series([["a", "b"], ["c"]]),
    "named tuple": lambda: namedtuple("Packed", "data sizes")(np.ones(3), np.ones(2)),
    "frame with NA": lambda: pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
    "empty frame": pd.DataFrame,
    "huge integers": lambda: [[10**400, 1], [2, 3]],
    "mixed": lambda: [np.ones((2, 2)), "a", 3.0, None],
    "deque": lambda: deque([np.ones((2, 2)), np.ones((3, 2))]),
    "lengths that differ": lambda: [np.ones((2, 2)), np.ones((2, 3))],
    "axes that differ": lambda: [np.ones((2, 2)), np.ones(2)],
}
# May be read as numbers, or not.
PECULIAR = {
    "Python array": lambda: python_array("d", [1.0, 2.0]),
    "memoryview": lambda: memoryview(np.ones((3, 4))),
    "range": lambda: range(4),
    "ranges": lambda: [range(3), range(4)],
    "objects of numbers": lambda: np.ones((3, 4, 2), dtype=object),
    "objects of fractions": lambda: [np.array([1, 2.5], dtype=object)] * 3,
    "strings of numbers": lambda: [["1", "2"], ["3", "4"]],
    "Decimal dtype": lambda: pd.DataFrame({"a": pd.array([1, 2], dtype="Int64")}),
    "categories": lambda: pd.DataFrame({"a": pd.Categorical([1, 2])}),
    "numbers as names": lambda: pd.DataFrame({0: [1.0, 2.0], "b": [1.0, 2.0]}),
    "two indices": lambda: pd.DataFrame(
        np.eye(4), index=pd.MultiIndex.from_product([[0, 1], [0, 1]])
    ),
    "unmasked": lambda: np.ma.masked_array(np.ones((3, 4, 2)), mask=False),
    "infinite range": lambda: np.broadcast_to(1.0, (3, 4, 2)),
    "largest": lambda: np.full((3, 4, 2), np.finfo(np.float64).max),
    "largest longdouble": lambda: np.full((3, 4, 2), np.finfo(np.longdouble).max),
    "smallest": lambda: np.full((3, 4, 2), 5e-324),
    "number": lambda: 3.0,
    "None": lambda: None,
}


def one_of_these(draw, makers):
    return makers[draw(st.sampled_from(sorted(makers)))]()


def with_value(items, rng, value):
    """Put a value somewhere into one of the arrays."""
    items = [np.array(item, dtype=np.float64) for item in items]
    item = items[rng.integers(len(items))]
    item.reshape(-1)[rng.integers(item.size)] = value
    return items


def with_item(items, rng, item):
    """Replace one of the arrays."""
    items = list(items)
    items[rng.integers(len(items))] = item
    return items


HOSTILE_ITEMS = [
    lambda: np.empty((0, 2)),
    lambda: np.empty((2, 0)),
    lambda: np.ones((2, 7)),
    lambda: np.ones((2, 2, 2)),
    lambda: None,
    lambda: np.array(1.0),
    lambda: "step",
    lambda: np.array(["a", "b"]),
    lambda: np.ones((2, 2), dtype=complex),
    lambda: {},
    lambda: (x for x in "ab"),
]


def spoiled_numbers(draw, items, rng, two_d, keeps_nan=False):
    """Return (value, verdict): numbers that something is wrong with, or may be.

    keeps_nan: NaN is a missing value, and not wrong.
    """
    how = draw(st.sampled_from(["value", "extreme", "item", "nonsense", "peculiar"]))
    if how == "nonsense":
        kept = ("frame with NA", "objects of None") if keeps_nan else ()
        return one_of_these(draw, {k: v for k, v in NONSENSE.items() if k not in kept}), BAD
    if how == "peculiar":
        return one_of_these(draw, PECULIAR), UNSURE
    if how == "item":
        # Beside arrays of one number per step, many an item is none of another kind.
        return with_item(items, rng, draw(st.sampled_from(HOSTILE_ITEMS))()), BAD
    worst = BAD if how == "value" else UNSURE
    value = draw(st.sampled_from(NOT_FINITE if how == "value" else EXTREMES))
    items = with_value(items, rng, value)
    if keeps_nan and np.isnan(value):
        worst = UNSURE
    return dressed(draw, items, two_d, dtypes=None), worst


def spoiled_length(draw, items):
    """Return what goes with other sequences."""
    how = draw(st.sampled_from(["more", "fewer", "longer"]))
    if how == "more":
        return [*items, items[0]]
    if how == "fewer":
        return items[:-1]
    return [np.concatenate([items[0], items[0]]), *items[1:]]


# ---- X, y and weights ---------------------------------------------------------------------------


def draw_X(draw, data, spoil, keeps_nan=False):
    if spoil:
        return spoiled_numbers(draw, data.X, data.rng, data.two_d, keeps_nan)
    return dressed(draw, data.X, data.two_d, nested=True), GOOD


LABELS = [["a", "b"], ["x", "yy", "zzz"], [0, 1], [3, 1, 2], [False, True], [0.0, 1.0], ["only"]]
# Columns of labels: of 0 and 1, and of several classes.
COLUMNS = [((0, 1),) * 3, (("a", "b"), ("x", "y", "zz")), ((0, 1), (2, 4))]
BAD_LABELS = [np.nan, np.inf, None, 0.5, "another", 7, (1, 2), 1j, b"x", np.datetime64(0, "s")]
BAD_LABELS += [pd.NA, pd.NaT, Enum("Colour", "RED").RED, Enum("Word", "a b", type=str).a]


def flat_or_steps(draw, data, per_step, drawn):
    """Turn values per step into what y may be; `drawn` is a list of (n_timesteps_i, ...)."""
    if per_step:
        return dressed(draw, drawn, False, dtypes=None)
    rows = np.stack([item[:1] for item in drawn])[:, 0]
    return draw(st.sampled_from([*LAYOUTS, np.ndarray.tolist, frame_or_series]))(rows)


def columns_of(variant, n):
    """Return labels (n, n_columns) in which every class of one of `COLUMNS` occurs if it can."""
    return np.stack([np.resize(np.array(classes), n) for classes in variant], axis=1)


def draw_labels(draw, data, per_step, spoil, labels):
    if labels in COLUMNS:
        drawn = [data.rng.permutation(columns_of(labels, len(x) + 2))[: len(x)] for x in data.X]
        drawn = spoiled_length(draw, drawn) if spoil else drawn
        return flat_or_steps(draw, data, per_step, drawn), UNSURE  # a column may be empty
    drawn = data.per_step(np.array(labels))
    # Each class is taught wherever there is room.
    for i, item in enumerate(drawn):
        item[0] = labels[i % len(labels)]
    if not spoil:
        return flat_or_steps(draw, data, per_step, drawn), GOOD
    how = draw(st.sampled_from(["label", "length", "nonsense", "peculiar"]))
    if how == "nonsense":
        return one_of_these(draw, NONSENSE), UNSURE
    if how == "peculiar":
        return one_of_these(draw, PECULIAR), UNSURE
    if how == "length":
        longer = spoiled_length(draw, drawn)
        return flat_or_steps(draw, data, per_step, longer), BAD if per_step else UNSURE
    items = [item.astype(object) for item in drawn]
    items[data.rng.integers(data.n)][0] = draw(st.sampled_from(BAD_LABELS))
    return flat_or_steps(draw, data, per_step, items), UNSURE


def draw_targets(draw, data, per_step, spoil, n_outputs, positive=False):
    drawn = data.numbers_per_step((n_outputs,) if n_outputs else ())
    if positive:
        drawn = [np.abs(item) + 1e-3 for item in drawn]
    if not spoil:
        return flat_or_steps(draw, data, per_step, drawn), GOOD
    if draw(st.booleans()):
        longer = spoiled_length(draw, drawn)
        return flat_or_steps(draw, data, per_step, longer), BAD if per_step else UNSURE
    if per_step:
        return spoiled_numbers(draw, drawn, data.rng, False)
    how = draw(st.sampled_from(["value", "extreme", "nonsense", "peculiar"]))
    if how == "nonsense":
        return one_of_these(draw, NONSENSE), UNSURE
    if how == "peculiar":
        return one_of_these(draw, PECULIAR), UNSURE
    rows = np.stack([item[0] for item in drawn])
    extreme = how == "extreme"
    at = data.rng.integers(rows.size, size=draw(st.integers(1, rows.size)))
    rows.reshape(-1)[at] = draw(st.sampled_from(EXTREMES if extreme else NOT_FINITE))
    return rows, UNSURE if extreme else BAD


def draw_weights(draw, data, steps_too, spoil, zeros=BAD):
    """Draw weights per sequence, or where these are welcome also per step, or None."""
    how = draw(st.sampled_from(["none", "sequence", "step"])) if not spoil else ""
    if how == "none":
        return None, GOOD
    per_step = draw(st.booleans()) if spoil else how == "step"
    drawn = [np.abs(item) + 0.1 for item in data.numbers_per_step()]
    if not spoil:
        drawn[0][1:] = 0.0
        return flat_or_steps(draw, data, per_step and steps_too, drawn), GOOD
    how = draw(st.sampled_from(["negative", "zero", "huge", "tiny", "length", "number", "none"]))
    if how == "none":
        return one_of_these(draw, NONSENSE), BAD
    if how == "number":
        return spoiled_numbers(draw, drawn, data.rng, False)[0], UNSURE
    if how == "length":
        drawn = spoiled_length(draw, drawn)
        return flat_or_steps(draw, data, per_step, drawn), UNSURE
    factor = {"negative": -1.0, "zero": 0.0, "huge": 1e308, "tiny": 1e-320}[how]
    drawn = [factor * np.minimum(item, 1.0) for item in drawn]
    verdict = {"negative": BAD, "zero": zeros}.get(how, UNSURE)
    return flat_or_steps(draw, data, per_step, drawn), verdict


def which_spoiled(draw, names):
    """Choose what to spoil: nothing in half of the calls."""
    if draw(st.booleans()):
        return ()
    return draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
