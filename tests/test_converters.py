"""Sequences to the forms of other libraries and back."""

import sys
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from carriers import CARRIERS
from hypothesis import given, settings
from sklearn.model_selection import train_test_split

from sklearn_rnn import RNNClassifier, preprocessing
from sklearn_rnn.preprocessing import (
    from_aeon,
    from_datasets,
    from_frame,
    from_lengths,
    from_nested,
    from_padded,
    from_tslearn,
    to_aeon,
    to_datasets,
    to_frame,
    to_lengths,
    to_nested,
    to_padded,
    to_tslearn,
)

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

# Forms -----------------------------------------------------------------------------------------


def back_from_frame(table):
    return from_frame(table, by="id", time="time").X


def as_sktime_nests(X):
    return pd.DataFrame({j: [pd.Series(x[:, j]) for x in X] for j in range(X[0].shape[1])})


# name -> conversion to the form, and back
FORMS = {
    "lengths": (to_lengths, lambda form: from_lengths(*form)),
    "padded": (
        lambda X: to_padded(X, return_lengths=True),
        lambda form: from_padded(form[0], lengths=form[1]),
    ),
    "padded with a value": (
        lambda X: to_padded(X, -77.0),
        lambda form: from_padded(form, padding=-77),
    ),
    "padded before": (
        lambda X: to_padded(X, -77.0, n_timesteps=20, side="left"),
        lambda form: from_padded(form, padding=-77.0, side="left"),
    ),
    "aeon": (to_aeon, from_aeon),
    "np-list": (lambda X: to_aeon(X, "np-list"), from_aeon),
    "df-list": (lambda X: to_aeon(X, "df-list"), from_aeon),
    "pd-multiindex": (lambda X: to_aeon(X, "pd-multiindex"), from_aeon),
    "tslearn": (to_tslearn, from_tslearn),
    "pandas": (to_frame, back_from_frame),
    "polars": (lambda X: to_frame(X, frame="polars"), back_from_frame),
    "pyarrow": (lambda X: to_frame(X, frame="pyarrow"), back_from_frame),
    "nested": (to_nested, from_nested),
    "nested of sktime": (as_sktime_nests, from_aeon),
}


def keeps_dtype(name, dtype):
    """Tell whether a form has sequences of a dtype."""
    if name == "tslearn":
        return dtype == np.float64
    # NaN, or -77 among Booleans, makes floats; nested tables hold floats.
    return dtype.kind == "f" or not (name.startswith("padded") or name.startswith("nested"))


def assert_same(X, expected, *, dtype=True):
    assert len(X) == len(expected)
    for x, e in zip(X, expected, strict=True):
        np.testing.assert_array_equal(x, e)
        assert x.shape == e.shape and (not dtype or x.dtype == e.dtype)


DTYPES = (np.float64, np.float32, np.int64, np.int16, np.bool_)


