"""Threads and processes: who may run at once, how many cores each takes, what is left behind."""

import os
import pickle
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import NOT_SANITIZED, run_python, simd_level
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._training import threads as _threads

N_THREADS = 16
BASELINE = _core.simd_levels()[0]  # the level that calls BLAS

needs_proc = pytest.mark.skipif(
    not os.path.exists("/proc/self/task"), reason="needs /proc to count threads"
)

# `fit` tells how many native threads a fit woke, and the bits of its weights.
FIT = """
import multiprocessing, os, threading, warnings
import joblib
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn_rnn import RNNRegressor
warnings.simplefilter("ignore")
X = np.random.RandomState(0).normal(size=(64, 50, 8))
y = X[:, 0, 0]

def native_threads():
    return len(os.listdir("/proc/self/task")) - threading.active_count()

class Counting(RNNRegressor):
    def fit(self, X, y):
        before = native_threads()
        super().fit(X, y)
        self.woken_ = native_threads() - before
        return self

def fit(n_threads=None):
    rnn = Counting(64, max_iter=2, dropout=0.1, random_state=0, n_threads=n_threads).fit(X, y)
    return rnn.woken_, rnn.params_.tobytes()

def tell(here, there):
    print(here[0], *[woken for woken, _ in there], all(bits == here[1] for _, bits in there))
"""
# A fit would take two threads, were nobody else there; those of BLAS would spoil the count.
TWO_CORES = {"OMP_NUM_THREADS": "2", "OMP_DYNAMIC": "false", "OPENBLAS_NUM_THREADS": "1"}


def blas_threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


# ---- Processes ----------------------------------------------------------------------------------


def test_threads_follow_the_parameter_the_environment_and_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert _threads.effective_n_threads(5) == 5
    assert 1 <= _threads.effective_n_threads() <= len(os.sched_getaffinity(0))
    cores = _threads.effective_n_threads()
    for text, wanted in (("3,2", 3), (" 2 ", 2), ("0", cores), ("²", cores), ("9" * 5000, cores)):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert _threads.effective_n_threads() == wanted


@needs_proc
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_joblib_worker_uses_one_thread_and_gives_the_same_bits(backend):
    code = f"""{FIT}
here = fit()
tasks = [joblib.delayed(fit)() for _ in range(3)]
tell(here, joblib.Parallel(n_jobs=2, backend={backend!r})(tasks))
"""
    assert run_python(code, **TWO_CORES).stdout.split() == ["1", "0", "0", "0", "True"]


@needs_proc
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_grid_search_of_two_jobs_uses_two_threads(backend):
    code = f"""{FIT}
from sklearn_rnn._training.threads import effective_n_threads

class Asking(RNNRegressor):   # threads of a pool come and go: to count ours would be a gamble
    def fit(self, X, y):
        self.n_threads_ = effective_n_threads(self.n_threads)
        return super().fit(X, y)

def score(rnn, X, y):
    return rnn.n_threads_

grid = GridSearchCV(
    Asking(64, max_iter=2, random_state=0), {{"alpha": [0.0, 0.1]}}, scoring=score, cv=2, n_jobs=2
)
with joblib.parallel_backend({backend!r}):
    grid.fit(X, y)
print(grid.best_estimator_.n_threads_, *grid.cv_results_["mean_test_score"])
"""
    # One thread per job, and two when the best is fitted again, alone.
    assert run_python(code, **TWO_CORES).stdout.split() == ["2", "1.0", "1.0"]


@needs_proc
def test_a_forked_child_fits_on_one_thread_after_its_parent_used_two():
    code = f"""{FIT}
here = fit(2)
with multiprocessing.get_context("fork").Pool(2) as pool:
    there = pool.map_async(fit, [2, None, 2]).get(timeout=60)
tell(here, there)
"""
    assert run_python(code, **TWO_CORES).stdout.split() == ["1", "0", "0", "0", "True"]


@needs_proc
@pytest.mark.parametrize("method", ["fit", "predict"])
def test_without_room_for_another_thread_the_work_goes_on(method):
    code = f"""{FIT}
import resource
rnn = RNNRegressor(64, max_iter=2, random_state=0, n_threads=1).fit(X, y)
expected = rnn.params_.tobytes() if {method == "fit"} else rnn.predict(X).tobytes()
if os.geteuid() == 0:
    os.setuid(65534)  # to whom the limit applies
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
before = native_threads()
rnn.set_params(n_threads=4)
result = rnn.fit(X, y).params_ if {method == "fit"} else rnn.predict(X)
print(native_threads() - before, result.tobytes() == expected)
"""
    assert run_python(code, **TWO_CORES).stdout.split() == ["0", "True"]


@NOT_SANITIZED
@pytest.mark.clock
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_threads_beside_a_busy_process_are_not_much_slower_than_one():
    code = """
import os, subprocess, sys, time
import numpy as np
from sklearn_rnn import RNNRegressor
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
X = np.random.RandomState(0).normal(size=(1024, 50, 8)).astype(np.float32)
busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
try:
    seconds = {1: [], 2: []}
    for n_threads in (1, 2) * 5:
        begin = time.perf_counter()
        rnn = RNNRegressor(32, batch_size=64, max_iter=2, n_threads=n_threads)
        rnn.fit(X, X[:, 0, 0])
        seconds[n_threads].append(time.perf_counter() - begin)
finally:
    busy.kill()
print(np.median(seconds[2]) / np.median(seconds[1]))
"""
    assert float(run_python(code).stdout) < 3  # threads that spin for each other took 14 times


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fit_goes_on_in_a_child_that_is_forked_in_its_midst():
    code = f"""{FIT}
pids = []
def fork(rnn, info):
    if info["epoch"] == 1:
        pids.append(os.fork())
rnn = RNNRegressor(64, max_iter=3, random_state=0, n_threads=2).fit(X, y, callbacks=fork)
if pids == [0]:
    os._exit(rnn.n_iter_)
print(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
"""
    assert run_python(code, **TWO_CORES).stdout.split() == ["3"]


