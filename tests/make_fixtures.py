"""Write what PyTorch computes for small ragged networks to tests/data/, for the tests to compare.

Needs PyTorch, which the tests do not; run it by hand: ``python tests/make_fixtures.py``.

One file per network: ``{elman_tanh,elman_relu,lstm,gru}_{1,2}.npz``, where 1 is one layer in one
direction and 2 is two bidirectional layers, all of HIDDEN units. float64 throughout. In a file:

    torch_version                       str
    cell, activation                    str, as the package names them
    n_layers, bidirectional             int, bool
    X, offsets                          (n_steps, 3), (6,): sequence i is X[offsets[i]:offsets[i+1]]
    weights/NAME                        the recurrent weights under PyTorch's names
    outputs                             (n_steps, D*H): the top layer's states, rows as in X
    last                                (5, D*H): its last states; the reverse direction's at step 0
    many_to_one/...                     softmax cross entropy on `last`, 3 classes
    many_to_many/...                    squared error, mean over 2 outputs, on `outputs`
    trajectory/loss                     (20,): many_to_one by gradient descent on all of X, learning
                                        rate 0.1; the loss before each step
    trajectory/weights/NAME             the weights after the last step, with those of the head
    adam/loss, adam/weights/NAME        the same by Adam with learning rate 0.01

A task, many_to_one or many_to_many, with one row per sequence or per step, holds

    TASK/targets                        (5,) classes, or (n_steps, 2)
    TASK/sample_weight                  (5,), or (n_steps,), with some zeros
    TASK/weights/head.weight, .bias     its head
    TASK/raw                            (rows, n_outputs): the head's outputs, before any link
    TASK/loss                           sum(w l) / sum(w)
    TASK/gradients/NAME                 of every weight, with those of the head
    TASK/d_X                            (n_steps, 3)
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

DATA = Path(__file__).parent / "data"
LENGTHS = (3, 7, 1, 5, 5)
N_FEATURES, HIDDEN, N_CLASSES, N_TARGETS = 3, 4, 3, 2
LEARNING_RATE, LEARNING_RATE_OF_ADAM, N_UPDATES = 0.1, 0.01, 20
CELLS = {
    "elman_tanh": ("elman", "tanh", torch.nn.RNN, {"nonlinearity": "tanh"}),
    "elman_relu": ("elman", "relu", torch.nn.RNN, {"nonlinearity": "relu"}),
    "lstm": ("lstm", "tanh", torch.nn.LSTM, {}),
    "gru": ("gru", "tanh", torch.nn.GRU, {}),
}


def draw_weights(module, rng):
    """Fill a module with numbers that do not depend on PyTorch's generator."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(0.5 * rng.standard_normal(tuple(parameter.shape))))


def run(rnn, X):
    """Return the top layer's states, flat, and its last states, both in the order of `X`."""
    packed_outputs, states = rnn(pack_sequence(torch.split(X, LENGTHS), enforce_sorted=False))
    padded, lengths = pad_packed_sequence(packed_outputs, batch_first=True)
    h_n = states[0] if isinstance(states, tuple) else states
    n_directions = 1 + rnn.bidirectional
    outputs = torch.cat([row[:length] for row, length in zip(padded, lengths, strict=True)])
    return outputs, torch.cat(tuple(h_n[-n_directions:]), dim=1)


def cross_entropy(raw, targets, sample_weight):
    losses = torch.nn.functional.cross_entropy(raw, targets, reduction="none")
    return (sample_weight * losses).sum() / sample_weight.sum()


def squared_error(raw, targets, sample_weight):
    losses = torch.nn.functional.mse_loss(raw, targets, reduction="none").mean(dim=1)
    return (sample_weight * losses).sum() / sample_weight.sum()


def named(prefix, rnn, head, get=lambda parameter: parameter):
    """Return numpy copies of `get(parameter)` for all weights, under `prefix`."""
    weights = dict(rnn.named_parameters()) if rnn else {}
    weights |= {f"head.{name}": p for name, p in head.named_parameters()} if head else {}
    return {f"{prefix}/{name}": get(p).detach().numpy().copy() for name, p in weights.items()}


