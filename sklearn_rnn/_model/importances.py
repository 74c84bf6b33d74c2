"""The norm of the weights with which a network reads each feature of X."""

from __future__ import annotations

import numpy as np

from .network import DATA, arrays_of_reader, tables_of


def feature_norms(network, params):
    """Return for each feature (n_features,) the norm of the weights that read it.

    A categorical feature is read through its table of vectors. Its norm is the root mean square,
    over the known codes, of the deviation of the weighted vector from its mean.
    """
    views, squares = network.views(params), np.zeros(network.n_features)
    numbers = np.setdiff1d(np.arange(network.n_features), network.code_columns)
    for weight in _weights_that_read(network, views, DATA):
        squares[numbers] += (weight**2).sum(axis=0)
    embeddings = [i for i, node in enumerate(network.nodes) if _reads_codes(node)]
    facts = zip(embeddings, network.tables, tables_of(network, params), strict=True)
    for i, (column, _, _), table in facts:
        known = table[:-1].astype(np.float64)
        changes = known - known.mean(axis=0)
        for weight in _weights_that_read(network, views, i):
            squares[column] += ((changes @ weight.T) ** 2).sum(axis=1).mean()
    return np.sqrt(squares)


def _reads_codes(node):
    return node.kind == "embed" and node.axis == 0


def _weights_that_read(network, views, of):
    """List the weights (n_rows, width) of all nodes that read a stream."""
    return [
        views[weight][:, place].astype(np.float64)
        for i, stem, place in network.readers(of)
        for weight, _ in arrays_of_reader(network.nodes[i], stem)
    ]
