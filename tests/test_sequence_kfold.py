"""SequenceKFold makes folds of equal size, with equal shares of labels, and divides no group."""

import numpy as np
import pytest
import sklearn
from carriers import CARRIERS, object_array
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from sklearn_rnn import RNNClassifier
from sklearn_rnn.model_selection import RollingOrigin, SequenceKFold


def sequences(lengths):
    return [np.zeros((n, 2)) for n in lengths]


def folds(splitter, *data):
    return [test.tolist() for _, test in splitter.split(*data)]


def test_the_longest_goes_to_the_fold_with_the_fewest_steps():
    """By hand: 9, 7, 6 open the folds; 5 -> 6, 4 -> 7 (11 each), 3 -> 9, 2 -> the first with 11."""
    X = sequences([2, 9, 7, 5, 6, 4, 3])
    assert folds(SequenceKFold(3), X) == [[1, 6], [0, 2, 5], [3, 4]]
    train, test = next(SequenceKFold(3).split(X))
    assert train.tolist() == [0, 2, 3, 4, 5] and test.tolist() == [1, 6]
    assert SequenceKFold(3).get_n_splits(X) == 3


def test_rare_tags_are_dealt_out_by_hand():
    """4 sequences of 4 steps in 2 folds, of 16 steps: 12 "a", 2 "b", 2 "c".

    The shares of (size, a, b, c) are for 0: (1/4, 2/12, 1, 0); 1: (1/4, 2/12, 0, 1); 2 and 3:
    (1/4, 4/12, 0, 0). So 0 and 1 come first: 0 opens the first fold, 1 the second, 2 costs the
    same in both and goes to the first, 3 to the second. KFold puts both rare tags in the first.
    """
    X, y = sequences([4] * 4), ["aabb", "aacc", "aaaa", "aaaa"]
    y = [list(row) for row in y]
    assert folds(SequenceKFold(2, stratify="tags"), X, y) == [[0, 2], [1, 3]]
    # Now both rare ones have the same rare tag, half of it each: they must be apart as well.
    y = [["a", "a", "b", "b"], ["b", "a", "a", "b"], *[["a"] * 4] * 2]
    assert folds(SequenceKFold(2, stratify="tags"), X, y) == [[0, 2], [1, 3]]


def spread(folds, amounts):
    """Return the largest over the smallest sum of each column of amounts (n, k) over the folds."""
    sums = np.array([amounts[test].sum(axis=0) for _, test in folds])
    return sums.max(axis=0) / np.maximum(sums.min(axis=0), 1)


@pytest.mark.parametrize("shuffle", [False, True])
def test_folds_of_ragged_data_are_more_alike_than_those_of_kfold(shuffle):
    rng = np.random.RandomState(0)
    lengths = rng.lognormal(3, 1, size=200).astype(int) + 1
    X, tags = sequences(lengths), ["O", "PER", "LOC", "rare"]
    y = [rng.choice(tags, size=n, p=[0.8, 0.1, 0.09, 0.01]) for n in lengths]
    amounts = np.array(
        [[n, *((row == tag).sum() for tag in tags)] for n, row in zip(lengths, y, strict=True)]
    )
    state = 0 if shuffle else None
    kfold = KFold(5, shuffle=True, random_state=0)
    by_chance = spread(kfold.split(X), amounts)
    options = {"shuffle": shuffle, "random_state": state}
    by_steps = spread(SequenceKFold(5, **options).split(X), amounts)
    by_tags = spread(SequenceKFold(5, stratify="tags", **options).split(X, y), amounts)
    assert by_chance[0] > 1.15 and by_steps[0] < 1.005
    assert by_chance[4] > 1.5 and by_tags[0] < 1.01 and (by_tags[1:] < 1.12).all()


