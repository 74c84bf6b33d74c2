"""Drawn calls of everything public, with arguments good and hostile.

None, one or two of the arguments that belong together are spoiled. So it is known of most calls
whether they must be answered or refused.
"""

import copy
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import scipy.sparse
from hostile import Call
from hostile_carriers import LAYOUTS, N_COLUMNS, frame_or_series
from hostile_values import (
    BAD,
    COLUMNS,
    EXTREMES,
    GOOD,
    LABELS,
    NONSENSE,
    NOT_FINITE,
    UNSURE,
    columns_of,
    data_sets,
    draw_labels,
    draw_targets,
    draw_weights,
    draw_X,
    one_of_these,
    spoiled_numbers,
    which_spoiled,
)
from hypothesis import strategies as st

from sklearn_rnn import RNNClassifier, RNNRegressor, _core, metrics, unpad
from sklearn_rnn._model.parts import TABLES
from sklearn_rnn._model.words import CONNECTIONS, DTYPES, MERGE_MODES, MODES, NORMS, Words
from sklearn_rnn._training.losses import REGRESSION_LOSSES
from sklearn_rnn.cells import GRU, LSTM, Cell, Elman, IndRNN, Jordan
from sklearn_rnn.layers import Attention, Conv1D, Dense
from sklearn_rnn.preprocessing import SequenceScaler

ESTIMATORS = (RNNClassifier, RNNRegressor)
RELU_JORDAN = Jordan(activation="relu")
CELLS = (
    *sorted(_core.CELLS),
    Elman(activation="relu"),
    RELU_JORDAN,
    IndRNN(activation="tanh"),
    LSTM(peepholes=True, forget_bias=0.0),
    LSTM(projection_size=1, bias_initializer="chrono"),
    GRU(reset_after=False, normalization="layer", recurrent_dropout=0.5, zoneout=0.5),
    Elman(transition_layer_sizes=(2,), input_initializer="he_normal"),
    Cell("minlstm", initial_state="learned"),
    "one of each",
)
INPUT_LAYERS = ((), [Dense(2)], [Conv1D(2, 3)], [Conv1D(2, 2, stride=2), Dense(3)])
OPTIONS = sorted({name for table in TABLES.values() for name in table})
POOLINGS = ("last", "last", "mean", "max", Attention(2))

ALWAYS = {"with_mean": True, "with_std": True}  # which a scaler to a range needs

WEIGHT_OF = {
    **dict.fromkeys(("y", "y_true", "y_pred"), "sample_weight"),
    "y_val": "sample_weight_val",
}


# ---- estimators ---------------------------------------------------------------------------------


@st.composite
def settings_of(draw, estimator, mode):
    options = {
        "hidden_layer_sizes": draw(st.sampled_from([(2,), (3, 2), (2, 2)])),
        "cell": draw(st.sampled_from(CELLS)),
        "bidirectional": draw(st.booleans()),
        "connections": draw(st.sampled_from([None, *CONNECTIONS])),
        "input_layers": draw(st.sampled_from(INPUT_LAYERS)),
        "merge_mode": draw(st.sampled_from(MERGE_MODES)),
        "pooling": draw(st.sampled_from(POOLINGS)),
        "output_layer_sizes": draw(st.sampled_from([(), 3])),
        "layer_normalization": draw(st.sampled_from([None, *NORMS])),
        "output_dropout": draw(st.sampled_from([None, 0.5])),
        "input_dropout": draw(st.sampled_from([0.0, 0.5])),
        "input_noise": draw(st.sampled_from([0.0, 0.5])),
        "dtype": draw(st.sampled_from(DTYPES)),
        "dropout": draw(st.sampled_from([0.0, 0.5])),
        "batch_size": draw(st.sampled_from(["auto", 2])),
        "solver": draw(st.sampled_from(sorted(_core.OPTIMIZERS))),
        "learning_rate": draw(st.sampled_from(["constant", "exponential"])),
        "warmup": draw(st.sampled_from([0.0, 0.5])),
        "ema_decay": draw(st.sampled_from([None, 0.5])),
        "alpha": draw(st.sampled_from([0.0, 0.1])),
        "l1_ratio": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "max_iter": draw(st.integers(1, 2)),
    }
    if options["cell"] == "one of each":
        options["cell"] = ["lstm", Elman()][: len(options["hidden_layer_sizes"])]
    if estimator is RNNRegressor:
        options["loss"] = draw(st.sampled_from(REGRESSION_LOSSES))
        options["normalize_y"] = draw(st.booleans())
        options["quantile"] = draw(st.sampled_from([0.3, [0.3], (0.2, 0.7)]))
        if options["loss"] in ("poisson", "gamma") and options["cell"] is RELU_JORDAN:
            options["cell"] = "jordan"  # exp(z) of rectified units that read it is soon infinite
    rnn = estimator(mode=mode, random_state=0, **options)
    if not go_together(rnn) and draw(st.integers(0, 7)):
        rnn.set_params(input_layers=(), pooling="last", merge_mode="concat", bidirectional=False)
    return rnn


