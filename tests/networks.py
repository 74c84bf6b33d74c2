"""Networks as lists of nodes: plain stacks, other connections, and random ones.

reference.py says what each kind of node computes.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import reference

from sklearn_rnn import _core
from sklearn_rnn._model.architecture import list_nodes
from sklearn_rnn._model.network import DATA, TARGET_DATA, Network, Node, Source
from sklearn_rnn._model.network_description import LATER
from sklearn_rnn._model.parts import CELLS, Part
from sklearn_rnn._model.words import Words


def add_node(nodes, kind, sources, name="", **fields):
    """Append a node that reads these sources, and return its index."""
    sources = tuple(Source(s) if isinstance(s, int) else s for s in sources)
    nodes.append(Node(kind, name or f"{kind}{len(nodes)}", sources, **fields))
    return len(nodes) - 1


def read_too(nodes, i, source):
    """Let node `i` read one more source."""
    nodes[i] = replace(nodes[i], sources=(*nodes[i].sources, source))


def stack_nodes(
    cell,
    sizes,
    *,
    n_outputs=2,
    options=(),
    directions="forward",
    per_step=False,
    dropout=0.0,
    connections=None,
):
    """Return the nodes of a stack of layers; without outputs there is no head."""
    facts = {
        "cell": cell,
        "hidden_layer_sizes": sizes,
        "bidirectional": False,
        "mode": "many_to_many" if per_step else "many_to_one",
        "dropout": dropout,
        "dtype": "float64",
    }
    words = Words.of({**LATER, **facts, "connections": connections})
    defaults = {name: option.default for name, option in CELLS[cell].items()}
    part = Part(cell, tuple({**defaults, **dict(options)}.items()))
    words = replace(words, cell=(part,) * len(sizes), bidirectional=directions == "both")
    nodes, _ = list_nodes(words, n_outputs or 1)
    if directions == "reverse":
        nodes = tuple(
            replace(node, directions=directions) if node.kind == "recurrent" else node
            for node in nodes
        )
    return nodes if n_outputs else nodes[:-1]


# ---- Layers of several nodes --------------------------------------------------------------------
# Each appends its nodes, which read these sources, and returns what the next layer reads.


def add_convolution(nodes, sources, channels, kernel_size, name="conv0", activation="relu"):
    """Append a causal convolution: of each source the present step and those before."""
    read = [Source(source, -back) for back in range(kernel_size) for source in sources]
    options = (("activation", activation), ("bias", True))
    return [add_node(nodes, "dense", read, name, units=channels, options=options)]


def add_projected_layer(nodes, sources, units, projection, name="l0", directions="forward"):
    """Append an LSTM whose states go on through a projection (Sak et al., 2014)."""
    each = ("forward", "reverse") if directions == "both" else (directions,)
    projected = []
    for direction in each:
        cell = len(nodes)
        read = [*sources, Source(cell + 1, -1, "weight_hh")]
        options = (("recurrence", "source"),)
        fields = {"units": units, "cell": "lstm", "directions": direction}
        add_node(nodes, "recurrent", read, name, options=options, **fields)
        options = (("activation", "identity"), ("bias", False))
        fields = {"units": projection, "options": options, "directions": direction}
        projected.append(add_node(nodes, "dense", [cell], f"{name}_projection", **fields))
    return projected


def add_deep_transition(
    nodes, sources, sizes, name="l0", *, cell="elman", shortcut=False, head=None
):
    """Append a deep transition (Pascanu et al., 2014): DT, with a shortcut DT(S).

    The first of `sizes` is that of the layer that reads the sources and the state before; the last
    is that of the state. That of jordan is the output of node number `head`.
    """
    first, last = len(nodes), len(nodes) + len(sizes) - 1
    activation = ("activation", "tanh")
    before = Source(last, -1, "weight_hh") if cell == "elman" else Source(head, -1, "weight_oh")
    options = (activation, ("recurrence", "source")) if cell == "elman" else (activation,)
    add_node(
        nodes, "recurrent", [*sources, before], name, units=sizes[0], cell=cell, options=options
    )
    for k, units in enumerate(sizes[1:]):
        read = [Source(first + k)]
        if shortcut and first + k + 1 == last:
            read.append(Source(last, -1, "weight_skip"))
        options = (activation, ("bias", True))
        add_node(nodes, "dense", read, f"{name}_transition{k}", units=units, options=options)
    return [last]


def add_deep_output(nodes, sources, sizes, n_outputs, activation="relu"):
    """Append output layers and the head; the sources have rows per step or once per sequence."""
    for k, units in enumerate(sizes):
        options = (("activation", activation), ("bias", True))
        sources = [add_node(nodes, "dense", sources, f"output{k}", units=units, options=options)]
    return [add_node(nodes, "head", sources, "head", units=n_outputs)]


# ---- Random networks ----------------------------------------------------------------------------

ACTIVATIONS = tuple((("activation", name),) for name in reference.ACTIVATION)
IDENTITY, TANH, RELU, LOGISTIC = ACTIVATIONS
UNBOUNDED, BOUNDED = (IDENTITY, RELU), (TANH, LOGISTIC)
ALL_CELLS = (
    *product(("elman", "jordan", "indrnn"), ACTIVATIONS),
    ("gru", ()),
    ("gru", (("reset_after", False),)),
    ("lstm", ()),
    ("lstm", (("peepholes", True),)),
    ("lstm", (("coupled_gates", True),)),
    ("lstm", (("peepholes", True), ("coupled_gates", True))),
    ("mgu", ()),
    ("mingru", ()),
    ("minlstm", ()),
)
EXPONENTIAL = {"poisson", "gamma"}  # losses of exp(z)
LINEAR = ("mingru", "minlstm")  # their states have no bounds either
# What disturbs the states in training.
REGULARISING = {"recurrent_dropout": 0.3, "zoneout": 0.2}
UNITS = (*range(1, 10), 16, 17)
SHIFTS = (0, -1, -2)
STRIDES, WINDOWS = (1, 2, 3), (1, 2, 4)
POOLINGS = ("mean", "max")
MERGES, NORMS = tuple(reference.MERGE), tuple(reference.NORM)
DIRECTIONS = tuple(reference.DIRECTIONS)


def has_norms(cell):
    """Tell whether a cell may have norms: there must be a product with its state."""
    return reference.STEP[cell].hidden_product


def pick(rng, choices):
    return choices[rng.integers(len(choices))]


def happens(rng, probability):
    return rng.random() < probability


def pick_some(rng, choices, most):
    """Return 1 to `most` different choices, in a random order."""
    n = rng.integers(1, min(most, len(choices)) + 1)
    return [choices[i] for i in rng.permutation(len(choices))[:n]]


def random_tasks(rng, n):
    """Return the loss and the number of outputs of each of n tasks."""
    losses = [pick(rng, _core.LOSSES_OF_GROUPS) for _ in range(n)]
    return tuple((loss, int(rng.integers(2, 6)) if loss == "softmax" else 1) for loss in losses)


def random_network(rng, dtype="float64"):
    """Return a network of 1 to 4 recurrent nodes, and of others between and behind them."""
    loss = pick(rng, tuple(reference.LOSS))
    n_features, n_outputs = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    n_outputs = {"softmax": n_outputs + 1, "logistic": 1}.get(loss, n_outputs)
    quantile, groups = 0.5, ()
    if loss == "multioutput":
        groups = tuple(map(int, rng.integers(1, 6, n_outputs)))
        n_outputs = sum(groups)
    elif loss == "quantile":
        quantile = pick(rng, (0.2, (0.1, 0.5, 0.8)))
        n_outputs *= np.size(quantile)
    elif loss == "multitask":
        groups = random_tasks(rng, n_outputs)
        n_outputs = sum(size for _, size in groups)
    of_tasks = [task for task, _ in groups] if loss == "multitask" else []
    exponential = not EXPONENTIAL.isdisjoint([loss, *of_tasks])
    per_step, looping = happens(rng, 0.5), happens(rng, 0.4)
    stride = window = 1
    if happens(rng, 0.2):
        stride, window = 1 if per_step else pick(rng, STRIDES), pick(rng, WINDOWS)
    feedback = looping and happens(rng, 0.6)
    cells = [
        (cell, options)
        for cell, options in ALL_CELLS
        if feedback or cell != "jordan"
        if not (exponential and (options in UNBOUNDED or cell in LINEAR))
    ]  # exp(z) of units without bounds that feed themselves is soon infinite
    bounded = BOUNDED if exponential else ACTIVATIONS
    reads_codes = window == stride == 1 and happens(rng, 0.4)
    nodes, n_codes = [], int(rng.integers(1, 3)) if reads_codes else 0
    n_features = int(n_features > 1 or not n_codes) * n_features + n_codes
    width = n_features * window
    for column in rng.permutation(n_features)[:n_codes].tolist():
        rows = int(rng.integers(1, 12))
        options = (("column", column), ("rows", rows), *random_word_dropout(rng, rows))
        fields = {"units": pick(rng, UNITS), "options": options}
        add_node(nodes, "embed", [], f"e{column}", **fields)
    if happens(rng, 0.2):
        add_random_disturbance(rng, nodes, 0 if n_codes == n_features else DATA)
    for k in range(rng.integers(1 if feedback or not looping else 2, 5)):
        directions = "forward" if looping else pick(rng, DIRECTIONS)
        if happens(rng, 0.2):
            add_random_dense(rng, nodes, width, directions, f"dense{k}", bounded)
        if happens(rng, 0.15):
            add_random_transition(rng, nodes, width, directions, f"l{k}")
        else:
            add_random_layer(rng, nodes, width, pick(rng, cells), directions, f"l{k}")
    add_random_head(rng, nodes, width, n_outputs, per_step or feedback, bounded)
    if feedback:
        feed_back(rng, nodes)
    elif looping:
        close_a_loop(rng, nodes)
    nodes = [replace(node, options=node.options + random_norm(rng, node)) for node in nodes]
    windows = {"stride": stride, "window": window}
    return Network(
        n_features, tuple(nodes), loss, 0.7, per_step, dtype, quantile, groups, **windows
    )


def random_word_dropout(rng, rows):
    """Return options of an embedding that may replace codes."""
    (rng,) = rng.spawn(1)  # other choices do not depend on these
    if not happens(rng, 0.3):
        return ()
    return ("word_dropout", 0.4), ("unknown", int(rng.integers(rows)))


def random_paired_network(rng, dtype="float64"):
    """Return a network of an encoder and a decoder, each of 1 or 2 recurrent nodes and others."""
    loss = pick(rng, ("softmax", "logistic", "squared_error", "huber"))
    n_outputs = {"logistic": 1}.get(loss, int(rng.integers(2, 5)))
    n_features, n_target_features = int(rng.integers(1, 4)), int(rng.integers(0, 4))
    cells = [cell for cell in ALL_CELLS if cell[0] != "jordan" and cell[1] not in UNBOUNDED]
    nodes, windows = [], {}
    if happens(rng, 0.3):
        options = (("column", n_features), ("rows", 4))
        add_node(nodes, "embed", [], "e_x", units=2, options=options)
        n_features += 1
    elif happens(rng, 0.3):
        windows = {"stride": pick(rng, STRIDES), "window": pick(rng, WINDOWS)}
    width = n_features * windows.get("window", 1)
    for k in range(rng.integers(1, 3)):
        add_random_layer(rng, nodes, width, pick(rng, cells), pick(rng, DIRECTIONS), f"l{k}")
    encoder, streams = list(range(len(nodes))), []
    read = {source.node for node in nodes for source in node.sources}
    unread = [i for i in encoder if i not in read]
    if n_target_features and happens(rng, 0.5):
        options = (("column", n_target_features - 1), ("rows", 5), *random_word_dropout(rng, 5))
        streams = [add_node(nodes, "embed", [], "e", units=3, options=options, axis=1)]
    if n_target_features > len(streams):
        streams.append(TARGET_DATA)
        if happens(rng, 0.2):
            options = (("rate", 0.3), ("layer", 99))
            streams.append(add_node(nodes, "drop", [TARGET_DATA], options=options, axis=1))
    feeds_back = not streams or happens(rng, 0.3)
    decoder, layers = [i for i in streams if i >= 0], []
    for k in range(rng.integers(1, 3)):
        sources = (
            [Source(*s) for s in pick_some(rng, list(product(streams, SHIFTS)), 3)]
            if streams
            else []
        )
        summed = unread if k == 0 else pick_some(rng, encoder, 1)
        begins = "source" if k == 0 else pick(rng, ("zeros", "learned", "source"))
        layers.append(
            add_decoder_layer(rng, nodes, sources, pick(rng, cells), summed, begins, f"d{k}")
        )
        decoder += [layers[-1], *add_behind(rng, nodes, layers[-1])]
        streams = streams + [i for i in decoder if i not in streams]
    read = {source.node for node in nodes for source in node.sources}
    add_node(nodes, "head", [i for i in decoder if i not in read], "head", units=n_outputs, axis=1)
    head = len(nodes) - 1
    for i in layers:
        if not nodes[i].sources or not any(s.weight == "weight_ih" for s in nodes[i].sources):
            read_too(nodes, i, Source(head, -1))
        elif feeds_back:
            read_too(nodes, i, Source(head, -1, pick(rng, ("weight_ih", "weight_oh"))))
    if happens(rng, 0.3) and len(layers) > 1:  # a loop through both
        read_too(nodes, layers[0], Source(layers[1], -1))
    nodes = [replace(node, options=node.options + random_norm(rng, node)) for node in nodes]
    windows["n_target_features"] = n_target_features
    return Network(n_features, tuple(nodes), loss, 0.7, True, dtype, **windows)


def with_random_context(rng, network):
    """Return a copy of a random network of two axes whose decoder attends to the encoder.

    The context, and perhaps keys of its own on axis 0, come before the first layer of the decoder,
    which then reads the context, or before the head.
    """
    old = network.nodes
    first = next(i for i, node in enumerate(old) if node.axis and node.kind == "recurrent")
    place = pick(rng, (first, len(old) - 1))
    memory = [i for i in range(place) if old[i].axis == 0 and not reference.is_once(old, i)]
    memory += [DATA] if network.width(DATA) else []
    asking = [
        (i, shift)
        for i in range(-2, len(old) - 1)
        for shift in (SHIFTS if i < place else SHIFTS[1:])
        if i != DATA and network.width(i) and (i == TARGET_DATA or old[i].axis)
    ]
    (query, shift), score = pick(rng, asking), pick(rng, ("additive", "dot"))
    fit = [i for i in memory if score == "additive" or network.width(i) == network.width(query)]
    new, key = [], place
    if fit and happens(rng, 0.5):
        key = pick(rng, fit)
    else:
        units = network.width(query) if score == "dot" else pick(rng, UNITS)
        fields = {"units": units, "options": (*pick(rng, (IDENTITY, TANH)), ("bias", False))}
        new.append(Node("dense", "keys", (Source(pick(rng, memory)),), **fields))
    context = place + len(new)

    def moved(source):
        behind = source.node >= place
        return replace(source, node=source.node + behind * (context + 1 - place))

    sources = moved(Source(query, shift)), Source(key), Source(pick(rng, memory))
    new.append(Node("context", "context", sources, options=(("score", score),), axis=1))
    nodes = [replace(node, sources=tuple(map(moved, node.sources))) for node in old]
    nodes[place:place] = new
    for reader in {context + 1, len(nodes) - 1}:
        read_too(nodes, reader, Source(context))
    return replace(network, nodes=tuple(nodes))


def add_decoder_layer(rng, nodes, sources, cell, summed, begins, name):
    """Append a recurrent node of axis 1, and what makes its initial states of nodes of axis 0."""
    units, n_states = pick(rng, UNITS), len(_core.CELLS[cell[0]].states)
    options = tuple(o for o in cell[1] + random_options(rng, cell[0]) if o[0] != "initial_state")
    if begins == "source":
        rows = [add_random_summary(rng, nodes, i) for i in summed]
        acts = (*pick(rng, (IDENTITY, TANH)), ("bias", happens(rng, 0.8)))
        fields = {"units": n_states * units, "options": acts}
        made = add_node(nodes, "dense", rows, f"{name}_initial", **fields)
        sources = [Source(made, 0, "initial"), *sources]
    options = (*options, ("initial_state", begins))
    fields = {"units": units, "cell": cell[0], "options": options, "axis": 1}
    return add_node(nodes, "recurrent", sources, name, **fields)


def add_behind(rng, nodes, layer):
    """Perhaps append nodes of axis 1 that read a layer, now and before."""
    added = []
    if happens(rng, 0.4):
        options = (("rate", 0.3), ("layer", len(nodes)))
        added.append(add_node(nodes, "drop", [layer], options=options, axis=1))
    if happens(rng, 0.4):
        read = [Source(layer), Source([layer, *added][-1], pick(rng, (-1, -2)), "weight_skip")]
        fields = {"units": 3, "options": (*TANH, ("bias", True)), "axis": 1}
        added.append(add_node(nodes, "dense", read, **fields))
    if happens(rng, 0.3):
        added.append(add_node(nodes, "add", [layer, Source(layer, -1)], axis=1))
    return added


def streams_of(nodes, n_features):
    """Return what a new node can read: the nodes, and the data unless all of X are codes."""
    streams = list(range(len(nodes)))
    return [DATA, *streams] if reference.width(nodes, DATA, n_features) else streams


def add_random_layer(rng, nodes, n_features, cell, directions, name):
    """Append a recurrent node that reads what is there, and perhaps others behind it."""
    streams = streams_of(nodes, n_features)
    sources = [Source(*read) for read in pick_some(rng, list(product(streams, SHIFTS)), 3)]
    used = [node.units for node in nodes if node.kind == "recurrent"]
    units = pick(rng, used) if used and happens(rng, 0.5) else pick(rng, UNITS)
    options = cell[1] + random_options(rng, cell[0])
    fields = {"units": units, "cell": cell[0], "options": options, "directions": directions}
    new = add_node(nodes, "recurrent", sources, name, **fields)
    new = add_random_changes(rng, nodes, n_features, new)
    form = reference.unit_directions(nodes, new, n_features)
    equal = [
        i
        for i in range(new)
        if np.array_equal(reference.unit_directions(nodes, i, n_features), form)
    ]
    if equal and happens(rng, 0.8):
        add_node(nodes, "add", [new, *pick_some(rng, equal, 2)])


def add_random_dense(rng, nodes, n_features, directions, name, activations):
    """Append a dense node that reads what is there, and perhaps itself."""
    streams = streams_of(nodes, n_features)
    stems = ("weight_ih", "weight_skip")
    sources = [
        Source(*read, pick(rng, stems) if i else "weight_ih")
        for i, read in enumerate(pick_some(rng, list(product(streams, SHIFTS)), 3))
    ]
    if happens(rng, 0.3):
        sources.append(Source(len(nodes), -1, "weight_skip"))
        activations = BOUNDED  # others would grow from step to step
    if directions == "both":
        directions = pick(rng, ("forward", "reverse"))
    fields = {"units": pick(rng, UNITS), "directions": directions}
    options = random_dense_options(rng, activations)
    return add_node(nodes, "dense", sources, name, options=options, **fields)


def add_random_transition(rng, nodes, n_features, directions, name):
    """Append a cell whose products with h are those with a dense node behind it, or with others."""
    streams = streams_of(nodes, n_features)
    sources = [Source(*read) for read in pick_some(rng, list(product(streams, SHIFTS)), 2)]
    cells = [c for c in ALL_CELLS if c[0] in ("elman", "lstm") and c[1] not in UNBOUNDED]
    cell, options = pick(rng, cells)
    options = (*options, ("recurrence", "source"))
    fields = {"units": pick(rng, UNITS), "cell": cell, "options": options}
    if directions == "both":
        sources.append(Source(pick(rng, streams), -1, "weight_hh"))
        add_node(nodes, "recurrent", sources, name, directions=directions, **fields)
        return
    first, last = len(nodes), len(nodes) + rng.integers(1, 3)
    sources.append(Source(last, -1, "weight_hh"))
    add_node(nodes, "recurrent", sources, name, directions=directions, **fields)
    for k in range(first, last):
        read = [Source(k)]
        if k + 1 == last and happens(rng, 0.5):
            read.append(Source(last, -1, "weight_skip"))
        fields = {"units": pick(rng, UNITS), "directions": directions}
        options = random_dense_options(rng, BOUNDED)
        add_node(nodes, "dense", read, f"{name}_transition{k}", options=options, **fields)


def random_dense_options(rng, activations):
    return (*pick(rng, activations), ("bias", happens(rng, 0.8)))


def random_options(rng, cell):
    """Return some of the options that a node has whatever its cell."""
    options = {}
    if cell != "jordan" and happens(rng, 0.3):  # jordan does not read its h
        options["initial_state"] = "learned"
    (rng,) = rng.spawn(1)  # other choices do not depend on these
    for name, rate in REGULARISING.items():
        if disturbs(cell, name) and happens(rng, 0.3):
            options[name] = rate
    return tuple(options.items())


def random_norm(rng, node):
    """Return the option of a node whose cell has norms, or none."""
    if ("recurrence", "source") in node.options:
        return ()
    # Norms of one or two numbers leave hardly more than the signs.
    if node.kind == "recurrent" and has_norms(node.cell) and node.units > 2 and happens(rng, 0.4):
        return (("normalization", pick(rng, NORMS)),)
    return ()


def disturbs(cell, name):
    """Return whether a node of this cell may have one of the options that disturb its states."""
    return reference.STEP[cell].hidden_product if name == "recurrent_dropout" else cell != "jordan"


def options_of_cell(node):
    """Return the options of a node's cell, without those that every recurrent node has."""
    return tuple(option for option in node.options if option[0] in _core.CELLS[node.cell].options)


