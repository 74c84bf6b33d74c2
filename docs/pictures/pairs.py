"""Encoder and decoder, attention and beam search."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from sklearn.pipeline import make_pipeline
from style import BLUE, GREEN, GREY, ORANGE, SMALL, arrow, box, canvas, line, save, word

from sklearn_rnn.seq2seq import Seq2SeqClassifier
from sklearn_rnn.text import TokenEncoder

UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
UNITS = f"{UNITS} fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
QUESTION = "four hundred and seven"


def say(n):
    """Return the words of a number below 1000."""
    if n < 20:
        return UNITS[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f" {UNITS[n % 10]}" if n % 10 else "")
    return f"{UNITS[n // 100]} hundred" + (f" and {say(n % 100)}" if n % 100 else "")


def number_model():
    """Return a model that learned to write the digits of spoken numbers."""
    numbers = np.random.default_rng(0).permutation(1000)[:700]
    budget = dict(max_iter=15, batch_size=16, learning_rate="cosine", learning_rate_init=0.01)
    decoder = Seq2SeqClassifier(
        32,
        attention="additive",
        categorical_features="all",
        embedding_dim=8,
        random_state=0,
        **budget,
    )
    return make_pipeline(TokenEncoder(), decoder).fit(
        [say(n) for n in numbers], list(map(str, numbers))
    )


def draw_encoder_decoder():
    ax = canvas(270)
    xs = (34, 110, 188, 264)
    for i, (x, text) in enumerate(zip(xs, QUESTION.split(), strict=True)):
        word(ax, x, 14, text)
        arrow(ax, (x, 26), (x, 46))
        box(ax, x, 62, "", width=40, height=28)
        if i:
            arrow(ax, (xs[i - 1] + 21, 66), (x - 21, 66), BLUE)
            arrow(ax, (x - 21, 58), (xs[i - 1] + 21, 58), BLUE)
    word(ax, 326, 97, "encoder", BLUE, ha="right", fontsize=SMALL)
    box(ax, 165, 62, "", BLUE, 326, 44, filled=False)
    arrow(ax, (14, 85), (42, 186), BLUE)
    tops = (60, 135, 210, 285)
    for i, (x, text) in enumerate(zip(tops, ["4", "0", "7", "stop"], strict=True)):
        box(ax, x, 200, "", GREEN, 40, 28)
        arrow(ax, (x, 216), (x, 240))
        word(ax, x, 252, text, ORANGE)
        if i:
            arrow(ax, (tops[i - 1] + 21, 200), (x - 21, 200), GREEN)
            arrow(ax, (tops[i - 1] + 8, 246), (x - 12, 215), ORANGE, ls=":")
    word(ax, 326, 172, "decoder", GREEN, ha="right", fontsize=SMALL)
    weights = (0.04, 0.04, 0.08, 0.84)
    for x, weight in zip(xs, weights, strict=True):
        line(ax, (x, 78), (210, 184), color=ORANGE, lw=1 + 6 * weight)
    word(ax, 326, 140, "attention", ORANGE, ha="right", fontsize=SMALL)
    save(ax, "encoder_decoder")


def draw_attention():
    model = number_model()
    codes = model[:-1].transform([QUESTION])
    weights, answer = model[-1].attention_weights(codes)[0], model[-1].predict(codes)[0]
    print("answer", answer)
    ax = canvas(150)
    for j, text in enumerate(QUESTION.split()):
        word(ax, 75 + 72 * j, 136, text)
    for i, label in enumerate(answer):
        word(ax, 16, 100 - 40 * i, label, ORANGE)
        for j, weight in enumerate(weights[i]):
            x, y = 75 + 72 * j, 100 - 40 * i
            color = (*to_rgb(BLUE), float(weight))
            ax.add_patch(Rectangle((x - 34, y - 18), 68, 36, fc=color, ec=GREY, lw=0.5))
            word(ax, x, y, f"{weight:.2f}", "white" if weight > 0.5 else GREY)
    save(ax, "attention")


def draw_beam():
    ax = canvas(190)
    left, middle, right = 30, 128, 226
    box(ax, left, 88, "start", GREY, 52, 30, filled=False)
    firsts = {"a": (0.6, 130, ORANGE), "b": (0.4, 46, BLUE)}
    seconds = {"a": ("ab", (0.55, 0.45)), "b": ("ab", (0.1, 0.9))}
    best = {"aa": ORANGE, "bb": BLUE}
    for first, (p, y, color) in firsts.items():
        arrow(ax, (left + 27, 88), (middle - 37, y), color)
        box(ax, middle, y, f"{first} {p}", color, 70, 30)
        letters, probabilities = seconds[first]
        for second, q, height in zip(letters, probabilities, (y + 21, y - 21), strict=True):
            shade = best.get(first + second, GREY)
            arrow(ax, (middle + 37, y), (right - 37, height), shade)
            box(ax, right, height, f"{second} {q}", shade, 70, 30, filled=shade != GREY)
            word(ax, 300, height, f"{p * q:.2f}", shade)
    word(ax, 300, 180, "product", fontsize=SMALL)
    save(ax, "beam")
