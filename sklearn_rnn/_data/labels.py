"""Labels as targets: how they are read, and what one label per target means.

Rows of labels are an array (n_rows,); several labels per target are a tuple of such columns, each
of its own type, and are in label_columns.py. See targets.py for what a kind of target has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .. import _core
from .._rules import number
from .._training.losses import classification_loss
from . import arguments
from .arguments import naming
from .carriers import as_labels, is_ragged, is_sparse
from .steps import pack_steps
from .values import family, settled_labels

_SETS = (
    ", and several labels for a sequence need a column of 0 and 1 for each label, as from "
    "sklearn.preprocessing.MultiLabelBinarizer"
)


def one_per_sequence(y, sequences, argument, read):
    """Return `y` as an array, made by `read(y, argument)`, with one target per sequence."""
    if is_ragged(y) and len(y) > 0:
        hint = _SETS if read is as_labels else ""
        raise ValueError(
            f"`{argument}` must have one target per sequence with mode='many_to_one', but it holds "
            f"one array per sequence; one target per step needs mode='many_to_many'{hint}."
        )
    y = read(y, argument)
    if y.ndim == 0 or len(y) != sequences.n_samples:
        raise ValueError(
            f"`{argument}` must have one target per sequence: there are {sequences.n_samples} "
            f"sequences, but `{argument}` has shape {y.shape}."
        )
    return y


def read_labels(y, sequences, per_step, argument=arguments.Y, taught=None):
    """Return labels (n_rows,), or for several outputs a tuple of columns (n_rows,).

    Rows outside the mask `taught` (n_rows,) may hold anything.
    """
    if per_step:
        labels = pack_steps(y, sequences, argument, numeric=False, taught=taught)
        if labels.ndim == 2 and labels.shape[1] > 1:
            return tuple(np.ascontiguousarray(labels.T))
        with naming(argument):
            return column_or_1d(labels, warn=True)
    natural = isinstance(y, (list, tuple))
    y = _as_one_array(y)
    y = one_per_sequence(y, sequences, argument, as_labels)
    if y.ndim > 2 or y.size == 0:
        raise ValueError(
            f"`{argument}` must have shape (n_samples,) or (n_samples, n_outputs) with "
            f"mode='many_to_one', got shape {y.shape}; one label per step needs "
            "mode='many_to_many'."
        )
    if y.ndim == 2 and y.shape[1] > 1:
        return tuple(
            _settled_column(y[:, j], j, argument, taught, natural) for j in range(y.shape[1])
        )
    with naming(argument):
        labels = column_or_1d(y, warn=True)
        return settled_labels(labels, argument, taught, natural=natural)


def _as_one_array(y):
    """Return a sparse matrix, or a list of one-dimensional arrays of one length, as an array."""
    if is_sparse(y) and y.ndim == 2:
        return y.toarray()
    if isinstance(y, (list, tuple)) and all(isinstance(each, np.ndarray) for each in y):
        if len({each.shape for each in y}) == 1 and y[0].ndim == 1:
            return np.array(y)
    return y


def _settled_column(labels, j, argument, taught, natural):
    def where(row):
        return f"`{argument}[{row}, {j}]` is {{what}}"

    with naming(argument):
        labels = np.ascontiguousarray(labels)
        return settled_labels(labels, argument, taught, natural=natural, where=where)


def check_labels(labels, taught, argument=arguments.Y):
    """Refuse labels that are not classes, such as fractions, in the rows of the mask `taught`."""
    for column in labels if isinstance(labels, tuple) else [labels]:
        with naming(argument):
            check_classification_targets(column[taught])


def log_softmax(z):
    """Return the logarithms of probabilities (n_rows, n_classes) from outputs before the link."""
    with np.errstate(over="ignore"):
        z = z - z.max(axis=1, keepdims=True)
    z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
    return z.clip(min=np.finfo(z.dtype).min)  # -inf becomes the lowest float


@dataclass(frozen=True, eq=False)
class Labels:
    """A target that is one of several classes, encoded as the number of its class."""

    classes: np.ndarray  # (n_classes,), sorted

    holds = "classes"
    groups = ()
    read = staticmethod(read_labels)

    @classmethod
    def learn(cls, labels):
        """Return the target whose classes are these labels (n,)."""
        with naming(arguments.Y):
            return cls(np.unique(labels))

    @classmethod
    def of_argument(cls, classes):
        """Return the target whose classes are those of an argument `classes`."""
        given, classes = classes, as_labels(classes, arguments.CLASSES)
        if classes.ndim != 1 or len(classes) == 0:
            raise ValueError(f"`classes` must be a list or 1-D array of labels, got {given!r}.")
        with naming(arguments.CLASSES):
            natural = isinstance(given, (list, tuple))
            return cls(np.unique(settled_labels(classes, arguments.CLASSES, natural=natural)))

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
        if isinstance(labels, tuple):
            raise ValueError(
                f"`{argument}` must have one column of labels, as in fit; got {len(labels)} "
                "columns."
            )
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

    def encode_taught(self, labels, taught, place=""):
        """Return codes to train on (n_rows,); the labels in the mask `taught` must have a class."""
        codes = self.encode(labels)
        unseen = labels[taught][codes[taught] < 0]
        if len(unseen) > 0:
            raise ValueError(
                f"`y` has classes not in `self.classes_`{place}: {np.unique(unseen)} are not among "
                f"{self.classes}. Fit again with all classes, or pass them as `classes` to the "
                "first call of partial_fit."
            )
        return codes.clip(min=0)

    def has_unknown(self, codes):
        """Tell whether some codes stand for labels that are not among the classes."""
        return bool(codes.min() < 0)

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
        return log_softmax(z)

    def score(self, codes, outputs, weights):
        """Return the accuracy of outputs, compared with encoded targets."""
        return float(np.average(self._codes(outputs) == codes, weights=weights))

    def class_factors(self, class_weight, codes, weights, incremental):
        """Return weights of classes for `Examples.with_class_weights`; None without weights.

        For the only column of targets, they are the weight of each class, and last 1 for unknown
        labels. "balanced" counts all taught targets, held out or not. In `fit` only the ratios of
        the class weights count, in `partial_fit` the weights themselves.
        """
        if class_weight is None:
            return None
        if isinstance(class_weight, list):
            raise ValueError(
                "`class_weight` must be a dict or 'balanced' for y with one column, got a list."
            )
        return [self.factors(class_weight, codes, weights, incremental)]

    def factors(self, class_weight, codes, weights, incremental):
        """Return the weight of each class, and last 1 for unknown labels (n_classes + 1,)."""
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
                f"`class_weight` must name only classes of `y`, {self.classes}; got "
                f"{sorted(given, key=str)}."
            )
        return factors
