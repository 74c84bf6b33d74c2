"""
New names
=========

A language model learns the names of places letter by letter, and writes new ones.

It learns the probability of each letter, given the letters before it. To write a name, one letter
is drawn from these probabilities, then the next, until the end of the name is drawn.
"""

# %%
# The names are the places in Python's database of time zones. A few hundred names are little data,
# so ``early_stopping`` holds some of them out, and training stops when these do not become more
# probable. Otherwise the model would learn the names by heart.

import math
import zoneinfo

import matplotlib.pyplot as plt
import numpy as np

from sklearn_rnn.inspection import LossCurveDisplay
from sklearn_rnn.language import RNNLanguageModel

zones = [zone.split("/") for zone in zoneinfo.available_timezones() if "Etc/" not in zone]
PLACES = sorted({zone[-1].replace("_", " ").lower() for zone in zones if len(zone) > 1})
print(f"{len(PLACES)} places, such as {', '.join(PLACES[::80])}")

model = RNNLanguageModel(
    64,
    cell="gru",
    analyzer="char",
    dropout=0.5,
    early_stopping=True,
    n_iter_no_change=20,
    random_state=0,
)
model.fit(PLACES)

# %%
# The perplexity is the number of equally probable letters that would be as hard to guess. If all
# letters were equally probable after any beginning, it would be the number of letters. The picture
# shows the loss: that of the held-out names soon rises again.

perplexity = math.exp(-model.best_validation_score_)
n_letters = len(model.encoder_.vocabulary_)
print(f"perplexity per letter of held-out names: {perplexity:.1f}, of {n_letters} letters")
display = LossCurveDisplay.from_estimator(model)

# %%
# With a ``temperature`` below 1, improbable letters become rarer, and the names look more like
# those of the list. A ``prompt`` is the beginning of each name.

for temperature in (0.5, 0.8, 1.2):
    names = model.sample(7, temperature=temperature, random_state=1)
    print(f"temperature {temperature}: {', '.join(names)}")
print(", ".join(model.sample(7, prompt="san ", temperature=0.8, random_state=1)))
new = {name for name in model.sample(200, random_state=2) if name not in PLACES}
print(f"{len(new)} of 200 names are new and different")

# %%
# What does the model expect while it reads a name that is not in the list? Each column has the
# probabilities of the next letter, and the dot marks the letter that comes next. The last row is
# the end of the name. The colours are spaced by the square root, so that small probabilities can be
# told apart.

name = "santa lorena"
letters = [*"abcdefghijklmnopqrstuvwxyz ", "end"]
codes = [model.encoder_.vocabulary_.get(letter, 0) for letter in letters[:-1]] + [2]  # 2: end
chances = np.array([model.predict_next_proba(name[:k] or None) for k in range(len(name) + 1)])
figure, ax = plt.subplots(figsize=(7, 6), layout="constrained")
image = ax.imshow(np.sqrt(chances[:, codes].T), vmin=0, vmax=1, cmap="cividis", aspect="auto")
ax.scatter(range(len(name) + 1), [letters.index(c) for c in [*name, "end"]], s=90, color="C1")
ax.set_xticks(range(len(name) + 1), ["start", *name.replace(" ", "_")])
ax.set_yticks(range(28), [*letters[:26], "_", "end"])
ax.set(xlabel="after the letter", ylabel="next letter")
bar = figure.colorbar(image, ax=ax, label="probability", pad=0.02)
ticks = [0, 0.01, 0.05, 0.2, 0.5, 1]
bar.set_ticks([tick**0.5 for tick in ticks], labels=[str(tick) for tick in ticks])
plt.show()

# sphinx_gallery_thumbnail_number = 2
