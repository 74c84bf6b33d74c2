"""RollingOrigin: splits that train on the past and test on the rows right after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from .._data.groups import read_groups
from .._data.lengths import n_samples_of
from .._rules import either, integer
from .._typing import ArrayLike, Integer, Integers, SequencesLike

_RULES = {
    "horizon": integer(1),
    "step": either(None, integer(1)),
    "gap": integer(0),
    "max_train": either(None, integer(1)),
    "min_train": integer(1),
    "n_splits": either(None, integer(1)),
}


class RollingOrigin(BaseCrossValidator):
    """Cross-validation in time order: each test part follows its training part.

    The rows of the data must be in time order; with `groups`, the rows of each series must be. The
    test part of a split has `horizon` rows, and the training part has the rows before it (Tashman,
    2000). The last split tests the last rows; each earlier split begins `step` rows earlier.

    Parameters
    ----------
    horizon : int
        Number of rows in a test part (of each series).
    step : int or None, default=None
        Number of rows between the beginnings of two test parts; None means `horizon`.
    gap : int, default=0
        Number of rows between the training part and the test part that belong to neither. Windows
        that `sklearn_rnn.preprocessing.make_windows` has cut with ``stride=1`` need a gap of the
        horizon of the windows - 1, because the horizons of that many successive windows overlap.
    max_train : int or None, default=None
        Maximum number of rows in a training part (of each series); the latest rows are kept. None
        means all.
    min_train : int, default=1
        Minimum number of rows in a training part (of each series). Splits with fewer rows are left
        out.
    n_splits : int or None, default=5
        Number of splits. None means as many as the data allow.

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : Splits one series into equal parts.
    sklearn_rnn.forecasting.RNNForecaster : Forecasts one or several series.

    Notes
    -----
    `groups` holds the label of the series of each row; each split then has rows of all series. The
    last rows of all series are assumed to have the same time, and splits are counted from there. A
    series that is too short for a split is left out of it.

    References
    ----------
    .. [1] L. J. Tashman, "Out-of-sample tests of forecasting accuracy: an analysis and review",
       International Journal of Forecasting 16, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.model_selection import RollingOrigin
    >>> for train, test in RollingOrigin(2, n_splits=3).split(np.arange(9)):
    ...     print(train, test)
    [0 1 2] [3 4]
    [0 1 2 3 4] [5 6]
    [0 1 2 3 4 5 6] [7 8]
    """

    # Lets searches and `cross_val_score` pass groups on, as they do for `GroupKFold`.
    __metadata_request__split: ClassVar = {"groups": True}

    # Made by scikit-learn, for metadata routing.
    set_split_request: Callable[..., Self]

    def __init__(
        self,
        horizon: Integer,
        *,
        step: Integer | None = None,
        gap: Integer = 0,
        max_train: Integer | None = None,
        min_train: Integer = 1,
        n_splits: Integer | None = 5,
    ) -> None:
        self.horizon = horizon
        self.step = step
        self.gap = gap
        self.max_train = max_train
        self.min_train = min_train
        self.n_splits = n_splits

    def split(
        self, X: SequencesLike, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Integers, Integers]]:
        """Yield the indices of training and test rows, the earliest split first.

        Parameters
        ----------
        X : array-like, list or frame of n_samples rows
            The data, of which only the number of rows is used.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            The label of the series of each row.

        Yields
        ------
        train, test : ndarray of int of shape (n_train,), (n_test,)
            Indices of the rows of each part, in increasing order.

        Raises
        ------
        ValueError
            If a parameter is invalid, or the data have too few rows.
        """
        series = _series(X, groups)
        for shift in self._shifts(series):
            parts = [part for rows in series if (part := self._cut(rows, shift)) is not None]
            train, test = (np.sort(np.concatenate(each)) for each in zip(*parts, strict=True))
            yield train, test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X : array-like, list or frame of n_samples rows, default=None
            Required if `n_splits` is None.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            The label of the series of each row.

        Returns
        -------
        n_splits : int
            Number of splits.

        Raises
        ------
        ValueError
            If `X` is needed and not given, or as for `split`.
        """
        if X is None:
            self._check()
            if self.n_splits is None:
                raise ValueError("`X` must be given if `n_splits` is None, got None.")
            return self.n_splits
        return len(self._shifts(_series(X, groups)))

    def _check(self):
        for name, rule in _RULES.items():
            rule.check(name, getattr(self, name))

    def _shifts(self, series):
        """Return, for each split, the number of rows after its test part."""
        self._check()
        step = self.horizon if self.step is None else self.step
        longest = max((len(rows) for rows in series), default=0)
        spare = longest - self.horizon - self.gap - self.min_train
        possible = spare // step + 1 if spare >= 0 else 0
        n_splits = possible if self.n_splits is None else self.n_splits
        if possible < max(n_splits, 1):
            wanted = self.horizon + self.gap + self.min_train + (max(n_splits, 1) - 1) * step
            raise ValueError(
                f"`X` must have at least {wanted} rows"
                f"{'' if len(series) == 1 else ' of one series'} for {max(n_splits, 1)} splits; "
                f"got {longest}, enough for {possible}. Reduce `n_splits` (None means as many as "
                "possible), `horizon`, `step`, `gap` or `min_train`."
            )
        return [step * i for i in reversed(range(n_splits))]

    def _cut(self, rows, shift):
        """Return training and test rows of one series, or None if it is too short."""
        end = len(rows) - shift
        first = end - self.horizon
        origin = first - self.gap
        if origin < self.min_train:
            return None
        begin = 0 if self.max_train is None else max(0, origin - self.max_train)
        return rows[begin:origin], rows[first:end]


def _series(X, groups):
    """Return the row numbers of each series, in the order in which the series appear."""
    n_samples = n_samples_of(X)
    if groups is None:
        return [np.arange(n_samples)]
    codes = read_groups(groups, n_samples)
    _, first = np.unique(codes, return_index=True)
    return [np.flatnonzero(codes == code) for code in np.argsort(first)]
