"""Checks for data that `fit` can read but that probably mean something else, with advice.

Each check is cheap and has few false alarms: data that may well be meant as they are pass.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from . import arguments
from .carriers import is_ragged
from .frames import column_names, is_frame
from .items import as_list
from .nested import is_nested, read_nested
from .packed import offsets_of_equal

# All checks read at most this number of sequences, and of steps.
MOST_SEQUENCES, MOST_STEPS = 500, 20_000
N_ITEMS = 20  # items whose dtype is read

DATES = (
    "january february march april may june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday"
).split()
DATES = {*DATES, *(name[:3] for name in DATES), *"sept tues weds thur thurs".split()}
TIMES = (
    *"am pm noon midnight morning afternoon evening night spring summer autumn fall winter".split(),
    *"first second third fourth fifth sixth seventh eighth ninth tenth".split(),
    *"one two three four five six seven eight nine ten".split(),
)
NAMES_OF_STEPS = {*DATES, *TIMES}
MOST_FREQUENT, PAIRS_PER_CELL = 11, 5  # size and mean count of the contingency table of codes
N_LAGS = 64
LEAST_PADDED, LEAST_ROWS = 0.1, 3  # smallest share and number of sequences that seem padded
LARGEST_SCALE = 200.0  # largest root mean square of features that are not normalised


def findings(X, sequences, names, code_columns, *, cut, normalized):
    """Return a list of sentences that say what looks wrong in the X of `fit` and what to do.

    sequences: X as it was read. names: names of its columns, or None. code_columns: columns of
    categorical features. cut: whether weights per step may exclude padding. normalized: whether
    `fit` scales X.
    """
    few = _few_of(sequences)
    numbers = np.setdiff1d(np.arange(sequences.n_features), code_columns)
    checks = [_long_table(X, sequences, names)]
    if len(code_columns) == 0 and sequences.n_features == 1:
        checks.append(_codes(X, few))
    if sequences.is_array and not cut:
        checks.append(_padding(few))
    if len(code_columns) == 0:
        checks.append(_swapped_axes(few))
    if not normalized:
        checks.append(_scales(few, numbers, names if sequences.kind == "sequences" else None))
    return [sentence for sentence in checks if sentence is not None]


def _few_of(sequences):
    """Return some of the sequences, evenly spread, in the same carrier."""
    longest = max(1, MOST_STEPS * sequences.n_samples // max(sequences.n_steps, 1))
    n = min(sequences.n_samples, MOST_SEQUENCES, longest)
    if n < sequences.n_samples:
        sequences = sequences.take(np.linspace(0, sequences.n_samples - 1, n).astype(np.intp))
    if sequences.n_samples == 1 and sequences.n_steps > MOST_STEPS:
        begin = sequences.values[:MOST_STEPS]
        sequences = replace(sequences, values=begin, offsets=offsets_of_equal(1, MOST_STEPS))
    return sequences


# ---- a long table --------------------------------------------------------------------------------


def _long_table(X, sequences, names):
    """Find a 2-D X, which has one sequence per row, whose columns are named like features."""
    if sequences.kind != "2d" or sequences.n_samples < 2:
        return None
    n_rows, n_columns = sequences.n_samples, int(sequences.lengths[0])
    names = column_names(X) if is_frame(X) and names is None else names
    if n_columns == 1:
        return (
            f"`X` has {n_rows} rows and one column, and is read as {n_rows} sequences of one step. "
            "If it is one series, cut it into windows with sklearn_rnn.preprocessing.make_windows, "
            "or pass it as one sequence, `[X]`."
        )
    if names is None or not _are_features(names):
        return None
    shown = ", ".join(repr(str(name)) for name in list(names)[:3]) + ", ..." * (n_columns > 3)
    return (
        f"`X` is a table of {n_rows} rows and the columns {shown}, and is read as {n_rows} "
        f"sequences of {n_columns} steps with one feature. If its rows are steps and its columns "
        "are features, cut it into sequences with sklearn_rnn.preprocessing.from_frame; otherwise "
        "pass X.to_numpy()."
    )


def _are_features(names):
    """Tell whether names differ in more than numbers, dates and times, which would name steps."""
    stems = set()
    for name in map(str, names):
        # A name that begins with a digit is a step in some unit: 500ms, 2pm, 3rd.
        words = [] if name[:1].isdigit() else re.findall(r"[^\W\d_]+", name.lower())
        stems.add(tuple(word for word in words if word not in NAMES_OF_STEPS))
    return len(stems) > 1


# ---- codes that are read as numbers --------------------------------------------------------------


def _codes(X, sequences):
    """Find one feature of small integers whose size has no meaning: codes, not numbers."""
    values = sequences.values[:, 0]
    if not _holds_integers(X) or values.min() < 0 or values.max() >= 2**31:
        return None
    codes = values.astype(np.int64)
    counts = np.bincount(codes) if codes.max() < 4 * len(codes) else np.zeros(1, np.intp)
    n_distinct = np.count_nonzero(counts)
    # Texts use most codes of a vocabulary up to the largest one.
    if n_distinct < 3 or n_distinct < 0.5 * len(counts):
        return None
    places = np.cumsum(counts) - counts / 2  # ranks, so that no outlier dominates
    sizes = (places - np.average(places, weights=counts))[codes]
    sizes = sizes / np.sqrt(np.mean(np.square(sizes)))
    if _follow_each_other(codes, counts, sizes, sequences) and not _persist(sizes, sequences):
        return (
            f"`X` has one feature with {n_distinct} different small integers, and is read as "
            "numbers. They look like codes of categories, because their order of size has no "
            "influence on which one comes next. If they are codes, set categorical_features='all', "
            "which learns a vector for each code; if they are numbers, pass floats."
        )
    return None


def _holds_integers(X):
    """Tell whether X holds integers, by its dtype or by the dtypes of its first items."""
    if is_nested(X):
        columns = read_nested(X[:N_ITEMS], arguments.X).columns
        return all(column.dtype.kind in "iu" for column in columns)
    if is_frame(X) or not (is_ragged(X) or isinstance(X, (list, tuple))):
        return np.asarray(X).dtype.kind in "iu"
    return all(np.asarray(item).dtype.kind in "iu" for item in as_list(X[:N_ITEMS]))


def _pairs(values, sequences, lag=1):
    """Return values of the first steps (n[, k]), and those `lag` steps later in their sequence."""
    of = np.repeat(np.arange(sequences.n_samples), sequences.lengths)[: len(values)]
    same = of[lag:] == of[: len(of) - lag]
    return values[:-lag][same], values[lag:][same]


def _follow_each_other(codes, counts, sizes, sequences):
    """Tell whether frequent codes depend on the codes before them, but not linearly.

    They do if the chi-square statistic of successive codes is large, also relative to the part
    that their linear correlation explains.
    """
    n_pairs = sequences.n_steps - sequences.n_samples
    n_frequent = min(MOST_FREQUENT, int(np.sqrt(n_pairs / PAIRS_PER_CELL)) - 1)
    if n_frequent < 2:
        return False
    frequent = np.argsort(-counts, kind="stable")[:n_frequent]
    ranks = np.full(len(counts), len(frequent))
    ranks[frequent] = np.arange(len(frequent))
    n_ranks = len(frequent) + (np.count_nonzero(counts) > len(frequent))
    before, after = _pairs(ranks[codes], sequences)
    table = np.bincount(before * n_ranks + after, minlength=n_ranks**2).reshape(n_ranks, n_ranks)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(before)
    chi2 = (np.square(table - expected) / np.maximum(expected, 1)).sum()  # not of rare pairs
    freedom = (n_ranks - 1) ** 2
    linear = _correlation(sizes, sequences, 1)[0] ** 2 * len(before)
    return chi2 - freedom > max(10 * np.sqrt(2 * freedom), 0.02 * len(before), 3 * linear)


def _correlation(sizes, sequences, lag):
    """Return the correlation of sizes (variance 1) at a lag, and the number of pairs."""
    before, after = _pairs(sizes, sequences, lag)
    return np.mean(before * after), len(before)


def _persist(sizes, sequences):
    """Tell whether sizes correlate with those some steps before, as counts and measurements do."""
    lags = range(1, min(N_LAGS, int(sequences.lengths.max()) - 1) + 1)
    found = (_correlation(sizes, sequences, lag) for lag in lags)
    return any(abs(r) > max(0.3, 5 / np.sqrt(n)) for r, n in found if n > 0)


# ---- padding -------------------------------------------------------------------------------------


def _padding(sequences):
    """Find an array whose rows end (or begin) with various numbers of equal steps: padding."""
    n_timesteps = int(sequences.lengths[0])
    X = sequences.values.reshape(sequences.n_samples, n_timesteps, -1)
    if n_timesteps < 3 or len(X) < LEAST_ROWS:
        return None
    for rows, where, side in ((X, "end", ""), (X[:, ::-1], "begin", ", side='left'")):
        tails, padding = _tails(rows)
        if tails is None:
            continue
        is_number = (padding == padding[0]).all()
        value = f"{padding[0]:g}" if is_number else "the same numbers"
        cut = f"preprocessing.from_padded(X, padding={value}{side})"
        return (
            f"{np.mean(tails >= 2):.0%} of the sequences in `X` {where} with 2 to {tails.max()} "
            f"steps of {value}. If this is padding, the network reads it as data: remove it with "
            f"sklearn_rnn.{cut if is_number else 'unpad(X, lengths)'}."
        )
    return None


def _tails(X):
    """Return the numbers (n,) of steps at the ends of X that seem padding, and the padding value.

    X: (n, n_timesteps, n_features). Both are None if nothing seems padding.
    """
    nothing = None, None
    candidates = X[(X[:, -1] == X[:, -2]).all(axis=1)]
    if len(candidates) < max(LEAST_ROWS, LEAST_PADDED * len(X)):
        return nothing
    padding = np.median(candidates[:, -1], axis=0)
    is_padding = (X == padding).all(axis=2)
    real = ~is_padding[:, ::-1]
    tails = np.where(real.any(axis=1), real.argmax(axis=1), X.shape[1])
    if np.count_nonzero(tails >= 2) < max(LEAST_PADDED * len(X), 0.8 * len(candidates)):
        return nothing
    # Blanks and pauses, unlike padding, also occur within sequences, or all have one length.
    lengths = np.bincount(tails[tails >= 1])
    vary = np.count_nonzero(lengths) >= 3 and lengths.max() < 0.9 * lengths.sum()
    n_inside = np.count_nonzero(is_padding) - tails.sum()
    if not vary or n_inside > 0.02 * is_padding.size or _hold_still(X, tails):
        return nothing
    return tails, padding


def _hold_still(X, tails):
    """Tell whether X (n, n_timesteps, n_features) becomes constant without padding.

    So do counts and levels, which go only up or only down, and states that change rarely.
    """
    before, after = X[:, :-1], X[:, 1:]
    rises, falls = after >= before, after <= before
    is_monotonic = (rises.all(axis=1) | falls.all(axis=1)).all(axis=1)
    stays = (rises & falls).all(axis=2)
    is_real = np.arange(1, X.shape[1]) < X.shape[1] - tails[:, np.newaxis]
    return is_monotonic.mean() > 0.9 or np.count_nonzero(stays & is_real) > 0.6 * is_real.sum()


# ---- axes and scales -----------------------------------------------------------------------------


def _swapped_axes(sequences):
    """Find X with many features and few steps, where neighbouring features are alike, steps not.

    Frames of spectra, whose neighbouring features are similar, too, change little between steps.
    """
    n_features, longest = sequences.n_features, int(sequences.lengths.max())
    if n_features < 50 or n_features < 8 * longest:
        return None
    rows = sequences.values[:MOST_SEQUENCES].astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    if not (rows[:, 1:] * rows[:, :-1]).sum() > 0.6 * np.square(rows).sum():
        return None
    before, after = _pairs(rows, sequences)
    if abs((before * after).sum()) > 0.5 * np.square(after).sum():
        return None
    swap = "np.swapaxes(X, 1, 2)" if sequences.is_array else "[x.T for x in X]"
    return (
        f"`X` has {n_features} features but at most {longest} steps, and neighbouring features are "
        "similar, as neighbouring steps usually are. If its axes are swapped, "
        f"(n_features, n_timesteps), pass {swap}."
    )


def _scales(sequences, columns, names):
    """Find large features that are not normalised."""
    if len(columns) == 0:
        return None
    sizes = np.sqrt(np.square(sequences.values[:, columns].astype(np.float64)).mean(axis=0))
    largest = int(sizes.argmax())
    if not sizes[largest] > LARGEST_SCALE:
        return None
    column = columns[largest]
    name = f"feature {column}" if names is None else f"column {str(names[column])!r}"
    if sequences.kind == "2d":
        name = "it"
    return (
        f"`X` is not scaled: the root mean square of {name} is {sizes[largest]:.3g}, which "
        "saturates the network. Set normalize_X=True, or scale X with "
        "sklearn_rnn.preprocessing.SequenceScaler."
    )
