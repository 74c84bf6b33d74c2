"""The scaler's other methods, missing values, and scaling of each sequence by itself."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaler_data import carriers, dense, flat, objects, ragged
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_rnn.preprocessing import SequenceScaler

# By method: the scaler of scikit-learn that is the reference, and parameters for both.
METHODS = {
    "standard": (StandardScaler(), {}),
    "minmax": (MinMaxScaler((-2, 3)), {"feature_range": (-2, 3)}),
    "robust": (RobustScaler(quantile_range=(10, 70)), {"quantile_range": (10, 70)}),
}
methods = pytest.mark.parametrize("method", METHODS)


def pair(method, **params):
    reference, ours = METHODS[method]
    return clone(reference), SequenceScaler(method, **ours, **params)


def with_gaps(X):
    """Return X, list or array, with NaN at a quarter of all places, and one feature all NaN."""
    rng = np.random.default_rng(3)
    X = [item.copy() for item in X]
    for item in X:
        item[rng.uniform(size=item.shape) < 0.25] = np.nan
        item[:, 2] = np.nan
    return X


# Numbers


@methods
@carriers
def test_numbers_are_those_of_scikit_learn_on_all_steps(X, method):
    reference, scaler = pair(method)
    expected = reference.fit_transform(flat(X))
    result = scaler.fit_transform(X)
    np.testing.assert_allclose(flat(result), expected, atol=1e-12)
    np.testing.assert_allclose(flat(scaler.inverse_transform(result)), flat(X), atol=1e-12)
    names = {"standard": ["mean_", "var_"], "minmax": ["data_min_", "data_max_"]}
    for name in names.get(method, ["center_", "scale_"]):
        np.testing.assert_allclose(getattr(scaler, name), getattr(reference, name), rtol=1e-12)


@methods
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_values_are_disregarded_in_fit_and_kept_in_transform(dtype, method):
    X = [item.astype(dtype) for item in with_gaps(ragged())]
    reference, scaler = pair(method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of a column of NaN
        expected = reference.fit_transform(flat(X).astype(np.float64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = scaler.fit_transform(X)
        back = scaler.inverse_transform(result)
    assert {item.dtype for item in result} == {np.dtype(dtype)}
    tolerance = 1e-5 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(flat(result), expected, atol=tolerance)
    np.testing.assert_allclose(flat(back), flat(X), rtol=tolerance)
    np.testing.assert_array_equal(scaler.n_steps_seen_, (~np.isnan(flat(X))).sum(axis=0))
    assert np.isnan(scaler.scale_).tolist() == [False, False, True]


@pytest.mark.parametrize("method", ["standard", "minmax"])
@pytest.mark.parametrize("weighted", [False, True])
def test_parts_with_missing_values_add_up(method, weighted):
    X = with_gaps(ragged())
    X[3][:, 2] = 7.0  # seen in the last part alone
    X[0][:, 0] = np.nan
    weights = [np.linspace(0.5, 2, len(item)) if weighted else None for item in X]
    whole = SequenceScaler(method).fit(X, sample_weight=weights if weighted else None)
    parts = SequenceScaler(method)
    for item, own in zip(X, weights, strict=True):
        parts.partial_fit([item], sample_weight=[own] if weighted else None)
    assert whole.n_steps_seen_.shape == (3,)
    for name in ("mean_", "var_", "data_min_", "data_max_", "scale_", "n_steps_seen_"):
        expected = getattr(whole, name, None)
        if expected is not None:
            np.testing.assert_allclose(getattr(parts, name), expected, rtol=1e-12)
    if method == "standard" and weighted:
        reference = StandardScaler().fit(flat(X), sample_weight=np.concatenate(weights))
        np.testing.assert_allclose(whole.mean_, reference.mean_)
        np.testing.assert_allclose(whole.var_, reference.var_, atol=1e-12)


@methods
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_sequence_is_scaled_by_its_own_numbers(dtype, method):
    X = [*with_gaps(ragged()), *ragged(), np.full((3, 3), 0.1), 1e9 + dense()[0], ragged()[2][:1]]
    X = [item.astype(dtype) for item in X]
    reference, scaler = pair(method, per_sequence=True)
    result = scaler.fit(X[:2]).transform(X)
    assert {item.dtype for item in result} == {np.dtype(dtype)}
    for item, own in zip(X, result, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = reference.fit_transform(item.astype(np.float64))
        np.testing.assert_allclose(own, expected, atol=3e-6)
    many = dense(2)[np.arange(5000) % 6]  # more than one group of sequences
    expected = np.stack([clone(reference).fit_transform(item) for item in dense(2)])
    result = scaler.fit_transform(many)
    np.testing.assert_allclose(result, expected[np.arange(5000) % 6], atol=1e-12)


@carriers
def test_scaling_per_sequence_keeps_the_carrier(X):
    scaler = SequenceScaler("minmax", per_sequence=True).partial_fit(X)
    result = scaler.transform(X)
    assert type(result) is type(SequenceScaler().fit_transform(X))
    for item in result:
        assert np.min(item) == 0 and np.max(item) <= 1
    assert not hasattr(scaler, "scale_")
    with pytest.raises(AttributeError, match="no attribute 'inverse_transform'") as error:
        scaler.inverse_transform(result)
    assert "`inverse_transform` needs per_sequence=False" in str(error.value.__cause__)


@methods
@pytest.mark.parametrize("per_sequence", [False, True])
@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e150])
def test_tiny_and_huge_numbers_keep_their_shape(unit, per_sequence, method):
    scaler = SequenceScaler(method, per_sequence=per_sequence)
    expected = scaler.fit_transform(ragged())
    result = clone(scaler).fit_transform([item * unit for item in ragged()])
    np.testing.assert_allclose(flat(result), flat(expected), atol=1e-12)


@methods
@pytest.mark.parametrize("per_sequence", [False, True])
def test_a_large_offset_costs_no_digits(per_sequence, method):
    X = [np.round(item * 64) for item in ragged()]
    shifted = [item / 2**20 + 2**30 for item in X]  # exact
    scaler = SequenceScaler(method, per_sequence=per_sequence)
    expected, result = scaler.fit_transform(X), clone(scaler).fit_transform(shifted)
    for item, own in zip(expected, result, strict=True):  # but for the rounding of the mean
        np.testing.assert_allclose(own - own[:1], item - item[:1], rtol=1e-9, atol=1e-9)


@methods
@pytest.mark.parametrize("value", [0.0, 0.1, -1e15, 1e-300])
def test_a_constant_feature_has_scale_1(value, method):
    X = ragged()
    for item in X:
        item[:, 1] = value
    scaler = SequenceScaler(method).fit(X)
    assert scaler.scale_[1] == 1
    for per_sequence in (False, True):
        for item in clone(scaler).set_params(per_sequence=per_sequence).fit_transform(X):
            assert not item[:, 1].any()


def test_weights_of_zero_hide_steps_from_the_range():
    X, weights = ragged(), [np.ones(len(item)) for item in ragged()]
    X[0][2], weights[0][2] = 1e6, 0
    scaler = SequenceScaler("minmax").fit(X, sample_weight=weights)
    np.testing.assert_array_equal(scaler.data_max_, np.delete(flat(X), 2, axis=0).max(axis=0))
    assert scaler.n_steps_seen_ == len(flat(X)) - 1


@methods
def test_without_copy_the_array_is_written_over_unless_sequences_differ(method):
    for per_sequence in (False, True):
        X = dense()
        scaler = SequenceScaler(method, per_sequence=per_sequence, copy=False).fit(X)
        assert np.shares_memory(scaler.transform(X), X) != per_sequence


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    values=st.lists(st.just(np.nan) | st.floats(-1e6, 1e6), min_size=1, max_size=9),
    method=st.sampled_from(list(METHODS)),
    per_sequence=st.booleans(),
)
def test_any_numbers_with_gaps_come_back(lengths, values, method, per_sequence):
    X = [np.resize(values, (n, 2)) for n in lengths]
    scaler = SequenceScaler(method, per_sequence=per_sequence)
    result = scaler.fit_transform(objects(X))
    np.testing.assert_array_equal(np.isnan(flat(result)), np.isnan(flat(X)))
    assert not np.isinf(flat(result)).any()
    if method == "minmax":
        assert not (np.abs(flat(result) - 0.5) > 0.5 + 1e-9).any()
    if not per_sequence:
        largest = np.nanmax(np.abs(flat(X)), initial=1e-300)
        np.testing.assert_allclose(
            flat(scaler.inverse_transform(result)), flat(X), atol=1e-12 * largest
        )


# Errors


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"method": "maxabs"}, "`method` must be one of 'standard', 'minmax', 'robust', got 'max"),
        ({"method": None}, "`method` must be one of"),
        ({"feature_range": (1, 0)}, r"`feature_range` must be two numbers, the lower .* \(1, 0\)"),
        ({"feature_range": 1}, "`feature_range` must be two numbers"),
        ({"quantile_range": (25, 101)}, "`quantile_range` must be two numbers from 0 to 100"),
        ({"quantile_range": (np.nan, 75)}, "`quantile_range` must be two numbers"),
        ({"method": "minmax", "with_std": False}, "`with_mean` and `with_std` must be True with"),
    ],
)
def test_parameters_are_checked(params, message):
    with pytest.raises(ValueError, match=message):
        SequenceScaler(**params).fit(dense())


@pytest.mark.parametrize("params", [{"method": "robust"}, {"per_sequence": True}])
def test_weights_without_meaning_are_refused(params):
    with pytest.raises(ValueError, match=r"`sample_weight` must be None with (method='ro|per_seq)"):
        SequenceScaler(**params).fit(dense(), sample_weight=np.ones(6))


def test_partial_fits_of_another_method_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as error:
        SequenceScaler("robust").partial_fit(dense())
    assert "`partial_fit` needs method='standard' or 'minmax'" in str(error.value.__cause__)
    assert hasattr(SequenceScaler("robust", per_sequence=True), "partial_fit")
    scaler = SequenceScaler().fit(dense())
    for params in ({"method": "minmax"}, {"per_sequence": True}):
        changed = pickle.loads(pickle.dumps(scaler)).set_params(**params)
        with pytest.raises(ValueError, match="must not change between calls of `partial_fit`"):
            changed.partial_fit(dense())
        # The statistics are those of `fit`, and so is their use.
        np.testing.assert_array_equal(changed.transform(dense()), scaler.transform(dense()))
    assert not hasattr(scaler.set_params(method="minmax").fit(dense()), "mean_")


@methods
def test_numbers_that_overflow_are_refused(method):
    X = np.array([[1e308, -1e308, 1.5e308, -1.7e308, 0.0]])
    for per_sequence in (False, True):
        scaler = SequenceScaler(method, per_sequence=per_sequence)
        if method == "standard" and per_sequence:  # it computes in units of the largest
            np.testing.assert_allclose(scaler.fit_transform(X).std(), 1)
            continue
        with pytest.raises(ValueError, match=r"`X` must hold smaller numbers: their .* overflows"):
            scaler.fit_transform(X)
    scaler = SequenceScaler(method).fit(dense() * 1e-5)
    with pytest.raises(ValueError, match="the result overflows float32"):
        scaler.transform(dense(dtype=np.float32) * np.float32(1e37))


@pytest.mark.parametrize(
    ("name", "value"),
    [("data_min_", np.zeros(2)), ("data_max_", np.full(3, np.nan)), ("scale_", -np.ones(3))],
)
def test_damaged_ranges_are_named(name, value):
    scaler = SequenceScaler("minmax").fit(dense())
    setattr(scaler, name, value)
    with pytest.raises(ValueError, match=f"`{name}` must be .*: the state is damaged"):
        scaler.transform(dense())


# In scikit-learn


def without_weights(scaler):
    """Name the checks that give weights to a scaler that refuses them."""
    if scaler.method == "minmax":
        return {}
    names = ["weights_pandas_series", "weights_not_an_array", "weights_list", "weights_shape"]
    names += ["weights_not_overwritten", "weight_equivalence_on_dense_data"]
    checks = ["check_all_zero_sample_weights_error", *(f"check_sample_{name}" for name in names)]
    return dict.fromkeys(checks, "it refuses weights")


@parametrize_with_checks(
    [SequenceScaler("minmax"), SequenceScaler("robust"), SequenceScaler(per_sequence=True)],
    expected_failed_checks=without_weights,
)
def test_scikit_learn_accepts_the_methods(estimator, check):
    check(estimator)


@methods
@pytest.mark.parametrize("per_sequence", [False, True])
def test_fitted_scalers_survive_pickling_and_have_names(per_sequence, method):
    frames = [pd.DataFrame(item, columns=list("abc")) for item in with_gaps(ragged())]
    scaler = SequenceScaler(method, per_sequence=per_sequence).set_output(transform="pandas")
    result = scaler.fit_transform(frames)
    again = pickle.loads(pickle.dumps(scaler)).transform(frames)
    for item, same in zip(result, again, strict=True):
        pd.testing.assert_frame_equal(item, same)
        assert item.columns.tolist() == list("abc")
    assert repr(clone(scaler)) == repr(scaler)


def test_columns_of_a_2d_array_are_scaled_apart_by_a_column_transformer():
    X = pd.DataFrame(dense(None), columns=list("abcd"))
    halves = [("first", SequenceScaler("minmax"), ["a", "b"]), ("rest", SequenceScaler(), ["c"])]
    both = ColumnTransformer(halves, verbose_feature_names_out=False)
    result = both.set_output(transform="pandas").fit_transform(X)
    assert result.columns.tolist() == list("abc")
    expected = SequenceScaler("minmax").fit_transform(X[["a", "b"]])
    np.testing.assert_array_equal(result[["a", "b"]], expected)
