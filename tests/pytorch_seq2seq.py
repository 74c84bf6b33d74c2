"""What PyTorch computes for the encoders and decoders that make_fixtures.py stores.

One sequence at a time, so that there is no padding: an encoder, its last states through a map with
a tanh as the h (and c) with which the decoder begins, and a decoder of one cell with attention.
"""

import numpy as np
import torch
from pytorch_results import draw_weights

SOURCE_LENGTHS, TARGET_LENGTHS = (3, 7, 1, 5, 5), (4, 2, 6, 1, 6)
N_FEATURES, N_TARGET_FEATURES, N_CLASSES = 3, 2, 4
ENCODER, DECODER, ALIGNMENT = 3, 5, 4  # units, the encoder's in each direction


class EncoderDecoder(torch.nn.Module):
    """An encoder with both directions, and a decoder.

    With the score "additive" (Bahdanau et al., 2015) the state before asks, and the cell reads the
    context. With "dot" (Luong et al., 2015) the new state asks, and a layer with a tanh behind it
    reads both; the keys are a linear map of the encoder's states ("general").
    """

    def __init__(self, cell, score):
        super().__init__()
        self.cell, self.score = cell, score
        linear, memory = torch.nn.Linear, 2 * ENCODER
        states = {"gru": 1, "lstm": 2}[cell]
        read = N_TARGET_FEATURES + (memory if score == "additive" else 0)
        kinds = {"gru": ("GRU", "GRUCell"), "lstm": ("LSTM", "LSTMCell")}[cell]
        self.encoder = getattr(torch.nn, kinds[0])(N_FEATURES, ENCODER, bidirectional=True)
        self.start = linear(memory, states * DECODER)
        self.decoder = getattr(torch.nn, kinds[1])(read, DECODER)
        if score == "additive":
            self.keys = linear(memory, ALIGNMENT, bias=False)
            self.query = linear(DECODER, ALIGNMENT)
            self.v = torch.nn.Parameter(torch.empty(ALIGNMENT))
            self.head = linear(DECODER + memory, N_CLASSES)
        else:
            self.keys = linear(memory, DECODER, bias=False)
            self.attentional = linear(DECODER + memory, DECODER)
            self.head = linear(DECODER, N_CLASSES)

    def attend(self, h, keys, values):
        """Return the weights of the source steps, and the mean of the values under them."""
        if self.score == "additive":
            e = torch.tanh(self.query(h) + keys) @ self.v
        else:
            e = keys @ h
        a = torch.softmax(e, dim=0)
        return a, a @ values

    def forward(self, x, fed):
        """Return raw outputs (T, N_CLASSES) and weights (T, S) of one sequence."""
        values, states = self.encoder(x)
        last = (states[0] if self.cell == "lstm" else states).flatten()
        states = list(torch.tanh(self.start(last)).split(DECODER))
        keys, raw, weights = self.keys(values), [], []
        for row in fed:
            if self.score == "additive":
                a, context = self.attend(states[0], keys, values)
                states = self.step(torch.cat((row, context)), states)
                raw.append(self.head(torch.cat((states[0], context))))
            else:
                states = self.step(row, states)
                a, context = self.attend(states[0], keys, values)
                attentional = torch.tanh(self.attentional(torch.cat((states[0], context))))
                raw.append(self.head(attentional))
            weights.append(a)
        return torch.stack(raw), torch.stack(weights)

    def step(self, x, states):
        states = self.decoder(x, tuple(states) if self.cell == "lstm" else states[0])
        return list(states) if self.cell == "lstm" else [states]


def our_names(network):
    """Return the parameters under the names of the package's arrays."""
    names = {"start": "start", "keys": "keys", "query": "context", "v": "context.score"}
    names |= {"attentional": "attentional", "head": "head"}
    named = {}
    for name, parameter in network.named_parameters():
        module, _, rest = name.partition(".")
        if module == "encoder":
            named[rest] = parameter
        elif module == "decoder":
            named[f"{rest}_decoder"] = parameter
        else:
            named[f"{names[module]}.{rest}" if rest else names[module]] = parameter
    return named


def split(values, lengths):
    return torch.split(values, list(lengths))


def compute(cell, score):
    """Return all arrays of one file."""
    rng = np.random.default_rng([len(cell), len(score)])
    torch.set_default_dtype(torch.float64)
    network = EncoderDecoder(cell, score)
    draw_weights(network, rng)
    n_source, n_target = sum(SOURCE_LENGTHS), sum(TARGET_LENGTHS)
    X = torch.from_numpy(rng.standard_normal((n_source, N_FEATURES))).requires_grad_()
    fed = torch.from_numpy(rng.standard_normal((n_target, N_TARGET_FEATURES)))
    classes = torch.from_numpy(rng.integers(N_CLASSES, size=n_target))
    sequences = zip(split(X, SOURCE_LENGTHS), split(fed, TARGET_LENGTHS), strict=True)
    raw, weights = zip(*(network(x, row) for x, row in sequences), strict=True)
    raw = torch.cat(raw)
    loss = torch.nn.functional.cross_entropy(raw, classes)
    loss.backward()
    named = our_names(network)
    return {
        "torch_version": str(torch.__version__),
        "cell": cell,
        "score": score,
        "X": X.detach().numpy(),
        "offsets": np.concatenate([[0], np.cumsum(SOURCE_LENGTHS)]),
        "fed": fed.numpy(),
        "target_offsets": np.concatenate([[0], np.cumsum(TARGET_LENGTHS)]),
        "targets": classes.numpy(),
        **{f"weights/{name}": p.detach().numpy().copy() for name, p in named.items()},
        **{f"gradients/{name}": p.grad.numpy().copy() for name, p in named.items()},
        "raw": raw.detach().numpy(),
        "attention": np.concatenate([a.detach().numpy().ravel() for a in weights]),
        "loss": loss.item(),
        "d_X": X.grad.numpy(),
    }
