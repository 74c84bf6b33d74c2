"""How strongly the weights of a fitted network read each feature."""

from .._estimators.transfer import model_of
from .._model.importances import feature_norms


def channel_importances(estimator):
    """Tell how strongly a fitted network reads each feature: the norm of the weights that read it.

    The network reads features in units of their standard deviations (with ``normalize_X=True``), so
    the norms can be compared. They are quick and rough: what a network does with an input depends
    on all its layers. `permutation_importance` measures what a score loses without a feature.

    Parameters
    ----------
    estimator : fitted estimator of this package
        A network that was fitted to sequences (n_timesteps_i, n_features), not to a 2-D X.

    Returns
    -------
    importances : ndarray of shape (n_features_in_,)
        For a number, the Euclidean norm of its weights in all layers that read X, of both
        directions. For a code, the norm of what its vectors add to these layers, as standard
        deviation over the codes known in `fit`.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If `estimator` is no network, or was fitted to a 2-D X, whose columns are steps.

    See Also
    --------
    permutation_importance : What a score loses without a feature.
    sklearn_rnn.preprocessing.to_nested : Tables whose columns scikit-learn's tools can select.

    Examples
    --------
    As `importance_getter`, it lets `RFE` and `SelectFromModel` select features:

    >>> import numpy as np
    >>> from sklearn.feature_selection import RFE
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import channel_importances
    >>> from sklearn_rnn.preprocessing import to_nested
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 5, 3))
    >>> regressor = RNNRegressor(8, max_iter=30, learning_rate="cosine", random_state=0)
    >>> rfe = RFE(regressor, n_features_to_select=1, importance_getter=channel_importances)
    >>> rfe.fit(to_nested(X, ["a", "b", "c"]), X[:, :, 1].sum(axis=1)).get_feature_names_out()
    array(['b'], dtype=object)
    """
    model = model_of(estimator, "estimator")
    if model.form.kind == "2d":
        raise ValueError(
            "`estimator` must be fitted to sequences (n_timesteps_i, n_features), but it was "
            "fitted to a 2-D X, which has one feature per step."
        )
    return feature_norms(model.network, model.params)
