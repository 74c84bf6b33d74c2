"""The networks of a forecaster: their training, and the calibration of their quantiles."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from sklearn.base import clone

from .._estimators.regressor import RNNRegressor

_RATE_OF_UPDATES = 1 / 200
_HORIZONS_PER_BLOCK = 10
_DEFAULT = RNNRegressor(
    48,
    bidirectional=True,
    solver="adamw",
    alpha=0.3,
    batch_size=16,
    learning_rate="cosine",
    max_iter=60,
)


def networks_of(forecaster):
    """Return new, unfitted networks."""
    words = {"mode": "many_to_many"}
    if forecaster.quantile is not None:
        words.update(loss="quantile", quantile=[float(each) for each in forecaster.quantile])
    network = clone(_DEFAULT if forecaster.estimator is None else forecaster.estimator)
    if forecaster.random_state is not None:
        words["random_state"] = forecaster.random_state
    network.set_params(**words)
    seed = network.random_state
    if forecaster.n_estimators == 1:
        return [network]
    draw = seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)
    seeds = draw.randint(np.iinfo(np.int32).max, size=forecaster.n_estimators)
    return [clone(network).set_params(random_state=int(each)) for each in seeds]


def updated(networks, windows, rate=None):
    """Return copies of fitted networks that have learned from new windows."""
    networks = deepcopy(networks)
    for each in networks:
        own = each.learning_rate_init * _RATE_OF_UPDATES if rate is None else rate
        each.partial_fit(*windows, learning_rate_init=own)
    return networks


def trained(forecaster, framing, windows):
    """Return fitted networks, and shifts of their quantiles (n_quantiles,), or None."""
    networks = networks_of(forecaster)
    if not forecaster.calibrate:
        return [each.fit(*windows) for each in networks], None
    n_windows, n = len(windows[0]), len(networks)
    block = -(-_HORIZONS_PER_BLOCK * framing.horizon // framing.stride)
    fold = np.arange(n_windows) // max(1, min(block, n_windows // n)) % n
    if len(np.unique(fold)) < n:
        raise ValueError(
            f"`y` must have at least {n} windows, one for each network, if `calibrate` is True; "
            f"got {n_windows}: pass a longer series."
        )
    quantiles = np.empty((n_windows, framing.horizon, len(forecaster.quantile)))
    for i, network in enumerate(networks):
        network.fit(*(each[fold != i] for each in windows))
        quantiles[fold == i] = network.predict(windows[0][fold == i])[:, framing.past :]
    _, y, weights = (each[:, framing.past :] if each.ndim == 2 else None for each in windows)
    return networks, _shifts(y[weights > 0], quantiles[weights > 0], forecaster.quantile)


def _shifts(y, quantiles, wanted):
    """Return the shift of each quantile that puts the right share of y below it.

    Shifts are in units of the distance between the outer quantiles. y (n,); quantiles
    (n, n_quantiles): predicted by networks that have not seen this y.
    """
    width = quantiles[:, -1:] - quantiles[:, :1]
    errors = (y[:, np.newaxis] - quantiles)[width[:, 0] > 0] / width[width[:, 0] > 0]
    if not len(errors):
        return np.zeros(len(wanted))
    return np.array([np.quantile(errors[:, j], q) for j, q in enumerate(wanted)])


def shifted(quantiles, shifts):
    """Shift quantiles (..., n_quantiles) by the result of `_shifts`, and sort them."""
    if shifts is None:
        return quantiles
    return np.sort(quantiles + shifts * (quantiles[..., -1:] - quantiles[..., :1]), axis=-1)
