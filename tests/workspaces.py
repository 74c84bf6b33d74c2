"""Workspaces of engines, to see how large they are."""

import re

import numpy as np
import pytest
from cases import loss_and_grad
from networks import stack_nodes

from sklearn_rnn import _core


def make_workspace(
    n_timesteps,
    cell,
    training=True,
    per_step=True,
    n_layers=1,
    *,
    hidden_layer_sizes=None,
    bidirectional=False,
    n_outputs=2,
    cell_options=(),
    **options,
):
    nodes = stack_nodes(
        cell,
        hidden_layer_sizes or (64,) * n_layers,
        n_outputs=n_outputs,
        options=cell_options,
        directions="both" if bidirectional else "forward",
        per_step=per_step,
    )
    settings = dict(
        n_features=3,
        nodes=nodes,
        loss="softmax",
        per_step=per_step,
        dtype="float32",
        n_threads=1,
        training=training,
        lengths=np.full(1, n_timesteps),
        batch_size=1,
    )
    return _core.Engine(**{**settings, **options})


def least_budget(network, params, data, **options):
    """Return the fewest bytes that training accepts, which its refusal of less tells."""
    with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
        loss_and_grad(network, params, data, memory_budget=1, **options)
    return int(re.search(r"at least (\d+)", str(refusal.value))[1])
