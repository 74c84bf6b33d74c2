"""Targets: how y is read, what it is for the network, and what the outputs mean.

Rows are targets of sequences or of steps, as the user gave them. A kind of target has `read`,
`encode` (rows -> what outputs are compared with), `decode` (outputs -> rows), and `score`. Those of
labels are in labels.py and label_columns.py, several of both in tasks.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._metrics.numbers import d2_pinball, r2
from .._training.losses import LOG_LINKED, unit_of_loss
from . import arguments
from .arguments import naming
from .carriers import as_numbers
from .finite import check_finite_rows
from .labels import one_per_sequence
from .moments import Moments
from .scales import Scale
from .steps import pack_steps
from .values import filled


@dataclass(frozen=True, eq=False)
class Numbers:
    """Targets that are one or several numbers; they are encoded in the units of the network."""

    scale: Scale
    is_1d: bool  # whether y has no axis for outputs
    loss: str
    dtype: str
    quantile: float | tuple[float, ...] = 0.5  # of the loss "quantile"; several have an axis in y

    holds = "numbers"
    groups = ()

    @staticmethod
    def read(y, sequences, per_step, argument=arguments.Y, taught=None):
        """Return targets (n_rows,) or (n_rows, n_outputs).

        Rows outside the mask `taught` (n_rows,) may hold None, NaN or infinity.
        """
        if per_step:
            return pack_steps(y, sequences, argument, taught=taught)
        with naming(argument):
            y = one_per_sequence(y, sequences, argument, as_numbers)
        if y.ndim > 2 or y.size == 0:
            raise ValueError(
                f"`{argument}` must be (n_samples,) or (n_samples, n_outputs) with "
                f"mode='many_to_one', got shape {y.shape}; one target per step needs "
                "mode='many_to_many'."
            )
        with np.errstate(over="ignore"):
            y = filled(y.astype(np.float64, copy=False), taught)
        check_finite_rows(y, argument)
        return y

    @classmethod
    def learn(
        cls,
        rows,
        weights,
        taught,
        before,
        *,
        loss,
        dtype,
        normalize,
        relative,
        quantile=0.5,
        argument=arguments.Y,
    ):
        """Return the target of the rows in `taught`, and outputs to absorb, see `Scale.continued`.

        before: the present target, or None if there is none. relative: whether only the ratios of
        the weights (n_rows,) count; they are None for ones.
        """
        columns = _columns(rows, None if before is None else before.n_targets)[taught]
        check_positive(columns, loss, dtype, argument)
        normalize = normalize and loss not in LOG_LINKED
        facts = {"loss": loss, "dtype": dtype, "quantile": quantile}
        if before is None and not normalize:
            return cls(Scale.fixed(columns.shape[1]), rows.ndim == 1, **facts), None
        if before is not None and not (normalize and before.scale.moments is not None):
            return before, None
        moments = Moments.of(columns, None if weights is None else weights[taught])
        if relative:
            moments = moments.with_weights_of_mean_1()
        if before is None:
            return cls(Scale.of(moments, argument), rows.ndim == 1, **facts), None
        scale, absorbed = before.scale.continued(moments, argument)
        target = cls(scale, before.is_1d, **facts)
        return target, np.repeat(absorbed, target.n_quantiles)

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        scale = Scale.from_attributes(attributes, "y")
        return cls(scale, attributes["_y_is_1d"], network.loss, network.dtype, network.quantile)

    def as_attributes(self):
        return {**self.scale.as_attributes("y"), "_y_is_1d": self.is_1d}

    @property
    def n_targets(self):
        return len(self.scale.mean)

    @property
    def n_quantiles(self):
        """Number of outputs for each target."""
        return np.size(self.quantile) if self.loss == "quantile" else 1

    @property
    def has_axis_of_quantiles(self):
        return self.loss == "quantile" and isinstance(self.quantile, tuple)

    @property
    def n_outputs(self):
        return self.n_targets * self.n_quantiles

    @property
    def scale_of_outputs(self):
        """Mean and scale in use, each (n_outputs,)."""
        return tuple(np.repeat(each, self.n_quantiles) for each in self.scale.in_use)

    @property
    def loss_unit(self):
        """The factor from the loss of the network to the loss in units of y."""
        return unit_of_loss(self.loss, self.scale.scale)

    def unit_since(self, before, absorbed):
        """Return the factor that converts a loss from the units of the target `before` to these.

        None if the weights did not absorb the change, so that the predictions have changed.
        """
        moved = before.scale.scale != self.scale.scale
        if not moved.any():
            return 1.0
        absorbed = absorbed[:: self.n_quantiles]
        return before.loss_unit / self.loss_unit if absorbed[moved].all() else None

    def encode(self, rows, argument=arguments.Y):
        """Return rows (n_rows, n_targets) in the units of the network."""
        columns = _columns(rows, self.n_targets, argument)
        with np.errstate(over="ignore"):
            targets = (columns - self.scale.mean) / self.scale.scale
        if not (np.abs(targets) <= np.finfo(self.dtype).max).all():
            largest = np.abs(columns).max()
            raise ValueError(
                f"`{argument}` has values up to {largest:g}, which overflow: divide them by a "
                "constant first."
            )
        return targets

    def encode_taught(self, rows, taught):
        """Return targets to train on (n_rows, n_targets), zeros outside the mask `taught`."""
        targets = np.zeros((len(rows), self.n_targets), dtype=self.dtype)
        targets[taught] = self.encode(rows[taught])
        return targets

    def decode(self, outputs):
        """Return outputs in the units of y, as float64, (n_rows,) or (n_rows, n_targets).

        Several quantiles have one more axis, along which they are sorted.
        """
        if self.has_axis_of_quantiles:
            return self._decoded_quantiles(outputs)
        with np.errstate(over="ignore"):
            rows = outputs * self.scale.scale + self.scale.mean
        return rows[:, 0] if self.is_1d else rows

    def _decoded_quantiles(self, outputs):
        with np.errstate(over="ignore"):
            rows = self._quantiles(outputs) * self.scale.scale[:, np.newaxis]
            rows += self.scale.mean[:, np.newaxis]
        return rows[:, 0] if self.is_1d else rows

    def _quantiles(self, outputs):
        """Return outputs as (n_rows, n_targets, n_quantiles), sorted along the last axis.

        Where the network predicts a quantile above a higher one, sorting brings both nearer to the
        true ones (Chernozhukov et al., 2010).
        """
        return np.sort(outputs.reshape(len(outputs), self.n_targets, self.n_quantiles), axis=2)

    def score(self, targets, outputs, weights):
        """Return R2, or D2 of quantiles, the same in normalised units; NaN if it is not defined."""
        if not np.isfinite(outputs).all():
            return float("nan")
        if self.loss == "quantile":
            quantiles = np.atleast_1d(self.quantile)
            return d2_pinball(targets, self._quantiles(outputs), quantiles, weights)
        return r2(targets, outputs, weights)

    def has_unknown(self, targets):
        """Return False: there are no classes."""
        return False

    def class_factors(self, class_weight, targets, weights, incremental):
        """Return None: there are no classes."""
        return None


def _columns(rows, n_outputs=None, argument=arguments.Y):
    """Return rows as float64 (n_rows, n_outputs); one output may be 1-D."""
    columns = rows.reshape(len(rows), -1)
    if n_outputs is not None and columns.shape[1] != n_outputs:
        was = "one number" if n_outputs == 1 else f"{n_outputs} columns"
        raise ValueError(
            f"`{argument}` must have {was} per target, as in fit; got rows of shape {rows.shape}."
        )
    return columns.astype(np.float64, copy=False)


def check_positive(columns, loss, dtype, argument=arguments.Y):
    """Refuse targets (n_rows, n_targets) whose logarithm the loss has no use for."""
    if loss == "poisson" and columns.min() < 0:
        raise ValueError(
            f"`{argument}` must not be negative with loss='poisson', got {columns.min()}."
        )
    if loss == "gamma" and columns.min() < np.finfo(dtype).tiny:
        raise ValueError(f"`{argument}` must be positive with loss='gamma', got {columns.min()}.")
