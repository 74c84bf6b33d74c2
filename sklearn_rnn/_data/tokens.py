"""Targets that are sequences of labels of lengths of their own, such as words."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from . import arguments
from .arguments import naming
from .carriers import as_labels, holds_lists, is_ragged, length_of, refuse_records
from .frames import is_column, is_frame, rows_of_lists
from .items import pack_items
from .labels import Labels, check_labels
from .packed import Packed, offsets_of
from .steps import settle
from .weights import relative

ENCODING = "utf-32-le" if sys.byteorder == "little" else "utf-32-be"  # that of NumPy's strings


@dataclass(frozen=True, eq=False)
class Written(Packed):
    """Labels (n_labels,) of sequences, which may be empty; letters if the sequences were str."""

    are_strings: bool


def read_tokens(y, n_samples, argument=arguments.Y, taught=None):
    """Return sequences of labels, one for each of `n_samples`, in any carrier.

    Those outside the mask `taught` (n_samples,) may be anything, and come out empty.
    """
    items = _items_of(y, n_samples, argument)
    if taught is not None:
        items = [item if kept else () for item, kept in zip(items, taught, strict=True)]
    _check_items(items, argument)
    empty = np.array([length_of(item) == 0 for item in items])  # not ""
    strings = sum(isinstance(item, str) for item in items)
    if strings == 0:
        return _read_arrays(items, empty, y, argument)
    if strings < len(items) - (0 if taught is None else np.count_nonzero(empty & ~taught)):
        i = next(i for i, item in enumerate(items) if not isinstance(item, str))
        raise ValueError(
            f"`{argument}` must hold either str, which are sequences of letters, or lists or "
            f"arrays of labels; got both: `{argument.item(i)}` is {_shown(items[i])}."
        )
    return _read_strings([item if isinstance(item, str) else "" for item in items], argument)


def _items_of(y, n_samples, argument):
    """List the targets, one sequence each, without looking into them."""
    if isinstance(y, (str, bytes, Mapping, Iterator)):
        raise ValueError(
            f"`{argument}` must be a list or array with one sequence of labels for each sequence "
            f"of X, got a {type(y).__name__}."
        )
    if is_frame(y) or not (isinstance(y, (list, tuple)) or is_column(y) or is_ragged(y)):
        y = as_labels(y, argument)
    refuse_records(y, argument)
    if getattr(y, "ndim", 1) not in (1, 2):
        raise ValueError(
            f"`{argument}` must hold one sequence of labels per item, (n_samples, n_labels) or "
            f"lists of any lengths; got shape {y.shape}."
        )
    items = rows_of_lists(y) if holds_lists(y) else list(y)
    if len(items) != n_samples:
        raise ValueError(
            f"`{argument}` must have one sequence of labels for each of the {n_samples} sequences "
            f"of X, got {len(items)}."
        )
    return items


def _check_items(items, argument):
    """Refuse items that are not sequences."""
    for i, item in enumerate(items):
        if not isinstance(item, str) and length_of(item) is None:
            raise ValueError(
                f"`{argument}` must hold one sequence of labels per item, a str, list or array, "
                f"but `{argument.item(i)}` is {_shown(item)}."
                + (" Decode bytes first, .decode()." if isinstance(item, bytes) else "")
            )


def _shown(item):
    text = repr(item)
    return text if len(text) < 50 else f"a {type(item).__name__}"


def _read_strings(items, argument):
    """Return strings as letters."""
    joined = "".join(items)
    if "\0" in joined:
        i = next(i for i, item in enumerate(items) if "\0" in item)
        raise ValueError(
            f"`{argument}` must hold str without NUL characters, which NumPy cuts off, but "
            f"`{argument.item(i)}` has one."
        )
    letters = np.frombuffer(joined.encode(ENCODING, "surrogatepass"), dtype="U1")
    lengths = np.fromiter(map(len, items), np.intp, len(items))
    return Written(letters, offsets_of(lengths), True)


def _read_arrays(items, empty, y, argument):
    """Return lists and arrays of labels, some of which are empty, as one array."""
    if empty.all():
        return Written(np.zeros(0, dtype=np.int64), np.zeros(len(items) + 1, np.intp), False)
    if empty.any():  # they have no type of their own
        first = items[int(np.argmin(empty))]
        items = [first if nothing else item for item, nothing in zip(items, empty, strict=True)]
    packed = pack_items(items, argument, numeric=False)
    if packed.values.ndim != 1:
        raise ValueError(
            f"`{argument}` must have one label per step, but `{argument.item(0)}` has "
            f"{packed.values.shape[1]} columns."
        )
    packed = replace(packed, values=settle(packed, y, argument=argument, numeric=False))
    kept = packed if not empty.any() else packed.take(~empty)
    lengths = np.where(empty, 0, packed.lengths)
    return Written(kept.values, offsets_of(lengths), False)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Targets that are sequences of labels, encoded as the numbers of their classes and a stop.

    The number after those of the classes is the stop, and where it is fed, the start.
    """

    labels: Labels
    are_strings: bool  # whether the targets were str
    longest: int  # labels in the longest target of `fit`

    holds = "classes"
    groups = ()
    loss = "softmax"
    loss_unit = 1.0
    n_fed = 1  # columns that the decoder reads
    n_fed_numbers = 0
    read = staticmethod(read_tokens)

    @classmethod
    def learn(cls, written, before=None):
        """Return the target of `fit`; before: the present target, or None."""
        if before is not None:
            before.check_kind(written)
            return replace(before, longest=max(before.longest, int(written.lengths.max())))
        if len(written.values) == 0:
            raise ValueError("`y` must have a label in at least one sequence, but all are empty.")
        check_labels(written.values, slice(None))
        labels = Labels.learn(written.values)
        return cls(labels, written.are_strings, int(written.lengths.max()))

    @classmethod
    def of_argument(cls, classes, written):
        """Return the target whose classes are those of an argument."""
        if isinstance(classes, str):
            classes = list(classes)
        longest = int(written.lengths.max())
        return cls(Labels.of_argument(classes), written.are_strings, longest)

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        labels = Labels(attributes["classes_"])
        return cls(labels, attributes["_y_is_str"], attributes["longest_target_"])

    def as_attributes(self):
        return {
            **self.labels.as_attributes(),
            "_y_is_str": self.are_strings,
            "longest_target_": self.longest,
        }

    @property
    def classes(self):
        return self.labels.classes

    @property
    def stop(self):
        """The number of the stop, and of the start."""
        return len(self.classes)

    @property
    def n_outputs(self):
        return len(self.classes) + 1

    @property
    def n_rows(self):
        """Rows of the table from which the decoder reads: the classes and the start."""
        return len(self.classes) + 1

    def check_kind(self, written, argument=arguments.Y):
        """Refuse targets of another kind than in `fit`."""
        if len(written.values) and written.are_strings != self.are_strings:
            kinds = "lists or arrays of labels", "str, whose letters are the labels"
            raise ValueError(
                f"`{argument}` must hold {kinds[self.are_strings]}, as in fit; got "
                f"{kinds[written.are_strings]}."
            )

    def codes(self, written, argument=arguments.Y):
        """Return the number of each label's class as Packed; -1 for a label of no class."""
        self.check_kind(written, argument)
        if len(written.values) == 0:
            return Packed(np.zeros(0, dtype=np.int32), written.offsets)
        with naming(argument):
            return Packed(self.labels.encode(written.values, argument), written.offsets)

    def encode_taught(self, written):
        """Return the codes of targets to train on, all of which must have a class."""
        codes = self.codes(written)
        if len(codes.values):
            self.labels.encode_taught(written.values, slice(None))
        return codes

    def with_stops(self, codes):
        """Return what is to be predicted at each step: the codes and the stop, as Packed."""
        offsets = codes.offsets + np.arange(len(codes.offsets))
        values = np.full(offsets[-1], self.stop, dtype=np.int32)
        values[_without_last(offsets)] = codes.values
        return Packed(values, offsets)

    def fed(self, codes, dtype=np.float64):
        """Return what the decoder reads at each step (n_steps, 1): the start and the codes.

        A label of no class (-1) is read as the start.
        """
        offsets = codes.offsets + np.arange(len(codes.offsets))
        values = np.full((offsets[-1], 1), self.stop, dtype=dtype)
        values[_without_first(offsets), 0] = np.where(codes.values < 0, self.stop, codes.values)
        return Packed(values, offsets)

    def without_stops(self, targets, offsets):
        """Return the codes as Packed in what is to be predicted at each step, see `with_stops`."""
        return Packed(targets[_without_last(offsets)], offsets - np.arange(len(offsets)))

    def decode(self, answers):
        """Return answers, arrays of codes, as an object array of arrays of labels, or of str."""
        result = np.empty(len(answers), dtype=object)
        for i, codes in enumerate(answers):
            labels = self.classes[codes]
            result[i] = "".join(labels.tolist()) if self.are_strings else labels
        return result

    def unit_since(self, before, absorbed):
        """Return the factor between the units of the loss of two targets."""
        return 1.0

    def has_unknown(self, targets):
        """Tell whether some codes stand for labels that are not among the classes."""
        return bool((targets < 0).any())

    def class_factors(self, class_weight, codes, weights, incremental):
        """Return None: classes have no weights."""
        return None


def _without_last(offsets):
    """Return a mask of the rows that are not the last of their sequence."""
    mask = np.ones(offsets[-1], dtype=bool)
    mask[offsets[1:] - 1] = False
    return mask


def _without_first(offsets):
    """Return a mask of the rows that are not the first of their sequence."""
    mask = np.ones(offsets[-1], dtype=bool)
    mask[offsets[:-1]] = False
    return mask


def exact_match(answers, codes, weights=None):
    """Return the share of answers, arrays of codes, that equal those of Packed `codes`."""
    right = [np.array_equal(a, b) for a, b in zip(answers, codes.cut(), strict=True)]
    return float(np.average(right, weights=None if weights is None else relative(weights)))
