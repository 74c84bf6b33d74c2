"""What the estimators promise: every form of X and y, weights, scikit-learn around."""

import doctest
import importlib
import inspect
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import sklearn
from cases import as_read, run_python
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_rnn
from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._estimators import fitted as _fitted
from sklearn_rnn._estimators import parameters as _parameters
from sklearn_rnn._estimators.validation import split
from sklearn_rnn._training import losses as _losses
from sklearn_rnn._training import optimizers as _optimizers
from sklearn_rnn.preprocessing import SequenceScaler

QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "random_state": 0}


def object_array(items):
    result = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        result[i] = item
    return result


CARRIERS = {"list": list, "tuple": tuple, "object array": object_array}


@pytest.fixture(params=CARRIERS)
def carrier(request):
    return CARRIERS[request.param]


def equal(a, b):
    """Tell whether two results are the same, bit for bit, in the same form."""
    if isinstance(a, np.ndarray) and a.dtype == object and isinstance(a.flat[0], np.ndarray):
        return b.dtype == object and len(a) == len(b) and all(map(equal, a, b))
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)


# ---- forms of X -----------------------------------------------------------------------------


def test_an_array_is_a_list_is_each_sequence_alone(dense, carrier):
    X, labels, _ = dense
    array = RNNClassifier(**QUICK, bidirectional=True).fit(X, labels)
    other = RNNClassifier(**QUICK, bidirectional=True).fit(carrier(list(X)), labels)
    assert equal(array.params_, other.params_)
    expected = array.predict_proba(X)
    assert equal(expected, other.predict_proba(carrier(list(X))))
    assert equal(expected, np.concatenate([other.predict_proba(X[i : i + 1]) for i in range(40)]))
    assert equal(expected[::-1], other.predict_proba(X[::-1]))


def test_results_do_not_depend_on_the_other_sequences(ragged, carrier):
    X, _, numbers = ragged
    rnn = RNNRegressor(**QUICK).fit(carrier(X), numbers)
    alone = np.concatenate([rnn.predict(carrier([x])) for x in X])
    assert equal(rnn.predict(carrier(X)), alone)
    order = np.random.RandomState(0).permutation(len(X))
    assert equal(rnn.predict(carrier([X[i] for i in order])), alone[order])


def test_float32_data_give_what_their_float64_copy_gives(dense):
    X, labels, _ = dense
    X = X.astype(np.float32)
    a, b = (RNNClassifier(**QUICK).fit(x, labels) for x in (X, X.astype(np.float64)))
    assert equal(a.params_, b.params_)
    assert equal(a.predict_proba(np.asfortranarray(X)), b.predict_proba(X.astype(np.float64)))


def test_a_2d_array_has_one_feature_per_step(dense):
    X, labels, _ = dense
    flat = np.ascontiguousarray(X[:, :, 0])
    two = RNNClassifier(**QUICK).fit(flat, labels)
    three = RNNClassifier(**QUICK).fit(flat[:, :, None], labels)
    lists = RNNClassifier(**QUICK).fit(flat.tolist(), labels)
    series = RNNClassifier(**QUICK).fit(list(flat), labels)
    for rnn in (three, lists, series):
        assert equal(two.params_, rnn.params_)
    assert (two.n_features_in_, lists.n_features_in_) == (6, 6)
    assert (three.n_features_in_, series.n_features_in_) == (1, 1)
    assert equal(two.predict(flat), two.predict(flat.tolist()))


def test_lists_whose_lengths_agree_are_read_as_fit_read_others():
    X = [[1.0, 2.0], [3.0, 4.0, 5.0], [6.0], [7.0, 8.0]] * 5
    rnn = make_pipeline(SequenceScaler(), RNNRegressor(**QUICK)).fit(X, np.arange(20.0))
    for some in (X[:1], X[2:3], [X[0], X[3]]):
        expected = rnn.predict([np.array(x) for x in some])
        assert equal(rnn.predict(some), expected)
        assert equal(rnn[-1].predict(rnn[0].transform(some)), expected)
        assert type(rnn[0].transform(some)) is list
    scores = cross_val_score(rnn, X, np.arange(20.0), cv=10, scoring="neg_mean_squared_error")
    assert np.isfinite(scores).all()


