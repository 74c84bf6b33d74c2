"""Byte-pair encoding of the bytes of texts (Sennrich et al., 2016), by the package `tokenizers`."""

from __future__ import annotations

import json
from itertools import chain, groupby

MOST_TOKENS = 30_000  # of a vocabulary with `max_tokens=None`
# Stands for bytes that the texts of fit do not have; the tokens of bytes have no such character.
UNKNOWN = "\0"


def learn(texts, min_count, max_tokens):
    """Return the model that these texts teach, as JSON.

    A pair of tokens that occurs at least `min_count` times is merged into one, the most frequent
    pair first, until there are `max_tokens`.
    """
    tokenizers = _imported()
    tokenizer = _tokenizer(tokenizers, tokenizers.models.BPE(unk_token=UNKNOWN))
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=(max_tokens or MOST_TOKENS) + 1,
        min_frequency=min_count,
        special_tokens=[UNKNOWN],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_encodable(texts), trainer, len(texts))
    model = json.loads(tokenizer.to_str())["model"]
    return json.dumps({"vocab": model["vocab"], "merges": model["merges"]})


def tokens_of(model):
    """List all tokens of a model but the unknown one."""
    return [token for token in json.loads(model)["vocab"] if token != UNKNOWN]


def analyzer(model):
    """Return the analyzer of a model."""
    tokenizers = _imported()
    given = json.loads(model)
    merges = [tuple(pair) for pair in given["merges"]]
    # Made anew, it has no added token: a text with a NUL would be cut there.
    bpe = tokenizers.models.BPE(vocab=given["vocab"], merges=merges, unk_token=UNKNOWN)
    tokenizer = _tokenizer(tokenizers, bpe)

    def analyze(texts):
        found = [encoding.tokens for encoding in tokenizer.encode_batch(_encodable(texts))]
        return list(chain.from_iterable(found)), list(map(len, found))

    return analyze


def text_of(tokens, unknown):
    """Return the text of some tokens, with `unknown` in place of None."""
    decode = _imported().decoders.ByteLevel().decode
    runs = groupby(tokens, lambda token: token is None)
    return "".join(unknown * len(list(run)) if gap else decode(list(run)) for gap, run in runs)


def _tokenizer(tokenizers, model):
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def _encodable(texts):
    """Return texts, or refuse those with surrogates, which have no bytes."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"`X` must hold texts that UTF-8 can encode with analyzer='bpe': {error}."
            ) from error
    return texts


def _imported():
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(
            "analyzer='bpe' needs the package tokenizers: pip install 'sklearn-rnn[text]'."
        ) from error
    return tokenizers
