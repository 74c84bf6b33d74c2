"""Observers of each epoch: the terminal, the callbacks of `fit`, and scikit-learn's callbacks."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from .._floating_point import floating_point_of_caller
from .._live.bars import TqdmBars
from .._live.following import Follower, Following, split_callbacks
from .._typing import Decorated

if TYPE_CHECKING:

    class CallbackSupportMixin:
        def set_callbacks(self, *callbacks: Any) -> Self: ...

    def with_callbacks(method: Decorated) -> Decorated: ...

else:
    try:  # since scikit-learn 1.9, experimental: nothing outside this file depends on it
        from sklearn.callback import CallbackSupportMixin, with_callbacks
    except ImportError:

        class CallbackSupportMixin:
            """Replacement for scikit-learn versions without callbacks."""

        def with_callbacks(method):
            """Return the method unchanged: there are no callbacks to tear down."""
            return method


class Observers:
    """All observers of the epochs of one fit.

    facts: X, y and metadata for scikit-learn's callbacks; with None these are not called.
    show(): makes the estimator ready to predict, before an observer sees it.
    """

    def __init__(self, estimator, max_iter, callbacks, facts, show):
        self.estimator, self.show = estimator, show
        self.callbacks, followers, verbose = split_callbacks(callbacks, estimator.verbose)
        self.terminal = Terminal(verbose, max_iter)
        # `partial_fit`, which has no facts, is one epoch.
        self.following = Following([] if facts is None else followers, estimator, max_iter)
        self.tasks = SklearnTasks(estimator, max_iter, facts)

    def begin(self):
        with floating_point_of_caller():
            self.following.begin()
            self.tasks.begin()

    def begin_epoch(self):
        with floating_point_of_caller():
            self.tasks.begin_epoch()

    def end_epoch(self, info):
        """Tell all observers; return whether one of them wants to stop."""
        self.terminal.end_epoch(info)
        if self.callbacks or self.tasks.root is not None:
            self.show()
        with floating_point_of_caller():
            self.following.show(info)
            stop = self.tasks.end_epoch()
            for callback in self.callbacks:
                stop = bool(callback(self.estimator, dict(info))) or stop
        return stop

    def end(self, message):
        self.terminal.say(message)
        with floating_point_of_caller():
            self.tasks.end()

    def close(self):
        """Close bars and pictures; what is closed already stays so."""
        self.terminal.close()
        with floating_point_of_caller():
            self.following.close()


def as_callbacks(callbacks):
    """List the `callbacks` of `fit`: None, one callable or follower, or a list of them."""
    if callbacks is None:
        return []
    callbacks = [callbacks] if _is_callback(callbacks) else callbacks
    if not isinstance(callbacks, (list, tuple)) or not all(map(_is_callback, callbacks)):
        raise TypeError(
            "`callbacks` must be a callable, an object of `sklearn_rnn.progress`, or a list of "
            f"those; got {callbacks!r}."
        )
    return list(callbacks)


def _is_callback(value):
    return isinstance(value, Follower) or callable(value)


class SklearnTasks:
    """A fit and its epochs as tasks of `sklearn.callback`; unused without `set_callbacks`."""

    def __init__(self, estimator, max_iter, facts):
        self.root = self.epoch = None
        if facts is not None and getattr(estimator, "_skl_callbacks", None):
            self.facts = {"estimator": estimator, **facts}
            self.root = estimator._init_callback_context(max_subtasks=max_iter)

    def begin(self):
        if self.root is not None:
            self.root.call_on_fit_task_begin(**self.facts)

    def begin_epoch(self):
        if self.root is not None:
            self.epoch = self.root.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.facts)

    def end_epoch(self):
        # The estimator itself is ready to predict, so its copy needs no further attributes.
        return self.root is not None and self.epoch.call_on_fit_task_end(
            **self.facts, reconstruction_attributes={}
        )

    def end(self):
        if self.root is not None:
            self.root.call_on_fit_task_end(**self.facts, reconstruction_attributes={})


class Terminal:
    """Prints a line per epoch (`verbose=1`), or moves a progress bar (2, if tqdm is there)."""

    def __init__(self, verbose, max_iter):
        self.verbose, self.bar = verbose, None
        if verbose >= 2:
            with suppress(ImportError):
                self.bars = TqdmBars()
                self.bar = self.bars.add(None, max_iter, "epoch")

    def end_epoch(self, info):
        if self.bar is not None:
            self.bars.show(self.bar, self.bar.n + 1, "  ".join(_facts(info)), self.bar.total)
        elif self.verbose:
            width = len(str(info["max_iter"]))
            epoch = f"epoch {info['epoch']:{width}}/{info['max_iter']}"
            speed = f"{info['steps_per_second']:.3g} steps/s"
            print(*[epoch, *_facts(info), f"{info['seconds']:.2f} s", speed], sep="  ")

    def say(self, message):
        if self.verbose and message:
            print(message)

    def close(self):
        if self.bar is not None:
            self.bars.close()


def _facts(info):
    score, rate, length = (
        info[name] for name in ("validation_score", "learning_rate", "window_length")
    )
    return [
        f"loss {info['loss']:.5g}",
        *([] if score is None else [f"validation {score:.4f}"]),
        *([] if rate is None else [f"rate {rate:.3g}"]),
        *([] if length is None else [f"window {length}"]),
    ]
