"""ProgressBar: a bar that shows the epochs of a training."""

from __future__ import annotations

from time import perf_counter

from .._typing import Backend
from .bars import bars_of
from .following import Follower

SECONDS = 0.1  # a bar for each epoch would take much of the time of small networks


class ProgressBar(Follower):
    """A progress bar for the epochs of `fit`.

    It shows the epoch, the loss, the score on held-out sequences, and the best score so far (if
    nothing is held out, the lowest loss). The remaining time assumes that all `max_iter`
    epochs take place.

    Pass it as the parameter `verbose` of an estimator, which also works in a `Pipeline`, a search
    or an `RNNForecaster`, or as `callbacks` of `fit`. `partial_fit` shows no bar.

    Parameters
    ----------
    backend : {"auto", "tqdm", "rich"}, default="auto"
        The package that draws the bar. "auto" is tqdm, or rich if only rich is installed.

    See Also
    --------
    LivePlot : Draws the loss while the network trains.
    search_progress : Bars for a search, or other functions that fit several times.

    Notes
    -----
    If the bar fails, training continues, with a warning. The bits of the training do not change.
    tqdm and rich are not installed with this package: ``pip install 'sklearn-rnn[progress]'``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.progress import ProgressBar
    >>> X = np.random.RandomState(0).normal(size=(60, 5, 2))
    >>> rnn = RNNRegressor(8, max_iter=300, verbose=ProgressBar(), random_state=0)
    >>> rnn.fit(X, X.sum(axis=(1, 2)))  # doctest: +SKIP
    RNNRegressor:  45%|█████▊       | 134/300 [00:00<00:00, 2410.18epoch/s, loss 0.01985  best 0.01985 (epoch 134)]
    """  # noqa: E501

    def __init__(self, backend: Backend = "auto") -> None:
        self.backend = backend

    def _follow(self, estimator, n_iter):
        return _Shown(bars_of(self.backend), type(estimator).__name__, n_iter)


class EpochsShown:
    """Shows the last epoch of one training and the best one, by `_tell`, every `SECONDS`."""

    def __init__(self):
        self.best, self.best_epoch = None, 0
        self.next, self.waiting = 0.0, None  # when to show again, and the epoch not yet shown

    def show(self, info):
        loss, score = info["loss"], info.get("validation_score")
        value = loss if score is None else -score
        if self.best is None or value < self.best:
            self.best, self.best_epoch = value, info["epoch"]
        self.waiting = info
        if (now := perf_counter()) >= self.next:
            self.next = now + SECONDS
            self._show_waiting()

    def _show_waiting(self):
        info, self.waiting = self.waiting, None
        if info is None:
            return
        loss, score = info["loss"], info.get("validation_score")
        best = self.best if score is None else -self.best
        facts = [f"loss {loss:.4g}"] + ([] if score is None else [f"validation {score:.4g}"])
        facts.append(f"best {best:.4g} (epoch {self.best_epoch})")
        self._tell(info["epoch"], "  ".join(facts))

    def _tell(self, epoch, text):
        raise NotImplementedError


class _Shown(EpochsShown):
    """The bar of one training."""

    def __init__(self, bars, name, n_iter):
        super().__init__()
        self.bars, self.n_iter = bars, n_iter
        self.bar = bars.add(name, n_iter, "epoch")

    def close(self):
        try:
            self._show_waiting()
        finally:
            self.bars.close()

    def _tell(self, epoch, text):
        self.bars.show(self.bar, epoch, text, self.n_iter)
