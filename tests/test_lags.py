"""Differences and Lags against pandas."""

import numpy as np
import pandas as pd
import pytest

from sklearn_rnn.preprocessing import Differences, Lags

NAN = np.nan


def draw(seed, dtype=np.float64, n_samples=6):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 12, size=n_samples)
    return [rng.normal(size=(n, 2)).cumsum(axis=0).astype(dtype) for n in lengths]


def differences_by_pandas(x, order, lag):
    table = pd.DataFrame(x)
    for _ in range(order):
        table = table.diff(lag)
    return np.array(table)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("order", "lag"), [(1, 1), (2, 1), (3, 1), (1, 3), (2, 4)])
def test_differences_are_those_of_pandas(order, lag, dtype):
    for seed in range(5):
        X = draw(seed, dtype)
        X[0][-1, 0] = NAN
        for fill_value in (0.0, 2, NAN):
            result = Differences(order, lag=lag, fill_value=fill_value).fit_transform(X)
            for x, z in zip(X, result, strict=True):
                expected = differences_by_pandas(x, order, lag)
                expected[: order * lag] = fill_value
                assert z.dtype == dtype
                np.testing.assert_array_equal(z, expected)
        kept = Differences(order, lag=lag, fill_value="keep").fit_transform(X)
        for x, z in zip(X, kept, strict=True):
            for k in range(order + 1):  # the first steps have differences of lower orders
                steps = slice(k * lag, (k + 1) * lag if k < order else None)
                np.testing.assert_array_equal(z[steps], differences_by_pandas(x, k, lag)[steps])


@pytest.mark.parametrize(("order", "lag"), [(1, 1), (2, 1), (3, 2), (1, 5), (2**30, 1)])
def test_sums_give_the_sequences_back(order, lag):
    for seed in range(5):
        X = draw(seed)
        for fill_value, start in ((0, X), (NAN, X), ("keep", None)):
            differences = Differences(order, lag=lag, fill_value=fill_value).fit(X)
            back = differences.inverse_transform(differences.transform(X), start=start)
            for x, restored in zip(X, back, strict=True):
                np.testing.assert_allclose(restored, x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("order", "lag"), [(1, 1), (2, 1), (2, 3), (1, 4)])
