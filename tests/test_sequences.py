"""Every carrier of sequences is read the same way, and bad ones are refused by name."""

import subprocess
import sys
import tracemalloc
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_rnn import unpad
from sklearn_rnn._data import arguments
from sklearn_rnn._data.carriers import is_ragged
from sklearn_rnn._data.finite import check_finite, check_range, hint_at_nan
from sklearn_rnn._data.packed import Sequences
from sklearn_rnn._data.sequences import from_dense, pack
from sklearn_rnn._data.steps import pack_steps
from sklearn_rnn._data.unpacking import as_carried
from sklearn_rnn._data.weights import step_weights
from sklearn_rnn.preprocessing import SequenceScaler

LENGTHS = (3, 1, 4)


def objects(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def ragged(n_features=2, dtype=np.float64, lengths=LENGTHS):
    rng = np.random.default_rng(0)
    shape = () if n_features is None else (n_features,)
    return [rng.normal(size=(length, *shape)).astype(dtype) for length in lengths]


RAGGED = ragged()


# Which carrier it is


@pytest.mark.parametrize(
    ("X", "answer"),
    [
        (RAGGED, True),
        (tuple(RAGGED), True),
        (objects(RAGGED), True),
        (pd.Series(RAGGED), True),
        ([np.ones(3), np.ones(3)], True),
        ([pd.DataFrame(np.ones((2, 2)))], True),
        ([sparse.csr_array(np.eye(2))], True),
        ([[1, 2], [3]], True),
        ([[[1, 2], [3, 4]], [[5, 6]]], True),
        ([[[1], [2]], [[1, 2], [3, 4]]], True),
        ([[1, 2], 3], True),
        ([], True),
        ([[1, 2], [3, 4]], False),
        ([(1, 2), (3, 4)], False),
        ([[[1, 2]], [[3, 4]]], False),
        ([1.0, 2.0], False),
        ([np.float64(1), np.float64(2)], False),
        (["a", "bc"], False),
        (np.ones((2, 3, 4)), False),
        (np.ones((2, 3), dtype=object), False),
        (np.array([1, 2], dtype=object), False),
        (pd.DataFrame([[1, 2]]), False),
    ],
)
def test_ragged_means_arrays_in_a_list_or_nested_lists_that_are_not_rectangular(X, answer):
    assert is_ragged(X) is answer


# Packing


@pytest.mark.parametrize("carrier", [list, tuple, objects, pd.Series])
def test_packing_puts_sequences_one_after_another(carrier):
    sequences = pack(carrier(RAGGED))
    np.testing.assert_array_equal(sequences.values, np.concatenate(RAGGED))
    np.testing.assert_array_equal(sequences.offsets, [0, 3, 4, 8])
    np.testing.assert_array_equal(sequences.lengths, LENGTHS)
    assert sequences.offsets.dtype == np.intp
    assert (sequences.n_samples, sequences.n_features, sequences.n_steps) == (3, 2, 8)
    assert (sequences.carrier, sequences.kind) == ("ragged", "sequences")


def test_one_dimensional_items_have_one_feature():
    sequences = pack(ragged(n_features=None))
    np.testing.assert_array_equal(sequences.values[:, 0], np.concatenate(ragged(n_features=None)))
    assert sequences.n_features == 1


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        lambda item: np.repeat(item, 2, axis=0)[::2],
        lambda item: item[::-1].copy()[::-1],
        lambda item: item.tolist(),
        lambda item: pd.DataFrame(item, columns=["a", "b"]),
        lambda item: np.ma.masked_array(item, mask=False),
        lambda item: item.astype(">f8"),
        lambda item: item.astype(object),
    ],
)
def test_the_layout_of_items_does_not_matter(convert):
    values = pack([convert(item) for item in RAGGED]).values
    np.testing.assert_array_equal(values, np.concatenate(RAGGED))
    assert values.flags.c_contiguous
    assert values.dtype.isnative


def test_series_are_sequences_of_one_feature():
    sequences = pack([pd.Series([1.0, 2.0], index=[7, 8]), pd.Series([3.0])])
    np.testing.assert_array_equal(sequences.values, [[1], [2], [3]])


