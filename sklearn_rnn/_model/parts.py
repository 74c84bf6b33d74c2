"""Cells, layers and poolings as plain values: what their options may be, and back to objects."""

from dataclasses import dataclass
from inspect import signature
from math import inf
from typing import NamedTuple

import numpy as np

from .. import _core, cells, layers
from .._rules import Allowed, boolean, either, integer, number, one_of, shown
from .._training.initializers import BIASES, WEIGHTS

MOST_LAYERS = 64  # of each kind: a description must not make more before it is refused


def plain(word):
    """Return a word as a plain str, also if it is of a subclass, such as an enumeration."""
    return str.__str__(word)


@dataclass(frozen=True)
class Part:
    """A cell, a layer or a pooling: its kind, and all its options in the order of its table."""

    kind: str
    options: tuple[tuple[str, object], ...] = ()

    def __getitem__(self, name):
        return dict(self.options)[name]

    def differs(self, other):
        """Return whether networks of two parts with equal weights compute something else."""
        if self.kind != other.kind:
            return True
        pairs = zip(self.options, other.options, strict=True)
        return any(a != b for a, b in pairs if a[0] not in ONLY_TRAINING)


class Option(NamedTuple):
    rule: Allowed
    plain: object  # turns a valid value into the type that descriptions hold
    default: object = None  # None: the argument is required, or None is its default


# Options that matter only in training, or for initial weights.
ONLY_TRAINING = (
    *("forget_bias", "recurrent_dropout"),
    *("input_initializer", "recurrent_initializer", "bias_initializer"),
)


