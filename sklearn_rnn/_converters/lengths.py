"""Sequences concatenated in one array, with their lengths, as in hmmlearn and seqlearn."""

from __future__ import annotations

from .._typing import Array, ArrayLike, Integers, SequencesLike
from .sequences import cut, read_lengths, read_rows, read_sequences


def from_lengths(X: ArrayLike, lengths: ArrayLike) -> Array:
    """Cut an array of concatenated sequences into sequences.

    hmmlearn and seqlearn take sequences in this form. Targets and weights per step can be cut in
    the same way.

    Parameters
    ----------
    X : array-like of shape (n_steps, n_features) or (n_steps,), or frame
        The steps of all sequences, one sequence after another. They may hold labels.
    lengths : array-like of int of shape (n_samples,)
        The number of steps of each sequence, at least 1. Their sum must be n_steps.

    Returns
    -------
    sequences : object array of shape (n_samples,)
        Arrays of shape (lengths[i], n_features) or (lengths[i],), views of `X` where possible.

    Raises
    ------
    ValueError
        If `X` has another shape, or the lengths do not add up to its number of rows.

    See Also
    --------
    to_lengths : The inverse.
    from_frame : Cut a table by a column.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import from_lengths, to_lengths
    >>> X = from_lengths([[1.0], [2.0], [3.0]], lengths=[1, 2])
    >>> X[1]
    array([[2.],
           [3.]])
    >>> rows, lengths = to_lengths(X)
    >>> lengths
    array([1, 2])
    """
    rows = read_rows(X)
    return cut(rows, read_lengths(lengths, len(rows)))


def to_lengths(X: SequencesLike) -> tuple[Array, Integers]:
    """Concatenate sequences into one array, and return it with their lengths.

    Parameters
    ----------
    X : sequences
        Sequences in any form that `fit` takes. They may hold NaN, integers or strings.

    Returns
    -------
    rows : ndarray of shape (n_steps, n_features) or (n_steps,)
        The steps of all sequences, one sequence after another; (n_steps,) for 1-D sequences. It is
        a view of `X` if `X` is one array.
    lengths : ndarray of int of shape (n_samples,)
        The number of steps of each sequence.

    Raises
    ------
    ValueError, TypeError
        If `X` does not hold sequences.

    See Also
    --------
    from_lengths : The inverse.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import to_lengths
    >>> to_lengths([[1.0, 2.0], [3.0]])
    (array([1., 2., 3.]), array([2, 1]))
    """
    packed, _ = read_sequences(X)
    return packed.values, packed.lengths
