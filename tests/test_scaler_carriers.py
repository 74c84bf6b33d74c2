"""The scaler gives sequences back in the carrier in which they came."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scaler_data import CARRIERS, N_FEATURES, carriers, dense, flat, objects, ragged
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_rnn.preprocessing import SequenceScaler


@carriers
def test_sequences_come_back_in_their_carrier(X):
    back = SequenceScaler().fit_transform(X)
    came = np.asarray(X) if X is CARRIERS["rectangular nested lists"] else X
    assert type(back) is type(came)
    assert len(back) == len(came)
    assert [np.shape(item) for item in back] == [np.shape(item) for item in came]
    if isinstance(came, np.ndarray):
        assert back.shape == came.shape
        assert (back.dtype == object) == (came.dtype == object)


@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
@pytest.mark.parametrize("make", [ragged, dense])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_float_type_is_kept(dtype, make, method):
    X = make(dtype=dtype)
    back = getattr(SequenceScaler().fit(X), method)(X)
    assert {item.dtype for item in back} == {np.dtype(dtype)}


@carriers
@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("with_mean", [True, False])
def test_the_inverse_gives_the_sequences_back(X, with_mean, with_std):
    scaler = SequenceScaler(with_mean=with_mean, with_std=with_std).fit(X)
    back = scaler.inverse_transform(scaler.transform(X))
    assert isinstance(back, type(scaler.transform(X)))
    np.testing.assert_allclose(flat(back), flat(X), rtol=1e-12)


# Memory


@pytest.mark.parametrize("make", [ragged, dense])
def test_sequences_are_not_written_over(make):
    X = make()
    scaler = SequenceScaler().fit(X)
    scaler.inverse_transform(scaler.transform(X))
    np.testing.assert_array_equal(flat(X), flat(make()))


@pytest.mark.parametrize("shape", [N_FEATURES, None])
def test_without_copy_a_dense_array_is_written_over(shape):
    X = dense(shape)
    scaler = SequenceScaler(copy=False).fit(X)
    back = scaler.transform(X)
    assert np.shares_memory(back, X)
    np.testing.assert_array_equal(back, SequenceScaler().fit_transform(dense(shape)))


def test_without_copy_read_only_arrays_and_lists_are_left_alone():
    X = dense()
    X.flags.writeable = False
    SequenceScaler(copy=False).fit_transform(X)
    X = ragged()
    SequenceScaler(copy=False).fit_transform(X)
    np.testing.assert_array_equal(flat(X), flat(ragged()))


def test_nothing_to_do_still_gives_a_copy():
    X = dense()
    back = SequenceScaler(with_mean=False, with_std=False).fit_transform(X)
    np.testing.assert_array_equal(back, X)
    assert not np.shares_memory(back, X)


# Names, frames, pipelines


def test_columns_have_names_and_frames_come_out():
    X = pd.DataFrame(dense(None), columns=list("abcd"), index=list("uvwxyz"))
    scaler = SequenceScaler().set_output(transform="pandas").fit(X)
    assert scaler.feature_names_in_.tolist() == list("abcd")
    assert scaler.get_feature_names_out().tolist() == list("abcd")
    frame = scaler.transform(X)
    assert frame.columns.tolist() == list("abcd")
    assert frame.index.tolist() == list("uvwxyz")
    np.testing.assert_array_equal(frame, SequenceScaler().fit_transform(X))
    with pytest.raises(ValueError, match="feature names"):
        scaler.transform(X.rename(columns={"a": "A"}))


@carriers
def test_every_carrier_becomes_frames_if_they_are_asked_for(X):
    expected = SequenceScaler().fit_transform(X)
    scaler = SequenceScaler().set_output(transform="pandas").fit(X)
    names = scaler.get_feature_names_out().tolist()
    with config_context(transform_output="pandas"):
        by_config = SequenceScaler().fit_transform(X)
    for result in (scaler.transform(X), by_config, clone(scaler).fit_transform(X)):
        assert type(result) is type(scaler.transform(X))
        if getattr(X, "ndim", None) == 2:  # one feature per step: the columns are the steps
            assert isinstance(result, pd.DataFrame) and result.columns.tolist() == names
            np.testing.assert_array_equal(result, expected)
            continue
        is_3d = isinstance(expected, np.ndarray) and expected.ndim == 3
        assert type(result) is (list if is_3d else type(expected))
        for item, values in zip(result, expected, strict=True):
            assert isinstance(item, pd.DataFrame) and item.columns.tolist() == names
            np.testing.assert_array_equal(item, values.reshape(len(values), -1))
    assert type(scaler.set_output(transform="default").transform(X)) is type(expected)


@pytest.mark.parametrize("container", [list, tuple, objects])
def test_a_list_of_frames_stays_one_if_frames_are_asked_for(container):
    names = ["a", "b", "c"]
    frames = [pd.DataFrame(x, columns=names).rename(index=lambda i: i + 7) for x in ragged()]
    X = container(frames)
    expected = SequenceScaler().fit_transform(frames)
    scaler = SequenceScaler().set_output(transform="pandas")
    for result in (scaler.fit_transform(X), clone(scaler).fit(X).transform(X)):
        assert type(result) is type(X)
        for item, frame, values in zip(result, frames, expected, strict=True):
            assert item.columns.tolist() == names
            assert item.index.tolist() == frame.index.tolist()
            np.testing.assert_array_equal(item, values)
    assert type(SequenceScaler().fit(X).transform(X)[0]) is np.ndarray
    with config_context(transform_output="pandas"):
        assert type(SequenceScaler().fit(X).transform(X)[0]) is pd.DataFrame
    pipeline = make_pipeline(SequenceScaler(), SequenceScaler()).set_output(transform="pandas")
    assert pipeline.fit_transform(X)[0].columns.tolist() == names
    assert pipeline[-1].feature_names_in_.tolist() == names


def test_frames_of_polars_stay_that():
    pl = pytest.importorskip("polars")
    frames = [pl.DataFrame(x, schema=["a", "b", "c"]) for x in ragged()]
    result = SequenceScaler().set_output(transform="polars").fit_transform(frames)
    assert [type(item) for item in result] == [pl.DataFrame] * len(frames)
    assert result[0].columns == ["a", "b", "c"]
    arrays = SequenceScaler().set_output(transform="polars").fit(frames).transform(frames)
    assert arrays[0].equals(result[0])


@pytest.mark.parametrize(
    ("X", "names"),
    [
        (ragged(), ["x0", "x1", "x2"]),
        (ragged(None), ["x0"]),
        (dense(), ["x0", "x1", "x2"]),
        (dense(None), ["x0", "x1", "x2", "x3"]),
        ([pd.DataFrame(x, columns=list("abc")) for x in ragged()], ["a", "b", "c"]),
    ],
)
def test_features_have_names(X, names):
    scaler = SequenceScaler().fit(X)
    assert scaler.get_feature_names_out().tolist() == names
    assert scaler.get_feature_names_out(names).tolist() == names
    with pytest.raises(ValueError, match="input_features"):
        scaler.get_feature_names_out([*names, "more"])


def test_the_inverse_does_not_ask_for_the_names_that_transform_dropped():
    X = pd.DataFrame(dense(None), columns=list("abcd"))
    scaler = SequenceScaler().fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = scaler.inverse_transform(scaler.transform(X))
    np.testing.assert_allclose(back, X)


@carriers
def test_a_pipeline_passes_every_carrier_on(X):
    pipeline = make_pipeline(SequenceScaler(), FunctionTransformer())
    back = pipeline.fit_transform(X, sequencescaler__sample_weight=np.ones(len(X)))
    np.testing.assert_array_equal(flat(back), flat(SequenceScaler().fit_transform(X)))
