"""
When is a digit recognized?
===========================

A network reads images of digits row by row and gives the probability of each digit after every row.

Some digits are clear after half of the image, others only at the end. A network that is trained
with a label at every step can answer at any time, as a live application must.
"""

# %%
# Each image is a sequence of 8 rows of 8 pixels. The label of the image is the target at each of
# its rows.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from sklearn_rnn import RNNClassifier

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images, digits.target, stratify=digits.target, random_state=0
)


def at_each_row(y):
    return np.repeat(y[:, np.newaxis], 8, axis=1)


model = RNNClassifier(64, mode="many_to_many", max_iter=40, learning_rate="cosine", random_state=0)
model.fit(X_train, at_each_row(y_train))

# %%
# The network reads forward only, so its answer after a row does not depend on later rows. The first
# rows of many digits look alike, and the accuracy rises with nearly every row.

right = model.predict(X_test) == at_each_row(y_test)
for row, share in enumerate(right.mean(axis=0), start=1):
    print(f"after row {row}: {share:.3f} of the test digits are right")

# %%
# A network that is trained with a target at the last row only is better at that row, because its
# loss counts no other row. A support vector machine that gets all 64 pixels at once is as good: try
# it first if you need no answer before the end.

last = RNNClassifier(64, max_iter=40, learning_rate="cosine", random_state=0).fit(X_train, y_train)
print(f"at the last row: {right[:, -1].mean():.3f} with a target at each row, ", end="")
print(f"{last.score(X_test, y_test):.3f} with a target at the end")
pixels, pixels_test = X_train.reshape(-1, 64), X_test.reshape(-1, 64)
print(f"support vector machine: {SVC().fit(pixels, y_train).score(pixels_test, y_test):.3f}")

# %%
# We draw four test digits: one that is clear early, two that become clear late, and one that the
# network gets wrong. Below each image, each line is the probability of one digit. The true digit is
# blue and others are orange; digits that stay below 0.5 are grey.

probabilities = model.predict_proba(X_test)
own = probabilities[np.arange(len(y_test)), :, y_test]  # the probability of the right digit
late = np.argsort(own[:, 5] + (own[:, 7] < 0.7))[:2]  # wrong after six rows, right at the end
examples = [np.argmax(own[:, 2]), *late, np.argmin(own[:, 7])]

figure, axes = plt.subplots(2, 4, figsize=(9, 5), layout="constrained")
for k, (above, ax) in zip(examples, axes.T, strict=True):
    above.imshow(X_test[k], cmap="gray_r")
    above.set(title=f"true: {y_test[k]}", xticks=[], yticks=range(8), yticklabels=range(1, 9))
    ax.plot(range(1, 9), probabilities[k], color="0.8", linewidth=1)
    for digit in np.flatnonzero(probabilities[k].max(axis=0) > 0.5):
        color = "C0" if digit == y_test[k] else "C1"
        ax.plot(range(1, 9), probabilities[k, :, digit], color=color, linewidth=2)
        row = probabilities[k, :, digit].argmax()
        ax.text(row + 1, probabilities[k, row, digit] + 0.03, digit, color=color, size="large")
    ax.set(xlabel="rows read", xticks=range(1, 9), xlim=(0.6, 8.6), ylim=(0, 1.15))
axes[0, 0].set_ylabel("row")
axes[1, 0].set_ylabel("probability")
plt.show()
