"""Conversion of networks from and to the parameters of estimators ("words") and descriptions.

A description is a dict of JSON values, which pickles and weight files hold. Modules outside this
folder do not read the nodes of a network.
"""

import marshal
from dataclasses import replace
from functools import lru_cache
from math import inf

import numpy as np

from .. import _core, cells
from .._rules import Allowed, boolean, either, integer, number, one_of, shown
from .._training.losses import LOSSES
from .network import DATA, Network, Node, Source

DTYPES = ("float32", "float64")
MODES = ("many_to_one", "many_to_many")
CONNECTIONS = ("residual", "skip")
# The format of pickles and weight files. In 1, X was not normalised; in 2, cells had no options.
FORMAT = 3
MOST_LAYERS = 64
# The words that may change when a fit continues.
CHANGEABLE = ("dropout", "huber_delta")


def plain(word):
    """Return a word as a plain str, also if it is of a subclass, such as an enumeration."""
    return str.__str__(word)


def layer_sizes(value):
    """Return the parameter `hidden_layer_sizes` as a tuple."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def quantile_of(value):
    """Return the parameter `quantile` as a float, or several as a tuple."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(map(float, value))
    return float(value)


def _are_quantiles(value):
    """Tell whether a value is one number between 0 and 1, or several that increase."""
    several = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 1
    value = list(value) if several else [value]
    if not (value and all(map(number(0, 1, open_low=True).test, value))):
        return False
    value = list(map(float, value))
    return value == sorted(set(value))


# The rules of the words that define a network.
RULES = {
    "hidden_layer_sizes": Allowed(
        lambda value: len(layer_sizes(value)) > 0 and all(map(integer(1).test, layer_sizes(value))),
        f"{integer(1).text}, or a tuple of those",
    ),
    "cell": Allowed(
        lambda value: kind_of(value) in _core.CELLS,
        f"{one_of(_core.CELLS).text} or an object of `sklearn_rnn.cells`",
    ),
    "bidirectional": boolean,
    "connections": either(None, one_of(CONNECTIONS)),
    "mode": one_of(MODES),
    "dropout": number(0, 1),
    "dtype": one_of(DTYPES),
    "huber_delta": number(0, open_low=True),
    "quantile": Allowed(
        _are_quantiles, "a number between 0 and 1, or a list of such numbers that increase"
    ),
}


# ---- cells --------------------------------------------------------------------------------------


def _rule(option):
    """Return the rule for the values of an option."""
    if option.type == "choice":
        return one_of(option.choices)
    if option.type == "boolean":
        return boolean
    least, below = option.least, option.below
    return number(-inf if least is None else least, inf if below is None else below)


OPTIONS = {kind: info.options for kind, info in _core.CELLS.items()}
OPTION_RULES = {
    kind: {name: _rule(option) for name, option in options.items()}
    for kind, options in OPTIONS.items()
}
INITIAL = ("forget_bias",)  # options that only set initial weights
PLAIN = {"choice": plain, "boolean": bool, "number": float}  # the types of values in descriptions
WITH_OPTIONS = {c.kind: c for c in (cells.Elman, cells.LSTM, cells.GRU, cells.Jordan, cells.IndRNN)}


def kind_of(cell):
    """Return the name of the parameter `cell`, or None if it is not a cell."""
    kind = cell.kind if isinstance(cell, cells.Cell) else cell
    return plain(kind) if isinstance(kind, str) else None


def cell_of(word):
    """Check the parameter `cell`; return its kind and its options {name: value}."""
    RULES["cell"].check("cell", word)
    kind, options = kind_of(word), {}
    for name, option in OPTIONS[kind].items():
        # `Cell("lstm")` means default options, whatever attributes it has been given.
        has_options = isinstance(word, WITH_OPTIONS.get(kind, ()))
        value = getattr(word, name, option.default) if has_options else option.default
        rule = OPTION_RULES[kind][name]
        if not rule.test(value):
            raise ValueError(f"`{name}` of a cell must be {rule.text}, got cell={shown(word)}.")
        options[name] = PLAIN[option.type](value)
    return kind, options


