"""`transitions=True`: labels of steps that are learned as sequences, and what may follow what."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
import reference
from cases import as_read, assert_close
from fits import same_state
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.tags import allowed_of
from sklearn_rnn.inspection import memory_footprint
from sklearn_rnn.transfer import transfer

LABELS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")  # sorted
NEXT = {"O": ("O", "O", "B-LOC", "B-PER"), "B": ("I", "I", "O", "B-PER"), "I": ("I", "O")}
TAGGER = {"hidden_layer_sizes": 5, "mode": "many_to_many", "transitions": True}
TAGGER |= {"random_state": 0, "max_iter": 10}


def draw_entities(n_samples=40, seed=0, noise=0.5):
    """Return ragged sequences, and their labels in the scheme BIO."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for n in rng.integers(1, 9, n_samples):
        labels = ["O"]
        for _ in range(n):
            following = NEXT[labels[-1][0]]
            label = following[rng.integers(len(following))]
            labels.append("I" + labels[-1][1:] if label == "I" else label)
        y.append(np.array(labels[1:]))
        one_hot = np.eye(len(LABELS))[[LABELS.index(label) for label in y[-1]]]
        X.append(one_hot + noise * rng.normal(size=one_hot.shape))
    return X, y


X, Y = draw_entities()


def tagger(**changes):
    return RNNClassifier(**TAGGER | changes)


def keeps_to_bio(labels):
    before = "O"
    for label in labels:
        if label[0] == "I" and before[1:] != label[1:]:
            return False
        before = label
    return True


def raw_outputs(rnn, X):
    nodes = rnn._fitted_model().network.nodes
    weights = {name: array.astype(np.float64) for name, array in rnn.weights_.items()}
    return reference.forward(weights, as_read(rnn, X), nodes, per_step=True, link="softmax")


def finite(scores):
    return np.where(np.isfinite(scores), scores, 0.0).astype(np.float64)


# ---- What is learned and predicted --------------------------------------------------------------


