"""LivePlot: the loss curve, drawn again and again while the network trains."""

from __future__ import annotations

import sys
import warnings
from io import BytesIO
from time import perf_counter

from .._estimators.advice import level_of_caller
from .._inspection.displays.loss_curve import LossCurveDisplay
from .._inspection.displays.plotting import matplotlib_for
from .._rules import boolean, number
from .._typing import Number
from .following import Follower

SHARE = 4  # training takes so many times as long as drawing, or longer
SHOWN = ("loss", "validation_loss", "validation_score")


class LivePlot(Follower):
    """A picture of the loss that is drawn again and again during `fit`.

    In a notebook, the picture below the cell changes in place. Elsewhere it is a window of
    matplotlib, if matplotlib has an interactive backend; if not, a warning says so, and nothing is
    drawn. The picture is that of `sklearn_rnn.inspection.LossCurveDisplay`.

    Pass it as the parameter `verbose` of an estimator, which also works in a `Pipeline`, or as
    `callbacks` of `fit`. `partial_fit` draws nothing.

    Parameters
    ----------
    every : float, default=0.5
        Minimum number of seconds between two pictures. Where drawing is slow, they are fewer: it
        takes at most a fifth of the time. The last epoch is always drawn.
    log : bool, default=False
        Whether the axis of the losses is logarithmic.

    See Also
    --------
    ProgressBar : A bar for the epochs.
    sklearn_rnn.inspection.LossCurveDisplay : The picture of a training that has ended.

    Notes
    -----
    If drawing fails, training continues, with a warning. The bits of the training do not change.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.progress import LivePlot
    >>> X = np.random.RandomState(0).normal(size=(60, 5, 2))
    >>> rnn = RNNRegressor(8, early_stopping=True, verbose=LivePlot(every=1.0), random_state=0)
    >>> rnn.fit(X, X.sum(axis=(1, 2)))  # doctest: +SKIP
    """

    def __init__(self, every: Number = 0.5, log: bool = False) -> None:
        self.every = every
        self.log = log

    def _follow(self, estimator, n_iter):
        number(0).check("every", self.every)
        boolean.check("log", self.log)
        matplotlib_for("LivePlot")
        canvas = _canvas()
        return _Shown(canvas, float(self.every), bool(self.log))


class _Shown:
    """The picture of one training."""

    def __init__(self, canvas, every, log):
        self.canvas, self.every, self.log = canvas, every, log
        self.history = {name: [] for name in SHOWN}
        self.n_drawn, self.next = 0, 0.0  # epochs drawn, and when to draw again

    def show(self, info):
        for name in SHOWN:
            value = info.get(name)
            self.history[name].append(float("nan") if value is None else value)
        if perf_counter() >= self.next:
            self._draw()

    def close(self):
        if self.n_drawn < len(self.history["loss"]):
            self._draw()

    def _draw(self):
        if self.canvas is None:
            return
        begin = perf_counter()
        self.canvas.figure.clear()
        ax = self.canvas.figure.subplots()
        LossCurveDisplay.from_history(self.history, ax=ax, log=self.log)
        self.canvas.show()
        end = perf_counter()
        self.n_drawn = len(self.history["loss"])
        self.next = end + max(self.every, SHARE * (end - begin))


def _canvas():
    """Return what shows a figure: in a notebook, in a window, or None if nothing can."""
    if _is_notebook():
        return _InNotebook()
    from matplotlib import get_backend, pyplot

    figure = pyplot.figure(layout="constrained")
    if figure.canvas.required_interactive_framework is not None:
        return _InWindow(figure)
    pyplot.close(figure)
    warnings.warn(
        "LivePlot draws nothing: it needs a notebook, or an interactive backend of matplotlib, but "
        f"this one is {get_backend()!r}. Choose another with matplotlib.use, or draw the training "
        "when it has ended, with LossCurveDisplay.from_estimator.",
        UserWarning,
        stacklevel=level_of_caller(),
    )
    return None


def _is_notebook():
    """Tell whether this runs in a kernel of Jupyter, which can show pictures."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and getattr(shell, "kernel", None) is not None


class _InNotebook:
    """A picture below the cell that runs; it needs no backend of matplotlib."""

    def __init__(self):
        from matplotlib.figure import Figure

        self.figure, self.handle = Figure(layout="constrained"), None

    def show(self):
        from IPython.display import Image, display

        picture = BytesIO()
        self.figure.savefig(picture, format="png")
        picture = Image(picture.getvalue(), format="png")
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)


class _InWindow:
    """A window of matplotlib, which stays open."""

    def __init__(self, figure):
        self.figure = figure
        figure.show()

    def show(self):
        self.figure.canvas.draw_idle()
        self.figure.canvas.flush_events()
