"""
Gates over time
===============

When an LSTM writes, keeps and forgets a number.

An LSTM has a cell state c that it changes at each step: ``c = f * c_previous + i * g``. The forget
gate f decides how much is kept, and the input gate i how much of the new content g is added; both
are between 0 and 1 (Hochreiter and Schmidhuber, 1997; Gers, Schmidhuber and Cummins, 2000). This
network must keep a number until the next one is marked.
"""

# %%
# The first feature is a random number, and the second one is 1 at marked steps. The target is the
# last marked number.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor


def held_numbers(n_samples, n_steps, rng):
    """Return numbers and marks (n_samples, n_steps, 2), and the last marked number at each step."""
    X = rng.uniform(-1, 1, size=(n_samples, n_steps, 2))
    X[:, :, 1] = rng.random((n_samples, n_steps)) < 0.1
    X[:, 0, 1] = 1
    y = X[:, :, 0].copy()
    for t in range(1, n_steps):
        y[:, t] = np.where(X[:, t, 1] == 1, X[:, t, 0], y[:, t - 1])
    return X, y


# %%
# A single unit is enough. Its input is not normalized, so that its weights can be used below.

SHOWN = 3  # the sequence that is drawn
rng = np.random.default_rng(0)
X, y = held_numbers(400, 60, rng)
rnn = RNNRegressor(
    1,
    cell="lstm",
    mode="many_to_many",
    normalize_X=False,
    learning_rate="cosine",
    learning_rate_init=0.05,
    max_iter=80,
    random_state=1,
)
rnn.fit(X, y)
X_test, y_test = held_numbers(100, 60, rng)
print(f"R2 on new sequences: {rnn.score(X_test, y_test):.3f}")

# %%
# The gates can be computed from the weights, the input and the previous state. ``stream`` runs the
# network step by step and shows its states.


def gates(rnn, x):
    """Return input gate, forget gate, output gate and cell state of the unit at each step."""
    w, stream, rows = rnn.weights_, rnn.stream(), []
    for row in x:
        h = stream.state["h_l0"][0]
        z = w["weight_ih_l0"] @ row + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
        i, f, _, o = 1 / (1 + np.exp(-z))
        stream.step([row])
        rows.append([i, f, o, stream.state["c_l0"][0, 0]])
    return np.transpose(rows)


i, f, o, c = gates(rnn, X_test[SHOWN])
marked = X_test[SHOWN, :, 1] == 1
for name, gate in {"input": i, "forget": f, "output": o}.items():
    at, elsewhere = gate[marked].mean(), gate[~marked].mean()
    print(f"{name:6s} gate: {at:.2f} at marked steps, {elsewhere:.2f} at all others")

# %%
# At marked steps (grey), the input gate opens and the forget gate closes: the new number replaces
# the old one. At all other steps, the forget gate is nearly 1 and the input gate nearly 0, so the
# cell state hardly changes, and other numbers are ignored. The cell state has the opposite sign of
# the number, which the output layer reverses.

fig, axes = plt.subplots(3, 1, figsize=(8, 6), sharex=True, layout="constrained")
steps = np.arange(60)
axes[0].plot(steps, X_test[SHOWN, :, 0], ".", color="0.5", label="input")
axes[0].step(steps, y_test[SHOWN], where="mid", color="#0072B2", lw=2.5, label="target")
axes[0].step(steps, rnn.predict(X_test)[SHOWN], where="mid", color="#E69F00", label="output")
axes[1].step(steps, i, where="mid", color="#D55E00", label="input gate")
axes[1].step(steps, f, where="mid", color="#009E73", label="forget gate")
axes[2].step(steps, c, where="mid", color="#0072B2", label="cell state")
for ax, name in zip(axes, ("Numbers", "Gates", "Cell state"), strict=True):
    ax.vlines(steps[marked], 0, 1, transform=ax.get_xaxis_transform(), color="0.5", alpha=0.3, lw=5)
    ax.set_ylabel(name)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, borderaxespad=0.1)
axes[2].set_xlabel("Step")
plt.show()
