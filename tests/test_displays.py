"""What the displays draw: the data in it; `test_pictures.py` has the pictures."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from pictures import new_figure
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.forecasting import RNNForecaster, rollout
from sklearn_rnn.inspection import (
    AttentionDisplay,
    AttributionDisplay,
    ForecastDisplay,
    HiddenStatesDisplay,
    LossCurveDisplay,
    SequenceLabelDisplay,
    StateSpaceDisplay,
    integrated_gradients,
    occlusion,
)
from sklearn_rnn.layers import Attention
from sklearn_rnn.preprocessing import SequenceScaler, to_nested
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor
from sklearn_rnn.text import TokenEncoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(24, 6, 2))
RAGGED = [x[:n] for x, n in zip(X, RANDOM.randint(3, 7, size=24), strict=True)]
TAGS = [np.where(x[:, 0] > 0, "up", "down") for x in RAGGED]


def small(kind, **params):
    return kind(**{"hidden_layer_sizes": 5, "max_iter": 2, "random_state": 0, **params})


def axes(n=1, projection=None):
    drawn = new_figure().subplots(1, n, subplot_kw={"projection": projection})
    return drawn


# ---- without matplotlib -------------------------------------------------------------------------


def test_matplotlib_is_imported_when_something_is_drawn_and_named_where_it_is_missing():
    code = """
import sys
from sklearn_rnn.inspection import AttentionDisplay, LossCurveDisplay
assert not any(name.split(".")[0] == "matplotlib" for name in sys.modules)
sys.modules["matplotlib"] = None
display = LossCurveDisplay([1.0, 0.5])
try:
    display.plot()
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert "pip install 'sklearn-rnn[plot]'" in done.stdout, done.stderr
    assert "`LossCurveDisplay`" in done.stdout


# ---- losses -------------------------------------------------------------------------------------


def test_loss_curves_are_those_of_the_history():
    rnn = small(RNNRegressor, max_iter=4, early_stopping=True).fit(X, X.sum(axis=(1, 2)))
    display = LossCurveDisplay.from_estimator(make_pipeline(SequenceScaler(), rnn), ax=axes())
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), rnn.history_[name])
    assert set(display.lines_) == {"loss", "validation_loss", "validation_score"}
    assert display.best_epoch == np.argmax(rnn.validation_scores_) + 1
    assert display.lines_["validation_score"].axes is display.score_ax_ is not display.ax_
    assert display.ax_.get_yscale() == "linear"

    search = GridSearchCV(small(RNNRegressor), {"alpha": [0, 1]}, cv=2)
    search.fit(X, X.sum(axis=(1, 2)))
    display = LossCurveDisplay.from_estimator(search, ax=axes(), log=True)
    assert set(display.lines_) == {"loss"}
    assert display.best_epoch is None and display.ax_.get_yscale() == "log"
    with pytest.raises(ValueError, match=r"`estimator` must be fitted, and have `history_`"):
        LossCurveDisplay.from_estimator(small(RNNRegressor))
    with pytest.raises(ValueError, match=r"`history` must be a dict with the key 'loss'"):
        LossCurveDisplay.from_history({"losses": [1]})
    with pytest.raises(NotFittedError, match=r"`estimator` must be a search that is fitted"):
        LossCurveDisplay.from_estimator(GridSearchCV(small(RNNRegressor), {"alpha": [0]}))
    for epoch in (0, 3, 1.5):
        with pytest.raises(ValueError, match=r"`best_epoch` must be an epoch, from 1 to 2"):
            LossCurveDisplay([1, 2], best_epoch=epoch)
    mlp = MLPRegressor(max_iter=3, early_stopping=True, random_state=0).fit(X[:, 0], X[:, 0, 0])
    display = LossCurveDisplay.from_estimator(mlp, ax=axes())
    np.testing.assert_array_equal(display.validation_score, mlp.validation_scores_)
    with pytest.raises(ValueError, match=r"`validation_loss` must have 2 entries like `loss`"):
        LossCurveDisplay([1, 2], validation_loss=[1])


# ---- labels -------------------------------------------------------------------------------------


