"""
Which steps does a prediction depend on?
========================================

Occlusion and integrated gradients, on a task whose answer is known.

Each sequence has 30 random numbers, of which two are marked, and the target is the larger of these
two. If a network has learned this rule, we know how much each value matters, and can check two
methods. `occlusion` hides one value after the other (Zeiler and Fergus, 2014).
`integrated_gradients` adds up the gradient along the line from a baseline to the sequence
(Sundararajan, Taly and Yan, 2017).
"""

# %%

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn import RNNRegressor
from sklearn_rnn.datasets import make_adding
from sklearn_rnn.inspection import integrated_gradients, occlusion


def larger(n_samples, seed):
    """Return numbers and marks (n_samples, 30, 2), and the larger marked number."""
    X, _ = make_adding(n_samples, 30, random_state=seed)
    return X, (X[:, :, 0] * X[:, :, 1]).max(axis=1)


X, y = larger(2000, 0)
X_test, y_test = larger(200, 1)
rnn = RNNRegressor(32, learning_rate="cosine", learning_rate_init=0.01, max_iter=40, random_state=0)
rnn.fit(X, y)
print(f"R2 on new sequences: {rnn.score(X_test, y_test):.3f}")

# %%
# A hidden value is replaced by a baseline: 0.5 for numbers, which is their mean, and 0 for marks.
# The rule tells how this should change the prediction.

BASELINE = (0.5, 0.0)


def rule(x):
    return (x[:, 0] * x[:, 1]).max()


def true_effects(x):
    """Return how much each value matters (30, 2): the rule with it minus the rule without."""
    effects = np.zeros(x.shape)
    for step, feature in np.ndindex(x.shape):
        hidden = x.copy()
        hidden[step, feature] = BASELINE[feature]
        effects[step, feature] = rule(x) - rule(hidden)
    return effects


truth = np.array([true_effects(x) for x in X_test])
occluded = occlusion(rnn, X_test, baseline=BASELINE)
integrated = integrated_gradients(rnn, X_test, baseline=BASELINE)

# %%
# At the top are the numbers of one sequence, with circles around the two marked ones. Below are the
# effects of each number and of each mark. A positive effect raises the prediction, and a negative
# one lowers it. By the rule, only the larger marked number and its mark have an effect here, and
# both methods find them.

k = 0
marked = X_test[k, :, 1] == 1
fig, axes = plt.subplots(
    4, 1, figsize=(8, 5), sharex=True, height_ratios=(1.6, 1, 1, 1), layout="constrained"
)
axes[0].plot(X_test[k, :, 0], "o", color="0.5")
axes[0].plot(np.flatnonzero(marked), X_test[k, marked, 0], "o", color="#D55E00", ms=13, mfc="none")
axes[0].set(ylabel="Number", ylim=(-0.1, 1.15))
shown = {"The rule": truth, "Occlusion": occluded, "Integrated\ngradients": integrated}
for ax, (name, effects) in zip(axes[1:], shown.items(), strict=True):
    style = {"cmap": "PuOr", "vmin": -1, "vmax": 1, "aspect": "auto"}
    image = ax.imshow(effects[k].T, **style)
    ax.set_yticks([0, 1], ["number", "mark"])
    ax.set_title(name.replace("\n", " "), fontsize="medium", loc="left")
axes[3].set_xlabel("Step")
fig.colorbar(image, ax=axes[1:], label="Effect")

# %%
# In all 200 sequences, the effects by occlusion are close to those of the rule (dotted line). The
# small differences are real: they are those between the rule and what the network has learned.

fig, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
for feature, (name, color) in enumerate({"numbers": "#0072B2", "marks": "#D55E00"}.items()):
    pairs = truth[:, :, feature].ravel(), occluded[:, :, feature].ravel()
    ax.plot(*pairs, ".", color=color, alpha=0.5, label=name)
ax.axline((0, 0), slope=1, color="0.5", ls=":")
ax.set(xlabel="Effect by the rule", ylabel="Effect by occlusion")
ax.legend(loc="upper left", frameon=False)
for name, effects in {"occlusion": occluded, "integrated gradients": integrated}.items():
    print(
        f"{name}: correlation with the rule {np.corrcoef(truth.ravel(), effects.ravel())[0, 1]:.2f}"
    )

# %%
# Integrated gradients agree less with the rule, because they answer another question: they divide
# the difference between the predictions for the sequence and for the baseline among all values.
# Their sum is this difference.

empty = np.broadcast_to(BASELINE, (1, 30, 2))
difference = rnn.predict(X_test) - rnn.predict(empty)
error = np.abs(integrated.sum(axis=(1, 2)) - difference).max()
print(f"largest deviation of a sum: {error:.3f}")
plt.show()
