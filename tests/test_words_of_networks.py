"""The nodes that a constructor's words make, the words that nodes mean, and their descriptions."""

import json
import pickle
from itertools import pairwise, product

import numpy as np
import pytest
from networks import random_network

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._model import architecture
from sklearn_rnn._model.network import DATA, Node, Source
from sklearn_rnn.cells import LSTM, Elman, IndRNN, Jordan

WORDS = {
    "cell": "gru",
    "hidden_layer_sizes": (3, 2),
    "bidirectional": False,
    "connections": None,
    "mode": "many_to_one",
    "huber_delta": 1.0,
    "quantile": 0.5,
    "dropout": 0.0,
    "dtype": "float64",
}
N_FEATURES, N_OUTPUTS, LOSS = 4, 3, "softmax"


def network_of(**words):
    return architecture.network_of({**WORDS, **words}, N_FEATURES, N_OUTPUTS, LOSS)


# ---- words -> nodes -----------------------------------------------------------------------------


def sources(*nodes):
    return tuple(node if isinstance(node, Source) else Source(node) for node in nodes)


def gru(layer, units, *read, directions="forward"):
    return Node(
        "recurrent", f"l{layer}", sources(*read), units=units, cell="gru", directions=directions
    )


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
    words, nodes = STACKS[name]
    network = network_of(**words)
    assert network.nodes == tuple(nodes)
    assert network.per_step == ("per step" in name)
    facts = network.n_features, network.n_outputs, network.loss, network.huber_delta, network.dtype
    assert facts == (N_FEATURES, N_OUTPUTS, LOSS, 1.0, "float64")


def test_weights_of_one_stem_stand_side_by_side():
    shapes = {t.name: t.shape for t in network_of(connections="skip", cell="jordan").tensors}
    assert shapes["weight_ih_l0"] == (3, N_FEATURES)
    assert shapes["weight_ih_l1"] == (2, 3 + N_FEATURES)
    assert shapes["weight_oh_l0"] == (3, N_OUTPUTS) and shapes["weight_oh_l1"] == (2, N_OUTPUTS)
    assert shapes["head.weight"] == (N_OUTPUTS, 3 + 2)


# ---- nodes -> words, nodes <-> description ------------------------------------------------------

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
        both = [False] if architecture.kind_of(cell) == "jordan" else [False, True]
        for bidirectional, mode, dropout in product(both, architecture.MODES, [0.0, 0.3]):
            yield {
                "cell": cell,
                "hidden_layer_sizes": sizes,
                "bidirectional": bidirectional,
                "connections": connections,
                "mode": mode,
                "huber_delta": 0.7,
                "quantile": 0.5,
                "dropout": dropout,
                "dtype": "float32" if dropout else "float64",
            }


def has_effect(words):
    sizes = words["hidden_layer_sizes"]
    if words["connections"] == "residual":
        return any(a == b for a, b in pairwise(sizes))
    return len(sizes) > 1


def test_a_network_gives_its_words_back():
    for words in some_words():
        got = architecture.words_of(network_of(**words))
        assert got.pop("loss") == LOSS
        assert repr(got.pop("cell")) == repr(words["cell"])
        expected = {name: value for name, value in words.items() if name != "cell"}
        if not has_effect(words):
            expected["connections"] = None
        assert got == expected


def test_a_description_gives_its_network_back():
    for words in some_words():
        network = network_of(**words)
        description = json.loads(json.dumps(architecture.describe(network)))
        assert architecture.from_description(description) == network
        assert architecture.difference(network, network) is None


def test_networks_differ_by_the_first_word_that_differs():
    sizes = {"hidden_layer_sizes": (3, 3)}
    plain = network_of(**sizes)
    for words, difference in (
        (RESIDUAL, ("connections", None, "residual")),
        (SKIP, ("connections", None, "skip")),
        (DROPOUT, None),
        ({"cell": "lstm"}, ("cell", "gru", "lstm")),
        ({"hidden_layer_sizes": (3, 2)}, ("hidden_layer_sizes", (3, 3), (3, 2))),
    ):
        assert architecture.difference(plain, network_of(**{**sizes, **words})) == difference
    assert architecture.difference(network_of(), network_of(**RESIDUAL)) is None