def add_random_changes(rng, nodes, n_features, stream):
    """Perhaps append nodes that change a stream, and return the last one."""
    directions = reference.unit_directions(nodes, stream, n_features)
    if len(set(directions)) == 2 and happens(rng, 0.7):
        stream = add_node(nodes, "merge", [stream], options=(("method", pick(rng, MERGES)),))
    if happens(rng, 0.3):
        stream = add_random_disturbance(rng, nodes, stream)
    # In narrower rows the norm leaves hardly more than the signs.
    if reference.width(nodes, stream, n_features) > 2 and happens(rng, 0.3):
        stream = add_node(nodes, "norm", [stream], options=(("method", pick(rng, NORMS)),))
    return stream


def add_random_disturbance(rng, nodes, stream):
    """Append a node that changes a stream in training only."""
    layer = ("layer", len(nodes))
    if happens(rng, 0.5):
        return add_node(nodes, "noise", [stream], options=(("std", 0.2), layer))
    options = (("rate", 0.3), layer, ("per_sequence", happens(rng, 0.5)))
    return add_node(nodes, "drop", [stream], options=options)


def add_random_head(rng, nodes, n_features, n_outputs, at_every_step, activations):
    """Append a head that reads what no later node reads, and perhaps more."""
    read_later = {s.node for i, node in enumerate(nodes) for s in node.sources if s.node < i}
    streams = list(range(len(nodes)))
    read = [i for i in streams if i not in read_later]
    if happens(rng, 0.5):
        read += [i for i in pick_some(rng, streams, 2) if i not in read]
    if not at_every_step:
        read = [add_random_summary(rng, nodes, i) for i in read]
    read = [add_random_changes(rng, nodes, n_features, i) if happens(rng, 0.4) else i for i in read]
    if happens(rng, 0.2):
        options = random_dense_options(rng, activations)
        fields = {"units": pick(rng, UNITS), "options": options}
        read = [add_node(nodes, "dense", read, "output", **fields)]
    add_node(nodes, "head", read, "head", units=n_outputs)


