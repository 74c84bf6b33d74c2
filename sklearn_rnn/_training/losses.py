"""What the estimators need to know about each loss; its arithmetic is in `_core`."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import _core
from .._metrics.numbers import pinball, weighted_quantile

# Each function returns the least mean loss of a constant prediction, and that of perfect ones.
# targets: (n,) or (n, n_targets) classes, or (n, n_targets) numbers; shares (n,) are weights that
# sum to 1; the network has the parameters of the loss.


def _constant_class(targets, shares, network):
    """The entropy of the classes, which may be smoothed; the mean over columns."""
    s, constant, perfect = network.label_smoothing, [], []
    for i, classes in enumerate(targets.reshape(len(targets), -1).T):
        n = _n_classes(network, i)
        constant.append(_entropy((1 - s) * np.bincount(classes, shares, n) + s / n))
        perfect.append(_entropy((1 - s) * np.eye(1, n)[0] + s / n))
    return float(np.mean(constant)), float(np.mean(perfect))


def _n_classes(network, column):
    """The number of classes in a column of targets, where labels can be smoothed."""
    if network.loss == "softmax":
        return network.n_outputs
    return network.groups[column] if network.loss == "multioutput" else 2


def _entropy(p):
    """The entropy of a distribution."""
    p = p[p > 0]
    return -float(p @ np.log(p))


def _constant_squared_error(targets, shares, network):
    """The variance."""
    return float(np.mean(shares @ (targets - shares @ targets) ** 2)), 0.0


def _constant_absolute_error(targets, shares, network):
    """The mean distance from the median, which is twice the quantile loss."""
    return 2 * _constant_of_quantile(targets, shares, 0.5), 0.0


def _constant_quantile(targets, shares, network):
    """The loss of the quantiles of the targets."""
    quantiles = np.atleast_1d(network.quantile)
    return float(np.mean([_constant_of_quantile(targets, shares, q) for q in quantiles])), 0.0


def _constant_of_quantile(targets, shares, q):
    constant = weighted_quantile(targets, shares, q)
    return float(np.mean(shares @ pinball(targets - constant, q)))


def _constant_huber(targets, shares, network):
    """The loss at the constant where its slope is 0, column by column."""
    from scipy.optimize import brentq

    huber_delta = network.huber_delta
    losses = []
    for y in targets.T:

        def slope(constant, y=y):
            return shares @ np.clip(constant - y, -huber_delta, huber_delta)

        low, high = y.min(), y.max()
        constant = brentq(slope, low, high, maxiter=10_000) if slope(low) < 0 < slope(high) else low
        e = np.abs(y - constant)
        linear = huber_delta * (e - huber_delta / 2)
        losses.append(shares @ np.where(e <= huber_delta, e**2 / 2, linear))
    return float(np.mean(losses)), 0.0


def _constant_poisson(targets, shares, network):
    """The loss at the mean rate; perfect predictions are the counts themselves."""

    def loss(rate):
        return rate - rate * np.log(np.where(rate > 0, rate, 1.0))

    return float(np.mean(loss(shares @ targets))), float(np.mean(shares @ loss(targets)))


def _constant_gamma(targets, shares, network):
    """The loss at the mean; perfect predictions are the targets themselves."""
    return (
        float(np.mean(np.log(shares @ targets))) + 1,
        float(np.mean(shares @ np.log(targets))) + 1,
    )


def _constant_multitask(targets, shares, network, group_weights):
    """The weighted sum over tasks of their own losses, over the rows that have a target."""
    constant, perfect = 0.0, 0.0
    for (loss, _), weight, column in zip(network.groups, group_weights, targets.T, strict=True):
        taught = ~np.isnan(column)
        share = shares[taught].sum()
        if weight * share > 0:
            y = column[taught, np.newaxis]
            y = y.astype(np.intp) if LOSSES[loss].targets == "classes" else y
            of_task = LOSSES[loss].constant(y, shares[taught] / share, network)
            constant, perfect = np.add((constant, perfect), np.multiply(weight * share, of_task))
    return float(constant), float(perfect)


class Loss(NamedTuple):
    targets: str  # "classes", "numbers" or "tasks"
    out_activation: str  # turns an output of the head into a prediction
    power: int  # multiplying targets by c multiplies the loss by c ** power
    constant: Callable  # (targets, shares, network) -> least loss of a constant, perfect loss


# What the core does not need to know of its losses. Those with a log link never see normalised
# targets.
POWERS_AND_CONSTANTS = {
    "softmax": (0, _constant_class),
    "logistic": (0, _constant_class),
    "multilabel": (0, _constant_class),
    "multioutput": (0, _constant_class),
    "squared_error": (2, _constant_squared_error),
    "absolute_error": (1, _constant_absolute_error),
    "huber": (2, _constant_huber),
    "quantile": (1, _constant_quantile),
    "poisson": (0, _constant_poisson),
    "gamma": (0, _constant_gamma),
    "multitask": (0, _constant_multitask),
}
LOSSES = {
    name: Loss(info.targets, info.link, *POWERS_AND_CONSTANTS[name])
    for name, info in _core.LOSSES.items()
}

REGRESSION_LOSSES = tuple(name for name, loss in LOSSES.items() if loss.targets == "numbers")
# Those that a task of numbers may have.
LOSSES_OF_TASKS = tuple(name for name in REGRESSION_LOSSES if name in _core.LOSSES_OF_GROUPS)
LOG_LINKED = tuple(name for name in REGRESSION_LOSSES if LOSSES[name].out_activation == "exp")


def classification_loss(n_classes):
    """Return the loss and the number of outputs for a number of classes."""
    return ("logistic", 1) if n_classes == 2 else ("softmax", n_classes)


def unit_of_loss(loss, y_scale):
    """Return the factor from the loss of normalised targets (divided by `y_scale`) to user units.

    For several outputs it is the mean over them, which is exact when all outputs are learned
    equally well or have the same scale.
    """
    with np.errstate(over="ignore"):  # the squared loss of huge targets overflows
        return float(np.mean(y_scale ** LOSSES[loss].power))


# Above this share of the loss of the best constant prediction, training has learned nothing yet.
PLATEAU_SHARE = 0.98


def plateau(network, targets, weights, tol, group_weights=None):
    """Return the mean loss above which training is hardly better than a constant prediction.

    targets (n,) or (n, n_targets) and weights (n,), or None, are those of the training rows;
    group_weights: see `Examples`. The result is infinity if the best constant prediction comes
    within `tol` of perfect ones.
    """
    if weights is None:
        shares = np.full(len(targets), 1 / len(targets))
    else:
        targets, weights = targets[weights > 0], weights[weights > 0]
        shares = weights / weights.sum()
    targets = targets if targets.dtype.kind == "i" else targets.astype(np.float64)
    with np.errstate(over="ignore"):
        facts = (network,) if group_weights is None else (network, group_weights)
        constant, perfect = LOSSES[network.loss].constant(targets, shares, *facts)
    if not constant - perfect > tol:
        return np.inf
    return perfect + PLATEAU_SHARE * (constant - perfect)
