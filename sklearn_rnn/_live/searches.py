"""search_progress: how far a search is, and the fits that run."""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid, check_cv

from .._estimators.base import _RNNBase
from .._rules import either, integer, shown
from .._typing import Backend, Integer
from .bars import bars_of
from .following import Follower
from .progress_bar import SECONDS, EpochsShown


@contextmanager
def search_progress(
    estimator: BaseEstimator, *, n_fits: Integer | None = None, backend: Backend = "auto"
) -> Iterator[None]:
    """Show bars while a search, or another function that fits several times, runs.

    The first bar counts the fits that have ended. Below it, each fit that runs has a bar with its
    epochs, loss, score on held-out sequences and best value so far. With ``n_jobs=2`` these are two
    bars: worker processes on this machine report as well.

    Parameters
    ----------
    estimator : estimator
        The search, or what is passed to `cross_val_score` etc.: anything with networks of this
        package among its parameters, such as a `Pipeline`. In the ``with`` block, `verbose` of
        these networks is replaced; at its end, it is as before.
    n_fits : int or None, default=None
        How many times networks are fitted. None means that `GridSearchCV` and `RandomizedSearchCV`
        are asked: candidates times folds, and one more to refit. For other estimators the number is
        not known, and the bar only counts.
    backend : {"auto", "tqdm", "rich"}, default="auto"
        The library that draws the bars, as in `ProgressBar`.

    Yields
    ------
    None
        Nothing: use ``with search_progress(search):``, without ``as``.

    Raises
    ------
    ValueError
        If `estimator` holds no network of this package, or an argument is invalid.
    ImportError
        If neither tqdm nor rich is installed.

    See Also
    --------
    ProgressBar : The bar of a single fit.
    LivePlot : A picture of the losses of a single fit.

    Notes
    -----
    A fit is a call of `fit` of a network. Networks among the values of the grid, or that a function
    makes itself, do not report. The fits write to a temporary file, so fits on other machines do
    not report either. Estimators that `cross_validate` returns keep a value of `verbose` that
    prints nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.progress import search_progress
    >>> X = np.random.RandomState(0).normal(size=(600, 50, 2))
    >>> rnn = RNNRegressor(8, max_iter=100, tol=0, random_state=0)
    >>> search = GridSearchCV(rnn, {"cell": ["gru", "lstm"]}, cv=3, n_jobs=2)
    >>> with search_progress(search):  # doctest: +SKIP
    ...     search.fit(X, X.sum(axis=(1, 2)))
    fits:  57%|█████████████████████████████████▏                        | 4/7 [00:22<00:03,  1.13s/fit, 2 running]
    fit 5, RNNRegressor:  43%|█████▏      | 43/100 [00:01<00:02, 28.15epoch/s, loss 0.7908  best 0.7908 (epoch 43)]
    fit 6, RNNRegressor:  12%|█▋            | 12/100 [00:00<00:02, 37.63epoch/s, loss 5.841  best 5.841 (epoch 12)]
    """  # noqa: E501
    either(None, integer(1)).check("n_fits", n_fits)
    networks = _networks_in(estimator)
    if not networks:
        raise ValueError(f"`estimator` must hold a network of sklearn_rnn, got {shown(estimator)}.")
    if n_fits is None:
        n_fits = _n_fits_of(estimator)
        n_fits = None if n_fits is None else n_fits * len(networks)
    bars = bars_of(backend)
    with TemporaryDirectory() as folder:
        file = os.path.join(folder, "progress")
        Path(file).touch()
        watcher = _Watcher(file, bars, n_fits)
        for network in networks:
            network.verbose = _Reporter(file, network.verbose)
        watcher.start()
        try:
            yield
        finally:
            best = getattr(estimator, "best_estimator_", None)
            for network in [*networks, *_networks_in(best)]:
                if isinstance(network.verbose, _Reporter):
                    network.verbose = network.verbose.instead_of
            watcher.stop()


def _networks_in(estimator):
    """List the networks among the parameters of an estimator, perhaps itself."""
    nested = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    networks = [each for each in (estimator, *nested) if isinstance(each, _RNNBase)]
    return list({id(each): each for each in networks}.values())


