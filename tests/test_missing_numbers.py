"""What is no finite number is found in its sequence, with advice."""

import tracemalloc

import numpy as np
import pytest
from ragged_data import RAGGED, ragged

import sklearn_rnn.preprocessing
from sklearn_rnn import RNNClassifier
from sklearn_rnn._data import arguments
from sklearn_rnn._data.finite import check_finite, check_range, hint_at_nan
from sklearn_rnn._data.sequences import from_dense, pack
from sklearn_rnn.text import TokenEncoder

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
    cut = eval(line, {"np": np, "sklearn_rnn": sklearn_rnn}, {"X": X})
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
    line = hint.split("linear interpolation, ")[1].split(", or make")[0]
    filled = eval(line, {"sklearn_rnn": sklearn_rnn}, {"X": X})
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
    with pytest.raises(ValueError, match=r"axes are swapped.*pass \[x\.T for x in X\]") as error:
        pack(swapped)
    line = str(error.value).split("pass ")[1].removesuffix(".")
    np.testing.assert_array_equal(pack(eval(line, {}, {"X": swapped})).values, pack(RAGGED).values)
    with pytest.raises(ValueError, match=r"has 3, but `X\[1\]` has 2\.$"):
        pack([np.ones((4, 3)), np.ones((5, 2))])


@pytest.mark.parametrize("X", [[["a", "b"], ["c"]], ["ab", "c"], [["a", "b"], ["c", "a"]]])
def test_strings_are_told_how_to_become_codes(X):
    match = r"`X.*numbers, but it holds strings.*TokenEncoder.*categorical_features='all'"
    with pytest.raises(ValueError, match=match):
        RNNClassifier().fit(X, [0, 1])
    codes = TokenEncoder(analyzer="char").fit_transform(X)
    rnn = RNNClassifier(2, categorical_features="all", learning_rate="cosine", max_iter=1)
    assert [list(c) for c in rnn.fit(codes, [0, 1]).categories_] == [[1, 2, 3]]
