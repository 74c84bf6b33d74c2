"""Categorical features: columns of X with codes, whose values are numbered for embeddings.

Each such column has a table with a row for every code of the first fit, in their order, and a last
one for codes that were unknown then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .._rules import Allowed, either, integer
from . import arguments
from .carriers import as_numbers
from .nested import labelled_columns
from .packed import Sequences, offsets_of_equal

CODE_BITS = 31
MOST_FEATURES = 64  # a layer can read this many tables and its other sources
MOST_AUTO = 50  # columns of a table with embedding_dim="auto"
NARROW_CODES = 2**24  # up to here float32 holds every integer

FEATURES = Allowed(
    lambda value: (
        value is None
        or isinstance(value, str)
        or (isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)))
    ),
    'None, "all", "from_dtype", or an array-like of bool, int or str',
)
DIMENSION = integer(1, CODE_BITS)
DIMENSIONS = Allowed(
    lambda value: (
        either("auto", DIMENSION).test(value)
        or (isinstance(value, (list, tuple)) and len(value) > 0 and all(map(DIMENSION.test, value)))
    ),
    '"auto", an integer of at least 1, or a list of such integers, one per categorical feature',
)
VECTORS = Allowed(
    lambda value: (
        value is None or isinstance(value, (list, tuple, Mapping, np.ndarray)) or _is_keyed(value)
    ),
    "None, an array of vectors, a dict from codes to vectors, gensim's KeyedVectors, or a list or "
    "dict of these, one per categorical feature",
)


# ---- which columns ------------------------------------------------------------------------------


def columns_of(features, n_features, names=None, labelled=()):
    """Return the indices of the columns that `categorical_features` selects, in increasing order.

    names: those of the columns, or None. labelled: columns of frames that hold labels.
    """
    if features is None:
        return ()
    if isinstance(features, str):
        if features == "all":
            return tuple(range(n_features))
        if features == "from_dtype":
            return tuple(labelled)
        raise ValueError(
            '`categorical_features` must be "all", "from_dtype" or an array-like, '
            f"got {features!r}: give one name as [{features!r}]."
        )
    given = np.asarray(features if hasattr(features, "__array__") else list(features))
    if given.size == 0:
        return ()
    if given.ndim != 1 or given.dtype.kind not in "biuUO":
        raise ValueError(
            "`categorical_features` must be a 1-D array-like of bool, int or str, got "
            f"{given.dtype} of shape {given.shape}."
        )
    if given.dtype.kind == "b":
        return _of_mask(given, n_features)
    if given.dtype.kind in "iu":
        return _of_indices(given, n_features)
    return _of_names(given.tolist(), names)


def _of_mask(mask, n_features):
    if len(mask) != n_features:
        raise ValueError(
            "`categorical_features` must have one entry per feature if it is a mask of bool: X "
            f"has {n_features} features, got {len(mask)} entries."
        )
    return tuple(np.flatnonzero(mask).tolist())


def _of_indices(indices, n_features):
    for j in indices.tolist():
        if not 0 <= j < n_features:
            raise ValueError(
                f"`categorical_features` must hold indices from 0 to {n_features - 1}, got {j}."
            )
    return tuple(sorted(set(indices.tolist())))


def _of_names(wanted, names):
    if not all(isinstance(name, str) for name in wanted):
        raise ValueError(
            f"`categorical_features` must hold bool, int or str, all of one type, got {wanted!r}."
        )
    if names is None:
        raise ValueError(
            "`categorical_features` must hold indices or a mask, because X has no names of "
            f"columns; got {wanted!r}. For names, pass X as a list of data frames or a nested "
            "table, with column names that are all str."
        )
    names = list(names)
    for name in wanted:
        if name not in names:
            raise ValueError(
                f"`categorical_features` must hold names of columns of X, {names}; got {name!r}."
            )
    return tuple(sorted({names.index(name) for name in wanted}))


def check_columns(features, X, form, n_features, categories):
    """Refuse `categorical_features` that select other columns than in the first fit."""
    labelled = () if features is None else labelled_columns(X)
    columns = columns_of(features, n_features, form.feature_names, labelled)
    if columns != categories.columns:
        raise ValueError(
            "`categorical_features` must not change between a fit and its continuation "
            f"(warm_start, partial_fit): it selected columns {list(categories.columns)}, and now "
            f"selects {list(columns)}."
        )


# ---- codes --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Categories:
    """The columns of X with codes, and the codes that were known in the first fit."""

    columns: tuple[int, ...]
    known: tuple[np.ndarray, ...]  # for each column its codes, or strings, in order

    @classmethod
    def learn(cls, sequences, columns, labels, argument=arguments.X):
        """Learn the codes in some columns; labels: those that `learn_labels` has found."""
        if len(columns) > MOST_FEATURES:
            raise ValueError(
                f"`categorical_features` must select at most {MOST_FEATURES} columns, got "
                f"{len(columns)}."
            )
        known = []
        for j in columns:
            if j in labels and labels[j].dtype.kind == "U":
                known.append(labels[j])
            else:
                _check_codes(sequences, j, argument)
                known.append(np.unique(sequences.values[:, j]).astype(np.int64))
        return cls(tuple(columns), tuple(known))

    def of_sequences(self, sequences, kept):
        """Return sequences of rows and the categories that only some of the sequences have.

        sequences: with the numbers of rows, as `encode` returns them; kept: a mask (n_samples,).
        Codes of no kept sequence become unknown.
        """
        taken, values, known = np.repeat(kept, sequences.lengths), sequences.values.copy(), []
        for j, codes in zip(self.columns, self.known, strict=True):
            rows = values[:, j].astype(np.intp)
            used = np.unique(rows[taken])
            places = np.full(len(codes) + 1, len(used))
            places[used] = np.arange(len(used))
            values[:, j] = places[rows]
            known.append(codes[used])
        return replace(sequences, values=values), replace(self, known=tuple(known))

    @property
    def n_rows(self):
        """Rows of the table of each column."""
        return tuple(len(known) + 1 for known in self.known)

    @property
    def labels(self):
        """Dict from the columns that held strings in frames to these strings, sorted."""
        pairs = zip(self.columns, self.known, strict=True)
        return {j: known for j, known in pairs if known.dtype.kind == "U"}

    def encode(self, sequences, argument=arguments.X, *, numbered=False):
        """Return sequences with the numbers of rows instead of codes.

        numbered: whether strings have become numbers before.
        """
        values = sequences.values
        if values.dtype == np.float32 and max(self.n_rows, default=0) > NARROW_CODES:
            values = values.astype(np.float64)
        for j, known in zip(self.columns, self.known, strict=True):
            if known.dtype.kind == "U":
                if not numbered:
                    raise ValueError(
                        f"`{argument}` must be a list of frames with strings in column {j}, or a "
                        "nested table, because that column is categorical and held strings in fit."
                    )
                continue
            _check_codes(sequences, j, argument)
            rows = _rows_of(values[:, j], known)
            if rows is not None:
                if values is sequences.values:
                    values = values.copy()
                values[:, j] = rows
        return sequences if values is sequences.values else replace(sequences, values=values)

    def encode_rows(self, x, argument):
        """Return one step of each sequence (n_sequences, n_features), encoded in the same way."""
        return self.encode(Sequences(x, offsets_of_equal(len(x), 1), "3d"), argument).values

    def check_codes_alone(self, what):
        """Refuse uses that need integer codes, if some columns held strings."""
        if self.labels:
            raise ValueError(
                f"{what} categorical features with integer codes, but column "
                f"{next(iter(self.labels))} of X held strings in fit: replace them by integers and "
                "fit again."
            )


def _rows_of(codes, known):
    """Return the numbers of the rows for codes (n_steps,), or None if these are the codes."""
    n = len(known)
    if known[-1] == n - 1:  # 0 to n - 1
        return None if codes.max() < n else np.minimum(codes, n)
    rows = np.minimum(np.searchsorted(known, codes), n - 1)
    return np.where(known[rows] == codes, rows, n)


def _check_codes(sequences, j, argument):
    """Refuse values in column j that are not codes."""
    codes = sequences.values[:, j]
    with np.errstate(invalid="ignore"):
        good = (codes >= 0) & (codes < 2**CODE_BITS) & (codes == np.floor(codes))
    if not good.all():
        row = int(np.argmin(good))
        i, t = sequences.locate(row)
        raise ValueError(
            f"`categorical_features` must select columns of integer codes from 0 to below "
            f"2**{CODE_BITS}, but column {j} of `{argument}` has {codes[row]:.10g} in sequence {i} "
            f"at step {t}: number the values of that column first, or do not select it."
        )


# ---- tables -------------------------------------------------------------------------------------


def dimensions(embedding_dim, categories, vectors=None):
    """Return how many columns the table of each categorical feature has.

    vectors: what `vectors_of` returns, or None. "auto" is half the number of codes, rounded up, but
    at most 50, or what the given vectors have.
    """
    n = len(categories.columns)
    given = [None] * n if vectors is None else vectors
    if isinstance(embedding_dim, str):
        return tuple(
            min(MOST_AUTO, (len(known) + 1) // 2) if rows is None else rows.shape[1]
            for known, rows in zip(categories.known, given, strict=True)
        )
    several = isinstance(embedding_dim, (list, tuple))
    if several and n == 0:
        raise ValueError(
            "`embedding_dim` must not be a list if `categorical_features` selects no column of X; "
            f"got {embedding_dim!r}."
        )
    if several and len(embedding_dim) != n:
        raise ValueError(
            f"`embedding_dim` must have one entry for each of the {n} categorical features, got "
            f"{len(embedding_dim)}."
        )
    widths = tuple(map(int, embedding_dim if several else [embedding_dim] * n))
    for width, rows in zip(widths, given, strict=True):
        if rows is not None and rows.shape[1] != width:
            raise ValueError(
                f"`embedding_init` must have vectors of `embedding_dim`={width} elements, got "
                f"{rows.shape[1]}."
            )
    return widths


def vectors_of(embedding_init, categories, dtype="float64", names=None):
    """Return, for each categorical feature, the given vectors (n_codes, dimension) or None.

    Codes without a vector have NaN. dtype: that of the network; names: those of all features of X,
    or None.
    """
    if embedding_init is None:
        return None
    if not categories.columns:
        raise ValueError(
            "`embedding_init` must be None if `categorical_features` selects no column of X: list "
            "the columns of codes in `categorical_features`."
        )
    given = _by_feature(embedding_init, categories.columns, names)
    return tuple(
        None if each is None else _in_range(_vectors(each, known, name), dtype, name)
        for (name, each), known in zip(given, categories.known, strict=True)
    )


def _by_feature(given, columns, names):
    """List a name for errors, and what is given, for each categorical feature."""
    n = len(columns)
    if _is_of_features(given):
        return _of_named_features(given, columns, names)
    if _is_keyed(given) or isinstance(given, Mapping) or _is_matrix(given):
        return [("embedding_init", given)] * n
    if len(given) != n:
        raise ValueError(
            f"`embedding_init` must have one entry for each of the {n} categorical features, got "
            f"{len(given)}."
        )
    return [(f"embedding_init[{i}]", each) for i, each in enumerate(given)]


def _is_of_features(given):
    """Tell whether the keys of a dict are features, not codes: whether its values are tables."""
    return (
        isinstance(given, Mapping)
        and len(given) > 0
        and all(
            each is None or isinstance(each, Mapping) or _is_keyed(each) or _is_matrix(each)
            for each in given.values()
        )
    )


def _of_named_features(given, columns, names):
    known = {} if names is None else {name: j for j, name in enumerate(names)}
    found = {}
    for key, each in given.items():
        column = known.get(key, key)
        if column not in columns:
            features = [names[j] for j in columns] if names is not None else list(columns)
            raise ValueError(
                "`embedding_init` must have the categorical features as keys if its values are "
                f"tables of vectors: {features}; got {key!r}."
            )
        found[column] = f"embedding_init[{key!r}]", each
    return [found.get(column, ("embedding_init", None)) for column in columns]


def _is_keyed(given):
    """Tell whether these are vectors by keys, as gensim's `KeyedVectors` holds them."""
    return hasattr(given, "key_to_index") and hasattr(given, "vectors")


