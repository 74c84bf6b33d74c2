"""Weight files: named arrays and a description in JSON, as .safetensors or .npz, without code.

Nothing that a file says is believed. It first says what it is (`description`); from that its reader
works out which arrays there must be, and the file must hold these, with nothing between or besides,
before memory is taken for them. A checksum sees to it that no changed file is taken.

safetensors: 8 bytes with the length of a header, the header in JSON, the numbers, little-endian.
The checksum is that of description and numbers, and the header is written in one way only.

npz: a zip archive, not compressed, of arrays in NumPy's format, as `numpy.savez` writes it. The
checksum is the archive's comment, of all that stands before: much in a zip is read by nobody.
"""

import json
import math
import os
import re
import secrets
import shutil
import struct
import zipfile
from contextlib import contextmanager, suppress
from hashlib import sha256

import numpy as np

MOST_TEXT = 1 << 24  # bytes of a header or description
CHUNK = 1 << 20  # bytes that are read at a time
DESCRIPTION, CHECKSUM = "sklearn_rnn", "sha256"


def stored_dtype(network):
    """Return the dtype of a network's numbers in a file: little-endian."""
    return np.dtype(network.dtype).newbyteorder("<")


def write(path, description, network, params):
    """Write a description (a dict) and the flat vector of a network to a file.

    The name says in which format. What the file held before stays until the new one is whole.
    """
    kind = format_of(path)
    text = json.dumps(description, allow_nan=False)
    if len(text) > MOST_TEXT:
        raise ValueError(f"`file` cannot keep {len(text)} bytes of classes and names: too many.")
    params = params.astype(stored_dtype(network), copy=False)
    with replacing(path) as stream:
        kind.write(stream, text, network, params)


@contextmanager
def replacing(path):
    """Open a new file, which takes the place of `path` if all goes well."""
    path = os.path.realpath(path)  # a link stays a link
    new = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}")
    try:
        try:
            stream = open(new, "x+b")
        except OSError as error:  # of a name that nobody gave us
            raise type(error)(error.errno, error.strerror, path) from error
        with stream:
            with suppress(OSError):  # there is no old file, or nothing of rights here
                shutil.copymode(path, new)
            yield stream
        os.replace(new, path)
    finally:
        with suppress(OSError):  # it has its name by now, or never was
            os.unlink(new)


def read(path, network_of):
    """Return the description and the flat vector of a file.

    network_of(description) -> the network whose arrays it must hold, or a ValueError if it is no
    good.
    """
    kind = format_of(path)
    with open(path, "rb") as stream:
        try:
            file = kind(stream, os.fstat(stream.fileno()).st_size)
            description = from_json(file.text)
            network = network_of(description)
            starts = file.starts(network)
            params = np.empty(network.n_params, stored_dtype(network))
            for name, view in network.views(params).items():
                stream.seek(starts[name])
                if stream.readinto(view.reshape(-1).view(np.uint8)) != view.nbytes:
                    raise ValueError(f"it ends within {name!r}")
            if not file.is_intact(params):
                raise ValueError("its checksum is not that of its content")
        except ValueError as error:
            raise ValueError(f"`file` {os.fspath(path)!r} cannot be taken over: {error}") from error
    return description, params.astype(network.dtype, copy=False)


