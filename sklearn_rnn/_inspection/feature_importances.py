"""How strongly the weights of a fitted network read each feature."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from .._estimators.transfer import model_of
from .._model.importances import feature_norms
from .._typing import Floats


def feature_importances(estimator: BaseEstimator) -> Floats:
    """Return the norm of the weights with which a fitted network reads each feature.

    With ``normalize_X=True``, the network reads features in units of their standard deviations, so
    the norms can be compared. They are quick but rough, because the effect of a feature depends on
    all layers. `permutation_importance` measures how much a score falls without a feature.

    Parameters
    ----------
    estimator : fitted estimator of this package
        A network that was fitted to sequences (n_timesteps_i, n_features), not to a 2-D X.

    Returns
    -------
    importances : ndarray of shape (`n_features_in_`,)
        For a numeric feature, the Euclidean norm of its weights in all layers that read X, in both
        directions. For a categorical feature, the norm of the standard deviations, over the codes
        known in `fit`, of the contributions of its vectors to these layers.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If `estimator` is not a network, or was fitted to a 2-D X, whose columns are steps.

    See Also
    --------
    permutation_importance : Measures how much a score falls without a feature.
    sklearn_rnn.preprocessing.to_nested : Makes tables whose columns scikit-learn's tools can
        select.

    Examples
    --------
    As `importance_getter`, it lets `RFE` and `SelectFromModel` select features:

    >>> import numpy as np
    >>> from sklearn.feature_selection import RFE
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import feature_importances
    >>> from sklearn_rnn.preprocessing import to_nested
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 5, 3))
    >>> regressor = RNNRegressor(8, max_iter=30, learning_rate="cosine", random_state=0)
    >>> rfe = RFE(regressor, n_features_to_select=1, importance_getter=feature_importances)
    >>> rfe.fit(to_nested(X, ["a", "b", "c"]), X[:, :, 1].sum(axis=1)).get_feature_names_out()
    array(['b'], dtype=object)
    """
    model = model_of(estimator, "estimator")
    if model.form.kind == "2d":
        raise ValueError(
            "`estimator` must be fitted to sequences (n_timesteps_i, n_features), but it was "
            "fitted to a 2-D X, whose columns are steps: fit it to `X[:, :, np.newaxis]`."
        )
    return feature_norms(model.network, model.params)