def test_memory_maps_and_read_only_items_are_read(tmp_path):
    np.save(tmp_path / "item.npy", RAGGED[0])
    items = [np.load(tmp_path / "item.npy", mmap_mode="r"), RAGGED[1].copy()]
    items[1].flags.writeable = False
    np.testing.assert_array_equal(pack(items).values, np.concatenate(RAGGED[:2]))


@pytest.mark.parametrize(
    ("dtypes", "result"),
    [
        (("f4", "f4"), "f4"),
        (("f4", "f2"), "f4"),
        (("f4", "f8"), "f8"),
        (("f4", "i4"), "f8"),
        (("i8", "u1"), "f8"),
        (("?", "?"), "f8"),
        (("f4", "g"), "f8"),
    ],
)
def test_packing_finds_the_common_float_type(dtypes, result):
    X = [np.ones((2, 1), dtype) for dtype in dtypes]
    assert pack(X).values.dtype == result
    assert from_dense(np.ones((2, 3), dtypes[1])).values.dtype == (
        "f4" if dtypes[1] in ("f4", "f2") else "f8"
    )


def test_packing_many_short_sequences_copies_them_once():
    X = ragged(n_features=8, lengths=(40,) * 5000)
    size = sum(item.nbytes for item in X)
    tracemalloc.start()
    values = pack(X).values
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == values.nbytes
    assert peak < 1.2 * size


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ValueError, "`X` must hold at least one sequence, but is empty"),
        ("abc", TypeError, "`X` must be a list, tuple or 1-D object array .* got str"),
        (np.ones((2, 3)), TypeError, "got ndarray"),
        ([[[1.0]], np.ones((0, 1))], ValueError, r"at least 1 step .* `X\[1\]` has none"),
        ([np.ones((2, 0))], ValueError, r"at least 1 feature .* `X\[0\]` has shape \(2, 0\)"),
        (
            [np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 4))],
            ValueError,
            r"same features .* `X\[0\]` has 3, but `X\[2\]` has 4",
        ),
        ([np.ones((2, 3)), np.ones(2)], ValueError, r"`X\[0\]` is 2-D, but `X\[1\]` is 1-D"),
        ([np.ones(2), np.ones((1, 2, 3))], ValueError, r"`X\[1\]` has shape \(1, 2, 3\)"),
        ([np.ones(2), 3.5], ValueError, r"`X\[1\]` is 3.5"),
        ([np.ones(2), "word"], ValueError, r"`X\[1\]` is 'word'"),
        ([np.ones(2), ["a", "b"]], ValueError, r"`X\[1\]` must hold real numbers.* strings"),
        ([np.ones(2), np.ones(2) * 1j], ValueError, r"`X\[1\]` .* complex numbers"),
        ([np.ones(2), np.array([1, {}])], ValueError, r"`X\[1\]` .* objects"),
        ([np.ones(2), np.ones(2, "M8[s]")], ValueError, r"`X\[1\]` .*datetime64"),
        ([np.ones((1, 2)), [[1, 2], [3]]], ValueError, r"`X\[1\]` must be rectangular"),
        ([np.eye(2), sparse.csr_array(np.eye(2))], TypeError, r"`X\[1\]` must be dense"),
        (
            [np.ones(2), np.ma.masked_array([1.0, 2.0], mask=[True, False])],
            ValueError,
            r"`X\[1\]` must not have masked entries, but has 1",
        ),
    ],
)
def test_packing_names_the_sequence_that_is_wrong(X, error, message):
    with pytest.raises(error, match=message):
        pack(X)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"`X_val\[1\]` is 1-D"):
        pack([np.ones((2, 3)), np.ones(2)], arguments.X_VAL)
    with pytest.raises(ValueError, match="`X_val` must be finite"):
        check_finite(from_dense(np.full((1, 2), np.nan)), arguments.X_VAL)
    with pytest.raises(ValueError, match="`X_val` must be 3-D"):
        from_dense(np.ones(3), arguments.X_VAL)


