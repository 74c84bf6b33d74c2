"""scikit-learn's searches, cross-validation and pipelines take sequences."""

import numpy as np
import pytest
import sklearn
from carriers import CARRIERS, object_array
from fits import QUICK, equal
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.model_selection import ByIndex
from sklearn_rnn.preprocessing import SequenceScaler


def data_in(carrier_name, ragged, dense):
    if carrier_name == "3-D":
        return dense
    if carrier_name == "2-D":
        return (np.ascontiguousarray(dense[0][:, :, 0]), *dense[1:])
    X, labels, numbers = ragged
    return CARRIERS[carrier_name](X), labels, numbers


@pytest.mark.parametrize("form", ["3-D", "2-D", "list", "tuple", "object array"])
def test_the_tools_of_model_selection_take_every_form(form, ragged, dense):
    X, labels, numbers = data_in(form, ragged, dense)
    search = GridSearchCV(RNNClassifier(**QUICK), {"cell": ["gru", "elman"]}, cv=2)
    assert search.fit(X, labels).predict(X).shape == (40,)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert np.isfinite(cross_val_score(RNNRegressor(**QUICK), X, numbers, cv=3)).all()
    assert cross_val_predict(RNNRegressor(**QUICK), X, numbers, cv=3).shape == (40,)
    rnn = RNNClassifier(**QUICK)
    assert cross_val_predict(rnn, X, labels, cv=3, method="predict_proba").shape == (40, 2)


@pytest.mark.parametrize("form", ["3-D", "list", "object array"])
def test_cross_val_predict_joins_results_per_step(form, ragged, dense):
    X, _, _ = data_in(form, ragged, dense)
    y = [x[:, 0] for x in X]
    y = np.stack(y) if form == "3-D" else object_array(y) if form == "object array" else y
    predicted = cross_val_predict(RNNRegressor(**QUICK, mode="many_to_many"), X, y, cv=3)
    assert [p.shape for p in predicted] == [(len(x),) for x in X]
    assert predicted.dtype == (np.float64 if form == "3-D" else object)
    assert np.isfinite(
        cross_val_score(RNNRegressor(**QUICK, mode="many_to_many"), X, y, cv=3)
    ).all()


def test_a_parallel_grid_search_finds_the_same(ragged):
    X, labels, _ = ragged
    grid = {"hidden_layer_sizes": [2, (3, 2)]}
    one, two = (GridSearchCV(RNNClassifier(**QUICK), grid, cv=2, n_jobs=n) for n in (1, 2))
    one.fit(X, labels), two.fit(X, labels)
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    assert equal(one.best_estimator_.params_, two.best_estimator_.params_)
    by_index = ByIndex(RNNClassifier(**QUICK), X)  # here, where the processes have started
    search = GridSearchCV(by_index, {"estimator__hidden_layer_sizes": [2, (3, 2)]}, cv=2, n_jobs=2)
    search.fit(by_index.numbers, labels)
    assert equal(one.best_estimator_.params_, search.best_estimator_.estimator_.params_)


def test_a_pipeline_scales_sequences_and_the_validation_data_too(ragged):
    X, _, numbers = ragged
    X = [1000 * x + 500 for x in X]
    pipeline = make_pipeline(SequenceScaler(), RNNRegressor(**QUICK))
    assert pipeline.fit(X, numbers).predict(X).shape == (40,)
    with sklearn.config_context(enable_metadata_routing=True):
        rnn = RNNRegressor(**QUICK, early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(SequenceScaler(), rnn, transform_input=["X_val"])
        pipeline.fit(X[10:], numbers[10:], X_val=X[:10], y_val=numbers[:10])
    best = pipeline[-1].best_validation_score_
    assert pipeline.score(X[:10], numbers[:10]) == pytest.approx(best, rel=1e-9)


def test_a_pipeline_of_scikit_learns_own_scaler_takes_2d_data(dense):
    X, labels, _ = dense
    pipeline = make_pipeline(StandardScaler(), RNNClassifier(**QUICK))
    assert pipeline.fit(X[:, :, 0], labels).predict_proba(X[:, :, 0]).shape == (40, 2)
