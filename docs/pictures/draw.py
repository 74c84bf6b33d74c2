"""Draw the pictures of docs/concepts.md: `python docs/pictures/draw.py`.

They have no background, and colours that can be read on light and dark pages.
"""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch

HERE = Path(__file__).parent
BLUE, ORANGE, GREY = "#3a93b0", "#d97b29", "#858c94"


def canvas(width, height):
    fig, ax = plt.subplots(figsize=(width, height), dpi=150)
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.set_axis_off()
    return fig, ax


def box(ax, x, y, text, color=BLUE):
    patch = FancyBboxPatch((x - 0.3, y - 0.22), 0.6, 0.44, boxstyle="round,pad=0.02", fc=color)
    patch.set_edgecolor("none")
    ax.add_patch(patch)
    ax.text(x, y, text, color="white", ha="center", va="center", fontsize=10)


def arrow(ax, start, end, color=GREY, **style):
    style = {"arrowstyle": "-|>", "color": color, "lw": 1.5, **style}
    ax.annotate("", end, start, arrowprops=style)


def word(ax, x, y, text, color=GREY, **kwargs):
    ax.text(x, y, text, color=color, ha="center", va="center", fontsize=10, **kwargs)


def save(fig, name):
    fig.savefig(HERE / f"{name}.png", transparent=True, bbox_inches="tight", pad_inches=0.05)
    plt.close(fig)


def draw_unfolding():
    fig, ax = canvas(7.4, 2.6)
    box(ax, 0.8, 1.3, "cell")
    arrow(ax, (0.8, 0.5), (0.8, 1.05))
    arrow(ax, (0.8, 1.55), (0.8, 2.1))
    arrow(ax, (1.14, 1.42), (1.14, 1.18), BLUE, connectionstyle="arc3,rad=-2.2")
    word(ax, 0.8, 0.35, "$x_t$")
    word(ax, 0.8, 2.25, "$h_t$")
    word(ax, 2.1, 1.3, "=", fontweight="bold")
    for i, x in enumerate((3.3, 4.9, 6.5)):
        box(ax, x, 1.3, "cell")
        arrow(ax, (x, 0.5), (x, 1.05))
        arrow(ax, (x, 1.55), (x, 2.1))
        word(ax, x, 0.35, f"$x_{i}$")
        word(ax, x, 2.25, f"$h_{i}$")
        arrow(ax, (x - 1.25 if i else x - 0.75, 1.3), (x - 0.35, 1.3), BLUE)
    word(ax, 2.72, 1.55, "0")
    save(fig, "unfolding")


def draw_shapes():
    fig, ax = canvas(9.6, 2.7)
    starts = {
        "one per sequence": 0.5,
        "one per step": 2.9,
        "another length": 5.3,
        "continuing": 7.7,
    }
    for title, left in starts.items():
        word(ax, left + 0.7, 2.55, title)
        n = 2 if title == "another length" else 3
        xs = [left + 0.7 * i for i in range(3)]
        for i, x in enumerate(xs):
            reads = i < n if title != "continuing" else i < 1
            writes = {"one per sequence": i == 2, "another length": i >= 1}.get(title, True)
            small = FancyBboxPatch(
                (x - 0.18, 1.2), 0.36, 0.34, boxstyle="round,pad=0.01", ec="none", fc=BLUE
            )
            ax.add_patch(small)
            if i:
                arrow(ax, (xs[i - 1] + 0.2, 1.37), (x - 0.19, 1.37), BLUE)
            if reads:
                arrow(ax, (x, 0.65), (x, 1.17))
                ax.plot(x, 0.55, "o", color=GREY, ms=7)
            if writes:
                arrow(ax, (x, 1.57), (x, 2.08))
                ax.plot(x, 2.2, "o", color=ORANGE, ms=7)
            if title == "continuing" and i:
                arrow(ax, (xs[i - 1] + 0.08, 2.12), (x - 0.1, 1.56), ORANGE, ls=":", lw=1.2)
    save(fig, "shapes")


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
    fig, ax = plt.subplots(figsize=(6, 2.8), dpi=150)
    ax.set_facecolor("none")
    cases = {
        "Elman, orthogonal weights": (None, ORANGE),
        "LSTM, forget bias 1": (1, BLUE),
        "LSTM, forget bias 4": (4, "#6a9f3c"),
    }
    for label, (forget, color) in cases.items():
        norms = gradient_norms(forget)
        ax.semilogy(norms, color=color, lw=2, label=label)
    ax.set_xlabel("steps back", color=GREY)
    ax.set_ylabel("norm of the gradient", color=GREY)
    ax.set_ylim(1e-9, 3)
    ax.tick_params(colors=GREY, which="both")
    for name, spine in ax.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(GREY)
    ax.legend(frameon=False, labelcolor=GREY, fontsize=9)
    save(fig, "gradients")


if __name__ == "__main__":
    draw_unfolding()
    draw_shapes()
    draw_gradients()
