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
    make_engine,
    per_sequence,
    predict,
    reference_arguments,
    simd_level,
)
from networks import Network, Node, Source, random_network, stack_nodes

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


def as_tagger(network, n_tags):
    """Return a network with a conditional random field as its head; None if it cannot have one."""
    head = len(network.nodes) - 1
    read = any(source.node == head for node in network.nodes for source in node.sources)
    once = any(node.kind in reference.OF_ALL_STEPS for node in network.nodes)
    if read or once or not network.per_step or network.window > 1:
        return None
    nodes = with_transitions((*network.nodes[:-1], replace(network.nodes[-1], units=n_tags)))
    return replace(network, nodes=nodes, loss="softmax", quantile=0.5, groups=())


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


def test_random_networks_agree_with_all_sequences():
    n_networks, levels = 0, _core.simd_levels()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        dtype = list(RTOL)[seed % 2]
        network = as_tagger(random_network(rng, dtype), n_tags=3)
        if network is None:
            continue
        n_networks += 1
        network = replace(network, allowed=CONSTRAINTS[list(CONSTRAINTS)[seed % 3 > 0]])
        lengths = rng.integers(1, 5, rng.integers(3, 7))
        params, data = tagging_problem(network, lengths, KNOWN[seed % 4 > 1], seed)
        expected = run_reference(replace(network, dtype="float64"), params, data)
        with simd_level(levels[seed % len(levels)]):
            loss, d_params = loss_and_grad(network, params, data)
            marginals = predict(network, params, data)
        assert_close(loss, expected.loss, RTOL[dtype])
        assert_gradients_close(network, d_params, expected.d_params, RTOL[dtype])
        assert_close(marginals, expected.marginals, RTOL[dtype])
    assert n_networks > 15


# ---- Long sequences, many tags, large scores ----------------------------------------------------


def sums_over_tags(z, transitions, start, end):
    """Return log Z, marginals (T, n) and the expected number of each pair (n, n), step by step."""
    forward, backward = [start + z[0]], [end]
    for row in z[1:]:
        forward.append(np.logaddexp.reduce(forward[-1][:, None] + transitions, axis=0) + row)
    for row in z[:0:-1]:
        backward.append(np.logaddexp.reduce(transitions + (row + backward[-1]), axis=1))
    backward = backward[::-1]
    log_z = np.logaddexp.reduce(forward[-1] + end)
    pairs = np.zeros(transitions.shape)
    for t in range(1, len(z)):
        pairs += np.exp(forward[t - 1][:, None] + transitions + (z[t] + backward[t]) - log_z)
    return log_z, np.exp(np.array(forward) + np.array(backward) - log_z), pairs


def test_sums_step_by_step_are_those_over_all_sequences():
    rng = np.random.default_rng(0)
    z, chain = rng.normal(size=(5, 3)), [rng.normal(size=shape) for shape in ((3, 3), 3, 3)]
    log_z, marginals, pairs = sums_over_tags(z, *chain)
    paths, scores = reference.tag_scores(z, chain)
    p = np.exp(scores - np.logaddexp.reduce(scores))
    expected, (expected_pairs, *_) = reference.tag_expectations(paths, p, 3)
    assert_close(log_z, np.logaddexp.reduce(scores), 1e-12)
    assert_close(marginals, expected, 1e-12)
    assert_close(pairs, expected_pairs, 1e-12)


def chain_problem(n_tags, lengths, dtype, scale=1.0, seed=0):
    """Return a network whose outputs are X, its parameters and data."""
    options = (("activation", "identity"),)
    nodes = (
        Node("dense", "pass", (Source(-1),), units=n_tags, options=options),
        Node("crf", "head", (Source(0),), units=n_tags),
    )
    network = Network(n_tags, nodes, "softmax", 1.0, True, dtype)
    rng = np.random.default_rng(seed)
    params = np.zeros(network.n_params, dtype)
    views = network.views(params)
    views["pass.weight"][...] = views["head.weight"][...] = np.eye(n_tags)
    for stem in ("transitions", "start", "end"):
        view = views[f"head.{stem}"]
        view[...] = (scale * rng.normal(size=view.shape)).astype(np.float32)
    n = sum(lengths)
    values = (scale * rng.normal(size=(n, n_tags))).astype(np.float32).astype(dtype)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    tags = rng.integers(0, n_tags, n).astype(np.int32)
    return network, params, _core.Dataset(values, offsets, tags)


