"""Bad sequences are named, before anything is changed."""

import numpy as np
import pandas as pd
import pytest
from bad_input import DENSE, LABELS, NUMBERS, RAGGED, changed, ill
from sklearn.utils import Bunch

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import Elman

# ---- X --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X, message",
    [
        (changed(RAGGED, 3, ill(RAGGED[3], 2, np.nan)), "`X`.*sequence 3 has NaN"),
        (changed(RAGGED, 1, ill(RAGGED[1], 0, np.inf)), "`X`.*sequence 1 has infinity"),
        (changed(RAGGED, 1, ill(RAGGED[1], 0, 1e300)), "`X`.*'float32'.*sequence 1 has 1e\\+300"),
        (changed(DENSE, (2, 1, 0), np.nan), "`X`.*sequence 2 has NaN"),
        (changed(DENSE, (4, 1, 0), -1e39), "`X`.*with dtype='float32'.*sequence 4 has -1e\\+39"),
        (changed(DENSE[:, :, 0], (5, 3), np.inf), "`X`.*sequence 5 has infinity"),
        (changed(RAGGED, 2, np.empty((0, 3))), "`X\\[2\\]` has none"),
        (changed(RAGGED, 4, RAGGED[4][:, :2]), "`X\\[4\\]` has 2"),
        (changed(RAGGED, 4, RAGGED[4][:, 0]), "`X\\[4\\]` is 1-D"),
        (changed(RAGGED, 0, np.zeros((2, 3, 1))), "`X\\[0\\]` has shape \\(2, 3, 1\\)"),
        (changed(RAGGED, 5, np.array([["a", "b", "c"]])), "`X\\[5\\]`.*strings"),
        (changed(RAGGED, 5, RAGGED[5] + 1j), "`X\\[5\\]`.*complex"),
        (list("abcdef"), "`X` must hold real numbers, but it holds strings"),
        (np.array([["1", "2"]] * 6), "`X` must hold real numbers"),
        (DENSE + 1j, "[Cc]omplex"),
        ([], "`X`.*empty"),
        (DENSE[:0], "0 sample"),
        (DENSE[:, :0], "`X`.*at least 1 step"),
        (DENSE[:, :, :0], "`X`.*at least 1 feature"),
        (DENSE[0, 0], "Reshape your data"),
        (DENSE[None], "`X` must be 3-D"),
        (3.0, "`X` must hold sequences, such as a list of them, got 3.0"),
        (
            [[np.datetime64("NaT"), np.datetime64("2020")]] * 6,
            "`X` must hold real numbers, .*dates",
        ),
        (np.array([[np.datetime64("NaT")] * 2] * 6, object), "`X` must be finite.*has NaN"),
        (np.zeros((6, 2), [("a", float)]), "`X` must hold real numbers, but it holds structures"),
        ([[np.ma.array([1.0, 9.0], mask=[0, 1])]] * 6, "`X` must not have masked entries"),
        (
            [1.0, 2.0, 3.0],
            "`X` must hold sequences, got a 1-D array of length 3.*Reshape.*\\[X\\]",
        ),
    ],
)
def test_bad_sequences_are_named(refuses, X, message):
    refuses(RNNRegressor(2, max_iter=1, normalize_X=False), message, X, NUMBERS)


def test_sparse_data_are_refused(refuses):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        RNNRegressor().fit(sparse.csr_matrix(DENSE[:, :, 0]), NUMBERS)
    with pytest.raises(TypeError, match="sparse"):
        RNNRegressor().fit([sparse.csr_matrix(x) for x in RAGGED], NUMBERS)


def test_the_dtype_decides_what_overflows():
    X = changed(RAGGED, 1, ill(RAGGED[1], 0, 1e39))
    RNNRegressor(2, max_iter=1, dtype="float64").fit(X, NUMBERS)
    rnn = RNNRegressor(2, max_iter=1).fit(RAGGED, NUMBERS)
    with pytest.raises(ValueError, match="sequence 1 has 1e\\+39"):
        rnn.predict(X)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "hidden_states", "score"])
def test_another_kind_or_number_of_features_than_in_fit_is_refused(method):
    def call(rnn, X):
        return rnn.score(X, LABELS) if method == "score" else getattr(rnn, method)(X)

    rnn = RNNClassifier(2, max_iter=1).fit(DENSE, LABELS)
    with pytest.raises(ValueError, match="X has 2 features, but RNNClassifier is expecting 3 feat"):
        call(rnn, DENSE[:, :, :2])
    with pytest.raises(ValueError, match="X has 2 features, but RNNClassifier is expecting 3 feat"):
        call(rnn, [x[:, :2] for x in RAGGED])
    with pytest.raises(ValueError, match=r"fitted on: sequences.*got 2-D"):
        call(rnn, DENSE[:, :, 0])
    rnn = RNNClassifier(2, max_iter=1).fit(DENSE[:, :, 0], LABELS)
    with pytest.raises(ValueError, match="X has 3 features, but RNNClassifier is expecting 4 feat"):
        call(rnn, DENSE[:, :3, 0])
    with pytest.raises(ValueError, match=r"fitted on: 2-D.*got sequences"):
        call(rnn, DENSE[:, :, :1])
    with pytest.raises(ValueError, match=r"fitted on: 2-D.*got sequences"):
        call(rnn, [x[:, 0] for x in RAGGED])


