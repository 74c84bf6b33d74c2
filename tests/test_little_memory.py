"""Where memory runs out, the estimator says so and stays as it was."""

import re

import numpy as np
import pytest
from cases import NOT_SANITIZED, run_python

from sklearn_rnn import _core, _memory

LITTLE_MEMORY = """
import os, pickle, re, resource, time, warnings
import numpy as np
from sklearn_rnn import RNNRegressor

warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(20, 6, 2)).astype(np.float32)
y = X.sum(axis=(1, 2))


def allow(more):
    # so many bytes more than the process has now
    pages = int(open("/proc/self/statm").read().split()[0])
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, most))


def refused(rnn, method, *args, more=1 << 28):
    # the error that a call raises with so little memory: at once, and it leaves the estimator alone
    before, begin = pickle.dumps(rnn), time.process_time()
    raised = None
    allow(more)
    try:
        getattr(rnn, method)(*args)
    except (MemoryError, ValueError) as error:
        raised = error
    allow(1 << 30)
    assert time.process_time() - begin < 10
    assert raised is None or pickle.dumps(rnn) == before
    return raised
"""
WARM_UP = """
rnn = RNNRegressor(4, max_iter=2, n_threads=2).fit(X, y)
RNNRegressor(300, max_iter=1, n_threads=2).fit(X, y)  # threads and BLAS have taken what they need
"""


@NOT_SANITIZED
def test_absurd_sizes_are_refused_at_once_with_the_estimate():
    code = """
zero = np.float32(0)
absurd = {
    "steps": np.broadcast_to(zero, (2, 2**40, 2)),
    "sequences": np.broadcast_to(zero, (2**40, 3, 2)),
    "features": np.broadcast_to(zero, (2, 3, 2**40)),
    "ragged": [np.broadcast_to(zero, (2**36, 2))] * 2,
}
for name, data in absurd.items():
    target = np.broadcast_to(zero, len(data))
    for method, *args in ("fit", data, target), ("partial_fit", data, target), ("predict", data):
        print(name, method, refused(rnn, method, *args))
long = np.zeros((2, 10**6, 1), np.float32)
for options in (dict(hidden_layer_sizes=10**5), dict(hidden_layer_sizes=2**31 - 1),
                dict(hidden_layer_sizes=(5000,) * 64), dict(batch_size=2**31 - 1)):
    changed = RNNRegressor(**{"hidden_layer_sizes": 64, **options})
    vars(changed).update(rnn._fitted_attributes())
    print(next(iter(options)), "fit", refused(changed, "fit", long, np.zeros(2)))
"""
    lines = run_python(LITTLE_MEMORY + WARM_UP + code).stdout.splitlines()
    assert len(lines) == 16
    for line in lines:
        assert re.search(r"[\d.]+ [GTPE]iB|needs? 2\*\*59 numbers", line), line
    assert all("`hidden_layer_sizes`" in line for line in lines[12:15])
    assert "`memory_budget`" in lines[15]


@NOT_SANITIZED
@pytest.mark.parametrize("level", [_core.simd_levels()[0], _core.simd_levels()[-1]])
def test_wherever_memory_runs_out_the_estimator_stays_as_it_was(level):
    code = """
X = np.random.default_rng(0).normal(size=(30, 1000, 4)).astype(np.float32)
y = X.sum(axis=(1, 2))
for method, *args in ("fit", X, y), ("partial_fit", X, y), ("predict", X):
    fits = RNNRegressor(64, bidirectional=True, max_iter=1, n_threads=2)
    errors = []
    if method != "fit":
        fits.partial_fit(X[:, :20], y)
    for more in range(0, 1 << 28, 1 << 21):
        error = refused(fits, method, *args, more=more)
        if error is None:
            break
        errors.append(type(error).__name__)
    print(method, error is None, *set(errors))
"""
    for line in run_python(
        LITTLE_MEMORY + WARM_UP + code, SKLEARN_RNN_SIMD=level
    ).stdout.splitlines():
        method, passed, *kinds = line.split()
        assert passed == "True", line
        assert method == "predict" or kinds == ["MemoryError"], line
        assert set(kinds) <= {"MemoryError"}, line


@NOT_SANITIZED
@pytest.mark.parametrize("level", [_core.simd_levels()[0], _core.simd_levels()[-1]])
def test_a_first_fit_finds_room_for_blas_or_says_so(level):
    code = """
X = np.random.default_rng(0).normal(size=(16, 200, 4)).astype(np.float32)
rnn = RNNRegressor(128, max_iter=1, n_threads=2)
print(refused(rnn, "fit", X, X[:, 0, 0], more=int(os.environ["MEGABYTES"]) << 20))
"""
    ends = [
        run_python(
            LITTLE_MEMORY + code, SKLEARN_RNN_SIMD=level, MEGABYTES=str(n), timeout=20
        ).stdout
        for n in (25, 75, 115, 200)
    ]
    assert "BLAS would take" in ends[0] and ends[-1] == "None\n", ends
    assert all(end == "None\n" or " would take " in end for end in ends), ends


def lay_cgroups(root, own, limits):
    """Lay files as the kernel shows them: /proc/self/cgroup, and limits by path."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(own)
    for path, limit in limits.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(limit + "\n")


ALONE = "0::/user.slice/job\n"
BOTH = "9:name=systemd:/\n4:cpu,memory:/docker/a:b\n1:cpu:/c\n0::/\n"
NONE = str(2**63 - 4096)


@pytest.mark.parametrize(
    "own, limits, expected",
    [
        (ALONE, {"user.slice/job/memory.max": "1000"}, 1000),
        (ALONE, {"user.slice/job/memory.max": "max", "user.slice/memory.max": "2000"}, 2000),
        (ALONE, {"user.slice/job/memory.max": "3000", "user.slice/memory.max": "2000"}, 2000),
        (ALONE, {"memory.max": "4000"}, 4000),  # of a container
        (ALONE, {"user.slice/other/memory.max": "1000"}, np.inf),
        (ALONE, {"user.slice/job/memory.max": "max"}, np.inf),
        (BOTH, {"memory/docker/a:b/memory.limit_in_bytes": "5000"}, 5000),
        (BOTH, {"memory/memory.limit_in_bytes": "6000"}, 6000),
        (BOTH, {"memory/docker/a:b/memory.limit_in_bytes": NONE}, int(NONE)),
        (BOTH, {"unified/memory.max": "7000"}, 7000),
        (BOTH, {"memory/c/memory.limit_in_bytes": "1000"}, np.inf),
        ("", {}, np.inf),
    ],
)
def test_the_limits_of_memory_cgroups_are_read(tmp_path, own, limits, expected):
    lay_cgroups(tmp_path, own, limits)
    assert _memory.read_cgroup_memory_limit(tmp_path) == expected


def test_without_cgroups_there_is_no_limit(tmp_path):
    assert _memory.read_cgroup_memory_limit(tmp_path) == np.inf


def test_the_least_limit_of_memory_counts(monkeypatch):
    monkeypatch.setattr(_memory, "CGROUP_MEMORY_LIMIT", np.inf)
    of_the_machine = _memory.memory_limit()
    assert 0 < of_the_machine < 2**60
    monkeypatch.setattr(_memory, "CGROUP_MEMORY_LIMIT", of_the_machine // 2)
    assert _memory.memory_limit() == of_the_machine // 2
