"""Distances between sequences of unequal length, and error rates."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, pairwise

import numpy as np

from .._data import arguments
from .._data.carriers import is_array, length_of
from .._data.items import as_list
from .._data.packed import Packed, offsets_of
from .._data.values import is_missing
from .._data.weights import read_weights, relative
from .._docstrings import with_parts
from .._floating_point import floating_point_ignored
from .._rules import boolean
from .._typing import ArrayLike, Integers, Targets

_CHUNK = 1 << 20  # numbers in a row of distances of all pairs that are computed together

_described = with_parts(
    {
        "sequences": """
y_true : array-like of str, or of sequences of labels, of shape (n_samples,)
    True sequences, of any length, also 0. A str is a sequence of characters. With
    ``alternatives=True`` a list of such sequences for each sample.
y_pred : array-like of str, or of sequences of labels, of shape (n_samples,)
    Predicted sequences, as `predict` of a `Seq2SeqClassifier` returns them.
alternatives : bool, default=False
    If True, `y_true` has a list of sequences for each sample, all of which are right: the nearest
    one to the prediction counts, or the first of those at the same distance.
""",
        "sample_weight": """
sample_weight : array-like of shape (n_samples,), default=None
    Weight of each sequence.
""",
        "errors": """
ValueError, TypeError
    If the arguments are not sequences of labels, or not equally many.
""",
    }
)


@_described
def edit_distance(y_true: Targets, y_pred: Targets, *, alternatives: bool = False) -> Integers:
    """Count the labels to insert, delete or replace to turn one sequence into another.

    This is the distance of Levenshtein [1]_, computed for all pairs together.

    Parameters
    ----------
    {sequences}

    Returns
    -------
    distances : ndarray of int of shape (n_samples,)
        Smallest number of insertions, deletions and replacements for each pair.

    Raises
    ------
    {errors}

    See Also
    --------
    token_error_rate : The distance divided by the number of true labels.
    sequence_error_rate : The fraction of sequences with an error.

    References
    ----------
    .. [1] V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions, and
       reversals", Soviet Physics Doklady 10 (1966), 707-710.

    Examples
    --------
    >>> from sklearn_rnn.metrics import edit_distance
    >>> edit_distance(["kitten", "cat"], ["sitting", "cat"])
    array([3, 0])
    """
    return _nearest(y_true, y_pred, alternatives)[0]


@_described
@floating_point_ignored
def token_error_rate(
    y_true: Targets,
    y_pred: Targets,
    *,
    alternatives: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the edit distance per true label: the error rate of words, phones or characters.

    Parameters
    ----------
    {sequences}
    {sample_weight}

    Returns
    -------
    rate : float
        Sum of the edit distances, divided by the number of labels in `y_true`. The lower, the
        better; it can be above 1.

    Raises
    ------
    {errors}
        Also if `y_true` has no label.

    See Also
    --------
    edit_distance : The distance of each pair.
    sequence_error_rate : The fraction of sequences with an error.

    Examples
    --------
    >>> from sklearn_rnn.metrics import token_error_rate
    >>> token_error_rate([["K", "AE", "T"], ["D", "AO", "G"]], [["K", "T"], ["D", "AO", "G"]])
    0.16666666666666666
    """
    distances, lengths, sequences = _nearest(y_true, y_pred, alternatives)
    weights = read_weights(sample_weight, sequences, per_step=False)
    weights = np.ones(len(lengths)) if weights is None else relative(weights)
    if not np.any(weights * lengths > 0):
        raise ValueError("`y_true` must have at least one label, but all sequences are empty.")
    return float(weights @ distances / (weights @ lengths))


