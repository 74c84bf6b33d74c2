"""Teacher forcing, perplexity and sampling."""

import numpy as np
from style import BLUE, GREY, ORANGE, SIZE, SMALL, arrow, box, canvas, plot, save, word

from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.seq2seq import Seq2SeqRegressor

TRUE, WRITTEN = "407", "497"


def draw_teacher_forcing():
    ax = canvas(330)
    xs = (125, 205, 285)
    for low, title in ((175, "Training reads the true label before"), (0, "Writing reads its own")):
        training = low > 0
        word(ax, 8, low + 140, title, ha="left")
        for text, y in (("writes", 108), ("reads", 16)):
            word(ax, 8, low + y, text, ha="left", fontsize=SMALL)
        read = " " + (TRUE if training else WRITTEN)
        for t, x in enumerate(xs):
            box(ax, x, low + 62, "cell", width=44, height=30)
            if t:
                arrow(ax, (xs[t - 1] + 23, low + 62), (x - 23, low + 62), BLUE)
            arrow(ax, (x, low + 28), (x, low + 46))
            arrow(ax, (x, low + 78), (x, low + 97))
            word(ax, x, low + 108, WRITTEN[t], ORANGE)
            color = BLUE if training else ORANGE
            word(ax, x, low + 16, read[t] if t else "start", color if t else GREY)
            if t and not training:
                start, end = (xs[t - 1] + 9, low + 104), (x - 9, low + 22)
                arrow(ax, start, end, ORANGE, ls=":")
    save(ax, "teacher_forcing")


def waves(n_samples=300, n_timesteps=60, seed=0):
    """Return noisy waves of different frequencies and phases."""
    rng = np.random.default_rng(seed)
    frequencies, phases = rng.uniform(0.2, 0.4, (n_samples, 1)), rng.uniform(0, 6, (n_samples, 1))
    noise = 0.1 * rng.normal(size=(n_samples, n_timesteps))
    return np.sin(frequencies * np.arange(n_timesteps) + phases) + noise


def draw_writing_errors():
    series = waves()
    ax = plot(240)
    for teacher_forcing, color, text in ((1.0, BLUE, "true numbers"), (0.0, ORANGE, "its own")):
        rnn = Seq2SeqRegressor(
            16,
            teacher_forcing=teacher_forcing,
            max_iter=20,
            learning_rate="cosine",
            learning_rate_init=0.01,
            random_state=0,
        )
        rnn.fit(series[:200, :30], series[:200, 30:])
        errors = np.abs(rnn.predict(series[200:, :30]) - series[200:, 30:]).mean(axis=0)
        print(f"teacher_forcing={teacher_forcing}: loss {rnn.loss_:.3f}, errors {errors[[0, -1]]}")
        ax.plot(np.arange(1, 31), errors, color=color, lw=2, label=f"training read {text}")
    ax.set(xlabel="step that is written", ylabel="mean absolute error", ylim=(0, 0.8))
    ax.legend(loc="upper left")
    save(ax, "writing_errors")


def draw_perplexity():
    axes = plot(180, 1, 2, sharey=True)
    dice = {"fair die": [1 / 6] * 6, "loaded die": [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]}
    for ax, (name, p) in zip(axes, dice.items(), strict=True):
        perplexity = np.exp(-np.dot(p, np.log(p)))
        ax.bar(range(1, 7), p, color=BLUE)
        ax.set_title(f"{name}: {perplexity:.2g}", color=GREY, fontsize=SIZE)
        ax.set_xticks(range(1, 7))
    axes[0].set_ylabel("probability")
    save(axes[0], "perplexity")


WEATHER = {"sunny": 0.5, "cloudy": 0.25, "rainy": 0.15, "foggy": 0.07, "snowy": 0.03}


def weather_model():
    """Return a language model of forecasts, and its probabilities of the last word."""
    words, p = list(WEATHER), list(WEATHER.values())
    drawn = np.random.default_rng(0).choice(words, p=p, size=1000)
    budget = dict(max_iter=20, learning_rate="cosine", random_state=0)
    model = RNNLanguageModel(8, embedding_dim=4, **budget)
    model.fit([f"tomorrow will be {word}" for word in drawn])
    probabilities = model.predict_next_proba("tomorrow will be")
    return probabilities[[model.encoder_.vocabulary_[word] for word in words]]


def draw_temperature():
    p = weather_model()
    axes = plot(210, 1, 3, sharey=True, sharex=True)
    for ax, temperature in zip(axes, (0.5, 1, 2), strict=True):
        powers = p ** (1 / temperature)
        ax.barh(list(WEATHER), powers / powers.sum(), color=BLUE)
        ax.set_title(f"T = {temperature}", color=GREY, fontsize=SIZE)
        ax.set_xticks([0, 0.5], ["0", "0.5"])
    axes[0].invert_yaxis()
    axes[1].set_xlabel("probability")
    save(axes[0], "temperature")
