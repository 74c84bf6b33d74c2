"""
Longer sequences than in training
=================================

Which networks learn to count, and which only learn the lengths that they have seen?

A network reads n letters "a", and then n letters "b". It must predict the end of the word, so it
must count. Gers and Schmidhuber (2001) found that an LSTM can do this for longer words than those
of the training, and Weiss, Goldberg and Yahav (2018) explained why: its cell state has no bound and
can count, while the states of other cells are between -1 and 1.
"""

# %%
# The training words have n from 1 to 30. The target at each letter is what comes next: after an "a"
# nobody can know it ("?"), after a "b" it is another "b", and after the last one it is the end.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNClassifier

A, B = np.eye(2)


def word(n, n_b):
    return np.array([A] * n + [B] * n_b)


def answers(n):
    return ["?"] * n + ["b"] * (n - 1) + ["end"]


rng = np.random.default_rng(0)
lengths = rng.integers(1, 31, size=300)
X, y = [word(n, n) for n in lengths], [answers(n) for n in lengths]

networks = {}
for cell in ("elman", "gru", "lstm"):
    networks[cell] = [
        RNNClassifier(
            16,
            cell=cell,
            mode="many_to_many",
            learning_rate="cosine",
            learning_rate_init=0.01,
            max_iter=150,
            n_iter_no_change=150,
            random_state=seed,
        ).fit(X, y)
        for seed in range(3)
    ]

# %%
# All networks are right for the lengths that they have seen. For longer words, we count the letters
# "b" that a network reads until it predicts the end. Each line is one network. The LSTMs keep
# counting, with small errors. The others soon stop.


def counted(rnn, n):
    """Return the number of letters "b" after which the network predicts the end."""
    predicted = rnn.predict([word(n, 2 * n)])[0][n:]
    return np.argmax(predicted == "end") + 1 if "end" in predicted else np.nan


numbers = range(1, 101)
fig, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
ax.plot(numbers, numbers, color="0.5", ls=":", label="right")
ax.axvspan(1, 30, color="0.5", alpha=0.15, lw=0, label="in training")
for cell, color in {"elman": "#E69F00", "gru": "#0072B2", "lstm": "#D55E00"}.items():
    lines = np.array([[counted(rnn, n) for n in numbers] for rnn in networks[cell]])
    ax.plot(numbers, lines.T, color=color, alpha=0.8, label=[cell, None, None])
    wrong = (lines != numbers).argmax(axis=1)
    print(f"{cell:5s} all right up to n =", *wrong)
ax.set(xlabel="Letters a", ylabel='Letters b until the network predicts "end"')
ax.legend(loc="upper left", frameon=False)

# %%
# Here are the states of an LSTM and of a GRU while they read 40 letters "a" and 40 letters "b" (to
# the right of the dotted line). Some cell states of the LSTM count: they grow by the same amount at
# each "a", and one of them falls by the same amount at each "b". The states of the GRU cannot leave
# the range from -1 to 1. They change ever more slowly, so that large numbers look alike.

lstm, gru = networks["lstm"][0], networks["gru"][0]
stream, cell_states = lstm.stream(), []
for letter in word(40, 40):
    stream.step([letter])
    cell_states.append(stream.state["c_l0"][0].copy())
states = gru.hidden_states([word(40, 40)], return_sequences=True)[0]

fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
axes[0].plot(cell_states, lw=1.4)
axes[0].set(xlabel="Step", ylabel="Cell state", title="LSTM")
axes[1].plot(states, lw=1.4)
axes[1].set(xlabel="Step", ylabel="State", title="GRU")
for ax in axes:
    ax.axvline(39.5, color="0.5", ls=":")
plt.show()
