"""Collections of aeon and sktime, whose arrays have the features (channels) before the steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._data import arguments
from .._data.carriers import as_array, is_ragged
from .._data.frames import is_frame, read_frame
from .._data.unpacking import as_objects
from .._rules import one_of
from .._typing import Array, SequencesLike
from .libraries import library
from .sequences import read_sequences, with_features

_KINDS = ("numpy3D", "np-list", "df-list", "numpy2D", "pd-wide", "pd-multiindex")
_KIND = one_of(("auto", *_KINDS))


def from_aeon(X: Any) -> Array:
    """Convert a collection of series of aeon or sktime to sequences.

    What aeon calls channels are features here.

    Parameters
    ----------
    X : collection
        A collection of one of these types, by the names of aeon:

        * "numpy3D": array (n_samples, n_channels, n_timesteps);
        * "np-list", "df-list": list or object array of arrays or frames (n_channels,
          n_timesteps_i);
        * "numpy2D", "pd-wide": array or frame (n_samples, n_timesteps), with one channel;
        * "pd-multiindex": frame with the index (sample, time) and one column per channel;
        * "nested_univ" of sktime: frame with one column per channel and a Series in each cell.

    Returns
    -------
    X : ndarray (n_samples, n_timesteps, n_features) or object array of (n_timesteps_i, n_features)
        A 3-D array if `X` is an array or "pd-wide", otherwise an object array. The targets of aeon
        need no conversion.

    Raises
    ------
    ValueError, TypeError
        If `X` is of none of these types.

    See Also
    --------
    to_aeon : The inverse.
    from_frame : Other tables with one row per step.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import from_aeon, to_aeon
    >>> from_aeon(np.zeros((20, 3, 50))).shape  # 3 channels, 50 steps
    (20, 50, 3)
    >>> X = from_aeon([np.zeros((3, 50)), np.zeros((3, 40))])
    >>> [x.shape for x in X]
    [(50, 3), (40, 3)]
    >>> [x.shape for x in to_aeon(X)]
    [(3, 50), (3, 40)]
    """
    if is_frame(X):
        return _from_one_frame(X)
    if is_ragged(X):
        items = [_swapped(item, i) for i, item in enumerate(X)]
        packed, _ = read_sequences(items)
        return as_objects(packed.cut())
    array = as_array(X, arguments.X)
    if array.ndim not in (2, 3) or array.dtype.kind == "O":
        raise ValueError(
            "`X` must be a collection as in aeon: an array (n_samples, n_channels, n_timesteps) "
            "or (n_samples, n_timesteps), a list of arrays (n_channels, n_timesteps_i), or a data "
            f"frame; got {type(X).__name__} of shape {array.shape}."
        )
    packed, _ = read_sequences(array)
    if array.ndim == 2:
        return packed.values.reshape(*array.shape, 1).copy()
    return np.swapaxes(packed.values.reshape(array.shape), 1, 2).copy()


def to_aeon(X: SequencesLike, kind: str = "auto") -> Any:
    """Convert sequences to a collection of series for aeon or sktime.

    Parameters
    ----------
    X : sequences
        Sequences in any form that `fit` takes. They may hold NaN or integers.
    kind : str, default="auto"
        The type of the collection, by aeon's name: "numpy3D", "np-list", "df-list", "numpy2D",
        "pd-wide" or "pd-multiindex"; see `from_aeon`. "auto" means "numpy3D" for sequences of equal
        length and "np-list" for others.

    Returns
    -------
    collection : ndarray, list or frame
        The sequences; arrays have shape (n_samples, n_features, n_timesteps), items of lists
        (n_features, n_timesteps_i).

    Raises
    ------
    ImportError
        If the type needs pandas, which is not installed.
    ValueError, TypeError
        If `X` does not hold sequences, or the type cannot hold sequences of unequal length or
        several features.

    See Also
    --------
    from_aeon : The inverse.
    to_nested : Makes a table with one sequence in each cell.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import to_aeon
    >>> to_aeon(np.zeros((20, 50, 3))).shape
    (20, 3, 50)
    >>> [x.shape for x in to_aeon([np.zeros((50, 3)), np.zeros((40, 3))])]
    [(3, 50), (3, 40)]
    """
    _KIND.check("kind", kind)
    packed, names = read_sequences(X)
    values, lengths = with_features(packed.values), packed.lengths
    equal = bool((lengths == lengths[0]).all())
    if kind == "auto":
        kind = "numpy3D" if equal else "np-list"
    if kind in ("numpy3D", "numpy2D", "pd-wide") and not equal:
        i = int(np.argmax(lengths != lengths[0]))
        raise ValueError(
            f"`kind` must be 'np-list', 'df-list' or 'pd-multiindex' for sequences of unequal "
            f"length, got {kind!r}: sequence 0 has {lengths[0]} steps, sequence {i} has "
            f"{lengths[i]}."
        )
    if kind in ("numpy2D", "pd-wide") and values.shape[1] > 1:
        raise ValueError(
            f"`kind` must be 'numpy3D', 'np-list', 'df-list' or 'pd-multiindex' for several "
            f"features, got {kind!r}: `X` has {values.shape[1]} features."
        )
    if kind == "pd-multiindex":
        return _multiindex(values, lengths, names)
    if kind in ("numpy3D", "numpy2D", "pd-wide"):
        array = values.reshape(len(lengths), -1, values.shape[1]).swapaxes(1, 2)
        if kind == "numpy3D":
            return array.copy()
        array = array[:, 0].copy()
        return array if kind == "numpy2D" else library("pandas").DataFrame(array)
    stops = np.cumsum(lengths)[:-1]
    items = [part.T.copy() for part in np.split(values, stops)]
    if kind == "np-list":
        return items
    frame = library("pandas").DataFrame
    return [frame(item, index=names) for item in items]


def _from_one_frame(X):
    if getattr(getattr(X, "index", None), "nlevels", 1) > 1:
        from .frame import from_frame

        return from_frame(X).X
    array = np.asarray(X)
    if array.dtype.kind == "O" and array.size and np.ndim(array.flat[0]) == 1:
        from .nested import from_nested

        return from_nested(X)
    return np.array(read_frame(X, arguments.X))[:, :, np.newaxis]


def _swapped(item, i):
    """Return an item (n_channels, n_timesteps_i) as (n_timesteps_i, n_channels)."""
    name = arguments.X.item(i)
    array = read_frame(item, name) if is_frame(item) else as_array(item, name)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"`{name}` must be (n_channels, n_timesteps), got an array of shape {array.shape}."
        )
    return np.atleast_2d(array).T


def _multiindex(values, lengths, names):
    pandas = library("pandas")
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    levels = [np.repeat(np.arange(len(lengths)), lengths), np.arange(len(values)) - starts]
    index = pandas.MultiIndex.from_arrays(levels, names=["case", "timepoint"])
    return pandas.DataFrame(values, index=index, columns=names)
