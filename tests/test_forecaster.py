"""RNNForecaster: forecasts of one series and of many."""

import pickle
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklearn_rnn import RNNRegressor
from sklearn_rnn._forecasting.framing import Framing, Series
from sklearn_rnn.forecasting import RNNForecaster, seasonal_naive
from sklearn_rnn.model_selection import RollingOrigin

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
N = 90
SMALL = RNNRegressor(6, max_iter=2, dtype="float64", random_state=0)
T = np.arange(N)
Y = 50 + 10 * np.sin(T * 2 * np.pi / 7) + RNG.normal(size=N)
FEATURES = RNG.normal(size=(N + 20, 2))
DAYS = pd.date_range("2024-01-01", periods=N + 20, freq="D")
QUANTILE = (0.1, 0.5, 0.9)


def forecaster(horizon=4, past=10, **options):
    return RNNForecaster(horizon, past, **{"estimator": SMALL, **options})


def naive_by_hand(y, origin, step, season):
    """Return the value a season before a step, or as many as reach before the origin."""
    at = origin + step - season
    while at >= origin:
        at -= season
    return y[at]


def windows_by_hand(y, X, dates, origins, past, horizon, seasons, difference):
    """Build what the network reads and learns, one step at a time; X[:, 0] is known."""
    all_windows, targets, base = [], [], []
    for origin in origins:
        for step in range(-past, horizon):
            t, ahead = origin + step, step >= 0
            row = [naive_by_hand(y, origin, step, min(seasons)) if ahead else y[t]]
            row += [naive_by_hand(y, origin, step, s) if ahead else y[t - s] for s in seasons]
            row += [X[t, 0], X[origin - 1, 1] if ahead else X[t, 1]]
            row += [float(dates[t].day_of_week == day) for day in range(7)]
            for k in (1, 2):
                angle = 2 * np.pi * k * (dates[t].day_of_year - 1) / 365.25
                row += [np.sin(angle), np.cos(angle)]
            row += [float(ahead), (step + 1) / horizon if ahead else 0.0]
            all_windows.append(row)
            naive = naive_by_hand(y, origin, step, difference) if ahead else y[t - difference]
            base.append(naive)
            targets.append(y[t] - naive if t < len(y) else np.nan)
    shape = len(origins), past + horizon
    return (
        np.reshape(each, (*shape, *np.shape(each)[1:])) for each in (all_windows, targets, base)
    )


def test_forecasts_are_those_of_a_network_on_windows_cut_by_hand():
    words = {"season": (7, 14), "difference": 7, "stride": 3, "known_future": [0]}
    model = forecaster(quantile=QUANTILE, **words)
    y = pd.Series(Y, index=DAYS[:N], name="load")
    model.fit(y, FEATURES[:N])
    z = (Y - Y.mean()) / Y.std()
    origins = np.arange(N - 4, 23, -3)[::-1]
    arguments = (FEATURES, DAYS, origins, 10, 4, (7, 14), 7)
    X, targets, _ = windows_by_hand(z, *arguments)
    weights = np.tile([0.0] * 10 + [1.0] * 4, (len(X), 1))
    network = clone(SMALL).set_params(mode="many_to_many", loss="quantile", quantile=QUANTILE)
    network.fit(X.astype(np.float32), targets, weights)
    now, _, base = windows_by_hand(z, FEATURES, DAYS, [N], *arguments[3:])
    expected = (network.predict(now.astype(np.float32)) + base[..., None])[0, -4:]
    expected = expected * Y.std() + Y.mean()
    future = FEATURES[N : N + 4, :1]
    result = model.predict_quantiles(X=future)
    np.testing.assert_allclose(result, expected, rtol=1e-9)
    assert result.columns.tolist() == ["q0.1", "q0.5", "q0.9"]
    point = model.predict(X=future)
    assert (point == result["q0.5"]).all() and point.name == "load"
    assert (point.index == DAYS[N : N + 4]).all() and point.index.freq == "D"
    bounds = model.predict_interval(X=future, coverage=0.8)
    assert (bounds.to_numpy() == result[["q0.1", "q0.9"]].to_numpy()).all()
    assert (model.predict(2, future) == point[:2]).all()
    assert (model.predict(fh=[2, 4], exog=future) == point.iloc[[1, 3]]).all()
    again = forecaster(quantile=QUANTILE, **words).fit(y, exog=FEATURES[:N], fh=[1, 3])
    assert (again.predict(X=future) == point.iloc[[0, 2]]).all()


