"""Weight files: named arrays and a description in JSON, as .safetensors or .npz, without code.

Everything in a file is checked. The description determines which arrays there must be, and the file
must hold exactly these, with nothing between or besides, before memory is allocated for them. A
checksum makes sure that a changed file is rejected.

safetensors: 8 bytes with the length of a header, the header in JSON, the numbers, little-endian.
The checksum covers the description and the numbers; there is only one way to write the header.

npz: a zip archive, not compressed, of arrays in NumPy's format, as `numpy.savez` writes it: member
after member, the directory, its end. The checksum is the archive's comment and covers everything
before it, because readers ignore many parts of a zip archive.
"""

import json
import math
import os
import re
import secrets
import shutil
import struct
import zipfile
import zlib
from contextlib import contextmanager, suppress
from hashlib import sha256

import numpy as np

MOST_TEXT = 1 << 24  # bytes of a header or description
# How often its JSON may have each letter: ten values for each of 100 000 features, and fewer names
# and lists. Many small ones would take fifty times the memory of their text.
MOST_OF = {",": 1 << 20, ":": 1 << 17, "{": 1 << 17, "[": 1 << 17}
MOST_ARCHIVE = (1 << 31) - (1 << 20)  # bytes of arrays; zip64 begins there
MOST_DIRECTORY = 1 << 16  # bytes; there are 515 arrays at most
CHUNK = 1 << 20  # bytes read at a time
DESCRIPTION, CHECKSUM = "sklearn_rnn", "sha256"


def stored_dtype(network):
    """Return the dtype of a network's numbers in a file: little-endian."""
    return np.dtype(network.dtype).newbyteorder("<")


def write(path, description, network, params):
    """Write a description (a dict) and the flat vector of a network to a file.

    The name determines the format. An old file is kept until the new one is complete.
    """
    kind = format_of(path)
    text = json.dumps(description, allow_nan=False)
    try:
        check_text(text)
    except ValueError as error:
        raise ValueError(f"`file` cannot hold so many classes and names: {error}") from error
    params = params.astype(stored_dtype(network), copy=False)
    with replacing(path) as stream:
        kind.write(stream, text, network, params)


@contextmanager
def replacing(path):
    """Open a new file, which replaces `path` if no error occurs."""
    path = os.path.realpath(path)  # a link stays a link
    new = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}")
    try:
        try:
            stream = open(new, "x+b")
        except OSError as error:  # report the user's name, not the temporary one
            raise type(error)(error.errno, error.strerror, path) from error
        with stream:
            with suppress(OSError):  # there is no old file, or no permissions on this system
                shutil.copymode(path, new)
            yield stream
        os.replace(new, path)
    finally:
        with suppress(OSError):  # it has been renamed by now, or never existed
            os.unlink(new)