def assert_agrees_with_sums(network, params, data, rtol):
    """Hold loss, marginals and the gradient of the scores against sums step by step."""
    n_tags = network.n_outputs
    views = network.views(params.astype(np.float64))
    chain = [views[f"head.{stem}"] for stem in ("transitions", "start", "end")]
    loss, marginals, d_transitions = 0.0, [], np.zeros((n_tags, n_tags))
    for z, y in zip(
        per_sequence(data.values.astype(np.float64), data),
        per_sequence(data.targets, data),
        strict=True,
    ):
        log_z, p, pairs = sums_over_tags(z, *chain)
        score = z[np.arange(len(y)), y].sum() + chain[1][y[0]] + chain[2][y[-1]]
        loss += log_z - score - chain[0][y[:-1], y[1:]].sum()
        np.subtract.at(pairs, (y[:-1], y[1:]), 1)
        d_transitions += pairs
        marginals.append(p)
    actual, d_params = loss_and_grad(network, params, data)
    assert_close(actual, loss / data.n_steps, rtol)
    assert_close(predict(network, params, data), np.concatenate(marginals), rtol)
    d_actual = network.views(d_params)["head.transitions"]
    assert_close(d_actual, d_transitions / data.n_steps, rtol)


@each_level
@each_dtype
@pytest.mark.parametrize("n_tags", [1, 2, 8, 9, 40, 200])
def test_any_number_of_tags(n_tags, dtype, level):
    with simd_level(level):
        assert_agrees_with_sums(*chain_problem(n_tags, (7, 3, 1), dtype), RTOL[dtype])


@each_dtype
def test_thousands_of_steps_lose_no_digits(dtype):
    problem = chain_problem(5, (4000, 2500), dtype)  # log Z is about 1e4, which limits the sums
    assert_agrees_with_sums(*problem, {"float32": 1e-5, "float64": 1e-10}[dtype])


@each_level
@each_dtype
@pytest.mark.parametrize("scale", [30, 300])
def test_scores_may_be_so_large_that_powers_vanish(scale, dtype, level):
    # exp(-300) is 0 in float32, and exp(-1000) in float64.
    rtol = {"float32": 2e-4, "float64": 1e-10}[dtype]
    for seed in range(10):
        problem = chain_problem(4, (5, 4, 2), dtype, scale, seed)
        with simd_level(level):
            assert_agrees_with_sums(*problem, rtol)


@each_dtype
def test_the_only_way_may_be_a_bad_one(dtype):
    # At each step the best tag can only be reached by a transition that is almost impossible.
    network, params, data = chain_problem(3, (6, 5), dtype, 1.0)
    views = network.views(params)
    views["head.transitions"][...] = [[0, -400, -900], [-900, 0, -400], [-400, -900, 0]]
    data.values[:] = 700 * np.eye(3)[np.arange(len(data.values)) % 3]
    assert_agrees_with_sums(network, params, data, {"float32": 2e-4, "float64": 1e-10}[dtype])


# ---- Bits ---------------------------------------------------------------------------------------


def large_problem(dtype="float32", known="some"):
    network = tagger(9, (8, 8), dtype=dtype)
    lengths = np.random.default_rng(1).integers(20, 90, 13)
    return network, *tagging_problem(network, lengths, known)


