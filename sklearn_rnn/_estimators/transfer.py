"""Fits that begin with the body of a fitted estimator."""

from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from .._model.body import names_of_body
from .._model.words import BODY_WORDS, words_of
from .._rules import boolean, shown
from .fitted import _FittedRNN
from .parameters import SOURCE


def model_of(source, argument):
    """Return the model of a fitted estimator, or an error that names the argument."""
    SOURCE.check(argument, source)
    if not hasattr(source, "params_"):
        raise NotFittedError(
            f"`{argument}` must be fitted, got {shown(source)}, which is not: fit it first. "
            "(scikit-learn clones the values in a grid, and clones are not fitted: put it into "
            "`sklearn.frozen.FrozenEstimator` there.)"
        )
    return source._fitted_model()


def transfer(source, target, *, frozen=False):
    """Return an estimator that begins with the body of a fitted one, to be fitted to other data.

    The body is all that lies below the output: embeddings, input layers and recurrent layers. Where
    few sequences have targets, a body that was trained on many sequences of a neighbouring task
    does better than a new one (Pratt, 1993; Yosinski et al., 2014). The output, `pooling`,
    `output_layer_sizes` and `mode` are those of the target, with new weights, so the targets may be
    of any kind, whatever those of the source are.

    Parameters
    ----------
    source : fitted RNNClassifier or RNNRegressor
        The estimator whose body is taken over. From a fitted Pipeline pass its last step,
        ``pipeline[-1]``, and transform new data by the other steps, ``pipeline[:-1]``.
    target : RNNClassifier or RNNRegressor
        The estimator whose other parameters are used. It is not changed.
    frozen : bool, default=False
        Whether the weights of the body stay as they are (the parameter `frozen` of the result). It
        helps with very few sequences; otherwise they are trained further together with the output.

    Returns
    -------
    estimator : RNNClassifier or RNNRegressor
        A clone of the target, not fitted, with the parameters of the source that define the body
        (`cell`, `hidden_layer_sizes`, `bidirectional`, `input_layers`, `connections`, `merge_mode`,
        `layer_normalization`, `categorical_features`, `embedding_dim`, `normalize_X` and `dtype`),
        and with ``weights_init=source``, where the parameter is described.

    Raises
    ------
    ValueError
        If an argument is not as described.
    NotFittedError
        If the source is not fitted.

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
    if not isinstance(target, _FittedRNN):
        raise ValueError(f"`target` must be an RNNClassifier or RNNRegressor, got {shown(target)}.")
    boolean.check("frozen", frozen)
    words = {name: value for name, value in words_of(model.network).items() if name in BODY_WORDS}
    words["normalize_X"] = model.scale.in_use is not None
    if frozen:
        words["frozen"] = (*target.frozen, *names_of_body(model.network))
    return clone(target).set_params(**words, weights_init=source)
