"""The slow twin: recurrent networks in plain NumPy, straight from the equations.

float64, one sequence at a time, one step at a time, fast for nobody. It shares nothing with the
package, so that what both say is likely to be true.

Weights are a dict under PyTorch's names: ``weight_ih_l0`` (G*H, I), ``weight_hh_l0`` (G*H, H),
``bias_ih_l0`` and ``bias_hh_l0`` (G*H,), suffix ``_reverse`` for the second direction, then
``head.weight`` (n_outputs, D*H) and ``head.bias`` (n_outputs,). The order of the dict is that of
the flat vector. X is a list of sequences (T_i, I).

What can be differentiated returns its result and a function ``backward``, which takes the gradient
with respect to that result, adds to the gradients of the weights, and returns that of the input.

A new cell is one function ``NAME_step``, a new loss ``NAME_loss``, an optimizer ``NAME_update``.
"""

from types import SimpleNamespace

import numpy as np


def named(suffix):
    """Collect this module's functions called NAME + suffix, by NAME."""
    return {k.removesuffix(suffix): f for k, f in globals().copy().items() if k.endswith(suffix)}


def sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -x))


# Each activation, and its derivative in terms of its result.
ACTIVATION = {
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "relu": (lambda a: np.maximum(a, 0.0), lambda h: (h > 0).astype(float)),
}


# ---- Cells: step(p, x, h_prev, c_prev, activation) -> h, c, backward ----------------------------
# p and d_p hold one direction's weights and their gradients. A cell without cell state hands c on.


def products(p, x, h_prev):
    """Return the pre-activations from the input and from the hidden state, each (G*H,)."""
    return p.weight_ih @ x + p.bias_ih, p.weight_hh @ h_prev + p.bias_hh


def products_backward(p, x, h_prev, d_a_x, d_a_h, d_p):
    d_p.weight_ih += np.outer(d_a_x, x)
    d_p.weight_hh += np.outer(d_a_h, h_prev)
    d_p.bias_ih += d_a_x
    d_p.bias_hh += d_a_h
    return p.weight_ih.T @ d_a_x, p.weight_hh.T @ d_a_h


def elman_step(p, x, h_prev, c_prev, activation):
    """Elman (1990)."""
    function, derivative = ACTIVATION[activation]
    a_x, a_h = products(p, x, h_prev)
    h = function(a_x + a_h)

    def backward(d_h, d_c, d_p):
        d_a = d_h * derivative(h)
        d_x, d_h_prev = products_backward(p, x, h_prev, d_a, d_a, d_p)
        return d_x, d_h_prev, d_c

    return h, c_prev, backward


