"""SequenceKFold: folds with about the same number of steps, and of each label."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from .._data import arguments
from .._data.arguments import naming
from .._data.carriers import as_labels, length_of
from .._data.groups import read_groups
from .._data.lengths import lengths_of
from .._data.packed import Sequences, offsets_of
from .._data.steps import raw_steps
from .._data.values import missing_in
from .._rules import boolean, either, integer, one_of
from .._typing import ArrayLike, Integer, Integers, RandomState, SequencesLike

_RULES = {
    "n_splits": integer(2),
    "shuffle": boolean,
    "balance": one_of(("steps", "sequences")),
    "stratify": either(None, one_of(("tags", "classes"))),
}


class SequenceKFold(BaseCrossValidator):
    """K-fold cross-validation of sequences of any length, with folds of about equal size.

    `sklearn.model_selection.KFold` makes folds with the same number of sequences, but the numbers
    of steps may differ widely. Here the folds have about the same number of steps, and with
    `stratify` also about the same number of each label. With `groups`, a group is never divided.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    shuffle : bool, default=False
        Whether sequences (or groups) of similar size are assigned to folds in random order.
    random_state : int, RandomState instance or None, default=None
        Seed of `shuffle`; must be None if `shuffle` is False.
    balance : {"steps", "sequences"}, default="steps"
        What to balance: the number of steps or the number of sequences of the folds.
    stratify : {"tags", "classes"} or None, default=None
        The kind of labels in `y`, which get about the same share in all folds. "tags" means one
        label per step, "classes" one label per sequence; None ignores `y`. A step or sequence may
        also have several labels, one per column.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : Does the same for one class per sequence, and
        counts sequences instead of steps.
    RollingOrigin : Splits in time order.

    Notes
    -----
    Each sequence (or group) has a vector of counts: its size, and the number of its steps with each
    tag, or of its sequences of each class. Each count is divided by its total over all sequences.
    Sequences are assigned to folds by decreasing Euclidean norm of this vector, so that long
    sequences and those with rare labels come first (Sechidis et al., 2011). Each goes to the fold
    whose sum of vectors has the smallest dot product with its own; ties go to the first fold. This
    choice increases the sum of the squared counts of all folds least. Without labels, each sequence
    goes to the fold with the fewest steps, the longest first. With `shuffle`, norms are rounded
    down to powers of 2, and sequences with equal norms are in random order.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.model_selection import SequenceKFold
    >>> X = [np.zeros((n_steps, 2)) for n_steps in (9, 7, 6, 5, 4, 3, 2)]
    >>> for train, test in SequenceKFold(3).split(X):
    ...     print(test, sum(len(X[i]) for i in test))
    [0 5] 12
    [1 4 6] 13
    [2 3] 11
    """

    # Lets searches and `cross_val_score` pass groups on, as they do for `GroupKFold`.
    __metadata_request__split: ClassVar = {"groups": True}

    # Made by scikit-learn, for metadata routing.
    set_split_request: Callable[..., Self]

    def __init__(
        self,
        n_splits: Integer = 5,
        *,
        shuffle: bool = False,
        random_state: RandomState = None,
        balance: Literal["steps", "sequences"] = "steps",
        stratify: Literal["tags", "classes"] | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state
        self.balance = balance
        self.stratify = stratify

    def split(
        self, X: SequencesLike, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Integers, Integers]]:
        """Yield the indices of training and test sequences.

        Parameters
        ----------
        X : sequences
            Sequences in any form that the estimators take. Only their lengths are read.
        y : array-like, default=None
            With ``stratify="tags"`` one label per step, with "classes" one per sequence, in any
            form that the estimators take. Missing labels are ignored.
        groups : array-like of shape (n_samples,), default=None
            The group of each sequence.

        Yields
        ------
        train, test : ndarray of int of shape (n_train,), (n_test,)
            Indices of the sequences of each part, in increasing order.

        Raises
        ------
        ValueError
            If a parameter or an argument is invalid, or if there are fewer sequences or groups than
            folds.
        """
        folds = self._folds(X, y, groups)
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X : object, default=None
            Ignored.
        y : object, default=None
            Ignored.
        groups : object, default=None
            Ignored.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        return self.n_splits

    def _folds(self, X, y, groups):
        """Return the fold of each sequence (n_samples,)."""
        for name, rule in _RULES.items():
            rule.check(name, getattr(self, name))
        if not self.shuffle and self.random_state is not None:
            raise ValueError(
                "`random_state` must be None with shuffle=False, where it has no effect; got "
                f"{self.random_state!r}. Set shuffle=True."
            )
        lengths = lengths_of(X)
        # An empty text counts as one step, so that no fold stays empty.
        sizes = np.maximum(lengths, 1) if self.balance == "steps" else np.ones(len(lengths))
        amounts = [sizes[:, np.newaxis]]
        if self.stratify is not None:
            amounts.append(_amounts_of_labels(y, lengths, self.stratify))
        amounts = np.hstack(amounts).astype(np.float64)
        units = np.arange(len(lengths))
        if groups is not None:
            units = read_groups(groups, len(lengths))
            amounts = _sums(amounts, units)
        if len(amounts) < self.n_splits:
            what = "sequences in `X`" if groups is None else "groups in `groups`"
            raise ValueError(
                f"`n_splits` must be at most the number of {what}, {len(amounts)}; got "
                f"{self.n_splits}."
            )
        return _deal_out(amounts, self.n_splits, self._order)[units]

    def _order(self, norms):
        """Return the order in which units with these norms are assigned to folds."""
        if not self.shuffle:
            return np.argsort(-norms, kind="stable")
        with naming("random_state"):
            order = check_random_state(self.random_state).permutation(len(norms))
        return order[np.argsort(-np.floor(np.log2(norms[order])), kind="stable")]


def _deal_out(amounts, n_folds, order_of):
    """Return the fold (n,) of units with these counts (n, k), see `SequenceKFold`.

    The first column of counts is positive, so no fold stays empty.
    """
    shares = amounts / amounts.sum(axis=0)
    folds, filled = np.empty(len(shares), dtype=np.intp), np.zeros((n_folds, shares.shape[1]))
    for i in order_of(np.sqrt((shares**2).sum(axis=1))):
        folds[i] = fold = (filled * shares[i]).sum(axis=1).argmin()
        filled[fold] += shares[i]
    return folds


def _sums(amounts, units):
    """Return the sums of the rows (n, k) of each unit."""
    sums = np.zeros((int(units.max()) + 1, amounts.shape[1]))
    np.add.at(sums, units, amounts)
    return sums


def _amounts_of_labels(y, lengths, stratify):
    """Return how many steps with each tag, or sequences of each class, a sequence has (n, k)."""
    if y is None:
        raise ValueError(f"`y` must be given with stratify={stratify!r}, got None.")
    labels, of_row = (_tags if stratify == "tags" else _classes)(y, lengths)
    missing = missing_in(labels) if labels.dtype.kind == "O" else labels != labels
    known = ~missing.reshape(len(labels), -1).any(axis=1)
    if not known.any():
        raise ValueError("`y` must have at least one label to stratify by, got none.")
    columns = labels[known].reshape(known.sum(), -1).T
    return np.hstack([_counts(column, of_row[known], len(lengths)) for column in columns])


def _tags(y, lengths):
    """Return the labels of all steps (n_steps[, k]), and the sequence of each step."""
    offsets = offsets_of(lengths)
    of_X = Sequences(np.empty((offsets[-1], 0)), offsets, "ragged")
    labels = raw_steps(y, of_X, arguments.Y).values
    return labels, np.repeat(np.arange(len(lengths)), lengths)


def _classes(y, lengths):
    """Return the labels of all sequences (n_samples[, k]), and their numbers."""
    labels = as_labels(y, arguments.Y)
    is_ragged = labels.ndim == 1 and length_of(labels[0]) is not None
    if labels.ndim not in (1, 2) or len(labels) != len(lengths) or is_ragged:
        raise ValueError(
            f"`y` must have one label for each of the {len(lengths)} sequences with "
            f"stratify='classes', got shape {labels.shape}. For one label per step, set "
            "stratify='tags'."
        )
    return labels, np.arange(len(lengths))


def _counts(labels, of_row, n_samples):
    """Count each label of one column (n_rows,) by sequence: (n_samples, n_labels)."""
    if labels.dtype.kind == "f" and not (labels == np.floor(labels)).all():
        raise ValueError(
            "`y` must hold labels to stratify by, got numbers that are not integers: set "
            "stratify=None."
        )
    try:
        values, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"`y` must hold labels of one type: {error}.") from error
    places = of_row * len(values) + codes
    return np.bincount(places, minlength=n_samples * len(values)).reshape(n_samples, -1)
