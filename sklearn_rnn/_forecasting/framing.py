"""Series as windows for a network: its inputs and targets at each step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .clock import Clock, calendar


@dataclass(frozen=True)
class Series:
    """One series, on regular steps.

    y (n_steps,), NaN where missing; X (n_steps, n_features), longer if future features are known;
    clock: its times, or None; level, scale: mean and standard deviation of y in training.
    """

    name: object
    y: np.ndarray
    X: np.ndarray
    clock: Clock | None = None
    level: float = 0.0
    scale: float = 1.0

    @property
    def n_steps(self):
        return len(self.y)

    def times(self, begin, end):
        """Return the times of steps begin to end - 1; without a clock, their numbers."""
        return np.arange(begin, end) if self.clock is None else self.clock.times(begin, end)

    def scaled(self):
        """Return the series with level and scale of its values, for a network of many series."""
        known = self.y[np.isfinite(self.y)]
        with np.errstate(over="ignore", invalid="ignore"):
            scale = known.std() if len(known) else 0.0
            level = known.mean() if len(known) else 0.0
        if not np.isfinite([level, scale]).all():
            raise ValueError(
                f"`y` must hold smaller numbers: its mean or standard deviation overflows, got "
                f"values up to {np.abs(known).max():g}."
            )
        return replace(self, level=level, scale=scale if scale > 1e-12 * abs(level) else 1.0)

    def followed_by(self, later):
        """Return the series, continued with the steps of a later one."""
        return replace(
            self,
            y=np.concatenate([self.y, later.y]),
            X=np.concatenate([self.X[: self.n_steps], later.X]),
        )


@dataclass(frozen=True)
class Framing:
    """How series are cut into windows.

    known (n_features,): which features are known over the horizon; seasons: in steps; difference:
    the season of the naive forecast that is subtracted, or None; calendar_step: length of a step of
    the dates in seconds, or None if no calendar is read; marks_missing: whether a further feature
    marks missing values; fill (n_features,): values that replace missing features before the first
    observation.
    """

    past: int
    horizon: int
    known: np.ndarray
    stride: int | None = 1
    seasons: tuple = ()
    difference: int | None = None
    calendar_step: float | None = None
    marks_missing: bool = False
    fill: np.ndarray | None = None

    @property
    def reach(self):
        """The number of steps before the origin that a window needs."""
        return self.past + max([0, *self.seasons, self.difference or 0])

    def origins(self, series, after=0):
        """Return the first steps of all horizons that are within the series, from `after` on.

        They are `stride` steps apart, counted from the last one.
        """
        last = series.n_steps - self.horizon
        return np.arange(last, max(self.reach, after) - 1, -self.stride)[::-1]

    def windows(self, series, origins):
        """Return X (n, past + horizon, n_inputs), scaled y, weights, base (n, past + horizon).

        origins (n,): the first step of each horizon, at most the number of steps. From there on, y
        is read only for the targets.
        """
        step = np.arange(-self.past, self.horizon)
        ahead = step >= 0
        rows = origins[:, np.newaxis] + step
        y = (series.y - series.level) / series.scale
        season = min(self.seasons, default=1)
        whole, shape = filled(y, season), rows.shape
        inputs = [whole[rows - np.where(ahead, steps_back(step, season), 0)]]
        inputs += [whole[rows - _lag(step, each)] for each in self.seasons]
        if self.marks_missing:
            missing = np.append(np.isnan(y), np.zeros(self.horizon, dtype=bool))
            inputs.append(np.where(ahead, 0, missing[rows]))
        features = filled(series.X, 1, self.fill)
        for j, known in enumerate(self.known):
            back = 0 if known else np.where(ahead, steps_back(step, 1), 0)
            inputs.append(features[rows - back, j])
        if self.calendar_step is not None:
            first, last = int(rows.min()), int(rows.max())
            dates = calendar(series.times(first, last + 1), self.calendar_step)
            inputs += list(np.moveaxis(dates[rows - first], 2, 0))
        inputs.append(np.broadcast_to(ahead, shape))
        inputs.append(np.broadcast_to((step + 1) * ahead / self.horizon, shape))
        with np.errstate(over="ignore"):
            X = np.stack(inputs, axis=2).astype(np.float32)
        if np.isinf(X).any():
            raise ValueError(
                "`y` and `X` must hold smaller numbers: `X`, or `y` in units of its training "
                f"deviation, exceeds the largest float32, {np.finfo(np.float32).max:.0e}."
            )
        base = np.zeros(shape)
        if self.difference:
            base = whole[rows - _lag(step, self.difference)]
        later = np.append(y, np.full(self.horizon, np.nan))
        targets = later[rows] - base
        weights = np.isfinite(targets) & ahead
        return X, targets, weights.astype(np.float64), base


def steps_back(step, season):
    """Return, for each step (0 is the first after the origin), the distance to its last season.

    The distance is the smallest multiple of the season that leads to a known step.
    """
    return season * (step // season + 1)


def repeated(values, horizon, season):
    """Return the steps after values (n_steps, ...), as those of the last season, (horizon, ...)."""
    return values[len(values) + np.arange(horizon) - steps_back(np.arange(horizon), season)]


def _lag(step, season):
    """Return how many steps back the last known season is, also for steps before the origin."""
    return np.where(step >= 0, steps_back(step, season), season)


def filled(values, season, first=None):
    """Return values with NaN replaced by the value a season before, else by `first`, or 0.

    Later values are never read.
    """
    if not np.isnan(values).any():
        return values
    n_steps, others = len(values), values.shape[1:]
    start = np.broadcast_to(np.zeros(others) if first is None else first, (season, *others))
    n_seasons = -(-n_steps // season)
    rows = np.full(((n_seasons + 1) * season, *others), np.nan)
    rows[:season], rows[season : season + n_steps] = start, values
    rows = rows.reshape(n_seasons + 1, season, *others)
    number = np.arange(n_seasons + 1).reshape(-1, *[1] * (rows.ndim - 1))
    latest = np.maximum.accumulate(np.where(np.isnan(rows), 0, number), axis=0)
    rows = np.take_along_axis(rows, latest, axis=0)
    return rows.reshape(-1, *others)[season : season + n_steps]
