"""Nested tables as results: of transformers and converters, and their columns in pandas."""

import pickle

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
    if frame is not None:
        prefix = "f" if carrier == "frames" else "x"
        assert list(map(str, names)) == [f"{prefix}{j}" for j in range(n_features)]


def test_converters_refuse_what_is_no_table():
    for call, words in (
        (lambda: to_nested(X, ["a"]), "`columns` must have one name for each of the 2 features"),
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
    table.to_parquet(tmp_path / "table.parquet")
    back = from_nested(pd.read_parquet(tmp_path / "table.parquet"))
    for x, own in zip(from_nested(table), back, strict=True):
        np.testing.assert_array_equal(own, x)
    cell = table["acc"].iloc[0]
    assert (cell != cell) is False and (cell != cell + 1).all()
