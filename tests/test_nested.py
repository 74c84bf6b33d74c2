"""Nested tables: a row per sequence, a column per feature, a sequence in each cell."""

import pickle

import numpy as np
import pytest
from nested_data import (
    FORMS,
    LABELS,
    NAMES,
    NUMBERS,
    STEPS,
    TAGS,
    X,
    array_of,
    forms,
    pa,
    pandas_of,
    pd,
    pl,
    rng,
    small,
)
from sklearn.base import clone

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.nested import is_nested
from sklearn_rnn._data.reader import read_X
from sklearn_rnn.preprocessing import from_nested, to_nested
from sklearn_rnn.seq2seq import Seq2SeqClassifier, SequenceAutoencoder

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
    "numbers": ([1.0, 2.0], ("`X['gyro']` holds numbers", "only that column, X['acc']")),
    "strings": ([["a"], ["b"]], ("`X['gyro']` must hold real", "`categorical_features`")),
    "two types": ([[1.0], ["b"]], ("row 0 holds numbers and row 1 holds strings",)),
    "mixed cell": ([[1.0], [2.0, "b"]], ("`X['gyro']` must hold values of one type",)),
    "length": ([[1.0], [2.0, 3.0]], ("in row 1 `X['gyro']` has 2 steps and `X['acc']` has 1",)),
    "empty": ([[1.0], []], ("`X['gyro']`, row 1, has none",)),
    "two axes": ([[1.0], np.ones((1, 2))], ("row 1, has shape (1, 2)", "list(X['gyro'])")),
    "ragged": ([[1.0], [[1.0], [2.0, 3.0]]], ("X['gyro'], row 1` must be rectangular",)),
    "NaN": ([[1.0], [np.nan]], ("sequence 1 has NaN at step 0", "SequenceImputer")),
    "infinity": ([[1.0], [np.inf]], ("sequence 1 has infinity at step 0",)),
    "masked": ([[1.0], np.ma.masked_array([1.0], [True])], ("row 1` must not have masked",)),
    "dates": ([[1.0], np.array(["2020"], "M8[D]")], ("row 1 holds dates",)),
    "complex": ([[1j], [1j]], ("its cells hold complex numbers",)),
}


def test_lengths_are_compared_row_by_row():
    table = pd.DataFrame({"acc": [[1.0], [2.0, 3.0]], "gyro": [[1.0, 2.0], [3.0]]})
    with pytest.raises(ValueError, match=r"in row 0 `X\[.gyro.\]` has 2 steps and .* has 1"):
        read_X(table, "RNN")


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


def test_the_advice_on_padding_runs():
    table = pandas_of(list, [np.vstack([x, np.full((2, 2), np.nan)]) for x in X])
    with pytest.raises(ValueError, match="only at the ends") as error:
        small(RNNRegressor).fit(table, NUMBERS)
    cut = str(error.value).split("cut it off with ")[1].removesuffix(".")
    found = eval(cut, {"np": np, "from_nested": from_nested, "X": table})
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(X))


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
