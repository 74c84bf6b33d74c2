"""Conversion from and to data sets of tslearn, which are arrays padded with NaN."""

from __future__ import annotations

import numpy as np

from .._data import arguments
from .._data.carriers import as_numbers
from .._data.packed import Packed
from .._typing import Array, ArrayLike, Floats, SequencesLike
from .padded import from_padded, to_padded, warn_of_lost_ends
from .sequences import read_sequences, with_features


def from_tslearn(X: ArrayLike) -> Array:
    """Convert a data set of tslearn, in which shorter series end in NaN, to sequences.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_features)
        A data set as `tslearn.utils.to_time_series_dataset` returns it.

    Returns
    -------
    sequences : object array of shape (n_samples,)
        Arrays of shape (n_timesteps_i, n_features). NaN before the last value of a series is kept.

    Raises
    ------
    ValueError
        If `X` has another shape or does not hold numbers, or a series is all NaN.

    See Also
    --------
    to_tslearn : The inverse.
    from_padded : Removes other kinds of padding.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import from_tslearn, to_tslearn
    >>> data = to_tslearn([[1.0, 2.0, 3.0], [4.0]])
    >>> data[:, :, 0]
    array([[ 1.,  2.,  3.],
           [ 4., nan, nan]])
    >>> [len(x) for x in from_tslearn(data)]
    [3, 1]
    """
    array = as_numbers(X, arguments.X)
    if array.ndim != 3:
        raise ValueError(
            "`X` must be 3-D (n_samples, n_timesteps, n_features), as "
            f"tslearn.utils.to_time_series_dataset returns it; got shape {array.shape}."
        )
    return from_padded(array)


def to_tslearn(X: SequencesLike) -> Floats:
    """Convert sequences to a data set of tslearn, in which shorter series end in NaN.

    Parameters
    ----------
    X : sequences
        Sequences in any form that `fit` takes. They may hold NaN.

    Returns
    -------
    X : ndarray of float64 of shape (n_samples, n_timesteps, n_features)
        The padded sequences; 3-D also for one feature, as in tslearn.

    Raises
    ------
    ValueError, TypeError
        If `X` does not hold sequences of numbers.

    Warns
    -----
    UserWarning
        If a series ends in steps of NaN, which cannot be told from padding.

    See Also
    --------
    from_tslearn : The inverse.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import to_tslearn
    >>> to_tslearn([[1.0, 2.0, 3.0], [4.0]]).shape
    (2, 3, 1)
    """
    packed, _ = read_sequences(X)
    values = as_numbers(with_features(packed.values), arguments.X)
    packed = Packed(values.astype(np.float64, copy=False), packed.offsets)
    padded, lengths = to_padded(packed.cut(), return_lengths=True)
    if (lengths < padded.shape[1]).any():
        advice = "Fill it, for example with SequenceImputer, or keep the lengths."
        warn_of_lost_ends(packed, np.nan, "right", advice)
    return padded
