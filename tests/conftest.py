"""Set up before anything else is imported, and data that several files of tests use."""

import os

# scikit-learn skips its array-API check unless scipy was imported under this switch.
os.environ["SCIPY_ARRAY_API"] = "1"

import pickle

import make_models
import numpy as np
import pytest
from bad_input import fitted_like
from carriers import CARRIERS
from kept_models import SUFFIXES
from make_models import MODELS


def pytest_configure(config):
    # Short fits do not converge, and should not: the tests of the warning ask for it themselves.
    config.addinivalue_line("filterwarnings", "ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def dense():
    """40 sequences of 6 steps and 3 features: X (40, 6, 3), labels (40,), numbers (40,)."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 6, 3))
    numbers = X[:, :, 0].sum(axis=1)
    return X, np.where(numbers > 0, "up", "down"), numbers


@pytest.fixture
def ragged():
    """40 sequences of 1 to 9 steps and 3 features: list X, labels (40,), numbers (40,)."""
    rng = np.random.RandomState(1)
    X = [rng.normal(size=(length, 3)) for length in rng.randint(1, 10, size=40)]
    numbers = np.array([x[:, 0].sum() for x in X])
    return X, np.where(numbers > 0, "up", "down"), numbers


@pytest.fixture(params=MODELS)
def model_name(request):
    """Each of the small models of make_models.py."""
    return request.param


@pytest.fixture
def fitted(model_name):
    """A model of each kind, and its X."""
    return make_models.fit(model_name)


@pytest.fixture(params=SUFFIXES)
def file(request, tmp_path):
    """The path of a weight file of each format, which does not exist yet."""
    return tmp_path / f"model{request.param}"


@pytest.fixture(params=CARRIERS)
def carrier(request):
    """What makes each carrier of sequences from a list."""
    return CARRIERS[request.param]


@pytest.fixture(params=["unfitted", "fitted"])
def refuses(request):
    """Check that `fit` raises this message and leaves the estimator, fitted or not, as it was."""

    def check(rnn, message, X, y, error=ValueError, method="fit", **options):
        if request.param == "fitted":
            vars(rnn).update(fitted_like(rnn)._fitted_state())
        before = pickle.dumps(rnn)
        with pytest.raises(error, match=message):
            getattr(rnn, method)(X, y, **options)
        assert pickle.dumps(rnn) == before

    return check
