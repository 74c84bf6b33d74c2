"""Networks and data for tests of the engine, the covering design, and the reference's answers.

Parameters, values and targets are drawn as float32 numbers, whatever the dtype: both dtypes and
the reference then work on exactly the same numbers.
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from zlib import crc32

import networks
import numpy as np
import pytest
import reference
from networks import happens, stack_nodes

import sklearn_rnn
from sklearn_rnn import _core
from sklearn_rnn._model.network import Network, ready
from sklearn_rnn._model.parts import CELL_CLASSES

# How many seconds an interrupt may take: any run finds what never answers, `-m clock` what is slow.
each_patience = pytest.mark.parametrize(
    "patience", [60.0, pytest.param(0.5, marks=pytest.mark.clock)], ids=["at_last", "at_once"]
)
# For tests of time and memory, which sanitizers change: see .ci/sanitize.
NOT_SANITIZED = pytest.mark.skipif(
    "SKLEARN_RNN_SANITIZE" in os.environ, reason="sanitizers take time and memory"
)

HERE = Path(__file__).parent
PACKAGE = Path(sklearn_rnn.__file__).parents[1]

# Largest errors, each relative to the largest number of its array: of results against the
# reference,
RTOL = {"float32": 2e-4, "float64": 1e-12}
# of what is read off PyTorch, where both round: outputs, gradients, weights after 20 updates,
RTOL_TORCH_OUTPUTS = {"float32": 1e-5, "float64": 1e-10}
RTOL_TORCH_GRADIENTS = {"float32": 1e-4, "float64": 1e-9}
# of weights after some updates,
RTOL_UPDATES = {"float32": 1e-4, "float64": 1e-10}
# of float64 results that differ in nothing but the order of their sums,
RTOL_REORDERED = 1e-12
# and of gradients against central differences.
RTOL_DIFFERENCES = 1e-6


def variants(info):
    """Name the variants of a cell: a choice, a switch that is not at its default, or none ("")."""
    choices = [choice for option in info.options.values() for choice in option.choices]
    return choices or ["", *(o.name for o in info.options.values() if o.type == "boolean")]


EVERY_CELL = [(name, variant) for name, info in _core.CELLS.items() for variant in variants(info)]
# Those that know two directions.
CELLS = [(name, variant) for name, variant in EVERY_CELL if not _core.CELLS[name].reads_output]
GRU = ("gru", "")


def options_of(case):
    """Return the options of one of `CELLS`."""
    name, variant = case
    if not variant:
        return ()
    if variant in (options := _core.CELLS[name].options):
        return ((variant, not options[variant].default),)
    return (("activation", variant),)


def cell_of(case):
    """Return the parameter `cell` of an estimator for one of `CELLS`."""
    name, options = case[0], dict(options_of(case))
    return CELL_CLASSES[name](**options) if options else name


CLASSIFYING = ("softmax", "logistic", "multilabel", "multioutput")
HUBER_DELTA = 0.7

# The hidden size of a case stands where None does.
STACKS = ((None,), (None, 5), (7, None))
KERNEL_SETTINGS = {
    "cell": EVERY_CELL,
    "bidirectional": (False, True),
    "ragged": (False, True),
    "hidden": (1, 3, 16, 17, 64, 100),
    "n_features": (1, 2, 31, 64),
    "batch": (1, 2, 7, 33),
    "steps": (1, 2, 50),
}
TASK_SETTINGS = {
    "loss": tuple(_core.LOSSES),
    "per_step": (False, True),
    "stack": STACKS,
    "n_outputs": (1, 2, 19),
    "weighted": (False, True),
}


@dataclass(frozen=True)
class Case:
    """One row of the design; each dtype and SIMD level is held against the same reference."""

    cell: tuple[str, str]
    bidirectional: bool
    ragged: bool
    hidden: int
    n_features: int
    batch: int
    steps: int
    loss: str
    per_step: bool
    stack: tuple[int | None, ...]
    n_outputs: int
    weighted: bool

    def __str__(self):
        return "-".join(str(value).replace(" ", "") for value in astuple(self))


def covering_design(settings, rng):
    """Return rows in which every pair of values of any two settings occurs, chosen greedily."""

    def pair(*items):
        return frozenset(items)

    wanted = {
        pair((a, x), (b, y)): None  # a dict keeps its order, a set does not
        for a, b in combinations(settings, 2)
        for x in settings[a]
        for y in settings[b]
    }
    rows = []
    while wanted:
        row = dict(next(iter(wanted)))
        for name in rng.permutation([name for name in settings if name not in row]):
            values = [settings[name][i] for i in rng.permutation(len(settings[name]))]
            gains = [sum(pair((name, v), item) in wanted for item in row.items()) for v in values]
            row[str(name)] = values[int(np.argmax(gains))]
        for items in combinations(row.items(), 2):
            wanted.pop(pair(*items), None)
        rows.append(row)
    return rows


# ---- Networks and data --------------------------------------------------------------------------


def tasks_of(n_outputs):
    """Return groups of outputs for the loss "multitask": one of each kind, and some classes."""
    alone = [name for name in _core.LOSSES_OF_GROUPS if name != "softmax"]
    return (*((name, 1) for name in alone), ("softmax", n_outputs + 1))


def make_network(cell, hidden_layer_sizes=(5,), *, n_outputs=2, **changes):
    """Return a small network; `cell` is an entry of CELLS. A loss may ask for other `n_outputs`."""
    if changes.get("loss") == "softmax":
        n_outputs = max(n_outputs, 2)
    elif changes.get("loss") == "logistic":
        n_outputs = 1
    elif changes.get("loss") == "multioutput":
        n_outputs, changes = 2 * n_outputs + 1, {"groups": (n_outputs, n_outputs + 1)} | changes
    elif changes.get("loss") == "quantile":
        n_outputs, changes = 2 * n_outputs, {"quantile": (0.3, 0.6)} | changes
    elif changes.get("loss") == "multitask":
        changes = {"groups": tasks_of(n_outputs)} | changes
        n_outputs = sum(size for _, size in changes["groups"])
    options = {
        "n_features": 3,
        "bidirectional": False,
        "loss": "squared_error",
        "huber_delta": HUBER_DELTA,
        "quantile": 0.5,
        "groups": (),
        "per_step": False,
        "dropout": 0.0,
        "connections": None,
        "normalization": "none",
        "dtype": "float64",
    }
    options |= changes
    bidirectional = options.pop("bidirectional") and not _core.CELLS[cell[0]].reads_output
    normalization = options.pop("normalization")
    norms = (("normalization", normalization),) if normalization != "none" else ()
    nodes = stack_nodes(
        cell[0],
        hidden_layer_sizes,
        n_outputs=n_outputs,
        options=options_of(cell) + norms,
        directions="both" if bidirectional else "forward",
        per_step=options["per_step"],
        dropout=options.pop("dropout"),
        connections=options.pop("connections"),
    )
    return Network(nodes=nodes, **options)


def nodes_of_estimator(rnn):
    """Return the nodes of a fitted estimator, for the reference."""
    return rnn._fitted_model().network.nodes


def draw_params(network, rng):
    """Return a flat vector whose states neither die out nor explode, nor are chaotic."""
    params = np.zeros(network.n_params)
    for name, view in network.views(params).items():
        largest = 0.5 if "bias" in name or "norm" in name else view.shape[-1] ** -0.5
        view[...] = rng.uniform(-largest, largest, view.shape) * (1.0 if "hh" in name else 1.7)
        view += name.startswith("norm_weight")  # gains are about 1
    return params.astype(np.float32).astype(network.dtype)


def draw_lengths(batch, steps, ragged, rng):
    """Return the lengths of sequences, the longest of which has `steps`."""
    lengths = rng.integers(1, steps + 1, batch) if ragged else np.full(batch, steps)
    lengths[rng.integers(batch)] = steps
    return lengths


def with_given_states(network, data, rng):
    """Return a copy of the data whose sequences continue from given states, if they can."""
    if not network.is_causal or network.window > 1 or network.stride > 1:
        return data
    shape = data.n_samples, sum(n for _, _, n in network.state_layout)
    states = rng.uniform(-0.7, 0.7, shape).astype(np.float32).astype(network.dtype)
    return _core.Dataset(
        data.values, data.offsets, data.targets, data.weights, initial_state=states
    )


def given_states(network, data):
    """Return the given states of a dataset by name, for the reference, or None."""
    if data.initial_state is None:
        return None
    rows = data.initial_state.astype(np.float64)
    return {name: rows[:, first : first + n] for name, first, n in network.state_layout}


def parameters_of_loss(network):
    """Return the parameters of the network's loss, for reference.py."""
    names = ("huber_delta", "quantile", "groups", "label_smoothing")
    parameters = {name: getattr(network, name) for name in names}
    return parameters | {"group_weights": weights_of_tasks(network)}


