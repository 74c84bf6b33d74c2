"""The pictures of the displays, against stored ones, and the room for their labels."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from pictures import TOLERANCE, compare, difference, hide_text, new_figure, pixels_of

from sklearn_rnn.inspection import (
    AttentionDisplay,
    AttributionDisplay,
    ForecastDisplay,
    HiddenStatesDisplay,
    LossCurveDisplay,
    SequenceLabelDisplay,
    StateSpaceDisplay,
)


def loss_curve(figure):
    epochs = np.arange(1, 31)
    facts = {"validation_loss": 2 / epochs + 0.01 * epochs, "validation_score": 1 - 1 / epochs}
    LossCurveDisplay(3 / epochs, best_epoch=14, **facts).plot(figure.subplots())


def sequence_labels(figure):
    steps = np.arange(40)
    true = np.array(["walk", "run", "rest"])[steps // 14]
    probabilities = np.stack([np.cos(steps / 13 - k) ** 2 for k in (0, 1, 2)], axis=1)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    classes = np.array(["rest", "run", "walk"])
    facts = {"y_true": true, "probabilities": probabilities[:, ::-1], "classes": classes}
    predicted = classes[::-1][probabilities.argmax(axis=1)]
    SequenceLabelDisplay(predicted, **facts).plot(figure.subplots())


def hidden_states(figure):
    steps = np.arange(25)[:, np.newaxis]
    states = np.sin(steps * 0.4 + np.arange(6) * 0.8) * np.linspace(0.3, 1, 25)[:, np.newaxis]
    HiddenStatesDisplay(states, n_clusters=3).plot(figure.subplots(1, 2))


def forecast(figure):
    steps = np.arange(90)
    y = 10 + 3 * np.sin(steps / 6)
    width = np.linspace(0.2, 2.0, 30)
    quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
    facts = {"quantile_forecasts": y[60:, np.newaxis] + np.outer(width, [-2, -1, 0, 1, 2])}
    facts |= {"truth": y[60:] + 1.5 * np.cos(steps[60:]), "quantiles": quantiles}
    ForecastDisplay(y[:60], y[60:], **facts).plot(figure.subplots())


def attention(figure):
    words = "the cat sat on the mat".split()
    weights = np.exp(-0.8 * np.abs(np.arange(5)[:, np.newaxis] - np.arange(6)[::-1]))
    weights /= weights.sum(axis=1, keepdims=True)
    facts = {"input_labels": words, "output_labels": list("abcde")}
    AttentionDisplay(weights, **facts).plot(figure.subplots())


def spiral(n_dimensions):
    t = np.linspace(0, 12, 150)
    return (
        np.column_stack([np.cos(t), np.sin(t), t / 12])[:, :n_dimensions]
        * (1 - 0.05 * t)[:, np.newaxis]
    )


def state_space(figure):
    path = spiral(2)
    points = np.stack(np.meshgrid(*[np.linspace(-1, 1, 8)] * 2), axis=-1).reshape(-1, 2)
    facts = {"field_points": points, "field_arrows": 0.2 * points[:, ::-1] * [-1, 1]}
    facts |= {"continuations": [path[90:]], "axis_labels": ["x", "y"]}
    StateSpaceDisplay([path[:91]], **facts).plot(figure.subplots())


def state_space_3d(figure):
    path = spiral(3)
    ax = figure.subplots(subplot_kw={"projection": "3d"})
    facts = {"axis_labels": [f"PC {k + 1} (33 %)" for k in range(3)]}
    StateSpaceDisplay([path[:91]], continuations=[path[90:]], **facts).plot(ax)


def attribution(figure):
    steps = np.arange(30)[:, np.newaxis]
    values = np.sin(steps / 4 + np.arange(3)) * np.exp(-((steps - 20) ** 2) / 80)
    names = ["volt", "watt", "celsius"]
    AttributionDisplay(values, feature_names=names).plot(figure.subplots())


PICTURES = (
    *(loss_curve, sequence_labels, hidden_states, forecast, attention, attribution),
    *(state_space, state_space_3d),
)


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
def test_pictures_look_as_they_did(draw):
    compare(draw, draw.__name__, *((7.0, 3.0) if draw is hidden_states else ()))


@pytest.mark.parametrize("draw", [forecast, attention, state_space, state_space_3d])
def test_pictures_without_one_of_their_parts_are_told(draw):
    figure = new_figure(4.0, 3.0, layout=None)
    draw(figure)
    hide_text(figure)
    stored = pixels_of(figure)
    assert difference(np.roll(stored, 1, axis=1), stored) == 0  # where edges are may change
    parts = [part for ax in figure.axes for part in (*ax.lines, *ax.collections, *ax.images)]
    for part in parts:
        part.set_visible(False)
        is_empty = not getattr(part, "get_paths", lambda: [1])()
        assert is_empty or difference(pixels_of(figure), stored) > 2 * TOLERANCE, part
        part.set_visible(True)


def test_labels_do_not_overlap():
    for n in (3, 30, 300):
        figure = new_figure(3.0, 2.0)
        labels = [f"word{k}" for k in range(n)]
        weights = np.full((n, n), 1 / n)
        facts = {"input_labels": labels, "output_labels": labels}
        display = AttentionDisplay(weights, **facts).plot(figure.subplots())
        figure.canvas.draw()
        for axis in (display.ax_.xaxis, display.ax_.yaxis):
            boxes = [text.get_window_extent() for text in axis.get_ticklabels()]
            assert len(boxes) == 3 if n == 3 else 3 < len(boxes) < n
            assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
def test_labels_are_inside_small_pictures(draw):
    figure = new_figure(*((4.5, 2.0) if draw is hidden_states else (3.0, 2.0)))
    draw(figure)
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for ax in figure.axes:
        axes_of = [getattr(ax, f"{name}axis") for name in "xyz" if hasattr(ax, f"{name}axis")]
        for text in (axis.label for axis in axes_of):
            box = text.get_window_extent()
            inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
            assert inside, text.get_text()
            legend = ax.get_legend()
            assert legend is None or not box.overlaps(legend.get_window_extent()), text.get_text()
