"""RNNLanguageModel: what it learns from texts, how it scores them, and what it writes."""

import pickle
import signal
import tracemalloc
from collections import Counter

import numpy as np
import pytest
import reference
from cases import nodes_of_estimator
from fits import same_state
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklearn_rnn import RNNClassifier, TruncatedBPTT, _core
from sklearn_rnn._model import generation
from sklearn_rnn._model.generation import Choice
from sklearn_rnn.cells import GRU, LSTM
from sklearn_rnn.inspection import memory_footprint
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Conv1D
from sklearn_rnn.transfer import transfer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["anna", "hannah", "ann", "nan", "hana", "anan", "", "h"] * 5
LETTERS = {"analyzer": "char", "random_state": 0, "tol": 0.0, "max_iter": 3}
LONG = "the cat sat on the mat, " * 20
START, STOP = 1, 2


def fitted(X=NAMES, y=None, sizes=8, **options):
    return RNNLanguageModel(sizes, **{**LETTERS, **options}).fit(X, y)


def weights_of(model):
    return {name: np.array(w, dtype=np.float64) for name, w in model.weights_.items()}


def rows_of(model, text, has_stops=True):
    """Return what the network reads and predicts of a text, from the definition.

    Its number of a token is one less than the code, that of an unknown token the last one.
    """
    codes = [model.encoder_.vocabulary_.get(letter, 0) for letter in text]
    read, predicted = (
        np.array(each)[: None if has_stops else -1] for each in ([START, *codes], [*codes, STOP])
    )
    n = model.encoder_.n_codes_
    return (read[:, np.newaxis] - 1.0) % n, (predicted - 1) % n


def expected_log_likelihood(model, text, has_stops=True):
    """Return the log-likelihood of a text by the reference."""
    read, predicted = rows_of(model, text, has_stops)
    p = reference.predict(
        weights_of(model), [read], nodes_of_estimator(model), loss="softmax", per_step=True
    )[0]
    return np.log(p[np.arange(len(predicted)), predicted]).sum()


# ---- scores -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", _core.CELLS)
def test_scores_are_those_of_the_definition(cell):
    model = fitted(cell=cell, sizes=(6, 5), dtype="float64")
    texts = ["anna", "", "h", "zebra"]  # the last one with unknown letters
    scores = model.score_samples(texts)
    expected = [expected_log_likelihood(model, text) for text in texts]
    np.testing.assert_allclose(scores, expected, rtol=1e-9)
    by_steps = [
        sum(
            np.log(np.roll(model.predict_next_proba(text[:i]), -1)[row])
            for i, row in enumerate(rows_of(model, text)[1])
        )
        for text in texts
    ]
    np.testing.assert_allclose(scores, by_steps, rtol=1e-9)
    n_tokens = sum(len(text) + 1 for text in texts)
    assert model.score(texts) == pytest.approx(scores.sum() / n_tokens, rel=1e-12)
    assert model.perplexity(texts) == pytest.approx(np.exp(-scores.sum() / n_tokens), rel=1e-12)
    bits = -scores.sum() / n_tokens / np.log(2)
    assert model.bits_per_token(texts) == pytest.approx(bits, rel=1e-12)


def test_a_model_of_one_long_text_has_no_ends():
    model = fitted(LONG, dtype="float64")
    for text in ("cat", "c"):
        expected = expected_log_likelihood(model, text, has_stops=False)
        assert model.score_samples([text])[0] == pytest.approx(expected, rel=1e-9)
    assert model.score("cat") == pytest.approx(model.score_samples(["cat"])[0] / 3)
    assert model.score_samples(["", "cat"])[0] == 0.0
    with pytest.raises(ValueError, match="at least one token"):
        model.score("")
    assert all(len(text) == 30 for text in model.sample(5, max_length=30, random_state=0))


def test_weights_of_texts_count_their_tokens():
    model, texts = fitted(), ["anna", "h", ""]
    scores, lengths = model.score_samples(texts), np.array([5, 2, 1])
    w = np.array([2.0, 0.0, 5.0])
    expected = (w * scores).sum() / (w * lengths).sum()
    assert model.score(texts, sample_weight=w) == pytest.approx(expected)


@pytest.mark.parametrize("factor", [1e-320, 1e308])
def test_weights_of_any_size_give_the_same_score(factor):
    model = fitted()
    weights = np.full(len(NAMES), factor)
    assert model.score(NAMES, sample_weight=weights) == pytest.approx(model.score(NAMES))


