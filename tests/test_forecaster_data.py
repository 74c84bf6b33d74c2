"""RNNForecaster: times, forms of data, and what is refused."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from forecasters import DAYS, FEATURES, QUANTILE, N, T, Y, forecaster
from sklearn.exceptions import NotFittedError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("convert", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_a_long_table_gives_what_columns_give(convert):
    series = {"north": Y, "south": Y[::-1] * 3}
    parts = [
        pd.DataFrame({"id": name, "day": DAYS[:N], "load": y, "wind": FEATURES[:N, 0]})
        for name, y in series.items()
    ]
    table = pd.concat(parts).sample(frac=1, random_state=0)
    table = pd.concat([table[table["id"] == name] for name in series])  # order of the series
    words = {"target": "load", "group": "id", "time": "day", "season": 7}
    model = forecaster(quantile=QUANTILE, **words)
    model.fit(convert(table.iloc[: 2 * N].reset_index(drop=True)))
    future = pd.concat(
        [
            pd.DataFrame({"id": name, "day": DAYS[N : N + 4], "wind": FEATURES[N : N + 4, 0]})
            for name in ("south", "north")
        ]
    )
    future = convert(future.reset_index(drop=True))
    wide = forecaster(quantile=QUANTILE, season=7)
    wide.fit(pd.DataFrame(series, index=DAYS[:N]), FEATURES[:N, :1])
    expected = wide.predict(X=FEATURES[N : N + 4, :1])
    result = model.predict(X=future)
    assert type(result) is type(future)
    values = np.asarray(result["load_pred"]).reshape(2, 4)
    assert (values == expected.to_numpy().T).all()
    assert np.asarray(result["id"]).tolist() == ["north"] * 4 + ["south"] * 4
    assert (
        pd.to_datetime(np.asarray(result["day"])) == DAYS[N : N + 4].append(DAYS[N : N + 4])
    ).all()
    frame = model.predict_quantiles(X=future)
    names = list(getattr(frame, "column_names", frame.columns))
    assert names == ["id", "step", "day", "load_q0.1", "load_q0.5", "load_q0.9"]


def test_missing_values_and_steps_are_not_learned():
    y = pd.Series(Y, index=DAYS[:N])
    y.iloc[[20, 50, 51, N - 1]] = np.nan
    X = pd.DataFrame(FEATURES[:N], columns=["wind", "sun"], index=y.index)
    X.iloc[[0, 33], 0] = np.nan
    words = {"season": 7, "known_future": ["wind"]}
    future = pd.DataFrame({"wind": FEATURES[N : N + 4, 0]}, index=DAYS[N : N + 4])
    model = forecaster(**words).fit(y, X)
    result = model.predict(X=future)
    assert np.isfinite(result).all()
    gaps = y.notna().to_numpy() | (np.arange(N) == N - 1)
    X = X.where(np.column_stack([gaps, gaps]))
    expected = forecaster(**words).fit(y, X).predict(X=future)
    assert (forecaster(**words).fit(y[gaps], X[gaps]).predict(X=future) == expected).all()
    for index in (
        pd.period_range("2020-01", periods=N, freq="M"),
        pd.date_range("2020-01-31", periods=N, freq="ME"),
        pd.date_range("2024-03-20", periods=N, freq="h", tz="Europe/Berlin"),
        pd.RangeIndex(5, 5 + 2 * N, 2),
    ):
        y = pd.Series(Y, index=index)
        result = forecaster().fit(y).predict()
        assert len(result) == 4 and result.index[0] > index[-1]
        later = pd.Series(Y[:4], index=result.index)
        joined = pd.concat([y, later]).index
        if isinstance(index, pd.DatetimeIndex):
            assert pd.DatetimeIndex(joined, freq="infer").freq == index.freq
    with pytest.raises(ValueError, match="`y` must have increasing times in steps of equal length"):
        forecaster().fit(pd.Series(Y, index=DAYS[:N].to_series().sample(frac=1, random_state=0)))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"horizon": 0}, "`horizon` must be an integer"),
        ({"past": 1.5}, "`past` must be"),
        ({"season": (7, 0)}, "`season` must be"),
        ({"stride": 0}, "`stride` must be"),
        ({"n_estimators": 0}, "`n_estimators` must be"),
        ({"quantile": [0.9, 0.1]}, "`quantile` must be an increasing list"),
        ({"quantile": []}, "`quantile` must be an increasing list"),
        ({"quantile": ["a"]}, "`quantile` must be an increasing list"),
        ({"quantile": [0.5, np.nan]}, "`quantile` must be an increasing list"),
        ({"known_future": ["sun"]}, '`known_future` must be "all", None or a list of features'),
        ({"past": 200}, "`y` must have at least 204 steps"),
        ({"target": "y"}, "`X` must be None if `target`"),
        ({"group": "id"}, "`target` must name a column of a long table"),
        ({"known_future": 3}, '`known_future` must be "all", None or a list'),
    ],
)
def test_wrong_words_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        forecaster(**options).fit(Y, FEATURES[:N])
    with pytest.raises(TypeError, match="`estimator` must be an RNNRegressor"):
        forecaster(estimator="gru").fit(Y)


@pytest.mark.parametrize(
    "y, message",
    [
        (["a"] * 40, "holds strings"),
        ([], "`y` must have shape"),
        (np.zeros((4, 5, 6)), "`y` must have shape"),
        (np.full(40, np.nan), "values at some steps of a horizon"),
        (np.append(Y, np.inf), "`y` must hold finite numbers or NaN"),
        (1e300 * Y, "`y` must hold smaller numbers"),
        (np.ma.masked_less(Y, 50), "masked entries"),
        (pd.DataFrame({"a": ["x"] * 40}), "its column 'a' holds strings"),
    ],
)
def test_hostile_series_are_refused_and_change_nothing(y, message):
    model = forecaster().fit(Y)
    before = model.predict()
    with pytest.raises(ValueError, match=message):
        model.fit(y)
    if "some steps" in message:  # nothing to learn from is no error
        model.update(y, update_params=False)
        model = forecaster().fit(Y)
    else:
        with pytest.raises(ValueError, match="`y`"):
            model.update(y)
    assert (model.predict() == before).all()
    with pytest.raises(NotFittedError):
        forecaster().predict()


def test_wrong_futures_are_refused():
    y = pd.Series(Y, index=DAYS[:N])
    X = pd.DataFrame(FEATURES, columns=["wind", "sun"], index=DAYS)
    model = forecaster().fit(y, X[:N])
    for future, message in [
        (None, "`X` must have the known features .'wind', 'sun'. of the 4 steps"),
        (X[N : N + 3], "`X` must have a row for each of the 4 steps"),
        (X[N + 1 : N + 5], "`X` must begin right after the last known step, at 2024-03-31"),
        (X[["sun"]][N : N + 4], "it lacks .'wind'."),
        (np.zeros((4, 3)), "`X` must have the 2 known features"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict(X=future)
    for steps in (5, 0, [0, 1], 1.5, [[1]]):
        with pytest.raises(ValueError, match="`steps` must be a number of steps or a list"):
            model.predict(steps, X[N:])
    with pytest.raises(ValueError, match="`X` and `exog` must not both be given"):
        model.predict(X=X[N:], exog=X[N:])
    with pytest.raises(ValueError, match="`quantile` must be given"):
        model.predict_interval(X=X[N:])
    with pytest.raises(
        ValueError, match="`X` must have one row of features for each of the 90 steps"
    ):
        forecaster().fit(y, X)
    with pytest.raises(ValueError, match="`X` must have the same index as `y`"):
        forecaster().fit(y, X[1 : N + 1])
    with pytest.raises(ValueError, match="at least `horizon` = 4 steps after the known"):
        model.backtest(pd.Series(Y[:3], index=DAYS[N : N + 3]), X[N : N + 3])
    with pytest.raises(ValueError, match="`refit` must be"):
        model.backtest(pd.Series(Y[:5], index=DAYS[N : N + 5]), X[N : N + 5], refit="daily")


@pytest.mark.parametrize("unit", ["1mo", "1w", "15m", "1d"])
def test_times_of_other_libraries_go_on(unit):
    start = datetime(2020, 1, 1)
    times = pl.datetime_range(start, start + timedelta(days=3000), unit, eager=True)[: N + 4]
    if unit == "1d":  # business days
        days = pl.date_range(start, start + timedelta(days=200), "1d", eager=True)
        times = days.filter(days.dt.weekday() < 6)[: N + 4]
    table = pl.DataFrame({"t": times[:N], "v": Y})
    model = forecaster(target="v", time="t").fit(table)
    result = model.predict()
    assert result["t"].to_list() == times[N:].to_list()
    without = table.filter(pl.col("t") != times[30])  # a gap
    assert forecaster(target="v", time="t").fit(without).predict()["t"].equals(result["t"])


def test_forecasts_stand_at_their_times_and_under_their_names():
    y = pd.Series(Y, index=DAYS[:N].rename("day"))
    model = forecaster(quantile=(0.2, 0.4, 0.8)).fit(y)
    whole = model.predict()
    assert whole.index.equals(DAYS[N : N + 4]) and whole.index.name == "day"
    for steps in ([2, 1], [2, 2], [4, 1, 3]):
        assert model.predict(steps).equals(whole.iloc[np.array(steps) - 1])
    assert model.predict(fh=2).equals(whole.iloc[[1]])  # one step, as in sktime
    assert len(forecaster().fit(y, fh=3).predict()) == 1
    quantiles = model.predict_quantiles()
    middle = quantiles["q0.4"] + 0.25 * (quantiles["q0.8"] - quantiles["q0.4"])
    np.testing.assert_allclose(whole, middle)
    assert model.predict_quantiles(alpha=0.4).columns.tolist() == ["q0.4"]
    assert model.set_params(quantile=(0.1, 0.5, 0.9)).predict().equals(whole)
    wide = pd.DataFrame({7: Y, 9: 2 * Y}, index=DAYS[:N])
    assert forecaster().fit(wide).predict().columns.tolist() == [7, 9]
    wide.columns = [7, 7]
    with pytest.raises(ValueError, match="`y` must have distinct column names"):
        forecaster().fit(wide)


def test_the_data_of_the_caller_are_not_kept():
    y, X = Y.copy(), FEATURES[:N].copy()
    model = forecaster().fit(y, X)
    before = model.predict(X=FEATURES[:4])
    y[:], X[:] = 0, 0
    assert (model.predict(X=FEATURES[:4]) == before).all()


@pytest.mark.parametrize(
    "index",
    [
        pd.bdate_range("2024-01-01", periods=N),
        pd.date_range("2024-01-01", periods=N, tz="Europe/Berlin"),
        pd.date_range("2010-01-01", periods=N, freq="MS"),
        pd.date_range("1990-03-31", periods=N, freq="QE"),
        pd.date_range("2024-03-20", periods=N, freq="h", tz="Europe/Berlin"),
    ],
)
def test_steps_of_the_calendar_may_have_gaps(index):
    y = pd.Series(Y, index=index)
    missing = [20, 50, 51]
    expected = forecaster().fit(y.where(~np.isin(T, missing))).predict()
    result = forecaster().fit(y.drop(index[missing])).predict()
    assert (result == expected).all() and (result.index == expected.index).all()
    assert result.index[0] == index[-1] + index.freq
    if index.tz is None or index.freq != "h":  # a short update, too, has the steps of before
        first = max(i for i in range(N - 8) if index[i].day_of_week == 3)  # a Thursday
        new = [first, first + 1, first + 3]
        model = forecaster().fit(y[:first]).update(y.iloc[new])
        assert model.predict().index.equals(index[first + 4 : first + 8])


def test_times_must_increase():
    y = pd.Series(Y, index=DAYS[:N])
    for reversed_y in (y[::-1], y[::-1].set_axis(pd.DatetimeIndex(y.index[::-1].to_numpy()))):
        with pytest.raises(ValueError, match="`y` must have increasing times"):
            forecaster().fit(reversed_y)
    model, far = forecaster().fit(y.set_axis(T)), pd.Series([1, 2, 3], [N, N + 1, 10**12])
    with pytest.raises(ValueError, match="`y` must not have gaps as long as these"):
        model.update(far)


def test_a_series_too_short_to_be_forecast_is_refused_by_name():
    table = pd.DataFrame({"id": ["a"] * 60 + ["b"] * 5, "t": [*T[:60], *T[:5]], "v": Y[:65]})
    with pytest.raises(ValueError, match=r"series 'b' has 5[.] Leave this series out"):
        forecaster(target="v", group="id", time="t").fit(table)
    with pytest.raises(ValueError, match="Series 'b' must have at least two steps"):
        forecaster(1, 1, target="v", group="id", time="t").fit(table[:61])
    one = forecaster(1, 1).fit([1.0, 2.0])  # the shortest that is possible
    assert one.predict().shape == (1,)
    with pytest.raises(ValueError, match="`y` must have at least 2 steps"):
        forecaster(1, 1).fit([1.0])
