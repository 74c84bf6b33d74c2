"""What the design promises about memory."""

import re
import tracemalloc

import numpy as np
import pytest
from cases import (
    CELLS,
    NOT_SANITIZED,
    RTOL,
    draw_dataset,
    draw_lengths,
    draw_params,
    loss_and_grad,
    make_network,
    predict,
    run_python,
    simd_level,
)

from sklearn_rnn import RNNClassifier, RNNRegressor, _core, _memory

# Numbers per step and sequence that a training layer may keep, in units of the padded width: the
# last layer with one target per sequence, which has no gradient of its output, and any other.
NUMBERS_KEPT = {"lstm": (6, 7), "gru": (5, 6), "elman": (2, 2)}
ROUNDING = 1  # buffers end on whole vectors


def make_workspace(n_timesteps, cell, training=True, per_step=True, n_layers=1, **options):
    info = _core.CELLS[cell]
    settings = dict(
        n_features=3,
        cell=cell,
        activation=info.activations[0] if info.activations else None,
        hidden_layer_sizes=(64,) * n_layers,
        bidirectional=False,
        n_outputs=2,
        loss="softmax",
        per_step=per_step,
        dtype="float32",
        n_threads=1,
        training=training,
        lengths=np.full(1, n_timesteps),
        batch_size=1,
    )
    return _core.Engine(**{**settings, **options})


def arena_size(*args, **options):
    return make_workspace(*args, **options).arena_size


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_training_layer_keeps_few_numbers_per_step(cell, per_step):
    one, two = (arena_size(T, cell, per_step=per_step, n_layers=1) for T in (1000, 2000))
    assert (two - one) / 1000 <= NUMBERS_KEPT[cell][per_step] * 64 + 3 + ROUNDING


@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_stack_keeps_no_more_per_layer_than_a_layer(cell):
    one, two = (arena_size(T, cell, n_layers=3, bidirectional=True) for T in (1000, 2000))
    assert (two - one) / 1000 <= 3 * 2 * NUMBERS_KEPT[cell][True] * 64 + 3 + ROUNDING


def test_predicting_one_target_per_sequence_keeps_the_present_step_only():
    assert arena_size(100_000, "lstm", training=False, per_step=False) == arena_size(
        10, "lstm", training=False, per_step=False
    )


def test_prediction_memory_does_not_grow_with_the_number_of_sequences():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 20, 8)).astype(np.float32)
    classifier = RNNClassifier(max_iter=1, n_threads=1, tol=0.0)
    with pytest.warns(UserWarning):
        classifier.fit(X[:50], np.arange(50) % 2)

    def peak(n_samples):
        tracemalloc.start()
        classifier.predict(X[:n_samples])
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    bytes_per_sequence = (peak(4000) - peak(2000)) / 2000
    assert bytes_per_sequence < 200  # the order, probabilities and classes; X alone takes 640


# ---- Sizes beyond 32 bits, and memory that is not there ------------------------------------------

BORDERS = (2**31 - 1, 2**31, 2**32 + 1, 2**62, 2**63 - 1, 2**63)


@pytest.mark.parametrize("size", [46341, 2**16 + 1, 2**28])
@pytest.mark.parametrize("name", ["n_features", "n_outputs", "hidden_layer_sizes"])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_parameters_are_counted_beyond_32_bits(cell, name, size):
    sizes = {"n_features": 2**13, "n_outputs": 2**13, "hidden_layer_sizes": 2**13} | {name: size}
    n_features, n_outputs, hidden = sizes.values()
    G = len(_core.CELLS[cell].gates)
    name, offset, shape = _core.parameter_layout(n_features, cell, (hidden,), False, n_outputs)[-1]
    assert (name, shape) == ("head.bias", (n_outputs,))
    assert offset == G * hidden * (n_features + hidden + 2) + n_outputs * hidden


@pytest.mark.parametrize("training", [False, True], ids=["predicting", "training"])
@pytest.mark.parametrize("size", BORDERS)
@pytest.mark.parametrize("name", ["n_features", "n_outputs", "hidden_layer_sizes", "lengths"])
def test_no_size_wraps_around(monkeypatch, name, size, training):
    # Refused by what they count, so that nothing is taken even on a machine that has as much.
    monkeypatch.setattr(_memory, "memory_limit", lambda: 2**28)
    value = (size,) if name in ("hidden_layer_sizes", "lengths") else size
    with pytest.raises((MemoryError, ValueError, OverflowError)) as refusal:
        make_workspace(10, "lstm", training, **{name: value})
    if refusal.type is MemoryError:
        told = float(re.search(r"would take (\S+) GiB", str(refusal.value))[1]) * 2**30
        # A step of one sequence takes at least its offset, any other size a row of weights.
        numbers = 8 if name == "lengths" else 64 * 4 if name == "n_features" else 4
        assert told >= 0.99 * size * numbers


def test_a_minibatch_is_no_larger_than_the_data():
    assert arena_size(10, "lstm", batch_size=2**63) == arena_size(10, "lstm", batch_size=1)