# Dense arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "kind"), [((4, 3, 2), "3d"), ((4, 3), "2d")])
def test_dense_floats_are_not_copied(shape, kind, dtype):
    X = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    X.flags.writeable = False
    sequences = from_dense(X)
    assert np.shares_memory(sequences.values, X)
    assert sequences.carrier == kind
    assert sequences.values.shape == (12, shape[2] if kind == "3d" else 1)
    np.testing.assert_array_equal(sequences.values.reshape(shape), X)
    np.testing.assert_array_equal(sequences.offsets, [0, 3, 6, 9, 12])


@pytest.mark.parametrize("order", ["fortran", "strided", "unaligned"])
def test_dense_arrays_of_another_layout_are_read_alike(order):
    X = np.random.default_rng(0).normal(size=(4, 3, 2))
    if order == "fortran":
        other = np.asfortranarray(X)
    elif order == "strided":
        other = np.repeat(X, 2, axis=1)[:, ::2]
    else:
        other = np.frombuffer(b"x" + X.tobytes(), dtype=np.uint8)[1:].view(np.float64)
        other = other.reshape(X.shape)
    values = from_dense(other).values
    np.testing.assert_array_equal(values, X.reshape(-1, 2))
    assert values.flags.c_contiguous
    assert values.flags.aligned


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), r"2-D \(n_samples, n_timesteps\) .* got an array of shape \(3,\)"),
        (np.ones((1, 2, 3, 4)), r"shape \(1, 2, 3, 4\)"),
        (np.ones((0, 2, 3)), r"at least 1 sequence; got shape \(0, 2, 3\)"),
        (np.ones((2, 0, 3)), r"at least 1 step; got shape \(2, 0, 3\)"),
        (np.ones((2, 3, 0)), r"at least 1 feature per step; got shape \(2, 3, 0\)"),
        (np.full((2, 3), "a"), "real numbers, but it holds strings"),
        (np.full((2, 3), 1j), "real numbers, but it holds complex"),
        (np.full((2, 3), {}), "real numbers, but it holds objects"),
    ],
)
def test_dense_arrays_that_are_no_sequences_are_refused(X, message):
    with pytest.raises(ValueError, match=f"`X` must .*{message}"):
        from_dense(X)


# Finite numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("value", "words"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test_what_is_not_finite_is_found_in_its_sequence(value, words, dtype):
    X = ragged(n_features=3, dtype=dtype, lengths=(20000, 10, 20000, 7))
    for i, step in ((0, 0), (1, 9), (2, 19999), (3, 6)):
        sequences = pack(X)
        sequences.values[sequences.offsets[i] + step, 2] = value
        with pytest.raises(ValueError, match=f"sequence {i} has {words} at step {step}"):
            check_finite(sequences)
        scaling = np.array([0.0, 1.0, 5.0]), np.array([1.0, 2.0, 1e-9])
        with pytest.raises(ValueError, match=f"sequence {i} has {words} at step {step}"):
            check_range(sequences, np.dtype(dtype).name, scaling)


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e30), ("float64", 1e300)])
@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_too_large_for_the_sums_of_a_network_are_refused(sign, dtype, limit):
    X = np.array([[0.0, 1.0], [2.0, sign * limit]])
    check_range(from_dense(X), dtype)
    X[1, 1] *= 1 + 1e-9
    with pytest.raises(ValueError, match=f"at most 1e.*{dtype}.*sequence 1 has .* at step 1"):
        check_range(from_dense(X), dtype)


def test_what_a_network_reads_is_limited_as_it_reads_it():
    X = np.ones((2, 3, 2))
    X[1, 2, 0] = 1e35
    scaling = np.zeros(2), np.array([1e10, 1.0])
    check_range(from_dense(X), "float32", scaling)  # 1e25 of its scale
    X[1, 2] = 1.0, 1e35
    with pytest.raises(ValueError, match=r"sequence 1 has 1e\+35 at step 2"):
        check_range(from_dense(X), "float32", scaling)
    X[1, 2] = 1e308, 1.0
    with pytest.raises(ValueError, match=r"sequence 1 has 1e\+308 at step 2"):
        check_range(from_dense(X), "float64", (np.zeros(2), np.array([1e-10, 1.0])))