def test_probabilities_sum_to_1():
    model = fitted(sizes=(8, 8), cell="gru")
    for prompt in (None, "", "ann", "?!"):
        p = model.predict_next_proba(prompt)
        assert p.shape == (model.encoder_.n_codes_,) and p.min() >= 0
        assert p.sum() == pytest.approx(1, abs=1e-6)


def test_the_perplexity_of_letters_drawn_by_chance_is_their_number():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("abcdefgh"), 20_000))
    model = fitted(text[:16_000], max_iter=6, bptt=20)
    assert model.perplexity(text[16_000:]) == pytest.approx(8, rel=0.02)


# ---- training -----------------------------------------------------------------------------------

TWIN = {
    "solver": "sgd",
    "momentum": 0.0,
    "learning_rate_init": 0.5,
    "max_grad_norm": None,
    "dtype": "float64",
    "shuffle": False,
    "max_iter": 2,
}
ALMOST_NONE = 1e-300  # a rate that changes nothing


def learn(weights, nodes, X, y, divisor, begin=None):
    """Take one step of gradient descent; return the states after these windows."""
    options = {"nodes": nodes, "loss": "softmax", "per_step": True, "initial_state": begin}
    lengths = [len(x) for x in X]
    after = reference.final_states(weights, X, nodes, lengths, initial_state=begin, link="softmax")
    _, gradient, _ = reference.loss_and_grad(weights, X, y, divisor=divisor, **options)
    for name, d_w in gradient.items():
        weights[name] -= TWIN["learning_rate_init"] * d_w
    return after


