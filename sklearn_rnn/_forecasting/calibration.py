"""What networks were wrong by on windows that they had not learned from, and how it is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """How quantiles must move, and how whole forecasts went wrong.

    shifts (n_quantiles,): in widths, the distance of the outer quantiles; paths (n_paths, horizon):
    where the values of a window lay among its moved quantiles, see `places_of`.
    """

    shifts: np.ndarray
    paths: np.ndarray

    def moved(self, quantiles):
        """Move quantiles (..., n_quantiles), and keep them in order."""
        width = quantiles[..., -1:] - quantiles[..., :1]
        return np.sort(quantiles + self.shifts * width, axis=-1)

    def samples(self, quantiles, steps, n_samples, rng):
        """Draw paths (n, n_steps, n_samples) from moved quantiles (n, n_steps, n_quantiles).

        Each follows one window: it takes the places of its values among the quantiles. steps
        (n_steps,): from 0.
        """
        drawn = rng.randint(len(self.paths), size=(len(quantiles), n_samples))
        places = np.moveaxis(self.paths[drawn][:, :, steps], 1, 2)
        return values_at(places, quantiles[:, :, np.newaxis])


def calibrated(y, weights, quantiles, wanted):
    """Return the Calibration of quantiles by networks that have not seen y.

    y, weights (n_windows, horizon); quantiles (n_windows, horizon, n_quantiles); wanted: their
    probabilities.
    """
    width = quantiles[..., -1:] - quantiles[..., :1]
    used = (weights > 0) & (width[..., 0] > 0)
    errors = (y[..., np.newaxis] - quantiles)[used] / width[used]
    shifts = np.zeros(len(wanted))
    if len(errors):
        shifts = np.array([np.quantile(errors[:, j], q) for j, q in enumerate(wanted)])
    whole = (weights > 0).all(axis=1)
    moved = Calibration(shifts, None).moved(quantiles[whole])
    return Calibration(shifts, places_of(y[whole], moved))


def places_of(y, quantiles):
    """Return where values (...) lie among quantiles (..., n_quantiles).

    Quantile j is at j, and places between two are linear in y; beyond the outer ones they are in
    widths.
    """
    width = quantiles[..., -1] - quantiles[..., 0]
    places = _ratio(np.minimum(y - quantiles[..., 0], 0), width)
    places += _ratio(np.maximum(y - quantiles[..., -1], 0), width)
    for j in range(quantiles.shape[-1] - 1):
        low, high = quantiles[..., j], quantiles[..., j + 1]
        places += np.clip(_ratio(y - low, high - low), 0, 1)
    return places


def values_at(places, quantiles):
    """Return the values at places (...) among quantiles (..., n_quantiles)."""
    steps = np.diff(quantiles, axis=-1)
    width, last = quantiles[..., -1] - quantiles[..., 0], steps.shape[-1]
    beyond = np.minimum(places, 0) + np.maximum(places - last, 0)
    inside = np.clip(places[..., np.newaxis] - np.arange(last), 0, 1)
    return quantiles[..., 0] + beyond * width + (inside * steps).sum(axis=-1)


def _ratio(difference, width):
    return np.divide(difference, width, out=np.zeros(np.shape(difference)), where=width > 0)
