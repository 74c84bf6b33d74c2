"""SequenceAutoencoder: vectors of sequences, and sequences of vectors."""

import pickle

import numpy as np
import pytest
from fits import same_state
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_rnn._model.halves import decode_from
from sklearn_rnn.seq2seq import Seq2SeqRegressor, SequenceAutoencoder

TINY = {"hidden_layer_sizes": 6, "max_iter": 4, "random_state": 0}
GOOD = {"hidden_layer_sizes": 12, "max_iter": 80, "learning_rate_init": 0.01}


def waves(n=80, n_timesteps=10, seed=0):
    phase = np.random.RandomState(seed).uniform(0, 6, size=(n, 1))
    return 5 + 2 * np.sin(phase + 0.6 * np.arange(n_timesteps))


def mixed(n=60, seed=0):
    """Draw sequences of a number and a code, which repeat their first step."""
    rng = np.random.RandomState(seed)
    return [
        np.tile([rng.choice([-1.0, 1.0]), rng.choice([2, 5, 7])], (rng.randint(2, 5), 1))
        for _ in range(n)
    ]


def make(**params):
    return SequenceAutoencoder(**{**TINY, **params})


def test_waves_come_back_and_noise_is_unusual():
    X = waves()
    rnn = make(**GOOD).fit(X)
    vectors = rnn.transform(X)
    assert vectors.shape == (80, 24) and len(rnn.get_feature_names_out()) == 24
    back = rnn.inverse_transform(vectors)
    assert back.shape == X.shape
    assert 1 - ((back - X) ** 2).mean() / X.var() > 0.95
    noise = np.random.RandomState(1).normal(5, 2, size=(20, 10))
    assert rnn.score_samples(X).mean() > rnn.score_samples(noise).max()
    np.testing.assert_allclose(rnn.score(X), -((back - X) ** 2).mean() / X.var(), rtol=0.05)


def test_codes_and_numbers_come_back():
    X = mixed()
    rnn = make(**GOOD, categorical_features=[1]).fit(X)
    lengths = [len(x) for x in X]
    back = rnn.inverse_transform(rnn.transform(X), lengths)
    right = [np.allclose(a, b, atol=0.5) for a, b in zip(X, back, strict=True)]
    assert np.mean(right) > 0.95
    assert rnn.score_samples(X).shape == (60,) and (rnn.score_samples(X) <= 0).all()
    unknown = [np.tile([1.0, 9.0], (3, 1))]
    assert rnn.score_samples(unknown) < rnn.score_samples(X).mean()
    with pytest.raises(ValueError, match="`n_timesteps` must be given"):
        rnn.inverse_transform(rnn.transform(X))
    alone = make(categorical_features="all").fit([x[:, 1:] for x in X])
    assert set(
        np.concatenate(alone.inverse_transform(alone.transform([X[0][:, 1:]]), 3)).ravel()
    ) <= {2, 5, 7}


def test_the_decoder_alone_computes_what_it_does_behind_the_encoder():
    X = waves(5)
    rnn = make(cell="lstm", hidden_layer_sizes=(5, 4), dtype="float64").fit(X)
    model = rnn._fitted_model()
    sequences = model.read(X, "rnn")
    fed = model.target.fed(model.target.encode(sequences))
    expected = model.taught_outputs(sequences, fed, 1).reshape(5, 10, 1)
    steps = iter(fed.values.reshape(5, 10, 1).swapaxes(0, 1))
    vectors = model.vectors(sequences, 1)
    got = decode_from(model.network, model.params, vectors, 10, lambda outputs, n: next(steps))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"bidirectional": False, "decoder_layer_sizes": 9},
        {"teacher_forcing": 0.5, "early_stopping": True},
        {"cell": "lstm", "decoder_cell": "mgu", "dropout": 0.1, "output_layer_sizes": 4},
    ],
    ids=str,
)
def test_options_learn(options):
    X = np.stack([waves(40), waves(40, seed=1)], axis=2)
    rnn = make(**options, max_iter=10).fit(X)
    assert rnn.loss_curve_[-1] < rnn.loss_curve_[0]
    assert rnn.inverse_transform(rnn.transform(X)).shape == X.shape


def test_rows_depend_on_no_other(tmp_path):
    X = mixed(20)
    fits = [make(categorical_features=[1], n_threads=n).fit(X) for n in (1, 2)]
    assert np.array_equal(fits[0].params_, fits[1].params_)
    rnn = fits[0]
    for x, vector, score in zip(X, rnn.transform(X), rnn.score_samples(X), strict=True):
        np.testing.assert_array_equal(rnn.transform([x])[0], vector)
        np.testing.assert_array_equal(rnn.score_samples([x])[0], score)


