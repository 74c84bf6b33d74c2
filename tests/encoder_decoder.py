"""Encoders and decoders with attention as lists of nodes, and their data."""

from types import SimpleNamespace

import numpy as np
from cases import set_optimizer
from networks import DATA, Network, Source, add_node

from sklearn_rnn._model.network import TARGET_DATA, ready

IDENTITY = (("activation", "identity"), ("bias", False))
TANH = (("activation", "tanh"),)
N_STATES = {"gru": 1, "lstm": 2, "elman": 1}


def add_encoder(nodes, cell, units, decoder_units, directions="both"):
    """Append an encoder of X and the map of its last states; returns both numbers."""
    memory = add_node(nodes, "recurrent", [-1], "l0", units=units, cell=cell, directions=directions)
    last = add_node(nodes, "last", [memory])
    fields = {"units": N_STATES[cell] * decoder_units, "options": TANH}
    return memory, add_node(nodes, "dense", [last], "start", **fields)


def bahdanau(cell="gru", units=3, decoder_units=5, alignment=4, n_outputs=4, directions="both"):
    """Return nodes in which the state before asks, and the cell reads the context."""
    nodes = []
    memory, start = add_encoder(nodes, cell, units, decoder_units, directions)
    keys = add_node(nodes, "dense", [memory], "keys", units=alignment, options=IDENTITY)
    decoder = len(nodes) + 1
    asked = [Source(decoder, -1), keys, memory]
    context = add_node(nodes, "context", asked, "context", axis=1)
    read = [TARGET_DATA, context, Source(start, weight="initial")]
    fields = {"units": decoder_units, "cell": cell, "options": (("initial_state", "source"),)}
    add_node(nodes, "recurrent", read, "decoder", axis=1, **fields)
    add_node(nodes, "head", [decoder, context], "head", units=n_outputs, axis=1)
    return tuple(nodes)


def luong(cell="lstm", units=3, decoder_units=5, n_outputs=4, directions="both", general=True):
    """Return nodes in which the new state asks, and a layer behind it reads the context."""
    nodes = []
    memory, start = add_encoder(nodes, cell, units, decoder_units, directions)
    keys = memory
    if general:
        keys = add_node(nodes, "dense", [memory], "keys", units=decoder_units, options=IDENTITY)
    read = [TARGET_DATA, Source(start, weight="initial")]
    fields = {"units": decoder_units, "cell": cell, "options": (("initial_state", "source"),)}
    decoder = add_node(nodes, "recurrent", read, "decoder", axis=1, **fields)
    options = (("score", "dot"),)
    context = add_node(
        nodes, "context", [decoder, keys, memory], "context", options=options, axis=1
    )
    fields = {"units": decoder_units, "options": TANH, "axis": 1}
    attentional = add_node(nodes, "dense", [decoder, context], "attentional", **fields)
    add_node(nodes, "head", [attentional], "head", units=n_outputs, axis=1)
    return tuple(nodes)


def attending(score):
    """Return nodes in which what is fed asks, and keys and values are X itself."""
    nodes, asked = [], [TARGET_DATA, DATA, DATA]
    options = (("score", score),)
    context = add_node(nodes, "context", asked, "context", options=options, axis=1)
    add_node(nodes, "head", [context], "head", units=3, axis=1)
    return tuple(nodes)


def network_of(nodes, dtype="float64", n_features=3, n_target_features=2):
    facts = n_features, nodes, "softmax", 1.0, True, dtype
    return Network(*facts, n_target_features=n_target_features)


def flat(network, arrays):
    """Return a flat vector (n_params,) of arrays by name."""
    params = np.zeros(network.n_params)
    for name, view in network.views(params).items():
        view[:] = arrays[name]
    return params.astype(network.dtype)


def target_engine(network, params, data, training, n_threads=1, memory_budget=None, **options):
    """Return a loaded engine that takes all pairs in one minibatch."""
    lengths, target_lengths = np.diff(data.source.offsets), np.diff(data.target.offsets)
    options["target_lengths"] = target_lengths
    n = len(lengths)
    engine = network.engine(lengths, n, n_threads, training, memory_budget, **options)
    set_optimizer(engine)
    engine.load(params)
    return engine


def run(network, params, data, input_gradient=False, n_threads=1, **options):
    """Return raw outputs, loss and gradients, with BLAS at one thread if it is called."""
    facts = network, params, data
    options |= {"n_threads": n_threads, "input_gradient": input_gradient}
    engine = target_engine(*facts, training=True, **options)
    with ready(engine):
        loss, d_params, *d_values = engine.loss_and_grad(data, input_gradient=input_gradient)
    predicting = target_engine(*facts, training=False, n_threads=n_threads)
    raw = predicting.predict(data, raw=True)
    d_values = d_values[0] if d_values else None
    return SimpleNamespace(loss=loss, d_params=d_params, d_values=d_values, raw=raw)
