"""How much an output of a network depends on parts of a sequence, by hiding them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._data.unpacking import in_carrier
from .._floating_point import floating_point_ignored
from .._rules import INTEGER_BITS, boolean, integer
from .._typing import ArrayLike, Integer, Number, SequencesLike
from .attributions import baseline_values, begin

_COUNTS = integer(1, INTEGER_BITS)


@floating_point_ignored
def occlusion(
    estimator: BaseEstimator,
    X: SequencesLike,
    *,
    window: Integer = 1,
    stride: Integer = 1,
    per_feature: bool = True,
    target: Any = None,
    step: Integer = -1,
    baseline: Number | ArrayLike | None = None,
) -> Any:
    """Measure how much an output changes if some steps of a sequence are hidden (Zeiler, 2014).

    A window of steps slides over each sequence. Its values are replaced by those of a baseline, and
    the output is computed again. Each step gets the mean change over the windows that hold it.

    Parameters
    ----------
    estimator : fitted RNNClassifier, RNNRegressor or MultiTaskRNN
        Or a Pipeline or search that ends with one. X is then explained as the network reads it,
        after the other steps of the Pipeline.
    X : sequences
        In any form that `fit` takes.
    window : int, default=1
        Number of steps that are hidden at the same time.
    stride : int, default=1
        Number of steps by which the window moves, at most `window`. The last window ends with the
        sequence. The output is computed for each window and feature, so long sequences need a large
        stride.
    per_feature : bool, default=True
        Whether each feature is hidden alone. Otherwise all features of the window are hidden
        together, which needs fewer predictions, and the features of a step share their change in
        equal parts.
    target : object, default=None
        Which output. If y is one column of classes, the class whose probability is explained; None
        means the class predicted for each sequence. Otherwise the number of the output, which may
        be None if there is only one.
    step : int, default=-1
        With ``mode="many_to_many"``, the step whose output is explained; negative numbers count
        from the last.
    baseline : float, array-like of shape (n_features,) or None, default=None
        Values of hidden features. None means the mean of each feature over all steps of `X`. A
        hidden category becomes an unknown one.

    Returns
    -------
    attributions : sequences
        In the form of X: the output for X minus the output without the window, as a probability or
        in units of y. Positive numbers raise the output.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    See Also
    --------
    AttributionDisplay : Draws the attributions of one sequence.
    integrated_gradients : Is faster for long sequences, but assumes a smooth path to the baseline.
    permutation_importance : The importance of features to the score.

    References
    ----------
    M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import occlusion
    >>> X = np.random.RandomState(0).normal(size=(200, 6, 2))
    >>> y = 3 * X[:, 4, 1]
    >>> rnn = RNNRegressor(16, max_iter=200, learning_rate_init=0.01, random_state=0).fit(X, y)
    >>> attributions = occlusion(rnn, X)
    >>> attributions.shape
    (200, 6, 2)
    >>> np.unravel_index(np.abs(attributions).mean(axis=0).argmax(), (6, 2))  # step, feature
    (np.int64(4), np.int64(1))
    """
    _COUNTS.check("window", window)
    _COUNTS.check("stride", stride)
    if stride > window:
        raise ValueError(
            f"`stride` must be at most `window`, {window}, so that each step is hidden, got "
            f"{stride}."
        )
    boolean.check("per_feature", per_feature)
    model, X, sequences, output = begin(estimator, X, target, step)
    hidden = baseline_values(model, sequences, baseline)
    whole = output.values(sequences)
    n_features = sequences.n_features
    columns = [[j] for j in range(n_features)] if per_feature else [list(range(n_features))]
    last = np.maximum(sequences.lengths - window, 0)  # first step of the last window
    changes = np.zeros(sequences.values.shape)
    counts = np.zeros(sequences.n_steps)
    for first in np.union1d(np.arange(0, int(last.max()), stride), last).tolist():
        chosen = np.flatnonzero((first == last) | ((first < last) & (first % stride == 0)))
        part, rows, of_part = sequences.take(chosen), sequences.rows(chosen), output.take(chosen)
        place = rows - np.repeat(sequences.offsets[chosen], part.lengths)
        covered = (first <= place) & (place < first + window)
        counts[rows] += covered
        for column in columns:
            values, of_window = part.values.copy(), np.ix_(covered, column)
            values[of_window] = hidden[rows][of_window]
            change = whole[chosen] - of_part.values(replace(part, values=values))
            shares = np.repeat(change, part.lengths)[covered, np.newaxis] / len(column)
            changes[np.ix_(rows[covered], column)] += shares
    return in_carrier(X, sequences, changes / counts[:, np.newaxis])
