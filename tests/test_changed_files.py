"""Whatever is changed in a weight file is noticed."""

import struct

import make_models
import numpy as np
from kept_models import assert_load_fails
from make_models import MODELS


# Each returns a changed copy of a bytearray.
def flip_a_bit(content, rng):
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)


def change_a_byte(content, rng):
    content[rng.integers(len(content))] = rng.integers(256)


def cut_off(content, rng):
    del content[rng.integers(len(content)) :]


def cut_out(content, rng):
    begin = rng.integers(len(content))
    del content[begin : begin + rng.integers(1, 65)]


def put_in(content, rng):
    at = rng.integers(len(content) + 1)
    content[at:at] = rng.bytes(rng.integers(1, 65))


def overwrite(content, rng):
    begin = rng.integers(len(content))
    length = min(int(rng.integers(1, 65)), len(content) - begin)
    content[begin : begin + length] = rng.bytes(length)


def copy_a_piece(content, rng):
    length = int(rng.integers(1, 65))
    source, target = rng.integers(max(1, len(content) - length), size=2)
    content[target : target + length] = content[source : source + length]


def change_a_digit(content, rng):
    """Change a shape, an offset or another number, without breaking the JSON."""
    digits = np.flatnonzero([chr(byte).isdigit() for byte in content])
    content[rng.choice(digits)] = ord(str(rng.integers(10)))


def change_the_beginning(content, rng):
    begin = rng.integers(9)
    content[begin : begin + 4] = struct.pack("<L", rng.integers(2**32))


MUTATIONS = (
    flip_a_bit,
    change_a_byte,
    cut_off,
    cut_out,
    put_in,
    overwrite,
    copy_a_piece,
    change_a_digit,
    change_the_beginning,
)


def mutated(content, rng):
    """Return a file that differs from another one."""
    while True:
        changed = bytearray(content)
        MUTATIONS[rng.integers(len(MUTATIONS))](changed, rng)
        if changed != content:
            return bytes(changed)


def assert_mutations_are_noticed(file, n_mutations):
    """Hold that no changed file is loaded, and no estimator changed."""
    rng = np.random.default_rng([n_mutations, *map(ord, file.suffix)])
    models = [make_models.fit(name)[0] for name in MODELS]
    contents = []
    for rnn in models:
        rnn.save_weights(file)
        contents.append(file.read_bytes())
    for i in range(n_mutations):
        file.write_bytes(mutated(contents[i % len(models)], rng))
        assert_load_fails(file, models[i % len(models)], "`file`")


def test_whatever_is_changed_in_a_file_is_noticed(file):
    assert_mutations_are_noticed(file, 150)