def test_nothing_after_the_origin_changes_a_forecast():
    X = FEATURES.copy()
    model = forecaster(season=7, known_future=[0], quantile=QUANTILE).fit(Y[:70], X[:70])
    expected = model.backtest(Y[70:], X[70:N], step=1).forecasts
    for origin in (70, 75):
        y, changed = Y.copy(), X.copy()
        y[origin:] += 1000
        changed[origin:, 1] -= 1000  # not known in advance
        changed[origin + 4 :, 0] = 7  # beyond the horizon
        result = model.backtest(y[70:], changed[70:N], step=1).forecasts
        early = expected["origin"] < origin
        assert early.sum() == 4 * (origin - 69)
        for name in ("q0.1", "q0.5", "q0.9", "naive"):
            assert (result[name][early] == expected[name][early]).all()
        assert (result["q0.5"] != expected["q0.5"]).any()
    changed = X.copy()
    changed[71, 0] += 1  # known in advance: it does count
    result = model.backtest(Y[70:], changed[70:N], step=1).forecasts
    assert (result["q0.5"][:4] != expected["q0.5"][:4]).any()


def test_a_backtest_scores_each_step():
    model = forecaster(quantile=QUANTILE, season=7).fit(Y[:70])
    y = Y[70:].copy()
    y[5] = np.nan
    result = model.backtest(y, step=2)
    true, naive, values = [], [], []
    for origin in range(70, N - 3, 2):
        past = np.concatenate([Y[:70], y[: origin - 70]])
        true.append(y[origin - 70 : origin - 66])
        naive.append(seasonal_naive(past, 4, season=7))
        later = clone(model).fit(Y[:70])
        if origin > 70:
            later.update(y[: origin - 70], update_params=False)
        values.append(later.predict_quantiles())
    true, naive, values = map(np.array, (true, naive, values))
    error, q = true[..., None] - values, np.array(QUANTILE)
    assert (result.forecasts["q0.5"].reshape(-1, 4) == values[..., 1]).all()
    expected = {
        "mae": np.nanmean(abs(error[..., 1]), axis=0),
        "naive_mae": np.nanmean(abs(true - naive), axis=0),
        "pinball": np.nanmean(np.maximum(error * q, error * (q - 1)), (0, 2)),
        "coverage": [
            np.mean([lo <= t <= hi for t, (lo, _, hi) in zip(ts, vs, strict=True) if t == t])
            for ts, vs in zip(true.T, values.swapaxes(0, 1), strict=True)
        ],
    }
    for name, each in expected.items():
        np.testing.assert_allclose(result.scores[name], each)
    assert result.summary["n"] == np.isfinite(true).sum() == true.size - 2
    np.testing.assert_allclose(result.summary["mae"], np.nanmean(abs(error[..., 1])))
    assert len(pd.DataFrame(result.scores)) == 4
    assert model.score(y) == -model.backtest(y).summary["pinball"]
    for refit in (True, "update"):
        before = pickle.dumps(model.estimators_)
        other = model.backtest(y, step=2, refit=refit).forecasts["q0.5"]
        assert (other[:4] == result.forecasts["q0.5"][:4]).all()
        assert (other[4:] != result.forecasts["q0.5"][4:]).all()
        assert pickle.dumps(model.estimators_) == before
    fitted = clone(model).fit(np.concatenate([Y[:70], y[:2]])).predict()
    assert (model.backtest(y, step=2, refit=True).forecasts["q0.5"][4:8] == fitted).all()


