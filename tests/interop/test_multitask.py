"""The loss of several tasks against PyTorch's own losses, one for each task."""

import numpy as np
import pytest
import torch
from cases import (
    GRU,
    RTOL_TORCH_GRADIENTS,
    assert_close,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_network,
)
from torch.nn import functional

GROUPS = (("softmax", 3), ("logistic", 1), ("squared_error", 1), ("poisson", 1))
WEIGHTS = [2.0, 0.5, 1.5, 0.7]


@pytest.mark.parametrize("dtype", RTOL_TORCH_GRADIENTS)
def test_pytorch_finds_the_same_gradients(dtype):
    network = make_network(GRU, loss="multitask", groups=GROUPS, dtype=dtype)
    rng = np.random.default_rng(0)
    params = draw_params(network, rng)
    data = draw_dataset(network, np.full(8, 4), rng)
    loss, d_params = loss_and_grad(network, params, data, group_weights=WEIGHTS)

    p = {name: torch.tensor(w) for name, w in network.views(params).items()}
    gru = torch.nn.GRU(3, 5, batch_first=True, dtype=getattr(torch, dtype))
    head = torch.nn.Linear(5, 6, dtype=getattr(torch, dtype))
    gru.load_state_dict({name: w for name, w in p.items() if "head" not in name})
    head.load_state_dict({name.removeprefix("head."): w for name, w in p.items() if "head" in name})
    z = head(gru(torch.tensor(data.values.reshape(8, 4, 3)))[1][0])
    y = torch.tensor(data.targets)
    known = ~y.isnan()
    assert known.any(0).all() and not known.all()
    k = [known[:, g] for g in range(4)]
    losses = [
        functional.cross_entropy(z[k[0], :3], y[k[0], 0].long(), reduction="sum"),
        functional.binary_cross_entropy_with_logits(z[k[1], 3], y[k[1], 1], reduction="sum"),
        functional.mse_loss(z[k[2], 4], y[k[2], 2], reduction="sum"),
        functional.poisson_nll_loss(z[k[3], 5], y[k[3], 3], reduction="sum"),
    ]
    expected = sum(w * each for w, each in zip(WEIGHTS, losses, strict=True)) / 8
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=RTOL_TORCH_GRADIENTS[dtype])
    found = {**dict(gru.named_parameters()), **{f"head.{n}": w for n, w in head.named_parameters()}}
    for name, gradient in network.views(d_params).items():
        assert_close(gradient, found[name].grad.numpy(), RTOL_TORCH_GRADIENTS[dtype], name)
