"""Nested tables as results: of transformers and converters, and their columns in pandas."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nested_data import (
    NAMES,
    X,
    forms,
    pd,
    pl,
)
from ragged_data import objects
from sklearn.base import clone

from sklearn_rnn._data.arguments import X as ARGUMENT
from sklearn_rnn._data.nested import read_nested
from sklearn_rnn._data.reader import read_X
from sklearn_rnn.preprocessing import Differences, SequenceScaler, from_nested, to_nested

# ---- results ------------------------------------------------------------------------------------


@forms
def test_transformers_return_a_table(make):
    table = make()
    scaler = SequenceScaler().fit(table)
    result = scaler.transform(table)
    assert type(result) is type(table)
    expected = np.concatenate(SequenceScaler().fit_transform(X))
    np.testing.assert_array_equal(np.concatenate(list(from_nested(result))), expected)
    back = from_nested(scaler.inverse_transform(result))
    np.testing.assert_allclose(np.concatenate(list(back)), np.concatenate(X), rtol=1e-12)
    names = NAMES if not isinstance(table, np.ndarray) else ["x0", "x1"]
    for library, cls in (("pandas", pd.DataFrame), ("polars", pl.DataFrame)):
        framed = clone(scaler).set_output(transform=library).fit_transform(table)
        assert type(framed) is cls and list(framed.columns) == names
        np.testing.assert_array_equal(np.concatenate(list(from_nested(framed))), expected)
    differences = Differences().fit_transform(table)
    assert differences.shape[1] == Differences().fit_transform(X)[0].shape[1]


def test_the_index_is_kept_and_the_input_unchanged():
    table = to_nested(X, NAMES).set_axis(list("uvwxyz"))
    before = pickle.dumps(table)
    result = SequenceScaler(copy=False).fit_transform(table)
    assert list(result.index) == list("uvwxyz") and pickle.dumps(table) == before
    assert list(to_nested(table).index) == list("uvwxyz")
    assert list(to_nested(pd.Series(X, index=list("uvwxyz"))).index) == list("uvwxyz")


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    n_features=st.integers(1, 3),
    frame=st.sampled_from(["pandas", "polars", "pyarrow", None]),
    carrier=st.sampled_from(["list", "object array", "frames", "nested"]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 9),
)
def test_round_trips_change_nothing(lengths, n_features, frame, carrier, dtype, seed):
    random = np.random.default_rng(seed)
    sequences = [random.normal(size=(n, n_features)).astype(dtype) for n in lengths]
    sequences[0][0, 0] = np.nan
    given = {"list": list, "object array": objects, "nested": to_nested}.get(carrier, list)(
        sequences
    )
    if carrier == "frames":
        given = [pd.DataFrame(x, columns=[f"f{j}" for j in range(n_features)]) for x in sequences]
    table = to_nested(given, frame=frame)
    assert table.shape == (len(lengths), n_features)
    back = from_nested(table)
    assert back.dtype == object and back.shape == (len(lengths),)
    for x, own in zip(sequences, back, strict=True):
        assert own.dtype == dtype
        np.testing.assert_array_equal(own, x)
    names = read_nested(table, ARGUMENT).names
    numbered = to_nested(given, range(n_features), frame=frame)
    assert numbered.shape == table.shape
    if frame is not None:
        prefix = "f" if carrier == "frames" else "x"
        assert list(map(str, names)) == [f"{prefix}{j}" for j in range(n_features)]


def test_converters_refuse_what_is_no_table():
    for call, words in (
        (lambda: to_nested(X, ["a"]), "`columns` must have one name for each of the 2 features"),
        (lambda: to_nested(X, 5), r"`columns` must have one name .* got \[5\]"),
        (lambda: to_nested(X, frame="dask"), "`frame` must be None or one of 'pandas'"),
        (lambda: to_nested([1.0, 2.0]), "`X` must hold sequences"),
        (lambda: from_nested(X), "`table` must be a frame or a 2-D object array"),
        (lambda: from_nested(pd.DataFrame({"a": [1.0]})), "`table` must be a frame or a 2-D"),
        (lambda: from_nested(pd.DataFrame({"a": [["b"]]})), r"`table\['a'\]` must hold real num"),
        (lambda: to_nested([pd.DataFrame({"a": ["b"]}), X[0][:, :1]]), "frames only"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


# ---- the columns of pandas ----------------------------------------------------------------------


def test_a_column_of_pandas_does_what_frames_need(tmp_path):
    table = to_nested(X, NAMES)
    assert repr(list(table.dtypes)) == "[sequence[float64], sequence[float64]]"
    assert "[" in repr(table) and "sequence[float64]" in repr(table["acc"])
    np.testing.assert_array_equal(table["acc"].iloc[2], X[2][:, 0])
    np.testing.assert_array_equal(table.iloc[[4, 1]]["gyro"].iloc[0], X[4][:, 1])
    assert table[table.index > 3].shape == (2, 2)
    assert pd.concat([table[:2], table[2:]]).equals(table)
    assert not table.equals(table[::-1].reset_index(drop=True))
    assert table["acc"].astype("sequence[float32]").dtype == "sequence[float32]"
    reindexed = table.reindex([0, 9])
    assert reindexed["acc"].isna().tolist() == [False, True]
    with pytest.raises(ValueError, match=r"`X\['acc'\]`, row 1, is missing"):
        read_X(reindexed, "RNN")
    table.at[0, "acc"] = np.arange(3.0)
    np.testing.assert_array_equal(from_nested(table)[0][:, 0], np.arange(3.0))
    cell = table["acc"].iloc[0]
    assert (cell != cell) is False and (cell != cell + 1).all()


def test_files_keep_a_table(tmp_path):
    table, path = to_nested([x.astype(np.float32) for x in X], NAMES), tmp_path / "table.parquet"
    table.at[1, "acc"] = np.full(len(X[1]), np.nan)
    table = table.reindex([0, 1, 2, 9])
    table.to_parquet(path)
    assert pd.read_parquet(path).equals(table)
    pd.testing.assert_frame_equal(pd.read_parquet(path), table)
    # Here pandas does not know the dtype.
    table[:3].astype(object).to_parquet(path)
    read = f"import pandas; print(pandas.read_parquet({str(path)!r})['acc'].map(len).tolist())"
    lengths = subprocess.run([sys.executable, "-c", read], capture_output=True, check=True).stdout
    assert lengths.decode().strip() == str([len(x) for x in X[:3]])
    assert to_nested(pd.read_parquet(path)).equals(table[:3])


def test_functions_of_cells_keep_numbers_and_dtypes():
    table = to_nested(X, NAMES)
    lengths = [len(x) for x in X]
    assert table["acc"].map(len).tolist() == lengths
    assert table.map(np.sum)["gyro"].tolist() == [x[:, 1].sum() for x in X]
    longest = table.sort_values("acc", key=lambda column: column.map(len)).index[-1]
    assert lengths[longest] == max(lengths)
    assert table["acc"].map(tuple).iloc[0] == tuple(X[0][:, 0])
    halves = pd.Series([[1, 2], [3]], dtype="sequence[int64]").map(lambda cell: cell / 2)
    assert halves.dtype == "sequence[float64]" and halves[0].tolist() == [0.5, 1.0]
    long = table.reindex([0, 9, 1]).explode(NAMES)
    assert long.index.tolist() == [0] * lengths[0] + [9] + [1] * lengths[1]
    np.testing.assert_array_equal(long.loc[[1]].to_numpy(float), X[1])
    assert long.loc[[9]].isna().all(axis=None)


def test_cells_are_set_without_loss():
    column = pd.Series([[1, 2], [3], [4, 5, 6]], dtype="sequence[int64]")
    column[0:2] = np.array([7, 8])  # one sequence for both, though there are as many steps as rows
    assert [cell.tolist() for cell in column] == [[7, 8], [7, 8], [4, 5, 6]]
    column[[True, False, True]] = [[1], [2, 3]]
    column = column.mask([False, True, False])
    assert column.isna().tolist() == [False, True, False]
    assert column.fillna(column[2:].reindex([1], fill_value=None)).isna().sum() == 1
    words = pd.Series([["ab"], ["c"]]).astype("sequence[<U2]")
    joined = pd.concat([words, column]).tolist()
    assert joined[0][0] == "ab" and joined[4].tolist() == [2, 3]
    before = column.copy()
    for target, wrong, message in (
        (column, 5, "must have one 1-D array in each cell, got 5"),
        (column, np.array([0.5]), r"sequence\[int64\] cannot hold .*0.5"),
        (column, np.array([np.nan]), r"sequence\[int64\] cannot hold .*nan"),
        (words, np.array(["long"]), "cannot hold .*long"),
        (column, [[1], [2], [3], [4]], "one for each of the 3 rows; got 4"),
    ):
        with pytest.raises(ValueError, match=message):
            target.array[:] = wrong
    assert column.equals(before)
    with pytest.raises(ValueError, match=r"got 1\.0"):
        pd.Series([1.0, 2.0]).astype("sequence[float64]")


@pytest.mark.parametrize("name", ["unique", "duplicated", "value_counts", "argsort", "factorize"])
def test_what_needs_an_order_or_a_hash_is_refused(name):
    column = to_nested([X[0], X[0]])["x0"]
    with pytest.raises(TypeError, match=r"cannot be (ordered|grouped).*column.map\(tuple\)"):
        getattr(column, name)()
    assert column.map(tuple).duplicated().tolist() == [False, True]
    with pytest.raises(TypeError, match="cannot be grouped"):
        column.isin([column[0]])