def test_sums_go_on_from_the_past(order, lag):
    rng = np.random.default_rng(0)
    whole = [rng.normal(size=(20, 2)).cumsum(axis=0) for _ in range(4)]
    n_past = [6, 9, 12, 7]
    past = [x[:n] for x, n in zip(whole, n_past, strict=True)]
    future = [x[n:] for x, n in zip(whole, n_past, strict=True)]
    differences = Differences(order, lag=lag).fit(past)
    Z = [z[n:] for z, n in zip(differences.transform(whole), n_past, strict=True)]
    for x, restored in zip(future, differences.inverse_transform(Z, past=past), strict=True):
        np.testing.assert_allclose(restored, x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("given", ["start", "past"])
def test_sums_leave_X_and_the_given_steps_unchanged(given):
    X = np.random.default_rng(0).normal(size=(3, 5, 2))
    Z, before = Differences(2).fit_transform(X), X.copy()
    differences = Z.copy()
    Differences(2).fit(X).inverse_transform(Z, **{given: X})
    np.testing.assert_array_equal(Z, differences)
    np.testing.assert_array_equal(X, before)


def test_a_2d_X_may_go_on_for_another_number_of_steps():
    whole = np.random.default_rng(0).normal(size=(3, 9)).cumsum(axis=1)
    differences = Differences().fit(whole[:, :6])
    Z = Differences().fit_transform(whole)[:, 6:]
    back = differences.inverse_transform(Z, past=whole[:, :6])
    np.testing.assert_allclose(back, whole[:, 6:], rtol=1e-12)
    result = differences.transform(whole[:, :6])
    np.testing.assert_array_equal(result[:, 1:], np.diff(whole[:, :6], axis=1))


def test_starts_that_do_not_fit_are_refused():
    X = draw(0)
    differences = Differences(2).fit(X)
    Z = differences.transform(X)
    for given, message in [
        ({}, "`start` or `past` must be given: with fill_value=0.0"),
        ({"start": X, "past": X}, "`start` and `past` must not both be given"),
        ({"start": X[1:]}, "`start` must have one sequence for each of the 6 sequences of `X`"),
        ({"past": [x[:1] for x in X]}, "`past` must have at least 2 steps in sequence 0, got 1"),
        ({"past": [x[:, 0] for x in X]}, "has 1 features"),
        ({"start": np.zeros((6, 3))}, "`start` must be of the kind"),
    ]:
        with pytest.raises(ValueError, match=message):
            differences.inverse_transform(Z, **given)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lags", [(0, 1), (2,), (3, 0, 20), 1, 0, np.array([1, 2])])
def test_lags_are_shifts_of_pandas(lags, dtype):
    for fill_value in ("first", 0.0, NAN):
        X = draw(1, dtype)
        transformer = Lags(lags, fill_value=fill_value).fit(X)
        listed = np.atleast_1d(lags)
        for x, result in zip(X, transformer.transform(X), strict=True):
            table = pd.DataFrame(x)
            first = x[0] if fill_value == "first" else fill_value
            expected = [np.array(table.shift(lag)) for lag in listed]
            for shifted, lag in zip(expected, listed, strict=True):
                shifted[:lag] = first
            assert result.dtype == dtype
            np.testing.assert_array_equal(result, np.hstack(expected))
        names = [f"{a}_lag{lag}" if lag else a for lag in listed for a in ("a", "b")]
        assert transformer.get_feature_names_out(["a", "b"]).tolist() == names


def test_a_2d_X_takes_one_lag():
    X = np.arange(8.0).reshape(2, 4)
    assert Lags(1).fit_transform(X).tolist() == [[0, 0, 1, 2], [4, 4, 5, 6]]
    with pytest.raises(ValueError, match="`lags` must be one number for a 2-D `X`"):
        Lags().fit(X)
    assert [x.shape for x in Lags().fit_transform(list(X))] == [(4, 2), (4, 2)]


def test_features_have_names():
    X = [pd.DataFrame(x, columns=["a", "b"]) for x in draw(0)]
    for transformer, names in [
        (Differences(), ["a_diff1", "b_diff1"]),
        (Differences(2, lag=24), ["a_diff2_lag24", "b_diff2_lag24"]),
        (Lags((0, 2)), ["a", "b", "a_lag2", "b_lag2"]),
    ]:
        result = transformer.set_output(transform="pandas").fit_transform(X)
        assert transformer.get_feature_names_out().tolist() == names
        assert {tuple(frame.columns) for frame in result} == {tuple(names)}


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (Differences(0), "`order` must be an integer of at least 1"),
        (Differences(1.5), "`order` must be an integer of at least 1"),
        (Differences(lag=True), "`lag` must be an integer of at least 1"),
        (Differences(fill_value="first"), "`fill_value` must be 'keep', a number or NaN"),
        (Differences(fill_value=np.inf), "`fill_value` must be 'keep', a number or NaN"),
        (Differences(fill_value=10**400), "`fill_value` must be 'keep', a number or NaN"),
        (Lags(fill_value=None), "`fill_value` must be 'first', a number or NaN"),
        *((Lags(lags), "`lags` must be an integer") for lags in ([], [0, 0], -1, "1", 1.0, None)),
    ],
)
def test_wrong_parameters_are_named(transformer, message):
    before = dict(vars(transformer))
    with pytest.raises(ValueError, match=message):
        transformer.fit(draw(0))
    assert vars(transformer) == before


def test_results_that_overflow_are_refused():
    X = np.array([[[3e38], [-3e38]]], np.float32)
    with pytest.raises(ValueError, match="result overflows float32"):
        Differences().fit_transform(X)
    differences = Differences(fill_value="keep").fit(X)
    with pytest.raises(ValueError, match="result overflows float32"):
        differences.inverse_transform(np.abs(X))
    for transformer in (Differences(fill_value=1e300), Lags(fill_value=1e300)):
        with pytest.raises(ValueError, match="`fill_value` must fit float32"):
            transformer.fit_transform(X)
