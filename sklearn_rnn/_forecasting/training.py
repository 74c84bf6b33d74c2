"""The networks of a forecaster: the windows they learn from, and their training."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from .._estimators.regressor import RNNRegressor
from .calibration import calibrated

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


class Windows(NamedTuple):
    """What networks learn from.

    X (n_windows, past + horizon, n_channels); y, weights (n_windows, past + horizon); ends
    (n_windows,): number of steps from the origin to the end of the series.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    ends: np.ndarray

    def taken(self, rows):
        """Return some of the windows."""
        return Windows(*(each[rows] for each in self))

    def places(self, stride):
        """Return numbers of the origins in time (n_windows,), the same for those of one time.

        The last steps of all series are taken to be of one time.
        """
        return (self.ends.max() - self.ends) // stride


def windows_of(framing, series, after=None):
    """Return the Windows of series, or None if there are none with a target.

    after (n_series,): the first origins, or None for all.
    """
    parts = []
    for i, each in enumerate(series):
        origins = framing.origins(each, 0 if after is None else after[i])
        if len(origins):
            X, y, weights, _ = framing.windows(each, origins)
            part = Windows(X, y, weights, each.n_steps - origins)
            parts.append(part.taken(weights.any(axis=1)))
    if not sum(len(part.X) for part in parts):
        return None
    return Windows(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def networks_of(forecaster):
    """Return new, unfitted networks."""
    words = {"mode": "many_to_many"}
    if forecaster.quantile is not None:
        words.update(loss="quantile", quantile=[float(each) for each in forecaster.quantile])
    network = clone(_DEFAULT if forecaster.estimator is None else forecaster.estimator)
    if forecaster.random_state is not None:
        words["random_state"] = forecaster.random_state
    network.set_params(**words)
    if forecaster.n_estimators == 1:
        return [network]
    draw = check_random_state(network.random_state)
    seeds = draw.randint(np.iinfo(np.int32).max, size=forecaster.n_estimators)
    return [clone(network).set_params(random_state=int(each)) for each in seeds]


def updated(networks, windows, rate=None):
    """Return copies of fitted networks that have learned from new windows."""
    networks = deepcopy(networks)
    for each in networks:
        own = each.learning_rate_init * _RATE_OF_UPDATES if rate is None else rate
        stops_early = each.early_stopping
        each.set_params(early_stopping=False)  # one pass, which leaves nothing out
        each.partial_fit(windows.X, windows.y, windows.weights, learning_rate_init=own)
        each.set_params(early_stopping=stops_early)
    return networks


def trained(forecaster, framing, windows):
    """Return fitted networks, and their Calibration or None."""
    networks = networks_of(forecaster)
    if not forecaster.calibrate:
        return [_fit(each, windows, framing) for each in networks], None
    n, places = len(networks), windows.places(framing.stride)
    n_places = places.max() + 1
    fold = places // max(1, min(_block(framing), n_places // n)) % n
    parts = [~_near(places, fold == i, framing) for i in range(n)]
    if len(np.unique(fold)) < n or not all(part.any() for part in parts):
        raise ValueError(
            f"`y` must have at least {n} windows, one for each network, and others that do not "
            f"overlap with them, if `calibrate` is True; got {n_places}. Give more steps, or set a "
            "smaller `horizon`."
        )
    quantiles = np.empty((len(places), framing.horizon, len(forecaster.quantile)))
    for i, network in enumerate(networks):
        _fit(network, windows.taken(parts[i]), framing)
        quantiles[fold == i] = network.predict(windows.X[fold == i])[:, framing.past :]
    y, weights = (each[:, framing.past :] for each in (windows.y, windows.weights))
    return networks, calibrated(y, weights, quantiles, forecaster.quantile)


def _block(framing):
    """Return how many origins are left out together."""
    return -(-_HORIZONS_PER_BLOCK * framing.horizon // framing.stride)


def _near(places, is_out, framing):
    """Tell which windows have a horizon that overlaps with that of one left out (n_windows,)."""
    left_out = np.zeros(places.max() + 1)
    left_out[places[is_out]] = 1
    reach = (framing.horizon - 1) // framing.stride
    near = np.convolve(left_out, np.ones(2 * reach + 1))[reach : reach + len(left_out)] > 0.5
    return near[places]


def _fit(network, windows, framing):
    """Fit a network; early stopping holds out blocks of windows, since neighbours overlap."""
    groups = None
    if network.early_stopping:
        places = windows.places(framing.stride)
        n_places, least = places.max() + 1, -(-framing.horizon // framing.stride)
        block = max(least, min(_block(framing), n_places // 10))
        groups = places // max(1, min(block, n_places // 2))
    return network.fit(windows.X, windows.y, windows.weights, groups=groups)
