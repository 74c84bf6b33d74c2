"""Where the words of a constructor become a network, and a network becomes words or a description.

A description is a dict of JSON values, which pickles and weight files hold. Other modules know of a
network its n_features, n_outputs, loss, huber_delta, per_step and dtype, and nothing of its inside.
"""

import marshal
from math import inf
from typing import NamedTuple

import numpy as np

from .. import _core, cells
from .._rules import Allowed, boolean, integer, number, one_of, shown
from .._training.losses import LOSSES
from .network import Network

DTYPES = ("float32", "float64")
MODES = ("many_to_one", "many_to_many")
# Of pickles and weight files: 1 is from before X was normalised, 2 from before cells had options.
FORMAT = 3
# The words of an architecture that a fit that continues may change.
CHANGEABLE = ("dropout", "huber_delta")


def layer_sizes(value):
    """Return `hidden_layer_sizes` as a tuple, whatever it was."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


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
    "mode": one_of(MODES),
    "dropout": number(0, 1),
    "dtype": one_of(DTYPES),
    "huber_delta": number(0, open_low=True),
}


# ---- cells --------------------------------------------------------------------------------------


class Option(NamedTuple):
    """An option of a cell, as the core lists it."""

    name: str
    type: str  # "choice" (of `choices`), "boolean", or "number" (from `least` to below `below`)
    choices: tuple = ()
    default: object = None
    least: float | None = None
    below: float | None = None


def _options(info):
    """Return the options of a cell of the core, by name; the first activation is the default."""
    if not info.activations:
        return {}
    return {"activation": Option("activation", "choice", info.activations, info.activations[0])}


def _rule(option):
    if option.type == "choice":
        return one_of(option.choices)
    if option.type == "boolean":
        return boolean
    least, below = option.least, option.below
    return number(-inf if least is None else least, inf if below is None else below)


OPTIONS = {kind: _options(info) for kind, info in _core.CELLS.items()}
OPTION_RULES = {
    kind: {name: _rule(option) for name, option in options.items()}
    for kind, options in OPTIONS.items()
}
PLAIN = {"choice": str, "boolean": bool, "number": float}  # the types of values in descriptions
WITH_OPTIONS = {c.kind: c for c in (cells.Elman, cells.LSTM, cells.GRU)}


def kind_of(cell):
    """Return the name of the cell that a constructor got, or None if it is no cell."""
    kind = cell.kind if isinstance(cell, cells.Cell) else cell
    return kind if isinstance(kind, str) else None


def cell_of(word):
    """Return the kind and the options {name: value} of the constructor's `cell`, checked."""
    RULES["cell"].check("cell", word)
    kind, options = kind_of(word), {}
    for name, option in OPTIONS[kind].items():
        is_object, rule = isinstance(word, cells.Cell), OPTION_RULES[kind][name]
        value = getattr(word, name, option.default) if is_object else option.default
        if not rule.test(value):
            raise ValueError(f"`{name}` of a cell must be {rule.text}, got cell={shown(word)}.")
        options[name] = PLAIN[option.type](value)
    return str(kind), options


def _word_of_cell(kind, options):
    """Return the simplest word for a cell: its name, or an object where options are not default."""
    if all(options[name] == option.default for name, option in OPTIONS[kind].items()):
        return kind
    return WITH_OPTIONS[kind](**options)


# ---- words <-> network --------------------------------------------------------------------------


def network_of(params, n_features, n_outputs, loss):
    """Return the network of a dict of checked parameters, for so many features and outputs."""
    kind, options = cell_of(params["cell"])
    return _network(
        kind,
        options,
        n_features=n_features,
        hidden_layer_sizes=tuple(map(int, layer_sizes(params["hidden_layer_sizes"]))),
        bidirectional=bool(params["bidirectional"]),
        n_outputs=n_outputs,
        loss=loss,
        huber_delta=float(params.get("huber_delta", 1.0)),
        per_step=params["mode"] == "many_to_many",
        dropout=float(params["dropout"]),
        dtype=params["dtype"],
    )


def _network(kind, options, **others):
    # The engine asks each cell for an activation, also those that have no choice.
    return Network(cell=kind, activation=options.get("activation", "tanh"), **others)


def words_of(network):
    """Return the constructor's words for a network, in their simplest form."""
    kind, options = _cell_of_network(network)
    return {
        "cell": _word_of_cell(kind, options),
        "hidden_layer_sizes": network.hidden_layer_sizes,
        "bidirectional": network.bidirectional,
        "mode": MODES[network.per_step],
        "loss": network.loss,
        "huber_delta": network.huber_delta,
        "dropout": network.dropout,
        "dtype": network.dtype,
    }