def _is_matrix(given):
    """Tell whether these are the vectors of one feature."""
    if isinstance(given, np.ndarray) and given.dtype.kind != "O":
        return given.ndim not in (1, 3)
    return (
        isinstance(given, (list, tuple, np.ndarray))
        and len(given) > 0
        and all(
            isinstance(row, (list, tuple, np.ndarray))
            and len(row) > 0
            and all(np.ndim(x) == 0 and x is not None for x in row)
            for row in given
        )
    )


def _vectors(given, known, name):
    argument = arguments.Argument(name)
    if _is_keyed(given):
        return _vectors_of_dict(_vectors_by_key(given, known), known, argument)
    if isinstance(given, Mapping):
        return _vectors_of_dict(given, known, argument)
    rows = as_numbers(given, argument)
    has_row_per_code = rows.ndim == 2 and known.dtype.kind != "U" and len(rows) > known[-1]
    if rows.ndim != 2 or not (has_row_per_code or len(rows) == len(known)) or rows.shape[1] == 0:
        numbered = "" if known.dtype.kind == "U" else f", or from 0 to at least {known[-1]}"
        raise ValueError(
            f"`{name}` must have shape ({len(known)}, embedding_dim), one vector for each code in "
            f"`categories_`{numbered}, got {rows.shape}."
        )
    rows = rows[known] if has_row_per_code else rows
    has_none = np.isnan(rows).all(axis=1)
    if has_none.all() or not np.isfinite(rows[~has_none]).all():
        raise ValueError(
            f"`{name}` must be finite, except that rows of codes without a vector may be NaN; at "
            "least one code of X must have a vector."
        )
    return rows


