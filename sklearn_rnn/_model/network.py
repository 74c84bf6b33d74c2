"""A network: nodes (plain values), and one flat vector of parameters with named views."""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from math import prod

import numpy as np

from .. import _core, _memory
from .._training import initializers
from .._training.threads import blas_held_at_one_thread

DATA = -1  # as a source: X itself
TARGET_DATA = -2  # what is read at each step of y, by nodes of axis 1
# Kinds of nodes that multiply their sources, and those that a prediction leaves out.
WEIGHTED = ("recurrent", "dense", "tail", "head", "crf")
TRAINING_ONLY = ("drop", "noise")
# Kinds of nodes that read all steps of a sequence.
POOLING = ("pool", "attend")
# Ends of the names of arrays, by the directions of a node.
SUFFIXES = {"forward": ("",), "reverse": ("_reverse",), "both": ("", "_reverse")}


@dataclass(frozen=True)
class Source:
    """A stream that a node reads, or X; at the same step or some steps before."""

    node: int  # index of the node, or DATA or TARGET_DATA
    shift: int = 0  # 0, or minus the steps before (after, in a reverse direction)
    # Stem of the weights; sources of one stem share an array. "initial" has none: its columns are
    # the states before the first step, one after another.
    weight: str = "weight_ih"


@dataclass(frozen=True)
class Node:
    """One part of a network. Its stream is what it computes for each step, or once per sequence.

    ============ ====================================================================
    recurrent    the hidden states of a cell that reads its sources side by side
    dense        an activation of a linear map of its sources, some at earlier steps
    drop         its source under dropout (options `rate`, and `layer` for the masks)
    noise        its source plus Gaussian noise (option `std`), in training
    add          the sum of its sources
    merge        the sum, average or product of the two directions of its source
    norm         its source, each row normalised
    last         the last state of each unit, once per sequence
    pool         the mean or the maximum of each unit over the steps, once per sequence
    attend       a weighted mean of the rows of its source, once per sequence
    context      attention over the other axis, by its sources query, keys and values
    head         a linear map of its sources; other nodes read the output after the link
    tail         the outputs of rarer classes: see `Network.with_adaptive_softmax`
    crf          a head whose outputs score the tags of a sequence, as do pairs of tags
    embed        for the code in a column of X, that row of a table (options `column`, `rows`,
                 `word_dropout`: share of codes that training replaces by `unknown`; `tied`:
                 the row is that of head.weight, whose row `first_row` is that of code 0)
    ============ ====================================================================
    """

    kind: str
    name: str  # "l0" if its arrays are "weight_ih_l0" and so on
    sources: tuple[Source, ...]
    units: int = 0  # of a recurrent or dense node; of attention, the head, an embedding
    cell: str = ""  # of a recurrent node
    options: tuple[tuple[str, object], ...] = ()
    directions: str = "forward"  # of a recurrent or dense node; or "reverse"; or "both"
    # Whose steps its rows belong to: 0, those of X; or 1, those of y. Nodes read nodes of their own
    # axis; a recurrent node of axis 1 may also begin with a row per sequence of axis 0.
    axis: int = 0
    # Pairs (stem, name) of arrays that are not initialised as the core says; "bias" stands for both
    # biases. See `initializers`.
    initializers: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Network:
    """The architecture: all that `_core.Engine` needs besides data and threads."""

    n_features: int
    nodes: tuple[Node, ...]  # the head is the last one
    loss: str
    huber_delta: float
    per_step: bool
    dtype: str
    quantile: float | tuple[float, ...] = 0.5  # that the loss "quantile" learns for each target
    # Groups of outputs: their sizes for the loss "multioutput", (loss, size) for "multitask".
    groups: tuple[int, ...] | tuple[tuple[str, int], ...] = ()
    label_smoothing: float = 0.0  # in training, of a loss of classes
    # Of a head "crf": for each tag, and last for the start, whether each tag, and last the end, may
    # follow (1) or not (0). None: all may.
    allowed: tuple[tuple[int, ...], ...] | None = None
    # Step t of the network reads steps s t, s t - 1, ..., s t - (window - 1) of X side by side,
    # where s is the stride.
    stride: int = 1
    window: int = 1
    n_target_features: int = 0  # columns of what is read at each step of y, see TARGET_DATA
    words: object = None  # the parameters that define it, see `words`
    layers: tuple[tuple[int, ...], ...] = ()  # the nodes that give the states of each layer

    @property
    def tensors(self):
        """List of `_core.Tensor`: each array in the flat vector."""
        return _tensors(self.n_features, self.nodes, self.window, self.n_target_features)

    @property
    def layout(self):
        """List (name, offset, shape) of each array in the flat vector."""
        return [(tensor.name, tensor.offset, tensor.shape) for tensor in self.tensors]

    @property
    def n_params(self):
        last = self.tensors[-1]
        return last.offset + prod(last.shape)

    @property
    def is_pair(self):
        """Whether it is an encoder and a decoder, whose steps are those of the target."""
        return self.n_target_features > 0

    @property
    def n_outputs(self):
        """Outputs of the head and its tails; for each tail the head has an output that is none."""
        tails = [node.units - 1 for node in self.nodes if node.kind == "tail"]
        return self.nodes[-1].units + sum(tails)

    def with_adaptive_softmax(self, cutoffs, factor=4.0):
        """Return the network with an adaptive softmax (Grave et al., 2017) of the same classes.

        Classes must be sorted, the most frequent ones first. The head keeps those below the first
        of the `cutoffs`; each of the others begins a tail, whose classes are outputs of a
        projection of what the head reads: to a `factor`-th of its width, then to a `factor`-th of
        that, and so on. (As `torch.nn.AdaptiveLogSoftmaxWithLoss` does; here the head has a bias.)
        The outputs before the link are the logarithms of the probabilities.
        """
        *nodes, head = self.nodes
        ends = [*cutoffs, head.units]
        if not 0 < len(cutoffs) <= _core.MOST_TAILS or not _increase([0, *ends]):
            raise ValueError(
                f"`cutoffs` must be 1 to {_core.MOST_TAILS} increasing integers, from 1 to below "
                f"the number of classes, {head.units}; got {cutoffs!r}."
            )
        width = sum(self.width(source.node) for source in head.sources)
        linear = (("activation", "identity"), ("bias", False))
        for i, (first, end) in enumerate(pairwise(ends)):
            units = max(1, int(width // factor ** (i + 1)))
            name = f"tail_{i}_projection"
            fields = {"units": units, "options": linear, "axis": head.axis}
            nodes.append(Node("dense", name, head.sources, **fields))
            fields = {"units": end - first, "axis": head.axis}
            nodes.append(Node("tail", f"tail_{i}", (Source(len(nodes) - 1),), **fields))
        nodes.append(replace(head, units=cutoffs[0] + len(cutoffs)))
        return replace(self, nodes=tuple(nodes))

    @property
    def has_transitions(self):
        """Whether the outputs score the tags of whole sequences."""
        return self.nodes[-1].kind == "crf"

    @property
    def result(self):
        """What `_core.Engine.predict` computes for the method `predict`."""
        return "best" if self.has_transitions else "linked"

    @property
    def n_quantiles(self):
        """Number of outputs for each target."""
        return np.size(self.quantile) if self.loss == "quantile" else 1

    @property
    def n_targets(self):
        """Number of targets of a regression."""
        return self.n_outputs // self.n_quantiles

    @property
    def code_columns(self):
        """The columns of X that embeddings read; the others are the stream of the data."""
        return sorted({column for column, _, _ in self.tables})

    @property
    def tables(self):
        """The column of X, the number of rows and the number of columns of each embedding."""
        return self._tables(axis=0)

    @property
    def target_tables(self):
        """The same of what is read at each step of y."""
        return self._tables(axis=1)

    def _tables(self, axis):
        nodes = [node for node in self.nodes if node.kind == "embed" and node.axis == axis]
        options = [(dict(node.options), node.units) for node in nodes]
        return tuple((table["column"], table["rows"], units) for table, units in options)

    @property
    def n_layers(self):
        """Number of recurrent layers."""
        return len(self.layers)

    @property
    def is_causal(self):
        """Whether no state depends on later steps."""
        return all(node.directions == "forward" for node in self.nodes)

    def check_causal(self, what):
        """Refuse what a network that does not go on step by step cannot do."""
        if not self.is_causal:
            raise ValueError(
                f"{what} bidirectional=False: a reverse direction begins at the last step."
            )
        if any(node.kind in POOLING for node in self.nodes):
            raise ValueError(
                f"{what} pooling='last': other ways to pool need all steps of a sequence at once."
            )
        if self.stride > 1:
            raise ValueError(f"{what} input layers without a stride, got stride={self.stride}.")

    def facts(self):
        """Return what the core must know, by name."""
        return {
            name: value for name, value in vars(self).items() if name not in ("words", "layers")
        }

    def check_size(self):
        """Raise an error if the core cannot count the parameters."""
        _ = self.tensors

    def views(self, params):
        """Name the parts of a flat vector (n_params,), without copies."""
        return {
            name: params[offset : offset + prod(shape)].reshape(shape)
            for name, offset, shape in self.layout
        }

    @property
    def state_layout(self):
        """List (name, first column, n_columns) of the states that go on from step to step."""
        return _core.state_layout(self.n_features, self.nodes, self.n_target_features)

    def engine(self, lengths, batch_size, n_threads, training, memory_budget=None, **options):
        """Make an engine with the workspace for minibatches of sequences of these lengths."""
        return _core.Engine(
            **self.facts(),
            n_threads=n_threads,
            training=training,
            lengths=lengths,
            batch_size=batch_size,
            memory_budget=memory_budget,
            **options,
        )

    def workspace(self, *args, **options):
        """Return the bytes that `engine` would take with these arguments, as a dict by use."""
        return self.engine(*args, **options, planning=True).planned

    def session(self, n_sequences):
        """Make a session for so many sequences, which arrive step by step."""
        return _core.Session(
            **self.facts(),
            n_threads=1,
            training=False,
            lengths=np.ones(n_sequences, dtype=np.intp),
            batch_size=n_sequences,
            by_step=True,
            carried=True,
            session=True,
        )

    def decoder(self, lengths, max_rows):
        """Make a decoder for up to `max_rows` rows at a time and sources of these lengths.

        There may be fewer sources than rows, of which several then go on from one source.
        """
        n = max(len(lengths), max_rows)
        ones = np.ones(n, dtype=np.intp)
        return _core.Decoder(
            **self.facts(),
            n_threads=1,
            training=False,
            lengths=np.concatenate([lengths, ones[len(lengths) :]]),
            target_lengths=ones,
            batch_size=n,
            by_step=True,
            carried=True,
            session=True,
        )

    def readers(self, of):
        """List what multiplies a stream: (node, stem, columns of the array of this stem).

        In a prediction, streams under dropout or noise are the stream itself.
        """
        same, found = self._copies(of), []
        for i, node in enumerate(self.nodes):
            ends = {}
            for source in node.sources if node.kind in WEIGHTED else ():
                if source.weight == "initial":
                    continue
                first = ends.get(source.weight, 0)
                ends[source.weight] = end = first + self.width(source.node)
                if source.node in same:
                    n = (end - first) // (self.window if of == DATA else 1)  # for each step read
                    places = (slice(k, k + n) for k in range(first, end, n))
                    found += [(i, source.weight, place) for place in places]
        return found

    def _copies(self, of):
        """Return the streams that equal this one in a prediction, itself included."""
        same = {of}
        for i, node in enumerate(self.nodes):
            if node.kind in TRAINING_ONLY and node.sources[0].node in same:
                same.add(i)
        return same

    @property
    def reads_X_at_earlier_steps(self):
        """Whether a node reads X at earlier steps, which are zeros before the first step."""
        same = self._copies(DATA)
        sources = (source for node in self.nodes for source in node.sources)
        return self.window > 1 or any(s.node in same and s.shift != 0 for s in sources)

    def width(self, node):
        """Return the number of columns of a node's stream."""
        if node == DATA:
            return (self.n_features - len(self.code_columns)) * self.window
        if node == TARGET_DATA:
            return self.n_target_features - len({column for column, _, _ in self.target_tables})
        kind, units = self.nodes[node].kind, self.nodes[node].units
        if kind in (*WEIGHTED, "embed"):
            return units * (1 + (self.nodes[node].directions == "both"))
        shaping = self.nodes[node].sources[2 if kind == "context" else 0]
        width = self.width(shaping.node)
        return width // 2 if kind == "merge" else width


def _increase(numbers):
    return all(a < b for a, b in pairwise(numbers))


@lru_cache(maxsize=64)
def _tensors(*facts):
    return tuple(_core.tensors(*facts))


def initialize(network, rng, n_steps=None, vectors=None):
    """Draw the flat vector of parameters (n_params,), independently of the data.

    Unless a node has other `initializers`, input weights and head are Glorot uniform, recurrent
    weights orthogonal, gate by gate, and biases have the constants that their cell declares.
    n_steps is the length of the longest training sequence, which "chrono" biases need. vectors: for
    each embedding None, or the given rows of its table, NaN where a drawn one stays.
    """
    with room_for_parameters(network):
        params = np.zeros(network.n_params)
    views = network.views(params)
    with blas_held_at_one_thread():  # more threads could change the bits
        for tensor in network.tensors:
            node = network.nodes[tensor.node]
            initializers.initialize_array(views[tensor.name], tensor, node, rng, n_steps)
    for table, rows in zip(tables_of(network, params), vectors or (), strict=False):
        if rows is not None:
            np.copyto(table[: len(rows)], rows, where=~np.isnan(rows))
    params = params.astype(network.dtype)
    _fill_last_rows(network, params, ("tied",))
    return params


def _embeddings(network):
    """List the nodes that read codes in X."""
    return [node for node in network.nodes if node.kind == "embed" and node.axis == 0]


def tables_of(network, params):
    """List the tables of `_embeddings`; that of a tied one are rows of the head's weights."""
    embeddings = _embeddings(network)
    views = network.views(params) if embeddings else {}
    tables = []
    for node in embeddings:
        options = dict(node.options)
        first = int(options.get("first_row", 0))
        rows = slice(first, first + int(options["rows"]))
        tables.append(views["head.weight"][rows] if _is(node, "tied") else views[_table_of(node)])
    return tables


def _table_of(node):
    return f"{node.name}.weight"


def _is(node, option):
    return dict(node.options).get(option, 0) > 0


def fill_unknown_rows(network, params, frozen=()):
    """Set the last row of each table, that of unknown codes, to the mean of the others.

    Tables whose names are in `frozen` stay as they are, and those of which word dropout, or the
    head, trains that row.
    """
    _fill_last_rows(network, params, ("tied", "word_dropout"), frozen)


def _fill_last_rows(network, params, but, frozen=()):
    """Do it where embeddings have none of the options `but`."""
    for node, table in zip(_embeddings(network), tables_of(network, params), strict=True):
        if _table_of(node) not in frozen and not any(_is(node, option) for option in but):
            table[-1] = table[:-1].mean(axis=0, dtype=np.float64)


def room_for_parameters(network):
    """Return a context that raises MemoryError if training the parameters does not fit."""
    sizes = tuple(node.units for node in network.nodes if node.kind == "recurrent")
    advice = f"take a smaller `hidden_layer_sizes` than {sizes}"
    widths = [width for _, _, width in network.tables]
    in_tables = sum(rows * width for _, rows, width in network.tables)
    if 2 * in_tables > network.n_params or max(widths, default=0) > max(sizes):
        advice = f"take a smaller `embedding_dim` than {widths}"
    return _memory.memory_for(
        4 * network.n_params * np.dtype(network.dtype).itemsize,
        f"The training of {network.n_params} parameters",
        advice,
    )


def prepared(network, sequences, scaling, n_threads, initial_state=None, targets=None, **options):
    """Return an engine for predictions of sequences, with these options, and the dataset.

    initial_state holds states before the first steps (n_samples, n_columns), or is None; targets:
    those of the rows, where losses are wanted.
    """
    engine = network.engine(
        sequences.lengths,
        sequences.n_samples,
        n_threads,
        training=False,
        carried=initial_state is not None,
        **options,
    )
    mean, scale = scaling or (None, None)
    facts = {"mean": mean, "scale": scale, "initial_state": initial_state}
    return engine, _core.Dataset(sequences.values, sequences.offsets, **facts)


def predictor(network, sequences, scaling, n_threads=1, **options):
    """Return a function params -> outputs (n_samples, n_outputs), (n_steps, n_outputs) if per step.

    scaling is mean and scale of X, each (n_features,), or None. With raw=True the function returns
    the outputs before the link, with another `result` what `_core.Engine.predict` says. `options`
    are those of `prepared`.
    """
    engine, dataset = prepared(network, sequences, scaling, n_threads, **options)

    def predict(params, raw=False, result="linked"):
        engine.load(params)
        return engine.predict(dataset, raw=raw, result=result)

    return predict


class Evaluation:
    """Outputs and losses of examples for any parameters, with one engine."""

    def __init__(self, network, examples, n_threads=1):
        sequences, targets = examples.sequences, examples.targets
        self._network, self._weights = network, examples.weights
        self._engine = network.engine(
            sequences.lengths,
            sequences.n_samples,
            n_threads,
            training=False,
            **examples.options_of_engine(),
        )
        if targets.dtype.kind == "f":
            targets = np.ascontiguousarray(targets, dtype=network.dtype)
        self._dataset = replace(examples, targets=targets).dataset()

    def outputs(self, params):
        """Return what a prediction is decoded from (n_rows, n_outputs)."""
        self._engine.load(params)
        return self._engine.predict(self._dataset, result=self._network.result)

    def row_losses(self, params):
        """Return the loss of each row (n_rows,), float64."""
        self._engine.load(params)
        return self._engine.predict(self._dataset, losses=True)

    def mean_loss(self, params):
        """Return the weighted mean loss."""
        return float(np.average(self.row_losses(params), weights=self._weights))


# ---- weights for other scales -------------------------------------------------------------------


def _rescale_source(network, views, of, factor, shift, columns):
    """Change weights so that the nodes compute the same from x_new as before from x.

    x are the values of a source, x = x_new factor + shift; only the given columns differ. Where a
    node reads steps before the first one, which are 0, the results change a little.
    """
    for i, stem, place in network.readers(of):
        node = network.nodes[i]
        for weight, bias in arrays_of_reader(node, stem):
            weight = views[weight][:, place]
            views[bias] += weight[:, columns] @ shift[columns]
            weight[:, columns] *= factor[columns]


def arrays_of_reader(node, stem):
    """List the names of the weights of a stem and of the biases, for each direction of a node."""
    if node.kind == "recurrent":
        ends = [f"{node.name}{end}" for end in SUFFIXES[node.directions]]
        return [(f"{stem}_{end}", f"bias_ih_{end}") for end in ends]
    return [(f"{node.name}.{'weight' if stem == 'weight_ih' else stem}", f"{node.name}.bias")]


def absorb_input_scale(network, params, before, after, columns):
    """Change weights so that X gives the same states with a new mean and scale as with the old.

    before, after: (mean, scale), each (n_features,). Only the weights of the marked columns
    (n_features,) change; `params` itself is not modified.
    """
    (mean, scale), (new_mean, new_scale) = before, after
    if not columns.any():
        return params
    params = params.astype(np.float64)
    # x = (x_new new_scale + new_mean - mean) / scale
    factor, shift = new_scale / scale, (new_mean - mean) / scale
    numbers = np.setdiff1d(np.arange(network.n_features), network.code_columns)
    _rescale_source(
        network,
        network.views(params),
        DATA,
        factor[numbers],
        shift[numbers],
        np.flatnonzero(columns[numbers]),
    )
    return params.astype(network.dtype)


def absorb_output_scale(network, params, before, after, columns):
    """Change weights so that outputs times a new scale plus a new mean stay the same.

    before, after: (mean, scale), each (n_outputs,); only the marked outputs (n_outputs,) change.
    If layers read the output, results change a little, because at the first step they read zeros.
    """
    (mean, scale), (new_mean, new_scale) = before, after
    if not columns.any():
        return params
    params, j = params.astype(np.float64), np.flatnonzero(columns)
    views = network.views(params)
    # z new_scale + new_mean = z_old scale + mean
    views["head.weight"][j] *= (scale / new_scale)[j, np.newaxis]
    views["head.bias"][j] *= (scale / new_scale)[j]
    views["head.bias"][j] += ((mean - new_mean) / new_scale)[j]
    for of in (len(network.nodes) - 1, *([TARGET_DATA] if network.is_pair else [])):
        _rescale_source(network, views, of, new_scale / scale, (new_mean - mean) / scale, j)
    return params.astype(network.dtype)


def hidden_states(network, params, sequences, scaling, layer, per_step, n_threads=1):
    """Return a layer's states (n_samples, D*H), or (n_steps, D*H) if per step; layer from 0."""
    found = []
    for node in network.layers[layer]:
        of = network
        if not per_step:
            last = Node("last", "states", (Source(node),))
            of, node = replace(network, nodes=(*network.nodes, last)), len(network.nodes)
        found.append(predictor(of, sequences, scaling, n_threads, result=node)(params))
    return found[0] if len(found) == 1 else np.hstack(found)


def attention_weights(network, params, sequences, scaling, n_threads=1):
    """Return the weight of each step in attention pooling (n_steps,); a sequence's sum to 1."""
    (node,) = [node for node in network.nodes if node.kind == "attend"]
    read = Node("add", "attended", node.sources)
    network = replace(network, nodes=(*network.nodes, read))
    result = len(network.nodes) - 1
    h = predictor(network, sequences, scaling, n_threads, result=result)(params)
    views = network.views(params)
    weight, bias, score = (views[f"{node.name}.{stem}"] for stem in ("weight", "bias", "score"))
    _memory.check_room_for_blas(1)
    with blas_held_at_one_thread():  # more threads could change the bits
        scores = (np.tanh(h @ weight.T + bias) @ score).astype(np.float64)
    starts, lengths = sequences.offsets[:-1], sequences.lengths
    powers = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), lengths))
    return powers / np.repeat(np.add.reduceat(powers, starts), lengths)


def ready(engine):
    """Return the context in which an engine may be used: BLAS at one thread, if it calls BLAS."""
    return blas_held_at_one_thread() if engine.uses_blas else nullcontext()