@st.composite
def sequences(draw):
    """Sequences of any lengths, with NaN among floats that are not last."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_features = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    dtype = draw(st.sampled_from(DTYPES))
    X = [rng.normal(0, 9, (length, n_features)).astype(dtype) for length in lengths]
    if dtype in (np.float32, np.float64):
        for x in X:
            x[:-1][rng.random(x[:-1].shape) < 0.2] = np.nan
    return X


@settings(max_examples=40, deadline=None)
@given(X=sequences(), carrier=st.sampled_from(list(CARRIERS)))
@pytest.mark.filterwarnings("ignore:The last step")
def test_every_form_returns_the_same_sequences(X, carrier):
    carried = CARRIERS[carrier](X)
    for name, (to, back) in FORMS.items():
        assert_same(back(to(carried)), X, dtype=keeps_dtype(name, X[0].dtype))


def test_every_form_becomes_every_other_one():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in (3, 1, 2)]
    for to, back in FORMS.values():
        for to_other, back_from_other in FORMS.values():
            assert_same(back_from_other(to_other(back(to(X)))), X)


def test_every_carrier_is_read():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(4, 3, 2)).astype(np.float32)
    one = dense[:, :, 0]
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in dense]
    others = [pl.DataFrame(x, schema=["a", "b"]) for x in dense], [pa.table(f) for f in frames]
    for X in (
        dense,
        list(dense),
        dense.tolist(),
        frames,
        *others,
        to_nested(dense),
        np.asfortranarray(dense),
    ):
        for name, (to, back) in FORMS.items():
            if name != "nested of sktime":
                result = np.stack(list(back(to(X))))
                np.testing.assert_array_equal(result.astype(np.float32), dense)
    for X in (one, list(one), pd.DataFrame(one), [pd.Series(x) for x in one]):
        np.testing.assert_array_equal(to_padded(X), one)
        np.testing.assert_array_equal(from_padded(to_padded(X))[2], one[2])
        np.testing.assert_array_equal(to_aeon(X)[:, 0], one)
        assert to_tslearn(X).shape == (4, 3, 1) and to_lengths(X)[0].shape == (12,)
    for X in (frames, *others):
        assert list(to_frame(X).columns) == ["id", "time", "a", "b"]


@pytest.mark.parametrize("shape", [(4, 3, 2), (4, 1, 5), (4, 5, 1)])
def test_arrays_of_aeon_are_copied(shape):
    X = np.zeros(shape)
    for result in (from_aeon(X), to_aeon(X)):
        assert result.flags.c_contiguous and not np.shares_memory(result, X)
        assert result.shape == (shape[0], shape[2], shape[1])


def test_forms_of_one_channel_are_copied_and_names_kept():
    X = np.zeros((4, 3))
    frame = pd.DataFrame(X)
    for result in (from_aeon(X), from_aeon(frame), to_aeon(X, "numpy2D")):
        result[:] = 1
    assert not X.any() and not frame.to_numpy().any()
    named = [pd.DataFrame({"a": [1, 2], "b": [3, 4]})]
    assert to_aeon(named, "pd-multiindex").columns.tolist() == ["a", "b"]
    assert to_aeon(named, "df-list")[0].index.tolist() == ["a", "b"]


def test_lists_of_aeon_may_be_object_arrays():
    X = np.empty(2, dtype=object)
    X[:] = np.arange(6.0).reshape(2, 3), np.ones((2, 1))
    assert_same(from_aeon(X), [X[0].T, X[1].T])


def test_results_go_into_fit_and_folds():
    X, y = [np.full((2 + i % 3, 2), float(i % 2)) for i in range(12)], np.arange(12) % 2
    rnn = RNNClassifier(2, max_iter=1, tol=0, normalize_X=False)
    for name, (to, back) in FORMS.items():
        result = back(to(X))
        train, test, y_train, _ = train_test_split(result, y, random_state=0)
        assert isinstance(result, np.ndarray) and type(train) is np.ndarray, name
        rnn.fit(train, y_train).predict(test)


# Padding ---------------------------------------------------------------------------------------


def test_padding_is_cut_at_one_side_only():
    nan = np.nan
    X = [[nan, 1, nan, 2, nan, nan], [1, 2, 3, 4, 5, 6]]
    np.testing.assert_array_equal(from_padded(X)[0], [nan, 1, nan, 2])
    np.testing.assert_array_equal(from_padded(X, side="left")[0], [1, nan, 2, nan, nan])
    steps = [[[0, 0], [0, 1], [0, 0]]]
    assert from_padded(steps, padding=0)[0].tolist() == [[0, 0], [0, 1]]
    assert from_padded([["a", ""], ["b", "c"]], padding="")[0].tolist() == ["a"]
    assert from_padded([["a", None], ["b", "c"]], padding=None)[0].tolist() == ["a"]
    assert from_padded([[1, None], [2, 3]])[0].tolist() == [1.0]
    assert from_padded([[5, 6, 7]], lengths=[2], side="left")[0].tolist() == [6, 7]
    assert to_padded([[5], [6, 7]], side="left", value=0).tolist() == [[0, 5], [6, 7]]
    assert to_padded([["a"], ["b", "cd"]], "<pad>").tolist() == [["a", "<pad>"], ["b", "cd"]]
    assert to_padded([[1], [2, 3]], 300).dtype == np.int64
    for narrow, value in ((np.int8, 300), (np.float16, 1e5), (np.float32, 1e300)):
        padded = to_padded([np.ones(1, narrow), np.ones(2, narrow)], value)
        assert padded.dtype == np.float64 and padded[0, 1] == value
    for value in (np.nan, np.inf, 0.1):
        assert to_padded([np.float32([1]), np.float32([2, 3])], value).dtype == np.float32
    assert len(from_padded(np.float32([[1, 0.1]]), padding=np.float64(0.1))[0]) == 1
    source = np.ones((2, 3))
    from_padded(source)[0][:] = 0
    assert source.all()


def test_a_sequence_that_ends_like_padding_is_told():
    with pytest.warns(UserWarning, match="last step of sequence 1 equals the padding, 0"):
        to_padded([[1, 2, 3], [4, 0]], 0)
    with pytest.warns(UserWarning, match="first step of sequence 0"):
        to_padded([[0, 2], [4, 0, 1]], 0, side="left")
    with pytest.warns(UserWarning, match=r"sequence 1 .*padding, nan: .* Fill it") as warned:
        to_tslearn([[1, 2, 3], [4, np.nan]])
    assert warned[0].filename == __file__
    padded, lengths = to_padded([[1, 2, 3], [4, 0]], 0, return_lengths=True)
    assert from_padded(padded, lengths=lengths)[1].tolist() == [4, 0]


# Hugging Face datasets -------------------------------------------------------------------------


class HandMadeDataset:
    """The layout of datasets.Dataset."""

    def __init__(self, table):
        self.table = table
        self.features = dict.fromkeys(table.column_names)
        self.column_names, self.num_rows = table.column_names, len(table)

    def __len__(self):
        return self.num_rows

    def select_columns(self, names):
        return HandMadeDataset(self.table.select(names))

    def with_format(self, name):
        assert name == "arrow"
        return self.table


@pytest.fixture(params=["hand-made", "installed"])
def dataset_class(request, monkeypatch):
    if request.param == "installed":
        return pytest.importorskip("datasets").Dataset
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(Dataset=HandMadeDataset))
    return HandMadeDataset


def test_data_sets_come_back(dataset_class):
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32, np.int64):
        X = [rng.normal(0, 9, (n, 2)).astype(dtype) for n in (3, 1, 2)]
        y, groups = np.array(["u", "v", "u"]), np.array([1, 2, 1])
        dataset = to_datasets(X, y=y, groups=groups)
        assert isinstance(dataset, dataset_class)
        data = from_datasets(dataset, columns="X", target="y", groups="group")
        assert_same(data.X, X)
        assert data.y.tolist() == y.tolist() and data.groups.tolist() == groups.tolist()
        by_feature = to_datasets(X, columns=["a", "b"], y=[x[:, 0] for x in X])
        data = from_datasets(by_feature, columns=["a", "b"], target="y")
        assert_same(data.X, X)
        assert_same(data.y, [x[:, 0] for x in X])
        assert_same(from_datasets(by_feature, columns="b").X, [x[:, 1] for x in X])
    frames = [pd.DataFrame({"a": [1, 2], "b": [3, 4]})]
    assert to_datasets(frames).column_names == ["a", "b"]
    tokens = [["to", "be"], ["or"]]
    data = from_datasets(to_datasets(tokens, y=[[0, 1], [1]]), columns="X", target="y")
    assert data.X == tokens and data.y[0].tolist() == [0, 1]


def test_missing_numbers_of_data_sets_are_nan(dataset_class):
    table = pa.table({"x": [[1, None], [2]], "z": [[None, 1.5], [2.5]]})
    X = from_datasets(dataset_class(table), columns=["x", "z"]).X
    assert_same(X, [np.array([[1, np.nan], [np.nan, 1.5]]), np.array([[2, 2.5]])])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("text", "'text' holds string: if these are texts"),
        ("no", "`columns` must name columns of `dataset`"),
        ([], "`columns` must name at least one"),
        (["x", "short"], "in row 0 'x' has 2, but 'short' has 1"),
        (["x", "words"], "holds list<"),
        (["x", "text"], "'text' holds string"),
        ("none", "no missing lists, but column 'none'"),
        ("empty", r"must be at least 1, but `lengths of empty\[1\]` is 0"),
        ("uneven", "same number of features at every step, but in column 'uneven'"),
    ],
)
def test_columns_of_data_sets_that_cannot_be_read(columns, message):
    table = pa.table(
        {
            "text": ["a", "b"],
            "x": [[1, 2], [3]],
            "short": [[1], [3]],
            "words": [["a", "b"], ["c"]],
            "none": [[1], None],
            "empty": [[1], []],
            "uneven": [[[1], [2, 3]], [[1]]],
        }
    )
    with pytest.raises(ValueError, match=message):
        from_datasets(HandMadeDataset(table), columns=columns)


# Errors ----------------------------------------------------------------------------------------

RAGGED = [np.zeros((3, 2)), np.zeros((1, 2))]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: from_padded(np.zeros(3)), "`X` must be padded"),
        (lambda: from_padded(np.zeros((0, 3))), "not empty"),
        (lambda: from_padded([[1.0, 2.0], [np.nan, np.nan]]), "sequence 1 is all padding"),
        (lambda: from_padded([[1, 2]], padding="a"), "`padding` must be a value that `X`"),
        (lambda: from_padded([[1, 2]], padding=1j), "`padding` must be a value that `X`"),
        (lambda: from_padded([[1, 2]], padding=[2]), "`padding` must be a single value"),
        (lambda: from_padded([[1, 2]], side="post"), "`side` must be"),
        (lambda: from_padded([[1, 2]], lengths=[3]), "`lengths` must be at most the 2 steps"),
        (lambda: from_padded([[1, 2]], lengths=[0]), "`lengths` must be at least 1"),
        (lambda: from_padded([[1, 2]], lengths=[1, 1]), r"`lengths` must have shape \(1,\)"),
        (lambda: from_padded([[1, 2]], lengths=[1.5]), "`lengths` must be integers"),
        (lambda: to_padded(RAGGED, "a"), "`value` must be a real number"),
        (lambda: to_padded([["a"], ["b", "c"]], 0), "`value` must be a str"),
        (lambda: to_padded(RAGGED, n_timesteps=2), "`n_timesteps` must be at least 3"),
        (lambda: from_lengths([[1.0], [2.0]], [1, 2]), "`lengths` must add up to the 2 rows"),
        (lambda: from_lengths([[1.0], [2.0]], [2, 0]), r"`lengths\[1\]` is 0"),
        (lambda: from_lengths(np.zeros((2, 2, 2)), [2]), "`X` must have one row per step"),
        (lambda: from_aeon(np.zeros(3)), "`X` must be a collection as in aeon"),
        (
            lambda: from_aeon([np.zeros((2, 3)), np.zeros((1, 3))]),
            "`X` must have the same number of features",
        ),
        (lambda: from_aeon([np.zeros((2, 3, 1))]), r"`X` must be|`X\[0\]` must be"),
        (lambda: to_aeon(RAGGED, "numpy3D"), "`kind` must be 'np-list'.* sequence 1 has 1"),
        (lambda: to_aeon(np.zeros((2, 2, 2)), "numpy2D"), "several features"),
        (lambda: to_aeon(RAGGED, "numpyflat"), "`kind` must be"),
        (lambda: from_tslearn(np.zeros((2, 3))), "`X` must be 3-D"),
        (lambda: from_tslearn([[["a"]]]), "`X` must hold real numbers"),
        (lambda: to_datasets(RAGGED, y=[1]), "`y` must have one entry per sequence"),
        (lambda: to_datasets(RAGGED, columns=["a"]), "`columns` must have one name"),
        (lambda: to_datasets(RAGGED, y=[1, 2], target="X"), "must be distinct names, got 'X'"),
    ],
)
def test_a_wrong_call_names_its_parameter(call, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(Dataset=HandMadeDataset))
    with pytest.raises(ValueError, match=message):
        call()


HOSTILE = {
    "none": None,
    "a number": 3.0,
    "a text": "abc",
    "a dict": {"a": [1, 2]},
    "an iterator": iter([[1.0]]),
    "empty": [],
    "an empty sequence": [np.zeros((0, 2)), np.zeros((1, 2))],
    "several widths": [np.zeros((2, 2)), np.zeros((2, 3))],
    "several depths": [np.zeros((2, 2)), np.zeros(3)],
    "masked": np.ma.array(np.zeros((2, 3)), mask=np.eye(2, 3)),
    "masked items": [np.ma.array(np.zeros((2, 2)), mask=np.eye(2)), np.zeros((1, 2))],
    "complex": np.zeros((2, 3), complex),
    "dates": np.zeros((2, 3), "M8[s]"),
    "mixed types": [["a", 1], [2]],
    "objects": [[object(), object()]],
    "one sequence": np.zeros(4),
    "four axes": np.zeros((1, 2, 3, 4)),
}


@pytest.mark.parametrize("X", HOSTILE.values(), ids=HOSTILE)
def test_what_holds_no_sequences_is_refused(X, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(Dataset=HandMadeDataset))
    for name in ("padded", "lengths", "aeon", "tslearn", "frame", "datasets", "nested"):
        with pytest.raises((ValueError, TypeError), match=r"`X|`ids"):
            getattr(preprocessing, f"to_{name}")(X)


@pytest.mark.parametrize(
    ("call", "package"),
    [
        (lambda: to_frame(RAGGED, frame="polars"), "polars"),
        (lambda: to_aeon(RAGGED, "df-list"), "pandas"),
        (lambda: preprocessing.to_awkward(RAGGED), "awkward"),
        (lambda: to_datasets(RAGGED), "datasets"),
    ],
)
def test_a_library_that_is_not_installed_is_named(call, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"pip install {package}"):
        call()


def test_another_module_of_the_name_of_a_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(__file__="mine.py"))
    with pytest.raises(ImportError, match=r"another module of this name .*\(mine.py\)"):
        to_datasets(RAGGED)


class DatasetDict(dict):
    with_format = select_columns = None


def test_objects_of_other_kinds_are_refused():
    with pytest.raises(TypeError, match=r"`array` must be an awkward\.Array, got list"):
        preprocessing.from_awkward([[1.0]])
    with pytest.raises(TypeError, match=r"dataset\['train'\]"):
        preprocessing.from_datasets(DatasetDict(train=1), columns="x")
    with pytest.raises(TypeError, match=r"datasets\.Dataset"):
        preprocessing.from_datasets([1], columns="x")
