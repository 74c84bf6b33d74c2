"""The halves of a network of encoder and decoder, each on its own."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from .. import _core
from .._data.packed import Sequences, offsets_of_equal
from .network import DATA, TARGET_DATA, Node, Source, predictor, ready

INITIAL = "initial_"  # begins the names of the maps to initial states


@lru_cache(maxsize=16)
def decoder_of(network):
    """Return the decoder, without attention, as a network that reads what it is fed as X."""
    first = next(i for i, node in enumerate(network.nodes) if node.axis == 1)
    nodes = tuple(_on_its_own(node, first) for node in network.nodes[first:])
    n_features = network.n_target_features
    facts = {"n_features": n_features, "n_target_features": 0, "label_smoothing": 0.0}
    return replace(network, nodes=nodes, **facts, words=None, layers=())


def _on_its_own(node, first):
    """Return a node of the decoder without the sources of its initial states."""
    sources = tuple(
        replace(source, node=DATA if source.node == TARGET_DATA else source.node - first)
        for source in node.sources
        if source.weight != "initial"
    )
    options = tuple(option for option in node.options if option[0] != "initial_state")
    return replace(node, sources=sources, options=options, axis=0)


@lru_cache(maxsize=16)
def maps_of(network):
    """Return the maps from last states to initial ones as a network that reads the former as X."""
    maps = [node for node in network.nodes if node.name.startswith(INITIAL)]
    width = sum(network.width(source.node) for source in maps[0].sources)
    nodes = [replace(node, sources=(Source(DATA),)) for node in maps]
    head = Node("head", "unused", tuple(map(Source, range(len(maps)))), units=1)
    facts = {"n_features": width, "n_target_features": 0, "label_smoothing": 0.0, "groups": ()}
    facts["loss"] = "squared_error"
    return replace(network, nodes=(*nodes, head), **facts, words=None, layers=())


def parameters_of(part, network, params):
    """Return the flat vector of parameters of a part of a network; its own arrays are 0."""
    views, own = network.views(params), np.zeros(part.n_params, params.dtype)
    for name, view in part.views(own).items():
        if name in views:
            view[...] = views[name]
    return own


def last_states(network, params, sequences, scaling, n_threads):
    """Return the last states of the encoder's top layer (n_samples, n_columns)."""
    last = [i for i, node in enumerate(network.nodes) if node.kind == "last"]
    found = [predictor(network, sequences, scaling, n_threads, result=i)(params) for i in last]
    return found[0] if len(found) == 1 else np.hstack(found)


def decode_from(network, params, states, n_steps, next_fed):
    """Run the decoder from the last states of an encoder, on what next_fed(outputs) returns.

    Returns the outputs (n_samples, n_steps, n_outputs); outputs are None at the first step.
    """
    half, n = decoder_of(network), len(states)
    results = np.empty((n, n_steps, half.n_outputs), dtype=network.dtype)
    session = half.session(n)
    with ready(session):
        session.load(parameters_of(half, network, params))
        session.set_state_rows(initial_states(network, params, states))
        outputs = None
        for t in range(n_steps):
            outputs = results[:, t] = session.step(np.ascontiguousarray(next_fed(outputs, n)))
    return results


def initial_states(network, params, states):
    """Return the states with which the layers of the decoder begin, in the columns of its half.

    states (n_samples, n_columns): the last ones of the encoder's top layer.
    """
    half, maps = decoder_of(network), maps_of(network)
    layout = _core.state_layout(half.n_features, half.nodes)
    columns = {name: slice(first, first + n) for name, first, n in layout}
    rows = np.empty((len(states), sum(n for *_, n in layout)), dtype=network.dtype)
    own = parameters_of(maps, network, params)
    sequences = Sequences(states, offsets_of_equal(len(states), 1), "3d")
    layers = [node for node in half.nodes if node.kind == "recurrent"]
    for layer, node in enumerate(layers):
        values = predictor(maps, sequences, None, result=layer)(own)
        kept = [columns[f"{state}_{node.name}"] for state in _core.CELLS[node.cell].states]
        for column, part in zip(kept, np.split(values, len(kept), axis=1), strict=True):
            rows[:, column] = part
    return rows
