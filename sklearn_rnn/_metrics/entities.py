"""Scores of named entities: spans of steps that their tags mark, such as B-PER and I-PER."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from sklearn import metrics

from .._data import arguments
from .._data.packed import Packed
from .._data.steps import pack_steps
from .._data.weights import relative
from .._docstrings import with_parts
from .._floating_point import floating_point_ignored
from .._rules import either, one_of
from .._typing import ArrayLike, Integer, Targets
from .reading import read_truth

OUTSIDE = "O"
# Tags O, B, I, ... may have a type after a hyphen; those without one have this type.
NO_TYPE = "_"


@dataclass(frozen=True)
class Scheme:
    """How tags mark entities: sets of pairs of tags of two successive steps.

    A pair is a string of two tags and of the types of both: "=" for equal ones, "!" for others,
    "*" for any. "?" is any tag. Before the first step and after the last one, tags are O.
    """

    tags: str
    start: str  # the second step begins an entity
    inside: str  # the second step belongs to the entity of the first
    end: str | None  # an entity may end before the second step; None: it may always

    def table(self, pairs):
        """Return pairs as an array of bool (n_tags, n_tags, 2), the last axis for equal types."""
        table = np.zeros((len(self.tags), len(self.tags), 2), dtype=bool)
        for before, tag, types in pairs.split():
            rows = range(len(self.tags)) if before == "?" else [self.tags.index(before)]
            columns = range(len(self.tags)) if tag == "?" else [self.tags.index(tag)]
            for equal in {"=": [1], "!": [0], "*": [0, 1]}[types]:
                table[np.ix_(rows, columns, [equal])] = True
        return table


# Strict schemes (those of the package seqeval), in which spans that break the rules do not count.
SCHEMES = {
    "IOB1": Scheme(
        "OIB",
        start="OI* II! BI* IB= BB=",
        inside="BI= II=",
        end="II! IO* IB* BO* BI! BB=",
    ),
    "IOB2": Scheme("OIB", start="?B*", inside="BI= II=", end="IO* II! IB* BO* BI! BB*"),
    "IOBES": Scheme("OIBES", start="?B* ?S*", inside="BI= BE= II= IE=", end="S?* E?*"),
    "BILOU": Scheme("OIBLU", start="?B* ?U*", inside="BI= BL= II= IL=", end="U?* L?*"),
}
SCHEMES |= {"BIO": SCHEMES["IOB2"], "BIOES": SCHEMES["IOBES"]}
# The rules of the script conlleval, which takes any tags: each step that is not O is in an entity.
LENIENT = Scheme(
    "OIBES",
    start="?B* ?S* OI* OE* EI* EE* SI* SE* BI! BE! II! IE!",
    inside="BI= BE= II= IE=",
    end=None,
)
_RULE = either(None, one_of(SCHEMES))

_described = with_parts(
    {
        "tags": """
y_true : array-like of str of shape (n_samples, n_timesteps), or list, tuple or object array of \
(n_timesteps_i,)
    True tags: "O" outside of entities, and otherwise a letter that says where in an entity a step
    is, a hyphen and the type of the entity, as "B-PER".
y_pred : as `y_true`
    Predicted tags, in the same or another form.
""",
        "scheme": """
scheme : {"IOB1", "IOB2", "BIO", "IOBES", "BIOES", "BILOU"} or None, default=None
    None allows any mixture of B, I, E and S, by the rules of the script conlleval of the CoNLL
    shared tasks [1]_: where the tags break a rule, an entity begins. With a scheme, an entity whose
    tags break its rules does not count. IOB1 begins an entity with I, and with B only directly
    behind another one of its type; IOB2 (or BIO) begins every entity with B; IOBES (or BIOES) also
    ends it with E, and marks an entity of a single step with S; BILOU does so with L and U.
""",
        "sample_weight": """
sample_weight : array-like of shape (n_samples,), or one weight per step, default=None
    Weight of each sequence, or of each step in any form. An entity counts with the mean weight of
    its steps. A step of weight 0 is outside of entities, whatever its tags are.
""",
        "errors": """
ValueError
    If the sequences of `y_true`, `y_pred` and `sample_weight` do not match, or have tags that the
    scheme does not know (the message says which).
""",
        "references": """
.. [1] E. F. Tjong Kim Sang and F. De Meulder, "Introduction to the CoNLL-2003 Shared Task:
   Language-Independent Named Entity Recognition", CoNLL 2003.
