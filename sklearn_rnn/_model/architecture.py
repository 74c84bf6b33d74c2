"""The one place where the words of a network become nodes."""

from dataclasses import replace
from functools import lru_cache

from .. import _core
from .network import DATA, Node, Source
from .parts import CELLS, is_looped

HEAD = -3  # stands for the head as a source until all nodes are listed
# Numbers of dropout masks; those of layers come before them. Streams of a reverse direction have
# their own.
INPUT_MASKS, OUTPUT_MASKS, REVERSE_MASKS = 1 << 10, 1 << 11, 1 << 12


@lru_cache(maxsize=64)
def list_nodes(words, n_outputs, n_numbers=1, tables=()):
    """List the nodes of a network; n_outputs: units of the head.

    n_numbers is how many features are numbers; tables: the column of X, the rows and the columns of
    the table of each feature that is a code.

    Returns
    -------
    nodes : tuple of Node
    layers : tuple of tuples of int
        For each layer, the nodes whose streams are its states: one, or one for each direction.
    """
    builder = Builder(words)
    builder.add_body(n_numbers, tables)
    builder.add_output(n_outputs)
    return builder.finished(), tuple(builder.layers)


class Builder:
    """A list of nodes that grows from the input up.

    What a layer gives to others is a tuple of streams: one, or one for each direction if these are
    nodes of their own.
    """

    axis = 0  # of the nodes, see `network.Node`
    prefix = ""  # of their names
    data = DATA  # what numbers are read from
    first_mask = 0  # first number of the masks of dropout

    def __init__(self, words):
        self.words = words
        self.nodes = []
        self.layers = []  # states of each layer
        self.inputs = ()  # what stands for X where layers read it
        self.outputs = []  # what each layer gives to a residual sum
        self.read = []  # what others read of each layer, which may be normalised
        self.head_per_step = words.per_step or words.reads_output

    def add(self, kind, name, *sources, **fields):
        """Append a node that reads these nodes or sources; return its index."""
        sources = tuple(s if isinstance(s, Source) else Source(s) for s in sources)
        name = name if kind == "head" else self.prefix + name
        self.nodes.append(Node(kind, name, sources, axis=self.axis, **fields))
        return len(self.nodes) - 1

    def add_to_each(self, streams, kind, name, **fields):
        """Append a node of one source for each stream."""
        names = [name] if len(streams) == 1 else [name, f"{name}_reverse"]
        return tuple(
            self.add(kind, name, stream, **fields)
            for name, stream in zip(names, streams, strict=True)
        )

    def dropped(self, streams, rate, name, masks, **options):
        """Append dropout, if there is any; `masks` tells the masks of a network apart."""
        if rate == 0:
            return streams
        streams = self.add_to_each(streams, "drop", name)
        for i, number in enumerate(streams):
            layer = float(self.first_mask + masks + i * REVERSE_MASKS)
            given = (("rate", rate), ("layer", layer), *options.items())
            self.nodes[number] = replace(self.nodes[number], options=given)
        return streams

    def normalized(self, streams, name):
        """Append layer normalization, if there is any."""
        method = self.words.layer_normalization
        if method is None:
            return streams
        return self.add_to_each(streams, "norm", name, options=(("method", method),))

    def merged(self, streams, name):
        """Append the merging of two directions, unless they stay side by side."""
        if self.words.merge_mode == "concat":
            return streams
        options = (("method", self.words.merge_mode),)
        return self.add_to_each(streams, "merge", name, options=options)

    def finished(self):
        """Return the nodes, in which the head is the last one."""
        return self.resolved({HEAD: len(self.nodes) - 1})

    def resolved(self, places):
        """Return the nodes with nodes in place of what stands for them as a source, a dict."""
        return tuple(
            replace(
                node,
                sources=tuple(replace(s, node=places.get(s.node, s.node)) for s in node.sources),
            )
            for node in self.nodes
        )

    # ---- input ----

    def add_body(self, n_numbers, tables):
        """Append everything up to the states of the last layer."""
        self.add_input(n_numbers, tables)
        for layer in range(len(self.words.hidden_layer_sizes)):
            self.add_layer(layer)

    def add_input(self, n_numbers, tables):
        """Append embeddings, noise and dropout of X, and the input layers."""
        words, streams = self.words, []
        if n_numbers:
            numbers = (self.data,)
            if words.input_noise > 0:
                options = (("std", words.input_noise),)
                numbers = self.add_to_each(numbers, "noise", "noise", options=options)
            streams += self.dropped_input(numbers, "drop_input", INPUT_MASKS)
        for i, (column, rows, units) in enumerate(tables):
            options = (("column", column), ("rows", rows))
            if words.word_dropout > 0:
                options += (("word_dropout", words.word_dropout), ("unknown", rows - 1))
            if words.tie_embeddings:
                options += (("tied", True),)
            of = self.add("embed", f"embedding_{i}", units=units, options=options)
            streams += self.dropped_input((of,), f"drop_embedding_{i}", INPUT_MASKS + 1 + i)
        self.inputs = tuple(streams)
        for number, layer in enumerate(words.input_layers):
            # A first layer with a stride reads windows of X, which hold the steps side by side.
            taps = layer["kernel_size"] if layer.kind == "conv1d" else 1
            taps = 1 if number == 0 and words.window > 1 else taps
            self.inputs = (self.add_input_layer(f"input_{number}", layer, taps, self.inputs),)

    def dropped_input(self, streams, name, masks):
        return self.dropped(streams, self.words.input_dropout, name, masks, per_sequence=True)

    def add_input_layer(self, name, layer, taps, of):
        units = layer["channels"] if layer.kind == "conv1d" else layer["units"]
        sources = [Source(stream, -shift) for shift in range(taps) for stream in of]
        options = (("activation", layer["activation"]),)
        return self.add("dense", name, *sources, units=units, options=options)

    # ---- recurrent layers ----

    def add_layer(self, layer):
        """Append a recurrent layer, its dropout, and its connection to the layer below."""
        words = self.words
        sources = [Source(stream) for stream in (self.read[-1] if layer else self.inputs)]
        if words.connections == "skip" and layer > 0:
            sources += map(Source, self.inputs)
        if not words.bidirectional:
            directions = ("forward",)
        else:
            directions = ("forward", "reverse") if is_looped(words.cell[layer]) else ("both",)
        streams = tuple(self.add_cell(layer, sources, d) for d in directions)
        self.layers.append(streams)
        if not self.is_read_per_step(layer):
            return
        is_top, adds = layer == len(words.cell) - 1, self.adds(layer)
        if not is_top or adds or self.head_per_step or words.pooling.kind != "last":
            streams = self.merged(streams, f"merge_{layer}")
        if not is_top or adds:
            streams = self.dropped(streams, words.dropout, f"drop_{layer}", layer)
        if adds:
            ends = ("", "_reverse")
            pairs = enumerate(zip(self.outputs[-1], streams, strict=True))
            streams = tuple(self.add("add", f"sum_{layer}{ends[i]}", *pair) for i, pair in pairs)
        self.outputs.append(streams)
        self.read.append(streams if is_top else self.normalized(streams, f"norm_{layer}"))

    def is_read_per_step(self, layer):
        """Return whether others than the layer itself may read its states at each step."""
        return True

    def adds(self, layer):
        """Return whether a layer adds what the layer below gives to its own states."""
        words = self.words
        return (
            words.connections == "residual"
            and layer > 0
            and words.width(layer) == words.width(layer - 1)
        )

    def add_cell(self, layer, sources, directions):
        """Append a cell; return the node whose stream is its state."""
        cell, name = self.words.cell[layer], f"l{layer}"
        fields = {
            "units": self.words.hidden_layer_sizes[layer],
            "cell": cell.kind,
            "options": self.options_of_node(cell),
            "directions": directions,
            "initializers": _initializers_of(cell),
        }
        sources = [*sources, *self.beginnings(layer)]
        feedback = [Source(HEAD, -1)] if _core.CELLS[cell.kind].reads_output else []
        sources = [*sources, *(replace(source, weight="weight_oh") for source in feedback)]
        if not is_looped(cell):
            return self.add("recurrent", name, *sources, **fields)
        options = dict(cell.options)
        sizes = options.get("transition_layer_sizes") or (options["projection_size"],)
        state = len(self.nodes) + len(sizes)  # the last of the nodes that follow the cell
        if not feedback:
            sources.append(Source(state, -1, "weight_hh"))
            fields["options"] = (*fields["options"], ("recurrence", "source"))
        of = self.add("recurrent", name, *sources, **fields)
        for number, units in enumerate(sizes):
            read = [Source(of)]
            if number == len(sizes) - 1 and options.get("transition_shortcut"):
                read += [replace(s, weight="weight_skip") for s in feedback or [Source(state, -1)]]
            of = self.add_loop_layer(layer, number, cell, read, units, directions)
        return of

    def options_of_node(self, cell):
        return _options_of_node(cell)

    def beginnings(self, layer):
        """List the sources of the initial states: none, they are zeros or learned."""
        return []

    def add_loop_layer(self, layer, number, cell, sources, units, directions):
        """Append a projection, or a layer between a state and the next one."""
        if "projection_size" in dict(cell.options):
            name, options = f"projection_{layer}", (("activation", "identity"), ("bias", False))
        else:
            name = f"transition_{layer}_{number}"
            options = (("activation", cell["activation"]),)
        fields = {"units": units, "options": options, "directions": directions}
        return self.add("dense", name, *sources, **fields)

    # ---- output ----

    def add_output(self, n_outputs):
        """Append pooling of the states, the output layers and the head."""
        top = len(self.words.cell) - 1
        read = self.read_for_output()
        if not self.head_per_step:
            read = [self.pooled(streams, number) for number, streams in enumerate(read)]
        read[-1] = self.normalized(read[-1], f"norm_{top}")
        self.add_head(read, n_outputs)

    def read_for_output(self):
        """List the streams of each layer that the output reads; the last layer is the top one."""
        top = len(self.words.cell) - 1
        layers = range(top + 1) if self.words.connections == "skip" else [top]
        return [self.read[layer] for layer in layers]

    def add_head(self, read, n_outputs):
        """Append dropout, the output layers and the head, which read these streams of layers."""
        words, top = self.words, len(self.words.cell) - 1
        rate = words.output_dropout
        if rate is None:  # a layer that is added to the one below has its dropout already
            rate = 0.0 if self.adds(top) else words.dropout
        name, masks = (f"drop_{top}", top) if not self.adds(top) else ("drop_output", OUTPUT_MASKS)
        read[-1] = self.dropped(read[-1], rate, name, masks)
        streams = [stream for streams in read for stream in streams]
        for number, units in enumerate(words.output_layer_sizes):
            options = (("activation", "relu"),)
            of = self.add("dense", f"output_{number}", *streams, units=units, options=options)
            masks = OUTPUT_MASKS + 1 + number
            streams = self.dropped((of,), rate, f"drop_output_{number}", masks)
        kind = "crf" if words.transitions else "head"
        self.add(kind, "head", *streams, units=n_outputs)

    def pooled(self, streams, number):
        """Append what makes one row per sequence of the states of a layer."""
        pooling = self.words.pooling
        if pooling.kind == "last":
            streams = self.add_to_each(streams, "last", f"last_{number}")
            return self.merged(streams, f"merge_{len(self.words.cell) - 1}")
        if pooling.kind == "attention":
            return self.add_to_each(streams, "attend", "attention", units=pooling["units"])
        options = (("method", pooling.kind),)
        return self.add_to_each(streams, "pool", f"pool_{number}", options=options)


def _options_of_node(cell):
    """Return the options of a cell that the core knows: those of the cell, then those of any."""
    options, of_every = dict(cell.options), _core.KINDS["recurrent"]
    of_cell = _core.CELLS[cell.kind].options
    table = CELLS[cell.kind]
    return (
        *((name, options[name]) for name in of_cell),
        *(
            (name, options[name])
            for name in of_every
            if name in options and options[name] != table[name].default
        ),
    )


def _initializers_of(cell):
    """Return (stem, name) of the arrays of a cell whose initial values are not the core's."""
    stems = {
        "input_initializer": ("weight_ih", "weight_oh"),
        "recurrent_initializer": ("weight_hh",),
        "bias_initializer": ("bias",),
    }
    options, table = dict(cell.options), CELLS[cell.kind]
    return tuple(
        (stem, options[name])
        for name in stems
        if name in options and options[name] != table[name].default
        for stem in stems[name]
    )