def test_label_bands_are_those_of_the_sequence():
    rnn = small(RNNClassifier, mode="many_to_many").fit(RAGGED, TAGS)
    pipe = make_pipeline(SequenceScaler(), small(RNNClassifier, mode="many_to_many"))
    for estimator in (rnn, pipe.fit(RAGGED, TAGS)):
        for i in (0, 3, -1):
            facts = {"sequence": i, "ax": axes()}
            display = SequenceLabelDisplay.from_estimator(estimator, RAGGED, TAGS, **facts)
            np.testing.assert_array_equal(display.y_true, TAGS[i])
            np.testing.assert_array_equal(display.y_pred, estimator.predict(RAGGED)[i])
            expected = estimator.predict_proba(RAGGED)[i]
            np.testing.assert_allclose(display.probabilities, expected)
            bands = {name: np.asarray(im.get_array()) for name, im in display.images_.items()}
            wrong = bands["wrong"][0, :, 3] > 0
            np.testing.assert_array_equal(wrong, display.y_true != display.y_pred)
            same = (bands["true"] == bands["predicted"]).all(axis=2)[0]
            np.testing.assert_array_equal(same, ~wrong)
            np.testing.assert_allclose(bands["probabilities"][:, :, 3], expected.T, atol=1e-6)
    texts = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert texts == ["true", "wrong", "predicted", "down", "up"]

    equal = np.array([[0, 1, 1], [1, 0, 1]])
    display = SequenceLabelDisplay.from_predictions(equal, 1 - equal, sequence=1, ax=axes())
    np.testing.assert_array_equal(display.y_pred, [0, 1, 0])
    assert len(display.ax_.get_legend().get_texts()) == 2
    only = SequenceLabelDisplay([0, 1]).plot(axes())
    assert set(only.images_) == {"predicted"}
    rows = {"probabilities": [[0.5, 0.2, 0.3]] * 2, "y_true": ["true", "wrong"]}
    classes = ["predicted", "true", "wrong"]  # which rows are called, too
    display = SequenceLabelDisplay(["true", "wrong"], classes=classes, **rows).plot(axes())
    display.figure_.canvas.draw()
    texts = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert texts == ["true", "wrong", "predicted", *classes]
    with pytest.raises(ValueError, match=r"`probabilities` must be from 0 to 1, got -2 to 3"):
        SequenceLabelDisplay([0, 1], probabilities=[[-2, 3], [0, 1]])
    with pytest.raises(ValueError, match=r"must hold labels of one type, got int, str: turn"):
        SequenceLabelDisplay([1, 2], y_true=["1", "2"])
    with pytest.raises(ValueError, match=r"`sequence` must be .* from -24 to 23, got 24"):
        SequenceLabelDisplay.from_estimator(rnn, RAGGED, sequence=24)
    with pytest.raises(ValueError, match=r"`estimator` must be a classifier with mode"):
        SequenceLabelDisplay.from_estimator(small(RNNClassifier).fit(X, [0, 1] * 12), X)
    with pytest.raises(ValueError, match=r"`y_true` must have 2 entries like `y_pred`, got 3"):
        SequenceLabelDisplay([0, 1], y_true=[0, 1, 1])
    with pytest.raises(ValueError, match=r"`classes` must hold all labels, .* missing: \[2\]"):
        SequenceLabelDisplay([0, 2], classes=[0, 1])


# ---- states -------------------------------------------------------------------------------------


