"""make_windows and from_windows: windows of long tables, and back."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_rnn import RNNRegressor
from sklearn_rnn.forecasting import seasonal_naive
from sklearn_rnn.model_selection import RollingOrigin
from sklearn_rnn.preprocessing import from_windows, make_windows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
TIMES = pd.date_range("2024-01-01", periods=30, freq="h")


def long_frame(lengths=(30, 12, 21), seed=0):
    """Return a frame of several series, its rows shuffled."""
    rng, parts = np.random.default_rng(seed), []
    for name, n in zip("cab", lengths, strict=True):
        numbers = rng.normal(size=(n, 3))
        part = pd.DataFrame(numbers, columns=["load", "wind", "price"])
        parts.append(part.assign(id=name, when=TIMES[-n:]))
    return pd.concat(parts).sample(frac=1, random_state=seed).reset_index(drop=True)


def by_hand(series, past, horizon, stride, season):
    """Cut one series (n, [load, wind, price]), price known, a window at a time."""
    found = []
    for origin in range(len(series) - horizon, past - 1, -stride):
        x = series[origin - past : origin + horizon].copy()
        for step in range(horizon):
            back = season
            while step - back >= 0:
                back += season
            x[past + step, :2] = series[origin + step - back, :2]
        x = np.column_stack([x, [0.0] * past + [1.0] * horizon])
        found.insert(0, (x, series[origin - past : origin + horizon, 0]))
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 6))
def test_windows_are_those_cut_by_hand(past, horizon, stride, season):
    season = min(season, past)
    frame = long_frame()
    words = {"target": "load", "known": ["price"], "stride": stride, "season": season}
    windows = make_windows(frame, group="id", time="when", past=past, horizon=horizon, **words)
    expected, groups = [], []
    for name in frame["id"].unique():
        part = frame[frame["id"] == name].sort_values("when")
        cut = by_hand(part[["load", "wind", "price"]].to_numpy(), past, horizon, stride, season)
        expected += cut
        groups += [name] * len(cut)
    assert np.array_equal(windows.X, [x for x, _ in expected])
    assert np.array_equal(windows.y, [y for _, y in expected])
    assert (windows.sample_weight == ([0] * past + [1] * horizon)).all()
    assert windows.groups.tolist() == groups
    assert (frame["when"].to_numpy()[windows.rows[:, past:]] == windows.times).all()
    assert (windows.times[:, 0] - windows.origins == np.timedelta64(1, "h")).all()
    # what is known after the origin is in X; what is not changes nothing
    changed = frame.copy()
    late = changed["when"] > windows.origins[0]
    changed.loc[late & (changed["id"] == windows.groups[0]), ["load", "wind"]] += 100
    again = make_windows(changed, group="id", time="when", past=past, horizon=horizon, **words)
    assert np.array_equal(again.X[0], windows.X[0])


@pytest.mark.parametrize("convert", [lambda f: f, pl.from_pandas, pa.Table.from_pandas, None])
def test_every_table_gives_the_same_windows_and_a_table_back(convert):
    frame = long_frame()
    expected = make_windows(
        frame, target="load", known="price", past=5, horizon=3, group="id", time="when"
    )
    words = {"target": "load", "known": "price", "group": "id", "time": "when"}
    table = frame.assign(id=frame["id"].map({"a": 0, "b": 1, "c": 2})) if convert is None else frame
    if convert is None:
        table = table.assign(when=table["when"].astype("int64")).to_numpy(np.float64)
        words = {"target": 0, "known": [2], "group": 3, "time": 4}
    else:
        table = convert(table)
    windows = make_windows(table, past=5, horizon=3, **words)
    assert np.array_equal(windows.X, expected.X) and np.array_equal(windows.y, expected.y)
    back = from_windows(windows.y, windows)
    assert type(back) is (dict if convert is None else type(table))
    name = "y" if convert is None else "load"
    columns = {key: np.asarray(back[key]) for key in [name, f"{name}_pred", "step", "origin"]}
    assert (columns[name] == columns[f"{name}_pred"]).all()
    assert columns["step"][:4].tolist() == [1, 2, 3, 1]
    assert len(columns["step"]) == 3 * len(windows.X)
    if convert is not None:  # each value stands at its series and time
        merged = pd.DataFrame({key: np.asarray(back[key]) for key in ["id", "when", "load_pred"]})
        merged = merged.merge(frame, on=["id", "when"])
        assert len(merged) == 3 * len(windows.X)
        assert (merged["load_pred"] == merged["load"]).all()


def test_time_may_be_an_index_with_a_zone_or_of_periods():
    y = RNG.normal(size=30)
    plain = make_windows(y, target=0, past=4, horizon=2)
    zone = pd.date_range("2024-03-30", periods=30, freq="h", tz="Europe/Berlin")
    for index in (zone, pd.period_range("2020-01", periods=30, freq="M"), TIMES):
        frame = pd.DataFrame({"y": y}, index=index)
        windows = make_windows(frame, target="y", past=4, horizon=2)
        assert np.array_equal(windows.X, plain.X)
        back = from_windows(windows.y[3:5, -2:], windows, index=[3, 4])
        assert back["time"].tolist() == [*index[7:9], *index[8:10]]
        assert back["origin"].tolist() == [index[6]] * 2 + [index[7]] * 2
        one = make_windows(frame, target="y", past=4, horizon=2, origins=index[[6, 20]])
        assert np.array_equal(one.X, plain.X[[3, 17]])
    panel = pd.concat({"a": frame, "b": frame + 1}, names=["id", "when"])
    windows = make_windows(panel, target="y", past=4, horizon=2)
    assert np.array_equal(windows.y, np.concatenate([plain.y, plain.y + 1]))
    assert windows.groups.tolist() == ["a"] * 25 + ["b"] * 25
    assert np.array_equal(make_windows(y, target=0, past=4, horizon=2, origins=6).X, plain.X[3:4])


def test_no_window_spans_a_gap():
    y = np.arange(30.0)
    kept = np.delete(np.arange(30), [12, 13])
    frame = pd.DataFrame({"y": y[kept], "t": TIMES[kept]})
    windows = make_windows(frame, target="y", time="t", past=4, horizon=2)
    assert (np.diff(windows.y, axis=1) == 1).all()
    assert len(windows.y) == 7 + 11
    wide = make_windows(frame, target="y", time="t", past=4, horizon=2, max_step=3)
    assert len(wide.y) == 23
    with pytest.raises(ValueError, match="but `time` has gaps in it"):
        make_windows(frame, target="y", time="t", past=15, horizon=2)


def test_missing_targets_are_not_taught():
    y = np.arange(20.0)
    y[[6, 18, 19]] = np.nan
    windows = make_windows(np.column_stack([y, y]), target=[0, 1], past=3, horizon=2)
    assert windows.y.shape == (16, 5, 2)
    assert (windows.sample_weight[:, 3:] == ~np.isnan(windows.y[:, 3:, 0])).all()
    assert np.isnan(windows.X[4, 2, 0])  # left for the imputer
    assert np.isfinite(windows.X[-1]).all()  # the last window forecasts rows that are to come
    assert windows.sample_weight[-1].sum() == 0


def test_a_regressor_learns_and_its_quantiles_become_a_table():
    x = np.sin(np.arange(200) / 3)
    table = pl.DataFrame({"y": x, "hour": np.arange(200) % 24})
    windows = make_windows(
        table, target="y", known="hour", past=12, horizon=4, season=6, dtype="float32"
    )
    assert windows.X.dtype == np.float32
    rnn = RNNRegressor(
        8, mode="many_to_many", loss="quantile", quantile=[0.1, 0.5], max_iter=2, tol=0
    )
    rnn.fit(windows.X, windows.y, windows.sample_weight)
    predictions = rnn.predict(windows.X)
    table = from_windows(predictions, windows, quantile=[0.1, 0.5])
    assert table.columns == ["origin", "step", "time", "y", "y_q0.1", "y_q0.5"]
    assert (table["y_q0.5"].to_numpy() == predictions[:, -4:, 1].ravel()).all()
    train, test = next(RollingOrigin(10, gap=3, n_splits=1).split(windows.X))
    assert windows.times[train].max() < windows.times[test].min()


def test_seasonal_naive_is_the_same_step_of_the_last_season():
    y = np.arange(10.0)
    assert seasonal_naive(y, 5, season=3).tolist() == [7, 8, 9, 7, 8]
    assert seasonal_naive(pd.DataFrame({"a": y, "b": -y}), 2).tolist() == [[9, -9]] * 2
    windows = make_windows(y, target=0, past=4, horizon=5, season=3)
    assert windows.X[-1, 4:, 0].tolist() == seasonal_naive(y[:5], 5, season=3).tolist()
    with pytest.raises(ValueError, match="at least `season` = 11 steps"):
        seasonal_naive(y, 2, season=11)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"past": 0}, "`past` must be an integer of at least 1"),
        ({"horizon": 2.5}, "`horizon` must be"),
        ({"stride": 0}, "`stride` must be"),
        ({"season": 9}, "`season` must be at most `past`, 4; got 9"),
        ({"dtype": "int8"}, "`dtype` must be one of"),
        ({"max_step": -1}, "`max_step` must be"),
        (
            {"target": "lod"},
            "`target` must name columns of numbers of the table, which are 'load'.*got 'lod'",
        ),
        ({"known": ["price", "price"]}, "`known` must name each column only once"),
        ({"known": "load"}, "none of `known`"),
        ({"group": "who"}, "`group` must be a column of the table"),
        ({"group": None}, "its column 'id' does not .*: name it in `group`"),
        ({"time": "id", "group": None}, "`time` must hold dates or numbers, but it holds strings"),
        ({"past": 40}, "at least past [+] horizon = 42 rows of one series.*longest series has 30"),
        ({"origins": [TIMES[1]]}, "`origins` must have `past` rows up to them"),
        ({"origins": [3]}, "`origins` must be of the type of `time`"),
    ],
)
def test_wrong_words_are_refused(options, message):
    words = {"target": "load", "past": 4, "horizon": 2, "group": "id", "time": "when"}
    with pytest.raises(ValueError, match=message):
        make_windows(long_frame(), **{**words, **options})


def test_wrong_tables_are_refused():
    frame = long_frame()
    with pytest.raises(ValueError, match=r"`time` must differ in all rows, but .* twice: name"):
        make_windows(frame.drop(columns="id"), target="load", time="when", past=2, horizon=1)
    with pytest.raises(TypeError, match=r"call [.]collect"):
        make_windows(pl.from_pandas(frame).lazy(), target="load", past=2, horizon=1)
    with pytest.raises(ValueError, match="`table` must be a data frame, or an array of shape"):
        make_windows(np.zeros((3, 4, 2)), target=0, past=2, horizon=1)
    with pytest.raises(ValueError, match="masked"):
        make_windows(np.ma.masked_less(np.arange(9.0), 3), target=0, past=2, horizon=1)
    missing = frame.assign(when=frame["when"].where(frame.index > 0))
    with pytest.raises(ValueError, match="`time` must not be missing"):
        make_windows(missing, target="load", group="id", time="when", past=2, horizon=1)
    windows = make_windows(np.arange(9.0), target=0, past=2, horizon=2)
    message = r"`predictions` must have shape \(6, 4\), or only the 2 steps"
    with pytest.raises(ValueError, match=message):
        from_windows(np.zeros((5, 4)), windows)
