"""Seq2SeqRegressor: what it learns, predicts and keeps."""

import pickle
import re

import numpy as np
import pytest
from fits import same_state
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import GridSearchCV

from sklearn_rnn.seq2seq import Seq2SeqRegressor

TINY = {"hidden_layer_sizes": 8, "max_iter": 4, "random_state": 0}
GOOD = {"hidden_layer_sizes": 16, "max_iter": 60, "learning_rate_init": 0.01}


def waves(n=80, before=12, after=8, seed=0):
    phase = np.random.RandomState(seed).uniform(0, 6, size=(n, 1))
    y = np.sin(phase + 0.4 * np.arange(before + after))
    return y[:, :before], 100 + 10 * y[:, before:]


def ragged(n=40, seed=0):
    """Draw sequences, and targets of other lengths with two columns."""
    rng = np.random.RandomState(seed)
    X = [rng.normal(size=(rng.randint(1, 6), 2)) for _ in range(n)]
    return X, [np.outer(np.arange(rng.randint(1, 5)), x.mean(axis=0)) for x in X]


def make(**params):
    return Seq2SeqRegressor(**{**TINY, **params})


def test_losses_of_a_changing_share_of_true_targets_do_not_end_training():
    X, y = waves(20)
    settings = {"learning_rate_init": 1e-9, "n_iter_no_change": 2, "max_iter": 30}  # no progress
    ends = {
        share: make(**settings, teacher_forcing=share).fit(X, y).n_iter_
        for share in (1.0, 0.3, "linear", lambda done: max(0.0, 1 - 2 * done))
    }
    *fixed, linear, halfway = ends.values()
    assert max(fixed) < 15 < halfway < linear == 30
    assert make(**settings, teacher_forcing="linear", early_stopping=True).fit(X, y).n_iter_ < 15


@pytest.mark.parametrize("attention", [None, "additive", "general"], ids=str)
def test_it_learns_to_go_on_with_waves(attention):
    X, y = waves()
    rnn = make(**GOOD, attention=attention).fit(X, y)
    assert rnn.horizon_ == 8 and rnn.score(X, y) > 0.98
    assert rnn.predict(X).shape == y.shape and rnn.predict(X).dtype == np.float64
    longer = rnn.predict(X[:5], horizon=9)
    np.testing.assert_array_equal(longer[:, :8], rnn.predict(X[:5]))
    for got, n in zip(rnn.predict(X[:2], horizon=[3, 9]), (3, 9), strict=True):
        assert got.shape == (n,)
    np.testing.assert_array_equal(got, longer[1])


def test_attention_has_a_row_for_each_predicted_step():
    X, y = ragged(300)
    rnn = make(attention="general", max_iter=1).fit(X, y)
    for x, found in zip(X, rnn.attention_weights(X, horizon=3), strict=True):
        assert found.shape == (3, len(x))
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="needs an estimator that was fitted with `attention`"):
        make(max_iter=1).fit(X, y).attention_weights(X, horizon=3)


def test_predictions_are_those_of_outputs_fed_back():
    X, y = ragged()
    rnn = make(dtype="float64").fit(X, y)
    model, found = rnn._fitted_model(), rnn.predict(X, horizon=4)
    sequences = model.read(X, "rnn")
    rows = model.target.numbers.encode(found.reshape(-1, 2))
    fed = model.target.fed(rows, 4 * np.arange(len(X) + 1), None, np.float64)
    outputs = model.taught_outputs(sequences, fed, 1)
    np.testing.assert_allclose(outputs, rows, rtol=0, atol=1e-11)


def test_known_inputs_are_read_at_their_steps():
    rng = np.random.RandomState(0)
    X, known = rng.normal(size=(150, 3, 1)), rng.normal(scale=5.0, size=(150, 6))
    y = known + X.sum(axis=1)
    rnn = make(**GOOD).fit(X, y, X_future=known)
    assert rnn.score(X, y, X_future=known) > 0.9 > 0.5 > make(**GOOD).fit(X, y).score(X, y)
    np.testing.assert_allclose(rnn.x_future_mean_, known.mean(), rtol=1e-10)
    assert rnn.predict(X, X_future=known[:, :4]).shape == (150, 4)
    lists = [row[: 1 + i % 6, np.newaxis] for i, row in enumerate(known)]
    assert [len(row) for row in rnn.predict(X, X_future=lists)] == list(map(len, lists))
    stopping = {"early_stopping": True, "max_iter": 3}
    stopping_on = {"X_val": X, "y_val": y}
    for given in ({}, {"X_val": X, "y_val": y, "X_future_val": known}):
        assert make(**stopping).fit(X, y, X_future=known, **given).n_iter_ == 3
    with pytest.raises(ValueError, match="`X_future` must be given, because `fit` got it"):
        rnn.predict(X)
    with pytest.raises(ValueError, match="`X_future` must be None, because `fit` got no"):
        make().fit(X, y).predict(X, X_future=known)
    with pytest.raises(ValueError, match="one row of features for each step of `y`"):
        make().fit(X, y, X_future=known[:, :5])
    with pytest.raises(ValueError, match="must have 1 features per step"):
        rnn.predict(X, X_future=np.zeros((150, 6, 2)))
    with pytest.raises(ValueError, match="`horizon` must be the number of steps of `X_future`"):
        rnn.predict(X, horizon=2, X_future=known)
    with pytest.raises(ValueError, match="`X_future` must be at most"):
        rnn.predict(X, X_future=known * 1e200)
    for name, given in (
        ("`X_future_val` needs `X_val`", {"X_future_val": known}),
        ("`X_future_val` must have one row", {**stopping_on, "X_future_val": known[:, :4]}),
        ("`X_future_val` must be at most", {**stopping_on, "X_future_val": known * 1e200}),
    ):
        with pytest.raises(ValueError, match=name):
            make(**stopping).fit(X, y, X_future=known, **given)


