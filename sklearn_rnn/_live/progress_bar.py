"""ProgressBar: a bar that shows the epochs of a training."""

from __future__ import annotations

from .._typing import Backend
from .bars import bars_of
from .following import Follower


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


class _Shown:
    """The bar of one training."""

    def __init__(self, bars, name, n_iter):
        self.bars, self.n_iter, self.best = bars, n_iter, Best()
        self.bar = bars.add(name, n_iter, "epoch")

    def show(self, info):
        text = self.best.told(info)
        self.bars.show(self.bar, info["epoch"], text, self.n_iter)

    def close(self):
        self.bars.close()


class Best:
    """The best epoch so far."""

    def __init__(self):
        self.value, self.epoch = None, 0

    def told(self, info):
        """Return the facts of an epoch and the best one as text."""
        loss, score = info["loss"], info.get("validation_score")
        value = loss if score is None else score
        is_better = self.value is None or (
            value < self.value if score is None else value > self.value
        )
        if is_better:
            self.value, self.epoch = value, info["epoch"]
        facts = [f"loss {loss:.4g}"] + ([] if score is None else [f"validation {score:.4g}"])
        return "  ".join([*facts, f"best {self.value:.4g} (epoch {self.epoch})"])
