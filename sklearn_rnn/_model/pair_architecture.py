"""The one place where the words of an encoder and a decoder become nodes."""

from functools import lru_cache

from .. import _core
from .architecture import HEAD, Builder
from .network import TARGET_DATA, Source

TOP = -4  # stands for the top layer of the decoder as a source until that is listed
DECODER_MASKS = 1 << 14


@lru_cache(maxsize=64)
def list_nodes(words, n_outputs, n_numbers, tables, n_fed_numbers, target_tables):
    """List the nodes of an encoder and a decoder with a head; see `architecture.list_nodes`.

    n_fed_numbers, target_tables: the numbers and tables of what the decoder reads at each step.
    """
    encoder = _Encoder(words.encoder, words.attention is not None)
    encoder.add_body(n_numbers, tables)
    decoder = _Decoder(words, encoder)
    decoder.add_body(n_fed_numbers, target_tables)
    decoder.add_output(n_outputs)
    return decoder.finished(), tuple(encoder.layers)


class _Encoder(Builder):
    """The nodes that read X, and what the decoder knows of it."""

    def __init__(self, words, has_memory):
        super().__init__(words)
        self.has_memory = has_memory

    def is_read_per_step(self, layer):
        """Return whether others read the states of a layer: those of the top, only as memory."""
        return self.has_memory or layer < len(self.words.cell) - 1

    def memory(self):
        """Return the streams that attention reads at each step: those of the top layer."""
        top = len(self.words.cell) - 1
        return self.normalized(self.read[-1], f"norm_{top}")

    def last_states(self):
        """Append and return the last states of the top layer, once per sequence.

        Those of a reverse direction are the ones at the first step.
        """
        return self.add_to_each(self.layers[-1], "last", "last")

    def add_initial_state(self, layer, last, units):
        """Append the map from the last states to the initial ones of a layer of the decoder."""
        options = (("activation", "tanh"),)
        return self.add("dense", f"initial_{layer}", *last, units=units, options=options)

    def add_keys(self, memory, units):
        """Append the linear map of the memory with which attention compares a query."""
        options = (("activation", "identity"), ("bias", False))
        return self.add("dense", "attention_keys", *memory, units=units, options=options)


class _Decoder(Builder):
    """The nodes that go through the steps of the target; they continue the list of an encoder."""

    axis = 1
    prefix = "decoder_"
    data = TARGET_DATA
    first_mask = DECODER_MASKS

    def __init__(self, words, encoder):
        super().__init__(words.decoder)
        self.attention, self.nodes = words.attention, encoder.nodes
        last, decoder = encoder.last_states(), words.decoder
        self.initial = [
            encoder.add_initial_state(layer, last, n_states * units)
            for layer, (n_states, units) in enumerate(
                zip(map(_n_states, decoder.cell), decoder.hidden_layer_sizes, strict=True)
            )
        ]
        if self.attention is not None:
            (self.values,) = self.keys = encoder.memory()
            if self.attention != "dot":
                (units,) = decoder.hidden_layer_sizes[-1:]
                self.keys = (encoder.add_keys(self.keys, units),)

    def options_of_node(self, cell):
        options = [o for o in super().options_of_node(cell) if o[0] != "initial_state"]
        return (*options, ("initial_state", "source"))

    def beginnings(self, layer):
        """List the source of the initial states of a layer."""
        return [Source(self.initial[layer], weight="initial")]

    def add_input(self, n_numbers, tables):
        """Append what the decoder reads, and the context that the state before looks up in it."""
        super().add_input(n_numbers, tables)
        if self.attention == "additive":
            self.context = self.add_context(Source(TOP, -1), "additive")
            self.inputs = (*self.inputs, self.context)

    def add_context(self, query, score):
        """Append the mean of the memory, weighted by how well each step fits the query."""
        options = (("score", score),)
        sources = query, *self.keys, self.values
        units = self.words.hidden_layer_sizes[-1] if score == "additive" else 0
        return self.add("context", "attention", *sources, units=units, options=options)

    def add_head(self, read, n_outputs):
        """Append the head, which also reads the context that attention looks up."""
        if self.attention == "additive":  # Bahdanau et al., 2015
            read = [(self.context,), *read]
        elif self.attention is not None:  # Luong et al., 2015: tanh(W [c; h])
            streams = [stream for streams in read for stream in streams]
            context = self.add_context(Source(read[-1][0]), "dot")
            options = (("activation", "tanh"), ("bias", False))
            units = self.words.hidden_layer_sizes[-1]
            read = [
                (self.add("dense", "attended", context, *streams, units=units, options=options),)
            ]
        super().add_head(read, n_outputs)

    def finished(self):
        """Return the nodes of encoder and decoder, in which the head is the last one."""
        (top,) = self.layers[-1]
        return self.resolved({HEAD: len(self.nodes) - 1, TOP: top})


def _n_states(cell):
    return len(_core.CELLS[cell.kind].states)
