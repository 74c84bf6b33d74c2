"""Small fitted models for the tests of pickles and weight files, and what must hold of copies."""

import copy
import pickle

import make_models
import numpy as np
import pytest
from make_models import outputs

SUFFIXES = (".safetensors", ".npz")


def classifier():
    return make_models.fit("lstm_names")


def regressor():
    return make_models.fit("gru_steps")


def targets(rnn, X):
    """Return targets of the right form, which a regressor has not reached yet."""
    y = rnn.predict(X)
    if getattr(rnn, "loss", "") == "quantile":
        y = y[..., 0]
    return y if hasattr(rnn, "classes_") else 2 * y + 1


def train_on(rnn, X):
    """Learn something from anything that has the right form."""
    return rnn.set_params(early_stopping=False).partial_fit(X, targets(rnn, X))


def assert_equal(a, b):
    """Compare bit for bit."""
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a, b, strict=True)


def assert_same_predictions(a, b, X):
    assert_equal(outputs(a, X), outputs(b, X))
    for ours, theirs in zip(a.predict(X), b.predict(X), strict=True):
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        np.testing.assert_array_equal(ours, theirs)


def assert_equally_good(copied, rnn, X):
    """Hold that a copy predicts and learns on as its original."""
    assert_same_predictions(copied, rnn, X)
    assert repr(copied.get_params()) == repr(rnn.get_params())
    assert_equal(train_on(copied, X).params_, train_on(copy.deepcopy(rnn), X).params_)


def assert_load_fails(file, rnn, match=None):
    """Hold that neither an unfitted nor a fitted estimator takes a file, and that both stay."""
    unfitted, fitted = type(rnn)(), copy.deepcopy(rnn)
    for estimator in (unfitted, fitted):
        before = pickle.dumps(estimator)
        with pytest.raises(ValueError, match=match):
            estimator.load_weights(file)
        assert pickle.dumps(estimator) == before
