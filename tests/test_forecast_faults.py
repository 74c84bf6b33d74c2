"""Forecasts and windows of data that are unusual: years, durations, gaps, wrong indices."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNRegressor
from sklearn_rnn.forecasting import RNNForecaster, from_windows, make_windows, seasonal_naive

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Y = np.random.default_rng(0).normal(size=40) + 10
SMALL = RNNRegressor(4, max_iter=1, random_state=0)


def forecaster(horizon=2, past=3, **options):
    return RNNForecaster(horizon, past, estimator=SMALL, **options)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("1950", periods=42, freq="YS"),
        pd.date_range("1950", periods=42, freq=pd.offsets.BYearEnd()),
        pd.period_range("1950", periods=42, freq="Y"),
        pd.date_range("2024", periods=42, freq="bh"),
        pd.timedelta_range("0s", periods=42, freq="min"),
    ],
    ids=["years", "business years", "periods", "business hours", "durations"],
)
def test_any_regular_index_goes_on_in_the_forecasts(index):
    for past, horizon in ((3, 2), (1, 1)):
        fitted = forecaster(horizon, past).fit(pd.Series(Y, index=index[:40]))
        assert fitted.predict().index.equals(index[40 : 40 + horizon])


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (pd.date_range("2024", periods=40)[::-1], "increasing times"),
        (pd.Index([*range(39), 10**12]), "gaps"),
        (pd.date_range("1700", periods=39, freq="s").append(pd.DatetimeIndex(["2200"])), "gaps"),
        (pd.MultiIndex.from_product([["a", "b"], range(20)]), "index of one level"),
    ],
    ids=["backwards", "numbers far apart", "dates far apart", "two levels"],
)
def test_an_index_that_is_no_regular_time_is_refused(index, error):
    with pytest.raises(ValueError, match=f"`y` must .*{error}"):
        forecaster().fit(pd.Series(Y, index=index))


def test_columns_keep_their_names_and_must_differ():
    table = pd.DataFrame(np.column_stack([Y, Y + 1]))
    assert forecaster().fit(table).predict().columns.tolist() == [0, 1]
    for names in (["a", "a"], [1, "1"]):
        with pytest.raises(ValueError, match="distinct column names"):
            forecaster().fit(table.set_axis(names, axis=1))


def test_quantiles_are_those_of_the_fit():
    fitted = forecaster(quantile=(0.1, 0.5, 0.9)).fit(Y)
    before = fitted.predict_quantiles()
    fitted.set_params(quantile=(0.2, 0.5, 0.8), horizon=7)
    np.testing.assert_array_equal(fitted.predict_quantiles(), before)
    np.testing.assert_array_equal(fitted.predict_quantiles(alpha=0.9), before[:, 2:])
    with pytest.raises(ValueError, match=r"must include 0.2 in `fit`"):
        fitted.predict_quantiles(alpha=[0.2])
    with pytest.raises(ValueError, match="`alpha` must be a number above 0"):
        fitted.predict_quantiles(alpha="low")
    for quantile in (["a"], [None]):
        with pytest.raises(ValueError, match="`quantile` must be an increasing list"):
            forecaster(quantile=quantile).fit(Y)


def test_windows_refuse_missing_series_and_infinity():
    table = pd.DataFrame({"y": Y, "a": Y, "g": pd.Series(["u"] * 39 + [None], dtype=object)})
    words = {"target": "y", "past": 3, "horizon": 2}
    with pytest.raises(ValueError, match=r"`group` must not be missing .* row 39"):
        make_windows(table, group="g", **words)
    with pytest.raises(ValueError, match="labels in column 'g'"):
        make_windows(table.assign(g=[[1]] * 40), group="g", **words)
    array = np.column_stack([Y, np.where(np.arange(40) < 39, 1, np.nan)])
    with pytest.raises(ValueError, match=r"`group` must not be missing .* row 39"):
        make_windows(array, group=1, target=0, past=3, horizon=2)
    with pytest.raises(ValueError, match="infinity in column 'a'"):
        make_windows(table.drop(columns="g").assign(a=np.inf), **words)
    with pytest.raises(ValueError, match="dtype='float32'"):
        make_windows(table.drop(columns="g").assign(a=1e300), dtype="float32", **words)
    with pytest.raises(ValueError, match="at least one row"):
        make_windows(table[["y"]][:0], **words)
    with pytest.raises(ValueError, match="`origins` must be None or hold"):
        make_windows(table[["y"]], origins=[], **words)


def test_from_windows_checks_what_it_gets():
    windows = make_windows(Y[:, np.newaxis], target=0, past=3, horizon=2)
    for index in (99, [99], [True], [0.5], ["a"]):
        with pytest.raises(ValueError, match="`index` must hold numbers of windows, below 36"):
            from_windows(windows.y, windows, index=index)
    assert len(from_windows(windows.y[:0], windows, index=[])["y_pred"]) == 0
    assert "y_q0.5" in from_windows(windows.y[:, :, np.newaxis], windows, quantile=0.5)
    with pytest.raises(ValueError, match="`quantile` must be a number"):
        from_windows(windows.y[:, :, np.newaxis], windows, quantile=["a"])
    with pytest.raises(TypeError, match="`windows` must be a result of `make_windows`"):
        from_windows(windows.y, {"y": Y})


@pytest.mark.parametrize("kind", ["texts", "dates of Python", "numbers"])
def test_times_of_a_long_table_may_be_texts_and_fractions(kind):
    days = pd.date_range("2024-01-01", periods=42)
    times = {
        "texts": days.strftime("%Y-%m-%d").to_numpy(),
        "dates of Python": days.date,
        "numbers": np.arange(42) / 7,
    }[kind]
    table = pd.DataFrame({"t": times[:40], "y": Y, "a": Y})
    future = pd.DataFrame({"t": times[40:], "a": [1.0, 2.0]})
    forecasts = forecaster(target="y", time="t").fit(table).predict(X=future)
    if kind == "numbers":
        np.testing.assert_allclose(forecasts["t"], times[40:], rtol=1e-14)
    else:
        assert list(pd.to_datetime(forecasts["t"])) == list(days[40:])


def test_an_interval_that_was_not_fitted_tells_which_ones_are():
    fitted = forecaster(quantile=(0.05, 0.25, 0.5, 0.75, 0.95)).fit(Y)
    needs = r"^coverage=0.8 needs the quantiles 0.1 and 0.9; with the fitted quantiles "
    with pytest.raises(ValueError, match=needs + r"\[.*\] `coverage` can be 0.5 or 0.9\. "):
        fitted.predict_interval()
    assert fitted.predict_interval(coverage=0.9).shape == (2, 2)
    for quantile, can in (((0.1, 0.5, 0.8), "has no value"), ((0.2, 0.8), "can be 0.6")):
        with pytest.raises(ValueError, match=needs + rf"\[.*\] `coverage` {can}\."):
            forecaster(quantile=quantile).fit(Y).predict_interval()


def test_y_and_X_in_the_order_of_scikit_learn_are_noticed():
    series, table = pd.Series(Y), pd.DataFrame({"temperature": Y})
    for wrong in (table, table.to_numpy(), table.to_numpy().tolist()):
        for second in (series, Y, Y.tolist()):
            with pytest.warns(UserWarning, match=r"`y`, the series to forecast, comes first"):
                forecaster().fit(wrong, second)
    wide = table.assign(other=Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        for y, X in ((series, table), (wide, series), (table, table), (series, series)):
            forecaster().fit(y, X)
        forecaster().fit(table, exog=series)
        forecaster().fit(table)
    with pytest.raises(ValueError, match=r"got 2\. Did you call fit\(X, y\)\?"):
        forecaster().fit(wide, series).predict(X=wide)


def test_features_in_the_place_of_steps_are_told_in_short():
    fitted = forecaster(24, 3).fit(Y, np.column_stack([Y, Y]))
    for X, shape in ((np.ones((24, 2)), r"\(24, 2\)"), (np.ones(24), r"\(24,\)")):
        for features in (X, pd.DataFrame(X)):
            with pytest.raises(ValueError, match=r"got an array of shape .*`X=\.\.\.`\.$") as error:
                fitted.predict(features)
            assert len(str(error.value)) < 200
        with pytest.raises(ValueError, match=shape):
            fitted.predict(X)
    with pytest.raises(ValueError, match=r"got an array of shape \(40,\)\.$"):
        fitted.predict(np.arange(40))
    with pytest.raises(ValueError, match=r"got \[0\.5\]\.$"):
        fitted.predict([0.5])


@pytest.mark.parametrize("name", ["cell", "max_iter", "hidden_layer_sizes"])
def test_parameters_of_the_network_are_set_in_the_estimator(name):
    with pytest.raises(TypeError, match=rf"{name}'\..*`estimator=RNNRegressor\({name}=\.\.\.\)`"):
        RNNForecaster(2, 3, **{name: 5})
    with pytest.raises(ValueError, match=rf"`estimator=RNNRegressor\({name}=\.\.\.\)`"):
        forecaster().set_params(**{name: 5})
    with pytest.raises(TypeError, match=r"RNNRegressor\(max_iter=\.\.\.\)"):
        RNNForecaster(2, 3, epochs=5)


def test_a_naive_forecast_goes_on_with_the_index():
    days = pd.date_range("2024", periods=43)
    y = pd.Series(np.arange(40.0), index=days[:40], name="load")
    naive = seasonal_naive(y, 3, season=2)
    pd.testing.assert_series_equal(naive, pd.Series([38.0, 39, 38], days[40:], name="load"))
    assert naive.index.equals(forecaster(3).fit(y).predict().index)
    gaps = seasonal_naive(y.drop(days[38]), 3, season=2)
    np.testing.assert_array_equal(gaps, [np.nan, 39, np.nan])
    assert gaps.index.equals(days[40:])
    wide = seasonal_naive(y.to_frame().assign(other=-y), 2)
    assert wide.columns.tolist() == ["load", "other"] and wide["other"].tolist() == [-39, -39]
    assert isinstance(seasonal_naive(y.to_numpy(), 3), np.ndarray)
    with pytest.raises(ValueError, match="`y` must have increasing times"):
        seasonal_naive(y[::-1], 3)
    with pytest.raises(ValueError, match="at least `season` = 41 steps"):
        seasonal_naive(y, 3, season=41)