def test_it_is_a_transformer(tmp_path):
    X = waves(40)
    rnn = make().fit(X)
    assert clone(rnn).get_params() == rnn.get_params()
    assert same_state(pickle.loads(pickle.dumps(rnn)), rnn)
    np.testing.assert_array_equal(make().fit_transform(X), rnn.transform(X))
    pipeline = make_pipeline(make(), LogisticRegression()).fit(X, X[:, 0] > 5)
    assert pipeline.score(X, X[:, 0] > 5) > 0.6
    for categorical, data in ((None, X), ([1], mixed(20))):
        rnn = make(categorical_features=categorical).fit(data)
        rnn.save_weights(tmp_path / "rnn.npz")
        loaded = SequenceAutoencoder().load_weights(tmp_path / "rnn.npz")
        np.testing.assert_array_equal(loaded.transform(data), rnn.transform(data))
        np.testing.assert_array_equal(loaded.score_samples(data), rnn.score_samples(data))
        loaded.partial_fit(data)
        with pytest.raises(ValueError, match="`file` must hold a network for Seq2SeqRegressor"):
            Seq2SeqRegressor().load_weights(tmp_path / "rnn.npz")


@pytest.mark.parametrize("categorical", [None, [1]])
def test_weights_of_zero_leave_sequences_out(categorical):
    X = mixed(12)
    weights = np.arange(12.0) % 3
    options = {"categorical_features": categorical}
    rnn = make(**options).fit(X, sample_weight=weights)
    assert len(weights) - np.count_nonzero(weights) == 4
    kept = np.flatnonzero(weights)
    alone = make(**options).fit([X[i] for i in kept], sample_weight=weights[kept])
    same = (rnn.weights_[name] == alone.weights_[name] for name in rnn.weights_)
    assert all(each.all() for each in same)


def test_x_is_what_is_missing():
    with pytest.raises(ValueError, match="`X` must hold sequences"):
        make().fit(None)


def test_bad_vectors_are_refused():
    rnn = make(max_iter=1).fit(waves(20))
    for bad in (np.zeros((2, 3)), np.zeros(12), np.zeros((0, 12))):
        with pytest.raises(ValueError, match=r"`vectors` must have shape \(n_samples, 12\)"):
            rnn.inverse_transform(bad)
    with pytest.raises(ValueError, match="`vectors"):
        rnn.inverse_transform(np.full((1, 12), np.nan))
    for bad in (0, [1, 2], 1.5):
        with pytest.raises(ValueError, match="`n_timesteps` must be an integer"):
            rnn.inverse_transform(np.zeros((1, 12)), bad)


def test_strings_come_back():
    pd = pytest.importorskip("pandas")
    X = [
        pd.DataFrame({"number": x[:, 0], "code": [f"c{code:.0f}" for code in x[:, 1]]})
        for x in mixed()
    ]
    rnn = make(**GOOD, categorical_features=["code"]).fit(X)
    back = rnn.inverse_transform(rnn.transform(X), [len(x) for x in X])
    assert (
        np.mean([x["code"].tolist() == b[:, 1].tolist() for x, b in zip(X, back, strict=True)])
        > 0.95
    )
    assert back[0].dtype == object and abs(back[0][0, 0] - X[0]["number"][0]) < 0.5


def test_sequences_without_weight_are_left_out():
    X, weight = mixed(30), np.arange(30) % 3
    kept = np.flatnonzero(weight)
    fits = [
        make(categorical_features=[1]).fit(data, sample_weight=weights)
        for data, weights in ((X, weight), ([X[i] for i in kept], weight[kept]))
    ]
    np.testing.assert_array_equal(fits[0].params_, fits[1].params_)
    scores = fits[0].score_samples(X)
    expected = np.average(scores, weights=weight)
    for factor in (1.0, 1e307):
        np.testing.assert_allclose(fits[0].score(X, sample_weight=weight * factor), expected)


def test_early_stopping_uses_the_score():
    X = waves(40)
    rnn = make(early_stopping=True).fit(X, X_val=X)
    np.testing.assert_allclose(rnn.best_validation_score_, rnn.score(X), rtol=1e-6)
    with pytest.raises(ValueError, match="`scoring`='r2' cannot score these targets"):
        make(early_stopping=True, scoring="r2").fit(X)
