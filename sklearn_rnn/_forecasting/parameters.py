"""The parameters of a forecaster: what they must be, and what they mean."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from .._estimators.regressor import RNNRegressor
from .._rules import boolean, either, integer, shown
from .framing import Framing

_RULES = {
    "horizon": integer(1),
    "past": integer(1),
    "difference": either(None, integer(1)),
    "calendar": boolean,
    "n_estimators": integer(1),
    "stride": integer(1),
}
_DEFAULT = RNNRegressor(
    48,
    bidirectional=True,
    solver="adamw",
    alpha=0.3,
    batch_size=16,
    learning_rate="cosine",
    max_iter=40,
)


def check_parameters(forecaster):
    """Refuse parameters that are not as described."""
    for name, rule in _RULES.items():
        rule.check(name, getattr(forecaster, name))
    if not isinstance(forecaster.estimator, (RNNRegressor, type(None))):
        raise TypeError(
            f"`estimator` must be an RNNRegressor or None, got {shown(forecaster.estimator)}."
        )
    for season in seasons_of(forecaster.season):
        integer(1).check("season", season)
    if forecaster.quantile is not None:
        quantiles = np.asarray(forecaster.quantile)
        if quantiles.ndim != 1 or not len(quantiles) or (np.diff(quantiles) <= 0).any():
            raise ValueError(
                "`quantile` must be an increasing list of numbers between 0 and 1, or None; "
                f"got {shown(forecaster.quantile)}."
            )


def seasons_of(season):
    """Return the seasons as a tuple."""
    if season is None:
        return ()
    return (season,) if np.ndim(season) == 0 else tuple(season)


def framing_of(forecaster, series, form):
    """Return how windows are made of these series."""
    features = np.concatenate([each.X for each in series])
    known = np.ones(form.n_features, dtype=bool)
    if not (isinstance(forecaster.known_future, str) and forecaster.known_future == "all"):
        names = form.features or list(range(form.n_features))
        wanted = [] if forecaster.known_future is None else list(forecaster.known_future)
        unknown = [name for name in wanted if name not in names]
        if isinstance(forecaster.known_future, str) or unknown:
            raise ValueError(
                f'`known_future` must be "all" or a list of features, {names}; got '
                f"{shown(forecaster.known_future)}."
            )
        known[:] = [name in wanted for name in names]
    present = np.isfinite(features)
    fill = np.where(present, features, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    has_dates = all(each.clock is not None and each.clock.has_dates for each in series)
    return Framing(
        past=forecaster.past,
        horizon=forecaster.horizon,
        known=known,
        seasons=seasons_of(forecaster.season),
        difference=forecaster.difference,
        has_calendar=forecaster.calendar and has_dates,
        marks_missing=any(np.isnan(each.y).any() for each in series),
        fill=fill,
    )


def networks_of(forecaster):
    """Return new networks, unfitted."""
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


def steps_of(steps, horizon):
    """Return the steps to forecast, from 0."""
    if steps is None:
        return np.arange(horizon)
    steps = np.asarray(steps)
    if steps.ndim == 0 and steps.dtype.kind in "iu" and 1 <= steps <= horizon:
        return np.arange(int(steps))
    if (
        steps.ndim != 1
        or steps.dtype.kind not in "iu"
        or not len(steps)
        or steps.min() < 1
        or steps.max() > horizon
    ):
        raise ValueError(
            "`steps` must be a number of steps or a list of steps, from 1 to "
            f"{horizon} (fit with a larger `horizon` for more); got {shown(steps.tolist())}."
        )
    return steps - 1


def one_of(name, value, other, alias):
    """Return the value of an argument that has two names."""
    if value is not None and alias is not None:
        raise ValueError(f"`{name}` must be None if `{other}` is given: they mean the same.")
    return alias if value is None else value
