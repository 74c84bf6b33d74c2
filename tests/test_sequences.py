"""Every carrier of sequences is read the same way, and packed once."""

import os
import subprocess
import sys
import tracemalloc
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from ragged_data import LENGTHS, RAGGED, objects, ragged
from scipy import sparse

from sklearn_rnn._data import arguments
from sklearn_rnn._data.carriers import is_ragged
from sklearn_rnn._data.finite import check_finite
from sklearn_rnn._data.packed import Sequences
from sklearn_rnn._data.sequences import from_dense, pack
from sklearn_rnn._data.steps import pack_steps
from sklearn_rnn._data.weights import step_weights

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
            r"same number of features .* `X\[0\]` has 3, but `X\[2\]` has 4",
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


def frames(*columns):
    """Return sequences of three features as frames with these names of columns."""
    return [pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=list(c)) for c in columns]


def test_frames_of_a_list_must_have_the_same_columns():
    np.testing.assert_array_equal(pack(frames("abc", "abc")).values[2:], [[0, 1, 2], [3, 4, 5]])
    pack([np.ones((1, 3)), *frames("abc")])  # an array says nothing of its columns
    for other in ("acb", "abd"):
        with pytest.raises(ValueError, match=r"`X` must have the same columns.*`X\[1\]` has"):
            pack(frames("abc", other))


# The room


def test_reading_sequences_needs_no_scikit_learn():
    # In empty packages of these paths: importing ours brings the estimators, and scikit-learn.
    data = os.path.dirname(sys.modules[Sequences.__module__].__file__)
    program = (
        "import importlib, sys, types\n"
        f"for name, path in (('alone', {os.path.dirname(data)!r}), ('alone._data', {data!r})):\n"
        "    package = sys.modules[name] = types.ModuleType(name)\n"
        "    package.__path__ = [path]\n"
        "for name in ('sequences', 'steps', 'weights', 'unpacking'):\n"
        "    importlib.import_module(f'alone._data.{name}')\n"
        "assert not {'sklearn', 'scipy', 'pandas', 'polars', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
