"""Errors of numbers over steps are those of scikit-learn on flat arrays."""

import numpy as np
import pytest
from carriers import object_array
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as flat_metrics
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from sklearn_rnn import RNNRegressor, metrics

CARRIERS = {
    "list": list,
    "object array": object_array,
    "nested": lambda y: [item.tolist() for item in y],
    "pandas": lambda y: [pytest.importorskip("pandas").DataFrame(item) for item in y],
}
NAMES = {
    "step_mean_absolute_error": flat_metrics.mean_absolute_error,
    "step_root_mean_squared_error": flat_metrics.root_mean_squared_error,
}


def draw(*shape):
    rng = np.random.RandomState(0)
    return [[rng.normal(size=(n, *shape)) for n in (3, 1, 5)] for _ in range(2)]


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(), (2,)])
def test_errors_are_those_of_flat_arrays(name, carrier, shape):
    y, predicted = draw(*shape)
    weights = [np.array([0.0, 2.0, 1.0]), np.array([3.0]), np.array([1.0, 0.0, 0.5, 1.0, 2.0])]
    score, flat = getattr(metrics, name), (np.concatenate(y), np.concatenate(predicted))
    assert score(carrier(y), predicted) == pytest.approx(NAMES[name](*flat), rel=1e-12)
    expected = NAMES[name](*flat, sample_weight=np.concatenate(weights))
    y[0][0] = np.nan  # what has no weight may be anything
    got = score(y, carrier(predicted), sample_weight=weights)
    assert got == pytest.approx(expected, rel=1e-12)
    per_output = score(*draw(2), multioutput="raw_values")
    assert per_output.shape == (2,)


@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize("make", [list, object_array, np.array])
def test_the_pinball_loss_averages_quantiles(shape, make):
    if make is np.array:
        rng = np.random.RandomState(0)
        y, predicted = rng.normal(size=(4, 3, *shape)), rng.normal(size=(4, 3, *shape, 3))
    else:
        (y, _), (predicted, _) = draw(*shape), draw(*shape, 3)
    flat = [np.concatenate(each).reshape(-1, *each[0].shape[1:]) for each in (y, predicted)]
    quantiles, weights = [0.1, 0.5, 0.9], np.arange(1.0, len(y) + 1)
    by_step = np.repeat(weights, [len(row) for row in y])
    for w, w_flat in ((None, None), (weights, by_step)):
        expected = np.mean(
            [
                flat_metrics.mean_pinball_loss(
                    flat[0], flat[1][..., i], sample_weight=w_flat, alpha=q
                )
                for i, q in enumerate(quantiles)
            ]
        )
        options = {"quantile": quantiles, "sample_weight": w}
        got = metrics.step_mean_pinball_loss(make(y), make(predicted), **options)
        assert got == pytest.approx(expected, rel=1e-12)
    one = metrics.step_mean_pinball_loss(y, y, quantile=0.3)
    assert one == 0.0


