"""Norms in cells against loops in PyTorch, from its own functions, and its gradients."""

import numpy as np
import pytest
import torch
from cases import (
    RTOL_TORCH_GRADIENTS,
    RTOL_TORCH_OUTPUTS,
    assert_close,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_network,
    predict,
)
from torch.nn import functional

EPSILON = 1e-5
N_UNITS, N_FEATURES, N_SEQUENCES, N_STEPS = 5, 3, 4, 6
GATES = {"elman": 1, "lstm": 4, "gru": 3}


def norm(method, p, name, a):
    shape, gain = a.shape[-1:], p[f"norm_weight_{name}_l0"]
    if method == "rms":
        return functional.rms_norm(a, shape, gain, eps=EPSILON)
    return functional.layer_norm(a, shape, gain, p.get(f"norm_bias_{name}_l0"), eps=EPSILON)


def step(cell, method, p, x, h, c):
    a_x = norm(method, p, "ih", functional.linear(x, p["weight_ih_l0"], p["bias_ih_l0"]))
    a_h = norm(method, p, "hh", functional.linear(h, p["weight_hh_l0"])) + p["bias_hh_l0"]
    if cell == "elman":
        return torch.tanh(a_x + a_h), c
    if cell == "gru":
        (r_x, z_x, n_x), (r_h, z_h, n_h) = a_x.chunk(3, dim=1), a_h.chunk(3, dim=1)
        z = torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + torch.sigmoid(r_x + r_h) * n_h)
        return (1 - z) * n + z * h, c
    i, f, g, o = (a_x + a_h).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(norm(method, p, "c", c)), c


def outputs(cell, method, p, X):
    """Return what the head makes of each step, (n_sequences, n_steps, n_outputs)."""
    h = c = torch.zeros(len(X), N_UNITS, dtype=X.dtype)
    states = []
    for x in X.unbind(1):
        h, c = step(cell, method, p, x, h, c)
        states.append(h)
    return functional.linear(torch.stack(states, 1), p["head.weight"], p["head.bias"])


@pytest.mark.parametrize("dtype", RTOL_TORCH_OUTPUTS)
@pytest.mark.parametrize("method", ["layer", "rms"])
@pytest.mark.parametrize("cell", GATES)
def test_pytorch_finds_the_same_outputs_and_gradients(cell, method, dtype):
    variant = "tanh" if cell == "elman" else ""
    network = make_network(
        (cell, variant), (N_UNITS,), normalization=method, per_step=True, dtype=dtype
    )
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    data = draw_dataset(network, [N_STEPS] * N_SEQUENCES, rng)
    p = {
        name: torch.tensor(array, requires_grad=True)
        for name, array in network.views(params).items()
    }
    X = torch.tensor(data.values).reshape(N_SEQUENCES, N_STEPS, N_FEATURES).requires_grad_()
    theirs = outputs(cell, method, p, X)
    loss = functional.mse_loss(theirs.flatten(0, 1), torch.tensor(data.targets))
    loss.backward()
    ours = predict(network, params, data)
    rtol = RTOL_TORCH_OUTPUTS[dtype]
    assert_close(ours, theirs.detach().flatten(0, 1).numpy(), rtol)
    value, d_params, d_values = loss_and_grad(network, params, data, input_gradient=True)
    assert_close(value, loss.item(), rtol)
    assert_close(d_values, X.grad.flatten(0, 1).numpy(), RTOL_TORCH_GRADIENTS[dtype], "X")
    for name, gradient in network.views(d_params).items():
        assert_close(gradient, p[name].grad.numpy(), RTOL_TORCH_GRADIENTS[dtype], name)
