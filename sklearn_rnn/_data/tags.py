"""Tags: labels of steps that are learned as sequences, and which tag may follow which.

What is allowed is a matrix (n_classes + 1, n_classes + 1) of 0 and 1, from the tag of a row to that
of a column. The last row is for the start of a sequence, the last column for its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._rules import Allowed, shown
from . import arguments
from .labels import Labels

# By scheme: the prefixes before which, and after which, an entity of the same type must go on.
# B begins an entity, I is inside, E ends it, S is one of a single step.
SCHEMES = {"BIO": ("BI", "I", ""), "BIOES": ("BIES", "IE", "BI")}
OUTSIDE = "O"


def _are_pairs(value):
    return isinstance(value, (list, tuple, set, frozenset)) and all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value
    )


RULE = Allowed(
    lambda value: (
        value is None
        or (isinstance(value, str) and value in SCHEMES)
        or (isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "biuf")
        or (_are_pairs(value) and len(value) > 0)
    ),
    f"None, {' or '.join(map(repr, SCHEMES))}, a list of pairs of labels (from, to), or a NumPy "
    "array of shape (n_classes, n_classes)",
)


def allowed_of(value, classes):
    """Return what a valid `allowed_transitions` allows for these classes, or None."""
    if value is None:
        return None
    if isinstance(value, str):
        matrix = _of_scheme(value, classes.tolist())
    elif isinstance(value, np.ndarray):
        matrix = _of_matrix(value, len(classes))
    else:
        matrix = _of_pairs(value, classes.tolist())
    matrix[-1, -1] = True  # there are no empty sequences
    return tuple(tuple(map(int, row)) for row in matrix)


def _of_scheme(scheme, classes):
    prefixes, _, _ = SCHEMES[scheme]
    tags = []
    for label in classes:
        prefix, _, kind = str(label).partition("-")
        if label == OUTSIDE:
            prefix, kind = OUTSIDE, ""
        elif not isinstance(label, str) or len(prefix) != 1 or prefix not in prefixes:
            wanted = " or ".join(f"'{prefix}-...'" for prefix in prefixes)
            raise ValueError(
                f"`allowed_transitions`={scheme!r} needs labels that are {OUTSIDE!r} or begin with "
                f"a prefix, {wanted}; got {label!r}."
            )
        tags.append((prefix, kind))
    tags.append((OUTSIDE, ""))  # what lies before and behind a sequence
    return np.array([[_may_follow(scheme, a, b) for b in tags] for a in tags])


def _may_follow(scheme, before, tag):
    """Tell whether a tag (prefix, type) may follow another one."""
    _, continuing, unfinished = SCHEMES[scheme]
    if tag[0] in continuing:
        return before[0] in "BI" and before[1] == tag[1]
    return before[0] not in unfinished


def _of_matrix(value, n):
    if value.shape not in ((n, n), (n + 1, n + 1)):
        raise ValueError(
            f"`allowed_transitions` must have shape ({n}, {n}) for {n} classes, or "
            f"({n + 1}, {n + 1}) with a row for the start and a column for the end, got shape "
            f"{value.shape}."
        )
    matrix = np.ones((n + 1, n + 1), dtype=bool)
    matrix[: len(value), : len(value)] = value != 0
    return matrix


def _of_pairs(value, classes):
    numbers = {label: i for i, label in enumerate(classes)} | {None: len(classes)}
    matrix = np.zeros((len(classes) + 1, len(classes) + 1), dtype=bool)
    for before, after in value:
        for label in (before, after):
            if label not in numbers:
                raise ValueError(
                    f"`allowed_transitions` must be pairs of labels in `y`, or None for the start "
                    f"or the end, got {shown((before, after))}: {shown(label)} is not among "
                    f"{classes}."
                )
        matrix[numbers[before], numbers[after]] = True
    for line in (matrix[-1, :-1], matrix[:-1, -1]):
        if not line.any():  # nothing is said of the start, or of the end
            line[:] = True
    return matrix


@dataclass(frozen=True, eq=False)
class Tags(Labels):
    """A target that is one of several classes at each step, whose sequences are learned."""

    allowed: tuple[tuple[int, ...], ...] | None = None

    @classmethod
    def from_attributes(cls, attributes, network):
        """Return the target that `as_attributes` wrote."""
        return cls(attributes["classes_"], network.allowed)

    @property
    def n_outputs(self):
        return len(self.classes)

    @property
    def loss(self):
        return "softmax"

    def decode(self, best):
        """Return the labels of the best tags (n_rows,)."""
        return self.classes[best]

    def _codes(self, best):
        return best

    def log_probabilities(self, log_marginals):
        """Return (n_rows, n_classes) as they are: the network computes them."""
        return log_marginals

    def check_sequences(self, codes, weights, sequences, names=arguments.TRAINING):
        """Refuse weights that differ within a sequence, and tags that are not allowed.

        codes (n_rows,) are encoded tags; weights (n_rows,) or None; unknown tags have weight 0.
        """
        _, y, sample_weight = names
        known = np.ones(len(codes), dtype=bool) if weights is None else weights > 0
        if weights is not None:
            _check_equal(weights, known, sequences, sample_weight)
        if self.allowed is None:
            return
        allowed = np.array(self.allowed, dtype=bool)
        for i in _suspects(codes, known, sequences, allowed).tolist():
            rows = slice(*sequences.offsets[i : i + 2])
            self._check_sequence(i, codes[rows], known[rows], allowed, y)

    def _check_sequence(self, i, codes, known, allowed, argument):
        """Refuse tags of sequence i that no sequence of allowed ones could have."""
        outside = len(self.classes)
        before, possible = outside, allowed[outside, :-1]
        for t, code in enumerate(codes):
            if t > 0:
                possible = allowed[:-1, :-1][possible].any(axis=0)
            if known[t]:
                if not possible[code]:
                    raise self._violation(i, t, before, code, argument)
                possible = np.arange(outside) == code
                before = code
            else:
                before = -1
        if not allowed[:-1, -1][possible].any():
            raise self._violation(i, len(codes), before, outside, argument)

    def _violation(self, i, t, before, after, argument):
        """Return the error about the tag `after` at step t of sequence i."""
        names = [*map(repr, self.classes.tolist())]
        if after == len(names):
            what = "ends with an unknown tag, but no tag that is allowed there may be the last one"
            if before >= 0:
                what = f"ends with {names[before]}"
            return ValueError(
                f"`{argument}` must keep to `allowed_transitions`, but sequence {i} {what}."
            )
        what = "at its start" if t == 0 else "after unknown tags"
        if 0 <= before < len(names):
            what = f"after {names[before]}"
        return ValueError(
            f"`{argument}` must keep to `allowed_transitions`, but step {t} of sequence {i} has "
            f"{names[after]} {what}."
        )


NOTHING_ALLOWED = (
    "`allowed_transitions` must allow tags for sequences of every length in `X`, but for one "
    "length no sequence of tags is allowed: allow more pairs, or leave out sequences of this "
    "length."
)


def _check_equal(weights, known, sequences, argument):
    """Refuse positive weights that differ within a sequence."""
    starts = sequences.offsets[:-1]
    greatest = np.maximum.reduceat(weights, starts)
    least = np.minimum.reduceat(np.where(known, weights, np.inf), starts)
    differ = (least < greatest) & (greatest > 0)
    if differ.any():
        i = int(np.argmax(differ))
        raise ValueError(
            f"`{argument}` must be equal at all steps of a sequence with transitions=True, or 0 "
            f"where the tag is unknown, but sequence {i} has {least[i]:.6g} and "
            f"{greatest[i]:.6g}."
        )


def _suspects(codes, known, sequences, allowed):
    """Return the taught sequences with unknown tags, or with a pair that is not allowed."""
    starts, outside = sequences.offsets[:-1], len(allowed) - 1
    before = np.concatenate([[outside], codes[:-1]])
    before[starts] = outside
    suspect = ~known | ~allowed[before, codes]
    suspect[sequences.offsets[1:] - 1] |= ~allowed[codes[sequences.offsets[1:] - 1], outside]
    taught = np.logical_or.reduceat(known, starts)
    return np.flatnonzero(np.logical_or.reduceat(suspect, starts) & taught)