@_described
@floating_point_ignored
def sequence_error_rate(
    y_true: Targets,
    y_pred: Targets,
    *,
    alternatives: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute the fraction of sequences that are not predicted exactly.

    Parameters
    ----------
    {sequences}
    {sample_weight}

    Returns
    -------
    rate : float
        From 0 to 1; the lower, the better.

    Raises
    ------
    {errors}

    See Also
    --------
    token_error_rate : Counts errors within sequences.

    Examples
    --------
    >>> from sklearn_rnn.metrics import sequence_error_rate
    >>> right = [["tomayto", "tomahto"], ["potayto", "potahto"]]
    >>> sequence_error_rate(right, ["tomahto", "potato"], alternatives=True)
    0.5
    """
    truths, offsets, predicted = _read(y_true, y_pred, alternatives)
    weights = read_weights(sample_weight, Packed(truths, offsets), per_step=False)
    right = [
        own in truths[start:stop]
        for own, (start, stop) in zip(predicted, pairwise(offsets), strict=True)
    ]
    weights = None if weights is None else relative(weights)
    return float(np.average(np.logical_not(right), weights=weights))


def _nearest(y_true, y_pred, alternatives):
    """Return distances and lengths (n_samples,) of the nearest true sequences, and all distances.

    These are Packed, with one sequence for each sample.
    """
    truths, offsets, predicted = _read(y_true, y_pred, alternatives)
    repeated = chain.from_iterable(
        [own] * n for own, n in zip(predicted, np.diff(offsets).tolist(), strict=True)
    )
    distances = distances_of(*_numbered(truths, list(repeated)))
    nearest = [start + np.argmin(distances[start:stop]) for start, stop in pairwise(offsets)]
    lengths = np.array([len(truths[i]) for i in nearest])
    return distances[nearest], lengths, Packed(distances, offsets)


def distances_of(a, b):
    """Return the edit distances (n_pairs,) of sequences of integers, both Packed."""
    distances = np.zeros(a.n_samples, dtype=np.intp)
    order = np.lexsort((b.lengths, a.lengths))[::-1]
    start = 0
    while start < len(order):
        size = max(1, _CHUNK // (1 + int(b.lengths[order[start:]].max())))
        chunk = order[start : start + size]
        distances[chunk] = _distances(a.take(chunk), b.take(chunk))
        start += size
    return distances


def _distances(a, b):
    """Return the edit distances of a few pairs, in which the longest of `a` come first.

    With D(i, j) the distance of the first i labels of a from the first j of b (Wagner and Fischer,
    1974), the rows E(i, j) = D(i, j) - j are computed for all pairs together:
    E(i, j) = min over k <= j of E'(i, k), where E'(i, 0) = i and otherwise
    E'(i, j) = min(E(i - 1, j - 1) - [a_i = b_j], E(i - 1, j) + 1).
    """
    n_pairs, lengths = a.n_samples, b.lengths
    A, B = _padded(a, -1), _padded(b, -2)
    n_left = np.bincount(a.lengths, minlength=A.shape[1] + 1)[::-1].cumsum()[::-1]  # of length >= i
    row = np.zeros((n_pairs, B.shape[1] + 1), dtype=np.int32)
    result = row[np.arange(n_pairs), lengths]
    for i in range(1, A.shape[1] + 1):
        n = n_left[i]
        before, row = row[:n], np.empty((n, row.shape[1]), dtype=np.int32)
        row[:, 0] = i
        same = B[:n] == A[:n, i - 1 : i]
        np.minimum(before[:, :-1] - same, before[:, 1:] + 1, out=row[:, 1:])
        np.minimum.accumulate(row, axis=1, out=row)
        ending = np.arange(n_left[i + 1] if i < A.shape[1] else 0, n)
        result[ending] = row[ending, lengths[ending]]
    return result + lengths


def _padded(packed, filler):
    """Return sequences as an array (n_samples, longest)."""
    lengths = packed.lengths
    array = np.full((len(lengths), lengths.max()), filler, dtype=np.int32)
    array[np.arange(array.shape[1]) < lengths[:, np.newaxis]] = packed.values
    return array


# ---- reading ------------------------------------------------------------------------------------


def _read(y_true, y_pred, alternatives):
    """Return a list of true sequences, the offsets of those of each sample, and the predicted."""
    boolean.check("alternatives", alternatives)
    given = _items(y_true, arguments.Y_TRUE)
    counts = [1] * len(given)
    if alternatives:
        argument = arguments.Y_TRUE
        for i, item in enumerate(given):
            if isinstance(item, str) or not length_of(item):
                raise ValueError(
                    f"`{argument}` must hold lists of sequences, none of them empty, with "
                    f"alternatives=True, but `{argument.item(i)}` is {item!r}."
                )
        given = [as_list(item) for item in given]
        counts = list(map(len, given))
        given = list(chain.from_iterable(given))
    truths = _sequences(given, arguments.Y_TRUE)
    predicted = _sequences(_items(y_pred, arguments.Y_PRED), arguments.Y_PRED)
    if len(predicted) != len(counts):
        raise ValueError(
            f"`y_pred` must have one sequence for each of the {len(counts)} samples of `y_true`, "
            f"got {len(predicted)}."
        )
    _check_types(truths, predicted)
    return truths, offsets_of(counts), predicted


def _items(y, argument):
    if isinstance(y, str) or not (isinstance(y, (list, tuple)) or is_array(y)):
        hint = f": give [{argument}]" if isinstance(y, str) else ""
        raise TypeError(
            f"`{argument}` must be a list or array of sequences, got {type(y).__name__}{hint}."
        )
    items = as_list(y)
    if not items:
        raise ValueError(f"`{argument}` must hold at least one sequence, but is empty.")
    return items


def _sequences(items, argument):
    """Return each item, a str or a sequence of labels, as a list of labels."""
    sequences = []
    for i, item in enumerate(items):
        if not (isinstance(item, (str, list, tuple)) or is_array(item)):
            raise ValueError(
                f"`{argument}` must hold sequences of labels, but `{argument.item(i)}` is {item!r}."
            )
        sequences.append(list(item) if isinstance(item, str) else as_list(item))
    kinds = set(map(type, chain.from_iterable(sequences)))
    if not all(issubclass(kind, (str, int, np.integer)) for kind in kinds):
        _check_labels(sequences, argument)
    return sequences


def _check_labels(sequences, argument):
    """Refuse labels that are missing or sequences."""
    for i, sequence in enumerate(sequences):
        for j, label in enumerate(sequence):
            if is_missing(label) or length_of(label) is not None or type(label).__hash__ is None:
                raise ValueError(
                    f"`{argument}` must hold sequences of labels, but `{argument.item(i)}[{j}]` is "
                    f"{label!r}."
                )


def _check_types(truths, predicted):
    """Refuse to compare strings with numbers."""
    of_text = [
        {isinstance(label, str) for label in chain.from_iterable(sequences)}
        for sequences in (truths, predicted)
    ]
    if len(of_text[0] | of_text[1]) > 1:
        raise ValueError(
            "`y_true` and `y_pred` must hold labels of one type, but some are strings and some are "
            "not."
        )


def _numbered(*groups):
    """Return lists of sequences of labels as Packed integers, equal for equal labels."""
    known = defaultdict()
    known.default_factory = known.__len__
    result = []
    for sequences in groups:
        labels = list(chain.from_iterable(sequences))
        numbers = np.fromiter(map(known.__getitem__, labels), np.int32, len(labels))
        result.append(Packed(numbers, offsets_of(list(map(len, sequences)))))
    return result