@pytest.mark.parametrize("scale", [1.0, 1e300])
def test_infinity_is_found_under_any_scale(scale):
    X = np.array([[1.0, np.inf]], dtype=np.float32)
    with pytest.raises(ValueError, match="infinity"):
        check_range(from_dense(X), "float64", (np.zeros(1), np.full(1, scale)))


def test_what_another_thread_mends_meanwhile_is_no_error():
    class Mended(np.ndarray):
        """Has NaN when its least number is asked for, and never again."""

        def min(self, *args, **kwargs):
            return np.nan

    sequences = from_dense(np.ones((2, 3)))
    object.__setattr__(sequences, "values", sequences.values.view(Mended))
    check_finite(sequences)


def test_checking_for_finite_numbers_takes_no_memory():
    sequences = from_dense(np.zeros((1000, 1000)))
    tracemalloc.start()
    check_finite(sequences)
    check_range(sequences, "float32", (np.zeros(1), np.ones(1)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


# What to do about it


def with_nan_at_the_ends(kind):
    """Return X with NaN after the real steps, and the real steps as a list."""
    real = ragged(n_features=None if kind in ("2d", "1d") else 2)
    padded = np.full((3, 6, *real[0].shape[1:]), np.nan)
    for row, item in zip(padded, real, strict=True):
        row[: len(item)] = item
    return padded if kind in ("2d", "3d") else list(padded), real


def read(X):
    return from_dense(X) if isinstance(X, np.ndarray) else pack(X)


@pytest.mark.parametrize("kind", ["2d", "3d", "1d", "ragged"])
def test_padding_of_nan_is_told_how_to_be_cut_off(kind):
    X, real = with_nan_at_the_ends(kind)
    hint = hint_at_nan(read(X), 0)
    assert hint.startswith("NaN occurs only at the ends of sequences")
    line = hint.split("cut it off with ")[1].removesuffix(".")
    cut = eval(line, {"np": np, "unpad": unpad}, {"X": X})
    for item, expected in zip(cut, real, strict=True):
        np.testing.assert_array_equal(item, expected)


@pytest.mark.parametrize("kind", ["2d", "3d", "1d", "ragged"])
@pytest.mark.parametrize("where", ["between", "at the start", "all", "one feature"])
def test_nan_between_steps_is_told_how_to_be_filled(kind, where):
    X, _ = with_nan_at_the_ends(kind)
    if where == "one feature" and kind in ("3d", "ragged"):
        X[0][1, 0] = np.nan
    elif where == "all":
        X[0][:] = np.nan
    else:
        X[0][0 if where == "at the start" else 1] = np.nan
    hint = hint_at_nan(read(X), 0)
    assert hint.startswith("Fill it first")
    line = hint.split("the value before it: ")[1].removesuffix(".")
    filled = eval(line, {"pd": pd}, {"X": X})
    assert where == "all" or all(np.isfinite(item).all() for item in filled)


def test_missing_targets_and_weights_are_told_of_weight_zero():
    sequences = pack([np.array([1, np.nan])])
    for argument, hint in (
        (arguments.Y, "Leave it out, or give it `sample_weight` 0."),
        (arguments.Y_VAL, "Leave it out, or give it `sample_weight_val` 0."),
        (arguments.SAMPLE_WEIGHT, "Use weight 0 for what must not count."),
    ):
        with pytest.raises(ValueError, match=f"`{argument}` .* NaN at step 1. {hint}$"):
            check_finite(sequences, argument)
    assert "`X_val`" not in hint_at_nan(sequences, 0, arguments.X_VAL)
    assert "for x in X_val]" in hint_at_nan(sequences, 0, arguments.X_VAL)


def test_features_before_steps_are_told_how_to_be_swapped():
    swapped = [item.T for item in RAGGED]
    with pytest.raises(ValueError, match=r"axes look swapped.*\[x\.T for x in X\]") as error:
        pack(swapped)
    line = str(error.value).split("give ")[1].removesuffix(".")
    np.testing.assert_array_equal(pack(eval(line, {}, {"X": swapped})).values, pack(RAGGED).values)
    with pytest.raises(ValueError, match=r"has 3, but `X\[1\]` has 2\.$"):
        pack([np.ones((4, 3)), np.ones((5, 2))])


@pytest.mark.parametrize("X", [[["a", "b"], ["c"]], ["ab", "c"], [["a", "b"], ["c", "a"]]])
def test_strings_are_told_how_to_be_made_one_hot(X):
    with pytest.raises(ValueError, match=r"`X.*numbers, but it holds strings.*one-hot") as error:
        SequenceScaler().fit(X)
    codes, line = str(error.value).split("one-hot, ")[1].removesuffix(".").split(" and ")
    scope = {"np": np, "X": X}
    exec(codes, scope)
    one_hot = pack(eval(line, scope))
    assert one_hot.lengths.tolist() == [len(x) for x in X]
    letters = sorted({c for x in X for c in x})
    assert [letters[i] for i in one_hot.values.argmax(axis=1)] == [c for x in X for c in x]


class Packed(NamedTuple):
    """Looks like PyTorch's PackedSequence of sequences with one feature."""

    data: np.ndarray
    batch_sizes: np.ndarray
    sorted_indices: np.ndarray
    unsorted_indices: np.ndarray


def test_a_named_tuple_is_no_tuple_of_sequences():
    packed = Packed(np.ones(5), np.array([2, 2, 1]), np.array([0, 1]), np.array([0, 1]))
    message = r"`X` must .*named tuple Packed of data, batch_sizes.*unpad\(X, lengths\)"
    with pytest.raises(TypeError, match=message):
        pack(packed)
    four = pack([np.ones(5), np.ones(3), np.ones(2), np.ones(2)])
    with pytest.raises(TypeError, match=r"`y` must .*named tuple"):
        pack_steps(packed, four)
    with pytest.raises(TypeError, match=r"`sample_weight` must .*named tuple"):
        step_weights(Packed(1.0, 1.0, 1.0, 1.0), four)


# Choosing sequences


@pytest.mark.parametrize(
    "indices", [[2, 0, 2], [-1], np.array([True, False, True]), np.array([], dtype=int)]
)
def test_taken_sequences_are_those_of_the_list(indices):
    chosen = pack(RAGGED).take(indices)
    expected = [RAGGED[i] for i in np.arange(3)[indices]]
    assert chosen.lengths.tolist() == [len(item) for item in expected]
    np.testing.assert_array_equal(chosen.values, np.concatenate([*expected, np.empty((0, 2))]))
    assert chosen.carrier == "ragged"


def test_taken_sequences_are_a_copy():
    X = np.ones((2, 3, 1))
    from_dense(X).take([0, 1]).values[:] = 0
    assert X.all()


# What comes per step


def pad(items, n_timesteps=4):
    padded = np.zeros((len(items), n_timesteps, *np.shape(items[0])[1:]))
    for row, item in zip(padded, items, strict=True):
        row[: len(item)] = item
    return padded


@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize("carrier", [list, tuple, objects, lambda y: [item.tolist() for item in y]])
def test_ragged_targets_are_laid_beside_the_steps_and_come_back(carrier, n_outputs):
    y = ragged(n_features=n_outputs)
    sequences = pack(RAGGED)
    values = pack_steps(carrier(y), sequences)
    np.testing.assert_array_equal(values, np.concatenate(y))
    back = as_carried(values, sequences, per_step=True)
    assert back.shape == (3,)
    assert back.dtype == object
    for item, expected in zip(back, y, strict=True):
        np.testing.assert_array_equal(item, expected)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2)])