def same_cell(word, other):
    """Return whether networks of two cells compute the same with the same weights."""
    (kind, options), (other_kind, other_options) = map(cell_of, (word, other))
    return kind == other_kind and all(
        options[name] == other_options[name] for name in options if name not in INITIAL
    )


def _word_of_cell(kind, options):
    """Return the simplest word for a cell: its name, or an object if an option is not default."""
    if all(options[name] == option.default for name, option in OPTIONS[kind].items()):
        return kind
    return WITH_OPTIONS[kind](**options)


# ---- words -> network ---------------------------------------------------------------------------

HEAD = -2  # stands for the head as a source until all nodes are listed


def network_of(params, n_features, n_outputs, loss, groups=()):
    """Return the network for a dict of checked parameters, with so many features and outputs."""
    kind, options = cell_of(params["cell"])
    sizes = tuple(map(int, layer_sizes(params["hidden_layer_sizes"])))
    _check_sizes(sizes)
    if params["bidirectional"] and _core.CELLS[kind].reads_output:
        raise ValueError(
            f"`bidirectional` must be False with cell={shown(params['cell'])}: a network that "
            "reads its own output cannot also run from the last step to the first."
        )
    per_step = params["mode"] == "many_to_many"
    nodes = stack_nodes(
        kind,
        tuple(options.items()),
        sizes,
        directions="both" if params["bidirectional"] else "forward",
        n_outputs=n_outputs,
        per_step=per_step,
        dropout=float(params["dropout"]),
        connections=None if params["connections"] is None else plain(params["connections"]),
    )
    return Network(
        n_features=n_features,
        nodes=nodes,
        loss=plain(loss),
        huber_delta=float(params.get("huber_delta", 1.0)),
        per_step=per_step,
        dtype=plain(params["dtype"]),
        quantile=quantile_of(params.get("quantile", 0.5)) if loss == "quantile" else 0.5,
        groups=tuple(map(int, groups)),
    )


def _check_sizes(sizes):
    if len(sizes) > MOST_LAYERS:
        raise ValueError(
            f"`hidden_layer_sizes` must have at most {MOST_LAYERS} layers, got {len(sizes)}."
        )


@lru_cache(maxsize=64)
def stack_nodes(kind, options, sizes, *, directions, n_outputs, per_step, dropout, connections):
    """List the nodes of a stack of layers of one cell, and the head.

    Dropout follows each layer: at each step if another layer or the head reads every step, once
    per sequence if the head reads only the last states.
    """
    nodes, reads_output = [], _core.CELLS[kind].reads_output
    head_per_step = per_step or reads_output

    def add(kind, name, *sources, **others):
        nodes.append(Node(kind, name, tuple(sources), **others))
        return len(nodes) - 1

    def drop(of, layer):
        if dropout == 0:
            return of
        rate = (("rate", dropout), ("layer", float(layer)))
        return add("drop", f"drop_{layer}", Source(of), options=rate)

    below, outputs, top = DATA, [], len(sizes) - 1
    for layer, units in enumerate(sizes):
        sources = [Source(below)]
        if connections == "skip" and layer > 0:
            sources.append(Source(DATA))
        if reads_output:
            sources.append(Source(HEAD, -1, "weight_oh"))
        below = add(
            "recurrent",
            f"l{layer}",
            *sources,
            units=units,
            cell=kind,
            options=options,
            directions=directions,
        )
        adds = connections == "residual" and layer > 0 and units == sizes[layer - 1]
        if layer < top or head_per_step or adds:
            below = drop(below, layer)
        if adds:
            below = add("add", f"sum_{layer}", Source(outputs[-1]), Source(below))
        outputs.append(below)
    read = outputs if connections == "skip" else outputs[-1:]
    if not head_per_step:
        read = [add("last", f"last_{layer}", Source(of)) for layer, of in enumerate(read)]
        if nodes[outputs[-1]].kind == "recurrent":  # without dropout so far
            read[-1] = drop(read[-1], top)
    head = add("head", "head", *map(Source, read), units=n_outputs)
    return tuple(
        replace(n, sources=tuple(replace(s, node=head) if s.node == HEAD else s for s in n.sources))
        for n in nodes
    )


