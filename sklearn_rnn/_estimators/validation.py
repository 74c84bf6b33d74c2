"""Reading of the user's X, y and weights, with scikit-learn's own checks where it has them."""

from collections.abc import Iterator, Mapping

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .._data import arguments
from .._data.arguments import naming
from .._data.carriers import as_array, is_ragged, refuse_masked
from .._data.finite import check_finite, check_range
from .._data.frames import check_long, is_column, is_frame, read_frame
from .._data.items import first_frame
from .._data.sequences import from_dense, pack
from .._data.values import check_numeric, held, numbers_of_objects

KINDS = {
    "2d": "2-D (n_samples, n_timesteps), one feature per step",
    "sequences": "sequences (n_timesteps, n_features), as a 3-D array or a list",
}


def read_X(estimator, X, *, dtype=None, scaling=None, reset=False, argument=arguments.X):
    """Return X as finite Sequences, which a network of `dtype` can read with `scaling`.

    With `reset`, the kind of X and its number of features are set on `estimator`; otherwise they
    must be those of fit.
    """
    # A shortcut where there is nothing to convert: the checks take longer than a short sequence.
    plain = type(X) is np.ndarray and X.ndim in (2, 3) and X.dtype.char in "fd" and X.size > 0
    if plain:
        sequences = from_dense(X, argument=argument)
    elif is_ragged(X):
        sequences = pack(X, argument=argument)
    else:
        sequences = from_dense(_checked_array(estimator, X, argument), argument=argument)
        if not reset and estimator._input_kind == "sequences":
            sequences = as_sequences(X, sequences, estimator.n_features_in_, argument)
    kind = sequences.kind
    if reset:
        estimator._input_kind = kind
    elif kind != estimator._input_kind:
        raise ValueError(
            f"`{argument}` must be of the kind that {type(estimator).__name__} was fitted on: "
            f"{KINDS[estimator._input_kind]}; got {KINDS[kind]}. "
            + hint_at_kind(sequences, kind, estimator.n_features_in_, argument)
        )
    columns = with_columns(X, sequences)
    if reset or type(columns) is not np.ndarray or hasattr(estimator, "feature_names_in_"):
        # Names first: that error names the column that is too many.
        validate_data(estimator, columns, reset=reset, skip_check_array=True)
    if not reset and columns.shape[1] != estimator.n_features_in_:
        swapped = sequences.carrier == "3d" and sequences.lengths[0] == estimator.n_features_in_
        hint = f". If its axes are swapped, use np.swapaxes({argument}, 1, 2)." if swapped else ""
        raise ValueError(
            f"{argument} has {columns.shape[1]} features, but {type(estimator).__name__} is "
            f"expecting {estimator.n_features_in_} features as input{hint}"
        )
    if dtype is None:
        check_finite(sequences, argument=argument)
    else:
        check_range(sequences, dtype, scaling, argument=argument)
    return sequences


def hint_at_kind(sequences, kind, n_features, argument=arguments.X):
    """Return advice on how to convert X of this kind to the kind that was fitted."""
    if kind != "2d":
        return "np.stack makes a 2-D array of sequences of equal length."
    n_rows, n_columns = sequences.n_samples, sequences.n_steps // sequences.n_samples
    if n_columns == n_features:
        return f"Pass one sequence as `[{argument}]`."
    if n_features == 1:
        return (
            f"If these are {n_rows} sequences of {n_columns} steps, {argument}[..., np.newaxis] "
            "makes a 3-D array."
        )
    return f"Pass one sequence as `[{argument}]`, with {n_features} features per step."


def as_sequences(X, sequences, n_features, argument=arguments.X):
    """Read nested lists of equal length as `fit` read ragged ones: one sequence per item."""
    nested = sequences.kind == "2d" and isinstance(X, (list, tuple))
    return pack(X, argument=argument) if nested and n_features == 1 else sequences


def with_columns(X, sequences):
    """Return the object whose columns scikit-learn counts and names: features, or 2-D steps."""
    if sequences.kind == "2d":
        return X if hasattr(X, "shape") else np.asarray(X)
    frame = first_frame(X) if sequences.carrier.startswith("ragged") else None
    return sequences.values if frame is None else frame


def _checked_array(estimator, X, argument):
    """Read X, if it is not a list of sequences, as a float array of at least two dimensions."""
    X = check_dense(X, argument)
    with naming(argument):
        return check_array(
            X,
            dtype=[np.float64, np.float32],
            allow_nd=True,
            ensure_all_finite=False,  # `check_finite` names the sequence
            input_name=str(argument),
            estimator=estimator,
        )


def check_dense(X, argument):
    """Refuse what scikit-learn's checks would misread, or explain too little.

    Return X, or numbers that were read from it.
    """
    refuse_masked(X, argument)
    if type(X).__name__.endswith("GroupBy"):
        raise TypeError(
            f"`{argument}` must hold sequences, got a {type(X).__name__}: give a list of its "
            f"frames, [frame for _, frame in {argument}]."
        )
    if isinstance(X, Mapping) and not hasattr(X, "shape"):  # as dictionaries of keys have
        raise TypeError(
            f"`{argument}` must be a list of sequences, got a dict: list({argument}.values())."
        )
    if isinstance(X, Iterator):
        raise TypeError(
            f"`{argument}` must be a list of sequences, got an iterator: list({argument})."
        )
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
    if getattr(X, "ndim", None) == 1 and len(X) > 0:
        raise ValueError(
            f"`{argument}` must hold sequences, got one of {len(X)} numbers. Reshape your data: "
            f"pass one sequence as [{argument}]."
        )
    return X


def one_per_sequence(y, sequences, argument, read):
    """Return `y` as an array, made by `read(y, argument)`, with one target per sequence."""
    if is_ragged(y) and len(y) > 0:
        raise ValueError(
            f"`{argument}` must have one target per sequence with mode='many_to_one', but it holds "
            "one array per sequence; one target per step needs mode='many_to_many'."
        )
    y = read(y, argument)
    if y.ndim == 0 or len(y) != sequences.n_samples:
        raise ValueError(
            f"`{argument}` must have one target per sequence: there are {sequences.n_samples} "
            f"sequences, but `{argument}` has shape {y.shape}."
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