def read(path, network_of):
    """Return the description and the flat vector of a file.

    network_of(description) -> the network whose arrays the file must hold; it raises ValueError if
    the description is invalid.
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
                raise ValueError("its checksum does not match its content")
        except ValueError as error:
            raise ValueError(f"`file` {os.fspath(path)!r} cannot be loaded: {error}") from error
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
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would make us wait forever
        raise ValueError(f"`file` must be the name of a file, but {path!r} is something else.")
    return FORMATS[suffix]


def check_text(text):
    """Refuse JSON whose values would take much more memory than its text."""
    if len(text) > MOST_TEXT:
        raise ValueError(f"it has {len(text)} bytes of JSON, more than {MOST_TEXT}")
    if not text.isascii():
        raise ValueError("its JSON has letters that are not ASCII")
    for letter, most in MOST_OF.items():
        if text.count(letter) > most:
            raise ValueError(f"its JSON has {letter!r} more than {most} times")


def from_json(text):
    """Read JSON, but refuse duplicate names, numbers that are not finite, and deep nesting."""
    check_text(text)

    def without_twins(pairs):
        names = dict(pairs)
        if len(names) < len(pairs):
            raise ValueError("it has a name twice")
        return names

    def finite(number):
        value = float(number)
        if not math.isfinite(value):
            raise ValueError(f"it has {number} in JSON")
        return value

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
    """Read n bytes, from position `at` if it is given."""
    if at is not None:
        if at < 0:
            raise ValueError("a part of it would lie before its beginning")
        stream.seek(at)
    content = stream.read(n)
    if len(content) < n:
        raise ValueError("it is cut off")
    return content


def check_names(found, network):
    """Refuse unknown and missing arrays."""
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
        stream.write(struct.pack("<Q", len(header)) + header)
        stream.write(params)

    def __init__(self, stream, size):
        (length,) = struct.unpack("<Q", exactly(stream, 8))
        if length > min(MOST_TEXT, size - 8):
            raise ValueError(f"its header has {length} bytes, the file {size}")
        raw = exactly(stream, length)
        header = from_json(raw.decode("ascii"))
        if not isinstance(header, dict):
            raise ValueError("its header is not a JSON object")
        if self.as_written(header) != raw:
            raise ValueError("its header is not written as `save_weights` writes it")
        texts = header.pop("__metadata__", None)
        texts = texts if isinstance(texts, dict) else {}
        self.text, self.stated = texts.get(DESCRIPTION), texts.get(CHECKSUM)
        if not (isinstance(self.text, str) and isinstance(self.stated, str) and len(texts) == 2):
            raise ValueError(f"its metadata are not {DESCRIPTION!r} and {CHECKSUM!r}")
        self.entries, self.begin, self.size = header, 8 + length, size

    @staticmethod
    def as_written(header):
        header = json.dumps(header, separators=(",", ":")).encode()
        return header + b" " * (-len(header) % 8)  # the numbers are aligned

    @staticmethod
    def checksum(text, params):
        """Return the SHA-256 of a description and the numbers in their stored form."""
        digest = sha256(text.encode())
        digest.update(params.view(np.uint8))
        return digest.hexdigest()

    def is_intact(self, params):
        return self.checksum(self.text, params) == self.stated

    def starts(self, network):
        """Return where in the file each array begins; arrays may be in any order."""
        check_names(set(self.entries), network)
        starts, bounds = {}, []
        for name, _, shape in network.layout:
            n_bytes = math.prod(shape) * stored_dtype(network).itemsize
            entry = self.entries[name]
            offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
            begin = offsets[0] if isinstance(offsets, list) and offsets else None
            wanted = (
                {
                    "dtype": self.DTYPES[network.dtype],
                    "shape": list(shape),
                    "data_offsets": [begin, begin + n_bytes],
                }
                if type(begin) is int
                else None
            )
            if wanted is None or json.dumps(entry) != json.dumps(wanted):  # 3 is not 3.0
                raise ValueError(f"{name!r} is not {network.dtype} of shape {shape}")
            starts[name] = self.begin + begin
            bounds.append((starts[name], starts[name] + n_bytes))
        bounds.sort()
        ends = [self.begin, *(end for _, end in bounds)]
        if [begin for begin, _ in bounds] != ends[:-1] or ends[-1] != self.size:
            raise ValueError("its arrays do not follow one another up to its end")
        return starts


class Npz:
    """A .npz file; the description is an array of one string."""

    DIGITS = 64  # of the checksum

    @classmethod
    def write(cls, stream, text, network, params):
        if 4 * len(text) + params.nbytes > MOST_ARCHIVE:
            raise ValueError("`file` must be a .safetensors file for this many weights.")
        np.savez(stream, **network.views(params), **{DESCRIPTION: np.array(text)})
        stream.seek(-2, os.SEEK_END)  # the length of the comment, which is 0
        stream.write(struct.pack("<H", cls.DIGITS))
        stream.write(cls.checksum(stream, stream.tell()))

    def __init__(self, stream, size):
        end = exactly(stream, 42, size - 42 - self.DIGITS)
        self.stated = exactly(stream, self.DIGITS)
        n_members, directory, begin = struct.unpack("<HLL", end[30:40])
        # There is one disk and no zip64, and the end record follows the directory directly.
        form = struct.pack("<4s4H", b"PK\5\6", 0, 0, n_members, n_members) + end[32:40]
        form += struct.pack("<H", self.DIGITS)
        is_there = begin + directory + 22 + self.DIGITS == size
        if end[:4] == b"PK\6\7" or end[20:] != form or not is_there or directory > MOST_DIRECTORY:
            raise ValueError("it does not end as an archive of `save_weights` does")
        if not re.fullmatch(b"[0-9a-f]*", self.stated):
            raise ValueError("it has no checksum at its end")
        try:
            infos = zipfile.ZipFile(stream).infolist()
        except Exception as error:  # of many kinds
            raise ValueError(f"it is not a zip archive: {error}") from error
        self.stream, self.size = stream, size
        self.members = {info.filename.removesuffix(".npy"): info for info in infos}
        if len(self.members) < len(infos):
            raise ValueError("it has a name twice")
        if len(infos) != n_members or sum(46 + len(i.orig_filename) for i in infos) != directory:
            raise ValueError("its directory does not match its members")
        end_of_last = 0
        for info in infos:
            if info.header_offset != end_of_last:
                raise ValueError(f"{info.filename!r} does not begin where the one before it ends")
            end_of_last = self.begin_of(info) + info.file_size
        if end_of_last != begin:
            raise ValueError("its directory does not begin where the last array ends")
        self.text = self.read_text(DESCRIPTION)

    @staticmethod
    def checksum(stream, n_bytes):
        """Return the SHA-256 of the first n_bytes bytes."""
        digest = sha256()
        for at in range(0, n_bytes, CHUNK):
            digest.update(exactly(stream, min(CHUNK, n_bytes - at), at))
        return digest.hexdigest().encode()

    def begin_of(self, info):
        """Return where the data of a member begin; its header must agree with the directory."""
        name, n_bytes = info.filename.encode(), info.file_size
        plain = not (info.flag_bits or info.compress_type or info.extra or info.comment)
        if not plain or info.compress_size != n_bytes or info.orig_filename != info.filename:
            raise ValueError(f"{info.filename!r} is compressed, encrypted or has additional fields")
        year, month, day, hour, minute, second = info.date_time
        time, date = hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day
        local = exactly(self.stream, 30 + len(name), info.header_offset)
        n_extra = int.from_bytes(local[28:30], "little")
        extra = exactly(self.stream, n_extra)
        for size in (n_bytes, 0xFFFFFFFF):  # the latter if zip64 fields hold the sizes
            written = (0, 0, time, date, info.CRC, size, size, len(name), n_extra)
            as_written = struct.pack("<4sH4H3L2H", b"PK\3\4", info.extract_version, *written) + name
            if local == as_written and extra in (
                struct.pack("<HHQQ", 1, 16, n_bytes, n_bytes),
                b"",
            ):
                return info.header_offset + len(local) + n_extra
        raise ValueError(f"the header of {info.filename!r} does not match the directory")

    def is_intact(self, params):
        """Tell whether all checksums are right, including those that other zip readers check."""
        for info in self.members.values():
            crc, begin = 0, self.begin_of(info)
            for at in range(0, info.file_size, CHUNK):
                n_bytes = min(CHUNK, info.file_size - at)
                crc = zlib.crc32(exactly(self.stream, n_bytes, begin + at), crc)
            if crc != info.CRC:
                return False
        return self.checksum(self.stream, self.size - self.DIGITS) == self.stated

    def starts(self, network):
        """Return where in the file each array begins."""
        check_names(self.members.keys() - {DESCRIPTION}, network)
        names = [*(name for name, _, _ in network.layout), DESCRIPTION]
        if [info.filename for info in self.members.values()] != [f"{name}.npy" for name in names]:
            raise ValueError("its arrays are not named and ordered like those of the network")
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
        """Return where an array begins, and its size in bytes; dtype None: any string."""
        info = self.members[name]
        start = self.begin_of(info)
        end = start + info.file_size
        magic = exactly(self.stream, 10, start)
        start += 10 + int.from_bytes(magic[8:], "little")
        if magic[:8] != b"\x93NUMPY\1\0" or not start <= end <= self.size:
            raise ValueError(f"{name!r} is not an array, or is cut off")
        header = exactly(self.stream, start - self.stream.tell()).decode("latin-1")
        dtype = dtype or f"<U{(end - start) // 4}"
        wanted = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}"
        padded = len(header) + 10 in (64, 128, 192)
        if not padded or header != wanted.ljust(len(header) - 1) + "\n":
            raise ValueError(f"{name!r} is not {dtype} of shape {shape}")
        return start, end - start


FORMATS = {".safetensors": Safetensors, ".npz": Npz}
