"""The body of a network: the layers below its output, from which another fit can start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fitted import FittedModel
from .network import DATA, absorb_input_scale, tables_of
from .words import BODY_WORDS, difference


def names_of_body(network):
    """Return the names of the arrays of the body.

    These are the arrays of all nodes that the states of the recurrent layers depend on, without
    those that multiply the output of the network: their shapes depend on y.
    """
    head = len(network.nodes) - 1
    found, waiting = {DATA, head}, [node for layer in network.layers for node in layer]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [source.node for source in network.nodes[node].sources]
    nodes = found - {DATA, head}
    read_head = {
        (node, source.weight)
        for node in nodes
        for source in network.nodes[node].sources
        if source.node == head
    }
    return tuple(
        tensor.name
        for tensor in network.tensors
        if tensor.node in nodes and (tensor.node, tensor.stem) not in read_head
    )


@dataclass(frozen=True, eq=False)
class Body:
    """The body of a fitted model, from which a new fit starts."""

    model: FittedModel

    def check(self, network, normalizes, form, categories):
        """Refuse a network with another body, and an X with other columns."""
        ours = self.model.network
        words = ("n_features", *(word for word in BODY_WORDS if word != "dtype"))
        found = difference(ours, network, words)
        before = self.model.scale.in_use is not None
        if found is None and before != normalizes:
            found = "normalize_X", before, normalizes
        if found is not None:
            name, theirs, value = found
            advice = "`sklearn_rnn.transfer.transfer` sets the parameters that must be equal."
            if name == "n_features":
                advice = "`X` must have the same features as in the fit of `weights_init`."
            raise ValueError(
                f"`weights_init` must have the same layers below the output: it has "
                f"{name}={theirs!r}, but this estimator has {name}={value!r}. {advice}"
            )
        self._check_columns(form, categories)

    def _check_columns(self, form, categories):
        names, theirs = form.feature_names, self.model.form.feature_names
        if names is not None and theirs is not None and list(names) != list(theirs):
            if set(names) == set(theirs):
                raise ValueError(
                    "`X` must have its columns in the order in which `weights_init` was fitted, "
                    f"{list(theirs)}; got {list(names)}."
                )
        for known, earlier in zip(categories.known, self.model.categories.known, strict=True):
            if known.dtype.kind != earlier.dtype.kind:
                raise ValueError(
                    "`categorical_features` must select columns of the same type as in the fit of "
                    f"`weights_init`, strings or integers: {earlier.dtype}; got {known.dtype}."
                )

    def scale_for(self, scale, network):
        """Return the scale of X of the new fit, whose own scale is `scale`."""
        if scale.in_use is None:
            return scale
        return scale.begun_from(self.model.scale, exactly=not network.reads_X_at_earlier_steps)

    def put_into(self, network, params, categories, scale, vectors=None):
        """Return the parameters (n_params,) of a network, with those of this body put in.

        scale, categories: those of X in the new fit. vectors: given rows of tables, see
        `initialize`.
        """
        params = params.copy()
        views, ours = network.views(params), self.model.network.views(self.model.params)
        names = [f"{node.name}.weight" for node in network.nodes if node.kind == "embed"]
        tables = tables_of(network, params), tables_of(self.model.network, self.model.params)
        with np.errstate(over="ignore"):
            for name in names_of_body(network):
                if name not in names:
                    views[name][...] = ours[name]
            for i, (name, table, own) in enumerate(zip(names, *tables, strict=True)):
                if name not in views:  # it is tied, and belongs to the output
                    continue
                given = None if vectors is None else vectors[i]
                self._fill_table(i, table, own, categories.known[i], given)
            params = self._scaled(network, params, scale)
        if not np.isfinite(params).all():
            raise ValueError(
                f"`weights_init` must have weights that are finite in {network.dtype}: use its "
                f"dtype={self.model.network.dtype!r}."
            )
        return params

    def _fill_table(self, number, table, ours, known, vectors):
        """Copy our rows into a table; codes that we do not know get our row of unknown codes.

        vectors (n_codes, dimension): given rows for codes that we do not know, NaN where there is
        none; or None.
        """
        rows = {code: row for row, code in enumerate(self.model.categories.known[number].tolist())}
        unknown = len(ours) - 1
        found = np.array([rows.get(code, unknown) for code in known.tolist()], dtype=np.intp)
        kept = False
        if vectors is not None:
            kept = ~np.isnan(vectors) & (found == unknown)[:, np.newaxis]
        np.copyto(table[:-1], ours[found], where=np.logical_not(kept))
        table[-1] = ours[unknown]

    def _scaled(self, network, params, scale):
        """Return parameters that give the same states when X is normalised with another scale."""
        if scale.in_use is None:
            return params
        before = self.model.scale.for_weights(scale)
        moved = (before.mean != scale.mean) | (before.scale != scale.scale)
        return absorb_input_scale(network, params, before.in_use, scale.in_use, moved)
