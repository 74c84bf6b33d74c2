"""The nodes that a constructor's words make, and the descriptions of networks."""

import copy
import json
import pickle
from itertools import pairwise, product

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._model import network_description, parts, words
from sklearn_rnn._model.network import DATA, Node, Source
from sklearn_rnn.cells import LSTM, Elman, IndRNN, Jordan

WORDS = {
    "cell": "gru",
    "hidden_layer_sizes": (3, 2),
    "bidirectional": False,
    **network_description.LATER,
    "mode": "many_to_one",
    "huber_delta": 1.0,
    "quantile": 0.5,
    "dropout": 0.0,
    "dtype": "float64",
}
REST = {"categorical_features": None, "embedding_dim": "auto", "quantile": 0.5}
REST |= {"transitions": False, "allowed_transitions": None}
N_FEATURES, N_OUTPUTS, LOSS = 4, 3, "softmax"


def network_of(**given):
    return words.network_of({**WORDS, **given}, N_FEATURES, N_OUTPUTS, LOSS)


# ---- words -> nodes -----------------------------------------------------------------------------


def sources(*nodes):
    return tuple(node if isinstance(node, Source) else Source(node) for node in nodes)


def gru(layer, units, *read, directions="forward"):
    fields = {"units": units, "cell": "gru", "directions": directions}
    options = (("reset_after", True),)
    return Node("recurrent", f"l{layer}", sources(*read), options=options, **fields)


def jordan(layer, units, below, head):
    read = (Source(below, 0, "weight_ih"), Source(head, -1, "weight_oh"))
    options = (("activation", "tanh"),)
    return Node("recurrent", f"l{layer}", read, units=units, cell="jordan", options=options)


def drop(layer, of):
    options = (("rate", 0.25), ("layer", float(layer)))
    return Node("drop", f"drop_{layer}", sources(of), options=options)


def add(layer, *of):
    return Node("add", f"sum_{layer}", sources(*of))


def last(i, of):
    return Node("last", f"last_{i}", sources(of))


def head(*read):
    return Node("head", "head", sources(*read), units=N_OUTPUTS)