def weights_of_tasks(network):
    """Return what each task of a network counts in these tests; None if it has no tasks."""
    n_tasks = len(network.groups) if network.loss == "multitask" else 0
    return [0.5 + i % 3 for i in range(n_tasks)] or None


def draw_targets_of_tasks(network, n, rng):
    """Return targets (n, n_tasks), of which about one in four is missing."""
    columns = []
    for loss, size in network.groups:
        of_one = replace(network, loss=loss, groups=(), nodes=with_outputs(network.nodes, size))
        columns.append(draw_targets(of_one, n, rng).reshape(n).astype(network.dtype))
    targets = np.stack(columns, axis=1)
    targets[rng.random(targets.shape) < 0.25] = np.nan
    return targets


def with_outputs(nodes, n):
    return (*nodes[:-1], replace(nodes[-1], units=n))


def draw_targets(network, n, rng):
    if network.loss == "multitask":
        return draw_targets_of_tasks(network, n, rng)
    shape = n, network.n_targets
    if network.loss in ("softmax", "logistic"):
        return rng.integers(0, max(2, network.n_outputs), n).astype(np.int32)
    if network.loss == "multilabel":
        return rng.integers(0, 2, shape).astype(np.int32)
    if network.loss == "multioutput":
        return rng.integers(0, network.groups, (n, len(network.groups))).astype(np.int32)
    if network.loss == "poisson":
        return rng.poisson(2.0, shape).astype(network.dtype)
    if network.loss == "gamma":
        return rng.gamma(2.0, size=shape).astype(np.float32).astype(network.dtype)
    return rng.standard_normal(shape).astype(np.float32).astype(network.dtype)


