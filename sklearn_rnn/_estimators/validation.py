"""Checks of y with one target per sequence, and the choice of sequences to validate with."""

import numpy as np

from .._data.carriers import is_ragged


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
