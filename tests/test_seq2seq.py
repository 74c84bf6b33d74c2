"""Seq2SeqClassifier: what it learns, finds, scores and keeps."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from fits import same_state
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_rnn._model import fitted_pair, pair_decoder
from sklearn_rnn._model.decoding import log_softmax
from sklearn_rnn._model.network import ready
from sklearn_rnn._training.pairs import PairsOfSequences
from sklearn_rnn.seq2seq import Seq2SeqClassifier

N_SYMBOLS = 4
ATTENTIONS = [None, "additive", "dot", "general"]
each_attention = pytest.mark.parametrize("attention", ATTENTIONS, ids=str)
TINY = {
    "hidden_layer_sizes": 8,
    "categorical_features": "all",
    "max_iter": 3,
    "random_state": 0,
    "merge_mode": "sum",  # "dot" needs equal widths
}


def draw(n=60, longest=4, seed=0):
    """Draw sequences of codes and their letters in reverse order."""
    rng = np.random.RandomState(seed)
    X = [rng.randint(N_SYMBOLS, size=(rng.randint(1, longest + 1), 1)) for _ in range(n)]
    return X, ["".join("abcd"[i] for i in x[::-1, 0]) for x in X]


def make(**params):
    return Seq2SeqClassifier(**{**TINY, **params})


@pytest.fixture(scope="module")
def reversed_words():
    X, y = draw(300)
    given = {"max_iter": 80, "learning_rate_init": 0.01, "attention": "additive", "batch_size": 32}
    return make(hidden_layer_sizes=24, **given).fit(X, y)


# ---- learning -----------------------------------------------------------------------------------


@each_attention
def test_it_learns_to_reverse_and_to_copy(attention):
    X, y = draw(200, longest=3)
    if attention == "dot":
        y = [word[::-1] for word in y]
    given = {"attention": attention, "max_iter": 60, "learning_rate_init": 0.02}
    seq2seq = make(hidden_layer_sizes=20, batch_size=32, **given).fit(X, y)
    assert seq2seq.score(X, y) > 0.97
    assert seq2seq.loss_curve_[-1] < 0.1 < 1.0 < seq2seq.loss_curve_[0]


def test_answers_may_be_longer_and_shorter_than_x():
    X = [np.array([[i], [j]]) for i in range(3) for j in range(3)] * 8
    y = ["x" * (x[0, 0] + 2 * x[1, 0]) for x in X]  # 0 to 6 letters
    seq2seq = make(hidden_layer_sizes=16, max_iter=150, learning_rate_init=0.02).fit(X, y)
    assert seq2seq.longest_target_ == 6 and seq2seq.classes_.tolist() == ["x"]
    assert seq2seq.score(X, y) == 1


def test_one_step_of_numbers_makes_a_sequence():
    X = np.random.RandomState(0).uniform(-1, 1, size=(150, 1, 1))
    y = [["low", "mid", "high"] if x[0, 0] > 0 else ["none"] for x in X]
    seq2seq = make(categorical_features=None, max_iter=80, learning_rate_init=0.02).fit(X, y)
    assert seq2seq.score(X, y) > 0.95
    assert seq2seq.predict(np.array([[[0.9]]]))[0].tolist() == ["low", "mid", "high"]


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm", "hidden_layer_sizes": (6, 5), "decoder_layer_sizes": (7, 4)},
        {"cell": "elman", "decoder_cell": "lstm", "bidirectional": False, "connections": "skip"},
        {
            "cell": ["gru", "mgu"],
            "hidden_layer_sizes": (6, 6),
            "connections": "residual",
            "layer_normalization": "layer",
            "output_layer_sizes": 5,
        },
        {"cell": "mingru", "dropout": 0.2, "input_dropout": 0.1, "label_smoothing": 0.1},
        {"cell": "indrnn", "solver": "sgd", "ema_decay": 0.9, "gradient_accumulation_steps": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("attention", [None, "additive", "general"], ids=str)
def test_options_of_the_networks_learn(options, attention):
    X, y = draw()
    rnn = make(merge_mode="concat", attention=attention, max_iter=6)
    rnn.set_params(**options).fit(X, y)
    assert rnn.loss_curve_[-1] < rnn.loss_curve_[0]
    assert len(rnn.predict(X[:3])) == 3


def test_scheduled_sampling_feeds_answers_and_gives_targets_back():
    X, y = draw()
    taught = make(attention="additive").fit(X, y)
    for share in (0.5, "linear", lambda done: 1 - done):
        mixed = make(attention="additive", teacher_forcing=share).fit(X, y)
        assert not np.array_equal(mixed.params_, taught.params_)
        again = make(attention="additive", teacher_forcing=share, n_threads=1).fit(X, y)
        assert np.array_equal(mixed.params_, again.params_)
    always = make(attention="additive", teacher_forcing=lambda done: 1.0).fit(X, y)
    assert np.array_equal(always.params_, taught.params_)
    with pytest.raises(ValueError, match=r"`teacher_forcing` must return a number from 0 to 1.*2"):
        make(teacher_forcing=lambda done: 2).fit(X, y)


@pytest.mark.parametrize(
    "option",
    [
        {"label_smoothing": 0.1},
        {"word_dropout": 0.5},
        {"dropout": 0.5},
        {"input_dropout": 0.5},
        {"output_dropout": 0.5},
        {"decoder_cell": "lstm"},
        {"decoder_layer_sizes": 7},
        {"decoder_embedding_dim": 3},
        {"output_layer_sizes": 4},
        {"layer_normalization": "rms"},
        {"attention": "additive"},
        {"embedding_init": np.ones((N_SYMBOLS, 2))},
        {"bidirectional": False},
    ],
    ids=str,
)
def test_each_option_makes_a_network_of_its_own(option):
    X, y = draw(20)
    rnn = make(max_iter=2, **option).fit(X, y)
    assert not np.array_equal(rnn.params_, make(max_iter=2).fit(X, y).params_)


def test_what_is_fed_comes_back_after_an_interruption():
    X, y = draw(20)
    rnn = make(teacher_forcing=0.0)
    _, training, _ = rnn._prepare(
        rnn._check(None, (None,) * 4, False), (X, y, None, None), (None,) * 4, False, {}
    )
    fed = training.examples.fed.values
    before, batch = fed.copy(), np.arange(9)
    pairs = PairsOfSequences(training, 1)
    with (
        pytest.raises(KeyboardInterrupt),
        pairs.sampler.mixed(batch, training.progress.params, 1, 0.0),
    ):
        assert not np.array_equal(fed, before)
        raise KeyboardInterrupt
    assert np.array_equal(fed, before)


# ---- searching ----------------------------------------------------------------------------------


def step_by_step(rnn, X, y):
    """Return the log-likelihood of each target, from a decoder that is fed its labels."""
    model = rnn._fitted_model()
    sequences = model.read(X, "rnn")
    decoder = model.answerer(sequences).decoder
    found = []
    with ready(decoder):
        for i, word in enumerate(y):
            decoder.begin(model.answerer(sequences).source, np.array([i], dtype=np.intp))
            codes = [list(rnn.classes_).index(letter) for letter in word]
            total, fed = 0.0, len(rnn.classes_)
            for code in [*codes, len(rnn.classes_)]:
                outputs = decoder.step(np.array([[fed]], dtype=np.float32), raw=True)
                total, fed = total + log_softmax(outputs)[0, code], code
            found.append(total)
    return found


@each_attention
def test_targets_are_as_likely_at_once_as_step_by_step(attention):
    X, y = draw(20)
    rnn = make(attention=attention, dtype="float64").fit(X, y)
    scores = rnn.score_samples(X, y)
    np.testing.assert_allclose(scores, step_by_step(rnn, X, y), rtol=1e-10)
    assert (scores < 0).all()


def test_groups_of_sequences_give_the_same_results(monkeypatch, reversed_words):
    X, y = draw(50, seed=4)
    expected = list(reversed_words.predict(X)), reversed_words.score_samples(X, y)
    for most in (1, 7):
        monkeypatch.setattr(pair_decoder, "MOST_STEPS", 4 * most)
        monkeypatch.setattr(fitted_pair, "MOST_STEPS", most)
        assert list(reversed_words.predict(X)) == expected[0]
        assert np.array_equal(reversed_words.score_samples(X, y), expected[1])


def test_kbest_finds_answers_with_their_log_likelihoods(reversed_words):
    X, y = draw(10, seed=1)
    answers, values = reversed_words.kbest(X, 5)
    for x, word, found, value in zip(X, y, answers, values, strict=True):
        assert len(found) == 5 == len(set(found)) and word in found
        np.testing.assert_allclose(value, reversed_words.score_samples([x] * 5, found), rtol=1e-4)
    wide = pickle.loads(pickle.dumps(reversed_words)).set_params(beam_width=5)
    assert [found[0] for found in answers] == list(wide.predict(X))


def test_a_beam_finds_answers_at_least_as_likely():
    X, y = draw()
    rnn = make(max_iter=8).fit(X, y)
    greedy = rnn.predict(X)
    rnn.set_params(beam_width=4, length_penalty=0.0)
    beam = rnn.predict(X)
    assert rnn.score_samples(X, beam).mean() > rnn.score_samples(X, greedy).mean()
    assert all(a == b[0] for a, b in zip(beam, rnn.kbest(X, 2)[0], strict=True))
    rnn.set_params(beam_width=100, max_length=1)
    assert len(rnn.kbest(X[:1], 100)[0][0]) == N_SYMBOLS + 1


def test_answers_are_cut_at_the_greatest_length(reversed_words):
    X, y = draw(20, seed=2)
    assert list(reversed_words.predict(X, max_length=2)) == [word[:2] for word in y]
    cut = make(max_length=1, max_iter=1).fit(X, y)
    assert max(map(len, cut.predict(X))) <= 1


def test_attention_looks_at_the_letter_that_is_written(reversed_words):
    X, y = draw(30, seed=3)
    for given in (None, y):
        weights = reversed_words.attention_weights(X, given)
        for x, word, found in zip(X, y, weights, strict=True):
            assert found.shape == (len(word), len(x))
            np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="fitted with `attention`"):
        make().fit(X, y).attention_weights(X)


# ---- carriers and invariance --------------------------------------------------------------------


def test_carriers_of_y_give_the_same_network():
    X, y = draw(30)
    expected = make().fit(X, y)
    for other in (tuple(y), np.array(y), np.array(y, dtype=object), pd.Series(y)):
        assert same_state(make().fit(X, other), expected)
    lists = make().fit(X, [list(word) for word in y])
    assert np.array_equal(lists.params_, expected.params_)
    for a, b in zip(lists.predict(X), expected.predict(X), strict=True):
        assert "".join(a) == b and a.dtype.kind == "U"
    numbers = make().fit(X, [[10 * ord(letter) for letter in word] for word in y])
    assert np.array_equal(numbers.params_, expected.params_)
    assert numbers.classes_.dtype.kind == "i"


def test_carriers_of_x_give_the_same_network():
    X = np.random.RandomState(0).normal(size=(30, 5, 2))
    y = ["ab" if x[0, 0] > 0 else "c" for x in X]
    given = {"categorical_features": None}
    expected = make(**given).fit(X, y)
    for other in (list(X), [pd.DataFrame(x, columns=["a", "b"]) for x in X]):
        assert np.array_equal(make(**given).fit(other, y).params_, expected.params_)
    flat = make(**given).fit(X[..., 0], y)
    assert flat.predict(X[:2, :, 0]).shape == (2,)


@each_attention
def test_answers_depend_neither_on_neighbours_nor_on_threads(attention):
    X, y = draw(40, longest=7)
    fits = [make(attention=attention, n_threads=n, batch_size=12).fit(X, y) for n in (1, 2, 3)]
    assert all(np.array_equal(fit.params_, fits[0].params_) for fit in fits)
    rnn = fits[0]
    together = rnn.score_samples(X, y)
    assert [rnn.predict([x])[0] for x in X] == list(rnn.predict(X))
    assert np.array_equal(
        [rnn.score_samples([x], [w])[0] for x, w in zip(X, y, strict=True)], together
    )


def test_weights_of_zero_leave_sequences_out():
    X, y = draw(30)
    weights = np.ones(30)
    weights[::3] = 0
    kept = weights > 0
    expected = make().fit(
        [x for x, k in zip(X, kept, strict=True) if k],
        [w for w, k in zip(y, kept, strict=True) if k],
    )
    y = [w if k else None for w, k in zip(y, kept, strict=True)]
    assert same_state(make().fit(X, y, weights), expected)
    assert 0 <= expected.score(X, y, weights) <= 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes_agree(dtype):
    X, y = draw(30)
    rnn = make(dtype=dtype, attention="additive").fit(X, y)
    assert rnn.params_.dtype == dtype
    other = make(attention="additive", dtype="float64").fit(X, y)
    np.testing.assert_allclose(rnn.score_samples(X, y), other.score_samples(X, y), rtol=1e-2)


# ---- as an estimator ----------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-320, 1e308])
def test_weights_of_any_size_give_the_same_score(factor, reversed_words):
    X, _ = draw(8)
    answers = reversed_words.predict(X)
    answers[0] += "a"
    assert reversed_words.score(X, answers, np.full(8, factor)) == 7 / 8


def test_it_is_an_estimator_but_no_classifier(tmp_path):
    X, y = draw(40)
    rnn = make(attention="general", beam_width=2).fit(X, y)
    assert not is_classifier(rnn)
    assert clone(rnn).get_params() == rnn.get_params()
    copied = pickle.loads(pickle.dumps(rnn))
    assert same_state(copied, rnn) and list(copied.predict(X)) == list(rnn.predict(X))
    for name in ("rnn.safetensors", "rnn.npz"):
        rnn.save_weights(tmp_path / name)
        loaded = Seq2SeqClassifier().load_weights(tmp_path / name)
        assert loaded.attention == "general" and loaded.hidden_layer_sizes == (8,)
        assert list(loaded.set_params(beam_width=2).predict(X)) == list(rnn.predict(X))
        assert list(make(attention="general").fit(X, y).load_weights(tmp_path / name).classes_)
        loaded.partial_fit(X, y)
    weights = {name: value * 0 for name, value in rnn.weights_.items()}
    assert len(set(rnn.set_weights(weights).predict(X))) == 1


def test_searches_and_pipelines_work():
    X, y = draw(40)
    grid = {"attention": [None, "additive"], "decoder_layer_sizes": [6]}
    search = GridSearchCV(make(), grid, cv=2).fit(X, y)
    assert search.best_estimator_.decoder_layer_sizes == 6
    pipeline = make_pipeline(FunctionTransformer(), make()).fit(X, y)
    assert list(pipeline.predict(X)) == list(make().fit(X, y).predict(X))


def test_early_stopping_keeps_the_best_epoch():
    X, y = draw(150)
    given = {"early_stopping": True, "validation_fraction": 0.3, "learning_rate_init": 0.02}
    rnn = make(max_iter=40, hidden_layer_sizes=20, **given).fit(X, y)
    assert rnn.best_validation_score_ == max(rnn.validation_scores_) > 0.2
    assert rnn.n_iter_ == len(rnn.validation_scores_) > 10  # the first ones are 0
    rnn = make(**{**given, "max_iter": 30}).fit(X, y, X_val=X[:9], y_val=y[:9])
    assert rnn.best_validation_score_ == rnn.score(X[:9], y[:9]) > 0
    rnn = make(**given, scoring="loss").fit(X, y)
    assert all(score < 0 for score in rnn.validation_scores_)
    seen = make(**given, scoring=lambda rnn, X, y: len(rnn.predict(X)) / len(y)).fit(X, y)
    assert seen.validation_scores_ == [1.0] * seen.n_iter_


def test_fits_continue():
    X, y = draw(40)
    rnn = make(warm_start=True).fit(X, y)
    first = list(rnn.loss_curve_)
    assert len(rnn.fit(X, y).loss_curve_) == 6 and rnn.loss_curve_[:3] == first
    with pytest.raises(ValueError, match="`attention` must not change"):
        rnn.set_params(attention="additive").fit(X, y)
    rnn = make()
    with pytest.raises(ValueError, match="`classes` must be passed"):
        rnn.partial_fit(X, y)
    for _ in range(2):
        rnn.partial_fit(X, y, classes="abcd")
    assert rnn.loss_curve_[1] < rnn.loss_curve_[0]
    with pytest.raises(ValueError, match="has classes not in"):
        rnn.partial_fit(X, ["z"] * 40)
    with pytest.raises(ValueError, match="`classes` must be those of the previous fit"):
        rnn.partial_fit(X, y, classes="abc")


def test_callbacks_and_frozen_arrays():
    X, y = draw(30)
    seen = []
    rnn = make(frozen=["embedding*"]).fit(
        X, y, callbacks=lambda rnn, info: seen.append(rnn.score(X, y))
    )
    assert len(seen) == 3
    assert np.array_equal(
        rnn.weights_["embedding_0.weight"][:-1],
        make(max_iter=1, frozen=["embedding*"]).fit(X, y).weights_["embedding_0.weight"][:-1],
    )


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"attention": "luong"}, "`attention` must be None or one of"),
        ({"attention": "dot", "merge_mode": "concat"}, "have 8 and 16 columns. Use 'general'"),
        ({"decoder_layer_sizes": ()}, "`decoder_layer_sizes` must be"),
        (
            {"decoder_layer_sizes": (3, 4), "cell": ["gru"]},
            "`decoder_cell` must be given",
        ),
        ({"decoder_cell": ["gru", "lstm"]}, "`decoder_cell` must be one cell"),
        ({"decoder_cell": "lstn"}, "`decoder_cell` must be one of"),
        ({"cell": "jordan", "bidirectional": False}, "`cell` must not be one that reads"),
        ({"decoder_cell": "jordan"}, "`decoder_cell` must not be one that reads"),
        ({"teacher_forcing": 1.5}, "`teacher_forcing` must be a number from 0 to 1"),
        ({"beam_width": 0}, "`beam_width` must be an integer of at least 1"),
        ({"max_length": 0}, "`max_length` must be None or an integer of at least 1"),
        ({"length_penalty": -1}, "`length_penalty` must be"),
        ({"solver": "lbfgs"}, "`solver` must be one of"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused(params, text):
    X, y = draw(10)
    rnn = make(**params)
    with pytest.raises(ValueError, match=re.escape(text)):
        rnn.fit(X, y)
    assert not hasattr(rnn, "params_")


def test_bad_data_is_refused(reversed_words):
    X, y = draw(10)
    for texts in (["ab", "c"], np.array(["ab", "c"])):
        with pytest.raises(ValueError, match="TokenEncoder"):
            make().fit(texts, y[:2])
    with pytest.raises(ValueError, match="requires y to be passed"):
        make().fit(X, None)
    with pytest.raises(ValueError, match="one weight per sequence"):
        make().fit(X, y, [[1, 2]] * 10)
    rnn = reversed_words
    with pytest.raises(ValueError, match="`max_length` must be"):
        rnn.predict(X, max_length=0)
    with pytest.raises(ValueError, match="`k` must be"):
        rnn.kbest(X, 0)
    with pytest.raises(ValueError, match="as in fit"):
        rnn.score(X, [[1]] * 10)
    assert rnn.score_samples(X[:2], ["ab", "az"])[1] == -np.inf
    assert np.isfinite(rnn.score_samples(X[:1], [""])).all()
    assert rnn.score(X[:2], ["zz", "z"]) == 0


def test_long_targets_are_learned():
    X, y = [np.zeros((1, 1))] * 2, ["a" * 10_000, "b" * 10_000]
    rnn = make(hidden_layer_sizes=2, max_iter=1).fit(X, y)
    assert np.isfinite(rnn.score_samples(X, y)).all()