@pytest.mark.parametrize(
    "options, advice",
    [
        (dict(hidden_layer_sizes=(10**5,)), "smaller `hidden_layer_sizes`"),
        (dict(n_timesteps=10**7), "`memory_budget`.*`batch_size`.*`n_threads`"),
        (dict(n_timesteps=10**7, bidirectional=True), "lower `batch_size` or `n_threads`"),
        (dict(n_timesteps=10**7, bidirectional=True, training=False), "lower `n_threads`"),
    ],
)
def test_a_workspace_beyond_the_memory_is_refused_with_what_to_lower(monkeypatch, options, advice):
    monkeypatch.setattr(_memory, "memory_limit", lambda: 2**28)
    with pytest.raises(MemoryError, match=rf"would take [\d.e+]+ GiB: .*{advice}"):
        make_workspace(**{"n_timesteps": 10, "cell": "lstm", **options})


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
    vars(changed).update(rnn._fitted_state())
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


# ---- A budget for the activations ---------------------------------------------------------------


def least_budget(network, params, data, **options):
    """Return the fewest bytes that training accepts, which its refusal of less tells."""
    with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
        loss_and_grad(network, params, data, memory_budget=1, **options)
    return int(re.search(r"at least (\d+)", str(refusal.value))[1])


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
@pytest.mark.parametrize("per_step", [False, True], ids=["many_to_one", "many_to_many"])
@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_budget_changes_no_bit(cell, per_step, ragged, dtype, level):
    rng = np.random.default_rng(0)
    sizes = (72, 72) if level == _core.simd_levels()[0] else (9, 20)  # there BLAS has a part in it
    network = make_network(cell, sizes, dropout=0.4, per_step=per_step, dtype=dtype)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(19, 300, ragged, rng), rng, weighted=True)
    options = dict(dropout=True, update=3, input_gradient=True)
    with simd_level(level):
        free = loss_and_grad(network, params, data, **options)
        least = least_budget(network, params, data)
        for budget in (least, least * 5 // 4):
            bound = loss_and_grad(network, params, data, memory_budget=budget, **options)
            for ours, theirs in zip(bound, free, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("cell", _core.CELLS)
def test_a_budget_is_kept_however_long_the_sequence(cell, per_step):
    budget = 12 << 20  # of which 8 MB tell where a million steps are
    for n_timesteps in (10_000, 100_000, 1_000_000):
        kept = make_workspace(n_timesteps, cell, per_step=per_step, memory_budget=budget)
        assert kept.n_bytes_of_steps <= budget
    free = make_workspace(1_000_000, cell, per_step=per_step)
    assert free.n_bytes_of_steps > 10 * budget


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_budget_is_kept_with_fewer_threads_before_it_is_refused(bidirectional):
    one, eight = (
        dict(lengths=np.full(64, 600), batch_size=64, bidirectional=bidirectional, n_threads=n)
        for n in (1, 8)
    )
    with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
        make_workspace(600, "elman", memory_budget=1, **eight)
    least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
    for threads in (one, eight):
        assert (
            make_workspace(600, "elman", memory_budget=least, **threads).n_bytes_of_steps <= least
        )
        with pytest.raises(ValueError, match=f"at least {least} bytes"):
            make_workspace(600, "elman", memory_budget=least - 1, **threads)


def test_a_budget_that_is_never_reached_changes_no_workspace():
    assert arena_size(500, "lstm", memory_budget=1 << 30) == arena_size(500, "lstm")


def test_a_network_with_two_directions_keeps_all_steps():
    rng = np.random.default_rng(0)
    network = make_network(CELLS[-1], bidirectional=True)
    params, data = draw_params(network, rng), draw_dataset(network, [5000], rng)
    least = least_budget(network, params, data)
    whole = loss_and_grad(network, params, data)
    for ours, theirs in zip(
        loss_and_grad(network, params, data, memory_budget=least), whole, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_fit_learns_the_same_within_a_budget():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2000, 1))
    y = X[:, :, 0] > 0
    options = dict(mode="many_to_many", max_iter=2, tol=0.0, random_state=0, n_threads=2)
    with pytest.warns(UserWarning, match="max_iter"):
        free = RNNClassifier(16, **options).fit(X, y)
    with pytest.warns(UserWarning, match="max_iter"):
        bound = RNNClassifier(16, memory_budget=1 << 19, **options).fit(X, y)
    np.testing.assert_array_equal(bound.params_, free.params_)


def test_a_budget_too_small_leaves_the_estimator_alone():
    rnn = RNNRegressor(16, memory_budget=1000)
    with pytest.raises(ValueError, match=r"`memory_budget` must be at least \d+ bytes.*got 1000"):
        rnn.fit(np.zeros((3, 500, 1)), np.arange(3.0))
    assert not hasattr(rnn, "params_")


@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("per_step", [False, True])
def test_prediction_memory_does_not_grow_with_the_steps(n_layers, per_step):
    sizes = [
        arena_size(T, "lstm", training=False, per_step=per_step, n_layers=n_layers)
        for T in (10_000, 1_000_000)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("per_step", [False, True])
def test_predictions_in_segments_are_those_of_the_training_pass(per_step):
    rng = np.random.default_rng(0)
    network = make_network(CELLS[-1], (9, 20), per_step=per_step)
    params = draw_params(network, rng)
    data = draw_dataset(network, draw_lengths(19, 700, True, rng), rng)
    loss, _ = loss_and_grad(network, params, data)
    outputs = predict(network, params, data)
    np.testing.assert_allclose(np.mean((outputs - data.targets) ** 2), loss, rtol=1e-12)
