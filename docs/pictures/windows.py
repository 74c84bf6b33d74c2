"""Truncated back-propagation through time."""

import warnings

import numpy as np
from style import BLUE, GREY, ORANGE, SMALL, arrow, box, canvas, line, plot, save, word

from sklearn_rnn import RNNRegressor


def draw_windows():
    ax = canvas(170)
    xs = 22 + 36 * np.arange(9)
    for k in range(3):
        word(ax, xs[3 * k + 1], 150, f"window {k + 1}")
        box(ax, xs[3 * k + 1], 85, "", GREY, 102, 96, filled=False)
    for t, x in enumerate(xs):
        box(ax, x, 95, "", width=20, height=24)
        if t:
            arrow(ax, (xs[t - 1] + 11, 95), (x - 11, 95), BLUE)
        if t % 3:
            arrow(ax, (x, 62), (xs[t - 1], 62), ORANGE)
        else:
            line(ax, (x - 2, 52), (x - 2, 72), color=ORANGE, lw=3)
    word(ax, 60, 18, "states go on", BLUE, ha="left", fontsize=SMALL)
    word(ax, 300, 18, "the gradient stops", ORANGE, ha="right", fontsize=SMALL)
    save(ax, "windows")


def delayed(n_steps, delay, seed=0):
    """Return a series of noise, and the same series some steps later."""
    x = np.random.default_rng(seed).normal(size=n_steps)
    return x, np.where(np.arange(n_steps) < delay, 0, np.roll(x, delay))


def score_of_windows(n_steps, delay=8, n_train=3000):
    """Return R2 of a network that was trained in windows, on the steps after its training data."""
    x, y = delayed(4000, delay)
    budget = dict(max_iter=10, learning_rate="cosine", learning_rate_init=0.01, batch_size=4)
    rnn = RNNRegressor(
        16, cell="elman", mode="many_to_many", bptt=n_steps, random_state=0, **budget
    )
    rnn.fit([x[:n_train]], [y[:n_train]])
    return rnn.score([x[n_train:]], [y[n_train:]])


def draw_window_lengths():
    lengths = [2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256, 512]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = [score_of_windows(n_steps) for n_steps in lengths]
    ax = plot(240)
    ax.semilogx(lengths, scores, "o-", color=BLUE, lw=2, base=2)
    ax.axvline(8, color=ORANGE, ls=":", lw=1.5)
    word(ax, 7.2, 0.8, "effect:\n8 steps", ORANGE, ha="right", fontsize=SMALL)
    ax.set_xticks([2, 8, 32, 128, 512], ["2", "8", "32", "128", "512"])
    ax.set(xlabel="steps of a window", ylabel="$R^2$ on new steps", ylim=(-0.05, 1.05))
    ax.minorticks_off()
    save(ax, "window_lengths")
