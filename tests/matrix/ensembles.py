"""Cells of estimators that fit other estimators."""

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_rnn.preprocessing import SequenceScaler

from .case import TABLES, N, flat
from .scores import CLASSIFY, REGRESS
from .tools import tool

FEW = {"n_estimators": 2, "random_state": 0}


@tool("FrozenEstimator", want=lambda c: [c.fitted().predict(c.X), c.fitted().score(c.X, c.y)])
def _(c, model, X):
    frozen = FrozenEstimator(model.fit(X, c.y))
    return [frozen.fit(X, c.y).predict(X), clone(frozen).score(X, c.y)]


# ---- calibration ----


@tool("CalibratedClassifierCV", CLASSIFY)
def _(c, model, X):
    return CalibratedClassifierCV(model, cv=3).fit(X, c.y).predict_proba(X)


@tool("CalibratedClassifierCV(FrozenEstimator)", CLASSIFY)
def _(c, model, X):
    frozen = FrozenEstimator(model.fit(X, c.y))
    return CalibratedClassifierCV(frozen, method="isotonic").fit(X, c.y).predict_proba(X)


@tool("CalibratedClassifierCV(temperature)", CLASSIFY)
def _(c, model, X):
    calibrated = CalibratedClassifierCV(model, cv=3, method="temperature", ensemble=False)
    return calibrated.fit(X, c.y).predict_proba(X)


# ---- votes ----


def two(model):
    name = "rnn__random_state" if hasattr(model, "rnn") else "random_state"
    return [("a", model), ("b", clone(model).set_params(**{name: 1}))]


def _fitted_two(c):
    return [each.fit(c.X, c.y) for _, each in two(c.rnn())]


def soft(c):
    """The mean of what two networks predict, as docs/carriers.md has it for steps."""
    method = "predict_proba" if c.classifies else "predict"
    a, b = (getattr(each, method)(c.X) for each in _fitted_two(c))
    return list((a + b) / 2)


def hard(c):
    """What most networks predict; of equally many the first in order."""
    a, b = (each.predict(c.X) for each in _fitted_two(c))
    return [np.minimum(p.astype(object), q.astype(object)) for p, q in zip(a, b, strict=True)]


def _of_steps(use):
    return lambda c: use(c) if c.per_step else NotImplemented


def soft_by_loop(c):
    a, b = _fitted_two(c)
    method = "predict_proba" if c.classifies else "predict"
    pairs = zip(getattr(a, method)(c.X), getattr(b, method)(c.X), strict=True)
    return [np.mean(pair, axis=0) for pair in pairs]


def hard_by_loop(c):
    results = []
    for pair in zip(*(each.predict(c.X) for each in _fitted_two(c)), strict=True):
        labels = np.unique(pair)
        counts = [(np.array(pair) == label).sum(axis=0) for label in labels]
        results.append(labels[np.argmax(counts, axis=0)])
    return results


def _names(values):
    return [np.asarray(value).astype(str) for value in values]


@tool("VotingClassifier(soft)", CLASSIFY, want=soft, loop=_of_steps(soft_by_loop))
def _(c, model, X):
    return list(VotingClassifier(two(model), voting="soft").fit(X, c.y).predict_proba(X))


@tool(
    "VotingClassifier(hard)",
    CLASSIFY,
    want=lambda c: _names(hard(c) if c.per_step else _votes(c)),
    loop=_of_steps(lambda c: _names(hard_by_loop(c))),
)
def _(c, model, X):
    return _names(VotingClassifier(two(model), voting="hard").fit(X, c.y).predict(X))


def _votes(c):
    a, b = (each.predict(c.X) for each in _fitted_two(c))
    return np.minimum(a.astype(object), b.astype(object))


@tool("VotingRegressor", REGRESS, want=soft, loop=_of_steps(soft_by_loop))
def _(c, model, X):
    return list(VotingRegressor(two(model)).fit(X, c.y).predict(X))


@tool("StackingClassifier", CLASSIFY)
def _(c, model, X):
    stack = StackingClassifier(two(model), LogisticRegression(), cv=3)
    return stack.fit(X, c.y).predict_proba(X)


def _with_steps(c):
    """Stacking by hand, with the columns of X behind the probabilities."""
    members = [each for _, each in two(c.lookup())]
    seen = [cross_val_predict(m, c.index, c.y, cv=3, method="predict_proba") for m in members]
    final = LogisticRegression().fit(np.hstack([*seen, np.asarray(c.X)]), c.y)
    whole = [m.fit(c.index, c.y).predict_proba(c.index) for m in members]
    return final.predict_proba(np.hstack([*whole, np.asarray(c.X)]))


@tool("StackingClassifier(passthrough)", CLASSIFY, want=_with_steps)
def _(c, model, X):
    stack = StackingClassifier(two(model), LogisticRegression(), cv=3, passthrough=True)
    return stack.fit(X, c.y).predict_proba(X)


@tool("StackingRegressor", REGRESS)
def _(c, model, X):
    return StackingRegressor(two(model), Ridge(), cv=3).fit(X, c.y).predict(X)


# ---- bagging and boosting ----


