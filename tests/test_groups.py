"""Early stopping holds out whole groups of sequences."""

from types import SimpleNamespace

import numpy as np
import pytest
import sklearn
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.groups import read_groups
from sklearn_rnn._training.examples import Examples
from sklearn_rnn._training.held_out import _count_targets, split_groups
from sklearn_rnn._training.pairs import PairedExamples
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.metrics import step_accuracy
from sklearn_rnn.preprocessing import SequenceScaler
from sklearn_rnn.seq2seq import Seq2SeqRegressor, SequenceAutoencoder
from sklearn_rnn.transfer import MultiTaskRNN

STOPPED = {"early_stopping": True, "max_iter": 2, "random_state": 0}


class Watch:
    """A scorer that keeps the y that it sees; y holds the groups themselves."""

    def __init__(self):
        self.seen = []

    def __call__(self, estimator, X, y):
        self.seen.append(np.concatenate([np.ravel(row) for row in y]))
        return 0.0


@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_held_out_is_whole_groups(carrier, weighted):
    rng = np.random.RandomState(0)
    groups = rng.randint(8, size=60)
    X, watch = carrier(list(rng.normal(size=(60, 4, 1)))), Watch()
    weights = (np.arange(60) % 5 > 0).astype(float) if weighted else None
    rnn = RNNRegressor(2, scoring=watch, validation_fraction=0.25, **STOPPED)
    rnn.fit(X, groups.astype(float), weights, groups=[f"person {g}" for g in groups])
    held_out = watch.seen[0]
    kept = np.ones(60, bool) if weights is None else weights > 0
    assert len(set(held_out)) == 2  # a quarter of 8 groups
    assert len(held_out) == np.isin(groups[kept], held_out).sum()
    assert len(rnn.history_["validation_loss"]) == 2


def test_groups_are_chosen_for_their_classes():
    """Groups 0 to 9 have 1, 2, ... 10 sequences; all of the rare class are in groups 2 and 7."""
    groups = np.repeat(np.arange(10), np.arange(1, 11))
    labels = np.isin(groups, [2, 7]).astype(np.int32)
    examples = Examples(None, labels, None, False)
    for seed in range(5):
        rng = np.random.RandomState(seed)
        train, held_out = split_groups(groups, 0.2, examples, labels, rng)
        assert sorted([*train, *held_out]) == list(range(55))
        chosen = set(groups[held_out])
        assert len(chosen) == 2 and chosen.isdisjoint(groups[train])
        # A fifth of 11 rare ones are 2.2, of 44 others 8.8: group 2 has 3 rare ones.
        assert 2 in chosen and 6 <= len(held_out) - 3 <= 10