def test_threads_and_segments_change_no_bit():
    network, params, data = large_problem()
    loss, d_params = loss_and_grad(network, params, data, n_threads=1)
    whole = make_engine(network, params, data, training=True).n_bytes_of_steps
    for n_threads, budget in ((2, None), (1, whole // 2), (3, whole // 3)):
        other, d_other = loss_and_grad(
            network, params, data, n_threads=n_threads, memory_budget=budget
        )
        assert other == loss
        np.testing.assert_array_equal(d_other, d_params)
    engine = make_engine(
        network, params, data, training=True, n_threads=1, memory_budget=whole // 3
    )
    assert engine.n_bytes_of_steps <= whole // 3


@pytest.mark.parametrize("result", ["linked", "log", "best"])
def test_a_sequence_does_not_depend_on_others(result):
    network, params, data = large_problem()
    together = per_sequence(predict(network, params, data, result=result), data)
    for i, values in enumerate(per_sequence(data.values, data)):
        alone = _core.Dataset(values.copy(), np.array([0, len(values)]))
        np.testing.assert_array_equal(predict(network, params, alone, result=result), together[i])


def test_losses_of_raw_outputs_are_those_of_training():
    network, params, data = large_problem("float64")
    engine = make_engine(network, params, data, training=False)
    losses = engine.row_losses(data, engine.predict(data, raw=True))
    assert np.all(losses[data.weights == 0] == 0)
    loss, _ = loss_and_grad(network, params, data)
    assert_close(np.average(losses, weights=data.weights), loss, 1e-12)
    for of_one, weights in zip(
        per_sequence(losses, data), per_sequence(data.weights, data), strict=True
    ):
        assert len(np.unique(of_one[weights > 0])) <= 1


def test_frozen_scores_leave_the_other_gradients():
    network, params, data = large_problem()
    _, d_params = loss_and_grad(network, params, data)
    frozen = ("head.transitions", "head.end")
    engine = make_engine(network, params, data, training=True, frozen=frozen)
    _, d_other = engine.loss_and_grad(data)
    ours, theirs = network.views(d_other), network.views(d_params)
    for name, gradient in ours.items():
        expected = 0 * theirs[name] if name in frozen else theirs[name]
        np.testing.assert_array_equal(gradient, expected)


def test_where_nothing_is_allowed_there_is_no_best_tag():
    allowed = ((0, 1, 0), (0, 0, 1), (1, 0, 1))  # only 0, 1 are two tags; no others end
    network = tagger(2, allowed=allowed)
    params, data = tagging_problem(replace(network, allowed=None), (2, 3, 2))
    best = predict(network, params, data, result="best")
    np.testing.assert_array_equal(best, [0, 1, -1, -1, -1, 0, 1])
    params[:] = np.nan
    assert np.all(predict(network, params, data, result="best") == -2)


# ---- What the core refuses ----------------------------------------------------------------------


def test_the_core_refuses_what_a_field_cannot_be():
    network = tagger()
    params, data = tagging_problem(network)
    facts = {"lengths": np.ones(1, dtype=np.intp), "batch_size": 1, "n_threads": 1}
    for changes, wrong in (
        ({"loss": "squared_error"}, "needs loss='softmax'"),
        ({"per_step": False}, "per_step=True"),
        ({"allowed": ((1,) * 3,) * 3}, "`allowed` must have shape"),
    ):
        with pytest.raises(ValueError, match=wrong):
            replace(network, **changes).engine(**facts, training=True)
    with pytest.raises(ValueError, match="`windowed` must be False"):
        network.engine(**facts, training=True, windowed=True)
    with pytest.raises(ValueError, match="A session must not"):
        network.session(2)
    plain = replace(network, nodes=(*network.nodes[:-1], replace(network.nodes[-1], kind="head")))
    with pytest.raises(ValueError, match="`result` must be 'linked'"):
        predict(plain, params[: plain.n_params], data, result="best")
    last = len(network.nodes) - 1
    reader = replace(network.nodes[0], sources=(Source(-1), Source(last, -1)))
    with pytest.raises(ValueError, match="needs all steps of a sequence"):
        _core.tensors(3, (reader, *network.nodes[1:]))
