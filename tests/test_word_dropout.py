"""Word dropout: training replaces codes at random by the unknown one, whose vector it so trains."""

import pickle

import numpy as np
import pytest
import reference
from cases import (
    RTOL_DIFFERENCES,
    assert_close,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_engine,
    predict,
    run_reference,
    set_optimizer,
    simd_level,
)
from networks import DATA, Network, add_node
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from workspaces import least_budget

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._model.network import ready

ROWS, UNKNOWN = 7, 6


def problem(word_dropout=0.4, dtype="float64", lengths=(4, 6, 1, 3)):
    nodes = []
    options = (("rows", ROWS), ("word_dropout", word_dropout), ("unknown", UNKNOWN))
    for column in (1, 2):
        of_column = (("column", column), *options)
        add_node(nodes, "embed", [], f"e{column}", units=3, options=of_column)
    add_node(nodes, "recurrent", [DATA, 0, 1], "l0", units=4, cell="gru")
    add_node(nodes, "head", [2], "head", units=2)
    network = Network(3, tuple(nodes), "squared_error", 1.0, True, dtype)
    rng = np.random.default_rng(0)
    return network, draw_params(network, rng), draw_dataset(network, lengths, rng)


# ---- the core -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_reads_what_the_reference_reads(dtype, level):
    network, params, data = problem(dtype=dtype)
    rtol = {"float32": 1e-5, "float64": 1e-12}[dtype]
    with simd_level(level):
        for update in (1, 2):
            loss, d_params = loss_and_grad(
                network, params, data, seed=5, update=update, dropout=True
            )
            expected = run_reference(*problem(), dropping=(5, update))
            assert_close(loss, expected.loss, rtol)
            assert_close(d_params, expected.d_params, rtol)


def test_gradients_are_those_of_central_differences():
    network, params, data = problem()
    options = {"seed": 5, "update": 1, "dropout": True}
    _, d_params = loss_and_grad(network, params, data, **options)
    expected = reference.numerical_gradient(
        lambda p: loss_and_grad(network, p, data, **options)[0], params.copy()
    )
    assert_close(d_params, expected, RTOL_DIFFERENCES)


def test_each_column_and_step_is_drawn_with_this_probability():
    n, rate = 4000, 0.3
    nodes = []
    options = (("rows", 2), ("word_dropout", rate), ("unknown", 1))
    for column in range(2):
        of_column = (("column", column), *options)
        add_node(nodes, "embed", [], f"e{column}", units=1, options=of_column)
    add_node(nodes, "head", [0, 1], "head", units=2)
    network = Network(2, tuple(nodes), "squared_error", 1.0, True, "float64")
    params = np.zeros(network.n_params)
    views = network.views(params)
    views["e0.weight"][1] = views["e1.weight"][1] = 1.0  # the unknown code
    views["head.weight"][...] = np.eye(2)
    data = _core.Dataset(np.zeros((n, 2)), np.arange(0, n + 1, 4), np.zeros((n, 2)))
    engine = make_engine(network, params, data, training=True)
    engine.weigh_by(1.0, 0.0)
    with ready(engine):
        _, d_params = engine.loss_and_grad(data, update=1, dropout=True)
    # The gradient of head.weight counts how often each is drawn, and both together.
    drawn = network.views(d_params)["head.weight"]
    assert drawn[0, 0] / n == pytest.approx(rate, abs=0.03)
    assert drawn[1, 1] / n == pytest.approx(rate, abs=0.03)
    assert drawn[0, 1] / n == pytest.approx(rate**2, abs=0.02)


def test_only_training_drops():
    network, params, data = problem()
    plain = problem(0.0)[0]
    np.testing.assert_array_equal(predict(network, params, data), predict(plain, params, data))
    losses = [loss_and_grad(each, params, data)[0] for each in (network, plain)]
    assert losses[0] == losses[1]


def test_neither_threads_nor_memory_change_a_bit():
    lengths = np.random.default_rng(0).integers(1, 40, 60)
    network, start, data = problem(lengths=lengths)
    results = []
    least = least_budget(network, start, data)
    for n_threads, memory_budget in ((1, None), (2, None), (3, least)):
        params, state = start.copy(), np.zeros((2, len(start)))
        engine = make_engine(
            network, params, data, training=True, n_threads=n_threads, memory_budget=memory_budget
        )
        set_optimizer(engine, "adam")
        with ready(engine):
            for update in (1, 2):
                engine.train_minibatch(data, np.arange(60), params, state, 0.01, update)
        results.append(params)
    for params in results[1:]:
        np.testing.assert_array_equal(params, results[0])


