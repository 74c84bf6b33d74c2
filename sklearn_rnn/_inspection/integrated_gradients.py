"""The contribution of each value of a sequence to an output of a network, by its gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._data.unpacking import in_carrier
from .._floating_point import floating_point_ignored
from .._rules import INTEGER_BITS, integer
from .._typing import ArrayLike, Integer, Number, SequencesLike
from .attributions import baseline_values, begin
from .opened import Opened
from .outputs import reads_linked_output

_COUNTS = integer(1, INTEGER_BITS)


@floating_point_ignored
def integrated_gradients(
    estimator: BaseEstimator,
    X: SequencesLike,
    *,
    target: Any = None,
    step: Integer = -1,
    baseline: Number | ArrayLike | None = None,
    n_steps: Integer = 50,
) -> Any:
    """Return the contribution of each value of X to an output (Sundararajan et al., 2017).

    The gradient of the output with respect to X is integrated along the straight line from a
    baseline to X. The contributions of a sequence sum to the output for X minus that for the
    baseline, up to the error of the numerical integral.

    Parameters
    ----------
    estimator : fitted RNNClassifier, RNNRegressor or MultiTaskRNN
        Or a Pipeline or search that ends with one. X is then explained as the network reads it,
        after the other steps of the Pipeline.
    X : sequences
        In any form that `fit` takes.
    target : object, default=None
        Which output. If y is one column of classes, the class whose probability is explained; None
        means the class predicted for each sequence. Otherwise the number of the output, which may
        be None if there is only one.
    step : int, default=-1
        With ``mode="many_to_many"``, the step whose output is explained; negative numbers count
        from the last.
    baseline : float, array-like of shape (n_features,) or None, default=None
        Values at which the line begins. None means the mean of each feature over all steps of `X`.
        The line of a category begins at the vector of unknown categories, and its attribution is
        the sum over its vector.
    n_steps : int, default=50
        Number of points of the integral. More points make it more exact.

    Returns
    -------
    attributions : sequences
        In the form of X, as probabilities or in units of y. Positive numbers raise the output.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described. Also if the cell is "jordan" and the output is not a
        linear function of the states, unless y is one column of classes; `occlusion` works there.

    See Also
    --------
    AttributionDisplay : Draws the attributions of one sequence.
    occlusion : Needs only predictions, so it works with every network.

    Notes
    -----
    The network is computed in float64, whatever its dtype. The integral is that of Gauss and
    Legendre.

    References
    ----------
    M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import integrated_gradients
    >>> X = np.random.RandomState(0).normal(size=(200, 6, 2))
    >>> y = 3 * X[:, 4, 1]
    >>> rnn = RNNRegressor(16, max_iter=200, learning_rate_init=0.01, random_state=0).fit(X, y)
    >>> attributions = integrated_gradients(rnn, X, baseline=0.0)
    >>> difference = rnn.predict(X) - rnn.predict(np.zeros_like(X))
    >>> bool(np.allclose(attributions.sum(axis=(1, 2)), difference, atol=1e-3))
    True
    """
    _COUNTS.check("n_steps", n_steps)
    model, X, sequences, output = begin(estimator, X, target, step)
    _check_gradient(model.network)
    values, first = sequences.values, baseline_values(model, sequences, baseline)
    opened = Opened(model) if model.network.tables else None
    if opened is not None:
        output = replace(output, model=opened.model)
        values, first = opened.values(values), opened.values(first)
    values, output = values.astype(np.float64), output.in_double_precision()
    points, shares = np.polynomial.legendre.leggauss(n_steps)
    mean = np.zeros_like(values)
    for point, share in zip((points + 1) / 2, shares / 2, strict=True):
        between = np.ascontiguousarray(first + point * (values - first))
        mean += share * output.slopes(replace(sequences, values=between))
    attributions = mean * (values - first)
    return in_carrier(X, sequences, attributions if opened is None else opened.closed(attributions))


def _check_gradient(network):
    """Refuse networks whose output has no gradient with respect to X here."""
    if reads_linked_output(network) and network.loss not in ("softmax", "logistic"):
        raise ValueError(
            "`estimator` must have a cell that does not read the output, or y must be one column "
            "of classes or numbers: use `occlusion` for this one."
        )
