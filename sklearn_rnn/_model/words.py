"""The parameters that define a network ("words"), as plain values, and the network they make."""

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from .. import _core
from .._rules import Allowed, boolean, either, integer, number, one_of, shown
from . import parts
from .architecture import list_nodes
from .network import Network
from .parts import Part, cell_part, is_looped, layer_part, plain, pooling_part, sizes, width_of

DTYPES = ("float32", "float64")
MODES = ("many_to_one", "many_to_many")
CONNECTIONS = ("residual", "skip")
MERGE_MODES = ("concat", *_core.KINDS["merge"]["method"].choices)
NORMS = _core.KINDS["norm"]["method"].choices
MOST_QUANTILES = 1000


def quantile_of(value):
    """Return the parameter `quantile` as a float, or several as a tuple."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(map(float, value))
    return float(value)


def _are_quantiles(value):
    """Tell whether a value is one number between 0 and 1, or several in increasing order."""
    several = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 1
    value = list(value) if several else [value]
    if not 0 < len(value) <= MOST_QUANTILES:
        return False
    if not all(map(number(0, 1, open_low=True).test, value)):
        return False
    value = list(map(float, value))
    return value == sorted(set(value))


def _anything(text):
    """Return the rule of a word that `Words.of` checks part by part."""
    return Allowed(lambda value: True, text)


def is_list(value):
    return isinstance(value, (list, tuple))


def _increase(numbers):
    """Tell whether these are increasing integers of at least 1."""
    return all(map(integer(1).test, numbers)) and all(a < b for a, b in pairwise(numbers))


# The rules of the words that define a network.
def _hint_at_mode(value):
    if isinstance(value, str) and "seq" in value.lower():
        return " For targets with steps of their own, see sklearn_rnn.seq2seq."
    return one_of(MODES).hint(value)


RULES = {
    "hidden_layer_sizes": parts.some_sizes(1),
    "cell": _anything("a cell"),
    "bidirectional": boolean,
    "input_layers": Allowed(
        lambda value: is_list(value) and len(value) <= parts.MOST_LAYERS,
        f"a list of at most {parts.MOST_LAYERS} layers",
    ),
    "connections": either(None, one_of(CONNECTIONS)),
    "merge_mode": one_of(MERGE_MODES),
    "pooling": _anything("a way to pool"),
    "output_layer_sizes": parts.some_sizes(0),
    "layer_normalization": either(None, one_of(NORMS)),
    "mode": one_of(MODES)._replace(hint=_hint_at_mode),
    "transitions": boolean,
    "dropout": number(0, 1),
    "output_dropout": either(None, number(0, 1)),
    "input_dropout": number(0, 1),
    "input_noise": number(0),
    "word_dropout": number(0, 1),
    "tie_embeddings": boolean,
    "adaptive_softmax": Allowed(
        lambda value: (
            value is None
            or (isinstance(value, str) and value == "auto")
            or (is_list(value) and 0 < len(value) <= _core.MOST_TAILS and _increase(value))
        ),
        f"None, 'auto', or a list of 1 to {_core.MOST_TAILS} increasing integers of at least 1",
    ),
    "dtype": one_of(DTYPES),
    "huber_delta": number(0, open_low=True),
    "quantile": Allowed(
        _are_quantiles,
        "a number above 0 and below 1, or a list of such numbers in increasing order, "
        f"at most {MOST_QUANTILES}",
    ),
}
# The parameters for the tables of codes, which become the fact `tables` of a network.
CODES = {
    "categorical_features": None,
    "embedding_dim": "auto",
    "embedding_init": None,
    "word_dropout": 0.0,
}
# The words that are objects, and cells among them.
CELLS = ("cell", "decoder_cell")
OBJECTS = (*CELLS, "input_layers", "pooling")
# The words that may change when a fit continues.
CHANGEABLE = (
    *("dropout", "output_dropout", "input_dropout", "input_noise", "word_dropout"),
    "huber_delta",
)


@dataclass(frozen=True)
class Words:
    """The parameters of a constructor that define a network, in their simplest form."""

    cell: tuple[Part, ...]  # one for each layer
    hidden_layer_sizes: tuple[int, ...]
    bidirectional: bool
    input_layers: tuple[Part, ...]
    connections: str | None
    merge_mode: str
    pooling: Part
    output_layer_sizes: tuple[int, ...]
    layer_normalization: str | None
    mode: str
    transitions: bool
    dropout: float
    output_dropout: float | None
    input_dropout: float
    input_noise: float
    word_dropout: float
    tie_embeddings: bool
    adaptive_softmax: str | tuple[int, ...] | None
    dtype: str

    @classmethod
    def of(cls, params):
        """Return the words in a dict of parameters, whose rules have been checked."""
        widths = tuple(map(int, sizes(params["hidden_layer_sizes"])))
        words = cls(
            cell=cells_of(params["cell"], len(widths)),
            hidden_layer_sizes=widths,
            bidirectional=bool(params["bidirectional"]),
            input_layers=tuple(map(layer_part, params["input_layers"])),
            connections=_plain_or_none(params["connections"]),
            merge_mode=plain(params["merge_mode"]),
            pooling=pooling_part(params["pooling"]),
            output_layer_sizes=tuple(map(int, sizes(params["output_layer_sizes"]))),
            layer_normalization=_plain_or_none(params["layer_normalization"]),
            mode=plain(params["mode"]),
            transitions=bool(params.get("transitions", False)),
            dropout=float(params["dropout"]),
            output_dropout=_float_or_none(params["output_dropout"]),
            input_dropout=float(params["input_dropout"]),
            input_noise=float(params["input_noise"]),
            word_dropout=float(params["word_dropout"]),
            tie_embeddings=bool(params.get("tie_embeddings", False)),
            adaptive_softmax=_cutoffs(params.get("adaptive_softmax")),
            dtype=plain(params["dtype"]),
        )
        words.check(params)
        return words.simplest()

    @property
    def per_step(self):
        return self.mode == "many_to_many"

    @property
    def reads_output(self):
        return any(_core.CELLS[cell.kind].reads_output for cell in self.cell)

    @property
    def stride(self):
        """Steps of X for each step of the network."""
        return dict(self.input_layers[0].options).get("stride", 1) if self.input_layers else 1

    @property
    def window(self):
        """Steps of X that the network reads side by side at each of its steps."""
        return self.input_layers[0]["kernel_size"] if self.stride > 1 else 1

    def width(self, layer):
        """Return the number of columns that a direction of a layer gives to the next."""
        return width_of(self.cell[layer], self.hidden_layer_sizes[layer])

    @property
    def width_of_output(self):
        """Number of columns that the output of a network with one direction reads."""
        if self.output_layer_sizes:
            return self.output_layer_sizes[-1]
        n_layers = len(self.cell)
        layers = range(n_layers) if self.connections == "skip" else [n_layers - 1]
        return sum(map(self.width, layers))

    def check(self, params):
        """Refuse words that cannot be combined; params: as the user gave them."""
        if self.bidirectional and self.reads_output:
            raise ValueError(
                f"`bidirectional` must be False with cell={shown(params['cell'])}: a network that "
                "reads its own output cannot also run from the last step to the first."
            )
        if self.pooling.kind != "last" and (self.per_step or self.reads_output):
            why = "mode='many_to_many'" if self.per_step else f"cell={shown(params['cell'])}"
            raise ValueError(
                f"`pooling` must be 'last' with {why}, where every step has an output; got "
                f"{shown(params['pooling'])}."
            )
        if self.pooling.kind == "attention" and self.connections == "skip":
            raise ValueError(
                "`pooling` must not be Attention with connections='skip', where the output reads "
                "every layer; use connections='residual' or None."
            )
        if self.tie_embeddings and self.adaptive_softmax:
            raise ValueError(
                "`tie_embeddings` must be False with `adaptive_softmax`, whose weights have rows "
                f"of several lengths; got adaptive_softmax={params['adaptive_softmax']!r}."
            )
        if self.transitions and not self.per_step:
            raise ValueError(
                "`transitions` must be False with mode='many_to_one', which has no tags at steps; "
                "got True: set mode='many_to_many'."
            )
        if self.transitions and self.reads_output:
            raise ValueError(
                f"`transitions` must be False with cell={shown(params['cell'])}, which reads the "
                "output of the previous step: with transitions=True, it depends on all steps."
            )
        self._check_strides(params)
        self._check_merging(params)
        self._check_loops(params)

    def _check_strides(self, params):
        strides = [dict(layer.options).get("stride", 1) for layer in self.input_layers]
        if any(stride > 1 for stride in strides[1:]):
            raise ValueError(
                "`stride` must be 1 in all but the first of the `input_layers`, got "
                f"input_layers={shown(params['input_layers'])}."
            )
        if any(stride > 1 for stride in strides) and self.per_step:
            raise ValueError(
                "`stride` of an input layer must be 1 with mode='many_to_many', which has a target "
                f"at every step; got input_layers={shown(params['input_layers'])}."
            )

    def _check_merging(self, params):
        """Refuse to merge the last states of two directions, which are those of different steps."""
        ends_merged = self.pooling.kind == "last" and not self.per_step and self.bidirectional
        if ends_merged and self.merge_mode != "concat" and self.connections is not None:
            raise ValueError(
                f"`merge_mode` must be 'concat' with connections={self.connections!r} and "
                f"pooling='last', got {self.merge_mode!r}: the last states of the two directions "
                "are those of different steps. Use pooling='mean' or 'max' for other modes."
            )

    def _check_loops(self, params):
        """Refuse what needs one node for a layer whose state goes through other nodes."""
        for cell in filter(is_looped, self.cell):
            what = next(name for name in parts.LOOPS if dict(cell.options).get(name))
            for name, plain_value in parts.PLAIN_IN_LOOPS.items():
                if dict(cell.options).get(name, plain_value) != plain_value:
                    raise ValueError(
                        f"`{name}` of a cell must be {plain_value!r} with `{what}`, got "
                        f"cell={shown(params['cell'])}."
                    )
        if not self.bidirectional or not any(map(is_looped, self.cell)):
            return
        for name, plain_value in (("merge_mode", "concat"), ("layer_normalization", None)):
            if getattr(self, name) != plain_value:
                raise ValueError(
                    f"`{name}` must be {plain_value!r} with bidirectional=True and a cell with "
                    f"`projection_size` or `transition_layer_sizes`, got {params[name]!r}."
                )
        if self.pooling.kind == "attention":
            raise ValueError(
                "`pooling` must not be attention with bidirectional=True and a cell with "
                "`projection_size` or `transition_layer_sizes`; use 'mean' or 'max'."
            )

    def simplest(self):
        """Return the words without those that have no effect."""
        changes = {}
        widths = [self.width(layer) for layer in range(len(self.cell))]
        adds = any(a == b for a, b in pairwise(widths))
        if len(widths) == 1 or (self.connections == "residual" and not adds):
            changes["connections"] = None
        if not self.bidirectional:
            changes["merge_mode"] = "concat"
        return replace(self, **changes)

    def as_params(self):
        """Return the parameters, in their simplest form."""
        cell = [parts.object_of(cell) for cell in self.cell]
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "cell": cell[0] if len(set(self.cell)) == 1 else cell,
            "input_layers": tuple(map(parts.object_of, self.input_layers)),
            "pooling": parts.object_of(self.pooling),
        }


# The words for what follows the recurrent layers.
OF_OUTPUT = (
    "mode",
    "pooling",
    "output_layer_sizes",
    "transitions",
    "tie_embeddings",
    "adaptive_softmax",
)
# The words for the body of a network, see body.py.
BODY_WORDS = (
    *(field.name for field in fields(Words) if field.name not in (*OF_OUTPUT, *CHANGEABLE)),
    *("categorical_features", "embedding_dim"),
)


def _plain_or_none(value):
    return None if value is None else plain(value)


def _float_or_none(value):
    return None if value is None else float(value)


def _cutoffs(value):
    return tuple(map(int, value)) if is_list(value) else _plain_or_none(value)


def cells_of(value, n_layers, parameter="cell", sizes_of="hidden_layer_sizes"):
    """Check a parameter with cells; return the cell of each layer."""
    if not is_list(value):
        return (cell_part(value, parameter),) * n_layers
    if len(value) != n_layers:
        raise ValueError(
            f"`{parameter}` must be one cell, or a list with one cell for each layer of "
            f"`{sizes_of}`: expected {n_layers}, got {len(value)}."
        )
    return tuple(cell_part(each, parameter) for each in value)


# ---- words -> network ---------------------------------------------------------------------------


def network_of(params, n_features, n_outputs, loss, groups=(), tables=(), words=None, allowed=None):
    """Return the network for a dict of checked parameters, with so many features and outputs.

    tables: the column of X, the rows and the columns of the table of each categorical feature.
    words: those of the parameters, if they are known already. allowed: see `Network`.
    """
    words = Words.of(params) if words is None else words
    if tables and words.stride > 1:
        raise ValueError(
            "`stride` of an input layer must be 1 with `categorical_features`, got "
            f"input_layers={shown(params['input_layers'])}."
        )
    loss = plain(loss)
    return _network(
        words,
        n_features,
        n_outputs,
        loss,
        float(params.get("huber_delta", 1.0)),
        quantile_of(params.get("quantile", 0.5)) if loss == "quantile" else 0.5,
        tuple(map(as_group, groups)),
        float(params.get("label_smoothing", 0.0)),
        tuple(tables),
        allowed,
    )


@lru_cache(maxsize=64)
def _network(
    words, n_features, n_outputs, loss, huber_delta, quantile, groups, smoothing, tables, allowed
):
    nodes, layers = list_nodes(words, n_outputs, n_features - len(tables), tables)
    check_counts(nodes)
    network = Network(
        n_features=n_features,
        nodes=nodes,
        loss=loss,
        huber_delta=huber_delta,
        per_step=words.per_step,
        dtype=words.dtype,
        quantile=quantile,
        groups=groups,
        label_smoothing=smoothing,
        allowed=allowed,
        stride=words.stride,
        window=words.window,
        words=words,
        layers=layers,
    )
    if words.tie_embeddings:
        _check_tied(network)
    return _with_tails(network, words, smoothing)


# The classes at which "auto" begins tails of an adaptive softmax.
AUTO_CUTOFFS = (2_000, 10_000, 50_000)


def _with_tails(network, words, label_smoothing):
    """Return the network with an adaptive softmax, if there is to be one."""
    given, n_classes = words.adaptive_softmax, network.n_outputs
    if given is None:
        return network
    cutoffs = given
    if given == "auto":  # a tail has at least as many classes as come before it
        cutoffs = tuple(first for first in AUTO_CUTOFFS if 2 * first <= n_classes)
    if not cutoffs:
        return network
    if cutoffs[-1] >= n_classes:
        raise ValueError(
            f"`adaptive_softmax` must have integers below {n_classes}, the number of codes, got "
            f"{list(cutoffs)}."
        )
    what = f"with adaptive_softmax={given!r}"
    if label_smoothing > 0:
        raise ValueError(f"`label_smoothing` must be 0 {what}, got {label_smoothing}.")
    if words.reads_output:
        raise ValueError(f"`cell` must be one that does not read the output {what}.")
    return network.with_adaptive_softmax(cutoffs)


def _check_tied(network):
    """Refuse tables that cannot be the weights of the output."""
    width = sum(network.width(source.node) for source in network.nodes[-1].sources)
    if len(network.tables) != 1 or network.tables[0][1] != network.n_outputs:
        raise ValueError(
            "`tie_embeddings` must be False unless one feature is categorical, with as many codes "
            f"as there are classes, {network.n_outputs}; got tables of "
            f"{[rows for _, rows, _ in network.tables]} rows."
        )
    if network.tables[0][2] != width:
        raise ValueError(
            f"`embedding_dim` must be {width} with tie_embeddings=True, the width of what the "
            f"output reads, got {network.tables[0][2]}: change it, or set "
            f"output_layer_sizes=({network.tables[0][2]},)."
        )


def as_group(group):
    """Return a size, or the loss and the size of a task, as plain values."""
    return (plain(group[0]), int(group[1])) if is_list(group) else int(group)


def check_counts(nodes):
    """Refuse more nodes, or more sources of one node, than the core can hold."""
    if len(nodes) > _core.MOST_NODES:
        raise ValueError(
            f"`hidden_layer_sizes` must make a network of at most {_core.MOST_NODES} parts, but it "
            f"has {len(nodes)} with what lies between its layers: take fewer layers, or fewer "
            "`transition_layer_sizes` of a cell."
        )
    most = max(len(node.sources) for node in nodes)
    if most > _core.MOST_SOURCES:
        raise ValueError(
            "`input_layers`, `categorical_features` and `connections` must give each part of the "
            f"network at most {_core.MOST_SOURCES} others to read, but one has {most}: take a "
            "smaller `kernel_size`, fewer categorical features or fewer layers."
        )


def words_of(network):
    """Return the parameters that define a network, in their simplest form."""
    return {
        **network.words.as_params(),
        "loss": network.loss,
        "huber_delta": network.huber_delta,
        "quantile": network.quantile,
        "categorical_features": [column for column, _, _ in network.tables] or None,
        "embedding_dim": [width for _, _, width in network.tables] or "auto",
        "allowed_transitions": network.allowed,
        **({"decoder_embedding_dim": network.target_tables[0][2]} if network.target_tables else {}),
    }


def difference(network, other, words=None):
    """Return the first (word, value, other value) in which two networks differ, or None.

    Only `words` are compared, or those that may not change when a fit continues.
    """
    if network is other:  # the usual case: equal words make the same object
        return None
    before, now = (
        {"n_features": n.n_features, **words_of(n), "n_outputs": n.n_outputs}
        for n in (network, other)
    )
    for name in before:
        if name in CHANGEABLE if words is None else name not in words:
            continue
        differs = before[name] != now[name]
        if name in OBJECTS:  # which compare by identity
            ours, theirs = getattr(network.words, name), getattr(other.words, name)
            differs = ours != theirs
            if name in CELLS:  # another number of cells means another `hidden_layer_sizes`
                differs = any(map(Part.differs, ours, theirs))
        if differs:
            return name, before[name], now[name]
    return None
