"""Regular times of a series, which may have gaps, and their continuation into the future."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np

_MOST_STEPS = 10_000_000  # of a series that is mostly gaps


@dataclass(frozen=True)
class Clock:
    """Times in equal steps.

    first: the first time; step: the difference of two steps, an offset of pandas, "month" or
    "business day"; like: an index or array, of whose type times are.
    """

    first: object
    step: object
    like: object

    @property
    def has_dates(self):
        """Whether times are dates or periods."""
        return not isinstance(self.like, np.ndarray) or self.like.dtype.kind == "M"

    def times(self, begin, end):
        """Return the times of steps begin to end - 1."""
        if isinstance(self.like, np.ndarray):
            if isinstance(self.step, str):
                day, number = self.first.astype("M8[D]"), np.arange(begin, end)
                if self.step == "month":
                    day = self.first.astype("M8[M]")
                    units = day + number
                else:
                    units = np.busday_offset(day, number)
                dtype = self.like.dtype
                return (units.astype(dtype) + (self.first - day.astype(dtype))).astype(dtype)
            return self.first + self.step * np.arange(begin, end)
        pandas = sys.modules["pandas"]
        if isinstance(self.like, pandas.PeriodIndex):
            times = pandas.period_range(self.first, periods=end, freq=self.like.freq)[begin:]
        else:
            times = pandas.date_range(self.first, periods=end, freq=self.step)[begin:]
        return times.rename(self.like.name)

    def follows(self, times, n_steps):
        """Tell whether times are those of the steps from n_steps on."""
        wanted = self.times(n_steps, n_steps + len(times))
        if getattr(getattr(wanted, "dtype", None), "kind", "") == "f":
            return bool(np.allclose(wanted, times, rtol=0, atol=1e-6 * self.step))
        return len(wanted) == len(times) and bool(np.all(np.asarray(wanted == times)))

    def after(self, times, n_steps):
        """Return the Clock of times that begin at step n_steps, and their steps from there on.

        (None, None) if they do not begin there, or are not steps of this clock.
        """
        try:
            n = len(times)
            if self.times(n_steps, n_steps + 1)[0] != times[0]:
                return None, None
            while (grid := self.times(n_steps, n_steps + n))[-1] < times[-1]:
                n *= 2  # some are missing
                if n > max(_MOST_STEPS, 100 * len(times)):
                    return None, None
            places = np.searchsorted(grid, times)
            fits = (np.diff(places) > 0).all() and (grid[places] == times).all()
        except (TypeError, ValueError, IndexError):  # of another type, or not in order
            return None, None
        return (replace(self, first=times[0]), places) if fits else (None, None)


def is_time(index):
    """Tell whether an index of pandas has dates or periods (not durations)."""
    return hasattr(index, "freq") and getattr(index.dtype, "kind", "M") != "m"


def read_clock(times, where, before=None):
    """Return the Clock of times in increasing order, and the step of each (n_times,).

    times: index of pandas, or array; where: what to call the series in an error; before: the Series
    that they follow, whose steps they have if possible.
    """
    if len(times) == 0:
        raise ValueError(f"{where} must have at least one step, got none.")
    if before is not None and before.clock is not None:
        clock, steps = before.clock.after(times, before.n_steps)
        if clock is not None:
            return clock, steps
    first = times[0]
    if len(times) == 1 and before is None:
        raise ValueError(
            f"{where} must have at least two steps, because the length of a step is learned from "
            "them."
        )
    if len(times) == 1:
        step = first - first if isinstance(times, np.ndarray) else "D"  # any step would do
        return Clock(first, step, times), np.zeros(1, dtype=np.intp)
    if isinstance(times, np.ndarray):
        steps, step = _multiples(np.diff(times))
        if steps is not None and times.dtype.kind == "f":  # so that errors do not add up
            step = (times[-1] - times[0]) / steps.sum()
        if times.dtype.kind == "M":
            steps, step = _steps_of_moments(times, steps, step)
    elif isinstance(times, sys.modules["pandas"].PeriodIndex):
        steps, step = np.diff(times.asi8), None
        steps = steps if (steps > 0).all() else None
    else:
        steps, step = _steps_of_dates(times)
    if steps is None:
        raise ValueError(
            f"{where} must have increasing times in steps of equal length (gaps are allowed), but "
            f"{_disorder(times)}."
        )
    n_steps = float(np.sum(steps, dtype=np.float64)) + 1
    if n_steps > max(_MOST_STEPS, 100 * len(times)):
        raise ValueError(
            f"{where} must not have gaps as long as these: from {first} to {times[-1]} there are "
            f"{n_steps:.3g} steps of {step}, but only {len(times)} values. Resample it, for "
            "example with pandas' resample, or drop the values before the gap."
        )
    return Clock(first, step, times), np.concatenate([[0], np.cumsum(steps)]).astype(np.intp)


def _disorder(times):
    """Tell what is wrong with times that are no steps of equal length, and what to do."""
    for wrong, text in (
        (
            times[1:] == times[:-1],
            "{b} occurs twice: leave one of its rows out, or take their mean",
        ),
        (times[1:] < times[:-1], "{b} comes after {a}: sort the rows"),
    ):
        if np.any(wrong):
            j = int(np.argmax(wrong))
            return text.format(a=times[j], b=times[j + 1])
    return "the steps differ in length: resample it, for example with pandas' resample"


def _steps_of_moments(times, steps, step):
    """Return differences of datetime64 in business days or months, else steps; and the step."""
    days = times.astype("M8[D]")
    months = np.diff(days.astype("M8[M]").astype(np.int64))
    units = [(np.busday_count(days[:-1], days[1:]), "business day"), (months, "month")]
    if steps is not None:
        spans_weeks = days[-1] - days[0] >= 7 and np.is_busday(days).all()
        units = units[:1] if spans_weeks and units[0][0].min() == 1 else []
    for counts, unit in units:
        if (counts > 0).all():
            grid = Clock(times[0], unit, times).times(0, counts.sum() + 1)
            if np.isin(times, grid).all():
                return counts, unit
    return steps, step


def _steps_of_dates(times):
    """Return differences of pandas' dates in steps, and the step; None, None if they do not fit."""
    pandas = sys.modules["pandas"]
    if not times.is_monotonic_increasing:
        return None, None
    step = times.freq
    if step is None and len(times) > 2:
        step = type(times)(times, freq="infer").freq
    if step is not None:
        return np.ones(len(times) - 1, dtype=np.intp), step
    if times[-1] - times[0] >= pandas.Timedelta(days=7) and (times.day_of_week < 5).all():
        steps, step = _on_calendar(times, pandas.offsets.BusinessDay())  # with holidays as gaps
        if steps is not None and steps.min() == 1:
            return steps, step
    least = (times[1:] - times[:-1]).min()
    if times.tz is not None and least >= pandas.Timedelta(hours=23):  # where clocks change
        steps, step = _on_calendar(times, pandas.DateOffset(days=1))
        if steps is not None:
            return steps, step
    steps, _ = _multiples(np.diff(times.asi8))
    if steps is not None:
        return steps, least
    for unit in (pandas.DateOffset(months=1), pandas.offsets.MonthEnd()):
        steps, step = _on_calendar(times, unit)
        if steps is not None:
            return steps, step
    return None, None


