"""RNNForecaster: forecasts, backtests, updates and searches."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from forecasters import DAYS, FEATURES, QUANTILE, RNG, SMALL, N, T, Y, forecaster
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklearn_rnn._forecasting.framing import Framing, Series
from sklearn_rnn.forecasting import RNNForecaster, seasonal_naive
from sklearn_rnn.model_selection import RollingOrigin

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
        past = np.append(Y[:70], y)[:origin]
        true.append(y[origin - 70 : origin - 66])
        past[75:76] = Y[68]  # missing: the season before stands for it
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
    assert "coverage" not in forecaster(quantile=[0.5]).fit(Y[:70]).backtest(y).scores
    assert model.score(y) == -model.backtest(y).summary["pinball"]
    for refit in (True, "update"):
        before = pickle.dumps(model.estimators_)
        other = model.backtest(y, step=2, refit=refit).forecasts["q0.5"]
        assert (other[:4] == result.forecasts["q0.5"][:4]).all()
        assert (other[4:] != result.forecasts["q0.5"][4:]).all()
        assert pickle.dumps(model.estimators_) == before
    refitted = model.backtest(y, step=2, refit=True).forecasts["q0.5"].reshape(-1, 4)
    for i in (1, 4):  # the first value is missing before the second of them
        fitted = clone(model).fit(np.append(Y[:70], y)[: 70 + 2 * i]).predict()
        assert (refitted[i] == fitted).all()


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
