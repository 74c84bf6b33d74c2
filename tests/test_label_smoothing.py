"""Label smoothing: what it adds to the losses of classes, and where it counts."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import (
    CLASSIFYING,
    RTOL_DIFFERENCES,
    assert_close,
    assert_results_agree,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_engine,
    make_network,
    predict,
    run_engine,
    run_reference,
    simd_level,
)
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, _core

GRU = ("gru", ())
each_loss = pytest.mark.parametrize("loss", CLASSIFYING)


def problem(loss, dtype="float64", label_smoothing=0.2, n_outputs=3):
    network = make_network(GRU, loss=loss, per_step=True, dtype=dtype, n_outputs=n_outputs)
    network = replace(network, label_smoothing=label_smoothing)
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    return network, params, draw_dataset(network, (4, 1, 3), rng, weighted=True)


# ---- the core -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_loss
def test_losses_and_gradients_are_those_of_the_reference(loss, dtype, level):
    network, params, data = problem(loss, dtype, n_outputs=19)
    with simd_level(level):
        assert_results_agree(
            network, run_engine(network, params, data), run_reference(*problem(loss, n_outputs=19))
        )


@each_loss
def test_gradients_are_those_of_central_differences(loss):
    network, params, data = problem(loss)
    _, d_params = loss_and_grad(network, params, data)
    expected = reference.numerical_gradient(
        lambda p: loss_and_grad(network, p, data)[0], params.copy()
    )
    assert_close(d_params, expected, RTOL_DIFFERENCES)


def test_the_loss_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    z = np.random.default_rng(0).standard_normal((7, 5))
    y = np.arange(7) % 5
    losses, _ = reference.softmax_loss(z, y[:, np.newaxis], label_smoothing=0.3)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(z), torch.tensor(y), reduction="none", label_smoothing=0.3
    )
    assert_close(losses[:, 0], expected.numpy(), 1e-12)


@each_loss
def test_only_training_smooths(loss):
    network, params, data = problem(loss)
    plain = replace(network, label_smoothing=0.0)
    raw = predict(network, params, data, raw=True)
    np.testing.assert_array_equal(raw, predict(plain, params, data, raw=True))
    of_both = [
        make_engine(each, params, data, training=False).row_losses(data, raw)
        for each in (network, plain)
    ]
    np.testing.assert_array_equal(*of_both)
    assert loss_and_grad(network, params, data)[0] != loss_and_grad(plain, params, data)[0]


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.0, np.nan])
def test_the_engine_refuses_other_shares(label_smoothing):
    with pytest.raises(ValueError, match="`label_smoothing` must be at least 0 and below 1"):
        replace(problem("softmax")[0], label_smoothing=label_smoothing).engine([3], 1, 1, True)


def test_the_engine_smooths_no_numbers():
    network = replace(make_network(GRU), label_smoothing=0.1)
    with pytest.raises(ValueError, match="`label_smoothing` must be 0 unless the loss is one of c"):
        network.engine([3], 1, 1, True)


# ---- the estimator ------------------------------------------------------------------------------

X = np.random.default_rng(0).standard_normal((40, 5, 2))
TARGETS = {
    "two classes": (X[:, :, 0].sum(axis=1) > 0).astype(int),
    "three classes": np.digitize(X[:, :, 0].sum(axis=1), [-1, 1]),
    "labels": (X[:, :, :].sum(axis=1) > 0).astype(int),
    "columns": np.digitize(X.sum(axis=1), [-1, 1]),
}


def classifier(**options):
    given = {"max_iter": 3, "random_state": 0, "dtype": "float64"} | options
    return RNNClassifier(4, **given)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_it_changes_what_is_learned(y, solver):
    plain = classifier(solver=solver, max_grad_norm=None).fit(X, y)
    rnn = clone(plain).set_params(label_smoothing=0.3).fit(X, y)
    assert not np.array_equal(rnn.params_, plain.params_)
    assert np.array_equal(
        clone(rnn).set_params(label_smoothing=0.0).fit(X, y).params_, plain.params_
    )


def test_a_learned_network_is_as_sure_as_its_targets_and_reports_the_smoothed_loss():
    codes = np.repeat([0.0, 1.0, 2.0], 10)
    rnn = classifier(label_smoothing=0.3, max_iter=300, learning_rate_init=0.05, tol=0.0)
    rnn.fit(codes.reshape(-1, 1, 1), codes.astype(int))
    p = rnn.predict_proba(codes.reshape(-1, 1, 1))
    targets = reference.smoothed(np.eye(3)[codes.astype(int)], 0.3)
    np.testing.assert_allclose(p, targets, atol=0.02)
    entropy = -(targets * np.log(targets)).sum(axis=1).mean()
    assert rnn.loss_ == pytest.approx(entropy, abs=1e-2)


def test_validation_compares_with_the_labels_themselves():
    y = TARGETS["three classes"]
    rnn = classifier(label_smoothing=0.3, early_stopping=True, scoring="loss", max_iter=1)
    rnn.fit(X, y, X_val=X, y_val=y)
    p = rnn.predict_proba(X)[np.arange(len(y)), y]
    assert rnn.validation_scores_ == pytest.approx([np.log(p).mean()])


def test_it_may_change_when_a_fit_goes_on():
    y = TARGETS["three classes"]
    rnn = classifier(label_smoothing=0.3).fit(X, y)
    again = pickle.loads(pickle.dumps(rnn))
    rnn.set_params(label_smoothing=0.0).partial_fit(X, y)
    again.partial_fit(X, y)
    assert not np.array_equal(rnn.params_, again.params_)
    again.set_params(warm_start=True, label_smoothing=0.1).fit(X, y)


def test_a_search_tries_shares():
    grid = {"label_smoothing": [0.0, 0.1, 0.5]}
    search = GridSearchCV(classifier(), grid, cv=2, scoring="neg_log_loss", error_score="raise")
    scores = search.fit(X, TARGETS["three classes"]).cv_results_["mean_test_score"]
    assert len(set(scores)) == 3


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.0, "a", None])
def test_the_estimator_refuses_other_shares(label_smoothing):
    with pytest.raises((TypeError, ValueError), match="`label_smoothing` must be a"):
        classifier(label_smoothing=label_smoothing).fit(X, TARGETS["two classes"])
