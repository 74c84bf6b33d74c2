"""The steps of gated cells, and the gates of a trained network."""

import numpy as np
from style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SMALL,
    arrow,
    box,
    canvas,
    circle,
    line,
    plot,
    save,
    word,
)

from sklearn_rnn import RNNRegressor

EXAMPLE = 458  # six marks


def bus(ax, xs, y, top):
    """Draw the line from which the gates at xs read x and h."""
    line(ax, (70, y), (max(xs), y))
    word(ax, 33, y, "$x_t,\\ h_{t-1}$")
    for x in xs:
        arrow(ax, (x, y), (x, top))


def draw_lstm():
    ax = canvas(235)
    bus(ax, (75, 135, 190, 255), 16, 42)
    for x, name, color in (
        (75, "f", ORANGE),
        (135, "i", ORANGE),
        (190, "g", BLUE),
        (255, "o", ORANGE),
    ):
        box(ax, x, 60, name, color, 36, 32)
    # forget
    word(ax, 18, 200, "$c_{t-1}$", GREEN)
    arrow(ax, (38, 200), (63, 200), GREEN)
    circle(ax, 75, 200, "×")
    arrow(ax, (75, 77), (75, 187), ORANGE)
    # write
    circle(ax, 163, 130, "×")
    arrow(ax, (135, 77), (154, 121), ORANGE)
    arrow(ax, (190, 77), (172, 121), BLUE)
    circle(ax, 163, 200, "+")
    arrow(ax, (88, 200), (150, 200), GREEN)
    arrow(ax, (163, 143), (163, 187))
    arrow(ax, (176, 200), (305, 200), GREEN)
    word(ax, 316, 200, "$c_t$", GREEN)
    # read
    box(ax, 255, 158, "tanh", GREEN, 54, 28, filled=False)
    line(ax, (255, 200), (255, 173), color=GREEN)
    circle(ax, 255, 112, "×")
    arrow(ax, (255, 143), (255, 125), GREEN)
    arrow(ax, (255, 77), (255, 99), ORANGE)
    arrow(ax, (268, 112), (305, 112), BLUE)
    word(ax, 316, 112, "$h_t$", BLUE)
    word(ax, 119, 222, "forget", ORANGE, fontsize=SMALL, ha="right")
    word(ax, 163, 222, "write", ORANGE, fontsize=SMALL)
    word(ax, 300, 90, "read", ORANGE, fontsize=SMALL)
    save(ax, "lstm")


def draw_gru():
    ax = canvas(215)
    bus(ax, (75, 165, 255), 16, 42)
    for x, name, color in ((75, "z", ORANGE), (165, "n", BLUE), (255, "r", ORANGE)):
        box(ax, x, 60, name, color, 36, 32)
    arrow(ax, (236, 60), (184, 60), ORANGE)
    word(ax, 19, 180, "$h_{t-1}$", BLUE)
    arrow(ax, (39, 180), (63, 180), BLUE)
    circle(ax, 75, 180, "×")
    arrow(ax, (75, 77), (75, 167), ORANGE)
    circle(ax, 165, 120, "×")
    arrow(ax, (165, 77), (165, 107), BLUE)
    line(ax, (75, 120), (95, 120), color=ORANGE)
    word(ax, 117, 120, "1 − z", ORANGE, fontsize=SMALL)
    arrow(ax, (139, 120), (152, 120), ORANGE)
    circle(ax, 165, 180, "+")
    arrow(ax, (88, 180), (152, 180), BLUE)
    arrow(ax, (165, 133), (165, 167))
    arrow(ax, (178, 180), (305, 180), BLUE)
    word(ax, 316, 180, "$h_t$", BLUE)
    word(ax, 75, 204, "keep", ORANGE, fontsize=SMALL)
    word(ax, 165, 204, "write", ORANGE, fontsize=SMALL)
    save(ax, "gru")


def marked_values(n_samples=500, n_timesteps=30, seed=0):
    """Return sequences of values and marks, and at each step the last marked value."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_timesteps, 2))
    X[:, :, 1] = rng.random((n_samples, n_timesteps)) < 0.12
    X[:, 0, 1] = 1
    last = np.maximum.accumulate(np.where(X[:, :, 1] == 1, np.arange(n_timesteps), 0), axis=1)
    return X, np.take_along_axis(X[:, :, 0], last, axis=1)


def lstm_gates(rnn, x):
    """Return the input gates, forget gates and cell states of a layer of LSTM at each step."""
    w, rows = rnn.weights_, []
    h = c = np.zeros(rnn.hidden_layer_sizes)
    for step in x:
        z = w["weight_ih_l0"] @ step + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
        i, f, g, o = np.split(z, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        rows.append((i, f, c))
    return np.moveaxis(np.array(rows), 1, 0)


def draw_gates():
    X, y = marked_values()
    x, target = X[EXAMPLE], y[EXAMPLE]
    budget = dict(max_iter=60, learning_rate="cosine", learning_rate_init=0.02, random_state=2)
    rnn = RNNRegressor(2, cell="lstm", mode="many_to_many", normalize_X=False, **budget)
    rnn.fit(X[:400], y[:400])
    i, f, c = lstm_gates(rnn, x)
    correlations = np.array([np.corrcoef(states, target)[0, 1] for states in c.T])
    unit = np.argmax(np.abs(correlations))
    sign = int(np.sign(correlations[unit]))
    steps, marked = np.arange(1, 31), x[:, 1] == 1
    axes = plot(400, 3, sharex=True, height_ratios=(1.2, 1, 1))
    axes[0].step(steps, target, color=GREY, where="mid", lw=1.5)
    axes[0].plot(steps[~marked], x[~marked, 0], "o", color=GREY, ms=3)
    axes[0].plot(steps[marked], x[marked, 0], "o", color=ORANGE, ms=7)
    axes[1].step(steps, f[:, unit], color=BLUE, where="mid", lw=2, label="forget")
    axes[1].step(steps, i[:, unit], color=ORANGE, where="mid", lw=2, label="input")
    axes[1].set(ylim=(-0.05, 1.05))
    axes[2].step(steps, sign * c[:, unit], color=GREEN, where="mid", lw=2)
    axes[2].set(xlabel="step")
    state = "cell state" if sign > 0 else "cell state (times −1)"
    for ax, title in zip(axes, ("values, and the last marked one", "gates", state), strict=True):
        ax.set_title(title, fontsize=SMALL, loc="left", color=GREY)
        for step in steps[marked]:
            ax.axvline(step, color=ORANGE, ls=":", lw=1)
    axes[1].legend(
        ncols=2, loc="lower right", bbox_to_anchor=(1, 0.97), borderpad=0, borderaxespad=0
    )
    save(axes[0], "gates")