def test_predictions_of_quantiles_are_scored_in_searches():
    rng = np.random.RandomState(0)
    X = [rng.normal(size=(n, 2)) for n in rng.randint(2, 6, 24)]
    y = [x[:, 0] for x in X]
    rnn = RNNRegressor(3, mode="many_to_many", max_iter=3, random_state=0)
    scores = cross_val_score(
        rnn, X, y, scoring=make_scorer(metrics.step_mean_absolute_error, greater_is_better=False)
    )
    by_name = cross_val_score(rnn, X, y, scoring=metrics.step_scorer("neg_mean_absolute_error"))
    np.testing.assert_allclose(scores, by_name, rtol=1e-12)
    quantiles = {"quantile": [0.2, 0.8]}
    scorer = make_scorer(metrics.step_mean_pinball_loss, greater_is_better=False, **quantiles)
    rnn.set_params(loss="quantile", **quantiles)
    search = GridSearchCV(rnn, {"alpha": [0.0]}, cv=KFold(2), scoring=scorer).fit(X, y)
    by_hand = []
    for train, test in KFold(2).split(X):
        rnn.fit([X[i] for i in train], [y[i] for i in train])
        e = np.concatenate(
            [
                y[i][:, None] - p
                for i, p in zip(test, rnn.predict([X[i] for i in test]), strict=True)
            ]
        )
        by_hand.append(-np.maximum(np.array([0.2, 0.8]) * e, np.array([-0.8, -0.2]) * e).mean())
    assert search.best_score_ == pytest.approx(np.mean(by_hand), rel=1e-9)
    rnn.set_params(early_stopping=True, scoring=scorer).fit(X, y)
    assert len(rnn.validation_scores_) == 3 and max(rnn.validation_scores_) < 0


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_split_into_sequences_has_the_same_error(data):
    numbers = st.floats(-1e6, 1e6)
    n = data.draw(st.integers(2, 12))
    y, predicted = (np.array(data.draw(st.lists(numbers, min_size=n, max_size=n))) for _ in "yp")
    cuts = sorted(data.draw(st.sets(st.integers(1, n - 1), max_size=3)))
    for name, flat in NAMES.items():
        got = getattr(metrics, name)(np.split(y, cuts), np.split(predicted, cuts))
        assert got == pytest.approx(flat(y, predicted), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "y, predicted, options, message",
    [
        ([[1.0, 2.0]], [[1.0]], {}, "`y_pred`.*sequence 0 has 2 steps"),
        ([[1.0, np.nan]], [[1.0, 2.0]], {}, "`y_true` must be finite"),
        ([["a"]], [[1.0]], {}, "`y_true`"),
        ([[1.0, 2.0]], [[1.0, 2.0]], {"sample_weight": [0]}, "must not be zero everywhere"),
        ([[1.0, 2.0]], [[1.0, 2.0]], {"quantile": 1.5}, "`quantile` must be a number from 0 to 1"),
        ([[1.0, 2.0]], [[1.0, 2.0]], {"quantile": []}, "`quantile` must be a number"),
        ([[1.0, 2.0]], [[1.0, 2.0]], {"quantile": [0.1, 0.9]}, "`y_pred` must have 2 numbers per"),
        ([[1.0], [2.0]], [[[1.0, 2.0]]] * 2, {"quantile": 0.5}, "must have 1 numbers per step"),
        (np.ones((2, 3, 3)), np.ones((2, 3, 2, 3)), {"quantile": [0.1, 0.9]}, "2 quantiles in"),
        (
            [np.ones((3, 3))],
            [np.ones((3, 2, 3))],
            {"quantile": [0.1, 0.9]},
            "last axis, got 3",
        ),
    ],
)
def test_bad_input_is_refused(y, predicted, options, message):
    with pytest.raises(ValueError, match=message):
        metrics.step_mean_pinball_loss(y, predicted, **options)
    if "quantile" not in options:
        for name in NAMES:
            with pytest.raises(ValueError, match=message):
                getattr(metrics, name)(y, predicted, **options)


def test_step_scorer_says_what_it_takes():
    for metric, message in (
        (
            make_scorer(metrics.step_accuracy),
            r"reads one target per step itself: pass make_scorer\(",
        ),
        (metrics.step_f1_score, r"step_f1_score reads .* pass make_scorer\(step_f1_score\)"),
        (make_scorer(metrics.entity_f1_score), r"pass make_scorer\(entity_f1_score\)"),
        (make_scorer(metrics.step_log_loss, response_method="predict_proba"), "'neg_log_loss'"),
        (flat_metrics.f1_score, r"got a metric: use make_scorer\(f1_score\)"),
        (None, "`scoring` must be one of the names of"),
        (["f1_macro"], "`scoring` must be one of the names of"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.step_scorer(metric)
    scorer = metrics.step_scorer("f1_macro")
    assert metrics.step_scorer(scorer) is scorer
