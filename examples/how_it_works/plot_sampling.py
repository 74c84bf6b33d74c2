"""
Perplexity, temperature and top_k
=================================

A language model learns a grammar whose true probabilities are known.

Reber (1967) made words by walks through a small graph. Cleeremans, Servan-Schreiber and McClelland
(1989) trained recurrent networks on them. We know the true probability of each word, so we know the
lowest possible perplexity, and which words of the model are correct.
"""

# %%
# A walk starts at place 0 and ends at place 5. Each place has two exits: the first is taken with a
# probability of 0.7, and the other with 0.3. Each exit adds its letter to the word.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn.language import RNNLanguageModel

EXITS = {
    0: {"T": 1, "P": 2},
    1: {"X": 3, "S": 1},
    2: {"V": 4, "T": 2},
    3: {"S": 5, "X": 2},
    4: {"V": 5, "P": 3},
}
P = (0.7, 0.3)


def walk(rng):
    place, word = 0, ""
    while place != 5:
        letter = rng.choice(list(EXITS[place]), p=P)
        word, place = word + letter, EXITS[place][letter]
    return word


def log_probability(word):
    """Return the logarithm of the probability of a word; that of a wrong one is -inf."""
    place, total = 0, 0.0
    for letter in word:
        exits = list(EXITS.get(place, ()))
        if letter not in exits:
            return -np.inf
        total += np.log(P[exits.index(letter)])
        place = EXITS[place][letter]
    return total if place == 5 else -np.inf


rng = np.random.default_rng(0)
words, test = [walk(rng) for _ in range(1500)], [walk(rng) for _ in range(1500)]
print(*words[:6])
model = RNNLanguageModel(
    16,
    analyzer="char",
    lowercase=False,
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=30,
    random_state=0,
)
model.fit(words)

# %%
# **Perplexity** is the exponential of the mean loss per token: the number of equally probable
# tokens that would be as hard to guess. The end of a word is a token, too. No model can be better
# than the grammar itself:

n_tokens = sum(len(word) + 1 for word in test)
best = np.exp(-sum(map(log_probability, test)) / n_tokens)
print(f"perplexity of new words: {model.perplexity(test):.3f}, of the grammar itself: {best:.3f}")

# %%
# **Temperature.** The outputs of the network are divided by the temperature before the softmax.
# Below 1, probable letters become more probable, and at 0 the most probable one is always taken.
# Above 1, improbable letters become more probable. Here are the probabilities of the letters after
# "TX", of which only "S" and "X" are correct.

letters, codes = "PSTVX", model.encoder_.vocabulary_
p = model.predict_next_proba("TX")[[codes[letter] for letter in letters]].astype(float)
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for k, (temperature, color) in enumerate({0.5: "#0072B2", 1: "#E69F00", 3: "#D55E00"}.items()):
    scaled = p ** (1 / temperature)
    places = np.arange(len(letters)) + 0.27 * (k - 1)
    ax.bar(places, scaled / scaled.sum(), 0.27, color=color, label=f"temperature {temperature}")
ax.set_xticks(range(len(letters)), letters)
ax.set(xlabel='Letter after "TX"', ylabel="Probability")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)

# %%
# **What is correct?** We draw 500 words at each temperature. At low temperatures all of them are
# correct, but only a few are different. At high temperatures many are wrong. ``top_k=2`` draws only
# from the two most probable letters. Each place has two exits, so most words are then correct even
# at high temperatures. The shares and, in parentheses, the numbers are printed, too.

temperatures = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for top_k, color in ((None, "#D55E00"), (2, "#0072B2")):
    correct, different = [], []
    for temperature in temperatures:
        sample = model.sample(500, temperature=temperature, top_k=top_k, random_state=0)
        right = [word for word in sample if np.isfinite(log_probability(word))]
        correct.append(len(right) / 500)
        different.append(len(set(right)))
    for ax, values in zip(axes, (correct, different), strict=True):
        ax.plot(temperatures, values, ".-", color=color, label=f"top_k={top_k}")
    print(f"top_k={top_k!s:4}", *map("{:.2f} ({})".format, correct, different))
axes[0].set(xlabel="Temperature", ylabel="Share of correct words", ylim=(0, 1.05))
axes[1].set(xlabel="Temperature", ylabel="Different correct words")
for ax in axes:
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
plt.show()

# sphinx_gallery_thumbnail_number = 2
