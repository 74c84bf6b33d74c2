"""Cells of inspection, selection of features, and transformers."""

import os
import tempfile

import joblib
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_rnn.inspection import feature_importances
from sklearn_rnn.preprocessing import SequenceScaler, to_nested

from .case import ONE, F, N, make_X, objects
from .tools import tool

# ---- inspection ----


def _cut(c):
    """A table for scikit-learn, and y: nested sequences are cut to the length of the shortest."""
    if c.is_table or c.equal:
        return c.table, c.y
    n = min(c.lengths)
    y = [value[:n] for value in c.y] if c.per_step else c.y
    return to_nested([x[:n] for x in c.sequences], columns=getattr(c.table, "columns", None)), y


def _permuted_columns(c):
    """The loss of score if a column is permuted: a step of a table, or a feature otherwise."""
    model = c.rnn().fit(c.X, c.y)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max + 1)
    table, y = _cut(c)
    base = model.score(table, y)
    names = list(table.columns) if hasattr(table, "columns") else range(table.shape[1])
    rows = []
    for name in names:
        rng, order, row = np.random.RandomState(seed), np.arange(N), []
        changed = table.copy() if not hasattr(table, "clone") else table.clone()
        for _ in range(2):
            rng.shuffle(order)
            changed = _with_column(changed, name, order)
            row.append(base - model.score(changed, y))
        rows.append(row)
    return rows


def _with_column(table, name, order):
    """Return a table, one of whose columns has its cells in this order."""
    if hasattr(table, "with_columns"):
        return table.with_columns(table[name][order.tolist()].alias(name))
    table = table.copy()
    if hasattr(table, "iloc"):
        table[name] = table[name].iloc[order].set_axis(table.index)
    else:
        table[:, name] = table[order, name]
    return table


def _importance(c, model, X):
    model.fit(X, c.y)
    return permutation_importance(model, X, c.y, n_repeats=2, random_state=0)["importances"]


def _importance_of_features(c):
    """Cells of a nested table move as wholes, which needs sequences of one length."""
    model = c.rnn().fit(c.X, c.y)
    return permutation_importance(model, *_cut(c), n_repeats=2, random_state=0)["importances"]


tool("permutation_importance", want=_permuted_columns, table=_importance_of_features)(_importance)


def _dependence_by_hand(c, values=(-1.0, 0.0, 1.0)):
    """The mean prediction if the second column, or feature, has a value at every step."""
    model, means = c.rnn().fit(c.X, c.y), []
    for value in values:
        if c.is_table:
            changed = _filled(c.X, 1, value)
        else:
            changed = [x.copy() for x in c.sequences]
            for x in changed:
                x[:, min(1, x.shape[1] - 1)] = value
        predicted = model.predict_proba(changed) if c.classifies else model.predict(changed)
        if c.per_step:
            predicted = [np.mean(steps, axis=0) for steps in predicted]
        means.append(np.mean(predicted, axis=0))
    return means


def _filled(table, column, value):
    values = np.array(table, dtype=float)
    values[:, column] = value
    if hasattr(table, "columns"):
        return type(table)(dict(zip(table.columns, values.T, strict=True)))
    return values


def _dependence(c, model, X):
    options = {"response_method": "predict_proba"} if c.classifies else {}
    grid = {1: np.array([-1.0, 0.0, 1.0])}
    result = partial_dependence(
        model.fit(X, c.y), X, [1], custom_values=grid, method="brute", **options
    )
    return list(np.moveaxis(result["average"], -1, 0))


def _mean_of_samples(c):
    """What partial_dependence of a table is: means over samples."""
    if not c.is_table:
        return _dependence_by_hand(c)
    model, means = c.rnn().fit(c.X, c.y), []
    for value in (-1.0, 0.0, 1.0):
        changed = _filled(c.X, 1, value)
        predicted = model.predict_proba(changed) if c.classifies else model.predict(changed)
        means.append(np.atleast_1d(np.mean(predicted, axis=0)))
    return means


tool("partial_dependence", want=_mean_of_samples, loop=_mean_of_samples)(_dependence)


# ---- selection of features ----


def _n_selected(c):
    return min(2, F if not c.is_table and c.carrier != "list1d" else 2) - (c.carrier == "list1d")


@tool(
    "RFE",
    ONE,
    want=_n_selected,
    table=lambda c: (
        NotImplemented
        if c.is_table
        else RFE(
            c.rnn(), n_features_to_select=_n_selected(c), importance_getter=feature_importances
        )
        .fit(c.table, c.y)
        .support_.sum()
    ),
    selector=lambda c: (
        SequentialFeatureSelector(c.rnn(), n_features_to_select=2, cv=3)
        .fit(c.X, c.y)
        .get_support()
        .sum()
        if c.is_table
        else NotImplemented
    ),
)
def _(c, model, X):
    return RFE(model, n_features_to_select=_n_selected(c)).fit(X, c.y).support_.sum()