def test_classes_have_equal_shares():
    rng = np.random.RandomState(1)
    lengths, y = rng.randint(1, 30, size=60), np.repeat(["a", "b", "c"], [40, 15, 5])
    amounts = np.column_stack([lengths, *(y == label for label in "abc")])
    splits = list(SequenceKFold(5, stratify="classes").split(sequences(lengths), y))
    counts = np.array([amounts[test].sum(axis=0) for _, test in splits])
    assert np.ptp(counts[:, 1]) <= 2 and np.ptp(counts[:, 2]) <= 1 and (counts[:, 3] == 1).all()
    assert counts[:, 0].max() / counts[:, 0].min() < 1.1
    by_number = SequenceKFold(5, balance="sequences", stratify="classes")
    sizes = [len(test) for _, test in by_number.split(sequences(lengths), y)]
    assert sizes == [12] * 5
    rare = np.arange(60) % 12 == 0  # a second column, whose labels the first does not tell
    columns = np.column_stack([y, np.where(rare, "rare", "common")])
    splits = SequenceKFold(5, stratify="classes").split(sequences(lengths), columns)
    assert [rare[test].sum() for _, test in splits] == [1] * 5


def test_empty_texts_leave_no_fold_empty():
    for texts in (["", "ab", ""], ["", ""], ["a", "", "bcd", ""]):
        assert all(len(train) and len(test) for train, test in SequenceKFold(2).split(texts))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_splits_are_partitions_that_divide_no_group(data):
    n = data.draw(st.integers(4, 30))
    lengths = data.draw(st.lists(st.integers(1, 50), min_size=n, max_size=n))
    groups = data.draw(st.lists(st.integers(0, 7), min_size=n, max_size=n))
    tags = [data.draw(st.text("xyz", min_size=k, max_size=k)) for k in lengths]
    grouped = data.draw(st.booleans())
    options = data.draw(
        st.sampled_from([{}, {"shuffle": True, "random_state": 3}, {"balance": "sequences"}])
    )
    stratify = data.draw(st.sampled_from([None, "tags", "classes"]))
    y = {"tags": list(map(list, tags)), "classes": [t[0] for t in tags], None: None}[stratify]
    n_units = len(set(groups)) if grouped else n
    k = min(3, n_units)
    if k < 2:
        return
    splitter = SequenceKFold(k, stratify=stratify, **options)
    X = sequences(lengths)
    given_groups = np.array(groups) if grouped else None
    splits = list(splitter.split(X, y, given_groups))
    assert len(splits) == k
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(n))
    for train, test in splits:
        assert len(test) > 0 and sorted([*train, *test]) == list(range(n))
        if grouped:
            assert not set(np.array(groups)[train]) & set(np.array(groups)[test])
    again = list(splitter.split(X, y, given_groups))
    assert all((a[1] == b[1]).all() for a, b in zip(splits, again, strict=True))
    if stratify is None and options == {} and not grouped:  # the bound of the greedy rule
        totals = [sum(lengths[i] for i in test) for _, test in splits]
        assert max(totals) - min(totals) <= max(lengths)


def test_shuffling_deals_out_differently_and_repeatably():
    X = sequences(np.random.RandomState(0).randint(5, 40, size=50))
    one, again, other = (SequenceKFold(3, shuffle=True, random_state=s) for s in (0, 0, 1))
    assert folds(one, X) == folds(again, X) != folds(other, X)
    assert folds(SequenceKFold(3), X) == folds(SequenceKFold(3), X)


def test_only_lengths_count_in_every_carrier(ragged, dense):
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    X = ragged[0]
    expected = folds(SequenceKFold(4), X)
    frames = [pd.DataFrame(x) for x in X]
    cells = {"a": [x[:, 0].tolist() for x in X], "b": [x[:, 1].tolist() for x in X]}
    nested = pl.DataFrame(cells)
    as_objects = object_array([np.array(cell) for cell in cells["a"]])
    for given_X in (
        *(make(X) for make in CARRIERS.values()),
        [x[:, 0] for x in X],
        frames,
        [x.tolist() for x in X],
        nested,
        pa.table(cells),
        pd.DataFrame({"a": as_objects}),
        as_objects[:, np.newaxis],
        ["x" * len(x) for x in X],  # texts
        [x + np.nan for x in X],
    ):
        assert folds(SequenceKFold(4), given_X) == expected
    equal = folds(SequenceKFold(4), dense[0])
    assert equal == folds(SequenceKFold(4), dense[0][:, :, 0])
    assert equal == folds(SequenceKFold(4), pd.DataFrame(dense[0][:, :, 0]))


