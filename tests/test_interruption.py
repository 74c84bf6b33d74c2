"""Ctrl-C at any moment: answered at once, and the estimator is as it was or ready to be used."""

import copy
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from cases import each_patience, run_python
from sklearn.model_selection import GridSearchCV
from threadpoolctl import ThreadpoolController

import sklearn_rnn
from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT
from sklearn_rnn._training import threads as _threads
from sklearn_rnn.preprocessing import SequenceScaler

PACKAGE = os.path.dirname(sklearn_rnn.__file__) + os.sep
PATIENCE = 0.5  # seconds until an interrupt is answered; tests may give more
INTERRUPTED = "Training interrupted by user."
FOREVER = 10**6  # epochs

BLAS = ThreadpoolController().select(user_api="blas")
RNG = np.random.RandomState(0)
SHORT = RNG.normal(size=(12, 5, 2))
LONG = RNG.normal(size=(128, 500, 2))


def targets(X):
    return X[:, :, 0].sum(axis=1)


def labels(X):
    return np.where(targets(X) > 0, "up", "down")


def state_of(rnn):
    return pickle.dumps(vars(rnn))


@cache
def fitted_attributes(estimator):
    """Name what a fit that was not interrupted writes."""
    y = labels(SHORT) if estimator is RNNClassifier else targets(SHORT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator(2, max_iter=1).fit(SHORT, y)._fitted_attributes().keys()


def assert_ready(rnn, X, n_before=0):
    """Hold that what an interrupted training left is whole and can be used.

    It went on from a model of `n_before` epochs, if that is known.
    """
    assert rnn._fitted_attributes().keys() == fitted_attributes(type(rnn))
    assert np.isfinite(rnn.params_).all() and rnn.t_ > 0
    assert np.isfinite([rnn.loss_, *rnn.loss_curve_]).all()
    if n_before is not None:
        assert len(rnn.loss_curve_) == n_before + rnn.n_iter_
    if rnn.early_stopping:
        assert len(rnn.validation_scores_) == rnn.n_iter_
    predicted = rnn.predict(X)
    assert len(predicted) == len(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rnn)).predict(X), predicted)


def assert_nothing_is_left(blas_threads):
    assert not _threads._blas_hold.holders
    assert blas_threads == number_of_blas_threads()


def number_of_blas_threads():
    return [library.get_num_threads() for library in BLAS.lib_controllers]


# ---- at each line of Python ---------------------------------------------------------------------


class InterruptAtLine:
    """Raises KeyboardInterrupt at the n-th line of the package that is run, and counts them."""

    def __init__(self, n=None):
        self.n, self.count = n, 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def trace(self, frame, event, argument):
        # Leaving a `with` is a line to a tracer, though no signal comes before its lock is free.
        if (
            not frame.f_code.co_filename.startswith(PACKAGE)
            or "_BlasHold" in frame.f_code.co_qualname
        ):
            return None
        if event == "line":
            self.count += 1
            if self.count - 1 == self.n:
                raise KeyboardInterrupt
        return self.trace


GOING_ON = ("go_on", "partial_fit")


def trainings():
    """Return functions that each make an estimator, and what trains it anew or further."""
    data = SHORT, targets(SHORT)
    options = {"hidden_layer_sizes": 2, "batch_size": 6, "max_iter": 2, "random_state": 0}

    def fit_again():
        rnn = RNNClassifier(**options).fit(SHORT, labels(SHORT))
        return rnn, lambda: rnn.fit(-SHORT, labels(SHORT))

    def fit_with_validation():
        rnn = RNNRegressor(**options, early_stopping=True)
        return rnn, lambda: rnn.fit(*data)

    def go_on():
        rnn = RNNRegressor(**options, warm_start=True).fit(*data)
        return rnn, lambda: rnn.fit(*data, callbacks=lambda rnn, info: False)

    def partial_fit():
        rnn = RNNRegressor(**options).fit(*data)
        return rnn, lambda: rnn.partial_fit(*data)

    def fit_windows():
        bptt = TruncatedBPTT(2, schedule="grow")
        changes = {"bptt": bptt, "mode": "many_to_many", "tol": 1e9, "n_iter_no_change": 1}
        rnn = RNNRegressor(**{**options, **changes, "batch_size": 12, "max_iter": 4})
        rnn.fit(SHORT, SHORT[:, :, 0])
        return rnn, lambda: rnn.fit(-SHORT, SHORT[:, :, 0])

    return [fit_again, fit_with_validation, go_on, partial_fit, fit_windows]