def add_random_summary(rng, nodes, stream):
    """Append a node that makes one row per sequence of a stream."""
    kind = pick(rng, ("last", "pool", "attend"))
    if kind == "pool":
        return add_node(nodes, "pool", [stream], options=(("method", pick(rng, POOLINGS)),))
    if kind == "attend":
        return add_node(nodes, "attend", [stream], units=pick(rng, UNITS))
    return add_node(nodes, "last", [stream])


def feed_back(rng, nodes):
    """Let every jordan node, and one of any cell, read the output of the step before."""
    layers = [i for i, node in enumerate(nodes) if node.kind == "recurrent"]
    readers = {i for i in layers if nodes[i].cell == "jordan"} | {pick(rng, layers)}
    for i in sorted(readers):
        stems = ("weight_oh",) if nodes[i].cell == "jordan" else ("weight_ih", "weight_oh")
        read_too(nodes, i, Source(len(nodes) - 1, -1, pick(rng, stems)))


def close_a_loop(rng, nodes):
    """Let a recurrent node read a later stream of the step before."""
    later = [
        (i, j)
        for i, node in enumerate(nodes)
        for j in range(i + 1, len(nodes))
        if node.kind in ("recurrent", "dense") and nodes[j].kind != "head"
        if not behind_the_last_step(nodes, j)
    ]
    i, j = pick(rng, later)
    read_too(nodes, i, Source(j, -1))


def behind_the_last_step(nodes, i):
    """Tell whether a node has one row per sequence."""
    if i == DATA or nodes[i].kind in ("recurrent", "embed"):
        return False
    node = nodes[i]
    return node.kind in reference.OF_ALL_STEPS or behind_the_last_step(nodes, node.sources[0].node)
