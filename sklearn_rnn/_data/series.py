"""Targets that are sequences of numbers of lengths of their own, such as forecasts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import arguments
from .finite import check_finite, check_range
from .moments import Moments
from .packed import Packed
from .reader import read_X
from .scales import Scale
from .steps import read_steps, settle
from .targets import Numbers


def read_series(y, n_samples, argument=arguments.Y, taught=None):
    """Return numbers (n_steps,) or (n_steps, n_outputs) of sequences, one for each of `n_samples`.

    Those of sequences outside the mask `taught` (n_samples,) may be NaN.
    """
    packed = read_steps(y, argument)
    if packed.n_samples != n_samples:
        raise ValueError(
            f"`{argument}` must have one sequence of numbers for each of the {n_samples} sequences "
            f"of X, got {packed.n_samples}."
        )
    if taught is not None:
        taught = np.repeat(taught, packed.lengths)
    return replace(packed, values=settle(packed, y, taught, argument))


def read_future(X, like, target=None, names=(arguments.X_FUTURE, arguments.Y)):
    """Return known inputs of the target's steps (n_steps, n_features) as Packed.

    like: Packed with the lengths that they must have, or None; target: the `Series` of the fit, or
    None; names: the arguments of the inputs and of the targets.
    """
    argument, y = names
    sequences, _ = read_X(X, "X_future", argument=argument)
    if sequences.carrier == "2d":
        sequences = replace(sequences, values=sequences.values.reshape(-1, 1))
    if target is not None and sequences.n_features != target.n_future:
        raise ValueError(
            f"`{argument}` must have {target.n_future} features per step, as in fit; got "
            f"{sequences.n_features}."
        )
    if like is not None and not np.array_equal(sequences.offsets, like.offsets):
        raise ValueError(
            f"`{argument}` must have one row of features for each step of `{y}`: there are "
            f"{like.n_samples} sequences of {_shown(like.lengths)} steps, but `{argument}` has "
            f"{sequences.n_samples} of {_shown(sequences.lengths)}."
        )
    if target is None:
        check_finite(sequences, argument)
    else:
        scaling = target.future.mean, target.future.scale
        check_range(sequences, target.numbers.dtype, scaling, argument)
    return sequences


def _shown(lengths):
    low, high = int(lengths.min()), int(lengths.max())
    return str(low) if low == high else f"{low} to {high}"


@dataclass(frozen=True, eq=False)
class Series:
    """Targets that are sequences of numbers; the decoder reads the number before each step."""

    numbers: Numbers
    horizon: int | None  # steps of all targets in `fit`; None: not all had the same
    future: Scale | None  # of the known inputs; None: there are none

    holds = "numbers"
    groups = ()
    read = staticmethod(read_series)

    @classmethod
    def learn(cls, packed, weights, before, future, **facts):
        """Return the target of `fit`, and outputs to absorb; future: known inputs as Packed."""
        known = None if before is None else before.numbers
        numbers, absorbed = Numbers.learn(packed.values, weights, slice(None), known, **facts)
        lengths = np.unique(packed.lengths)
        horizon = int(lengths[0]) if len(lengths) == 1 else None
        if before is not None:
            horizon = horizon if horizon == before.horizon else None
            return cls(numbers, horizon, before.future), absorbed
        scale = None
        if future is not None:
            scale = Scale.of(Moments.of(future.values, weights), arguments.X_FUTURE)
        return cls(numbers, horizon, scale), absorbed

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        future = None
        if "x_future_mean_" in attributes:
            future = Scale(attributes["x_future_mean_"], attributes["x_future_scale_"], None)
        numbers = Numbers.from_attributes(attributes, network)
        return cls(numbers, attributes["horizon_"], future)

    def as_attributes(self):
        attributes = {**self.numbers.as_attributes(), "horizon_": self.horizon}
        if self.future is not None:
            attributes.update(x_future_mean_=self.future.mean, x_future_scale_=self.future.scale)
        return attributes

    @property
    def loss(self):
        return self.numbers.loss

    @property
    def loss_unit(self):
        return self.numbers.loss_unit

    @property
    def n_outputs(self):
        return self.numbers.n_outputs

    @property
    def scale_of_outputs(self):
        return self.numbers.scale_of_outputs

    @property
    def n_future(self):
        """Number of known inputs of each step."""
        return 0 if self.future is None else len(self.future.mean)

    @property
    def n_fed(self):
        """Columns that the decoder reads: the outputs of the step before, and known inputs."""
        return self.n_outputs + self.n_future

    def unit_since(self, before, absorbed):
        """Return the factor between the units of the loss, see `Numbers.unit_since`."""
        return self.numbers.unit_since(before.numbers, absorbed)

    def encode(self, packed, argument=arguments.Y):
        """Return targets (n_steps, n_outputs) in the units of the network."""
        return self.numbers.encode(packed.values, argument)

    def fed(self, targets, offsets, future, dtype):
        """Return what the decoder reads at each step (n_steps, n_fed) as Packed.

        These are the encoded targets (n_steps, n_outputs) of the step before, zeros at the first
        step, and the known inputs, normalised.
        """
        values = np.zeros((len(targets), self.n_fed), dtype=dtype)
        values[1:, : self.n_outputs] = targets[:-1]
        values[offsets[:-1], : self.n_outputs] = 0
        if future is not None:
            values[:, self.n_outputs :] = self.normalised(future, dtype)
        return Packed(values, offsets)

    def normalised(self, future, dtype):
        """Return known inputs (n_steps, n_future) in the units of a network of this dtype."""
        mean, scale = self.future.mean, self.future.scale
        check_range(future, dtype, (mean, scale), arguments.X_FUTURE)
        return (future.values - mean) / scale

    def decode(self, outputs):
        return self.numbers.decode(outputs)

    def has_unknown(self, targets):
        return False

    def class_factors(self, class_weight, targets, weights, incremental):
        """Return None: there are no classes."""
        return None