def sizes(value):
    """Return a parameter that holds widths of layers as a tuple."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def some_sizes(least):
    """Return the rule of a parameter that holds widths of at least so many layers."""
    width = integer(1)

    def test(value):
        widths = sizes(value)
        return least <= len(widths) <= MOST_LAYERS and all(map(width.test, widths))

    return Allowed(
        test,
        f"{width.text}, or a tuple of at most {MOST_LAYERS} of those",
        lambda value: next(filter(None, map(width.hint, sizes(value))), ""),
    )


def _plain_sizes(value):
    return tuple(map(int, sizes(value)))


def _plain_or_none(value):
    return None if value is None else plain(value)


# ---- cells --------------------------------------------------------------------------------------


def _core_option(option):
    """Return an option of the core as one of a part."""
    if option.type == "choice":
        if option.choices[0] == "none":  # None in Python
            rule = either(None, one_of(option.choices[1:]))
            return Option(rule, _plain_or_none, None)
        return Option(one_of(option.choices), plain, option.default)
    if option.type == "boolean":
        return Option(boolean, bool, option.default)
    least, below = option.least, option.below
    rule = number(-inf if least is None else least, inf if below is None else below)
    return Option(rule, float, option.default)


OF_EVERY_CELL = {
    name: _core_option(option)
    for name, option in _core.KINDS["recurrent"].items()
    if name != "recurrence"  # follows from other options
}
# States that come from another axis are for decoders, whose nodes do not ask for this option.
OF_EVERY_CELL["initial_state"] = Option(one_of(("zeros", "learned")), plain, "zeros")
INPUT = {"input_initializer": Option(one_of(WEIGHTS), plain, "glorot_uniform")}
RECURRENT = {"recurrent_initializer": Option(one_of(WEIGHTS), plain, "orthogonal")}
# Options that the core does not know, because they add nodes. A cell has those that its class has.
OF_CLASSES = {
    "transition_layer_sizes": Option(some_sizes(0), _plain_sizes, ()),
    "transition_shortcut": Option(boolean, bool, True),
    "projection_size": Option(
        either(None, integer(1)), lambda v: None if v is None else int(v), None
    ),
}
CELL_CLASSES = {c.kind: c for c in (cells.Elman, cells.LSTM, cells.GRU, cells.Jordan, cells.IndRNN)}
NEEDS_PRODUCT = ("normalization", "recurrent_dropout")


def _options_of_cell(info):
    """Return the options that a cell supports."""
    of_core = {name: _core_option(option) for name, option in info.options.items()}
    common = {**OF_EVERY_CELL, **INPUT}
    if info.hidden_product:
        common.update(RECURRENT)
    else:
        common = {name: o for name, o in common.items() if name not in NEEDS_PRODUCT}
    if info.reads_output:  # its state is not read
        common = {name: o for name, o in common.items() if name not in ("zoneout", "initial_state")}
    names = BIASES if any(info.memory) else [name for name in BIASES if name != "chrono"]
    common["bias_initializer"] = Option(either(None, one_of(names)), _plain_or_none, None)
    of_class = signature(CELL_CLASSES.get(info.name, cells.Cell)).parameters
    of_class = {name: option for name, option in OF_CLASSES.items() if name in of_class}
    return {**of_core, **of_class, **common}


CELLS = {kind: _options_of_cell(info) for kind, info in _core.CELLS.items()}


# Options that must keep these values if the state of a cell goes through other nodes.
PLAIN_IN_LOOPS = {
    "normalization": None,
    "recurrent_dropout": 0.0,
    "zoneout": 0.0,
    "initial_state": "zeros",
}


# The options that put other nodes between a state and the next one.
LOOPS = ("transition_layer_sizes", "projection_size")


def is_looped(cell):
    """Return whether a cell reads its state through other nodes."""
    return any(dict(cell.options).get(name) for name in LOOPS)


def width_of(cell, units):
    """Return the number of columns that a direction of a layer gives to the next."""
    options = dict(cell.options)
    transitions = options.get("transition_layer_sizes") or ()
    return options.get("projection_size") or (transitions[-1] if transitions else units)


# ---- layers and poolings ------------------------------------------------------------------------

ACTIVATIONS = _core.KINDS["dense"]["activation"].choices
ACTIVATION = Option(one_of(ACTIVATIONS), plain, "relu")
COUNT = Option(integer(1), int)
MOST_TAPS = _core.MOST_STEPS_BACK + 1
LAYERS = {
    "dense": {"units": COUNT, "activation": ACTIVATION},
    "conv1d": {
        "channels": COUNT,
        "kernel_size": Option(
            Allowed(
                lambda value: integer(1).test(value) and value <= MOST_TAPS,
                f"an integer from 1 to {MOST_TAPS}",
            ),
            int,
        ),
        "stride": Option(integer(1), int, 1),
        "activation": ACTIVATION,
    },
}
LAYER_CLASSES = {layer.kind: layer for layer in (layers.Dense, layers.Conv1D)}
POOLINGS = {"last": {}, "mean": {}, "max": {}, "attention": {"units": COUNT}}
POOLING_CLASSES = {"attention": layers.Attention}
WORDS_OF_POOLING = ("last", "mean", "max")


# ---- object <-> part ----------------------------------------------------------------------------


# The options of any cell by its name, with their defaults.
SHARED = {
    name: parameter.default
    for name, parameter in signature(cells.Cell).parameters.items()
    if name != "kind"
}


def kind_of(cell):
    """Return the name of a cell, or None if it is not a cell."""
    kind = cell.kind if isinstance(cell, cells.Cell) else cell
    return plain(kind) if isinstance(kind, str) else None


def cell_part(value, parameter="cell"):
    """Check one cell, a name or an object, of a parameter; return it as a part."""
    kind = kind_of(value)
    if kind not in CELLS:
        rule = one_of(CELLS)
        hint = f": write {value.__name__}()" if isinstance(value, type) else ""
        raise ValueError(
            f"`{parameter}` must be {rule.text}, an object of `sklearn_rnn.cells`, or a list with "
            f"one of these for each layer; got {shown(value)}{hint}.{rule.hint(value)}"
        )
    table = CELLS[kind]
    if type(value) is cells.Cell:  # has all options that any cell may have
        for name, option in SHARED.items():
            given = getattr(value, name, option)
            if name not in table and given != option:
                raise ValueError(
                    f"`{name}` of a cell must be {option!r} with kind={kind!r}, which does not "
                    f"support it; got {parameter}={shown(value)}."
                )
    own = isinstance(value, CELL_CLASSES.get(kind, ()))
    options = {}
    for name, option in table.items():
        # `Cell("lstm")` has the defaults of all options that only `LSTM` takes.
        has_option = own or (isinstance(value, cells.Cell) and name in SHARED)
        options[name] = _checked(value, name, option, has_option, "a cell", parameter)
    return Part(kind, tuple(options.items()))


def _checked(value, name, option, has_option, of, parameter):
    """Return the plain value of one option of an object, after a check."""
    given = getattr(value, name, option.default) if has_option else option.default
    if not option.rule.test(given):
        raise ValueError(
            f"`{name}` of {of} must be {option.rule.text}, got {parameter}={shown(value)}."
            f"{option.rule.hint(given)}"
        )
    return option.plain(given)


def layer_part(value):
    """Check one of the `input_layers`; return it as a part."""
    kind = next((kind for kind, c in LAYER_CLASSES.items() if isinstance(value, c)), None)
    if kind is None:
        raise ValueError(
            "`input_layers` must be a list of objects of `sklearn_rnn.layers`, Dense or Conv1D; "
            f"got {shown(value)} in it."
        )
    return _part(kind, LAYERS[kind], value, "an input layer", "input_layers")


def pooling_part(value):
    """Check the parameter `pooling`; return it as a part."""
    if isinstance(value, layers.Attention):
        return _part("attention", POOLINGS["attention"], value, "Attention", "pooling")
    if isinstance(value, str) and value in WORDS_OF_POOLING:
        return Part(plain(value))
    raise ValueError(
        f"`pooling` must be {one_of(WORDS_OF_POOLING).text}, or an object of "
        f"`sklearn_rnn.layers.Attention`; got {shown(value)}."
    )


def _part(kind, table, value, of, parameter):
    return Part(
        kind,
        tuple((name, _checked(value, name, o, True, of, parameter)) for name, o in table.items()),
    )


TABLES = {**CELLS, **LAYERS, **POOLINGS}
CLASSES = {**CELL_CLASSES, **LAYER_CLASSES, **POOLING_CLASSES}


def object_of(part):
    """Return the simplest word for a part: its name, or an object if it needs options."""
    table = TABLES[part.kind]
    given = {name: value for name, value in part.options if value != table[name].default}
    if not given:
        return part.kind
    if part.kind in CLASSES:
        return CLASSES[part.kind](**given)
    return cells.Cell(part.kind, **given)


# ---- part <-> JSON ------------------------------------------------------------------------------


def as_json(part):
    return {"kind": part.kind, "options": {k: _as_list(v) for k, v in part.options}}


def _as_list(value):
    return list(value) if isinstance(value, tuple) else value


def from_json(facts, tables):
    """Return the object that JSON values describe; `tables`: kinds and options that it may have."""
    if not isinstance(facts, dict) or facts.keys() != {"kind", "options"}:
        raise ValueError("a cell or layer must be a dict with `kind` and `options`")
    one_of(tables).check("kind", facts["kind"])
    table, options = tables[facts["kind"]], facts["options"]
    if not isinstance(options, dict) or options.keys() != table.keys():
        raise ValueError(f"`options` of {facts['kind']} must be {sorted(table)}, got {options}")
    for name, option in table.items():
        option.rule.check(name, options[name])
    return object_of(
        Part(facts["kind"], tuple((name, o.plain(options[name])) for name, o in table.items()))
    )
