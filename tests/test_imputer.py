"""SequenceImputer against pandas, scikit-learn and the recursion of GRU-D."""

import warnings

import numpy as np
import pandas as pd
import pytest
from carriers import object_array
from sklearn.impute import MissingIndicator, SimpleImputer

from sklearn_rnn import RNNRegressor
from sklearn_rnn.preprocessing import SequenceImputer

NAN = np.nan
STRATEGIES = ("mean", "median", "last", "linear", "constant")


def draw(seed, n_features=3, missing=0.4, dtype=np.float64):
    """Sequences of 1 to 8 steps with gaps; the last feature has none."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(n, n_features)).astype(dtype) for n in rng.integers(1, 9, size=6)]
    for x in X:
        x[:, :-1][rng.random(x[:, :-1].shape) < missing] = NAN
    X[0][0] = 1.0  # each feature has an observation
    return X


def by_pandas(x, strategy, statistics):
    """One sequence filled in by pandas."""
    table = pd.DataFrame(x)
    if strategy == "last":
        table = table.ffill()
    elif strategy == "linear":
        table = table.interpolate(limit_direction="both")
    return np.where(table.isna(), statistics, table)


def elapsed_by_recursion(x):
    """The intervals of GRU-D (Che et al., 2018) at unit distances, step by step."""
    delta = np.zeros(x.shape)
    for t in range(1, len(x)):
        delta[t] = 1 + np.where(np.isnan(x[t - 1]), delta[t - 1], 0)
    return delta


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaps_are_filled_as_pandas_does(strategy, dtype):
    tolerance = {"rtol": 1e-6 if dtype == np.float32 else 1e-12}
    of_steps = strategy if strategy in ("median", "constant") else "mean"
    for seed in range(20):
        train, test = draw(seed, dtype=dtype), draw(seed + 100, dtype=dtype)
        imputer = SequenceImputer(strategy, fill_value=7 if of_steps == "constant" else None)
        rows = SimpleImputer(strategy=of_steps, fill_value=imputer.fill_value)
        rows.fit(np.concatenate(train).astype(np.float64))
        result = imputer.fit(train).transform(test)
        np.testing.assert_allclose(imputer.statistics_, rows.statistics_.astype(float), rtol=1e-12)
        for x, filled in zip(test, result, strict=True):
            assert filled.dtype == dtype
            expected = by_pandas(x, strategy, imputer.statistics_)
            np.testing.assert_allclose(filled, expected, **tolerance)
            np.testing.assert_array_equal(filled[~np.isnan(x)], x[~np.isnan(x)])


def test_interpolation_never_leaves_the_values_around_it():
    largest = np.finfo(np.float64).max
    x = np.array([[-largest, 0.1, 1], [NAN, NAN, 1], [NAN, NAN, NAN], [largest, 0.1, 2]])
    filled = SequenceImputer("linear").fit(np.zeros((1, 2, 3))).transform([x])[0]
    assert (filled[:, 1] == 0.1).all()
    np.testing.assert_allclose(filled[:, 0] / largest, [-1, -1 / 3, 1 / 3, 1])


def test_indicators_and_elapsed_steps_are_appended():
    train, test = draw(0), draw(1)
    test[1][0, 2] = NAN  # a feature that had no missing value in fit
    imputer = SequenceImputer("last", add_indicator=True, add_elapsed=True).fit(train)
    indicator = MissingIndicator(error_on_new=False).fit(np.concatenate(train))
    assert imputer.missing_features_.tolist() == indicator.features_.tolist() == [0, 1]
    plain = SequenceImputer("last").fit(train).transform(test)
    for x, filled, result in zip(test, plain, imputer.transform(test), strict=True):
        np.testing.assert_array_equal(result[:, :3], filled)
        np.testing.assert_array_equal(result[:, 3:5], indicator.transform(x))
        np.testing.assert_array_equal(result[:, 5:], elapsed_by_recursion(x)[:, :2])
    names = imputer.get_feature_names_out(["a", "b", "c"]).tolist()
    appended = ["missingindicator_a", "missingindicator_b", "elapsed_a", "elapsed_b"]
    assert names == ["a", "b", "c", *appended]
    rows = SimpleImputer(add_indicator=True).fit(np.concatenate(train))
    assert rows.get_feature_names_out(["a", "b", "c"]).tolist() == names[:5]


def test_the_inverse_makes_them_missing_again():
    X = draw(2)
    for strategy in STRATEGIES:
        imputer = SequenceImputer(strategy, add_indicator=True, add_elapsed=True).fit(X)
        back = imputer.inverse_transform(imputer.transform(X))
        np.testing.assert_array_equal(np.concatenate(back), np.concatenate(X))
    assert not hasattr(SequenceImputer(), "inverse_transform")
    with pytest.raises(AttributeError, match="no attribute 'inverse_transform'") as caught:
        SequenceImputer().fit(X).inverse_transform(X)
    assert "needs `add_indicator=True`" in str(caught.value.__cause__)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_features_without_an_observation_are_left_out_or_kept(strategy):
    X = draw(3)
    for x in X:
        x[:, 1] = NAN
    named = [pd.DataFrame(x, columns=["a", "b", "c"]) for x in X]
    options = {"strategy": strategy, "fill_value": 5, "add_indicator": True}
    rows = {"strategy": strategy} if strategy not in ("last", "linear") else {}
    rows = SimpleImputer(**rows, fill_value=5, add_indicator=True).fit(np.concatenate(X))
    with pytest.warns(UserWarning, match=r"left out: \['b'\]") as caught:
        imputer = SequenceImputer(**options).fit(named)
    assert caught[0].filename == __file__
    names = imputer.get_feature_names_out().tolist()
    assert names == rows.get_feature_names_out(["a", "b", "c"]).tolist()
    assert names == ["a", "c", "missingindicator_a", "missingindicator_b"]
    result = imputer.transform(named)
    assert [item.shape for item in result] == [(len(x), 4) for x in X]
    np.testing.assert_array_equal(
        np.concatenate(imputer.inverse_transform(result)), np.concatenate(X)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = SequenceImputer(**options, keep_empty_features=True).fit(named)
    standing = np.concatenate(kept.transform(named))[:, 1]
    assert (standing == (5 if strategy == "constant" else 0)).all()
    with pytest.raises(ValueError, match="must have an observed value"):
        SequenceImputer(**options).fit(np.full((2, 3, 1), NAN))


def test_missing_values_of_frames_and_objects_are_filled():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    x = [[1, None], [None, 4.5], [3, 8.5]]
    columns = {"a": [1, None, 3], "b": [None, 4.5, 8.5]}
    nullable = pd.DataFrame({"a": pd.array(columns["a"], "Int64"), "b": [NAN, 4.5, 8.5]})
    for item in (
        np.array(x, dtype=object),
        np.array([[1, pd.NA], [pd.NA, 4.5], [3, 8.5]], dtype=object),
        nullable,
        nullable.convert_dtypes(dtype_backend="pyarrow"),
        pl.DataFrame(columns),
        pa.table(columns),
    ):
        for X in ([item], (item,), object_array([item])):
            result = SequenceImputer("last").fit_transform(X)
            np.testing.assert_array_equal(result[0], [[1, 6.5], [1, 4.5], [3, 8.5]])
    cells = {name: [column] for name, column in columns.items()}
    for table in (pd.DataFrame(cells), pl.DataFrame(cells), pa.table(cells)):
        nested = SequenceImputer("last").set_output(transform="pandas").fit_transform(table)
        assert [list(nested[name][0]) for name in "ab"] == [[1, 1, 3], [6.5, 4.5, 8.5]]


def test_a_2d_X_has_one_feature_and_takes_no_more():
    X = np.array([[1, NAN, 3, 4], [NAN, 6, NAN, 8]])
    wide = X[:, :, np.newaxis]
    for strategy in STRATEGIES:
        result = SequenceImputer(strategy).fit_transform(X)
        expected = SequenceImputer(strategy).fit_transform(wide)[:, :, 0]
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(
            np.stack(SequenceImputer(strategy).fit_transform(list(X))), expected
        )
    assert SequenceImputer().fit(X).statistics_.tolist() == [22 / 5]
    for name in ("add_indicator", "add_elapsed"):
        with pytest.raises(ValueError, match=f"`{name}` must be False for a 2-D `X`"):
            SequenceImputer(**{name: True}).fit(X)
        imputer = SequenceImputer().fit(X).set_params(**{name: True})
        with pytest.raises(ValueError, match=f"`{name}` must be False for a 2-D `X`"):
            imputer.transform(X)
    longer = SequenceImputer(add_indicator=True).fit_transform(list(X))
    assert [item.shape for item in longer] == [(4, 2), (4, 2)]


def test_padding_is_told_from_missing_values():
    X = np.ones((3, 4, 2))
    X[1, 2:] = X[2, 3:] = NAN
    with pytest.warns(UserWarning, match="If this is padding, .* remove it first"):
        SequenceImputer().fit(X)
    X[1, 1, 0] = NAN
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SequenceImputer().fit(X)
        SequenceImputer().fit(X[2:])  # one sequence alone is never padded


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "most_frequent"}, "`strategy` must be one of 'mean', 'median'"),
        ({"strategy": "ffill"}, r"Did you mean 'last'\?"),
        ({"strategy": "interpolate"}, r"Did you mean 'linear'\?"),
        ({"fill_value": "0"}, "`fill_value` must be None or a number"),
        ({"fill_value": NAN}, "`fill_value` must be None or a number"),
        ({"add_indicator": 1}, "`add_indicator` must be True or False"),
        ({"add_elapsed": "yes"}, "`add_elapsed` must be True or False"),
        ({"keep_empty_features": None}, "`keep_empty_features` must be True or False"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    imputer = SequenceImputer().fit(draw(0)).set_params(**options)
    before = dict(vars(imputer))
    with pytest.raises(ValueError, match=message):
        imputer.fit(draw(0))
    assert vars(imputer) == before


def test_numbers_that_overflow_are_refused():
    huge = np.full((1, 2, 1), 1.5e308)
    for strategy in ("mean", "median", "last"):
        with pytest.raises(ValueError, match="must hold smaller numbers"):
            SequenceImputer(strategy).fit(huge)
    with pytest.raises(ValueError, match="sequence 0 has infinity at step 1"):
        SequenceImputer().fit([np.array([[0.0], [np.inf]])])
    imputer = SequenceImputer("constant", fill_value=1e300).fit(np.zeros((1, 2, 1)))
    with pytest.raises(ValueError, match="overflows float32"):
        imputer.transform(np.full((1, 2, 1), NAN, np.float32))


def test_a_line_between_equal_observations_is_level():
    X = [np.array([0.1, *[NAN] * n, 0.1]) for n in range(1, 30)]
    assert {*np.concatenate(SequenceImputer("linear").fit_transform(X)).tolist()} == {0.1}


def test_damaged_statistics_are_refused():
    imputer = SequenceImputer(add_indicator=True).fit(draw(0))
    for damage in ({"statistics_": np.zeros(1)}, {"missing_features_": np.array([3])}):
        damaged = SequenceImputer(add_indicator=True)
        vars(damaged).update(vars(imputer) | damage)
        with pytest.raises(ValueError, match="the state is damaged"):
            damaged.transform(draw(0))


def test_weight_0_lets_a_target_be_missing():
    X = SequenceImputer("last").fit_transform(draw(4))
    y = [x[:, 0].copy() for x in X]
    weights = [np.ones(len(x)) for x in X]
    for target, weight in zip(y, weights, strict=True):
        target[len(target) // 2] = NAN
        weight[len(target) // 2] = 0
    known = [np.nan_to_num(target) for target in y]
    rnn = RNNRegressor(8, mode="many_to_many", max_iter=2, random_state=0)
    losses = [rnn.fit(X, t, sample_weight=weights).loss_ for t in (y, known)]
    assert losses[0] == losses[1]
