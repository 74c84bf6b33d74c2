"""
New names
=========

A language model learns names and writes new ones, letter by letter.

Run it with::

    python examples/names.py
"""

import math
import warnings

from sklearn_rnn.language import RNNLanguageModel

warnings.simplefilter("ignore")

CITIES = """
amsterdam antwerp athens barcelona basel belgrade bergen berlin bern bilbao birmingham bologna
bordeaux bremen bristol brno brussels bucharest budapest cardiff cologne copenhagen cork dresden
dublin duisburg dundee edinburgh essen florence frankfurt geneva genoa ghent glasgow gothenburg
graz groningen hamburg hanover helsinki innsbruck istanbul krakow leeds leipzig liege lille lisbon
liverpool ljubljana london luxembourg lyon madrid malaga malmo manchester mannheim marseille milan
minsk montpellier munich nantes naples nice nottingham nuremberg odense oporto oslo oxford palermo
paris porto prague rennes riga rome rotterdam salzburg seville sheffield sofia stockholm strasbourg
stuttgart tallinn thessaloniki toulouse trieste turin utrecht valencia venice verona vienna vilnius
warsaw wroclaw york zagreb zaragoza zurich
""".split()

model = RNNLanguageModel(
    64,
    cell="gru",
    analyzer="char",
    dropout=0.3,
    early_stopping=True,
    n_iter_no_change=20,
    random_state=0,
)
model.fit(CITIES)

print(f"perplexity per letter of held-out names: {math.exp(-model.best_validation_score_):.1f}")
print(", ".join(model.sample(8, temperature=0.8, random_state=1)))
print(", ".join(model.sample(8, prompt="bar", temperature=0.8, random_state=1)))
new = {name for name in model.sample(200, random_state=2) if name not in CITIES}
print(f"{len(new)} of 200 names are new and different")