def check_weights(model, weights):
    for name, w in model.weights_.items():
        # The last row of a table is that of unknown tokens, which no text has.
        rows = slice(None, -1 if name.startswith("embedding") else None)
        np.testing.assert_allclose(w[rows], weights[name][rows], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_long_text_is_learned_in_lanes_of_windows(cell):
    text = LONG[:23]
    options = {"cell": cell, "bptt": 4, "batch_size": 2, "sizes": 4}
    start = fitted(text, **options, **{**TWIN, "learning_rate_init": ALMOST_NONE})
    model = fitted(text, **options, **TWIN)
    weights, nodes = weights_of(start), nodes_of_estimator(start)
    read, predicted = rows_of(start, text, has_stops=False)
    lanes = [(0, 12), (12, 23)]  # six windows: three for each lane
    for _ in range(2):
        begin = None
        for first in range(0, 12, 4):
            spans = [(a + first, min(a + first + 4, b)) for a, b in lanes]
            X, y = ([rows[a:b] for a, b in spans] for rows in (read, predicted))
            begin = learn(weights, nodes, X, y, 2 * 23 / 6, begin)
    check_weights(model, weights)


def test_texts_are_learned_between_their_starts_and_ends():
    texts = ["anna", "", "hannah"]
    start = fitted(texts, sizes=4, **{**TWIN, "learning_rate_init": ALMOST_NONE})
    weights, nodes = weights_of(start), nodes_of_estimator(start)
    X, y = zip(*(rows_of(start, text) for text in texts), strict=True)
    for _ in range(2):
        learn(weights, nodes, X, y, 13)
    for bptt in (None, 100):
        check_weights(fitted(texts, sizes=4, bptt=bptt, **TWIN), weights)


def test_tokens_are_words_pieces_of_texts_or_given():
    words = fitted(["The cat sat.", "the dog sat"], analyzer="word")
    assert list(words.encoder_.vocabulary_) == ["sat", "the", "cat", "dog"]
    lists = fitted([["the", "cat"], [], ["The"]], analyzer="word")
    assert list(lists.encoder_.vocabulary_) == ["The", "cat", "the"]
    commas = fitted(["a,b", "b"], analyzer=lambda text: text.split(","))
    assert list(commas.encoder_.vocabulary_) == ["b", "a"]
    few = fitted(LONG, max_tokens=3, lowercase=False)
    assert few.encoder_.n_codes_ == few.n_outputs_ == 6
    with pytest.raises(ValueError, match="token_pattern"):
        fitted(token_pattern="(")


def test_rare_tokens_are_one_unknown_token_that_is_learned():
    texts = ["ab", "ac", "ad", "ae"] * 30
    texts += ["a" + chr(0x4E00 + i) for i in range(120)]  # half of all letters after a are unique
    model = fitted(texts, min_count=2, max_iter=30)
    p = model.predict_next_proba("a")
    assert p[0] == pytest.approx(0.5, abs=0.05)
    assert all(set(text) <= set("abcde") for text in model.sample(50, random_state=0))
    start = fitted(texts, min_count=2, max_iter=1, learning_rate_init=ALMOST_NONE)
    rows = [each.weights_["embedding_0.weight"][-1] for each in (model, start)]
    assert np.abs(rows[0] - rows[1]).max() > 0.1


def test_prompts_and_texts_with_unknown_tokens_are_no_error():
    model = fitted()
    assert model.sample(2, prompt="XÿZ", random_state=0)[0].startswith("XÿZ")
    assert np.isfinite(model.score(["XYZ", "anna"]))
    words = fitted(["the cat", "the dog"] * 5, analyzer="word")
    assert words.sample(1, prompt="My  Zebra!", random_state=0)[0].startswith("My  Zebra!")


@pytest.mark.parametrize("text", ["a" * 50, ["a", "aa"] * 10, [["x"], ["x", "x"]] * 10])
def test_a_vocabulary_of_one_is_learned(text):
    model = fitted(text, max_iter=100, cell="gru")
    assert model.perplexity(text) < 2.0
    drawn = model.sample(4, max_length=5, random_state=0)
    assert (
        set().union(*drawn) == {"x"} if isinstance(text[0], list) else set("".join(drawn)) <= {"a"}
    )


def test_combining_and_right_to_left_letters_come_back():
    texts = ["e\u0301te\u0301", "\u05e9\u05dc\u05d5\u05dd", "\U0001f600\u200d\U0001f600"] * 10
    model = fitted(texts, sizes=24, max_iter=150)
    drawn = Counter(model.sample(60, random_state=0))
    assert {text for text, _ in drawn.most_common(3)} == set(texts)


def test_a_part_at_the_end_of_a_long_text_is_held_out():
    seen = []

    def score(model, X, y):
        seen.append((X, model.score(X)))
        return -len(seen)  # the first epoch is the best

    text = LONG + "x" * 100
    model = fitted(text, early_stopping=True, validation_fraction=0.1, scoring=score)
    n_val = -(-len(text) // 10)
    assert {X for X, _ in seen} == {text[-n_val:]}
    assert model.validation_scores_ == [-1, -2, -3]
    plain = fitted(text, early_stopping=True, validation_fraction=0.1)
    assert len(plain.encoder_.vocabulary_) == len(set(text))
    assert (plain.loss_curve_ == np.array(model.loss_curve_)).all()
    begin = text[-n_val - 1]  # the last letter before it is read, but not predicted
    read = model.encoder_.vocabulary_[begin]
    assert np.isfinite(plain.best_validation_score_) and read > 0


def test_held_out_texts_are_scored_like_all_others():
    X_val = ["anna", "nn", ""]
    for options in ({}, {"scoring": "loss"}):
        model = RNNLanguageModel(8, early_stopping=True, **LETTERS, **options)
        model.fit(NAMES, X_val=X_val)
        assert model.best_validation_score_ == pytest.approx(model.score(X_val), rel=1e-6)
    model = fitted(early_stopping=True)
    assert len(model.validation_scores_) == 3
    long = RNNLanguageModel(8, early_stopping=True, **LETTERS).fit(LONG, X_val=LONG[:50])
    assert long.best_validation_score_ == pytest.approx(long.score(LONG[:50]), rel=1e-6)


def test_fits_go_on_and_come_back_from_pickles():
    model = fitted(warm_start=True)
    copy, same = pickle.loads(pickle.dumps(model)), fitted(warm_start=True)
    assert same_state(model, same)
    assert (copy.score_samples(NAMES) == model.score_samples(NAMES)).all()
    loss = model.score(NAMES)
    model.fit(["anna!"] * 8)  # ! is unknown
    assert "!" not in model.encoder_.vocabulary_ and len(model.loss_curve_) == 6
    copy.partial_fit(NAMES)
    assert len(copy.loss_curve_) == 4 and copy.score(NAMES) != loss
    given = RNNLanguageModel(8, vocabulary=list("haxn"), **LETTERS)
    given.partial_fit(["ann"]).partial_fit(["hax"], None)
    assert list(given.encoder_.vocabulary_) == list("haxn")
    first = RNNLanguageModel(8, **LETTERS).partial_fit(NAMES, classes=None)
    assert first.n_iter_ == 1 and first.encoder_.vocabulary_ == model.encoder_.vocabulary_
    with pytest.raises(ValueError, match="`lowercase` must not change"):
        model.set_params(lowercase=False).fit(NAMES)
    assert not hasattr(clone(model), "encoder_")


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
@pytest.mark.parametrize(
    "X, y, options",
    [
        (NAMES, None, {}),
        (LONG, None, {"lowercase": False, "embedding_dim": 3}),
        ([["a", "b\0"], ["c"]] * 5, ["x", "y"] * 5, {}),
        (["the cat"] * 8, np.eye(8), {"analyzer": "word", "cell": GRU(reset_after=False)}),
    ],
)
def test_weight_files_hold_the_vocabulary(X, y, options, suffix, tmp_path):
    model, file = fitted(X, y, **options), tmp_path / f"model.{suffix}"
    model.save_weights(file)
    other = RNNLanguageModel(random_state=0).load_weights(file)
    assert (other.score_samples(X, y) == model.score_samples(X, y)).all()
    one = None if y is None else y[0]
    assert other.sample(3, y=one, random_state=0) == model.sample(3, y=one, random_state=0)
    assert clone(other).set_params(max_iter=3, tol=0.0).fit(X, y).n_outputs_ == model.n_outputs_
    model.load_weights(file)
    other.partial_fit(X, y)


def test_a_weight_file_with_other_tokens_is_refused(tmp_path):
    fitted(["ab"] * 4).save_weights(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="with encoder"):
        fitted(["xy"] * 4).load_weights(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="for RNNClassifier"):
        RNNClassifier().load_weights(tmp_path / "model.npz")


def test_weight_files_hold_no_code(tmp_path):
    model = fitted(["a b"] * 4, analyzer=str.split)
    assert pickle.loads(pickle.dumps(model)).score(["a b"]) == model.score(["a b"])
    with pytest.raises(ValueError, match="`analyzer` must be a str"):
        model.save_weights(tmp_path / "model.npz")


def test_it_goes_through_a_grid_search():
    search = GridSearchCV(
        RNNLanguageModel(**LETTERS), {"hidden_layer_sizes": [2, 8], "cell": ["gru", LSTM()]}, cv=2
    ).fit(NAMES)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"]) < 0
    y = ["long" if len(name) > 3 else "short" for name in NAMES]
    assert len(cross_val_score(RNNLanguageModel(**LETTERS), NAMES, y, cv=2)) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"sizes": (6, 6), "connections": "residual", "layer_normalization": "layer"},
        {"input_layers": [Conv1D(5, 2)], "connections": "skip", "sizes": (4, 4)},
        {"dropout": 0.2, "input_dropout": 0.1, "output_layer_sizes": (5,)},
        {"cell": LSTM(projection_size=3)},
        {"cell": LSTM(initial_state="learned"), "sizes": (4, 4)},
        {"bptt": TruncatedBPTT(3, schedule="random"), "gradient_accumulation_steps": 2},
        {"solver": "lbfgs", "bptt": None, "dtype": "float64"},
        {"ema_decay": 0.9, "learning_rate": "one_cycle", "memory_budget": 10**6},
        {"frozen": ("embedding*",)},
        {"embedding_init": {"a": [1.0, 2.0], "n": [0.5, 0.5]}},
        {"word_dropout": 0.3, "label_smoothing": 0.1},
        {"tie_embeddings": True, "sizes": (5, 7), "cell": "gru", "connections": "skip"},
    ],
)
def test_the_options_of_other_networks_work(options):
    model = fitted(**options)
    assert np.isfinite(model.score(NAMES))
    assert model.sample(3, random_state=0) == model.sample(5, random_state=0)[:3]
    p = model.predict_next_proba("an")
    expected = np.log(p[model.encoder_.vocabulary_["n"]])
    rows = model.score_samples(["ann"]) - model.score_samples(["anh"])
    other = np.log(p[model.encoder_.vocabulary_["h"]])
    ends = [np.log(model.predict_next_proba(text)[STOP]) for text in ("ann", "anh")]
    np.testing.assert_allclose(rows, expected - other + ends[0] - ends[1], rtol=1e-3, atol=1e-5)


