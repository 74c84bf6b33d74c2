"""`partial_fit` on new data after `fit`: at a tenth of the rate, or at the rate that is given."""

import copy
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.metrics import log_loss
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor, SequenceAutoencoder
from sklearn_rnn.transfer import Reptile

RATE = 0.01
RNG = np.random.RandomState(0)
X = RNG.normal(size=(12, 4, 2))
LABELS = np.array(["a", "b"])[(X[:, -1, 0] > 0).astype(int)]
TEXTS = ["abc", "acb", "bca", "cab"]
SETTINGS = {"max_iter": 2, "learning_rate_init": RATE, "random_state": 0}
# An estimator, what it learns from, and what the first `partial_fit` needs besides.
KINDS = [
    (RNNRegressor(3, **SETTINGS), (X, X.sum(axis=(1, 2))), {}),
    (RNNClassifier(3, **SETTINGS), (X, LABELS), {"classes": ["a", "b"]}),
    (RNNLanguageModel(3, analyzer="char", **SETTINGS), (TEXTS,), {}),
    (Seq2SeqClassifier(3, **SETTINGS), (X[:4], TEXTS), {"classes": "abc"}),
    (Seq2SeqRegressor(3, **SETTINGS), (X, X[:, :2, 0]), {}),
    (SequenceAutoencoder(3, **SETTINGS), (X,), {}),
]
NAMES = [type(rnn).__name__ for rnn, *_ in KINDS]
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:`batch_size`"
)


def gone_on(rnn, data, rate=None):
    """Return the weights after one more `partial_fit` of a copy."""
    return copy.deepcopy(rnn).partial_fit(*data, learning_rate_init=rate).params_


def goes_on_at(rnn, data, rate):
    """Tell whether `partial_fit` goes on at this rate."""
    assert (gone_on(rnn, data, 1.7 * rate) != gone_on(rnn, data, rate)).any()
    return np.array_equal(gone_on(rnn, data), gone_on(rnn, data, rate))


@pytest.mark.parametrize(("rnn", "data", "first"), KINDS, ids=NAMES)
def test_partial_fit_goes_on_at_a_tenth_of_the_rate_after_fit(rnn, data, first):
    only = sklearn.clone(rnn).partial_fit(*data, **first)
    assert goes_on_at(only, data, RATE)
    assert goes_on_at(only.partial_fit(*data), data, RATE)
    fitted = sklearn.clone(rnn).fit(*data)
    assert goes_on_at(fitted, data, RATE / 10)
    assert goes_on_at(fitted.partial_fit(*data), data, RATE / 10)
    # A fit that continues is a fit; one that does not begins anew.
    assert goes_on_at(only.set_params(warm_start=True).fit(*data), data, RATE / 10)
    refitted = fitted.set_params(warm_start=False).fit(*data)
    np.testing.assert_array_equal(refitted.params_, sklearn.clone(rnn).fit(*data).params_)
    for wrong in (0, -1, np.inf, np.nan, "high", True):
        before = pickle.dumps(fitted)
        with pytest.raises(ValueError, match="`learning_rate_init` must be a number above 0"):
            fitted.partial_fit(*data, learning_rate_init=wrong)
        assert pickle.dumps(fitted) == before


@pytest.mark.parametrize(("rnn", "data", "first"), KINDS, ids=NAMES)
def test_copies_go_on_at_the_rate_of_their_original(rnn, data, first, tmp_path):
    file = tmp_path / "rnn.safetensors"
    only, fitted = sklearn.clone(rnn).partial_fit(*data, **first), sklearn.clone(rnn).fit(*data)
    for model, rate in ((only, RATE), (fitted, RATE / 10)):
        assert goes_on_at(pickle.loads(pickle.dumps(model)), data, rate)
        other_solver = copy.deepcopy(model).set_params(solver="sgd")
        assert goes_on_at(other_solver, data, rate)
        assert goes_on_at(other_solver.partial_fit(*data), data, rate)
        model.save_weights(file)
        # A file does not tell how its network was trained; who loads it has a trained network.
        assert goes_on_at(sklearn.clone(rnn).load_weights(file), data, RATE / 10)
        assert goes_on_at(model.load_weights(file), data, rate)
    del only._optimizer["was_fit"]  # as in pickles of earlier versions
    assert goes_on_at(pickle.loads(pickle.dumps(only)), data, RATE / 10)