def test_a_group_is_left_to_train_on():
    examples = Examples(None, np.zeros(9), None, False)
    for groups in (np.arange(9) // 5, np.arange(9) // 3):
        train, held_out = split_groups(groups, 0.95, examples, None, np.random.RandomState(0))
        assert len(set(groups[train])) == 1 and sorted([*train, *held_out]) == list(range(9))


def test_steps_count_by_class_and_where_they_have_weight():
    sequences = SimpleNamespace(lengths=np.array([2, 1, 3]))
    labels, weights = np.array([0, 1, 1, 2, 1, 1], np.int32), np.array([1.0, 1, 0, 2, 2, 0])
    groups = np.array([1, 0, 1])
    examples = Examples(sequences, labels, weights, True)
    assert _count_targets(groups, examples, labels).toarray().tolist() == [[0, 0, 0], [1, 2, 1]]
    examples = Examples(sequences, labels, None, True)
    assert _count_targets(groups, examples, None).toarray().tolist() == [[1], [5]]
    pairs = SimpleNamespace(fed=SimpleNamespace(lengths=np.array([2, 0, 3])))
    assert PairedExamples.repeat(pairs, np.array([7, 8, 9])).tolist() == [7, 7, 9, 9, 9]


def test_the_same_groups_are_held_out_again_and_other_fits_stay_as_they_were(dense):
    X, labels, _ = dense
    groups, watch = np.arange(40) // 4, Watch()
    rnn = RNNClassifier(2, scoring=watch, warm_start=True, **STOPPED)
    rnn.fit(X, labels, groups=groups).fit(X, labels, groups=groups)
    assert all((y == watch.seen[0]).all() for y in watch.seen)
    plain = RNNClassifier(2, max_iter=2, random_state=0, early_stopping=True)
    data = {"X_val": X[:9], "y_val": labels[:9]}
    params = plain.fit(X, labels, **data).params_.copy()
    plain.fit(X, labels, groups=groups, **data)  # without effect
    np.testing.assert_array_equal(plain.params_, params)


def test_groups_are_refused_where_nothing_is_held_out(dense):
    X, labels, _ = dense
    groups, rnn = np.arange(40) // 4, RNNClassifier(2, max_iter=1)
    with pytest.raises(ValueError, match="`groups` needs early_stopping=True, got False"):
        rnn.fit(X, labels, groups=groups)
    with pytest.raises(ValueError, match="`groups` needs early_stopping=True, got False"):
        RNNLanguageModel(2, max_iter=1).fit(["ab"] * 40, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):  # groups reach the splitter alone
        GridSearchCV(rnn, {"alpha": [0.0]}, cv=GroupKFold(2)).fit(X, labels, groups=groups)


def test_a_scorer_of_scikit_learn_scores_the_held_out_groups(dense):
    X, _, _ = dense
    y = np.where(X[:, :, 0] > 0, "up", "down")
    rnn = RNNClassifier(2, mode="many_to_many", scoring=make_scorer(step_accuracy), **STOPPED)
    by_name = rnn.fit(list(X), list(y), groups=np.arange(40) // 4).validation_scores_
    rnn.set_params(scoring=None).fit(list(X), list(y), groups=np.arange(40) // 4)
    np.testing.assert_allclose(rnn.validation_scores_, by_name)


def test_scikit_learn_passes_groups_on(dense):
    X, _, _ = dense
    groups, watch = np.repeat(np.arange(8), 5), Watch()
    y = groups.astype(float)
    rnn = RNNRegressor(2, validation_fraction=0.3, **STOPPED)
    rnn.set_params(scoring=lambda *given: watch(*given))  # clones share a function

    def held_out():
        seen, watch.seen = watch.seen, []
        assert all(len(set(y)) * 5 == len(y) for y in seen)
        return len(seen)

    cv = GroupKFold(2)
    cross_val_score(rnn, X, y, cv=cv, groups=groups, params={"groups": groups})
    assert held_out() == 4
    make_pipeline(SequenceScaler(), rnn).fit(X, y, rnnregressor__groups=groups)
    assert held_out() == 2
    with sklearn.config_context(enable_metadata_routing=True):
        rnn.set_fit_request(groups=True)
        search = GridSearchCV(rnn, {"alpha": [0.0]}, cv=cv, scoring=lambda *args: 0.0)
        search.fit(X, y, groups=groups)
    assert held_out() == 6 and search.best_estimator_.n_iter_ == 2


@pytest.mark.parametrize(
    "estimator, y",
    [
        (MultiTaskRNN, lambda X: {"sum": X.sum(axis=(1, 2))}),
        (Seq2SeqRegressor, lambda X: X[:, :2, 0]),
        (SequenceAutoencoder, lambda X: None),
    ],
)
def test_others_hold_out_groups_as_well(dense, estimator, y):
    X, groups = dense[0], np.arange(40) // 8
    rnn = estimator(2, **STOPPED).fit(X, y(X), groups=groups)
    assert rnn.n_iter_ == 2
    with pytest.raises(ValueError, match="`groups` must hold at least 2 groups"):
        rnn.fit(X, y(X), groups=np.zeros(40))


def test_texts_hold_out_groups_as_well():
    texts, watch = ["ab" * n for n in range(1, 21)], Watch()
    model = RNNLanguageModel(2, scoring=lambda model, X, y: watch(model, X, list(X)), **STOPPED)
    model.fit(texts, groups=[len(text) % 8 for text in texts])
    n_steps = {len(text) % 8 for text in watch.seen[0]}
    assert len(n_steps) == 1 and len(watch.seen[0]) == 5


@pytest.mark.parametrize(
    "groups, message",
    [
        (np.arange(39), r"`groups` must have one label for each sequence, shape \(40,\); got"),
        (np.zeros((40, 2)), r"got shape \(40, 2\)"),
        ("person", r"got shape \(\)"),
        ([1, None, *range(38)], "that of sequence 1 is missing"),
        ([np.nan, *range(39)], "that of sequence 0 is missing"),
        (np.ma.masked_equal(np.arange(40), 5), "that of sequence 5 is missing"),
        ([1, "a"] * 20 + [], "`groups` must hold labels of one type|at least"),
        ([[1], [1, 2]] * 20, "`groups` cannot be read"),
        (np.zeros(40), "`groups` must hold at least 2 groups of sequences with positive weight"),
    ],
)
def test_bad_groups_are_refused(dense, refuses, groups, message):
    X, labels, _ = dense
    if isinstance(groups, list) and groups[:2] == [1, "a"]:
        groups = np.array(groups, dtype=object)
    refuses(RNNClassifier(2, **STOPPED), message, X, labels, groups=groups)


def test_groups_may_be_of_any_kind():
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    expected = [1, 0, 1, 2]
    for groups in (
        pd.Series(["b", "a", "b", "c"], index=[7, 7, 3, 1]),
        pd.Categorical(["b", "a", "b", "c"]),
        pl.Series(["b", "a", "b", "c"]),
        pa.array(["b", "a", "b", "c"]),
        np.array(["2020-01-02", "2020-01-01", "2020-01-02", "2021-01-01"], dtype="datetime64[D]"),
        [2.5, -1.0, 2.5, 3.0],
    ):
        assert read_groups(groups, 4).tolist() == expected
