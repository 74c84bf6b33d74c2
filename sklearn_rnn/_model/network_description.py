"""The description of a network: its words and a few facts, as a dict of JSON values.

Pickles and weight files hold it. `architecture` makes the same nodes again from its words.
"""

import marshal
from dataclasses import fields

import numpy as np

from .. import _core, cells
from .._data.categories import MOST_FEATURES
from .._rules import Allowed, boolean, integer, one_of
from .._training.losses import LOSSES
from . import parts
from .pair_words import RULES as RULES_OF_PAIRS
from .pair_words import PairWords, network_of_pair
from .words import MODES, RULES, Words, is_list, network_of

# The format of pickles and weight files. In 1, X was not normalised; in 2, cells had no options.
FORMAT = 3


def _are_tables(value):
    """Tell whether these are column, rows and columns of tables, in the order of the columns."""
    rules = integer(0), integer(2), integer(1)
    tables = value if is_list(value) and len(value) <= MOST_FEATURES else [None]
    if not all(is_list(table) and len(table) == 3 for table in tables):
        return False
    valid = all(rule.test(v) for table in tables for rule, v in zip(rules, table, strict=True))
    columns = [column for column, _, _ in tables]
    return valid and columns == sorted(set(columns))


def _is_task(value):
    """Tell whether this is the loss and the number of outputs of a task."""
    if not is_list(value) or len(value) != 2 or value[0] not in _core.LOSSES_OF_GROUPS:
        return False
    return integer(1).test(value[1]) and (value[0] == "softmax" or value[1] == 1)


def _are_allowed(value):
    """Tell whether this says which tag may follow which: a square list of lists of 0 and 1."""
    if value is None:
        return True
    if not is_list(value):
        return False
    return all(is_list(row) and len(row) == len(value) and set(row) <= {0, 1} for row in value)


# What a description holds besides the words.
FACTS = {
    "n_features": integer(1),
    "n_outputs": integer(1),
    "loss": one_of(LOSSES),
    "huber_delta": RULES["huber_delta"],
    "quantile": RULES["quantile"],
    "groups": Allowed(
        lambda value: (
            is_list(value) and (all(map(integer(2).test, value)) or all(map(_is_task, value)))
        ),
        "a list of integers of at least 2, or of [loss, number of outputs]",
    ),
    "tables": Allowed(
        _are_tables, f"a list of [column, rows, columns] of at most {MOST_FEATURES} tables"
    ),
    "allowed": Allowed(_are_allowed, "None or a square list of lists of 0 and 1"),
}

# What the description of a decoder holds besides its words.
FACTS_OF_DECODER = {"n_target_features": integer(1), "target_tables": FACTS["tables"]}


def describe(network):
    """Return a network as a dict of JSON values."""
    words = network.words
    facts = {name: _as_list(getattr(network, name)) for name in FACTS}
    if isinstance(words, Words):
        return {**facts, **_describe_words(words)}
    decoder = {name: _as_list(getattr(network, name)) for name in FACTS_OF_DECODER}
    decoder.update(_describe_words(words.decoder), attention=words.attention)
    return {**facts, **_describe_words(words.encoder), "decoder": decoder}


def _describe_words(words):
    """Return words as a dict of JSON values."""
    facts = {field.name: _as_list(getattr(words, field.name)) for field in fields(words)}
    facts["cell"] = [parts.as_json(cell) for cell in words.cell]
    facts["input_layers"] = [parts.as_json(layer) for layer in words.input_layers]
    facts["pooling"] = parts.as_json(words.pooling)
    return facts


def _as_list(value):
    return list(value) if isinstance(value, tuple) else value


_networks = {}  # by their descriptions: each prediction asks for one
MOST_NETWORKS = 64


def from_description(facts, file_format=FORMAT):
    """Return the network that a description describes; a ValueError says what is wrong with it."""
    try:  # marshal is quick, and tells 1 from True and from 1.0
        key = marshal.dumps((facts, file_format), 2)
    except ValueError:  # not plain values: refused below
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
    facts, decoder = dict(facts), None
    if file_format < 3:
        facts = _upgraded(facts)
        for name, rule in {**FACTS, **RULES}.items():
            rule.check(name, facts[name])
    else:
        decoder = facts.pop("decoder", None)
        facts = _described_words({**ADDED, **facts}, FACTS)
    if facts["loss"] == "logistic" and facts["n_outputs"] != 1:
        raise ValueError(f"`n_outputs` must be 1 for the logistic loss, got {facts['n_outputs']}.")
    _check_groups(**{name: facts[name] for name in ("groups", "loss", "n_outputs")})
    if facts["loss"] == "quantile" and facts["n_outputs"] % np.size(facts["quantile"]):
        raise ValueError(
            f"`n_outputs` must be a multiple of the {np.size(facts['quantile'])} quantiles, got "
            f"{facts['n_outputs']}."
        )
    least = float(np.finfo(facts["dtype"]).tiny)
    if facts["huber_delta"] < least:
        raise ValueError(f"`huber_delta` must be at least {least:.4g}, got {facts['huber_delta']}.")
    tables = _plain_tables(facts["tables"], facts["n_features"])
    _check_tags(facts)
    given = facts["n_features"], facts["n_outputs"], facts["loss"], facts["groups"], tables
    if decoder is None:
        allowed = facts["allowed"] and tuple(tuple(map(int, row)) for row in facts["allowed"])
        network = network_of(facts, *given, allowed=allowed)
    else:
        network = _described_pair(facts, decoder, given)
    network.check_size()
    return network


