"""`history_` holds what is known of each epoch, whatever the fit."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.metrics import log_loss, make_scorer

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._training.history import Epoch, extend
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.seq2seq import Seq2SeqClassifier
from sklearn_rnn.transfer import MultiTaskRNN

COLUMNS = ["loss", "validation_loss", "validation_score", "learning_rate", "window_length"]
STOPPED = {"early_stopping": True, "max_iter": 3, "random_state": 0}


def lengths(history):
    assert list(history) == COLUMNS
    assert all(a.dtype == np.float64 and a.ndim == 1 for a in history.values())
    return {len(a) for a in history.values()}


@pytest.mark.parametrize("scoring", [None, "loss", "r2"])
def test_the_loss_of_what_is_held_out_is_in_units_of_y(dense, scoring):
    X, _, numbers = dense
    y, weights, seen = 100 * numbers, np.arange(1.0, 10.0), []
    rnn = RNNRegressor(4, scoring=scoring, learning_rate="cosine", **STOPPED)

    def look(rnn, info):
        errors = (rnn.predict(X[:9]) - y[:9]) ** 2
        seen.append((info, np.average(errors, weights=weights)))

    data = {"X_val": X[:9], "y_val": y[:9], "sample_weight_val": weights}
    history = rnn.fit(X, y, callbacks=look, **data).history_
    assert lengths(history) == {3}
    np.testing.assert_allclose(history["validation_loss"], [loss for _, loss in seen], rtol=1e-4)
    for name in COLUMNS[:-1]:
        np.testing.assert_array_equal(history[name], [info[name] for info, _ in seen])
    np.testing.assert_array_equal(history["validation_score"], rnn.validation_scores_)
    assert (np.diff(history["learning_rate"]) < 0).all()
    assert np.isnan(history["window_length"]).all()


@pytest.mark.parametrize("carrier", [list, np.array])
def test_the_loss_of_steps_counts_classes_as_training_does(dense, carrier):
    X, _, _ = dense
    y = np.where(X[:, :, 0] > 0, "up", "down")
    rnn = RNNClassifier(4, mode="many_to_many", class_weight={"up": 3.0}, bptt=2, **STOPPED)
    rnn.fit(carrier(X), carrier(y), X_val=carrier(X[:9]), y_val=carrier(y[:9]))
    proba, truth = np.concatenate(rnn.predict_proba(list(X[:9]))), y[:9].ravel()
    best = np.argmax(rnn.history_["validation_score"])
    expected = log_loss(truth, proba, sample_weight=np.where(truth == "up", 3.0, 1.0))
    assert rnn.history_["validation_loss"][best] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(rnn.history_["window_length"], [2, 2, 2])


def test_what_has_no_loss_is_nan(dense):
    X, labels, numbers = dense
    rnn = RNNClassifier(4, **STOPPED).fit(X, labels, X_val=X[:3], y_val=["up", "up", "sideways"])
    assert np.isnan(rnn.history_["validation_loss"]).all()
    assert np.isfinite(rnn.history_["validation_score"]).all()
    rnn = RNNRegressor(4, loss="gamma", **STOPPED)
    rnn.fit(X, np.exp(numbers), X_val=X[:3], y_val=[1.0, 2.0, 0.0])
    assert np.isnan(rnn.history_["validation_loss"]).all() and rnn.n_iter_ == 3
    rnn = RNNRegressor(4, solver="lbfgs", dtype="float64", max_iter=2).fit(X, numbers)
    assert lengths(rnn.history_) == {rnn.n_iter_}
    assert np.isnan(rnn.history_["learning_rate"]).all()


def test_histories_go_on_as_the_loss_does(dense):
    X, labels, _ = dense
    assert not hasattr(RNNClassifier(), "history_")
    rnn = RNNClassifier(4, warm_start=True, max_iter=2, random_state=0).fit(X, labels)
    rnn.set_params(early_stopping=True).fit(X, labels).fit(X, labels)
    rnn.set_params(early_stopping=False).partial_fit(X, labels)
    columns, copies = rnn._history, [copy.copy(rnn), pickle.loads(pickle.dumps(rnn))]
    rnn.partial_fit(X, labels)
    assert rnn._history is columns  # goes on in place
    history = rnn.history_
    assert lengths(history) == {8}
    np.testing.assert_array_equal(history["loss"], rnn.loss_curve_)
    known = [False] * 2 + [True] * 4 + [False] * 2
    for name in ("validation_loss", "validation_score"):
        np.testing.assert_array_equal(np.isfinite(history[name]), known)
    assert np.isfinite(history["learning_rate"]).all()
    for other in copies:
        assert lengths(other.history_) == {7}
        np.testing.assert_array_equal(other.history_["loss"], history["loss"][:7])
    pd = pytest.importorskip("pandas")
    assert pd.DataFrame(history).shape == (8, 5)


def test_the_validation_loss_changes_no_bit_and_costs_one_pass(dense, monkeypatch):
    from sklearn_rnn._model.network import Evaluation

    X, labels, _ = dense
    passes = []
    monkeypatch.setattr(Evaluation, "outputs", counted(Evaluation.outputs, passes))
    monkeypatch.setattr(Evaluation, "row_losses", counted(Evaluation.row_losses, passes))
    rnn = RNNClassifier(4, **STOPPED).fit(X, labels)
    assert passes == ["outputs", "row_losses"] * 3
    by_loss = RNNClassifier(4, scoring="loss", **STOPPED).fit(X, labels)
    assert passes[6:] == ["row_losses"] * 3
    RNNClassifier(4, max_iter=3, random_state=0).fit(X, labels)
    assert len(passes) == 9
    monkeypatch.setattr(Evaluation, "mean_loss", lambda self, params: np.nan)
    without = RNNClassifier(4, **STOPPED).fit(X, labels)
    np.testing.assert_array_equal(without.params_, rnn.params_)
    np.testing.assert_array_equal(by_loss.loss_curve_, rnn.loss_curve_)


def counted(method, passes):
    def count(self, params):
        passes.append(method.__name__)
        return method(self, params)

    return count


def test_every_estimator_has_a_history(ragged):
    X, labels, numbers = ragged
    tasks = {"label": labels, "number": numbers}
    texts = ["abab", "baba", "abba", "aabb"] * 5
    scorer = make_scorer(lambda y, answers: float(np.mean(y == answers)))
    for rnn, *data in (
        (MultiTaskRNN(4, **STOPPED), X, tasks),
        (RNNLanguageModel(4, **STOPPED), texts),
        (Seq2SeqClassifier(4, **STOPPED), X, list(map(str, labels))),
        (Seq2SeqClassifier(4, scoring=scorer, **STOPPED), X, list(map(str, labels))),
    ):
        history = rnn.fit(*data).history_
        assert lengths(history) == {3}
        assert np.isfinite([history[name] for name in COLUMNS[:-1]]).all()


def test_a_pickle_without_a_history_loads(dense):
    X, labels, _ = dense
    rnn = RNNClassifier(4, **STOPPED).fit(X, labels)
    state = rnn.__getstate__()
    del state["_history"]
    earlier = RNNClassifier.__new__(RNNClassifier)
    earlier.__setstate__(state)
    assert lengths(earlier.history_) == {3}
    assert np.isnan(earlier.history_["validation_score"]).all()
    earlier.set_params(early_stopping=False).partial_fit(X, labels)
    np.testing.assert_array_equal(earlier.history_["loss"], earlier.loss_curve_)
    assert np.isnan(earlier.history_["learning_rate"]).sum() == 3
    for damaged in ([], {"seconds": []}, {"learning_rate": None}, {"learning_rate": [0.1]}):
        rnn._history = damaged
        with pytest.raises(ValueError, match=r"`_history.*the fitted attributes are damaged"):
            pickle.loads(pickle.dumps(rnn))


def test_facts_are_written_once_and_not_into_curves_that_a_user_holds(dense):
    columns, epochs = {"learning_rate": [0.3]}, [Epoch(1.0, learning_rate=0.1), Epoch(0.9)]
    for _ in range(2):  # the second changes nothing
        extend(columns, 2, epochs)
    np.testing.assert_array_equal(columns.pop("learning_rate"), [0.3, np.nan, 0.1, np.nan])
    assert not columns
    X, _, numbers = dense
    rnn = RNNRegressor(2, max_iter=2, warm_start=True, random_state=0).fit(X, numbers)
    curve = rnn.loss_curve_
    rnn.set_params(learning_rate=lambda done: 1 - done, batch_size=10).fit(X, numbers)
    assert (len(curve), len(rnn.loss_curve_)) == (2, 4)
    last = rnn.learning_rate_init * np.array([5 / 8, 1 / 8])  # of 4 updates in each epoch
    np.testing.assert_allclose(rnn.history_["learning_rate"][2:], last)
