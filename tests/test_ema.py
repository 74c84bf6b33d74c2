"""The exponential average of the weights (`ema_decay`): what it is, who sees it, how it goes on."""

import copy
import os
import pickle
import signal
from fractions import Fraction

import numpy as np
import pytest
from cases import RTOL_UPDATES
from fits import same_state
from scale_settings import EITHER
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._training.progress import Progress

DECAY = 0.8
SETTINGS = {"hidden_layer_sizes": 3, "batch_size": 16, "max_iter": 3, "random_state": 0}
each_mode = pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def closed_form(weights, decay=DECAY):
    """sum d^(t - i) w_i (1 - d) / (1 - d^t), i from 1 to t"""
    t = len(weights)
    shares = decay ** np.arange(t - 1, -1, -1.0) * (1 - decay) / (1 - decay**t)
    return np.tensordot(shares, np.array(weights, dtype=np.float64), 1)


@pytest.fixture
def recorded(monkeypatch):
    """The weights after each update of the fits that follow."""
    weights, end_update = [], Progress.end_update

    def record(progress):
        weights.append(progress.params.copy())
        end_update(progress)

    monkeypatch.setattr(Progress, "end_update", record)
    return weights


def data(estimator, mode, n=40):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, 4, 2))
    y = X[:, :, 0].cumsum(axis=1) if mode == "many_to_many" else X[:, :, 0].sum(axis=1)
    return X, (y > 0).astype(int) if estimator is RNNClassifier else y


def test_settings_of_other_types_are_taken_as_floats():
    X, y = data(RNNRegressor, "many_to_one")
    few = RNNRegressor(**SETTINGS, learning_rate="cosine")
    for exact in (np.float16(0.999), Fraction(1, 3)):
        given, expected = (
            clone(few).set_params(ema_decay=d, learning_rate_init=d).fit(X, y)
            for d in (exact, float(exact))
        )
        assert same_state(given, expected)


@each_dtype
@each_mode
@EITHER
def test_the_average_of_the_weights_is_given_back(estimator, mode, dtype, recorded):
    X, y = data(estimator, mode)
    settings = {**SETTINGS, "mode": mode, "dtype": dtype}
    rnn = estimator(**settings, ema_decay=DECAY).fit(X, y)
    assert len(recorded) == 9
    np.testing.assert_allclose(rnn.params_, closed_form(recorded), rtol=0, atol=RTOL_UPDATES[dtype])
    assert np.abs(rnn.params_ - recorded[-1]).max() > 1e-3
    assert rnn.params_.dtype == dtype
    # The weights behind it are those of the training without an average.
    plain = estimator(**settings).fit(X, y)
    np.testing.assert_array_equal(plain.params_, rnn._optimizer["raw_params"])
    assert plain.loss_curve_ == rnn.loss_curve_
    assert plain._optimizer.keys() | {"raw_params", "n_averaged"} == rnn._optimizer.keys()
    many = estimator(**settings, ema_decay=DECAY, n_threads=3).fit(X, y)
    np.testing.assert_array_equal(many.params_, rnn.params_)


def test_after_one_update_the_average_is_the_weights():
    X, y = data(RNNRegressor, "many_to_one", 8)
    averaged, plain = (
        RNNRegressor(3, random_state=0, ema_decay=decay).partial_fit(X, y)
        for decay in (0.999, None)
    )
    np.testing.assert_array_equal(averaged.params_, plain.params_)


@each_mode
@EITHER
def test_partial_fits_are_the_epochs_of_a_fit(estimator, mode):
    X, y = data(estimator, mode)
    settings = {**SETTINGS, "mode": mode, "ema_decay": DECAY, "tol": 0.0}
    whole, pieces = estimator(**settings).fit(X, y), estimator(**settings)
    for _ in range(3):
        options = {"classes": [0, 1]} if estimator is RNNClassifier else {}
        pieces = pickle.loads(pickle.dumps(pieces.partial_fit(X, y, **options)))
    np.testing.assert_array_equal(whole.params_, pieces.params_)
    np.testing.assert_array_equal(whole._optimizer["raw_params"], pieces._optimizer["raw_params"])
    assert whole._optimizer["n_averaged"] == pieces._optimizer["n_averaged"] == 9


