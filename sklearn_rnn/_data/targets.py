"""Targets: how y is read, what it is for the network, and what the outputs mean.

Rows are targets of sequences or of steps, as the user gave them. A kind of target has `read`,
`encode` (rows -> what outputs are compared with), `decode` (outputs -> rows), and `score`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .. import _core
from .._rules import number
from .._training.losses import classification_loss, unit_of_loss
from ..metrics import r2
from . import arguments
from .arguments import naming
from .carriers import as_labels, as_numbers, is_ragged
from .finite import check_finite_rows
from .moments import Moments
from .scales import Scale
from .steps import pack_steps
from .values import family, filled, settled_labels


def one_per_sequence(y, sequences, argument, read):
    """Return `y` as an array, made by `read(y, argument)`, with one target per sequence."""
    if is_ragged(y) and len(y) > 0:
        raise ValueError(
            f"`{argument}` must have one target per sequence with mode='many_to_one', but it holds "
            "one array per sequence; one target per step needs mode='many_to_many'."
        )
    y = read(y, argument)
    if y.ndim == 0 or len(y) != sequences.n_samples:
        raise ValueError(
            f"`{argument}` must have one target per sequence: there are {sequences.n_samples} "
            f"sequences, but `{argument}` has shape {y.shape}."
        )
    return y


@dataclass(frozen=True, eq=False)
class Labels:
    """Targets that are one of several classes; a target is encoded as the number of its class."""

    classes: np.ndarray  # (n_classes,), sorted

    holds = "classes"

    @staticmethod
    def read(y, sequences, per_step, argument=arguments.Y, taught=None):
        """Return labels (n_rows,); rows outside the mask `taught` (n_rows,) may hold anything."""
        if per_step:
            labels = pack_steps(y, sequences, argument, numeric=False, taught=taught)
            if labels.ndim == 2 and labels.shape[1] != 1:
                raise ValueError(
                    f"`{argument}` must have one label per step, got {labels.shape[1]}; convert "
                    f"one-hot labels with [labels.argmax(axis=1) for labels in {argument}]."
                )
            with naming(argument):
                return column_or_1d(labels, warn=True)
        given, y = y, one_per_sequence(y, sequences, argument, as_labels)
        if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1):
            raise ValueError(
                f"`{argument}` must have one label per sequence with mode='many_to_one', got shape "
                f"{y.shape}. Convert one-hot rows with argmax(axis=1); for several labels per "
                "sequence use sklearn.multioutput.MultiOutputClassifier, for one label per step "
                "mode='many_to_many'."
            )
        with naming(argument):
            labels = column_or_1d(y, warn=True)
            natural = isinstance(given, (list, tuple))
            return settled_labels(labels, argument, taught, natural=natural)

    @classmethod
    def learn(cls, labels):
        """Return the target whose classes are these labels (n,)."""
        with naming(arguments.Y):
            return cls(np.unique(labels))

    @classmethod
    def of_argument(cls, classes, before=None):
        """Return the target of the argument `classes` of `partial_fit`; before: the present one."""
        if classes is None:
            if before is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return before
        given, classes = classes, as_labels(classes, arguments.CLASSES)
        if classes.ndim != 1 or len(classes) == 0:
            raise ValueError(f"`classes` must be a list or 1-D array of labels, got {given!r}.")
        with naming(arguments.CLASSES):
            natural = isinstance(given, (list, tuple))
            classes = np.unique(settled_labels(classes, arguments.CLASSES, natural=natural))
        if before is not None and not np.array_equal(classes, before.classes):
            raise ValueError(
                f"`classes` must be those of the first call to partial_fit, {before.classes}; "
                f"got {classes}."
            )
        return cls(classes)

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        return cls(attributes["classes_"])

    def as_attributes(self):
        return {"classes_": self.classes}

    @property
    def n_outputs(self):
        return classification_loss(len(self.classes))[1]

    @property
    def loss(self):
        return classification_loss(len(self.classes))[0]

    @property
    def loss_unit(self):
        """The factor from the loss of the network to the loss in units of y."""
        return 1.0

    def encode(self, labels, argument=arguments.Y):
        """Return the number of each label's class (n_rows,), -1 for a label of no class."""
        classes = self.classes
        ours, theirs = family(classes.dtype), family(labels.dtype)
        try:
            # NumPy would compare numbers with strings as strings; for objects it raises TypeError.
            if ours != theirs and "objects" not in (ours, theirs):
                raise TypeError(f"got {theirs}")
            if {classes.dtype.kind, labels.dtype.kind} == {"i", "u"}:
                # NumPy would compare both as floats, in which large ones may become equal.
                classes, labels = classes.astype(object), labels.astype(object)
            codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
        except TypeError as error:
            raise ValueError(
                f"`{argument}` must have labels of the type of `classes_`, {ours} "
                f"({classes.dtype}): {error}."
            ) from error
        return np.where(classes[codes] == labels, codes, -1).astype(np.int32)

    def encode_taught(self, labels, taught):
        """Return codes to train on (n_rows,); the labels in the mask `taught` must have a class."""
        codes = self.encode(labels)
        unseen = labels[taught][codes[taught] < 0]
        if len(unseen) > 0:
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {np.unique(unseen)} are not "
                f"among {self.classes}."
            )
        return codes.clip(min=0)

    def decode(self, outputs):
        """Return the label of the most probable class for each row of outputs."""
        return self.classes[self._codes(outputs).astype(np.intp)]

    def _codes(self, outputs):
        return outputs[:, 0] > 0.5 if len(self.classes) == 2 else outputs.argmax(axis=1)

    def probabilities(self, outputs):
        """Return (n_rows, n_classes) from outputs, those of two classes before the link."""
        if self.loss != "logistic":
            return outputs
        return _core.probabilities_of_two(outputs)

    def log_probabilities(self, z):
        """Return (n_rows, n_classes) from outputs before the link."""
        if self.loss == "logistic":
            return np.concatenate([-np.logaddexp(0, z), -np.logaddexp(0, -z)], axis=1)
        with np.errstate(over="ignore"):
            z = z - z.max(axis=1, keepdims=True)
        z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
        return z.clip(min=np.finfo(z.dtype).min)  # -inf becomes the lowest float

    def score(self, codes, outputs, weights):
        """Return the accuracy of outputs, compared with encoded targets."""
        return float(np.average(self._codes(outputs) == codes, weights=weights))

    def class_factors(self, class_weight, codes, weights, incremental):
        """Return the weight of each class, and last 1 for unknown labels; None without weights.

        "balanced" counts all taught targets, held out or not. In `fit` only the ratios of the
        class weights count, in `partial_fit` the weights themselves.
        """
        if class_weight is None:
            return None
        n_classes = len(self.classes)
        factors = np.ones(n_classes + 1)
        if isinstance(class_weight, str):
            if incremental:
                raise ValueError(
                    "class_weight='balanced' is not supported for partial_fit, which never sees "
                    "all of `y`. Use sklearn.utils.class_weight.compute_class_weight('balanced', "
                    "classes=classes, y=y) on enough of it, and pass the result as a dict."
                )
            weights = np.ones(len(codes)) if weights is None else weights
            per_class = np.bincount(codes, weights, minlength=n_classes)
            seen = np.flatnonzero(per_class > 0)
            factors[seen] = weights.sum() / n_classes / per_class[seen]
        else:
            factors[:-1] = self._named_factors(class_weight)
        if not incremental:  # scale the greatest one to about 1, see `relative`
            _, exponent = np.frexp(factors[:-1].max())
            with np.errstate(over="ignore"):
                factors = np.ldexp(factors, -exponent).clip(max=1e300)
        return factors

    def _named_factors(self, class_weight):
        """Return a factor per class; a class that the dict does not name has 1."""
        given = dict(class_weight)
        if not all(map(number(0).test, given.values())):
            raise ValueError(
                f"`class_weight` must have finite weights of at least 0, got {class_weight}."
            )
        factors = np.array([given.pop(c, 1.0) for c in self.classes.tolist()], dtype=np.float64)
        if given and len(class_weight) - len(given) < len(self.classes):
            raise ValueError(
                f"`class_weight` names {sorted(given, key=str)}, which are not among the classes "
                f"{self.classes}."
            )
        return factors


