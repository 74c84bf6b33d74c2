"""Pickles that tell which version wrote them, so that another version can read or refuse them."""

import warnings

from sklearn.exceptions import InconsistentVersionWarning

from ._floating_point import floating_point_ignored
from ._version import __version__


class InconsistentStateWarning(InconsistentVersionWarning):
    """An unpickled estimator was pickled by another version of sklearn_rnn."""

    def __init__(self, estimator_name, version, advice):
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=__version__,
            original_sklearn_version=version,
        )
        self.advice = advice

    def __str__(self):
        return (
            f"{self.estimator_name} was pickled by sklearn_rnn {self.original_sklearn_version} and "
            f"unpickled by {self.current_sklearn_version}, where it may behave differently. "
            f"{self.advice}."
        )


class Pickled:
    """A base of estimators whose pickles hold the version and the format of their state."""

    _STATE_FORMAT: int  # the format of this version, which reads all formats up to it
    _ADVICE = "Fit it again"  # for states of other versions

    def _upgraded(self, state, state_format):
        """Check a state of some format, and return it in the format of this version."""
        return state

    def __getstate__(self):
        versions = {"_sklearn_rnn_version": __version__, "_state_format": self._STATE_FORMAT}
        return {**super().__getstate__(), **versions}

    @floating_point_ignored
    def __setstate__(self, state):
        state, name = dict(state), type(self).__name__
        version = state.pop("_sklearn_rnn_version", "an unknown version")
        state_format = state.pop("_state_format", self._STATE_FORMAT)
        if not isinstance(state_format, int) or state_format > self._STATE_FORMAT:
            raise ValueError(
                f"{name} was pickled by sklearn_rnn {version} in state format {state_format}; "
                f"{__version__} reads formats up to {self._STATE_FORMAT}: upgrade sklearn_rnn."
            )
        state = self._upgraded(state, state_format)
        if version != __version__:
            warnings.warn(InconsistentStateWarning(name, version, self._ADVICE), stacklevel=3)
        super().__setstate__(state)
