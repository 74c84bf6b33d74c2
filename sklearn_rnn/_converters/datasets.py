"""Conversion from and to data sets of Hugging Face `datasets`, whose columns hold lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._data.arguments import Argument
from .._data.carriers import as_labels, is_ragged
from .._data.items import pack_items
from .._typing import ArrayLike, SequenceNotStr, SequencesLike, Targets
from .libraries import library
from .sequences import cut, names_for, read_lengths, read_sequences, with_features
from .tables import plain


def from_datasets(
    dataset: Any,
    *,
    columns: str | SequenceNotStr[str],
    target: str | None = None,
    groups: str | None = None,
) -> Bunch:
    """Convert a data set of Hugging Face `datasets` to sequences.

    Parameters
    ----------
    dataset : datasets.Dataset
        A data set with one row per sequence.
    columns : str or list of str
        Name of the column that holds the sequences: lists of numbers, of strings, or of lists of
        numbers (one list per step). Or a list with the names of several columns of lists of
        numbers, each of which is one feature.
    target : str, default=None
        Name of the column that holds the target of each sequence, or a list with one target per
        step.
    groups : str, default=None
        Name of the column that holds the group of each sequence, for splitters such as
        `GroupKFold`.

    Returns
    -------
    data : Bunch
        Dictionary-like, with these entries:

        X : object array (n_samples,) of arrays (n_timesteps_i, n_features) or (n_timesteps_i,)
            The sequences; items are 1-D for one column of lists of numbers. Missing numbers become
            NaN. Lists of strings give a list of lists, which `TokenEncoder` reads.
        y : array of shape (n_samples,), object array of arrays (n_timesteps_i,), or None
            The targets. Classes are integers, as in the data set.
        groups : array of shape (n_samples,) or None
            The groups.
        feature_names : list of str
            The names in `columns`.
        target_names : list of str or None
            The names of the classes 0, 1, ..., if the data set has them (`ClassLabel`).

    Raises
    ------
    TypeError
        If `dataset` is not a `datasets.Dataset`, but for example a dict of them or a stream.
    ValueError
        If a column does not exist or does not hold such lists.

    See Also
    --------
    to_datasets : The inverse.

    Examples
    --------
    >>> from datasets import Dataset
    >>> from sklearn_rnn.preprocessing import from_datasets
    >>> dataset = Dataset.from_dict({"x": [[1.0, 2.0], [3.0]], "label": [0, 1]})
    >>> data = from_datasets(dataset, columns="x", target="label")
    >>> data.X, data.y
    (array([array([1., 2.]), array([3.])], dtype=object), array([0, 1]))
    """
    _check(dataset)
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names:
        raise ValueError("`columns` must name at least one column, got none.")
    roles = [("columns", name) for name in names] + [("target", target), ("groups", groups)]
    for role, name in roles:
        if name is not None and name not in dataset.column_names:
            raise ValueError(
                f"`{role}` must name columns of `dataset`, {dataset.column_names}; got {name!r}."
            )
    wanted = list(dict.fromkeys(name for _, name in roles if name is not None))
    table = dataset.select_columns(wanted).with_format("arrow")[:]
    one = isinstance(columns, str)
    return Bunch(
        X=_of_one_column(table[columns], columns) if one else _of_columns(table, names),
        y=None if target is None else _targets(table[target], target),
        groups=None if groups is None else plain(_array(table[groups])),
        feature_names=names,
        target_names=None if target is None else _names_of_classes(dataset.features[target]),
    )


def to_datasets(
    X: SequencesLike,
    *,
    y: Targets | None = None,
    groups: ArrayLike | None = None,
    columns: str | SequenceNotStr[str] | None = None,
    target: str = "y",
    group: str = "group",
) -> Any:
    """Convert sequences to a data set of Hugging Face `datasets`.

    Parameters
    ----------
    X : sequences
        Sequences in any form that `fit` takes. They may hold NaN, integers or strings.
    y : array-like, list or object array, default=None
        Targets or labels: one per sequence, or one per step.
    groups : array-like of shape (n_samples,), default=None
        The group of each sequence.
    columns : str or list of str, default=None
        Name of the single column that holds the sequences, or a list with the name of each feature,
        which then becomes a column of lists of numbers. None means the column names of frames in
        `X`, or "X" without frames.
    target : str, default="y"
        Name of the column of `y`.
    group : str, default="group"
        Name of the column of `groups`.

    Returns
    -------
    dataset : datasets.Dataset
        A data set with one row per sequence.

    Raises
    ------
    ImportError
        If datasets is not installed.
    ValueError, TypeError
        If `X` does not hold sequences, or the arguments do not match.

    See Also
    --------
    from_datasets : The inverse.

    Examples
    --------
    >>> from sklearn_rnn.preprocessing import to_datasets
    >>> dataset = to_datasets([[1.0, 2.0], [3.0]], y=[0, 1])
    >>> dataset[0]
    {'X': [1.0, 2.0], 'y': 0}
    """
    datasets, pyarrow = library("datasets", "Dataset"), library("pyarrow")
    packed, known = read_sequences(X)
    if columns is None:
        columns = "X" if known is None else known
    if isinstance(columns, str):
        made = {columns: _lists(pyarrow, packed.values, packed.offsets)}
    else:
        values = with_features(packed.values)
        names = [str(name) for name in names_for(columns, known, values.shape[1])]
        parts = [_lists(pyarrow, column, packed.offsets) for column in values.T]
        made = dict(zip(names, parts, strict=True))
    for name, values in ((target, y), (group, groups)):
        if values is None:
            continue
        argument = Argument("y" if values is y else "groups")
        if name in made:
            raise ValueError(
                f"`columns`, `target` and `group` must be distinct names, got {name!r} twice."
            )
        if is_ragged(values) or as_labels(values, argument).ndim > 1:
            own = pack_items(list(values), argument, numeric=False)
            made[name] = _lists(pyarrow, own.values, own.offsets)
        else:
            made[name] = pyarrow.array(as_labels(values, argument).tolist())
        if len(made[name]) != packed.n_samples:
            raise ValueError(
                f"`{argument}` must have one entry per sequence: `X` has {packed.n_samples}, "
                f"`{argument}` has {len(made[name])}."
            )
    return datasets.Dataset(pyarrow.table(made))


def _check(dataset):
    if hasattr(dataset, "with_format") and hasattr(dataset, "select_columns"):
        if isinstance(dataset, dict):
            raise TypeError(
                "`dataset` must be one data set, got a dict of them: choose one, "
                f"dataset[{next(iter(dataset), 'train')!r}]."
            )
        if hasattr(dataset, "num_rows") and len(dataset) > 0:
            return
    raise TypeError(
        "`dataset` must be a datasets.Dataset with at least one row, not a stream; got "
        f"{type(dataset).__name__}."
    )


def _of_one_column(column, name):
    if not _is_list(column):
        raise ValueError(
            f"`columns` must name columns of lists, but column {name!r} holds {column.type}: if "
            "these are texts, pass the column itself to TokenEncoder."
        )
    rows, lengths = _rows_of(column, name)
    if rows.dtype.kind in "OU":
        return [part.tolist() for part in cut(rows, lengths)]
    return cut(rows, lengths)


def _of_columns(table, names):
    """Return sequences whose features are columns."""
    rows, first = [], None
    for name in names:
        if not _is_list(table[name]):
            raise ValueError(
                f"`columns` must name columns of lists, but {name!r} holds {table[name].type}."
            )
        values, lengths = _rows_of(table[name], name)
        if values.ndim != 1 or values.dtype.kind not in "biuf":
            raise ValueError(
                "`columns` must be a list only of columns that hold one list of numbers per row, "
                f"but {name!r} holds {table[name].type}."
            )
        first = lengths if first is None else first
        if not np.array_equal(lengths, first):
            i = int(np.argmax(lengths != first))
            raise ValueError(
                f"`columns` must have lists of the same length in each row: in row {i} "
                f"{names[0]!r} has {first[i]}, but {name!r} has {lengths[i]}."
            )
        rows.append(values)
    return cut(np.column_stack(rows), first)


def _targets(column, name):
    if not _is_list(column):
        return plain(_array(column))
    rows, lengths = _rows_of(column, name)
    return cut(plain(rows), lengths)


def _rows_of(column, name):
    """Return the entries of lists, (n_steps,) or (n_steps, k), and the lengths of the lists."""
    column = _storage(column)
    if column.null_count:
        raise ValueError(
            f"`dataset` must have no missing lists, but column {name!r} has some: leave these rows "
            "out."
        )
    compute = library("pyarrow.compute")
    lengths = compute.list_value_length(column).to_numpy()
    lengths = read_lengths(lengths, argument=Argument(f"lengths of {name}"))
    entries = compute.list_flatten(column)
    if not _is_list(entries):
        return plain(_array(entries)), lengths
    rows, widths = _rows_of(entries, name)
    if rows.ndim > 1 or (widths != widths[0]).any():
        raise ValueError(
            f"`dataset` must have the same number of features at every step, but in column "
            f"{name!r} the number varies."
        )
    return rows.reshape(len(widths), int(widths[0])), lengths


def _storage(column):
    """Return the plain lists of an extension type, such as `Array2D`."""
    if hasattr(column.type, "storage_type"):
        column = column.cast(column.type.storage_type)
    return column


def _is_list(column):
    kind = getattr(column.type, "storage_type", column.type)
    return hasattr(kind, "value_field")


def _array(column):
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _lists(pyarrow, rows, offsets):
    """Return rows (n_steps, ...) as lists of pyarrow, one per sequence."""
    entries = pyarrow.array(np.ascontiguousarray(rows).reshape(-1))
    if rows.ndim == 2:
        entries = _listed(pyarrow, np.arange(len(rows) + 1) * rows.shape[1], entries)
    return _listed(pyarrow, offsets, entries)


def _listed(pyarrow, offsets, entries):
    if offsets[-1] < 2**31:
        return pyarrow.ListArray.from_arrays(offsets.astype(np.int32), entries)
    return pyarrow.LargeListArray.from_arrays(offsets, entries)


def _names_of_classes(feature):
    """Return the names of the classes of a feature, or None if it has none."""
    while hasattr(feature, "feature"):
        feature = feature.feature
    names = getattr(feature, "names", None)
    return None if names is None else list(names)