def test_tied_vectors_are_the_weights_of_the_output(tmp_path):
    model = fitted(tie_embeddings=True, dtype="float64", sizes=(6, 5), max_iter=10)
    assert "embedding_0.weight" not in model.weights_
    assert model.weights_["head.weight"].shape == (model.encoder_.n_codes_, 5)
    for text in ("anna", "?"):
        expected = expected_log_likelihood(model, text)
        assert model.score_samples([text])[0] == pytest.approx(expected, rel=1e-9)
    given = fitted(tie_embeddings=True, embedding_init={"a": [1.0, 2.0]}, sizes=2, max_iter=1)
    assert np.abs(given.weights_["head.weight"][model.encoder_.vocabulary_["a"] - 1]).max() > 0.5
    model.save_weights(tmp_path / "tied.npz")
    other = RNNLanguageModel().load_weights(tmp_path / "tied.npz")
    assert other.tie_embeddings and other.score(NAMES) == model.score(NAMES)
    codes = model.encoder_.transform(NAMES)
    rnn = transfer(model, RNNClassifier(max_iter=1), frozen=True).fit(codes, [0, 1] * 20)
    code = model.encoder_.vocabulary_["n"]
    row = list(rnn.categories_[0]).index(code)
    table = rnn.weights_["embedding_0.weight"]
    assert (table[row] == model.weights_["head.weight"][code - 1]).all()
    for options in ({"embedding_dim": 4}, {"embedding_init": {"a": [1.0]}}):
        with pytest.raises(ValueError, match="`embedding_dim` must be 8"):
            fitted(tie_embeddings=True, **options)


