"""The estimators read the same sequences in every carrier."""

import numpy as np
import pytest
from fits import QUICK, equal
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.preprocessing import SequenceScaler


def test_an_array_is_a_list_is_each_sequence_alone(dense, carrier):
    X, labels, _ = dense
    array = RNNClassifier(**QUICK, bidirectional=True).fit(X, labels)
    other = RNNClassifier(**QUICK, bidirectional=True).fit(carrier(list(X)), labels)
    assert equal(array.params_, other.params_)
    expected = array.predict_proba(X)
    assert equal(expected, other.predict_proba(carrier(list(X))))
    assert equal(expected, np.concatenate([other.predict_proba(X[i : i + 1]) for i in range(40)]))
    assert equal(expected[::-1], other.predict_proba(X[::-1]))


def test_results_do_not_depend_on_the_other_sequences(ragged, carrier):
    X, _, numbers = ragged
    rnn = RNNRegressor(**QUICK).fit(carrier(X), numbers)
    alone = np.concatenate([rnn.predict(carrier([x])) for x in X])
    assert equal(rnn.predict(carrier(X)), alone)
    order = np.random.RandomState(0).permutation(len(X))
    assert equal(rnn.predict(carrier([X[i] for i in order])), alone[order])


def test_float32_data_give_what_their_float64_copy_gives(dense):
    X, labels, _ = dense
    X = X.astype(np.float32)
    a, b = (RNNClassifier(**QUICK).fit(x, labels) for x in (X, X.astype(np.float64)))
    assert equal(a.params_, b.params_)
    assert equal(a.predict_proba(np.asfortranarray(X)), b.predict_proba(X.astype(np.float64)))


def test_a_2d_array_has_one_feature_per_step(dense):
    X, labels, _ = dense
    flat = np.ascontiguousarray(X[:, :, 0])
    two = RNNClassifier(**QUICK).fit(flat, labels)
    three = RNNClassifier(**QUICK).fit(flat[:, :, None], labels)
    lists = RNNClassifier(**QUICK).fit(flat.tolist(), labels)
    series = RNNClassifier(**QUICK).fit(list(flat), labels)
    for rnn in (three, lists, series):
        assert equal(two.params_, rnn.params_)
    assert (two.n_features_in_, lists.n_features_in_) == (6, 6)
    assert (three.n_features_in_, series.n_features_in_) == (1, 1)
    assert equal(two.predict(flat), two.predict(flat.tolist()))


def test_lists_whose_lengths_agree_are_read_as_fit_read_others():
    X = [[1.0, 2.0], [3.0, 4.0, 5.0], [6.0], [7.0, 8.0]] * 5
    rnn = make_pipeline(SequenceScaler(), RNNRegressor(**QUICK)).fit(X, np.arange(20.0))
    for some in (X[:1], X[2:3], [X[0], X[3]]):
        expected = rnn.predict([np.array(x) for x in some])
        assert equal(rnn.predict(some), expected)
        assert equal(rnn[-1].predict(rnn[0].transform(some)), expected)
        assert type(rnn[0].transform(some)) is list
    scores = cross_val_score(rnn, X, np.arange(20.0), cv=10, scoring="neg_mean_squared_error")
    assert np.isfinite(scores).all()


def test_large_integers_of_two_types_are_told_apart(dense):
    X = dense[0]
    y = np.where(np.arange(len(X)) % 2, 2**53, 2**53 + 1)
    rnn = RNNClassifier(4, max_iter=2, random_state=0).fit(X, y)
    for sample in (y, y.astype(np.uint64)):
        assert rnn.score(X, sample) == np.mean(rnn.predict(X) == y)
    steps = [np.full(6, 2**53 + i, dtype) for i, dtype in enumerate((np.int64, np.uint64))]
    with pytest.raises(ValueError, match="`y` must have integers of one type"):
        RNNClassifier(4, mode="many_to_many").fit(X[:2], steps)


def test_a_data_frame_keeps_its_names(dense):
    pandas = pytest.importorskip("pandas")
    X, labels, _ = dense
    frame = pandas.DataFrame(X[:, :, 0], columns=[f"hour {t}" for t in range(6)])
    rnn = RNNClassifier(**QUICK).fit(frame, labels)
    assert list(rnn.feature_names_in_) == list(frame.columns)
    assert equal(
        rnn.predict(frame), RNNClassifier(**QUICK).fit(X[:, :, 0], labels).predict(X[:, :, 0])
    )
    with pytest.raises(ValueError, match="feature names"):
        rnn.predict(frame[frame.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        rnn.predict(X[:, :, 0])
    assert not hasattr(rnn.fit(X, labels), "feature_names_in_")


def test_columns_may_have_names_of_attributes(dense):
    pandas = pytest.importorskip("pandas")
    X, labels, _ = dense
    names = ["dtype", "ndim", "columns", "shape", "values", "len"]
    frame = pandas.DataFrame(X[:, :, 0], columns=names)
    rnn = make_pipeline(SequenceScaler(), RNNClassifier(**QUICK)).fit(frame, labels)
    assert len(rnn.predict(frame)) == len(frame)


def test_a_list_of_data_frames_keeps_the_names_of_its_columns(ragged):
    pandas = pytest.importorskip("pandas")
    X, labels, _ = ragged
    names = [f"sensor {k}" for k in range(X[0].shape[1])]
    frames = [pandas.DataFrame(x, columns=names) for x in X]
    rnn = RNNClassifier(**QUICK).fit(frames, labels)
    assert list(rnn.feature_names_in_) == names
    assert equal(rnn.params_, RNNClassifier(**QUICK).fit(X, labels).params_)
    swapped = [frame[names[::-1]] for frame in frames]
    scaler = SequenceScaler().fit(frames)
    for method in (rnn.predict, scaler.transform, scaler.partial_fit):
        with pytest.raises(ValueError, match="feature names"):
            method(swapped)
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            method(X)
    assert not hasattr(rnn.fit(X, labels), "feature_names_in_")


def test_read_only_and_integer_data_are_taken(dense):
    X, labels, _ = dense
    whole = np.round(X).astype(int)
    whole.flags.writeable = False
    a = RNNClassifier(**QUICK).fit(whole, labels)
    b = RNNClassifier(**QUICK).fit(whole.astype(float), labels)
    assert equal(a.predict_proba(whole), b.predict_proba(whole.astype(float)))