def go_together(rnn):
    """Tell whether a network can have all these words; what cannot is in other tests."""
    try:
        Words.of(vars(rnn))
    except ValueError:
        return False
    return True


@cache
def _fitted(
    estimator,
    mode,
    two_d,
    n_features,
    variant,
):
    """Fit on moderate data; `variant` is what y is: labels, or how many columns (0: none)."""
    rng = np.random.default_rng(0)
    shape = (6, N_COLUMNS) if two_d else (6, N_COLUMNS, n_features)
    rows = shape[:2] if mode == "many_to_many" else shape[:1]
    if variant in COLUMNS:
        y = columns_of(variant, np.prod(rows)).reshape(*rows, len(variant))
    elif estimator is RNNClassifier:
        y = np.array(variant)[np.arange(np.prod(rows)) % len(variant)].reshape(rows)
    else:
        y = rng.normal(size=(*rows, variant) if variant else rows)
    rnn = estimator(3, mode=mode, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rnn.fit(rng.normal(size=shape), y)


def fitted(estimator, mode, data, variant):
    variant = tuple(variant) if isinstance(variant, list) else variant
    return copy.deepcopy(_fitted(estimator, mode, data.two_d, data.n_features, variant))


def draw_y(draw, estimator, data, per_step, spoil, variant, positive=False):
    if estimator is RNNClassifier:
        return draw_labels(draw, data, per_step, spoil, variant)
    return draw_targets(draw, data, per_step, spoil, variant, positive)


BAD_CLASSES = [
    None,
    [],
    "ab",
    3,
    [1, "a", None],
    [[1, 2]],
    [np.nan, 1.0],
    {1, 2},
    [[1], [2, 3]],
    [{}],
]


@st.composite
def learning_calls(draw, method):
    """Calls of fit and partial_fit, of estimators fitted before or not."""
    estimator, mode = draw(st.sampled_from(ESTIMATORS)), draw(st.sampled_from(MODES))
    per_step = mode == "many_to_many"
    data = draw(data_sets())
    labels = [*LABELS, *COLUMNS]
    variant = draw(st.sampled_from(labels if estimator is RNNClassifier else [0, 1, 2]))
    again = draw(st.booleans())
    rnn = draw(settings_of(estimator, mode))
    if again and method == "partial_fit":
        rnn = fitted(estimator, mode, data, variant)
    elif again:
        vars(rnn).update(fitted(estimator, mode, data, variant)._fitted_attributes())
    validated = method == "fit" and draw(st.booleans())
    names = ["X", "y", "sample_weight"]
    names += ["X_val", "y_val", "sample_weight_val"] if validated else []
    names += ["classes"] if method == "partial_fit" and estimator is RNNClassifier else []
    spoiled = which_spoiled(draw, names)
    positive = getattr(rnn, "loss", "") in ("poisson", "gamma")
    drawn = {}
    for suffix in ["", "_val"] if validated else [""]:
        drawn[f"X{suffix}"] = draw_X(draw, data, f"X{suffix}" in spoiled)
        drawn[f"y{suffix}"] = draw_y(
            draw, estimator, data, per_step, f"y{suffix}" in spoiled, variant, positive
        )
        name = f"sample_weight{suffix}"
        drawn[name] = draw_weights(draw, data, per_step, name in spoiled)
    if method == "partial_fit" and estimator is RNNClassifier:
        spoil = "classes" in spoiled
        drawn["classes"] = (
            (draw(st.sampled_from(BAD_CLASSES)), UNSURE)  # a model that goes on may do without
            if spoil
            else (list(variant), UNSURE)
            if variant in COLUMNS
            else (draw(st.sampled_from([list, np.array]))(variant), GOOD)
        )
    rnn.set_params(early_stopping=validated)
    call = call_of(rnn, method, drawn)
    return replace(call, verdict=max(call.verdict, GOOD if go_together(rnn) else BAD))


def call_of(owner, method, drawn):
    arguments = {name: value for name, (value, _) in drawn.items()}
    for name in drawn.keys() & WEIGHT_OF.keys():
        if drawn.get(WEIGHT_OF[name], (None,))[0] is not None:  # what weighs 0 may be anything
            drawn = {**drawn, name: (drawn[name][0], min(drawn[name][1], UNSURE))}
    verdict = max(verdict for _, verdict in drawn.values())
    parameters = (*owner.get_params(), *OPTIONS) if hasattr(owner, "get_params") else ()
    return Call(owner, method, arguments, verdict, parameters)


@st.composite
def predicting_calls(draw, method):
    """Calls of what needs a fitted estimator and X, and for `score` also y and weights."""
    classifies = method.startswith("predict_") or draw(st.booleans())
    estimator, mode = ESTIMATORS[not classifies], draw(st.sampled_from(MODES))
    data = draw(data_sets(n_min=1 if method != "score" else 2))
    variant = draw(st.sampled_from([*LABELS, *COLUMNS] if classifies else [0, 1, 2]))
    rnn = fitted(estimator, mode, data, variant)
    spoiled = which_spoiled(draw, ["X", "y", "sample_weight"] if method == "score" else ["X"])
    drawn = {"X": draw_X(draw, data, "X" in spoiled)}
    if method == "score":
        per_step = mode == "many_to_many"
        drawn["y"] = draw_y(draw, estimator, data, per_step, "y" in spoiled, variant)
        drawn["sample_weight"] = draw_weights(draw, data, per_step, "sample_weight" in spoiled)
    if method == "hidden_states":
        drawn["return_sequences"] = draw(st.booleans()), GOOD
        layers = [(0, GOOD), (-1, GOOD), (np.int8(0), GOOD)]
        layers += [(1, BAD), (-2, BAD), (0.0, BAD), (None, BAD), ("0", BAD), (10**30, BAD)]
        drawn["layer"] = draw(st.sampled_from(layers)) if draw(st.booleans()) else (-1, GOOD)
    return call_of(rnn, method, drawn)


@st.composite
def weight_setting_calls(draw):
    data = draw(data_sets())
    rnn = fitted(draw(st.sampled_from(ESTIMATORS[1:])), "many_to_one", data, 1)
    weights, verdict = dict(rnn.weights_), GOOD
    name = draw(st.sampled_from(sorted(weights)))
    spoil = which_spoiled(draw, ["value", "extreme", "shape", "name", "nonsense", "carrier"])[:1]
    layout = draw(st.sampled_from([*LAYOUTS, np.ndarray.tolist, frame_or_series, np.float16]))
    weights[name] = layout(weights[name])
    for how in spoil:
        if how in ("value", "extreme"):
            choices = NOT_FINITE if how == "value" else EXTREMES
            weights[name] = np.full(rnn.weights_[name].shape, draw(st.sampled_from(choices)))
            verdict = max(verdict, BAD if how == "value" else UNSURE)
        elif how == "shape":
            weights[name] = np.ones((*rnn.weights_[name].shape, 2))
            verdict = BAD
        elif how == "nonsense":
            weights[name] = one_of_these(draw, NONSENSE)
            verdict = BAD
        elif how == "name":
            weights[draw(st.sampled_from(["weight", 3, None, ("a",)]))] = np.ones(2)
            verdict = BAD
        else:
            choices = [None, 3, "weights", list(weights), [], weights.items(), {}, set(weights)]
            weights, verdict = draw(st.sampled_from(choices)), BAD
            break
    return call_of(rnn, "set_weights", {"weights": (weights, verdict)})


# ---- scaler, scores, unpad ----------------------------------------------------------------------


@st.composite
def scaling_calls(draw, method):
    data = draw(data_sets())
    flags = {name: draw(st.booleans()) for name in ("with_mean", "with_std", "copy")}
    kind = draw(st.sampled_from(["standard", "standard", "minmax"]))
    scaler = SequenceScaler(kind, **flags | ({} if kind == "standard" else ALWAYS))
    if method.endswith("transform") or draw(st.booleans()):
        if data.two_d:
            scaler.fit(np.stack(data.X))
        else:
            scaler.fit(data.X)
    spoiled = which_spoiled(draw, ["X"] if method.endswith("transform") else ["X", "sample_weight"])
    drawn = {"X": draw_X(draw, data, "X" in spoiled, keeps_nan=True)}
    if not method.endswith("transform"):
        drawn["sample_weight"] = draw_weights(
            draw,
            data,
            steps_too=not data.two_d,
            spoil="sample_weight" in spoiled,
            zeros=BAD if method == "fit" else UNSURE,  # more steps that are not seen: no harm
        )
    call = call_of(scaler, method, drawn)
    call.keeps_nan = True
    return call


@st.composite
def scoring_calls(draw):
    """Calls of the functions of `metrics` that do not pass their arguments on to scikit-learn."""
    data = draw(data_sets())
    score = draw(st.sampled_from(["sequence_accuracy", "step_accuracy", "step_r2"]))
    variant = draw(st.sampled_from([0, 1, 2] if score == "step_r2" else LABELS[:-1]))
    estimator = RNNRegressor if score == "step_r2" else RNNClassifier
    # Both spoiled alike would go together again.
    spoiled = which_spoiled(draw, ["y_true", "y_pred", "sample_weight"])[:1]
    drawn = {
        name: draw_y(draw, estimator, data, True, name in spoiled, variant)
        for name in ("y_true", "y_pred")
    }
    drawn["sample_weight"] = draw_weights(draw, data, True, "sample_weight" in spoiled)
    return call_of(metrics, score, drawn)


class _Unpadding:
    """Holds `unpad` as a module holds its functions."""

    unpad = staticmethod(unpad)


@st.composite
def unpadding_calls(draw):
    data = draw(data_sets().filter(lambda data: len({len(x) for x in data.X}) == 1))
    lengths = list(map(len, data.X))
    spoiled = which_spoiled(draw, ["X", "lengths"])[:1]  # or they might go together again
    X = np.stack(data.X), GOOD
    if "X" in spoiled:  # its values do not matter
        X = spoiled_numbers(draw, data.X, data.rng, data.two_d)[0], UNSURE
    good = draw(st.sampled_from([list, tuple, np.array, np.uint8, pd.Series]))(lengths), GOOD
    bad = [
        [0, *lengths[1:]], [-1, *lengths[1:]], [99, *lengths[1:]], [2**62, *lengths[1:]],
        [2**70, *lengths[1:]], [1.0 * length for length in lengths], lengths[1:], [*lengths, 1],
        [lengths], 3, "lengths", [None] * len(lengths), [str(i) for i in lengths],
        [[1], [1, 2]], np.array(lengths) > 0, (i for i in lengths), {}, scipy.sparse.eye(3),
    ]  # fmt: skip
    bad = draw(st.sampled_from(bad)) if "lengths" in spoiled else None
    drawn = {"X": X, "lengths": good if bad is None else (bad, BAD)}
    return replace(call_of(_Unpadding, "unpad", drawn), gives_back=True)


CALLS = {
    "fit": learning_calls("fit"),
    "partial_fit": learning_calls("partial_fit"),
    **{
        method: predicting_calls(method)
        for method in ("predict", "predict_proba", "predict_log_proba", "score", "hidden_states")
    },
    "set_weights": weight_setting_calls(),
    **{
        f"SequenceScaler.{method}": scaling_calls(method)
        for method in ("fit", "partial_fit", "transform", "inverse_transform")
    },
    "metrics": scoring_calls(),
    "unpad": unpadding_calls(),
}
