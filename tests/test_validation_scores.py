"""Scores of what is held out, by name, by scorer or by function."""

import pickle

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, make_scorer

from sklearn_rnn import RNNClassifier, RNNRegressor

STOPPED = {"early_stopping": True, "max_iter": 4, "random_state": 0}


def rare_labels(n=300):
    """Return X (n, 5, 2) that tells little, and labels of which a tenth are "yes"."""
    rng = np.random.RandomState(0)
    y = np.where(rng.permutation(n) < n // 10, "yes", "no")
    return rng.normal(size=(n, 5, 2)) + 0.5 * (y == "yes")[:, np.newaxis, np.newaxis], y


# ---- scoring ------------------------------------------------------------------------------------


def test_minus_the_loss_is_a_score(ragged):
    X, labels, _ = ragged
    X_val, y_val = X[:20], labels[:20]
    weights = np.arange(1.0, 21.0)
    rnn = RNNClassifier(4, scoring="loss", class_weight={"up": 3.0}, **STOPPED)
    rnn.fit(X, labels, X_val=X_val, y_val=y_val, sample_weight_val=weights)
    p = rnn.predict_proba(X_val)[np.arange(20), (y_val == "up").astype(int)]
    best = np.average(np.log(p), weights=weights * np.where(y_val == "up", 3.0, 1.0))
    assert rnn.best_validation_score_ == pytest.approx(best, rel=1e-5)
    assert rnn.best_validation_score_ == max(rnn.validation_scores_) < 0
    with pytest.raises(ValueError, match="`y_val` must hold only classes of `y`"):
        rnn.fit(X, labels, X_val=X[:2], y_val=["up", "sideways"])


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_minus_the_loss_of_a_regressor_is_in_units_of_y(ragged, mode):
    X, _, numbers = ragged
    y = 100 * numbers if mode == "many_to_one" else [100 * x[:, 0] for x in X]
    rnn = RNNRegressor(4, scoring="loss", mode=mode, **STOPPED).fit(X, y, X_val=X, y_val=y)
    error = np.concatenate([np.ravel(a - b) for a, b in zip(rnn.predict(X), y, strict=True)])
    assert rnn.best_validation_score_ == pytest.approx(-np.mean(error**2), rel=1e-4)


def test_a_name_or_a_scorer_chooses_the_epoch():
    X, y = rare_labels()
    by_name = RNNClassifier(4, scoring="balanced_accuracy", **STOPPED)
    by_name.fit(X, y, X_val=X, y_val=y)
    best = balanced_accuracy_score(y, by_name.predict(X))
    assert by_name.best_validation_score_ == best == max(by_name.validation_scores_)
    scorer = make_scorer(balanced_accuracy_score)
    by_scorer = RNNClassifier(4, scoring=scorer, **STOPPED).fit(X, y, X_val=X, y_val=y)
    assert by_scorer.validation_scores_ == by_name.validation_scores_
    plain = RNNClassifier(4, **STOPPED).fit(X, y, X_val=X, y_val=y)
    assert plain.validation_scores_ != by_name.validation_scores_


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("carrier", [list, tuple, np.array])
def test_a_function_sees_the_estimator_and_what_is_held_out_as_it_came(dense, carrier, given):
    X, labels, _ = dense
    X, y = carrier(X), list(labels)
    weights, seen = 1 + np.arange(40.0), []

    def scoring(estimator, X, y, sample_weight=None):
        assert estimator is rnn and hasattr(rnn, "params_")
        seen.append((X, y, sample_weight, rnn.params_.copy()))
        return float(len(seen))

    rnn = RNNClassifier(4, scoring=scoring, class_weight={"up": 5.0}, **STOPPED)
    data = {"X_val": X[:9], "y_val": y[:9], "sample_weight_val": weights[:9]} if given else {}
    rnn.fit(X, y, weights, **data)
    assert rnn.validation_scores_ == [1.0, 2.0, 3.0, 4.0]
    X_held, y_held, weight_held, params = seen[-1]
    np.testing.assert_array_equal(params, rnn.params_)
    if given:
        assert X_held is data["X_val"] and weight_held is data["sample_weight_val"]
    assert isinstance(X_held, np.ndarray) == (carrier is np.array) and type(y_held) is list
    numbers = [int(w) - 1 for w in weight_held]
    np.testing.assert_array_equal(np.stack(X_held), np.stack([X[i] for i in numbers]))
    assert list(y_held) == [y[i] for i in numbers]


def test_a_function_of_three_arguments_gets_no_weights(dense):
    X, labels, _ = dense
    rnn = RNNClassifier(2, scoring=lambda rnn, X, y: float(len(y)), **STOPPED)
    rnn.fit(X, labels, np.where(np.arange(40) < 30, 1.0, 0.0))
    assert rnn.validation_scores_[0] == 3.0  # a tenth of those with weight
    assert len(rnn.validation_scores_) == 4


def test_frames_are_held_out_as_frames(dense):
    pd = pytest.importorskip("pandas")
    X, labels, _ = dense
    seen = []
    rnn = RNNClassifier(2, scoring=lambda rnn, X, y: float(len(seen.append((X, y)) or seen)))
    rnn.set_params(**STOPPED)
    rnn.fit(pd.DataFrame(X[:, :, 0], columns=list("abcdef")), pd.Series(labels))
    assert list(seen[0][0].columns) == list("abcdef") and isinstance(seen[0][1], pd.Series)


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_score_that_is_none_is_refused_by_name(estimator, dense):
    X, _, numbers = dense
    y = numbers if estimator is RNNRegressor else numbers > 0
    for scoring, message in (
        ("acuracy", "`scoring` must be None, 'loss', a name of"),
        (7, "`scoring` must be None, 'loss'"),
    ):
        rnn = estimator(2, scoring=scoring, **STOPPED)
        with pytest.raises(ValueError, match=message):
            rnn.fit(X, y)
        assert not hasattr(rnn, "params_")
    with pytest.raises(TypeError, match="`scoring` must return a number, got 'best'"):
        estimator(2, scoring=lambda rnn, X, y: "best", **STOPPED).fit(X, y)


@pytest.mark.parametrize("scoring", ["neg_max_error", make_scorer(lambda y, p: -np.ptp(y - p))])
def test_a_metric_without_weights_gets_none(dense, scoring):
    X, _, numbers = dense
    rnn = RNNRegressor(2, scoring=scoring, **STOPPED).fit(X, numbers, np.arange(40.0))
    assert len(rnn.validation_scores_) == 4


@pytest.mark.parametrize("scoring", [None, "loss", "r2"])
def test_one_weight_for_all_and_arrays_of_others_can_be_held_out(dense, scoring):
    class Others:
        """An array to NumPy, without items."""

        def __init__(self, array):
            self.array = array

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.array, dtype)

    X, _, numbers = dense
    rnn = RNNRegressor(2, scoring=scoring, **STOPPED).fit(Others(X[:, :, 0]), numbers, 2.0)
    same = RNNRegressor(2, scoring=scoring, **STOPPED).fit(X[:, :, 0], numbers)
    assert rnn.validation_scores_ == same.validation_scores_