def run_task(task, rnn, head, X, targets, sample_weight):
    """Return the arrays of one task, and its loss as a function of the network as it stands."""
    per_step = task == "many_to_many"

    def compute():
        raw = head(run(rnn, X)[0 if per_step else 1])
        return raw, (squared_error if per_step else cross_entropy)(raw, targets, sample_weight)

    raw, loss = compute()
    for tensor in (*rnn.parameters(), *head.parameters(), X):
        tensor.grad = None
    loss.backward()
    arrays = {
        f"{task}/targets": targets.numpy(),
        f"{task}/sample_weight": sample_weight.numpy(),
        **named(f"{task}/weights", None, head),
        f"{task}/raw": raw.detach().numpy(),
        f"{task}/loss": loss.item(),
        **named(f"{task}/gradients", rnn, head, lambda parameter: parameter.grad),
        f"{task}/d_X": X.grad.numpy().copy(),
    }
    return arrays, lambda: compute()[1]


def make(name, n_layers, bidirectional, rng):
    """Return all arrays of one file."""
    cell, activation, kind, options = CELLS[name]
    rnn = kind(
        N_FEATURES, HIDDEN, n_layers, bidirectional=bidirectional, dtype=torch.float64, **options
    )
    width = HIDDEN * (1 + bidirectional)
    heads = [torch.nn.Linear(width, n, dtype=torch.float64) for n in (N_CLASSES, N_TARGETS)]
    for module in (rnn, *heads):
        draw_weights(module, rng)

    n_steps = sum(LENGTHS)
    X = torch.from_numpy(rng.standard_normal((n_steps, N_FEATURES))).requires_grad_()
    classes = torch.tensor([0, 2, 1, 1, 0])
    values = torch.from_numpy(rng.standard_normal((n_steps, N_TARGETS)))
    sequence_weight = torch.from_numpy(rng.uniform(0.5, 2.0, len(LENGTHS)))
    step_weight = torch.from_numpy(rng.uniform(0.5, 2.0, n_steps))
    step_weight[::4] = 0.0

    outputs, last = run(rnn, X)
    arrays = {
        "torch_version": str(torch.__version__),
        "cell": cell,
        "activation": activation,
        "n_layers": n_layers,
        "bidirectional": bidirectional,
        "X": X.detach().numpy(),
        "offsets": np.concatenate([[0], np.cumsum(LENGTHS)]),
        **named("weights", rnn, None),
        "outputs": outputs.detach().numpy(),
        "last": last.detach().numpy(),
    }
    arrays |= run_task("many_to_many", rnn, heads[1], X, values, step_weight)[0]
    task, loss = run_task("many_to_one", rnn, heads[0], X, classes, sequence_weight)
    arrays |= task

    parameters = [*rnn.parameters(), *heads[0].parameters()]
    start = [parameter.detach().clone() for parameter in parameters]
    for trajectory, optimizer in (
        ("trajectory", torch.optim.SGD(parameters, lr=LEARNING_RATE)),
        ("adam", torch.optim.Adam(parameters, lr=LEARNING_RATE_OF_ADAM)),
    ):
        with torch.no_grad():
            for parameter, values in zip(parameters, start, strict=True):
                parameter.copy_(values)
        losses = []
        for _ in range(N_UPDATES):
            optimizer.zero_grad()
            value = loss()
            value.backward()
            optimizer.step()
            losses.append(value.item())
        arrays[f"{trajectory}/loss"] = np.array(losses)
        arrays |= named(f"{trajectory}/weights", rnn, heads[0])
    return arrays


def main():
    torch.set_num_threads(1)
    DATA.mkdir(exist_ok=True)
    for seed, name in enumerate(CELLS):
        for n_layers in (1, 2):
            arrays = make(name, n_layers, n_layers == 2, np.random.default_rng([seed, n_layers]))
            np.savez_compressed(DATA / f"{name}_{n_layers}.npz", **arrays)


if __name__ == "__main__":
    main()
