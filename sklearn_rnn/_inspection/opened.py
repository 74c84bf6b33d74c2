"""Networks that read the vectors of categories as numbers, which have gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._model.network import DATA, Node, Source, tables_of

_LINEAR = (("activation", "identity"), ("bias", False))


class Opened:
    """A fitted model whose embeddings have become features: their vectors, after the numbers of X.

    Dense nodes whose weights are zeros and ones select what the embeddings and X were.
    """

    def __init__(self, model):
        network = model.network
        self._columns = [column for column, _, _ in network.tables]
        self._tables = [table.astype(np.float64) for table in tables_of(network, model.params)]
        self._numbers = np.setdiff1d(np.arange(network.n_features), network.code_columns)
        widths = [len(self._numbers), *(table.shape[1] for table in self._tables)]
        self._ends = np.cumsum(widths)
        self.model = replace(
            model, **self._network_and_params(network, model.params), scale=self._scale(model.scale)
        )

    def values(self, values):
        """Return values with codes (n_steps, n_features) as numbers and vectors."""
        vectors = [
            table[values[:, column].astype(np.intp)]
            for column, table in zip(self._columns, self._tables, strict=True)
        ]
        return np.ascontiguousarray(np.hstack([values[:, self._numbers], *vectors]))

    def closed(self, attributions):
        """Return attributions (n_steps, n_features) of numbers and codes: sums over vectors."""
        closed = np.zeros((len(attributions), len(self._numbers) + len(self._columns)))
        closed[:, self._numbers] = attributions[:, : self._ends[0]]
        for i, column in enumerate(self._columns):
            of_vector = attributions[:, self._ends[i] : self._ends[i + 1]]
            closed[:, column] += of_vector.sum(axis=1)
        return closed

    def _scale(self, scale):
        n_more = self._ends[-1] - self._ends[0]
        mean = np.concatenate([scale.mean[self._numbers], np.zeros(n_more)])
        factor = np.concatenate([scale.scale[self._numbers], np.ones(n_more)])
        return scale._replace(mean=mean, scale=factor)

    def _network_and_params(self, network, params):
        selectors = [f"{node.name}.weight" for node in network.nodes if node.kind == "embed"]
        nodes = [_selector("numbers", len(self._numbers))] if len(self._numbers) else []
        first = len(nodes)
        for node in network.nodes:
            if node.kind == "embed":
                nodes.append(_selector(node.name, node.units))
                continue
            sources = tuple(
                replace(source, node=0 if source.node == DATA else source.node + first)
                for source in node.sources
            )
            nodes.append(replace(node, sources=sources))
        layers = tuple(tuple(i + first for i in layer) for layer in network.layers)
        facts = {"n_features": int(self._ends[-1]), "nodes": tuple(nodes), "layers": layers}
        opened = replace(network, **facts)
        columns = {"numbers.weight": 0, **dict(zip(selectors, self._ends[:-1], strict=True))}
        old, new = network.views(params), np.empty(opened.n_params, params.dtype)
        for name, view in opened.views(new).items():
            is_selector = name in columns
            view[...] = np.eye(*view.shape, k=columns[name]) if is_selector else old[name]
        return {"network": opened, "params": new}


def _selector(name, units):
    return Node("dense", name, (Source(DATA),), units=units, options=_LINEAR)