def test_a_score_of_sequences_says_what_to_take_for_steps(dense):
    X, _, _ = dense
    rnn = RNNRegressor(2, mode="many_to_many", scoring="neg_median_absolute_error", **STOPPED)
    with pytest.raises(ValueError, match=r"cannot score these targets: .*step_scorer\('neg_median"):
        rnn.fit(list(X), [x[:, 0] for x in X])


def test_what_cannot_be_scored_is_named_as_it_was_given(dense):
    X, labels, _ = dense
    rnn = RNNClassifier(2, class_weight={"up": 0.0}, **STOPPED)
    with pytest.raises(ValueError, match="`y_val` must have at least 2 targets"):
        rnn.fit(X, labels, X_val=X[:3], y_val=["up"] * 3)
    y = np.array(["up"] * 30 + ["down"] * 10)
    with pytest.raises(ValueError, match="`validation_fraction` holds out fewer than 2"):
        rnn.set_params(validation_fraction=0.06, random_state=1).fit(X, y)


def test_validation_data_are_held_to_what_x_is(dense):
    X, _, numbers = dense
    bad = X.copy()
    bad[3, 2, 1] = 1e38
    with pytest.raises(ValueError, match=r"`X_val` must be at most 1e\+30.*sequence 3.*step 2"):
        RNNRegressor(2, **STOPPED).fit(X, numbers, X_val=bad, y_val=numbers)
    weights = np.where(np.arange(40) < 20, 1e300, 1e-300)
    rnn = RNNRegressor(2, **STOPPED)
    rnn.fit(X, numbers, X_val=X, y_val=numbers, sample_weight_val=weights)
    assert rnn.best_validation_score_ == pytest.approx(rnn.score(X[:20], numbers[:20]), abs=1e-5)


def test_an_error_of_the_score_is_raised(dense):
    X, labels, _ = dense

    def scoring(rnn, X, y):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        RNNClassifier(2, scoring=scoring, **STOPPED).fit(X, labels)


# ---- early stopping is a fit like others --------------------------------------------------------


@pytest.mark.parametrize("given", [False, True], ids=["held out", "given"])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_equal_weights_choose_the_same_epoch(estimator, given):
    rng = np.random.RandomState(22)
    X = rng.normal(size=(120, 4, 1))
    numbers = X.sum(axis=(1, 2)) + rng.normal(size=120)
    y = numbers if estimator is RNNRegressor else numbers > 0
    options = {"max_iter": 40, "random_state": 0, "dtype": "float64", "early_stopping": True}
    data = {"X_val": X, "y_val": y} if given else {}
    plain = estimator(3, validation_fraction=0.4, **options).fit(X, y, **data)
    if given:
        data["sample_weight_val"] = np.full(120, 0.1)
    equal = estimator(3, validation_fraction=0.4, **options).fit(X, y, np.full(120, 0.1), **data)
    np.testing.assert_array_equal(equal.params_, plain.params_)
    assert equal.validation_scores_ == plain.validation_scores_


def test_what_has_no_weight_in_y_val_is_not_scored(dense):
    X, labels, _ = dense
    y_val = [*labels[:3], None]
    rnn = RNNClassifier(2, scoring="accuracy", **STOPPED)
    rnn.fit(X, labels, X_val=X[:4], y_val=y_val, sample_weight_val=[1, 1, 1, 0])
    same = RNNClassifier(2, scoring="accuracy", **STOPPED)
    same.fit(X, labels, X_val=X[:3], y_val=y_val[:3])
    assert rnn.validation_scores_ == same.validation_scores_


@pytest.mark.parametrize("fitted", [False, True])
def test_a_score_that_fails_at_once_changes_nothing(dense, fitted):
    X, _, _ = dense
    y = np.arange(40) % 3
    rnn = RNNClassifier(2, scoring="roc_auc", **STOPPED)
    if fitted:
        rnn.set_params(scoring=None).fit(X, y).set_params(scoring="roc_auc")
    before = pickle.dumps(rnn)
    with pytest.raises(ValueError, match="`scoring`='roc_auc' cannot score these targets"):
        rnn.fit(X, y)
    assert pickle.dumps(rnn) == before
