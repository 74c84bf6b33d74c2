"""The engine and the reference against what PyTorch computed; make_fixtures.py tells the arrays."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from cases import (
    RTOL_TORCH_GRADIENTS,
    RTOL_TORCH_OUTPUTS,
    RTOL_UPDATES,
    assert_close,
    loss_and_grad,
    make_engine,
    make_network,
    per_sequence,
    predict,
    run_reference,
    set_optimizer,
    simd_level,
)
from make_fixtures import CELLS, DATA, ENCODERS, FILES

from sklearn_rnn import _core
from sklearn_rnn._model.network import hidden_states

# The loss of each task, and what its head puts out.
TASKS = {"many_to_one": ("softmax", 3), "many_to_many": ("squared_error", 2)}
# Solver and learning rate of the trajectories in the files.
TRAJECTORIES = {"trajectory": ("sgd", 0.1), "adam": ("adam", 0.01)}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
each_file_of_a_trajectory = pytest.mark.parametrize(
    "file",
    [file for file, (_, connections, *_) in FILES.items() if connections is None],
    ids=lambda file: file.stem,
)
each_task = pytest.mark.parametrize("task", TASKS)
each_dtype = pytest.mark.parametrize("dtype", RTOL_TORCH_OUTPUTS)
each_level = pytest.mark.parametrize("level", _core.simd_levels())


def load(file, dtype, task=None, per_step=False):
    """Return PyTorch's arrays, and its network with weights and data; without a task, headless."""
    arrays = np.load(file)
    loss, n_outputs = TASKS.get(task, ("squared_error", 0))
    per_step = per_step or task == "many_to_many"
    network = make_network(
        (str(arrays["cell"]), str(arrays["activation"]) if arrays["cell"] == "elman" else ""),
        (arrays["weights/weight_hh_l0"].shape[1],) * int(arrays["n_layers"]),
        n_features=arrays["X"].shape[1],
        bidirectional=bool(arrays["bidirectional"]),
        connections=str(arrays["connections"]) if "connections" in arrays else None,
        n_outputs=n_outputs,
        loss=loss,
        huber_delta=1.0,
        per_step=per_step,
        dtype=dtype,
    )
    params = np.concatenate(
        [
            arrays[f"{task}/weights/{name}" if "head" in name else f"weights/{name}"].ravel()
            for name, *_ in network.tensors
        ]
    )
    targets = weights = None
    if task:
        targets, weights = arrays[f"{task}/targets"], arrays[f"{task}/sample_weight"]
        targets = targets.astype(np.int32 if targets.ndim == 1 else dtype)
    data = _core.Dataset(
        arrays["X"].astype(dtype), arrays["offsets"].astype(np.intp), targets, weights
    )
    return SimpleNamespace(arrays=arrays, network=network, params=params.astype(dtype), data=data)


def test_every_cell_that_pytorch_has_has_its_files():
    assert set(DATA.glob("*.npz")) == {*FILES, *ENCODERS}
    for cell, activation, *_ in CELLS.values():
        choices = _core.CELLS[cell].options.get("activation")
        assert activation in (choices.choices if choices else ("tanh",))
    for path, (name, connections, *sizes) in FILES.items():
        with np.load(path) as arrays:
            assert (arrays["cell"], arrays["activation"]) == CELLS[name][:2]
            assert [arrays["n_layers"], arrays["bidirectional"]] == sizes
            assert arrays.get("connections") == connections


@each_level
@each_dtype
@each_file
def test_states_are_pytorchs(file, dtype, level):
    problem = load(file, dtype, "many_to_one")
    data, nodes = problem.data, problem.network.nodes
    layers = tuple((i,) for i, node in enumerate(nodes) if node.kind == "recurrent")
    network = replace(problem.network, layers=layers)
    sequences = SimpleNamespace(
        values=data.values,
        offsets=data.offsets,
        lengths=np.diff(data.offsets),
        n_samples=data.n_samples,
    )
    for name, per_step in (("last", False), ("outputs", True)):
        with simd_level(level):
            states = hidden_states(
                network, problem.params, sequences, None, layer=-1, per_step=per_step
            )
        assert_close(states, problem.arrays[name], RTOL_TORCH_OUTPUTS[dtype])