def _described_words(facts, others):
    """Return the words among facts as the constructors take them, after a check of all facts.

    others: rules of the facts that are not words.
    """
    _check_names(facts, {*others, *(field.name for field in fields(Words))})
    for name in ("cell", "input_layers"):
        RULES["input_layers"].check(name, facts[name])
    facts = {
        **facts,
        "cell": [parts.from_json(cell, parts.CELLS) for cell in facts["cell"]],
        "input_layers": [parts.from_json(v, parts.LAYERS) for v in facts["input_layers"]],
        "pooling": parts.from_json(facts["pooling"], parts.POOLINGS),
    }
    rules = {name: RULES[name] for name in facts.keys() & RULES.keys()}
    for name, rule in {**others, **rules}.items():
        rule.check(name, facts[name])
    return facts


def _described_pair(facts, decoder, given):
    """Return the network of an encoder and a decoder; given: the first arguments of its maker."""
    if not isinstance(decoder, dict):
        raise ValueError("`decoder` must be a dict")
    decoder = _described_words(
        {**ADDED_WORDS, **decoder}, {**FACTS_OF_DECODER, "attention": RULES_OF_PAIRS["attention"]}
    )
    words = PairWords(Words.of(facts), Words.of(decoder), decoder["attention"])
    words.check()
    n_fed = decoder["n_target_features"]
    tables = _plain_tables(decoder["target_tables"], n_fed)
    return network_of_pair(facts, *given, n_fed, tables, words)


def _plain_tables(tables, n_features):
    tables = tuple(tuple(map(int, table)) for table in tables)
    if tables and tables[-1][0] >= n_features:
        raise ValueError(f"`tables` must be of columns below {n_features}, got {tables}.")
    return tables


def _check_groups(groups, loss, n_outputs):
    """Refuse groups that do not fit the loss and the number of outputs."""
    sizes = [group[1] if is_list(group) else group for group in groups]
    of_tasks = bool(groups) and is_list(groups[0])
    has_groups = loss == ("multitask" if of_tasks else "multioutput")
    if (
        has_groups != bool(groups)
        or (groups and sum(sizes) != n_outputs)
        or (loss == "multitask" and not groups)
    ):
        raise ValueError(
            f"`groups` must sum to the {n_outputs} outputs with the losses 'multioutput' and "
            f"'multitask', and be empty with others, got {groups} with {loss!r}."
        )


def _check_tags(facts):
    """Refuse transitions that do not fit the loss and the number of outputs."""
    if facts["transitions"] and facts["loss"] != "softmax":
        raise ValueError(f"`loss` must be 'softmax' with transitions, got {facts['loss']!r}.")
    allowed, n = facts["allowed"], facts["n_outputs"] + 1
    if allowed is not None and not (facts["transitions"] and len(allowed) == n):
        raise ValueError(f"`allowed` must have {n} rows with transitions, and be None without.")


def _check_names(facts, wanted):
    if facts.keys() != wanted:
        missing, unknown = sorted(wanted - facts.keys()), sorted(facts.keys() - wanted)
        raise ValueError(
            f"its entries must be those of its format: missing {missing}, unknown {unknown}"
        )


# The entries of formats 1 and 2.
EARLIER = {
    *("n_features", "cell", "activation", "hidden_layer_sizes", "bidirectional", "n_outputs"),
    *("loss", "huber_delta", "per_step", "dropout", "dtype"),
}
# The words that formats 1 and 2 did not know, and their only values there.
LATER = {
    "input_layers": (),
    "connections": None,
    "merge_mode": "concat",
    "pooling": "last",
    "output_layer_sizes": (),
    "layer_normalization": None,
    "output_dropout": None,
    "input_dropout": 0.0,
    "input_noise": 0.0,
    "word_dropout": 0.0,
}
# The words that the first files of format 3 did not know, and what they do without them.
ADDED_WORDS = {
    "word_dropout": 0.0,
    "tie_embeddings": False,
    "adaptive_softmax": None,
    "transitions": False,
}
ADDED = {**ADDED_WORDS, "allowed": None}
# The same for what concerns the output alone.
OUTPUTS = {"quantile": 0.5, "groups": ()}
INPUTS = {"tables": ()}


def _upgraded(facts):
    """Return the words of a description of formats 1 and 2."""
    _check_names(facts, EARLIER)
    facts = dict(facts)
    boolean.check("per_step", facts["per_step"])
    one_of(parts.CELLS).check("cell", facts["cell"])
    cell = upgraded_cell(facts["cell"], facts.pop("activation"))
    mode = MODES[facts.pop("per_step")]
    return {**facts, **LATER, **OUTPUTS, **INPUTS, **ADDED, "cell": cell, "mode": mode}


def upgraded_cell(cell, activation):
    """Return the parameter `cell` for those two parameters of formats 1 and 2."""
    if isinstance(cell, str) and "activation" in parts.CELLS.get(cell, ()):
        default = parts.CELLS[cell]["activation"].default
        return cell if activation == default else cells.Elman(activation=activation)
    return cell
