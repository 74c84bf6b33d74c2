"""Groups of sequences, which no split may divide: labels of any type -> numbers."""

from __future__ import annotations

import numpy as np

from .arguments import naming
from .values import missing_in


def read_groups(groups, n_samples, argument="groups"):
    """Return the number of the group of each sequence (n_samples,), in the order of the labels.

    The labels may come in any one-dimensional array-like; they must be of one type.
    """
    with naming(argument):
        labels = np.asarray(groups)
    if labels.shape != (n_samples,):
        raise ValueError(
            f"`{argument}` must have one label for each sequence, shape ({n_samples},); got shape "
            f"{labels.shape}."
        )
    missing = missing_in(labels) if labels.dtype.kind in "OfmM" else np.zeros(n_samples, bool)
    missing |= np.ma.getmaskarray(groups) if isinstance(groups, np.ma.MaskedArray) else False
    if missing.any():
        raise ValueError(
            f"`{argument}` must have a label for each sequence, but that of sequence "
            f"{int(missing.argmax())} is missing: give such sequences a group of their own."
        )
    try:
        return np.unique(labels, return_inverse=True)[1]
    except TypeError as error:  # objects that cannot be compared
        raise ValueError(f"`{argument}` must hold labels of one type: {error}.") from error