@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist, np.asfortranarray])
def test_dense_targets_are_laid_beside_the_steps_and_come_back(shape, convert):
    y = np.random.default_rng(0).normal(size=shape)
    sequences = from_dense(np.ones((4, 3, 5)))
    values = pack_steps(convert(y), sequences)
    np.testing.assert_array_equal(values, y.reshape(12, *shape[2:]))
    np.testing.assert_array_equal(as_carried(values, sequences, per_step=True), y)


def test_ragged_results_of_equal_length_stay_an_object_array():
    back = as_carried(np.arange(6.0), pack([np.ones(3), np.ones(3)]), per_step=True)
    assert back.shape == (2,)
    np.testing.assert_array_equal(back[1], [3, 4, 5])


def test_the_carriers_of_inputs_and_targets_may_differ():
    dense, listed = np.ones((2, 3, 1)), [np.ones((3, 1)), np.ones((3, 1))]
    assert pack_steps(np.ones((2, 3)), pack(listed)).shape == (6,)
    assert pack_steps([np.ones(3), np.ones(3)], from_dense(dense)).shape == (6,)


@pytest.mark.parametrize(
    "y",
    [
        [["a", "bcd", "a"], ["b"]],
        [np.array(["a", "bcd", "a"]), np.array(["b"], dtype=object)],
        [pd.Series(["a", "bcd", "a"]), pd.Series(["b"])],
    ],
)
def test_labels_are_kept_as_they_are(y):
    sequences = pack([np.ones(3), np.ones(1)])
    values = pack_steps(y, sequences, numeric=False)
    assert values.tolist() == ["a", "bcd", "a", "b"]
    integers = pack_steps([[1, 2, 3], [4]], sequences, numeric=False)
    assert integers.dtype.kind == "i"