def lstm_step(p, x, h_prev, c_prev, activation):
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000)."""
    a_x, a_h = products(p, x, h_prev)
    i, f, g, o = np.split(a_x + a_h, 4)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)

    def backward(d_h, d_c, d_p):
        d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2)
        d_i = d_c * g * i * (1 - i)
        d_f = d_c * c_prev * f * (1 - f)
        d_g = d_c * i * (1 - g**2)
        d_o = d_h * np.tanh(c) * o * (1 - o)
        d_a = np.concatenate([d_i, d_f, d_g, d_o])
        d_x, d_h_prev = products_backward(p, x, h_prev, d_a, d_a, d_p)
        return d_x, d_h_prev, d_c * f

    return h, c, backward


def gru_step(p, x, h_prev, c_prev, activation):
    """Cho et al. (2014), with the reset after the product."""
    a_x, a_h = products(p, x, h_prev)
    (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(a_x, 3), np.split(a_h, 3)
    r = sigmoid(r_x + r_h)
    z = sigmoid(z_x + z_h)
    n = np.tanh(n_x + r * n_h)
    h = (1 - z) * n + z * h_prev

    def backward(d_h, d_c, d_p):
        d_z = d_h * (h_prev - n) * z * (1 - z)
        d_n = d_h * (1 - z) * (1 - n**2)
        d_r = d_n * n_h * r * (1 - r)
        d_a_x, d_a_h = np.concatenate([d_r, d_z, d_n]), np.concatenate([d_r, d_z, d_n * r])
        d_x, d_h_prev = products_backward(p, x, h_prev, d_a_x, d_a_h, d_p)
        return d_x, d_h_prev + d_h * z, d_c

    return h, c_prev, backward


STEP = named("_step")


# ---- The network, on one sequence ---------------------------------------------------------------


def run_direction(weights, suffix, x, cell, activation):
    """Return one direction's hidden states (T, H), in the order of time, and `backward`."""

    def attributes(arrays):
        ours = {k.removesuffix(suffix): a for k, a in arrays.items() if k.endswith(suffix)}
        return SimpleNamespace(**ours)

    p = attributes(weights)
    times = range(len(x))[:: -1 if suffix.endswith("_reverse") else 1]
    h = c = np.zeros(p.weight_hh.shape[1])
    states, backward_steps = np.zeros((len(x), len(h))), {}
    for t in times:
        h, c, backward_steps[t] = STEP[cell](p, x[t], h, c, activation)
        states[t] = h

    def backward(d_states, d_weights):
        d_p, d_x = attributes(d_weights), np.zeros_like(x)
        d_h = d_c = np.zeros(states.shape[1])
        for t in reversed(times):
            d_x[t], d_h, d_c = backward_steps[t](d_states[t] + d_h, d_c, d_p)
        return d_x

    return states, backward


def run_directions(weights, k, x, cell, activation, bidirectional):
    """Return the outputs (T, D*H) of layer `k`, forward's states first, and `backward`."""
    suffixes = [f"_l{k}", f"_l{k}_reverse"][: 1 + bidirectional]
    runs = [run_direction(weights, suffix, x, cell, activation) for suffix in suffixes]

    def backward(d_outputs, d_weights):
        d_states = np.split(d_outputs, len(runs), axis=1)
        return sum(run[1](d, d_weights) for run, d in zip(runs, d_states, strict=True))

    return np.concatenate([states for states, _ in runs], axis=1), backward


