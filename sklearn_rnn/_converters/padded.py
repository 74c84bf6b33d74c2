"""Conversion from and to sequences padded to one length."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Literal, overload

import numpy as np

from .._data import arguments
from .._data.carriers import as_labels
from .._data.frames import is_frame, read_frame
from .._data.nested import is_nested
from .._data.values import is_missing, missing_in
from .._rules import one_of
from .._typing import Array, ArrayLike, Integer, Integers, Number, SequencesLike
from .sequences import cut, read_lengths, read_sequences

_SIDE = one_of(("right", "left"))


def from_padded(
    X: ArrayLike,
    *,
    padding: Number | str | None = np.nan,
    lengths: ArrayLike | None = None,
    side: Literal["right", "left"] = "right",
) -> Array:
    """Remove padding from sequences.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        Padded sequences, or padded targets or weights per step.
    padding : float, int, str or None, default=nan
        The padding value. Steps at the end of a sequence are removed if all their features have
        this value; NaN and None mean missing values. A sequence that itself ends in such steps
        loses them: give `lengths` if you know them.
    lengths : array-like of int of shape (n_samples,), default=None
        The true number of steps of each sequence, from 1 to n_timesteps. `padding` is then ignored.
    side : {"right", "left"}, default="right"
        Where the padding is: "right" means after the sequence; "left" before it, as in Keras's
        `pad_sequences`.

    Returns
    -------
    sequences : object array of shape (n_samples,)
        Arrays of shape (n_timesteps_i, n_features) or (n_timesteps_i,) with the dtype of `X`.

    Raises
    ------
    ValueError
        If `X` is not an array of padded sequences, a sequence is all padding, or a length is out of
        range.

    See Also
    --------
    to_padded : The inverse.
    sklearn_rnn.unpad : The same with known lengths; it returns a list of views.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.preprocessing import from_padded, to_padded
    >>> from_padded([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan]])
    array([array([1., 2.]), array([3.])], dtype=object)
    >>> to_padded([[1, 2], [3]], value=0)
    array([[1, 2],
           [3, 0]])
    """
    _SIDE.check("side", side)
    if np.ndim(padding) > 0:
        raise ValueError(f"`padding` must be a single value, got {padding!r}.")
    if is_nested(X):
        raise ValueError(
            "`X` must be padded numbers or labels, but its cells are sequences: use `from_nested`."
        )
    array = read_frame(X, arguments.X) if is_frame(X) else as_labels(X, arguments.X)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            "`X` must be padded to (n_samples, n_timesteps, n_features) or (n_samples, "
            f"n_timesteps), and not empty; got shape {array.shape}."
        )
    n_samples, n_timesteps = array.shape[:2]
    if lengths is None:
        lengths = _lengths_without(array, padding, side)
    else:
        lengths = read_lengths(lengths)
        _check_lengths(lengths, n_samples, n_timesteps)
    return cut(array[_real_steps(lengths, n_timesteps, side)], lengths)


@overload
def to_padded(
    X: SequencesLike,
    value: Number | str = ...,
    *,
    n_timesteps: Integer | None = ...,
    side: Literal["right", "left"] = ...,
    return_lengths: Literal[False] = ...,
) -> Array: ...


@overload
def to_padded(
    X: SequencesLike,
    value: Number | str = ...,
    *,
    n_timesteps: Integer | None = ...,
    side: Literal["right", "left"] = ...,
    return_lengths: Literal[True],
) -> tuple[Array, Integers]: ...


@overload
def to_padded(
    X: SequencesLike,
    value: Number | str = ...,
    *,
    n_timesteps: Integer | None = ...,
    side: Literal["right", "left"] = ...,
    return_lengths: bool,
) -> Array | tuple[Array, Integers]: ...


def to_padded(
    X: SequencesLike,
    value: Number | str = np.nan,
    *,
    n_timesteps: Integer | None = None,
    side: Literal["right", "left"] = "right",
    return_lengths: bool = False,
) -> Array | tuple[Array, Integers]:
    """Pad sequences to one length.

    Parameters
    ----------
    X : sequences
        Sequences in any form that `fit` takes. They may hold NaN, integers or strings.
    value : float, int or str, default=nan
        The padding value. If the dtype of `X` cannot hold it, such as NaN among integers, the
        result is float64.
    n_timesteps : int, default=None
        Number of steps of the result, at least the length of the longest sequence. None means that
        length.
    side : {"right", "left"}, default="right"
        Where to pad: "right" means after the sequences, "left" before them.
    return_lengths : bool, default=False
        Whether to return the lengths of the sequences as well.

    Returns
    -------
    padded : ndarray of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        The padded sequences; 2-D for 1-D sequences.
    lengths : ndarray of int of shape (n_samples,)
        The number of steps of each sequence. Only returned if `return_lengths` is True.

    Raises
    ------
    ValueError, TypeError
        If `X` does not hold sequences, `value` does not match the values of `X`, or `n_timesteps`
        is too small.

    Warns
    -----
    UserWarning
        If a sequence ends in steps that equal the padding value and lengths are not returned: these
        steps cannot be told from padding.

    See Also
    --------
    from_padded : The inverse.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import to_padded
    >>> to_padded([[1, 2, 3], [4]], value=0, side="left")
    array([[1, 2, 3],
           [0, 0, 4]])
    """
    _SIDE.check("side", side)
    packed, _ = read_sequences(X)
    longest = int(packed.lengths.max())
    size = longest if n_timesteps is None else n_timesteps
    if isinstance(size, (bool, np.bool_)) or not isinstance(size, (int, np.integer)):
        raise TypeError(f"`n_timesteps` must be an integer or None, got {n_timesteps!r}.")
    if size < longest:
        raise ValueError(
            f"`n_timesteps` must be at least {longest}, the length of the longest sequence, got "
            f"{n_timesteps}: to shorten sequences, cut them first, [x[:{n_timesteps}] for x in X]."
        )
    values = packed.values
    dtype = _dtype_with(values.dtype, value)
    padded = np.full((packed.n_samples, size, *values.shape[1:]), value, dtype)
    padded[_real_steps(packed.lengths, size, side)] = values
    if return_lengths:
        return padded, packed.lengths
    if (packed.lengths < size).any():
        advice = "Choose another `value`, or use `return_lengths=True` and keep the lengths."
        warn_of_lost_ends(packed, value, side, advice)
    return padded


def _lengths_without(array, padding, side):
    """Return the lengths (n_samples,) of sequences without the padding on one side."""
    real = ~_equals(array, padding)
    if array.ndim == 3:
        real = real.any(axis=2)
    empty = ~real.any(axis=1)
    if empty.any():
        i = int(np.argmax(empty))
        raise ValueError(
            f"`X` must have at least 1 step in each sequence, but sequence {i} is all padding "
            f"({padding!r}): leave it out."
        )
    return real.shape[1] - np.argmax(real[:, ::-1] if side == "right" else real, axis=1)


def _equals(array, value):
    """Tell for each entry whether it is a padding value."""
    if is_missing(value):
        if array.dtype.kind == "O":
            return missing_in(array)
        return array != array if array.dtype.kind in "fmM" else np.zeros(array.shape, dtype=bool)
    fitting = {"U": str}.get(array.dtype.kind, (Real, np.bool_))
    if array.dtype.kind not in "OmM" and not isinstance(value, fitting):
        raise ValueError(
            f"`padding` must be a value that `X` ({array.dtype}) can hold, got {value!r}."
        )
    if array.dtype.kind == "f":  # 0.1 is another number in float32 than in float64
        value = _fitting(array.dtype, value).type(value)
    return array == value


def _check_lengths(lengths, n_samples, n_timesteps):
    if len(lengths) != n_samples:
        raise ValueError(
            f"`lengths` must have shape ({n_samples},), one per sequence of `X`; got shape "
            f"{lengths.shape}."
        )
    if lengths.max() > n_timesteps:
        i = int(np.argmax(lengths))
        raise ValueError(
            f"`lengths` must be at most the {n_timesteps} steps of `X`, but `lengths[{i}]` is "
            f"{lengths[i]}."
        )


def _real_steps(lengths, n_timesteps, side):
    """Return a mask (n_samples, n_timesteps) that is True for the steps that are not padding."""
    steps = np.arange(n_timesteps)
    if side == "left":
        steps = steps[::-1]
    return steps < np.asarray(lengths)[:, np.newaxis]


def _dtype_with(dtype, value):
    """Return a dtype that can hold values of `dtype` and the padding value."""
    if dtype.kind == "U":
        if not isinstance(value, str):
            raise ValueError(f"`value` must be a str where `X` holds strings, got {value!r}.")
        return np.promote_types(dtype, np.array(value).dtype)
    if not isinstance(value, (Real, np.bool_)):
        raise ValueError(f"`value` must be a real number where `X` holds numbers, got {value!r}.")
    if dtype.kind == "f":
        return _fitting(dtype, value)
    if dtype.kind in "iu" and float(value).is_integer():
        limits = np.iinfo(dtype)
        if limits.min <= value <= limits.max:
            return dtype
    if dtype.kind == "b" and isinstance(value, (bool, np.bool_)):
        return dtype
    return np.dtype(np.float64)


def _fitting(dtype, value):
    """Return a float dtype, or float64 if the value is beyond its range."""
    fits = abs(float(value)) <= float(np.finfo(dtype).max) or not np.isfinite(value)
    return dtype if fits else np.dtype(np.float64)


def warn_of_lost_ends(packed, value, side, advice):
    """Warn the caller of the public function if a sequence ends in a step of padding values."""
    ends = packed.offsets[1:] - 1 if side == "right" else packed.offsets[:-1]
    same = _equals(packed.values[ends], value).reshape(packed.n_samples, -1).all(axis=1)
    if same.any():
        end = "last" if side == "right" else "first"
        warnings.warn(
            f"The {end} step of sequence {int(np.argmax(same))} equals the padding, {value!r}: it "
            f"will look like padding. {advice}",
            UserWarning,
            stacklevel=3,
        )
