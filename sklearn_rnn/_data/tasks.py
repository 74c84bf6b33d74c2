"""Several named targets of one network (tasks): classes or numbers, any of which may be missing.

targets.py describes what every kind of target must have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from .._training.losses import LOG_LINKED, LOSSES_OF_TASKS
from . import arguments
from .arguments import Argument
from .carriers import as_labels
from .finite import check_finite_rows
from .frames import column_names, is_frame
from .labels import Labels, check_labels, log_softmax, one_per_sequence
from .packed import Packed
from .scales import Scale
from .steps import raw_steps, settle
from .targets import Numbers
from .values import (
    check_numeric,
    families_of_objects,
    filled,
    missing_in,
    numbers_of_objects,
    settled_labels,
)

# The kinds of tasks, and the loss of each; that of classes depends on how many there are.
KINDS = {
    "classes": None,
    "numbers": "squared_error",
    **{name: name for name in LOSSES_OF_TASKS},
}


# ---- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TaskRows:
    """The targets of all tasks by rows, which are sequences or steps."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]  # keys of KINDS
    columns: tuple[np.ndarray, ...]  # (n_rows,) each; any value where a target is missing
    known: np.ndarray  # (n_rows, n_tasks) whether there is a target, and its weight is not 0
    argument: Argument

    def weigh(self, weights, task_weights):
        """Return the weights of rows (n_rows,), 0 where no task of positive weight has a target.

        weights: those of the user; None, here and in the result, means that all are 1.
        task_weights: the weight of each task, by name.
        """
        counts = np.array([task_weights[name] > 0 for name in self.names])
        taught = self.known[:, counts].any(axis=1)
        if not taught.any():
            counting = [name for name, count in zip(self.names, counts, strict=True) if count]
            raise ValueError(
                f"`{self.argument}` must have targets for each task, but all those of "
                f"{', '.join(map(repr, counting))} are missing or have weight 0."
            )
        if taught.all():
            return weights
        return taught.astype(np.float64) if weights is None else np.where(taught, weights, 0.0)


def columns_of(y, names, argument):
    """Return the columns of `y` as a dict, by the names of their tasks.

    y is a dict, a frame, a structured array, or an array with one column per task. The columns of
    an array are called `names` if these are as many, otherwise "0", "1" and so on.
    """
    if isinstance(y, Mapping):
        columns = dict(y)
    elif is_frame(y):
        columns = {name: y[name] for name in column_names(y)}
    elif getattr(getattr(y, "dtype", None), "names", None):
        columns = {name: y[name] for name in y.dtype.names}
    elif isinstance(y, np.ndarray) and y.ndim == 2:
        names = tuple(names) if len(names) == y.shape[1] else tuple(map(str, range(y.shape[1])))
        columns = dict(zip(names, y.T, strict=True))
    else:
        raise TypeError(
            f"`{argument}` must be a dict from the names of the tasks to their targets, or a data "
            f"frame with one column per task; got {type(y).__name__}. With a single target, use "
            "RNNClassifier or RNNRegressor."
        )
    if not columns or not all(isinstance(name, str) for name in columns):
        raise ValueError(
            f"`{argument}` must have at least one task, and names of tasks must be strings; got "
            f"{list(columns)}."
        )
    return columns


def read_tasks(y, sequences, per_step, argument, taught, kinds, names=None):
    """Return the `TaskRows` of `y`.

    kinds: the kinds of some tasks; the values of the others decide. names: the tasks of the fit, of
    which y may have only some; None means the tasks of y. Rows outside the mask `taught` (n_rows,)
    may hold anything.
    """
    given = columns_of(y, kinds if names is None else names, argument)
    names = tuple(given) if names is None else names
    if unknown := [name for name in given if name not in names]:
        raise ValueError(
            f"`{argument}` must have only tasks of the fit, {list(names)}; got {unknown}."
        )
    n_rows = sequences.n_steps if per_step else sequences.n_samples
    known = np.zeros((n_rows, len(names)), dtype=bool)
    columns, found = [], []
    for j, name in enumerate(names):
        kind, column = kinds.get(name), np.zeros(n_rows)
        if name in given:
            kind, column, known[:, j] = _read_task(
                given[name], sequences, per_step, _argument_of(name, argument), taught, kind
            )
        columns.append(column)
        found.append(kind)
    return TaskRows(names, tuple(found), tuple(columns), known, argument)