def test_an_adaptive_softmax_models_rare_tokens(tmp_path):
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{i}" for i in rng.zipf(1.5, 8) % 100) for _ in range(200)]
    options = {"analyzer": "word", "adaptive_softmax": [5, 20], "max_iter": 20}
    model = fitted(texts, **options)
    assert model.weights_["head.weight"].shape == (5 + 2, 8)
    assert model.n_outputs_ == model.encoder_.n_codes_ > 20
    tokens = [texts[0].split()[:i] for i in range(8)]
    p = [model.predict_next_proba(" ".join(each)) for each in tokens]
    assert np.allclose(np.sum(p, axis=1), 1, atol=1e-5)
    codes = model.encoder_.transform(texts[:1])[0][1:-1]
    expected = sum(np.log(each[code]) for each, code in zip(p, codes, strict=True))
    expected += np.log(model.predict_next_proba(texts[0])[STOP])
    assert model.score_samples(texts[:1])[0] == pytest.approx(expected, rel=1e-4)
    assert model.score(texts) > fitted(texts, analyzer="word", max_iter=1).score(texts)
    assert len(set(model.sample(20, random_state=0))) > 10
    model.save_weights(tmp_path / "tails.npz")
    other = RNNLanguageModel().load_weights(tmp_path / "tails.npz")
    assert other.adaptive_softmax == (5, 20) and other.score(texts) == model.score(texts)
    held_out = fitted(texts, **{**options, "early_stopping": True, "max_iter": 2})
    assert len(held_out.validation_scores_) == 2
    assert "tail_0.weight" not in fitted(texts, adaptive_softmax="auto").weights_


