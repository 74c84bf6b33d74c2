"""RNNForecaster: what is held out, calibrated quantiles and sampled paths."""

import numpy as np
import pandas as pd
import pytest
from forecasters import QUANTILE, SMALL, N, Y, forecaster
from sklearn.base import clone

from sklearn_rnn import RNNRegressor
from sklearn_rnn._forecasting.framing import Series

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_calibrated_quantiles_are_those_of_networks_that_have_not_seen_the_values():
    words = {"season": 7, "quantile": QUANTILE, "stride": 1, "n_estimators": 2, "random_state": 1}
    y = Y.copy()
    y[40] = np.nan
    model = forecaster(calibrate=True, **words).fit(y)
    plain = forecaster(**words).fit(y)
    z = Series("y", y, np.empty((N, 0))).scaled()
    X, target, weights, _ = plain._frame.windows(z, np.arange(17, N - 3))
    half = len(X) // 2  # less than ten horizons
    parts, networks = [np.arange(half), np.arange(half, 2 * half)], []
    errors = []
    for part, like in zip(parts, plain.estimators_, strict=True):
        near = np.arange(part[0] - 3, part[-1] + 4)  # their horizons overlap
        others = np.setdiff1d(np.arange(len(X)), near)
        networks.append(clone(like).fit(X[others], target[others], weights[others]))
        found = networks[-1].predict(X[part])[:, -4:]
        error = (target[part, -4:, None] - found) / (found[..., 2:] - found[..., :1])
        errors.append(error[weights[part, -4:] > 0])
    errors = np.concatenate(errors)
    shifts = np.array([np.quantile(errors[:, j], q) for j, q in enumerate(QUANTILE)])
    plain.estimators_ = networks
    expected = plain.predict_quantiles()
    expected = np.sort(expected + shifts * (expected[:, 2:] - expected[:, :1]), axis=1)
    np.testing.assert_allclose(model.predict_quantiles(), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="`calibrate` must be False without at least two"):
        forecaster(calibrate=True, n_estimators=2).fit(Y)
    with pytest.raises(ValueError, match="`y` must have at least 3 windows"):
        forecaster(calibrate=True, n_estimators=3, quantile=QUANTILE).fit(Y[:15])


class Spy(RNNRegressor):
    """Keeps what it is fitted on."""

    def fit(self, X, y, sample_weight=None, *, groups=None):
        self.seen = X, y, groups
        return super().fit(X, y, sample_weight, groups=groups)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_what_is_held_out_is_held_out_of_all_series_at_once(stride):
    wide = np.column_stack([Y, Y, Y])
    wide[:30, 2] = np.nan
    words = {"n_estimators": 2, "quantile": QUANTILE, "calibrate": True, "stride": stride}
    spy = Spy(**SMALL.get_params()).set_params(max_iter=1)
    model = forecaster(estimator=spy, **words).fit(wide)
    values, taught = (wide - model._series[0].level) / model._series[0].scale, []
    for network in model.estimators_:
        y = network.seen[1][:, -4:]
        taught.append({step for step in range(N) if (abs(values[step, 0] - y) < 1e-12).any()})
    assert taught[0] and taught[1] and taught[0] | taught[1] <= set(range(10, N))
    assert not taught[0] & taught[1]  # each step is taught to one network alone
    stopped = Spy(**SMALL.get_params()).set_params(early_stopping=True)
    model = forecaster(estimator=stopped, stride=stride).fit(wide[:, :2])
    groups = model.estimators_[0].seen[2].reshape(2, -1)
    assert (groups[0] == groups[1]).all() and (np.diff(groups) >= 0).all()
    assert np.bincount(groups[0])[:-1].min() * stride >= 4
    assert forecaster(estimator=spy).fit(Y).estimators_[0].seen[2] is None
    before, after = model.predict(), model.update(wide[:5, :2]).predict()
    assert (before != after).all() and model.estimators_[0].early_stopping


def test_samples_follow_the_quantiles_and_whole_windows():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=300))
    words = {"difference": 1, "n_estimators": 2, "quantile": QUANTILE, "random_state": 0}
    model = forecaster(calibrate=True, stride=1, **words).fit(walk)
    samples = model.predict_samples(2000)
    quantiles = model.predict_quantiles()
    assert samples.shape == (4, 2000) and np.isfinite(samples).all()
    below = (samples[:, :, None] < quantiles[:, None]).mean(axis=1)
    np.testing.assert_allclose(below.mean(axis=0), QUANTILE, atol=0.03)  # calibrated so
    assert np.corrcoef(samples)[0, 1] > 0.5  # a walk keeps its errors
    assert (model.predict_samples(2000) == samples).all()
    part = model.predict_samples(2000, [3, 1])
    assert (part == samples[[2, 0]]).all()
    # written again, one number at a time
    paths, drawn = (
        model._calibration.paths,
        np.random.RandomState(0).randint(len(model._calibration.paths), size=(1, 2000)),
    )
    for i, step in ((0, 0), (1, 3), (7, 2)):
        place, q = paths[drawn[0, i], step], quantiles[step]
        points = [q[0] - 9 * (q[2] - q[0]), *q, q[2] + 9 * (q[2] - q[0])]
        np.testing.assert_allclose(samples[step, i], np.interp(place, [-9, 0, 1, 2, 11], points))
    frame = forecaster(calibrate=True, **words).fit(pd.DataFrame({"a": Y, "b": Y}))
    assert frame.predict_samples(2).columns.tolist() == ["a_s0", "a_s1", "b_s0", "b_s1"]
    with pytest.raises(ValueError, match="`calibrate` must be True to draw samples"):
        forecaster().fit(Y).predict_samples()
