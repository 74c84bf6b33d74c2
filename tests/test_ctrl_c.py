"""Ctrl-C ends a fit and keeps what it has learned."""

import signal

import numpy as np
import pytest
from cases import each_patience, run_python

from sklearn_rnn import RNNClassifier, RNNRegressor

LONG_FIT = """
import os, signal, sys, threading, time, warnings
import numpy as np
from sklearn_rnn import RNNRegressor
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
rng = np.random.RandomState(0)
X = rng.normal(size=(64, 2000, 2))
forever = {"max_iter": 10**6, "n_iter_no_change": 10**6}
rnn = RNNRegressor(HIDDEN, cell="elman", batch_size=64, n_threads=1, **forever)
sent = []
def interrupt():
    time.sleep(DELAY)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        rnn.fit(X, X[:, :, 0].sum(axis=1))
        print("answered", time.perf_counter() - sent[0])
        print("warned", [str(w.message) for w in caught])
        print("finite", np.isfinite(rnn.params_).all() and np.isfinite(rnn.predict(X[:2])).all())
        print("learned", rnn.t_ > 0, rnn.n_iter_, np.isfinite(rnn.loss_))
    except KeyboardInterrupt:
        print("raised", time.perf_counter() - sent[0], hasattr(rnn, "params_"))
"""


@each_patience
def test_ctrl_c_ends_a_fit_at_once_and_keeps_what_it_learned(patience):
    output = run_python(LONG_FIT.replace("HIDDEN", "16").replace("DELAY", "1.0")).stdout
    facts = dict(line.split(" ", 1) for line in output.splitlines())
    assert float(facts["answered"]) < patience
    assert facts["warned"] == "['Training interrupted by user.']"
    assert facts["finite"] == "True"
    assert facts["learned"].startswith("True") and facts["learned"].endswith("True")


@each_patience
def test_ctrl_c_before_anything_was_learned_is_raised_and_changes_nothing(patience):
    output = run_python(LONG_FIT.replace("HIDDEN", "512").replace("DELAY", "0.3")).stdout
    event, seconds, fitted = output.split()
    assert event == "raised" and float(seconds) < patience and fitted == "False"


def test_an_interrupt_between_epochs_keeps_the_best_weights(dense):
    X, labels, _ = dense

    def interrupt(rnn, info):
        if info["epoch"] == 5:
            raise KeyboardInterrupt

    rnn = RNNClassifier(4, early_stopping=True, max_iter=50, random_state=0)
    with pytest.warns(UserWarning, match="interrupted by user"):
        rnn.fit(X, labels, X_val=X, y_val=labels, callbacks=interrupt)
    assert len(rnn.validation_scores_) == 5
    assert rnn.score(X, labels) == max(rnn.validation_scores_)


def test_a_fit_leaves_the_signal_handlers_alone():
    before = signal.getsignal(signal.SIGINT)
    RNNRegressor(2, max_iter=1, tol=0.0).fit(np.ones((4, 3, 1)), np.arange(4.0))
    assert signal.getsignal(signal.SIGINT) is before