@pytest.mark.parametrize("allowed", [None, "BIO"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_are_those_over_all_sequences_of_labels(dtype, allowed):
    rnn = tagger(dtype=dtype, allowed_transitions=allowed).fit(X, Y)
    some = [i for i, x in enumerate(X) if len(x) < 6][:12]
    x, y = [X[i] for i in some], [Y[i] for i in some]
    network = rnn._fitted_model().network
    chain = [finite(s) for s in (rnn.transitions_, rnn.start_transitions_, rnn.end_transitions_)]
    predicted, p, log_p = rnn.predict(x), rnn.predict_proba(x), rnn.predict_log_proba(x)
    likelihoods = rnn.score_samples(x, y)
    rtol = {"float32": 1e-4, "float64": 1e-10}[dtype]
    for i, z in enumerate(raw_outputs(rnn, x)):
        best = reference.best_tags(z, chain, network.allowed)
        np.testing.assert_array_equal(predicted[i], rnn.classes_[best])
        assert_close(p[i], reference.tag_marginals(z, chain, network.allowed), rtol)
        assert_close(np.exp(log_p[i]), p[i], rtol)
        assert np.isfinite(log_p[i]).all()
        codes = np.searchsorted(rnn.classes_, y[i])
        known = np.ones(len(codes), dtype=bool)
        loss, *_ = reference.tag_loss(z, chain, codes, known, network.allowed)
        assert_close(-likelihoods[i], loss, rtol, least=1.0)
    right = np.concatenate([a == b for a, b in zip(rnn.predict(X), Y, strict=True)])
    assert rnn.score(X, Y) == pytest.approx(right.mean())


def test_loss_is_minus_the_log_likelihood_per_label():
    rnn = tagger(solver="lbfgs", dtype="float64", max_iter=5).fit(X, Y)
    n_steps = sum(map(len, Y))
    assert rnn.loss_ == pytest.approx(-rnn.score_samples(X, Y).sum() / n_steps, rel=1e-9)
    weights = np.linspace(0.5, 2, len(X))
    rnn.fit(X, Y, sample_weight=weights)
    total = weights @ [len(y) for y in Y]
    assert rnn.loss_ == pytest.approx(-(weights @ rnn.score_samples(X, Y)) / total, rel=1e-9)


def test_labels_of_a_scheme_follow_it_where_single_labels_would_not():
    x, _ = draw_entities(200, seed=1, noise=2.0)
    plain, free, scheme = (
        tagger(transitions=transitions, allowed_transitions=allowed).fit(X, Y).predict(x)
        for transitions, allowed in ((False, None), (True, None), (True, "BIO"))
    )
    assert all(map(keeps_to_bio, scheme))
    assert not all(map(keeps_to_bio, plain))
    assert np.mean([keeps_to_bio(y) for y in free]) > np.mean([keeps_to_bio(y) for y in plain])


def test_the_best_sequence_may_differ_from_the_best_labels():
    rnn = tagger().fit(X, Y)
    x, _ = draw_entities(300, seed=2, noise=2.0)
    alone = [rnn.classes_[p.argmax(axis=1)] for p in rnn.predict_proba(x)]
    together = rnn.predict(x)
    n_different = sum((a != b).any() for a, b in zip(alone, together, strict=True))
    assert 0 < n_different < 150


def test_two_classes_have_two_outputs():
    y = [(labels == "O").astype(int) for labels in Y]
    rnn = tagger().fit(X, y)
    assert rnn.n_outputs_ == 2 and rnn.out_activation_ == "softmax"
    assert rnn.transitions_.shape == (2, 2) and rnn.start_transitions_.shape == (2,)
    assert rnn.weights_["head.weight"].shape[0] == 2
    assert rnn.predict_proba(X)[0].shape == (len(X[0]), 2)


def test_scores_of_transitions_say_what_is_allowed():
    rnn = tagger(allowed_transitions="BIO").fit(X, Y)
    allowed = np.array(allowed_of("BIO", rnn.classes_), dtype=bool)
    np.testing.assert_array_equal(np.isfinite(rnn.transitions_), allowed[:-1, :-1])
    np.testing.assert_array_equal(np.isfinite(rnn.start_transitions_), allowed[-1, :-1])
    assert np.isfinite(rnn.end_transitions_).all()
    assert np.any(rnn.transitions_[allowed[:-1, :-1]] != 0)
    for plain in (RNNClassifier(), RNNClassifier(max_iter=1).fit(X, [y[0] for y in Y])):
        assert not hasattr(plain, "transitions_") and not hasattr(plain, "score_samples")


# ---- What is allowed ----------------------------------------------------------------------------


def test_schemes_pairs_and_matrices_say_the_same():
    matrix = np.array(allowed_of("BIO", np.array(LABELS)), dtype=bool)
    names = [*LABELS, None]
    pairs = [(names[i], names[j]) for i, j in zip(*np.nonzero(matrix), strict=True)]
    pairs = [pair for pair in pairs if pair != (None, None)]
    fits = [
        tagger(allowed_transitions=allowed).fit(X, Y).params_ for allowed in ("BIO", pairs, matrix)
    ]
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[0], fits[2])


@pytest.mark.parametrize(
    "scheme, allowed, forbidden",
    [
        ("BIO", "O B-X I-X I-X B-X O", "O I-X"),
        ("BIO", "B-X B-Y I-Y", "B-X I-Y"),
        ("BIO", "B-X I-X O", "I-X"),
        ("BIOES", "S-X B-X I-X E-X O S-Y", "B-X O"),
        ("BIOES", "B-X E-X B-Y E-Y", "B-X E-Y"),
        ("BIOES", "O", "O B-X"),
        ("BIOES", "S-X", "E-X"),
        ("BIOES", "S-X O", "S-X I-X E-X"),
    ],
)
def test_schemes_allow_whole_entities(scheme, allowed, forbidden):
    prefixes = {"BIO": "BI", "BIOES": "BIES"}[scheme]
    labels = np.array(sorted(["O", *(f"{p}-{kind}" for p in prefixes for kind in "XY")]))
    matrix = np.array(allowed_of(scheme, labels))

    def fits(text):
        steps = [-1, *(labels.tolist().index(label) for label in text.split()), -1]
        return all(matrix[a, b] for a, b in pairwise(steps))

    assert fits(allowed) and not fits(forbidden)


def test_pairs_that_do_not_name_start_or_end_allow_all_of_them():
    matrix = np.array(allowed_of([("a", "b"), ("b", "a")], np.array(["a", "b"])))
    np.testing.assert_array_equal(matrix, [[0, 1, 1], [1, 0, 1], [1, 1, 1]])
    matrix = np.array(allowed_of([("a", "b"), (None, "a"), ("b", None)], np.array(["a", "b"])))
    np.testing.assert_array_equal(matrix, [[0, 1, 0], [0, 0, 1], [1, 0, 1]])
    matrix = np.array(allowed_of(np.eye(2), np.array(["a", "b"])))
    np.testing.assert_array_equal(matrix, [[1, 0, 1], [0, 1, 1], [1, 1, 1]])


def with_labels(i, labels):
    changed = list(Y)
    changed[i] = np.array(labels)
    return [np.zeros((len(y), 5)) for y in changed], changed


@pytest.mark.parametrize(
    "labels, message",
    [
        (["O", "I-PER"], "step 1 of sequence 3 has 'I-PER' after 'O'"),
        (["I-LOC", "O"], "step 0 of sequence 3 has 'I-LOC' at its start"),
        (["O", "B-PER", "I-LOC"], "step 2 of sequence 3 has 'I-LOC' after 'B-PER'"),
    ],
)
def test_labels_that_are_not_allowed_are_named(labels, message):
    rnn = tagger(allowed_transitions="BIO")
    with pytest.raises(ValueError, match=f"`y` must keep to `allowed_transitions`.*{message}"):
        rnn.fit(*with_labels(3, labels))
    assert not hasattr(rnn, "params_")


def test_unknown_labels_must_be_possible():
    rnn = tagger(allowed_transitions=[("a", "b"), ("b", "a"), (None, "a")])
    x = [np.zeros((3, 1)), np.zeros((2, 1))]
    rnn.fit(x, [["a", "?", "a"], ["a", "b"]], sample_weight=[[1, 0, 1], [1, 1]])
    with pytest.raises(ValueError, match="step 2 of sequence 0 has 'b' after unknown tags"):
        rnn.fit(x, [["a", "?", "b"], ["a", "b"]], sample_weight=[[1, 0, 1], [1, 1]])


def test_predictions_need_labels_that_are_allowed():
    rnn = tagger(allowed_transitions=[("a", "b"), (None, "a"), ("b", None)])
    rnn.fit(np.zeros((4, 2, 1)), [["a", "b"]] * 4)
    assert rnn.predict(np.zeros((1, 2, 1))).tolist() == [["a", "b"]]
    for method in (rnn.predict, rnn.predict_proba, rnn.predict_log_proba):
        with pytest.raises(ValueError, match="`allowed_transitions` must allow tags for sequences"):
            method(np.zeros((1, 3, 1)))


# ---- Weights ------------------------------------------------------------------------------------


def test_labels_of_weight_0_are_unknown():
    rng = np.random.default_rng(0)
    known = [(rng.random(len(y)) < 0.7).astype(float) for y in Y]
    masked = [np.where(k > 0, y, None) for k, y in zip(known, Y, strict=True)]
    results = [tagger().fit(X, y, sample_weight=known).params_ for y in (Y, masked)]
    np.testing.assert_array_equal(*results)
    # It is not what the steps that are left would give, nor what all labels give.
    assert np.any(tagger().fit(X, Y).params_ != results[0])
    likelihood = tagger().fit(X, Y).score_samples(X, masked, sample_weight=known)
    assert np.all(likelihood <= 0) and np.any(likelihood < 0)


def test_a_sequence_counts_by_its_weight():
    weights = np.linspace(0.5, 2, len(X))
    by_step = [np.full(len(x), w) for x, w in zip(X, weights, strict=True)]
    results = [tagger().fit(X, Y, sample_weight=w).params_ for w in (weights, by_step)]
    np.testing.assert_array_equal(*results)
    assert np.any(tagger().fit(X, Y).params_ != results[0])


def test_weights_that_differ_within_a_sequence_are_refused():
    weights = [np.ones(len(x)) for x in X]
    i = next(i for i, x in enumerate(X) if len(x) > 2)
    weights[i][1:] = 2.0
    with pytest.raises(
        ValueError, match=f"`sample_weight` must be equal.*sequence {i} has 1 and 2"
    ):
        tagger().fit(X, Y, sample_weight=weights)
    options = {"X_val": X, "y_val": Y, "sample_weight_val": weights}
    rnn = tagger(early_stopping=True, scoring="loss")
    with pytest.raises(ValueError, match="`sample_weight_val` must be equal"):
        rnn.fit(X, Y, **options)
    rnn.set_params(scoring=None).fit(X, Y, **options)


# ---- What does not go together ------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"mode": "many_to_one"}, "`transitions` must be False with mode='many_to_one'"),
        ({"cell": "jordan"}, "`transitions` must be False with cell='jordan'"),
        ({"bptt": 3}, "`bptt` must be None with transitions=True"),
        ({"class_weight": "balanced"}, "`class_weight` must be None with transitions=True"),
        ({"transitions": 1}, "`transitions` must be True or False"),
        ({"transitions": False, "allowed_transitions": "BIO"}, "must be None unless transitions"),
        ({"allowed_transitions": "IOB"}, "`allowed_transitions` must be None, 'BIO' or 'BIOES'"),
        ({"allowed_transitions": []}, "`allowed_transitions` must be None"),
        ({"allowed_transitions": "BIOES"}, "`y` must keep to `allowed_transitions`"),
        ({"allowed_transitions": [("O", "X")]}, "'X' is not among"),
        ({"allowed_transitions": np.ones((3, 3))}, r"must have shape \(5, 5\) for 5 classes"),
    ],
)
def test_what_does_not_go_together_is_named(changes, message):
    rnn = tagger(**changes)
    y = [labels[0] for labels in Y] if changes.get("mode") else Y
    with pytest.raises(ValueError, match=message):
        rnn.fit(X, y)
    assert not hasattr(rnn, "params_")


