"""Tokens -> codes, and vocabularies."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise, repeat

import numpy as np

from .._data.carriers import is_ragged, length_of
from .._data.packed import Packed, offsets_of
from .._data.steps import read_steps

UNKNOWN, START, STOP = 0, 1, 2  # the last two with boundaries only
CHUNK = 10_000  # texts whose tokens are in memory at a time


@dataclass(frozen=True, eq=False)
class Numbered:
    """The tokens of texts, numbered by their first appearance."""

    distinct: list[str]
    numbers: np.ndarray  # (n_tokens,), int32
    lengths: np.ndarray  # (n_texts,), intp


def number(documents, analyze):
    """Return the tokens of documents, which `analyze` finds, as numbers."""
    known = defaultdict()
    known.default_factory = known.__len__
    numbers, lengths = [], []
    for start in range(0, len(documents), CHUNK):
        tokens, counts = analyze(documents[start : start + CHUNK])
        numbers.append(np.fromiter(map(known.__getitem__, tokens), np.int32, len(tokens)))
        lengths.extend(counts)
    return Numbered(list(known), np.concatenate(numbers), np.array(lengths, dtype=np.intp))


def count(values, counts):
    """Return a dict from each of some values, which may occur again, to the sum of its counts."""
    total = Counter()
    for value, n in zip(values, counts.tolist(), strict=True):
        total[value] += n
    return total


def vocabulary(counts, first, min_count=1, max_tokens=None):
    """Return a dict from tokens to codes, the most frequent first, ties in the order of tokens."""
    kept = [token for token, n in counts.items() if n >= min_count]
    kept.sort(key=lambda token: (-counts[token], token))
    return {str(token): first + i for i, token in enumerate(kept[:max_tokens])}


def given_vocabulary(tokens, first):
    """Return a dict from given tokens to codes."""
    tokens = list(tokens)
    for i, token in enumerate(tokens):
        if not isinstance(token, str):
            raise ValueError(f"`vocabulary` must hold str, but entry {i} is {token!r}.")
    if len(set(tokens)) < len(tokens) or not tokens:
        twice = [token for token, n in Counter(tokens).items() if n > 1]
        what = f"{twice[0]!r} occurs twice" if twice else "it is empty"
        raise ValueError(f"`vocabulary` must hold distinct tokens, at least one, but {what}.")
    return {str(token): first + i for i, token in enumerate(tokens)}


def encode(tokens, vocabulary):
    """Return the codes of tokens (n,)."""
    return np.fromiter(map(vocabulary.get, tokens, repeat(UNKNOWN)), np.int32, len(tokens))


def check_fitted(state):
    """Refuse the state of a fitted encoder whose vocabularies cannot be those of its codes."""
    missing = sorted({"n_codes_", "_first", "_model", "_of_texts"} - state.keys())
    if missing:
        raise ValueError(f"the state of a TokenEncoder is damaged: it lacks {missing}.")
    first, several = state["_first"], isinstance(state["vocabulary_"], list)
    vocabularies = state["vocabulary_"] if several else [state["vocabulary_"]]
    n_codes = state["n_codes_"] if several else [state["n_codes_"]]
    if type(first) is not int or first not in (1, STOP + 1):
        raise ValueError(f"the state of a TokenEncoder is damaged: `_first` is {first!r}.")
    for known in vocabularies:
        if type(known) is not dict or not all(type(token) is str for token in known):
            raise ValueError("`vocabulary_` is damaged: it must be a dict of codes by tokens.")
        if list(known.values()) != list(range(first, first + len(known))):
            raise ValueError(f"`vocabulary_` is damaged: its codes must count up from {first}.")
    if n_codes != [first + len(known) for known in vocabularies]:
        raise ValueError(f"`n_codes_` is damaged: got {state['n_codes_']!r}.")


def decode(codes, offsets, vocabulary):
    """Return the tokens of each text, without boundaries, from codes (n_tokens,); None if unknown.

    offsets (n_texts + 1,): the codes of text i are codes[offsets[i]:offsets[i + 1]].
    """
    first = next(iter(vocabulary.values()))  # the codes between 0 and this one are boundaries
    names = np.array([None] * first + list(vocabulary), dtype=object)
    kept = (codes == UNKNOWN) | (codes >= first)
    bounds = np.append(0, np.cumsum(kept))[offsets].tolist()
    tokens = names[codes[kept]].tolist()
    return [tokens[start:stop] for start, stop in pairwise(bounds)]


def lay_out(codes, lengths, boundaries):
    """Return codes (n_tokens, n_factors) with boundaries around each text, as Packed.

    A text without tokens is one unknown token.
    """
    old = offsets_of(lengths)
    offsets = offsets_of(lengths + 2 if boundaries else np.maximum(lengths, 1))
    values = np.full((offsets[-1], codes.shape[1]), UNKNOWN, dtype=np.int32)
    shift = offsets[:-1] - old[:-1] + bool(boundaries)
    values[np.arange(old[-1]) + np.repeat(shift, lengths)] = codes
    if boundaries:
        values[offsets[:-1]] = START
        values[offsets[1:] - 1] = STOP
    return Packed(values, offsets)


def read_codes(X, n_factors, argument):
    """Return codes in any carrier as Packed (n_tokens, n_factors); sequences may be empty."""
    lengths = list(map(length_of, X)) if is_ragged(X) or isinstance(X, (list, tuple)) else []
    if 0 in lengths:
        X = [item for item, length in zip(X, lengths, strict=True) if length != 0]
        if not X:
            return Packed(np.zeros((0, n_factors)), offsets_of(lengths))
    packed = read_steps(X, argument)
    codes = packed.values.reshape(packed.n_steps, -1)
    if codes.shape[1] != n_factors:
        raise ValueError(
            f"`{argument}` must have {n_factors} codes per token, as many as `factors`, got "
            f"{codes.shape[1]}."
        )
    return Packed(codes, offsets_of(lengths) if 0 in lengths else packed.offsets)


def check_codes(packed, j, n_codes, argument):
    """Return column j, whose numbers must be codes, as integers (n_tokens,)."""
    codes = packed.values[:, j]
    with np.errstate(invalid="ignore"):
        good = (codes >= 0) & (codes < n_codes) & (codes == np.floor(codes))
    if not good.all():
        row = int(np.argmin(good))
        i, step = packed.locate(row)
        raise ValueError(
            f"`{argument}` must hold codes from 0 to {n_codes - 1}, but "
            f"`{argument.item(i)}[{step}]` is {codes[row]:.10g}."
        )
    return codes.astype(np.intp)