def interrupt_at_lines(make, stride):
    """Interrupt a training at one line of `stride`, in turn."""
    _, train = make()
    with InterruptAtLine() as counter:
        train()
    assert counter.count > 100
    blas_threads, seen = number_of_blas_threads(), set()
    for n in range(0, counter.count, stride):
        rnn, train = make()
        before, end = state_of(rnn), "returned"
        n_before = len(rnn.loss_curve_) if make.__name__ in GOING_ON else 0
        try:
            with InterruptAtLine(n):
                train()
        except KeyboardInterrupt:
            end = "raised"
        changed = state_of(rnn) != before
        assert changed or end == "raised"
        if changed:
            assert_ready(rnn, SHORT, n_before)
        seen.add((end, changed))
        assert_nothing_is_left(blas_threads)
    # A `partial_fit` is part of somebody's loop, which must end too.
    assert seen >= {("raised", False), ("raised", True)}
    assert (("returned", True) in seen) == (make.__name__ != "partial_fit")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", trainings(), ids=lambda make: make.__name__)
def test_an_interrupt_at_a_line_leaves_all_as_it_was_or_ready(make):
    interrupt_at_lines(make, stride=3)


def all_or_nothing(folder):
    """Return functions that each make something, what changes it, and what it then is."""
    rnn = RNNClassifier(2, max_iter=1, random_state=0).fit(SHORT, labels(SHORT))
    other = RNNClassifier(2, max_iter=1, random_state=1).fit(SHORT, labels(SHORT))
    names = [folder / "model.safetensors", folder / "model.npz"]

    def fit_scaler():
        scaler = SequenceScaler().fit(SHORT)
        return scaler, lambda: scaler.fit(LONG[:3] * [1, 0])

    def partial_fit_scaler():
        scaler = SequenceScaler().fit(SHORT)
        return scaler, lambda: scaler.partial_fit(LONG[:3])

    def set_weights():
        model = copy.deepcopy(rnn)
        return model, lambda: model.set_weights(other.weights_)

    def load(name, model):
        other.save_weights(name)
        model = copy.deepcopy(model)
        return model, lambda: model.load_weights(name)

    def save(name):
        rnn.save_weights(name)
        return name, lambda: other.save_weights(name)

    unfitted = RNNClassifier(random_state=0)
    loads = [partial(load, name, model) for name in names for model in (rnn, unfitted)]
    saves = [partial(save, name) for name in names]
    return [fit_scaler, partial_fit_scaler, set_weights, *loads, *saves]


def content_of(thing):
    return thing.read_bytes() if isinstance(thing, Path) else state_of(thing)