def format_of(path):
    """Return the class that reads and writes files of this name."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"`file` must be a str or path-like, got {type(path).__name__}.")
    suffix = os.path.splitext(os.fspath(path))[1]
    if suffix not in FORMATS:
        raise ValueError(
            f"`file` must have a name that ends in {' or '.join(FORMATS)}, got {path!r}."
        )
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would have us wait for ever
        raise ValueError(f"`file` must be the name of a file, {path!r} is something else.")
    return FORMATS[suffix]


def from_json(text):
    """Read JSON as it is meant: no name twice, finite numbers, nested like nothing of ours."""

    def without_twins(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("it has a name twice")
        return dict(pairs)

    def finite(number):
        if not math.isfinite(float(number)):
            raise ValueError(f"it has {number} in JSON")
        return float(number)

    rules = {
        "object_pairs_hook": without_twins,
        "parse_constant": finite,
        "parse_float": finite,
    }
    try:
        return json.loads(text, **rules)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None


def exactly(stream, n, at=None):
    """Read n bytes, from a place if one is given."""
    if at is not None:
        if at < 0:
            raise ValueError("a part of it would lie before its beginning")
        stream.seek(at)
    content = stream.read(n)
    if len(content) < n:
        raise ValueError("it is cut off")
    return content


def check_names(found, network):
    """Refuse arrays too many or too few."""
    wanted = {name for name, _, _ in network.layout}
    if found != wanted:
        missing, unknown = sorted(wanted - found), sorted(found - wanted)
        raise ValueError(f"of its arrays {missing} are missing, {unknown} are unknown")


class Safetensors:
    """A .safetensors file; description and checksum are in its `__metadata__`."""

    DTYPES = {"float32": "F32", "float64": "F64"}  # noqa: RUF012

    @classmethod
    def write(cls, stream, text, network, params):
        texts = {DESCRIPTION: text, CHECKSUM: cls.checksum(text, params)}
        header = {"__metadata__": texts}
        for name, at, shape in network.layout:
            begin, end = (i * params.itemsize for i in (at, at + math.prod(shape)))
            header[name] = {
                "dtype": cls.DTYPES[network.dtype],
                "shape": shape,
                "data_offsets": (begin, end),
            }
        header = cls.as_written(header)
        header += b" " * (-len(header) % 8)  # the numbers are aligned
        stream.write(struct.pack("<Q", len(header)) + header)
        stream.write(params)

    def __init__(self, stream, size):
        (length,) = struct.unpack("<Q", exactly(stream, 8))
        if length > min(MOST_TEXT, size - 8):
            raise ValueError(f"its header has {length} bytes, the file {size}")
        raw = exactly(stream, length)
        header = from_json(raw.decode())
        if not isinstance(header, dict):
            raise ValueError("its header names nothing")
        if self.as_written(header).ljust(length) != raw:
            raise ValueError("its header has spaces or letters that are written otherwise")
        texts = header.pop("__metadata__", None)
        texts = texts if isinstance(texts, dict) else {}
        self.text, self.stated = texts.get(DESCRIPTION), texts.get(CHECKSUM)
        if not (isinstance(self.text, str) and isinstance(self.stated, str)):
            raise ValueError(f"its metadata lack {DESCRIPTION!r} or {CHECKSUM!r}")
        self.entries, self.begin, self.size = header, 8 + length, size

    @staticmethod
    def as_written(header):
        return json.dumps(header, separators=(",", ":")).encode()

    @staticmethod
    def checksum(text, params):
        """Return the SHA-256 of a description and the numbers in their stored form."""
        digest = sha256(text.encode())
        digest.update(params.view(np.uint8))
        return digest.hexdigest()

    def is_intact(self, params):
        return self.checksum(self.text, params) == self.stated

    def starts(self, network):
        """Return where in the file each array begins, which may be in any order."""
        check_names(set(self.entries), network)
        starts, bounds = {}, []
        for name, _, shape in network.layout:
            n_bytes = math.prod(shape) * stored_dtype(network).itemsize
            entry = self.entries[name]
            offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
            begin = offsets[0] if isinstance(offsets, list) and offsets else None
            if type(begin) is not int or entry != {
                "dtype": self.DTYPES[network.dtype],
                "shape": list(shape),
                "data_offsets": [begin, begin + n_bytes],
            }:
                raise ValueError(f"{name!r} is not {network.dtype} of shape {shape}")
            starts[name] = self.begin + begin
            bounds.append((starts[name], starts[name] + n_bytes))
        bounds.sort()
        ends = [self.begin, *(end for _, end in bounds)]
        if [begin for begin, _ in bounds] != ends[:-1] or ends[-1] != self.size:
            raise ValueError("its arrays do not lie one after another up to its end")
        return starts


class Npz:
    """A .npz file; the description is an array of one string."""

    DIGITS = 64  # of the checksum

    @classmethod
    def write(cls, stream, text, network, params):
        np.savez(stream, **network.views(params), **{DESCRIPTION: np.array(text)})
        stream.seek(-2, os.SEEK_END)  # the length of the comment, which is 0
        stream.write(struct.pack("<H", cls.DIGITS))
        stream.write(cls.checksum(stream, stream.tell()))

    def __init__(self, stream, size):
        # What zipfile will take memory for, from the last record; there is no zip64.
        end = exactly(stream, 42, size - 42 - self.DIGITS)
        (directory,) = struct.unpack("<L", end[-10:-6])
        self.stated = exactly(stream, self.DIGITS)
        if end[20:24] != b"PK\5\6" or end[:4] == b"PK\6\7" or directory > MOST_TEXT:
            raise ValueError("it does not end as an archive of `save_weights` does")
        if not re.fullmatch(b"[0-9a-f]*", self.stated):
            raise ValueError("it has no checksum at its end")
        try:
            infos = zipfile.ZipFile(stream).infolist()
        except Exception as error:  # of many kinds
            raise ValueError(f"it is no zip archive: {error}") from error
        self.stream, self.size = stream, size
        self.members = {info.filename.removesuffix(".npy"): info for info in infos}
        if len(self.members) < len(infos):
            raise ValueError("it has a name twice")
        # Members that overlap would take more memory than the file.
        if sum(info.file_size for info in infos) > size:
            raise ValueError("its arrays are larger than the file: they must not be compressed")
        self.text = self.read_text(DESCRIPTION)

    @staticmethod
    def checksum(stream, n_bytes):
        """Return the SHA-256 of so many bytes from the beginning."""
        digest = sha256()
        for at in range(0, n_bytes, CHUNK):
            digest.update(exactly(stream, min(CHUNK, n_bytes - at), at))
        return digest.hexdigest().encode()

    def is_intact(self, params):
        return self.checksum(self.stream, self.size - self.DIGITS) == self.stated

    def starts(self, network):
        """Return where in the file each array begins."""
        check_names(self.members.keys() - {DESCRIPTION}, network)
        starts = {}
        for name, _, shape in network.layout:
            starts[name], n_bytes = self.find(name, stored_dtype(network).str, shape)
            if n_bytes != math.prod(shape) * stored_dtype(network).itemsize:
                raise ValueError(f"{name!r} has {n_bytes} bytes, not those of shape {shape}")
        return starts

    def read_text(self, name):
        if name not in self.members:
            raise ValueError(f"it lacks {name!r}")
        start, n_bytes = self.find(name, None, ())
        if n_bytes > 4 * MOST_TEXT:
            raise ValueError(f"{name!r} has {n_bytes} bytes")
        return exactly(self.stream, n_bytes, start).decode("utf-32-le")

    def find(self, name, dtype, shape):
        """Return where an array begins, and its bytes; dtype None: a string of any length."""
        info = self.members[name]
        if not 0 <= info.header_offset <= self.size:
            raise ValueError(f"{name!r} would lie outside of it")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise ValueError(f"{name!r} is compressed or encrypted")
        local = exactly(self.stream, 30, info.header_offset)
        start = info.header_offset + 30 + sum(struct.unpack("<HH", local[26:]))
        end = start + info.file_size
        magic = exactly(self.stream, 10, start)
        start += 10 + int.from_bytes(magic[8:], "little")
        if local[:4] != b"PK\3\4" or magic[:8] != b"\x93NUMPY\1\0" or not start <= end <= self.size:
            raise ValueError(f"{name!r} is no array, or is cut off")
        header = exactly(self.stream, start - self.stream.tell()).decode("latin-1")
        dtype = dtype or f"<U{(end - start) // 4}"
        wanted = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}"
        if header.strip() != wanted:
            raise ValueError(f"{name!r} is not {dtype} of shape {shape}")
        return start, end - start


FORMATS = {".safetensors": Safetensors, ".npz": Npz}
