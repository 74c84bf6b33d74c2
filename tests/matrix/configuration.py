"""Cells of parallel work, metadata routing, outputs, callbacks, and packages nearby."""

import contextlib
import io
import os
import pickle
import warnings

import joblib
import numpy as np
import sklearn
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import estimator_html_repr, get_tags

from sklearn_rnn.preprocessing import SequenceScaler

from .case import ONE, PER_STEP, TABLES, F, N, T, take
from .selection import CV, GRID, METRICS, RAISE, folds, of_sizes
from .tools import tool

NAMED = ("pandas", "polars", "frames")
routing = {"enable_metadata_routing": True}


@tool("n_jobs=2, loky", want=lambda c: [folds(c), of_sizes(c)[0]])
def _(c, model, X):
    scores = cross_val_score(model, X, c.y, n_jobs=2, **RAISE)
    search = GridSearchCV(model, GRID, n_jobs=2, **RAISE).fit(X, c.y)
    return [scores, search.cv_results_["mean_test_score"]]


@tool("n_jobs=2, threading", want=folds)
def _(c, model, X):
    with joblib.parallel_config("threading", n_jobs=2):
        return cross_val_score(model, X, c.y, **RAISE)


@tool("pickle, joblib.dump", want=lambda c: [c.fitted().predict(c.X)] * 2)
def _(c, model, X):
    file = io.BytesIO()
    joblib.dump(model.fit(X, c.y), file)
    file.seek(0)
    return [pickle.loads(pickle.dumps(model)).predict(X), joblib.load(file).predict(X)]


# ---- metadata routing ----

WEIGHTS = np.linspace(0, 2, N)


def _weights_per_step(c):
    rng = np.random.default_rng(0)
    return [rng.random(n) for n in c.lengths]


def _weighted(weights):
    def loop(c):
        scores, w = [], weights(c)
        for train, test in CV.split(np.arange(N)):
            model = c.rnn().fit(take(c.X, train), take(c.y, train), take(w, train))
            scores.append(model.score(take(c.X, test), take(c.y, test), take(w, test)))
        return scores

    return loop


for _name, _weights, _modes in [
    ("sample_weight", lambda c: WEIGHTS, (*ONE, *PER_STEP)),
    ("weights per step, a list", _weights_per_step, PER_STEP),
]:

    @tool(f"metadata routing: {_name}", _modes, want=_weighted(_weights))
    def _(c, model, X, weights=_weights):
        with sklearn.config_context(**routing):
            model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            params = {"sample_weight": weights(c)}
            return cross_validate(model, X, c.y, params=params, **RAISE)["test_score"]


def _parts(c):
    train, val = np.arange(20), np.arange(20, N)
    return [take(values, part) for part in (train, val) for values in (c.X, c.y)]


def _validated(c):
    X, y, X_val, y_val = _parts(c)
    scaler = SequenceScaler().fit(X)
    model = c.rnn(early_stopping=True)
    model.fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    return model.validation_scores_


