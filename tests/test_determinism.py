"""The same bits whatever the threads, and a process that is left as it was found."""

import hashlib
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from cases import (
    CELLS,
    RTOL,
    draw_dataset,
    draw_lengths,
    draw_params,
    make_engine,
    make_network,
    predict,
    set_optimizer,
    simd_level,
)

import sklearn_rnn
from sklearn_rnn import RNNClassifier, _core
from sklearn_rnn._network import held

HERE = str(Path(__file__).parent)
PACKAGE = Path(sklearn_rnn.__file__).parents[1]
ALARM = 0.1  # seconds until a signal comes
PATIENCE = 0.5  # seconds until an interrupted minibatch lets go
TINY = float("5e-324")  # the smallest number; 0 to a processor that flushes denormals

each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)
each_mode = pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])


def train(network, n_threads, n_updates=3):
    """Return the bytes of losses, parameters and state after some updates with Adam."""
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(60, 24, True, rng), rng, weighted=True)
    state = np.zeros((2, len(params)), network.dtype)
    engine = make_engine(network, params, data, training=True, n_threads=n_threads)
    set_optimizer(engine, "adam", alpha=0.01, max_grad_norm=0.1, seed=2**63 + 1)
    indices = rng.permutation(data.n_samples)
    with held(engine):
        losses = [
            engine.train_minibatch(data, indices, params, state, 0.01, update)
            for update in range(1, n_updates + 1)
        ]
    return b"".join(array.tobytes() for array in (np.array(losses), params, state))


def network_that_wakes_threads(cell, dtype, per_step):
    """Return a network whose minibatches in `train` are worth more than one thread."""
    return make_network(
        cell,
        (37, 20),
        n_features=5,
        bidirectional=True,
        dtype=dtype,
        per_step=per_step,
        dropout=0.3,
    )


def training_hashes():
    """Return a hash of training per cell, dtype and mode, and of a fit with the default threads."""
    results = {}
    for cell, dtype, per_step in product(CELLS, RTOL, [False, True]):
        result = train(network_that_wakes_threads(cell, dtype, per_step), n_threads=4)
        results[f"{cell} {dtype} {per_step}"] = hashlib.sha256(result).hexdigest()
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 25, 4)), rng.integers(0, 3, 60)
    model = RNNClassifier((40,), max_iter=2, batch_size=30, dropout=0.2, random_state=0)
    model.fit(X, y)
    result = model.params_.tobytes() + model.predict_proba(X).tobytes()
    results["fit"] = hashlib.sha256(result).hexdigest()
    return results


def run_python(code, *, package=PACKAGE, **environment):
    """Return what a new interpreter prints, which finds these tests and the package."""
    path = os.pathsep.join([HERE, str(package)])
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


PRINT_HASHES = "import test_determinism as t; print(t.training_hashes())"


# ---- The same bits ------------------------------------------------------------------------------


@each_level
@each_dtype
@each_mode
@each_cell
def test_any_number_of_threads_gives_the_same_bits(cell, per_step, dtype, level):
    network = network_that_wakes_threads(cell, dtype, per_step)
    with simd_level(level):
        results = [train(network, n_threads) for n_threads in (1, 2, 3, 4)]
        assert results[0] == train(network, 1)
    assert results[1:] == results[:1] * 3


@pytest.mark.skipif(not _core.openmp_enabled(), reason="this build has no OpenMP")
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc to count threads")
def test_threads_are_really_used():
    counts = run_python(
        "import os, test_determinism as t\n"
        "network = t.network_that_wakes_threads(t.CELLS[0], 'float32', False)\n"
        "for n_threads in (1, 1, 4):\n"
        "    t.train(network, n_threads)\n"
        "    print(len(os.listdir('/proc/self/task')))\n",
        OPENBLAS_NUM_THREADS="1",
        OMP_DYNAMIC="false",
    )
    _, one, four = map(int, counts.split())
    assert four == one + 3