def _cell_of_network(network):
    return network.cell, {name: getattr(network, name) for name in OPTIONS[network.cell]}


def difference(network, other):
    """Return the first (word, value, other value) in which networks differ, or None.

    The words that a fit that continues may change do not count.
    """
    before, now = (
        {"n_features": n.n_features, **words_of(n), "n_outputs": n.n_outputs}
        for n in (network, other)
    )
    for name in before:
        equal = before[name] == now[name]
        if name == "cell":  # the same words may be different objects
            equal = cell_of(before[name]) == cell_of(now[name])
        if not equal and name not in CHANGEABLE:
            return name, before[name], now[name]
    return None


# ---- description <-> network --------------------------------------------------------------------

FIELDS = {
    "n_features": integer(1),
    "cell": Allowed(lambda value: isinstance(value, dict), "a dict"),
    "hidden_layer_sizes": RULES["hidden_layer_sizes"],
    "bidirectional": boolean,
    "n_outputs": integer(1),
    "loss": one_of(LOSSES),
    "huber_delta": RULES["huber_delta"],
    "per_step": boolean,
    "dropout": RULES["dropout"],
    "dtype": RULES["dtype"],
}


def describe(network):
    """Return a network as a dict of JSON values."""
    kind, options = _cell_of_network(network)
    facts = {name: getattr(network, name) for name in FIELDS}
    sizes = list(network.hidden_layer_sizes)
    return {**facts, "cell": {"kind": kind, **options}, "hidden_layer_sizes": sizes}


_networks = {}  # by their descriptions: each prediction asks for one
MOST_NETWORKS = 64


def from_description(facts, file_format=FORMAT):
    """Return the network that a description describes; a ValueError says what is wrong with it."""
    # Marshal is quick, and tells 1 from True and from 1.0.
    key = marshal.dumps((facts, file_format), 2)
    network = _networks.get(key)
    if network is None:
        try:
            network = _described(facts, file_format)
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(str(error)) from error
        if len(_networks) >= MOST_NETWORKS:
            _networks.clear()
        _networks[key] = network
    return network


def _described(facts, file_format):
    if not isinstance(facts, dict):
        raise ValueError("it must be a dict")
    facts = _upgraded(facts) if file_format < 3 else dict(facts)
    if facts.keys() != FIELDS.keys():
        missing, unknown = sorted(FIELDS.keys() - facts), sorted(facts.keys() - FIELDS)
        raise ValueError(f"of its entries {missing} are missing, {unknown} are unknown")
    for name, rule in FIELDS.items():
        rule.check(name, facts[name])
    if facts["loss"] == "logistic" and facts["n_outputs"] != 1:
        raise ValueError(f"`n_outputs` must be 1 for the logistic loss, got {facts['n_outputs']}.")
    least = float(np.finfo(facts["dtype"]).tiny)
    if facts["huber_delta"] < least:
        raise ValueError(f"`huber_delta` must be at least {least:.4g}, got {facts['huber_delta']}.")
    kind, options = _described_cell(facts.pop("cell"))
    sizes = tuple(map(int, facts.pop("hidden_layer_sizes")))
    network = _network(kind, options, hidden_layer_sizes=sizes, **facts)
    network.check_size()
    return network


def _described_cell(facts):
    kind = facts.get("kind")
    one_of(_core.CELLS).check("kind", kind)
    options = {name: value for name, value in facts.items() if name != "kind"}
    if options.keys() != OPTIONS[kind].keys():
        raise ValueError(
            f"`cell` must have the options {sorted(OPTIONS[kind])}, got {sorted(options)}."
        )
    for name, rule in OPTION_RULES[kind].items():
        rule.check(name, options[name])
    return kind, options


def _upgraded(facts):
    """Return a description of formats 1 and 2 in the present one."""
    facts = dict(facts)
    kind, activation = facts["cell"], facts.pop("activation")
    one_of(_core.CELLS).check("cell", kind)
    options = {"activation": activation} if "activation" in OPTIONS[kind] else {}
    return {**facts, "cell": {"kind": kind, **options}}


def upgraded_cell(cell, activation):
    """Return the word for two parameters of formats 1 and 2."""
    if isinstance(cell, str) and "activation" in OPTIONS.get(cell, ()):
        return (
            cell
            if activation == OPTIONS[cell]["activation"].default
            else cells.Elman(activation=activation)
        )
    return cell