def test_auto_begins_groups_of_many_tokens():
    tokens = [f"w{i}" for i in range(20_000)]
    options = {"adaptive_softmax": "auto", "max_iter": 1, "sizes": 4, "embedding_dim": 4}
    tracemalloc.start()
    model = fitted([tokens[:50]], vocabulary=tokens, **options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sizes = [model.weights_[f"tail_{i}.weight"].shape[0] for i in range(2)]
    assert sizes == [8_000, 20_003 - 10_000] and "tail_2.weight" not in model.weights_
    assert peak < 100e6
    few = fitted([tokens[:50]], vocabulary=tokens[:5000], **options)
    assert "tail_0.weight" in few.weights_ and "tail_1.weight" not in few.weights_


@pytest.mark.parametrize(
    "options, message",
    [
        ({"adaptive_softmax": [9, 4]}, "`adaptive_softmax` must be None, 'auto'"),
        ({"adaptive_softmax": []}, "`adaptive_softmax` must be None, 'auto'"),
        ({"adaptive_softmax": [3, 99]}, "`adaptive_softmax` must have integers below"),
        ({"adaptive_softmax": [3], "tie_embeddings": True}, "`tie_embeddings` must be False"),
        ({"adaptive_softmax": [3], "label_smoothing": 0.1}, "`label_smoothing` must be 0"),
        ({"adaptive_softmax": [3], "cell": "jordan"}, "`cell` must be one that does not read"),
    ],
)
def test_what_goes_with_no_adaptive_softmax_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fitted(**options)


def test_given_vectors_are_those_of_their_tokens():
    vectors = {"a": [1.0, 2.0], "n": [0.5, 0.5]}
    model = fitted(embedding_init=vectors, frozen=("embedding*",))
    table = model.weights_["embedding_0.weight"]
    for letter, vector in vectors.items():
        assert (table[model.encoder_.vocabulary_[letter] - 1] == vector).all()
    with pytest.raises(ValueError, match="embedding_init"):
        fitted(embedding_init={"x": [1.0]})


def test_the_body_of_a_model_serves_a_classifier():
    model = fitted(max_iter=10)
    codes = model.encoder_.transform(NAMES)
    y = [name.count("n") > 1 for name in NAMES]
    rnn = transfer(model, RNNClassifier(max_iter=2, random_state=0), frozen=True).fit(codes, y)
    assert (rnn.weights_["weight_hh_l0"] == model.weights_["weight_hh_l0"]).all()
    code = model.encoder_.vocabulary_["a"]
    row = list(rnn.categories_[0]).index(code)
    table = model.weights_["embedding_0.weight"]
    assert (rnn.weights_["embedding_0.weight"][row] == table[code - 1]).all()
    assert 0 not in rnn.categories_[0]
    assert (rnn.weights_["embedding_0.weight"][-1] == table[-1]).all()


def test_what_is_not_for_language_models_says_so():
    model = fitted(max_iter=1)
    with pytest.raises(ValueError, match="`target` must be an RNNClassifier"):
        transfer(model, model)
    with pytest.raises(TypeError, match="`estimator` must be an RNNClassifier"):
        memory_footprint(model, n_timesteps=3, n_samples=3)
    with pytest.raises(ValueError, match="predict_next_proba"):
        model.stream(method="predict")
    assert not hasattr(model, "predict") and not hasattr(model, "attention_weights")


def test_states_of_texts_and_streams_are_those_of_the_scores():
    model, texts = fitted(), ["anna", "hana"]
    states = model.hidden_states(texts)
    assert states.shape == (2, 8)
    stream = model.stream(2)
    for codes in zip(*model.encoder_.transform(texts), strict=True):
        if codes[0] != STOP:
            p = stream.step(np.array(codes, dtype=np.float64))
    assert (stream.state["h_l0"] == states).all()
    assert (p[0] == model.predict_next_proba("anna")).all()


def test_ctrl_c_keeps_what_was_learned():
    def interrupt(model, info):
        if info["epoch"] == 2:
            signal.raise_signal(signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.warns(UserWarning, match="interrupted"):
            model = RNNLanguageModel(8, **{**LETTERS, "max_iter": 50}).fit(
                NAMES, callbacks=interrupt
            )
    finally:
        signal.signal(signal.SIGINT, handler)
    assert model.n_iter_ == 2 and len(model.sample(2, random_state=0)) == 2


def test_a_long_text_takes_little_memory():
    text = "".join(np.random.default_rng(0).choice(list("abcdefgh "), 1_000_000))
    tracemalloc.start()
    RNNLanguageModel(2, **{**LETTERS, "max_iter": 1, "cell": "elman"}).fit(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # `fit` asks once for 42 MB, to see whether there is room; codes and targets take 8 MB.
    assert peak < 56e6


# ---- labels and vectors of texts ----------------------------------------------------------------


def test_texts_with_labels_are_written_and_scored_by_label():
    X, y = ["aaab", "bbba"] * 40, ["first", "second"] * 40
    model = fitted(X, y, sizes=16, max_iter=40)
    assert list(model.classes_) == ["first", "second"]
    assert Counter(model.sample(20, y="first", random_state=0)).most_common(1)[0][0] == "aaab"
    assert Counter(model.sample(20, y="second", random_state=0)).most_common(1)[0][0] == "bbba"
    mixed = model.sample(4, y=["first", "second"] * 2, random_state=0)
    assert mixed[1] == model.sample(2, y="second", random_state=0)[1]
    right, wrong = model.score(X, y), model.score(X, y[::-1])
    assert right > -0.2 and wrong < right - 1
    p = model.predict_next_proba(y="first")
    assert p[model.encoder_.vocabulary_["a"]] > 0.8
    assert model.score_samples(["aaab"], ["first"]) > model.score_samples(["aaab"], ["second"])


def test_partial_fit_can_be_told_all_labels():
    model = RNNLanguageModel(8, vocabulary=list("ab"), **LETTERS)
    model.partial_fit(["ab", "aab"], ["x", "x"], classes=["y", "x", "z"])
    model.partial_fit(["ba"], ["z"]).partial_fit(["ba"], ["y"], classes=["x", "y", "z"])
    assert list(model.classes_) == ["x", "y", "z"]
    assert np.isfinite(model.score(["a"], ["y"]))
    with pytest.raises(ValueError, match="`classes` must be those of the first fit"):
        model.partial_fit(["ba"], ["z"], classes=["z"])
    with pytest.raises(ValueError, match="labels of `classes_`"):
        model.partial_fit(["ba"], ["w"])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_labels_become_fixed_states(cell):
    X, y = ["ab", "ba", "ab"], np.array([[1.0, 0.5], [-1.0, 2.0], [0.0, 0.0]])
    model = fitted(X, y, cell=cell, sizes=3, dtype="float64")
    layout = model._fitted_model().network.state_layout
    n = sum(width for *_, width in layout)
    signs = 2.0 * np.random.RandomState(0).randint(2, size=(2, n)) - 1
    given = y @ signs / np.sqrt(2)
    state = {name: given[:, first : first + width] for name, first, width in layout}
    rows = [rows_of(model, text) for text in X]
    p = reference.predict(
        weights_of(model),
        [read for read, _ in rows],
        nodes_of_estimator(model),
        loss="softmax",
        per_step=True,
        initial_state=state,
    )
    expected = [
        np.log(each[np.arange(3), predicted]).sum()
        for each, (_, predicted) in zip(p, rows, strict=True)
    ]
    np.testing.assert_allclose(model.score_samples(X, y), expected, rtol=1e-9)
    probability = model.predict_next_proba("a", y=y[0])
    np.testing.assert_allclose(np.roll(probability, -1), p[0][1], rtol=1e-9)


def test_vectors_that_are_too_large_are_refused():
    model = fitted(y=np.ones((len(NAMES), 2)), max_iter=1)
    for use in (lambda y: model.sample(y=y), lambda y: fitted(y=[y] * len(NAMES))):
        with pytest.raises(ValueError, match="`y` must have smaller vectors"):
            use([1.0, 1e300])


def test_texts_too_short_to_validate_with_are_named():
    with pytest.raises(ValueError, match="`X_val` must have at least 2"):
        RNNLanguageModel(2, early_stopping=True, **LETTERS).fit(LONG, X_val="a")


def test_wrong_labels_are_refused():
    labelled, plain = fitted(NAMES, [0, 1] * 20), fitted()
    for call in (labelled.score, labelled.score_samples, labelled.perplexity):
        with pytest.raises(ValueError, match="`y` must be given"):
            call(NAMES)
    with pytest.raises(ValueError, match="`y` must be None"):
        plain.score(NAMES, [0, 1] * 20)
    with pytest.raises(ValueError, match="labels of `classes_`"):
        labelled.score(["anna"], [7])
    with pytest.raises(ValueError, match="labels of `classes_`"):
        labelled.sample(2, y=7)
    with pytest.raises(ValueError, match="one label per text"):
        labelled.score(["anna"], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="there are 40 texts"):
        fitted(NAMES, [0, 1])
    with pytest.raises(ValueError, match="continuous"):
        fitted(NAMES, np.linspace(0, 1, 40))
    vectors = fitted(NAMES, np.ones((40, 3)))
    with pytest.raises(ValueError, match="vectors of 3 numbers"):
        vectors.score(["anna"], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="finite"):
        fitted(NAMES, np.full((40, 3), np.nan))


# ---- writing ------------------------------------------------------------------------------------


def shares_of(choice, p, n=40_000):
    z = np.log(np.tile(p, (n, 1)))
    u = np.random.default_rng(0).random(n)
    return np.bincount(choice(z, u), minlength=len(p)) / n


P = np.array([0.1, 0.4, 0.05, 0.25, 0.2])


@pytest.mark.parametrize(
    "temperature, top_k, top_p, excluded, expected",
    [
        (1, None, None, (), P),
        (0.5, None, None, (), P**2 / (P**2).sum()),
        (2, None, None, (), P**0.5 / (P**0.5).sum()),
        (0, None, None, (), [0, 1, 0, 0, 0]),
        (0, 3, 0.1, (1,), [0, 0, 0, 1, 0]),
        (1, 2, None, (), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]),
        (1, 1, None, (), [0, 1, 0, 0, 0]),
        (1, 99, None, (), P),
        (1, None, 0.6, (), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]),
        (1, None, 0.7, (), [0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85]),
        (1, None, 1.0, (), P),
        (1, None, 1e-9, (), [0, 1, 0, 0, 0]),
        (1, 3, 0.5, (), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]),
        (1, None, None, (0, 1), [0, 0, 0.1, 0.5, 0.4]),
        (1, 2, None, (1,), [0, 0, 0, 0.25 / 0.45, 0.2 / 0.45]),
    ],
)
def test_tokens_are_drawn_with_their_probabilities(temperature, top_k, top_p, excluded, expected):
    choice = Choice(temperature, top_k, top_p, excluded)
    shares = shares_of(choice, P)
    assert set(np.flatnonzero(shares)) == set(np.flatnonzero(expected))
    np.testing.assert_allclose(shares, expected, atol=0.01)