# ---- network -> words ---------------------------------------------------------------------------


def words_of(network):
    """Return the parameters that define a network, in their simplest form."""
    layers = [network.nodes[i] for i in network.layers]
    kind, options = layers[0].cell, dict(layers[0].options)
    rates = [dict(node.options)["rate"] for node in network.nodes if node.kind == "drop"]
    skips = any(source.node == DATA for layer in layers[1:] for source in layer.sources)
    adds = any(node.kind == "add" for node in network.nodes)
    return {
        "cell": _word_of_cell(kind, options),
        "hidden_layer_sizes": tuple(layer.units for layer in layers),
        "bidirectional": not network.is_causal,
        "connections": "skip" if skips else "residual" if adds else None,
        "mode": MODES[network.per_step],
        "loss": network.loss,
        "huber_delta": network.huber_delta,
        "quantile": network.quantile,
        "dropout": rates[0] if rates else 0.0,
        "dtype": network.dtype,
    }


def difference(network, other):
    """Return the first (word, value, other value) in which two networks differ, or None.

    Words that may change when a fit continues are not compared.
    """
    before, now = (
        {"n_features": n.n_features, **words_of(n), "n_outputs": n.n_outputs}
        for n in (network, other)
    )
    for name in before:
        equal = before[name] == now[name]
        if name == "cell":  # the same words may be different objects
            equal = same_cell(before[name], now[name])
        if not equal and name not in CHANGEABLE:
            return name, before[name], now[name]
    return None


# ---- description <-> network --------------------------------------------------------------------

FIELDS = {
    "n_features": integer(1),
    "nodes": Allowed(lambda value: isinstance(value, list) and value, "a list of nodes"),
    "loss": one_of(LOSSES),
    "huber_delta": RULES["huber_delta"],
    "per_step": boolean,
    "dtype": RULES["dtype"],
    "quantile": RULES["quantile"],
    "groups": Allowed(
        lambda value: isinstance(value, (list, tuple)) and all(map(integer(2).test, value)),
        "a list of integers of at least 2",
    ),
}
# Fields that are left out where they have these values.
USUAL = {"quantile": 0.5, "groups": ()}


def describe(network):
    """Return a network as a dict of JSON values."""
    facts = {name: getattr(network, name) for name in FIELDS}
    for name, usual in USUAL.items():
        if (value := facts.pop(name)) != usual:
            facts[name] = list(value) if isinstance(value, tuple) else value
    return {**facts, "nodes": [_described_node(node) for node in network.nodes]}


def _described_node(node):
    sources = [[source.node, source.shift, source.weight] for source in node.sources]
    return {**vars(node), "sources": sources, "options": dict(node.options)}


_networks = {}  # by their descriptions: each prediction asks for one
MOST_NETWORKS = 64


