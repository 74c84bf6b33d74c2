"""Several labels per target: columns of 0 and 1 (multilabel), or columns of classes (multioutput).

See targets.py for what a kind of target has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import arguments
from .labels import Labels, log_softmax, read_labels


class _Columns:
    """What is common to several labels: `columns` are the `Labels` of each."""

    holds = "classes"
    read = staticmethod(read_labels)
    loss_unit = 1.0

    def encode(self, labels, argument=arguments.Y):
        """Return the number of each label's class (n_rows, n_columns), -1 for no class."""
        parts = zip(self.columns, self._checked(labels, argument), strict=True)
        return np.stack([column.encode(part, argument) for column, part in parts], axis=1)

    def encode_taught(self, labels, taught):
        """Return codes to train on; the labels in the mask `taught` must have a class."""
        parts = enumerate(zip(self.columns, self._checked(labels, arguments.Y), strict=True))
        codes = [column.encode_taught(p, taught, f" of column {j}") for j, (column, p) in parts]
        return np.stack(codes, axis=1)

    def has_unknown(self, codes):
        """Tell whether some codes stand for labels that are not among the classes."""
        return bool(codes.min() < 0)

    def _checked(self, labels, argument):
        n_columns = len(labels) if isinstance(labels, tuple) else 1
        if n_columns != len(self.columns):
            raise ValueError(
                f"`{argument}` must have {len(self.columns)} columns, as in fit; got {n_columns}."
            )
        return labels

    def score(self, codes, outputs, weights):
        """Return the share of rows in which all labels are right."""
        right = (self._codes(outputs) == codes).all(axis=1)
        return float(np.average(right, weights=weights))


@dataclass(frozen=True, eq=False)
class Indicator(_Columns):
    """Several labels, each of which a target has (1) or does not have (0) (multilabel)."""

    n_outputs: int

    loss = "multilabel"
    groups = ()

    @classmethod
    def learn(cls, columns):
        """Return the target of these columns (n_rows,) of 0 and 1."""
        if empty := [j for j, column in enumerate(columns) if not column.any()]:
            raise ValueError(
                f"`y` must have a 1 in each of its columns, but column {empty[0]} has only 0 "
                "(targets of weight 0 do not count): leave this column out, or add sequences with "
                "this label."
            )
        return cls(len(columns))

    @classmethod
    def of_argument(cls, classes, n_columns):
        """Return the target of the argument `classes` for y with so many columns."""
        found = Labels.of_argument(classes).classes
        if not any(np.array_equal(found, known) for known in (np.arange(n_columns), [0, 1])):
            raise ValueError(
                f"`classes` must be range({n_columns}) for multilabel y with {n_columns} columns "
                "of 0 and 1, or a list with the classes of each column for multioutput y, got "
                f"{classes!r}."
            )
        return cls(n_columns)

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        return cls(network.n_outputs)

    def as_attributes(self):
        return {"classes_": np.arange(self.n_outputs)}

    @property
    def columns(self):
        return [Labels(np.arange(2))] * self.n_outputs

    def decode(self, outputs):
        """Return 1 for each label with a probability above 1/2, else 0 (n_rows, n_outputs)."""
        return self._codes(outputs).astype(np.int64)

    def _codes(self, outputs):
        return outputs > 0.5

    def probabilities(self, outputs):
        """Return the probability of each label (n_rows, n_outputs)."""
        return outputs

    def log_probabilities(self, z):
        """Return the logarithms of `probabilities` from outputs before the link."""
        return -np.logaddexp(0, -z)

    def class_factors(self, class_weight, codes, weights, incremental):
        """Return None; refuse class weights."""
        if class_weight is not None:
            raise ValueError(
                f"`class_weight` must be None for multilabel y, got {class_weight!r}: use "
                "`sample_weight`."
            )