def draw_values(network, n, rng, axis=0):
    """Return n steps of what the nodes of an axis read, codes included (n, n_features)."""
    n_features = network.n_target_features if axis else network.n_features
    values = rng.standard_normal((n, n_features)).astype(np.float32)
    for column, n_codes in reference.code_columns(network.nodes, axis).items():
        values[:, column] = rng.integers(0, n_codes, n)
    return values.astype(network.dtype)


def draw_pairs(network, lengths, target_lengths, rng, weighted=False):
    """Return sequences on two axes; weights are as in `draw_dataset`."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    source = _core.Dataset(draw_values(network, offsets[-1], rng), offsets)
    return _core.PairedDataset(source, draw_dataset(network, target_lengths, rng, weighted, axis=1))


def draw_dataset(network, lengths, rng, weighted=False, axis=0):
    """Return sequences with targets; if weighted, about every fourth target has weight 0."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    values = draw_values(network, offsets[-1], rng, axis)
    n = offsets[-1] if network.per_step else len(lengths)
    targets = draw_targets(network, n, rng)
    weights = None
    if weighted:
        weights = rng.uniform(0.5, 2.0, n)
        weights[np.arange(n) % 4 == rng.integers(1, 4)] = 0.0  # the first one is always taught
    return _core.Dataset(values, offsets, targets, weights)


def as_read(rnn, X):
    """Return a list of sequences as the network of a fitted estimator reads them."""
    return [(np.asarray(x, dtype=np.float64) - rnn.x_mean_) / rnn.x_scale_ for x in X]


def per_sequence(array, data):
    """Return a list of each sequence's rows."""
    return [array[a:b] for a, b in zip(data.offsets[:-1], data.offsets[1:], strict=True)]


