"""Texts that take much more memory or time than they have bytes, in weight files."""

import json
import struct

import numpy as np
from forged_files import archive

# Text that takes much more memory or time than it has bytes, as often as it fills a file.
HOSTILE_TEXTS = {
    "objects": ("[", "{},", "0]"),
    "lists": ("[", "[],", "0]"),
    "names of objects": ("{", '"abcdef":0,', '"x":0}'),
    "nested objects": ("[", '{"a":{}},', "0]"),
    "numbers": ("[", "1.5,", "0]"),
    "long numbers": ("[", "9" * 4000 + ",", "0]"),
    "integers": ("[", "1,", "0]"),
    "strings": ("[", '"ab",', "0]"),
    "empty strings": ("[", '"",', "0]"),
    "one letter outside of ASCII": ('["\u20ac', "a", '"]'),
    "one escaped letter": ('["\\ud83d\\ude00', "a", '"]'),
    "spaces": ("[", " ", "0]"),
    "depth": ("", "[", ""),
    "quotes": ("", '\\"', ""),
}


def hostile_files(what):
    """Yield files with a text: as a header, and as a description in each format."""
    begin, piece, end = HOSTILE_TEXTS[what]
    length = (1 << 24) - 300 - len(begin) - len(end)
    if what == "names of objects":
        middle = "".join(f'"{i:x}":0,' for i in range(length // 11))
    else:
        middle = piece * (length // len(piece))
    half, quarter = (middle[: len(piece) * (length // n // len(piece))] for n in (2, 4))
    inner = json.dumps(begin + half + end)
    inner = f'{{"__metadata__":{{"sklearn_rnn":{inner},"sha256":""}}}}'
    for header in (begin + middle + end, inner):
        header = header.encode()[: 1 << 24]
        yield ".safetensors", struct.pack("<Q", len(header)) + header + bytes(64)
    yield ".npz", archive([("sklearn_rnn", np.array(begin + quarter + end))])
