"""Parts for words, two at a time: each pair works, or is refused by name."""

import re
from itertools import combinations

import numpy as np
import pytest
from cases import (
    RTOL_DIFFERENCES,
    RTOL_REORDERED,
    assert_close,
    draw_dataset,
    draw_pairs,
    draw_params,
    loss_and_grad,
    make_engine,
    predict,
)
from networks import DATA, Network, Source, add_node
from test_decoder import forced

from sklearn_rnn import RNNClassifier, _core
from sklearn_rnn._model.network import TARGET_DATA, ready
from sklearn_rnn.language import RNNLanguageModel

N_CLASSES, UNITS = 6, 5
LENGTHS = np.arange(24) % 7 + 1
FROZEN = (  # one array of each head; and a layer through which gradients pass
    *("head.bias", "head.transitions", "tail_0.weight"),
    *("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
)
PARTS = (
    *("crf", "tails", "smoothing", "tied", "word_dropout", "second_axis", "once"),
    *("windows", "carried", "parts", "frozen", "little_memory", "by_step"),
)
REFUSED = {
    ("crf", "tails"): "A head of kind 'crf' must not have tails",
    ("crf", "smoothing"): "`label_smoothing` must be 0 with a head of kind 'crf'",
    ("crf", "once"): "Node 'head' must read streams with one row per step",
    ("crf", "windows"): "`windowed` must be False with a head of kind 'crf'",
    ("tails", "smoothing"): "tails must have the loss 'softmax' with label_smoothing=0",
    ("tails", "tied"): "must not be tied to a head with tails",
    ("tails", "by_step"): "`by_step` must be False in training with tails",
    ("second_axis", "once"): "must be on axis 0: nodes of kind 'last'",
    ("second_axis", "windows"): "`windowed` must be False in a network with nodes of axis 1",
    ("second_axis", "carried"): "`carried` must be False in a network with nodes of axis 1",
}


def network_of(parts):
    """Return a network that reads codes, and numbers, with these parts."""
    axis = int("second_axis" in parts)
    nodes, read = [], [TARGET_DATA if axis else DATA]
    options = {"column": 1, "rows": N_CLASSES - 1}
    if "tied" in parts:
        options |= {"tied": True, "first_row": 1}
    if "word_dropout" in parts:
        options |= {"word_dropout": 0.4, "unknown": 2}
    if axis:
        source = add_node(nodes, "recurrent", [DATA], "source", units=UNITS, cell="gru")
        last = add_node(nodes, "last", [source])
    fields = {"units": UNITS, "options": tuple(options.items()), "axis": axis}
    read.append(add_node(nodes, "embed", [], "words", **fields))
    begins = [Source(last, weight="initial")] if axis else []
    options = (("initial_state", "source"),) if axis else ()
    fields = {"units": UNITS, "cell": "gru", "options": options, "axis": axis}
    layer = add_node(nodes, "recurrent", [*read, *begins], "l0", **fields)
    if "once" in parts:
        layer = add_node(nodes, "last", [layer], axis=axis)
    kind = "crf" if "crf" in parts else "head"
    add_node(nodes, kind, [layer], "head", units=N_CLASSES, axis=axis)
    network = Network(
        2,
        tuple(nodes),
        "softmax",
        1.0,
        "once" not in parts,
        "float64",
        label_smoothing=0.2 * ("smoothing" in parts),
        n_target_features=2 * axis,
    )
    return network.with_adaptive_softmax((3,), 1.5) if "tails" in parts else network


def problem(parts):
    network, rng = network_of(parts), np.random.default_rng(0)
    params = draw_params(network, rng)
    if "second_axis" in parts:
        data = draw_pairs(network, LENGTHS[::-1], LENGTHS, rng)
    else:
        data = draw_dataset(network, LENGTHS, rng)
    if {"carried", "second_axis"}.issubset(parts):
        make_engine(network, params, data, training=True, carried=True)
    elif "carried" in parts:
        shape = len(LENGTHS), sum(n for _, _, n in network.state_layout)
        given = {"initial_state": rng.uniform(-0.5, 0.5, shape)}
        data = _core.Dataset(data.values, data.offsets, data.targets, **given)
    return network, params, data


DROPPING = {"seed": 3, "update": 1, "dropout": True, "n_threads": 1}


def step_of(network, start, data, parts):
    """Return minus the change of one update with learning rate 1, a gradient, and its arrays."""
    n, options = len(LENGTHS), {"n_threads": 1}
    everyone = np.arange(n, dtype=np.intp)
    groups = [everyone]
    if "parts" in parts:
        groups, options["n_accumulated"] = [everyone[:17], everyone[17:]], 2
    if "frozen" in parts:
        names = [name for name, _, _ in network.layout]
        options["frozen"] = tuple(name for name in FROZEN if name in names)
    if "windows" in parts:
        options["windowed"] = True
    options |= {"training": True, "by_step": "by_step" in parts, "seed": 3}
    if "little_memory" in parts:
        with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
            make_engine(network, start, data, memory_budget=1, **options)
        options["memory_budget"] = int(re.search(r"at least (\d+)", str(refusal.value))[1])
    engine = make_engine(network, start, data, **options)
    given, states = data, {}
    if "windows" in parts:
        given = _core.Windows(data, data.offsets[:-1].copy(), LENGTHS, everyone)
        initial = np.zeros((n, sum(size for _, _, size in network.state_layout)))
        initial = initial if data.initial_state is None else data.initial_state
        states = {"initial_state": initial, "final_state": initial.copy()}
    params, moments = start.copy(), np.zeros((1, len(start)))
    engine.load(params)
    engine.weigh_by(float(LENGTHS.sum() if network.per_step else n), 0.0)
    with ready(engine):
        for part, each in enumerate(groups):
            places = {"part": part, "n_parts": len(groups)} if len(groups) > 1 else {}
            engine.train_minibatch(given, each, params, moments, 1.0, 1, **places, **states)
    return start - params, options.get("frozen", ())


def check(parts):
    network, params, data = problem(parts)
    loss, d_params = loss_and_grad(network, params, data, **DROPPING)
    for name, gradient in network.views(d_params).items():
        assert np.any(gradient), name
    direction, h = np.random.default_rng(1).standard_normal(len(params)), 1e-6
    high, low = (
        loss_and_grad(network, params + sign * h * direction, data, **DROPPING)[0]
        for sign in (1, -1)
    )
    assert_close((high - low) / (2 * h), direction @ d_params, RTOL_DIFFERENCES)
    step, frozen = step_of(network, params, data, parts)
    expected = d_params.copy()
    for name in frozen:
        network.views(expected)[name][...] = 0
    assert_close(step, expected, RTOL_REORDERED)
    if not {"smoothing", "word_dropout"}.intersection(parts):
        losses = predict(network, params, data, losses=True)
        assert losses.shape == (LENGTHS.sum() if network.per_step else len(LENGTHS),)
        assert_close(losses.mean(), loss, 1e-12)
    for result, node in enumerate(network.nodes[:-1]):
        if node.kind != "tail" and "carried" not in parts:
            read = data.source if "second_axis" in parts and node.axis == 0 else data
            engine = make_engine(network, params, read, training=False, result=result)
            assert np.all(np.isfinite(engine.predict(read)))


@pytest.mark.parametrize("pair", [*combinations(PARTS, 2)], ids="-".join)
def test_two_parts_go_together_or_are_refused_by_name(pair):
    if pair not in REFUSED:
        check(pair)
        return
    with pytest.raises(ValueError, match=REFUSED[pair]):
        check(pair)


def test_a_decoder_has_the_outputs_of_tails():
    network, params, data = problem(("tails", "second_axis"))
    assert_close(forced(network, params, data), predict(network, params, data, raw=True), 1e-12)


TEXTS = [list("abcdefab"), list("bcd"), list("hgfedca")] * 3


@pytest.mark.parametrize("options", [{"tie_embeddings": True}, {"adaptive_softmax": [3]}])
def test_the_last_hidden_states_are_those_of_the_last_steps(options):
    rnn = RNNLanguageModel(6, embedding_dim=6, max_iter=1, random_state=0, **options)
    assert_last_states(rnn.fit(TEXTS), TEXTS)


def test_so_are_those_of_a_tagger_with_constraints():
    X = [np.ones((n, 1)) for n in (3, 1, 5)]
    y = [["O", "B-a", "I-a", "O", "O"][: len(x)] for x in X]
    rnn = RNNClassifier(6, mode="many_to_many", transitions=True, allowed_transitions="BIO")
    assert_last_states(rnn.set_params(max_iter=1).fit(X, y), X)


def assert_last_states(rnn, X):
    last = rnn.hidden_states(X)
    steps = rnn.hidden_states(X, return_sequences=True)
    np.testing.assert_array_equal(last, [states[-1] for states in steps])


def test_a_tagger_refuses_smoothed_labels():
    rnn = RNNClassifier(2, mode="many_to_many", transitions=True, label_smoothing=0.1)
    with pytest.raises(ValueError, match="`label_smoothing` must be 0 with transitions=True"):
        rnn.fit(np.ones((2, 3, 1)), [[0, 1, 0]] * 2)
