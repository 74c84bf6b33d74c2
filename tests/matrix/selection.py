"""Cells of `sklearn.model_selection`."""

import numpy as np
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score, make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_rnn.metrics import sequence_accuracy, step_accuracy, step_r2
from sklearn_rnn.model_selection import step_cross_val_predict
from sklearn_rnn.preprocessing import SequenceScaler

from .case import MODES, N, flat, objects, take
from .tools import tool

CV = KFold(3)
RAISE = {"cv": CV, "error_score": "raise"}
CLASSIFY = ("clf", "tag")
METRICS = {"clf": accuracy_score, "reg": r2_score, "tag": step_accuracy, "seqreg": step_r2}
NUMBERS = np.arange(N)


def folds(c, score=None, y=None, cv=CV):
    """Return the score of each fold, by a loop; score(model, X, y)."""
    y = c.y if y is None else y
    scores = []
    for train, test in cv.split(NUMBERS):
        model = c.fitted(train, y)
        measure = type(model).score if score is None else score
        scores.append(measure(model, take(c.X, test), take(y, test)))
    return scores


def of_predictions(metric):
    return lambda model, X, y: metric(y, model.predict(X))


@tool("train_test_split")
def _(c, model, X):
    parts = train_test_split(X, c.y, random_state=0)
    model.fit(parts[0], parts[2])
    return model.score(parts[1], parts[3])


@tool("train_test_split(stratify=y)", ("clf",))
def _(c, model, X):
    parts = train_test_split(X, c.y, random_state=0, stratify=c.y)
    return model.fit(parts[0], parts[2]).predict(parts[1])


@tool("clone, set_params, get_params", want=lambda c: ["lstm", False, False])
def _(c, model, X):
    pipe = make_pipeline(SequenceScaler(), model).fit(X, c.y)
    name = pipe.steps[-1][0]
    pipe.set_params(**{f"{name}__cell": "lstm", "sequencescaler__with_mean": False})
    twin = clone(pipe)
    return [twin.get_params()[f"{name}__cell"], twin[0].with_mean, hasattr(twin[-1], "params_")]


@tool("cross_val_score", want=folds)
def _(c, model, X):
    return cross_val_score(model, X, c.y, cv=CV)


@tool(
    "cross_val_score(cv=3)",
    want=lambda c: folds(c, cv=WithTargets(StratifiedKFold(3), c.y) if c.mode == "clf" else CV),
)
def _(c, model, X):
    return cross_val_score(model, X, c.y, cv=3)


class WithTargets:
    """A splitter that knows y."""

    def __init__(self, splitter, y, groups=None):
        self.facts = splitter, y, groups

    def split(self, X):
        splitter, y, groups = self.facts
        return splitter.split(X, y, groups)


@tool("make_scorer(our metric)", want=lambda c: folds(c, of_predictions(METRICS[c.mode])))
def _(c, model, X):
    return cross_val_score(model, X, c.y, scoring=make_scorer(METRICS[c.mode]), **RAISE)


@tool(
    "make_scorer(sequence_accuracy)",
    ("tag",),
    want=lambda c: folds(
        c, lambda m, X, y: np.mean([(a == b).all() for a, b in zip(y, m.predict(X), strict=True)])
    ),
)
def _(c, model, X):
    return cross_val_score(model, X, c.y, scoring=make_scorer(sequence_accuracy), **RAISE)


def _of_two_scorers(c):
    own = folds(c, of_predictions(METRICS[c.mode]))
    return [own, 2 * np.array(own)]


@tool("cross_validate(several scorers, return_estimator)", want=_of_two_scorers)
def _(c, model, X):
    metric = METRICS[c.mode]
    two = {"one": make_scorer(metric), "two": make_scorer(lambda a, b: 2 * metric(a, b))}
    out = cross_validate(model, X, c.y, scoring=two, return_estimator=True, **RAISE)
    assert len(out["estimator"]) == 3
    return [out["test_one"], out["test_two"]]


def predictions(method):
    """Predict each fold by hand."""

    def loop(c):
        parts = np.empty(N, dtype=object)
        for train, test in CV.split(NUMBERS):
            for i, row in zip(test, getattr(c.fitted(train), method)(take(c.X, test)), strict=True):
                parts[i] = row
        return list(parts)

    return loop


for _method, _modes in [
    ("predict", MODES),
    ("predict_proba", CLASSIFY),
    ("predict_log_proba", CLASSIFY),
]:

    @tool(
        f"cross_val_predict({_method})",
        _modes,
        want=predictions(_method),
        folds=lambda c, method=_method: list(
            step_cross_val_predict(c.rnn(), c.X, c.y, cv=CV, method=method)
        ),
    )
    def _(c, model, X, method=_method):
        return list(cross_val_predict(model, X, c.y, cv=CV, method=method))


# ---- searches ----

SIZES = [2, 5]
GRID = {"hidden_layer_sizes": SIZES}


def of_sizes(c, score=None, y=None):
    """Return the mean score of each size, and the predictions of the best."""
    means, y = [], c.y if y is None else y
    for size in SIZES:
        scores = []
        for train, test in CV.split(NUMBERS):
            model = c.rnn(hidden_layer_sizes=size).fit(take(c.X, train), take(y, train))
            scores.append((score or type(model).score)(model, take(c.X, test), take(y, test)))
        means.append(np.mean(scores))
    best = c.rnn(hidden_layer_sizes=SIZES[int(np.argmax(means))]).fit(c.X, y)
    return [means, best.predict(c.X)]