def test_known_inputs_that_are_too_large_are_refused():
    X, y = waves(8)
    rnn = make().fit(X, y, X_future=y)
    huge = np.full(y.shape, 1e308)
    before = pickle.dumps(rnn)
    for method, *given in (("predict",), ("score", y), ("partial_fit", y)):
        with pytest.raises(ValueError, match="`X_future` must be at most 1e\\+30"):
            getattr(rnn, method)(X, *given, X_future=huge)
    assert pickle.dumps(rnn) == before


def test_targets_may_have_columns_and_several_lengths():
    X, y = ragged()
    rnn = make().fit(X, y)
    assert rnn.horizon_ is None and rnn.y_mean_.shape == (2,)
    assert rnn.predict(X, horizon=3).shape == (40, 3, 2)
    with pytest.raises(ValueError, match="`horizon` must be given"):
        rnn.predict(X)
    assert rnn.score(X, y) <= 1
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(rnn.score(X[:1], [np.zeros((1, 2))]))
    array = make().fit(waves()[0], waves()[1][..., np.newaxis])
    assert array.predict(waves()[0]).shape == (80, 8, 1)


def test_one_row_makes_a_sequence():
    X = np.random.RandomState(0).uniform(-1, 1, size=(100, 1, 1))
    y = X[..., 0] * np.arange(5)
    assert make(**GOOD).fit(X, y).score(X, y) > 0.95


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "poisson", "gamma"])
def test_losses_learn(loss):
    X, y = waves()
    rnn = make(loss=loss, max_iter=8).fit(X, y / 100)
    assert rnn.loss_curve_[-1] < rnn.loss_curve_[0]
    assert np.isfinite(rnn.predict(X)).all()


def test_scheduled_sampling_feeds_predictions():
    X, y = waves(30)
    taught = make().fit(X, y)
    mixed = [make(teacher_forcing=0.5, n_threads=n).fit(X, y) for n in (1, 2)]
    assert np.array_equal(mixed[0].params_, mixed[1].params_)
    assert not np.array_equal(mixed[0].params_, taught.params_)


def test_rows_depend_neither_on_neighbours_nor_on_threads():
    X, y = ragged()
    fits = [make(n_threads=n, batch_size=9, attention=None).fit(X, y) for n in (1, 2)]
    assert np.array_equal(fits[0].params_, fits[1].params_)
    together = fits[0].predict(X, horizon=4)
    for x, row in zip(X, together, strict=True):
        np.testing.assert_array_equal(fits[0].predict([x], horizon=4)[0], row)


def test_weights_leave_sequences_out():
    X, y = waves(30)
    weights = (np.arange(30) % 3 > 0).astype(float)
    expected = make().fit(X[weights > 0], y[weights > 0])
    y = np.where(weights[:, np.newaxis] > 0, y, np.nan)
    assert same_state(make().fit(X, y, weights), expected)


def test_it_is_an_estimator(tmp_path):
    X, y = waves(30)
    rnn = make(early_stopping=True).fit(X, y)
    assert clone(rnn).get_params() == rnn.get_params()
    assert same_state(pickle.loads(pickle.dumps(rnn)), rnn)
    rnn.save_weights(tmp_path / "rnn.safetensors")
    loaded = Seq2SeqRegressor().load_weights(tmp_path / "rnn.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), rnn.predict(X))
    search = GridSearchCV(make(max_iter=2), {"cell": ["gru", "lstm"]}, cv=2).fit(X, y)
    assert search.best_estimator_.predict(X).shape == y.shape


def test_partial_fit_follows_the_scale_of_y():
    X, y = waves(60)
    rnn = make().partial_fit(X, y)
    before, mean = rnn.predict(X), rnn.y_mean_.copy()
    rnn.set_params(learning_rate_init=1e-12).partial_fit(X, y + 2)
    assert rnn.y_mean_ > mean + 0.5
    # Zeros are fed at the first step, so that predictions change a little.
    assert np.abs(rnn.predict(X) - before).max() < 0.3 * before.std() + 1
    rnn = make(warm_start=True).fit(X, y)
    assert len(rnn.fit(X, y).loss_curve_) == 8


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (np.zeros(10), "one target per step"),
        (np.zeros((9, 2)), "for each of the 10 sequences of X, got 9"),
        ([[1.0]] * 9 + [[np.nan]], "sequence 9 has NaN at step 0"),
        ([[1.0]] * 9 + [[]], "`y[9]` has none"),
        ([["a"]] * 10, "must hold real numbers"),
        (np.zeros((10, 2, 2, 2)), "got shape"),
    ],
    ids=str,
)
def test_bad_targets_are_refused(y, text):
    X = np.random.RandomState(0).normal(size=(10, 3, 1))
    with pytest.raises(ValueError, match=re.escape(text)) as error:
        make().fit(X, y)
    assert "`y" in str(error.value)


@pytest.mark.parametrize("horizon", [0, 1.5, [1, 2], "2", [[1] * 30]], ids=str)
def test_bad_horizons_are_refused(horizon):
    X, y = waves(30)
    rnn = make(max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="`horizon` must be an integer"):
        rnn.predict(X, horizon=horizon)