def test_the_row_of_unknown_codes_must_be_in_the_table():
    nodes = []
    options = (("rows", 3), ("unknown", 3))
    add_node(nodes, "embed", [], options=options, units=2)
    add_node(nodes, "head", [0], "head", units=1)
    with pytest.raises(ValueError, match=r"`embed\.unknown` must be below `rows`=3, got 3"):
        _core.tensors(1, nodes)


# ---- the estimators -----------------------------------------------------------------------------

X = np.random.default_rng(0).integers(0, 5, (40, 6, 1))
Y = {RNNClassifier: (X == 2).any(axis=(1, 2)).astype(int), RNNRegressor: (X == 2).sum(axis=(1, 2))}
EITHER = pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])


def make(estimator, **options):
    given = {"categorical_features": "all", "embedding_dim": 3, "max_iter": 3, "random_state": 0}
    return estimator(4, **{"word_dropout": 0.3, **given, **options})


@EITHER
def test_the_vector_of_unknown_codes_is_trained(estimator):
    fitted = make(estimator).fit(X, Y[estimator])
    table = fitted.weights_["embedding_0.weight"]
    assert not np.allclose(table[-1], table[:-1].mean(axis=0))
    plain = make(estimator, word_dropout=0.0).fit(X, Y[estimator]).weights_["embedding_0.weight"]
    np.testing.assert_allclose(plain[-1], plain[:-1].mean(axis=0), rtol=1e-6)
    averaged = make(estimator, ema_decay=0.5).fit(X, Y[estimator]).weights_["embedding_0.weight"]
    assert not np.allclose(averaged[-1], averaged[:-1].mean(axis=0))


@EITHER
def test_it_is_copied_saved_and_goes_on(estimator, tmp_path):
    y = Y[estimator]
    rnn = make(estimator, bptt=3, ema_decay=0.5).fit(X, y)
    assert "word_dropout=0.3" in repr(rnn)
    np.testing.assert_array_equal(clone(rnn).fit(X, y).params_, rnn.params_)
    again = pickle.loads(pickle.dumps(rnn))
    rnn.save_weights(tmp_path / "rnn.npz")
    loaded = estimator().load_weights(tmp_path / "rnn.npz")
    assert loaded.word_dropout == 0.3
    np.testing.assert_array_equal(loaded.predict(X), rnn.predict(X))
    np.testing.assert_array_equal(again.partial_fit(X, y).params_, rnn.partial_fit(X, y).params_)
    rnn.set_params(word_dropout=0.0, warm_start=True).fit(X, y)


@EITHER
def test_a_frozen_table_stays_as_it_is(estimator):
    rnn = make(estimator, frozen="embedding*").fit(X, Y[estimator])
    table = rnn.weights_["embedding_0.weight"]
    np.testing.assert_allclose(table[-1], table[:-1].mean(axis=0), rtol=1e-6)
    other = clone(rnn).set_params(word_dropout=0.0).fit(X, Y[estimator])
    assert not np.array_equal(other.params_, rnn.params_)  # codes are dropped all the same


def test_unknown_codes_are_predicted_better_than_by_a_mean():
    # A target that only some codes tell; of unknown ones the mean target is best.
    rng = np.random.default_rng(0)
    X = rng.integers(0, 40, (400, 1, 1))
    y = (X[:, 0, 0] % 7 == 0) * 5.0
    unknown = np.full((1, 1, 1), 99)
    settings = {"max_iter": 60, "learning_rate_init": 0.02, "tol": 0.0}
    errors = []
    for rate in (0.0, 0.2):
        rnn = make(RNNRegressor, word_dropout=rate, **settings).fit(X, y)
        errors.append(abs(rnn.predict(unknown)[0] - y.mean()))
    assert errors[1] < 0.4 and errors[1] < errors[0]


def test_a_search_tries_it():
    search = GridSearchCV(make(RNNClassifier), {"word_dropout": [0.0, 0.5]}, cv=2)
    search.fit(X, Y[RNNClassifier])


@EITHER
@pytest.mark.parametrize("value", [-0.1, 1.0, "a", None])
def test_other_rates_are_refused(estimator, value):
    with pytest.raises((TypeError, ValueError), match="`word_dropout` must be a"):
        make(estimator, word_dropout=value).fit(X, Y[estimator])
    with pytest.raises(ValueError, match=r"`word_dropout` must be 0 with solver='lbfgs'"):
        make(estimator, solver="lbfgs").fit(X, Y[estimator])
