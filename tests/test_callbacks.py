"""Callbacks, ours and those of scikit-learn, see each epoch and can stop."""

import copy
import pickle

import numpy as np
import pytest
from cases import run_python
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor


def test_callbacks_see_each_epoch_and_can_stop(dense):
    X, labels, _ = dense
    seen = []

    def look(rnn, info):
        seen.append((info["epoch"], rnn.n_iter_, rnn.loss_ == info["loss"], rnn.score(X, labels)))

    def stop(rnn, info):
        return info["epoch"] == 3

    rnn = RNNClassifier(4, max_iter=50, random_state=0)
    rnn.fit(X, labels, callbacks=[look, stop])
    assert [facts[:3] for facts in seen] == [(1, 1, True), (2, 2, True), (3, 3, True)]
    assert rnn.n_iter_ == 3
    quiet = RNNClassifier(4, max_iter=3, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(rnn.params_, quiet.params_)
    assert "look" not in str(vars(rnn))


def test_an_error_in_a_callback_leaves_what_was_learned(dense):
    X, labels, _ = dense

    def fail(rnn, info):
        if info["epoch"] == 2:
            raise RuntimeError("mine")

    rnn = RNNClassifier(4, max_iter=50, random_state=0)
    with pytest.raises(RuntimeError, match="mine"):
        rnn.fit(X, labels, callbacks=fail)
    two = RNNClassifier(4, max_iter=2, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(rnn.params_, two.params_)
    assert rnn.n_iter_ == 2 and rnn.predict(X).shape == (40,)


class Recorder:
    """A callback in the protocol of scikit-learn 1.9, which stops after some epochs."""

    def __init__(self, last):
        self.last, self.events = last, []

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append(f"end {context.task_name}")
        assert fitted_estimator.score(X, y) == estimator.score(X, y)
        return context.task_name == "epoch" and context.task_id == self.last

    def teardown(self, estimator, context):
        self.events.append("teardown")


def test_callbacks_of_scikit_learn_are_served_where_it_has_them(dense):
    pytest.importorskip("sklearn.callback")
    X, labels, _ = dense
    recorder = Recorder(last=1)
    rnn = RNNClassifier(4, max_iter=9, random_state=0).set_callbacks(recorder).fit(X, labels)
    epochs = ["begin epoch", "end epoch"] * 2
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert rnn.n_iter_ == 2
    assert not [name for name in vars(rnn) if "callback" in name and name != "_skl_callbacks"]


def test_callbacks_of_scikit_learn_see_an_end_of_each_epoch_of_a_fit_that_converged(dense):
    pytest.importorskip("sklearn.callback")
    X, labels, _ = dense
    recorder = Recorder(last=None)
    rnn = RNNClassifier(4, max_iter=99, tol=10.0, n_iter_no_change=2, random_state=0)
    rnn.set_callbacks(recorder).fit(X, labels)
    assert 1 < rnn.n_iter_ < 99
    epochs = ["begin epoch", "end epoch"] * rnn.n_iter_
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]


def test_callbacks_of_scikit_learn_nest_under_a_grid_search(ragged):
    callback = pytest.importorskip("sklearn.callback")
    X, labels, _ = ragged
    monitor = callback.ScoringMonitor(scoring="accuracy")
    rnn = RNNClassifier(4, max_iter=3, random_state=0).set_callbacks(monitor)
    GridSearchCV(rnn, {"cell": ["gru", "lstm"]}, cv=2).fit(X, labels)
    scores = [row["accuracy"] for row in monitor.get_logs().data]
    assert len(scores) == (2 * 2 + 1) * (3 + 1)  # candidates and folds, refit; epochs and fit


def test_without_callbacks_of_scikit_learn_all_else_works():
    code = """
import sys
sys.modules["sklearn.callback"] = None
import numpy as np
from sklearn_rnn import RNNRegressor
X = np.random.RandomState(0).normal(size=(9, 4, 2))
rnn = RNNRegressor(2, max_iter=2).fit(X, X[:, 0, 0])
assert not hasattr(rnn, "set_callbacks")
print(rnn.predict(X).shape)
"""
    assert run_python(code).stdout.strip() == "(9,)"


def test_another_model_that_diverges_in_a_callback_costs_nothing(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(4, max_iter=9, random_state=0)

    def diverge(rnn, info):
        if info["epoch"] == 3:
            wild = RNNRegressor(4, solver="sgd", learning_rate_init=1e30, max_grad_norm=None)
            wild.fit(X, np.arange(len(X)))

    with pytest.raises(ValueError, match="diverged"):
        rnn.fit(X, labels, callbacks=diverge)
    assert rnn.n_iter_ == 3 and len(rnn.predict(X)) == len(X)


def test_a_copy_made_by_a_callback_stays_as_it_was(ragged):
    X, labels, _ = ragged
    copies = []

    def keep(rnn, info):
        copies.append((copy.copy(rnn), pickle.dumps(rnn._fitted_attributes())))

    RNNClassifier(4, max_iter=3, random_state=0).fit(X, labels, callbacks=keep)
    assert all(pickle.dumps(rnn._fitted_attributes()) == before for rnn, before in copies)