@tool("BaggingClassifier", CLASSIFY, table=True, index=True)
def _(c, model, X):
    return BaggingClassifier(model, **FEW).fit(X, c.y).predict_proba(X)


@tool("BaggingRegressor", REGRESS, table=True, index=True)
def _(c, model, X):
    return BaggingRegressor(model, **FEW).fit(X, c.y).predict(X)


def _drawn(c, X):
    options = {"n_estimators": 3, "max_features": 0.5, "random_state": 0}
    return BaggingClassifier(c.rnn(), **options).fit(X, c.y)


@tool(
    "BaggingClassifier(max_features=0.5) keeps the order of steps",
    ("clf",),
    TABLES,
    want=lambda c: True,
    # The only feature of these sequences: all their steps, in order.
    table=lambda c: all(f.tolist() == [0] for f in _drawn(c, c.channels).estimators_features_),
)
def _(c, model, X):
    return all((np.diff(f) > 0).all() for f in _drawn(c, X).estimators_features_)


@tool("AdaBoostClassifier", CLASSIFY, table=True, index=True)
def _(c, model, X):
    return AdaBoostClassifier(model, **FEW).fit(X, c.y).predict_proba(X)


@tool("AdaBoostRegressor", REGRESS, table=True, index=True)
def _(c, model, X):
    return AdaBoostRegressor(model, **FEW).fit(X, c.y).predict(X)


# ---- several classes, several targets ----


@tool("OneVsRestClassifier", CLASSIFY)
def _(c, model, X):
    return OneVsRestClassifier(model).fit(X, c.y).predict_proba(X)


@tool("OneVsOneClassifier", CLASSIFY, table=True, index=True)
def _(c, model, X):
    return OneVsOneClassifier(model).fit(X, c.y).predict(X)


@tool("OutputCodeClassifier", ("clf",), table=True, index=True)
def _(c, model, X):
    return OutputCodeClassifier(model, random_state=0).fit(X, c.y).predict(X)


def labels_of(c):
    return np.column_stack([np.arange(N) % 2, np.arange(N) % 3 > 0]).astype(int)


def numbers_of(c):
    return np.column_stack([c.y, -(c.y**2)])


@tool("MultiOutputClassifier", ("clf",))
def _(c, model, X):
    return MultiOutputClassifier(model).fit(X, np.column_stack([c.y, c.binary])).predict(X)


@tool("MultiOutputRegressor", ("reg",))
def _(c, model, X):
    return MultiOutputRegressor(model).fit(X, numbers_of(c)).predict(X)


@tool("y of several columns, as it is", ("reg",))
def _(c, model, X):
    return model.fit(X, numbers_of(c)).predict(X)


@tool("y of several labels (multilabel), as it is", ("clf",))
def _(c, model, X):
    return model.fit(X, labels_of(c)).predict(X)


@tool("ClassifierChain", ("clf",), want=lambda c: (N, 2), table=True, index=True)
def _(c, model, X):
    return ClassifierChain(model).fit(X, labels_of(c)).predict(X).shape


@tool("RegressorChain", ("reg",), want=lambda c: (N, 2), table=True, index=True)
def _(c, model, X):
    return RegressorChain(model).fit(X, numbers_of(c)).predict(X).shape


def cube(y):
    return np.sign(y) * np.abs(y) ** 3


def _cubed(c):
    """Transform y by hand, and the predictions back."""
    y = [np.cbrt(value) for value in c.y] if c.per_step else np.cbrt(c.y)
    return [cube(predicted) for predicted in c.rnn().fit(c.X, y).predict(c.X)]


@tool("TransformedTargetRegressor(func)", REGRESS, want=_cubed, loop=_of_steps(_cubed))
def _(c, model, X):
    inverse = TransformedTargetRegressor(model, func=np.cbrt, inverse_func=cube)
    return list(inverse.fit(X, c.y).predict(X))


def _standardised(c):
    axis = 0 if c.per_step and c.equal else None  # several columns: each for itself
    values = np.array(c.y) if axis == 0 else flat(c.y)
    mean, scale = values.mean(axis=axis), values.std(axis=axis)
    y = [(value - mean) / scale for value in c.y]
    predicted = c.rnn().fit(c.X, y if c.per_step else np.array(y)).predict(c.X)
    return [scale * p + mean for p in predicted]


def _by_scaler(c):
    """A list of targets per step is a list of sequences."""
    if not c.per_step or c.equal:
        return NotImplemented
    scaler = SequenceScaler()
    model = c.rnn().fit(c.X, scaler.fit_transform(c.y))
    return list(scaler.inverse_transform(list(model.predict(c.X))))


@tool("TransformedTargetRegressor(StandardScaler)", REGRESS, want=_standardised, scaler=_by_scaler)
def _(c, model, X):
    scaled = TransformedTargetRegressor(model, transformer=StandardScaler())
    return list(scaled.fit(X, c.y).predict(X))


@tool("SelfTrainingClassifier", ("clf",), table=True, index=True)
def _(c, model, X):
    y = np.arange(N) % 3
    y[::4] = -1
    return SelfTrainingClassifier(model, threshold=0.4).fit(X, y).predict_proba(X)