def test_a_prediction_is_of_one_model_while_another_thread_fits_it(dense, monkeypatch):
    X, _, numbers = dense
    rnn = RNNRegressor(**QUICK).fit(X, numbers)
    expected, predictor = rnn.predict(X), _fitted.predictor

    def refitted_meanwhile(*args):
        monkeypatch.setattr(_fitted, "predictor", predictor)
        rnn.fit(X, 1000 * numbers + 5)
        return predictor(*args)

    monkeypatch.setattr(_fitted, "predictor", refitted_meanwhile)
    assert equal(rnn.predict(X), expected)
    assert not equal(rnn.predict(X), expected)


def test_large_integers_of_two_types_are_told_apart(dense):
    X = dense[0]
    y = np.where(np.arange(len(X)) % 2, 2**53, 2**53 + 1)
    rnn = RNNClassifier(4, max_iter=2, random_state=0).fit(X, y)
    for sample in (y, y.astype(np.uint64)):
        assert rnn.score(X, sample) == np.mean(rnn.predict(X) == y)
    steps = [np.full(6, 2**53 + i, dtype) for i, dtype in enumerate((np.int64, np.uint64))]
    with pytest.raises(ValueError, match="`y` must have integers of one type"):
        RNNClassifier(4, mode="many_to_many").fit(X[:2], steps)


