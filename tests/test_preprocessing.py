"""A scaler sees every real step once, in every carrier, and gives back what came."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sklearn_rnn._pickles import InconsistentStateWarning
from sklearn_rnn.preprocessing import SequenceScaler

LENGTHS = (5, 1, 7, 3)
N_FEATURES = 3


def objects(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def ragged(n_features=N_FEATURES, dtype=np.float64):
    rng = np.random.default_rng(0)
    shape = () if n_features is None else (n_features,)
    return [(rng.normal(size=(n, *shape)) * 3 + 5).astype(dtype) for n in LENGTHS]


def dense(n_features=N_FEATURES, dtype=np.float64):
    shape = () if n_features is None else (n_features,)
    return (np.random.default_rng(0).normal(size=(6, 4, *shape)) * 3 + 5).astype(dtype)


def flat(X):
    """All steps of any carrier, (n_steps, n_features)."""
    steps = np.concatenate(
        [np.asarray(item) for item in np.asarray(X)] if hasattr(X, "shape") else X
    )
    return steps.reshape(len(steps), -1)


CARRIERS = {
    "3-D array": dense(),
    "2-D array": dense(None),
    "list": ragged(),
    "tuple": tuple(ragged()),
    "object array": objects(ragged()),
    "object array of equal lengths": objects(list(dense())),
    "list of 1-D": ragged(None),
    "nested lists": [item.tolist() for item in ragged()],
    "rectangular nested lists": dense().tolist(),
    "list of frames": [pd.DataFrame(item) for item in ragged()],
    "F-ordered": np.asfortranarray(dense()),
    "integers": np.arange(24).reshape(2, 4, 3),
}
carriers = pytest.mark.parametrize("X", CARRIERS.values(), ids=CARRIERS.keys())


# scikit-learn's contract


@parametrize_with_checks([SequenceScaler()])
def test_scikit_learn_accepts_the_scaler(estimator, check):
    check(estimator)


def test_scikit_learn_really_looked():
    # With the tag for 2-D arrays off nearly all of them would be left out, silently.
    assert sum(1 for _ in estimator_checks_generator(SequenceScaler())) > 40
    results = check_estimator(SequenceScaler(), on_fail=None, on_skip=None)
    assert {result["status"] for result in results} == {"passed"}


# What is computed


@carriers
def test_each_feature_is_scaled_over_all_steps_of_all_sequences(X):
    scaler = SequenceScaler().fit(X)
    expected = StandardScaler().fit(flat(X))
    np.testing.assert_allclose(scaler.mean_, expected.mean_)
    np.testing.assert_allclose(scaler.var_, expected.var_)
    np.testing.assert_allclose(scaler.scale_, expected.scale_)
    assert scaler.n_steps_seen_ == len(flat(X))
    np.testing.assert_allclose(flat(scaler.transform(X)), expected.transform(flat(X)), atol=1e-12)


def test_columns_of_a_2d_array_are_steps_and_share_one_scale():
    X = dense(None) + 10 * np.arange(4)
    scaler = SequenceScaler().fit(X)
    assert scaler.mean_.shape == (1,)
    assert scaler.n_features_in_ == 4
    scaled = scaler.transform(X)
    np.testing.assert_array_equal(scaled, SequenceScaler().fit_transform(X[:, :, None])[:, :, 0])
    # The shape of a sequence survives: one line maps all steps.
    np.testing.assert_allclose(np.diff(scaled), np.diff(X) / scaler.scale_)


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


def test_mean_and_scale_can_be_left_out():
    X = dense()
    mean, scale = X.mean(axis=(0, 1)), X.std(axis=(0, 1))
    shifted = SequenceScaler(with_std=False).fit_transform(X)
    divided = SequenceScaler(with_mean=False).fit_transform(X)
    np.testing.assert_allclose(shifted, X - mean)
    np.testing.assert_allclose(divided, X / scale)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e15, 1e-300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_is_divided_by_one(dtype, value):
    X = ragged(dtype=dtype)
    for item in X:
        item[:, 1] = value
    scaler = SequenceScaler().fit(X).partial_fit(X)
    assert scaler.var_[1] == 0
    assert scaler.scale_[1] == 1
    assert not any(item[:, 1].any() for item in scaler.transform(X))


def test_a_feature_that_is_constant_up_to_rounding_is_divided_by_one():
    X = np.array([[0.3, 0.1 + 0.2, 0.3]])
    assert X[0, 1] != X[0, 0]
    assert SequenceScaler().fit(X).scale_ == 1


@pytest.mark.parametrize("n_parts", [1, 7])
def test_large_offsets_cost_no_digits(n_parts):
    X = np.random.default_rng(0).normal(size=(70, 1000, 2))
    X = np.round(X * 1024) / 1024  # so that adding the offset is exact
    scaler = SequenceScaler()
    for part in np.split(X + 2.0**32, n_parts):
        scaler.partial_fit(part)
    np.testing.assert_allclose(scaler.mean_ - 2.0**32, X.mean(axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(scaler.var_, X.var(axis=(0, 1)), rtol=1e-7)
    naive = ((X + 2.0**32) ** 2).mean(axis=(0, 1)) - (X + 2.0**32).mean(axis=(0, 1)) ** 2
    assert np.abs(naive / X.var(axis=(0, 1)) - 1).max() > 1  # what it is held against


def test_float32_sequences_are_summed_in_float64():
    X = np.random.default_rng(0).normal(size=(100, 1000, 1)).astype(np.float32) + np.float32(1000)
    scaler = SequenceScaler().fit(X)
    expected = X.astype(np.float64)
    np.testing.assert_allclose(scaler.mean_, expected.mean(), rtol=1e-12)
    np.testing.assert_allclose(scaler.var_, expected.var(), rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-160, 1e-200, 1e-300, 1e150])
@pytest.mark.parametrize("make", [ragged, dense])
def test_the_scale_is_in_the_unit_of_the_feature_however_small(make, unit):
    X = make()
    expected = SequenceScaler().fit(X)
    tiny = X * unit if isinstance(X, np.ndarray) else [item * unit for item in X]
    scaler, parts = SequenceScaler().fit(tiny), SequenceScaler()
    np.testing.assert_allclose(scaler.scale_, expected.scale_ * unit)
    for start in (0, 1):
        parts.partial_fit(tiny[start::2])
    np.testing.assert_allclose(parts.scale_, scaler.scale_)
    weighted = SequenceScaler().fit(tiny, sample_weight=np.full(len(X), 0.3))
    np.testing.assert_allclose(weighted.scale_, scaler.scale_)
    np.testing.assert_allclose(flat(scaler.transform(tiny)), flat(expected.transform(X)))


def test_constants_stay_constants_over_partial_fits():
    scaler = SequenceScaler()
    for _ in range(3):
        scaler.partial_fit([np.array([[0.1, 1.0], [0.1, -1.0]])])
    assert scaler.var_[0] == 0
    assert scaler.scale_.tolist() == [1, 1]
    scaler.partial_fit([np.array([[0.3, 1.0], [0.3, -1.0]])])
    np.testing.assert_allclose(scaler.scale_[0], np.std([0.1] * 6 + [0.3] * 2))


# Batches and weights


@carriers
def test_partial_fits_see_what_one_fit_sees(X):
    whole, parts = SequenceScaler().fit(X), SequenceScaler()
    for start in (0, 1):
        parts.partial_fit(X[start::2])
    np.testing.assert_allclose(parts.mean_, whole.mean_)
    np.testing.assert_allclose(parts.var_, whole.var_)
    assert parts.n_steps_seen_ == whole.n_steps_seen_


def test_fit_forgets_what_was_seen_before():
    scaler = SequenceScaler().fit(pd.DataFrame(dense(None), columns=list("abcd")))
    scaler.fit(ragged())
    np.testing.assert_array_equal(scaler.mean_, SequenceScaler().fit(ragged()).mean_)
    assert not hasattr(scaler, "feature_names_in_")
    assert scaler.n_features_in_ == 3


@carriers
def test_a_weight_counts_as_copies_of_the_sequence(X):
    counts = np.arange(len(X)) % 3
    indices = np.repeat(np.arange(len(X)), counts)
    repeated = X[indices] if hasattr(X, "shape") else [X[i] for i in indices]
    weighted = SequenceScaler().fit(X, sample_weight=counts)
    expected = SequenceScaler().fit(repeated)
    np.testing.assert_allclose(weighted.mean_, expected.mean_)
    np.testing.assert_allclose(weighted.var_, expected.var_)
    assert weighted.n_steps_seen_ == expected.n_steps_seen_


@pytest.mark.parametrize("wrap", [list, tuple, objects])
def test_steps_of_weight_zero_are_not_seen_in_a_list(wrap):
    X = ragged()
    weights = [np.ones(len(item)) for item in X]
    for item, weight in zip(X, weights, strict=True):
        item[:1], weight[:1] = 1e6, 0
    scaler = SequenceScaler().fit(wrap(X), sample_weight=wrap(weights))
    taught = np.concatenate([item[1:] for item in X])
    np.testing.assert_allclose(scaler.mean_, taught.mean(axis=0))
    np.testing.assert_allclose(scaler.var_, taught.var(axis=0))


def test_steps_of_a_3d_array_have_weights():
    X, weights = dense(), np.random.default_rng(1).uniform(size=(6, 4))
    scaler = SequenceScaler().fit(X, sample_weight=weights)
    expected = StandardScaler().fit(flat(X), sample_weight=weights.ravel())
    np.testing.assert_allclose(scaler.mean_, expected.mean_)
    np.testing.assert_allclose(scaler.var_, expected.var_)


def test_a_constant_among_unseen_steps_is_still_constant():
    X = np.array([[7.0, 0.1, 0.1, 0.1]])[:, :, None]
    scaler = SequenceScaler().fit(X, sample_weight=np.array([[0, 1 / 3, 1 / 7, 1]]))
    assert (scaler.mean_, scaler.var_) == (0.1, 0)


def test_a_batch_without_weight_changes_nothing():
    scaler = SequenceScaler().fit(ragged())
    mean = scaler.mean_
    scaler.partial_fit(ragged(), sample_weight=np.zeros(len(LENGTHS)))
    np.testing.assert_array_equal(scaler.mean_, mean)


@pytest.mark.parametrize(
    ("X", "sample_weight", "message"),
    [
        (ragged(), [0, 0, 0, 0], "`sample_weight` must not be zero everywhere"),
        (ragged(), [1, -1, 1, 1], "`sample_weight` must not be negative"),
        (ragged(), [1, 1], "there are 4 sequences, but `sample_weight` has 2"),
        (dense(None), np.ones((6, 4)), r"shape \(n_samples,\) .* pass `X\[:, :, np.newaxis\]`"),
    ],
)
def test_weights_that_make_no_sense_are_refused(X, sample_weight, message):
    with pytest.raises(ValueError, match=message):
        SequenceScaler().fit(X, sample_weight=sample_weight)


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


# What is refused


@pytest.mark.parametrize("method", ["partial_fit", "transform", "inverse_transform"])
@pytest.mark.parametrize(
    ("seen", "came", "words"),
    [
        (dense(None), dense(), ("2-D", "got sequences", "np.stack")),
        (dense(None), ragged(None), ("2-D", "got sequences", "np.stack")),
        (dense(), dense(None), ("a 3-D array or a list", "got 2-D")),
        (ragged(None), dense(None), ("a 3-D array or a list", "got 2-D", "np.newaxis")),
    ],
)
def test_the_kind_seen_in_fit_is_asked_for_by_name(seen, came, words, method):
    scaler = SequenceScaler().fit(seen)
    words = ("SequenceScaler was fitted on", *words)
    with pytest.raises(ValueError, match=".*".join(words)):
        getattr(scaler, method)(came)


def test_3d_arrays_and_lists_are_one_kind():
    scaler = SequenceScaler().fit(dense())
    np.testing.assert_array_equal(
        flat(scaler.transform(list(dense()))), flat(scaler.transform(dense()))
    )


@pytest.mark.parametrize("method", ["partial_fit", "transform", "inverse_transform"])
@pytest.mark.parametrize(
    ("seen", "came"),
    [(ragged(), ragged(2)), (dense(), dense(2)), (dense(None), dense(None)[:, :2])],
)
def test_the_number_of_features_is_kept(seen, came, method):
    scaler = SequenceScaler().fit(seen)
    with pytest.raises(ValueError, match="X has 2 features, but SequenceScaler is expecting"):
        getattr(scaler, method)(came)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "transform", "inverse_transform"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("make", [ragged, dense])
def test_what_is_not_finite_is_named(make, value, method):
    scaler = SequenceScaler().fit(make())
    X = make()
    X[2][1, 0] = value
    with pytest.raises(ValueError, match=r"`X` must be finite: sequence 2 has .* at step 1"):
        getattr(scaler, method)(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 0, 3)), "`X` must have at least 1 step"),
        (np.ones((2, 3, 0)), "`X` must have at least 1 feature per step"),
        (np.ones((0, 3, 2)), "0 sample"),
        ([], "`X` must hold at least one sequence"),
        (np.ones((2, 3, 4, 5)), r"got an array of shape \(2, 3, 4, 5\)"),
        (np.ma.masked_equal(np.ones((2, 3)), 1), "`X` must not have masked entries"),
        (np.array([[1e308, -1e308]]), "their variance overflows float64"),
    ],
)
def test_what_is_no_sequence_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        SequenceScaler().fit(X)


@pytest.mark.parametrize("name", ["with_mean", "with_std", "copy"])
def test_parameters_must_be_bools(name):
    with pytest.raises(ValueError, match=f"`{name}` must be a bool, got 'no'"):
        SequenceScaler(**{name: "no"}).fit(dense())


def test_a_fit_that_fails_changes_nothing():
    scaler = SequenceScaler().fit(pd.DataFrame(dense(None), columns=list("abcd")))
    before = dict(vars(scaler))
    with pytest.raises(ValueError, match="zero everywhere"):
        scaler.fit(ragged(), sample_weight=[0, 0, 0, 0])
    with pytest.raises(ValueError, match="must be finite"):
        scaler.fit(np.array([[np.nan, 1]]))
    assert vars(scaler) == before


@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_an_unfitted_scaler_says_so(method):
    with pytest.raises(NotFittedError):
        getattr(SequenceScaler(), method)(ragged())


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


@pytest.mark.parametrize("make", [ragged, dense])
def test_3d_arrays_and_lists_of_arrays_stay_what_they_are(make):
    with config_context(transform_output="pandas"):
        scaler = SequenceScaler().fit(make())
        assert type(scaler.transform(make())) is type(make())
        assert type(SequenceScaler().fit_transform(make())) is type(make())
    assert scaler.get_feature_names_out().tolist() == ["x0", "x1", "x2"]


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


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "partial_fit"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale_", np.ones(1)),
        ("scale_", np.array([1.0, 0.0, 1.0])),
        ("scale_", np.float32([1, 1, 1])),
        ("scale_", None),
        ("mean_", np.array([0.0, np.nan, 0.0])),
        ("mean_", [0.0, 0.0, 0.0]),
        ("var_", -np.ones(3)),
        ("n_steps_seen_", -1),
        ("n_steps_seen_", np.nan),
        ("n_steps_seen_", "many"),
        ("_input_kind", "4d"),
    ],
)
def test_a_damaged_state_is_named(name, value, method):
    scaler = SequenceScaler().fit(ragged())
    setattr(scaler, name, value)
    with pytest.raises(ValueError, match=f"`{name}` must be .*the state is damaged"):
        getattr(scaler, method)(ragged())


def test_one_sequence_is_told_how_to_be_given():
    scaler = SequenceScaler().fit(dense())
    with pytest.raises(ValueError, match=r"Pass one sequence as `\[X\]`"):
        scaler.transform(dense()[0])


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


def test_a_fitted_scaler_survives_pickling_and_clone_forgets():
    scaler = SequenceScaler(with_mean=False).fit(ragged())
    again = pickle.loads(pickle.dumps(scaler))
    np.testing.assert_array_equal(flat(again.transform(ragged())), flat(scaler.transform(ragged())))
    assert clone(scaler).get_params() == scaler.get_params()
    assert not hasattr(clone(scaler), "mean_")


def test_a_state_of_another_format_is_refused():
    scaler = SequenceScaler().fit(ragged())
    state = scaler.__getstate__()
    assert state["_state_format"] == 2
    with pytest.raises(ValueError, match=r"in state format 3.* reads formats up to 2: upgrade it"):
        SequenceScaler().__setstate__({**state, "_state_format": 3})


def test_a_scaler_of_another_version_warns():
    scaler = SequenceScaler().fit(ragged())
    state, again = scaler.__getstate__(), SequenceScaler()
    with pytest.warns(InconsistentStateWarning, match="SequenceScaler was pickled by.*9.9.*Fit it"):
        again.__setstate__({**state, "_sklearn_rnn_version": "9.9"})
    np.testing.assert_array_equal(again.mean_, scaler.mean_)


@pytest.mark.parametrize(("make", "kind"), [(dense, "3d"), (ragged, "ragged")])
def test_a_scaler_of_format_1_is_read(make, kind):
    scaler = SequenceScaler().fit(make())
    state = {**scaler.__getstate__(), "_state_format": 1, "_fitted_kind": kind}
    del state["_input_kind"], state["_sklearn_rnn_version"]
    again = SequenceScaler()
    with pytest.warns(InconsistentStateWarning, match="an unknown version"):
        again.__setstate__(state)
    assert vars(again).keys() == vars(scaler).keys()
    np.testing.assert_array_equal(flat(again.transform(make())), flat(scaler.transform(make())))


def test_carriers_are_told_by_tags():
    tags = SequenceScaler().__sklearn_tags__()
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.allow_nan
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


@pytest.mark.parametrize("weight", [1e-320, 1e-309, 1e300])
def test_only_the_ratios_of_weights_count_in_a_scale(weight):
    X = 1e5 * np.array([[[0.0], [0.4]], [[1.0], [3.0]]])
    plain, scaled = (SequenceScaler().fit(X, sample_weight=[w, w]) for w in (1.0, weight))
    np.testing.assert_allclose(scaled.scale_, plain.scale_)
    plain.partial_fit(X + 1, sample_weight=[1.0, 1.0])
    scaled.partial_fit(X + 1, sample_weight=[weight, weight])
    np.testing.assert_allclose(scaled.mean_, plain.mean_)
    np.testing.assert_allclose(scaled.var_, plain.var_)
