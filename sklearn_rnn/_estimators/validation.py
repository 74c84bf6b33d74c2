"""Reading of the user's X, y and weights, with scikit-learn's own checks where it has them."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .._data.frames import check_long, is_column, is_frame, read_frame
from .._data.sequences import (
    as_array,
    as_numbers,
    check_finite,
    check_range,
    first_frame,
    from_dense,
    is_ragged,
    pack,
    refuse_masked,
    step_weights,
)
from .._data.values import check_numeric, held, numbers_of_objects

KINDS = {
    "2d": "2-D (n_samples, n_timesteps), one feature per step",
    "sequences": "sequences (n_timesteps, n_features), as a 3-D array or a list",
}


def read_X(estimator, X, *, dtype=None, scaling=None, reset=False, name="X"):
    """Return X as finite Sequences, which a network of `dtype` can read with `scaling`.

    With `reset`, the kind of X and its number of features are set on `estimator`; otherwise they
    must be those of fit.
    """
    # A shortcut where there is nothing to convert: the checks take longer than a short sequence.
    plain = type(X) is np.ndarray and X.ndim in (2, 3) and X.dtype.char in "fd" and X.size > 0
    if plain:
        sequences = from_dense(X, name=name)
    elif is_ragged(X):
        sequences = pack(X, name=name)
    else:
        sequences = from_dense(_checked_array(estimator, X, name), name=name)
        if not reset and estimator._input_kind == "sequences":
            sequences = as_sequences(X, sequences, estimator.n_features_in_, name)
    kind = "2d" if sequences.kind == "2d" else "sequences"
    if reset:
        estimator._input_kind = kind
    elif kind != estimator._input_kind:
        raise ValueError(
            f"`{name}` must be of the kind that {type(estimator).__name__} was fitted on: "
            f"{KINDS[estimator._input_kind]}; got {KINDS[kind]}. "
            + hint_at_kind(sequences, kind, estimator.n_features_in_, name)
        )
    columns = with_columns(X, sequences)
    if reset or type(columns) is not np.ndarray or hasattr(estimator, "feature_names_in_"):
        # Names first: that error names the column that is too many.
        validate_data(estimator, columns, reset=reset, skip_check_array=True)
    if not reset and columns.shape[1] != estimator.n_features_in_:
        swapped = sequences.kind == "3d" and sequences.lengths[0] == estimator.n_features_in_
        hint = f". If its axes are swapped, use np.swapaxes({name}, 1, 2)." if swapped else ""
        raise ValueError(
            f"{name} has {columns.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input{hint}"
        )
    if dtype is None:
        check_finite(sequences, name=name)
    else:
        check_range(sequences, dtype, scaling, name=name)
    return sequences


def hint_at_kind(sequences, kind, n_features, name="X"):
    """Return advice on how to convert X of this kind to the kind that was fitted."""
    if kind != "2d":
        return "np.stack makes a 2-D array of sequences of equal length."
    n_rows, n_columns = sequences.n_samples, sequences.n_steps // sequences.n_samples
    if n_columns == n_features:
        return f"Pass one sequence as `[{name}]`."
    if n_features == 1:
        return (
            f"If these are {n_rows} sequences of {n_columns} steps, {name}[..., np.newaxis] makes "
            "a 3-D array."
        )
    return f"Pass one sequence as `[{name}]`, with {n_features} features per step."


def as_sequences(X, sequences, n_features, name="X"):
    """Read nested lists of equal length as `fit` read ragged ones: one sequence per item."""
    nested = sequences.kind == "2d" and isinstance(X, (list, tuple))
    return pack(X, name=name) if nested and n_features == 1 else sequences


def with_columns(X, sequences):
    """Return the object whose columns scikit-learn counts and names: features, or 2-D steps."""
    if sequences.kind == "2d":
        return X if hasattr(X, "shape") else np.asarray(X)
    frame = first_frame(X) if sequences.kind == "ragged" else None
    return sequences.values if frame is None else frame


def _checked_array(estimator, X, name):
    """Read X, if it is not a list of sequences, as a float array of at least two dimensions."""
    X = check_dense(X, name)
    with naming(name):
        return check_array(
            X,
            dtype=[np.float64, np.float32],
            allow_nd=True,
            ensure_all_finite=False,  # `check_finite` names the sequence
            input_name=name,
            estimator=estimator,
        )


def check_dense(X, name):
    """Refuse what scikit-learn's checks would misread, or explain too little.

    Return X, or numbers that were read from it.
    """
    refuse_masked(X, name)
    if type(X).__name__.endswith("GroupBy"):
        raise TypeError(
            f"`{name}` must hold sequences, got a {type(X).__name__}: give a list of its frames, "
            f"[frame for _, frame in {name}]."
        )
    if isinstance(X, Mapping) and not hasattr(X, "shape"):  # as dictionaries of keys have
        raise TypeError(f"`{name}` must be a list of sequences, got a dict: list({name}.values()).")
    if isinstance(X, Iterator):
        raise TypeError(f"`{name}` must be a list of sequences, got an iterator: list({name}).")
    if is_frame(X):
        check_long(X, name)
        with naming(name):
            X = read_frame(X, name)
    elif isinstance(X, (list, tuple)) or is_column(X):
        X = as_array(X, name)
    dtype = getattr(X, "dtype", None)
    kind = getattr(dtype, "kind", "f")
    if kind == "O":
        array = np.asarray(X)
        X = numbers_of_objects(array)
        if X is array and held(array) != "objects":
            check_numeric(dtype, name, array)
    elif kind in "USTmMV":
        check_numeric(dtype, name)
    if getattr(X, "ndim", None) == 1 and len(X) > 0:
        raise ValueError(
            f"`{name}` must hold sequences, got one of {len(X)} numbers. Reshape your data: "
            f"pass one sequence as [{name}]."
        )
    return X


@contextmanager
def naming(name):
    """Make the errors of foreign checks name the argument; values that overflow become inf."""
    try:
        with np.errstate(over="ignore"):
            yield
    except (MemoryError, Warning):
        raise
    except Exception as error:  # foreign conversions may raise anything
        if isinstance(error, (TypeError, ValueError)) and re.search(rf"\b{name}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"`{name}` cannot be read: {error}") from error


def read_weights(sample_weight, sequences, per_step, *, name="sample_weight"):
    """Return weights (n_rows,) in float64; a row is a sequence, or a step. None stays None."""
    if sample_weight is None:
        return None
    n_samples = sequences.n_samples
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    if per_step:
        weights = step_weights(sample_weight, sequences, name=name)
    else:
        if is_ragged(sample_weight) and len(sample_weight) > 0:
            raise ValueError(
                f"`{name}` must have one weight per sequence with mode='many_to_one', but it holds "
                "one array per sequence; one weight per step needs mode='many_to_many'."
            )
        with naming(name):
            weights = as_numbers(sample_weight, name).astype(np.float64, copy=False)
        if weights.shape != (n_samples,):
            raise ValueError(
                f"`{name}` must have one weight per sequence, shape ({n_samples},); "
                f"got shape {weights.shape}."
            )
        check_rows_finite(weights, name, "Use weight 0 for what must not count.")
        if weights.min() < 0:
            i = int(np.argmin(weights))
            raise ValueError(f"`{name}` must not be negative, but `{name}[{i}]` is {weights[i]}.")
    check_some_weight(weights, name)
    return weights


def check_some_weight(weights, name):
    """Refuse weights that leave nothing to learn."""
    if not np.any(weights > 0):
        raise ValueError(f"`{name}` must not be all zero: at least one weight must be positive.")


def check_rows_finite(rows, name, hint):
    """Refuse NaN and infinity in rows (n_rows,) or (n_rows, k), whatever scikit-learn assumes."""
    bad = ~np.isfinite(rows)
    if bad.any():
        i = np.unravel_index(int(np.argmax(bad)), rows.shape)
        what = "NaN" if np.isnan(rows[i]) else "infinity"
        where = ", ".join(map(str, i))
        raise ValueError(f"`{name}` must be finite: `{name}[{where}]` is {what}. {hint}")


def one_per_sequence(y, sequences, name, read):
    """Return `y` as an array, made by `read(y, name)`, with one target per sequence."""
    if is_ragged(y) and len(y) > 0:
        raise ValueError(
            f"`{name}` must have one target per sequence with mode='many_to_one', but it holds one "
            "array per sequence; one target per step needs mode='many_to_many'."
        )
    y = read(y, name)
    if y.ndim == 0 or len(y) != sequences.n_samples:
        raise ValueError(
            f"`{name}` must have one target per sequence: there are {sequences.n_samples} "
            f"sequences, but `{name}` has shape {y.shape}."
        )
    return y


def split(n_samples, fraction, labels, rng):
    """Split sample numbers into training and validation, stratified by `labels` if possible."""
    from sklearn.model_selection import train_test_split

    n_val = int(np.ceil(fraction * n_samples))
    if n_val < 2 or n_samples - n_val < 1:
        raise ValueError(
            "The validation set is too small, or leaves nothing to train on: "
            f"`validation_fraction`={fraction} of {n_samples} sequences. Change it, or pass "
            "`X_val` and `y_val`."
        )
    if labels is not None:
        _, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2 or len(counts) > min(n_val, n_samples - n_val):
            labels = None
    return train_test_split(
        np.arange(n_samples), test_size=n_val, stratify=labels, random_state=rng
    )