@tool("metadata routing: X_val through a Pipeline", want=_validated)
def _(c, model, X):
    X, y, X_val, y_val = _parts(c)
    with sklearn.config_context(**routing):
        model.set_params(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipe = Pipeline([("scale", SequenceScaler()), ("rnn", model)], transform_input=["X_val"])
        pipe.fit(X, y, X_val=X_val, y_val=y_val)
    return pipe[-1].validation_scores_


def _scaled_and_weighted(c):
    Z = SequenceScaler().fit_transform(c.X)
    return c.rnn().fit(Z, c.y, WEIGHTS).predict(Z)


@tool("fit params through a Pipeline (rnn__sample_weight)", want=_scaled_and_weighted)
def _(c, model, X):
    pipe = Pipeline([("scale", SequenceScaler()), ("rnn", model)])
    return pipe.fit(X, c.y, rnn__sample_weight=WEIGHTS).predict(X)


# ---- outputs ----

for _library in ("pandas", "polars"):

    @tool(
        f"set_output({_library}) in a Pipeline",
        want=lambda c: make_pipeline(SequenceScaler(), c.rnn()).fit(c.X, c.y).predict(c.X),
    )
    def _(c, model, X, library=_library):
        with sklearn.config_context(transform_output=library):
            pipe = make_pipeline(SequenceScaler(), model).fit(X, c.y)
            assert (
                not c.is_table
                or c.carrier == "2d"
                or list(pipe[0].transform(X).columns) == list(X.columns)
            )
            return pipe.predict(X)


def names_of_columns(c):
    if c.carrier in TABLES:
        return [f"x{i}" if c.carrier == "2d" else f"t{i}" for i in range(T)]
    if c.carrier == "frames" or c.carrier in ("nested pandas", "nested polars"):
        return ["a", "b"]
    return [f"x{i}" for i in range(1 if c.carrier == "list1d" else F)]


def _columns_of(Z):
    frame = Z if hasattr(Z, "columns") else Z[0]
    return [str(name) for name in frame.columns]


@tool("SequenceScaler().set_output(transform='pandas')", ("clf",), want=names_of_columns)
def _(c, model, X):
    return _columns_of(SequenceScaler().set_output(transform="pandas").fit_transform(X))


@tool("SequenceScaler.get_feature_names_out", ("clf",), want=names_of_columns)
def _(c, model, X):
    return list(map(str, SequenceScaler().fit(X).get_feature_names_out()))


def _kinds(X):
    first = X[0] if isinstance(X, list) else None
    return [type(X).__name__, type(first).__name__]


@tool(
    "SequenceScaler keeps the carrier",
    ("clf",),
    # Of frames that hold numbers come arrays, as from StandardScaler.
    want=lambda c: (
        ["ndarray", "NoneType"]
        if c.carrier in ("pandas", "polars")
        else ["list", "ndarray"]
        if c.carrier == "frames"
        else _kinds(c.X)
    ),
)
def _(c, model, X):
    return _kinds(SequenceScaler().fit_transform(X))


def _renamed(c):
    if c.carrier == "frames":
        return [x.rename(columns={"a": "z"}) for x in c.X]
    old = c.X.columns[0]
    return c.X.rename(columns={old: "z"}) if hasattr(c.X, "iloc") else c.X.rename({old: "z"})


@tool("other column names at predict", ONE, NAMED, want=lambda c: True)
def _(c, model, X):
    try:
        model.fit(X, c.y).predict(_renamed(c))
    except ValueError as error:
        return "z" in str(error)
    return False


@tool("array instead of frame at predict warns", ONE, NAMED, want=lambda c: True)
def _(c, model, X):
    arrays = np.asarray(X) if c.is_table else c.sequences
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        same = (model.fit(X, c.y).predict(arrays) == model.predict(X)).all()
    return same and any("valid feature names" in str(w.message) for w in seen)


@tool("feature_names_in_", ("clf",), NAMED, want=names_of_columns)
def _(c, model, X):
    return list(model.fit(X, c.y).feature_names_in_)


@tool("tags", want=lambda c: ["classifier" if c.classifies else "regressor", True, True, False])
def _(c, model, X):
    tags = get_tags(model)
    inputs = tags.input_tags
    return [tags.estimator_type, inputs.two_d_array, inputs.three_d_array, inputs.sparse]


# ---- callbacks of scikit-learn 1.9 ----


class Counter:
    """A callback that counts the ends of tasks."""

    def __init__(self):
        self.ends = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **facts):
        pass

    def on_fit_task_end(self, estimator, context, **facts):
        self.ends += 1
        return False


@tool("set_callbacks: a callback counts epochs", want=lambda c: 4)  # three epochs and the fit
def _(c, model, X):
    counter = Counter()
    model.set_callbacks(counter).fit(X, c.y)
    return counter.ends