@pytest.mark.parametrize("moment", [1, 7])
def test_a_signal_handler_may_fit_while_a_fit_takes_or_leaves_hold_of_blas(moment):
    hold, arrived = _threads._BlasHold(), []

    class Library:
        """One whose number of threads is being set, to `moment`, when a signal arrives."""

        n_threads = 7

        def get_num_threads(self):
            return self.n_threads

        def set_num_threads(self, n_threads):
            self.n_threads = n_threads
            if n_threads == moment and not arrived:
                arrived.append(True)
                hold.enter("inner")
                assert self.n_threads == 1
                hold.leave("inner")

    library = Library()
    hold.libraries = [library]
    hold.enter("outer")
    assert library.n_threads == 1
    hold.leave("outer")
    assert library.n_threads == 7 and hold.before is None and arrived


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_while_another_thread_takes_hold_of_blas_does_not_hang():
    code = """
import os, signal
from sklearn_rnn._training import threads as _threads
_threads._blas_hold.lock.acquire()  # as if by another thread, which the child will not have
if os.fork() == 0:
    signal.alarm(20)
    with _threads.blas_held_at_one_thread():
        os._exit(0)
print(os.wait()[1])
"""
    assert run_python(code).stdout.strip() == "0"


# ---- Threads of one process ---------------------------------------------------------------------


def at_once(function, arguments):
    """Return what a function gives for each argument, each in a thread of its own, all at once."""
    barrier = threading.Barrier(len(arguments))

    def work(argument):
        barrier.wait()
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(work, arguments))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_one_estimator_predicts_in_many_threads_at_once(ragged, n_threads):
    X, labels, _ = ragged
    X = X * 20  # enough for a second thread of the kernels
    rnn = RNNClassifier(64, max_iter=1, random_state=0, n_threads=n_threads).fit(
        X, np.tile(labels, 20)
    )
    uses = (
        rnn.predict,
        rnn.predict_proba,
        rnn.predict_log_proba,
        rnn.hidden_states,
        lambda X: rnn.score(X, rnn.predict(X)),
        lambda X: rnn.weights_["head.weight"],
    )

    def use(number):
        """Return all results, for sequences of this thread's own."""
        return [np.asarray(use(X[number:])).tobytes() for use in uses]

    expected = [use(number) for number in range(N_THREADS)]
    state, attributes = pickle.dumps(rnn), dict(vars(rnn))
    for _ in range(3):
        assert at_once(use, range(N_THREADS)) == expected
    assert pickle.dumps(rnn) == state
    assert vars(rnn).keys() == attributes.keys()
    assert all(vars(rnn)[name] is value for name, value in attributes.items())


@pytest.mark.parametrize("level", _core.simd_levels())
def test_estimators_fit_in_many_threads_at_once(level):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 30, 4))

    def fit(seed):
        rnn = RNNRegressor(64, max_iter=2, dropout=0.1, n_threads=2, random_state=seed)
        return rnn.fit(X, X[:, seed, 0]).params_.tobytes()

    seeds = range(4)
    with simd_level(level):
        assert at_once(fit, seeds) == [fit(seed) for seed in seeds]


# ---- BLAS ---------------------------------------------------------------------------------------


def test_overlapping_holds_of_blas_restore_it_once():
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        first, second = _threads.blas_held_at_one_thread(), _threads.blas_held_at_one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(blas_threads()) == {1} != set(before)
        second.__exit__(None, None, None)
        assert blas_threads() == before


class Refused(Exception):
    """Raised by a callback."""


def test_any_mix_of_fits_leaves_blas_as_it_was(dense):
    X, _, numbers = dense
    seen = []

    def fit(seed):
        """Fit some epochs, to the end or until the callback raises or the training diverges."""
        draw = random.Random(seed)
        n_epochs, end = draw.randint(1, 6), draw.choice(["done", "refused", "diverged"])

        def look(rnn, info):
            seen.extend(blas_threads())
            if end == "refused" and info["epoch"] == n_epochs:
                raise Refused

        rnn = RNNRegressor(8, max_iter=n_epochs, tol=0.0, n_threads=1, random_state=seed)
        if end == "diverged":
            rnn.set_params(solver="sgd", learning_rate_init=1e30, max_grad_norm=None)
        try:
            rnn.fit(X, numbers, callbacks=look)
        except Refused:
            return "refused"
        except ValueError as error:
            assert "diverged" in str(error)
            return "diverged"
        return "done"

    with simd_level(BASELINE), threadpool_limits(2, "blas"):
        before = blas_threads()
        for group in range(3):
            ends = at_once(fit, range(8 * group, 8 * group + 8))
            assert blas_threads() == before
            assert set(ends) == {"done", "refused", "diverged"}
        fit(0)
        assert blas_threads() == before
    assert set(seen) == {1} != set(before)
