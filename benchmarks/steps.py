"""One training step, or one prediction, of the same network and minibatch in each library.

`LIBRARIES[name](work, cell, threads)` -> (step, read): `step()` is what is timed, `read(its
result)` gives what the libraries are compared by: the loss and the gradients under PyTorch's names,
or the outputs of the head (batch, N_CLASSES) as {"output": ...}. No library is imported before it
is asked for, so that each can have a process of its own.
"""

import os
from dataclasses import dataclass, replace

import numpy as np

CELLS = {"lstm": ("LSTM", 4), "gru": ("GRU", 3), "elman": ("RNN", 1)}  # others' name, gates
ONNX_GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "elman": (0,)}  # ifgo -> iofc, rzn -> zrh
N_CLASSES = 10


@dataclass(frozen=True)
class Shape:
    """A minibatch and the network it goes through."""

    n_timesteps: int
    batch: int
    n_features: int
    hidden: int
    layers: int = 1
    directions: int = 1

    def __str__(self):
        size = f"{self.n_timesteps},{self.batch},{self.n_features},{self.hidden}"
        return size + " x2" * (self.layers == 2) + " both ways" * (self.directions == 2)


@dataclass(frozen=True)
class Work:
    """What is to be done: the same for every library, cell and number of threads."""

    task: str  # train or predict
    shape: Shape
    dtype: str
    ragged: bool

    def minibatch(self):
        """Values (n_steps, n_features), lengths and labels (batch,)."""
        shape, rng = self.shape, np.random.default_rng(0)
        lengths = np.full(shape.batch, shape.n_timesteps)
        if self.ragged:
            lengths[1:] = rng.integers(1, shape.n_timesteps + 1, shape.batch - 1)
        values = rng.standard_normal((lengths.sum(), shape.n_features)).astype(self.dtype)
        return values, lengths, rng.integers(N_CLASSES, size=shape.batch, dtype=np.int32)

    def padded(self):
        """The same with values (batch, n_timesteps, n_features), zero after the end."""
        values, lengths, labels = self.minibatch()
        x = np.zeros((len(lengths), lengths.max(), values.shape[1]), dtype=self.dtype)
        for row, sequence in enumerate(np.split(values, np.cumsum(lengths)[:-1])):
            x[row, : len(sequence)] = sequence
        return x, lengths, labels

    def n_steps(self):
        """Steps of all sequences together."""
        return int(self.minibatch()[1].sum())

    def dense_twin(self):
        """The same batch without padding, all sequences of the mean length."""
        n_timesteps = max(1, round(self.n_steps() / self.shape.batch))
        return replace(self, shape=replace(self.shape, n_timesteps=n_timesteps), ragged=False)

    def parameters(self, cell):
        """Name -> array, as PyTorch names, shapes and draws them."""
        shape, rng = self.shape, np.random.default_rng(1)
        rows, inputs, shapes = CELLS[cell][1] * shape.hidden, shape.n_features, {}
        for suffix in suffixes(shape):
            if suffix == "_l1":
                inputs = shape.directions * shape.hidden
            shapes["weight_ih" + suffix] = rows, inputs
            shapes["weight_hh" + suffix] = rows, shape.hidden
            shapes["bias_ih" + suffix] = shapes["bias_hh" + suffix] = (rows,)
        shapes["head.weight"] = N_CLASSES, shape.directions * shape.hidden
        shapes["head.bias"] = (N_CLASSES,)
        bound = shape.hidden**-0.5
        return {
            name: rng.uniform(-bound, bound, size).astype(self.dtype)
            for name, size in shapes.items()
        }

    def training_flops(self, cell):
        """Multiplications and additions in the matrix products of a training step.

        Three products per weight and step: forward, gradient of the weight, gradient of what came
        in; the network's own input needs no gradient.
        """
        shape, rows = self.shape, CELLS[cell][1] * self.shape.hidden
        weights, inputs = -rows * shape.n_features * shape.directions, shape.n_features
        for _ in range(shape.layers):
            weights += 3 * rows * (inputs + shape.hidden) * shape.directions
            inputs = shape.directions * shape.hidden
        return 2 * self.n_steps() * weights


def suffixes(shape):
    """Ends of the parameters' names, by layer and direction."""
    return [
        f"_l{k}{way}" for k in range(shape.layers) for way in ("", "_reverse")[: shape.directions]
    ]


# ---- ours ----


def ours(work, cell, threads):
    from sklearn_rnn import RNNClassifier, _core
    from sklearn_rnn._model.words import network_of

    shape = work.shape
    values, lengths, labels = work.minibatch()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    rnn = RNNClassifier(
        (shape.hidden,) * shape.layers,
        cell=cell,
        bidirectional=shape.directions == 2,
        dtype=work.dtype,
    )
    network = network_of(vars(rnn), shape.n_features, N_CLASSES, "softmax")
    params = np.empty(network.n_params, dtype=work.dtype)
    given = work.parameters(cell)
    for name, view in network.views(params).items():
        view[:] = given[name]
    engine = network.engine(lengths, len(lengths), threads, training=work.task == "train")

    if work.task == "predict":
        engine.load(params)  # the weights stay: packed once, as the others do
        data = _core.Dataset(values, offsets)
        return lambda: engine.predict(data, raw=True), lambda output: {"output": output}

    data = _core.Dataset(values, offsets, labels)
    indices = np.arange(len(lengths), dtype=np.intp)

    def step():
        engine.load(params)  # an update has changed them
        return engine.loss_and_grad(data, indices)

    def read(result):
        return {"loss": result[0], **network.views(result[1])}

    return step, read