def test_many_series_have_scales_of_their_own():
    small = Y + RNG.normal(size=N)
    wide = pd.DataFrame({"a": Y, "b": 1000 * small + 7}, index=DAYS[:N])
    model = forecaster(season=7).fit(wide)
    same = forecaster(season=7).fit(wide.assign(b=small))
    one, other = model.predict(), same.predict()
    assert (one.columns == ["a", "b"]).all() and (one.index == DAYS[N : N + 4]).all()
    np.testing.assert_allclose(one["a"], other["a"], rtol=1e-6)
    np.testing.assert_allclose(one["b"], 1000 * other["b"] + 7, rtol=1e-6)
    assert model.n_series_ == 2 and model.series_names_ == ["a", "b"]
    plain = forecaster(season=7, calendar=False)
    expected = plain.fit(wide).predict().to_numpy()
    array = plain.fit(wide.to_numpy()).predict()
    assert (array == expected).all()
    frame = plain.fit(pl.from_pandas(wide)).predict()
    assert isinstance(frame, pl.DataFrame) and (frame.to_numpy() == expected).all()
    frame = plain.fit(pa.Table.from_pandas(wide, preserve_index=False)).predict()
    assert isinstance(frame, pa.Table) and (frame["b"].to_numpy() == expected[:, 1]).all()
    assert plain.set_params(quantile=QUANTILE).fit(wide.to_numpy()).predict_quantiles().shape == (
        (4, 2, 3)
    )
    flat = pd.DataFrame({"a": Y, "b": 3.0}, index=DAYS[:N])
    assert np.isfinite(forecaster().fit(flat).predict()).all(axis=None)


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
        pd.date_range("2020-01-31", periods=N, freq=pd.offsets.MonthEnd()),
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


