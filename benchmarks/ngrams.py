"""Language models that count: the baselines of text.py.

python benchmarks/ngrams.py      # checks that their probabilities sum to 1
"""

from collections import Counter, defaultdict

import numpy as np


class WittenBell:
    """Interpolated n-grams of letters (Witten and Bell, 1991; Chen and Goodman, 1998).

        p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h))

    c counts, t(h) is the number of different letters after h, and h' is h without its first letter.
    Below the unigrams are equal probabilities. Each text begins after `order - 1` signs of its
    start, and ends with the letter `end` if one is given, which is then predicted like any other.
    """

    def __init__(self, order, end=None):
        self.order, self.end = order, end

    def _codes(self, text):
        """Codes of the letters behind those of the start; unseen letters share code 0."""
        letters = text if self.end is None else text + self.end
        codes = [self.code.get(letter, 0) for letter in letters]
        return np.array([self.start] * (self.order - 1) + codes, dtype=np.int64)

    def _grams(self, texts, n):
        """Each n-gram as a number in base `start + 1`; the oldest letter has the highest place."""
        found = []
        for codes in map(self._codes, texts):
            length = len(codes) - self.order + 1
            gram = np.zeros(length, dtype=np.int64)
            for i in range(n):
                begin = self.order - n + i
                gram = gram * (self.start + 1) + codes[begin : begin + length]
            found.append(gram)
        return np.concatenate(found)

    def fit(self, texts):
        letters = sorted(set().union(*texts, {self.end} - {None}))
        self.code = {letter: i + 1 for i, letter in enumerate(letters)}
        self.start = len(letters) + 1
        if (self.start + 1) ** self.order > np.iinfo(np.int64).max:
            raise ValueError(f"{self.start} letters are too many for order {self.order}")
        self.tables = []  # for each order: n-grams, counts; contexts, counts, different letters
        for n in range(1, self.order + 1):
            grams, counts = np.unique(self._grams(texts, n), return_counts=True)
            contexts, first, kinds = np.unique(
                grams // (self.start + 1), return_index=True, return_counts=True
            )
            self.tables.append((grams, counts, contexts, np.add.reduceat(counts, first), kinds))
        return self

    def probabilities(self, texts):
        """Probability of each letter of the texts (and of each end), one after the other."""
        probability = 1.0 / self.start  # the letters and the unseen one
        for n, (grams, counts, contexts, totals, kinds) in enumerate(self.tables, 1):
            wanted = self._grams(texts, n)
            count, total, kind = (
                values_of(keys, values, which)
                for keys, values, which in (
                    (grams, counts, wanted),
                    (contexts, totals, wanted // (self.start + 1)),
                    (contexts, kinds, wanted // (self.start + 1)),
                )
            )
            seen = total > 0
            mixed = (count + kind * probability) / np.maximum(total + kind, 1)
            probability = np.where(seen, mixed, probability)
        return probability

    def bits(self, texts):
        """Mean bits per letter."""
        return float(-np.mean(np.log2(self.probabilities(texts))))

    def sample(self, rng, max_length=100):
        """A text, drawn letter by letter; the model must have an `end`."""
        letters, text = list(self.code), ""
        while len(text) < max_length:
            alternatives = [text + letter for letter in letters]
            p = np.array([self._last(alternative) for alternative in alternatives])
            letter = letters[rng.choice(len(letters), p=p / p.sum())]
            if letter == self.end:
                break
            text += letter
        return text

    def _last(self, text):
        """Probability of the last letter of a text."""
        codes = [self.start] * (self.order - 1) + [self.code[letter] for letter in text]
        base, probability = self.start + 1, 1.0 / self.start
        for n, (grams, counts, contexts, totals, kinds) in enumerate(self.tables, 1):
            gram = 0
            for code in codes[-n:]:
                gram = gram * base + code
            i, j = np.searchsorted(grams, gram), np.searchsorted(contexts, gram // base)
            if j == len(contexts) or contexts[j] != gram // base:
                break
            count = counts[i] if i < len(grams) and grams[i] == gram else 0
            probability = (count + kinds[j] * probability) / (totals[j] + kinds[j])
        return probability


def values_of(keys, values, wanted):
    """Values of the wanted keys; 0 where there is none. `keys` are sorted."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)


class KneserNey:
    """Interpolated modified Kneser-Ney n-grams of tokens (Chen and Goodman, 1998).

    The highest order counts n-grams, the lower ones the different tokens before an n-gram; n-grams
    that begin a text have none, and keep their counts. Each order has three discounts, of counts 1,
    2, and 3 and more, from its counts of counts. Below the unigrams are equal probabilities. A text
    is begun by START and ended by END, which is predicted like any token.
    """

    START, END = "<s>", "</s>"

    def __init__(self, order):
        self.order = order

    def fit(self, texts):
        texts = [[self.START, *text, self.END] for text in texts]
        self.types = sorted({token for text in texts for token in text} - {self.START})
        raw = [Counter() for _ in range(self.order + 1)]
        for text in texts:
            for i in range(len(text)):
                for n in range(1, min(self.order, i + 1) + 1):
                    raw[n][tuple(text[i - n + 1 : i + 1])] += 1
        self.counts, self.discounts, self.contexts = [None], [None], [None]
        for n in range(1, self.order + 1):
            counts = raw[n]
            if n < self.order:
                before = Counter(gram[1:] for gram in raw[n + 1])
                counts = {g: c if g[0] == self.START else before[g] for g, c in raw[n].items()}
            counts = {gram: c for gram, c in counts.items() if gram != (self.START,)}
            contexts = defaultdict(lambda: [0, 0, 0, 0])  # total, and n-grams of count 1, 2, >= 3
            for gram, count in counts.items():
                of = contexts[gram[:-1]]
                of[0] += count
                of[min(count, 3)] += 1
            self.counts.append(counts)
            self.contexts.append(dict(contexts))
            self.discounts.append(self._discounts(counts))
        return self

    @staticmethod
    def _discounts(counts):
        """Discounts of counts 0 (none), 1, 2, and 3 and more; at most the count itself."""
        n = Counter(counts.values())
        if not all(n[i] for i in (1, 2, 3)):
            return (0.0, 0.5, 0.75, 0.9)  # too little text for an estimate
        y = n[1] / (n[1] + 2 * n[2])
        return (0.0, *(min(max(i - (i + 1) * y * n[i + 1] / n[i], 0), i) for i in (1, 2, 3)))

    def probability(self, token, history=()):
        """Probability of a token after a tuple of tokens, of which the last `order - 1` count."""
        probability = 1 / len(self.types)
        history = history[max(0, len(history) - self.order + 1) :]
        for n in range(1, len(history) + 2):
            context = history[len(history) - n + 1 :]
            if context not in self.contexts[n]:
                break
            total, *kinds = self.contexts[n][context]
            count, d = self.counts[n].get((*context, token), 0), self.discounts[n]
            kept = sum(d[i] * kind for i, kind in enumerate(kinds, 1))
            probability = (count - d[min(count, 3)] + kept * probability) / total
        return probability

    def perplexity(self, texts):
        """Perplexity per token; the end of each text counts as one."""
        logs = []
        for text in texts:
            text = (self.START, *text, self.END)
            logs += [np.log(self.probability(text[i], text[:i])) for i in range(1, len(text))]
        return float(np.exp(-np.mean(logs)))


def check(rng):
    """Probabilities of all tokens sum to 1, after seen and unseen histories."""
    texts = ["".join(rng.choice(list("aabbbcd"), size=9)) for _ in range(60)]
    letters = WittenBell(3, end="\n").fit(texts)
    for history in ("", "a", "ab", "dd", "dcba"):
        total = sum(letters._last(history + letter) for letter in letters.code)
        total += letters.probabilities([history + "?"])[len(history)]  # the unseen letter
        assert np.isclose(total, 1), (history, total)
        for letter in "abcd":
            each = letters.probabilities([history + letter])[len(history)]
            assert np.isclose(each, letters._last(history + letter))
    tokens = KneserNey(3).fit([list(text) for text in texts])
    for history in ((), ("<s>",), ("<s>", "a"), ("a", "b"), ("d", "d"), ("?", "a"), ("?", "?")):
        total = sum(tokens.probability(token, history) for token in tokens.types)
        assert np.isclose(total, 1), (history, total)


if __name__ == "__main__":
    check(np.random.RandomState(0))
    print("The probabilities sum to 1.")
