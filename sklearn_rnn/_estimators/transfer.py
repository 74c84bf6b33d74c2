"""Fits that start from the body of a fitted estimator."""

from __future__ import annotations

import copy

from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from .._model.body import names_of_body
from .._model.words import BODY_WORDS, words_of
from .._rules import boolean, shown
from .._training.freezing import NAMES, patterns_of
from .._typing import Estimator
from .fitted import _FittedRNN
from .parameters import SOURCE


def model_of(source, argument):
    """Return the model of a fitted estimator, or an error that names the argument."""
    SOURCE.check(argument, source)
    if not hasattr(source, "params_"):
        raise NotFittedError(
            f"`{argument}` must be fitted, got {shown(source)}, which is not: fit it first. "
            "(A search clones the values of its grid, and clones are not fitted: wrap the fitted "
            "estimator in `sklearn.frozen.FrozenEstimator`.)"
        )
    return source._fitted_model()


def transfer(source: BaseEstimator, target: Estimator, *, frozen: bool = False) -> Estimator:
    """Return an unfitted estimator that will start from the body of a fitted one.

    The body is the embeddings, input layers and recurrent layers. If few of your sequences have
    targets, a body that was trained on many sequences of a related task does better than new
    weights (Pratt, 1993; Yosinski et al., 2014). The output, `pooling`, `output_layer_sizes` and
    `mode` are those of `target`, with new weights, so y may be of another kind than that of
    `source`.

    Parameters
    ----------
    source : fitted RNNClassifier, RNNRegressor or MultiTaskRNN
        The estimator that has the body. Of a fitted Pipeline, pass the last step,
        ``pipeline[-1]``, and transform new data with the other steps, ``pipeline[:-1]``.
    target : RNNClassifier, RNNRegressor or MultiTaskRNN
        The estimator that has all other parameters. It is not changed.
    frozen : bool, default=False
        Whether training changes only the other weights (it sets the parameter `frozen` of the
        result), which helps with very few sequences. Otherwise all weights are trained.

    Returns
    -------
    estimator : RNNClassifier, RNNRegressor or MultiTaskRNN
        A clone of `target`, to be fitted. It has the parameters of `source` that define the body
        (`cell`, `hidden_layer_sizes`, `bidirectional`, `input_layers`, `connections`, `merge_mode`,
        `layer_normalization`, `categorical_features`, `embedding_dim`, `normalize_X` and `dtype`),
        and ``weights_init=source``; that parameter has the details. If the source has a
        `weights_init` itself, the result has a copy of the source without it.

    Raises
    ------
    ValueError
        If an argument is not as described.
    NotFittedError
        If `source` is not fitted.

    See Also
    --------
    MultiTaskRNN : Learns several tasks together.
    Reptile : Learns a body from many small tasks.

    References
    ----------
    .. [1] L. Y. Pratt, "Discriminability-based transfer between neural networks", NIPS 1992.
    .. [2] J. Yosinski, J. Clune, Y. Bengio, H. Lipson, "How transferable are features in deep
       neural networks?", NIPS 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNClassifier, RNNRegressor
    >>> from sklearn_rnn.transfer import transfer
    >>> X = np.random.RandomState(0).normal(size=(800, 8, 2))
    >>> energy = X.prod(axis=2).sum(axis=1)
    >>> source = RNNRegressor(16, max_iter=60, random_state=0).fit(X[:500], energy[:500])
    >>> few, labels = X[500:530], energy[500:530] > 0
    >>> rnn = transfer(source, RNNClassifier(random_state=0), frozen=True).fit(few, labels)
    >>> rnn.score(X[530:], energy[530:] > 0) > 0.85
    True
    """
    model = model_of(source, "source")
    if not isinstance(target, _FittedRNN) or target._HOLDS == "tokens":
        what = "an RNNClassifier, RNNRegressor or MultiTaskRNN"
        raise ValueError(f"`target` must be {what}, got {shown(target)}.")
    boolean.check("frozen", frozen)
    words = {name: value for name, value in words_of(model.network).items() if name in BODY_WORDS}
    words["normalize_X"] = model.scale.in_use is not None
    if frozen:
        NAMES.check("target.frozen", target.frozen)
        nodes = model.network.nodes
        tied = [f"{node.name}.weight" for node in nodes if dict(node.options).get("tied")]
        words["frozen"] = (*patterns_of(target.frozen), *names_of_body(model.network), *tied)
    if isinstance(source, _FittedRNN) and source.weights_init is not None:
        # Else a chain of transfers would keep all of its estimators, and its repr take forever.
        source = copy.copy(source)
        source.weights_init = None
    return clone(target).set_params(**words, weights_init=source)