def _argument_of(name, argument):
    """Return the argument that holds the targets of a task."""
    return Argument(f"{argument}[{name!r}]", "targets", argument.weights, str(argument))


def _read_task(y, sequences, per_step, argument, taught, kind):
    """Return the kind of a task, its targets (n_rows,), and which of these are known (n_rows,)."""
    y = _with_masks_as_none(y)
    packed = _raw_rows(y, sequences, per_step, argument)
    known = ~_missing(packed.values)
    if taught is not None:
        known &= taught
    kind = kind or _kind_of(packed.values[known])
    if not known.any():
        return kind, np.zeros(len(known)), known
    if kind == "classes" and per_step:
        return kind, settle(packed, y, known, argument, numeric=False), known
    if kind == "classes":
        natural = isinstance(y, (list, tuple))
        return kind, settled_labels(packed.values, argument, known, natural=natural), known
    values = numbers_of_objects(packed.values)
    check_numeric(values.dtype, argument, values)
    packed = Packed(values.astype(np.float64), packed.offsets)
    if per_step:
        return kind, settle(packed, y, known, argument), known
    values = filled(packed.values, known)
    check_finite_rows(values, argument)
    return kind, values, known


def _raw_rows(y, sequences, per_step, argument):
    """Return the values of y for each row, unchanged, as Packed (n_rows,)."""
    if per_step:
        packed = raw_steps(y, sequences, argument)
    else:
        values = one_per_sequence(y, sequences, argument, as_labels)
        packed = Packed(values, np.arange(len(values) + 1))
    if packed.values.ndim != 1:
        raise ValueError(
            f"`{argument}` must have one target per {'step' if per_step else 'sequence'}, got "
            f"{packed.values.shape[1:]}: make each column a task of its own."
        )
    return packed


def _with_masks_as_none(y):
    """Return y with None in place of masked entries, also in a list of arrays."""
    if isinstance(y, np.ma.MaskedArray):
        values = np.array(y.data, dtype=object)
        values[np.ma.getmaskarray(y)] = None
        return values
    if isinstance(y, (list, tuple)) and any(isinstance(v, np.ma.MaskedArray) for v in y):
        return [_with_masks_as_none(v) if isinstance(v, np.ma.MaskedArray) else v for v in y]
    return y


def _missing(values):
    """Tell for each of the values (n_rows,) whether it is missing."""
    if values.dtype.kind == "O":
        return missing_in(values)
    if values.dtype.kind in "fmM":
        return np.isnan(values)
    return np.zeros(len(values), dtype=bool)


def _kind_of(values):
    """Tell the kind of a task from its known values: floats are numbers, all others classes."""
    if values.dtype.kind != "O":
        return "numbers" if values.dtype.kind == "f" else "classes"
    are_floats = any(isinstance(value, (float, np.floating, Decimal)) for value in values)
    return (
        "numbers" if are_floats and set(families_of_objects(values)) == {"numbers"} else "classes"
    )


class TaskReader:
    """Reads y in the first fit; kinds: those that the user has chosen, by task."""

    def __init__(self, kinds):
        self.kinds = kinds

    def read(self, y, sequences, per_step, argument=arguments.Y, taught=None):
        rows = read_tasks(y, sequences, per_step, argument, taught, self.kinds)
        if unknown := sorted(self.kinds.keys() - set(rows.names)):
            raise ValueError(
                f"`tasks` must name only tasks of `{argument}`, {list(rows.names)}; got {unknown}."
            )
        return rows