def last_index(outputs, bidirectional):
    """Return where the last states stand: at T - 1, those of the reverse direction at 0."""
    n_steps, width = outputs.shape
    unit = np.arange(width)
    return np.where(unit < width // (1 + bidirectional), n_steps - 1, 0), unit


def run_layer(weights, k, x, cell, activation="tanh", bidirectional=False):
    """Return the outputs (T, D*H) of layer `k`, and its last states (D*H,)."""
    x = np.asarray(x, dtype=np.float64)
    outputs, _ = run_directions(weights, k, x, cell, activation, bidirectional)
    return outputs, outputs[last_index(outputs, bidirectional)]


def run_network(
    weights, x, *, cell, activation="tanh", n_layers=1, bidirectional=False, per_step=False
):
    """Return the head's raw outputs (T or 1, n_outputs), and `backward`."""
    outputs, backward_layers = np.asarray(x, dtype=np.float64), []
    for k in range(n_layers):
        outputs, step_back = run_directions(weights, k, outputs, cell, activation, bidirectional)
        backward_layers.append(step_back)
    index = np.arange(len(outputs)) if per_step else last_index(outputs, bidirectional)
    features = np.atleast_2d(outputs[index])
    raw = features @ weights["head.weight"].T + weights["head.bias"]

    def backward(d_raw, d_weights):
        d_weights["head.weight"] += d_raw.T @ features
        d_weights["head.bias"] += d_raw.sum(axis=0)
        d_outputs = np.zeros_like(outputs)
        d_outputs[index] = d_raw @ weights["head.weight"]
        for step_back in reversed(backward_layers):
            d_outputs = step_back(d_outputs, d_weights)
        return d_outputs

    return raw, backward


def forward(weights, X, *, per_step=False, **architecture):
    """Return each sequence's raw head outputs: (T_i, n_outputs) if per step, else (n_outputs,)."""
    raws = [run_network(weights, x, per_step=per_step, **architecture)[0] for x in X]
    return raws if per_step else [raw[0] for raw in raws]


def hidden_states(weights, X, *, layer=-1, n_layers=1, per_step=False, **architecture):
    """Return a layer's states of each sequence: (T_i, D*H) if per step, else the last, (D*H,)."""
    states = []
    for x in X:
        for k in range(range(n_layers)[layer] + 1):
            x, last = run_layer(weights, k, x, **architecture)
        states.append(x if per_step else last)
    return states


# ---- Losses: loss(z, y, huber_delta) -> losses, d_z; the mean over outputs is taken later --------


def softmax_loss(z, y, huber_delta):
    """l = log(sum_k exp(z_k)) - z_y, one for all outputs; y is a class."""
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    one_hot = np.eye(z.shape[1])[y[:, 0]]
    return -np.sum(log_p * one_hot, axis=1, keepdims=True), np.exp(log_p) - one_hot


def logistic_loss(z, y, huber_delta):
    """l = log(1 + exp(z)) - y z; y is 0 or 1."""
    return np.logaddexp(0.0, z) - y * z, sigmoid(z) - y


def squared_error_loss(z, y, huber_delta):
    """l = (z - y)^2."""
    return (z - y) ** 2, 2 * (z - y)


def absolute_error_loss(z, y, huber_delta):
    """l = |z - y|."""
    return np.abs(z - y), np.sign(z - y)


def huber_loss(z, y, huber_delta):
    """l = e^2 / 2 if |e| <= delta, else delta (|e| - delta / 2); e = z - y."""
    e, delta = z - y, huber_delta
    losses = np.where(np.abs(e) <= delta, e**2 / 2, delta * (np.abs(e) - delta / 2))
    return losses, np.clip(e, -delta, delta)


def poisson_loss(z, y, huber_delta):
    """l = exp(z) - y z: a log link, without the terms of y alone."""
    return np.exp(z) - y * z, np.exp(z) - y


LOSS = named("_loss")
LINK = {
    "softmax": lambda z: np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True)),
    "logistic": sigmoid,
    "poisson": np.exp,
}


def predict(weights, X, *, loss, **architecture):
    """Return `forward` behind the loss's link: probabilities, rates, or the raw outputs."""
    return [LINK.get(loss, np.asarray)(raw) for raw in forward(weights, X, **architecture)]


def sequence_losses(
    weights,
    X,
    y,
    sample_weight=None,
    *,
    loss,
    huber_delta=1.0,
    per_step=False,
    divisor=None,
    **architecture,
):
    """Yield each sequence's share of sum(w l) / divisor, its d_raw, and its network's `backward`.

    The divisor is sum(w) if none is given.

    `y` and `sample_weight` hold one entry per sequence: its own if many-to-one; if per step, its
    steps', (T_i,) or (T_i, n_outputs). Targets of weight 0 are never looked at.
    """
    targets = [np.asarray(target) if per_step else np.asarray(target)[None] for target in y]
    ws = [np.ones(len(t)) for t in targets] if sample_weight is None else sample_weight
    ws = [np.atleast_1d(np.asarray(w, dtype=np.float64)) for w in ws]
    total = sum(w.sum() for w in ws) if divisor is None else divisor
    for x, target, w in zip(X, targets, ws, strict=True):
        raw, backward = run_network(weights, x, per_step=per_step, **architecture)
        share, d_raw, taught = 0.0, np.zeros_like(raw), w > 0
        if taught.any():
            z_taught, y_taught = raw[taught], target[taught].reshape(taught.sum(), -1)
            losses, d_z = LOSS[loss](z_taught, y_taught, huber_delta)
            share = w[taught] @ losses.mean(axis=1) / total
            d_raw[taught] = w[taught, None] * d_z / losses.shape[1] / total
        yield share, d_raw, backward


