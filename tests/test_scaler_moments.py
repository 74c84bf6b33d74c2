"""The scaler counts every real step once."""

import numpy as np
import pandas as pd
import pytest
from scaler_data import LENGTHS, carriers, dense, flat, objects, ragged
from sklearn.preprocessing import StandardScaler

from sklearn_rnn.preprocessing import SequenceScaler

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


@pytest.mark.parametrize("weight", [1e-320, 1e-309, 1e300])
def test_only_the_ratios_of_weights_count_in_a_scale(weight):
    X = 1e5 * np.array([[[0.0], [0.4]], [[1.0], [3.0]]])
    plain, scaled = (SequenceScaler().fit(X, sample_weight=[w, w]) for w in (1.0, weight))
    np.testing.assert_allclose(scaled.scale_, plain.scale_)
    plain.partial_fit(X + 1, sample_weight=[1.0, 1.0])
    scaled.partial_fit(X + 1, sample_weight=[weight, weight])
    np.testing.assert_allclose(scaled.mean_, plain.mean_)
    np.testing.assert_allclose(scaled.var_, plain.var_)