def from_description(facts, file_format=FORMAT):
    """Return the network that a description describes; a ValueError says what is wrong with it."""
    try:  # marshal is quick, and tells 1 from True and from 1.0
        key = marshal.dumps((facts, file_format), 2)
    except ValueError:  # something else than plain values: what it is good for is checked below
        key = None
    network = _networks.get(key)
    if network is None:
        try:
            network = _described(facts, file_format)
        except (AttributeError, LookupError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from error
        if len(_networks) >= MOST_NETWORKS:
            _networks.clear()
        if key is not None:
            _networks[key] = network
    return network


def _described(facts, file_format):
    if not isinstance(facts, dict):
        raise ValueError("it must be a dict")
    if file_format < 3:
        return _network_of_words(_upgraded(facts))
    facts = USUAL | facts
    if facts.keys() != FIELDS.keys():
        missing, unknown = sorted(FIELDS.keys() - facts), sorted(facts.keys() - FIELDS)
        raise ValueError(
            f"its entries must be those of its format: missing {missing}, unknown {unknown}"
        )
    for name, rule in FIELDS.items():
        rule.check(name, facts[name])
    facts.update(quantile=quantile_of(facts["quantile"]), groups=tuple(facts["groups"]))
    network = Network(**{**facts, "nodes": tuple(map(_node_described, facts["nodes"]))})
    if not network.layers:
        raise ValueError("`nodes` must have a recurrent node")
    facts.update(n_outputs=network.n_outputs, **words_of(network))
    of_words = _network_of_words(facts)
    if of_words != network:
        raise ValueError("`nodes` must be those of a network that parameters can define")
    return of_words  # its numbers have the types that the core takes: 1.0 and True equal 1


def _node_described(facts):
    """Return the node that a dict describes; its contents are checked with the whole network."""
    if not isinstance(facts["options"], dict):
        raise TypeError("`options` of a node must be a dict")
    sources = tuple(Source(*source) for source in facts["sources"])
    return Node(**{**facts, "sources": sources, "options": tuple(facts["options"].items())})


def _network_of_words(facts):
    """Return the network for words from a file, which are checked like parameters."""
    for name in ("n_features", "n_outputs"):
        integer(1).check(name, facts[name])
    one_of(LOSSES).check("loss", facts["loss"])
    for name, rule in RULES.items():
        rule.check(name, facts[name])
    if facts["loss"] == "logistic" and facts["n_outputs"] != 1:
        raise ValueError(f"`n_outputs` must be 1 for the logistic loss, got {facts['n_outputs']}.")
    if (sum(facts["groups"]) or facts["n_outputs"]) != facts["n_outputs"] or (
        bool(facts["groups"]) != (facts["loss"] == "multioutput")
    ):
        raise ValueError(
            f"`groups` must sum to the {facts['n_outputs']} outputs of the loss 'multioutput', and "
            f"be empty for others, got {facts['groups']} for {facts['loss']!r}."
        )
    if facts["loss"] == "quantile" and facts["n_outputs"] % np.size(facts["quantile"]):
        raise ValueError(
            f"`n_outputs` must be a multiple of the {np.size(facts['quantile'])} quantiles, got "
            f"{facts['n_outputs']}."
        )
    least = float(np.finfo(facts["dtype"]).tiny)
    if facts["huber_delta"] < least:
        raise ValueError(f"`huber_delta` must be at least {least:.4g}, got {facts['huber_delta']}.")
    network = network_of(
        facts, facts["n_features"], facts["n_outputs"], facts["loss"], facts["groups"]
    )
    network.check_size()
    return network


# The entries of formats 1 and 2.
WORDS = (
    *("n_features", "cell", "activation", "hidden_layer_sizes", "bidirectional", "n_outputs"),
    *("loss", "huber_delta", "per_step", "dropout", "dtype"),
)


def _upgraded(facts):
    """Return the words of a description of formats 1 and 2."""
    if facts.keys() != set(WORDS):
        missing, unknown = sorted(set(WORDS) - facts.keys()), sorted(facts.keys() - set(WORDS))
        raise ValueError(
            f"its entries must be those of its format: missing {missing}, unknown {unknown}"
        )
    facts = dict(facts)
    boolean.check("per_step", facts["per_step"])
    one_of(_core.CELLS).check("cell", facts["cell"])
    cell = upgraded_cell(facts["cell"], facts.pop("activation"))
    mode = MODES[facts.pop("per_step")]
    return {**facts, **USUAL, "cell": cell, "mode": mode, "connections": None}


def upgraded_cell(cell, activation):
    """Return the parameter `cell` for those two parameters of formats 1 and 2."""
    if isinstance(cell, str) and "activation" in OPTIONS.get(cell, ()):
        return (
            cell
            if activation == OPTIONS[cell]["activation"].default
            else cells.Elman(activation=activation)
        )
    return cell
