"""The parameters that define an encoder and a decoder, as plain values, and their network."""

from dataclasses import dataclass
from functools import lru_cache

from .._rules import either, integer, one_of, shown
from . import parts
from .network import Network
from .pair_architecture import list_nodes
from .parts import is_looped, sizes
from .words import MODES, Words, as_group, cells_of, check_counts, is_list, plain, quantile_of

ATTENTIONS = ("additive", "dot", "general")
RULES = {
    "decoder_layer_sizes": either(None, parts.some_sizes(1)),
    "decoder_cell": parts.Allowed(lambda value: True, "a cell"),
    "decoder_embedding_dim": either("auto", integer(1)),
    "attention": either(None, one_of(ATTENTIONS)),
}
# Words of one half alone, and what they are in the other half.
OF_DECODER = {"output_layer_sizes": (), "output_dropout": None}
OF_ENCODER = {
    "bidirectional": False,
    "input_layers": (),
    "merge_mode": "concat",
    "input_noise": 0.0,
    "word_dropout": 0.0,
}
BETWEEN = {"mode": MODES[1], "pooling": "last"}  # of both halves


@dataclass(frozen=True)
class PairWords:
    """The words of an encoder and those of a decoder, see `Words`."""

    encoder: Words
    decoder: Words
    attention: str | None

    @classmethod
    def of(cls, params):
        """Return the words in a dict of parameters, whose rules have been checked."""
        _check_strides(params)
        encoder = Words.of({**params, **BETWEEN, **OF_DECODER})
        layer_sizes = params["decoder_layer_sizes"]
        if layer_sizes is None:
            layer_sizes = params["hidden_layer_sizes"]
        own = {**params, **BETWEEN, **OF_ENCODER, "hidden_layer_sizes": layer_sizes}
        own["cell"] = _cells_of_decoder(params, layer_sizes)
        attention = params["attention"]
        words = cls(encoder, Words.of(own), None if attention is None else plain(attention))
        words.check()
        return words

    @property
    def dtype(self):
        return self.encoder.dtype

    # What `words.difference` compares as objects.

    @property
    def cell(self):
        return self.encoder.cell

    @property
    def input_layers(self):
        return self.encoder.input_layers

    @property
    def pooling(self):
        return self.encoder.pooling

    @property
    def decoder_cell(self):
        return self.decoder.cell

    def check(self):
        """Refuse words that cannot be combined."""
        for words in (self.encoder, self.decoder):
            if words.tie_embeddings or words.adaptive_softmax is not None:
                raise ValueError("`tie_embeddings` and `adaptive_softmax` need a language model.")
        for name, words in (("cell", self.encoder), ("decoder_cell", self.decoder)):
            if words.reads_output:
                raise ValueError(
                    f"`{name}` must not be one that reads the output of the network: this is the "
                    f"output of the decoder; got {_shown(words.cell)}."
                )
        if any(map(is_looped, self.decoder.cell)):
            raise ValueError(
                "`decoder_cell` must have no `projection_size` or `transition_layer_sizes`, got "
                f"{_shown(self.decoder.cell)} (the default is that of `cell`)."
            )
        if self.attention is not None and self.encoder.bidirectional:
            if is_looped(self.encoder.cell[-1]):
                raise ValueError(
                    "`attention` must be None with bidirectional=True and a cell with "
                    f"`projection_size` or `transition_layer_sizes`, got {self.attention!r}."
                )
        width, units = self.memory_width, self.decoder.hidden_layer_sizes[-1]
        if self.attention == "dot" and width != units:
            raise ValueError(
                "`attention` must not be 'dot' unless the last layer of the decoder is as wide as "
                f"the states that the encoder gives: they have {units} and {width} columns. Use "
                f"'general', or set `decoder_layer_sizes` to {width}, or `merge_mode` to 'sum'."
            )

    @property
    def memory_width(self):
        """Number of columns of what the encoder gives at each step."""
        words = self.encoder
        both = words.bidirectional and words.merge_mode == "concat"
        return words.width(len(words.cell) - 1) * (1 + both)

    def as_params(self):
        """Return the parameters, in their simplest form."""
        params, own = self.encoder.as_params(), self.decoder.as_params()
        return {
            **{name: value for name, value in params.items() if name not in BETWEEN},
            **{name: own[name] for name in OF_DECODER},
            "decoder_layer_sizes": own["hidden_layer_sizes"],
            "decoder_cell": own["cell"],
            "attention": self.attention,
        }


def _shown(cell):
    return shown([parts.object_of(each) for each in cell])


def _check_strides(params):
    """Refuse input layers that leave out steps."""
    if any(getattr(layer, "stride", 1) != 1 for layer in params["input_layers"]):
        raise ValueError(
            "`stride` of the input layers must be 1 in front of a decoder, got "
            f"input_layers={shown(params['input_layers'])}."
        )


def _cells_of_decoder(params, layer_sizes):
    """Check the cells of the decoder, and return them as the parameter `cell` of its words."""
    cell, n_layers = params["decoder_cell"], len(sizes(layer_sizes))
    if cell is not None:
        cells_of(cell, n_layers, "decoder_cell", "decoder_layer_sizes")
        return cell
    if is_list(params["cell"]) and len(params["cell"]) != n_layers:
        raise ValueError(
            f"`decoder_cell` must be given for the {n_layers} layers of the decoder, because "
            f"`cell` is a list of {len(params['cell'])}; got None."
        )
    return params["cell"]


def network_of_pair(
    params, n_features, n_outputs, loss, groups, tables, n_fed, target_tables, words
):
    """Return the network for a dict of checked parameters; see `words.network_of`.

    n_fed: columns that the decoder reads; target_tables: the tables of those that are codes.
    """
    loss = plain(loss)
    return _network(
        words,
        (n_features, n_outputs, n_fed),
        loss,
        float(params.get("huber_delta", 1.0)),
        quantile_of(params.get("quantile", 0.5)) if loss == "quantile" else 0.5,
        tuple(map(as_group, groups)),
        float(params.get("label_smoothing", 0.0)),
        (tuple(tables), tuple(target_tables)),
    )


@lru_cache(maxsize=64)
def _network(words, widths, loss, huber_delta, quantile, groups, smoothing, tables):
    n_features, n_outputs, n_fed = widths
    numbers = [n - len(each) for n, each in zip((n_features, n_fed), tables, strict=True)]
    nodes, layers = list_nodes(words, n_outputs, numbers[0], tables[0], numbers[1], tables[1])
    check_counts(nodes)
    return Network(
        n_features=n_features,
        nodes=nodes,
        loss=loss,
        huber_delta=huber_delta,
        per_step=True,
        dtype=words.dtype,
        quantile=quantile,
        groups=groups,
        label_smoothing=smoothing,
        words=words,
        layers=layers,
        n_target_features=n_fed,
    )
