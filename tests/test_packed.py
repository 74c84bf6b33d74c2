"""Rows packed by sequence: any rows, any choice of sequences, and where a row belongs."""

import numpy as np
import pytest

from sklearn_rnn._data.packed import Packed, Sequences, offsets_of, offsets_of_equal

LENGTHS = (3, 1, 4)


def packed(shape=()):
    values = np.random.default_rng(0).normal(size=(sum(LENGTHS), *shape))
    return Packed(values, offsets_of(LENGTHS))


def test_offsets_are_the_ends_of_sequences():
    assert offsets_of(LENGTHS).tolist() == [0, 3, 4, 8]
    assert offsets_of([2, 2]).tolist() == offsets_of_equal(2, 2).tolist() == [0, 2, 4]
    assert offsets_of([]).tolist() == [0]
    assert offsets_of(LENGTHS).dtype == offsets_of_equal(2, 2).dtype == np.intp


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
@pytest.mark.parametrize("indices", [[2, 0], [1, 1, -1], np.array([False, True, True]), []])
def test_rows_of_any_shape_are_taken_by_sequence(indices, shape):
    rows = packed(shape)
    indices = np.array(indices, dtype=None if len(indices) else int)
    chosen, items = rows.take(indices), rows.cut()
    expected = [items[i] for i in np.arange(len(LENGTHS))[indices]]
    assert chosen.lengths.tolist() == [len(item) for item in expected]
    np.testing.assert_array_equal(chosen.values, np.concatenate([*expected, rows.values[:0]]))
    np.testing.assert_array_equal(rows.values[rows.rows(indices)], chosen.values)


def test_each_row_is_located_in_its_sequence():
    rows = packed()
    places = [rows.locate(row) for row in range(rows.n_steps)]
    assert places == [(i, t) for i, length in enumerate(LENGTHS) for t in range(length)]


def test_pieces_are_views():
    rows = packed()
    rows.cut()[1][:] = 7
    assert rows.values[3] == 7


@pytest.mark.parametrize(
    ("carrier", "kind", "is_array"),
    [
        ("2d", "2d", True),
        ("3d", "sequences", True),
        ("ragged", "sequences", False),
        ("ragged_1d", "sequences", False),
    ],
)
def test_taken_sequences_remember_their_carrier(carrier, kind, is_array):
    chosen = Sequences(np.ones((8, 2)), offsets_of(LENGTHS), carrier).take([2])
    assert isinstance(chosen, Sequences)
    assert (chosen.carrier, chosen.kind, chosen.is_array) == (carrier, kind, is_array)
    assert (chosen.n_samples, chosen.n_steps, chosen.n_features) == (1, 4, 2)