def case_problem(case, dtype):
    """Return the network, parameters and data of a case."""
    rng = np.random.default_rng(crc32(str(case).encode()))
    cell = case.cell
    unbounded = cell[0] == "jordan" and cell[1] in ("relu", "identity")
    if unbounded and case.loss in ("poisson", "gamma", "multitask"):
        cell = ("jordan", "tanh")  # exp of units without bounds that read it is soon infinite
    network = make_network(
        cell,
        [case.hidden if size is None else size for size in case.stack],
        n_features=case.n_features,
        bidirectional=case.bidirectional,
        n_outputs=case.n_outputs,
        loss=case.loss,
        per_step=case.per_step,
        dtype=dtype,
    )
    params = draw_params(network, rng)
    lengths = draw_lengths(case.batch, case.steps, case.ragged, rng)
    return network, params, draw_dataset(network, lengths, rng, case.weighted)


def random_problem(seed, dtype="float64"):
    """Return a random network, its parameters, and ragged data of 1 to 9 sequences."""
    rng = np.random.default_rng(seed)
    network = networks.random_network(rng, dtype)
    params = draw_params(network, rng)
    lengths = draw_lengths(rng.integers(1, 10), rng.integers(1, 13), True, rng)
    data = draw_dataset(network, lengths, rng, happens(rng, 0.5))
    return network, params, with_given_states(network, data, rng) if happens(rng, 0.3) else data


@contextmanager
def simd_level(name):
    """Make engines at this SIMD level meanwhile."""
    before = _core.simd_level()
    _core.set_simd_level(name)
    try:
        yield
    finally:
        _core.set_simd_level(before)


# ---- The engine and the reference ---------------------------------------------------------------


def is_paired(data):
    return isinstance(data, _core.PairedDataset)


def axes_of(data):
    """Return the datasets with what is read, and with the targets; the same on one axis."""
    return (data.source, data.target) if is_paired(data) else (data, data)


def make_engine(
    network,
    params,
    data,
    indices=None,
    *,
    training,
    n_threads=2,
    seed=0,
    memory_budget=None,
    **options,
):
    """Return a loaded engine that takes these samples, or all, in one minibatch."""
    source, target = axes_of(data)
    chosen = slice(None) if indices is None else indices
    lengths = np.diff(source.offsets)[chosen]
    if is_paired(data):
        options["target_lengths"] = np.diff(target.offsets)[chosen]
    options.setdefault("carried", source.initial_state is not None)
    options.setdefault("group_weights", weights_of_tasks(network))
    engine = network.engine(lengths, len(lengths), n_threads, training, memory_budget, **options)
    set_optimizer(engine, seed=seed)
    engine.load(params)
    return engine


def set_optimizer(engine, solver="sgd", **changes):
    """Plain gradient descent unless told otherwise."""
    options = {
        "momentum": 0.0,
        "nesterovs_momentum": False,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "alpha": 0.0,
        "l1_ratio": 0.0,
        "max_grad_norm": None,
        "max_grad_value": None,
        "seed": 0,
    }
    engine.set_optimizer(solver, **options | changes)


def loss_and_grad(
    network,
    params,
    data,
    indices=None,
    *,
    n_threads=2,
    seed=0,
    memory_budget=None,
    input_gradient=False,
    group_weights=None,
    **options,
):
    """Return the engine's loss and gradients, with BLAS at one thread if it calls BLAS."""
    engine = make_engine(
        network,
        params,
        data,
        indices,
        training=True,
        n_threads=n_threads,
        seed=seed,
        memory_budget=memory_budget,
        input_gradient=input_gradient,
        group_weights=weights_of_tasks(network) if group_weights is None else group_weights,
    )
    with ready(engine):
        return engine.loss_and_grad(data, indices, input_gradient=input_gradient, **options)


def loss_and_grad_of(network, params, sequences, targets, weights=None):
    """Return the loss of sequences as estimators read them, and its gradient (n_params,)."""
    dataset = _core.Dataset(sequences.values, sequences.offsets, targets, weights)
    return loss_and_grad(network, params, dataset)


def predict(network, params, data, *, n_threads=2, **options):
    engine = make_engine(network, params, data, training=False, n_threads=n_threads)
    return engine.predict(data, **options)


def run_engine(network, params, data):
    loss, d_params, d_values = loss_and_grad(network, params, data, input_gradient=True)
    return SimpleNamespace(
        loss=loss,
        d_params=d_params,
        d_values=d_values,
        raw=predict(network, params, data, raw=True),
        predictions=predict(network, params, data),
    )