def test_a_data_frame_keeps_its_names(dense):
    pandas = pytest.importorskip("pandas")
    X, labels, _ = dense
    frame = pandas.DataFrame(X[:, :, 0], columns=[f"hour {t}" for t in range(6)])
    rnn = RNNClassifier(**QUICK).fit(frame, labels)
    assert list(rnn.feature_names_in_) == list(frame.columns)
    assert equal(
        rnn.predict(frame), RNNClassifier(**QUICK).fit(X[:, :, 0], labels).predict(X[:, :, 0])
    )
    with pytest.raises(ValueError, match="feature names"):
        rnn.predict(frame[frame.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        rnn.predict(X[:, :, 0])
    assert not hasattr(rnn.fit(X, labels), "feature_names_in_")


def test_columns_may_have_names_of_attributes(dense):
    pandas = pytest.importorskip("pandas")
    X, labels, _ = dense
    names = ["dtype", "ndim", "columns", "shape", "values", "len"]
    frame = pandas.DataFrame(X[:, :, 0], columns=names)
    rnn = make_pipeline(SequenceScaler(), RNNClassifier(**QUICK)).fit(frame, labels)
    assert len(rnn.predict(frame)) == len(frame)


def test_a_list_of_data_frames_keeps_the_names_of_its_columns(ragged):
    pandas = pytest.importorskip("pandas")
    X, labels, _ = ragged
    names = [f"sensor {k}" for k in range(X[0].shape[1])]
    frames = [pandas.DataFrame(x, columns=names) for x in X]
    rnn = RNNClassifier(**QUICK).fit(frames, labels)
    assert list(rnn.feature_names_in_) == names
    assert equal(rnn.params_, RNNClassifier(**QUICK).fit(X, labels).params_)
    swapped = [frame[names[::-1]] for frame in frames]
    scaler = SequenceScaler().fit(frames)
    for method in (rnn.predict, scaler.transform, scaler.partial_fit):
        with pytest.raises(ValueError, match="feature names"):
            method(swapped)
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            method(X)
    assert not hasattr(rnn.fit(X, labels), "feature_names_in_")


def test_read_only_and_integer_data_are_taken(dense):
    X, labels, _ = dense
    whole = np.round(X).astype(int)
    whole.flags.writeable = False
    a = RNNClassifier(**QUICK).fit(whole, labels)
    b = RNNClassifier(**QUICK).fit(whole.astype(float), labels)
    assert equal(a.predict_proba(whole), b.predict_proba(whole.astype(float)))


# ---- forms of y and of results --------------------------------------------------------------


@pytest.mark.parametrize(
    "labels, n_classes",
    [
        (["up", "down"] * 20, 2),
        (np.array(["b", "c", "a", "c"] * 10, dtype=object), 3),
        ([True, False] * 20, 2),
        (np.arange(40) % 5 - 2, 5),
        ([1.0, 7.0, 3.0, 1.0] * 10, 3),
        (["only"] * 40, 1),
    ],
)
def test_classes_may_be_of_any_kind_and_number(ragged, labels, n_classes):
    X, _, _ = ragged
    rnn = RNNClassifier(**QUICK).fit(X, labels)
    np.testing.assert_array_equal(rnn.classes_, np.unique(labels))
    probabilities = rnn.predict_proba(X)
    assert probabilities.shape == (40, n_classes) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(rnn.predict_log_proba(X), np.log(probabilities), atol=1e-6)
    np.testing.assert_array_equal(rnn.predict(X), rnn.classes_[probabilities.argmax(axis=1)])
    assert rnn.out_activation_ == ("logistic" if n_classes == 2 else "softmax")
    assert rnn.n_outputs_ == (1 if n_classes == 2 else n_classes)
    assert rnn.score(X, labels) == accuracy_score(labels, rnn.predict(X))


def test_log_probabilities_stay_finite_where_probabilities_vanish(dense):
    X, labels, _ = dense
    for y in (labels, np.arange(40) % 3):
        rnn = RNNClassifier(**QUICK).fit(X, y)
        rnn.set_weights({**rnn.weights_, "head.weight": 1e6 * rnn.weights_["head.weight"]})
        assert rnn.predict_proba(X).min() == 0
        assert np.isfinite(rnn.predict_log_proba(X)).all()


def test_a_regressor_predicts_in_the_form_of_y(ragged):
    X, _, numbers = ragged
    for y in (numbers, numbers[:, None], np.stack([numbers, -numbers], axis=1), numbers.tolist()):
        rnn = RNNRegressor(**QUICK).fit(X, y)
        assert rnn.predict(X).shape == np.shape(y)
        assert rnn.predict(X).dtype == np.float64
        assert rnn.score(X, y) == pytest.approx(r2_score(y, rnn.predict(X)), rel=1e-9)


def test_per_step_results_of_an_array_are_an_array(dense):
    X, _, _ = dense
    y = np.where(X[:, :, 0] > 0, "up", "down")
    rnn = RNNClassifier(**QUICK, mode="many_to_many").fit(X, y)
    assert rnn.predict(X).shape == (40, 6)
    assert rnn.predict_proba(X).shape == rnn.predict_log_proba(X).shape == (40, 6, 2)
    assert rnn.score(X, y) == np.mean(rnn.predict(X) == y)
    two = RNNClassifier(**QUICK, mode="many_to_many").fit(X[:, :, 0], y)
    assert two.predict(X[:, :, 0]).shape == (40, 6)
    for columns in ((), (1,), (2,)):
        y = np.zeros((40, 6, *columns)) + X[:, :, :1].reshape(40, 6, *(1 for _ in columns))
        assert RNNRegressor(**QUICK, mode="many_to_many").fit(X, y).predict(X).shape == y.shape


def test_per_step_results_of_a_list_are_an_object_array(ragged, carrier):
    X, _, _ = ragged
    y = carrier([np.where(x[:, 0] > 0, "up", "down") for x in X])
    rnn = RNNClassifier(**QUICK, mode="many_to_many").fit(carrier(X), y)
    for result, tail in ((rnn.predict(X), ()), (rnn.predict_proba(X), (2,))):
        assert result.shape == (40,) and result.dtype == object
        assert [r.shape for r in result] == [(len(x), *tail) for x in X]
    right = np.concatenate(list(rnn.predict(X))) == np.concatenate(list(y))
    assert rnn.score(carrier(X), y) == pytest.approx(right.mean())
    numbers = carrier([x[:, :2] for x in X])
    rnn = RNNRegressor(**QUICK, mode="many_to_many").fit(carrier(X), numbers)
    assert [r.shape for r in rnn.predict(X)] == [(len(x), 2) for x in X]
    equally_long = [x[:1] for x in X]
    assert rnn.predict(equally_long).shape == (40,)


def test_a_number_of_large_offset_is_predicted_in_double_precision(dense):
    X, _, numbers = dense
    rnn = RNNRegressor(8, max_iter=150, learning_rate_init=0.02, random_state=0)
    assert rnn.fit(X, numbers + 1e8).score(X, numbers + 1e8) > 0.9


def test_normalisation_uses_what_is_taught(ragged):
    X, _, numbers = ragged
    weights = np.arange(40.0)
    y = np.stack([numbers, np.full(40, 3.0)], axis=1)
    rnn = RNNRegressor(**QUICK).fit(X, y, sample_weight=weights)
    mean = np.average(numbers, weights=weights)
    scale = np.sqrt(np.average((numbers - mean) ** 2, weights=weights))
    np.testing.assert_allclose(rnn.y_mean_, [mean, 3.0])
    np.testing.assert_allclose(rnn.y_scale_, [scale, 1.0])
    plain = RNNRegressor(**QUICK, normalize_y=False).fit(X, y)
    counts = RNNRegressor(**QUICK, loss="poisson").fit(X, np.abs(y))
    for rnn in (plain, counts):
        np.testing.assert_array_equal([rnn.y_mean_, rnn.y_scale_], [[0, 0], [1, 1]])
    assert counts.out_activation_ == "exp" and counts.predict(X).min() > 0


def test_counts_are_learned_with_the_poisson_loss(dense):
    X, _, numbers = dense
    y = np.random.RandomState(0).poisson(np.exp(numbers / 2))
    rnn = RNNRegressor(8, loss="poisson", max_iter=200, learning_rate_init=0.02, random_state=0)
    assert rnn.fit(X, y).score(X, y) > 0.9


# ---- weights of the examples ----------------------------------------------------------------


def test_what_has_no_weight_is_as_if_it_were_not_there(ragged):
    X, labels, numbers = ragged
    weights = np.tile([1.0, 0.0, 2.0, 0.5], 10)
    has = weights > 0
    kept = [x for x, keep in zip(X, has, strict=True) if keep]
    a = RNNRegressor(**QUICK, batch_size=8).fit(X, numbers, sample_weight=weights)
    b = RNNRegressor(**QUICK, batch_size=8).fit(kept, numbers[has], sample_weight=weights[has])
    assert equal(a.params_, b.params_) and a.t_ == b.t_ == 60
    a = RNNClassifier(**QUICK, early_stopping=True).fit(X, labels, sample_weight=weights)
    b = RNNClassifier(**QUICK, early_stopping=True)
    assert equal(a.params_, b.fit(kept, labels[has], sample_weight=weights[has]).params_)
    strange = np.where(has, labels, "strange")
    assert list(RNNClassifier(**QUICK).fit(X, strange, sample_weight=weights).classes_) == [
        "down",
        "up",
    ]


def test_steps_without_weight_are_not_taught(ragged):
    X, _, _ = ragged
    y = [x[:, 0].copy() for x in X]
    last = [(np.arange(len(x)) == len(x) - 1).astype(float) for x in X]
    tagger = RNNRegressor(**QUICK, mode="many_to_many").fit(X, y, sample_weight=last)
    strange = [np.where(w > 0, target, 1e6) for w, target in zip(last, y, strict=True)]
    again = RNNRegressor(**QUICK, mode="many_to_many").fit(X, strange, sample_weight=last)
    assert equal(tagger.params_, again.params_)
    assert tagger.score(X, y, last) == pytest.approx(again.score(X, strange, last))
    single = RNNRegressor(**QUICK).fit(X, [target[-1] for target in y])
    np.testing.assert_allclose(tagger.params_, single.params_, rtol=1e-4, atol=1e-6)
    labels = [np.where(w > 0, "taught", "never") for w in last]
    rnn = RNNClassifier(**QUICK, mode="many_to_many").fit(X, labels, sample_weight=last)
    assert list(rnn.classes_) == ["taught"]


def test_a_weight_per_sequence_is_that_of_its_steps(ragged):
    X, _, _ = ragged
    y = [x[:, 0] for x in X]
    weights = np.arange(40.0)
    steps = [np.full(len(x), w) for x, w in zip(X, weights, strict=True)]
    a = RNNRegressor(**QUICK, mode="many_to_many").fit(X, y, sample_weight=weights)
    b = RNNRegressor(**QUICK, mode="many_to_many").fit(X, y, sample_weight=steps)
    assert equal(a.params_, b.params_)


def test_scores_are_weighted(ragged):
    X, labels, numbers = ragged
    weights = np.arange(40.0)
    rnn = RNNClassifier(**QUICK).fit(X, labels)
    expected = accuracy_score(labels, rnn.predict(X), sample_weight=weights)
    assert rnn.score(X, labels, weights) == pytest.approx(expected)
    rnn = RNNRegressor(**QUICK).fit(X, numbers)
    expected = r2_score(numbers, rnn.predict(X), sample_weight=weights)
    assert rnn.score(X, numbers, weights) == pytest.approx(expected)


def test_class_weights_multiply_sample_weights(ragged):
    X, labels, _ = ragged
    # The scale of X counts no class weights.
    options = {**QUICK, "dtype": "float64", "normalize_X": False}
    weights = np.arange(1.0, 41.0)
    factors = np.where(labels == "up", 3.0, 0.5)
    weighted = RNNClassifier(**options).fit(X, labels, sample_weight=weights * factors)
    by_class = RNNClassifier(**options, class_weight={"up": 3.0, "down": 0.5})
    by_class.fit(X, labels, sample_weight=weights)
    np.testing.assert_allclose(by_class.params_, weighted.params_, rtol=1e-9)
    total = [weights[labels == c].sum() for c in ("down", "up")]
    per_class = dict(zip(("down", "up"), weights.sum() / (2 * np.array(total)), strict=True))
    balanced = RNNClassifier(**options, class_weight="balanced")
    balanced.fit(X, labels, sample_weight=weights)
    by_class.set_params(class_weight=per_class).fit(X, labels, sample_weight=weights)
    np.testing.assert_allclose(by_class.params_, balanced.params_, rtol=1e-9)


@pytest.mark.parametrize("given", [False, True], ids=["held out", "given"])
def test_class_weights_weigh_the_validation(ragged, given):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, early_stopping=True, max_iter=1, random_state=0, learning_rate_init=1e-9)
    data = {"X_val": X, "y_val": labels} if given else {}
    rnn.set_params(class_weight={"up": 3.0, "down": 0.5})
    (score,) = rnn.fit(X, labels, **data).validation_scores_
    if given:
        weights = np.where(labels == "up", 3.0, 0.5)
        assert score == pytest.approx(rnn.score(X, labels, weights))
        assert score != pytest.approx(rnn.score(X, labels))
    else:
        held = split(len(X), 0.1, labels, np.random.RandomState(0))[1]
        right = rnn.predict([X[i] for i in held]) == labels[held]
        weights = np.where(labels[held] == "up", 3.0, 0.5)
        assert score == pytest.approx(np.average(right, weights=weights))


# ---- hidden states and weights --------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [False, True])
def test_hidden_states_are_those_of_the_reference(ragged, bidirectional):
    import reference

    X, _, numbers = ragged
    rnn = RNNRegressor((4, 3), cell="gru", bidirectional=bidirectional, max_iter=1, dtype="float64")
    rnn.fit(X, numbers)
    options = {"cell": "gru", "n_layers": 2, "bidirectional": bidirectional}
    for layer, units in ((0, 4), (1, 3), (-1, 3)):
        every = rnn.hidden_states(X, layer=layer, return_sequences=True)
        assert [h.shape for h in every] == [(len(x), units * (1 + bidirectional)) for x in X]
        for per_step, states in ((True, every), (False, rnn.hidden_states(X, layer=layer))):
            expected = reference.hidden_states(
                rnn.weights_, as_read(rnn, X), layer=layer, per_step=per_step, **options
            )
            for got, want in zip(states, expected, strict=True):
                np.testing.assert_allclose(got, want, atol=1e-12)
    assert rnn.hidden_states(X).shape == (40, 3 * (1 + bidirectional))


def test_weights_are_fresh_read_only_and_can_be_put_back(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier((4, 3), cell="lstm", bidirectional=True, max_iter=1).fit(X, labels)
    weights = rnn.weights_
    assert weights["weight_ih_l0"].shape == (16, 3)
    assert weights["weight_ih_l1_reverse"].shape == (12, 8)
    assert weights["head.weight"].shape == (1, 6)
    assert not any(w.flags.writeable for w in weights.values())
    assert weights["head.bias"] is not rnn.weights_["head.bias"]
    other = RNNClassifier((4, 3), cell="lstm", bidirectional=True, max_iter=2).fit(X, labels)
    assert not equal(other.predict_proba(X), rnn.predict_proba(X))
    assert other.set_weights(weights) is other
    assert equal(other.predict_proba(X), rnn.predict_proba(X))
    assert not hasattr(RNNClassifier(), "weights_")


def test_pytorch_takes_the_weights_as_they_are(ragged):
    torch = pytest.importorskip("torch")
    X, labels, _ = ragged
    rnn = RNNClassifier(5, cell="lstm", bidirectional=True, max_iter=1, dtype="float64")
    rnn.fit(X, labels)
    lstm = torch.nn.LSTM(3, 5, bidirectional=True, batch_first=True).double()
    weights = {k: torch.tensor(w) for k, w in rnn.weights_.items() if not k.startswith("head")}
    lstm.load_state_dict(weights)
    states, _ = lstm(torch.tensor(as_read(rnn, X[:1])[0])[None])
    ours = rnn.hidden_states(X[:1], return_sequences=True)[0]
    np.testing.assert_allclose(ours, states[0].detach().numpy(), atol=1e-12)


# ---- scikit-learn's tools -------------------------------------------------------------------


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


def test_clone_keeps_parameters_alone(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier((4, 2), cell="gru", learning_rate="cosine", max_iter=1).fit(X, labels)
    twin = clone(rnn)
    assert twin.get_params() == rnn.get_params()
    assert not hasattr(twin, "params_")


def test_the_fitted_network_does_not_follow_later_parameters(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(**QUICK).fit(X, labels)
    expected = rnn.predict_proba(X)
    rnn.set_params(hidden_layer_sizes=9, cell="gru", mode="many_to_many", dtype="float64")
    assert equal(rnn.predict_proba(X), expected)


# ---- the package ----------------------------------------------------------------------------


def test_rosters_are_those_of_the_core():
    assert set(_losses.LOSSES) == set(_core.LOSSES)
    assert set(_optimizers.SOLVERS) == set(_core.OPTIMIZERS)


@pytest.mark.parametrize(
    "estimator, kind", [(RNNClassifier, "classifier"), (RNNRegressor, "regressor")]
)
def test_a_signature_is_that_of_the_table(estimator, kind):
    table = {name: p.default for name, p in _parameters.TABLE.items() if kind in p.of}
    signature = inspect.signature(estimator).parameters
    assert [(name, p.default) for name, p in signature.items()] == list(table.items())
    documented = dict(re.findall(r"^    (\w+) : (.*)$", estimator.__doc__, flags=re.MULTILINE))
    for name, parameter in signature.items():
        text = documented[name].split("default=")[1].strip('"')
        assert text == f"{parameter.default}" or float(text) == parameter.default, name
        positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        assert positional == (name == "hidden_layer_sizes")


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_docstrings_are_complete_and_fit_on_a_line(estimator):
    methods = [getattr(estimator, name) for name in ("fit", "partial_fit", "predict", "score")]
    for doc in (inspect.getdoc(thing) for thing in (estimator, *methods)):
        assert "Parameters\n----------\n" in doc
        assert not re.search(r"^ *\{\w+\}$", doc, flags=re.MULTILINE)
        assert max(map(len, doc.split("\n"))) <= 96


def test_what_holds_for_one_estimator_is_said_there_alone():
    of_classes, of_numbers = (" ".join(e.__doc__.split()) for e in (RNNClassifier, RNNRegressor))
    for text in ("class weight", "classes"):
        assert text in of_classes and text not in of_numbers
    for text in ("scale of y", "normalised units"):
        assert text in of_numbers and text not in of_classes


@pytest.mark.parametrize(
    "module",
    [
        "_estimators.classifier",
        "_estimators.regressor",
        "_estimators.fitted",
        "_data.unpacking",
        "cells",
    ],
)
def test_examples_in_docstrings_run(module):
    result = doctest.testmod(importlib.import_module(f"sklearn_rnn.{module}"))
    assert result.attempted > 0 and result.failed == 0


def test_show_versions_tells_what_a_report_needs(capsys):
    sklearn_rnn.show_versions()
    text = capsys.readouterr().out
    for word in ("python", "sklearn-rnn", "numpy", "scipy", "scikit-learn", "SIMD"):
        assert word in text
    assert _core.simd_level() == sklearn_rnn.get_simd_level()


def test_importing_needs_no_more_than_it_says():
    code = """
import sys
import sklearn
before = set(sys.modules)
import sklearn_rnn
print(sorted({m.split(".")[0] for m in set(sys.modules) - before}))
print("sklearn.metrics" in sys.modules or "sklearn.model_selection" in sys.modules)
"""
    packages, heavy = run_python(code).stdout.splitlines()
    assert not {"torch", "matplotlib", "tqdm", "pandas"} & set(packages.split("'"))
    assert heavy == "False"


@pytest.mark.clock
def test_importing_is_quick():
    code = """
import time
import sklearn
begin = time.perf_counter()
import sklearn_rnn
print(time.perf_counter() - begin)
"""
    assert min(float(run_python(code).stdout) for _ in range(3)) < 0.1


def test_importing_a_source_folder_says_what_to_do(tmp_path):
    shutil.copytree(Path(sklearn_rnn.__file__).parent, tmp_path / "sklearn_rnn")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
# That of an editable install would find the missing part.
sys.meta_path = [finder for finder in sys.meta_path if "Editable" not in repr(finder)]
import sklearn_rnn
"""
    built = [path for path in (tmp_path / "sklearn_rnn").glob("_core.*")]
    assert len(built) == 1
    # A module that is there, but broken, tells of itself.
    built[0].write_bytes(b"")
    error = run_python(code, check=False).stderr
    assert "ImportError" in error and "_core" in error and "pip install" not in error
    built[0].unlink()
    error = run_python(code, check=False).stderr.splitlines()[-1]
    assert error.startswith(
        f"ImportError: the compiled part of sklearn_rnn is missing in {tmp_path}"
    )
    assert "another folder" in error and "pip install -e ." in error


# ---- extremes, and what is not ours -------------------------------------------------------------


@pytest.mark.parametrize("factor", [2.0**1023, 2.0**-1060])
def test_only_the_ratios_of_weights_count(ragged, factor):
    X, labels, numbers = ragged
    weights = np.random.RandomState(0).randint(1, 4, len(X)) / 4
    per_step = [np.full(len(x), w) for x, w in zip(X, weights, strict=True)]
    for rnn, y, w in (
        (RNNRegressor(**QUICK), numbers, weights),
        (RNNClassifier(**QUICK, class_weight="balanced"), labels, weights),
        (RNNClassifier(**QUICK, class_weight={"up": 0.5}), labels, weights),
        (RNNRegressor(**QUICK, mode="many_to_many"), [x[:, 0] for x in X], per_step),
    ):
        scaled = [v * factor for v in w]
        a, b = clone(rnn).fit(X, y, w), clone(rnn).fit(X, y, scaled)
        assert equal(a.params_, b.params_) and a.loss_curve_ == b.loss_curve_
        assert np.isfinite(b.loss_) and a.score(X, y, w) == b.score(X, y, scaled)


def test_extreme_class_weights_are_as_good_as_their_ratios(ragged):
    X, labels, _ = ragged
    fits = [
        RNNClassifier(**QUICK, class_weight={"up": 3 * f, "down": f}).fit(X, labels)
        for f in (1.0, 2.0**1020, 2.0**-1060)
    ]
    assert all(equal(rnn.params_, fits[0].params_) for rnn in fits)


def test_huge_targets_are_scaled_without_overflow(ragged):
    X, _, numbers = ragged
    rnn = RNNRegressor(**QUICK, dtype="float64").fit(X, numbers * 1e200)
    small = RNNRegressor(**QUICK, dtype="float64").fit(X, numbers)
    np.testing.assert_allclose(rnn.y_scale_, small.y_scale_ * 1e200)
    np.testing.assert_allclose(rnn.predict(X), small.predict(X) * 1e200, rtol=1e-6)


def test_attributes_of_others_survive_a_fit(ragged):
    X, labels, _ = ragged

    def remember(rnn, info):
        rnn.history_ = [*getattr(rnn, "history_", []), info["loss"]]

    rnn = RNNClassifier(**QUICK)
    rnn.extra_ = "mine"
    rnn.fit(X, labels, callbacks=remember).fit(X, labels)
    assert rnn.extra_ == "mine" and len(rnn.history_) == 2


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_every_attribute_that_a_fit_writes_is_listed(estimator, dense):
    X, _, _ = dense
    rnn = estimator(**QUICK, early_stopping=True)
    before = set(vars(rnn))
    rnn.fit(X, (np.arange(40) % 2))
    assert set(vars(rnn)) - before == set(rnn._fitted_state())
