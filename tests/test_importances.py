"""How much a network makes of each feature: by its weights, and by what a score loses."""

import numpy as np
import pytest
from nested_data import FORMS, LABELS, NAMES, NUMBERS, X, small
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.inspection import feature_importances, permutation_importance
from sklearn_rnn.metrics import step_scorer
from sklearn_rnn.preprocessing import from_nested, to_nested
from sklearn_rnn.text import TokenEncoder


def test_importances_are_norms_of_what_reads_a_channel():
    x = np.column_stack([np.concatenate(X), np.concatenate(X)[:, 0] > 0])
    sequences = np.split(x, np.cumsum([len(each) for each in X])[:-1])
    rnn = small(RNNClassifier, bidirectional=True).fit(sequences, LABELS)
    both = [rnn.weights_["weight_ih_l0"], rnn.weights_["weight_ih_l0_reverse"]]
    np.testing.assert_allclose(
        feature_importances(rnn), np.linalg.norm(np.vstack(both), axis=0), rtol=1e-6
    )
    rnn = small(RNNClassifier, categorical_features=[2]).fit(sequences, LABELS)
    weight, table = rnn.weights_["weight_ih_l0"], rnn.weights_["embedding_0.weight"][:2]
    added = (table - table.mean(axis=0)) @ weight[:, 2:].T
    code = np.sqrt((added**2).sum(axis=1).mean())
    expected = [*np.linalg.norm(weight[:, :2], axis=0), code]
    np.testing.assert_allclose(feature_importances(rnn), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="fitted to a 2-D X"):
        feature_importances(small(RNNClassifier).fit(np.zeros((2, 2)), [0, 1]))


def test_permutations_take_values_from_other_sequences():
    random = np.random.RandomState(0)
    equal = [x[:1].repeat(3, axis=0) + random.normal(size=(3, 2)) for x in X]
    rnn = small(RNNRegressor).fit(to_nested(equal, NAMES), NUMBERS)
    own = permutation_importance(rnn, to_nested(equal, NAMES), NUMBERS, n_repeats=2, random_state=0)
    orders = np.random.RandomState(0)
    for k in range(2):
        order = orders.permutation(len(X))
        for j in range(2):
            moved = [x.copy() for x in equal]
            for i, x in enumerate(moved):
                x[:, j] = equal[order[i]][:, j]
            by_hand = rnn.score(to_nested(equal, NAMES), NUMBERS)
            by_hand -= rnn.score(to_nested(moved, NAMES), NUMBERS)
            assert own.importances[j, k] == pytest.approx(by_hand)
    np.testing.assert_allclose(own.importances_mean, own.importances.mean(axis=1))
    np.testing.assert_allclose(own.importances_std, own.importances.std(axis=1))


@pytest.mark.parametrize("make", [list, FORMS["polars"], FORMS["array of lists"]])
def test_permutations_cut_longer_sequences_and_repeat_shorter_ones(make):
    seen = []

    def scorer(estimator, table, y):
        seen.append(table if isinstance(table, list) else from_nested(table))
        return 0.0

    rnn = small(RNNRegressor).fit(make(X), NUMBERS)
    permutation_importance(rnn, make(X), NUMBERS, scoring=scorer, n_repeats=1, random_state=0)
    order = np.random.RandomState(0).permutation(len(X))
    for j in range(2):
        for i, x in enumerate(seen[1 + j]):
            np.testing.assert_array_equal(x[:, 1 - j], X[i][:, 1 - j])
            np.testing.assert_array_equal(x[:, j], np.resize(X[order[i]][:, j], len(X[i])))
    weighing = lambda rnn, table, y, *, sample_weight: float(sum(sample_weight))  # noqa: E731
    weights = {"sample_weight": np.ones(len(X)), "scoring": weighing}
    assert not permutation_importance(rnn, make(X), NUMBERS, **weights).importances.any()
    with pytest.raises(ValueError, match="`n_repeats` must be an integer of at least 1"):
        permutation_importance(rnn, make(X), NUMBERS, n_repeats=0)
    with pytest.raises(ValueError, match="`random_state` cannot be read"):
        permutation_importance(rnn, make(X), NUMBERS, random_state="seed")
    with pytest.raises(ValueError, match="`scoring` must be None, the name of one scorer"):
        permutation_importance(rnn, make(X), NUMBERS, scoring=["r2"])
    flat = np.arange(8.0).reshape(4, 2)
    with pytest.raises(ValueError, match=r"2-D, one feature per step: sklearn\.inspection"):
        permutation_importance(small(RNNRegressor).fit(flat, flat[:, 0]), flat, flat[:, 0])