def test_partial_fit_changes_no_copy():
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY).fit(X, y)
    copied, before = copy.copy(rnn), pickle.dumps(rnn._fitted_attributes())
    rnn.partial_fit(X, y)
    assert pickle.dumps(copied._fitted_attributes()) == before


def test_a_pass_that_fails_changes_neither_weights_nor_average():
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY).fit(X, y)
    before = pickle.dumps(rnn._fitted_attributes())
    rnn.set_params(learning_rate_init=1e30, max_grad_norm=None)
    with pytest.raises(ValueError, match="diverged"):
        for _ in range(9):
            before = pickle.dumps(rnn._fitted_attributes())
            rnn.partial_fit(X[:16], y[:16])
    assert pickle.dumps(rnn._fitted_attributes()) == before


def test_warm_start_begins_a_new_average_at_the_old_one(recorded):
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY, warm_start=True).fit(X, y)
    average = rnn.params_.copy()
    recorded.clear()
    rnn.fit(X, y)
    np.testing.assert_allclose(rnn.params_, closed_form(recorded), rtol=0, atol=1e-4)
    plain = RNNRegressor(**SETTINGS, warm_start=True).fit(X, y)
    plain.set_weights(dict_of(plain, average)).fit(X, y)
    np.testing.assert_array_equal(plain.params_, rnn._optimizer["raw_params"])


def dict_of(rnn, params):
    return rnn._fitted_model().network.views(params)


def test_other_weights_and_no_more_averaging_go_on_from_what_is_given_back(file):
    X, y = data(RNNRegressor, "many_to_one", 16)
    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY).fit(X, y)
    rnn.save_weights(file)
    loaded = RNNRegressor(random_state=0).load_weights(file)
    np.testing.assert_array_equal(loaded.params_, rnn.params_)
    params = rnn.params_.copy()
    replaced, reloaded, stopped = (pickle.loads(pickle.dumps(rnn)) for _ in range(3))
    replaced.set_weights(dict(rnn.weights_)).partial_fit(X, y)
    reloaded.load_weights(file).partial_fit(X, y)
    assert same_state(replaced, reloaded)
    stopped.set_params(ema_decay=None).partial_fit(X, y)
    # One update: its average is the weights after it.
    np.testing.assert_array_equal(stopped.params_, replaced.params_)
    assert "raw_params" not in stopped._optimizer
    assert 0 < np.abs(stopped.params_ - params).max() < 0.1
    assert np.abs(rnn.partial_fit(X, y).params_ - stopped.params_).max() > 1e-3


def test_a_new_solver_continues_the_average(recorded):
    X, y = data(RNNRegressor, "many_to_one", 16)
    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY, dtype="float64").fit(X, y)
    rnn.set_params(solver="sgd").partial_fit(X, y)
    np.testing.assert_allclose(rnn.params_, closed_form(recorded), rtol=0, atol=1e-10)


@EITHER
def test_scales_that_move_are_absorbed_in_weights_and_average_alike(estimator):
    X, y = data(estimator, "many_to_one")
    settings = {**SETTINGS, "ema_decay": DECAY, "dtype": "float64"}
    options = {"classes": [0, 1]} if estimator is RNNClassifier else {}
    rnn = estimator(**settings).partial_fit(X, y, **options).partial_fit(X, y)
    behind = clone(rnn).set_params(ema_decay=None).partial_fit(X, y, **options)
    behind.params_ = rnn._optimizer["raw_params"].copy()
    predict = "predict_proba" if estimator is RNNClassifier else "predict"
    before = [getattr(each, predict)(X) for each in (rnn, behind)]
    rnn.set_params(learning_rate_init=1e-14)
    rnn.partial_fit(X + 0.5, y if estimator is RNNClassifier else y + 0.5)
    behind_now = pickle.loads(pickle.dumps(rnn))
    behind_now.params_ = rnn._optimizer["raw_params"].copy()
    assert not np.allclose(rnn.x_mean_, behind.x_mean_)
    # The raw weights hardly move, and compute what they did; the average moves towards them.
    np.testing.assert_allclose(getattr(behind_now, predict)(X), before[1], rtol=1e-9)
    # Share of the average before in that after three more updates:
    share = (1 - DECAY**6) * DECAY**3 / (1 - DECAY**9)
    absorbed = pickle.loads(pickle.dumps(rnn))
    absorbed.params_ = (rnn.params_ - (1 - share) * rnn._optimizer["raw_params"]) / share
    np.testing.assert_allclose(getattr(absorbed, predict)(X), before[0], rtol=1e-6)