PER_STEP, DROPOUT = {"mode": "many_to_many"}, {"dropout": 0.25}
BOTH = {"directions": "both"}
RESIDUAL, SKIP, JORDAN = {"connections": "residual"}, {"connections": "skip"}, {"cell": "jordan"}
# name -> words, nodes; the sources of a node are numbers of nodes, counted from 0.
STACKS = {
    "plain": ({}, [gru(0, 3, DATA), gru(1, 2, 0), last(0, 1), head(2)]),
    "plain, per step": (PER_STEP, [gru(0, 3, DATA), gru(1, 2, 0), head(1)]),
    "plain, dropout": (
        DROPOUT,
        [gru(0, 3, DATA), drop(0, 0), gru(1, 2, 1), last(0, 2), drop(1, 3), head(4)],
    ),
    "plain, dropout, per step": (
        DROPOUT | PER_STEP,
        [gru(0, 3, DATA), drop(0, 0), gru(1, 2, 1), drop(1, 2), head(3)],
    ),
    "bidirectional": (
        {"bidirectional": True},
        [gru(0, 3, DATA, **BOTH), gru(1, 2, 0, **BOTH), last(0, 1), head(2)],
    ),
    "bidirectional, per step": (
        {"bidirectional": True} | PER_STEP,
        [gru(0, 3, DATA, **BOTH), gru(1, 2, 0, **BOTH), head(1)],
    ),
    "residual": (
        {"hidden_layer_sizes": (3, 3)} | RESIDUAL,
        [gru(0, 3, DATA), gru(1, 3, 0), add(1, 0, 1), last(0, 2), head(3)],
    ),
    "residual, dropout": (
        {"hidden_layer_sizes": (3, 3)} | RESIDUAL | DROPOUT,
        [
            *(gru(0, 3, DATA), drop(0, 0), gru(1, 3, 1), drop(1, 2), add(1, 1, 3)),
            *(last(0, 4), head(5)),
        ],
    ),
    "residual, dropout, per step": (
        {"hidden_layer_sizes": (3, 3)} | RESIDUAL | DROPOUT | PER_STEP,
        [gru(0, 3, DATA), drop(0, 0), gru(1, 3, 1), drop(1, 2), add(1, 1, 3), head(4)],
    ),
    "residual, three layers, per step": (
        {"hidden_layer_sizes": (3, 3, 3)} | RESIDUAL | PER_STEP,
        [gru(0, 3, DATA), gru(1, 3, 0), add(1, 0, 1), gru(2, 3, 2), add(2, 2, 3), head(4)],
    ),
    "residual, some layers of one width": (
        {"hidden_layer_sizes": (3, 3, 2)} | RESIDUAL | DROPOUT,
        [
            *(gru(0, 3, DATA), drop(0, 0), gru(1, 3, 1), drop(1, 2), add(1, 1, 3)),
            *(gru(2, 2, 4), last(0, 5), drop(2, 6), head(7)),
        ],
    ),
    "residual, no layers of one width": (
        RESIDUAL,
        [gru(0, 3, DATA), gru(1, 2, 0), last(0, 1), head(2)],
    ),
    "skip": (SKIP, [gru(0, 3, DATA), gru(1, 2, 0, DATA), last(0, 0), last(1, 1), head(2, 3)]),
    "skip, per step": (SKIP | PER_STEP, [gru(0, 3, DATA), gru(1, 2, 0, DATA), head(0, 1)]),
    "skip, dropout": (
        SKIP | DROPOUT,
        [
            *(gru(0, 3, DATA), drop(0, 0), gru(1, 2, 1, DATA)),
            *(last(0, 1), last(1, 2), drop(1, 4), head(3, 5)),
        ],
    ),
    "skip, dropout, per step": (
        SKIP | DROPOUT | PER_STEP,
        [gru(0, 3, DATA), drop(0, 0), gru(1, 2, 1, DATA), drop(1, 2), head(1, 3)],
    ),
    "jordan": (JORDAN, [jordan(0, 3, DATA, head=2), jordan(1, 2, 0, head=2), head(1)]),
    "jordan, per step": (
        JORDAN | PER_STEP,
        [jordan(0, 3, DATA, head=2), jordan(1, 2, 0, head=2), head(1)],
    ),
    "jordan, dropout": (
        JORDAN | DROPOUT,
        [jordan(0, 3, DATA, head=4), drop(0, 0), jordan(1, 2, 1, head=4), drop(1, 2), head(3)],
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_words_make_these_nodes(name):
    given, nodes = STACKS[name]
    network = network_of(**given)
    assert network.nodes == tuple(nodes)
    assert network.per_step == ("per step" in name)
    facts = network.n_features, network.n_outputs, network.loss, network.huber_delta, network.dtype
    assert facts == (N_FEATURES, N_OUTPUTS, LOSS, 1.0, "float64")


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_no_two_nodes_share_dropout_masks(mode):
    dropping = {"dropout": 0.2, "input_dropout": 0.2, "output_dropout": 0.2, "mode": mode}
    others = {"bidirectional": True, "output_layer_sizes": (4, 4), "connections": "residual"}
    cell = LSTM(projection_size=2)
    for sizes in ((3, 3), (3, 3, 3)):
        network = network_of(cell=cell, hidden_layer_sizes=sizes, **dropping, **others)
        numbers = [dict(node.options)["layer"] for node in network.nodes if node.kind == "drop"]
        assert len(numbers) == len(set(numbers)) > len(sizes) + 2


def test_weights_of_one_stem_stand_side_by_side():
    shapes = {t.name: t.shape for t in network_of(connections="skip", cell="jordan").tensors}
    assert shapes["weight_ih_l0"] == (3, N_FEATURES)
    assert shapes["weight_ih_l1"] == (2, 3 + N_FEATURES)
    assert shapes["weight_oh_l0"] == (3, N_OUTPUTS) and shapes["weight_oh_l1"] == (2, N_OUTPUTS)
    assert shapes["head.weight"] == (N_OUTPUTS, 3 + 2)


# ---- network -> words, network <-> description -------------------------------------------------

CELLS = (
    *_core.CELLS,
    Elman(activation="relu"),
    Jordan(activation="relu"),
    IndRNN(activation="tanh"),
    LSTM(peepholes=True),
    LSTM(forget_bias=-0.5),
)


def some_words():
    """Yield words for many networks."""
    for cell, sizes, connections in product(
        CELLS, [(3,), (3, 3), (3, 2), (2, 3, 3)], [None, "residual", "skip"]
    ):
        both = [False] if parts.kind_of(cell) == "jordan" else [False, True]
        for bidirectional, mode, dropout in product(both, words.MODES, [0.0, 0.3]):
            yield {
                "cell": cell,
                "hidden_layer_sizes": sizes,
                "bidirectional": bidirectional,
                "connections": connections,
                "mode": mode,
                "huber_delta": 0.7,
                "dropout": dropout,
                "dtype": "float32" if dropout else "float64",
            }


def has_effect(given):
    sizes = given["hidden_layer_sizes"]
    if given["connections"] == "residual":
        return any(a == b for a, b in pairwise(sizes))
    return len(sizes) > 1


def test_a_network_gives_its_words_back():
    for given in some_words():
        got = words.words_of(network_of(**given))
        assert got.pop("loss") == LOSS
        assert repr(got.pop("cell")) == repr(given["cell"])
        expected = {name: value for name, value in given.items() if name != "cell"}
        if not has_effect(given):
            expected["connections"] = None
        defaults = {**network_description.LATER, **network_description.ADDED_WORDS, **REST}
        assert got == {**defaults, **expected}


def test_a_description_gives_its_network_back():
    for given in some_words():
        network = network_of(**given)
        description = json.loads(json.dumps(network_description.describe(network)))
        assert network_description.from_description(description) == network
        assert words.difference(network, network) is None


def test_networks_differ_by_the_first_word_that_differs():
    sizes = {"hidden_layer_sizes": (3, 3)}
    plain = network_of(**sizes)
    for given, difference in (
        (RESIDUAL, ("connections", None, "residual")),
        (SKIP, ("connections", None, "skip")),
        (DROPOUT, None),
        ({"cell": "lstm"}, ("cell", "gru", "lstm")),
        ({"hidden_layer_sizes": (3, 2)}, ("hidden_layer_sizes", (3, 3), (3, 2))),
    ):
        assert words.difference(plain, network_of(**{**sizes, **given})) == difference
    assert words.difference(network_of(), network_of(**RESIDUAL)) is None


def changed(*path, value):
    """Return a function that changes one entry of a description."""

    def change(facts):
        for step in path[:-1]:
            facts = facts[step]
        facts[path[-1]] = value

    return change


# Of a network of two layers, lstm and elman.
CHANGES = {
    "a rate of 1": changed("dropout", value=1.0),
    "a rate that is a text": changed("dropout", value="0.5"),
    "an unknown cell": changed("cell", 0, "kind", value="abacus"),
    "a cell without its kind": lambda facts: facts["cell"][0].pop("kind"),
    "a cell that is a text": changed("cell", 0, value="lstm"),
    "cells in a dict": changed("cell", value={}),
    "one cell less": lambda facts: facts["cell"].pop(),
    "an unknown option": changed("cell", 0, "options", "activation", value="tanh"),
    "an option less": lambda facts: facts["cell"][0]["options"].pop("peepholes"),
    "an option of another type": changed("cell", 0, "options", "peepholes", value=1),
    "options in a list": changed("cell", 0, "options", value=[["peepholes", False]]),
    "an option out of its range": changed("cell", 0, "options", "forget_bias", value=1e9),
    "no units": changed("hidden_layer_sizes", 0, value=0),
    "units that are a number with a point": changed("hidden_layer_sizes", 0, value=3.0),
    "too many layers": changed("hidden_layer_sizes", value=[1] * 65),
    "no outputs": changed("n_outputs", value=0),
    "no features": changed("n_features", value=0),
    "one more entry": changed("alpha", value=0.25),
    "an entry less": lambda facts: facts.pop("mode"),
    "an unknown mode": changed("mode", value="one_to_one"),
    "an unknown pooling": changed("pooling", value={"kind": "min", "options": {}}),
    "pooling per step": changed("pooling", value={"kind": "mean", "options": {}}),
    "an unknown input layer": changed("input_layers", value=[{"kind": "lstm", "options": {}}]),
    "groups without their loss": changed("groups", value=[2]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_damaged_description_is_refused(name):
    facts = network_description.describe(network_of(cell=["lstm", "elman"], **PER_STEP))
    assert network_description.from_description(copy.deepcopy(facts))
    CHANGES[name](facts)
    with pytest.raises(ValueError):
        network_description.from_description(facts)


# ---- jordan in two directions -------------------------------------------------------------------

X = np.random.default_rng(0).standard_normal((6, 4, 2))


@pytest.mark.parametrize("cell", ["jordan", Jordan(activation="relu")], ids=str)
@pytest.mark.parametrize("fitted", [False, True], ids=["unfitted", "fitted"])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_network_that_reads_its_output_has_one_direction(estimator, fitted, cell):
    rnn = estimator(2, cell=cell, max_iter=1, random_state=0)
    y = np.arange(6) % 2
    if fitted:
        rnn.fit(X, y)
    rnn.set_params(bidirectional=True)
    before = pickle.dumps(rnn)
    classes = {"classes": [0, 1]} if estimator is RNNClassifier else {}
    for call in (lambda: rnn.fit(X, y), lambda: rnn.partial_fit(X, y, **classes)):
        with pytest.raises(ValueError, match=r"`bidirectional` must be False with cell=.*ordan"):
            call()
        assert pickle.dumps(rnn) == before


# ---- words of language models -------------------------------------------------------------------


def language_model(n_classes=9, rows=9, units=3, **given):
    given = {**WORDS, "mode": "many_to_many", "hidden_layer_sizes": (3,), **given}
    return words.network_of(given, 1, n_classes, LOSS, (), [(0, rows, units)])


@pytest.mark.parametrize("given", [{"tie_embeddings": True}, {"adaptive_softmax": [2, 5]}])
def test_descriptions_know_words_of_language_models(given):
    network = language_model(**given)
    description = json.loads(json.dumps(network_description.describe(network)))
    again = network_description.from_description(description)
    assert again.nodes == network.nodes and again.n_outputs == network.n_outputs == 9
    names = {name for name, *_ in network.layout}
    assert ("embedding_0.weight" in names) == ("adaptive_softmax" in given)
    assert ("tail_1.weight" in names) == ("adaptive_softmax" in given)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"units": 4}, "`embedding_dim` must be 3 with tie_embeddings=True, .*, got 4"),
        ({"rows": 8}, r"`tie_embeddings` must be False unless .* 9; got tables of \[8\] rows"),
        ({"adaptive_softmax": (2,)}, r"must be False with `adaptive_softmax`.*got .*=\(2,\)"),
    ],
)
def test_tables_that_do_not_fit_are_not_tied(given, message):
    with pytest.raises(ValueError, match=message):
        language_model(tie_embeddings=True, **given)
    assert language_model(tie_embeddings=True, units=4, output_layer_sizes=(4,)).n_outputs == 9