@dataclass(frozen=True, eq=False)
class LabelColumns(_Columns):
    """Several labels with classes of their own (multioutput); each has a group of outputs."""

    columns: tuple[Labels, ...]

    loss = "multioutput"

    @classmethod
    def learn(cls, columns):
        """Return the target whose classes are those in each of these columns (n_rows,)."""
        found = tuple(map(Labels.learn, columns))
        for j, column in enumerate(found):
            if len(column.classes) < 2:
                only = column.classes.tolist()[0]
                raise ValueError(
                    f"`y` must have at least two classes in each of its columns, but column {j} "
                    f"has only {only!r}: leave this column out, or add sequences of another class."
                )
        return cls(found)

    @classmethod
    def of_argument(cls, classes, n_columns):
        """Return the target of the argument `classes` for y with so many columns."""
        if len(classes) != n_columns:
            raise ValueError(
                f"`classes` must have one list for each of the {n_columns} columns of y, got "
                f"{len(classes)}."
            )
        found = tuple(map(Labels.of_argument, classes))
        if any(len(column.classes) < 2 for column in found):
            raise ValueError(f"`classes` must have at least 2 classes per column, got {classes!r}.")
        return cls(found)

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        return cls(tuple(map(Labels, attributes["classes_"])))

    def as_attributes(self):
        return {"classes_": [column.classes for column in self.columns]}

    @property
    def groups(self):
        """The number of outputs for each label."""
        return tuple(len(column.classes) for column in self.columns)

    @property
    def n_outputs(self):
        return sum(self.groups)

    def decode(self, outputs):
        """Return the most probable class of each label (n_rows, n_columns)."""
        codes = self._codes(outputs).T
        found = [c.classes[of_column] for c, of_column in zip(self.columns, codes, strict=True)]
        if len({labels.dtype.kind for labels in found}) == 1:
            return np.stack(found, axis=1)
        decoded = np.empty((len(outputs), len(found)), dtype=object)
        for j, labels in enumerate(found):
            decoded[:, j] = labels
        return decoded

    def _codes(self, outputs):
        return np.stack([part.argmax(axis=1) for part in self._parts(outputs)], axis=1)

    def _parts(self, outputs):
        return np.split(outputs, np.cumsum(self.groups)[:-1], axis=1)

    def probabilities(self, outputs):
        """Return a list of (n_rows, n_classes), one per label."""
        return [part.copy() for part in self._parts(outputs)]

    def log_probabilities(self, z):
        """Return a list of (n_rows, n_classes), one per label, from outputs before the link."""
        return [log_softmax(part) for part in self._parts(z)]

    def class_factors(self, class_weight, codes, weights, incremental):
        """Return weights of classes for each column; None without weights.

        A row is weighted by the product of those of its labels.
        """
        if class_weight is None:
            return None
        given = [class_weight] * len(self.columns) if class_weight == "balanced" else class_weight
        if not isinstance(given, list) or len(given) != len(self.columns):
            raise ValueError(
                f"`class_weight` must be a list of {len(self.columns)} dicts, one for each column "
                f"of y, or 'balanced'; got {class_weight!r}."
            )
        parts = zip(self.columns, given, codes.T, strict=True)
        return [column.factors(each, c, weights, incremental) for column, each, c in parts]


# ---- one label or several -----------------------------------------------------------------------


def learn_labels(labels, taught):
    """Return the target for labels of which `taught` is a mask.

    Several columns of only 0 and 1 are an `Indicator`, others `LabelColumns`.
    """
    if not isinstance(labels, tuple):
        return Labels.learn(labels[taught])
    columns = [column[taught] for column in labels]
    kind = Indicator if all(map(_is_binary, columns)) else LabelColumns
    return kind.learn(columns)


def labels_of_argument(classes, labels, before):
    """Return the target for the argument `classes` of `partial_fit`; before: the present one.

    labels are those of y, of which only the number of columns counts.
    """
    if classes is None:
        if before is None:
            raise ValueError(
                "`classes` must be passed to the first call of partial_fit: the labels that y can "
                "have in any call."
            )
        return before
    n_columns = len(labels) if isinstance(labels, tuple) else 1
    if n_columns == 1:
        target = Labels.of_argument(classes)
    elif _are_columns(classes):
        target = LabelColumns.of_argument(classes, n_columns)
    else:
        target = Indicator.of_argument(classes, n_columns)
    if before is None:
        return target
    first, now = (each.as_attributes()["classes_"] for each in (before, target))
    if not _equal(first, now):
        raise ValueError(
            f"`classes` must be those of the first call to partial_fit, {first}; got {now}."
        )
    return before


def _equal(classes, others):
    """Tell whether two values of `classes_`, arrays or lists of arrays, are equal."""
    if isinstance(classes, list) and isinstance(others, list):
        return len(classes) == len(others) and all(map(np.array_equal, classes, others))
    return type(classes) is type(others) and np.array_equal(classes, others)


def _are_columns(classes):
    """Tell whether an argument holds one array of classes per column."""
    return isinstance(classes, (list, tuple)) and any(
        np.ndim(each) > 0 for each in classes if not isinstance(each, str)
    )


def _is_binary(labels):
    """Tell whether labels (n_rows,) are only 0 and 1."""
    return labels.dtype.kind in "biuf" and bool(((labels == 0) | (labels == 1)).all())
