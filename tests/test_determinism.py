"""The same bits whatever the threads, and a process that is left as it was found."""

import ctypes
import hashlib
import inspect
import os
import signal
import threading
from contextlib import contextmanager
from itertools import product
from time import perf_counter

import numpy as np
import pytest
from cases import (
    CELLS,
    GRU,
    RTOL,
    assert_close,
    cell_of,
    draw_dataset,
    draw_lengths,
    draw_params,
    each_patience,
    make_engine,
    make_network,
    predict,
    run_python,
    set_optimizer,
    simd_level,
)

import sklearn_rnn
from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._model.network import ready

ALARM = 0.1  # seconds until a signal comes
TINY = float("5e-324")  # the smallest number; 0 to a processor that flushes denormals

each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
each_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)
each_mode = pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])


def train(network, n_threads, n_updates=3, ragged=True):
    """Return the bytes of losses, parameters and state after some updates with Adam."""
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(60, 120, ragged, rng), rng, weighted=True)
    state = np.zeros((2, len(params)), network.dtype)
    engine = make_engine(network, params, data, training=True, n_threads=n_threads)
    set_optimizer(engine, "adam", alpha=0.01, max_grad_norm=0.1, seed=2**63 + 1)
    indices = rng.permutation(data.n_samples)
    with ready(engine):
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