@tool("set_callbacks: ScoringMonitor", want=lambda c: c.fitted().score(c.X, c.y))
def _(c, model, X):
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring=make_scorer(METRICS[c.mode]))
    model.set_callbacks(monitor).fit(X, c.y)
    logs = monitor.get_logs()
    return (logs[0] if isinstance(logs, list) else logs).data[-1]["score"]


@tool("set_callbacks: ProgressBar in a GridSearchCV", want=lambda c: of_sizes(c)[0])
def _(c, model, X):
    import rich  # noqa: F401
    from sklearn.callback import ProgressBar

    search = GridSearchCV(model, GRID, **RAISE)
    with contextlib.redirect_stdout(io.StringIO()):
        search.set_callbacks(ProgressBar(max_propagation_depth=2)).fit(X, c.y)
    return search.cv_results_["mean_test_score"]


for _name, _settings in [
    ("array_api_dispatch=True", {"array_api_dispatch": True}),
    (
        "assume_finite, skip_parameter_validation",
        {"assume_finite": True, "skip_parameter_validation": True},
    ),
]:

    @tool(_name, want=lambda c: c.fitted().predict(c.X))
    def _(c, model, X, settings=_settings):
        os.environ.setdefault("SCIPY_ARRAY_API", "1")
        with sklearn.config_context(**settings):
            return model.fit(X, c.y).predict(X)


# ---- packages nearby ----


def _resampled(c, sampler):
    numbers, y = sampler(random_state=0).fit_resample(np.arange(N)[:, np.newaxis], c.binary)
    return c.rnn().fit(take(c.X, numbers[:, 0]), y).predict(c.X)


def _over(c):
    from imblearn.over_sampling import RandomOverSampler

    return _resampled(c, RandomOverSampler)


def _under(c):
    from imblearn.under_sampling import RandomUnderSampler

    return _resampled(c, RandomUnderSampler)


@tool("imblearn RandomOverSampler over numbers of sequences", ("clf",), want=_over)
def _(c, model, X):
    return _over(c)


@tool("imblearn RandomOverSampler on X itself", ("clf",), want=_over, table=True, index=True)
def _(c, model, X):
    from imblearn.over_sampling import RandomOverSampler

    sampled, y = RandomOverSampler(random_state=0).fit_resample(X, c.binary)
    return model.fit(sampled, y).predict(X)


@tool("imblearn Pipeline with RandomUnderSampler", ("clf",), want=_under, table=True, index=True)
def _(c, model, X):
    from imblearn.pipeline import make_pipeline as with_samplers
    from imblearn.under_sampling import RandomUnderSampler

    pipe = with_samplers(RandomUnderSampler(random_state=0), model)
    return pipe.fit(X, c.binary).predict(X)


def _piped(c, model, X):
    return make_pipeline(SequenceScaler(), model).fit(X, c.y)


@tool("skops dumps / loads", want=lambda c: [True, _piped(c, c.rnn(), c.X).predict(c.X)])
def _(c, model, X):
    import skops.io

    data = skops.io.dumps(_piped(c, model, X))
    types = skops.io.get_untrusted_types(data=data)
    ours = all(each.startswith("sklearn_rnn.") for each in types)
    return [ours, skops.io.loads(data, trusted=types).predict(X)]


@tool("skops model card", want=lambda c: True)
def _(c, model, X):
    from skops.card import Card

    return "RNN" in Card(_piped(c, model, X)).render()


@tool("estimator_html_repr", want=lambda c: True)
def _(c, model, X):
    text = estimator_html_repr(_piped(c, model, X))
    return type(model).__name__ in text and "SequenceScaler" in text


@tool("link to the documentation in the HTML repr", ONE, ("3d", "2d"), want=lambda c: True)
def _(c, model, X):
    if not model._get_doc_link():
        raise LookupError("there is no link")
    return True