def loss(weights, X, y, sample_weight=None, **options):
    """Return sum(w l) / divisor, over the sequences or the steps; options of `sequence_losses`."""
    return sum(share for share, *_ in sequence_losses(weights, X, y, sample_weight, **options))


def loss_and_grad(weights, X, y, sample_weight=None, **options):
    """Return the loss, its gradients in a dict like `weights`, and those of X in a list."""
    value, d_weights, d_X = 0.0, {name: np.zeros(w.shape) for name, w in weights.items()}, []
    for share, d_raw, backward in sequence_losses(weights, X, y, sample_weight, **options):
        value += share
        d_X.append(backward(d_raw, d_weights))
    return value, d_weights, d_X


def numerical_gradient(function, x, eps=1e-6):
    """Return the central differences of `function(x)`; `x` is shifted in place, and restored."""
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        centre = x[index]
        x[index] = centre + eps
        above = function(x)
        x[index] = centre - eps
        below = function(x)
        x[index] = centre
        gradient[index] = (above - below) / (2 * eps)
    return gradient


# ---- Optimizers: update(w, g, state, ...), flat vectors, w and state (n_vectors, n) in place -----


def flatten(weights):
    return np.concatenate([w.ravel() for w in weights.values()])


def unflatten(params, like):
    """Return views of a flat vector with the names and shapes of `like`."""
    pieces = np.split(params, np.cumsum([w.size for w in like.values()])[:-1])
    return {k: piece.reshape(w.shape) for (k, w), piece in zip(like.items(), pieces, strict=True)}


def decaying(weights):
    """Return which entries of the flat vector `alpha` draws towards zero: all but the biases."""
    return flatten({name: np.full(w.shape, "bias" not in name) for name, w in weights.items()})


def clip(g, max_norm=None, max_value=None):
    """Clip a gradient by its norm, then by value."""
    norm = np.linalg.norm(g)
    if max_norm is not None and norm > max_norm:
        g = g * (max_norm / norm)
    return g if max_value is None else np.clip(g, -max_value, max_value)


def sgd_update(w, g, state, *, learning_rate, momentum=0.9, nesterovs_momentum=True, **_):
    velocity = state[0]
    velocity[:] = momentum * velocity - learning_rate * g
    w += momentum * velocity - learning_rate * g if nesterovs_momentum else velocity


def adam_update(w, g, state, *, learning_rate, t, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **_):
    """Kingma and Ba (2015), algorithm 1."""
    m, v = state
    m[:] = beta_1 * m + (1 - beta_1) * g
    v[:] = beta_2 * v + (1 - beta_2) * g**2
    w -= learning_rate * m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)


def adamw_update(w, g, state, *, learning_rate, alpha, decays, **options):
    """Adam with decoupled weight decay: Loshchilov and Hutter (2019)."""
    w -= learning_rate * alpha * decays * w
    adam_update(w, g, state, learning_rate=learning_rate, **options)


def rmsprop_update(w, g, state, *, learning_rate, beta_2=0.999, epsilon=1e-8, **_):
    v = state[0]
    v[:] = beta_2 * v + (1 - beta_2) * g**2
    w -= learning_rate * g / (np.sqrt(v) + epsilon)


def adagrad_update(w, g, state, *, learning_rate, epsilon=1e-8, **_):
    v = state[0]
    v += g**2
    w -= learning_rate * g / (np.sqrt(v) + epsilon)


UPDATE = named("_update")


def optimize(solver, params, d_params, state, *, decays, alpha=0.0, clipping=(), **options):
    """Change the flat `params` and `state` by one update: penalty, clipping, step.

    `decays` is `decaying(weights)`; `clipping` is (max_grad_norm, max_grad_value), None for none.
    `options`: learning_rate, t (the update's number, from 1), momentum, ...
    """
    penalty = 0.0 if solver == "adamw" else alpha * decays * params
    g = clip(d_params + penalty, *clipping)
    UPDATE[solver](params, g, state, alpha=alpha, decays=decays, **options)