def reference_arguments(network, params, data):
    """Return weights, X, y and sample_weight for the functions of reference.py."""

    source, data = axes_of(data)

    def listed(array):
        return per_sequence(array, data) if network.per_step else list(array)

    weights = network.views(params.astype(np.float64))
    X = per_sequence(source.values.astype(np.float64), source)
    y = listed(data.targets if network.loss in CLASSIFYING else data.targets.astype(np.float64))
    return weights, X, y, None if data.weights is None else listed(data.weights)


def given_target(data):
    """Return what each sequence is given on the second axis, as an option of the reference."""
    if not is_paired(data):
        return {}
    return {"target": per_sequence(data.target.values.astype(np.float64), data.target)}


def windows_of(network):
    """Return the options of the reference for what a network reads of X at each step."""
    return {"stride": network.stride, "window": network.window}


def run_reference(network, params, data, dropping=None):
    """Return what `run_engine` returns, from the reference; `dropping` is (seed, update)."""
    weights, X, *targets = reference_arguments(network, params, data)
    nodes, per_step = network.nodes, network.per_step
    given = given_states(network, axes_of(data)[0])
    loss, d_weights, d_X = reference.loss_and_grad(
        weights,
        X,
        *targets,
        nodes=nodes,
        loss=network.loss,
        per_step=per_step,
        dropping=dropping,
        initial_state=given,
        **parameters_of_loss(network),
        **windows_of(network),
        **given_target(data),
    )
    options = {"link": network.loss, "groups": network.groups, "initial_state": given}
    options |= windows_of(network) | given_target(data)
    raw = reference.forward(weights, X, nodes, per_step=per_step, **options)
    raw = np.concatenate([np.atleast_2d(z) for z in raw])
    return SimpleNamespace(
        loss=loss,
        d_params=reference.flatten(d_weights),
        d_values=np.concatenate(d_X),
        raw=raw,
        predictions=reference.LINK[network.loss](raw, network.groups),
    )


@cache
def reference_of(case):
    return run_reference(*case_problem(case, "float64"))


# ---- Comparisons --------------------------------------------------------------------------------


def assert_close(actual, expected, rtol, what="", least=0.0):
    """Hold the largest error against the largest number expected, or `least` if that is more."""
    scale = np.max(np.abs(expected), initial=least)
    np.testing.assert_allclose(
        actual, expected, rtol=0, atol=rtol * scale, equal_nan=False, err_msg=what
    )


def assert_gradients_close(network, actual, expected, rtol):
    """Compare flat gradients (n_params,), one array of parameters at a time."""
    views = network.views(actual), network.views(expected)
    for name in views[0]:
        assert_close(views[0][name], views[1][name], rtol, name, least_scale(expected))


def least_scale(d_params):
    """Return the least scale of a gradient: where terms cancel, they are rounded all the same."""
    return 1e-3 * np.max(np.abs(d_params))


def assert_case_agrees(case, dtype, level):
    """Hold all that the engine computes for a case against the reference."""
    network, params, data = case_problem(case, dtype)
    with simd_level(level):
        actual = run_engine(network, params, data)
    assert_results_agree(network, actual, reference_of(case))


def assert_results_agree(network, actual, expected, rtol=None):
    """Hold what `run_engine` returns against what `run_reference` returns."""
    dtype, rtol = network.dtype, rtol or RTOL[network.dtype]
    assert actual.raw.dtype == actual.d_params.dtype == actual.d_values.dtype == dtype
    assert_close(actual.loss, expected.loss, rtol, "loss")
    assert_close(actual.raw, expected.raw, rtol, "raw outputs")
    assert_close(actual.predictions, expected.predictions, rtol, "predictions")
    assert_gradients_close(network, actual.d_params, expected.d_params, rtol)
    least = least_scale(expected.d_params)
    assert_close(actual.d_values, expected.d_values, rtol, "gradient of the input", least)


# ---- Other interpreters -------------------------------------------------------------------------


def run_python(code, *, check=True, timeout=120, **environment):
    """Run code in a new interpreter, which finds the package that these tests found."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **environment},
        cwd=HERE,  # not at the root, where the sources would come before an installed package
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert not check or result.returncode == 0, result.stderr
    return result
