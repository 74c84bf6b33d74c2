"""When a fit ends: patience, the plateau, and what the end says."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from cases import CLASSIFYING
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._training import losses as _losses
from sklearn_rnn._training import minibatches as _training
from sklearn_rnn._training.epochs import judge
from sklearn_rnn._training.progress import Progress, Settings

# ---- the best constant prediction ----------------------------------------------------------------


def parameters_of(loss, label_smoothing=0.0):
    parameters = {"huber_delta": 0.7, "quantile": (0.2, 0.7), "groups": (4, 2), "n_outputs": 4}
    return SimpleNamespace(loss=loss, label_smoothing=label_smoothing, **parameters)


def targets_of(loss, rng, n=50):
    if loss == "gamma":
        return rng.gamma(2.0, [1.0, 9.0], size=(n, 2))
    if loss in ("multilabel", "multioutput"):
        return rng.randint(0, (2, 2) if loss == "multilabel" else (4, 2), (n, 2)).astype(np.int32)
    if _losses.LOSSES[loss].targets == "classes":
        return rng.randint(0, 2 if loss == "logistic" else 4, n).astype(np.int32)
    if loss == "poisson":
        return rng.poisson([0.5, 20.0], size=(n, 2)).astype(float)
    return rng.standard_t(3, size=(n, 2))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", sorted({*_core.LOSSES} - {"multitask"}))
def test_no_constant_has_a_lower_loss_than_the_best_one(loss, weighted):
    rng = np.random.RandomState(0)
    y, weights = targets_of(loss, rng), rng.exponential(size=50) * (rng.rand(50) > 0.2)
    parameters = parameters_of(loss)
    n_outputs = {"softmax": 4, "logistic": 1, "multioutput": 6, "quantile": 4}.get(loss, 2)
    columns = y if y.ndim == 2 else y[:, np.newaxis]

    def mean(z, weights):
        z = np.broadcast_to(z, (50, n_outputs))
        losses, _ = reference.LOSS[loss](z, columns, **vars(parameters))
        return np.average(losses.mean(axis=1), weights=weights)

    found = minimize(mean, np.zeros(n_outputs), weights if weighted else None, method="Powell")
    shares = weights / weights.sum() if weighted else np.full(50, 1 / 50)
    constant, perfect = _losses.LOSSES[loss].constant(y, shares, parameters)
    assert constant == pytest.approx(found.fun, rel=1e-6)
    assert constant <= found.fun + 1e-9
    if loss in ("poisson", "gamma"):
        z = np.log(np.where(y > 0, y, 1e-300))
        losses, _ = reference.LOSS[loss](z, y)
        assert perfect == pytest.approx(shares @ losses.mean(axis=1), abs=1e-12)
    else:
        assert perfect == 0.0
    at = _losses.plateau(parameters, y, weights if weighted else None, 1e-4)
    assert at == pytest.approx(perfect + 0.98 * (constant - perfect))


@pytest.mark.parametrize("loss", CLASSIFYING)
def test_perfect_predictions_of_smoothed_labels_have_their_entropy(loss):
    rng = np.random.RandomState(0)
    y, parameters = targets_of(loss, rng), parameters_of(loss, label_smoothing=0.3)
    columns = y if y.ndim == 2 else y[:, np.newaxis]
    n_outputs = {"softmax": 4, "logistic": 1, "multioutput": 6}.get(loss, 2)

    def loss_and_slope(z, targets=columns):
        z = z.reshape(len(targets), -1)
        losses, d_z = reference.LOSS[loss](z, targets, **vars(parameters))
        return losses.mean(), (d_z / losses.size).ravel()

    constant, perfect = _losses.LOSSES[loss].constant(y, np.full(50, 1 / 50), parameters)
    best = minimize(loss_and_slope, np.zeros(50 * n_outputs), jac=True, tol=1e-12)
    assert perfect == pytest.approx(best.fun, rel=1e-6)

    def of_constant(z):
        value, slope = loss_and_slope(np.tile(z, 50))
        return value, slope.reshape(50, -1).sum(axis=0)

    best = minimize(of_constant, np.zeros(n_outputs), jac=True, tol=1e-12)
    assert constant == pytest.approx(best.fun, rel=1e-6)


@pytest.mark.parametrize("loss", sorted({*_core.LOSSES} - {"multitask"}))
def test_equal_targets_have_no_plateau(loss):
    # Nor do outliers end the search of it.
    if loss == "huber":
        y = np.array([[0.0], [1.0], [-1.0], [1e30]])
        network = SimpleNamespace(loss=loss, huber_delta=1.0)
        assert _losses.plateau(network, y, None, 1e-4) == pytest.approx(0.98 * 1e30 / 4, rel=1e-6)
    y = np.ones(9, np.int32) if _losses.LOSSES[loss].targets == "classes" else np.full((9, 1), 2.0)
    assert _losses.plateau(parameters_of(loss), y, None, 1e-4) == np.inf


# ---- patience ---------------------------------------------------------------------------------


def epochs_until_stop(losses, plateau, **changes):
    """Return after how many epochs of these losses a training stops."""
    settings = {name: None for name in Settings.__dataclass_fields__}
    settings |= {"solver": "sgd", "tol": 1e-4, "n_iter_no_change": 3, "learning_rate": "constant"}
    settings = Settings(**settings | {"learning_rate_init": 1.0} | changes)
    progress = Progress.begin(np.zeros(1), 0, settings)
    for epoch, loss in enumerate(losses, start=1):
        if not judge(progress, settings, loss, plateau=plateau):
            return epoch
    return None


def test_patience_is_four_times_as_long_on_the_plateau():
    assert epochs_until_stop([1.0] * 50, plateau=np.inf) == 5
    assert epochs_until_stop([1.0] * 50, plateau=0.98) == 1 + 4 * 3 + 1
    assert epochs_until_stop([1.0] * 10 + [0.9] * 50, plateau=0.98) == 11 + 3 + 1
    # Behind the plateau patience begins anew, however small the step was that led there.
    slow = [0.98001] + [0.98001 - 1e-5 * i for i in range(10)] + [0.97] * 50
    assert epochs_until_stop(slow, plateau=0.979935) == 12 + 3 + 1
    assert epochs_until_stop([1.0] * 500, plateau=0.98, n_iter_no_change=np.inf) is None


def test_an_adaptive_rate_is_lowered_later_on_the_plateau():
    rate = {"learning_rate": "adaptive", "learning_rate_init": 2e-6}
    assert epochs_until_stop([1.0] * 50, plateau=np.inf, **rate) == 1 + 4 + 4
    assert epochs_until_stop([1.0] * 50, plateau=0.98, **rate) == 1 + 13 + 13


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_fit_that_learned_nothing_says_so(estimator):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(300, 3, 1)), rng.randint(0, 2, 300).astype(float)
    rnn = estimator(1, cell="elman", learning_rate_init=1e-7, n_iter_no_change=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="learned almost nothing from X. Try another"):
        rnn.fit(X, y)
    assert rnn.n_iter_ == 1 + 4 * 2 + 1
    with pytest.warns(ConvergenceWarning, match="learned almost nothing"):
        rnn.set_params(learning_rate="cosine", max_iter=3).fit(X, y)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=3.*almost nothing.*gradient_flow"):
        rnn.set_params(learning_rate="constant").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rnn.set_params(max_iter=200, early_stopping=True).fit(X, y)
        assert rnn.n_iter_ < 10


def test_a_fit_that_learned_ends_in_silence(dense):
    X, labels, numbers = dense
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RNNClassifier(8, max_iter=2000, learning_rate_init=0.02, random_state=0).fit(X, labels)
        RNNRegressor(8, max_iter=2000, random_state=0, tol=1e-3).fit(X, numbers)
        warnings.filterwarnings("ignore", "`y` holds a single class")
        RNNClassifier(8, random_state=0).fit(X, np.zeros(40))


# ---- as MLPClassifier has it --------------------------------------------------------------------


def test_patience_may_be_endless_and_verbose_any_number(dense, capsys):
    X, labels, _ = dense
    rnn = RNNClassifier(4, n_iter_no_change=np.inf, max_iter=30, tol=10.0, verbose=10)
    assert rnn.fit(X, labels).n_iter_ == 30
    assert capsys.readouterr()


def test_a_batch_size_beyond_the_data_warns_in_fit_alone(dense):
    X, labels, _ = dense
    rnn = RNNClassifier(4, batch_size=41, max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="`batch_size`=41 is larger than .*, 40"):
        rnn.fit(X, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        rnn.partial_fit(X[:3], labels[:3])
        warnings.simplefilter("ignore", ConvergenceWarning)
        rnn.set_params(batch_size=40).fit(X, labels)
    assert _training.resolve_batch_size(41, 40) == 40
