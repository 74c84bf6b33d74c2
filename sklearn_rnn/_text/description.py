"""A fitted TokenEncoder of one factor as values that JSON can hold, and back."""

from __future__ import annotations

import json

from .._rules import Allowed, boolean, either
from ..text import _RULES, TokenEncoder
from .analyzers import check_pattern

PARAMETERS = ("analyzer", "token_pattern", "lowercase", "min_count", "max_tokens", "unknown")
TEXT = Allowed(lambda value: isinstance(value, str), "a str")
FITTED = {
    "boundaries": boolean,
    "of_texts": boolean,
    "tokens": Allowed(
        lambda value: (
            isinstance(value, list)
            and len(value) > 0
            and all(isinstance(token, str) for token in value)
            and len(set(value)) == len(value)
        ),
        "a list of distinct str",
    ),
    "model": either(None, TEXT),
}


def describe(encoder):
    """Return a fitted encoder as a dict of JSON values."""
    if callable(encoder.analyzer):
        raise ValueError(
            "`analyzer` must be a str in a weight file, which holds no code, got "
            f"{encoder.analyzer!r}: use pickle."
        )
    return {
        **{name: getattr(encoder, name) for name in PARAMETERS},
        "boundaries": encoder.boundaries,
        "of_texts": encoder._of_texts,
        "tokens": list(encoder.vocabulary_),
        "model": encoder._model,
    }


def encoder_of(facts):
    """Return the encoder that a dict describes; a ValueError says what is wrong with it."""
    names = {*PARAMETERS, *FITTED}
    if not isinstance(facts, dict) or set(facts) != names:
        raise ValueError(f"`encoder` must be a dict of {sorted(names)}")
    for name, rule in {**_RULES, "token_pattern": TEXT, **FITTED}.items():
        if name in facts:
            rule.check(name, facts[name])
    check_pattern(facts["token_pattern"])
    needs_model = facts["of_texts"] and facts["analyzer"] == "bpe"
    if needs_model != (facts["model"] is not None) or (needs_model and not _is_whole(facts)):
        raise ValueError("`model` must be that of the tokens")
    encoder = TokenEncoder(**{name: facts[name] for name in (*PARAMETERS, "boundaries")})
    return encoder._with_vocabulary(facts["tokens"], facts["model"], facts["of_texts"])


def _is_whole(facts):
    """Tell whether a model of "bpe" has the right form and the tokens of the encoder."""
    try:
        model = json.loads(facts["model"])
        vocab, merges = model["vocab"], model["merges"]
        places = sorted(vocab.values()) == list(range(len(vocab)))
        pairs = all(len(pair) == 2 and {*pair, "".join(pair)} <= vocab.keys() for pair in merges)
        return places and pairs and set(facts["tokens"]) == vocab.keys() - {"\0"}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return False