@tool("GridSearchCV", want=of_sizes)
def _(c, model, X):
    search = GridSearchCV(model, GRID, **RAISE).fit(X, c.y)
    return [search.cv_results_["mean_test_score"], search.predict(X)]


def _negated(c):
    means, predicted = of_sizes(c)
    return [means, -np.array(means), predicted]


@tool("GridSearchCV(several scorers, refit)", want=_negated)
def _(c, model, X):
    metric = METRICS[c.mode]
    scoring = {"own": make_scorer(metric), "minus": make_scorer(metric, greater_is_better=False)}
    search = GridSearchCV(model, GRID, scoring=scoring, refit="own", **RAISE).fit(X, c.y)
    results = search.cv_results_
    return [results["mean_test_own"], results["mean_test_minus"], search.predict(X)]


def _scaled_sizes(c):
    means = []
    for size in SIZES:
        scores = []
        for train, test in CV.split(NUMBERS):
            scaler = SequenceScaler().fit(take(c.X, train))
            seen = scaler.transform(take(c.X, train))
            model = c.rnn(hidden_layer_sizes=size).fit(seen, take(c.y, train))
            scores.append(model.score(scaler.transform(take(c.X, test)), take(c.y, test)))
        means.append(np.mean(scores))
    return means


@tool("GridSearchCV of a Pipeline with SequenceScaler", want=_scaled_sizes)
def _(c, model, X):
    pipe = Pipeline([("scale", SequenceScaler()), ("rnn", model)])
    grid = {"rnn__hidden_layer_sizes": SIZES, "scale__with_mean": [True]}
    return GridSearchCV(pipe, grid, **RAISE).fit(X, c.y).cv_results_["mean_test_score"]


def _sorted_sizes(c):
    means, predicted = of_sizes(c)
    return [np.sort(means), predicted]


@tool("RandomizedSearchCV", want=_sorted_sizes)
def _(c, model, X):
    search = RandomizedSearchCV(model, GRID, n_iter=2, random_state=0, **RAISE).fit(X, c.y)
    return [np.sort(search.cv_results_["mean_test_score"]), search.predict(X)]


def _prefix(model):
    return "rnn__" if hasattr(model, "rnn") else ""


@tool("HalvingGridSearchCV(resource=n_samples)")
def _(c, model, X):
    grid = {f"{_prefix(model)}hidden_layer_sizes": SIZES}
    options = {"min_resources": 15, "factor": 2, "random_state": 0}
    search = HalvingGridSearchCV(model, grid, **options, **RAISE).fit(X, c.y)
    return [search.cv_results_["mean_test_score"], search.predict(X)]


@tool("HalvingRandomSearchCV(resource=max_iter)")
def _(c, model, X):
    name = _prefix(model)
    search = HalvingRandomSearchCV(
        model,
        {f"{name}hidden_layer_sizes": SIZES},
        n_candidates=2,
        resource=f"{name}max_iter",
        max_resources=4,
        min_resources=2,
        factor=2,
        random_state=0,
        **RAISE,
    ).fit(X, c.y)
    return [search.cv_results_["mean_test_score"], search.predict(X)]


# ---- curves ----


@tool("learning_curve")
def _(c, model, X):
    options = {"train_sizes": [0.5, 1.0], "shuffle": True, "random_state": 0}
    return learning_curve(model, X, c.y, **options, **RAISE)[:3]


def increments(c):
    """Return scores (n_sizes, n_folds) of `partial_fit` with 10 sequences, then 10 more."""
    classes = {"classes": np.unique(flat(c.y))} if c.classifies else {}
    columns = []
    for train, test in CV.split(NUMBERS):
        model, column = c.rnn(), []
        for part in (train[:10], train[10:20]):
            model.partial_fit(take(c.X, part), take(c.y, part), **classes)
            column.append(model.score(take(c.X, test), take(c.y, test)))
        columns.append(column)
    return np.array(columns).T


@tool("learning_curve(exploit_incremental_learning)", want=increments, loop=increments)
def _(c, model, X):
    options = {"train_sizes": [10, 20], "exploit_incremental_learning": True}
    return learning_curve(model, X, c.y, **options, **RAISE)[2]


@tool("validation_curve")
def _(c, model, X):
    options = {"param_name": f"{_prefix(model)}max_iter", "param_range": [1, 3]}
    return validation_curve(model, X, c.y, **options, **RAISE)


def _permuted(c, groups=None):
    """The score, those of 3 permutations of y, and the p-value."""
    rng, y = np.random.RandomState(0), objects(list(c.y)) if c.per_step else c.y
    scores = []
    for _ in range(3):
        order = np.arange(N)
        if groups is None:
            order = rng.permutation(N)
        else:
            for length in np.unique(groups):
                here = np.asarray(groups) == length
                order[here] = rng.permutation(order[here])
        scores.append(np.mean(folds(c, y=take(y, order))))
    score = np.mean(folds(c))
    return [score, scores, (np.sum(np.array(scores) >= score) + 1) / 4]


def _of_ragged(c):
    return c.per_step and not c.equal


@tool(
    "permutation_test_score",
    want=lambda c: _permuted(c, c.lengths if _of_ragged(c) else None),
    groups=lambda c: (
        list(permutation_test_score(c.rnn(), c.X, objects(c.y), groups=c.lengths, **_FEW))
        if _of_ragged(c)
        else NotImplemented
    ),
)
def _(c, model, X):
    return list(permutation_test_score(model, X, c.y, **_FEW))


_FEW = {"cv": CV, "n_permutations": 3, "random_state": 0}