# ---- the target ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Tasks:
    """Several named targets, each with outputs of its own; a missing target is encoded as NaN."""

    names: tuple[str, ...]
    targets: tuple[Labels | Numbers, ...]
    task_weights: tuple[float, ...]
    dtype: str  # of the network

    holds = "tasks"
    loss = "multitask"
    loss_unit = 1.0

    @classmethod
    def learn(cls, rows, weights, taught, before, *, task_weights, dtype):
        """Return the target of `TaskRows`, and outputs to absorb, see `Scale.continued`.

        before: the target of the fit so far, or None. task_weights: by name.
        """
        known = rows.known.copy()
        if weights is not None:
            known[~taught] = False
        targets, absorbed = [], []
        for j, (name, kind, column) in enumerate(
            zip(rows.names, rows.kinds, rows.columns, strict=True)
        ):
            if not known[:, j].any():
                raise ValueError(
                    f"`y` must have targets for each task, but all those of {name!r} are missing "
                    "or have weight 0: leave this task out."
                )
            old = None if before is None else before.targets[j]
            of_task = _argument_of(name, rows.argument)
            if kind == "classes":
                check_labels(column, known[:, j], of_task)
                target, moved = old or Labels.learn(column[known[:, j]]), None
            else:
                target, moved = Numbers.learn(
                    column, weights, known[:, j], old,
                    loss=KINDS[kind], dtype=dtype, normalize=True, relative=True, argument=of_task,
                )  # fmt: skip
            targets.append(target)
            absorbed.append(np.zeros(target.n_outputs, dtype=bool) if moved is None else moved)
        counts = tuple(float(task_weights[name]) for name in rows.names)
        absorbed = None if before is None else np.concatenate(absorbed)
        return cls(rows.names, tuple(targets), counts, dtype), absorbed

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        names, targets, numbers = tuple(attributes["tasks_"]), [], 0
        moments, scaled = attributes["_y_moments"], 0
        for name, (loss, _) in zip(names, network.groups, strict=True):
            if name in attributes["classes_"]:
                targets.append(Labels(attributes["classes_"][name]))
                continue
            place, numbers = slice(numbers, numbers + 1), numbers + 1
            of_task = None
            if loss not in LOG_LINKED:
                of_task, scaled = moments[:, scaled : scaled + 1], scaled + 1
            scale = Scale(attributes["y_mean_"][place], attributes["y_scale_"][place], of_task)
            targets.append(Numbers(scale, True, loss, network.dtype))
        counts = tuple(attributes["task_weights_"].values())
        return cls(names, tuple(targets), counts, network.dtype)

    def as_attributes(self):
        named = dict(zip(self.names, self.targets, strict=True))
        numbers = [target for target in self.targets if target.holds == "numbers"]
        moments = [t.scale.moments for t in numbers if t.scale.moments is not None]
        return {
            "tasks_": {name: self._kind(target) for name, target in named.items()},
            "task_weights_": dict(zip(self.names, self.task_weights, strict=True)),
            "classes_": {n: t.classes for n, t in named.items() if t.holds == "classes"},
            "y_mean_": np.array([target.scale.mean[0] for target in numbers], dtype=np.float64),
            "y_scale_": np.array([target.scale.scale[0] for target in numbers], dtype=np.float64),
            "_y_moments": np.hstack(moments) if moments else None,
        }

    @staticmethod
    def _kind(target):
        if target.holds == "classes":
            return "classes"
        return "numbers" if target.loss == KINDS["numbers"] else target.loss

    @property
    def kinds(self):
        return {n: self._kind(t) for n, t in zip(self.names, self.targets, strict=True)}

    @property
    def groups(self):
        """The loss and the number of outputs of each task."""
        return tuple((target.loss, target.n_outputs) for target in self.targets)

    @property
    def n_outputs(self):
        return sum(target.n_outputs for target in self.targets)

    @property
    def scale_of_outputs(self):
        """Mean and scale in use, each (n_outputs,); 0 and 1 for classes."""
        scales = []
        for target in self.targets:
            fixed = target.holds == "classes" or target.scale.in_use is None
            scales.append(Scale.fixed(target.n_outputs)[:2] if fixed else target.scale_of_outputs)
        return tuple(map(np.concatenate, zip(*scales, strict=True)))

    def read(self, y, sequences, per_step, argument=arguments.Y, taught=None):
        """Return the `TaskRows` of y, which need not have all tasks."""
        return read_tasks(y, sequences, per_step, argument, taught, self.kinds, self.names)

    def encode(self, rows, argument=arguments.Y):
        """Return targets (n_rows, n_tasks) as float64: numbers, or the numbers of classes.

        A missing target is NaN, and a label that is not among the classes is -1.
        """
        return self._encoded(rows, rows.known, lambda t, name, y: t.encode(y, argument))

    def encode_taught(self, rows, taught):
        """Return targets to train on (n_rows, n_tasks), NaN outside the mask `taught`."""
        known = np.zeros_like(rows.known)
        known[taught] = rows.known[taught]

        def encode(target, name, y):
            place = (f" of task {name!r}",) if target.holds == "classes" else ()
            return target.encode_taught(y, np.ones(len(y), dtype=bool), *place)

        return self._encoded(rows, known, encode).astype(self.dtype)

    def _encoded(self, rows, known, encode):
        encoded = np.full(known.shape, np.nan)
        for j, (name, target) in enumerate(zip(self.names, self.targets, strict=True)):
            taught = known[:, j]
            if taught.any():
                encoded[taught, j] = encode(target, name, rows.columns[j][taught]).reshape(-1)
        return encoded

    def _parts(self, outputs):
        """Return the outputs of each task by name: (n_rows, n)."""
        ends = np.cumsum([target.n_outputs for target in self.targets])[:-1]
        parts = map(np.ascontiguousarray, np.split(outputs, ends, axis=1))
        return dict(zip(self.names, parts, strict=True))

    def decode(self, outputs):
        """Return the label of the most probable class, or the number, (n_rows,) for each task."""
        targets = zip(self._parts(outputs).items(), self.targets, strict=True)
        return {name: target.decode(part) for (name, part), target in targets}

    def probabilities(self, z):
        """Return (n_rows, n_classes) for each task of classes; z: outputs before the link."""
        targets = zip(self._parts(z).items(), self.targets, strict=True)
        return {
            name: target.probabilities(z) if target.loss == "logistic" else np.exp(log_softmax(z))
            for (name, z), target in targets
            if target.holds == "classes"
        }

    def scores(self, targets, outputs, weights):
        """Return the accuracy or R2 of each task; NaN where it is not defined."""
        scores = {}
        for j, (name, part) in enumerate(self._parts(outputs).items()):
            known = ~np.isnan(targets[:, j])
            of_task = None if weights is None else weights[known]
            scored = known.any() if weights is None else (of_task > 0).any()
            y = targets[known, j]
            y = y[:, np.newaxis] if self.targets[j].holds == "numbers" else y
            scores[name] = self.targets[j].score(y, part[known], of_task) if scored else np.nan
        return scores

    def score(self, targets, outputs, weights):
        """Return the mean of the defined scores, weighted by `task_weights`."""
        return self.mean_score(self.scores(targets, outputs, weights))

    def mean_score(self, scores):
        """Return that mean of `scores`, see `score`."""
        scores, counts = np.array(list(scores.values())), np.array(self.task_weights)
        defined = ~np.isnan(scores) & (counts > 0)
        if not defined.any():
            return float("nan")
        return float(np.average(scores[defined], weights=counts[defined]))

    def has_unknown(self, targets):
        """Tell whether some encoded targets (n_rows, n_tasks) are not among the classes."""
        of_classes = [target.holds == "classes" for target in self.targets]
        return bool((targets[:, of_classes] < 0).any())

    def group_weights(self, targets, weights):
        """Return the factor of each task's loss (n_tasks,) in the loss of a row.

        With these factors the mean loss of all rows is sum_g c_g L_g, where c_g is the weight of
        task g and L_g its mean loss over the rows that have a target for it. A task without
        targets has factor 0.
        """
        weights = np.ones(len(targets)) if weights is None else weights
        known = ~np.isnan(targets)
        total = weights[known.any(axis=1)].sum()
        taught = np.array([weights[column].sum() for column in known.T])
        factors = np.divide(total, taught, out=np.zeros(len(taught)), where=taught > 0)
        return factors * self.task_weights

    def check_taught(self, factors):
        """Refuse a task without targets to train on: all of them must have been held out."""
        pairs = zip(self.names, self.task_weights, factors, strict=True)
        if empty := [name for name, weight, factor in pairs if weight > 0 and factor == 0]:
            raise ValueError(
                f"`validation_fraction` holds out all targets of task {empty[0]!r}: lower it, or "
                "pass `X_val` and `y_val`."
            )

    def class_factors(self, class_weight, targets, weights, incremental):
        """Return None: `MultiTaskRNN` has no class weights."""
        return None