def test_errors_about_times_tell_what_to_do():
    y = pd.Series(Y, index=DAYS[:N])
    uneven = pd.Series(Y, index=DAYS[:N] + pd.to_timedelta(np.arange(N) % 7, unit="s"))
    for wrong, message in (
        (y[::-1], "comes after .*: sort the rows"),  # newest first, as downloads often are
        (pd.concat([y[:5], y[4:]]), f"{DAYS[4]} occurs twice: leave one"),
        (uneven, "the steps differ in length: resample it"),
        (
            y.rename("load").rename_axis("day").reset_index(),
            r"make it the index, y.set_index\('day'\)",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            forecaster().fit(wrong)
    named = pd.DataFrame({"day": "Monday"}, index=y.index)
    with pytest.raises(
        ValueError, match=r"one-hot, pandas.get_dummies\(X, columns=\['day'\]\)"
    ) as error:
        forecaster().fit(y, named)
    assert "categorical_features" not in str(error.value)  # which a forecaster has not


def test_dates_may_be_strings_in_a_long_table():
    table = pd.DataFrame({"day": DAYS[:N].astype(str), "load": Y})
    model = forecaster(target="load", time="day").fit(table)
    expected = forecaster().fit(pd.Series(Y, index=DAYS[:N])).predict()
    predicted = model.predict()
    assert (predicted["day"] == expected.index).all()
    np.testing.assert_array_equal(predicted["load_pred"], expected)
    with pytest.raises(ValueError, match="`X` must have the 2 features of `fit`, got 0"):
        forecaster().fit(Y[:60], FEATURES[:60]).score(Y[60:70])


def test_updates_learn_what_is_new():
    y = pd.Series(Y, index=DAYS[:N])
    model = forecaster(season=7).fit(y[:60])
    still = pickle.loads(pickle.dumps(model)).update(y[60:70], update_params=False)
    model.update(y[60:65]).update(y[65:70])
    assert (model.predict().index == DAYS[70:74]).all()
    assert (still.predict() != model.predict()).all()
    network = clone(SMALL).set_params(mode="many_to_many")
    reference = forecaster(season=7).fit(y[:60])
    network = reference.estimators_[0]
    rate = SMALL.learning_rate_init / 200
    for end in (65, 70):  # windows that end among the new steps
        whole = reference._series[0].followed_by(reference._read(y[60:end], None)[0][0])
        X, target, weights, _ = reference._frame.windows(whole, np.arange(end - 8, end - 3))
        network.partial_fit(X, target, weights, learning_rate_init=rate)
    reference.update(y[60:70], update_params=False)
    assert (reference.predict() == model.predict()).all()
    model.update(y[70:71])
    assert model.predict().index[0] == DAYS[71]
    again = pickle.loads(pickle.dumps(model)).update(y[71:80], learning_rate_init=0.1)
    assert (again.predict() != pickle.loads(pickle.dumps(model)).update(y[71:80]).predict()).all()
    with pytest.raises(ValueError, match="`learning_rate_init` must be"):
        model.update(y[71:80], learning_rate_init=-1)
    with pytest.raises(ValueError, match="`y` must begin right after the last known step"):
        model.update(y[75:80])
    with pytest.raises(ValueError, match="`y` must have the series"):
        model.update(np.zeros((5, 2)))


def test_calibrated_quantiles_are_those_of_networks_that_have_not_seen_the_values():
    words = {"season": 7, "quantile": QUANTILE, "stride": 1, "n_estimators": 2, "random_state": 1}
    y = Y.copy()
    y[40] = np.nan
    model = forecaster(calibrate=True, **words).fit(y)
    plain = forecaster(**words).fit(y)
    X, target, weights = plain._windows(plain._frame, plain._series)
    half = len(X) // 2  # less than ten horizons
    parts, networks = np.split(np.arange(2 * half), 2), []
    parts[0] = np.append(parts[0], np.arange(2 * half, len(X)))
    errors = []
    for part, like in zip(parts, plain.estimators_, strict=True):
        others = np.setdiff1d(np.arange(len(X)), part)
        networks.append(clone(like).fit(X[others], target[others], weights[others]))
        found = networks[-1].predict(X[part])[:, -4:]
        error = (target[part, -4:, None] - found) / (found[..., 2:] - found[..., :1])
        errors.append(error[weights[part, -4:] > 0])
    errors = np.concatenate(errors)
    shifts = np.array([np.quantile(errors[:, j], q) for j, q in enumerate(QUANTILE)])
    plain.estimators_ = networks
    expected = plain.predict_quantiles()
    expected = np.sort(expected + shifts * (expected[:, 2:] - expected[:, :1]), axis=1)
    np.testing.assert_allclose(model.predict_quantiles(), expected, rtol=1e-9)
    with pytest.raises(
        ValueError, match="`calibrate` must be False without at least two quantiles"
    ):
        forecaster(calibrate=True, n_estimators=2).fit(Y)
    with pytest.raises(ValueError, match="`y` must have at least 3 windows"):
        forecaster(calibrate=True, n_estimators=3, quantile=QUANTILE).fit(Y[:15])


def test_scikit_learn_copies_searches_and_repeats_it():
    model = forecaster(season=7, n_estimators=2)
    result = model.fit(Y).predict()
    assert (clone(model).fit(Y).predict() == result).all()
    assert (pickle.loads(pickle.dumps(model)).predict() == result).all()
    singles = [
        forecaster(season=7, estimator=clone(SMALL).set_params(random_state=each.random_state))
        for each in model.estimators_
    ]
    expected = np.mean([single.fit(Y).predict() for single in singles], axis=0)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    y, X = (
        pd.Series(Y, index=DAYS[:N]),
        pd.DataFrame(FEATURES[:N], columns=["a", "b"]).set_index(DAYS[:N]),
    )
    cv = RollingOrigin(4, n_splits=2)
    grid = {"season": [None, 7], "estimator__hidden_layer_sizes": [4]}
    search = GridSearchCV(forecaster(), grid, cv=cv).fit(y, X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = cross_val_score(search.best_estimator_, y, X, cv=cv)
    for score, (train, test) in zip(scores, cv.split(y), strict=True):
        fitted = clone(search.best_estimator_).fit(y.iloc[train], X.iloc[train])
        error = fitted.predict(X=X.iloc[test]) - y.iloc[test]
        np.testing.assert_allclose(score, -abs(error).mean())
    assert "estimator=RNNRegressor" in repr(model)
    drawn = forecaster(season=7, random_state=3).fit(Y)
    seeded = clone(SMALL).set_params(random_state=3)
    assert (drawn.predict() == forecaster(season=7, estimator=seeded).fit(Y).predict()).all()
    tiny = forecaster(2, 1, random_state=0)
    for y, stride in ((np.tile(Y, 6), 2), (np.tile(Y, 5), 1)):  # 269 or 449 windows
        expected = clone(tiny).set_params(stride=stride).fit(y).predict()
        assert (tiny.fit(y).predict() == expected).all()
    plain = RNNForecaster(2, 3, random_state=0)
    assert (plain.fit(Y[:20]).predict() == clone(plain).fit(Y[:20]).predict()).all()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"horizon": 0}, "`horizon` must be an integer"),
        ({"past": 1.5}, "`past` must be"),
        ({"season": (7, 0)}, "`season` must be"),
        ({"stride": 0}, "`stride` must be"),
        ({"n_estimators": 0}, "`n_estimators` must be"),
        ({"quantile": [0.9, 0.1]}, "`quantile` must be an increasing list"),
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
    with pytest.raises(ValueError, match="`X` must have one row of features for each"):
        forecaster().fit(y, X)
    with pytest.raises(ValueError, match="`X` must have the same index as `y`"):
        forecaster().fit(y, X[1 : N + 1])
    with pytest.raises(ValueError, match="at least `horizon` = 4 steps after the known"):
        model.backtest(pd.Series(Y[:3], index=DAYS[N : N + 3]), X[N : N + 3])
    with pytest.raises(ValueError, match="`refit` must be"):
        model.backtest(pd.Series(Y[:5], index=DAYS[N : N + 5]), X[N : N + 5], refit="daily")


def test_a_long_table_can_be_searched_updated_and_tested():
    table = pd.DataFrame(
        {"id": np.repeat(["b", "a"], N), "t": np.tile(T, 2), "v": np.append(Y, 2 * Y[::-1])}
    )
    words = {"target": "v", "group": "id", "time": "t"}
    cv = RollingOrigin(4, n_splits=2)
    scores = cross_val_score(forecaster(**words), table, groups=table["id"], cv=cv)
    wide = np.column_stack([Y, 2 * Y[::-1]])
    assert scores.tolist() == cross_val_score(forecaster(), wide, cv=cv).tolist()
    early = table["t"] < 80
    model = forecaster(**words).fit(table[early])
    same = forecaster().fit(wide[:80])
    later = table[~early].sample(frac=1, random_state=0)  # in any order
    assert model.backtest(later).summary == same.backtest(wide[80:]).summary
    result = model.update(later).predict()
    assert (result["v_pred"].to_numpy().reshape(2, 4).T == same.update(wide[80:]).predict()).all()
    assert result["t"].tolist() == [90, 91, 92, 93] * 2


@pytest.mark.parametrize("unit", ["1mo", "1w", "15m"])
def test_times_of_other_libraries_go_on(unit):
    start = datetime(2020, 1, 1)
    times = pl.datetime_range(start, start + timedelta(days=3000), unit, eager=True)[: N + 4]
    table = pl.DataFrame({"t": times[:N], "v": Y})
    model = forecaster(target="v", time="t").fit(table)
    result = model.predict()
    assert result["t"].to_list() == times[N:].to_list()
    without = table.filter(pl.col("t") != times[30])  # a gap
    assert forecaster(target="v", time="t").fit(without).predict()["t"].equals(result["t"])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 8),
    st.integers(1, 6),
    st.lists(st.integers(1, 9), max_size=2),
    st.sampled_from([None, 1, 7]),
    st.lists(st.integers(0, N - 1), max_size=20),
    st.integers(25, N),
)
def test_a_window_reads_nothing_after_its_origin(
    past, horizon, seasons, difference, missing, origin
):
    y, X = Y.copy(), FEATURES.copy()
    y[missing] = np.nan
    X[missing, 1] = np.nan
    framing = Framing(
        past=past,
        horizon=horizon,
        known=np.array([True, False]),
        seasons=tuple(seasons),
        difference=difference,
        marks_missing=True,
        fill=np.zeros(2),
    )
    X[origin + horizon :, 0] = np.nan
    later = X.copy()
    later[origin:, 1] = 99
    whole = framing.windows(Series("all", y, X), np.array([origin]))
    cut = framing.windows(Series("cut", y[:origin], later), np.array([origin]))
    assert np.array_equal(whole[0], cut[0]) and np.isfinite(whole[0]).all()
    assert np.array_equal(whole[3], cut[3])
    targets = np.full(horizon, np.nan)
    targets[: N - origin] = y[origin : origin + horizon]
    np.testing.assert_allclose((whole[1] + whole[3])[0, past:], targets)
    assert (whole[2][0] == np.append(np.zeros(past), np.isfinite(targets))).all()