def test_tags_come_in_every_form():
    X, rows = sequences([3, 2, 1, 4]), [list("abb"), list("ab"), ["c"], list("aaac")]
    splitter = SequenceKFold(2, stratify="tags")
    expected = folds(splitter, X, rows)
    numbers = [[ord(tag) for tag in row] for row in rows]
    several = [[[tag, tag] for tag in row] for row in rows]
    for y in (object_array(list(map(np.array, rows))), numbers, several, list(map(np.array, rows))):
        assert folds(splitter, X, y) == expected
    gaps = [[None, "b", "b"], ["a", "b"], None, ["a", "a", "a", None]]  # missing tags do not count
    assert sorted(np.concatenate(folds(splitter, X, gaps))) == [0, 1, 2, 3]


def test_scikit_learn_takes_it(ragged):
    X, _, _ = ragged
    y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    rnn = RNNClassifier(2, mode="many_to_many", max_iter=2, random_state=0)
    cv = SequenceKFold(3, stratify="tags")
    scores = cross_val_score(rnn, X, y, cv=cv)
    by_hand = []
    for train, test in cv.split(X, y):
        rnn.fit([X[i] for i in train], [y[i] for i in train])
        by_hand.append(rnn.score([X[i] for i in test], [y[i] for i in test]))
    np.testing.assert_array_equal(scores, by_hand)
    groups = np.arange(40) % 7
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(rnn, {"alpha": [0.0, 0.1]}, cv=SequenceKFold(3))
        assert search.fit(X, y, groups=groups).n_splits_ == 3


@pytest.mark.parametrize(
    "options, arguments, message",
    [
        ({"n_splits": 1}, {}, "`n_splits` must be an integer"),
        (
            {"n_splits": 5},
            {},
            "`n_splits` must be at most the number of sequences in `X`, 4; got 5",
        ),
        ({"n_splits": 3}, {"groups": [1, 1, 2, 2]}, "the number of groups in `groups`, 2; got 3"),
        ({"balance": "tags"}, {}, "`balance` must be"),
        ({"stratify": "steps"}, {}, "`stratify` must be"),
        ({"shuffle": 1}, {}, "`shuffle` must be True or False"),
        ({"random_state": 0}, {}, "`random_state` must be None with shuffle=False"),
        ({"shuffle": True, "random_state": "x"}, {}, "random_state"),
        ({"stratify": "tags"}, {}, "`y` must be given with stratify='tags', got None"),
        ({"stratify": "tags"}, {"y": list("abcd")}, "`y`.*one target per step"),
        ({"stratify": "tags"}, {"y": [[1], [1], [1], [1, 2]]}, "sequence 0 has 2 steps"),
        ({"stratify": "tags"}, {"y": [[0.5] * n for n in (2, 3, 1, 2)]}, "not integers"),
        ({"stratify": "tags"}, {"y": [[None] * n for n in (2, 3, 1, 2)]}, "at least one label"),
        ({"stratify": "classes"}, {"y": [0, 1]}, "one label for each of the 4 sequences"),
        ({"stratify": "classes"}, {"y": [[0, 1]] * 2 + [[1]] * 2}, "`y`"),
        ({"stratify": "classes"}, {"y": [1, "a", 1, "a"]}, "`y` must hold labels of one type"),
        ({}, {"groups": [1, 2]}, "`groups` must have one label for each sequence"),
        ({}, {"X": [1.0, 2.0]}, r"`X\[0\]` has no length"),
        ({}, {"X": []}, "it is empty"),
    ],
)
def test_bad_input_is_refused(options, arguments, message):
    splitter = SequenceKFold(**{"n_splits": 2, **options})
    with pytest.raises(ValueError, match=message):
        next(splitter.split(**{"X": sequences([2, 3, 1, 2]), **arguments}))


def test_groups_reach_rolling_origin_as_well(dense):
    X, _, numbers = dense
    rnn = RNNClassifier(2, max_iter=1, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            rnn,
            X,
            numbers > 0,
            cv=RollingOrigin(2, n_splits=2),
            params={"groups": np.arange(40) % 2},
        )
    assert len(scores) == 2