def fit(cell, dtype, ragged, **options):
    """Return a classifier fitted with dropout, whose minibatches are worth two threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 25, 4))
    y = rng.integers(0, 3, len(X))
    if ragged:
        X = [x[: rng.integers(15, 26)] for x in X]
    rnn = RNNClassifier(
        (40,),
        cell=cell_of(cell),
        dtype=dtype,
        max_iter=2,
        batch_size=30,
        dropout=0.2,
        random_state=0,
        **options,
    )
    return X, rnn.fit(X, y)


def fit_bits(*settings, **options):
    X, rnn = fit(*settings, **options)
    return rnn.params_.tobytes() + rnn.predict_proba(X).tobytes()


def training_hashes():
    """Return a hash of training per cell, dtype and mode, and of fits with the default threads."""
    results = {}
    for cell, dtype, per_step in product(CELLS, RTOL, [False, True]):
        network = network_that_wakes_threads(cell, dtype, per_step)
        results[f"train {cell} {dtype} {per_step}"] = train(network, n_threads=4)
    for settings in product(CELLS, RTOL, [False, True]):
        results[f"fit {settings}"] = fit_bits(*settings)
    return {name: hashlib.sha256(bits).hexdigest() for name, bits in results.items()}


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
        dense = [train(network, n_threads, ragged=False) for n_threads in (1, 2, 3, 4)]
    assert results[1:] == results[:1] * 3
    assert dense[1:] == dense[:1] * 3


@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
@each_dtype
@each_cell
def test_fits_on_any_number_of_threads_have_the_same_bits(cell, dtype, ragged):
    one, *others = (fit_bits(cell, dtype, ragged, n_threads=n) for n in (1, 2, 3, 4))
    assert others == [one] * 3


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc to count threads")
def test_threads_are_really_used():
    counts = run_python(
        "import os, test_determinism as t\n"
        "network = t.network_that_wakes_threads(t.CELLS[0], 'float32', False)\n"
        "for n_threads in (1, 1, 4):\n"
        "    t.train(network, n_threads)\n"
        "    print(len(os.listdir('/proc/self/task')))\n",
        OPENBLAS_NUM_THREADS="1",
    ).stdout
    _, one, four = map(int, counts.split())
    assert four == one + 3


LEVELS = _core.simd_levels()
# Our own threads and those of BLAS, which only the first level calls.
ENVIRONMENTS = [("1", "2", LEVELS[0]), *[("2", "1", level) for level in LEVELS]]


@pytest.mark.parametrize("omp_num_threads, blas_num_threads, level", ENVIRONMENTS)
def test_environment_does_not_change_a_bit(omp_num_threads, blas_num_threads, level):
    with simd_level(level):
        expected = str(training_hashes())
    environment = {
        "OMP_NUM_THREADS": omp_num_threads,
        "OPENBLAS_NUM_THREADS": blas_num_threads,
        "SKLEARN_RNN_SIMD": level,
    }
    assert run_python(PRINT_HASHES, **environment).stdout.strip() == expected


@each_dtype
@each_cell
def test_simd_levels_agree_but_for_rounding(cell, dtype):
    results = []
    for level in LEVELS:
        with simd_level(level):
            X, rnn = fit(cell, dtype, ragged=True)
            results.append(rnn.predict_proba(X))
    for result in results[1:]:
        assert_close(result, results[0], RTOL[dtype])


@each_level
def test_show_versions_tells_the_simd_level(level, capsys):
    with simd_level(level):
        sklearn_rnn.show_versions()
    assert f"SIMD level: {level}\n" in capsys.readouterr().out


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
def alarm(patience):
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
        assert perf_counter() - due < patience
        assert len(told) == 1

    before = signal.signal(signal.SIGALRM, handler)
    yield ended_by_signal
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@each_patience
@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_signal_handler_may_end_a_minibatch(n_threads, patience, alarm, denormals_survive):
    rng = np.random.default_rng(0)
    network = make_network(GRU, (256,), n_features=1, dtype="float32", dropout=0.1)
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(256, 800), rng)  # seconds of work
    state = np.zeros((2, len(params)), np.float32)
    engine = make_engine(network, params, data, training=True, n_threads=n_threads)
    set_optimizer(engine, "adam")
    before = params.copy()

    with ready(engine), alarm() as denormals_seen:
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


@each_patience
@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_signal_handler_may_end_a_prediction(n_threads, patience, alarm, denormals_survive):
    rng = np.random.default_rng(0)
    network = make_network(GRU, (256,), n_features=1, dtype="float64")
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(512, 1000), rng)
    engine = make_engine(network, params, data, training=False, n_threads=n_threads)
    with alarm() as denormals_seen:
        engine.predict(data)
    assert denormals_seen == [True]


# ---- The floating-point state of the process ----------------------------------------------------


def floating_point_state():
    """Tell of denormals, of the direction of rounding (of vectors and of x87), and of NumPy."""
    rounded = [sign * (1.0 + x) for x in (2.0**-53, 3 * 2.0**-54) for sign in (1, -1)]
    return TINY * 2 != 0, rounded, ctypes.CDLL(None).fegetround(), np.geterr(), np.geterrcall()


@pytest.fixture
def state_survives():
    """Hold that the floating-point state is the usual one, before and after a test."""
    usual = floating_point_state()
    assert usual[0] and usual[1] == [1.0, -1.0, 1 + 2.0**-52, -1 - 2.0**-52]
    yield
    assert floating_point_state() == usual


@pytest.mark.parametrize("n_threads", [1, 2])
@each_level
def test_kernels_leave_the_floating_point_state_alone(level, n_threads, state_survives):
    before = floating_point_state()
    with simd_level(level):
        network = network_that_wakes_threads(CELLS[0], "float64", True)
        train(network, n_threads)
        assert floating_point_state() == before
        rng = np.random.default_rng(0)
        data = draw_dataset(network, draw_lengths(60, 24, True, rng), rng)
        predict(network, draw_params(network, rng), data, n_threads=n_threads)


def test_estimators_leave_the_floating_point_state_of_their_thread_alone(state_survives):
    states = []

    def work():
        states.append(floating_point_state())
        X, rnn = fit(CELLS[0], "float32", False, n_threads=2)
        states.append(floating_point_state())
        rnn.predict(X)
        states.append(floating_point_state())
        diverging = RNNRegressor(40, solver="sgd", learning_rate_init=1e30, max_grad_norm=None)
        with pytest.raises(ValueError, match="diverged"):
            diverging.fit(X, X[:, 0, 0])
        states.append(floating_point_state())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    work()
    assert states == [floating_point_state()] * 8


def test_importing_leaves_the_floating_point_state_alone():
    code = f"""
import ctypes
import numpy as np
TINY = {TINY!r}
{inspect.getsource(floating_point_state)}
before = floating_point_state()
import sklearn_rnn
print(floating_point_state() == before)
"""
    assert run_python(code).stdout.strip() == "True"