def _n_fits_of(search):
    """Return how many times a search fits its estimator, or None."""
    n_candidates, cv = _n_candidates(search), getattr(search, "cv", None)
    if n_candidates is None:
        return None
    if cv is None or isinstance(cv, int):
        n_splits = check_cv(cv).get_n_splits()
    elif hasattr(cv, "get_n_splits"):
        try:
            n_splits = cv.get_n_splits()
        except (TypeError, ValueError):  # it needs the data
            return None
    else:
        n_splits = len(cv) if hasattr(cv, "__len__") else None
    return None if n_splits is None else n_candidates * n_splits + bool(search.refit)


def _n_candidates(search):
    if hasattr(search, "factor"):  # halving
        return None
    if hasattr(search, "param_grid"):
        return len(ParameterGrid(search.param_grid))
    if not hasattr(search, "param_distributions"):
        return None
    try:
        return min(search.n_iter, len(ParameterGrid(search.param_distributions)))
    except TypeError:  # some are distributions
        return search.n_iter


class _Reporter(Follower):
    """Stands for `verbose` of a network, and writes its progress to a file.

    It does nothing if the file is no longer there.
    """

    def __init__(self, file, instead_of=0):
        self.file = file
        self.instead_of = instead_of

    def _follow(self, estimator, n_iter):
        return _Reported(self.file, type(estimator).__name__, n_iter)


class _Reported(EpochsShown):
    """The messages of one fit: a line of JSON each."""

    def __init__(self, file, name, n_iter):
        super().__init__()
        self.file, self.fit = file, uuid4().hex
        self._write(begins=name, n_iter=n_iter)

    def close(self):
        self._write(ends=True)

    def _tell(self, epoch, text):
        self._write(done=epoch, text=text)

    def _write(self, **facts):
        line = json.dumps({"fit": self.fit, **facts}) + "\n"
        with suppress(FileNotFoundError):
            file = os.open(self.file, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(file, line.encode())  # in one piece: other processes write, too
            finally:
                os.close(file)


class _Watcher(threading.Thread):
    """Reads the messages of all fits, and moves the bars."""

    def __init__(self, file, bars, n_fits):
        super().__init__(daemon=True)
        self.file, self.bars, self.n_fits = file, bars, n_fits
        self.ended = threading.Event()
        self.n_begun = self.n_ended = self.n_read = 0
        self.rest, self.has_failed = b"", False
        self.running = {}  # the bar and the number of epochs of each fit
        self.all = bars.add("fits", n_fits, "fit")

    def run(self):
        while not self.ended.wait(SECONDS):
            self._try(self.look)

    def stop(self):
        self.ended.set()
        self.join()
        self._try(self.look)
        self._try(self.bars.close)

    def _try(self, function):
        """Call a function; if it fails, the bars stop, and the search goes on without them."""
        if self.has_failed:
            return
        try:
            function()
        except Exception as error:
            self.has_failed = True
            with suppress(Exception):
                self.bars.close()
            warnings.warn(
                "search_progress failed and shows nothing more; the search continues. "
                f"{type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )

    def look(self):
        """Read what is new."""
        with open(self.file, "rb") as file:
            file.seek(self.n_read)
            new = file.read()
        if not new:
            return
        self.n_read += len(new)
        *lines, self.rest = (self.rest + new).split(b"\n")
        for line in lines:
            self._take(**json.loads(line))
        if self.n_fits is not None and self.n_begun > self.n_fits:
            self.n_fits = None  # something fits more often than was known
        self.bars.show(self.all, self.n_ended, f"{len(self.running)} running", self.n_fits)

    def _take(self, fit, begins=None, n_iter=None, done=None, text="", ends=False):
        if begins is not None:
            self.n_begun += 1
            bar = self.bars.add(f"fit {self.n_begun}, {begins}", n_iter, "epoch", keep=False)
            self.running[fit] = bar, n_iter
        elif ends:
            bar, _ = self.running.pop(fit)
            self.n_ended += 1
            self.bars.end(bar)
        else:
            bar, n_iter = self.running[fit]
            self.bars.show(bar, done, text, n_iter)
