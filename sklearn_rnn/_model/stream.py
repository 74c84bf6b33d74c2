"""Sequences that arrive step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._data.arguments import Argument
from .._data.carriers import as_numbers
from .._floating_point import floating_point_ignored
from .._typing import Array, ArrayLike, States
from .states import as_dict, as_rows

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))  # in the byte order of this machine


class Stream:
    """Predict for sequences that arrive step by step; the method `stream` of an estimator makes it.

    A stream has a copy of the weights, and the states of its sequences, which at first are those
    that sequences begin with: zero, unless the network has learned others. Only one thread at a
    time may use it.

    Attributes
    ----------
    n_streams : int
        Number of sequences.
    state : dict of str to ndarray of shape (n_streams, n)
        A copy of the states: ``h_l0``, ``h_l1`` and so on, one per layer; for "lstm" also ``c_l0``
        and so on; for "jordan" only ``y``, the output of the last step. Assign such a dict to
        replace the states.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
    >>> rnn = RNNRegressor(8, max_iter=300, random_state=0).fit(X, X.sum(axis=(1, 2)))
    >>> stream = rnn.stream()
    >>> for x in X[0]:
    ...     y = stream.step(x[np.newaxis])
    >>> bool(y == rnn.predict(X[:1]))
    True
    """

    def __repr__(self):
        return f"<{type(self).__name__} of {self.n_streams} sequences>"

    def __reduce__(self):
        raise TypeError(
            "A stream cannot be copied or pickled: make another one and set its `state`."
        )

    def __init__(self, session, n_features, raw, decode, encode):
        self._session = session
        self._layout = session.state_layout()
        self._shape = (session.n_sequences, n_features)
        self._raw = raw
        self._decode = decode
        self._encode = encode

    @property
    def n_streams(self) -> int:
        return self._shape[0]

    def step(self, x: ArrayLike) -> Any:
        """Take the next step of each sequence, and predict.

        Parameters
        ----------
        x : array-like of shape (n_streams, n_features)
            The features of this step, in the order of the columns of X; names are not compared.
            With one feature, also of shape (n_streams,).

        Returns
        -------
        results : ndarray of shape (n_streams, ...)
            What the estimator's method returns for this step, or with ``mode="many_to_one"`` for
            the sequences up to this step.

        Raises
        ------
        ValueError
            If `x` has another shape or is not finite; the states then stay as they were. Also if
            the results are not finite; then the stream must be reset.
        RuntimeError
            If another thread is using the stream.
        """
        if type(x) is not np.ndarray or x.dtype not in FLOATS or not x.flags.carray:
            x = as_numbers(x, Argument("x"))
            x = np.require(x, np.float32 if x.dtype == np.float32 else np.float64, ["C", "A", "W"])
        if x.shape != self._shape:
            if x.shape != self._shape[:1] or self._shape[1] > 1:
                alone = self._shape[0] == 1 and x.shape == self._shape[1:]
                raise ValueError(
                    f"`x` must have shape {self._shape}, one row of features per stream, got "
                    f"{x.shape}.{' Pass one row as `[x]`.' if alone else ''}"
                )
            x = x[:, np.newaxis]
        if self._encode is not None:
            x = self._encode(x, Argument("x"))
        outputs = self._session.step(x, self._raw)
        return outputs if self._decode is None else self._decode(outputs)

    @property
    def state(self) -> dict[str, Array]:
        return as_dict(self._layout, self._session.state_rows())

    @state.setter
    @floating_point_ignored
    def state(self, state: States) -> None:
        n_streams, dtype = self.n_streams, self._session.dtype
        self._session.set_state_rows(as_rows(self._layout, state, n_streams, dtype, "state"))

    def reset(self, rows: Any = None) -> None:
        """Begin new sequences: set states to zero, or to those that the network has learned.

        Parameters
        ----------
        rows : int, slice or array-like of int or bool, default=None
            The streams that begin a new sequence, as a NumPy index; None means all of them.

        Raises
        ------
        IndexError
            If there are no such streams.
        """
        begin = np.zeros(self.n_streams, dtype=bool)
        begin[slice(None) if rows is None else list(rows) if isinstance(rows, tuple) else rows] = (
            True
        )
        self._session.begin(begin)

    def reorder(self, rows: ArrayLike) -> None:
        """Give stream i the present states of stream ``rows[i]``.

        Parameters
        ----------
        rows : array-like of int of shape (n_streams,)
            A stream may occur more than once.

        Raises
        ------
        ValueError
            If `rows` is not `n_streams` integers from 0 to ``n_streams - 1``.
        """
        try:
            rows = np.asarray(rows)
        except ValueError:  # lists of different lengths
            rows = np.asarray(rows, dtype=object)
        valid = rows.shape == (self.n_streams,) and rows.dtype.kind in "iu"
        if not valid or not ((rows >= 0) & (rows < self.n_streams)).all():
            raise ValueError(
                f"`rows` must be {self.n_streams} integers from 0 to {self.n_streams - 1}, "
                f"got {rows!r}."
            )
        self._session.set_state_rows(self._session.state_rows()[rows])