def test_labels_must_be_of_the_scheme():
    with pytest.raises(ValueError, match=r"needs labels that are 'O' or begin with a prefix.*'X'"):
        tagger(allowed_transitions="BIO").fit(X, [np.where(y == "O", "X", y) for y in Y])


def test_several_columns_have_no_transitions():
    y = [np.stack([labels == "O", labels == "B-PER"], axis=1).astype(int) for labels in Y]
    with pytest.raises(ValueError, match="`transitions` must be False for y with several columns"):
        tagger().fit(X, y)
    with pytest.raises(TypeError, match="transitions"):
        RNNRegressor(transitions=True)


def test_tags_do_not_come_step_by_step():
    rnn = tagger().fit(X, Y)
    with pytest.raises(ValueError, match="A stream needs transitions=False"):
        rnn.stream()


def test_sequences_may_begin_with_given_states():
    state = {"h_l0": np.random.default_rng(0).uniform(-1, 1, (len(X), 5))}
    rnn = tagger().fit(X, Y, initial_state=state)
    labels, after = rnn.predict(X, initial_state=state, return_state=True)
    assert len(labels) == len(X) and after["h_l0"].shape == (len(X), 5)


# ---- As any other estimator ---------------------------------------------------------------------


def test_clones_pickles_and_searches():
    rnn = tagger(allowed_transitions="BIO", bidirectional=True)
    twin = clone(rnn).fit(X, Y)
    rnn.fit(X, Y)
    assert same_state(twin, rnn)
    loaded = pickle.loads(pickle.dumps(rnn))
    assert same_state(loaded, rnn)
    for a, b in zip(loaded.predict(X), rnn.predict(X), strict=True):
        np.testing.assert_array_equal(a, b)
    grid = {"transitions": [False, True], "hidden_layer_sizes": [3]}
    search = GridSearchCV(tagger(max_iter=2), grid, cv=2).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_pickles_from_before_transitions_load():
    rnn = RNNClassifier(3, mode="many_to_many", max_iter=2, random_state=0).fit(X, Y)
    state = rnn.__getstate__()
    for name in ("transitions", "allowed_transitions"):
        state.pop(name)
        state["_architecture"].pop(name.split("_")[0])
    old = RNNClassifier.__new__(RNNClassifier)
    old.__setstate__(state)
    assert old.get_params()["transitions"] is False
    np.testing.assert_array_equal(old.predict(X)[0], rnn.predict(X)[0])
    old.partial_fit(X, Y)


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_weight_files_hold_what_is_allowed(ending, tmp_path):
    rnn = tagger(allowed_transitions="BIO").fit(X, Y)
    file = tmp_path / f"tags.{ending}"
    rnn.save_weights(file)
    loaded = RNNClassifier().load_weights(file)
    assert loaded.transitions
    for a, b in zip(loaded.predict(X), rnn.predict(X), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(loaded.transitions_, rnn.transitions_)
    loaded.partial_fit(X, Y)
    rnn.load_weights(file)
    for changes, name in (({}, "allowed_transitions"), ({"transitions": False}, "transitions")):
        with pytest.raises(ValueError, match=f"with {name}="):
            tagger(**changes).fit(X, Y).load_weights(file)


def test_fits_continue_with_the_same_transitions():
    rnn = tagger(allowed_transitions="BIO", warm_start=True).fit(X, Y)
    before = rnn.score_samples(X, Y).sum()
    assert rnn.fit(X, Y).score_samples(X, Y).sum() > before
    for changes in ({"allowed_transitions": None}, {"allowed_transitions": np.ones((5, 5))}):
        name = next(iter(changes))
        with pytest.raises(ValueError, match=f"`{name}` must not change"):
            clone(rnn).fit(X, Y).set_params(**changes).fit(X, Y)
    rnn.set_params(allowed_transitions=None, transitions=False)
    with pytest.raises(ValueError, match="`transitions` must not change"):
        rnn.fit(X, Y)


def test_partial_fit_learns_tags_too():
    rnn = tagger(allowed_transitions="BIO")
    for _ in range(50):
        rnn.partial_fit(X, Y, classes=LABELS)
    assert rnn.score(X, Y) > 0.6 and all(map(keeps_to_bio, rnn.predict(X)))


@pytest.mark.parametrize(
    "changes",
    [
        {"early_stopping": True, "n_iter_no_change": 100},
        {"early_stopping": True, "scoring": "loss"},
        {"ema_decay": 0.9, "alpha": 1e-3},
        {"gradient_accumulation_steps": 2, "cell": "lstm"},
        {"solver": "lbfgs", "dtype": "float64", "bidirectional": True},
        {"memory_budget": 200_000, "hidden_layer_sizes": (5, 4)},
    ],
)
def test_every_way_of_training_learns_tags(changes):
    rnn = tagger(**{"max_iter": 100, "allowed_transitions": "BIO", **changes}).fit(X, Y)
    assert rnn.score(X, Y) > 0.75
    assert all(map(keeps_to_bio, rnn.predict(X)))


def test_frozen_scores_stay_and_bodies_go_on():
    rnn = tagger(frozen=["head.transitions"]).fit(X, Y)
    assert not rnn.transitions_.any() and rnn.start_transitions_.any()
    plain = RNNClassifier(5, mode="many_to_many", max_iter=3, random_state=0).fit(X, Y)
    started = transfer(plain, tagger(max_iter=1)).fit(X, Y)
    assert started.transitions and np.isfinite(started.loss_)


def test_the_footprint_counts_what_tags_need():
    shape = {"n_samples": 50, "n_timesteps": 20, "n_features": 3, "n_classes": 2}
    plain, tags = (
        memory_footprint(tagger(transitions=transitions), **shape) for transitions in (False, True)
    )
    assert tags.activations > plain.activations and tags.predict > plain.predict
