"""Data that look as if they meant something else are named in a warning, with what to do."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.reader import read_X
from sklearn_rnn._data.suspicious import findings
from sklearn_rnn.cells import GRU
from sklearn_rnn.preprocessing import from_padded
from sklearn_rnn.seq2seq import Seq2SeqRegressor
from sklearn_rnn.text import TokenEncoder

N, T = 60, 30
RNG = np.random.RandomState(0)
NOISE = RNG.normal(size=(N, T, 3))
STEPS = np.arange(T)
SENSORS = ["acc_x", "acc_y", "gyro"]


def warned(X, y=None, estimator=RNNRegressor, **options):
    """Return the warnings of a fit, apart from that of its end, without the advice."""
    y = np.arange(len(X)) % 7 if y is None else y
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rnn = estimator(2, max_iter=1, batch_size=16, **options).fit(X, y)
    texts = [str(w.message) for w in caught if w.category is UserWarning]
    assert all(w.filename == __file__ for w in caught)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rnn.predict(X)
        if estimator is RNNRegressor:
            rnn.partial_fit(X, y)
    return texts


def assert_only(texts, *words):
    assert len(texts) == 1, texts
    for word in words:
        assert word in texts[0]


# ---- a long table ----


def test_a_long_table_is_named():
    table = pd.DataFrame(NOISE.reshape(-1, 3), columns=SENSORS)
    words = f"table of {N * T} rows and the columns 'acc_x', 'acc_y', 'gyro', and", "from_frame"
    assert_only(warned(table), *words)
    labels = np.arange(len(table)) % 2
    assert_only(warned(table, labels, RNNClassifier), *words)
    assert_only(warned(table[["gyro"]]), f"{N * T} rows and one column", "make_windows")
    assert_only(warned(NOISE[:, :1, 0]), f"`X` has {N} rows and one column")
    assert warned(table.to_numpy()) == []


@pytest.mark.parametrize(
    "names",
    [
        [f"t{i}" for i in STEPS],
        [f"hour_{i}" for i in STEPS],
        [f"{i // 2:02}:{i % 2 * 30:02}" for i in STEPS],
        [f"{day} {i // 3}" for i, day in zip(STEPS, ["Mon", "Tue", "Sunday"] * 10, strict=True)],
        [f"{i} {month} 2024" for i, month in zip(STEPS, ["jan", "May"] * 15, strict=True)],
        list(map(str, pd.date_range("2024-01-01", periods=T))),
        list(range(T)),
        [f"{i}{half}" for half in ("am", "pm") for i in STEPS[:15]],
        [f"{i}ms" for i in STEPS[:20]] + [f"{i}s" for i in STEPS[20:]],
        [f"Sept {i}" if i % 2 else f"thurs {i}" for i in STEPS],
        ["first", "second", "third", *map(str, STEPS[3:])],
    ],
)
def test_a_series_per_row_is_not_a_long_table(names):
    assert warned(pd.DataFrame(NOISE[:, :, 0], columns=names)) == []


# ---- codes ----


def markov(n_codes, seed=0):
    rng = np.random.RandomState(seed)
    chances = rng.dirichlet(np.full(n_codes, 0.3), size=n_codes).cumsum(axis=1)
    codes = np.zeros((N, T), dtype=int)
    for t in range(1, T):
        codes[:, t] = (chances[codes[:, t - 1]] < rng.uniform(size=(N, 1))).sum(axis=1)
    return codes


def texts():
    lines = [line.lower() for line in (RNNClassifier.__doc__ + TokenEncoder.__doc__).split("\n")]
    return [line for line in lines if len(line.split()) > 5]


def letters(lines):
    return [[ord(letter) - 96 if "a" <= letter <= "z" else 0 for letter in s] for s in lines]


@pytest.mark.parametrize(
    "X",
    [
        markov(10),
        markov(40),
        [codes[: 10 + i % 9] for i, codes in enumerate(markov(8))],
        markov(10).tolist(),
        markov(10)[:, :, np.newaxis],
        pd.DataFrame(markov(10)),
        pd.DataFrame({"codes": list(markov(10))}),
        letters(texts()),
        letters(texts()[:40]),
        TokenEncoder().fit_transform(texts()),
    ],
)
def test_codes_that_are_read_as_numbers_are_named(X):
    assert_only(warned(X), "look like codes", "categorical_features='all'")
    assert warned(X, categorical_features="all") == []
    if isinstance(X, np.ndarray) and X.dtype.kind == "i":
        assert warned(X.astype(float)) == []


def moving_average(weight, seed=0):
    noise = np.random.RandomState(seed).normal(size=(N, T + 1))
    return noise[:, 1:] + weight * noise[:, :-1]


COUNTS = {
    "rare": RNG.poisson(1, size=(N, T)),
    "common": RNG.poisson(20, size=(N, T)),
    "uniform": RNG.randint(100, size=(N, T)),
    "few": RNG.randint(3, size=(N, T)),
    "binary": markov(2),
    "weekly": RNG.poisson(np.where(STEPS % 7 < 5, 10, 2), size=(N, T)),
    "spikes": RNG.poisson(np.where((STEPS + RNG.randint(12, size=(N, 1))) % 12 == 0, 10, 1)),
    "autoregressive": RNG.poisson(np.exp(NOISE[:, :, 0].cumsum(axis=1) / 4)),
    "clustered": RNG.poisson(np.exp(moving_average(0.4) / 2)),
    "alternating": RNG.poisson(np.exp(moving_average(-0.7) / 2)),
    "walk": 50 + RNG.randint(-2, 3, size=(N, T)).cumsum(axis=1),
    "wave": 8 + np.rint(7 * np.sin(1.5 * STEPS + RNG.uniform(0, 6, (N, 1)))).astype(int),
    "converter": (2048 + 900 * np.sin(2 * STEPS) + 9 * NOISE[:, :, 0]).astype(int),
    "steps": np.repeat(RNG.randint(5, size=(N, T // 5)), 5, axis=1),
    "hours": np.tile(STEPS % 24, (N, 1)),
    "pixels": load_digits().data.astype(int),
    "negative": markov(10) - 1,
    "gaps": markov(10) ** 5,
    "two features": np.stack([markov(10), markov(10, 1)], axis=2),
    "short": [[4, 9, 2], [1, 2], [3, 3]] * 10,
}


@pytest.mark.parametrize("name", COUNTS)
def test_integers_that_are_numbers_pass(name):
    assert warned(COUNTS[name]) == []


# ---- padding ----


def padded(value, lengths=None):
    X = NOISE.copy()
    lengths = RNG.randint(T // 2, T + 1, size=N) if lengths is None else lengths
    for x, length in zip(X, lengths, strict=True):
        x[length:] = value
    return X


@pytest.mark.parametrize("value", [0.0, -1.0, [1.0, 0.0, 2.0]])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_padding_is_named(value, dtype):
    X = padded(value).astype(dtype)
    number = f"from_padded(X, padding={value:g})" if isinstance(value, float) else "unpad(X, "
    assert_only(warned(X), "of the sequences in `X` end with 2 to 15 steps", number)
    left = number.replace(")", ", side='left')")
    assert_only(warned(X[:, ::-1]), "of the sequences in `X` begin with 2 to 15 steps", left)
    cut = from_padded(X, padding=0) if value == 0.0 else X[:, :15]
    assert warned(cut) == []
    assert_only(warned(X[:, :, 0]), "of the sequences in `X` end with 2 to 15 steps")
    assert_only(warned(X, X[:, :2], Seq2SeqRegressor), "If this is padding")
    y = X[:, :, 0]
    options = {"mode": "many_to_many"}
    assert_only(warned(X, y, **options), "If this is padding")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        weights = (np.arange(T) < 20) * np.ones((N, 1))
        RNNRegressor(2, max_iter=1, **options).fit(X, y, sample_weight=weights)
        RNNRegressor(2, max_iter=1).fit(list(X), y[:, 0])  # cut, or meant


def test_pauses_and_frames_pass():
    few, rare, image = NOISE.copy(), padded(0.0, [T - 2] * 2 + [T] * (N - 2)), padded(0.0)
    few[few < 1] = 0
    for x, begin in zip(image, RNG.randint(1, 9, size=N), strict=True):
        x[:begin] = 0  # a border on both sides
    held = padded(0.0)
    for x in held:
        x[20:] = x[20]  # a sensor that stops
    for X in (few[:, :, :1], rare, image, held, padded(0.0, [20] * N), NOISE):
        assert warned(X) == []


STARTS = RNG.randint(1, T, size=(N, 1))
AT_REST = {
    "response to a step": (STEPS >= STARTS) * 1.0,
    "level of a tank": np.minimum(RNG.uniform(0, 0.2, size=(N, T)).cumsum(axis=1), 1),
    "share that is done": np.minimum(STEPS / STARTS, 1),
    "total count": RNG.poisson(0.1, size=(N, T)).cumsum(axis=1).astype(float),
    "time that is left": np.maximum(STARTS - STEPS, 0.0),
    "states": np.eye(4)[np.minimum((RNG.uniform(size=(N, T)) < 0.1).cumsum(axis=1) % 7, 3)],
}


@pytest.mark.parametrize("name", AT_REST)
def test_what_comes_to_rest_passes(name):
    assert warned(AT_REST[name]) == []


# ---- axes and scales ----


def test_swapped_axes_are_named():
    waves = np.sin(
        np.arange(120) * RNG.uniform(0.05, 0.2, (N, 4, 1)) + RNG.uniform(0, 6, (N, 4, 1))
    )
    assert_only(warned(waves), "120 features but at most 4 steps", "np.swapaxes(X, 1, 2)")
    assert_only(warned(list(waves)), "[x.T for x in X]")
    assert warned(np.swapaxes(waves, 1, 2)) == []
    vectors = RNG.normal(size=(N, 4, 120)) + 3 * RNG.normal(size=120)
    assert warned(vectors) == []
    assert warned(np.swapaxes(NOISE, 1, 2)) == []
    spectra = RNG.normal(size=(N, 1, 120)).cumsum(axis=2) + RNG.normal(size=(N, 4, 120))
    assert warned(spectra) == []
    assert warned(list(spectra)) == []


def test_large_numbers_without_normalisation_are_named():
    X = NOISE * [1, 500, 2] + [0, 0, 30]
    assert_only(warned(X, normalize_X=False), "feature 1 is 498", "normalize_X=True")
    frames = [pd.DataFrame(x, columns=SENSORS) for x in X]
    assert_only(warned(frames, normalize_X=False), "column 'acc_y' is 498")
    codes = np.concatenate([NOISE, RNG.randint(900, size=(N, T, 1))], axis=2)
    assert warned(codes, normalize_X=False, categorical_features=[3], embedding_dim=1) == []
    assert warned(X) == []
    assert warned(NOISE * 20, normalize_X=False) == []
    # Such a cell learns from them: R2 is 1.00 at 10,000 times the size, and 0.22 without.
    assert warned(X, normalize_X=False, cell=GRU(normalization="layer")) == []


# ---- where the limits are ----


def found(X, **facts):
    """Return the findings about X."""
    sequences, form = read_X(X, "RNNRegressor")
    return findings(
        X, sequences, form.feature_names, [], **{"cut": False, "normalized": True, **facts}
    )


def test_codes_are_told_from_numbers_by_what_size_does_not_explain():
    rng = np.random.RandomState(0)
    codes = markov(10)
    assert found(codes) and not found(3 * codes)  # a vocabulary has no such gaps
    counts = rng.poisson(1, size=(300, 60))
    for t in range(1, 60):  # a fifth of what there was remains
        counts[:, t] = rng.binomial(counts[:, t - 1], 0.2) + rng.poisson(0.8, size=300)
    assert not found(counts)


def test_padding_is_told_from_data_at_rest():
    rng = np.random.RandomState(0)
    letters = np.eye(4)[rng.randint(4, size=(300, 20))]  # a quarter repeat the letter before
    short = rng.uniform(1, 2, size=(300, 4))  # half of them only rise or only fall
    for X in (letters, short):
        for x, length in zip(X, rng.randint(1, X.shape[1] + 1, size=300), strict=True):
            x[length:] = 0
        assert "If this is padding" in found(X)[0]
    ends = np.where(np.arange(300) < 280, 7, rng.randint(5, 8, size=300))
    pause = rng.normal(size=(300, 9)) * (np.arange(9) < ends[:, np.newaxis])
    assert not found(pause)
    late = rng.normal(size=(1200, 10, 1))
    for i in range(700, 1200):  # sorted by length
        late[i, 9 - i % 5 :] = 0
    assert "If this is padding" in found(late)[0]


def test_few_features_may_be_alike():
    assert found(RNG.normal(size=(9, 3, 60)).cumsum(axis=2))
    assert not found(RNG.normal(size=(9, 30, 60)).cumsum(axis=2))


# ---- any data ----


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 70),
    st.integers(1, 3) | st.just(60),
    st.sampled_from(["normal", "integers", "constant", "huge", "blocks"]),
    st.sampled_from(["array", "list", "float32", "frames", "flat"]),
    st.integers(0, 9),
)
def test_any_data_can_be_looked_at(n, n_timesteps, n_features, kind, carrier, seed):
    rng = np.random.RandomState(seed)
    shape = n, n_timesteps, n_features
    X = {
        "normal": lambda: rng.normal(size=shape),
        "integers": lambda: rng.randint(5, size=shape),
        "constant": lambda: np.full(shape, 7),
        "huge": lambda: 1e300 * rng.normal(size=shape),
        "blocks": lambda: np.repeat(rng.randint(3, size=shape), 2, axis=1),
    }[kind]()
    given_X = {
        "array": lambda: X,
        "list": lambda: [x[: 1 + i % n_timesteps] for i, x in enumerate(X)],
        "float32": lambda: np.clip(X, -1e30, 1e30).astype(np.float32),
        "frames": lambda: list(map(pd.DataFrame, X)),
        "flat": lambda: X[:, :, 0],
    }[carrier]()
    before = pickle.dumps(given_X)
    sequences, form = read_X(given_X, "RNNRegressor")
    with np.errstate(all="raise", over="ignore", invalid="ignore"):
        for cut in (False, True):
            facts = given_X, sequences, form.feature_names, []
            texts = findings(*facts, cut=cut, normalized=cut)
            assert all(isinstance(text, str) and text.endswith(".") for text in texts)
    assert pickle.dumps(given_X) == before
