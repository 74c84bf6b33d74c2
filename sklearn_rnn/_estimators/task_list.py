"""Several tasks, each with its own X and y, read as one."""

import numpy as np

from .._data.arguments import Argument
from .._data.categories import Categories
from .._data.labels import check_labels
from .._data.packed import Sequences, offsets_of
from .._data.reader import learn_X, read_X
from .._data.targets import check_positive
from .._data.values import family
from .._training.examples import Examples
from .reading import Read


def read_task_list(rnn, tasks):
    """Read the X and y of tasks as one X and y, and list the sequences of each task.

    rnn: the estimator to train.
    """
    _check_pairs(tasks)
    forms = [Argument(f"tasks[{i}][0]", "features") for i in range(len(tasks))]
    form, categories = _learn_form(rnn, tasks, forms)
    owner = type(rnn).__name__
    parts = [
        read_X(X, owner, form, argument, categories=categories)[0]
        for (X, _), argument in zip(tasks, forms, strict=True)
    ]
    sequences = _joined_sequences(parts)
    per_step = rnn.mode == "many_to_many"
    rows = _joined_rows(
        [
            _read_targets(rnn, y, part, per_step, Argument(f"tasks[{i}][1]", "targets"))
            for i, (part, (_, y)) in enumerate(zip(parts, tasks, strict=True))
        ]
    )
    everything = slice(None)
    target, _ = rnn._learn_target(rows, None, everything, None, False)
    if not per_step:
        rnn._warn_of_mode(sequences, target)
    examples = Examples(sequences, target.encode_taught(rows, everything), None, per_step)
    ends = np.cumsum([part.n_samples for part in parts])
    positions = np.arange(ends[-1])
    read = Read(len(positions), examples, positions, form, categories, target, None)
    return read, np.split(positions, ends[:-1])


def _read_targets(rnn, y, sequences, per_step, argument):
    """Read the y of a task, and refuse what the estimator cannot learn."""
    rows = rnn._target_kind.read(y, sequences, per_step, argument, None)
    if rnn._HOLDS == "numbers":
        check_positive(rows, rnn.loss, rnn.dtype, argument)
    else:
        check_labels(rows, slice(None), argument)
    return rows


def _check_pairs(tasks):
    if not isinstance(tasks, (list, tuple)) or len(tasks) == 0:
        what = "an empty one" if isinstance(tasks, (list, tuple)) else type(tasks).__name__
        raise ValueError(f"`tasks` must be a list of pairs (X, y), one for each task; got {what}.")
    for i, task in enumerate(tasks):
        if not isinstance(task, (list, tuple)) or len(task) != 2 or task[1] is None:
            raise ValueError(f"`tasks[{i}]` must be a pair (X, y), got {type(task).__name__}.")


def _learn_form(rnn, tasks, names):
    """Return the form of X of the first task, and the categories of all tasks."""
    owner, features = type(rnn).__name__, rnn.categorical_features
    _, form, first = learn_X(tasks[0][0], owner, features, names[0])
    if not first.columns:
        return form, first
    found = [
        learn_X(X, owner, features, name)[2] for (X, _), name in zip(tasks, names, strict=True)
    ]
    for name, each in zip(names, found, strict=True):
        kinds = [known.dtype.kind for known in each.known]
        if each.columns != first.columns or kinds != [known.dtype.kind for known in first.known]:
            raise ValueError(
                "`categorical_features` must select the same columns in all tasks, with strings in "
                f"all or codes in all; those of `{name}` differ from those of `{names[0]}`."
            )
    known = zip(*(each.known for each in found), strict=True)
    return form, Categories(first.columns, tuple(np.unique(np.concatenate(c)) for c in known))


def _joined_sequences(parts):
    values = np.concatenate([part.values for part in parts])
    lengths = np.concatenate([part.lengths for part in parts])
    return Sequences(values, offsets_of(lengths), parts[0].carrier)


def _joined_rows(parts):
    """Return the rows of y of all tasks: an array, or a tuple of columns of labels."""
    forms = [
        tuple(family(column.dtype) for column in part)
        if isinstance(part, tuple)
        else (part.shape[1:], family(part.dtype))
        for part in parts
    ]
    for i, form in enumerate(forms):
        if form != forms[0]:
            raise ValueError(
                f"`tasks[{i}][1]` must have targets of the same kind and shape as `tasks[0][1]`, "
                f"{forms[0]}; got {form}."
            )
    if isinstance(parts[0], tuple):
        return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))
    return np.concatenate(parts)