# ---- PyTorch ----


def torch(work, cell, threads, packed=True):
    """Final state as last output, the quickest form; ragged minibatches packed, or else padded."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    torch.set_num_threads(threads)
    torch.set_default_dtype(getattr(torch, work.dtype))
    shape = work.shape
    x, lengths, y = (torch.from_numpy(array) for array in work.padded())
    y, rows, last = y.long(), torch.arange(len(x)), lengths - 1
    network = torch.nn.ModuleDict(
        {
            "rnn": getattr(torch.nn, CELLS[cell][0])(
                shape.n_features,
                shape.hidden,
                num_layers=shape.layers,
                bidirectional=shape.directions == 2,
                batch_first=True,
            ),
            "head": torch.nn.Linear(shape.directions * shape.hidden, N_CLASSES),
        }
    )
    parameters = {name.removeprefix("rnn."): value for name, value in network.named_parameters()}
    with torch.no_grad():
        for name, value in work.parameters(cell).items():
            parameters[name].copy_(torch.from_numpy(value))

    def output():
        pack = work.ragged and packed
        states, final = network["rnn"](
            pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False) if pack else x
        )
        if work.ragged and not packed:
            return network["head"](states[rows, last])
        final = final[0] if cell == "lstm" else final
        return network["head"](
            final[-1] if shape.directions == 1 else torch.cat((final[-2], final[-1]), 1)
        )

    def train():
        network.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(output(), y)
        loss.backward()
        return float(loss.detach())

    def gradients(loss):
        return {"loss": loss, **{name: value.grad.numpy() for name, value in parameters.items()}}

    if work.task == "train":
        return train, gradients
    return torch.inference_mode()(output), lambda result: {"output": result.numpy()}


def torch_padded(work, cell, threads):
    return torch(work, cell, threads, packed=False)


# ---- JAX ----


def jax_cell(cell, hidden):
    """Function (carry, projected input (B, G*H) with b_x, U, b_h) -> carry."""
    import jax
    import jax.numpy as jnp

    def lstm(carry, projected, U, b_h):
        h, c = carry
        i, f, g, o = jnp.split(projected + h @ U + b_h, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def gru(carry, projected, U, b_h):
        recurrent = carry[0] @ U + b_h
        gates = jax.nn.sigmoid(projected[:, : 2 * hidden] + recurrent[:, : 2 * hidden])
        r, z = jnp.split(gates, 2, axis=1)
        n = jnp.tanh(projected[:, 2 * hidden :] + r * recurrent[:, 2 * hidden :])
        return ((1 - z) * n + z * carry[0],)

    def elman(carry, projected, U, b_h):
        return (jnp.tanh(projected + carry[0] @ U + b_h),)

    return {"lstm": lstm, "gru": gru, "elman": elman}[cell]


def jax_environment(folder):
    """Environment of processes that shall compile once: what is compiled stays in `folder`."""
    return {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def jax(work, cell, threads):
    """Jitted `lax.scan`, the inputs of all steps projected in one product before it."""
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = flags if threads == 1 else ""
    if hasattr(os, "sched_setaffinity"):  # the one limit that XLA's thread pool keeps to
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", work.dtype == "float64")
    shape, advance = work.shape, jax_cell(cell, work.shape.hidden)
    x, _, y = work.padded()
    x = jnp.asarray(np.ascontiguousarray(x.transpose(1, 0, 2)))

    def direction(parameters, suffix, x, keep):
        """States (T, B, H) if they are kept, and the final one."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        W, U, b_x, b_h = (parameters[name + suffix].T for name in names)

        def step(carry, projected):
            carry = advance(carry, projected, U, b_h)
            return carry, carry[0] if keep else None

        zeros = jnp.zeros((x.shape[1], shape.hidden), x.dtype)
        start = (zeros,) * (2 if cell == "lstm" else 1)
        final, states = jax.lax.scan(step, start, x @ W + b_x, reverse="reverse" in suffix)
        return states, final[0]

    @jax.jit
    @jax.value_and_grad
    def loss_and_grad(parameters, x, y):
        for layer in range(shape.layers):
            ends = [end for end in suffixes(shape) if end.startswith(f"_l{layer}")]
            ways = [direction(parameters, end, x, layer + 1 < shape.layers) for end in ends]
            states, final = zip(*ways, strict=True)
            x = jnp.concatenate(states, 2) if layer + 1 < shape.layers else None
        output = jnp.concatenate(final, 1) @ parameters["head.weight"].T + parameters["head.bias"]
        return -jax.nn.log_softmax(output)[jnp.arange(len(y)), y].mean()

    parameters = {name: jnp.asarray(value) for name, value in work.parameters(cell).items()}
    y = jnp.asarray(y)

    def read(result):
        gradients = {name: np.asarray(value) for name, value in result[1].items()}
        return {"loss": float(result[0]), **gradients}

    return lambda: jax.block_until_ready(loss_and_grad(parameters, x, y)), read