@pytest.mark.parametrize("window", [1, 2])
def test_steps_are_permuted_among_the_sequences_that_have_them(window):
    random = np.random.RandomState(1)
    sequences = [random.normal(size=(n, 2)) for n in (5, 2, 4, 3, 5, 1)]
    y = [x[0, 0] + x[-1, 1] for x in sequences]
    rnn = small(RNNRegressor).fit(sequences, y)
    facts = {"window": window, "n_repeats": 2, "random_state": 0}
    by_step = permutation_importance(rnn, sequences, y, by="step", **facts)
    both = permutation_importance(rnn, sequences, y, by="both", **facts)
    orders, whole = np.random.RandomState(0), rnn.score(sequences, y)
    starts = range(0, 5, window)
    assert by_step.importances.shape == (len(starts), 2)
    assert both.importances.shape == (len(starts), 2, 2)
    for k in range(2):
        for i, start in enumerate(starts):
            reaching = [x for x in sequences if len(x) > start]
            others = iter([reaching[j] for j in orders.permutation(len(reaching))])
            for features, got in (([0, 1], by_step), ([0], both), ([1], both)):
                moved, others = [], list(others)
                donors = iter(others)
                for x in sequences:
                    x = x.copy()
                    if len(x) > start:
                        donor = next(donors)[start : start + window]
                        n = len(x[start : start + window])
                        x[start : start + n, features] = donor[np.arange(n) % len(donor)][
                            :, features
                        ]
                    moved.append(x)
                place = (i, k) if got is by_step else (i, features[0], k)
                assert got.importances[place] == pytest.approx(whole - rnn.score(moved, y))
    np.testing.assert_allclose(both.importances_mean, both.importances.mean(axis=-1))
    for options, message in (
        ({"by": "time"}, "`by` must be one of 'feature', 'step', 'both'"),
        ({"window": 2}, "`window` must be 1 with by='feature', got 2"),
        ({"by": "step", "window": 0}, "`window` must be an integer of at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            permutation_importance(rnn, sequences, y, **options)


def test_what_is_scored_has_the_form_of_X():
    for given in (np.stack([x[:1] for x in X]), X, [x[:, 0] for x in X]):
        seen = []

        def scorer(estimator, moved, y):
            seen.append(moved)  # noqa: B023
            return 0.0

        rnn = small(RNNRegressor).fit(given, NUMBERS)
        facts = {"scoring": scorer, "n_repeats": 1, "random_state": 0}
        permutation_importance(rnn, given, NUMBERS, **facts)
        assert [type(each) for each in seen] == [type(given)] * len(seen)
        for x, each in zip(given, seen[0], strict=True):
            np.testing.assert_array_equal(each, x)


def test_a_misspelled_scorer_leads_to_the_right_one():
    rnn = small(RNNClassifier).fit(X, LABELS)
    hint = r"got 'accuracyy'\. Did you mean 'accuracy'\?$"
    with pytest.raises(ValueError, match=hint):
        permutation_importance(rnn, X, LABELS, scoring="accuracyy")
    with pytest.raises(ValueError, match=hint):
        step_scorer("accuracyy")


@pytest.mark.parametrize("make", [list, lambda texts: [text.split() for text in texts]])
def test_texts_are_permuted_as_codes(make):
    texts, labels = ["very good", "not good", "so very bad", "not bad at all"] * 5, [1, 0, 0, 1] * 5
    rnn = small(RNNClassifier, categorical_features="all")
    pipeline = make_pipeline(TokenEncoder(), rnn).fit(make(texts), labels)
    options = {"by": "step", "n_repeats": 2, "random_state": 0}
    found = permutation_importance(pipeline, make(texts), labels, **options)
    codes = list(pipeline[:-1].transform(make(texts)))
    expected = permutation_importance(pipeline[-1], codes, labels, **options)
    np.testing.assert_array_equal(found.importances, expected.importances)
    assert found.importances.shape == (4, 2)


def test_a_search_over_texts_keeps_its_score():
    texts, labels = ["very good", "not good", "so very bad", "not bad at all"] * 5, [1, 0, 0, 1] * 5
    model = make_pipeline(TokenEncoder(), small(RNNClassifier, categorical_features="all"))
    search = GridSearchCV(model, {"rnnclassifier__alpha": [0.0]}, scoring="neg_log_loss", cv=2)
    search.fit(texts, labels)
    own = permutation_importance(search, texts, labels, random_state=0)
    named = permutation_importance(
        search.best_estimator_, texts, labels, scoring="neg_log_loss", random_state=0
    )
    np.testing.assert_array_equal(own.importances, named.importances)