def test_equal_probabilities_keep_the_first_tokens():
    z = np.zeros((1000, 6))
    drawn = Choice(1.0, 2, None, (0,))(z, np.random.default_rng(0).random(1000))
    assert set(drawn) == {1, 2}


def test_random_numbers_at_the_ends_draw_what_can_be_drawn():
    z = np.log(np.array([[1e-300, 0.3, 0.7, 1e-300]] * 2))
    u = np.array([0.0, np.nextafter(1, 0)])
    for choice in (Choice(1.0, None, None, (0, 3)), Choice(1.0, 2, None, ())):
        assert set(choice(z, u).tolist()) <= {1, 2}


def test_texts_are_drawn_with_the_probabilities_of_the_model():
    model = fitted(["a", "b", "ab"] * 10, max_iter=20)
    drawn = Counter(model.sample(4000, random_state=0))
    for text in ("a", "b", "ab"):
        p, codes = 1.0, [*map(model.encoder_.vocabulary_.get, text), STOP]
        for i, code in enumerate(codes):  # the unknown letter and the start are never drawn
            following = model.predict_next_proba(text[:i])
            p *= following[code] / following[STOP:].sum()
        assert drawn[text] / 4000 == pytest.approx(p, abs=0.025)


def test_a_text_does_not_depend_on_how_many_are_written(monkeypatch):
    model, options = fitted(sizes=16), {"random_state": 3, "max_length": 70}
    many = model.sample(33, **options)
    assert many != model.sample(33, random_state=4, max_length=70) and len(set(many)) > 5
    for n in (1, 2, 16, 32):
        assert model.sample(n, **options) == many[:n]
    monkeypatch.setattr(generation, "MOST_OUTPUTS", 5 * model.n_outputs_)
    assert model.sample(33, **options) == many
    rng = np.random.RandomState(0)
    assert model.sample(5, random_state=rng) != model.sample(5, random_state=rng)