def changed(*path, value):
    """Return a function that changes one entry of a description."""

    def change(facts):
        for step in path[:-1]:
            facts = facts[step]
        facts[path[-1]] = value

    return change


# Of the skip network with dropout: 0 gru, 1 drop, 2 gru, 3 last, 4 last, 5 drop, 6 head.
CHANGES = {
    "another rate of dropout": changed("nodes", 5, "options", "rate", value=0.1),
    "other masks of dropout": changed("nodes", 5, "options", "layer", value=0.0),
    "dropout without a rate": changed("nodes", 5, "options", value={}),
    "a rate of 1": changed("nodes", 1, "options", "rate", value=1.0),
    "another cell above": changed("nodes", 2, "cell", value="elman"),
    "an unknown cell": changed("nodes", 0, "cell", value="abacus"),
    "an unknown option": changed("nodes", 0, "options", value={"activation": "tanh"}),
    "options in a list": changed("nodes", 0, "options", value=[["activation", "tanh"]]),
    "a reverse direction alone": changed("nodes", 0, "directions", value="reverse"),
    "two directions below one": changed("nodes", 0, "directions", value="both"),
    "an unknown kind": changed("nodes", 3, "kind", value="first"),
    "another name": changed("nodes", 0, "name", value="first"),
    "no sources": changed("nodes", 0, "sources", value=[]),
    "sources that are a number": changed("nodes", 0, "sources", value=3),
    "a shift": changed("nodes", 2, "sources", 0, value=[1, -1, "weight_ih"]),
    "another stem": changed("nodes", 2, "sources", 1, value=[DATA, 0, "weight_oh"]),
    "a source that comes later": changed("nodes", 2, "sources", 0, value=[5, 0, "weight_ih"]),
    "a source that does not exist": changed("nodes", 2, "sources", 0, value=[99, 0, "weight_ih"]),
    "a head that reads one layer": changed("nodes", 6, "sources", value=[[5, 0, "weight_ih"]]),
    "no units": changed("nodes", 0, "units", value=0),
    "units that are a number with a point": changed("nodes", 0, "units", value=3.0),
    "no outputs": changed("nodes", 6, "units", value=0),
    "nodes in a dict": changed("nodes", value={}),
    "no nodes": changed("nodes", value=[]),
    "a node that is a number": changed("nodes", 0, value=3),
    "no head": lambda facts: facts["nodes"].pop(),
    "a head alone": lambda facts: facts.update(nodes=facts["nodes"][-1:]),
    "one more node": lambda facts: facts["nodes"].insert(0, facts["nodes"][0]),
    "one more entry of a node": changed("nodes", 0, "bias", value=True),
    "an entry of a node less": lambda facts: facts["nodes"][0].pop("units"),
    "one more entry": changed("dropout", value=0.25),
    "the other mode": changed("per_step", value=True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_description_that_no_words_can_say_is_refused(name):
    facts = architecture.describe(network_of(**SKIP, **DROPOUT))
    assert architecture.from_description(facts)
    CHANGES[name](facts)
    with pytest.raises(ValueError):
        architecture.from_description(facts)


def test_a_random_network_is_refused_unless_words_can_say_it():
    n_refused = 0
    for seed in range(300):
        network = random_network(np.random.default_rng(seed), "float64")
        try:
            read = architecture.from_description(architecture.describe(network))
        except ValueError:
            n_refused += 1
        else:
            assert read == network == network_again(read)
    assert 290 < n_refused < 300  # a few are plain layers


def network_again(network):
    words = architecture.words_of(network)
    facts = network.n_features, network.n_outputs, network.loss, network.groups
    return architecture.network_of(words, *facts)


def test_numbers_in_a_description_get_the_types_that_the_core_takes():
    facts = architecture.describe(network_of(hidden_layer_sizes=1))
    facts["nodes"][0]["sources"][0][:2] = [-1.0, False]
    (source,) = architecture.from_description(facts).nodes[0].sources
    assert type(source.node) is type(source.shift) is int


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
