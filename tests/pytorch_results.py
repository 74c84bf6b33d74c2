"""What PyTorch computes for the small ragged networks that make_fixtures.py stores."""

import numpy as np
import torch
from make_fixtures import CELLS, CONNECTIONS
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

torch.set_num_threads(1)  # more would only wait for each other

LENGTHS = (3, 7, 1, 5, 5)
N_FEATURES, HIDDEN, N_CLASSES, N_TARGETS = 3, 4, 3, 2
LEARNING_RATE, LEARNING_RATE_OF_ADAM, N_UPDATES = 0.1, 0.01, 20


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


class Stack(torch.nn.Module):
    """Layers of one cell, with connections that PyTorch's own stacks do not have."""

    def __init__(self, kind, connections, n_layers, bidirectional, **options):
        super().__init__()
        self.connections, self.bidirectional = connections, bidirectional
        self.width = HIDDEN * (1 + bidirectional)
        above = self.width + N_FEATURES * (connections == "skip")
        self.layers = torch.nn.ModuleList(
            getattr(torch.nn, kind)(
                above if layer else N_FEATURES,
                HIDDEN,
                bidirectional=bidirectional,
                dtype=torch.float64,
                **options,
            )
            for layer in range(n_layers)
        )

    def states(self, X):
        """Return the top layer's states, and what the head reads: both (n_steps, width)."""
        read = [run(self.layers[0], X)[0]]
        states = read[0]
        for layer in self.layers[1:]:
            if self.connections == "skip":
                states = run(layer, torch.cat((states, X), dim=1))[0]
                read.append(states)
            else:
                states = run(layer, read[0])[0]
                read = [read[0] + states]
        return states, torch.cat(read, dim=1)

    def last(self, states):
        """Return the last rows of each sequence, of each unit in its direction."""
        ends = torch.tensor(LENGTHS).cumsum(0) - 1
        starts = ends + 1 - torch.tensor(LENGTHS)
        forward = torch.arange(states.shape[1]) % self.width < HIDDEN
        return torch.where(forward, states[ends], states[starts])


def named_parameters(rnn):
    """Return the recurrent weights under the names that layers of one network have in PyTorch."""
    if not isinstance(rnn, Stack):
        return dict(rnn.named_parameters())
    return {
        name.replace("_l0", f"_l{k}"): parameter
        for k, layer in enumerate(rnn.layers)
        for name, parameter in layer.named_parameters()
    }


def features(rnn, X):
    """Return what a head per step and a head per sequence read."""
    if isinstance(rnn, Stack):
        read = rnn.states(X)[1]
        return read, rnn.last(read)
    return run(rnn, X)


def top_states(rnn, X):
    """Return the top layer's states and its last ones."""
    if isinstance(rnn, Stack):
        states = rnn.states(X)[0]
        return states, rnn.last(states)
    return run(rnn, X)


def cross_entropy(raw, targets, sample_weight):
    losses = torch.nn.functional.cross_entropy(raw, targets, reduction="none")
    return (sample_weight * losses).sum() / sample_weight.sum()


def squared_error(raw, targets, sample_weight):
    losses = torch.nn.functional.mse_loss(raw, targets, reduction="none").mean(dim=1)
    return (sample_weight * losses).sum() / sample_weight.sum()


def named(prefix, rnn, head, get=lambda parameter: parameter):
    """Return numpy copies of `get(parameter)` for all weights, under `prefix`."""
    weights = named_parameters(rnn) if rnn else {}
    weights |= {f"head.{name}": p for name, p in head.named_parameters()} if head else {}
    return {f"{prefix}/{name}": get(p).detach().numpy().copy() for name, p in weights.items()}


def run_task(task, rnn, head, X, targets, sample_weight):
    """Return the arrays of one task, and its loss as a function of the network as it stands."""
    per_step = task == "many_to_many"

    def compute():
        raw = head(features(rnn, X)[0 if per_step else 1])
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


def compute(name, connections, n_layers, bidirectional):
    """Return all arrays of one file."""
    cell, activation, kind, options = CELLS[name]
    seed = [list(CELLS).index(name), n_layers]
    if connections:
        rng = np.random.default_rng([*seed, CONNECTIONS.index(connections)])
        rnn = Stack(kind, connections, n_layers, bidirectional, **options)
    else:
        rng = np.random.default_rng(seed)
        rnn = getattr(torch.nn, kind)(
            N_FEATURES,
            HIDDEN,
            n_layers,
            bidirectional=bidirectional,
            dtype=torch.float64,
            **options,
        )
    width = HIDDEN * (1 + bidirectional) * (n_layers if connections == "skip" else 1)
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

    outputs, last = top_states(rnn, X)
    arrays = {
        "torch_version": str(torch.__version__),
        "cell": cell,
        "activation": activation,
        "n_layers": n_layers,
        "bidirectional": bidirectional,
        **({"connections": connections} if connections else {}),
        "X": X.detach().numpy(),
        "offsets": np.concatenate([[0], np.cumsum(LENGTHS)]),
        **named("weights", rnn, None),
        "outputs": outputs.detach().numpy(),
        "last": last.detach().numpy(),
    }
    arrays |= run_task("many_to_many", rnn, heads[1], X, values, step_weight)[0]
    task, loss = run_task("many_to_one", rnn, heads[0], X, classes, sequence_weight)
    arrays |= task
    if connections:
        return arrays

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
