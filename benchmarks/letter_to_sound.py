"""Spelling to sound letter by letter, from memory: a baseline of text.py.

Each letter is aligned with 0, 1 or 2 phones by hard expectation-maximisation (Viterbi training).
A letter then gets what it most often had between the same neighbours, as many of them as were
seen in training: the memory-based learning of Daelemans and van den Bosch (1996).
"""

import math
from collections import Counter, defaultdict

# Neighbours to the left and to the right, the most first.
WINDOWS = ((5, 5), (4, 4), (3, 4), (3, 3), (2, 3), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0))
FEWEST = 0.01  # count of a pair of letter and phones that was not seen


def align(word, phones, cost):
    """Phones of each letter (tuples of 0 to 2), by the least sum of costs; None if too many."""
    n, m = len(word), len(phones)
    best = [{0: (0.0, None)}]  # after i letters: number of phones used -> (cost, used before)
    for letter in word:
        after = {}
        for used, (total, _) in best[-1].items():
            for k in range(min(2, m - used) + 1):
                value = total + cost(letter, phones[used : used + k])
                if used + k not in after or value < after[used + k][0]:
                    after[used + k] = value, used
        best.append(after)
    if m not in best[n]:
        return None
    chunks, end = [], m
    for i in range(n, 0, -1):
        begin = best[i][end][1]
        chunks.append(phones[begin:end])
        end = begin
    return chunks[::-1]


class LetterToSound:
    def __init__(self, n_iter=3):
        self.n_iter = n_iter

    def fit(self, words, phones):
        pairs = [(word, tuple(p)) for word, p in zip(words, phones, strict=True)]
        aligned = self._aligned(pairs)
        tables = [defaultdict(Counter) for _ in WINDOWS]
        for word, chunks in aligned:
            for i, chunk in enumerate(chunks):
                for table, context in zip(tables, contexts(word, i), strict=True):
                    table[context][chunk] += 1
        self.tables = [
            {context: counts.most_common(1)[0][0] for context, counts in table.items()}
            for table in tables
        ]
        return self

    def _aligned(self, pairs):
        # At first a letter costs nothing if it has one phone, and one otherwise.
        def cost(letter, chunk):
            return abs(len(chunk) - 1)

        for _ in range(self.n_iter):
            aligned = [(word, align(word, phones, cost)) for word, phones in pairs]
            aligned = [(word, chunks) for word, chunks in aligned if chunks is not None]
            counts = Counter(
                pair for word, chunks in aligned for pair in zip(word, chunks, strict=True)
            )
            of_letter = Counter(letter for word, _ in aligned for letter in word)
            logs = {pair: math.log(of_letter[pair[0]] / count) for pair, count in counts.items()}
            unseen = {letter: math.log(n / FEWEST) for letter, n in of_letter.items()}

            def cost(letter, chunk, logs=logs, unseen=unseen):
                return logs.get((letter, chunk), unseen[letter] * (1 + len(chunk)))

        return aligned

    def predict(self, words):
        return [self._phones(word) for word in words]

    def _phones(self, word):
        phones = []
        for i in range(len(word)):
            for table, context in zip(self.tables, contexts(word, i), strict=True):
                if context in table:
                    phones += table[context]
                    break
        return phones


def contexts(word, i):
    """The letter and its neighbours, once for each of WINDOWS."""
    padded, at = "#####" + word + "#####", i + 5
    return [(padded[at - a : at], word[i], padded[at + 1 : at + 1 + b]) for a, b in WINDOWS]