def _vectors_by_key(given, known):
    """Return the vectors of those codes or strings that gensim's `KeyedVectors` has, as a dict."""
    numbers = given.key_to_index
    return {code: given.vectors[numbers[code]] for code in known.tolist() if code in numbers}


def _in_range(rows, dtype, name):
    with np.errstate(over="ignore"):
        if np.isinf(rows.astype(dtype)).any():
            raise ValueError(f"`{name}` must be finite in {dtype}.")
    return rows


def _vectors_of_dict(given, known, argument):
    rows = None
    for k, code in enumerate(known.tolist()):
        if code not in given:
            continue
        vector = as_numbers(given[code], argument)
        if (
            vector.ndim != 1
            or len(vector) == 0
            or (rows is not None and len(vector) != rows.shape[1])
        ):
            raise ValueError(
                f"`{argument}` must have vectors of the same length, got shape {vector.shape} "
                f"for code {code!r}."
            )
        if not np.isfinite(vector).all():
            raise ValueError(f"`{argument}` must be finite, but the vector of {code!r} is not.")
        if rows is None:
            rows = np.full((len(known), len(vector)), np.nan)
        rows[k] = vector
    if rows is None:
        raise ValueError(
            f"`{argument}` must have a vector for at least one of the codes in X, such as "
            f"{known[:3].tolist()}."
        )
    return rows