@each_level
@each_dtype
@each_task
@each_file
def test_outputs_loss_and_gradients_are_pytorchs(file, task, dtype, level):
    problem = load(file, dtype, task)
    arguments = problem.network, problem.params, problem.data
    with simd_level(level):
        raw = predict(*arguments, raw=True)
        loss, d_params, d_values = loss_and_grad(*arguments, input_gradient=True)
    assert_close(raw, problem.arrays[f"{task}/raw"], RTOL_TORCH_OUTPUTS[dtype])
    assert_close(loss, problem.arrays[f"{task}/loss"], RTOL_TORCH_OUTPUTS[dtype])
    for name, gradient in problem.network.views(d_params).items():
        expected = problem.arrays[f"{task}/gradients/{name}"]
        assert_close(gradient, expected, RTOL_TORCH_GRADIENTS[dtype], name)
    assert_close(d_values, problem.arrays[f"{task}/d_X"], RTOL_TORCH_GRADIENTS[dtype])


@each_level
@each_dtype
@pytest.mark.parametrize("trajectory", TRAJECTORIES)
@each_file_of_a_trajectory
def test_twenty_steps_are_pytorchs(file, trajectory, dtype, level):
    problem = load(file, dtype, "many_to_one")
    params, data = problem.params, problem.data
    solver, rate = TRAJECTORIES[trajectory]
    state = np.zeros((_core.OPTIMIZERS[solver], len(params)), dtype)
    indices = np.arange(data.n_samples)
    with simd_level(level):
        engine = make_engine(problem.network, params, data, training=True)
    set_optimizer(engine, solver)
    losses = [
        engine.train_minibatch(data, indices, params, state, rate, update)[0]
        for update in range(1, 1 + len(problem.arrays[f"{trajectory}/loss"]))
    ]
    assert len(losses) == 20
    assert_close(losses, problem.arrays[f"{trajectory}/loss"], RTOL_UPDATES[dtype])
    for name, weight in problem.network.views(params).items():
        expected = problem.arrays[f"{trajectory}/weights/{name}"]
        assert_close(weight, expected, RTOL_UPDATES[dtype], name)


@each_task
@each_file
def test_the_reference_is_pytorchs_too(file, task):
    problem = load(file, "float64", task)
    ours = run_reference(problem.network, problem.params, problem.data)
    assert_close(ours.raw, problem.arrays[f"{task}/raw"], RTOL_TORCH_OUTPUTS["float64"])
    assert_close(ours.loss, problem.arrays[f"{task}/loss"], RTOL_TORCH_OUTPUTS["float64"])
    for name, gradient in problem.network.views(ours.d_params).items():
        expected = problem.arrays[f"{task}/gradients/{name}"]
        assert_close(gradient, expected, RTOL_TORCH_GRADIENTS["float64"], name)
    assert_close(ours.d_values, problem.arrays[f"{task}/d_X"], RTOL_TORCH_GRADIENTS["float64"])


@each_file
def test_the_references_states_are_pytorchs_too(file):
    problem = load(file, "float64")
    weights = problem.network.views(problem.params)
    X = per_sequence(problem.data.values, problem.data)
    nodes = problem.network.nodes
    last = reference.hidden_states(weights, X, nodes)
    outputs = reference.hidden_states(weights, X, nodes, per_step=True)
    assert_close(last, problem.arrays["last"], RTOL_TORCH_OUTPUTS["float64"])
    assert_close(np.concatenate(outputs), problem.arrays["outputs"], RTOL_TORCH_OUTPUTS["float64"])