def test_early_stopping_validates_and_keeps_the_average():
    X, y = data(RNNClassifier, "many_to_one")
    seen = []

    def look(rnn, info):
        seen.append((rnn.params_.copy(), info["validation_score"], rnn.score(X, y)))

    settings = {**SETTINGS, "max_iter": 6, "ema_decay": 0.95, "learning_rate_init": 0.05}
    rnn = RNNClassifier(**settings, early_stopping=True, scoring="neg_log_loss")
    rnn.fit(X, y, X_val=X, y_val=y, callbacks=look)
    plain = RNNClassifier(**settings).fit(X, y, callbacks=lambda r, _: seen.append(r.params_))
    best = int(np.argmax(rnn.validation_scores_))
    np.testing.assert_array_equal(rnn.params_, seen[best][0])
    # They are the averages of the same fit without validation.
    for (params, *_), same in zip(seen[:6], seen[6:], strict=True):
        np.testing.assert_array_equal(params, same)
    assert "raw_params" in plain._optimizer and "raw_params" not in rnn._optimizer
    X, y = data(RNNRegressor, "many_to_one")
    seen.clear()
    RNNRegressor(**settings, early_stopping=True).fit(X, y, X_val=X, y_val=y, callbacks=look)
    assert [score for _, score, _ in seen] == [score for *_, score in seen]


def test_ctrl_c_gives_the_average_back(recorded):
    X, y = data(RNNRegressor, "many_to_one")

    def interrupt(rnn, info):
        if info["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGINT)

    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY)
    with pytest.warns(UserWarning, match="interrupted by user"):
        rnn.fit(X, y, callbacks=interrupt)
    assert len(recorded) == 6
    np.testing.assert_allclose(rnn.params_, closed_form(recorded), rtol=0, atol=1e-4)


def test_vectors_of_codes_never_seen_stay_and_unknown_ones_are_the_mean():
    rng = np.random.RandomState(0)
    X = rng.randint(0, 6, size=(40, 4, 1))
    settings = {**SETTINGS, "categorical_features": "all", "embedding_dim": 2, "ema_decay": DECAY}
    rnn = RNNRegressor(**settings).fit(X, X.sum(axis=(1, 2)))
    (name,) = [name for name in rnn.weights_ if "embedding" in name]
    table = rnn.weights_[name]
    np.testing.assert_allclose(table[-1], table[:-1].mean(axis=0), rtol=1e-6)
    few = X[:16] % 3
    rnn.partial_fit(few, few.sum(axis=(1, 2)))
    raw = dict_of(rnn, rnn._optimizer["raw_params"])[name]
    assert (rnn.weights_[name][:3] != table[:3]).any(axis=1).all()
    first = rnn.set_weights(dict(rnn.weights_)).weights_[name]
    rnn.partial_fit(few, few.sum(axis=(1, 2))).partial_fit(few, few.sum(axis=(1, 2)))
    np.testing.assert_array_equal(rnn.weights_[name][3:-1], first[3:-1])
    assert raw.shape == first.shape


def test_an_average_survives_pickles_and_grids():
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY).fit(X, y)
    assert "ema_decay=0.8" in repr(rnn)
    assert same_state(clone(rnn).fit(X, y), rnn)
    search = GridSearchCV(rnn, {"ema_decay": [None, DECAY]}, cv=2).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, "0.9", True, np.nan])
def test_a_wrong_decay_is_refused_by_name(value):
    with pytest.raises(ValueError, match="`ema_decay` must be"):
        RNNRegressor(2, ema_decay=value).fit(np.ones((4, 2, 1)), np.arange(4.0))


@pytest.mark.parametrize("name, value", [("raw_params", None), ("n_averaged", -1), ("both", None)])
def test_a_damaged_average_is_noticed(name, value):
    X, y = data(RNNRegressor, "many_to_one")
    rnn = RNNRegressor(**SETTINGS, ema_decay=DECAY).fit(X, y)
    if name == "both":
        del rnn._optimizer["n_averaged"]
    else:
        rnn._optimizer[name] = value
    with pytest.raises(ValueError, match="_optimizer"):
        pickle.loads(pickle.dumps(rnn))
    with pytest.raises(ValueError, match="_optimizer"):
        rnn.partial_fit(X, y)
