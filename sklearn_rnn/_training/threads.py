"""The number of threads of a fit or a prediction; BLAS is held at one while the kernels run."""

import os
import re
import sys
import threading
from contextlib import contextmanager
from functools import lru_cache

_forked = False


def effective_n_threads(n_threads=None):
    """Return the number of threads that the parameter `n_threads` means.

    A forked child always gets 1: usually it is one of several, which share the cores.
    Otherwise a number is returned unchanged; an engine uses at most max(cores, 16) threads.
    None means 1 inside a joblib worker of any backend, because other workers use the other cores;
    elsewhere it means OMP_NUM_THREADS, or the number of usable cores.
    """
    if _forked:
        return 1
    if n_threads is not None:
        return int(n_threads)
    if _in_joblib_worker():
        return 1
    return _threads_from_environment() or _usable_cores()


def _in_joblib_worker():
    """Tell whether joblib called us, with any backend; this does not import joblib."""
    joblib_parallel = sys.modules.get("joblib.parallel")
    if joblib_parallel is None:
        return False
    backend, _ = joblib_parallel.get_active_backend()
    return (backend.nesting_level or 0) > 0


def _threads_from_environment():
    """Return the first number of OMP_NUM_THREADS, or None."""
    first = re.match(r"\s*0*([1-9][0-9]{0,8})\s*(,|$)", os.environ.get("OMP_NUM_THREADS", ""))
    return int(first[1]) if first else None


def _usable_cores():
    """Count the cores that affinity and cgroup leave to this process."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _granted_cores())
    return _granted_cores()


@lru_cache(maxsize=1)
def _granted_cores():
    from joblib import cpu_count  # reads cgroup limits from files: once per process is enough

    return cpu_count()


class _BlasHold:
    """Limits BLAS to one thread while it has holders: the first one limits, the last restores.

    Plain nested `threadpool_limits` would leave a process at one thread permanently if two fits in
    two threads overlap, or if a Ctrl-C comes before the previous limit has been stored.
    """

    def __init__(self):
        self.lock = threading.RLock()  # a signal handler may call fit while we hold it
        self.holders = set()
        self.libraries = None  # found once, because that takes milliseconds
        self.before = None  # their numbers of threads, while they are limited

    def enter(self, holder):
        with self.lock:
            self.holders.add(holder)
            if self.libraries is None:
                from threadpoolctl import ThreadpoolController

                controller = ThreadpoolController().select(user_api="blas")
                self.libraries = controller.lib_controllers
            if self.before is None:
                before = [library.get_num_threads() for library in self.libraries]
                if self.before is None:  # a signal handler may have set it meanwhile
                    self.before = before
            self._set([1] * len(self.libraries))

    def leave(self, holder):
        """Release the hold; a second call does nothing."""
        with self.lock:
            self.holders.discard(holder)
            before = self.before
            if not self.holders and before is not None:
                self._set(before)
                self.before = None

    def _set(self, numbers):
        for library, n_threads in zip(self.libraries, numbers, strict=True):
            # From 3.7 on, threadpoolctl obeys only the first thread that sets a number, until that
            # thread gives up control. Any of our threads may be the first holder, or the last.
            give_up_control = getattr(library, "clear_controlling_thread", lambda force: None)
            give_up_control(force=True)
            library.set_num_threads(n_threads)
            give_up_control(force=True)


_blas_hold = _BlasHold()


@contextmanager
def blas_held_at_one_thread():
    """Keep BLAS at one thread; the last of overlapping holders restores its threads."""
    hold, holder = _blas_hold, object()
    try:
        try:
            hold.enter(holder)
            yield
        finally:
            hold.leave(holder)
    finally:  # a Ctrl-C may have interrupted the release
        hold.leave(holder)


def _after_fork_in_child():
    global _forked, _blas_hold
    _forked = True
    _blas_hold = _BlasHold()  # a thread that does not exist here may have held the lock


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