def test_hidden_states_and_their_path_are_those_of_the_layer():
    rnn = small(RNNRegressor, hidden_layer_sizes=(4, 5)).fit(RAGGED, [x.sum() for x in RAGGED])
    facts = {"sequence": 2, "layer": 0, "n_clusters": 3, "ax": axes(2)}
    display = HiddenStatesDisplay.from_estimator(rnn, RAGGED, **facts)
    states = rnn.hidden_states(RAGGED, layer=0, return_sequences=True)
    np.testing.assert_array_equal(display.states, states[2])
    everything = np.concatenate(states).astype(np.float64)
    centred = everything - everything.mean(axis=0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    path = (states[2] - everything.mean(axis=0)) @ directions[:2].T
    np.testing.assert_allclose(np.abs(display.path), np.abs(path), atol=1e-6)
    shares = values[:2] ** 2 / (values**2).sum()
    np.testing.assert_allclose(display.explained_variance_ratio, shares, rtol=1e-6)
    assert display.clusters.shape == (len(states[2]),) and set(display.clusters) <= {0, 1, 2}
    np.testing.assert_array_equal(display.axes_[0].images[0].get_array(), states[2].T)

    tokens = [f"t{k}" for k in range(len(states[2]))]
    heat = HiddenStatesDisplay(states[2], step_labels=tokens).plot(axes(), kind="heat")
    assert [text.get_text() for text in heat.axes_[0].get_xticklabels()] == tokens
    assert not HiddenStatesDisplay(np.ones((3, 1))).plot(axes(), kind="path").path.any()
    with pytest.raises(ValueError, match=r"`ax` must be 2 Axes of matplotlib or None, got Axes"):
        heat.plot(axes())
    with pytest.raises(ValueError, match=r"`kind` must be one of 'both', 'heat', 'path'"):
        heat.plot(kind="pca")
    with pytest.raises(ValueError, match=r"`n_clusters` must be from 1 to .* 3, or None, got 4"):
        HiddenStatesDisplay(np.ones((3, 2)), n_clusters=4)
    with pytest.raises(ValueError, match=r"`states` must be finite"):
        HiddenStatesDisplay([[np.nan, 1.0]])


# ---- forecasts ----------------------------------------------------------------------------------


def test_forecasts_and_intervals_are_those_of_the_forecaster():
    pandas = pytest.importorskip("pandas")
    hours = pandas.date_range("2024-02-01", periods=60, freq="h", tz="Europe/Zurich")
    y = pandas.DataFrame({"a": np.sin(np.arange(60.0)), "b": np.arange(60.0)}, index=hours)
    network = small(RNNRegressor)
    facts = {"estimator": network, "quantile": (0.9, 0.5, 0.1, 0.3, 0.7), "random_state": 0}
    facts["quantile"] = tuple(sorted(facts["quantile"]))
    forecaster = RNNForecaster(4, 8, **facts).fit(y[:50])
    display = ForecastDisplay.from_estimator(forecaster, y[50:52], series="b", n_past=9, ax=axes())
    np.testing.assert_array_equal(display.past, y["b"][41:50])
    np.testing.assert_array_equal(display.forecast, forecaster.predict()["b"])
    np.testing.assert_array_equal(display.truth, [50, 51, np.nan, np.nan])
    quantiles = forecaster.predict_quantiles()[[f"b_q{q}" for q in facts["quantile"]]]
    np.testing.assert_array_equal(display.quantile_forecasts, quantiles)
    local = hours.tz_localize(None).to_numpy()
    np.testing.assert_array_equal(display.past_times, local[41:50])
    np.testing.assert_array_equal(display.times, local[50:54])
    assert [band.get_label() for band in display.bands_] == ["80 % interval", "40 % interval"]
    low, high = quantiles["b_q0.3"], quantiles["b_q0.7"]
    drawn = display.bands_[1].get_paths()[0].vertices[:, 1]
    assert drawn.min() == low.min() and drawn.max() == high.max()
    np.testing.assert_array_equal(display.lines_["forecast"].get_ydata(), display.forecast)
    with pytest.raises(ValueError, match=r"`series` must be below 2 or one of .*, got 'c'"):
        ForecastDisplay.from_estimator(forecaster, series="c")
    with pytest.raises(ValueError, match=r"`y_true` must be numbers, got \['x'\]"):
        ForecastDisplay.from_estimator(forecaster, ["x"])
    with pytest.raises(ValueError, match=r"`y_true` must have 2 series"):
        ForecastDisplay.from_estimator(forecaster, y["a"][50:])
    with pytest.raises(TypeError, match=r"`estimator` must be a fitted RNNForecaster"):
        ForecastDisplay.from_estimator(network)

    plain = RNNForecaster(4, 8, estimator=network).fit(y["a"].to_numpy())
    display = ForecastDisplay.from_estimator(plain, ax=axes())
    np.testing.assert_array_equal(display.times, [1, 2, 3, 4])
    np.testing.assert_array_equal(display.past_times, np.arange(-11, 1))
    assert display.bands_ == [] and set(display.lines_) == {"past", "forecast"}
    display = ForecastDisplay.from_predictions(y["a"][:9], y["a"][9:12], ax=axes())
    np.testing.assert_array_equal(display.times, local[9:12])
    with pytest.raises(ValueError, match=r"`quantiles` must increase between 0 and 1"):
        ForecastDisplay([1], [1], quantile_forecasts=[[1, 2]], quantiles=[0.9, 0.1])
    with pytest.raises(ValueError, match=r"`quantiles` must say which ones"):
        ForecastDisplay([1], [1], quantile_forecasts=[[1, 2]])


# ---- attention ----------------------------------------------------------------------------------


def test_attention_is_that_of_the_estimator():
    answers = [list(tags[::-1]) for tags in TAGS]
    rnn = small(Seq2SeqClassifier, attention="dot", merge_mode="sum").fit(RAGGED, answers)
    facts = {"sequence": 4, "input_labels": TAGS[4], "ax": axes()}
    display = AttentionDisplay.from_estimator(rnn, RAGGED, answers, **facts)
    np.testing.assert_array_equal(display.weights, rnn.attention_weights(RAGGED, answers)[4])
    np.testing.assert_array_equal(display.im_.get_array(), display.weights)
    assert display.output_labels == answers[4] and display.input_labels == list(TAGS[4])
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == answers[4]

    numbers = [x[:, 0] for x in RAGGED]
    rnn = small(Seq2SeqRegressor, attention="additive").fit(RAGGED, numbers)
    display = AttentionDisplay.from_estimator(rnn, RAGGED, sequence=1, horizon=4, ax=axes())
    weights = rnn.attention_weights(RAGGED, horizon=4)[1]
    np.testing.assert_array_equal(display.weights, weights)
    with pytest.raises(ValueError, match=r"`y` must be None unless"):
        AttentionDisplay.from_estimator(rnn, RAGGED, numbers)

    pooled = small(RNNClassifier, pooling=Attention(3)).fit(RAGGED, [0, 1] * 12)
    pipe = make_pipeline(SequenceScaler().fit(RAGGED), pooled)
    display = AttentionDisplay.from_estimator(pipe, RAGGED, sequence=5, ax=axes())
    weights = pooled.attention_weights(pipe[0].transform(RAGGED))[5]
    np.testing.assert_array_equal(display.weights, weights[np.newaxis])
    assert display.pooling and len(display.ax_.get_yticks()) == 0
    with pytest.raises(ValueError, match=r"`estimator` must have the method `attention_weights`"):
        AttentionDisplay.from_estimator(small(RNNClassifier).fit(X, [0, 1] * 12), X)
    with pytest.raises(ValueError, match=r"`input_labels` must have 2 entries"):
        AttentionDisplay([[0.5, 0.5]], input_labels=["a"])


# ---- attributions -------------------------------------------------------------------------------


def test_attributions_are_those_of_the_functions():
    rnn = small(RNNClassifier).fit(RAGGED, [0, 1] * 12)
    for name, function in (
        ("integrated_gradients", integrated_gradients),
        ("occlusion", occlusion),
    ):
        facts = {"target": 1, "baseline": 0.1}
        display = AttributionDisplay.from_estimator(
            rnn, RAGGED, method=name, sequence=4, ax=axes(), **facts
        )
        expected = function(rnn, RAGGED, **facts)[4]
        np.testing.assert_array_equal(display.attributions, expected)
        np.testing.assert_array_equal(display.im_.get_array(), expected.T)
        low, high = display.im_.get_clim()
        assert high == -low == np.abs(expected).max()
    table = to_nested(RAGGED, ["volt", "watt"])
    display = AttributionDisplay.from_estimator(
        small(RNNClassifier).fit(table, [0, 1] * 12), table, sequence=-1, ax=axes()
    )
    assert display.feature_names == ["volt", "watt"]
    assert display.attributions.shape == RAGGED[-1].shape
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["volt", "watt"]
    assert AttributionDisplay([0.0, 1.0]).plot(axes()).attributions.shape == (2, 1)
    with pytest.raises(ValueError, match=r"`method` must be one of 'integrated_gradients'"):
        AttributionDisplay.from_estimator(rnn, RAGGED, method="shap")
    with pytest.raises(ValueError, match=r"`feature_names` must have 2 entries"):
        AttributionDisplay(np.ones((3, 2)), feature_names=["a"])


# ---- tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_texts", [True, False])
def test_steps_of_texts_are_called_by_their_tokens(as_texts):
    texts = ["the dog sees", "the cat"] * 4
    X = texts if as_texts else [text.split() for text in texts]
    words, tags = ["the", "dog", "sees"], [list("DNV"), list("DN")] * 4

    def model(kind, **options):
        return make_pipeline(TokenEncoder(), small(kind, categorical_features="all", **options))

    tagger = model(RNNClassifier, mode="many_to_many").fit(X, tags)
    display = SequenceLabelDisplay.from_estimator(tagger, X, tags, sequence=-2, ax=axes())
    assert display.step_labels == words
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == words
    display = AttributionDisplay.from_estimator(tagger, X, sequence=2, ax=axes())
    assert display.step_labels == words
    pooled = model(RNNClassifier, pooling=Attention(3)).fit(X, [0, 1] * 4)
    assert AttentionDisplay.from_estimator(pooled, X, ax=axes()).input_labels == words
    own = AttentionDisplay.from_estimator(pooled, X, input_labels="abc", ax=axes())
    assert own.input_labels == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"`sequence` must be .* from -8 to 7, got 8"):
        SequenceLabelDisplay.from_estimator(tagger, X, sequence=8)
    with pytest.raises(ValueError, match=r"`step_labels` must have 2 entries like `y_pred`"):
        SequenceLabelDisplay([0, 1], step_labels=["a"])


