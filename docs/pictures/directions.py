"""Two directions, and padding."""

from style import BLUE, GREY, ORANGE, SMALL, arrow, box, canvas, save, word


def chain(ax, y, texts, xs, color, last, backwards=False):
    """Draw cells in a row; `last` is the index of the one whose state is the last one."""
    for i, (x, text) in enumerate(zip(xs, texts, strict=True)):
        box(ax, x, y, text, color, 40, 30, filled=i == last, fontsize=SMALL)
        if i:
            ends = (xs[i - 1] + 21, y), (x - 21, y)
            arrow(ax, *(ends[::-1] if backwards else ends), color)


def draw_directions():
    ax = canvas(194)
    xs = [28, 96, 164, 232, 300]
    for t, x in enumerate(xs, start=1):
        word(ax, x, 14, f"$x_{t}$")
    word(ax, 8, 179, "forwards: has read the steps", BLUE, ha="left")
    chain(ax, 146, ["1", "1–2", "1–3", "1–4", "1–5"], xs, BLUE, last=4)
    word(ax, 8, 110, "backwards: has read the steps", ORANGE, ha="left")
    chain(ax, 77, ["5–1", "5–2", "5–3", "5–4", "5"], xs, ORANGE, last=0, backwards=True)
    word(ax, 8, 46, "the last state", ORANGE, fontsize=SMALL, ha="left")
    word(ax, 322, 46, "read one step only", GREY, fontsize=SMALL, ha="right")
    save(ax, "directions")


def draw_padding():
    ax = canvas(150)
    xs = [28, 96, 164, 232, 300]
    for x, text in zip(xs, ("$x_1$", "$x_2$", "$x_3$", "0", "0"), strict=True):
        word(ax, x, 14, text)
    chain(ax, 100, ["1", "1–2", "1–3"], xs[:3], BLUE, last=2)
    chain(ax, 55, ["3–1", "3–2", "3"], xs[:3], ORANGE, last=0, backwards=True)
    for x in xs[3:]:
        for y in (100, 55):
            box(ax, x, y, "–", GREY, 40, 30, filled=False)
    word(ax, 322, 135, "padding is not read", GREY, ha="right", fontsize=SMALL)
    save(ax, "padding")
