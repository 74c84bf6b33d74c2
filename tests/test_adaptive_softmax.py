"""Adaptive softmax: a head with tails, whose classes are computed only where they are taught."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from cases import (
    RTOL,
    RTOL_DIFFERENCES,
    RTOL_REORDERED,
    assert_close,
    assert_results_agree,
    draw_dataset,
    draw_params,
    loss_and_grad,
    make_engine,
    predict,
    run_engine,
    run_reference,
    set_optimizer,
    simd_level,
)
from networks import DATA, Network, add_node
from workspaces import least_budget

from sklearn_rnn import _core
from sklearn_rnn._model.network import ready

N_CLASSES, CUTOFFS, UNITS = 23, (5, 9), 8


def adaptive_network(
    dtype="float64",
    per_step=True,
    n_classes=N_CLASSES,
    cutoffs=CUTOFFS,
    units=UNITS,
    factor=2.0,
    rate=0.2,
):
    nodes = []
    layer = add_node(nodes, "recurrent", [DATA], "l0", units=units, cell="gru")
    if not per_step:
        layer = add_node(nodes, "last", [layer])
    layer = add_node(nodes, "drop", [layer], "drop", options=(("rate", rate), ("layer", 0)))
    add_node(nodes, "head", [layer], "head", units=n_classes)
    network = Network(3, tuple(nodes), "softmax", 1.0, per_step, dtype)
    return network.with_adaptive_softmax(cutoffs, factor)


def problem(lengths=(4, 6, 1, 3, 7), weighted=True, **options):
    network = adaptive_network(**options)
    rng = np.random.default_rng(0)
    return network, draw_params(network, rng), draw_dataset(network, lengths, rng, weighted)


def log_probabilities(network, params, data):
    return predict(network, params, data, raw=True).astype(np.float64)


# ---- what is computed ---------------------------------------------------------------------------


def test_arrays_have_these_names_and_shapes():
    network = adaptive_network()
    shapes = {name: shape for name, _, shape in network.layout}
    assert shapes == reference.layout(network.nodes, 3)
    assert shapes["head.weight"] == (5 + 2, 8)
    assert shapes["tail_0_projection.weight"] == (4, 8)
    assert shapes["tail_0.weight"] == (4, 4)
    assert shapes["tail_1_projection.weight"] == (2, 8)
    assert shapes["tail_1.weight"] == (14, 2)
    assert network.n_outputs == N_CLASSES


@pytest.mark.parametrize("level", _core.simd_levels())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_step", [True, False])
def test_results_are_those_of_the_reference(per_step, dtype, level):
    network, params, data = problem(dtype=dtype, per_step=per_step)
    expected = run_reference(*problem(per_step=per_step))
    with simd_level(level):
        actual = run_engine(network, params, data)
    assert_results_agree(network, actual, expected)
    assert_close(actual.predictions.sum(axis=1), 1.0, RTOL[dtype])


@pytest.mark.parametrize("per_step", [True, False])
def test_gradients_are_those_of_central_differences(per_step):
    network, params, data = problem(per_step=per_step, lengths=(2, 3))
    options = {"seed": 5, "update": 1, "dropout": True}
    _, d_params = loss_and_grad(network, params, data, **options)
    expected = reference.numerical_gradient(
        lambda p: loss_and_grad(network, p, data, **options)[0], params.copy()
    )
    assert_close(d_params, expected, RTOL_DIFFERENCES)


def test_probabilities_and_gradients_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    network, params, data = problem(weighted=False)
    views = network.views(params)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(
        UNITS, N_CLASSES, list(CUTOFFS), div_value=2.0, head_bias=True, dtype=torch.float64
    )
    pairs = {
        "head.weight": theirs.head.weight,
        "head.bias": theirs.head.bias,
        **{f"tail_{i}_projection.weight": theirs.tail[i][0].weight for i in range(2)},
        **{f"tail_{i}.weight": theirs.tail[i][1].weight for i in range(2)},
    }
    for name, weight in pairs.items():
        weight.data = torch.tensor(views[name].copy())
    h = torch.tensor(make_engine(network, params, data, training=False, result=0).predict(data))
    found = log_probabilities(network, params, data)
    assert_close(found, theirs.log_prob(h).detach().numpy(), 1e-12)
    theirs(h, torch.tensor(data.targets.astype(np.int64))).loss.backward()
    d_views = network.views(loss_and_grad(network, params, data)[1])
    for name, weight in pairs.items():
        assert_close(d_views[name], weight.grad.numpy(), 1e-12, name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_step", [True, False])
def test_losses_of_targets_need_no_outputs(per_step, dtype):
    network, params, data = problem(dtype=dtype, per_step=per_step, lengths=[9] * 30)
    for each in (network, with_plain_head(network)):
        given = params if each is network else draw_params(each, np.random.default_rng(1))
        engine = make_engine(each, given, data, training=False)
        outputs = engine.predict(data, raw=True)
        losses = engine.predict(data, losses=True)
        assert losses.dtype == np.float64 and losses.shape == (len(outputs),)
        assert_close(losses, engine.row_losses(data, outputs), RTOL[dtype])
        np.testing.assert_array_equal(engine.predict(data, raw=True), outputs)
    assert (losses[data.weights == 0] == 0).all() and (losses[data.weights > 0] > 0).all()


def with_plain_head(network):
    nodes = [node for node in network.nodes if not node.name.startswith("tail")]
    return replace(network, nodes=(*nodes[:-1], replace(nodes[-1], units=N_CLASSES)))


def test_a_row_does_not_depend_on_its_neighbours():
    network, params, data = problem(dtype="float32", lengths=[9] * 40, weighted=False)
    whole = predict(network, params, data)
    losses = make_engine(network, params, data, training=False).predict(data, losses=True)
    part = _core.Dataset(data.values[63:72], np.array([0, 9]), data.targets[63:72])
    np.testing.assert_array_equal(predict(network, params, part), whole[63:72])
    engine = make_engine(network, params, part, training=False)
    np.testing.assert_array_equal(engine.predict(part, losses=True), losses[63:72])


@pytest.mark.parametrize("label", [0, CUTOFFS[0], N_CLASSES - 1])
def test_a_tail_without_rows_has_no_gradient(label):
    network, params, data = problem(weighted=False)
    loss_and_grad(network, params, data)
    data.targets[...] = label
    data = _core.Dataset(data.values, data.offsets, data.targets)
    _, d_params = loss_and_grad(network, params, data)
    for name, d_weights in network.views(d_params).items():
        number = sum(label >= cutoff for cutoff in CUTOFFS) - 1
        assert d_weights.any() == (not name.startswith("tail") or f"tail_{number}" in name)
    expected = run_reference(network, params, data)
    assert_close(d_params, expected.d_params, RTOL["float64"])


def test_a_session_has_the_outputs_of_a_prediction():
    network, params, data = problem((6, 6, 6))
    session = network.session(3)
    session.load(params)
    X = data.values.reshape(3, 6, -1)
    for raw in (False, True):
        session.load(params)
        whole = predict(network, params, data, raw=raw).reshape(3, 6, -1)
        for t in range(6):
            outputs = session.step(np.ascontiguousarray(X[:, t]), raw=raw)
            np.testing.assert_array_equal(outputs, whole[:, t])


# ---- training -----------------------------------------------------------------------------------


def train(network, start, data, n_parts=None, **options):
    """Return parameters, moments and losses after two updates with all sequences."""
    n = data.n_samples
    params, state = start.copy(), np.zeros((2, len(start)), start.dtype)
    lengths = np.diff(data.offsets)
    engine = network.engine(lengths, n, options.pop("n_threads", 1), True, **options)
    engine.load(params)
    set_optimizer(engine, "adam", alpha=0.01, max_grad_norm=0.1)
    with ready(engine):
        losses = [
            engine.train_minibatch(data, np.arange(n), params, state, 0.01, update)
            for update in (1, 2)
        ]
    return params, state, np.array(losses)


@pytest.mark.parametrize("per_step", [True, False])
def test_neither_threads_nor_memory_change_a_bit(per_step):
    lengths = np.random.default_rng(0).integers(20, 60, 60)
    network, start, data = problem(lengths=lengths, dtype="float32", per_step=per_step)
    least = least_budget(network, start, data)
    expected = train(network, start, data)
    for options in ({"n_threads": 2}, {"n_threads": 3, "memory_budget": least}):
        for ours, theirs in zip(train(network, start, data, **options), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_minibatch_in_parts_is_that_of_one_call():
    network, start, data = problem(lengths=np.full(24, 9))
    indices, results = np.arange(24), []
    for parts in ([indices], [indices[:16], indices[16:]]):  # the last part has fewer slices
        params, state = start.copy(), np.zeros((1, len(start)))
        engine = network.engine(np.full(24, 9), 24 // len(parts) + 4, 1, True, n_accumulated=2)
        engine.load(params)
        set_optimizer(engine)
        engine.weigh_by(100.0, 0.0)
        with ready(engine):
            for part, each in enumerate(parts):
                given = {"part": part, "n_parts": 2} if len(parts) > 1 else {}
                engine.train_minibatch(data, each, params, state, 0.1, 1, **given)
        results.append(params)
    assert not np.array_equal(results[0], start)
    assert_close(results[1], results[0], RTOL_REORDERED)


@pytest.mark.parametrize(
    "frozen", [["tail_1.weight"], ["tail_1.weight", "tail_1_projection.weight"], ["head.weight"]]
)
def test_frozen_arrays_stay(frozen):
    network, start, data = problem()
    params, _, _ = train(network, start, data, frozen=frozen)
    for name, view in network.views(params).items():
        assert np.array_equal(view, network.views(start)[name]) == (name in frozen)


def test_memory_is_bounded_by_few_rows_of_all_outputs():
    network = adaptive_network("float32", n_classes=50_000, cutoffs=(2000, 10_000), units=64)
    planned = network.workspace(np.full(32, 35), 32, 2, True, windowed=True)
    of_steps = 35 * 8 * 64 * 20  # numbers that the layers keep
    # of a block of rows for the head (twice: also room for copies), and of 32 for tails
    outputs = 2 * (8 + 128) * 2100 + 32 * 48_100
    assert planned["steps"] / 2 < 4 * (outputs + of_steps)


def test_a_large_vocabulary_is_learned():
    # The next class is the one after: 600 of them, all but 20 in tails.
    network = adaptive_network("float32", n_classes=600, cutoffs=(20, 100), units=32, rate=0.0)
    nodes = []
    add_node(nodes, "embed", [], "words", units=32, options=(("column", 0), ("rows", 600)))
    nodes += [
        replace(node, sources=tuple(replace(s, node=s.node + 1) for s in node.sources))
        for node in network.nodes
    ]
    network = replace(network, n_features=1, nodes=tuple(nodes))
    rng = np.random.default_rng(0)
    params, codes = draw_params(network, rng), rng.permutation(600)
    data = _core.Dataset(
        codes[:, np.newaxis].astype(np.float32),
        np.arange(0, 601, 10),
        ((codes + 1) % 600).astype(np.int32),
    )
    state = np.zeros((2, len(params)), "float32")
    engine = make_engine(network, params, data, training=True)
    set_optimizer(engine, "adam")
    with ready(engine):
        for update in range(1, 201):
            loss, _ = engine.train_minibatch(data, np.arange(60), params, state, 0.02, update)
    assert loss < 0.1
    found = predict(network, params, data).argmax(axis=1)
    assert (found == data.targets).mean() > 0.97


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("cutoffs", [(), (0,), (5, 5), (9, 5), (N_CLASSES,), range(1, 10)])
def test_cutoffs_must_increase_within_the_classes(cutoffs):
    with pytest.raises(ValueError, match="`cutoffs` must be 1 to 8 increasing integers"):
        adaptive_network(cutoffs=cutoffs)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"loss": "squared_error"}, "must have the loss 'softmax' with label_smoothing=0, got 'sq"),
        ({"label_smoothing": 0.1}, "must have the loss 'softmax' with label_smoothing=0, got 'so"),
    ],
)
def test_other_losses_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(adaptive_network(), **changes).engine([3], 1, 1, True)


def test_labels_that_are_no_classes_are_refused():
    network, params, data = problem(weighted=False)
    data.targets[2] = N_CLASSES
    data = _core.Dataset(data.values, data.offsets, data.targets)
    with pytest.raises(ValueError, match="must be classes 0 to 22, got 0 to 23"):
        loss_and_grad(network, params, data)


def test_nobody_reads_a_tail_or_a_head_with_tails():
    network = adaptive_network()
    tail = next(i for i, node in enumerate(network.nodes) if node.kind == "tail")
    for read, message in ((tail, "must not read a tail"), (len(network.nodes) - 1, "not be read")):
        layer = network.nodes[0]
        source = replace(layer.sources[0], node=read, shift=-1)
        nodes = (replace(layer, sources=(*layer.sources, source)), *network.nodes[1:])
        with pytest.raises(ValueError, match=message):
            _core.tensors(3, nodes)