def test_attention_to_an_empty_answer_is_named():
    rnn = small(Seq2SeqClassifier, attention="dot", merge_mode="sum")
    rnn.fit(RAGGED, [list(tags) for tags in TAGS])
    with pytest.raises(ValueError, match=r"The answer to `X\[1\]` is empty"):
        AttentionDisplay.from_estimator(rnn, RAGGED, [[], []] * 12, sequence=1)


# ---- state space --------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_arrows_are_steps_of_the_network(cell):
    rnn = small(RNNRegressor, cell=cell, mode="many_to_many", dtype="float64")
    rnn.fit(X[:, :-1], X[:, 1:])
    facts = {"n_steps": 4, "n_grid": 3, "ax": axes()}
    display = StateSpaceDisplay.from_estimator(rnn, RAGGED[:3], **facts)
    for path, going_on, x in zip(display.trajectories, display.continuations, RAGGED, strict=False):
        assert path.shape == (len(x), 2) and going_on.shape == (4, 2)
    # The same by hand: all states of free-running networks, and their plane.
    forecasts = rollout(rnn, RAGGED[:3], 4)
    wholes = [np.concatenate([x, f]) for x, f in zip(RAGGED[:3], forecasts, strict=True)]

    def states_of(x):
        _, state = rnn.predict([x], return_state=True)
        return np.concatenate([state[name][0] for name in state])

    paths = [np.array([states_of(x[: t + 1]) for t in range(len(x))]) for x in wholes]
    everything = np.concatenate(paths)
    mean = everything.mean(axis=0)
    directions = np.linalg.svd(everything - mean, full_matrices=False)[2][:2]
    plane = (paths[1] - mean) @ directions.T
    drawn = np.concatenate([display.trajectories[1], display.continuations[1]])
    signs = np.sign((plane * drawn).sum(axis=0))
    np.testing.assert_allclose(drawn, plane * signs, atol=1e-8)
    # The arrow from one point.
    directions *= signs[:, np.newaxis]
    before = np.concatenate([(path[:-1] - mean) @ directions.T for path in paths])
    read = np.concatenate([x[1:] for x in wholes])
    one = np.ones((len(before), 1))
    weights = np.linalg.lstsq(np.hstack([before, one]), read, rcond=None)[0]
    for point, arrow in zip(display.field_points, display.field_arrows, strict=True):
        x = np.clip(np.append(point, 1) @ weights, read.min(axis=0), read.max(axis=0))
        flat, state = mean + point @ directions, {}
        for name, values in rnn.stream().state.items():
            state[name], flat = flat[np.newaxis, : values.shape[1]], flat[values.shape[1] :]
        _, after = rnn.predict(x[np.newaxis, np.newaxis], initial_state=state, return_state=True)
        after = np.concatenate([after[name][0] for name in after])
        np.testing.assert_allclose(arrow, (after - mean) @ directions.T - point, atol=1e-8)
    assert len(display.field_points) == 9 and display.quiver_ is not None


