"""Analyzers: texts -> tokens, and texts of tokens.

An analyzer is a function from a list of texts to all of their tokens, one text after another, and
the number of tokens of each text. What makes it learns from the texts of fit, if it must learn.
"""

from __future__ import annotations

import re
from itertools import chain

from . import bpe

TOKEN_PATTERN = r"(?u)\b\w\w+\b"  # that of CountVectorizer
NAMES = ("word", "char", "bpe")


def analyzer_of(analyzer, token_pattern, model):
    """Return an analyzer by its name or from a callable; model: the JSON of "bpe"."""
    if analyzer == "word":
        return words(token_pattern)
    if analyzer == "char":
        return characters
    if analyzer == "bpe":
        return bpe.analyzer(model)
    return of_callable(analyzer)


def words(token_pattern):
    """Find what matches a pattern, or its only group."""
    find = re.compile(token_pattern).findall

    def analyze(texts):
        return listed([find(text) for text in texts])

    return analyze


def characters(texts):
    """Take each code point as a token."""
    return "".join(texts), list(map(len, texts))


def of_callable(function):
    """Call a function of the user on each text."""

    def analyze(texts):
        found = [function(text) for text in texts]
        for tokens in found:
            if isinstance(tokens, (str, bytes)) or not hasattr(tokens, "__iter__"):
                raise TypeError(
                    "`analyzer` must return a list of tokens for a text, got a "
                    f"{type(tokens).__name__}."
                )
        tokens, lengths = listed(list(map(list, found)))
        for token in tokens:
            if not isinstance(token, str):
                raise TypeError(f"`analyzer` must return a list of str, got the token {token!r}.")
        return tokens, lengths

    return analyze


def listed(documents):
    """Return all tokens of lists of tokens, one after another, and the length of each list."""
    return list(chain.from_iterable(documents)), list(map(len, documents))


def text_of(tokens, analyzer, unknown):
    """Return the text of tokens, None among them being unknown."""
    if analyzer == "bpe":
        return bpe.text_of(tokens, unknown)
    separator = "" if analyzer == "char" else " "
    return separator.join([unknown if token is None else token for token in tokens])


def check_pattern(token_pattern):
    """Refuse a pattern that is none, or that has several groups."""
    try:
        n_groups = re.compile(token_pattern).groups
    except (re.error, TypeError) as error:
        raise ValueError(
            f"`token_pattern` must be a regular expression, got {token_pattern!r}: {error}."
        ) from error
    if not isinstance(token_pattern, str) or n_groups > 1:
        raise ValueError(
            "`token_pattern` must be a str with at most one capturing group, got "
            f"{token_pattern!r}: write (?:...) for a group that is not the token."
        )