def check_labels(labels):
    """Refuse labels (n,) that are no classes, such as fractions."""
    with naming(arguments.Y):
        check_classification_targets(labels)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Targets that are one or several numbers; they are encoded in the units of the network."""

    scale: Scale
    is_1d: bool  # whether y has no axis for outputs
    loss: str
    dtype: str

    holds = "numbers"

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
    def learn(cls, rows, weights, taught, before, *, loss, dtype, normalize, relative):
        """Return the target of the rows in `taught`, and outputs to absorb, see `Scale.continued`.

        before: the present target, or None if there is none. relative: whether only the ratios of
        the weights (n_rows,) count; they are None for ones.
        """
        columns = _columns(rows, None if before is None else before.n_outputs)[taught]
        if loss == "poisson" and columns.min() < 0:
            raise ValueError(f"`y` must not be negative with loss='poisson', got {columns.min()}.")
        normalize = normalize and loss != "poisson"
        if before is None and not normalize:
            return cls(Scale.fixed(columns.shape[1]), rows.ndim == 1, loss, dtype), None
        if before is not None and not (normalize and before.scale.moments is not None):
            return before, None
        moments = Moments.of(columns, None if weights is None else weights[taught])
        if relative:
            moments = moments.with_weights_of_mean_1()
        if before is None:
            return cls(Scale.of(moments, arguments.Y), rows.ndim == 1, loss, dtype), None
        scale, absorbed = before.scale.continued(moments, arguments.Y)
        return cls(scale, before.is_1d, loss, dtype), absorbed

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        scale = Scale.from_attributes(attributes, "y")
        return cls(scale, attributes["_y_is_1d"], network.loss, network.dtype)

    def as_attributes(self):
        return {**self.scale.as_attributes("y"), "_y_is_1d": self.is_1d}

    @property
    def n_outputs(self):
        return len(self.scale.mean)

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
        return before.loss_unit / self.loss_unit if absorbed[moved].all() else None

    def encode(self, rows, argument=arguments.Y):
        """Return rows (n_rows, n_outputs) in the units of the network."""
        columns = _columns(rows, self.n_outputs, argument)
        with np.errstate(over="ignore"):
            targets = (columns - self.scale.mean) / self.scale.scale
        if not (np.abs(targets) <= np.finfo(self.dtype).max).all():
            largest = np.abs(columns).max()
            raise ValueError(f"`{argument}` has values up to {largest:g}, which overflow.")
        return targets

    def encode_taught(self, rows, taught):
        """Return targets to train on (n_rows, n_outputs), zeros outside the mask `taught`."""
        targets = np.zeros((len(rows), self.n_outputs), dtype=self.dtype)
        targets[taught] = self.encode(rows[taught])
        return targets

    def decode(self, outputs):
        """Return outputs in the units of y, as float64, (n_rows,) or (n_rows, n_outputs)."""
        with np.errstate(over="ignore"):
            rows = outputs * self.scale.scale + self.scale.mean
        return rows[:, 0] if self.is_1d else rows

    def score(self, targets, outputs, weights):
        """Return R2, which is the same in normalised units; NaN where it is not defined."""
        if not np.isfinite(outputs).all():
            return float("nan")
        return r2(targets, outputs, weights)

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


KINDS = {kind.holds: kind for kind in (Labels, Numbers)}
