"""RollingOrigin: each test part follows its training part, in every series."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from sklearn_rnn.model_selection import RollingOrigin


def listed(splits):
    return [(train.tolist(), test.tolist()) for train, test in splits]


@pytest.mark.parametrize("gap, max_train", [(0, None), (2, None), (1, 4)])
def test_splits_are_those_of_scikit_learn(gap, max_train):
    X = np.zeros((17, 2))
    ours = RollingOrigin(3, gap=gap, max_train=max_train, n_splits=4)
    theirs = TimeSeriesSplit(4, test_size=3, gap=gap, max_train_size=max_train)
    assert listed(ours.split(X)) == listed(theirs.split(X))
    assert ours.get_n_splits() == 4


def test_origins_may_be_closer_or_farther_than_a_horizon():
    splits = list(RollingOrigin(3, step=1, n_splits=None, min_train=5).split(list(range(10))))
    assert [test[0] for _, test in splits] == [5, 6, 7]
    assert [len(train) for train, _ in splits] == [5, 6, 7]
    splits = list(RollingOrigin(1, step=4, n_splits=None).split(range(10)))
    assert [test.tolist() for _, test in splits] == [[1], [5], [9]]
    assert RollingOrigin(1, step=4, n_splits=None).get_n_splits(range(10)) == 3


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=40),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(1, 6)),
    st.integers(1, 4),
)
def test_every_series_is_cut_at_the_same_distance_from_its_end(
    labels, horizon, step, gap, max_train, min_train
):
    cv = RollingOrigin(
        horizon, step=step, gap=gap, max_train=max_train, min_train=min_train, n_splits=None
    )
    series = {label: [i for i, x in enumerate(labels) if x == label] for label in labels}
    longest = max(map(len, series.values()))
    expected = []
    for shift in range(0, longest, step):  # written again, one series at a time
        train, test = [], []
        for rows in series.values():
            end = len(rows) - shift
            if end - horizon - gap >= min_train:
                past = rows[: end - horizon - gap]
                train += past if max_train is None else past[-max_train:]
                test += rows[end - horizon : end]
        if test:
            expected.insert(0, (sorted(train), sorted(test)))
    if expected:
        assert listed(cv.split(labels, groups=labels)) == expected
        assert cv.get_n_splits(labels, groups=labels) == len(expected)
    else:
        with pytest.raises(ValueError, match="`X` must have at least"):
            cv.get_n_splits(labels, groups=labels)


def test_scikit_learn_uses_it():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = X @ [1.0, 2.0] + rng.normal(size=40)
    groups = np.tile(["a", "b"], 20)
    cv = RollingOrigin(3, n_splits=4)
    expected = [
        Ridge().fit(X[train], y[train]).score(X[test], y[test]) for train, test in cv.split(X)
    ]
    assert cross_val_score(Ridge(), X, y, cv=cv).tolist() == expected
    assert len(cross_val_score(Ridge(), X, y, groups=groups, cv=cv)) == 4
    search = GridSearchCV(Ridge(), {"alpha": [1, 10]}, cv=cv).fit(X, y, groups=groups)
    assert search.n_splits_ == 4
    assert clone(search).cv.horizon == 3
    assert repr(cv).startswith("RollingOrigin(gap=0, horizon=3")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"horizon": 0}, "`horizon` must be an integer of at least 1"),
        ({"horizon": 2, "step": 0}, "`step` must be None or an integer"),
        ({"horizon": 2, "gap": -1}, "`gap` must be"),
        ({"horizon": 2, "max_train": 1.5}, "`max_train` must be"),
        ({"horizon": 2, "n_splits": "all"}, "`n_splits` must be"),
        ({"horizon": 2}, "`X` must have at least 11 rows for 5 splits; got 6, enough for 2"),
    ],
)
def test_wrong_words_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        list(RollingOrigin(**options).split(np.zeros(6)))


def test_groups_must_have_a_label_for_each_row():
    with pytest.raises(
        ValueError, match=r"`groups` must have one label for each sequence, shape \(6,\)"
    ):
        list(RollingOrigin(1).split(np.zeros(6), groups=["a", "b"]))
    with pytest.raises(ValueError, match="`X` must be given"):
        RollingOrigin(1, n_splits=None).get_n_splits()