def test_numeric_targets_become_floats():
    sequences = pack([np.ones(3), np.ones(1)])
    assert pack_steps([[1, 2, 3], [4]], sequences).dtype == np.float64
    assert pack_steps([np.ones(3, "f4"), np.ones(1, "f4")], sequences).dtype == np.float32
    dense = from_dense(np.ones((2, 3)))
    assert pack_steps(np.ones((2, 3), dtype=object), dense).dtype == np.float64


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1, 2, 3], [4, 5]], r"sequence 1 has 1 steps, but `y\[1\]` has 2"),
        (np.ones((2, 3)), r"sequence 1 has 1 steps, but `y\[1\]` has 3"),
        ([[1, 2, 3]], "of 2 sequences, got 1 sequences"),
        (np.ones((3, 3)), "of 2 sequences, got 3 sequences"),
        ([1, 2], r"one target per step.* got shape \(2,\)"),
        (np.ones((2, 0)), r"one target per step.* got shape \(2, 0\)"),
        ([np.ones((3, 2)), np.ones((1, 3))], r"`y\[0\]` has 2, but `y\[1\]` has 3"),
        ([np.ones((3, 2)), np.ones(1)], r"`y\[0\]` is 2-D, but `y\[1\]` is 1-D"),
        ([[1, 2, 3], []], r"`y\[1\]` has none"),
        ([[1, 2, np.nan], [4]], "sequence 0 has NaN at step 2"),
        ([[1, 2, 3], [np.inf]], "sequence 1 has infinity at step 0"),
        ([[1, 2, 3], ["a"]], r"`y\[1\]` must hold real numbers"),
        (np.full((2, 3), "a"), "`y` must hold real numbers"),
        ([np.ones(3), np.ma.masked_array([1.0], mask=[True])], r"`y\[1\]` must not have masked"),
    ],
)
def test_targets_that_do_not_fit_the_steps_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        pack_steps(y, pack([np.ones(3), np.ones(1)]))


def frames(*columns):
    """Return sequences of three features as frames with these names of columns."""
    return [pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=list(c)) for c in columns]


def test_frames_of_a_list_must_have_the_same_columns():
    np.testing.assert_array_equal(pack(frames("abc", "abc")).values[2:], [[0, 1, 2], [3, 4, 5]])
    pack([np.ones((1, 3)), *frames("abc")])  # an array says nothing of its columns
    for other in ("acb", "abd"):
        with pytest.raises(ValueError, match=r"`X` must have the same columns.*`X\[1\]` has"):
            pack(frames("abc", other))


def test_labels_of_two_types_are_refused():
    with pytest.raises(ValueError, match=r"`y\[0\]` holds strings, but `y\[1\]` holds numbers"):
        pack_steps([["a", "b"], [1]], pack([np.ones(2), np.ones(1)]), numeric=False)


