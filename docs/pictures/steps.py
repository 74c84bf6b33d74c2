"""One step, all steps, and the way back of the gradient."""

import numpy as np
from style import BLUE, GREEN, GREY, ORANGE, arrow, box, canvas, plot, save, word


def draw_unfolding():
    ax = canvas(150)
    box(ax, 32, 75, "cell")
    arrow(ax, (32, 28), (32, 57))
    arrow(ax, (32, 93), (32, 122))
    arrow(ax, (57, 84), (57, 66), BLUE, connectionstyle="arc3,rad=-2.2")
    word(ax, 32, 15, "$x_t$")
    word(ax, 32, 136, "$h_t$")
    word(ax, 97, 75, "=", fontweight="bold")
    word(ax, 119, 75, "0")
    left = 126
    for t, x in enumerate((172, 238, 304), start=1):
        box(ax, x, 75, "cell")
        arrow(ax, (x, 28), (x, 57))
        arrow(ax, (x, 93), (x, 122))
        word(ax, x, 15, f"$x_{t}$")
        word(ax, x, 136, f"$h_{t}$")
        arrow(ax, (left, 75), (x - 25, 75), BLUE)
        left = x + 25
    save(ax, "unfolding")


def draw_shapes():
    titles = ("one per sequence", "one per step", "another length", "continuing")
    ax = canvas(290)
    for k, title in enumerate(titles):
        left, low = 28 + 172 * (k % 2), 150 * (1 - k // 2)
        word(ax, left + 50, low + 130, title)
        xs = [left, left + 50, left + 100]
        for i, x in enumerate(xs):
            reads = {"another length": i < 2, "continuing": i == 0}.get(title, True)
            writes = {"one per sequence": i == 2, "another length": i >= 1}.get(title, True)
            box(ax, x, low + 60, "", width=24, height=24)
            if i:
                arrow(ax, (xs[i - 1] + 13, low + 60), (x - 13, low + 60), BLUE)
            if reads:
                arrow(ax, (x, low + 18), (x, low + 46))
                ax.plot(x, low + 12, "o", color=GREY, ms=7)
            if writes:
                arrow(ax, (x, low + 74), (x, low + 100))
                ax.plot(x, low + 107, "o", color=ORANGE, ms=7)
            if title == "continuing" and i:
                arrow(ax, (xs[i - 1] + 5, low + 102), (x - 10, low + 74), ORANGE, ls=":", lw=1.5)
    save(ax, "shapes")


def draw_backpropagation():
    ax = canvas(190)
    xs = (40, 150, 260)
    box(
        ax,
        165,
        22,
        "weights W, U, b: the sum over the steps",
        ORANGE,
        326,
        34,
        filled=False,
        fontsize=11,
    )
    for t, x in enumerate(xs, start=1):
        box(ax, x, 105, "cell")
        arrow(ax, (x, 86), (x, 41), ORANGE)
        if t > 1:
            word(ax, x - 55, 128, f"$h_{t - 1}$", BLUE)
            arrow(ax, (xs[t - 2] + 26, 112), (x - 26, 112), BLUE)
            arrow(ax, (x - 26, 97), (xs[t - 2] + 26, 97), ORANGE)
    arrow(ax, (252, 123), (252, 152), BLUE)
    arrow(ax, (268, 152), (268, 123), ORANGE)
    word(ax, 260, 168, "loss")
    word(ax, 45, 172, "states", BLUE)
    word(ax, 118, 172, "gradient", ORANGE)
    save(ax, "backpropagation")


def gradient_norms(forget=None, size=32, steps=60, seed=0):
    """Return the norm of d h_T / d h_(T-k), or of d c_T / d c_(T-k) with gates, for all k."""
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.normal(size=(size, size)))[0]
    total, norms, h = np.eye(size), [1.0], np.zeros(size)
    for _ in range(steps):
        if forget is None:
            h = np.tanh(rng.normal(size=size) + U @ h)
            total = ((1 - h**2)[:, None] * U) @ total
        else:
            gate = 1 / (1 + np.exp(-(rng.normal(size=size) + forget)))
            total = gate[:, None] * total
        norms.append(np.linalg.norm(total, 2))
    return np.array(norms)


def draw_gradients():
    ax = plot(250)
    cases = {"Elman": (None, ORANGE), "LSTM, bias 1": (1, BLUE), "LSTM, bias 4": (4, GREEN)}
    for label, (forget, color) in cases.items():
        ax.semilogy(gradient_norms(forget), color=color, lw=2, label=label)
    ax.set(xlabel="steps back", ylabel="norm of the gradient", ylim=(1e-11, 10))
    ax.legend(loc="lower left")
    save(ax, "gradients")
