"""Cells of splitters, thresholds, and other forms of y."""

import numpy as np
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
    cross_val_score,
    train_test_split,
)

from .case import EQUAL, PER_STEP, flat, objects, take
from .selection import CLASSIFY, CV, GRID, NUMBERS, WithTargets, folds, of_sizes
from .tools import tool

GROUPS = NUMBERS % 5
TRIPLES = NUMBERS // 3


def _by_our_splitter(c, **options):
    """`SequenceKFold` where scikit-learn does not stratify labels of steps."""
    if not c.per_step:
        return NotImplemented
    from sklearn_rnn.model_selection import SequenceKFold

    groups = options.pop("groups", None)
    splits = list(SequenceKFold(3, **options).split(c.X, c.y, groups))
    assert sorted(np.concatenate([test for _, test in splits])) == list(NUMBERS)
    if groups is not None:
        assert all(not set(groups[a]) & set(groups[b]) for a, b in splits)
    share = [np.mean(flat(take(c.y, test)) == "up") for _, test in splits]
    assert np.ptp(share) < 0.15  # what stratified means
    got = cross_val_score(c.rnn(), c.X, c.y, cv=splits, error_score="raise")
    return got if np.allclose(got, folds(c, cv=_Splits(splits))) else ["other scores"]


class _Splits:
    def __init__(self, splits):
        self.splits = splits

    def split(self, X):
        return self.splits


def _stratified(splitter, groups=None):
    def want(c):
        if c.per_step:  # only that what comes is what a loop gives for the same folds
            return _by_our_splitter(
                c, stratify="tags", **({} if groups is None else {"groups": groups})
            )
        return folds(c, cv=WithTargets(splitter, c.y, groups))

    return want


@tool(
    "StratifiedKFold(3)",
    CLASSIFY,
    want=_stratified(StratifiedKFold(3)),
    splitter=lambda c: _by_our_splitter(c, stratify="tags"),
)
def _(c, model, X):
    return cross_val_score(model, X, c.y, cv=StratifiedKFold(3), error_score="raise")


@tool(
    "StratifiedGroupKFold",
    CLASSIFY,
    want=_stratified(StratifiedGroupKFold(3), TRIPLES),
    splitter=lambda c: _by_our_splitter(c, stratify="tags", groups=TRIPLES),
)
def _(c, model, X):
    cv = StratifiedGroupKFold(3)
    return cross_val_score(model, X, c.y, cv=cv, groups=TRIPLES, error_score="raise")


@tool("GroupKFold(groups=)", want=lambda c: folds(c, cv=WithTargets(GroupKFold(3), None, GROUPS)))
def _(c, model, X):
    cv = GroupKFold(3)
    return cross_val_score(model, X, c.y, cv=cv, groups=GROUPS, error_score="raise")


_OTHERS = (
    TimeSeriesSplit(3),
    ShuffleSplit(2, random_state=0),
    RepeatedKFold(n_splits=2, n_repeats=2, random_state=0),
)


@tool(
    "TimeSeriesSplit / ShuffleSplit / RepeatedKFold",
    want=lambda c: [folds(c, cv=cv) for cv in _OTHERS],
)
def _(c, model, X):
    return [cross_val_score(model, X, c.y, cv=cv, error_score="raise") for cv in _OTHERS]


@tool("splitter.split(X, y) itself", want=lambda c: [test for _, test in CV.split(NUMBERS)])
def _(c, model, X):
    return [test for _, test in CV.split(X, c.y)]


# ---- thresholds ----


@tool("TunedThresholdClassifierCV", ("clf",))
def _(c, model, X):
    tuned = TunedThresholdClassifierCV(model, cv=3, random_state=0).fit(X, c.binary)
    return [tuned.best_threshold_, tuned.best_score_, tuned.predict(X)]


def _above(c):
    return np.where(c.fitted(y=c.binary).predict_proba(c.X)[:, 1] >= 0.3, "yes", "no")


@tool("FixedThresholdClassifier", ("clf",), want=_above)
def _(c, model, X):
    fixed = FixedThresholdClassifier(model, threshold=0.3, pos_label="yes")
    return fixed.fit(X, c.binary).predict(X)


# ---- other forms of y with one target per step ----

FORMS = {
    "array": (np.array, EQUAL),
    "objects": (objects, None),
    "nested": (lambda y: [value.tolist() for value in y], None),
}


def _form_tools(form, make, carriers):
    options = {"modes": PER_STEP, **({} if carriers is None else {"carriers": carriers})}

    def arrays(use):
        """The documented way: a list of arrays in place of nested lists of labels."""
        return {"arrays": lambda c: use(c, c.rnn(), c.X, c.y)} if form == "nested" else {}

    def cv(c, model, X, y=None):
        return cross_val_score(model, X, make(c.y) if y is None else y, cv=3, error_score="raise")

    def search(c, model, X, y=None):
        found = GridSearchCV(model, GRID, cv=3, error_score="raise")
        y = make(c.y) if y is None else y
        return found.fit(X, y).cv_results_["mean_test_score"]

    def halves(c, model, X, y=None):
        parts = train_test_split(X, make(c.y) if y is None else y, random_state=0)
        return model.fit(parts[0], parts[2]).score(parts[1], parts[3])

    def of_halves(c):
        train, test = train_test_split(NUMBERS, random_state=0)
        return c.fitted(train).score(take(c.X, test), take(c.y, test))

    tool(f"cross_val_score(cv=3), y: {form}", want=folds, **options, **arrays(cv))(cv)
    means = lambda c: of_sizes(c)[0]  # noqa: E731
    tool(f"GridSearchCV(cv=3), y: {form}", want=means, **options, **arrays(search))(search)
    tool(f"train_test_split, fit, score, y: {form}", want=of_halves, **options, **arrays(halves))(
        halves
    )


for _form, (_make, _carriers) in FORMS.items():
    _form_tools(_form, _make, _carriers)
