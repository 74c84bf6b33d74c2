"""The method `stream` of estimators whose networks go on step by step."""

from __future__ import annotations

from typing import Literal

from .._floating_point import floating_point_ignored
from .._model.stream import Stream
from .._rules import integer, one_of
from .._typing import Integer

MOST_STREAMS_BITS = 24  # so many streams need hundreds of megabytes for their states alone


class StreamingMixin:
    """`_STREAMED` of the estimator says for each method: model -> (raw, decode), see `Stream`."""

    @floating_point_ignored
    def stream(
        self,
        n_streams: Integer = 1,
        *,
        method: Literal["predict", "predict_proba", "predict_log_proba"] = "predict",
    ) -> Stream:
        """Return a `Stream`, which predicts for sequences that arrive step by step.

        Its ``step(x)`` takes the next step of each sequence, and returns the same bits as `method`
        does for the sequences so far: the result at this step, or with ``mode="many_to_one"`` the
        result of each sequence. The stream has a copy of the weights, so later fits do not change
        it. In a `Pipeline`, it is the last step that streams, and ``step`` takes what the other
        steps return for a row.

        Parameters
        ----------
        n_streams : int, default=1
            Number of sequences, which advance together.
        method : str, default="predict"
            The method whose results ``step`` returns: "predict", or for a classifier also
            "predict_proba" or "predict_log_proba".

        Returns
        -------
        stream : Stream
            With the methods ``step(x)``, ``reset(rows)`` and ``reorder(rows)``, and the attribute
            ``state``.

        Raises
        ------
        ValueError
            If an argument is not as described, or if the network cannot go on step by step: with
            ``bidirectional=True``, with `pooling` other than "last", with an input layer that has a
            stride, with strings in the `categorical_features`, or with ``transitions=True``.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_rnn import RNNRegressor
        >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
        >>> y = X.sum(axis=2).cumsum(axis=1)
        >>> rnn = RNNRegressor(8, mode="many_to_many", max_iter=300, random_state=0).fit(X, y)
        >>> stream = rnn.stream(3)
        >>> results = [stream.step(X[:3, t]) for t in range(5)]
        >>> bool((np.stack(results, axis=1) == rnn.predict(X[:3])).all())
        True
        """
        integer(1, MOST_STREAMS_BITS).check("n_streams", n_streams)
        one_of(self._STREAMED).check("method", method)
        model = self._fitted_model().copy()
        return model.stream(int(n_streams), *self._STREAMED[method](model))
