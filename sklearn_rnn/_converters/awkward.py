"""Ragged arrays of awkward."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._data.arguments import Argument
from .._data.values import check_numeric
from .._typing import Array, SequenceNotStr, SequencesLike
from .libraries import library
from .sequences import NUMERIC, cut, names_for, read_lengths, read_sequences, with_features

_ARRAY = Argument("array", "features")


def from_awkward(array: Any, *, columns: SequenceNotStr[str] | None = None) -> Array:
    """Convert a ragged array of awkward to sequences.

    Parameters
    ----------
    array : awkward.Array
        An array of type ``n * var * float`` (one value per step) or ``n * var * F * float``, or
        with fields that are features, ``n * var * {x: float, y: float}`` or
        ``n * {x: var * float, y: var * float}``. Missing values become NaN. Strings and targets per
        step are read as well.
    columns : list of str, default=None
        The fields to use as features, in this order; None means all fields.

    Returns
    -------
    sequences : object array of shape (n_samples,)
        Arrays of shape (n_timesteps_i, n_features), or (n_timesteps_i,) if `array` has one value
        per step and no fields.

    Raises
    ------
    TypeError
        If `array` is not an array of awkward.
    ValueError
        If the array has another number of dimensions, a sequence is missing or empty, fields have
        unequal lengths, or the number of features varies.

    See Also
    --------
    to_awkward : The inverse.

    Examples
    --------
    >>> import awkward
    >>> from sklearn_rnn.preprocessing import from_awkward
    >>> array = awkward.Array([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]])
    >>> from_awkward(array)[1]
    array([[3., 4.],
           [5., 6.]])
    """
    if type(array).__module__.split(".")[0] != "awkward" or not hasattr(array, "layout"):
        raise TypeError(f"`array` must be an awkward.Array, got {type(array).__name__}.")
    fields = list(array.fields)
    if columns is not None or fields:
        wanted = fields if columns is None else list(columns)
        unknown = [name for name in wanted if name not in fields]
        if unknown or not wanted:
            raise ValueError(
                f"`columns` must name fields of `array`, {fields}; got "
                f"{unknown[0] if unknown else wanted!r}."
            )
        return _from_fields(array, wanted)
    rows, lengths = _rows_of(array, "array")
    return cut(rows, lengths)


def to_awkward(X: SequencesLike, *, columns: SequenceNotStr[str] | None = None) -> Any:
    """Convert sequences to a ragged array of awkward.

    Parameters
    ----------
    X : sequences
        Sequences in any form that `fit` takes. They may hold NaN, integers or strings.
    columns : list of str, default=None
        Names of the features: each step then becomes a record. None means the column names of
        frames in `X`; without frames, the features have no names.

    Returns
    -------
    array : awkward.Array
        An array of type ``n * var * F * float``; ``n * var * float`` for 1-D sequences, or with
        names ``n * var * {x: float, ...}``.

    Raises
    ------
    ImportError
        If awkward is not installed.
    ValueError, TypeError
        If `X` does not hold sequences, or has another number of features than `columns`.

    See Also
    --------
    from_awkward : The inverse.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import to_awkward
    >>> print(to_awkward([[1.0, 2.0, 3.0], [4.0]]).type)
    2 * var * float64
    """
    ak = library("awkward")
    packed, known = read_sequences(X)
    values, lengths = packed.values, packed.lengths
    if columns is None and known is None:
        if values.dtype.kind == "U":
            return ak.unflatten(ak.Array(values.tolist()), lengths)
        return ak.unflatten(ak.from_numpy(values, regulararray=True), lengths)
    values = with_features(values)
    names = [str(name) for name in names_for(columns, known, values.shape[1])]
    parts = [ak.unflatten(np.ascontiguousarray(column), lengths) for column in values.T]
    return ak.zip(dict(zip(names, parts, strict=True)))


def _from_fields(array, names):
    parts = [_rows_of(array[name], name) for name in names]
    rows, lengths = zip(*parts, strict=True)
    for name, column, own in zip(names, rows, lengths, strict=True):
        if column.ndim != 1:
            raise ValueError(
                f"`array` must have one number per step in each field, got {column.shape[1]} in "
                f"field {name!r}."
            )
        if not np.array_equal(own, lengths[0]):
            i = int(np.argmax(own != lengths[0]))
            raise ValueError(
                f"`array` must have the same number of steps in all fields: in sequence {i} "
                f"{names[0]!r} has {lengths[0][i]}, but {name!r} has {own[i]}."
            )
    return cut(np.column_stack(rows), lengths[0])


def _rows_of(array, name):
    """Return the steps of an array without fields, (n_steps,) or (n_steps, k), and the lengths."""
    ak = library("awkward")
    if array.ndim not in (2, 3):
        raise ValueError(
            "`array` must have one sequence per entry, of type n * var * float or n * var * F * "
            f"float; got {array.type}."
        )
    if ak.any(ak.is_none(array)):
        i = int(np.argmax(ak.to_numpy(ak.is_none(array))))
        raise ValueError(
            f"`array` must have no missing sequences, but entry {i} of {name!r} is missing: leave "
            "it out."
        )
    lengths = read_lengths(ak.to_numpy(ak.num(array)), argument=Argument(f"num({name})"))
    try:
        rows = ak.to_numpy(ak.flatten(array, axis=1))
    except ValueError as error:
        raise ValueError(
            "`array` must have the same number of features at every step; it cannot be read as "
            f"rows of the same width ({error})."
        ) from error
    if np.ma.is_masked(rows):
        if rows.dtype.kind not in NUMERIC:
            raise ValueError(
                f"`array` must have no missing strings, but {name!r} has some: fill them."
            )
        rows = rows.astype(np.result_type(rows.dtype, np.float32)).filled(np.nan)
    rows = np.asarray(rows)
    if rows.dtype.kind != "U":
        check_numeric(rows.dtype, _ARRAY, rows)
    return rows, lengths