""",
    }
)


@_described
@floating_point_ignored
def entity_f1_score(
    y_true: Targets,
    y_pred: Targets,
    *,
    scheme: Literal["IOB1", "IOB2", "BIO", "IOBES", "BIOES", "BILOU"] | None = None,
    average: Literal["micro", "macro", "weighted"] | None = "micro",
    sample_weight: ArrayLike | None = None,
    zero_division: Literal["warn"] | float = "warn",
) -> Any:
    """Compute the F1 score of entities, which count as right if all steps and the type are right.

    It agrees with the package seqeval: ``scheme=None`` with its default, other schemes with its
    ``mode="strict"``.

    Parameters
    ----------
    {tags}
    {scheme}
    average : {"micro", "macro", "weighted"} or None, default="micro"
        Over the types of entities, as in `sklearn.metrics.f1_score`. None returns the score of each
        type, in sorted order.
    {sample_weight}
    zero_division : {"warn", 0.0, 1.0, np.nan}, default="warn"
        Score if there are no entities.

    Returns
    -------
    score : float or ndarray of float of shape (n_types,)
        F1 score, from 0 to 1.

    Raises
    ------
    {errors}

    See Also
    --------
    entity_classification_report : Precision, recall and F1 score of each type.

    References
    ----------
    {references}

    Examples
    --------
    >>> from sklearn_rnn.metrics import entity_f1_score
    >>> y_true = [["O", "B-PER", "I-PER"], ["B-LOC", "O"]]
    >>> y_pred = [["O", "B-PER", "O"], ["B-LOC", "O"]]
    >>> entity_f1_score(y_true, y_pred)
    0.5
    """
    truth, predicted, weights, types = _pairs(y_true, y_pred, scheme, sample_weight)
    return metrics.f1_score(
        truth,
        predicted,
        labels=np.arange(max(len(types), 1)),  # at least one, even if there are no entities
        average=average,
        sample_weight=None if weights is None else relative(weights),
        zero_division=zero_division,
    )


@_described
@floating_point_ignored
def entity_classification_report(
    y_true: Targets,
    y_pred: Targets,
    *,
    scheme: Literal["IOB1", "IOB2", "BIO", "IOBES", "BIOES", "BILOU"] | None = None,
    sample_weight: ArrayLike | None = None,
    digits: Integer = 2,
    output_dict: bool = False,
    zero_division: Literal["warn"] | float = "warn",
) -> Any:
    """Report precision, recall and F1 score of each type of entities.

    Parameters
    ----------
    {tags}
    {scheme}
    {sample_weight}
    digits : int, default=2
        Number of decimal places in the table.
    output_dict : bool, default=False
        Whether to return a dict instead of a table.
    zero_division : {"warn", 0.0, 1.0, np.nan}, default="warn"
        The value of a score that would divide by zero. "warn" means 0 and a warning.

    Returns
    -------
    report : str or dict
        A table, or with ``output_dict=True`` its numbers.

    Raises
    ------
    {errors}
        Also if there are no entities.

    See Also
    --------
    entity_f1_score : The F1 score as one number.

    References
    ----------
    {references}

    Examples
    --------
    >>> from sklearn_rnn.metrics import entity_classification_report
    >>> y_true = [["O", "B-PER", "I-PER"], ["B-LOC", "O"]]
    >>> y_pred = [["O", "B-PER", "O"], ["B-LOC", "O"]]
    >>> print(entity_classification_report(y_true, y_pred))
                  precision    recall  f1-score   support
    <BLANKLINE>
             LOC       1.00      1.00      1.00         1
             PER       0.00      0.00      0.00         1
    <BLANKLINE>
       micro avg       0.50      0.50      0.50         2
       macro avg       0.50      0.50      0.50         2
    weighted avg       0.50      0.50      0.50         2
    <BLANKLINE>
    """
    truth, predicted, weights, types = _pairs(y_true, y_pred, scheme, sample_weight)
    if not types:
        raise ValueError("`y_true` and `y_pred` must have at least one entity, got none.")
    return metrics.classification_report(
        truth,
        predicted,
        labels=np.arange(len(types)),
        target_names=types,
        sample_weight=weights,
        digits=digits,
        output_dict=output_dict,
        zero_division=zero_division,
    )


def _pairs(y_true, y_pred, scheme, sample_weight):
    """Return the types of all entities, as numbers, for the scores of scikit-learn.

    For each entity that is true or predicted, the number of its type, or that of "none" in the
    array where it is missing, and its weight or None; and the names of the types, sorted.
    """
    _RULE.check("scheme", scheme)
    rules = LENIENT if scheme is None else SCHEMES[scheme]
    truth, weights = read_truth(y_true, sample_weight, numeric=False)
    taught = None if weights is None else weights > 0
    predicted = pack_steps(y_pred, truth, arguments.Y_PRED, numeric=False, taught=taught)
    found = []
    for values, argument in ((truth.values, arguments.Y_TRUE), (predicted, arguments.Y_PRED)):
        tags = Packed(_outside_where_untaught(values, taught, argument), truth.offsets)
        found.append(entities(tags, rules, argument))
    names = np.unique([name for each in found for name in each.names]).tolist()
    none = max(len(names), 1)
    true, own = (replace(each, types=each.types_among(names)) for each in found)
    matched = true.contain(own, truth.n_steps)
    # Besides all entities, one that is neither, without effect: scikit-learn refuses empty arrays.
    numbers = (
        np.concatenate([true.types, np.full(np.sum(~matched), none), [none]]),
        np.concatenate(
            [
                np.where(own.contain(true, truth.n_steps), true.types, none),
                own.types[~matched],
                [none],
            ]
        ),
    )
    if weights is not None:
        start = np.concatenate([true.starts, own.starts[~matched]])
        stop = np.concatenate([true.stops, own.stops[~matched]])
        weights = np.append(_means(weights, start, stop), weights.max())
    return *numbers, weights, names


def _means(weights, start, stop):
    """Return the mean weight of the steps from each start to each stop, which never overflows."""
    unit = np.frexp(weights.max())[1]
    sums = np.concatenate([[0.0], np.cumsum(np.ldexp(weights, -unit))])
    return np.ldexp((sums[stop] - sums[start]) / (stop - start), unit)


def _outside_where_untaught(tags, taught, argument):
    """Return tags (n_steps,) with O where the mask `taught` is False."""
    if tags.ndim == 2 and tags.shape[1] == 1:
        tags = tags[:, 0]
    if tags.ndim != 1:
        raise ValueError(f"`{argument}` must have one tag per step, got {tags.shape[1]}.")
    return tags if taught is None else np.where(taught, tags.astype(object), OUTSIDE)


@dataclass(frozen=True, eq=False)
class Entities:
    """Entities in the steps of all sequences, in their order."""

    starts: np.ndarray  # (n_entities,): first step
    stops: np.ndarray  # (n_entities,): the step after the last one
    types: np.ndarray  # (n_entities,): places in `names`
    names: list[str]  # of types that occur, sorted

    def types_among(self, names):
        """Return the places of the types in a list that has all names."""
        return np.array([names.index(name) for name in self.names], dtype=np.intp)[self.types]

    def contain(self, others, n_steps):
        """Tell for each of other entities whether it is one of these, by steps and type."""
        stops, types = np.zeros((2, n_steps), dtype=np.intp)
        stops[self.starts], types[self.starts] = self.stops, self.types
        same = stops[others.starts] == others.stops
        return same & (types[others.starts] == others.types)


def entities(tags, rules, argument=arguments.Y_TRUE):
    """Return the entities in Packed tags (n_steps,)."""
    n_steps = tags.n_steps
    letters, types, names = _parsed(tags, rules, argument)
    first, last = np.zeros(n_steps + 1, dtype=bool), np.zeros(n_steps + 1, dtype=bool)
    first[tags.offsets[:-1]] = True
    last[tags.offsets[1:]] = True
    outside, no_type = rules.tags.index(OUTSIDE), names.index(NO_TYPE)
    # Entry t is about steps t - 1 and t; O is beyond both ends of a sequence.
    before, type_before = np.append(outside, letters), np.append(no_type, types)
    after, type_after = np.append(letters, outside), np.append(types, no_type)
    before_start = np.where(first, outside, before), np.where(first, no_type, type_before)
    beyond_end = np.where(last, outside, after), np.where(last, no_type, type_after)

    def holds(pairs, left, right):
        equal = (left[1] == right[1]).astype(np.intp)
        return rules.table(pairs)[left[0], right[0], equal]

    starts = holds(rules.start, before_start, (after, type_after))[:-1]
    linked = holds(rules.inside, before_start, (after, type_after))[:-1]
    # Steps that are linked form runs. An entity goes from the first start in a run to its end.
    run = np.cumsum(~linked) - 1
    starts = np.flatnonzero(starts)
    run, where = np.unique(run[starts], return_index=True)
    starts = starts[where]
    stops = np.append(np.flatnonzero(~linked), n_steps)[run + 1]
    if rules.end is not None:
        ends = holds(rules.end, (before, type_before), beyond_end)[stops]
        starts, stops = starts[ends], stops[ends]
    used, types = np.unique(types[starts], return_inverse=True)
    return Entities(starts, stops, types, [names[i] for i in used])


def _parsed(tags, rules, argument):
    """Return the place of each tag in `rules.tags`, the number of its type, and all types."""
    values = tags.values
    if values.dtype.kind == "O":
        values = np.array(values.tolist())  # `settle` has found one type
    if values.dtype.kind not in "UT":
        raise ValueError(
            f"`{argument}` must hold tags of str such as 'O' and 'B-PER', got {values.dtype}."
        )
    distinct, numbers = np.unique(values, return_inverse=True)
    pattern = re.compile(rf"(?:(O)|([{rules.tags[1:]}])(?:-(.*))?)", re.DOTALL)
    letters, names = [], []
    for k, tag in enumerate(distinct.tolist()):
        match = pattern.fullmatch(tag)
        if match is None:
            i, step = tags.locate(int(np.argmax(numbers == k)))
            known = ", ".join(f"'{letter}-'" for letter in rules.tags[1:])
            raise ValueError(
                f"`{argument}` must have tags of `scheme`: 'O', or {known} and a type; sequence "
                f"{i} has {tag!r} at step {step}."
            )
        letters.append(rules.tags.index(match[1] or match[2]))
        names.append(match[3] or NO_TYPE)
    known = sorted({*names, NO_TYPE})
    types = np.array([known.index(name) for name in names])
    return np.array(letters)[numbers], types[numbers], known