# Weights


def test_weights_per_sequence_are_given_to_each_step():
    weights = step_weights([2, 0, 0.5], pack(RAGGED))
    np.testing.assert_array_equal(weights, [2, 2, 2, 0, 0.5, 0.5, 0.5, 0.5])
    assert weights.dtype == np.float64


def test_weights_per_step_come_in_any_carrier():
    dense = np.arange(6.0).reshape(2, 3)
    sequences = from_dense(np.ones((2, 3, 4)))
    for carrier in (dense, dense.tolist(), list(dense), objects(list(dense))):
        np.testing.assert_array_equal(step_weights(carrier, sequences), np.arange(6))
    assert step_weights(None, sequences) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], "one weight per sequence: there are 3 sequences, but `sample_weight` has 2"),
        ([1, -2, 1], "must not be negative, got -2.0 in sequence 1"),
        ([[1, 1, 1], [1], [1, 1, -0.5, 1]], "must not be negative, got -0.5 in sequence 2"),
        ([1, np.nan, 1], "`sample_weight` must be finite: sequence 1 has NaN"),
        ([[1, 1, 1], [1, 1], [1]], r"sequence 1 has 1 steps, but `sample_weight\[1\]` has 2"),
        ([np.ones((3, 2)), np.ones((1, 2)), np.ones((4, 2))], "one number per step .* got 2"),
        (["a", "b", "c"], "`sample_weight` must hold real numbers"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        step_weights(weights, pack(RAGGED))


# Padding


@pytest.mark.parametrize("shape", [(3, 4, 2), (3, 4)])
def test_unpadding_gives_views_of_the_real_steps(shape):
    X = np.random.default_rng(0).normal(size=shape)
    sequences = unpad(X, LENGTHS)
    assert isinstance(sequences, list)
    for i, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(sequences[i], X[i, :length])
        assert np.shares_memory(sequences[i], X)


def test_unpadding_undoes_padding_for_targets_too():
    y = [["a", "b"], ["c"]]
    back = unpad([["a", "b"], ["c", ""]], [2, 1])
    assert [item.tolist() for item in back] == y


@pytest.mark.parametrize(
    ("X", "lengths", "error", "message"),
    [
        (np.ones((2, 3)), [1, 4], ValueError, r"from 1 to the 3 steps .* `lengths\[1\]` is 4"),
        (np.ones((2, 3)), [0, 3], ValueError, r"`lengths\[0\]` is 0"),
        (np.ones((2, 3)), [-1, 3], ValueError, r"`lengths\[0\]` is -1"),
        (np.ones((2, 3)), [1, 2, 3], ValueError, r"must have shape \(2,\).* got shape \(3,\)"),
        (np.ones((2, 3)), [[1, 2]], ValueError, r"got shape \(1, 2\)"),
        (np.ones((2, 3)), [1.0, 2.0], TypeError, "must be integers; got dtype float64"),
        (np.ones((2, 3)), [True, True], TypeError, "must be integers; got dtype bool"),
        (np.ones(3), [1], ValueError, r"`X` must be padded .* got shape \(3,\)"),
        ([[1, 2], [3]], [2, 1], ValueError, "`X` must be rectangular"),
    ],
)
def test_lengths_that_do_not_fit_the_padding_are_refused(X, lengths, error, message):
    with pytest.raises(error, match=message):
        unpad(X, lengths)


# The room


def test_reading_sequences_needs_no_scikit_learn():
    # By path, in a package of that name: importing ours brings the estimators, and scikit-learn.
    path = sys.modules[Sequences.__module__].__file__
    program = (
        "import importlib, os, sys, types\n"
        "package = sys.modules['alone'] = types.ModuleType('alone')\n"
        f"package.__path__ = [os.path.dirname({path!r})]\n"
        "for name in ('sequences', 'steps', 'weights', 'unpacking'):\n"
        "    importlib.import_module(f'alone.{name}')\n"
        "assert not {'sklearn', 'scipy', 'pandas', 'polars', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