@pytest.mark.filterwarnings("ignore")
def test_an_interrupt_at_a_line_leaves_the_old_or_the_new(tmp_path):
    for make in all_or_nothing(tmp_path):
        thing, change = make()
        old = content_of(thing)
        with InterruptAtLine() as counter:
            change()
        new = content_of(thing)
        assert old != new and counter.count > 5
        files = sorted(tmp_path.iterdir())
        for n in range(0, counter.count, 1 + counter.count // 300):
            thing, change = make()
            with pytest.raises(KeyboardInterrupt), InterruptAtLine(n):
                change()
            assert content_of(thing) in (old, new), f"{make} at line {n}"
            assert sorted(tmp_path.iterdir()) == files


# ---- at a random moment -------------------------------------------------------------------------


def interrupt(task, delay, *, repeat=False, again=None):
    """Send SIGINT `delay` seconds after `task` began; return how it ended, and how soon after.

    It ends "finished", "warned" by us or "raised". Until then a task that ends by itself is
    repeated, if `repeat`, and a signal is sent every `again` seconds, if given.
    """
    handler, sent, done = signal.getsignal(signal.SIGINT), [], threading.Event()

    def send():
        wait = delay
        while wait is not None and not done.wait(wait):
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
            wait = again

    sender, end = threading.Thread(target=send, daemon=True), "finished"
    sender.start()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            while end == "finished":
                task()
                if INTERRUPTED in [str(warning.message) for warning in caught]:
                    end = "warned"
                if not repeat:
                    break
        done.set()
    except KeyboardInterrupt:
        end = "raised"
    now = time.perf_counter()
    done.set()
    sender.join()
    assert signal.getsignal(signal.SIGINT) is handler
    return end, now - sent[-1]


def interrupt_a_training(rnn, train, X, delay, *, repeat=False, n_before=0):
    """Interrupt a training that does not end by itself; return how it ended."""
    before = state_of(rnn)
    end, seconds = interrupt(train, delay, repeat=repeat)
    assert end in ("warned", "raised")
    assert seconds < PATIENCE, f"{end} after {seconds:.2f} s"
    if end == "warned" or state_of(rnn) != before:
        assert_ready(rnn, X, n_before)
    return end


def one_long_fit(delay):
    rnn = RNNRegressor(64, batch_size=64, max_iter=FOREVER, n_iter_no_change=FOREVER)
    return interrupt_a_training(rnn, lambda: rnn.fit(LONG, targets(LONG)), LONG[:4], delay)


def one_minibatch_longer_than_anybody_waits(delay):
    rnn = RNNRegressor(2, max_iter=1).fit(SHORT, targets(SHORT))
    rnn.set_params(hidden_layer_sizes=512, batch_size=128, n_threads=1)
    before = state_of(rnn)
    end = interrupt_a_training(rnn, lambda: rnn.fit(LONG, targets(LONG)), SHORT, delay)
    assert end == "raised" and state_of(rnn) == before
    return end


def many_short_fits(delay):
    rnn = RNNClassifier(4, max_iter=20, early_stopping=True)
    train = lambda: rnn.fit(SHORT, labels(SHORT))  # noqa: E731
    return interrupt_a_training(rnn, train, SHORT, delay, repeat=True)


def many_partial_fits(delay):
    rnn = RNNRegressor(4, batch_size=3)
    train = lambda: rnn.partial_fit(SHORT, targets(SHORT))  # noqa: E731
    return interrupt_a_training(rnn, train, SHORT, delay, repeat=True, n_before=None)


def a_prediction(delay):
    rnn = RNNRegressor(512, max_iter=1, n_threads=1).fit(SHORT, targets(SHORT))
    before = state_of(rnn)
    end, seconds = interrupt(lambda: rnn.predict(LONG), delay, repeat=True)
    assert end == "raised" and seconds < PATIENCE, f"{end} after {seconds:.2f} s"
    assert state_of(rnn) == before
    return end


def a_grid_search(delay):
    """Each interrupt ends one endless candidate; the search goes on with the next one."""
    rnn = RNNRegressor(4, n_iter_no_change=FOREVER, random_state=0)
    grid = {"max_iter": [FOREVER, 1]}
    search = GridSearchCV(rnn, grid, cv=2, refit=False)
    before = state_of(rnn)
    search_all = lambda: search.fit(SHORT, targets(SHORT))  # noqa: E731
    end, seconds = interrupt(search_all, delay, again=delay)
    assert end in ("warned", "raised") and seconds < PATIENCE, f"{end} after {seconds:.2f} s"
    assert state_of(rnn) == before
    if end == "warned":
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    return end


TASKS = {
    task.__name__: task
    for task in (
        one_long_fit,
        one_minibatch_longer_than_anybody_waits,
        many_short_fits,
        many_partial_fits,
        a_prediction,
        a_grid_search,
    )
}


def try_often(name, n_times, seed):
    """Interrupt a task at random moments; print how it ended each time. For another interpreter."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    rng, blas_threads = np.random.RandomState(seed), number_of_blas_threads()
    for _ in range(n_times):
        print(TASKS[name](rng.uniform(0.02, 0.4)))
        assert_nothing_is_left(blas_threads)


def interrupt_often(name, n_times, seed=0, patience=PATIENCE):
    """Return how a task ended each time it was interrupted."""
    code = f"import test_interruption as t; t.PATIENCE = {patience}\n"
    code += f"t.try_often({name!r}, {n_times}, {seed})"
    ends = run_python(code).stdout.split()
    assert len(ends) == n_times
    return ends


@each_patience
@pytest.mark.parametrize("name", TASKS)
def test_ctrl_c_is_answered_at_any_moment(name, patience):
    interrupt_often(name, 2, patience=patience)