def _on_calendar(times, unit):
    """Return differences of dates in steps of some units of the calendar, and the step."""
    grid = sys.modules["pandas"].date_range(times[0], times[-1], freq=unit)
    places = grid.get_indexer(times)
    if (places < 0).any():
        return None, None
    steps, n_units = _multiples(np.diff(places))
    return steps, None if steps is None else int(n_units) * unit


def _multiples(differences):
    """Return differences as multiples of the smallest, and the smallest; None if not multiples."""
    smallest = differences.min()
    if not smallest > np.zeros(1, smallest.dtype)[0]:
        return None, None
    steps = np.rint(differences / smallest).astype(np.intp)
    tolerance = 1e-6 * abs(smallest) if differences.dtype.kind == "f" else 0 * smallest
    return (
        (steps, smallest)
        if (abs(steps * smallest - differences) <= tolerance).all()
        else (None, None)
    )


def _dates(times):
    """Return dates or periods as datetime64, in local time."""
    if not isinstance(times, np.ndarray):
        if hasattr(times, "to_timestamp"):
            times = times.to_timestamp()
        if getattr(times, "tz", None) is not None:
            times = times.tz_localize(None)
        times = np.asarray(times)
    return times


def usual_step(times):
    """Return the median step of dates in seconds; 0 for fewer than two dates."""
    seconds = _dates(times).astype("M8[s]").astype(np.int64)
    return float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0


def calendar(times, step):
    """Return calendar features of dates (n_times, n_features), none for steps of a year.

    These are sines and cosines of the time of the day and of the year, and the day of the week
    (one-hot), in local time. Features that do not vary at steps of this length (in seconds) are
    left out.
    """
    times = _dates(times)
    seconds = times.astype("M8[s]").astype(np.int64)
    days = times.astype("M8[D]")
    features = []
    if step < 0.9 * 86400:  # where clocks change, a day has 23 hours
        features += _waves((seconds % 86400) / 86400, 3)
    if step < 6.9 * 86400:
        weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        features += list(np.eye(7)[weekday].T)
    if step < 360 * 86400:  # years of business days may be shorter than 365
        year = days.astype("M8[Y]")
        features += _waves((days - year.astype("M8[D]")).astype(np.int64) / 365.25, 2)
    return np.stack(features, axis=1) if features else np.empty((len(times), 0))


def _waves(phase, n):
    """Return sine and cosine of 1 to n waves per period."""
    angles = [2 * np.pi * k * phase for k in range(1, n + 1)]
    return [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