@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle", lambda done: 3.0, "constant"])
def test_schedules_that_know_the_number_of_epochs_go_on_at_a_tenth(learning_rate):
    rnn, data, _ = KINDS[0]
    fitted = sklearn.clone(rnn).set_params(learning_rate=learning_rate).fit(*data)
    assert goes_on_at(fitted, data, RATE / 10)


def test_schedules_that_are_lower_already_go_on_as_they_are():
    rnn, data, _ = KINDS[0]
    falling = sklearn.clone(rnn).set_params(learning_rate="invscaling", power_t=1.0).fit(*data)
    at = RATE / (1 + falling.t_)
    constant = copy.deepcopy(falling).set_params(learning_rate="constant")
    np.testing.assert_array_equal(gone_on(falling, data), gone_on(constant, data, at))
    given = gone_on(constant, data, 0.5 / (1 + falling.t_))
    np.testing.assert_array_equal(gone_on(falling, data, 0.5), given)
    adaptive = sklearn.clone(rnn).set_params(learning_rate="adaptive").fit(*data)
    assert goes_on_at(adaptive, data, RATE / 10)
    adaptive._optimizer["learning_rate"] = RATE / 125
    assert goes_on_at(adaptive, data, RATE / 125)
    adaptive.partial_fit(*data, learning_rate_init=RATE / 30)
    assert goes_on_at(adaptive, data, RATE / 125)  # the argument is for one call


def test_a_start_that_reptile_has_found_goes_on_at_the_full_rate():
    rnn, (X, y), _ = KINDS[0]
    reptile = Reptile(rnn, n_iter=2, random_state=0).fit([(X[:6], y[:6]), (X[6:], y[6:])])
    assert goes_on_at(reptile.estimator_, (X, y), RATE)
    adapted = reptile.adapt(X, y)
    assert goes_on_at(adapted, (X, y), RATE)


def test_the_rate_can_be_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        rnn = RNNRegressor().set_partial_fit_request(learning_rate_init=True)
        assert get_routing_for_object(rnn).partial_fit.requests["learning_rate_init"] is True


def drifting_days(seed, n_days=220, n_before=160, n_timesteps=24):
    """Return days whose level rises by 0.3 after `n_before`; each has a regime of its own."""
    rng = np.random.RandomState(seed)
    hour = np.linspace(0, 2 * np.pi, n_timesteps, endpoint=False)
    regime, inputs = 2 * rng.normal(size=(n_days, 1)), rng.normal(size=(n_days, n_timesteps))
    memory = np.zeros_like(inputs)
    for t in range(n_timesteps):
        memory[:, t] = 0.8 * memory[:, t - 1] * (t > 0) + inputs[:, t]
    later = np.clip(np.arange(n_days) - n_before, 0, None)[:, None] / (n_days - n_before)
    y = np.sin(hour + regime) + np.tanh(regime) * memory * 0.4 + 0.3 * later
    X = np.broadcast_arrays(np.sin(hour), np.cos(hour), regime, inputs)
    return np.stack(X, axis=2), y + 0.1 * rng.normal(size=y.shape), n_before


@pytest.mark.parametrize("estimator", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("seed", range(3))
def test_new_data_every_day_keep_up_with_a_drift(estimator, seed):
    X, y, n_before = drifting_days(seed)
    y = y > 0.2 if estimator is RNNClassifier else y
    rnn = estimator(16, mode="many_to_many", max_iter=30, random_state=seed)
    rnn.fit(X[:n_before], y[:n_before])

    def error_of(model, X, y):
        """Return the mean absolute error, or the mean loss of the probabilities."""
        if estimator is RNNRegressor:
            return np.abs(model.predict(X) - y).mean()
        return log_loss(y.ravel(), model.predict_proba(X).reshape(-1, 2), labels=[False, True])

    def mean_error(learns=True, **options):
        """Return the mean error of days before they are learned."""
        model, errors = copy.deepcopy(rnn), []
        for day in range(n_before, len(X)):
            errors.append(error_of(model, X[[day]], y[[day]]))
            if learns:
                model.partial_fit(X[[day]], y[[day]], **options)
        return np.mean(errors)

    still = mean_error(learns=False)
    limit = 0.85 if estimator is RNNRegressor else 0.97  # 0.73 to 0.79, and 0.87 to 0.95
    assert mean_error() < limit * still
    assert mean_error(learning_rate_init=rnn.learning_rate_init) > still
