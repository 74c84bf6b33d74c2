"""Frames and columns of pandas, polars and pyarrow: read by their own dtypes, refused by column."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import sklearn_rnn
from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data import arguments
from sklearn_rnn._data.frames import is_frame, read_frame
from sklearn_rnn._data.sequences import pack
from sklearn_rnn._data.steps import pack_steps
from sklearn_rnn.preprocessing import SequenceScaler

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

N = 6
X = np.random.default_rng(0).normal(size=(N, 4, 2))
Y = X.sum(axis=(1, 2))
RAGGED = [np.random.default_rng(i).normal(size=(2 + i % 3, 2)) for i in range(N)]
ONE_FEATURE = [x[:, 0] for x in RAGGED]

LIBRARIES = {
    "pandas": pd.DataFrame,
    "arrow-backed": lambda d: pa.table(d).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda d: pl.DataFrame(d, strict=False),
    "table": pa.table,
    "record batch": pa.RecordBatch.from_pydict,
}
frames = pytest.mark.parametrize("make", LIBRARIES.values(), ids=LIBRARIES)

READ = {
    "float64": [1.5, -2.0, 3.0],
    "integers": [1, 2, -3],
    "bool": [True, False, True],
    "decimals": [Decimal("1.5"), Decimal("2"), Decimal("-3.25")],
}
REFUSED = {
    "dates": [datetime.date(2020, 1, i) for i in (1, 2, 3)],
    "timestamps": [datetime.datetime(2020, 1, i) for i in (1, 2, 3)],
    "durations": [datetime.timedelta(i) for i in (1, 2, 3)],
    "times": [datetime.time(i) for i in (1, 2, 3)],
    "strings": ["1", "2", "3"],
}
HELD = {**dict.fromkeys(REFUSED, "dates or durations"), "strings": "strings"}


def carriers_of(frame):
    """Everything that reads a frame as numbers, with the name that its errors begin with."""
    dense = np.zeros((3, 4, 2))
    rnn = RNNRegressor(2, max_iter=1)
    weighed = RNNRegressor(2, mode="many_to_many", max_iter=1)
    val = RNNRegressor(2, max_iter=1, early_stopping=True)
    y = np.arange(3.0)
    yield "X", lambda: rnn.fit(frame, y)
    yield r"X\[1\]", lambda: rnn.fit([np.zeros((3, 2)), frame], y[:2])
    yield "X_val", lambda: val.fit(dense[:, :, 0], y, X_val=frame, y_val=y)
    yield "y", lambda: rnn.fit(dense, frame)
    yield r"y\[0\]", lambda: weighed.fit(np.zeros((2, 3, 1)), [frame, frame])
    yield "y_val", lambda: val.fit(dense, np.zeros((3, 2)), X_val=dense, y_val=frame)
    yield "sample_weight", lambda: weighed.fit(dense[:, :2], np.zeros((3, 2)), frame)
    yield "X", lambda: SequenceScaler().fit(frame)
    yield r"X\[0\]", lambda: SequenceScaler().fit((frame, frame))
    yield "X", lambda: SequenceScaler().fit(dense[:, :2, 0]).transform(frame)


@frames
@pytest.mark.parametrize("name", READ)
def test_columns_of_numbers_of_any_type_are_read(make, name):
    given = {"a": [0.5, 1.0, 2.0], "b": READ[name]}
    expected = np.column_stack([np.asarray(v, dtype=np.float64) for v in given.values()])
    frame = make(given)
    assert is_frame(frame)
    np.testing.assert_array_equal(read_frame(frame, arguments.X), expected)
    np.testing.assert_array_equal(pack([frame, frame]).values[3:], expected)
    scaled = SequenceScaler().fit_transform(frame)
    np.testing.assert_array_equal(scaled, SequenceScaler().fit_transform(expected))


@frames
@pytest.mark.parametrize("name", REFUSED)
def test_a_column_of_anything_else_is_named_with_what_it_holds(make, name):
    frame = make({"a": [0.5, 1.0, 2.0], "left in": REFUSED[name]})
    for where, call in carriers_of(frame):
        message = rf"`{where}` must hold real numbers, but its column 'left in' holds {HELD[name]}"
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "int64[pyarrow]"])
def test_columns_with_missing_values_are_as_those_with_nan(dtype):
    frame = pd.DataFrame({"a": [0.5, 1.0], "b": pd.array([1, None], dtype=dtype)})
    for X in ([frame], frame):
        with pytest.raises(ValueError, match=r"`X` must be finite: sequence . has NaN at step 1"):
            RNNRegressor().fit(X, np.zeros(len(X)))


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table])
@pytest.mark.parametrize("values", [[1, None], [True, None], [None, None]])
def test_missing_values_of_other_libraries_are_nan(make, values):
    read = read_frame(make({"a": [0.5, 1.0], "b": values}), arguments.X)
    assert np.isnan(read[1, 1])
    assert read[0, 0] == 0.5


def test_narrow_columns_stay_narrow():
    single = np.float32([1, 2])
    assert read_frame(pl.DataFrame({"a": single, "b": single}), arguments.X).dtype == np.float32
    nullable = pd.DataFrame({"a": pd.array([1, None], dtype="Float32")})
    assert pack([nullable]).values.dtype == np.float32
    mixed = pd.DataFrame({"a": single, "b": [True, False]})
    assert read_frame(mixed, arguments.X).dtype == np.float64


def test_a_long_table_becomes_a_list_whatever_its_columns_are():
    table = pd.DataFrame(
        {
            "name": np.repeat(np.arange(N), 4),
            "f": X[:, :, 0].ravel(),
            "up": X[:, :, 1].ravel() > 0,
            "count": pd.array(np.arange(4 * N) % 3, dtype="Int64"),
            "plain": pd.Series([1, 2.5] * (2 * N), dtype=object),
        }
    )
    items = [frame.drop(columns="name") for _, frame in table.groupby("name")]
    expected = [frame.astype(np.float64).to_numpy() for frame in items]
    np.testing.assert_array_equal(pack(items).values, np.concatenate(expected))
    fitted = [RNNRegressor(2, max_iter=2, random_state=0).fit(x, Y) for x in (items, expected)]
    np.testing.assert_array_equal(fitted[0].params_, fitted[1].params_)


def test_a_category_left_in_a_frame_is_named():
    frame = pd.DataFrame({"a": [0.0, 1.0], "kind": pd.Categorical([1, 2])})
    for X in (frame, [frame]):
        with pytest.raises(ValueError, match=r"column 'kind' holds categories.*get_dummies"):
            RNNRegressor(2).fit(X, [0.0, 1.0][: len(X)])


def test_objects_of_numbers_are_read_and_others_named():
    frame = pd.DataFrame({"a": pd.Series([1, 2.5], dtype=object)})
    np.testing.assert_array_equal(pack([frame]).values, [[1], [2.5]])
    objects = pd.DataFrame({"a": pd.Series([1, "2.5"], dtype=object)})
    for X in (objects, [objects]):
        with pytest.raises(ValueError, match="column 'a' holds numbers and strings"):
            RNNRegressor(2).fit(X, [0.0, 1.0][: len(X)])


NESTED = {
    "sktime": pd.DataFrame({c: [pd.Series(x[:, j]) for x in RAGGED] for j, c in enumerate("ab")}),
    "polars": pl.DataFrame({c: [x[:, j].tolist() for x in RAGGED] for j, c in enumerate("ab")}),
    "table": pa.table({c: [x[:, j].tolist() for x in RAGGED] for j, c in enumerate("ab")}),
}


@pytest.mark.parametrize("library", NESTED)
def test_a_nested_frame_is_told_how_to_become_targets(library):
    frame = NESTED[library]
    with pytest.raises(TypeError, match=r"`y` must hold one number.*column 'a'") as error:
        RNNRegressor(2, mode="many_to_many").fit(RAGGED, frame)
    line = str(error.value).split("sequences with ")[1].removesuffix(".")
    np.testing.assert_array_equal(
        pack(eval(line, {"np": np}, {"y": frame})).values, np.concatenate(RAGGED)
    )


@frames
def test_a_column_of_arrays_is_named(make):
    frame = make({"a": [0.0, 1.0], "cells": [[1.0, 2.0], [3.0, 4.0]]})
    with pytest.raises(ValueError, match=r"`X\['a'\]` holds numbers .* only that column, X\["):
        RNNRegressor(2).fit(frame, [0.0, 1.0])
    with pytest.raises(TypeError, match=r"`X\[0\]`.*column 'cells'.*\[np.stack\(x\['cells'\]"):
        RNNRegressor(2).fit([frame], [0.0])


COLUMNS = {
    "pandas": lambda items: pd.Series(list(map(np.asarray, items))),
    "arrow-backed": lambda items: pd.Series(items, dtype=pd.ArrowDtype(pa.array(items).type)),
    "polars": pl.Series,
    "array": pa.array,
    "chunked": lambda items: pa.chunked_array([items[:2], items[2:]]),
}


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("X", [RAGGED, ONE_FEATURE], ids=["features", "one feature"])
def test_a_column_of_sequences_is_a_list_of_them(make, X):
    if make is COLUMNS["pandas"]:
        column = make(X)
    else:
        column = make([x.tolist() for x in X])
    np.testing.assert_array_equal(pack(column).values, pack(X).values)
    scaled = SequenceScaler().fit_transform(column)
    np.testing.assert_array_equal(np.concatenate(list(scaled)), scaled_steps(X))
    labels = [np.where(x > 0, "p", "q").tolist() for x in ONE_FEATURE]
    tagger = RNNClassifier(2, mode="many_to_many", max_iter=1).fit(column, make(labels))
    assert tagger.classes_.tolist() == ["p", "q"]
    targets = make([x.tolist() for x in ONE_FEATURE])
    np.testing.assert_array_equal(pack_steps(targets, pack(X)), np.concatenate(ONE_FEATURE))


def scaled_steps(X):
    return np.concatenate(SequenceScaler().fit_transform(X))


@pytest.mark.parametrize("make", [pl.Series, pa.array, lambda x: pd.Series(x, dtype="Float64")])
def test_columns_may_be_the_items_of_a_list(make):
    items = [make(x) for x in ONE_FEATURE]
    np.testing.assert_array_equal(pack(items).values[:, 0], np.concatenate(ONE_FEATURE))
    with pytest.raises(ValueError, match=r"`X\[1\]` must hold real numbers, but it holds dates"):
        pack([np.ones(2), pl.Series([datetime.date(2020, 1, 1)])])
    with pytest.raises(ValueError, match=r"`X\[0\]`.*strings.*TokenEncoder"):
        pack([pl.Series(["a", "b"])])


def test_a_frame_that_is_not_in_memory_is_refused():
    with pytest.raises(TypeError, match=r"`X` must be in memory, got LazyFrame: call \.collect"):
        RNNRegressor(2).fit(pl.LazyFrame({"a": [1.0, 2.0]}), [0.0, 1.0])


def test_a_frame_with_one_row_per_step_is_told_how_to_be_cut():
    index = pd.MultiIndex.from_product([range(N), range(4)], names=["name", "t"])
    long = pd.DataFrame(X.reshape(-1, 2), columns=["a", "b"], index=index)
    for call in (lambda: RNNRegressor(2).fit(long, Y), lambda: SequenceScaler().fit(long)):
        with pytest.raises(ValueError, match=r"`X` must have one sequence per row.*'t'") as error:
            call()
        line = str(error.value).split("sequences with ")[1].split("; ")[0]
        cut = eval(line, {"sklearn_rnn": sklearn_rnn}, {"X": long})
        np.testing.assert_array_equal(pack(cut).values, X.reshape(-1, 2))
    wide = pd.DataFrame(X[:, :, 0])
    wide.index = pd.MultiIndex.from_product([range(N), ["only"]])
    RNNRegressor(2, max_iter=1).fit(wide, Y)
    RNNRegressor(2, max_iter=1).fit([frame for _, frame in long.groupby(level=0)], Y)


def test_a_name_that_occurs_twice_is_refused():
    frame = pd.DataFrame(np.ones((3, 2)), columns=["a", "a"])
    for X in (frame, [frame] * 3):
        with pytest.raises(ValueError, match=r"`X.*distinct column names, but 'a' occurs twice"):
            RNNRegressor(2).fit(X, [0.0, 1.0, 2.0])


@pytest.mark.parametrize("group", [lambda: TABLE.groupby("g"), lambda: POLARS.group_by("g")])
def test_groups_of_a_table_are_told_how_to_become_a_list(group):
    with pytest.raises(TypeError, match=r"`X` .*GroupBy.*\[frame for _, frame in X\]"):
        RNNRegressor(2).fit(group(), [0.0, 1.0])
    with pytest.raises(TypeError, match=r"`X\[0\]` .*tuple.*\[frame for _, frame in X\]"):
        RNNRegressor(2).fit(list(group()), [0.0, 1.0])
    assert pack([frame for _, frame in group()]).n_samples == 2


TABLE = pd.DataFrame({"g": [0, 0, 1], "a": [1.0, 2.0, 3.0]})
POLARS = pl.from_pandas(TABLE)


@frames
def test_names_of_columns_are_learned(make):
    frame = make({"a": [0.5, 1.0, 2.0], "b": [1.0, 2.0, 3.0]})
    if make is not LIBRARIES["record batch"]:  # of which scikit-learn takes no names
        assert SequenceScaler().fit(frame).feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"`X` must have the same columns in all frames"):
        pack([frame, make({"b": [0.5, 1.0], "a": [1.0, 2.0]})])