LEVELS = _core.simd_levels()
ENVIRONMENTS = [("12"[i % 2], level) for i, level in enumerate(LEVELS)] + [("2", LEVELS[-1])]


@pytest.mark.parametrize("omp_num_threads, level", ENVIRONMENTS)
def test_environment_does_not_change_a_bit(omp_num_threads, level):
    with simd_level(level):
        expected = str(training_hashes())
    environment = {"OMP_NUM_THREADS": omp_num_threads, "SKLEARN_RNN_SIMD": level}
    assert run_python(PRINT_HASHES, **environment) == expected


@pytest.fixture
def denormals_survive():
    """Hold that the smallest numbers are there before and after a test."""
    assert TINY * 2 != 0
    yield
    assert TINY * 2 != 0


# ---- Interruption -------------------------------------------------------------------------------


class Interrupted(Exception):
    """Raised by the handler of the tests."""


@pytest.fixture
def alarm():
    """Return what runs a block that a signal handler is to end soon, and tells of the handler."""
    told = []

    def handler(*_):
        told.append(TINY * 2 != 0)
        raise Interrupted

    @contextmanager
    def ended_by_signal():
        told.clear()
        due = perf_counter() + ALARM
        signal.setitimer(signal.ITIMER_REAL, ALARM)
        with pytest.raises(Interrupted):
            yield told
        # Python runs a handler when it is asked, which may be long after the signal.
        assert perf_counter() - due < PATIENCE
        assert len(told) == 1

    before = signal.signal(signal.SIGALRM, handler)
    yield ended_by_signal
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_signal_handler_may_end_a_minibatch(n_threads, alarm, denormals_survive):
    rng = np.random.default_rng(0)
    network = make_network(CELLS[-1], (256,), n_features=1, dtype="float32", dropout=0.1)
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(256, 800), rng)  # seconds of work
    state = np.zeros((2, len(params)), np.float32)
    engine = make_engine(network, params, data, training=True, n_threads=n_threads)
    set_optimizer(engine, "adam")
    before = params.copy()

    with held(engine), alarm() as denormals_seen:
        engine.train_minibatch(data, np.arange(256), params, state, 0.01, 1)
    np.testing.assert_array_equal(params, before)
    assert not np.any(state)
    assert denormals_seen == [True]  # Python code in the handler finds what it is used to

    # And the engine is as good as new.
    few = np.arange(2)
    loss, _ = engine.train_minibatch(data, few, params, state, 0.01, 1)
    fresh = make_engine(network, before, data, few, training=True)
    set_optimizer(fresh, "adam")
    fresh_loss, _ = fresh.train_minibatch(data, few, before, np.zeros_like(state), 0.01, 1)
    assert loss == fresh_loss
    np.testing.assert_array_equal(params, before)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_signal_handler_may_end_a_prediction(n_threads, alarm, denormals_survive):
    rng = np.random.default_rng(0)
    network = make_network(CELLS[-1], (256,), n_features=1, dtype="float64")
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(512, 1000), rng)
    engine = make_engine(network, params, data, training=False, n_threads=n_threads)
    with alarm() as denormals_seen:
        engine.predict(data)
    assert denormals_seen == [True]


# ---- The floating-point state of the process ----------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
@each_level
def test_denormals_survive_training_and_prediction(level, n_threads, denormals_survive):
    with simd_level(level):
        network = network_that_wakes_threads(CELLS[0], "float64", True)
        train(network, n_threads)
        assert TINY * 2 != 0
        rng = np.random.default_rng(0)
        data = draw_dataset(network, draw_lengths(60, 24, True, rng), rng)
        predict(network, draw_params(network, rng), data, n_threads=n_threads)


def test_importing_leaves_the_floating_point_state_alone():
    code = "x = float('5e-324'); import sklearn_rnn; print(x * 2 != 0)"
    assert run_python(code) == "True"