@pytest.mark.parametrize("n_features", [3, 1])
def test_one_sequence_is_told_how_to_be_given(n_features):
    X = DENSE[:, :, :n_features]
    rnn = RNNRegressor(2, max_iter=1).fit(X, NUMBERS)
    for one in (X[0], pd.DataFrame(X[0]), X[0].tolist()):
        if n_features == 1 and isinstance(one, list):
            continue  # nested lists are sequences as those of other lengths
        with pytest.raises(ValueError, match=r"fitted on: sequences.*Pass one sequence as `\[X"):
            rnn.predict(one)
    assert rnn.predict([X[0]]).shape == (1,)
    with pytest.raises(ValueError) as error:
        rnn.predict(np.ones((5, 2)))
    assert ("np.newaxis" in str(error.value)) == (n_features == 1)


def test_frames_of_dates_are_refused(refuses):
    frame = pd.DataFrame({"a": [1.0] * 6, "b": np.array(["NaT"] * 6, "M8[D]")})
    refuses(RNNRegressor(2), "`X`.*its column 'b' holds dates", frame, NUMBERS)


class Hostile:
    """Raises what nobody expects when NumPy asks for an array."""

    shape, ndim = (6, 3), 2

    def __array__(self, *args, **kwargs):
        raise KeyError("no")


def test_what_raises_anything_at_all_is_named(refuses):
    refuses(RNNRegressor(2), "`X` cannot be read", Hostile(), NUMBERS)
    refuses(RNNRegressor(2), "`y` .*cannot be read", RAGGED, Hostile())


# ---- what would be misread, vanish or overflow -------------------------------------------------


def test_masked_entries_are_refused_wherever_they_come(refuses):
    mask = np.zeros(6, bool)
    mask[2] = True
    rnn = RNNRegressor(2, max_iter=1)
    steps = np.ma.array(DENSE, mask=np.broadcast_to(mask[:, None, None], DENSE.shape))
    for X in (steps, steps[:, :, 0]):
        refuses(rnn, "`X` must not have masked", X, NUMBERS)
    masked = np.ma.array(np.arange(1.0, 7.0), mask=mask)
    refuses(rnn, "`y` must not have masked", RAGGED, masked)
    refuses(rnn, "`sample_weight` must not have masked", RAGGED, NUMBERS, sample_weight=masked)
    unmasked = np.ma.array(DENSE, mask=False)
    assert len(RNNRegressor(2, max_iter=1).fit(unmasked, NUMBERS).predict(unmasked)) == 6


def test_results_that_are_not_finite_are_an_error():
    X = np.random.RandomState(0).normal(size=(20, 4, 3))
    settings = {"cell": Elman(activation="relu"), "max_iter": 2, "tol": 0.0}
    regressor = RNNRegressor(16, random_state=0, **settings).fit(X, X.sum(axis=(1, 2)))
    with pytest.raises(ValueError, match=r"`X` must be at most 1e.*sequence 0 has 3e\+38"):
        regressor.predict(np.full_like(X, 3e38))
    regressor.params_ *= 1e10
    with pytest.raises(ValueError, match="`X` leads to results that are not finite"):
        regressor.predict(np.full_like(X, 1e29))
    regressor.params_[:] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        regressor.predict(X)


@pytest.mark.parametrize(
    "X, message",
    [
        (
            {"a": RAGGED[0]},
            r"`X` must be a list of sequences, got a dict: pass list\(X.values",
        ),
        (
            Bunch(X=RAGGED, y=[0]),
            "got a Bunch: pass its entry 'X'",
        ),
        (iter(RAGGED), r"`X` must be a list of sequences, got an iterator: pass list\(X\)"),
    ],
)
def test_a_dict_or_an_iterator_is_told_how_to_become_a_list(X, message):
    with pytest.raises(TypeError, match=message):
        RNNRegressor(2).fit(X, NUMBERS)


def test_axes_that_are_swapped_in_predict_are_noticed():
    rnn = RNNRegressor(2, max_iter=1).fit(DENSE, NUMBERS)
    with pytest.raises(ValueError, match=r"X has 50 features.*np\.swapaxes\(X, 1, 2\)"):
        rnn.predict(np.ones((2, 3, 50)))


def test_a_column_too_many_is_named():
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame(x, columns=list("abc")) for x in RAGGED]
    rnn = RNNRegressor(2, max_iter=1).fit(frames, NUMBERS)
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- time"):
        rnn.predict([frame.assign(time=1.0) for frame in frames])
