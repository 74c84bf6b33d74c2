"""Conditional random fields: sums over all sequences of tags, against all sequences one by one."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    assert_close,
    assert_gradients_close,
    draw_dataset,
    draw_params,
    least_scale,
    loss_and_grad,
    predict,
    reference_arguments,
    simd_level,
)
from networks import Network, stack_nodes

from sklearn_rnn import _core

each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_level = pytest.mark.parametrize("level", _core.simd_levels())
LENGTHS = (4, 1, 6, 3, 5, 2)
# Tag 2 may only follow 1 or 2, and not begin; 1 may not end.
ALLOWED = ((1, 1, 0, 1), (1, 1, 1, 0), (1, 1, 1, 1), (1, 1, 0, 1))
CONSTRAINTS = {"all": None, "some": ALLOWED}
KNOWN = ("all", "some")


def with_transitions(nodes):
    return (*nodes[:-1], replace(nodes[-1], kind="crf"))


def tagger(n_tags=3, sizes=(5,), *, directions="forward", dtype="float64", allowed=None, **changes):
    """Return a network with a conditional random field over so many tags."""
    nodes = stack_nodes("gru", sizes, n_outputs=n_tags, directions=directions, per_step=True)
    facts = 3, with_transitions(nodes), "softmax", 1.0, True, dtype
    return Network(*facts, allowed=allowed, **changes)


def draw_tags(n_tags, lengths, allowed, rng):
    """Return tags of sequences that the constraints allow, (sum of lengths,)."""
    allowed = np.ones((n_tags + 1, n_tags + 1)) if allowed is None else np.array(allowed)
    tags = []
    for n in lengths:
        while True:
            y = rng.integers(0, n_tags, n)
            steps = np.concatenate([[n_tags], y, [n_tags]])
            if allowed[steps[:-1], steps[1:]].all():
                break
        tags.append(y)
    return np.concatenate(tags).astype(np.int32)


def tagging_problem(network, lengths=LENGTHS, known="all", seed=0):
    """Return parameters and data; the tags of some steps, and of one sequence, may be unknown."""
    rng = np.random.default_rng(seed)
    params = draw_params(network, rng)
    for name, array in network.views(params).items():
        if name.endswith(("transitions", "start", "end")):
            array[...] = rng.uniform(-2, 2, array.shape).astype(np.float32)
    data = draw_dataset(network, lengths, rng)
    tags = draw_tags(network.n_outputs, lengths, network.allowed, rng)
    weights = None
    if known == "some":
        weights = np.repeat(rng.uniform(0.5, 2.0, len(lengths)), lengths)
        weights[rng.random(len(weights)) < 0.4] = 0.0
        weights[: lengths[0]] = 0.0  # nothing is known of the first sequence
        weights[-1] = 1.5
        tags[weights == 0] = rng.integers(0, network.n_outputs, np.sum(weights == 0))
        weights[-lengths[-1] :] = np.where(weights[-lengths[-1] :] > 0, 1.5, 0.0)
    return params, _core.Dataset(data.values, data.offsets, tags, weights)


def run_reference(network, params, data):
    weights, X, *targets = reference_arguments(network, params, data)
    options = {"nodes": network.nodes, "loss": "softmax", "per_step": True}
    loss, d_weights, d_X = reference.loss_and_grad(
        weights, X, *targets, allowed=network.allowed, **options
    )
    raws = reference.forward(weights, X, network.nodes, per_step=True)
    chain = reference.chain_of(weights, network.nodes[-1])
    facts = chain, network.allowed
    return SimpleNamespace(
        loss=loss,
        d_params=reference.flatten(d_weights),
        d_values=np.concatenate(d_X),
        marginals=np.concatenate([reference.tag_marginals(z, *facts) for z in raws]),
        best=np.concatenate([reference.best_tags(z, *facts) for z in raws]),
    )


@cache
def reference_of(constraints, known, n_tags=3):
    network = tagger(n_tags, allowed=CONSTRAINTS[constraints])
    return run_reference(network, *tagging_problem(network, known=known))


# ---- The reference ------------------------------------------------------------------------------


@pytest.mark.parametrize("constraints", CONSTRAINTS)
@pytest.mark.parametrize("known", KNOWN)
def test_gradients_of_the_reference_are_the_slopes_of_its_loss(known, constraints):
    network = tagger(sizes=(2,), allowed=CONSTRAINTS[constraints])
    params, data = tagging_problem(network, LENGTHS[:3], known)
    _, *facts = reference_arguments(network, params, data)
    options = {"nodes": network.nodes, "loss": "softmax", "per_step": True}
    options["allowed"] = network.allowed

    def loss_at(params):
        return reference.loss(network.views(params), *facts, **options)

    _, d_weights, _ = reference.loss_and_grad(network.views(params), *facts, **options)
    slopes = reference.numerical_gradient(loss_at, params.copy())
    assert_close(reference.flatten(d_weights), slopes, 1e-6)


def test_without_scores_of_pairs_the_reference_is_the_softmax():
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((4, 3)), np.array([2, 0, 0, 1])
    zeros = [np.zeros((3, 3)), np.zeros(3), np.zeros(3)]
    loss, d_z, _ = reference.tag_loss(z, zeros, y, np.ones(4, dtype=bool))
    losses, expected = reference.softmax_loss(z, y[:, None])
    assert_close(loss, losses.sum(), 1e-12)
    assert_close(d_z, expected, 1e-12)
    np.testing.assert_array_equal(reference.best_tags(z, zeros), z.argmax(axis=1))


# ---- The kernels against the reference ----------------------------------------------------------


@each_level
@each_dtype
@pytest.mark.parametrize("constraints", CONSTRAINTS)
@pytest.mark.parametrize("known", KNOWN)
def test_loss_and_gradient_are_those_over_all_sequences(known, constraints, dtype, level):
    network = tagger(dtype=dtype, allowed=CONSTRAINTS[constraints])
    params, data = tagging_problem(network, known=known)
    expected = reference_of(constraints, known)
    with simd_level(level):
        loss, d_params, d_values = loss_and_grad(network, params, data, input_gradient=True)
    assert_close(loss, expected.loss, RTOL[dtype])
    assert_gradients_close(network, d_params, expected.d_params, RTOL[dtype])
    assert_close(d_values, expected.d_values, RTOL[dtype], "", least_scale(expected.d_params))


@each_level
@each_dtype
@pytest.mark.parametrize("constraints", CONSTRAINTS)
def test_predictions_are_those_over_all_sequences(constraints, dtype, level):
    network = tagger(dtype=dtype, allowed=CONSTRAINTS[constraints])
    params, data = tagging_problem(network)
    expected = reference_of(constraints, "all")
    with simd_level(level):
        marginals, log_marginals, best = (
            predict(network, params, data, result=result) for result in ("linked", "log", "best")
        )
    assert marginals.dtype == log_marginals.dtype == dtype
    assert_close(marginals, expected.marginals, RTOL[dtype])
    assert_close(np.exp(log_marginals), expected.marginals, RTOL[dtype])
    np.testing.assert_array_equal(best, expected.best)