def test_paths_of_data_are_those_of_a_rollout():
    both = make_pipeline(SequenceScaler(), small(RNNRegressor, mode="many_to_many"))
    both.fit(10 * X[:, :-1], 10 * X[:, 1:])
    facts = {"space": "data", "n_steps": 3}
    display = StateSpaceDisplay.from_estimator(both, 10 * X[:2], ax=axes(), **facts)
    np.testing.assert_allclose(display.trajectories, 10 * X[:2])
    np.testing.assert_allclose(display.continuations, rollout(both, 10 * X[:2], 3))
    np.testing.assert_array_equal(display.lines_[3].get_xdata(), display.continuations[1][:, 0])

    one = small(RNNRegressor, mode="many_to_many").fit(list(X[:, :-1, 0]), list(X[:, 1:, 0]))
    facts |= {"n_dimensions": 3, "delay": 2, "ax": axes(projection="3d")}
    display = StateSpaceDisplay.from_estimator(one, list(X[:2, :, 0]), **facts)
    whole = np.concatenate([X[0, :, 0], rollout(one, list(X[:2, :, 0]), 3)[0]])
    delayed = np.column_stack([whole[4:], whole[2:-2], whole[:-4]])
    drawn = np.concatenate([display.trajectories[0], display.continuations[0]])
    np.testing.assert_allclose(drawn, delayed)
    assert display.quiver_ is None and display.axis_labels == ["x(t)", "x(t - 2)", "x(t - 4)"]

    facts = {"n_dimensions": 2, "ax": axes()}
    display = StateSpaceDisplay.from_estimator(one, list(X[:3, :1, 0]), **facts)
    assert display.field_points is None and len(display.trajectories) == 3  # nothing is read next
    with pytest.raises(ValueError, match=r"`n_dimensions` must be 2 or 3, got 2.0"):
        StateSpaceDisplay.from_estimator(one, list(X[:3, :, 0]), n_dimensions=2.0)
    with pytest.raises(ValueError, match=r"`trajectories` must be a list of arrays, got 5"):
        StateSpaceDisplay(5)
    classifier = small(RNNClassifier).fit(RAGGED, [0, 1] * 12)
    display = StateSpaceDisplay.from_estimator(classifier, RAGGED[:2], n_grid=0, ax=axes())
    assert display.field_points is None and display.continuations == []
    with pytest.raises(ValueError, match=r"`n_steps` must be 0 unless"):
        StateSpaceDisplay.from_estimator(classifier, RAGGED, n_steps=2)
    with pytest.raises(ValueError, match=r"bidirectional"):
        rnn = small(RNNClassifier, bidirectional=True).fit(X, [0, 1] * 12)
        StateSpaceDisplay.from_estimator(rnn, X)
    with pytest.raises(ValueError, match=r"`X` must have more than 6 steps"):
        StateSpaceDisplay.from_estimator(one, list(X[:, :, 0]), space="data", delay=6)
    with pytest.raises(ValueError, match=r"`ax` must have projection='3d', got 'rectilinear'"):
        StateSpaceDisplay([np.ones((2, 3))]).plot(axes())
    with pytest.raises(ValueError, match=r"`trajectories` must hold at least one"):
        StateSpaceDisplay([np.ones((2, 3)), np.ones((2, 2))])
