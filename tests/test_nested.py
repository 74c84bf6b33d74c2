"""Nested tables: a row per sequence, a column per feature, a sequence in each cell."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ragged_data import objects
from sklearn.base import clone

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.arguments import X as ARGUMENT
from sklearn_rnn._data.nested import is_nested, read_nested
from sklearn_rnn._data.reader import read_X
from sklearn_rnn.inspection import channel_importances, permutation_importance
from sklearn_rnn.preprocessing import Differences, SequenceScaler, from_nested, to_nested
from sklearn_rnn.seq2seq import Seq2SeqClassifier, SequenceAutoencoder

pd, pl, pa = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))

rng = np.random.default_rng(0)
X = [rng.normal(size=(length, 2)) for length in (3, 1, 4, 2, 5, 3)]
NAMES = ["acc", "gyro"]
LABELS, NUMBERS = list("pqpqpq"), rng.normal(size=6)
TAGS = [np.where(x[:, 0] > 0, "up", "down") for x in X]
STEPS = [x[:, 1] for x in X]


def array_of(make, sequences=X):
    table = np.empty((len(sequences), 2), dtype=object)
    for i, x in enumerate(sequences):
        for j in range(2):
            table[i, j] = make(x[:, j])
    return table


def pandas_of(make, sequences=X):
    return pd.DataFrame(array_of(make, sequences), columns=NAMES)


def lists_of(library, sequences=X):
    columns = {name: [x[:, j].tolist() for x in sequences] for j, name in enumerate(NAMES)}
    if library == "polars":
        return pl.DataFrame(columns)
    if library == "pyarrow":
        return pa.table(columns)
    arrays = {name: pa.array(column) for name, column in columns.items()}
    return pd.DataFrame({name: pd.arrays.ArrowExtensionArray(a) for name, a in arrays.items()})


FORMS = {
    "array of arrays": lambda s=X: array_of(np.asarray, s),
    "array of lists": lambda s=X: array_of(list, s),
    "array of tuples": lambda s=X: array_of(tuple, s),
    "array of Series": lambda s=X: array_of(pd.Series, s),
    "array of polars": lambda s=X: array_of(pl.Series, s),
    "pandas, arrays": lambda s=X: pandas_of(np.asarray, s),
    "pandas, lists": lambda s=X: pandas_of(list, s),
    "pandas, Series": lambda s=X: pandas_of(pd.Series, s),
    "pandas, Arrow": lambda s=X: lists_of("pandas", s),
    "pandas, own dtype": lambda s=X: to_nested(s, NAMES),
    "polars": lambda s=X: lists_of("polars", s),
    "pyarrow": lambda s=X: lists_of("pyarrow", s),
    "pyarrow, chunks": lambda s=X: pa.concat_tables([lists_of("pyarrow", [x]) for x in s]),
}
forms = pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)


def small(cls, **params):
    return cls(4, max_iter=2, random_state=0, **params)


# ---- reading ------------------------------------------------------------------------------------


@forms
def test_networks_read_a_table_as_they_read_a_list(make):
    table = make()
    for dtype in ("float32", "float64"):
        for rnn, y, method in (
            (small(RNNClassifier, dtype=dtype), LABELS, "predict_proba"),
            (small(RNNRegressor, dtype=dtype, mode="many_to_many"), STEPS, "predict"),
        ):
            known, own = clone(rnn).fit(X, y), clone(rnn).fit(table, y)
            assert own.n_features_in_ == 2
            names = getattr(own, "feature_names_in_", None)
            assert names is None if isinstance(table, np.ndarray) else list(names) == NAMES
            expected = getattr(known, method)(X)
            with pytest.warns(UserWarning) if names is not None else np.errstate():
                found = [getattr(known, method)(table), getattr(own, method)(X)]
            found.append(getattr(pickle.loads(pickle.dumps(own)), method)(table))
            for each in found:
                assert each.dtype == expected.dtype and each.shape == expected.shape
                np.testing.assert_array_equal(np.concatenate(each), np.concatenate(expected))


def test_other_networks_read_it_too():
    table = FORMS["polars"]()
    for rnn, *y in ((small(Seq2SeqClassifier), TAGS), (small(SequenceAutoencoder),)):
        np.testing.assert_array_equal(
            clone(rnn).fit(table, *y).params_, clone(rnn).fit(X, *y).params_
        )
    early = small(RNNClassifier, early_stopping=True, validation_fraction=0.4)
    for scoring in (None, "accuracy"):
        early.set_params(scoring=scoring)
        fits = [clone(early).fit(given, LABELS) for given in (table, X)]
        np.testing.assert_array_equal(fits[0].validation_scores_, fits[1].validation_scores_)
    fits = []
    for form in (table, X):
        rnn = small(RNNClassifier).partial_fit(form, LABELS, classes=["p", "q"])
        fits.append(rnn.partial_fit(form[:2], LABELS[:2]).params_)
    np.testing.assert_array_equal(*fits)


def test_the_dtype_of_the_columns_is_kept():
    for dtype, expected in ((np.float32, np.float32), (np.int8, np.float64), (bool, np.float64)):
        sequences = [(x > 0).astype(dtype) for x in X]
        for make in (FORMS["array of arrays"], FORMS["pandas, arrays"], FORMS["pandas, own dtype"]):
            values = read_X(make(sequences), "RNN")[0].values
            assert values.dtype == expected
            np.testing.assert_array_equal(values, np.concatenate(sequences))
    arrays = pl.DataFrame({name: np.ones((3, 4), np.float32) for name in NAMES})
    assert read_X(arrays, "RNN")[0].values.dtype == np.float32
    values = pa.array(np.arange(12.0))
    fixed = pa.table({name: pa.FixedSizeListArray.from_arrays(values, 4) for name in NAMES})
    np.testing.assert_array_equal(read_X(fixed[1:], "RNN")[0].values[:, 1], np.arange(4.0, 12))


def test_a_frame_of_numbers_has_one_sequence_per_row_as_before():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Series([3, 4], dtype=object)})
    for X2d in (frame, frame.to_numpy(dtype=object), pl.DataFrame({"a": [1.0], "b": [2.0]})):
        assert not is_nested(X2d)
        assert read_X(X2d, "RNN")[0].carrier == "2d"


WRONG = {
    "missing": ([[1.0], None], ("`X['gyro']`, row 1, is None", "SequenceImputer")),
    "NA": ([[1.0], pd.NA], ("`X['gyro']`, row 1, is <NA>",)),
    "scalar": ([[1.0], 2.0], ("`X['gyro']`, row 1, is 2.0", "repeat")),
    "string": ([[1.0], "ab"], ("`X['gyro']`, row 1, is 'ab'",)),
    "numbers": ([1.0, 2.0], ("`X['gyro']` holds numbers", "alone, X['acc']")),
    "strings": ([["a"], ["b"]], ("`X['gyro']` must hold real", "`categorical_features`")),
    "two types": ([[1.0], ["b"]], ("row 0 holds numbers, row 1 strings",)),
    "mixed cell": ([[1.0], [2.0, "b"]], ("`X['gyro']` must hold values of one type",)),
    "length": ([[1.0], [2.0, 3.0]], ("`X['gyro']`, row 1: 2 steps, but `X['acc']` has 1",)),
    "empty": ([[1.0], []], ("`X['gyro']`, row 1, has none",)),
    "two axes": ([[1.0], np.ones((1, 2))], ("row 1, has shape (1, 2)", "list(X['gyro'])")),
    "ragged": ([[1.0], [[1.0], [2.0, 3.0]]], ("X['gyro'], row 1` must be rectangular",)),
    "NaN": ([[1.0], [np.nan]], ("sequence 1 has NaN at step 0", "SequenceImputer")),
    "infinity": ([[1.0], [np.inf]], ("sequence 1 has infinity at step 0",)),
    "masked": ([[1.0], np.ma.masked_array([1.0], [True])], ("row 1` must not have masked",)),
    "dates": ([[1.0], np.array(["2020"], "M8[D]")], ("row 1 dates",)),
    "complex": ([[1j], [1j]], ("its cells hold complex numbers",)),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_error_names_row_and_column(name):
    cells, words = WRONG[name]
    fitted = small(RNNRegressor).fit(pandas_of(list), NUMBERS)
    before = pickle.dumps(fitted)
    column = pd.Series(cells) if name == "numbers" else pd.Series(cells, dtype=object)
    table = pd.DataFrame({"acc": [[1.0], [1.0]], "gyro": column})
    for call in (lambda: fitted.predict(table), lambda: fitted.fit(table, [0.0, 1.0])):
        with pytest.raises(ValueError) as error:
            call()
        assert all(word in str(error.value) for word in words), str(error.value)
    assert pickle.dumps(fitted) == before
    if name in ("missing", "empty"):
        column = pa.array(cells)
        for X_bad in (pl.DataFrame({"gyro": cells}), pa.table({"gyro": column})):
            with pytest.raises(ValueError, match=r"`X\['gyro'\]`, row 1, (is null|has none)"):
                read_X(X_bad, "RNN")


def test_names_of_columns_are_checked_as_by_scikit_learn():
    rnn = small(RNNClassifier).fit(pandas_of(list), LABELS)
    with pytest.raises(ValueError, match="feature names should match"):
        rnn.predict(pandas_of(list)[["gyro", "acc"]])
    with pytest.raises(ValueError, match="feature names should match"):
        rnn.predict(pandas_of(list)[["gyro"]])
    with pytest.raises(ValueError, match="X has 1 features, but RNNClassifier is expecting 2"):
        with pytest.warns(UserWarning, match="feature names"):
            rnn.predict(array_of(list)[:, :1])
    with pytest.raises(ValueError, match="distinct column names, but 'acc' occurs twice"):
        rnn.fit(pandas_of(list).set_axis(["acc", "acc"], axis=1), LABELS)
    with pytest.raises(ValueError, match="kind that RNNClassifier was fitted on"):
        small(RNNClassifier).fit(np.zeros((2, 2)), [0, 1]).predict(pandas_of(list))


def test_only_arrays_of_objects_may_have_constant_columns():
    table = np.column_stack([array_of(list), np.arange(6.0).astype(object)])
    by_hand = [np.column_stack([x, np.full(len(x), float(i))]) for i, x in enumerate(X)]
    np.testing.assert_array_equal(read_X(table, "RNN")[0].values, np.concatenate(by_hand))
    table[2, 2] = [1.0] * 4
    with pytest.raises(ValueError, match=r"`X\[:, 2\]`, row 0, is 0.0"):
        read_X(table, "RNN")


# ---- codes and strings --------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["pandas", "polars", "pyarrow", None])
def test_codes_and_strings_in_cells_are_categorical(frame):
    words = [rng.choice(["on", "off", "idle"], len(x)) for x in X]
    frames = [
        pd.DataFrame({"acc": x[:, 0], "state": word, "code": np.arange(len(x)) % 3})
        for x, word in zip(X, words, strict=True)
    ]
    table = to_nested(frames, frame=frame)
    names = ["state", "code"]
    by_list = small(RNNClassifier, categorical_features=names).fit(frames, LABELS)
    by_table = small(RNNClassifier, categorical_features=names if frame else [1, 2])
    by_table.fit(table, LABELS)
    expected = by_list.predict_proba(frames)
    np.testing.assert_array_equal(by_table.predict_proba(table), expected)
    assert [list(codes) for codes in by_table.categories_] == [
        ["idle", "off", "on"],
        [0, 1, 2, 3, 4][:3],
    ]
    if frame is None:
        return
    np.testing.assert_array_equal(by_list.predict_proba(table), expected)
    np.testing.assert_array_equal(by_table.predict_proba(frames), expected)
    by_dtype = small(RNNClassifier, categorical_features="from_dtype", warm_start=True)
    assert len(by_dtype.fit(table, LABELS).fit(table, LABELS).categories_) == 1
    with pytest.raises(ValueError, match=r"`X\['state'\]` must hold.*`categorical_features`"):
        small(RNNClassifier).fit(table, LABELS)
    with pytest.raises(ValueError, match="feature names should match"):
        by_table.predict(to_nested([f[["state", "acc", "code"]] for f in frames], frame=frame))


def test_a_missing_label_is_named():
    table = pd.DataFrame({"state": [["on"], ["off", None]]})
    with pytest.raises(ValueError, match=r"`X\['state'\]`, row 1, has one at step 1"):
        small(RNNClassifier, categorical_features=["state"]).fit(table, [0, 1])


# ---- results ------------------------------------------------------------------------------------


@forms
def test_transformers_return_a_table(make):
    table = make()
    scaler = SequenceScaler().fit(table)
    result = scaler.transform(table)
    assert type(result) is type(table)
    expected = np.concatenate(SequenceScaler().fit_transform(X))
    np.testing.assert_array_equal(np.concatenate(list(from_nested(result))), expected)
    back = from_nested(scaler.inverse_transform(result))
    np.testing.assert_allclose(np.concatenate(list(back)), np.concatenate(X), rtol=1e-12)
    names = NAMES if not isinstance(table, np.ndarray) else ["x0", "x1"]
    for library, cls in (("pandas", pd.DataFrame), ("polars", pl.DataFrame)):
        framed = clone(scaler).set_output(transform=library).fit_transform(table)
        assert type(framed) is cls and list(framed.columns) == names
        np.testing.assert_array_equal(np.concatenate(list(from_nested(framed))), expected)
    differences = Differences().fit_transform(table)
    assert differences.shape[1] == Differences().fit_transform(X)[0].shape[1]


def test_the_index_is_kept_and_the_input_unchanged():
    table = to_nested(X, NAMES).set_axis(list("uvwxyz"))
    before = pickle.dumps(table)
    result = SequenceScaler(copy=False).fit_transform(table)
    assert list(result.index) == list("uvwxyz") and pickle.dumps(table) == before
    assert list(to_nested(table).index) == list("uvwxyz")
    assert list(to_nested(pd.Series(X, index=list("uvwxyz"))).index) == list("uvwxyz")


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    n_features=st.integers(1, 3),
    frame=st.sampled_from(["pandas", "polars", "pyarrow", None]),
    carrier=st.sampled_from(["list", "object array", "frames", "nested"]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 9),
)
def test_round_trips_change_nothing(lengths, n_features, frame, carrier, dtype, seed):
    random = np.random.default_rng(seed)
    sequences = [random.normal(size=(n, n_features)).astype(dtype) for n in lengths]
    sequences[0][0, 0] = np.nan
    given = {"list": list, "object array": objects, "nested": to_nested}.get(carrier, list)(
        sequences
    )
    if carrier == "frames":
        given = [pd.DataFrame(x, columns=[f"f{j}" for j in range(n_features)]) for x in sequences]
    table = to_nested(given, frame=frame)
    assert table.shape == (len(lengths), n_features)
    back = from_nested(table)
    assert back.dtype == object and back.shape == (len(lengths),)
    for x, own in zip(sequences, back, strict=True):
        assert own.dtype == dtype
        np.testing.assert_array_equal(own, x)
    names = read_nested(table, ARGUMENT).names
    if frame is not None:
        prefix = "f" if carrier == "frames" else "x"
        assert list(map(str, names)) == [f"{prefix}{j}" for j in range(n_features)]


def test_converters_refuse_what_is_no_table():
    for call, words in (
        (lambda: to_nested(X, ["a"]), "`columns` must have one name for each of the 2 features"),
        (lambda: to_nested(X, frame="dask"), "`frame` must be None or one of 'pandas'"),
        (lambda: to_nested([1.0, 2.0]), "`X` must hold sequences"),
        (lambda: from_nested(X), "`table` must be a frame or a 2-D object array"),
        (lambda: from_nested(pd.DataFrame({"a": [1.0]})), "`table` must be a frame or a 2-D"),
        (lambda: from_nested(pd.DataFrame({"a": [["b"]]})), r"`table\['a'\]` must hold real num"),
        (lambda: to_nested([pd.DataFrame({"a": ["b"]}), X[0][:, :1]]), "frames alone"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


# ---- the columns of pandas ----------------------------------------------------------------------


def test_a_column_of_pandas_does_what_frames_need(tmp_path):
    table = to_nested(X, NAMES)
    assert [str(dtype) for dtype in table.dtypes] == ["sequence[float64]"] * 2
    assert "[" in repr(table) and "sequence[float64]" in repr(table["acc"])
    np.testing.assert_array_equal(table["acc"].iloc[2], X[2][:, 0])
    np.testing.assert_array_equal(table.iloc[[4, 1]]["gyro"].iloc[0], X[4][:, 1])
    assert table[table.index > 3].shape == (2, 2)
    assert pd.concat([table[:2], table[2:]]).equals(table)
    assert not table.equals(table[::-1].reset_index(drop=True))
    assert table["acc"].astype("sequence[float32]").dtype == "sequence[float32]"
    reindexed = table.reindex([0, 9])
    assert reindexed["acc"].isna().tolist() == [False, True]
    with pytest.raises(ValueError, match=r"`X\['acc'\]`, row 1, is missing"):
        read_X(reindexed, "RNN")
    table.at[0, "acc"] = np.arange(3.0)
    np.testing.assert_array_equal(from_nested(table)[0][:, 0], np.arange(3.0))
    table.to_parquet(tmp_path / "table.parquet")
    back = from_nested(pd.read_parquet(tmp_path / "table.parquet"))
    for x, own in zip(from_nested(table), back, strict=True):
        np.testing.assert_array_equal(own, x)
    cell = table["acc"].iloc[0]
    assert (cell != cell) is False and (cell != cell + 1).all()


# ---- importances --------------------------------------------------------------------------------


def test_importances_are_norms_of_what_reads_a_channel():
    x = np.column_stack([np.concatenate(X), np.concatenate(X)[:, 0] > 0])
    sequences = np.split(x, np.cumsum([len(each) for each in X])[:-1])
    rnn = small(RNNClassifier, bidirectional=True).fit(sequences, LABELS)
    both = [rnn.weights_["weight_ih_l0"], rnn.weights_["weight_ih_l0_reverse"]]
    np.testing.assert_allclose(
        channel_importances(rnn), np.linalg.norm(np.vstack(both), axis=0), rtol=1e-6
    )
    rnn = small(RNNClassifier, categorical_features=[2]).fit(sequences, LABELS)
    weight, table = rnn.weights_["weight_ih_l0"], rnn.weights_["embedding_0.weight"][:2]
    added = (table - table.mean(axis=0)) @ weight[:, 2:].T
    code = np.sqrt((added**2).sum(axis=1).mean())
    expected = [*np.linalg.norm(weight[:, :2], axis=0), code]
    np.testing.assert_allclose(channel_importances(rnn), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="fitted to a 2-D X"):
        channel_importances(small(RNNClassifier).fit(np.zeros((2, 2)), [0, 1]))


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
        seen.append(from_nested(table))
        return 0.0

    rnn = small(RNNRegressor).fit(make(X), NUMBERS)
    permutation_importance(rnn, make(X), NUMBERS, scoring=scorer, n_repeats=1, random_state=0)
    order = np.random.RandomState(0).permutation(len(X))
    for j in range(2):
        for i, x in enumerate(seen[1 + j]):
            np.testing.assert_array_equal(x[:, 1 - j], X[i][:, 1 - j])
            np.testing.assert_array_equal(x[:, j], np.resize(X[order[i]][:, j], len(X[i])))
    with pytest.raises(ValueError, match="`n_repeats` must be an integer of at least 1"):
        permutation_importance(rnn, make(X), NUMBERS, n_repeats=0)
    with pytest.raises(ValueError, match="`random_state` cannot be read"):
        permutation_importance(rnn, make(X), NUMBERS, random_state="seed")