# ---- ONNX Runtime ----


def onnx_model(work, cell):
    """Layers and head: x (T, B, I) and, if ragged, lengths (B,) -> (B, N_CLASSES)."""
    from onnx import TensorProto, helper, numpy_helper

    shape, hidden, parameters = work.shape, work.shape.hidden, work.parameters(cell)
    nodes, weights = [], []

    def constant(name, array):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def by_direction(layer, name):
        """Array (directions, G*H[, ...]), the gates in ONNX's order."""
        order = np.concatenate([np.arange(hidden) + k * hidden for k in ONNX_GATES[cell]])
        ways = ("", "_reverse")[: shape.directions]
        return np.stack([parameters[f"{name}_l{layer}{way}"][order] for way in ways])

    below, operator = "x", CELLS[cell][0]
    for k in range(shape.layers):
        bias = np.concatenate([by_direction(k, "bias_ih"), by_direction(k, "bias_hh")], 1)
        inputs = [
            below,
            constant(f"W{k}", by_direction(k, "weight_ih")),
            constant(f"R{k}", by_direction(k, "weight_hh")),
            constant(f"B{k}", bias),
            "lengths" if work.ragged else "",
        ]
        nodes.append(
            helper.make_node(
                operator,
                inputs,
                [f"states{k}" if k + 1 < shape.layers else "", f"final{k}"],
                hidden_size=hidden,
                direction="bidirectional" if shape.directions == 2 else "forward",
                **({"linear_before_reset": 1} if cell == "gru" else {}),
            )
        )
        if k + 1 < shape.layers:  # (T, D, B, H) -> (T, B, D*H)
            nodes.append(
                helper.make_node("Transpose", [f"states{k}"], [f"turned{k}"], perm=[0, 2, 1, 3])
            )
            flat = constant(f"flat{k}", np.array([0, 0, shape.directions * hidden]))
            nodes.append(helper.make_node("Reshape", [f"turned{k}", flat], [f"below{k + 1}"]))
            below = f"below{k + 1}"
    nodes += [  # (D, B, H) -> (B, D*H) -> (B, N_CLASSES)
        helper.make_node("Transpose", [f"final{shape.layers - 1}"], ["turned"], perm=[1, 0, 2]),
        helper.make_node("Flatten", ["turned"], ["state"], axis=1),
        helper.make_node(
            "Gemm",
            [
                "state",
                constant("head.weight", parameters["head.weight"]),
                constant("head.bias", parameters["head.bias"]),
            ],
            ["output"],
            transB=1,
        ),
    ]
    size = [shape.n_timesteps, shape.batch, shape.n_features]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, size)]
    if work.ragged:
        given.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, size[1:2]))
    result = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [size[1], N_CLASSES])]
    return helper.make_model(
        helper.make_graph(nodes, "rnn", given, result, weights),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def onnxruntime(work, cell, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        onnx_model(work, cell).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x, lengths, _ = work.padded()
    given = {"x": np.ascontiguousarray(x.transpose(1, 0, 2))}
    if work.ragged:
        given["lengths"] = lengths.astype(np.int32)
    return lambda: session.run(None, given), lambda result: {"output": result[0]}


# ---- all of them ----

LIBRARIES = {
    "sklearn_rnn": ours,
    "torch": torch,
    "torch-padded": torch_padded,
    "jax": jax,
    "onnxruntime": onnxruntime,
}
RIVALS = {  # as tables call them
    "torch": "PyTorch",
    "torch-padded": "PyTorch, padded",
    "jax": "JAX",
    "onnxruntime": "ONNX Runtime",
}


def can(library, work):
    """Whether a library has this work in the comparison."""
    return {
        "sklearn_rnn": True,
        "torch": True,
        "torch-padded": work.ragged and work.shape.directions == 1,  # else it reads the padding
        "jax": work.task == "train" and not work.ragged,
        "onnxruntime": work.task == "predict" and work.dtype == "float32",
    }[library]


def matrix_rate(dtype):
    """GFLOP/s of the quickest of some products of matrices of 2048 x 2048 on one thread.

    By PyTorch's BLAS or NumPy's (held at one thread from outside), whichever is better.
    """
    import time

    import torch

    torch.set_num_threads(1)
    n, best = 2048, np.inf
    a = np.random.default_rng(0).standard_normal((n, n)).astype(dtype)
    for matrix in (torch.from_numpy(a), a):
        for _ in range(4):
            start = time.perf_counter()
            _ = matrix @ matrix
            best = min(best, time.perf_counter() - start)
    return 2e-9 * n**3 / best
