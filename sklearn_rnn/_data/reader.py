"""X, in any carrier, as packed sequences of finite numbers, for all estimators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Number

import numpy as np
from sklearn.utils import check_array

from .._rules import shown
from . import arguments
from .arguments import naming
from .carriers import as_array, is_ragged, refuse_masked
from .categories import Categories, columns_of
from .category_labels import learn_labels, numbers_for_labels
from .finite import check_finite, check_range
from .form import InputForm
from .frames import check_long, is_column, is_frame, read_frame
from .nested import NestedTable, is_nested, read_nested
from .sequences import from_dense, pack
from .values import check_numeric, held, numbers_of_objects


def read_X(
    X,
    owner,
    form=None,
    argument=arguments.X,
    *,
    names=True,
    dtype=None,
    scaling=None,
    categories=None,
    allow_nan=False,
):
    """Return X as Sequences of finite numbers, and its form.

    owner: name of the estimator's class, for errors. form: that of X in `fit`, which this X must
    have too; without `names`, names of columns are ignored. dtype and scaling: those of the network
    that must be able to read the numbers, see `check_range`. categories: the columns of codes,
    which become the numbers of rows of tables. allow_nan: let NaN, a missing value,
    pass; without dtype.
    """
    given = values = read_nested(X, argument) if is_nested(X) else X
    if categories is not None and categories.labels:
        if names and form is not None:  # before columns of another order are read as strings
            form.check_frames(X, owner)
        values = numbers_for_labels(given, categories.labels, argument)
    sequences = _packed(values, owner, form, argument)
    if form is None:
        form = InputForm.of(X, sequences)
    else:
        form.check(X, sequences, owner, argument, names=names)
    if categories is not None:
        sequences = categories.encode(sequences, argument, numbered=values is not given)
    if dtype is None:
        check_finite(sequences, argument, allow_nan=allow_nan)
    else:
        check_range(sequences, dtype, scaling, argument)
    return sequences, form


def learn_X(X, owner, features, argument=arguments.X):
    """Return X as `read_X` does, and its categories; features: which columns are categorical."""
    given = read_nested(X, argument) if is_nested(X) else X
    labelled, labels = learn_labels(given, features, argument)
    values = numbers_for_labels(given, labels, argument)
    sequences = _packed(values, owner, None, argument)
    form = InputForm.of(X, sequences)
    names = form.feature_names if sequences.kind == "sequences" else None
    columns = columns_of(features, sequences.n_features, names, labelled)
    categories = Categories.learn(sequences, columns, labels, argument)
    sequences = categories.encode(sequences, argument, numbered=values is not given)
    check_finite(sequences, argument)
    return sequences, form, categories


def _packed(X, owner, form, argument):
    """Return X as Sequences of numbers, finite or not."""
    # A shortcut where there is nothing to convert: the checks take longer than a short sequence.
    if type(X) is np.ndarray and X.ndim in (2, 3) and X.dtype.char in "fd" and X.size > 0:
        return from_dense(X, argument)
    if type(X) is NestedTable:
        return X.as_sequences(argument)
    if is_ragged(X):
        return pack(X, argument)
    sequences = from_dense(_array_of(X, owner, argument), argument)
    if form is not None and form.kind == "sequences" and form.n_features == 1:
        # Nested lists of equal length, where those of `fit` were ragged.
        if sequences.kind == "2d" and isinstance(X, (list, tuple)):
            return pack(X, argument)
    return sequences


def _and_y(argument):
    """Return how to pass targets per step of a single sequence, after a comma."""
    return ", and its targets per step as [y]" if argument is arguments.X else ""


def _array_of(X, owner, argument):
    """Return X, which is no list of sequences, as an array, with scikit-learn's own checks.

    What these would misread, or explain too little, is refused first.
    """
    refuse_containers(X, argument)
    X = _numbers_of(X, argument)
    if getattr(X, "ndim", None) == 1 and len(X) > 0:
        raise ValueError(
            f"`{argument}` must hold sequences, got a 1-D array of length {len(X)}. "
            f"Reshape your data: pass a single sequence as [{argument}]{_and_y(argument)}."
        )
    if X is None or isinstance(X, (str, bytes, Number)) or getattr(X, "shape", None) == ():
        raise ValueError(
            f"`{argument}` must hold sequences, such as a list of them, got {shown(X)}."
        )
    with naming(argument):
        return check_array(
            X,
            dtype=[np.float64, np.float32, np.float16],
            allow_nd=True,
            ensure_all_finite=False,  # `check_finite` names the sequence
            input_name=str(argument),
            estimator=owner,
        )


def refuse_containers(X, argument):
    """Refuse containers of sequences that are neither an array nor a list, and masks."""
    refuse_masked(X, argument)
    if type(X).__name__.endswith("GroupBy"):
        raise TypeError(
            f"`{argument}` must hold sequences, got a {type(X).__name__}: give a list of its "
            f"frames, [frame for _, frame in {argument}]."
        )
    if isinstance(X, Mapping) and not hasattr(X, "shape"):  # as dictionaries of keys have
        entry = next((name for name in ("X", "data") if name in X), None)
        advice = f"pass list({argument}.values())" if entry is None else f"pass its entry {entry!r}"
        raise TypeError(
            f"`{argument}` must be a list of sequences, got a {type(X).__name__}: {advice}."
        )
    if isinstance(X, Iterator):
        raise TypeError(
            f"`{argument}` must be a list of sequences, got an iterator: pass list({argument})."
        )


def _numbers_of(X, argument):
    """Return X, or the numbers that were read from it; refuse what holds no numbers."""
    if is_frame(X):
        check_long(X, argument)
        with naming(argument):
            X = read_frame(X, argument)
    elif isinstance(X, (list, tuple)) or is_column(X):
        X = as_array(X, argument)
    dtype = getattr(X, "dtype", None)
    kind = getattr(dtype, "kind", "f")
    if kind == "O":
        array = np.asarray(X)
        X = numbers_of_objects(array)
        if X is array and held(array) != "objects":
            check_numeric(dtype, argument, array)
    elif kind in "USTmMV":
        check_numeric(dtype, argument)
    elif kind == "c":
        raise ValueError(
            f"`{argument}` must hold real numbers, got {dtype}. Complex data not supported: pass "
            "the real and the imaginary part as two features."
        )
    return X
