"""A fitted model: a value that holds all that a prediction needs."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from .. import _core
from .._data.categories import Categories
from .._data.form import InputForm
from .._data.kinds import Target, target_in
from .._data.reader import read_X
from .._data.scales import Scale
from .._data.tags import NOTHING_ALLOWED
from .attributes import checked
from .network import Network, attention_weights, hidden_states, predictor, prepared
from .network_description import describe
from .states import as_dict, as_rows
from .stream import Stream


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A network with its weights, and what X and y mean to it.

    It never changes: training makes another one, which replaces it in one assignment.
    """

    network: Network
    params: np.ndarray  # (n_params,)
    target: Target
    form: InputForm
    categories: Categories
    scale: Scale  # of X
    taught: tuple[int, int]  # numbers of taught rows and sequences, see `Weighing`

    _target_in = staticmethod(target_in)

    @classmethod
    def from_attributes(cls, attributes):
        """Return the model that fitted attributes describe, after a check that they are whole."""
        network = checked(attributes)
        return cls(
            network,
            attributes["params_"],
            cls._target_in(attributes, network),
            InputForm.from_attributes(attributes),
            Categories(tuple(network.code_columns), tuple(attributes.get("categories_", ()))),
            Scale.from_attributes(attributes, "x"),
            attributes.get("_taught", (0, 0)),
        )

    def as_attributes(self):
        """Return the model as fitted attributes of an estimator."""
        return {
            "_architecture": describe(self.network),
            "params_": self.params,
            **self.target.as_attributes(),
            **self.form.as_attributes(),
            **({"categories_": list(self.categories.known)} if self.categories.known else {}),
            **self.scale.as_attributes("x"),
            "_taught": self.taught,
        }

    def read(self, X, owner):
        """Return X, of the form that was fitted, as sequences; errors name the class `owner`."""
        return read_X(
            X,
            owner,
            self.form,
            dtype=self.network.dtype,
            scaling=self.scale.in_use,
            categories=self.categories,
        )[0]

    def outputs(self, sequences, n_threads, raw=False, result="linked"):
        """Return the outputs for sequences by rows (n_rows, n_outputs).

        raw: before the link. result: see `_core.Engine.predict`; logarithms are finite.
        """
        predict = predictor(self.network, sequences, self.scale.in_use, n_threads)
        return self._checked(predict(self.params, raw, result), result)

    def transition_scores(self):
        """Return scores of pairs of tags (n, n), of the start (n,) and of the end (n,)."""
        views, n = self.network.views(self.params), self.network.n_outputs
        pairs, start, end = (
            views[f"head.{stem}"].copy() for stem in ("transitions", "start", "end")
        )
        if self.network.allowed is not None:
            allowed = np.array(self.network.allowed, dtype=bool)
            pairs[~allowed[:n, :n]] = -np.inf
            start[~allowed[n, :n]] = -np.inf
            end[~allowed[:n, n]] = -np.inf
        return pairs, start, end

    def sequence_losses(self, sequences, targets, weights, n_threads):
        """Return the loss of each sequence (n_samples,), summed over its steps of any weight."""
        engine, _ = prepared(self.network, sequences, self.scale.in_use, n_threads)
        dataset = _core.Dataset(
            sequences.values,
            sequences.offsets,
            targets,
            weights,
            *(self.scale.in_use or (None, None)),
        )
        engine.load(self.params)
        raw = self.finite(engine.predict(dataset, raw=True))
        return np.add.reduceat(engine.row_losses(dataset, raw), sequences.offsets[:-1])

    def outputs_and_states(self, sequences, n_threads, initial_state, raw=False, result="linked"):
        """Return the outputs, and the states after the last step of each sequence.

        The states are dicts, see `states`; initial_state may be None.
        """
        network = self.network
        network.check_causal("`initial_state` and `return_state` need")
        layout = network.state_layout
        if initial_state is not None:
            facts = sequences.n_samples, network.dtype, "initial_state"
            initial_state = as_rows(layout, initial_state, *facts)
        engine, dataset = prepared(
            network, sequences, self.scale.in_use, n_threads, initial_state=initial_state
        )
        engine.load(self.params)
        rows, final_state = engine.predict(dataset, raw=raw, return_state=True, result=result)
        return self._checked(rows, result), as_dict(layout, self.finite(final_state))

    def _checked(self, rows, result):
        """Return results by rows, after a check that they are finite."""
        if result == "log":
            rows = rows.clip(min=np.finfo(rows.dtype).min)  # -inf becomes the lowest float
        if result == "best":  # tags, or -1 where there are none, -2 if an output is not finite
            self.finite(np.where(rows < -1, np.nan, 0.0))
            nothing = rows < 0
        else:
            nothing = np.isnan(rows) if self.network.allowed is not None else np.zeros(1)
        if nothing.any():
            raise ValueError(NOTHING_ALLOWED)
        return self.finite(rows)

    def copy(self):
        """Return a model that shares no array with this one."""
        target, scale = deepcopy(self.target), deepcopy(self.scale)
        return replace(self, params=self.params.copy(), target=target, scale=scale)

    def stream(self, n_streams, raw, decode):
        """Return a `Stream` whose results are decode(outputs); it reads this model's arrays.

        Without `decode` they are outputs in the units of y.
        """
        self.network.check_causal("A stream needs")
        if self.network.has_transitions:
            raise ValueError(
                "A stream needs transitions=False: the tags of a sequence depend on all its steps."
            )
        session = self.network.session(n_streams)
        session.load(self.params)
        if self.scale.in_use is not None:
            session.normalise_by(*self.scale.in_use)
        if decode is None:
            y_scale = self.target.scale
            session.scale_outputs_by(y_scale.mean, y_scale.scale, self.target.is_1d)
        self.categories.check_codes_alone("A stream needs")
        encode = self.categories.encode_rows if self.categories.columns else None
        return Stream(session, self.network.n_features, raw, decode, encode)

    def hidden_states(self, sequences, layer, per_step, n_threads):
        """Return the states of a layer by rows: of the steps, or the last one of each sequence."""
        scaling = self.scale.in_use
        states = hidden_states(
            self.network, self.params, sequences, scaling, layer, per_step, n_threads
        )
        return self.finite(states)

    def attention_weights(self, sequences, n_threads):
        """Return the weight of each step in attention pooling (n_steps,)."""
        scaling = self.scale.in_use
        weights = attention_weights(self.network, self.params, sequences, scaling, n_threads)
        return self.finite(weights)

    def finite(self, values):
        """Return results of the network, after a check that they are finite."""
        if not np.isfinite(values).all():
            raise ValueError(
                f"`X` leads to results that are not finite in {self.network.dtype}: its values, or "
                "those of `params_`, are too large or damaged. Scale X as for `fit`, or use "
                "dtype='float64'."
            )
        return values
