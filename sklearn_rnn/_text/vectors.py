"""Given vectors of tokens -> rows in the order of codes."""

from __future__ import annotations

import numpy as np

from .._data import arguments
from .._data.carriers import as_numbers

_ARGUMENT = arguments.Argument("keyed_vectors")


def rows_of(keyed_vectors, vocabulary, n_codes):
    """Return the vectors (n_codes, n_dimensions) of the tokens of a vocabulary, NaN without one."""
    if isinstance(keyed_vectors, (str, bytes)) or not hasattr(keyed_vectors, "__contains__"):
        raise ValueError(
            f"`{_ARGUMENT}` must be a dict or other mapping from tokens to vectors, got a "
            f"{type(keyed_vectors).__name__}."
        )
    rows = {
        code: _read(keyed_vectors[token], token)
        for token, code in vocabulary.items()
        if token in keyed_vectors
    }
    if not rows:
        raise ValueError(
            f"`{_ARGUMENT}` must have a vector for at least one token of `vocabulary_`."
        )
    lengths = {len(row): code for code, row in rows.items()}
    if len(lengths) > 1:
        tokens = [token for token, code in vocabulary.items() if code in lengths.values()]
        raise ValueError(
            f"`{_ARGUMENT}` must have vectors of the same length, but those of {tokens[0]!r} and "
            f"{tokens[1]!r} have {len(rows[vocabulary[tokens[0]]])} and "
            f"{len(rows[vocabulary[tokens[1]]])} elements."
        )
    dtype = np.result_type(np.float32, *{row.dtype for row in rows.values()})
    result = np.full((n_codes, *lengths), np.nan, dtype)
    result[list(rows)] = list(rows.values())
    return result


def _read(vector, token):
    vector = as_numbers(vector, _ARGUMENT)
    if vector.ndim != 1 or vector.size == 0 or not np.isfinite(vector).all():
        raise ValueError(
            f"`{_ARGUMENT}` must have vectors of finite numbers, but that of {token!r} has shape "
            f"{vector.shape}"
            + (" and is not finite." if vector.ndim == 1 and vector.size > 0 else ".")
        )
    return vector