def test_texts_end_at_max_length_or_before():
    model = fitted(LONG)
    for n in (0, 1, 31, 32, 33, 65):
        assert [len(text) for text in model.sample(2, max_length=n, random_state=0)] == [n, n]
        assert model.sample(2, prompt="th", max_length=n, random_state=0)[0][:2] == "th"
    texts = fitted().sample(50, max_length=2, random_state=0)
    assert max(map(len, texts)) == 2 and min(map(len, texts)) < 2
    lists = fitted([["a", "b"], ["b"]] * 10)
    assert lists.sample(2, prompt=["b", "?"], max_length=0) == [["b", "?"]] * 2


def test_the_most_probable_text_is_written_at_temperature_0():
    model = fitted(["abc"] * 20, max_iter=60)
    assert model.sample(3, temperature=0) == ["abc"] * 3
    assert model.sample(2, top_k=1, prompt="a", random_state=0) == ["abc"] * 2
    p = model.predict_next_proba("ab")
    assert p.argmax() == model.encoder_.vocabulary_["c"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_samples", 0),
        ("max_length", -1),
        ("temperature", -0.1),
        ("temperature", np.nan),
        ("top_k", 0),
        ("top_p", 0),
        ("top_p", 1.1),
        ("prompt", ["a"]),
        ("prompt", b"a"),
        ("prompt", 1),
        ("random_state", "seed"),
    ],
)
def test_wrong_arguments_of_sample_are_named(name, value):
    with pytest.raises(ValueError, match=f"`{name}`"):
        fitted(max_iter=1).sample(**{name: value})


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X, message",
    [
        (b"bytes", "X"),
        ([b"bytes"], "bytes"),
        ([None, "a"], "missing"),
        (["a", ["b"]], "only texts or only lists of tokens"),
        ([1, 2], "str"),
        ([], "at least one text"),
        ("", "at least one token"),
        ([""], "at least one token"),
        (None, "X"),
        ({"a": 1}, "X"),
    ],
)
def test_what_are_no_texts_is_refused(X, message):
    model = RNNLanguageModel(**LETTERS)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X)
    assert not hasattr(model, "params_")
    with pytest.raises(NotFittedError):
        model.sample()
    good = fitted(max_iter=1)
    if X not in ("", [""]):
        with pytest.raises((ValueError, TypeError), match=message):
            good.score(X)


def test_wrong_parameters_are_named():
    for name, value in {
        **{"analyzer": "letters", "lowercase": 1, "min_count": 0, "max_tokens": 0},
        **{"bptt": 0, "embedding_dim": 0, "cell": "gnu"},
    }.items():
        with pytest.raises(ValueError, match=f"`{name}`"):
            fitted(**{name: value})
    with pytest.raises(ValueError, match="`min_count` must not exceed"):
        fitted(["ab"], min_count=9)
    with pytest.raises(ValueError, match="validation"):
        fitted("ab", early_stopping=True)
    with pytest.raises(ValueError, match="early_stopping"):
        RNNLanguageModel(**LETTERS).fit(NAMES, X_val=NAMES)
    with pytest.raises(ValueError, match="stride"):
        fitted(input_layers=[Conv1D(2, 2, stride=2)])
