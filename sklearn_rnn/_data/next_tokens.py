"""The next token as a target: texts -> codes to read and codes to predict; labels of texts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._text.codes import START, STOP, UNKNOWN
from . import arguments
from .arguments import naming
from .carriers import as_labels, as_numbers
from .categories import NARROW_CODES, Categories
from .finite import LARGEST_INPUT, check_finite_rows
from .labels import Labels, check_labels
from .packed import Sequences, offsets_of
from .values import settled_labels


@dataclass(frozen=True, eq=False)
class NextTokens:
    """A target that is the next token of a text.

    The network numbers tokens by rows: the codes of the encoder in their order, but that of unknown
    tokens last, as in the tables of other categorical features. It reads `START` and then the
    tokens of a text. At each step it predicts the next token, and at last `STOP`, unless the model
    has learned from one long text, which has no end.

    Texts may have labels or vectors. They become states with which the network begins: a vector v
    (n_given,) becomes v S / sqrt(n_given), and label i row i of S. The entries of S are 1 or -1, by
    chance but always the same, so different labels begin with states that are far apart.
    """

    encoder: object  # a fitted TokenEncoder with boundaries
    has_stops: bool
    labels: Labels | None = None  # of texts
    n_given: int = 0  # number of labels, or length of the vectors of texts

    holds = "tokens"
    groups = ()
    loss = "softmax"
    loss_unit = 1.0

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        labels = Labels(attributes["classes_"]) if "classes_" in attributes else None
        facts = (attributes[name] for name in ("encoder_", "_has_stops"))
        return cls(*facts, labels, attributes["_n_given"])

    def as_attributes(self):
        return {
            "encoder_": self.encoder,
            "_has_stops": self.has_stops,
            "_n_given": self.n_given,
            **({} if self.labels is None else {"classes_": self.labels.classes}),
        }

    @property
    def n_outputs(self):
        return self.encoder.n_codes_

    @property
    def categories(self):
        """The only column of X, whose known codes are those of the encoder except 0."""
        return Categories((0,), (np.arange(1, self.n_outputs),))

    def rows_of(self, codes):
        """Return the rows of codes."""
        return (codes - 1) % self.n_outputs

    def codes_of(self, rows):
        """Return the codes of rows."""
        return (rows + 1) % self.n_outputs

    def in_order_of_codes(self, outputs):
        """Return outputs (n, n_outputs) with their columns in the order of codes."""
        return np.roll(outputs, 1, axis=1)

    @property
    def stop(self):
        """The row of `STOP`."""
        return self.rows_of(STOP)

    @property
    def never_drawn(self):
        """The rows of tokens that never follow in a text that is written."""
        stops = () if self.has_stops else (STOP,)
        return tuple(self.rows_of(code) for code in (UNKNOWN, START, *stops))

    def class_factors(self, class_weight, codes, weights, incremental):
        """Return None: tokens have no weights."""

    def has_unknown(self, codes):
        """Return False: unknown tokens have a code."""
        return False

    # ---- texts ----

    def sequences(self, codes):
        """Return what the network reads of texts, as Sequences, and what it predicts (n_steps,).

        Both are rows. codes: an object array of arrays, as the encoder returns them. Texts of no
        steps are kept.
        """
        lengths = np.array([len(each) for each in codes], dtype=np.intp)
        unread = 1 if self.has_stops else 2  # the last codes of each text
        flat = np.concatenate(codes)
        if len(codes) == 1:
            read, predicted = flat[:-unread], flat[1 : len(flat) + 1 - unread]
        else:
            ends = np.cumsum(lengths)
            last, first = np.zeros((2, len(flat)), dtype=bool)
            last[ends - 1] = True
            first[ends - lengths] = True
            if not self.has_stops:
                last[ends - 2] = True
            read = flat[~last]
            predicted = flat[~(first | (flat == STOP))] if not self.has_stops else flat[~first]
        dtype = np.float32 if self.n_outputs < NARROW_CODES else np.float64
        values = self.rows_of(read).astype(dtype)[:, np.newaxis]
        sequences = Sequences(values, offsets_of(lengths - unread), "ragged_1d")
        return sequences, self.rows_of(predicted)

    # ---- labels and vectors of texts ----

    def with_given(self, y, n_texts, classes=None):
        """Return the target that has learned the labels or the width of the vectors in `y`.

        classes: the argument with all labels, or None.
        """
        if y is None and classes is None:
            return self
        given = None if y is None else _read_given(y, n_texts, arguments.Y)
        if given is not None and given.ndim == 2 and classes is None:
            return replace(self, n_given=given.shape[1])
        if classes is None:
            check_labels(given, slice(None))
        labels = Labels.learn(given) if classes is None else Labels.of_argument(classes)
        return replace(self, labels=labels, n_given=len(labels.classes))

    def check_classes(self, classes):
        """Refuse an argument `classes`, or None, that differs from the labels of the fit."""
        if classes is None:
            return
        known = None if self.labels is None else self.labels.classes
        if known is None or not np.array_equal(Labels.of_argument(classes).classes, known):
            raise ValueError(f"`classes` must be those of the first fit, {known}; got {classes!r}.")

    def given(self, y, n_texts, argument=arguments.Y):
        """Return the vectors of texts (n_texts, n_given), for labels one-hot; or None without y."""
        if y is None and self.n_given == 0:
            return None
        if y is None or self.n_given == 0:
            must, got = ("be given", "got `y`") if y is None else ("be None", "got no `y`")
            raise ValueError(f"`{argument}` must {must}, because `fit` {got}.")
        given = _read_given(y, n_texts, argument)
        if self.labels is None:
            if given.ndim != 2 or given.shape[1] != self.n_given:
                raise ValueError(
                    f"`{argument}` must have vectors of {self.n_given} numbers, as in fit, shape "
                    f"({n_texts}, {self.n_given}); got shape {given.shape}."
                )
            return given
        if given.ndim != 1:
            raise ValueError(
                f"`{argument}` must have one label per text, as in fit, got shape {given.shape}."
            )
        codes = self.labels.encode(given, argument)
        if (codes < 0).any():
            raise ValueError(
                f"`{argument}` must have labels of `classes_`, {self.labels.classes}; got "
                f"{np.unique(given[codes < 0])}."
            )
        vectors = np.zeros((n_texts, self.n_given))
        vectors[np.arange(n_texts), codes] = 1.0
        return vectors

    def beginnings(self, given, network):
        """Return the states (n_texts, n_columns) with which texts begin; None without vectors."""
        if given is None:
            return None
        n_columns = sum(n for _, _, n in network.state_layout)
        signs = 2.0 * np.random.RandomState(0).randint(2, size=(self.n_given, n_columns)) - 1
        if self.labels is None:
            signs /= np.sqrt(self.n_given)
        states, limit = given @ signs, LARGEST_INPUT[network.dtype]
        if not (np.abs(states) <= limit).all():
            raise ValueError(
                "`y` must have smaller vectors, such as numbers between -1 and 1: these lead to "
                f"states above {limit:g}."
            )
        return np.ascontiguousarray(states, dtype=network.dtype)


def _read_given(y, n_texts, argument):
    """Return labels (n_texts,), or vectors (n_texts, n)."""
    natural = isinstance(y, (list, tuple))
    array = as_labels(y, argument)
    if array.ndim not in (1, 2) or len(array) != n_texts or 0 in array.shape:
        raise ValueError(
            f"`{argument}` must have one label or one vector per text: there are {n_texts} texts, "
            f"but `{argument}` has shape {array.shape}."
        )
    if array.ndim == 2:
        vectors = as_numbers(y, argument).astype(np.float64)
        check_finite_rows(vectors, argument)
        return vectors
    with naming(argument):
        return settled_labels(array, argument, None, natural=natural)
