"""What follows a training from its first epoch to its end, and shows it."""

import warnings
from contextlib import suppress

from .._documentation import Documented
from .._estimators.advice import level_of_caller


class Follower(Documented):
    """A base of objects that show a training. They hold settings only, so they can be cloned.

    `_follow` begins to show one training; what it returns has `show(info)`, for each epoch, and
    `close()`.
    """

    def _follow(self, estimator, n_iter):
        raise NotImplementedError


class Following:
    """All that follow one training. If one of them fails, the training goes on without it."""

    def __init__(self, followers, estimator, n_iter):
        self.followers, self.estimator, self.n_iter = followers, estimator, n_iter
        self.shown = {}

    def begin(self):
        """Begin to show the training; packages that are missing are errors."""
        for i, follower in enumerate(self.followers):
            self.shown[i] = follower._follow(self.estimator, self.n_iter)

    def show(self, info):
        for i in list(self.shown):
            self._try(i, "show", info)

    def close(self):
        for i in list(self.shown):
            self._try(i, "close")
        self.shown = {}

    def _try(self, i, method, *args):
        try:
            getattr(self.shown[i], method)(*args)
        except Exception as error:  # a picture is not worth a training
            shown = self.shown.pop(i)
            warnings.warn(
                f"{type(self.followers[i]).__name__} failed and shows nothing more; the training "
                f"continues. {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=level_of_caller(),
            )
            if method == "show":
                with suppress(Exception):  # the warning has told what failed
                    shown.close()


def split_callbacks(callbacks, verbose):
    """Return the functions among callbacks, all followers, and the number `verbose`.

    verbose: the parameter, which may be a follower itself.
    """
    functions = [each for each in callbacks if not isinstance(each, Follower)]
    followers = [each for each in (verbose, *callbacks) if isinstance(each, Follower)]
    return functions, followers, 0 if isinstance(verbose, Follower) else int(verbose)