def _sequential(c, model, X):
    """It selects fewer features than there are: 1 of 2, or 2 of the steps of a table."""
    n = 2 if c.is_table else 1
    selector = SequentialFeatureSelector(model, n_features_to_select=n, cv=3).fit(X, c.y)
    return selector.get_support().sum() / n


def _of_one_feature(c):
    """With one feature there is nothing to select."""
    if c.carrier == "list1d":
        return NotImplemented
    return _sequential(c, c.rnn(), c.table)


tool("SequentialFeatureSelector", ONE, want=lambda c: 1.0, table=_of_one_feature)(_sequential)

# ---- pipelines ----


def _all_steps(c):
    return np.concatenate([x for x in c.sequences])


def _scaled(c):
    steps = _all_steps(c)
    mean, scale = steps.mean(axis=0), steps.std(axis=0)
    Z = [(x - mean) / scale for x in c.sequences]
    return (mean, scale), np.array(Z)[:, :, 0] if c.is_table else Z


def _of_scaler(c):
    (mean, scale), Z = _scaled(c)
    model = c.rnn().fit(Z, c.y)
    return [mean, scale, list(model.predict(Z))]


@tool("Pipeline(SequenceScaler, RNN)", want=_of_scaler)
def _(c, model, X):
    pipe = make_pipeline(SequenceScaler(), model).fit(X, c.y)
    return [pipe[0].mean_, pipe[0].scale_, list(pipe.predict(X))]


def _of_standard_scaler(c):
    if c.is_table:  # each step by itself
        values = np.array(c.X, dtype=float)
        Z = (values - values.mean(axis=0)) / values.std(axis=0)
    else:
        Z = _scaled(c)[1]
    return list(c.rnn().fit(Z, c.y).predict(Z))


def _per_step(c):
    from sklearn_rnn.preprocessing import PerStep

    return list(make_pipeline(PerStep(StandardScaler()), c.rnn()).fit(c.X, c.y).predict(c.X))


@tool("Pipeline(StandardScaler, RNN)", want=_of_standard_scaler, per_step=_per_step)
def _(c, model, X):
    return list(make_pipeline(StandardScaler(), model).fit(X, c.y).predict(X))


def doubled(X):
    if isinstance(X, list):
        return [2 * x for x in X]
    return objects([2 * x for x in X]) if getattr(X, "ndim", 2) == 1 else X * 2


@tool(
    "Pipeline(FunctionTransformer, RNN)",
    want=lambda c: list(c.rnn().fit(doubled(c.X), c.y).predict(doubled(c.X))),
)
def _(c, model, X):
    return list(make_pipeline(FunctionTransformer(doubled), model).fit(X, c.y).predict(X))


def _both(c, Z, mean, scale):
    return [np.column_stack([(x - mean) / scale, x / scale]) for x in Z]


def _of_union(c):
    steps = _all_steps(c)
    mean, scale = steps.mean(axis=0), steps.std(axis=0)
    if c.is_table and not c.per_step:  # more steps, as scikit-learn means it
        values = np.array(c.X, dtype=float)
        Z = np.hstack([(values - mean) / scale, values / scale])
    else:
        Z = _both(c, c.sequences, mean, scale)
    return list(c.rnn().fit(Z, c.y).predict(Z))


def _union():
    return FeatureUnion([("a", SequenceScaler()), ("b", SequenceScaler(with_mean=False))])


@tool(
    "FeatureUnion of SequenceScalers",
    want=_of_union,
    table=lambda c: list(make_pipeline(_union(), c.rnn()).fit(c.channels, c.y).predict(c.channels)),
)
def _(c, model, X):
    return list(make_pipeline(_union(), model).fit(X, c.y).predict(X))


def _of_columns(c):
    if c.is_table:
        Z = np.array(c.X, dtype=float)
        Z[:, 0] = (Z[:, 0] - Z[:, 0].mean()) / Z[:, 0].std()
    else:
        first = _all_steps(c)[:, 0]
        Z = [x.copy() for x in c.sequences]
        for x in Z:
            x[:, 0] = (x[:, 0] - first.mean()) / first.std()
    return list(c.rnn().fit(Z, c.y).predict(Z))


def _columns(c, model, X):
    columns = ColumnTransformer([("a", SequenceScaler(), [0])], remainder="passthrough")
    return list(make_pipeline(columns, model).fit(X, c.y).predict(X))


tool(
    "ColumnTransformer (one feature scaled, others as they are)",
    want=_of_columns,
    table=lambda c: _columns(c, c.rnn(), c.table),
)(_columns)


@tool(
    "Pipeline(memory=)",
    want=lambda c: [make_pipeline(SequenceScaler(), c.rnn()).fit(c.X, c.y).predict(c.X), 1],
)
def _(c, model, X):
    with tempfile.TemporaryDirectory() as folder:
        steps = [("scale", SequenceScaler()), ("rnn", model)]
        pipe = Pipeline(steps, memory=joblib.Memory(folder, verbose=0))
        pipe.fit(X, c.y)
        predicted = pipe.fit(make_X(c.carrier), c.y).predict(X)  # equal X, another object
        count = sum("output.pkl" in files for _, _, files in os.walk(folder))
    return [predicted, count]
