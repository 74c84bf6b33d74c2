"""The arrays that training does not change."""

from fnmatch import fnmatchcase

import numpy as np

from .._rules import Allowed

NAMES = Allowed(
    lambda value: (
        isinstance(value, str)
        or (isinstance(value, (tuple, list)) and all(isinstance(v, str) for v in value))
    ),
    "a name of `weights_` or a shell pattern such as 'weight_*_l0', or a tuple or list of those",
)


def patterns_of(frozen):
    """Return the parameter `frozen` as a tuple."""
    return (frozen,) if isinstance(frozen, str) else tuple(frozen)


def frozen_names(network, frozen):
    """Return the names of the arrays that match a pattern of `frozen`, in the network's order.

    Raises
    ------
    ValueError
        If a pattern matches no array, or if nothing is left to train.
    """
    patterns = patterns_of(frozen)
    names = [tensor.name for tensor in network.tensors] if patterns else []
    listed = ", ".join(names)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(
                f"`frozen` must hold names of `weights_` or shell patterns for them: {pattern!r} "
                f"matches none of {listed}."
            )
    found = tuple(name for name in names if any(fnmatchcase(name, each) for each in patterns))
    if patterns and len(found) == len(names):
        raise ValueError(
            f"`frozen` must leave some arrays to train, got {frozen!r}, which match all "
            f"of them: {listed}."
        )
    return found


def mask_of(network, frozen):
    """Tell for each parameter (n_params,) whether the name of its array is in `frozen`."""
    mask = np.zeros(network.n_params, dtype=bool)
    for name, view in network.views(mask).items():
        view[...] = name in frozen
    return mask
