"""Results in the carrier in which X came, and sequences out of a padded array."""

from __future__ import annotations

import numpy as np

from .._typing import Array, ArrayLike
from .arguments import Argument
from .carriers import as_array, as_labels
from .frames import holds_lists
from .nested_frames import nested_like
from .packed import Packed

_X, _LENGTHS = Argument("X"), Argument("lengths")


def as_carried(rows, sequences, per_step):
    """Return rows as X came: (n_samples, ...), (n_samples, n_timesteps, ...) or object array."""
    if not per_step:
        return rows
    if sequences.is_array:
        return rows.reshape(sequences.n_samples, -1, *rows.shape[1:])
    return as_objects(Packed(rows, sequences.offsets).cut())


def in_carrier(X, sequences, values):
    """Return values (n_steps, n_features) in the form of X, from which `sequences` were read."""
    if sequences.carrier == "nested":
        return nested_like(X, sequences, values)
    if sequences.carrier == "2d":
        return values.reshape(sequences.n_samples, -1)
    if sequences.carrier == "3d":
        return values.reshape(sequences.n_samples, -1, sequences.n_features)
    if sequences.carrier == "ragged_1d":
        values = values[:, 0]
    items = Packed(values, sequences.offsets).cut()
    if isinstance(X, tuple):
        return tuple(items)
    return items if isinstance(X, list) or holds_lists(X) else as_objects(items)


def unpad(X: ArrayLike, lengths: ArrayLike) -> list[Array]:
    """Remove the padding from sequences that were padded to equal length.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        Padded sequences, or targets or weights per step. The padding must come after the real
        steps; its value does not matter.
    lengths : array-like of int of shape (n_samples,)
        True number of steps of each sequence, from 1 to n_timesteps.

    Returns
    -------
    sequences : list of ndarray
        ``X[i, :lengths[i]]`` for each sequence, as views without a copy.

    Raises
    ------
    ValueError
        If the shapes do not match, or a length is out of range (the message says which).
    TypeError
        If `lengths` are not integers.

    See Also
    --------
    sklearn_rnn.preprocessing.from_padded : The same where the lengths are not known.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import unpad
    >>> unpad(np.array([[1, 2, 0], [3, 4, 5]]), lengths=[2, 3])
    [array([1, 2]), array([3, 4, 5])]
    """
    X = as_labels(X, _X)  # may also be labels per step, padded with None
    if X.ndim not in (2, 3):
        raise ValueError(
            "`X` must be padded to (n_samples, n_timesteps, n_features) or "
            f"(n_samples, n_timesteps); got shape {X.shape}."
        )
    lengths = as_array(lengths, _LENGTHS)
    if lengths.shape != X.shape[:1]:
        raise ValueError(
            f"`lengths` must have shape {X.shape[:1]}, one per sequence of `X`; "
            f"got shape {lengths.shape}."
        )
    if lengths.dtype.kind not in "iu":
        raise TypeError(f"`lengths` must be integers; got dtype {lengths.dtype}.")
    bad = np.flatnonzero((lengths < 1) | (lengths > X.shape[1]))
    if len(bad):
        i = bad[0]
        raise ValueError(
            f"`lengths` must be from 1 to the {X.shape[1]} steps of `X`, "
            f"but `lengths[{i}]` is {lengths[i]}."
        )
    return [sequence[:length] for sequence, length in zip(X, lengths.tolist(), strict=True)]


def as_objects(items):
    """Return items as an object array (n_samples,)."""
    result = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        result[i] = item
    return result
