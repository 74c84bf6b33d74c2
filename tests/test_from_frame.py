"""Long tables -> sequences -> long tables."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn.model_selection import GroupKFold, cross_val_score, train_test_split

from sklearn_rnn import RNNClassifier
from sklearn_rnn._converters.frame import _sorted_stably
from sklearn_rnn._data import arguments
from sklearn_rnn._data.nested import read_nested
from sklearn_rnn.preprocessing import from_frame, from_windows, make_windows, to_frame

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

LIBRARIES = {
    "pandas": lambda table: table,
    "polars": pl.from_pandas,
    "pyarrow": lambda table: pa.Table.from_pandas(table, preserve_index=False),
}
libraries = pytest.mark.parametrize("library", LIBRARIES)


def long_table(n_rows=60, seed=0):
    """Rows of 9 sequences in any order, with channels of float64, float32 and int."""
    rng = np.random.default_rng(seed)
    run = rng.integers(0, 9, n_rows)
    table = pd.DataFrame(
        {
            "second": rng.permutation(n_rows) * 0.5,
            "a": rng.normal(size=n_rows),
            "run": run,
            "b": rng.normal(size=n_rows).astype(np.float32),
            "c": rng.integers(0, 5, n_rows),
            "label": np.array(["off", "on"])[run % 2],
            "person": "p" + pd.Series(run // 3).astype(str),
            "phase": rng.integers(0, 3, n_rows),
        }
    )
    table.loc[[3, 8], "a"] = np.nan
    return table


def expected_parts(table, by, time=None):
    """The rows of each sequence, as pandas finds them, by appearance."""
    parts = [part for _, part in table.groupby(by, sort=False)]
    return parts if time is None else [part.sort_values(time, kind="stable") for part in parts]


ROLES = dict(by="run", time="second", y="label", groups="person", sample_weight="phase")


@libraries
def test_a_table_is_cut_as_pandas_groups_it(library):
    table = long_table()
    data = from_frame(LIBRARIES[library](table), **ROLES)
    parts = expected_parts(table, "run", "second")
    assert data.feature_names == ["a", "b", "c"] and data.names == ROLES
    assert len(data.X) == len(parts) and data.X.dtype == object
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(data.X[i], part[["a", "b", "c"]].to_numpy(np.float64))
        np.testing.assert_array_equal(data.times[i], part["second"])
        np.testing.assert_array_equal(data.sample_weight[i], part["phase"])
    np.testing.assert_array_equal(data.ids, [part["run"].iloc[0] for part in parts])
    assert data.y.tolist() == [part["label"].iloc[0] for part in parts]
    assert data.groups.tolist() == [part["person"].iloc[0] for part in parts]


@libraries
def test_a_table_comes_back(library):
    table = LIBRARIES[library](long_table())
    names = ["person", "label"]
    data = from_frame(table, by=["run", *names], time="second", columns=["b"], y=["phase", "c"])
    assert all(isinstance(key, tuple) for key in data.ids)
    assert [x.dtype for x in data.X] == [np.float32] * 9
    assert {y.shape[1:] for y in data.y} == {(2,)}
    again = to_frame(data, frame=library)
    assert type(again) is type(table)
    again = again if library == "pandas" else again.to_pandas()
    order = ["run", *names, "second", "b", "phase", "c"]
    expected = pd.concat(expected_parts(long_table(), "run", "second"), ignore_index=True)[order]
    pd.testing.assert_frame_equal(again, expected)


def sorted_by_row(table):
    return table.sort_values(list(table.columns)).reset_index(drop=True)


@libraries
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_rows=st.integers(9, 40), sort=st.booleans())
def test_any_order_of_rows_gives_the_same_sequences(library, seed, n_rows, sort):
    table = long_table(n_rows, seed)
    if sort:
        table = table.sort_values(["run", "second"])
    data = from_frame(LIBRARIES[library](table), **ROLES)
    parts = expected_parts(table, "run", "second")
    for x, part in zip(data.X, parts, strict=True):
        np.testing.assert_array_equal(x[:, 2], part["c"])
    again = to_frame(data)
    pd.testing.assert_frame_equal(
        sorted_by_row(again), sorted_by_row(table[list(again.columns)]), check_dtype=False
    )


def test_without_a_time_the_order_of_rows_stays():
    table = pd.DataFrame({"k": ["b", "a", "b"], "v": [3, 2, 1]})
    data = from_frame(table, by="k")
    assert [x.tolist() for x in data.X] == [[[3], [1]], [[2]]]
    assert data.X[0].dtype == np.int64 and data.y is None and data.times is None
    assert to_frame(data).columns.tolist() == ["k", "v"]
    several = pd.DataFrame({"k": [0, 1, 0, 1], "l": ["x", "x", "y", "x"], "v": [1, 2, 3, 4]})
    pairs = from_frame(several, by=["k", "l"])  # by appearance, not by the first of them
    assert pairs.ids.tolist() == [(0, "x"), (1, "x"), (0, "y")]
    assert [x.ravel().tolist() for x in pairs.X] == [[1], [2, 4], [3]]
    data.X[0][:] = 0  # a copy, also where nothing is sorted
    in_order = pd.DataFrame(np.ones((3, 1)), columns=["v"]).assign(k=0)
    from_frame(in_order, by="k").X[0][:] = 0
    in_order["t"] = [1, 2, 3]
    in_time = from_frame(in_order, by="k", time="t", y="t")
    for values in (in_time.X, in_time.y, in_time.times):
        values[0][:] = 0
    assert (
        in_order.v.tolist() == [1, 1, 1]
        and in_order.t.tolist() == [1, 2, 3]
        and table.v.tolist() == [3, 2, 1]
    )


def test_many_sequences_are_told_apart():
    codes = np.repeat(np.arange(70_000), 2)[::-1]  # more than 16 bits
    assert (np.diff(codes[_sorted_stably(codes)]) >= 0).all()


def test_an_index_of_several_levels_tells_sequences_and_times():
    index = pd.MultiIndex.from_tuples([("p", 1), ("q", 0), ("p", 0)], names=["series", "t"])
    table = pd.DataFrame({"v": [1.0, 2.0, 3.0]}, index=index)
    data = from_frame(table)
    assert [x[:, 0].tolist() for x in data.X] == [[3.0, 1.0], [2.0]]
    assert data.ids.tolist() == ["p", "q"] and data.times[0].tolist() == [0, 1]
    assert to_frame(data).columns.tolist() == ["series", "t", "v"]
    unnamed = from_frame(table.rename_axis([None, None]))
    assert unnamed.names["by"] == "level_0" and unnamed.names["time"] == "level_1"
    assert len(from_frame(table, by="t", columns="v").X) == 2
    by_column = from_frame(table.assign(clock=[2, 0, 1]), time="clock")
    assert by_column.ids.tolist() == ["p", "q"] and by_column.times[0].tolist() == [1, 2]


def test_targets_are_one_per_sequence_where_they_are_constant():
    table = pd.DataFrame({"k": [0, 0, 1], "v": 1.0, "y": [1.0, 2.0, np.nan], "z": [3, 3, 4]})
    assert from_frame(table, by="k", y="z").y.tolist() == [3, 4]
    per_step = from_frame(table, by="k", y="z", y_per_step=True).y
    assert [y.tolist() for y in per_step] == [[3, 3], [4]]
    np.testing.assert_array_equal(from_frame(table, by="k", y="y").y[1], [np.nan])
    assert from_frame(table, by="k", y=["z", "k"]).y.tolist() == [[3, 0], [4, 1]]
    with pytest.raises(ValueError, match=r"`y` must be the same .* 'y' has .*1\.0.* in sequence 0"):
        from_frame(table, by="k", y="y", y_per_step=False)
    missing = pd.DataFrame({"k": [0, 0, 1], "v": 1.0, "y": [np.nan, np.nan, 1.0]})
    np.testing.assert_array_equal(from_frame(missing, by="k", y="y").y, [np.nan, 1.0])


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "Int8"])
def test_labels_and_ids_stay_integers(dtype):
    table = pd.DataFrame({"k": [0, 0, 1], "v": [1, None, 3], "y": [5, 5, 6]}).astype(dtype)
    data = from_frame(table, by="k", y="y")
    assert data.y.dtype.kind == data.ids.dtype.kind == "i" and data.y.tolist() == [5, 6]
    np.testing.assert_array_equal(data.X[0][:, 0], [1, np.nan])


@libraries
def test_strings_stay_in_frames_and_nested_tables_for_categorical_features(library):
    roles = dict(by="run", time="second", y="label", columns=["a", "person"])
    table = LIBRARIES[library](long_table().fillna(0))
    with pytest.raises(ValueError, match=r"column 'person' holds strings .* `groups`.*as_nested"):
        from_frame(table, **roles)
    rnn = RNNClassifier(2, max_iter=1, tol=0, categorical_features=["person"], random_state=0)
    frames, nested = (
        from_frame(table, **roles, **{key: True}) for key in ("as_frames", "as_nested")
    )
    for data in (frames, nested):
        assert data.feature_names == ["a", "person"]
        again = to_frame(data)
        assert again["person"].tolist() == [
            value
            for part in expected_parts(long_table(), "run", "second")
            for value in part["person"]
        ]
        assert again["a"].dtype == np.float64
        if library == "pandas":
            assert rnn.set_params(normalize_X=False).fit(data.X[3:], data.y[3:]).n_features_in_ == 2
    assert type(nested.X) is type(table) and {type(x) for x in frames.X} == {type(table)}
    if library == "pandas":
        assert nested.X.index.name == "run" and nested.X.index.tolist() == nested.ids.tolist()
    numbers = from_frame(table, by="run", time="second", columns=["a", "c"], as_nested=True)
    expected = from_frame(table, by="run", time="second", columns=["a", "c"])
    nested = read_nested(numbers.X, arguments.X).as_sequences(arguments.X)
    for x, y in zip(nested.cut(), expected.X, strict=True):
        np.testing.assert_array_equal(x, y)


@libraries
def test_missing_strings_stay_missing(library):
    table = pd.DataFrame({"k": [0, 0, 1], "v": 1.0, "y": ["a", None, "b"]})
    for source in (table, LIBRARIES[library](table)):
        again = to_frame(from_frame(source, by="k", y="y"), frame=library)
        assert pd.Series(np.asarray(again["y"])).isna().tolist() == [False, True, False]


def test_results_go_into_fit_and_into_folds():
    table = long_table(90).fillna(0)
    data = from_frame(table, by="run", time="second", y="label", groups="person")
    rnn = RNNClassifier(4, max_iter=1, tol=0, random_state=0)
    train, test, y_train, _ = train_test_split(data.X, data.y, random_state=0)
    assert len(rnn.fit(train, y_train).predict(test)) == len(test)
    scores = cross_val_score(rnn, data.X, data.y, groups=data.groups, cv=GroupKFold(3))
    assert scores.shape == (3,) and np.isfinite(scores).all()
    roles = dict(by="run", y="phase", sample_weight="c", columns=["a", "b"])
    steps = from_frame(table, **roles)
    rnn.set_params(mode="many_to_many").fit(steps.X, steps.y, sample_weight=steps.sample_weight)
    assert to_frame(steps, y=rnn.predict(steps.X))["phase"].isin([0, 1, 2]).all()


def test_times_of_any_type_are_sorted():
    days = pd.to_datetime(["2024-03-02", "2024-03-01", "2024-03-03"])
    for times in (
        days,
        days.tz_localize("Europe/Paris"),
        days.strftime("%Y-%m-%d"),
        days.to_period("D"),
    ):
        table = pd.DataFrame({"k": 0, "t": times, "v": [2, 1, 3]})
        data = from_frame(table, by="k", time="t")
        assert data.X[0][:, 0].tolist() == [1, 2, 3]
        pd.testing.assert_series_equal(
            to_frame(data)["t"], table["t"].sort_values(ignore_index=True)
        )


def test_times_that_are_strings_must_sort_as_times():
    table = pd.DataFrame({"k": 0, "t": ["9", "10"], "v": [1.0, 2.0]})
    with pytest.raises(ValueError, match="'t' holds strings, which sort '10' before '9'"):
        from_frame(table, by="k", time="t")
    table["t"] = ["2024-01-02 00:00", "2024-01-01"]
    assert from_frame(table, by="k", time="t").X[0].ravel().tolist() == [2, 1]


def test_ordered_categories_are_times_in_their_order():
    months = ["jan", "feb", "apr"]
    values = {"k": [0] * 4, "t": ["apr", None, "jan", "feb"], "v": [3, 0, 1, 2]}
    table = pd.DataFrame(values).assign(t=pd.Categorical(values["t"], months, ordered=True))
    ranked = pl.DataFrame(values, schema_overrides={"t": pl.Enum(months)})
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    chunks = pa.concat_tables([arrow[:2], arrow[2:]])
    batch = arrow.to_batches()[0]
    for source in (table, ranked, arrow, chunks, batch):
        with pytest.raises(ValueError, match=r"`time` must have no missing values.* row 1"):
            from_frame(source, by="k", time="t")
    rows = [0, 2, 3]
    full = table.iloc[rows]
    indexed = full.set_index(["k", "t"])
    for source in (
        full,
        ranked[rows],
        arrow.take(rows),
        chunks.take(rows),
        batch.take(pa.array(rows)),
    ):
        data = from_frame(source, by="k", time="t")
        assert data.X[0].ravel().tolist() == [1, 2, 3] and data.times[0].tolist() == months
    assert from_frame(indexed).X[0].ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("unit", ["M", "D", "h", "s", "ms", "us", "ns"])
def test_times_of_any_unit_come_back(library, unit):
    times = np.array(["2024-01-01", "2024-03-01"], dtype=f"M8[{unit}]")
    table = to_frame([[1.0, 2.0]], times=[times], frame=library)
    np.testing.assert_array_equal(from_frame(table, by="id", time="time").times[0], times)


def test_subclasses_of_frames_are_tables():
    class Rows(pd.DataFrame):
        _constructor = pd.DataFrame

    class Columns(pl.DataFrame):
        pass

    values = {"k": [0, 0, 1], "v": [1.0, 2.0, 3.0]}
    for table in (Rows(values), Columns(values)):
        assert [len(x) for x in from_frame(table, by="k").X] == [2, 1]
        windows = make_windows(table, group="k", target="v", past=1, horizon=1)
        forecast = from_windows(np.array([[0.0, 9.0]]), windows)
        assert isinstance(forecast, type(table).__base__) and forecast["v_pred"].to_list() == [9.0]


@libraries
def test_zeros_of_both_signs_are_one_value(library):
    table = LIBRARIES[library](pd.DataFrame({"k": [0.0, -0.0], "v": [1, 2], "y": [-0.0, 0.0]}))
    data = from_frame(table, by="k", y="y")
    assert data.X[0].shape == (2, 1) and data.y.shape == (1,)


FRAME = pd.DataFrame({"k": [0, 0, 1], "t": [0, 1, 0], "v": 1.0, "w": ["a", "b", "a"]})
BAD_CALLS = {
    r"`by` must name the column": dict(),
    r"`by` must name columns of `table`, .*'no'": dict(by="no"),
    r"`by` must be the name": dict(by=FRAME["k"]),
    r"`by` must name .* no column twice": dict(by=["k", "k"]),
    r"`by` must name .* not the column of `time`; got by='k' and time='k'": dict(by="k", time="k"),
    r"`time` must be the name": dict(by="k", time=["t"]),
    r"`y` must name columns .*'z'": dict(by="k", y="z"),
    r"`groups` must be the same .* 'a' and 'b' in sequence 0": dict(by="k", groups="w"),
    r"column 'w' holds strings": dict(by="k"),
    r"`columns` must name at least one": dict(by="k", columns=["v", "v"]),
    r"`columns` must name at least": dict(by="k", y="v", groups="k", time="t", sample_weight="w"),
    r"`as_frames` and `as_nested`": dict(by="k", columns="v", as_frames=True, as_nested=True),
    r"`time` must not repeat .* 'w' 'a' has '0'": dict(by="w", time="t", columns="v"),
}


@libraries
@pytest.mark.parametrize("message", BAD_CALLS)
def test_a_wrong_call_names_its_parameter(library, message):
    with pytest.raises(ValueError, match=message):
        from_frame(LIBRARIES[library](FRAME), **BAD_CALLS[message])


@libraries
def test_missing_ids_and_times_are_named(library):
    for name in ("k", "t"):
        table = FRAME.astype({name: float})
        table.loc[1, name] = np.nan
        what = {"k": "by", "t": "time"}[name]
        with pytest.raises(ValueError, match=rf"`{what}` must have no missing .*'{name}'.* row 1"):
            from_frame(LIBRARIES[library](table), by="k", time="t", columns="v")


def test_nan_is_no_id_in_any_library():
    numbers = {"k": [0.0, np.nan], "v": [1.0, 2.0]}
    for table in (pl.DataFrame(numbers), pa.table(numbers), pa.RecordBatch.from_pydict(numbers)):
        with pytest.raises(ValueError, match=r"`by` must have no missing .*'k'.* row 1"):
            from_frame(table, by="k")


def test_categories_are_compared_by_their_labels():
    parts = [{"k": ["a", "b"], "v": [1, 2]}, {"k": ["b", "a"], "v": [3, 4]}]
    chunks = [pa.table({**p, "k": pa.array(p["k"]).dictionary_encode()}) for p in parts]
    ordered = pd.Categorical(["a", "b", "b", "a"], categories=["z", "b", "a"])
    tables = (
        pa.concat_tables(chunks),  # each chunk numbers its labels
        pd.DataFrame({"k": ordered, "v": [1, 2, 3, 4]}),
        pl.DataFrame(
            {"k": list(ordered), "v": [1, 2, 3, 4]}, schema_overrides={"k": pl.Categorical}
        ),
    )
    for table in tables:
        data = from_frame(table, by="k", groups="k")
        assert data.ids.tolist() == data.groups.tolist() == ["a", "b"]
        assert [x[:, 0].tolist() for x in data.X] == [[1, 4], [2, 3]]


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (pl.DataFrame({"k": [0]}).lazy(), TypeError, r"in memory.*\.collect\(\)"),
        (FRAME.groupby("k"), TypeError, "GroupBy: pass the table"),
        ({"k": [0]}, TypeError, "must be a table of pandas, polars or pyarrow, got dict"),
        (np.zeros((3, 2)), TypeError, "got ndarray"),
        (FRAME[:0], ValueError, "at least one row"),
        (pd.concat([FRAME, FRAME], axis=1), ValueError, "'k' occurs twice"),
        (pd.DataFrame({"k": [0], "v": [[1, 2]]}), ValueError, "'v' holds lists.*from_nested"),
        (pd.DataFrame({"k": [[1]], "v": [1]}), ValueError, "labels in column 'k'"),
        (pd.DataFrame({"k": [0], "v": pd.to_datetime(["2020"])}), ValueError, "`time`"),
        (pd.DataFrame({"k": [0], "v": [1j]}), ValueError, "'v' holds complex"),
    ],
)
def test_what_is_no_long_table_of_numbers_is_refused(table, error, message):
    for form in (dict(), dict(as_frames=True), dict(as_nested=True)):
        with pytest.raises(error, match=message):
            from_frame(table, by="k", **form)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_any_carrier_becomes_a_table(library):
    ragged = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]])]
    for X in (ragged, tuple(ragged), [pd.DataFrame(x, columns=["x0", "x1"]) for x in ragged]):
        table = to_frame(X, ids=["p", "q"], times=[[7, 8], [9]], y=[0, 1], groups=["g", "h"],
                         sample_weight=[1.0, 2.0], frame=library)  # fmt: skip
        table = pd.DataFrame({n: np.asarray(table[n]).tolist() for n in
                              ("id", "time", "x0", "x1", "y", "group", "weight")})  # fmt: skip
        assert table.to_numpy().tolist() == [
            ["p", 7, 1.0, 2.0, 0, "g", 1.0],
            ["p", 8, 3.0, 4.0, 0, "g", 1.0],
            ["q", 9, 5.0, 6.0, 1, "h", 2.0],
        ]
    dense = to_frame(np.arange(6).reshape(2, 3), y=[[1, 2, 3], [4, 5, 6]])
    assert dense["time"].tolist() == [0, 1, 2, 0, 1, 2]
    assert dense["x0"].tolist() == [0, 1, 2, 3, 4, 5] and dense["y"].tolist() == [1, 2, 3, 4, 5, 6]
    two = to_frame(np.zeros((2, 2, 1)), y=[[1, 2], [3, 4]], names={"y": ["p", "q"]})
    assert two["p"].tolist() == [1, 1, 3, 3] and two["q"].tolist() == [2, 2, 4, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(ids=[1]), "`ids` must have one entry per sequence"),
        (dict(ids=[(1, 2), (3, 4)]), "`names` must list the columns of `ids`"),
        (dict(ids=[(1, 2), (3,)], names={"by": ["a", "b"]}), "`ids` must be tuples of length 2"),
        (dict(times=[[1, 2], [1, 2]]), r"`times` must have one value per step: sequence 1 has 1"),
        (dict(times=[[1, 2]]), "`times` must have one entry per sequence"),
        (dict(y=[1, 2, 3]), "`y` must have one entry per sequence"),
        (dict(columns=["a"]), "`columns` must have one name for each of the 2"),
        (dict(columns=["a", "id"]), "'id' occurs twice"),
        (dict(names={"id": "run"}), "`names` must be a dict"),
        (dict(frame="dask"), "`frame` must be"),
    ],
)
def test_a_table_that_cannot_be_made_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        to_frame([np.zeros((2, 2)), np.zeros((1, 2))], **arguments)
